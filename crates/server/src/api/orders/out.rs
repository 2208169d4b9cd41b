//! An order as it is answered: what [`OrderView`] says, with what the shell alone knows.
//!
//! Every order that is placed is answered with this, so it is written in one pass, straight from the view. Each view is
//! taken apart in full, so that a field that the model adds cannot be forgotten here.

use std::sync::Arc;

use model::{
    Units,
    command::Contact,
    id::{Channel, LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    money::Money,
    order::{Order, ShipChoice},
    parcel::Parcel,
    time::Timestamp,
    view::{ComponentView, LineState, LineView, OrderView, PartView, RefusedUnits, Told},
};
use serde::{Serialize, Serializer};

use crate::{
    api::{
        state::Api,
        written::{DatesOut, Day, Each},
    },
    parcels,
};

/// An order as it is answered: with the address of its status page, and for staff with its customer.
pub(crate) struct OrderOut {
    view: OrderView,
    status_url: String,
    shipments: Vec<ParcelOut>,
    customer: Option<CustomerOut>,
}

/// What left in one parcel.
#[derive(Serialize)]
struct ParcelOut {
    id: Arc<str>,
    shipped_at: Timestamp,
    carrier: Option<Arc<str>>,
    tracking: Option<Arc<str>>,
    tracking_url: Option<String>,
    lines: Vec<ParcelLineOut>,
}

#[derive(Serialize)]
struct ParcelLineOut {
    line: LineId,
    sku: Sku,
    quantity: Units,
}

/// Who ordered.
#[derive(Serialize)]
struct CustomerOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postcode: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<Arc<str>>,
}

impl OrderOut {
    pub(super) fn new(api: &Api, tenant: &TenantId, view: OrderView) -> Self {
        let status_url = api.status_url(tenant, view.id, view.placed_at);
        Self { view, status_url, shipments: Vec::new(), customer: None }
    }

    /// The same with what left of it.
    pub(super) fn with_parcels(self, order: &Order, parcels: Vec<(Arc<str>, Parcel)>) -> Self {
        let shipments = parcels.into_iter().map(|(id, parcel)| {
            let tracking_url = parcels::link(&parcel);
            let Parcel { shipped_at, carrier, tracking, tracking_url: _, lines } = parcel;
            let lines = lines.into_iter().filter_map(|(no, quantity)| {
                let sku = order.line(no)?.sku.clone();
                Some(ParcelLineOut { line: LineId { order: order.id, no }, sku, quantity })
            });
            ParcelOut { id, shipped_at, carrier, tracking, tracking_url, lines: lines.collect() }
        });
        Self { shipments: shipments.collect(), ..self }
    }

    pub(super) fn with_customer(self, order: &Order, contact: Contact) -> Self {
        let Contact { email, name, address, postcode, locale } = contact;
        let (country, group) = (order.country.clone(), order.group.clone());
        let known =
            [&email, &name, &address, &postcode, &locale, &country, &group].into_iter().any(Option::is_some);
        let customer =
            known.then_some(CustomerOut { email, name, address, country, postcode, group, locale });
        Self { customer, ..self }
    }
}

impl Serialize for OrderOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let OrderView {
            id,
            reference,
            channel,
            state,
            placed_at,
            ship,
            requested_date,
            not_later_than,
            ship_by,
            deliver_by,
            lines,
            refused,
        } = &self.view;
        let written = Written {
            id: *id,
            reference: reference.as_deref(),
            channel,
            state: *state,
            placed_at: *placed_at,
            ship: *ship,
            requested_date: requested_date.map(Day),
            not_later_than: not_later_than.map(Day),
            ship_by: (*ship_by).into(),
            deliver_by: (*deliver_by).into(),
            lines: Each::of(lines),
            refused,
            status_url: &self.status_url,
            shipments: &self.shipments,
            customer: self.customer.as_ref(),
        };
        written.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Written<'a> {
    id: OrderId,
    reference: Option<&'a str>,
    channel: &'a Channel,
    state: LineState,
    placed_at: Timestamp,
    ship: ShipChoice,
    requested_date: Option<Day>,
    not_later_than: Option<Day>,
    ship_by: DatesOut,
    deliver_by: DatesOut,
    lines: Each<'a, LineView, LineOut<'a>>,
    #[serde(skip_serializing_if = "<[RefusedUnits]>::is_empty")]
    refused: &'a [RefusedUnits],
    status_url: &'a str,
    #[serde(skip_serializing_if = "<[ParcelOut]>::is_empty")]
    shipments: &'a [ParcelOut],
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'a CustomerOut>,
}

#[derive(Serialize)]
struct LineOut<'a> {
    id: &'a str,
    sku: &'a Sku,
    quantity: Units,
    open: Units,
    cancelled: Units,
    shipped: Units,
    released: Units,
    state: LineState,
    unit_price: Option<Money>,
    ship_by: DatesOut,
    deliver_by: DatesOut,
    told: Option<ToldOut>,
    parts: Each<'a, PartView, PartOut<'a>>,
    #[serde(skip_serializing_if = "Each::is_empty")]
    components: Each<'a, ComponentView, ComponentOut<'a>>,
}

