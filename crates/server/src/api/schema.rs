//! What answers look like, for the API's description. The values themselves are the model's, which knows nothing of
//! HTTP: a test holds every answer it gets against these.
#![allow(dead_code, clippy::large_enum_variant, reason = "shapes, of which no value is ever made")]

use serde::Serialize;
use utoipa::ToSchema;

/// An amount of money.
#[derive(ToSchema, Serialize)]
pub(crate) struct Money {
    /// Minor units of the currency: cents, whole yen.
    #[schema(example = 4900)]
    pub(crate) amount: i64,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

/// One date as we think of it and as we promise it; null where nobody knows.
#[derive(ToSchema, Serialize)]
pub(crate) struct Dates {
    /// By when half of such cases are done (P50), in the location's zone.
    #[schema(format = Date, example = "2026-12-01")]
    pub(crate) expected: Option<String>,
    /// By when nine of ten are done (P90), in the location's zone.
    #[schema(format = Date, example = "2026-12-04")]
    pub(crate) promised: Option<String>,
}

/// What is wrong with one field.
#[derive(ToSchema, Serialize)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body, or the name of a parameter or header.
    #[schema(example = "/lines/0/quantity")]
    pub(crate) pointer: String,
    /// What kind of error, stable.
    #[schema(example = "out_of_range")]
    pub(crate) code: String,
    /// What is wrong, for a person.
    pub(crate) detail: String,
}

/// An error (RFC 9457).
#[derive(ToSchema, Serialize)]
pub(crate) struct Problem {
    /// `about:blank`: the code says which problem it is.
    pub(crate) r#type: String,
    /// The status in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Which problem, stable.
    #[schema(example = "not_available")]
    pub(crate) code: String,
    /// What went wrong, for a person.
    pub(crate) detail: String,
    /// What is wrong with the input, field by field.
    #[schema(nullable = false)]
    pub(crate) errors: Option<Vec<FieldError>>,
    /// The line a refusal is about, counted from 1.
    #[schema(nullable = false)]
    pub(crate) line: Option<u16>,
    /// The SKU that decided a refusal: for a kit, the component.
    #[schema(nullable = false)]
    pub(crate) sku: Option<String>,
    /// Units that could be had instead.
    #[schema(nullable = false)]
    pub(crate) available: Option<i64>,
    /// The date by which it could be had.
    #[schema(nullable = false, format = Date)]
    pub(crate) earliest: Option<String>,
}

/// One carrier service to one country.
#[derive(ToSchema, Serialize)]
pub(crate) struct Transit {
    /// ISO 3166-1 alpha-2, or `*` for every country without a row of its own.
    pub(crate) country: String,
    /// The shop's name for the service.
    pub(crate) service: String,
    /// The least working days.
    pub(crate) days_min: u16,
    /// The most working days.
    pub(crate) days_max: u16,
    /// What the customer pays for it.
    pub(crate) price: Option<Money>,
}

/// A place that ships.
#[derive(ToSchema, Serialize)]
pub(crate) struct Location {
    /// Its id.
    pub(crate) location: String,
    /// Its name.
    pub(crate) name: String,
    /// IANA name of its time zone.
    #[schema(example = "America/New_York")]
    pub(crate) time_zone: String,
    /// The days on which work is done.
    #[schema(example = json!(["mon", "tue", "wed", "thu", "fri"]))]
    pub(crate) working_days: Vec<String>,
    /// Days without work.
    #[schema(example = json!(["2026-12-25"]))]
    pub(crate) holidays: Vec<String>,
    /// Local time from which work starts on the next working day.
    #[schema(example = "14:00")]
    pub(crate) cutoff: String,
    /// Working days from the start of work to shipping.
    pub(crate) handling_days: u16,
    /// Working days from arrival until goods are ready.
    pub(crate) dock_to_stock_days: u16,
    /// How long parcels take.
    pub(crate) transit: Vec<Transit>,
}

/// So many units of a SKU in each unit of a kit.
#[derive(ToSchema, Serialize)]
pub(crate) struct Component {
    /// What goes in.
    pub(crate) sku: String,
    /// Units of it in one kit.
    pub(crate) quantity: i64,
}

