//! Where goods come from: one quantity of one SKU at one place with a date, and who has a claim on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Units,
    id::{Channel, LocationId, Sku, SupplyId},
    state::Inconsistent,
    time::{Date, Timestamp, days_after},
};

/// What kind of supply this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplyKind {
    /// The shelf: counted or opening stock.
    Stock,
    /// Ordered from a supplier.
    PurchaseOrder,
    /// Made by ourselves.
    ProductionRun,
    /// On its way from another location.
    Transfer,
    /// Not ordered yet: "we can have it N days after we order it". One a day and place, as large as what is
    /// pegged to it.
    LeadTime,
    /// Promised, but the goods are gone and nothing replaces them yet: no date, as large as what is pegged to it.
    Shortfall,
}

impl SupplyKind {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::PurchaseOrder => "purchase_order",
            Self::ProductionRun => "production_run",
            Self::Transfer => "transfer",
            Self::LeadTime => "lead_time",
            Self::Shortfall => "shortfall",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Stock,
            Self::PurchaseOrder,
            Self::ProductionRun,
            Self::Transfer,
            Self::LeadTime,
            Self::Shortfall,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }

    /// Whether its quantity is what is pegged to it, no more and no less.
    pub fn is_elastic(self) -> bool {
        matches!(self, Self::LeadTime | Self::Shortfall)
    }
}

/// Where a supply is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplyState {
    /// Expected.
    Due,
    /// Here.
    OnHand,
    /// Here, and kept from everybody until somebody has looked at it.
    Quarantine,
    /// Used up, or called off.
    Closed,
}

impl SupplyState {
    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::OnHand => "on_hand",
            Self::Quarantine => "quarantine",
            Self::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Due, Self::OnHand, Self::Quarantine, Self::Closed]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// How many days after the date given goods really come: the middle and the 90 % point of the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lateness {
    /// Days after the date given by which half of such supplies have come (P50).
    pub expected_days: u16,
    /// Days after the date given by which nine of ten have come (P90).
    pub promised_days: u16,
    /// How many past receipts this was learned from; 0: a buffer that was set, not learned.
    pub learned_from: u32,
}

impl Lateness {
    /// Days added to a date given where nothing else is known.
    pub const BUFFER_DAYS_DEFAULT: u16 = 3;

    /// Without history: expected on the date given, promised so many days later.
    pub fn buffer(days: u16) -> Self {
        Self { expected_days: 0, promised_days: days, learned_from: 0 }
    }
}

/// What one channel has of a supply, sold as itself or inside one kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Where it was sold.
    pub channel: Channel,
    /// The kit it was sold in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<Sku>,
    /// Units pegged by order lines.
    pub pegged: Units,
    /// Units pegged by holds.
    pub held: Units,
    /// Of the pegged, units that are with fulfilment; of goods on hand only.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub released: Units,
}

/// Units of a supply that only one channel may have: "120 of 200 for FBA". What the channel has claimed already counts
/// among them, and they count down as its goods leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingFence {
    /// Who may have them.
    pub channel: Channel,
    /// How many, from 1.
    pub units: Units,
}

fn is_zero(units: &Units) -> bool {
    *units == 0
}

/// A quantity of one SKU at one location with a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    /// Its id.
    pub id: SupplyId,
    /// What it is.
    pub sku: Sku,
    /// Where it is, or will be.
    pub location: LocationId,
    /// Where it comes from.
    pub kind: SupplyKind,
    /// Due, on hand, or closed.
    pub state: SupplyState,
    /// Units in it now: expected, or here and not yet shipped. Never below what is claimed; in quarantine nothing is.
    pub quantity: Units,
    /// The date given for its arrival; `None` where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_on: Option<Date>,
    /// How late such supplies come.
    pub lateness: Lateness,
    /// Who sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Arc<str>>,
    /// The merchant's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Arc<str>>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Who has units of it; sorted by channel and kit, one entry for each, none with zero units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What of it is ring-fenced; sorted by channel, one entry for each, none with zero units, nothing of what is elastic.
    /// Of every channel the larger of what it has claimed and what is ring-fenced for it: these add up to no more than the
    /// quantity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ring_fenced: Vec<RingFence>,
}

