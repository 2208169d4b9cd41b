//! Ring-fenced units: those of a supply that only one channel may have.
//!
//! docs/theory/promising.md, "Ring-fenced stock". That nobody else gets them is kept in one place, [`Supply::claim`]; in here
//! is how they are set, and where they are when a supply gets larger, smaller or comes in parts.

use model::{
    Units,
    command::{FencedAt, RingFenceStock},
    event::{Event, Move, Refenced, StockAdjusted, StockRingFenced},
    id::{Channel, LocationId, Sku, SupplyId},
    pool::Pool,
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
    supply::{RingFence, Supply},
    view::{FenceView, FencedStock},
};

use crate::{
    Decision, Queues, Setting, etag,
    stock::{adjust, lots},
    supply::{unknown_location, unknown_sku},
};

/// Ring-fences units for a channel: of one supply, or of all that is on hand at a location, the earliest supply first and first
/// of all those that the channel has claimed already. Nothing is written if it is so already.
///
/// `sku`: whose supply it is; its pool is loaded. Refusals: `supply_closed`; `not_available` where others have claimed the units
/// or have them ring-fenced, or there are not so many, with how many could be. An unknown SKU or location and a kit are
/// `Invalid`, a tag of something else is `Stale`.
pub fn ring_fence(set: Setting<'_>, sku: &Sku, wish: &RingFenceStock) -> Decision {
    let Some(pool) = set.shop.pool(sku) else { return Err(Rejection::Invalid(vec![unknown_sku(sku)])) };
    let supplies: Vec<&Supply> = match &wish.at {
        FencedAt::Supply(id) => vec![open(pool, *id)?],
        FencedAt::Location(_, location) => {
            if pool.item.is_kit() {
                let detail = format!("{sku} is a kit: its components are stocked, not itself");
                return Err(Rejection::Invalid(vec![FieldError::new("/sku", "is_a_kit", detail)]));
            }
            if !set.shop.locations.contains_key(location) {
                return Err(Rejection::Invalid(vec![unknown_location(location)]));
            }
            lots(pool, location).collect()
        }
    };
    if wish.if_match.as_deref().is_some_and(|seen| seen != "*" && seen != tag(&supplies)) {
        return Err(Rejection::Stale);
    }
    let most: Units = supplies.iter().map(|supply| supply.most_for(&wish.channel)).sum();
    if wish.units > most {
        let refusal = Refusal::new(RefusalCode::NotAvailable, too_many(sku, wish, &supplies, most));
        return Err(Refusal { sku: Some(sku.clone()), available: Some(most), ..refusal }.into());
    }
    let mut left = wish.units;
    let mut shares: Vec<Units> = Vec::with_capacity(supplies.len());
    for supply in &supplies {
        let claimed = supply.claimed_by(&wish.channel).min(left);
        left -= claimed;
        shares.push(claimed);
    }
    for (supply, share) in supplies.iter().zip(&mut shares) {
        let more = (supply.most_for(&wish.channel) - *share).min(left);
        left -= more;
        *share += more;
    }
    let changed = supplies.iter().zip(shares).filter_map(|(supply, units)| {
        let mut now = Supply::clone(supply);
        now.ring_fence(&wish.channel, units);
        refenced(supply, now.ring_fenced)
    });
    let ring_fenced: Vec<Refenced> = changed.collect();
    if ring_fenced.is_empty() {
        return Ok(Vec::new());
    }
    let location = match &wish.at {
        FencedAt::Location(_, location) => Some(location.clone()),
        FencedAt::Supply(_) => None,
    };
    let (sku, channel, units) = (sku.clone(), wish.channel.clone(), wish.units);
    Ok(vec![Event::StockRingFenced(StockRingFenced { sku, channel, units, location, ring_fenced })])
}

fn open(pool: &Pool, id: SupplyId) -> Result<&Supply, Rejection> {
    let refuse = |why: &str| Err(Refusal::new(RefusalCode::SupplyClosed, format!("{id} {why}")).into());
    match pool.supply(id) {
        None => refuse("is closed"),
        Some(supply) if supply.kind.is_elastic() => {
            refuse("is made and unmade by the orders that wait for it")
        }
        Some(supply) => Ok(supply),
    }
}

