//! What can be asked of a shop: each command is one decision, committed as a whole or not at all.
//!
//! Values in here are within [`crate::limits`]: whoever builds a command has checked them and answered for what was
//! not. What only the shop knows (is there such a SKU?) the decision checks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    advice::FollowAdvice,
    allocation::{LineTerms, Pack, Reallocate, Terms},
    errand::ErrandWish,
    event::AdjustReason,
    id::{
        Channel, CustomerKey, HoldId, LineId, LocationId, OrderId, ReleaseId, RunId, Sku, SupplyId, WaitId,
    },
    item::{Item, Policy},
    location::LocationSettings,
    message::MessageWish,
    money::Money,
    order::ShipChoice,
    purchasing::{CancelPurchase, SendPurchase},
    question::{Ask, Reply},
    record::{Json, Record, RecordKey},
    shortfall::Care,
    supply::SupplyKind,
    talk::Write,
    time::{Date, Timestamp},
};

/// A wish.
#[derive(Debug, Clone)]
pub enum Command {
    /// Describe a location.
    PutLocation(PutLocation),
    /// Describe a SKU.
    PutItem(PutItem),
    /// Set a selling policy.
    PutPolicy(PutPolicy),
    /// Set a selling policy because of an advice.
    FollowAdvice(Box<FollowAdvice>),
    /// Set terms and settings that the shop itself does not read.
    KeepTerms(KeepTerms),
    /// Send an order to its supplier.
    SendPurchase(SendPurchase),
    /// Call an order to a supplier off.
    CancelPurchase(CancelPurchase),
    /// Enter a supply.
    AddSupply(AddSupply),
    /// Change a supply's date or quantity.
    ChangeSupply(ChangeSupply),
    /// Call a supply off.
    CancelSupply(CancelSupply),
    /// Let part of a supply come at another time.
    SplitSupply(SplitSupply),
    /// Ring-fence units for a channel.
    RingFence(RingFenceStock),
    /// Send goods from one location to another.
    Transfer(Transfer),
    /// Say how many units are there.
    Count(Count),
    /// Book in what came in the place of something else.
    WrongArrival(WrongArrival),
    /// Book goods in.
    Receive(Receive),
    /// Undo a slip, a receipt or a cancel.
    UndoRun(RunId),
    /// Say who takes care of a promise that cannot be kept.
    TakeCare(Care),
    /// Say what became of goods in quarantine.
    Inspect(Inspect),
    /// Change stock by hand.
    Adjust(Adjust),
    /// Hold units for a cart.
    PlaceHold(PlaceHold),
    /// Give a hold up.
    ReleaseHold(HoldId),
    /// Sign up to a waitlist.
    JoinWaitlist(JoinWaitlist),
    /// Leave a waitlist.
    LeaveWaitlist(WaitId),
    /// Write down or move money of an order.
    Pay(Pay),
    /// Ask a customer for the shipping, late.
    ChargeShipping(ChargeShipping),
    /// Carry errands to a provider of payments, and hear from it.
    Errand(ErrandWish),
    /// Set by which rule goods are given out.
    SetAllocation(Terms),
    /// Set what a run may do to a line.
    SetLineAllocation(SetLine),
    /// Re-allocate a pool.
    Reallocate(Reallocate),
    /// Make orders whole that ship whole.
    Pack(Pack),
    /// Set records of the private shelf.
    KeepPrivate(KeepPrivate),
    /// Write something about an order.
    Write(Write),
    /// Ask everybody who waits for a SKU a question.
    Ask(Ask),
    /// Answer a question.
    Reply(Reply),
    /// Say that what a customer wrote about an order was read.
    MarkRead(OrderId),
    /// Forget who somebody is.
    Erase(CustomerKey),
    /// Erase a note about goods, by its id.
    EraseNote(Arc<str>),
    /// Let the customer save another method for what is charged later.
    ChangeMethod(OrderId),
    /// Place an order.
    PlaceOrder(Box<PlaceOrder>),
    /// Call off an order or units of its lines.
    CancelOrder(CancelOrder),
    /// Ship an order in another way.
    ChangeOrder(ChangeOrder),
    /// Send an order to somebody or somewhere else.
    ChangeAddress(ChangeAddress),
    /// Withdraw from the contract, as the law of the place lets a consumer.
    Withdraw(OrderId),
    /// Send something else in the place of units that cannot come in time.
    Substitute(Substitute),
    /// Hand units over to fulfilment.
    Release(Release),
    /// Take units back from fulfilment.
    TakeBack(TakeBack),
    /// Send goods.
    Ship(Ship),
    /// Tell customers, and hear from them.
    Message(MessageWish),
    /// One of these, by somebody of the shop who is signed in: the ledger says who.
    By(Arc<str>, Box<Self>),
    /// Do what is due by now: holds whose time is over.
    RunDue,
    /// Go on with work that was too much for one step.
    GoOn,
}

