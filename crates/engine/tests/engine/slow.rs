//! A disk that takes its time: nobody is answered before what was decided is kept, and readers do not wait.

use std::{
    pin::pin,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use engine::Answer;
use ledger::{
    StoreError,
    memory::{MemoryStore, Moment},
};
use model::{
    command::{ChangeSupply, Command},
    id::OrderId,
};
use testkit::{
    ask::{date, sku},
    core::{policy, supply},
};
use tokio::sync::oneshot::error::TryRecvError;

use crate::{
    together::{Answering, accepted, order, send, stock},
    world::World,
};

/// Where a commit waits: whether it is to, and whether one does.
#[derive(Default)]
struct Gate {
    state: Mutex<(bool, bool)>,
    moved: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        if state.0 {
            state.1 = true;
            self.moved.notify_all();
            drop(self.moved.wait_while(state, |(closed, _)| *closed).unwrap());
        }
    }

    fn close(&self) {
        *self.state.lock().unwrap() = (true, false);
    }

    fn wait_for_somebody(&self) {
        drop(self.moved.wait_while(self.state.lock().unwrap(), |(_, waits)| !*waits).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().0 = false;
        self.moved.notify_all();
    }
}

#[test]
fn nobody_is_answered_before_a_slow_disk_has_it_and_readers_do_not_wait() {
    let gate = Arc::<Gate>::default();
    let at = Arc::clone(&gate);
    let store = MemoryStore::failing([1; 32], move |moment| {
        if moment == Moment::Commit {
            at.pass();
        }
        Ok(())
    });
    let world = World::opened_on(Arc::new(store));
    stock(&world, 40);
    gate.close();
    let mut answers: Vec<Answering> = vec![send(world.engine(), &world, None, order(1))];
    gate.wait_for_somebody();
    answers.extend((0..60).map(|_| send(world.engine(), &world, None, order(1))));
    for answer in &mut answers {
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty, "nothing is kept yet");
    }
    let mut reader = world.store.reader().unwrap();
    assert_eq!(reader.order_page(&world.tenant, &Default::default(), None, 100).unwrap(), []);
    let shop = world.engine().snapshots().shop(&world.tenant, &[sku("MUG")]).unwrap();
    assert_eq!(shop.pool(&sku("MUG")).unwrap().free_on_hand(), 40, "what is not kept is not shown");
    assert!(!world.engine().stats().is_failing(), "slow is not broken");
    gate.open();
    assert_eq!(accepted(answers), 40);
    world.verify();
}

#[test]
fn the_next_batch_is_committed_while_a_slow_disk_is_waited_for_and_neither_is_answered_before() {
    let gate = Arc::<Gate>::default();
    let at = Arc::clone(&gate);
    let store = MemoryStore::failing([1; 32], move |moment| {
        if moment == Moment::Flush {
            at.pass();
        }
        Ok(())
    });
    let world = World::opened_on(Arc::new(store));
    stock(&world, 40);
    gate.close();
    let placed = |count: usize| {
        while world
            .store
            .reader()
            .unwrap()
            .order_page(&world.tenant, &Default::default(), None, 100)
            .unwrap()
            .len()
            < count
        {
            thread::yield_now();
        }
    };
    let mut answers: Vec<Answering> = vec![send(world.engine(), &world, None, order(1))];
    gate.wait_for_somebody();
    placed(1);
    answers.push(send(world.engine(), &world, None, order(1)));
    placed(2);
    for answer in &mut answers {
        assert_eq!(answer.try_recv().unwrap_err(), TryRecvError::Empty, "nothing is on disk yet");
    }
    gate.open();
    assert_eq!(accepted(answers), 2);
    world.verify();
}

