//! One product: how it is sold, in plain words and as a form, the badge that follows from it, and its stock as it will be.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Answer;
use model::{
    Units,
    command::{Command, PutPolicy},
    id::{Channel, LocationId, Sku},
    item::{Cap, Policy, Returns, WhenOut},
    limits::{DAYS_MAX, SUPPLY_UNITS_MAX},
    pool::Pool,
    refusal::Rejection,
    state::Shop,
    time::{Date, parse_date},
};
use obligation::payment::{Agreed, Plan};
use serde::Deserialize;

use super::{
    super::{
        Frame,
        chart::{ABOVE, TALL},
        page, product, see_other,
        shop::{Badge, encoded},
        words,
    },
    Ask, Fail, Local,
    packing::fence,
    products::{Sums, badge, sums},
    projection, sorry,
    supply::bare,
};
use crate::{
    api::payment_risks,
    staff::{May, Visitor},
};

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    saved: Option<String>,
}

/// The form as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Filled {
    when_out: String,
    /// `supply`, `limited` or `unlimited`.
    cap_kind: String,
    cap: String,
    customer_limit: String,
    buffer: String,
    limited_below: String,
    lead_time_days: String,
    horizon_days: String,
    release_date: String,
    returns: String,
    /// The policy as it was when the form was made.
    seen: String,
}

#[derive(Template)]
#[template(path = "desk/product.html")]
struct Page {
    frame: Frame,
    title: String,
    sku: String,
    href: String,
    shop_href: Option<String>,
    price: String,
    is_kit: bool,
    sums: Sums,
    /// What is ring-fenced: where, how that is said, and where it is changed.
    fences: Vec<(String, Vec<String>, String)>,
    badge: Badge,
    words: Vec<String>,
    others: Vec<(String, String)>,
    filled: Filled,
    choices: Vec<(&'static str, &'static str)>,
    returns: [(&'static str, &'static str); 3],
    preview: Preview,
    can_change: bool,
    steps: Vec<projection::Step>,
    chart_height: i64,
    chart_base: i64,
    supply_href: String,
    backlog_href: String,
    saved: bool,
    problem: Option<String>,
}

/// What a shopper would see.
struct Preview {
    badge: Badge,
    reason: String,
    is_changed: bool,
}

/// What happens when the shelf is empty, in a few words.
pub(super) fn policy_word(when_out: WhenOut) -> &'static str {
    match when_out {
        WhenOut::Refuse => "Out of stock",
        WhenOut::Waitlist => "Waitlist",
        WhenOut::Backorder => "Backorder",
        WhenOut::Preorder => "Pre-order",
        WhenOut::MadeToOrder => "Made to order",
    }
}

const CHOICES: [(WhenOut, &str, &str); 5] = [
    (WhenOut::Refuse, "refuse", "Show it as out of stock"),
    (WhenOut::Waitlist, "waitlist", "Take addresses to tell when it is back"),
    (WhenOut::Backorder, "backorder", "Sell what is on its way (backorder)"),
    (WhenOut::Preorder, "preorder", "Sell it before its release (pre-order)"),
    (WhenOut::MadeToOrder, "made_to_order", "Make it when it is ordered"),
];

const RETURNS: [(Returns, &str); 3] = [
    (Returns::Free, "Yes, until it ships"),
    (Returns::FinalSale, "No, the sale is final"),
    (Returns::MadeToSpecification, "No, it is made for whoever orders it"),
];

