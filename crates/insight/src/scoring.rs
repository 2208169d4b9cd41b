//! How good probabilities are: do they rank, are they near, and do they find the few.

/// Returns the area under the ROC curve: how often a row that came true has the higher probability; ties count half. None
/// where all or none came true.
pub fn auc(probabilities: &[f64], outcomes: &[bool]) -> Option<f64> {
    let order = ascending(probabilities);
    let (mut below, mut sum) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| probabilities[a] == probabilities[b]) {
        let came = tied.iter().filter(|&&row| outcomes[row]).count() as f64;
        let not = tied.len() as f64 - came;
        sum += came * (below + not / 2.0);
        below += not;
    }
    let pairs = below * (outcomes.len() as f64 - below);
    (pairs > 0.0).then(|| sum / pairs)
}

/// Returns the average precision: the mean, over rows that came true, of the share of true ones among all ranked as high. None
/// where none came true.
pub fn average_precision(probabilities: &[f64], outcomes: &[bool]) -> Option<f64> {
    let mut order = ascending(probabilities);
    order.reverse();
    let (mut seen, mut came, mut sum) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| probabilities[a] == probabilities[b]) {
        let here = tied.iter().filter(|&&row| outcomes[row]).count() as f64;
        seen += tied.len() as f64;
        came += here;
        sum += here * came / seen;
    }
    (came > 0.0).then(|| sum / came)
}

/// Returns the mean squared distance between probability and outcome. Shape: as many of each, at least one.
pub fn brier(probabilities: &[f64], outcomes: &[bool]) -> f64 {
    let squares = probabilities.iter().zip(outcomes).map(|(p, came)| (p - f64::from(*came)).powi(2));
    squares.sum::<f64>() / probabilities.len() as f64
}

fn ascending(probabilities: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranks_of_five() {
        let outcomes = [false, true, false, true, true];
        let p = [0.1, 0.4, 0.4, 0.8, 0.9];
        // Six pairs, of which one is tied.
        assert_eq!(auc(&p, &outcomes), Some(5.5 / 6.0));
        // Ranked 1st and 2nd of their like, then two of three tied at 4.
        assert_eq!(average_precision(&p, &outcomes), Some((1.0 + 1.0 + 3.0 / 4.0) / 3.0));
        assert!((brier(&p, &outcomes) - (0.01 + 0.36 + 0.16 + 0.04 + 0.01) / 5.0).abs() < 1e-15);
        assert_eq!((auc(&p, &[true; 5]), average_precision(&p, &[false; 5])), (None, None));
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs(rows in proptest::collection::vec((0_u32..6, any::<bool>()), 1..40)) {
            let (p, outcomes): (Vec<f64>, Vec<bool>) = rows.into_iter().map(|(p, came)| (f64::from(p), came)).unzip();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in outcomes.iter().enumerate().filter(|(_, came)| **came) {
                for (b, _) in outcomes.iter().enumerate().filter(|(_, came)| !**came) {
                    pairs += 1.0;
                    won += if p[a] > p[b] { 1.0 } else if p[a] == p[b] { 0.5 } else { 0.0 };
                }
            }
            match auc(&p, &outcomes) {
                Some(area) => prop_assert!((area - won / pairs).abs() < 1e-12),
                None => prop_assert_eq!(pairs, 0.0),
            }
        }
    }
}
