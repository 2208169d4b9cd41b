//! Who may do what.

use serde_json::json;

use crate::{
    described::calls,
    world::{CHECKOUT, Call, NOW, OTHER_CHECKOUT, STAFF, World, new_key, order, stored_key, world},
};

fn secured() -> impl Iterator<Item = (String, String)> {
    let secured = calls().filter(|(.., operation)| operation["security"].is_array());
    secured.map(|(method, path, _)| (method.to_uppercase(), path.replace(['{', '}'], "")))
}

#[tokio::test]
async fn every_call_needs_a_key_before_it_reads_anything() {
    let world = world();
    let mut count = 0;
    for (method, path) in secured() {
        // A body and parameters that are wrong in every way: none of it may be looked at.
        let call = Call::new(&method, &format!("{path}?nonsense=1")).text("{");
        let missing = world.send(call.clone().key("")).await;
        missing.fails(401, "key_missing");
        assert_eq!(missing.header("www-authenticate"), "Bearer");
        for key in [
            "sk_acme_unknown",
            "sk_acme_revoked",
            "sk_nobody_staff",
            "pk_acme_staff",
            "nonsense",
            "sk__",
            "sk_rival_staff_",
        ] {
            world.send(call.clone().key(key)).await.fails(401, "key_invalid");
        }
        world.send(call.with("authorization", "Basic c2s6c2s=")).await.fails(401, "key_invalid");
        count += 1;
    }
    assert!(count > 25, "{count}");
}

#[tokio::test]
async fn a_publishable_key_may_do_what_a_shops_page_needs() {
    let world = world();
    for (method, path) in secured() {
        let open = [
            ("GET", "/v1/availability"),
            ("POST", "/v1/holds"),
            ("GET", "/v1/holds/id"),
            ("DELETE", "/v1/holds/id"),
            ("POST", "/v1/orders"),
            ("GET", "/v1/orders/id"),
            ("POST", "/v1/orders/id/cancel"),
        ];
        let reply = world.send(Call::new(&method, &path).key(CHECKOUT)).await;
        if open.contains(&(&*method, &*path)) {
            assert!(![401, 403].contains(&reply.status.as_u16()), "{method} {path}");
        } else {
            reply.fails(403, "publishable_key");
        }
    }
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say() {
    let world = world();
    for (method, path) in secured() {
        let reply = world.send(Call::new(&method, &path).key("sk_acme_reader")).await;
        let reads = method == "GET"
            && ["/v1/orders", "/v1/backorders", "/v1/availability"]
                .iter()
                .any(|start| path.starts_with(start));
        if reads {
            assert!(![401, 403].contains(&reply.status.as_u16()), "{method} {path}");
        } else {
            reply.fails(403, "scope_missing");
        }
        let badge = world.send(Call::new(&method, &path).key("pk_acme_badge")).await;
        assert_eq!(badge.status.as_u16() == 403, path != "/v1/availability", "{method} {path}");
    }
}

#[tokio::test]
async fn a_publishable_key_sees_what_it_placed_and_nothing_else() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 9).await;
    let own = world.send(Call::post("/v1/orders", &order("MUG", 1)).key(CHECKOUT)).await.is(201);
    let staffs = world.order("MUG", 1).await;
    let hold = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let held = world.send(Call::post("/v1/holds", &hold).key(CHECKOUT)).await.is(201);
    let address =
        |thing: &serde_json::Value, kind: &str| format!("/v1/{kind}/{}", thing["id"].as_str().unwrap());
    let (order_at, hold_at) = (address(&own, "orders"), address(&held, "holds"));

    let read = world.send(Call::get(&order_at).key(CHECKOUT)).await.is(200);
    assert!(read.get("customer").is_none(), "a page is not told who ordered");
    assert_eq!(world.get(&order_at).await.is(200)["customer"]["email"], "ada@example.com");
    world.send(Call::get(&hold_at).key(CHECKOUT)).await.is(200);
    world.get(&hold_at).await.is(200);

    let cancel = format!("{order_at}/cancel");
    for foreign in [
        Call::get(&order_at).key(OTHER_CHECKOUT),
        Call::new("POST", &cancel).key(OTHER_CHECKOUT),
        Call::get(&hold_at).key(OTHER_CHECKOUT),
        Call::new("DELETE", &hold_at).key(OTHER_CHECKOUT),
        Call::get(&address(&staffs, "orders")).key(CHECKOUT),
        Call::new("POST", &format!("{}/cancel", address(&staffs, "orders"))).key(CHECKOUT),
    ] {
        world.send(foreign).await.fails(404, "not_found");
    }
    let mut with_hold = order("MUG", 1);
    with_hold["hold"] = held["id"].clone();
    world.send(Call::post("/v1/orders", &with_hold).key(OTHER_CHECKOUT)).await.fails(409, "hold_expired");
    world.send(Call::post("/v1/orders", &with_hold).key(CHECKOUT)).await.is(201);
    assert_eq!(world.send(Call::new("POST", &cancel).key(CHECKOUT)).await.is(200)["state"], "cancelled");
}

#[tokio::test]
async fn publishable_keys_do_not_share_idempotency_keys() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 9).await;
    let call = Call::post("/v1/orders", &order("MUG", 1)).with("idempotency-key", &new_key());
    let mut ids = std::collections::BTreeSet::new();
    for key in [STAFF, CHECKOUT, OTHER_CHECKOUT] {
        let reply = world.send(call.clone().key(key)).await;
        assert!(!reply.is_replayed());
        ids.insert(reply.is(201)["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_taken_back_stops_working_within_a_second() {
    use ledger::Store;
    let world = world();
    let key = "sk_acme_shortlived";
    let store = |revoked| {
        let mut writer = world.store.writer().unwrap();
        writer.create_key(&stored_key(key, &["*"], revoked)).unwrap();
        writer.commit().unwrap();
    };
    store(None);
    world.send(Call::get("/v1/locations").key(key)).await.is(200);
    store(Some(NOW.parse().unwrap()));
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    world.send(Call::get("/v1/locations").key(key)).await.fails(401, "key_invalid");
}

#[tokio::test]
async fn the_clock_is_set_by_requests_only_on_a_server_started_so() {
    let world = World::start(false);
    for path in ["/v1/locations", "/v1/supplies", "/v1/availability?sku=MUG"] {
        world.send(Call::get(path).at("2026-12-01T09:00:00Z")).await.fails(400, "test_clock_off");
    }
    world.send(Call::new("POST", "/v1/test/run-due")).await.fails(404, "test_clock_off");
}
