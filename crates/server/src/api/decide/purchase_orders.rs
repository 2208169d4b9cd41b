//! `/v1/purchase-orders`: orders to suppliers, drafted, printed, sent and called off.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{Key, notices::purchase_mail};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    Units,
    command::{Command, KeepTerms},
    id::{LocationId, Sku, SupplyId, TenantId},
    limits::SUPPLY_UNITS_MAX,
    money::Money,
    purchasing::{
        CancelPurchase, PURCHASE_ORDER, PurchaseLine, PurchaseOrder, SUPPLIER_CONTACT, SUPPLIER_TERMS,
        SendPurchase, SupplierTerms,
    },
    record::{Json as Text, Record},
    time::{Date, Timestamp, Zone, local_date},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    Histories, defect,
    purchasing::{self, Drafted},
    supplier_terms::named,
};
use crate::{
    App,
    api::{
        auth::{Allowed, CatalogWrite, DecisionsRead, SuppliesWrite},
        check::Checks,
        clock::Now,
        idempotency::Idempotency,
        input::{Input, Json},
        params::{Page, Params, Segments},
        problem::Problem,
        schema,
        state::{Api, json, json_replayed},
        supplies::Nothing,
    },
};

/// Most lines of an order.
const LINES_MAX: usize = 500;

/// A line to order.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PurchaseLineInput)]
pub(crate) struct LineIn {
    sku: String,
    /// Units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
}

/// What to order.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PurchaseOrderInput)]
pub(crate) struct OrderIn {
    /// From whom.
    supplier: String,
    /// What; unless given, all that `/v1/purchasing` says is due from it now.
    #[schema(min_items = 1, max_items = 500)]
    lines: Option<Vec<LineIn>>,
    /// Money there is, in minor units: what earns most for it is ordered. Only without `lines`.
    #[schema(minimum = 0)]
    cash_max: Option<i64>,
    /// A word to the supplier.
    note: Option<String>,
}

impl Input for OrderIn {}

/// A line of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseOrderLine)]
pub(crate) struct LineOut {
    #[schema(value_type = String)]
    sku: Sku,
    title: String,
    #[schema(value_type = i64)]
    quantity: Units,
    /// What one costs in an order of that size.
    #[schema(value_type = schema::Money)]
    unit_cost: Money,
    /// The supply that sending it entered; null while it is a draft.
    #[schema(value_type = Option<String>)]
    supply: Option<SupplyId>,
}

/// An order to a supplier.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseOrder)]
pub(crate) struct OrderOut {
    id: String,
    /// What people call it.
    number: String,
    supplier: String,
    /// `draft`, `sent`, or `cancelled`.
    #[schema(value_type = String)]
    state: &'static str,
    #[schema(format = DateTime, value_type = String)]
    made_at: Timestamp,
    #[schema(format = DateTime, value_type = Option<String>)]
    sent_at: Option<Timestamp>,
    #[schema(format = DateTime, value_type = Option<String>)]
    cancelled_at: Option<Timestamp>,
    /// Where the goods go; null while it is a draft.
    #[schema(value_type = Option<String>)]
    location: Option<LocationId>,
    /// When the goods are wanted: the lead time from the next day on which the supplier takes orders.
    #[schema(format = Date, value_type = String)]
    expected_on: Date,
    #[schema(value_type = schema::Money)]
    total: Money,
    note: Option<String>,
    lines: Vec<LineOut>,
}

fn shown(id: &str, order: &PurchaseOrder) -> Option<OrderOut> {
    let line = |(n, line): (usize, &PurchaseLine)| LineOut {
        sku: line.sku.clone(),
        title: line.title.to_string(),
        quantity: line.quantity,
        unit_cost: line.unit_cost,
        supply: order.supplies.get(n).copied(),
    };
    Some(OrderOut {
        id: id.to_owned(),
        number: order.number.to_string(),
        supplier: order.supplier.to_string(),
        state: order.state(),
        made_at: order.made_at,
        sent_at: order.sent_at,
        cancelled_at: order.cancelled_at,
        location: order.location.clone(),
        expected_on: order.expected_on,
        total: order.total()?,
        note: order.note.as_ref().map(ToString::to_string),
        lines: order.lines.iter().enumerate().map(line).collect(),
    })
}

