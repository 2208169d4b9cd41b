//! Reading what a round of moving up looks at: of each queue that matters, lines that gain enough, or as many as one step
//! may touch.

use std::collections::BTreeMap;

use ledger::QueuePart;
use model::{
    id::{LineId, OrderId, Sku, SupplyId},
    order::Waiting,
    supply::SupplyKind,
};
use promise::{QueueNeed, Stretches};
use serde::{Deserialize, Serialize};

use crate::{after::Course, answer::Failure, working::Working};

/// Lines read at first: most often the head of a queue is all it takes.
const FIRST_PAGE: usize = 16;
const PAGE_MAX: usize = 128;

/// Up to which line a queue gained nothing, in each of the two orders it is read in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soonest: Option<LineId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wanted: Option<LineId>,
}

/// Where a search stands in each queue.
pub(crate) type Position = BTreeMap<SupplyId, Passed>;

/// What was read.
pub(crate) struct Look {
    pub(crate) stretches: Stretches,
    /// Where the search stands if nobody of these moves.
    pub(crate) behind: Position,
}

/// One order of one queue, as far as it was read.
struct Window {
    supply: SupplyId,
    part: QueuePart,
    lines: Vec<Waiting>,
    more: bool,
}

impl Window {
    /// Leaves lines behind one out; answers the last line of the window's own order before the first left out.
    fn cut(&mut self, end: Option<&LineId>) -> Option<LineId> {
        let Some(end) = end else { return self.lines.last().map(|waiting| waiting.line) };
        let kept = self.lines.iter().take_while(|waiting| waiting.line <= *end);
        let last = kept.last().map(|waiting| waiting.line);
        let read = self.lines.len();
        self.lines.retain(|waiting| waiting.line <= *end);
        self.more |= self.lines.len() < read;
        last
    }
}

/// Reads what the next round looks at, behind what was passed; the orders of all lines are loaded.
pub(crate) fn look(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    passed: &Position,
) -> Result<Look, Failure> {
    let needed = promise::queues_needed(course.setting(working), sku);
    let mut windows = Vec::new();
    for need in &needed {
        let passed = passed.get(&need.supply).copied().unwrap_or_default();
        windows.push(read(working, course, sku, need, QueuePart::Soonest, passed.soonest)?);
        if let Some(before) = need.wanted_before {
            let part = QueuePart::WantedBefore(before);
            windows.push(read(working, course, sku, need, part, passed.wanted)?);
        }
    }
    let is_lost = |id: SupplyId| {
        let supply = working.pool(sku).and_then(|pool| pool.supply(id));
        supply.is_some_and(|supply| supply.kind == SupplyKind::Shortfall)
    };
    Ok(merge(windows, passed, is_lost))
}

fn read(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    need: &QueueNeed,
    part: QueuePart,
    mut after: Option<LineId>,
) -> Result<Window, Failure> {
    let mut window = Window { supply: need.supply, part, lines: Vec::new(), more: true };
    let (mut page, mut covered) = (FIRST_PAGE, 0);
    while window.more && covered < need.units && window.lines.len() < course.lines {
        let limit = page.min(course.lines - window.lines.len());
        let rows = working.waiting_page(need.supply, part, after, limit)?;
        window.more = rows.len() == limit;
        after = rows.last().map(|row| row.line);
        let mut orders: Vec<OrderId> = rows.iter().map(|row| row.line.order).collect();
        orders.dedup();
        working.load_orders(&orders)?;
        covered += promise::gaining(course.setting(working), sku, need.supply, &rows);
        window.lines.extend(rows);
        page = PAGE_MAX.min(page * 2);
    }
    Ok(window)
}

