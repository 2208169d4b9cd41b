//! What was ordered, which goods will fill it, and what was said about it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{Channel, CustomerKey, HoldId, LineId, OrderId, ReleaseId, Sku, SupplyId},
    item::Component,
    money::Money,
    time::{Date, Timestamp},
};

/// These many units of a line come from that supply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peg {
    /// The pool: the line's SKU, or a component of it.
    pub sku: Sku,
    /// The supply.
    pub supply: SupplyId,
    /// How many units, from 1.
    pub quantity: Units,
}

/// These many units of a line's peg are with fulfilment: handed over to be packed, not shipped yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedUnits {
    /// With which release they went.
    pub release: ReleaseId,
    /// The peg they are of: the supply they are taken from.
    pub supply: SupplyId,
    /// How many units, from 1.
    pub quantity: Units,
}

/// How an order may be shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipChoice {
    /// Each part as soon as it is here.
    #[default]
    AsAvailable,
    /// All at once, when the last part is here.
    Complete,
}

impl ShipChoice {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsAvailable => "as_available",
            Self::Complete => "complete",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AsAvailable, Self::Complete].into_iter().find(|choice| choice.as_str() == word)
    }
}

/// One date as we think of it and as we promise it; `None` where nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dates {
    /// By when half of such cases are done (P50).
    pub expected: Option<Date>,
    /// By when nine of ten are done (P90).
    pub promised: Option<Date>,
}

impl Dates {
    /// No date at all.
    pub const UNKNOWN: Self = Self { expected: None, promised: None };

    /// The later of both, point by point; unknown is later than any date.
    pub fn max(self, other: Self) -> Self {
        fn later(a: Option<Date>, b: Option<Date>) -> Option<Date> {
            a.zip(b).map(|(a, b)| a.max(b))
        }
        Self {
            expected: later(self.expected, other.expected),
            promised: later(self.promised, other.promised),
        }
    }
}

/// Why a promise was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The kind of the event behind it, as in the ledger.
    pub kind: Arc<str>,
    /// The supply that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply: Option<SupplyId>,
    /// The order whose change set units free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// What happened, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Arc<str>>,
}

impl Cause {
    /// A cause that is its event's kind and nothing else.
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.into(), supply: None, order: None, detail: None }
    }
}

/// What was said to the customer about one line. Never edited: a new one follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// 1 for the first of its line, then one more each time.
    pub version: u32,
    /// When the last unit of the line ships.
    pub ship_by: Dates,
    /// When the last unit of the line is delivered.
    pub deliver_by: Dates,
    /// When it was made.
    pub given_at: Timestamp,
    /// When the customer was told; `None` while the notice is still to be sent.
    pub told_at: Option<Timestamp>,
    /// What made it necessary.
    pub cause: Cause,
}

/// One line of an order or hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub no: u16,
    /// What was ordered.
    pub sku: Sku,
    /// Units ordered.
    pub quantity: Units,
    /// What one unit sells for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What a kit was made of when it was ordered; empty for anything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipe: Vec<Component>,
    /// Units called off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cancelled: Units,
    /// Units sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shipped: Units,
    /// Which goods fill the open units: for each SKU of the recipe they add up to the open quantity.
    pub pegs: Vec<Peg>,
    /// Which units of the pegs are with fulfilment, the first released first: no more of a peg than it has. Given by
    /// events of their own.
    #[serde(skip)]
    pub released: Vec<ReleasedUnits>,
    /// Units that were shipped and sent back, by SKU. Given by events of their own.
    #[serde(skip)]
    pub returned: Vec<(Sku, Units)>,
    /// What was said about it, oldest first. Given by events of their own.
    #[serde(skip)]
    pub promises: Vec<Promise>,
}

fn is_zero(units: &Units) -> bool {
    *units == 0
}

/// How many wholes have a part among so many parts, so many to a whole.
pub fn whole(parts: Units, each: Units) -> Units {
    (parts + each - 1) / each
}

impl Line {
    /// Units still to be sent.
    pub fn open(&self) -> Units {
        self.quantity - self.cancelled - self.shipped
    }

