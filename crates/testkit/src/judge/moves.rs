//! Who gives up units, who moves up, and whether anybody was passed over.

use model::{
    Units,
    event::{LineCancelled, Move, RunApplied},
    id::{Channel, LineId, Sku},
    supply::SupplyKind,
    time::Date,
};

use super::{
    Judge, Verdict,
    books::{Lot, Owner},
    dates::For,
    ensure,
};

/// The cause of who goes with the part of a supply that is split off: the last come.
const SPLIT: &str = "supply_split";

fn is_split(run: &RunApplied, step: &Move) -> bool {
    &*run.cause.kind == SPLIT && run.opened.iter().any(|supply| supply.id == step.to)
}

impl Judge {
    /// Moves up never give a later date, and leave alone who has the date asked for.
    pub(super) fn check_run(&self, run: &RunApplied) -> Verdict {
        for step in &run.moves {
            let from = self.books.lot(step.from)?;
            let opened = run.opened.iter().find(|supply| supply.id == step.to).map(Lot::of);
            let to = opened.as_ref().map_or_else(|| self.books.lot(step.to), Ok)?;
            if to.kind == SupplyKind::Shortfall || is_split(run, step) {
                continue;
            }
            ensure!(
                self.gains(step.line, from, to)?,
                "{} does not gain from {} to {}",
                step.line,
                from.id,
                to.id
            );
        }
        Ok(())
    }

    /// Whether a line gets better goods from another lot, and wants to.
    fn gains(&self, id: LineId, from: &Lot, to: &Lot) -> Result<bool, String> {
        let (placed, line) = self.books.line(id)?;
        let (now, then) = (
            self.books.delivered(from, For::line(placed, line)),
            self.books.delivered(to, For::line(placed, line)),
        );
        let surer = (to.here && !from.here) || from.is_elastic();
        let better = then < now || (then == now && then < Date::MAX && surer);
        Ok(better && (from.is_elastic() || placed.order.requested_date.is_none_or(|wanted| wanted < now)))
    }

    /// Units of a lot that this line's channel may have: its buffer keeps back the first free ones.
    fn room(&self, id: LineId, lot: &Lot) -> Units {
        let buffer = self.buffer(id, lot);
        let own = self.channel(id).map_or(0, |channel| lot.left(channel).min(lot.free()));
        let before: Units = self
            .books
            .pool(&lot.sku)
            .iter()
            .take_while(|other| other.id != lot.id)
            .map(|other| other.open())
            .sum();
        own + (lot.open() - (buffer - before).max(0)).max(0)
    }

    /// Nobody older in the same queue stays behind who would have gained by the same units; of units that are lost,
    /// nobody younger keeps any.
    pub(super) fn check_nobody_overtaken(&self, run: &RunApplied) -> Verdict {
        for step in &run.moves {
            let Ok(to) = self.books.lot(step.to) else { continue };
            match to.kind {
                // Not found when they were picked: they are missing to whom they were picked for.
                SupplyKind::Shortfall if &*run.cause.kind == "release_returned" => {}
                kind if kind == SupplyKind::Shortfall || is_split(run, step) => {
                    let others = self.books.lot(step.from)?.movable_lines();
                    let younger = others.into_iter().find(|line| *line > step.line);
                    ensure!(
                        younger.is_none(),
                        "{younger:?} keeps units of {} that {} lost",
                        step.from,
                        step.line
                    );
                }
                SupplyKind::LeadTime => {}
                _ => {
                    self.check_not_overtaken(run, step, to)?;
                    self.check_nobody_between(run, step, to)?;
                }
            }
        }
        Ok(())
    }

    fn check_not_overtaken(&self, run: &RunApplied, step: &Move, to: &Lot) -> Verdict {
        let Ok(from) = self.books.lot(step.from) else { return Ok(()) };
        for older in self.stayed(run, from).into_iter().filter(|line| *line < step.line) {
            if self.may_be_late(older, from)?
                && self.may_have(older, step.line, to)
                && self.buffer(older, to) <= self.buffer(step.line, to)
            {
                ensure!(!self.gains(older, from, to)?, "{} overtook {older} on {}", step.line, to.id);
            }
        }
        Ok(())
    }