impl Supply {
    /// Units pegged by order lines.
    pub fn pegged(&self) -> Units {
        self.claims.iter().map(|claim| claim.pegged).sum()
    }

    /// Units pegged by holds.
    pub fn held(&self) -> Units {
        self.claims.iter().map(|claim| claim.held).sum()
    }

    /// Units that are with fulfilment.
    pub fn released(&self) -> Units {
        self.claims.iter().map(|claim| claim.released).sum()
    }

    /// Units nobody has a claim on and somebody may have, those that are ring-fenced among them: none in quarantine.
    pub fn free(&self) -> Units {
        if self.state == SupplyState::Quarantine {
            return 0;
        }
        self.quantity - self.claims.iter().map(|claim| claim.pegged + claim.held).sum::<Units>()
    }

    /// Units that a channel has claimed.
    pub fn claimed_by(&self, channel: &Channel) -> Units {
        let own = self.claims.iter().filter(|claim| claim.channel == *channel);
        own.map(|claim| claim.pegged + claim.held).sum()
    }

    /// Units that are ring-fenced for a channel.
    pub fn ring_fenced_for(&self, channel: &Channel) -> Units {
        self.ring_fenced.iter().find(|fence| fence.channel == *channel).map_or(0, |fence| fence.units)
    }

    /// Of the units that are ring-fenced for a channel, those that it has not claimed yet.
    pub fn left_for(&self, channel: &Channel) -> Units {
        match self.ring_fenced_for(channel) {
            0 => 0,
            units => (units - self.claimed_by(channel)).max(0),
        }
    }

    /// Free units that are ring-fenced for nobody.
    pub fn open(&self) -> Units {
        if self.ring_fenced.is_empty() {
            return self.free();
        }
        let left: Units = self.ring_fenced.iter().map(|fence| self.left_for(&fence.channel)).sum();
        (self.free() - left).max(0)
    }

    /// Free units that a channel may have: those that are ring-fenced for it, and those that are for nobody.
    pub fn free_for(&self, channel: &Channel) -> Units {
        if self.ring_fenced.is_empty() {
            return self.free();
        }
        let others = self.ring_fenced.iter().filter(|fence| fence.channel != *channel);
        let kept: Units = others.map(|fence| self.left_for(&fence.channel)).sum();
        (self.free() - kept).max(0)
    }

    /// Most units that can be ring-fenced for a channel: what it has claimed, and what it may still have.
    pub fn most_for(&self, channel: &Channel) -> Units {
        let others = self.ring_fenced.iter().filter(|fence| fence.channel != *channel);
        let kept: Units = others.map(|fence| self.left_for(&fence.channel)).sum();
        let claimed: Units = self.claims.iter().map(|claim| claim.pegged + claim.held).sum();
        (self.quantity - claimed - kept).max(0) + self.claimed_by(channel)
    }

    /// Whether it has all that is claimed and ring-fenced.
    pub(crate) fn adds_up(&self) -> bool {
        let left: Units = self.ring_fenced.iter().map(|fence| self.left_for(&fence.channel)).sum();
        let claimed: Units = self.claims.iter().map(|claim| claim.pegged + claim.held).sum();
        let may_be_claimed = self.state != SupplyState::Quarantine || claimed == 0;
        may_be_claimed
            && self.quantity >= 0
            && claimed + left <= self.quantity
            && (self.ring_fenced.is_empty() || !self.kind.is_elastic())
    }

    /// Ring-fences so many of its units for a channel instead of those before; whether there are so many is the caller's to
    /// see ([`Self::most_for`]).
    pub fn ring_fence(&mut self, channel: &Channel, units: Units) {
        match self.ring_fenced.binary_search_by(|fence| fence.channel.cmp(channel)) {
            Ok(at) if units <= 0 => drop(self.ring_fenced.remove(at)),
            Ok(at) => self.ring_fenced[at].units = units,
            Err(_) if units <= 0 => {}
            Err(at) => self.ring_fenced.insert(at, RingFence { channel: channel.clone(), units }),
        }
    }

