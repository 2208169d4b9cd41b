//! Changes of supplies as the engine keeps them, so that they can be undone.

use std::collections::BTreeSet;

use model::{
    command::Command,
    event::{Event, Move},
    id::{RunId, SupplyId},
    order::Waiting,
    refusal::{Refusal, RefusalCode, Rejection},
    run::Run,
    supply::{Supply, SupplyKind},
};
use promise::{Decision, Setting, Undo};

use super::CoreShop;

/// A run, and the events behind which what it did stands.
pub(super) struct Kept {
    run: Run,
    since: usize,
}

fn bare(supply: &Supply) -> Supply {
    Supply { claims: Vec::new(), ..supply.clone() }
}

impl CoreShop {
    /// Every run so far, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = RunId> {
        self.runs.keys().copied()
    }

    fn supply_of(&self, id: SupplyId) -> Option<&Supply> {
        self.shop.pools.values().find_map(|pool| pool.supply(id)).map(|supply| &**supply)
    }

    /// How a supply stands that a command is about to change.
    pub(super) fn begin(&self, command: &Command) -> Option<(Supply, &'static str)> {
        let (id, what) = match command {
            Command::ChangeSupply(wish) => (wish.supply, "supply_changed"),
            Command::CancelSupply(wish) => (wish.supply, "supply_cancelled"),
            Command::Receive(wish) => (wish.supply, "supply_received"),
            _ => return None,
        };
        self.supply_of(id).map(|supply| (bare(supply), what))
    }

    /// Keeps what a command did under its run; of an undone run, that it is.
    pub(super) fn keep(&mut self, id: RunId, begun: Option<(Supply, &'static str)>, since: usize) {
        for event in &self.events[since..] {
            if let Event::RunUndone(undone) = event
                && let Some(kept) = self.runs.get_mut(&undone.run)
            {
                kept.run.undone_by = Some(undone.by);
            }
        }
        let Some((before, what)) = begun else { return };
        let received = self.events[since..].iter().find_map(|event| match event {
            Event::SupplyReceived(receipt) => Some(receipt),
            _ => None,
        });
        let lot = received.and_then(|receipt| receipt.rest.as_ref()).and_then(|rest| rest.lot.as_ref());
        let opened = lot.into_iter().chain(received.and_then(|receipt| receipt.quarantine.as_ref()));
        let opened = opened.filter_map(|supply| self.supply_of(supply.id)).map(bare).collect();
        let after = self.supply_of(before.id).map(bare);
        let (sku, what) = (before.sku.clone(), what.to_owned());
        let run = Run {
            what,
            sku,
            before,
            after,
            opened,
            since: 0,
            undone_by: None,
            going_on: false,
            further: Vec::new(),
        };
        self.runs.insert(id, Kept { run, since });
    }

    /// Undoes a run, as the engine does.
    pub(super) fn undo(&self, set: Setting<'_>, id: RunId) -> Decision {
        let Some(Kept { run, since }) = self.runs.get(&id) else {
            return Err(Rejection::not_found("run", id));
        };
        if self.unsettled.contains_key(&run.sku) {
            let detail = format!("lines of {} are still moving up", run.sku);
            return Err(Refusal::new(RefusalCode::RunInProgress, detail).into());
        }
        let moved: Vec<Move> = self.events[*since..]
            .iter()
            .filter_map(|event| match event {
                Event::RunApplied(applied) if RunId::of(applied.run.0) == id => Some(&applied.moves),
                _ => None,
            })
            .flatten()
            .cloned()
            .collect();
        let on_lots: Vec<(SupplyId, Vec<Waiting>)> =
            run.opened.iter().map(|lot| (lot.id, self.queue(lot.id))).collect();
        let named = moved.iter().flat_map(|step| [step.from, step.to]).chain([run.before.id]);
        let named: BTreeSet<SupplyId> = named.filter(|id| self.supply_of(*id).is_none()).collect();
        let closed: Vec<Supply> = named.into_iter().filter_map(|id| self.as_closed(id)).collect();
        promise::undo_run(
            set,
            &Undo { id, run, whole: run, moved: &moved, on_lots: &on_lots, closed: &closed },
        )
    }

    /// A supply that is closed: as it was opened, or the list of what was lost where it never came.
    fn as_closed(&self, id: SupplyId) -> Option<Supply> {
        let mut found: Option<Supply> = None;
        for event in &self.events {
            let opened: Vec<&Supply> = match event {
                Event::SupplyAdded(supply) => vec![supply],
                Event::OrderPlaced(placed) => placed.opened.iter().collect(),
                Event::RunApplied(run) => run.opened.iter().collect(),
                _ => Vec::new(),
            };
            found = opened.into_iter().find(|supply| supply.id == id).cloned().or(found);
            let lost = match event {
                Event::SupplyCancelled(cancel) => cancel.supply == id,
                Event::SupplyReceived(receipt) => {
                    receipt.supply == id && receipt.accepted == 0 && receipt.rest.is_none()
                }
                _ => false,
            };
            if let Some(supply) = found.as_mut().filter(|_| lost) {
                (supply.kind, supply.expected_on) = (SupplyKind::Shortfall, None);
            }
        }
        found
    }
}
