//! Traces to a collector of OpenTelemetry's, as the standard variables of the environment (OTEL_*) say; without them none.
//!
//! A span that is over goes into a queue that takes so many and no more, and a thread of its own sends them on: nobody
//! who serves ever waits for a collector. What does not fit, or is not taken, is counted and gone.

use std::{
    env,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use async_trait::async_trait;
use connect::collector::Collector;
use opentelemetry::{Context, global::BoxedTracer, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use server::traces::{Counts, Traces};

use crate::config::Usage;

/// As the specification has it, in milliseconds and spans.
const DELAY_MS: u64 = 5_000;
const QUEUE_SIZE: u64 = 2_048;
const BATCH_SIZE: u64 = 512;
/// How long a collector has to answer, in milliseconds.
const TIMEOUT_MS: u64 = 10_000;
/// The collector where none is named.
const ENDPOINT: &str = "http://localhost:4318/v1/traces";
/// How long the end of the process waits for the last spans to be taken.
const LAST: Duration = Duration::from_secs(3);

/// Traces, and what ends them.
pub struct Tracing {
    /// Who makes them.
    pub traces: Traces,
    provider: Option<SdkTracerProvider>,
}

impl Tracing {
    /// No traces.
    pub(crate) fn none() -> Self {
        Self { traces: Traces::default(), provider: None }
    }

    /// As the environment says. Errors: it says something that is not there.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        Self::by(&said)
    }

    /// As these variables say; of headers and names of the service only the environment's own.
    pub fn by(var: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let Some(wish) = Wish::read(var)? else { return Ok(Self::none()) };
        let client = Collector::new(&wish.endpoint, wish.timeout)?;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client(client))
            .with_endpoint(&wish.endpoint)
            .with_timeout(wish.timeout)
            .build()
            .context("traces cannot be sent")?;
        let resource = Resource::builder();
        let resource = if wish.is_named { resource } else { resource.with_service_name("shipwhen") };
        let resource = resource.build();
        exporter.set_resource(&resource);
        let counts = Arc::<Counts>::default();
        let queue = Queue::start(exporter, &wish, Arc::clone(&counts))?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(wish.sampler)
            .with_span_processor(queue)
            .build();
        let tracer = BoxedTracer::new(Box::new(provider.tracer("shipwhen")));
        Ok(Self { traces: Traces::by(tracer, counts), provider: Some(provider) })
    }

    /// What ends them, once [`Tracing::traces`] is elsewhere.
    pub fn ending(&self) -> Ending {
        Ending(self.provider.clone())
    }
}

