//! One order's status, for the customer who holds its link: where it stands, when it ships, what was said before.
//!
//! Nothing of a person but the first name is on it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::Read;
use model::{
    Units,
    id::{LineId, OrderId, Sku, TenantId},
    money::Money,
    order::{Order, Promise, ShipChoice},
    parcel::Parcel,
    state::Shop,
    supply::SupplyKind,
    time::{Date, Timestamp, local_date},
    view::{LineState, LineView, OrderView, PartView},
};
use obligation::{
    legal::zone_of,
    payment::{When, kept::Kept, schedule},
};
use serde::Deserialize;

use super::{
    Ask, Frame,
    answer::{Question, questions},
    error::Fail,
    owe::{first_name, short_id},
    own::{self, Withdrawing},
    page,
    pay::{self, Wanted},
    talk::{self, Paid, Written},
    words::{self, Day},
};
use crate::{api::orders::payments::account, link, mail::terms, parcels};

/// Places in line are counted up to here.
const PLACES_MAX: usize = 1_000;

/// What has just happened, for the message on top.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    placed: Option<String>,
    cancelled: Option<String>,
    written: Option<String>,
    kept: Option<String>,
    moved: Option<String>,
    parted: Option<String>,
    withdrawn: Option<String>,
    paid: Option<String>,
    card: Option<String>,
}

#[derive(Template)]
#[template(path = "status.html")]
pub(super) struct Status {
    frame: Frame,
    /// The order's number as the customer knows it.
    number: String,
    greeting: Option<String>,
    headline: String,
    /// What the headline means, in a sentence.
    summary: String,
    placed: Day,
    together: bool,
    /// Whether there is more than one line that could be called off.
    can_cancel_all: bool,
    lines: Vec<Line>,
    /// What left, the last parcel first.
    parcels: Vec<Sent>,
    /// What has just happened.
    message: Option<&'static str>,
    /// Why what was asked for could not be done.
    problem: Option<String>,
    cancel_href: String,
    once: String,
    /// What the customer is asked.
    questions: Vec<Question>,
    answer_href: String,
    thread: Vec<Written>,
    message_href: String,
    paid: Option<Paid>,
    /// What is still to be paid and when, a sentence each.
    due: Vec<String>,
    /// What the customer is asked to pay now.
    pay: Option<Wanted>,
    /// Whether another card can take the place of the one that is saved.
    can_change_card: bool,
    /// This page's own address, that its forms are sent under.
    href: String,
    /// The country it goes to, while the address can still change.
    to: Option<String>,
    can_ship_ready: bool,
    withdrawing: Withdrawing,
}

struct Line {
    id: String,
    title: String,
    quantity: Units,
    price: Option<String>,
    open: Units,
    /// Of the open units, those that can be called off: nobody is packing them.
    can_cancel: Units,
    cancelled: Units,
    shipped: Units,
    /// Units that are being packed.
    packing: Units,
    /// It was a final sale, so that it cannot be called off while it ships as promised.
    is_final: bool,
    word: &'static str,
    tone: &'static str,
    steps: Vec<Step>,
    parts: Vec<Part>,
    changed: Option<Changed>,
    place: Option<String>,
    history: Vec<Given>,
}

/// What left in one parcel.
pub(super) struct Sent {
    pub(super) on: Day,
    /// What is in it: `2 × Mug`.
    pub(super) goods: Vec<String>,
    pub(super) carrier: Option<String>,
    pub(super) tracking: Option<String>,
    /// Where the carrier shows it.
    pub(super) href: Option<String>,
}

impl Sent {
    /// A parcel of an order, with the day it left in the shop's clock.
    pub(super) fn of(parcel: &Parcel, shop: &Shop, order: &Order, on: Day) -> Self {
        let goods = parcel.lines.iter().filter_map(|(no, units)| {
            Some(format!("{} × {}", words::count(*units), words::title(shop, &order.line(*no)?.sku)))
        });
        Self {
            on,
            goods: goods.collect(),
            carrier: parcel.carrier.as_deref().map(str::to_owned),
            tracking: parcel.tracking.as_deref().map(str::to_owned),
            href: parcels::link(parcel),
        }
    }
}

/// A step on the way: done, now, or still to come.
struct Step {
    name: &'static str,
    state: &'static str,
}

/// Units with one date.
struct Part {
    quantity: Units,
    /// Where they are, after the number: `in our warehouse`.
    whereabouts: &'static str,
    ships: Option<Day>,
    arrives: Option<Day>,
}

