//! `GET /v1/orders/{id}/evidence`: everything about one order that a bank or a court may ask for.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::notices::{MAIL, MailRow, mail_state};
use ledger::{EventRow, Read, RecordFilter, Shelf, StoreError};
use model::{
    Units,
    command::Contact,
    event::Event,
    id::{LineId, OrderId, TenantId},
    order::{Order, Promise},
    talk::{By, MESSAGE, Message},
    time::Timestamp,
    view::OrderView,
};
use obligation::notice::kept::NOTICE;
use serde::Serialize;

use super::{
    history::{Found, history},
    payments::{PaymentsOut, account, shown},
};
use crate::api::{
    auth::{Allowed, PrivacyRead},
    clock::Now,
    events::EventOut,
    notices::{NoticeOut, with_reasons},
    params::{Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, shop_of},
    supplies::path_id,
};

/// Entries of the ledger looked at for one answer.
const LOOKED_AT: usize = 250_000;
/// Most records of a kind about one order.
const OF_ORDER_MAX: usize = 500;

/// What is known of an order.
pub(crate) struct Evidence {
    pub(crate) order: Order,
    pub(crate) view: OrderView,
    pub(crate) contact: Contact,
    pub(crate) notices: Vec<NoticeOut>,
    pub(crate) payments: Option<PaymentsOut>,
    pub(crate) messages: Vec<Message>,
    pub(crate) mails: Vec<MailOut>,
    pub(crate) events: Vec<EventRow>,
    /// After which entry the ledger is to be looked at further.
    pub(crate) further: Option<i64>,
}

/// A mail as it was sent.
#[derive(Serialize)]
pub(crate) struct MailOut {
    kind: Arc<str>,
    pub(crate) sent_at: Timestamp,
    pub(crate) returned_at: Option<Timestamp>,
    pub(crate) subject: Arc<str>,
    pub(crate) text: Arc<str>,
}

/// Goods that left.
#[derive(Serialize)]
pub(crate) struct ShipmentOut {
    pub(crate) shipped_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
    pub(crate) tracking: Option<Arc<str>>,
    pub(crate) carrier: Option<Arc<str>>,
    pub(crate) lines: Vec<ShippedOut>,
}

#[derive(Serialize)]
pub(crate) struct ShippedOut {
    pub(crate) line: LineId,
    pub(crate) quantity: Units,
}

/// Collects what is known of an order; `None`: there is none.
pub(crate) fn gather(
    store: &mut dyn Read,
    tenant: &TenantId,
    id: OrderId,
    after: Option<i64>,
    now: Timestamp,
) -> Result<Option<Evidence>, StoreError> {
    let Some(order) = store.orders(tenant, &[id])?.pop() else { return Ok(None) };
    let shop = shop_of(store, tenant, std::slice::from_ref(&order))?;
    let owner = id.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let page = (None, OF_ORDER_MAX);
    let notices = store.record_page(tenant, Shelf::Ledger, NOTICE, &filter, page)?;
    let written = store.record_page(tenant, Shelf::Private, MESSAGE, &filter, page)?;
    let written = written.iter().filter_map(|record| record.read::<Message>().ok().flatten());
    let sent = RecordFilter { state: Some(mail_state::SENT), ..filter };
    let mails = store.record_page(tenant, Shelf::Private, MAIL, &sent, page)?;
    let mails = mails.iter().filter_map(|record| record.read::<MailRow>().ok().flatten());
    let mails = mails.filter_map(|row| {
        let spoken = row.spoken?;
        let (subject, text) = (spoken.subject, spoken.text);
        Some(MailOut { kind: row.kind, sent_at: row.sent_at?, returned_at: row.returned_at, subject, text })
    });
    let mut mails: Vec<MailOut> = mails.collect();
    mails.sort_by_key(|mail| mail.sent_at);
    let Found { entries: events, further, .. } = history(store, tenant, &order, after, LOOKED_AT)?;
    Ok(Some(Evidence {
        view: promise::order_view(&shop, &order, now),
        contact: store.contact(tenant, id)?.unwrap_or_default(),
        notices: with_reasons(store, tenant, &notices)?,
        payments: account(store, tenant, id)?.map(|kept| shown(id, &kept)),
        // Notes are the shop's own.
        messages: written.filter(|message| message.by != By::Note).collect(),
        mails,
        events,
        further,
        order,
    }))
}

impl Evidence {
    /// What left, as far as the ledger was looked at.
    pub(crate) fn shipments(&self) -> Vec<ShipmentOut> {
        let entries = self.events.iter().filter(|row| &*row.kind == "shipped");
        let left = entries.filter_map(|row| match Event::read(&row.kind, &row.data) {
            Ok(Some(Event::Shipped(left))) => Some((row.at, left)),
            _ => None,
        });
        left.map(|(recorded_at, left)| ShipmentOut {
            shipped_at: left.shipped_at,
            recorded_at,
            tracking: left.tracking,
            carrier: left.carrier,
            lines: left
                .lines
                .iter()
                .map(|line| ShippedOut {
                    line: LineId { order: left.order, no: line.line },
                    quantity: line.quantity,
                })
                .collect(),
        })
        .collect()
    }
}

#[derive(Serialize)]
struct EvidenceOut {
    made_at: Timestamp,
    order: OrderView,
    customer: Contact,
    country: Option<Arc<str>>,
    promises: Vec<PromiseOut>,
    notices: Vec<NoticeOut>,
    payments: Option<PaymentsOut>,
    shipments: Vec<ShipmentOut>,
    messages: Vec<Message>,
    mails: Vec<MailOut>,
    timeline: Vec<EventOut>,
    next_after: Option<i64>,
}

#[derive(Serialize)]
struct PromiseOut {
    line: LineId,
    #[serde(flatten)]
    promise: Promise,
}

/// Give everything about an order for a dispute
///
/// What was promised when and in which version, what the customer was told and answered, what was paid and given back, what was
/// sent with its tracking number, every message and mail, and the ledger's entries: each with its time. Where the ledger is so
/// long that not all of it was looked at, `next_after` says from where to ask on; else it is null.
#[utoipa::path(
    get, path = "/v1/orders/{id}/evidence", tag = "Orders", operation_id = "get_evidence",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("after" = Option<i64>, Query, description = "Look at the ledger after this entry", minimum = 0),
    ),
    responses((status = 200, description = "Everything about the order", body = schema::Evidence)),
    security(("key" = ["privacy:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<PrivacyRead>,
    Now(now): Now,
    Segments(id): Segments<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let id: OrderId = path_id("order", &id)?;
    let after = params.number("after", 0, i64::MAX);
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found = api.read(move |store| gather(store, &tenant, id, after, now)).await?;
    let found = found.ok_or_else(|| Problem::not_found("order", id))?;
    let shipments = found.shipments();
    let Evidence { order, view, contact, notices, payments, messages, mails, events, further } = found;
    let mut promises: Vec<PromiseOut> = Vec::new();
    for line in order.lines {
        let no = LineId { order: id, no: line.no };
        promises.extend(line.promises.into_iter().map(|promise| PromiseOut { line: no, promise }));
    }
    promises.sort_by_key(|given| (given.promise.given_at, given.promise.version, given.line));
    let out = EvidenceOut {
        made_at: now,
        order: view,
        customer: contact,
        country: order.country,
        promises,
        notices,
        payments,
        shipments,
        messages,
        mails,
        timeline: events.into_iter().map(EventOut::of).collect::<Result<_, _>>()?,
        next_after: further,
    };
    json(StatusCode::OK, &out)
}
