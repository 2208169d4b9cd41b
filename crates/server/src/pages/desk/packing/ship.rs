//! Sending: one order by its button, many by a table with the carrier's numbers.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use connect::tables::{Plain, text::unguard};
use engine::Answer;
use model::{
    Units,
    command::{Command, Ship},
    id::{LineId, OrderId},
    limits::NAME_CHARS_MAX,
    refusal::{RefusalCode, Rejection},
    time::{Timestamp, seconds_after},
};
use serde::Deserialize;

use super::{
    super::{super::form::once_key, super::page, super::see_other, super::shop::encoded, Ask, Fail, sorry},
    Cut, Frame, Packer,
    released::{self, Released},
    words,
};

/// What goes in one parcel: an order, when it was sent, its carrier and its tracking number.
type Parcel = (OrderId, Timestamp, Option<Arc<str>>, Option<Arc<str>>);

/// Most rows of one table.
const ROWS_MAX: usize = 2_000;
/// How far ahead of ours a carrier's clock may be, in seconds.
const AHEAD_S_MAX: i64 = 86_400;

/// The button beside one order.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct One {
    at: String,
    order: String,
    tracking: String,
    carrier: String,
    once: String,
}

/// A table of what was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Many {
    at: String,
    table: String,
    /// `take`: it is done. Anything else tries it.
    act: String,
}

/// Why goods of a line cannot be sent from here.
fn blocked(line: &Released) -> Option<&'static str> {
    line.is_elsewhere.then_some("some of this line is packed at another location: ask the shop to enter it")
}

/// Why a shipment was refused, for somebody who packs.
fn refused(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Refused(refusal)
            if matches!(refusal.code, RefusalCode::AlreadyShipped | RefusalCode::NotAllocated) =>
        {
            "Somebody has sent it already, or the shop took it back. Nothing was done a second time."
                .to_owned()
        }
        other => sorry(other),
    }
}

/// A carrier and its number for a parcel, as somebody wrote them.
fn told([carrier, number]: [&str; 2]) -> Result<[Option<Arc<str>>; 2], &'static str> {
    let read = |text: &str| {
        let text = text.trim();
        let is_wrong = text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control);
        (!is_wrong).then(|| (!text.is_empty()).then(|| text.into()))
    };
    let carrier = read(carrier).ok_or("the carrier’s name is too long")?;
    Ok([carrier, read(number).ok_or("the carrier’s number is too long")?])
}

/// `POST /packing/send`: all that is to be packed here of one order.
pub(super) fn one(ask: &Ask, sent: &One) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let order: OrderId = sent.order.parse().map_err(|_| Fail::NotFound)?;
    let again = |problem: String| {
        let cut = Cut { at: sent.at.clone(), ..Cut::default() };
        super::show(ask, &cut, Some(problem), StatusCode::CONFLICT)
    };
    let [carrier, tracking] = match told([&sent.carrier, &sent.tracking]) {
        Ok(told) => told,
        Err(problem) => return again(format!("{}.", words::sentence(problem))),
    };
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, Some(order))?;
    drop(reader);
    if let Some(problem) = found.lines.iter().find_map(blocked) {
        return again(format!("{}.", words::sentence(problem)));
    }
    if found.lines.is_empty() {
        return again(
            "Nothing of that order is to be packed here any more: somebody has sent it, or the shop took it back."
                .to_owned(),
        );
    }
    let lines: Vec<(LineId, Option<Units>)> =
        found.lines.iter().map(|line| (line.line, Some(line.units))).collect();
    let key = once_key(&sent.once, &["packed", &sent.order, sent.tracking.trim()]);
    // The next parcel goes most often with whoever took this one.
    let next = carrier.as_deref().map_or_else(String::new, |name| format!("&carrier={}", encoded(name)));
    let ship = Ship { order, lines, tracking, carrier, tracking_url: None, shipped_at: ask.now };
    match ask.command(packer.tenant(), Command::Ship(ship), key)? {
        Ok(Answer::Shipped(_)) => see_other(&format!("{}&done=sent{next}", packer.href())),
        Ok(other) => Err(Fail::Defect(format!("a shipment was answered with {other:?}"))),
        Err(rejection) => again(refused(&rejection)),
    }
}

