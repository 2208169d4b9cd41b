//! Deliveries: what is on its way, by the week in which it comes, and the form to enter one.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Answer;
use model::{
    Units,
    command::{AddSupply, Command},
    id::{LocationId, Sku, SupplyId},
    limits::{NAME_CHARS_MAX, SUPPLY_UNITS_MAX},
    state::Shop,
    supply::{Supply, SupplyKind, SupplyState},
    time::{Date, Weekday, days_after},
};
use serde::Deserialize;

use super::{
    super::{Frame, form::once_key, page, see_other, shop::encoded},
    Ask, Fail, Local,
    duties::is_late,
    sorry, words,
};
use crate::staff::May;

/// Deliveries on one page.
const SHOWN: usize = 100;

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    sku: String,
    /// `all`: in the order they were entered, also those without a date and those that are done.
    show: String,
    after: String,
    /// Those alone that are due on this day.
    on: String,
}

/// A delivery to be entered, every field as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct New {
    once: String,
    sku: String,
    location: String,
    kind: String,
    quantity: String,
    expected_on: String,
    supplier: String,
    reference: String,
}

#[derive(Template)]
#[template(path = "desk/supplies.html")]
struct List {
    frame: Frame,
    weeks: Vec<Week>,
    /// What was searched for.
    sku: String,
    /// The day on which they are due, and how many more there are than are shown.
    on: Option<super::Day>,
    unshown: i64,
    is_all: bool,
    more: Option<String>,
    can_change: bool,
    new: New,
    locations: Vec<Place>,
    problem: Option<String>,
    once: String,
}

struct Place {
    id: String,
    name: String,
    is_chosen: bool,
}

/// Deliveries of one week, or of one kind of time.
struct Week {
    title: String,
    rows: Vec<Row>,
}

/// One delivery in a list.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) sku: String,
    pub(super) kind: &'static str,
    pub(super) from: String,
    pub(super) day: Option<super::Day>,
    pub(super) units: Units,
    pub(super) promised: Units,
    pub(super) free: Units,
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
}

pub(super) fn row(shop: &Shop, supply: &Supply, local: &Local) -> Row {
    let from = [supply.supplier.as_deref(), supply.reference.as_deref()];
    let (word, tone) = standing(supply, local.today);
    Row {
        href: format!("/supply/{}", supply.id),
        title: words::title(shop, &supply.sku),
        sku: supply.sku.to_string(),
        kind: words::kind(supply.kind),
        from: from.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        day: supply.expected_on.map(|date| local.day(date)),
        units: supply.quantity,
        promised: supply.pegged(),
        free: supply.open(),
        word,
        tone,
    }
}

/// Where a delivery stands, in a word, and how that looks.
pub(super) fn standing(supply: &Supply, today: Date) -> (&'static str, &'static str) {
    match (supply.state, supply.kind) {
        (SupplyState::Due, SupplyKind::Shortfall) => ("No goods", "late"),
        (SupplyState::Due, SupplyKind::LeadTime) => ("To be ordered", "pre"),
        (SupplyState::Due, _) if is_late(supply, today) => ("Overdue", "late"),
        (SupplyState::Due, _) if supply.expected_on.is_none() => ("No date", "few"),
        (SupplyState::Due, _) => ("On its way", "later"),
        (SupplyState::OnHand, _) => ("Here", "here"),
        (SupplyState::Quarantine, _) => ("Damaged", "late"),
        (SupplyState::Closed, _) => ("Closed", "out"),
    }
}

/// `GET /supply`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    list(ask, cut, New::default(), None, StatusCode::OK)
}

fn list(
    ask: &Ask,
    cut: &Cut,
    new: New,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let text = cut.sku.trim();
    let sku = Some(text).filter(|text| !text.is_empty()).map(Sku::new).transpose().ok();
    let is_all = cut.show == "all";
    let after: Option<SupplyId> = Some(&*cut.after)
        .filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let on = match cut.on.trim() {
        "" => None,
        day => Some(model::time::parse_date(day).map_err(|_| Fail::NotFound)?),
    };
    let mut unshown = 0;
    let mut supplies = match &sku {
        Some(None) if on.is_some() => {
            let days = on.map(|day| reader.arrival_days(tenant, (day, day), SHOWN)).transpose()?;
            let day = days.unwrap_or_default().pop();
            let named = i64::try_from(SHOWN).unwrap_or(i64::MAX);
            unshown = day.as_ref().map_or(0, |day| (day.supplies - named).max(0));
            day.map(|day| day.first).unwrap_or_default()
        }
        // What cannot be a SKU has no deliveries.
        None => Vec::new(),
        Some(None) if !is_all => reader.arrivals(tenant, SHOWN + 1)?,
        Some(sku) => reader.supply_page(tenant, sku.as_ref(), is_all, after, SHOWN + 1)?,
    };
    drop(reader);
    let is_more = supplies.len() > SHOWN;
    supplies.truncate(SHOWN);
    let last = supplies.last().map(|supply| supply.id).filter(|_| is_more && (is_all || !text.is_empty()));
    if !is_all {
        supplies.retain(|supply| supply.state != SupplyState::OnHand);
        supplies.sort_by_key(|supply| (supply.expected_on.is_none(), supply.expected_on, supply.id));
    }
    let mut skus: Vec<Sku> = supplies.iter().map(|supply| supply.sku.clone()).collect();
    skus.sort_unstable();
    skus.dedup();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let more = last.map(|last| {
        let show = if is_all { "&show=all" } else { "" };
        format!("/supply?sku={}&after={last}{show}", encoded(text))
    });
    let locations = shop.locations.iter().map(|(id, settings)| Place {
        is_chosen: new.location == id.as_str(),
        id: id.to_string(),
        name: if settings.name.is_empty() { id.to_string() } else { settings.name.to_string() },
    });
    let list = List {
        weeks: if is_all { as_entered(&shop, &supplies, &local) } else { weeks(&shop, &supplies, &local) },
        sku: text.to_owned(),
        on: on.map(|day| local.day(day)),
        unshown,
        is_all,
        more,
        can_change: visitor.role.may(May::Goods),
        locations: locations.collect(),
        new,
        problem,
        once: ask.once(),
        frame: Frame::of(ask, &visitor, "supply"),
    };
    page(status, &list)
}

