//! What orders, holds, promises and the queue look like.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dates, Money, Problem};

/// What a line or an order waits for.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineState {
    Allocated,
    Backordered,
    PartlyAllocated,
    Shipped,
    Cancelled,
}

/// Units of a line with one state and date.
#[derive(ToSchema, Serialize)]
pub(crate) struct Part {
    /// How many.
    pub(crate) quantity: i64,
    /// `allocated` or `backordered`.
    pub(crate) state: LineState,
    /// Where they come from; for a kit, the supply of the component that comes last.
    pub(crate) supply: String,
    /// Where they ship from.
    pub(crate) location: String,
    /// When they ship.
    pub(crate) ship_by: Dates,
    /// When they are delivered.
    pub(crate) deliver_by: Dates,
}

/// The parts of one component of a kit line.
#[derive(ToSchema, Serialize)]
pub(crate) struct ComponentParts {
    /// What.
    pub(crate) sku: String,
    /// In units of the component.
    pub(crate) parts: Vec<Part>,
}

/// What the customer was last told about a line.
#[derive(ToSchema, Serialize)]
pub(crate) struct Told {
    /// When it ships.
    pub(crate) ship_by: Dates,
    /// When it is delivered.
    pub(crate) deliver_by: Dates,
}

/// One line of an order.
#[derive(ToSchema, Serialize)]
pub(crate) struct Line {
    /// Its id.
    pub(crate) id: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units accepted.
    pub(crate) quantity: i64,
    /// Units still to be sent.
    pub(crate) open: i64,
    /// Units called off.
    pub(crate) cancelled: i64,
    /// Units sent.
    pub(crate) shipped: i64,
    /// Of the open units, those that are with fulfilment.
    pub(crate) released: i64,
    /// What it waits for.
    pub(crate) state: LineState,
    /// What one unit sells for.
    pub(crate) unit_price: Option<Money>,
    /// When the last unit ships, as things are now.
    pub(crate) ship_by: Dates,
    /// When the last unit is delivered, as things are now.
    pub(crate) deliver_by: Dates,
    /// What the customer was last told.
    pub(crate) told: Option<Told>,
    /// The open units, earliest first.
    pub(crate) parts: Vec<Part>,
    /// The same for each component; only of a kit.
    #[schema(nullable = false)]
    pub(crate) components: Option<Vec<ComponentParts>>,
}

/// Units that were asked for and not accepted.
#[derive(ToSchema, Serialize)]
pub(crate) struct RefusedUnits {
    /// Which line as asked for, counted from 1.
    pub(crate) line: u16,
    /// What.
    pub(crate) sku: String,
    /// How many.
    pub(crate) quantity: i64,
    /// The refusal's code.
    pub(crate) code: String,
    /// Why.
    pub(crate) detail: String,
}

/// Who ordered.
#[derive(ToSchema, Serialize)]
pub(crate) struct Customer {
    /// E-mail address as given.
    #[schema(nullable = false)]
    pub(crate) email: Option<String>,
    /// Name.
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    /// Street, number and place.
    #[schema(nullable = false)]
    pub(crate) address: Option<String>,
    /// Where it goes: ISO 3166-1 alpha-2.
    #[schema(nullable = false)]
    pub(crate) country: Option<String>,
    /// Postcode.
    #[schema(nullable = false)]
    pub(crate) postcode: Option<String>,
    /// The customer's group.
    #[schema(nullable = false)]
    pub(crate) group: Option<String>,
    /// Language, BCP 47.
    #[schema(nullable = false)]
    pub(crate) locale: Option<String>,
}

/// What left in one parcel.
#[derive(ToSchema, Serialize)]
pub(crate) struct Parcel {
    /// Its id.
    pub(crate) id: String,
    /// When the carrier took it.
    #[schema(format = DateTime)]
    pub(crate) shipped_at: String,
    /// Who carries it.
    pub(crate) carrier: Option<String>,
    /// The carrier's number.
    pub(crate) tracking: Option<String>,
    /// Where the carrier shows it: as the shop set it, else as it is known of the carrier.
    pub(crate) tracking_url: Option<String>,
    /// What is in it.
    pub(crate) lines: Vec<ParcelLine>,
}

