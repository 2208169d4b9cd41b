//! What is answered: orders, holds and availability as they are at one moment, in the words of the API.
//!
//! Serialised as they stand; the shell adds only what it alone knows, such as addresses of pages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{Channel, HoldId, LineId, LocationId, OrderId, ReleaseId, RunId, Sku, SupplyId},
    item::Component,
    money::Money,
    order::{Dates, Peg, ShipChoice},
    refusal::RefusalCode,
    supply::{RingFence, Supply},
    time::{Date, Timestamp},
};

/// What a line or an order as a whole waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Every open unit is here.
    Allocated,
    /// No open unit is here.
    Backordered,
    /// Some open units are here.
    PartlyAllocated,
    /// Nothing is left to send, and something was sent.
    Shipped,
    /// Nothing is left to send, and nothing was sent.
    Cancelled,
}

impl LineState {
    /// The word used in JSON and on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allocated => "allocated",
            Self::Backordered => "backordered",
            Self::PartlyAllocated => "partly_allocated",
            Self::Shipped => "shipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Units of a line with one state and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartView {
    /// How many.
    pub quantity: Units,
    /// `allocated` or `backordered`.
    pub state: LineState,
    /// Where they come from; for a kit, the supply of the component that comes last.
    pub supply: SupplyId,
    /// Where they ship from.
    pub location: LocationId,
    /// When they ship.
    pub ship_by: Dates,
    /// When they are delivered.
    pub deliver_by: Dates,
}

/// The parts of one component of a kit line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentView {
    /// What.
    pub sku: Sku,
    /// In units of the component.
    pub parts: Vec<PartView>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// Its id.
    pub id: String,
    /// What was ordered.
    pub sku: Sku,
    /// Units accepted.
    pub quantity: Units,
    /// Units still to be sent.
    pub open: Units,
    /// Units called off.
    pub cancelled: Units,
    /// Units sent.
    pub shipped: Units,
    /// Of the open units, those that are with fulfilment.
    #[serde(default)]
    pub released: Units,
    /// What it waits for.
    pub state: LineState,
    /// What one unit sells for.
    pub unit_price: Option<Money>,
    /// When the last unit ships, as things are now.
    pub ship_by: Dates,
    /// When the last unit is delivered, as things are now.
    pub deliver_by: Dates,
    /// What the customer was last told.
    pub told: Option<Told>,
    /// The open units, earliest first.
    pub parts: Vec<PartView>,
    /// The same for each component; only of a kit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentView>,
}

/// What the customer was last told about a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it ships.
    pub ship_by: Dates,
    /// When it is delivered.
    pub deliver_by: Dates,
}

/// Units that were asked for and not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedUnits {
    /// Which line as asked for, counted from 1.
    pub line: u16,
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Units,
    /// The refusal's code.
    pub code: RefusalCode,
    /// Why.
    pub detail: String,
}

/// An order as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// The shop's number for it.
    pub reference: Option<Arc<str>>,
    /// Where it was sold.
    pub channel: Channel,
    /// What it waits for.
    pub state: LineState,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// How it may be shipped.
    pub ship: ShipChoice,
    /// When the customer would like it delivered.
    pub requested_date: Option<Date>,
    /// After when the customer does not want it delivered.
    pub not_later_than: Option<Date>,
    /// When the last unit ships.
    pub ship_by: Dates,
    /// When the last unit is delivered.
    pub deliver_by: Dates,
    /// What was ordered.
    pub lines: Vec<LineView>,
    /// What was asked for and not accepted; in the answer to an order that would take part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedUnits>,
}

/// A hold as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Its id.
    pub id: HoldId,
    /// From when on it holds nothing.
    pub expires_at: Timestamp,
    /// What is held, with the promise an order would get.
    pub lines: Vec<HoldLineView>,
}

/// One line of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLineView {
    /// What.
    pub sku: Sku,
    /// How many units.
    pub quantity: Units,
    /// `allocated`, `backordered` or `partly_allocated`.
    pub state: LineState,
    /// When the last unit would ship.
    pub ship_by: Dates,
    /// When the last unit would be delivered.
    pub deliver_by: Dates,
    /// The units, earliest first.
    pub parts: Vec<PartView>,
}

