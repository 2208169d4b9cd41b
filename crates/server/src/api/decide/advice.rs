//! `/v1/advice`: how to sell what is out, and saying yes to it.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use evidence::Whole;
use insight::advice::{Advice, Subject, advise, advise_all};
use ledger::{Read, Shelf, StoreError};
use model::{
    advice::{FOLLOWED, FollowAdvice, Followed, FollowedBy, followed_id},
    command::{Command, PutPolicy},
    id::{Channel, Sku, TenantId},
    item::Policy,
    money::Currency,
    pool::Pool,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    Histories,
    automatic::of_policies,
    shown::{self, FollowedOut, ModeOut, SkuAdviceOut},
};
use crate::api::{
    auth::{Allowed, CatalogWrite, DecisionsRead},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    params::{Page, Params, Segments},
    policies::{self, PolicyOut},
    problem::Problem,
    schema,
    skus::path_sku,
    state::{Api, json, json_replayed, unexpected},
};

/// Most SKUs asked about by name at once.
const SKUS_MAX: usize = 100;
/// Most numbers typed in at once: there are not so many.
const SET_MAX: usize = 50;

/// One SKU and what there is to ask about it.
struct Question {
    sku: Sku,
    currency: Option<Currency>,
    asked: Result<Subject, String>,
    followed: Option<FollowedOut>,
}

/// Which SKUs to ask about.
enum Which {
    Named(Vec<Sku>),
    After(Option<Sku>, usize),
}

fn question(
    pool: &Pool,
    channel: &Channel,
    (history, whole): (&evidence::History, &Whole),
    (now, set): (Timestamp, &BTreeMap<String, f64>),
) -> Question {
    let asked = evidence::subject(pool, channel, history, whole, now).map_err(|why| why.to_string());
    let asked = asked.map(|mut subject| {
        subject.set.extend(set.iter().map(|(name, value)| (name.clone(), *value)));
        subject
    });
    let money = pool.item.price.as_ref().or(pool.item.unit_cost.as_ref());
    Question { sku: pool.sku().clone(), currency: money.map(|money| money.currency), asked, followed: None }
}

/// Reads what is to be asked, with the policy each advice that was followed came to.
fn questions(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (which, channel): (&Which, &Channel),
    (now, set): (Timestamp, &BTreeMap<String, f64>),
) -> Result<Vec<Question>, StoreError> {
    let pools = match which {
        Which::Named(skus) => store.pools(tenant, skus)?,
        Which::After(after, limit) => store.pool_page(tenant, after.as_ref(), *limit)?,
    };
    let mut asked: Vec<Question> = histories.look(store, tenant, |history| {
        let whole = history.whole(now);
        pools.iter().map(|pool| question(pool, channel, (history, &whole), (now, set))).collect()
    })?;
    let ids: Vec<Arc<str>> = pools.iter().map(|pool| followed_id(pool.sku(), channel)).collect();
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    for record in store.records(tenant, Shelf::Ledger, FOLLOWED, &ids)? {
        let Some(followed) = record.read::<Followed>().ok().flatten() else { continue };
        let at = asked.iter().position(|question| question.sku == followed.sku);
        let pool = pools.iter().find(|pool| *pool.sku() == followed.sku);
        if let (Some(at), Some(pool)) = (at, pool) {
            let holds = pool.policy_set(channel).is_some_and(|policy| **policy == followed.policy);
            asked[at].followed = Some(FollowedOut { at: followed.at, by: followed.by, holds });
        }
    }
    Ok(asked)
}

fn answer(question: Question, channel: &Channel, found: Option<Result<Advice, String>>) -> SkuAdviceOut {
    let Question { sku, currency, asked, followed } = question;
    let channel = channel.clone();
    let found = match (asked, found) {
        (Err(why), _) | (Ok(_), Some(Err(why))) => Err(why),
        (Ok(_), None) => Err("no answer was found".to_owned()),
        (Ok(_), Some(Ok(advice))) => match currency {
            Some(currency) => Ok(shown::advice(&advice, currency)),
            None => Err("it has neither a price nor a cost, so there is no currency to answer in".to_owned()),
        },
    };
    let (advice, refused) = match found {
        Ok(advice) => (Some(advice), None),
        Err(why) => (None, Some(why)),
    };
    SkuAdviceOut { sku, channel, refused, advice, followed }
}

