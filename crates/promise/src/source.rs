//! Where units for a newcomer may come from: the open supplies of a pool, less what is claimed, kept back or capped.
//!
//! docs/theory/promising.md, "Candidate supplies".

use std::sync::{Arc, LazyLock};

use model::{
    Units,
    id::{Channel, LocationId, Sku, SupplyId},
    item::{Cap, Policy},
    location::LocationSettings,
    order::Dates,
    pool::Pool,
    refusal::RefusalCode,
    state::Shop,
    supply::{Lateness, Supply, SupplyKind, SupplyState},
    time::{Date, Timestamp, days_after},
};

use crate::dates::{arriving, deliver_by, supply_ship_by};

/// What holds where no policy is set: what is on hand sells, nothing is sold beyond it.
static NO_POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| Arc::new(Policy::default()));

/// Who asks, and from where.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) group: Option<&'a str>,
    pub(crate) country: Option<&'a str>,
    /// An order promised before we knew of it: policies and caps do not hold, and what has no supply waits for some.
    pub(crate) already_owed: bool,
}

/// The terms under which a pool's units are sold: the policy that holds, and what was sold under it.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) policy: &'a Arc<Policy>,
    /// The channel the policy was set for; the default's holds for every channel without its own.
    set_for: Option<&'a Channel>,
    /// The pool the policy stands in.
    pub(crate) of: &'a Pool,
    /// What is sold, or a component of it, is no longer made.
    discontinued: bool,
}

impl<'a> Terms<'a> {
    /// The terms of a pool on a channel: its own policy, else the default one, else none.
    pub(crate) fn of(pool: &'a Pool, channel: &Channel) -> Self {
        let find = |name: &str| pool.policies.iter().find(|(set_for, _)| set_for.as_str() == name);
        let discontinued = pool.item.discontinued;
        match find(channel.as_str()).or_else(|| find(Channel::DEFAULT)) {
            Some((set_for, policy)) => Self { policy, set_for: Some(set_for), of: pool, discontinued },
            None => Self { policy: &NO_POLICY, set_for: None, of: pool, discontinued },
        }
    }

    /// The terms of a component sold inside a kit: the kit's where it has its own, else the component's.
    pub(crate) fn of_component(kit: &'a Pool, component: &'a Pool, channel: &Channel) -> Self {
        let kits = Self::of(kit, channel);
        let terms = if kits.are_set() { kits } else { Self::of(component, channel) };
        Self { discontinued: kit.item.discontinued || component.item.discontinued, ..terms }
    }

    /// Whether a policy was set at all.
    pub(crate) fn are_set(&self) -> bool {
        self.set_for.is_some()
    }

    /// Whether units are sold on this channel under the same policy, and so count against the same cap.
    pub(crate) fn covers(&self, channel: &Channel) -> bool {
        match self.set_for {
            Some(own) if own.as_str() != Channel::DEFAULT => own == channel,
            _ => self.of.policy_set(channel).is_none() || channel.as_str() == Channel::DEFAULT,
        }
    }

    /// Whether this asker may buy units that are not here.
    pub(crate) fn sells_ahead_to(&self, asker: Asker<'_>) -> bool {
        self.not_ahead(asker).is_none()
    }

