use std::num::NonZeroUsize;

use super::{series::tests::table, *};
use crate::random::{place, uniform};

const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Series of so many months that sell in a share of them, some of which have died before the end.
fn many(series: u64, months: u64) -> Table {
    let rows: Vec<Vec<String>> = (0..series)
        .map(|row| {
            let share = 0.1 + 0.5 * uniform(5, row, 1000);
            let ends = if uniform(5, row, 1001) < 0.4 { months / 3 } else { months };
            let units = (0..months).map(|month| {
                let sells = month < ends && uniform(5, row, month) < share;
                (if sells { 1 + place(6, row, month, 5) } else { 0 }).to_string()
            });
            std::iter::once(format!("S{row}")).chain(units).collect()
        })
        .collect();
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    table(&rows)
}

#[test]
fn what_is_forecast_is_not_looked_at() {
    let data = many(40, 36);
    let mut other = Table::new("data d.csv", data.columns().to_vec());
    for row in 0..data.rows() {
        let cells = (0..=36).map(|column| if column > 30 { "99" } else { data.text(row, column) });
        other.push(row as u64 + 2, cells);
    }
    let said = intermittent_accuracy(&data, 6, TWO).unwrap();
    assert_eq!(said, intermittent_accuracy(&other, 6, TWO).unwrap());
    assert_eq!(said, intermittent_accuracy(&data, 6, NonZeroUsize::MIN).unwrap());
    assert_eq!((said.quantile_by, said.backtests), (Answered::Own, 320));
    assert!(said.quantile90.iter().flatten().all(|units| units.fract() == 0.0 && *units >= 0.0));
}

#[test]
fn series_that_say_too_little_are_dropped_and_named() {
    let months = |units: &dyn Fn(usize) -> String| (0..30).map(units).collect::<Vec<String>>();
    let rows = [
        ("quiet", months(&|_| "0".into())),
        ("alive", months(&|month| (month % 4).to_string())),
        ("even", months(&|_| "3".into())),
        ("young", months(&|month| if month < 10 { String::new() } else { "2".into() })),
        ("late", months(&|month| u8::from(month == 23 || month == 27).to_string())),
    ];
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|(name, units)| std::iter::once(*name).chain(units.iter().map(String::as_str)).collect())
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let said = intermittent_accuracy(&table(&rows), 6, TWO).unwrap();
    let answered: Vec<bool> = said.quantile90.iter().map(Option::is_some).collect();
    assert_eq!(answered, [false, true, false, false, false]);
    assert_eq!(answered, said.mean.iter().map(Option::is_some).collect::<Vec<_>>());
    let reasons: Vec<(usize, &str, &str)> =
        said.dropped.iter().map(|one| (one.place, one.series.as_str(), one.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (0, "quiet", "no demand in the months to learn from"),
            (2, "even", "demand never changes, so errors have no scale"),
            (3, "young", "20 months of at least 24"),
            (4, "late", "only one month since the first demand"),
        ]
    );
    // 0 1 2 3 in turn: six months sum to 7 to 11.
    assert!((8.0..=14.0).contains(&said.quantile90[1].unwrap()), "{said:?}");
    assert!((said.mean[1].unwrap() - 1.5).abs() < 0.4, "{said:?}");
    for horizon in [0, -1, 121] {
        assert_eq!(intermittent_accuracy(&table(&rows), horizon, TWO).unwrap_err().field(), "horizon");
    }
}

#[test]
fn many_series_tell_of_each_other_which_die() {
    let data = many(140, 60);
    let said = intermittent_accuracy(&data, 3, TWO).unwrap();
    assert_ne!(said.quantile_by, Answered::Own, "four of ten series are dead: trees must see it");
    let (mut covered, mut count) = (0.0, 0.0);
    for (place, series) in series::read(&data).unwrap().into_iter().enumerate() {
        if let Some(quantile) = said.quantile90[place] {
            covered += f64::from(series.units[57..].iter().sum::<f64>() <= quantile);
            count += 1.0;
        }
    }
    // Three standard deviations of Binomial(135, 0.9), and what rounding to whole units adds.
    assert!(count > 130.0 && (0.82..=0.99).contains(&(covered / count)), "{covered} of {count}");
}

#[test]
fn what_lies_ahead_is_said_with_the_method_and_its_coverage_or_why_not() {
    let weeks: Vec<f64> = (0..80).map(|week| f64::from(week % 3 == 0) * f64::from(1 + week % 4)).collect();
    let flat = [2.0; 40];
    let few = [0.0, 0.0, 1.0, 0.0, 2.0];
    let series: Vec<(u64, &[f64])> = vec![(7, &weeks), (8, &flat), (9, &few), (10, &[0.0; 30])];
    let one = NonZeroUsize::MIN;
    let said = ahead(&series, 4, one).unwrap();
    let first = said[0].as_ref().unwrap();
    assert!(first.quantile90 >= 4.0 * first.mean * 0.9 && first.tries == 8, "{first:?}");
    assert!(first.coverage.unwrap() >= 0.75, "{first:?}");
    assert!(said[1].as_ref().unwrap_err().contains("never changes"));
    assert!(said[2].as_ref().unwrap_err().starts_with("3 periods"));
    assert_eq!(said[3].as_ref().unwrap_err(), "nothing was asked for");
    assert_eq!(ahead(&series, 4, NonZeroUsize::new(3).unwrap()).unwrap(), said);
    let bad = [1.0, f64::NAN];
    assert_eq!(ahead(&[(1, &bad)], 4, one).unwrap_err().field(), "series[0][1]");
    assert_eq!(ahead(&series, 0, one).unwrap_err().field(), "horizon");
    assert!(ahead(&[], 4, one).unwrap().is_empty());
}
