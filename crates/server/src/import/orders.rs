//! Tables of orders that were taken before: they are owed already, so none is refused for want of goods.

use std::{collections::BTreeMap, io::Read};

use crate::app::customer_key;
use connect::tables::{
    moment::PlacedAt,
    orders::{self, OrderRow},
};
use model::{
    command::{AskLine, Command, Contact, PlaceOrder},
    id::Sku,
    limits::{LINE_UNITS_MAX, LINES_MAX, NAME_CHARS_MAX},
    time::Timestamp,
};

use super::{Outcome, session::Session};

/// Takes in orders, one row a line; rows with the same reference are one order, whose first row says who and when. They are
/// placed in the order of their times, so that the oldest stands first in every queue; an order is taken whole or not at all.
pub(super) fn orders(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    let mut by_reference: BTreeMap<String, Vec<OrderRow>> = BTreeMap::new();
    for row in orders::read(source, session.currency)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                by_reference.entry(row.reference.clone()).or_default().push(row);
            }
        }
    }
    let mut ready: Vec<(Timestamp, Vec<OrderRow>)> = Vec::with_capacity(by_reference.len());
    for rows in by_reference.into_values() {
        match placed_at(session, &rows[0]) {
            Some(at) => ready.push((at, rows)),
            None => session.report.bad(rows[0].row, "bad_date", Some("placed_at"), "it lies in the future"),
        }
    }
    ready.sort_by(|(a, rows), (b, others)| (a, rows[0].row).cmp(&(b, others[0].row)));
    for (at, rows) in ready {
        order(session, at, &rows)?;
    }
    Ok(())
}

/// When an order was placed: as the file says, wall clocks read as UTC; now where it does not. `None`: in the future.
fn placed_at(session: &Session, row: &OrderRow) -> Option<Timestamp> {
    let at = match row.placed_at {
        None => session.now,
        Some(PlacedAt::Instant(at)) => at,
        Some(PlacedAt::Local(local)) => model::time::Zone::utc().first_instant(local.date(), local.time())?,
    };
    (at <= session.now).then_some(at)
}

fn order(session: &mut Session, at: Timestamp, rows: &[OrderRow]) -> Outcome<()> {
    let first = &rows[0];
    if session.order_exists(&first.reference)? {
        session.report.skipped += rows.len() as u64;
        return Ok(());
    }
    let mut lines = Vec::with_capacity(rows.len());
    let before = session.report.errors_total;
    for row in rows {
        match line(session, row) {
            Ok(line) => lines.push(line),
            Err((code, column, detail)) => session.report.bad(row.row, code, Some(column), detail),
        }
    }
    if rows.len() > LINES_MAX {
        session.report.bad(first.row, "too_many", None, format!("an order has at most {LINES_MAX} lines"));
    }
    let text = |text: &Option<String>| text.as_deref().map(Into::into);
    let too_long = [&first.email, &first.name, &first.postcode, &Some(first.reference.clone())]
        .iter()
        .any(|text| text.as_ref().is_some_and(|text| text.chars().count() > NAME_CHARS_MAX));
    if too_long {
        session.report.bad(
            first.row,
            "too_long",
            None,
            format!("a text is longer than {NAME_CHARS_MAX} characters"),
        );
    }
    let country = first.country.as_deref().map(str::trim).filter(|country| !country.is_empty());
    let country =
        country.filter(|country| country.len() == 2).map(|country| country.to_ascii_uppercase().into());
    let bad = session.report.errors_total - before;
    if bad > 0 {
        let spared = (rows.len() as u64).saturating_sub(bad);
        if spared > 0 {
            session.report.bad(
                first.row,
                "order_incomplete",
                Some("reference"),
                format!("order {}: {spared} good rows were left out with the bad ones", first.reference),
            );
        }
        return Ok(());
    }
    let wish = PlaceOrder {
        reference: Some(first.reference.as_str().into()),
        customer: first.email.as_deref().map(|email| customer_key(&session.tenant.salt, email)),
        contact: Contact {
            email: text(&first.email),
            name: text(&first.name),
            address: None,
            postcode: text(&first.postcode),
            locale: None,
        },
        country,
        already_owed: true,
        lines,
        ..PlaceOrder::default()
    };
    session.default_location(first.row)?;
    // Every row of the order goes in with it.
    session.send_as(first.row, rows.len() as u64, at, None, Command::PlaceOrder(Box::new(wish)))?;
    Ok(())
}

fn line(session: &Session, row: &OrderRow) -> Result<AskLine, (&'static str, &'static str, String)> {
    let sku = Sku::new(&row.sku).map_err(|error| ("bad_sku", "sku", error.to_string()))?;
    if row.quantity > LINE_UNITS_MAX {
        return Err(("quantity_too_large", "quantity", format!("at most {LINE_UNITS_MAX} in one line")));
    }
    let known = session.engine.snapshots().shop(&session.tenant.id, std::slice::from_ref(&sku));
    if !known.is_ok_and(|shop| shop.pool(&sku).is_some()) {
        return Err(("unknown_sku", "sku", format!("there is no sku {sku}: import the articles first")));
    }
    let unit_price = match row.unit_price {
        None => None,
        Some(amount) => Some(session.money(amount, session.currency).ok_or((
            "amount_too_large",
            "unit_price",
            format!("{amount} is more than can be kept"),
        ))?),
    };
    Ok(AskLine { sku, quantity: row.quantity, unit_price })
}