/// Whether and how a SKU can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvailabilityState {
    /// Here, ships now.
    InStock,
    /// Here, but few, or fewer than asked for.
    Limited,
    /// Sold now, ships when goods come.
    Backorder,
    /// Sold before its release.
    Preorder,
    /// Made when it is ordered.
    MadeToOrder,
    /// Not sold now; leave an address.
    Waitlist,
    /// Not sold now.
    OutOfStock,
    /// Not sold any more.
    Discontinued,
}

/// Availability as Google's product feeds name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoogleAvailability {
    /// `in_stock`, `backorder`, `preorder` or `out_of_stock`.
    pub availability: &'static str,
    /// From when on it is there; with `backorder` and `preorder` only.
    pub availability_date: Option<String>,
}

/// Can it be bought now, and when will it ship?
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Availability {
    /// What.
    pub sku: Sku,
    /// The answer in a word.
    pub state: AvailabilityState,
    /// Units that ship now.
    pub available_now: Units,
    /// Units that could be sold beyond those; `None` where there is no limit.
    pub available_later: Option<Units>,
    /// When the quantity asked for would ship.
    pub ship_by: Dates,
    /// When it would be delivered.
    pub deliver_by: Dates,
    /// When goods nobody has a claim on come next; with `waitlist` and `out_of_stock`.
    pub restock_on: Option<Date>,
    /// A short line for the shopper.
    pub label: String,
    /// How the answer came about.
    pub reason: String,
    /// Where that comes from: `on_hand`, `supply`, `lead_time`, or why not, as refusals name it.
    pub reason_code: &'static str,
    /// The same answer as a schema.org ItemAvailability address.
    pub schema_org: &'static str,
    /// The same answer as Google names it.
    pub google: GoogleAvailability,
    /// The moment it is true for.
    pub as_of: Timestamp,
}

/// A supply as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyView {
    /// The supply.
    #[serde(flatten)]
    pub supply: Supply,
    /// Units pegged by orders.
    pub pegged: Units,
    /// Units pegged by holds.
    pub held: Units,
    /// Units nobody has a claim on and that are ring-fenced for nobody.
    pub free: Units,
    /// Of what is ring-fenced, the units that its channel has not claimed yet; channels that have claimed all are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced_left: Vec<RingFence>,
    /// When it would ship.
    pub ship_by: Dates,
}

/// What is on hand of a SKU at a location, and what of it is ring-fenced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FencedStock {
    /// What.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// Units on hand, those with fulfilment among them.
    pub on_hand: Units,
    /// Units nobody has a claim on and that are ring-fenced for nobody.
    pub free: Units,
    /// What is ring-fenced, by channel.
    pub ring_fenced: Vec<FenceView>,
    /// Names how it stands.
    pub tag: Arc<str>,
}

/// Units that only one channel may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceView {
    /// Whose.
    pub channel: Channel,
    /// Units ring-fenced for it that are still here: they count down as it ships.
    pub units: Units,
    /// Of those, units that its orders and carts have.
    pub claimed: Units,
    /// Of those, units that it may still sell.
    pub left: Units,
    /// Most units that could be ring-fenced for it.
    pub most: Units,
}

/// What a change to a supply led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyChange {
    /// The supply.
    #[serde(flatten)]
    pub supply: SupplyView,
    /// The run that this change made.
    pub run: RunId,
    /// Units of order lines that have goods that came in now; of a receipt or an inspection, as all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated: Option<Units>,
    /// The order lines served, first come first: the first hundred of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<ServedLine>>,
    /// Units that are still due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_due: Option<Units>,
    /// What became of the units.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<Arrived>,
    /// Lines that should win and got later all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wins_lost: Vec<LineId>,
}

