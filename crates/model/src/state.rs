//! What is kept of a merchant, and what each event does to it.
//!
//! The same [`Shop::apply`] runs when a decision is committed and when the ledger is replayed: that is why replay
//! gives the same tables. It decides nothing and only refuses what cannot have happened.

mod receipt;
mod run;

use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use crate::{
    Units,
    event::{
        Event, LineCancelled, LinePromise, Move, Noted, NoticeSent, OrderPlaced, Refenced, ReleaseReturned,
        Released, RunApplied, Shipped, StockAdjusted,
    },
    id::{Channel, HoldId, LineId, LocationId, OrderId, Sku, SupplyId},
    item::Item,
    location::LocationSettings,
    order::{Hold, Line, Order, ReleasedUnits},
    parcel::Parcel,
    pool::Pool,
    record::{Record, RecordKey},
    supply::{Supply, SupplyState},
};

/// An event that does not fit what is kept: a ledger or a table was tampered with, or there is a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// More units were claimed than there are, or than are not ring-fenced for others.
    #[error("{0} would be claimed beyond its quantity, or beyond what is not ring-fenced for others")]
    Overclaimed(SupplyId),
    /// More units were set free than were claimed.
    #[error("{0} would be freed of more than was claimed")]
    Freed(SupplyId),
    /// Units would be with fulfilment that are not pegged goods on hand, or that are there already.
    #[error("{0} would have other units with fulfilment than its pegs have on hand")]
    Released(SupplyId),
    /// A supply that is not open.
    #[error("{supply} is not an open supply of {sku}")]
    NoSupply {
        /// The supply.
        supply: SupplyId,
        /// The pool it was looked for in.
        sku: Sku,
    },
    /// A SKU that was never described.
    #[error("{0} is not a known sku")]
    NoPool(Sku),
    /// An order that is not kept.
    #[error("{0} is not a known order")]
    NoOrder(OrderId),
    /// A line that its order does not have.
    #[error("{0} is not a known line")]
    NoLine(LineId),
    /// A hold that is not kept.
    #[error("{0} is not a known hold")]
    NoHold(HoldId),
    /// A line's numbers do not add up.
    #[error("{0} would not add up")]
    Line(LineId),
}

/// What is kept of one merchant, or the part of it that is loaded.
#[derive(Debug, Clone, Default)]
pub struct Shop {
    /// Every location, sorted by id.
    pub locations: Arc<BTreeMap<LocationId, Arc<LocationSettings>>>,
    /// Pools by SKU; shared with readers, so that publishing one copies a pointer.
    pub pools: FxHashMap<Sku, Arc<Pool>>,
    /// Orders by id.
    pub orders: FxHashMap<OrderId, Arc<Order>>,
    /// Holds that still hold something.
    pub holds: FxHashMap<HoldId, Arc<Hold>>,
    /// Records, those that are gone too: as whoever last set them did.
    pub records: FxHashMap<RecordKey, Arc<Record>>,
}

/// What events changed since it was last taken: the rows to write. May name a thing twice.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Locations described.
    pub locations: Vec<LocationId>,
    /// Items described.
    pub items: Vec<Sku>,
    /// Policies set.
    pub policies: Vec<(Sku, Channel)>,
    /// Pools whose version counts up.
    pub pools: Vec<Sku>,
    /// Open supplies that changed.
    pub supplies: Vec<(Sku, SupplyId)>,
    /// Supplies that left their pool, as they were then.
    pub closed: Vec<Supply>,
    /// Orders placed.
    pub placed: Vec<OrderId>,
    /// Lines whose numbers changed.
    pub lines: Vec<LineId>,
    /// Pegs that changed: written if the line still has them, else deleted.
    pub pegs: Vec<(LineId, SupplyId)>,
    /// Promises given: the line, and which version.
    pub promises: Vec<(LineId, u32)>,
    /// Holds placed.
    pub holds_placed: Vec<HoldId>,
    /// Holds that are gone.
    pub holds_gone: Vec<HoldId>,
    /// Records set, or gone.
    pub records: Vec<RecordKey>,
}

impl Shop {
    /// The pool of a SKU, if it is loaded.
    pub fn pool(&self, sku: &Sku) -> Option<&Pool> {
        self.pools.get(sku).map(|pool| &**pool)
    }

