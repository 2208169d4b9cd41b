//! Every model by name, from JSON to JSON.
//!
//! Names of inputs and outputs are the fields of the typed functions. An unknown field is refused by name; infinity is
//! written "inf"; an answer that is not a number is an error, never a value.

mod answer;
mod learned;

pub use learned::Shell;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

use crate::{
    advisor, allocation, atp, cash, censored, cox, error::InsightError, intermittent, lead_time, lot_sizing,
    metrics, newsvendor, order_promising, order_up_to, output_analysis, partial_backorder, preorder, queue,
    reorder_point, ship_complete, survival, time_phased, willemain,
};

/// One model that [`calc`] answers.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Capability {
    /// The name to call it by.
    pub name: &'static str,
    /// What it answers, in a line.
    pub title: &'static str,
    /// Fields of its input that name files to learn from.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub files: &'static [&'static str],
    #[serde(skip)]
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Formula(fn(&Value) -> Result<Value, CalcError>),
    Learned(fn(&Value, Shell) -> Result<Value, CalcError>),
}

/// Why a calculation gave no answer. None of them goes away by trying again.
#[derive(Debug, Error)]
pub enum CalcError {
    /// There is no such model.
    #[error("no capability is named {name:?}")]
    UnknownCapability {
        /// The name asked for.
        name: String,
    },
    /// The input is not an object with the fields of the model, each of its type.
    #[error("{field}: {problem}")]
    Form {
        /// Where in the input; `input` for the whole.
        field: String,
        /// What is wrong there.
        problem: String,
    },
    /// The model refused the input.
    #[error(transparent)]
    Model(#[from] InsightError),
    /// The model answered with something that is not a number. This is a mistake in the model.
    #[error("the answer cannot be written: {problem}")]
    Answer {
        /// Where in the answer.
        problem: String,
    },
}

/// Answers one capability; see [`capabilities`] for their names. Those that learn from files refuse: [`calc_with`] has them.
pub fn calc(capability: &str, input: &Value) -> Result<Value, CalcError> {
    calc_with(capability, input, Shell::NONE)
}

/// Answers one capability with the files and threads of a shell.
pub fn calc_with(capability: &str, input: &Value, shell: Shell) -> Result<Value, CalcError> {
    match CAPABILITIES.iter().find(|known| known.name == capability).map(|known| known.run) {
        Some(Run::Formula(run)) => run(input),
        Some(Run::Learned(run)) => run(input, shell),
        None => Err(CalcError::UnknownCapability { name: capability.to_owned() }),
    }
}

/// Lists what [`calc`] answers, in the order of the themes.
pub fn capabilities() -> &'static [Capability] {
    CAPABILITIES
}

fn run<I, O>(input: &Value, model: fn(&I) -> Result<O, InsightError>) -> Result<Value, CalcError>
where
    I: DeserializeOwned,
    O: Serialize,
{
    let output = model(&typed(input)?)?;
    answer::write(&output).map_err(|problem| CalcError::Answer { problem: problem.to_string() })
}

/// Reads the typed input; a wrong form names its field.
fn typed<I: DeserializeOwned>(input: &Value) -> Result<I, CalcError> {
    if !input.is_object() {
        return Err(CalcError::Form { field: "input".into(), problem: "must be a JSON object".into() });
    }
    serde_path_to_error::deserialize(whole_as_integers(input)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        // At the root the path is a dot, and serde's message names the missing or unknown field.
        let field = if path == "." { named_field(&problem).unwrap_or("input").to_owned() } else { path };
        CalcError::Form { field, problem }
    })
}

/// Whole numbers written with a fraction, as 60.0, are counts too.
fn whole_as_integers(input: &Value) -> Value {
    match input {
        Value::Number(number) => match number.as_f64() {
            // Up to 2⁵³ every whole number is exact.
            Some(x) if number.is_f64() && x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0 => {
                (x as i64).into()
            }
            _ => input.clone(),
        },
        Value::Array(list) => list.iter().map(whole_as_integers).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), whole_as_integers(value))).collect()
        }
        _ => input.clone(),
    }
}

/// The field that serde's "missing field `x`" or "unknown field `x`, …" speaks of.
fn named_field(problem: &str) -> Option<&str> {
    if !problem.contains(" field `") {
        return None;
    }
    problem.split('`').nth(1)
}