/// What became of units that came, or that somebody looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Units that are on hand by it.
    pub accepted: Units,
    /// The supply that they are in; `None` where there are none.
    pub on_hand: Option<SupplyId>,
    /// Units that are not good.
    pub damaged: Units,
    /// The supply that they are kept in; `None` where there are none.
    pub quarantine: Option<SupplyId>,
    /// Units that were promised from it and will not come: the last lines wait for other goods.
    pub displaced: Units,
    /// The date given for what is still due.
    pub still_due_on: Option<Date>,
    /// Accepted units that are still being booked in, part by part, as very many lines wait for them; 0: all are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_progress: Units,
}

fn is_zero(units: &Units) -> bool {
    *units == 0
}

/// A line that got units of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedLine {
    /// Its order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// Units allocated.
    pub quantity: Units,
    /// Why it comes in this place.
    pub why: String,
}

/// Units of a line that were handed over to fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseLineView {
    /// The order.
    pub order: OrderId,
    /// The shop's number for it.
    pub reference: Option<Arc<str>>,
    /// The line.
    pub line: LineId,
    /// What was ordered.
    pub sku: Sku,
    /// Units of the line; of a kit, those of which any component is picked here.
    pub quantity: Units,
    /// Where it goes.
    pub country: Option<Arc<str>>,
    /// When it ships, as things are now.
    pub ship_by: Dates,
    /// What the customer was last told about the line.
    pub told: Option<Told>,
    /// What to take from which supply.
    pub picks: Vec<Peg>,
}

/// What was handed over to fulfilment at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The release; none where nothing was handed over.
    pub id: Option<ReleaseId>,
    /// Where it is packed.
    pub location: LocationId,
    /// When it was handed over.
    pub released_at: Timestamp,
    /// When the carrier comes for it.
    pub carrier_cutoff: Option<Timestamp>,
    /// The lines, the first to be packed first.
    pub lines: Vec<ReleaseLineView>,
    /// Whether there may be more than was handed over: ask again.
    pub more: bool,
}

/// Units of a line that came back from fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBackLine {
    /// The order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// What was ordered.
    pub sku: Sku,
    /// Units of the line that came back.
    pub quantity: Units,
    /// What of it was not there, by SKU.
    pub missing: Vec<Component>,
    /// What the line waits for now.
    pub state: LineState,
    /// When its last unit ships, as things are now.
    pub ship_by: Dates,
}

/// What came back from fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBackView {
    /// The release it went with.
    pub release: ReleaseId,
    /// The lines, as they were named.
    pub lines: Vec<TakenBackLine>,
}

/// Units of a line that were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentLineView {
    /// The line.
    pub line: LineId,
    /// What was ordered.
    pub sku: Sku,
    /// Units sent now.
    pub quantity: Units,
    /// Units of the line still to be sent.
    pub open: Units,
    /// What left which supply.
    pub from: Vec<Peg>,
}

/// Goods that were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentView {
    /// The order.
    pub order: OrderId,
    /// The shop's number for it.
    pub reference: Option<Arc<str>>,
    /// What the order waits for now.
    pub state: LineState,
    /// The carrier's number.
    pub tracking: Option<Arc<str>>,
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<Arc<str>>,
    /// Where the carrier shows it, as the shop set it.
    #[serde(default)]
    pub tracking_url: Option<Arc<str>>,
    /// When the carrier took it.
    pub shipped_at: Timestamp,
    /// What was sent of each line.
    pub lines: Vec<ShipmentLineView>,
}

/// Stock changed by hand, and what is there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentView {
    /// What.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// Units more or less.
    pub delta: Units,
    /// Units here now.
    pub on_hand: Units,
    /// Units here that nobody has a claim on.
    pub free: Units,
    /// Units that lines which waited got.
    #[serde(default)]
    pub allocated: Units,
    /// Who got them, first come first: the first hundred.
    #[serde(default)]
    pub lines: Vec<ServedLine>,
    /// Units that lines had here and lost.
    #[serde(default)]
    pub displaced: Units,
    /// The supply that the units are, where they are kept apart to be inspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<SupplyId>,
}

/// A supply that was entered, and who moved up into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyEntered {
    /// The supply.
    #[serde(flatten)]
    pub view: SupplyView,
    /// Lines that have units of it now, first come first: the first hundred.
    #[serde(default)]
    pub lines: Vec<ServedLine>,
}
