//! Writing what one commit holds.

use std::sync::Arc;

use model::{
    id::{LineId, OrderId, Sku, SupplyId, TenantId},
    order::{Line, Order, Peg},
    supply::Supply,
};
use rusqlite::{CachedStatement, Connection, ToSql, params};
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::{
    cells::{failed, list},
    records, sql,
    tail::{self, Gathered},
};
use crate::{
    ApiKey, Changes, Kept, StoreError, Tenant, body,
    cells::{ReadCells, at_most, days, micros, wanted_on},
    key,
    stored::{given_with, timer_key},
};

/// A statement that runs once a row: looked up once, bound in place.
struct Rows<'c> {
    statement: CachedStatement<'c>,
    doing: &'static str,
    text: Vec<u8>,
}

impl<'c> Rows<'c> {
    /// Prepares for one table and one tenant, which is the first parameter of every statement.
    fn of(
        conn: &'c Connection,
        tenant: &TenantId,
        doing: &'static str,
        sql: &str,
    ) -> Result<Self, StoreError> {
        let mut statement = conn.prepare_cached(sql).map_err(failed(doing))?;
        statement.raw_bind_parameter(1, tenant.as_str()).map_err(failed(doing))?;
        Ok(Self { statement, doing, text: Vec::new() })
    }

    fn bind(&mut self, at: usize, value: impl ToSql) -> Result<&mut Self, StoreError> {
        self.statement.raw_bind_parameter(at, value).map_err(failed(self.doing))?;
        Ok(self)
    }

    fn bind_json(&mut self, at: usize, value: &impl Serialize) -> Result<&mut Self, StoreError> {
        self.bind_written(at, |text| serde_json::to_writer(text, value))
    }

    /// Binds a text that is written down, or that a function writes.
    fn bind_text<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &mut self,
        at: usize,
        written: Option<&[u8]>,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<&mut Self, StoreError> {
        let Some(text) = written else { return self.bind_written(at, write) };
        let text = std::str::from_utf8(text).map_err(|e| StoreError::driver(self.doing, e))?;
        self.statement.raw_bind_parameter(at, text).map_err(failed(self.doing))?;
        Ok(self)
    }

    /// Binds a text that a function writes.
    fn bind_written<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &mut self,
        at: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<&mut Self, StoreError> {
        self.text.clear();
        write(&mut self.text).map_err(|e| StoreError::driver(self.doing, e))?;
        let text = std::str::from_utf8(&self.text).map_err(|e| StoreError::driver(self.doing, e))?;
        self.statement.raw_bind_parameter(at, text).map_err(failed(self.doing))?;
        Ok(self)
    }

    fn run(&mut self) -> Result<usize, StoreError> {
        self.statement.raw_execute().map_err(failed(self.doing))
    }
}

/// Writes everything, table by table, so that each statement is looked up once and each tree stays at hand.
pub(super) fn changes(
    conn: &Connection,
    gathered: &mut Gathered,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    // First what may turn out to be in conflict: less is undone.
    pools(conn, tenant, changes)?;
    let numbers = events(conn, gathered.last_event(), tenant, changes)?;
    settings(conn, tenant, changes)?;
    supplies(conn, tenant, &changes.supplies)?;
    orders(conn, gathered, tenant, changes)?;
    places(conn, tenant, changes)?;
    holds(conn, tenant, changes)?;
    timers(conn, tenant, changes)?;
    work(conn, tenant, changes)?;
    records::write(conn, tenant, changes)?;
    replays(conn, gathered, &numbers, tenant, changes)?;
    gathered.end(conn, tenant, (changes.orders.len(), numbers.last))
}

fn pools(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.pools.is_empty() {
        return Ok(());
    }
    let mut add = Rows::of(conn, tenant, "wrote a pool", sql::ADD_POOL)?;
    let mut set = Rows::of(conn, tenant, "wrote a pool", sql::SET_POOL)?;
    // A pool that stands twice counts up once, so the earlier ones must not be written.
    let mut last: FxHashMap<&Sku, usize> = FxHashMap::default();
    if changes.pools.len() > 1 {
        last.extend(changes.pools.iter().enumerate().map(|(at, (item, ..))| (&item.sku, at)));
    }
    for (at, (item, version, settling)) in changes.pools.iter().enumerate() {
        if last.get(&item.sku).is_some_and(|last| *last != at) {
            continue;
        }
        let rows = if *version == 0 { &mut add } else { &mut set };
        rows.bind(2, item.sku.as_str())?.bind(3, settling)?.bind_json(4, item)?;
        if *version != 0 {
            rows.bind(5, i64::try_from(*version).unwrap_or(i64::MAX))?;
        }
        if rows.run()? == 0 {
            return Err(StoreError::Conflict);
        }
    }
    Ok(())
}

