//! How late goods come, learned from when they came before.
//!
//! Counted from the first date that was given for each supply: suppliers give a later one shortly before they are late. The
//! bound is that of split conformal prediction (Lei et al. 2018): of n receipts in any order, the ⌈(n+1)·0.9⌉-th smallest covers
//! the next one in nine of ten cases. docs/theory/dates.md, "Learned from receipts".

use model::{
    limits::DAYS_MAX,
    supply::Lateness,
    time::{Date, days_after, days_since_epoch},
};

/// Newest receipts that are learned from: suppliers change.
pub const RECEIPTS_MAX: usize = 60;
/// Receipts of its own from which on a supplier is judged by them.
pub const OWN_MIN: usize = 3;
/// Receipts below which nothing covers nine of ten: ⌈1/0.1⌉ − 1.
pub const BOUND_MIN: u32 = 9;

/// What receipts show of the next supply; `None`: too little.
///
/// `own`: days after the first date given of the supplier's receipts, below zero where goods came before; `shop`: the same of all
/// suppliers. From three receipts on the middle is the supplier's own; before, it is that of all. Where nine are not there, the
/// promise covers the latest the supplier has been, and what covers nine of ten of all suppliers.
pub fn learned(own: &[i32], shop: &[i32]) -> Option<Lateness> {
    let all = bound(shop);
    if own.len() < OWN_MIN {
        return Some(Lateness {
            expected_days: middle(shop),
            promised_days: all?,
            learned_from: count(shop),
        });
    }
    let expected_days = middle(own);
    let latest = own.iter().copied().max().map_or(0, days);
    let promised_days = bound(own).unwrap_or_else(|| latest.max(all.unwrap_or(0)));
    Some(Lateness {
        expected_days,
        promised_days: promised_days.max(expected_days),
        learned_from: count(own),
    })
}

/// How late a supply is thought to come after a date newly given, from the first date given for it.
///
/// What it was thought to be late counts from the first date; of a date beyond that, only the usual buffer is left.
pub fn after_new_date(lateness: Lateness, first: Date, new: Date) -> Lateness {
    if lateness.learned_from == 0 {
        return lateness;
    }
    let left = |late: u16| {
        let comes = days_after(first, late).map_or(i32::MAX, days_since_epoch);
        days(comes.saturating_sub(days_since_epoch(new)))
    };
    let promised_days = match left(lateness.promised_days) {
        0 => Lateness::BUFFER_DAYS_DEFAULT,
        left => left,
    };
    let expected_days = left(lateness.expected_days).min(promised_days);
    Lateness { expected_days, promised_days, ..lateness }
}

/// The smallest that covers nine of ten.
fn bound(days_late: &[i32]) -> Option<u16> {
    let place = ((days_late.len() + 1) * 9).div_ceil(10);
    (place <= days_late.len()).then(|| days(nth(days_late, place)))
}

/// The middle; of two, the later.
fn middle(days_late: &[i32]) -> u16 {
    if days_late.is_empty() { 0 } else { days(nth(days_late, days_late.len() / 2 + 1)) }
}

/// The n-th smallest, from 1.
fn nth(days_late: &[i32], place: usize) -> i32 {
    let mut sorted = days_late.to_vec();
    *sorted.select_nth_unstable(place - 1).1
}

/// Goods that come early are there on the day.
fn days(late: i32) -> u16 {
    u16::try_from(late.clamp(0, i32::from(DAYS_MAX))).unwrap_or(DAYS_MAX)
}

fn count(days_late: &[i32]) -> u32 {
    u32::try_from(days_late.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(own: &[i32], shop: &[i32]) -> Option<(u16, u16, u32)> {
        learned(own, shop).map(|found| (found.expected_days, found.promised_days, found.learned_from))
    }

    #[test]
    fn a_supplier_is_judged_by_its_own_receipts_from_three_on() {
        let shop = [0, 1, 1, 2, 2, 3, 4, 5, 20];
        assert_eq!(of(&[], &shop[..8]), None, "eight cover no nine of ten");
        assert_eq!(of(&[], &shop), Some((2, 20, 9)));
        assert_eq!(of(&[30, 40], &shop), Some((2, 20, 9)), "two say nothing yet");
        assert_eq!(of(&[9, 9, 9], &[]), Some((9, 9, 3)));
        assert_eq!(of(&[4, 9, 12, 9, 7], &[]), Some((9, 12, 5)), "the latest it has been");
        assert_eq!(of(&[4, 9, 12, 9, 7], &shop), Some((9, 20, 5)));
        assert_eq!(of(&[0, 0, 0, 0, 0, 0, 0, 0, 50], &shop), Some((0, 50, 9)));
        let mut ten = [0; 19];
        ten[18] = 50;
        ten[17] = 7;
        assert_eq!(of(&ten, &shop), Some((0, 7, 19)), "one of nineteen is left out");
        assert_eq!(of(&[-5, -4, -3], &[]), Some((0, 0, 3)), "early is on the day");
        assert_eq!(of(&[i32::MAX; 3], &[]).map(|found| found.1), Some(DAYS_MAX));
    }

    #[test]
    fn nine_of_ten_are_covered_whatever_the_order() {
        // Of 19 exchangeable receipts and one more, the bound covers at least 18 of the 20 places the new one can have.
        let all: Vec<i32> = (0..20).map(|n| (n * 37) % 101).collect();
        let covered = (0..20).filter(|out| {
            let rest: Vec<i32> =
                all.iter().enumerate().filter(|(n, _)| n != out).map(|(_, late)| *late).collect();
            learned(&rest, &[]).is_some_and(|found| all[*out] <= i32::from(found.promised_days))
        });
        assert_eq!(covered.count(), 18);
    }

    #[test]
    fn a_new_date_takes_its_days_off_what_was_thought() {
        let date = |day: &str| day.parse::<Date>().unwrap();
        let learned = Lateness { expected_days: 9, promised_days: 20, learned_from: 12 };
        let after = |new| {
            let found = after_new_date(learned, date("2026-12-01"), date(new));
            (found.expected_days, found.promised_days)
        };
        assert_eq!(after("2026-12-01"), (9, 20));
        assert_eq!(after("2026-12-08"), (2, 13));
        assert_eq!(after("2026-12-15"), (0, 6));
        assert_eq!(after("2026-12-24"), (0, 3), "later than it was ever thought to be");
        assert_eq!(after("2026-11-24"), (16, 27), "sooner than first said: seen before believed");
        let set = Lateness::buffer(5);
        assert_eq!(after_new_date(set, date("2026-12-01"), date("2026-12-20")), set, "what was set stays");
    }
}
