//! A PostgreSQL cluster of a test's own: made in a temporary folder, gone when the process ends, however it ends.
//!
//! The server's programs come with the distribution's package (`postgresql`). Without them every test that needs one fails
//! and says so: none is skipped.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Where Debian has them, a folder for each version.
const PACKAGED: &str = "/usr/lib/postgresql";

/// Ends the cluster once its standard input ends, which is when whoever started it is gone.
const GUARD: &str = r#"
    cat >/dev/null
    if read -r pid <"$1/data/postmaster.pid"; then
        kill -QUIT "$pid"
        tries=0
        while kill -0 "$pid" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        kill -KILL "$pid"
    fi
    rm -rf "$1"
"#;

/// Who is let in where connections are encrypted: by TCP nobody else.
const HBA: &str = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";

/// How a running cluster is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, everything is written down.
    Fast,
    /// Connections are cut, nothing is written down: the next start recovers.
    Immediate,
    /// The process is killed, as if the machine had failed.
    Kill,
}

/// A cluster with a superuser named `shipwhen`, reached by a socket in its folder.
pub struct Cluster {
    dir: PathBuf,
    programs: PathBuf,
    settings: String,
    port: u16,
    /// The guard, which lives as long as its standard input is open.
    guard: Child,
}

impl Cluster {
    /// The cluster that all tests of this process share, each with a database of its own. It may lose what it was given
    /// when the machine fails, which no test makes happen.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(false));
        &SHARED
    }

    /// Starts one; `durable`: a commit is on disk when it is answered, as it must be where the server is killed.
    ///
    /// Panics where PostgreSQL is not installed or does not start: a test that needs it has then failed.
    pub fn start(durable: bool) -> Self {
        Self::start_with(durable, None)
    }

    /// One that is reached by TCP too, encrypted alone, under a certificate and its key (PEM); answers it with the port.
    pub fn start_encrypted(cert: &str, key: &str) -> (Self, u16) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = free.expect("there is a free port").port();
        (Self::start_with(false, Some((port, cert, key))), port)
    }

    fn start_with(durable: bool, encrypted: Option<(u16, &str, &str)>) -> Self {
        let programs = programs();
        let dir = Command::new("mktemp").args(["-d", "/tmp/shipwhen-pg-XXXXXX"]).output();
        let dir = PathBuf::from(said(dir, "make a folder").trim());
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let sync = if durable { "on" } else { "off" };
        // As a server of a shop's has them: what is written lately stays in memory, and checkpoints are minutes apart.
        let room = if durable { "256MB -c max_wal_size=4GB" } else { "64MB" };
        let settings = format!(
            "-k {0} -c listen_addresses= -c max_connections=200 -c shared_buffers={room} -c fsync={sync} \
             -c full_page_writes={sync} -c synchronous_commit={sync}",
            dir.display()
        );
        let port = encrypted.map_or(5432, |(port, ..)| port);
        let mut cluster = Self { dir, programs, settings, port, guard };
        if is_root() {
            said(Command::new("chown").arg("postgres").arg(&cluster.dir).output(), "give the folder away");
        }
        let made = cluster
            .program("initdb")
            .args(["-U", "shipwhen", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "-D"])
            .arg(cluster.data())
            .output();
        said(made, "make a cluster");
        if let Some((_, cert, key)) = encrypted {
            cluster.encrypt(cert, key);
        }
        cluster.run();
        cluster
    }

    /// Lets it listen on its port, to whoever encrypts.
    fn encrypt(&mut self, cert: &str, key: &str) {
        let files = [("server.crt", cert), ("server.key", key), ("pg_hba.conf", HBA)];
        for (name, content) in files {
            let file = self.data().join(name);
            fs::write(&file, content).expect("the cluster's folder can be written");
            said(Command::new("chmod").arg("600").arg(&file).output(), "close a file");
            if is_root() {
                said(Command::new("chown").arg("postgres").arg(&file).output(), "give a file away");
            }
        }
        let listening = format!(" -c listen_addresses=127.0.0.1 -c port={} -c ssl=on", self.port);
        self.settings = self.settings.replace(" -c listen_addresses=", &listening);
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The folder of its socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A program of PostgreSQL, run as somebody who may: the server refuses to be root's.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.dir).stdin(Stdio::null());
        command
    }

    /// Runs the server, and waits until it answers.
    pub fn run(&self) {
        let log = self.dir.join("log");
        let started = self
            .program("pg_ctl")
            .args(["-w", "-t", "60", "-s", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(&log)
            .args(["-o", &self.settings, "start"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let is_up = started.is_ok_and(|status| status.success());
        assert!(is_up, "PostgreSQL does not start: {}", fs::read_to_string(&log).unwrap_or_default());
    }

    /// Ends the server; [`Cluster::run`] brings it back.
    pub fn stop(&self, how: Stop) {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
            Stop::Kill => return self.kill(),
        };
        let mut stop = self.program("pg_ctl");
        stop.args(["-w", "-s", "-m", mode, "-D"]).arg(self.data()).arg("stop");
        said(stop.output(), "stop the server");
    }

    /// Stills what writes the server's log down by itself: until it is ended, nothing is on disk that nobody waited for.
    pub fn still(&self) {
        let writers = "'walwriter', 'background writer', 'checkpointer', 'autovacuum launcher'";
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE backend_type IN ({writers})");
        let pids = self.sql("postgres", &sql);
        let mut still = Command::new("sh");
        still.args(["-c", "kill -STOP \"$@\"", "still"]).args(pids.lines());
        said(still.output(), "still the server's writers");
    }

    /// Kills the server and everything it has started.
    fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).expect("a server that runs says so");
        let pid = pid.lines().next().unwrap_or_default();
        // Its children first stand still, so that none of them notices and tidies up.
        let script = "all=\"$1 $(cat /proc/$1/task/*/children)\"; kill -STOP $all; kill -KILL $all; \
             while kill -0 $1 2>/dev/null; do sleep 0.05; done";
        said(Command::new("sh").args(["-c", script, "kill", pid]).output(), "kill the server");
    }

    /// Makes an empty database; answers its address.
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shop{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgresql://shipwhen@/{name}?host={}", self.dir.display())
    }

    /// Runs statements in a database; answers what they say, a row a line, without anything around it.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let mut psql = self.program("psql");
        let port = self.port.to_string();
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "shipwhen", "-p", &port, "-d", database, "-h"]);
        psql.arg(&self.dir);
        let child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("psql can be started");
        let mut input = child.stdin.take().expect("it was asked for");
        input.write_all(statements.as_bytes()).expect("psql listens");
        drop(input);
        said(child.wait_with_output(), statements)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // Nothing is to be left when a test goes on.
        let _ = self.guard.wait();
    }
}

fn is_root() -> bool {
    static ROOT: LazyLock<bool> =
        LazyLock::new(|| said(Command::new("id").arg("-u").output(), "ask who this is").trim() == "0");
    *ROOT
}

/// The folder with the server's programs, of the newest version.
fn programs() -> PathBuf {
    let version = |dir: &PathBuf| {
        dir.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    let packaged = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    let packaged = packaged.map(|entry| entry.path().join("bin")).filter(|dir| dir.join("initdb").exists());
    if let Some(newest) = packaged.max_by_key(version) {
        return newest;
    }
    let asked = Command::new("pg_config").arg("--bindir").output();
    let dir = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    match dir {
        Ok(dir) if dir.join("initdb").exists() => dir,
        _ => panic!(
            "PostgreSQL is not installed, so what needs it cannot be tested: install the package `postgresql` \
             (./scripts/test does)"
        ),
    }
}

/// What a program said. Panics where it failed.
fn said(output: std::io::Result<Output>, to: &str) -> String {
    let output = output.unwrap_or_else(|error| panic!("no program to {to}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "could not {to}: {out}{err}");
    out.into_owned()
}
