//! Runs of pools at random, held against the judge and against what must hold whatever the pool.

use std::collections::{BTreeMap, BTreeSet};

use allocate::{
    plan::{Effect, Outcome, Plan},
    pool::{Line, Peg, Pool, Strategy, Supply},
    rule::{Basis, Rule},
};
use model::{
    Units,
    id::{LineId, SupplyId},
    time::Date,
};
use proptest::{prelude::*, strategy::Strategy as Generate};

use crate::{
    judge::Judge,
    pools::{day, line, noon, run, supply_id},
};

fn maybe_day() -> impl Generate<Value = Option<Date>> {
    prop_oneof![1 => Just(None), 5 => (10_i8..15).prop_map(|number| Some(day(number)))]
}

fn supplies(most: Units) -> impl Generate<Value = Vec<Supply>> {
    let supply = (0..=most, maybe_day(), maybe_day(), any::<bool>(), prop::bool::weighted(0.2));
    prop::collection::vec(supply, 1..5).prop_map(|all| {
        let all = all.into_iter().enumerate().map(|(at, (quantity, ready, before, moved, on_hand))| Supply {
            id: supply_id(at as u128),
            quantity,
            ready,
            ready_before: if moved { before } else { ready },
            on_hand,
        });
        all.collect()
    })
}

fn one_line(units: Units, strategies: Vec<Strategy>) -> impl Generate<Value = Line> {
    let worth = (0_i32..3, 0_i64..4, 0_i64..3, -2_i64..3, 0_usize..4);
    let dates = (maybe_day(), prop_oneof![2 => Just(None), 1 => maybe_day()]);
    let goods = (1..=units, prop::collection::vec((0_u128..4, 1..=units), 0..3));
    let strategy = (prop::sample::select(strategies), prop::bool::weighted(0.15));
    (worth, dates, goods, strategy).prop_map(
        |(
            (class, placed, paid, margin, group),
            (promised, requested),
            (quantity, pegs),
            (strategy, locked),
        )| {
            let group = [None, Some("gold"), Some("silver"), Some("tin")][group].map(Into::into);
            let pegs: Vec<(u128, Units)> = pegs;
            Line {
                class,
                group,
                promised,
                requested,
                strategy,
                locked,
                paid,
                margin,
                ..line(0, placed, quantity, &pegs)
            }
        },
    )
}

/// Pools of a few lines; some supplies have fewer units than lines have of them.
fn pools(lines: usize, units: Units, strategies: Vec<Strategy>) -> impl Generate<Value = Pool> {
    let line = one_line(units, strategies);
    (supplies(2 * units), prop::collection::vec(line, 1..=lines)).prop_map(|(supplies, mut lines)| {
        for (at, line) in lines.iter_mut().enumerate() {
            line.id = crate::pools::line_id(at as u128);
            let (mut open, mut seen) = (line.quantity, Vec::new());
            line.pegs.retain_mut(|peg| {
                peg.quantity = peg.quantity.min(open);
                let fits =
                    supplies.iter().any(|supply| supply.id == peg.supply) && !seen.contains(&peg.supply);
                if fits {
                    open -= peg.quantity;
                    seen.push(peg.supply);
                }
                fits && peg.quantity > 0
            });
        }
        Pool { supplies, lines }
    })
}

fn rules(bases: Vec<Basis>) -> impl Generate<Value = Rule> {
    let ageing = prop_oneof![2 => Just(None), 1 => (0_u16..5).prop_map(Some)];
    (prop::sample::select(bases), ageing).prop_map(|(basis, ageing_days)| Rule {
        groups: vec!["silver".into(), "gold".into()],
        ageing_days,
        ..Rule::of(basis)
    })
}

fn in_turn() -> Vec<Basis> {
    Basis::ALL.into_iter().filter(|basis| !matches!(basis, Basis::Proportional | Basis::MaxMin)).collect()
}

fn shared() -> Vec<Basis> {
    vec![Basis::Proportional, Basis::MaxMin]
}

fn by_id(plan: &Plan) -> BTreeMap<LineId, &Outcome> {
    plan.lines.iter().map(|outcome| (outcome.line, outcome)).collect()
}

/// What a pool is after a plan was carried out.
fn carried_out(pool: &Pool, plan: &Plan) -> Pool {
    let outcomes = by_id(plan);
    let mut after = pool.clone();
    for supply in &mut after.supplies {
        supply.ready_before = supply.ready;
    }
    for line in &mut after.lines {
        line.pegs.clone_from(&outcomes[&line.id].pegs);
    }
    after
}

