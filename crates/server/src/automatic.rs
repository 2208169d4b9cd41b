//! Policies that follow the advice by themselves: looked at once a day, within the limits that are set, each change with its
//! advice in the ledger.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use engine::Failure;
use insight::{
    advice::{Advice, Terms, advise_all},
    advisor::Mode,
};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    advice::{
        AUTOMATIC, AUTOMATIC_RUN, AUTOMATIC_S, AUTOMATIC_SETTINGS, Automatic, AutomaticSettings, FOLLOWED,
        FollowAdvice, Followed, FollowedBy, Limits, followed_id,
    },
    command::{Command, KeepTerms, PutPolicy},
    id::TenantId,
    item::{Policy, WhenOut},
    pool::Pool,
    record::{Json, Record},
    time::{Timestamp, seconds_after},
};
use serde_json::json;

use crate::{
    App,
    api::decide::{Histories, shown},
    worker::{self, over_and_over, read},
};

/// Shops looked at in one round.
const SHOPS: usize = 100;
/// Policies read at once.
const PAGE: usize = 500;

/// The way of selling that earns most among those that are allowed, on the terms of the advice.
pub(crate) fn allowed_terms(advice: &Advice, limits: &Limits) -> Option<Terms> {
    let when_out = |mode: Mode| match mode {
        Mode::Backorder => WhenOut::Backorder,
        Mode::Preorder => WhenOut::Preorder,
        Mode::Waitlist => WhenOut::Waitlist,
        Mode::OutOfStock => WhenOut::Refuse,
    };
    if limits.allows(when_out(advice.recommended.mode)) {
        return Some(advice.recommended.clone());
    }
    let open =
        advice.choices.iter().filter(|choice| choice.not.is_none() && limits.allows(when_out(choice.mode)));
    let best = open.max_by(|a, b| a.value.total_cmp(&b.value))?;
    Some(Terms { mode: best.mode, ..advice.recommended.clone() })
}

/// The policy that an advice comes to within limits; `None`: none of the ways that are allowed can be chosen.
pub(crate) fn held(advice: &Advice, limits: &Limits, set: &Policy) -> Option<Policy> {
    let terms = allowed_terms(advice, limits)?;
    Some(limits.hold(shown::policy(&terms, Some(set))))
}

/// Reads a shop's settings.
pub(crate) fn settings(store: &mut dyn Read, tenant: &TenantId) -> Result<AutomaticSettings, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, AUTOMATIC_SETTINGS, &[AUTOMATIC_SETTINGS])?;
    Ok(found.first().and_then(|record| record.read().ok().flatten()).unwrap_or_default())
}

/// What a round comes to for one shop.
struct Round {
    looked_at: usize,
    changes: Vec<FollowAdvice>,
}

fn round(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Round, StoreError> {
    let settings = settings(store, tenant)?;
    let mut round = Round { looked_at: 0, changes: Vec::new() };
    let mut after: Option<String> = None;
    loop {
        let from = (after.as_deref(), PAGE);
        let page = store.record_page(tenant, Shelf::Ledger, AUTOMATIC, &RecordFilter::default(), from)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|record| record.id.to_string());
        round.looked_at += page.len();
        let followed: Vec<Automatic> = page
            .iter()
            .filter_map(|record| record.read::<Automatic>().ok().flatten())
            .filter(|one| !settings.paused && !one.paused && !settings.holds_out(&one.sku))
            .collect();
        changes(histories, store, (tenant, now), &followed, &mut round)?;
        if after.is_none() {
            return Ok(round);
        }
    }
}

