//! Releases, what comes back from them, shipments and returns.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, World, order, world};

async fn release(world: &World, body: Value) -> Value {
    let reply = world.post("/v1/releases", body).await;
    let released = reply.json();
    let any = released["lines"].as_array().is_some_and(|lines| !lines.is_empty());
    reply.is(if any { 201 } else { 200 })
}

/// The lines of a release: which and how many units.
fn lines(released: &Value) -> Vec<(String, i64)> {
    let lines = released["lines"].as_array().unwrap();
    lines.iter().map(|line| (text(&line["line"]), line["quantity"].as_i64().unwrap())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn line_of(placed: &Value, nth: usize) -> String {
    text(&placed["lines"][nth]["id"])
}

async fn line_now(world: &World, placed: &Value) -> Value {
    let now = world.get(&format!("/v1/orders/{}", text(&placed["id"]))).await.is(200);
    now["lines"][0].clone()
}

/// The kinds of the ledger's entries about an order.
async fn kinds(world: &World, placed: &Value) -> Vec<String> {
    let events = world.get("/v1/events?limit=500").await.is(200);
    let of_order = events["items"].as_array().unwrap().iter().filter(|event| event["order"] == placed["id"]);
    of_order.map(|event| text(&event["kind"])).collect()
}

#[tokio::test]
async fn a_release_hands_over_what_is_here_and_a_shipment_sends_it() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    world.supply("MUG", 10, "2026-12-01").await;
    let mut body = order("MUG", 8);
    body["reference"] = json!("1001");
    let placed = world.post("/v1/orders", body).await.is(201);
    let released = release(&world, json!({"location": "east", "limit": 10, "carrier_cutoff": "16:30"})).await;
    assert!(text(&released["id"]).starts_with("rel_"));
    assert_eq!(released["carrier_cutoff"], "2026-11-23T21:30:00Z");
    assert_eq!(lines(&released), [(line_of(&placed, 0), 3)]);
    let line = &released["lines"][0];
    assert_eq!(
        (&line["order"], &line["reference"], &line["sku"]),
        (&placed["id"], &json!("1001"), &json!("MUG"))
    );
    assert_eq!((&line["picks"][0]["sku"], &line["picks"][0]["quantity"]), (&json!("MUG"), &json!(3)));
    assert_eq!(line["told"]["ship_by"], placed["lines"][0]["told"]["ship_by"]);
    assert_eq!(lines(&release(&world, json!({"location": "east"})).await), []);
    let line = line_now(&world, &placed).await;
    assert_eq!((&line["released"], &line["state"]), (&json!(3), &json!("partly_allocated")));

    let sent = json!({"order": placed["id"], "tracking": "1Z999", "shipped_at": "2026-11-23T13:59:00Z",
        "lines": [{"id": line_of(&placed, 0), "quantity": 2}]});
    let shipment = world.post("/v1/shipments", sent).await.is(201);
    assert_eq!((&shipment["order"], &shipment["tracking"]), (&placed["id"], &json!("1Z999")));
    let line = &shipment["lines"][0];
    assert_eq!((&line["quantity"], &line["open"]), (&json!(2), &json!(6)));
    let line = line_now(&world, &placed).await;
    assert_eq!((&line["shipped"], &line["released"], &line["open"]), (&json!(2), &json!(1), &json!(6)));
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.fails(409, "not_allocated");
    assert_eq!(
        kinds(&world, &placed).await,
        ["order_placed", "promise_given", "released", "shipped", "shipped"]
    );
}

#[tokio::test]
async fn the_customer_sees_what_left_with_whom_and_where_it_is() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 5).await;
    let placed = world.send(Call::post("/v1/orders", &order("MUG", 5)).key(CHECKOUT)).await.is(201);
    let path = format!("/v1/orders/{}", text(&placed["id"]));
    assert!(world.get(&path).await.is(200).get("shipments").is_none(), "nothing left yet");
    let parcel = |units: i64, more: Value| {
        let mut body =
            json!({"order": placed["id"], "lines": [{"id": line_of(&placed, 0), "quantity": units}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let long = format!("https://box.test/{}", "x".repeat(500));
    for wrong in ["http://box.test/1", "javascript:alert(1)", "https://a:b@box.test/", "box", &long] {
        let refused = world.post("/v1/shipments", parcel(1, json!({"tracking_url": wrong}))).await;
        assert_eq!(refused.fails(422, "invalid")["errors"][0]["pointer"], "/tracking_url", "{wrong}");
    }
    let first = json!({"carrier": "ups", "tracking": "1Z9<b>", "shipped_at": "2026-11-23T13:00:00Z"});
    let shipped = world.post("/v1/shipments", parcel(2, first)).await.is(201);
    assert_eq!((&shipped["carrier"], &shipped["tracking_url"]), (&json!("ups"), &Value::Null));
    let second = json!({"carrier": "Own van", "tracking_url": "https://van.test/?a=1&b=2"});
    world.post("/v1/shipments", parcel(1, second)).await.is(201);
    world.post("/v1/shipments", parcel(2, json!({}))).await.is(201);

    let ups = "https://www.ups.com/track?tracknum=1Z9%3Cb%3E";
    let token = text(&placed["status_url"]).rsplit('/').next().unwrap().to_owned();
    let own = world.send(Call::get(&format!("{path}?token={token}")).key(CHECKOUT)).await.is(200);
    let sent = own["shipments"].as_array().unwrap();
    let line = |units: i64| json!([{"line": line_of(&placed, 0), "sku": "MUG", "quantity": units}]);
    assert_eq!(
        sent.iter().map(|parcel| parcel["lines"].clone()).collect::<Vec<_>>(),
        [line(2), line(1), line(2)]
    );
    assert_eq!(
        (&sent[0]["shipped_at"], &sent[0]["carrier"], &sent[0]["tracking"], &sent[0]["tracking_url"]),
        (&json!("2026-11-23T13:00:00Z"), &json!("ups"), &json!("1Z9<b>"), &json!(ups))
    );
    assert_eq!(sent[1]["tracking_url"], "https://van.test/?a=1&b=2");
    assert_eq!((&sent[2]["carrier"], &sent[2]["tracking_url"]), (&Value::Null, &Value::Null));
    assert_eq!(world.get(&path).await.is(200)["shipments"], own["shipments"], "staff sees the same");

    let page = world.page(text(&placed["status_url"]).trim_start_matches("http://shop.test")).await;
    for says in ["Parcel 1 of 3", "Parcel 3 of 3", "with ups", "2 × Mug", "1Z9&#60;b&#62;"] {
        page.says(says);
    }
    page.says(&format!("href=\"{ups}\" rel=\"noopener noreferrer\""));
    page.says("href=\"https://van.test/?a=1&#38;b=2\"");
    world.verify();
}

#[tokio::test]
async fn what_is_released_is_not_cancelled() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let placed = world.send(Call::post("/v1/orders", &order("MUG", 3)).key(CHECKOUT)).await.is(201);
    let released = release(&world, json!({"location": "east"})).await;
    let token = text(&placed["status_url"]).rsplit('/').next().unwrap().to_owned();
    let cancel = format!("/v1/orders/{}/cancel?token={token}", text(&placed["id"]));
    for key in [CHECKOUT, crate::world::STAFF] {
        let refused = world.send(Call::post(&cancel, &json!({})).key(key)).await.fails(409, "released");
        assert_eq!((&refused["line"], &refused["available"]), (&json!(1), &json!(0)));
    }
    let back = json!({"lines": [{"id": line_of(&placed, 0)}], "reason": "she called"});
    let path = format!("/v1/releases/{}/returns", text(&released["id"]));
    let returned = world.post(&path, back.clone()).await.is(201);
    assert_eq!(
        (&returned["lines"][0]["quantity"], &returned["lines"][0]["state"]),
        (&json!(3), &json!("allocated"))
    );
    world.post(&path, back).await.fails(409, "not_released");
    assert_eq!(world.post(&cancel, json!({})).await.is(200)["state"], "cancelled");
}

#[tokio::test]
async fn a_short_pick_waits_for_other_goods() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 5).await;
    let placed = world.order("MUG", 5).await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let released = release(&world, json!({"location": "east"})).await;
    let back = json!({"lines": [{"id": line_of(&placed, 0), "quantity": 2, "missing": [{"sku": "MUG", "quantity": 2}]}]});
    let path = format!("/v1/releases/{}/returns", text(&released["id"]));
    let returned = world.post(&path, back).await.is(201);
    assert_eq!(returned["lines"][0]["state"], "partly_allocated");
    assert_eq!(returned["lines"][0]["ship_by"]["promised"], "2026-12-07");
    let parts = line_now(&world, &placed).await["parts"].clone();
    assert_eq!((&parts[1]["quantity"], &parts[1]["supply"]), (&json!(2), &json!(supply)));
    // The stock is two less, so there is nothing for anybody else.
    let seen = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!(seen["available_now"], 0);
    let promises = world.get(&format!("/v1/orders/{}/promises", text(&placed["id"]))).await.is(200);
    assert_eq!(promises["items"][1]["cause"]["kind"], "release_returned");
}