/// The numbers of the entries that were written.
struct Entries {
    /// Of each event, in order.
    seqs: Vec<i64>,
    /// The last of the ledger.
    last: i64,
}

/// Writes the ledger. An order and the promise given with it stand in one row with two numbers.
fn events(conn: &Connection, last: i64, tenant: &TenantId, changes: &Changes) -> Result<Entries, StoreError> {
    let mut numbers = Entries { seqs: Vec::with_capacity(changes.events.len()), last };
    if changes.events.is_empty() {
        return Ok(numbers);
    }
    let mut rows = Rows::of(conn, tenant, "wrote the ledger", sql::ADD_EVENT)?;
    let mut rest = changes.events.as_slice();
    while let [(at, event), then @ ..] = rest {
        let nth = changes.events.len() - rest.len();
        let promise =
            then.first().and_then(|(then_at, then)| given_with(event, then).filter(|_| then_at == at));
        let seq = numbers.last + 1;
        let order = event.order();
        rows.bind(2, seq)?
            .bind(3, micros(*at))?
            .bind(4, event.kind())?
            .bind(5, event.sku().map(Sku::as_str))?
            .bind(6, order.as_ref().map(OrderId::bytes))?;
        rows.bind_text(7, changes.texts.event(nth), |text| event.write(text))?;
        match promise {
            Some(promise) => {
                rows.bind_text(8, changes.texts.event(nth + 1), |text| serde_json::to_writer(text, promise))?
            }
            None => rows.bind(8, None::<&str>)?,
        };
        rows.run()?;
        numbers.seqs.push(seq);
        numbers.last = seq;
        rest = then;
        if promise.is_some() {
            numbers.last += 1;
            numbers.seqs.push(numbers.last);
            rest = &rest[1..];
        }
    }
    Ok(numbers)
}

fn settings(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if !changes.locations.is_empty() {
        let mut rows = Rows::of(conn, tenant, "wrote a location", sql::PUT_LOCATION)?;
        for (location, settings) in &changes.locations {
            rows.bind(2, location.as_str())?.bind_json(3, settings)?.run()?;
        }
    }
    if !changes.policies.is_empty() {
        let mut rows = Rows::of(conn, tenant, "wrote a policy", sql::PUT_POLICY)?;
        for (sku, channel, policy) in &changes.policies {
            rows.bind(2, sku.as_str())?.bind(3, channel.as_str())?.bind_json(4, policy)?.run()?;
        }
    }
    Ok(())
}

fn supplies(conn: &Connection, tenant: &TenantId, supplies: &[Arc<Supply>]) -> Result<(), StoreError> {
    if supplies.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote a supply", sql::PUT_SUPPLY)?;
    for supply in supplies {
        rows.bind(2, supply.id.bytes())?
            .bind(3, supply.sku.as_str())?
            .bind(4, supply.location.as_str())?
            .bind(5, supply.kind.as_str())?
            .bind(6, supply.state.as_str())?
            .bind(7, supply.quantity)?
            .bind(8, days(supply.expected_on))?
            .bind(9, supply.lateness.expected_days)?
            .bind(10, supply.lateness.promised_days)?
            .bind(11, supply.lateness.learned_from)?
            .bind(12, supply.supplier.as_deref())?
            .bind(13, supply.reference.as_deref())?
            .bind(14, micros(supply.created_at))?
            .bind(15, supply.received_at.map(micros))?
            .bind_json(16, &supply.claims)?
            .bind_json(17, &supply.ring_fenced)?
            .run()?;
    }
    Ok(())
}

