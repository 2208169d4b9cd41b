//! What people at the shop write may speak of anybody: it is read where it belongs, never in the ledger, and can be erased.

use serde_json::{Value, json};

use crate::world::{Call, World, order, world};

async fn ledger(world: &World) -> String {
    world.get("/v1/events?limit=500").await.is(200).to_string()
}

async fn notes(world: &World, query: &str) -> Vec<(String, String)> {
    let list = world.get(&format!("/v1/stock-notes{query}")).await.is(200);
    let text = |note: &Value, field: &str| note[field].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(|note| (text(note, "about"), text(note, "text"))).collect()
}

#[tokio::test]
async fn notes_and_reasons_of_staff_are_kept_apart_and_go_with_the_person() {
    let world = world();
    world.with_mug().await;
    let adjust = |delta: i64, note: &str| json!({"sku": "MUG", "location": "east", "delta": delta, "reason": "opening_stock", "note": note});
    world.post("/v1/adjustments", adjust(9, "found by Grace Hopper")).await.is(201);
    let count =
        json!({"sku": "MUG", "location": "east", "counted": 8, "note": "Ada Lovelace had borrowed one"});
    world.post("/v1/counts", count).await.is(201);
    let mut body = order("MUG", 2);
    body["customer"]["name"] = json!("Ada Lovelace");
    let placed = world.post("/v1/orders", body).await.is(201);
    let (id, line) = (placed["id"].as_str().unwrap(), placed["lines"][0]["id"].clone());
    let release = world.post("/v1/releases", json!({"location": "east"})).await.is(201);
    let back = json!({"lines": [{"id": line, "quantity": 1}], "reason": "Ada rang, she wants one less"});
    world.post(&format!("/v1/releases/{}/returns", release["id"].as_str().unwrap()), back).await.is(201);
    world.post("/v1/shipments", json!({"order": id})).await.is(201);
    let returned = json!({"sku": "MUG", "location": "east", "delta": 1, "reason": "return_to_stock", "line": line,
        "quarantine": true, "note": "Ada says it had a crack"});
    let apart = world.post("/v1/adjustments", returned).await.is(201)["quarantine"].clone();
    let looked = json!({"good": 1, "reason": "no crack, whatever ada@example.com says"});
    let at = format!("/v1/supplies/{}/inspections", apart.as_str().unwrap());
    world.post(&at, looked).await.is(201);
    world.supply("MUG", 5, "2026-12-10").await;
    let care = json!({"owner": "Mia Sand", "deadline": "2026-12-01", "note": "Ada is patient"});
    world.post(&format!("/v1/shortfalls/{}", line.as_str().unwrap()), care).await.is(200);

    let said = ledger(&world).await;
    for word in ["Grace", "Lovelace", "rang", "crack", "Ada is", "Mia", "ada@example.com"] {
        assert!(!said.contains(word), "{word} is in the ledger: {said}");
    }
    let all = notes(&world, "?sku=MUG").await;
    let expect = [
        ("adjustment", "found by Grace Hopper"),
        ("count", "Ada Lovelace had borrowed one"),
        ("inspection", "no crack, whatever ada@example.com says"),
    ];
    assert_eq!(all, expect.map(|(about, text)| (about.to_owned(), text.to_owned())));
    assert_eq!(notes(&world, "?sku=CUP").await, []);
    let first = world.get("/v1/stock-notes?limit=1").await.is(200);
    let next = format!("?limit=5&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(notes(&world, &next).await.len(), 2);
    let thread = world.get(&format!("/v1/orders/{id}/messages")).await.is(200);
    let written: Vec<&Value> = thread["items"].as_array().unwrap().iter().map(|item| &item["text"]).collect();
    assert_eq!(written, [&json!("Ada rang, she wants one less"), &json!("Ada says it had a crack")]);
    world.verify();

    // Whoever is forgotten is forgotten in these too; what speaks of others stays until somebody erases it.
    world.post("/v1/privacy/erase", json!({"email": "ada@example.com"})).await.is(200);
    assert_eq!(notes(&world, "").await, [("adjustment".to_owned(), "found by Grace Hopper".to_owned())]);
    assert_eq!(world.get(&format!("/v1/orders/{id}/messages")).await.is(200)["items"], json!([]));
    let one = world.get("/v1/stock-notes").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let erase = || Call::new("DELETE", &format!("/v1/stock-notes/{one}"));
    world.send(erase().key("sk_acme_reader")).await.fails(403, "scope_missing");
    world.send(erase().key(crate::world::STRANGER)).await.fails(404, "not_found");
    world.send(erase()).await.is(204);
    world.send(erase()).await.fails(404, "not_found");
    assert_eq!(notes(&world, "").await, []);
    world.verify();
}