/// A policy in sentences.
fn in_words(policy: &Policy, local: &Local) -> Vec<String> {
    let mut said = vec![match policy.when_out {
        WhenOut::Refuse => "When the shelf is empty it is shown as out of stock and not sold.".to_owned(),
        WhenOut::Waitlist => {
            "When the shelf is empty shoppers can leave an address and are told when it is back.".to_owned()
        }
        WhenOut::Backorder => {
            "When the shelf is empty it is sold on, with the date on which it ships.".to_owned()
        }
        WhenOut::Preorder => "It is sold before its release, with the date on which it ships.".to_owned(),
        WhenOut::MadeToOrder => "When the shelf is empty it is made for whoever orders it.".to_owned(),
    }];
    if policy.when_out.sells_ahead() {
        said.push(match (policy.backorder_cap, policy.lead_time_days) {
            (Cap::Supply, None) => "As many are sold ahead as are on their way and free.".to_owned(),
            (Cap::Supply, Some(_)) => {
                "As many are sold ahead as are on their way, and more by the lead time.".to_owned()
            }
            (Cap::Limited(0), _) => "But none is sold ahead: the limit is 0.".to_owned(),
            (Cap::Limited(cap), _) => {
                format!(
                    "At most {} wait at once.",
                    words::counted(cap, "unit may", "units may").replace(" may", "")
                )
            }
            (Cap::Unlimited, _) => "No limit is set on how many wait at once.".to_owned(),
        });
        if let Some(days) = policy.lead_time_days {
            said.push(format!(
                "Beyond what is on its way, more can be had {} after an order.",
                words::counted(i64::from(days), "day", "days")
            ));
        }
        if let Some(days) = policy.horizon_days {
            said.push(format!(
                "Nothing is promised more than {} ahead.",
                words::counted(i64::from(days), "day", "days")
            ));
        }
        if !policy.customer_groups.is_empty() {
            said.push(format!("Only these groups may buy ahead: {}.", policy.customer_groups.join(", ")));
        }
    }
    if let Some(limit) = policy.customer_limit {
        said.push(format!("One customer may have {} at most.", words::counted(limit, "unit", "units")));
    }
    if policy.buffer > 0 {
        said.push(format!("{} always kept back.", words::counted(policy.buffer, "unit is", "units are")));
    }
    if policy.limited_below > 0 {
        said.push(format!("With {} or less it says that few are left.", words::count(policy.limited_below)));
    }
    match policy.returns {
        Returns::Free => {}
        Returns::FinalSale => said.push(
            "Customers cannot call it off while it ships as promised, but where a law lets consumers withdraw.".to_owned(),
        ),
        Returns::MadeToSpecification => said.push(
            "It is made for whoever orders it: customers can neither call it off while it ships as promised nor withdraw."
                .to_owned(),
        ),
    }
    if let Some(date) = policy.release_date {
        said.push(format!("Nothing ships before {}.", local.day(date).text));
    }
    said
}

/// When it is paid, and what that risks for goods that ship so late, in sentences; none where the policy says nothing of money.
fn paid_in_words(policy: &Policy, ships: Option<Date>, today: Date) -> Vec<String> {
    let Some(terms) = &policy.payment else { return Vec::new() };
    let plan = Plan::of(Some(terms), Agreed::default());
    let mut said = vec![
        match plan {
            Plan::Full => "It is paid in full when it is ordered.",
            Plan::Deposit { .. } => "A part is paid when it is ordered, the rest later.",
            Plan::Authorise => "The money is set aside when it is ordered and taken when it ships.",
            Plan::ChargeOnShip => "A card is saved when it is ordered and charged when it ships.",
            Plan::None => "It is paid by invoice.",
        }
        .to_owned(),
    ];
    let wait =
        ships.map_or(0, |ships| model::time::days_since_epoch(ships) - model::time::days_since_epoch(today));
    said.extend(payment_risks::sentences(plan, u16::try_from(wait).unwrap_or(0)));
    said
}

fn filled(policy: &Policy) -> Filled {
    let number = |units: Option<Units>| units.map_or_else(String::new, |units| units.to_string());
    let days = |days: Option<u16>| days.map_or_else(String::new, |days| days.to_string());
    let (cap_kind, cap) = match policy.backorder_cap {
        Cap::Supply => ("supply", String::new()),
        Cap::Limited(cap) => ("limited", cap.to_string()),
        Cap::Unlimited => ("unlimited", String::new()),
    };
    let when_out = CHOICES.iter().find(|(when_out, ..)| *when_out == policy.when_out);
    Filled {
        when_out: when_out.map_or("refuse", |(_, word, _)| *word).to_owned(),
        cap_kind: cap_kind.to_owned(),
        cap,
        customer_limit: number(policy.customer_limit),
        buffer: number(Some(policy.buffer).filter(|units| *units > 0)),
        limited_below: number(Some(policy.limited_below).filter(|units| *units > 0)),
        lead_time_days: days(policy.lead_time_days),
        horizon_days: days(policy.horizon_days),
        release_date: policy.release_date.map_or_else(String::new, |date| date.to_string()),
        returns: policy.returns.as_str().to_owned(),
        seen: bare(&promise::etag(policy)),
    }
}