impl Command {
    /// What is wished, whoever wishes it.
    pub fn wish(&self) -> &Self {
        match self {
            Self::By(_, wish) => wish.wish(),
            wish => wish,
        }
    }

    /// The order that a command is about, where it names one that must be known first.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::CancelOrder(wish) => Some(wish.order),
            Self::ChangeOrder(wish) => Some(wish.order),
            Self::Ship(wish) => Some(wish.order),
            Self::By(_, wish) => wish.order(),
            _ => None,
        }
    }
}

/// Set what a run may do to a line.
#[derive(Debug, Clone)]
pub struct SetLine {
    /// What is set from now on.
    pub terms: LineTerms,
    /// The tag of what was seen.
    pub if_match: Option<Arc<str>>,
}

/// Sign up to a waitlist: tell me when it is back.
#[derive(Debug, Clone)]
pub struct JoinWaitlist {
    /// What for.
    pub sku: Sku,
    /// How many units.
    pub quantity: Units,
    /// Where it is sold.
    pub channel: Channel,
    /// Where it would go.
    pub country: Option<Arc<str>>,
    /// Who, as the ledger knows it.
    pub customer: CustomerKey,
    /// Where to write to.
    pub email: Arc<str>,
    /// The language to write in.
    pub locale: Option<Arc<str>>,
}

/// Set records of the private shelf, such as accounts and sessions: no event says so, and erasing them erases them.
#[derive(Debug, Clone, Default)]
pub struct KeepPrivate {
    /// Only while these are there.
    pub only_if: Vec<RecordKey>,
    /// Only while these are not there.
    pub unless: Vec<RecordKey>,
    /// What to set, or to drop.
    pub records: Vec<Record>,
}

/// Set records that say how the shop is run and that no decision on goods reads: purchasing terms, settings of the advice.
#[derive(Debug, Clone)]
pub struct KeepTerms {
    /// The SKU they are about.
    pub sku: Option<Sku>,
    /// What is to be said of it: a JSON object without personal data.
    pub data: Json,
    /// The records.
    pub records: Vec<Record>,
    /// Private records: what the ledger must not say, and mail that is to go out.
    pub private: Vec<Record>,
}

/// Describe a location.
#[derive(Debug, Clone)]
pub struct PutLocation {
    /// Which.
    pub location: LocationId,
    /// How it works.
    pub settings: LocationSettings,
    /// Only if it is still as this tag says.
    pub if_match: Option<Arc<str>>,
}

/// Describe a SKU.
#[derive(Debug, Clone)]
pub struct PutItem {
    /// The description.
    pub item: Item,
    /// Only if it is still as this tag says.
    pub if_match: Option<Arc<str>>,
}

/// Set a selling policy.
#[derive(Debug, Clone)]
pub struct PutPolicy {
    /// Of which SKU.
    pub sku: Sku,
    /// On which channel.
    pub channel: Channel,
    /// The terms.
    pub policy: Policy,
    /// Only if it is still as this tag says.
    pub if_match: Option<Arc<str>>,
}

