//! `/insights/what-if`: the shop run ahead as it is and with something else, by the engine's own code, on the same customers and suppliers.

use std::num::NonZeroUsize;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::Read;
use model::{
    id::{Channel, Sku, TenantId},
    item::{Cap, Policy, WhenOut},
    pool::Pool,
};
use serde::Deserialize;
use simulate::{Compared, Measure, Outcome, Reorder, Variant, World, of_shop};

use super::{
    super::super::{Frame, page, words},
    Ask, Fail,
    chart::{Chart, Point},
    part::{Table, number, text},
};
use crate::{api::decide::Histories, staff::May};

/// Pools read at once.
const PAGE: usize = 500;
/// Pools looked at for those most asked for.
const POOLS_MAX: usize = 5_000;
/// Products run ahead at once: those most asked for.
const SKUS_MAX: usize = 12;
/// Times each is run.
const REPLICATIONS: usize = 100;
const SEED: u64 = 7;
const DAYS_DEFAULT: f64 = 120.0;
/// Customers of one product in one run: what a page may wait for.
const CUSTOMERS_MAX: f64 = 20_000.0;

/// What is to be tried, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    sku: String,
    /// Days that goods on their way come later.
    slip: String,
    /// So many times the customers.
    demand: String,
    /// Most units that may wait at once.
    cap: String,
    /// How it is sold while it is out.
    when_out: String,
    days: String,
    run: String,
}

/// What is to be tried.
struct Tried {
    slip_days: f64,
    demand_factor: f64,
    cap: Option<i64>,
    when_out: Option<WhenOut>,
    days: f64,
}

#[derive(Template)]
#[template(path = "desk/insights/what_if.html")]
struct Page<'w> {
    frame: Frame,
    wish: &'w Wish,
    ways: [(&'static str, &'static str); 6],
    problem: Option<String>,
    found: Option<Found>,
}

/// What came of it.
struct Found {
    said: Vec<String>,
    chart: Chart,
    table: Table,
    notes: Vec<String>,
}

const WAYS: [(&str, &str); 6] = [
    ("", "As it is sold now"),
    ("refuse", "Out of stock"),
    ("waitlist", "Waitlist"),
    ("backorder", "Backorder"),
    ("preorder", "Pre-order"),
    ("made_to_order", "Made to order"),
];

fn read(wish: &Wish) -> Result<Tried, String> {
    let number = |text: &str, name: &str, (least, most): (f64, f64), default: f64| {
        let text = text.trim();
        if text.is_empty() {
            return Ok(default);
        }
        let value = text.replace(',', ".").parse::<f64>().ok();
        let value = value.filter(|value| value.is_finite() && (least..=most).contains(value));
        value.ok_or_else(|| format!("{name} must be a number from {least} to {most}, not {text:?}."))
    };
    let cap = number(&wish.cap, "The limit", (0.0, 1e6), -1.0)?;
    let when_out = match &*wish.when_out {
        "" => None,
        "refuse" => Some(WhenOut::Refuse),
        "waitlist" => Some(WhenOut::Waitlist),
        "backorder" => Some(WhenOut::Backorder),
        "preorder" => Some(WhenOut::Preorder),
        "made_to_order" => Some(WhenOut::MadeToOrder),
        other => return Err(format!("There is no way of selling {other:?}.")),
    };
    Ok(Tried {
        slip_days: number(&wish.slip, "Days later", (-365.0, 365.0), 0.0)?,
        demand_factor: number(&wish.demand, "Demand", (0.0, 20.0), 1.0)?,
        cap: (cap >= 0.0).then_some(cap as i64),
        when_out,
        days: number(&wish.days, "Days ahead", (7.0, 365.0), DAYS_DEFAULT)?,
    })
}

impl Tried {
    fn policy(&self, current: &Policy) -> Policy {
        let mut policy = Policy { when_out: self.when_out.unwrap_or(current.when_out), ..current.clone() };
        if let Some(cap) = self.cap {
            policy.backorder_cap = Cap::Limited(cap);
        }
        policy
    }

    fn variants(&self, world: &World, reorder: Reorder) -> [Variant; 2] {
        let plain = Variant {
            name: "As it is".to_owned(),
            policy: None,
            reorder,
            slip_days: 0.0,
            demand_factor: 1.0,
        };
        let other = Variant {
            name: "What if".to_owned(),
            policy: Some(self.policy(&world.policy)),
            slip_days: self.slip_days,
            demand_factor: self.demand_factor,
            ..plain.clone()
        };
        [plain, other]
    }
}

