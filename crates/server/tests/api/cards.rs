//! Another card for what is charged later, while nothing is owed.

use model::id::OrderId;
use serde_json::{Value, json};

use crate::{
    bank::Fault,
    own::page,
    provider::Till,
    world::{Reply, World, order, world},
};

async fn asks(till: &Till, own: &str) -> Reply {
    // By the till's clock: the worker carries what is due by then.
    let form = crate::world::Call::new("POST", &format!("{own}/card")).text("").key("");
    let form = form.with("content-type", "application/x-www-form-urlencoded").at(&till.now.to_string());
    till.world.send(form).await
}

fn text(page: &Reply) -> String {
    String::from_utf8_lossy(&page.bytes).into_owned()
}

/// Stripe's own name of what the form on the page saves.
fn saves(page: &Reply) -> String {
    let text = text(page);
    let from = text.split("data-secret=\"").nth(1).unwrap_or_else(|| panic!("no form: {text}"));
    from.split('"').next().unwrap().trim_end_matches("_secret").to_owned()
}

async fn methods(world: &World, order: &Value) -> Vec<Value> {
    let events = world.get("/v1/events?limit=500").await.is(200);
    let of = events["items"].as_array().unwrap().iter();
    of.filter(|event| event["order"] == order["id"])
        .map(|event| event["data"]["method"].clone())
        .filter(|word| !word.is_null())
        .collect()
}

#[tokio::test]
async fn another_card_is_saved_and_charged_instead_of_the_first() {
    let mut till = Till::new(json!({"kind": "charge_on_ship"})).await;
    let (id, placed) = till.checked_out(2).await;
    let own = page(&placed);
    till.world.page(&own).await.says("Use another card");
    assert_eq!(
        till.world.page(&format!("{own}/pay")).await.status.as_u16(),
        303,
        "nobody asked for a form yet"
    );

    // The answer is lost once; asked twice, it is asked once.
    till.bank.faults(&[Some(Fault::AnswerLost)]);
    assert_eq!(asks(&till, &own).await.header("location"), format!("{own}/pay"));
    till.world.page(&format!("{own}/pay")).await.says("http-equiv=\"refresh\"");
    till.later(0).await;
    asks(&till, &own).await;
    till.later(30).await;
    let form = till.world.page(&format!("{own}/pay")).await;
    form.says("Save another card");
    form.says("data-kind=\"setup\"");
    form.says("?card=1");
    assert!(!text(&form).contains("http-equiv"));
    assert_eq!(saves(&form), "seti_0002");
    // Nothing is charged by that, and left alone it changes nothing.
    assert_eq!(till.amounts(id).await, [0, 0, 0, 0]);
    assert_eq!(till.bank.customer_acts(id, till.now), 1);
    till.later(120).await;
    till.world.page(&format!("{own}?card=1")).await.says("the other card is charged instead");
    assert_eq!(methods(&till.world, &placed).await, [json!("asked"), json!("changed")]);
    assert_eq!(till.world.page(&format!("{own}/pay")).await.status.as_u16(), 303, "it is done");

    // And once more, by a message of the provider's.
    asks(&till, &own).await;
    till.later(0).await;
    assert_eq!(saves(&till.world.page(&format!("{own}/pay")).await), "seti_0003");
    till.bank.customer_acts(id, till.now);
    till.hears_of("setup_intent.succeeded", "seti_0003").await;
    till.later(0).await;
    till.world.stock("MUG", 2).await;
    till.post("/v1/releases", json!({"location": "east"})).await.is(200);
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    assert_eq!(till.bank.charged_to(id).as_deref(), Some("pm_of_seti_0003"), "the last one that was saved");
    assert!(
        !text(&till.world.page(&own).await).contains("Use another card"),
        "nothing is charged later any more"
    );
    asks(&till, &own).await.says("there is none to change");
    till.world.verify();
}

#[tokio::test]
async fn who_saves_no_other_card_is_charged_to_the_first() {
    let mut till = Till::new(json!({"kind": "deposit", "deposit_percent": 50, "balance": "on_ship"})).await;
    let (id, placed) = till.checked_out(2).await;
    let own = page(&placed);
    asks(&till, &own).await;
    for _ in 0..20 {
        till.later(43_200).await;
    }
    assert_eq!(
        till.world.page(&format!("{own}/pay")).await.status.as_u16(),
        303,
        "the form is not kept for ever"
    );
    let first = till.bank.charge_of(id).unwrap();
    till.world.stock("MUG", 2).await;
    till.post("/v1/releases", json!({"location": "east"})).await.is(200);
    till.later(0).await;
    assert_eq!(till.amounts(id).await, [3_000, 0, 0, 3_000]);
    assert_eq!(till.bank.charged_to(id).map(|method| method.to_string()), Some(format!("pm_of_{first}")));
    till.world.verify();
}

#[tokio::test]
async fn where_people_move_the_money_no_card_is_offered() {
    let world = world();
    world.with_mug().await;
    let policy =
        json!({"when_out": "backorder", "payment": {"kind": "charge_on_ship", "provider": "manual"}});
    world.put("/v1/skus/MUG/policies/default", policy).await.is(200);
    world.supply("MUG", 5, "2026-12-01").await;
    let placed = world.post("/v1/orders", order("MUG", 1)).await.is(201);
    let _: OrderId = placed["id"].as_str().unwrap().parse().unwrap();
    let own = page(&placed);
    assert!(!text(&world.page(&own).await).contains("Use another card"));
    let refused = world.form(&format!("{own}/card"), "").await;
    assert_eq!(refused.status.as_u16(), 409);
    refused.says("there is none to change");
    assert_eq!(world.form("/o/nonsense/card", "").await.status.as_u16(), 404);
}
