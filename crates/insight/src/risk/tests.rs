use super::{line::Line, stock::Stock, *};
use crate::{
    random::{place, uniform},
    scoring::auc,
};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn stock(free: f64, asked_13: f64) -> Stock {
    Stock {
        free,
        soon: 0.0,
        coming: 0.0,
        overdue: 0.0,
        lead_days: 20.0,
        on_time: 0.8,
        asked_4: asked_13 * 4.0 / 13.0,
        asked_13,
        asked_39: asked_13 * 3.0,
        weeks_asked: 20.0,
        weeks_out: 2.0,
        weeks_known: 39.0,
    }
}

/// Cases whose probability the rule does not know all of: goods that are overdue make it three times as large.
fn shop(count: u64, seed: u64) -> (Vec<Example>, Vec<f64>) {
    let one = |n: u64| {
        let case = Stock {
            overdue: if uniform(seed, 3, n) < 0.3 { 8.0 } else { 0.0 },
            ..stock(place(seed, 1, n, 30) as f64, place(seed, 2, n, 60) as f64)
        };
        let ruled = (stock::KIND.rule)(&case.numbers());
        let truth = (0.25 * ruled * if case.overdue > 0.0 { 3.0 } else { 1.0 }).min(0.95);
        let came = uniform(seed, 4, n) < truth;
        (Example { day: n as i32 / 20, numbers: case.numbers(), came }, truth)
    };
    (0..count).map(one).unzip()
}

#[test]
fn the_rule_answers_without_a_past_and_says_so() {
    let learned = Learned::learn(&stock::KIND, &[], TWO).unwrap();
    assert_eq!((learned.method(), learned.cases, learned.tested), (Method::Rule, 0, None));
    assert!(learned.reason.contains("0 cases") && learned.reason.contains("negative binomial"));
    let cases =
        [stock(0.0, 13.0), stock(2.0, 13.0), stock(8.0, 13.0), stock(100.0, 13.0)].map(|case| case.numbers());
    let cases: Vec<&[f64]> = cases.iter().map(Vec::as_slice).collect();
    let said = Learned::learn(&stock::KIND, &[], TWO).unwrap().probabilities(&cases, TWO).unwrap();
    assert!(said.windows(2).all(|pair| pair[0] > pair[1]), "{said:?}");
    // One a week, four weeks, eight free: P(more than 8 | 4.1, a little wider than Poisson).
    assert!(said[0] > 0.99 && (0.02..0.06).contains(&said[2]) && said[3] < 0.001, "{said:?}");
    assert_eq!(learned_because_none(), Vec::new());
}

fn learned_because_none() -> Vec<Because> {
    Learned::learn(&stock::KIND, &[], TWO).unwrap().because(&stock(2.0, 13.0).numbers()).unwrap()
}

#[test]
fn few_cases_move_the_rule_and_many_grow_trees_that_are_calibrated() {
    let (few, _) = shop(150, 5);
    let fitted = Learned::learn(&stock::KIND, &few, TWO).unwrap();
    assert_eq!(fitted.method(), Method::RuleFitted, "{}", fitted.reason);
    let (many, _) = shop(6_000, 5);
    let learned = Learned::learn(&stock::KIND, &many, TWO).unwrap();
    assert_eq!(learned.method(), Method::BoostedTrees, "{}", learned.reason);
    let tested = learned.tested.as_ref().unwrap();
    assert!(
        tested.cases >= 1_400 && tested.brier < tested.brier_of_share && tested.brier < tested.brier_of_rule
    );
    for group in tested.groups.iter().filter(|group| group.cases > 100) {
        let spread = (group.said * (1.0 - group.said) / group.cases as f64).sqrt();
        assert!((group.said - group.came).abs() < 4.0 * spread + 0.02, "{:?}", tested.groups);
    }
    // On cases of another shop of the same kind: near the truth, and better ranked than by the rule.
    let (other, truth) = shop(3_000, 6);
    let cases: Vec<&[f64]> = other.iter().map(|example| &*example.numbers).collect();
    let said = learned.probabilities(&cases, TWO).unwrap();
    let off = said.iter().zip(&truth).map(|(said, truth)| (said - truth).abs()).sum::<f64>() / 3_000.0;
    assert!(off < 0.035, "{off}");
    let came: Vec<bool> = other.iter().map(|example| example.came).collect();
    let ruled: Vec<f64> = cases.iter().map(|case| (stock::KIND.rule)(case)).collect();
    assert!(auc(&said, &came).unwrap() > auc(&ruled, &came).unwrap() + 0.02);
}

