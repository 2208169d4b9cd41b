//! Records of both shelves.

use std::sync::Arc;

use model::{id::TenantId, record::Record, time::Timestamp};

use super::{
    map::Map,
    tables::{Rows, Tables},
};
use crate::{Changes, RecordFilter, Shelf};

/// Records by kind and id.
pub(super) type Records = Map<(Arc<str>, Arc<str>), Arc<Record>>;

impl Rows {
    pub(super) fn shelf(&self, shelf: Shelf) -> &Records {
        match shelf {
            Shelf::Ledger => &self.records,
            Shelf::Private => &self.private_records,
        }
    }

    pub(super) fn records(&self, shelf: Shelf, kind: &str, ids: &[&str]) -> Vec<Record> {
        let find = |id: &&str| self.shelf(shelf).get(&(kind.into(), (*id).into()));
        ids.iter().filter_map(find).map(|record| (**record).clone()).collect()
    }

    pub(super) fn record_page(
        &self,
        shelf: Shelf,
        kind: &str,
        filter: &RecordFilter<'_>,
        (after, limit): (Option<&str>, usize),
    ) -> Vec<Record> {
        let kind: Arc<str> = kind.into();
        let all = self.shelf(shelf).of(&kind, after.unwrap_or("").into()).map(|(_, record)| record);
        let fits = |record: &&Arc<Record>| {
            filter.owner.is_none_or(|owner| *record.owner == *owner)
                && filter.state.is_none_or(|state| *record.state == *state)
        };
        all.filter(fits).take(limit).map(|record| (**record).clone()).collect()
    }

    pub(super) fn write_records(&mut self, changes: &Changes) {
        changes.records.iter().for_each(|record| put(&mut self.records, record));
        changes.private.iter().for_each(|record| put(&mut self.private_records, &Arc::new(record.clone())));
    }
}

fn put(records: &mut Records, record: &Arc<Record>) {
    match &record.body {
        Some(_) => records.put(record.key(), Arc::clone(record)),
        None => records.drop(&record.key()),
    }
}

impl Tables {
    pub(super) fn due_records(
        &self,
        shelf: Shelf,
        kind: &str,
        by: Timestamp,
        limit: usize,
    ) -> Vec<(TenantId, Record)> {
        let kind: Arc<str> = kind.into();
        let mut due = Vec::new();
        for (tenant, rows) in self.shops() {
            let records = rows.shelf(shelf).of(&kind, "".into()).map(|(_, record)| record);
            let is_due = records.filter(|record| record.due.is_some_and(|due| due <= by));
            due.extend(is_due.map(|record| (tenant.clone(), (**record).clone())));
        }
        // Stable: at one moment, tenants and records stay in their order.
        due.sort_by_key(|(_, record)| record.due);
        due.truncate(limit);
        due
    }
}
