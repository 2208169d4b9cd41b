//! The judge's books: every unit by itself, with its place, its date and its owner.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{
    Units,
    event::{AdjustReason, Event, Move, Refenced},
    id::{Channel, HoldId, LineId, LocationId, OrderId, ReleaseId, Sku, SupplyId},
    item::{Item, Policy},
    location::LocationSettings,
    order::{Hold, Line, Order, Peg, Promise},
    state::Shop,
    supply::{Lateness, RingFence, Supply, SupplyKind, SupplyState},
    time::{Date, Timestamp, days_after},
};

use super::{Verdict, ensure};

/// Who owns a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Line(LineId),
    Hold(HoldId),
}

/// An owned unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) owner: Owner,
    pub(super) channel: Channel,
    pub(super) kit: Option<Sku>,
    /// The release that it is with fulfilment by.
    pub(super) released: Option<ReleaseId>,
}

/// Units of one SKU that are in one place or come there on one date.
#[derive(Debug, Clone)]
pub(super) struct Lot {
    pub(super) id: SupplyId,
    pub(super) sku: Sku,
    pub(super) location: LocationId,
    pub(super) kind: SupplyKind,
    pub(super) here: bool,
    /// In quarantine: it is there, and nobody may have it.
    pub(super) kept_back: bool,
    pub(super) date: Option<Date>,
    pub(super) lateness: Lateness,
    pub(super) units: Vec<Option<Claimed>>,
    /// Units that only one channel may have.
    pub(super) fences: BTreeMap<Channel, Units>,
}

impl Lot {
    pub(super) fn of(supply: &Supply) -> Self {
        Self {
            id: supply.id,
            sku: supply.sku.clone(),
            location: supply.location.clone(),
            kind: supply.kind,
            here: supply.is_on_hand(),
            kept_back: supply.state == SupplyState::Quarantine,
            date: supply.expected_on,
            lateness: supply.lateness,
            units: vec![None; usize::try_from(supply.quantity).unwrap_or(0)],
            fences: fences_of(&supply.ring_fenced),
        }
    }

    /// Of the units that only a channel may have, those that it does not own yet.
    pub(super) fn left(&self, channel: &Channel) -> Units {
        let owned = self.count(|unit| unit.as_ref().is_some_and(|claimed| claimed.channel == *channel));
        (self.fences.get(channel).copied().unwrap_or(0) - owned).max(0)
    }

    /// Free units that anybody may have.
    pub(super) fn open(&self) -> Units {
        (self.free() - self.fences.keys().map(|channel| self.left(channel)).sum::<Units>()).max(0)
    }

    /// Free units that a channel may have.
    pub(super) fn free_for(&self, channel: &Channel) -> Units {
        self.open() + self.left(channel).min(self.free())
    }

    pub(super) fn is_elastic(&self) -> bool {
        matches!(self.kind, SupplyKind::LeadTime | SupplyKind::Shortfall)
    }

    pub(super) fn count(&self, wanted: impl Fn(&Option<Claimed>) -> bool) -> Units {
        self.units.iter().map(|unit| Units::from(wanted(unit))).sum()
    }

    pub(super) fn free(&self) -> Units {
        if self.kept_back { 0 } else { self.count(Option::is_none) }
    }

    pub(super) fn owned_by(&self, owner: Owner) -> Units {
        self.count(|unit| unit.as_ref().is_some_and(|claimed| claimed.owner == owner))
    }

    /// Units of an owner that are with fulfilment.
    pub(super) fn released_of(&self, owner: Owner) -> Units {
        self.count(|unit| unit.as_ref().is_some_and(|c| c.owner == owner && c.released.is_some()))
    }

    /// Lines with units in it that can be taken away from them.
    pub(super) fn movable_lines(&self) -> BTreeSet<LineId> {
        let mut lines = self.lines();
        lines.retain(|line| self.owned_by(Owner::Line(*line)) > self.released_of(Owner::Line(*line)));
        lines
    }

    /// Lines with units in it, first come first.
    pub(super) fn lines(&self) -> BTreeSet<LineId> {
        let owners = self.units.iter().flatten().map(|claimed| claimed.owner);
        owners.filter_map(|owner| if let Owner::Line(line) = owner { Some(line) } else { None }).collect()
    }

