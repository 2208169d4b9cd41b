//! What was said to customers.

use std::collections::BTreeSet;

use model::{
    event::PromiseGiven,
    id::LineId,
    order::{Line, ShipChoice},
    state::Shop,
};

use super::{Course, Judge, Verdict, books::Placed, ensure};

impl Judge {
    /// A promise that was just given says what is true, and more than the one before it.
    pub(super) fn check_promise(&self, given: &PromiseGiven) -> Verdict {
        let placed = self.books.order(given.order)?;
        for said in &given.promises {
            let id = LineId { order: given.order, no: said.line };
            let (_, line) = self.books.line(id)?;
            let promise = &said.promise;
            let all = &placed.lines[&said.line].promises;
            let version = u32::try_from(all.len()).unwrap_or(u32::MAX);
            ensure!(promise.version == version, "{id} got version {}, not {version}", promise.version);
            ensure!(promise.given_at == self.books.now, "{id} got a promise of another time");
            let dates = (promise.ship_by, promise.deliver_by);
            let now = self.books.line_dates(placed, line);
            ensure!(now == Some(dates), "{id} is promised {dates:?}, not {now:?}");
            if let [.., before, _] = &all[..] {
                ensure!((before.ship_by, before.deliver_by) != dates, "{id} is promised the same again");
            }
        }
        Ok(())
    }

    /// A new promise is given only where something happened to the line; to any line, where the order ships complete.
    pub(super) fn check_cause(&self, given: &PromiseGiven, affected: &BTreeSet<LineId>) -> Verdict {
        let complete = self.books.order(given.order)?.order.ship == ShipChoice::Complete;
        for said in &given.promises {
            let id = LineId { order: given.order, no: said.line };
            let by_another = complete && affected.iter().any(|line| line.order == given.order);
            // A day that is over is a cause, of which the engine alone knows: it looks once a day.
            let by_the_day = &*said.promise.cause.kind == "supply_overdue";
            ensure!(
                by_the_day || by_another || affected.contains(&id),
                "{id} was promised anew without cause"
            );
        }
        Ok(())
    }

    /// Every line that moved, or whose supply changed, has been promised what is true now; a new order all of it.
    pub(super) fn check_promises_kept_up(&self, course: &Course) -> Verdict {
        if let Some(order) = &course.placed {
            let placed = self.books.order(*order)?;
            placed.order.lines.iter().try_for_each(|line| self.check_kept_up(placed, line))?;
        }
        for id in &course.affected {
            let (placed, line) = self.books.line(*id)?;
            if placed.open(line) > 0 {
                self.check_kept_up(placed, line)?;
            }
        }
        Ok(())
    }

    fn check_kept_up(&self, placed: &Placed, line: &Line) -> Verdict {
        let last = placed.lines[&line.no].promises.last().map(|last| (last.ship_by, last.deliver_by));
        let now = self.books.line_dates(placed, line);
        ensure!(last == now, "{}-{} was promised {last:?}, now is {now:?}", placed.order.id, line.no);
        Ok(())
    }

    /// What is shown is what is true.
    pub(super) fn check_views(&self, shop: &Shop) -> Verdict {
        for placed in self.books.orders.values() {
            let Some(order) = shop.orders.get(&placed.order.id).filter(|order| order.is_open()) else {
                continue;
            };
            let view = promise::order_view(shop, order, self.books.now);
            for (line, shown) in placed.order.lines.iter().zip(&view.lines) {
                let open = placed.open(line);
                let parts: i64 = shown.parts.iter().map(|part| part.quantity).sum();
                ensure!(
                    parts == open && shown.open == open,
                    "{} shows {parts} open units, not {open}",
                    shown.id
                );
                if let Some(now) = self.books.line_dates(placed, line) {
                    let dates = (shown.ship_by, shown.deliver_by);
                    ensure!(now == dates, "{} shows {dates:?}, not {now:?}", shown.id);
                }
            }
        }
        Ok(())
    }
}
