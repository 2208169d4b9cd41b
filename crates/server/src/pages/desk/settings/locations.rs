//! Locations: the list, and one with its calendar, cut-off and transit.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{
    id::LocationId,
    money::{Currency, Money},
    transit::STANDARD_SERVICE,
};
use serde_json::{Value, json};

use super::{
    super::super::{
        Frame, page, see_other,
        shop::encoded,
        within::{Call, Refused},
    },
    Ask, Fail, Fields, field, number, read, text, words,
};
use crate::staff::{May, Visitor};

const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];

#[derive(Template)]
#[template(path = "desk/locations.html")]
struct List {
    frame: Frame,
    rows: Vec<(String, String, String, String)>,
}

/// `GET /settings/locations`.
pub(super) fn list(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    let told = read(ask, &visitor.tenant, "/v1/locations?limit=500")?;
    let items = told.body["items"].as_array().cloned().unwrap_or_default();
    let rows = items.iter().map(|place| {
        let days = place["working_days"].as_array().cloned().unwrap_or_default();
        let days: Vec<String> = days.iter().filter_map(|day| Some(words::sentence(day.as_str()?))).collect();
        (
            format!("/settings/locations/{}", encoded(text(place, "location"))),
            text(place, "location").to_owned(),
            text(place, "name").to_owned(),
            format!("{} · {} · until {}", text(place, "time_zone"), days.join(", "), cutoff(place)),
        )
    });
    page(StatusCode::OK, &List { rows: rows.collect(), frame: Frame::of(ask, &visitor, "settings") })
}

/// The cut-off without seconds.
fn cutoff(place: &Value) -> String {
    text(place, "cutoff").chars().take(5).collect()
}

#[derive(Template)]
#[template(path = "desk/location.html")]
struct Page {
    frame: Frame,
    is_new: bool,
    id: String,
    name: String,
    time_zone: String,
    days: Vec<(&'static str, &'static str, bool)>,
    holidays: String,
    cutoff: String,
    handling_days: String,
    dock_to_stock_days: String,
    transit: String,
    seen: String,
    saved: bool,
    problems: Vec<String>,
}

/// `GET /settings/locations/{id}`; `new` is none yet.
pub(super) fn show(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    if id == "new" {
        let first = json!({
            "time_zone": "UTC", "cutoff": "14:00", "handling_days": 1, "dock_to_stock_days": 1,
            "working_days": ["mon", "tue", "wed", "thu", "fri"],
        });
        return page(StatusCode::OK, &of(ask, &visitor, "", &first, String::new()));
    }
    let place = LocationId::new(id).map_err(|_| Fail::NotFound)?;
    let told = read(ask, &visitor.tenant, &format!("/v1/locations/{}", encoded(place.as_str())))?;
    let saved = ask.sender.path.ends_with("?saved=1");
    page(StatusCode::OK, &Page { saved, ..of(ask, &visitor, id, &told.body, told.tag) })
}

fn of(ask: &Ask, visitor: &Visitor, id: &str, place: &Value, tag: String) -> Page {
    let list = |name: &str| place[name].as_array().cloned().unwrap_or_default();
    let open = list("working_days");
    let days = |name: &str| place[name].as_i64().unwrap_or(0).to_string();
    let holidays = list("holidays");
    let holidays: Vec<&str> = holidays.iter().filter_map(Value::as_str).collect();
    Page {
        frame: Frame::of(ask, visitor, "settings"),
        is_new: id.is_empty(),
        id: id.to_owned(),
        name: text(place, "name").to_owned(),
        time_zone: text(place, "time_zone").to_owned(),
        days: DAYS
            .map(|(day, name)| (day, name, open.iter().any(|open| open.as_str() == Some(day))))
            .to_vec(),
        holidays: holidays.join("\n"),
        cutoff: cutoff(place),
        handling_days: days("handling_days"),
        dock_to_stock_days: days("dock_to_stock_days"),
        transit: list("transit").iter().map(transit_line).collect::<Vec<_>>().join("\n"),
        seen: tag,
        saved: false,
        problems: Vec::new(),
    }
}

/// A transit row as it is typed: `US standard 2-5 4.90 USD`.
fn transit_line(row: &Value) -> String {
    let days = |name: &str| row[name].as_i64().unwrap_or(0);
    let price = serde_json::from_value::<Money>(row["price"].clone()).ok();
    let price = price.map_or_else(String::new, |price| format!(" {} {}", price.to_decimal(), price.currency));
    let (country, service) = (text(row, "country"), text(row, "service"));
    format!("{country} {service} {}-{}{price}", days("days_min"), days("days_max"))
}

