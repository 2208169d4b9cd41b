//! What is kept beside the shop: tenants, keys, answers, timers, work, messages.

use ledger::{ApiKey, Changes, OutboxRow, Replay, StoreError, Tenant, Timer, Work};
use model::id::{HoldId, OrderId};
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
    let revoked = ApiKey { revoked_at: Some(instant(9)), ..key };
    writer.create_key(&revoked).unwrap();
    assert_eq!(writer.api_key(&tenant("acme"), &[1; 32]).unwrap(), Some(revoked));
}

pub(crate) fn the_secret_stays(make: &Make<'_>) {
    let engine = make();
    let secret = engine.open().reader().unwrap().secret().unwrap();
    assert_eq!(engine.open().reader().unwrap().secret().unwrap(), secret);
    assert_ne!(make().open().reader().unwrap().secret().unwrap(), secret);
}

pub(crate) fn answers_are_found_by_day_until_forgotten(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let of = |key: &str, day| Replay { key: key.into(), request: [day as u8; 32], day, answer: "{}".into() };
    let replays = vec![of("a", 10), of("b", 10), of("a", 11)];
    writer.write(&tenant("acme"), &Changes { replays, ..Changes::default() }).unwrap();
    writer.commit().unwrap();
    let mut find = |days: &[i32], key: &str| writer.replay(&tenant("acme"), days, key).unwrap();
    assert_eq!(find(&[11, 10], "a"), Some(of("a", 11)));
    assert_eq!(find(&[10], "a"), Some(of("a", 10)));
    assert_eq!(find(&[12, 11], "b"), None);
    assert_eq!(find(&[], "a"), None);
    writer.forget_replays(&tenant("acme"), 11).unwrap();
    writer.commit().unwrap();
    assert_eq!(writer.replay(&tenant("acme"), &[10, 11], "b").unwrap(), None);
    assert_eq!(writer.replay(&tenant("acme"), &[10, 11], "a").unwrap(), Some(of("a", 11)));
    assert_eq!(writer.replay(&tenant("zeta"), &[11], "a").unwrap(), None);
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

pub(crate) fn messages_are_numbered_by_tenant(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut writer = store.writer().unwrap();
    let of = |seq, n| OutboxRow {
        seq,
        at: instant(n),
        kind: "order_confirmation".into(),
        order: OrderId(Uuid::from_u128(n as u128)),
    };
    for (name, n) in [("acme", 1), ("zeta", 2), ("acme", 3)] {
        let outbox = vec![of(0, n), of(0, n + 10)];
        writer.write(&tenant(name), &Changes { outbox, ..Changes::default() }).unwrap();
    }
    writer.commit().unwrap();
    let all = [of(4, 13), of(3, 3), of(2, 11), of(1, 1)];
    assert_eq!(writer.outbox(&tenant("acme"), None, 10).unwrap(), all);
    assert_eq!(writer.outbox(&tenant("acme"), Some(4), 2).unwrap(), all[1..3]);
    assert_eq!(writer.outbox(&tenant("zeta"), None, 1).unwrap(), [of(2, 12)]);
}
