//! Units that change hands between orders that wait to be shipped whole.

use std::collections::{BTreeMap, BTreeSet};

use allocate::pool::Peg;
use model::{
    Units,
    allocation::{PackedOrder, Strategy},
    id::{Channel, LineId, LocationId, OrderId, Sku, SupplyId},
    order::{Order, ShipChoice},
    pool::Pool,
    state::Shop,
    time::{Date, Timestamp},
};

use crate::allocation::{
    Target,
    pool::{movable, supplies},
    settings::Settings,
};

/// A line's units of one SKU.
pub(super) type Place = (LineId, Sku);

/// When goods are ready; those of which nobody knows come last.
type Day = (bool, Option<Date>);

/// The units of waiting orders, and what is on hand for them, as they change hands.
pub(super) struct Swaps<'a> {
    shop: &'a Shop,
    /// Units that are not with fulfilment, as they are by now.
    pegs: BTreeMap<LineId, BTreeMap<Sku, Vec<Peg>>>,
    /// Units on hand at the location that nobody has, by pool.
    free: BTreeMap<Sku, Vec<Peg>>,
    /// Supplies on hand, wherever; true: at the location.
    on_hand: BTreeMap<SupplyId, bool>,
    ready: BTreeMap<SupplyId, Day>,
    /// When an order was ready before anything changed hands: it never gets later by giving.
    ready_before: BTreeMap<OrderId, Day>,
    /// What a giver's units may be changed for.
    gives_all: BTreeSet<OrderId>,
    moved: BTreeSet<Place>,
    /// Of supplies of which something is ring-fenced: how many units each channel has claimed by now, and how many are for it.
    fences: BTreeMap<SupplyId, BTreeMap<Channel, (Units, Units)>>,
}

/// Whether an order may take part: it is shipped whole, none of its lines is locked or stays as it is, and all that it waits for
/// is on sale by now.
pub(super) fn takes_part(shop: &Shop, settings: &Settings, order: &Order, today: Date) -> bool {
    order.ship == ShipChoice::Complete
        && order.is_open()
        && order.lines.iter().filter(|line| line.open() > 0).all(|line| {
            let id = LineId { order: order.id, no: line.no };
            let out = |sku: &Sku| {
                let pool = shop.pool(sku);
                let from = pool.and_then(|pool| promise::release_day(shop, pool, &order.channel, line.kit()));
                from.is_none_or(|from| from <= today)
            };
            !settings.stays(id) && line.needs().all(|(sku, _)| out(sku))
        })
}

impl<'a> Swaps<'a> {
    /// The orders and their pools are loaded.
    pub(super) fn new(
        shop: &'a Shop,
        settings: &Settings,
        location: &LocationId,
        orders: impl Iterator<Item = OrderId>,
        now: Timestamp,
    ) -> Self {
        let mut all = Self {
            shop,
            pegs: BTreeMap::new(),
            free: BTreeMap::new(),
            on_hand: BTreeMap::new(),
            ready: BTreeMap::new(),
            ready_before: BTreeMap::new(),
            gives_all: BTreeSet::new(),
            moved: BTreeSet::new(),
            fences: BTreeMap::new(),
        };
        for order in orders.filter_map(|id| shop.orders.get(&id)) {
            let mut gives_all = true;
            for line in order.lines.iter().filter(|line| line.open() > 0) {
                let id = LineId { order: order.id, no: line.no };
                for (sku, _) in line.needs() {
                    all.pegs.entry(id).or_default().insert(sku.clone(), movable(line, sku));
                    if !all.free.contains_key(sku)
                        && let Some(pool) = shop.pool(sku)
                    {
                        all.note_pool(pool, location, now);
                    }
                    gives_all &= strategy(shop, settings, id, sku).is_some_and(|own| !own.is_protected());
                }
            }
            if gives_all {
                all.gives_all.insert(order.id);
            }
            let latest = all.pegs_of(order.id).map(|(_, _, peg)| all.ready_on(peg.supply)).max();
            all.ready_before.insert(order.id, latest.unwrap_or_default());
        }
        all
    }

    fn note_pool(&mut self, pool: &Pool, location: &LocationId, now: Timestamp) {
        let mut free = Vec::new();
        for usable in supplies(self.shop, pool, now) {
            let Some(supply) = pool.supply(usable.id) else { continue };
            if !supply.ring_fenced.is_empty() {
                let claims = supply.claims.iter().map(|claim| &claim.channel);
                let channels = claims.chain(supply.ring_fenced.iter().map(|fence| &fence.channel));
                let stands =
                    |channel: &Channel| (supply.claimed_by(channel), supply.ring_fenced_for(channel));
                let stands = channels.map(|channel| (channel.clone(), stands(channel)));
                self.fences.insert(supply.id, stands.collect());
            }
            self.ready.insert(usable.id, (usable.ready.is_none(), usable.ready));
            if usable.on_hand {
                let here = supply.location == *location;
                self.on_hand.insert(usable.id, here);
                let quantity = usable.quantity - (supply.pegged() - supply.released());
                if here && quantity > 0 {
                    free.push(Peg { supply: usable.id, quantity });
                }
            }
        }
        self.free.insert(pool.sku().clone(), free);
    }