fn when(pool: &Pool, id: SupplyId, before: bool) -> (Date, bool) {
    let supply = pool.supplies.iter().find(|supply| supply.id == id).unwrap();
    let date = if before { supply.ready_before } else { supply.ready };
    date.map_or((Date::MAX, true), |date| (date, !supply.on_hand))
}

/// Books that must balance, whatever the rule.
fn check_books(pool: &Pool, plan: &Plan) -> Result<(), TestCaseError> {
    let outcomes = by_id(plan);
    prop_assert_eq!(outcomes.len(), pool.lines.len());
    for supply in &pool.supplies {
        let pegged: Units = plan
            .lines
            .iter()
            .flat_map(|o| &o.pegs)
            .filter(|peg| peg.supply == supply.id)
            .map(|peg| peg.quantity)
            .sum();
        prop_assert!(pegged <= supply.quantity, "{} of {} units", pegged, supply.quantity);
    }
    let mut summary = (0, 0, 0, 0);
    for line in &pool.lines {
        let outcome = outcomes[&line.id];
        let pegged: Units = outcome.pegs.iter().map(|peg| peg.quantity).sum();
        prop_assert_eq!(pegged + outcome.after.short, line.quantity);
        prop_assert!(outcome.pegs.iter().all(|peg| peg.quantity > 0));
        prop_assert!(outcome.pegs.is_sorted_by_key(|peg| when(pool, peg.supply, false)));
        let last = outcome.pegs.iter().map(|peg| when(pool, peg.supply, false)).max();
        let ready = last.filter(|last| outcome.after.short == 0 && last.0 < Date::MAX).map(|last| last.0);
        prop_assert_eq!(outcome.after.ready, ready);
        let at_risk = outcome.effect == Effect::Later || outcome.broken;
        summary.0 += usize::from(outcome.effect == Effect::Earlier);
        summary.1 += usize::from(outcome.effect == Effect::Later);
        summary.2 += outcome.after.short;
        summary.3 += i128::from(if at_risk { line.value } else { 0 });
    }
    let said = &plan.summary;
    prop_assert_eq!(summary, (said.earlier, said.later, said.units_short, said.value_at_risk));
    Ok(())
}

