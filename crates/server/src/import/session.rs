//! One import in its course: commands in flight, what is known of the shop, the report.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Deref,
    sync::Arc,
};

use connect::tables::{Currency, RowError};
use engine::{Answered, Detail, Engine, Failure, Key, Request};
use ledger::{Store, Tenant};
use model::{
    command::{Adjust, Command, PlaceOrder, PutLocation},
    event::AdjustReason,
    id::{LocationId, Sku},
    location::LocationSettings,
    money::Money,
    pool::Pool,
    refusal::Rejection,
    time::Timestamp,
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{DEEDS_MAX, Deed, ImportError, Outcome, Report, Setup};

/// Most commands sent and not yet answered.
const IN_FLIGHT_MAX: usize = 8_192;

/// What a command in flight stands for.
pub(super) struct Sent {
    /// The row it makes; several commands may make one.
    pub row: u64,
    /// The rows its answer decides over: counts them as imported or as skipped, or the first as bad; 0 if it prepares others.
    pub rows: u64,
    /// What it does, if that is to be noted.
    deed: Option<Deed>,
    answer: oneshot::Receiver<Result<Answered, Failure>>,
}

/// An import in its course.
pub(super) struct Session {
    pub engine: Box<dyn Deref<Target = Engine>>,
    pub store: Arc<dyn Store>,
    pub tenant: Tenant,
    pub currency: Currency,
    pub now: Timestamp,
    pub report: Report,
    pub dry_run: bool,
    notes_deeds: bool,
    stamp: Box<dyn Fn(Timestamp) -> Uuid>,
    on_row: Box<dyn FnMut()>,
    in_flight: VecDeque<Sent>,
    locations: BTreeSet<LocationId>,
    location: Option<LocationId>,
}

impl Session {
    pub(super) fn start(setup: Setup) -> Outcome<Self> {
        let Setup { engine, tenant, currency, now, dry_run, notes_deeds, location, stamp, on_row } = setup;
        let store = Arc::clone(engine.store());
        let locations = store.reader()?.locations(&tenant.id)?;
        Ok(Self {
            engine,
            store,
            tenant,
            currency,
            now,
            report: Report { dry_run, ..Report::default() },
            dry_run,
            notes_deeds,
            stamp,
            on_row,
            in_flight: VecDeque::new(),
            locations: locations.into_iter().map(|(id, _)| id).collect(),
            location,
        })
    }

    /// Counts a row that was read.
    pub(super) fn row(&mut self) {
        self.report.rows += 1;
        (self.on_row)();
    }

    /// Counts a row that could not be read.
    pub(super) fn unread(&mut self, error: &RowError) {
        self.row();
        self.report.unread(error);
    }

    /// Sends a command for a row, which is imported when its answer says so.
    pub(super) fn send(&mut self, row: u64, command: Command) -> Outcome<()> {
        self.send_as(row, 1, self.now, None, command).map(drop)
    }

    /// Sends a command that only prepares others.
    pub(super) fn prepare(&mut self, row: u64, command: Command) -> Outcome<()> {
        self.send_as(row, 0, self.now, None, command).map(drop)
    }

    /// Sends a command for a moment that decides over so many rows, under an id and key of its own if given; answers its
    /// id.
    pub(super) fn send_as(
        &mut self,
        row: u64,
        rows: u64,
        at: Timestamp,
        own: Option<(Uuid, Key)>,
        command: Command,
    ) -> Outcome<Uuid> {
        if self.dry_run {
            self.report.imported += rows;
            return Ok(Uuid::nil());
        }
        while self.in_flight.len() >= IN_FLIGHT_MAX {
            self.take_one()?;
        }
        let (id, key) = own.map_or_else(|| ((self.stamp)(at), None), |(id, key)| (id, Some(key)));
        let deed = if self.notes_deeds { self.deed(id, &command) } else { None };
        let answer = self.dispatch(at, id, key, Detail::Done, command)?;
        self.in_flight.push_back(Sent { row, rows, deed, answer });
        Ok(id)
    }

    /// What a command will have done. What was sent before it for the same product does not change what it sets.
    fn deed(&self, id: Uuid, command: &Command) -> Option<Deed> {
        Deed::of(id, command, |sku| {
            let shop = self.engine.snapshots().shop(&self.tenant.id, std::slice::from_ref(sku)).ok()?;
            shop.pools.get(sku).cloned()
        })
    }

    /// Sends a command and hands out its answer, which counts for nothing.
    pub(super) fn ask(
        &mut self,
        at: Timestamp,
        id: Uuid,
        key: Key,
        command: Command,
    ) -> Outcome<oneshot::Receiver<Result<Answered, Failure>>> {
        self.dispatch(at, id, Some(key), Detail::Full, command)
    }

    fn dispatch(
        &mut self,
        now: Timestamp,
        id: Uuid,
        key: Option<Key>,
        detail: Detail,
        command: Command,
    ) -> Outcome<oneshot::Receiver<Result<Answered, Failure>>> {
        Ok(self.engine.send(Request { tenant: self.tenant.id.clone(), now, id, command, key, detail })?)
    }

    /// Waits for every answer.
    pub(super) fn settle(&mut self) -> Outcome<()> {
        while !self.in_flight.is_empty() {
            self.take_one()?;
        }
        Ok(())
    }

    fn take_one(&mut self) -> Outcome<()> {
        let Some(sent) = self.in_flight.pop_front() else { return Ok(()) };
        let answered = sent.answer.blocking_recv().map_err(|_| Failure::Stopped)??;
        match answered.outcome {
            Ok(_) if answered.replayed => self.report.skipped += sent.rows,
            Ok(_) => {
                self.report.imported += sent.rows;
                let is_full = self.report.deeds.len() >= DEEDS_MAX;
                self.report.did_more |= is_full && sent.deed.is_some();
                self.report.deeds.extend(sent.deed.filter(|_| !is_full));
            }
            Err(rejection) if sent.rows > 0 => reject(&mut self.report, sent.row, rejection),
            Err(_) => {}
        }
        Ok(())
    }

    /// Waits for everything and reports.
    pub(super) fn finish(mut self) -> Outcome<Report> {
        self.settle()?;
        self.report.errors.sort_by_key(|bad| bad.row);
        Ok(self.report)
    }

    /// The location that stock without one goes to: the one named, else the first there is, else `main`.
    pub(super) fn default_location(&mut self, row: u64) -> Outcome<LocationId> {
        let id = self.location.clone().or_else(|| self.locations.first().cloned());
        let id = id.unwrap_or_else(|| LocationId::stored("main"));
        self.ensure_location(row, &id)?;
        Ok(id)
    }

    /// Makes a location that is not there, with what holds where nothing is said, and says so.
    pub(super) fn ensure_location(&mut self, row: u64, id: &LocationId) -> Outcome<()> {
        let settings = LocationSettings { name: id.to_string(), ..LocationSettings::default() };
        self.ensure_location_as(row, id, settings)
    }

    /// The same with settings of its own.
    pub(super) fn ensure_location_as(
        &mut self,
        row: u64,
        id: &LocationId,
        settings: LocationSettings,
    ) -> Outcome<()> {
        if !self.locations.insert(id.clone()) {
            return Ok(());
        }
        self.report.notes.push(format!(
            "location {id} was new: it works Monday to Friday in {}; set its calendar, cut-off and transit",
            settings.time_zone.name()
        ));
        self.prepare(
            row,
            Command::PutLocation(PutLocation { location: id.clone(), settings, if_match: None }),
        )
    }

    /// The pool of a SKU as it is now: everything sent before is done.
    pub(super) fn pool(&mut self, sku: &Sku) -> Outcome<Option<Arc<Pool>>> {
        self.settle()?;
        let shop = self.engine.snapshots().shop(&self.tenant.id, std::slice::from_ref(sku))?;
        Ok(shop.pools.get(sku).cloned())
    }

    /// Sets what is on hand of a SKU at a location, and what was sold there and is not covered; true if that changed anything.
    pub(super) fn set_stock(
        &mut self,
        row: u64,
        sku: &Sku,
        location: &LocationId,
        on_hand: i64,
        owed: i64,
    ) -> Outcome<bool> {
        let Some(pool) = self.pool(sku)? else { return Err(ImportError::Odd(format!("{sku} is not known"))) };
        let here: i64 = pool
            .supplies
            .iter()
            .filter(|supply| supply.is_on_hand() && supply.location == *location)
            .map(|supply| supply.quantity)
            .sum();
        let mut changed = false;
        if on_hand != here {
            changed = true;
            self.send(
                row,
                Command::Adjust(Adjust {
                    sku: sku.clone(),
                    location: location.clone(),
                    delta: on_hand - here,
                    reason: if here == 0 { AdjustReason::OpeningStock } else { AdjustReason::Count },
                    line: None,
                    quarantine: false,
                    note: None,
                }),
            )?;
        }
        let reference = owed_reference(location, sku);
        if owed > 0 && !self.order_exists(&reference)? {
            let line = model::command::AskLine { sku: sku.clone(), quantity: owed, unit_price: None };
            let wish = PlaceOrder {
                reference: Some(reference.into()),
                already_owed: true,
                lines: vec![line],
                ..PlaceOrder::default()
            };
            self.send_as(row, u64::from(!changed), self.now, None, Command::PlaceOrder(Box::new(wish)))?;
            changed = true;
        }
        Ok(changed)
    }

    /// Whether an order with this number of the shop is kept already.
    pub(super) fn order_exists(&mut self, reference: &str) -> Outcome<bool> {
        let filter =
            ledger::OrderFilter { reference: Some(reference.into()), ..ledger::OrderFilter::default() };
        Ok(!self.store.reader()?.order_page(&self.tenant.id, &filter, None, 1)?.is_empty())
    }

    /// Money in the file's currency.
    pub(super) fn money(&self, amount: i64, currency: Currency) -> Option<Money> {
        Money::new(amount, currency).bounded().ok()
    }
}

/// The number of the order that a count below zero becomes: one for each SKU and location, so that it becomes one once.
pub fn owed_reference(location: &LocationId, sku: &Sku) -> String {
    format!("owed:{location}:{sku}")
}

/// Counts a row that the engine did not take.
fn reject(report: &mut Report, row: u64, rejection: Rejection) {
    match rejection {
        Rejection::Refused(refusal) => report.bad(row, refusal.code.as_str(), None, refusal.detail),
        Rejection::Invalid(errors) => {
            for error in errors {
                // What a kit is made of stands in one column, whichever component is at fault.
                let parts = error.pointer.starts_with("/components/").then_some("components");
                let column = parts.or_else(|| error.pointer.rsplit('/').next());
                let column = column.filter(|name| !name.is_empty());
                report.bad(row, &error.code, column, error.detail);
            }
        }
        Rejection::NotFound { what, id } => {
            report.bad(row, "not_found", None, format!("there is no {what} {id}"));
        }
        Rejection::Stale => report.bad(row, "stale", None, "it was changed meanwhile"),
        Rejection::IdempotencyMismatch => {
            let detail = "this row was taken in before with other content: its file was changed";
            report.bad(row, "changed_since", None, detail);
        }
    }
}
