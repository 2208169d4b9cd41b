//! What a preview looks like.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Dates, Money};

/// How a line stands.
#[derive(ToSchema, Serialize)]
pub(crate) struct Standing {
    /// When its last unit ships.
    pub(crate) ship_by: Dates,
    /// When its last unit is delivered.
    pub(crate) deliver_by: Dates,
    /// Where its last units come from.
    #[schema(example = "sup_019ab3f0c4a070008000000000000000")]
    pub(crate) supply: Option<String>,
    /// Whether every unit is here.
    pub(crate) allocated: bool,
}

/// One line that a change would touch, before and after it.
#[derive(ToSchema, Serialize)]
pub(crate) struct Effect {
    /// Its order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// Your number for the order.
    pub(crate) reference: Option<String>,
    /// What was ordered.
    pub(crate) sku: String,
    /// Units still to be sent.
    pub(crate) quantity: i64,
    /// As it is.
    pub(crate) before: Standing,
    /// As it would be.
    pub(crate) after: Standing,
    /// What its customer was last told.
    pub(crate) told: Option<super::Told>,
    /// Whether it would be later than its customer was told.
    pub(crate) broken: bool,
    /// What its open units sell for.
    pub(crate) value: Option<Money>,
    /// Why, in a sentence.
    pub(crate) why: String,
}

/// What a change would do, in numbers. Counts are of lines.
#[derive(ToSchema, Serialize)]
pub(crate) struct PreviewSummary {
    /// Would be delivered, or shipped, earlier than now.
    pub(crate) earlier: u64,
    /// Would be delivered, or shipped, later than now.
    pub(crate) later: u64,
    /// Would be later than their customers were told.
    pub(crate) broken: u64,
    /// Units that would be promised without any goods behind them, beyond those that are now.
    pub(crate) units_short: i64,
    /// What those later or broken sell for; null: nothing with a price.
    pub(crate) value_at_risk: Option<Money>,
    /// The same in further currencies, where there are several.
    #[schema(nullable = false)]
    pub(crate) further_value_at_risk: Option<Vec<Money>>,
    /// Customers of so many lines would have to be told a later date.
    pub(crate) notices: u64,
    /// Lines looked at.
    pub(crate) lines: u64,
    /// Lines with units of the supply.
    pub(crate) lines_behind: u64,
    /// Whether every line of the SKU was looked at; else the counts are of the first of them.
    pub(crate) complete: bool,
}

/// What a change would do under another rule.
#[derive(ToSchema, Serialize)]
pub(crate) struct PreviewUnder {
    /// The rule.
    pub(crate) rule: super::Rule,
    /// Open lines that would have other dates or goods, by order and line.
    pub(crate) effects: Vec<Effect>,
    /// The same in numbers.
    pub(crate) summary: PreviewSummary,
}

/// What a change would do.
#[derive(ToSchema, Serialize)]
pub(crate) struct Preview {
    /// Open lines that would have other dates or goods, by order and line.
    pub(crate) effects: Vec<Effect>,
    /// The same in numbers.
    pub(crate) summary: PreviewSummary,
    /// The same under the rule that was asked about; absent where none was.
    #[schema(nullable = false)]
    pub(crate) under: Option<PreviewUnder>,
}
