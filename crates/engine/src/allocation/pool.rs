//! A pool of the shop as the plain data that [`allocate::plan`] works on.

use std::collections::BTreeMap;

use allocate::pool::{Line, Peg, Pool, Supply};
use model::{
    Units,
    allocation::Strategy,
    id::{LineId, Sku, SupplyId},
    order,
    pool::Pool as Goods,
    state::Shop,
    supply::{SupplyKind, SupplyState},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
};

use super::settings::Settings;

/// Lines of a pool with the units they have, and when those are ready: as it is before a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    lines: Vec<(LineId, Vec<Peg>)>,
    ready: BTreeMap<SupplyId, Option<Date>>,
    /// What was paid for lines that wait, in minor units; where the rule asks for it.
    pub(super) paid: BTreeMap<LineId, i64>,
}

/// Units of a line's pegs on one pool that are not with fulfilment, by supply.
pub(crate) fn movable(line: &order::Line, sku: &Sku) -> Vec<Peg> {
    let of_pool = line.pegs.iter().filter(|peg| peg.sku == *sku);
    let pegs =
        of_pool.map(|peg| Peg { supply: peg.supply, quantity: peg.quantity - line.released_on(peg.supply) });
    pegs.filter(|peg| peg.quantity > 0).collect()
}

fn is_lost(goods: &Goods, id: SupplyId) -> bool {
    goods.supply(id).is_some_and(|supply| supply.kind == SupplyKind::Shortfall)
}

fn ready(shop: &Shop, supply: &model::supply::Supply, now: Timestamp) -> Option<Date> {
    let location = shop.locations.get(&supply.location)?;
    promise::supply_ship_by(supply, location, None, now).promised
}

impl Before {
    /// How these lines stand; their orders are loaded.
    pub(super) fn of(shop: &Shop, goods: &Goods, lines: &[LineId], now: Timestamp) -> Self {
        let stands = |id: &LineId| {
            let mut pegs = movable(shop.orders.get(&id.order)?.line(id.no)?, goods.sku());
            pegs.retain(|peg| !is_lost(goods, peg.supply));
            Some((*id, pegs))
        };
        let when = goods.supplies.iter().map(|supply| (supply.id, ready(shop, supply, now)));
        Self {
            lines: lines.iter().filter_map(stands).collect(),
            ready: when.collect(),
            paid: BTreeMap::new(),
        }
    }

    /// The pool to plan, once the change is made.
    pub(super) fn pool(
        &self,
        shop: &Shop,
        goods: &Goods,
        (settings, strategy): (&Settings, Strategy),
        now: Timestamp,
    ) -> Pool {
        let mut supplies = supplies(shop, goods, now);
        for supply in &mut supplies {
            supply.ready_before = self.ready.get(&supply.id).copied().unwrap_or(supply.ready);
        }
        for peg in self.lines.iter().flat_map(|(_, pegs)| pegs) {
            if supplies.iter().all(|supply| supply.id != peg.supply) {
                // Called off, or used up: nothing of it is left.
                let ready_before = self.ready.get(&peg.supply).copied().flatten();
                let (id, on_hand) = (peg.supply, false);
                supplies.push(Supply { id, quantity: 0, ready: None, ready_before, on_hand });
            }
        }
        let lines = self.lines.iter().filter_map(|(id, pegs)| {
            let order = shop.orders.get(&id.order)?;
            let line = line(order, order.line(id.no)?, goods, pegs)?;
            let terms = settings.line(*id);
            Some(Line {
                strategy: terms.and_then(|terms| terms.strategy).unwrap_or(strategy),
                locked: terms.is_some_and(|terms| terms.locked),
                class: terms.map_or(0, |terms| terms.class),
                paid: self.paid.get(id).copied().unwrap_or(0),
                ..line
            })
        });
        Pool { lines: lines.collect(), supplies }
    }
}

/// The supplies that lines have units of or may get units of. The largest buffer of any channel is kept back from the
/// earliest free units.
pub(crate) fn supplies(shop: &Shop, goods: &Goods, now: Timestamp) -> Vec<Supply> {
    let mut kept_back: Units = goods.policies.iter().map(|(_, policy)| policy.buffer).max().unwrap_or(0);
    let open = goods
        .supplies
        .iter()
        .filter(|supply| supply.state != SupplyState::Quarantine && supply.kind != SupplyKind::Shortfall);
    open.map(|supply| {
        let free = if supply.kind.is_elastic() { 0 } else { supply.free().max(0) };
        let usable = (free - kept_back).max(0);
        kept_back = (kept_back - free).max(0);
        let ready = ready(shop, supply, now);
        Supply {
            id: supply.id,
            quantity: supply.pegged() - supply.released() + usable,
            ready,
            ready_before: ready,
            on_hand: supply.is_on_hand(),
        }
    })
    .collect()
}

/// A line with what rules ask of it, but for its strategy and what was paid; `None`: nothing of it can move.
fn line(order: &order::Order, line: &order::Line, goods: &Goods, pegs: &[Peg]) -> Option<Line> {
    let quantity: Units = movable(line, goods.sku()).iter().map(|peg| peg.quantity).sum();
    let told = line.told().or(line.promises.last());
    let promised = told.and_then(|told| told.ship_by.promised);
    // As long before the day it is wanted as the promise says that the way takes.
    let way = told.and_then(|told| {
        Some(days_since_epoch(told.deliver_by.promised?) - days_since_epoch(told.ship_by.promised?))
    });
    let requested =
        order.requested_date.and_then(|on| date_from_days(days_since_epoch(on) - way.unwrap_or(0)));
    let price = goods.item.price.map(|price| price.currency);
    let amount = |money: Option<model::money::Money>| {
        money.filter(|money| price.is_none_or(|price| price == money.currency)).map(|money| money.amount)
    };
    let unit_price = amount(line.unit_price.or(goods.item.price)).unwrap_or(0);
    let cost = amount(goods.item.unit_cost).unwrap_or(0);
    let open = line.open();
    (quantity > 0).then(|| Line {
        id: LineId { order: order.id, no: line.no },
        quantity,
        pegs: pegs.to_vec(),
        strategy: Strategy::default(),
        locked: false,
        class: 0,
        group: order.group.clone(),
        placed: order.placed_at,
        promised,
        requested,
        value: unit_price.saturating_mul(open),
        paid: 0,
        margin: (unit_price - cost).saturating_mul(open),
    })
}
