//! `shopify-inventory`: Shopify's inventory export.
//!
//! Shopify counts *on hand* = *available* + *committed* (in open orders) + *unavailable* (damaged, held back). A row
//! says of one article at one location:
//!
//! - `on_hand`: units physically there, never negative: the *On hand* cell, or 0 when it is below zero;
//! - `owed`: units already sold that nothing there covers: what *Available* is below zero.
//!
//! | On hand | Committed | Unavailable | Available | `on_hand` | `owed` | why |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 10 | 3 | 1 | 6 | 10 | 0 | three sold, and they are there |
//! | 0 | 4 | 0 | −4 | 0 | 4 | four sold, none there |
//! | 2 | 5 | 1 | −4 | 2 | 4 | of two there one cannot be sold, so one of five is covered |
//! | −4 | 0 | 0 | −4 | 0 | 4 | four were shipped that the books did not have |
//! | absent | absent | absent | −4 | 0 | 4 | the export of available quantities only |
//! | absent | absent | absent | 7 | 7 | 0 | at least seven are there |
//! | not stocked | | | not stocked | – | – | [`Level::NotStocked`]: neither zero nor unknown |
//!
//! *On hand (new)*, which a merchant fills in to correct the count, wins over *On hand (current)*. Where *Available* is
//! not given, or a new count makes it stale, it is computed. Where it is given and does not agree with the other three,
//! the smaller of the two counts, so that nothing is sold that is not there, and [`InventoryRow::adds_up`] is false.
//!
//! Three layouts are read: today's (`… (not editable)`, `On hand (current)`, `On hand (new)`), the earlier one
//! (`Location`, `Available`, `On hand`), and the one with a column for each location, whose cells are available
//! quantities; there an empty cell says nothing about that location.
//!
//! Source: help.shopify.com/en/manual/products/inventory/setup/inventory-csv

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;

use super::cells::{Cells, limit};
use super::error::{OpenError, RowError};
use super::header::{Column, normal, optional, required};
use super::quantity::{self, Count};
use super::rows::{Rows, Table};
use super::shopify_products::sku;

const HANDLE: usize = 0;
const SKU: usize = 1;
const LOCATION: usize = 2;
const INCOMING: usize = 3;
const UNAVAILABLE: usize = 4;
const COMMITTED: usize = 5;
const AVAILABLE: usize = 6;
const ON_HAND: usize = 7;
const ON_HAND_NEW: usize = 8;
const OPTIONS: [usize; 3] = [9, 10, 11];

const PLACES: &[Column] = &[
    optional(&["Handle"]),
    required(&["SKU"]),
    optional(&["Location"]),
    optional(&["Incoming (not editable)", "Incoming"]),
    optional(&["Unavailable (not editable)", "Unavailable"]),
    optional(&["Committed (not editable)", "Committed"]),
    optional(&["Available (not editable)", "Available"]),
    optional(&["On hand (current)", "On hand"]),
    optional(&["On hand (new)"]),
    optional(&["Option1 Value"]),
    optional(&["Option2 Value"]),
    optional(&["Option3 Value"]),
];

/// Columns of the layout with a column for each location that are no locations.
const NO_LOCATIONS: &[&str] = &[
    "Handle",
    "Title",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "SKU",
    "Barcode",
    "HS Code",
    "COO",
    "Bin name",
];

/// What there is of an article at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The location does not keep the article.
    NotStocked,
    /// It does.
    Stocked {
        /// Units physically there, zero or more.
        on_hand: i64,
        /// Units sold that nothing there covers, zero or more.
        owed: i64,
        /// Units in open orders, covered or not; 0 when not given.
        committed: i64,
        /// Units there that cannot be sold; 0 when not given.
        unavailable: i64,
    },
}

impl fmt::Display for Level {
    /// Writes what a person is shown: `10 on hand`, `4 owed`, `2 on hand, 4 owed`, `not stocked`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStocked => f.write_str("not stocked"),
            Self::Stocked { on_hand: 0, owed, .. } if *owed > 0 => write!(f, "{owed} owed"),
            Self::Stocked { on_hand, owed: 0, .. } => write!(f, "{on_hand} on hand"),
            Self::Stocked { on_hand, owed, .. } => write!(f, "{on_hand} on hand, {owed} owed"),
        }
    }
}