/// Says why no more units can be ring-fenced: who else has claimed them or has them ring-fenced.
fn too_many(sku: &Sku, wish: &RingFenceStock, supplies: &[&Supply], most: Units) -> String {
    let here: Units = supplies.iter().map(|supply| supply.quantity).sum();
    let others = here - most;
    let place = match &wish.at {
        FencedAt::Supply(id) => id.to_string(),
        FencedAt::Location(_, location) => location.to_string(),
    };
    let why = if others > 0 {
        format!(": {others} of the {here} are claimed by or ring-fenced for others")
    } else {
        format!(": there are {here}")
    };
    format!(
        "at most {most} units of {sku} at {place} can be ring-fenced for {}, not {}{why}",
        wish.channel, wish.units
    )
}

/// What is on hand of a SKU at a location, and what of it is ring-fenced; the channels in their order, `asked` too where
/// nothing is ring-fenced for it.
pub fn fenced_stock(pool: &Pool, location: &LocationId, asked: Option<&Channel>) -> FencedStock {
    let here: Vec<&Supply> = lots(pool, location).collect();
    let fences = here.iter().flat_map(|supply| &supply.ring_fenced);
    let mut channels: Vec<&Channel> = fences.map(|fence| &fence.channel).chain(asked).collect();
    channels.sort_unstable();
    channels.dedup();
    let sum = |of: &dyn Fn(&Supply) -> Units| here.iter().map(|supply| of(supply)).sum::<Units>();
    let fence = |channel: &Channel| FenceView {
        channel: channel.clone(),
        units: sum(&|supply| supply.ring_fenced_for(channel)),
        claimed: sum(&|supply| supply.ring_fenced_for(channel).min(supply.claimed_by(channel))),
        left: sum(&|supply| supply.left_for(channel)),
        most: sum(&|supply| supply.most_for(channel)),
    };
    FencedStock {
        sku: pool.sku().clone(),
        location: location.clone(),
        on_hand: sum(&|supply| supply.quantity),
        free: sum(&Supply::open),
        ring_fenced: channels.into_iter().map(fence).collect(),
        tag: tag(&here).into(),
    }
}

/// Names what is ring-fenced of one supply, as [`RingFenceStock::if_match`] takes it.
pub fn fence_tag(supply: &Supply) -> String {
    tag(&[supply])
}

fn tag(supplies: &[&Supply]) -> String {
    let fenced = supplies.iter().filter(|supply| !supply.ring_fenced.is_empty());
    etag(&fenced.map(|supply| (supply.id, &supply.ring_fenced)).collect::<Vec<_>>())
}

fn refenced(supply: &Supply, now: Vec<RingFence>) -> Option<Refenced> {
    let before = supply.ring_fenced.clone();
    (now != before).then_some(Refenced { supply: supply.id, before, now })
}

/// A supply once lines have moved to it and from it, and with another quantity: with nothing ring-fenced, to see what of it
/// fits. The orders of the lines are loaded.
fn after(set: Setting<'_>, supply: &Supply, moves: &[Move], quantity: Units) -> Supply {
    let mut after = Supply { quantity: Units::MAX / 4, ring_fenced: Vec::new(), ..supply.clone() };
    // What comes back from fulfilment does so before it is missed.
    after.claims.iter_mut().for_each(|claim| claim.released = 0);
    for step in moves.iter().filter(|step| step.from == supply.id || step.to == supply.id) {
        let Some(order) = set.shop.orders.get(&step.line.order) else { continue };
        let kit = order.line(step.line.no).and_then(model::order::Line::kit);
        let units = if step.to == supply.id { step.quantity } else { -step.quantity };
        // What does not fit here is refused where the moves are made.
        let _ = after.claim(&order.channel, kit, units, 0);
    }
    Supply { quantity, ..after }
}

/// What stays ring-fenced of a supply that has another quantity once these lines have left it; `None`: all of it.
pub(crate) fn trimmed(
    set: Setting<'_>,
    supply: &Supply,
    moves: &[Move],
    quantity: Units,
) -> Option<Refenced> {
    if supply.ring_fenced.is_empty() {
        return None;
    }
    refenced(supply, after(set, supply, moves, quantity).fitting(supply.ring_fenced.clone()))
}

/// What stays ring-fenced of a supply of which a part is split off, and what is of the part: the supply keeps as much as it has
/// room for. `None`: all of it stays.
pub(crate) fn split(
    set: Setting<'_>,
    supply: &Supply,
    stays: Units,
    part: &Supply,
    moves: &[Move],
) -> (Option<Refenced>, Vec<RingFence>) {
    if supply.ring_fenced.is_empty() {
        return (None, Vec::new());
    }
    let stayed = after(set, supply, moves, stays);
    let part = after(set, part, moves, part.quantity);
    let wanted = wanted(&supply.ring_fenced, &|channel| stayed.claimed_by(channel), &part);
    let kept = stayed.fitting(wanted);
    let split_off = part.fitting(without(&supply.ring_fenced, &kept));
    (refenced(supply, kept), split_off)
}

