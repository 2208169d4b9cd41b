//! Writing what one commit holds.

use std::{collections::hash_map::Entry, hash::Hash, sync::Arc};

use model::{
    id::{LineId, OrderId, Sku, TenantId},
    order::{Line, Order, Peg, Promise},
    supply::Supply,
    time::Date,
};
use rusqlite::{CachedStatement, Connection, ToSql, params};
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::{
    cells::{days, failed, micros, wanted_on},
    read::{last, timer_key},
    sql,
};
use crate::{ApiKey, Changes, StoreError, Tenant};

/// The last numbers given; true while the transaction lasts that they were read in.
#[derive(Default)]
pub(super) struct Numbers {
    events: FxHashMap<TenantId, i64>,
    outbox: FxHashMap<TenantId, i64>,
    replays: FxHashMap<(TenantId, i32), i64>,
}

impl Numbers {
    pub(super) fn forget(&mut self) {
        self.events.clear();
        self.outbox.clear();
        self.replays.clear();
    }
}

/// The number last given under a key, to count on from.
fn number<K: Eq + Hash>(
    numbers: &mut FxHashMap<K, i64>,
    key: K,
    read: impl FnOnce() -> Result<i64, StoreError>,
) -> Result<&mut i64, StoreError> {
    Ok(match numbers.entry(key) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => new.insert(read()?),
    })
}

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
        self.text.clear();
        serde_json::to_writer(&mut self.text, value).map_err(|e| StoreError::driver(self.doing, e))?;
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
    numbers: &mut Numbers,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    // First what may turn out to be in conflict: less is undone.
    pools(conn, tenant, changes)?;
    events(conn, numbers, tenant, changes)?;
    settings(conn, tenant, changes)?;
    supplies(conn, tenant, &changes.supplies)?;
    orders(conn, tenant, changes)?;
    lines(conn, tenant, changes)?;
    pegs(conn, tenant, changes)?;
    promises(conn, tenant, &changes.promises)?;
    contacts(conn, tenant, changes)?;
    holds(conn, tenant, changes)?;
    timers(conn, tenant, changes)?;
    work(conn, tenant, changes)?;
    replays(conn, numbers, tenant, changes)?;
    outbox(conn, numbers, tenant, changes)
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

fn events(
    conn: &Connection,
    numbers: &mut Numbers,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    if changes.events.is_empty() {
        return Ok(());
    }
    let last = || last(conn, sql::LAST_EVENT, params![tenant.as_str()]);
    let seq = number(&mut numbers.events, tenant.clone(), last)?;
    let mut rows = Rows::of(conn, tenant, "wrote the ledger", sql::ADD_EVENT)?;
    for (at, event) in &changes.events {
        *seq += 1;
        let data = event.data().map_err(|error| StoreError::driver("wrote the ledger", error))?;
        let order = event.order();
        rows.bind(2, *seq)?
            .bind(3, micros(*at))?
            .bind(4, event.kind())?
            .bind(5, event.sku().map(Sku::as_str))?
            .bind(6, order.as_ref().map(OrderId::bytes))?
            .bind(7, data)?
            .run()?;
    }
    Ok(())
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
            .run()?;
    }
    Ok(())
}

fn orders(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.orders.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote an order", sql::PUT_ORDER)?;
    for order in &changes.orders {
        let order: &Order = order;
        rows.bind(2, order.id.bytes())?
            .bind(3, order.reference.as_deref())?
            .bind(4, order.channel.as_str())?
            .bind(5, order.customer.as_ref().map(|customer| &customer.0))?
            .bind(6, order.group.as_deref())?
            .bind(7, order.country.as_deref())?
            .bind(8, micros(order.placed_at))?
            .bind(9, order.ship.as_str())?
            .bind(10, days(order.requested_date))?
            .bind(11, days(order.not_later_than))?
            .bind(12, order.placed_by.as_deref())?
            .run()?;
    }
    Ok(())
}

fn lines(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.orders.is_empty() && changes.lines.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote a line", sql::PUT_LINE)?;
    for order in &changes.orders {
        order.lines.iter().try_for_each(|line| put_line(&mut rows, order.id, line))?;
    }
    changes.lines.iter().try_for_each(|(order, line)| put_line(&mut rows, *order, line))
}

fn put_line(rows: &mut Rows<'_>, order: OrderId, line: &Line) -> Result<(), StoreError> {
    rows.bind(2, order.bytes())?
        .bind(3, line.no)?
        .bind(4, line.sku.as_str())?
        .bind(5, line.quantity)?
        .bind(6, line.unit_price.map(|price| price.amount))?
        .bind(7, line.unit_price.as_ref().map(|price| price.currency.code()))?;
    if line.recipe.is_empty() {
        rows.bind(8, None::<&str>)?;
    } else {
        rows.bind_json(8, &line.recipe)?;
    }
    rows.bind(9, line.cancelled)?.bind(10, line.shipped)?.run().map(drop)
}

