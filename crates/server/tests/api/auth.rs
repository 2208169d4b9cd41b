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
            ("GET", "/v1/terms"),
            ("POST", "/v1/holds"),
            ("GET", "/v1/holds/id"),
            ("DELETE", "/v1/holds/id"),
            ("POST", "/v1/orders"),
            ("GET", "/v1/orders/id"),
            ("POST", "/v1/orders/id/cancel"),
            ("POST", "/v1/waitlist"),
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
            && [
                "/v1/orders",
                "/v1/backorders",
                "/v1/availability",
                "/v1/terms",
                "/v1/lines",
                "/v1/shortfalls",
                "/v1/prepayments",
            ]
            .iter()
            .any(|start| path.starts_with(start))
            && !path.ends_with("/messages")
            && !path.ends_with("/evidence");
        if reads {
            assert!(![401, 403].contains(&reply.status.as_u16()), "{method} {path}");
        } else {
            reply.fails(403, "scope_missing");
        }
        let badge = world.send(Call::new(&method, &path).key("pk_acme_badge")).await;
        let open = ["/v1/availability", "/v1/terms"].contains(&path.as_str());
        assert_eq!(badge.status.as_u16() == 403, !open, "{method} {path}");
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
    let (proven, cancel) = (with_token(&order_at, &own), with_token(&format!("{order_at}/cancel"), &own));

    let read = world.send(Call::get(&proven).key(CHECKOUT)).await.is(200);
    assert!(read.get("customer").is_none(), "a page is not told who ordered");
    assert_eq!(world.get(&order_at).await.is(200)["customer"]["email"], "ada@example.com");
    world.send(Call::get(&hold_at).key(CHECKOUT)).await.is(200);
    world.get(&hold_at).await.is(200);

    let staffs_at = address(&staffs, "orders");
    for foreign in [
        Call::get(&proven).key(OTHER_CHECKOUT),
        Call::new("POST", &cancel).key(OTHER_CHECKOUT),
        Call::get(&hold_at).key(OTHER_CHECKOUT),
        Call::new("DELETE", &hold_at).key(OTHER_CHECKOUT),
        Call::get(&with_token(&staffs_at, &staffs)).key(CHECKOUT),
        Call::new("POST", &with_token(&format!("{staffs_at}/cancel"), &staffs)).key(CHECKOUT),
    ] {
        world.send(foreign).await.fails(404, "not_found");
    }
    let mut with_hold = order("MUG", 1);
    with_hold["hold"] = held["id"].clone();
    world.send(Call::post("/v1/orders", &with_hold).key(OTHER_CHECKOUT)).await.fails(409, "hold_expired");
    world.send(Call::post("/v1/orders", &with_hold).key(CHECKOUT)).await.is(201);
    assert_eq!(world.send(Call::new("POST", &cancel).key(CHECKOUT)).await.is(200)["state"], "cancelled");
}

/// An address with the token of an order's status page.
fn with_token(address: &str, order: &serde_json::Value) -> String {
    format!("{address}?token={}", order["status_url"].as_str().unwrap().rsplit('/').next().unwrap())
}

#[tokio::test]
async fn a_publishable_key_needs_an_orders_token_to_read_or_cancel_it() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 9).await;
    let place = || Call::post("/v1/orders", &order("MUG", 1)).key(CHECKOUT);
    let (own, others) = (world.send(place()).await.is(201), world.send(place()).await.is(201));
    let at = format!("/v1/orders/{}", own["id"].as_str().unwrap());
    let cancel_at = format!("{at}/cancel");
    let unknown = Call::get(&with_token("/v1/orders/ord_01920000000070008000000000000002", &own));
    let unknown = world.send(unknown.key(CHECKOUT)).await.fails(404, "not_found");

    let own_token = with_token("", &own);
    let cut = &own_token[..own_token.len() - 1];
    for wrong in ["", "?token=", "?token=x", cut, &with_token("", &others)] {
        let read = world.send(Call::get(&format!("{at}{wrong}")).key(CHECKOUT)).await;
        let detail = |problem: &serde_json::Value| {
            problem["detail"].as_str().unwrap().split("ord_").next().map(str::to_owned)
        };
        assert_eq!(detail(&read.fails(404, "not_found")), detail(&unknown), "as an order that is not there");
        let cancel = Call::new("POST", &format!("{cancel_at}{wrong}")).key(CHECKOUT);
        world.send(cancel).await.fails(404, "not_found");
    }
    // A link works for 400 days, and so does its token.
    let proven = with_token(&at, &own);
    world.send(Call::get(&proven).key(CHECKOUT).at("2027-12-28T23:59:59Z")).await.is(200);
    world.send(Call::get(&proven).key(CHECKOUT).at("2027-12-29T00:00:00Z")).await.fails(404, "not_found");
    world.send(Call::get(&format!("{at}?tokn=x")).key(CHECKOUT)).await.fails(422, "invalid");
    // Staff need none, and what they send does not matter.
    world.get(&at).await.is(200);
    world.get(&format!("{at}?token=x")).await.is(200);
    world.send(Call::new("POST", &with_token(&cancel_at, &own)).key(CHECKOUT)).await.is(200);
    world
        .send(Call::new("POST", &format!("/v1/orders/{}/cancel", others["id"].as_str().unwrap())))
        .await
        .is(200);
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
