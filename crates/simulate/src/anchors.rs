//! Shops of which queueing theory computes exactly what the simulation must come to: `docs/theory/simulation.md`.

use insight::{
    queue::{ImpatientInput, impatient_make_to_stock},
    special::student_half_width,
};
use model::item::{Cap, Policy, WhenOut};

use crate::{
    input::{Costs, Customers, Goods, Reorder, Variant, World},
    outcome::Outcome,
};

/// A measure of a shop, and what it is exactly.
pub struct Exact {
    /// What it is called.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Where it is in an outcome.
    pub of: fn(&Outcome) -> f64,
}

/// A shop, and what is known of it.
pub struct Anchor {
    /// Customers and goods.
    pub world: World,
    /// How goods are ordered.
    pub variant: Variant,
    /// What is known.
    pub exact: Vec<Exact>,
}

fn world(rate: f64, on_hand: i64, policy: Policy, days: f64) -> World {
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
    World { goods, policy, costs: Costs::default(), days, warm_up_days: days / 10.0 }
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

fn variant(reorder: Reorder) -> Variant {
    Variant { name: "only".into(), policy: None, reorder, slip_days: 0.0, demand_factor: 1.0 }
}

/// Each unit sold is ordered again, with backorders: case base-stock-s1.
pub fn palm(days: f64) -> Anchor {
    Anchor {
        world: world(1.5, 8, ahead(), days),
        variant: variant(Reorder::Point { at: 7, units: 1, lead_days: 4.0 }),
        exact: vec![
            Exact { name: "palm_fill", value: 0.743_979_760_453_717, of: Outcome::fill_rate },
            Exact { name: "palm_owed", value: 0.314_021_389_154_188_2, of: |outcome| outcome.owed_mean },
            Exact { name: "palm_here", value: 2.314_021_389_154_188_3, of: |outcome| outcome.on_hand_mean },
        ],
    }
}

/// The same where who finds nothing goes away: Erlang's loss.
pub fn erlang(days: f64) -> Anchor {
    let mut world = world(1.5, 8, Policy::default(), days);
    world.goods.customers.accept = 0.0;
    Anchor {
        world,
        variant: variant(Reorder::Point { at: 7, units: 1, lead_days: 4.0 }),
        exact: vec![Exact {
            name: "erlang_lost",
            value: 0.121_875_783_666_304_44,
            of: |outcome| outcome.refused / outcome.asked,
        }],
    }
}

/// Made one after the other, for customers who leave: the birth-death chain of case renege-s1.
///
/// Errors: never, its input being sound.
pub fn impatient(days: f64) -> Result<Anchor, insight::InsightError> {
    let input = ImpatientInput { demand_rate: 3.0, production_rate: 4.0, reneging_rate: 0.2, base_stock: 5 };
    let exact = impatient_make_to_stock(&input)?;
    let mut world = world(3.0, 5, ahead(), days);
    world.goods.customers.cancel_rate = 0.2;
    Ok(Anchor {
        world,
        variant: variant(Reorder::Production { until: 5, rate: 4.0 }),
        exact: vec![
            Exact { name: "renege_fill", value: exact.fill_rate, of: Outcome::fill_rate },
            Exact { name: "renege_owed", value: exact.expected_backorders, of: |outcome| outcome.owed_mean },
            Exact {
                name: "renege_left",
                value: exact.abandoned_fraction,
                of: |outcome| outcome.cancelled / outcome.asked,
            },
        ],
    })
}

/// A reorder point of 6 with lots of 15, at 60 an order, 2 a unit held and 30 a unit owed: case rq-poisson-s1.
pub fn reorder_point(days: f64) -> Anchor {
    Anchor {
        world: world(3.0, 20, ahead(), days),
        variant: variant(Reorder::Point { at: 6, units: 15, lead_days: 2.0 }),
        exact: vec![Exact {
            name: "rq_cost",
            value: 30.519_661_818_828_617,
            of: |outcome| 2.0 * outcome.on_hand_mean + 30.0 * outcome.owed_mean + 60.0 * 3.0 / 15.0,
        }],
    }
}

/// All of them.
///
/// Errors: never, their input being sound.
pub fn all(days: f64) -> Result<Vec<Anchor>, insight::InsightError> {
    Ok(vec![palm(days), erlang(days), impatient(days)?, reorder_point(days)])
}

impl Anchor {
    /// Mean and half width of the 99 % interval of each measure over replications.
    ///
    /// Less what is owed to more or fewer customers than expected came: how many come is known in the mean, so the regression on it takes
    /// its part out of the spread (a control variate).
    pub fn estimate(&self, runs: &[Outcome]) -> Vec<(f64, f64)> {
        let asked: Vec<f64> = runs.iter().map(|outcome| outcome.asked).collect();
        let expected = self.world.goods.customers.rate * (self.world.days - self.world.warm_up_days);
        let of = |exact: &Exact| {
            let values: Vec<f64> = runs.iter().map(exact.of).collect();
            controlled(&values, &asked, expected)
        };
        self.exact.iter().map(of).collect()
    }
}

fn controlled(values: &[f64], asked: &[f64], expected: f64) -> (f64, f64) {
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