fn as_entered(shop: &Shop, supplies: &[Supply], local: &Local) -> Vec<Week> {
    let rows: Vec<Row> = supplies.iter().map(|supply| row(shop, supply, local)).collect();
    if rows.is_empty() { Vec::new() } else { vec![Week { title: "As they were entered".to_owned(), rows }] }
}

/// Deliveries by the week they come in; what is overdue stands first, what has no date last.
fn weeks(shop: &Shop, supplies: &[Supply], local: &Local) -> Vec<Week> {
    let mut weeks: Vec<Week> = Vec::new();
    for supply in supplies {
        let title = title(supply, local);
        let row = row(shop, supply, local);
        match weeks.last_mut().filter(|week| week.title == title) {
            Some(week) => week.rows.push(row),
            None => weeks.push(Week { title, rows: vec![row] }),
        }
    }
    weeks
}

fn title(supply: &Supply, local: &Local) -> String {
    let Some(date) = supply.expected_on else { return "Without a date".to_owned() };
    if date < local.today {
        return "Should have come".to_owned();
    }
    let monday = monday(date);
    if monday == self::monday(local.today) {
        "This week".to_owned()
    } else if days_after(self::monday(local.today), 7) == Some(monday) {
        "Next week".to_owned()
    } else {
        format!("Week of {}", local.day(monday).text)
    }
}

fn monday(date: Date) -> Date {
    let mut monday = date;
    while monday.weekday() != Weekday::Monday {
        let Ok(before) = monday.yesterday() else { break };
        monday = before;
    }
    monday
}

/// `POST /supply`: a delivery is entered.
pub(super) fn add(ask: &Ask, new: New) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let again = |new: New, problem, status| list(ask, &Cut::default(), new, Some(problem), status);
    let wish = match read(&new) {
        Ok(wish) => wish,
        Err(problem) => return again(new, problem.to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
    };
    let fields = [
        "supply",
        &new.sku,
        &new.location,
        &new.kind,
        &new.quantity,
        &new.expected_on,
        &new.supplier,
        &new.reference,
    ];
    let key = once_key(&new.once, &fields);
    match ask.command(&visitor.tenant, Command::AddSupply(wish), key)? {
        Ok(Answer::SupplyAdded(view)) => see_other(&format!("/supply/{}", view.view.supply.id)),
        Ok(other) => Err(Fail::Defect(format!("a supply was answered with {other:?}"))),
        Err(rejection) => again(new, sorry(&rejection), StatusCode::CONFLICT),
    }
}

fn read(new: &New) -> Result<AddSupply, &'static str> {
    let units = units(&new.quantity).filter(|units| *units > 0);
    let expected_on = match new.expected_on.trim() {
        "" => None,
        text => Some(model::time::parse_date(text).map_err(|_| "Please give the date as 2026-12-31.")?),
    };
    Ok(AddSupply {
        sku: Sku::new(new.sku.trim()).map_err(|_| "Please enter the SKU as it stands under Products.")?,
        location: LocationId::new(new.location.trim()).map_err(|_| "Please choose where it goes.")?,
        kind: match &*new.kind {
            "production_run" => SupplyKind::ProductionRun,
            "transfer" => SupplyKind::Transfer,
            _ => SupplyKind::PurchaseOrder,
        },
        quantity: units.ok_or("Please enter how many units, as a whole number from 1.")?,
        expected_on,
        supplier: name(&new.supplier)?,
        reference: name(&new.reference)?,
        promise_buffer_days: None,
    })
}

/// A whole number of units within what one delivery may have.
pub(super) fn units(text: &str) -> Option<Units> {
    text.trim().parse().ok().filter(|units| (0..=SUPPLY_UNITS_MAX).contains(units))
}

fn name(text: &str) -> Result<Option<std::sync::Arc<str>>, &'static str> {
    let text = text.trim();
    if text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control) {
        return Err("A supplier or a number is too long.");
    }
    Ok((!text.is_empty()).then(|| text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_read_and_the_first_wrong_field_is_named() {
        let fine = New {
            sku: " MUG ".into(),
            location: "main".into(),
            quantity: "3".into(),
            expected_on: "2026-08-12".into(),
            ..New::default()
        };
        let read_fine = read(&fine).unwrap();
        assert_eq!((read_fine.sku.as_str(), read_fine.quantity, read_fine.supplier), ("MUG", 3, None));
        for (wrong, says) in [
            (New { quantity: "0".into(), ..fine.clone() }, "how many"),
            (New { expected_on: "12 Aug".into(), ..fine.clone() }, "date"),
            (New { sku: String::new(), ..fine.clone() }, "SKU"),
            (New { location: String::new(), ..fine.clone() }, "where"),
            (New { reference: "x".repeat(NAME_CHARS_MAX + 1), ..fine }, "too long"),
        ] {
            assert!(read(&wrong).unwrap_err().contains(says), "{says}");
        }
        assert_eq!(monday(model::time::parse_date("2026-11-29").unwrap()).to_string(), "2026-11-23");
    }
}
