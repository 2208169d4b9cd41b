//! What settings, plans and reports of re-allocation look like.

use serde::Serialize;
use utoipa::ToSchema;

/// By which rule goods are given out.
#[derive(ToSchema, Serialize)]
pub(crate) struct Rule {
    /// `promise_given`, `order_time`, `class`, `customer_group`, `paid_amount`, `margin`, `proportional` or `max_min`.
    pub(crate) basis: String,
    /// Customer groups, the first served first.
    #[schema(nullable = false)]
    pub(crate) groups: Option<Vec<String>>,
    /// After so many days a line goes before all that have not waited as long.
    #[schema(nullable = false)]
    pub(crate) ageing_days: Option<u16>,
}

/// What is set for everything, for a tag, or for a SKU.
#[derive(ToSchema, Serialize)]
pub(crate) struct AllocationTerms {
    /// For SKUs with this tag.
    pub(crate) tag: Option<String>,
    /// For this SKU.
    pub(crate) sku: Option<String>,
    /// The rule; null: as wider settings say.
    pub(crate) rule: Option<Rule>,
    /// `win`, `gain`, `redistribute`, `fill` or `lose`; null: as wider settings say.
    pub(crate) strategy: Option<String>,
}

/// A page of settings.
#[derive(ToSchema, Serialize)]
pub(crate) struct AllocationPage {
    pub(crate) items: Vec<AllocationTerms>,
    /// Where the next page begins; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// What is set for a line.
#[derive(ToSchema, Serialize)]
pub(crate) struct LineAllocation {
    /// The line.
    pub(crate) line: String,
    /// Whether it keeps exactly what it has.
    pub(crate) locked: bool,
    /// What it may gain or lose; null: as the settings of its SKU say.
    pub(crate) strategy: Option<String>,
    /// Its priority: the smaller goes first.
    pub(crate) class: i32,
}

/// How a line stands, as a run counts.
#[derive(ToSchema, Serialize)]
pub(crate) struct RunStanding {
    /// The day on which its last unit can be sent; null: units are short, or nobody knows.
    #[schema(format = Date)]
    pub(crate) ready: Option<String>,
    /// Units without goods behind them.
    pub(crate) units_short: i64,
}

/// What a run does to one line, and why.
#[derive(ToSchema, Serialize)]
pub(crate) struct RunLine {
    /// The line.
    pub(crate) line: String,
    /// Units of it that the run is about.
    pub(crate) quantity: i64,
    /// Before.
    pub(crate) before: RunStanding,
    /// After.
    pub(crate) after: RunStanding,
    /// `same`, `earlier` or `later`.
    pub(crate) effect: String,
    /// Whether a promise that would have been kept no longer is.
    pub(crate) broken: bool,
    /// `supply_moved`, `supply_short`, `outranked`, `moved_up` or `rearranged`.
    pub(crate) cause: String,
    /// The supply that moved or fell short.
    #[schema(nullable = false)]
    pub(crate) supply: Option<String>,
    /// What decided it: `lock`, `ageing`, a strategy or a rule.
    pub(crate) decided_by: String,
}

/// What a run does, in numbers. Counts are of lines.
#[derive(ToSchema, Serialize)]
pub(crate) struct RunSummary {
    /// Get an earlier day.
    pub(crate) earlier: u64,
    /// Get a later day, or none.
    pub(crate) later: u64,
    /// Promises that would have been kept and no longer are.
    pub(crate) broken: u64,
    /// Units without goods.
    pub(crate) units_short: i64,
    /// What the later and broken sell for, in minor units of the item's currency.
    pub(crate) value_at_risk: i64,
    /// Lines that should win and get later all the same.
    pub(crate) wins_lost: Vec<String>,
    /// Units that change their supply.
    pub(crate) units_moved: i64,
    /// Lines looked at.
    pub(crate) lines: u64,
}

/// What a run did, or would do.
#[derive(ToSchema, Serialize)]
pub(crate) struct RunReport {
    /// Whether nothing was changed.
    pub(crate) dry_run: bool,
    /// The run; null: nothing was changed.
    #[schema(example = "run_019ab3f0c4a070008000000000000000")]
    pub(crate) run: Option<String>,
    /// The SKU.
    pub(crate) sku: String,
    /// The rule it went by.
    pub(crate) rule: Rule,
    /// In numbers.
    pub(crate) summary: RunSummary,
    /// The lines it changes, those served first first; at most a thousand.
    pub(crate) lines: Vec<RunLine>,
}

/// An order that a packing makes whole.
#[derive(ToSchema, Serialize)]
pub(crate) struct PackedOrder {
    /// The order.
    #[schema(example = "ord_019ab3f0c4a070008000000000000000")]
    pub(crate) order: String,
    /// The shop's number for it.
    pub(crate) reference: Option<String>,
    /// Units of it that other goods stand behind now.
    pub(crate) units_moved: i64,
}

/// What a packing did, or would do.
#[derive(ToSchema, Serialize)]
pub(crate) struct Packing {
    /// Whether nothing was changed.
    pub(crate) dry_run: bool,
    /// The run; null: nothing was changed.
    pub(crate) run: Option<String>,
    /// The location whose goods were given.
    pub(crate) location: String,
    /// `value`, `margin` or `orders`.
    pub(crate) by: String,
    /// How the choice was made: `heuristic`, `search` (ours, complete as far as it came), or `highs`.
    pub(crate) method: String,
    /// What the orders that are whole now are worth: minor units of the currency, or orders.
    pub(crate) value: i64,
    /// No choice is worth more.
    pub(crate) bound: i64,
    /// What the best choice may be worth beyond this one, in millionths of its value; 0: none is better.
    pub(crate) gap_ppm: u64,
    /// What serving them in turn, those that came first first, would be worth.
    pub(crate) in_turn_value: i64,
    /// Of which currency the values are.
    #[schema(nullable = false)]
    pub(crate) currency: Option<String>,
    /// Orders that waited for goods and ship whole.
    pub(crate) waiting: u64,
    /// Orders that are whole now, in the order in which they were served.
    pub(crate) orders: Vec<PackedOrder>,
    /// Orders that gave units and wait for others, no longer than before.
    pub(crate) gave: Vec<String>,
}
