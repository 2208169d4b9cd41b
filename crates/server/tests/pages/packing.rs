//! The packing pages: a partner sees what was released at its locations and nothing else, receives, prepares and sends.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use model::{
    command::{AddSupply, Adjust, Command, PutLocation, Release},
    event::AdjustReason,
    id::{LineId, LocationId, Sku},
    supply::SupplyKind,
    time::{Timestamp, parse_date},
};
use server::staff::{Door, Role};

use crate::{
    Page, form_body,
    routes::Names,
    sample::{NOW, Sample},
    send,
};

/// What belongs to the shop's own warehouse and customers, and no partner elsewhere may read.
pub(crate) const OF_MAIN: [&str; 9] = [
    "#1002",
    "Lovelace",
    "Grace",
    "CHAIR-OAK",
    "Oak lounge",
    "PO-312",
    "Alder",
    "ada.lovelace@",
    "example.com/o/",
];

/// The full shop with a second location, east: it has goods, an order that was released there, and a delivery to come.
fn with_east(mut shop: Sample) -> Sample {
    let at = "2026-11-22T15:00:00Z";
    let east = LocationId::stored("east");
    let main = shop.app.engine.snapshots().locations(&shop.tenant).expect("locations");
    let settings = main.values().next().expect("a location");
    let settings = model::location::LocationSettings { name: "East hall".into(), ..(**settings).clone() };
    shop.run(at, Command::PutLocation(PutLocation { location: east.clone(), settings, if_match: None }));
    let mug = Sku::stored("MUG-BLUE");
    shop.run(
        at,
        Command::Adjust(Adjust {
            sku: mug.clone(),
            location: LocationId::stored("main"),
            delta: -20,
            reason: AdjustReason::Loss,
            line: None,
            quarantine: false,
            note: None,
        }),
    );
    shop.run(
        at,
        Command::Adjust(Adjust {
            sku: mug,
            location: east.clone(),
            delta: 30,
            reason: AdjustReason::OpeningStock,
            line: None,
            quarantine: false,
            note: None,
        }),
    );
    shop.run(
        at,
        Command::AddSupply(AddSupply {
            sku: Sku::stored("KETTLE-01"),
            location: east.clone(),
            kind: SupplyKind::PurchaseOrder,
            quantity: 10,
            expected_on: parse_date("2026-11-24").ok(),
            supplier: Some("Kettle Works".into()),
            reference: Some("PO-901".into()),
            promise_buffer_days: None,
        }),
    );
    let order = shop.order(at, "Noor Aziz", &[("MUG-BLUE", 20)]);
    let lines = vec![LineId { order, no: 1 }];
    shop.run(
        "2026-11-23T08:00:00Z",
        Command::Release(Release { location: east, carrier_cutoff: None, lines, more: false }),
    );
    let lamps = LineId { order: shop.orders[0].0, no: 1 };
    let main = LocationId::stored("main");
    shop.run(
        "2026-11-23T08:00:00Z",
        Command::Release(Release { location: main, carrier_cutoff: None, lines: vec![lamps], more: false }),
    );
    shop
}

/// A shop that asks who looks, names of things at its main location, and the cookie of a partner elsewhere.
pub(crate) async fn partner(at: &'static str) -> (Sample, Names, String) {
    tokio::task::spawn_blocking(move || {
        let shop = with_east(Sample::full()).behind_a_door();
        let now: Timestamp = NOW.parse().expect("an instant");
        let door = Door { engine: &shop.app.engine, stamps: &shop.app.stamps, secret: &shop.app.secret, now };
        let places = vec![LocationId::stored(at)];
        let path = door.invite_to(&shop.tenant, "pat@example.org", "Pat", Role::Partner, places);
        let path = path.expect("an invitation");
        let token = path.rsplit('/').next().expect("a token");
        let session = door.join(&shop.tenant, token, "four words are enough").expect("a door");
        let cookie = format!("shipwhen_session={}.{}", shop.tenant, session.expect("a session"));
        let mut reader = shop.app.engine.store().reader().expect("a reader");
        let chairs = Sku::stored("CHAIR-OAK");
        let supplies = reader.supply_page(&shop.tenant, Some(&chairs), false, None, 9).expect("supplies");
        let names = Names {
            supply: supplies.first().expect("a delivery").id.to_string(),
            order: shop.orders[1].0.to_string(),
        };
        drop(reader);
        (shop, names, cookie)
    })
    .await
    .expect("a shop")
}

