//! `GET /v1/insights`: what the shop's own ledger shows, in one answer: demand nobody served, what to expand, whom to trust,
//! how promises were kept, what delay costs.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use evidence::{Fate, Goods, History, scorecard};
use ledger::{Read, StoreError};
use model::{
    Units,
    id::{Sku, TenantId},
    money::Money,
    pool::Pool,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Histories, purchasing};
use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Lines of each part.
const LINES_MAX: usize = 25;

/// Everything.
#[derive(Serialize, ToSchema)]
#[schema(as = Insights)]
pub(crate) struct InsightsOut {
    /// Up to when the ledger was read.
    #[schema(format = DateTime, value_type = String)]
    pub(crate) as_of: Timestamp,
    /// SKUs that people asked for and did not get, or wait for: the most money first.
    pub(crate) demand: Vec<SignalOut>,
    /// SKUs of which more would earn most.
    pub(crate) expand: Vec<ExpandOut>,
    /// Suppliers by how many receipts they have.
    pub(crate) suppliers: Vec<TrustOut>,
    /// How the dates that customers were first told were kept.
    pub(crate) promises: PromisesOut,
    /// What moving a date later does to orders that wait.
    pub(crate) delay: DelayOut,
}

/// Demand that is easily overlooked.
#[derive(Serialize, ToSchema)]
#[schema(as = DemandSignal)]
pub(crate) struct SignalOut {
    #[schema(value_type = String)]
    pub(crate) sku: Sku,
    pub(crate) title: String,
    /// Units ordered.
    #[schema(value_type = i64)]
    pub(crate) ordered: Units,
    /// Units of orders that were refused.
    #[schema(value_type = i64)]
    pub(crate) refused: Units,
    /// Units wanted by people on the waitlist now.
    #[schema(value_type = i64)]
    pub(crate) waiting: Units,
    /// Share of places on the waitlist that ended in an order; null where none has ended.
    pub(crate) converted: Option<f64>,
    /// Looks at its badge while it could not be bought.
    pub(crate) views_out: f64,
    /// Units that those looks would have ordered, by the orders for each look at goods in stock; null while too few looks are known.
    pub(crate) by_views: Option<f64>,
    /// What the refused and the waiting units would sell for; null without a price.
    #[schema(value_type = Option<schema::Money>)]
    pub(crate) value: Option<Money>,
}

/// A SKU of which more would earn.
#[derive(Serialize, ToSchema)]
#[schema(as = Expand)]
pub(crate) struct ExpandOut {
    #[schema(value_type = String)]
    pub(crate) sku: Sku,
    pub(crate) title: String,
    /// Units to order.
    #[schema(value_type = i64)]
    pub(crate) quantity: Units,
    /// What that is expected to earn.
    #[schema(value_type = schema::Money)]
    pub(crate) expected_profit: Money,
    /// What one more lot would earn; above zero where a limit holds it back.
    #[schema(value_type = schema::Money)]
    pub(crate) next_lot_profit: Money,
}

/// A supplier in a line.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplierTrust)]
pub(crate) struct TrustOut {
    pub(crate) supplier: String,
    pub(crate) receipts: usize,
    /// The middle of the days late, from the first date given.
    pub(crate) late_days_median: i32,
    /// Share that came by the date promised on it.
    pub(crate) coverage: f64,
    /// The same of the newest ten.
    pub(crate) coverage_recent: f64,
}

/// Dates kept in a month.
#[derive(Serialize, ToSchema)]
#[schema(as = PromiseMonth)]
pub(crate) struct KeptOut {
    #[schema(example = "2026-03")]
    pub(crate) month: String,
    /// Units sent that had a date.
    #[schema(value_type = i64)]
    pub(crate) units: Units,
    /// Share sent by the date first told.
    pub(crate) kept: f64,
    /// Days late, in the mean over those that were.
    pub(crate) days_late: f64,
}

/// How dates were kept.
#[derive(Serialize, ToSchema)]
#[schema(as = PromisesKept)]
pub(crate) struct PromisesOut {
    /// Units sent that had a date.
    #[schema(value_type = i64)]
    pub(crate) units: Units,
    /// Share sent by the date first told; null where nothing was sent.
    pub(crate) kept: Option<f64>,
    /// Days late, in the mean over those that were; null where none was.
    pub(crate) days_late: Option<f64>,
    /// The last two years by month.
    pub(crate) months: Vec<KeptOut>,
}

/// What delay costs.
#[derive(Serialize, ToSchema)]
#[schema(as = CostOfDelay)]
pub(crate) struct DelayOut {
    /// Units ordered for later that were sent or called off, their date never moved to a later one.
    #[schema(value_type = i64)]
    pub(crate) units_on_date: Units,
    /// Share of them called off; null with fewer than ten.
    pub(crate) cancelled_on_date: Option<f64>,
    /// The same of those whose date was moved to a later one.
    #[schema(value_type = i64)]
    pub(crate) units_delayed: Units,
    pub(crate) cancelled_delayed: Option<f64>,
    /// Units called off beyond what would have been anyway; null where too little is known.
    pub(crate) units_lost: Option<f64>,
}

