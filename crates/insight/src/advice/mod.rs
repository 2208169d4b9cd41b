//! Sell-as advice: backorder, preorder, waitlist or out of stock, with how sure that is, on which terms, and why.
//!
//! Every number behind it is a [`Figure`]: the shop's own, borrowed with its source, or a guess, each with a range. The ranges
//! are drawn from, the same draws for each mode and each SKU, so modes are compared on the same worlds and the same
//! input gives the same bytes. Formulas: `docs/theory/advice.md`.

mod basis;
mod figures;
pub mod patience;
mod reasons;
mod table_rows;
#[cfg(test)]
mod tests;
mod value;

use std::{num::NonZeroUsize, sync::OnceLock};

use serde::Serialize;

pub use self::{
    basis::{Subject, Waiting},
    figures::{Figure, Source, names},
    patience::AtWait,
    table_rows::subjects,
};
use self::{
    figures::{FIGURES, Fig, Values, kind},
    value::{WITHOUT_END, cancelled, contribution, stretch},
};
use crate::{
    advisor::{Contribution, Mode},
    dist::{first_reached, poisson_above},
    error::Checked,
    preorder::{PreorderCapInput, preorder_cap},
    random::{draw, uniform},
    special::normal_quantile,
    threads,
};

/// How many worlds are drawn for one SKU.
const DRAWS: usize = 400;
const SEED: u64 = 0x5e11_a5ad_71ce;
/// The chance of owing more than comes that a cap may bring.
const CAP_RISK: f64 = 0.05;

/// What one mode brings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Which.
    pub mode: Mode,
    /// Mean over all worlds, in the price's currency.
    pub value: f64,
    /// Less than this in 5 % of the worlds.
    pub low: f64,
    /// More than this in 5 % of the worlds.
    pub high: f64,
    /// Share of the worlds in which no other mode brings more.
    pub best_in: f64,
    /// Why it cannot be chosen; none where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<String>,
}

/// On which terms to sell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Terms {
    /// The mode.
    pub mode: Mode,
    /// Most units backordered at once; none where the supply is cap enough.
    pub cap: Option<i64>,
    /// How many days ahead a promise may lie: beyond that another mode brings more.
    pub horizon_days: Option<u16>,
    /// Share of the price to take at once, in percent.
    pub deposit_percent: Option<u8>,
    /// Units to keep back for orders whose goods come later than promised.
    pub buffer: i64,
    /// Which point of the distribution of dates to promise.
    pub promise_quantile: f64,
}

/// Where the answer would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// Which figure, all others in their middle.
    pub figure: String,
    /// Its value now.
    pub from: f64,
    /// The nearest value with another answer.
    pub at: f64,
    /// That answer.
    pub best: Mode,
}

/// The advice for one SKU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// The SKU.
    pub sku: String,
    /// What to do.
    pub recommended: Terms,
    /// How often that is the best, over the worlds drawn.
    pub probability_best: f64,
    /// How much more it brings than the next that can be chosen.
    pub winning_margin: f64,
    /// Every mode, in the order of the question: backorder, preorder, waitlist, out of stock.
    pub choices: Vec<Choice>,
    /// The stretch without stock that was looked at, in days.
    pub stretch_days: f64,
    /// Units asked for in it.
    pub stretch_units: f64,
    /// In plain sentences, the most important first.
    pub reasons: Vec<String>,
    /// What to be careful about: too little data, guesses that decide.
    pub cautions: Vec<String>,
    /// Where the answer would change, the nearest first.
    pub flips: Vec<Flip>,
    /// Every number behind it.
    pub figures: Vec<Figure>,
}

const MODES: [Mode; 4] = [Mode::Backorder, Mode::Preorder, Mode::Waitlist, Mode::OutOfStock];

fn values_of(contribution: &Contribution) -> [f64; 4] {
    [contribution.backorder, contribution.preorder, contribution.waitlist, contribution.out_of_stock]
}

