//! Simple rules, and what a few swaps make of them.

use std::cmp::Reverse;

use super::Problem;

/// Takes items in the order given, each if it still fits.
pub fn in_turn(problem: &Problem, order: impl IntoIterator<Item = usize>) -> Vec<bool> {
    let mut chosen = vec![false; problem.items.len()];
    let mut left = problem.limits.clone();
    for at in order {
        if problem.items[at].fits(&left) {
            problem.items[at].take_from(&mut left);
            chosen[at] = true;
        }
    }
    chosen
}

/// Positions of items by value over the shares of the limits that they take, the greatest first; ties as listed.
///
/// Source: value/Σ(quantity/supply), the usual density in several dimensions.
pub fn by_density(problem: &Problem) -> Vec<usize> {
    // A share in units of 2⁻⁴⁰, so that densities are compared as whole numbers. What has no limit takes all of it.
    const WHOLE: i128 = 1 << 40;
    let share =
        |&(limit, units): &(usize, i64)| WHOLE * i128::from(units) / i128::from(problem.limits[limit]).max(1);
    let size: Vec<i128> =
        problem.items.iter().map(|item| item.needs.iter().map(share).sum::<i128>().max(1)).collect();
    let mut order: Vec<usize> = (0..problem.items.len()).collect();
    order.sort_by(|&a, &b| {
        let worth = |at: usize, other: usize| i128::from(problem.items[at].value) * size[other];
        worth(b, a).cmp(&worth(a, b))
    });
    order
}

/// Takes one item out and fills up by the order given, while that gains and `go_on` says yes.
///
/// Every pass tries each item that is in; the best of a pass is kept.
pub(crate) fn improve(
    problem: &Problem,
    order: &[usize],
    chosen: &mut [bool],
    go_on: &mut dyn FnMut() -> bool,
) {
    let mut left = problem.left_after(|at| chosen[at]);
    fill_up(problem, order, chosen, &mut left, None);
    loop {
        let mut best: Option<(i64, usize)> = None;
        for out in (0..chosen.len()).filter(|&at| chosen[at]) {
            if !go_on() {
                return;
            }
            let gain = gain_without(problem, order, chosen, &left, out);
            if gain > best.map_or(0, |best| best.0) {
                best = Some((gain, out));
            }
        }
        let Some((_, out)) = best else { return };
        chosen[out] = false;
        problem.items[out].give_back_to(&mut left);
        fill_up(problem, order, chosen, &mut left, Some(out));
    }
}

fn gain_without(problem: &Problem, order: &[usize], chosen: &[bool], left: &[i64], out: usize) -> i64 {
    let mut left = left.to_vec();
    problem.items[out].give_back_to(&mut left);
    let mut gain = -problem.items[out].value;
    for &at in order {
        if !chosen[at] && at != out && problem.items[at].fits(&left) {
            problem.items[at].take_from(&mut left);
            gain += problem.items[at].value;
        }
    }
    gain
}

fn fill_up(problem: &Problem, order: &[usize], chosen: &mut [bool], left: &mut [i64], but: Option<usize>) {
    for &at in order {
        if !chosen[at] && Some(at) != but && problem.items[at].fits(left) {
            problem.items[at].take_from(left);
            chosen[at] = true;
        }
    }
}

/// Positions by how much each is worth beyond what its units are worth elsewhere, the greatest first; ties as listed.
pub(crate) fn by_surplus(surplus: &[i128]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..surplus.len()).collect();
    order.sort_by_key(|&at| Reverse(surplus[at]));
    order
}
