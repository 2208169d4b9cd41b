//! Questions from a table: one row a SKU, which is enough to start with.

use super::{
    Subject,
    figures::{Fig, place},
};
use crate::{
    error::{Checked, bad},
    table::Table,
};

/// Returns what each row asks, in their order, or what is wrong with it.
///
/// Columns: `sku`, and any of `price, unit_cost, category, on_hand, inbound_units, wait_days, lead_time_days, days_watched,
/// units_asked`, and the names of figures, such as `demand_per_day`, which are taken as typed in. Empty cells are not known.
/// Errors: no column `sku`, or one that nobody knows.
pub fn subjects(table: &Table) -> Checked<Vec<Checked<Subject>>> {
    let sku = table.column("sku")?;
    let columns = table.columns();
    for name in columns {
        if !KNOWN.contains(&name.as_str()) && place(name).is_none() {
            return bad(name.as_str(), format!("no such column is known; there are: {}", listed()));
        }
    }
    Ok((0..table.rows()).map(|row| one(table, row, sku)).collect())
}

const KNOWN: [&str; 10] = [
    "sku",
    "price",
    "unit_cost",
    "category",
    "on_hand",
    "inbound_units",
    "wait_days",
    "lead_time_days",
    "days_watched",
    "units_asked",
];

fn listed() -> String {
    let figures = super::names().filter(|name| !KNOWN.contains(name));
    KNOWN.into_iter().chain(figures).collect::<Vec<_>>().join(", ")
}

fn one(table: &Table, row: usize, sku: usize) -> Checked<Subject> {
    let mut subject = Subject { sku: table.text(row, sku).to_owned(), ..Subject::default() };
    if subject.sku.is_empty() {
        return bad("sku", "is empty");
    }
    for (column, name) in table.columns().iter().enumerate() {
        match name.as_str() {
            "sku" => {}
            "category" => {
                subject.category = Some(table.text(row, column).to_owned()).filter(|text| !text.is_empty());
            }
            _ => {
                if let Some(value) = table.number(row, column)? {
                    put(&mut subject, name, value);
                }
            }
        }
    }
    // Demand alone, without days, is what the merchant says it is.
    if subject.days_watched == 0.0
        && subject.units_asked > 0.0
        && !subject.set.contains_key(Fig::Demand.name())
    {
        return bad("days_watched", "is needed beside units_asked");
    }
    Ok(subject)
}

fn put(subject: &mut Subject, name: &str, value: f64) {
    match name {
        "price" => subject.price = Some(value),
        "unit_cost" => subject.unit_cost = Some(value),
        "on_hand" => subject.on_hand = value,
        "inbound_units" => subject.inbound_units = value,
        "wait_days" => subject.wait_days = Some(value),
        "lead_time_days" => subject.lead_time_days = Some(value),
        "days_watched" => subject.days_watched = value,
        "units_asked" => subject.units_asked = value,
        _ => drop(subject.set.insert(name.to_owned(), value)),
    }
}
