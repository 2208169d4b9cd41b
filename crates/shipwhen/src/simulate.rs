//! `shipwhen simulate`: ways to run a shop side by side, by the engine's own code on a store in memory.

use std::{num::NonZeroUsize, process::ExitCode};

use anyhow::{Context, bail};
use evidence::History;
use insight::{advice::Advice, advisor::Mode};
use ledger::Read;
use model::{
    id::{Channel, Sku, TenantId},
    item::{Cap, Policy, WhenOut},
    pool::Pool,
    time::Timestamp,
};
use serde::Serialize;
use simulate::{Compared, Measure, Reorder, Variant, World, of_shop};

use crate::{
    cli::SimulateArgs,
    config::{Settings, Usage},
    house, output,
};

/// Pools read at once.
const PAGE: usize = 500;
/// Most SKUs simulated at once: those most asked for.
const SKUS_MAX: usize = 500;

#[derive(Serialize)]
struct Answer {
    as_of: Timestamp,
    days: f64,
    replications: usize,
    seed: u64,
    skus: Vec<String>,
    left_out: Vec<LeftOut>,
    variants: Vec<Compared>,
}

#[derive(Serialize)]
struct LeftOut {
    sku: String,
    why: String,
}

/// One SKU that can be simulated.
struct Simulated {
    world: World,
    reorder: Reorder,
    advice: Advice,
    policy: Policy,
}

