//! How well a supplier keeps its dates, and how well what was promised on them was kept.

use insight::{
    lead_time::{SupplierInput, conformal_bound, supplier_reliability},
    metrics::pinball,
};

use crate::history::{Receipt, Supplier};

/// Receipts that count as recent.
pub const RECENT: usize = 10;
/// What a promise aims at.
const AIM: f64 = 0.9;

/// What some receipts show.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// How many.
    pub receipts: usize,
    /// Share that came on the first date given or before.
    pub on_time: f64,
    /// The middle of the days late; below zero: early.
    pub late_days_median: i32,
    /// Days that cover nine of ten (conformal); `None`: fewer than nine receipts.
    pub late_days_p90: Option<i32>,
    /// Share that came by the date promised on top of the date given. It aims at nine of ten.
    pub kept: f64,
    /// Mean pinball loss at 0.9 of the dates promised, in days: lower is better.
    pub pinball_promised: f64,
    /// The same of the dates as given.
    pub pinball_given: f64,
}

/// One supplier's dates.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorecard {
    /// All receipts that are kept.
    pub all: Shown,
    /// The newest [`RECENT`].
    pub recent: Shown,
    /// Share on time it is thought to reach, and the bound below which it is in 5 % of the cases (Beta, prior 1 and 1).
    pub reliability: (f64, f64),
    /// Of the receipts, those promised with learned days.
    pub learned: usize,
    /// By month (`2026-03`), the oldest first: receipts, share kept.
    pub months: Vec<(String, usize, f64)>,
}

/// Sums a supplier up; `None`: nothing of it has come.
pub fn scorecard(supplier: &Supplier) -> Option<Scorecard> {
    let receipts = &supplier.receipts;
    let all = shown(receipts)?;
    let recent = shown(&receipts[receipts.len().saturating_sub(RECENT)..])?;
    let on_time = receipts.iter().filter(|receipt| receipt.late_days <= 0).count();
    let input = SupplierInput {
        prior_alpha: 1.0,
        prior_beta: 1.0,
        deliveries: i64::try_from(receipts.len()).ok()?,
        on_time: i64::try_from(on_time).ok()?,
    };
    let reliability = supplier_reliability(&input).ok()?;
    Some(Scorecard {
        all,
        recent,
        reliability: (reliability.posterior_mean, reliability.lower_5pct),
        learned: receipts.iter().filter(|receipt| receipt.learned_from > 0).count(),
        months: months(receipts),
    })
}

fn shown(receipts: &[Receipt]) -> Option<Shown> {
    let mut late: Vec<f64> = receipts.iter().map(|receipt| f64::from(receipt.late_days)).collect();
    late.sort_unstable_by(f64::total_cmp);
    let n = late.len() as f64;
    let share = |count: usize| count as f64 / n;
    let loss = |of: &dyn Fn(&Receipt) -> f64| {
        receipts.iter().map(|receipt| pinball(f64::from(receipt.late_days), of(receipt), AIM)).sum::<f64>()
            / n
    };
    Some(Shown {
        receipts: receipts.len(),
        on_time: share(receipts.iter().filter(|receipt| receipt.late_days <= 0).count()),
        late_days_median: *late.get(late.len() / 2)? as i32,
        late_days_p90: conformal_bound(&late, 1.0 - AIM).map(|days| days as i32),
        kept: share(receipts.iter().filter(|receipt| !receipt.is_broken()).count()),
        pinball_promised: loss(&|receipt| f64::from(receipt.promised_days)),
        pinball_given: loss(&|_| 0.0),
    })
}

fn months(receipts: &[Receipt]) -> Vec<(String, usize, f64)> {
    let mut months: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
    for receipt in receipts {
        let Some(date) = model::time::date_from_days(receipt.day) else { continue };
        let month = months.entry(format!("{:04}-{:02}", date.year(), date.month())).or_default();
        month.0 += 1;
        month.1 += usize::from(!receipt.is_broken());
    }
    months.into_iter().map(|(month, (came, kept))| (month, came, kept as f64 / came as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(day: i32, late_days: i32, promised_days: u16) -> Receipt {
        Receipt { day, late_days, promised_days, learned_from: u32::from(promised_days != 3), lead_days: 20 }
    }

    #[test]
    fn kept_promises_and_their_price_are_told_apart_from_the_dates_given() {
        let late = [0, 2, 4, 9, 9, 9, 12, -1, 0, 3];
        let receipts = late.iter().zip(20_500..).map(|(late, day)| receipt(day, *late, 3)).collect();
        let card = scorecard(&Supplier { receipts }).unwrap();
        assert_eq!((card.all.receipts, card.all.late_days_median, card.all.late_days_p90), (10, 4, Some(12)));
        assert!((card.all.on_time - 0.3).abs() < 1e-12 && (card.all.kept - 0.5).abs() < 1e-12);
        // 0.9 × (1 + 6·3 + 9) late beyond the three days, 0.1 × (3 + 1 + 4 + 3 + 0) waited for nothing.
        assert!((card.all.pinball_promised - (0.9 * 28.0 + 0.1 * 11.0) / 10.0).abs() < 1e-12, "{card:?}");
        assert!((card.all.pinball_given - (0.9 * 48.0 + 0.1) / 10.0).abs() < 1e-12);
        assert!((card.reliability.0 - 4.0 / 12.0).abs() < 1e-12 && card.reliability.1 < card.reliability.0);
        assert_eq!(card.all, card.recent);
        assert_eq!(card.months.iter().map(|month| month.1).sum::<usize>(), 10);
    }

    #[test]
    fn too_little_is_said() {
        assert_eq!(scorecard(&Supplier::default()), None);
        let one = scorecard(&Supplier { receipts: vec![receipt(20_500, 7, 9)] }).unwrap();
        assert_eq!((one.all.late_days_median, one.all.late_days_p90, one.learned), (7, None, 1));
        let many: Vec<Receipt> = (0..40).map(|n| receipt(20_500 + n, i32::from(n < 30) * 20, 3)).collect();
        let card = scorecard(&Supplier { receipts: many }).unwrap();
        assert!(card.recent.kept > card.all.kept, "it has become better");
    }
}
