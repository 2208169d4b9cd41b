//! Can it be bought now, and when will it ship? The answer an order placed now would get, without placing it.
//!
//! One function answers for the badge, the feeds and the API, from the same pool, so all show the same date.

use model::{
    Units,
    id::{Channel, Sku},
    item::WhenOut,
    order::Dates,
    pool::Pool,
    state::Shop,
    time::{Date, Timestamp, days_after},
    view::{Availability, AvailabilityState, GoogleAvailability},
};

use crate::{
    dates::supply_ship_by,
    lateness::BOUND_MIN,
    place::{Probe, probe},
    source::{Asker, Terms},
};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// How many units, from 1.
    pub quantity: Units,
    /// Where it would be sold.
    pub channel: &'a Channel,
    /// The shopper's group.
    pub group: Option<&'a str>,
    /// Where it would go.
    pub country: Option<&'a str>,
}

/// Answers for one SKU; `None` where it is not known. Its pool and, for a kit, those of its components are loaded.
pub fn availability(shop: &Shop, sku: &Sku, question: Question<'_>, now: Timestamp) -> Option<Availability> {
    let pool = shop.pool(sku)?;
    let asker = Asker {
        channel: question.channel,
        group: question.group,
        country: question.country,
        already_owed: false,
    };
    let terms = Terms::of(pool, question.channel);
    let probe = probe(shop, pool, asker, question.quantity, now);
    let today = shop.locations.values().next().map(|location| location.today(now));
    let unreleased =
        terms.policy.release_date.is_some_and(|release| today.is_some_and(|today| today < release));
    let state = state(pool, &terms, &probe, question.quantity, unreleased);
    let sells = !matches!(
        state,
        AvailabilityState::Waitlist | AvailabilityState::OutOfStock | AvailabilityState::Discontinued
    );
    let restock_on = if sells { None } else { restock_on(shop, pool, question.channel, now) };
    let (ship_by, deliver_by) =
        if sells { (probe.ship_by, probe.deliver_by) } else { (Dates::UNKNOWN, Dates::UNKNOWN) };
    Some(Availability {
        sku: sku.clone(),
        state,
        available_now: probe.now,
        available_later: probe.later,
        ship_by,
        deliver_by,
        restock_on,
        label: label(state, &probe, ship_by.promised, today),
        reason: reason(state, &probe, restock_on),
        reason_code: reason_code(&probe),
        schema_org: schema_org(state),
        google: google(state, ship_by.promised, today),
        as_of: now,
    })
}

fn state(
    pool: &Pool,
    terms: &Terms<'_>,
    probe: &Probe,
    quantity: Units,
    unreleased: bool,
) -> AvailabilityState {
    let when_out = terms.policy.when_out;
    if probe.short.is_none() {
        return if unreleased {
            AvailabilityState::Preorder
        } else if probe.ahead == 0 {
            let few = terms.policy.limited_below > 0 && probe.now <= terms.policy.limited_below;
            if few { AvailabilityState::Limited } else { AvailabilityState::InStock }
        } else {
            match when_out {
                WhenOut::Preorder if terms.policy.release_date.is_none() => AvailabilityState::Preorder,
                WhenOut::MadeToOrder => AvailabilityState::MadeToOrder,
                _ => AvailabilityState::Backorder,
            }
        };
    }
    if probe.now > 0 && quantity > probe.now {
        AvailabilityState::Limited
    } else if pool.item.discontinued {
        AvailabilityState::Discontinued
    } else if when_out == WhenOut::Refuse {
        AvailabilityState::OutOfStock
    } else {
        AvailabilityState::Waitlist
    }
}