    /// Does what the event says, and notes which rows that changes.
    ///
    /// Everything the event speaks of must be loaded. Errors: it does not fit what is kept; the shop may then be
    /// changed in part and must be loaded anew.
    pub fn apply(&mut self, event: &Event, touched: &mut Touched) -> Result<(), Inconsistent> {
        match event {
            Event::LocationSet(set) => {
                Arc::make_mut(&mut self.locations)
                    .insert(set.location.clone(), Arc::new(set.settings.clone()));
                touched.locations.push(set.location.clone());
            }
            Event::ItemSet(item) => self.set_item(item, touched),
            Event::PolicySet(set) => {
                let pool = self.pool_mut(&set.sku, touched)?;
                pool.policies.retain(|(channel, _)| *channel != set.channel);
                let at = pool.policies.partition_point(|(channel, _)| *channel < set.channel);
                pool.policies.insert(at, (set.channel.clone(), Arc::new(set.policy.clone())));
                touched.policies.push((set.sku.clone(), set.channel.clone()));
            }
            Event::SupplyAdded(supply) => self.open_supply(supply, touched)?,
            Event::SupplyChanged(change) => {
                self.lift_fences(&change.sku, &change.ring_fenced, touched)?;
                self.change_supply(&change.sku, change.supply, touched, |supply| {
                    supply.expected_on = change.expected_on;
                    supply.quantity = change.quantity;
                    supply.lateness = change.lateness;
                })?;
                self.set_fences(&change.sku, &change.ring_fenced, touched)?;
            }
            Event::SupplyReceived(receipt) => {
                self.lift_fences(&receipt.sku, &receipt.ring_fenced, touched)?;
                self.receive(receipt, touched)?;
                self.set_fences(&receipt.sku, &receipt.ring_fenced, touched)?;
            }
            Event::SupplyInspected(inspected) => {
                self.lift_fences(&inspected.sku, &inspected.ring_fenced, touched)?;
                self.inspect(inspected, touched)?;
                self.set_fences(&inspected.sku, &inspected.ring_fenced, touched)?;
            }
            Event::SupplyCancelled(cancel) => self.lose(&cancel.sku, cancel.supply, touched)?,
            Event::StockAdjusted(adjusted) => {
                self.lift_fences(&adjusted.sku, &adjusted.ring_fenced, touched)?;
                self.adjust(adjusted, touched)?;
                self.set_fences(&adjusted.sku, &adjusted.ring_fenced, touched)?;
            }
            Event::StockRingFenced(fenced) => {
                self.set_fences(&fenced.sku, &fenced.ring_fenced, touched)?;
            }
            Event::HoldPlaced(hold) => {
                for line in &hold.lines {
                    self.claim_line(&hold.channel, line, Claimed::Held, 1, touched)?;
                }
                self.holds.insert(hold.id, Arc::new(hold.clone()));
                touched.holds_placed.push(hold.id);
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => {
                let hold = self.drop_hold(gone.hold, touched)?;
                self.close_left(&hold, touched)?;
            }
            Event::OrderPlaced(placed) => self.place(placed, touched)?,
            Event::LineCancelled(cancelled) => self.cancel_line(cancelled, touched)?,
            Event::RunApplied(run) => self.run(run, touched)?,
            Event::PoolSettling(settling) => {
                self.pool_mut(&settling.sku, touched)?.settling = settling.settling;
            }
            Event::PromiseGiven(given) => {
                let order = self.order_mut(given.order)?;
                for LinePromise { line: no, promise } in &given.promises {
                    let id = LineId { order: given.order, no: *no };
                    let line = order.line_mut(*no).ok_or(Inconsistent::NoLine(id))?;
                    line.promises.push(promise.clone());
                    touched.promises.push((id, promise.version));
                }
            }
            Event::Released(released) => self.release(released, touched)?,
            Event::ReleaseReturned(returned) => self.take_back(returned, touched)?,
            Event::Shipped(shipped) => self.ship(shipped, touched)?,
            Event::RunUndone(undone) => self.undo(undone, touched)?,
            Event::NoticeSent(sent) => self.tell(sent, touched)?,
            Event::WaitlistJoined(noted)
            | Event::WaitlistInvited(noted)
            | Event::WaitlistEnded(noted)
            | Event::AccountOpened(noted)
            | Event::Charged(noted)
            | Event::RefundDue(noted)
            | Event::Refunded(noted)
            | Event::PaymentChanged(noted)
            | Event::LatenessLearned(noted)
            | Event::AdviceFollowed(noted)
            | Event::NoticeDrafted(noted)
            | Event::MessageWritten(noted)
            | Event::NoticeFailed(noted)
            | Event::NoticeAnswered(noted)
            | Event::RecordsSet(noted) => self.note(noted, touched),
            Event::OrderChanged(change) => {
                let order = self.order_mut(change.order)?;
                order.ship = change.ship;
                touched.lines.extend(order.lines.iter().map(|line| LineId { order: order.id, no: line.no }));
            }
            Event::OrderRefused(_) | Event::OrderCancelled(_) => {}
        }
        Ok(())
    }

    /// Sets every record that the event carries: it needs none of them loaded.
    fn note(&mut self, noted: &Noted, touched: &mut Touched) {
        noted.records.iter().for_each(|record| self.keep_record(record, touched));
    }

    fn keep_record(&mut self, record: &Record, touched: &mut Touched) {
        touched.records.push(record.key());
        self.records.insert(record.key(), Arc::new(record.clone()));
    }

    /// Marks promises as told.
    fn tell(&mut self, sent: &NoticeSent, touched: &mut Touched) -> Result<(), Inconsistent> {
        let order = self.order_mut(sent.order)?;
        for &(no, version) in &sent.told {
            let id = LineId { order: sent.order, no };
            let line = order.line_mut(no).ok_or(Inconsistent::NoLine(id))?;
            for promise in line.promises.iter_mut().filter(|promise| promise.version == version) {
                promise.told_at.get_or_insert(sent.at);
                touched.promises.push((id, version));
            }
        }
        sent.records.iter().for_each(|record| self.keep_record(record, touched));
        Ok(())
    }

    fn set_item(&mut self, item: &Item, touched: &mut Touched) {
        match self.pools.get_mut(&item.sku) {
            Some(pool) => Arc::make_mut(pool).item = Arc::new(item.clone()),
            None => drop(self.pools.insert(item.sku.clone(), Arc::new(Pool::new(item.clone())))),
        }
        touched.items.push(item.sku.clone());
        touched.pools.push(item.sku.clone());
    }

    fn pool_mut(&mut self, sku: &Sku, touched: &mut Touched) -> Result<&mut Pool, Inconsistent> {
        touched.pools.push(sku.clone());
        self.pools.get_mut(sku).map(Arc::make_mut).ok_or_else(|| Inconsistent::NoPool(sku.clone()))
    }

    fn order_mut(&mut self, id: OrderId) -> Result<&mut Order, Inconsistent> {
        self.orders.get_mut(&id).map(Arc::make_mut).ok_or(Inconsistent::NoOrder(id))
    }

    fn open_supply(&mut self, supply: &Supply, touched: &mut Touched) -> Result<(), Inconsistent> {
        self.pool_mut(&supply.sku, touched)?.put_supply(supply.clone());
        touched.supplies.push((supply.sku.clone(), supply.id));
        Ok(())
    }

    /// Changes an open supply and puts it in its new place; nothing claimed may be left without units.
    fn change_supply(
        &mut self,
        sku: &Sku,
        id: SupplyId,
        touched: &mut Touched,
        change: impl FnOnce(&mut Supply),
    ) -> Result<(), Inconsistent> {
        let pool = self.pool_mut(sku, touched)?;
        let supply =
            pool.remove_supply(id).ok_or_else(|| Inconsistent::NoSupply { supply: id, sku: sku.clone() })?;
        let mut supply = Arc::unwrap_or_clone(supply);
        change(&mut supply);
        if !supply.adds_up() {
            return Err(Inconsistent::Overclaimed(id));
        }
        pool.put_supply(supply);
        touched.supplies.push((sku.clone(), id));
        Ok(())
    }

    fn close_supply(&mut self, sku: &Sku, id: SupplyId, touched: &mut Touched) -> Result<(), Inconsistent> {
        let pool = self.pool_mut(sku, touched)?;
        let supply =
            pool.remove_supply(id).ok_or_else(|| Inconsistent::NoSupply { supply: id, sku: sku.clone() })?;
        let mut supply = Arc::unwrap_or_clone(supply);
        supply.state = SupplyState::Closed;
        supply.ring_fenced = Vec::new();
        touched.closed.push(supply);
        Ok(())
    }

    /// Takes fences away from supplies that are about to change and get others then.
    fn lift_fences(
        &mut self,
        sku: &Sku,
        fences: &[Refenced],
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        for fence in fences.iter().filter(|fence| !fence.before.is_empty()) {
            let pool = self.pool_mut(sku, touched)?;
            let lost = || Inconsistent::NoSupply { supply: fence.supply, sku: sku.clone() };
            pool.supply_mut(fence.supply).ok_or_else(lost)?.ring_fenced = Vec::new();
        }
        Ok(())
    }

    /// Ring-fences units of supplies; what was used up meanwhile has none.
    fn set_fences(
        &mut self,
        sku: &Sku,
        fences: &[Refenced],
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        for fence in fences {
            let pool = self.pool_mut(sku, touched)?;
            match pool.supply_mut(fence.supply) {
                None if fence.now.is_empty() => continue,
                None => return Err(Inconsistent::NoSupply { supply: fence.supply, sku: sku.clone() }),
                Some(supply) => {
                    supply.ring_fenced.clone_from(&fence.now);
                    if !supply.adds_up() {
                        return Err(Inconsistent::Overclaimed(fence.supply));
                    }
                }
            }
            touched.supplies.push((sku.clone(), fence.supply));
        }
        Ok(())
    }

    /// Changes one claim.
    fn claim(
        &mut self,
        who: (&Channel, Option<&Sku>),
        sku: &Sku,
        id: SupplyId,
        (pegged, held): (Units, Units),
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        let pool = self.pool_mut(sku, touched)?;
        let supply =
            pool.supply_mut(id).ok_or_else(|| Inconsistent::NoSupply { supply: id, sku: sku.clone() })?;
        supply.claim(who.0, who.1, pegged, held)?;
        touched.supplies.push((sku.clone(), id));
        Ok(())
    }

    /// Takes a supply out that is only as large as its claims and has none left.
    fn close_if_unclaimed(
        &mut self,
        sku: &Sku,
        id: SupplyId,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        let supply = self.pool(sku).and_then(|pool| pool.supply(id));
        if supply.is_some_and(|supply| supply.kind.is_elastic() && supply.quantity == 0) {
            self.close_supply(sku, id, touched)?;
        }
        Ok(())
    }

    /// Takes goods on hand out that have no unit left.
    fn close_if_used_up(
        &mut self,
        sku: &Sku,
        id: SupplyId,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        let lot = self.pool(sku).and_then(|pool| pool.supply(id));
        if lot.is_some_and(|lot| lot.is_on_hand() && lot.quantity == 0) {
            self.close_supply(sku, id, touched)?;
        }
        Ok(())
    }

    fn claim_line(
        &mut self,
        channel: &Channel,
        line: &Line,
        as_what: Claimed,
        sign: Units,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        for peg in &line.pegs {
            let by = match as_what {
                Claimed::Pegged => (sign * peg.quantity, 0),
                Claimed::Held => (0, sign * peg.quantity),
            };
            self.claim((channel, line.kit()), &peg.sku, peg.supply, by, touched)?;
        }
        Ok(())
    }

    /// Sets a hold's units free; what it leaves empty is closed by [`Self::close_left`].
    fn drop_hold(&mut self, id: HoldId, touched: &mut Touched) -> Result<Arc<Hold>, Inconsistent> {
        let hold = self.holds.remove(&id).ok_or(Inconsistent::NoHold(id))?;
        for line in &hold.lines {
            self.claim_line(&hold.channel, line, Claimed::Held, -1, touched)?;
        }
        touched.holds_gone.push(id);
        Ok(hold)
    }

    fn close_left(&mut self, hold: &Hold, touched: &mut Touched) -> Result<(), Inconsistent> {
        for peg in hold.lines.iter().flat_map(|line| &line.pegs) {
            self.close_if_unclaimed(&peg.sku, peg.supply, touched)?;
        }
        Ok(())
    }

    fn place(&mut self, placed: &OrderPlaced, touched: &mut Touched) -> Result<(), Inconsistent> {
        for supply in &placed.opened {
            self.open_supply(supply, touched)?;
        }
        // The hold's units come free first, as the order takes them; what it emptied closes only after that.
        let hold = placed.hold.map(|hold| self.drop_hold(hold, touched)).transpose()?;
        let order = &placed.order;
        for line in &order.lines {
            self.claim_line(&order.channel, line, Claimed::Pegged, 1, touched)?;
        }
        if let Some(hold) = hold {
            self.close_left(&hold, touched)?;
        }
        self.orders.insert(order.id, Arc::clone(order));
        touched.placed.push(order.id);
        Ok(())
    }

    fn cancel_line(&mut self, cancelled: &LineCancelled, touched: &mut Touched) -> Result<(), Inconsistent> {
        let id = cancelled.line;
        let order = self.order_mut(id.order)?;
        let channel = order.channel.clone();
        let line = order.line_mut(id.no).ok_or(Inconsistent::NoLine(id))?;
        line.cancelled += cancelled.quantity;
        for peg in &cancelled.freed {
            line.move_peg(&peg.sku, peg.supply, -peg.quantity);
        }
        let kit = line.kit().cloned();
        check_line(id, line)?;
        touched.lines.push(id);
        for peg in &cancelled.freed {
            touched.pegs.push((id, peg.supply));
            self.claim((&channel, kit.as_ref()), &peg.sku, peg.supply, (-peg.quantity, 0), touched)?;
            self.close_if_unclaimed(&peg.sku, peg.supply, touched)?;
        }
        Ok(())
    }

    fn run(&mut self, run: &RunApplied, touched: &mut Touched) -> Result<(), Inconsistent> {
        for supply in &run.opened {
            self.open_supply(supply, touched)?;
        }
        self.move_units(&run.sku, &run.moves, touched)
    }

    /// Moves units between supplies of one pool, all at once.
    fn move_units(&mut self, sku: &Sku, moves: &[Move], touched: &mut Touched) -> Result<(), Inconsistent> {
        // All units leave before any arrives: moves may go round in a circle between full supplies.
        let mut claims = Vec::with_capacity(moves.len());
        for Move { line: id, from, to, quantity } in moves {
            let order = self.order_mut(id.order)?;
            let channel = order.channel.clone();
            let line = order.line_mut(id.no).ok_or(Inconsistent::NoLine(*id))?;
            line.move_peg(sku, *from, -quantity);
            line.move_peg(sku, *to, *quantity);
            claims.push((channel, line.kit().cloned()));
            check_line(*id, line)?;
            touched.pegs.extend([(*id, *from), (*id, *to)]);
        }
        for (who, step) in claims.iter().zip(moves) {
            let who = (&who.0, who.1.as_ref());
            self.claim(who, sku, step.from, (-step.quantity, 0), touched)?;
        }
        for (who, step) in claims.iter().zip(moves) {
            let who = (&who.0, who.1.as_ref());
            self.claim(who, sku, step.to, (step.quantity, 0), touched)?;
        }
        for step in moves {
            self.close_if_unclaimed(sku, step.from, touched)?;
        }
        Ok(())
    }

    fn adjust(&mut self, adjusted: &StockAdjusted, touched: &mut Touched) -> Result<(), Inconsistent> {
        if let Some(shelf) = &adjusted.opened {
            self.open_supply(shelf, touched)?;
        }
        for &(lot, delta) in &adjusted.lots {
            self.change_supply(&adjusted.sku, lot, touched, |supply| supply.quantity += delta)?;
            self.close_if_used_up(&adjusted.sku, lot, touched)?;
        }
        if let Some(id) = adjusted.line {
            let line = self.order_mut(id.order)?.line_mut(id.no).ok_or(Inconsistent::NoLine(id))?;
            match line.returned.iter_mut().find(|(sku, _)| *sku == adjusted.sku) {
                Some((_, units)) => *units += adjusted.delta,
                None => line.returned.push((adjusted.sku.clone(), adjusted.delta)),
            }
            check_line(id, line)?;
            touched.lines.push(id);
        }
        Ok(())
    }

    fn release(&mut self, released: &Released, touched: &mut Touched) -> Result<(), Inconsistent> {
        for step in &released.lines {
            let id = LineId { order: released.order, no: step.line };
            let order = self.order_mut(id.order)?;
            let channel = order.channel.clone();
            let line = order.line_mut(id.no).ok_or(Inconsistent::NoLine(id))?;
            for peg in &step.picks {
                let (supply, quantity) = (peg.supply, peg.quantity);
                line.released.push(ReleasedUnits { release: released.release, supply, quantity });
            }
            let kit = line.kit().cloned();
            check_line(id, line)?;
            for peg in &step.picks {
                touched.pegs.push((id, peg.supply));
                self.hand_over((&channel, kit.as_ref()), &peg.sku, peg.supply, peg.quantity, touched)?;
            }
        }
        Ok(())
    }

    fn take_back(&mut self, returned: &ReleaseReturned, touched: &mut Touched) -> Result<(), Inconsistent> {
        for step in &returned.lines {
            let id = LineId { order: returned.order, no: step.line };
            let order = self.order_mut(id.order)?;
            let channel = order.channel.clone();
            let line = order.line_mut(id.no).ok_or(Inconsistent::NoLine(id))?;
            for peg in &step.picks {
                if line.unrelease(Some(returned.release), peg.supply, peg.quantity) != peg.quantity {
                    return Err(Inconsistent::Released(peg.supply));
                }
            }
            let kit = line.kit().cloned();
            for peg in &step.picks {
                touched.pegs.push((id, peg.supply));
                self.hand_over((&channel, kit.as_ref()), &peg.sku, peg.supply, -peg.quantity, touched)?;
            }
        }
        Ok(())
    }

    fn hand_over(
        &mut self,
        who: (&Channel, Option<&Sku>),
        sku: &Sku,
        id: SupplyId,
        units: Units,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        let pool = self.pool_mut(sku, touched)?;
        let supply =
            pool.supply_mut(id).ok_or_else(|| Inconsistent::NoSupply { supply: id, sku: sku.clone() })?;
        supply.hand_over(who.0, who.1, units)?;
        touched.supplies.push((sku.clone(), id));
        Ok(())
    }

    fn ship(&mut self, shipped: &Shipped, touched: &mut Touched) -> Result<(), Inconsistent> {
        for step in &shipped.lines {
            let id = LineId { order: shipped.order, no: step.line };
            let order = self.order_mut(shipped.order)?;
            let channel = order.channel.clone();
            let line = order.line_mut(step.line).ok_or(Inconsistent::NoLine(id))?;
            line.shipped += step.quantity;
            let mut released = Vec::with_capacity(step.from.len());
            for peg in &step.from {
                // What fulfilment has of a peg leaves before the rest of it.
                released.push(line.unrelease(None, peg.supply, peg.quantity));
                line.move_peg(&peg.sku, peg.supply, -peg.quantity);
            }
            let kit = line.kit().cloned();
            check_line(id, line)?;
            touched.lines.push(id);
            for (peg, released) in step.from.iter().zip(released) {
                touched.pegs.push((id, peg.supply));
                if released > 0 {
                    let who = (&channel, kit.as_ref());
                    self.hand_over(who, &peg.sku, peg.supply, -released, touched)?;
                }
                self.claim((&channel, kit.as_ref()), &peg.sku, peg.supply, (-peg.quantity, 0), touched)?;
                self.change_supply(&peg.sku, peg.supply, touched, |s| s.send(&channel, peg.quantity))?;
                self.close_if_used_up(&peg.sku, peg.supply, touched)?;
            }
        }
        if let Some(record) = Parcel::record(shipped) {
            self.keep_record(&record, touched);
        }
        Ok(())
    }
}

/// How a claim is entered.
#[derive(Clone, Copy)]
enum Claimed {
    Pegged,
    Held,
}

/// Invariant 2 of the design: a line's pegs add up to its open quantity, for each SKU it takes. And no more of a peg is
/// with fulfilment than it has, nor more sent back than was sent.
fn check_line(id: LineId, line: &Line) -> Result<(), Inconsistent> {
    let open = line.open();
    let sound = line.cancelled >= 0 && line.shipped >= 0 && open >= 0;
    let adds_up = line.needs().all(|(sku, each)| {
        line.pegs.iter().filter(|peg| peg.sku == *sku).map(|peg| peg.quantity).sum::<Units>() == each * open
    });
    let positive = line.pegs.iter().all(|peg| peg.quantity > 0);
    let released = line.released.iter().all(|released| {
        let peg = line.pegs.iter().find(|peg| peg.supply == released.supply);
        released.quantity > 0 && peg.is_some_and(|peg| line.released_on(peg.supply) <= peg.quantity)
    });
    let returned = line.returned.iter().all(|(of, units)| {
        let sent = line.needs().find(|(sku, _)| *sku == of).map_or(0, |(_, each)| each * line.shipped);
        (0..=sent).contains(units)
    });
    if sound && adds_up && positive && released && returned { Ok(()) } else { Err(Inconsistent::Line(id)) }
}
