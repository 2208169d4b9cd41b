//! The staff app: what its pages say, that a change is shown before it is done and can be undone, that the second of two is
//! told, and that nobody sees another shop.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use ledger::Tenant;
use model::{
    command::{Command, KeepPrivate},
    id::TenantId,
    record::Record,
    time::Timestamp,
};
use serde_json::{Value, json};
use server::staff::{Door, Role};

use crate::{
    Page, form_body, full, get, post,
    sample::{NOW, Sample},
    send,
};

/// The value of the first link that begins so.
fn link(page: &Page, begins: &str) -> String {
    let mark = format!("href=\"{begins}");
    let (_, rest) = page.text.split_once(&mark).unwrap_or_else(|| panic!("no link to {begins}"));
    format!("{begins}{}", rest.split('"').next().unwrap_or_default())
}

/// The page of the delivery with that number.
async fn delivery(shop: &Sample, number: &str) -> String {
    let list = get(shop, "/supply?show=all").await;
    let (before, _) = list.text.split_once(number).unwrap_or_else(|| panic!("no delivery {number}"));
    let (_, last) = before.rsplit_once("href=\"/supply/").expect("a link before its number");
    format!("/supply/{}", last.split('"').next().unwrap_or_default())
}

#[tokio::test]
async fn today_says_what_to_do_first() {
    let shop = full().await;
    let page = get(&shop, "/").await;
    for text in [
        "No goods 4 units promised without goods In 1 line.",
        "messages to customers are due",
        "will ship later than we said",
        "What we owe Orders owed 14",
    ] {
        page.says(text);
    }
    page.says("See who waits");
    assert!(page.text.contains("href=\"/messages\""));
}

#[tokio::test]
async fn a_slip_is_shown_before_it_is_done_and_taken_back_after() {
    let shop = full().await;
    let path = delivery(&shop, "PO-312").await;
    let page = get(&shop, &path).await;
    for text in [
        "Oak lounge chair",
        "It is expected on 17 Dec. 3 days are added for lateness",
        "1 #1002 Ada Lovelace",
    ] {
        page.says(text);
    }
    let before = get(&shop, "/backlog?sku=CHAIR-OAK").await;
    before.says(
        "1 #1002 Ada Lovelace Oak lounge chair for purchase order PO-312 from Alder &#38; Pine 1 23 Dec",
    );
    let wish = "act=slip&expected_on=2027-01-11&quantity=24&rule=max_min";
    let preview = get(&shop, &format!("{path}/preview?{wish}")).await;
    for text in [
        "New date 11 Jan 2027 Nothing is done yet",
        "Lines that ship later 10",
        "By the rule that is set who has fewest first",
        "Money that waits longer $5,379.00",
        "#1002 Broken Oak lounge chair.",
    ] {
        preview.says(text);
    }
    let unchanged = get(&shop, "/backlog?sku=CHAIR-OAK").await;
    assert_eq!(unchanged.words(), before.words(), "a preview changes nothing");

    let (seen, once) = (preview.hidden("seen"), preview.hidden("once"));
    let fields = [
        ("act", "slip"),
        ("expected_on", "2027-01-11"),
        ("quantity", "24"),
        ("seen", &seen),
        ("once", &once),
    ];
    let done = post(&shop, &format!("{path}/confirm"), &fields).await;
    done.says("Done New date 11 Jan 2027: done.");
    let again = post(&shop, &format!("{path}/confirm"), &fields).await;
    assert!(again.response.status().is_success() || again.response.status() == StatusCode::SEE_OTHER);
    get(&shop, &path).await.says("It is expected on 11 Jan 2027.");

    let undo =
        [("run", &*done.hidden("run")), ("supply", &*done.hidden("supply")), ("once", &*done.hidden("once"))];
    post(&shop, "/supply/undo", &undo).await.says("Undone Everything is as it was before");
    get(&shop, &path).await.says("It is expected on 17 Dec.");
    let twice = post(&shop, "/supply/undo", &[undo[0], undo[1], ("once", &"0".repeat(32))]).await;
    assert_eq!(twice.response.status(), StatusCode::CONFLICT);
    twice.says("Not undone Somebody has undone it already.");
}