/// The first day on which units ship that nobody has a claim on yet and the channel may have; else on which anything comes.
fn restock_on(shop: &Shop, pool: &Pool, channel: &Channel, now: Timestamp) -> Option<Date> {
    let next = |pool: &Pool| {
        let due = pool.supplies.iter().filter(|supply| !supply.is_on_hand() && !supply.kind.is_elastic());
        let dated = due.filter_map(|supply| {
            let location = shop.locations.get(&supply.location)?;
            let date = supply_ship_by(supply, location, None, now).promised?;
            Some((supply.free_for(channel) == 0, date))
        });
        dated.min().map(|(_, date)| date)
    };
    if !pool.item.is_kit() {
        return next(pool);
    }
    let here = |pool: &Pool| -> Units {
        let here = pool.supplies.iter().filter(|supply| supply.is_on_hand());
        here.map(|supply| supply.free_for(channel)).sum()
    };
    let out = pool
        .item
        .components
        .iter()
        .filter_map(|part| shop.pool(&part.sku).filter(|component| here(component) < part.quantity));
    out.map(next).collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn label(state: AvailabilityState, probe: &Probe, ships: Option<Date>, today: Option<Date>) -> String {
    let by = ships.map(|date| day(date, today)).unwrap_or_default();
    match state {
        AvailabilityState::InStock => "In stock".to_owned(),
        AvailabilityState::Limited => format!("Only {} left", probe.now),
        AvailabilityState::Backorder if probe.now > 0 => format!("{} now, the rest ships by {by}", probe.now),
        AvailabilityState::Backorder => format!("Ships by {by}"),
        AvailabilityState::Preorder => format!("Pre-order: ships by {by}"),
        AvailabilityState::MadeToOrder => format!("Made to order: ships by {by}"),
        AvailabilityState::Waitlist => "Tell me when it is back".to_owned(),
        AvailabilityState::OutOfStock => "Out of stock".to_owned(),
        AvailabilityState::Discontinued => "No longer available".to_owned(),
    }
}

/// A date as people write it: `12 Aug`, with the year where it is another than today's.
pub fn day(date: Date, today: Option<Date>) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS[usize::try_from(date.month() - 1).unwrap_or(0) % 12];
    if today.is_some_and(|today| today.year() == date.year()) {
        format!("{} {month}", date.day())
    } else {
        format!("{} {month} {}", date.day(), date.year())
    }
}

fn reason(state: AvailabilityState, probe: &Probe, restock_on: Option<Date>) -> String {
    let basis = || match probe.basis {
        Some(basis) if basis.learned_from > 0 => {
            let few =
                if basis.learned_from < BOUND_MIN { "; so few that the latest of them counts" } else { "" };
            let after = |days: u16| match days {
                0 => "on the date given".to_owned(),
                1 => "1 day after the date given".to_owned(),
                _ => format!("{days} days after the date given"),
            };
            let (expected, promised) = (after(basis.expected_days), after(basis.promised_days));
            let when = if expected == promised {
                format!("expected {expected}")
            } else {
                format!("expected {expected}, promised {promised}")
            };
            format!("{when}, as {} earlier deliveries came{few}", basis.learned_from)
        }
        Some(basis) => format!(
            "estimate: the date given plus a buffer of {} days, as there is no delivery history yet",
            basis.promised_days
        ),
        None => "on hand".to_owned(),
    };
    match (state, &probe.short) {
        (_, Some(short)) => match restock_on {
            Some(date) => format!("{}; the next goods ship on {date}", short.detail),
            None => short.detail.clone(),
        },
        (AvailabilityState::InStock | AvailabilityState::Limited, None) => format!("{} on hand", probe.now),
        (AvailabilityState::Preorder, None) => format!("sold before its release; {}", basis()),
        (_, None) if probe.lead_time => format!("ordered or made for you; {}", basis()),
        (_, None) => format!("from goods on their way; {}", basis()),
    }
}

fn reason_code(probe: &Probe) -> &'static str {
    match &probe.short {
        Some(short) => short.code.as_str(),
        None if probe.lead_time => "lead_time",
        None if probe.ahead > 0 => "supply",
        None => "on_hand",
    }
}

/// The state as schema.org's ItemAvailability.
fn schema_org(state: AvailabilityState) -> &'static str {
    match state {
        AvailabilityState::InStock => "https://schema.org/InStock",
        AvailabilityState::Limited => "https://schema.org/LimitedAvailability",
        AvailabilityState::Backorder => "https://schema.org/BackOrder",
        AvailabilityState::Preorder => "https://schema.org/PreOrder",
        AvailabilityState::MadeToOrder => "https://schema.org/MadeToOrder",
        AvailabilityState::Waitlist | AvailabilityState::OutOfStock => "https://schema.org/OutOfStock",
        AvailabilityState::Discontinued => "https://schema.org/Discontinued",
    }
}

/// The state as Google's feeds take it: `backorder` and `preorder` need a date at most a year ahead, else the
/// product is shown as out of stock.
fn google(state: AvailabilityState, ships: Option<Date>, today: Option<Date>) -> GoogleAvailability {
    let within_a_year = ships
        .filter(|ships| today.and_then(|today| days_after(today, 365)).is_some_and(|last| *ships <= last));
    let dated = |availability| match within_a_year {
        Some(date) => GoogleAvailability { availability, availability_date: Some(format!("{date}T00:00Z")) },
        None => GoogleAvailability { availability: "out_of_stock", availability_date: None },
    };
    match state {
        AvailabilityState::InStock | AvailabilityState::Limited => {
            GoogleAvailability { availability: "in_stock", availability_date: None }
        }
        AvailabilityState::Backorder | AvailabilityState::MadeToOrder => dated("backorder"),
        AvailabilityState::Preorder => dated("preorder"),
        _ => GoogleAvailability { availability: "out_of_stock", availability_date: None },
    }
}
