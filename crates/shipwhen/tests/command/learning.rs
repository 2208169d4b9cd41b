//! The models that learn from files, by name: what they refuse, and how near they come on real data, where it lies beside the
//! workspace. The whole of it is measured by `bench insight`.

use std::{
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::house::{Done, House, shipwhen};

fn calc(capability: &str, input: &Value) -> Done {
    Done::of(shipwhen().args(["calc", capability, &input.to_string()]).output().unwrap())
}

fn refused(capability: &str, input: &Value, why: &str) {
    let done = calc(capability, input);
    assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
    assert!(done.err.contains(why), "{why}: {done:?}");
}

#[test]
fn what_cannot_be_learned_from_is_refused_by_file_row_and_column() {
    let house = House::new();
    let months: Vec<String> = (0..30).map(|month| format!("m{month}")).collect();
    let header = format!("series,{}\n", months.join(","));
    let row = |name: &str, cell: &str| {
        format!("{name},{cell},{}\n", vec!["1,0"; 15].join(",").trim_end_matches(",0"))
    };
    let good = house.file("good.csv", format!("{header}{}", row("a", "2")));
    let demand = |data: &str| json!({"data": data, "horizon": 6});
    assert_eq!(calc("intermittent_accuracy", &demand(&good)).code, 0);

    let named = |name: &str, text: String| house.file(name, text);
    let bad = named("bad.csv", format!("{header}{}{}", row("a", "2"), row("b", "NaN")));
    refused(
        "intermittent_accuracy",
        &demand(&bad),
        &format!("data {bad} row 3, column m0: must be a number, got \"NaN\""),
    );
    let empty = named("empty.csv", header);
    refused("intermittent_accuracy", &demand(&empty), &format!("data {empty}: has a header and no rows"));
    let nothing = named("nothing.csv", String::new());
    refused("intermittent_accuracy", &demand(&nothing), &format!("data {nothing}: file is empty"));
    let short = named("short.csv", "series,m0,m1\na,1,2\nb,1\n".into());
    refused(
        "intermittent_accuracy",
        &demand(&short),
        &format!("data {short}: row 3: 2 cells under a header of 3"),
    );
    let gone = house.path("gone.csv");
    let gone = gone.to_str().unwrap();
    refused("intermittent_accuracy", &demand(gone), &format!("data {gone}: No such file"));
    refused("intermittent_accuracy", &json!({"data": good, "horizon": 0}), "horizon: must be");
    refused("intermittent_accuracy", &json!({"horizon": 6}), "data: missing field");
    refused(
        "promise_calibration",
        &json!({"train": good, "test": good}),
        &format!("train {good}: is none of the known tables"),
    );
    refused(
        "promise_calibration",
        &json!({"train": 5, "test": good}),
        "train: must be the path of a file or a list of paths",
    );
    refused(
        "backorder_prediction",
        &json!({"train": good, "test": good}),
        &format!("train {good}: has no column went_on_backorder"),
    );
}

/// A file of the shared data, or nothing where there is none, which is said.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("not run: shared/data/{name} does not lie beside the workspace");
    None
}

/// The header and the rows, none of which has a quoted comma in a column that is looked at here.
fn rows(path: &Path) -> (String, Vec<String>) {
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.collect())
}

fn file(house: &House, name: &str, header: &str, rows: &[&String]) -> String {
    let mut text = header.to_owned();
    rows.iter().for_each(|row| write!(text, "\n{row}").unwrap());
    house.file(name, text)
}

