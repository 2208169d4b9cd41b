//! From what is known of a SKU to the numbers an advice rests on: the shop's own where it has some, else borrowed, else guessed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    figures::{FIGURES, Fig, Figure, Source, known},
    patience::{self, AtWait, Group, WAITS},
    value::WITHOUT_END,
};
use crate::error::{Checked, bad, not_negative, positive};

/// What is known of one SKU. Everything but its code may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subject {
    /// The SKU.
    pub sku: String,
    /// Selling price.
    pub price: Option<f64>,
    /// What a unit costs.
    pub unit_cost: Option<f64>,
    /// What kind of good it is, for borrowed figures: `cosmetics`, `coffee`, `diapers` and so on.
    pub category: Option<String>,
    /// Units here that nobody has a claim on.
    pub on_hand: f64,
    /// Units on order that nobody has a claim on.
    pub inbound_units: f64,
    /// Days until the first of them come.
    pub wait_days: Option<f64>,
    /// Days after which more can be had, once ordered.
    pub lead_time_days: Option<f64>,
    /// No longer made.
    pub discontinued: bool,
    /// Days that demand was watched.
    pub days_watched: f64,
    /// Units asked for in them: ordered or refused.
    pub units_asked: f64,
    /// What this shop saw of people who wait, of this SKU.
    pub waiting: Waiting,
    /// The same over all goods of its kind.
    pub kind: Waiting,
    /// The same over the whole shop.
    pub shop: Waiting,
    /// Supplies of its supplier that came: how many.
    pub receipts: f64,
    /// How many of them came later than was promised.
    pub receipts_late: f64,
    /// Days after the promised date, in the mean of those.
    pub late_days: Option<f64>,
    /// Units asked for a day of a SKU of this shop, over all: what one thinks of a SKU before it has sold.
    pub shop_rate: Option<f64>,
    /// Figures typed in by the merchant, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, f64>,
}

/// What was seen of people who had to wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Waiting {
    /// Units ordered a day while there was stock.
    pub rate_in_stock: f64,
    /// Units that rate says would have been asked for while there was none, and it was sold for later.
    pub offered: f64,
    /// Units ordered for later.
    pub ordered: f64,
    /// Mean days of wait that were promised with them.
    pub wait_mean: f64,
    /// Units cancelled of those.
    pub cancelled: f64,
    /// Unit-days that orders for later were open: what they could be cancelled in.
    pub open_days: f64,
    /// Places on a waitlist that have ended: bought, lapsed or left.
    pub waits_ended: f64,
    /// Of them, bought.
    pub waits_bought: f64,
    /// What was seen at each wait that was told.
    pub by_wait: [AtWait; WAITS],
}

const GRUEN: &str = "Gruen, Corsten & Bharadwaj 2002, 71,000 shoppers of supermarkets in 29 countries";
/// Share of shoppers who wait, by kind of good.
const WAIT_BY_CATEGORY: [(&str, f64); 8] = [
    ("cosmetics", 0.22),
    ("coffee", 0.21),
    ("pet food", 0.21),
    ("laundry", 0.19),
    ("paper towels", 0.17),
    ("toothpaste", 0.17),
    ("diapers", 0.11),
    ("snacks", 0.09),
];
/// Whose shopping it is, from the largest group to the smallest.
const WHOSE: [&str; 3] = ["in the whole shop", "of its kind", "of this SKU"];
/// What a prior counts for, in units seen.
const WEIGHT: f64 = 8.0;
/// The stretch that is looked at where nothing says when goods come.
const STRETCH_DAYS: f64 = 30.0;

/// The figures for a SKU.
///
/// Errors: no price, no trace of demand, or a number that makes no sense, by name.
pub(crate) fn figures(subject: &Subject) -> Checked<Vec<Figure>> {
    check(subject)?;
    let mut all = supply(subject);
    all.splice(2..2, [demand(subject)?]);
    let set_wait = subject.set.get(Fig::Wait.name()).copied();
    all.extend(who_waits(subject, set_wait.unwrap_or(all[Fig::Wait as usize].value)));
    all.extend(costs(&all, subject));
    all.push(late_days(subject));
    debug_assert_eq!(all.len(), FIGURES);
    for (name, value) in &subject.set {
        let place = known(name)?;
        all[place] = Figure::set(place, *value)?;
    }
    positive("price", all[Fig::Price as usize].value)?;
    Ok(all)
}

