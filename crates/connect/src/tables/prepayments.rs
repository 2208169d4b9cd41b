//! `prepayments`: what was paid for goods, by day and article, with the tags by which a campaign is summed up. Out only.

use std::io::Write;

use super::{
    Currency,
    money::format,
    write::{Line, WriteError, Writer},
};

/// The columns, in the order they are written. Amounts have the currency's decimals.
pub const COLUMNS: [&str; 8] =
    ["day", "sku", "currency", "received", "refunded", "earned", "unearned", "tags"];

/// What changed on one day for one article, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepaymentRow {
    /// The day, `2026-12-01`.
    pub day: String,
    /// The article's key.
    pub sku: String,
    /// The currency.
    pub currency: Currency,
    /// Came.
    pub received: i64,
    /// Went back.
    pub refunded: i64,
    /// Earned by goods that left.
    pub earned: i64,
    /// What the article is tagged with, such as its campaign.
    pub tags: Vec<String>,
}

/// Writes sums; `unearned` is received less refunded less earned.
///
/// Errors: `Row` when the header is not taken.
pub fn writer<W: Write>(out: W) -> Result<Writer<W, PrepaymentRow>, WriteError> {
    let fill = |row: &PrepaymentRow, line: &mut Line| {
        let unearned = row.received.saturating_sub(row.refunded).saturating_sub(row.earned);
        line.text(&row.day).text(&row.sku).text(row.currency.code());
        for amount in [row.received, row.refunded, row.earned, unearned] {
            line.value(&format(amount, row.currency));
        }
        line.text(&row.tags.join(", "));
    };
    Writer::new(out, &COLUMNS, Box::new(fill))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_with_what_is_left_of_them() {
        let mut table = writer(Vec::new()).unwrap();
        for (sku, currency, received) in [("=MUG", "USD", 800_000), ("CUP", "JPY", 8_000)] {
            let currency = currency.parse().unwrap();
            let row = PrepaymentRow {
                day: "2026-12-01".to_owned(),
                sku: sku.to_owned(),
                currency,
                received,
                refunded: 0,
                earned: received / 100 * 35,
                tags: vec!["spring".to_owned(), "2027".to_owned()],
            };
            table.write(&row).unwrap();
        }
        let text = String::from_utf8(table.finish().unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0].trim_start_matches('\u{feff}'),
            "day,sku,currency,received,refunded,earned,unearned,tags"
        );
        assert!(lines[1].ends_with("USD,8000.00,0.00,2800.00,5200.00,\"spring, 2027\""), "{}", lines[1]);
        assert!(!lines[1].contains(",=MUG"), "nothing that a spreadsheet would work out: {}", lines[1]);
        assert_eq!(lines[2], "2026-12-01,CUP,JPY,8000,0,2800,5200,\"spring, 2027\"");
    }
}
