//! localstripe, started on a free port and ended with the test.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Names the Python that has localstripe, where it is not the one that `scripts/test` installs.
const PYTHON: &str = "SHIPWHEN_LOCALSTRIPE_PYTHON";

/// Serves it here alone and says where; it keeps nothing on the disk.
const START: &str = "
import socket
import localstripe.resources as resources
resources.Store.dump_to_disk = lambda self: None
from aiohttp import web
from localstripe.server import app
here = socket.socket()
here.bind(('127.0.0.1', 0))
print(here.getsockname()[1], flush=True)
web.run_app(app, sock=here, print=None, access_log=None)
";

pub(crate) struct LocalStripe {
    process: Child,
    pub(crate) url: String,
    agent: ureq::Agent,
}

#[expect(clippy::disallowed_methods, reason = "where a tool of the tests is, is asked of whoever runs them")]
pub(crate) fn python() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/localstripe/bin/python");
    std::env::var_os(PYTHON).map_or(installed, PathBuf::from)
}

impl LocalStripe {
    pub(crate) fn start() -> Self {
        let python = python();
        let missing = || {
            panic!(
                "localstripe is not there: {} cannot be started. Install it with ./scripts/test --tools, or name a \
                 Python that has it in {PYTHON}",
                python.display()
            )
        };
        let started = Command::new(&python)
            .args(["-c", START])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .stdin(Stdio::null())
            .spawn();
        let Ok(mut process) = started else { missing() };
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(port) = line.trim().parse::<u16>() else { missing() };
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { process, url: format!("http://127.0.0.1:{port}"), agent }
    }

    /// Does what a customer's browser, or somebody at the bank, does: past the proxy.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let sent =
            self.agent.post(format!("{}{path}", self.url)).header("authorization", "Bearer sk_test_browser");
        let mut answer = sent.send_json(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let sent =
            self.agent.get(format!("{}{path}", self.url)).header("authorization", "Bearer sk_test_browser");
        sent.call().unwrap().body_mut().read_json().unwrap()
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
