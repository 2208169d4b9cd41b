//! A way to a PostgreSQL cluster that can be cut in the worst moment: between a commit and its answer.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use crate::postgres::Cluster;

/// The socket's name, as PostgreSQL's clients look for it.
const SOCKET: &str = ".s.PGSQL.5432";

/// What the way to the database does to the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is lost before the database hears of it.
    Before,
    /// It is heard, and its answer lost.
    After,
    /// The same, and nobody gets through any more, until [`Way::open`].
    ForGood,
}

/// A socket that leads to a cluster's.
pub struct Way {
    dir: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    next: Mutex<Option<Cut>>,
    closed: AtomicBool,
}

impl State {
    fn next(&self) -> MutexGuard<'_, Option<Cut>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    /// Opens one, in the cluster's own folder.
    pub fn to(cluster: &Cluster) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let dir = cluster.dir().join(format!("way{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir(&dir).expect("the cluster's folder can be written");
        let listener = UnixListener::bind(dir.join(SOCKET)).expect("a socket can be made there");
        let (state, server) = (Arc::<State>::default(), cluster.dir().join(SOCKET));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Where the server is away, the client is hung up on.
                let _ = carry(&client, &server, &shared);
            }
        });
        Self { dir, state }
    }

    /// A database's address by this way; `url` as [`Cluster::database`] gives it.
    pub fn url(&self, url: &str) -> String {
        let (name, _) = url.split_once("host=").unwrap_or((url, ""));
        format!("{name}host={}", self.dir.display())
    }

    /// Has the next commit that comes by cut.
    pub fn cut_next(&self, how: Cut) {
        *self.state.next() = Some(how);
    }

    /// Whether no commit has come by since.
    pub fn will_cut(&self) -> bool {
        self.state.next().is_some()
    }

    /// Lets everybody through again.
    pub fn open(&self) {
        self.state.closed.store(false, Ordering::SeqCst);
    }
}

/// Carries one connection's bytes both ways, until it is cut.
fn carry(client: &UnixStream, server: &Path, state: &Arc<State>) -> std::io::Result<()> {
    if state.closed.load(Ordering::SeqCst) {
        return Ok(());
    }
    let server = UnixStream::connect(server)?;
    let loses_answer = Arc::new(AtomicBool::new(false));
    let there = (client.try_clone()?, server.try_clone()?);
    let back = (client.try_clone()?, server);
    let (state, loses) = (Arc::clone(state), Arc::clone(&loses_answer));
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        // Whoever only reads ends that in the same words, and has nothing to lose.
        let mut writes = true;
        while let Ok(read @ 1..) = (&there.0).read(&mut bytes) {
            let says = |word: &[u8]| bytes[..read].windows(word.len()).any(|there| there == word);
            writes = (writes || says(b"READ COMMITTED\0")) && !says(b"READ ONLY\0");
            if writes && says(b"COMMIT\0") {
                let cut = state.next().take();
                match cut {
                    None => {}
                    Some(Cut::Before) => break,
                    Some(how) => {
                        state.closed.store(how == Cut::ForGood, Ordering::SeqCst);
                        loses.store(true, Ordering::SeqCst);
                    }
                }
            }
            if (&there.1).write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        hang_up(&there);
    });
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(read @ 1..) = (&back.1).read(&mut bytes) {
            if loses_answer.load(Ordering::SeqCst) || (&back.0).write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        hang_up(&back);
    });
    Ok(())
}

fn hang_up((client, server): &(UnixStream, UnixStream)) {
    // Both fail where the other end was first.
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
