//! Ship-complete as packing, held against every choice there is and against the solver of `insight`.

use allocate::pack::{
    Effort, Method, PackError, Problem, Solution, orders,
    over_time::{Arrival, Backorder, calendar},
    solve,
};
use model::{
    Units,
    id::{OrderId, Sku},
};
use proptest::{prelude::*, strategy::Strategy as Generate};
use uuid::Uuid;

use crate::pools::day;

pub(crate) fn sku(name: &str) -> Sku {
    Sku::new(name).unwrap()
}

pub(crate) fn order(number: u128, value: i64, needs: &[(&str, Units)]) -> orders::Order {
    let needs = needs.iter().map(|(name, units)| (sku(name), *units)).collect();
    orders::Order { id: OrderId(Uuid::from_u128(number)), value, needs }
}

/// Searches to the end.
pub(crate) fn best(problem: &Problem) -> Solution {
    solve(problem, &mut Effort { nodes: u64::MAX, go_on: &mut || true })
}

type Orders = Vec<(i64, Vec<Units>)>;

/// Orders of three SKUs, and what there is of them.
fn some_orders(most: usize) -> impl Generate<Value = (Vec<Units>, Orders)> {
    let order = (0_i64..60, prop::collection::vec(0_i64..7, 3));
    (prop::collection::vec(0_i64..25, 3), prop::collection::vec(order, 1..=most))
}

fn problem_of((there, wanted): &(Vec<Units>, Orders)) -> Problem {
    let names = ["a", "b", "c"];
    let supply: Vec<(Sku, Units)> =
        names.iter().zip(there).map(|(name, units)| (sku(name), *units)).collect();
    let orders: Vec<orders::Order> = (0..)
        .zip(wanted)
        .map(|(number, (value, units))| {
            let needs: Vec<(&str, Units)> =
                names.into_iter().zip(units.iter().copied()).filter(|(_, units)| *units > 0).collect();
            order(number, *value, &needs)
        })
        .collect();
    orders::problem(&supply, &orders).unwrap()
}

/// The best value of all choices that fit.
fn best_of_all((there, wanted): &(Vec<Units>, Orders)) -> i64 {
    let fits = |set: u32| {
        (0..there.len()).all(|sku| {
            let used: Units =
                wanted.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, o)| o.1[sku]).sum();
            used <= there[sku]
        })
    };
    let worth =
        |set: u32| wanted.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, o)| o.0).sum();
    (0..1_u32 << wanted.len()).filter(|&set| fits(set)).map(worth).max().unwrap()
}

/// Whether a solution fits and says what it is worth.
fn check(instance: &(Vec<Units>, Orders), solution: &Solution) -> Result<(), TestCaseError> {
    let taken =
        || instance.1.iter().zip(&solution.chosen).filter(|(_, chosen)| **chosen).map(|(order, _)| order);
    for (sku, there) in instance.0.iter().enumerate() {
        prop_assert!(taken().map(|order| order.1[sku]).sum::<Units>() <= *there);
    }
    prop_assert_eq!(taken().map(|order| order.0).sum::<i64>(), solution.value);
    prop_assert!(solution.value >= solution.greedy_value.max(solution.in_turn_value));
    prop_assert!(solution.bound >= solution.value);
    Ok(())
}

proptest! {
    #[test]
    fn no_choice_is_better(instance in some_orders(10)) {
        let solution = best(&problem_of(&instance));
        check(&instance, &solution)?;
        prop_assert!(solution.is_proved() && solution.gap_ppm() == 0);
        prop_assert_eq!(solution.value, best_of_all(&instance));
    }

    #[test]
    fn a_search_cut_short_says_what_at_most_could_be(instance in some_orders(10), nodes in 0_u64..4) {
        let problem = problem_of(&instance);
        let solution = solve(&problem, &mut Effort { nodes, go_on: &mut || true });
        check(&instance, &solution)?;
        prop_assert!(solution.nodes <= nodes);
        prop_assert!(solution.bound >= best_of_all(&instance));
    }

    #[test]
    fn the_solver_of_the_formulas_finds_the_same(instance in some_orders(30)) {
        let input = insight::ship_complete::MultiSkuInput {
            supply: (0..3).map(|sku| (sku.to_string(), instance.0[sku])).collect(),
            orders: instance.1.iter().enumerate().filter(|(_, order)| order.0 > 0 && order.1.iter().any(|units| *units > 0)).map(|(at, order)| {
                let lines = order.1.iter().enumerate().filter(|(_, units)| **units > 0).map(|(sku, units)| (sku.to_string(), *units));
                insight::ship_complete::MultiSkuOrder { id: format!("{at:03}"), value: order.0 as f64, lines: lines.collect() }
            }).collect(),
        };
        prop_assume!(!input.orders.is_empty());
        let other = insight::ship_complete::allocation_multi_sku(&input).unwrap();
        let solution = best(&problem_of(&instance));
        check(&instance, &solution)?;
        let for_nothing: i64 = instance.1.iter().filter(|order| order.1.iter().all(|units| *units == 0)).map(|order| order.0).sum();
        prop_assert_eq!((solution.value - for_nothing) as f64, other.optimal_value);
    }
}

