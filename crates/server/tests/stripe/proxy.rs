//! Stands before localstripe and is as strict as Stripe is: keys are demanded and remembered, nothing beyond what came goes back, and
//! answers say what localstripe leaves out. It loses requests and answers as told, and knows disputes.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What happens to a request that would change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has no effect and no answer.
    Lost,
    /// It has its effect, and no answer.
    AnswerLost,
    /// It has no effect, and is answered with a failure.
    Unavailable,
}

/// What was sent under a key, and what was answered.
struct Known {
    wish: String,
    status: u16,
    body: Value,
}

/// What localstripe does not remember of an intent.
#[derive(Default)]
struct Extra {
    usage: Option<String>,
    received: Option<i64>,
    refunded: i64,
    customer: Option<String>,
}

#[derive(Default)]
struct Memory {
    keys: BTreeMap<String, Known>,
    intents: BTreeMap<String, Extra>,
    disputes: BTreeMap<String, Value>,
    faults: VecDeque<Option<Fault>>,
    capture_before: i64,
    events: Vec<(HeaderMap, Bytes)>,
}

#[derive(Clone)]
pub(crate) struct Proxy {
    memory: Arc<Mutex<Memory>>,
    upstream: String,
    agent: ureq::Agent,
    came: Arc<tokio::sync::Notify>,
    pub(crate) url: String,
}

/// A form's fields, as they were sent.
type Form = Vec<(String, String)>;

fn field<'f>(form: &'f Form, name: &str) -> Option<&'f str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl Proxy {
    /// Serves until the test's runtime ends.
    pub(crate) async fn start(upstream: &str, capture_before: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let memory = Memory { capture_before, ..Memory::default() };
        let proxy = Self {
            memory: Arc::new(Mutex::new(memory)),
            upstream: upstream.to_owned(),
            agent: ureq::Agent::config_builder().http_status_as_error(false).build().new_agent(),
            came: Arc::default(),
            url,
        };
        let router = Router::new().fallback(answer).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        proxy
    }

    pub(crate) fn faults(&self, faults: &[Option<Fault>]) {
        self.memory.lock().unwrap().faults = faults.iter().copied().collect();
    }

    pub(crate) fn dispute(&self, id: &str, dispute: Value) {
        self.memory.lock().unwrap().disputes.insert(id.to_owned(), dispute);
    }

    /// The next event that localstripe sends, as it sends it.
    pub(crate) async fn event(&self) -> (HeaderMap, Bytes) {
        loop {
            let came = self.came.notified();
            let next = {
                let mut memory = self.memory.lock().unwrap();
                (!memory.events.is_empty()).then(|| memory.events.remove(0))
            };
            match next {
                Some(event) => return event,
                None => came.await,
            }
        }
    }

    fn send(&self, method: &Method, path: &str, form: &Form) -> (u16, Value) {
        let address = format!("{}{path}", self.upstream);
        let key = "Bearer sk_test_proxy";
        let sent = if *method == Method::GET {
            self.agent.get(address).header("authorization", key).call()
        } else {
            let fields = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            self.agent.post(address).header("authorization", key).send_form(fields)
        };
        let mut answer = sent.unwrap();
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().unwrap_or(Value::Null))
    }

    fn post_json(&self, path: &str, body: &Value) -> (u16, Value) {
        let sent = self.agent.post(format!("{}{path}", self.upstream));
        let mut answer = sent.header("authorization", "Bearer sk_test_proxy").send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// What Stripe would answer.
    fn act(&self, method: &Method, path: &str, query: &Form, form: &Form) -> (u16, Value) {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let refused = |code: &str| (400, json!({"error": {"type": "invalid_request_error", "code": code}}));
        let (status, mut body) = match (method.as_str(), parts.as_slice()) {
            ("GET", ["payment_intents"]) => return (200, self.list(field(query, "customer"))),
            ("GET", ["disputes", id]) => {
                return match self.memory.lock().unwrap().disputes.get(*id) {
                    Some(dispute) => (200, dispute.clone()),
                    None => (404, json!({"error": {"code": "resource_missing"}})),
                };
            }
            ("GET", ["refunds"]) => {
                let intent = field(query, "payment_intent").unwrap_or_default();
                self.send(method, &format!("{path}?payment_intent={intent}&limit=100"), form)
            }
            ("POST", ["payment_intents"]) => {
                let known = ["setup_future_usage", "payment_method_types[]"];
                let kept: Form =
                    form.iter().filter(|(name, _)| !known.contains(&name.as_str())).cloned().collect();
                let (status, body) = self.send(method, path, &kept);
                if let Some(id) = self.intent_of(&body) {
                    let mut memory = self.memory.lock().unwrap();
                    let extra = memory.intents.entry(id).or_default();
                    extra.usage = field(form, "setup_future_usage").map(str::to_owned);
                    extra.customer = field(form, "customer").map(str::to_owned);
                }
                (status, body)
            }
            ("POST", ["payment_intents", _, "confirm"]) => {
                let fresh = json!({"payment_method": field(form, "payment_method"), "latest_charge": null});
                self.post_json(&format!("/v1/{}/{}", parts[0], parts[1]), &fresh);
                self.send(method, path, &Form::new())
            }
            ("POST", ["payment_intents", id, "capture"]) => {
                let amount: i64 = field(form, "amount_to_capture").unwrap().parse().unwrap();
                let (_, now) = self.send(&Method::GET, &format!("/v1/payment_intents/{id}"), form);
                if now["status"] != "requires_capture" {
                    return refused("payment_intent_unexpected_state");
                }
                if amount > now["amount"].as_i64().unwrap() {
                    return refused("amount_too_large");
                }
                self.memory.lock().unwrap().intents.entry((*id).to_owned()).or_default().received =
                    Some(amount);
                self.send(method, path, form)
            }
            ("POST", ["refunds"]) => {
                let id = field(form, "payment_intent").unwrap_or_default();
                let amount: i64 = field(form, "amount").unwrap().parse().unwrap();
                let (_, intent) = self.send(&Method::GET, &format!("/v1/payment_intents/{id}"), form);
                let mut memory = self.memory.lock().unwrap();
                let extra = memory.intents.entry(id.to_owned()).or_default();
                let came = extra.received.or(intent["amount"].as_i64()).unwrap_or(0);
                if intent["status"] != "succeeded" || extra.refunded + amount > came {
                    return refused("charge_already_refunded");
                }
                extra.refunded += amount;
                drop(memory);
                self.send(method, path, form)
            }
            _ => self.send(method, path, form),
        };
        if status == 402
            && let Some(id) = self.intent_of(&body)
        {
            let (_, intent) = self.send(&Method::GET, &format!("/v1/payment_intents/{id}"), form);
            body["error"]["payment_intent"] = intent;
            body["error"]["type"] = json!("card_error");
        }
        (status, self.whole(body))
    }

    /// The intent that an answer is about: itself, or that of the charge that failed.
    fn intent_of(&self, body: &Value) -> Option<String> {
        if let Some(charge) = body["error"]["charge"].as_str() {
            let (_, charge) = self.send(&Method::GET, &format!("/v1/charges/{charge}"), &Form::new());
            return charge["payment_intent"].as_str().map(str::to_owned);
        }
        (body["object"] == "payment_intent").then(|| body["id"].as_str().map(str::to_owned))?
    }

    fn list(&self, customer: Option<&str>) -> Value {
        let ids: Vec<String> = {
            let memory = self.memory.lock().unwrap();
            let of = memory.intents.iter().filter(|(_, extra)| extra.customer.as_deref() == customer);
            of.map(|(id, _)| id.clone()).collect()
        };
        let read =
            |id: &String| self.send(&Method::GET, &format!("/v1/payment_intents/{id}"), &Form::new()).1;
        json!({"object": "list", "has_more": false, "data": ids.iter().map(read).collect::<Vec<_>>()})
    }

    /// Adds what localstripe leaves out.
    fn whole(&self, mut body: Value) -> Value {
        let memory = self.memory.lock().unwrap();
        let in_error = body["error"]["payment_intent"].is_object();
        let intent = if in_error { &mut body["error"]["payment_intent"] } else { &mut body };
        if intent["object"] == "payment_intent" {
            let extra = intent["id"].as_str().and_then(|id| memory.intents.get(id));
            let amount = intent["amount"].as_i64().unwrap();
            let received = extra.and_then(|extra| extra.received).unwrap_or(amount);
            let is = |status: &str| intent["status"] == status;
            let (received, capturable) =
                (if is("succeeded") { received } else { 0 }, if is("requires_capture") { amount } else { 0 });
            intent["amount_received"] = json!(received);
            intent["amount_capturable"] = json!(capturable);
            intent["setup_future_usage"] = json!(extra.and_then(|extra| extra.usage.clone()));
            if intent["latest_charge"].is_object() {
                let details = json!({"card": {"capture_before": memory.capture_before}});
                intent["latest_charge"]["payment_method_details"] = details;
            }
        }
        body
    }
}

