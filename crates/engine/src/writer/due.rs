//! What nobody asks for: timers that are due, and work left behind.

use std::collections::BTreeMap;

use ledger::{Shelf, Timer, Work};
use model::{id::TenantId, record::Record, time::Timestamp};

use super::Writer;
use crate::{
    after::{Course, go_on},
    answer::Failure,
    execute::fire,
    notices::{Watch, watch},
    records::{TIMED, fire_record},
    working::{TenantState, Working},
};

/// Most timers, and most records of a kind, worked in one transaction. Whoever asked asks again while there may be more.
pub(crate) const DUE_MAX: usize = 512;

/// What a tenant has to be looked at for.
enum Due {
    DayBegins,
    Record(Record),
    Timer(Timestamp, Timer),
}

impl Writer {
    /// Works what is due by a moment; answers how much was found.
    pub(super) fn fire_due(&mut self, now: Timestamp) -> Result<usize, Failure> {
        let mut count = 0;
        for (tenant, due) in self.find_due(now)? {
            for due in due {
                count += usize::from(!matches!(due, Due::DayBegins));
                self.work_due(&tenant, due, now)?;
            }
        }
        Ok(count)
    }

    /// Finds it without a lock, by tenant: they are locked in the order of their names, as by every writer, and not in that in which
    /// something of theirs is due.
    fn find_due(&mut self, now: Timestamp) -> Result<BTreeMap<TenantId, Vec<Due>>, Failure> {
        let (share, store) = (self.share, self.desk.store()?);
        let mut found: BTreeMap<TenantId, Vec<Due>> = BTreeMap::new();
        for tenant in self.housekeeping.step(store, share, now)? {
            found.entry(tenant).or_default().push(Due::DayBegins);
        }
        for kind in TIMED {
            let read = |most| store.due_records(Shelf::Ledger, kind, now, most);
            for (tenant, record) in share.scan(DUE_MAX, read, |(tenant, _)| tenant)? {
                found.entry(tenant).or_default().push(Due::Record(record));
            }
        }
        for (tenant, at, timer) in share.scan(DUE_MAX, |most| store.due(now, most), |(tenant, ..)| tenant)? {
            found.entry(tenant).or_default().push(Due::Timer(at, timer));
        }
        Ok(found)
    }

    fn work_due(&mut self, tenant: &TenantId, due: Due, now: Timestamp) -> Result<(), Failure> {
        let command = self.stamps.next(now);
        let mut working = self.working(tenant)?;
        match due {
            Due::DayBegins => watch(&mut working, &mut Course::new(now, command), Watch::default(), None)?,
            Due::Timer(at, timer) => fire(&mut working, now, command, (at, timer))?,
            Due::Record(record) => {
                // Another node may have worked it before this one locked the tenant.
                let found = working.record(&record.kind, &record.id)?;
                if let Some(record) = found.filter(|found| found.due.is_some_and(|due| due <= now)) {
                    fire_record(&mut working, now, command, &record)?;
                }
            }
        }
        self.work |= working.state.left_work();
        Ok(())
    }

    /// Goes on with the oldest work of one tenant, one step of so many lines at most. Where tenants are locked, that of one which is
    /// not is left for the next batch: to lock it now would be out of their order.
    pub(super) fn go_on(&mut self, lines: usize) -> Result<(), Failure> {
        if self.tenants.values().any(TenantState::has_changed_work) {
            self.flush_all()?;
        }
        let Some((tenant, work)) = self.oldest_work()? else {
            self.work = false;
            return Ok(());
        };
        if self.locked.as_ref().is_some_and(|locked| !locked.contains(&tenant)) {
            return Ok(());
        }
        go_on(&mut self.working(&tenant)?, &work, lines)
    }

    /// The oldest work left behind, of all that is written.
    pub(super) fn oldest_work(&mut self) -> Result<Option<(TenantId, Work)>, Failure> {
        let (share, store) = (self.share, self.desk.store()?);
        Ok(share.scan(1, |most| store.work(most), |(tenant, _)| tenant)?.pop())
    }

    /// Writes down what is decided, in the order of the tenants' names, since that locks them.
    fn flush_all(&mut self) -> Result<(), Failure> {
        let mut tenants: Vec<_> = self.tenants.iter_mut().collect();
        tenants.sort_unstable_by_key(|(name, _)| *name);
        for (tenant, state) in tenants {
            Working { desk: &mut self.desk, tenant, state }.flush()?;
        }
        Ok(())
    }
}