#[test]
fn a_caller_that_says_stop_is_heard() {
    let wanted: Orders = (0..60)
        .map(|at| (50 + at * 7 % 31, vec![3 + at * 5 % 17, 3 + at * 7 % 13, 2 + at * 3 % 11]))
        .collect();
    let problem = problem_of(&(vec![150, 140, 120], wanted));
    let stopped_after = |calls: u64| {
        let mut asked = 0;
        let solution = solve(
            &problem,
            &mut Effort {
                nodes: u64::MAX,
                go_on: &mut || {
                    asked += 1;
                    asked <= calls
                },
            },
        );
        (solution, asked)
    };
    let (at_once, asked) = stopped_after(0);
    assert!(asked <= 2 && at_once.nodes == 0 && at_once.method == Method::Heuristic && !at_once.is_proved());
    let (later, _) = stopped_after(2_000);
    let all = best(&problem);
    assert!(all.is_proved() && all.method == Method::Search);
    assert!(
        at_once.value <= later.value
            && later.value <= all.value
            && all.value <= later.bound
            && later.bound <= at_once.bound
    );
    assert_eq!(best(&problem), all);
}

#[test]
fn two_small_orders_beat_a_dense_large_one() {
    let orders = [order(1, 70, &[("a", 6)]), order(2, 55, &[("a", 5)]), order(3, 55, &[("a", 5)])];
    let solution = best(&orders::problem(&[(sku("a"), 10)], &orders).unwrap());
    assert_eq!(solution.chosen, [false, true, true]);
    assert_eq!((solution.value, solution.greedy_value, solution.in_turn_value), (110, 70, 70));
}

#[test]
fn orders_that_make_no_sense_are_named() {
    let supply = [(sku("a"), 5)];
    let one = |order| orders::problem(&supply, &[order]);
    let need = |units, what: &str| {
        Err(PackError::Need { order: order(7, 1, &[]).id.to_string(), what: what.into(), units })
    };
    assert_eq!(one(order(7, 1, &[("b", 1)])), need(1, "b"));
    assert_eq!(one(order(7, 1, &[("a", 0)])), need(0, "a"));
    assert!(matches!(one(order(7, -1, &[])), Err(PackError::Amount { amount: -1, .. })));
    assert_eq!(
        orders::problem(&[(sku("a"), -5)], &[]),
        Err(PackError::Supply { what: "a".into(), units: -5 })
    );
    // Twice the same SKU counts together; an order that needs nothing always fits.
    let orders = [order(1, 5, &[("a", 3), ("a", 3)]), order(2, 1, &[])];
    assert_eq!(best(&orders::problem(&supply, &orders).unwrap()).chosen, [false, true]);
    let nothing = best(&orders::problem(&[], &[]).unwrap());
    assert!(nothing.is_proved() && nothing.value == 0);
}

#[test]
fn an_order_of_two_skus_ships_when_the_later_one_is_there() {
    let arrival = |name, on, units| Arrival { sku: sku(name), on: day(on), units };
    let backorder = |number: u128, needs: &[(&str, Units)], due, late_cost| Backorder {
        id: OrderId(Uuid::from_u128(number)),
        needs: needs.iter().map(|(name, units)| (sku(name), *units)).collect(),
        due: day(due),
        late_cost,
        unserved_cost: 100,
    };
    let arrivals = [arrival("a", 3, 5), arrival("b", 6, 2), arrival("b", 20, 9)];
    let orders = [
        backorder(1, &[("a", 2), ("b", 2)], 1, 3),
        backorder(2, &[("b", 1)], 7, 2),
        backorder(3, &[("a", 9)], 9, 1),
    ];
    let calendar = calendar(&arrivals, &orders).unwrap();
    let solution = best(&calendar.problem);
    // The first is five days late; were the second in time, the first would be 19 days late.
    assert_eq!(calendar.days(&solution.chosen), [Some(day(6)), Some(day(20)), None]);
    assert_eq!(calendar.cost(solution.value), 5 * 3 + 13 * 2 + 100);
    assert!(solution.is_proved());
}

#[cfg(feature = "highs")]
mod highs {
    use std::time::Duration;

    use allocate::pack::highs;

    use super::*;

    proptest! {
        #[test]
        fn highs_finds_the_same(instance in some_orders(25)) {
            let problem = problem_of(&instance);
            let start = solve(&problem, &mut Effort { nodes: 0, go_on: &mut || true });
            let solution = highs::solve(&problem, &start, Duration::from_secs(60)).unwrap();
            check(&instance, &solution)?;
            prop_assert!(solution.is_proved());
            prop_assert_eq!(solution.value, best(&problem).value);
            prop_assert!(solution.method == Method::Highs || start.is_proved());
        }
    }

    #[test]
    fn without_time_highs_leaves_what_was_known() {
        let wanted: Orders = (0..60)
            .map(|at| (50 + at * 7 % 31, vec![3 + at * 5 % 17, 3 + at * 7 % 13, 2 + at * 3 % 11]))
            .collect();
        let problem = problem_of(&(vec![150, 140, 120], wanted));
        let start = solve(&problem, &mut Effort { nodes: 0, go_on: &mut || true });
        let solution = highs::solve(&problem, &start, Duration::ZERO).unwrap();
        assert!(solution.value >= start.value && solution.bound >= best(&problem).value);
    }
}
