//! `GET /v1/insights/demand`: what is asked for of each SKU, with what stock-outs hid and what lies ahead.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use evidence::{Asked, Goods, History};
use insight::{
    censored::{CensoredInput, censored_demand_poisson},
    demand::{Ahead, ahead},
    parse::Flags,
};
use ledger::{Read, StoreError};
use model::{
    Units,
    id::{Channel, Sku, TenantId},
    item::WhenOut,
    pool::Pool,
    time::{Timestamp, date_from_days},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Histories, risk::workers};
use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::{Page, Params},
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Weeks looked at.
const WEEKS: usize = 104;
/// Weeks ahead where nothing says how long goods take.
const WEEKS_AHEAD: usize = 6;
/// Days between orders that are added to the lead time.
const REVIEW_DAYS: f64 = 14.0;

/// What was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = DemandObserved)]
pub(crate) struct ObservedOut {
    /// Whole weeks looked at: from when it was first seen, at most 104.
    pub(crate) weeks: usize,
    /// The first day of the first.
    #[schema(format = Date)]
    pub(crate) from: Option<String>,
    /// Units ordered in them.
    pub(crate) ordered: f64,
    /// Units asked for in them: ordered or refused.
    pub(crate) asked: f64,
    /// Units asked for a week.
    pub(crate) weekly: Option<f64>,
    /// Weeks in which there was none at some time.
    pub(crate) weeks_out: usize,
}

/// Demand behind sales that stock-outs cut off, by maximum likelihood: a week in which there was none at some time says only that at
/// least so many were wanted.
#[derive(Serialize, ToSchema)]
#[schema(as = DemandCensored)]
pub(crate) struct CensoredOut {
    /// Units ordered a week, over all weeks: what it looks like.
    pub(crate) naive: f64,
    /// The same of weeks in which there was always some.
    pub(crate) in_stock: f64,
    /// Units wanted a week.
    pub(crate) estimated: f64,
    /// Units wanted in weeks without stock that were not ordered.
    pub(crate) lost: f64,
}

/// Demand that is known to have been lost, since it was first seen.
#[derive(Serialize, ToSchema)]
#[schema(as = DemandLost)]
pub(crate) struct LostOut {
    /// Units of orders that were refused.
    #[schema(value_type = i64)]
    pub(crate) refused: Units,
    /// Units wanted by people on the waitlist now.
    #[schema(value_type = i64)]
    pub(crate) waiting: Units,
    /// Places on the waitlist that ended without an order.
    #[schema(value_type = i64)]
    pub(crate) waits_lost: Units,
    /// Looks at its badge while it could not be bought. Only looks are counted, not who looked.
    pub(crate) views_out: f64,
    /// Units that those looks would have ordered, had it been in stock: by the orders for each look in the whole shop while goods were in
    /// stock. Not added to the others, which they may have in them. Null while too few looks are known.
    pub(crate) by_views: Option<f64>,
}

/// What lies ahead.
#[derive(Serialize, ToSchema)]
#[schema(as = DemandForecast)]
pub(crate) struct ForecastOut {
    /// Weeks ahead: the lead time and two more.
    pub(crate) weeks: usize,
    /// Units in them, in the mean.
    pub(crate) mean: f64,
    /// Nine times of ten no more than this.
    pub(crate) p90: f64,
    /// The method with the least quantile loss in the SKU's own past.
    #[schema(value_type = String)]
    pub(crate) method: insight::demand::methods::Method,
    /// Times in its own past at which it was tried.
    pub(crate) tries: usize,
    /// Share of them in which no more was asked for than it said. It aims at 0.9; null where it was never tried.
    pub(crate) coverage: Option<f64>,
}

/// The demand of one SKU.
#[derive(Serialize, ToSchema)]
#[schema(as = SkuDemand)]
pub(crate) struct DemandOut {
    #[schema(value_type = String)]
    pub(crate) sku: Sku,
    pub(crate) title: String,
    pub(crate) observed: ObservedOut,
    /// Null where no week was cut off, or where nothing can be said of it.
    pub(crate) censored: Option<CensoredOut>,
    pub(crate) lost: LostOut,
    /// Null where too little is known.
    pub(crate) forecast: Option<ForecastOut>,
    /// What cannot be said, and why.
    pub(crate) notes: Vec<String>,
}

struct Case {
    sku: Sku,
    title: String,
    goods: Goods,
    asked: Option<Asked>,
    weeks_ahead: usize,
    /// It is sold on while it is out.
    sells_on: bool,
    /// Orders for each look while goods are in stock.
    per_look: Option<f64>,
}

fn case(pool: &Pool, history: &History, per_look: Option<f64>, now: Timestamp) -> Case {
    let policy = pool.policy_set(&Channel::default());
    let supplier = pool.item.supplier.as_deref().and_then(|name| history.supplier(name));
    let lead = policy.and_then(|policy| policy.lead_time_days).map(f64::from);
    let lead = lead.or_else(|| supplier.and_then(evidence::Supplier::lead_days));
    let weeks = lead.map_or(WEEKS_AHEAD, |days| ((days + REVIEW_DAYS) / 7.0).ceil() as usize);
    let when_out = policy.map_or(WhenOut::default(), |policy| policy.when_out);
    Case {
        sku: pool.sku().clone(),
        title: pool.item.title.to_string(),
        goods: history.goods(pool.sku()).cloned().unwrap_or_default(),
        asked: history.asked(pool.sku(), now, WEEKS),
        weeks_ahead: weeks.clamp(1, 52),
        sells_on: when_out.sells_ahead(),
        per_look,
    }
}

