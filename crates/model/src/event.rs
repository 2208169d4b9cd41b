//! What happened: the ledger's entries. Everything kept can be made again from these, in order.
//!
//! A stored event is its kind and a JSON object. Fields may be added with a default and never change their meaning:
//! every ledger ever written must still read.

mod fulfilment;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{Channel, HoldId, LineId, LocationId, OrderId, RunId, Sku, SupplyId},
    item::{Item, Policy},
    location::LocationSettings,
    order::{Cause, Dates, Hold, Order, Peg, Promise, ShipChoice},
    supply::{Lateness, RingFence, Supply},
    time::Date,
};
pub use crate::{
    receipt::{StillDue, SupplyInspected, SupplyReceived},
    record::{Noted, NoticeSent},
    run::RunUndone,
};

pub use fulfilment::{ReleaseReturned, Released, ReleasedLine, Shipped, ShippedLine};

macro_rules! events {
    ($( $(#[$doc:meta])* $variant:ident($payload:ty) = $kind:literal, )*) => {
        /// Something that happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event { $( $(#[$doc])* $variant($payload), )* }

        impl Event {
            /// Every kind.
            pub const KINDS: &'static [&'static str] = &[$( $kind, )*];

            /// The kind, as scripts and columns name it.
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$variant(_) => $kind, )* }
            }

            /// Writes the JSON object that is stored to the end of a buffer.
            pub fn write(&self, into: &mut Vec<u8>) -> Result<(), serde_json::Error> {
                match self { $( Self::$variant(payload) => serde_json::to_writer(into, payload), )* }
            }

            /// The JSON object that is stored.
            pub fn data(&self) -> Result<String, serde_json::Error> {
                match self { $( Self::$variant(payload) => serde_json::to_string(payload), )* }
            }

            /// Reads a stored event. `Ok(None)`: a kind this version does not know.
            pub fn read(kind: &str, data: &str) -> Result<Option<Self>, serde_json::Error> {
                match kind {
                    $( $kind => serde_json::from_str(data).map(|payload| Some(Self::$variant(payload))), )*
                    _ => Ok(None),
                }
            }
        }
    };
}

