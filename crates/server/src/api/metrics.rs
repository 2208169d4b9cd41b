//! Counts and durations by route, in Prometheus' text form.
//!
//! Fixed buckets counted with atomics, so that a server nobody scrapes uses no more memory than one that is: exporters
//! that keep samples grow until they are asked. Routes are templates: nothing of a request is in here.

use std::{
    fmt::Write as _,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::Method;
use rustc_hash::FxHashMap;

/// Upper bounds of the buckets, in microseconds.
const BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// Requests with one route, method and status.
struct Series {
    method: Method,
    status: u16,
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// What was served since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    routes: RwLock<FxHashMap<String, Vec<Arc<Series>>>>,
    /// Requests that are being answered.
    pub(crate) open: AtomicI64,
}

impl Metrics {
    /// Counts one answer.
    pub(crate) fn count(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let series = self.series(route, method, status);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        series.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        series.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn series(&self, route: &str, method: &Method, status: u16) -> Arc<Series> {
        let is_it = |series: &&Arc<Series>| series.status == status && series.method == *method;
        // A poisoned lock still guards sound data: each change is one insert.
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = routes.get(route).and_then(|all| all.iter().find(is_it)) {
            return Arc::clone(found);
        }
        drop(routes);
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let all = routes.entry(route.to_owned()).or_default();
        if let Some(found) = all.iter().find(is_it) {
            return Arc::clone(found);
        }
        let new = Arc::new(Series {
            method: method.clone(),
            status,
            buckets: Default::default(),
            sum_us: AtomicU64::new(0),
        });
        all.push(Arc::clone(&new));
        new
    }

    /// Everything in Prometheus' text form, sorted by route.
    pub(crate) fn text(&self, engine: &EngineNow) -> String {
        let mut text = String::from(
            "# HELP shipwhen_http_request_duration_seconds Time from a request to its answer.\n\
             # TYPE shipwhen_http_request_duration_seconds histogram\n",
        );
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<(&str, &Series)> = routes
            .iter()
            .flat_map(|(route, all)| all.iter().map(move |series| (&**route, &**series)))
            .collect();
        sorted.sort_by_key(|(route, series)| (*route, series.method.as_str(), series.status));
        for (route, series) in sorted {
            write_series(&mut text, route, series);
        }
        let open = self.open.load(Ordering::Relaxed);
        gauge(&mut text, "shipwhen_http_requests_open", "Requests that are being answered.", open);
        engine.write(&mut text);
        text
    }
}

/// What is counted by lane, in the order of [`EngineNow::lanes`].
const LANE_COUNTERS: [(&str, &str); 3] = [
    ("shipwhen_lane_commands_total", "Commands answered durably by a lane."),
    ("shipwhen_lane_batches_total", "Transactions kept by a lane."),
    ("shipwhen_lane_conflicts_total", "Transactions that a lane decided anew."),
];

/// What the engine and its store say at this moment.
#[derive(Default)]
pub(crate) struct EngineNow {
    /// Commands that wait for the writer of each lane.
    pub(crate) waiting: Vec<usize>,
    /// Commands answered, transactions kept and decided anew, of each lane.
    pub(crate) lanes: Vec<[u64; 3]>,
    /// Since the start: commands answered, transactions kept, decided anew, lost to a store that failed.
    pub(crate) commands: u64,
    pub(crate) batches: u64,
    pub(crate) conflicts: u64,
    pub(crate) failures: u64,
    pub(crate) failing: bool,
    /// Spans of traces that a collector took, and that were lost; `None`: there are no traces.
    pub(crate) spans: Option<(u64, u64)>,
    /// What is left to do; `None`: the store does not answer.
    pub(crate) left: Option<Left>,
}

/// What is left to do over all tenants, counted up to [`Left::COUNT_MAX`].
#[derive(Default)]
pub(crate) struct Left {
    /// Steps of work: lines to move up, promises to make anew.
    pub(crate) work: usize,
    /// Mails that should have gone out.
    pub(crate) mail: usize,
    /// How long the oldest timer has been due, in milliseconds.
    pub(crate) late_ms: i64,
}

impl Left {
    pub(crate) const COUNT_MAX: usize = 1_000;
}

impl EngineNow {
    fn write(&self, text: &mut String) {
        // The fullest lane: its tenants are told to come back, however empty the others are.
        let waiting = self.waiting.iter().max().copied().unwrap_or(0);
        gauge(
            text,
            "shipwhen_engine_waiting",
            "Commands that wait for the engine, in its fullest lane.",
            waiting,
        );
        gauge(
            text,
            "shipwhen_engine_waiting_max",
            "Most that may, in each lane; beyond it the answer is 429.",
            engine::WAITING_MAX,
        );
        gauge(
            text,
            "shipwhen_engine_lanes",
            "Lanes, each with a writer for tenants of its own.",
            self.waiting.len(),
        );
        let waiting = self.waiting.iter().map(|waiting| u64::try_from(*waiting).unwrap_or(u64::MAX));
        by_lane(text, ("shipwhen_lane_waiting", "gauge"), "Commands that wait in a lane.", waiting);
        for (at, (name, help)) in LANE_COUNTERS.iter().enumerate() {
            by_lane(text, (name, "counter"), help, self.lanes.iter().map(|lane| lane[at]));
        }
        counter(text, "shipwhen_engine_commands_total", "Commands answered durably.", self.commands);
        counter(text, "shipwhen_engine_batches_total", "Transactions kept.", self.batches);
        counter(
            text,
            "shipwhen_engine_conflicts_total",
            "Transactions decided anew, since another node was first.",
            self.conflicts,
        );
        counter(
            text,
            "shipwhen_engine_failures_total",
            "Transactions that the store failed to keep.",
            self.failures,
        );
        if let Some((sent, lost)) = self.spans {
            counter(text, "shipwhen_trace_spans_sent_total", "Spans that a collector took.", sent);
            counter(text, "shipwhen_trace_spans_lost_total", "Spans that were dropped or not taken.", lost);
        }
        let is_up = self.left.is_some() && !self.failing;
        gauge(text, "shipwhen_store_up", "Whether the store answers and keeps things.", u8::from(is_up));
        let Some(left) = &self.left else { return };
        gauge(text, "shipwhen_work_left", "Steps of work left to do, at most a thousand.", left.work);
        gauge(text, "shipwhen_mail_due", "Mails that should have gone out, at most a thousand.", left.mail);
        gauge(
            text,
            "shipwhen_timers_late_seconds",
            "How long the oldest timer has been due.",
            seconds(u64::try_from(left.late_ms.saturating_mul(1_000)).unwrap_or(0)),
        );
    }
}

fn gauge(text: &mut String, name: &str, help: &str, value: impl std::fmt::Display) {
    // Writing to a text cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
}

fn counter(text: &mut String, name: &str, help: &str, value: u64) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
}

fn by_lane(text: &mut String, (name, kind): (&str, &str), help: &str, values: impl Iterator<Item = u64>) {
    // Writing to a text cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (lane, value) in values.enumerate() {
        let _ = writeln!(text, "{name}{{lane=\"{lane}\"}} {value}");
    }
}

