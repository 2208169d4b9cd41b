//! Lines before and after, and what that comes to.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    Units,
    id::{LineId, Sku, SupplyId},
    money::{Currency, Money},
    order::{Dates, Line, Order, Peg, ShipChoice},
    state::Shop,
    supply::{Supply, SupplyKind},
    time::{Date, Timestamp},
    view::LineState,
};
use promise::{LineStands, open_lines};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Effect, Preview, Standing, Summary, Told, scene::Scene};

pub(super) fn compare(scene: &Scene, before: &Shop, after: &Shop, now: Timestamp) -> Preview {
    let (now, then) = (View::of(before, now), View::of(after, now));
    let mut summary = Summary {
        units_short: then.units_short(&scene.sku) - now.units_short(&scene.sku),
        lines: scene.lines,
        lines_behind: scene.lines_behind,
        complete: scene.complete,
        ..Summary::default()
    };
    let changed = changed(&now, &then);
    let mut at_risk: BTreeMap<Currency, Money> = BTreeMap::new();
    let mut effects = Vec::new();
    for was in &scene.orders {
        let Some(is) = after.orders.get(&was.id) else { continue };
        if Arc::ptr_eq(was, is) && !pegs(was).any(|peg| changed.contains(&peg.supply)) {
            // The same units, which come as they did.
            continue;
        }
        for effect in of_order((&now, was), (&then, is)) {
            let moved = rank(&effect.after).cmp(&rank(&effect.before));
            summary.earlier += usize::from(moved.is_lt());
            summary.later += usize::from(moved.is_gt());
            summary.broken += usize::from(effect.broken);
            // Its new promise is later than the one that is known, and so waits to be told.
            summary.notices += usize::from(effect.broken);
            if (moved.is_gt() || effect.broken)
                && let Some(value) = effect.value
            {
                let sum = at_risk.entry(value.currency).or_insert(Money::zero(value.currency));
                // A sum beyond all money is as good as the largest there is.
                *sum = sum.checked_add(value).unwrap_or(Money::new(i64::MAX, value.currency));
            }
            effects.push(effect);
        }
    }
    let mut values: Vec<Money> = at_risk.into_values().collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.amount));
    let mut values = values.into_iter();
    summary.value_at_risk = values.next();
    summary.further_value_at_risk = values.collect();
    Preview { effects, summary }
}

/// A shop at one moment.
struct View<'s> {
    shop: &'s Shop,
    supplies: FxHashMap<SupplyId, &'s Supply>,
    now: Timestamp,
}

impl<'s> View<'s> {
    fn of(shop: &'s Shop, now: Timestamp) -> Self {
        let supplies = shop.pools.values().flat_map(|pool| &pool.supplies);
        Self { shop, supplies: supplies.map(|supply| (supply.id, &**supply)).collect(), now }
    }

    /// Units of a pool that are promised with no goods behind them.
    fn units_short(&self, sku: &Sku) -> Units {
        let supplies = self.shop.pool(sku).map(|pool| &pool.supplies[..]).unwrap_or_default();
        let short = supplies.iter().filter(|supply| supply.kind == SupplyKind::Shortfall);
        short.map(|supply| supply.pegged()).sum()
    }
}

/// Supplies whose units come at another time, or that one of both does not have.
fn changed(now: &View<'_>, then: &View<'_>) -> FxHashSet<SupplyId> {
    let comes =
        |supply: &Supply| (supply.location.clone(), supply.state, supply.expected_on, supply.lateness);
    let differs = |id: &&SupplyId| {
        let of = |view: &View<'_>| view.supplies.get(*id).map(|supply| comes(supply));
        of(now) != of(then)
    };
    now.supplies.keys().chain(then.supplies.keys()).filter(differs).copied().collect()
}

fn pegs(order: &Order) -> impl Iterator<Item = &Peg> {
    order.lines.iter().flat_map(|line| &line.pegs)
}

