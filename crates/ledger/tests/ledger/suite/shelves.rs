//! What is kept beside the shop: tenants, keys, answers, timers, work.

use std::sync::Arc;

use ledger::{
    ApiKey, Changes, Elsewhere, Kept, RecordFilter, Replay, Shelf, StoreError, Tenant, Timer, Work, Write,
};
use model::{id::HoldId, record::Record};
use uuid::Uuid;

use super::Make;
use crate::world::{instant, tenant};

pub(crate) fn tenants_and_keys_are_kept(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let of = |name| Tenant { id: tenant(name), created_at: instant(5), salt: [name.len() as u8; 32] };
    for name in ["zeta", "acme"] {
        writer.create_tenant(&of(name)).unwrap();
    }
    let key = ApiKey {
        tenant: tenant("acme"),
        hash: [1; 32],
        name: "sk_live_ab".into(),
        publishable: true,
        scopes: vec!["orders:write".into(), "*".into()],
        created_at: instant(6),
        revoked_at: None,
    };
    writer.create_key(&key).unwrap();
    writer.commit().unwrap();
    assert!(matches!(writer.create_tenant(&of("acme")), Err(StoreError::Conflict)));
    writer.rollback().unwrap();
    let mut reader = store.reader().unwrap();
    assert_eq!(reader.tenants().unwrap(), [of("acme"), of("zeta")]);
    assert_eq!(reader.tenant(&tenant("zeta")).unwrap(), Some(of("zeta")));
    assert_eq!(reader.tenant(&tenant("none")).unwrap(), None);
    assert_eq!(reader.api_key(&tenant("acme"), &[1; 32]).unwrap(), Some(key.clone()));
    assert_eq!(reader.api_key(&tenant("zeta"), &[1; 32]).unwrap(), None);
    let revoked = ApiKey { revoked_at: Some(instant(9)), ..key.clone() };
    writer.create_key(&revoked).unwrap();
    assert_eq!(writer.api_key(&tenant("acme"), &[1; 32]).unwrap(), Some(revoked.clone()));
    let newer = ApiKey { hash: [0; 32], created_at: instant(7), ..key };
    writer.create_key(&newer).unwrap();
    assert_eq!(writer.api_keys(&tenant("acme")).unwrap(), [revoked, newer]);
    assert_eq!(writer.api_keys(&tenant("zeta")).unwrap(), []);
}

pub(crate) fn the_secret_stays(make: &Make<'_>) {
    let engine = make();
    let secret = engine.open().reader().unwrap().secret().unwrap();
    assert_eq!(engine.open().reader().unwrap().secret().unwrap(), secret);
    assert_ne!(make().open().reader().unwrap().secret().unwrap(), secret);
}

fn answer(key: &str, day: i32) -> Replay {
    let kept = Kept::Text(format!("{{\"{key}\":{day}}}").into());
    Replay { key: key.into(), request: [day as u8; 32], day, lasting: false, kept }
}

fn answered(replays: Vec<Replay>) -> Changes {
    Changes { replays, ..Changes::default() }
}

pub(crate) fn answers_are_found_by_day_until_forgotten(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let kept = Replay { lasting: true, ..answer("c", 9) };
    let replays = vec![answer("a", 10), answer("b", 10), kept.clone(), answer("a", 11)];
    writer.write(&tenant("acme"), &answered(replays)).unwrap();
    writer.commit().unwrap();
    let mut find = |days: &[i32], key: &str| writer.replay(&tenant("acme"), days, key).unwrap();
    assert_eq!(find(&[11, 10], "a"), Some(answer("a", 11)));
    assert_eq!(find(&[10], "a"), None, "the newest counts");
    assert_eq!(find(&[10], "b"), Some(answer("b", 10)));
    assert_eq!(find(&[12, 11], "b"), None);
    assert_eq!(find(&[], "a"), None);
    assert_eq!(find(&[12], "c"), Some(kept.clone()));
    let mut forget = |after, limit| writer.forget_replays(&tenant("acme"), 11, after, limit).unwrap();
    assert_eq!(forget(0, 1), (1, Some(1)));
    assert_eq!(forget(1, 9), (2, None), "the lasting one is looked at, and the first of the day is the end");
    assert_eq!(forget(0, 9), (1, None));
    writer.commit().unwrap();
    assert_eq!(writer.replay(&tenant("acme"), &[10, 11], "b").unwrap(), None);
    assert_eq!(writer.replay(&tenant("acme"), &[10, 11], "a").unwrap(), Some(answer("a", 11)));
    assert_eq!(writer.replay(&tenant("acme"), &[99], "c").unwrap(), Some(kept));
    assert_eq!(writer.replay(&tenant("zeta"), &[11], "a").unwrap(), None);
}

