//! Tables of what is where: our own count, and Shopify's inventory.

use std::io::Read;

use connect::tables::{
    Count,
    shopify_inventory::{self, Level},
    stock,
};
use model::{
    command::{AddSupply, Command},
    id::{LocationId, Sku},
    limits::{LINE_UNITS_MAX, SUPPLY_UNITS_MAX},
    supply::SupplyKind,
};

use super::{Outcome, session::Session};

/// Takes in our own count. A negative one is what is owed already: nothing is there, and so many units wait for goods.
pub(super) fn stock(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    for row in stock::read(source)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                let (on_hand, owed) = (row.count.on_hand(), row.count.owed());
                if row.count == Count::NotStocked {
                    session.report.skipped += 1;
                } else {
                    level(session, (row.row, &row.sku, &row.location), on_hand, owed)?;
                }
            }
        }
    }
    Ok(())
}

/// Takes in Shopify's inventory: what is on hand and can be sold, what was sold already (committed, or below zero), and what
/// is on its way, which has no date yet and is not sold from until it has one.
pub(super) fn shopify(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    let mut doubtful = 0_u64;
    for row in shopify_inventory::read(source)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                doubtful += u64::from(!row.adds_up);
                let Level::Stocked { on_hand, owed, committed, unavailable } = row.level else {
                    session.report.skipped += 1;
                    continue;
                };
                let sellable = (on_hand - unavailable).max(0);
                let place = (row.row, &*row.sku, &*row.location);
                level(session, place, sellable, owed.max(committed))?;
                incoming(session, place, row.incoming)?;
            }
        }
    }
    if doubtful > 0 {
        session.report.notes.push(format!(
            "{doubtful} rows whose quantities do not agree with each other: the smaller was taken, count them"
        ));
    }
    Ok(())
}

/// Checks a place's names; `None`: the row is bad.
fn named(session: &mut Session, row: u64, sku: &str, location: &str) -> Option<(Sku, LocationId)> {
    match (Sku::new(sku), LocationId::new(location)) {
        (Ok(sku), Ok(location)) => return Some((sku, location)),
        (Err(error), _) => session.report.bad(row, "bad_sku", Some("sku"), error.to_string()),
        (_, Err(error)) => session.report.bad(row, "bad_location", Some("location"), error.to_string()),
    }
    None
}

fn level(
    session: &mut Session,
    (row, sku, location): (u64, &str, &str),
    on_hand: i64,
    owed: i64,
) -> Outcome<()> {
    let Some((sku, location)) = named(session, row, sku, location) else { return Ok(()) };
    if on_hand > SUPPLY_UNITS_MAX || owed > LINE_UNITS_MAX {
        session.report.bad(row, "quantity_too_large", None, "more units than one count may have");
        return Ok(());
    }
    let Some(pool) = session.pool(&sku)? else {
        let detail = format!("there is no sku {sku}: import the articles first");
        session.report.bad(row, "unknown_sku", Some("sku"), detail);
        return Ok(());
    };
    if pool.item.is_kit() {
        session.report.bad(row, "is_a_kit", Some("sku"), format!("{sku} is a kit: count its components"));
        return Ok(());
    }
    session.ensure_location(row, &location)?;
    session.settle()?;
    if session.dry_run {
        session.report.imported += 1;
    } else if !session.set_stock(row, &sku, &location, on_hand, owed)? {
        session.report.skipped += 1;
    }
    Ok(())
}

fn incoming(session: &mut Session, (row, sku, location): (u64, &str, &str), units: i64) -> Outcome<()> {
    if units <= 0 || session.dry_run {
        return Ok(());
    }
    let (Ok(sku), Ok(location)) = (Sku::new(sku), LocationId::new(location)) else { return Ok(()) };
    let Some(pool) = session.pool(&sku)? else { return Ok(()) };
    let reference = format!("incoming:{location}:{sku}");
    let known = pool.supplies.iter().any(|supply| supply.reference.as_deref() == Some(reference.as_str()));
    if known || pool.item.is_kit() {
        return Ok(());
    }
    let wish = AddSupply {
        sku,
        location,
        kind: SupplyKind::PurchaseOrder,
        quantity: units.min(SUPPLY_UNITS_MAX),
        expected_on: None,
        supplier: None,
        reference: Some(reference.into()),
        promise_buffer_days: None,
    };
    session.prepare(row, Command::AddSupply(wish))
}
