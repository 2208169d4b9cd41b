//! Rows as every engine that speaks SQL keeps them, read as the model's values.

use std::sync::Arc;

use model::{
    event::{Event, PromiseGiven},
    id::{Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::Policy,
    order::{Dates, Order, Waiting},
    pool::Pool,
    record::{Json, Record},
    supply::{Lateness, Supply, SupplyKind, SupplyState},
};

use crate::{
    ApiKey, EventRow, Kept, QueueRow, Replay, StoreError, Tenant, Timer, Work, body, cells::ReadCells,
};

/// The columns of a record, as [`record`] reads them.
pub(crate) const RECORD_COLUMNS: &str = "kind, id, owner, state, due, body";

pub(crate) fn tenant<'r>(cells: impl ReadCells<'r>) -> Result<Tenant, StoreError> {
    Ok(Tenant { id: TenantId::stored(cells.text(0)?), created_at: cells.instant(1)?, salt: cells.bytes(2)? })
}

pub(crate) fn api_key<'r>(
    cells: impl ReadCells<'r>,
    tenant: &TenantId,
    hash: &[u8; 32],
) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        tenant: tenant.clone(),
        hash: *hash,
        name: cells.text(0)?.into(),
        publishable: cells.flag(1)?,
        scopes: cells.json(2)?,
        created_at: cells.instant(3)?,
        revoked_at: cells.maybe_instant(4)?,
    })
}

/// A pool's own row: version, settling, item. Policies and supplies are the caller's to add.
pub(crate) fn pool<'r>(cells: impl ReadCells<'r>) -> Result<Pool, StoreError> {
    let mut pool = Pool::new(cells.json(2)?);
    pool.version = cells.int(0)?;
    pool.settling = cells.flag(1)?;
    Ok(pool)
}

pub(crate) fn policy<'r>(cells: impl ReadCells<'r>) -> Result<(Channel, Arc<Policy>), StoreError> {
    Ok((Channel::stored(cells.text(0)?), Arc::new(cells.json(1)?)))
}

pub(crate) fn supply<'r>(cells: impl ReadCells<'r>) -> Result<Supply, StoreError> {
    Ok(Supply {
        id: SupplyId::from_bytes(cells.bytes(0)?),
        sku: Sku::stored(cells.text(1)?),
        location: LocationId::stored(cells.text(2)?),
        kind: cells.word(3, SupplyKind::parse)?,
        state: cells.word(4, SupplyState::parse)?,
        quantity: cells.units(5)?,
        expected_on: cells.maybe_date(6)?,
        lateness: Lateness {
            expected_days: cells.int(7)?,
            promised_days: cells.int(8)?,
            learned_from: cells.int(9)?,
        },
        supplier: cells.maybe_shared(10)?,
        reference: cells.maybe_shared(11)?,
        created_at: cells.instant(12)?,
        received_at: cells.maybe_instant(13)?,
        claims: cells.json(14)?,
        ring_fenced: cells.json(15)?,
    })
}

/// Reference, customer, publishable key, body.
pub(crate) fn order<'r>(cells: impl ReadCells<'r>, id: OrderId) -> Result<Order, StoreError> {
    Ok(Order {
        reference: cells.maybe_shared(0)?,
        customer: cells.maybe_bytes(1)?.map(CustomerKey),
        placed_by: cells.maybe_shared(2)?,
        ..body::read(id, cells.text(3)?)?
    })
}

/// The same, to be read later.
pub(crate) struct OrderRow {
    id: OrderId,
    reference: Option<Arc<str>>,
    customer: Option<CustomerKey>,
    placed_by: Option<Arc<str>>,
    body: Box<str>,
}

impl OrderRow {
    pub(crate) fn of<'r>(cells: impl ReadCells<'r>, id: OrderId) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            reference: cells.maybe_shared(0)?,
            customer: cells.maybe_bytes(1)?.map(CustomerKey),
            placed_by: cells.maybe_shared(2)?,
            body: cells.text(3)?.into(),
        })
    }

    pub(crate) fn read(self) -> Result<Order, StoreError> {
        let Self { id, reference, customer, placed_by, body } = self;
        Ok(Order { reference, customer, placed_by, ..body::read(id, &body)? })
    }
}

pub(crate) fn waiting<'r>(cells: impl ReadCells<'r>) -> Result<Waiting, StoreError> {
    let line = LineId { order: OrderId::from_bytes(cells.bytes(0)?), no: cells.int(1)? };
    Ok(Waiting { line, quantity: cells.units(2)? })
}

