//! The sample shop, from the first line it prints to its end.

use serde_json::json;

use crate::house::{Server, shipwhen};

#[test]
fn demo_prints_keys_shows_pages_takes_an_order_and_ends_when_told() {
    let mut command = shipwhen();
    command.args(["demo", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command);
    let after = |word: &str| {
        let line = server.said.iter().find_map(|line| line.strip_prefix(word)).unwrap();
        line.trim().to_owned()
    };
    let (staff, publishable) = (after("Staff key"), after("Publishable key"));
    assert!(staff.starts_with("sk_demo_") && publishable.starts_with("pk_demo_"), "{:?}", server.said);
    for (word, path) in [("What we owe", "/"), ("The shop", "/shop"), ("API, to try", "/docs")] {
        assert_eq!(after(word), format!("{}{path}", server.url));
    }
    let client = server.client(&staff);
    assert_eq!(client.get("/").status, 200);
    let shop = client.get("/shop");
    assert_eq!(shop.status, 200);
    let product = shop.text.split("href=\"/shop/").nth(1).unwrap().split('"').next().unwrap();
    let page = client.get(&format!("/shop/{product}"));
    assert_eq!(page.status, 200, "{product}");

    let sku = client
        .list("/v1/skus")
        .into_iter()
        .map(|sku| sku["sku"].as_str().unwrap().to_owned())
        .find(|sku| client.get(&format!("/v1/availability?sku={sku}")).expect(200)["state"] == "in_stock")
        .unwrap();
    let order = json!({"reference": "FIRST", "lines": [{"sku": sku, "quantity": 1}]});
    let placed = client.post("/v1/orders", "first", &order).expect(201);
    assert_eq!(placed["lines"][0]["state"], "allocated");
    let status = client.get(placed["status_url"].as_str().unwrap());
    assert_eq!(status.status, 200, "{placed}");
    assert!(status.text.contains("FIRST"));
    let asked = server.client(&publishable).get(&format!("/v1/availability?sku={sku}"));
    assert_eq!(asked.expect(200)["sku"], sku);
    assert_eq!(server.stop().code(), Some(0));
}