fn refused(code: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail)
}

/// What was drafted as the lines of one order: all in one currency.
fn lines_of(drafted: Vec<Drafted>) -> Result<Vec<PurchaseLine>, Problem> {
    let mut lines: Vec<PurchaseLine> = Vec::new();
    for Drafted { sku, title, quantity, unit_cost } in drafted {
        if lines.first().is_some_and(|first| first.unit_cost.currency != unit_cost.currency) {
            return Err(refused("other_currency", format!("{sku} costs another currency than the others")));
        }
        lines.push(PurchaseLine { sku, title, quantity, unit_cost });
    }
    Ok(lines)
}

/// Draft an order to a supplier
///
/// What is due from it now by `/v1/purchasing`, or the lines given at the price of their quantity. Refused where there is nothing to order
/// (`nothing_to_order`), and below the supplier's least value (`order_least`). Nothing is sent by this, and no supply entered: sending it
/// does both.
#[utoipa::path(
    post, path = "/v1/purchase-orders", tag = "Decisions", operation_id = "draft_purchase_order",
    request_body = OrderIn,
    responses((status = 201, description = "The draft", body = OrderOut)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn draft(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    key: Idempotency,
    Json { value, bytes }: Json<OrderIn>,
) -> Result<Response, Problem> {
    let key = key.optional(&allowed.caller, &bytes)?;
    let supplier = named(&value.supplier)?;
    let mut checks = Checks::default();
    let note = checks.note(format_args!("/note"), value.note.as_deref());
    let cash =
        value.cash_max.map(|cash| checks.number(format_args!("/cash_max"), cash, 0, 1_000_000_000_000));
    let given = value.lines.as_deref();
    if given.is_some_and(|lines| lines.is_empty() || lines.len() > LINES_MAX) {
        checks.wrong(format_args!("/lines"), "too_many", format!("from 1 to {LINES_MAX}"));
    }
    if given.is_some() && cash.is_some() {
        checks.wrong(format_args!("/cash_max"), "contradiction", "only where no lines are given");
    }
    let mut wanted: Vec<(Sku, Units)> = Vec::new();
    for (n, line) in given.unwrap_or_default().iter().take(LINES_MAX).enumerate() {
        let sku = checks.sku(format_args!("/lines/{n}/sku"), &line.sku);
        let units = checks.number(format_args!("/lines/{n}/quantity"), line.quantity, 1, SUPPLY_UNITS_MAX);
        if wanted.iter().any(|(known, _)| *known == sku) {
            checks.wrong(format_args!("/lines/{n}/sku"), "duplicate", "stands in another line");
        }
        wanted.push((sku, units));
    }
    checks.finish(())?;
    let id = match &key {
        // The same request makes the same order.
        Some(key) => {
            Sha256::digest(key.key.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        }
        None => fresh_id(&api.app, now),
    };
    let is_given = given.is_some();
    let (id, order) = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            let wanted = is_given.then_some(&*wanted);
            drafted(histories, store, tenant, (&supplier, wanted, cash, note), (&id, now))
        })
        .await??;
    let done = keep_draft(&api.app, &allowed.caller.tenant, (&id, &order), now, key)?;
    let done = crate::api::state::Done::of(api.app.engine.run(done).await?)?;
    let order =
        if done.replayed { stored(&api, &allowed.caller.tenant, &id).await?.unwrap_or(order) } else { order };
    json_replayed(StatusCode::CREATED, &shown(&id, &order), done.replayed)
}

/// The end of an id that nobody has yet.
pub(crate) fn fresh_id(app: &App, now: Timestamp) -> String {
    app.stamps.next(now).simple().to_string()[12..28].to_owned()
}

