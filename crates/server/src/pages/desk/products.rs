//! Products: what is here, what is on its way, and what a shopper reads.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{
    Units,
    id::{Channel, Sku},
    pool::Pool,
    state::Shop,
    supply::{SupplyKind, SupplyState},
    time::Timestamp,
};
use promise::availability::{Question, availability};
use serde::Deserialize;

use super::{
    super::{
        Frame, page,
        shop::{Badge, encoded},
        words,
    },
    Ask, Fail,
    policy::policy_word,
};
use crate::staff::May;

/// Products on one page.
const SHOWN: usize = 50;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    /// A SKU, or the beginning of one.
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "desk/products.html")]
struct List {
    frame: Frame,
    q: String,
    rows: Vec<Row>,
    more: Option<String>,
    is_first: bool,
}

struct Row {
    href: String,
    sku: String,
    title: String,
    here: Units,
    coming: Units,
    promised: Units,
    short: Units,
    is_kit: bool,
    policy: &'static str,
    badge: Badge,
}

/// What a pool holds: here, on its way, promised, and promised without goods.
pub(super) struct Sums {
    pub(super) here: Units,
    pub(super) coming: Units,
    pub(super) promised: Units,
    pub(super) short: Units,
}

pub(super) fn sums(pool: &Pool) -> Sums {
    let mut sums = Sums { here: 0, coming: 0, promised: 0, short: 0 };
    for supply in &pool.supplies {
        match (supply.state, supply.kind) {
            (SupplyState::OnHand, _) => sums.here += supply.quantity,
            (SupplyState::Due, SupplyKind::Shortfall) => sums.short += supply.quantity,
            (SupplyState::Due, kind) if !kind.is_elastic() => sums.coming += supply.quantity,
            _ => {}
        }
        sums.promised += supply.pegged();
    }
    sums
}

/// The badge that a shopper sees for one unit.
pub(super) fn badge(shop: &Shop, sku: &Sku, now: Timestamp) -> Option<Badge> {
    let channel = Channel::default();
    let question = Question { quantity: 1, channel: &channel, group: None, country: None };
    let found = availability(shop, sku, question, now)?;
    Some(Badge::of(&found, words::today(shop, now)))
}

/// `GET /products`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let q = cut.q.trim();
    let after = Some(&*cut.after).filter(|after| !after.is_empty());
    let after = after.map(Sku::new).transpose().map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let pools = match (Sku::new(q), &after) {
        // The beginning of a SKU: from there on, in the order of SKUs.
        (Ok(sku), None) => {
            let mut pools = reader.pools(tenant, std::slice::from_ref(&sku))?;
            pools.extend(reader.pool_page(tenant, Some(&sku), SHOWN + 1)?);
            pools
        }
        (_, after) => reader.pool_page(tenant, after.as_ref(), SHOWN + 1)?,
    };
    drop(reader);
    let pools: Vec<Pool> =
        pools.into_iter().filter(|pool| pool.sku().as_str().starts_with(q)).take(SHOWN + 1).collect();
    let skus: Vec<Sku> = pools.iter().map(|pool| pool.sku().clone()).collect();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let more = (skus.len() > SHOWN).then(|| skus.get(SHOWN - 1)).flatten();
    let list = List {
        rows: skus.iter().take(SHOWN).filter_map(|sku| row(&shop, sku, ask.now)).collect(),
        more: more.map(|sku| format!("/products?q={}&after={}", encoded(q), encoded(sku.as_str()))),
        is_first: after.is_none(),
        q: q.to_owned(),
        frame: Frame::of(ask, &visitor, "products"),
    };
    page(StatusCode::OK, &list)
}

fn row(shop: &Shop, sku: &Sku, now: Timestamp) -> Option<Row> {
    let pool = shop.pool(sku)?;
    let Sums { here, coming, promised, short } = sums(pool);
    let policy = pool.policy_set(&Channel::default());
    Some(Row {
        href: format!("/products/{}", encoded(sku.as_str())),
        sku: sku.to_string(),
        title: words::title(shop, sku),
        here,
        coming,
        promised,
        short,
        is_kit: pool.item.is_kit(),
        policy: policy_word(policy.map(|policy| policy.when_out).unwrap_or_default()),
        badge: badge(shop, sku, now)?,
    })
}
