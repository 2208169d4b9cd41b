//! What to order, from whom and when; an order drafted, sent and called off with buttons.

use axum::http::{StatusCode, header};
use model::{
    command::{Adjust, Command, KeepTerms, PutItem},
    event::AdjustReason,
    id::{LocationId, Sku},
    item::Item,
    purchasing::{SUPPLIER_CONTACT, SupplierContact},
    record::{Json, Record},
};
use serde_json::json;

use super::{get, post, sample::Sample};

/// A shop that sold all its mugs within a month, and knows what they cost and who makes them.
async fn shop() -> Sample {
    blocking(sold_out).await
}

/// Off the runtime, where commands may wait for their answers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("a result")
}

fn sold_out() -> Sample {
    let shop = Sample::full();
    let item: Item = serde_json::from_value(json!({
        "sku": "MUG", "title": "Mug <b>", "price": {"amount": 4000, "currency": "USD"},
        "unit_cost": {"amount": 1500, "currency": "USD"}, "supplier": "Pine & Co"
    }))
    .expect("an item");
    shop.run("2026-11-01T09:00:00Z", Command::PutItem(PutItem { item, if_match: None }));
    let stock = Adjust {
        sku: Sku::stored("MUG"),
        location: LocationId::stored("main"),
        delta: 20,
        reason: AdjustReason::OpeningStock,
        line: None,
        quarantine: false,
        note: None,
    };
    shop.run("2026-11-01T09:00:00Z", Command::Adjust(stock));
    let order = model::command::PlaceOrder {
        lines: vec![model::command::AskLine { sku: Sku::stored("MUG"), quantity: 20, unit_price: None }],
        ..model::command::PlaceOrder::default()
    };
    shop.run("2026-11-10T09:00:00Z", Command::PlaceOrder(Box::new(order)));
    shop
}

/// The address of an order's page, out of the page that lists it.
fn first_order(text: &str) -> String {
    let (_, rest) = text.split_once("href=\"/insights/purchasing/por_").expect("an order");
    format!("/insights/purchasing/por_{}", rest.split('"').next().unwrap_or_default())
}

#[tokio::test]
async fn an_order_is_drafted_sent_and_called_off_with_buttons() {
    let shop = shop().await;
    let list = get(&shop, "/insights/purchasing").await;
    assert_eq!(list.response.status(), StatusCode::OK, "{}", list.words());
    for text in ["What to order", "Pine & Co", "Mug <b>", "Now", "One of it is due today.", "No order yet"] {
        list.says(&text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;"));
    }
    assert!(!list.text.contains("Mug <b>") && !list.text.contains(" style=\""));
    let once = list.hidden("once");
    let fields = [("once", once.as_str()), ("supplier", "Pine & Co")];
    let made = post(&shop, "/insights/purchasing", &fields).await;
    assert_eq!(made.response.status(), StatusCode::SEE_OTHER, "{}", made.words());
    let path = made.header(header::LOCATION).to_owned();
    // The same form again makes no second order.
    post(&shop, "/insights/purchasing", &fields).await;
    let list = get(&shop, "/insights/purchasing").await;
    assert_eq!(list.text.matches("href=\"/insights/purchasing/por_").count(), 1);
    assert_eq!(first_order(&list.text), path);
    let page = get(&shop, &path).await;
    for text in ["Draft", "Goods wanted by", "I tell them myself", "Call it off"] {
        page.says(text);
    }
    assert!(!page.text.contains("by mail to"), "no address is known");
    let pdf = get(&shop, &format!("{path}/order.csv")).await;
    assert!(pdf.text.contains(",MUG,") && pdf.header(header::CONTENT_DISPOSITION).contains("PO-"));
    assert_eq!(get(&shop, &format!("{path}/order.exe")).await.response.status(), StatusCode::NOT_FOUND);
    // By mail it cannot go, so nothing is entered.
    let no = post(&shop, &format!("{path}/send"), &[("location", "main"), ("by", "mail")]).await;
    no.says("No address is known");
    assert!(!get(&shop, "/supply?sku=MUG").await.text.contains("PO-"));
    for _ in 0..2 {
        let sent = post(&shop, &format!("{path}/send"), &[("location", "main"), ("by", "hand")]).await;
        assert_eq!(sent.response.status(), StatusCode::SEE_OTHER, "{}", sent.words());
    }
    let page = get(&shop, &path).await;
    page.says("Sent");
    page.says("Goes to: Portland");
    assert!(page.text.contains("href=\"/supply/sup_"), "each line leads to its supply");
    assert!(!page.text.contains("action=\"/insights/purchasing/por_") || !page.text.contains("/send\""));
    let supply = get(&shop, "/supply?sku=MUG").await;
    assert_eq!(supply.text.matches("href=\"/supply/sup_").count(), 1, "{}", supply.words());
    let off = post(&shop, &format!("{path}/cancel"), &[]).await;
    assert_eq!(off.response.status(), StatusCode::SEE_OTHER, "{}", off.words());
    get(&shop, &path).await.says("Called off");
    assert!(!get(&shop, "/supply?sku=MUG").await.text.contains("href=\"/supply/sup_"));
    post(&shop, &format!("{path}/cancel"), &[]).await.says("was called off");
    assert_eq!(get(&shop, "/insights/purchasing/por_none").await.response.status(), StatusCode::NOT_FOUND);
    let nothing = post(&shop, "/insights/purchasing", &[("once", "b"), ("supplier", "Nobody")]).await;
    nothing.says("Nothing is due from Nobody now.");
}

#[tokio::test]
async fn a_supplier_with_an_address_is_mailed() {
    let shop = shop().await;
    let contact = SupplierContact { email: "orders@pine.example".into(), name: None };
    let wish = KeepTerms {
        sku: None,
        data: Json::of(&json!({"supplier": "Pine & Co"})).expect("JSON"),
        records: Vec::new(),
        private: vec![Record::new(SUPPLIER_CONTACT, "Pine & Co", &contact).expect("a record")],
    };
    let shop = blocking(move || {
        shop.run("2026-11-20T09:00:00Z", Command::KeepTerms(wish));
        shop
    })
    .await;
    let made = post(&shop, "/insights/purchasing", &[("once", "a"), ("supplier", "Pine & Co")]).await;
    let path = made.header(header::LOCATION).to_owned();
    get(&shop, &path).await.says("by mail to orders@pine.example");
    let sent = post(&shop, &format!("{path}/send"), &[("location", "main"), ("by", "mail")]).await;
    assert_eq!(sent.response.status(), StatusCode::SEE_OTHER, "{}", sent.words());
    let mut reader = shop.app.engine.store().reader().expect("a reader");
    let id = format!("mal_{}", path.rsplit('/').next().unwrap_or_default());
    let mail = reader.records(&shop.tenant, ledger::Shelf::Private, engine::notices::MAIL, &[&id]);
    assert_eq!(mail.expect("records").len(), 1);
}
