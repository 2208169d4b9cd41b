//! Queues of supplies as everything decided so far leaves them: what is stored, with what is decided and not written yet laid over
//! it. To write it first would cost a statement a table, of the whole batch, while nobody decides.

use std::{collections::BTreeMap, ops::Bound};

use ledger::QueuePart;
use model::{
    Units,
    id::{LineId, SupplyId},
    order::{Order, Waiting},
    state::Touched,
};

use super::{TenantState, Working};
use crate::answer::Failure;

/// Lines whose place in a queue is not written as it is, with the units they have there now.
type Moved = BTreeMap<LineId, Units>;

impl Working<'_> {
    /// Reads lines of a supply's queue until they cover so many units, at most `rows_max` of them.
    pub(crate) fn queue(
        &mut self,
        supply: SupplyId,
        part: QueuePart,
        units: Units,
        rows_max: usize,
    ) -> Result<Vec<Waiting>, Failure> {
        const PAGE: usize = 128;
        let mut rows: Vec<Waiting> = Vec::new();
        let mut covered = 0;
        while covered < units && rows.len() < rows_max {
            let limit = PAGE.min(rows_max - rows.len());
            let after = rows.last().map(|row| row.line);
            let page = self.waiting_page(supply, part, after, limit)?;
            let full = page.len() == limit;
            covered += page.iter().map(|row| row.quantity).sum::<Units>();
            rows.extend(page);
            if !full {
                break;
            }
        }
        Ok(rows)
    }

    /// Reads lines of a supply's queue after one, so many; fewer where there are no more.
    pub(crate) fn waiting_page(
        &mut self,
        supply: SupplyId,
        part: QueuePart,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<Vec<Waiting>, Failure> {
        let moved = self.state.moved(supply, part);
        let by_line = matches!(part, QueuePart::All | QueuePart::Soonest);
        if moved.is_empty() || !by_line {
            if !moved.is_empty() {
                self.flush()?;
            }
            return Ok(self.desk.store()?.queue(self.tenant, supply, part, after, limit)?);
        }
        let (mut rows, mut from) = (Vec::with_capacity(limit), after);
        while rows.len() < limit {
            let page = self.desk.store()?.queue(self.tenant, supply, part, from, limit)?;
            let end = page.last().map(|row| row.line).filter(|_| page.len() == limit);
            lay_over(&mut rows, page, &moved, (from, end));
            if end.is_none() {
                break;
            }
            from = end;
        }
        rows.truncate(limit);
        Ok(rows)
    }
}

/// Adds a stretch of a queue, from behind one line to another, as moved lines leave it.
fn lay_over(
    rows: &mut Vec<Waiting>,
    stored: Vec<Waiting>,
    moved: &Moved,
    (from, end): (Option<LineId>, Option<LineId>),
) {
    let new = rows.len();
    let bounds =
        (from.map_or(Bound::Unbounded, Bound::Excluded), end.map_or(Bound::Unbounded, Bound::Included));
    rows.extend(stored.into_iter().filter(|row| !moved.contains_key(&row.line)));
    let come = moved.range(bounds).filter(|(_, units)| **units > 0);
    rows.extend(come.map(|(line, units)| Waiting { line: *line, quantity: *units }));
    rows[new..].sort_unstable_by_key(|row| row.line);
}

impl TenantState {
    /// Lines whose places in a part of a supply's queue changed and are not written yet.
    fn moved(&self, supply: SupplyId, part: QueuePart) -> Moved {
        let Touched { pegs, placed, .. } = &self.touched;
        let is_there = |order: &Order| match part {
            QueuePart::Soonest => order.requested_date.is_none(),
            QueuePart::WantedBefore(before) => order.requested_date.is_some_and(|date| date < before),
            QueuePart::Newest | QueuePart::All => true,
        };
        let order = |id| self.shop.orders.get(id).filter(|order| is_there(order));
        let units = |order: &Order, line: LineId| {
            let pegs = order.line(line.no).map_or(&[][..], |line| &line.pegs);
            pegs.iter().find(|peg| peg.supply == supply).map(|peg| peg.quantity)
        };
        let placed = placed.iter().filter_map(order).flat_map(|order| {
            let lines = order.lines.iter().map(|line| LineId { order: order.id, no: line.no });
            lines.filter_map(|line| Some((line, units(order, line)?)))
        });
        let changed = pegs.iter().filter(|(_, of)| *of == supply);
        let changed = changed.filter_map(|(line, _)| {
            let order = order(&line.order)?;
            Some((*line, units(order, *line).unwrap_or(0)))
        });
        placed.chain(changed).collect()
    }
}
