//! `GET /v1/prepayments`: what was taken for goods, and how much of it is earned.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connect::tables::prepayments::{PrepaymentRow, writer};
use engine::{Prepayments, each_prepayment};
use ledger::{Read, StoreError};
use model::{
    id::{Sku, TenantId},
    money::{Currency, Money},
    time::Date,
};
use obligation::payment::Flow;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::{AllOrdersRead, Allowed},
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Most sums of a day and a SKU that are looked at.
const LOOKED_AT_MAX: usize = 200_000;
/// SKUs whose tags are read at once.
const PAGE: usize = 500;

/// Money that came, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Prepayment)]
pub(crate) struct PrepaymentOut {
    /// The day at the shop's first location, where it is asked for by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, nullable = false)]
    day: Option<Date>,
    /// What was sold; not of a total, nor by tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    sku: Option<Sku>,
    /// The SKUs' tag, by tag; null of those that have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    tag: Option<Option<Arc<str>>>,
    /// Came.
    #[schema(value_type = schema::Money)]
    received: Money,
    /// Went back.
    #[schema(value_type = schema::Money)]
    refunded: Money,
    /// Of what came: for goods that left.
    #[schema(value_type = schema::Money)]
    earned: Money,
    /// Of what came: owed, in goods or in money. Received less refunded less earned.
    #[schema(value_type = schema::Money)]
    unearned: Money,
}

/// Prepayments.
#[derive(Serialize, ToSchema)]
#[schema(as = PrepaymentList)]
pub(crate) struct PrepaymentsOut {
    /// By day and SKU, by SKU, or by tag.
    items: Vec<PrepaymentOut>,
    /// Of everything that was looked at, by currency.
    totals: Vec<PrepaymentOut>,
    /// False where there is more than was looked at, or than `limit`: ask for fewer days or one SKU.
    complete: bool,
}

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Sku,
    Day,
    Tag,
}

/// What is asked for.
struct Wanted {
    sku: Option<Sku>,
    tag: Option<Arc<str>>,
    from: Option<Date>,
    to: Option<Date>,
    by: By,
}

/// What a sum is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: Option<Date>,
    sku: Option<Sku>,
    tag: Option<Arc<str>>,
    currency: String,
}

#[derive(Default)]
struct Sums {
    items: BTreeMap<Key, (Currency, Flow)>,
    totals: BTreeMap<String, (Currency, Flow)>,
    tags: BTreeMap<Sku, Vec<Arc<str>>>,
    whole: bool,
}

/// Read prepayments
///
/// What was received, what of it was earned by goods that left, what went back, and what is owed: for all time or some days,
/// by SKU, by day and SKU, or by the SKUs' tag. A day's sums are what changed on that day. Tag what a campaign sells with its name
/// and it is summed up by `tag`; a SKU with two tags counts for both. `format=csv` hands out the same as a table.
#[utoipa::path(
    get, path = "/v1/prepayments", tag = "Payments", operation_id = "get_prepayments",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("tag" = Option<String>, Query, description = "Only of SKUs with this tag, such as a campaign's name"),
        ("by" = Option<String>, Query, description = "`sku` (unless given), `day`: by day and SKU, or `tag`"),
        ("from" = Option<String>, Query, description = "Only from this day on (2026-12-01)"),
        ("to" = Option<String>, Query, description = "Only up to this day"),
        ("limit" = Option<i64>, Query, description = "Most items; a table has all"),
        ("format" = Option<String>, Query, description = "`json` (unless given) or `csv`"),
    ),
    responses((status = 200, description = "The sums", content(
        (PrepaymentsOut = "application/json"),
        (String = "text/csv"),
    ))),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = params.limit();
    let (sku, tag) = (params.sku("sku"), params.text("tag").map(Arc::from));
    let by = match params.word("by", &["sku", "day", "tag"]) {
        Some("day") => By::Day,
        Some("tag") => By::Tag,
        _ => By::Sku,
    };
    let mut day = |name: &'static str| {
        let text = params.text(name)?;
        params.checks.date(format_args!("{name}"), &text)
    };
    let (from, to) = (day("from"), day("to"));
    let is_table = params.word("format", &["json", "csv"]) == Some("csv");
    params.finish()?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), Wanted { sku, tag, from, to, by });
    let sums = api.read(move |store| sum_up(store, &tenant, &wanted)).await?;
    if is_table {
        return table(&sums);
    }
    let complete = sums.whole && sums.items.len() <= limit;
    let items = sums.items.into_iter().take(limit).map(|(key, sum)| {
        let tag = (by == By::Tag).then_some(key.tag);
        shown(key.day, key.sku, tag, sum)
    });
    let totals = sums.totals.into_values().map(|sum| shown(None, None, None, sum)).collect();
    json(StatusCode::OK, &PrepaymentsOut { items: items.collect(), totals, complete })
}

