//! One quantity shared among many, in whole units.

use model::Units;

/// Shares units in proportion to what each wants, nobody getting more than that.
///
/// Shape: one entry for each of `wants`, adding up to `units` or to all that is wanted, whichever is less. Of equal
/// remainders the one listed first is rounded up.
/// Source: largest remainder (Hamilton).
pub fn proportional(units: Units, wants: &[Units]) -> Vec<Units> {
    let wanted: i128 = wants.iter().map(|&want| i128::from(want)).sum();
    if wanted == 0 {
        return vec![0; wants.len()];
    }
    let units = i128::from(units).clamp(0, wanted);
    let exact = |want: Units| i128::from(want) * units;
    // A share is at most what is wanted, which is an i64.
    let whole = |want: Units| (exact(want) / wanted) as Units;
    let mut shares: Vec<Units> = wants.iter().map(|&want| whole(want)).collect();
    let rest = units - shares.iter().map(|&share| i128::from(share)).sum::<i128>();
    // Fewer than there are wants: each remainder is below one unit.
    let rest = rest as usize;
    if rest > 0 {
        let mut largest: Vec<(i128, usize)> =
            wants.iter().enumerate().map(|(at, &want)| (-(exact(want) % wanted), at)).collect();
        if rest < largest.len() {
            largest.select_nth_unstable(rest);
        }
        for &(_, at) in &largest[..rest] {
            shares[at] += 1;
        }
    }
    shares
}

/// What one of many has and may have in a fair share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Units it has already; they count towards its share.
    pub has: Units,
    /// The most units it may have, with those.
    pub most: Units,
    /// Its weight, from 1 to a million: with weight 2 it gets two units where others get one.
    pub weight: u32,
}

/// Shares units so that whoever has least gets the next one, for its weight; ties in the order listed.
///
/// Shape: units for each of `wants` beyond what it has, adding up to `units` or to all that is wanted, whichever is less.
/// Source: max-min fairness by water-filling (Bertsekas & Gallager, Data Networks, section 6.5), in whole units: the k-th
/// unit of one with weight w stands at level k/w, and the lowest units are given.
pub fn max_min(units: Units, wants: &[Want]) -> Vec<Units> {
    // Levels k/w of different height are at least 10⁻¹² apart; 2⁻⁴⁰ is less.
    let scale: i128 = if wants.iter().all(|want| want.weight == 1) { 1 } else { 1 << 40 };
    let more_at = |want: &Want, level: i128| {
        let reached = level * i128::from(want.weight) / scale;
        (reached.clamp(i128::from(want.has.min(want.most)), i128::from(want.most)) as Units - want.has).max(0)
    };
    let total_at = |level: i128| wants.iter().map(|want| i128::from(more_at(want, level))).sum::<i128>();
    let highest = wants.iter().map(|want| i128::from(want.most)).max().unwrap_or(0) * scale;
    let units = i128::from(units.max(0)).min(total_at(highest));
    // The highest level that does not take more than there is.
    let (mut low, mut high) = (0, highest);
    while low < high {
        let middle = (low + high + 1) / 2;
        if total_at(middle) <= units { low = middle } else { high = middle - 1 }
    }
    let mut more: Vec<Units> = wants.iter().map(|want| more_at(want, low)).collect();
    // Those that a level higher would give another unit all stand at the same one.
    let mut rest = units - more.iter().map(|&more| i128::from(more)).sum::<i128>();
    for (more, want) in more.iter_mut().zip(wants) {
        if rest > 0 && more_at(want, low + 1) > *more {
            *more += 1;
            rest -= 1;
        }
    }
    more
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives one unit at a time to whoever has least for its weight.
    fn one_by_one(mut units: Units, wants: &[Want]) -> Vec<Units> {
        let mut more = vec![0; wants.len()];
        while units > 0 {
            let next =
                (0..wants.len()).filter(|&at| wants[at].has + more[at] < wants[at].most).min_by(|&a, &b| {
                    let height = |at: usize| wants[at].has + more[at] + 1;
                    let (a_weight, b_weight) = (Units::from(wants[a].weight), Units::from(wants[b].weight));
                    (height(a) * b_weight).cmp(&(height(b) * a_weight)).then(a.cmp(&b))
                });
            let Some(next) = next else { break };
            more[next] += 1;
            units -= 1;
        }
        more
    }

    proptest! {
        #[test]
        fn max_min_gives_each_unit_to_who_has_least(
            units in 0_i64..60, wants in proptest::collection::vec((0_i64..6, 0_i64..15, 1_u32..5), 0..7), even in any::<bool>(),
        ) {
            let wants: Vec<Want> = wants.into_iter()
                .map(|(has, more, weight)| Want { has, most: has + more, weight: if even { 1 } else { weight } }).collect();
            prop_assert_eq!(max_min(units, &wants), one_by_one(units, &wants));
        }

        #[test]
        fn a_proportional_share_is_within_a_unit_of_the_exact_one(units in 0_i64..80, wants in proptest::collection::vec(0_i64..30, 0..8)) {
            let shares = proportional(units, &wants);
            let wanted: i64 = wants.iter().sum();
            let given = units.min(wanted);
            prop_assert_eq!(shares.iter().sum::<i64>(), given);
            for (&share, &want) in shares.iter().zip(&wants) {
                prop_assert!(share <= want && (share * wanted - want * given).abs() < wanted.max(1));
            }
        }
    }

    #[test]
    fn equal_remainders_go_to_who_is_listed_first() {
        assert_eq!(proportional(4, &[3, 3, 3]), [2, 1, 1]);
        assert_eq!(max_min(4, &[Want { has: 0, most: 3, weight: 1 }; 3]), [2, 1, 1]);
    }
}
