//! What goes to fulfilment: all that is ready of what was named, and nothing else.

use model::{
    Units,
    command::Release,
    event::Released,
    id::{LineId, LocationId},
    order::{Line, ShipChoice},
    time::Date,
};

use super::{
    Judge, Verdict,
    books::{Lot, Owner, Placed},
    ensure,
};

impl Judge {
    /// What was just handed over is here and may leave; an order that ships complete is here as a whole.
    pub(super) fn check_released(&self, wish: &Release, released: &Released) -> Verdict {
        let placed = self.books.order(released.order)?;
        let is_complete = placed.order.ship == ShipChoice::Complete;
        let must_be_here: Vec<&Line> =
            if is_complete { placed.order.lines.iter().collect() } else { Vec::new() };
        for line in must_be_here {
            let whole = self.kits_here(placed, line) == placed.open(line);
            ensure!(whole, "{} goes without line {}", released.order, line.no);
            ensure!(placed.open(line) == 0 || self.may_leave(wish, placed, line), "line {} may not", line.no);
        }
        for step in &released.lines {
            let id = LineId { order: released.order, no: step.line };
            let (_, line) = self.books.line(id)?;
            ensure!(is_complete || wish.lines.contains(&id), "{id} was not named");
            ensure!(self.may_leave(wish, placed, line), "{id} leaves before its release");
            let kits = self.kits_here(placed, line);
            // Of what was handed over before, the rest of the kit may have been lost since.
            let picked = |sku: &model::id::Sku| step.picks.iter().any(|peg| peg.sku == *sku);
            for (sku, each) in line.needs().filter(|(sku, _)| picked(sku)) {
                let with_fulfilment = self.sum(id, line, |lot| (lot.sku == *sku, Lot::released_of));
                ensure!(with_fulfilment <= each * kits, "{id}: {with_fulfilment} of {sku} for {kits}");
            }
        }
        Ok(())
    }

    /// Nothing that is ready of the lines named stayed behind.
    pub(super) fn check_nothing_stayed(&self, wish: &Release) -> Verdict {
        for id in &wish.lines {
            let (placed, line) = self.books.line(*id)?;
            let ready = |line: &Line| {
                self.kits_here(placed, line) == placed.open(line) && self.may_leave(wish, placed, line)
            };
            let all_ready = || placed.order.lines.iter().all(|line| placed.open(line) == 0 || ready(line));
            if !self.may_leave(wish, placed, line)
                || (placed.order.ship == ShipChoice::Complete && !all_ready())
            {
                continue;
            }
            let kits = self.kits_here(placed, line);
            for (sku, each) in line.needs() {
                let gone = self.sum(*id, line, |lot| (lot.sku == *sku, Lot::released_of));
                let there = self.sum(*id, line, |lot| (self.is_at(lot, &wish.location, sku), Lot::owned_by));
                let there_gone =
                    self.sum(*id, line, |lot| (self.is_at(lot, &wish.location, sku), Lot::released_of));
                let left = (there - there_gone).min(each * kits - gone);
                ensure!(left <= 0, "{left} units of {sku} of {id} stayed behind");
            }
        }
        Ok(())
    }

    fn is_at(&self, lot: &Lot, location: &LocationId, sku: &model::id::Sku) -> bool {
        lot.here && lot.location == *location && lot.sku == *sku
    }

    fn sum(&self, id: LineId, line: &Line, of: impl Fn(&Lot) -> (bool, fn(&Lot, Owner) -> Units)) -> Units {
        let lots = line.needs().flat_map(|(sku, _)| self.books.pool(sku));
        lots.map(|lot| match of(lot) {
            (true, count) => count(lot, Owner::Line(id)),
            _ => 0,
        })
        .sum()
    }

    /// Units of a line of which everything is here.
    fn kits_here(&self, placed: &Placed, line: &Line) -> Units {
        let owner = Owner::Line(LineId { order: placed.order.id, no: line.no });
        let here = |sku| -> Units {
            self.books.pool(sku).iter().filter(|lot| lot.here).map(|lot| lot.owned_by(owner)).sum()
        };
        line.needs().map(|(sku, each)| here(sku) / each).min().unwrap_or(0)
    }

    fn may_leave(&self, wish: &Release, placed: &Placed, line: &Line) -> bool {
        let Some(place) = self.books.locations.get(&wish.location) else { return false };
        let day: Option<Date> = match wish.carrier_cutoff {
            Some(cutoff) => Some(place.today(cutoff)),
            None => place.ship_date_on_hand(self.books.now).ok(),
        };
        let skus = line.needs().map(|(sku, _)| sku).chain([&line.sku]);
        let mut dates = skus.filter_map(|sku| self.books.policy(sku, &placed.order.channel)?.release_date);
        dates.all(|date| day.is_some_and(|day| date <= day))
    }
}
