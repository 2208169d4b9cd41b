//! What follows from a command's events, as in the engine.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    event::{Event, PoolSettling},
    id::{HoldId, LineId, OrderId, Sku, SupplyId},
    order::Cause,
};
use promise::{QueueNeed, Queues};
use uuid::Uuid;

use super::{CoreShop, covering, step};

/// What a command's events lead to.
#[derive(Default)]
struct After {
    /// Pools in which units came free, and why.
    pools: BTreeMap<Sku, Cause>,
    /// Supplies whose lines have other dates.
    supplies: Vec<(SupplyId, Cause)>,
    /// Lines that moved.
    lines: Vec<(LineId, Cause)>,
}

impl CoreShop {
    /// Applies a decision's events and does what follows.
    pub(super) fn follow(&mut self, command: Uuid, events: Vec<Event>) {
        let mut after = After { pools: std::mem::take(&mut self.unsettled), ..After::default() };
        for event in events {
            self.note(&event, &mut after);
            self.commit([event]);
        }
        let mut steps = 0;
        for (sku, cause) in std::mem::take(&mut after.pools) {
            self.settle(command, &mut steps, &sku, cause, &mut after);
        }
        for (supply, cause) in std::mem::take(&mut after.supplies) {
            let lines: BTreeSet<LineId> =
                self.queue(supply).into_iter().map(|waiting| waiting.line).collect();
            after.lines.extend(lines.into_iter().map(|line| (line, cause.clone())));
        }
        for (line, cause) in after.lines {
            steps += 1;
            let promises = promise::reissue(self.setting(step(command, steps)), &[line], &cause);
            self.commit(promises);
        }
    }

    fn note(&self, event: &Event, after: &mut After) {
        let kind = event.kind();
        let of_supply = |supply: SupplyId| Cause { supply: Some(supply), ..Cause::of(kind) };
        match event {
            Event::LineCancelled(cancelled) => {
                let cause = Cause { order: Some(cancelled.line.order), ..Cause::of(kind) };
                let skus = cancelled.freed.iter().map(|peg| peg.sku.clone());
                after.pools.extend(skus.map(|sku| (sku, cause.clone())));
                after.lines.push((cancelled.line, cause));
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => self.free_hold(gone.hold, kind, after),
            Event::OrderPlaced(placed) => {
                placed.hold.into_iter().for_each(|hold| self.free_hold(hold, "hold_released", after));
            }
            Event::SupplyAdded(supply) if !supply.kind.is_elastic() => {
                after.pools.insert(supply.sku.clone(), of_supply(supply.id));
            }
            Event::SupplyChanged(change) => {
                after.pools.insert(change.sku.clone(), of_supply(change.supply));
                after.supplies.push((change.supply, of_supply(change.supply)));
            }
            Event::SupplyReceived(receipt) => {
                after.pools.insert(receipt.sku.clone(), of_supply(receipt.supply));
                after.supplies.push((receipt.supply, of_supply(receipt.supply)));
            }
            Event::SupplyCancelled(cancel) => {
                after.pools.insert(cancel.sku.clone(), of_supply(cancel.supply));
                after.supplies.push((cancel.supply, of_supply(cancel.supply)));
            }
            Event::StockAdjusted(adjusted) => {
                after.pools.insert(adjusted.sku.clone(), Cause::of(kind));
            }
            Event::RunApplied(run) => {
                after.lines.extend(run.moves.iter().map(|step| (step.line, run.cause.clone())));
            }
            _ => {}
        }
    }

    fn free_hold(&self, hold: HoldId, kind: &str, after: &mut After) {
        let lines = self.shop.holds.get(&hold).into_iter().flat_map(|hold| &hold.lines);
        let skus = lines.flat_map(|line| &line.pegs).map(|peg| peg.sku.clone());
        after.pools.extend(skus.map(|sku| (sku, Cause::of(kind))));
    }

    /// Moves lines up in rounds until done, or until so many rounds are made.
    fn settle(&mut self, command: Uuid, steps: &mut u16, sku: &Sku, cause: Cause, after: &mut After) {
        for round in 0.. {
            if round == self.rounds_max {
                self.unsettled.insert(sku.clone(), cause);
                break;
            }
            *steps += 1;
            let set = self.setting(step(command, *steps));
            let queues = self.heads(&promise::queues_needed(set, sku));
            let settled = promise::settle(set, sku, queues, &cause);
            after.lines.extend(settled.lines.iter().map(|line| (*line, cause.clone())));
            self.commit(settled.events);
            self.set_settling(sku, !settled.done);
            if settled.done {
                return;
            }
        }
        self.set_settling(sku, true);
    }

    fn set_settling(&mut self, sku: &Sku, settling: bool) {
        if self.shop.pool(sku).is_some_and(|pool| pool.settling != settling) {
            self.commit([Event::PoolSettling(PoolSettling { sku: sku.clone(), settling })]);
        }
    }

    /// The heads of the queues that decide who moves up, or as many lines of them as one round may see.
    fn heads(&self, needed: &[QueueNeed]) -> Queues {
        let head = |need: &QueueNeed| {
            let waits = |order: OrderId| {
                let wanted = self.order_of(order).requested_date;
                wanted.is_none_or(|wanted| need.wanted_before.is_some_and(|before| wanted < before))
            };
            let lines = self.queue(need.supply).into_iter().filter(|waiting| waits(waiting.line.order));
            (need.supply, covering(lines.take(self.rows_max), need.units))
        };
        needed.iter().map(head).collect()
    }
}
