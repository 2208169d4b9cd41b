//! Demand by month and series, read from a table.

use crate::{error::Checked, table::Table};

/// Months a series needs before anything is said of it: with fewer, even the choice of a method is a guess.
pub const MONTHS_MIN: usize = 24;

/// One row of the table: what was asked for each month, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The first column.
    pub name: String,
    /// Units by month; empty cells before the first and after the last month are left out.
    pub units: Vec<f64>,
}

/// The scale of a history: how much it changes from month to month once it has begun.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Mean absolute change.
    pub(super) absolute: f64,
    /// Mean squared change.
    pub(super) squared: f64,
}

impl Scale {
    /// Returns the scale, or why there is none.
    pub(super) fn of(history: &[f64]) -> Result<Self, &'static str> {
        let Some(first) = history.iter().position(|units| *units > 0.0) else {
            return Err("no demand in the months to learn from");
        };
        let begun = &history[first..];
        if begun.len() < 2 {
            return Err("only one month since the first demand");
        }
        let mean = |of: fn(f64) -> f64| {
            begun.windows(2).map(|pair| of(pair[1] - pair[0])).sum::<f64>() / (begun.len() - 1) as f64
        };
        let scale = Self { absolute: mean(f64::abs), squared: mean(|change| change * change) };
        if scale.squared == 0.0 { Err("demand never changes, so errors have no scale") } else { Ok(scale) }
    }
}

/// Reads the series of a table: a name, then a column a month.
///
/// Errors: no rows; no column for a month; a cell that is not a number from 0; a gap between two months.
pub fn read(table: &Table) -> Checked<Vec<Series>> {
    table.not_empty()?;
    let name = table.column("series")?;
    let months: Vec<usize> = (0..table.columns().len()).filter(|&column| column != name).collect();
    if months.is_empty() {
        return crate::error::bad(table.name(), "has no column for a month");
    }
    (0..table.rows())
        .map(|row| {
            let mut units = Vec::with_capacity(months.len());
            let mut gap = None;
            for &column in &months {
                match table.number(row, column)? {
                    Some(_) if gap.is_some() => {
                        return table.refuse(row, gap.unwrap_or(column), "is a gap between two months");
                    }
                    Some(number) if number < 0.0 => return table.refuse(row, column, "must not be negative"),
                    Some(number) => units.push(number),
                    None if units.is_empty() => {}
                    None => gap = gap.or(Some(column)),
                }
            }
            Ok(Series { name: table.text(row, name).to_owned(), units })
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn table(rows: &[&[&str]]) -> Table {
        let months = rows.first().map_or(0, |row| row.len() - 1);
        let mut columns = vec!["series".to_owned()];
        columns.extend((0..months).map(|month| format!("m{month:03}")));
        let mut table = Table::new("data d.csv", columns);
        rows.iter().enumerate().for_each(|(row, cells)| table.push(row as u64 + 2, *cells));
        table
    }

    #[test]
    fn months_without_a_number_are_cut_at_both_ends_only() {
        let got = read(&table(&[&["a", "", "1", "0"], &["b", "2", "", ""], &["c", "", "", ""]])).unwrap();
        let units: Vec<&[f64]> = got.iter().map(|series| series.units.as_slice()).collect();
        assert_eq!(units, [&[1.0, 0.0][..], &[2.0], &[]]);
        for (cells, problem) in [
            (["a", "1", "", "2"], "row 2, column m001: is a gap between two months, got \"\""),
            (["a", "1", "-1", "2"], "row 2, column m001: must not be negative, got \"-1\""),
            (["a", "1", "x", "2"], "row 2, column m001: must be a number, got \"x\""),
            (["a", "1", "NaN", "2"], "row 2, column m001: must be a number, got \"NaN\""),
        ] {
            assert_eq!(read(&table(&[&cells])).unwrap_err().to_string(), format!("data d.csv {problem}"));
        }
        assert_eq!(read(&table(&[])).unwrap_err().to_string(), "data d.csv: has a header and no rows");
    }

    #[test]
    fn scales_begin_with_the_first_demand() {
        let scale = Scale::of(&[0.0, 0.0, 4.0, 1.0, 2.0]).unwrap();
        assert_eq!((scale.absolute, scale.squared), (2.0, 5.0));
        assert!(
            Scale::of(&[0.0; 5]).is_err() && Scale::of(&[0.0, 3.0]).is_err() && Scale::of(&[2.0; 4]).is_err()
        );
    }
}
