//! Lines before and after, and what that comes to.

use std::collections::BTreeMap;

use model::{
    id::LineId,
    money::{Currency, Money},
    order::{Dates, Order, ShipChoice},
    supply::{Supply, SupplyKind},
    time::Date,
    view::{LineState, LineView},
};

use super::{
    Effect, Preview, Standing, Summary, Told,
    scene::{Scene, View},
};

pub(super) fn compare(scene: &Scene, before: &View, after: &View) -> Preview {
    let mut summary = Summary {
        units_short: after.units_short - before.units_short,
        lines: scene.lines,
        lines_behind: scene.lines_behind,
        complete: scene.complete,
        ..Summary::default()
    };
    let mut at_risk: BTreeMap<Currency, Money> = BTreeMap::new();
    let mut effects = Vec::new();
    for (id, now) in &before.lines {
        let Some((then, order)) = after.lines.get(id).zip(after.orders.get(&id.order)) else { continue };
        let Some(effect) = effect(*id, order, (before, now), (after, then)) else { continue };
        let moved = rank(&effect.after).cmp(&rank(&effect.before));
        summary.earlier += usize::from(moved.is_lt());
        summary.later += usize::from(moved.is_gt());
        summary.broken += usize::from(effect.broken);
        summary.notices += usize::from(needs_notice(order, *id));
        if (moved.is_gt() || effect.broken)
            && let Some(value) = effect.value
        {
            let sum = at_risk.entry(value.currency).or_insert(Money::zero(value.currency));
            // A sum beyond all money is as good as the largest there is.
            *sum = sum.checked_add(value).unwrap_or(Money::new(i64::MAX, value.currency));
        }
        effects.push(effect);
    }
    let mut values: Vec<Money> = at_risk.into_values().collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.amount));
    let mut values = values.into_iter();
    summary.value_at_risk = values.next();
    summary.further_value_at_risk = values.collect();
    Preview { effects, summary }
}

/// Dates in the order in which a line is better off: the delivery first, unknown last.
fn rank(standing: &Standing) -> [Date; 4] {
    let known = |date: Option<Date>| date.unwrap_or(Date::MAX);
    let Standing { ship_by, deliver_by, .. } = standing;
    [deliver_by.promised, ship_by.promised, deliver_by.expected, ship_by.expected].map(known)
}

/// Whether the last promise that was made about a line is later than what its customer was told.
fn needs_notice(order: &Order, id: LineId) -> bool {
    let line = order.line(id.no);
    let made = line.and_then(|line| Some((line.promises.last()?, line.told()?)));
    made.is_some_and(|(last, told)| {
        last.told_at.is_none() && is_later((last.ship_by, last.deliver_by), (told.ship_by, told.deliver_by))
    })
}

/// Whether one pair of dates to ship and deliver is later than another at either.
fn is_later(dates: (Dates, Dates), than: (Dates, Dates)) -> bool {
    let later = |a: Dates, b: Dates| b.promised.is_some_and(|b| a.promised.is_none_or(|a| a > b));
    later(dates.0, than.0) || later(dates.1, than.1)
}

/// What would change of a line; `None`: nothing.
fn effect(
    line: LineId,
    order: &Order,
    (view_now, now): (&View, &LineView),
    (view_then, then): (&View, &LineView),
) -> Option<Effect> {
    let (before, after) = (standing(now), standing(then));
    if before == after {
        return None;
    }
    let told = now.told.as_ref().map(|told| Told { ship_by: told.ship_by, deliver_by: told.deliver_by });
    let dates = (after.ship_by, after.deliver_by);
    let broken = told.is_some_and(|told| is_later(dates, (told.ship_by, told.deliver_by)));
    let value = now.unit_price.and_then(|price| price.checked_mul(now.open).ok());
    let why = why(order, (view_now, &before), (view_then, &after));
    let (reference, sku, quantity) = (order.reference.clone(), now.sku.clone(), now.open);
    Some(Effect { order: order.id, line, reference, sku, quantity, before, after, told, broken, value, why })
}

fn standing(line: &LineView) -> Standing {
    Standing {
        ship_by: line.ship_by,
        deliver_by: line.deliver_by,
        supply: line.parts.last().map(|part| part.supply),
        allocated: line.state == LineState::Allocated,
    }
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
