//! The words of re-allocation: by which rule goods are given out, what a line may gain or lose by it, and what a merchant
//! set about both.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{LineId, LocationId, OrderId, RunId, Sku, SupplyId},
    money::Currency,
    time::Date,
};

/// What a line may gain or lose by a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Keeps the date it had before the change, or gets a better one. Served first; where it cannot be kept it is named.
    Win,
    /// Never worse, unless its goods are not there any more.
    #[default]
    Gain,
    /// May get an earlier date or a later one: the rule alone decides.
    Redistribute,
    /// Never better.
    Fill,
    /// Gives its goods up to whoever wants them; gets what is left.
    Lose,
}

impl Strategy {
    /// Every strategy, the one served first before the others.
    pub const ALL: [Self; 5] = [Self::Win, Self::Gain, Self::Redistribute, Self::Fill, Self::Lose];

    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Win => "win",
            Self::Gain => "gain",
            Self::Redistribute => "redistribute",
            Self::Fill => "fill",
            Self::Lose => "lose",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == word)
    }

    /// Whether the units it has are kept for it.
    pub fn is_protected(self) -> bool {
        matches!(self, Self::Win | Self::Gain)
    }
}

/// What decides who is served first. Ties are broken by (class, placed, id), whatever the basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Who was promised the earliest day; those without a promise last.
    PromiseGiven,
    /// Who ordered first.
    #[default]
    OrderTime,
    /// The smallest class.
    Class,
    /// The customer's group, in the order of the rule's `groups`; others last.
    CustomerGroup,
    /// Who has paid most.
    PaidAmount,
    /// What earns most a unit: units are what is scarce.
    Margin,
    /// Nobody first: what is ready is shared in proportion to what each still wants.
    Proportional,
    /// Nobody first: the next unit goes to who has fewest.
    MaxMin,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 8] = [
        Self::PromiseGiven,
        Self::OrderTime,
        Self::Class,
        Self::CustomerGroup,
        Self::PaidAmount,
        Self::Margin,
        Self::Proportional,
        Self::MaxMin,
    ];

    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromiseGiven => "promise_given",
            Self::OrderTime => "order_time",
            Self::Class => "class",
            Self::CustomerGroup => "customer_group",
            Self::PaidAmount => "paid_amount",
            Self::Margin => "margin",
            Self::Proportional => "proportional",
            Self::MaxMin => "max_min",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.as_str() == word)
    }

    /// Whether goods are shared instead of given in turn.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Proportional | Self::MaxMin)
    }
}

/// How a pool is re-allocated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What decides who is served first.
    pub basis: Basis,
    /// Customer groups, the first served first; for [`Basis::CustomerGroup`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Arc<str>>,
    /// A line ordered more than so many days ago goes before all that are not, the oldest first: nobody who ordered
    /// later passes it any more. Never, unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ageing_days: Option<u16>,
}

impl Rule {
    /// A basis and nothing else.
    pub fn of(basis: Basis) -> Self {
        Self { basis, ..Self::default() }
    }
}

/// The kind of record that [`Terms`] are kept as, under [`Scope::record_id`].
pub const TERMS: &str = "allocation";
/// The kind of record that [`LineTerms`] are kept as, under the line's id, owned by its order.
pub const LINE_TERMS: &str = "allocation_line";

/// What settings are for: the narrower ones go before the wider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything the merchant sells.
    Tenant,
    /// SKUs with this tag.
    Tag(Arc<str>),
    /// One SKU.
    Sku(Sku),
}

impl Scope {
    /// The id of its record.
    pub fn record_id(&self) -> String {
        match self {
            Self::Tenant => "tenant".to_owned(),
            Self::Tag(tag) => format!("tag/{tag}"),
            Self::Sku(sku) => format!("sku/{sku}"),
        }
    }
}

/// By which rule a pool is re-allocated when its supply changes, and what its lines may gain or lose by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// For what.
    pub scope: Scope,
    /// The rule; `None`: as wider settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The strategy of lines that have none of their own; `None`: as wider settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
}

/// What was set for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTerms {
    /// The line.
    pub line: LineId,
    /// Whether it keeps exactly what it has.
    #[serde(default)]
    pub locked: bool,
    /// What it may gain or lose; `None`: as the settings of its SKU say.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Its priority: the smaller goes first.
    #[serde(default)]
    pub class: i32,
}

