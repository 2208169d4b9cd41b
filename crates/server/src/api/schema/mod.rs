//! What answers look like, for the API's description. The values themselves are the model's, which knows nothing of
//! HTTP: a test holds every answer it gets against these.
#![allow(dead_code, clippy::large_enum_variant, reason = "shapes, of which no value is ever made")]

mod allocation;
mod catalog;
mod fulfilment;
mod messages;
mod offers;
mod orders;
mod payments;
mod previews;
mod privacy;
mod supplies;
mod webhooks;

use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::{
    allocation::*, catalog::*, fulfilment::*, messages::*, offers::*, orders::*, payments::*, previews::*,
    privacy::*, supplies::*, webhooks::*,
};

/// An amount of money.
#[derive(ToSchema, Serialize)]
pub(crate) struct Money {
    /// Minor units of the currency: cents, whole yen.
    #[schema(example = 4900)]
    pub(crate) amount: i64,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

/// One date as we think of it and as we promise it; null where nobody knows.
#[derive(ToSchema, Serialize)]
pub(crate) struct Dates {
    /// By when half of such cases are done (P50), in the location's zone.
    #[schema(format = Date, example = "2026-12-01")]
    pub(crate) expected: Option<String>,
    /// By when nine of ten are done (P90), in the location's zone.
    #[schema(format = Date, example = "2026-12-04")]
    pub(crate) promised: Option<String>,
}

/// What is wrong with one field.
#[derive(ToSchema, Serialize)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body, or the name of a parameter or header.
    #[schema(example = "/lines/0/quantity")]
    pub(crate) pointer: String,
    /// What kind of error, stable.
    #[schema(example = "out_of_range")]
    pub(crate) code: String,
    /// What is wrong, for a person.
    pub(crate) detail: String,
}

/// An error (RFC 9457).
#[derive(ToSchema, Serialize)]
pub(crate) struct Problem {
    /// `about:blank`: the code says which problem it is.
    pub(crate) r#type: String,
    /// The status in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Which problem, stable.
    #[schema(example = "not_available")]
    pub(crate) code: String,
    /// What went wrong, for a person.
    pub(crate) detail: String,
    /// What is wrong with the input, field by field.
    #[schema(nullable = false)]
    pub(crate) errors: Option<Vec<FieldError>>,
    /// The line a refusal is about, counted from 1.
    #[schema(nullable = false)]
    pub(crate) line: Option<u16>,
    /// The SKU that decided a refusal: for a kit, the component.
    #[schema(nullable = false)]
    pub(crate) sku: Option<String>,
    /// Units that could be had instead.
    #[schema(nullable = false)]
    pub(crate) available: Option<i64>,
    /// The date by which it could be had.
    #[schema(nullable = false, format = Date)]
    pub(crate) earliest: Option<String>,
}

/// A ledger entry.
#[derive(ToSchema, Serialize)]
pub(crate) struct Event {
    /// Its number: 1, 2, 3 … without gaps.
    pub(crate) seq: i64,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// What happened.
    #[schema(example = "order_placed")]
    pub(crate) kind: String,
    /// The SKU it is about.
    pub(crate) sku: Option<String>,
    /// The order it is about.
    pub(crate) order: Option<String>,
    /// Its data. Fields are added and never change their meaning.
    #[schema(value_type = Object)]
    pub(crate) data: serde_json::Value,
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema, Serialize)]
            pub(crate) struct $name {
                pub(crate) items: Vec<$item>,
                /// Asks for the next page as `cursor`; null on the last.
                pub(crate) next_cursor: Option<String>,
            }
        )*
    };
}

pages! {
    /// Locations by id.
    LocationPage of Location;
    /// SKUs by code.
    SkuPage of Sku;
    /// Policies by channel.
    PolicyPage of crate::api::policies::PolicyOut;
    /// Supplies, oldest first.
    SupplyPage of Supply;
    /// Days on which something comes, in order.
    ArrivalPage of ArrivalDay;
    /// Stock of which something is ring-fenced, by SKU.
    FencedStockPage of FencedStock;
    /// Orders, newest first.
    OrderPage of Order;
    /// Promises, oldest first.
    PromisePage of Promise;
    /// The queue, in the order in which it is served.
    BackorderPage of Backorder;
    /// Notices, those of one order together.
    NoticePage of crate::api::notices::NoticeOut;
    /// Advice by SKU.
    AdvicePage of crate::api::decide::SkuAdviceOut;
    /// What to order, most earning first.
    PurchasingPage of crate::api::decide::purchasing::ProposalOut;
    /// Demand by SKU.
    DemandPage of crate::api::decide::demand::DemandOut;
    /// Orders to suppliers by id.
    PurchaseOrderPage of crate::api::decide::purchase_orders::OrderOut;
    /// Scorecards by supplier.
    SupplierPage of crate::api::decide::suppliers::SupplierOut;
    /// Ledger entries in order.
    EventPage of Event;
}
