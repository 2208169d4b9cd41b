//! When goods are ready: the days of a pool's supplies, in order, and which supply is ready when.

use model::{id::SupplyId, time::Date};

use crate::pool::{Line, Pool, PoolError, Supply};

/// When goods are ready, and whether they are still to come: of the same day, goods that are here stand first.
pub(crate) type Moment = (Date, bool);

/// Nobody knows when.
pub(crate) const UNKNOWN: Moment = (Date::MAX, true);

fn moment(ready: Option<Date>, on_hand: bool) -> Moment {
    ready.map_or(UNKNOWN, |date| (date, !on_hand))
}

/// The distinct moments of a pool's supplies, ascending, called *steps* by their position.
pub(crate) struct Timetable {
    pub(crate) moments: Vec<Moment>,
    /// The step of each supply, by its position in the pool.
    pub(crate) step: Vec<usize>,
    /// When each supply was ready before the change.
    pub(crate) before: Vec<Moment>,
    /// Positions by id, ascending.
    positions: Vec<(SupplyId, usize)>,
}

impl Timetable {
    /// Errors: `SupplyTwice`.
    pub(crate) fn of(supplies: &[Supply]) -> Result<Self, PoolError> {
        let mut positions: Vec<(SupplyId, usize)> =
            supplies.iter().enumerate().map(|(at, supply)| (supply.id, at)).collect();
        positions.sort_unstable();
        if let Some(twice) = positions.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(PoolError::SupplyTwice(twice[0].0));
        }
        let now = |supply: &Supply| moment(supply.ready, supply.on_hand);
        let mut moments: Vec<Moment> = supplies.iter().map(now).collect();
        moments.sort_unstable();
        moments.dedup();
        let step = supplies.iter().map(|supply| moments.partition_point(|other| *other < now(supply)));
        Ok(Self {
            step: step.collect(),
            before: supplies.iter().map(|supply| moment(supply.ready_before, supply.on_hand)).collect(),
            moments,
            positions,
        })
    }

    /// The position of a supply in its pool.
    pub(crate) fn position(&self, id: SupplyId) -> Option<usize> {
        let at = self.positions.binary_search_by(|(other, _)| other.cmp(&id)).ok()?;
        Some(self.positions[at].1)
    }

    /// The last step that is not after a moment.
    pub(crate) fn by(&self, moment: Moment) -> Option<usize> {
        self.moments.partition_point(|other| *other <= moment).checked_sub(1)
    }

    /// The first step that is not before a moment: past the last one if all are.
    pub(crate) fn from(&self, moment: Moment) -> usize {
        self.moments.partition_point(|other| *other < moment)
    }

    /// The last step that a line may wait for without losing anything.
    pub(crate) fn wanted(&self, line: &Line) -> Option<usize> {
        self.by((line.may_wait_until()?, true))
    }
}

/// Positions of supplies by step, each step in the order of the pool.
pub(crate) fn supplies_by_step(pool: &Pool, times: &Timetable) -> Vec<Vec<usize>> {
    let mut by_step = vec![Vec::new(); times.moments.len()];
    for (at, _) in pool.supplies.iter().enumerate() {
        by_step[times.step[at]].push(at);
    }
    by_step
}
