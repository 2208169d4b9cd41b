//! Input that makes no sense: each case with its status, its code and the field it names; none leaves a trace.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

/// Sends a body and holds the answer against status, code and the `pointer code` of each field error.
async fn check(
    world: &World,
    method: &str,
    path: &str,
    body: &str,
    status: u16,
    code: &str,
    fields: &[&str],
) {
    let call = Call::new(method, path).with("idempotency-key", &crate::world::new_key()).text(body);
    check_call(world, call, status, code, fields).await;
}

async fn check_call(world: &World, call: Call, status: u16, code: &str, fields: &[&str]) {
    let shown: String = format!("{} {} {}", call.method, call.path, String::from_utf8_lossy(&call.body))
        .chars()
        .take(200)
        .collect();
    let reply = world.send(call).await;
    let problem = reply.json();
    assert_eq!(
        (reply.status.as_u16(), problem["code"].as_str()),
        (status, Some(code)),
        "{shown}\n{problem:#}"
    );
    assert_eq!(reply.header("content-type"), "application/problem+json", "{shown}");
    for field in ["type", "title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{shown}: {field}");
    }
    assert_eq!(problem["status"], status, "{shown}");
    let named: Vec<String> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(named, fields, "{shown}\n{problem:#}");
    assert!(problem.to_string().len() < 100_000, "an answer as long as its question: {shown}");
}