/// Of 300 lines behind a delivery that slips, 100 have their new date with the slip, and 24 with the second batch of orders after
/// it, which is decided while the first is kept.
#[test]
fn work_goes_on_beside_orders_that_are_decided_ahead() {
    let gates: Arc<[Gate; 3]> = Arc::default();
    let commits = Arc::<AtomicUsize>::default();
    let (counts, at) = (Arc::clone(&commits), Arc::clone(&gates));
    let store = MemoryStore::failing([1; 32], move |moment| {
        if moment == Moment::Commit && counts.load(Ordering::SeqCst) > 0 {
            match counts.fetch_add(1, Ordering::SeqCst) {
                1 => at[0].pass(),
                2 => at[1].pass(),
                4 => at[2].pass(),
                _ => {}
            }
        }
        Ok(())
    });
    let world = World::opened_on(Arc::new(store));
    world.sells_as("MUG", policy());
    let supply = match world.must(Command::AddSupply(supply("MUG", 10_000, "2026-09-01"))) {
        Answer::SupplyAdded(added) => added.view.supply.id,
        other => panic!("{other:?}"),
    };
    let behind = world.must_all((0..300).map(|_| (None, order(1)))).into_iter().map(|answer| match answer {
        Answer::Placed(view) => view.id,
        other => panic!("{other:?}"),
    });
    let behind: Vec<OrderId> = behind.collect();
    gates.iter().for_each(Gate::close);
    commits.store(1, Ordering::SeqCst);
    let slip = ChangeSupply { supply, expected_on: Some(Some(date("2026-10-01"))), quantity: None };
    let slipped = send(world.engine(), &world, None, Command::ChangeSupply(slip));
    gates[0].wait_for_somebody();
    let answers: Vec<Answering> = (0..700).map(|_| send(world.engine(), &world, None, order(1))).collect();
    gates[0].open();
    gates[1].wait_for_somebody();
    while world.engine().waiting().sum::<usize>() > 0 {
        thread::yield_now();
    }
    gates[1].open();
    gates[2].wait_for_somebody();
    let told_anew = || {
        let orders = world.store.reader().unwrap().orders(&world.tenant, &behind).unwrap();
        orders.iter().filter(|order| order.lines[0].promises.len() > 1).count()
    };
    let anew = told_anew();
    let all = world.store.reader().unwrap().order_page(&world.tenant, &Default::default(), None, 2_000);
    gates[2].open();
    assert_eq!((anew, all.unwrap().len()), (124, 1_000));
    assert_eq!(accepted(answers), 700);
    assert!(slipped.blocking_recv().unwrap().unwrap().outcome.is_ok());
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(world.engine().drain()).unwrap();
    assert_eq!(told_anew(), 300);
    world.verify();
}

/// Whoever looks at timers ends the batch that is being decided: by then the one before has failed, and both are decided anew.
#[test]
fn a_batch_that_fails_as_timers_are_looked_at_is_decided_anew_with_the_next() {
    let (first, second) = (Arc::<Gate>::default(), Arc::<Gate>::default());
    let commits = Arc::<AtomicUsize>::default();
    let (counts, gates) = (Arc::clone(&commits), [Arc::clone(&first), Arc::clone(&second)]);
    let store = MemoryStore::failing([1; 32], move |moment| {
        if moment != Moment::Commit || counts.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        match counts.fetch_add(1, Ordering::SeqCst) {
            1 => gates[0].pass(),
            2 => {
                gates[1].pass();
                return Err(StoreError::Conflict);
            }
            _ => {}
        }
        Ok(())
    });
    let world = World::opened_on(Arc::new(store));
    stock(&world, 40);
    first.close();
    second.close();
    commits.store(1, Ordering::SeqCst);
    let mut answers: Vec<Answering> = vec![send(world.engine(), &world, None, order(1))];
    first.wait_for_somebody();
    answers.extend((0..10).map(|_| send(world.engine(), &world, None, order(1))));
    first.open();
    second.wait_for_somebody();
    answers.extend((0..10).map(|_| send(world.engine(), &world, None, order(1))));
    let mut due = pin!(world.engine().run_due(world.now));
    assert!(due.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    while world.engine().waiting().sum::<usize>() > 0 {
        thread::yield_now();
    }
    second.open();
    assert_eq!(accepted(answers), 21);
    while !matches!(due.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(0))) {
        thread::yield_now();
    }
    world.verify();
}
