//! What may go wrong, as a probability that can be multiplied by money: learned from a shop's own past, or by a stated rule.
//!
//! Boosted trees on log-loss, calibrated, that are shown the rule's own answer beside everything else. They answer only where they
//! were better than the rule on the shop's newest quarter, which they were not shown; else the rule does. Either way it is said
//! how near the answers came there: Brier score, and how often what was said came true.
//! Source: docs/theory/learning.md, "Risk".

pub mod line;
pub mod stock;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::{
    backorder::Trees,
    boost::{Frame, Loss, Settings, log_odds, probability},
    calibrate::Logistic,
    error::{Checked, bad, length},
    scoring::brier,
};

/// With fewer that came true, trees would learn the accidents of single cases.
pub const CAME_MIN: usize = 50;
/// The same for those that did not.
pub const OTHERS_MIN: usize = 200;
/// With fewer of either, the rule stands as it is; from here on it is moved to what came true.
const RULE_MIN: usize = 10;
/// Most examples learned from.
pub const EXAMPLES_MAX: usize = 20_000;
/// With fewer examples, nothing is said of how near the answers come.
const TESTED_MIN: usize = 40;
/// The part of the past that is not shown to a model that is tested on it.
const TESTED_SHARE: f64 = 0.25;
/// How often what was said came true is told for so many groups of about equal size.
const GROUPS: usize = 10;

const SETTINGS: Settings = Settings {
    rounds: 120,
    leaves: 8,
    rate: 0.06,
    leaf_rows: 20,
    leaf_curvature: 1e-3,
    l2: 5.0,
    rows_share: 0.8,
    columns_share: 0.6,
    seed: 1958,
};
const ROUNDS: [usize; 4] = [15, 30, 60, 120];
const MEMBERS: usize = 4;

/// What a probability is of.
pub struct Kind {
    /// The numbers a case has, in their order.
    pub names: &'static [&'static str],
    /// The rule: a probability from those numbers.
    pub rule: fn(&[f64]) -> f64,
    /// The rule in a sentence.
    pub stated: &'static str,
    /// More numbers that follow from those, for trees, which see one at a time.
    pub more: fn(&[f64]) -> Vec<f64>,
    /// What may be a reason: a name, and the places of its numbers.
    pub causes: &'static [(&'static str, &'static [usize])],
    /// Days until it is known whether it came true.
    pub known_after_days: i32,
}

/// A case of the past, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The day it stood so, counted from 1970-01-01.
    pub day: i32,
    /// Its numbers, by [`Kind::names`]; not a number: not known.
    pub numbers: Vec<f64>,
    /// Whether it came true.
    pub came: bool,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Trees, learned from the shop's own past.
    BoostedTrees,
    /// The rule, moved to what came true in the shop's past.
    RuleFitted,
    /// The rule as it is stated.
    Rule,
}

/// What was said of a group of cases, and what came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Group {
    /// Cases.
    pub cases: usize,
    /// The mean probability that was said.
    pub said: f64,
    /// The share that came true.
    pub came: f64,
}

/// How near answers came to the shop's newest past, which was not shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tested {
    /// Cases in it.
    pub cases: usize,
    /// Those that came true.
    pub came: usize,
    /// Mean squared distance between what was said and what came: lower is better.
    pub brier: f64,
    /// The same of always saying the share that came true before.
    pub brier_of_share: f64,
    /// The same of the rule as it is stated.
    pub brier_of_rule: f64,
    /// From the least probable to the most.
    pub groups: Vec<Group>,
}

/// A model of one kind.
pub struct Learned {
    kind: &'static Kind,
    form: Form,
    typical: Vec<f64>,
    /// Why it is who answers.
    pub reason: String,
    /// Cases learned from.
    pub cases: usize,
    /// Of them, those that came true.
    pub came: usize,
    /// How near it came; `None`: too little past to tell.
    pub tested: Option<Tested>,
}

enum Form {
    Rule,
    Fitted(Logistic),
    Trees(Trees),
}

/// Something without which a probability would be another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Because {
    /// What, as [`Kind::causes`] names it.
    pub cause: &'static str,
    /// The probability if that were as it mostly is.
    pub otherwise: f64,
}

fn features(kind: &Kind, numbers: &[f64]) -> Vec<f64> {
    let mut all = numbers.to_vec();
    all.extend((kind.more)(numbers));
    all.push(log_odds((kind.rule)(numbers)));
    all
}

fn frame(kind: &Kind, cases: &[&[f64]]) -> Frame {
    let rows: Vec<Vec<f64>> = cases.iter().map(|numbers| features(kind, numbers)).collect();
    Frame::of_rows(&rows)
}

