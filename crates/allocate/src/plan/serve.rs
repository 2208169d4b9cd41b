//! Serves lines in turn, each with the units that suit it best and that nobody else is owed.

use model::Units;

use super::{Given, Run};
use crate::{pool::Strategy, timetable::Timetable};

impl Run<'_> {
    /// Serves every line: in turn, or those that neither win nor lose nor have aged by shares.
    pub(super) fn serve_all(&mut self) {
        let shared = |run: &Self, seat: usize| {
            let seat = &run.seats[seat];
            run.rule.basis.is_shared()
                && !seat.aged
                && !matches!(seat.strategy, Strategy::Win | Strategy::Lose)
        };
        // They stand together: after those that win and the aged ones, before those that lose.
        let first = (0..self.seats.len()).find(|&seat| shared(self, seat)).unwrap_or(self.seats.len());
        let last = (first..self.seats.len()).find(|&seat| !shared(self, seat)).unwrap_or(self.seats.len());
        for seat in 0..first {
            self.serve(seat, self.seats[seat].wants);
        }
        self.share_out(first..last);
        for seat in last..self.seats.len() {
            self.serve(seat, self.seats[seat].wants);
        }
    }

    /// Gives a line up to so many units from any step.
    fn serve(&mut self, seat: usize, units: Units) {
        if units > 0 {
            self.serve_by(seat, self.times.moments.len().saturating_sub(1), units);
        }
    }

    /// Gives a line up to so many units of steps up to `last`: the latest that it may wait for, else the earliest.
    ///
    /// Source: docs/theory/promising.md, "A new order", 1: who wants goods on a day leaves earlier ones to others.
    pub(super) fn serve_by(&mut self, seat: usize, last: usize, units: Units) {
        self.release(seat);
        if self.seats[seat].strategy == Strategy::Fill {
            self.serve_no_better(seat, last, units);
        } else {
            let wanted = self.seats[seat].wanted;
            self.take(seat, 0, last, wanted, units);
        }
        self.owe(seat);
    }

    /// Gives a line that fills units no earlier than those it had, part by part, the earliest of them.
    fn serve_no_better(&mut self, seat: usize, last: usize, units: Units) {
        let (mut skipped, mut missing) = (self.seats[seat].got, units);
        self.list_floors(seat);
        let floors = std::mem::take(&mut self.scratch);
        for &(floor, part) in &floors {
            // What it got filled the first parts.
            let done = skipped.min(part);
            skipped -= done;
            if floor <= last {
                missing -= self.take(seat, floor, last, None, (part - done).min(missing));
            }
        }
        self.scratch = floors;
    }

    /// Lists the units a line had and the first step that is no better, the earliest first, in [`Run::scratch`].
    pub(super) fn list_floors(&mut self, seat: usize) {
        self.scratch.clear();
        let (times, scratch): (&Timetable, _) = (&self.times, &mut self.scratch);
        for own in &self.held[self.seats[seat].held.clone()] {
            let parts = [(times.step[own.supply], own.kept), (times.from(times.before[own.supply]), own.cut)];
            scratch.extend(parts.into_iter().filter(|(_, units)| *units > 0));
        }
        scratch.sort_unstable();
    }

    fn take(&mut self, seat: usize, first: usize, last: usize, wanted: Option<usize>, units: Units) -> Units {
        let given = &mut self.given;
        let mut give = |step, units| given.push(Given { seat, step, units });
        let mut taken = 0;
        let mut from = first;
        if let Some(wanted) = wanted.filter(|&wanted| wanted >= first) {
            taken += self.room.take_down(first, wanted.min(last), units, &mut give);
            from = wanted + 1;
        }
        if taken < units && from <= last {
            taken += self.room.take_up(from, last, units - taken, &mut give);
        }
        self.seats[seat].got += taken;
        taken
    }
}
