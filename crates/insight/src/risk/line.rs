//! The probability that an open order line is called off before it ships.

use super::{Because, Kind, inside, within};

/// A line as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// 1: its goods were not here when it was ordered; 0: they were.
    pub waits: f64,
    /// Units.
    pub units: f64,
    /// What they sell for, in the currency's own unit; not a number: not known.
    pub value: f64,
    /// Lines of its order.
    pub lines: f64,
    /// Days since it was ordered.
    pub age_days: f64,
    /// Days until it is promised to ship, below zero when that is over; not a number: no date was given.
    pub left_days: f64,
    /// Days from order to the date first promised; not a number: none was.
    pub promised_days: f64,
    /// How often a later date was given.
    pub delays: f64,
    /// Days the last date lies after the first.
    pub delayed_days: f64,
    /// Orders of the same customer before it.
    pub orders_before: f64,
    /// Of their units, the share called off; not a number: none ended.
    pub customer_cancels: f64,
    /// The share of the SKU's units called off so far, drawn to the shop's.
    pub sku_cancels: f64,
    /// Units of lines that waited called off for each day that one waits, over the shop so far.
    pub cancel_rate: f64,
}

const WAITS: usize = 0;
const UNITS: usize = 1;
const VALUE: usize = 2;
const LINES: usize = 3;
const AGE: usize = 4;
const LEFT: usize = 5;
const PROMISED: usize = 6;
const DELAYS: usize = 7;
const DELAYED: usize = 8;
const ORDERS_BEFORE: usize = 9;
const CUSTOMER: usize = 10;
const SKU: usize = 11;
const RATE: usize = 12;

/// Days a line stays open whose goods are here, or whose date is over.
const DAYS_HERE: f64 = 3.0;
/// Days it stays open where nobody knows when goods come.
const DAYS_UNKNOWN: f64 = 45.0;

impl Line {
    /// Its numbers, in the order of [`KIND`].
    pub fn numbers(&self) -> Vec<f64> {
        vec![
            self.waits,
            self.units,
            self.value,
            self.lines,
            self.age_days,
            self.left_days,
            self.promised_days,
            self.delays,
            self.delayed_days,
            self.orders_before,
            self.customer_cancels,
            self.sku_cancels,
            self.cancel_rate,
        ]
    }
}

/// What this is a probability of.
pub static KIND: Kind = Kind {
    names: &[
        "waits",
        "units",
        "value",
        "lines",
        "age_days",
        "left_days",
        "promised_days",
        "delays",
        "delayed_days",
        "orders_before",
        "customer_cancels",
        "sku_cancels",
        "cancel_rate",
    ],
    rule,
    stated: "the shop's share of waiting units called off a day, for the days until it ships (3 where its goods are here, 45 where \
             nobody knows)",
    more,
    causes: &[
        ("wait", &[WAITS, LEFT, PROMISED]),
        ("delay", &[DELAYS, DELAYED]),
        ("age", &[AGE]),
        ("customer", &[ORDERS_BEFORE, CUSTOMER]),
        ("sku", &[SKU]),
        ("size", &[UNITS, VALUE, LINES]),
    ],
    known_after_days: 0,
};

/// Days since the line was ordered, of its numbers.
pub fn age(numbers: &[f64]) -> f64 {
    numbers.get(AGE).copied().unwrap_or(0.0)
}

fn days_left(numbers: &[f64]) -> f64 {
    match (numbers[WAITS] > 0.0, numbers[LEFT].is_nan()) {
        (false, _) => DAYS_HERE,
        (true, true) => DAYS_UNKNOWN,
        (true, false) => numbers[LEFT].max(DAYS_HERE),
    }
}

fn rule(numbers: &[f64]) -> f64 {
    inside(within(numbers[RATE], days_left(numbers)))
}

fn more(numbers: &[f64]) -> Vec<f64> {
    vec![
        days_left(numbers),
        (-numbers[LEFT]).max(0.0),
        numbers[AGE] / (numbers[PROMISED].max(0.0) + 1.0),
        numbers[VALUE] / numbers[UNITS].max(1.0),
    ]
}

/// A reason in a sentence.
pub fn sentence(line: &Line, because: &Because) -> String {
    let what = match because.cause {
        "wait" if line.waits == 0.0 => "its goods are here".to_owned(),
        "wait" if line.left_days.is_nan() => "nobody knows when its goods come".to_owned(),
        "wait" if line.left_days < 0.0 => format!("it is {:.0} days past its date", -line.left_days),
        "wait" => format!("it waits {:.0} more days", line.left_days),
        "delay" if line.delays == 0.0 => "its date was never moved".to_owned(),
        "delay" => format!("its date was moved {:.0} times, by {:.0} days", line.delays, line.delayed_days),
        "age" => format!("it was ordered {:.0} days ago", line.age_days),
        "customer" if line.customer_cancels.is_nan() => {
            format!("the customer has ordered {:.0} times before", line.orders_before)
        }
        "customer" => format!(
            "the customer has ordered {:.0} times before and called off {:.0} % of it",
            line.orders_before,
            100.0 * line.customer_cancels
        ),
        "sku" => format!("{:.0} % of this SKU is called off", 100.0 * line.sku_cancels),
        _ if line.value.is_nan() => format!("{:.0} units in an order of {:.0} lines", line.units, line.lines),
        _ => format!("{:.0} units for {:.2} in an order of {:.0} lines", line.units, line.value, line.lines),
    };
    format!("{what}; as it mostly is, it would be {:.0} %.", 100.0 * because.otherwise)
}