/// Units of a line in a parcel.
#[derive(ToSchema, Serialize)]
pub(crate) struct ParcelLine {
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// How many units.
    pub(crate) quantity: i64,
}

/// An order as it is now.
#[derive(ToSchema, Serialize)]
pub(crate) struct Order {
    /// Its id.
    #[schema(example = "ord_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// The shop's number for it.
    pub(crate) reference: Option<String>,
    /// Where it was sold.
    pub(crate) channel: String,
    /// What it waits for.
    pub(crate) state: LineState,
    /// When it was placed.
    #[schema(format = DateTime)]
    pub(crate) placed_at: String,
    /// `as_available` or `complete`.
    pub(crate) ship: String,
    /// When the customer would like it delivered.
    #[schema(format = Date)]
    pub(crate) requested_date: Option<String>,
    /// After when the customer does not want it delivered.
    #[schema(format = Date)]
    pub(crate) not_later_than: Option<String>,
    /// When the last unit ships.
    pub(crate) ship_by: Dates,
    /// When the last unit is delivered.
    pub(crate) deliver_by: Dates,
    /// What was ordered.
    pub(crate) lines: Vec<Line>,
    /// What was asked for and not accepted; in the answer to an order that would take part.
    #[schema(nullable = false)]
    pub(crate) refused: Option<Vec<RefusedUnits>>,
    /// Where its customer sees it.
    pub(crate) status_url: String,
    /// What left, parcel by parcel, the first sent first; in the answer to who reads one order of which something left. What was
    /// sent before parcels were kept is in none.
    #[schema(nullable = false)]
    pub(crate) shipments: Option<Vec<Parcel>>,
    /// Who ordered; for staff who read it.
    #[schema(nullable = false)]
    pub(crate) customer: Option<Customer>,
}

/// One order of a batch: the order, or the problem.
#[derive(ToSchema, Serialize)]
pub(crate) struct BatchItem {
    /// The status it would have had alone.
    pub(crate) status: u16,
    /// The order.
    #[schema(nullable = false)]
    pub(crate) order: Option<Order>,
    /// Why it was not accepted. Its pointers begin at this order.
    #[schema(nullable = false)]
    pub(crate) problem: Option<Problem>,
    /// True where the same order was answered so before.
    #[schema(nullable = false)]
    pub(crate) idempotent_replayed: Option<bool>,
}

/// The answers of a batch, in its order.
#[derive(ToSchema, Serialize)]
pub(crate) struct BatchAnswer {
    pub(crate) items: Vec<BatchItem>,
}

/// One line of a hold.
#[derive(ToSchema, Serialize)]
pub(crate) struct HoldLine {
    /// What.
    pub(crate) sku: String,
    /// How many units.
    pub(crate) quantity: i64,
    /// What it would wait for.
    pub(crate) state: LineState,
    /// When the last unit would ship.
    pub(crate) ship_by: Dates,
    /// When the last unit would be delivered.
    pub(crate) deliver_by: Dates,
    /// The units, earliest first.
    pub(crate) parts: Vec<Part>,
}

/// Units held for a cart.
#[derive(ToSchema, Serialize)]
pub(crate) struct Hold {
    /// Its id.
    #[schema(example = "hld_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// From when on it holds nothing.
    #[schema(format = DateTime)]
    pub(crate) expires_at: String,
    /// What is held, with the promise an order would get.
    pub(crate) lines: Vec<HoldLine>,
}

/// Why a promise was given.
#[derive(ToSchema, Serialize)]
pub(crate) struct Cause {
    /// The kind of the event behind it, as in the ledger.
    pub(crate) kind: String,
    /// The supply that changed.
    #[schema(nullable = false)]
    pub(crate) supply: Option<String>,
    /// The order whose change set units free.
    #[schema(nullable = false)]
    pub(crate) order: Option<String>,
    /// What happened, in a few words.
    #[schema(nullable = false)]
    pub(crate) detail: Option<String>,
}

/// A promise as it was given.
#[derive(ToSchema, Serialize)]
pub(crate) struct Promise {
    /// The line.
    pub(crate) line: String,
    /// 1 for the first of its line, then one more each time.
    pub(crate) version: u32,
    /// When the last unit of the line ships.
    pub(crate) ship_by: Dates,
    /// When the last unit of the line is delivered.
    pub(crate) deliver_by: Dates,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) given_at: String,
    /// When the customer was told; null while the notice is still to be sent.
    #[schema(format = DateTime)]
    pub(crate) told_at: Option<String>,
    /// What made it necessary.
    pub(crate) cause: Cause,
}