impl Form {
    /// The most that so many examples carry. `trees`: whether they may be tried.
    fn fit(kind: &Kind, examples: &[&Example], trees: bool, workers: NonZeroUsize) -> Self {
        let came = examples.iter().filter(|example| example.came).count();
        let others = examples.len() - came;
        if came.min(others) < RULE_MIN {
            return Self::Rule;
        }
        let targets: Vec<f64> = examples.iter().map(|example| f64::from(example.came)).collect();
        if !trees || came < CAME_MIN || others < OTHERS_MIN {
            let scores: Vec<f64> =
                examples.iter().map(|example| log_odds((kind.rule)(&example.numbers))).collect();
            return Self::Fitted(Logistic::fit(&scores, &targets));
        }
        let numbers: Vec<&[f64]> = examples.iter().map(|example| &*example.numbers).collect();
        Self::Trees(Trees::fit(
            &frame(kind, &numbers),
            &targets,
            (&SETTINGS, &ROUNDS, MEMBERS, 0.75),
            workers,
        ))
    }

    fn answer(&self, kind: &Kind, cases: &[&[f64]], workers: NonZeroUsize) -> Vec<f64> {
        let ruled = cases.iter().map(|numbers| (kind.rule)(numbers));
        match self {
            Self::Rule => ruled.collect(),
            Self::Fitted(line) => ruled.map(|p| line.probability(log_odds(p))).collect(),
            Self::Trees(_) if cases.is_empty() => Vec::new(),
            Self::Trees(trees) => trees.answer(&frame(kind, cases), workers),
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Rule => Method::Rule,
            Self::Fitted(_) => Method::RuleFitted,
            Self::Trees(_) => Method::BoostedTrees,
        }
    }
}

/// Checks a case. Errors: another number of numbers than its kind has, or one without end.
fn check(kind: &Kind, field: &str, numbers: &[f64]) -> Checked<()> {
    length(field, numbers.len(), kind.names.len(), kind.names.len())?;
    match numbers.iter().position(|number| number.is_infinite() || number.abs() > 1e12) {
        Some(at) => bad(format!("{field}.{}", kind.names[at]), "must be finite, and at most 1e12 in size"),
        None => Ok(()),
    }
}

impl Learned {
    /// Learns from the past: the newest [`EXAMPLES_MAX`] examples. None at all is a past too: then the rule answers.
    ///
    /// The same examples in any order, on any number of threads, give the same bits.
    /// Errors: an example whose numbers are not those of the kind.
    pub fn learn(kind: &'static Kind, examples: &[Example], workers: NonZeroUsize) -> Checked<Self> {
        for (n, example) in examples.iter().enumerate() {
            check(kind, &format!("examples[{n}]"), &example.numbers)?;
        }
        let mut sorted: Vec<&Example> = examples.iter().collect();
        sorted.sort_by(|a, b| order(a, b));
        let sorted = &sorted[sorted.len().saturating_sub(EXAMPLES_MAX)..];
        let tried = Trial::of(kind, sorted, workers);
        let form = Form::fit(kind, sorted, tried.as_ref().is_some_and(|tried| tried.trees_win), workers);
        let came = sorted.iter().filter(|example| example.came).count();
        let reason = reason(kind, form.method(), (sorted.len(), came), tried.as_ref());
        let typical = (0..kind.names.len()).map(|at| middle(sorted, at)).collect();
        let tested = tried.map(|tried| tried.tested);
        Ok(Self { kind, form, typical, reason, cases: sorted.len(), came, tested })
    }

    /// Who answers.
    pub fn method(&self) -> Method {
        self.form.method()
    }

    /// The probability of each case.
    ///
    /// Errors: a case whose numbers are not those of the kind.
    pub fn probabilities(&self, cases: &[&[f64]], workers: NonZeroUsize) -> Checked<Vec<f64>> {
        for (n, numbers) in cases.iter().enumerate() {
            check(self.kind, &format!("cases[{n}]"), numbers)?;
        }
        Ok(self.form.answer(self.kind, cases, workers))
    }

    /// What makes the probability of a case what it is: what changes it most if it is as it mostly is, the largest change first;
    /// what changes less than a hundredth of it is left out. Nothing to compare with, nothing said.
    ///
    /// Errors: as [`Self::probabilities`].
    pub fn because(&self, numbers: &[f64]) -> Checked<Vec<Because>> {
        check(self.kind, "case", numbers)?;
        if self.cases == 0 {
            return Ok(Vec::new());
        }
        let others: Vec<Vec<f64>> = self
            .kind
            .causes
            .iter()
            .map(|(_, places)| {
                let mut other = numbers.to_vec();
                places.iter().for_each(|&place| other[place] = self.typical[place]);
                other
            })
            .collect();
        let mut cases: Vec<&[f64]> = vec![numbers];
        cases.extend(others.iter().map(Vec::as_slice));
        let said = self.form.answer(self.kind, &cases, NonZeroUsize::MIN);
        let mut found: Vec<Because> = self
            .kind
            .causes
            .iter()
            .zip(&said[1..])
            .filter(|(_, otherwise)| (said[0] - **otherwise).abs() > 0.01 * said[0].max(0.01))
            .map(|((cause, _), otherwise)| Because { cause, otherwise: *otherwise })
            .collect();
        let far = |because: &Because| (log_odds(because.otherwise) - log_odds(said[0])).abs();
        found.sort_by(|a, b| far(b).total_cmp(&far(a)));
        Ok(found)
    }
}