    fn pegs_of(&self, order: OrderId) -> impl Iterator<Item = (LineId, &Sku, &Peg)> {
        let of_order = self.pegs.range(LineId { order, no: 0 }..=LineId { order, no: u16::MAX });
        let by_sku =
            of_order.flat_map(|(line, by_sku)| by_sku.iter().map(move |(sku, pegs)| (*line, sku, pegs)));
        let all = by_sku.flat_map(|(line, sku, pegs)| pegs.iter().map(move |peg| (line, sku, peg)));
        all.filter(|(_, _, peg)| peg.quantity > 0)
    }

    fn ready_on(&self, supply: SupplyId) -> Day {
        // What was lost has no supply to wait for.
        self.ready.get(&supply).copied().unwrap_or((true, None))
    }

    /// Whether every unit is here.
    pub(super) fn is_whole(&self, order: OrderId) -> bool {
        self.pegs_of(order).all(|(_, _, peg)| self.on_hand.contains_key(&peg.supply))
    }

    /// Units that an order needs of what is at the location: what it has of it, and what it waits for.
    pub(super) fn needs(&self, order: OrderId) -> BTreeMap<Sku, Units> {
        let mut needs = BTreeMap::new();
        for (_, sku, peg) in self.pegs_of(order) {
            if self.on_hand.get(&peg.supply) != Some(&false) {
                *needs.entry(sku.clone()).or_default() += peg.quantity;
            }
        }
        needs
    }

    /// Units at the location that these orders have, and those that nobody has.
    pub(super) fn there(&self) -> BTreeMap<Sku, Units> {
        let sum = |pegs: &[Peg]| pegs.iter().map(|peg| peg.quantity).sum::<Units>();
        let mut there: BTreeMap<Sku, Units> =
            self.free.iter().map(|(sku, free)| (sku.clone(), sum(free))).collect();
        for (sku, pegs) in self.pegs.values().flatten() {
            let here = pegs.iter().filter(|peg| self.on_hand.get(&peg.supply) == Some(&true));
            *there.entry(sku.clone()).or_default() += here.map(|peg| peg.quantity).sum::<Units>();
        }
        there
    }

    /// Makes an order whole: with what is free, then with units of givers, from the first of them on, who get what it waited
    /// for. A giver never gets later than it was, unless its strategy lets it. Answers how many units changed hands; `None`: it
    /// cannot be whole, and all is as it was.
    pub(super) fn serve(&mut self, order: OrderId, givers: &[OrderId]) -> Option<Units> {
        let waits: Vec<(Place, Peg)> = self
            .pegs_of(order)
            .filter(|(_, _, peg)| !self.on_hand.contains_key(&peg.supply))
            .map(|(line, sku, peg)| ((line, sku.clone()), *peg))
            .collect();
        let units = waits.iter().map(|(_, peg)| peg.quantity).sum();
        let mut done: Vec<(Place, Option<Place>, SupplyId, SupplyId, Units)> = Vec::new();
        for (place, wanted) in waits {
            let mut left = wanted.quantity;
            while left > 0 {
                let Some((giver, supply, room)) = self.offer(&place.1, order, wanted.supply, givers) else {
                    for (taker, giver, from, to, quantity) in done {
                        self.change_hands(&taker, giver.as_ref(), (from, to), -quantity);
                    }
                    return None;
                };
                let quantity = left.min(room);
                self.change_hands(&place, giver.as_ref(), (wanted.supply, supply), quantity);
                done.push((place.clone(), giver, wanted.supply, supply, quantity));
                left -= quantity;
            }
        }
        for (taker, giver, ..) in done {
            self.moved.insert(taker);
            self.moved.extend(giver);
        }
        Some(units)
    }

