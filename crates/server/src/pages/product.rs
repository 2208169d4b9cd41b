//! One product as a shopper sees it: can it be had, when does it ship, and the form to order it.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{
    Units,
    id::{Channel, Sku, TenantId},
    item::{Item, Returns},
    limits::LINE_UNITS_MAX,
    location::LocationSettings,
    order::Dates,
    state::Shop,
    time::Timestamp,
    view::{Availability, AvailabilityState},
};
use promise::availability::{Question, availability};
use serde::Deserialize;
use serde_json::json;

use super::{
    Ask, Frame,
    countries::{self, Choice},
    error::Fail,
    page,
    shop::{Badge, Mark, href},
    words::{self, Day},
};

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    quantity: Option<String>,
    country: Option<String>,
    /// What became of a wish to be told.
    noted: Option<String>,
    address: Option<String>,
    refused: Option<String>,
}

/// What stands in the form: as the shopper filled it, or as it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) quantity: Units,
    /// ISO 3166-1 alpha-2; `None`: not said.
    pub(super) country: Option<String>,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) is_complete: bool,
    pub(super) errors: Errors,
    /// What the shopper must know before sending it again.
    pub(super) notice: Option<String>,
}

/// What is wrong, beside each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Errors {
    pub(super) quantity: Option<String>,
    pub(super) country: Option<String>,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

impl Errors {
    pub(super) fn any(&self) -> bool {
        [&self.quantity, &self.country, &self.email, &self.name].into_iter().any(Option::is_some)
    }
}

#[derive(Template)]
#[template(path = "product.html")]
pub(super) struct Product {
    frame: Frame,
    href: String,
    title: String,
    price: Option<String>,
    badge: Badge,
    mark: Mark,
    offer: Offer,
    filled: Filled,
    countries: Vec<Choice>,
    quantity_max: Units,
    /// Makes sending the form twice the same as once.
    once: String,
    json_ld: String,
    sku: String,
    /// Whether it can be called off, in a sentence.
    cancel: &'static str,
    /// Whether one can ask to be told when it is back.
    can_wait: bool,
    /// What became of a wish to be told, and whether that is good news.
    note: Option<(&'static str, bool)>,
}

/// The honest answer, in a shopper's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// Whether it can be had at all.
    pub(super) can_order: bool,
    /// `In stock`, `Ships by 12 Aug`, `3 now, 5 by 2 Sep`.
    pub(super) headline: String,
    /// Part ships now and part later.
    pub(super) is_split: bool,
    /// The day it ships.
    pub(super) ships: Option<Day>,
    /// The day it arrives, where that is another one.
    pub(super) arrives: Option<Day>,
    /// The day we think it ships, where that is earlier than the one we promise.
    pub(super) perhaps: Option<Day>,
    /// When goods come again that can be had.
    pub(super) restock: Option<Day>,
    pub(super) reason: String,
    pub(super) button: String,
}

/// `GET /shop/{sku}`.
pub(super) fn show(ask: &Ask, sku: &str, wish: &Wish) -> Result<Response, Fail> {
    let quantity = wish.quantity.as_deref().and_then(|text| text.trim().parse().ok());
    let tenant = ask.demo()?;
    let (sku, shop) = load(ask, tenant, sku)?;
    let country = match wish.country.as_deref().map(str::trim) {
        Some(code) => countries::known(code).map(str::to_owned),
        None => home(&shop),
    };
    let quantity = quantity.filter(|quantity| (1..=LINE_UNITS_MAX).contains(quantity)).unwrap_or(1);
    let filled = Filled { quantity, country, ..Filled::default() };
    let note = match wish {
        Wish { noted: Some(_), .. } => Some(("Thank you. We write to you when it is back.", true)),
        Wish { address: Some(_), .. } => {
            Some(("Please enter an e-mail address such as ada@example.com.", false))
        }
        Wish { refused: Some(_), .. } => Some(("That could not be noted. Please look again.", false)),
        _ => None,
    };
    if note.is_some() {
        let once = ask.app.stamps.next(ask.now).simple().to_string();
        let product =
            view(tenant, ask.app.url(), &shop, &sku, filled, once, ask.now).ok_or(Fail::NotFound)?;
        return page(
            StatusCode::OK,
            &Product { note, frame: Frame::shop(ask, tenant, "product"), ..product },
        );
    }
    answer(ask, tenant, &shop, &sku, filled, StatusCode::OK)
}

