//! What follows from a command's events, as in the engine.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    event::{Event, PoolSettling},
    id::{HoldId, LineId, OrderId, Sku, SupplyId},
    order::{Cause, Waiting},
    supply::SupplyKind,
    time::Timestamp,
};
use promise::{Changed, QueueNeed, Setting, Stretch, Stretches};
use uuid::Uuid;

use super::{CoreShop, step};

/// Up to which line each queue gained nothing.
type Passed = BTreeMap<SupplyId, LineId>;

/// Moving up that is not over.
pub(super) struct Owed {
    cause: Cause,
    passed: Passed,
    /// When it was looked at last.
    since: Timestamp,
}

impl Owed {
    /// Looked at from the heads of all queues.
    pub(super) fn of(cause: Cause, since: Timestamp) -> Self {
        Self { cause, passed: Passed::new(), since }
    }
}

/// What a command's events lead to.
#[derive(Default)]
struct After {
    /// Pools in which units came free.
    pools: BTreeMap<Sku, Owed>,
    /// Supplies whose lines have other dates.
    supplies: Vec<(SupplyId, Cause)>,
    /// Settings that changed.
    settings: Vec<(Changed, Cause)>,
    /// Lines that moved.
    lines: Vec<(LineId, Cause)>,
}

impl CoreShop {
    /// Applies a decision's events and does what follows. `only_on`: there is no decision, what is owed goes on.
    pub(super) fn follow(&mut self, command: Uuid, events: Vec<Event>, only_on: bool) {
        let mut after = After { pools: std::mem::take(&mut self.unsettled), ..After::default() };
        for owed in after.pools.values_mut().filter(|owed| !only_on || owed.since != self.now) {
            // Who gained nothing then may gain now.
            owed.passed.clear();
        }
        for event in events {
            self.note(&event, &mut after);
            self.commit([event]);
        }
        let mut steps = 0;
        for (sku, owed) in std::mem::take(&mut after.pools) {
            self.settle(command, &mut steps, &sku, owed, &mut after);
        }
        for (supply, cause) in std::mem::take(&mut after.supplies) {
            let lines: BTreeSet<LineId> =
                self.queue(supply).into_iter().map(|waiting| waiting.line).collect();
            after.lines.extend(lines.into_iter().map(|line| (line, cause.clone())));
        }
        for (changed, cause) in std::mem::take(&mut after.settings) {
            after.lines.extend(self.concerned(&changed).into_iter().map(|line| (line, cause.clone())));
        }
        for (line, cause) in after.lines {
            steps += 1;
            let promises = promise::reissue(self.setting(step(command, steps)), &[line], &cause);
            self.commit(promises);
        }
    }

