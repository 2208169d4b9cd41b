//! Taking an import back, step by step, the last thing first: where nothing has followed on it, else the page says why it stays.
//!
//! An import that did something is a private record, and what it did stands in *parts* beside it. A step takes back one part.
//! Each thing is done under a key of its own or with the tag of what the import set, so that two who press the button at once,
//! or a step that is done again, take it back once.

use std::{fmt::Display, sync::Arc};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Key;
use ledger::{Read, RecordFilter, Shelf};
use model::{
    Units,
    command::{Adjust, CancelOrder, CancelSupply, Command, KeepPrivate, PutItem, PutPolicy},
    event::AdjustReason,
    id::{Channel, LocationId, OrderId, Sku, SupplyId, TenantId},
    item::{Item, Policy},
    limits::NAME_CHARS_MAX,
    pool::Pool,
    record::Record,
    refusal::Rejection,
    supply::SupplyState,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    super::{
        super::{Frame, page, see_other, within::Call, words},
        Ask, Fail, Local, sorry,
    },
    what,
};
use crate::{
    import::{Deed, Report},
    staff::{May, Visitor},
};

/// The kind of an import that did something.
const RUN: &str = "import_run";
/// The kind of a part of what it did.
const PART: &str = "import_part";
/// Things in one part.
const PART_SIZE: usize = 100;
/// Imports listed.
pub(super) const LISTED: usize = 10;
/// The last moment that has a place in an import's id, in milliseconds.
const MS_MAX: i64 = 9_999_999_999_999;
/// Things shown of one import.
const SHOWN: usize = 200;

/// An import as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    /// What kind of table it was.
    kind: String,
    by: String,
    at: Timestamp,
    rows: u64,
    imported: u64,
    bad: u64,
    parts: usize,
    things: usize,
    /// It did more than is noted, and so cannot be taken back as a whole.
    #[serde(default)]
    did_more: bool,
    /// Somebody has begun to take it back.
    #[serde(default)]
    is_undone: bool,
}

/// One thing that it did, and what became of taking it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Thing {
    deed: Deed,
    #[serde(default)]
    state: State,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    said: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As the import left it, as far as is known.
    #[default]
    Done,
    Undone,
    /// It could not be taken back.
    Kept,
}

fn part_id(run: &str, nth: usize) -> String {
    format!("{run}-{nth:03}")
}

fn kept(kind: &str, id: &str, body: &impl Serialize) -> Result<Record, Fail> {
    Record::new(kind, id, body).map_err(|error| Fail::Defect(error.to_string()))
}

fn keep(ask: &Ask, tenant: &TenantId, records: Vec<Record>) -> Result<(), Fail> {
    let wish = KeepPrivate { records, ..KeepPrivate::default() };
    match ask.command(tenant, Command::KeepPrivate(wish), None)? {
        Ok(_) => Ok(()),
        Err(rejection) => Err(Fail::Defect(format!("an import was not kept: {rejection:?}"))),
    }
}

/// Keeps what an import did; answers where it can be taken back. Nothing where it did nothing.
pub(super) fn note(
    ask: &Ask,
    visitor: &Visitor,
    kind: &str,
    report: &Report,
) -> Result<Option<String>, Fail> {
    if report.deeds.is_empty() {
        return Ok(None);
    }
    // The newest stands first among the records.
    let id = format!("{:013}{}", MS_MAX - ask.now.as_millisecond().clamp(0, MS_MAX), ask.once());
    let mut records = Vec::new();
    for (nth, deeds) in report.deeds.chunks(PART_SIZE).enumerate() {
        let thing = |deed: &Deed| Thing { deed: deed.clone(), state: State::Done, said: String::new() };
        let things: Vec<Thing> = deeds.iter().map(thing).collect();
        records.push(Record { owner: id.as_str().into(), ..kept(PART, &part_id(&id, nth), &things)? });
    }
    let run = Run {
        kind: kind.to_owned(),
        by: visitor.user.as_ref().map_or_else(|| "The sample shop".to_owned(), |user| user.name.clone()),
        at: ask.now,
        rows: report.rows,
        imported: report.imported,
        bad: report.errors_total,
        parts: records.len(),
        things: report.deeds.len(),
        did_more: report.did_more,
        is_undone: false,
    };
    records.push(kept(RUN, &id, &run)?);
    keep(ask, &visitor.tenant, records)?;
    Ok(Some(format!("/import/runs/{id}")))
}

