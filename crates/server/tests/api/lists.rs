//! Lists: complete, in order, page by page; the queue as it will be served; settings with their tags.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

/// Reads a list to its end, so many to a page.
async fn pages(world: &World, path: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    for _ in 0..1_000 {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = world.get(&format!("{path}{sign}limit={limit}&cursor={cursor}")).await.is(200);
        let found = page["items"].as_array().unwrap();
        assert!(found.len() <= limit);
        items.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return items,
        }
    }
    panic!("{path} has no end");
}

#[tokio::test]
async fn every_list_has_all_and_each_once_whatever_the_page() {
    let world = world();
    world.with_mug().await;
    for n in 0..7 {
        world.put(&format!("/v1/locations/place-{n}"), json!({})).await.is(201);
        world.put(&format!("/v1/skus/SKU-{n}"), json!({})).await.is(201);
        world
            .put(&format!("/v1/skus/MUG/policies/channel-{n}"), json!({"when_out": "waitlist"}))
            .await
            .is(201);
        world.supply("MUG", 2, &format!("2026-12-{:02}", 20 - n)).await;
        world.order("MUG", 1).await;
    }
    let first = world.order("MUG", 1).await;
    let supply = world.get("/v1/supplies").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    for date in ["2027-01-04", "2027-01-05", "2027-01-06"] {
        world.patch(&format!("/v1/supplies/{supply}"), json!({"expected_on": date})).await.is(200);
    }
    let promises = format!("/v1/orders/{}/promises", first["id"].as_str().unwrap());
    for path in [
        "/v1/locations",
        "/v1/skus",
        "/v1/skus/MUG/policies",
        "/v1/supplies",
        "/v1/supplies?sku=MUG&closed=true",
        "/v1/orders",
        "/v1/backorders",
        "/v1/events",
        &promises,
    ] {
        let all = world
            .get(&format!("{path}{}limit=500", if path.contains('?') { '&' } else { '?' }))
            .await
            .is(200);
        assert_eq!(all["next_cursor"], json!(null), "{path}");
        let all = all["items"].as_array().unwrap();
        assert!(all.len() >= 7 || path == promises, "{path}: {}", all.len());
        for limit in [1, 3, all.len()] {
            assert_eq!(&pages(&world, path, limit).await, all, "{path} by {limit}");
        }
    }
    // Newest first, and found by the shop's number or the customer.
    let orders = world.get("/v1/orders").await.is(200);
    assert_eq!(orders["items"][0]["id"], first["id"]);
    let mut numbered = order("MUG", 1);
    numbered["reference"] = json!("R-1");
    numbered["customer"]["email"] = json!("eve@example.com");
    let numbered = world.post("/v1/orders", numbered).await.is(201);
    for path in ["/v1/orders?reference=R-1", "/v1/orders?email=EVE@example.com"] {
        let found = world.get(path).await.is(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["id"], numbered["id"]);
    }
}

