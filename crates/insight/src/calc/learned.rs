//! The models that learn from tables: their inputs name files, which the shell reads.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{CalcError, answer, typed};
use crate::{backorder, delivery, demand, table::Table};

/// What the shell lends to a calculation: its files and its threads.
#[derive(Clone, Copy)]
pub struct Shell<'a> {
    /// Reads the table at a path; the first argument is what it is to be called in refusals. The error says why it cannot.
    pub read: &'a dyn Fn(&str, &str) -> Result<Table, String>,
    /// Threads to work on. The answer does not depend on it.
    pub workers: NonZeroUsize,
}

impl Shell<'_> {
    /// Nothing: no files, one thread.
    pub(super) const NONE: Self = Shell {
        read: &|_, _| Err("names a file, and there is nothing to read files with".into()),
        workers: NonZeroUsize::MIN,
    };

    fn table(&self, field: &str, path: &str) -> Result<Table, CalcError> {
        let name = format!("{field} {path}");
        (self.read)(&name, path).map_err(|problem| CalcError::Form { field: name.clone(), problem })
    }

    fn tables(&self, field: &str, paths: &Paths) -> Result<Vec<Table>, CalcError> {
        paths.list().iter().map(|path| self.table(field, path)).collect()
    }
}

/// One file or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be the path of a file or a list of paths")]
enum Paths {
    One(String),
    Several(Vec<String>),
}

impl Paths {
    fn list(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackorderInput {
    /// Left out by a shop without history.
    train: Option<String>,
    test: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromiseInput {
    train: Paths,
    test: Paths,
    #[serde(default = "nine_of_ten")]
    quantile: f64,
}

fn nine_of_ten() -> f64 {
    0.9
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandInput {
    data: String,
    horizon: i64,
}

/// `backorder_prediction`.
pub(super) fn backorder_prediction(input: &Value, shell: Shell) -> Result<Value, CalcError> {
    run(input, |input: &BackorderInput| {
        let train = input.train.as_deref().map(|path| shell.table("train", path)).transpose()?;
        let test = shell.table("test", &input.test)?;
        Ok(backorder::backorder_prediction(train.as_ref(), &test, shell.workers)?)
    })
}

/// `promise_calibration`.
pub(super) fn promise_calibration(input: &Value, shell: Shell) -> Result<Value, CalcError> {
    run(input, |input: &PromiseInput| {
        let train = shell.tables("train", &input.train)?;
        let test = shell.tables("test", &input.test)?;
        Ok(delivery::promise_calibration(&train, &test, input.quantile, shell.workers)?)
    })
}

/// `intermittent_accuracy`.
pub(super) fn intermittent_accuracy(input: &Value, shell: Shell) -> Result<Value, CalcError> {
    run(input, |input: &DemandInput| {
        let data = shell.table("data", &input.data)?;
        Ok(demand::intermittent_accuracy(&data, input.horizon, shell.workers)?)
    })
}

fn run<I: DeserializeOwned, O: Serialize>(
    input: &Value,
    model: impl Fn(&I) -> Result<O, CalcError>,
) -> Result<Value, CalcError> {
    let output = model(&typed(input)?)?;
    answer::write(&output).map_err(|problem| CalcError::Answer { problem: problem.to_string() })
}