    /// The kit these units are sold in, as claims on a supply name it.
    pub fn kit(&self) -> Option<&Sku> {
        (!self.recipe.is_empty()).then_some(&self.sku)
    }

    /// What one unit of the line takes: itself, or a kit's components.
    pub fn needs(&self) -> impl Iterator<Item = (&Sku, Units)> {
        let itself = self.recipe.is_empty().then_some((&self.sku, 1));
        itself.into_iter().chain(self.recipe.iter().map(|part| (&part.sku, part.quantity)))
    }

    /// Units of one peg that are with fulfilment.
    pub fn released_on(&self, supply: SupplyId) -> Units {
        let of_peg = self.released.iter().filter(|released| released.supply == supply);
        of_peg.map(|released| released.quantity).sum()
    }

    /// Units of one SKU that the line takes and that are with fulfilment.
    pub fn released_of(&self, sku: &Sku) -> Units {
        self.pegs.iter().filter(|peg| peg.sku == *sku).map(|peg| self.released_on(peg.supply)).sum()
    }

    /// Units of the line that are with fulfilment: of a kit, every one of which any component is.
    pub fn with_fulfilment(&self) -> Units {
        self.needs().map(|(sku, each)| whole(self.released_of(sku), each)).max().unwrap_or(0)
    }

    /// Units of one SKU that were sent back.
    pub fn returned_of(&self, sku: &Sku) -> Units {
        self.returned.iter().filter(|(of, _)| of == sku).map(|(_, units)| units).sum()
    }

    /// Takes up to so many units of a peg back from fulfilment, the first released first; of one release, or of any.
    /// Answers how many it took.
    pub fn unrelease(&mut self, release: Option<ReleaseId>, supply: SupplyId, units: Units) -> Units {
        let mut left = units;
        for released in &mut self.released {
            if released.supply == supply && release.is_none_or(|release| released.release == release) {
                let taken = released.quantity.min(left);
                released.quantity -= taken;
                left -= taken;
            }
        }
        self.released.retain(|released| released.quantity > 0);
        units - left
    }

    /// The last promise that the customer was told.
    pub fn told(&self) -> Option<&Promise> {
        self.promises.iter().rev().find(|promise| promise.told_at.is_some())
    }

    /// Adds so many units (or takes, below zero) to the peg on one supply.
    pub fn move_peg(&mut self, sku: &Sku, supply: SupplyId, by: Units) {
        match self.pegs.iter_mut().find(|peg| peg.supply == supply) {
            Some(peg) => peg.quantity += by,
            None => self.pegs.push(Peg { sku: sku.clone(), supply, quantity: by }),
        }
        self.pegs.retain(|peg| peg.quantity != 0);
    }
}

/// An order. Contact data is kept apart, by the order's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, which also says when it was placed and so where it stands in every queue.
    pub id: OrderId,
    /// The shop's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Arc<str>>,
    /// Where it was sold.
    pub channel: Channel,
    /// Who ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerKey>,
    /// The customer's group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
    /// Where it goes: ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Arc<str>>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// How it may be shipped.
    pub ship: ShipChoice,
    /// When the customer would like it delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_date: Option<Date>,
    /// After when the customer does not want it delivered any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_later_than: Option<Date>,
    /// The publishable key that placed it, which may read it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<Arc<str>>,
    /// What was ordered.
    pub lines: Vec<Line>,
}

impl Order {
    /// The line with this number.
    pub fn line(&self, no: u16) -> Option<&Line> {
        self.lines.iter().find(|line| line.no == no)
    }

    /// The same, to change.
    pub fn line_mut(&mut self, no: u16) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.no == no)
    }

    /// Whether any unit is still to be sent.
    pub fn is_open(&self) -> bool {
        self.lines.iter().any(|line| line.open() > 0)
    }
}

/// Pegs with a time to live: a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Where it is sold.
    pub channel: Channel,
    /// The customer's group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Arc<str>>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// From when on it holds nothing any more.
    pub expires_at: Timestamp,
    /// The publishable key that placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<Arc<str>>,
    /// What is held.
    pub lines: Vec<Line>,
}

/// A line waiting in a supply's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The line.
    pub line: LineId,
    /// Units it has in that supply.
    pub quantity: Units,
}
