//! Shares units day by day: in proportion, or to whoever has fewest.
//!
//! Each step in turn: what must be given by it is given, then what is left is shared among those who want units by then.
//! Units that are owed later stay where they are, so what protected lines keep counts towards their share and is never
//! shared away. Units that nobody wants yet are left for the next step.

use std::ops::Range;

use model::Units;

use super::Run;
use crate::{
    pool::Strategy,
    rule::Basis,
    share::{Want, max_min, proportional},
};

impl Run<'_> {
    /// Serves seats that stand together.
    pub(super) fn share_out(&mut self, seats: Range<usize>) {
        // Without any supply there is nothing to share, and no step.
        if seats.is_empty() || self.times.moments.is_empty() {
            return;
        }
        let mut due = self.owed_by_step(seats.clone());
        let mut entering = self.entering_by_step(seats);
        let mut waiting: Vec<usize> = Vec::new();
        for step in 0..self.times.moments.len() {
            for (seat, units) in std::mem::take(&mut due[step]) {
                // Units shared to it before may have filled what it is owed already.
                self.list_owed(seat);
                let owed: Units =
                    self.scratch.iter().filter(|(by, _)| *by <= step).map(|(_, units)| units).sum();
                self.serve_by(seat, step, units.min(owed));
            }
            waiting.append(&mut entering[step]);
            // Ties are broken in the order of seats.
            waiting.sort_unstable();
            waiting.dedup();
            self.share(&waiting, step);
            waiting.retain(|&seat| self.seats[seat].got < self.seats[seat].wants);
        }
    }

    /// Seats and the units each is owed by a step, by step.
    fn owed_by_step(&mut self, seats: Range<usize>) -> Vec<Vec<(usize, Units)>> {
        let mut due = vec![Vec::new(); self.times.moments.len()];
        for seat in seats {
            self.list_owed(seat);
            for &(by, units) in &self.scratch {
                due[by].push((seat, units));
            }
        }
        due
    }

    /// Seats by the step from which they want units.
    fn entering_by_step(&mut self, seats: Range<usize>) -> Vec<Vec<usize>> {
        let steps = self.times.moments.len();
        let mut entering = vec![Vec::new(); steps];
        for seat in seats {
            if self.seats[seat].wants == 0 {
                continue;
            }
            if self.seats[seat].strategy == Strategy::Fill {
                self.list_floors(seat);
                for &(floor, _) in self.scratch.iter().filter(|(floor, _)| *floor < steps) {
                    entering[floor].push(seat);
                }
            } else {
                entering[self.seats[seat].wanted.unwrap_or(0)].push(seat);
            }
        }
        entering
    }

    /// Shares what is left of the steps up to this one; then gives what some could not take to the others, in order.
    fn share(&mut self, waiting: &[usize], step: usize) {
        let there = self.room.left_by(step);
        if there == 0 || waiting.is_empty() {
            return;
        }
        let wants: Vec<Units> = waiting.iter().map(|&seat| self.wanted_by(seat, step)).collect();
        let shares = match self.rule.basis {
            Basis::MaxMin => {
                let all = waiting.iter().zip(&wants).map(|(&seat, want)| {
                    let has = self.seats[seat].got;
                    Want { has, most: has + want, weight: 1 }
                });
                max_min(there, &all.collect::<Vec<_>>())
            }
            _ => proportional(there, &wants),
        };
        for (&seat, &units) in waiting.iter().zip(&shares).filter(|(_, units)| **units > 0) {
            self.serve_by(seat, step, units);
        }
        for &seat in waiting {
            let units = self.wanted_by(seat, step);
            if units > 0 {
                self.serve_by(seat, step, units);
            }
        }
    }

    /// Units that a line still wants by a step: one that fills wants only those that are no better than before.
    fn wanted_by(&mut self, seat: usize, step: usize) -> Units {
        let still = self.seats[seat].wants - self.seats[seat].got;
        if self.seats[seat].strategy != Strategy::Fill {
            return still;
        }
        self.list_floors(seat);
        let by_then: Units =
            self.scratch.iter().filter(|(floor, _)| *floor <= step).map(|(_, units)| units).sum();
        (by_then - self.seats[seat].got).max(0)
    }
}
