//! Units of a day become units of supplies.

use model::Units;

use super::{Given, Run};
use crate::{pool::Peg, timetable::supplies_by_step};

impl Run<'_> {
    /// Returns each seat's units by supply, the earliest first.
    ///
    /// Every line first keeps its own units as far as it has units of that step; what is left is handed out in the order
    /// of seats and supplies. So a line that keeps its days keeps its pegs.
    pub(super) fn pegs(&mut self) -> Vec<Vec<Peg>> {
        // Shares are given step by step; a stable sort leaves each seat's in the order of steps.
        self.given.sort_by_key(|given| (given.seat, given.step));
        self.given.dedup_by(|next, given| {
            let same = (next.seat, next.step) == (given.seat, given.step);
            if same {
                given.units += next.units;
            }
            same
        });
        let mut left: Vec<Units> = self.pool.supplies.iter().map(|supply| supply.quantity).collect();
        let mut pegs: Vec<Vec<Peg>> = self.seats.iter().map(|_| Vec::new()).collect();
        for (seat, pegs) in self.seats.iter().zip(&mut pegs).filter(|(seat, _)| seat.locked) {
            for own in self.held[seat.held.clone()].iter().filter(|own| own.kept > 0) {
                self.peg(pegs, own.supply, own.kept, &mut left);
            }
        }
        let mut rest = std::mem::take(&mut self.given);
        for given in &mut rest {
            for own in &self.held[self.seats[given.seat].held.clone()] {
                let units = own.kept.min(given.units);
                if units > 0 && self.times.step[own.supply] == given.step {
                    given.units -= units;
                    self.peg(&mut pegs[given.seat], own.supply, units, &mut left);
                }
            }
        }
        self.hand_out(rest, &mut pegs, &mut left);
        for pegs in pegs.iter_mut().filter(|pegs| pegs.len() > 1) {
            let position = |peg: &Peg| self.times.position(peg.supply);
            pegs.sort_unstable_by_key(|peg| position(peg).map(|at| (self.times.step[at], at)));
        }
        pegs
    }

    fn hand_out(&self, rest: Vec<Given>, pegs: &mut [Vec<Peg>], left: &mut [Units]) {
        let by_step = supplies_by_step(self.pool, &self.times);
        let mut next = vec![0; by_step.len()];
        for mut given in rest.into_iter().filter(|given| given.units > 0) {
            let supplies = &by_step[given.step];
            while given.units > 0 {
                let supply = supplies[next[given.step]];
                let units = given.units.min(left[supply]);
                if units == 0 {
                    next[given.step] += 1;
                    continue;
                }
                given.units -= units;
                self.peg(&mut pegs[given.seat], supply, units, left);
            }
        }
    }

    fn peg(&self, pegs: &mut Vec<Peg>, supply: usize, units: Units, left: &mut [Units]) {
        left[supply] -= units;
        let id = self.pool.supplies[supply].id;
        match pegs.iter_mut().find(|peg| peg.supply == id) {
            Some(peg) => peg.quantity += units,
            None => pegs.push(Peg { supply: id, quantity: units }),
        }
    }
}
