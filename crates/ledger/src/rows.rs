//! What is stored beside the model's own values, and what one commit holds.

use std::sync::Arc;

use model::{
    Units,
    command::Contact,
    event::Event,
    id::{Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::{Item, Policy},
    location::LocationSettings,
    money::Money,
    order::{Dates, Hold, Order},
    record::Record,
    supply::Supply,
    time::{Date, Timestamp},
};

use crate::{StoreError, body};

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name, as it stands in its API keys.
    pub id: TenantId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its customers' e-mail addresses are hashed with: 32 random bytes.
    pub salt: [u8; 32],
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose.
    pub tenant: TenantId,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// Its public name: the first characters of the key.
    pub name: Arc<str>,
    /// May it be seen in a shop's page?
    pub publishable: bool,
    /// What it may do: `*`, or names such as `orders:write`.
    pub scopes: Vec<Arc<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A ledger entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its number in the tenant's ledger: 1, 2, 3 … without gaps, in the order of commits.
    pub seq: i64,
    /// When it was decided.
    pub at: Timestamp,
    /// Its kind.
    pub kind: Arc<str>,
    /// The SKU it is about.
    pub sku: Option<Sku>,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// Its data, a JSON object.
    pub data: String,
}

/// What a request with an idempotency key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The key as sent.
    pub key: Arc<str>,
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The UTC day it was executed on, in days since 1970-01-01.
    pub day: i32,
    /// Whether it is never forgotten: the same file imported a year later must still do nothing.
    pub lasting: bool,
    /// The answer.
    pub kept: Kept,
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// As the engine writes it.
    Text(Arc<str>),
    /// An order that was placed as asked for: what was answered follows from the ledger's entries, which say it already.
    ///
    /// Read: the number of the `order_placed` entry. Written: the place of that event among the `events` of the same
    /// [`Changes`], from 0.
    Placed(i64),
}

/// Something to do at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timer {
    /// A hold's time is over.
    HoldExpires(HoldId),
}

/// Work that was too much for one step. Where it stands is stored, so it can be killed at any instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Which, within the tenant: work of one tenant is done in this order.
    pub id: i64,
    /// What kind, as the engine names it.
    pub kind: Arc<str>,
    /// Where it stands, as the engine writes it.
    pub state: Arc<str>,
}

/// What one commit of one tenant writes. Rows that exist are replaced.
///
/// Shape: a row may stand twice, the last one counts.
#[derive(Debug, Default)]
pub struct Changes {
    /// Ledger entries, in order; the store numbers them.
    pub events: Vec<(Timestamp, Event)>,
    /// Locations described.
    pub locations: Vec<(LocationId, Arc<LocationSettings>)>,
    /// Pools that changed: the item, the version read, whether it is settling. The store writes version + 1 and answers
    /// [`crate::StoreError::Conflict`] where the stored version is another (0: not there yet).
    pub pools: Vec<(Arc<Item>, u64, bool)>,
    /// Policies set.
    pub policies: Vec<(Sku, Channel, Arc<Policy>)>,
    /// Supplies, open and closed.
    pub supplies: Vec<Arc<Supply>>,
    /// Orders placed: all rows of them.
    pub orders: Vec<Arc<Order>>,
    /// Orders placed in an earlier commit that are otherwise now.
    pub changed: Vec<ChangedOrder>,
    /// Who ordered.
    pub contacts: Vec<(OrderId, Contact)>,
    /// Holds placed.
    pub holds: Vec<Arc<Hold>>,
    /// Holds that are gone.
    pub holds_gone: Vec<HoldId>,
    /// Timers set.
    pub timers: Vec<(Timestamp, Timer)>,
    /// Timers that are done or not needed any more.
    pub timers_gone: Vec<(Timestamp, Timer)>,
    /// Work begun or gone on with.
    pub work: Vec<Work>,
    /// Work done.
    pub work_gone: Vec<i64>,
    /// Records set or gone, as events say.
    pub records: Vec<Arc<Record>>,
    /// Records of the private shelf set or gone: no event says so.
    pub private: Vec<Record>,
    /// Requests answered.
    pub replays: Vec<Replay>,
    /// The texts of events and orders placed, where [`Changes::write_down`] was called; else the store writes them.
    pub texts: Texts,
}

