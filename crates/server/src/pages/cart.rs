//! The sample shop's cart: what is in it, when each thing ships, and whether to send it together or as it comes.
//!
//! The cart is a list in a cookie of the browser's own: nothing is held until an order is placed, and nobody is followed.

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use model::{
    Units,
    id::{Channel, Sku, TenantId},
    limits::LINE_UNITS_MAX,
    location::LocationSettings,
    money::Money,
    state::Shop,
    time::{Date, Timestamp},
    transit::{ANY_COUNTRY, STANDARD_SERVICE},
    view::Availability,
};
use promise::availability::{Question, availability};
use serde::Deserialize;

use super::{
    Ask, Frame,
    error::Fail,
    page, product, see_other,
    shop::{Badge, Mark, encoded, href},
    words::{self, Day},
};

/// The cookie that holds a cart.
const COOKIE: &str = "shipwhen_cart";
/// For how long a browser keeps it, in seconds: a week.
const KEPT_S: u32 = 7 * 86_400;
/// Most things in a cart.
pub(super) const LINES_MAX: usize = 20;
/// Longest cookie, in bytes.
const BYTES_MAX: usize = 3_500;

/// What is in a cart: each SKU once, in the order in which they came.
pub(super) type Cart = Vec<(Sku, Units)>;

/// A button of a shop page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// `add`, `set` or `remove`.
    act: String,
    sku: String,
    quantity: String,
}

#[derive(Template)]
#[template(path = "cart.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    choices: Choices,
    goods: String,
    is_complete: bool,
    quantity_max: Units,
    /// Something in it cannot be had so.
    is_blocked: bool,
}

/// One line of a cart.
pub(super) struct Row {
    pub(super) sku: Sku,
    pub(super) title: String,
    pub(super) href: String,
    pub(super) mark: Mark,
    pub(super) quantity: Units,
    pub(super) sum: Option<Money>,
    pub(super) badge: Badge,
    pub(super) ships: Option<Day>,
    /// When its last unit ships.
    pub(super) date: Option<Date>,
    /// Why it cannot be ordered so.
    pub(super) problem: Option<String>,
}

/// The two ways to send a basket, where they differ.
pub(super) struct Choices {
    /// Parcels by date, each with what is in it.
    pub(super) parcels: Vec<Parcel>,
    /// When everything is here.
    pub(super) together: Option<Day>,
    pub(super) cost_apart: Option<Money>,
    pub(super) cost_together: Option<Money>,
}

impl Choices {
    /// Whether there is something to choose.
    pub(super) fn differ(&self) -> bool {
        self.parcels.len() > 1
    }

    fn cost(money: Option<Money>) -> String {
        match money {
            Some(money) if money.amount == 0 => "free shipping".to_owned(),
            Some(money) => format!("{} shipping", words::money(money)),
            None => String::new(),
        }
    }

    pub(super) fn apart(&self) -> String {
        Self::cost(self.cost_apart)
    }

    pub(super) fn at_once(&self) -> String {
        Self::cost(self.cost_together)
    }
}

/// What ships on one day.
pub(super) struct Parcel {
    pub(super) day: Option<Day>,
    pub(super) what: String,
}