/// An import in the list of the last ones.
pub(super) struct Listed {
    pub(super) href: String,
    pub(super) what: String,
    pub(super) when: String,
    pub(super) by: String,
    pub(super) imported: String,
    pub(super) bad: u64,
    pub(super) is_undone: bool,
}

/// The last imports, the newest first.
pub(super) fn list(ask: &Ask, tenant: &TenantId) -> Result<Vec<Listed>, Fail> {
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let filter = RecordFilter { owner: None, state: None };
    let records = reader.record_page(tenant, Shelf::Private, RUN, &filter, (None, LISTED))?;
    drop(reader);
    let read = |record: &Record| Some((Arc::clone(&record.id), record.read().ok().flatten()?));
    let runs: Vec<(Arc<str>, Run)> = records.iter().filter_map(read).collect();
    let listed = |(id, run): &(Arc<str>, Run)| Listed {
        href: format!("/import/runs/{id}"),
        what: words::sentence(kind_words(&run.kind)),
        when: local.moment(run.at),
        by: run.by.clone(),
        imported: super::number(run.imported),
        bad: run.bad,
        is_undone: run.is_undone,
    };
    Ok(runs.iter().map(listed).collect())
}

fn kind_words(kind: &str) -> &'static str {
    kind.parse().map_or("a table", what)
}

fn load(reader: &mut dyn Read, tenant: &TenantId, id: &str) -> Result<Run, Fail> {
    let found = reader.records(tenant, Shelf::Private, RUN, &[id])?;
    found.first().and_then(|record| record.read().ok().flatten()).ok_or(Fail::NotFound)
}

fn parts(reader: &mut dyn Read, tenant: &TenantId, id: &str, run: &Run) -> Result<Vec<Vec<Thing>>, Fail> {
    let ids: Vec<String> = (0..run.parts).map(|nth| part_id(id, nth)).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let records = reader.records(tenant, Shelf::Private, PART, &ids)?;
    let part = |id: &&str| {
        let record = records.iter().find(|record| &*record.id == *id);
        record.and_then(|record| record.read().ok().flatten()).unwrap_or_default()
    };
    Ok(ids.iter().map(part).collect())
}

#[derive(Template)]
#[template(path = "desk/import_run.html")]
struct Page {
    frame: Frame,
    id: String,
    what: String,
    by: String,
    when: String,
    rows: Vec<Row>,
    hidden: usize,
    all: usize,
    left: usize,
    undone: usize,
    stay: usize,
    is_undone: bool,
    did_more: bool,
}

struct Row {
    label: String,
    said: String,
    word: &'static str,
    tone: &'static str,
}

/// `GET /import/runs/{id}`.
pub(super) fn show(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    let mut reader = ask.app.engine.store().reader()?;
    let run = load(&mut *reader, &visitor.tenant, id)?;
    let mut things: Vec<Thing> =
        parts(&mut *reader, &visitor.tenant, id, &run)?.into_iter().flatten().collect();
    drop(reader);
    let count = |state| things.iter().filter(|thing| thing.state == state).count();
    let (left, undone, stay) = (count(State::Done), count(State::Undone), count(State::Kept));
    // What stays is what somebody wants to know.
    things.sort_by_key(|thing| thing.state != State::Kept);
    let row = |thing: &Thing| {
        let (word, tone) = match thing.state {
            State::Done => ("Went in", "here"),
            State::Undone => ("Taken back", "out"),
            State::Kept => ("Stays", "few"),
        };
        Row { label: thing.deed.label(), said: thing.said.clone(), word, tone }
    };
    let page_ = Page {
        frame: Frame::of(ask, &visitor, "import"),
        id: id.to_owned(),
        what: words::sentence(kind_words(&run.kind)),
        by: run.by.clone(),
        when: Local::of(ask, &visitor.tenant)?.moment(run.at),
        rows: things.iter().take(SHOWN).map(row).collect(),
        hidden: things.len().saturating_sub(SHOWN),
        all: things.len(),
        left,
        undone,
        stay,
        is_undone: run.is_undone,
        did_more: run.did_more,
    };
    page(StatusCode::OK, &page_)
}

