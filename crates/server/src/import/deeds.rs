//! What an import did, thing by thing, so that it can be taken back where nothing has followed on it.

use model::{
    Units,
    command::Command,
    id::{Channel, LocationId, OrderId, Sku, SupplyId},
    item::{Item, Policy},
    pool::Pool,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most things that are noted of one import.
pub const DEEDS_MAX: usize = 5_000;

/// One thing that an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Deed {
    /// Described a product.
    Item {
        /// As it was; none where it was new.
        before: Option<Box<Item>>,
        /// As it was set.
        after: Box<Item>,
    },
    /// Said how a product is sold.
    Policy {
        /// Which.
        sku: Sku,
        /// As it was; none where nothing was said.
        before: Option<Box<Policy>>,
        /// As it was set.
        after: Box<Policy>,
    },
    /// Counted stock: so many units more, or less.
    Stock {
        /// Of what.
        sku: Sku,
        /// Where.
        location: LocationId,
        /// How many.
        delta: Units,
    },
    /// Entered a delivery.
    Supply {
        /// Which.
        supply: SupplyId,
        /// Of what.
        sku: Sku,
        /// How many units.
        quantity: Units,
        /// Its number.
        reference: Option<String>,
    },
    /// Placed an order.
    Order {
        /// Which.
        order: OrderId,
        /// The shop's number.
        reference: Option<String>,
    },
}

impl Deed {
    /// What a command with this id does once it went in; `pool`: its product as it was until then. None for what prepares others.
    pub(super) fn of(
        id: Uuid,
        command: &Command,
        pool: impl FnOnce(&Sku) -> Option<std::sync::Arc<Pool>>,
    ) -> Option<Self> {
        Some(match command {
            Command::PutItem(wish) => Self::Item {
                before: pool(&wish.item.sku).map(|pool| Box::new((*pool.item).clone())),
                after: Box::new(wish.item.clone()),
            },
            Command::PutPolicy(wish) if wish.channel == Channel::default() => {
                let pool = pool(&wish.sku);
                let before = pool.as_ref().and_then(|pool| pool.policy_set(&wish.channel));
                Self::Policy {
                    sku: wish.sku.clone(),
                    before: before.map(|policy| Box::new((**policy).clone())),
                    after: Box::new(wish.policy.clone()),
                }
            }
            Command::Adjust(wish) => {
                Self::Stock { sku: wish.sku.clone(), location: wish.location.clone(), delta: wish.delta }
            }
            Command::AddSupply(wish) => Self::Supply {
                supply: SupplyId(id),
                sku: wish.sku.clone(),
                quantity: wish.quantity,
                reference: wish.reference.as_deref().map(str::to_owned),
            },
            Command::PlaceOrder(wish) => {
                Self::Order { order: OrderId(id), reference: wish.reference.as_deref().map(str::to_owned) }
            }
            _ => return None,
        })
    }

    /// What it was, for a person.
    pub fn label(&self) -> String {
        match self {
            Self::Item { before, after } => {
                format!("{} {}", if before.is_some() { "Product" } else { "New product" }, after.sku)
            }
            Self::Policy { sku, .. } => format!("How {sku} is sold"),
            Self::Stock { sku, location, delta } => format!("{delta:+} × {sku} at {location}"),
            Self::Supply { supply, sku, quantity, reference } => {
                let name = reference.clone().unwrap_or_else(|| supply.to_string());
                format!("Delivery {name}: {quantity} × {sku}")
            }
            Self::Order { order, reference } => {
                format!("Order {}", reference.clone().unwrap_or_else(|| order.to_string()))
            }
        }
    }
}
