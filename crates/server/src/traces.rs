//! Traces: of a request that is sampled, where its time went, for a collector of OpenTelemetry's.
//!
//! A request is a span, and within it its wait for the engine, the decision and the commit are; what goes to others (a mail, an
//! errand to the provider, a webhook) is a span of its own. A trace that the client began goes on here by its `traceparent`,
//! and in the webhooks that the request led to. Spans say routes, kinds and outcomes; of whom or of what never.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, Method};
use engine::{Answered, Engine, Failure, Request, Steps, Times};
use model::{id::TenantId, time::Timestamp};
use opentelemetry::{
    Context, KeyValue,
    global::BoxedTracer,
    trace::{
        Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
        TraceState, Tracer,
    },
};

/// Most requests of which it is known which trace they belong to, for the webhooks that they lead to.
const CAUSES_MAX: usize = 4_096;

tokio::task_local! {
    /// The trace of the request that is being answered, where it is sampled.
    static CURRENT: Trace;
}

/// What became of the spans.
#[derive(Debug, Default)]
pub struct Counts {
    /// Spans that a collector took.
    pub sent: AtomicU64,
    /// Spans that were dropped: too many waited, or no collector took them.
    pub lost: AtomicU64,
}

/// Who makes spans; by default nobody does.
#[derive(Default)]
pub struct Traces {
    making: Option<Making>,
}

struct Making {
    tracer: BoxedTracer,
    counts: Arc<Counts>,
    causes: Mutex<Causes>,
}

/// Which sampled request decided what of a tenant at which moment.
#[derive(Default)]
struct Causes {
    by_moment: HashMap<(TenantId, Timestamp), SpanContext>,
    order: VecDeque<(TenantId, Timestamp)>,
}

/// A span that is sampled, while what it is of goes on.
#[derive(Clone)]
pub(crate) struct Trace {
    context: Context,
}

impl Traces {
    /// Spans are made, and counted by whoever sends them on.
    pub fn by(tracer: BoxedTracer, counts: Arc<Counts>) -> Self {
        Self { making: Some(Making { tracer, counts, causes: Mutex::default() }) }
    }

    /// What became of the spans; `None`: none are made.
    pub(crate) fn counts(&self) -> Option<(u64, u64)> {
        let counts = &self.making.as_ref()?.counts;
        Some((counts.sent.load(Ordering::Relaxed), counts.lost.load(Ordering::Relaxed)))
    }

    /// Begins the span of a request; `None`: it is not sampled.
    pub(crate) fn request(&self, headers: &HeaderMap, method: &Method, route: &str) -> Option<Trace> {
        let making = self.making.as_ref()?;
        let parent = headers.get("traceparent").and_then(|value| parent(value.to_str().ok()?));
        let builder = SpanBuilder::from_name(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method.to_string()),
                KeyValue::new("http.route", route.to_owned()),
            ]);
        making.begin(builder, parent)
    }

    /// Begins the span of something that goes to others, within the trace of what led to it; `None`: it is not sampled.
    pub(crate) fn outward(&self, name: &'static str, cause: Option<SpanContext>) -> Option<Trace> {
        self.making.as_ref()?.begin(SpanBuilder::from_name(name).with_kind(SpanKind::Client), cause)
    }

    /// The trace of the request that decided something of a tenant at a moment, if it was sampled, here and lately.
    pub(crate) fn cause(&self, tenant: &TenantId, at: Timestamp) -> Option<SpanContext> {
        let causes = self.making.as_ref()?.causes.lock().unwrap_or_else(PoisonError::into_inner);
        causes.by_moment.get(&(tenant.clone(), at)).cloned()
    }

    fn remember(&self, tenant: &TenantId, at: Timestamp, trace: &Trace) {
        let Some(making) = &self.making else { return };
        let mut causes = making.causes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), at);
        let cause = trace.context.span().span_context().clone();
        if causes.by_moment.insert(key.clone(), cause).is_none() {
            causes.order.push_back(key);
        }
        while causes.order.len() > CAUSES_MAX {
            let Some(oldest) = causes.order.pop_front() else { return };
            causes.by_moment.remove(&oldest);
        }
    }

    /// Has the engine decide a request, with spans for its steps where the request being answered is sampled.
    pub(crate) async fn run(
        &self,
        engine: &Engine,
        clock: &crate::app::Clock,
        request: Request,
    ) -> Result<Answered, Failure> {
        let (Some(making), Some(trace)) = (&self.making, CURRENT.try_with(Trace::clone).ok()) else {
            return engine.run(request).await;
        };
        // Before it is kept, so that a webhook that goes out at once finds it.
        self.remember(&request.tenant, request.now, &trace);
        let (sent, times) = (moment(clock()), Arc::new(Times::begin()));
        let answered = engine.run_timed(request, &times).await;
        if let Some(steps) = times.steps() {
            making.steps(&trace, sent, steps);
        }
        answered
    }
}

