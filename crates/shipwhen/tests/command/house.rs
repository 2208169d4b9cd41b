//! A store in a directory of its own, the command run on it, and a server that never outlives its test.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// No answer takes this long; a server that hangs fails its test instead of holding it.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The command, with nothing of the environment that tests run in.
pub(crate) fn shipwhen() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shipwhen"));
    for name in [
        "STORE",
        "TENANT",
        "CONFIG",
        "LISTEN",
        "PUBLIC_URL",
        "TEST_CLOCK",
        "CURRENCY",
        "STRIPE_KEY",
        "STRIPE_URL",
    ] {
        command.env_remove(format!("SHIPWHEN_{name}"));
    }
    command.stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The answer as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A store, and a directory with room for files beside it: its own, unless it is in a database.
pub(crate) struct House {
    dir: TempDir,
    store: String,
}

impl House {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir.path().join("store"));
        Self { dir, store }
    }

    /// A store in a database.
    pub(crate) fn at(url: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), store: url.to_owned() }
    }

    /// The store as the command takes it.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// A new store with the tenant `shop`, and a staff key of it.
    pub(crate) fn with_key() -> (Self, String) {
        let house = Self::new();
        let key = house.key();
        (house, key)
    }

    /// The tenant `shop`, made if it is new, and a staff key of it.
    pub(crate) fn key(&self) -> String {
        let made = self.done(&["keys", "create", "--tenant", "shop", "--json"]).json();
        made["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("store").join("shipwhen.db")
    }

    /// Writes a file and says where.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = shipwhen();
        command.args(args).arg("--store").arg(&self.store);
        command
    }

    /// Runs a command on the store to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    /// The same, which must go well.
    pub(crate) fn done(&self, args: &[&str]) -> Done {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {done:?}");
        done
    }

    /// The same with something on standard input.
    pub(crate) fn fed(&self, args: &[&str], input: &[u8]) -> Done {
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Done::of(child.wait_with_output().unwrap())
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Checks the store by its own command; answers what that says.
    pub(crate) fn verified(&self) -> Value {
        let report = self.done(&["verify", "--json"]).json();
        assert_eq!(report["violations"], serde_json::json!([]), "{report}");
        report
    }
}

/// A store as the command takes it.
fn store(dir: &Path) -> String {
    format!("sqlite:{}", dir.to_str().unwrap())
}

/// A server in a process of its own, which ends with it.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    /// What it printed before it was ready.
    pub(crate) said: Vec<String>,
    /// Kept open: a server whose stdout is gone is another test.
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = Vec::new();
        let url = loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let _ = child.kill();
                panic!("the server ended with {:?} and said {said:?}", child.wait());
            }
            if let Some(url) = line.trim().strip_prefix("listening on ") {
                break url.to_owned();
            }
            said.push(line.trim().to_owned());
        };
        Self { child, url, said, _out: out }
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        Client::new(&self.url, key)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it where it stands (SIGKILL) and waits for its end.
    pub(crate) fn kill(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) replayed: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer of a request that must have had this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

/// Somebody with a key.
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
    key: String,
}

impl Client {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            .max_redirects(0)
            .build();
        Self { agent: config.into(), url: url.to_owned(), key: key.to_owned() }
    }

    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        let path = path.strip_prefix(&self.url).unwrap_or(path);
        let call = self.agent.get(format!("{}{path}", self.url));
        answer(call.header("Authorization", format!("Bearer {}", self.key)).call()?)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap()
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        let call = self.agent.put(format!("{}{path}", self.url));
        answer(call.header("Authorization", format!("Bearer {}", self.key)).send_json(body).unwrap()).unwrap()
    }

    /// Posts under an idempotency key; an error says that no whole answer came.
    pub(crate) fn try_post(&self, path: &str, once: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let call = self.agent.post(format!("{}{path}", self.url));
        let call =
            call.header("Authorization", format!("Bearer {}", self.key)).header("Idempotency-Key", once);
        answer(call.send_json(body)?)
    }

    pub(crate) fn post(&self, path: &str, once: &str, body: &Value) -> Answer {
        self.try_post(path, once, body).unwrap()
    }

    /// Everything of a list, page after page.
    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.get(&format!("{path}?limit=200{cursor}")).expect(200);
            items.append(page["items"].as_array_mut().unwrap());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    Ok(Answer {
        status: response.status().as_u16(),
        replayed: response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true"),
        text: response.body_mut().read_to_string()?,
    })
}
