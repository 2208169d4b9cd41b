//! Mail that goes out: a worker beside the engine takes what is queued, writes it and hands it to a mail server, or to the
//! outbox that stands for one.
//!
//! Each mail is a record. It is claimed before it is sent and noted after, so two workers never send one at the same time;
//! a worker that died over one leaves it to the next after [`CLAIMED_S`] seconds. That one cannot know whether the server
//! had it: it goes out again under the same Message-ID, by which receivers can tell. What the law wants told is told.

mod compose;
pub(crate) mod purchase;
pub(crate) mod terms;
pub(crate) mod words;

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use connect::smtp::{Letter, Mailer, SendError, Throttle};
use engine::{
    Answer, Failure,
    notices::{ADDRESS, CURSOR, MAIL, MailRow, address_state},
};
use futures_util::{StreamExt, stream};
use ledger::{Read, Shelf, StoreError};
use model::{
    command::Command,
    event::Event,
    id::{OrderId, TenantId},
    message::{MailOutcome, Mailed, MessageWish},
    record::Record,
    time::{Timestamp, seconds_after},
};
use sha2::{Digest, Sha256};

pub(crate) use compose::{Unsendable, compose, preview};

use crate::{
    App,
    app::customer_key,
    worker::{self, over_and_over, read},
};

/// Most mails taken at once.
const TAKEN_MAX: usize = 200;
/// For how long a mail that was taken is left to whoever took it, in seconds.
const CLAIMED_S: i64 = 600;
/// After how long a mail that the server does not take now is tried again, in seconds; then it has failed.
const AGAIN_S: [i64; 8] = [60, 300, 1_800, 7_200, 14_400, 28_800, 43_200, 86_400];
/// Most mails an hour to one address.
const HOURLY_MAX: u32 = 30;
/// Ledger entries read at once.
const ENTRIES_MAX: usize = 500;
/// An order older than this when the ledger says it came from elsewhere, and was confirmed there.
const CONFIRM_S: i64 = 86_400;
/// The kind of mail that confirms an order.
const CONFIRMATION: &str = "confirmation";

/// Where mail goes.
#[derive(Debug)]
pub enum Post {
    /// Into an outbox that can be looked at; nobody gets anything.
    Outbox,
    /// To a mail server.
    Smtp(Smtp),
}

/// A mail server with what is known of its use.
#[derive(Debug)]
pub struct Smtp {
    mailer: Mailer,
    connections: usize,
    throttle: Mutex<Throttle>,
    /// Since when orders are looked for.
    since: OnceLock<Timestamp>,
}

impl Post {
    /// Sends through a mailer, so many mails at once.
    pub fn smtp(mailer: Mailer, connections: usize) -> Self {
        let throttle = Mutex::new(Throttle::new(HOURLY_MAX));
        Self::Smtp(Smtp { mailer, connections: connections.max(1), throttle, since: OnceLock::new() })
    }
}