/// Reads the cart of a request; what is no cart is an empty one.
pub(super) fn read(headers: &HeaderMap) -> Cart {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let mut cart = Cart::new();
    for part in value.unwrap_or_default().split('!').take(LINES_MAX) {
        let Some((sku, quantity)) = part.split_once('*') else { continue };
        let sku = decoded(sku).and_then(|sku| Sku::new(&sku).ok());
        let quantity = quantity.parse().ok().filter(|units| (1..=LINE_UNITS_MAX).contains(units));
        if let Some((sku, quantity)) = sku.zip(quantity)
            && !cart.iter().any(|(known, _)| *known == sku)
        {
            cart.push((sku, quantity));
        }
    }
    cart
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Sends the browser on with a cart to keep.
pub(super) fn keep(ask: &Ask, cart: &[(Sku, Units)], to: &str) -> Result<Response, Fail> {
    let parts = cart.iter().map(|(sku, quantity)| format!("{}*{quantity}", encoded(sku.as_str())));
    let value = parts.collect::<Vec<_>>().join("!");
    let secure = if ask.app.url().starts_with("https://") { "; Secure" } else { "" };
    let age = if cart.is_empty() { 0 } else { KEPT_S };
    let text = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    let mut response = see_other(to)?;
    let cookie = HeaderValue::from_str(&text).map_err(|error| Fail::Defect(error.to_string()))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /cart`.
pub(super) fn change(ask: &Ask, sent: &Sent) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let mut cart = ask.sender.cart.clone();
    let (sku, _) = product::load(ask, tenant, &sent.sku)?;
    let quantity: Option<Units> = sent.quantity.trim().parse().ok();
    let quantity = quantity.filter(|units| (1..=LINE_UNITS_MAX).contains(units));
    let at = cart.iter().position(|(known, _)| *known == sku);
    match (&*sent.act, at, quantity) {
        ("remove", Some(at), _) => drop(cart.remove(at)),
        ("remove", None, _) => {}
        ("add", Some(at), Some(units)) => cart[at].1 = (cart[at].1 + units).min(LINE_UNITS_MAX),
        ("set", Some(at), Some(units)) => cart[at].1 = units,
        ("add", None, Some(units)) => {
            let bytes: usize = cart.iter().map(|(sku, _)| encoded(sku.as_str()).len() + 9).sum();
            if cart.len() >= LINES_MAX || bytes + encoded(sku.as_str()).len() + 9 > BYTES_MAX {
                return Err(Fail::Form);
            }
            cart.push((sku, units));
        }
        _ => return Err(Fail::Form),
    }
    keep(ask, &cart, "/cart")
}

/// `GET /cart`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    let tenant = ask.demo()?;
    let cart = &ask.sender.cart;
    let shop = load(ask, tenant, cart)?;
    let rows = rows(&shop, cart, None, ask.now);
    let page_ = Page {
        goods: words::sums(&sums(rows.iter().filter_map(|row| row.sum))),
        choices: choices(&shop, &rows, None, ask.now),
        is_blocked: rows.iter().any(|row| row.problem.is_some()),
        rows,
        quantity_max: LINE_UNITS_MAX,
        is_complete: false,
        frame: Frame::shop(ask, tenant, "cart"),
    };
    page(StatusCode::OK, &page_)
}

/// The pools of everything in a cart.
pub(super) fn load(ask: &Ask, tenant: &TenantId, cart: &[(Sku, Units)]) -> Result<Shop, Fail> {
    let skus: Vec<Sku> = cart.iter().map(|(sku, _)| sku.clone()).collect();
    Ok(ask.app.engine.snapshots().shop(tenant, &skus)?)
}

/// The lines of a cart as they could be ordered now; what is sold no more is left out.
pub(super) fn rows(shop: &Shop, cart: &[(Sku, Units)], country: Option<&str>, now: Timestamp) -> Vec<Row> {
    cart.iter().filter_map(|(sku, quantity)| row(shop, sku, *quantity, country, now)).collect()
}

fn row(shop: &Shop, sku: &Sku, quantity: Units, country: Option<&str>, now: Timestamp) -> Option<Row> {
    let channel = Channel::default();
    let question = Question { quantity, channel: &channel, group: None, country };
    let found = availability(shop, sku, question, now)?;
    let today = words::today(shop, now);
    let item = &shop.pool(sku)?.item;
    let title = words::title(shop, sku);
    let can_order = product::can_order(&found, quantity);
    Some(Row {
        href: href(sku),
        mark: Mark::of(&title),
        quantity,
        sum: item.price.and_then(|price| price.checked_mul(quantity).ok()),
        badge: Badge::of(&found, today),
        ships: Day::promised(found.ship_by, today).filter(|_| can_order),
        date: found.ship_by.promised.filter(|_| can_order),
        problem: (!can_order).then(|| instead(&found)),
        title,
        sku: sku.clone(),
    })
}

fn instead(found: &Availability) -> String {
    match found.available_now + found.available_later.unwrap_or(0) {
        most if most > 0 => {
            format!("We cannot promise so many right now. You can have {}.", words::count(most))
        }
        _ => "We cannot promise this one right now. Please take it out.".to_owned(),
    }
}

/// Sums by currency; a sum beyond all bounds stays at what it was.
pub(super) fn sums(each: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for money in each {
        match sums.iter_mut().find(|sum| sum.currency == money.currency) {
            Some(sum) => *sum = sum.checked_add(money).unwrap_or(*sum),
            None => sums.push(money),
        }
    }
    sums
}

/// What standard shipping to a country costs from the first location, as its settings say.
fn parcel_price(shop: &Shop, country: Option<&str>) -> Option<Money> {
    let location: &LocationSettings = shop.locations.values().next()?;
    let rows = || location.transit.iter().filter(|row| row.service == STANDARD_SERVICE);
    let named = country.and_then(|country| rows().find(|row| row.country == country));
    let first = || if country.is_none() { rows().find(|row| row.country != ANY_COUNTRY) } else { None };
    named.or_else(first).or_else(|| rows().find(|row| row.country == ANY_COUNTRY))?.price
}

/// Together or as it comes: what ships when, and what that costs.
pub(super) fn choices(shop: &Shop, rows: &[Row], country: Option<&str>, now: Timestamp) -> Choices {
    let today = words::today(shop, now);
    let mut dates: Vec<Option<Date>> =
        rows.iter().filter(|row| row.problem.is_none()).map(|row| row.date).collect();
    dates.sort_by_key(|date| date.unwrap_or(Date::MAX));
    dates.dedup();
    let parcels: Vec<Parcel> = dates
        .iter()
        .map(|date| {
            let of = rows.iter().filter(|row| row.problem.is_none() && row.date == *date);
            let what: Vec<String> = of.map(|row| format!("{} × {}", row.quantity, row.title)).collect();
            Parcel { day: date.map(|date| Day::of(date, today)), what: what.join(", ") }
        })
        .collect();
    let price = parcel_price(shop, country);
    let count = i64::try_from(parcels.len()).unwrap_or(0);
    Choices {
        together: dates.last().copied().flatten().map(|date| Day::of(date, today)),
        cost_apart: price.and_then(|price| price.checked_mul(count).ok()),
        cost_together: price,
        parcels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_reads_back_what_it_keeps_and_nothing_else() {
        let headers =
            |text: &str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(text).unwrap())]);
        let cart = read(&headers("a=b; shipwhen_cart=ODD%2F1*2!MUG*1!MUG*9!NO!X*0!%ZZ*1; c=d"));
        let found: Vec<(&str, Units)> = cart.iter().map(|(sku, units)| (sku.as_str(), *units)).collect();
        assert_eq!(found, [("ODD/1", 2), ("MUG", 1)]);
        assert_eq!(read(&HeaderMap::new()), []);
        assert_eq!(decoded("%C3%A9~").as_deref(), Some("é~"));
        assert_eq!(decoded("%C3"), None);
    }
}
