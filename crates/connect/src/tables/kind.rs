//! The kinds of tables there are, and how a header tells which one it is.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use super::error::OpenError;
use super::header::normal;
use super::rows::open_header;

/// A kind of table, by the name the command line uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `skus`: our own list of articles.
    Skus,
    /// `stock`: our own count of what is where.
    Stock,
    /// `supplies`: our own list of what is coming.
    Supplies,
    /// `orders`: our own list of orders, one row a line.
    Orders,
    /// `shopify-products`: Shopify's product export.
    ShopifyProducts,
    /// `shopify-inventory`: Shopify's inventory export.
    ShopifyInventory,
    /// `woocommerce-products`: WooCommerce's product export.
    WoocommerceProducts,
    /// `online-retail`: the UCI "Online Retail II" invoices.
    OnlineRetail,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Skus,
        Self::Stock,
        Self::Supplies,
        Self::Orders,
        Self::ShopifyProducts,
        Self::ShopifyInventory,
        Self::WoocommerceProducts,
        Self::OnlineRetail,
    ];

    /// Returns the kind's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skus => "skus",
            Self::Stock => "stock",
            Self::Supplies => "supplies",
            Self::Orders => "orders",
            Self::ShopifyProducts => "shopify-products",
            Self::ShopifyInventory => "shopify-inventory",
            Self::WoocommerceProducts => "woocommerce-products",
            Self::OnlineRetail => "online-retail",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no kind's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?}: one of {kinds}", kinds = Kind::ALL.map(Kind::as_str).join(", "))]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// Reads only a file's header, for [`recognise`].
///
/// Shape: the names in the file's order, trimmed.
/// Errors: those of a file that is no table.
pub fn read_header(source: impl Read) -> Result<Vec<String>, OpenError> {
    open_header(source).map(|(_, names)| names)
}

/// Tells which kind a header belongs to, by columns that only that kind has; `None` if it could be anything.
///
/// The foreign exports are looked for first, since `sku` and `title` alone would make them our own.
#[must_use]
pub fn recognise<S: AsRef<str>>(header: &[S]) -> Option<Kind> {
    let names: Vec<_> = header.iter().map(|name| normal(name.as_ref())).collect();
    let has = |name: &str| names.iter().any(|found| *found == normal(name));
    let any = |wanted: &[&str]| wanted.iter().any(|name| has(name));
    let handle = any(&["handle", "url handle"]);

    if any(&["invoice", "invoiceno"]) && has("stockcode") && has("quantity") && has("invoicedate") {
        return Some(Kind::OnlineRetail);
    }
    if has("type") && has("sku") && has("name") && any(&["backorders allowed?", "in stock?", "regular price"])
    {
        return Some(Kind::WoocommerceProducts);
    }
    if handle && any(&["variant sku", "variant price", "variant inventory qty"]) {
        return Some(Kind::ShopifyProducts);
    }
    if has("handle")
        && has("sku")
        && any(&["location", "hs code", "coo", "on hand (current)"])
        && !has("price")
    {
        return Some(Kind::ShopifyInventory);
    }
    if handle && has("title") && has("sku") && any(&["price", "inventory quantity"]) {
        return Some(Kind::ShopifyProducts);
    }
    if has("reference") && has("sku") && has("quantity") && has("expected_on") {
        return Some(Kind::Supplies);
    }
    if has("reference") && has("sku") && has("quantity") {
        return Some(Kind::Orders);
    }
    if has("sku") && has("on_hand") {
        return Some(Kind::Stock);
    }
    (has("sku") && any(&["title", "price", "when_out", "lead_time_days", "backorder_cap"]))
        .then_some(Kind::Skus)
}

#[cfg(test)]
mod tests {
    use super::super::{
        online_retail, orders, shopify_inventory, shopify_products, skus, stock, supplies,
        woocommerce_products,
    };
    use super::*;

    #[test]
    fn every_sample_is_told_by_its_header() {
        let samples: &[(Kind, &str)] = &[
            (Kind::Skus, skus::tests::SAMPLE),
            (Kind::Skus, "sku,title"),
            (Kind::Stock, stock::tests::SAMPLE),
            (Kind::Supplies, supplies::tests::SAMPLE),
            (Kind::Orders, orders::tests::SAMPLE),
            (Kind::ShopifyProducts, shopify_products::tests::OLDER),
            (Kind::ShopifyProducts, shopify_products::tests::NEWER),
            (Kind::ShopifyInventory, shopify_inventory::tests::CURRENT),
            (Kind::ShopifyInventory, shopify_inventory::tests::EARLIER),
            (Kind::ShopifyInventory, shopify_inventory::tests::BY_COLUMN),
            (Kind::WoocommerceProducts, woocommerce_products::tests::SAMPLE),
            (Kind::OnlineRetail, online_retail::tests::SAMPLE),
        ];
        for (kind, sample) in samples {
            let header = read_header(sample.as_bytes()).unwrap();
            assert_eq!(recognise(&header), Some(*kind), "{header:?}");
        }
        assert_eq!(recognise(&["name", "colour"]), None);
        assert_eq!(recognise::<&str>(&[]), None);
    }

    #[test]
    fn names_come_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "SKUs".parse::<Kind>().unwrap_err().to_string();
        assert!(error.starts_with("unknown kind \"SKUs\": one of skus, stock,"), "{error}");
    }
}