impl LineTerms {
    /// Those of a line of which nothing is set.
    pub fn none(line: LineId) -> Self {
        Self { line, locked: false, strategy: None, class: 0 }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        !self.locked && self.strategy.is_none() && self.class == 0
    }
}

/// Re-allocate a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reallocate {
    /// Which.
    pub sku: Sku,
    /// By which rule; `None`: as the settings say, else by order time.
    pub rule: Option<Rule>,
    /// The strategy of lines that have none of their own; `None`: as the settings say, else `gain`.
    pub strategy: Option<Strategy>,
}

/// How a line stands, as a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStanding {
    /// The day on which its last unit can be sent; `None`: units are short, or nobody knows.
    pub ready: Option<Date>,
    /// Units without goods behind them.
    pub units_short: Units,
}

/// What a run does to one line, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// The line.
    pub line: LineId,
    /// Units of it that the run is about.
    pub quantity: Units,
    /// Before.
    pub before: RunStanding,
    /// After.
    pub after: RunStanding,
    /// `same`, `earlier` or `later`.
    pub effect: Arc<str>,
    /// Whether a promise that would have been kept no longer is.
    pub broken: bool,
    /// `unchanged`, `supply_moved`, `supply_short`, `outranked`, `moved_up` or `rearranged`.
    pub cause: Arc<str>,
    /// The supply that moved or fell short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply: Option<SupplyId>,
    /// `lock`, `ageing`, a strategy or a rule.
    pub decided_by: Arc<str>,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run; `None`: nothing was changed.
    pub run: Option<RunId>,
    /// The pool.
    pub sku: Sku,
    /// The rule it went by.
    pub rule: Rule,
    /// In numbers.
    pub summary: RunSummary,
    /// The lines, those served first first: those it changes, at most a thousand.
    pub lines: Vec<RunLine>,
}

/// What a run does, in numbers. Counts are of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Get an earlier day.
    pub earlier: usize,
    /// Get a later day, or none.
    pub later: usize,
    /// Promises that would have been kept and no longer are.
    pub broken: usize,
    /// Units without goods.
    pub units_short: Units,
    /// What the later and broken sell for, in minor units of the item's currency.
    pub value_at_risk: i64,
    /// Lines that should win and get later all the same.
    pub wins_lost: Vec<LineId>,
    /// Units that change their supply.
    pub units_moved: Units,
    /// Lines looked at.
    pub lines: usize,
}

/// What makes one order worth more than another where not all can be shipped whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// What its open units sell for.
    #[default]
    Value,
    /// The same less what they cost.
    Margin,
    /// Each order counts the same: as many as can be.
    Orders,
}

impl Worth {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Margin => "margin",
            Self::Orders => "orders",
        }
    }
}

/// Give what is on hand at one location to orders that can be shipped whole by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Where.
    pub location: LocationId,
    /// Orders to make whole, in the order in which they are served.
    pub whole: Vec<OrderId>,
    /// Other orders that wait whole and may give units for them, those that give last first.
    pub givers: Vec<OrderId>,
    /// How the choice was made.
    pub choice: Packing,
}

/// A choice of orders to ship whole, and what is known of the best one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// What makes an order worth more.
    pub by: Worth,
    /// `heuristic`, `search` or `highs`.
    pub method: Arc<str>,
    /// What the chosen orders are worth: minor units, or orders.
    pub value: i64,
    /// No choice is worth more.
    pub bound: i64,
    /// What the best choice may be worth beyond this one, in millionths of its value.
    pub gap_ppm: u64,
    /// What first come, first served would be worth.
    pub in_turn_value: i64,
    /// Of which currency the values are; `None`: orders are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Orders that wait for goods and ship whole.
    pub waiting: usize,
}

/// An order that a packing makes whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedOrder {
    /// The order.
    pub order: OrderId,
    /// The shop's number for it.
    pub reference: Option<Arc<str>>,
    /// Units of it that other goods stand behind now.
    pub units_moved: Units,
}

/// What a packing did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackReport {
    /// The run; `None`: nothing was changed.
    pub run: Option<RunId>,
    /// Where.
    pub location: LocationId,
    /// How the choice was made.
    #[serde(flatten)]
    pub choice: Packing,
    /// Orders that are whole now, in the order in which they were served.
    pub orders: Vec<PackedOrder>,
    /// Orders that gave units and wait for others, no longer than before.
    pub gave: Vec<OrderId>,
}
