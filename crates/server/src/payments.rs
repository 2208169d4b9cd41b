//! Money that is moved: a worker beside the engine carries errands to the provider and records what came of each.
//!
//! An errand was written down, with its key, in the transaction that needs it. It is claimed before it is carried and dropped
//! with the provider's word; a worker that died over one leaves it to the next after [`CLAIMED_S`] seconds, who carries it
//! under the same key. So money moves once, whatever is killed when.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use connect::payments::{Commission, PaymentProvider};
use engine::{Answer, Failure, PAYER, errands_to};
use futures_util::{StreamExt, stream};
use ledger::Shelf;
use model::{
    command::Command,
    errand::{Errand, ErrandWish, Heard, Payer, What, Word},
    id::{OrderId, TenantId},
    record::Record,
    time::{Timestamp, seconds_after},
};

use crate::{
    App,
    worker::{self, over_and_over, read},
};

/// Most errands taken at once.
const TAKEN_MAX: usize = 100;
/// For how long an errand that was taken is left to whoever took it, in seconds: longer than an answer may take.
const CLAIMED_S: i64 = 300;
/// Orders whose errands are carried at the same time.
const ORDERS_AT_ONCE: usize = 8;

/// Who moves money, and how its messages are believed.
#[derive(Clone, Default)]
pub struct Payments {
    /// The provider; `None`: errands wait until there is one.
    pub provider: Option<Arc<dyn PaymentProvider>>,
    /// The secret that signs its messages; `None`: none are taken.
    pub webhook_secret: Option<Arc<str>>,
    /// The key that a customer's browser pays with; `None`: nobody pays on an order's page.
    pub publishable_key: Option<Arc<str>>,
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider.as_ref().map(|provider| provider.name());
        f.debug_struct("Payments").field("provider", &provider).finish_non_exhaustive()
    }
}