/// The product's pool, and its code as a SKU.
pub(super) fn load(ask: &Ask, tenant: &TenantId, sku: &str) -> Result<(Sku, Shop), Fail> {
    let sku = Sku::new(sku).map_err(|_| Fail::NotFound)?;
    let shop = ask.app.engine.snapshots().shop(tenant, std::slice::from_ref(&sku))?;
    if shop.pool(&sku).is_none() {
        return Err(Fail::NotFound);
    }
    Ok((sku, shop))
}

/// Shows the page with a form that was filled in.
pub(super) fn answer(
    ask: &Ask,
    tenant: &TenantId,
    shop: &Shop,
    sku: &Sku,
    filled: Filled,
    status: StatusCode,
) -> Result<Response, Fail> {
    let once = ask.app.stamps.next(ask.now).simple().to_string();
    let product = view(tenant, ask.app.url(), shop, sku, filled, once, ask.now).ok_or(Fail::NotFound)?;
    page(status, &Product { frame: Frame::shop(ask, tenant, "product"), ..product })
}

/// The answer that the API gives to the same question.
pub(super) fn asked(shop: &Shop, sku: &Sku, filled: &Filled, now: Timestamp) -> Option<Availability> {
    let channel = Channel::default();
    let country = filled.country.as_deref();
    let question = Question { quantity: filled.quantity.max(1), channel: &channel, group: None, country };
    availability(shop, sku, question, now)
}

pub(super) fn view(
    tenant: &TenantId,
    url: &str,
    shop: &Shop,
    sku: &Sku,
    mut filled: Filled,
    once: String,
    now: Timestamp,
) -> Option<Product> {
    let (availability, quantity) = at_most(shop, sku, &mut filled, now)?;
    let item = &shop.pool(sku)?.item;
    let title = words::title(shop, sku);
    let badge = Badge::of(&availability, words::today(shop, now));
    let offer = offer(shop, &availability, &badge, quantity, now);
    Some(Product {
        frame: Frame::new(Some(tenant), "product", false, true),
        sku: sku.to_string(),
        cancel: cancel(shop, sku),
        can_wait: availability.state == AvailabilityState::Waitlist,
        note: None,
        href: href(sku),
        price: item.price.map(words::money),
        badge,
        mark: Mark::of(&title),
        offer,
        countries: countries::choices(&served(shop), filled.country.as_deref()),
        filled,
        quantity_max: LINE_UNITS_MAX,
        once,
        json_ld: json_ld(item, &title, &format!("{url}{}", href(sku)), &availability),
        title,
    })
}

/// Whether a shopper may call it off, in a sentence that holds wherever it goes.
fn cancel(shop: &Shop, sku: &Sku) -> &'static str {
    let policy = shop.pool(sku).and_then(|pool| pool.policy_set(&Channel::default()));
    match policy.map(|policy| policy.returns).unwrap_or_default() {
        Returns::Free => "You can cancel on your order’s page at any time before it ships.",
        Returns::FinalSale => {
            "This is a final sale: it cannot be cancelled while it ships as promised, unless the law where you live lets you \
             withdraw."
        }
        Returns::MadeToSpecification => {
            "This is made for you: it cannot be cancelled or sent back while it ships as promised."
        }
    }
}

/// The answer for as many units as can be had, and how many those are: who asks for more is told so beside the field.
fn at_most(shop: &Shop, sku: &Sku, filled: &mut Filled, now: Timestamp) -> Option<(Availability, Units)> {
    let wanted = filled.quantity;
    let whole = asked(shop, sku, filled, now)?;
    let most = whole.available_now + whole.available_later.unwrap_or(0);
    if most < 1 || most >= wanted || can_order(&whole, wanted) {
        return Some((whole, wanted));
    }
    let fewer = asked(shop, sku, &Filled { quantity: most, ..filled.clone() }, now)?;
    if !can_order(&fewer, most) {
        return Some((whole, wanted));
    }
    let [wanted, can_have] = [wanted, most].map(words::count);
    let error = || format!("We cannot promise {wanted} right now. You can have {can_have}.");
    filled.errors.quantity.get_or_insert_with(error);
    Some((fewer, most))
}