    /// Why this asker may buy nothing that is not here; `None`: they may.
    pub(crate) fn not_ahead(&self, asker: Asker<'_>) -> Option<&'static str> {
        let groups = &self.policy.customer_groups;
        let welcome = groups.is_empty()
            || asker.group.is_some_and(|group| groups.iter().any(|allowed| **allowed == *group));
        if asker.already_owed {
            None
        } else if self.discontinued {
            Some("it is no longer made, and sold only while it is here")
        } else if !self.policy.when_out.sells_ahead() {
            Some("it is sold only while it is here")
        } else if !welcome {
            Some("what is not here yet is sold to other groups of customers alone")
        } else {
            None
        }
    }
}

/// Units sold but not here, as the supplies' claims count them.
pub(crate) struct Ahead {
    /// The pool.
    pub(crate) sku: Sku,
    pub(crate) kit: Option<Sku>,
    pub(crate) channel: Channel,
    /// Below zero: given back.
    pub(crate) units: Units,
}

/// Units that are sold under these terms but not here, what the decision in the making adds (`planned`) with them. For
/// a kit, in kits: the most of any component.
fn backordered(shop: &Shop, terms: &Terms<'_>, planned: &[Ahead]) -> Units {
    let ahead = |pool: &Pool, kit: Option<&Sku>| -> Units {
        let counts = |channel: &Channel, of_kit: Option<&Sku>| {
            terms.covers(channel) && kit.is_none_or(|kit| of_kit == Some(kit))
        };
        let due = pool.supplies.iter().filter(|supply| !supply.is_on_hand());
        let claims = due.flat_map(|supply| &supply.claims);
        let sold: Units = claims
            .filter(|claim| counts(&claim.channel, claim.kit.as_ref()))
            .map(|claim| claim.pegged + claim.held)
            .sum();
        let planned = planned.iter().filter(|ahead| ahead.sku == *pool.sku());
        let planned = planned.filter(|ahead| counts(&ahead.channel, ahead.kit.as_ref()));
        sold + planned.map(|ahead| ahead.units).sum::<Units>()
    };
    let item = &terms.of.item;
    if !item.is_kit() {
        return ahead(terms.of, None);
    }
    let kits = item.components.iter().filter_map(|part| {
        // Rounded up: a kit that lacks one unit is not here.
        Some((ahead(shop.pool(&part.sku)?, Some(&item.sku)) + part.quantity - 1) / part.quantity)
    });
    kits.max().unwrap_or(0)
}

/// How many more units a cap leaves room for; `None`: it sets no limit.
pub(crate) fn cap_room(shop: &Shop, terms: &Terms<'_>, planned: &[Ahead]) -> Option<Units> {
    match terms.policy.backorder_cap {
        Cap::Limited(cap) => Some((cap - backordered(shop, terms, planned)).max(0)),
        Cap::Supply | Cap::Unlimited => None,
    }
}

/// Units taken from supplies by the decision in the making; below zero: given back by the hold it takes over.
#[derive(Default)]
pub(crate) struct Taken {
    all: Vec<(SupplyId, Units)>,
    /// Those of channels that matter to what is ring-fenced.
    by: Vec<(SupplyId, Channel, Units)>,
}

impl Taken {
    pub(crate) fn of(&self, supply: SupplyId) -> Units {
        self.all.iter().find(|(id, _)| *id == supply).map_or(0, |(_, units)| *units)
    }

    pub(crate) fn take(&mut self, supply: SupplyId, units: Units) {
        match self.all.iter_mut().find(|(id, _)| *id == supply) {
            Some((_, taken)) => *taken += units,
            None => self.all.push((supply, units)),
        }
    }

    /// The same, and by whom.
    pub(crate) fn take_for(&mut self, supply: SupplyId, channel: &Channel, units: Units) {
        self.take(supply, units);
        match self.by.iter_mut().find(|(id, by, _)| *id == supply && by == channel) {
            Some((_, _, taken)) => *taken += units,
            None => self.by.push((supply, channel.clone(), units)),
        }
    }

    fn by(&self, supply: SupplyId, channel: &Channel) -> Units {
        self.by.iter().find(|(id, by, _)| *id == supply && by == channel).map_or(0, |(_, _, units)| *units)
    }

    /// Of the units of a supply that are ring-fenced for a channel, those that it has not claimed by now.
    fn left_for(&self, supply: &Supply, channel: &Channel) -> Units {
        let claimed = supply.claimed_by(channel) + self.by(supply.id, channel);
        (supply.ring_fenced_for(channel) - claimed).max(0)
    }

    /// Free units of a supply by now: those that are ring-fenced for this channel, and those that are for nobody.
    pub(crate) fn free_for(&self, supply: &Supply, channel: &Channel) -> (Units, Units) {
        let free = supply.free() - self.of(supply.id);
        if supply.ring_fenced.is_empty() || supply.state == SupplyState::Quarantine {
            return (0, free);
        }
        let all: Units = supply.ring_fenced.iter().map(|fence| self.left_for(supply, &fence.channel)).sum();
        (self.left_for(supply, channel), free - all)
    }
}

/// A place from which a newcomer may take units.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) supply: SupplyId,
    pub(crate) location: LocationId,
    pub(crate) on_hand: bool,
    /// Some of it is ring-fenced for whoever asks.
    pub(crate) is_own: bool,
    /// Units to be had, before caps.
    pub(crate) room: Units,
    pub(crate) ship_by: Dates,
    pub(crate) deliver_by: Dates,
    /// The supply to open, where it is not there yet.
    pub(crate) opens: Option<Box<Supply>>,
    pub(crate) kind: SupplyKind,
    /// What its dates rest on.
    pub(crate) lateness: Lateness,
}

