//! Many lines at once, saved views, and tables handed out.

use axum::http::{StatusCode, header};
use ledger::Shelf;
use model::{
    command::{CancelOrder, Command, KeepPrivate, PutItem, PutPolicy},
    id::{Channel, LineId, Sku},
    item::{Cap, Item, Policy, WhenOut},
    record::Record,
};
use serde_json::{Value, json};

use crate::{Page, full, get, post, sample::Sample};

/// The values of every tick box of a line.
pub(crate) fn ticks(page: &Page) -> Vec<String> {
    let parts = page.text.split("name=\"line-").skip(1);
    parts.filter_map(|part| Some(format!("line-{}", part.split('"').next()?))).collect()
}

/// Sends the preview's own form.
async fn confirmed(shop: &Sample, preview: &Page) -> String {
    let names = ["once", "act", "class", "strategy", "reason", "lines"];
    let fields: Vec<(&str, String)> = names.iter().map(|name| (*name, preview.hidden(name))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    let first = post(shop, "/backlog/start", &fields).await;
    assert_eq!(first.response.status(), StatusCode::SEE_OTHER, "{}", first.words());
    let to = first.header(header::LOCATION).to_owned();
    let again = post(shop, "/backlog/start", &fields).await;
    assert_eq!(again.header(header::LOCATION), to, "the same form twice is one run");
    to
}

#[tokio::test]
async fn classes_are_shown_set_and_taken_back_unless_somebody_changed_them() {
    let shop = full().await;
    let list = get(&shop, "/backlog?sku=CHAIR-OAK").await;
    let ticks = ticks(&list);
    assert!(ticks.len() >= 3);
    let mut fields = vec![("act", "class"), ("class", "-5")];
    fields.extend(ticks.iter().take(3).map(|tick| (&**tick, "1")));
    let preview = post(&shop, "/backlog/preview", &fields).await;
    preview.says("Set their class Nothing is changed yet");
    preview.says("What would be done 3 of 3");
    preview.says("class 0, as its product → class -5, as its product");
    let to = confirmed(&shop, &preview).await;
    let done = get(&shop, &to).await;
    done.says("3 done.");
    done.says("Class -5, as its product");
    let same = post(&shop, "/backlog/preview", &fields).await;
    same.says("What would be done 0 of 3");
    same.says("It is so already");
    // One of them is changed by somebody else; the other two go back.
    let mut one = vec![("act", "class"), ("class", "7")];
    one.push((&ticks[0], "1"));
    confirmed(&shop, &post(&shop, "/backlog/preview", &one).await).await;
    assert_eq!(post(&shop, &to, &[("act", "undo")]).await.header(header::LOCATION), to);
    let undone = get(&shop, &to).await;
    undone.says("2 taken back, 1 stay.");
    undone.says("Somebody changed it since: class 7");
    assert!(!undone.text.contains("Take it back"), "once");
    for (act, field, value, says) in [
        ("lock", "class", "", "class 0, as its product, locked"),
        ("strategy", "strategy", "win", "class 0, win"),
    ] {
        let fields = [("act", act), (field, value), (&*ticks[1], "1")];
        let preview = post(&shop, "/backlog/preview", &fields).await;
        preview.says(says);
    }
}

#[tokio::test]
async fn a_run_of_many_goes_on_step_by_step() {
    let mut shop = full().await;
    let shop = tokio::task::spawn_blocking(move || {
        for nth in 0..60 {
            shop.order("2026-11-22T15:00:00Z", &format!("Buyer {nth}"), &[("SPEAKER-2", 1)]);
        }
        shop
    });
    let shop = shop.await.expect("a shop");
    let fields = [("act", "lock"), ("all", "1"), ("sku", "SPEAKER-2")];
    let preview = post(&shop, "/backlog/preview", &fields).await;
    preview.says("What would be done 61 of 61");
    let to = confirmed(&shop, &preview).await;
    let half = get(&shop, &to).await;
    half.says("40 done, 21 to go.");
    assert!(half.text.contains("data-go-on") && half.text.contains("<progress max=\"61\" value=\"40\""));
    post(&shop, &to, &[("act", "go")]).await;
    let done = get(&shop, &to).await;
    done.says("61 done.");
    assert!(!done.text.contains("data-go-on"));
    assert_eq!(get(&shop, "/backlog/runs/none").await.response.status(), StatusCode::NOT_FOUND);
}

/// A run as it is kept.
fn kept(shop: &Sample, to: &str) -> (String, Value) {
    let id = to.rsplit('/').next().expect("an id").to_owned();
    let mut reader = shop.app.engine.store().reader().expect("a reader");
    let found = reader.records(&shop.tenant, Shelf::Private, "bulk_run", &[&id]).expect("records");
    (id, found.first().and_then(|record| record.read().expect("json")).expect("a run"))
}

#[tokio::test]
async fn a_step_that_is_done_again_after_a_crash_still_knows_what_was_before() {
    let shop = full().await;
    let ticks = ticks(&get(&shop, "/backlog?sku=CHAIR-OAK").await);
    let mut fields = vec![("act", "class"), ("class", "-5")];
    fields.extend(ticks.iter().take(2).map(|tick| (&**tick, "1")));
    let to = confirmed(&shop, &post(&shop, "/backlog/preview", &fields).await).await;
    // As a server leaves it that stops between what it did and writing that down: everything is still to do, somebody is at it.
    let (id, mut run) = kept(&shop, &to);
    for item in run["items"].as_array_mut().expect("items") {
        item["state"] = json!("todo");
    }
    let crashed = |run: &Value| KeepPrivate {
        records: vec![Record::new("bulk_run", &id, run).expect("a record")],
        ..KeepPrivate::default()
    };
    run["busy"] = json!("2026-11-23T15:29:59Z");
    shop.spawn_run("2026-11-23T15:30:00Z", Command::KeepPrivate(crashed(&run))).await;
    post(&shop, &to, &[("act", "go")]).await;
    get(&shop, &to).await.says("0 done, 2 to go.");
    run["busy"] = json!("2026-11-20T00:00:00Z");
    shop.spawn_run("2026-11-23T15:30:00Z", Command::KeepPrivate(crashed(&run))).await;
    post(&shop, &to, &[("act", "go")]).await;
    get(&shop, &to).await.says("2 done.");
    post(&shop, &to, &[("act", "undo")]).await;
    let undone = get(&shop, &to).await;
    undone.says("2 taken back.");
    undone.says("Class 0, as its product");
}

#[tokio::test]
async fn only_whose_turn_it_is_writes_down_how_far_a_run_came() {
    let shop = full().await;
    let ticks = ticks(&get(&shop, "/backlog?sku=CHAIR-OAK").await);
    let fields = [("act", "lock"), (&*ticks[0], "1"), (&*ticks[1], "1")];
    let to = confirmed(&shop, &post(&shop, "/backlog/preview", &fields).await).await;
    let (id, run) = kept(&shop, &to);
    assert_eq!(run["turn"], 1, "the first step");
    assert_eq!(run["busy"], Value::Null, "and it is over");
    // Two press the button at once: whoever is second finds nothing to do, and what the first did stands.
    let (one, two) = tokio::join!(post(&shop, &to, &[("act", "undo")]), post(&shop, &to, &[("act", "undo")]));
    for answer in [one, two] {
        assert_eq!(answer.response.status(), StatusCode::SEE_OTHER, "{}", answer.words());
        assert_eq!(answer.header(header::LOCATION), to);
    }
    get(&shop, &to).await.says("2 taken back.");
    let (_, after) = kept(&shop, &to);
    let turn = after["turn"].as_u64().expect("a turn");
    let mut reader = shop.app.engine.store().reader().expect("a reader");
    let names: Vec<String> = (0..=turn).map(|turn| format!("{id}-{turn}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let turns = reader.records(&shop.tenant, Shelf::Private, "bulk_turn", &names).expect("records");
    assert_eq!(turns.iter().map(|turn| &*turn.id).collect::<Vec<_>>(), [format!("{id}-{turn}")]);
}

#[tokio::test]
async fn orders_are_released_together_and_come_back_together() {
    let shop = full().await;
    let here = get(&shop, "/backlog?state=allocated&sku=LAMP-BRASS").await;
    let ticks = ticks(&here);
    let mut fields = vec![("act", "release"), ("state", "allocated")];
    fields.extend(ticks.iter().take(2).map(|tick| (&**tick, "1")));
    let preview = post(&shop, "/backlog/preview", &fields).await;
    preview.says("Release their orders to be packed Nothing is changed yet");
    let to = confirmed(&shop, &preview).await;
    get(&shop, &to).await.says("2 done.");
    let packing = get(&shop, "/packing").await;
    packing.says("Brass reading lamp");
    post(&shop, &to, &[("act", "undo")]).await;
    get(&shop, &to).await.says("2 taken back.");
    get(&shop, "/packing").await.says("Nothing to pack");
    let waits = get(&shop, "/backlog?sku=SPEAKER-2").await;
    let tick = crate::bulk::ticks(&waits).remove(0);
    let none = post(&shop, "/backlog/preview", &[("act", "release"), (&tick, "1")]).await;
    none.says("Nothing of it is here");
}

#[tokio::test]
async fn lines_are_cancelled_with_a_reason_and_that_is_not_taken_back() {
    let shop = full().await;
    let list = get(&shop, "/backlog?sku=SPEAKER-2").await;
    let tick = ticks(&list).remove(0);
    let no_reason = post(&shop, "/backlog/preview", &[("act", "cancel"), (&tick, "1")]).await;
    assert_eq!(no_reason.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    no_reason.says("Please say why they are cancelled");
    let none = post(&shop, "/backlog/preview", &[("act", "lock")]).await;
    none.says("Please tick the lines that are meant");
    let fields = [("act", "cancel"), ("reason", "No longer made"), (&*tick, "1")];
    let preview = post(&shop, "/backlog/preview", &fields).await;
    preview.says("2 units are cancelled");
    preview.says("This cannot be taken back");
    // Somebody else cancels it between the preview and the button: it is said, and done once.
    let line: LineId = tick.trim_start_matches("line-").parse().expect("a line");
    let shop = tokio::task::spawn_blocking(move || {
        let wish = CancelOrder::whole(line.order, false);
        shop.run("2026-11-23T15:00:00Z", Command::CancelOrder(wish));
        shop
    });
    let shop = shop.await.expect("a shop");
    let to = confirmed(&shop, &preview).await;
    let run = get(&shop, &to).await;
    run.says("0 done, 1 not.");
    run.says("Nothing of it is open any more");
    assert!(!run.text.contains("Take it back"));
}

#[tokio::test]
async fn a_view_is_kept_under_its_name_and_dropped() {
    let shop = full().await;
    let keep = [("act", "keep"), ("name", "Late <chairs>"), ("sku", "CHAIR-OAK"), ("broken", "true")];
    let kept = post(&shop, "/backlog/views", &keep).await;
    assert_eq!(kept.header(header::LOCATION), "/backlog?sku=CHAIR-OAK&broken=true");
    let page = get(&shop, kept.header(header::LOCATION)).await;
    assert!(
        page.text.contains(
            "href=\"/backlog?sku=CHAIR-OAK&#38;broken=true\" aria-current=\"true\">Late &#60;chairs&#62;</a>"
        ),
        "{}",
        page.text
    );
    // The same name again is the same view.
    post(&shop, "/backlog/views", &[("act", "keep"), ("name", "Late <chairs>"), ("sku", "RUG-S")]).await;
    let page = get(&shop, "/backlog").await;
    assert_eq!(page.text.matches("Drop Late").count(), 1);
    let (_, id) =
        page.text.split_once("value=\"drop\"><input type=\"hidden\" name=\"id\" value=\"").expect("a view");
    let id = id.split('"').next().unwrap_or_default().to_owned();
    post(&shop, "/backlog/views", &[("act", "drop"), ("id", &id)]).await;
    assert!(!get(&shop, "/backlog").await.text.contains("Late "));
    let twice = post(&shop, "/backlog/views", &[("act", "drop"), ("id", &id)]).await;
    assert_eq!(twice.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_list_is_handed_out_as_a_table_that_a_spreadsheet_opens_safely() {
    let shop = full().await;
    let shop = tokio::task::spawn_blocking(move || {
        let item = serde_json::json!({"sku": "EVIL", "title": "=HYPERLINK(\"x\")"});
        let item: Item = serde_json::from_value(item).expect("an item");
        shop.run("2026-11-22T15:00:00Z", Command::PutItem(PutItem { item, if_match: None }));
        let policy = Policy { when_out: WhenOut::Backorder, backorder_cap: Cap::Supply, ..Policy::default() };
        let (sku, channel) = (Sku::stored("EVIL"), Channel::default());
        let put = PutPolicy { sku, channel, policy, if_match: None };
        shop.run("2026-11-22T15:00:00Z", Command::PutPolicy(put));
        shop
    });
    let shop = shop.await.expect("a shop");
    for (path, header_row, row) in [
        ("/backlog.csv?sku=CHAIR-OAK", "position,order,reference,line,sku,quantity,", ",#1002,"),
        (
            "/supply.csv",
            "id,reference,sku,location,kind,state,",
            ",PO-312,CHAIR-OAK,main,purchase_order,due,24,",
        ),
        (
            "/orders.csv",
            "order,reference,placed_at,email,name,",
            ",ada.lovelace@example.com,Ada Lovelace,US,",
        ),
        ("/products.csv", "sku,title,price,currency,when_out,", "EVIL,\"'=HYPERLINK(\"\"x\"\")\""),
    ] {
        let table = get(&shop, path).await;
        assert_eq!(table.header(header::CONTENT_TYPE), "text/csv; charset=utf-8", "{path}");
        assert!(
            table.text.starts_with(header_row),
            "{path}: {}",
            table.text.lines().next().unwrap_or_default()
        );
        assert!(table.text.contains(row), "{path}: {}", table.text);
    }
}
