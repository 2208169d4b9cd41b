//! Tables that a page hands out: what it lists, as a spreadsheet opens it safely.

use axum::response::Response;
use connect::tables::csv_of;
use ledger::OrderFilter;
use model::{
    id::Sku,
    money::Money,
    supply::{RingFence, SupplyState},
    time::Date,
};

use super::{Ask, Fail, orders::find, packing, policy::policy_word, products::sums};
use crate::staff::May;

/// Most rows of one table; `shipwhen export` has no such limit.
pub(super) const ROWS_MAX: usize = 10_000;
/// Rows read at once.
const PAGE: usize = 500;

/// A table as a file.
pub(super) fn file(name: &str, columns: &[&str], mut rows: Vec<Vec<String>>) -> Result<Response, Fail> {
    rows.truncate(ROWS_MAX);
    packing::csv(name, csv_of(columns, rows).map_err(|error| Fail::Defect(error.to_string()))?)
}

fn date(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

/// What is ring-fenced, in one cell: `fba 120; web 5`.
fn fenced(fences: &[RingFence]) -> String {
    let words: Vec<String> =
        fences.iter().map(|fence| format!("{} {}", fence.channel, fence.units)).collect();
    words.join("; ")
}

/// `GET /supply.csv`: every delivery that is not closed.
pub(super) fn supplies(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = reader.supply_page(&visitor.tenant, None, false, after, PAGE)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|supply| supply.id);
        rows.extend(page.into_iter().filter(|supply| !supply.kind.is_elastic()).map(|supply| {
            let state = match supply.state {
                SupplyState::Due => "due",
                SupplyState::OnHand => "on_hand",
                SupplyState::Quarantine => "quarantine",
                SupplyState::Closed => "closed",
            };
            let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
            vec![
                supply.id.to_string(),
                text(&supply.reference),
                supply.sku.to_string(),
                supply.location.to_string(),
                supply.kind.as_str().to_owned(),
                state.to_owned(),
                supply.quantity.to_string(),
                supply.pegged().to_string(),
                supply.open().to_string(),
                fenced(&supply.ring_fenced),
                date(supply.expected_on),
                text(&supply.supplier),
            ]
        }));
        if after.is_none() || rows.len() >= ROWS_MAX {
            break;
        }
    }
    drop(reader);
    let columns = [
        "id",
        "reference",
        "sku",
        "location",
        "kind",
        "state",
        "quantity",
        "promised",
        "free",
        "ring_fenced",
        "expected_on",
        "supplier",
    ];
    file("supply.csv", &columns, rows)
}

/// `GET /orders.csv`: the newest orders, a row a line.
pub(super) fn orders(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let ids = reader.order_page(&visitor.tenant, &OrderFilter::default(), before, PAGE)?;
        before = ids.last().copied().filter(|_| ids.len() == PAGE);
        let (mut found, _) = find(ask, &mut *reader, &visitor.tenant, &ids)?;
        found.sort_by_key(|(order, ..)| std::cmp::Reverse(order.id));
        for (order, contact, view) in found {
            for line in &view.lines {
                let text =
                    |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
                let price = line.unit_price;
                rows.push(vec![
                    order.id.to_string(),
                    text(&order.reference),
                    order.placed_at.to_string(),
                    text(&contact.email),
                    text(&contact.name),
                    text(&order.country),
                    text(&contact.postcode),
                    line.sku.to_string(),
                    line.quantity.to_string(),
                    line.open.to_string(),
                    line.shipped.to_string(),
                    line.cancelled.to_string(),
                    price.map_or_else(String::new, Money::to_decimal),
                    price.map_or_else(String::new, |price| price.currency.to_string()),
                    date(line.ship_by.promised),
                    date(line.told.as_ref().and_then(|told| told.ship_by.promised)),
                ]);
            }
        }
        if before.is_none() || rows.len() >= ROWS_MAX {
            break;
        }
    }
    drop(reader);
    let columns = [
        "order",
        "reference",
        "placed_at",
        "email",
        "name",
        "country",
        "postcode",
        "sku",
        "quantity",
        "open",
        "shipped",
        "cancelled",
        "unit_price",
        "currency",
        "ship_by",
        "told",
    ];
    file("orders.csv", &columns, rows)
}

/// `GET /products.csv`.
pub(super) fn products(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (mut rows, mut after): (Vec<Vec<String>>, Option<Sku>) = (Vec::new(), None);
    loop {
        let page = reader.pool_page(&visitor.tenant, after.as_ref(), PAGE)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|pool| pool.sku().clone());
        rows.extend(page.iter().map(|pool| {
            let sums = sums(pool);
            let policy = pool.policy_set(&model::id::Channel::default());
            let price = pool.item.price;
            vec![
                pool.sku().to_string(),
                pool.item.title.to_string(),
                price.map_or_else(String::new, Money::to_decimal),
                price.map_or_else(String::new, |price| price.currency.to_string()),
                policy_word(policy.map(|policy| policy.when_out).unwrap_or_default()).to_owned(),
                sums.here.to_string(),
                sums.coming.to_string(),
                sums.promised.to_string(),
                sums.short.to_string(),
            ]
        }));
        if after.is_none() || rows.len() >= ROWS_MAX {
            break;
        }
    }
    drop(reader);
    let columns =
        ["sku", "title", "price", "currency", "when_out", "on_hand", "on_order", "promised", "without_goods"];
    file("products.csv", &columns, rows)
}