impl Making {
    fn begin(&self, builder: SpanBuilder, parent: Option<SpanContext>) -> Option<Trace> {
        let around = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let span = self.tracer.build_with_context(builder, &around);
        let is_sampled = span.span_context().is_sampled();
        is_sampled.then(|| Trace { context: Context::new().with_span(span) })
    }

    fn steps(&self, trace: &Trace, sent: SystemTime, steps: Steps) {
        let span = |name: &'static str, (from, to): (Duration, Duration)| {
            let builder = SpanBuilder::from_name(name).with_start_time(sent + from);
            self.tracer.build_with_context(builder, &trace.context).end_with_timestamp(sent + to);
        };
        span("queue", steps.queue);
        span("decide", steps.decide);
        span("commit", steps.commit);
    }
}

impl Trace {
    /// Does something as part of it.
    pub(crate) async fn around<T>(&self, what: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), what).await
    }

    /// The header that hands it on, as the W3C writes it.
    pub(crate) fn parent(&self) -> String {
        let span = self.context.span();
        let of = span.span_context();
        format!("00-{}-{}-{:02x}", of.trace_id(), of.span_id(), of.trace_flags().to_u8())
    }

    /// Ends the span of a request.
    pub(crate) fn answered(&self, id: &str, status: u16) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        span.set_attribute(KeyValue::new("shipwhen.request_id", id.to_owned()));
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Ends the span of something that went to others: what kind it was, and a stable word for what came of it.
    pub(crate) fn ended(
        &self,
        kind: impl Into<Cow<'static, str>>,
        outcome: impl Into<Cow<'static, str>>,
        failed: bool,
    ) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("shipwhen.kind", kind.into()));
        span.set_attribute(KeyValue::new("shipwhen.outcome", outcome.into()));
        if failed {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_microsecond()).unwrap_or(0))
}

/// The span that a `traceparent` header names (`00-TRACE-PARENT-FLAGS`); `None`: it names none.
pub(crate) fn parent(header: &str) -> Option<SpanContext> {
    let mut parts = header.split('-');
    let mut part = |length: usize| {
        let is_hex = |text: &&str| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        parts.next().filter(is_hex)
    };
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    // Later versions may say more after these; this one does not.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, TraceFlags::new(sampled), true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_as_the_w3c_writes_it_or_not_at_all() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (header, sampled) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), Some(true)),
            (format!("00-{TRACE}-00f067aa0ba902b7-00"), Some(false)),
            (format!("00-{TRACE}-00f067aa0ba902b7-03"), Some(true)),
            (format!("cc-{TRACE}-00f067aa0ba902b7-01-more"), Some(true)),
            (format!("00-{TRACE}-00f067aa0ba902b7-01-more"), None),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), None),
            (format!("00-{TRACE}-00f067aa0ba902b7"), None),
            (format!("00-{TRACE}-0000000000000000-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), None),
            (format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()), None),
            ("00-ann@example.com-00f067aa0ba902b7-01".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parent(&header).map(|context| context.is_sampled()), sampled, "{header}");
        }
    }

    #[test]
    fn what_is_remembered_of_requests_has_an_end() {
        let tracer = opentelemetry::global::tracer("nobody");
        let traces = Traces::by(tracer, Arc::default());
        let parent = parent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let trace = Trace { context: Context::new().with_remote_span_context(parent) };
        let tenant = TenantId::stored("acme");
        let at = |n: usize| Timestamp::from_microsecond(i64::try_from(n).unwrap()).unwrap();
        for n in 0..CAUSES_MAX + 10 {
            traces.remember(&tenant, at(n), &trace);
            traces.remember(&tenant, at(n), &trace);
        }
        assert!(traces.cause(&tenant, at(9)).is_none() && traces.cause(&tenant, at(10)).is_some());
        assert!(traces.cause(&TenantId::stored("zeta"), at(10)).is_none());
        let causes = traces.making.as_ref().unwrap().causes.lock().unwrap();
        assert_eq!((causes.order.len(), causes.by_moment.len()), (CAUSES_MAX, CAUSES_MAX));
    }
}
