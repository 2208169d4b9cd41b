//! How goods are prepared before they are sent: a checklist for a SKU in versions, and the log of who followed which.
//!
//! Both are private records: the log names people.

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{Read, RecordFilter, Shelf};
use model::{
    Units,
    command::{Command, KeepPrivate},
    id::{LocationId, Sku, TenantId},
    limits::{LINE_UNITS_MAX, NAME_CHARS_MAX},
    record::Record,
    refusal::Rejection,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        super::{page, see_other},
        Ask, Fail,
        supply::title_of,
    },
    Cut, Frame, Packer, encoded,
    receive::Due,
    released::Found,
    sku, words,
};

/// The kind of a version of a checklist: its id is the SKU and the version's number, its owner the SKU.
const LIST: &str = "prep_list";
/// The kind of an entry of the log; its owner is the SKU.
const DONE: &str = "prep_done";
/// Most steps of a checklist.
const STEPS_MAX: usize = 40;
/// Longest step, in characters.
const STEP_CHARS_MAX: usize = 300;
/// Most versions of one checklist.
const VERSIONS_MAX: usize = 200;
/// Entries of the log shown.
const LOG_SHOWN: usize = 50;
/// Entries looked at for the newest ones.
const LOG_MAX: usize = 2_000;

/// One version of a checklist.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct List {
    version: u32,
    /// What to do, in order; empty: nothing any more.
    steps: Vec<String>,
    by: String,
    at: Timestamp,
}

/// Somebody followed a checklist.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Followed {
    version: u32,
    location: LocationId,
    units: Units,
    /// A delivery, an order, a box: whatever they wrote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    what: String,
    by: String,
    at: Timestamp,
}

fn id(sku: &Sku, version: u32) -> String {
    format!("{sku}@{version:06}")
}

/// The versions of a SKU's checklist, the newest first.
fn versions(reader: &mut dyn Read, tenant: &TenantId, sku: &Sku) -> Result<Vec<List>, Fail> {
    let filter = RecordFilter { owner: Some(sku.as_str()), state: None };
    let records = reader.record_page(tenant, Shelf::Private, LIST, &filter, (None, VERSIONS_MAX))?;
    let mut lists: Vec<List> = records.iter().filter_map(|record| record.read().ok().flatten()).collect();
    lists.sort_by_key(|list| std::cmp::Reverse(list.version));
    Ok(lists)
}

/// SKUs that are to be packed or received and have a checklist, with their titles.
pub(super) fn named(
    reader: &mut dyn Read,
    tenant: &TenantId,
    found: &Found,
    due: &[Due],
) -> Result<Vec<(String, String)>, Fail> {
    let packed = found.lines.iter().flat_map(|line| line.picks.iter().map(|(sku, _)| sku).chain([&line.sku]));
    let skus: BTreeSet<&Sku> = packed.chain(due.iter().map(|due| &due.sku)).collect();
    let mut named = Vec::new();
    for sku in skus {
        if versions(reader, tenant, sku)?.first().is_some_and(|list| !list.steps.is_empty()) {
            let came = due.iter().find(|due| due.sku == *sku).map(|due| due.title.clone());
            let title = came.unwrap_or_else(|| words::title(&found.shop, sku));
            named.push((sku.to_string(), title));
        }
    }
    Ok(named)
}

#[derive(Template)]
#[template(path = "desk/prep.html")]
struct Page {
    frame: Frame,
    back: String,
    at: String,
    place: String,
    sku: String,
    title: String,
    /// The version that holds; 0: there is none.
    version: u32,
    steps: Vec<String>,
    can_edit: bool,
    /// The steps as they were typed, one a line.
    text: String,
    versions: Vec<Version>,
    log: Vec<Entry>,
    saved: Option<&'static str>,
    problem: Option<String>,
}

struct Version {
    version: u32,
    when: String,
    by: String,
    steps: Vec<String>,
}

