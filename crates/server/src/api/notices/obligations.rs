//! `GET /v1/obligations`: what must happen next, for whom, by when, by which rule.

use std::{collections::BTreeSet, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::notices::{REFUND, Refund};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    id::{LineId, OrderId, TenantId},
    record::Record,
    time::Date,
};
use obligation::{
    notice::kept::{Kept, NOTICE, state},
    payment::kept::ACCOUNT,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::owed_money;
use crate::api::{
    auth::{Allowed, NoticesRead},
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Most records of one kind looked at.
const LOOKED_AT_MAX: usize = 20_000;
/// Records read at once.
const PAGE: usize = 500;
/// Most supplies whose queues are looked at for shipments.
const POOLS_A_PAGE: usize = 100;

/// Something that must happen.
#[derive(Serialize, ToSchema)]
#[schema(as = Obligation)]
pub(crate) struct ObligationOut {
    /// `notice`: tell a customer; `consent`: hear from one; `refund`: give money back; `capture`: take what is set aside;
    /// `dispute`: answer a bank; `payment`: see to a payment that failed for good; `shipment`: send goods.
    pub(crate) kind: &'static str,
    /// The order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: Option<String>,
    /// The last day; null where no law or policy sets one.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) due_by: Option<Date>,
    /// The rule that says so.
    pub(crate) rule: Option<String>,
    /// The notice it is about.
    pub(crate) notice: Option<String>,
    /// The charge it is about.
    pub(crate) charge: Option<u32>,
    /// What follows if it does not happen.
    pub(crate) otherwise: Option<&'static str>,
    /// How much money.
    #[schema(value_type = Option<schema::Money>)]
    pub(crate) amount: Option<model::money::Money>,
}

/// What must happen next.
#[derive(Serialize, ToSchema)]
#[schema(as = ObligationList)]
pub(crate) struct Obligations {
    /// The soonest first, those without a day last.
    items: Vec<ObligationOut>,
    /// False where there is more than was looked at: ask for an earlier day.
    complete: bool,
}

/// List what must happen next
///
/// Notices to send, answers that are awaited, money that goes back or must be captured, and goods that must leave, with the last day and the rule
/// that sets it. A reading of the rules by a tool, not legal advice.
#[utoipa::path(
    get, path = "/v1/obligations", tag = "Notices", operation_id = "list_obligations",
    params(
        ("due_before" = Option<String>, Query, description = "Only what is due before this day (2026-12-01)"),
        ("kind" = Option<String>, Query, description = "Only `notice`, `consent`, `refund`, `capture`, `dispute`, `payment` or `shipment`"),
    ),
    responses((status = 200, description = "The soonest first", body = Obligations)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn list_obligations(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let limit = params.limit();
    let kind =
        params.word("kind", &["notice", "consent", "refund", "capture", "dispute", "payment", "shipment"]);
    let before = params.text("due_before");
    let before = before.and_then(|text| params.checks.date(format_args!("due_before"), &text));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let (mut items, mut complete) =
        api.read(move |store| obligations_due(store, &tenant, kind, before)).await?;
    complete &= items.len() <= limit;
    items.truncate(limit);
    json(StatusCode::OK, &Obligations { items, complete })
}

/// What must happen, the soonest first, those without a day last; and whether that is all. `kind`: only that; `before`: only
/// what is due before that day.
pub(crate) fn obligations_due(
    store: &mut dyn Read,
    tenant: &TenantId,
    kind: Option<&str>,
    before: Option<Date>,
) -> Result<(Vec<ObligationOut>, bool), StoreError> {
    let mut found = Found { items: Vec::new(), complete: true, before };
    let wants = |which: &str| kind.is_none_or(|kind| kind == which);
    if wants("notice") {
        found.records(store, tenant, NOTICE, state::DRAFT, draft)?;
        found.records(store, tenant, NOTICE, state::SENDING, draft)?;
    }
    if wants("consent") {
        found.records(store, tenant, NOTICE, state::SENT, awaited)?;
        found.drop_closed(store, tenant)?;
    }
    if wants("refund") {
        found.records(store, tenant, REFUND, "due", refund)?;
    }
    if owed_money::KINDS.iter().any(|kind| wants(kind)) {
        found.accounts(store, tenant, &wants)?;
    }
    if wants("payment") {
        let failed = owed_money::failed(store, tenant)?;
        found.keep(failed);
    }
    if wants("shipment") {
        found.shipments(store, tenant)?;
    }
    let Found { mut items, complete, .. } = found;
    items.sort_by(|a, b| {
        (a.due_by.is_none(), a.due_by, &a.line).cmp(&(b.due_by.is_none(), b.due_by, &b.line))
    });
    let key = |item: &ObligationOut| (item.kind, item.line.clone(), item.due_by, item.charge, item.amount);
    items.dedup_by(|a, b| key(a) == key(b));
    Ok((items, complete))
}

struct Found {
    items: Vec<ObligationOut>,
    complete: bool,
    before: Option<Date>,
}

impl Found {
    fn is_wanted(&self, due_by: Option<Date>) -> bool {
        match (self.before, due_by) {
            (None, _) => true,
            (Some(before), Some(due_by)) => due_by < before,
            (Some(_), None) => false,
        }
    }

    fn records(
        &mut self,
        store: &mut dyn Read,
        tenant: &TenantId,
        kind: &str,
        state: &'static str,
        read: fn(&Record) -> Option<ObligationOut>,
    ) -> Result<(), StoreError> {
        let filter = RecordFilter { owner: None, state: Some(state) };
        let (mut after, mut looked_at): (Option<Arc<str>>, usize) = (None, 0);
        loop {
            let page = store.record_page(tenant, Shelf::Ledger, kind, &filter, (after.as_deref(), PAGE))?;
            let wanted: Vec<ObligationOut> =
                page.iter().filter_map(read).filter(|item| self.is_wanted(item.due_by)).collect();
            self.items.extend(wanted);
            looked_at += page.len();
            if page.len() < PAGE {
                return Ok(());
            }
            if looked_at >= LOOKED_AT_MAX {
                self.complete = false;
                return Ok(());
            }
            after = page.last().map(|record| Arc::clone(&record.id));
        }
    }

    /// Nobody is waited for whose goods left, or who called them off by another way.
    fn drop_closed(&mut self, store: &mut dyn Read, tenant: &TenantId) -> Result<(), StoreError> {
        let is_consent = |item: &ObligationOut| item.kind == "consent";
        let line = |item: &ObligationOut| item.line.parse::<LineId>().ok();
        let mut orders: Vec<OrderId> = self
            .items
            .iter()
            .filter(|item| is_consent(item))
            .filter_map(line)
            .map(|line| line.order)
            .collect();
        orders.sort_unstable();
        orders.dedup();
        let mut open: BTreeSet<LineId> = BTreeSet::new();
        for page in orders.chunks(PAGE) {
            for order in store.orders(tenant, page)? {
                let lines = order.lines.iter().filter(|line| line.open() > 0);
                open.extend(lines.map(|line| LineId { order: order.id, no: line.no }));
            }
        }
        self.items.retain(|item| !is_consent(item) || line(item).is_none_or(|line| open.contains(&line)));
        Ok(())
    }

    fn keep(&mut self, items: Vec<ObligationOut>) {
        let wanted: Vec<ObligationOut> =
            items.into_iter().filter(|item| self.is_wanted(item.due_by)).collect();
        self.items.extend(wanted);
    }

    /// What must happen with the money of orders.
    fn accounts(
        &mut self,
        store: &mut dyn Read,
        tenant: &TenantId,
        wants: &dyn Fn(&str) -> bool,
    ) -> Result<(), StoreError> {
        let mut looked_at = 0;
        for state in owed_money::STANDING {
            let filter = RecordFilter { owner: None, state: Some(state) };
            let mut after: Option<Arc<str>> = None;
            loop {
                let page =
                    store.record_page(tenant, Shelf::Ledger, ACCOUNT, &filter, (after.as_deref(), PAGE))?;
                let items = page.iter().flat_map(owed_money::of_account);
                self.keep(items.filter(|item| wants(item.kind)).collect());
                looked_at += page.len();
                if page.len() < PAGE {
                    break;
                }
                if looked_at >= LOOKED_AT_MAX {
                    self.complete = false;
                    return Ok(());
                }
                after = page.last().map(|record| Arc::clone(&record.id));
            }
        }
        Ok(())
    }

    /// Lines whose goods must leave: by the day that their customers were told.
    fn shipments(&mut self, store: &mut dyn Read, tenant: &TenantId) -> Result<(), StoreError> {
        let (mut after, mut looked_at) = (None, 0);
        loop {
            let pools = store.pool_page(tenant, after.as_ref(), POOLS_A_PAGE)?;
            for supply in pools.iter().flat_map(|pool| &pool.supplies) {
                let mut behind: Option<LineId> = None;
                loop {
                    let rows = store.queue_page(tenant, supply.id, behind, PAGE)?;
                    looked_at += rows.len();
                    for row in &rows {
                        let due_by = row.told_ship_by.promised;
                        if due_by.is_some() && self.is_wanted(due_by) {
                            self.items.push(ObligationOut {
                                kind: "shipment",
                                order: row.line.order.to_string(),
                                line: row.line.to_string(),
                                sku: Some(row.sku.to_string()),
                                due_by,
                                rule: Some("the date that the customer was told".to_owned()),
                                notice: None,
                                charge: None,
                                otherwise: Some("tell the customer before that day"),
                                amount: None,
                            });
                        }
                    }
                    behind = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.line);
                    if behind.is_none() {
                        break;
                    }
                    if looked_at >= LOOKED_AT_MAX {
                        self.complete = false;
                        return Ok(());
                    }
                }
            }
            if pools.len() < POOLS_A_PAGE {
                return Ok(());
            }
            after = pools.last().map(|pool| pool.sku().clone());
        }
    }
}

fn of_notice(record: &Record, kind: &'static str) -> Option<(ObligationOut, Kept)> {
    let kept: Kept = record.read().ok().flatten()?;
    let out = ObligationOut {
        kind,
        order: kept.order.to_string(),
        line: LineId { order: kept.order, no: kept.line }.to_string(),
        sku: Some(kept.sku.to_string()),
        due_by: None,
        rule: None,
        notice: Some(record.id.to_string()),
        charge: None,
        otherwise: None,
        amount: None,
    };
    Some((out, kept))
}

fn draft(record: &Record) -> Option<ObligationOut> {
    let (out, kept) = of_notice(record, "notice")?;
    let due_by = kept.news.send_by;
    let rule = due_by.map(|_| "told before the law's last day, by the place the goods go to".to_owned());
    Some(ObligationOut { due_by, rule, otherwise: due_by.map(|_| "the order ends by law"), ..out })
}

fn awaited(record: &Record) -> Option<ObligationOut> {
    let (out, kept) = of_notice(record, "consent")?;
    let due_by = Some(kept.news.answer_by.filter(|_| kept.news.asks)?);
    let otherwise = match kept.news.on_silence {
        Some(obligation::legal::OnSilence::Cancels) => "the line is cancelled and money goes back",
        _ => "the order stays",
    };
    Some(ObligationOut {
        due_by,
        rule: Some("the last day to answer".to_owned()),
        otherwise: Some(otherwise),
        ..out
    })
}

fn refund(record: &Record) -> Option<ObligationOut> {
    let refund: Refund = record.read().ok().flatten()?;
    let amount = refund.left();
    Some(ObligationOut {
        kind: "refund",
        order: refund.line.order.to_string(),
        line: refund.line.to_string(),
        sku: None,
        due_by: refund.due_by,
        rule: Some(refund.rule),
        notice: None,
        charge: None,
        otherwise: None,
        amount,
    })
}
