//! What the checker reads beside the store's own traits: rows as they are stored, cell by cell.

use std::fmt;

use model::id::TenantId;

use crate::StoreError;

/// A stored value.
///
/// Sorts as every engine sorts its keys: numbers by size, texts and ids by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number, a flag (0 or 1), an instant in microseconds or a date in days.
    Int(i64),
    /// A text, a word, or JSON.
    Text(String),
    /// An id or a digest.
    Bytes(Vec<u8>),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// One stored row: the key without the tenant, then the other columns, as a [`Table`] names them.
pub type Row = Vec<Cell>;

/// A table as the checker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The primary key without the tenant.
    pub key: &'static [&'static str],
    /// The other columns that are looked at.
    pub columns: &'static [&'static str],
}

/// Reads rows as they are stored. One reader sees one state from its first call until it is dropped.
pub trait Audit: Send {
    /// Rows of one tenant in the order of the key, after one (its first cells are a key; empty: from the start), so many.
    fn rows(
        &mut self,
        tenant: &TenantId,
        table: &Table,
        after: &[Cell],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// What the engine itself finds wrong with its files, in its own words; empty where all is well.
    fn damage(&mut self) -> Result<Vec<String>, StoreError>;
}

/// The ledger.
pub const EVENTS: Table =
    Table { name: "events", key: &["seq"], columns: &["at", "kind", "sku", "order_id", "data", "promise"] };
/// Locations.
pub const LOCATIONS: Table = Table { name: "locations", key: &["location"], columns: &["settings"] };
/// Pools; not their version, which counts commits and not events.
pub const POOLS: Table = Table { name: "pools", key: &["sku"], columns: &["settling", "item"] };
/// Selling policies.
pub const POLICIES: Table = Table { name: "policies", key: &["sku", "channel"], columns: &["policy"] };
/// Supplies, open and closed.
pub const SUPPLIES: Table = Table {
    name: "supplies",
    key: &["supply_id"],
    columns: &[
        "sku",
        "location",
        "kind",
        "state",
        "quantity",
        "expected_on",
        "late_expected_days",
        "late_promised_days",
        "late_learned_from",
        "supplier",
        "reference",
        "created_at",
        "received_at",
        "claims",
        "ring_fenced",
    ],
};
/// Orders; not their contact, which the ledger does not hold.
pub const ORDERS: Table =
    Table { name: "orders", key: &["order_id"], columns: &["reference", "customer", "placed_by", "body"] };
/// Every peg in its supply's queue.
pub const QUEUE: Table = Table {
    name: "queue",
    key: &["supply_id", "wanted_on", "order_id", "line"],
    columns: &["quantity", "sku", "open", "unit_price", "currency", "told", "released"],
};
/// Holds.
pub const HOLDS: Table = Table { name: "holds", key: &["hold_id"], columns: &["hold"] };
/// Records of the shelf that the ledger holds too.
pub const RECORDS: Table =
    Table { name: "records", key: &["kind", "id"], columns: &["owner", "state", "due", "body"] };
/// Timers.
pub const TIMERS: Table = Table { name: "timers", key: &["due_at", "kind", "id"], columns: &[] };

/// The tables that the ledger makes again.
///
/// Not among them, because they hold what the ledger does not: `replays` and `replay_keys`, `work` and `timers` (what keeps
/// the house running), `private_records` (what the ledger must not hold), `customer_orders` and `marks` (an index, held against the orders), `tenants` and `api_keys`.
pub const DERIVED: [Table; 8] = [LOCATIONS, POOLS, POLICIES, SUPPLIES, ORDERS, QUEUE, HOLDS, RECORDS];
/// Orders by customer, as far as the index has come.
pub const CUSTOMER_ORDERS: Table =
    Table { name: "customer_orders", key: &["era", "customer", "order_id"], columns: &[] };
