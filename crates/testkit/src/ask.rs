//! Commands that read as sentences: `ask("MUG", 3).from("ann").by("2026-09-01")`.

use model::{
    command::{Accept, AskLine, PlaceHold, PlaceOrder},
    id::{Channel, CustomerKey, HoldId, Sku},
    order::ShipChoice,
    time::{Date, Timestamp, parse_date},
};

/// The date that a text such as `2026-09-01` names.
///
/// Panics where it names none: a test is wrong then.
pub fn date(text: &str) -> Date {
    parse_date(text).expect("a date in a test")
}

/// The instant that a text such as `2026-09-01T09:00:00Z` names. Panics where it names none.
pub fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant in a test")
}

/// The SKU with this code. Panics where it cannot be one.
pub fn sku(code: &str) -> Sku {
    Sku::new(code).expect("a sku in a test")
}

/// The customer whom a test calls by this name.
pub fn customer(name: &str) -> CustomerKey {
    let mut key = [0; 16];
    key.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
    CustomerKey(key)
}

/// What somebody asks for: an order, or a hold for a cart.
#[derive(Debug, Clone, Default)]
pub struct Ask(PlaceOrder);

/// Asks for so many units of a SKU, as soon as possible, all of them or none.
pub fn ask(code: &str, quantity: i64) -> Ask {
    Ask::default().and(code, quantity)
}

impl Ask {
    /// One more line.
    #[must_use]
    pub fn and(mut self, code: &str, quantity: i64) -> Self {
        self.0.lines.push(AskLine { sku: sku(code), quantity, unit_price: None });
        self
    }

    /// Asked for by this customer.
    #[must_use]
    pub fn from(mut self, name: &str) -> Self {
        self.0.customer = Some(customer(name));
        self
    }

    /// Asked for by a member of this group.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.0.group = Some(group.into());
        self
    }

    /// Sold on this channel.
    #[must_use]
    pub fn on(mut self, channel: &str) -> Self {
        self.0.channel = Channel::stored(channel);
        self
    }

    /// Sent to this country.
    #[must_use]
    pub fn to(mut self, country: &str) -> Self {
        self.0.country = Some(country.into());
        self
    }

    /// Wanted on this date, not before.
    #[must_use]
    pub fn by(mut self, wanted: &str) -> Self {
        self.0.requested_date = Some(date(wanted));
        self
    }

    /// Not wanted after this date.
    #[must_use]
    pub fn not_after(mut self, last: &str) -> Self {
        self.0.not_later_than = Some(date(last));
        self
    }

    /// Shipped all at once.
    #[must_use]
    pub fn complete(mut self) -> Self {
        self.0.ship = ShipChoice::Complete;
        self
    }

    /// As much of it as can be had.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.0.accept = Accept::Partial;
        self
    }

    /// Out of this cart.
    #[must_use]
    pub fn using(mut self, hold: HoldId) -> Self {
        self.0.hold = Some(hold);
        self
    }

    /// Promised before Shipwhen knew of it.
    #[must_use]
    pub fn already_owed(mut self) -> Self {
        self.0.already_owed = true;
        self
    }

    /// The order.
    pub fn order(self) -> PlaceOrder {
        self.0
    }

    /// A hold of the same lines.
    pub fn hold(self, ttl_seconds: i64) -> PlaceHold {
        let PlaceOrder { channel, group, country, placed_by, lines, .. } = self.0;
        PlaceHold { channel, group, country, ttl_seconds, placed_by, lines }
    }
}