/// What to draft: from whom, which lines (else what is due), within how much money, with which word.
type Draft<'a> = (&'a Arc<str>, Option<&'a [(Sku, Units)]>, Option<i64>, Option<Arc<str>>);

/// An order that may be drafted, with its id; why not where it may not.
pub(crate) fn drafted(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (supplier, wanted, cash, note): Draft<'_>,
    (id, now): (&str, Timestamp),
) -> Result<Result<(String, PurchaseOrder), Problem>, StoreError> {
    let found = match wanted {
        Some(wanted) => purchasing::priced(store, tenant, wanted)?,
        None => Ok(purchasing::due(histories, store, tenant, (supplier, cash), now)?),
    };
    let terms = store.records(tenant, Shelf::Ledger, SUPPLIER_TERMS, &[supplier])?.pop();
    let terms = terms.and_then(|record| record.read::<SupplierTerms>().ok().flatten()).unwrap_or_default();
    let lead_days = purchasing::lead_days(histories, store, tenant, supplier)?;
    let found = found.map_err(|(n, why)| Problem::field(format!("/lines/{n}/sku"), "not_bought", why));
    Ok(found.and_then(|found| {
        let lines = lines_of(found)?;
        if lines.is_empty() {
            return Err(refused("nothing_to_order", format!("nothing is due from {supplier} now")));
        }
        let today = local_date(now, &Zone::utc());
        let expected_on = terms.arrives(terms.order_on(today), lead_days);
        let number = format!("PO-{}-{}", today.strftime("%Y%m%d"), id[..6].to_uppercase());
        let order = PurchaseOrder {
            number: number.into(),
            supplier: Arc::clone(supplier),
            made_at: now,
            lines,
            expected_on,
            note,
            sent_at: None,
            location: None,
            supplies: Vec::new(),
            cancelled_at: None,
        };
        let Some(total) = order.total() else {
            return Err(Problem::field("/lines", "too_many", "they cost more than an amount can be"));
        };
        if terms.order_least.is_some_and(|least| total.amount < least) {
            return Err(refused("order_least", format!("{supplier} takes no order of so little")));
        }
        Ok((format!("por_{id}"), order))
    }))
}

/// The request that keeps a draft.
pub(crate) fn keep_draft(
    app: &App,
    tenant: &TenantId,
    (id, order): (&str, &PurchaseOrder),
    now: Timestamp,
    key: Option<Key>,
) -> Result<engine::Request, Problem> {
    let record = Record::new(PURCHASE_ORDER, id, order).map_err(defect)?;
    let record = Record { owner: Arc::clone(&order.supplier), state: order.state().into(), ..record };
    let data = serde_json::json!({ "purchase_order": id, "number": order.number, "state": order.state() });
    let data = Text::of(&data).map_err(defect)?;
    let wish = KeepTerms { sku: None, data, records: vec![record], private: Vec::new() };
    Ok(engine::Request {
        tenant: tenant.clone(),
        now,
        id: app.stamps.next(now),
        command: Command::KeepTerms(wish),
        key,
        detail: engine::Detail::Full,
    })
}

async fn stored(api: &Arc<Api>, tenant: &TenantId, id: &str) -> Result<Option<PurchaseOrder>, Problem> {
    let (tenant, id) = (tenant.clone(), id.to_owned());
    api.read(move |store| find(store, &tenant, &id)).await
}

/// An order by its id.
pub(crate) fn find(
    store: &mut dyn Read,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<PurchaseOrder>, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, PURCHASE_ORDER, &[id])?.pop();
    Ok(found.and_then(|record| record.read().ok().flatten()))
}

/// How to send an order.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SendPurchaseInput)]
pub(crate) struct SendIn {
    /// Where the goods go; needed where the shop has more than one location.
    location: Option<String>,
    /// Whether it is mailed; true unless given. Where it is not, tell the supplier yourself.
    mail: Option<bool>,
}