fn answers(questions: Vec<Question>, channel: &Channel) -> Vec<SkuAdviceOut> {
    let subjects: Vec<Subject> =
        questions.iter().filter_map(|question| question.asked.as_ref().ok().cloned()).collect();
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut found = advise_all(&subjects, workers).into_iter();
    let mut next = |question: Question| {
        let advice = question.asked.is_ok().then(|| found.next()).flatten();
        answer(question, channel, advice.map(|advice| advice.map_err(|error| error.to_string())))
    };
    questions.into_iter().map(&mut next).collect()
}

/// Reads `NAME=VALUE`.
fn typed_in(checks: &mut Checks, texts: &[String]) -> BTreeMap<String, f64> {
    if texts.len() > SET_MAX {
        checks.wrong(format_args!("set"), "too_many", format!("at most {SET_MAX} numbers"));
        return BTreeMap::new();
    }
    let mut set = BTreeMap::new();
    for text in texts {
        let read = text.split_once('=').and_then(|(name, value)| Some((name, value.parse::<f64>().ok()?)));
        match read {
            Some((name, value)) => add(checks, "set", &mut set, (name, value)),
            None => checks.wrong(format_args!("set"), "form", format!("{text:?} is not NAME=NUMBER")),
        }
    }
    set
}

fn add(checks: &mut Checks, at: &str, set: &mut BTreeMap<String, f64>, (name, value): (&str, f64)) {
    if !insight::advice::names().any(|known| known == name) {
        let names = insight::advice::names().collect::<Vec<_>>().join(", ");
        checks.wrong(
            format_args!("{at}"),
            "unknown_figure",
            format!("there is no {name:?}; there are: {names}"),
        );
    } else if !value.is_finite() || value < 0.0 {
        checks.wrong(format_args!("{at}"), "out_of_range", format!("{name} is zero or more, and finite"));
    } else {
        set.insert(name.to_owned(), value);
    }
}

/// List advice on how to sell what is out
///
/// For each SKU what each way of selling it while it is out brings (backorder, preorder, waitlist, not at all), with a range, how
/// often each is best, the terms, why, where the answer would change, and every number behind it: the shop's own, borrowed or a
/// guess. Changes nothing. `set=accept_backorder=0.3` tries another number.
#[utoipa::path(
    get, path = "/v1/advice", tag = "Decisions", operation_id = "list_advice",
    params(
        ("sku" = Option<Vec<String>>, Query, description = "Only these, up to 100", explode = true),
        ("channel" = Option<String>, Query, description = "Where it is sold; `default` unless given"),
        ("set" = Option<Vec<String>>, Query, description = "`NAME=VALUE`: a number to take instead of what is known", explode = true),
    ),
    responses((status = 200, description = "Advice by SKU", body = schema::AdvicePage)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<Sku>());
    let channel = params.channel();
    let texts = params.all("set");
    let set = typed_in(&mut params.checks, &texts);
    let names = params.all("sku");
    if names.len() > SKUS_MAX {
        params.checks.wrong(format_args!("sku"), "too_many", format!("at most {SKUS_MAX} at once"));
    }
    let mut skus: Vec<Sku> =
        names.iter().take(SKUS_MAX).map(|name| params.checks.sku(format_args!("sku"), name)).collect();
    skus.sort_unstable();
    skus.dedup();
    params.finish()?;
    let named = skus.clone();
    let which = if skus.is_empty() { Which::After(after, limit + 1) } else { Which::Named(skus) };
    let tenant = allowed.caller.tenant.clone();
    let house = Arc::clone(&api);
    let items = api
        .read(move |store| {
            let mut asked = questions(&house.histories, store, &tenant, (&which, &channel), (now, &set))?;
            asked.sort_by(|a, b| a.sku.cmp(&b.sku));
            // The one that says that there is a next page needs no answer.
            let more = matches!(which, Which::After(..)) && asked.len() > limit;
            if more {
                asked.truncate(limit);
            }
            Ok((answers(asked, &channel), more))
        })
        .await?;
    let (items, more) = items;
    if let Some(unknown) = named.iter().find(|sku| items.iter().all(|item| item.sku != **sku)) {
        return Err(Problem::field("sku", "unknown_sku", format!("there is no sku {:?}", unknown.as_str())));
    }
    let next = items.last().filter(|_| more).map(|item| item.sku.clone());
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// A way of selling to follow instead of the one that is best.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = AdviceModeInput)]
pub(crate) enum ModeIn {
    Backorder,
    Preorder,
    Waitlist,
    OutOfStock,
}

