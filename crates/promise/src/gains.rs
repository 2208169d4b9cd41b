//! Who gains by units of another supply: asked of one line, and of a whole queue without reading it.
//!
//! docs/theory/promising.md, "Moving up".

use std::collections::BTreeSet;

use model::{
    Units,
    event::Move,
    id::{Channel, Sku, SupplyId},
    order::{Order, Waiting},
    pool::Pool,
    supply::{Supply, SupplyKind},
    time::Date,
    transit::STANDARD_SERVICE,
};
use rustc_hash::FxHashMap;

use crate::{
    Setting,
    source::{Taken, Terms},
    view::{dates_released, release_day},
};

/// A part of a queue that [`crate::settle`] needs to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNeed {
    /// Whose queue.
    pub supply: SupplyId,
    /// Lines that gain, as [`gaining`] counts them, enough to cover so many units.
    pub units: Units,
    /// Besides lines that want their units as soon as possible, those with a requested date before this: they
    /// may get them too late.
    pub wanted_before: Option<Date>,
}

/// Returns in which queues somebody may move up in a pool, as far as supplies and their claims tell; empty where nobody
/// can.
///
/// All free units that stand before a supply bound what can move up from it.
pub fn queues_needed(set: Setting<'_>, sku: &Sku) -> Vec<QueueNeed> {
    let Some(pool) = set.shop.pool(sku) else { return Vec::new() };
    let mut gains = Gains::new(set, pool);
    let mut needed = Vec::new();
    for (at, supply) in pool.supplies.iter().enumerate() {
        let pegged = supply.pegged();
        if pegged == 0 || supply.is_on_hand() {
            continue;
        }
        let units = if gains.rescues_any(supply) {
            pegged
        } else if gains.anybody_could(at) {
            pegged.min(gains.reach_before(at))
        } else {
            continue;
        };
        needed.push(QueueNeed {
            supply: supply.id,
            units,
            wanted_before: latest_delivery(set, pool, supply),
        });
    }
    needed
}

/// The last day on which anything from this supply is delivered, wherever it goes: every date where that is unknown, or
/// where lines move up whatever date they want.
fn latest_delivery(set: Setting<'_>, pool: &Pool, supply: &Supply) -> Option<Date> {
    if supply.kind.is_elastic() {
        return Some(Date::MAX);
    }
    let location = set.shop.locations.get(&supply.location)?;
    let release = pool.policies.iter().filter_map(|(_, policy)| policy.release_date).max();
    let ships = crate::dates::supply_ship_by(supply, location, release, set.now).promised;
    let transit = location.transit.iter().map(|row| row.days_max).max().unwrap_or(0);
    Some(
        ships
            .and_then(|date| location.calendar.add_working(date, u32::from(transit)).ok())
            .unwrap_or(Date::MAX),
    )
}

/// Returns the units of those of some lines that would gain by units that are free or may come free; their orders are
/// loaded. The rest of them blocks nobody: whoever reads a queue reads on behind it.
pub fn gaining(set: Setting<'_>, sku: &Sku, supply: SupplyId, lines: &[Waiting]) -> Units {
    let Some(pool) = set.shop.pool(sku) else { return 0 };
    let Some(from) = pool.supplies.iter().position(|other| other.id == supply) else { return 0 };
    let mut gains = Gains::new(set, pool);
    let could = |waiting: &&Waiting| {
        set.shop
            .orders
            .get(&waiting.line.order)
            .is_some_and(|order| gains.could(order, waiting.line.no, from))
    };
    lines.iter().filter(could).map(|waiting| waiting.quantity).sum()
}

/// All that decides, with a supply, when units are delivered, and how many free ones are kept back from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Buyer<'a> {
    release: Option<Date>,
    country: Option<&'a str>,
}

/// What lines of one pool would gain. Supplies are named by their place in it.
pub(crate) struct Gains<'a> {
    set: Setting<'a>,
    pool: &'a Pool,
    /// Free units up to each supply, itself included. A unit that moves up comes free behind, so moves never add to it.
    free_through: Vec<Units>,
    /// The same by channel, of every channel that has units of the pool; `None` where nothing is ring-fenced, and all have the
    /// same.
    reach: Option<FxHashMap<&'a Channel, Vec<Reach>>>,
    /// When each supply is delivered to a buyer, as far as it was asked. Only looked up.
    delivered: FxHashMap<Buyer<'a>, Vec<Option<Date>>>,
}

impl<'a> Gains<'a> {
    pub(crate) fn new(set: Setting<'a>, pool: &'a Pool) -> Self {
        let free = pool.supplies.iter().scan(0, |free, supply| {
            *free += if supply.kind.is_elastic() { 0 } else { supply.free() };
            Some(*free)
        });
        let fenced = pool.supplies.iter().any(|supply| !supply.ring_fenced.is_empty());
        let reach = fenced.then(|| reach(pool));
        Self { set, pool, free_through: free.collect(), reach, delivered: FxHashMap::default() }
    }