/// Wrong orders: the change to a right one, and the field errors.
fn wrong_orders() -> Vec<(Value, &'static [&'static str])> {
    let long = "x".repeat(1_000_000);
    let line = |change: Value| json!({"lines": [merged(json!({"sku": "MUG", "quantity": 1}), change)]});
    let customer = |change: Value| json!({"customer": change});
    vec![
        (json!({"lines": null}), &["/lines type"]),
        (json!({"lines": {}}), &["/lines type"]),
        (json!({"lines": []}), &["/lines empty"]),
        (json!({"lines": [7]}), &["/lines/0 type"]),
        (json!({"lines": [["MUG", 1, null]]}), &["/lines/0 type"]),
        (json!({"lines": [{}]}), &["/lines/0/sku required"]),
        (json!({"lines": [{"sku": "MUG"}]}), &["/lines/0/quantity required"]),
        (json!({"lines": vec![json!({"sku": "MUG", "quantity": 1}); 501]}), &["/lines too_many"]),
        (json!({"lnes": []}), &["/lnes unknown_field"]),
        (json!({"a/b~c": 1}), &["/a~1b~0c unknown_field"]),
        (line(json!({"quantity": 0})), &["/lines/0/quantity out_of_range"]),
        (line(json!({"quantity": -1})), &["/lines/0/quantity out_of_range"]),
        (line(json!({"quantity": 1_000_001})), &["/lines/0/quantity out_of_range"]),
        (line(json!({"quantity": i64::MIN})), &["/lines/0/quantity out_of_range"]),
        (line(json!({"quantity": u64::MAX})), &["/lines/0/quantity out_of_range"]),
        (line(json!({"quantity": 1.5})), &["/lines/0/quantity type"]),
        (line(json!({"quantity": 1.0})), &["/lines/0/quantity type"]),
        (line(json!({"quantity": "1"})), &["/lines/0/quantity type"]),
        (line(json!({"quantity": true})), &["/lines/0/quantity type"]),
        (line(json!({"quantity": null})), &["/lines/0/quantity type"]),
        (line(json!({"quantity": [1]})), &["/lines/0/quantity type"]),
        (line(json!({"sku": ""})), &["/lines/0/sku empty"]),
        (line(json!({"sku": " \t "})), &["/lines/0/sku empty"]),
        (line(json!({"sku": "A\u{0}B"})), &["/lines/0/sku character"]),
        (line(json!({"sku": "x".repeat(129)})), &["/lines/0/sku too_long"]),
        (line(json!({"sku": long})), &["/lines/0/sku too_long"]),
        (line(json!({"sku": 7})), &["/lines/0/sku type"]),
        (line(json!({"sku": "NEVER"})), &["/lines/0/sku unknown_sku"]),
        (line(json!({"price": 1})), &["/lines/0/price unknown_field"]),
        (line(json!({"unit_price": 15})), &["/lines/0/unit_price type"]),
        (line(json!({"unit_price": {"amount": 15}})), &["/lines/0/unit_price/currency required"]),
        (
            line(json!({"unit_price": {"amount": 15, "currency": "usd"}})),
            &["/lines/0/unit_price/currency currency"],
        ),
        (
            line(json!({"unit_price": {"amount": 15, "currency": "XYZ"}})),
            &["/lines/0/unit_price/currency currency"],
        ),
        (
            line(json!({"unit_price": {"amount": -1, "currency": "USD"}})),
            &["/lines/0/unit_price/amount out_of_range"],
        ),
        (
            line(json!({"unit_price": {"amount": 15.99, "currency": "USD"}})),
            &["/lines/0/unit_price/amount type"],
        ),
        (
            line(json!({"unit_price": {"amount": i64::MAX, "currency": "USD"}})),
            &["/lines/0/unit_price/amount out_of_range"],
        ),
        (json!({"reference": "a\nb"}), &["/reference character"]),
        (json!({"reference": "x".repeat(255)}), &["/reference too_long"]),
        (json!({"reference": long}), &["/reference too_long"]),
        (json!({"reference": 17}), &["/reference type"]),
        (json!({"channel": "\u{7f}"}), &["/channel character"]),
        (json!({"channel": ""}), &["/channel empty"]),
        (json!({"hold": "hold-1"}), &["/hold form"]),
        (json!({"hold": "hld_zz"}), &["/hold form"]),
        (json!({"ship": "at_once"}), &["/ship unknown_value"]),
        (json!({"accept": "some"}), &["/accept unknown_value"]),
        (json!({"accept": true}), &["/accept type"]),
        (json!({"not_later_than": "2026-02-30"}), &["/not_later_than date"]),
        (json!({"not_later_than": "2200-01-01"}), &["/not_later_than out_of_range"]),
        (json!({"not_later_than": "0000-01-01"}), &["/not_later_than out_of_range"]),
        (json!({"requested_date": "2026-12-01T00:00:00Z"}), &["/requested_date date"]),
        (json!({"requested_date": "1 December"}), &["/requested_date date"]),
        (json!({"requested_date": 20_261_201}), &["/requested_date type"]),
        (customer(json!([null, null, null, null, null, null])), &["/customer type"]),
        (customer(json!("ada")), &["/customer type"]),
        (customer(json!({"email": "ada"})), &["/customer/email email"]),
        (customer(json!({"email": "ada@"})), &["/customer/email email"]),
        (customer(json!({"email": "a@b@c"})), &["/customer/email email"]),
        (customer(json!({"email": "ada @example.com"})), &["/customer/email email"]),
        (customer(json!({"email": format!("{long}@example.com")})), &["/customer/email email"]),
        (customer(json!({"country": "USA"})), &["/customer/country country"]),
        (customer(json!({"country": "ü"})), &["/customer/country country"]),
        (customer(json!({"country": "*"})), &["/customer/country country"]),
        (customer(json!({"name": "Ada\u{1b}[2J"})), &["/customer/name character"]),
        (customer(json!({"postcode": "1".repeat(33)})), &["/customer/postcode too_long"]),
        (customer(json!({"locale": "de_AT"})), &["/customer/locale locale"]),
        (customer(json!({"phone": "1"})), &["/customer/phone unknown_field"]),
        (json!({"idempotency_key": "a"}), &["/idempotency_key unknown_field"]),
        // Everything that is wrong is named at once.
        (
            json!({"not_later_than": "soon", "customer": {"email": "x", "country": "x"},
                "lines": [{"sku": "", "quantity": 0}, {"sku": "MUG", "quantity": -5}]}),
            &[
                "/lines/0/sku empty",
                "/lines/0/quantity out_of_range",
                "/lines/1/quantity out_of_range",
                "/customer/email email",
                "/not_later_than date",
                "/customer/country country",
            ],
        ),
    ]
}

fn merged(mut base: Value, change: Value) -> Value {
    let Value::Object(change) = change else { panic!("{change} is no change") };
    base.as_object_mut().unwrap().extend(change);
    base
}

async fn last_event(world: &World) -> Value {
    let events = world.get("/v1/events?limit=500").await.is(200);
    events["items"].as_array().unwrap().last().unwrap()["seq"].clone()
}

