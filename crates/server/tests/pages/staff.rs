//! Signing in: who gets in, who does not, and what a form from elsewhere can do.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use model::time::Timestamp;
use server::staff::{Door, Role};

use crate::{
    Page, form_body, full,
    sample::{NOW, Sample},
    send,
};

const PASSWORD: &str = "four words are enough";

/// A shop that asks who looks, and the path of an invitation to it.
async fn invited(role: Role) -> (Sample, String) {
    let shop = full().await.behind_a_door();
    tokio::task::spawn_blocking(move || {
        let now: Timestamp = NOW.parse().expect("an instant");
        let door = Door { engine: &shop.app.engine, stamps: &shop.app.stamps, secret: &shop.app.secret, now };
        let path = door.invite(&shop.tenant, "Ada@Example.com", "Ada", role).expect("an invitation");
        (shop, path)
    })
    .await
    .expect("a shop")
}

async fn get(shop: &Sample, path: &str, cookie: &str) -> Page {
    let request = Request::get(path).header(header::COOKIE, cookie);
    send(shop, request.body(Body::empty()).expect("a request")).await
}

async fn post_from(shop: &Sample, path: &str, cookie: &str, site: &str, fields: &[(&str, &str)]) -> Page {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", site);
    send(shop, request.body(form_body(fields)).expect("a request")).await
}

