//! `/v1/insights/risk`: what may go wrong, as probabilities with their reasons and with how near such answers came before.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use evidence::History;
use insight::risk::{self, Learned, Method, line, stock};
use ledger::{Read, StoreError};
use model::{
    Units,
    id::{LineId, OrderId, Sku, TenantId},
    pool::Pool,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Histories;
use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::{Offset, Params, cursor},
    problem::Problem,
    state::{Api, json},
};

/// Open lines looked at: the oldest.
const LINES_MAX: usize = 50_000;
/// Pools read at once.
const PAGE: usize = 500;

/// Who answers.
#[derive(Serialize, ToSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
#[schema(as = RiskMethod)]
pub(crate) enum MethodOut {
    /// Boosted trees, learned from the shop's own past.
    BoostedTrees,
    /// The stated rule, moved to what came true in the shop's past.
    RuleFitted,
    /// The rule as it is stated.
    Rule,
}

/// What was said of a group of cases, and what came.
#[derive(Serialize, ToSchema, Debug)]
#[schema(as = RiskGroup)]
pub(crate) struct GroupOut {
    /// How many cases.
    pub(crate) cases: usize,
    /// The mean probability that was said.
    pub(crate) said: f64,
    /// The share that came true.
    pub(crate) came: f64,
}

/// How near answers came to the newest quarter of the past, which they were not shown.
#[derive(Serialize, ToSchema, Debug)]
#[schema(as = RiskTested)]
pub(crate) struct TestedOut {
    /// Cases in it.
    pub(crate) cases: usize,
    /// Those that came true.
    pub(crate) came: usize,
    /// Brier score: mean squared distance between what was said and what came. Lower is better.
    pub(crate) brier: f64,
    /// The same of always saying the share that came true before.
    pub(crate) brier_of_share: f64,
    /// The same of the rule as it is stated.
    pub(crate) brier_of_rule: f64,
    /// What was said and what came, from the least probable to the most.
    pub(crate) reliability: Vec<GroupOut>,
}

/// What the probabilities rest on.
#[derive(Serialize, ToSchema, Debug)]
#[schema(as = RiskModel)]
pub(crate) struct ModelOut {
    /// Who answers.
    pub(crate) method: MethodOut,
    /// Why it is that one, and what the rule says.
    pub(crate) reason: String,
    /// Cases of the shop's own past learned from.
    pub(crate) cases: usize,
    /// Of them, those that came true.
    pub(crate) came: usize,
    /// How near such answers came; null where there is too little past to tell.
    pub(crate) tested: Option<TestedOut>,
}

/// The risk that a SKU goes on backorder.
#[derive(Serialize, ToSchema, Debug)]
#[schema(as = SkuRisk)]
pub(crate) struct SkuRiskOut {
    #[schema(value_type = String)]
    pub(crate) sku: Sku,
    pub(crate) title: String,
    /// Probability that within 28 days somebody asks for more than there is.
    pub(crate) probability: f64,
    /// Units here less everything that is owed.
    #[schema(value_type = i64)]
    pub(crate) free: Units,
    /// Units due.
    #[schema(value_type = i64)]
    pub(crate) coming: Units,
    /// Weeks that what is free lasts at the pace of the last 13.
    pub(crate) weeks_left: Option<f64>,
    /// Why, what matters most first; empty where there is nothing to compare with.
    pub(crate) reasons: Vec<String>,
}

/// The risk that an order line is called off before it ships.
#[derive(Serialize, ToSchema, Debug)]
#[schema(as = LineRisk)]
pub(crate) struct LineRiskOut {
    #[schema(value_type = String)]
    pub(crate) order: OrderId,
    /// Its line, as orders name it.
    #[schema(value_type = String)]
    pub(crate) line: LineId,
    #[schema(value_type = String)]
    pub(crate) sku: Sku,
    /// Units open.
    #[schema(value_type = i64)]
    pub(crate) quantity: Units,
    /// Probability that it is called off before it ships.
    pub(crate) probability: f64,
    /// Why, what matters most first; empty where there is nothing to compare with.
    pub(crate) reasons: Vec<String>,
}

/// SKUs that can be had now, the most probable to run out first.
#[derive(Serialize, ToSchema)]
#[schema(as = SkuRiskPage)]
pub(crate) struct SkuPage {
    items: Vec<SkuRiskOut>,
    /// Asks for the next page as `cursor`; null on the last.
    next_cursor: Option<String>,
    /// What the probabilities rest on.
    model: ModelOut,
}