#[tokio::test]
async fn the_second_of_two_is_told_and_nothing_is_done_twice() {
    let shop = full().await;
    let path = delivery(&shop, "PO-312").await;
    let mine = get(&shop, &format!("{path}/preview?act=slip&expected_on=2026-12-31")).await;
    let theirs = get(&shop, &format!("{path}/preview?act=receive&accepted=20&damaged=3&close=true")).await;
    theirs.says("Receive 20 good and 3 damaged; the other 1 will not come");
    let fields = [
        ("act", "receive"),
        ("accepted", "20"),
        ("damaged", "3"),
        ("close", "true"),
        ("seen", &*theirs.hidden("seen")),
        ("once", &*theirs.hidden("once")),
    ];
    let done = post(&shop, &format!("{path}/confirm"), &fields).await;
    for text in ["3 units are set apart as damaged", "11 units went to customers who waited", "#1002 × 1"] {
        done.says(text);
    }
    let fields = [
        ("act", "slip"),
        ("expected_on", "2026-12-31"),
        ("seen", &*mine.hidden("seen")),
        ("once", &*mine.hidden("once")),
    ];
    let late = post(&shop, &format!("{path}/confirm"), &fields).await;
    assert_eq!(late.response.status(), StatusCode::CONFLICT);
    late.says("Somebody has received it already. Nothing was done a second time.");

    let path = delivery(&shop, "PO-318").await;
    let first = get(&shop, &format!("{path}/preview?act=slip&expected_on=2026-12-20")).await;
    let second = get(&shop, &format!("{path}/preview?act=slip&expected_on=2026-12-31")).await;
    for (page, date, status) in
        [(first, "2026-12-20", StatusCode::OK), (second, "2026-12-31", StatusCode::CONFLICT)]
    {
        let fields = [
            ("act", "slip"),
            ("expected_on", date),
            ("seen", &*page.hidden("seen")),
            ("once", &*page.hidden("once")),
        ];
        let answer = post(&shop, &format!("{path}/confirm"), &fields).await;
        assert_eq!(answer.response.status(), status, "{date}");
        if status == StatusCode::CONFLICT {
            answer.says("Somebody changed this delivery while you were looking, so nothing was done.");
        }
    }
    get(&shop, &path).await.says("It is expected on 20 Dec.");
}

