//! Traces as a collector has them: decoded by OpenTelemetry's own classes for Python, from what the built server sends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};
use testkit::tool::{Package, Tool};

use crate::{
    house::{Client, House, Server},
    shoppers::seed,
};

const OPENTELEMETRY: Package = Package { name: "opentelemetry", variable: "SHIPWHEN_OTLP_PYTHON" };

/// Takes traces here alone, says where, and writes a line for each request (its bytes) and for each span.
const START: &str = "
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        said = ExportTraceServiceRequest()
        said.ParseFromString(body)
        print(json.dumps({'path': self.path, 'type': self.headers['content-type'],
            'key': self.headers['x-key'], 'bytes': body.decode('latin-1')}), flush=True)
        for of in said.resource_spans:
            service = {a.key: a.value.string_value for a in of.resource.attributes}
            for scope in of.scope_spans:
                for span in scope.spans:
                    print(json.dumps({
                        'service': service['service.name'], 'name': span.name, 'kind': span.kind,
                        'trace': span.trace_id.hex(), 'span': span.span_id.hex(),
                        'parent': span.parent_span_id.hex(), 'status': span.status.code,
                        'start': span.start_time_unix_nano, 'end': span.end_time_unix_nano,
                        'attributes': {a.key: a.value.string_value or a.value.int_value for a in span.attributes},
                    }), flush=True)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header('content-type', 'application/x-protobuf')
        self.send_header('content-length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

served = HTTPServer(('127.0.0.1', 0), Handler)
print(served.server_port, flush=True)
served.serve_forever()
";

struct Collector {
    tool: Tool,
    /// What it has said so far.
    lines: String,
    url: String,
}

impl Collector {
    fn open() -> Self {
        let tool = OPENTELEMETRY.start(START);
        Self { url: format!("http://127.0.0.1:{}", tool.port), tool, lines: String::new() }
    }

    /// Waits until it has spans of all these names.
    fn until(&mut self, names: &[&str]) {
        let has = |lines: &str, name: &str| lines.contains(&format!(r#""name": "{name}""#));
        while !names.iter().all(|name| has(&self.lines, name)) {
            self.tool.hear(&mut self.lines);
        }
    }

    /// Ends it; answers the requests it had, and the spans in them.
    fn close(mut self) -> (Vec<Value>, Vec<Value>) {
        self.tool.close(&mut self.lines);
        let lines = self.lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.partition(|line| line["bytes"].is_string())
    }
}

fn served(house: &House, vars: &[(&str, &str)], args: &[&str]) -> Server {
    let mut command = house.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    command.envs(vars.iter().copied());
    Server::start(command)
}

/// Takes webhooks; tells the head of each.
fn endpoint() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            thread::spawn(move || take(&stream, &tell));
        }
    });
    (url, told)
}

fn take(stream: &TcpStream, tell: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            head.push('\n');
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() || tell.send(head).is_err() {
            return;
        }
        let mut stream = stream;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
}