events! {
    /// A location was described.
    LocationSet(LocationSet) = "location_set",
    /// A SKU was described.
    ItemSet(Item) = "sku_set",
    /// A selling policy was set.
    PolicySet(PolicySet) = "policy_set",
    /// A supply was entered.
    SupplyAdded(Supply) = "supply_added",
    /// A supply's date, quantity or lateness changed.
    SupplyChanged(SupplyChanged) = "supply_changed",
    /// Goods arrived.
    SupplyReceived(SupplyReceived) = "supply_received",
    /// Goods in quarantine were looked at.
    SupplyInspected(SupplyInspected) = "supply_inspected",
    /// A supply was called off.
    SupplyCancelled(SupplyCancelled) = "supply_cancelled",
    /// A count, a loss, a return: stock changed by hand.
    StockAdjusted(StockAdjusted) = "stock_adjusted",
    /// Units were ring-fenced for a channel, or are no longer.
    StockRingFenced(StockRingFenced) = "stock_ring_fenced",
    /// Units were held for a cart.
    HoldPlaced(Hold) = "hold_placed",
    /// A hold was given up.
    HoldReleased(HoldGone) = "hold_released",
    /// A hold's time was over.
    HoldExpired(HoldGone) = "hold_expired",
    /// An order was accepted.
    OrderPlaced(OrderPlaced) = "order_placed",
    /// An order was refused: demand that was lost.
    OrderRefused(OrderRefused) = "order_refused",
    /// Units of a line were called off.
    LineCancelled(LineCancelled) = "line_cancelled",
    /// Nothing of an order is left to send, and nothing was sent.
    OrderCancelled(OrderCancelled) = "order_cancelled",
    /// An order is shipped in another way from now on.
    OrderChanged(OrderChanged) = "order_changed",
    /// Pegs were moved between supplies.
    RunApplied(RunApplied) = "run_applied",
    /// The lines behind units that came free have moved up, or have still to.
    PoolSettling(PoolSettling) = "pool_settling",
    /// A promise was made, or made anew.
    PromiseGiven(PromiseGiven) = "promise_given",
    /// Units were handed over to fulfilment.
    Released(Released) = "released",
    /// Units came back from fulfilment.
    ReleaseReturned(ReleaseReturned) = "release_returned",
    /// Goods left.
    Shipped(Shipped) = "shipped",
    /// A run was undone.
    RunUndone(RunUndone) = "run_undone",
    /// Somebody signed up to a waitlist, or for another quantity.
    WaitlistJoined(Noted) = "waitlist_joined",
    /// Units are held for somebody on a waitlist.
    WaitlistInvited(Noted) = "waitlist_invited",
    /// Somebody is on a waitlist no more: bought, let the time go by, or left.
    WaitlistEnded(Noted) = "waitlist_ended",
    /// An order has an account of its money.
    AccountOpened(Noted) = "account_opened",
    /// Money came.
    Charged(Noted) = "charged",
    /// Money is to go back to a customer.
    RefundDue(Noted) = "refund_due",
    /// A customer has money back.
    Refunded(Noted) = "refunded",
    /// Something else happened to an order's money.
    PaymentChanged(Noted) = "payment_changed",
    /// Records were set, for no better word.
    RecordsSet(Noted) = "records_set",
    /// Goods came, or a receipt was undone: how late a supplier is, as now known.
    LatenessLearned(Noted) = "lateness_learned",
    /// A policy was set because of an advice: on what it rested.
    AdviceFollowed(Noted) = "advice_followed",
    /// Somebody is to be told something: drafts were made, made anew or dropped.
    NoticeDrafted(Noted) = "notice_drafted",
    /// A customer was told.
    NoticeSent(NoticeSent) = "notice_sent",
    /// A customer wrote to the shop, the shop to a customer, or somebody a note for the others.
    MessageWritten(Noted) = "message_written",
    /// What was sent came back, or could not be sent.
    NoticeFailed(Noted) = "notice_failed",
    /// A customer answered, or did not in time.
    NoticeAnswered(Noted) = "notice_answered",
}

impl Event {
    /// The SKU it is about, where it is about one.
    pub fn sku(&self) -> Option<&Sku> {
        match self {
            Self::ItemSet(item) => Some(&item.sku),
            Self::PolicySet(set) => Some(&set.sku),
            Self::SupplyAdded(supply) => Some(&supply.sku),
            Self::SupplyChanged(change) => Some(&change.sku),
            Self::SupplyReceived(receipt) => Some(&receipt.sku),
            Self::SupplyInspected(inspected) => Some(&inspected.sku),
            Self::SupplyCancelled(cancel) => Some(&cancel.sku),
            Self::StockAdjusted(adjustment) => Some(&adjustment.sku),
            Self::StockRingFenced(fenced) => Some(&fenced.sku),
            Self::OrderPlaced(placed) => one_sku(&placed.order),
            Self::OrderRefused(refused) => refused.sku.as_ref(),
            Self::LineCancelled(cancel) => Some(&cancel.sku),
            Self::RunApplied(run) => Some(&run.sku),
            Self::RunUndone(undone) => Some(&undone.sku),
            Self::PoolSettling(settling) => Some(&settling.sku),
            _ => self.noted().and_then(|noted| noted.sku.as_ref()),
        }
    }

    /// The order it is about, where it is about one.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::OrderPlaced(placed) => Some(placed.order.id),
            Self::LineCancelled(cancel) => Some(cancel.line.order),
            Self::OrderCancelled(cancel) => Some(cancel.order),
            Self::OrderChanged(change) => Some(change.order),
            Self::PromiseGiven(given) => Some(given.order),
            Self::StockAdjusted(adjusted) => adjusted.line.map(|line| line.order),
            Self::Released(released) => Some(released.order),
            Self::ReleaseReturned(returned) => Some(returned.order),
            Self::Shipped(shipped) => Some(shipped.order),
            Self::NoticeSent(sent) => Some(sent.order),
            _ => self.noted().and_then(|noted| noted.order),
        }
    }

    /// What it says of records, where that is all it does.
    pub fn noted(&self) -> Option<&Noted> {
        match self {
            Self::WaitlistJoined(noted)
            | Self::WaitlistInvited(noted)
            | Self::WaitlistEnded(noted)
            | Self::AccountOpened(noted)
            | Self::Charged(noted)
            | Self::RefundDue(noted)
            | Self::Refunded(noted)
            | Self::PaymentChanged(noted)
            | Self::LatenessLearned(noted)
            | Self::AdviceFollowed(noted)
            | Self::NoticeDrafted(noted)
            | Self::MessageWritten(noted)
            | Self::NoticeFailed(noted)
            | Self::NoticeAnswered(noted)
            | Self::RecordsSet(noted) => Some(noted),
            _ => None,
        }
    }
}