/// `GET /insights/what-if`.
pub(super) fn answer(ask: &Ask, histories: &Histories, wish: &Wish) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let (found, problem) = if wish.run.is_empty() {
        (None, None)
    } else {
        match read(wish) {
            Ok(tried) => match run(ask, histories, &visitor.tenant, (wish, &tried))? {
                Ok(found) => (Some(found), None),
                Err(problem) => (None, Some(problem)),
            },
            Err(problem) => (None, Some(problem)),
        }
    };
    let page_ = Page { wish, ways: WAYS, problem, found, frame: Frame::of(ask, &visitor, "insights") };
    page(StatusCode::OK, &page_)
}

fn pools(store: &mut dyn Read, tenant: &TenantId, sku: &str) -> Result<Result<Vec<Pool>, String>, Fail> {
    if !sku.trim().is_empty() {
        let unknown = || Ok(Err(format!("There is no product {:?}.", sku.trim())));
        let Ok(name) = Sku::new(sku.trim()) else { return unknown() };
        let found = store.pools(tenant, &[name])?;
        return if found.is_empty() { unknown() } else { Ok(Ok(found)) };
    }
    let (mut pools, mut after) = (Vec::new(), None::<Sku>);
    while pools.len() < POOLS_MAX {
        let page = store.pool_page(tenant, after.as_ref(), PAGE)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|pool| pool.sku().clone());
        pools.extend(page);
        if after.is_none() {
            break;
        }
    }
    Ok(Ok(pools))
}

fn run(
    ask: &Ask,
    histories: &Histories,
    tenant: &TenantId,
    (wish, tried): (&Wish, &Tried),
) -> Result<Result<Found, String>, Fail> {
    let mut reader = ask.app.engine.store().reader()?;
    let pools = match pools(&mut *reader, tenant, &wish.sku)? {
        Ok(pools) => pools,
        Err(problem) => return Ok(Err(problem)),
    };
    let channel = Channel::default();
    let worlds: Vec<Result<(World, Reorder), String>> = histories.look(&mut *reader, tenant, |history| {
        let whole = history.whole(ask.now);
        let one = |pool: &Pool| {
            let found = of_shop(pool, &channel, (history, &whole), (ask.now, tried.days));
            found.map(|(world, reorder, _)| (world, reorder))
        };
        pools.iter().map(one).collect()
    })?;
    drop(reader);
    let why = worlds.iter().find_map(|world| world.as_ref().err().cloned());
    let mut worlds: Vec<(World, Reorder)> = worlds.into_iter().filter_map(Result::ok).collect();
    let all = worlds.len();
    worlds.retain(|(world, _)| {
        world.goods.customers.rate * tried.days * tried.demand_factor.max(1.0) <= CUSTOMERS_MAX
    });
    let rate = |world: &World| world.goods.customers.rate;
    worlds.sort_by(|(a, _), (b, _)| rate(b).total_cmp(&rate(a)).then_with(|| a.goods.sku.cmp(&b.goods.sku)));
    worlds.truncate(SKUS_MAX);
    if worlds.is_empty() {
        let why = why.map_or(String::new(), |why| format!(" {}.", words::sentence(&why)));
        return Ok(Err(format!("Nothing can be run ahead.{why}")));
    }
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut sums: Option<Vec<Vec<Outcome>>> = None;
    for (world, reorder) in &worlds {
        let variants = tried.variants(world, *reorder);
        let run = (SEED, REPLICATIONS, workers);
        let found = match simulate::outcomes(std::slice::from_ref(world), &variants, run, ask.now, &|_| {}) {
            Ok(found) => found,
            Err(error) => return Ok(Err(format!("{}: {error}.", world.goods.sku))),
        };
        match &mut sums {
            None => sums = Some(found),
            Some(sums) => {
                sums.iter_mut().flatten().zip(found.iter().flatten()).for_each(|(sum, more)| sum.add(more));
            }
        }
    }
    let compared = simulate::sum_up(&["As it is", "What if"], &sums.unwrap_or_default())
        .map_err(|error| Fail::Defect(error.to_string()))?;
    let [plain, other] = &compared[..] else { return Err(Fail::Defect("two ways were run".to_owned())) };
    let mut notes = vec![format!(
        "{REPLICATIONS} runs of {:.0} days each, the same customers and suppliers in both; intervals hold 95 of 100 such answers. Customers \
         are drawn from what the ledger shows; what it does not show is borrowed or guessed, as the advice says.",
        tried.days
    )];
    let named: Vec<&str> = worlds.iter().map(|(world, _)| &*world.goods.sku).collect();
    notes.push(format!("Run ahead: {}.", named.join(", ")));
    if all > worlds.len() {
        notes.push(format!(
            "{} more are left out: only those most asked for are run ahead on a page.",
            all - worlds.len()
        ));
    }
    Ok(Ok(found(plain, other, notes)))
}