impl<'a> From<&'a LineView> for LineOut<'a> {
    fn from(line: &'a LineView) -> Self {
        let LineView {
            id,
            sku,
            quantity,
            open,
            cancelled,
            shipped,
            released,
            state,
            unit_price,
            ship_by,
            deliver_by,
            told,
            parts,
            components,
        } = line;
        Self {
            id,
            sku,
            quantity: *quantity,
            open: *open,
            cancelled: *cancelled,
            shipped: *shipped,
            released: *released,
            state: *state,
            unit_price: *unit_price,
            ship_by: (*ship_by).into(),
            deliver_by: (*deliver_by).into(),
            told: told.as_ref().map(ToldOut::from),
            parts: Each::of(parts),
            components: Each::of(components),
        }
    }
}

#[derive(Serialize)]
struct ToldOut {
    ship_by: DatesOut,
    deliver_by: DatesOut,
}

impl From<&Told> for ToldOut {
    fn from(Told { ship_by, deliver_by }: &Told) -> Self {
        Self { ship_by: (*ship_by).into(), deliver_by: (*deliver_by).into() }
    }
}

#[derive(Serialize)]
struct PartOut<'a> {
    quantity: Units,
    state: LineState,
    supply: SupplyId,
    location: &'a LocationId,
    ship_by: DatesOut,
    deliver_by: DatesOut,
}

impl<'a> From<&'a PartView> for PartOut<'a> {
    fn from(PartView { quantity, state, supply, location, ship_by, deliver_by }: &'a PartView) -> Self {
        Self {
            quantity: *quantity,
            state: *state,
            supply: *supply,
            location,
            ship_by: (*ship_by).into(),
            deliver_by: (*deliver_by).into(),
        }
    }
}

#[derive(Serialize)]
struct ComponentOut<'a> {
    sku: &'a Sku,
    parts: Each<'a, PartView, PartOut<'a>>,
}

impl<'a> From<&'a ComponentView> for ComponentOut<'a> {
    fn from(ComponentView { sku, parts }: &'a ComponentView) -> Self {
        Self { sku, parts: Each::of(parts) }
    }
}

#[cfg(test)]
mod tests {
    use model::{money::Currency, order::Dates, refusal::RefusalCode};

    use super::*;

    fn view() -> OrderView {
        let dates = |expected: &str, promised: &str| Dates {
            expected: expected.parse().ok(),
            promised: promised.parse().ok(),
        };
        let (soon, never) = (dates("2026-12-01", "2026-12-04"), dates("2027-01-31", ""));
        let id: OrderId = "ord_01920000000070008000000000000002".parse().unwrap();
        let part = |state| PartView {
            quantity: 2,
            state,
            supply: "sup_01920000000070008000000000000001".parse().unwrap(),
            location: LocationId::stored("east \"1\""),
            ship_by: soon,
            deliver_by: never,
        };
        let line = LineView {
            id: format!("{id}-1"),
            sku: Sku::stored("MUG"),
            quantity: 5,
            open: 3,
            cancelled: 1,
            shipped: 1,
            released: 1,
            state: LineState::PartlyAllocated,
            unit_price: Some(Money::new(1_500, Currency::USD)),
            ship_by: soon,
            deliver_by: never,
            told: Some(Told { ship_by: never, deliver_by: soon }),
            parts: vec![part(LineState::Allocated), part(LineState::Backordered)],
            components: vec![ComponentView {
                sku: Sku::stored("CUP"),
                parts: vec![part(LineState::Allocated)],
            }],
        };
        let bare =
            LineView { unit_price: None, told: None, parts: vec![], components: vec![], ..line.clone() };
        let refused = RefusedUnits {
            line: 2,
            sku: Sku::stored("CUP"),
            quantity: 9,
            code: RefusalCode::NotAvailable,
            detail: "no more\n".into(),
        };
        OrderView {
            id,
            reference: Some("S-1".into()),
            channel: Channel::default(),
            state: LineState::Backordered,
            placed_at: "2026-11-23T14:00:00.5Z".parse().unwrap(),
            ship: ShipChoice::Complete,
            requested_date: "2026-12-24".parse().ok(),
            not_later_than: None,
            ship_by: soon,
            deliver_by: never,
            lines: vec![line, bare],
            refused: vec![refused],
        }
    }

    #[test]
    fn an_order_is_written_as_its_view_is() {
        let bare = OrderView { reference: None, lines: vec![], refused: vec![], ..view() };
        for view in [view(), bare] {
            let as_ever = serde_json::to_string(&view).unwrap();
            let order = OrderOut {
                view,
                status_url: "http://shop.test/o/x".into(),
                shipments: vec![],
                customer: None,
            };
            let expected =
                format!(r#"{},"status_url":"http://shop.test/o/x"}}"#, as_ever.strip_suffix('}').unwrap());
            assert_eq!(serde_json::to_string(&order).unwrap(), expected);
        }
    }
}
