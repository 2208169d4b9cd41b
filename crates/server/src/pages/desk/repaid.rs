//! Money that is due back and of which no account knows, on the order's page: whoever sent it says so.

use axum::response::Response;
use engine::notices::{REFUND, Refund};
use ledger::{Read, RecordFilter, Shelf};
use model::{
    id::{OrderId, TenantId},
    limits::LINES_MAX,
    order::Order,
    state::Shop,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{see_other, within::Call, words},
    Ask, Day, Fail, Local,
};
use crate::staff::May;

/// Money that is still to go back.
pub(super) struct Due {
    pub(super) line: String,
    /// What for: `2 × Mug`.
    pub(super) what: String,
    /// How much; empty where no price is known.
    pub(super) amount: String,
    pub(super) by: Option<Day>,
    pub(super) rule: String,
}

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    line: String,
}

/// What of an order is due back outside its account.
pub(super) fn due(
    reader: &mut dyn Read,
    tenant: &TenantId,
    (order, shop): (&Order, &Shop),
    local: &Local,
) -> Result<Vec<Due>, Fail> {
    let owner = order.id.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: Some("due") };
    let found = reader.record_page(tenant, Shelf::Ledger, REFUND, &filter, (None, 2 * LINES_MAX))?;
    let refunds = found.iter().filter_map(|record| record.read::<Refund>().ok().flatten());
    let shown = refunds.map(|refund| {
        let title = order.line(refund.line.no).map(|line| words::title(shop, &line.sku));
        Due {
            line: refund.line.to_string(),
            what: format!("{} × {}", refund.quantity, title.unwrap_or_default()),
            amount: refund.left().map_or_else(String::new, words::money),
            by: refund.due_by.map(|day| local.day(day)),
            rule: words::sentence(&refund.rule),
        }
    });
    Ok(shown.collect())
}

/// `POST /orders/{id}/repaid`. Who is the second to say so sees that it is done.
pub(super) fn note(ask: &Ask, id: &str, sent: &Sent) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Orders)?;
    let order: OrderId = id.parse().map_err(|_| Fail::NotFound)?;
    let (path, body) = (format!("/v1/orders/{order}/refunds"), json!({ "line": sent.line }));
    let call =
        Call { method: "POST", path: &path, body: Some(&body), once: Some(&sent.once), ..Call::default() };
    let _ = ask.api(&visitor.tenant, call)?;
    see_other(&format!("/orders/{order}#back"))
}