/// Where units may come from, and what was left out.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) list: Vec<Source>,
    /// Units that lie beyond the horizon.
    pub(crate) beyond_horizon: Units,
    /// Units that are not here and are not sold to this asker.
    pub(crate) not_sold_ahead: Units,
}

/// Units that a newcomer on these terms may take of each supply of the pool, in rank order.
///
/// The buffer keeps back the first free units that are ring-fenced for nobody; while a pool settles, a newcomer gets nothing
/// before the last supply with a queue; units of the newcomer's own hold always are to be had, but for those on the shortfall
/// and those that are ring-fenced for the channel of the hold alone.
pub(crate) fn rooms_for_newcomer(pool: &Pool, channel: &Channel, buffer: Units, taken: &Taken) -> Vec<Units> {
    let last_queued = pool
        .settling
        .then(|| pool.supplies.iter().rposition(|supply| !supply.is_on_hand() && supply.pegged() > 0))
        .flatten();
    let mut keep_back = buffer;
    let room = |(at, supply): (usize, &Arc<Supply>)| {
        let all_taken = taken;
        let taken = taken.of(supply.id);
        let (own, taken) = ((-taken).max(0), taken.max(0));
        if supply.kind.is_elastic() {
            return own;
        }
        let is_blocked = last_queued.is_some_and(|last| at < last);
        if !supply.ring_fenced.is_empty() {
            let (fenced, open) = if is_blocked {
                (0, 0)
            } else {
                (supply.left_for(channel).min(supply.free()), supply.open())
            };
            let kept = keep_back.min(open);
            keep_back -= kept;
            let room = (fenced + open - kept - taken).max(0) + own;
            return room.min(most_for(supply, channel, all_taken));
        }
        let free = if is_blocked { 0 } else { supply.free() };
        let kept = keep_back.min(free);
        keep_back -= kept;
        (free - kept - taken).max(0) + own
    };
    pool.supplies.iter().enumerate().map(room).collect()
}

/// Units that a channel may have of a supply by now, whatever is kept back: what others gave up of their own stays theirs.
fn most_for(supply: &Supply, channel: &Channel, taken: &Taken) -> Units {
    let others = supply.ring_fenced.iter().filter(|fence| fence.channel != *channel);
    let kept: Units = others.map(|fence| taken.left_for(supply, &fence.channel)).sum();
    (supply.free() - taken.of(supply.id) - kept).max(0)
}

/// Finds where units of one pool may come from, without order.
///
/// `terms` are the kit's where it has its own, else the pool's.
pub(crate) fn sources(
    shop: &Shop,
    pool: &Pool,
    terms: &Terms<'_>,
    asker: Asker<'_>,
    taken: &Taken,
    now: Timestamp,
) -> Sources {
    let own = Terms::of(pool, asker.channel);
    let ahead = terms.sells_ahead_to(asker);
    let release = terms.policy.release_date.max(own.policy.release_date);
    let rooms = rooms_for_newcomer(pool, asker.channel, own.policy.buffer, taken);
    let mut found = Sources::default();
    for (supply, room) in pool.supplies.iter().zip(rooms) {
        let Some(location) = shop.locations.get(&supply.location) else { continue };
        if room == 0 {
            continue;
        }
        if !supply.is_on_hand() && !ahead {
            found.not_sold_ahead += room;
            continue;
        }
        let ship_by = supply_ship_by(supply, location, release, now);
        // No date, no promise: undated supply is not for sale until somebody dates it.
        let Some(promised) = ship_by.promised else { continue };
        if !supply.is_on_hand() && !asker.already_owed && beyond(terms, location, promised, now) {
            found.beyond_horizon += room;
            continue;
        }
        found.list.push(Source {
            supply: supply.id,
            location: supply.location.clone(),
            on_hand: supply.is_on_hand(),
            is_own: supply.left_for(asker.channel) > 0,
            room,
            ship_by,
            deliver_by: deliver_by(location, asker.country, ship_by),
            opens: None,
            kind: supply.kind,
            lateness: supply.lateness,
        });
    }
    found
}