async fn post(shop: &Sample, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Page {
    post_from(shop, path, cookie, "same-origin", fields).await
}

fn cookie(page: &Page) -> String {
    let cookie = page.header(header::SET_COOKIE);
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().expect("a cookie").to_owned()
}

#[tokio::test]
async fn an_invitation_works_once_and_a_session_until_it_is_ended() {
    let (shop, path) = invited(Role::Owner).await;
    get(&shop, &path, "").await.says("Welcome, Ada");
    let short = post(&shop, &path, "", &[("password", "short")]).await;
    assert_eq!(short.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    short.says("Please take at least 10 characters");
    let joined = post(&shop, &path, "", &[("password", PASSWORD)]).await;
    assert_eq!((joined.response.status(), joined.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let first = cookie(&joined);
    get(&shop, "/", &first).await.says("Orders owed 14");
    assert_eq!(
        post(&shop, &path, "", &[("password", PASSWORD)]).await.response.status(),
        StatusCode::NOT_FOUND
    );

    let fields = [("email", "ada@example.com "), ("password", PASSWORD), ("next", "/people")];
    let again = post(&shop, "/sign-in", "", &fields).await;
    assert_eq!(again.header(header::LOCATION), "/people");
    let second = cookie(&again);
    assert_ne!(first, second, "a session is a token of its own");
    get(&shop, "/people", &second).await.says("Ada (you) ada@example.com");
    post(&shop, "/sign-out", &first, &[]).await;
    get(&shop, "/", &first).await.says("This is a Shipwhen server");
    get(&shop, "/", &second).await.says("Orders owed 14");
}

#[tokio::test]
async fn who_is_not_signed_in_sees_nothing_and_comes_back_after_it() {
    let (shop, _) = invited(Role::Owner).await;
    get(&shop, "/", "").await.says("This is a Shipwhen server");
    for forged in
        ["", "shipwhen_session=north-fork-goods.AAAA", "shipwhen_session=x", "shipwhen_session=other.AAAA"]
    {
        let page = get(&shop, "/people?x=1", forged).await;
        assert_eq!(page.response.status(), StatusCode::SEE_OTHER, "{forged}");
        assert_eq!(page.header(header::LOCATION), "/sign-in?next=%2Fpeople%3Fx%3D1");
    }
    for path in ["/shop", "/outbox"] {
        assert_ne!(get(&shop, path, "").await.response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn wrong_passwords_say_little_and_then_make_one_wait() {
    let (shop, path) = invited(Role::Owner).await;
    post(&shop, &path, "", &[("password", PASSWORD)]).await;
    let wrong = [("email", "ada@example.com"), ("password", "something else")];
    for _ in 0..8 {
        post(&shop, "/sign-in", "", &wrong).await;
    }
    // Each request of a test has a router, and so a memory, of its own: the limit itself is tested beside it.
    let known = post(&shop, "/sign-in", "", &wrong).await;
    let unknown =
        post(&shop, "/sign-in", "", &[("email", "no@example.com"), ("password", "something else")]).await;
    for page in [&known, &unknown] {
        assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        page.says("The e-mail address or the password is not right.");
        assert!(!page.text.contains("something else"), "a password is never sent back");
    }
}

#[tokio::test]
async fn a_form_from_another_site_does_nothing() {
    let (shop, path) = invited(Role::Owner).await;
    let session = cookie(&post(&shop, &path, "", &[("password", PASSWORD)]).await);
    let invite = [("act", "invite"), ("email", "eve@example.com"), ("role", "owner")];
    for site in ["cross-site", "same-site"] {
        let page = post_from(&shop, "/people", &session, site, &invite).await;
        assert_eq!(page.response.status(), StatusCode::FORBIDDEN, "{site}");
    }
    assert!(!get(&shop, "/people", &session).await.text.contains("eve@"));
    post(&shop, "/people", &session, &invite).await.says("Send this link to them yourself");
    get(&shop, "/people", &session).await.says("eve Invited eve@example.com");
}

#[tokio::test]
async fn support_invites_nobody_and_the_last_owner_stays() {
    let (shop, path) = invited(Role::Support).await;
    let session = cookie(&post(&shop, &path, "", &[("password", PASSWORD)]).await);
    assert_eq!(get(&shop, "/people", &session).await.response.status(), StatusCode::FORBIDDEN);
    let (shop, path) = invited(Role::Owner).await;
    let session = cookie(&post(&shop, &path, "", &[("password", PASSWORD)]).await);
    let remove = [("act", "remove"), ("email", "ada@example.com")];
    post(&shop, "/people", &session, &remove).await.says("a shop keeps at least one owner");
    get(&shop, "/people", &session).await.says("Ada (you)");
}

#[tokio::test]
async fn the_ledger_knows_who_did_it_by_a_word_that_names_nobody() {
    let (shop, path) = invited(Role::Operations).await;
    let ada = cookie(&post(&shop, &path, "", &[("password", PASSWORD)]).await);
    let page = get(&shop, "/backlog?state=allocated&sku=LAMP-BRASS", &ada).await;
    let tick = crate::bulk::ticks(&page).remove(0);
    let fields = [("act", "release"), ("state", "allocated"), (&*tick, "1")];
    let preview = post(&shop, "/backlog/preview", &ada, &fields).await;
    let names = ["once", "act", "class", "strategy", "reason", "lines"];
    let fields: Vec<(&str, String)> = names.iter().map(|name| (*name, preview.hidden(name))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    let begun = post(&shop, "/backlog/start", &ada, &fields).await;
    assert_eq!(begun.response.status(), StatusCode::SEE_OTHER, "{}", begun.words());
    let order = shop.orders[0].0;
    let page = format!("/orders/{order}");
    get(&shop, &page, &ada).await.says("Handed to packing by Ada");
    let entries = |shop: &Sample| {
        let mut reader = shop.app.engine.store().reader().expect("a reader");
        let last = reader.last_event(&shop.tenant).expect("a number");
        reader.events(&shop.tenant, last - 1, 1).expect("entries").remove(0)
    };
    let said = entries(&shop);
    let data: serde_json::Value = serde_json::from_str(&said.data).expect("json");
    assert!(data["data"]["by"].as_str().expect("a word").starts_with("usr_"), "{data}");
    assert_eq!((said.order, &data["data"]["entries"]), (Some(order), &serde_json::json!(1)));
    let words = said.data.to_lowercase();
    assert!(!words.contains("ada@") && !words.contains("example"), "neither a name nor an address: {words}");
    // Who is gone is nobody there: the ledger is as it was.
    let (shop, path) = tokio::task::spawn_blocking(move || {
        let now: Timestamp = NOW.parse().expect("an instant");
        let door = Door { engine: &shop.app.engine, stamps: &shop.app.stamps, secret: &shop.app.secret, now };
        let path = door.invite(&shop.tenant, "ben@example.com", "Ben", Role::Owner).expect("an invitation");
        assert!(door.remove(&shop.tenant, "ada@example.com").expect("a door"));
        (shop, path)
    })
    .await
    .expect("a shop");
    let ben = cookie(&post(&shop, &path, "", &[("password", PASSWORD)]).await);
    get(&shop, &page, &ben).await.says("Handed to packing by a removed user");
}
