//! A product's stock as it will be: what is free of everything that is here after each delivery to come.

use model::{
    Units,
    pool::Pool,
    supply::{Supply, SupplyKind},
};

use super::{
    super::chart::{Bar, bars},
    Local, why, words,
};

/// Deliveries shown.
const STEPS: usize = 12;

/// The stock at one moment, and its bar.
pub(super) struct Step {
    pub(super) stock: Stock,
    pub(super) bar: Bar,
}

/// The stock at one moment.
pub(super) struct Stock {
    pub(super) label: String,
    /// What stands under its bar, in two lines.
    pub(super) upper: String,
    pub(super) lower: String,
    pub(super) what: String,
    pub(super) href: String,
    pub(super) arrives: Units,
    pub(super) promised: Units,
    /// Units nobody has a claim on, of all that came until then. Below zero where promises have no goods.
    pub(super) free: Units,
    pub(super) tone: &'static str,
}

/// The stock now, after each delivery to come, and less what is promised without goods.
pub(super) fn steps(pool: &Pool, local: &Local) -> Vec<Step> {
    let here: Vec<&Supply> =
        pool.supplies.iter().map(|supply| &**supply).filter(|supply| supply.is_on_hand()).collect();
    let arrives: Units = here.iter().map(|supply| supply.quantity).sum();
    let promised: Units = here.iter().map(|supply| supply.pegged() + supply.held()).sum();
    let mut free = arrives - promised;
    let mut stocks = vec![Stock {
        label: "Here now".to_owned(),
        upper: "Here".to_owned(),
        lower: "now".to_owned(),
        what: "On the shelf".to_owned(),
        href: String::new(),
        arrives,
        promised,
        free,
        tone: "here",
    }];
    let is_coming =
        |supply: &&Supply| !supply.is_on_hand() && !supply.kind.is_elastic() && supply.expected_on.is_some();
    let mut due: Vec<&Supply> = pool.supplies.iter().map(|supply| &**supply).filter(is_coming).collect();
    due.sort_by_key(|supply| (supply.expected_on, supply.id));
    for supply in due.into_iter().take(STEPS) {
        let Some(date) = supply.expected_on else { continue };
        let promised = supply.pegged() + supply.held();
        free += supply.quantity - promised;
        let label = local.day(date).text;
        let (upper, lower) = label.split_once(' ').unwrap_or((&label, ""));
        stocks.push(Stock {
            upper: upper.to_owned(),
            lower: lower.to_owned(),
            label: label.clone(),
            what: words::sentence(&why::name(supply)),
            href: format!("/supply/{}", supply.id),
            arrives: supply.quantity,
            promised,
            free,
            tone: "later",
        });
    }
    let short = pool.supplies.iter().filter(|supply| supply.kind == SupplyKind::Shortfall);
    let promised: Units = short.map(|supply| supply.quantity).sum();
    if promised > 0 {
        stocks.push(Stock {
            label: "No goods".to_owned(),
            upper: "No".to_owned(),
            lower: "goods".to_owned(),
            what: "Promised, and nothing brings them".to_owned(),
            href: String::new(),
            arrives: 0,
            promised,
            free: free - promised,
            tone: "none",
        });
    }
    let bars = bars(&stocks.iter().map(|stock| stock.free).collect::<Vec<_>>());
    stocks.into_iter().zip(bars).map(|(stock, bar)| Step { stock, bar }).collect()
}
