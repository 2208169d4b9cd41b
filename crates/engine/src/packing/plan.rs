//! Which orders to make whole: read from a store, chosen as a packing problem.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use allocate::pack::{self, Solution, orders};
use ledger::{QueuePart, Read};
use model::{
    Units,
    allocation::{Pack, PackReport, PackedOrder, Packing, Worth},
    id::{LineId, LocationId, OrderId, Sku, TenantId},
    money::{Currency, Money},
    order::{Order, ShipChoice},
    pool::Pool,
    refusal::{Refusal, RefusalCode, Rejection},
    state::Shop,
    time::Timestamp,
};

use super::swaps::{Swaps, takes_part};
use crate::{Failure, allocation::settings::Settings};

/// Most orders to choose from.
pub const ORDERS_MAX: usize = 5_000;
/// Most lines looked at to find them.
const LINES_MAX: usize = 100_000;
/// Rows read at once.
const PAGE: usize = 1_000;
/// How often the choice is made anew without orders that nobody gives way to.
const ROUNDS: usize = 4;

/// Which orders to look at.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Where goods are; `None`: at the tenant's one location.
    pub location: Option<LocationId>,
    /// Those with units of one of these, or all.
    pub skus: Vec<Sku>,
    /// What makes one worth more than another.
    pub by: Worth,
}

/// How long to search.
pub struct Effort<'a> {
    /// Asked many times a second.
    pub go_on: &'a mut dyn FnMut() -> bool,
    /// For how long HiGHS may go on, where it is built in.
    pub highs: Duration,
}

/// A choice: the command that does it, and what that would answer.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Makes the orders whole.
    pub command: Pack,
    /// What comes of it; it names no run.
    pub report: PackReport,
}

type Refused<T> = Result<Result<T, Rejection>, Failure>;