fn order(customer: &str) -> Value {
    json!({
        "customer": {"email": format!("{customer}@example.com"), "name": "Ann Lovelace", "country": "US"},
        "lines": [{"sku": "LAMP", "quantity": 1}],
    })
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn place(server: &Server, key: &str, once: &str, traceparent: &str) -> Value {
    let call = ureq::post(format!("{}/v1/orders", server.url))
        .header("Authorization", format!("Bearer {key}"))
        .header("Idempotency-Key", once)
        .header("traceparent", traceparent);
    call.send_json(order("ann.lovelace")).unwrap().body_mut().read_json().unwrap()
}

#[test]
fn a_collector_has_the_way_of_a_sampled_order_to_its_webhook_and_no_person() {
    let (house, key) = House::with_key();
    let collector = Collector::open();
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k1"),
        ("OTEL_SERVICE_NAME", "shop-one"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    let server = served(&house, &vars, &["--allow-private-webhooks"]);
    let client = server.client(&key);
    seed(&client);
    let (url, told) = endpoint();
    client.post("/v1/webhooks", "hook", &json!({"url": url, "events": ["order_placed"]})).expect(201);
    let placed = place(&server, &key, "once", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let head = told.recv().unwrap();
    // Not sampled: by its client, and by the part of those that nobody decided about.
    place(&server, &key, "twice", "00-af7651916cd43dd8448eb211c80319c9-b7ad6b7169203331-00");
    client.post("/v1/orders", "thrice", &order("bob")).expect(201);
    for _ in 0..2 {
        assert!(!told.recv().unwrap().contains("traceparent"), "nobody asked for a trace of these");
    }
    assert!(server.stop().success());

    let (requests, spans) = collector.close();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(
            (&request["path"], &request["type"], &request["key"]),
            (&json!("/v1/traces"), &json!("application/x-protobuf"), &json!("k1"))
        );
        let bytes = request["bytes"].as_str().unwrap();
        let id = placed["id"].as_str().unwrap();
        for secret in ["lovelace", "Ann", "example.com", "LAMP", &key, "once", id, "told"] {
            assert!(!bytes.contains(secret), "{secret} in {bytes:?}");
        }
    }
    let one = |name: &str| {
        let found: Vec<&Value> = spans.iter().filter(|span| span["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name} in {spans:#?}");
        found[0]
    };
    assert_eq!(spans.len(), 5, "{spans:#?}");
    assert!(spans.iter().all(|span| span["trace"] == TRACE && span["service"] == "shop-one"), "{spans:#?}");
    let request = one("POST /v1/orders");
    assert_eq!((&request["parent"], &request["kind"]), (&json!("00f067aa0ba902b7"), &json!(2)));
    let attributes = &request["attributes"];
    assert_eq!(attributes["http.request.method"], "POST");
    assert_eq!(attributes["http.route"], "/v1/orders");
    assert_eq!(attributes["http.response.status_code"], 201);
    assert!(attributes["shipwhen.request_id"].is_string() && attributes.as_object().unwrap().len() == 4);
    let time = |span: &Value, end: &str| span[end].as_u64().unwrap();
    let mut last = time(request, "start");
    for name in ["queue", "decide", "commit"] {
        let step = one(name);
        assert_eq!((&step["parent"], &step["attributes"]), (&request["span"], &json!({})), "{name}");
        // The server's clock is read in whole microseconds, and so is each step's start.
        assert!(time(step, "start") + 1_000 >= last && time(step, "end") >= time(step, "start"), "{name}");
        last = time(step, "end");
    }
    assert!(time(request, "end") + 1_000 >= last);
    let webhook = one("webhook");
    assert_eq!((&webhook["parent"], &webhook["kind"]), (&request["span"], &json!(3)));
    assert_eq!(webhook["attributes"], json!({"shipwhen.kind": "order_placed", "shipwhen.outcome": "taken"}));
    let handed_on = format!("traceparent: 00-{TRACE}-{}-01", webhook["span"].as_str().unwrap());
    assert!(head.lines().any(|line| line == handed_on), "{handed_on} in\n{head}");
    house.verified();
}

/// Takes mail and throws it away; tells the first receiver of each.
fn office() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            thread::spawn(move || deliver(&stream, &tell));
        }
    });
    (url, told)
}

fn deliver(stream: &TcpStream, tell: &mpsc::Sender<String>) {
    let mut out = stream;
    let mut say = |words: &str| out.write_all(format!("{words}\r\n").as_bytes()).is_ok();
    let mut heard = BufReader::new(stream).lines();
    let mut to = String::new();
    let mut goes_on = say("220 office.test");
    while goes_on {
        let Some(Ok(line)) = heard.next() else { return };
        goes_on = match line.get(..4).unwrap_or_default() {
            "RCPT" => {
                line.clone_into(&mut to);
                say("250 ok")
            }
            "DATA" => {
                let asked = say("354 go on");
                let ended = heard.by_ref().map_while(Result::ok).any(|line| line == ".");
                asked && ended && tell.send(to.clone()).is_ok() && say("250 taken")
            }
            _ => say("250 ok"),
        };
    }
}