/// Sends everything that is due by a moment; answers how many mails were looked at.
///
/// Errors: the engine or the store failed; what was not noted is taken again later.
pub async fn deliver(app: &Arc<App>, now: Timestamp) -> Result<usize, Failure> {
    if let Post::Smtp(smtp) = &app.post {
        follow(app, *smtp.since.get_or_init(|| now), now).await?;
    }
    let mut looked_at = 0;
    loop {
        let due = read(app, move |store| store.due_records(Shelf::Private, MAIL, now, TAKEN_MAX)).await?;
        if due.is_empty() {
            return Ok(looked_at);
        }
        looked_at += due.len();
        let mut tenants: Vec<TenantId> = due.iter().map(|(tenant, _)| tenant.clone()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        for tenant in tenants {
            let ids =
                due.iter().filter(|(of, _)| *of == tenant).map(|(_, mail)| Arc::clone(&mail.id)).collect();
            deliver_of(app, &tenant, ids, now).await?;
        }
    }
}

async fn deliver_of(
    app: &Arc<App>,
    tenant: &TenantId,
    mails: Vec<Arc<str>>,
    now: Timestamp,
) -> Result<(), Failure> {
    let until = seconds_after(now, CLAIMED_S).unwrap_or(now);
    let claimed = match run(app, tenant, now, MessageWish::Claim { mails, until }).await? {
        Answer::Records(records) => records,
        other => return Err(Failure::Defect(format!("a claim was answered with {other:?}").into())),
    };
    let written = write(app, tenant, claimed).await?;
    let mailed = match &app.post {
        Post::Outbox => written.into_iter().map(Written::into_outbox).collect(),
        Post::Smtp(smtp) => {
            let sending = written.into_iter().map(|written| traced(app, smtp.send(written, now)));
            stream::iter(sending).buffer_unordered(smtp.connections).collect::<Vec<Mailed>>().await
        }
    };
    run(app, tenant, now, MessageWish::Mailed(mailed)).await.map(drop)
}

/// Sends a mail as a span of its own.
async fn traced(app: &App, sending: impl Future<Output = Mailed>) -> Mailed {
    let trace = app.traces.outward("mail", None);
    let mailed = sending.await;
    if let Some(trace) = trace {
        let (word, failed) = match &mailed.outcome {
            MailOutcome::Sent { .. } => ("sent".to_owned(), false),
            MailOutcome::Later { code, .. } => (code.to_string(), true),
            MailOutcome::Failed { code } => (code.to_string(), true),
        };
        trace.ended("mail", word, failed);
    }
    mailed
}

/// A mail in words, or why there are none.
struct Written {
    mail: Arc<str>,
    tries: u32,
    letter: Result<Letter, &'static str>,
}

impl Written {
    fn failed(mail: Arc<str>, code: &str) -> Mailed {
        Mailed { mail, outcome: MailOutcome::Failed { code: code.into() } }
    }

    fn sent(mail: Arc<str>, letter: Letter) -> Mailed {
        let (subject, text) = (letter.subject.into(), letter.text.into());
        Mailed { mail, outcome: MailOutcome::Sent { subject, text } }
    }

    fn into_outbox(self) -> Mailed {
        match self.letter {
            Ok(letter) => Self::sent(self.mail, letter),
            Err(code) => Self::failed(self.mail, code),
        }
    }
}

async fn write(app: &Arc<App>, tenant: &TenantId, mails: Vec<Record>) -> Result<Vec<Written>, Failure> {
    let (of, tenant) = (Arc::clone(app), tenant.clone());
    read(app, move |store| {
        let mut written = Vec::with_capacity(mails.len());
        for record in mails {
            let Ok(Some(row)) = record.read::<MailRow>() else {
                written.push((Written { mail: record.id, tries: 0, letter: Err("unreadable") }, true));
                continue;
            };
            let letter =
                compose(&of, store, &tenant, &record.id, &row)?.map_err(|unsendable| match unsendable {
                    Unsendable::NoAddress => "no_address",
                    Unsendable::Gone => "gone",
                });
            let is_owed = !matches!(&*row.kind, "question" | "invitation");
            written.push((Written { mail: record.id, tries: row.tries, letter }, is_owed));
        }
        heed_marks(store, &tenant, written)
    })
    .await
}

/// Sends nothing to an address at which nothing arrives, and nothing that is not owed to who complained of it.
fn heed_marks(
    store: &mut dyn Read,
    tenant: &TenantId,
    written: Vec<(Written, bool)>,
) -> Result<Vec<Written>, StoreError> {
    let Some(salt) = store.tenant(tenant)?.map(|tenant| tenant.salt) else { return Ok(Vec::new()) };
    let key = |written: &Written| {
        written.letter.as_ref().ok().map(|letter| customer_key(&salt, &letter.to).to_string())
    };
    let mut keys: Vec<String> = written.iter().filter_map(|(written, _)| key(written)).collect();
    keys.sort_unstable();
    keys.dedup();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let marked = store.records(tenant, Shelf::Private, ADDRESS, &keys)?;
    let heeded = written.into_iter().map(|(mut written, is_owed)| {
        let mark = key(&written).and_then(|key| marked.iter().find(|mark| *mark.id == *key));
        match mark.map(|mark| &*mark.state) {
            Some(address_state::DEAD) => written.letter = Err("undeliverable"),
            Some(address_state::COMPLAINED) if !is_owed => written.letter = Err("complained"),
            _ => {}
        }
        written
    });
    Ok(heeded.collect())
}

impl Smtp {
    async fn send(&self, written: Written, now: Timestamp) -> Mailed {
        let Written { mail, tries, letter } = written;
        let letter = match letter {
            Ok(letter) => letter,
            Err(code) => return Written::failed(mail, code),
        };
        let address: [u8; 32] = Sha256::digest(letter.to.to_lowercase()).into();
        let taken = self.throttle.lock().unwrap_or_else(PoisonError::into_inner).take(address, now);
        if let Err(at) = taken {
            return Mailed { mail, outcome: MailOutcome::Later { at, code: "throttled".into() } };
        }
        match self.mailer.send(&letter).await {
            Ok(()) => Written::sent(mail, letter),
            Err(SendError::Never { code, .. }) => {
                tracing::warn!(mail = &*mail, code, "a mail was refused for good");
                Written::failed(mail, code)
            }
            Err(SendError::Later { code, .. }) => {
                let again = usize::try_from(tries).ok().and_then(|tries| AGAIN_S.get(tries));
                tracing::info!(mail = &*mail, code, "a mail was not taken now");
                match again.and_then(|seconds| seconds_after(now, *seconds)) {
                    Some(at) => Mailed { mail, outcome: MailOutcome::Later { at, code: code.into() } },
                    None => Written::failed(mail, "expired"),
                }
            }
        }
    }
}

/// Reads on in every ledger for orders to confirm.
async fn follow(app: &Arc<App>, since: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let tenants = read(app, |store| store.tenants()).await?;
    for tenant in tenants {
        while let Some((read_to, orders, more)) = next_orders(app, &tenant.id, (since, now)).await? {
            run(app, &tenant.id, now, MessageWish::Queue { kind: CONFIRMATION, orders, read_to }).await?;
            if !more {
                break;
            }
        }
    }
    Ok(())
}

/// Orders to confirm in the next entries of a ledger, how far that reads, and whether there is more; `None`: nothing is new.
async fn next_orders(
    app: &Arc<App>,
    tenant: &TenantId,
    (since, now): (Timestamp, Timestamp),
) -> Result<Option<(i64, Vec<OrderId>, bool)>, Failure> {
    let tenant = tenant.clone();
    read(app, move |store| {
        let last = store.last_event(&tenant)?;
        let cursor = store.records(&tenant, Shelf::Private, CURSOR, &[CONFIRMATION])?;
        let cursor = cursor.first().and_then(|record| record.read::<i64>().ok().flatten());
        // Orders from before there was a mail server were confirmed elsewhere.
        let read_to = cursor.unwrap_or((last - i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX)).max(0));
        let is_ours = |placed_at: Timestamp| cursor.is_some() || placed_at > since;
        if last <= read_to {
            return Ok(None);
        }
        let entries = store.events(&tenant, read_to, ENTRIES_MAX)?;
        let mut orders = Vec::new();
        for entry in entries.iter().filter(|entry| &*entry.kind == "order_placed") {
            if let Ok(Some(Event::OrderPlaced(placed))) = Event::read(&entry.kind, &entry.data)
                && is_ours(placed.order.placed_at)
                && now.as_second() - placed.order.placed_at.as_second() <= CONFIRM_S
            {
                orders.push(placed.order.id);
            }
        }
        let Some(last) = entries.last() else { return Ok(None) };
        Ok(Some((last.seq, orders, entries.len() == ENTRIES_MAX)))
    })
    .await
}

/// Runs the worker over and over, by the server's own clock, until it is dropped.
pub async fn work(app: Arc<App>, pause: Duration) {
    over_and_over(app, pause, "mail", |app, now| async move { deliver(&app, now).await }).await;
}

async fn run(
    app: &Arc<App>,
    tenant: &TenantId,
    now: Timestamp,
    wish: MessageWish,
) -> Result<Answer, Failure> {
    let outcome = worker::run(app, tenant, now, Command::Message(wish)).await?;
    outcome.map_err(|rejection| Failure::Defect(format!("mail was refused: {rejection:?}").into()))
}
