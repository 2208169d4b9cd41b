//! What supplies and stock look like.

use serde::Serialize;
use utoipa::ToSchema;

use super::Dates;

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
    /// Of the pegged, units that are with fulfilment; absent where none are.
    #[schema(nullable = false)]
    pub(crate) released: Option<i64>,
}

/// Units that only one channel may have.
#[derive(ToSchema, Serialize)]
pub(crate) struct RingFence {
    /// Whose they are.
    #[schema(example = "fba")]
    pub(crate) channel: String,
    /// How many.
    pub(crate) units: i64,
}

/// What is on hand of a SKU at a location, and what of it is ring-fenced.
#[derive(ToSchema, Serialize)]
pub(crate) struct FencedStock {
    /// What.
    pub(crate) sku: String,
    /// Where.
    pub(crate) location: String,
    /// Units on hand, those being packed among them.
    pub(crate) on_hand: i64,
    /// Units nobody has a claim on and that are ring-fenced for nobody.
    pub(crate) free: i64,
    /// What is ring-fenced, by channel; with the channel that was asked for, though it has none.
    pub(crate) ring_fenced: Vec<ChannelFence>,
    /// Names how it stands, for `If-Match`.
    pub(crate) tag: String,
}

/// What is ring-fenced for one channel.
#[derive(ToSchema, Serialize)]
pub(crate) struct ChannelFence {
    /// Whose they are.
    #[schema(example = "fba")]
    pub(crate) channel: String,
    /// Units ring-fenced that are still here: they count down as the channel ships.
    pub(crate) units: i64,
    /// Of those, units that its orders and carts have.
    pub(crate) claimed: i64,
    /// Of those, units that it may still sell.
    pub(crate) left: i64,
    /// Most units that could be ring-fenced for it.
    pub(crate) most: i64,
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
    /// `due`, `on_hand`, `quarantine` or `closed`.
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
    /// Units that only one channel may have, what it has claimed already among them; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) ring_fenced: Option<Vec<RingFence>>,
    /// Units pegged by orders.
    pub(crate) pegged: i64,
    /// Units pegged by holds.
    pub(crate) held: i64,
    /// Units nobody has a claim on and that are ring-fenced for nobody.
    pub(crate) free: i64,
    /// Of what is ring-fenced, units that its channel has not claimed yet; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) ring_fenced_left: Option<Vec<RingFence>>,
    /// When it would ship.
    pub(crate) ship_by: Dates,
}

/// What comes on one day.
#[derive(ToSchema, Serialize)]
pub(crate) struct ArrivalDay {
    /// The day.
    #[schema(format = Date)]
    pub(crate) date: String,
    /// How many deliveries.
    pub(crate) deliveries: i64,
    /// Their units.
    pub(crate) units: i64,
    /// The first entered of them, as many as were asked for.
    pub(crate) first: Vec<Arrival>,
}

/// A delivery, and who waits for it.
#[derive(ToSchema, Serialize)]
pub(crate) struct Arrival {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// Order lines with units of it; counted up to 10,000.
    pub(crate) lines_waiting: i64,
    /// It should have come before today, where it goes to.
    pub(crate) late: bool,
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

/// What a change or a cancel of a supply led to.
#[derive(ToSchema, Serialize)]
pub(crate) struct SupplyChange {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// The run that this change made.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: String,
    /// Lines that should keep their date and do not; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) wins_lost: Option<Vec<String>>,
}

/// A supply of which a part was split off.
#[derive(ToSchema, Serialize)]
pub(crate) struct SupplySplit {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// The run that this made.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: String,
    /// The part.
    pub(crate) part: Supply,
    /// Lines that should keep their date and do not; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) wins_lost: Option<Vec<String>>,
}

/// A run that was taken back.
#[derive(ToSchema, Serialize)]
pub(crate) struct RunUndone {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// The run that took it back.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: String,
    /// The run that was taken back.
    pub(crate) undone: String,
    /// Units that had moved by it.
    pub(crate) moved: i64,
    /// Lines that should keep their date and do not; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) wins_lost: Option<Vec<String>>,
}

/// What units that came, or that somebody looked at, led to.
#[derive(ToSchema, Serialize)]
pub(crate) struct Receipt {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// The run that this made.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: String,
    /// Units of order lines that are now allocated.
    pub(crate) allocated: i64,
    /// The order lines served, first come first: the first hundred.
    pub(crate) lines: Vec<ServedLine>,
    /// Units that are still due; of a receipt.
    #[schema(nullable = false)]
    pub(crate) still_due: Option<i64>,
    /// The date given for them.
    #[schema(format = Date)]
    pub(crate) still_due_on: Option<String>,
    /// Units that are on hand by it.
    pub(crate) accepted: i64,
    /// The supply they are in: this one, where nothing stays due; null where there are none.
    pub(crate) on_hand: Option<String>,
    /// Units in quarantine: those that came damaged, or those that are left there.
    pub(crate) damaged: i64,
    /// The supply they are kept in; null where there are none.
    pub(crate) quarantine: Option<String>,
    /// Units that were promised from this supply and will not come: the last lines wait for other goods.
    pub(crate) displaced: i64,
    /// Accepted units that are still being booked in, part by part, as very many lines wait for them; absent where all are.
    #[schema(nullable = false)]
    pub(crate) in_progress: Option<i64>,
    /// Lines that should keep their date and do not; absent where there are none.
    #[schema(nullable = false)]
    pub(crate) wins_lost: Option<Vec<String>>,
}

/// What a receipt is answered with.
#[derive(ToSchema, Serialize)]
#[serde(untagged)]
pub(crate) enum ReceiptAnswer {
    Receipt(Receipt),
    Adjustment(Adjustment),
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
    /// Units here that nobody has a claim on and that are ring-fenced for nobody.
    pub(crate) free: i64,
    /// Units that lines which waited got.
    pub(crate) allocated: i64,
    /// Who got them, first come first: the first hundred.
    pub(crate) lines: Vec<ServedLine>,
    /// Units that lines had here and lost: the last come wait for other goods.
    pub(crate) displaced: i64,
    /// The id of the supply that the units are, where they are kept apart to be inspected.
    pub(crate) quarantine: Option<String>,
}

/// A supply that was entered, and who moved up into it.
#[derive(ToSchema, Serialize)]
pub(crate) struct SupplyEntered {
    #[serde(flatten)]
    pub(crate) supply: Supply,
    /// Lines that have units of it now, first come first: the first hundred.
    pub(crate) lines: Vec<ServedLine>,
}
