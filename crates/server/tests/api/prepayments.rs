//! The ledger of prepayments: cash that came, and how much of it is owed in goods (scenario 38).

use serde_json::json;

use crate::provider::Till;

/// Scenario 38: of 8,000 that were prepaid, 5,200 are a liability while they are unshipped; what ships takes it down.
#[tokio::test]
async fn prepayments_say_what_is_earned_and_what_is_owed() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let price = json!({"title": "Mug", "price": {"amount": 10_000, "currency": "USD"}});
    till.world.put("/v1/skus/MUG", price).await.is(200);
    till.world.stock("MUG", 28).await;
    let (first, _) = till.checked_out(28).await;
    till.checked_out(52).await;
    till.post("/v1/releases", json!({"location": "east"})).await.is(201);
    till.post("/v1/shipments", json!({"order": first.to_string()})).await.is(201);
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let sums = till.world.get("/v1/prepayments").await.is(200);
    let expect = json!({"sku": "MUG", "received": usd(800_000), "refunded": usd(0), "earned": usd(280_000), "unearned": usd(520_000)});
    assert_eq!(sums["items"], json!([expect]), "prepaid 8,000, of it 5,200 unshipped");
    assert_eq!(sums["complete"], true);
    let days = till.world.get("/v1/prepayments?by=day&sku=MUG&from=2026-11-23&to=2026-11-23").await.is(200);
    assert_eq!(days["items"][0]["day"], "2026-11-23");
    assert_eq!(till.world.get("/v1/prepayments?from=2026-11-24").await.is(200)["items"], json!([]));
    till.world.verify();
}

/// Scenario 38: the same by campaign, which is a tag of what it sells, and as a table.
#[tokio::test]
async fn prepayments_are_summed_up_by_campaign_and_handed_out_as_a_table() {
    let mut till = Till::new(json!({"kind": "full"})).await;
    let terms = json!({"when_out": "backorder", "backorder_cap": "unlimited", "lead_time_days": 60,
        "payment": {"kind": "full", "provider": "stripe"}});
    for (sku, title, price, tags) in
        [("CUP", "Cup", 1_000, json!(["spring", "gifts"])), ("=BOWL", "Bowl", 2_000, json!([]))]
    {
        let item = json!({"title": title, "price": {"amount": price, "currency": "USD"}, "tags": tags});
        till.world.put(&format!("/v1/skus/{sku}"), item).await.is(201);
        till.world.put(&format!("/v1/skus/{sku}/policies/default"), terms.clone()).await.is(201);
    }
    let mug = json!({"title": "Mug", "price": {"amount": 1_500, "currency": "USD"}, "tags": ["spring"]});
    till.world.put("/v1/skus/MUG", mug).await.is(200);
    let mut body = crate::world::order("MUG", 2);
    let lines = body["lines"].as_array_mut().unwrap();
    lines.extend([json!({"sku": "CUP", "quantity": 3}), json!({"sku": "=BOWL", "quantity": 1})]);
    let order = till.post("/v1/orders", body).await.is(201);
    let id = order["id"].as_str().unwrap().parse().unwrap();
    till.later(0).await;
    till.bank.customer_acts(id, till.now);
    till.later(60).await;
    till.later(86_400).await;
    let one = json!({"lines": [{"id": order["lines"][0]["id"], "quantity": 1}]});
    till.post(&format!("/v1/orders/{id}/cancel"), one).await.is(200);
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [8_000, 1_500, 0, 6_500]);

    let world = &till.world;
    let sums = |path: &'static str| async move {
        let list = world.get(path).await.is(200);
        let of = |item: &serde_json::Value| {
            let tag = item["tag"].as_str().unwrap_or("-").to_owned();
            let amount = |field: &str| item[field]["amount"].as_i64().unwrap();
            (tag, amount("received"), amount("refunded"), amount("unearned"))
        };
        list["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let tag = |tag: &str, received: i64, refunded: i64, unearned: i64| {
        (tag.to_owned(), received, refunded, unearned)
    };
    assert_eq!(
        sums("/v1/prepayments?by=tag").await,
        [tag("-", 2_000, 0, 2_000), tag("gifts", 3_000, 0, 3_000), tag("spring", 6_000, 1_500, 4_500)]
    );
    assert_eq!(sums("/v1/prepayments?by=tag&tag=spring").await, [tag("spring", 6_000, 1_500, 4_500)]);
    assert_eq!(
        sums("/v1/prepayments?by=tag&tag=spring&from=2026-11-24").await,
        [tag("spring", 0, 1_500, -1_500)]
    );
    let totals = world.get("/v1/prepayments?by=tag").await.is(200)["totals"].clone();
    assert_eq!(totals[0]["unearned"]["amount"], 6_500, "what has two tags counts once in the total");
    let table = world.get("/v1/prepayments?by=day&tag=spring&format=csv").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let text = String::from_utf8(table.bytes.to_vec()).unwrap();
    let rows: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(
        rows,
        [
            "day,sku,currency,received,refunded,earned,unearned,tags",
            "2026-11-23,CUP,USD,30.00,0.00,0.00,30.00,\"spring, gifts\"",
            "2026-11-23,MUG,USD,30.00,0.00,0.00,30.00,spring",
            "2026-11-24,MUG,USD,0.00,15.00,0.00,-15.00,spring",
        ]
    );
    let all = String::from_utf8(world.get("/v1/prepayments?format=csv").await.bytes.to_vec()).unwrap();
    assert!(
        !all.contains(",=BOWL") && all.contains("=BOWL"),
        "nothing that a spreadsheet would work out: {all}"
    );
    world.get("/v1/prepayments?by=week").await.fails(422, "invalid");
    world.get("/v1/prepayments?format=pdf").await.fails(422, "invalid");
    world.verify();
}
