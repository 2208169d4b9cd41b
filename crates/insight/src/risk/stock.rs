//! The probability that a SKU that can be had now goes on backorder: that within four weeks somebody asks for more than is free.

use super::{Because, Kind, inside};
use crate::dist::negative_binomial_cdf;

/// Days ahead.
pub const DAYS_AHEAD: i32 = 28;

/// A SKU as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stock {
    /// Units here less everything that is owed.
    pub free: f64,
    /// Units due within two weeks, by the date given for them.
    pub soon: f64,
    /// Units due, all of them.
    pub coming: f64,
    /// Of them, units whose date is over.
    pub overdue: f64,
    /// Days its supplier takes; not a number: not known.
    pub lead_days: f64,
    /// Share of its supplier's goods that came on the first date given; not a number: none came.
    pub on_time: f64,
    /// Units asked for in the last 4 weeks.
    pub asked_4: f64,
    /// In the last 13.
    pub asked_13: f64,
    /// In the last 39.
    pub asked_39: f64,
    /// Weeks of the last 39 in which somebody asked for it.
    pub weeks_asked: f64,
    /// Weeks of the last 39 in which there was none at some time.
    pub weeks_out: f64,
    /// Weeks since it was first seen, at most 39.
    pub weeks_known: f64,
}

const FREE: usize = 0;
const SOON: usize = 1;
const COMING: usize = 2;
const OVERDUE: usize = 3;
const LEAD: usize = 4;
const ON_TIME: usize = 5;
const ASKED_4: usize = 6;
const ASKED_13: usize = 7;
const ASKED_39: usize = 8;
const WEEKS_ASKED: usize = 9;
const WEEKS_OUT: usize = 10;
const WEEKS_KNOWN: usize = 11;

impl Stock {
    /// Its numbers, in the order of [`KIND`].
    pub fn numbers(&self) -> Vec<f64> {
        vec![
            self.free,
            self.soon,
            self.coming,
            self.overdue,
            self.lead_days,
            self.on_time,
            self.asked_4,
            self.asked_13,
            self.asked_39,
            self.weeks_asked,
            self.weeks_out,
            self.weeks_known,
        ]
    }
}

/// What this is a probability of.
pub static KIND: Kind = Kind {
    names: &[
        "free",
        "soon",
        "coming",
        "overdue",
        "lead_days",
        "on_time",
        "asked_4",
        "asked_13",
        "asked_39",
        "weeks_asked",
        "weeks_out",
        "weeks_known",
    ],
    rule,
    stated: "the probability that more is asked for in four weeks than is free now or due within two, at the pace of the last 13 and 39 \
             weeks (negative binomial)",
    more,
    causes: &[
        ("cover", &[FREE, SOON, COMING]),
        ("pace", &[ASKED_4, ASKED_13, ASKED_39, WEEKS_ASKED]),
        ("supplier", &[OVERDUE, LEAD, ON_TIME]),
        ("past", &[WEEKS_OUT, WEEKS_KNOWN]),
    ],
    known_after_days: DAYS_AHEAD,
};

/// Units a week: the last 13 and 39 weeks, each counted half, as far as the SKU was known in them.
fn pace(numbers: &[f64]) -> f64 {
    let known = numbers[WEEKS_KNOWN].max(1.0);
    let of = |asked: f64, weeks: f64| asked / known.min(weeks);
    0.5 * of(numbers[ASKED_13], 13.0) + 0.5 * of(numbers[ASKED_39], 39.0)
}

fn rule(numbers: &[f64]) -> f64 {
    let units = numbers[FREE] + numbers[SOON];
    if units <= 0.0 {
        return inside(1.0);
    }
    let weeks = numbers[WEEKS_KNOWN].clamp(1.0, 39.0);
    // A gamma posterior with half a unit before: Poisson demand whose rate is not known better than that.
    let shape = pace(numbers) * weeks + 0.5;
    let ahead = f64::from(DAYS_AHEAD) / 7.0;
    inside(1.0 - negative_binomial_cdf(units.min(1e9) as i64, shape, weeks / (weeks + ahead)))
}

fn more(numbers: &[f64]) -> Vec<f64> {
    let week = pace(numbers);
    let (free, coming) = (numbers[FREE], numbers[FREE] + numbers[COMING]);
    let lead = if numbers[LEAD].is_nan() { 30.0 } else { numbers[LEAD] };
    vec![
        free / (4.0 * week + 1.0),
        (free + numbers[SOON]) / (4.0 * week + 1.0),
        coming / (13.0 * week + 1.0),
        free - week * lead / 7.0,
        (numbers[ASKED_4] + 0.25) / (numbers[ASKED_13] * 4.0 / 13.0 + 0.25),
        numbers[WEEKS_OUT] / numbers[WEEKS_KNOWN].max(1.0),
        week,
        numbers[ASKED_39] / numbers[WEEKS_ASKED].max(1.0),
    ]
}

/// A reason in a sentence.
pub fn sentence(stock: &Stock, because: &Because) -> String {
    let week = pace(&stock.numbers());
    let what = match because.cause {
        "cover" => {
            let soon = if stock.soon > 0.0 {
                format!(" and {:.0} due within two weeks", stock.soon)
            } else {
                String::new()
            };
            format!("{:.0} units are free{soon}, for about {:.1} asked for a week", stock.free, week)
        }
        "pace" => format!(
            "{:.0} units were asked for in the last 4 weeks, {:.0} in the last 13",
            stock.asked_4, stock.asked_13
        ),
        "supplier" if stock.overdue > 0.0 => format!("{:.0} units on order are overdue", stock.overdue),
        "supplier" => match (stock.on_time.is_nan(), stock.lead_days.is_nan()) {
            (false, _) => format!("its supplier was on time {:.0} times in a hundred", 100.0 * stock.on_time),
            (true, false) => format!("its supplier takes {:.0} days", stock.lead_days),
            (true, true) => "nothing is known of its supplier".to_owned(),
        },
        _ => format!(
            "it was out at some time in {:.0} of the last {:.0} weeks",
            stock.weeks_out, stock.weeks_known
        ),
    };
    format!("{what}; as it mostly is, it would be {:.0} %.", 100.0 * because.otherwise)
}
