//! What one transaction is to do.

use model::time::Timestamp;
use tokio::sync::oneshot;

use super::Reply;
use crate::{
    Request,
    answer::{Answered, Failure},
    stats::LaneStats,
};

/// What one transaction is to do, and the answers as far as it is decided.
#[derive(Default)]
pub(crate) struct Batch {
    pub(super) requests: Vec<(Box<Request>, Reply)>,
    pub(super) answers: Vec<Result<Answered, Failure>>,
    pub(super) due: Vec<(Timestamp, oneshot::Sender<Result<usize, Failure>>)>,
    pub(super) worked: Vec<usize>,
    /// Those who wait until nothing is left to do, or until it is kept.
    pub(super) drained: Vec<oneshot::Sender<()>>,
}

impl Batch {
    /// One in which nothing is done, and that is waited for.
    pub(crate) fn awaited_by(answer: oneshot::Sender<()>) -> Self {
        Self { drained: vec![answer], ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.due.is_empty()
    }

    /// Whether anybody is told something that rests on what is kept; timers are only counted.
    pub(crate) fn is_waited_for(&self) -> bool {
        !(self.requests.is_empty() && self.drained.is_empty())
    }

    /// Whether all of it is decided; else nothing of it is.
    pub(super) fn is_decided(&self) -> bool {
        self.answers.len() == self.requests.len() && self.worked.len() == self.due.len()
    }

    /// Answers everybody: what was decided is kept.
    pub(crate) fn kept(self, stats: &LaneStats) {
        if !self.requests.is_empty() {
            stats.kept(self.requests.len());
        }
        for ((_, reply), answer) in self.requests.into_iter().zip(self.answers) {
            reply.send(answer);
        }
        for ((_, reply), worked) in self.due.into_iter().zip(self.worked) {
            let _ = reply.send(Ok(worked));
        }
        for reply in self.drained {
            let _ = reply.send(());
        }
    }

    pub(crate) fn fail(self, failure: &Failure) {
        self.requests.into_iter().for_each(|(_, reply)| reply.send(Err(failure.clone())));
        self.due.into_iter().for_each(|(_, reply)| drop(reply.send(Err(failure.clone()))));
    }
}
