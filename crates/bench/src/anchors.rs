//! `insight`, what queueing theory computes exactly and the simulated shop comes to: how near, in many replications.

use std::num::NonZeroUsize;

use insight::{
    queue::{ImpatientInput, impatient_make_to_stock},
    special::student_half_width,
};
use model::{
    item::{Cap, Policy, WhenOut},
    time::Timestamp,
};
use simulate::{Costs, Customers, Goods, Outcome, Reorder, Variant, World, outcomes};

use crate::figures::Figures;

const RUNS: usize = 600;
const DAYS: f64 = 800.0;
const SEED: u64 = 7;
/// What a 99 % interval is to be narrower than, as a share of what it holds.
const NARROW: f64 = 0.03;

fn world(rate: f64, on_hand: i64, policy: Policy) -> World {
    let customers = Customers {
        rate,
        sizes: Vec::new(),
        accept: 1.0,
        patience_rate: 0.0,
        cancel_rate: 0.0,
        waitlist: 0.0,
        convert: 0.0,
    };
    let goods = Goods {
        sku: "ANCHOR".into(),
        price: 10.0,
        unit_cost: 4.0,
        on_hand,
        due: Vec::new(),
        late_days: Vec::new(),
        promise_days: 0,
        customers,
    };
    World { goods, policy, costs: Costs::default(), days: DAYS, warm_up_days: DAYS / 10.0 }
}

/// Sells ahead of whatever supply, without limit.
fn ahead() -> Policy {
    Policy {
        when_out: WhenOut::Backorder,
        backorder_cap: Cap::Unlimited,
        lead_time_days: Some(5),
        ..Policy::default()
    }
}

type Exact<'a> = (&'static str, f64, &'a dyn Fn(&Outcome) -> f64);

/// Mean and half width of the 99 % interval, less what is owed to more or fewer customers than expected (a control variate: how many
/// come is known in the mean).
fn estimate(values: &[f64], asked: &[f64], expected: f64) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = |list: &[f64]| list.iter().sum::<f64>() / n;
    let (of, came) = (mean(values), mean(asked));
    let with = values.iter().zip(asked).map(|(value, asked)| (value - of) * (asked - came)).sum::<f64>();
    let alone = asked.iter().map(|asked| (asked - came).powi(2)).sum::<f64>();
    let slope = if alone > 0.0 { with / alone } else { 0.0 };
    let left: Vec<f64> =
        values.iter().zip(asked).map(|(value, asked)| value - slope * (asked - expected)).collect();
    let centre = mean(&left);
    let spread = (left.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (n - 2.0) / n).sqrt();
    (centre, student_half_width(n - 2.0, 0.99) * spread)
}

/// Adds a figure for each measure: how far its interval's middle lies from the exact value, in half widths, and how wide it is.
fn hold(
    figures: &mut Figures,
    world: &World,
    reorder: Reorder,
    start: Timestamp,
    measures: &[Exact<'_>],
) -> anyhow::Result<()> {
    let only = Variant { name: "only".into(), policy: None, reorder, slip_days: 0.0, demand_factor: 1.0 };
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let found = outcomes(std::slice::from_ref(world), &[only], (SEED, RUNS, workers), start, &|_| {})?;
    let runs = found.first().map(Vec::as_slice).unwrap_or_default();
    let asked: Vec<f64> = runs.iter().map(|outcome| outcome.asked).collect();
    let expected = world.goods.customers.rate * (world.days - world.warm_up_days);
    for (name, exact, of) in measures {
        let values: Vec<f64> = runs.iter().map(of).collect();
        let (mean, half) = estimate(&values, &asked, expected);
        figures.say(&format!("{name}: {mean:.5} ± {half:.5}, exactly {exact:.5}"));
        figures.add(
            format!("anchor_{name}_off"),
            (mean - exact).abs() / half,
            Some(1.0),
            "half widths, at most",
        );
        figures.add(
            format!("anchor_{name}_width"),
            half / exact,
            Some(NARROW),
            "of the exact value, at most",
        );
    }
    Ok(())
}

/// The anchors of science.md, section 10.
pub(crate) fn anchors(figures: &mut Figures) -> anyhow::Result<()> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let palm = Reorder::Point { at: 7, units: 1, lead_days: 4.0 };
    hold(
        figures,
        &world(1.5, 8, ahead()),
        palm,
        start,
        &[
            ("palm_fill", 0.743_979_760_453_717, &Outcome::fill_rate),
            ("palm_owed", 0.314_021_389_154_188_2, &|outcome| outcome.owed_mean),
        ],
    )?;
    let mut lost = world(1.5, 8, Policy::default());
    lost.goods.customers.accept = 0.0;
    let erlang: Exact<'_> =
        ("erlang_lost", 0.121_875_783_666_304_44, &|outcome| outcome.refused / outcome.asked);
    hold(figures, &lost, palm, start, &[erlang])?;
    let input = ImpatientInput { demand_rate: 3.0, production_rate: 4.0, reneging_rate: 0.2, base_stock: 5 };
    let exact = impatient_make_to_stock(&input)?;
    let mut impatient = world(3.0, 5, ahead());
    impatient.goods.customers.cancel_rate = 0.2;
    hold(
        figures,
        &impatient,
        Reorder::Production { until: 5, rate: 4.0 },
        start,
        &[
            ("renege_fill", exact.fill_rate, &Outcome::fill_rate),
            ("renege_left", exact.abandoned_fraction, &|outcome| outcome.cancelled / outcome.asked),
        ],
    )?;
    let cost = |outcome: &Outcome| 2.0 * outcome.on_hand_mean + 30.0 * outcome.owed_mean + 60.0 * 3.0 / 15.0;
    hold(
        figures,
        &world(3.0, 20, ahead()),
        Reorder::Point { at: 6, units: 15, lead_days: 2.0 },
        start,
        &[("rq_cost", 30.519_661_818_828_617, &cost)],
    )
}