fn sum_up(store: &mut dyn Read, tenant: &TenantId, wanted: &Wanted) -> Result<Sums, StoreError> {
    let mut rows: BTreeMap<(Option<Date>, Sku, String), (Currency, Flow)> = BTreeMap::new();
    let mut add = |row: &Prepayments| {
        if wanted.from.is_some_and(|from| row.day < from) || wanted.to.is_some_and(|to| row.day > to) {
            return;
        }
        let day = (wanted.by == By::Day).then_some(row.day);
        let key = (day, row.sku.clone(), row.currency.code().to_owned());
        let sum = rows.entry(key).or_insert((row.currency, Flow::default()));
        sum.1 = sum.1 + row.flow;
    };
    let whole = each_prepayment(store, tenant, wanted.sku.as_ref(), LOOKED_AT_MAX, &mut add)?;
    let skus: BTreeSet<Sku> = rows.keys().map(|(_, sku, _)| sku.clone()).collect();
    let mut sums = Sums { tags: tags_of(store, tenant, skus)?, whole, ..Sums::default() };
    for ((day, sku, code), (currency, flow)) in rows {
        let tags = sums.tags.get(&sku).map(Vec::as_slice).unwrap_or_default();
        if wanted.tag.as_ref().is_some_and(|tag| !tags.contains(tag)) {
            continue;
        }
        let of: Vec<Option<Arc<str>>> = match (wanted.by, &wanted.tag) {
            (By::Tag, Some(tag)) => vec![Some(Arc::clone(tag))],
            (By::Tag, None) if !tags.is_empty() => tags.iter().cloned().map(Some).collect(),
            _ => vec![None],
        };
        for tag in of {
            let sku = (wanted.by != By::Tag).then(|| sku.clone());
            let key = Key { day, sku, tag, currency: code.clone() };
            let sum = sums.items.entry(key).or_insert((currency, Flow::default()));
            sum.1 = sum.1 + flow;
        }
        let total = sums.totals.entry(code).or_insert((currency, Flow::default()));
        total.1 = total.1 + flow;
    }
    Ok(sums)
}

/// The tags that SKUs have now; none of those that are gone, nor of the shipping.
fn tags_of(
    store: &mut dyn Read,
    tenant: &TenantId,
    skus: BTreeSet<Sku>,
) -> Result<BTreeMap<Sku, Vec<Arc<str>>>, StoreError> {
    let skus: Vec<Sku> = skus.into_iter().collect();
    let mut tags = BTreeMap::new();
    for page in skus.chunks(PAGE) {
        let pools = store.pools(tenant, page)?;
        tags.extend(pools.into_iter().map(|pool| (pool.item.sku.clone(), pool.item.tags.clone())));
    }
    Ok(tags)
}

fn shown(
    day: Option<Date>,
    sku: Option<Sku>,
    tag: Option<Option<Arc<str>>>,
    (currency, flow): (Currency, Flow),
) -> PrepaymentOut {
    let money = |amount: i64| Money::new(amount, currency);
    PrepaymentOut {
        day,
        sku,
        tag,
        received: money(flow.captured),
        refunded: money(flow.refunded),
        earned: money(flow.earned),
        unearned: money(flow.owed()),
    }
}

/// The sums as a table that a spreadsheet opens.
fn table(sums: &Sums) -> Result<Response, Problem> {
    let broken = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "a table could not be written");
        Problem::defect()
    };
    let mut table = writer(Vec::new()).map_err(|error| broken(&error))?;
    for (key, (currency, flow)) in &sums.items {
        let tags = match (&key.sku, &key.tag) {
            (Some(sku), _) => sums.tags.get(sku).into_iter().flatten().map(ToString::to_string).collect(),
            (None, tag) => tag.iter().map(ToString::to_string).collect(),
        };
        // Two crates' words for the same code.
        let currency = currency.code().parse().map_err(|error| broken(&error))?;
        let row = PrepaymentRow {
            day: key.day.map_or_else(String::new, |day| day.to_string()),
            sku: key.sku.as_ref().map_or_else(String::new, ToString::to_string),
            currency,
            received: flow.captured,
            refunded: flow.refunded,
            earned: flow.earned,
            tags,
        };
        table.write(&row).map_err(|error| broken(&error))?;
    }
    let text = table.finish().map_err(|error| broken(&error))?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name =
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"prepayments.csv\""));
    Ok(([kind, name], text).into_response())
}