/// The policy that the form asks for; what it does not show stays as it is. An error says what is wrong.
fn read(filled: &Filled, now: &Policy) -> Result<Policy, String> {
    let units = |text: &str, what: &str, min: Units| match text.trim() {
        "" => Ok(None),
        text => {
            let units: Option<Units> =
                text.parse().ok().filter(|units| (min..=SUPPLY_UNITS_MAX).contains(units));
            units.map(Some).ok_or_else(|| format!("{what} is a whole number from {min}, or empty."))
        }
    };
    let days = |text: &str, what: &str| match text.trim() {
        "" => Ok(None),
        text => {
            let days: Option<u16> = text.parse().ok().filter(|days| *days <= DAYS_MAX);
            days.map(Some)
                .ok_or_else(|| format!("{what} is a number of days from 0 to {DAYS_MAX}, or empty."))
        }
    };
    let when_out = CHOICES.iter().find(|(_, word, _)| *word == filled.when_out);
    let (when_out, ..) = when_out.ok_or("Please choose what happens when the shelf is empty.")?;
    let backorder_cap = match &*filled.cap_kind {
        "limited" => Cap::Limited(
            units(&filled.cap, "The limit of units that wait", 0)?
                .ok_or("Please enter how many units may wait at once, or choose another limit.")?,
        ),
        "unlimited" => Cap::Unlimited,
        _ => Cap::Supply,
    };
    let release_date: Option<Date> = match filled.release_date.trim() {
        "" => None,
        text => Some(parse_date(text).map_err(|_| "Please give the release date as 2026-12-31.")?),
    };
    Ok(Policy {
        when_out: *when_out,
        backorder_cap,
        customer_limit: units(&filled.customer_limit, "The limit for one customer", 1)?,
        buffer: units(&filled.buffer, "What is kept back", 0)?.unwrap_or(0),
        limited_below: units(&filled.limited_below, "When few are left", 0)?.unwrap_or(0),
        lead_time_days: days(&filled.lead_time_days, "The lead time")?,
        horizon_days: days(&filled.horizon_days, "How far ahead is promised")?,
        release_date,
        returns: match &*filled.returns {
            // A form that does not have the field.
            "" => now.returns,
            word => *Returns::ALL
                .iter()
                .find(|returns| returns.as_str() == word)
                .ok_or("Please choose whether customers may call it off.")?,
        },
        ..now.clone()
    })
}

fn policy_of(pool: &Pool) -> Policy {
    pool.policy_set(&Channel::default()).map(|policy| (**policy).clone()).unwrap_or_default()
}

/// The shop as it would be with another policy for one product.
fn with_policy(shop: &Shop, sku: &Sku, policy: &Policy) -> Shop {
    let mut shop = shop.clone();
    if let Some(pool) = shop.pools.get_mut(sku) {
        let pool = Arc::make_mut(pool);
        let channel = Channel::default();
        pool.policies.retain(|(name, _)| *name != channel);
        pool.policies.push((channel, Arc::new(policy.clone())));
        pool.policies.sort_by(|a, b| a.0.cmp(&b.0));
    }
    shop
}

/// `GET /products/{sku}`.
pub(super) fn show(ask: &Ask, sku: &str, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    answer(ask, &visitor, sku, None, (cut.saved.is_some(), None), StatusCode::OK)
}

/// `POST /products/{sku}/preview`: the badge that a form would lead to. Changes nothing.
pub(super) fn preview(ask: &Ask, sku: &str, filled: Filled) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    answer(ask, &visitor, sku, Some(filled), (false, None), StatusCode::OK)
}

/// `POST /products/{sku}`: the policy is set, unless somebody changed it since the form was made.
pub(super) fn save(ask: &Ask, sku: &str, filled: Filled) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let (name, shop) = product::load(ask, &visitor.tenant, sku)?;
    let now = shop.pool(&name).map(policy_of).unwrap_or_default();
    let is_new = shop.pool(&name).is_some_and(|pool| pool.policy_set(&Channel::default()).is_none());
    let policy = match read(&filled, &now) {
        Ok(policy) => policy,
        Err(problem) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return answer(ask, &visitor, sku, Some(filled), (false, Some(problem)), status);
        }
    };
    let if_match = (!is_new).then(|| format!("\"{}\"", filled.seen).into());
    let wish = PutPolicy { sku: name, channel: Channel::default(), policy, if_match };
    match ask.command(&visitor.tenant, Command::PutPolicy(wish), None)? {
        Ok(Answer::Policy(..)) => see_other(&format!("/products/{}?saved=1", encoded(sku))),
        Ok(other) => Err(Fail::Defect(format!("a policy was answered with {other:?}"))),
        Err(Rejection::Stale) => {
            let problem = sorry(&Rejection::Stale);
            answer(ask, &visitor, sku, None, (false, Some(problem)), StatusCode::CONFLICT)
        }
        Err(rejection) => {
            let problem = sorry(&rejection);
            answer(ask, &visitor, sku, Some(filled), (false, Some(problem)), StatusCode::CONFLICT)
        }
    }
}