#[derive(Template)]
#[template(path = "desk/shipments.html")]
struct Page {
    frame: Frame,
    back: String,
    at: String,
    place: String,
    table: String,
    rows: Vec<Row>,
    good: usize,
    bad: usize,
    is_done: bool,
    problem: Option<String>,
}

/// One row of the table, and what comes of it.
struct Row {
    row: u64,
    what: String,
    tracking: String,
    said: String,
    is_bad: bool,
}

/// `GET /packing/shipments`.
pub(super) fn show(ask: &Ask, at: &str) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, at)?;
    answer(ask, &packer, String::new(), Vec::new(), None, false, StatusCode::OK)
}

fn answer(
    ask: &Ask,
    packer: &Packer,
    table: String,
    rows: Vec<Row>,
    problem: Option<String>,
    is_done: bool,
    status: StatusCode,
) -> Result<Response, Fail> {
    let bad = rows.iter().filter(|row| row.is_bad).count();
    let page_ = Page {
        frame: packer.frame(ask),
        back: packer.href(),
        at: packer.at.to_string(),
        place: packer.name(),
        good: rows.len() - bad,
        bad,
        table,
        rows,
        is_done,
        problem,
    };
    page(status, &page_)
}

/// A row that can be done.
struct Wanted {
    at: usize,
    line: LineId,
    units: Units,
    carrier: Option<Arc<str>>,
    tracking: Option<Arc<str>>,
    shipped_at: Timestamp,
}

/// `POST /packing/shipments`: tries a table, or does what it says. Rows with one number that leave at one moment are one
/// parcel of their order.
pub(super) fn many(ask: &Ask, sent: Many) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, None)?;
    drop(reader);
    let (mut rows, wanted) = match read(&sent.table, &found, ask.now) {
        Ok(read) => read,
        Err(problem) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return answer(ask, &packer, sent.table, Vec::new(), Some(problem), false, status);
        }
    };
    let is_done = sent.act == "take";
    if is_done {
        let mut parcels: BTreeMap<Parcel, Vec<Wanted>> = BTreeMap::new();
        for row in wanted {
            let key = (row.line.order, row.shipped_at, row.carrier.clone(), row.tracking.clone());
            parcels.entry(key).or_default().push(row);
        }
        for ((order, shipped_at, carrier, tracking), wanted) in parcels {
            let lines = wanted.iter().map(|row| (row.line, Some(row.units))).collect();
            let ship = Ship { order, lines, tracking, carrier, tracking_url: None, shipped_at };
            let outcome = ask.command(packer.tenant(), Command::Ship(ship), None)?;
            for row in wanted {
                let row = &mut rows[row.at];
                (row.said, row.is_bad) = match &outcome {
                    Ok(_) => ("Sent".to_owned(), false),
                    Err(rejection) => (refused(rejection), true),
                };
            }
        }
    }
    answer(ask, &packer, sent.table, rows, None, is_done, StatusCode::OK)
}

