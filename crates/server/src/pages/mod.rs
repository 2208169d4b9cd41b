//! The pages that people look at: what a shop owes, a product as a shopper sees it, an order's status.
//!
//! Each page is a view model, made by a pure function from what the store and the promise functions say, and a
//! template that shows it. No page needs script, no GET changes anything, and every date is the one that the API gives.
//!
//! The pages for a shop's own people ask who looks (`guard`); in the sample shop ([`crate::App::demo`]) everybody is its owner.
//! The status page needs no sign-in: its signed link is the key.

mod answer;
mod asked;
mod assets;
mod badge;
mod cancel;
mod cart;
mod chart;
mod checkout;
mod count;
mod countries;
mod desk;
mod error;
mod form;
mod guard;
mod guide;
mod notify;
mod outbox;
mod owe;
mod own;
mod pay;
mod people;
mod product;
mod question;
mod shop;
mod status;
mod talk;
mod wait;
mod within;
mod words;

use std::sync::{Arc, OnceLock};

use askama::Template;
use axum::{
    Extension, Router,
    extract::{Path, Query},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use model::{id::TenantId, time::Timestamp};
use tokio::sync::watch;

use self::{
    asked::{Asked, Sent},
    count::Counts,
    error::Fail,
    guard::Sender,
};
pub use self::{
    error::{error_page, wants_html},
    within::Within,
};
pub(crate) use self::{
    owe::first_name, shop::encoded, status::number as order_number, words::money, words::title as item_title,
};
use crate::{
    App,
    staff::{Attempts, May, Visitor},
};

/// The routes of all pages. `stopping` becomes true when the server stops; `within` is the API that they ask.
pub fn routes(stopping: watch::Receiver<bool>, within: Within) -> Router<Arc<App>> {
    Router::new()
        .merge(desk::routes())
        .route("/", get(home))
        .route("/shop", get(shop_list))
        .route("/shop/{sku}", get(show_product).post(order_product))
        .route("/shop/{sku}/notify", post(ask_to_be_told))
        .route("/cart", get(show_cart).post(change_cart))
        .route("/checkout", get(show_checkout).post(check_out))
        .route("/badge.js", get(badge::script))
        .route("/badge/{key}/{sku}", get(show_badge))
        .route("/o/{token}", get(show_order))
        .route("/o/{token}/answer", post(answer_notice))
        .route("/o/{token}/cancel", post(cancel_line))
        .route("/o/{token}/message", post(write_message))
        .route("/o/{token}/address", post(change_address))
        .route("/o/{token}/ship", post(ship_ready))
        .route("/o/{token}/withdraw", post(withdraw))
        .route("/o/{token}/pay", get(show_pay))
        .route("/o/{token}/card", post(change_card))
        .route("/o/{token}/q/{question}", get(show_question).post(answer_question))
        .route("/w/{token}", get(show_wait))
        .route("/w/{token}/leave", post(leave_wait))
        .route("/w/{token}/order", post(order_held))
        .route("/outbox", get(show_outbox))
        .route("/guide", get(show_guide))
        .route("/guide/{page}", get(show_guide_page))
        .route("/tour", get(show_tour))
        .route("/sign-in", get(show_sign_in).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/join/{tenant}/{token}", get(show_join).post(join))
        .route("/people", get(show_people).post(change_people))
        .route("/assets/{file}", get(assets::get))
        .layer(Extension(Arc::new(Counts::default())))
        .layer(Extension(Arc::new(Attempts::default())))
        .layer(Extension(desk::Stopping(stopping)))
        .layer(Extension(within))
}

/// What every page has around its content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    /// The shop's name.
    shop: String,
    /// Which entry of the menu this page is; empty for none.
    here: &'static str,
    /// Whether the menu of the shop's own people is shown.
    staff: bool,
    /// Whether this is the sample shop.
    demo: bool,
    /// Who is signed in; empty for nobody.
    who: String,
    /// Whether they may invite people.
    people: bool,
    /// Whether they may look at the shop's pages; a partner sees its own alone.
    looks: bool,
    /// Whether they may pack.
    packs: bool,
    /// Whether they may change how the shop is set up.
    sets: bool,
    /// How many things are in the cart, on a page of the sample shop.
    cart: Option<usize>,
    style: &'static str,
    script: &'static str,
}

impl Frame {
    fn new(tenant: Option<&TenantId>, here: &'static str, staff: bool, demo: bool) -> Self {
        let shop = tenant.map_or("Shipwhen".to_owned(), shop_name);
        let (style, script) = (&*assets::STYLE.href, &*assets::SCRIPT.href);
        Self {
            shop,
            here,
            staff,
            demo,
            who: String::new(),
            people: false,
            looks: true,
            packs: demo,
            sets: demo,
            cart: None,
            style,
            script,
        }
    }

    /// Around a page of the sample shop.
    fn shop(ask: &Ask, tenant: &TenantId, here: &'static str) -> Self {
        Self { cart: Some(ask.sender.cart.len()), ..Self::new(Some(tenant), here, false, true) }
    }

    /// The menu, as far as whoever looks may go.
    fn menu(&self) -> impl Iterator<Item = &'static Entry> {
        MENU.iter().filter(|entry| match entry.key {
            "people" => self.people || self.demo,
            "packing" => self.packs,
            _ => self.looks,
        })
    }

    /// Around a page of the shop's own people.
    fn of(ask: &Ask, visitor: &Visitor, here: &'static str) -> Self {
        let user = visitor.user.as_ref();
        Self {
            who: user.map_or_else(String::new, |user| user.name.clone()),
            people: visitor.role.may(May::People),
            looks: visitor.role.may(May::Look),
            packs: visitor.role.may(May::Pack),
            sets: visitor.role.may(May::Goods),
            ..Self::new(Some(&visitor.tenant), here, true, ask.is_demo(&visitor.tenant))
        }
    }
}