fn fields(text: &str) -> Form {
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// An answer that breaks off: the client cannot know what happened.
fn broken() -> Response {
    let end = futures_util::stream::once(async { Err::<Bytes, io::Error>(io::Error::other("lost")) });
    Response::builder().header("content-length", "100").body(Body::from_stream(end)).unwrap()
}

async fn answer(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if parts.uri.path() == "/hook" {
        proxy.memory.lock().unwrap().events.push((parts.headers, body));
        proxy.came.notify_one();
        return StatusCode::OK.into_response();
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    assert!(header("authorization").is_some_and(|key| key.starts_with("Bearer sk_test_")), "no key");
    assert!(header("stripe-version").is_some(), "no version");
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let query = fields(parts.uri.query().unwrap_or(""));
    let text = String::from_utf8(body.to_vec()).unwrap();
    let key = header("idempotency-key").map(str::to_owned);
    let changes = method == Method::POST;
    assert!(!changes || key.as_ref().is_some_and(|key| key.len() <= 255), "{path} without a key");
    let fault = if changes { proxy.memory.lock().unwrap().faults.pop_front().flatten() } else { None };
    match fault {
        Some(Fault::Lost) => return broken(),
        Some(Fault::Unavailable) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => {}
    }
    let wish = format!("{path}?{text}");
    let acting = tokio::task::spawn_blocking(move || {
        let key = key.filter(|_| changes);
        if let Some(key) = &key
            && let Some(known) = proxy.memory.lock().unwrap().keys.get(key)
        {
            if known.wish != wish {
                return (400, json!({"error": {"type": "idempotency_error", "code": "idempotency_error"}}));
            }
            return (known.status, known.body.clone());
        }
        let (status, body) = proxy.act(&method, &path, &query, &fields(&text));
        if let Some(key) = key {
            let known = Known { wish, status, body: body.clone() };
            proxy.memory.lock().unwrap().keys.insert(key, known);
        }
        (status, body)
    });
    let (status, body) = acting.await.unwrap();
    if fault == Some(Fault::AnswerLost) {
        return broken();
    }
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}