/// Says that it failed, to whatever it is asked; tells each path.
fn broken_bank() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let _ = reader.read_line(&mut line);
            // What is not read would cut the answer off.
            let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(200)));
            let _ = reader.read_to_end(&mut Vec::new());
            let _ =
                stream.write_all(b"HTTP/1.1 500 Failed\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let _ = tell.send(line);
        }
    });
    (url, told)
}

#[test]
fn mails_and_errands_have_spans_of_their_own_and_name_no_person() {
    let (house, key) = House::with_key();
    let mut collector = Collector::open();
    let (office, mailed) = office();
    let (bank, asked) = broken_bank();
    let vars = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*format!("{}/v1/traces", collector.url)),
        // Each goes as soon as it is over.
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
    ];
    let args =
        ["--smtp-url", &office, "--mail-from", "Shop <orders@shop.example>", "--stripe-key", "sk_test_1"];
    let server = served(&house, &vars, &[&args[..], &["--stripe-url", &bank]].concat());
    let client = server.client(&key);
    seed(&client);
    let terms = json!({"when_out": "backorder", "payment": {"kind": "full", "provider": "stripe"}});
    client.put("/v1/skus/LAMP/policies/default", &terms).expect(200);
    client.post("/v1/orders", "once", &order("ann.lovelace")).expect(201);
    assert!(mailed.recv().unwrap().contains("ann.lovelace@example.com"));
    asked.recv().unwrap();
    collector.until(&["mail", "errand"]);
    assert!(server.stop().success());
    let (requests, spans) = collector.close();
    for request in &requests {
        let bytes = request["bytes"].as_str().unwrap();
        for secret in ["lovelace", "Ann", "example.com", "LAMP", &key, "sk_test"] {
            assert!(!bytes.contains(secret), "{secret} in {bytes:?}");
        }
    }
    let of = |name: &str| {
        let span = spans.iter().find(|span| span["name"] == name);
        span.unwrap_or_else(|| panic!("{name} is not in {spans:#?}"))
    };
    let mail = of("mail");
    assert_eq!((&mail["kind"], &mail["parent"]), (&json!(3), &json!("")));
    assert_eq!(mail["attributes"], json!({"shipwhen.kind": "mail", "shipwhen.outcome": "sent"}));
    let errand = of("errand");
    assert_eq!((&errand["kind"], &errand["status"]), (&json!(3), &json!(2)), "{errand}");
    assert_eq!(errand["attributes"]["shipwhen.outcome"], "provider_failed", "{errand}");
    house.verified();
}

fn metric(client: &Client, name: &str) -> u64 {
    let text = client.get("/metrics").text;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

/// It takes connections and says nothing: spans are lost and counted, orders are not held up.
#[test]
fn a_collector_that_never_answers_costs_spans_and_nothing_else() {
    let (house, key) = House::with_key();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let vars = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
    ];
    let server = served(&house, &vars, &[]);
    let client = server.client(&key);
    seed(&client);
    for n in 0..30 {
        client.post("/v1/orders", &format!("order-{n}"), &order("ann")).expect(201);
    }
    // Of four spans an order, four are on their way and eight wait.
    assert!(metric(&client, "shipwhen_trace_spans_lost_total") >= 100);
    assert_eq!(metric(&client, "shipwhen_trace_spans_sent_total"), 0);
    assert!(server.stop().success(), "it ends without waiting for a collector");
    house.verified();
}

#[test]
fn without_a_collector_there_are_no_traces_and_what_cannot_be_is_refused() {
    let (house, key) = House::with_key();
    let server = house.serve();
    assert!(!server.client(&key).get("/metrics").text.contains("shipwhen_trace"));
    drop(server);
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let done = crate::house::Done::of(command.output().unwrap());
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.contains("http/protobuf"), "{done:?}");
}
