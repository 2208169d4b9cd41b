//! Writing what one commit holds: a statement a table, its rows as lists, all sent one behind the other.

/// Makes columns of rows: one list for each value of a row.
macro_rules! columns {
    ($rows:expr, |$row:pat_param| [$($value:expr),+ $(,)?]) => {
        vec![$( Box::new($rows.iter().map(|$row| $value).collect::<Vec<_>>()) as Column<'_> ),+]
    };
}

/// Values of one row, by which it is changed alone: to delete rows by lists of their keys is a join, for which a planner that
/// has no statistics of the table reads all rows of the tenant.
macro_rules! one {
    ($($value:expr),+ $(,)?) => {
        vec![$( Box::new($value) as Column<'_> ),+]
    };
}

mod entries;
mod goods;
mod orders;
mod queue;
mod replays;
mod shelves;
mod tenants;

use std::{borrow::Cow, collections::BTreeMap};

use model::id::{Sku, TenantId};
use serde::Serialize;
use tokio_postgres::types::ToSql;

use self::{entries::Entries, orders::Texts};
pub(super) use self::{
    replays::forget_replays,
    tenants::{create_key, create_tenant},
};
use super::{
    conn::Conn,
    driver::{Call, Param},
    head::{Head, Heads, VERSIONS_KEPT, Version},
};
use crate::{Changes, StoreError};

const DOING: &str = "wrote a batch";
/// How often changes that are too old are dropped, in versions.
const SWEEP: i64 = 256;

/// A list of one column's values.
type Column<'c> = Box<dyn ToSql + Sync + 'c>;

/// A statement with its columns, and how many rows it must change (`None`: any number).
struct Step<'c> {
    sql: Cow<'static, str>,
    columns: Vec<Column<'c>>,
    must: Option<u64>,
}

impl<'c> Step<'c> {
    fn new(sql: impl Into<Cow<'static, str>>, columns: Vec<Column<'c>>) -> Self {
        Self { sql: sql.into(), columns, must: None }
    }

    fn must(self, rows: usize) -> Self {
        Self { must: u64::try_from(rows).ok(), ..self }
    }
}

/// Writes everything. Errors: `Conflict` where the tenant, or a pool, is not as this writer knows it.
pub(super) fn changes(
    conn: &mut Conn,
    heads: &mut Heads,
    tenant: &TenantId,
    changes: &Changes,
    batch: [u8; 16],
) -> Result<(), StoreError> {
    if is_nothing(changes) {
        return heads.hold_against(conn, tenant);
    }
    let before = heads.for_writing(conn, tenant)?;
    let entries = Entries::of(changes, before.last_event)?;
    let replays = i64::try_from(changes.replays.len()).unwrap_or(i64::MAX);
    let head = Head {
        version: Version { number: before.version.number + 1, made_by: Some(batch) },
        last_event: entries.last,
        last_replay: before.last_replay.saturating_add(replays),
    };
    let texts = Texts::of(changes)?;
    let mut steps = head_steps(changes, before, head)?;
    goods::pools(&mut steps, changes)?;
    entries.write(&mut steps);
    goods::settings(&mut steps, changes)?;
    goods::supplies(&mut steps, changes)?;
    orders::orders(&mut steps, changes, &texts)?;
    queue::places(&mut steps, changes);
    shelves::shelves(&mut steps, changes)?;
    replays::answers(&mut steps, changes, before.last_replay, &entries)?;
    let name = tenant.as_str();
    let calls: Vec<Call<'_>> = steps
        .iter()
        .map(|step| {
            let mut params: Vec<Param<'_>> = vec![&name];
            params.extend(step.columns.iter().map(|column| &**column as Param<'_>));
            Call::new(&step.sql, params)
        })
        .collect();
    let counts = conn.tell(DOING, &calls)?;
    let fits = |(step, count): (&Step<'_>, &u64)| step.must.is_none_or(|must| must == *count);
    if !steps.iter().zip(&counts).all(fits) {
        conn.break_off();
        return Err(StoreError::Conflict);
    }
    heads.wrote(tenant, head);
    Ok(())
}

fn is_nothing(changes: &Changes) -> bool {
    let Changes { events, locations, pools, policies, supplies, orders, changed, contacts, .. } = changes;
    let Changes { holds, holds_gone, timers, timers_gone, work, work_gone, records, private, .. } = changes;
    events.is_empty()
        && locations.is_empty()
        && pools.is_empty()
        && policies.is_empty()
        && supplies.is_empty()
        && orders.is_empty()
        && changed.is_empty()
        && contacts.is_empty()
        && holds.is_empty()
        && holds_gone.is_empty()
        && timers.is_empty()
        && timers_gone.is_empty()
        && work.is_empty()
        && work_gone.is_empty()
        && records.is_empty()
        && private.is_empty()
        && changes.replays.is_empty()
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::driver("wrote rows down", error))
}

/// The rows of which one key stands once, as the last says: one statement may not change a row twice.
fn last<K: Ord, V>(rows: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    rows.into_iter().collect()
}

/// First who wants to write at all: everything else waits behind it, or fails with it.
fn head_steps<'c>(changes: &'c Changes, before: Head, head: Head) -> Result<Vec<Step<'c>>, StoreError> {
    const MOVE: &str = "UPDATE heads SET version = $2, last_event = $3, last_replay = $4 \
         WHERE tenant = $1 AND version = $5 AND ($6::bytea IS NULL OR EXISTS (SELECT FROM changes \
         WHERE changes.tenant = $1 AND changes.version = $5 AND changes.batch = $6))";
    const SAY: &str =
        "INSERT INTO changes (tenant, version, batch, pools, others) VALUES ($1, $2, $3, $4, $5)";
    const SWEPT: &str = "DELETE FROM changes WHERE tenant = $1 AND version <= $2";
    let pools: Vec<(&Sku, u64)> =
        last(changes.pools.iter().map(|(item, version, _)| (&item.sku, version + 1))).into_iter().collect();
    let others = !(changes.locations.is_empty()
        && changes.holds.is_empty()
        && changes.holds_gone.is_empty()
        && changes.records.is_empty()
        && changes.private.is_empty()
        && changes.work.is_empty()
        && changes.work_gone.is_empty());
    let mut steps = vec![
        Step::new(
            MOVE,
            vec![
                Box::new(head.version.number),
                Box::new(head.last_event),
                Box::new(head.last_replay),
                Box::new(before.version.number),
                Box::new(before.version.made_by.map(|batch| batch.to_vec())),
            ],
        )
        .must(1),
        Step::new(
            SAY,
            vec![
                Box::new(head.version.number),
                Box::new(head.version.made_by.map(|batch| batch.to_vec())),
                Box::new(json(&pools)?),
                Box::new(i64::from(others)),
            ],
        ),
    ];
    if head.version.number % SWEEP == 0 {
        steps.push(Step::new(SWEPT, vec![Box::new(head.version.number - VERSIONS_KEPT)]));
    }
    Ok(steps)
}
