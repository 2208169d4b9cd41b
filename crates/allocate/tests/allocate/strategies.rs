//! What each strategy means. The same examples stand in docs/theory/allocation.md.

use allocate::{
    plan::{Cause, Decider, Effect, Outcome, Plan, Standing},
    pool::{Line, Pool, PoolError, Strategy, Supply},
    rule::{Basis, Rule},
};
use model::Units;

use crate::pools::{day, line, line_id, noon, of, pegs, run, supply, supply_id};

/// Supply 1 has 10 units and slips from the 12th to the 26th; supply 2 has 10 units of the 11th. The older line has
/// supply 1, the newer one supply 2.
fn slip(older: Strategy, newer: Strategy) -> Plan {
    let slipped = Supply { ready_before: Some(day(12)), ..supply(1, 10, 26) };
    let lines = vec![
        Line { strategy: older, promised: Some(day(14)), ..line(1, 1, 10, &[(1, 10)]) },
        Line { strategy: newer, promised: Some(day(14)), ..line(2, 2, 10, &[(2, 10)]) },
    ];
    run(&Pool { supplies: vec![slipped, supply(2, 10, 11)], lines }, &Rule::of(Basis::OrderTime))
}

fn story(outcome: &Outcome) -> (Effect, Cause, Decider) {
    (outcome.effect, outcome.cause, outcome.decided_by)
}

#[test]
fn a_line_that_gains_is_not_worse_for_another_and_keeps_what_is_left_of_its_own() {
    let plan = slip(Strategy::Gain, Strategy::Gain);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(1, 10)], vec![(2, 10)]));
    let rule = Decider::Rule(Basis::OrderTime);
    assert_eq!(story(of(&plan, 1)), (Effect::Later, Cause::SupplyMoved(supply_id(1)), rule));
    assert_eq!(of(&plan, 1).before, Standing { ready: Some(day(12)), short: 0 });
    assert_eq!(of(&plan, 1).after, Standing { ready: Some(day(26)), short: 0 });
    assert_eq!(story(of(&plan, 2)), (Effect::Same, Cause::Unchanged, Decider::Strategy(Strategy::Gain)));
    let summary = &plan.summary;
    assert_eq!((summary.later, summary.broken, summary.value_at_risk), (1, 1, 1_000));
}

#[test]
fn a_line_that_wins_takes_the_goods_of_one_that_may_be_moved() {
    let plan = slip(Strategy::Win, Strategy::Redistribute);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 10)], vec![(1, 10)]));
    assert_eq!(story(of(&plan, 1)), (Effect::Earlier, Cause::MovedUp, Decider::Strategy(Strategy::Win)));
    assert_eq!(story(of(&plan, 2)), (Effect::Later, Cause::Outranked, Decider::Rule(Basis::OrderTime)));
    assert_eq!(plan.summary.wins_lost, []);
}

#[test]
fn a_win_that_cannot_be_kept_is_named() {
    let plan = slip(Strategy::Win, Strategy::Gain);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(1, 10)], vec![(2, 10)]));
    assert_eq!(plan.summary.wins_lost, [line_id(1)]);
}

#[test]
fn lines_that_redistribute_stand_where_the_rule_puts_them() {
    let plan = slip(Strategy::Redistribute, Strategy::Redistribute);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 10)], vec![(1, 10)]));
}

#[test]
fn a_line_that_fills_gets_nothing_earlier_and_gives_way_to_who_stands_before_it() {
    let plan = slip(Strategy::Fill, Strategy::Redistribute);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(1, 10)], vec![(2, 10)]));
    let plan = slip(Strategy::Gain, Strategy::Fill);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 10)], vec![(1, 10)]));
    assert_eq!(story(of(&plan, 2)), (Effect::Later, Cause::Outranked, Decider::Rule(Basis::OrderTime)));
}

#[test]
fn a_line_that_loses_is_served_last_however_old_it_is() {
    let plan = slip(Strategy::Lose, Strategy::Redistribute);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(1, 10)], vec![(2, 10)]));
    assert_eq!(plan.lines[1].line, line_id(1));
    let plan = slip(Strategy::Gain, Strategy::Lose);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 10)], vec![(1, 10)]));
    assert_eq!(story(of(&plan, 2)), (Effect::Later, Cause::Outranked, Decider::Strategy(Strategy::Lose)));
}

/// Supply 1 had 12 units for three lines of 4, the oldest first; now it has `quantity`.
fn short(quantity: Units, change: impl Fn(&mut [Line])) -> Plan {
    let mut lines = [1, 2, 3].map(|number| line(number, number as i64, 4, &[(1, 4)]));
    change(&mut lines);
    run(&Pool { supplies: vec![supply(1, quantity, 12)], lines: lines.into() }, &Rule::of(Basis::OrderTime))
}

