//! PostgreSQL goes away, or the way to it: no order that was answered is lost, none is placed twice.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use engine::{Answer, Engine, Failure, Key, Request};
use ledger::{StoreError, postgres::PostgresStore};
use model::id::OrderId;
use testkit::postgres::{Cluster, Stop};

use crate::{
    together::{order, stock},
    world::World,
};

/// Pause before somebody who got no answer asks again.
const AGAIN: Duration = Duration::from_millis(5);
const CLIENTS: usize = 4;
/// Orders that each client places after each outage.
const ORDERS: usize = 60;

/// Places an order as a shop does: with the same key until it is answered.
fn insist(engine: &Engine, world: &World, key: &str) -> OrderId {
    loop {
        let key = Some(Key { key: key.into(), request: [9; 32] });
        match engine.run_blocking(Request { key, ..world.request(order(1)) }) {
            Ok(answered) => match answered.outcome.unwrap() {
                Answer::Placed(view) => return view.id,
                other => panic!("{other:?}"),
            },
            Err(Failure::Store(_)) => thread::park_timeout(AGAIN),
            Err(failure) => panic!("{failure}"),
        }
    }
}

fn placed(world: &World) -> BTreeSet<OrderId> {
    let ids = world.store.reader().unwrap().order_page(&world.tenant, &Default::default(), None, 1_000_000);
    ids.unwrap().into_iter().collect()
}

#[test]
fn whatever_way_postgres_ends_under_load_no_answered_order_is_lost_and_none_placed_twice() {
    let cluster = Cluster::start(true);
    let (world, url) = World::on_postgres(&cluster);
    stock(&world, 1_000_000);
    let other = Engine::start(Arc::new(PostgresStore::open(&url).unwrap())).unwrap();
    let mut answered = BTreeSet::new();
    for (round, how) in [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().enumerate() {
        let begun = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let engine = if client % 2 == 0 { world.engine() } else { &other };
                let (world, begun, found) = (&world, &begun, &found);
                scope.spawn(move || {
                    for n in 0..ORDERS {
                        begun.fetch_add(1, Ordering::Relaxed);
                        let id = insist(engine, world, &format!("{round} {client} {n}"));
                        found.lock().unwrap().push(id);
                    }
                });
            }
            // In the midst of it: some are answered, some on their way, some still to come.
            while begun.load(Ordering::Relaxed) < CLIENTS * ORDERS / 4 {
                thread::park_timeout(Duration::from_micros(200));
            }
            cluster.stop(how);
            cluster.run();
        });
        let found = found.into_inner().unwrap();
        assert_eq!(found.len(), CLIENTS * ORDERS);
        answered.extend(found);
    }
    assert_eq!(answered.len(), 3 * CLIENTS * ORDERS, "no two requests share an order");
    assert_eq!(placed(&world), answered);
    world.verify();
}

/// What the way to the database does to the next commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// It is lost before the database hears of it.
    Before,
    /// It is heard, and its answer lost.
    After,
    /// The same, and nobody gets through any more.
    ForGood,
}

/// A way to a database that can be cut.
struct Way {
    dir: tempfile::TempDir,
    next: Arc<Mutex<Option<Cut>>>,
    closed: Arc<AtomicBool>,
}

impl Way {
    fn to(cluster: &Cluster) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
        let (next, closed) = (Arc::<Mutex<Option<Cut>>>::default(), Arc::<AtomicBool>::default());
        let (server, shared) =
            (cluster.dir().join(".s.PGSQL.5432"), (Arc::clone(&next), Arc::clone(&closed)));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                carry(&client, &server, &shared);
            }
        });
        Self { dir, next, closed }
    }

    fn url(&self, url: &str) -> String {
        let (name, _) = url.split_once("host=").unwrap();
        format!("{name}host={}", self.dir.path().display())
    }
}

type Shared = (Arc<Mutex<Option<Cut>>>, Arc<AtomicBool>);

/// Carries one connection's bytes both ways, until it is cut.
fn carry(client: &UnixStream, server: &PathBuf, (next, closed): &Shared) {
    if closed.load(Ordering::SeqCst) {
        return;
    }
    let server = UnixStream::connect(server).unwrap();
    let lose_answer = Arc::new(AtomicBool::new(false));
    let ends = || (client.try_clone().unwrap(), server.try_clone().unwrap());
    let cut = |(client, server): &(UnixStream, UnixStream)| {
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    };
    let (there, back) = (ends(), ends());
    let (next, closed, lose) = (Arc::clone(next), Arc::clone(closed), Arc::clone(&lose_answer));
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(read @ 1..) = (&there.0).read(&mut bytes) {
            if bytes[..read].windows(7).any(|word| word == b"COMMIT\0") {
                match next.lock().unwrap().take() {
                    None => {}
                    Some(Cut::Before) => break,
                    Some(how) => {
                        closed.store(how == Cut::ForGood, Ordering::SeqCst);
                        lose.store(true, Ordering::SeqCst);
                    }
                }
            }
            if (&there.1).write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        cut(&there);
    });
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(read @ 1..) = (&back.1).read(&mut bytes) {
            if lose_answer.load(Ordering::SeqCst) || (&back.0).write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        cut(&back);
    });
}

fn behind_a_way() -> (World, Engine, Way) {
    let (world, url) = World::on_postgres(Cluster::shared());
    stock(&world, 100);
    let way = Way::to(Cluster::shared());
    let engine = Engine::start(Arc::new(PostgresStore::open(&way.url(&url)).unwrap())).unwrap();
    (world, engine, way)
}

/// Without a key, so that nobody could tell by asking again.
#[test]
fn an_order_whose_commit_is_cut_off_is_placed_once_and_answered() {
    let (world, engine, way) = behind_a_way();
    for (n, cut) in [Cut::Before, Cut::After, Cut::After, Cut::Before].into_iter().enumerate() {
        *way.next.lock().unwrap() = Some(cut);
        let answered = engine.run_blocking(world.request(order(1))).unwrap();
        assert!(matches!(answered.outcome, Ok(Answer::Placed(_))));
        assert!(way.next.lock().unwrap().is_none(), "the commit was cut");
        assert_eq!(placed(&world).len(), n + 1);
    }
    world.verify();
}

#[test]
fn where_nobody_knows_whether_it_was_kept_the_key_tells_later() {
    let (world, engine, way) = behind_a_way();
    *way.next.lock().unwrap() = Some(Cut::ForGood);
    let request = |key: &str| {
        let key = Some(Key { key: key.into(), request: [9; 32] });
        engine.run_blocking(Request { key, ..world.request(order(1)) })
    };
    let Err(Failure::Store(error)) = request("first") else { panic!("nobody can have said so") };
    assert!(matches!(*error, StoreError::Unknown { .. }), "{error}");
    assert!(matches!(request("second"), Err(Failure::Store(_))), "nobody answers");
    way.closed.store(false, Ordering::SeqCst);
    assert!(request("first").unwrap().replayed, "it was kept");
    assert!(!request("second").unwrap().replayed);
    assert_eq!(placed(&world).len(), 2);
    world.verify();
}