/// A date that is not the one told before.
struct Changed {
    before: Option<Day>,
    now: Option<Day>,
    is_later: bool,
    why: String,
}

/// A promise as it was given.
struct Given {
    on: Day,
    ships: Option<Day>,
    arrives: Option<Day>,
    why: String,
}

/// Where an order's page is, as a path on this server.
pub(super) fn path(ask: &Ask, tenant: &TenantId, order: OrderId, placed_at: Timestamp) -> String {
    format!("/o/{}", link::make(&ask.app.secret, tenant, order, placed_at))
}

/// Whose order a link is for.
pub(super) fn read(ask: &Ask, token: &str) -> Result<(TenantId, OrderId), Fail> {
    link::read(&ask.app.secret, token, ask.now).ok_or(Fail::Link)
}

/// `GET /o/{token}`; after a cancel that was refused, with the reason.
pub(super) fn answer(ask: &Ask, token: &str, said: &Said, problem: Option<String>) -> Result<Response, Fail> {
    let (tenant, id) = read(ask, token)?;
    let mut reader = ask.app.engine.store().reader()?;
    let order = reader.orders(&tenant, &[id])?.pop().ok_or(Fail::Link)?;
    let shop = shop_of(&mut *reader, &tenant, &order)?;
    let order_view = promise::order_view(&shop, &order, ask.now);
    let contact = reader.contact(&tenant, id)?.unwrap_or_default();
    // The day is the buyer's; the shop's own where nobody knows where that is.
    let own = || shop.locations.values().next().map(|location| location.time_zone.clone());
    let zone = order.country.as_deref().and_then(zone_of).or_else(own).unwrap_or_else(model::time::Zone::utc);
    let (held, never_withdrawn) = terms::held(&mut *reader, &tenant, &order, local_date(ask.now, &zone))?;
    let facts = Facts {
        held,
        shop: &shop,
        order: &order,
        view: &order_view,
        first_name: contact.name.as_deref().and_then(first_name).map(str::to_owned),
        places: places(&mut *reader, &tenant, &shop, &order_view)?,
        now: ask.now,
    };
    let questions = questions(&mut *reader, &tenant, id, &shop, facts.today())?;
    let is_refused = problem.is_some();
    let frame = match ask.is_demo(&tenant) {
        true => Frame::shop(ask, &tenant, "order"),
        false => Frame::new(Some(&tenant), "order", false, false),
    };
    let account = account(&mut *reader, &tenant, id)?;
    let sent = parcels::of_order(&mut *reader, &tenant, &order)?;
    let status = Status {
        parcels: sent
            .iter()
            .rev()
            .map(|(_, parcel)| Sent::of(parcel, &shop, &order, facts.day(parcel.shipped_at)))
            .collect(),
        due: account.as_ref().map_or_else(Vec::new, |kept| due(&facts, kept)),
        pay: account.as_ref().and_then(pay::wanted),
        can_change_card: account.as_ref().is_some_and(|kept| pay::can_change(ask, kept)),
        href: format!("/o/{token}"),
        to: own::to(&order),
        can_ship_ready: own::can_ship_ready(&order_view),
        withdrawing: own::withdrawing(&mut *reader, &tenant, (&order, &never_withdrawn), ask.now)?,
        message: message(said),
        problem,
        questions,
        answer_href: format!("/o/{token}/answer"),
        thread: talk::thread(&mut *reader, &tenant, id)?,
        message_href: format!("/o/{token}/message"),
        paid: talk::paid(&mut *reader, &tenant, id)?,
        cancel_href: format!("/o/{token}/cancel"),
        once: ask.app.stamps.next(ask.now).simple().to_string(),
        ..view(frame, &facts)
    };
    page(if is_refused { StatusCode::CONFLICT } else { StatusCode::OK }, &status)
}

