//! Draft purchase orders: what to buy, a row a SKU, for a supplier or another program.

use std::io::Write;

use super::{
    money::Currency,
    write::{WriteError, Writer},
};

/// One SKU of a draft order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurchaseRow {
    /// Who it is bought from; empty where nobody is named.
    pub supplier: String,
    /// The merchant's code.
    pub sku: String,
    /// What people call it.
    pub title: String,
    /// Units.
    pub quantity: i64,
    /// What one costs, in minor units.
    pub unit_cost: i64,
    /// What all cost, in minor units.
    pub cost: i64,
    /// The currency of both.
    pub currency: Currency,
    /// When to order, `2026-12-01`.
    pub order_on: String,
    /// When it would be here.
    pub expected_on: String,
}

const HEADER: [&str; 9] =
    ["supplier", "sku", "title", "quantity", "unit_cost", "cost", "currency", "order_on", "expected_on"];

/// Writes draft orders, safe to open in a spreadsheet.
///
/// Errors: `Row`.
pub fn writer<W: Write>(out: W) -> Result<Writer<W, PurchaseRow>, WriteError> {
    Writer::new(
        out,
        &HEADER,
        Box::new(|row: &PurchaseRow, line| {
            line.text(&row.supplier)
                .text(&row.sku)
                .text(&row.title)
                .value(&row.quantity)
                .money(Some(row.unit_cost), row.currency)
                .money(Some(row.cost), row.currency)
                .value(row.currency.code())
                .value(&row.order_on)
                .value(&row.expected_on);
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_a_table_that_no_spreadsheet_runs() {
        let row = PurchaseRow {
            supplier: "=Pine".into(),
            sku: "MUG".into(),
            title: "Mug, red".into(),
            quantity: 24,
            unit_cost: 1_500,
            cost: 36_000,
            currency: Currency::USD,
            order_on: "2026-12-01".into(),
            expected_on: "2026-12-21".into(),
        };
        let mut writer = writer(Vec::new()).unwrap();
        writer.write(&row).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "supplier,sku,title,quantity,unit_cost,cost,currency,order_on,expected_on\n\
             '=Pine,MUG,\"Mug, red\",24,15.00,360.00,USD,2026-12-01,2026-12-21\n"
        );
    }
}