    /// What of some ring-fenced units fits into it beside all that is claimed: where there are too few, less is left for who
    /// has most left.
    pub fn fitting(&self, mut fences: Vec<RingFence>) -> Vec<RingFence> {
        let claimed: Units = self.claims.iter().map(|claim| claim.pegged + claim.held).sum();
        let left = |fence: &RingFence| (fence.units - self.claimed_by(&fence.channel)).max(0);
        let mut over = fences.iter().map(left).sum::<Units>() - (self.quantity - claimed).max(0);
        while over > 0 {
            let Some(most) = fences.iter_mut().max_by_key(|fence| left(fence)) else { break };
            let less = left(most).min(over);
            if less == 0 {
                break;
            }
            most.units -= less;
            over -= less;
        }
        fences.retain(|fence| fence.units > 0);
        fences
    }

    /// Units of a channel leave: what is ring-fenced for it counts down.
    pub(crate) fn send(&mut self, channel: &Channel, units: Units) {
        self.quantity -= units;
        if !self.ring_fenced.is_empty() {
            self.ring_fence(channel, self.ring_fenced_for(channel) - units);
        }
    }

    /// Whether it is here and may be had.
    pub fn is_on_hand(&self) -> bool {
        self.state == SupplyState::OnHand
    }

    /// Changes what one channel has of it by so many units, pegged and held.
    ///
    /// Errors: a claim would fall below zero or below what of it is with fulfilment, or the claims would exceed the
    /// quantity, or reach into what is ring-fenced for others: the supply is left as it was.
    pub fn claim(
        &mut self,
        channel: &Channel,
        kit: Option<&Sku>,
        pegged: Units,
        held: Units,
    ) -> Result<(), Inconsistent> {
        if !self.kind.is_elastic() && pegged + held > self.free_for(channel) {
            return Err(Inconsistent::Overclaimed(self.id));
        }
        let found = self.claims.binary_search_by(|c| (&c.channel, c.kit.as_ref()).cmp(&(channel, kit)));
        let had = found.map_or((0, 0, 0), |at| {
            let Claim { pegged, held, released, .. } = self.claims[at];
            (pegged, held, released)
        });
        let (pegged_now, held_now, released) = (had.0 + pegged, had.1 + held, had.2);
        if pegged_now < 0 || held_now < 0 {
            return Err(Inconsistent::Freed(self.id));
        }
        if pegged_now < released {
            return Err(Inconsistent::Released(self.id));
        }
        let none_left = pegged_now == 0 && held_now == 0;
        match found {
            Ok(at) if none_left => drop(self.claims.remove(at)),
            Ok(at) => (self.claims[at].pegged, self.claims[at].held) = (pegged_now, held_now),
            Err(_) if none_left => {}
            Err(at) => {
                let (channel, kit) = (channel.clone(), kit.cloned());
                let claim = Claim { channel, kit, pegged: pegged_now, held: held_now, released: 0 };
                self.claims.insert(at, claim);
            }
        }
        if self.kind.is_elastic() {
            self.quantity += pegged + held;
        }
        Ok(())
    }

    /// Notes that so many of one channel's pegged units went to fulfilment, or (below zero) came back from there or left.
    ///
    /// Errors: the goods are not here, or other units than the pegged ones would be with fulfilment: the supply is left as it
    /// was.
    pub fn hand_over(
        &mut self,
        channel: &Channel,
        kit: Option<&Sku>,
        units: Units,
    ) -> Result<(), Inconsistent> {
        let wrong = Inconsistent::Released(self.id);
        let found = self.claims.binary_search_by(|c| (&c.channel, c.kit.as_ref()).cmp(&(channel, kit)));
        let (true, Ok(at)) = (self.is_on_hand(), found) else { return Err(wrong) };
        let claim = &mut self.claims[at];
        let released = claim.released + units;
        if released < 0 || released > claim.pegged {
            return Err(wrong);
        }
        claim.released = released;
        Ok(())
    }

    /// Where it stands among the supplies of its pool: on hand first, then by the date on which nine of ten such
    /// supplies have come, at the same date goods before lead times, those without a date last.
    pub fn rank(&self) -> (bool, Date, bool, SupplyId) {
        let comes = self.expected_on.and_then(|given| days_after(given, self.lateness.promised_days));
        (!self.is_on_hand(), comes.unwrap_or(Date::MAX), self.kind.is_elastic(), self.id)
    }
}