fn beyond(terms: &Terms<'_>, location: &LocationSettings, promised: Date, now: Timestamp) -> bool {
    let horizon = terms.policy.horizon_days.and_then(|days| days_after(location.today(now), days));
    horizon.is_some_and(|horizon| promised > horizon)
}

/// Returns what can be had beyond known supply under a lead time, or why not.
///
/// `id` names the supply where today's is not open yet.
pub(crate) fn lead_time_source(
    shop: &Shop,
    pool: &Pool,
    terms: &Terms<'_>,
    asker: Asker<'_>,
    now: Timestamp,
    id: SupplyId,
) -> Result<Source, RefusalCode> {
    let own = Terms::of(pool, asker.channel);
    let policy = if terms.policy.lead_time_days.is_some() { terms.policy } else { own.policy };
    let (Some(days), true) = (policy.lead_time_days, terms.sells_ahead_to(asker)) else {
        return Err(RefusalCode::NotAvailable);
    };
    let place = policy.lead_time_location.as_ref().or_else(|| shop.locations.keys().next());
    let Some((id_of_place, location)) = place.and_then(|id| shop.locations.get_key_value(id)) else {
        return Err(RefusalCode::NoLocation);
    };
    let given = days_after(location.today(now), days).ok_or(RefusalCode::BeyondHorizon)?;
    let lateness = Lateness::buffer(policy.promise_buffer_days.unwrap_or(Lateness::BUFFER_DAYS_DEFAULT));
    let release = terms.policy.release_date.max(own.policy.release_date);
    let ship_by = arriving(location, given, lateness, release, now);
    let promised = ship_by.promised.ok_or(RefusalCode::BeyondHorizon)?;
    if !asker.already_owed && beyond(terms, location, promised, now) {
        return Err(RefusalCode::BeyondHorizon);
    }
    let open = pool.supplies.iter().find(|supply| {
        supply.kind == SupplyKind::LeadTime
            && supply.location == *id_of_place
            && supply.expected_on == Some(given)
            && supply.lateness == lateness
    });
    let opens = open.is_none().then(|| {
        Box::new(elastic(id, pool, id_of_place.clone(), SupplyKind::LeadTime, Some(given), lateness, now))
    });
    Ok(Source {
        supply: open.map_or(id, |supply| supply.id),
        location: id_of_place.clone(),
        on_hand: false,
        is_own: false,
        room: Units::MAX,
        ship_by,
        deliver_by: deliver_by(location, asker.country, ship_by),
        opens,
        kind: SupplyKind::LeadTime,
        lateness,
    })
}

/// Returns the place for units that are promised and have no goods: the pool's shortfall, opened if need be.
pub(crate) fn shortfall_source(
    shop: &Shop,
    pool: &Pool,
    now: Timestamp,
    id: SupplyId,
) -> Result<Source, RefusalCode> {
    let open = pool.supplies.iter().find(|supply| supply.kind == SupplyKind::Shortfall);
    let location = match open {
        Some(supply) => supply.location.clone(),
        None => shop.locations.keys().next().cloned().ok_or(RefusalCode::NoLocation)?,
    };
    let opens = open.is_none().then(|| {
        let lateness = Lateness::buffer(0);
        Box::new(elastic(id, pool, location.clone(), SupplyKind::Shortfall, None, lateness, now))
    });
    Ok(Source {
        supply: open.map_or(id, |supply| supply.id),
        location,
        on_hand: false,
        is_own: false,
        room: Units::MAX,
        ship_by: Dates::UNKNOWN,
        deliver_by: Dates::UNKNOWN,
        opens,
        kind: SupplyKind::Shortfall,
        lateness: Lateness::buffer(0),
    })
}

fn elastic(
    id: SupplyId,
    pool: &Pool,
    location: LocationId,
    kind: SupplyKind,
    expected_on: Option<Date>,
    lateness: Lateness,
    now: Timestamp,
) -> Supply {
    Supply {
        id,
        sku: pool.sku().clone(),
        location,
        kind,
        state: SupplyState::Due,
        quantity: 0,
        expected_on,
        lateness,
        supplier: None,
        reference: None,
        created_at: now,
        received_at: None,
        claims: Vec::new(),
        ring_fenced: Vec::new(),
    }
}