fn one_sku(order: &Order) -> Option<&Sku> {
    let first = &order.lines.first()?.sku;
    order.lines.iter().all(|line| line.sku == *first).then_some(first)
}

/// How an order is shipped from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChanged {
    /// Which.
    pub order: OrderId,
    /// How it may be shipped.
    pub ship: ShipChoice,
}

/// A location as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationSet {
    /// Which.
    pub location: LocationId,
    /// How it works.
    pub settings: LocationSettings,
}

/// A policy as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Of which SKU.
    pub sku: Sku,
    /// On which channel.
    pub channel: Channel,
    /// The terms.
    pub policy: Policy,
}

/// A supply as it is from now on, and as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyChanged {
    /// Which.
    pub supply: SupplyId,
    /// Of what.
    pub sku: Sku,
    /// The date now given.
    pub expected_on: Option<Date>,
    /// The quantity now given.
    pub quantity: Units,
    /// How late such supplies come, as now known.
    pub lateness: Lateness,
    /// The date before.
    pub expected_on_before: Option<Date>,
    /// The quantity before.
    pub quantity_before: Units,
    /// What of it is ring-fenced otherwise than before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced: Vec<Refenced>,
}

/// What of a supply is ring-fenced from now on, all of it, and what was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refenced {
    /// Which supply.
    pub supply: SupplyId,
    /// What was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<RingFence>,
    /// What is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub now: Vec<RingFence>,
}

/// Units that were ring-fenced for a channel because somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRingFenced {
    /// Of what.
    pub sku: Sku,
    /// For whom.
    pub channel: Channel,
    /// How many from now on, in these supplies together.
    pub units: Units,
    /// The location of which all that is on hand was meant; `None`: one supply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// Which supplies that changes.
    pub ring_fenced: Vec<Refenced>,
}

/// A supply that will not come. What is pegged to it stays so, without a date, until a run finds other goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyCancelled {
    /// Which.
    pub supply: SupplyId,
    /// Of what.
    pub sku: Sku,
    /// Units it had.
    pub quantity: Units,
}

/// Stock changed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockAdjusted {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// Which on-hand supplies change, and by how many units each.
    pub lots: Vec<(SupplyId, Units)>,
    /// The shelf, where it is stocked for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Supply>,
    /// Units more or less in all.
    pub delta: Units,
    /// Why.
    pub reason: AdjustReason,
    /// The order line whose units a customer sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<LineId>,
    /// In a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
    /// What of them is ring-fenced otherwise than before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced: Vec<Refenced>,
}

/// Why stock was changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustReason {
    /// What was there when we began.
    OpeningStock,
    /// Somebody counted.
    Count,
    /// Broken, lost, stolen.
    Loss,
    /// A customer sent it back.
    ReturnToStock,
    /// Sent to another location.
    Transfer,
    /// Came in the place of something else.
    WrongArrival,
    /// Something else.
    Other,
}

/// A hold that holds nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldGone {
    /// Which.
    pub hold: HoldId,
}

/// An order and the goods that fill it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The order with its pegs.
    pub order: Arc<Order>,
    /// The hold whose units it took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Supplies it opened: lead times of the day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Supply>,
    /// How each peg was seen then: by line and peg, in their order. Empty in ledgers of the first version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Vec<Seen>>,
}

/// Units as they were seen when they were promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where they ship from.
    pub at: LocationId,
    /// Whether they were there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub here: bool,
    /// When they ship and are delivered; `None`: as the promise about their line says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<(Dates, Dates)>,
}