fn check(subject: &Subject) -> Checked<()> {
    let amounts = [
        ("on_hand", subject.on_hand),
        ("inbound_units", subject.inbound_units),
        ("days_watched", subject.days_watched),
        ("units_asked", subject.units_asked),
        ("receipts", subject.receipts),
        ("receipts_late", subject.receipts_late),
    ];
    amounts.into_iter().try_for_each(|(name, value)| not_negative(name, value))?;
    for (name, value) in [
        ("price", subject.price),
        ("unit_cost", subject.unit_cost),
        ("wait_days", subject.wait_days),
        ("lead_time_days", subject.lead_time_days),
        ("shop_rate", subject.shop_rate),
        ("late_days", subject.late_days),
    ] {
        not_negative(name, value.unwrap_or(0.0))?;
    }
    for seen in [&subject.waiting, &subject.kind, &subject.shop] {
        let all =
            [seen.rate_in_stock, seen.offered, seen.ordered, seen.wait_mean, seen.cancelled, seen.open_days];
        let by_wait = seen.by_wait.iter().flat_map(AtWait::all);
        all.into_iter().chain(by_wait).try_for_each(|value| not_negative("waiting", value))?;
    }
    if subject.receipts_late > subject.receipts {
        return bad("receipts_late", "must not exceed receipts");
    }
    if subject.price.is_none() && !subject.set.contains_key("price") {
        return bad("price", "is not known; without it no way of selling has a value");
    }
    Ok(())
}

/// Price, cost, stock, what comes and when: demand stands between them.
fn supply(subject: &Subject) -> Vec<Figure> {
    use Source::{Guess, OwnData};
    let price = subject.price.unwrap_or(0.0);
    let cost = match subject.unit_cost {
        Some(cost) => Figure::sure(Fig::UnitCost, cost, OwnData, "the cost of the SKU"),
        None => {
            let note = "no cost is set; half the price is a guess";
            Figure::between(Fig::UnitCost, price * 0.5, (price * 0.3, price * 0.75), Guess, note)
        }
    };
    let can_have = subject.lead_time_days.is_some() && !subject.discontinued;
    let (inbound, note) = if can_have {
        (WITHOUT_END, "a lead time is set: goods are ordered for whoever orders")
    } else if subject.inbound_units > 0.0 {
        (subject.inbound_units, "units on order that nobody has a claim on")
    } else {
        (0.0, "nothing is on order, and no lead time is set")
    };
    let first = subject.wait_days.filter(|_| subject.inbound_units > 0.0);
    let lead = subject.lead_time_days.filter(|_| can_have);
    let wait = match (first, lead) {
        (Some(days), None) => {
            Figure::sure(Fig::Wait, days, OwnData, "days until the next goods are promised to come")
        }
        (None, Some(days)) => Figure::sure(Fig::Wait, days, OwnData, "the lead time of the policy"),
        (Some(first), Some(lead)) => Figure::sure(
            Fig::Wait,
            first.min(lead),
            OwnData,
            "days until goods come: on order, or by lead time",
        ),
        (None, None) => {
            let note = "nothing says when goods come; a month is a guess";
            Figure::between(Fig::Wait, STRETCH_DAYS, (14.0, 65.0), Guess, note)
        }
    };
    vec![
        Figure::sure(Fig::Price, price, OwnData, "the price of the SKU"),
        cost,
        Figure::sure(Fig::OnHand, subject.on_hand, OwnData, "units here that nobody has a claim on"),
        Figure::sure(Fig::Inbound, inbound, OwnData, note),
        wait,
    ]
}

/// Units asked for a day: Gamma posterior, with the shop's own mean as the prior, worth half a unit.
fn demand(subject: &Subject) -> Checked<Figure> {
    let (units, days) = (subject.units_asked, subject.days_watched);
    if subject.set.contains_key(Fig::Demand.name()) {
        return Ok(Figure::sure(Fig::Demand, 0.0, Source::Set, ""));
    }
    if days <= 0.0 {
        return bad("demand_per_day", "is not known: there are no orders and no refusals yet");
    }
    let prior = subject.shop_rate.filter(|rate| *rate > 0.0);
    if units <= 0.0 && prior.is_none() {
        return bad(
            "demand_per_day",
            format!("nobody has asked for one in {days:.0} days, and nothing else has sold"),
        );
    }
    let (a, b) = prior.map_or((units, days), |rate| (units + 0.5, days + 0.5 / rate));
    let note = if units <= 0.0 {
        format!(
            "nobody has asked for one in {days:.0} days: this is what the shop's other SKUs let one expect"
        )
    } else if units < 10.0 {
        format!("{units:.0} units ordered or refused in {days:.0} days: few, so the range is wide")
    } else {
        format!("{units:.0} units ordered or refused in {days:.0} days")
    };
    Ok(Figure::seen_rate(Fig::Demand, a, b, note))
}

