//! `/v1/suppliers/{supplier}`: when one takes orders, and where its mail goes.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::Shelf;
use model::{
    command::{Command, KeepTerms},
    purchasing::{CLOSED_MAX, SUPPLIER_CONTACT, SUPPLIER_TERMS, SupplierContact, SupplierTerms},
    record::{Json as Text, Record},
    time::Date,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::defect;
use crate::api::{
    auth::{Allowed, CatalogRead, CatalogWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json},
    params::Segments,
    problem::Problem,
    state::{Api, json},
};

/// Most letters of a supplier's name.
const NAME_MAX: usize = 200;

/// A supplier's name.
pub(super) fn named(name: &str) -> Result<Arc<str>, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Problem::field("supplier", "form", format!("a name of 1 to {NAME_MAX} letters")));
    }
    Ok(name.into())
}

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
    order_days: Option<Vec<u8>>,
    /// Stretches in which it is closed, ascending.
    #[schema(max_items = 50)]
    closed: Option<Vec<ClosedIn>>,
    /// Least value of an order, in minor units of whatever it is in.
    #[schema(minimum = 0)]
    order_least: Option<i64>,
}

impl Input for SupplierIn {}

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

/// What is kept, in the form in which it is given.
fn shown(terms: SupplierTerms, contact: Option<SupplierContact>) -> SupplierIn {
    let closed = |(from, to): &(Date, Date)| ClosedIn { from: from.to_string(), to: to.to_string() };
    SupplierIn {
        email: contact.as_ref().map(|contact| contact.email.to_string()),
        contact: contact.and_then(|contact| contact.name.map(|name| name.to_string())),
        order_days: (!terms.order_days.is_empty()).then_some(terms.order_days),
        closed: (!terms.closed.is_empty()).then(|| terms.closed.iter().map(closed).collect()),
        order_least: terms.order_least,
    }
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
    let private = match &contact {
        Some(contact) => Record::new(SUPPLIER_CONTACT, &name, contact).map_err(defect)?,
        None => Record::gone(SUPPLIER_CONTACT, &name),
    };
    let data = Text::of(&serde_json::json!({ "supplier": name, "terms": terms })).map_err(defect)?;
    let wish = KeepTerms { sku: None, data, records: vec![record], private: vec![private] };
    api.run(&allowed.caller, now, Command::KeepTerms(wish), None).await?;
    json(StatusCode::OK, &shown(terms, contact))
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
    json(StatusCode::OK, &shown(terms, contact))
}