/// What a variable of the environment says; one that is empty says nothing.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
fn said(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Sends the last spans on.
pub struct Ending(Option<SdkTracerProvider>);

impl Ending {
    /// Waits a moment for the collector to take what is left.
    pub fn end(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(LAST)
        {
            tracing::warn!(%error, "the last traces were not taken");
        }
    }
}

/// What the environment asks for.
#[derive(Debug)]
struct Wish {
    endpoint: String,
    timeout: Duration,
    sampler: Sampler,
    is_named: bool,
    delay: Duration,
    queue: usize,
    batch: usize,
}

impl Wish {
    /// Reads it; `None`: no traces.
    fn read(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Usage> {
        let is =
            |name: &str, value: &str| var(name).is_some_and(|said| said.trim().eq_ignore_ascii_case(value));
        let of_traces = |what: &str| {
            var(&format!("OTEL_EXPORTER_OTLP_TRACES_{what}"))
                .or_else(|| var(&format!("OTEL_EXPORTER_OTLP_{what}")))
        };
        let exporter = var("OTEL_TRACES_EXPORTER");
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        if let Some(other) = exporter.as_deref().map(str::trim).filter(|exporter| *exporter != "otlp") {
            return Err(Usage(format!("OTEL_TRACES_EXPORTER is {other:?}: expected otlp or none")));
        }
        let endpoint = match (var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), var("OTEL_EXPORTER_OTLP_ENDPOINT")) {
            (Some(endpoint), _) => endpoint.trim().to_owned(),
            (None, Some(base)) => format!("{}/v1/traces", base.trim().trim_end_matches('/')),
            (None, None) if exporter.is_some() => ENDPOINT.to_owned(),
            (None, None) => return Ok(None),
        };
        if !["http://", "https://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            let detail =
                format!("OTEL_EXPORTER_OTLP_ENDPOINT is {endpoint:?}: expected http://HOST:PORT or https://");
            return Err(Usage(detail));
        }
        if let Some(other) = of_traces("PROTOCOL").filter(|protocol| protocol.trim() != "http/protobuf") {
            return Err(Usage(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL is {other:?}: only http/protobuf is spoken here"
            )));
        }
        let number = |name: &str, otherwise: u64, most: u64| match var(name) {
            None => Ok(otherwise),
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| Usage(format!("{name} is {text:?}: expected a number from 1 to {most}"))),
        };
        let queue = number("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SIZE, 1 << 20)?;
        let batch = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH_SIZE.min(queue), queue)?;
        let timeout = match of_traces("TIMEOUT") {
            None => TIMEOUT_MS,
            Some(_) if var("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").is_some() => {
                number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", TIMEOUT_MS, 600_000)?
            }
            Some(_) => number("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT_MS, 600_000)?,
        };
        Ok(Some(Self {
            endpoint,
            timeout: Duration::from_millis(timeout),
            sampler: sampler(var)?,
            is_named: var("OTEL_SERVICE_NAME").is_some()
                || var("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| all.contains("service.name=")),
            delay: Duration::from_millis(number("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS, 600_000)?),
            queue: usize::try_from(queue).unwrap_or(usize::MAX),
            batch: usize::try_from(batch).unwrap_or(usize::MAX),
        }))
    }
}

/// Which traces are sampled: those that the client samples, and of the rest all, none or a part.
fn sampler(var: &dyn Fn(&str) -> Option<String>) -> Result<Sampler, Usage> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const PART: &str = "OTEL_TRACES_SAMPLER_ARG";
    let part = || match var(PART) {
        None => Ok(Sampler::TraceIdRatioBased(1.0)),
        Some(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|part: &f64| (0.0..=1.0).contains(part))
            .map(Sampler::TraceIdRatioBased)
            .ok_or_else(|| Usage(format!("{PART} is {text:?}: expected a number from 0 to 1"))),
    };
    let said = var(NAME).unwrap_or_else(|| "parentbased_always_on".to_owned());
    let (by_parent, root) = match said.trim().strip_prefix("parentbased_") {
        Some(root) => (true, root),
        None => (false, said.trim()),
    };
    let root = match root {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => part()?,
        _ => {
            return Err(Usage(format!(
                "{NAME} is {said:?}: expected always_on, always_off or traceidratio, with or without parentbased_ before it"
            )));
        }
    };
    Ok(if by_parent { Sampler::ParentBased(Box::new(root)) } else { root })
}

/// Carries what the exporter writes.
#[derive(Debug)]
struct Client(Collector);

#[async_trait]
impl HttpClient for Client {
    /// Blocks: it is called from the exporting thread alone.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        Ok(self.0.send(request.map(|body| body.to_vec()))?.map(Bytes::from))
    }
}

enum Item {
    Span(Box<SpanData>),
    /// Send on what is there, and say so.
    Flush(mpsc::Sender<()>),
    /// The same, and end.
    End(mpsc::Sender<()>),
}

/// Takes spans that are over.
#[derive(Debug)]
struct Queue {
    items: mpsc::SyncSender<Item>,
    counts: Arc<Counts>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Queue {
    fn start(exporter: SpanExporter, wish: &Wish, counts: Arc<Counts>) -> anyhow::Result<Self> {
        let (items, waiting) = mpsc::sync_channel(wish.queue);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let mut sending = Sending {
            exporter,
            runtime,
            counts: Arc::clone(&counts),
            batch: Vec::new(),
            most: wish.batch,
            is_down: false,
        };
        let delay = wish.delay;
        let thread =
            thread::Builder::new().name("traces".to_owned()).spawn(move || sending.run(&waiting, delay))?;
        Ok(Self { items, counts, thread: Mutex::new(Some(thread)) })
    }
}

/// The thread that sends spans on.
struct Sending {
    exporter: SpanExporter,
    runtime: tokio::runtime::Runtime,
    counts: Arc<Counts>,
    batch: Vec<SpanData>,
    most: usize,
    /// The last batch was not taken.
    is_down: bool,
}

impl Sending {
    fn run(&mut self, waiting: &mpsc::Receiver<Item>, delay: Duration) {
        let mut due = Instant::now() + delay;
        loop {
            match waiting.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Item::Span(span)) => {
                    self.batch.push(*span);
                    if self.batch.len() < self.most {
                        continue;
                    }
                    self.send();
                }
                Ok(Item::Flush(done)) => {
                    self.send();
                    let _ = done.send(());
                }
                Ok(Item::End(done)) => {
                    self.send();
                    let _ = done.send(());
                    return;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.send(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.send(),
            }
            due = Instant::now() + delay;
        }
    }

    fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        match self.runtime.block_on(self.exporter.export(batch)) {
            Ok(()) => {
                self.counts.sent.fetch_add(count, Ordering::Relaxed);
                self.is_down = false;
            }
            Err(error) => {
                self.counts.lost.fetch_add(count, Ordering::Relaxed);
                // Once, until it works again.
                if !std::mem::replace(&mut self.is_down, true) {
                    tracing::warn!(%error, "no collector takes the traces");
                }
            }
        }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.items.try_send(Item::Span(Box::new(span))).is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let (done, is_done) = mpsc::channel();
        self.items.try_send(Item::Flush(done)).map_err(|_| OTelSdkError::Timeout(LAST))?;
        is_done.recv_timeout(LAST).map_err(|_| OTelSdkError::Timeout(LAST))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let taken = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = taken else { return Ok(()) };
        let (done, is_done) = mpsc::channel();
        // A queue that is full has a collector that takes nothing: then what waits is gone.
        let ended =
            self.items.try_send(Item::End(done)).ok().and_then(|()| is_done.recv_timeout(timeout).ok());
        match ended {
            Some(()) => {
                let _ = thread.join();
                Ok(())
            }
            None => Err(OTelSdkError::Timeout(timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Option<Wish>, String> {
        let var = |name: &str| vars.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        Wish::read(&var).map_err(|usage| usage.0)
    }

    const HERE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    #[test]
    fn without_a_word_there_are_no_traces() {
        for vars in [
            &[][..],
            &[("OTEL_SERVICE_NAME", "shop")],
            &[HERE, ("OTEL_SDK_DISABLED", "true")],
            &[HERE, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert!(read(vars).unwrap().is_none(), "{vars:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_there_is_said() {
        let wish = read(&[HERE]).unwrap().unwrap();
        assert_eq!((wish.queue, wish.batch, wish.delay), (2_048, 512, Duration::from_secs(5)));
        assert_eq!(format!("{:?}", wish.sampler), "ParentBased(AlwaysOn)");
        let part =
            [HERE, ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.01")];
        let wish = read(&part).unwrap().unwrap();
        assert_eq!(format!("{:?}", wish.sampler), "ParentBased(TraceIdRatioBased(0.01))");
        for (vars, endpoint) in [
            (&[HERE][..], "http://127.0.0.1:4318/v1/traces"),
            (&[("OTEL_TRACES_EXPORTER", "otlp")], ENDPOINT),
            (&[HERE, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.example/in")], "https://c.example/in"),
        ] {
            assert_eq!(read(vars).unwrap().unwrap().endpoint, endpoint);
        }
        for (name, value) in [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ] {
            let error = read(&[HERE, (name, value)]).unwrap_err();
            assert!(error.contains(value), "{error}");
        }
        let wrong = [HERE, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
        assert!(read(&wrong).unwrap_err().contains("from 0 to 1"));
    }

    /// A collector that never answers costs its spans, and nobody's time.
    #[test]
    fn a_queue_that_is_full_drops_and_counts() {
        let (items, waiting) = mpsc::sync_channel(2);
        let counts = Arc::<Counts>::default();
        let queue = Queue { items, counts: Arc::clone(&counts), thread: Mutex::new(None) };
        let provider =
            SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn).with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for _ in 0..5 {
            drop(opentelemetry::trace::Tracer::start(&tracer, "span"));
        }
        assert_eq!(counts.lost.load(Ordering::Relaxed), 3);
        assert_eq!(waiting.try_iter().count(), 2);
    }
}