/// Reads such a line.
fn transit_row(line: &str) -> Result<Value, String> {
    let wrong = || format!("“{line}” is no transit: write it as US standard 2-5 4.90 USD.");
    let parts: Vec<&str> = line.split_whitespace().collect();
    let at = parts.iter().position(|part| is_days(part)).ok_or_else(wrong)?;
    let (Some(country), Some(days)) = (parts.first().filter(|_| at > 0), parts.get(at)) else {
        return Err(wrong());
    };
    let service = parts.get(1..at).unwrap_or_default().join(" ");
    let (least, most) = days.split_once('-').unwrap_or((days, days));
    let price = match parts.get(at + 1..).unwrap_or_default() {
        [] => Value::Null,
        [amount, currency] => {
            let currency = Currency::new(&currency.to_uppercase()).map_err(|_| wrong())?;
            let money = Money::from_decimal(amount, currency).map_err(|_| wrong())?;
            json!({"amount": money.amount, "currency": money.currency})
        }
        _ => return Err(wrong()),
    };
    let service = if service.is_empty() { STANDARD_SERVICE.to_owned() } else { service };
    let days = |text: &str| text.parse::<i64>().map_err(|_| wrong());
    Ok(json!({
        "country": country.to_uppercase(), "service": service,
        "days_min": days(least)?, "days_max": days(most)?, "price": price,
    }))
}

fn is_days(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '-')
}

fn wish(sent: &Fields) -> Result<Value, Vec<String>> {
    let mut problems = Vec::new();
    let mut days = |name: &str| match number(sent, name) {
        Ok(days) => days.unwrap_or(0),
        Err(problem) => {
            problems.push(problem);
            0
        }
    };
    let (handling, dock) = (days("handling_days"), days("dock_to_stock_days"));
    let mut transit = Vec::new();
    for line in field(sent, "transit").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match transit_row(line) {
            Ok(row) => transit.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    let open: Vec<&str> = DAYS.iter().map(|(day, _)| *day).filter(|day| sent.contains_key(*day)).collect();
    let holidays: Vec<&str> = field(sent, "holidays")
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|date| !date.is_empty())
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(json!({
        "name": field(sent, "name"), "time_zone": field(sent, "time_zone"), "working_days": open,
        "holidays": holidays, "cutoff": field(sent, "cutoff"), "handling_days": handling,
        "dock_to_stock_days": dock, "transit": transit,
    }))
}

/// `POST /settings/locations/{id}`.
pub(super) fn save(ask: &Ask, id: &str, sent: &Fields) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let is_new = id == "new";
    let name = if is_new { field(sent, "id") } else { id };
    let again = |problems: Vec<String>, status| {
        let days = DAYS.map(|(day, word)| (day, word, sent.contains_key(day)));
        let typed = |name: &str| field(sent, name).to_owned();
        let page_ = Page {
            frame: Frame::of(ask, &visitor, "settings"),
            is_new,
            id: name.to_owned(),
            name: typed("name"),
            time_zone: typed("time_zone"),
            days: days.to_vec(),
            holidays: typed("holidays"),
            cutoff: typed("cutoff"),
            handling_days: typed("handling_days"),
            dock_to_stock_days: typed("dock_to_stock_days"),
            transit: typed("transit"),
            seen: typed("seen"),
            saved: false,
            problems,
        };
        page(status, &page_)
    };
    let unclear = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(place) = LocationId::new(name) else {
        return again(vec!["Please give the location a short id, such as main.".to_owned()], unclear);
    };
    let path = format!("/v1/locations/{}", encoded(place.as_str()));
    let is_there = ask.api(&visitor.tenant, Call { method: "GET", path: &path, ..Call::default() })?.is_ok();
    if is_new && is_there {
        return again(vec![format!("There is a location {place} already.")], StatusCode::CONFLICT);
    }
    if !is_new && !is_there {
        return Err(Fail::NotFound);
    }
    let body = match wish(sent) {
        Ok(body) => body,
        Err(problems) => return again(problems, unclear),
    };
    let tag = (!is_new).then(|| field(sent, "seen"));
    let call = Call { method: "PUT", path: &path, body: Some(&body), if_match: tag, ..Call::default() };
    match ask.api(&visitor.tenant, call)? {
        Ok(_) => see_other(&format!("/settings/locations/{}?saved=1", encoded(place.as_str()))),
        Err(Refused { status: StatusCode::PRECONDITION_FAILED, .. }) => {
            let told = read(ask, &visitor.tenant, &path)?;
            let problem = "Somebody changed it while you were looking. Here is how it stands now; nothing of yours was saved.";
            let now = of(ask, &visitor, id, &told.body, told.tag);
            page(StatusCode::CONFLICT, &Page { problems: vec![problem.to_owned()], ..now })
        }
        Err(refused) => again(refused.said, unclear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transit_reads_back_what_it_writes() {
        for line in ["US standard 2-5 4.90 USD", "* standard 7-12", "DE next day 1-1 9.00 EUR"] {
            assert_eq!(transit_line(&transit_row(line).unwrap()), line);
        }
        assert_eq!(transit_line(&transit_row("us 3").unwrap()), "US standard 3-3");
        for line in ["2-5", "US standard", "US standard 2-5 4.90", "US standard 2-5 x USD", "US x 1-"] {
            assert!(transit_row(line).is_err(), "{line}");
        }
    }
}
