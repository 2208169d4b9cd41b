//! When each step of a command was, for whoever wants to know where its time went. Nobody asks for most commands, and for
//! those nothing is measured.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What became of one command and when, as its way through the engine is: it waits, is decided, is written down.
#[derive(Debug)]
pub struct Times {
    sent: Instant,
    marks: Mutex<Marks>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    begun: Option<Instant>,
    decided: Option<Instant>,
    kept: Option<Instant>,
}

/// The steps of a command, each from when to when since it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Until its turn came.
    pub queue: (Duration, Duration),
    /// Until it was decided, for the last time where another writer was first.
    pub decide: (Duration, Duration),
    /// Until it was durable, with those decided along with it.
    pub commit: (Duration, Duration),
}

impl Times {
    /// Begins now, as a command is sent.
    pub fn begin() -> Self {
        Self { sent: Instant::now(), marks: Mutex::default() }
    }

    /// The steps; `None`: it was not answered, or not decided.
    pub fn steps(&self) -> Option<Steps> {
        let marks = *self.marks();
        let since = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(self.sent));
        let (begun, decided, kept) = (since(marks.begun)?, since(marks.decided)?, since(marks.kept)?);
        Some(Steps { queue: (Duration::ZERO, begun), decide: (begun, decided), commit: (decided, kept) })
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Each change is one field's.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begins(&self) {
        self.marks().begun.get_or_insert_with(Instant::now);
    }

    pub(crate) fn decided(&self) {
        self.marks().decided = Some(Instant::now());
    }

    pub(crate) fn kept(&self) {
        self.marks().kept = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_each_other_without_a_gap_however_often_it_is_decided() {
        let times = Times::begin();
        assert_eq!(times.steps(), None);
        for _ in 0..2 {
            times.begins();
            times.decided();
        }
        assert_eq!(times.steps(), None, "not answered yet");
        times.kept();
        let Steps { queue, decide, commit } = times.steps().unwrap();
        assert_eq!((queue.0, queue.1, decide.1), (Duration::ZERO, decide.0, commit.0));
        assert!(queue.1 <= decide.1 && decide.1 <= commit.1);
    }
}