/// Open order lines, the most probable to be called off first.
#[derive(Serialize, ToSchema)]
#[schema(as = LineRiskPage)]
pub(crate) struct LinePage {
    items: Vec<LineRiskOut>,
    /// Asks for the next page as `cursor`; null on the last.
    next_cursor: Option<String>,
    /// What the probabilities rest on.
    model: ModelOut,
    /// Open lines that were not looked at: the newest beyond fifty thousand.
    not_looked_at: usize,
}

/// What was learned of a shop up to a week.
pub(crate) struct Learnt {
    pub(super) key: (Option<i32>, usize),
    pub(crate) stock: Learned,
    pub(crate) line: Learned,
}

pub(crate) fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl Learnt {
    /// Learns from a history. Errors: it shows what it cannot show, which is a defect.
    pub(super) fn of(history: &History) -> Result<Self, StoreError> {
        let defect = |error| StoreError::driver("learned from the ledger", error);
        let stock = Learned::learn(&stock::KIND, history.stock_past(), workers()).map_err(defect)?;
        let line = Learned::learn(&line::KIND, &history.line_past(), workers()).map_err(defect)?;
        Ok(Self { key: Self::key(history), stock, line })
    }

    pub(super) fn key(history: &History) -> (Option<i32>, usize) {
        (history.week(), history.stock_past().len())
    }
}

pub(crate) fn model(learned: &Learned) -> ModelOut {
    let method = match learned.method() {
        Method::BoostedTrees => MethodOut::BoostedTrees,
        Method::RuleFitted => MethodOut::RuleFitted,
        Method::Rule => MethodOut::Rule,
    };
    let group = |group: &risk::Group| GroupOut { cases: group.cases, said: group.said, came: group.came };
    let tested = learned.tested.as_ref().map(|tested| TestedOut {
        cases: tested.cases,
        came: tested.came,
        brier: tested.brier,
        brier_of_share: tested.brier_of_share,
        brier_of_rule: tested.brier_of_rule,
        reliability: tested.groups.iter().map(group).collect(),
    });
    ModelOut { method, reason: learned.reason.clone(), cases: learned.cases, came: learned.came, tested }
}

/// Sorts cases by their probability, the largest first; equals stay in their order.
fn by_probability<T>(cases: Vec<T>, said: Vec<f64>) -> Vec<(T, f64)> {
    let mut sorted: Vec<(T, f64)> = cases.into_iter().zip(said).collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    sorted
}

/// SKUs by their risk, with what it rests on and where the next page begins. `from` and `limit`: which of them; `wanted`: only
/// this one.
pub(crate) fn skus(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (now, wanted): (Timestamp, Option<&Sku>),
    (from, limit): (Offset, usize),
) -> Result<(Vec<SkuRiskOut>, ModelOut, Option<Offset>), StoreError> {
    let defect = |error| StoreError::driver("asked for a risk", error);
    let (learnt, stocks) = histories.learnt(store, tenant, |history| history.stocks(now))?;
    let cases: Vec<(Sku, stock::Stock)> =
        stocks.into_iter().filter(|(sku, _)| wanted.is_none_or(|wanted| wanted == sku)).collect();
    let numbers: Vec<Vec<f64>> = cases.iter().map(|(_, stock)| stock.numbers()).collect();
    let rows: Vec<&[f64]> = numbers.iter().map(Vec::as_slice).collect();
    let said = learnt.stock.probabilities(&rows, workers()).map_err(defect)?;
    let sorted = by_probability(cases, said);
    let next = from.next(limit, sorted.len());
    let shown: Vec<_> = sorted.into_iter().skip(from.0).take(limit).collect();
    let names: Vec<Sku> = shown.iter().map(|((sku, _), _)| sku.clone()).collect();
    let mut titles: BTreeMap<Sku, String> = BTreeMap::new();
    for page in names.chunks(PAGE) {
        let pools: Vec<Pool> = store.pools(tenant, page)?;
        titles.extend(pools.iter().map(|pool| (pool.sku().clone(), pool.item.title.to_string())));
    }
    let mut items = Vec::with_capacity(shown.len());
    for ((sku, stock), probability) in shown {
        let because = learnt.stock.because(&stock.numbers()).map_err(defect)?;
        items.push(SkuRiskOut {
            title: titles.remove(&sku).unwrap_or_default(),
            probability,
            free: stock.free as Units,
            coming: stock.coming as Units,
            weeks_left: (stock.asked_13 > 0.0)
                .then(|| stock.free / (stock.asked_13 / stock.weeks_known.min(13.0))),
            reasons: because.iter().map(|because| stock::sentence(&stock, because)).collect(),
            sku,
        });
    }
    Ok((items, model(&learnt.stock), next))
}

