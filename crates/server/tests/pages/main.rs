//! Pages as a browser gets them: what they say, what they never do, and that what stands in data stays data.

mod bulk;
mod desk;
mod insights;
mod packing;
mod purchasing;
mod routes;
mod sample;
mod settings;
mod staff;
mod storefront;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use sample::Sample;
use tower::ServiceExt;

/// A page as it came: status, headers and text.
struct Page {
    response: Response<()>,
    text: String,
}

impl Page {
    fn header(&self, name: header::HeaderName) -> &str {
        self.response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text without markup and with single blanks, as a person reads it.
    fn words(&self) -> String {
        let mut words = String::new();
        let mut is_tag = false;
        for letter in self.text.chars() {
            match letter {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    words.push(' ');
                }
                _ if !is_tag => words.push(letter),
                _ => {}
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn says(&self, text: &str) {
        let words = self.words();
        assert!(words.contains(text), "{text:?} is not in: {words}");
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&mark).unwrap_or_else(|| panic!("no field {name}"));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

async fn send(shop: &Sample, request: Request<Body>) -> Page {
    let router: Router = server::router(shop.app.clone());
    let (parts, body) = router.oneshot(request).await.expect("an answer").into_parts();
    let bytes = to_bytes(body, 10_000_000).await.expect("a body");
    Page { response: Response::from_parts(parts, ()), text: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn get(shop: &Sample, path: &str) -> Page {
    send(shop, Request::get(path).body(Body::empty()).expect("a request")).await
}

/// Fields as a browser sends them.
fn form_body(fields: &[(&str, &str)]) -> Body {
    let encode = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    Body::from(fields.join("&"))
}

async fn post(shop: &Sample, path: &str, fields: &[(&str, &str)]) -> Page {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form_body(fields))
        .expect("a request");
    send(shop, request).await
}

/// Starting an engine and running commands blocks: not on a runtime's own thread.
async fn full() -> Sample {
    tokio::task::spawn_blocking(Sample::full).await.expect("a shop")
}

async fn empty() -> Sample {
    tokio::task::spawn_blocking(Sample::empty).await.expect("a shop")
}

#[tokio::test]
async fn the_overview_counts_what_is_owed() {
    let shop = full().await;
    let page = get(&shop, "/").await;
    assert_eq!(page.response.status(), StatusCode::OK);
    for text in [
        "Orders owed 14 25 open lines",
        "Units owed 57 43 here, kits by their components",
        "Money owed $13,207.00",
        "Late promises 1 in 1 order",
        "Wool runner, small No goods RUG-S 4 1",
        "Oak lounge chair CHAIR-OAK 11 10 10 $5,379.00 23 Dec",
        "17 Dec Oak lounge chair 24 Purchase order · Alder &#38; Pine · PO-312 · ships by 23 Dec 11 promised 13 free",
        "#1002 Ada #1003 Grace #1004 Alan and 7 more",
        "18 Jan 2027 2 1",
    ] {
        page.says(text);
    }
}

#[tokio::test]
async fn an_overview_follows_the_next_order() {
    let mut shop = full().await;
    get(&shop, "/").await.says("Orders owed 14");
    let shop = tokio::task::spawn_blocking(move || {
        shop.order("2026-11-23T15:00:00Z", "Ada Lovelace", &[("KETTLE-01", 1)]);
        shop
    });
    get(&shop.await.expect("a shop"), "/").await.says("Orders owed 15");
}

#[tokio::test]
async fn empty_pages_say_what_to_do() {
    let shop = empty().await;
    get(&shop, "/").await.says("Nothing is owed Place an order in the shop");
    get(&shop, "/").await.says("Nothing is on its way Enter a purchase order");
    get(&shop, "/shop").await.says("No products here Import some with");
    get(&shop, "/outbox").await.says("No messages yet Order something in the shop");
    get(&shop, "/shop?after=Z").await.says("The list ends here");
}

#[tokio::test]
async fn products_show_one_honest_date() {
    let shop = full().await;
    let list = get(&shop, "/shop").await;
    for text in ["Oak lounge chair $489.00 Backorder Ships by 23 Dec", "Pour-over kettle $69.00 In stock"] {
        list.says(text);
    }
    get(&shop, "/shop/LAMP-BRASS?quantity=8")
        .await
        .says("Backorder 5 now, 3 by 16 Dec All of it with you by");
    get(&shop, "/shop/SPEAKER-2").await.says("Pre-order Ships by 18 Jan 2027");
    let here = get(&shop, "/shop/KETTLE-01").await;
    here.says("In stock In stock Ships by 24 Nov");
    assert!(!here.words().to_lowercase().contains("backorder"), "in stock never says backorder");
    let out = get(&shop, "/shop/TRAY-L").await;
    out.says("Out of stock");
    assert!(!out.text.contains("<form"), "what cannot be had has no form");
    assert_eq!(get(&shop, "/shop/NOPE").await.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_and_the_data_in_it_name_the_same_date() {
    let shop = full().await;
    let page = get(&shop, "/shop/CHAIR-OAK").await;
    let (_, rest) = page.text.split_once("application/ld+json\">").expect("data");
    let json = rest.split("</script>").next().expect("an end");
    let data: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(data["offers"]["availability"], "https://schema.org/BackOrder");
    assert_eq!(data["offers"]["availabilityStarts"], "2026-12-23");
    assert_eq!(page.hidden("shown"), "2026-12-23");
    page.says("Ships by 23 Dec");
    assert_eq!(
        (&data["offers"]["price"], &data["offers"]["priceCurrency"]),
        (&"489.00".into(), &"USD".into())
    );
}

#[tokio::test]
async fn what_stands_in_data_stays_data() {
    let mut shop = full().await;
    let order = shop.orders[13].0;
    let path = shop.path(order);
    for path in ["/shop", "/shop/ODD%2F1", "/outbox", &path] {
        let page = get(&shop, path).await;
        assert_eq!(page.response.status(), StatusCode::OK, "{path}");
        assert!(page.text.contains("alert(1)"), "{path}");
        assert!(!page.text.contains("<script>"), "{path}");
    }
    let page = get(&shop, "/shop/ODD%2F1").await;
    assert!(
        page.text.contains(r"Cups \u003cscript\u003ealert(1)\u003c/script\u003e \u0026"),
        "{}",
        page.text
    );
    let sent = [("quantity", "1"), ("name", "\"><b>x"), ("email", "no"), ("country", "<i>")];
    let page = post(&shop, "/shop/ODD%2F1", &sent).await;
    assert!(!page.text.contains("<b>x") && !page.text.contains("<i>"));
    shop.orders.clear();
}

#[tokio::test]
async fn pages_load_only_what_is_ours_and_are_not_kept() {
    let shop = full().await;
    let status = shop.path(shop.orders[0].0);
    for path in ["/", "/shop", "/shop/CHAIR-OAK", "/outbox", &status, "/o/wrong"] {
        let page = get(&shop, path).await;
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(page.header(header::REFERRER_POLICY), "same-origin");
        assert!(!page.text.contains(" style=\"") && !page.text.contains(" onclick"), "{path}");
        assert!(page.text.contains("<main id=\"main\"") && page.text.contains("lang=\"en\""), "{path}");
        assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
    }
    let page = get(&shop, "/").await;
    let (_, rest) = page.text.split_once("stylesheet\" href=\"").expect("a style sheet");
    let style = get(&shop, rest.split('"').next().expect("an address")).await;
    assert_eq!(style.header(header::CONTENT_TYPE), "text/css; charset=utf-8");
    assert!(style.header(header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(get(&shop, "/assets/style-000000000000.css").await.response.status(), StatusCode::NOT_FOUND);
}

const ADA: [(&str, &str); 4] =
    [("name", "Ada Lovelace"), ("email", "ada@example.com"), ("country", "US"), ("ship", "as_available")];

#[tokio::test]
async fn an_order_placed_twice_is_placed_once_and_leads_to_its_page() {
    let shop = full().await;
    let page = get(&shop, "/shop/KETTLE-01").await;
    let (once, shown) = (page.hidden("once"), page.hidden("shown"));
    let mut fields = vec![("once", &*once), ("shown", &*shown), ("quantity", "2")];
    fields.extend(ADA);
    let first = post(&shop, "/shop/KETTLE-01", &fields).await;
    assert_eq!(first.response.status(), StatusCode::SEE_OTHER, "{}", first.words());
    let to = first.header(header::LOCATION).to_owned();
    assert_eq!(post(&shop, "/shop/KETTLE-01", &fields).await.header(header::LOCATION), to);
    let status = get(&shop, &to).await;
    status.says("Thank you. Your order is placed");
    status.says("Hello Ada. Order");
    status.says("Ships by 24 Nov");
    status.says("Pour-over kettle 2 units · $69.00 each In our warehouse");
    assert!(!status.text.contains("ada@example.com") && !status.text.contains("Lovelace"));
    get(&shop, "/").await.says("Orders owed 15");
    let mail = get(&shop, "/outbox").await;
    mail.says("To Ada Lovelace &#60;ada@example.com&#62;");
    mail.says("2 × Pour-over kettle: ships by 24 November 2026");
    assert!(mail.text.contains(to.trim_end_matches("?placed=1")));
    fields[2] = ("quantity", "3");
    let other = post(&shop, "/shop/KETTLE-01", &fields).await;
    other.says("This form was sent before with other details");
    assert_ne!(other.hidden("once"), once);
}

#[tokio::test]
async fn a_form_says_beside_the_field_what_could_be_had_instead() {
    let shop = full().await;
    let wrong = [("quantity", "0"), ("name", " "), ("email", "ada"), ("country", "ZZ")];
    let page = post(&shop, "/shop/KETTLE-01", &wrong).await;
    assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for text in [
        "Please enter a whole number from 1 to 1,000,000.",
        "Please choose a country",
        "Please enter your name.",
        "Please enter an e-mail address",
    ] {
        page.says(text);
    }
    assert!(page.text.contains("aria-invalid=\"true\" aria-describedby=\"quantity-error\""));
    let mut many = vec![("quantity", "40")];
    many.extend(ADA);
    let page = post(&shop, "/shop/CHAIR-OAK", &many).await;
    assert_eq!(page.response.status(), StatusCode::CONFLICT);
    page.says("We cannot promise 40 right now. You can have 13.");
    assert_eq!(page.text.matches("value=\"ada@example.com\"").count(), 1, "what was typed is kept");
}

#[tokio::test]
async fn nobody_orders_a_date_they_did_not_see() {
    let shop = full().await;
    let page = get(&shop, "/shop/LAMP-BRASS").await;
    let (once, shown) = (page.hidden("once"), page.hidden("shown"));
    let mut fields = vec![("once", &*once), ("shown", &*shown), ("quantity", "8")];
    fields.extend(ADA);
    let page = post(&shop, "/shop/LAMP-BRASS", &fields).await;
    assert_eq!(page.response.status(), StatusCode::CONFLICT);
    page.says("8 units would ship by 16 Dec, not 24 Nov. If that is fine, please send the form again.");
    let (once, shown) = (page.hidden("once"), page.hidden("shown"));
    (fields[0], fields[1]) = (("once", &*once), ("shown", &*shown));
    assert_eq!(post(&shop, "/shop/LAMP-BRASS", &fields).await.response.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn looking_and_checking_change_nothing() {
    let shop = full().await;
    let newest = || shop.app.engine.store().reader().and_then(|mut reader| reader.last_event(&shop.tenant));
    let before = newest().expect("a number");
    let status = shop.path(shop.orders[0].0);
    for path in
        ["/", "/shop", "/shop/CHAIR-OAK?quantity=3&country=CA", &status, &format!("{status}?cancelled=1")]
    {
        get(&shop, path).await;
    }
    assert_ne!(get(&shop, &format!("{status}/cancel")).await.response.status(), StatusCode::OK);
    let check = [("act", "check"), ("quantity", "14"), ("country", "CA"), ("email", "")];
    let page = post(&shop, "/shop/CHAIR-OAK", &check).await;
    assert_eq!(page.response.status(), StatusCode::OK);
    page.says("Backorder Ships by 23 Dec");
    page.says("We cannot promise 14 right now. You can have 13.");
    assert_eq!(newest().expect("a number"), before);
}

#[tokio::test]
async fn an_orders_page_tells_what_moved_and_why() {
    let shop = full().await;
    let page = get(&shop, &shop.path(shop.orders[1].0)).await;
    for text in [
        "Hello Ada. Order #1002, placed 22 Oct",
        "Ships by 23 Dec Part of it is in our warehouse already. It should be with you by 29 Dec.",
        "Later than we told you: before, 9 Dec → now, 23 Dec , as the delivery we count on has a new date.",
        "1 on the way to us ships by 23 Dec , with you by 29 Dec",
        "You are first in line for these goods.",
        "Every date we gave",
        "22 Oct Ships by 9 Dec, with you by 15 Dec When you ordered",
        "Cancel the whole order",
    ] {
        page.says(text);
    }
    get(&shop, &shop.path(shop.orders[0].0)).await.says("5 in our warehouse ships by 24 Nov");
    get(&shop, &shop.path(shop.orders[4].0))
        .await
        .says("Number 4 in line for these goods, and yours are counted in.");
    let short = get(&shop, &shop.path(shop.orders[12].0)).await;
    short.says("No date yet The goods we counted on are not coming.");
    short.says("4 without goods so far");
    assert!(!short.words().contains("in line for"), "there are no goods to stand in line for");
    get(&shop, &shop.path(shop.orders[13].0))
        .await
        .says("On its way Everything in this order has been sent.");
}

#[tokio::test]
async fn units_are_called_off_by_a_post_and_once() {
    let shop = full().await;
    let path = shop.path(shop.orders[0].0);
    let page = get(&shop, &path).await;
    let (once, line) = (page.hidden("once"), page.hidden("line"));
    let to = format!("{path}/cancel");
    let fields = [("once", &*once), ("line", &*line), ("quantity", "2"), ("reason", "too many")];
    for _ in 0..2 {
        let done = post(&shop, &to, &fields).await;
        assert_eq!(done.response.status(), StatusCode::SEE_OTHER);
        assert_eq!(done.header(header::LOCATION), format!("{path}?cancelled=1"));
    }
    let page = get(&shop, &format!("{path}?cancelled=1")).await;
    page.says("Done. What you called off is cancelled.");
    page.says("Brass reading lamp 5 units · $149.00 each · 2 cancelled");
    let fields = [("line", "all"), ("quantity", "")];
    assert_eq!(post(&shop, &to, &fields).await.response.status(), StatusCode::SEE_OTHER);
    get(&shop, &path).await.says("Cancelled Nothing of this order will be sent.");
    let again = post(&shop, &to, &fields).await;
    assert_eq!(again.response.status(), StatusCode::CONFLICT);
    again.says("That is cancelled already.");
    let others = format!("{}-1", shop.orders[1].0);
    let other = post(&shop, &to, &[("line", &*others), ("quantity", "1")]).await;
    assert_eq!(other.response.status(), StatusCode::BAD_REQUEST, "a link is for its own order");
    let sent = shop.path(shop.orders[13].0);
    let late = post(&shop, &format!("{sent}/cancel"), &[("line", "all")]).await;
    late.says("That has left our warehouse already");
}

#[tokio::test]
async fn wrong_and_old_links_lead_to_a_friendly_page() {
    let shop = full().await;
    let path = shop.path(shop.orders[0].0);
    let cut = &path[..path.len() - 1];
    for path in ["/o/x", cut] {
        let page = get(&shop, path).await;
        assert_eq!(page.response.status(), StatusCode::NOT_FOUND);
        page.says("This link does not work");
    }
    let later = Request::get(&path).header("Shipwhen-Now", "2028-06-01T00:00:00Z").body(Body::empty());
    send(&shop, later.expect("a request")).await.says("its time is over");
}
