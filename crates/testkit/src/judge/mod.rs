//! A judge who is told each command and what came of it, keeps its own list of single units, and says what is wrong.
//!
//! Far simpler than the core and sharing none of its code: only what the model's calendars say about dates is taken from
//! there.

mod books;
mod dates;
mod fulfilment;
mod moves;
mod newcomer;
mod promises;
mod receipts;
mod settings;
mod undone;

use std::collections::BTreeSet;

use model::{
    Units,
    command::Command,
    event::Event,
    id::{LineId, OrderId, Sku, SupplyId},
    refusal::Rejection,
    state::Shop,
    time::Timestamp,
};

use books::Books;

/// Nothing is wrong, or what is.
pub type Verdict = Result<(), String>;

/// Says what is wrong where a condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
use ensure;

/// Follows a shop from its first command on.
#[derive(Default)]
pub struct Judge {
    books: Books,
    /// Pools in which units came free, and nobody looked yet whether who waits for them has them.
    owed: BTreeSet<Sku>,
}

/// What one command did, as far as later checks need it.
#[derive(Default)]
struct Course {
    /// Pools in which units came free.
    freed: BTreeSet<Sku>,
    /// Supplies that changed.
    changed: BTreeSet<SupplyId>,
    /// Lines whose units moved, whose supply changed or of which units were called off.
    affected: BTreeSet<LineId>,
    placed: Option<OrderId>,
    /// Units that runs moved so far.
    moved: Units,
}

impl Judge {
    /// Looks at one command: what it was, when, what came of it, the shop it left behind, and the pools in which lines may
    /// still move up.
    pub fn witness(
        &mut self,
        command: &Command,
        now: Timestamp,
        outcome: Result<&[Event], &Rejection>,
        shop: &Shop,
        unsettled: &BTreeSet<Sku>,
    ) -> Verdict {
        self.books.now = now;
        let mut course = Course::default();
        match outcome {
            Err(rejection) => self.check_refusal(command, rejection)?,
            Ok(events) => {
                let decided = events.iter().take_while(|event| matches!(event, Event::Released(_))).count();
                for event in &events[..decided] {
                    self.judge(command, event, &mut course)?;
                }
                if let Command::Release(wish) = command {
                    // Before what earlier commands left to do goes on, and brings more.
                    self.check_nothing_stayed(wish)?;
                }
                for event in &events[decided..] {
                    self.judge(command, event, &mut course)?;
                }
            }
        }
        course.affected.extend(self.books.lines_on(&course.changed));
        self.check_promises_kept_up(&course)?;
        self.owed.extend(std::mem::take(&mut course.freed));
        for sku in self.books.settling.iter() {
            ensure!(unsettled.contains(sku), "{sku} settles and nothing is left to do in it");
        }
        // What was left undone is done when nothing is left any more.
        for sku in self.owed.clone().difference(unsettled) {
            self.owed.remove(sku);
            self.check_settled(sku)?;
        }
        self.books.compare(shop)?;
        self.check_views(shop)
    }

    fn judge(&mut self, command: &Command, event: &Event, course: &mut Course) -> Verdict {
        match event {
            Event::LineCancelled(cancelled) => {
                course.affected.insert(cancelled.line);
                course.freed.extend(cancelled.freed.iter().map(|peg| peg.sku.clone()));
            }
            Event::HoldReleased(gone) | Event::HoldExpired(gone) => {
                course.freed.extend(self.books.held_skus(gone.hold));
            }
            Event::OrderPlaced(placed) => {
                course.placed = Some(placed.order.id);
                course.freed.extend(placed.hold.into_iter().flat_map(|hold| self.books.held_skus(hold)));
                let Command::PlaceOrder(wish) = command else {
                    return Err("an order from nowhere".to_owned());
                };
                self.check_order(wish, placed)?;
            }
            Event::HoldPlaced(hold) => self.check_hold(hold)?,
            Event::SupplyAdded(supply) if !supply.kind.is_elastic() => {
                course.freed.insert(supply.sku.clone());
            }
            Event::SupplyChanged(change) => {
                course.freed.insert(change.sku.clone());
                course.changed.insert(change.supply);
            }
            Event::SupplyReceived(receipt) => {
                course.freed.insert(receipt.sku.clone());
                course.changed.insert(receipt.supply);
                course.changed.extend(receipt.rest.iter().flat_map(|rest| &rest.lot).map(|lot| lot.id));
                self.check_receipt(command, receipt, course)?;
            }
            Event::SupplyInspected(inspected) => {
                course.freed.insert(inspected.sku.clone());
            }
            Event::SupplyCancelled(cancel) => {
                course.freed.insert(cancel.sku.clone());
                course.changed.insert(cancel.supply);
            }
            Event::StockAdjusted(adjusted) => {
                course.freed.insert(adjusted.sku.clone());
            }
            Event::StockRingFenced(fenced) => {
                let Command::RingFence(wish) = command else { return Err("fenced by nobody".to_owned()) };
                ensure!((&wish.channel, wish.units) == (&fenced.channel, fenced.units), "fenced otherwise");
                course.freed.insert(fenced.sku.clone());
            }
            Event::RunUndone(undone) => {
                let Command::UndoRun(run) = command else { return Err("undone by nobody".to_owned()) };
                ensure!(undone.run == *run, "another run than {run} is undone");
                course.freed.insert(undone.sku.clone());
                course.changed.insert(undone.restored.id);
                course.affected.extend(undone.moves.iter().map(|step| step.line));
            }
            Event::PolicySet(set) => self.note_policy(set, course),
            Event::LocationSet(set) => self.note_location(set, course),
            Event::RunApplied(run) => {
                course.affected.extend(run.moves.iter().map(|step| step.line));
                course.moved += run.moves.iter().map(|step| step.quantity).sum::<Units>();
                self.check_run(run)?;
            }
            Event::PromiseGiven(given) if course.placed != Some(given.order) => {
                course.affected.extend(self.books.lines_on(&course.changed));
                self.check_cause(given, &course.affected)?;
            }
            _ => {}
        }
        self.books.see(event)?;
        match event {
            Event::RunApplied(run) => self.check_nobody_overtaken(run),
            Event::LineCancelled(cancelled) => self.check_latest_given_back(cancelled),
            Event::OrderPlaced(placed) if !owed(command) => self.check_caps(placed),
            Event::HoldPlaced(hold) => self.check_hold_caps(hold),
            Event::SupplyReceived(receipt) => self.check_oldest_served(receipt),
            Event::PromiseGiven(given) => self.check_promise(given),
            Event::Released(released) => {
                let Command::Release(wish) = command else {
                    return Err("handed over by nobody".to_owned());
                };
                self.check_released(wish, released)
            }
            _ => Ok(()),
        }
    }
}

/// Whether an order was promised before the shop knew of it, so that no cap holds.
fn owed(command: &Command) -> bool {
    matches!(command, Command::PlaceOrder(wish) if wish.already_owed)
}