fn write_series(text: &mut String, route: &str, series: &Series) {
    const NAME: &str = "shipwhen_http_request_duration_seconds";
    let labels = format!("route=\"{route}\",method=\"{}\",status=\"{}\"", series.method, series.status);
    let mut below = 0;
    // Writing to a text cannot fail.
    for (bound, count) in BOUNDS_US.iter().zip(&series.buckets) {
        below += count.load(Ordering::Relaxed);
        let _ = writeln!(text, "{NAME}_bucket{{{labels},le=\"{}\"}} {below}", seconds(*bound));
    }
    below += series.buckets[BOUNDS_US.len()].load(Ordering::Relaxed);
    let _ = writeln!(text, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {below}");
    let _ = writeln!(text, "{NAME}_sum{{{labels}}} {}", seconds(series.sum_us.load(Ordering::Relaxed)));
    let _ = writeln!(text, "{NAME}_count{{{labels}}} {below}");
}

/// Microseconds as decimal seconds, exactly.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_route_method_and_status() {
        let metrics = Metrics::default();
        metrics.count("/v1/orders", &Method::POST, 201, Duration::from_micros(100));
        metrics.count("/v1/orders", &Method::POST, 201, Duration::from_micros(101));
        metrics.count("/v1/orders", &Method::POST, 409, Duration::from_secs(60));
        let left = Left { work: 3, mail: 2, late_ms: 1_500 };
        let text = metrics.text(&EngineNow {
            waiting: vec![7, 2],
            lanes: vec![[50, 3, 0], [20, 2, 4]],
            conflicts: 4,
            spans: Some((6, 5)),
            left: Some(left),
            ..EngineNow::default()
        });
        for line in [
            r#"shipwhen_http_request_duration_seconds_bucket{route="/v1/orders",method="POST",status="201",le="0.000100"} 1"#,
            r#"shipwhen_http_request_duration_seconds_bucket{route="/v1/orders",method="POST",status="201",le="0.000250"} 2"#,
            r#"shipwhen_http_request_duration_seconds_sum{route="/v1/orders",method="POST",status="201"} 0.000201"#,
            r#"shipwhen_http_request_duration_seconds_bucket{route="/v1/orders",method="POST",status="409",le="5.000000"} 0"#,
            r#"shipwhen_http_request_duration_seconds_count{route="/v1/orders",method="POST",status="409"} 1"#,
            "shipwhen_engine_waiting 7",
            "shipwhen_engine_waiting_max 16384",
            "shipwhen_engine_lanes 2",
            r#"shipwhen_lane_waiting{lane="1"} 2"#,
            r#"shipwhen_lane_commands_total{lane="0"} 50"#,
            r#"shipwhen_lane_conflicts_total{lane="1"} 4"#,
            "shipwhen_engine_conflicts_total 4",
            "shipwhen_store_up 1",
            "shipwhen_trace_spans_sent_total 6",
            "shipwhen_trace_spans_lost_total 5",
            "shipwhen_work_left 3",
            "shipwhen_mail_due 2",
            "shipwhen_timers_late_seconds 1.500000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let away = metrics.text(&EngineNow::default());
        assert!(!away.contains("shipwhen_trace"), "{away}");
        assert!(away.contains("shipwhen_store_up 0") && !away.contains("shipwhen_work_left"), "{away}");
    }
}