    /// Where it stands: what is here, then by the date it is promised for, goods before lead times.
    pub(super) fn rank(&self) -> (bool, Date, bool, SupplyId) {
        let comes = self.date.and_then(|date| days_after(date, self.lateness.promised_days));
        (!self.here, comes.unwrap_or(Date::MAX), self.is_elastic(), self.id)
    }

    fn claim(&mut self, claimed: &Claimed, units: Units) -> Verdict {
        for _ in 0..units {
            if self.is_elastic() {
                self.units.push(Some(claimed.clone()));
                continue;
            }
            let channel = &claimed.channel;
            ensure!(
                self.fences.is_empty() || self.free_for(channel) > 0,
                "{} has no free unit that {channel} may have: {:?}",
                self.id,
                self.fences
            );
            let free = self.units.iter_mut().find(|unit| unit.is_none());
            *free.ok_or_else(|| format!("{} has no free unit for {claimed:?}", self.id))? =
                Some(claimed.clone());
        }
        Ok(())
    }

    /// Gives units back that are not with fulfilment.
    pub(super) fn give_back(&mut self, owner: Owner, units: Units) -> Verdict {
        for _ in 0..units {
            let mine = |c: &Claimed| c.owner == owner && c.released.is_none();
            let at = self.units.iter().position(|unit| unit.as_ref().is_some_and(mine));
            let at = at.ok_or_else(|| format!("{owner:?} has no unit of {} to give back", self.id))?;
            if self.is_elastic() { drop(self.units.remove(at)) } else { self.units[at] = None }
        }
        Ok(())
    }

    /// Hands units over to fulfilment, or takes them back from there.
    fn hand_over(
        &mut self,
        owner: Owner,
        units: Units,
        from: Option<ReleaseId>,
        to: Option<ReleaseId>,
    ) -> Verdict {
        ensure!(self.here, "{} is not here to be packed", self.id);
        for _ in 0..units {
            let mut owned = self.units.iter_mut().flatten().filter(|claimed| claimed.owner == owner);
            let unit = owned.find(|claimed| claimed.released == from);
            unit.ok_or_else(|| format!("{owner:?} has no unit of {} with {from:?}", self.id))?.released = to;
        }
        Ok(())
    }

    /// Lets units leave, those with fulfilment first; as many fewer are ring-fenced for their channel.
    fn send(&mut self, owner: Owner, units: Units) -> Verdict {
        let mut owners = self.units.iter().flatten().filter(|claimed| claimed.owner == owner);
        if let Some(channel) = owners.next().map(|claimed| claimed.channel.clone())
            && let Some(fence) = self.fences.get_mut(&channel)
        {
            *fence -= units.min(*fence);
            self.fences.retain(|_, units| *units > 0);
        }
        for _ in 0..units {
            let owned = self.units.iter().enumerate();
            let owned = owned.filter(|(_, unit)| unit.as_ref().is_some_and(|c| c.owner == owner));
            let first = owned.min_by_key(|(_, unit)| unit.as_ref().is_none_or(|c| c.released.is_none()));
            let at = first.map(|(at, _)| at);
            let at = at.ok_or_else(|| format!("{owner:?} has no unit of {} to send", self.id))?;
            self.units.remove(at);
        }
        Ok(())
    }

    pub(super) fn lose_free(&mut self, units: Units) -> Verdict {
        for _ in 0..units {
            let at = self.units.iter().position(Option::is_none);
            drop(self.units.remove(at.ok_or_else(|| format!("{} loses an owned unit", self.id))?));
        }
        Ok(())
    }
}

fn fences_of(fences: &[RingFence]) -> BTreeMap<Channel, Units> {
    fences.iter().map(|fence| (fence.channel.clone(), fence.units)).collect()
}

/// An order as it was placed, and what became of each line since.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) order: Arc<Order>,
    pub(super) lines: BTreeMap<u16, Tally>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) cancelled: Units,
    pub(super) shipped: Units,
    pub(super) sent_back: BTreeMap<Sku, Units>,
    pub(super) promises: Vec<Promise>,
}

