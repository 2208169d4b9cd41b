//! The API's description of itself.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{
    meets::description,
    world::{Call, world},
};

/// Run with this in the environment to write the checked-in document anew.
const RENEW: &str = "SHIPWHEN_RENEW";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whether to renew the document is asked of whoever runs the test"
)]
fn the_checked_in_document_is_the_servers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let now = server::openapi();
    if std::env::var_os(RENEW).is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == now,
        "docs/openapi.json is not what the server says; look at the change, then: {RENEW}=1 cargo test -p server --test api described"
    );
}

#[tokio::test]
async fn the_server_sends_the_document() {
    let world = world();
    let reply = world.send(Call::get("/openapi.json").key("")).await;
    assert_eq!(&reply.is(200), description());
    assert!(description()["openapi"].as_str().unwrap().starts_with("3.1."));
}

/// Every call of the contract that is there today, one by one: a route that is lost is missed.
const CALLS: &[&str] = &[
    "delete /v1/holds/{id}",
    "delete /v1/waitlist",
    "delete /v1/waitlist/{token}",
    "get /healthz",
    "get /metrics",
    "get /openapi.json",
    "get /readyz",
    "get /v1/advice",
    "get /v1/arrivals",
    "get /v1/availability",
    "get /v1/backorders",
    "get /v1/cash",
    "get /v1/events",
    "get /v1/holds/{id}",
    "get /v1/insights",
    "get /v1/insights/demand",
    "get /v1/insights/risk/lines",
    "get /v1/insights/risk/skus",
    "get /v1/lines/{line}/allocation",
    "get /v1/locations",
    "get /v1/locations/{location}",
    "get /v1/notices",
    "get /v1/notices/{id}",
    "get /v1/obligations",
    "get /v1/orders",
    "get /v1/orders/{id}",
    "get /v1/orders/{id}/evidence",
    "get /v1/orders/{id}/payments",
    "get /v1/orders/{id}/promises",
    "get /v1/orders/{id}/refunds",
    "get /v1/payments/risks",
    "get /v1/prepayments",
    "get /v1/stock-notes",
    "get /v1/purchase-orders",
    "get /v1/purchase-orders/{id}",
    "get /v1/purchasing",
    "get /v1/settings/advice",
    "get /v1/settings/cash",
    "get /v1/settings/notices",
    "get /v1/settings/allocation",
    "get /v1/shortfalls",
    "get /v1/skus",
    "get /v1/skus/{sku}",
    "get /v1/skus/{sku}/purchasing",
    "get /v1/skus/{sku}/policies",
    "get /v1/skus/{sku}/policies/{channel}",
    "get /v1/suppliers",
    "get /v1/suppliers/{supplier}",
    "get /v1/terms",
    "get /v1/supplies",
    "get /v1/supplies/{id}",
    "get /v1/waitlist",
    "patch /v1/notices/{id}",
    "patch /v1/supplies/{id}",
    "post /v1/adjustments",
    "patch /v1/orders/{id}",
    "post /v1/orders/{id}/substitute",
    "post /v1/purchase-orders",
    "post /v1/purchase-orders/{id}/cancel",
    "post /v1/purchase-orders/{id}/send",
    "put /v1/suppliers/{supplier}",
    "post /v1/packing",
    "delete /v1/webhooks/{id}",
    "get /v1/webhooks",
    "get /v1/webhooks/{id}",
    "get /v1/webhooks/{id}/deliveries",
    "patch /v1/webhooks/{id}",
    "post /v1/webhooks",
    "post /v1/webhooks/{id}/replay",
    "post /v1/webhooks/{id}/secret",
    "post /v1/privacy/erase",
    "post /v1/privacy/export",
    "delete /v1/settings/answers/{name}",
    "delete /v1/stock-notes/{id}",
    "get /v1/messages",
    "get /v1/orders/{id}/messages",
    "get /v1/settings/answers",
    "get /v1/settings/law",
    "post /v1/orders/{id}/messages",
    "post /v1/orders/{id}/messages/read",
    "put /v1/settings/answers/{name}",
    "put /v1/settings/law",
    "get /v1/questions",
    "get /v1/ring-fences",
    "post /v1/ring-fences",
    "post /v1/supplies/{id}/ring-fences",
    "get /v1/questions/{id}",
    "post /v1/questions",
    "post /v1/advice/{sku}/accept",
    "post /v1/counts",
    "post /v1/holds",
    "post /v1/mail/bounces",
    "post /v1/notices/send",
    "post /v1/notices/{id}/answer",
    "post /v1/notices/{id}/bounce",
    "post /v1/orders",
    "post /v1/orders/batch",
    "post /v1/orders/{id}/cancel",
    "post /v1/orders/{id}/payments",
    "post /v1/orders/{id}/refunds",
    "post /v1/orders/{id}/shipping",
    "post /v1/releases",
    "post /v1/releases/{id}/returns",
    "post /v1/runs",
    "post /v1/runs/{id}/undo",
    "post /v1/shipments",
    "post /v1/shortfalls/{line}",
    "post /v1/supplies",
    "post /v1/supplies/{id}/cancel",
    "post /v1/supplies/{id}/inspections",
    "post /v1/supplies/{id}/preview",
    "post /v1/supplies/{id}/receipts",
    "post /v1/supplies/{id}/split",
    "post /v1/test/run-due",
    "post /v1/transfers",
    "post /v1/waitlist",
    "post /v1/webhooks/stripe/{tenant}",
    "put /v1/lines/{line}/allocation",
    "put /v1/locations/{location}",
    "put /v1/settings/advice",
    "put /v1/settings/cash",
    "put /v1/settings/notices",
    "put /v1/settings/allocation",
    "put /v1/skus/{sku}",
    "put /v1/skus/{sku}/policies/{channel}",
    "put /v1/skus/{sku}/purchasing",
];