fn signal(pool: &Pool, goods: &Goods, per_look: Option<f64>) -> Option<SignalOut> {
    let units = goods.refused + goods.waiting;
    if units <= 0 && goods.views_out <= 0.0 {
        return None;
    }
    let value =
        pool.item.price.as_ref().filter(|_| units > 0).and_then(|price| {
            Some(Money { amount: price.amount.checked_mul(units)?, currency: price.currency })
        });
    Some(SignalOut {
        sku: pool.sku().clone(),
        title: pool.item.title.to_string(),
        ordered: goods.ordered,
        refused: goods.refused,
        waiting: goods.waiting,
        converted: (goods.waits_ended > 0).then(|| goods.waits_bought as f64 / goods.waits_ended as f64),
        views_out: goods.views_out,
        by_views: per_look.filter(|_| goods.views_out > 0.0).map(|rate| rate * goods.views_out),
        value,
    })
}

fn share(fate: Fate) -> Option<f64> {
    (fate.units >= 10).then(|| fate.cancelled as f64 / fate.units as f64)
}

fn delay(history: &History) -> DelayOut {
    let (on_date, delayed) = history.fates();
    let (before, after) = (share(on_date), share(delayed));
    let lost = before.zip(after).map(|(before, after)| (after - before).max(0.0) * delayed.units as f64);
    DelayOut {
        units_on_date: on_date.units,
        cancelled_on_date: before,
        units_delayed: delayed.units,
        cancelled_delayed: after,
        units_lost: lost,
    }
}

fn promises(history: &History) -> PromisesOut {
    let (mut units, mut kept, mut late) = (0, 0, 0);
    let mut months = Vec::new();
    for (month, found) in history.kept_by_month() {
        units += found.units;
        kept += found.kept;
        late += found.late_days;
        let missed = found.units - found.kept;
        months.push(KeptOut {
            month: format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1),
            units: found.units,
            kept: found.kept as f64 / found.units.max(1) as f64,
            days_late: found.late_days as f64 / missed.max(1) as f64,
        });
    }
    let from = months.len().saturating_sub(24);
    PromisesOut {
        units,
        kept: (units > 0).then(|| kept as f64 / units as f64),
        days_late: (units > kept).then(|| late as f64 / (units - kept) as f64),
        months: months.split_off(from),
    }
}

fn suppliers(history: &History) -> Vec<TrustOut> {
    let known = history.suppliers().filter_map(|(name, supplier)| Some((name, scorecard(supplier)?)));
    let mut all: Vec<TrustOut> = known
        .map(|(name, card)| TrustOut {
            supplier: name.to_string(),
            receipts: card.all.receipts,
            late_days_median: card.all.late_days_median,
            coverage: card.all.kept,
            coverage_recent: card.recent.kept,
        })
        .collect();
    all.sort_by(|a, b| b.receipts.cmp(&a.receipts).then_with(|| a.supplier.cmp(&b.supplier)));
    all.truncate(LINES_MAX);
    all
}

/// Reads everything.
pub(crate) fn look(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<InsightsOut, StoreError> {
    let expand = purchasing::proposed(histories, store, tenant, None, now)?;
    let expand = expand.into_iter().take(LINES_MAX).map(|one| ExpandOut {
        sku: one.sku,
        title: one.title.to_string(),
        quantity: one.quantity,
        expected_profit: one.expected_profit,
        next_lot_profit: one.next_lot_profit,
    });
    let (asked, mut out) = histories.look(store, tenant, |history| {
        let is_wanted = |goods: &Goods| goods.refused + goods.waiting > 0 || goods.views_out > 0.0;
        let asked = history.all_goods().filter(|(_, goods)| is_wanted(goods));
        let asked: BTreeMap<Sku, Goods> = asked.map(|(sku, goods)| (sku.clone(), goods.clone())).collect();
        let out = InsightsOut {
            as_of: now,
            demand: Vec::new(),
            expand: Vec::new(),
            suppliers: suppliers(history),
            promises: promises(history),
            delay: delay(history),
        };
        ((asked, history.whole(now).per_look()), out)
    })?;
    let (asked, per_look) = asked;
    out.expand = expand.collect();
    let skus: Vec<Sku> = asked.keys().cloned().collect();
    for page in skus.chunks(500) {
        let pools = store.pools(tenant, page)?;
        out.demand.extend(pools.iter().filter_map(|pool| signal(pool, asked.get(pool.sku())?, per_look)));
    }
    let worth = |signal: &SignalOut| signal.value.as_ref().map_or(0, |money| money.amount);
    let units = |signal: &SignalOut| signal.refused + signal.waiting;
    out.demand.sort_by(|a, b| {
        let by_money = worth(b).cmp(&worth(a)).then_with(|| units(b).cmp(&units(a)));
        by_money.then_with(|| b.views_out.total_cmp(&a.views_out)).then_with(|| a.sku.cmp(&b.sku))
    });
    out.demand.truncate(LINES_MAX);
    Ok(out)
}

/// Read what the shop's own ledger shows
///
/// Demand that was refused or waits, SKUs of which more would earn, suppliers, how dates were kept, and what moving a date later does
/// to orders that wait. Too little to say something is null.
#[utoipa::path(
    get, path = "/v1/insights", tag = "Decisions", operation_id = "get_insights",
    responses((status = 200, description = "What it shows", body = InsightsOut)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let out = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| look(histories, store, tenant, now))
        .await?;
    json(StatusCode::OK, &out)
}