#[test]
fn reasons_name_what_would_change_the_answer() {
    let (many, _) = shop(6_000, 5);
    let learned = Learned::learn(&stock::KIND, &many, TWO).unwrap();
    let case = Stock { overdue: 8.0, ..stock(9.0, 30.0) };
    let because = learned.because(&case.numbers()).unwrap();
    let supplier = because.iter().find(|because| because.cause == "supplier").unwrap();
    let said = learned.probabilities(&[&case.numbers()], TWO).unwrap()[0];
    assert!(supplier.otherwise < 0.6 * said, "{said} {because:?}");
    let sentence = stock::sentence(&case, supplier);
    assert!(
        sentence.starts_with("8 units on order are overdue; as it mostly is, it would be "),
        "{sentence}"
    );
}

#[test]
fn the_same_past_in_any_order_and_on_any_number_of_threads_gives_the_same_bits() {
    let (examples, _) = shop(2_000, 9);
    let mut turned = examples.clone();
    turned.reverse();
    let cases: Vec<&[f64]> = examples.iter().map(|example| &*example.numbers).collect();
    let said = |examples: &[Example], workers: usize| {
        let workers = NonZeroUsize::new(workers).unwrap();
        let learned = Learned::learn(&stock::KIND, examples, workers).unwrap();
        (learned.probabilities(&cases, workers).unwrap(), learned.tested)
    };
    let first = said(&examples, 1);
    assert_eq!(first, said(&turned, 3));
}

#[test]
fn cancels_follow_the_wait_and_what_makes_no_sense_is_refused() {
    let line = |waits: f64, left_days: f64| Line {
        waits,
        units: 1.0,
        value: 40.0,
        lines: 1.0,
        age_days: 2.0,
        left_days,
        promised_days: 30.0,
        delays: 0.0,
        delayed_days: 0.0,
        orders_before: 0.0,
        customer_cancels: f64::NAN,
        sku_cancels: 0.1,
        cancel_rate: 0.004,
    };
    let learned = Learned::learn(&line::KIND, &[], TWO).unwrap();
    let p = |line: Line| learned.probabilities(&[&line.numbers()], TWO).unwrap()[0];
    assert!((p(line(1.0, 28.0)) - (1.0 - (-0.112_f64).exp())).abs() < 1e-9);
    assert!(p(line(0.0, 28.0)) < p(line(1.0, 28.0)) && p(line(1.0, 28.0)) < p(line(1.0, f64::NAN)));
    let wrong = Line { units: f64::INFINITY, ..line(1.0, 1.0) };
    assert_eq!(learned.probabilities(&[&wrong.numbers()], TWO).unwrap_err().field(), "cases[0].units");
    let short = Example { day: 0, numbers: vec![1.0], came: true };
    let refused = Learned::learn(&line::KIND, &[short], TWO).err().unwrap();
    assert_eq!(refused.field(), "examples[0]");
}

#[test]
fn groups_hold_every_case_once_and_keep_equals_together() {
    let said = [0.1, 0.1, 0.1, 0.5, 0.9];
    let found = groups(&said, &[false, false, true, true, true]);
    assert_eq!(found.iter().map(|group| group.cases).sum::<usize>(), 5);
    assert!((found[0].said - 0.1).abs() < 1e-12 && (found[0].came - 1.0 / 3.0).abs() < 1e-12);
    assert!(groups(&[], &[]).is_empty());
}
