//! What goes wrong in a simulated store, and when.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ledger::{
    StoreError,
    memory::{MemoryStore, Moment},
};

/// What happens at the next moment of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The transaction is lost; at the flush, whatever is not on disk.
    Lost(Moment),
    /// Another writer was first.
    Conflict(Moment),
    /// The transaction is kept, and nobody is told.
    Unknown,
    /// The process ends.
    Crash(Moment),
    /// The commit takes so long that the same request comes a second time.
    Delay,
}

impl Fault {
    fn moment(self) -> Moment {
        match self {
            Self::Lost(moment) | Self::Conflict(moment) | Self::Crash(moment) => moment,
            Self::Unknown => Moment::Committed,
            Self::Delay => Moment::Commit,
        }
    }
}

#[derive(Default)]
struct State {
    next: Option<Fault>,
    /// The process has ended: nothing works for it any more.
    ended: bool,
    /// A commit waits.
    waits: bool,
}

/// Decides what the store does.
#[derive(Default)]
pub(super) struct Plan {
    state: Mutex<State>,
    moved: Condvar,
}

impl Plan {
    /// A store that does as the plan says.
    pub(super) fn store(self: &Arc<Self>) -> MemoryStore {
        let plan = Arc::clone(self);
        MemoryStore::failing([5; 32], move |moment| plan.meet(moment))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meet(&self, moment: Moment) -> Result<(), StoreError> {
        let mut state = self.state();
        let failed = |what: &str| StoreError::driver("did as the simulation says", what);
        let unknown = |what: &str| StoreError::Unknown { source: Box::new(failed(what)) };
        if state.ended {
            let what = "the process has ended";
            return Err(if moment == Moment::Flush { unknown(what) } else { failed(what) });
        }
        let Some(fault) = state.next.filter(|fault| fault.moment() == moment) else { return Ok(()) };
        state.next = None;
        match fault {
            Fault::Lost(_) => Err(failed("the transaction is lost")),
            Fault::Conflict(_) => Err(StoreError::Conflict),
            Fault::Unknown => Err(unknown("no answer came")),
            Fault::Crash(_) => {
                state.ended = true;
                let (what, is_kept) =
                    ("the process has ended", matches!(moment, Moment::Committed | Moment::Flush));
                Err(if is_kept { unknown(what) } else { failed(what) })
            }
            Fault::Delay => {
                state.waits = true;
                self.moved.notify_all();
                drop(
                    self.moved.wait_while(state, |state| state.waits).unwrap_or_else(PoisonError::into_inner),
                );
                Ok(())
            }
        }
    }

    /// Sets what happens next.
    pub(super) fn set(&self, fault: Option<Fault>) {
        self.state().next = fault;
    }

    /// Whether what was set has not happened, and never will.
    pub(super) fn take(&self) -> bool {
        self.state().next.take().is_some()
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Another process takes its place.
    pub(super) fn restart(&self) {
        self.state().ended = false;
    }

    /// Whether a commit waits.
    pub(super) fn waits(&self) -> bool {
        self.state().waits
    }

    /// Lets a commit that waits go on.
    pub(super) fn go_on(&self) {
        self.state().waits = false;
        self.moved.notify_all();
    }
}
