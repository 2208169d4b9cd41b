//! The shop's products with their badges.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{
    id::{Channel, Sku, TenantId},
    state::Shop,
    time::{Date, Timestamp},
    view::Availability,
};
use promise::availability::{Question, availability};
use serde::Deserialize;

use super::{
    Ask, Frame,
    error::Fail,
    page,
    words::{self, Day},
};

/// Products on one page.
const SHOWN: usize = 24;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Cut {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "shop.html")]
pub(super) struct List {
    frame: Frame,
    cards: Vec<Card>,
    /// Where the list goes on.
    more: Option<String>,
    is_first: bool,
}

struct Card {
    href: String,
    title: String,
    price: Option<String>,
    badge: Badge,
    mark: Mark,
}

/// What a shopper sees of an availability, wherever it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Badge {
    /// The state in a word.
    pub(super) word: &'static str,
    /// How it looks.
    pub(super) tone: &'static str,
    /// The API's own line for the shopper, without what the word says already; possibly empty.
    pub(super) line: String,
}

impl Badge {
    pub(super) fn of(availability: &Availability, today: Option<Date>) -> Self {
        let (word, tone) = words::state(availability.state);
        let label = availability.label.as_str();
        let line = match (tone, availability.restock_on) {
            ("out", Some(date)) => format!("More should ship by {}", Day::of(date, today).text),
            ("out", None) => String::new(),
            // `Pre-order: ships by 18 Jan`.
            _ => words::sentence(label.split_once(": ").map_or(label, |(_, rest)| rest)),
        };
        Self { word, tone, line: if line == word { String::new() } else { line } }
    }
}

/// A picture for a product that has none: two letters on one of six colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) letters: String,
    pub(super) hue: usize,
}

impl Mark {
    pub(super) fn of(title: &str) -> Self {
        let letters = title.split_whitespace().filter_map(|word| word.chars().next()).take(2);
        let letters = letters.flat_map(char::to_uppercase).collect();
        let hue = title.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 6;
        Self { letters, hue }
    }
}

/// `GET /shop`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let after = cut.after.as_deref().map(Sku::new).transpose().map_err(|_| Fail::NotFound)?;
    let pools = ask.app.engine.store().reader()?.pool_page(tenant, after.as_ref(), SHOWN + 1)?;
    let skus: Vec<Sku> = pools.iter().map(|pool| pool.sku().clone()).collect();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let list = view(tenant, &shop, &skus, after.is_none(), ask.now);
    page(StatusCode::OK, &List { frame: Frame::shop(ask, tenant, "shop"), ..list })
}

pub(super) fn view(tenant: &TenantId, shop: &Shop, skus: &[Sku], is_first: bool, now: Timestamp) -> List {
    let shown = skus.get(..SHOWN).unwrap_or(skus);
    let more = (skus.len() > SHOWN).then(|| shown.last()).flatten();
    List {
        frame: Frame::new(Some(tenant), "shop", false, true),
        cards: shown.iter().filter_map(|sku| card(shop, sku, now)).collect(),
        more: more.map(|sku| format!("/shop?after={}", encoded(sku.as_str()))),
        is_first,
    }
}

fn card(shop: &Shop, sku: &Sku, now: Timestamp) -> Option<Card> {
    let channel = Channel::default();
    let question = Question { quantity: 1, channel: &channel, group: None, country: None };
    let availability = availability(shop, sku, question, now)?;
    let title = words::title(shop, sku);
    Some(Card {
        href: href(sku),
        price: shop.pool(sku)?.item.price.map(words::money),
        badge: Badge::of(&availability, words::today(shop, now)),
        mark: Mark::of(&title),
        title,
    })
}

/// The address of a product's page.
pub(super) fn href(sku: &Sku) -> String {
    format!("/shop/{}", encoded(sku.as_str()))
}

/// A text as it stands in an address: everything but letters, digits and `-._~` in percent.
pub(crate) fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_what_a_sku_holds() {
        assert_eq!(href(&Sku::stored("A/1 é?")), "/shop/A%2F1%20%C3%A9%3F");
        assert_eq!(Mark::of("walnut Side table").letters, "WS");
        assert_eq!(Mark::of("").letters, "");
    }
}