/// Enter a supply.
#[derive(Debug, Clone)]
pub struct AddSupply {
    /// Of what.
    pub sku: Sku,
    /// To where.
    pub location: LocationId,
    /// Purchase order, production run or transfer.
    pub kind: SupplyKind,
    /// How many units, from 1.
    pub quantity: Units,
    /// The date given for its arrival.
    pub expected_on: Option<Date>,
    /// Who sends it; the item's supplier unless given.
    pub supplier: Option<Arc<str>>,
    /// The merchant's number for it.
    pub reference: Option<Arc<str>>,
    /// Days added for the promised date.
    pub promise_buffer_days: Option<u16>,
}

/// Change a supply; what is `None` stays.
#[derive(Debug, Clone)]
pub struct ChangeSupply {
    /// Which.
    pub supply: SupplyId,
    /// The date now given; `Some(None)`: nobody knows any more.
    pub expected_on: Option<Option<Date>>,
    /// The quantity now given.
    pub quantity: Option<Units>,
}

/// Call a supply off.
#[derive(Debug, Clone)]
pub struct CancelSupply {
    /// Which.
    pub supply: SupplyId,
}

/// Book goods in.
#[derive(Debug, Clone)]
pub struct Receive {
    /// Which supply.
    pub supply: SupplyId,
    /// Units that are good; `None`: all that was expected.
    pub accepted: Option<Units>,
    /// Units that are not, and go to quarantine.
    pub damaged: Units,
    /// Whether nothing more will come, however few came.
    pub close: bool,
    /// The date now given for what is still to come; `None` leaves it, `Some(None)`: nobody knows any more.
    pub expected_on: Option<Option<Date>>,
}

impl Receive {
    /// All that was expected came, and is good.
    pub fn whole(supply: SupplyId) -> Self {
        Self { supply, accepted: None, damaged: 0, close: false, expected_on: None }
    }
}

/// Write down or move money of an order.
#[derive(Debug, Clone)]
pub struct Pay {
    /// Whose.
    pub order: OrderId,
    /// What is done.
    pub kind: PayKind,
    /// Who moves the money; `None`: whoever does for this order.
    pub provider: Option<Arc<str>>,
    /// How much; `None`: all that can be meant.
    pub amount: Option<Money>,
    /// For this line only.
    pub line: Option<u16>,
    /// Which charge is captured; `None`: the one that is set aside.
    pub charge: Option<u32>,
    /// Until when an authorisation may be captured.
    pub capture_before: Option<Timestamp>,
}

/// Ask a customer for the shipping of an order, before it is handed over.
#[derive(Debug, Clone)]
pub struct ChargeShipping {
    /// Of which order.
    pub order: OrderId,
    /// How much; `None`: what the location asks for the order's country.
    pub amount: Option<Money>,
}

/// What is done with money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayKind {
    /// It was taken from the customer.
    Charge,
    /// It was set aside.
    Authorise,
    /// What was set aside was taken.
    Capture,
    /// It went back.
    Refund,
    /// It came by another way.
    Record,
}

/// Let part of a supply come at another time.
#[derive(Debug, Clone)]
pub struct SplitSupply {
    /// Which supply.
    pub supply: SupplyId,
    /// Units that come at the other time: some of it, not all.
    pub quantity: Units,
    /// When; `None`: nobody knows.
    pub expected_on: Option<Date>,
}

/// Send goods from one location to another.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Of what.
    pub sku: Sku,
    /// Where they are.
    pub from: LocationId,
    /// Where they go.
    pub to: LocationId,
    /// How many units, from 1.
    pub quantity: Units,
    /// When they arrive; `None`: nobody knows.
    pub expected_on: Option<Date>,
    /// The merchant's number for it.
    pub reference: Option<Arc<str>>,
    /// For whom they go: what is ring-fenced for this channel goes first, and they are ring-fenced for it where they come.
    pub channel: Option<Channel>,
}

/// Keep units for one channel: nobody else may have them from then on.
#[derive(Debug, Clone)]
pub struct RingFenceStock {
    /// Of what.
    pub at: FencedAt,
    /// For whom.
    pub channel: Channel,
    /// How many, those that the channel has claimed already among them; 0: none any longer.
    pub units: Units,
    /// Only if it is still as this tag says.
    pub if_match: Option<Arc<str>>,
}

