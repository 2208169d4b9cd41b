//! Holds, timers, work and records: what comes and goes.

use model::{
    id::HoldId,
    record::{Json, Record},
};

use super::{super::records, Column, FEW, Step, json, last};
use crate::{Changes, Shelf, StoreError, cells::micros, stored::timer_key};

pub(super) fn shelves<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) -> Result<(), StoreError> {
    const HOLD: &str = "INSERT INTO holds (tenant, hold_id, hold) SELECT $1, rows.hold_id, rows.hold \
         FROM unnest($2::bytea[], $3::text[]) AS rows (hold_id, hold) \
         ON CONFLICT (tenant, hold_id) DO UPDATE SET hold = excluded.hold";
    const HOLD_GONE: &str = "DELETE FROM holds WHERE tenant = $1 AND hold_id = ANY($2)";
    const HOLD_GONE_ONE: &str = "DELETE FROM holds WHERE tenant = $1 AND hold_id = $2";
    const TIMER: &str = "INSERT INTO timers (tenant, due_at, kind, id) \
         SELECT $1, rows.due_at, rows.kind, rows.id \
         FROM unnest($2::bigint[], $3::text[], $4::bytea[]) AS rows (due_at, kind, id) ON CONFLICT DO NOTHING";
    const TIMER_GONE: &str = "DELETE FROM timers USING unnest($2::bigint[], $3::text[], $4::bytea[]) \
         AS rows (due_at, kind, id) WHERE timers.tenant = $1 AND timers.due_at = rows.due_at \
         AND timers.kind = rows.kind AND timers.id = rows.id";
    const TIMER_GONE_ONE: &str =
        "DELETE FROM timers WHERE tenant = $1 AND due_at = $2 AND kind = $3 AND id = $4";
    const WORK: &str = "INSERT INTO work (tenant, id, kind, state) SELECT $1, rows.id, rows.kind, rows.state \
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS rows (id, kind, state) \
         ON CONFLICT (tenant, id) DO UPDATE SET kind = excluded.kind, state = excluded.state";
    const WORK_GONE: &str = "DELETE FROM work WHERE tenant = $1 AND id = ANY($2)";
    if !changes.holds.is_empty() {
        let mut rows = Vec::new();
        for hold in last(changes.holds.iter().map(|hold| (hold.id, hold))).into_values() {
            rows.push((hold, json(hold)?));
        }
        steps.push(Step::new(HOLD, columns!(rows, |row| [row.0.id.bytes().as_slice(), row.1.clone()])));
    }
    if changes.holds_gone.len() > FEW {
        steps.push(Step::new(HOLD_GONE, columns!(changes.holds_gone, |hold| [hold.bytes().as_slice()])));
    } else {
        let one = |hold: &'c HoldId| -> Vec<Column<'c>> { vec![Box::new(hold.bytes().as_slice())] };
        steps.extend(changes.holds_gone.iter().map(|hold| Step::new(HOLD_GONE_ONE, one(hold))));
    }
    let gone = &changes.timers_gone;
    for (timers, sql) in [(&changes.timers, TIMER), (gone, TIMER_GONE)] {
        let is_few = std::ptr::eq(timers, gone) && timers.len() <= FEW;
        if !timers.is_empty() && !is_few {
            let columns =
                columns!(timers, |row| [micros(row.0), timer_key(&row.1).0, timer_key(&row.1).1.as_slice()]);
            steps.push(Step::new(sql, columns));
        }
    }
    if gone.len() <= FEW {
        for (at, timer) in gone {
            let (kind, id) = timer_key(timer);
            let key: Vec<Column<'c>> = vec![Box::new(micros(*at)), Box::new(kind), Box::new(id.as_slice())];
            steps.push(Step::new(TIMER_GONE_ONE, key));
        }
    }
    if !changes.work.is_empty() {
        let rows: Vec<_> = last(changes.work.iter().map(|work| (work.id, work))).into_values().collect();
        steps.push(Step::new(WORK, columns!(rows, |work| [work.id, &*work.kind, &*work.state])));
    }
    if !changes.work_gone.is_empty() {
        steps.push(Step::new(WORK_GONE, columns!(changes.work_gone, |id| [*id])));
    }
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
    if gone.len() > FEW {
        let sql = format!(
            "DELETE FROM {table} USING unnest($2::text[], $3::text[]) AS rows (kind, id) \
             WHERE {table}.tenant = $1 AND {table}.kind = rows.kind AND {table}.id = rows.id"
        );
        steps.push(Step::new(sql, columns!(gone, |record| [&*record.kind, &*record.id])));
    } else {
        for record in gone {
            let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND kind = $2 AND id = $3");
            steps.push(Step::new(sql, vec![Box::new(&*record.kind), Box::new(&*record.id)]));
        }
    }
}