/// A line in a supply's queue with what a list shows of it; `None`: its order has no such line or peg.
pub(crate) fn queue_row(
    supply: SupplyId,
    waiting: &Waiting,
    order: &Order,
    contact: model::command::Contact,
) -> Option<QueueRow> {
    let line = order.line(waiting.line.no)?;
    let peg = line.pegs.iter().find(|peg| peg.supply == supply)?;
    Some(QueueRow {
        line: waiting.line,
        sku: line.sku.clone(),
        pool: peg.sku.clone(),
        quantity: waiting.quantity,
        supply,
        unit_price: line.unit_price,
        told_ship_by: line.told().map_or(Dates::UNKNOWN, |told| told.ship_by),
        contact,
        reference: order.reference.clone(),
        customer: order.customer,
        country: order.country.clone(),
        placed_at: order.placed_at,
    })
}

/// That a line stands in a queue and not in its order.
pub(crate) fn lost(line: LineId, supply: SupplyId) -> StoreError {
    StoreError::inconsistent(format_args!("{line} waits for {supply} but is not kept"))
}

/// A row of the ledger: an entry, and the promise that was given with it.
pub(crate) fn events<'r>(cells: impl ReadCells<'r>) -> Result<[Option<EventRow>; 2], StoreError> {
    let entry = EventRow {
        seq: cells.int(0)?,
        at: cells.instant(1)?,
        kind: cells.text(2)?.into(),
        sku: cells.maybe_text(3)?.map(Sku::stored),
        order: cells.maybe_bytes(4)?.map(OrderId::from_bytes),
        data: cells.text(5)?.to_owned(),
    };
    let promise = cells.maybe_text(6)?.map(|data| EventRow {
        seq: entry.seq + 1,
        kind: "promise_given".into(),
        sku: None,
        data: data.to_owned(),
        ..entry.clone()
    });
    Ok([Some(entry), promise])
}

/// The promise that stands in the row of the order it was given with.
pub(crate) fn given_with<'e>(event: &Event, then: &'e Event) -> Option<&'e PromiseGiven> {
    match (event, then) {
        (Event::OrderPlaced(placed), Event::PromiseGiven(given)) => {
            Some(given).filter(|given| given.order == placed.order.id)
        }
        _ => None,
    }
}

/// An answer's row (request, day, lasting, answer, placed), if it is of one of these days or lasting.
pub(crate) fn replay<'r>(
    cells: impl ReadCells<'r>,
    key: &str,
    days: &[i32],
) -> Result<Option<Replay>, StoreError> {
    let kept = match cells.maybe_int(4)? {
        Some(entry) => Kept::Placed(entry),
        None => Kept::Text(cells.text(3)?.into()),
    };
    let (request, day, lasting) = (cells.bytes(0)?, cells.int(1)?, cells.flag(2)?);
    Ok(Some(Replay { key: key.into(), request, day, lasting, kept })
        .filter(|replay| replay.lasting || days.contains(&replay.day)))
}

/// The word and id a timer is stored under.
pub(crate) fn timer_key(timer: &Timer) -> (&'static str, &[u8; 16]) {
    match timer {
        Timer::HoldExpires(hold) => ("hold_expires", hold.bytes()),
    }
}

/// A timer's kind and id, in this column and the next.
pub(crate) fn timer<'r>(cells: impl ReadCells<'r>, at: usize) -> Result<Timer, StoreError> {
    let id = cells.bytes(at + 1)?;
    cells.word(at, |kind| (kind == "hold_expires").then(|| Timer::HoldExpires(HoldId::from_bytes(id))))
}

/// Tenant, id, kind, state.
pub(crate) fn work<'r>(cells: impl ReadCells<'r>) -> Result<(TenantId, Work), StoreError> {
    let work = Work { id: cells.int(1)?, kind: cells.text(2)?.into(), state: cells.text(3)?.into() };
    Ok((TenantId::stored(cells.text(0)?), work))
}

/// A record, its [`RECORD_COLUMNS`] from this one on.
pub(crate) fn record<'r>(cells: impl ReadCells<'r>, at: usize) -> Result<Record, StoreError> {
    Ok(Record {
        kind: cells.text(at)?.into(),
        id: cells.text(at + 1)?.into(),
        owner: cells.text(at + 2)?.into(),
        state: cells.text(at + 3)?.into(),
        due: cells.maybe_instant(at + 4)?,
        body: Some(Json::stored(cells.text(at + 5)?)),
    })
}
