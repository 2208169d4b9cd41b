//! `shipwhen plan` and `shipwhen simulate`, on a store of their own.

use serde_json::Value;

use crate::house::House;

/// A shop with a mug on lead time, a towel that is refused, and a few orders.
fn shop() -> House {
    let (house, _) = House::with_key();
    let skus = house.file(
        "skus.csv",
        "sku,title,price,currency,unit_cost,supplier,when_out,lead_time_days\n\
         MUG,Mug,40.00,USD,15.00,Pine,backorder,21\n\
         TOWEL,Towel,9.00,USD,4.00,Oak,refuse,\n\
         FREE,Gift,,USD,,,refuse,\n",
    );
    house.done(&["import", "skus", &skus]);
    let orders = house.file(
        "orders.csv",
        "reference,placed_at,email,sku,quantity\n\
         1,2026-01-05,a@example.com,MUG,3\n2,2026-02-05,b@example.com,MUG,4\n3,2026-02-06,c@example.com,TOWEL,2\n",
    );
    house.done(&["import", "orders", &orders]);
    house
}

#[test]
fn a_plan_says_what_to_order_and_drafts_it() {
    let house = shop();
    let lines = house.done(&["plan", "--json", "--all"]).json();
    let of = |sku: &str| lines.as_array().unwrap().iter().find(|line| line["sku"] == sku).unwrap().clone();
    let mug = of("MUG")["order"].clone();
    assert_eq!((&mug["owed"], &mug["lead_time_from"]), (&Value::from(7), &Value::from("policy")));
    assert!(mug["quantity"].as_i64().unwrap() >= 6, "{mug}");
    assert!(of("FREE")["refused"].as_str().unwrap().contains("price"));
    let draft = house.done(&["plan", "--draft", "--supplier", "Pine"]).out;
    let rows: Vec<&str> = draft.lines().collect();
    assert_eq!(rows.len(), 2, "{draft}");
    assert!(rows[0].starts_with("supplier,sku") && rows[1].starts_with("Pine,MUG,Mug,"), "{draft}");
    let poor = house.done(&["plan", "--json", "--cash-max", "1"]).json();
    assert!(poor.as_array().unwrap().iter().all(|line| line["order"]["within_budget"] == false), "{poor}");
    house.verified();
}

#[test]
fn ways_to_run_a_shop_are_compared_on_the_same_customers() {
    let house = shop();
    let as_of = "2036-01-01T00:00:00Z";
    let args = ["simulate", "--json", "--days", "400", "--replications", "20", "--as-of", as_of];
    let with = |more: &[&str]| house.done(&[&args[..], more].concat()).json();
    let found = with(&["--policy", "current", "--policy", "refuse", "--slip", "5", "--demand", "2"]);
    let variants = found["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 4);
    let of = |variant: usize, measure: &str| {
        let figures = variants[variant]["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["measure"] == measure).unwrap().clone()
    };
    assert_eq!(of(1, "units_asked")["difference"], 0.0, "the same customers");
    assert!(of(3, "units_asked")["difference"].as_f64().unwrap() > 0.0);
    assert!(of(0, "units_shipped")["mean"].as_f64() >= of(1, "units_shipped")["mean"].as_f64());
    assert!(found["left_out"].to_string().contains("FREE"), "{found}");
    let one = with(&[
        "--threads",
        "1",
        "--policy",
        "current",
        "--policy",
        "refuse",
        "--slip",
        "5",
        "--demand",
        "2",
    ]);
    assert_eq!(one["variants"], found["variants"], "the same seed, the same bytes, on any number of threads");
    // Cash begins with what is there, and everything else is as it was.
    let cash = |more: &[&str]| {
        let found = with(more);
        let figures = found["variants"][0]["figures"].as_array().unwrap().clone();
        let of = |name: &str| {
            figures.iter().find(|figure| figure["measure"] == name).unwrap()["mean"].as_f64().unwrap()
        };
        (of("cash_last"), of("profit"))
    };
    let (none, some) = (cash(&[]), cash(&["--cash", "5000"]));
    assert!((some.0 - none.0 - 5_000.0).abs() < 1e-6 && (some.1 - none.1).abs() < 1e-9, "{none:?} {some:?}");
    let text = house.done(&["simulate", "--sku", "MUG", "--replications", "5", "--days", "20"]).out;
    assert!(text.contains("advised") && text.contains("against the first"), "{text}");
    let wrong =
        [&["--policy", "magic"][..], &["--policy", "cap=x"], &["--reorder", "5:20"], &["--as-of", "soon"]];
    for wrong in wrong {
        assert_eq!(house.run(&[&["simulate"][..], wrong].concat()).code, 2, "{wrong:?}");
    }
    let past = &["--as-of", "2026-01-06T00:00:00Z"];
    let wrong =
        [&["--sku", "NONE"][..], &["--sku", "FREE"], &["--days", "-1"], &["--replications", "1"], past];
    for wrong in wrong {
        assert_ne!(house.run(&[&["simulate"][..], wrong].concat()).code, 0, "{wrong:?}");
    }
    house.verified();
}