fn numbers(answer: &Value) -> Vec<f64> {
    answer.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn pinball(came: f64, said: f64) -> f64 {
    if came >= said { 0.9 * (came - said) } else { 0.1 * (said - came) }
}

#[test]
fn real_backorders_are_ranked_and_a_short_history_has_the_rule() {
    let Some(path) = shared("backorder.csv.gz") else { return };
    let (header, all) = rows(&path);
    // Every backorder of the first 60,000 rows, and as many others as fit a short test.
    let kept: Vec<&String> = all[..60_000]
        .iter()
        .enumerate()
        .filter(|(n, row)| row.ends_with("Yes") || n % 15 == 0)
        .map(|(_, row)| row)
        .collect();
    let (train, test): (Vec<_>, Vec<_>) = kept.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let [train, test] = [train, test].map(|part| part.into_iter().map(|(_, row)| row).collect::<Vec<_>>());
    let house = House::new();
    let input = json!({"train": file(&house, "train.csv", &header, &train), "test": file(&house, "test.csv", &header, &test)});
    let done = calc("backorder_prediction", &input);
    let answer = done.json();
    assert_eq!(answer["method"], "boosted_trees");
    let came: Vec<bool> = test.iter().map(|row| row.ends_with("Yes")).collect();
    let area = insight::scoring::auc(&numbers(&answer["predictions"]), &came).unwrap();
    assert!(area > 0.91, "{area}");
    assert_eq!(calc("backorder_prediction", &input).out, done.out, "the same files, the same answer");

    let few = file(&house, "few.csv", &header, &train[..40]);
    for input in [json!({"train": few, "test": input["test"]}), json!({"test": input["test"]})] {
        let answer = calc("backorder_prediction", &input).json();
        assert_eq!(answer["method"], "rule");
        assert!(answer["reason"].as_str().unwrap().contains("too few to learn from"), "{}", answer["reason"]);
        let area = insight::scoring::auc(&numbers(&answer["predictions"]), &came).unwrap();
        assert!(area > 0.8, "{area}");
    }
}

#[test]
fn real_deliveries_are_foretold_better_than_the_marketplace_does() {
    let (Some(orders), Some(lines)) = (shared("olist_orders.csv.gz"), shared("olist_order_items.csv.gz"))
    else {
        return;
    };
    let (header, all) = rows(&orders);
    let cell = |row: &str, column: &str| {
        let place = header.split(',').position(|name| name == column).unwrap();
        row.split(',').nth(place).unwrap().to_owned()
    };
    let (train, test): (Vec<&String>, Vec<&String>) =
        all.iter().partition(|row| cell(row, "order_purchase_timestamp").as_str() < "2017-09");
    let house = House::new();
    let input = json!({
        "train": [file(&house, "train.csv", &header, &train), lines],
        "test": [file(&house, "test.csv", &header, &test), lines],
        "quantile": 0.9,
    });
    let said = numbers(&calc("promise_calibration", &input).json()["predictions"]);
    let day = |text: &str| {
        let date: Vec<i64> = text[..10].split('-').map(|part| part.parse().unwrap()).collect();
        // No leap day lies in these years.
        let before: i64 =
            [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][..date[1] as usize - 1].iter().sum();
        (date[0] * 365 + before + date[2]) as f64
    };
    let delivered: Vec<&&String> = test
        .iter()
        .filter(|row| {
            cell(row, "order_status") == "delivered" && !cell(row, "order_delivered_customer_date").is_empty()
        })
        .collect();
    assert_eq!(said.len(), delivered.len());
    let (mut loss, mut own, mut covered) = (0.0, 0.0, 0.0);
    for (row, said) in delivered.iter().zip(&said) {
        let placed = day(&cell(row, "order_purchase_timestamp"));
        let came = day(&cell(row, "order_delivered_customer_date")) - placed;
        loss += pinball(came, *said);
        own += pinball(came, day(&cell(row, "order_estimated_delivery_date")) - placed);
        covered += f64::from(came <= *said) / delivered.len() as f64;
    }
    assert!(loss < 0.99 * own && (0.86..0.95).contains(&covered), "{loss} {own} {covered}");
}

#[test]
fn real_spare_parts_are_covered() {
    let Some(path) = shared("auto_monthly.csv.gz") else { return };
    let answer = calc("intermittent_accuracy", &json!({"data": path, "horizon": 6})).json();
    let (_, all) = rows(&path);
    let (mut loss, mut covered, mut count) = (0.0, 0.0, 0.0);
    for (row, quantile) in all.iter().zip(answer["quantile90"].as_array().unwrap()) {
        let Some(quantile) = quantile.as_f64() else { continue };
        let units: Vec<f64> = row.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
        let (past, came) = units.split_at(18);
        let begun = &past[past.iter().position(|units| *units > 0.0).unwrap()..];
        let changes: f64 = begun.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
        let total: f64 = came.iter().sum();
        loss += pinball(total, quantile) / (6.0 * changes / (begun.len() - 1) as f64);
        covered += f64::from(total <= quantile);
        count += 1.0;
    }
    assert_eq!((count, answer["dropped"].as_array().unwrap().len()), (1500.0, 0));
    // The plain quantile of all sums of six months comes to 0.1498, and covers 0.823.
    assert!(loss / count < 0.14 && (0.86..0.92).contains(&(covered / count)), "{loss} {covered} of {count}");
}