#[tokio::test]
async fn wrong_orders_are_refused_field_by_field_and_leave_no_trace() {
    let world = world();
    world.with_mug().await;
    world.stock("MUG", 10).await;
    let before = last_event(&world).await;
    for (change, fields) in wrong_orders() {
        let body = merged(order("MUG", 1), change).to_string();
        check(&world, "POST", "/v1/orders", &body, 422, "invalid", fields).await;
    }
    assert_eq!(last_event(&world).await, before);
    // The same in a batch is a problem of that order alone.
    let good = merged(order("MUG", 1), json!({"idempotency_key": "good"}));
    for (change, fields) in
        wrong_orders().into_iter().filter(|(change, _)| change.get("idempotency_key").is_none())
    {
        let bad = merged(merged(order("MUG", 1), change), json!({"idempotency_key": "bad"}));
        let items =
            world.post("/v1/orders/batch", json!({"orders": [bad, good]})).await.is(200)["items"].clone();
        assert_eq!((&items[0]["status"], &items[1]["status"]), (&json!(422), &json!(201)), "{fields:?}");
        let named = &items[0]["problem"]["errors"][0];
        assert_eq!(
            format!("{} {}", named["pointer"].as_str().unwrap(), named["code"].as_str().unwrap()),
            fields[0]
        );
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let world = world();
    world.with_mug().await;
    let line = r#"{"sku": "MUG", "quantity": 1}"#;
    let deep = format!(r#"{{"lines": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (body, status, code, fields) in [
        ("", 400, "malformed_json", &[][..]),
        ("{", 400, "malformed_json", &[" syntax"]),
        ("nonsense", 400, "malformed_json", &[" syntax"]),
        (r#"{"lines": [,]}"#, 400, "malformed_json", &["/lines/0 syntax"]),
        (r#"{"reference": "\ud800"}"#, 400, "malformed_json", &["/reference syntax"]),
        ("{\"reference\": \"a\nb\"}", 400, "malformed_json", &["/reference syntax"]),
        (&format!(r#"{{"lines": [{line}]}} and more"#), 400, "malformed_json", &[]),
        (&format!(r#"{{"lines": [{line}]}}{{}}"#), 400, "malformed_json", &[]),
        (&deep, 422, "invalid", &["/lines/0 type"]),
        ("[]", 422, "invalid", &[" type"]),
        (
            r#"[null, null, null, null, null, null, null, null, null, [{"sku": "MUG", "quantity": 1}]]"#,
            422,
            "invalid",
            &[" type"],
        ),
        ("null", 422, "invalid", &[" type"]),
        ("7", 422, "invalid", &[" type"]),
        (r#"{"lines": [{"sku": "MUG", "quantity": 1e3}]}"#, 422, "invalid", &["/lines/0/quantity type"]),
        (
            r#"{"lines": [{"sku": "MUG", "quantity": 1e999}]}"#,
            422,
            "invalid",
            &["/lines/0/quantity out_of_range"],
        ),
        (
            r#"{"lines": [{"sku": "MUG", "quantity": 99999999999999999999}]}"#,
            422,
            "invalid",
            &["/lines/0/quantity type"],
        ),
        (
            r#"{"lines": [{"sku": "MUG", "quantity": 1, "quantity": 2}]}"#,
            422,
            "invalid",
            &["/lines/0/quantity duplicate_field"],
        ),
        (&format!(r#"{{"lines": [{line}], "lines": []}}"#), 422, "invalid", &["/lines duplicate_field"]),
    ] {
        check(&world, "POST", "/v1/orders", body, status, code, fields).await;
    }
    let invalid_utf8 =
        Call { body: b"{\"reference\": \"\xff\"}"[..].into(), ..Call::post("/v1/orders", &json!({})) };
    check_call(&world, invalid_utf8, 400, "malformed_json", &["/reference syntax"]).await;
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let call = Call::post("/v1/orders", &order("MUG", 1)).with("content-type", kind);
        check_call(&world, call, 415, "unsupported_media_type", &[]).await;
    }
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.shop+json",
    ] {
        let call = Call::post("/v1/orders", &json!({})).with("content-type", kind);
        check_call(&world, call, 422, "invalid", &["/lines required"]).await;
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let world = world();
    world.with_mug().await;
    let filled = |bytes: usize| format!(r#"{{"reference": "{}"}}"#, "x".repeat(bytes));
    check(&world, "POST", "/v1/orders", &filled(2_100_000), 413, "body_too_large", &[]).await;
    check(&world, "POST", "/v1/orders", &filled(2_000_000), 422, "invalid", &["/lines required"]).await;
    check(&world, "POST", "/v1/orders/batch", &filled(8_400_000), 413, "body_too_large", &[]).await;
    check(
        &world,
        "POST",
        "/v1/orders/batch",
        &filled(8_000_000),
        422,
        "invalid",
        &["/reference unknown_field"],
    )
    .await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let world = world();
    world.with_mug().await;
    let (east, mug, policy) = ("/v1/locations/east", "/v1/skus/MUG", "/v1/skus/MUG/policies/default");
    let text = "x".repeat(2_001);
    let tags: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (path, body, fields) in [
        (east, json!({"time_zone": "Mars/Olympus"}), &["/time_zone time_zone"][..]),
        (east, json!({"time_zone": ""}), &["/time_zone time_zone"]),
        (east, json!({"working_days": []}), &["/working_days empty"]),
        (east, json!({"working_days": ["mon", "mon"]}), &["/working_days duplicate"]),
        (east, json!({"working_days": ["mon", "Tuesday"]}), &["/working_days/1 unknown_value"]),
        (east, json!({"holidays": ["2026-12-25", "2026-02-29"]}), &["/holidays/1 date"]),
        (east, json!({"holidays": "2026-12-25"}), &["/holidays type"]),
        (east, json!({"cutoff": "24:00"}), &["/cutoff time"]),
        (east, json!({"cutoff": "2pm"}), &["/cutoff time"]),
        (east, json!({"handling_days": -1}), &["/handling_days out_of_range"]),
        (east, json!({"dock_to_stock_days": 1_826}), &["/dock_to_stock_days out_of_range"]),
        (east, json!({"name": "x".repeat(255)}), &["/name too_long"]),
        (east, json!({"location": "west"}), &["/location mismatch"]),
        (
            east,
            json!({"transit": [{"country": "usa", "days_min": 1, "days_max": 2}]}),
            &["/transit/0/country country"],
        ),
        (
            east,
            json!({"transit": [{"country": "US", "days_min": 3, "days_max": 2}]}),
            &["/transit/0/days_max out_of_range"],
        ),
        (east, json!({"transit": [{"country": "US", "days_max": 2}]}), &["/transit/0/days_min required"]),
        (
            east,
            json!({"transit": [{"country": "us", "days_min": 1, "days_max": 2}, {"country": "US", "service": "standard", "days_min": 2, "days_max": 3}]}),
            &["/transit/1 duplicate"],
        ),
        (mug, json!({"title": text}), &["/title too_long"]),
        (mug, json!({"price": {"amount": 1, "currency": "Euro"}}), &["/price/currency currency"]),
        (mug, json!({"components": [{"sku": "MUG", "quantity": 1}]}), &["/components/0/sku is_itself"]),
        (mug, json!({"components": [{"sku": "NEVER", "quantity": 1}]}), &["/components/0/sku unknown_sku"]),
        (mug, json!({"components": [{"sku": "X", "quantity": 0}]}), &["/components/0/quantity out_of_range"]),
        (mug, json!({"tags": ["a", "a"]}), &["/tags/1 duplicate"]),
        (mug, json!({"tags": ["a", " "]}), &["/tags/1 empty"]),
        (mug, json!({"tags": tags}), &["/tags too_many"]),
        (mug, json!({"sku": "CUP"}), &["/sku mismatch"]),
        (mug, json!({"discontinued": "no"}), &["/discontinued type"]),
        (policy, json!({"when_out": "sell"}), &["/when_out unknown_value"]),
        (policy, json!({"backorder_cap": -1}), &["/backorder_cap out_of_range"]),
        (policy, json!({"backorder_cap": "none"}), &["/backorder_cap type"]),
        (policy, json!({"backorder_cap": 1.5}), &["/backorder_cap type"]),
        (policy, json!({"backorder_cap": u64::MAX}), &["/backorder_cap out_of_range"]),
        (policy, json!({"customer_limit": 0}), &["/customer_limit out_of_range"]),
        (policy, json!({"horizon_days": 1_826}), &["/horizon_days out_of_range"]),
        (policy, json!({"buffer": -1}), &["/buffer out_of_range"]),
        (policy, json!({"lead_time_location": "nowhere"}), &["/lead_time_location unknown_location"]),
        (policy, json!({"release_date": "2026-13-01"}), &["/release_date date"]),
        (policy, json!({"customer_groups": [7]}), &["/customer_groups/0 type"]),
        (policy, json!({"payment": {"kind": "deposit"}}), &["/payment/deposit_percent required"]),
        (
            policy,
            json!({"payment": {"kind": "deposit", "deposit_percent": 101}}),
            &["/payment/deposit_percent out_of_range"],
        ),
        (policy, json!({"payment": {"kind": "later"}}), &["/payment/kind unknown_value"]),
        ("/v1/skus/MUG/policies/%00", json!({}), &["channel character"]),
        ("/v1/skus/%00", json!({}), &["sku character"]),
        ("/v1/skus/%20", json!({}), &["sku empty"]),
        (&format!("/v1/skus/{}", "x".repeat(129)), json!({}), &["sku too_long"]),
        ("/v1/skus/%ff", json!({}), &["path malformed"]),
        (&format!("/v1/locations/{}", "x".repeat(65)), json!({}), &["location too_long"]),
    ] {
        check(&world, "PUT", path, &body.to_string(), 422, "invalid", fields).await;
    }
}

#[tokio::test]
async fn supplies_and_stock_that_make_no_sense_are_refused() {
    let world = world();
    world.with_mug().await;
    let supply = world.supply("MUG", 10, "2026-12-01").await;
    let hold = |change| merged(json!({"lines": [{"sku": "MUG", "quantity": 1}]}), change).to_string();
    let add = |change| {
        let base = json!({"sku": "MUG", "location": "east", "kind": "purchase_order", "quantity": 1});
        merged(base, change).to_string()
    };
    let adjust = |change| {
        let base = json!({"sku": "MUG", "location": "east", "delta": 1, "reason": "count"});
        merged(base, change).to_string()
    };
    let one = format!("/v1/supplies/{supply}");
    let (receipts, cancel) = (format!("{one}/receipts"), format!("{one}/cancel"));
    let inspections = format!("{one}/inspections");
    for (method, path, body, fields) in [
        ("POST", "/v1/supplies", add(json!({"kind": "stock"})), &["/kind unknown_value"][..]),
        ("POST", "/v1/supplies", add(json!({"quantity": 0})), &["/quantity out_of_range"]),
        ("POST", "/v1/supplies", add(json!({"quantity": 1_000_000_001})), &["/quantity out_of_range"]),
        ("POST", "/v1/supplies", add(json!({"expected_on": "2026-02-30"})), &["/expected_on date"]),
        ("POST", "/v1/supplies", add(json!({"expected_on": "2200-01-01"})), &["/expected_on out_of_range"]),
        ("POST", "/v1/supplies", add(json!({"sku": "NEVER"})), &["/sku unknown_sku"]),
        ("POST", "/v1/supplies", add(json!({"location": "nowhere"})), &["/location unknown_location"]),
        (
            "POST",
            "/v1/supplies",
            add(json!({"promise_buffer_days": -1})),
            &["/promise_buffer_days out_of_range"],
        ),
        ("POST", &receipts, "[]".to_owned(), &[" type"]),
        ("POST", &cancel, "[]".to_owned(), &[" type"]),
        ("POST", &cancel, r#"{"why": 1}"#.to_owned(), &["/why unknown_field"]),
        ("POST", "/v1/test/run-due", "[]".to_owned(), &[" type"]),
        ("PATCH", &one, "{}".to_owned(), &[" empty"]),
        ("PATCH", &one, json!({"quantity": 0}).to_string(), &["/quantity out_of_range"]),
        ("PATCH", &one, json!({"expected_on": "later"}).to_string(), &["/expected_on date"]),
        ("PATCH", &one, json!({"sku": "MUG"}).to_string(), &["/sku unknown_field"]),
        ("POST", &receipts, json!({"damaged": 1}).to_string(), &["/accepted required"]),
        ("POST", &receipts, json!({"close": true}).to_string(), &["/accepted required"]),
        ("POST", &receipts, json!({"expected_on": "2027-01-01"}).to_string(), &["/accepted required"]),
        ("POST", &receipts, json!({"accepted": 0}).to_string(), &["/accepted out_of_range"]),
        ("POST", &receipts, json!({"accepted": -1}).to_string(), &["/accepted out_of_range"]),
        ("POST", &receipts, json!({"accepted": 1, "damaged": -1}).to_string(), &["/damaged out_of_range"]),
        ("POST", &receipts, json!({"accepted": i64::MAX}).to_string(), &["/accepted out_of_range"]),
        ("POST", &receipts, json!({"accepted": 101}).to_string(), &["/accepted out_of_range"]),
        ("POST", &receipts, json!({"accepted": 50, "damaged": 51}).to_string(), &["/accepted out_of_range"]),
        ("POST", &receipts, json!({"accepted": 0, "damaged": 101}).to_string(), &["/damaged out_of_range"]),
        ("POST", &receipts, json!({"accepted": 1.5}).to_string(), &["/accepted type"]),
        ("POST", &receipts, json!({"accepted": 1, "close": "yes"}).to_string(), &["/close type"]),
        (
            "POST",
            &receipts,
            json!({"accepted": 1, "close": true, "expected_on": "2027-01-01"}).to_string(),
            &["/expected_on not_due"],
        ),
        (
            "POST",
            &receipts,
            json!({"accepted": 1, "expected_on": "soon"}).to_string(),
            &["/expected_on date"],
        ),
        ("POST", &inspections, json!({}).to_string(), &["/good out_of_range"]),
        ("POST", &inspections, json!({"good": -1}).to_string(), &["/good out_of_range"]),
        (
            "POST",
            &inspections,
            json!({"good": 1, "written_off": -1}).to_string(),
            &["/written_off out_of_range"],
        ),
        ("POST", &inspections, json!({"good": "1"}).to_string(), &["/good type"]),
        ("POST", "/v1/adjustments", adjust(json!({"delta": 0})), &["/delta out_of_range"]),
        ("POST", "/v1/adjustments", adjust(json!({"delta": -1_000_000_001})), &["/delta out_of_range"]),
        ("POST", "/v1/adjustments", adjust(json!({"reason": "magic"})), &["/reason unknown_value"]),
        ("POST", "/v1/adjustments", adjust(json!({"note": "x".repeat(2_001)})), &["/note too_long"]),
        ("POST", "/v1/adjustments", adjust(json!({"sku": "NEVER"})), &["/sku unknown_sku"]),
        ("POST", "/v1/holds", hold(json!({"ttl_seconds": 0})), &["/ttl_seconds out_of_range"]),
        ("POST", "/v1/holds", hold(json!({"ttl_seconds": 604_801})), &["/ttl_seconds out_of_range"]),
        ("POST", "/v1/holds", hold(json!({"lines": []})), &["/lines empty"]),
        ("POST", "/v1/holds", hold(json!({"country": "USA"})), &["/country country"]),
        ("POST", "/v1/orders/batch", json!({"orders": []}).to_string(), &["/orders empty"]),
        (
            "POST",
            "/v1/orders/batch",
            json!({"orders": vec![json!({}); 501]}).to_string(),
            &["/orders too_many"],
        ),
        ("POST", "/v1/orders/batch", json!({"orders": 7}).to_string(), &["/orders type"]),
    ] {
        check(&world, method, path, &body, 422, "invalid", fields).await;
    }
}

#[tokio::test]
async fn parameters_and_headers_that_make_no_sense_are_refused() {
    let world = world();
    world.with_mug().await;
    for (path, fields) in [
        ("/v1/skus?limit=0", &["limit out_of_range"][..]),
        ("/v1/skus?limit=501", &["limit out_of_range"]),
        ("/v1/skus?limit=ten", &["limit out_of_range"]),
        ("/v1/skus?limit=1&limit=2", &["limit duplicate"]),
        ("/v1/skus?cursor=nonsense!", &["cursor cursor"]),
        ("/v1/orders?cursor=QUJD", &["cursor cursor"]),
        ("/v1/backorders?cursor=QQpC", &["cursor cursor"]),
        ("/v1/skus?page=2", &["page unknown_parameter"]),
        ("/v1/orders?Reference=7", &["Reference unknown_parameter"]),
        ("/v1/orders?email=ada", &["email email"]),
        ("/v1/supplies?closed=yes", &["closed unknown_value"]),
        ("/v1/supplies?sku=%00", &["sku character"]),
        ("/v1/backorders?supply=PO-1", &["supply form"]),
        ("/v1/backorders?state=late", &["state unknown_value"]),
        ("/v1/backorders?overdue=1", &["overdue unknown_value"]),
        ("/v1/events?after=-1", &["after out_of_range"]),
        ("/v1/events?after=1.5", &["after out_of_range"]),
        ("/v1/events?after=1&cursor=MQ", &["after contradiction"]),
        ("/v1/availability", &["sku required"]),
        ("/v1/availability?sku=", &["sku required"]),
        ("/v1/availability?sku=MUG&quantity=0", &["quantity out_of_range"]),
        ("/v1/availability?sku=MUG&quantity=1e3", &["quantity out_of_range"]),
        ("/v1/availability?sku=MUG&country=USA&colour=red", &["country country", "colour unknown_parameter"]),
        ("/v1/availability?sku=MUG&channel=%0a", &["channel empty"]),
    ] {
        check_call(&world, Call::get(path), 422, "invalid", fields).await;
    }
    for (path, what) in [
        ("/v1/orders/7", "order"),
        ("/v1/orders/ord_01920000000070008000000000000002", "order"),
        ("/v1/orders/sup_01920000000070008000000000000002", "order"),
        ("/v1/supplies/PO-1", "supply"),
        ("/v1/holds/x", "hold"),
        ("/v1/skus/NEVER", "sku"),
        ("/v1/skus/NEVER/policies/default", "sku"),
        ("/v1/skus/MUG/policies/web", "policy"),
        ("/v1/locations/nowhere", "location"),
        ("/v1/availability?sku=NEVER", "sku"),
    ] {
        let problem = world.get(path).await.fails(404, "not_found");
        assert!(problem["detail"].as_str().unwrap().contains(what), "{problem}");
    }
    for (header, value, status, code, fields) in [
        ("idempotency-key", "", 400, "idempotency_key_missing", &[][..]),
        ("idempotency-key", " ", 422, "invalid", &["Idempotency-Key form"]),
        ("idempotency-key", "a b", 422, "invalid", &["Idempotency-Key form"]),
        ("idempotency-key", "schlüssel", 422, "invalid", &["Idempotency-Key form"]),
        ("idempotency-key", &"x".repeat(256), 422, "invalid", &["Idempotency-Key form"]),
        ("shipwhen-now", "yesterday", 422, "invalid", &["Shipwhen-Now instant"]),
        ("shipwhen-now", "2200-01-01T00:00:00Z", 422, "invalid", &["Shipwhen-Now instant"]),
        ("shipwhen-now", "2026-12-01", 422, "invalid", &["Shipwhen-Now instant"]),
    ] {
        let call = Call::post("/v1/orders", &order("MUG", 1)).with(header, value);
        check_call(&world, call, status, code, fields).await;
    }
    let put = Call::new("PUT", "/v1/skus/MUG").json(&json!({})).with("if-match", "\"a\", \"b\"");
    check_call(&world, put, 422, "invalid", &["If-Match form"]).await;
}

#[tokio::test]
async fn addresses_and_methods_that_are_none_are_problems_too() {
    let world = world();
    world.get("/v2/orders").await.fails(404, "not_found");
    world.get("/v1/orders/").await.fails(404, "not_found");
    let wrong = world.send(Call::new("DELETE", "/v1/orders")).await;
    wrong.fails(405, "method_not_allowed");
    for method in ["GET", "POST"] {
        assert!(wrong.header("allow").contains(method), "{}", wrong.header("allow"));
    }
    let page = world.send(Call::get("/nowhere").with("accept", "text/html")).await;
    assert_eq!(page.status.as_u16(), 404);
    assert!(page.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn what_people_write_is_taken_as_it_is() {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/%F0%9F%A6%86%2Fduck", json!({"title": "Badeente 🦆"})).await.is(201);
    let duck = world.get("/v1/skus/%F0%9F%A6%86%2Fduck").await.is(200);
    assert_eq!((&duck["sku"], &duck["title"]), (&json!("🦆/duck"), &json!("Badeente 🦆")));
    world.stock("MUG", 5).await;
    let mut odd = order("MUG", 1);
    odd["reference"] = json!("№ 7 – 🎁");
    odd["customer"] =
        json!({"email": "", "name": "李 & Söhne", "country": "de", "postcode": " ", "locale": "zh-Hans-CN"});
    let placed = world.post("/v1/orders", odd).await.is(201);
    let read = world.get(&format!("/v1/orders/{}", placed["id"].as_str().unwrap())).await.is(200);
    assert_eq!(read["reference"], "№ 7 – 🎁");
    assert_eq!(read["customer"], json!({"name": "李 & Söhne", "country": "DE", "locale": "zh-Hans-CN"}));
    // A parameter that says nothing is none, as forms send it; how many to a page alone is not left blank.
    assert_eq!(
        world.get("/v1/orders?reference=&cursor=").await.is(200)["items"].as_array().unwrap().len(),
        1
    );
}