    fn note(&self, event: &Event, after: &mut After) {
        let kind = event.kind();
        let anew = |cause: Cause| Owed::of(cause, self.now);
        let of_supply = |supply: SupplyId| Cause { supply: Some(supply), ..Cause::of(kind) };
        match event {
            Event::LineCancelled(cancelled) => {
                let cause = Cause { order: Some(cancelled.line.order), ..Cause::of(kind) };
                let skus = cancelled.freed.iter().map(|peg| peg.sku.clone());
                after.pools.extend(skus.map(|sku| (sku, anew(cause.clone()))));
                after.lines.push((cancelled.line, cause));
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => self.free_hold(gone.hold, kind, after),
            Event::OrderPlaced(placed) => {
                placed.hold.into_iter().for_each(|hold| self.free_hold(hold, "hold_released", after));
            }
            Event::SupplyAdded(supply) if !supply.kind.is_elastic() => {
                after.pools.insert(supply.sku.clone(), anew(of_supply(supply.id)));
            }
            Event::SupplyChanged(change) => {
                after.pools.insert(change.sku.clone(), anew(of_supply(change.supply)));
                after.supplies.push((change.supply, of_supply(change.supply)));
            }
            Event::SupplyReceived(receipt) => {
                after.pools.insert(receipt.sku.clone(), anew(of_supply(receipt.supply)));
                let lot = receipt.rest.iter().flat_map(|rest| &rest.lot).map(|lot| lot.id);
                let changed = lot.chain([receipt.supply]);
                after.supplies.extend(changed.map(|supply| (supply, of_supply(receipt.supply))));
            }
            Event::SupplyInspected(inspected) => {
                after.pools.insert(inspected.sku.clone(), anew(of_supply(inspected.supply)));
            }
            Event::SupplyCancelled(cancel) => {
                after.pools.insert(cancel.sku.clone(), anew(of_supply(cancel.supply)));
                after.supplies.push((cancel.supply, of_supply(cancel.supply)));
            }
            Event::StockAdjusted(adjusted) => {
                after.pools.insert(adjusted.sku.clone(), anew(Cause::of(kind)));
            }
            Event::StockRingFenced(fenced) => {
                after.pools.insert(fenced.sku.clone(), anew(Cause::of(kind)));
            }
            Event::RunUndone(undone) => {
                let cause = of_supply(undone.restored.id);
                after.pools.insert(undone.sku.clone(), anew(cause.clone()));
                after.supplies.push((undone.restored.id, cause.clone()));
                let moved = undone.moves.iter().map(|step| step.line);
                after.lines.extend(moved.map(|line| (line, cause.clone())));
            }
            Event::RunApplied(run) => {
                after.lines.extend(run.moves.iter().map(|step| (step.line, run.cause.clone())));
            }
            Event::PolicySet(_) | Event::LocationSet(_) => {
                let Some(changed) = promise::changed(&self.shop, event) else { return };
                let pools = self.shop.pools.values().filter(|pool| changed.concerns_pool(pool));
                after.pools.extend(pools.map(|pool| (pool.sku().clone(), anew(Cause::of(kind)))));
                after.settings.push((changed, Cause::of(kind)));
            }
            _ => {}
        }
    }

    /// Lines whose dates a changed setting may have changed.
    fn concerned(&self, changed: &Changed) -> BTreeSet<LineId> {
        let supplies = self.shop.pools.values().flat_map(|pool| &pool.supplies);
        let behind = supplies
            .filter(|supply| changed.concerns_supply(supply))
            .flat_map(|supply| self.queue(supply.id));
        let lines = behind.map(|waiting| waiting.line).filter(|id| {
            let order = self.order_of(id.order);
            order.line(id.no).is_some_and(|line| changed.concerns_line(&self.shop, order, line))
        });
        lines.collect()
    }

    fn free_hold(&self, hold: HoldId, kind: &str, after: &mut After) {
        let lines = self.shop.holds.get(&hold).into_iter().flat_map(|hold| &hold.lines);
        let skus = lines.flat_map(|line| &line.pegs).map(|peg| peg.sku.clone());
        let anew = |cause: Cause| Owed::of(cause, self.now);
        after.pools.extend(skus.map(|sku| (sku, anew(Cause::of(kind)))));
    }

    /// Moves lines up in rounds until nobody moves any more, or until so many rounds are made.
    ///
    /// A round that moved nobody goes on behind the lines it looked at; those of queues behind units that came free are
    /// looked at from their heads again.
    fn settle(&mut self, command: Uuid, steps: &mut u16, sku: &Sku, owed: Owed, after: &mut After) {
        let Owed { cause, mut passed, .. } = owed;
        for round in 0.. {
            if round == self.rounds_max {
                if round == 0 {
                    self.set_settling(sku, true);
                }
                self.unsettled.insert(sku.clone(), Owed { cause, passed, since: self.now });
                return;
            }
            *steps += 1;
            let set = self.setting(step(command, *steps));
            let queues = self.stretches(set, sku, &passed);
            let settled = promise::settle(set, sku, queues.clone(), &cause);
            if settled.lines.is_empty() {
                let seen = queues.iter().filter_map(|(id, stretch)| Some((*id, stretch.lines.last()?.line)));
                passed.extend(seen.filter(|(id, _)| !settled.unasked.contains(id)));
            }
            passed.retain(|supply, _| !settled.again.contains(supply));
            let was = self.shop.pool(sku).is_some_and(|pool| pool.settling);
            let moved = !settled.lines.is_empty();
            after.lines.extend(settled.lines.iter().map(|line| (*line, cause.clone())));
            self.commit(settled.events.clone());
            let over = settled.is_over(self.setting(step(command, *steps)), sku);
            self.set_settling(sku, !over && (was || moved || !settled.unasked.is_empty()));
            if over {
                return;
            }
        }
    }

    fn set_settling(&mut self, sku: &Sku, settling: bool) {
        if self.shop.pool(sku).is_some_and(|pool| pool.settling != settling) {
            self.commit([Event::PoolSettling(PoolSettling { sku: sku.clone(), settling })]);
        }
    }

    /// What a round looks at: lines that cover what can move up, or as many as one round may see. Lost goods are one
    /// queue: it ends where one part of it does that has more.
    fn stretches(&self, set: Setting<'_>, sku: &Sku, passed: &Passed) -> Stretches {
        let needed = promise::queues_needed(set, sku);
        let mut all: Stretches =
            needed.iter().map(|need| (need.supply, self.stretch(set, sku, need, passed))).collect();
        let is_lost = |id: &SupplyId| {
            let supply = self.shop.pool(sku).and_then(|pool| pool.supply(*id));
            supply.is_some_and(|supply| supply.kind == SupplyKind::Shortfall)
        };
        let lost = || all.iter().filter(|(id, stretch)| is_lost(id) && stretch.more);
        if let Some(end) = lost().filter_map(|(_, stretch)| stretch.lines.last()).map(|last| last.line).min()
        {
            for (_, stretch) in all.iter_mut().filter(|(id, _)| is_lost(id)) {
                stretch.more |= stretch.lines.last().is_some_and(|last| last.line > end);
                stretch.lines.retain(|waiting| waiting.line <= end);
            }
        }
        all
    }

    fn stretch(&self, set: Setting<'_>, sku: &Sku, need: &QueueNeed, passed: &Passed) -> Stretch {
        let waits = |order: OrderId| {
            let wanted = self.order_of(order).requested_date;
            wanted.is_none_or(|wanted| need.wanted_before.is_some_and(|before| wanted < before))
        };
        let after = passed.get(&need.supply);
        let queue: Vec<Waiting> =
            self.queue(need.supply).into_iter().filter(|waiting| waits(waiting.line.order)).collect();
        let mut rest =
            queue.iter().filter(|waiting| after.is_none_or(|after| waiting.line > *after)).peekable();
        let (mut lines, mut covered) = (Vec::new(), 0);
        while lines.len() < self.rows_max
            && covered < need.units
            && let Some(next) = rest.next()
        {
            covered += promise::gaining(set, sku, need.supply, std::slice::from_ref(next));
            lines.push(next.clone());
        }
        Stretch { lines, passed: after.is_some(), more: rest.peek().is_some() }
    }
}
