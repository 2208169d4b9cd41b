//! Goods that come to the location: counted, and what was found is written down.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Answer;
use ledger::{Read, RecordFilter, Shelf};
use model::{
    Units,
    command::{Command, KeepPrivate, Receive},
    id::{LocationId, RunId, Sku, SupplyId, TenantId},
    limits::TEXT_CHARS_MAX,
    record::Record,
    refusal::{RefusalCode, Rejection},
    supply::{Supply, SupplyState},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        super::{form::once_key, page, see_other},
        Ask, Day, Fail, sorry,
        supplies::units,
        supply::tag,
    },
    Cut, Frame, Packer, photos, words,
};

/// What was counted, as it is kept: a private record, since a note may speak of people. Its id is the run's.
const COUNTED: &str = "packing_receipt";
/// Deliveries looked at for those that come to one location.
const DUE_MAX: usize = 5_000;
/// Deliveries shown.
const SHOWN: usize = 100;

/// What somebody counted when a delivery came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::pages::desk) struct Counted {
    pub(in crate::pages::desk) location: LocationId,
    pub(in crate::pages::desk) accepted: Units,
    pub(in crate::pages::desk) damaged: Units,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(in crate::pages::desk) note: String,
    /// Who.
    pub(in crate::pages::desk) by: String,
    pub(in crate::pages::desk) at: Timestamp,
    /// Where its photos are shown.
    #[serde(skip)]
    pub(in crate::pages::desk) photos: Vec<String>,
}

/// What was counted of a delivery, the oldest first.
pub(in crate::pages::desk) fn counted(
    reader: &mut dyn Read,
    tenant: &TenantId,
    supply: SupplyId,
) -> Result<Vec<Counted>, Fail> {
    let owner = supply.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let records = reader.record_page(tenant, Shelf::Private, COUNTED, &filter, (None, SHOWN))?;
    let photos = photos::of_delivery(reader, tenant, supply)?;
    let read = |record: &Record| {
        let counted: Counted = record.read().ok().flatten()?;
        let own = photos.iter().filter(|(run, _)| *run == *record.id).map(|(_, href)| href.clone());
        Some(Counted { photos: own.collect(), ..counted })
    };
    let mut found: Vec<Counted> = records.iter().filter_map(read).collect();
    found.sort_by_key(|counted| counted.at);
    Ok(found)
}

/// A delivery that is to come.
pub(super) struct Due {
    pub(super) id: String,
    pub(super) sku: Sku,
    pub(super) title: String,
    pub(super) from: String,
    pub(super) day: Option<Day>,
    pub(super) is_late: bool,
    pub(super) units: Units,
    pub(super) seen: String,
    /// What of it is ring-fenced, a sentence a channel.
    pub(super) fenced: Vec<String>,
}

/// Deliveries with a date that come to the location, the soonest first.
pub(super) fn due(reader: &mut dyn Read, packer: &Packer, ask: &Ask) -> Result<Vec<Due>, Fail> {
    let local = packer.local(ask);
    let mut supplies = reader.arrivals(packer.tenant(), DUE_MAX)?;
    supplies.retain(|supply| is_due(supply) && supply.location == packer.at);
    supplies.truncate(SHOWN);
    let mut skus: Vec<Sku> = supplies.iter().map(|supply| supply.sku.clone()).collect();
    skus.sort_unstable();
    skus.dedup();
    let pools = reader.pools(packer.tenant(), &skus)?;
    let title = |sku: &Sku| {
        let pool = pools.iter().find(|pool| pool.sku() == sku);
        pool.map(|pool| pool.item.title.to_string())
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| sku.to_string())
    };
    let row = |supply: &Supply| Due {
        id: supply.id.to_string(),
        title: title(&supply.sku),
        from: [supply.supplier.as_deref(), supply.reference.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
        is_late: supply.expected_on.is_some_and(|date| date < local.today),
        day: supply.expected_on.map(|date| local.day(date)),
        units: supply.quantity,
        seen: tag(supply),
        fenced: fenced(supply),
        sku: supply.sku.clone(),
    };
    Ok(supplies.iter().map(row).collect())
}

fn fenced(supply: &Supply) -> Vec<String> {
    let said = supply
        .ring_fenced
        .iter()
        .map(|fence| words::fenced(fence.channel.as_str(), fence.units, supply.left_for(&fence.channel)));
    said.collect()
}

