//! The server is killed while the provider of payments has done what it was asked and nobody has heard of it: money moves once.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};

use crate::house::{House, Server};

/// What stands for the provider: it remembers keys, and may keep its answer to itself.
#[derive(Default)]
struct Bank {
    /// By key: what was asked, and the answer.
    keys: BTreeMap<String, (String, Value)>,
    intent: Value,
    refunds: Vec<Value>,
    paid: bool,
    /// Does what is asked at this path, tells, and never answers.
    hangs_at: Option<(&'static str, mpsc::Sender<()>)>,
}

impl Bank {
    fn open() -> (String, Arc<Mutex<Self>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bank = Arc::new(Mutex::new(Self::default()));
        let serving = Arc::clone(&bank);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bank = Arc::clone(&serving);
                thread::spawn(move || answer(stream, &bank));
            }
        });
        (url, bank)
    }

    fn act(&mut self, method: &str, path: &str, key: &str, form: &str) -> Value {
        if let Some((wish, answer)) = self.keys.get(key).filter(|_| method == "POST") {
            assert_eq!(wish, form, "another wish under the key {key}");
            return answer.clone();
        }
        let named = form.split('&').find_map(|field| field.strip_prefix("metadata%5Bshipwhen_key%5D="));
        let metadata = json!({"shipwhen_key": named.map(|key| key.replace("%3A", ":"))});
        let list = |items: &[Value]| json!({"object": "list", "has_more": false, "data": items});
        let done = match (method, path.split('?').next().unwrap()) {
            ("POST", "/v1/customers") => json!({"id": "cus_1"}),
            ("POST", "/v1/payment_intents") => {
                assert_eq!(self.intent, Value::Null, "one charge, not two");
                self.intent = json!({"object": "payment_intent", "id": "pi_1", "client_secret": "pi_1_secret",
                    "status": "requires_payment_method", "amount": 4_500, "metadata": metadata});
                self.intent.clone()
            }
            ("GET", "/v1/payment_intents") => list(std::slice::from_ref(&self.intent)),
            ("GET", "/v1/payment_intents/pi_1") => {
                if self.paid {
                    self.intent["status"] = json!("succeeded");
                    self.intent["amount_received"] = json!(4_500);
                }
                self.intent.clone()
            }
            ("POST", "/v1/refunds") => {
                assert!(form.contains("amount=4500"), "{form}");
                self.refunds.push(json!({"id": "re_1", "status": "succeeded", "metadata": metadata}));
                assert_eq!(self.refunds.len(), 1, "one refund, not two");
                self.refunds[0].clone()
            }
            ("GET", "/v1/refunds") => list(&self.refunds),
            other => panic!("{other:?}"),
        };
        if method == "POST" {
            self.keys.insert(key.to_owned(), (form.to_owned(), done.clone()));
        }
        done
    }
}

/// Answers one request; then the connection is over.
fn answer(stream: TcpStream, bank: &Mutex<Bank>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let (method, path) = line.trim().rsplit_once(' ').unwrap().0.split_once(' ').unwrap();
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "idempotency-key" => value.clone_into(&mut key),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form).unwrap();
    let done = {
        let mut bank = bank.lock().unwrap();
        let done = bank.act(method, path, &key, std::str::from_utf8(&form).unwrap());
        if let Some((at, hung)) = &bank.hangs_at
            && method == "POST"
            && path == *at
        {
            hung.send(()).unwrap();
            bank.hangs_at = None;
            None
        } else {
            Some(done.to_string())
        }
    };
    let mut stream = stream;
    match done {
        Some(text) => {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length";
            let _ = write!(stream, "{head}: {}\r\n\r\n{text}", text.len());
        }
        // Until whoever asked is gone.
        None => drop(stream.read(&mut [0])),
    }
}

struct Shop {
    house: House,
    key: String,
    bank_url: String,
    bank: Arc<Mutex<Bank>>,
    server: Option<Server>,
    seconds: i64,
}

impl Shop {
    fn open() -> Self {
        let (house, key) = House::with_key();
        let (bank_url, bank) = Bank::open();
        let mut shop = Self { house, key, bank_url, bank, server: None, seconds: 0 };
        shop.start();
        shop
    }

    fn start(&mut self) {
        let args =
            ["serve", "--listen", "127.0.0.1:0", "--test-clock", "--stripe-key", "sk_test_1", "--stripe-url"];
        let args: Vec<&str> = args.into_iter().chain([&*self.bank_url]).collect();
        self.server = Some(Server::start(self.house.command(&args)));
    }