/// Reads the table: each row with what it would do, and those that can be done.
fn read(table: &str, found: &released::Found, now: Timestamp) -> Result<(Vec<Row>, Vec<Wanted>), String> {
    if table.trim().is_empty() {
        return Err("Please choose a file, or paste a table with its header row.".to_owned());
    }
    let mut plain =
        Plain::open(table.as_bytes()).map_err(|error| format!("{}.", words::sentence(&error.to_string())))?;
    let names: Vec<String> = plain.names().iter().map(|name| name.trim().to_lowercase()).collect();
    let column = |name: &str| names.iter().position(|column| column == name);
    let (Some(line), Some(number)) = (column("line"), column("tracking")) else {
        return Err("The table needs the columns line and tracking; carrier, quantity and shipped_at are read where they stand."
            .to_owned());
    };
    let (quantity, shipped_at, carrier) = (column("quantity"), column("shipped_at"), column("carrier"));
    let mut left: BTreeMap<LineId, Units> = found.lines.iter().map(|line| (line.line, line.units)).collect();
    let (mut rows, mut wanted) = (Vec::new(), Vec::new());
    let mut cells = Vec::new();
    while let Some(next) = plain.next(&mut cells) {
        if rows.len() == ROWS_MAX {
            return Err(format!("At most {ROWS_MAX} rows at once, please."));
        }
        let cell =
            |at: Option<usize>| at.and_then(|at| cells.get(at)).map_or("", |cell| unguard(cell).trim());
        let row = match next {
            Ok(row) => row,
            Err(error) => {
                let said = format!("{}.", words::sentence(&error.to_string()));
                rows.push(Row { row: 0, what: String::new(), tracking: String::new(), said, is_bad: true });
                if error.ends_file() {
                    break;
                }
                continue;
            }
        };
        let cells = [cell(Some(line)), cell(quantity), cell(Some(number)), cell(shipped_at), cell(carrier)];
        let read = wish(cells, found, &mut left, now, rows.len());
        let (said, is_bad) = match &read {
            Ok(wish) => (format!("{} to be sent", words::counted(wish.units, "unit", "units")), false),
            Err(problem) => (format!("{}.", words::sentence(problem)), true),
        };
        let known = cells[0].parse().ok().and_then(|id| found.lines.iter().find(|line| line.line == id));
        let what = known.map(|line| {
            let order = found.order(line.line.order).map(released::number).unwrap_or_default();
            format!("{order} · {}", words::title(&found.shop, &line.sku))
        });
        rows.push(Row {
            row,
            what: what.unwrap_or_else(|| cells[0].chars().take(60).collect()),
            tracking: cells[2].chars().take(60).collect(),
            said,
            is_bad,
        });
        wanted.extend(read);
    }
    Ok((rows, wanted))
}

fn wish(
    [line, quantity, number, shipped_at, carrier]: [&str; 5],
    found: &released::Found,
    left: &mut BTreeMap<LineId, Units>,
    now: Timestamp,
    at: usize,
) -> Result<Wanted, String> {
    let not_here = "nothing of that line is to be packed here: it was sent already, or it is none of yours";
    let id: LineId =
        line.parse().map_err(|_| "the line is its id, as in the table of lines to pack".to_owned())?;
    let known = found.lines.iter().find(|line| line.line == id).ok_or(not_here)?;
    if let Some(problem) = blocked(known) {
        return Err(problem.to_owned());
    }
    let there = left.get_mut(&id).filter(|units| **units > 0).ok_or(not_here)?;
    let units = match quantity {
        "" => *there,
        text => text
            .parse()
            .ok()
            .filter(|units| *units > 0)
            .ok_or("the quantity is a whole number from 1".to_owned())?,
    };
    if units > *there {
        return Err(format!(
            "{} to be packed here, not {units}",
            words::counted(*there, "unit is", "units are")
        ));
    }
    let shipped_at = match shipped_at {
        "" => now,
        text => {
            let read: Timestamp =
                text.parse().map_err(|_| "the moment is written as 2026-12-01T09:00:00Z".to_owned())?;
            let latest = seconds_after(now, AHEAD_S_MAX).unwrap_or(now);
            if read > latest || read.as_second() < 0 {
                return Err("the moment lies ahead: what is still to leave has not been sent".to_owned());
            }
            read
        }
    };
    let [carrier, tracking] = told([carrier, number])?;
    *there -= units;
    Ok(Wanted { at, line: id, units, carrier, tracking, shipped_at })
}