fn message(said: &Said) -> Option<&'static str> {
    match said {
        Said { kept: Some(_), .. } => Some("Thank you: we keep it for you, for the new date."),
        Said { cancelled: Some(_), .. } => Some("Done. What you called off is cancelled."),
        Said { moved: Some(_), .. } => Some("Done. It goes to the new address."),
        Said { parted: Some(_), .. } => Some("Done. What is here is sent now, the rest when it comes."),
        Said { withdrawn: Some(_), .. } => {
            Some("We have your withdrawal. A receipt with the time is on its way to you by mail.")
        }
        Said { paid: Some(_), .. } => {
            Some("Thank you. Your payment shows here as soon as your bank has said so, in a minute or two.")
        }
        Said { card: Some(_), .. } => {
            Some("Thank you. As soon as your bank has said so, the other card is charged instead.")
        }
        Said { written: Some(_), .. } => Some("Thank you. We have your message and answer by mail and here."),
        Said { placed: Some(_), .. } => {
            Some("Thank you. Your order is placed; this page always shows where it stands.")
        }
        _ => None,
    }
}

/// The order's pools, of the same state of the store as the order itself.
pub(super) fn shop_of(reader: &mut dyn Read, tenant: &TenantId, order: &Order) -> Result<Shop, Fail> {
    let pegged = order.lines.iter().flat_map(|line| line.pegs.iter().map(|peg| &peg.sku));
    let mut skus: Vec<Sku> = order.lines.iter().map(|line| &line.sku).chain(pegged).cloned().collect();
    skus.sort_unstable();
    skus.dedup();
    let locations = reader.locations(tenant)?.into_iter();
    let pools = reader.pools(tenant, &skus)?.into_iter();
    Ok(Shop {
        locations: locations.map(|(id, settings)| (id, settings.into())).collect::<BTreeMap<_, _>>().into(),
        pools: pools.map(|pool| (pool.sku().clone(), pool.into())).collect(),
        ..Shop::default()
    })
}

/// How many lines stand before each waiting line in the delivery it waits for.
fn places(
    reader: &mut dyn Read,
    tenant: &TenantId,
    shop: &Shop,
    view: &OrderView,
) -> Result<BTreeMap<String, usize>, Fail> {
    let mut places = BTreeMap::new();
    for line in &view.lines {
        // Each unit made or ordered for a customer is that customer's own: there is no line to stand in.
        let in_line = |part: &&PartView| {
            let shared = [SupplyKind::PurchaseOrder, SupplyKind::ProductionRun, SupplyKind::Transfer];
            part.state == LineState::Backordered
                && kind(shop, part).is_some_and(|kind| shared.contains(&kind))
        };
        let waiting = line.parts.iter().rev().find(in_line);
        let id: Option<LineId> = line.id.parse().ok();
        if let Some((part, id)) = waiting.zip(id) {
            places.insert(line.id.clone(), reader.ahead(tenant, part.supply, id, PLACES_MAX)?);
        }
    }
    Ok(places)
}

/// What the page is made from.
pub(super) struct Facts<'a> {
    pub(super) shop: &'a Shop,
    pub(super) order: &'a Order,
    pub(super) view: &'a OrderView,
    pub(super) first_name: Option<String>,
    /// Lines ahead of each waiting line, by its id.
    pub(super) places: BTreeMap<String, usize>,
    /// Lines that the customer cannot call off now.
    pub(super) held: BTreeSet<u16>,
    pub(super) now: Timestamp,
}

impl Facts<'_> {
    fn is_final(&self, line: u16) -> bool {
        self.held.contains(&line)
    }

    fn today(&self) -> Option<Date> {
        words::today(self.shop, self.now)
    }

    fn day(&self, at: Timestamp) -> Day {
        let zone = self.shop.locations.values().next().map(|location| &location.time_zone);
        let utc = model::time::Zone::utc();
        Day::of(local_date(at, zone.unwrap_or(&utc)), self.today())
    }
}

/// Makes the page; messages and forms are added by who answers.
pub(super) fn view(frame: Frame, facts: &Facts<'_>) -> Status {
    let (headline, summary) = headline(facts);
    let lines = facts.order.lines.iter().zip(&facts.view.lines);
    Status {
        frame,
        number: number(facts.order),
        greeting: facts.first_name.clone(),
        headline,
        summary,
        placed: facts.day(facts.view.placed_at),
        can_cancel_all: facts.view.lines.iter().filter(|line| line.open > 0).count() > 1
            && facts.held.is_empty()
            && facts.view.lines.iter().all(|line| line.released == 0),
        together: facts.view.ship == ShipChoice::Complete && facts.view.lines.len() > 1,
        lines: lines.map(|(line, view)| line_view(facts, line, view)).collect(),
        parcels: Vec::new(),
        message: None,
        problem: None,
        cancel_href: String::new(),
        once: String::new(),
        thread: Vec::new(),
        message_href: String::new(),
        paid: None,
        due: Vec::new(),
        pay: None,
        can_change_card: false,
        href: String::new(),
        to: None,
        can_ship_ready: false,
        withdrawing: Withdrawing::No,
        questions: Vec::new(),
        answer_href: String::new(),
    }
}