/// Whether so many units could be ordered now.
pub(super) fn can_order(of: &Availability, quantity: Units) -> bool {
    match of.state {
        AvailabilityState::Waitlist | AvailabilityState::OutOfStock | AvailabilityState::Discontinued => {
            false
        }
        AvailabilityState::Limited => quantity <= of.available_now,
        _ => true,
    }
}

/// Turns an availability into what the page says.
fn offer(shop: &Shop, of: &Availability, badge: &Badge, quantity: Units, now: Timestamp) -> Offer {
    let today = words::today(shop, now);
    let ships = Day::promised(of.ship_by, today);
    let by = ships.as_ref().map_or_else(String::new, |day| day.text.clone());
    let can_order = can_order(of, quantity);
    let is_split = of.state == AvailabilityState::Backorder && (1..quantity).contains(&of.available_now);
    let headline = if is_split {
        format!("{} now, {} by {by}", of.available_now, quantity - of.available_now)
    } else if badge.line.is_empty() || !can_order {
        badge.word.to_owned()
    } else {
        badge.line.clone()
    };
    let is_here = matches!(of.state, AvailabilityState::InStock | AvailabilityState::Limited);
    let button = match of.state {
        _ if is_here || by.is_empty() => "Order now".to_owned(),
        AvailabilityState::Preorder => format!("Pre-order — ships by {by}"),
        AvailabilityState::MadeToOrder => format!("Order — ships by {by}"),
        _ => format!("Backorder — ships by {by}"),
    };
    let day = |dates: Dates, unlike: Option<&Day>| {
        Day::promised(dates, today).filter(|day| unlike.is_none_or(|unlike| unlike != day))
    };
    let perhaps = of.ship_by.expected.map(|date| Day::of(date, today));
    Offer {
        can_order,
        headline,
        is_split,
        arrives: if can_order { day(of.deliver_by, ships.as_ref()) } else { None },
        perhaps: perhaps.filter(|day| can_order && Some(day) != ships.as_ref()),
        ships: if can_order { ships } else { None },
        restock: of.restock_on.map(|date| Day::of(date, today)),
        reason: words::sentence(&of.reason),
        button,
    }
}

/// The countries that some location knows the way to, in the owner's order.
pub(super) fn served(shop: &Shop) -> Vec<&str> {
    let rows = shop.locations.values().flat_map(|location| &location.transit);
    let mut codes: Vec<&str> = rows
        .filter(|row| !row.is_for_any_country())
        .filter_map(|row| countries::known(&row.country))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    codes.retain(|code| seen.insert(*code));
    codes
}

/// The country that the form starts with: the first that the first location sends to.
pub(super) fn home(shop: &Shop) -> Option<String> {
    let first = |location: &LocationSettings| {
        location.transit.iter().find(|row| !row.is_for_any_country()).map(|row| row.country.clone())
    };
    shop.locations.values().next().and_then(|location| first(location))
}

/// The same answer for search engines. Nothing in it can end the script element it stands in.
pub(super) fn json_ld(item: &Item, title: &str, url: &str, of: &Availability) -> String {
    let mut offer = json!({"@type": "Offer", "url": url, "availability": of.schema_org});
    if let Some(price) = item.price {
        offer["price"] = json!(price.to_decimal());
        offer["priceCurrency"] = json!(price.currency.code());
    }
    let is_ahead = matches!(
        of.state,
        AvailabilityState::Backorder | AvailabilityState::Preorder | AvailabilityState::MadeToOrder
    );
    if let Some(date) = of.ship_by.promised.filter(|_| is_ahead) {
        offer["availabilityStarts"] = json!(date.to_string());
    }
    let mut product = json!({
        "@context": "https://schema.org", "@type": "Product", "name": title, "sku": item.sku, "offers": offer,
    });
    if let Some(barcode) = &item.barcode {
        product["gtin"] = json!(barcode);
    }
    product
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