/// Simulates, and prints a table or JSON.
pub(crate) fn run(settings: &Settings, args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let ways = ways(args)?;
    let house = house::House::open_existing(settings)?;
    let tenant = house.tenant(settings)?.id;
    let mut store = house.store.reader()?;
    let now = begins(&mut *store, &tenant, args)?;
    let (mut simulated, left_out) = of_store(&mut *store, &tenant, args, now)?;
    if simulated.is_empty() {
        let why = left_out.first().map_or(String::new(), |left| format!(": {}: {}", left.sku, left.why));
        bail!("nothing can be simulated{why}");
    }
    // Balances are added up over the SKUs, so one of them begins with it.
    if let (Some(cash), Some(first)) = (args.cash, simulated.first_mut()) {
        first.world.costs.opening_cash = cash;
    }
    let workers = match args.threads {
        Some(threads) => NonZeroUsize::new(threads).context("--threads")?,
        None => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let singles = args.replications * ways.len() * simulated.len();
    let bar = output::progress(u64::try_from(singles).ok(), "simulating");
    let mut sums: Option<Vec<Vec<simulate::Outcome>>> = None;
    for one in &simulated {
        let variants: Vec<Variant> = ways.iter().map(|way| way.variant(one)).collect();
        let run = (args.seed, args.replications, workers);
        let done = |_| bar.inc(1);
        let found = simulate::outcomes(std::slice::from_ref(&one.world), &variants, run, now, &done)
            .with_context(|| one.world.goods.sku.clone())?;
        match &mut sums {
            None => sums = Some(found),
            Some(sums) => {
                sums.iter_mut().flatten().zip(found.iter().flatten()).for_each(|(sum, more)| sum.add(more));
            }
        }
    }
    bar.finish_and_clear();
    let names: Vec<&str> = ways.iter().map(|way| &*way.name).collect();
    let variants = simulate::sum_up(&names, &sums.unwrap_or_default())?;
    let skus = simulated.iter().map(|one| one.world.goods.sku.clone()).collect();
    let (days, replications, seed) = (args.days, args.replications, args.seed);
    let answer = Answer { as_of: now, days, replications, seed, skus, left_out, variants };
    if settings.json {
        output::json(&answer);
    } else {
        table(&answer);
    }
    Ok(ExitCode::SUCCESS)
}

/// A way to run the shop, for any SKU.
struct Way {
    name: String,
    sold: Sold,
    slip_days: f64,
    demand_factor: f64,
    reorder: Option<Reorder>,
}

enum Sold {
    AsIs,
    Advised,
    When(WhenOut),
    Capped(i64),
}

fn ways(args: &SimulateArgs) -> anyhow::Result<Vec<Way>> {
    let reorder = args.reorder.as_deref().map(reorder).transpose()?;
    let way = |name: &str, sold: Sold| Way {
        name: name.to_owned(),
        sold,
        slip_days: 0.0,
        demand_factor: 1.0,
        reorder,
    };
    let default = ["current".to_owned(), "advised".to_owned()];
    let named = if args.policy.is_empty() { &default[..] } else { &args.policy };
    let mut ways = Vec::new();
    for name in named {
        let sold = match name.split_once('=') {
            None => match name.as_str() {
                "current" => Sold::AsIs,
                "advised" => Sold::Advised,
                "backorder" => Sold::When(WhenOut::Backorder),
                "preorder" => Sold::When(WhenOut::Preorder),
                "waitlist" => Sold::When(WhenOut::Waitlist),
                "refuse" => Sold::When(WhenOut::Refuse),
                other => {
                    let all = "current, advised, backorder, preorder, waitlist, refuse, cap=UNITS";
                    return Err(Usage(format!("there is no policy {other:?}; there are: {all}")).into());
                }
            },
            Some(("cap", units)) => {
                let units: i64 =
                    units.parse().map_err(|_| Usage(format!("{units:?} is no number of units")))?;
                Sold::Capped(units.clamp(0, model::limits::SUPPLY_UNITS_MAX))
            }
            Some((other, _)) => return Err(Usage(format!("there is no policy {other:?}=…")).into()),
        };
        ways.push(way(name, sold));
    }
    if let Some(days) = args.slip {
        let mut slip = way(&format!("current, goods {days} days later"), Sold::AsIs);
        slip.slip_days = days;
        ways.push(slip);
    }
    if let Some(factor) = args.demand {
        let mut more = way(&format!("current, demand × {factor}"), Sold::AsIs);
        more.demand_factor = factor;
        ways.push(more);
    }
    Ok(ways)
}

/// Reads `AT:UNITS:DAYS`.
fn reorder(text: &str) -> anyhow::Result<Reorder> {
    let parts: Vec<&str> = text.split(':').collect();
    let read = match parts[..] {
        [at, units, days] => at.parse().ok().zip(units.parse().ok()).zip(days.parse().ok()),
        _ => None,
    };
    let ((at, units), lead_days) =
        read.ok_or_else(|| Usage(format!("--reorder {text:?} is not AT:UNITS:DAYS, as 5:20:14")))?;
    Ok(Reorder::Point { at, units, lead_days })
}

impl Way {
    fn variant(&self, one: &Simulated) -> Variant {
        let current = || one.policy.clone();
        let policy = match self.sold {
            Sold::AsIs => current(),
            Sold::Advised => advised(&one.advice, current()),
            Sold::When(when_out) => Policy { when_out, ..current() },
            Sold::Capped(units) => {
                let policy = current();
                let when_out =
                    if policy.when_out.sells_ahead() { policy.when_out } else { WhenOut::Backorder };
                Policy { when_out, backorder_cap: Cap::Limited(units), ..policy }
            }
        };
        Variant {
            name: self.name.clone(),
            policy: Some(policy),
            reorder: self.reorder.unwrap_or(one.reorder),
            slip_days: self.slip_days,
            demand_factor: self.demand_factor,
        }
    }
}

fn advised(advice: &Advice, policy: Policy) -> Policy {
    let terms = &advice.recommended;
    let when_out = match terms.mode {
        Mode::Backorder => WhenOut::Backorder,
        Mode::Preorder => WhenOut::Preorder,
        Mode::Waitlist => WhenOut::Waitlist,
        Mode::OutOfStock => WhenOut::Refuse,
    };
    let backorder_cap = terms.cap.map_or(policy.backorder_cap, Cap::Limited);
    let horizon_days = terms.horizon_days.or(policy.horizon_days);
    Policy { when_out, backorder_cap, horizon_days, ..policy }
}

/// When the run begins.
fn begins(store: &mut dyn Read, tenant: &TenantId, args: &SimulateArgs) -> anyhow::Result<Timestamp> {
    let Some(asked) = args.as_of else { return Ok(house::now()) };
    let last = store.last_event(tenant)?;
    match store.events(tenant, last - 1, 1)?.last() {
        Some(entry) if entry.at > asked => {
            bail!("--as-of: at {asked} nobody knew the shop's last entry, of {}", entry.at)
        }
        _ => Ok(asked),
    }
}

fn of_store(
    store: &mut dyn Read,
    tenant: &TenantId,
    args: &SimulateArgs,
    now: Timestamp,
) -> anyhow::Result<(Vec<Simulated>, Vec<LeftOut>)> {
    let channel = args.channel.as_deref().map_or_else(|| Ok(Channel::default()), str::parse::<Channel>);
    let channel = channel.context("--channel")?;
    let mut history = History::default();
    history.go_on(store, tenant)?;
    let whole = history.whole(now);
    let (mut simulated, mut left_out) = (Vec::new(), Vec::new());
    let mut take = |pool: &Pool| match of_shop(pool, &channel, (&history, &whole), (now, args.days)) {
        Ok((world, reorder, advice)) => {
            let policy = world.policy.clone();
            simulated.push(Simulated { world, reorder, advice, policy });
        }
        Err(why) => left_out.push(LeftOut { sku: pool.sku().to_string(), why }),
    };
    if args.sku.is_empty() {
        let mut after: Option<Sku> = None;
        loop {
            let page = store.pool_page(tenant, after.as_ref(), PAGE)?;
            page.iter().for_each(&mut take);
            match page.last().filter(|_| page.len() == PAGE) {
                Some(last) => after = Some(last.sku().clone()),
                None => break,
            }
        }
    } else {
        let skus: Vec<Sku> =
            args.sku.iter().map(|sku| sku.parse()).collect::<Result<_, _>>().context("--sku")?;
        let pools = store.pools(tenant, &skus)?;
        if let Some(sku) = skus.iter().find(|sku| pools.iter().all(|pool| pool.sku() != *sku)) {
            bail!("there is no sku {:?}", sku.as_str());
        }
        pools.iter().for_each(&mut take);
    }
    let rate = |one: &Simulated| one.world.goods.customers.rate;
    simulated
        .sort_by(|a, b| rate(b).total_cmp(&rate(a)).then_with(|| a.world.goods.sku.cmp(&b.world.goods.sku)));
    let too_many = simulated.drain(SKUS_MAX.min(simulated.len())..);
    let why = || format!("only the {SKUS_MAX} most asked for are simulated at once: name it with --sku");
    left_out.extend(too_many.map(|one| LeftOut { sku: one.world.goods.sku, why: why() }));
    Ok((simulated, left_out))
}

const SHOWN: [(Measure, &str); 11] = [
    (Measure::UnitsAsked, "units asked for"),
    (Measure::FillRate, "share there at once"),
    (Measure::UnitsShipped, "units sent"),
    (Measure::UnitsRefused, "units refused"),
    (Measure::UnitsCancelled, "units cancelled"),
    (Measure::UnitsLate, "units late"),
    (Measure::UnitsFromWaitlist, "from the waitlist"),
    (Measure::MeanWaitDays, "days waited"),
    (Measure::Profit, "profit"),
    (Measure::CashLowest, "lowest cash"),
    (Measure::CashLast, "last cash"),
];

fn table(answer: &Answer) {
    output::line(&format!(
        "{} SKUs over {} days, {} replications, seed {}; mean ± half of a 95 % interval",
        answer.skus.len(),
        answer.days,
        answer.replications,
        answer.seed
    ));
    for (n, variant) in answer.variants.iter().enumerate() {
        output::line(&format!("\n{}", variant.name));
        for (measure, name) in SHOWN {
            let Some(figure) = variant.figures.iter().find(|figure| figure.measure == measure) else {
                continue;
            };
            let against = if n == 0 {
                String::new()
            } else {
                format!(
                    "  {:>+12.2} ± {:.2} against the first",
                    figure.difference, figure.difference_half_width
                )
            };
            output::line(&format!(
                "  {name:20} {:>12.2} ± {:<10.2}{against}",
                figure.mean, figure.half_width
            ));
        }
        output::line(&format!(
            "  {:20} {:>12.2} in nine of ten cases more; below zero in {:.0} %",
            "lowest cash, P10",
            variant.cash_lowest_p10,
            variant.cash_negative_share * 100.0
        ));
    }
    for left in &answer.left_out {
        output::note(&format!("left out: {}: {}", left.sku, left.why));
    }
}