words!(ModeIn { "backorder" => Backorder, "preorder" => Preorder, "waitlist" => Waitlist, "out_of_stock" => OutOfStock });

/// Which advice to follow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptAdviceInput)]
pub(crate) struct AcceptIn {
    /// Where it is sold; `default` unless given.
    channel: Option<String>,
    /// Numbers to take instead of what is known, by name.
    set: Option<BTreeMap<String, f64>>,
    /// Only if this is (still) what is advised.
    mode: Option<ModeIn>,
}

impl Input for AcceptIn {
    const MAY_BE_EMPTY: bool = true;
}

/// The policy an advice came to.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceAccepted)]
pub(crate) struct AcceptedOut {
    /// How it is sold now.
    policy: PolicyOut,
    /// The advice with every number it rests on, as the ledger has it.
    #[schema(value_type = shown::AdviceOut)]
    advice: Box<RawValue>,
}

/// Follow the advice for a SKU
///
/// The policy of the channel is set to what is advised: the way of selling, the cap, the horizon, a deposit with a preorder where no
/// terms of payment are set. What the advice says nothing of stays. The ledger says on what it rested (`advice_followed`).
/// Refused where there is no advice (`no_advice`), and where another way than `mode` is advised (`other_advice`).
#[utoipa::path(
    post, path = "/v1/advice/{sku}/accept", tag = "Decisions", operation_id = "accept_advice",
    params(("sku" = String, Path, description = "The merchant's code")),
    request_body(content = Option<AcceptIn>, description = "Nothing, or which advice"),
    responses((status = 200, description = "It is sold so now", body = AcceptedOut)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn accept(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(sku): Segments<String>,
    key: Idempotency,
    Json { value, bytes }: Json<AcceptIn>,
) -> Result<Response, Problem> {
    let sku = path_sku(&sku)?;
    let mut checks = Checks::default();
    let channel = checks.channel(format_args!("/channel"), value.channel.as_deref());
    let mut set = BTreeMap::new();
    for (name, number) in value.set.iter().flatten().take(SET_MAX) {
        add(&mut checks, "/set", &mut set, (name, *number));
    }
    checks.finish(())?;
    let key = key.optional(&allowed.caller, &bytes)?;
    let (tenant, house) = (allowed.caller.tenant.clone(), Arc::clone(&api));
    let wanted = (sku.clone(), channel.clone());
    let wish = api
        .read(move |store| {
            let (sku, channel) = wanted;
            let Some(pool) = store.pools(&tenant, std::slice::from_ref(&sku))?.pop() else { return Ok(None) };
            let asked = house.histories.look(store, &tenant, |history| {
                let whole = history.whole(now);
                question(&pool, &channel, (history, &whole), (now, &set))
            })?;
            let current = pool.policy_for(&channel);
            Ok(Some((asked, current.map(|policy| (**policy).clone()))))
        })
        .await?;
    let (asked, current) = wish.ok_or_else(|| Problem::not_found("sku", &sku))?;
    let follow = follow(&sku, &channel, asked, current.as_ref(), value.mode)?;
    let command = Command::FollowAdvice(Box::new(follow));
    let done = api.run(&allowed.caller, now, command, key).await?;
    let Answer::Advised(told) = &done.answer else { return Err(unexpected(&done.answer)) };
    let (set, advice) = &**told;
    let advice = RawValue::from_string(advice.as_str().to_owned()).map_err(|error| {
        tracing::error!(%error, "an advice that was kept cannot be read");
        Problem::defect()
    })?;
    let (of, at) = (allowed.caller.tenant.clone(), (set.sku.clone(), set.channel.clone()));
    let follows = api.read(move |store| of_policies(store, &of, &at.0, std::slice::from_ref(&at.1))).await?;
    let policy = policies::shown(&set.sku, &set.channel, &set.policy).following(follows.first());
    json_replayed(StatusCode::OK, &AcceptedOut { policy, advice }, done.replayed)
}

/// Advises on some SKUs with what is known of them, in their order; why not where there is no advice.
pub(crate) fn advise_many(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    pools: &[Pool],
    channel: &Channel,
    now: Timestamp,
) -> Result<Vec<Result<Advice, String>>, StoreError> {
    let none = BTreeMap::new();
    let asked: Vec<Question> = histories.look(store, tenant, |history| {
        let whole = history.whole(now);
        pools.iter().map(|pool| question(pool, channel, (history, &whole), (now, &none))).collect()
    })?;
    let subjects: Vec<Subject> =
        asked.iter().filter_map(|question| question.asked.as_ref().ok().cloned()).collect();
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut found = advise_all(&subjects, workers).into_iter();
    let mut one = |question: Question| {
        question.asked?;
        let advice = found.next().ok_or_else(|| "no answer was found".to_owned())?;
        advice.map_err(|error| error.to_string())
    };
    Ok(asked.into_iter().map(&mut one).collect())
}

/// What saying yes to the advice for a SKU on the default channel comes to, with the way that is advised; why not, in words, where there
/// is none. `None`: there is no such SKU.
#[expect(clippy::type_complexity, reason = "a wish or why there is none, and what it is for")]
pub(crate) fn take_up(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (sku, set): (&Sku, &BTreeMap<String, f64>),
    now: Timestamp,
) -> Result<Option<(Result<FollowAdvice, String>, insight::advisor::Mode)>, StoreError> {
    let channel = Channel::default();
    let Some(pool) = store.pools(tenant, std::slice::from_ref(sku))?.pop() else { return Ok(None) };
    let asked = histories.look(store, tenant, |history| {
        question(&pool, &channel, (history, &history.whole(now)), (now, set))
    })?;
    let advised = asked.asked.as_ref().ok().and_then(|subject| advise(subject).ok());
    let mode = advised.map_or(insight::advisor::Mode::OutOfStock, |advice| advice.recommended.mode);
    let current = pool.policy_set(&channel).map(|policy| (**policy).clone());
    let wish = follow(sku, &channel, asked, current.as_ref(), None);
    Ok(Some((wish.map_err(|problem| problem.detail().to_owned()), mode)))
}

fn follow(
    sku: &Sku,
    channel: &Channel,
    question: Question,
    current: Option<&Policy>,
    mode: Option<ModeIn>,
) -> Result<FollowAdvice, Problem> {
    let none = |why: String| Problem::new(StatusCode::CONFLICT, "no_advice", format!("{sku}: {why}"));
    let subject = question.asked.map_err(none)?;
    let found = advise(&subject).map_err(|error| none(error.to_string()))?;
    let Some(currency) = question.currency else {
        return Err(none("it has neither a price nor a cost".to_owned()));
    };
    let advised = ModeOut::from(found.recommended.mode);
    let is_other = mode.is_some_and(|mode| {
        let mode = match mode {
            ModeIn::Backorder => ModeOut::Backorder,
            ModeIn::Preorder => ModeOut::Preorder,
            ModeIn::Waitlist => ModeOut::Waitlist,
            ModeIn::OutOfStock => ModeOut::OutOfStock,
        };
        mode != advised
    });
    if is_other {
        let detail = format!("{sku}: another way is best now: {}", found.reasons.join(" "));
        return Err(Problem::new(StatusCode::CONFLICT, "other_advice", detail));
    }
    let policy = shown::policy(&found.recommended, current);
    let advice = model::record::Json::of(&shown::advice(&found, currency)).map_err(super::defect)?;
    let policy = PutPolicy { sku: sku.clone(), channel: channel.clone(), policy, if_match: None };
    Ok(FollowAdvice { policy, by: FollowedBy::Person, advice, records: Vec::new() })
}