/// An entry of the staff app's menu.
struct Entry {
    /// What [`Frame::here`] says on its page.
    key: &'static str,
    href: &'static str,
    label: &'static str,
    /// Its picture: the data of an SVG path, 24 by 24.
    icon: &'static str,
}

/// The menu of the staff app.
const MENU: [Entry; 9] = [
    entry("today", "/", "Today", "M4 12l8-8 8 8M6 10v10h12V10M10 20v-6h4v6"),
    entry("backlog", "/backlog", "Backlog", "M4 6h16M4 12h16M4 18h10"),
    entry(
        "supply",
        "/supply",
        "Supply",
        "M2 7h12v9H2zM14 10h4l4 4v2h-8M6 19.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4M17 19.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
    ),
    entry("orders", "/orders", "Orders", "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6"),
    entry("products", "/products", "Products", "M3 8l9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8"),
    entry("packing", "/packing", "Packing", "M3 7l9-4 9 4v10l-9 4-9-4zM8 5l9 4v5M12 12v9"),
    entry("insights", "/insights", "Insights", "M4 20V10M10 20V4M16 20v-7M22 20H2"),
    entry("messages", "/messages", "Messages", "M3 5h18v14H3zM3 6l9 7 9-7"),
    entry(
        "people",
        "/people",
        "People",
        "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21c0-4 3-7 7-7s7 3 7 7M17 4a4 4 0 0 1 0 7M19 15c2 1 3 3 3 6",
    ),
];

const fn entry(key: &'static str, href: &'static str, label: &'static str, icon: &'static str) -> Entry {
    Entry { key, href, label, icon }
}

/// A shop's name, from its tenant's.
pub(crate) fn shop_name(tenant: &TenantId) -> String {
    let words = tenant.as_str().split('-').filter(|word| !word.is_empty());
    words.map(words::sentence).collect::<Vec<_>>().join(" ")
}

/// What a handler asks with: the server, the moment, and whose page it is.
#[derive(Clone)]
struct Ask {
    app: Arc<App>,
    now: Timestamp,
    sender: Sender,
    /// The API, for pages that send what it takes.
    within: Option<Within>,
    /// The account of whoever was found to be signed in.
    account: OnceLock<String>,
}

impl Ask {
    fn new(app: Arc<App>, headers: &HeaderMap) -> Self {
        let set = headers.get("shipwhen-now").filter(|_| app.test_clock);
        let set = set.and_then(|value| value.to_str().ok()?.parse().ok());
        let now = set.unwrap_or_else(|| (app.clock)());
        let sender = Sender::of(&app, headers);
        Self { app, now, sender, within: None, account: OnceLock::new() }
    }

