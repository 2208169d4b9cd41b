//! Processor time by thread: what a request costs, whatever else the machine does at that moment.

use std::{collections::BTreeMap, fs, time::Duration};

/// Processor time that the threads of this process have used so far, by thread name.
///
/// Shape: threads of one name are added up; threads that ended are missing, so only differences between moments at which
/// the same threads run say anything. Empty where the system does not tell (it is read from Linux' `/proc`).
pub(crate) fn used() -> BTreeMap<String, Duration> {
    let mut all = BTreeMap::new();
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return all };
    for thread in threads.flatten() {
        // A thread may end between being listed and being read.
        let (Ok(name), Ok(times)) = (
            fs::read_to_string(thread.path().join("comm")),
            fs::read_to_string(thread.path().join("schedstat")),
        ) else {
            continue;
        };
        let nanoseconds = times.split_ascii_whitespace().next().and_then(|time| time.parse().ok());
        let time = Duration::from_nanos(nanoseconds.unwrap_or_default());
        *all.entry(name.trim_end().to_owned()).or_default() += time;
    }
    all
}

/// What one thread name has used between two moments, in microseconds for each of so many requests.
pub(crate) fn us_each(
    before: &BTreeMap<String, Duration>,
    after: &BTreeMap<String, Duration>,
    thread: &str,
    requests: usize,
) -> f64 {
    let at = |moment: &BTreeMap<String, Duration>| moment.get(thread).copied().unwrap_or_default();
    at(after).saturating_sub(at(before)).as_secs_f64() * 1_000_000.0 / requests as f64
}
