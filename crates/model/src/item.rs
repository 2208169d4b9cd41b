//! What is sold and on what terms: items, kits, selling policies.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{LocationId, Sku},
    money::Money,
    time::Date,
};

/// One SKU as its merchant describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The merchant's code.
    pub sku: Sku,
    /// What people call it.
    #[serde(default)]
    pub title: Arc<str>,
    /// What one unit sells for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// What one unit costs the merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// What a kit is made of; empty for anything else. No component is itself a kit, none stands twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// GTIN or another code on the box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<Arc<str>>,
    /// Who usually supplies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Arc<str>>,
    /// Free labels, for filters and rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Arc<str>>,
    /// SKUs that can take its place for a customer, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutes: Vec<Sku>,
    /// No longer made: what is on hand still sells, nothing is sold beyond it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discontinued: bool,
}

impl Item {
    /// Whether this is made of other SKUs and has no stock of its own.
    pub fn is_kit(&self) -> bool {
        !self.components.is_empty()
    }
}

/// So many units of a SKU in each unit of a kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What goes in.
    pub sku: Sku,
    /// How many units of it, from 1.
    pub quantity: Units,
}

/// What to do when on-hand stock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOut {
    /// Show it as out of stock.
    #[default]
    Refuse,
    /// Take addresses to tell when it is back, but no orders.
    Waitlist,
    /// Sell what is inbound.
    Backorder,
    /// Sell before the release date.
    Preorder,
    /// Make it when it is ordered.
    MadeToOrder,
}

impl WhenOut {
    /// Whether units that are not on hand may be sold.
    pub fn sells_ahead(self) -> bool {
        matches!(self, Self::Backorder | Self::Preorder | Self::MadeToOrder)
    }
}

/// How many units may be backordered at once. A cap only limits: each unit still needs supply behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// What the supply allows: inbound units, and lead-time supply where the policy has it.
    #[default]
    Supply,
    /// At most so many units; 0 means none.
    Limited(Units),
    /// No limit, chosen in so many words.
    Unlimited,
}

/// What of a purchase can be given back by a change of mind, as far as the law leaves that to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// It can be called off until it ships.
    #[default]
    Free,
    /// The sale is final, where no law lets the buyer withdraw.
    FinalSale,
    /// It is made to the buyer's specification or clearly personalised: final also where a law lets buyers of other goods withdraw.
    MadeToSpecification,
}

impl Returns {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Free, Self::FinalSale, Self::MadeToSpecification];

    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::FinalSale => "final_sale",
            Self::MadeToSpecification => "made_to_specification",
        }
    }

    /// Whether it can be called off until it ships.
    pub fn is_free(&self) -> bool {
        *self == Self::Free
    }
}

/// How one SKU is sold on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// What happens when on-hand stock runs out.
    pub when_out: WhenOut,
    /// How many units may be backordered at once, over all channels that this policy holds for.
    pub backorder_cap: Cap,
    /// Most units of this SKU one customer may have in open and shipped orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_limit: Option<Units>,
    /// Who may buy ahead of stock; empty for everybody. Others see the waitlist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_groups: Vec<Arc<str>>,
    /// How many days ahead a promised ship date may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u16>,
    /// Units kept back: the first so many free ones are never sold on this channel.
    #[serde(default)]
    pub buffer: Units,
    /// "We can have it so many days after we order it": supply beyond what is inbound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_time_days: Option<u16>,
    /// Where lead-time supply arrives; the tenant's first location unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_time_location: Option<LocationId>,
    /// Nothing ships before this date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_date: Option<Date>,
    /// In stock with so few units or less is shown as `limited`; 0 never.
    #[serde(default)]
    pub limited_below: Units,
    /// Days added to a lead time for the promised date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise_buffer_days: Option<u16>,
    /// When and how money is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentTerms>,
    /// Whether a buyer may call it off.
    #[serde(default, skip_serializing_if = "Returns::is_free")]
    pub returns: Returns,
}

/// When and how money is taken for a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentTerms {
    /// Which plan.
    pub kind: PaymentKind,
    /// Share paid at once, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_percent: Option<u8>,
    /// Sum paid at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_amount: Option<Money>,
    /// When the rest is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceDue>,
    /// Who moves the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Arc<str>>,
}

/// Payment plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentKind {
    /// All at once, when ordered.
    Full,
    /// A part when ordered, the rest later.
    Deposit,
    /// Authorised when ordered, captured when shipped.
    Authorise,
    /// The method is saved when ordered and charged when shipped.
    ChargeOnShip,
    /// Not through us: an invoice, cash.
    None,
}

/// When the balance after a deposit is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceDue {
    /// When the goods ship.
    OnShip,
    /// On a date agreed.
    Date,
    /// So many days before the goods ship.
    DaysBefore,
}
