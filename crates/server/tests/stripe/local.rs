//! localstripe, started on a free port and ended with the test.

use serde_json::Value;
use testkit::tool::{Package, Tool};

pub(crate) const LOCALSTRIPE: Package =
    Package { name: "localstripe", variable: "SHIPWHEN_LOCALSTRIPE_PYTHON" };

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
    /// Ends with it.
    _tool: Tool,
    pub(crate) url: String,
    agent: ureq::Agent,
}

impl LocalStripe {
    pub(crate) fn start() -> Self {
        let tool = LOCALSTRIPE.start(START);
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { url: format!("http://127.0.0.1:{}", tool.port), _tool: tool, agent }
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
