//! Stripe's own client for Python, as a shop's front end and its bookkeeper use it: through the proxy, as it would talk to Stripe.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::local::LOCALSTRIPE;

/// Does what each line asks for and says what came of it.
const START: &str = "
import json, sys
import stripe
stripe.enable_telemetry = False
client = stripe.StripeClient('sk_test_official', base_addresses={'api': sys.argv[1]}, max_network_retries=0)
print(json.dumps({'version': stripe.VERSION}), flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    call = client.v1
    for name in ask['call'].split('.'):
        call = getattr(call, name)
    try:
        args = [ask['id']] if ask['id'] else []
        done = call(*args, params=ask['params'])
        said = {'done': json.loads(str(done))}
    except stripe.StripeError as error:
        said = {'error': type(error).__name__, 'code': error.code, 'status': error.http_status}
    print(json.dumps(said), flush=True)
";

pub(crate) struct Client {
    process: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Client {
    /// One that talks to what is at an address.
    pub(crate) fn start(url: &str) -> Self {
        let mut process = Command::new(LOCALSTRIPE.python())
            .args(["-c", START, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let asked = process.stdin.take().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut client = Self { process, asked, said };
        let first = client.read();
        assert!(
            first["version"].is_string(),
            "Stripe's client is not there: ./scripts/test --tools installs it"
        );
        client
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn ask(&mut self, call: &str, id: &str, params: &Value) -> Value {
        let line = json!({"call": call, "id": id, "params": params});
        writeln!(self.asked, "{line}").unwrap();
        self.asked.flush().unwrap();
        self.read()
    }

    /// What came of a call that goes through: `setup_intents.confirm`, of an object by its id.
    pub(crate) fn does(&mut self, call: &str, id: &str, params: &Value) -> Value {
        let said = self.ask(call, id, params);
        assert!(said["done"].is_object(), "{call} {id} {params}: {said}");
        said["done"].clone()
    }

    /// Which error a call raises, and its code.
    pub(crate) fn fails(&mut self, call: &str, id: &str, params: &Value) -> (String, String) {
        let said = self.ask(call, id, params);
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        assert!(said["error"].is_string(), "{call} {id} {params}: {said}");
        (text("error"), text("code"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