/// `POST /import/runs/{id}`: takes one more part of it back.
pub(super) fn go(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let tenant = &visitor.tenant;
    let mut reader = ask.app.engine.store().reader()?;
    let mut run = load(&mut *reader, tenant, id)?;
    let all = parts(&mut *reader, tenant, id, &run)?;
    drop(reader);
    let is_open = |things: &Vec<Thing>| things.iter().any(|thing| thing.state == State::Done);
    if let Some(nth) = all.iter().rposition(is_open) {
        let mut things = all[nth].clone();
        for (at, thing) in things.iter_mut().enumerate().rev() {
            if thing.state == State::Done {
                let key = Undoing { ask, tenant, key: format!("import-{id}-{nth}-{at}") };
                (thing.state, thing.said) = match key.take_back(&thing.deed)? {
                    Ok(said) => (State::Undone, said),
                    Err(why) => (State::Kept, why),
                };
            }
        }
        run.is_undone = true;
        let part = Record { owner: id.into(), ..kept(PART, &part_id(id, nth), &things)? };
        keep(ask, tenant, vec![part, kept(RUN, id, &run)?])?;
    }
    see_other(&format!("/import/runs/{id}"))
}

/// One thing that is taken back: what was done then, or why it stays.
type Told = Result<Result<String, String>, Fail>;

struct Undoing<'a> {
    ask: &'a Ask,
    tenant: &'a TenantId,
    key: String,
}

