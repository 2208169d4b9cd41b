//! `/v1/purchase-orders`: orders to suppliers, drafted, printed, and handed to the mail; `/v1/suppliers/{supplier}`: when one takes orders,
//! and where its mail goes.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::notices::purchase_mail;
use ledger::{RecordFilter, Shelf};
use model::{
    Units,
    command::{Command, KeepTerms},
    id::Sku,
    limits::SUPPLY_UNITS_MAX,
    money::Money,
    purchasing::{
        CLOSED_MAX, PURCHASE_ORDER, PurchaseLine, PurchaseOrder, SUPPLIER_CONTACT, SUPPLIER_TERMS,
        SupplierContact, SupplierTerms,
    },
    record::{Json as Text, Record},
    time::{Date, Timestamp, Zone, local_date},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::purchasing::{self, Drafted};
use crate::api::{
    auth::{Allowed, CatalogRead, CatalogWrite, DecisionsRead},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed},
};

/// Most lines of an order.
const LINES_MAX: usize = 500;
/// Most letters of a supplier's name.
const NAME_MAX: usize = 200;

/// A stretch of days.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClosedDays)]
pub(crate) struct ClosedIn {
    /// The first.
    #[schema(format = Date)]
    from: String,
    /// The last.
    #[schema(format = Date)]
    to: String,
}

/// A supplier as a whole: what is left out is not set.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupplierTerms)]
pub(crate) struct SupplierIn {
    /// Where orders go.
    #[schema(format = Email)]
    email: Option<String>,
    /// Who reads them.
    contact: Option<String>,
    /// Days of the week on which it takes orders, Monday being 1; every day unless given.
    #[schema(max_items = 7)]
    order_days: Option<Vec<u8>>,
    /// Stretches in which it is closed, ascending.
    #[schema(max_items = 50)]
    closed: Option<Vec<ClosedIn>>,
    /// Least value of an order, in minor units of whatever it is in.
    #[schema(minimum = 0)]
    order_least: Option<i64>,
}

impl Input for SupplierIn {}

fn named(name: &str) -> Result<Arc<str>, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Problem::field("supplier", "form", format!("a name of 1 to {NAME_MAX} letters")));
    }
    Ok(name.into())
}

#[expect(clippy::needless_pass_by_value, reason = "whoever meets an error hands it over")]
fn defect(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "a record cannot be written");
    Problem::defect()
}

fn read_terms(input: &SupplierIn) -> Result<(SupplierTerms, Option<SupplierContact>), Problem> {
    let mut checks = Checks::default();
    let email = checks.email(format_args!("/email"), input.email.as_deref());
    let name = checks.name(format_args!("/contact"), input.contact.as_deref());
    let mut order_days = input.order_days.clone().unwrap_or_default();
    if order_days.iter().any(|day| !(1..=7).contains(day)) {
        checks.wrong(format_args!("/order_days"), "out_of_range", "from 1, a Monday, to 7");
    }
    order_days.sort_unstable();
    order_days.dedup();
    let given = input.closed.as_deref().unwrap_or_default();
    if given.len() > CLOSED_MAX {
        checks.wrong(format_args!("/closed"), "too_many", format!("at most {CLOSED_MAX}"));
    }
    let mut closed: Vec<(Date, Date)> = Vec::new();
    for (n, stretch) in given.iter().take(CLOSED_MAX).enumerate() {
        let from = checks.date(format_args!("/closed/{n}/from"), &stretch.from);
        let to = checks.date(format_args!("/closed/{n}/to"), &stretch.to);
        let (Some(from), Some(to)) = (from, to) else { continue };
        if to < from || closed.last().is_some_and(|last| from <= last.1) {
            checks.wrong(format_args!("/closed/{n}"), "out_of_order", "stretches ascend and lie apart");
        }
        closed.push((from, to));
    }
    let order_least = input
        .order_least
        .map(|least| checks.number(format_args!("/order_least"), least, 0, 1_000_000_000_000));
    if email.is_none() && name.is_some() {
        checks.wrong(format_args!("/contact"), "contradiction", "a name without an address");
    }
    let contact = email.map(|email| SupplierContact { email, name });
    checks.finish((SupplierTerms { order_days, closed, order_least }, contact))
}

