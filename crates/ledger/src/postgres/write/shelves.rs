//! Holds, timers, work and records: what comes and goes.

use model::record::{Json, Record};

use super::{super::records, Column, Step, json, last};
use crate::{Changes, Shelf, StoreError, cells::micros, stored::timer_key};

pub(super) fn shelves<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) -> Result<(), StoreError> {
    const HOLD: &str = "INSERT INTO holds (tenant, hold_id, hold) SELECT $1, rows.hold_id, rows.hold \
         FROM unnest($2::bytea[], $3::text[]) AS rows (hold_id, hold) \
         ON CONFLICT (tenant, hold_id) DO UPDATE SET hold = excluded.hold";
    const HOLD_GONE: &str = "DELETE FROM holds WHERE tenant = $1 AND hold_id = $2";
    const TIMER: &str = "INSERT INTO timers (tenant, due_at, kind, id) \
         SELECT $1, rows.due_at, rows.kind, rows.id \
         FROM unnest($2::bigint[], $3::text[], $4::bytea[]) AS rows (due_at, kind, id) ON CONFLICT DO NOTHING";
    const TIMER_GONE: &str = "DELETE FROM timers WHERE tenant = $1 AND due_at = $2 AND kind = $3 AND id = $4";
    const WORK: &str = "INSERT INTO work (tenant, id, kind, state) SELECT $1, rows.id, rows.kind, rows.state \
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS rows (id, kind, state) \
         ON CONFLICT (tenant, id) DO UPDATE SET kind = excluded.kind, state = excluded.state";
    const WORK_GONE: &str = "DELETE FROM work WHERE tenant = $1 AND id = $2";
    if !changes.holds.is_empty() {
        let mut rows = Vec::new();
        for hold in last(changes.holds.iter().map(|hold| (hold.id, hold))).into_values() {
            rows.push((hold, json(hold)?));
        }
        steps.push(Step::new(HOLD, columns!(rows, |row| [row.0.id.bytes().as_slice(), row.1.clone()])));
    }
    let gone = changes.holds_gone.iter();
    steps.extend(gone.map(|hold| Step::new(HOLD_GONE, one![hold.bytes().as_slice()])));
    if !changes.timers.is_empty() {
        let columns = columns!(changes.timers, |row| [
            micros(row.0),
            timer_key(&row.1).0,
            timer_key(&row.1).1.as_slice()
        ]);
        steps.push(Step::new(TIMER, columns));
    }
    for (at, timer) in &changes.timers_gone {
        let (kind, id) = timer_key(timer);
        steps.push(Step::new(TIMER_GONE, one![micros(*at), kind, id.as_slice()]));
    }
    if !changes.work.is_empty() {
        let rows: Vec<_> = last(changes.work.iter().map(|work| (work.id, work))).into_values().collect();
        steps.push(Step::new(WORK, columns!(rows, |work| [work.id, &*work.kind, &*work.state])));
    }
    steps.extend(changes.work_gone.iter().map(|id| Step::new(WORK_GONE, one![*id])));
    shelf(steps, Shelf::Ledger, changes.records.iter().map(|record| &**record));
    shelf(steps, Shelf::Private, changes.private.iter());
    Ok(())
}

fn shelf<'c>(steps: &mut Vec<Step<'c>>, shelf: Shelf, rows: impl Iterator<Item = &'c Record>) {
    let table = records::table(shelf);
    let rows = last(rows.map(|record| ((&*record.kind, &*record.id), record)));
    let (put, gone): (Vec<_>, Vec<_>) = rows.into_values().partition(|record| record.body.is_some());
    if !put.is_empty() {
        let sql = format!(
            "INSERT INTO {table} (tenant, kind, id, owner, state, due, body) SELECT $1, rows.* \
             FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) AS rows \
             ON CONFLICT (tenant, kind, id) DO UPDATE SET owner = excluded.owner, state = excluded.state, \
             due = excluded.due, body = excluded.body"
        );
        let columns = columns!(put, |record| [
            &*record.kind,
            &*record.id,
            &*record.owner,
            &*record.state,
            record.due.map(micros),
            record.body.as_ref().map(Json::as_str),
        ]);
        steps.push(Step::new(sql, columns));
    }
    for record in gone {
        let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND kind = $2 AND id = $3");
        steps.push(Step::new(sql, one![&*record.kind, &*record.id]));
    }
}
