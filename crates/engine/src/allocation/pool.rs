//! A pool of the shop as the plain data that [`allocate::plan`] works on.

use std::collections::BTreeMap;

use allocate::pool::{Line, Peg, Pool, Supply};
use model::{
    Units,
    allocation::Strategy,
    id::{Channel, LineId, Sku, SupplyId},
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
    /// The lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = LineId> {
        self.lines.iter().map(|(id, _)| *id)
    }

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
        kept: &Kept,
        now: Timestamp,
    ) -> Pool {
        let mut supplies = supplies(shop, goods, now);
        for supply in &mut supplies {
            supply.quantity -= kept.of_supply(supply.id);
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
            let line = line(order, order.line(id.no)?, goods, kept.rest(*id, pegs))?;
            let keeps: Units = kept.of_line(*id).iter().map(|peg| peg.quantity).sum();
            let line = Line { quantity: line.quantity - keeps, ..line };
            if line.quantity == 0 {
                return None;
            }
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

/// Units that lines keep whatever a rule says: those that they have of what is ring-fenced for their channel. By line and supply,
/// each with some units; of the lines that are named, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(BTreeMap<LineId, Vec<Peg>>);

impl Kept {
    /// The orders of the lines are loaded.
    pub(super) fn of(shop: &Shop, goods: &Goods, lines: impl Iterator<Item = LineId>) -> Self {
        let mut kept = Self::default();
        // What carts and fulfilment have of it counts among what is ring-fenced.
        let mut left: BTreeMap<(SupplyId, &Channel), Units> = BTreeMap::new();
        for supply in &goods.supplies {
            for fence in &supply.ring_fenced {
                let claims = supply.claims.iter().filter(|claim| claim.channel == fence.channel);
                let out: Units = claims.map(|claim| claim.held + claim.released).sum();
                left.insert((supply.id, &fence.channel), (fence.units - out).max(0));
            }
        }
        if left.is_empty() {
            return kept;
        }
        for id in lines {
            let Some(order) = shop.orders.get(&id.order) else { continue };
            let Some(line) = order.line(id.no) else { continue };
            for peg in movable(line, goods.sku()) {
                let Some(left) = left.get_mut(&(peg.supply, &order.channel)) else { continue };
                let quantity = peg.quantity.min(*left);
                if quantity > 0 {
                    *left -= quantity;
                    kept.0.entry(id).or_default().push(Peg { quantity, ..peg });
                }
            }
        }
        kept
    }

    /// Units of a supply that lines keep.
    fn of_supply(&self, supply: SupplyId) -> Units {
        let pegs = self.0.values().flatten().filter(|peg| peg.supply == supply);
        pegs.map(|peg| peg.quantity).sum()
    }

    fn of_line(&self, line: LineId) -> &[Peg] {
        self.0.get(&line).map(|pegs| &pegs[..]).unwrap_or_default()
    }

    /// What a line had before a change, less what it keeps: of the same supplies, else of any.
    fn rest(&self, line: LineId, pegs: &[Peg]) -> Vec<Peg> {
        let mut rest = pegs.to_vec();
        let mut elsewhere = 0;
        for kept in self.of_line(line) {
            let same = rest.iter_mut().find(|peg| peg.supply == kept.supply);
            let taken = same.map_or(0, |peg| {
                let taken = peg.quantity.min(kept.quantity);
                peg.quantity -= taken;
                taken
            });
            elsewhere += kept.quantity - taken;
        }
        for peg in rest.iter_mut().rev() {
            let taken = peg.quantity.min(elsewhere);
            peg.quantity -= taken;
            elsewhere -= taken;
        }
        rest.retain(|peg| peg.quantity > 0);
        rest
    }

    /// Gives the lines of a plan what they keep.
    pub(super) fn add_to(&self, plan: &mut allocate::plan::Plan) {
        for line in plan.lines.iter_mut().filter(|_| !self.0.is_empty()) {
            for kept in self.of_line(line.line) {
                match line.pegs.iter_mut().find(|peg| peg.supply == kept.supply) {
                    Some(peg) => peg.quantity += kept.quantity,
                    None => line.pegs.push(*kept),
                }
            }
        }
    }
}

/// The supplies that lines have units of or may get units of; nothing that is ring-fenced and nobody has. The largest buffer of
/// any channel is kept back from the earliest free units.
pub(crate) fn supplies(shop: &Shop, goods: &Goods, now: Timestamp) -> Vec<Supply> {
    let mut kept_back: Units = goods.policies.iter().map(|(_, policy)| policy.buffer).max().unwrap_or(0);
    let open = goods
        .supplies
        .iter()
        .filter(|supply| supply.state != SupplyState::Quarantine && supply.kind != SupplyKind::Shortfall);
    open.map(|supply| {
        let free = if supply.kind.is_elastic() { 0 } else { supply.open().max(0) };
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
fn line(order: &order::Order, line: &order::Line, goods: &Goods, pegs: Vec<Peg>) -> Option<Line> {
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
        pegs,
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
