//! Records a command reads and sets, and those that come due.

use std::sync::Arc;

use ledger::{RecordFilter, Shelf};
use model::{
    event::Event,
    record::{Record, RecordKey},
    time::Timestamp,
};
use obligation::{notice::kept::NOTICE, payment::kept::ACCOUNT};
use uuid::Uuid;

use crate::{after::Course, answer::Failure, money, notices, working::Working};

/// Kinds of records of the ledger's shelf whose `due` the engine works itself, as a hold's timer; each with an arm in
/// [`fire_record`]. What a worker outside the engine waits for (mail, money) is not among them.
pub(crate) const TIMED: &[&str] = &[ACCOUNT, NOTICE];

/// Works a record that is due. It must change or drop the record's `due`, or it is due again at once.
pub(crate) fn fire_record(
    working: &mut Working<'_>,
    now: Timestamp,
    command: Uuid,
    record: &Record,
) -> Result<(), Failure> {
    let mut course = Course::new(now, command);
    match &*record.kind {
        ACCOUNT => money::time_passed(working, &mut course, record),
        NOTICE => notices::fire(working, &mut course, record),
        kind => Err(Failure::Defect(format!("nobody works records of the kind {kind}").into())),
    }
}

impl Working<'_> {
    /// The record of a kind and an id, as everything decided so far leaves it.
    pub(crate) fn record(&mut self, kind: &str, id: &str) -> Result<Option<Arc<Record>>, Failure> {
        let key: RecordKey = (kind.into(), id.into());
        if !self.state.shop.records.contains_key(&key) {
            // What was set in this batch is loaded, so what is not here is in the store.
            let found = self.desk.store()?.records(self.tenant, Shelf::Ledger, kind, &[id])?;
            let record = found.into_iter().next().unwrap_or_else(|| Record::gone(kind, id));
            self.state.shop.records.insert(key.clone(), Arc::new(record));
        }
        Ok(self.state.shop.records.get(&key).filter(|record| record.body.is_some()).cloned())
    }

    /// Loads records of a kind that are not loaded, all at once.
    pub(crate) fn load_records(
        &mut self,
        kind: &str,
        ids: impl Iterator<Item = String>,
    ) -> Result<(), Failure> {
        let kind: Arc<str> = kind.into();
        let key = |id: &str| -> RecordKey { (Arc::clone(&kind), id.into()) };
        let missing: Vec<String> = ids.filter(|id| !self.state.shop.records.contains_key(&key(id))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let asked: Vec<&str> = missing.iter().map(String::as_str).collect();
        let found = self.desk.store()?.records(self.tenant, Shelf::Ledger, &kind, &asked)?;
        let records = &mut self.state.shop.records;
        for id in asked {
            records.insert(key(id), Arc::new(Record::gone(&kind, id)));
        }
        for record in found {
            records.insert(key(&record.id), Arc::new(record));
        }
        Ok(())
    }

    /// Records of a kind in the order of their ids, after one, so many: as everything decided so far leaves them.
    pub(crate) fn record_page(
        &mut self,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        page: (Option<&str>, usize),
    ) -> Result<Vec<Record>, Failure> {
        let tenant = self.tenant;
        Ok(self.store_of(kind)?.record_page(tenant, shelf, kind, filter, page)?)
    }

    /// A record of the private shelf.
    pub(crate) fn private(&mut self, kind: &str, id: &str) -> Result<Option<Record>, Failure> {
        let tenant = self.tenant;
        Ok(self.store_of(kind)?.records(tenant, Shelf::Private, kind, &[id])?.into_iter().next())
    }

    /// Sets records of the private shelf.
    pub(crate) fn put_private(&mut self, records: impl IntoIterator<Item = Record>) {
        self.state.changes.private.extend(records);
    }

    /// Does what an event with records says, and keeps private ones beside it.
    pub(crate) fn note(
        &mut self,
        now: Timestamp,
        event: Event,
        private: impl IntoIterator<Item = Record>,
    ) -> Result<(), Failure> {
        self.put_private(private);
        self.apply(now, vec![event])
    }
}