/// What each strategy and the lock demand, read off the plan alone.
fn check_strategies(pool: &Pool, plan: &Plan, judge: &Judge<'_>) -> Result<(), TestCaseError> {
    let outcomes = by_id(plan);
    let free = pool.supplies.iter().map(|supply| supply.quantity).sum::<Units>()
        - plan.lines.iter().flat_map(|outcome| &outcome.pegs).map(|peg| peg.quantity).sum::<Units>();
    for (at, line) in pool.lines.iter().enumerate() {
        let outcome = outcomes[&line.id];
        let kept: Vec<Peg> = judge
            .kept_units(at)
            .into_iter()
            .map(|(supply, quantity)| Peg { supply: supply.id, quantity })
            .collect();
        if line.locked {
            let mut pegs = outcome.pegs.clone();
            pegs.sort_by_key(|peg| kept.iter().position(|own| own.supply == peg.supply));
            prop_assert_eq!(&pegs, &kept);
            continue;
        }
        let wanted =
            line.requested.map(|day| (line.promised.map_or(day, |promised| promised.min(day)), true));
        let by = |pegs: &[Peg], day| -> Units {
            let in_time = pegs.iter().filter(|peg| when(pool, peg.supply, false) <= day);
            in_time.map(|peg| peg.quantity).sum()
        };
        for day in pool.supplies.iter().map(|supply| when(pool, supply.id, false)) {
            match line.strategy {
                // By every day that matters they have at least what they had of what is there.
                Strategy::Win | Strategy::Gain if wanted.is_none_or(|wanted| day >= wanted) => {
                    prop_assert!(by(&outcome.pegs, day) >= by(&kept, day));
                }
                Strategy::Fill => {
                    let could_have_been =
                        |peg: &&Peg| when(pool, peg.supply, true).min(when(pool, peg.supply, false)) <= day;
                    let had: Units = line.pegs.iter().filter(could_have_been).map(|peg| peg.quantity).sum();
                    prop_assert!(by(&outcome.pegs, day) <= had);
                }
                _ => {}
            }
        }
        let lost = line.strategy == Strategy::Win && outcome.effect == Effect::Later;
        prop_assert_eq!(lost, plan.summary.wins_lost.contains(&line.id));
        // Nobody who wants goods goes without while there are any.
        prop_assert!(outcome.after.short == 0 || free == 0 || line.strategy == Strategy::Fill);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_judge_serves_every_line_alike(pool in pools(3, 2, Strategy::ALL.into()), rule in rules(in_turn())) {
        let judge = Judge::new(&pool, &rule, noon(5));
        prop_assert_eq!(judge.ways_of(&run(&pool, &rule)), judge.serve());
    }

    #[test]
    fn the_judge_agrees_where_everything_is_protected(pool in pools(4, 2, vec![Strategy::Win, Strategy::Gain]), rule in rules(in_turn())) {
        let judge = Judge::new(&pool, &rule, noon(5));
        prop_assert_eq!(judge.ways_of(&run(&pool, &rule)), judge.serve());
    }

    #[test]
    fn books_balance_and_strategies_are_respected(pool in pools(12, 9, Strategy::ALL.into()), rule in rules(Basis::ALL.into())) {
        let plan = run(&pool, &rule);
        check_books(&pool, &plan)?;
        check_strategies(&pool, &plan, &Judge::new(&pool, &rule, noon(5)))?;
    }

    #[test]
    fn shares_take_nothing_that_is_owed(pool in pools(6, 6, vec![Strategy::Gain, Strategy::Redistribute]), rule in rules(shared())) {
        let plan = run(&pool, &rule);
        check_books(&pool, &plan)?;
        check_strategies(&pool, &plan, &Judge::new(&pool, &rule, noon(5)))?;
    }

    #[test]
    fn an_even_share_leaves_nobody_behind(pool in pools(6, 6, vec![Strategy::Redistribute]), basis in prop::sample::select(shared())) {
        let mut pool = pool;
        for line in &mut pool.lines {
            (line.locked, line.requested) = (false, None);
        }
        let plan = run(&pool, &Rule::of(basis));
        let wanted: Units = pool.lines.iter().map(|line| line.quantity).sum();
        let outcomes = by_id(&plan);
        let days: BTreeSet<_> = pool.supplies.iter().map(|supply| when(&pool, supply.id, false)).collect();
        for (n, day) in (1..).zip(days) {
            let by_day = |line: &Line| -> Units {
                let pegs = &outcomes[&line.id].pegs;
                pegs.iter().filter(|peg| when(&pool, peg.supply, false) <= day).map(|peg| peg.quantity).sum()
            };
            let given: Units = pool.lines.iter().map(by_day).sum();
            let most = pool.lines.iter().map(by_day).max().unwrap();
            for line in &pool.lines {
                let units = by_day(line);
                if basis == Basis::MaxMin {
                    prop_assert!(units == line.quantity || units >= most - 1);
                } else {
                    // Each day's share is within a unit of the exact one.
                    prop_assert!((units * wanted - line.quantity * given).abs() <= n * wanted);
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_lines_are_listed_does_not_matter(pool in pools(12, 9, Strategy::ALL.into()), rule in rules(Basis::ALL.into()), turn in 0_usize..12) {
        let mut turned = pool.clone();
        turned.lines.reverse();
        let by = turn % turned.lines.len();
        turned.lines.rotate_left(by);
        prop_assert_eq!(run(&turned, &rule), run(&pool, &rule));
    }

    #[test]
    fn nobody_has_less_for_those_who_lose(pool in pools(12, 9, Strategy::ALL.into()), rule in rules(Basis::ALL.into())) {
        let mut without = pool.clone();
        without.lines.retain(|line| line.strategy != Strategy::Lose || line.locked);
        let (all, fewer) = (run(&pool, &rule), run(&without, &rule));
        let all = by_id(&all);
        for outcome in &fewer.lines {
            prop_assert_eq!(outcome.after, all[&outcome.line].after);
        }
    }

    #[test]
    fn a_run_repeated_changes_nothing(pool in pools(12, 9, Strategy::ALL.into()), rule in rules(in_turn())) {
        let after = carried_out(&pool, &run(&pool, &rule));
        let again = run(&after, &rule);
        prop_assert_eq!(&carried_out(&after, &again), &after);
        prop_assert_eq!((again.summary.earlier, again.summary.later), (0, 0));
    }
}