    /// The head of no queue that stands between would have gained by the same units: they pass boundary by boundary.
    fn check_nobody_between(&self, run: &RunApplied, step: &Move, to: &Lot) -> Verdict {
        let pool = self.books.pool(&to.sku);
        let Some(last) = pool.iter().position(|lot| lot.id == step.from) else { return Ok(()) };
        let between = pool[..last].iter().filter(|lot| !lot.here && lot.rank() > to.rank());
        for from in between.filter(|lot| lot.kind != SupplyKind::Shortfall) {
            let stayed = self.stayed(run, from);
            let head = stayed.into_iter().find(|line| self.may_be_late(*line, from).unwrap_or(false));
            if let Some(head) = head
                .filter(|head| self.may_have(*head, step.line, to))
                .filter(|head| self.buffer(*head, to) <= self.buffer(step.line, to))
            {
                let passed = self.gains(head, from, to)?;
                ensure!(!passed, "{} passed {head}, which waits on {}, to {}", step.line, from.id, to.id);
            }
        }
        Ok(())
    }

    /// Lines that were in a queue before a run and still are; who only came to it in the run was behind it before.
    fn stayed(&self, run: &RunApplied, lot: &Lot) -> Vec<LineId> {
        let came = |line: LineId| -> Units {
            let here = run.moves.iter().filter(|step| step.line == line && step.to == lot.id);
            here.map(|step| step.quantity).sum()
        };
        lot.lines().into_iter().filter(|line| lot.owned_by(Owner::Line(*line)) > came(*line)).collect()
    }

    fn channel(&self, line: LineId) -> Option<&Channel> {
        self.books.orders.get(&line.order).map(|placed| &placed.order.channel)
    }

    /// Whether one line might have had the units that another got: they were not ring-fenced for the other's channel alone.
    fn may_have(&self, one: LineId, other: LineId, to: &Lot) -> bool {
        let channel = self.channel(other);
        self.channel(one) == channel || channel.is_none_or(|channel| !to.fences.contains_key(channel))
    }

    /// Units that a line's channel keeps back.
    fn buffer(&self, line: LineId, lot: &Lot) -> Units {
        self.channel(line)
            .and_then(|channel| self.books.policy(&lot.sku, channel))
            .map_or(0, |policy| policy.buffer)
    }

    /// No free unit stands before a queue in which anybody would gain by it, and who lost goods has a lead time where
    /// there is one.
    pub(super) fn check_settled(&self, sku: &Sku) -> Verdict {
        let pool = self.books.pool(sku);
        for (at, from) in pool.iter().enumerate().filter(|(_, lot)| !lot.here) {
            for line in from.lines() {
                if !self.may_be_late(line, from)? {
                    continue;
                }
                for to in pool[..at].iter().filter(|lot| !lot.is_elastic()) {
                    let room = self.room(line, to);
                    ensure!(
                        room == 0 || !self.gains(line, from, to)?,
                        "{line} waits on {} while {room} units of {} are free",
                        from.id,
                        to.id
                    );
                }
                let channel = &self.books.order(line.order)?.order.channel;
                let terms = self.books.policy(sku, channel);
                ensure!(
                    from.kind != SupplyKind::Shortfall
                        || terms.is_none_or(|terms| terms.lead_time_days.is_none()),
                    "{line} has no goods and could have a lead time"
                );
            }
        }
        Ok(())
    }

    /// Whether a line wants units as soon as possible, or a date that this lot may miss, wherever it goes. A kit's own
    /// release date is not looked at: the pools of its components do not know it.
    fn may_be_late(&self, id: LineId, lot: &Lot) -> Result<bool, String> {
        let wanted = self.books.line(id)?.0.order.requested_date;
        Ok(lot.is_elastic() || wanted.is_none_or(|wanted| wanted < self.books.last_delivery(lot)))
    }

    /// What a line gives back is the latest of what it had.
    pub(super) fn check_latest_given_back(&self, cancelled: &LineCancelled) -> Verdict {
        let given = cancelled.freed.iter().filter_map(|peg| Some((peg, self.books.lot(peg.supply).ok()?)));
        for (peg, lot) in given {
            let pool = self.books.pool(&peg.sku);
            let owner = Owner::Line(cancelled.line);
            let mut kept = pool.iter().filter(|kept| kept.owned_by(owner) > kept.released_of(owner));
            let later = kept.find(|kept| kept.rank() > lot.rank());
            ensure!(later.is_none(), "{} gave back units of {} and keeps later ones", cancelled.line, lot.id);
        }
        Ok(())
    }
}