/// More keys than a writer keeps in memory: they go into an index, and are found all the same, by every writer.
pub(crate) fn any_number_of_keys_is_found_by_every_writer(make: &Make<'_>) {
    const MANY: usize = 70_000;
    let engine = make();
    let store = engine.open();
    let acme = tenant("acme");
    let mut writer = store.writer().unwrap();
    let name = |n: usize| format!("key {n}");
    writer.write(&acme, &answered((0..MANY).map(|n| answer(&name(n), 5)).collect())).unwrap();
    writer.write(&acme, &answered(vec![answer("late", 5), answer(&name(3), 6)])).unwrap();
    writer.commit().unwrap();
    let mut other = engine.open().writer().unwrap();
    for writer in [&mut writer, &mut other] {
        for n in [0, 1, MANY / 2, MANY - 1] {
            assert_eq!(writer.replay(&acme, &[5], &name(n)).unwrap(), Some(answer(&name(n), 5)));
        }
        assert_eq!(writer.replay(&acme, &[5], "late").unwrap(), Some(answer("late", 5)));
        assert_eq!(writer.replay(&acme, &[5, 6], &name(3)).unwrap(), Some(answer(&name(3), 6)));
        assert_eq!(writer.replay(&acme, &[5], "none").unwrap(), None);
        writer.rollback().unwrap();
    }
    // What another writer keeps is found too.
    other.write(&acme, &answered(vec![answer("others", 5)])).unwrap();
    other.commit().unwrap();
    assert!(writer.changed_elsewhere().unwrap() || writer.elsewhere(&acme).unwrap() != Elsewhere::Nothing);
    assert_eq!(writer.replay(&acme, &[5], "others").unwrap(), Some(answer("others", 5)));
    if let Some(marks) = writer.key_marks(&acme, 1_000_000).unwrap() {
        for key in ["others", "late", &name(0), &name(MANY - 1)] {
            assert!(marks.contains(&ledger::key_mark(key)), "{key}");
        }
    }
    assert_eq!(writer.key_marks(&acme, 10).unwrap(), None, "too many to hold");
    let mut after = Some(0);
    while let Some(seq) = after {
        after = writer.forget_replays(&acme, 6, seq, 10_000).unwrap().1;
    }
    assert_eq!(writer.replay(&acme, &[5], &name(0)).unwrap(), None);
    assert_eq!(writer.replay(&acme, &[5, 6], &name(3)).unwrap(), Some(answer(&name(3), 6)));
}

pub(crate) fn timers_come_due_over_all_tenants(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    assert_eq!(writer.next_due().unwrap(), None);
    let timer = |n| Timer::HoldExpires(HoldId(Uuid::from_u128(n)));
    let at = |seconds, n| (instant(seconds), timer(n));
    let set = |timers| Changes { timers, ..Changes::default() };
    writer.write(&tenant("acme"), &set(vec![at(5, 1), at(1, 2), at(9, 3)])).unwrap();
    writer.write(&tenant("zeta"), &set(vec![at(4, 1), at(1, 1)])).unwrap();
    writer.commit().unwrap();
    let due = |name: &str, seconds, n| (tenant(name), instant(seconds), timer(n));
    let all = [due("acme", 1, 2), due("zeta", 1, 1), due("zeta", 4, 1), due("acme", 5, 1)];
    assert_eq!(writer.due(instant(5), 100).unwrap(), all);
    assert_eq!(writer.due(instant(5), 3).unwrap(), all[..3]);
    assert_eq!(writer.due(instant(0), 3).unwrap(), []);
    assert_eq!(writer.next_due().unwrap(), Some(instant(1)));
    let gone = Changes { timers_gone: vec![at(1, 2), at(5, 1)], ..Changes::default() };
    writer.write(&tenant("acme"), &gone).unwrap();
    assert_eq!(
        writer.due(instant(9), 100).unwrap(),
        [due("zeta", 1, 1), due("zeta", 4, 1), due("acme", 9, 3)]
    );
    // Set and done in one batch leaves nothing.
    let brief = Changes { timers: vec![at(2, 8)], timers_gone: vec![at(2, 8)], ..Changes::default() };
    writer.write(&tenant("acme"), &brief).unwrap();
    assert_eq!(writer.due(instant(3), 100).unwrap(), [due("zeta", 1, 1)]);
}