/// Chooses which orders to make whole. The command does it; without any order it would do nothing.
///
/// Nobody gets later, unless by a strategy that lets it: units on hand of an order that waits go to another only for units that
/// come no later than what the giver waits for. The bound is that of all choices, also of those that this rules out.
/// Errors: the store could not be read, or a defect. Refusals: `not_found` and `Invalid` for location and SKUs, values in more
/// than one currency; `too_many_lines`.
pub fn plan(
    read: &mut dyn Read,
    tenant: &TenantId,
    wish: &Wish,
    now: Timestamp,
    effort: &mut Effort<'_>,
) -> Refused<Plan> {
    let settings = Settings::load(read, tenant)?;
    let locations = read.locations(tenant)?;
    let location = match &wish.location {
        Some(location) => location.clone(),
        None if locations.len() == 1 => locations[0].0.clone(),
        None => {
            let detail = "there are several locations, or none: say which";
            return Ok(Err(Rejection::field("/location", "required", detail)));
        }
    };
    let Some((_, at)) = locations.iter().find(|(id, _)| *id == location) else {
        let detail = format!("there is no location {:?}", location.as_str());
        return Ok(Err(Rejection::field("/location", "unknown_location", detail)));
    };
    let today = at.today(now);
    let shop = match shop(read, tenant, &wish.skus)? {
        Ok(shop) => shop,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let locations = locations.into_iter().map(|(id, settings)| (id, Arc::new(settings)));
    let shop = Shop { locations: Arc::new(locations.collect()), ..shop };
    let mut waiting: Vec<&Order> = shop.orders.values().map(|order| &**order).collect();
    waiting.retain(|order| takes_part(&shop, &settings, order, today));
    let all = Swaps::new(&shop, &settings, &location, waiting.iter().map(|order| order.id), now);
    waiting.retain(|order| !all.is_whole(order.id));
    waiting.sort_by_key(|order| (class(&settings, order), order.placed_at, order.id));
    if waiting.len() > ORDERS_MAX {
        let detail = format!(
            "{} orders wait to be shipped whole, and one run chooses from {ORDERS_MAX}: name SKUs",
            waiting.len()
        );
        return Ok(Err(Refusal::new(RefusalCode::TooManyLines, detail).into()));
    }
    let ids: Vec<OrderId> = waiting.iter().map(|order| order.id).collect();
    let fresh = || Swaps::new(&shop, &settings, &location, ids.iter().copied(), now);
    let (values, currency) = match values(&shop, &waiting, wish.by) {
        Ok(values) => values,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let choice = Choice { swaps: fresh(), ids: &ids, values: &values };
    let mut best: Option<(i64, Served, Solution)> = None;
    let mut hopeless: BTreeSet<OrderId> = BTreeSet::new();
    let mut first: Option<Solution> = None;
    for _ in 0..ROUNDS {
        let solution = choice.solve(&hopeless, effort)?;
        let served = choice.serve(fresh(), &solution);
        let value = served.whole.iter().filter_map(|whole| choice.value(whole.order)).sum();
        let failed = served.failed.clone();
        if best.as_ref().is_none_or(|(known, ..)| value > *known) {
            best = Some((value, served, solution.clone()));
        }
        first.get_or_insert(solution);
        if failed.is_empty() || hopeless.len() + failed.len() == ids.len() {
            break;
        }
        hopeless.extend(failed);
    }
    let (Some((value, served, found)), Some(first)) = (best, first) else {
        return Err(Failure::Defect("nothing was tried".into()));
    };
    let known = Solution { value, bound: first.bound.max(value), ..first };
    let packing = Packing {
        by: wish.by,
        method: found.method.as_str().into(),
        value,
        bound: known.bound,
        gap_ppm: known.gap_ppm(),
        in_turn_value: known.in_turn_value,
        currency,
        waiting: ids.len(),
    };
    let whole: Vec<OrderId> = served.whole.iter().map(|whole| whole.order).collect();
    let givers = served.givers;
    let command = Pack { location: location.clone(), whole, givers, choice: packing.clone() };
    let (orders, gave) = (served.whole, served.gave);
    let report = PackReport { run: None, location, choice: packing, orders, gave };
    Ok(Ok(Plan { command, report }))
}

/// Orders that a choice makes whole, and at whose cost.
struct Served {
    whole: Vec<PackedOrder>,
    /// Who may give, those that give last first.
    givers: Vec<OrderId>,
    /// Who gave.
    gave: Vec<OrderId>,
    /// Chosen, and nobody gives way to them.
    failed: Vec<OrderId>,
}

/// Orders to choose from, those that come first first.
struct Choice<'a> {
    swaps: Swaps<'a>,
    ids: &'a [OrderId],
    values: &'a BTreeMap<OrderId, i64>,
}

impl Choice<'_> {
    fn value(&self, id: OrderId) -> Option<i64> {
        self.values.get(&id).copied()
    }

    /// The best choice without these.
    fn solve(&self, without: &BTreeSet<OrderId>, effort: &mut Effort<'_>) -> Result<Solution, Failure> {
        let defect = |error: &dyn std::fmt::Display| Failure::Defect(error.to_string().into());
        let mut there = self.swaps.there();
        let orders: Vec<orders::Order> = self
            .ids
            .iter()
            .map(|id| {
                let needs: Vec<(Sku, Units)> = self.swaps.needs(*id).into_iter().collect();
                for (sku, _) in &needs {
                    there.entry(sku.clone()).or_default();
                }
                // An order worth nothing is as good as left out.
                let value = if without.contains(id) { 0 } else { self.value(*id).unwrap_or(0) };
                orders::Order { id: *id, value, needs }
            })
            .collect();
        let there: Vec<(Sku, Units)> = there.into_iter().collect();
        let problem = orders::problem(&there, &orders).map_err(|error| defect(&error))?;
        let nodes = pack::Effort::NODES;
        let solution = pack::solve(&problem, &mut pack::Effort { nodes, go_on: effort.go_on });
        Ok(improved(&problem, solution, effort.highs))
    }

    /// Makes the chosen orders whole in their turn. Who is not chosen may give, those that came last first.
    fn serve(&self, mut swaps: Swaps<'_>, solution: &Solution) -> Served {
        let is_worth = |id: &OrderId| self.value(*id).is_some_and(|value| value > 0);
        let (chosen, others): (Vec<_>, Vec<_>) =
            self.ids.iter().zip(&solution.chosen).partition(|(id, chosen)| **chosen && is_worth(id));
        let givers: Vec<OrderId> = others.into_iter().map(|(id, _)| *id).rev().collect();
        let (mut whole, mut failed) = (Vec::new(), Vec::new());
        for (id, _) in chosen {
            match swaps.serve(*id, &givers) {
                Some(units_moved) => whole.push(swaps.packed(*id, units_moved)),
                None => failed.push(*id),
            }
        }
        let gave = swaps.changed(&givers);
        Served { whole, givers, gave, failed }
    }
}

/// What HiGHS makes of a solution that is not proved, where it is built in.
#[cfg(feature = "highs")]
fn improved(problem: &pack::Problem, solution: Solution, limit: Duration) -> Solution {
    if solution.is_proved() || limit.is_zero() {
        return solution;
    }
    pack::highs::solve(problem, &solution, limit).unwrap_or_else(|error| {
        tracing::warn!(%error, "a packing is as good as it was before HiGHS");
        solution
    })
}

#[cfg(not(feature = "highs"))]
fn improved(_problem: &pack::Problem, solution: Solution, _limit: Duration) -> Solution {
    solution
}

fn class(settings: &Settings, order: &Order) -> i32 {
    let of_line = |no| settings.line(LineId { order: order.id, no }).map_or(0, |terms| terms.class);
    order.lines.iter().map(|line| of_line(line.no)).min().unwrap_or(0)
}