    /// Whether anything of the pool is ring-fenced.
    pub(crate) fn is_fenced(&self) -> bool {
        self.reach.is_some()
    }

    /// Whether a line is delivered earlier from `to`, or on the same day from surer goods, and wants to be.
    ///
    /// Without the second, a line behind an overdue supply, or behind a lead time that goods were entered for, would
    /// wait on while the goods are there. Who waits on no goods yet takes them whatever date is wanted.
    pub(crate) fn gains(&mut self, order: &'a Order, line: u16, from: usize, to: usize) -> bool {
        let Some(line) = order.line(line) else { return false };
        let release = release_day(self.set.shop, self.pool, &order.channel, line.kit());
        let buyer = Buyer { release, country: order.country.as_deref() };
        self.is_better(buyer, from, to)
            && (self.pool.supplies[from].kind.is_elastic()
                || order.requested_date.is_none_or(|wanted| self.delivered(buyer, from) > wanted))
    }

    fn is_better(&mut self, buyer: Buyer<'a>, from: usize, to: usize) -> bool {
        let (now, then) = (self.delivered(buyer, from), self.delivered(buyer, to));
        let (from, to) = (&self.pool.supplies[from], &self.pool.supplies[to]);
        (then, !to.is_on_hand()) < (now, !from.is_on_hand())
            || (then == now && then < Date::MAX && from.kind.is_elastic())
    }

    fn delivered(&mut self, buyer: Buyer<'a>, at: usize) -> Date {
        let Self { set, pool, delivered, .. } = self;
        let known = delivered.entry(buyer).or_insert_with(|| vec![None; pool.supplies.len()]);
        *known[at].get_or_insert_with(|| {
            let supply = &pool.supplies[at];
            let (_, deliver_by) = dates_released(set.shop, supply, buyer.release, buyer.country, set.now);
            deliver_by.promised.unwrap_or(Date::MAX)
        })
    }

    /// Whether a line would gain by any supply before its own of which units may come free to it, or has lost its goods
    /// and gets a lead time.
    fn could(&mut self, order: &'a Order, line: u16, from: usize) -> bool {
        let channel = &order.channel;
        let buffer = Terms::of(self.pool, channel).policy.buffer;
        let supply = &self.pool.supplies[from];
        (supply.kind == SupplyKind::Shortfall && has_lead_time(self.pool, channel))
            || (0..from)
                .any(|to| self.may_have_room(to, channel, buffer) && self.gains(order, line, from, to))
    }

    fn free_before(&self, at: usize) -> Units {
        at.checked_sub(1).map_or(0, |before| self.free_through[before])
    }

    /// Most units of the queue of a supply that can move up from it.
    fn reach_before(&self, at: usize) -> Units {
        let (Some(reach), Some(before)) = (&self.reach, at.checked_sub(1)) else {
            return self.free_before(at);
        };
        let mut pegged: FxHashMap<&Channel, Units> = FxHashMap::default();
        for claim in &self.pool.supplies[at].claims {
            *pegged.entry(&claim.channel).or_default() += claim.pegged;
        }
        let most = |(channel, pegged): (&Channel, Units)| {
            reach.get(channel).map_or(0, |reach| pegged.min(reach[before].own + reach[before].open))
        };
        pegged.into_iter().map(most).sum()
    }

    /// Units are free up to a supply, beyond what a channel keeps back: they are its own, or come free there when lines
    /// move on from it.
    fn may_have_room(&self, to: usize, channel: &Channel, buffer: Units) -> bool {
        if self.pool.supplies[to].kind.is_elastic() {
            return false;
        }
        let Some(reach) = &self.reach else { return self.free_through[to] > buffer };
        reach.get(channel).is_some_and(|reach| reach[to].own > 0 || reach[to].open > buffer)
    }

    /// Whether anybody with a claim on a supply could gain, wherever the goods go: a few claims and countries stand for
    /// the whole queue.
    fn anybody_could(&mut self, from: usize) -> bool {
        if self.free_before(from) == 0 {
            return false;
        }
        let pool = self.pool;
        // Several channels and kits, most of them on the same terms.
        let mut terms: BTreeSet<(Option<Date>, Units, Option<&Channel>)> = BTreeSet::new();
        for claim in pool.supplies[from].claims.iter().filter(|claim| claim.pegged > 0) {
            let buffer = Terms::of(pool, &claim.channel).policy.buffer;
            let kit = claim.kit.as_ref();
            let channel = &claim.channel;
            if kit.is_some_and(|kit| self.set.shop.pool(kit).is_none()) {
                // Its release is not known here, so its lines are looked at.
                if (0..from).any(|to| self.may_have_room(to, channel, buffer)) {
                    return true;
                }
                continue;
            }
            let release = release_day(self.set.shop, pool, channel, kit);
            // Where nothing is ring-fenced, one channel has the room of another.
            terms.insert((release, buffer, self.reach.is_some().then_some(channel)));
        }
        let any = Channel::default();
        terms.into_iter().any(|(release, buffer, channel)| {
            let channel = channel.unwrap_or(&any);
            let rooms: Vec<usize> = (0..from).filter(|to| self.may_have_room(*to, channel, buffer)).collect();
            rooms.into_iter().any(|to| {
                let countries = self.countries(from, to);
                countries.into_iter().any(|country| self.is_better(Buyer { release, country }, from, to))
            })
        })
    }

