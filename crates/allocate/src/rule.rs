//! The order in which the lines of a pool are served.

use std::sync::Arc;

use model::{id::LineId, time::Timestamp, time::days_since_epoch};
use serde::{Deserialize, Serialize};

use crate::pool::{Line, Strategy};

/// What decides who is served first. Ties are broken by (class, placed, id), whatever the basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Who was promised the earliest day; those without a promise last.
    PromiseGiven,
    /// Who ordered first.
    #[default]
    OrderTime,
    /// The smallest class.
    Class,
    /// The customer's group, in the order of the rule's `groups`; others last.
    CustomerGroup,
    /// Who has paid most.
    PaidAmount,
    /// What earns most a unit: units are what is scarce.
    Margin,
    /// Nobody first: what is ready is shared in proportion to what each still wants.
    Proportional,
    /// Nobody first: the next unit goes to who has fewest.
    MaxMin,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 8] = [
        Self::PromiseGiven,
        Self::OrderTime,
        Self::Class,
        Self::CustomerGroup,
        Self::PaidAmount,
        Self::Margin,
        Self::Proportional,
        Self::MaxMin,
    ];

    /// The word used in JSON, columns and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromiseGiven => "promise_given",
            Self::OrderTime => "order_time",
            Self::Class => "class",
            Self::CustomerGroup => "customer_group",
            Self::PaidAmount => "paid_amount",
            Self::Margin => "margin",
            Self::Proportional => "proportional",
            Self::MaxMin => "max_min",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.as_str() == word)
    }

    /// Whether goods are shared instead of given in turn.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::Proportional | Self::MaxMin)
    }
}

/// How a pool is re-allocated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What decides who is served first.
    pub basis: Basis,
    /// Customer groups, the first served first; for [`Basis::CustomerGroup`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Arc<str>>,
    /// A line ordered more than so many days ago goes before all that are not, the oldest first: nobody who ordered
    /// later passes it any more. Never, unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ageing_days: Option<u16>,
}

impl Rule {
    /// A basis and nothing else.
    pub fn of(basis: Basis) -> Self {
        Self { basis, ..Self::default() }
    }

    /// Puts lines in the order in which they are served: those that win, then those that gain, redistribute or fill, then
    /// those that lose; within each the aged ones first, then by the basis, ties by (class, placed, id).
    pub(crate) fn turns(&self, lines: &[Line], now: Timestamp) -> Vec<Turn> {
        let mut keys: Vec<Key> = lines.iter().enumerate().map(|(at, line)| self.key(at, line, now)).collect();
        keys.sort_unstable();
        keys.into_iter()
            .map(|key| Turn { line: key.line as usize, aged: key.stands.1 == Standing::Aged })
            .collect()
    }

    fn key(&self, at: usize, line: &Line, now: Timestamp) -> Key {
        let aged = self.has_aged(line, now);
        let placed = nanoseconds(line.placed);
        Key {
            stands: (phase(line.strategy), if aged { Standing::Aged } else { Standing::Fresh }),
            basis: if aged { i128::from(placed) } else { self.height(line) },
            class: line.class,
            placed,
            id: line.id,
            // A pool of more than four thousand million lines does not fit in memory.
            line: at as u32,
        }
    }

    fn has_aged(&self, line: &Line, now: Timestamp) -> bool {
        const DAY_S: i64 = 86_400;
        self.ageing_days
            .is_some_and(|days| now.as_second() - line.placed.as_second() > i64::from(days) * DAY_S)
    }

    /// Where a line stands by the basis: the lowest is served first.
    fn height(&self, line: &Line) -> i128 {
        match self.basis {
            Basis::PromiseGiven => line.promised.map_or(i128::MAX, |date| i128::from(days_since_epoch(date))),
            Basis::OrderTime => i128::from(nanoseconds(line.placed)),
            Basis::Class => i128::from(line.class),
            Basis::CustomerGroup => {
                let rank =
                    line.group.as_ref().and_then(|own| self.groups.iter().position(|group| group == own));
                rank.unwrap_or(self.groups.len()) as i128
            }
            Basis::PaidAmount => -i128::from(line.paid),
            // Two fractions with denominators below 2²⁰ (a line has a million units at most) differ by more than 2⁻⁴⁰.
            Basis::Margin => -((i128::from(line.margin) << 40) / i128::from(line.quantity.max(1))),
            Basis::Proportional | Basis::MaxMin => 0,
        }
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
