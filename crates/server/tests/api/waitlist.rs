//! Waitlists: signing up, being invited in turn, rolling on, leaving.

use serde_json::{Value, json};

use crate::world::{CHECKOUT, Call, World, order, world};

async fn join(world: &World, who: &str, units: i64) -> Value {
    let body = json!({"sku": "MUG", "email": format!("{who}@example.com"), "quantity": units});
    let call = Call::post("/v1/waitlist", &body).key(CHECKOUT);
    world.send(call).await.is(201)
}

/// Who stands where: `ada invited`.
async fn list(world: &World) -> Vec<String> {
    let page = world.get("/v1/waitlist?sku=MUG").await.is(200);
    let say = |item: &Value| {
        let email = item["email"].as_str().unwrap_or("-");
        format!("{} {}", email.split('@').next().unwrap(), item["state"].as_str().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(say).collect()
}

/// A SKU that is sold out, with a waitlist.
async fn shop() -> World {
    let world = world();
    world.with_mug().await;
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "waitlist"})).await.is(200);
    let offer = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!(offer["state"], "waitlist");
    world
}

#[tokio::test]
async fn goods_that_come_go_to_whoever_waits_first_and_as_many_as_there_are() {
    let world = shop().await;
    for (who, units) in [("ada", 2), ("ben", 5), ("cleo", 1)] {
        let place = join(&world, who, units).await;
        assert_eq!((&place["state"], &place["quantity"]), (&json!("waiting"), &json!(units)));
        assert!(place.get("email").is_none());
    }
    assert_eq!(list(&world).await, ["ada waiting", "ben waiting", "cleo waiting"]);
    world.stock("MUG", 4).await;
    assert_eq!(
        list(&world).await,
        ["ada invited", "ben waiting", "cleo invited"],
        "ben wants more than is left"
    );
    let offer = world.get("/v1/availability?sku=MUG").await.is(200);
    assert_eq!(offer["available_now"], 1, "what is held for those invited is nobody else's");
    world.post("/v1/orders", order("MUG", 2)).await.fails(409, "not_available");
    let invited = world.get("/v1/waitlist?state=invited").await.is(200)["items"].clone();
    let mut bought = order("MUG", 2);
    bought["hold"] = invited[0]["hold"].clone();
    world.post("/v1/orders", bought).await.is(201);
    assert_eq!(list(&world).await, ["- bought", "ben waiting", "cleo invited"], "who bought is forgotten");
    world.verify();
}

#[tokio::test]
async fn an_invitation_that_lapses_goes_on_to_the_next() {
    let world = shop().await;
    for who in ["ada", "ben"] {
        join(&world, who, 1).await;
    }
    world.stock("MUG", 1).await;
    assert_eq!(list(&world).await, ["ada invited", "ben waiting"]);
    let due = Call::post("/v1/test/run-due", &json!({})).at("2026-11-24T13:59:59Z");
    world.send(due).await.is(200);
    assert_eq!(list(&world).await, ["ada invited", "ben waiting"], "a day is a day");
    let due = Call::post("/v1/test/run-due", &json!({})).at("2026-11-24T14:00:00Z");
    world.send(due).await.is(200);
    assert_eq!(list(&world).await, ["- lapsed", "ben invited"]);
    let again = json!({"sku": "MUG", "email": "Ada@example.com"});
    world.post("/v1/waitlist", again).await.is(201);
    assert_eq!(list(&world).await, ["- lapsed", "ben invited", "Ada waiting"], "at the end of the list");
    world.verify();
}

#[tokio::test]
async fn backorders_come_before_the_waitlist() {
    let world = world();
    world.with_mug().await;
    world.supply("MUG", 3, "2026-12-01").await;
    world.order("MUG", 3).await;
    world.put("/v1/skus/MUG/policies/default", json!({"when_out": "waitlist"})).await.is(200);
    join(&world, "ada", 1).await;
    world.stock("MUG", 3).await;
    assert_eq!(list(&world).await, ["ada waiting"], "the backorder moved up into all three");
    world.stock("MUG", 1).await;
    assert_eq!(list(&world).await, ["ada invited"]);
    world.verify();
}