    /// The same, knowing where to come back to after signing in.
    fn at(app: Arc<App>, headers: &HeaderMap, uri: &Uri) -> Self {
        let mut ask = Self::new(app, headers);
        uri.path_and_query().map_or("/", |path| path.as_str()).clone_into(&mut ask.sender.path);
        ask
    }

    /// The sample shop, the only one whose staff and shop pages are served.
    fn demo(&self) -> Result<&TenantId, Fail> {
        self.app.demo.as_ref().ok_or(Fail::NotFound)
    }

    fn is_demo(&self, tenant: &TenantId) -> bool {
        self.app.demo.as_ref() == Some(tenant)
    }
}

/// Runs what reads the store, which blocks, on a thread that may.
async fn blocking(work: impl FnOnce() -> Result<Response, Fail> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(fail)) => fail.into_response(),
        Err(error) => Fail::Defect(error.to_string()).into_response(),
    }
}

/// What a page may load: our own style and script.
///
/// `application/ld+json` blocks are data, not script: HTML returns from "prepare the script element" before it asks the policy.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Renders a template as a page that is not kept and may load nothing but our own style and script.
fn page(status: StatusCode, template: &impl Template) -> Result<Response, Fail> {
    page_with(status, template, POLICY)
}

/// The same under a policy of its own.
fn page_with(status: StatusCode, template: &impl Template, policy: &'static str) -> Result<Response, Fail> {
    let html = template.render().map_err(|error| Fail::Defect(error.to_string()))?;
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: a browser would then not say which page sent a form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Sends the browser on with a GET, so that a reload sends nothing twice.
fn see_other(to: &str) -> Result<Response, Fail> {
    let to = HeaderValue::from_str(to).map_err(|error| Fail::Defect(error.to_string()))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

async fn home(Asked(ask): Asked, Extension(counts): Extension<Arc<Counts>>) -> Response {
    blocking(move || owe::answer(&ask, &counts)).await
}

async fn shop_list(Asked(ask): Asked, Query(query): Query<shop::Cut>) -> Response {
    blocking(move || shop::answer(&ask, &query)).await
}

async fn show_product(
    Asked(ask): Asked,
    Path(sku): Path<String>,
    Query(query): Query<product::Wish>,
) -> Response {
    blocking(move || product::show(&ask, &sku, &query)).await
}

async fn order_product(Asked(ask): Asked, Path(sku): Path<String>, Sent(sent): Sent<form::Sent>) -> Response {
    blocking(move || form::answer(&ask, &sku, &sent)).await
}

async fn ask_to_be_told(
    Asked(ask): Asked,
    Path(sku): Path<String>,
    Sent(sent): Sent<notify::Sent>,
) -> Response {
    blocking(move || notify::answer(&ask, &sku, &sent)).await
}

async fn show_cart(Asked(ask): Asked) -> Response {
    blocking(move || cart::show(&ask)).await
}

async fn change_cart(Asked(ask): Asked, Sent(sent): Sent<cart::Sent>) -> Response {
    blocking(move || cart::change(&ask, &sent)).await
}

async fn show_checkout(Asked(ask): Asked, Query(sent): Query<checkout::Sent>) -> Response {
    blocking(move || checkout::show(&ask, sent)).await
}

async fn check_out(Asked(ask): Asked, Sent(sent): Sent<checkout::Sent>) -> Response {
    blocking(move || checkout::place(&ask, &sent)).await
}

async fn show_badge(Asked(ask): Asked, Path((key, sku)): Path<(String, String)>) -> Response {
    blocking(move || badge::answer(&ask, &key, &sku)).await
}

async fn answer_notice(
    Asked(ask): Asked,
    Path(token): Path<String>,
    Sent(sent): Sent<answer::Sent>,
) -> Response {
    blocking(move || answer::answer(&ask, &token, &sent)).await
}

async fn show_order(
    Asked(ask): Asked,
    Path(token): Path<String>,
    Query(query): Query<status::Said>,
) -> Response {
    blocking(move || status::answer(&ask, &token, &query, None)).await
}

async fn cancel_line(
    Asked(ask): Asked,
    Path(token): Path<String>,
    Sent(sent): Sent<cancel::Sent>,
) -> Response {
    blocking(move || cancel::answer(&ask, &token, &sent)).await
}

async fn change_address(
    Asked(ask): Asked,
    Path(token): Path<String>,
    Sent(sent): Sent<own::Address>,
) -> Response {
    blocking(move || own::change_address(&ask, &token, &sent)).await
}

async fn ship_ready(Asked(ask): Asked, Path(token): Path<String>, Sent(sent): Sent<own::Sure>) -> Response {
    blocking(move || own::ship_ready(&ask, &token, &sent)).await
}

async fn withdraw(Asked(ask): Asked, Path(token): Path<String>, Sent(sent): Sent<own::Sure>) -> Response {
    blocking(move || own::withdraw(&ask, &token, &sent)).await
}

async fn show_pay(Asked(ask): Asked, Path(token): Path<String>) -> Response {
    blocking(move || pay::answer(&ask, &token)).await
}

async fn change_card(Asked(ask): Asked, Path(token): Path<String>, Sent(sent): Sent<own::Sure>) -> Response {
    blocking(move || pay::change(&ask, &token, &sent)).await
}

async fn write_message(
    Asked(ask): Asked,
    Path(token): Path<String>,
    Sent(sent): Sent<talk::Sent>,
) -> Response {
    blocking(move || talk::answer(&ask, &token, &sent)).await
}

async fn show_question(
    Asked(ask): Asked,
    Path((token, question)): Path<(String, String)>,
    Query(said): Query<question::Said>,
) -> Response {
    blocking(move || question::show(&ask, (&token, &question), &said)).await
}

async fn answer_question(
    Asked(ask): Asked,
    Path((token, question)): Path<(String, String)>,
    Sent(sent): Sent<question::Sent>,
) -> Response {
    blocking(move || question::answer(&ask, (&token, &question), &sent)).await
}

async fn show_wait(Asked(ask): Asked, Path(token): Path<String>) -> Response {
    blocking(move || wait::show(&ask, &token, None)).await
}

async fn leave_wait(Asked(ask): Asked, Path(token): Path<String>) -> Response {
    blocking(move || wait::leave(&ask, &token)).await
}

async fn order_held(Asked(ask): Asked, Path(token): Path<String>, Sent(sent): Sent<wait::Sent>) -> Response {
    blocking(move || wait::order(&ask, &token, &sent)).await
}

async fn show_guide(Asked(ask): Asked) -> Response {
    blocking(move || guide::show(&ask, None)).await
}

async fn show_guide_page(Asked(ask): Asked, Path(name): Path<String>) -> Response {
    blocking(move || guide::show(&ask, Some(&name))).await
}

async fn show_tour(Asked(ask): Asked) -> Response {
    blocking(move || guide::tour(&ask)).await
}

async fn show_outbox(Asked(ask): Asked, Query(query): Query<outbox::Cut>) -> Response {
    blocking(move || outbox::answer(&ask, &query)).await
}

async fn show_sign_in(Asked(ask): Asked, Query(then): Query<people::Then>) -> Response {
    blocking(move || people::show_sign_in(&ask, &then)).await
}

async fn sign_in(
    Asked(ask): Asked,
    Extension(attempts): Extension<Arc<Attempts>>,
    Sent(sent): Sent<people::SignIn>,
) -> Response {
    blocking(move || people::sign_in(&ask, &attempts, sent)).await
}

async fn sign_out(Asked(ask): Asked) -> Response {
    blocking(move || people::sign_out(&ask)).await
}

async fn show_join(Asked(ask): Asked, Path((tenant, token)): Path<(String, String)>) -> Response {
    blocking(move || people::show_join(&ask, &tenant, &token)).await
}

async fn join(
    Asked(ask): Asked,
    Path((tenant, token)): Path<(String, String)>,
    Sent(sent): Sent<people::Joined>,
) -> Response {
    blocking(move || people::join(&ask, &tenant, &token, &sent)).await
}

async fn show_people(Asked(ask): Asked) -> Response {
    blocking(move || people::show(&ask)).await
}

async fn change_people(Asked(ask): Asked, Sent(sent): Sent<people::Change>) -> Response {
    blocking(move || people::change(&ask, &sent)).await
}
