//! What a changed setting changes for lines that wait already.
//!
//! docs/theory/promising.md, "Changed settings".

use model::{
    event::{Event, LocationSet, PolicySet},
    id::{Channel, LocationId, Sku},
    location::LocationSettings,
    order::{Line, Order},
    pool::Pool,
    state::Shop,
    supply::{Claim, Supply},
    transit::Transit,
};
use serde::{Deserialize, Serialize};

use crate::source::Terms;

/// A setting that dates or moves of lines rest on, and that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// The calendar, the days or the transit of a location: dates of all that ships from there.
    Location(LocationId),
    /// The release date of a policy: dates of all that is sold under it, in kits of the SKU too.
    Release(Sku, Channel),
    /// What a SKU's policy keeps back or has a lead time for: who may move up, and no date by itself.
    Terms(Sku),
}

/// Says what an event changes that lines wait by, before it is applied.
///
/// A location that is new changes nothing, nor does a policy's limit, cap or horizon: those hold at acceptance. A lead
/// time changes nothing for lines that have one already: it is of the day they were placed on.
pub fn changed(shop: &Shop, event: &Event) -> Option<Changed> {
    match event {
        Event::LocationSet(LocationSet { location, settings }) => {
            let before = shop.locations.get(location)?;
            (!same_dates(before, settings)).then(|| Changed::Location(location.clone()))
        }
        Event::PolicySet(PolicySet { sku, channel, policy }) => {
            let pool = shop.pool(sku)?;
            let before = Terms::of(pool, channel).policy;
            if before.release_date != policy.release_date {
                return Some(Changed::Release(sku.clone(), channel.clone()));
            }
            let moves = |policy: &model::item::Policy| {
                (policy.buffer, policy.lead_time_days, policy.lead_time_location.clone())
            };
            let same = moves(before) == moves(policy);
            // A kit's own policy has no say in who moves up: that of each component has.
            (!same && !pool.item.is_kit()).then(|| Changed::Terms(sku.clone()))
        }
        _ => None,
    }
}

/// Whether two settings give the same dates, whatever they are called and charge.
fn same_dates(one: &LocationSettings, other: &LocationSettings) -> bool {
    let plain = |settings: &LocationSettings| LocationSettings {
        name: String::new(),
        transit: settings.transit.iter().map(|row| Transit { price: None, ..row.clone() }).collect(),
        ..settings.clone()
    };
    plain(one) == plain(other)
}

impl Changed {
    /// The SKU it is about, if any: its pool must be loaded for the rest.
    pub fn sku(&self) -> Option<&Sku> {
        match self {
            Self::Location(_) => None,
            Self::Release(sku, _) | Self::Terms(sku) => Some(sku),
        }
    }

    /// The one SKU whose pool this concerns; `None`: it may concern any.
    pub fn only_pool(&self, shop: &Shop) -> Option<&Sku> {
        match self {
            Self::Location(_) => None,
            Self::Release(sku, _) => {
                Some(sku).filter(|sku| !shop.pool(sku).is_some_and(|pool| pool.item.is_kit()))
            }
            Self::Terms(sku) => Some(sku),
        }
    }

    /// Whether lines of a pool may have other dates, or may move up.
    pub fn concerns_pool(&self, pool: &Pool) -> bool {
        match self {
            Self::Location(location) => pool.supplies.iter().any(|supply| supply.location == *location),
            Self::Release(sku, _) => {
                pool.sku() == sku || pool.supplies.iter().any(|supply| self.concerns_supply(supply))
            }
            Self::Terms(sku) => pool.sku() == sku,
        }
    }

    /// Whether lines with units of a supply may have other dates.
    pub fn concerns_supply(&self, supply: &Supply) -> bool {
        let mut claims = supply.claims.iter().filter(|claim| claim.pegged > 0);
        match self {
            Self::Location(location) => supply.location == *location && claims.next().is_some(),
            Self::Release(sku, _) => {
                let in_kit = |claim: &Claim| claim.kit.as_ref() == Some(sku);
                claims.any(|claim| supply.sku == *sku || in_kit(claim))
            }
            Self::Terms(_) => false,
        }
    }

    /// Whether a line with units of such a supply may have other dates. The pool of what was ordered is loaded.
    pub fn concerns_line(&self, shop: &Shop, order: &Order, line: &Line) -> bool {
        match self {
            Self::Location(_) => true,
            Self::Release(sku, channel) => {
                let under =
                    shop.pool(sku).is_some_and(|pool| Terms::of(pool, channel).covers(&order.channel));
                under && (line.kit() == Some(sku) || line.needs().any(|(needed, _)| needed == sku))
            }
            Self::Terms(_) => false,
        }
    }
}