type Case = (LineId, Sku, line::Line);

/// Lines by their risk, the model that says so, where the next page begins, and how many were left out.
type Risks = (Vec<LineRiskOut>, ModelOut, (Option<Offset>, usize));

/// Open lines by their risk, with what it rests on.
pub(crate) fn lines(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (now, wanted): (Timestamp, &(Option<Sku>, Option<OrderId>)),
    (from, limit): (Offset, usize),
) -> Result<Risks, StoreError> {
    let defect = |error| StoreError::driver("asked for a risk", error);
    let (learnt, (open, many)) = histories
        .learnt(store, tenant, |history| (history.open_lines(now, LINES_MAX), history.open_line_count()))?;
    let left_out = many - open.len();
    let is_wanted = |(id, sku, _): &Case| {
        wanted.0.as_ref().is_none_or(|wanted| wanted == sku)
            && wanted.1.is_none_or(|wanted| wanted == id.order)
    };
    let cases: Vec<Case> = open.into_iter().filter(is_wanted).collect();
    let numbers: Vec<Vec<f64>> = cases.iter().map(|(.., line)| line.numbers()).collect();
    let rows: Vec<&[f64]> = numbers.iter().map(Vec::as_slice).collect();
    let said = learnt.line.probabilities(&rows, workers()).map_err(defect)?;
    let sorted = by_probability(cases, said);
    let next = from.next(limit, sorted.len());
    let mut items = Vec::new();
    for ((id, sku, line), probability) in sorted.into_iter().skip(from.0).take(limit) {
        let because = learnt.line.because(&line.numbers()).map_err(defect)?;
        items.push(LineRiskOut {
            order: id.order,
            line: id,
            sku,
            quantity: line.units as Units,
            probability,
            reasons: because.iter().map(|because| line::sentence(&line, because)).collect(),
        });
    }
    Ok((items, model(&learnt.line), (next, left_out)))
}

/// List SKUs by the risk of a backorder
///
/// For each SKU that can be had now and is asked for, the probability that within 28 days somebody asks for more than there is, with
/// reasons. Learned from the shop's own ledger week by week; until there is enough, a stated rule answers, and `model` says so.
/// `model.tested` says how near such answers came to a part of the past that they were not shown.
#[utoipa::path(
    get, path = "/v1/insights/risk/skus", tag = "Decisions", operation_id = "list_sku_risks",
    params(("sku" = Option<String>, Query, description = "Only this one")),
    responses((status = 200, description = "The most probable first", body = SkuPage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list_skus(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, from) = (params.limit(), params.cursor::<Offset>().unwrap_or_default());
    let wanted = params.sku("sku");
    params.finish()?;
    let (items, model, next) = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            skus(histories, store, tenant, (now, wanted.as_ref()), (from, limit))
        })
        .await?;
    let next_cursor = next.as_ref().map(cursor);
    json(StatusCode::OK, &SkuPage { items, next_cursor, model })
}

/// List open order lines by the risk of a cancel
///
/// For each open line the probability that it is called off before it ships, with reasons. Learned and tested as
/// `/v1/insights/risk/skus`.
#[utoipa::path(
    get, path = "/v1/insights/risk/lines", tag = "Decisions", operation_id = "list_line_risks",
    params(
        ("sku" = Option<String>, Query, description = "Only lines of this SKU"),
        ("order" = Option<String>, Query, description = "Only lines of this order"),
    ),
    responses((status = 200, description = "The most probable first", body = LinePage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list_lines(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, from) = (params.limit(), params.cursor::<Offset>().unwrap_or_default());
    let sku = params.sku("sku");
    let order = params.text("order");
    let order = match order.as_deref().map(str::parse::<OrderId>) {
        None => None,
        Some(Ok(order)) => Some(order),
        Some(Err(_)) => {
            params.checks.wrong(format_args!("order"), "form", "not the id of an order");
            None
        }
    };
    params.finish()?;
    let (items, model, (next, not_looked_at)) = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            lines(histories, store, tenant, (now, &(sku, order)), (from, limit))
        })
        .await?;
    let next_cursor = next.as_ref().map(cursor);
    json(StatusCode::OK, &LinePage { items, next_cursor, model, not_looked_at })
}