/// The same points of the standard normal for every SKU: one row a draw, one column a figure, and one for chance itself.
fn worlds() -> &'static Vec<[f64; FIGURES + 1]> {
    static WORLDS: OnceLock<Vec<[f64; FIGURES + 1]>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let column = |column: usize| {
            // Stratified: each figure meets each of 400 equal parts of its range once, in an order of its own.
            let mut order: Vec<(u64, usize)> =
                (0..DRAWS).map(|n| (draw(SEED, column as u64, n as u64), n)).collect();
            order.sort_unstable();
            let point = |(n, (_, part)): (usize, (u64, usize))| {
                let inside = uniform(SEED ^ 1, column as u64, n as u64).clamp(1e-9, 1.0 - 1e-9);
                normal_quantile((part as f64 + inside) / DRAWS as f64)
            };
            order.into_iter().enumerate().map(point).collect::<Vec<f64>>()
        };
        let columns: Vec<Vec<f64>> = (0..=FIGURES).map(column).collect();
        (0..DRAWS).map(|n| std::array::from_fn(|column| columns[column][n])).collect()
    })
}

/// Returns the advice for one SKU. The same input gives the same bytes.
///
/// Errors: no price, no trace of demand, a number that makes no sense, or a figure typed in that does not exist: by name.
pub fn advise(subject: &Subject) -> Checked<Advice> {
    let figures = basis::figures(subject)?;
    let middle: Values = std::array::from_fn(|n| figures[n].value);
    let (stretch_days, stretch_units) = stretch(&middle);
    let choices = choices(subject, &figures);
    let best = best_of(&choices);
    let next = choices.iter().filter(|choice| choice.not.is_none() && choice.mode != best.mode);
    let next = next.map(|choice| choice.value).fold(f64::NEG_INFINITY, f64::max);
    let allowed: Vec<bool> = choices.iter().map(|choice| choice.not.is_none()).collect();
    let flips = flips(&middle, &allowed, best.mode);
    let recommended = terms(&middle, best.mode, &flips, stretch_units);
    let winning_margin = if next.is_finite() { best.value - next } else { 0.0 };
    let mut advice = Advice {
        sku: subject.sku.clone(),
        recommended,
        probability_best: best.best_in,
        winning_margin,
        stretch_days,
        stretch_units,
        reasons: Vec::new(),
        cautions: Vec::new(),
        choices,
        flips,
        figures,
    };
    advice.reasons = reasons::reasons(subject, &advice);
    advice.cautions = reasons::cautions(&advice);
    Ok(advice)
}

/// Advises on many SKUs, on up to so many threads; answers in their order, whatever the number of threads.
pub fn advise_all(subjects: &[Subject], workers: NonZeroUsize) -> Vec<Checked<Advice>> {
    threads::in_order(subjects, workers, advise)
}

/// The best choice that can be made; of equals, the one that sells more.
fn best_of(choices: &[Choice]) -> Choice {
    let mut best = &choices[3];
    for choice in choices.iter().rev().filter(|choice| choice.not.is_none()) {
        if choice.value >= best.value {
            best = choice;
        }
    }
    best.clone()
}

/// Values every mode in every world.
fn choices(subject: &Subject, figures: &[Figure]) -> Vec<Choice> {
    let mut by_mode: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::with_capacity(DRAWS));
    let mut wins = [0_usize; 4];
    let not = barred(subject, figures);
    for world in worlds() {
        let values: Values = std::array::from_fn(|n| figures[n].at(kind(n), world[n]));
        let (days, mean) = stretch(&values);
        let all = values_of(&contribution(&values, days, by_chance(mean, world[FIGURES])));
        let open = (0..4).filter(|n| not[*n].is_none());
        let best = open.fold(3, |best, n| if n != 3 && all[n] > all[best] || best == n { n } else { best });
        wins[best] += 1;
        by_mode.iter_mut().zip(all).for_each(|(list, value)| list.push(value));
    }
    let choice = |n: usize| {
        let list = &mut by_mode[n];
        let value = list.iter().sum::<f64>() / DRAWS as f64;
        list.sort_unstable_by(f64::total_cmp);
        Choice {
            mode: MODES[n],
            value,
            low: list[DRAWS / 20],
            high: list[DRAWS - 1 - DRAWS / 20],
            best_in: wins[n] as f64 / DRAWS as f64,
            not: not[n].clone(),
        }
    };
    (0..4).map(choice).collect()
}

