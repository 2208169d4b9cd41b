//! The shop's cart, its checkout, the waitlist and the badge; and the answers that customers give on their page.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use ledger::ApiKey;
use model::{
    command::{Command, PutPolicy},
    id::{Channel, OrderId, Sku},
    item::{Policy, WhenOut},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use crate::{Page, form_body, full, get, post, sample::Sample, send};

async fn with_cart(shop: &Sample, method: &str, path: &str, cart: &str, fields: &[(&str, &str)]) -> Page {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cart)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(shop, request.body(form_body(fields)).expect("a request")).await
}

fn cookie(page: &Page) -> String {
    page.header(header::SET_COOKIE).split(';').next().expect("a cookie").to_owned()
}

#[tokio::test]
async fn a_mixed_cart_shows_both_ways_to_send_it_and_becomes_one_order() {
    let shop = full().await;
    let first = post(&shop, "/cart", &[("act", "add"), ("sku", "KETTLE-01"), ("quantity", "1")]).await;
    assert_eq!(first.header(header::LOCATION), "/cart");
    let cart = cookie(&first);
    let both =
        with_cart(&shop, "POST", "/cart", &cart, &[("act", "add"), ("sku", "CHAIR-OAK"), ("quantity", "2")])
            .await;
    let cart = cookie(&both);
    let page = with_cart(&shop, "GET", "/cart", &cart, &[]).await;
    for text in [
        "Pour-over kettle In stock Ships by 24 Nov",
        "Oak lounge chair Backorder Ships by 23 Dec",
        "Send each part as soon as it is ready · $12.00 shipping By 24 Nov : 1 × Pour-over kettle By 23 Dec : 2 × Oak lounge chair",
        "Wait and send everything together · $6.00 shipping Everything by 23 Dec",
        "Goods $1,047.00",
    ] {
        page.says(text);
    }
    let checkout = with_cart(&shop, "GET", "/checkout?ship=complete", &cart, &[]).await;
    checkout.says("Goods and shipping $1,053.00");
    let once = checkout.hidden("once");
    let fields = |name: &'static str, email: &'static str, shown: &'static str| {
        [
            ("once", once.clone()),
            ("name", name.into()),
            ("email", email.into()),
            ("country", "US".into()),
            ("ship", "complete".to_owned()),
            ("shown", shown.into()),
        ]
    };
    let sent = |fields: [(&'static str, String); 6]| {
        let (shop, cart) = (&shop, &cart);
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            with_cart(shop, "POST", "/checkout", cart, &fields).await
        }
    };
    let wrong = sent(fields("", "nobody", "2026-12-23")).await;
    assert_eq!(wrong.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says("Please enter your name.");
    let earlier = sent(fields("Ada", "ada@example.com", "2026-12-01")).await;
    assert_eq!(earlier.response.status(), StatusCode::CONFLICT);
    earlier.says("The last of it would ship by 23 Dec, not 1 Dec.");
    let placed = sent(fields("Ada", "ada@example.com", "2026-12-23")).await;
    assert_eq!(placed.response.status(), StatusCode::SEE_OTHER);
    assert!(placed.header(header::SET_COOKIE).starts_with("shipwhen_cart=;"), "the cart is empty now");
    let to = placed.header(header::LOCATION).to_owned();
    let again = sent(fields("Ada", "ada@example.com", "2026-12-23")).await;
    assert_eq!(again.header(header::LOCATION), to, "sent twice, ordered once");
    let order = get(&shop, &to).await;
    for text in ["Thank you. Your order is placed", "Ships by 23 Dec", "Everything is sent together."] {
        order.says(text);
    }
}

#[tokio::test]
async fn a_cart_says_what_cannot_be_had_and_takes_it_out() {
    let shop = full().await;
    let added = post(&shop, "/cart", &[("act", "add"), ("sku", "KETTLE-01"), ("quantity", "500")]).await;
    let cart = cookie(&added);
    let page = with_cart(&shop, "GET", "/cart", &cart, &[]).await;
    page.says("We cannot promise so many right now. You can have");
    let checkout = with_cart(&shop, "GET", "/checkout", &cart, &[]).await;
    assert_eq!(checkout.header(header::LOCATION), "/cart");
    let gone = with_cart(&shop, "POST", "/cart", &cart, &[("act", "remove"), ("sku", "KETTLE-01")]).await;
    with_cart(&shop, "GET", "/cart", &cookie(&gone), &[]).await.says("It is empty");
    for fields in [
        &[("act", "add"), ("sku", "KETTLE-01"), ("quantity", "0")][..],
        &[("act", "add"), ("sku", "NONE"), ("quantity", "1")],
        &[("act", "shout"), ("sku", "KETTLE-01"), ("quantity", "1")],
    ] {
        assert!(post(&shop, "/cart", fields).await.response.status().is_client_error());
    }
}

