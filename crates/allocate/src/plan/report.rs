//! What a run did to each line, and why.

use model::{Units, time::Date};

use super::{Cause, Decider, Effect, Held, Outcome, Plan, Run, Seat, Standing, Summary};
use crate::{
    pool::{Peg, Strategy},
    timetable::{Moment, UNKNOWN},
};

/// How late a line is, as it matters to it: the lower the better.
type Lateness = (Moment, Units);

impl Run<'_> {
    pub(super) fn report(mut self) -> Plan {
        let pegs = self.pegs();
        let mut summary = Summary::default();
        let mut lines = Vec::with_capacity(self.seats.len());
        for (seat, pegs) in pegs.into_iter().enumerate() {
            let outcome = self.outcome(seat, pegs);
            summary.add(&self.seats[seat], self.told[seat].value, &outcome);
            lines.push(outcome);
        }
        Plan { lines, summary }
    }

    fn outcome(&self, seat: usize, pegs: Vec<Peg>) -> Outcome {
        let line = &self.told[seat];
        let had = &self.held[self.seats[seat].held.clone()];
        let latest = |moments: &mut dyn Iterator<Item = Moment>, short: Units| -> Lateness {
            (if short > 0 { UNKNOWN } else { moments.max().unwrap_or(UNKNOWN) }, short)
        };
        let now = |supply: usize| self.times.moments[self.times.step[supply]];
        let short = line.short;
        let cut: Units = had.iter().map(|own| own.cut).sum();
        let before = latest(&mut had.iter().map(|own| self.times.before[own.supply]), short);
        let as_it_stands = latest(&mut had.iter().map(|own| now(own.supply)), short + cut);
        let pegged: Units = pegs.iter().map(|peg| peg.quantity).sum();
        let positions = pegs.iter().filter_map(|peg| self.times.position(peg.supply));
        let after = latest(&mut positions.map(now), line.quantity - pegged);
        // Goods that come before the day they are wanted are as good as on that day.
        let wanted = line.may_wait_until.map(|date| (date, true));
        let matters = |(moment, short): Lateness| (wanted.map_or(moment, |wanted| moment.max(wanted)), short);
        let effect = match matters(after).cmp(&matters(before)) {
            std::cmp::Ordering::Less => Effect::Earlier,
            std::cmp::Ordering::Equal => Effect::Same,
            std::cmp::Ordering::Greater => Effect::Later,
        };
        let (before, after, stays) = (standing(before), standing(after), after <= as_it_stands);
        Outcome {
            line: line.id,
            cause: self.cause(had, &pegs, effect, stays),
            decided_by: self.decider(seat, effect),
            broken: line.promised.is_some_and(|day| before.is_ready_by(day) && !after.is_ready_by(day)),
            pegs,
            before,
            after,
            effect,
        }
    }

    fn cause(&self, had: &[Held], pegs: &[Peg], effect: Effect, stays: bool) -> Cause {
        let id = |own: &Held| self.pool.supplies[own.supply].id;
        let keeps_pegs = had.len() == pegs.len()
            && had
                .iter()
                .zip(pegs)
                .all(|(own, peg)| id(own) == peg.supply && own.kept + own.cut == peg.quantity);
        let short = had.iter().find(|own| own.cut > 0).map(|own| Cause::SupplyShort(id(own)));
        let has_moved =
            |own: &&Held| self.times.before[own.supply] != self.times.moments[self.times.step[own.supply]];
        let moved = had.iter().rev().find(has_moved).map(|own| Cause::SupplyMoved(id(own)));
        match effect {
            Effect::Same if keeps_pegs => Cause::Unchanged,
            Effect::Same => short.or(moved).unwrap_or(Cause::Rearranged),
            Effect::Earlier if keeps_pegs => moved.unwrap_or(Cause::MovedUp),
            Effect::Earlier => Cause::MovedUp,
            Effect::Later => short.or(moved.filter(|_| stays)).unwrap_or(Cause::Outranked),
        }
    }

    fn decider(&self, seat: usize, effect: Effect) -> Decider {
        let seat = &self.seats[seat];
        match seat.strategy {
            _ if seat.locked => Decider::Lock,
            Strategy::Win | Strategy::Lose => Decider::Strategy(seat.strategy),
            Strategy::Gain | Strategy::Fill if effect == Effect::Same => Decider::Strategy(seat.strategy),
            _ if seat.aged => Decider::Ageing,
            _ => Decider::Rule(self.rule.basis),
        }
    }
}

fn standing((moment, short): Lateness) -> Standing {
    Standing { ready: (moment != UNKNOWN).then_some(moment.0), short }
}

impl Standing {
    /// Whether all units are ready by a day.
    pub fn is_ready_by(&self, day: Date) -> bool {
        self.ready.is_some_and(|ready| ready <= day)
    }
}

impl Summary {
    fn add(&mut self, seat: &Seat, value: i64, outcome: &Outcome) {
        let is_later = outcome.effect == Effect::Later;
        self.earlier += usize::from(outcome.effect == Effect::Earlier);
        self.later += usize::from(is_later);
        self.broken += usize::from(outcome.broken);
        self.units_short += outcome.after.short;
        if is_later || outcome.broken {
            self.value_at_risk += i128::from(value);
        }
        if is_later && seat.strategy == Strategy::Win && !seat.locked {
            self.wins_lost.push(outcome.line);
        }
    }
}