#[tokio::test]
async fn the_same_release_sent_again_hands_over_nothing_more() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 9).await;
    for _ in 0..3 {
        world.order("MUG", 1).await;
    }
    let call = Call::post("/v1/releases", &json!({"location": "east", "limit": 2}));
    let first = world.send(call.clone()).await;
    let again = world.send(call).await;
    assert!(!first.is_replayed() && again.is_replayed());
    assert_eq!((first.is(201), first.json()["more"].clone()), (again.is(201), json!(true)));
    let rest = release(&world, json!({"location": "east", "limit": 2})).await;
    assert_eq!((lines(&rest).len(), &rest["more"]), (1, &json!(false)));
}

#[tokio::test]
async fn a_dry_run_shows_what_a_release_does_and_does_nothing() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 9).await;
    world.order("MUG", 2).await;
    let dry = json!({"location": "east", "dry_run": true});
    let shown = world.post("/v1/releases", dry).await.is(200);
    assert_eq!(shown["id"], json!(null));
    let released = release(&world, json!({"location": "east", "dry_run": false})).await;
    assert_eq!(shown["lines"], released["lines"]);
}

#[tokio::test]
async fn a_wave_is_a_chosen_group_of_orders() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/CUP", json!({"tags": ["fragile"]})).await.is(201);
    world.stock("MUG", 20).await;
    world.stock("CUP", 20).await;
    let mut placed = Vec::new();
    for (n, (country, group)) in [("US", "vip"), ("DE", "vip"), ("US", "all")].into_iter().enumerate() {
        let body = json!({"reference": format!("R{n}"), "customer": {"country": country, "group": group},
            "lines": [{"sku": "MUG", "quantity": 1}, {"sku": "CUP", "quantity": 1}]});
        placed.push(world.post("/v1/orders", body).await.is(201));
    }
    let line = |order: usize, nth: usize| (line_of(&placed[order], nth), 1);
    for (wave, expect) in [
        (json!({"country": "us"}), vec![line(0, 0), line(0, 1), line(2, 0), line(2, 1)]),
        (json!({"customer_group": "vip"}), vec![line(0, 0), line(0, 1), line(1, 0), line(1, 1)]),
        (json!({"customer_group": "vip", "country": "DE"}), vec![line(1, 0), line(1, 1)]),
        (json!({"skus": ["CUP"]}), vec![line(0, 1), line(1, 1), line(2, 1)]),
        (json!({"tags": ["fragile", "heavy"]}), vec![line(0, 1), line(1, 1), line(2, 1)]),
        (json!({"tags": ["fragile"], "skus": ["MUG"]}), vec![]),
        (json!({"references": ["R2", "R1", "none"]}), vec![line(1, 0), line(1, 1), line(2, 0), line(2, 1)]),
        (json!({"references": ["R2"], "skus": ["MUG"]}), vec![line(2, 0)]),
        (json!({"country": "FR"}), vec![]),
    ] {
        let mut body = json!({"location": "east", "dry_run": true});
        body.as_object_mut().unwrap().extend(wave.as_object().unwrap().clone());
        let shown = world.post("/v1/releases", body).await.is(200);
        assert_eq!(lines(&shown), expect, "{wave}");
    }
}