/// Which goods units are ring-fenced of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FencedAt {
    /// One supply, here or on its way.
    Supply(SupplyId),
    /// All that is on hand of a SKU at a location.
    Location(Sku, LocationId),
}

/// Say how many units are there.
#[derive(Debug, Clone)]
pub struct Count {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// Units on hand, those with fulfilment among them.
    pub counted: Units,
    /// In a person's words.
    pub note: Option<Arc<str>>,
}

/// Book in what came in the place of something else.
#[derive(Debug, Clone)]
pub struct WrongArrival {
    /// The supply that it came with, which stays as it is.
    pub supply: SupplyId,
    /// What came.
    pub sku: Sku,
    /// How many units of it.
    pub quantity: Units,
    /// Whether they are kept apart to be inspected first.
    pub quarantine: bool,
}

/// Say what became of goods in quarantine.
#[derive(Debug, Clone)]
pub struct Inspect {
    /// Which supply.
    pub supply: SupplyId,
    /// Units that are good after all.
    pub good: Units,
    /// Units that are thrown away.
    pub written_off: Units,
    /// Why, in a person's words.
    pub reason: Option<Arc<str>>,
}

/// Change stock by hand.
#[derive(Debug, Clone)]
pub struct Adjust {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// Units more, or less; not 0.
    pub delta: Units,
    /// Why.
    pub reason: AdjustReason,
    /// The order line whose units a customer sent back.
    pub line: Option<LineId>,
    /// Whether they are kept apart to be inspected first; nobody may have them until then.
    pub quarantine: bool,
    /// In a person's words.
    pub note: Option<Arc<str>>,
}

/// A line as asked for.
#[derive(Debug, Clone)]
pub struct AskLine {
    /// What.
    pub sku: Sku,
    /// How many units, from 1.
    pub quantity: Units,
    /// What one unit sells for; the item's price unless given.
    pub unit_price: Option<Money>,
}

/// Hold units for a cart.
#[derive(Debug, Clone)]
pub struct PlaceHold {
    /// Where it is sold.
    pub channel: Channel,
    /// The customer's group.
    pub group: Option<Arc<str>>,
    /// Where it goes.
    pub country: Option<Arc<str>>,
    /// For how long.
    pub ttl_seconds: i64,
    /// The publishable key that asks.
    pub placed_by: Option<Arc<str>>,
    /// What to hold.
    pub lines: Vec<AskLine>,
}

/// Whether part of an order will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accept {
    /// Every unit or none.
    #[default]
    All,
    /// As many units as can be had.
    Partial,
}

/// Who ordered: kept apart from the order and never in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// E-mail address as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Arc<str>>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Street, number and place, one or more lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Arc<str>>,
    /// Postcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Arc<str>>,
    /// Language, BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Arc<str>>,
}

