//! Tables of what is coming.

use std::{collections::BTreeSet, io::Read};

use connect::tables::supplies::{self, SupplyRow};
use model::{
    command::{AddSupply, Command},
    id::{LocationId, Sku},
    limits::{NAME_CHARS_MAX, SUPPLY_UNITS_MAX},
    supply::SupplyKind,
    time::checked_date,
};

use super::{Outcome, session::Session};

/// What makes a row the same supply as one that is there.
type Known = BTreeSet<(String, Sku, LocationId)>;

/// Takes in our own list of supplies. One with the same reference, SKU and location is the same supply and is left alone.
pub(super) fn supplies(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    let mut known = known(session)?;
    for row in supplies::read(source)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                match checked(session, &row)? {
                    Err((code, column, detail)) => session.report.bad(row.row, code, Some(column), detail),
                    Ok(wish) => {
                        let key = (row.reference.clone(), wish.sku.clone(), wish.location.clone());
                        if known.insert(key) {
                            session.send(row.row, Command::AddSupply(wish))?;
                        } else {
                            session.report.skipped += 1;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn known(session: &mut Session) -> Outcome<Known> {
    const PAGE: usize = 1_000;
    let mut known = Known::new();
    let mut reader = session.store.reader()?;
    let mut after = None;
    loop {
        let page = reader.supply_page(&session.tenant.id, None, true, after, PAGE)?;
        after = page.last().map(|supply| supply.id);
        let full = page.len() == PAGE;
        known.extend(
            page.into_iter()
                .filter_map(|supply| Some((supply.reference?.to_string(), supply.sku, supply.location))),
        );
        if !full {
            return Ok(known);
        }
    }
}

type Bad = (&'static str, &'static str, String);

fn checked(session: &mut Session, row: &SupplyRow) -> Outcome<Result<AddSupply, Bad>> {
    let sku = match Sku::new(&row.sku) {
        Ok(sku) => sku,
        Err(error) => return Ok(Err(("bad_sku", "sku", error.to_string()))),
    };
    let location = match LocationId::new(&row.location) {
        Ok(location) => location,
        Err(error) => return Ok(Err(("bad_location", "location", error.to_string()))),
    };
    if row.quantity > SUPPLY_UNITS_MAX {
        return Ok(Err(("quantity_too_large", "quantity", format!("at most {SUPPLY_UNITS_MAX}"))));
    }
    if let Err(error) = checked_date(row.expected_on) {
        return Ok(Err(("bad_date", "expected_on", error.to_string())));
    }
    for (text, column) in [(Some(&row.reference), "reference"), (row.supplier.as_ref(), "supplier")] {
        if text.is_some_and(|text| text.chars().count() > NAME_CHARS_MAX) {
            return Ok(Err(("too_long", column, format!("at most {NAME_CHARS_MAX} characters"))));
        }
    }
    let shop = session.engine.snapshots().shop(&session.tenant.id, std::slice::from_ref(&sku))?;
    match shop.pool(&sku) {
        None => {
            return Ok(Err((
                "unknown_sku",
                "sku",
                format!("there is no sku {sku}: import the articles first"),
            )));
        }
        Some(pool) if pool.item.is_kit() => {
            return Ok(Err(("is_a_kit", "sku", format!("{sku} is a kit: its components are supplied"))));
        }
        Some(_) => {}
    }
    session.ensure_location(row.row, &location)?;
    Ok(Ok(AddSupply {
        sku,
        location,
        kind: match row.kind {
            supplies::SupplyKind::PurchaseOrder => SupplyKind::PurchaseOrder,
            supplies::SupplyKind::ProductionRun => SupplyKind::ProductionRun,
            supplies::SupplyKind::Transfer => SupplyKind::Transfer,
        },
        quantity: row.quantity,
        expected_on: Some(row.expected_on),
        supplier: row.supplier.as_deref().map(Into::into),
        reference: Some(row.reference.as_str().into()),
        promise_buffer_days: None,
    }))
}