    fn request(
        &self,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> impl FnOnce() -> Option<(u16, Value)> + use<> {
        let url = format!("{}{path}", self.server.as_ref().unwrap().url);
        let key = format!("Bearer {}", self.key);
        let now = format!("2026-11-23T14:{:02}:{:02}Z", self.seconds / 60, self.seconds % 60);
        let once = format!("once-{path}-{}", self.seconds);
        move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
            let answer = if method == "GET" {
                agent.get(url).header("authorization", key).header("shipwhen-now", now).call()
            } else {
                let call = if method == "PUT" { agent.put(url) } else { agent.post(url) };
                let call = call.header("authorization", key).header("shipwhen-now", now);
                let call = if method == "POST" { call.header("idempotency-key", once) } else { call };
                call.send_json(&body)
            };
            let mut answer = answer.ok()?;
            let status = answer.status().as_u16();
            Some((status, answer.body_mut().read_json().ok()?))
        }
    }

    fn does(&self, method: &'static str, path: &str, body: Value) -> Value {
        let (status, answer) = self.request(method, path, body)().unwrap();
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    }

    fn later(&mut self, seconds: i64) {
        self.seconds += seconds;
        self.does("POST", "/v1/test/run-due", json!({}));
    }

    /// The provider does what it is asked at this path, and the server is killed before it hears of it.
    fn killed_at(&mut self, path: &'static str) {
        let (hung, came) = mpsc::channel();
        self.bank.lock().unwrap().hangs_at = Some((path, hung));
        let running = thread::spawn(self.request("POST", "/v1/test/run-due", json!({})));
        came.recv().unwrap();
        self.server.take().unwrap().kill();
        assert_eq!(running.join().unwrap(), None, "nobody answers");
        self.start();
    }

    fn amounts(&self, order: &str) -> [i64; 2] {
        let account = self.does("GET", &format!("/v1/orders/{order}/payments"), Value::Null);
        ["captured", "refunded"].map(|field| account[field]["amount"].as_i64().unwrap())
    }
}

#[test]
fn money_moves_once_whenever_the_server_is_killed() {
    let mut shop = Shop::open();
    shop.does("PUT", "/v1/locations/east", json!({"name": "East", "time_zone": "America/New_York"}));
    shop.does("PUT", "/v1/skus/MUG", json!({"title": "Mug", "price": {"amount": 1_500, "currency": "USD"}}));
    let policy = json!({"when_out": "refuse", "payment": {"kind": "full", "provider": "stripe"}});
    shop.does("PUT", "/v1/skus/MUG/policies/default", policy);
    let stock = json!({"sku": "MUG", "location": "east", "delta": 9, "reason": "opening_stock"});
    shop.does("POST", "/v1/adjustments", stock);
    let order = json!({"lines": [{"sku": "MUG", "quantity": 3}], "customer": {"email": "ada@example.com", "country": "US"}});
    let order = shop.does("POST", "/v1/orders", order)["id"].as_str().unwrap().to_owned();

    shop.killed_at("/v1/payment_intents");
    shop.later(300);
    let account = shop.does("GET", &format!("/v1/orders/{order}/payments"), Value::Null);
    assert_eq!(account["items"][0]["client_secret"], "pi_1_secret", "found by its key: {account}");
    shop.bank.lock().unwrap().paid = true;
    shop.later(60);
    assert_eq!(shop.amounts(&order), [4_500, 0]);

    shop.does("POST", &format!("/v1/orders/{order}/cancel"), json!({}));
    shop.killed_at("/v1/refunds");
    assert_eq!(shop.amounts(&order), [4_500, 0], "not known yet");
    shop.later(300);
    assert_eq!(shop.amounts(&order), [4_500, 4_500]);
    shop.later(600);
    assert_eq!(shop.bank.lock().unwrap().refunds.len(), 1);

    let table = shop.house.done(&["export", "prepayments"]).out;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows[1..], ["2026-11-23,MUG,USD,45.00,45.00,0.00,0.00,"], "{table}");
    assert!(shop.server.take().unwrap().stop().success());
    shop.house.verified();

    // What an account says is held against itself, the ledger and the sums of days.
    let database = rusqlite::Connection::open(shop.house.database()).unwrap();
    let tampered = "UPDATE records SET body = replace(body, '\"captured\":4500', '\"captured\":4400') WHERE kind = 'account'";
    assert_eq!(database.execute(tampered, []).unwrap(), 1);
    drop(database);
    let found = shop.house.run(&["verify", "--json"]);
    let violations = found.json()["violations"].take();
    let of_money = violations.as_array().unwrap().iter().filter(|violation| violation["kind"] == "money");
    assert_eq!((found.code, of_money.count()), (1, 3), "{violations}");
}
