//! Settings: a form sends what the API takes, says what is wrong beside it, and loses nobody's change.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::{Page, full, get, post, sample::Sample, send};

#[tokio::test]
async fn the_overview_says_what_is_still_open() {
    let shop = full().await;
    let page = get(&shop, "/settings").await;
    for text in [
        "Locations 1 place: calendars, cut-offs, transit",
        "Webhooks 0 addresses are told of what happens",
        "Mail Goes into the test outbox",
        "A location Where goods are packed, with its calendar Set",
        "A domain Start the server with --public-url",
        "A key For the shop’s own systems, and one for its pages Open",
    ] {
        page.says(text);
    }
    get(&shop, "/settings/mail").await.says("To send for real, start the server with --smtp-url");
}

#[tokio::test]
async fn a_location_is_described_and_a_change_of_somebody_else_is_not_lost() {
    let shop = full().await;
    get(&shop, "/settings/locations").await.says("main");
    let form = get(&shop, "/settings/locations/main").await;
    let seen = form.hidden("seen").replace("&#34;", "\"");
    let wish = |transit: &'static str, cutoff: &'static str| {
        vec![
            ("name", "Main hall"),
            ("time_zone", "America/New_York"),
            ("mon", "1"),
            ("sat", "1"),
            ("cutoff", cutoff),
            ("handling_days", "2"),
            ("dock_to_stock_days", ""),
            ("holidays", "2026-12-25, 2026-12-26"),
            ("transit", transit),
        ]
    };
    let path = "/settings/locations/main";
    let mut wrong = wish("US standard 5-2", "14:00");
    wrong.push(("seen", &seen));
    let page = post(&shop, path, &wrong).await;
    assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    page.says("Transit, row 1, days max: less than days_min.");
    assert!(page.text.contains("US standard 5-2"), "what was typed is kept");
    let mut wrong = wish("US standard soon", "14:00");
    wrong.push(("seen", &seen));
    post(&shop, path, &wrong).await.says("“US standard soon” is no transit");
    let mut fine = wish("US standard 2-5 4.90 USD\n* standard 7-12", "15:30");
    fine.push(("seen", &seen));
    let saved = post(&shop, path, &fine).await;
    assert_eq!(saved.response.status(), StatusCode::SEE_OTHER, "{}", saved.words());
    let page = get(&shop, saved.header(header::LOCATION)).await;
    page.says("Saved. It holds from now on.");
    for text in [
        "US standard 2-5 4.90 USD\n* standard 7-12",
        "2026-12-25\n2026-12-26",
        "value=\"15:30\"",
        "Main hall",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    let stale = post(&shop, path, &fine).await;
    assert_eq!(stale.response.status(), StatusCode::CONFLICT);
    stale.says("Somebody changed it while you were looking.");
    // A new one, once.
    let mut new = wish("", "14:00");
    new.push(("id", "east"));
    let made = post(&shop, "/settings/locations/new", &new).await;
    assert_eq!(made.header(header::LOCATION), "/settings/locations/east?saved=1", "{}", made.words());
    let twice = post(&shop, "/settings/locations/new", &new).await;
    assert_eq!(twice.response.status(), StatusCode::CONFLICT);
    twice.says("There is a location east already.");
    assert_eq!(get(&shop, "/settings/locations/west").await.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(post(&shop, "/settings/locations/west", &new).await.response.status(), StatusCode::NOT_FOUND);
}

async fn asked(shop: &Sample, key: &str, path: &str) -> StatusCode {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {key}"));
    send(shop, request.body(Body::empty()).expect("a request")).await.response.status()
}

fn made(page: &Page) -> String {
    let (_, rest) = page.text.split_once("<code class=\"link\">").expect("a key");
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_key_is_shown_once_works_as_far_as_its_scopes_and_is_taken_back() {
    let shop = full().await;
    let path = "/settings/keys";
    get(&shop, path).await.says("No keys yet");
    let none = post(&shop, path, &[("act", "create"), ("kind", "secret")]).await;
    assert_eq!(none.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    none.says("Please choose what the key may do.");
    let page = post(&shop, path, &[("act", "create"), ("kind", "secret"), ("orders:read", "1")]).await;
    page.says("it is shown this once");
    let key = made(&page);
    assert!(key.starts_with("sk_north-fork-goods_") && key.len() > 60, "{key}");
    assert_eq!(asked(&shop, &key, "/v1/orders").await, StatusCode::OK);
    assert_eq!(asked(&shop, &key, "/v1/events").await, StatusCode::FORBIDDEN);
    let list = get(&shop, path).await;
    assert!(!list.text.contains(&key), "and never again");
    list.says("Secret orders:read");
    let other = made(&post(&shop, path, &[("act", "create"), ("kind", "publishable"), ("all", "1")]).await);
    assert!(other.starts_with("pk_") && other[20..] != key[20..]);
    // A secret scope on a publishable key is no choice.
    let secret = [("act", "create"), ("kind", "publishable"), ("events:read", "1")];
    assert_eq!(post(&shop, path, &secret).await.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let name = list.hidden("name");
    assert!(key.starts_with(&name));
    let revoke = [("act", "revoke"), ("name", &*name)];
    assert_eq!(post(&shop, path, &revoke).await.response.status(), StatusCode::SEE_OTHER);
    assert_eq!(asked(&shop, &key, "/v1/orders").await, StatusCode::UNAUTHORIZED);
    let twice = post(&shop, path, &revoke).await;
    assert_eq!(twice.response.status(), StatusCode::CONFLICT);
    twice.says("somebody has taken it back already");
}

#[tokio::test]
async fn a_webhook_is_added_switched_told_again_and_removed() {
    let shop = full().await;
    let path = "/settings/webhooks";
    get(&shop, path).await.says("Nobody is told yet");
    let wrong =
        post(&shop, path, &[("act", "add"), ("url", "http://127.0.0.1/x"), ("events", "order_placed, x")])
            .await;
    assert_eq!(wrong.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says("Url: is inside the server&#39;s own network");
    wrong.says("Events, row 2: there is no event &#34;x&#34;.");
    let fields =
        [("act", "add"), ("url", "https://example.com/hook"), ("events", "order_placed"), ("note", "ERP")];
    let added = post(&shop, path, &fields).await;
    assert!(made(&added).starts_with("whsec_"));
    let list = get(&shop, path).await;
    list.says("https://example.com/hook ERP order_placed On");
    assert!(!list.text.contains("whsec_"));
    let (_, id) = list.text.split_once("/settings/webhooks/wh_").expect("a link");
    let id = format!("wh_{}", id.split('"').next().unwrap_or_default());
    let one = format!("{path}/{id}");
    get(&shop, &one).await.says("Everything was delivered");
    let replay = [("act", "replay"), ("id", &*id), ("after", "0"), ("to", "")];
    post(&shop, path, &replay).await.says("entries are told again, up to number");
    let odd = post(&shop, path, &[("act", "replay"), ("id", &*id), ("after", "x")]).await;
    odd.says("After: please enter a whole number.");
    get(&shop, &one).await.says("order_placed replay after 0 tries");
    post(&shop, path, &[("act", "off"), ("id", &*id)]).await;
    get(&shop, path).await.says("order_placed Off");
    let turned = post(&shop, path, &[("act", "secret"), ("id", &*id)]).await;
    assert_ne!(made(&turned), made(&added));
    assert_eq!(
        post(&shop, path, &[("act", "remove"), ("id", &*id)]).await.response.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(get(&shop, &one).await.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        post(&shop, path, &[("act", "remove"), ("id", &*id)]).await.response.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_law_profile_is_kept_and_the_second_of_two_is_told() {
    let shop = full().await;
    let path = "/settings/notices";
    let form = get(&shop, path).await;
    let seen = form.hidden("seen");
    let wish = |seen: &'static str, days: &'static str| {
        vec![
            ("automatic", "at_once"),
            ("eu", "1"),
            ("silent_days", days),
            ("notice_lead_days", "3"),
            ("seen", seen),
        ]
    };
    let seen: &'static str = seen.leak();
    let wrong = post(&shop, path, &wish(seen, "soon")).await;
    assert_eq!(wrong.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says("Silent days: please enter a whole number.");
    let wrong = post(&shop, path, &wish(seen, "0")).await;
    wrong.says("Silent days: not from 1 to");
    let saved = post(&shop, path, &wish(seen, "")).await;
    assert_eq!(saved.header(header::LOCATION), "/settings/notices?saved=1", "{}", saved.words());
    let page = get(&shop, "/settings/notices?saved=1").await;
    page.says("Saved.");
    assert!(page.text.contains("name=\"eu\" value=\"1\" checked"));
    assert!(page.text.contains("value=\"at_once\" checked"));
    let late = post(&shop, path, &wish(seen, "20")).await;
    assert_eq!(late.response.status(), StatusCode::CONFLICT);
    late.says("Somebody changed it while you were looking.");
}