/// Pairs a name and a title with a typed function.
macro_rules! capability {
    ($name:literal, $title:literal, $model:path) => {
        Capability { name: $name, title: $title, files: &[], run: Run::Formula(|input| run(input, $model)) }
    };
    ($name:literal, $title:literal, $files:expr, $model:path) => {
        Capability { name: $name, title: $title, files: $files, run: Run::Learned($model) }
    };
}

static CAPABILITIES: &[Capability] = &[
    capability!("eoq", "economic order quantity", lot_sizing::eoq),
    capability!("eoq_backorder", "order quantity when everyone waits", lot_sizing::eoq_backorder),
    capability!(
        "eoq_partial_backorder",
        "order quantity when a share of customers waits",
        partial_backorder::eoq_partial_backorder
    ),
    capability!("epq", "economic production run", lot_sizing::epq),
    capability!(
        "epq_partial_backorder",
        "production run when a share of customers waits",
        partial_backorder::epq_partial_backorder
    ),
    capability!("eoq_discount", "order quantity under price breaks", lot_sizing::eoq_discount),
    capability!("lot_sizing_ww", "production runs for uneven demand", lot_sizing::lot_sizing_ww),
    capability!("newsvendor_normal", "one buy, normal demand", newsvendor::newsvendor_normal),
    capability!("newsvendor_poisson", "one buy, Poisson demand", newsvendor::newsvendor_poisson),
    capability!("newsvendor_discrete", "one buy, demand as a table", newsvendor::newsvendor_discrete),
    capability!(
        "newsvendor_backorder_vs_lost",
        "one buy: what being allowed to backorder is worth",
        newsvendor::newsvendor_backorder_vs_lost
    ),
    capability!(
        "rq_poisson_exact",
        "reorder point and lot, Poisson demand, exact",
        reorder_point::rq_poisson_exact
    ),
    capability!("rq_normal_eil", "reorder point and lot, normal demand", reorder_point::rq_normal_eil),
    capability!("rq_service", "service of a reorder point and lot", reorder_point::rq_service),
    capability!("ss_poisson_exact", "periodic (s, S), Poisson demand, exact", order_up_to::ss_poisson_exact),
    capability!("base_stock", "service of a base stock: backorders or lost sales", order_up_to::base_stock),
    capability!("time_based_backlogging", "who waits through a stock-out", queue::time_based_backlogging),
    capability!(
        "impatient_make_to_stock",
        "make to stock when those who wait may leave",
        queue::impatient_make_to_stock
    ),
    capability!("backorder_cap", "best base stock and backorder cap", queue::backorder_cap),
    capability!("atp", "available to promise: discrete, cumulative, look-ahead", atp::atp),
    capability!("atp_erp_rule", "available to promise by an ERP rule", atp::atp_erp_rule),
    capability!(
        "order_promising",
        "promises from stock and supply, one after another",
        order_promising::order_promising
    ),
    capability!("ctp", "promises from free capacity", order_promising::ctp),
    capability!(
        "lead_time_quantile",
        "lognormal lead time from mean and deviation",
        lead_time::lead_time_quantile
    ),
    capability!("conformal_promise", "days to add so that a promise holds", lead_time::conformal_promise),
    capability!(
        "lead_time_convolution",
        "supplier time plus fulfilment time",
        lead_time::lead_time_convolution
    ),
    capability!(
        "queue_position_promise",
        "when the k-th open unit is served",
        lead_time::queue_position_promise
    ),
    capability!("supplier_reliability", "a supplier's on-time share", lead_time::supplier_reliability),
    capability!("allocation", "sharing one scarce SKU by every usual rule", allocation::allocation),
    capability!(
        "allocation_multi_sku",
        "which complete orders to ship from scarce SKUs",
        ship_complete::allocation_multi_sku
    ),
    capability!(
        "allocation_time_phased",
        "which backorders to ship when, as supply arrives",
        time_phased::allocation_time_phased
    ),
    capability!(
        "kaplan_meier",
        "how long orders stay open before they are cancelled",
        survival::kaplan_meier
    ),
    capability!("kaplan_meier_table", "the same, as a bare curve", survival::kaplan_meier_table),
    capability!("cox_ph", "what drives cancellation", cox::cox_ph),
    capability!("preorder_cap", "how many preorders to accept against a supply", preorder::preorder_cap),
    capability!(
        "advance_demand_production",
        "size of a run from the preorders in",
        preorder::advance_demand_production
    ),
    capability!("mode_advisor", "backorder, preorder, waitlist or out of stock", advisor::mode_advisor),
    capability!(
        "intermittent_forecast",
        "forecasts of an item that sells now and then",
        intermittent::intermittent_forecast
    ),
    capability!("forecast_metrics", "how good a forecast was", metrics::forecast_metrics),
    capability!(
        "willemain_bootstrap",
        "demand over a lead time from its own past",
        willemain::willemain_bootstrap
    ),
    capability!(
        "censored_demand_poisson",
        "Poisson demand behind sold-out periods",
        censored::censored_demand_poisson
    ),
    capability!(
        "censored_demand_normal",
        "normal demand behind sold-out periods",
        censored::censored_demand_normal
    ),
    capability!(
        "censored_demand_km",
        "the distribution of demand behind sold-out periods",
        survival::censored_demand_km
    ),
    capability!("cash_flow", "cash day by day with deposits, fees and refunds", cash::cash_flow),
    capability!("cash_conversion_cycle", "days money is tied up", cash::cash_conversion_cycle),
    capability!(
        "simulation_ci",
        "confidence intervals of simulated policies",
        output_analysis::simulation_ci
    ),
    capability!("warmup_mser", "how much of a run's start to drop", output_analysis::warmup_mser),
    capability!(
        "backorder_prediction",
        "which SKUs will go on backorder, learned from a table",
        &["train", "test"],
        learned::backorder_prediction
    ),
    capability!(
        "promise_calibration",
        "by which day nine of ten orders arrive, learned from deliveries",
        &["train", "test"],
        learned::promise_calibration
    ),
    capability!(
        "intermittent_accuracy",
        "the last months of every series of a table, forecast",
        &["data"],
        learned::intermittent_accuracy
    ),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(capability: &str, input: &Value) -> String {
        match calc(capability, input).unwrap_err() {
            CalcError::Form { field, .. } => field,
            CalcError::Model(error) => error.field().to_owned(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = capabilities().iter().map(|known| known.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(matches!(calc("eoqq", &json!({})), Err(CalcError::UnknownCapability { .. })));
    }

    #[test]
    fn a_wrong_form_names_the_field() {
        let good = json!({"fixed_cost": 8, "holding_cost": 0.225, "demand_rate": 1300});
        assert!(calc("eoq", &good).is_ok());
        for (key, value, want) in [
            ("fixed_cost", json!("8"), "fixed_cost"),
            ("fixed_cost", json!(null), "fixed_cost"),
            ("fixed_cost", json!([8]), "fixed_cost"),
            ("fixed_cost", json!("NaN"), "fixed_cost"),
            ("fixed_cost", json!(-8), "fixed_cost"),
            ("demand_rate", json!(0), "demand_rate"),
            ("demand_rate", json!(1e300), "demand_rate"),
            ("demandrate", json!(1), "demandrate"),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert_eq!(field("eoq", &bad), want, "{bad}");
        }
        assert_eq!(field("eoq", &json!({"fixed_cost": 8, "holding_cost": 1})), "demand_rate");
        assert_eq!(field("eoq", &json!([8, 1, 1])), "input");
        assert_eq!(
            field("atp", &json!({"on_hand": 1, "supply": [1, "x"], "booked_orders": [0, 0]})),
            "supply[1]"
        );
        assert_eq!(field("atp", &json!({"on_hand": 1, "supply": [], "booked_orders": []})), "supply");
        let order = json!({"id": "A", "placed": 1, "priority": 1, "qty": 1, "value": 1});
        assert_eq!(field("allocation", &json!({"supply": 1, "orders": [order]})), "orders[0]");
    }

    #[test]
    fn counts_may_be_written_with_a_point() {
        let input = |units: Value| json!({"on_hand": units, "supply": [0], "booked_orders": [1]});
        assert_eq!(calc("atp", &input(json!(4.0))).unwrap()["discrete_raw"], json!([3]));
        assert_eq!(field("atp", &input(json!(4.5))), "on_hand");
    }

    #[test]
    fn infinity_is_written_out() {
        let never = json!({"duration_days": [1, 2], "cancelled": [0, 0], "query_days": [5]});
        assert_eq!(calc("kaplan_meier", &never).unwrap()["median"], json!("inf"));
        let not_worth = json!({"demand_rate": 1, "fixed_cost": 1e6, "holding_cost": 2, "backorder_cost_per_unit_time": 8,
            "lost_sale_cost": 4, "backorder_fraction": 0.5});
        let answer = calc("eoq_partial_backorder", &not_worth).unwrap();
        assert_eq!((&answer["policy"], &answer["cycle_time"]), (&json!("not_stocking"), &json!("inf")));
    }
}