#[tokio::test]
async fn who_wants_to_know_is_noted_once() {
    let shop = tokio::task::spawn_blocking(|| {
        let shop = Sample::full();
        shop.stock("2026-11-22T15:00:00Z", "MUG-BLUE", -20);
        shop
    })
    .await
    .expect("a shop");
    let page = get(&shop, "/shop/MUG-BLUE").await;
    page.says("Tell me when it is back");
    let once = page.hidden("once");
    let fields = [("once", &*once), ("quantity", "1"), ("email", "ida@example.com")];
    let noted = post(&shop, "/shop/MUG-BLUE/notify", &fields).await;
    let to = noted.header(header::LOCATION).split('#').next().unwrap_or_default().to_owned();
    get(&shop, &to).await.says("Thank you. We write to you when it is back.");
    let wrong = post(&shop, "/shop/MUG-BLUE/notify", &[("email", "nobody")]).await;
    assert!(wrong.header(header::LOCATION).contains("address=1"));
    let events = tokio::task::spawn_blocking(move || {
        let mut reader = shop.app.engine.store().reader().expect("a reader");
        reader.events(&shop.tenant, 0, 10_000).expect("events")
    })
    .await
    .expect("events");
    assert_eq!(events.iter().filter(|row| &*row.kind == "waitlist_joined").count(), 1);
}

