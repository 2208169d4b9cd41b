//! Processor time by thread: what a request costs, whatever else the machine does at that moment.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

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

/// Processor time that this thread has used so far; nothing where the system does not tell.
pub(crate) fn of_this_thread() -> Option<Duration> {
    let times = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(times.split_ascii_whitespace().next()?.parse().ok()?))
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

/// How much more work that shares nothing gets done on all threads than on one: what this machine gives, so what can be scaled to.
/// Two threads of one core, or a busy neighbour, give less than there are threads.
pub(crate) fn cores_speedup() -> f64 {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let spin = || {
        let sum = (0..200_000_000_u64).fold(7, |sum, n| (sum ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        std::hint::black_box(sum);
    };
    let begun = Instant::now();
    spin();
    let one = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(spin))));
    workers as f64 * one / begun.elapsed().as_secs_f64()
}