fn pegs(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.orders.is_empty() && changes.pegs.is_empty() {
        return Ok(());
    }
    let mut put = Rows::of(conn, tenant, "wrote a peg", sql::PUT_PEG)?;
    for order in &changes.orders {
        for line in &order.lines {
            let id = LineId { order: order.id, no: line.no };
            for peg in &line.pegs {
                put_peg(&mut put, id, order.requested_date, peg)?;
            }
        }
    }
    let mut gone = Rows::of(conn, tenant, "deleted a peg", sql::DROP_PEG)?;
    for (line, requested, peg) in &changes.pegs {
        if peg.quantity == 0 {
            gone.bind(2, line.order.bytes())?.bind(3, line.no)?.bind(4, peg.supply.bytes())?.run()?;
        } else {
            put_peg(&mut put, *line, *requested, peg)?;
        }
    }
    Ok(())
}

fn put_peg(rows: &mut Rows<'_>, line: LineId, requested: Option<Date>, peg: &Peg) -> Result<(), StoreError> {
    rows.bind(2, line.order.bytes())?
        .bind(3, line.no)?
        .bind(4, peg.supply.bytes())?
        .bind(5, peg.sku.as_str())?
        .bind(6, peg.quantity)?
        .bind(7, wanted_on(requested))?
        .run()
        .map(drop)
}

fn promises(conn: &Connection, tenant: &TenantId, promises: &[(LineId, Promise)]) -> Result<(), StoreError> {
    if promises.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote a promise", sql::PUT_PROMISE)?;
    for (line, promise) in promises {
        rows.bind(2, line.order.bytes())?
            .bind(3, line.no)?
            .bind(4, promise.version)?
            .bind(5, days(promise.ship_by.expected))?
            .bind(6, days(promise.ship_by.promised))?
            .bind(7, days(promise.deliver_by.expected))?
            .bind(8, days(promise.deliver_by.promised))?
            .bind(9, micros(promise.given_at))?
            .bind(10, promise.told_at.map(micros))?
            .bind_json(11, &promise.cause)?
            .run()?;
    }
    Ok(())
}

fn contacts(conn: &Connection, tenant: &TenantId, changes: &Changes) -> Result<(), StoreError> {
    if changes.contacts.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote a contact", sql::PUT_CONTACT)?;
    for (order, contact) in &changes.contacts {
        rows.bind(2, order.bytes())?
            .bind(3, contact.email.as_deref())?
            .bind(4, contact.name.as_deref())?
            .bind(5, contact.postcode.as_deref())?
            .bind(6, contact.locale.as_deref())?
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
    numbers: &mut Numbers,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    if changes.replays.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::of(conn, tenant, "wrote an answer", sql::PUT_REPLAY)?;
    for replay in &changes.replays {
        let last = || last(conn, sql::LAST_REPLAY, params![tenant.as_str(), replay.day]);
        let seq = number(&mut numbers.replays, (tenant.clone(), replay.day), last)?;
        *seq += 1;
        rows.bind(2, replay.day)?
            .bind(3, *seq)?
            .bind(4, &*replay.key)?
            .bind(5, replay.request)?
            .bind(6, &*replay.answer)?
            .run()?;
    }
    Ok(())
}

fn outbox(
    conn: &Connection,
    numbers: &mut Numbers,
    tenant: &TenantId,
    changes: &Changes,
) -> Result<(), StoreError> {
    if changes.outbox.is_empty() {
        return Ok(());
    }
    let last = || last(conn, sql::LAST_OUTBOX, params![tenant.as_str()]);
    let seq = number(&mut numbers.outbox, tenant.clone(), last)?;
    let mut rows = Rows::of(conn, tenant, "wrote a message", sql::ADD_OUTBOX)?;
    for row in &changes.outbox {
        *seq += 1;
        rows.bind(2, *seq)?
            .bind(3, micros(row.at))?
            .bind(4, &*row.kind)?
            .bind(5, row.order.bytes())?
            .run()?;
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

pub(super) fn forget_replays(
    conn: &Connection,
    tenant: &TenantId,
    before_day: i32,
) -> Result<(), StoreError> {
    let mut rows = Rows::of(conn, tenant, "forgot answers", sql::FORGET_REPLAYS)?;
    rows.bind(2, before_day)?.run().map(drop)
}