/// What is still to be paid, the soonest first: one sentence for each time.
fn due(facts: &Facts<'_>, kept: &Kept) -> Vec<String> {
    let mut sums: BTreeMap<When, i64> = BTreeMap::new();
    for planned in schedule(&kept.account) {
        let sum = sums.entry(planned.when).or_default();
        *sum = sum.saturating_add(planned.amount);
    }
    let sentence = |(when, amount): (When, i64)| {
        let amount = words::money(Money::new(amount, kept.account.currency));
        match when {
            When::Now => format!("To be paid now: {amount}."),
            When::On(date) => {
                format!("Next charge: {amount} on {}.", Day::of(date, facts.today()).text)
            }
            When::OnShip => format!("Charged when your goods ship: {amount}."),
            When::ByInvoice => format!("By invoice: {amount}."),
        }
    };
    sums.into_iter().map(sentence).collect()
}

/// What people call an order: the shop's number, else the end of its id.
pub(crate) fn number(order: &Order) -> String {
    order.reference.as_ref().map_or_else(|| short_id(&order.id), ToString::to_string)
}

fn headline(facts: &Facts<'_>) -> (String, String) {
    let view = facts.view;
    let by = Day::promised(view.ship_by, facts.today()).map(|day| day.text);
    let arrives = Day::promised(view.deliver_by, facts.today())
        .map(|day| day.text)
        .filter(|arrives| by.as_ref().is_some_and(|by| by != arrives));
    let arrival = arrives.map_or_else(String::new, |day| format!(" It should be with you by {day}."));
    match (view.state, by) {
        (LineState::Shipped, _) => {
            ("On its way".to_owned(), "Everything in this order has been sent.".to_owned())
        }
        (LineState::Cancelled, _) => {
            ("Cancelled".to_owned(), "Nothing of this order will be sent.".to_owned())
        }
        (_, None) => (
            "No date yet".to_owned(),
            "The goods we counted on are not coming. We are looking for others, and you can cancel at any time."
                .to_owned()
        ),
        (LineState::Allocated, Some(by)) => (
            format!("Ships by {by}"),
            format!("Your goods are in our warehouse, set aside for you.{arrival}")
        ),
        (LineState::PartlyAllocated, Some(by)) => {
            (format!("Ships by {by}"), format!("Part of it is in our warehouse already.{arrival}"))
        }
        (_, Some(by)) => (
            format!("Ships by {by}"),
            format!("Your goods are on their way to us, and yours are set aside for you.{arrival}")
        ),
    }
}

fn line_view(facts: &Facts<'_>, line: &model::order::Line, view: &LineView) -> Line {
    let (word, tone) = state(view.state);
    let is_waiting = view.parts.iter().any(|part| part.state == LineState::Backordered);
    Line {
        id: view.id.clone(),
        title: words::title(facts.shop, &view.sku),
        quantity: view.quantity,
        price: view.unit_price.map(words::money),
        open: view.open,
        can_cancel: if facts.is_final(line.no) { 0 } else { view.open - view.released },
        is_final: view.open > 0 && facts.is_final(line.no),
        packing: view.released,
        cancelled: view.cancelled,
        shipped: view.shipped,
        word,
        tone,
        steps: steps(facts.shop, view),
        parts: merged(view.parts.iter().map(|part| part_view(facts, part))),
        changed: if view.open > 0 { changed(facts, line, view, is_waiting) } else { None },
        place: facts.places.get(&view.id).filter(|_| view.open > 0).map(|ahead| place(*ahead)),
        history: line.promises.iter().map(|promise| given(facts, promise)).collect(),
    }
}

fn state(state: LineState) -> (&'static str, &'static str) {
    match state {
        LineState::Allocated => ("In our warehouse", "here"),
        LineState::PartlyAllocated => ("Part is here", "later"),
        LineState::Backordered => ("Waiting for goods", "later"),
        LineState::Shipped => ("Shipped", "here"),
        LineState::Cancelled => ("Cancelled", "out"),
    }
}

