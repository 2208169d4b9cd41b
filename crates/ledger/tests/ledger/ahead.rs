//! Commits that go ahead of their disk: what is flushed is kept, and what a server lost before is nobody's.

use ledger::{Committed, Elsewhere, Pending, Store, StoreError, Write, postgres::PostgresStore};
use testkit::postgres::{Cluster, Stop};

use crate::world::{World, tenant};

/// Commits a new SKU, ahead of the disk.
fn add(world: &mut World, sku: &str, writer: &mut dyn Write) -> Pending {
    world.item(sku);
    world.write(writer).unwrap();
    match writer.commit_ahead().unwrap() {
        Committed::Ahead(pending) => pending,
        Committed::Kept => panic!("PostgreSQL commits ahead of its disk"),
    }
}

fn skus(store: &dyn Store) -> Vec<String> {
    let pools = store.reader().unwrap().pool_page(&tenant("acme"), None, 100).unwrap();
    pools.iter().map(|pool| pool.sku().to_string()).collect()
}

#[test]
fn what_a_server_lost_before_it_was_on_disk_is_known_to_be_lost() {
    let cluster = Cluster::start(true);
    let store = PostgresStore::open(&cluster.database()).unwrap();
    let mut disk = store.flusher().unwrap().unwrap();
    let mut world = World::create("acme", &store);
    let (mut one, mut two) = (store.writer().unwrap(), store.writer().unwrap());
    one.elsewhere(&world.tenant).unwrap();
    let first = add(&mut world, "A", &mut *one);
    assert_eq!(disk.flush(&[first]).unwrap(), 1);
    // Else it would write its log down a moment later.
    cluster.still();
    let second = add(&mut world, "B", &mut *one);
    let mut later = World::new("acme");
    two.elsewhere(&world.tenant).unwrap();
    let third = add(&mut later, "C", &mut *two);
    assert_eq!(skus(&store), ["A", "B", "C"], "everybody sees it");
    cluster.stop(Stop::Kill);
    cluster.run();
    assert_eq!(disk.flush(&[second, third]).unwrap(), 0);
    assert_eq!(skus(&store), ["A"]);
    // Whoever knew of it is told, though the number of its version is another's by now.
    let mut anew = World::new("acme");
    let mut three = store.writer().unwrap();
    let fourth = add(&mut anew, "D", &mut *three);
    let fifth = add(&mut anew, "E", &mut *three);
    for known in [&mut one, &mut two] {
        let mut stale = World::new("acme");
        stale.item("F");
        assert!(matches!(stale.write(&mut **known), Err(StoreError::Conflict)));
        known.rollback().unwrap();
        assert_eq!(known.elsewhere(&world.tenant).unwrap(), Elsewhere::Everything);
        known.rollback().unwrap();
    }
    assert_eq!(disk.flush(&[fourth, fifth]).unwrap(), 2);
    assert_eq!(skus(&store), ["A", "D", "E"]);
}

#[test]
fn what_is_waited_for_over_a_connection_that_is_cut_is_kept_all_the_same() {
    let cluster = Cluster::start(true);
    let store = PostgresStore::open(&cluster.database()).unwrap();
    let mut world = World::create("acme", &store);
    let (mut writer, mut disk) = (store.writer().unwrap(), store.flusher().unwrap().unwrap());
    let commits: Vec<Pending> = ["A", "B"].map(|sku| add(&mut world, sku, &mut *writer)).into();
    let cut = "SELECT count(pg_terminate_backend(pid)) > 1 FROM pg_stat_activity WHERE application_name = 'shipwhen'";
    assert_eq!(cluster.sql("postgres", cut).trim(), "t");
    assert_eq!(disk.flush(&commits).unwrap(), 2);
    assert_eq!(skus(&store), ["A", "B"]);
}
