//! What a transaction is.

use ledger::{Changes, Read, StoreError};
use model::id::OrderId;

use super::{Make, rows::eventful};
use crate::world::{World, ask, item, tenant};

fn titles(read: &mut dyn Read, name: &str) -> Vec<String> {
    read.pool_page(&tenant(name), None, 100).unwrap().iter().map(|pool| pool.item.title.to_string()).collect()
}

fn pool(code: &str, version: u64) -> Changes {
    Changes { pools: vec![(item(code).into(), version, false)], ..Changes::default() }
}

pub(crate) fn a_writer_sees_its_writes_and_a_reader_the_last_commit(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let acme = tenant("acme");
    let mut before = store.reader().unwrap();
    let mut writer = store.writer().unwrap();
    assert!(titles(&mut *before, "acme").is_empty());
    writer.write(&acme, &pool("A", 0)).unwrap();
    assert_eq!(titles(&mut *writer, "acme"), ["The A"]);
    assert!(titles(&mut *store.reader().unwrap(), "acme").is_empty());
    writer.commit().unwrap();
    assert!(titles(&mut *before, "acme").is_empty(), "one reader sees one state");
    drop(before);
    assert_eq!(titles(&mut *store.reader().unwrap(), "acme"), ["The A"]);
    assert_eq!(
        titles(&mut *engine.open().reader().unwrap(), "acme"),
        ["The A"],
        "and so does another process"
    );
}

pub(crate) fn a_rollback_leaves_nothing(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let acme = tenant("acme");
    let mut writer = store.writer().unwrap();
    writer.write(&acme, &pool("A", 0)).unwrap();
    writer.rollback().unwrap();
    assert!(titles(&mut *writer, "acme").is_empty());
    writer.write(&acme, &pool("B", 0)).unwrap();
    drop(writer);
    assert!(titles(&mut *store.reader().unwrap(), "acme").is_empty(), "dropping is rolling back");
    store.writer().unwrap().commit().unwrap();
}

pub(crate) fn a_failed_write_cannot_be_committed(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let acme = tenant("acme");
    let mut writer = store.writer().unwrap();
    writer.write(&acme, &pool("A", 0)).unwrap();
    let error = writer.write(&acme, &pool("A", 7)).unwrap_err();
    assert!(matches!(error, StoreError::Conflict), "{error}");
    assert!(writer.commit().is_err());
    assert!(titles(&mut *store.reader().unwrap(), "acme").is_empty());
    writer.write(&acme, &pool("A", 0)).unwrap();
    writer.commit().unwrap();
    assert_eq!(titles(&mut *store.reader().unwrap(), "acme"), ["The A"]);
}

pub(crate) fn writers_at_the_same_version_conflict(make: &Make<'_>) {
    let engine = make();
    let acme = tenant("acme");
    let (one, two) = (engine.open(), engine.open());
    let (mut one, mut two) = (one.writer().unwrap(), two.writer().unwrap());
    one.write(&acme, &pool("A", 0)).unwrap();
    one.commit().unwrap();
    // Both have read version 1.
    one.write(&acme, &pool("A", 1)).unwrap();
    one.commit().unwrap();
    for stale in [0, 1, 3] {
        assert!(matches!(two.write(&acme, &pool("A", stale)), Err(StoreError::Conflict)), "{stale}");
        two.rollback().unwrap();
    }
    two.write(&acme, &pool("A", 2)).unwrap();
    two.commit().unwrap();
    assert_eq!(one.pools(&acme, &[item("A").sku]).unwrap()[0].version, 3);
}

pub(crate) fn an_idle_writer_holds_nobody_up(make: &Make<'_>) {
    let engine = make();
    let acme = tenant("acme");
    let (one, two) = (engine.open(), engine.open());
    let (mut one, mut two) = (one.writer().unwrap(), two.writer().unwrap());
    for version in 0..3 {
        let writer = if version % 2 == 0 { &mut one } else { &mut two };
        writer.write(&acme, &pool("A", version)).unwrap();
        writer.commit().unwrap();
        // What a writer reads between commits it must give back as well.
        assert_eq!(writer.last_event(&acme).unwrap(), 0);
        writer.rollback().unwrap();
    }
}

pub(crate) fn events_are_numbered_without_gaps_whoever_writes(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let mut world = World::create("acme", &*store);
    let (mut one, mut two) = (store.writer().unwrap(), engine.open().writer().unwrap());
    for round in 0..4 {
        world.item("A");
        world.location("main");
        let writer = if round % 2 == 0 { &mut one } else { &mut two };
        world.write(&mut **writer).unwrap();
        world.item("B");
        world.write(&mut **writer).unwrap();
        writer.commit().unwrap();
    }
    // A rollback gives its numbers back.
    one.write(&world.tenant, &pool("C", 0)).unwrap();
    one.rollback().unwrap();
    let events = one.events(&world.tenant, 0, 100).unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert_eq!(one.last_event(&world.tenant).unwrap(), 12);
    assert_eq!(one.events(&world.tenant, 5, 2).unwrap(), events[5..7]);
    assert_eq!(&*events[1].kind, "location_set");
    assert_eq!(events[0].sku.as_ref().unwrap().as_str(), "A");
}

pub(crate) fn tenants_do_not_see_each_other(make: &Make<'_>) {
    let engine = make();
    // The same ids, skus and numbers in both.
    let mut acme = eventful(&*engine, "acme");
    let zeta = eventful(&*engine, "zeta");
    let store = engine.open();
    let supply = acme.stock("A", 5);
    acme.place(&[ask("A", 5, supply)]);
    acme.commit(&*store);
    let mut reader = store.reader().unwrap();
    acme.check(&mut *reader);
    zeta.check(&mut *reader);
    let ids: Vec<OrderId> = acme.shop.orders.keys().copied().collect();
    assert_eq!(reader.orders(&tenant("other"), &ids).unwrap(), []);
    assert!(reader.pool_page(&tenant("acm"), None, 10).unwrap().is_empty());
}

pub(crate) fn rows_standing_twice_are_written_as_the_last_says(make: &Make<'_>) {
    let engine = make();
    let store = engine.open();
    let acme = tenant("acme");
    let mut first = item("A");
    first.title = "First".into();
    let mut changes = pool("A", 0);
    changes.pools.insert(0, (first.into(), 0, true));
    let mut writer = store.writer().unwrap();
    writer.write(&acme, &changes).unwrap();
    writer.commit().unwrap();
    let pool = writer.pools(&acme, &[item("A").sku]).unwrap().remove(0);
    assert_eq!((&*pool.item.title, pool.settling, pool.version), ("The A", false, 1));
}
