//! Who is served first under each rule.

use allocate::{
    plan::Decider,
    pool::{Line, Pool, Strategy},
    rule::{Basis, Rule},
};
use model::Units;

use crate::pools::{day, line, of, pegs, run, supply};

/// Four lines of one unit that may all be moved; who gets the units of the 10th to the 13th, in this order.
fn served(rule: &Rule, change: impl Fn(u128, &mut Line)) -> Vec<u128> {
    let supplies = (1..=4).map(|number| supply(number, 1, 9 + number as i8)).collect();
    let mut lines: Vec<Line> = (1..=4)
        .map(|number| Line { strategy: Strategy::Redistribute, ..line(number, number as i64, 1, &[]) })
        .collect();
    for (number, line) in (1..).zip(&mut lines) {
        change(number, line);
    }
    let plan = run(&Pool { supplies, lines }, rule);
    let mut by_supply: Vec<(u128, u128)> = (1..=4).map(|number| (pegs(&plan, number)[0].0, number)).collect();
    by_supply.sort_unstable();
    by_supply.into_iter().map(|(_, number)| number).collect()
}

#[test]
fn each_rule_has_its_order_and_ties_go_by_class_then_age_then_id() {
    let check = |basis, change: fn(u128, &mut Line), expected: [u128; 4]| {
        let rule = Rule { groups: vec!["gold".into(), "silver".into()], ..Rule::of(basis) };
        assert_eq!(served(&rule, change), expected, "{basis:?}");
    };
    check(Basis::OrderTime, |_, _| {}, [1, 2, 3, 4]);
    check(Basis::OrderTime, |n, line| line.class = -(n as i32), [1, 2, 3, 4]);
    check(Basis::PromiseGiven, |n, line| line.promised = (n > 1).then(|| day(20 - n as i8)), [4, 3, 2, 1]);
    check(Basis::Class, |n, line| line.class = [2, 1, 3, 1][n as usize - 1], [2, 4, 1, 3]);
    let group = |n: u128, line: &mut Line| {
        line.group = [None, Some("silver"), Some("gold"), Some("tin")][n as usize - 1].map(Into::into);
    };
    check(Basis::CustomerGroup, group, [3, 2, 1, 4]);
    check(Basis::PaidAmount, |n, line| line.paid = [0, 5, 9, 5][n as usize - 1], [3, 2, 4, 1]);
    check(Basis::Margin, |n, line| line.margin = [-1, 7, 7, 8][n as usize - 1], [4, 2, 3, 1]);
    // Ties.
    check(Basis::PaidAmount, |n, line| line.class = [1, 1, 0, 0][n as usize - 1], [3, 4, 1, 2]);
    let same_age = |_: u128, line: &mut Line| line.placed = crate::pools::noon(1);
    check(Basis::PaidAmount, same_age, [1, 2, 3, 4]);
}

#[test]
fn margin_counts_by_unit() {
    let lines = vec![Line { margin: 10, ..line(1, 1, 2, &[]) }, Line { margin: 6, ..line(2, 2, 1, &[]) }];
    let plan = run(&Pool { supplies: vec![supply(1, 1, 9)], lines }, &Rule::of(Basis::Margin));
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![], vec![(1, 1)]));
}

#[test]
fn nobody_is_passed_over_for_longer_than_the_rule_allows() {
    // It is the 5th. Lines 1 and 2 were ordered on the 1st and 2nd, and are of the lowest class.
    let rule = |ageing_days| Rule { ageing_days, ..Rule::of(Basis::Class) };
    let low = |n: u128, line: &mut Line| line.class = -(n as i32);
    assert_eq!(served(&rule(None), low), [4, 3, 2, 1]);
    assert_eq!(served(&rule(Some(2)), low), [1, 2, 4, 3]);
    // On the third day it is not longer than three days.
    assert_eq!(served(&rule(Some(3)), low), [1, 4, 3, 2]);
    assert_eq!(served(&rule(Some(4)), low), [4, 3, 2, 1]);
    let lines = vec![Line { strategy: Strategy::Redistribute, class: 9, ..line(1, 1, 1, &[]) }];
    let plan = run(&Pool { supplies: vec![supply(1, 1, 9)], lines }, &rule(Some(2)));
    assert_eq!(of(&plan, 1).decided_by, Decider::Ageing);
}

/// 10 units of the 10th and 6 of the 12th for lines of 12, 4, 4 and 2 units: units by line and day.
fn shared(basis: Basis, change: impl Fn(&mut [Line])) -> Vec<Vec<(u128, Units)>> {
    let mut lines = [12, 4, 4, 2].map(|units| line(units as u128, 1, units, &[]));
    for (number, line) in (1..).zip(&mut lines) {
        *line =
            Line { strategy: Strategy::Redistribute, ..crate::pools::line(number, 1, line.quantity, &[]) };
    }
    change(&mut lines);
    let plan = run(
        &Pool { supplies: vec![supply(1, 10, 10), supply(2, 6, 12)], lines: lines.into() },
        &Rule::of(basis),
    );
    (1..=4).map(|number| pegs(&plan, number)).collect()
}

#[test]
fn shares_are_in_proportion_or_even() {
    // 10 × (12, 4, 4, 2)/22 = 5.45, 1.82, 1.82, .91; then 6 × (7, 2, 2, 1)/12 = 3.5, 1, 1, .5.
    let got = shared(Basis::Proportional, |_| {});
    assert_eq!(got, [vec![(1, 5), (2, 4)], vec![(1, 2), (2, 1)], vec![(1, 2), (2, 1)], vec![(1, 1)]]);
    // Three each but for the last, who wants two; then all up to a level of five.
    let got = shared(Basis::MaxMin, |_| {});
    assert_eq!(got, [vec![(1, 3), (2, 3)], vec![(1, 3), (2, 1)], vec![(1, 2), (2, 2)], vec![(1, 2)]]);
}

#[test]
fn what_a_protected_line_keeps_counts_towards_its_share() {
    // The last line has its two units on the 12th and gains, so they are owed to it.
    let keep = |lines: &mut [Line]| {
        lines[3] = Line { pegs: line(4, 1, 2, &[(2, 2)]).pegs, strategy: Strategy::Gain, ..lines[3].clone() };
    };
    let got = shared(Basis::MaxMin, keep);
    assert_eq!(got[3], [(1, 2)]);
    let lock = |lines: &mut [Line]| {
        keep(lines);
        lines[3].locked = true;
    };
    assert_eq!(shared(Basis::MaxMin, lock)[3], [(2, 2)]);
}

#[test]
fn a_protected_line_gets_each_of_its_units_by_its_own_day() {
    let keeps = line(1, 1, 2, &[(1, 1), (2, 1)]);
    let hungry = Line { strategy: Strategy::Redistribute, ..line(2, 1, 30, &[]) };
    let pool = Pool { supplies: vec![supply(1, 2, 10), supply(2, 1, 12)], lines: vec![keeps, hungry] };
    let plan = run(&pool, &Rule::of(Basis::Proportional));
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(1, 1), (2, 1)], vec![(1, 1)]));
}

#[test]
fn shares_wait_for_the_day_on_which_they_are_wanted() {
    // The second wants its units on the 12th: those of the 10th are shared without it.
    let got = shared(Basis::MaxMin, |lines| lines[1].requested = Some(day(12)));
    assert_eq!(got, [vec![(1, 4), (2, 2)], vec![(2, 4)], vec![(1, 4)], vec![(1, 2)]]);
}