/// The oldest first; what is of one day in the order of its numbers, so that nothing hangs on how examples were kept.
fn order(a: &Example, b: &Example) -> std::cmp::Ordering {
    let numbers = || a.numbers.iter().zip(&b.numbers).map(|(a, b)| a.total_cmp(b));
    let first = || numbers().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal);
    a.day.cmp(&b.day).then_with(first).then(a.came.cmp(&b.came))
}

/// The middle of what is known of one number.
fn middle(examples: &[&Example], at: usize) -> f64 {
    let mut known: Vec<f64> =
        examples.iter().map(|example| example.numbers[at]).filter(|number| !number.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    known.get(known.len() / 2).copied().unwrap_or(f64::NAN)
}

fn reason(kind: &Kind, method: Method, (cases, came): (usize, usize), tried: Option<&Trial>) -> String {
    let stated = kind.stated;
    match method {
        Method::BoostedTrees => format!("learned from {cases} cases, of which {came} came true"),
        Method::RuleFitted if tried.is_some_and(|tried| tried.had_trees) => format!(
            "learned from {cases} cases, of which {came} came true, trees were no nearer than the rule on the newest of them: {stated}, \
             moved to what came true"
        ),
        Method::RuleFitted => format!(
            "{cases} cases, of which {came} came true, are too few for more than a rule (at least {CAME_MIN} and {OTHERS_MIN} \
             others): {stated}, moved to what came true"
        ),
        Method::Rule => format!(
            "{cases} cases, of which {came} came true, are too few to learn from (at least {RULE_MIN} of either): {stated}"
        ),
    }
}

/// A model of the older past, held against the newer.
struct Trial {
    tested: Tested,
    /// There were enough to try trees.
    had_trees: bool,
    /// They were nearer.
    trees_win: bool,
}

impl Trial {
    fn of(kind: &Kind, sorted: &[&Example], workers: NonZeroUsize) -> Option<Self> {
        if sorted.len() < TESTED_MIN {
            return None;
        }
        let from = sorted[(sorted.len() as f64 * (1.0 - TESTED_SHARE)) as usize].day;
        let newer = &sorted[sorted.partition_point(|example| example.day < from)..];
        // What was not known then is not learned from.
        let known = sorted.partition_point(|example| example.day + kind.known_after_days <= from);
        let older = &sorted[..known];
        if older.is_empty() || newer.is_empty() {
            return None;
        }
        let cases: Vec<&[f64]> = newer.iter().map(|example| &*example.numbers).collect();
        let came: Vec<bool> = newer.iter().map(|example| example.came).collect();
        let targets: Vec<f64> = came.iter().map(|came| f64::from(*came)).collect();
        let loss = |said: &[f64]| {
            let scores: Vec<f64> = said.iter().map(|p| log_odds(*p)).collect();
            Loss::Logistic.mean(&targets, &scores)
        };
        let plain = Form::fit(kind, older, false, workers).answer(kind, &cases, workers);
        let trees = Form::fit(kind, older, true, workers);
        let had_trees = matches!(trees, Form::Trees(_));
        let learned = trees.answer(kind, &cases, workers);
        let trees_win = had_trees && loss(&learned) < loss(&plain);
        let said = if trees_win { learned } else { plain };
        let share = older.iter().filter(|example| example.came).count() as f64 / older.len() as f64;
        let ruled = Form::Rule.answer(kind, &cases, workers);
        let tested = Tested {
            cases: came.len(),
            came: came.iter().filter(|came| **came).count(),
            brier: brier(&said, &came),
            brier_of_share: brier(&vec![share; came.len()], &came),
            brier_of_rule: brier(&ruled, &came),
            groups: groups(&said, &came),
        };
        Some(Self { tested, had_trees, trees_win })
    }
}

/// What was said and what came, by groups of about as many cases; equal probabilities stay together.
pub fn groups(said: &[f64], came: &[bool]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..said.len()).collect();
    order.sort_by(|&a, &b| said[a].total_cmp(&said[b]).then(a.cmp(&b)));
    let wanted = said.len().div_ceil(GROUPS).max(1);
    let mut found: Vec<Group> = Vec::new();
    let mut sum = (0, 0.0, 0.0);
    let mut close = |sum: &mut (usize, f64, f64)| {
        if sum.0 > 0 {
            let cases = sum.0 as f64;
            found.push(Group { cases: sum.0, said: sum.1 / cases, came: sum.2 / cases });
            *sum = (0, 0.0, 0.0);
        }
    };
    for same in order.chunk_by(|&a, &b| said[a] == said[b]) {
        for &row in same {
            sum = (sum.0 + 1, sum.1 + said[row], sum.2 + f64::from(came[row]));
        }
        if sum.0 >= wanted {
            close(&mut sum);
        }
    }
    close(&mut sum);
    found
}

/// The probability that is said where a rate goes on for so many days.
fn within(rate: f64, days: f64) -> f64 {
    -(-rate * days.max(0.0)).exp_m1()
}

/// Kept off both ends, where log-odds have none.
fn inside(p: f64) -> f64 {
    probability(log_odds(p.clamp(1e-4, 1.0 - 1e-4)))
}