impl Undoing<'_> {
    fn take_back(&self, deed: &Deed) -> Told {
        match deed {
            Deed::Item { before, after } => self.item(before.as_deref(), after),
            Deed::Policy { sku, before, after } => self.policy(sku, before.as_deref(), after),
            Deed::Stock { sku, location, delta } => self.stock(sku, location, *delta),
            Deed::Supply { supply, sku, quantity, .. } => self.supply(*supply, sku, *quantity),
            Deed::Order { order, .. } => self.order(*order),
        }
    }

    fn pool(&self, sku: &Sku) -> Result<Option<Arc<Pool>>, Fail> {
        let shop = self.ask.app.engine.snapshots().shop(self.tenant, std::slice::from_ref(sku))?;
        Ok(shop.pools.get(sku).cloned())
    }

    /// Has a command done once, whoever asks for it how often.
    fn run(&self, command: Command, said: impl Display) -> Told {
        let key = Key { request: Sha256::digest(self.key.as_bytes()).into(), key: self.key.as_str().into() };
        Ok(match self.ask.command(self.tenant, command, Some(key))? {
            Ok(_) => Ok(said.to_string()),
            Err(Rejection::Stale) => stays("Somebody changed it since"),
            Err(rejection) => Err(sorry(&rejection)),
        })
    }

    fn item(&self, before: Option<&Item>, after: &Item) -> Told {
        let Some(pool) = self.pool(&after.sku)? else { return Ok(stays("It is not there any more")) };
        let (item, said) = match before {
            Some(before) => (before.clone(), "As it was before"),
            // A product stays in the books once it is there; what is not sold and has nothing is out of everybody's way.
            None => (Item { discontinued: true, ..after.clone() }, "No longer sold"),
        };
        if *pool.item == item {
            return Ok(Ok(said.to_owned()));
        }
        if *pool.item != *after {
            return Ok(stays("Somebody changed it since"));
        }
        if before.is_none() && !pool.supplies.is_empty() {
            return Ok(stays("It has stock, deliveries or orders by now"));
        }
        let if_match = Some(promise::etag(after).into());
        self.run(Command::PutItem(PutItem { item, if_match }), said)
    }

    fn policy(&self, sku: &Sku, before: Option<&Policy>, after: &Policy) -> Told {
        let channel = Channel::default();
        let pool = self.pool(sku)?;
        let now = pool.as_ref().and_then(|pool| pool.policy_set(&channel)).map(|policy| &**policy);
        let policy = before.cloned().unwrap_or_default();
        if now == Some(&policy) {
            return Ok(Ok("As it was before".to_owned()));
        }
        if now != Some(after) {
            return Ok(stays("Somebody changed it since"));
        }
        let waits = pool
            .iter()
            .flat_map(|pool| &pool.supplies)
            .any(|supply| !supply.is_on_hand() && supply.pegged() > 0);
        if waits && !policy.when_out.sells_ahead() {
            return Ok(stays("Orders wait for it by now, as it is sold ahead"));
        }
        let if_match = Some(promise::etag(after).into());
        let wish = PutPolicy { sku: sku.clone(), channel, policy, if_match };
        self.run(Command::PutPolicy(wish), "As it was before")
    }

    fn stock(&self, sku: &Sku, location: &LocationId, delta: Units) -> Told {
        let pool = self.pool(sku)?;
        let here = pool.iter().flat_map(|pool| &pool.supplies);
        let free: Units = here
            .filter(|supply| supply.is_on_hand() && supply.location == *location)
            .map(|supply| supply.open().max(0))
            .sum();
        if free < delta {
            let left = words::counted(free, "unit of it is", "units of it are");
            return Ok(Err(format!("Only {left} still free: the others are promised or sent")));
        }
        let wish = Adjust {
            sku: sku.clone(),
            location: location.clone(),
            delta: -delta,
            reason: AdjustReason::Count,
            line: None,
            quarantine: false,
            note: Some("an import was taken back".into()),
        };
        self.run(Command::Adjust(wish), format_args!("{:+} units", -delta))
    }

    fn supply(&self, id: SupplyId, sku: &Sku, quantity: Units) -> Told {
        let pool = self.pool(sku)?;
        let why = match pool.as_ref().and_then(|pool| pool.supply(id)) {
            None => return self.run(Command::CancelSupply(CancelSupply { supply: id }), "Called off"),
            Some(supply) if supply.state != SupplyState::Due => "It has arrived",
            Some(supply) if supply.quantity != quantity => "Somebody changed it since",
            Some(supply) if supply.pegged() + supply.held() > 0 => "Units of it are promised to customers",
            Some(_) => return self.run(Command::CancelSupply(CancelSupply { supply: id }), "Called off"),
        };
        Ok(stays(why))
    }

    fn order(&self, id: OrderId) -> Told {
        let Some(order) = self.ask.app.engine.store().reader()?.orders(self.tenant, &[id])?.pop() else {
            return Ok(stays("It is not there any more"));
        };
        let any = |of: fn(&model::order::Line) -> bool| order.lines.iter().any(of);
        let why = if any(|line| line.shipped > 0) {
            "Some of it was sent"
        } else if any(|line| line.with_fulfilment() > 0) {
            "Some of it is being packed"
        } else if any(|line| line.promises.iter().any(|promise| promise.told_at.is_some())) {
            "Its customer was written to: cancel it on the backlog, so that they hear of it"
        } else if self.is_paid(id)? {
            "Money was taken for it: cancel it on the backlog, so that it goes back"
        } else {
            // Nobody was told of the order, so nobody is told that it is gone.
            let wish = CancelOrder::whole(id, true);
            return self.run(Command::CancelOrder(wish), "Called off, and nobody is written to");
        };
        Ok(stays(why))
    }

    fn is_paid(&self, order: OrderId) -> Result<bool, Fail> {
        let path = format!("/v1/orders/{order}/payments");
        let told = self.ask.api(self.tenant, Call { method: "GET", path: &path, ..Call::default() })?;
        Ok(told.is_ok_and(|told| told.body["captured"]["amount"].as_i64().unwrap_or(0) > 0))
    }
}

fn stays(why: &str) -> Result<String, String> {
    debug_assert!(why.len() <= NAME_CHARS_MAX, "said in a few words");
    Err(why.to_owned())
}