/// One article at one location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// The row in the file. In the layout with a column for each location, several rows share it.
    pub row: u64,
    /// The article's key.
    pub sku: String,
    /// The location's name.
    pub location: String,
    /// What there is.
    pub level: Level,
    /// Units on their way, as Shopify knows them; 0 when not given.
    pub incoming: i64,
    /// Whether the row's quantities agree with each other.
    pub adds_up: bool,
}

/// Reads stock levels.
///
/// Errors: `OpenError` (`MissingColumns` also when there is neither a location column nor a quantity); rows: `no_sku`,
/// `no_location`, `no_quantity` (neither on hand nor available is given: zero is not assumed), those of
/// [`super::quantity::parse`].
pub fn read<R: Read>(source: R) -> Result<Rows<R, InventoryRow>, OpenError> {
    let table = Table::open(source, PLACES)?;
    let has = |name: &str| table.header.contains(&normal(name));
    if has("Location") {
        if !PLACES[AVAILABLE].names.iter().chain(PLACES[ON_HAND].names).any(|name| has(name)) {
            return Err(missing(&table, "On hand (current)"));
        }
        let read = |cells: &Cells<'_>, out: &mut VecDeque<InventoryRow>| {
            out.push_back(read_row(cells)?);
            Ok(())
        };
        return Ok(Rows::new(table, Box::new(read)));
    }
    let locations = location_columns(&table);
    if locations.is_empty() {
        return Err(missing(&table, "Location"));
    }
    let read = move |cells: &Cells<'_>, out: &mut VecDeque<InventoryRow>| read_wide(cells, &locations, out);
    Ok(Rows::new(table, Box::new(read)))
}

fn missing<R: Read>(table: &Table<R>, name: &'static str) -> OpenError {
    OpenError::MissingColumns { missing: vec![name], found: table.header.iter().take(20).cloned().collect() }
}

fn location_columns<R: Read>(table: &Table<R>) -> Vec<(usize, String)> {
    let known: Vec<_> = NO_LOCATIONS.iter().map(|name| normal(name)).collect();
    let quantity = |name: &String| {
        PLACES[INCOMING..=ON_HAND_NEW].iter().flat_map(|c| c.names).any(|n| normal(n) == *name)
    };
    let names = table.header.iter().zip(&table.names).enumerate();
    names
        .filter(|(_, (name, _))| !name.is_empty() && !known.contains(name) && !quantity(name))
        .map(|(index, (_, name))| (index, name.clone()))
        .collect()
}

fn read_row(cells: &Cells<'_>) -> Result<InventoryRow, RowError> {
    let sku = named_sku(cells)?;
    let location = cells.needed(LOCATION, limit::LOCATION, "no_location")?;
    let new = cells.count(ON_HAND_NEW)?;
    let on_hand = match new {
        Some(count) => Some(count),
        None => cells.count(ON_HAND)?,
    };
    let available = if new.is_some() { None } else { cells.count(AVAILABLE)? };
    let incoming = number(cells, INCOMING)?;
    let (level, adds_up) = level(cells, on_hand, available)?;
    Ok(InventoryRow { row: cells.row(), sku, location, level, incoming, adds_up })
}

fn level(
    cells: &Cells<'_>,
    on_hand: Option<Count>,
    available: Option<Count>,
) -> Result<(Level, bool), RowError> {
    let (committed, unavailable) = (number(cells, COMMITTED)?, number(cells, UNAVAILABLE)?);
    let stocked = |on_hand: i64, available: i64| Level::Stocked {
        on_hand: on_hand.max(0),
        owed: available.min(0).saturating_neg(),
        committed,
        unavailable,
    };
    let tied_up = committed.saturating_add(unavailable);
    match (on_hand, available) {
        (Some(Count::Units(there)), Some(Count::Units(given))) => {
            let computed = there.saturating_sub(tied_up);
            Ok((stocked(there, given.min(computed)), given == computed))
        }
        (Some(Count::Units(there)), other) => {
            Ok((stocked(there, there.saturating_sub(tied_up)), other.is_none()))
        }
        (None, Some(Count::Units(given))) => {
            // What is sold and covered, or held back, is there as well.
            let there = given.saturating_add(tied_up).max(0);
            Ok((stocked(there, given), true))
        }
        (Some(Count::NotStocked), Some(Count::Units(given))) if given != 0 => {
            Ok((stocked(given, given), false))
        }
        (Some(Count::NotStocked), _) | (None, Some(Count::NotStocked)) => Ok((Level::NotStocked, true)),
        (None, None) => {
            let column = if cells.has(ON_HAND) { ON_HAND } else { AVAILABLE };
            Err(cells.error(
                column,
                "no_quantity",
                "neither on hand nor available is given: zero is not assumed",
            ))
        }
    }
}

