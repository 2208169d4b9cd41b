//! `/v1/skus`: what is sold.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use engine::Answer;
use model::{
    command::{Command, PutItem},
    id::Sku,
    item::{Component, Item},
    limits::{COMPONENT_UNITS_MAX, COMPONENTS_MAX},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, CatalogRead, CatalogWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json, MoneyIn},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_tagged, unexpected},
    tag::if_match,
};

const TAGS_MAX: usize = 100;
const SUBSTITUTES_MAX: usize = 20;

/// What is sold, as a whole: what is left out is not known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SkuInput)]
pub(crate) struct SkuIn {
    /// The merchant's code; if given, the one in the address.
    sku: Option<String>,
    /// What people call it.
    title: Option<String>,
    /// What one unit sells for.
    price: Option<MoneyIn>,
    /// What one unit costs.
    unit_cost: Option<MoneyIn>,
    /// What a kit is made of.
    components: Option<Vec<ComponentIn>>,
    /// GTIN or another code on the box.
    barcode: Option<String>,
    /// Who usually supplies it.
    supplier: Option<String>,
    /// Free labels.
    tags: Option<Vec<String>>,
    /// SKUs that can take its place for a customer, the best first; at most 20.
    substitutes: Option<Vec<String>>,
    /// No longer made: what is on hand still sells, nothing is sold beyond it.
    discontinued: Option<bool>,
}

impl Input for SkuIn {}

/// So many units of a SKU in each unit of a kit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ComponentInput)]
pub(crate) struct ComponentIn {
    /// What goes in: a SKU that is described already and is no kit.
    sku: String,
    /// Units of it in one kit.
    #[schema(minimum = 1, maximum = 10000)]
    quantity: i64,
}

fn check(sku: Sku, input: &SkuIn) -> Result<Item, Problem> {
    let mut checks = Checks::default();
    if input.sku.as_deref().is_some_and(|given| given.trim() != sku.as_str()) {
        checks.wrong(format_args!("/sku"), "mismatch", "not the sku in the address");
    }
    let parts = input.components.as_deref().unwrap_or_default();
    if parts.len() > COMPONENTS_MAX {
        checks.wrong(format_args!("/components"), "too_many", format!("at most {COMPONENTS_MAX}"));
    }
    let components = parts.iter().take(COMPONENTS_MAX).enumerate().map(|(n, part)| Component {
        sku: checks.sku(format_args!("/components/{n}/sku"), &part.sku),
        quantity: checks.number(
            format_args!("/components/{n}/quantity"),
            part.quantity,
            1,
            COMPONENT_UNITS_MAX,
        ),
    });
    let components = components.collect();
    let others = input.substitutes.as_deref().unwrap_or_default();
    if others.len() > SUBSTITUTES_MAX {
        checks.wrong(format_args!("/substitutes"), "too_many", format!("at most {SUBSTITUTES_MAX}"));
    }
    let others = others.iter().take(SUBSTITUTES_MAX).enumerate();
    let substitutes: Vec<Sku> =
        others.map(|(n, other)| checks.sku(format_args!("/substitutes/{n}"), other)).collect();
    if substitutes.contains(&sku) {
        checks.wrong(format_args!("/substitutes"), "contradiction", "a sku does not take its own place");
    }
    let item = Item {
        sku,
        title: checks.note(format_args!("/title"), input.title.as_deref()).unwrap_or_default(),
        price: input.price.as_ref().and_then(|money| checks.money("/price", money)),
        unit_cost: input.unit_cost.as_ref().and_then(|money| checks.money("/unit_cost", money)),
        components,
        barcode: checks.name(format_args!("/barcode"), input.barcode.as_deref()),
        supplier: checks.name(format_args!("/supplier"), input.supplier.as_deref()),
        tags: checks.labels("/tags", input.tags.as_deref().unwrap_or_default(), TAGS_MAX),
        substitutes,
        discontinued: input.discontinued.unwrap_or(false),
    };
    checks.finish(item)
}

/// The SKU in a path.
pub(crate) fn path_sku(text: &str) -> Result<Sku, Problem> {
    let mut checks = Checks::default();
    let sku = checks.sku(format_args!("sku"), text);
    checks.finish(sku)
}

/// Describe a SKU
///
/// As a whole: what is left out is not known. A SKU with `components` is a kit and has no stock of its own.
#[utoipa::path(
    put, path = "/v1/skus/{sku}", tag = "Catalog", operation_id = "put_sku",
    params(("sku" = String, Path, description = "The merchant's code", max_length = 128)),
    request_body = SkuIn,
    responses(
        (status = 200, description = "It is described so now", body = schema::Sku),
        (status = 201, description = "It is new", body = schema::Sku),
    ),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(sku): Segments<String>,
    headers: HeaderMap,
    Json { value, .. }: Json<SkuIn>,
) -> Result<Response, Problem> {
    let item = check(path_sku(&sku)?, &value)?;
    let wish = PutItem { item, if_match: if_match(&headers)? };
    let done = api.run(&allowed.caller, now, Command::PutItem(wish), None).await?;
    let Answer::Item(item, new) = &done.answer else { return Err(unexpected(&done.answer)) };
    let status = if *new { StatusCode::CREATED } else { StatusCode::OK };
    json_tagged(status, item, &promise::etag(item))
}

/// Read a SKU
#[utoipa::path(
    get, path = "/v1/skus/{sku}", tag = "Catalog", operation_id = "get_sku",
    params(("sku" = String, Path, description = "The merchant's code")),
    responses((status = 200, description = "The SKU", body = schema::Sku)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(sku): Segments<String>,
) -> Result<Response, Problem> {
    let sku = path_sku(&sku)?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), sku.clone());
    let pools = api.read(move |store| store.pools(&tenant, &[wanted])).await?;
    let pool = pools.first().ok_or_else(|| Problem::not_found("sku", &sku))?;
    json_tagged(StatusCode::OK, &*pool.item, &promise::etag(&*pool.item))
}

/// List SKUs
#[utoipa::path(
    get, path = "/v1/skus", tag = "Catalog", operation_id = "list_skus",
    responses((status = 200, description = "SKUs by code", body = schema::SkuPage)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<Sku>());
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let pools = api.read(move |store| store.pool_page(&tenant, after.as_ref(), limit + 1)).await?;
    let items: Vec<&Item> = pools.iter().map(|pool| &*pool.item).collect();
    json(StatusCode::OK, &Page::cut(items, limit, |item| item.sku.clone()))
}