pub(crate) fn calls() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = description()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

#[test]
fn every_call_is_described() {
    let described: BTreeSet<String> = calls().map(|(method, path, _)| format!("{method} {path}")).collect();
    let expected: BTreeSet<String> = CALLS.iter().map(ToString::to_string).collect();
    assert_eq!(described, expected);
}

#[tokio::test]
async fn every_described_call_is_there() {
    let world = world();
    for (method, path, _) in calls() {
        // An id that cannot be one: whatever else is wrong, the route and its method are found.
        let address = path.replace(['{', '}'], "");
        let reply = world.send(Call::new(&method.to_uppercase(), &address)).await;
        assert_ne!(reply.status.as_u16(), 405, "{method} {path}");
        let unmatched = reply.json()["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("there is nothing at this address"));
        assert!(!unmatched, "{method} {path}");
    }
}

#[test]
fn the_document_is_sound() {
    let text = server::openapi();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in calls() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} stands twice");
        assert!(
            operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()),
            "{id} says nothing"
        );
        let secured = operation["security"].as_array().is_some_and(|security| !security.is_empty());
        // The token of its link is all that a place on a waitlist needs.
        let by_link = id.starts_with("leave_waitlist");
        // Stripe signs what it sends.
        let signed = id == "hear_from_stripe";
        assert_eq!(secured, path.starts_with("/v1/") && !by_link && !signed, "{id}");
        for scope in operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|any| any["key"].as_array().unwrap())
        {
            let about = description()["info"]["description"].as_str().unwrap();
            assert!(about.contains(&format!("`{}`", scope.as_str().unwrap())), "{id}: {scope}");
        }
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named: BTreeSet<&str> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        let in_path: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, in_path, "{method} {path}");
        assert!(parameters.iter().all(|parameter| parameter["description"].is_string()), "{id}");
    }
    for address in text.split("\"$ref\": \"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(description().pointer(address.trim_start_matches('#')).is_some(), "{address} leads nowhere");
    }
}

#[tokio::test]
async fn the_docs_need_nothing_from_elsewhere() {
    let world = world();
    assert_eq!(world.get("/docs").await.header("location"), "/docs/");
    let page = world.get("/docs/").await;
    page.is(200);
    let page_text = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(!page_text.contains("//unpkg") && !page_text.contains("https://cdn"), "{page_text}");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let files: Vec<&str> = page_text
        .split(['"', '\''])
        .filter(|text| [".js", ".css", ".png"].iter().any(|end| text.ends_with(end)))
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        world.get(&format!("/docs/{}", file.trim_start_matches("./"))).await.is(200);
    }
    // Scripts in the page itself would be stopped by the policy.
    for script in page_text.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "{script}");
    }
    assert!(!page_text.contains(" style="));
    world.get("/docs/nothing.js").await.fails(404, "not_found");
}