impl Input for SendIn {
    const MAY_BE_EMPTY: bool = true;
}

/// The wish to send an order, by mail or not.
pub(crate) fn sending(
    store: &mut dyn Read,
    tenant: &TenantId,
    (id, order): (&str, &PurchaseOrder),
    (location, by_mail): (LocationId, bool),
    now: Timestamp,
) -> Result<Result<Command, Problem>, StoreError> {
    let address = store.records(tenant, Shelf::Private, SUPPLIER_CONTACT, &[&*order.supplier])?;
    if by_mail && address.iter().all(|record| record.body.is_none()) {
        let detail = format!("no address is set for {}: PUT /v1/suppliers/…", order.supplier);
        return Ok(Err(refused("no_address", detail)));
    }
    let mail = by_mail.then(|| purchase_mail(id, now)).transpose().map_err(defect);
    Ok(mail.map(|mail| Command::SendPurchase(SendPurchase { order: id.into(), location, mail })))
}

/// Send an order to its supplier
///
/// It is mailed with the order as PDF to the address set for the supplier, and each of its lines is a supply of kind `purchase_order` from
/// then on, due on `expected_on`, which promises may rest on. Sent again it is mailed once and entered once. Refused where there is no
/// address (`no_address`) unless `mail` is false, and where it was called off (`already_cancelled`).
#[utoipa::path(
    post, path = "/v1/purchase-orders/{id}/send", tag = "Decisions", operation_id = "send_purchase_order",
    params(("id" = String, Path, description = "Its id")),
    request_body(content = Option<SendIn>, description = "Nothing, or where to and how"),
    responses((status = 200, description = "It is on its way", body = OrderOut)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn send(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    Json { value, .. }: Json<SendIn>,
) -> Result<Response, Problem> {
    let tenant = &allowed.caller.tenant;
    let mut checks = Checks::default();
    let given = value.location.as_deref().map(|text| checks.location(format_args!("/location"), text));
    checks.finish(())?;
    let found = stored(&api, tenant, &id).await?;
    let order = found.ok_or_else(|| Problem::not_found("purchase order", &id))?;
    if order.state() != "draft" {
        let of_order = Command::SendPurchase(SendPurchase {
            order: id.as_str().into(),
            location: order.location.clone().unwrap_or_else(|| LocationId::stored("")),
            mail: None,
        });
        return changed(&api, &allowed, (&id, now), of_order).await;
    }
    let (of, asked) = (tenant.clone(), (id.clone(), order));
    let command = api
        .read(move |store| {
            let location = match given {
                Some(location) => location,
                None => match &*store.locations(&of)? {
                    [(only, _)] => only.clone(),
                    [] => return Ok(Err(refused("no_location", "there is no location yet"))),
                    _ => {
                        let detail = "there is more than one: say where the goods go";
                        return Ok(Err(Problem::field("/location", "required", detail)));
                    }
                },
            };
            let by_mail = value.mail.unwrap_or(true);
            sending(store, &of, (&asked.0, &asked.1), (location, by_mail), now)
        })
        .await??;
    changed(&api, &allowed, (&id, now), command).await
}

/// Carries a command out and answers with the order as it stands then.
async fn changed(
    api: &Arc<Api>,
    allowed: &Allowed<SuppliesWrite>,
    (id, now): (&str, Timestamp),
    command: Command,
) -> Result<Response, Problem> {
    api.run(&allowed.caller, now, command, None).await?;
    let order = stored(api, &allowed.caller.tenant, id).await?;
    json(StatusCode::OK, &shown(id, &order.ok_or_else(|| Problem::not_found("purchase order", id))?))
}

/// Call an order to a supplier off
///
/// What has not come of it is due no more, as if each supply were cancelled; what came stays. A mail that has not left does not leave:
/// otherwise tell the supplier. Refused where all of it has come (`already_received`) and the second time (`already_cancelled`).
#[utoipa::path(
    post, path = "/v1/purchase-orders/{id}/cancel", tag = "Decisions", operation_id = "cancel_purchase_order",
    params(("id" = String, Path, description = "Its id")),
    request_body(content = Option<Nothing>, description = "Nothing, or an empty object"),
    responses((status = 200, description = "It is called off", body = OrderOut)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
    _: Json<Nothing>,
) -> Result<Response, Problem> {
    let command = Command::CancelPurchase(CancelPurchase { order: id.as_str().into() });
    changed(&api, &allowed, (&id, now), command).await
}

/// Read an order to a supplier
#[utoipa::path(
    get, path = "/v1/purchase-orders/{id}", tag = "Decisions", operation_id = "get_purchase_order",
    params(
        ("id" = String, Path, description = "Its id"),
        ("format" = Option<String>, Query, description = "`json`, `csv` or `pdf`"),
    ),
    responses((status = 200, description = "The order", content(
        (OrderOut = "application/json"),
        (String = "text/csv"),
        (Vec<u8> = "application/pdf"),
    ))),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Segments(id): Segments<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let format = params.word("format", &["json", "csv", "pdf"]).unwrap_or("json");
    params.finish()?;
    let tenant = &allowed.caller.tenant;
    let order = stored(&api, tenant, &id).await?.ok_or_else(|| Problem::not_found("purchase order", &id))?;
    match format {
        "json" => json(StatusCode::OK, &shown(&id, &order)),
        format => file(tenant, &order, format),
    }
}