#[tokio::test]
async fn the_badge_is_one_small_script_and_a_page_without_it() {
    let shop = full().await;
    let script = get(&shop, "/badge.js").await;
    assert!(script.header(header::CONTENT_TYPE).starts_with("text/javascript"));
    assert!(!script.text.contains("document.cookie") && !script.text.contains("localStorage"));
    let tag = script.header(header::ETAG).to_owned();
    let known = Request::get("/badge.js").header(header::IF_NONE_MATCH, tag).body(Body::empty());
    let again = send(&shop, known.expect("a request")).await;
    assert_eq!(again.response.status(), StatusCode::NOT_MODIFIED);

    let shop = tokio::task::spawn_blocking(move || {
        let mut writer = shop.app.engine.store().writer().expect("a writer");
        for (key, publishable) in [("pk_north-fork-goods_abc", true), ("sk_north-fork-goods_abc", false)] {
            writer
                .create_key(&ApiKey {
                    tenant: shop.tenant.clone(),
                    hash: Sha256::digest(key).into(),
                    name: key.into(),
                    publishable,
                    scopes: Vec::new(),
                    created_at: Timestamp::UNIX_EPOCH,
                    revoked_at: None,
                })
                .expect("a key");
        }
        writer.commit().expect("a commit");
        drop(writer);
        shop
    })
    .await
    .expect("keys")
    .behind_a_door();
    let page = get(&shop, "/badge/pk_north-fork-goods_abc/CHAIR-OAK").await;
    page.says("Oak lounge chair Ships by 23 Dec Backorder");
    assert!(page.text.contains(r#""availabilityStarts":"2026-12-23""#), "one date for search engines too");
    for path in [
        "/badge/sk_north-fork-goods_abc/CHAIR-OAK",
        "/badge/pk_north-fork-goods_xyz/CHAIR-OAK",
        "/badge/pk_north-fork-goods_abc/NONE",
        "/badge/x/CHAIR-OAK",
    ] {
        assert_eq!(get(&shop, path).await.response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

/// An order whose customer is asked, after its notices were sent.
async fn asked(shop: &Sample) -> OrderId {
    let drafts = get(shop, "/messages").await;
    post(shop, "/messages/send", &[("which", "all"), ("once", &drafts.hidden("once"))]).await;
    for (order, _) in &shop.orders {
        if get(shop, &shop.path(*order)).await.text.contains("Keep my order") {
            return *order;
        }
    }
    panic!("nobody is asked");
}

#[tokio::test]
async fn a_customer_answers_on_the_orders_page_and_only_there() {
    let shop = full().await;
    let order = asked(&shop).await;
    let path = shop.path(order);
    let page = get(&shop, &path).await;
    page.says("is the new date all right?");
    let fields = [
        ("once", page.hidden("once")),
        ("notice", page.hidden("notice")),
        ("version", page.hidden("version")),
        ("answer", "keep".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    let other = shop.orders.iter().find(|(id, _)| *id != order).expect("another order").0;
    let foreign = post(&shop, &format!("{}/answer", shop.path(other)), &fields).await;
    assert_eq!(foreign.response.status(), StatusCode::BAD_REQUEST, "another order's link answers nothing");
    let kept = post(&shop, &format!("{path}/answer"), &fields).await;
    assert_eq!(kept.header(header::LOCATION), format!("{path}?kept=1"));
    let after = get(&shop, &format!("{path}?kept=1")).await;
    after.says("Thank you: we keep it for you, for the new date.");
    let mut twice = fields.clone();
    twice[0].1 = "00000000000000000000000000000000";
    twice[3].1 = "cancel";
    let refused = post(&shop, &format!("{path}/answer"), &twice).await;
    assert!(
        refused.response.status() == StatusCode::CONFLICT
            || refused.response.status() == StatusCode::SEE_OTHER
    );
}

/// The sample shop, with chairs that are paid for so.
async fn chairs_paid_for(terms: serde_json::Value) -> Sample {
    let made = tokio::task::spawn_blocking(|| {
        let shop = Sample::full();
        let policy = Policy {
            when_out: WhenOut::Backorder,
            payment: Some(serde_json::from_value(terms).expect("terms")),
            ..Policy::default()
        };
        let (sku, channel) = (Sku::stored("CHAIR-OAK"), Channel::default());
        shop.run(crate::sample::NOW, Command::PutPolicy(PutPolicy { sku, channel, policy, if_match: None }));
        shop
    });
    made.await.expect("a shop")
}

/// Scenario 16: whoever charges now for a long wait sees what that risks where it is set.
#[tokio::test]
async fn a_policy_that_charges_now_for_a_long_wait_shows_its_risks() {
    let shop = chairs_paid_for(serde_json::json!({"kind": "full"})).await;
    let page = get(&shop, "/products/CHAIR-OAK").await;
    page.says("It is paid in full when it is ordered.");
    page.says("bank may take the money back because the goods did not come");
    page.says("The buyer must have agreed to pay before the goods ship");
    let shop = chairs_paid_for(serde_json::json!({"kind": "charge_on_ship"})).await;
    let page = get(&shop, "/products/CHAIR-OAK").await;
    page.says("A card is saved when it is ordered and charged when it ships.");
    page.says("The charge may fail when the goods ship");
    assert!(!page.text.contains("may take the money back"));
}

/// Scenario 42: the checkout says when how much is taken and how money comes back, and the mail that confirms the order says the same.
#[tokio::test]
async fn the_terms_stand_in_the_checkout_and_in_the_mail_that_confirms_the_order() {
    let terms = serde_json::json!({"kind": "deposit", "deposit_percent": 20, "balance": "on_ship", "provider": "manual"});
    let shop = chairs_paid_for(terms).await;
    let added = post(&shop, "/cart", &[("act", "add"), ("sku", "CHAIR-OAK"), ("quantity", "1")]).await;
    let cart = cookie(&added);
    let terms = |country: &'static str| -> Vec<&'static str> {
        let mut terms = vec![
            "$97.80 when you order",
            "$391.20 when it ships",
            "You can cancel free of charge until it ships; what you paid goes back by the way it came.",
        ];
        if country == "DE" {
            terms.push("You can withdraw within 14 days after you have it, without a reason.");
        }
        terms
    };
    for country in ["US", "DE"] {
        let page = with_cart(&shop, "GET", &format!("/checkout?country={country}"), &cart, &[]).await;
        for words in terms(country) {
            page.says(words);
        }
        assert_eq!(page.text.contains("without a reason"), country == "DE", "{country}");
    }
    let page = with_cart(&shop, "GET", "/checkout?country=DE", &cart, &[]).await;
    let once = page.hidden("once");
    let fields = [
        ("once", &*once),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("country", "DE"),
        ("ship", "as_available"),
    ];
    let placed = with_cart(&shop, "POST", "/checkout", &cart, &fields).await;
    assert_eq!(placed.response.status(), StatusCode::SEE_OTHER, "{}", placed.words());
    let mail = get(&shop, "/outbox").await;
    for words in terms("DE") {
        mail.says(words);
    }
}