struct Entry {
    when: String,
    by: String,
    version: u32,
    units: Units,
    what: String,
    place: String,
}

/// `GET /packing/prep`.
pub(super) fn show(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, &cut.at)?;
    let saved = match &*cut.done {
        "kept" => Some("A new version is kept."),
        "followed" => Some("Written into the log."),
        _ => None,
    };
    answer(ask, &packer, &sku(&cut.sku)?, None, saved, None, StatusCode::OK)
}

/// Whether a partner may know of a SKU: something of it is, was or comes to where they pack.
pub(super) fn is_theirs(reader: &mut dyn Read, packer: &Packer, sku: &Sku) -> Result<bool, Fail> {
    if packer.runs_shop() {
        return Ok(true);
    }
    let Some(pool) = reader.pools(packer.tenant(), std::slice::from_ref(sku))?.pop() else {
        return Ok(false);
    };
    let parts = pool.item.components.iter().map(|part| &part.sku);
    for sku in parts.chain((!pool.item.is_kit()).then_some(sku)) {
        let supplies = reader.supply_page(packer.tenant(), Some(sku), true, None, LOG_MAX)?;
        if supplies.iter().any(|supply| supply.location == packer.at) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn answer(
    ask: &Ask,
    packer: &Packer,
    sku: &Sku,
    typed: Option<String>,
    saved: Option<&'static str>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let mut reader = ask.app.engine.store().reader()?;
    if reader.pools(packer.tenant(), std::slice::from_ref(sku))?.is_empty()
        || !is_theirs(&mut *reader, packer, sku)?
    {
        return Err(Fail::NotFound);
    }
    let lists = versions(&mut *reader, packer.tenant(), sku)?;
    let filter = RecordFilter { owner: Some(sku.as_str()), state: None };
    let records = reader.record_page(packer.tenant(), Shelf::Private, DONE, &filter, (None, LOG_MAX))?;
    drop(reader);
    let mut log: Vec<Followed> = records.iter().filter_map(|record| record.read().ok().flatten()).collect();
    log.retain(|entry| packer.runs_shop() || packer.places.contains_key(&entry.location));
    log.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    log.truncate(LOG_SHOWN);
    let local = packer.local(ask);
    let newest = lists.first();
    let steps = newest.map(|list| list.steps.clone()).unwrap_or_default();
    let page_ = Page {
        frame: packer.frame(ask),
        back: packer.href(),
        at: packer.at.to_string(),
        place: packer.name(),
        title: title_of(ask, packer.tenant(), sku)?,
        sku: sku.to_string(),
        version: newest.map_or(0, |list| list.version),
        text: typed.unwrap_or_else(|| steps.join("\n")),
        steps,
        can_edit: packer.runs_shop(),
        versions: lists
            .iter()
            .map(|list| Version {
                version: list.version,
                when: local.moment(list.at),
                by: list.by.clone(),
                steps: list.steps.clone(),
            })
            .collect(),
        log: log
            .into_iter()
            .map(|entry| Entry {
                when: local.moment(entry.at),
                place: entry.location.to_string(),
                by: entry.by,
                version: entry.version,
                units: entry.units,
                what: entry.what,
            })
            .collect(),
        saved,
        problem,
    };
    page(status, &page_)
}

/// A new version, or an entry of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    at: String,
    sku: String,
    /// `edit` or `follow`.
    act: String,
    /// The version that was on the page.
    version: String,
    steps: String,
    units: String,
    what: String,
    /// The steps that were ticked: `step-0` and on.
    #[serde(flatten)]
    ticked: std::collections::BTreeMap<String, String>,
}

/// `POST /packing/prep`.
pub(super) fn change(ask: &Ask, sent: &Change) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let sku = sku(&sent.sku)?;
    let mut reader = ask.app.engine.store().reader()?;
    if reader.pools(packer.tenant(), std::slice::from_ref(&sku))?.is_empty()
        || !is_theirs(&mut *reader, &packer, &sku)?
    {
        return Err(Fail::NotFound);
    }
    let newest = versions(&mut *reader, packer.tenant(), &sku)?.into_iter().next();
    drop(reader);
    let again = |problem: &str, status| {
        let typed = (sent.act == "edit").then(|| sent.steps.clone());
        answer(ask, &packer, &sku, typed, None, Some(problem.to_owned()), status)
    };
    let seen: u32 = sent.version.trim().parse().map_err(|_| Fail::Form)?;
    if newest.as_ref().map_or(0, |list| list.version) != seen {
        let problem = "Somebody changed the checklist while you were at it. Here is how it reads now; nothing was written.";
        return again(problem, StatusCode::CONFLICT);
    }
    let unclear = StatusCode::UNPROCESSABLE_ENTITY;
    let (record, unless, done) = match (&*sent.act, &newest) {
        ("edit", _) => {
            if !packer.runs_shop() {
                return Err(Fail::Forbidden);
            }
            let steps = match steps(&sent.steps) {
                Ok(steps) => steps,
                Err(problem) => return again(&problem, unclear),
            };
            let version = seen + 1;
            let list = List { version, steps, by: packer.who(), at: ask.now };
            let id = id(&sku, version);
            (Record::new(LIST, &id, &list), vec![(LIST.into(), id.as_str().into())], "kept")
        }
        ("follow", Some(list)) if !list.steps.is_empty() => {
            let ticked = |at: usize| sent.ticked.contains_key(&format!("step-{at}"));
            if !(0..list.steps.len()).all(ticked) {
                return again("Please tick every step once it is done.", unclear);
            }
            let units: Option<Units> = sent.units.trim().parse().ok();
            let Some(units) = units.filter(|units| (1..=LINE_UNITS_MAX).contains(units)) else {
                return again(
                    "Please enter how many units were prepared, as a whole number from 1.",
                    unclear,
                );
            };
            let what = sent.what.trim();
            if what.chars().count() > NAME_CHARS_MAX || what.chars().any(char::is_control) {
                return again("What it was for is too long.", unclear);
            }
            let entry = Followed {
                version: list.version,
                location: packer.at.clone(),
                units,
                what: what.to_owned(),
                by: packer.who(),
                at: ask.now,
            };
            (Record::new(DONE, &ask.once(), &entry), Vec::new(), "followed")
        }
        _ => return Err(Fail::Form),
    };
    let record = record.map_err(|error| Fail::Defect(error.to_string()))?;
    let record = Record { owner: sku.as_str().into(), ..record };
    let wish = KeepPrivate { unless, records: vec![record], ..KeepPrivate::default() };
    match ask.command(packer.tenant(), Command::KeepPrivate(wish), None)? {
        Ok(_) => {
            let (at, sku) = (encoded(packer.at.as_str()), encoded(sku.as_str()));
            see_other(&format!("/packing/prep?at={at}&sku={sku}&done={done}"))
        }
        // Somebody kept the same number in the same instant.
        Err(Rejection::Stale | Rejection::NotFound { .. }) => again(
            "Somebody changed the checklist while you were at it. Nothing was written.",
            StatusCode::CONFLICT,
        ),
        Err(rejection) => again(&super::super::sorry(&rejection), StatusCode::CONFLICT),
    }
}

/// Steps, one a line.
fn steps(text: &str) -> Result<Vec<String>, String> {
    let steps: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if steps.len() > STEPS_MAX {
        return Err(format!("At most {STEPS_MAX} steps, please."));
    }
    match steps
        .iter()
        .find(|step| step.chars().count() > STEP_CHARS_MAX || step.chars().any(char::is_control))
    {
        Some(_) => Err(format!("A step has at most {STEP_CHARS_MAX} characters.")),
        None => Ok(steps),
    }
}
