//! What a change to a supply would do, line by line: the very command, run on a copy of the pool in memory.
//!
//! docs/theory/promising.md, "Looking before a change". Nothing is written but to the copy, and no writer waits.

mod compare;
mod scene;

use std::{panic::resume_unwind, thread};

use ledger::Read;
use model::{
    Units,
    allocation::Rule,
    id::{LineId, OrderId, Sku, SupplyId},
    money::Money,
    order::Dates,
    refusal::Rejection,
};
use serde::Serialize;

use self::{compare::compare, scene::Scene};
use crate::{
    Answer, Failure, Request,
    allocation::{LINES_MAX as RUN_LINES_MAX, too_many},
};

/// Most lines that a preview looks at: about a second's work.
pub const LINES_MAX: usize = 20_000;

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Open lines that would have other dates or goods, by order and line.
    pub effects: Vec<Effect>,
    /// The same in numbers.
    pub summary: Summary,
}

/// One line before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Its order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// The shop's number for the order.
    pub reference: Option<std::sync::Arc<str>>,
    /// What was ordered.
    pub sku: Sku,
    /// Units still to be sent.
    pub quantity: Units,
    /// As it is.
    pub before: Standing,
    /// As it would be.
    pub after: Standing,
    /// What its customer was last told.
    pub told: Option<Told>,
    /// Whether it would be delivered, or shipped, later than its customer was told.
    pub broken: bool,
    /// What its open units sell for.
    pub value: Option<Money>,
    /// Why, in a sentence.
    pub why: String,
}

/// How a line stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// When its last unit ships.
    pub ship_by: Dates,
    /// When its last unit is delivered.
    pub deliver_by: Dates,
    /// Where its last units come from.
    pub supply: Option<SupplyId>,
    /// Whether every unit is here.
    pub allocated: bool,
}

/// What a customer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Told {
    /// When the line ships.
    pub ship_by: Dates,
    /// When it is delivered.
    pub deliver_by: Dates,
}

/// What a change would do, in numbers. Counts are of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Would be delivered, or shipped, earlier than now.
    pub earlier: usize,
    /// Would be delivered, or shipped, later than now.
    pub later: usize,
    /// Would be later than their customers were told.
    pub broken: usize,
    /// Units of the pool that would be promised without any goods behind them, beyond those that are now. Exact, however
    /// many lines were looked at.
    pub units_short: Units,
    /// What those later or broken sell for, in the currency of most of it; `None`: nothing with a price.
    pub value_at_risk: Option<Money>,
    /// The same in further currencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_value_at_risk: Vec<Money>,
    /// Customers of so many lines would have to be told a later date.
    pub notices: usize,
    /// Lines looked at.
    pub lines: usize,
    /// Lines with units of the supply. Exact.
    pub lines_behind: usize,
    /// Whether all lines of the pool were looked at; else the counts are of the first of them.
    pub complete: bool,
}

/// Tries a re-allocation of a SKU on a copy of its pool.
///
/// Errors: the store could not be read, or a defect. Refused as the request itself would be.
pub fn try_run(
    read: &mut dyn Read,
    sku: &Sku,
    request: &Request,
) -> Result<Result<Answer, Rejection>, Failure> {
    let supplies = read.supply_page(&request.tenant, Some(sku), true, None, 1)?;
    let Some(supply) = supplies.first() else {
        let detail = format!("nothing of {:?} is to be given out", sku.as_str());
        return Ok(Err(Rejection::field("/sku", "no_supply", detail)));
    };
    let Some(scene) = Scene::load(read, &request.tenant, supply.id, RUN_LINES_MAX)? else {
        return Ok(Err(Rejection::not_found("supply", supply.id)));
    };
    if !scene.complete {
        return Ok(Err(too_many(sku)));
    }
    Ok(scene.sandbox()?.run(request)?.outcome)
}

/// What a change would do under the rule that is set, and under another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// As it would be done now.
    #[serde(flatten)]
    pub now: Preview,
    /// Under the other rule.
    pub under: Under,
}

/// What a change would do under another rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Under {
    /// The rule.
    pub rule: Rule,
    /// What it would do.
    #[serde(flatten)]
    pub preview: Preview,
}

/// Tries a request twice: under the rule that is set for the pool, and under another.
///
/// Errors and refusals are those of [`preview`].
pub fn compare_rules(
    read: &mut dyn Read,
    supply: SupplyId,
    request: &Request,
    rule: Rule,
    lines_max: usize,
) -> Result<Result<Comparison, Rejection>, Failure> {
    let Some(scene) = Scene::load(read, &request.tenant, supply, lines_max)? else {
        return Ok(Err(Rejection::not_found("supply", supply)));
    };
    // Neither needs anything of the other.
    let (now, other) = thread::scope(|scope| {
        let other = scope.spawn(|| tried(&scene, request, Some(rule.clone())));
        (tried(&scene, request, None), other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let (now, other) = (now?, other?);
    Ok(now.and_then(|now| Ok(Comparison { now, under: Under { rule, preview: other? } })))
}

/// Tries a request on a copy of the pool of `supply`, as one reader sees it, with so many lines at most ([`LINES_MAX`]).
///
/// Errors: the store could not be read, or a defect. Refused as the request itself would be.
pub fn preview(
    read: &mut dyn Read,
    supply: SupplyId,
    request: &Request,
    lines_max: usize,
) -> Result<Result<Preview, Rejection>, Failure> {
    let tenant = &request.tenant;
    let Some(scene) = Scene::load(read, tenant, supply, lines_max)? else {
        return Ok(Err(Rejection::not_found("supply", supply)));
    };
    tried(&scene, request, None)
}

/// Tries a request on a copy of a scene, under a rule in the place of the one that is set.
fn tried(
    scene: &Scene,
    request: &Request,
    rule: Option<Rule>,
) -> Result<Result<Preview, Rejection>, Failure> {
    let mut sandbox = scene.sandbox()?;
    sandbox.go_by(rule);
    sandbox.keep_silent();
    let before = sandbox.goods();
    if let Err(rejection) = sandbox.run(request)?.outcome {
        return Ok(Err(rejection));
    }
    Ok(Ok(compare(scene, &before, sandbox.shop(), request.now)))
}