/// Why a mode cannot be chosen.
fn barred(subject: &Subject, figures: &[Figure]) -> [Option<String>; 4] {
    let ahead = if subject.discontinued {
        Some("it is no longer made")
    } else if figures[Fig::Inbound as usize].value <= 0.0 {
        Some("nothing is on order and no lead time is set, so no date can be promised")
    } else {
        None
    };
    let waitlist = subject.discontinued.then(|| "it is no longer made".to_owned());
    [ahead.map(str::to_owned), ahead.map(str::to_owned), waitlist, None]
}

/// Units that are asked for where so many are expected: the Poisson quantile at a point of the standard normal.
fn by_chance(mean: f64, z: f64) -> f64 {
    if mean > 30.0 {
        // Cornish-Fisher to the first order: within half a unit from here on.
        return (mean + z * mean.sqrt() + (z * z - 1.0) / 6.0).max(0.0).round();
    }
    let level = crate::special::normal_cdf(z);
    let (mut term, mut k) = ((-mean).exp(), 0.0);
    let mut sum = term;
    while sum < level && k < 200.0 {
        k += 1.0;
        term *= mean / k;
        sum += term;
    }
    k
}

/// Figures that are varied to find where the answer changes, and how far.
const KNOBS: [(Fig, f64); 12] = [
    (Fig::Price, f64::INFINITY),
    (Fig::UnitCost, f64::INFINITY),
    (Fig::Inbound, f64::INFINITY),
    (Fig::Wait, 365.0),
    (Fig::Patience, 1.0),
    (Fig::AcceptBackorder, 1.0),
    (Fig::AcceptPreorder, 1.0),
    (Fig::AcceptWaitlist, 1.0),
    (Fig::Convert, 1.0),
    (Fig::CancelBackorder, 0.2),
    (Fig::Late, 1.0),
    (Fig::Goodwill, f64::INFINITY),
];
/// Steps on either side; a stretch of another answer narrower than one of them may be missed.
const STEPS: u32 = 64;

