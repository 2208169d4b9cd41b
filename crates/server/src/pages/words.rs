//! How dates, money, states and causes read on a page: one wording for all of them.

use model::{
    money::Money,
    order::{Cause, Dates},
    state::Shop,
    supply::SupplyKind,
    time::{Date, Timestamp},
    view::AvailabilityState,
};
use promise::availability::day;

/// A date as a page shows it, and as machines read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Day {
    /// `2026-08-12`.
    pub(super) iso: String,
    /// `12 Aug`, with the year where it is another than today's.
    pub(super) text: String,
}

impl Day {
    pub(super) fn of(date: Date, today: Option<Date>) -> Self {
        Self { iso: date.to_string(), text: day(date, today) }
    }

    /// The date we hold ourselves to: nine of ten such cases are done by then.
    pub(super) fn promised(dates: Dates, today: Option<Date>) -> Option<Self> {
        dates.promised.map(|date| Self::of(date, today))
    }
}

/// Today where the shop is: at its first location, as the badge has it.
pub(super) fn today(shop: &Shop, now: Timestamp) -> Option<Date> {
    shop.locations.values().next().map(|location| location.today(now))
}

/// An amount as people write it: `$1,234.00`, `1,234.00 CHF`.
pub(crate) fn money(amount: Money) -> String {
    let decimal = amount.to_decimal();
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", &*decimal), |rest| ("−", rest));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let number = format!("{}{fraction}", grouped(whole));
    match amount.currency.code() {
        "USD" => format!("{sign}${number}"),
        "EUR" => format!("{sign}€{number}"),
        "GBP" => format!("{sign}£{number}"),
        "JPY" => format!("{sign}¥{number}"),
        code => format!("{sign}{number} {code}"),
    }
}

/// Sums as one text: `$120.00 + €35.00`.
pub(super) fn sums(amounts: &[Money]) -> String {
    amounts.iter().copied().map(money).collect::<Vec<_>>().join(" + ")
}

/// A count with separators: `12,345`.
pub(super) fn count(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

/// A count with its noun: `1 order`, `12 orders`.
pub(super) fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Units that one channel alone may have: `120 are ring-fenced for fba: 35 promised, 85 left.`
pub(super) fn fenced(channel: &str, units: i64, left: i64) -> String {
    let (are, promised) = (counted(units, "unit is", "units are"), count(units - left));
    format!("{are} ring-fenced for {channel}: {promised} promised, {} left.", count(left))
}

/// How many promises are late: `3 late`.
pub(super) fn late(lines: i64) -> String {
    format!("{} late", count(lines))
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A sentence that starts with a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A SKU as people call it: its title, or its code where it has none.
pub(crate) fn title(shop: &Shop, sku: &model::id::Sku) -> String {
    shop.pool(sku)
        .map(|pool| &*pool.item.title)
        .filter(|title| !title.trim().is_empty())
        .unwrap_or(sku.as_str())
        .to_owned()
}

/// A state in a word, as a badge says it, and the style of the badge.
pub(super) fn state(state: AvailabilityState) -> (&'static str, &'static str) {
    match state {
        AvailabilityState::InStock => ("In stock", "here"),
        AvailabilityState::Limited => ("Few left", "few"),
        AvailabilityState::Backorder => ("Backorder", "later"),
        AvailabilityState::Preorder => ("Pre-order", "pre"),
        AvailabilityState::MadeToOrder => ("Made to order", "pre"),
        AvailabilityState::Waitlist => ("Not available now", "out"),
        AvailabilityState::OutOfStock => ("Out of stock", "out"),
        AvailabilityState::Discontinued => ("No longer made", "out"),
    }
}

/// Why a date was given, in words for the customer.
pub(super) fn cause(cause: &Cause) -> &'static str {
    match &*cause.kind {
        "order_placed" => "when you ordered",
        "supply_added" => "more goods are on their way",
        "supply_changed" => "the delivery we count on has a new date",
        "supply_received" => "the goods arrived",
        "supply_overdue" => "the delivery we count on is late",
        "day_passed" => "other goods are sooner there for you",
        "supply_cancelled" => "the delivery we counted on was called off",
        "line_cancelled" | "order_cancelled" | "hold_released" | "hold_expired" => {
            "units came free and you moved up"
        }
        "stock_adjusted" => "we counted our stock anew",
        "stock_ring_fenced" => "units became free in our stock",
        "run_undone" => "an earlier change was taken back",
        _ => "our plan for these goods changed",
    }
}

/// Where goods come from, in a word for the shop's people.
pub(super) fn kind(kind: SupplyKind) -> &'static str {
    match kind {
        SupplyKind::Stock => "On the shelf",
        SupplyKind::PurchaseOrder => "Purchase order",
        SupplyKind::ProductionRun => "Production run",
        SupplyKind::Transfer => "Transfer",
        SupplyKind::LeadTime => "To be ordered",
        SupplyKind::Shortfall => "No goods",
    }
}

#[cfg(test)]
mod tests {
    use model::money::Currency;

    use super::*;

    #[test]
    fn money_and_counts_read_as_people_write_them() {
        let code = |code| Currency::new(code).unwrap();
        for (amount, currency, expect) in [
            (4_900, "USD", "$49.00"),
            (123_456_789, "EUR", "€1,234,567.89"),
            (-5, "GBP", "−£0.05"),
            (1_200, "JPY", "¥1,200"),
            (100_000, "CHF", "1,000.00 CHF"),
        ] {
            assert_eq!(money(Money::new(amount, code(currency))), expect);
        }
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(999), "999");
        assert_eq!(counted(1, "order", "orders"), "1 order");
        assert_eq!(sums(&[Money::new(100, code("EUR")), Money::new(4_900, code("USD"))]), "€1.00 + $49.00");
        assert_eq!(sentence("été"), "Été");
    }
}
