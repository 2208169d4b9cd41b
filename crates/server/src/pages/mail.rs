//! Messages as they are sent: subject and plain text, made from the order and the promise that it was given.

use model::{order::Order, state::Shop, time::Timestamp};

use super::{
    owe::first_name,
    status::number,
    words::{self, Day},
};

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) text: String,
}

/// Confirms an order with the dates that were promised when it was placed.
///
/// `link`: the address of its status page. `now`: the moment it is written, for the year in dates.
pub(super) fn order_confirmation(
    shop_name: &str,
    shop: &Shop,
    order: &Order,
    name: Option<&str>,
    link: &str,
    now: Timestamp,
) -> Mail {
    let today = words::today(shop, now);
    let number = number(order);
    let first = |line: &model::order::Line| line.promises.first().map(|promise| promise.ship_by);
    let dates = order.lines.iter().map(|line| first(line).unwrap_or_default());
    let last = dates.reduce(model::order::Dates::max).unwrap_or_default();
    let when = Day::promised(last, today);
    let subject = match &when {
        Some(day) => format!("Your order {number} ships by {}", day.text),
        None => format!("Your order {number}"),
    };
    let mut lines = String::new();
    for line in &order.lines {
        let by = first(line).and_then(|dates| Day::promised(dates, today));
        let by = by.map_or_else(|| "no date yet".to_owned(), |day| format!("ships by {}", day.text));
        lines.push_str(&format!("  {} × {}: {by}\n", line.quantity, words::title(shop, &line.sku)));
    }
    let greeting =
        name.and_then(first_name).map_or_else(|| "Hello".to_owned(), |name| format!("Hello {name}"));
    let text = format!(
        "{greeting},\n\nthank you for your order {number}.\n\n{lines}\nWhere it stands, at any time, and a way to cancel it:\n{link}\n\n\
         That page always shows the date as it is now.\n\n{shop_name}\n"
    );
    Mail { subject, text }
}