#[tokio::test]
async fn the_queue_is_in_the_order_in_which_it_is_served() {
    let world = world();
    world.with_mug().await;
    let late = world.supply("MUG", 3, "2026-12-21").await;
    let soon = world.supply("MUG", 3, "2026-12-01").await;
    let mut placed = Vec::new();
    for units in [2, 1, 2, 1] {
        placed.push(world.order("MUG", units).await["id"].clone());
    }
    let queue = world.get("/v1/backorders?sku=MUG").await.is(200);
    let queue = queue["items"].as_array().unwrap();
    let brief: Vec<_> = queue
        .iter()
        .map(|row| (row["order"].clone(), row["position"].as_i64().unwrap(), row["supply"].clone()))
        .collect();
    let expected: Vec<_> = [(0, &soon), (1, &soon), (2, &late), (3, &late)]
        .into_iter()
        .enumerate()
        .map(|(n, (order, supply))| (placed[order].clone(), i64::try_from(n).unwrap() + 1, json!(supply)))
        .collect();
    assert_eq!(brief, expected);
    let head = &queue[0];
    assert_eq!(head["blocked_by"], json!({"sku": "MUG", "supply": soon, "quantity": 2}));
    assert_eq!(head["value"], json!({"amount": 3000, "currency": "USD"}));
    assert_eq!(head["customer"], json!({"email": "ada@example.com", "name": null, "country": "US"}));
    assert_eq!(head["ship_by"], json!({"expected": "2026-12-02", "promised": "2026-12-07"}));
    assert_eq!((&head["overdue"], &head["told"]), (&json!(false), &head["ship_by"]));
    // Behind one supply, the places stay those of the whole queue.
    let behind = world.get(&format!("/v1/backorders?supply={late}")).await.is(200);
    let places: Vec<_> =
        behind["items"].as_array().unwrap().iter().map(|row| row["position"].as_i64().unwrap()).collect();
    assert_eq!(places, [3, 4]);
    assert_eq!(
        pages(&world, &format!("/v1/backorders?supply={late}"), 1).await,
        behind["items"].as_array().unwrap()[..]
    );
    // What is here does not wait, unless asked for.
    world.post(&format!("/v1/supplies/{soon}/receipts"), json!({})).await.is(201);
    assert_eq!(world.get("/v1/backorders").await.is(200)["items"].as_array().unwrap().len(), 2);
    let here = world.get("/v1/backorders?state=allocated").await.is(200);
    assert_eq!(here["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn overdue_is_what_should_have_shipped_by_what_was_said() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 3, "2026-12-01").await;
    world.order("MUG", 1).await;
    let overdue = |at: &'static str| {
        let world = &world;
        async move {
            world.send(Call::get("/v1/backorders?overdue=true").at(at)).await.is(200)["items"]
                .as_array()
                .unwrap()
                .len()
        }
    };
    // Promised for the 7th in New York, where it is still the 7th when it is the 8th in London.
    assert_eq!(overdue("2026-12-08T04:59:00Z").await, 0);
    assert_eq!(overdue("2026-12-08T05:00:00Z").await, 1);
}

#[tokio::test]
async fn a_kit_stands_in_the_queue_of_what_it_waits_for() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/SPOON", json!({})).await.is(201);
    world.put("/v1/skus/SPOON/policies/default", json!({"when_out": "backorder"})).await.is(201);
    let kit = json!({"price": {"amount": 2000, "currency": "USD"},
        "components": [{"sku": "MUG", "quantity": 1}, {"sku": "SPOON", "quantity": 2}]});
    world.put("/v1/skus/SET", kit).await.is(201);
    world.put("/v1/skus/SET/policies/default", json!({"when_out": "backorder"})).await.is(201);
    world.stock("MUG", 10).await;
    let spoons = world.supply("SPOON", 20, "2026-12-01").await;
    world.order("SPOON", 3).await;
    let set = world.order("SET", 2).await;
    for path in ["/v1/backorders?sku=SET", "/v1/backorders?sku=SPOON"] {
        let queue = world.get(path).await.is(200);
        let row = queue["items"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&row["order"], &row["sku"], &row["quantity"], &row["position"]),
            (&set["id"], &json!("SET"), &json!(2), &json!(2))
        );
        assert_eq!(row["blocked_by"], json!({"sku": "SPOON", "supply": spoons, "quantity": 4}));
        assert_eq!(row["value"], json!({"amount": 4000, "currency": "USD"}));
        assert_eq!(row["ship_by"]["promised"], "2026-12-07");
    }
    assert_eq!(world.get("/v1/backorders?sku=SET").await.is(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/v1/backorders?sku=MUG").await.is(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_read_can_be_sent_back_and_only_while_it_is_so() {
    let world = world();
    world.with_mug().await;
    let policy = json!({"when_out": "preorder", "backorder_cap": "unlimited", "customer_limit": 2, "customer_groups": ["club"],
        "horizon_days": 90, "release_date": "2026-12-24", "lead_time_days": 30, "lead_time_location": "east",
        "payment": {"kind": "deposit", "deposit_percent": 30, "balance": "on_ship"}});
    world.put("/v1/skus/MUG/policies/web", policy).await.is(201);
    world
        .put("/v1/skus/MUG/policies/shop", json!({"when_out": "backorder", "backorder_cap": 0}))
        .await
        .is(201);
    for path in [
        "/v1/locations/east",
        "/v1/skus/MUG",
        "/v1/skus/MUG/policies/web",
        "/v1/skus/MUG/policies/shop",
        "/v1/skus/MUG/policies/default",
    ] {
        let read = world.get(path).await;
        let (thing, tag) = (read.is(200), read.header("etag").to_owned());
        assert!(tag.starts_with('"'), "{path}: {tag}");
        let put = |tag: &str| Call::new("PUT", path).json(&thing).with("if-match", tag);
        let same = world.send(put(&tag)).await;
        assert_eq!((same.is(200), same.header("etag")), (thing.clone(), &*tag), "{path}");
        world.send(put("*")).await.is(200);
        world.send(put("\"0000000000000000\"")).await.fails(412, "stale");
        world.send(put(&format!("W/{tag}"))).await.fails(412, "stale");
    }
    assert_eq!(world.get("/v1/skus/MUG/policies/shop").await.is(200)["backorder_cap"], 0);
    assert_eq!(world.get("/v1/skus/MUG/policies/web").await.is(200)["backorder_cap"], "unlimited");
    assert_eq!(world.get("/v1/skus/MUG/policies/default").await.is(200)["backorder_cap"], json!(null));
    // A thing that is not there matches nothing.
    let new = Call::new("PUT", "/v1/skus/NEW").json(&json!({})).with("if-match", "*");
    world.send(new).await.fails(412, "stale");
    // A change gives another tag, and the old one is stale.
    let before = world.get("/v1/skus/MUG").await.header("etag").to_owned();
    world.put("/v1/skus/MUG", json!({"title": "Beaker"})).await.is(200);
    let late = Call::new("PUT", "/v1/skus/MUG").json(&json!({"title": "Cup"})).with("if-match", &before);
    world.send(late).await.fails(412, "stale");
    assert_eq!(world.get("/v1/skus/MUG").await.is(200)["title"], "Beaker");
}
