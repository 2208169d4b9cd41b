//! The order in which the lines of a pool are served.

pub use model::allocation::{Basis, Rule};
use model::{id::LineId, time::Timestamp, time::days_since_epoch};

use crate::pool::{Line, Strategy};

/// Puts lines in the order in which they are served: those that win, then those that gain, redistribute or fill, then
/// those that lose; within each the aged ones first, then by the basis, ties by (class, placed, id).
pub(crate) fn turns(rule: &Rule, lines: &[Line], now: Timestamp) -> Vec<Turn> {
    let mut keys: Vec<Key> = lines.iter().enumerate().map(|(at, line)| key(rule, at, line, now)).collect();
    keys.sort_unstable();
    keys.into_iter()
        .map(|key| Turn { line: key.line as usize, aged: key.stands.1 == Standing::Aged })
        .collect()
}

fn key(rule: &Rule, at: usize, line: &Line, now: Timestamp) -> Key {
    let aged = has_aged(rule, line, now);
    let placed = nanoseconds(line.placed);
    Key {
        stands: (phase(line.strategy), if aged { Standing::Aged } else { Standing::Fresh }),
        basis: if aged { i128::from(placed) } else { height(rule, line) },
        class: line.class,
        placed,
        id: line.id,
        // A pool of more than four thousand million lines does not fit in memory.
        line: at as u32,
    }
}

fn has_aged(rule: &Rule, line: &Line, now: Timestamp) -> bool {
    const DAY_S: i64 = 86_400;
    rule.ageing_days.is_some_and(|days| now.as_second() - line.placed.as_second() > i64::from(days) * DAY_S)
}

/// Where a line stands by the basis: the lowest is served first.
fn height(rule: &Rule, line: &Line) -> i128 {
    match rule.basis {
        Basis::PromiseGiven => line.promised.map_or(i128::MAX, |date| i128::from(days_since_epoch(date))),
        Basis::OrderTime => i128::from(nanoseconds(line.placed)),
        Basis::Class => i128::from(line.class),
        Basis::CustomerGroup => {
            let rank = line.group.as_ref().and_then(|own| rule.groups.iter().position(|group| group == own));
            rank.unwrap_or(rule.groups.len()) as i128
        }
        Basis::PaidAmount => -i128::from(line.paid),
        // Two fractions with denominators below 2²⁰ (a line has a million units at most) differ by more than 2⁻⁴⁰.
        Basis::Margin => -((i128::from(line.margin) << 40) / i128::from(line.quantity.max(1))),
        Basis::Proportional | Basis::MaxMin => 0,
    }
}

/// Nanoseconds since 1970; instants before 1678 or after 2261, which nothing here has, count as the ends of that.
fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_second() < 0 { i64::MIN } else { i64::MAX })
}

fn phase(strategy: Strategy) -> Phase {
    match strategy {
        Strategy::Win => Phase::First,
        Strategy::Gain | Strategy::Redistribute | Strategy::Fill => Phase::ByRule,
        Strategy::Lose => Phase::Last,
    }
}

/// One line's turn to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its position in the pool.
    pub(crate) line: usize,
    /// Whether ageing put it before others.
    pub(crate) aged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    First,
    ByRule,
    Last,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Aged,
    Fresh,
}

/// What lines are sorted by, copied out of them: a million lines are too many to look each up again at every comparison.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    stands: (Phase, Standing),
    basis: i128,
    class: i32,
    placed: i64,
    id: LineId,
    line: u32,
}
