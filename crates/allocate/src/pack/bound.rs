//! What no choice can exceed: each limit's units get a price, and every item is taken whose value exceeds the prices of
//! what it needs, whether it fits or not.
//!
//! Source: Lagrangian relaxation (Geoffrion 1974). For any prices y ≥ 0, no choice is worth more than
//! y·limits + Σ max(0, value − y·needs); the lowest of these bounds is that of the linear relaxation. Prices go down the
//! subgradient with Polyak's step (Held, Wolfe & Crowder 1974). Whatever the prices, the bound they give is exact, because
//! it is added up in whole numbers: so rounding prices costs a little of the bound and never its truth.

use model::Units;

use super::Problem;

/// Values and prices are counted in units of 2⁻²⁰.
pub(crate) const SCALE: i128 = 1 << 20;
/// The step's length is counted in 256ths.
const WHOLE_STEP: i128 = 256;
/// How far each limit is overrun is counted in units of 2⁻²⁰ of it.
const SHARE: u32 = 20;

/// What is decided about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fix {
    Free,
    Out,
    In,
}

/// A part of a problem: some items decided, the others free.
pub(crate) struct Part<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) free: &'a [usize],
    /// Value of what is decided to be in, in units of [`SCALE`].
    pub(crate) base: i128,
    /// What that leaves of each limit.
    pub(crate) left: &'a [Units],
}

/// The best prices found for a part.
pub(crate) struct Bound {
    /// In units of [`SCALE`].
    pub(crate) value: i128,
    /// What all units of each limit cost together, in units of [`SCALE`].
    pub(crate) prices: Vec<i128>,
    /// By how much each free item's value exceeds the price of what it needs; by its position in the problem.
    pub(crate) surplus: Vec<i128>,
    /// How often each item would have been taken while prices moved, of `rounds`.
    pub(crate) taken: Vec<u32>,
    pub(crate) rounds: u32,
}

/// Lowers the bound of a part from given prices for so many rounds, or until it is no more than `target`.
pub(crate) fn lower(part: &Part<'_>, start: &[i128], rounds: u32, target: i128) -> Bound {
    let items = part.problem.items.len();
    let mut prices = start.to_vec();
    let mut best = Bound {
        value: i128::MAX,
        prices: prices.clone(),
        surplus: vec![0; items],
        taken: vec![0; items],
        rounds: 0,
    };
    let mut surplus = vec![0; items];
    let (mut step, mut idle) = (WHOLE_STEP / 2, 0);
    // A third of the rounds finds the way; what is taken after that says something.
    let counted_from = rounds / 3;
    for round in 0..rounds {
        let counts = round >= counted_from;
        best.rounds += u32::from(counts);
        let (value, over) = relax(part, &prices, &mut surplus, counts.then_some(&mut best.taken));
        if value < best.value {
            best.value = value;
            best.prices.clone_from(&prices);
            best.surplus.clone_from(&surplus);
            idle = 0;
        } else {
            idle += 1;
            if idle > 2 + rounds / 20 {
                (step, idle) = ((step * 2 / 3).max(1), 0);
                prices.clone_from(&best.prices);
            }
        }
        if best.value <= target
            || !move_prices(part, &mut prices, &over, (value - target) * step / WHOLE_STEP)
        {
            break;
        }
    }
    best
}

/// Takes every free item with a surplus. Returns the bound, and what is left of each limit: below zero where it is overrun.
fn relax(
    part: &Part<'_>,
    prices: &[i128],
    surplus: &mut [i128],
    mut taken: Option<&mut Vec<u32>>,
) -> (i128, Vec<Units>) {
    let limits = &part.problem.limits;
    let unit_prices: Vec<i128> =
        prices.iter().zip(limits).map(|(price, &limit)| price / i128::from(limit.max(1))).collect();
    let mut left = part.left.to_vec();
    let mut value = part.base;
    for (price, &units) in unit_prices.iter().zip(part.left) {
        value += price * i128::from(units);
    }
    for &at in part.free {
        let item = &part.problem.items[at];
        let cost: i128 =
            item.needs.iter().map(|&(limit, units)| unit_prices[limit] * i128::from(units)).sum();
        surplus[at] = i128::from(item.value) * SCALE - cost;
        if surplus[at] > 0 {
            value += surplus[at];
            item.take_from(&mut left);
            if let Some(taken) = &mut taken {
                taken[at] += 1;
            }
        }
    }
    (value, left)
}

/// Moves prices against what is left, so that the bound would fall by `fall` if it were straight. Returns whether they moved.
fn move_prices(part: &Part<'_>, prices: &mut [i128], left: &[Units], fall: i128) -> bool {
    // Relative to the limits: else a step that suits a SKU of ten units would be nothing for one of a million.
    let share: Vec<i128> =
        (prices.iter().zip(left).zip(&part.problem.limits))
            .map(|((&price, &left), &limit)| {
                if price <= 0 && left > 0 {
                    0
                } else {
                    (i128::from(left) << SHARE) / i128::from(limit.max(1))
                }
            })
            .collect();
    let norm: i128 = share.iter().map(|share| share * share).sum();
    if norm == 0 {
        return false;
    }
    let length = (fall.max(SCALE) << SHARE) / norm;
    for (price, share) in prices.iter_mut().zip(share) {
        *price = (*price - length * share).max(0);
    }
    true
}