/// Puts windows together that are served as one: the two orders of a queue, and all queues of lost goods.
///
/// Behind the last line seen of one that has more, one may stand that is older than what was seen of another: so all end
/// there, and the rest comes with a later round.
fn merge(mut windows: Vec<Window>, passed: &Position, is_lost: impl Fn(SupplyId) -> bool) -> Look {
    let group = |window: &Window| Some(window.supply).filter(|id| !is_lost(*id));
    let mut ends: BTreeMap<Option<SupplyId>, LineId> = BTreeMap::new();
    for window in windows.iter().filter(|window| window.more && window.part == QueuePart::Soonest) {
        if let Some(last) = window.lines.last() {
            let end = ends.entry(group(window)).or_insert(last.line);
            *end = last.line.min(*end);
        }
    }
    let mut look = Look { stretches: Stretches::new(), behind: Position::new() };
    for window in &mut windows {
        let last = window.cut(ends.get(&group(window)));
        let before = passed.get(&window.supply).copied().unwrap_or_default();
        let stretch = look.stretches.entry(window.supply).or_default();
        stretch.passed = before != Passed::default();
        stretch.more |= window.more;
        stretch.lines.append(&mut window.lines);
        stretch.lines.sort_unstable_by_key(|waiting| waiting.line);
        let behind = look.behind.entry(window.supply).or_insert(before);
        match window.part {
            QueuePart::Soonest => behind.soonest = last.or(behind.soonest),
            _ => behind.wanted = last.or(behind.wanted),
        }
    }
    look
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn supply(n: u128) -> SupplyId {
        SupplyId(Uuid::from_u128(n))
    }

    fn line(n: u128) -> LineId {
        LineId { order: OrderId(Uuid::from_u128(n)), no: 1 }
    }

    fn window(n: u128, part: QueuePart, lines: &[u128], more: bool) -> Window {
        let lines = lines.iter().map(|n| Waiting { line: line(*n), quantity: 1 }).collect();
        Window { supply: supply(n), part, lines, more }
    }

    fn wanted() -> QueuePart {
        QueuePart::WantedBefore(model::time::Date::MAX)
    }

    /// The lines of each stretch and whether it has more, and where each queue is passed up to.
    type Seen = (Vec<(Vec<u128>, bool)>, Vec<[Option<u128>; 2]>);

    fn merged(windows: Vec<Window>, passed: &Position, lost: &[u128]) -> Seen {
        let look = merge(windows, passed, |id| lost.contains(&id.0.as_u128()));
        let number = |line: &LineId| line.order.0.as_u128();
        let stretches = look.stretches.values();
        let stretches = stretches.map(|stretch| {
            (stretch.lines.iter().map(|waiting| number(&waiting.line)).collect(), stretch.more)
        });
        let behind = look.behind.values();
        let behind =
            behind.map(|passed| [passed.soonest, passed.wanted].map(|line| line.as_ref().map(number)));
        (stretches.collect(), behind.collect())
    }

    #[test]
    fn both_orders_of_a_queue_end_where_it_was_not_read_further() {
        // The patient come by the date they want: 9 and 3 before 4.
        let windows =
            || vec![window(1, QueuePart::Soonest, &[2, 5], true), window(1, wanted(), &[3, 9, 4], false)];
        let seen = merged(windows(), &Position::new(), &[]);
        assert_eq!(
            seen,
            (vec![(vec![2, 3, 4, 5], true)], vec![[Some(5), Some(3)]]),
            "9 is not passed, so 4 is read again"
        );
        let windows = vec![window(1, QueuePart::Soonest, &[7, 8], false), window(1, wanted(), &[9, 4], true)];
        let passed = Position::from([(supply(1), Passed { soonest: Some(line(5)), wanted: Some(line(3)) })]);
        let seen = merged(windows, &passed, &[]);
        assert_eq!(seen, (vec![(vec![4, 7, 8, 9], true)], vec![[Some(8), Some(4)]]));
        let nothing = vec![window(1, QueuePart::Soonest, &[], false), window(1, wanted(), &[], false)];
        assert_eq!(merged(nothing, &passed, &[]), (vec![(vec![], false)], vec![[Some(5), Some(3)]]));
    }

    #[test]
    fn all_who_lost_their_goods_end_at_the_same_line() {
        let windows = || {
            vec![
                window(1, QueuePart::Soonest, &[1, 2, 9], false),
                window(2, QueuePart::Soonest, &[3, 6], true),
                window(3, QueuePart::Soonest, &[4, 5, 7], true),
            ]
        };
        let apart = merged(windows(), &Position::new(), &[]);
        let lines = |lines: &[u128], more| (lines.to_vec(), more);
        assert_eq!(apart.0, [lines(&[1, 2, 9], false), lines(&[3, 6], true), lines(&[4, 5, 7], true)]);
        let together = merged(windows(), &Position::new(), &[1, 2, 3]);
        assert_eq!(together.0, [lines(&[1, 2], true), lines(&[3, 6], true), lines(&[4, 5], true)]);
        assert_eq!(together.1, [[Some(2), None], [Some(6), None], [Some(5), None]]);
    }
}
