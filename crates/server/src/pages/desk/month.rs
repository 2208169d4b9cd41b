//! Deliveries of one month, day by day: a calendar beside the list.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{
    Units,
    id::Sku,
    state::Shop,
    time::{Date, days_after, parse_date},
};
use serde::Deserialize;

use super::{
    super::{Frame, page},
    Ask, Fail, Local, words,
};
use crate::{
    api::arrivals::{ArrivalOut, DayOut, WAITING_MAX, days},
    staff::May,
};

/// Deliveries of a day that are named; more of them are a link to the list.
const A_DAY: usize = 3;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Which month, such as `2026-12`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    month: String,
}

#[derive(Template)]
#[template(path = "desk/month.html")]
struct Month {
    frame: Frame,
    title: String,
    before: Option<Turn>,
    after: Option<Turn>,
    /// The month of today, where it is not the one that is shown.
    now: Option<String>,
    weekdays: [&'static str; 7],
    days: Vec<Cell>,
    deliveries: i64,
    units: Units,
}

/// The way to another month.
struct Turn {
    href: String,
    name: String,
}

/// One day.
struct Cell {
    iso: String,
    number: i8,
    weekday: String,
    month: String,
    /// Which column the month begins in, 1 to 7; 0 for every other day.
    column: i8,
    is_today: bool,
    is_weekend: bool,
    rows: Vec<Row>,
    /// How many are not named, and where they are.
    more: i64,
    more_href: String,
}

struct Row {
    href: String,
    title: String,
    sku: String,
    units: Units,
    waiting: String,
    is_late: bool,
}

/// `GET /supply/month`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let this = local.today.first_of_month();
    let first = match cut.month.trim() {
        "" => this,
        text => parse_date(&format!("{text}-01")).map_err(|_| Fail::NotFound)?,
    };
    let last = first.last_of_month();
    let places = ask.app.engine.snapshots().shop(tenant, &[])?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = days(&mut *reader, tenant, &places, (first, last, A_DAY), ask.now)?;
    drop(reader);
    let named = found.iter().flat_map(|day| &day.first).map(|arrival| arrival.view.supply.sku.clone());
    let mut skus: Vec<Sku> = named.collect();
    skus.sort_unstable();
    skus.dedup();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let month = Month {
        title: title(first),
        before: first.yesterday().ok().map(Date::first_of_month).and_then(turn),
        after: days_after(last, 1).and_then(turn),
        now: (first != this).then(|| href(this)),
        weekdays: WEEKDAYS,
        deliveries: found.iter().map(|day| day.deliveries).sum(),
        units: found.iter().map(|day| day.units).sum(),
        days: cells(&shop, first, &found, local.today),
        frame: Frame::of(ask, &visitor, "supply"),
    };
    page(StatusCode::OK, &month)
}

/// Such as `December 2026`.
fn title(first: Date) -> String {
    first.strftime("%B %Y").to_string()
}

/// The way to a month; none beyond the years that a date can have here.
fn turn(first: Date) -> Option<Turn> {
    parse_date(&first.to_string()).ok()?;
    Some(Turn { href: href(first), name: title(first) })
}

fn href(first: Date) -> String {
    format!("/supply/month?month={:04}-{:02}", first.year(), first.month())
}

/// Every day of a month.
fn cells(shop: &Shop, first: Date, found: &[DayOut], today: Date) -> Vec<Cell> {
    let days = u16::try_from(first.days_in_month()).unwrap_or(0);
    let day = |nth: u16| days_after(first, nth);
    let cell = |date: Date| {
        let column = date.weekday().to_monday_one_offset();
        let of_day = found.iter().find(|day| day.date.0 == date);
        let rows: Vec<Row> =
            of_day.iter().flat_map(|day| &day.first).map(|arrival| row(shop, arrival)).collect();
        let named = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Cell {
            iso: date.to_string(),
            number: date.day(),
            weekday: date.strftime("%A").to_string(),
            month: date.strftime("%B").to_string(),
            column: if date.day() == 1 { column } else { 0 },
            is_today: date == today,
            is_weekend: column > 5,
            more: of_day.map_or(0, |day| day.deliveries - named),
            more_href: format!("/supply?on={date}"),
            rows,
        }
    };
    (0..days).filter_map(day).map(cell).collect()
}

fn row(shop: &Shop, arrival: &ArrivalOut) -> Row {
    let supply = &arrival.view.supply;
    let waiting = i64::try_from(arrival.lines_waiting).unwrap_or(i64::MAX);
    Row {
        href: format!("/supply/{}", supply.id),
        title: words::title(shop, &supply.sku),
        sku: supply.sku.to_string(),
        units: supply.quantity,
        waiting: match arrival.lines_waiting {
            0 => "nobody waits".to_owned(),
            WAITING_MAX.. => format!("{} or more lines wait", words::count(waiting)),
            _ => words::counted(waiting, "line waits", "lines wait"),
        },
        is_late: arrival.late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_month_stands_under_its_weekday() {
        let first = parse_date("2026-12-01").unwrap();
        let cells = cells(&Shop::default(), first, &[], parse_date("2026-12-24").unwrap());
        assert_eq!((cells.len(), cells[0].column, &*cells[0].weekday), (31, 2, "Tuesday"));
        assert!(cells[1..].iter().all(|cell| cell.column == 0), "the others follow by themselves");
        let today: Vec<&str> = cells.iter().filter(|cell| cell.is_today).map(|cell| &*cell.iso).collect();
        assert_eq!(today, ["2026-12-24"]);
        assert_eq!((cells[30].number, &*cells[30].weekday, cells[30].is_weekend), (31, "Thursday", false));
        let leap = parse_date("2028-02-01").unwrap();
        assert_eq!(super::cells(&Shop::default(), leap, &[], first).len(), 29);
        assert_eq!((title(leap), href(leap)), ("February 2028".into(), "/supply/month?month=2028-02".into()));
        assert!(turn(parse_date("1970-01-01").unwrap().yesterday().unwrap()).is_none());
    }
}