#[test]
fn goods_that_are_not_there_are_missed_by_who_comes_last() {
    let plan = short(7, |_| {});
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2), pegs(&plan, 3)), (vec![(1, 4)], vec![(1, 3)], vec![]));
    let last = of(&plan, 3);
    assert_eq!(last.after, Standing { ready: None, short: 4 });
    assert_eq!(
        story(last),
        (Effect::Later, Cause::SupplyShort(supply_id(1)), Decider::Rule(Basis::OrderTime))
    );
    assert_eq!((plan.summary.later, plan.summary.units_short, plan.summary.value_at_risk), (2, 5, 800));
}

#[test]
fn who_loses_gives_up_first_and_who_wins_last() {
    let plan = short(7, |lines| {
        lines[0].strategy = Strategy::Lose;
        lines[2].strategy = Strategy::Win;
    });
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2), pegs(&plan, 3)), (vec![], vec![(1, 3)], vec![(1, 4)]));
}

#[test]
fn a_locked_line_stays_as_it_is() {
    let lock = |lines: &mut [Line]| lines[2].locked = true;
    let plan = short(7, lock);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2), pegs(&plan, 3)), (vec![(1, 3)], vec![], vec![(1, 4)]));
    assert_eq!(story(of(&plan, 3)), (Effect::Same, Cause::Unchanged, Decider::Lock));
    // Unless the goods themselves are not there.
    let plan = short(3, lock);
    assert_eq!((pegs(&plan, 3), of(&plan, 3).after.short), (vec![(1, 3)], 1));
}

#[test]
fn a_made_whole_line_is_made_whole_or_not_at_all() {
    // 6 units of the 10th are free; supply 1 slips from the 12th to the 26th with lines of 8 and of 5 units behind it.
    let slipped = Supply { ready_before: Some(day(12)), ..supply(1, 13, 26) };
    let lines = vec![line(1, 1, 8, &[(1, 8)]), line(2, 2, 5, &[(1, 5)])];
    let plan = run(&Pool { supplies: vec![slipped, supply(2, 6, 10)], lines }, &Rule::of(Basis::OrderTime));
    // The older line cannot be in time, so its units do not stand in the way of the other.
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 1), (1, 7)], vec![(2, 5)]));
    assert_eq!((plan.summary.earlier, plan.summary.later), (1, 1));
}

#[test]
fn goods_are_left_for_others_until_the_day_they_are_wanted() {
    let wants = |requested| Line { requested: Some(day(requested)), ..line(1, 1, 4, &[]) };
    let supplies = || vec![supply(1, 4, 10), supply(2, 4, 14), supply(3, 4, 20)];
    let rule = Rule::of(Basis::OrderTime);
    let alone = |line| pegs(&run(&Pool { supplies: supplies(), lines: vec![line] }, &rule), 1);
    assert_eq!(alone(wants(15)), [(2, 4)]);
    assert_eq!(alone(wants(9)), [(1, 4)]);
    // Not beyond what was promised.
    assert_eq!(alone(Line { promised: Some(day(12)), ..wants(15) }), [(1, 4)]);
    // Earlier than wanted is no gain, later than had but not than wanted no loss.
    let had = Line { pegs: line(1, 1, 4, &[(1, 4)]).pegs, ..wants(15) };
    let plan = run(&Pool { supplies: supplies(), lines: vec![had, line(2, 2, 4, &[])] }, &rule);
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 4)], vec![(1, 4)]));
    assert_eq!((of(&plan, 1).effect, of(&plan, 2).effect), (Effect::Same, Effect::Earlier));
}

#[test]
fn lines_keep_their_supply_among_those_of_one_day() {
    let lines = vec![line(1, 1, 3, &[(2, 3)]), line(2, 2, 3, &[(1, 3)])];
    let pool = Pool { supplies: vec![supply(1, 3, 12), supply(2, 3, 12)], lines };
    let plan = run(&pool, &Rule::of(Basis::OrderTime));
    assert_eq!((pegs(&plan, 1), pegs(&plan, 2)), (vec![(2, 3)], vec![(1, 3)]));
    assert!(plan.lines.iter().all(|outcome| outcome.cause == Cause::Unchanged));
}

#[test]
fn a_pool_that_does_not_fit_together_is_refused() {
    let check = |supplies: Vec<Supply>, lines: Vec<Line>, expected: PoolError| {
        let pool = Pool { supplies, lines };
        assert_eq!(allocate::plan::plan(&pool, &Rule::default(), noon(5)), Err(expected));
    };
    let (id, one) = (line_id(1), supply_id(1));
    check(vec![supply(1, -1, 9)], vec![], PoolError::SupplyQuantity { supply: one, quantity: -1 });
    check(vec![supply(1, 1, 9), supply(1, 1, 9)], vec![], PoolError::SupplyTwice(one));
    check(vec![], vec![line(1, 1, 1, &[(1, 1)])], PoolError::UnknownSupply { line: id, supply: one });
    check(vec![], vec![line(1, 1, 0, &[])], PoolError::LineQuantity { line: id, quantity: 0 });
    for bad in [&[(1, 3)][..], &[(1, 0)], &[(1, 1), (1, 1)]] {
        check(vec![supply(1, 9, 9)], vec![line(1, 1, 2, bad)], PoolError::Pegs { line: id, quantity: 2 });
    }
}