/// What each order is worth, and in which currency.
fn values(
    shop: &Shop,
    orders: &[&Order],
    by: Worth,
) -> Result<(BTreeMap<OrderId, i64>, Option<Currency>), Rejection> {
    let mut currency: Option<Currency> = None;
    let mut values = BTreeMap::new();
    for order in orders {
        let mut value: i64 = i64::from(by == Worth::Orders);
        for line in order.lines.iter().filter(|line| line.open() > 0 && by != Worth::Orders) {
            let item = shop.pool(&line.sku).map(|pool| &pool.item);
            let Some(price) = line.unit_price.or(item.and_then(|item| item.price)) else { continue };
            let known = *currency.get_or_insert(price.currency);
            if known != price.currency {
                let detail = format!(
                    "orders are in {known} and {}: values of two currencies do not compare; choose by orders",
                    price.currency
                );
                return Err(Rejection::field("/by", "other_currency", detail));
            }
            let cost = item.and_then(|item| item.unit_cost).filter(|_| by == Worth::Margin);
            let cost = cost.filter(|cost: &Money| cost.currency == known).map_or(0, |cost| cost.amount);
            value = value.saturating_add((price.amount - cost).saturating_mul(line.open()));
        }
        values.insert(order.id, value.clamp(0, pack::AMOUNT_MAX));
    }
    Ok((values, currency))
}

/// Orders that wait and ship whole, with every pool that they depend on.
fn shop(read: &mut dyn Read, tenant: &TenantId, skus: &[Sku]) -> Refused<Shop> {
    let lines = match lines(read, tenant, skus)? {
        Ok(lines) => lines,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let ids: BTreeSet<OrderId> = lines.into_iter().map(|line| line.order).collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let mut shop = Shop::default();
    for ids in ids.chunks(PAGE) {
        let whole = read.orders(tenant, ids)?.into_iter().filter(|order| order.ship == ShipChoice::Complete);
        shop.orders.extend(whole.map(|order| (order.id, Arc::new(order))));
    }
    let lines = || shop.orders.values().flat_map(|order| &order.lines);
    let needed: BTreeSet<Sku> =
        lines().flat_map(|line| line.needs().map(|(sku, _)| sku).chain([&line.sku])).cloned().collect();
    let needed: Vec<Sku> = needed.into_iter().collect();
    for skus in needed.chunks(PAGE) {
        let pools = read.pools(tenant, skus)?;
        shop.pools.extend(pools.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))));
    }
    Ok(Ok(shop))
}

/// Lines that may belong to an order that waits: those behind goods that are not here, of all SKUs; or all of these SKUs.
fn lines(read: &mut dyn Read, tenant: &TenantId, skus: &[Sku]) -> Refused<Vec<LineId>> {
    let mut lines: Vec<LineId> = Vec::new();
    let mut take = |read: &mut dyn Read, pool: &Pool| -> Result<bool, Failure> {
        let asked = |on_hand: bool| !skus.is_empty() || !on_hand;
        for supply in pool.supplies.iter().filter(|supply| supply.pegged() > 0 && asked(supply.is_on_hand()))
        {
            let mut after = None;
            loop {
                let page = read.queue(tenant, supply.id, QueuePart::All, after, PAGE)?;
                lines.extend(page.iter().map(|waiting| waiting.line));
                if lines.len() > LINES_MAX {
                    return Ok(false);
                }
                match page.last().filter(|_| page.len() == PAGE) {
                    Some(last) => after = Some(last.line),
                    None => break,
                }
            }
        }
        Ok(true)
    };
    let too_many = || {
        let detail = format!("more than {LINES_MAX} lines wait: name SKUs of which fewer do");
        Ok(Err(Refusal::new(RefusalCode::TooManyLines, detail).into()))
    };
    if !skus.is_empty() {
        let pools = read.pools(tenant, skus)?;
        if let Some((at, sku)) =
            skus.iter().enumerate().find(|(_, sku)| pools.iter().all(|pool| pool.sku() != *sku))
        {
            let detail = format!("there is no sku {:?}", sku.as_str());
            return Ok(Err(Rejection::field(format!("/skus/{at}"), "unknown_sku", detail)));
        }
        for pool in &pools {
            if !take(read, pool)? {
                return too_many();
            }
        }
        return Ok(Ok(lines));
    }
    let mut after: Option<Sku> = None;
    loop {
        let pools = read.pool_page(tenant, after.as_ref(), PAGE)?;
        for pool in &pools {
            if !take(read, pool)? {
                return too_many();
            }
        }
        match pools.last().filter(|_| pools.len() == PAGE) {
            Some(last) => after = Some(last.sku().clone()),
            None => return Ok(Ok(lines)),
        }
    }
}