fn orders(
    conn: &Connection,
    gathered: &mut Gathered,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    let mut contacts: FxHashMap<OrderId, _> =
        changes.contacts.iter().map(|(order, contact)| (*order, contact)).collect();
    if !changes.orders.is_empty() {
        let mut rows = Rows::of(conn, tenant, "wrote an order", sql::ADD_ORDER)?;
        for (nth, order) in changes.orders.iter().enumerate() {
            let order: &Order = order;
            rows.bind(2, order.id.bytes())?
                .bind(3, order.reference.as_deref())?
                .bind(4, order.customer.as_ref().map(|customer| &customer.0))?
                .bind(5, order.placed_by.as_deref())?;
            match contacts.remove(&order.id) {
                Some(contact) => rows.bind_json(6, contact)?,
                None => rows.bind(6, None::<&str>)?,
            };
            rows.bind_text(7, changes.texts.order(nth), |text| body::write(order, text))?.run()?;
            if let Some(customer) = &order.customer {
                gathered.customer(customer.0, *order.id.bytes());
            }
        }
    }
    // Nearly always none are left: they came with the orders placed.
    if !contacts.is_empty() {
        let mut rows = Rows::of(conn, tenant, "wrote a contact", sql::SET_CONTACT)?;
        for (order, contact) in contacts {
            rows.bind(2, order.bytes())?.bind_json(3, contact)?.run()?;
        }
    }
    if changes.changed.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote an order", sql::SET_ORDER)?;
    for changed in &changes.changed {
        let order: &Order = &changed.order;
        rows.bind(2, order.id.bytes())?.bind_written(3, |text| body::write(order, text))?.run()?;
    }
    Ok(())
}

/// Gives every peg its place in its supply's queue.
fn places(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.orders.is_empty() && changes.changed.is_empty() {
        return Ok(());
    }
    let mut put = Rows::of(conn, tenant, "queued a line", sql::PUT_PLACE)?;
    for order in &changes.orders {
        order.lines.iter().try_for_each(|line| put_line(&mut put, order, line))?;
    }
    if changes.changed.is_empty() {
        return Ok(());
    }
    let mut gone = Rows::of(conn, tenant, "took a line out of a queue", sql::DROP_PLACE)?;
    for changed in &changes.changed {
        let order = &changed.order;
        for no in &changed.lines {
            order.line(*no).map_or(Ok(()), |line| put_line(&mut put, order, line))?;
        }
        let has = |no: u16, supply: SupplyId| {
            order.line(no).is_some_and(|line| line.pegs.iter().any(|peg| peg.supply == supply))
        };
        for &(no, supply) in changed.pegs.iter().filter(|(no, supply)| !has(*no, *supply)) {
            gone.bind(2, supply.bytes())?
                .bind(3, wanted_on(order.requested_date))?
                .bind(4, order.id.bytes())?
                .bind(5, no)?
                .run()?;
        }
    }
    Ok(())
}

fn put_line(rows: &mut Rows<'_>, order: &Order, line: &Line) -> Result<(), StoreError> {
    let told = days(line.told().and_then(|told| told.ship_by.promised));
    let id = LineId { order: order.id, no: line.no };
    for Peg { supply, quantity, .. } in &line.pegs {
        rows.bind(2, supply.bytes())?
            .bind(3, wanted_on(order.requested_date))?
            .bind(4, id.order.bytes())?
            .bind(5, id.no)?
            .bind(6, quantity)?
            .bind(7, line.sku.as_str())?
            .bind(8, line.open())?
            .bind(9, line.unit_price.map(|price| price.amount))?
            .bind(10, line.unit_price.as_ref().map(|price| price.currency.code()))?
            .bind(11, told)?
            .bind(12, line.released_on(*supply))?
            .run()?;
    }
    Ok(())
}

fn holds(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.holds.is_empty() && changes.holds_gone.is_empty() {
        return Ok(());
    }
    let mut put = Rows::of(conn, tenant, "wrote a hold", sql::PUT_HOLD)?;
    for hold in &changes.holds {
        put.bind(2, hold.id.bytes())?.bind_json(3, hold)?.run()?;
    }
    let mut gone = Rows::of(conn, tenant, "deleted a hold", sql::DROP_HOLD)?;
    for hold in &changes.holds_gone {
        gone.bind(2, hold.bytes())?.run()?;
    }
    Ok(())
}

fn timers(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    for (timers, doing, sql) in [
        (&changes.timers, "set a timer", sql::PUT_TIMER),
        (&changes.timers_gone, "deleted a timer", sql::DROP_TIMER),
    ] {
        if timers.is_empty() {
            continue;
        }
        let mut rows = Rows::of(conn, tenant, doing, sql)?;
        for (at, timer) in timers {
            let (kind, id) = timer_key(timer);
            rows.bind(2, micros(*at))?.bind(3, kind)?.bind(4, id)?.run()?;
        }
    }
    Ok(())
}