fn censored(asked: &Asked) -> Option<Result<CensoredOut, String>> {
    asked.out.iter().any(|out| *out).then(|| {
        let input = CensoredInput { sales: asked.sold.clone(), stocked_out: Flags(asked.out.clone()) };
        let found = censored_demand_poisson(&input).map_err(|error| error.to_string())?;
        Ok(CensoredOut {
            naive: found.naive_mean,
            in_stock: found.uncensored_only_mean,
            estimated: found.mle_rate,
            lost: found.estimated_lost,
        })
    })
}

fn name_of(sku: &Sku) -> u64 {
    sku.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What lies ahead of every case, those of one horizon together.
fn forecasts(cases: &[Case], workers: NonZeroUsize) -> BTreeMap<usize, Result<Ahead, String>> {
    let mut by_horizon: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, case) in cases.iter().enumerate().filter(|(_, case)| case.asked.is_some()) {
        by_horizon.entry(case.weeks_ahead).or_default().push(at);
    }
    let mut found = BTreeMap::new();
    for (horizon, places) in by_horizon {
        let units = |at: &usize| {
            let units = cases[*at].asked.as_ref().map_or(&[][..], |asked| &asked.units);
            (name_of(&cases[*at].sku), units)
        };
        let series: Vec<(u64, &[f64])> = places.iter().map(units).collect();
        match ahead(&series, horizon, workers) {
            Ok(said) => found.extend(places.into_iter().zip(said)),
            Err(error) => found.extend(places.into_iter().map(|at| (at, Err(error.to_string())))),
        }
    }
    found
}

fn shown(case: Case, forecast: Option<Result<Ahead, String>>) -> DemandOut {
    let Case { sku, title, goods, asked, weeks_ahead, sells_on, per_look } = case;
    let mut notes = Vec::new();
    let observed = match &asked {
        Some(asked) => ObservedOut {
            weeks: asked.units.len(),
            from: date_from_days(asked.from * 7).map(|date| date.to_string()),
            ordered: asked.sold.iter().sum(),
            asked: asked.units.iter().sum(),
            weekly: Some(asked.units.iter().sum::<f64>() / asked.units.len() as f64),
            weeks_out: asked.out.iter().filter(|out| **out).count(),
        },
        None => {
            notes.push("no whole week has passed since it was first seen".to_owned());
            ObservedOut { weeks: 0, from: None, ordered: 0.0, asked: 0.0, weekly: None, weeks_out: 0 }
        }
    };
    let censored = match asked.as_ref().and_then(censored) {
        Some(Ok(found)) => Some(found),
        Some(Err(why)) => {
            notes.push(format!("what stock-outs hid cannot be said: {why}"));
            None
        }
        None => None,
    };
    if censored.is_some() && sells_on {
        notes.push("it is sold on while it is out, so part of the demand of those weeks was seen".to_owned());
    }
    let forecast = match forecast {
        Some(Ok(said)) => {
            if said.coverage.is_some_and(|share| share < 0.8) && said.tries >= 5 {
                notes.push("the forecast has covered less of the past than it aims at: keep more".to_owned());
            }
            Some(ForecastOut {
                weeks: weeks_ahead,
                mean: said.mean * weeks_ahead as f64,
                p90: said.quantile90,
                method: said.method,
                tries: said.tries,
                coverage: said.coverage,
            })
        }
        Some(Err(why)) => {
            notes.push(format!("no forecast: {why}"));
            None
        }
        None => None,
    };
    let lost = LostOut {
        refused: goods.refused,
        waiting: goods.waiting,
        waits_lost: goods.waits_ended - goods.waits_bought,
        views_out: goods.views_out,
        by_views: per_look.filter(|_| goods.views_out > 0.0).map(|rate| rate * goods.views_out),
    };
    if goods.views_out > 0.0 && per_look.is_none() {
        notes.push("what looks at the badge while it was out come to cannot be said before 200 looks at goods in stock".to_owned());
    }
    DemandOut { sku, title, observed, censored, lost, forecast, notes }
}

/// Reads the demand of some SKUs, in their order.
pub(crate) fn look(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    pools: &[Pool],
    now: Timestamp,
) -> Result<Vec<DemandOut>, StoreError> {
    let cases: Vec<Case> = histories.look(store, tenant, |history| {
        let per_look = history.whole(now).per_look();
        pools.iter().map(|pool| case(pool, history, per_look, now)).collect()
    })?;
    let mut said = forecasts(&cases, workers());
    Ok(cases.into_iter().enumerate().map(|(at, case)| shown(case, said.remove(&at))).collect())
}

/// List demand by SKU
///
/// What was ordered and refused by week, what stock-outs hid (maximum likelihood), what is known to have been lost, and what lies
/// ahead over the lead time: the mean and the 0.9 quantile by the method that fits the SKU's own past best, with how much of that
/// past it covered. What cannot be said stands in `notes`.
#[utoipa::path(
    get, path = "/v1/insights/demand", tag = "Decisions", operation_id = "list_demand",
    params(("sku" = Option<String>, Query, description = "Only this one")),
    responses((status = 200, description = "Demand by SKU", body = schema::DemandPage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<Sku>());
    let wanted = params.sku("sku");
    params.finish()?;
    let named = wanted.clone();
    let items = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            let pools = match &wanted {
                Some(sku) => store.pools(tenant, std::slice::from_ref(sku))?,
                None => store.pool_page(tenant, after.as_ref(), limit + 1)?,
            };
            look(histories, store, tenant, &pools, now)
        })
        .await?;
    if let Some(sku) = named.filter(|_| items.is_empty()) {
        return Err(Problem::field("sku", "unknown_sku", format!("there is no sku {:?}", sku.as_str())));
    }
    json(StatusCode::OK, &Page::cut(items, limit, |item: &DemandOut| item.sku.clone()))
}
