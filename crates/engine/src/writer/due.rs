//! What nobody asks for: timers that are due, and work left behind.

use ledger::Write;
use model::time::Timestamp;

use super::Writer;
use crate::{
    after::{Course, go_on},
    answer::Failure,
    execute::fire,
    notices::{Watch, watch},
    records::{TIMED, fire_record},
    working::{TenantState, Working},
};

/// Most timers worked in one transaction.
const TIMERS_MAX: usize = 512;

impl Writer {
    pub(super) fn fire_due(&mut self, now: Timestamp) -> Result<usize, Failure> {
        for tenant in self.housekeeping.step(self.desk.store()?, self.share, now)? {
            let command = self.stamps.next(now);
            let mut working = self.working(&tenant)?;
            let mut course = Course::new(now, command);
            watch(&mut working, &mut course, Watch::default(), None)?;
            self.work |= working.state.left_work();
        }
        let mut count = self.fire_due_records(now)?;
        loop {
            self.flush_all()?;
            let store = self.desk.store()?;
            let due = self.share.scan(TIMERS_MAX, |most| store.due(now, most), |(tenant, ..)| tenant)?;
            let last = due.len() < TIMERS_MAX;
            count += due.len();
            for (tenant, at, timer) in due {
                let command = self.stamps.next(now);
                let mut working = self.working(&tenant)?;
                fire(&mut working, now, command, (at, timer))?;
                self.work |= working.state.left_work();
            }
            if last {
                return Ok(count);
            }
        }
    }

    fn fire_due_records(&mut self, now: Timestamp) -> Result<usize, Failure> {
        let mut count = 0;
        for (shelf, kind) in TIMED {
            loop {
                self.flush_all()?;
                let store = self.desk.store()?;
                let read = |most| store.due_records(*shelf, kind, now, most);
                let due = self.share.scan(TIMERS_MAX, read, |(tenant, _)| tenant)?;
                let last = due.len() < TIMERS_MAX;
                count += due.len();
                for (tenant, record) in due {
                    let command = self.stamps.next(now);
                    let mut working = self.working(&tenant)?;
                    // Another node may have worked it before this one locked the tenant.
                    let ids = [&*record.id];
                    let store = working.store()?;
                    let found = store.records(&tenant, *shelf, kind, &ids)?.pop();
                    let Some(record) = found.filter(|found| found.due.is_some_and(|due| due <= now)) else {
                        continue;
                    };
                    fire_record(&mut working, now, command, (*shelf, record))?;
                    self.work |= working.state.left_work();
                }
                if last {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Goes on with the oldest work of one tenant, one step of so many lines at most.
    pub(super) fn go_on(&mut self, lines: usize) -> Result<(), Failure> {
        if self.tenants.values().any(TenantState::has_changed_work) {
            self.flush_all()?;
        }
        let share = self.share;
        let first = |store: &mut dyn Write| share.scan(1, |most| store.work(most), |(tenant, _)| tenant);
        let Some(oldest) = first(self.desk.store()?)?.into_iter().next() else {
            self.work = false;
            return Ok(());
        };
        let mut working = self.working(&oldest.0)?;
        // Another node may have gone on with it before this one locked the tenant: then the next step is the next batch's.
        if first(working.desk.store()?)?.first() != Some(&oldest) {
            return Ok(());
        }
        go_on(&mut working, &oldest.1, lines)
    }

    pub(super) fn flush_all(&mut self) -> Result<(), Failure> {
        for (tenant, state) in &mut self.tenants {
            Working { desk: &mut self.desk, tenant, state }.flush()?;
        }
        Ok(())
    }
}