fn is_due(supply: &Supply) -> bool {
    supply.state == SupplyState::Due && !supply.kind.is_elastic()
}

/// What came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Came {
    at: String,
    supply: String,
    accepted: String,
    damaged: String,
    /// `true`: nothing more will come.
    close: String,
    note: String,
    seen: String,
    once: String,
}

#[derive(Template)]
#[template(path = "desk/received.html")]
struct Done {
    frame: Frame,
    back: String,
    at: String,
    title: String,
    said: Vec<String>,
    run: String,
    once: String,
    /// What was found, and photos of it.
    note: String,
    photos: Vec<String>,
    photos_left: usize,
    problem: Option<String>,
}

/// `POST /packing/receive`.
pub(super) fn take(ask: &Ask, sent: &Came) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let again = |problem: &str, status| {
        let cut = Cut { at: sent.at.clone(), ..Cut::default() };
        super::show(ask, &cut, Some(problem.to_owned()), status)
    };
    let unclear = StatusCode::UNPROCESSABLE_ENTITY;
    let number = |text: &str| if text.trim().is_empty() { Some(0) } else { units(text) };
    let (Some(accepted), Some(damaged)) = (number(&sent.accepted), number(&sent.damaged)) else {
        return again("Please enter how many came, as whole numbers.", unclear);
    };
    if accepted + damaged == 0 {
        return again("Please enter how many came, good or damaged.", unclear);
    }
    let note = sent.note.trim();
    if note.chars().count() > TEXT_CHARS_MAX || note.chars().any(|c| c.is_control() && c != '\n' && c != '\r')
    {
        return again("The note is too long.", unclear);
    }
    let id: SupplyId = sent.supply.parse().map_err(|_| Fail::NotFound)?;
    let supply = ask.app.engine.store().reader()?.supply(packer.tenant(), id)?;
    let supply = supply.filter(|supply| supply.location == packer.at).ok_or(Fail::NotFound)?;
    let fields = ["packed in", &sent.supply, &sent.accepted, &sent.damaged, &sent.close, note];
    let key = once_key(&sent.once, &fields);
    let is_repeated = match &key {
        Some(key) => super::super::change::was_done(ask, packer.tenant(), &key.key)?,
        None => false,
    };
    if (!is_due(&supply) || tag(&supply) != sent.seen) && !is_repeated {
        let problem = "Somebody changed or received that delivery while you were counting, so nothing was done. \
            Please look at it again.";
        return again(problem, StatusCode::CONFLICT);
    }
    let left = (supply.quantity - accepted - damaged).max(0);
    let close = sent.close == "true" && left > 0;
    let wish = Receive { accepted: Some(accepted), damaged, close, ..Receive::whole(id) };
    let change = match ask.command(packer.tenant(), Command::Receive(wish), key)? {
        Ok(Answer::SupplyChanged(change)) => change,
        Ok(other) => return Err(Fail::Defect(format!("a receipt was answered with {other:?}"))),
        Err(rejection) => return again(&sorry(&rejection), StatusCode::CONFLICT),
    };
    let counted = Counted {
        location: packer.at.clone(),
        accepted,
        damaged,
        note: note.to_owned(),
        by: packer.who(),
        at: ask.now,
        photos: Vec::new(),
    };
    let run = change.run.to_string();
    keep(ask, packer.tenant(), &run, &id.to_string(), &counted)?;
    let rest = match (left, close) {
        (0, _) => None,
        (left, true) => Some(format!("{} will not come.", words::counted(left, "unit", "units"))),
        (left, false) => Some(format!("{} due.", words::counted(left, "unit stays", "units stay"))),
    };
    done(ask, &packer, (&run, &supply), counted, rest, None, StatusCode::OK)
}

