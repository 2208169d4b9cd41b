//! What a store in memory can do beside: fail when it is told to, and begin anew where another stands.

use std::sync::{Arc, Mutex};

use ledger::{
    Store, StoreError,
    memory::{MemoryStore, Moment},
};

use crate::world::{World, ask, tenant};

fn titles(store: &dyn Store) -> usize {
    store.reader().unwrap().pool_page(&tenant("acme"), None, 100).unwrap().len()
}

/// A store that fails at the moment that is set.
fn failing() -> (MemoryStore, Arc<Mutex<Option<Moment>>>) {
    let fails_at: Arc<Mutex<Option<Moment>>> = Arc::default();
    let told = Arc::clone(&fails_at);
    let store = MemoryStore::failing([1; 32], move |moment| match *told.lock().unwrap() {
        Some(at) if at == moment => Err(StoreError::driver("did as the test says", "the power went out")),
        _ => Ok(()),
    });
    (store, fails_at)
}

#[test]
fn a_failed_commit_keeps_nothing_and_one_that_fails_after_it_everything() {
    let (store, fails_at) = failing();
    let mut world = World::create("acme", &store);
    world.item("A");
    world.commit(&store);
    for (moment, kept) in [(Moment::Write, 1), (Moment::Commit, 1), (Moment::Committed, 2)] {
        *fails_at.lock().unwrap() = Some(moment);
        let mut writer = store.writer().unwrap();
        let mut other = World::new("acme");
        other.item("B");
        let written = other.write(&mut *writer);
        assert_eq!(written.is_err(), moment == Moment::Write);
        let error = writer.commit().unwrap_err();
        assert!(error.is_transient(), "{error}");
        *fails_at.lock().unwrap() = None;
        assert_eq!(titles(&store), kept, "{moment:?}");
        writer.rollback().unwrap();
        assert_eq!(titles(&store), kept, "{moment:?}: nothing is taken back by it");
    }
}

#[test]
fn what_happens_in_a_fork_does_not_happen_where_it_came_from() {
    let store = MemoryStore::new([1; 32]);
    let mut world = World::create("acme", &store);
    world.item("A");
    let shelf = world.stock("A", 9);
    world.place(&[ask("A", 2, shelf)]);
    world.commit(&store);
    let fork = store.fork();
    let before = store.reader().unwrap().last_event(&world.tenant).unwrap();
    world.place(&[ask("A", 3, shelf)]);
    world.commit(&fork);
    world.check(&mut *fork.reader().unwrap());
    assert!(fork.reader().unwrap().last_event(&world.tenant).unwrap() > before);
    assert_eq!(store.reader().unwrap().last_event(&world.tenant).unwrap(), before);
    let ahead = |store: &MemoryStore| {
        store.reader().unwrap().queue(&world.tenant, shelf, ledger::QueuePart::All, None, 9).unwrap().len()
    };
    assert_eq!((ahead(&store), ahead(&fork)), (1, 2));
}

#[test]
fn a_writer_waits_until_another_has_ended() {
    let store = MemoryStore::new([1; 32]);
    let mut world = World::create("acme", &store);
    world.item("A");
    let mut first = store.writer().unwrap();
    world.write(&mut *first).unwrap();
    std::thread::scope(|scope| {
        let second =
            scope.spawn(|| store.writer().unwrap().pool_page(&tenant("acme"), None, 10).unwrap().len());
        first.commit().unwrap();
        assert_eq!(second.join().unwrap(), 1, "it begins with what the first has committed");
    });
}