/// What is sold. Fields that were not given are absent.
#[derive(ToSchema, Serialize)]
pub(crate) struct Sku {
    /// The merchant's code.
    pub(crate) sku: String,
    /// What people call it.
    pub(crate) title: String,
    /// What one unit sells for.
    #[schema(nullable = false)]
    pub(crate) price: Option<Money>,
    /// What one unit costs.
    #[schema(nullable = false)]
    pub(crate) unit_cost: Option<Money>,
    /// What a kit is made of.
    #[schema(nullable = false)]
    pub(crate) components: Option<Vec<Component>>,
    /// The code on the box.
    #[schema(nullable = false)]
    pub(crate) barcode: Option<String>,
    /// Who usually supplies it.
    #[schema(nullable = false)]
    pub(crate) supplier: Option<String>,
    /// Free labels.
    #[schema(nullable = false)]
    pub(crate) tags: Option<Vec<String>>,
    /// No longer made: what is on hand still sells.
    #[schema(nullable = false)]
    pub(crate) discontinued: Option<bool>,
}

/// Units of a supply that one channel has a claim on.
#[derive(ToSchema, Serialize)]
pub(crate) struct Claim {
    /// Where it was sold.
    pub(crate) channel: String,
    /// The kit it was sold in.
    #[schema(nullable = false)]
    pub(crate) kit: Option<String>,
    /// Units pegged by order lines.
    pub(crate) pegged: i64,
    /// Units pegged by holds.
    pub(crate) held: i64,
}

/// How many days after the date given goods really come.
#[derive(ToSchema, Serialize)]
pub(crate) struct Lateness {
    /// Half of such supplies have come by then.
    pub(crate) expected_days: u16,
    /// Nine of ten have come by then.
    pub(crate) promised_days: u16,
    /// How many receipts this was learned from; 0: a buffer that was set.
    pub(crate) learned_from: u32,
}

/// A quantity of one SKU at one location with a date. Fields that nobody gave are absent.
#[derive(ToSchema, Serialize)]
pub(crate) struct Supply {
    /// Its id.
    #[schema(example = "sup_019ab3f0c4a070008000000000000000")]
    pub(crate) id: String,
    /// What it is.
    pub(crate) sku: String,
    /// Where it is, or will be.
    pub(crate) location: String,
    /// `stock`, `purchase_order`, `production_run`, `transfer`, `lead_time` or `shortfall`.
    pub(crate) kind: String,
    /// `due`, `on_hand` or `closed`.
    pub(crate) state: String,
    /// Units in it now.
    pub(crate) quantity: i64,
    /// The date given for its arrival.
    #[schema(nullable = false, format = Date)]
    pub(crate) expected_on: Option<String>,
    /// How late such supplies come.
    pub(crate) lateness: Lateness,
    /// Who sends it.
    #[schema(nullable = false)]
    pub(crate) supplier: Option<String>,
    /// The merchant's number for it.
    #[schema(nullable = false)]
    pub(crate) reference: Option<String>,
    /// When it was entered.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it arrived.
    #[schema(nullable = false, format = DateTime)]
    pub(crate) received_at: Option<String>,
    /// Who has units of it.
    #[schema(nullable = false)]
    pub(crate) claims: Option<Vec<Claim>>,
    /// Units pegged by orders.
    pub(crate) pegged: i64,
    /// Units pegged by holds.
    pub(crate) held: i64,
    /// Units nobody has a claim on.
    pub(crate) free: i64,
    /// When it would ship.
    pub(crate) ship_by: Dates,
}

/// A line that got units of a receipt.
#[derive(ToSchema, Serialize)]
pub(crate) struct ServedLine {
    /// Its order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// Units allocated.
    pub(crate) quantity: i64,
    /// Why it comes in this place.
    pub(crate) why: String,
}

/// What a change, a receipt or a cancel of a supply led to.
#[derive(ToSchema, Serialize)]
pub(crate) struct SupplyChange {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// The run that this change made.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: String,
    /// Units of order lines that are now allocated; of a receipt.
    #[schema(nullable = false)]
    pub(crate) allocated: Option<i64>,
    /// The order lines served, first come first: the first hundred; of a receipt.
    #[schema(nullable = false)]
    pub(crate) lines: Option<Vec<ServedLine>>,
    /// Units that are still due; of a receipt.
    #[schema(nullable = false)]
    pub(crate) still_due: Option<i64>,
}