    /// One country of each kind that makes a difference between two supplies: those with a transit of their own, and any
    /// other. From one place goods that ship earlier arrive earlier, wherever they go.
    fn countries(&self, from: usize, to: usize) -> BTreeSet<Option<&'a str>> {
        let mut countries = BTreeSet::from([None]);
        let places = [from, to].map(|at| &self.pool.supplies[at].location);
        if places[0] != places[1] {
            let locations = places.into_iter().filter_map(|place| self.set.shop.locations.get(place));
            let rows = locations.flat_map(|location| &location.transit);
            let rows = rows.filter(|row| row.service == STANDARD_SERVICE && !row.is_for_any_country());
            countries.extend(rows.map(|row| Some(row.country.as_str())));
        }
        countries
    }

    fn rescues_any(&self, supply: &Supply) -> bool {
        let mut claims = supply.claims.iter().filter(|claim| claim.pegged > 0);
        supply.kind == SupplyKind::Shortfall && claims.any(|claim| has_lead_time(self.pool, &claim.channel))
    }

    /// Units of a supply that a line of this channel may take, its buffer left alone; what others gave up before it in the
    /// same round is free too.
    pub(crate) fn room(&self, to: usize, channel: &Channel, taken: &Taken) -> Units {
        let free = |supply: &Supply| match supply.kind.is_elastic() {
            true => (0, 0),
            false => taken.free_for(supply, channel),
        };
        let before: Units = self.pool.supplies[..to].iter().map(|supply| free(supply).1).sum();
        let keep_back = (Terms::of(self.pool, channel).policy.buffer - before).max(0);
        let (own, open) = free(&self.pool.supplies[to]);
        own + (open - keep_back).max(0)
    }
}

/// Units that a channel may come by up to a supply, itself included.
struct Reach {
    /// Ring-fenced for it.
    own: Units,
    /// For anybody: free now, or given up by lines of other channels that move up into what is ring-fenced for those. Each of
    /// their units does that once at most, as it then has its own.
    open: Units,
}

fn reach(pool: &Pool) -> FxHashMap<&Channel, Vec<Reach>> {
    let goods = || pool.supplies.iter().filter(|supply| !supply.kind.is_elastic());
    let claimants = pool.supplies.iter().flat_map(|supply| supply.claims.iter().map(|claim| &claim.channel));
    let fenced: BTreeSet<&Channel> =
        goods().flat_map(|supply| supply.ring_fenced.iter().map(|fence| &fence.channel)).collect();
    let channels: BTreeSet<&Channel> = claimants.chain(fenced.iter().copied()).collect();
    let of = |channel: &Channel| {
        let (mut own, mut open) = (0, 0);
        // What others have ring-fenced and have not claimed, and what they wait for.
        let mut others: Vec<(&Channel, Units, Units)> =
            fenced.iter().filter(|other| **other != channel).map(|other| (*other, 0, 0)).collect();
        let mut through = Vec::with_capacity(pool.supplies.len());
        for supply in &pool.supplies {
            let is_goods = !supply.kind.is_elastic();
            if is_goods {
                own += supply.left_for(channel).min(supply.free());
                open += supply.open();
            }
            for (other, left, waiting) in &mut others {
                *left += if is_goods { supply.left_for(other) } else { 0 };
                *waiting += if supply.is_on_hand() { 0 } else { supply.claimed_by(other) };
            }
            let given_up: Units = others.iter().map(|(_, left, waiting)| (*left).min(*waiting)).sum();
            through.push(Reach { own, open: open + given_up });
        }
        through
    };
    channels.into_iter().map(|channel| (channel, of(channel))).collect()
}

fn has_lead_time(pool: &Pool, channel: &Channel) -> bool {
    Terms::of(pool, channel).policy.lead_time_days.is_some()
}

/// The queues that stand behind units which came free by moves: for them there are new units to gain by.
pub(crate) fn behind(pool: &Pool, moves: &[Move]) -> Vec<SupplyId> {
    let freed =
        |supply: &Supply| !supply.kind.is_elastic() && moves.iter().any(|step| step.from == supply.id);
    let behind = pool.supplies.iter().skip_while(|supply| !freed(supply)).skip(1);
    behind.map(|supply| supply.id).collect()
}