const SHOWN: [(Measure, &str, bool); 11] = [
    (Measure::UnitsAsked, "Units asked for", false),
    (Measure::FillRate, "Share there at once", true),
    (Measure::UnitsShipped, "Units sent", false),
    (Measure::UnitsRefused, "Units refused or not waited for", false),
    (Measure::UnitsCancelled, "Units called off", false),
    (Measure::UnitsLate, "Units sent late", false),
    (Measure::UnitsFromWaitlist, "Units sold from the waitlist", false),
    (Measure::MeanWaitDays, "Days waited, of those who did", false),
    (Measure::Profit, "Earned", false),
    (Measure::CashLowest, "Lowest cash", false),
    (Measure::CashLast, "Cash at the end", false),
];

fn figure(compared: &Compared, measure: Measure) -> (f64, f64, f64, f64) {
    compared.figures.iter().find(|figure| figure.measure == measure).map_or((0.0, 0.0, 0.0, 0.0), |figure| {
        (figure.mean, figure.half_width, figure.difference, figure.difference_half_width)
    })
}

fn found(plain: &Compared, other: &Compared, notes: Vec<String>) -> Found {
    let shown = |value: f64, share: bool| {
        if share { format!("{:.1} %", 100.0 * value) } else { format!("{value:.1}") }
    };
    let row = |(measure, name, share): &(Measure, &str, bool)| {
        let (before, before_half, ..) = figure(plain, *measure);
        let (after, after_half, by, by_half) = figure(other, *measure);
        let with =
            |mean: f64, half: f64| number(format!("{} ± {}", shown(mean, *share), shown(half, *share)), mean);
        vec![text(*name), with(before, before_half), with(after, after_half), with(by, by_half)]
    };
    let (_, _, profit, half) = figure(other, Measure::Profit);
    let verdict = if profit.abs() <= half {
        format!("No difference in what is earned can be told from chance ({profit:.2} ± {half:.2}).")
    } else {
        let word = if profit > 0.0 { "more" } else { "less" };
        format!("It earns {:.2} {word}, give or take {half:.2}.", profit.abs())
    };
    let (_, _, fill, fill_half) = figure(other, Measure::FillRate);
    let said = vec![
        verdict,
        format!(
            "The share of units that are there at once changes by {:+.1} points, give or take {:.1}.",
            100.0 * fill,
            100.0 * fill_half
        ),
        format!(
            "Cash falls below zero in {:.0} of 100 runs as it is, in {:.0} with the change.",
            100.0 * plain.cash_negative_share,
            100.0 * other.cash_negative_share
        ),
    ];
    let mut points: Vec<Point> = Vec::new();
    for (measure, name) in [
        (Measure::UnitsShipped, "Sent"),
        (Measure::UnitsRefused, "Refused"),
        (Measure::UnitsCancelled, "Called off"),
        (Measure::UnitsLate, "Late"),
    ] {
        for (compared, tone, when) in [(plain, "here", "as it is"), (other, "later", "what if")] {
            let mean = figure(compared, measure).0;
            points.push((format!("{name}, {when}"), mean, format!("{mean:.1}"), tone));
        }
    }
    Found {
        said,
        chart: Chart::lying("Units as it is and with the change", &points),
        table: Table {
            caption: "Both ways side by side".to_owned(),
            heads: vec![("What", false), ("As it is", true), ("What if", true), ("Difference", true)],
            rows: SHOWN.iter().map(row).collect(),
        },
        notes,
    }
}