/// An order that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRefused {
    /// The SKU that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Units of it asked for.
    pub quantity: Units,
    /// Where.
    pub channel: Channel,
    /// The refusal's code.
    pub code: Arc<str>,
}

/// Units of a line that were called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCancelled {
    /// The line.
    pub line: LineId,
    /// What was ordered.
    pub sku: Sku,
    /// Units called off.
    pub quantity: Units,
    /// What that sets free.
    pub freed: Vec<Peg>,
    /// Why, in a fixed phrase of ours: what people write about it is a message, which can be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
}

/// An order of which nothing is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Which.
    pub order: OrderId,
}

/// Units of a line that now come from another supply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Whose.
    pub line: LineId,
    /// From where.
    pub from: SupplyId,
    /// To where.
    pub to: SupplyId,
    /// How many.
    pub quantity: Units,
}

/// Pegs moved between the supplies of one pool, all at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunApplied {
    /// The run: one change may need several chunks under one id.
    pub run: RunId,
    /// The pool.
    pub sku: Sku,
    /// What made it necessary.
    pub cause: Cause,
    /// Supplies it opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Supply>,
    /// Who moved.
    pub moves: Vec<Move>,
}

/// Whether a pool still owes its queue units that came free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSettling {
    /// The pool.
    pub sku: Sku,
    /// True until every line behind the units has moved up.
    pub settling: bool,
}

/// Promises about lines of one order.
///
/// Stored in groups: lines that were promised the same stand together, as most lines of an order are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "StoredPromises")]
pub struct PromiseGiven {
    /// The order.
    pub order: OrderId,
    /// Each with its line's number.
    pub promises: Vec<LinePromise>,
}

/// A promise about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePromise {
    /// The line's number.
    pub line: u16,
    /// What was said.
    pub promise: Promise,
}

/// One promise and the lines it was given for.
#[derive(Serialize, Deserialize)]
struct PromiseGroup<P> {
    lines: Vec<u16>,
    promise: P,
}

#[derive(Deserialize)]
struct StoredPromises {
    order: OrderId,
    promises: Vec<PromiseGroup<Promise>>,
}

impl From<StoredPromises> for PromiseGiven {
    fn from(stored: StoredPromises) -> Self {
        let lines = stored.promises.into_iter().flat_map(|PromiseGroup { lines, promise }| {
            lines.into_iter().map(move |line| LinePromise { line, promise: promise.clone() })
        });
        Self { order: stored.order, promises: lines.collect() }
    }
}

impl Serialize for PromiseGiven {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut groups: Vec<PromiseGroup<&Promise>> = Vec::new();
        for LinePromise { line, promise } in &self.promises {
            match groups.last_mut() {
                // Only with the group before: so the order of lines is kept.
                Some(group) if group.promise == promise => group.lines.push(*line),
                _ => groups.push(PromiseGroup { lines: vec![*line], promise }),
            }
        }
        let mut given = serializer.serialize_struct("PromiseGiven", 2)?;
        given.serialize_field("order", &self.order)?;
        given.serialize_field("promises", &groups)?;
        given.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn promises_of_a_kind_are_stored_once_and_read_back_line_by_line() {
        let promise = |version| Promise {
            version,
            ship_by: Dates::UNKNOWN,
            deliver_by: Dates::UNKNOWN,
            given_at: Timestamp::UNIX_EPOCH,
            told_at: None,
            cause: Cause::of("order_placed"),
        };
        let of = |line, version| LinePromise { line, promise: promise(version) };
        let promises = vec![of(1, 1), of(2, 1), of(3, 2), of(4, 1)];
        let given = PromiseGiven { order: OrderId(uuid::Uuid::from_u128(7)), promises };
        let event = Event::PromiseGiven(given);
        let data = event.data().unwrap();
        assert_eq!(data.matches("order_placed").count(), 3);
        assert_eq!(Event::read(event.kind(), &data).unwrap(), Some(event));
        assert_eq!(Event::read("of_tomorrow", "{}").unwrap(), None);
    }
}