/// Dates in the order in which a line is better off: the delivery first, unknown last.
fn rank(standing: &Standing) -> [Date; 4] {
    let known = |date: Option<Date>| date.unwrap_or(Date::MAX);
    let Standing { ship_by, deliver_by, .. } = standing;
    [deliver_by.promised, ship_by.promised, deliver_by.expected, ship_by.expected].map(known)
}

/// Whether one pair of dates to ship and deliver is later than another at either.
fn is_later(dates: (Dates, Dates), than: (Dates, Dates)) -> bool {
    let later = |a: Dates, b: Dates| b.promised.is_some_and(|b| a.promised.is_none_or(|a| a > b));
    later(dates.0, than.0) || later(dates.1, than.1)
}

/// What would change of an order's lines that are open before and after.
fn of_order((now, was): (&View<'_>, &Order), (then, is): (&View<'_>, &Order)) -> Vec<Effect> {
    let after = open_lines(then.shop, is, then.now);
    let of_line = |before: LineStands| {
        let after = after.iter().find(|after| after.no == before.no)?;
        let line = was.line(before.no)?;
        let (before, after) = (standing(&before), standing(after));
        (before != after).then(|| effect((was, line), (now, before), (then, after)))
    };
    open_lines(now.shop, was, now.now).into_iter().filter_map(of_line).collect()
}

fn effect(
    (order, line): (&Order, &Line),
    (now, before): (&View<'_>, Standing),
    (then, after): (&View<'_>, Standing),
) -> Effect {
    let told = line.told().map(|told| Told { ship_by: told.ship_by, deliver_by: told.deliver_by });
    let dates = (after.ship_by, after.deliver_by);
    let quantity = line.open();
    Effect {
        order: order.id,
        line: LineId { order: order.id, no: line.no },
        reference: order.reference.clone(),
        sku: line.sku.clone(),
        quantity,
        told,
        broken: told.is_some_and(|told| is_later(dates, (told.ship_by, told.deliver_by))),
        value: line.unit_price.and_then(|price| price.checked_mul(quantity).ok()),
        why: why(order, (now, &before), (then, &after)),
        before,
        after,
    }
}

fn standing(line: &LineStands) -> Standing {
    let LineStands { ship_by, deliver_by, supply, state, .. } = *line;
    Standing { ship_by, deliver_by, supply, allocated: state == LineState::Allocated }
}

/// Why a line stands otherwise, in a sentence.
fn why(order: &Order, (now, before): (&View, &Standing), (then, after): (&View, &Standing)) -> String {
    let was = before.supply.and_then(|id| now.supplies.get(&id));
    let Some(is) = after.supply.and_then(|id| then.supplies.get(&id)) else {
        return "no goods are known for it".to_owned();
    };
    let lost = is.kind == SupplyKind::Shortfall;
    if lost && was.is_none_or(|was| was.kind != SupplyKind::Shortfall) {
        let from = was.map_or_else(|| "its supply".to_owned(), |was| name(was));
        return format!("{from} no longer brings its last units, and no other supply has units free");
    }
    if after.supply != before.supply {
        return match (is.is_on_hand(), is.kind) {
            (true, _) => format!("its last units come from {}, which is here", name(is)),
            (false, SupplyKind::LeadTime) => "its last units are ordered anew".to_owned(),
            (false, _) => format!("its last units come from {}, {}", name(is), given(is.expected_on)),
        };
    }
    if is.is_on_hand() && was.is_none_or(|was| !was.is_on_hand()) {
        return format!("{} is here", name(is));
    }
    if was.is_none_or(|was| (was.expected_on, was.is_on_hand()) != (is.expected_on, is.is_on_hand())) {
        return format!("{} comes at another time, {}", name(is), given(is.expected_on));
    }
    if order.ship == ShipChoice::Complete {
        return "it ships with the other lines of its order".to_owned();
    }
    "more or fewer of its units come at another time".to_owned()
}

/// What people call a supply.
fn name(supply: &Supply) -> String {
    match &supply.reference {
        Some(reference) => format!("{reference} ({})", supply.id),
        None => supply.id.to_string(),
    }
}

fn given(date: Option<Date>) -> String {
    date.map_or_else(|| "and nobody knows when".to_owned(), |date| format!("expected on {date}"))
}