impl Placed {
    pub(super) fn open(&self, line: &Line) -> Units {
        let tally = &self.lines[&line.no];
        line.quantity - tally.cancelled - tally.shipped
    }
}

/// All the judge knows.
#[derive(Default)]
pub(super) struct Books {
    pub(super) now: Timestamp,
    pub(super) locations: BTreeMap<LocationId, LocationSettings>,
    pub(super) items: BTreeMap<Sku, Item>,
    pub(super) policies: BTreeMap<(Sku, Channel), Policy>,
    pub(super) lots: BTreeMap<SupplyId, Lot>,
    pub(super) orders: BTreeMap<OrderId, Placed>,
    pub(super) holds: BTreeMap<HoldId, Hold>,
    pub(super) settling: BTreeSet<Sku>,
    /// Received and adjusted less shipped.
    pub(super) ledger: BTreeMap<(Sku, LocationId), Units>,
}

impl Books {
    /// The lots of a SKU in rank order.
    pub(super) fn pool<'a>(&'a self, sku: &'a Sku) -> Vec<&'a Lot> {
        let mut lots: Vec<&Lot> = self.lots.values().filter(|lot| lot.sku == *sku).collect();
        lots.sort_by_key(|lot| lot.rank());
        lots
    }

    pub(super) fn lot(&self, id: SupplyId) -> Result<&Lot, String> {
        self.lots.get(&id).ok_or_else(|| format!("{id} is not open"))
    }

    pub(super) fn lot_mut(&mut self, id: SupplyId) -> Result<&mut Lot, String> {
        self.lots.get_mut(&id).ok_or_else(|| format!("{id} is not open"))
    }

    pub(super) fn order(&self, id: OrderId) -> Result<&Placed, String> {
        self.orders.get(&id).ok_or_else(|| format!("{id} was never placed"))
    }

    /// A line as it was placed, with its order.
    pub(super) fn line(&self, id: LineId) -> Result<(&Placed, &Line), String> {
        let placed = self.order(id.order)?;
        let line = placed.order.line(id.no).ok_or_else(|| format!("{id} is no line"))?;
        Ok((placed, line))
    }

    /// Lines with units of these supplies.
    pub(super) fn lines_on(&self, supplies: &BTreeSet<SupplyId>) -> BTreeSet<LineId> {
        supplies.iter().filter_map(|supply| self.lots.get(supply)).flat_map(Lot::lines).collect()
    }

    pub(super) fn held_skus(&self, hold: HoldId) -> BTreeSet<Sku> {
        let lines = self.holds.get(&hold).into_iter().flat_map(|hold| &hold.lines);
        lines.flat_map(|line| &line.pegs).map(|peg| peg.sku.clone()).collect()
    }

    fn claim(&mut self, claimed: &Claimed, peg: &Peg) -> Verdict {
        let lot = self.lot_mut(peg.supply)?;
        ensure!(lot.sku == peg.sku, "{} is not {}", peg.supply, peg.sku);
        lot.claim(claimed, peg.quantity)
    }

    /// Takes a lot out that has no unit, where lots like it do not stay.
    pub(super) fn close_if_empty(&mut self, id: SupplyId) {
        if self
            .lots
            .get(&id)
            .is_some_and(|lot| lot.units.is_empty() && (lot.here || lot.kept_back || lot.is_elastic()))
        {
            self.lots.remove(&id);
        }
    }

    fn drop_hold(&mut self, id: HoldId) -> Result<Vec<SupplyId>, String> {
        let hold = self.holds.remove(&id).ok_or_else(|| format!("{id} is no hold"))?;
        let mut left = Vec::new();
        for peg in hold.lines.iter().flat_map(|line| &line.pegs) {
            self.lot_mut(peg.supply)?.give_back(Owner::Hold(id), peg.quantity)?;
            left.push(peg.supply);
        }
        Ok(left)
    }

