//! Goods that came: every unit that was expected is here, in quarantine, still due, or will not come.

use model::{
    Units,
    command::Command,
    event::{SupplyInspected, SupplyReceived},
    supply::Supply,
};

use super::{
    Course, Judge, Verdict,
    books::{Books, Lot, Owner},
    ensure,
};

impl Judge {
    /// What is booked in is what the command says came.
    pub(super) fn check_receipt(
        &self,
        command: &Command,
        receipt: &SupplyReceived,
        course: &Course,
    ) -> Verdict {
        let Command::Receive(wish) = command else { return Err("a receipt from nowhere".to_owned()) };
        let lot = self.books.lot(receipt.supply)?;
        let expected = Units::try_from(lot.units.len()).unwrap_or(0);
        let came = (wish.accepted.unwrap_or(expected), wish.damaged);
        ensure!((receipt.accepted, receipt.damaged) == came, "{} is booked in otherwise", lot.id);
        ensure!(receipt.expected == expected, "{} expected {expected} units", lot.id);
        let short = expected - came.0 - came.1;
        let stays = if wish.close { 0 } else { short.max(0) };
        let rest = receipt.rest.as_ref();
        ensure!(rest.map_or(0, |rest| rest.quantity) == stays, "{} has another rest than {stays}", lot.id);
        let date = wish.expected_on.unwrap_or(lot.date);
        ensure!(rest.is_none_or(|rest| rest.expected_on == date), "{} has another date", lot.id);
        // Only as many units are lost as nothing that came or stays due covers.
        let owned = lot.count(Option::is_some);
        let covered = owned <= receipt.accepted + stays || receipt.accepted + stays == 0;
        ensure!(covered, "{owned} units of {} are owned", lot.id);
        let needless = course.moved > 0 && owned < receipt.accepted + stays;
        ensure!(!needless, "units of {} were lost without need", lot.id);
        Ok(())
    }

    /// What came went to the lines of the supply, the oldest first; only what none of them wants is free.
    pub(super) fn check_oldest_served(&self, receipt: &SupplyReceived) -> Verdict {
        let Some(rest) = &receipt.rest else { return Ok(()) };
        let due = self.books.lot(receipt.supply)?;
        let waiting = due.lines();
        let last = rest.moves.iter().map(|step| step.line).max();
        if let (Some(first), Some(last)) = (waiting.first(), last) {
            ensure!(last <= *first, "{last} was served before {first}");
        }
        let lines: Units = waiting.iter().map(|line| due.owned_by(Owner::Line(*line))).sum();
        let free = rest.lot.as_ref().map_or(Ok(0), |lot| self.books.lot(lot.id).map(Lot::free))?;
        ensure!(free == 0 || lines == 0, "{free} units came for nobody while {lines} wait");
        Ok(())
    }
}

impl Books {
    pub(super) fn receive(&mut self, receipt: &SupplyReceived) -> Verdict {
        self.open_filled(receipt.quarantine.as_ref(), receipt.damaged)?;
        let key = (receipt.sku.clone(), self.lot(receipt.supply)?.location.clone());
        *self.ledger.entry(key).or_default() += receipt.accepted + receipt.damaged;
        let Some(rest) = &receipt.rest else {
            if receipt.accepted == 0 {
                return self.lose_all(receipt.supply);
            }
            let lot = self.lot_mut(receipt.supply)?;
            let surplus = receipt.accepted - Units::try_from(lot.units.len()).unwrap_or(0);
            (0..surplus).for_each(|_| lot.units.push(None));
            lot.lose_free(-surplus)?;
            lot.here = true;
            return Ok(());
        };
        self.open_filled(rest.lot.as_ref(), receipt.accepted)?;
        for step in &rest.moves {
            ensure!(step.from == receipt.supply, "{step:?} is of another supply");
            self.lot_mut(step.from)?.give_back(Owner::Line(step.line), step.quantity)?;
            self.take(step)?;
        }
        let lot = self.lot_mut(receipt.supply)?;
        lot.date = rest.expected_on;
        lot.lose_free(receipt.accepted + receipt.damaged)
    }

    pub(super) fn inspect(&mut self, inspected: &SupplyInspected) -> Verdict {
        let lot = self.lot_mut(inspected.supply)?;
        ensure!(lot.kept_back, "{} is not in quarantine", inspected.supply);
        lot.lose_free(inspected.good + inspected.written_off)?;
        let key = (lot.sku.clone(), lot.location.clone());
        self.close_if_empty(inspected.supply);
        *self.ledger.entry(key).or_default() -= inspected.written_off;
        self.open_filled(inspected.lot.as_ref(), inspected.good)
    }

    /// A lot is opened for so many units, and none for none.
    fn open_filled(&mut self, supply: Option<&Supply>, units: Units) -> Verdict {
        ensure!(supply.map_or(0, |supply| supply.quantity) == units, "{units} units are in {supply:?}");
        self.lots.extend(supply.map(|supply| (supply.id, Lot::of(supply))));
        Ok(())
    }
}
