//! `shipwhen advise`, from a store and from a table alone.

use serde_json::Value;

use crate::house::House;

fn of<'a>(lines: &'a Value, sku: &str) -> &'a Value {
    lines.as_array().unwrap().iter().find(|line| line["sku"] == sku).unwrap_or_else(|| panic!("{lines}"))
}

#[test]
fn a_store_is_advised_by_its_own_orders() {
    let (house, _) = House::with_key();
    let skus = house.file(
        "skus.csv",
        "sku,title,price,currency,unit_cost,when_out,lead_time_days\n\
         MUG,Mug,40.00,USD,15.00,backorder,21\n\
         TOWEL,Towel,9.00,USD,4.00,refuse,\n\
         FREE,Gift,,USD,,refuse,\n",
    );
    house.done(&["import", "skus", &skus]);
    let orders = house.file(
        "orders.csv",
        "reference,placed_at,email,sku,quantity\n\
         1,2026-01-05,a@example.com,MUG,3\n2,2026-02-05,b@example.com,MUG,4\n3,2026-02-06,c@example.com,TOWEL,2\n",
    );
    house.done(&["import", "orders", &orders]);
    let lines = house.done(&["advise", "--json"]).json();
    let mug = of(&lines, "MUG");
    let figure = |line: &Value, name: &str| {
        line["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == name).unwrap().clone()
    };
    // Seven units were ordered for later; the towel's two were refused, and are demand all the same.
    assert_eq!(figure(mug, "demand_per_day")["source"], "own_data");
    assert!(figure(mug, "demand_per_day")["note"].as_str().unwrap().starts_with("7 units"), "{mug}");
    assert_eq!(figure(mug, "price")["value"], 40.0);
    assert_eq!(figure(mug, "wait_days")["value"], 21.0);
    assert_eq!(figure(mug, "cancel_rate_backorder")["source"], "own_data");
    assert!(mug["recommended"]["cap"].as_i64().unwrap() >= 1);
    let towel = of(&lines, "TOWEL");
    assert!(figure(towel, "demand_per_day")["note"].as_str().unwrap().starts_with("2 units"), "{towel}");
    assert_eq!(towel["recommended"]["mode"], "waitlist");
    assert!(of(&lines, "FREE")["refused"].as_str().unwrap().contains("price"), "{lines}");
    // In words, with a figure typed in.
    let said =
        house.done(&["advise", "--sku", "MUG", "--set", "accept_backorder=0", "--set", "accept_preorder=0"]);
    assert!(said.out.contains("typed in") && said.out.contains("waitlist"), "{}", said.out);
    assert_eq!(house.run(&["advise", "--sku", "NONE"]).code, 1);
    assert_eq!(house.run(&["advise", "--set", "accept_backorder=much"]).code, 2);
    house.verified();
}

#[test]
fn a_table_alone_is_enough() {
    let house = House::new();
    let table = house.file(
        "skus.csv",
        "sku,price,unit_cost,demand_per_day,inbound_units,wait_days\n\
         A,40,15,1,50,20\nB,40,15,1,0,\nC,40,-1,1,0,\nD,40,15,x,0,\nE,40,40,1,50,20\n",
    );
    let lines = house.done(&["advise", "--csv", &table, "--json"]).json();
    assert_eq!(of(&lines, "A")["recommended"]["mode"], "backorder");
    assert_eq!(of(&lines, "B")["recommended"]["mode"], "waitlist");
    assert!(of(&lines, "C")["refused"].as_str().unwrap().starts_with("unit_cost"));
    assert!(of(&lines, "D")["refused"].as_str().unwrap().contains("demand_per_day"), "{lines}");
    assert_eq!(of(&lines, "E")["recommended"]["mode"], "out_of_stock");
    let again = house.done(&["advise", "--csv", &table, "--json"]).json();
    assert_eq!(lines, again);
    let unknown = house.file("bad.csv", "sku,pirce\nA,4\n");
    let refused = house.run(&["advise", "--csv", &unknown]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("pirce"), "{}", refused.err);
}