/// Texts of rows, one after the other in one buffer.
#[derive(Debug, Default)]
pub struct Texts {
    pub(crate) buffer: Vec<u8>,
    /// Where each event's text ends, in their order.
    pub(crate) events: Vec<usize>,
    /// Where the text of each order placed ends; they begin where the events end.
    pub(crate) orders: Vec<usize>,
}

impl Changes {
    /// Writes down, ahead of the store, what it would write down itself: so that another thread does that work.
    ///
    /// Nothing may be added to `events` and `orders` afterwards. Errors: a value cannot be written as JSON.
    pub fn write_down(&mut self) -> Result<(), StoreError> {
        let failed = |error| StoreError::driver("wrote rows down", error);
        let texts = &mut self.texts;
        texts.buffer.reserve(512 * self.events.len());
        for (_, event) in &self.events {
            event.write(&mut texts.buffer).map_err(failed)?;
            texts.events.push(texts.buffer.len());
        }
        for order in &self.orders {
            body::write(order, &mut texts.buffer).map_err(failed)?;
            texts.orders.push(texts.buffer.len());
        }
        Ok(())
    }
}

impl Texts {
    /// The text of one event, if it is written down.
    pub(crate) fn event(&self, nth: usize) -> Option<&[u8]> {
        text(&self.buffer, 0, &self.events, nth)
    }

    /// The text of one order, if it is written down.
    pub(crate) fn order(&self, nth: usize) -> Option<&[u8]> {
        text(&self.buffer, self.events.last().copied().unwrap_or(0), &self.orders, nth)
    }
}

fn text<'t>(buffer: &'t [u8], from: usize, ends: &[usize], nth: usize) -> Option<&'t [u8]> {
    let end = *ends.get(nth)?;
    let begin = nth.checked_sub(1).map_or(from, |before| ends[before]);
    buffer.get(begin..end)
}

/// An order as it is now, and which of its pegs are otherwise than stored.
#[derive(Debug, Clone)]
pub struct ChangedOrder {
    /// As it is now.
    pub order: Arc<Order>,
    /// Numbers of lines whose pegs, open units or told dates changed: their places in queues are written anew. Sorted, unique.
    pub lines: Vec<u16>,
    /// Pegs that may be gone. Sorted, unique.
    pub pegs: Vec<(u16, SupplyId)>,
}

/// Where a queue is read: lines with a peg on one supply, first come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuePart {
    /// Lines that want their units as soon as possible, by order and line.
    Soonest,
    /// Lines with a requested date before this one, by requested date, order and line.
    WantedBefore(Date),
    /// Every line with units that are not with fulfilment, by order and line; the newest first, with those units alone:
    /// what can be taken away.
    Newest,
    /// Every line, by order and line.
    All,
}

/// A line in the queue, with what a page or a list says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// The line.
    pub line: LineId,
    /// The shop's number for the order.
    pub reference: Option<Arc<str>>,
    /// What was ordered.
    pub sku: Sku,
    /// The pool the units come from: a component, for a kit.
    pub pool: Sku,
    /// Units of the pool.
    pub quantity: Units,
    /// The supply.
    pub supply: SupplyId,
    /// What one unit of the line sells for.
    pub unit_price: Option<Money>,
    /// Who ordered.
    pub customer: Option<CustomerKey>,
    /// Their name and address, where they are kept.
    pub contact: Contact,
    /// Where it goes.
    pub country: Option<Arc<str>>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What was last told about the line.
    pub told_ship_by: Dates,
}

/// A line with units on hand that are not with fulfilment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// The line.
    pub line: LineId,
    /// The ship date that was last told.
    pub told_ship_by: Option<Date>,
}

/// Where a record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Beside the ledger, which says it too: replay makes it again.
    Ledger,
    /// Apart from the ledger: personal data and secrets, which must be erased for good when somebody asks for it.
    Private,
}

/// How a list of records is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordFilter<'f> {
    /// Only of this owner, who is not empty.
    pub owner: Option<&'f str>,
    /// Only in this state, which is not empty.
    pub state: Option<&'f str>,
}

/// How an order list is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only with this shop's number.
    pub reference: Option<Arc<str>>,
    /// Only of this customer.
    pub customer: Option<CustomerKey>,
    /// Only placed by this publishable key.
    pub placed_by: Option<Arc<str>>,
}