/// What a line in the queue waits for.
#[derive(ToSchema, Serialize)]
pub(crate) struct Blocker {
    /// The SKU: for a kit, the component.
    pub(crate) sku: String,
    /// The supply that is to bring it.
    pub(crate) supply: String,
    /// Units of it.
    pub(crate) quantity: i64,
}

/// Who waits.
#[derive(ToSchema, Serialize)]
pub(crate) struct WaitingCustomer {
    /// E-mail address.
    pub(crate) email: Option<String>,
    /// Name.
    pub(crate) name: Option<String>,
    /// Where it goes.
    pub(crate) country: Option<String>,
}

/// A line in the queue.
#[derive(ToSchema, Serialize)]
pub(crate) struct Backorder {
    /// The order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// The shop's number for the order.
    pub(crate) reference: Option<String>,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units that wait here.
    pub(crate) quantity: i64,
    /// Its place among all lines that wait for the SKU that blocks it, from 1.
    pub(crate) position: i64,
    /// The supply it waits for.
    pub(crate) supply: String,
    /// Where that arrives.
    pub(crate) location: String,
    /// When these units ship, as things are now.
    pub(crate) ship_by: Dates,
    /// When they are delivered, as things are now.
    pub(crate) deliver_by: Dates,
    /// The ship date the customer was last told.
    pub(crate) told: Dates,
    /// Whether the day that was promised is over.
    pub(crate) overdue: bool,
    /// Who waits.
    pub(crate) customer: WaitingCustomer,
    /// What these units sell for.
    pub(crate) value: Option<Money>,
    /// When it was ordered.
    #[schema(format = DateTime)]
    pub(crate) placed_at: String,
    /// What it waits for.
    pub(crate) blocked_by: Blocker,
}

/// A promise that cannot be kept.
#[derive(ToSchema, Serialize)]
pub(crate) struct Shortfall {
    #[serde(flatten)]
    pub(crate) line: Backorder,
    /// Who takes care of it.
    pub(crate) owner: Option<String>,
    /// Until when it is to be settled.
    #[schema(format = Date)]
    pub(crate) deadline: Option<String>,
    /// What is done about it.
    pub(crate) note: Option<String>,
    /// What can be done about it.
    pub(crate) ways_out: Vec<WayOut>,
}

/// Something that can be done about a promise that cannot be kept.
#[derive(ToSchema, Serialize)]
pub(crate) struct WayOut {
    /// `later_date`, `expedite` (the goods), `faster_transit` (to the customer), `other_location`, `substitute`, `split` or
    /// `cancel`.
    pub(crate) way: String,
    /// What it comes to.
    pub(crate) detail: String,
    /// The call that goes this way.
    pub(crate) call: String,
    /// What it takes.
    #[schema(nullable = false)]
    pub(crate) body: Option<serde_json::Value>,
    /// What it costs, where that is known: what freight was quoted at, the price of a service, the price of a substitute.
    #[schema(nullable = false)]
    pub(crate) price: Option<Money>,
}

/// Notes about goods.
#[derive(ToSchema, Serialize)]
pub(crate) struct StockNotePage {
    pub(crate) items: Vec<crate::api::stock_notes::NoteOut>,
    pub(crate) next_cursor: Option<String>,
}

/// Promises that cannot be kept.
#[derive(ToSchema, Serialize)]
pub(crate) struct ShortfallPage {
    pub(crate) items: Vec<Shortfall>,
    pub(crate) next_cursor: Option<String>,
}

/// Who takes care of a line.
#[derive(ToSchema, Serialize)]
pub(crate) struct Care {
    /// The line.
    pub(crate) line: String,
    /// Who.
    #[schema(nullable = false)]
    pub(crate) owner: Option<String>,
    /// Until when.
    #[schema(nullable = false, format = Date)]
    pub(crate) deadline: Option<String>,
    /// What is done about it.
    #[schema(nullable = false)]
    pub(crate) note: Option<String>,
    /// What faster freight was quoted at.
    #[schema(nullable = false)]
    pub(crate) expedite_price: Option<Money>,
}
