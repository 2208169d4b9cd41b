//! A change of a supply that was undone: nobody has a unit that is not there, and what came counts as here no more.

use model::{Units, run::RunUndone, supply::SupplyState};

use super::{
    Verdict,
    books::{Books, Lot, Owner},
    ensure,
};

impl Books {
    pub(super) fn undo(&mut self, undone: &RunUndone) -> Verdict {
        for supply in &undone.reopened {
            ensure!(!self.lots.contains_key(&supply.id), "{} is open and opens again", supply.id);
            self.lots.insert(supply.id, Lot::of(supply));
        }
        let restored = &undone.restored;
        let quantity = usize::try_from(restored.quantity).unwrap_or(0);
        let lot = self.lot_mut(restored.id)?;
        (lot.kind, lot.date, lot.lateness) = (restored.kind, restored.expected_on, restored.lateness);
        (lot.here, lot.kept_back) = (restored.is_on_hand(), restored.state == SupplyState::Quarantine);
        lot.fences.clear();
        if lot.units.len() < quantity {
            lot.units.resize(quantity, None);
        }
        for step in &undone.moves {
            self.lot_mut(step.from)?.give_back(Owner::Line(step.line), step.quantity)?;
        }
        undone.moves.iter().try_for_each(|step| self.take(step))?;
        undone.moves.iter().for_each(|step| self.close_if_empty(step.from));
        let lot = self.lot_mut(restored.id)?;
        let more = Units::try_from(lot.units.len()).unwrap_or(0) - restored.quantity;
        lot.lose_free(more)?;
        lot.fences = restored.ring_fenced.iter().map(|fence| (fence.channel.clone(), fence.units)).collect();
        for (id, units) in &undone.unreceived {
            let lot = self.lot(*id)?;
            let key = (lot.sku.clone(), lot.location.clone());
            *self.ledger.entry(key).or_default() -= units;
        }
        for id in &undone.closed {
            let owned = self.lot(*id)?.count(Option::is_some);
            ensure!(owned == 0, "{id} is closed and {owned} units of it are owned");
            self.lots.remove(id);
        }
        Ok(())
    }
}