#[tokio::test]
async fn one_person_has_one_place_and_leaves_it_by_the_link() {
    let world = shop().await;
    let place = join(&world, "ada", 1).await;
    let token = place["token"].as_str().unwrap();
    let more = json!({"sku": "MUG", "email": "ADA@example.com", "quantity": 3});
    let same = world.send(Call::post("/v1/waitlist", &more).key(CHECKOUT)).await.is(200);
    assert_eq!((&same["id"], &same["quantity"]), (&place["id"], &json!(3)));
    assert!(same.get("token").is_none(), "whoever knows an address cannot take it off the list");
    join(&world, "ben", 3).await;
    world.stock("MUG", 3).await;
    assert_eq!(list(&world).await, ["ADA invited", "ben waiting"]);
    for _ in 0..2 {
        world.send(Call::new("DELETE", &format!("/v1/waitlist/{token}"))).await.is(204);
        assert_eq!(list(&world).await, ["- left", "ben invited"], "what was held for her goes on");
    }
    world.send(Call::new("DELETE", "/v1/waitlist?token=nonsense")).await.fails(404, "not_found");
    world.send(Call::new("DELETE", "/v1/waitlist")).await.fails(422, "invalid");
    world.verify();
}

#[tokio::test]
async fn a_kit_waits_for_its_components() {
    let world = shop().await;
    let set = json!({"title": "Set", "components": [{"sku": "MUG", "quantity": 2}]});
    world.put("/v1/skus/SET", set).await.is(201);
    let body = json!({"sku": "SET", "email": "ada@example.com", "quantity": 2});
    world.post("/v1/waitlist", body).await.is(201);
    world.stock("MUG", 3).await;
    let state = |page: Value| page["items"][0]["state"].clone();
    assert_eq!(state(world.get("/v1/waitlist").await.is(200)), "waiting");
    world.stock("MUG", 1).await;
    assert_eq!(state(world.get("/v1/waitlist").await.is(200)), "invited");
    world.verify();
}

#[tokio::test]
async fn a_sign_up_that_makes_no_sense_is_refused_by_its_field() {
    let world = shop().await;
    for (body, field) in [
        (json!({"sku": "NONE", "email": "a@example.com"}), "/sku unknown_sku"),
        (json!({"sku": "MUG", "email": "nobody"}), "/email email"),
        (json!({"sku": "MUG", "email": "a@example.com", "quantity": 0}), "/quantity out_of_range"),
        (json!({"sku": "MUG", "email": "a@example.com", "name": "A"}), "/name unknown_field"),
    ] {
        let problem = world.post("/v1/waitlist", body).await.fails(422, "invalid");
        let named = &problem["errors"][0];
        assert_eq!(
            format!("{} {}", named["pointer"].as_str().unwrap(), named["code"].as_str().unwrap()),
            field
        );
    }
    let list = Call::get("/v1/waitlist").key(CHECKOUT);
    world.send(list).await.fails(403, "publishable_key");
}

#[tokio::test]
async fn whoever_is_invited_gets_a_mail_in_their_language_and_orders_by_its_link() {
    let world = shop().await;
    let body = json!({"sku": "MUG", "email": "ada@example.com", "quantity": 2, "locale": "de"});
    let place = world.send(Call::post("/v1/waitlist", &body).key(CHECKOUT)).await.is(201);
    let page = format!("/w/{}", place["token"].as_str().unwrap());
    world.page(&page).await.says("You are on the list");
    world.stock("MUG", 2).await;
    let now = crate::world::NOW.parse().unwrap();
    server::mail::deliver(&world.app, now).await.unwrap();
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(&*mails[0].subject, "Mug ist wieder da: für Sie zurückgelegt");
    assert!(mails[0].text.contains(&page), "{}", mails[0].text);
    server::mail::deliver(&world.app, now).await.unwrap();
    assert_eq!(world.mails().len(), 1, "once");

    world.page(&page).await.says("We hold 2 × Mug for you");
    let order = world.form(&format!("{page}/order"), "name=Ada+Lovelace&once=").await;
    assert_eq!(order.status, 303);
    assert!(order.headers["location"].to_str().unwrap().starts_with("/o/"));
    world.page(&page).await.says("You have ordered 2 × Mug");
    assert_eq!(world.form(&format!("{page}/order"), "name=Ada+Lovelace&once=").await.status, 409);
    world.verify();
}

#[tokio::test]
async fn a_mail_program_leaves_the_list_with_one_post_and_looking_never_does() {
    let world = shop().await;
    let place = join(&world, "ada", 1).await;
    let page = format!("/w/{}", place["token"].as_str().unwrap());
    world.page(&page).await.says("You are on the list");
    assert_eq!(list(&world).await, ["ada waiting"]);
    let left = world.form(&format!("{page}/leave"), "List-Unsubscribe=One-Click").await;
    assert_eq!(left.status, 303);
    world.page(&page).await.says("You are off the list");
    assert_eq!(list(&world).await, ["- left"]);
    assert_eq!(world.form("/w/nonsense/leave", "").await.status, 404);
}
