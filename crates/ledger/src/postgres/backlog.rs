//! Counting what a tenant owes.

use model::{
    id::{LineId, Sku, SupplyId, TenantId},
    supply::Supply,
    time::Date,
};

use super::{
    cells::{Cells, each},
    conn::Conn,
    read::supply_select,
};
use crate::{
    ArrivalDay, Backlog, StoreError,
    backlog::Counting,
    cells::{ReadCells, at_most, days},
    stored,
};

/// Places in queues read at once.
const PAGE: i64 = 50_000;

pub(super) fn backlog(conn: &mut Conn, tenant: &TenantId, today: Date) -> Result<Backlog, StoreError> {
    const DOING: &str = "count the backlog";
    const SQL: &str = "SELECT supply_id, order_id, line, quantity, sku, open, unit_price, currency, told, \
         wanted_on FROM queue WHERE tenant = $1 AND (supply_id, wanted_on, order_id, line) > ($2, $3, $4, $5) \
         ORDER BY supply_id, wanted_on, order_id, line LIMIT $6";
    const POOLS: &str = "SELECT supply_id, sku FROM supplies WHERE tenant = $1 AND supply_id = ANY($2)";
    let mut counting = Counting::before(days(Some(today)).unwrap_or(i64::MIN));
    // Before every place: no id is shorter.
    let mut after: (Vec<u8>, i64, Vec<u8>, i64) = (Vec::new(), 0, Vec::new(), 0);
    loop {
        let key =
            [&tenant.as_str() as _, &after.0 as _, &after.1 as _, &after.2 as _, &after.3 as _, &PAGE as _];
        let rows = conn.rows(DOING, SQL, key)?;
        let Some(last) = rows.last().map(Cells) else { break };
        for row in &rows {
            counting.add(Cells(row))?;
        }
        let (supply, order): ([u8; 16], [u8; 16]) = (last.bytes(0)?, last.bytes(1)?);
        after = (supply.to_vec(), last.int(9)?, order.to_vec(), last.int(2)?);
    }
    let supplies = counting.supplies();
    let wanted: Vec<&[u8]> = supplies.iter().map(|id| id.bytes().as_slice()).collect();
    let rows = conn.rows(DOING, POOLS, [&tenant.as_str() as _, &wanted as _])?;
    let pools =
        each(&rows, |cells| Ok((SupplyId::from_bytes(cells.bytes(0)?), Sku::stored(cells.text(1)?))))?;
    counting.end(&pools.into_iter().collect())
}

pub(super) fn arrivals(conn: &mut Conn, tenant: &TenantId, limit: usize) -> Result<Vec<Supply>, StoreError> {
    const SQL: &str = supply_select!(
        "WHERE tenant = $1 AND state <> 'closed' AND state = 'due' AND expected_on IS NOT NULL \
         ORDER BY expected_on, supply_id LIMIT $2"
    );
    let rows = conn.rows("read what arrives", SQL, [&tenant.as_str() as _, &at_most(limit) as _])?;
    each(&rows, |cells| stored::supply(cells))
}

pub(super) fn arrival_days(
    conn: &mut Conn,
    tenant: &TenantId,
    (from, to): (Date, Date),
    a_day: usize,
) -> Result<Vec<ArrivalDay>, StoreError> {
    const DOING: &str = "read what arrives day by day";
    const DAYS: &str = "SELECT expected_on, count(*), sum(quantity)::bigint FROM supplies \
         WHERE tenant = $1 AND state <> 'closed' AND state = 'due' AND expected_on BETWEEN $2 AND $3 \
         GROUP BY expected_on ORDER BY expected_on";
    const FIRST: &str = supply_select!(
        "WHERE tenant = $1 AND supply_id IN (SELECT supply_id FROM (SELECT supply_id, \
         row_number() OVER (PARTITION BY expected_on ORDER BY supply_id) AS nth FROM supplies \
         WHERE tenant = $1 AND state <> 'closed' AND state = 'due' AND expected_on BETWEEN $2 AND $3) AS of_day \
         WHERE nth <= $4) ORDER BY expected_on, supply_id"
    );
    let (from, to) = (days(Some(from)), days(Some(to)));
    let rows = conn.rows(DOING, DAYS, [&tenant.as_str() as _, &from as _, &to as _])?;
    let found = each(&rows, |cells| ArrivalDay::read(cells))?;
    let key = [&tenant.as_str() as _, &from as _, &to as _, &at_most(a_day) as _];
    let rows = conn.rows(DOING, FIRST, key)?;
    Ok(ArrivalDay::with(found, each(&rows, |cells| stored::supply(cells))?))
}

pub(super) fn ahead(
    conn: &mut Conn,
    tenant: &TenantId,
    supply: SupplyId,
    line: LineId,
    most: usize,
) -> Result<usize, StoreError> {
    // Stops at the limit: a place far back is not worth a long count.
    const SQL: &str = "SELECT count(*) FROM (SELECT 1 FROM queue \
         WHERE tenant = $1 AND supply_id = $2 AND (order_id, line) < ($3, $4) LIMIT $5) AS found";
    let row = conn.row(
        "count who is ahead",
        SQL,
        [
            &tenant.as_str() as _,
            &supply.bytes().as_slice() as _,
            &line.order.bytes().as_slice() as _,
            &i64::from(line.no) as _,
            &at_most(most) as _,
        ],
    )?;
    Ok(row.map(|row| Cells(&row).int(0)).transpose()?.unwrap_or(0))
}
