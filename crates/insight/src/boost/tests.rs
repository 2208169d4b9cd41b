use std::num::NonZeroUsize;

use super::*;

const SETTINGS: Settings = Settings {
    rounds: 1,
    leaves: 2,
    rate: 1.0,
    leaf_rows: 1,
    leaf_curvature: 0.0,
    l2: 0.0,
    rows_share: 1.0,
    columns_share: 1.0,
    seed: 1,
};

fn workers(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Fits on every row and returns the scores of `ask`.
fn learned(
    columns: Vec<Vec<f64>>,
    targets: &[f64],
    loss: Loss,
    settings: &Settings,
    ask: Vec<Vec<f64>>,
) -> Vec<f64> {
    let frame = Frame::new(columns);
    let bins = Bins::of(&frame);
    let rows: Vec<u32> = (0..frame.rows() as u32).collect();
    let model = Model::fit(&bins, &bins.code(&frame), &rows, targets, loss, settings);
    let asked = bins.code(&Frame::new(ask));
    (0..asked.rows()).map(|row| model.score(&asked, row)).collect()
}

/// Six rows whose best single cut is at 3.5 of the first column: 1, 2, 3 have targets 1, 3, 2, and 4, 5, 6 have 9, 8, 10.
fn six() -> (Vec<Vec<f64>>, [f64; 6]) {
    let first = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let second = vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    (vec![first, second], [1.0, 3.0, 2.0, 9.0, 8.0, 10.0])
}

#[test]
fn one_split_is_the_one_found_by_hand() {
    let (columns, targets) = six();
    let ask = vec![vec![0.0, 3.4, 3.6, 99.0], vec![0.0; 4]];
    let got = learned(columns.clone(), &targets, Loss::Squared, &SETTINGS, ask.clone());
    assert_eq!(got, [2.0, 2.0, 9.0, 9.0]);
    // With l2 = 3 a leaf of three rows goes half of its way from the mean of all, 5.5.
    let pulled =
        learned(columns.clone(), &targets, Loss::Squared, &Settings { l2: 3.0, ..SETTINGS }, ask.clone());
    assert_eq!(pulled, [3.75, 3.75, 7.25, 7.25]);
    // Leaves of at least four rows cannot be had from six.
    let whole = learned(
        columns.clone(),
        &targets,
        Loss::Squared,
        &Settings { leaf_rows: 4, ..SETTINGS },
        ask.clone(),
    );
    assert_eq!(whole, [5.5; 4]);
    // The median of each side.
    let medians = learned(columns, &targets, Loss::Quantile(0.5), &SETTINGS, ask);
    assert_eq!(medians, [2.0, 2.0, 9.0, 9.0]);
}

#[test]
fn a_logistic_step_is_newtons() {
    let targets = [0.0, 0.0, 0.0, 1.0];
    let columns = vec![vec![0.0, 0.0, 1.0, 1.0]];
    let got = learned(columns.clone(), &targets, Loss::Logistic, &SETTINGS, columns);
    // From p = ¼: slopes ¼ and −¾, curvature 3⁄16 a row. Left: −½ ÷ ⅜, right: +½ ÷ ⅜.
    let start = (1.0_f64 / 3.0).ln();
    for (got, want) in
        got.iter().zip([start - 4.0 / 3.0, start - 4.0 / 3.0, start + 4.0 / 3.0, start + 4.0 / 3.0])
    {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }
}

#[test]
fn missing_goes_where_it_fits() {
    let nan = f64::NAN;
    let column = vec![1.0, 1.0, 2.0, 2.0, nan, nan];
    let ask = vec![vec![1.0, 2.0, nan]];
    let like_high =
        learned(vec![column.clone()], &[0.0, 0.0, 6.0, 6.0, 6.0, 6.0], Loss::Squared, &SETTINGS, ask.clone());
    assert_eq!(like_high, [0.0, 6.0, 6.0]);
    let like_low =
        learned(vec![column.clone()], &[0.0, 0.0, 6.0, 6.0, 0.0, 0.0], Loss::Squared, &SETTINGS, ask.clone());
    assert_eq!(like_low, [0.0, 6.0, 0.0]);
    let alone = learned(vec![column], &[0.0, 0.0, 0.0, 0.0, 6.0, 6.0], Loss::Squared, &SETTINGS, ask);
    assert_eq!(alone, [0.0, 0.0, 6.0]);
    // Never missing while it was learned: with the larger side.
    let more =
        learned(vec![vec![1.0, 2.0, 2.0]], &[0.0, 6.0, 6.0], Loss::Squared, &SETTINGS, vec![vec![nan]]);
    assert_eq!(more, [6.0]);
}

/// A bent surface with noise: what trees are for.
fn surface(rows: usize) -> (Frame, Vec<f64>) {
    let at = |column: u64, row: usize| crate::random::uniform(99, column, row as u64);
    let columns: Vec<Vec<f64>> =
        (0..4).map(|column| (0..rows).map(|row| at(column, row)).collect()).collect();
    let targets = (0..rows)
        .map(|row| {
            (6.0 * at(0, row)).sin() + f64::from(at(1, row) > 0.4) * at(2, row) + 0.3 * (at(9, row) - 0.5)
        })
        .collect();
    (Frame::new(columns), targets)
}

#[test]
fn each_round_lowers_the_loss_it_is_grown_for() {
    let (frame, targets) = surface(600);
    let bins = Bins::of(&frame);
    let coded = bins.code(&frame);
    let rows: Vec<u32> = (0..600).collect();
    let binary: Vec<f64> = targets.iter().map(|target| f64::from(*target > 0.3)).collect();
    for (loss, targets) in
        [(Loss::Squared, &targets), (Loss::Logistic, &binary), (Loss::Quantile(0.8), &targets)]
    {
        let mut before = f64::INFINITY;
        for rounds in 0..25 {
            let settings = Settings { rounds, leaves: 6, rate: 0.2, leaf_rows: 5, l2: 1.0, ..SETTINGS };
            let model = Model::fit(&bins, &coded, &rows, targets, loss, &settings);
            let scores: Vec<f64> = (0..600).map(|row| model.score(&coded, row)).collect();
            let now = loss.mean(targets, &scores);
            assert!(now < before, "{loss:?} {rounds}: {now} after {before}");
            before = now;
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bits_on_any_number_of_threads() {
    let (frame, targets) = surface(500);
    let bins = Bins::of(&frame);
    let coded = bins.code(&frame);
    let rows: Vec<u32> = (0..500).collect();
    let settings = Settings {
        rounds: 12,
        leaves: 8,
        rate: 0.1,
        leaf_rows: 5,
        rows_share: 0.7,
        columns_share: 0.5,
        ..SETTINGS
    };
    let fit = |settings: &Settings, n: usize| {
        let bag = Bag::fit(&bins, &coded, &rows, &targets, Loss::Quantile(0.9), settings, 5, 0.6, workers(n));
        let bits: Vec<u64> = bag.scores(&coded, workers(n)).into_iter().map(f64::to_bits).collect();
        (bits, bag.scores_unseen(&coded, workers(n)))
    };
    let once = fit(&settings, 1);
    assert_eq!(once, fit(&settings, 1));
    assert_eq!(once, fit(&settings, 3));
    assert_ne!(once.0, fit(&Settings { seed: 2, ..settings }, 1).0);
}

#[test]
fn unseen_scores_come_from_members_that_never_saw_the_row() {
    // Targets that no column explains: a member is right only about rows it saw.
    let rows = 200;
    let column: Vec<f64> = (0..rows).map(f64::from).collect();
    let targets: Vec<f64> = (0..rows).map(|row| f64::from(row % 2)).collect();
    let frame = Frame::new(vec![column]);
    let bins = Bins::of(&frame);
    let coded = bins.code(&frame);
    let all: Vec<u32> = (0..rows as u32).collect();
    let settings = Settings { rounds: 30, leaves: 64, rate: 0.5, ..SETTINGS };
    let bag = Bag::fit(&bins, &coded, &all, &targets, Loss::Squared, &settings, 8, 0.6, workers(2));
    let seen = Loss::Squared.mean(&targets, &bag.scores(&coded, workers(2)));
    let (mut missed, mut count) = (0.0, 0.0);
    for (score, target) in bag.scores_unseen(&coded, workers(2)).into_iter().zip(&targets) {
        if let Some(score) = score {
            missed += (score - target).powi(2);
            count += 1.0;
        }
    }
    // Eight members see a row all with 0.6⁸ = 1.7 %.
    assert!(count > 180.0 && seen < 0.15 && missed / count > 0.25, "{count} {seen} {missed}");
}