#[tokio::test]
async fn an_order_that_ships_complete_goes_whole_even_beyond_the_limit() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/CUP", json!({})).await.is(201);
    world.stock("MUG", 20).await;
    let mut whole = order("MUG", 1);
    whole["ship"] = json!("complete");
    whole["lines"] = json!([{"sku": "MUG", "quantity": 1}, {"sku": "MUG", "quantity": 2}]);
    let first = world.post("/v1/orders", whole).await.is(201);
    let second = world.order("MUG", 1).await;
    let released = release(&world, json!({"location": "east", "limit": 1})).await;
    assert_eq!(lines(&released), [(line_of(&first, 0), 1), (line_of(&first, 1), 2)]);
    let released = release(&world, json!({"location": "east", "limit": 1})).await;
    assert_eq!(lines(&released), [(line_of(&second, 0), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_releases_at_once_hand_each_unit_over_once() {
    let world = Arc::new(world());
    world.with_mug().await;
    world.stock("MUG", 40).await;
    for _ in 0..40 {
        world.order("MUG", 1).await;
    }
    let pickers: Vec<_> = (0..8)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let released = release(&world, json!({"location": "east", "limit": 3})).await;
                    mine.extend(lines(&released));
                    if released["more"] == json!(false) {
                        return mine;
                    }
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for picker in pickers {
        all.extend(picker.await.unwrap());
    }
    let once: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!((all.len(), once.len()), (40, 40));
}

#[tokio::test]
async fn a_return_names_its_line_and_no_more_comes_back_than_was_sent() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let placed = world.order("MUG", 3).await;
    let back = |units: i64, reason: &str| json!({"sku": "MUG", "location": "east", "delta": units, "reason": reason, "line": line_of(&placed, 0)});
    world.post("/v1/adjustments", back(1, "return_to_stock")).await.fails(409, "not_shipped");
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.is(201);
    world.post("/v1/shipments", json!({"order": placed["id"]})).await.fails(409, "already_shipped");
    let problem = world.post("/v1/adjustments", back(1, "count")).await.fails(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/line");
    let adjusted = world.post("/v1/adjustments", back(2, "return_to_stock")).await.is(201);
    assert_eq!((&adjusted["on_hand"], &adjusted["free"]), (&json!(2), &json!(2)));
    let refused = world.post("/v1/adjustments", back(2, "return_to_stock")).await.fails(409, "not_shipped");
    assert_eq!(refused["available"], 1);
    assert_eq!(kinds(&world, &placed).await.last().unwrap(), "stock_adjusted");
}

#[tokio::test]
async fn wrong_releases_returns_and_shipments_are_named_and_do_nothing() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 3).await;
    let placed = world.order("MUG", 3).await;
    let (id, line) = (text(&placed["id"]), line_of(&placed, 0));
    let none = "rel_01920000000070008000000000000002";
    let returns = format!("/v1/releases/{none}/returns");
    for (path, body, fields) in [
        ("/v1/releases", json!({}), &["/location required"][..]),
        ("/v1/releases", json!({"location": "north"}), &["/location unknown_location"]),
        ("/v1/releases", json!({"location": "east", "limit": 0}), &["/limit out_of_range"]),
        ("/v1/releases", json!({"location": "east", "limit": 501}), &["/limit out_of_range"]),
        ("/v1/releases", json!({"location": "east", "carrier_cutoff": "4 pm"}), &["/carrier_cutoff instant"]),
        (
            "/v1/releases",
            json!({"location": "east", "carrier_cutoff": "2026-11-23T13:59:59Z"}),
            &["/carrier_cutoff over"],
        ),
        ("/v1/releases", json!({"location": "east", "skus": []}), &["/skus empty"]),
        ("/v1/releases", json!({"location": "east", "tags": [" "]}), &["/tags/0 empty"]),
        ("/v1/releases", json!({"location": "east", "references": ["a\nb"]}), &["/references/0 character"]),
        ("/v1/releases", json!({"location": "east", "country": "USA"}), &["/country country"]),
        ("/v1/releases", json!({"location": "east", "colour": "red"}), &["/colour unknown_field"]),
        (&returns, json!({"lines": []}), &["/lines empty"]),
        (&returns, json!({"lines": [{"id": "7"}]}), &["/lines/0/id form"]),
        (&returns, json!({"lines": [{"id": format!("{id}-9")}]}), &["/lines/0/id unknown_line"]),
        (&returns, json!({"lines": [{"id": line, "quantity": 0}]}), &["/lines/0/quantity out_of_range"]),
        (
            &returns,
            json!({"lines": [{"id": line, "missing": [{"sku": "CUP", "quantity": 1}]}]}),
            &["/lines/0/missing/0/sku not_of_line"],
        ),
        ("/v1/shipments", json!({"order": "7"}), &["/order form"]),
        ("/v1/shipments", json!({"order": id, "lines": []}), &["/lines empty"]),
        (
            "/v1/shipments",
            json!({"order": id, "lines": [{"id": format!("{id}-9")}]}),
            &["/lines/0/id unknown_line"],
        ),
        ("/v1/shipments", json!({"order": id, "shipped_at": "today"}), &["/shipped_at instant"]),
        (
            "/v1/shipments",
            json!({"order": id, "shipped_at": "2026-11-25T14:00:00Z"}),
            &["/shipped_at out_of_range"],
        ),
    ] {
        let problem = world.post(path, body.clone()).await.fails(422, "invalid");
        let errors = problem["errors"].as_array().unwrap().iter();
        let named: Vec<String> =
            errors.map(|error| format!("{} {}", text(&error["pointer"]), text(&error["code"]))).collect();
        assert_eq!(named, fields, "{path} {body}");
    }
    let gone = json!({"order": "ord_01920000000070008000000000000002"});
    world.post("/v1/shipments", gone).await.fails(404, "not_found");
    world.post("/v1/releases/x/returns", json!({"lines": [{"id": line}]})).await.fails(404, "not_found");
    world.post(&returns, json!({"lines": [{"id": line}]})).await.fails(409, "not_released");
    world
        .post("/v1/shipments", json!({"order": id, "lines": [{"id": line, "quantity": 4}]}))
        .await
        .fails(409, "not_allocated");
    assert_eq!(kinds(&world, &placed).await, ["order_placed", "promise_given"]);
}
