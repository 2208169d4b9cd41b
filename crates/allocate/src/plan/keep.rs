//! What lines keep: units that are not there are cut, and what lines that win or gain have is owed to them.

use model::Units;

use super::{Held, Run};
use crate::{
    pool::Strategy,
    room::Room,
    timetable::{Timetable, UNKNOWN},
};

impl Run<'_> {
    /// Cuts what lines have beyond a supply's quantity: first from those that lose, last from locked ones.
    ///
    /// Lines keep their units in the order locked, win, gain, redistribute and fill, lose; within each in the order of the
    /// rule. What is left of a supply after the locked lines is the room that others are served from.
    pub(super) fn cut_what_is_not_there(&mut self) {
        let mut there: Vec<Units> = self.pool.supplies.iter().map(|supply| supply.quantity).collect();
        for rank in 0..RANKS {
            for seat in self.seats.iter().filter(|seat| keeping_rank(seat.locked, seat.strategy) == rank) {
                for own in &mut self.held[seat.held.clone()] {
                    let kept = own.kept.min(there[own.supply]);
                    there[own.supply] -= kept;
                    own.cut = own.kept - kept;
                    own.kept = kept;
                }
            }
        }
        let mut left = vec![0; self.times.moments.len()];
        for (at, supply) in self.pool.supplies.iter().enumerate() {
            left[self.times.step[at]] += supply.quantity;
        }
        for seat in self.seats.iter().filter(|seat| seat.locked) {
            for own in &self.held[seat.held.clone()] {
                left[self.times.step[own.supply]] -= own.kept;
            }
        }
        self.room = Room::new(left);
    }

    /// Owes lines that win or gain what they keep; then makes those whole that would be later than before, as far as that
    /// goes: those that win first, then those that gain, each in the order of the rule.
    ///
    /// A line is made whole or not at all: half a line in time is a promise broken, and units that could have kept
    /// another's.
    pub(super) fn owe_what_lines_keep(&mut self) {
        for seat in 0..self.seats.len() {
            self.owe(seat);
        }
        for strategy in [Strategy::Win, Strategy::Gain] {
            for seat in 0..self.seats.len() {
                if self.seats[seat].strategy == strategy && !self.seats[seat].locked && self.is_harmed(seat) {
                    self.make_whole(seat);
                }
            }
        }
    }

    fn is_harmed(&self, seat: usize) -> bool {
        let wanted = self.seats[seat].wanted;
        self.held[self.seats[seat].held.clone()].iter().any(|own| {
            own.cut > 0 || due_before(&self.times, own, wanted) < Some(due_now(&self.times, own, wanted))
        })
    }

    fn make_whole(&mut self, seat: usize) {
        let wanted = self.seats[seat].wanted;
        let had = &self.held[self.seats[seat].held.clone()];
        if had.iter().any(|own| due_before(&self.times, own, wanted).is_none()) {
            return;
        }
        self.release(seat);
        self.seats[seat].made_whole = true;
        self.owe(seat);
        if !self.room.keeps_its_word() {
            self.release(seat);
            self.seats[seat].made_whole = false;
            self.owe(seat);
        }
    }

    /// Owes a line what it is to keep and has not got yet.
    pub(super) fn owe(&mut self, seat: usize) {
        self.list_owed(seat);
        for &(by, units) in &self.scratch {
            self.room.owe(by, units);
        }
    }

    /// Owes it nothing, for now.
    pub(super) fn release(&mut self, seat: usize) {
        self.list_owed(seat);
        for &(by, units) in &self.scratch {
            self.room.release(by, units);
        }
    }

    /// Lists units a line is owed and by which step, the earliest first, in [`Run::scratch`].
    pub(super) fn list_owed(&mut self, seat: usize) {
        let seat = &self.seats[seat];
        self.scratch.clear();
        if !seat.strategy.is_protected() || seat.locked {
            return;
        }
        for own in &self.held[seat.held.clone()] {
            let owed = owed(&self.times, own, seat.wanted, seat.made_whole);
            self.scratch.extend(owed.into_iter().filter(|(_, units)| *units > 0));
        }
        if self.scratch.len() > 1 {
            self.scratch.sort_unstable();
        }
        // Units it got fill what is owed first.
        let mut got = seat.got;
        self.scratch.retain_mut(|(_, units)| {
            let filled = got.min(*units);
            got -= filled;
            *units -= filled;
            *units > 0
        });
    }
}

/// What a line is owed for its units of one supply: by which step, and how many, of those it keeps and of those it lost.
fn owed(times: &Timetable, own: &Held, wanted: Option<usize>, made_whole: bool) -> [(usize, Units); 2] {
    let now = due_now(times, own, wanted);
    match due_before(times, own, wanted) {
        // Who had no date before is owed none.
        Some(before) if made_whole && times.before[own.supply] != UNKNOWN => {
            [(now.min(before), own.kept), (before, own.cut)]
        }
        _ => [(now, own.kept), (now, 0)],
    }
}

/// The step by which a line has its units of a supply as things stand.
fn due_now(times: &Timetable, own: &Held, wanted: Option<usize>) -> usize {
    wanted.map_or(times.step[own.supply], |wanted| wanted.max(times.step[own.supply]))
}

/// The last step that is no later for a line than what it had before the change; `None` if every step is.
fn due_before(times: &Timetable, own: &Held, wanted: Option<usize>) -> Option<usize> {
    times.by(times.before[own.supply]).max(wanted)
}

const RANKS: u8 = 5;

/// Who keeps units of a supply that falls short, before others.
fn keeping_rank(locked: bool, strategy: Strategy) -> u8 {
    match strategy {
        _ if locked => 0,
        Strategy::Win => 1,
        Strategy::Gain => 2,
        Strategy::Redistribute | Strategy::Fill => 3,
        Strategy::Lose => 4,
    }
}
