//! How SKUs are bought.

/// The kind of record that says how a SKU is bought; its id is the SKU.
pub const PURCHASE_TERMS: &str = "purchase_terms";