/// What of some ring-fenced units the first of two parts is to have: what its channel has claimed there, and all that it has
/// claimed nowhere.
fn wanted(fences: &[RingFence], here: &dyn Fn(&Channel) -> Units, other: &Supply) -> Vec<RingFence> {
    let wanted = fences.iter().map(|RingFence { channel, units }| RingFence {
        channel: channel.clone(),
        units: units - other.claimed_by(channel).min((units - here(channel)).max(0)),
    });
    wanted.filter(|fence| fence.units > 0).collect()
}

/// Parts of a supply: one that is nearer (what came, what stays), and one that is left of it.
pub(crate) struct Parts<'a> {
    /// The supply as it is.
    pub(crate) whole: &'a Supply,
    /// The near part as it is before, and its units after; `None`: there is none.
    pub(crate) near: Option<(&'a Supply, Units)>,
    /// Units after of what stays the supply itself; `None`: it becomes the shortfall.
    pub(crate) rest: Option<Units>,
    /// What is kept apart.
    pub(crate) apart: Option<&'a Supply>,
    /// Whose units are where.
    pub(crate) moves: &'a [Move],
}

/// Shares what is ring-fenced of a supply among its parts: with each what its channel has claimed there; what is left goes to
/// the nearest part that has room, and only what fits nowhere is given up.
pub(crate) fn shared(set: Setting<'_>, parts: &Parts<'_>) -> Vec<Refenced> {
    let whole = parts.whole;
    if whole.ring_fenced.is_empty() {
        return Vec::new();
    }
    let mut shared = Vec::new();
    let mut left = whole.ring_fenced.clone();
    let rest = parts.rest.map(|units| after(set, whole, parts.moves, units));
    if let Some((near, units)) = parts.near {
        let now = after(set, near, parts.moves, units);
        let came = |channel: &Channel| now.claimed_by(channel) - near.claimed_by(channel);
        let wanted = rest.as_ref().map_or_else(|| left.clone(), |rest| wanted(&left, &came, rest));
        let fences = now.fitting(with(&near.ring_fenced, wanted.into_iter()));
        left = without(&left, &without(&fences, &near.ring_fenced));
        shared.extend(refenced(near, fences));
    }
    let fences = rest.map(|rest| rest.fitting(left.clone())).unwrap_or_default();
    left = without(&left, &fences);
    shared.extend(refenced(whole, fences));
    if let Some(apart) = parts.apart {
        shared.extend(refenced(apart, apart.fitting(left)));
    }
    shared
}

/// What is ring-fenced, and more.
fn with(fences: &[RingFence], more: impl Iterator<Item = RingFence>) -> Vec<RingFence> {
    let mut all = fences.to_vec();
    for fence in more.filter(|fence| fence.units > 0) {
        match all.binary_search_by(|known| known.channel.cmp(&fence.channel)) {
            Ok(at) => all[at].units += fence.units,
            Err(at) => all.insert(at, fence),
        }
    }
    all
}

/// What is ring-fenced less what is somewhere else.
fn without(fences: &[RingFence], less: &[RingFence]) -> Vec<RingFence> {
    let of =
        |channel: &Channel| less.iter().find(|fence| fence.channel == *channel).map_or(0, |less| less.units);
    let rest =
        fences.iter().map(|fence| RingFence { units: fence.units - of(&fence.channel), ..fence.clone() });
    rest.filter(|fence| fence.units > 0).collect()
}

/// Puts goods that were on their way back on their shelf, with what was ring-fenced of them.
pub fn give_back(set: Setting<'_>, wish: &model::command::Adjust, fences: &[RingFence]) -> Decision {
    let mut events = adjust(set, wish, &Queues::new())?;
    for event in &mut events {
        let Event::StockAdjusted(StockAdjusted { lots, opened, ring_fenced, sku, .. }) = event else {
            continue;
        };
        let Some((id, delta)) = lots.first().filter(|_| !fences.is_empty()) else { continue };
        let known = set.shop.pool(sku).and_then(|pool| pool.supply(*id)).map(|supply| &**supply);
        let Some(shelf) = known.or(opened.as_ref()) else { continue };
        let now = after(set, shelf, &[], shelf.quantity + delta);
        ring_fenced.extend(refenced(shelf, now.fitting(with(&shelf.ring_fenced, fences.iter().cloned()))));
    }
    Ok(events)
}