fn work(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.work.is_empty() && changes.work_gone.is_empty() {
        return Ok(());
    }
    let mut put = Rows::of(conn, tenant, "wrote work", sql::PUT_WORK)?;
    for work in &changes.work {
        put.bind(2, work.id)?.bind(3, &*work.kind)?.bind(4, &*work.state)?.run()?;
    }
    let mut gone = Rows::of(conn, tenant, "deleted work", sql::DROP_WORK)?;
    for id in &changes.work_gone {
        gone.bind(2, id)?.run()?;
    }
    Ok(())
}

fn replays(
    conn: &Connection,
    gathered: &mut Gathered,
    entries: &Entries,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    if changes.replays.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote an answer", sql::ADD_REPLAY)?;
    for replay in &changes.replays {
        let seq = gathered.last_replay() + 1;
        let key = key::digest(&replay.key);
        let placed = match &replay.kept {
            Kept::Text(_) => None,
            Kept::Placed(event) => {
                let entry = usize::try_from(*event).ok().and_then(|event| entries.seqs.get(event));
                Some(*entry.ok_or_else(|| StoreError::inconsistent("an answer names no event"))?)
            }
        };
        let text = match &replay.kept {
            Kept::Text(text) => Some(&**text),
            Kept::Placed(_) => None,
        };
        rows.bind(2, seq)?
            .bind(3, replay.day)?
            .bind(4, replay.lasting)?
            .bind(5, key)?
            .bind(6, replay.request)?
            .bind(7, text)?
            .bind(8, placed)?
            .run()?;
        gathered.key(key, seq);
    }
    Ok(())
}

pub(super) fn create_tenant(conn: &Connection, tenant: &Tenant) -> Result<(), StoreError> {
    const DOING: &str = "made a tenant";
    let mut statement = conn.prepare_cached(sql::CREATE_TENANT).map_err(failed(DOING))?;
    let row = params![tenant.id.as_str(), micros(tenant.created_at), tenant.salt];
    match statement.execute(row).map_err(failed(DOING))? {
        0 => Err(StoreError::Conflict),
        _ => Ok(()),
    }
}

pub(super) fn create_key(conn: &Connection, key: &ApiKey) -> Result<(), StoreError> {
    let mut rows = Rows::of(conn, &key.tenant, "stored a key", sql::CREATE_KEY)?;
    rows.bind(2, key.hash)?
        .bind(3, &*key.name)?
        .bind(4, key.publishable)?
        .bind_json(5, &key.scopes)?
        .bind(6, micros(key.created_at))?
        .bind(7, key.revoked_at.map(micros))?
        .run()
        .map(drop)
}

/// Forgets old answers, the oldest first: no further than to the first that is not old, for days go on with the numbers.
pub(super) fn forget_replays(
    conn: &Connection,
    gathered: &mut Gathered,
    tenant: &TenantId,
    before_day: i32,
    (after, limit): (i64, usize),
) -> Result<(usize, Option<i64>), StoreError> {
    struct Found {
        seq: i64,
        key: [u8; 16],
        day: i32,
        lasting: bool,
    }
    const DOING: &str = "forgot answers";
    let found: Vec<Found> = {
        let params = params![tenant.as_str(), after, at_most(limit)];
        list(conn, DOING, sql::REPLAY_DAYS, params, |cells| {
            let (seq, key) = (cells.int(0)?, cells.bytes(1)?);
            Ok(Found { seq, key, day: cells.int(2)?, lasting: cells.flag(3)? })
        })?
    };
    let old: Vec<&Found> = found.iter().take_while(|found| found.lasting || found.day < before_day).collect();
    let mut row = Rows::of(conn, tenant, DOING, sql::DROP_REPLAY)?;
    let mut index = Rows::of(conn, tenant, DOING, sql::DROP_REPLAY_KEY)?;
    for Found { seq, key, .. } in old.iter().filter(|found| !found.lasting) {
        row.bind(2, seq)?.run()?;
        index.bind(2, tail::era_of_answer(*seq))?.bind(3, key)?.bind(4, seq)?.run()?;
        gathered.drop_key(key, *seq);
    }
    let last = old.last().filter(|_| old.len() == limit);
    Ok((old.len(), last.map(|found| found.seq)))
}