/// Set when a supplier takes orders, and where its mail goes
///
/// Proposals of `/v1/purchasing` are then of days on which it takes orders, and days on which it is closed do not count as lead time.
/// The address is kept apart from the ledger.
#[utoipa::path(
    put, path = "/v1/suppliers/{supplier}", tag = "Decisions", operation_id = "put_supplier",
    params(("supplier" = String, Path, description = "Its name, as supplies and SKUs name it")),
    request_body = SupplierIn,
    responses((status = 200, description = "It is kept", body = SupplierIn)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put_supplier(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(name): Segments<String>,
    Json { value, .. }: Json<SupplierIn>,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    let (terms, contact) = read_terms(&value)?;
    let record = Record::new(SUPPLIER_TERMS, &name, &terms).map_err(defect)?;
    let private = match contact {
        Some(contact) => Record::new(SUPPLIER_CONTACT, &name, &contact).map_err(defect)?,
        None => Record::gone(SUPPLIER_CONTACT, &name),
    };
    let data = Text::of(&serde_json::json!({ "supplier": name, "terms": terms })).map_err(defect)?;
    let wish = KeepTerms { sku: None, data, records: vec![record], private: vec![private] };
    api.run(&allowed.caller, now, Command::KeepTerms(wish), None).await?;
    json(StatusCode::OK, &value)
}

/// Read when a supplier takes orders, and where its mail goes
#[utoipa::path(
    get, path = "/v1/suppliers/{supplier}", tag = "Decisions", operation_id = "get_supplier",
    params(("supplier" = String, Path, description = "Its name")),
    responses((status = 200, description = "What is set; null is not", body = SupplierIn)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get_supplier(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    let tenant = allowed.caller.tenant.clone();
    let (terms, contact) = api
        .read(move |store| {
            let terms = store.records(&tenant, Shelf::Ledger, SUPPLIER_TERMS, &[&name])?.pop();
            Ok((terms, store.records(&tenant, Shelf::Private, SUPPLIER_CONTACT, &[&name])?.pop()))
        })
        .await?;
    let terms: SupplierTerms = terms.and_then(|record| record.read().ok().flatten()).unwrap_or_default();
    let contact: Option<SupplierContact> = contact.and_then(|record| record.read().ok().flatten());
    let closed = |(from, to): &(Date, Date)| ClosedIn { from: from.to_string(), to: to.to_string() };
    let out = SupplierIn {
        email: contact.as_ref().map(|contact| contact.email.to_string()),
        contact: contact.and_then(|contact| contact.name.map(|name| name.to_string())),
        order_days: (!terms.order_days.is_empty()).then_some(terms.order_days),
        closed: (!terms.closed.is_empty()).then(|| terms.closed.iter().map(closed).collect()),
        order_least: terms.order_least,
    };
    json(StatusCode::OK, &out)
}

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
}

/// An order to a supplier.
#[derive(Serialize, ToSchema)]
#[schema(as = PurchaseOrder)]
pub(crate) struct OrderOut {
    id: String,
    /// What people call it.
    number: String,
    supplier: String,
    /// `draft`, or `sent` once it was handed to the mail.
    #[schema(value_type = String)]
    state: &'static str,
    #[schema(format = DateTime, value_type = String)]
    made_at: Timestamp,
    #[schema(format = DateTime, value_type = Option<String>)]
    sent_at: Option<Timestamp>,
    /// When the goods are wanted: the lead time from the next day on which the supplier takes orders.
    #[schema(format = Date, value_type = String)]
    expected_on: Date,
    #[schema(value_type = schema::Money)]
    total: Money,
    note: Option<String>,
    lines: Vec<LineOut>,
}

fn shown(id: &str, order: &PurchaseOrder) -> Option<OrderOut> {
    let line = |line: &PurchaseLine| LineOut {
        sku: line.sku.clone(),
        title: line.title.to_string(),
        quantity: line.quantity,
        unit_cost: line.unit_cost,
    };
    Some(OrderOut {
        id: id.to_owned(),
        number: order.number.to_string(),
        supplier: order.supplier.to_string(),
        state: if order.sent_at.is_some() { "sent" } else { "draft" },
        made_at: order.made_at,
        sent_at: order.sent_at,
        expected_on: order.expected_on,
        total: order.total()?,
        note: order.note.as_ref().map(ToString::to_string),
        lines: order.lines.iter().map(line).collect(),
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
/// (`nothing_to_order`), and below the supplier's least value (`order_least`). Nothing is sent by this, and no supply entered: that is done
/// when the supplier has said yes.
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
    let (tenant, house, of) = (allowed.caller.tenant.clone(), Arc::clone(&api), Arc::clone(&supplier));
    let is_given = given.is_some();
    let (drafted, terms, lead_days) = api
        .read(move |store| {
            let found = if is_given {
                purchasing::priced(store, &tenant, &wanted)?
            } else {
                Ok(purchasing::due(&house.histories, store, &tenant, (&of, cash), now)?)
            };
            let terms = store.records(&tenant, Shelf::Ledger, SUPPLIER_TERMS, &[&of])?.pop();
            let terms = terms.and_then(|record| record.read::<SupplierTerms>().ok().flatten());
            let lead = purchasing::lead_days(&house.histories, store, &tenant, &of)?;
            Ok((found, terms.unwrap_or_default(), lead))
        })
        .await?;
    let drafted = drafted.map_err(|(n, why)| Problem::field(format!("/lines/{n}/sku"), "not_bought", why))?;
    let lines = lines_of(drafted)?;
    if lines.is_empty() {
        return Err(refused("nothing_to_order", format!("nothing is due from {supplier} now")));
    }
    let today = local_date(now, &Zone::utc());
    let expected_on = terms.arrives(terms.order_on(today), lead_days);
    let id = match &key {
        // The same request makes the same order.
        Some(key) => {
            Sha256::digest(key.key.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        }
        None => api.app.stamps.next(now).simple().to_string()[12..28].to_owned(),
    };
    let number: Arc<str> = format!("PO-{}-{}", today.strftime("%Y%m%d"), id[..6].to_uppercase()).into();
    let id = format!("por_{id}");
    let order = PurchaseOrder { number, supplier, made_at: now, lines, expected_on, note, sent_at: None };
    let Some(total) = order.total() else {
        return Err(Problem::field("/lines", "too_many", "they cost more than an amount can be"));
    };
    if terms.order_least.is_some_and(|least| total.amount < least) {
        return Err(refused("order_least", format!("{} takes no order of so little", order.supplier)));
    }
    let kept = keep(&id, &order, Vec::new())?;
    let done = api.run(&allowed.caller, now, Command::KeepTerms(kept), key).await?;
    let order =
        if done.replayed { stored(&api, &allowed.caller.tenant, &id).await?.unwrap_or(order) } else { order };
    json_replayed(StatusCode::CREATED, &shown(&id, &order), done.replayed)
}

fn keep(id: &str, order: &PurchaseOrder, private: Vec<Record>) -> Result<KeepTerms, Problem> {
    let state = if order.sent_at.is_some() { "sent" } else { "draft" };
    let record = Record::new(PURCHASE_ORDER, id, order).map_err(defect)?;
    let record = Record { owner: Arc::clone(&order.supplier), state: state.into(), ..record };
    let data = serde_json::json!({ "purchase_order": id, "number": order.number, "state": state });
    Ok(KeepTerms { sku: None, data: Text::of(&data).map_err(defect)?, records: vec![record], private })
}

async fn stored(
    api: &Arc<Api>,
    tenant: &model::id::TenantId,
    id: &str,
) -> Result<Option<PurchaseOrder>, Problem> {
    let (tenant, id) = (tenant.clone(), id.to_owned());
    let found =
        api.read(move |store| store.records(&tenant, Shelf::Ledger, PURCHASE_ORDER, &[&id])).await?.pop();
    Ok(found.and_then(|record| record.read().ok().flatten()))
}

/// Send an order to its supplier
///
/// It is mailed with the order as PDF to the address set for the supplier; sent again it is mailed once. Refused where there is no address
/// (`no_address`).
#[utoipa::path(
    post, path = "/v1/purchase-orders/{id}/send", tag = "Decisions", operation_id = "send_purchase_order",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "It is on its way", body = OrderOut)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn send(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let tenant = &allowed.caller.tenant;
    let found = stored(&api, tenant, &id).await?;
    let mut order = found.ok_or_else(|| Problem::not_found("purchase order", &id))?;
    if order.sent_at.is_none() {
        let (of, supplier) = (tenant.clone(), Arc::clone(&order.supplier));
        let contact =
            api.read(move |store| store.records(&of, Shelf::Private, SUPPLIER_CONTACT, &[&supplier])).await?;
        if contact.is_empty() {
            let detail = format!("no address is set for {}: PUT /v1/suppliers/…", order.supplier);
            return Err(refused("no_address", detail));
        }
        order.sent_at = Some(now);
        let mail = purchase_mail(&id, now).map_err(defect)?;
        let kept = keep(&id, &order, vec![mail])?;
        api.run(&allowed.caller, now, Command::KeepTerms(kept), None).await?;
    }
    json(StatusCode::OK, &shown(&id, &order))
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
    let (kind, bytes) = match format {
        "pdf" => ("application/pdf", crate::mail::purchase::sheet(tenant, &order)),
        "csv" => ("text/csv; charset=utf-8", csv(&order)?),
        _ => return json(StatusCode::OK, &shown(&id, &order)),
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
        ("state" = Option<String>, Query, description = "`draft` or `sent`"),
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
    let state = params.word("state", &["draft", "sent"]);
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