/// Stock changed by hand, and what is there now.
#[derive(ToSchema, Serialize)]
pub(crate) struct Adjustment {
    /// What.
    pub(crate) sku: String,
    /// Where.
    pub(crate) location: String,
    /// Units more or less.
    pub(crate) delta: i64,
    /// Units here now.
    pub(crate) on_hand: i64,
    /// Units here that nobody has a claim on.
    pub(crate) free: i64,
}

/// Availability as Google's product feeds name it.
#[derive(ToSchema, Serialize)]
pub(crate) struct Google {
    /// `in_stock`, `backorder`, `preorder` or `out_of_stock`.
    pub(crate) availability: String,
    /// From when on it is there.
    pub(crate) availability_date: Option<String>,
}

/// Whether a SKU can be bought.
#[derive(ToSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AvailabilityState {
    InStock,
    Limited,
    Backorder,
    Preorder,
    MadeToOrder,
    Waitlist,
    OutOfStock,
    Discontinued,
}

/// Can it be bought now, and when will it ship?
#[derive(ToSchema, Serialize)]
pub(crate) struct Availability {
    /// What.
    pub(crate) sku: String,
    /// The answer in a word.
    pub(crate) state: AvailabilityState,
    /// Units that ship now.
    pub(crate) available_now: i64,
    /// Units that could be sold beyond those; null where there is no limit.
    pub(crate) available_later: Option<i64>,
    /// When the quantity asked for would ship.
    pub(crate) ship_by: Dates,
    /// When it would be delivered.
    pub(crate) deliver_by: Dates,
    /// When goods nobody has a claim on come next; where it is not sold now.
    #[schema(format = Date)]
    pub(crate) restock_on: Option<String>,
    /// A short line for the shopper.
    pub(crate) label: String,
    /// How the answer came about.
    pub(crate) reason: String,
    /// `on_hand`, `supply`, `lead_time`, or why not, as refusals name it.
    pub(crate) reason_code: String,
    /// The same as a schema.org ItemAvailability.
    pub(crate) schema_org: String,
    /// The same as Google names it.
    pub(crate) google: Google,
    /// The moment it is true for.
    #[schema(format = DateTime)]
    pub(crate) as_of: String,
}

/// One of several SKUs asked for that is not known.
#[derive(ToSchema, Serialize)]
pub(crate) struct UnknownSku {
    /// What.
    pub(crate) sku: String,
    /// Why there is no answer.
    pub(crate) problem: Problem,
}

/// The answer for one of several SKUs.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum AvailabilityItem {
    Known(Availability),
    Unknown(UnknownSku),
}

/// The answer for one SKU, or for several.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum AvailabilityAnswer {
    One(Availability),
    Several(Availabilities),
}

/// The answers for several SKUs, in the order asked.
#[derive(ToSchema, Serialize)]
pub(crate) struct Availabilities {
    pub(crate) items: Vec<AvailabilityItem>,
}

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

/// A ledger entry.
#[derive(ToSchema, Serialize)]
pub(crate) struct Event {
    /// Its number: 1, 2, 3 … without gaps.
    pub(crate) seq: i64,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// What happened.
    #[schema(example = "order_placed")]
    pub(crate) kind: String,
    /// The SKU it is about.
    pub(crate) sku: Option<String>,
    /// The order it is about.
    pub(crate) order: Option<String>,
    /// Its data. Fields are added and never change their meaning.
    #[schema(value_type = Object)]
    pub(crate) data: serde_json::Value,
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema, Serialize)]
            pub(crate) struct $name {
                pub(crate) items: Vec<$item>,
                /// Asks for the next page as `cursor`; null on the last.
                pub(crate) next_cursor: Option<String>,
            }
        )*
    };
}

pages! {
    /// Locations by id.
    LocationPage of Location;
    /// SKUs by code.
    SkuPage of Sku;
    /// Policies by channel.
    PolicyPage of super::policies::PolicyOut;
    /// Supplies, oldest first.
    SupplyPage of Supply;
    /// Orders, newest first.
    OrderPage of Order;
    /// Promises, oldest first.
    PromisePage of Promise;
    /// The queue, in the order in which it is served.
    BackorderPage of Backorder;
    /// Ledger entries in order.
    EventPage of Event;
}