/// The nearest change of the answer for each figure, in the middle of all others; nothing where the middle itself says otherwise
/// than the mean over the worlds, which is too close to call.
fn flips(middle: &Values, allowed: &[bool], best: Mode) -> Vec<Flip> {
    let best_at = |values: &Values| {
        let (days, units) = stretch(values);
        let all = values_of(&contribution(values, days, units));
        let open = (0..4).rev().filter(|n| allowed[*n]);
        MODES[open.fold(3, |best, n| if all[n] >= all[best] { n } else { best })]
    };
    if best_at(middle) != best {
        return Vec::new();
    }
    let mut found: Vec<(f64, Flip)> = Vec::new();
    for (fig, most) in KNOBS {
        let from = middle[fig as usize];
        // Without a bound of its own, a figure is tried up to five times what it is; supply up to what is asked for.
        let most = match fig {
            Fig::Inbound => 2.0 * middle[Fig::Demand as usize] * middle[Fig::Wait as usize],
            _ if most.is_finite() => most,
            _ => 5.0 * from,
        };
        let at = |value: f64| {
            let mut trial = *middle;
            trial[fig as usize] = value;
            best_at(&trial)
        };
        let start = from.min(most);
        let nearest = [0.0, most]
            .into_iter()
            .filter_map(|end| first_change(start, end, best, &at))
            .min_by(|a, b| (a - start).abs().total_cmp(&(b - start).abs()));
        if let Some(value) = nearest {
            let far = (value - start).abs() / start.abs().max(1e-9);
            found.push((far, Flip { figure: fig.name().into(), from, at: value, best: at(value) }));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().map(|(_, flip)| flip).collect()
}

/// The first value on the way at which another mode is best.
fn first_change(from: f64, to: f64, best: Mode, best_at: &impl Fn(f64) -> Mode) -> Option<f64> {
    let at = |step: u32| from + (to - from) * f64::from(step) / f64::from(STEPS);
    let step = (1..=STEPS).find(|&step| best_at(at(step)) != best)?;
    let (mut same, mut other) = (at(step - 1), at(step));
    for _ in 0..30 {
        let half = 0.5 * (same + other);
        if best_at(half) == best { same = half } else { other = half }
    }
    Some(other)
}

/// Cap, horizon, deposit, buffer and quantile for a mode.
fn terms(middle: &Values, mode: Mode, flips: &[Flip], stretch_units: f64) -> Terms {
    let of = |fig: Fig| middle[fig as usize];
    let ahead = matches!(mode, Mode::Backorder | Mode::Preorder);
    let rate = if mode == Mode::Preorder { Fig::CancelPreorder } else { Fig::CancelBackorder };
    let keep = 1.0 - cancelled(of(rate), of(Fig::Wait));
    let cap = ahead.then(|| cap(of(Fig::Inbound), keep, stretch_units)).flatten();
    let longest = flips.iter().find(|flip| flip.figure == Fig::Wait.name() && flip.at > of(Fig::Wait));
    let horizon = longest.map(|flip| flip.at.floor().clamp(1.0, 365.0) as u16);
    let margin = (of(Fig::Price) - of(Fig::UnitCost)).max(0.0);
    // Quoting a day longer loses the share of patience of a day; a late unit costs what it costs.
    let longer = of(Fig::Patience) * margin;
    let quantile =
        if of(Fig::LateCost) + longer > 0.0 { of(Fig::LateCost) / (of(Fig::LateCost) + longer) } else { 0.9 };
    let quantile = (quantile.clamp(0.5, 0.95) * 100.0).round() / 100.0;
    Terms {
        mode,
        cap,
        horizon_days: horizon.filter(|_| ahead),
        deposit_percent: (mode == Mode::Preorder)
            .then(|| (of(Fig::Deposit) * 100.0).round().clamp(1.0, 100.0) as u8),
        buffer: if ahead { buffer(middle, quantile, stretch_units) } else { 0 },
        promise_quantile: quantile,
    }
}

/// Units to keep back so that promises are kept as often as the quantile says although the supplier is late more often: the least b with
/// P(late) · P(more than b units are promised for the days it is late) ≤ 1 − quantile.
///
/// Units are promised at the rate of orders for later, so those due within the days of a delay are a Poisson number. Where the supplier
/// is late no more often than that, none need be kept back.
fn buffer(middle: &Values, quantile: f64, stretch_units: f64) -> i64 {
    let of = |fig: Fig| middle[fig as usize];
    let allowed = 1.0 - quantile;
    if of(Fig::Late) <= allowed {
        return 0;
    }
    let due = of(Fig::Demand) * of(Fig::AcceptBackorder) * of(Fig::LateDays);
    let enough = |units: i64| of(Fig::Late) * poisson_above(units, due) <= allowed;
    let most = stretch_units.clamp(0.0, 1e6).ceil() as i64;
    first_reached(0, most, enough).unwrap_or(most)
}

/// Orders to accept against a finite supply, so that those kept fit it in 95 of 100 cases; against goods that are ordered for whoever
/// orders, as many as 95 of 100 such stretches bring: more than that says that demand is not what was thought.
fn cap(inbound: f64, keep: f64, stretch_units: f64) -> Option<i64> {
    if inbound >= WITHOUT_END {
        return Some((by_chance(stretch_units, 1.645)).clamp(1.0, 1e9) as i64);
    }
    let supply = inbound.floor().clamp(0.0, 1e8) as i64;
    let input = PreorderCapInput { supply, keep_probability: keep.clamp(0.01, 1.0), alpha: CAP_RISK };
    preorder_cap(&input).ok().map(|found| found.cap)
}
