//! Answers to idempotency keys.

use model::id::TenantId;

use super::{
    super::{cells::each, conn::Conn},
    Column, Step,
    entries::Entries,
};
use crate::{
    Changes, Kept, StoreError,
    cells::{ReadCells, at_most},
    key,
};

pub(super) fn answers<'c>(
    steps: &mut Vec<Step<'c>>,
    changes: &'c Changes,
    last: i64,
    entries: &Entries<'_>,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO replays (tenant, seq, day, lasting, key, request, answer, placed) \
         SELECT $1, rows.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], \
         $7::text[], $8::bigint[]) AS rows";
    if changes.replays.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(changes.replays.len());
    for (seq, replay) in (last + 1..).zip(&changes.replays) {
        let (text, placed) = match &replay.kept {
            Kept::Text(text) => (Some(&**text), None),
            Kept::Placed(event) => {
                let entry = usize::try_from(*event).ok().and_then(|event| entries.seqs.get(event));
                (None, Some(*entry.ok_or_else(|| StoreError::inconsistent("an answer names no event"))?))
            }
        };
        rows.push((seq, replay, key::digest(&replay.key).to_vec(), text, placed));
    }
    let columns = columns!(rows, |row| [
        row.0,
        i64::from(row.1.day),
        i64::from(row.1.lasting),
        row.2.clone(),
        row.1.request.as_slice(),
        row.3,
        row.4,
    ]);
    steps.push(Step::new(SQL, columns));
    Ok(())
}

/// Forgets old answers, the oldest first: no further than to the first that is not old, for days go on with the numbers.
pub(in super::super) fn forget_replays(
    conn: &mut Conn,
    tenant: &TenantId,
    before_day: i32,
    (after, limit): (i64, usize),
) -> Result<(usize, Option<i64>), StoreError> {
    const DOING: &str = "forgot answers";
    const DAYS: &str =
        "SELECT seq, day, lasting FROM replays WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    const DROP: &str = "DELETE FROM replays WHERE tenant = $1 AND seq = ANY($2)";
    let name = tenant.as_str();
    let rows = conn.rows(DOING, DAYS, [&name as _, &after as _, &at_most(limit) as _])?;
    let found: Vec<(i64, i32, bool)> =
        each(&rows, |cells| Ok((cells.int(0)?, cells.int(1)?, cells.flag(2)?)))?;
    let old = found.iter().take_while(|(_, day, lasting)| *lasting || *day < before_day);
    let old: Vec<_> = old.collect();
    let gone: Vec<i64> = old.iter().filter(|(.., lasting)| !lasting).map(|(seq, ..)| *seq).collect();
    if !gone.is_empty() {
        conn.change(DOING, DROP, [&name as _, &gone as _])?;
    }
    let next = old.last().filter(|_| old.len() == limit);
    Ok((old.len(), next.map(|(seq, ..)| *seq)))
}