async fn get(shop: &Sample, path: &str, cookie: &str) -> Page {
    let request = Request::get(path).header(header::COOKIE, cookie);
    send(shop, request.body(Body::empty()).expect("a request")).await
}

async fn post(shop: &Sample, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Page {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin");
    send(shop, request.body(form_body(fields)).expect("a request")).await
}

#[tokio::test]
async fn a_partner_sees_what_is_released_where_they_pack_and_nothing_else() {
    let (shop, _, pat) = partner("east").await;
    let page = get(&shop, "/packing", &pat).await;
    assert_eq!(page.response.status(), StatusCode::OK);
    for text in [
        "Packing At East hall",
        "Noor Aziz, US 20 × Stoneware mug, blue MUG-BLUE",
        "Pour-over kettle KETTLE-01 10 expected on 24 Nov · Kettle Works · PO-901",
        "Stoneware mug, blue MUG-BLUE 30 20 20 10 0",
    ] {
        page.says(text);
    }
    for word in ["LAMP", "noor.aziz@", "$", "Backlog", "/people", "/docs"] {
        assert!(!page.text.contains(word), "{word}: {}", page.words());
    }
    for path in
        ["/packing?at=main", "/packing/picks?at=main", "/packing/slips?at=main", "/packing/lines.csv?at=main"]
    {
        assert_eq!(get(&shop, path, &pat).await.response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let main = shop.orders[0].0;
    let path = format!("/packing/slips?order={main}");
    assert_eq!(get(&shop, &path, &pat).await.response.status(), StatusCode::NOT_FOUND);
    let picks = get(&shop, "/packing/picks", &pat).await;
    picks.says("20 Stoneware mug, blue MUG-BLUE 1");
    let slips = get(&shop, "/packing/slips", &pat).await;
    slips.says("North Fork Goods · order #1016");
    slips.says("Noor Aziz US");
}

#[tokio::test]
async fn a_partner_keeps_units_for_a_channel_where_they_pack_and_who_is_second_is_told() {
    let (shop, _, pat) = partner("east").await;
    let path = "/packing/fence?at=east&sku=MUG-BLUE";
    let page = get(&shop, path, &pat).await;
    page.says("30 here, 10 free for anybody Nothing is ring-fenced");
    let seen_first = page.hidden("seen");
    let keep = |channel: &'static str, units: &'static str, seen: String| {
        let (shop, pat) = (&shop, &pat);
        async move {
            let fields = [
                ("at", "east"),
                ("sku", "MUG-BLUE"),
                ("channel", channel),
                ("units", units),
                ("seen", &*seen),
            ];
            post(shop, "/packing/fence", pat, &fields).await
        }
    };
    let kept = keep("fba", "8", seen_first.clone()).await;
    assert_eq!(kept.response.status(), StatusCode::SEE_OTHER);
    let now = get(&shop, kept.header(header::LOCATION), &pat).await;
    now.says("Kept.");
    now.says("30 here, 2 free for anybody");
    now.says("fba 8 0 8");
    let second = keep("web", "1", seen_first).await;
    assert_eq!(second.response.status(), StatusCode::CONFLICT);
    second.says("Somebody changed what is ring-fenced");
    let many = keep("fba", "11", now.hidden("seen")).await;
    assert_eq!(many.response.status(), StatusCode::CONFLICT);
    many.says("At most 10 units of MUG-BLUE at east can be ring-fenced for fba, not 11");
    for (channel, units) in [("", "1"), ("fba", "some"), ("fba", "-1")] {
        let unclear = keep(channel, units, now.hidden("seen")).await;
        assert_eq!(unclear.response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{channel} {units}");
    }
    let all = get(&shop, "/packing", &pat).await;
    all.says("MUG-BLUE 8 units are ring-fenced for fba: 0 promised, 8 left. 30 20 20 2 0");
    for path in [
        "/packing/fence?at=main&sku=MUG-BLUE",
        "/packing/fence?at=east&sku=CHAIR-OAK",
        "/packing/fence?at=east&sku=NONE",
    ] {
        assert_eq!(get(&shop, path, &pat).await.response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for (at, sku) in [("main", "MUG-BLUE"), ("east", "CHAIR-OAK")] {
        let fields = [("at", at), ("sku", sku), ("channel", "fba"), ("units", "1"), ("seen", "x")];
        let theirs = post(&shop, "/packing/fence", &pat, &fields).await;
        assert_eq!(theirs.response.status(), StatusCode::NOT_FOUND, "{at} {sku}");
    }
    keep("fba", "0", now.hidden("seen")).await;
    get(&shop, path, &pat).await.says("Nothing is ring-fenced");
}

#[tokio::test]
async fn numbers_come_back_in_the_table_that_went_out() {
    let (shop, _, pat) = partner("east").await;
    let table = get(&shop, "/packing/lines.csv", &pat).await;
    assert_eq!(table.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert!(table.header(header::CONTENT_DISPOSITION).contains("to-pack-east.csv"));
    let mut rows = table.text.lines();
    assert_eq!(
        rows.next(),
        Some("release,order,reference,line,sku,title,quantity,name,postcode,country,ship_by")
    );
    let row = rows.next().expect("a line").to_owned();
    assert!(row.contains(",MUG-BLUE,") && row.contains(",20,Noor Aziz,,US,"), "{row}");
    assert_eq!(rows.next(), None);
    let line = row.split(',').nth(3).expect("its id").to_owned();
    let theirs = LineId { order: shop.orders[0].0, no: 1 };
    let text = format!(
        "line,quantity,tracking\n{line},12,1Z1\n{line},9,1Z2\n{line},8,1Z2\n{theirs},1,1Z3\nx,1,1Z4\n"
    );
    let tried = post(&shop, "/packing/shipments", &pat, &[("at", "east"), ("table", &text)]).await;
    for says in [
        "This would be sent 2 good, 3 not",
        "2 #1016 · Stoneware mug, blue 1Z1 12 units to be sent",
        "Not sent 8 units are to be packed here, not 9.",
        "Nothing of that line is to be packed here",
        "The line is its id",
    ] {
        tried.says(says);
    }
    get(&shop, "/packing", &pat).await.says("20 × Stoneware mug");
    let take = [("at", "east"), ("table", &*text), ("act", "take")];
    post(&shop, "/packing/shipments", &pat, &take).await.says("Done 2 sent, 3 not");
    get(&shop, "/packing", &pat).await.says("Nothing to pack");
    // The same table once more sends nothing.
    post(&shop, "/packing/shipments", &pat, &take).await.says("Done 0 sent, 5 not");
    for (table, says) in
        [(" ", "Please choose a file"), ("a,b\n1,2\n", "The table needs the columns line and tracking")]
    {
        let page = post(&shop, "/packing/shipments", &pat, &[("at", "east"), ("table", table)]).await;
        assert_eq!(page.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        page.says(says);
    }
}

#[tokio::test]
async fn an_order_is_sent_once_and_the_second_is_told() {
    let (shop, _, pat) = partner("east").await;
    let page = get(&shop, "/packing", &pat).await;
    let (once, order) = (page.hidden("once"), page.hidden("order"));
    let fields =
        [("at", "east"), ("order", &*order), ("carrier", "UPS"), ("tracking", "1Z9"), ("once", &*once)];
    let sent = post(&shop, "/packing/send", &pat, &fields).await;
    assert_eq!(sent.header(header::LOCATION), "/packing?at=east&done=sent&carrier=UPS");
    get(&shop, sent.header(header::LOCATION), &pat).await.says("Sent. The customer’s page shows it");
    let other = [("at", "east"), ("order", &*order), ("tracking", "1Z9"), ("once", &*"2".repeat(32))];
    let second = post(&shop, "/packing/send", &pat, &other).await;
    assert_eq!(second.response.status(), StatusCode::CONFLICT);
    second.says("Nothing of that order is to be packed here any more");
    // An order that is packed elsewhere cannot be sent from here.
    let main = shop.orders[0].0.to_string();
    let foreign = [("at", "east"), ("order", &*main), ("once", &*"3".repeat(32))];
    assert_eq!(post(&shop, "/packing/send", &pat, &foreign).await.response.status(), StatusCode::CONFLICT);
    let foreign = [("at", "main"), ("order", &*main), ("once", &*"4".repeat(32))];
    assert_eq!(post(&shop, "/packing/send", &pat, &foreign).await.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_receipt_is_counted_noted_and_can_be_taken_back_where_it_was_made() {
    let (shop, names, pat) = partner("east").await;
    let page = get(&shop, "/packing", &pat).await;
    let (once, supply, seen) = (page.hidden("once"), page.hidden("supply"), page.hidden("seen"));
    let count = |accepted: &'static str, damaged: &'static str, once: String| {
        vec![
            ("at", "east".to_owned()),
            ("supply", supply.clone()),
            ("seen", seen.clone()),
            ("accepted", accepted.to_owned()),
            ("damaged", damaged.to_owned()),
            ("note", "Two boxes <torn>".to_owned()),
            ("once", once),
        ]
    };
    let sent = |fields: Vec<(&'static str, String)>| {
        let (shop, pat) = (&shop, &pat);
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
            post(shop, "/packing/receive", pat, &fields).await
        }
    };
    let wrong = sent(count("x", "", "5".repeat(32))).await;
    assert_eq!(wrong.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says("as whole numbers");
    let done = sent(count("7", "2", once.clone())).await;
    done.says("Pour-over kettle: taken in 7 good units are taken in. 2 units are set apart as damaged. 1 unit stays due.");
    let again = sent(count("7", "2", once)).await;
    assert_eq!(again.hidden("run"), done.hidden("run"), "the same form twice is once");
    let second = sent(count("7", "2", "6".repeat(32))).await;
    assert_eq!(second.response.status(), StatusCode::CONFLICT);
    second.says("Somebody changed or received that delivery while you were counting");
    get(&shop, "/packing", &pat).await.says("Pour-over kettle KETTLE-01 7 0 0 7 2");
    // A delivery to another location is none of theirs, nor is a run of it.
    let foreign = [("at", "east"), ("supply", &*names.supply), ("accepted", "1"), ("once", &*"7".repeat(32))];
    assert_eq!(
        post(&shop, "/packing/receive", &pat, &foreign).await.response.status(),
        StatusCode::NOT_FOUND
    );
    let run = done.hidden("run");
    let undo = |run: &str| [("at", "east".to_owned()), ("run", run.to_owned()), ("once", "8".repeat(32))];
    let none = undo("run_01920000000070008000000000000001");
    let none: Vec<(&str, &str)> = none.iter().map(|(name, value)| (*name, &**value)).collect();
    assert_eq!(post(&shop, "/packing/undo", &pat, &none).await.response.status(), StatusCode::NOT_FOUND);
    let mine = undo(&run);
    let mine: Vec<(&str, &str)> = mine.iter().map(|(name, value)| (*name, &**value)).collect();
    let undone = post(&shop, "/packing/undo", &pat, &mine).await;
    assert_eq!(undone.header(header::LOCATION), "/packing?at=east&done=undone");
    get(&shop, "/packing", &pat).await.says("10 expected on 24 Nov");
}

#[tokio::test]
async fn a_checklist_has_versions_and_a_log_of_who_followed_which() {
    let open = tokio::task::spawn_blocking(|| with_east(Sample::full())).await.expect("a shop");
    let path = "/packing/prep?at=east&sku=MUG-BLUE";
    crate::get(&open, path).await.says("No checklist Write one below");
    let edit = |version: &'static str, steps: &'static str| {
        [("act", "edit"), ("at", "east"), ("sku", "MUG-BLUE"), ("version", version), ("steps", steps)]
    };
    let kept = crate::post(&open, "/packing/prep", &edit("0", "Bag it\n\n Stick the label on ")).await;
    assert_eq!(kept.response.status(), StatusCode::SEE_OTHER, "{}", kept.words());
    let stale = crate::post(&open, "/packing/prep", &edit("0", "Nothing")).await;
    assert_eq!(stale.response.status(), StatusCode::CONFLICT);
    stale.says("Somebody changed the checklist while you were at it.");
    crate::post(&open, "/packing/prep", &edit("1", "Bag it\nStick the label on\nClose the box")).await;
    let page = crate::get(&open, path).await;
    page.says("Checklist Version 2");
    page.says("Version 1 23 Nov, 10:03, The sample shop Bag it Stick the label on");
    let follow = [
        ("act", "follow"),
        ("at", "east"),
        ("sku", "MUG-BLUE"),
        ("version", "2"),
        ("units", "20"),
        ("what", "#1016"),
    ];
    let mut ticked = follow.to_vec();
    ticked.extend([("step-0", "1"), ("step-2", "1")]);
    let half = crate::post(&open, "/packing/prep", &ticked).await;
    assert_eq!(half.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    half.says("Please tick every step once it is done.");
    ticked.push(("step-1", "1"));
    let done = crate::post(&open, "/packing/prep", &ticked).await;
    assert_eq!(done.response.status(), StatusCode::SEE_OTHER);
    crate::get(&open, done.header(header::LOCATION)).await.says("The sample shop east 20 #1016 2");
    crate::get(&open, "/packing?at=east").await.says("To prepare Goods with a checklist Stoneware mug, blue");
}

#[tokio::test]
async fn a_partner_follows_checklists_and_writes_none() {
    let (shop, _, pat) = partner("east").await;
    let edit = [("act", "edit"), ("at", "east"), ("sku", "MUG-BLUE"), ("version", "0"), ("steps", "Nothing")];
    assert_eq!(post(&shop, "/packing/prep", &pat, &edit).await.response.status(), StatusCode::FORBIDDEN);
    // Nothing of it is, or was, where they pack.
    let path = "/packing/prep?at=east&sku=CHAIR-OAK";
    assert_eq!(get(&shop, path, &pat).await.response.status(), StatusCode::NOT_FOUND);
    get(&shop, "/packing/prep?sku=MUG-BLUE", &pat).await.says("This product needs nothing before it leaves.");
}

#[tokio::test]
async fn a_partner_is_bound_to_locations_that_are_there() {
    let (shop, ..) = partner("east").await;
    let said = tokio::task::spawn_blocking(move || {
        let now: Timestamp = NOW.parse().expect("an instant");
        let door = Door { engine: &shop.app.engine, stamps: &shop.app.stamps, secret: &shop.app.secret, now };
        let invite = |role, places: &[&str]| {
            let places = places.iter().map(|id| LocationId::stored(id)).collect();
            door.invite_to(&shop.tenant, "x@example.org", "", role, places).map_err(|error| error.to_string())
        };
        [
            invite(Role::Partner, &[]),
            invite(Role::Partner, &["east", "west"]),
            invite(Role::Support, &["east"]),
        ]
    });
    let said = said.await.expect("answers").map(|said| said.expect_err("a problem"));
    assert_eq!(
        said,
        [
            "Please say at which locations the partner packs.",
            "There is no location west.",
            "Only a partner is bound to locations.",
        ]
    );
}

#[tokio::test]
async fn a_wave_is_shown_before_and_hands_over_only_what_it_names() {
    let shop = crate::full().await;
    let look = crate::get(&shop, "/packing/wave?act=show&skus=LAMP-BRASS&limit=1").await;
    look.says("Ready now Nothing is handed over yet");
    look.says("would be packed at");
    crate::get(&shop, "/packing").await.says("Nothing to pack");
    let fields = [("skus", "LAMP-BRASS"), ("limit", "1"), ("once", &*look.hidden("once"))];
    for _ in 0..2 {
        let done = crate::post(&shop, "/packing/wave", &fields).await;
        done.says("Handed over");
        done.says("of 1 order are to be packed at");
    }
    crate::get(&shop, "/packing/picks").await.says("Brass reading lamp");
    let nowhere = crate::get(&shop, "/packing/wave?act=show&country=nz").await;
    nowhere.says("Nothing is ready");
    for (path, says) in [
        ("/packing/wave?act=show&country=atlantis", "country"),
        ("/packing/wave?act=show&limit=many", "Please give how many lines at most"),
    ] {
        let page = crate::get(&shop, path).await;
        assert!(page.response.status().is_client_error(), "{path}: {}", page.words());
        assert!(page.words().to_lowercase().contains(&says.to_lowercase()), "{path}: {}", page.words());
    }
}

/// Sends files as a browser does.
async fn send_photos(shop: &Sample, cookie: &str, run: &str, photos: &[&[u8]]) -> Page {
    let mut body = Vec::new();
    for (name, value) in [("at", "east"), ("run", run)] {
        body.extend(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    for photo in photos {
        body.extend(b"--edge\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.svg\"\r\n");
        body.extend(b"Content-Type: image/svg+xml\r\n\r\n");
        body.extend(*photo);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    let request = Request::post("/packing/photos")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin");
    send(shop, request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn photos_of_damage_are_kept_within_limits_and_shown_to_who_may_see_them() {
    let (shop, _, cookie) = partner("east").await;
    let page = get(&shop, "/packing", &cookie).await;
    let (supply, seen, once) = (page.hidden("supply"), page.hidden("seen"), page.hidden("once"));
    let fields = [
        ("at", "east"),
        ("supply", &*supply),
        ("accepted", "1"),
        ("damaged", "1"),
        ("seen", &*seen),
        ("once", &*once),
    ];
    let receipt = post(&shop, "/packing/receive", &cookie, &fields).await;
    receipt.says("Photos Of what is damaged, for the shop");
    let run = receipt.hidden("run");
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[7; 100]].concat();
    let svg = &b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"[..];
    let large = [&[0xFF, 0xD8, 0xFF][..], &vec![0; 2 << 20]].concat();
    for (photos, says) in [
        (&[][..], "Please choose a photo."),
        (&[svg], "That is no photo that is kept here"),
        (&[&large], "A photo has more than 2 MB."),
    ] {
        let refused = send_photos(&shop, &cookie, &run, photos).await;
        assert_eq!(refused.response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{says}");
        refused.says(says);
        assert!(!refused.text.contains("<img"), "nothing is kept");
    }
    let before = shop.app.engine.store().reader().and_then(|mut reader| reader.last_event(&shop.tenant));
    let kept = send_photos(&shop, &cookie, &run, &[&picture, &picture]).await;
    assert_eq!(kept.response.status(), StatusCode::SEE_OTHER, "{}", kept.words());
    let after = shop.app.engine.store().reader().and_then(|mut reader| reader.last_event(&shop.tenant));
    assert_eq!(before.expect("a number"), after.expect("a number"), "the ledger says nothing of them");
    let shown = get(&shop, kept.header(header::LOCATION), &cookie).await;
    shown.says("2 more of this receipt");
    let photo = shown
        .text
        .split("<img src=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a photo")
        .to_owned();
    let (owner, elsewhere) = tokio::task::spawn_blocking({
        let (app, tenant) = (std::sync::Arc::clone(&shop.app), shop.tenant.clone());
        move || {
            let now: Timestamp = NOW.parse().expect("an instant");
            let door = Door { engine: &app.engine, stamps: &app.stamps, secret: &app.secret, now };
            let enter = |email: &str, role, places| {
                let path = door.invite_to(&tenant, email, "Somebody", role, places).expect("an invitation");
                let token = path.rsplit('/').next().expect("a token");
                let session = door.join(&tenant, token, "four words are enough").expect("a door");
                format!("shipwhen_session={tenant}.{}", session.expect("a session"))
            };
            let main = vec![LocationId::stored("main")];
            (
                enter("sue@example.org", Role::Support, Vec::new()),
                enter("max@example.org", Role::Partner, main),
            )
        }
    })
    .await
    .expect("two people");
    for who in [&cookie, &owner] {
        let page = get(&shop, &photo, who).await;
        assert_eq!(page.response.status(), StatusCode::OK);
        assert_eq!(
            page.header(header::CONTENT_TYPE),
            "image/png",
            "by its bytes, not by what the form called it"
        );
        assert_eq!(page.header(header::CONTENT_SECURITY_POLICY), "default-src 'none'; sandbox");
    }
    assert!(
        get(&shop, &format!("/supply/{supply}"), &owner).await.text.contains("Photo 1 of what was found")
    );
    assert_eq!(
        get(&shop, &photo, &elsewhere).await.response.status(),
        StatusCode::NOT_FOUND,
        "who packs elsewhere"
    );
    assert_eq!(get(&shop, &photo, "").await.response.status(), StatusCode::SEE_OTHER, "nobody");
    let full = send_photos(&shop, &cookie, &run, &[&picture, &picture, &picture]).await;
    full.says("Four photos of one receipt are kept");
    let none = send_photos(&shop, &cookie, "run_01920000000070008000000000000001", &[&picture]).await;
    assert_eq!(none.response.status(), StatusCode::NOT_FOUND);
}