/// The way of a line, with where it stands; a cancelled one is on no way. What was on the shelf from the beginning has
/// no goods to wait for.
fn steps(shop: &Shop, view: &LineView) -> Vec<Step> {
    let from = |part: &PartView| kind(shop, part);
    let waits = match view.parts.iter().map(from).max_by_key(|kind| *kind == Some(SupplyKind::Shortfall)) {
        Some(Some(SupplyKind::Shortfall)) => Some("Looking for goods"),
        _ if view.parts.iter().any(|part| from(part) == Some(SupplyKind::LeadTime)) => {
            Some("Made or ordered for you")
        }
        _ if view.parts.iter().any(|part| from(part) != Some(SupplyKind::Stock)) => {
            Some("Goods on the way to us")
        }
        _ => None,
    };
    let mut names = vec!["Ordered"];
    names.extend(waits);
    names.extend(["In our warehouse", "Shipped"]);
    let last = names.len() - 1;
    let now = match view.state {
        LineState::Cancelled => return Vec::new(),
        LineState::Backordered | LineState::PartlyAllocated => 1,
        LineState::Allocated => last - 1,
        LineState::Shipped => last,
    };
    let state = |at: usize| match at.cmp(&now) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal if now == last => "done",
        std::cmp::Ordering::Equal => "now",
        std::cmp::Ordering::Greater => "next",
    };
    names.into_iter().enumerate().map(|(at, name)| Step { name, state: state(at) }).collect()
}

/// Puts parts together that differ in nothing that is shown, such as those of two deliveries that are both here.
fn merged(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        let same = |known: &&mut Part| {
            known.whereabouts == part.whereabouts
                && known.ships == part.ships
                && known.arrives == part.arrives
        };
        match merged.iter_mut().find(same) {
            Some(known) => known.quantity += part.quantity,
            None => merged.push(part),
        }
    }
    merged
}

/// What kind of supply some units come from.
fn kind(shop: &Shop, part: &PartView) -> Option<SupplyKind> {
    shop.pools.values().find_map(|pool| pool.supply(part.supply)).map(|supply| supply.kind)
}

fn part_view(facts: &Facts<'_>, part: &PartView) -> Part {
    let ships = Day::promised(part.ship_by, facts.today());
    Part {
        quantity: part.quantity,
        whereabouts: match kind(facts.shop, part) {
            _ if part.state == LineState::Allocated => "in our warehouse",
            Some(SupplyKind::LeadTime) => "being made or ordered for you",
            Some(SupplyKind::Shortfall) => "without goods so far",
            _ => "on the way to us",
        },
        arrives: Day::promised(part.deliver_by, facts.today()).filter(|day| Some(day) != ships.as_ref()),
        ships,
    }
}

/// What changed since the customer was told a date, and why: the first promise after it knows.
fn changed(
    facts: &Facts<'_>,
    line: &model::order::Line,
    view: &LineView,
    is_waiting: bool,
) -> Option<Changed> {
    let now = view.ship_by.promised;
    let unlike = |promise: &Promise| promise.ship_by.promised != now;
    let at = line.promises.iter().rposition(|promise| promise.told_at.is_some() && unlike(promise))?;
    let before = line.promises.get(at)?.ship_by.promised;
    let why = match line.promises.get(at + 1) {
        Some(next) => words::cause(&next.cause),
        None if is_waiting => "the delivery we count on has a new date",
        None => "your parcel has not left our warehouse yet",
    };
    Some(Changed {
        before: before.map(|date| Day::of(date, facts.today())),
        now: now.map(|date| Day::of(date, facts.today())),
        is_later: now.is_none_or(|now| before.is_some_and(|before| now > before)),
        why: why.to_owned(),
    })
}

fn place(ahead: usize) -> String {
    match ahead {
        0 => "You are first in line for these goods.".to_owned(),
        _ if ahead >= PLACES_MAX => format!(
            "More than {} orders are before yours, and your goods are counted in.",
            words::count(i64::try_from(PLACES_MAX).unwrap_or(0))
        ),
        _ => format!(
            "Number {} in line for these goods, and yours are counted in.",
            words::count(i64::try_from(ahead + 1).unwrap_or(0))
        ),
    }
}

fn given(facts: &Facts<'_>, promise: &Promise) -> Given {
    let ships = Day::promised(promise.ship_by, facts.today());
    Given {
        on: facts.day(promise.given_at),
        arrives: Day::promised(promise.deliver_by, facts.today()).filter(|day| Some(day) != ships.as_ref()),
        ships,
        why: words::sentence(words::cause(&promise.cause)),
    }
}
