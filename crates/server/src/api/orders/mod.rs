//! `/v1/orders`: what was ordered, and what was promised for it.

pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod place;
pub(crate) mod promises;
pub(crate) mod read;

use std::sync::Arc;

use model::{command::Contact, id::TenantId, order::Order, view::OrderView};
use serde::Serialize;

use super::state::Api;

/// An order as it is answered: with the address of its status page, and for staff with its customer.
#[derive(Serialize)]
pub(crate) struct OrderOut {
    #[serde(flatten)]
    view: OrderView,
    status_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerOut>,
}

/// Who ordered.
#[derive(Serialize)]
struct CustomerOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
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
    fn new(api: &Api, tenant: &TenantId, view: OrderView) -> Self {
        let status_url = api.status_url(tenant, view.id, view.placed_at);
        Self { view, status_url, customer: None }
    }

    fn with_customer(self, order: &Order, contact: Contact) -> Self {
        let Contact { email, name, postcode, locale } = contact;
        let (country, group) = (order.country.clone(), order.group.clone());
        let known = [&email, &name, &postcode, &locale, &country, &group].into_iter().any(Option::is_some);
        let customer = known.then_some(CustomerOut { email, name, country, postcode, group, locale });
        Self { customer, ..self }
    }
}