    /// Enters an event. Says no where a unit would have two owners, or would be given by somebody who has none.
    pub(super) fn see(&mut self, event: &Event) -> Verdict {
        match event {
            Event::LocationSet(set) => {
                drop(self.locations.insert(set.location.clone(), set.settings.clone()));
            }
            Event::ItemSet(item) => drop(self.items.insert(item.sku.clone(), item.clone())),
            Event::PolicySet(set) => {
                self.policies.insert((set.sku.clone(), set.channel.clone()), set.policy.clone());
            }
            Event::SupplyAdded(supply) => drop(self.lots.insert(supply.id, Lot::of(supply))),
            Event::SupplyChanged(change) => {
                let lot = self.lot_mut(change.supply)?;
                (lot.date, lot.lateness) = (change.expected_on, change.lateness);
                let more = change.quantity - Units::try_from(lot.units.len()).unwrap_or(0);
                (0..more).for_each(|_| lot.units.push(None));
                lot.lose_free(-more)?;
                self.refence(&change.ring_fenced, None)?;
            }
            Event::SupplyReceived(receipt) => {
                self.receive(receipt)?;
                self.refence(&receipt.ring_fenced, None)?;
            }
            Event::SupplyInspected(inspected) => {
                self.inspect(inspected)?;
                self.refence(&inspected.ring_fenced, None)?;
            }
            Event::StockRingFenced(fenced) => {
                for step in &fenced.ring_fenced {
                    let lot = self.lot_mut(step.supply)?;
                    ensure!(lot.fences == fences_of(&step.before), "{} was fenced otherwise", lot.id);
                    lot.fences = fences_of(&step.now);
                    let mut others = lot.fences.clone();
                    others.remove(&fenced.channel);
                    let mut before = fences_of(&step.before);
                    before.remove(&fenced.channel);
                    ensure!(others == before, "{} is fenced for others too", lot.id);
                }
                let meant = self.lots.values().filter(|lot| match &fenced.location {
                    Some(location) => lot.here && lot.sku == fenced.sku && lot.location == *location,
                    None => fenced.ring_fenced.iter().any(|step| step.supply == lot.id),
                });
                let units: Units = meant.filter_map(|lot| lot.fences.get(&fenced.channel)).sum();
                ensure!(units == fenced.units, "{units} units are fenced, not {}", fenced.units);
            }
            Event::SupplyCancelled(cancel) => self.lose_all(cancel.supply)?,
            Event::StockAdjusted(adjusted) => {
                if let Some(shelf) = &adjusted.opened {
                    self.lots.insert(shelf.id, Lot::of(shelf));
                }
                for (id, delta) in &adjusted.lots {
                    let lot = self.lot_mut(*id)?;
                    ensure!(
                        (lot.here || lot.kept_back) && lot.location == adjusted.location,
                        "{id} is not there"
                    );
                    (0..*delta).for_each(|_| lot.units.push(None));
                    lot.lose_free(-delta)?;
                    self.close_if_empty(*id);
                }
                if let Some(id) = adjusted.line {
                    let (_, line) = self.line(id)?;
                    let each = line.needs().find(|(sku, _)| **sku == adjusted.sku).map_or(0, |(_, n)| n);
                    let sku = adjusted.sku.clone();
                    let mut over = 0;
                    self.tally(id, |tally| {
                        let back = tally.sent_back.entry(sku).or_default();
                        *back += adjusted.delta;
                        over = *back - each * tally.shipped;
                    })?;
                    ensure!(over <= 0 && adjusted.delta > 0, "{id} sent back what it was not sent");
                }
                let key = (adjusted.sku.clone(), adjusted.location.clone());
                *self.ledger.entry(key).or_default() += adjusted.delta;
                match adjusted.reason {
                    AdjustReason::Transfer => self.refence_sent(&adjusted.ring_fenced)?,
                    // Of these goods, and no others of the location.
                    AdjustReason::Loss => self.refence(&adjusted.ring_fenced, None)?,
                    _ => self.refence(&adjusted.ring_fenced, Some(&adjusted.location))?,
                }
            }
            Event::HoldPlaced(hold) => {
                for line in &hold.lines {
                    let owner = Owner::Hold(hold.id);
                    let claimed = Claimed {
                        owner,
                        channel: hold.channel.clone(),
                        kit: line.kit().cloned(),
                        released: None,
                    };
                    line.pegs.iter().try_for_each(|peg| self.claim(&claimed, peg))?;
                }
                self.holds.insert(hold.id, hold.clone());
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => {
                self.drop_hold(gone.hold)?.into_iter().for_each(|lot| self.close_if_empty(lot));
            }
            Event::OrderPlaced(placed) => {
                placed.opened.iter().for_each(|supply| drop(self.lots.insert(supply.id, Lot::of(supply))));
                let left = placed.hold.map(|hold| self.drop_hold(hold)).transpose()?.unwrap_or_default();
                let order = &placed.order;
                for line in &order.lines {
                    let owner = Owner::Line(LineId { order: order.id, no: line.no });
                    let claimed = Claimed {
                        owner,
                        channel: order.channel.clone(),
                        kit: line.kit().cloned(),
                        released: None,
                    };
                    line.pegs.iter().try_for_each(|peg| self.claim(&claimed, peg))?;
                }
                left.into_iter().for_each(|lot| self.close_if_empty(lot));
                let lines = order.lines.iter().map(|line| (line.no, Tally::default())).collect();
                self.orders.insert(order.id, Placed { order: Arc::clone(order), lines });
            }
            Event::LineCancelled(cancelled) => {
                self.tally(cancelled.line, |tally| tally.cancelled += cancelled.quantity)?;
                for peg in &cancelled.freed {
                    self.lot_mut(peg.supply)?.give_back(Owner::Line(cancelled.line), peg.quantity)?;
                    self.close_if_empty(peg.supply);
                }
            }
            Event::RunApplied(run) => {
                run.opened.iter().for_each(|supply| drop(self.lots.insert(supply.id, Lot::of(supply))));
                for step in &run.moves {
                    self.lot_mut(step.from)?.give_back(Owner::Line(step.line), step.quantity)?;
                }
                for step in &run.moves {
                    self.take(step)?;
                }
                run.moves.iter().for_each(|step| self.close_if_empty(step.from));
            }
            Event::PoolSettling(set) if set.settling => drop(self.settling.insert(set.sku.clone())),
            Event::PoolSettling(set) => drop(self.settling.remove(&set.sku)),
            Event::PromiseGiven(given) => {
                for promise in &given.promises {
                    let line = LineId { order: given.order, no: promise.line };
                    self.tally(line, |tally| tally.promises.push(promise.promise.clone()))?;
                }
            }
            Event::Released(released) => {
                for step in &released.lines {
                    let owner = Owner::Line(LineId { order: released.order, no: step.line });
                    for peg in &step.picks {
                        let lot = self.lot_mut(peg.supply)?;
                        ensure!(lot.location == released.location, "{} is packed elsewhere", lot.id);
                        lot.hand_over(owner, peg.quantity, None, Some(released.release))?;
                    }
                }
            }
            Event::ReleaseReturned(returned) => {
                for step in &returned.lines {
                    let owner = Owner::Line(LineId { order: returned.order, no: step.line });
                    for peg in &step.picks {
                        let lot = self.lot_mut(peg.supply)?;
                        lot.hand_over(owner, peg.quantity, Some(returned.release), None)?;
                    }
                }
            }
            Event::Shipped(shipped) => {
                for step in &shipped.lines {
                    let id = LineId { order: shipped.order, no: step.line };
                    self.tally(id, |tally| tally.shipped += step.quantity)?;
                    for peg in &step.from {
                        let lot = self.lot_mut(peg.supply)?;
                        ensure!(lot.here, "{} ships before it is here", peg.supply);
                        lot.send(Owner::Line(id), peg.quantity)?;
                        let key = (lot.sku.clone(), lot.location.clone());
                        self.close_if_empty(peg.supply);
                        *self.ledger.entry(key).or_default() -= peg.quantity;
                    }
                }
            }
            Event::RunUndone(undone) => self.undo(undone)?,
            // Beside the goods.
            Event::OrderRefused(_)
            | Event::OrderCancelled(_)
            | Event::OrderChanged(_)
            | Event::WaitlistJoined(_)
            | Event::WaitlistInvited(_)
            | Event::WaitlistEnded(_)
            | Event::AccountOpened(_)
            | Event::Charged(_)
            | Event::RefundDue(_)
            | Event::Refunded(_)
            | Event::PaymentChanged(_)
            | Event::RecordsSet(_)
            | Event::LatenessLearned(_)
            | Event::AdviceFollowed(_)
            | Event::NoticeDrafted(_)
            | Event::MessageWritten(_)
            | Event::NoticeSent(_)
            | Event::NoticeFailed(_)
            | Event::NoticeAnswered(_) => {}
        }
        Ok(())
    }

    /// What went to another location for a channel is ring-fenced for it no more, and for nobody else more or less.
    fn refence_sent(&mut self, fences: &[Refenced]) -> Verdict {
        for step in fences {
            let (before, now) = (fences_of(&step.before), fences_of(&step.now));
            let changed: Vec<_> = before.iter().filter(|(of, units)| now.get(*of) != Some(*units)).collect();
            ensure!(changed.len() == 1, "{} is fenced otherwise for {changed:?}", step.supply);
            if let Some(lot) = self.lots.get_mut(&step.supply) {
                ensure!(lot.fences == before, "{} was fenced otherwise", lot.id);
                lot.fences = now;
            }
        }
        Ok(())
    }

    /// What is ring-fenced of supplies that changed: what a channel loses by that, there was no unit left for that anybody might
    /// have; at a whole location, where it is one of goods on hand.
    fn refence(&mut self, fences: &[Refenced], at: Option<&LocationId>) -> Verdict {
        let (mut before, mut now) = (BTreeMap::new(), BTreeMap::new());
        let add = |sums: &mut BTreeMap<Channel, Units>, fences: &[RingFence]| {
            fences.iter().for_each(|fence| *sums.entry(fence.channel.clone()).or_default() += fence.units);
        };
        for step in fences {
            add(&mut before, &step.before);
            add(&mut now, &step.now);
            match self.lots.get_mut(&step.supply) {
                Some(lot) => {
                    ensure!(
                        lot.is_elastic() || lot.fences == fences_of(&step.before),
                        "{} was fenced otherwise",
                        lot.id
                    );
                    lot.fences = fences_of(&step.now);
                }
                None => ensure!(step.now.is_empty(), "{} is closed and fenced", step.supply),
            }
        }
        let lost = before.iter().find(|(channel, units)| now.get(*channel).unwrap_or(&0) < *units);
        let Some((channel, _)) = lost else { return Ok(()) };
        let Some(sku) = fences.iter().find_map(|step| self.lots.get(&step.supply)).map(|lot| &lot.sku) else {
            return Ok(());
        };
        let rest = self.lots.values().filter(|lot| match at {
            Some(at) => lot.here && lot.sku == *sku && lot.location == *at,
            None => fences.iter().any(|step| step.supply == lot.id),
        });
        let here = at
            .is_none_or(|_| fences.iter().all(|step| self.lots.get(&step.supply).is_none_or(|lot| lot.here)));
        let open: Units = rest.filter(|lot| !lot.is_elastic()).map(Lot::open).sum();
        ensure!(!here || open == 0, "{channel} lost units while {open} were for anybody");
        Ok(())
    }

    /// A line gets units of a supply that a move says.
    pub(super) fn take(&mut self, step: &Move) -> Verdict {
        let (placed, line) = self.line(step.line)?;
        let channel = placed.order.channel.clone();
        let (owner, kit) = (Owner::Line(step.line), line.kit().cloned());
        let claimed = Claimed { owner, channel, kit, released: None };
        self.lot_mut(step.to)?.claim(&claimed, step.quantity)
    }

    /// A supply will not come: what is owned of it stays so, without a date.
    pub(super) fn lose_all(&mut self, id: SupplyId) -> Verdict {
        let lot = self.lot_mut(id)?;
        (lot.kind, lot.date) = (SupplyKind::Shortfall, None);
        lot.fences.clear();
        lot.units.retain(Option::is_some);
        self.close_if_empty(id);
        Ok(())
    }

    fn tally(&mut self, id: LineId, change: impl FnOnce(&mut Tally)) -> Verdict {
        let placed =
            self.orders.get_mut(&id.order).ok_or_else(|| format!("{} was never placed", id.order))?;
        change(placed.lines.get_mut(&id.no).ok_or_else(|| format!("{id} is no line"))?);
        Ok(())
    }

    /// Holds the shop against the books: supplies, lines and what is on hand by the ledger alone.
    pub(super) fn compare(&self, shop: &Shop) -> Verdict {
        let mut lots = 0;
        for supply in shop.pools.values().flat_map(|pool| &pool.supplies) {
            lots += 1;
            let lot = self.lot(supply.id)?;
            let held = lot.count(|unit| unit.as_ref().is_some_and(|c| matches!(c.owner, Owner::Hold(_))));
            let mine = (lot.units.len(), lot.free(), held, (lot.here, lot.kept_back), lot.date, lot.kind);
            let quantity = usize::try_from(supply.quantity).unwrap_or(usize::MAX);
            let theirs = (
                quantity,
                supply.free(),
                supply.held(),
                (supply.is_on_hand(), supply.state == SupplyState::Quarantine),
                supply.expected_on,
                supply.kind,
            );
            let released = lot.count(|unit| unit.as_ref().is_some_and(|c| c.released.is_some()));
            ensure!(released == supply.released(), "{} has {released} with fulfilment", supply.id);
            ensure!(mine == theirs, "{} differs: {mine:?} here, {theirs:?} there", supply.id);
            let fences = fences_of(&supply.ring_fenced);
            ensure!(lot.fences == fences, "{} is fenced {fences:?}, not {:?}", supply.id, lot.fences);
            let left: Units = lot.fences.keys().map(|channel| lot.left(channel)).sum();
            let unowned = lot.count(Option::is_none);
            ensure!(left <= unowned, "{} has {unowned} units for {left} that are fenced", supply.id);
            ensure!(lot.open() == supply.open(), "{} has {} open units", supply.id, supply.open());
            ensure!(lot.fences.is_empty() || !lot.is_elastic(), "{} is elastic and fenced", supply.id);
        }
        ensure!(lots == self.lots.len(), "{lots} supplies are open, not {}", self.lots.len());
        ensure!(shop.holds.len() == self.holds.len(), "other holds are kept");
        for placed in self.orders.values() {
            let kept = shop.orders.get(&placed.order.id).ok_or("an order is lost")?;
            for line in &placed.order.lines {
                self.compare_line(placed, line, kept.line(line.no).ok_or("a line is lost")?)?;
            }
        }
        let mut here: BTreeMap<(Sku, LocationId), Units> = BTreeMap::new();
        for lot in self.lots.values().filter(|lot| lot.here || lot.kept_back) {
            let units = Units::try_from(lot.units.len()).unwrap_or(0);
            *here.entry((lot.sku.clone(), lot.location.clone())).or_default() += units;
        }
        let ledger: BTreeMap<_, _> =
            self.ledger.clone().into_iter().filter(|(_, units)| *units != 0).collect();
        here.retain(|_, units| *units != 0);
        ensure!(here == ledger, "{here:?} is on hand, {ledger:?} by the ledger");
        Ok(())
    }

    fn compare_line(&self, placed: &Placed, line: &Line, kept: &Line) -> Verdict {
        let id = LineId { order: placed.order.id, no: line.no };
        ensure!(kept.open() == placed.open(line), "{id} has other open units");
        ensure!(kept.promises == placed.lines[&line.no].promises, "{id} keeps other promises");
        if placed.open(line) == 0 {
            // Units it still owned would be missing to whoever is said to own them.
            ensure!(kept.pegs.is_empty(), "{id} is done and has units");
            return Ok(());
        }
        for (sku, each) in line.needs() {
            let owned: Units = self.pool(sku).iter().map(|lot| lot.owned_by(Owner::Line(id))).sum();
            ensure!(
                owned == each * placed.open(line),
                "{id} has {owned} units of {sku} for {}",
                placed.open(line)
            );
        }
        for peg in &kept.pegs {
            let owned = self.lot(peg.supply)?.owned_by(Owner::Line(id));
            let released = self.lot(peg.supply)?.released_of(Owner::Line(id));
            ensure!(
                released == kept.released_on(peg.supply),
                "{id} has {released} of {} with fulfilment",
                peg.supply
            );
            ensure!(owned == peg.quantity, "{id} has {owned} units of {}, not {}", peg.supply, peg.quantity);
        }
        Ok(())
    }
}
