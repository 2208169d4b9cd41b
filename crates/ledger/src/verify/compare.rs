//! Holds every table that the ledger makes against the copy made from it, row by row in the order of their keys.

use model::{
    id::TenantId,
    item::{Item, Policy},
    location::LocationSettings,
    order::Hold,
    supply::{Claim, RingFence},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Report,
    cursor::{Cursor, Key},
};
use crate::{
    Audit, StoreError,
    audit::{Cell, DERIVED, Row, Table},
};

pub(super) fn run(
    real: &mut dyn Audit,
    copy: &mut dyn Audit,
    tenant: &TenantId,
    report: &mut Report,
) -> Result<(), StoreError> {
    DERIVED.iter().try_for_each(|table| compare(real, copy, tenant, table, report))
}

fn compare(
    real: &mut dyn Audit,
    copy: &mut dyn Audit,
    tenant: &TenantId,
    table: &Table,
    report: &mut Report,
) -> Result<(), StoreError> {
    let (mut is, mut should) = (Cursor::new(table, tenant), Cursor::new(table, tenant));
    let width = table.key.len();
    loop {
        let order = match (is.peek(real)?, should.peek(copy)?) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(is), Some(should)) => is[..width].cmp(&should[..width]),
        };
        let is = if order.is_le() { is.next(real)? } else { None };
        let should = if order.is_ge() { should.next(copy)? } else { None };
        match (is, should) {
            (Some(is), Some(should)) if is != should => differences(table, &is, &should, report),
            (Some(is), None) => {
                report.found("unexpected", format_args!("{}: not in the ledger", Key(table, &is)));
            }
            (None, Some(should)) => {
                report.found("missing", format_args!("{}: in the ledger alone", Key(table, &should)));
            }
            _ => {}
        }
    }
}

fn differences(table: &Table, is: &Row, should: &Row, report: &mut Report) {
    let width = table.key.len();
    let cells = is.iter().zip(should).skip(width);
    for (column, (is_cell, should_cell)) in table.columns.iter().zip(cells) {
        if is_cell == should_cell {
            continue;
        }
        if let (Cell::Text(is), Cell::Text(should)) = (is_cell, should_cell)
            && same_json(table.name, column, is, should)
        {
            continue;
        }
        let key = Key(table, is);
        report
            .found("different", format_args!("{key}: {column} is {is_cell}, the ledger says {should_cell}"));
    }
}

/// Whether two texts mean the same JSON. An older version wrote fewer fields, whose defaults the copy spells out.
fn same_json(table: &str, column: &str, is: &str, should: &str) -> bool {
    match (table, column) {
        ("locations", "settings") => same_as::<LocationSettings>(is, should),
        ("pools", "item") => same_as::<Item>(is, should),
        ("policies", "policy") => same_as::<Policy>(is, should),
        ("supplies", "claims") => same_as::<Vec<Claim>>(is, should),
        ("supplies", "ring_fenced") => same_as::<Vec<RingFence>>(is, should),
        ("holds", "hold") => same_as::<Hold>(is, should),
        _ => false,
    }
}

fn same_as<T: DeserializeOwned + Serialize>(is: &str, should: &str) -> bool {
    // Read and written again, not compared as values: so it holds for types that cannot be compared too.
    let written =
        |text| serde_json::from_str::<T>(text).ok().and_then(|value| serde_json::to_string(&value).ok());
    written(is).is_some_and(|is| Some(is) == written(should))
}