/// An order as a file: `pdf` or `csv`.
pub(crate) fn file(tenant: &TenantId, order: &PurchaseOrder, format: &str) -> Result<Response, Problem> {
    let (kind, bytes) = match format {
        "pdf" => ("application/pdf", crate::mail::purchase::sheet(tenant, order)),
        _ => ("text/csv; charset=utf-8", csv(order)?),
    };
    let name = format!("attachment; filename=\"{}.{format}\"", order.number);
    let name = HeaderValue::from_str(&name).map_err(|_| Problem::defect())?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(([kind, (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

fn csv(order: &PurchaseOrder) -> Result<Vec<u8>, Problem> {
    let row = |line: &PurchaseLine| {
        vec![
            order.number.to_string(),
            order.supplier.to_string(),
            line.sku.to_string(),
            line.title.to_string(),
            line.quantity.to_string(),
            line.unit_cost.amount.to_string(),
            line.unit_cost.currency.code().to_owned(),
            order.expected_on.to_string(),
        ]
    };
    let heads =
        ["number", "supplier", "sku", "title", "quantity", "unit_cost_minor", "currency", "expected_on"];
    connect::tables::csv_of(&heads, order.lines.iter().map(row)).map_err(|error| {
        tracing::error!(%error, "an order cannot be written");
        Problem::defect()
    })
}

/// List orders to suppliers
#[utoipa::path(
    get, path = "/v1/purchase-orders", tag = "Decisions", operation_id = "list_purchase_orders",
    params(
        ("supplier" = Option<String>, Query, description = "Only to this one"),
        ("state" = Option<String>, Query, description = "`draft`, `sent` or `cancelled`"),
    ),
    responses((status = 200, description = "Orders by id", body = schema::PurchaseOrderPage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    let supplier = params.text("supplier");
    let state = params.word("state", &["draft", "sent", "cancelled"]);
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let filter = RecordFilter { owner: supplier.as_deref(), state };
            store.record_page(&tenant, Shelf::Ledger, PURCHASE_ORDER, &filter, (after.as_deref(), limit + 1))
        })
        .await?;
    let order = |record: &Record| shown(&record.id, &record.read::<PurchaseOrder>().ok().flatten()?);
    let items: Vec<OrderOut> = found.iter().filter_map(order).collect();
    json(StatusCode::OK, &Page::cut(items, limit, |item: &OrderOut| item.id.clone()))
}
