//! The cases `alloc-*` of the shared reference file, by the crate's own functions.

use std::{fs, path::PathBuf};

use allocate::{
    pack::{
        orders,
        over_time::{Arrival, Backorder, calendar},
    },
    pool::{Line, Pool, Strategy},
    rule::{Basis, Rule},
    share::{Want, max_min},
};
use model::{
    Units,
    id::{OrderId, Sku},
    time::{Date, date_from_days},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    packing::{best, order, sku},
    pools::{line, noon, pegs, run, supply},
};

/// A case's inputs and expected values; nothing where the reference file is not beside the workspace.
#[expect(clippy::print_stdout, reason = "a case that was not run is to be seen")]
fn case(id: &str) -> Option<(Value, Value)> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if !shared.is_dir() {
        println!("no folder ../shared beside the workspace: {id} was not run");
        return None;
    }
    let text = fs::read_to_string(shared.join("cases/reference_cases.json"))
        .expect("the reference cases can be read");
    let file: Value = serde_json::from_str(&text).expect("the reference cases are JSON");
    let case =
        file["cases"].as_array()?.iter().find(|case| case["id"] == id).expect("the case is in the file");
    Some((case["inputs"].clone(), case["expected"].clone()))
}

fn int(value: &Value) -> i64 {
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|x| x.fract() == 0.0).map(|x| x as i64))
        .expect("a whole number")
}

#[test]
fn one_scarce_sku_by_every_rule() {
    let Some((inputs, expected)) = case("alloc-s1") else { return };
    let there = int(&inputs["supply"]);
    let all = inputs["orders"].as_array().unwrap();
    let by_id = |units: &dyn Fn(usize) -> Units| -> Value {
        all.iter()
            .enumerate()
            .map(|(at, order)| (order["id"].as_str().unwrap().to_owned(), units(at).into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let lines: Vec<Line> = (1..)
        .zip(all)
        .map(|(number, order)| Line {
            class: int(&order["priority"]) as i32,
            placed: noon(int(&order["placed"])),
            strategy: Strategy::Redistribute,
            ..line(number, 1, int(&order["qty"]), &[])
        })
        .collect();
    let pool = Pool { supplies: vec![supply(1, there, 10)], lines };
    let by_rule = |basis| {
        let plan = run(&pool, &Rule::of(basis));
        by_id(&|at| pegs(&plan, at as u128 + 1).iter().map(|peg| peg.1).sum())
    };
    assert_eq!(by_rule(Basis::OrderTime), expected["fifo_partial"]);
    assert_eq!(by_rule(Basis::Class), expected["priority_partial"]);
    assert_eq!(by_rule(Basis::Proportional), expected["proportional_integer"]);
    close(&by_rule(Basis::MaxMin), &expected["max_min_fair"]);
    let weighted: Vec<Want> = all
        .iter()
        .map(|order| Want { has: 0, most: int(&order["qty"]), weight: int(&order["weight"]) as u32 })
        .collect();
    let weighted = max_min(there, &weighted);
    close(&by_id(&|at| weighted[at]), &expected["weighted_max_min"]);

    let orders: Vec<orders::Order> =
        (1..).zip(all).map(|(number, o)| order(number, int(&o["value"]), &[("s", int(&o["qty"]))])).collect();
    let solution = best(&orders::problem(&[(sku("s"), there)], &orders).unwrap());
    assert_eq!(solution.value, int(&expected["ship_complete_optimal_value"]));
    assert_eq!(solution.greedy_value, int(&expected["ship_complete_greedy_density_value"]));
    assert!(solution.is_proved() && solution.bound <= int(&expected["ship_complete_lp_bound"]));
    let in_turn =
        allocate::pack::greedy::in_turn(&orders::problem(&[(sku("s"), there)], &orders).unwrap(), 0..4);
    let skipping = by_id(&|at| if in_turn[at] { int(&all[at]["qty"]) } else { 0 });
    assert_eq!(skipping, expected["fifo_ship_complete_skip"]);
}

/// Whole units against a share in fractions.
fn close(got: &Value, expected: &Value) {
    for (id, units) in expected.as_object().unwrap() {
        let difference = got[id].as_f64().unwrap() - units.as_f64().unwrap();
        assert!(difference.abs() < 1e-6, "{id}: {} {units}", got[id]);
    }
}

#[test]
fn fifteen_orders_of_four_skus() {
    let Some((inputs, expected)) = case("alloc-multi-s-15x4") else { return };
    let units = |value: &Value| -> Vec<(Sku, Units)> {
        value.as_object().unwrap().iter().map(|(name, units)| (sku(name), int(units))).collect()
    };
    let orders: Vec<orders::Order> = (1..)
        .zip(inputs["orders"].as_array().unwrap())
        .map(|(number, o)| orders::Order {
            needs: units(&o["lines"]),
            ..order(number, int(&o["value"]), &[])
        })
        .collect();
    let problem = orders::problem(&units(&inputs["supply"]), &orders).unwrap();
    let solution = best(&problem);
    assert_eq!(solution.value, int(&expected["optimal_value"]));
    assert_eq!(solution.greedy_value, int(&expected["greedy_value"]));
    assert_eq!(solution.in_turn_value, int(&expected["fifo_value"]));
    assert!(solution.is_proved());
    // One node in, the bound is that of the linear relaxation, in whole value.
    let first =
        allocate::pack::solve(&problem, &mut allocate::pack::Effort { nodes: 1, go_on: &mut || true });
    assert_eq!(first.bound, expected["lp_bound"].as_f64().unwrap().floor() as i64);
}

#[test]
fn whole_backorders_over_time() {
    let Some((inputs, expected)) = case("alloc-time-s1") else { return };
    // Costs are counted in halves.
    let halves = |value: &Value| (2.0 * value.as_f64().unwrap()) as i64;
    let on = |number: i64| -> Date { date_from_days(20_000 + number as i32).unwrap() };
    let arrivals: Vec<Arrival> = (1..)
        .zip(inputs["arrivals"].as_array().unwrap())
        .map(|(number, units)| Arrival { sku: sku("s"), on: on(number), units: int(units) })
        .collect();
    let orders: Vec<Backorder> = (1..)
        .zip(inputs["orders"].as_array().unwrap())
        .map(|(number, order)| Backorder {
            id: OrderId(Uuid::from_u128(number)),
            needs: vec![(sku("s"), int(&order["qty"]))],
            due: on(int(&order["due"])),
            late_cost: halves(&order["late_cost_per_unit_day"]) * int(&order["qty"]),
            unserved_cost: halves(&order["unserved_penalty"]),
        })
        .collect();
    let calendar = calendar(&arrivals, &orders).unwrap();
    let solution = best(&calendar.problem);
    assert_eq!(calendar.cost(solution.value), halves(&expected["optimal_cost"]));
    assert_eq!(calendar.cost(solution.in_turn_value), halves(&expected["fifo_cost"]));
    assert!(solution.is_proved());
}