/// Carries everything that is due by a moment; answers how many errands were looked at.
///
/// Errors: the engine or the store failed; what was not recorded is carried again later under its key.
pub async fn deliver(app: &Arc<App>, now: Timestamp) -> Result<usize, Failure> {
    let Some(provider) = app.payments.provider.clone() else { return Ok(0) };
    let kind = errands_to(provider.name());
    let mut looked_at = 0;
    loop {
        let due = {
            let kind = kind.clone();
            read(app, move |store| store.due_records(Shelf::Private, &kind, now, TAKEN_MAX)).await?
        };
        if due.is_empty() {
            return Ok(looked_at);
        }
        looked_at += due.len();
        let mut tenants: Vec<TenantId> = due.iter().map(|(tenant, _)| tenant.clone()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        for tenant in tenants {
            let of = due.iter().filter(|(of, _)| *of == tenant);
            let errands = of.map(|(_, errand)| Arc::clone(&errand.id)).collect();
            deliver_of(app, &provider, &tenant, errands, now).await?;
        }
    }
}

/// An errand under its key.
type Keyed = (Arc<str>, Errand);

async fn deliver_of(
    app: &Arc<App>,
    provider: &Arc<dyn PaymentProvider>,
    tenant: &TenantId,
    errands: Vec<Arc<str>>,
    now: Timestamp,
) -> Result<(), Failure> {
    let until = seconds_after(now, CLAIMED_S).unwrap_or(now);
    let claim = ErrandWish::Claim { provider: provider.name(), errands, until };
    let claimed = match run(app, tenant, now, claim).await? {
        Answer::Records(records) => records,
        other => return Err(Failure::Defect(format!("a claim was answered with {other:?}").into())),
    };
    let mut orders: BTreeMap<OrderId, Vec<Keyed>> = BTreeMap::new();
    for record in claimed {
        let Some(errand) = record.read::<Errand>()? else { continue };
        orders.entry(errand.order).or_default().push((record.id, errand));
    }
    let carrying = orders.into_iter().map(|(order, mut errands)| async move {
        // What was asked for first is carried first: later errands rest on what earlier ones named.
        errands.sort_by(|(a, one), (b, other)| (one.asked_at, a).cmp(&(other.asked_at, b)));
        for (key, errand) in errands {
            carry(app, provider, tenant, order, (key, errand), now).await?;
        }
        Ok::<(), Failure>(())
    });
    let done: Vec<Result<(), Failure>> =
        stream::iter(carrying).buffer_unordered(ORDERS_AT_ONCE).collect().await;
    done.into_iter().collect()
}

/// Carries one errand and records what came of it.
async fn carry(
    app: &Arc<App>,
    provider: &Arc<dyn PaymentProvider>,
    tenant: &TenantId,
    order: OrderId,
    (key, errand): Keyed,
    now: Timestamp,
) -> Result<(), Failure> {
    let payer = payer(app, tenant, order).await?;
    let (asked, of, name) = (Arc::clone(provider), tenant.clone(), Arc::clone(&key));
    let (kind, traced) = (kind_of(&errand.what), app.traces.outward("errand", None));
    let heard = tokio::task::spawn_blocking(move || {
        asked.carry(&Commission { tenant: &of, key: &name, errand: &errand, payer: &payer, now })
    });
    let heard = heard.await.unwrap_or_else(|error| {
        tracing::error!(%error, key = &*key, "a provider's connector failed");
        Heard::just(Word::NotNow { code: "defect" })
    });
    if let Some(traced) = traced {
        let failed = matches!(heard.word, Word::NotNow { .. } | Word::Never { .. });
        traced.ended(kind, word_of(&heard.word), failed);
    }
    let done = ErrandWish::Done { provider: provider.name(), heard: vec![(key, heard)] };
    run(app, tenant, now, done).await.map(drop)
}

/// A stable word for what is asked.
fn kind_of(what: &What) -> &'static str {
    match what {
        What::Save => "save",
        What::Charge(_) => "charge",
        What::Authorise(_) => "authorise",
        What::Retry => "retry",
        What::Capture => "capture",
        What::Void => "void",
        What::Refund => "refund",
        What::Look => "look",
        What::Dispute(_) => "dispute",
    }
}

/// A stable word for the answer.
fn word_of(word: &Word) -> &'static str {
    match word {
        Word::Saved => "saved",
        Word::Authorised { .. } => "authorised",
        Word::Captured { .. } => "captured",
        Word::Declined { .. } => "declined",
        Word::NeedsCustomer => "needs_customer",
        Word::Voided => "voided",
        Word::Refunded => "refunded",
        Word::RefundFailed => "refund_failed",
        Word::Disputed { .. } => "disputed",
        Word::DisputeClosed { .. } => "dispute_closed",
        Word::Pending => "pending",
        Word::NotNow { code } => code,
        Word::Never { .. } => "never",
    }
}

/// What the provider knows of an order.
pub(crate) async fn payer(app: &Arc<App>, tenant: &TenantId, order: OrderId) -> Result<Payer, Failure> {
    let tenant = tenant.clone();
    let found =
        read(app, move |store| store.records(&tenant, Shelf::Private, PAYER, &[&order.to_string()])).await?;
    Ok(found.first().map(Record::read).transpose()?.flatten().unwrap_or_default())
}

/// Runs the worker over and over, by the server's own clock, until it is dropped.
pub async fn work(app: Arc<App>, pause: Duration) {
    over_and_over(app, pause, "payments", |app, now| async move { deliver(&app, now).await }).await;
}

pub(crate) async fn run(
    app: &Arc<App>,
    tenant: &TenantId,
    now: Timestamp,
    wish: ErrandWish,
) -> Result<Answer, Failure> {
    let outcome = worker::run(app, tenant, now, Command::Errand(wish)).await?;
    outcome.map_err(|refused| Failure::Defect(format!("an errand was refused: {refused:?}").into()))
}