fn answer(
    ask: &Ask,
    visitor: &Visitor,
    sku: &str,
    typed: Option<Filled>,
    (saved, problem): (bool, Option<String>),
    status: StatusCode,
) -> Result<Response, Fail> {
    let local = Local::of(ask, &visitor.tenant)?;
    let (sku, shop) = product::load(ask, &visitor.tenant, sku)?;
    let pool = shop.pool(&sku).ok_or(Fail::NotFound)?;
    let policy = policy_of(pool);
    let mut problem = problem;
    let wanted = match &typed {
        None => policy.clone(),
        Some(typed) => read(typed, &policy).unwrap_or_else(|wrong| {
            problem.get_or_insert(wrong);
            policy.clone()
        }),
    };
    let ships =
        product::asked(&shop, &sku, &product::Filled { quantity: 1, ..product::Filled::default() }, ask.now)
            .and_then(|found| found.ship_by.promised);
    let preview = look(ask, &with_policy(&shop, &sku, &wanted), &sku, wanted != policy)?;
    let others = pool.policies.iter().filter(|(channel, _)| *channel != Channel::default());
    let is_demo = ask.is_demo(&visitor.tenant);
    let page_ = Page {
        title: words::title(&shop, &sku),
        href: format!("/products/{}", encoded(sku.as_str())),
        shop_href: is_demo.then(|| super::super::shop::href(&sku)),
        price: pool.item.price.map_or_else(|| "No price".to_owned(), words::money),
        is_kit: pool.item.is_kit(),
        sums: sums(pool),
        fences: fences(&shop, pool),
        badge: badge(&shop, &sku, ask.now).ok_or(Fail::NotFound)?,
        words: [in_words(&policy, &local), paid_in_words(&policy, ships, local.today)].concat(),
        others: others
            .map(|(channel, policy)| (channel.to_string(), in_words(policy, &local).join(" ")))
            .collect(),
        filled: typed.unwrap_or_else(|| filled(&policy)),
        choices: CHOICES.map(|(_, word, text)| (word, text)).to_vec(),
        returns: RETURNS.map(|(returns, text)| (returns.as_str(), text)),
        preview,
        can_change: visitor.role.may(May::Goods),
        steps: projection::steps(pool, &local),
        chart_height: ABOVE + TALL + 40,
        chart_base: ABOVE + TALL,
        supply_href: format!("/supply?sku={}", encoded(sku.as_str())),
        backlog_href: format!("/backlog?sku={}", encoded(sku.as_str())),
        saved,
        problem,
        sku: sku.to_string(),
        frame: Frame::of(ask, visitor, "products"),
    };
    page(status, &page_)
}

/// By location where something of a product is: how it is called, what is ring-fenced there, and where that is changed.
fn fences(shop: &Shop, pool: &Pool) -> Vec<(String, Vec<String>, String)> {
    let here = pool.supplies.iter().filter(|supply| supply.is_on_hand());
    let mut places: Vec<&LocationId> = here.map(|supply| &supply.location).collect();
    places.sort_unstable();
    places.dedup();
    let place = |id: &LocationId| {
        let name = shop.locations.get(id).map(|place| place.name.clone()).filter(|name| !name.is_empty());
        let said = fence::said(&promise::fenced_stock(pool, id, None));
        (name.unwrap_or_else(|| id.to_string()), said, fence::href(id.as_str(), pool.sku()))
    };
    places.into_iter().map(place).collect()
}

fn look(ask: &Ask, shop: &Shop, sku: &Sku, is_changed: bool) -> Result<Preview, Fail> {
    let filled = product::Filled { quantity: 1, ..product::Filled::default() };
    let found = product::asked(shop, sku, &filled, ask.now).ok_or(Fail::NotFound)?;
    Ok(Preview {
        badge: Badge::of(&found, words::today(shop, ask.now)),
        reason: words::sentence(&found.reason),
        is_changed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_reads_back_what_it_shows_and_keeps_what_it_does_not() {
        let policy = Policy {
            when_out: WhenOut::Preorder,
            backorder_cap: Cap::Limited(40),
            customer_limit: Some(2),
            customer_groups: vec!["trade".into()],
            buffer: 3,
            lead_time_days: Some(21),
            release_date: Some(parse_date("2026-12-01").unwrap()),
            limited_below: 5,
            returns: Returns::FinalSale,
            ..Policy::default()
        };
        assert_eq!(read(&filled(&policy), &policy).unwrap(), policy);
        let local = Local { zone: model::time::Zone::utc(), today: parse_date("2026-11-23").unwrap() };
        assert_eq!(
            in_words(&policy, &local).join(" "),
            "It is sold before its release, with the date on which it ships. At most 40 units wait at once. Beyond what is \
             on its way, more can be had 21 days after an order. Only these groups may buy ahead: trade. One customer may \
             have 2 units at most. 3 units are always kept back. With 5 or less it says that few are left. Customers \
             cannot call it off while it ships as promised, but where a law lets consumers withdraw. Nothing ships before 1 \
             Dec."
        );
        for wrong in [
            Filled { when_out: "never".into(), ..filled(&policy) },
            Filled { cap: String::new(), ..filled(&policy) },
            Filled { customer_limit: "0".into(), ..filled(&policy) },
            Filled { lead_time_days: "9999".into(), ..filled(&policy) },
            Filled { release_date: "soon".into(), ..filled(&policy) },
            Filled { returns: "perhaps".into(), ..filled(&policy) },
        ] {
            assert!(read(&wrong, &policy).is_err(), "{wrong:?}");
        }
    }
}