/// A quantity that only informs: zero when it is empty, or says that the article is not stocked.
fn number(cells: &Cells<'_>, column: usize) -> Result<i64, RowError> {
    Ok(match cells.count(column)? {
        Some(Count::Units(units)) => units,
        Some(Count::NotStocked) | None => 0,
    })
}

fn named_sku(cells: &Cells<'_>) -> Result<String, RowError> {
    let handle = cells.trimmed(HANDLE, limit::NAME)?.unwrap_or_else(|| "this variant".to_owned());
    let mut values = Vec::new();
    for column in OPTIONS {
        values.extend(cells.trimmed(column, limit::NAME)?);
    }
    let variant = (!values.is_empty()).then(|| values.join(" / "));
    sku(cells, SKU, &handle, variant.as_deref())
}

fn read_wide(
    cells: &Cells<'_>,
    locations: &[(usize, String)],
    out: &mut VecDeque<InventoryRow>,
) -> Result<(), RowError> {
    let sku = named_sku(cells)?;
    let row = cells.row();
    for (index, location) in locations {
        let fail = |code, detail: String| RowError {
            row,
            code,
            column: None,
            detail: format!("{location}: {detail}"),
        };
        let raw = cells.raw_at(*index, limit::NAME)?;
        let level = match quantity::parse(&raw).map_err(|error| fail(error.code, error.detail))? {
            None => continue,
            Some(Count::NotStocked) => Level::NotStocked,
            Some(count) => {
                Level::Stocked { on_hand: count.on_hand(), owed: count.owed(), committed: 0, unavailable: 0 }
            }
        };
        let (sku, location) = (sku.clone(), location.clone());
        out.push_back(InventoryRow { row, sku, location, level, incoming: 0, adds_up: true });
    }
    if out.is_empty() {
        let detail = "no location has a quantity: zero is not assumed".to_owned();
        return Err(RowError { row, code: "no_quantity", column: None, detail });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const CURRENT: &str = "\
Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,Location,Bin name,Incoming (not editable),Unavailable (not editable),Committed (not editable),Available (not editable),On hand (current),On hand (new)
apron,Apron,Size,S,,,,,APR-S,,DE,Main,A1,5,1,3,6,10,
apron,Apron,Size,S,,,,,APR-S,,DE,Shop,,0,0,4,-4,0,
apron,Apron,Size,M,,,,,APR-M,,DE,Main,,0,1,5,-4,2,
apron,Apron,Size,M,,,,,APR-M,,DE,Shop,,0,0,0,-4,-4,
apron,Apron,Size,L,,,,,APR-L,,DE,Main,,0,0,0,not stocked,Not stocked,
apron,Apron,Size,L,,,,,APR-L,,DE,Shop,,0,0,2,3,5,9
apron,Apron,Size,XL,,,,,,,DE,Shop,,0,0,0,3,3,
apron,Apron,Size,XS,,,,,APR-XS,,DE,Shop,,0,0,0,,,
apron,Apron,Size,XS,,,,,APR-XS,,DE,,,0,0,0,1,1,
apron,Apron,Size,XS,,,,,APR-XS,,DE,Main,,0,0,0,1.5,1,
apron,Apron,Size,XS,,,,,'007,,DE,Main,,0,0,0,−4,0,
apron,Apron,Size,XS,,,,,APR-XS,,DE,Main,,0,0,0,not stocked,not stocked,50
";

    pub(crate) const EARLIER: &str = "\
Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,Location,Available
apron,Apron,Size,S,,,,,APR-S,,DE,Main,7
apron,Apron,Size,S,,,,,APR-S,,DE,Shop,-4
apron,Apron,Size,S,,,,,APR-S,,DE,Attic,not stocked
";

    pub(crate) const BY_COLUMN: &str = "\
Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,12 Main Street,Shop
apron,Apron,Size,S,,,,,APR-S,,DE,7,-4
apron,Apron,Size,M,,,,,APR-M,,DE,not stocked,
apron,Apron,Size,L,,,,,APR-L,,DE,,
apron,Apron,Size,XL,,,,,APR-XL,,DE,3,half
";

    fn stocked(on_hand: i64, owed: i64, committed: i64, unavailable: i64) -> Level {
        Level::Stocked { on_hand, owed, committed, unavailable }
    }

    type Outcome = (u64, String, String, Level, bool);

    fn check(text: &str, expect: &[(u64, &str, &str, Level, bool)], errors: &[(u64, &str)]) {
        let rows: Vec<_> = read(text.as_bytes()).unwrap().collect();
        let got: Vec<Outcome> = rows
            .iter()
            .flatten()
            .map(|r| (r.row, r.sku.clone(), r.location.clone(), r.level, r.adds_up))
            .collect();
        let expect: Vec<Outcome> =
            expect.iter().map(|e| (e.0, e.1.to_owned(), e.2.to_owned(), e.3, e.4)).collect();
        assert_eq!(got, expect);
        let got: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err().map(|e| (e.row, e.code))).collect();
        assert_eq!(got, errors);
    }

    #[test]
    fn negatives_are_owed_and_nothing_is_silently_zero() {
        check(
            CURRENT,
            &[
                (2, "APR-S", "Main", stocked(10, 0, 3, 1), true),
                (3, "APR-S", "Shop", stocked(0, 4, 4, 0), true),
                (4, "APR-M", "Main", stocked(2, 4, 5, 1), true),
                (5, "APR-M", "Shop", stocked(0, 4, 0, 0), true),
                (6, "APR-L", "Main", Level::NotStocked, true),
                (7, "APR-L", "Shop", stocked(9, 0, 2, 0), true),
                (12, "007", "Main", stocked(0, 4, 0, 0), false),
                (13, "APR-XS", "Main", stocked(50, 0, 0, 0), true),
            ],
            &[(8, "no_sku"), (9, "no_quantity"), (10, "no_location"), (11, "fraction")],
        );
        let rows: Vec<_> = read(CURRENT.as_bytes()).unwrap().flatten().collect();
        assert_eq!(rows[0].incoming, 5);
        let shown: Vec<_> = rows.iter().take(5).map(|row| row.level.to_string()).collect();
        assert_eq!(shown, ["10 on hand", "4 owed", "2 on hand, 4 owed", "4 owed", "not stocked"]);
    }

    #[test]
    fn available_alone_tells_what_is_there_or_owed() {
        check(
            EARLIER,
            &[
                (2, "APR-S", "Main", stocked(7, 0, 0, 0), true),
                (3, "APR-S", "Shop", stocked(0, 4, 0, 0), true),
                (4, "APR-S", "Attic", Level::NotStocked, true),
            ],
            &[],
        );
    }

    #[test]
    fn a_column_for_each_location_gives_a_row_for_each() {
        check(
            BY_COLUMN,
            &[
                (2, "APR-S", "12 Main Street", stocked(7, 0, 0, 0), true),
                (2, "APR-S", "Shop", stocked(0, 4, 0, 0), true),
                (3, "APR-M", "12 Main Street", Level::NotStocked, true),
            ],
            &[(4, "no_quantity"), (5, "bad_quantity")],
        );
        let error = read(BY_COLUMN.as_bytes()).unwrap().last().unwrap().unwrap_err();
        assert!(error.detail.starts_with("Shop: \"half\""), "{}", error.detail);
    }

    #[test]
    fn a_file_without_locations_or_quantities_is_refused() {
        for (header, expect) in [
            (
                "Handle,Title,SKU,HS Code,COO\n",
                "missing column: Location (found: handle, title, sku, hs code, coo)",
            ),
            ("Handle,SKU,Location\n", "missing column: On hand (current) (found: handle, sku, location)"),
            ("Handle,Location,On hand\n", "missing column: SKU (found: handle, location, on hand)"),
        ] {
            assert_eq!(read(header.as_bytes()).err().unwrap().to_string(), expect);
        }
    }
}