/// Patience, acceptance, conversion, cancellations and lateness.
fn who_waits(subject: &Subject, wait: f64) -> Vec<Figure> {
    use Source::{Borrowed, Guess};
    let category = subject.category.as_deref().map(str::to_lowercase);
    let of_kind = WAIT_BY_CATEGORY.iter().find(|known| Some(known.0) == category.as_deref());
    let waits = match of_kind {
        Some((kind, share)) => {
            let note = format!("share who wait for {kind}: {GRUEN}");
            Figure::between(Fig::AcceptBackorder, *share, (share * 0.5, share * 1.8), Borrowed, note)
        }
        None => {
            let note =
                "share who waited in the US in 2021, all goods (eMarketer); 56 % say they would (2007)";
            Figure::between(Fig::AcceptBackorder, 0.13, (0.06, 0.40), Borrowed, note)
        }
    };
    // The SKU's own shopping counts on top of that of its kind, its kind's on top of the shop's, the shop's on top of what is borrowed.
    let (own, kind, all) = (&subject.waiting, &subject.kind, &subject.shop);
    let groups: [Group<'_>; 3] =
        [(WHOSE[0], &all.by_wait), (WHOSE[1], &kind.by_wait), (WHOSE[2], &own.by_wait)];
    let guess = Figure::between(
        Fig::Patience,
        0.01,
        (0.003, 0.03),
        Guess,
        "of those who would wait, the share lost with each day of it",
    );
    let patience = patience::patience(guess, &groups);
    // What was seen happened at the wait that was promised then; without it more would have accepted.
    let fresh = |seen: &Waiting| seen.offered * (-patience.value * seen.wait_mean).exp();
    let learned = |fig: Fig, prior: &Figure, seen: [(f64, f64); 3], what: &str| {
        let mut figure = prior.clone();
        for (n, (hits, of)) in seen.into_iter().enumerate() {
            if of >= 1.0 {
                let whose = WHOSE[n];
                figure = Figure::seen_share(
                    fig,
                    &figure,
                    WEIGHT,
                    hits.min(of),
                    of,
                    format!("{what} {whose}: {hits:.0} of {of:.0}"),
                );
            }
        }
        figure
    };
    let accept = learned(
        Fig::AcceptBackorder,
        &waits,
        [all, kind, own].map(|seen| (seen.ordered, fresh(seen))),
        "units ordered for later, of those asked for by the rate while in stock,",
    );
    let preorder = Figure {
        name: Fig::AcceptPreorder.name().into(),
        value: accept.value * 0.8,
        low: accept.low * 0.6,
        high: (accept.high * 0.95).min(1.0),
        source: Guess,
        note: "a deposit keeps some away: a fifth of those who backorder is a guess".into(),
    };
    let waitlist = Figure::between(
        Fig::AcceptWaitlist,
        0.25,
        (0.08, 0.56),
        Guess,
        "share who leave an address; 56 % said they would check back or sign up (2007), which bounds it",
    );
    let convert = Figure::between(
        Fig::Convert,
        0.06,
        (0.03, 0.12),
        Borrowed,
        "share of restock mails that sell: 5.3 to 7.3 % (StoreBeep, a vendor)",
    );
    let bought = [all, kind, own].map(|seen| (seen.waits_bought, seen.waits_ended));
    let convert = learned(Fig::Convert, &convert, bought, "places on the waitlist that ended in an order,");
    vec![patience, accept, preorder, waitlist, convert]
        .into_iter()
        .chain(cancels([all, kind, own], (wait, &groups)))
        .chain([late(subject)])
        .collect()
}

/// Share of open backorders cancelled each day, without and with a deposit.
fn cancels(seen: [&Waiting; 3], (wait, groups): (f64, &[Group<'_>])) -> [Figure; 2] {
    let guess = Figure::between(
        Fig::CancelBackorder,
        0.004,
        (0.001, 0.015),
        Source::Guess,
        "share of waiting orders cancelled each day: about one in nine a month is a guess",
    );
    // By the wait that was told where that is known, else one rate for all.
    let by_wait = patience::cancels(guess.value, wait, groups);
    let is_known = by_wait.is_some();
    let mut rate = by_wait.unwrap_or(guess);
    for (seen, whose) in seen.into_iter().zip(WHOSE) {
        if seen.open_days >= 1.0 && !is_known {
            // One cancellation's worth of what was thought before.
            let (a, b) = (1.0 + seen.cancelled, 1.0 / rate.value + seen.open_days);
            let note =
                format!("{:.0} cancelled in {:.0} days of waiting, {whose}", seen.cancelled, seen.open_days);
            rate = Figure::seen_rate(Fig::CancelBackorder, a, b, note);
        }
    }
    let preorder = Figure {
        name: Fig::CancelPreorder.name().into(),
        value: rate.value * 0.5,
        low: rate.low * 0.3,
        high: rate.high,
        source: Source::Guess,
        note: "a deposit halves cancellations: a guess".into(),
    };
    [rate, preorder]
}

fn late_days(subject: &Subject) -> Figure {
    match subject.late_days.filter(|_| subject.receipts_late >= 1.0) {
        Some(days) => {
            // Lateness is about exponential, and a guess counts as one that was late.
            let late = subject.receipts_late;
            let note = format!("days after the promised date, of {late:.0} supplies that came after it");
            Figure::seen_rate(
                Fig::LateDays,
                1.0 + late,
                (1.0 + late) / ((5.0 + late * days) / (1.0 + late)),
                note,
            )
        }
        None => {
            let note = "days after the promised date, of goods that come after it";
            Figure::between(Fig::LateDays, 5.0, (1.0, 20.0), Source::Guess, note)
        }
    }
}

fn late(subject: &Subject) -> Figure {
    let prior = Figure::between(
        Fig::Late,
        0.1,
        (0.04, 0.25),
        Source::Guess,
        "one in ten comes after its promised date: what the promise aims at",
    );
    if subject.receipts < 1.0 {
        return prior;
    }
    let note = format!(
        "{:.0} of {:.0} supplies of its supplier came after their promised date",
        subject.receipts_late, subject.receipts
    );
    Figure::seen_share(Fig::Late, &prior, WEIGHT, subject.receipts_late, subject.receipts, note)
}

/// What lateness, refusals, cancellations, deposits, payments and questions cost.
fn costs(so_far: &[Figure], subject: &Subject) -> Vec<Figure> {
    use Source::{Borrowed, Guess};
    let set = |fig: Fig| subject.set.get(fig.name()).copied().unwrap_or(so_far[fig as usize].value);
    let (price, cost) = (set(Fig::Price), set(Fig::UnitCost));
    let margin = (price - cost).max(0.0);
    let part = |fig: Fig, base: f64, (value, low, high): (f64, f64, f64), source: Source, note: &str| {
        Figure::between(fig, base * value, (base * low, base * high), source, note)
    };
    vec![
        part(
            Fig::LateCost,
            margin,
            (0.2, 0.06, 0.6),
            Guess,
            "a fifth of the margin; 58 % in the US say they would not come back after a missed promise (RetailBrew 2024)",
        ),
        part(
            Fig::Goodwill,
            margin,
            (0.1, 0.02, 0.4),
            Guess,
            "a tenth of the margin; 15 % switch to another shop when goods are out (US online groceries 2018)",
        ),
        part(
            Fig::CancelCost,
            price,
            (0.03, 0.01, 0.06),
            Guess,
            "handling and a refund: three in a hundred of the price",
        ),
        Figure::sure(Fig::Deposit, 0.25, Guess, "a quarter of the price with a preorder"),
        Figure::between(Fig::Capital, 0.0003, (0.0001, 0.0006), Guess, "about 11 % a year"),
        Figure::sure(Fig::PaymentShare, 0.029, Borrowed, "the list price of the large card processors"),
        Figure::sure(
            Fig::PaymentFixed,
            0.30,
            Borrowed,
            "the list price of the large card processors, in the SKU's currency",
        ),
        part(
            Fig::Service,
            0.18 * 5.5,
            (1.0, 0.4, 2.0),
            Borrowed,
            "18 % of tickets ask where an order is (Squire), 4 to 7 dollars each (Eteria), vendors' figures",
        ),
    ]
}
