//! Work spread over threads so that the answer does not tell how many there were.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Works every item, on up to `workers` threads, and returns the answers in the order of the items.
pub(crate) fn in_order<T: Sync, R: Send>(
    items: &[T],
    workers: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let workers = workers.get().min(items.len());
    if workers <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut answers: Vec<(usize, R)> = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let run = || {
            let mut done = Vec::new();
            while let place = next.fetch_add(1, Ordering::Relaxed)
                && let Some(item) = items.get(place)
            {
                done.push((place, work(item)));
            }
            done
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            match thread.join() {
                Ok(done) => answers.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_in_order_for_any_number_of_threads() {
        let items: Vec<usize> = (0..500).collect();
        let squares: Vec<usize> = items.iter().map(|n| n * n).collect();
        for workers in [1, 2, 7, 900] {
            let workers = NonZeroUsize::new(workers).unwrap();
            assert_eq!(in_order(&items, workers, |n| n * n), squares);
        }
        assert!(in_order(&[] as &[usize], NonZeroUsize::MIN, |n| *n).is_empty());
    }
}
