//! The money of orders.

use serde::Serialize;
use utoipa::ToSchema;

use super::Money;

/// The money of an order.
#[derive(ToSchema, Serialize)]
pub(crate) struct Payments {
    /// The order.
    pub(crate) order: String,
    /// Who moves the money: `manual`, people at the shop, or `stripe`.
    pub(crate) provider: String,
    /// Everything ordered, whatever became of it.
    pub(crate) total: Money,
    /// What came.
    pub(crate) captured: Money,
    /// What went back.
    pub(crate) refunded: Money,
    /// Of what came: for goods that left.
    pub(crate) earned: Money,
    /// Of what came: owed to the customer, in goods or in money.
    pub(crate) prepaid: Money,
    /// Of that: to be sent back.
    pub(crate) refund_due: Money,
    /// What is still to be paid.
    pub(crate) due: Vec<PaymentDue>,
    /// What was asked of the customer, the first first.
    pub(crate) items: Vec<Charge>,
    /// What was sent back.
    pub(crate) refunds: Vec<Refund>,
}

/// So much of a line, to be paid then.
#[derive(ToSchema, Serialize)]
pub(crate) struct PaymentDue {
    /// The line.
    pub(crate) line: String,
    /// How much.
    pub(crate) amount: Money,
    /// `now`, `on` a day, `on_ship` or `by_invoice`.
    pub(crate) when: String,
    /// The day.
    #[schema(nullable = false, format = Date)]
    pub(crate) on: Option<String>,
}

/// Something asked of the customer.
#[derive(ToSchema, Serialize)]
pub(crate) struct Charge {
    /// Its number.
    pub(crate) charge: u32,
    /// `setup`, `charge`, `authorise` or `recorded`.
    pub(crate) kind: String,
    /// `requested`, `needs_customer`, `authorised`, `capturing`, `closing` or `done`.
    pub(crate) state: String,
    /// What is asked for.
    pub(crate) amount: Money,
    /// What came.
    pub(crate) captured: Money,
    /// What of that was not sent back.
    pub(crate) refundable: Money,
    /// How often it was asked for.
    pub(crate) attempts: u16,
    /// Until when it may be captured.
    #[schema(nullable = false, format = DateTime)]
    pub(crate) capture_before: Option<String>,
    /// Until when the customer keeps the place.
    #[schema(nullable = false, format = DateTime)]
    pub(crate) pay_by: Option<String>,
    /// When it is tried again.
    #[schema(nullable = false, format = DateTime)]
    pub(crate) retry_at: Option<String>,
    /// What the customer's bank asks back.
    pub(crate) disputed: Money,
    /// With Stripe, where the customer is waited for: what its library needs in the customer's browser to pay, or to save a
    /// method.
    #[schema(nullable = false)]
    pub(crate) client_secret: Option<String>,
}

/// Money on its way back, or back.
#[derive(ToSchema, Serialize)]
pub(crate) struct Refund {
    /// Its number.
    pub(crate) refund: u32,
    /// Of which charge.
    pub(crate) charge: u32,
    /// How much.
    pub(crate) amount: Money,
    /// `pending`, `succeeded` or `failed`.
    pub(crate) state: String,
    /// Somebody must send it.
    pub(crate) by_hand: bool,
}

/// On what terms something would be bought.
#[derive(ToSchema, Serialize)]
pub(crate) struct Terms {
    /// What.
    pub(crate) sku: String,
    /// How many units.
    pub(crate) quantity: i64,
    /// When the last unit would ship.
    pub(crate) ship_by: super::Dates,
    /// When it would be delivered.
    pub(crate) deliver_by: super::Dates,
    /// What is taken when, the soonest first; empty where the policy says nothing of money.
    pub(crate) charges: Vec<TermsCharge>,
    /// When it can be cancelled free of charge: `until_shipped`, or `when_late` of a final sale, while it ships later than promised.
    pub(crate) cancel: String,
    /// Where money goes back to: `original_method`.
    pub(crate) refund_to: String,
    /// Days after the delivery within which a consumer may withdraw; null where no law known here says so.
    pub(crate) withdrawal_days: Option<u16>,
    /// The services that go there, in the shop's own order; empty where no transit is known.
    pub(crate) services: Vec<TermsService>,
    /// The same in sentences.
    pub(crate) words: Vec<String>,
}

/// A way to send it.
#[derive(ToSchema, Serialize)]
pub(crate) struct TermsService {
    /// The shop's name for it.
    pub(crate) service: String,
    /// What it costs.
    #[schema(nullable = false)]
    pub(crate) price: Option<Money>,
    /// When it would be delivered so, counted from the day on which the last unit ships.
    pub(crate) deliver_by: super::Dates,
    /// `now` where all of it is here; `arrival` where it waits for goods, and a faster service shortens the last leg only.
    pub(crate) counts_from: String,
}

/// So much, taken then.
#[derive(ToSchema, Serialize)]
pub(crate) struct TermsCharge {
    /// `now`, `on` a day, `on_ship` or `by_invoice`.
    pub(crate) when: String,
    /// The day.
    #[schema(nullable = false, format = Date)]
    pub(crate) on: Option<String>,
    /// How much.
    pub(crate) amount: Money,
}