    fn channel(&self, order: OrderId) -> Option<&'a Channel> {
        self.shop.orders.get(&order).map(|order| &order.channel)
    }

    /// How many units of a supply one order may leave to another: what is ring-fenced for the channel of the one goes to no
    /// other channel.
    fn may_leave(&self, supply: SupplyId, from: OrderId, to: OrderId) -> Units {
        let Some(fences) = self.fences.get(&supply) else { return Units::MAX };
        let (Some(from), Some(to)) = (self.channel(from), self.channel(to)) else { return 0 };
        if from == to {
            return Units::MAX;
        }
        let stands = |channel: &Channel| fences.get(channel).copied().unwrap_or_default();
        let ((has, own), (taken, left)) = (stands(from), stands(to));
        (has - own).max(0) + (left - taken).max(0)
    }

    /// Gives a line so many more units of a supply, or fewer.
    fn shift(&mut self, place: &Place, supply: SupplyId, by: Units) {
        let (line, sku) = place;
        if let Some(pegs) = self.pegs.get_mut(line).and_then(|by_sku| by_sku.get_mut(sku)) {
            add(pegs, supply, by);
        }
        let channel = self.channel(line.order);
        if let (Some(fences), Some(channel)) = (self.fences.get_mut(&supply), channel) {
            fences.entry(channel.clone()).or_default().0 += by;
        }
    }

    /// The next units on hand for somebody who waits for a supply: whose they are, of which supply, how many.
    fn offer(
        &self,
        sku: &Sku,
        taker: OrderId,
        waited_for: SupplyId,
        givers: &[OrderId],
    ) -> Option<(Option<Place>, SupplyId, Units)> {
        if let Some(free) = self.free.get(sku).into_iter().flatten().find(|peg| peg.quantity > 0) {
            return Some((None, free.supply, free.quantity));
        }
        let day = self.ready_on(waited_for);
        let may_give = |giver: &&OrderId| {
            self.gives_all.contains(giver)
                || self.ready_before.get(giver).is_some_and(|before| day <= *before)
        };
        givers.iter().filter(may_give).find_map(|giver| {
            // What the giver waits for then is the taker's now.
            let back = self.may_leave(waited_for, taker, *giver);
            let room = |peg: &Peg| peg.quantity.min(back).min(self.may_leave(peg.supply, *giver, taker));
            let here = |(_, of, peg): &(LineId, &Sku, &Peg)| {
                *of == sku && self.on_hand.get(&peg.supply) == Some(&true) && room(peg) > 0
            };
            let (line, _, peg) = self.pegs_of(*giver).find(here)?;
            Some((Some((line, sku.clone())), peg.supply, room(peg)))
        })
    }

    /// Gives a taker units of one supply for those of another, and a giver the other way round; fewer than none takes it back.
    fn change_hands(
        &mut self,
        taker: &Place,
        giver: Option<&Place>,
        (from, to): (SupplyId, SupplyId),
        quantity: Units,
    ) {
        self.shift(taker, from, -quantity);
        self.shift(taker, to, quantity);
        if let Some(giver) = giver {
            self.shift(giver, to, -quantity);
            self.shift(giver, from, quantity);
        } else if let Some(free) = self.free.get_mut(&taker.1) {
            add(free, to, -quantity);
        }
    }

    /// Lines whose goods changed, with all their units, by pool.
    pub(super) fn targets(&self) -> BTreeMap<Sku, Vec<Target>> {
        let mut targets: BTreeMap<Sku, Vec<Target>> = BTreeMap::new();
        for (line, sku) in &self.moved {
            let pegs = self.pegs.get(line).and_then(|by_sku| by_sku.get(sku)).into_iter().flatten();
            let pegs = pegs.filter(|peg| peg.quantity > 0).map(|peg| (peg.supply, peg.quantity));
            targets.entry(sku.clone()).or_default().push((*line, pegs.collect()));
        }
        targets
    }

    /// An order that was made whole.
    pub(super) fn packed(&self, order: OrderId, units_moved: Units) -> PackedOrder {
        let reference = self.shop.orders.get(&order).and_then(|order| order.reference.clone());
        PackedOrder { order, reference, units_moved }
    }

    /// Orders of these whose goods changed.
    pub(super) fn changed(&self, of: &[OrderId]) -> Vec<OrderId> {
        let changed: BTreeSet<OrderId> = self.moved.iter().map(|(line, _)| line.order).collect();
        of.iter().copied().filter(|order| changed.contains(order)).collect()
    }
}

fn add(pegs: &mut Vec<Peg>, supply: SupplyId, by: Units) {
    match pegs.iter_mut().find(|peg| peg.supply == supply) {
        Some(peg) => peg.quantity += by,
        None => pegs.push(Peg { supply, quantity: by }),
    }
}

/// What a run may do to a line's units of a pool.
fn strategy(shop: &Shop, settings: &Settings, line: LineId, sku: &Sku) -> Option<Strategy> {
    let own = settings.line(line).and_then(|terms| terms.strategy);
    own.or_else(|| settings.of(&shop.pool(sku)?.item).1).or_else(|| Some(Strategy::default()))
}