/// A receipt as it is kept, and the delivery it is of; one at another location is not there.
fn kept(ask: &Ask, packer: &Packer, run: &str) -> Result<(Counted, Supply), Fail> {
    let mut reader = ask.app.engine.store().reader()?;
    let found = reader.records(packer.tenant(), Shelf::Private, COUNTED, &[run])?;
    let record = found.first().ok_or(Fail::NotFound)?;
    let id: SupplyId = record.owner.parse().map_err(|_| Fail::NotFound)?;
    let counted: Option<Counted> = record.read().ok().flatten();
    let counted = counted.filter(|counted| counted.location == packer.at).ok_or(Fail::NotFound)?;
    let photos = photos::of_delivery(&mut *reader, packer.tenant(), id)?;
    let photos = photos.into_iter().filter(|(of, _)| of == run).map(|(_, href)| href).collect();
    let supply = reader.supply(packer.tenant(), id)?.ok_or(Fail::NotFound)?;
    Ok((Counted { photos, ..counted }, supply))
}

/// The delivery that a receipt of this location is of.
pub(super) fn delivery_of(ask: &Ask, packer: &Packer, run: &str) -> Result<SupplyId, Fail> {
    Ok(kept(ask, packer, run)?.1.id)
}

/// `GET /packing/receipts/{run}`.
pub(super) fn show(ask: &Ask, run: &str, cut: &Cut) -> Result<Response, Fail> {
    shown(ask, &Packer::looking(ask, &cut.at)?, run, None, StatusCode::OK)
}

/// A receipt with what could not be done.
pub(super) fn shown(
    ask: &Ask,
    packer: &Packer,
    run: &str,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let (counted, supply) = kept(ask, packer, run)?;
    done(ask, packer, (run, &supply), counted, None, problem, status)
}

fn done(
    ask: &Ask,
    packer: &Packer,
    (run, supply): (&str, &Supply),
    counted: Counted,
    rest: Option<String>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let good = words::counted(counted.accepted, "good unit is", "good units are");
    let mut said = vec![format!("{good} taken in.")];
    if counted.damaged > 0 {
        said.push(format!(
            "{} set apart as damaged.",
            words::counted(counted.damaged, "unit is", "units are")
        ));
    }
    said.extend(rest);
    said.push("The shop sees what you counted, wrote and photographed.".to_owned());
    let page_ = Done {
        frame: packer.frame(ask),
        back: packer.href(),
        at: packer.at.to_string(),
        title: super::super::supply::title_of(ask, packer.tenant(), &supply.sku)?,
        said,
        run: run.to_owned(),
        once: ask.once(),
        note: counted.note,
        photos_left: photos::PHOTOS_MAX.saturating_sub(counted.photos.len()),
        photos: counted.photos,
        problem,
    };
    page(status, &page_)
}

fn keep(ask: &Ask, tenant: &TenantId, run: &str, supply: &str, counted: &Counted) -> Result<(), Fail> {
    let record = Record::new(COUNTED, run, counted).map_err(|error| Fail::Defect(error.to_string()))?;
    let record = Record { owner: supply.into(), ..record };
    let wish = KeepPrivate { records: vec![record], ..KeepPrivate::default() };
    match ask.command(tenant, Command::KeepPrivate(wish), None)? {
        Ok(_) => Ok(()),
        Err(rejection) => Err(Fail::Defect(format!("a count was refused: {rejection:?}"))),
    }
}

/// The button that takes a receipt back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Undo {
    at: String,
    run: String,
    once: String,
}

/// `POST /packing/undo`: only what was received at the same location on these pages.
pub(super) fn undo(ask: &Ask, sent: &Undo) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let run: RunId = sent.run.parse().map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = reader.records(packer.tenant(), Shelf::Private, COUNTED, &[&sent.run])?;
    drop(reader);
    let counted: Option<Counted> = found.first().and_then(|record| record.read().ok().flatten());
    counted.filter(|counted| counted.location == packer.at).ok_or(Fail::NotFound)?;
    let key = once_key(&sent.once, &["unpacked", &sent.run]);
    match ask.command(packer.tenant(), Command::UndoRun(run), key)? {
        Ok(_) => see_other(&format!("{}&done=undone", packer.href())),
        Err(rejection) => {
            let problem = match &rejection {
                Rejection::Refused(refusal) if refusal.code == RefusalCode::AlreadyUndone => {
                    "Somebody has undone it already.".to_owned()
                }
                _ => sorry(&rejection),
            };
            let cut = Cut { at: sent.at.clone(), ..Cut::default() };
            super::show(ask, &cut, Some(problem), StatusCode::CONFLICT)
        }
    }
}