#[tokio::test]
async fn of_a_delivery_some_are_kept_for_a_channel_and_the_second_of_two_is_told() {
    let shop = full().await;
    let path = delivery(&shop, "PO-312").await;
    let page = get(&shop, &path).await;
    let keep = |channel: &'static str, units: &'static str, seen: String| {
        let (shop, path) = (&shop, format!("{path}/fence"));
        async move { post(shop, &path, &[("channel", channel), ("units", units), ("seen", &*seen)]).await }
    };
    let seen = page.hidden("seen");
    let done = keep("fba", "5", seen.clone()).await;
    assert_eq!(done.header(header::LOCATION), path);
    let now = get(&shop, &path).await;
    now.says("5 units are ring-fenced for fba: 0 promised, 5 left.");
    let second = keep("web", "1", seen).await;
    assert_eq!(second.response.status(), StatusCode::CONFLICT);
    second.says("Somebody changed what is ring-fenced while you were typing, so nothing was done.");
    let many = keep("fba", "1000", now.hidden("seen")).await;
    assert_eq!(many.response.status(), StatusCode::CONFLICT);
    many.says("can be ring-fenced for fba, not 1000");
    let unclear = keep("fba", "few", now.hidden("seen")).await;
    assert_eq!(unclear.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    keep("fba", "0", now.hidden("seen")).await;
    assert!(!get(&shop, &path).await.text.contains("ring-fenced for fba"));
}

#[tokio::test]
async fn what_cannot_be_is_said_beside_the_form() {
    let shop = full().await;
    let path = delivery(&shop, "PO-312").await;
    for (wish, says) in [
        ("act=receive&accepted=&damaged=", "Please enter how many came"),
        ("act=receive&accepted=x", "whole numbers"),
        ("act=slip&expected_on=soon", "Please give the date as"),
        ("act=slip&expected_on=2026-12-17", "Nothing would change"),
        ("", "Please choose what is to happen"),
    ] {
        let page = get(&shop, &format!("{path}/preview?{wish}")).await;
        assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wish}");
        page.says(says);
    }
    for path in
        ["/supply/none", "/supply/sup_01920000000070008000000000000099", "/orders/x", "/products/NONE"]
    {
        assert_eq!(get(&shop, path).await.response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let new = [("sku", "NONE"), ("location", "main"), ("quantity", "3"), ("once", "")];
    let refused = post(&shop, "/supply", &new).await;
    assert_eq!(refused.response.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_delivery_is_entered_once() {
    let shop = full().await;
    let form = get(&shop, "/supply").await;
    let once = form.hidden("once");
    let new = [
        ("sku", "TRAY-L"),
        ("location", "main"),
        ("quantity", "3"),
        ("expected_on", "2026-12-12"),
        ("reference", "PO-400"),
        ("once", &once),
    ];
    let first = post(&shop, "/supply", &new).await;
    assert_eq!(first.response.status(), StatusCode::SEE_OTHER);
    let second = post(&shop, "/supply", &new).await;
    assert_eq!(second.header(header::LOCATION), first.header(header::LOCATION));
    let list = get(&shop, "/supply?sku=TRAY-L").await;
    assert_eq!(list.words().matches("PO-400").count(), 1);
}

#[tokio::test]
async fn an_order_says_why_and_what_happened() {
    let shop = full().await;
    let found = get(&shop, "/orders?q=%231003").await;
    found.says("#1003 Grace Hopper");
    let order = link(&found, "/orders/ord_");
    let evidence = get(&shop, &format!("{order}/evidence")).await;
    evidence.says("what was promised, said, paid and sent");
    evidence.says("Order placed");
    let page = get(&shop, &order).await;
    assert!(page.text.contains(&format!("{order}/evidence")));
    for text in [
        "Order #1003",
        "from purchase order PO-312 from Alder &#38; Pine , ships by 23 Dec",
        "It is expected on 17 Dec. 3 days are added for lateness, as a buffer that was set. Then 1 working day to put on \
         the shelf and 1 working day to pack. 1 line ordered earlier is before it.",
        "Oak lounge chair: promised to ship by 9 Dec As ordered. The customer was told",
        "Because a delivery got another date or quantity",
        "Order placed",
    ] {
        page.says(text);
    }
    get(&shop, "/orders?q=grace.hopper@example.com").await.says("#1003");
    get(&shop, "/orders?q=nobody@example.com").await.says("No order is found by that");
}

#[tokio::test]
async fn a_policy_is_in_words_and_somebody_elses_change_is_not_lost() {
    let shop = full().await;
    let path = "/products/TRAY-L";
    let page = get(&shop, path).await;
    page.says("When the shelf is empty it is shown as out of stock and not sold.");
    let seen = page.hidden("seen");
    let wish = |seen: &str, when_out: &str| {
        [("when_out", when_out.to_owned()), ("lead_time_days", "10".to_owned()), ("seen", seen.to_owned())]
    };
    let as_fields = |wish: &[(&'static str, String); 3]| -> Vec<(&'static str, String)> { wish.to_vec() };
    let sent = |wish: Vec<(&'static str, String)>, to: &'static str| {
        let shop = &shop;
        async move {
            let fields: Vec<(&str, &str)> = wish.iter().map(|(name, value)| (*name, &**value)).collect();
            post(shop, to, &fields).await
        }
    };
    let preview = sent(as_fields(&wish(&seen, "backorder")), "/products/TRAY-L/preview").await;
    preview.says("A shopper would read Backorder Ships by");
    get(&shop, path).await.says("shown as out of stock and not sold.");
    let saved = sent(as_fields(&wish(&seen, "backorder")), path).await;
    assert_eq!(saved.response.status(), StatusCode::SEE_OTHER);
    get(&shop, path).await.says("it is sold on, with the date on which it ships.");
    let stale = sent(as_fields(&wish(&seen, "waitlist")), path).await;
    assert_eq!(stale.response.status(), StatusCode::CONFLICT);
    stale.says("Somebody changed it while you were looking.");
    stale.says("it is sold on, with the date on which it ships.");
}

#[tokio::test]
async fn messages_are_read_sent_and_listed() {
    let shop = full().await;
    let drafts = get(&shop, "/messages").await;
    drafts.says("To send");
    let sent = post(&shop, "/messages/send", &[("which", "all"), ("once", &drafts.hidden("once"))]).await;
    assert_eq!(sent.response.status(), StatusCode::SEE_OTHER);
    let to = sent.header(header::LOCATION).to_owned();
    assert!(to.starts_with("/messages?sent=") && !to.starts_with("/messages?sent=0"), "{to}");
    get(&shop, &to).await.says("sent.");
    get(&shop, "/messages?state=sent").await.says("Sent");
}

#[tokio::test]
async fn the_backlog_goes_on_where_a_page_ends() {
    let mut shop = full().await;
    let shop = tokio::task::spawn_blocking(move || {
        for nth in 0..60 {
            shop.order("2026-11-22T15:00:00Z", &format!("Buyer {nth}"), &[("SPEAKER-2", 1)]);
        }
        shop
    })
    .await
    .expect("a shop");
    let first = get(&shop, "/backlog?sku=SPEAKER-2").await;
    first.says("50 #");
    let next = link(&first, "/backlog?sku=SPEAKER-2&#38;cursor=").replace("&#38;", "&");
    let second = get(&shop, &next).await;
    second.says("51 #");
    second.says("61 #");
    assert_eq!(get(&shop, "/backlog?cursor=x%0A").await.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_table_is_recognised_tried_and_taken_in_once() {
    let shop = full().await;
    let table = "sku,title,price,currency,when_out\nBELL-1,\"Door <bell>\",45.00,USD,backorder\n,Nameless,1,USD,refuse\n";
    let tried = post(&shop, "/import", &[("table", table)]).await;
    for text in [
        "This is our own list of products Nothing is changed yet",
        "Rows 2 without the header Would go in 1",
        "Bad rows 1 would be left out",
        "3 sku",
        "BELL-1 Door &#60;bell&#62; 45.00 USD backorder",
    ] {
        tried.says(text);
    }
    assert_eq!(get(&shop, "/products/BELL-1").await.response.status(), StatusCode::NOT_FOUND, "only tried");
    let take = [("table", table), ("kind", "skus"), ("act", "take")];
    post(&shop, "/import", &take).await.says("Taken in Rows 2 without the header Went in 1");
    get(&shop, "/products/BELL-1").await.says("Door &#60;bell&#62;");
    post(&shop, "/import", &take).await.says("Went in 0 our own list of products Nothing to do 1");
    for (fields, says) in [
        (&[("table", " ")][..], "Please choose a file, or paste a table"),
        (&[("table", "a,b\n1,2\n")], "Its columns could be of several kinds of table"),
        (&[("table", "a,b\n1,2\n"), ("kind", "skus")], "Missing column: sku"),
        (&[("table", table), ("currency", "X")], "Please give the currency as three letters"),
    ] {
        let page = post(&shop, "/import", fields).await;
        assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{says}");
        page.says(says);
    }
}

#[tokio::test]
async fn a_customer_has_their_orders_and_words_on_one_page() {
    let shop = full().await;
    get(&shop, "/customers").await.says("Whose orders?");
    let page = get(&shop, "/customers?q=Ada.Lovelace@example.com").await;
    page.says("#1001");
    assert!(!page.text.contains("Grace") && !page.text.contains("#1003"), "somebody else's order");
    let status = shop.path(shop.orders[0].0);
    post(&shop, &format!("{status}/message"), &[("text", "Will it be here before Christmas?")]).await;
    let page = get(&shop, "/customers?q=ada.lovelace@example.com").await;
    page.says("They wrote New");
    page.says("Will it be here before Christmas?");
    get(&shop, "/").await.says("A customer wrote");
    let (order, once) = (page.hidden("order"), page.hidden("once"));
    let answer = [
        ("q", "ada.lovelace@example.com"),
        ("order", &*order),
        ("once", &*once),
        ("text", "Yes, by the 20th."),
    ];
    // Read without an answer, it is gone from Today at once.
    post(&shop, &format!("{status}/message"), &[("text", "Thank you!")]).await;
    get(&shop, "/").await.says("2 messages from customers are unread");
    shop.spawn_run("2026-11-23T15:30:00Z", Command::MarkRead(shop.orders[0].0)).await;
    assert!(!get(&shop, "/").await.words().contains("unread"));
    post(&shop, &format!("{status}/message"), &[("text", "One more thing.")]).await;
    for _ in 0..2 {
        let done = post(&shop, "/customers", &answer).await;
        assert_eq!(done.response.status(), StatusCode::SEE_OTHER, "{}", done.words());
    }
    let page = get(&shop, "/customers?q=ada.lovelace@example.com").await;
    page.says("We answered");
    assert_eq!(page.text.matches("Yes, by the 20th.").count(), 1, "once");
    assert!(!page.text.contains("name=\"order\""), "nothing is unread");
    assert!(!get(&shop, "/").await.words().contains("A customer wrote"));
    get(&shop, &status).await.says("Yes, by the 20th.");
    get(&shop, "/customers?q=nobody@example.com").await.says("No order of that address");
    let unclear = get(&shop, "/customers?q=Ada").await;
    assert_eq!(unclear.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    unclear.says("Please give the customer’s whole e-mail address.");
}

#[tokio::test]
async fn today_says_that_mail_and_webhooks_are_in_trouble() {
    let shop = full().await;
    let mail =
        json!({"kind": "notice", "queued_at": "2026-11-22T15:00:00Z", "tries": 9, "failure": "expired"});
    let old =
        json!({"kind": "notice", "queued_at": "2026-10-01T15:00:00Z", "tries": 9, "failure": "expired"});
    let failed = |id: &str, mail: &Value| Record {
        state: "failed".into(),
        ..Record::new("mail", id, mail).expect("a record")
    };
    let hook = json!({"url": "https://example.com/hook", "secret": "x", "created_at": "2026-11-01T00:00:00Z", "disabled": "gone"});
    let records = vec![
        failed("m-1", &mail),
        failed("m-2", &old),
        Record::new("webhook", "wh-1", &hook).expect("a record"),
    ];
    shop.spawn_run(
        "2026-11-23T15:00:00Z",
        Command::KeepPrivate(KeepPrivate { records, ..KeepPrivate::default() }),
    )
    .await;
    let page = get(&shop, "/").await;
    page.says("1 mail could not be sent");
    page.says("1 system did not hear of everything");
}

#[tokio::test]
async fn the_guide_is_for_everybody_and_the_tour_for_the_sample_shop() {
    let shop = full().await;
    get(&shop, "/guide").await.says("Every call of the API");
    get(&shop, "/guide/dates").await.says("Dates");
    assert_eq!(get(&shop, "/guide/none").await.response.status(), StatusCode::NOT_FOUND);
    get(&shop, "/tour").await.says("Ten minutes through the sample shop");
    let shop = shop.behind_a_door();
    assert_eq!(get(&shop, "/guide").await.response.status(), StatusCode::OK);
    assert_eq!(get(&shop, "/tour").await.response.status(), StatusCode::NOT_FOUND);
}

/// Takes a table in and answers where what it did stands.
async fn taken(shop: &Sample, kind: &str, table: &str) -> String {
    let done = post(shop, "/import", &[("table", table), ("kind", kind), ("act", "take")]).await;
    done.says("Taken in");
    link(&done, "/import/runs/")
}

#[tokio::test]
async fn an_import_is_taken_back_where_nothing_followed_on_it() {
    let shop = full().await;
    let products = "sku,title,price,currency,when_out\nBELL-1,Door bell,45.00,USD,backorder\nBELL-2,Bell pull,9.00,USD,backorder\nCHAIR-OAK,Another name,1.00,USD,\n";
    let before = get(&shop, "/products/CHAIR-OAK").await.words();
    let first = taken(&shop, "skus", products).await;
    assert_ne!(get(&shop, "/products/CHAIR-OAK").await.words(), before, "it has another name");
    get(&shop, "/import").await.says("Imports so far");
    let stock = taken(&shop, "stock", "sku,location,on_hand\nBELL-1,main,5\nBELL-2,main,4\n").await;
    let supplies = "reference,sku,location,kind,quantity,expected_on,supplier\nPO-X1,BELL-1,main,purchase_order,7,2026-12-20,Ringers\nPO-X2,BELL-2,main,purchase_order,7,2026-12-20,Ringers\n";
    let coming = taken(&shop, "supplies", supplies).await;
    let orders = "reference,placed_at,email,name,country,postcode,sku,quantity,unit_price\nOLD-1,,eve@example.com,Eve,US,,BELL-2,6,9.00\nOLD-2,,ida@example.com,Ida,US,,BELL-1,1,45.00\n";
    let owed = taken(&shop, "orders", orders).await;
    get(&shop, "/backlog?sku=BELL-2").await.says("OLD-1");

    // Somebody follows on the counts and the deliveries: what is promised from them stays, the rest goes.
    post(&shop, &stock, &[]).await;
    let page = get(&shop, &stock).await;
    page.says("0 taken back, 2 stay.");
    page.says("0 units of it are still free: the others are promised or sent");
    page.says("4 units of it are still free");
    post(&shop, &coming, &[]).await;
    let page = get(&shop, &coming).await;
    page.says("1 taken back, 1 stay.");
    page.says("Units of it are promised to customers");

    // Nobody was told of the orders: they are called off, and nobody is written to.
    let written = get(&shop, "/messages").await.words();
    let newest = || {
        shop.app
            .engine
            .store()
            .reader()
            .and_then(|mut reader| reader.last_event(&shop.tenant))
            .expect("a number")
    };
    post(&shop, &owed, &[]).await;
    get(&shop, &owed).await.says("2 taken back.");
    get(&shop, "/backlog?sku=BELL-2").await.says("No line fits");
    assert_eq!(get(&shop, "/messages").await.words(), written, "somebody is written to");
    let seq = newest();
    post(&shop, &owed, &[]).await;
    assert_eq!(newest(), seq, "once");

    // Of the products: one is as it was, one is no longer sold, one has stock.
    post(&shop, &first, &[]).await;
    let page = get(&shop, &first).await;
    page.says("It has stock, deliveries or orders by now");
    page.says("As it was before");
    assert_eq!(get(&shop, "/products/CHAIR-OAK").await.words(), before, "it has its name back");
    assert_eq!(get(&shop, "/import/runs/none").await.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_somebody_changed_after_an_import_stays() {
    let shop = full().await;
    let run = taken(&shop, "skus", "sku,title,price,currency,when_out\nGONG-1,Gong,45.00,USD,backorder\nGONG-2,Big gong,95.00,USD,backorder\n").await;
    post(&shop, "/import", &[("table", "sku,title\nGONG-1,Small gong\n"), ("kind", "skus"), ("act", "take")])
        .await;
    post(&shop, &run, &[]).await;
    let page = get(&shop, &run).await;
    page.says("New product GONG-1 Stays Somebody changed it since");
    page.says("No longer sold");
    get(&shop, "/products/GONG-1").await.says("Small gong");
}

/// Signs somebody in to a shop of their own beside the full one.
pub(crate) async fn neighbour(shop: Sample) -> (Sample, String) {
    let shop = shop.behind_a_door();
    tokio::task::spawn_blocking(move || {
        let now: Timestamp = NOW.parse().expect("an instant");
        let id = TenantId::new("next-door").expect("a name");
        let mut writer = shop.app.engine.store().writer().expect("a writer");
        let row = Tenant { id: id.clone(), created_at: Timestamp::UNIX_EPOCH, salt: [9; 32] };
        writer.create_tenant(&row).expect("a tenant");
        writer.commit().expect("a commit");
        drop(writer);
        let door = Door { engine: &shop.app.engine, stamps: &shop.app.stamps, secret: &shop.app.secret, now };
        let path = door.invite(&id, "eve@example.com", "Eve", Role::Owner).expect("an invitation");
        let token = path.rsplit('/').next().expect("a token");
        let session = door.join(&id, token, "four words are enough").expect("a door").expect("a session");
        (shop, format!("shipwhen_session={id}.{session}"))
    })
    .await
    .expect("a neighbour")
}

async fn as_her(shop: &Sample, method: &str, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Page {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(shop, request.body(form_body(fields)).expect("a request")).await
}

#[tokio::test]
async fn staff_of_one_shop_see_and_change_nothing_of_another() {
    let open = full().await;
    let delivery = delivery(&open, "PO-312").await;
    let preview = get(&open, &format!("{delivery}/preview?act=slip&expected_on=2026-12-31")).await;
    let (seen, order) = (preview.hidden("seen"), open.orders[1].0.to_string());
    let draft = get(&open, "/messages").await;
    let (_, draft) = draft.text.split_once("name=\"which\" value=\"ntc_").expect("a draft");
    let draft = format!("ntc_{}", draft.split('"').next().unwrap_or_default());
    let (shop, eve) = neighbour(open).await;

    let theirs = [
        "#1002",
        "Ada",
        "Grace",
        "CHAIR-OAK",
        "Oak lounge",
        "PO-312",
        "Alder",
        "LAMP-BRASS",
        "example.com/o/",
    ];
    let paths = [
        "/".to_owned(),
        "/backlog".to_owned(),
        "/backlog?sku=CHAIR-OAK".to_owned(),
        format!("/backlog?supply={}", delivery.trim_start_matches("/supply/")),
        "/backlog?state=allocated".to_owned(),
        "/supply".to_owned(),
        "/supply?show=all".to_owned(),
        "/supply?sku=CHAIR-OAK".to_owned(),
        delivery.clone(),
        format!("{delivery}/preview?act=cancel"),
        "/orders".to_owned(),
        format!("/orders?q={order}"),
        "/orders?q=ada.lovelace@example.com".to_owned(),
        "/orders?q=%231002".to_owned(),
        format!("/orders/{order}"),
        "/products".to_owned(),
        "/products?q=CHAIR".to_owned(),
        "/products/CHAIR-OAK".to_owned(),
        "/messages".to_owned(),
        "/messages?state=sent".to_owned(),
        "/import".to_owned(),
        "/people".to_owned(),
        "/outbox".to_owned(),
        "/shop".to_owned(),
        "/shop/CHAIR-OAK".to_owned(),
    ];
    for path in &paths {
        let page = as_her(&shop, "GET", path, &eve, &[]).await;
        let asked = ["CHAIR-OAK", "#1002"];
        for word in theirs {
            // What she typed herself is said back to her.
            let is_typed = asked.contains(&word) && path.contains('?');
            assert!(is_typed || !page.text.contains(word), "{path} holds {word}: {}", page.words());
        }
    }
    let slip = [("act", "slip"), ("expected_on", "2026-12-31"), ("seen", &*seen), ("once", &*"1".repeat(32))];
    for (path, fields) in [
        (format!("{delivery}/confirm"), &slip[..]),
        (format!("{delivery}/fence"), &[("channel", "fba"), ("units", "1"), ("seen", "x")]),
        (
            "/supply/undo".to_owned(),
            &[
                ("run", "run_01920000000070008000000000000001"),
                ("supply", delivery.trim_start_matches("/supply/")),
            ],
        ),
        ("/products/CHAIR-OAK".to_owned(), &[("when_out", "refuse")]),
        ("/products/CHAIR-OAK/preview".to_owned(), &[("when_out", "refuse")]),
        ("/import".to_owned(), &[("table", " ")]),
        ("/people".to_owned(), &[("act", "remove"), ("email", "ada@example.com")]),
    ] {
        let page = as_her(&shop, "POST", &path, &eve, fields).await;
        assert!(page.response.status().is_client_error(), "{path}: {}", page.response.status());
    }
    let sent = as_her(&shop, "POST", "/messages/send", &eve, &[("which", &*draft)]).await;
    assert_eq!(sent.header(header::LOCATION), "/messages?sent=0&kept=1");
    // And nobody at all without signing in.
    for path in paths.iter().filter(|path| *path != "/") {
        let page = as_her(&shop, "GET", path, "", &[]).await;
        assert_ne!(page.response.status(), StatusCode::OK, "{path}");
    }
    let live = send(&shop, Request::get("/live").body(Body::empty()).expect("a request")).await;
    assert_eq!(live.response.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn money_that_no_account_knows_of_is_due_back_until_somebody_says_that_it_went() {
    let shop = full().await;
    // Somebody who was told that nobody can say a date cancels; their money is moved elsewhere.
    let drafts = get(&shop, "/messages").await;
    post(&shop, "/messages/send", &[("which", "all"), ("once", &drafts.hidden("once"))]).await;
    let mut asked = None;
    for (order, _) in &shop.orders {
        let page = get(&shop, &shop.path(*order)).await;
        if page.text.contains("Keep my order") {
            asked = Some((*order, page));
            break;
        }
    }
    let (order, page) = asked.expect("somebody is asked");
    let fields = ["once", "notice", "version"].map(|name| (name, page.hidden(name)));
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    fields.push(("answer", "cancel"));
    let answered = post(&shop, &format!("{}/answer", shop.path(order)), &fields).await;
    assert_eq!(answered.response.status(), StatusCode::SEE_OTHER);
    let at = format!("/orders/{order}");
    let page = get(&shop, &at).await;
    page.says("Money that is due back");
    let before = get(&shop, "/").await;
    before.says("1 refund is due");
    let line = page.hidden("line");
    let sent = [("once", &*page.hidden("once")), ("line", &*line)];
    for _ in 0..2 {
        let done = post(&shop, &format!("{at}/repaid"), &sent).await;
        assert_eq!(done.header(header::LOCATION), format!("{at}#back"));
    }
    let after = get(&shop, &at).await;
    assert!(!after.words().contains("Money that is due back"), "{}", after.words());
    assert!(!get(&shop, "/").await.words().contains("refund is due"));
    let nowhere = post(&shop, "/orders/nonsense/repaid", &sent).await;
    assert_eq!(nowhere.response.status(), StatusCode::NOT_FOUND);
}