pub(crate) fn work_stays_until_it_is_done(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let of = |id, state: &str| Work { id, kind: "move_up".into(), state: state.into() };
    let begun = Changes { work: vec![of(2, "b"), of(1, "a")], ..Changes::default() };
    writer.write(&tenant("zeta"), &begun).unwrap();
    writer.write(&tenant("acme"), &begun).unwrap();
    writer.commit().unwrap();
    let all = [("acme", of(1, "a")), ("acme", of(2, "b")), ("zeta", of(1, "a")), ("zeta", of(2, "b"))]
        .map(|(name, work)| (tenant(name), work));
    assert_eq!(writer.work(10).unwrap(), all);
    assert_eq!(writer.work(3).unwrap(), all[..3]);
    let gone_on = Changes { work: vec![of(1, "further")], work_gone: vec![2], ..Changes::default() };
    writer.write(&tenant("acme"), &gone_on).unwrap();
    assert_eq!(writer.work(2).unwrap(), [(tenant("acme"), of(1, "further")), all[2].clone()]);
}

pub(crate) fn records_are_found_by_owner_state_and_due_until_they_are_gone(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let record = |id: &str, owner: &str, state: &str, due: Option<i64>| Record {
        owner: owner.into(),
        state: state.into(),
        due: due.map(instant),
        ..Record::new("notice", id, &serde_json::json!({ "of": id })).unwrap()
    };
    let (one, two, three) = (
        record("1", "o1", "draft", Some(5)),
        record("2", "o2", "sent", Some(3)),
        record("3", "o1", "", None),
    );
    let other = Record::new("account", "1", &serde_json::json!({})).unwrap();
    let set = |records: &[&Record], private: &[&Record]| Changes {
        records: records.iter().map(|record| Arc::new((*record).clone())).collect(),
        private: private.iter().map(|record| (*record).clone()).collect(),
        ..Changes::default()
    };
    writer.write(&tenant("acme"), &set(&[&one, &two, &three, &other], &[&two])).unwrap();
    writer.write(&tenant("zeta"), &set(&[&record("9", "o1", "", Some(4))], &[])).unwrap();
    writer.commit().unwrap();

    let acme = tenant("acme");
    let shelf = Shelf::Ledger;
    let found = writer.records(&acme, shelf, "notice", &["3", "none", "1"]).unwrap();
    assert_eq!(found, [three.clone(), one.clone()]);
    let mut page = |filter, after, limit| writer.record_page(&acme, shelf, "notice", &filter, (after, limit));
    let all = RecordFilter::default();
    assert_eq!(page(all, None, 2).unwrap(), [one.clone(), two.clone()]);
    assert_eq!(page(all, Some("2"), 2).unwrap(), std::slice::from_ref(&three));
    let of = |owner| RecordFilter { owner, ..all };
    assert_eq!(page(of(Some("o1")), None, 9).unwrap(), [one.clone(), three.clone()]);
    let both = RecordFilter { owner: Some("o1"), state: Some("draft") };
    assert_eq!(page(both, None, 9).unwrap(), std::slice::from_ref(&one));
    assert_eq!(
        writer.record_page(&acme, Shelf::Private, "notice", &all, (None, 9)).unwrap(),
        std::slice::from_ref(&two)
    );
    let due = |writer: &mut Box<dyn Write>, by, limit| {
        let due = writer.due_records(shelf, "notice", instant(by), limit).unwrap();
        due.into_iter().map(|(of, record)| format!("{of} {}", record.id)).collect::<Vec<_>>()
    };
    assert_eq!(due(&mut writer, 5, 9), ["acme 2", "zeta 9", "acme 1"]);
    assert_eq!(due(&mut writer, 5, 1), ["acme 2"]);
    assert_eq!(due(&mut writer, 2, 9), [""; 0]);

    let moved = Record { due: Some(instant(8)), ..two.clone() };
    writer
        .write(&acme, &set(&[&Record::gone("notice", "1"), &moved], &[&Record::gone("notice", "2")]))
        .unwrap();
    writer.commit().unwrap();
    assert_eq!(writer.records(&acme, shelf, "notice", &["1", "2"]).unwrap(), [moved]);
    assert_eq!(writer.records(&acme, Shelf::Private, "notice", &["2"]).unwrap(), []);
    assert_eq!(due(&mut writer, 7, 9), ["zeta 9"]);
    assert_eq!(writer.records(&acme, shelf, "account", &["1"]).unwrap(), [other]);
}