impl Contact {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Place an order.
#[derive(Debug, Clone, Default)]
pub struct PlaceOrder {
    /// The shop's number for it.
    pub reference: Option<Arc<str>>,
    /// Where it was sold.
    pub channel: Channel,
    /// The hold to take over.
    pub hold: Option<HoldId>,
    /// Who ordered, as the ledger knows it.
    pub customer: Option<CustomerKey>,
    /// Who ordered, as people know it.
    pub contact: Contact,
    /// The customer's group.
    pub group: Option<Arc<str>>,
    /// Where it goes.
    pub country: Option<Arc<str>>,
    /// How it may be shipped.
    pub ship: ShipChoice,
    /// After when the customer does not want it delivered.
    pub not_later_than: Option<Date>,
    /// When the customer would like it delivered.
    pub requested_date: Option<Date>,
    /// Whether part of it will do.
    pub accept: Accept,
    /// The publishable key that asks.
    pub placed_by: Option<Arc<str>>,
    /// The order was promised before Shipwhen knew of it: units without supply wait on the shortfall list instead of
    /// being refused, and caps do not hold.
    pub already_owed: bool,
    /// What to order.
    pub lines: Vec<AskLine>,
}

/// Call off an order or units of its lines.
#[derive(Debug, Clone)]
pub struct CancelOrder {
    /// Which order.
    pub order: OrderId,
    /// Which lines, and how many units of each (all that are open unless given); empty for all.
    pub lines: Vec<(LineId, Option<Units>)>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// Only an order that this publishable key placed.
    pub placed_by: Option<Arc<str>>,
    /// The customer asked for it, and so need not be told.
    pub by_customer: bool,
}

impl CancelOrder {
    /// All that is open of an order, without a reason.
    pub fn whole(order: OrderId, by_customer: bool) -> Self {
        Self { order, lines: Vec::new(), reason: None, placed_by: None, by_customer }
    }
}

/// Ship an order in another way.
#[derive(Debug, Clone)]
pub struct ChangeOrder {
    /// Which.
    pub order: OrderId,
    /// How it may be shipped from now on.
    pub ship: ShipChoice,
}

/// Send an order to another name or address in the same country; what is `None` stays.
#[derive(Debug, Clone)]
pub struct ChangeAddress {
    /// Which.
    pub order: OrderId,
    /// Whose name is on the parcel.
    pub name: Option<Arc<str>>,
    /// Street, number and place.
    pub address: Option<Arc<str>>,
    /// Postcode.
    pub postcode: Option<Arc<str>>,
    /// The customer does it, not staff.
    pub by_customer: bool,
}

/// Send something else in the place of units of a line: they are called off, and the other is ordered for the same customer.
#[derive(Debug, Clone)]
pub struct Substitute {
    /// Which line.
    pub line: LineId,
    /// How many of its units: 1 to what is open.
    pub quantity: Units,
    /// What comes instead.
    pub sku: Sku,
    /// What one unit sells for; `None`: the price of the other, but no more than the line's.
    pub unit_price: Option<Money>,
    /// Why, in a person's words.
    pub reason: Option<Arc<str>>,
}

/// Which lines to hand over first: a group of orders, a group of goods. What is left empty does not choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wave {
    /// Only orders that go there.
    pub country: Option<Arc<str>>,
    /// Only orders of this customer group.
    pub group: Option<Arc<str>>,
    /// Only orders with one of these numbers of the shop's.
    pub references: Vec<Arc<str>>,
    /// Only lines of these SKUs.
    pub skus: Vec<Sku>,
    /// Only lines of SKUs with one of these tags.
    pub tags: Vec<Arc<str>>,
}

/// Hand units that are allocated over to fulfilment.
#[derive(Debug, Clone)]
pub struct Release {
    /// Where they are packed.
    pub location: LocationId,
    /// When the carrier comes for them.
    pub carrier_cutoff: Option<Timestamp>,
    /// Which lines, the first to go first; what of them is not to be had any more is left.
    pub lines: Vec<LineId>,
    /// Whether more may be ready than is named.
    pub more: bool,
}

/// Take units back from fulfilment: a pick that was refused, goods that were not found.
#[derive(Debug, Clone)]
pub struct TakeBack {
    /// The release they went with.
    pub release: ReleaseId,
    /// What comes back; not empty.
    pub lines: Vec<TakeBackLine>,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// Units of one line that come back from fulfilment.
#[derive(Debug, Clone)]
pub struct TakeBackLine {
    /// The line.
    pub line: LineId,
    /// Units of it; all that went with the release and have not left unless given.
    pub quantity: Option<Units>,
    /// What of it is not there, by SKU: of a kit, of its components.
    pub missing: Vec<(Sku, Units)>,
}

/// Send goods that are here.
#[derive(Debug, Clone)]
pub struct Ship {
    /// Of which order.
    pub order: OrderId,
    /// Which lines, and how many units of each; empty for all. Where no number is given: what is with fulfilment, or all
    /// that is allocated where nothing is.
    pub lines: Vec<(LineId, Option<Units>)>,
    /// The carrier's number.
    pub tracking: Option<Arc<str>>,
    /// Who carries it.
    pub carrier: Option<Arc<str>>,
    /// Where the carrier shows it; else it is known from the carrier's name, or not at all.
    pub tracking_url: Option<Arc<str>>,
    /// When the carrier took it.
    pub shipped_at: Timestamp,
}