fn changes(
    histories: &Histories,
    store: &mut dyn Read,
    (tenant, now): (&TenantId, Timestamp),
    followed: &[Automatic],
    round: &mut Round,
) -> Result<(), StoreError> {
    let skus: Vec<_> = followed.iter().map(|one| one.sku.clone()).collect();
    let pools = store.pools(tenant, &skus)?;
    let ids: Vec<Arc<str>> = followed.iter().map(|one| followed_id(&one.sku, &one.channel)).collect();
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let before = store.records(tenant, Shelf::Ledger, FOLLOWED, &ids)?;
    let is_rested = |one: &Automatic| {
        let id = followed_id(&one.sku, &one.channel);
        let last = before.iter().find(|record| record.id == id);
        let last: Option<Followed> = last.and_then(|record| record.read().ok().flatten());
        last.is_none_or(|last| {
            last.by != FollowedBy::Automatic || now.as_second() - last.at.as_second() >= AUTOMATIC_S
        })
    };
    let asked: Vec<(&Automatic, &Pool, insight::advice::Subject)> =
        histories.look(store, tenant, |history| {
            let whole = history.whole(now);
            let ask = |one: &'_ Automatic| {
                let pool = pools.iter().find(|pool| *pool.sku() == one.sku)?;
                evidence::subject(pool, &one.channel, history, &whole, now)
                    .ok()
                    .map(|subject| (pool, subject))
            };
            let rested = followed.iter().filter(|one| is_rested(one));
            rested.filter_map(|one| ask(one).map(|(pool, subject)| (one, pool, subject))).collect()
        })?;
    let subjects: Vec<_> = asked.iter().map(|(.., subject)| subject.clone()).collect();
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for ((one, pool, _), advice) in asked.iter().zip(advise_all(&subjects, workers)) {
        let (Ok(advice), Some(set)) = (advice, pool.policy_set(&one.channel)) else { continue };
        let money = pool.item.price.as_ref().or(pool.item.unit_cost.as_ref());
        let (Some(money), Some(policy)) = (money, held(&advice, &one.limits, set)) else { continue };
        if policy == **set {
            continue;
        }
        let advice = Json::of(&shown::advice(&advice, money.currency))
            .map_err(|error| StoreError::driver("wrote an advice", error))?;
        let (sku, channel) = (one.sku.clone(), one.channel.clone());
        // Whoever sets the policy meanwhile is not overruled.
        let if_match = Some(promise::etag(&**set).into());
        let policy = PutPolicy { sku, channel, policy, if_match };
        round.changes.push(FollowAdvice { policy, by: FollowedBy::Automatic, advice, records: Vec::new() });
    }
    Ok(())
}

/// Looks at every shop whose day is over; answers how many policies were changed.
///
/// Errors: the store or the engine failed; what was not looked at is looked at again.
pub(crate) async fn follow(
    app: &Arc<App>,
    histories: &Arc<Histories>,
    now: Timestamp,
) -> Result<usize, Failure> {
    let due = read(app, move |store| store.due_records(Shelf::Ledger, AUTOMATIC_RUN, now, SHOPS)).await?;
    let mut changed = 0;
    for (tenant, _) in due {
        let (of, histories) = (tenant.clone(), Arc::clone(histories));
        let round = read(app, move |store| self::round(&histories, store, &of, now)).await?;
        let (looked_at, mut taken) = (round.looked_at, 0);
        for change in round.changes {
            // Refused: somebody has set it meanwhile, and knows why.
            taken += usize::from(run(app, &tenant, now, Command::FollowAdvice(Box::new(change))).await?);
        }
        changed += taken;
        let record =
            if looked_at > 0 { next_round(now)? } else { Record::gone(AUTOMATIC_RUN, AUTOMATIC_RUN) };
        let data = Json::of(&json!({ "automatic_policies": looked_at, "changed": taken }))?;
        run(
            app,
            &tenant,
            now,
            Command::KeepTerms(KeepTerms { sku: None, data, records: vec![record], private: Vec::new() }),
        )
        .await?;
    }
    Ok(changed)
}

/// The record that has automatic policies looked at in a day.
pub(crate) fn next_round(now: Timestamp) -> Result<Record, Failure> {
    let due = seconds_after(now, AUTOMATIC_S);
    Ok(Record { due, ..Record::new(AUTOMATIC_RUN, AUTOMATIC_RUN, &json!({ "at": now }))? })
}

async fn run(app: &Arc<App>, tenant: &TenantId, now: Timestamp, command: Command) -> Result<bool, Failure> {
    Ok(worker::run(app, tenant, now, command).await?.is_ok())
}

/// Follows the advice over and over, by the server's own clock, until it is dropped.
pub async fn work(app: Arc<App>, pause: Duration) {
    let histories = Arc::new(Histories::default());
    over_and_over(app, pause, "automatic policies", |app, now| {
        let histories = Arc::clone(&histories);
        async move { follow(&app, &histories, now).await }
    })
    .await;
}

/// Looks at what is due on a server whose clock is set by its requests.
pub(crate) async fn follow_once(app: &Arc<App>, now: Timestamp) -> Result<usize, Failure> {
    follow(app, &Arc::new(Histories::default()), now).await
}
