//! The daily look at every line that waits: time alone makes notices necessary, of dates that pass and of long silence,
//! and makes other goods the better ones for a line.
//!
//! It goes from pool to pool as work, a few hundred lines a step, and finds nothing twice.

use ledger::QueueRow;
use model::{
    id::{LineId, OrderId, Sku, SupplyId},
    order::Cause,
    time::{Date, Zone, days_since_epoch, local_date},
};
use serde::{Deserialize, Serialize};

use super::{
    draft::{Look, draft},
    ground::rules,
};
use crate::{
    after::{Course, Rest, go_on_or_end, settle},
    answer::Failure,
    working::Working,
};

/// A line whose told date comes within so many days is looked at.
const AHEAD_DAYS: i32 = 3;
/// An order without a told date is looked at when it is so many days old: the law gives it thirty.
const DATELESS_DAYS: i32 = 25;
/// How many days a promise stands that nobody was told and that is over.
const OVERDUE_DAYS: i32 = 7;

/// How far the look has come: through all pools before one; in that one through its supplies up to one; in that one up
/// to a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watch {
    sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<(SupplyId, Option<LineId>)>,
}

/// Goes on with the look: one step, the rest as work.
pub(crate) fn watch(
    working: &mut Working<'_>,
    course: &mut Course,
    mut place: Watch,
    work: Option<i64>,
) -> Result<(), Failure> {
    let mut budget = course.lines;
    let mut over = false;
    while budget > 0 && !over {
        if place.at.is_none() {
            over = !next_pool(working, &mut place)?;
            let moved = if over { 0 } else { move_up(working, course, &place)? };
            budget = budget.saturating_sub(moved.max(1));
            continue;
        }
        budget = budget.saturating_sub(look(working, course, &mut place, budget)?.max(1));
    }
    let rest = || Rest::Watch { at: place, course: course.clone() };
    go_on_or_end(working, work, (!over).then(rest)).map(drop)
}

/// Moves on to the first supply of the next pool that has one. False: there is no pool left.
fn next_pool(working: &mut Working<'_>, place: &mut Watch) -> Result<bool, Failure> {
    let tenant = working.tenant;
    let Some(pool) = working.store()?.pool_page(tenant, place.sku.as_ref(), 1)?.pop() else {
        return Ok(false);
    };
    place.sku = Some(pool.sku().clone());
    place.at = pool.supplies.iter().map(|supply| supply.id).min().map(|first| (first, None));
    Ok(true)
}

/// Lets lines of the pool move up whose own supply the days alone have made too late, while other goods are free; answers
/// how many it looked at.
fn move_up(working: &mut Working<'_>, course: &mut Course, place: &Watch) -> Result<usize, Failure> {
    let Some(sku) = &place.sku else { return Ok(0) };
    working.load_pools([sku].into_iter())?;
    settle(working, course, sku, &Cause::of("day_passed"))
}

/// Looks at lines behind the supply of the place; answers how many.
fn look(
    working: &mut Working<'_>,
    course: &Course,
    place: &mut Watch,
    most: usize,
) -> Result<usize, Failure> {
    let (Some(sku), Some((supply, after))) = (place.sku.clone(), place.at) else { return Ok(0) };
    let tenant = working.tenant;
    let rows = working.store()?.queue_page(tenant, supply, after, most)?;
    let silent_days = rules(working)?.shop.write.silent_days.map(i32::from);
    let today = days_since_epoch(local_date(course.now, &Zone::utc()));
    let mut orders: Vec<OrderId> = rows
        .iter()
        .filter(|row| {
            let age = today - days_since_epoch(local_date(row.placed_at, &Zone::utc()));
            let told = row.told_ship_by.promised.map(days_since_epoch);
            let is_near = told.map_or(age >= DATELESS_DAYS, |told| told <= today + AHEAD_DAYS);
            is_near || silent_days.is_some_and(|days| age >= days)
        })
        .map(|row| row.line.order)
        .collect();
    orders.dedup();
    working.load_orders(&orders)?;
    overdue(working, course, supply, &rows)?;
    draft(working, course.now, &orders, Look::All)?;
    place.at = match rows.last().filter(|_| rows.len() == most) {
        Some(last) => Some((supply, Some(last.line))),
        None => {
            working.load_pools([&sku].into_iter())?;
            let supplies = working.pool(&sku).map(|pool| &pool.supplies[..]).unwrap_or_default();
            let next = supplies.iter().map(|supply| supply.id).filter(|id| *id > supply).min();
            next.map(|next| (next, None))
        }
    };
    Ok(rows.len())
}

/// Makes promises anew for lines whose promised day has come: what they wait for comes later than was said, though nobody
/// has said so. Not every day: the date moves on with each.
fn overdue(
    working: &mut Working<'_>,
    course: &Course,
    supply: SupplyId,
    rows: &[QueueRow],
) -> Result<(), Failure> {
    let today = local_date(course.now, &Zone::utc());
    let is_over = |id: &LineId| {
        let line = working.shop().orders.get(&id.order).and_then(|order| order.line(id.no));
        let Some((line, last)) = line.and_then(|line| Some((line, line.promises.last()?))) else {
            return false;
        };
        let days = days_since_epoch(today) - days_since_epoch(local_date(last.given_at, &Zone::utc()));
        // On the day itself it is late as well where it comes later by now: after that day nobody may say so any more.
        let has_come = |by: Option<Date>| by.is_some_and(|by| by <= today);
        let promised = last.ship_by.promised;
        // What was told may be later than what was promised since and nobody was told: its day is the one that counts.
        let told = line.told().and_then(|told| told.ship_by.promised);
        let is_unwarned = has_come(told) && promised <= told;
        has_come(promised) && (last.told_at.is_some() || is_unwarned || days >= OVERDUE_DAYS)
    };
    let mut lines: Vec<LineId> = rows.iter().map(|row| row.line).filter(is_over).collect();
    lines.sort_unstable();
    lines.dedup();
    let cause = Cause { supply: Some(supply), ..Cause::of("supply_overdue") };
    let promises = promise::reissue(course.setting(working), &lines, &cause);
    working.apply(course.now, promises)
}
