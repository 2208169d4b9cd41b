//! Policies that follow the advice by themselves: `when_out: auto`, and the shop's settings for them.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use insight::{advice::advise, special::student_half_width};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    Units,
    advice::{
        AUTOMATIC, AUTOMATIC_RUN, AUTOMATIC_SETTINGS, Automatic, AutomaticSettings, FollowAdvice, FollowedBy,
        Limits, followed_id,
    },
    command::{Command, KeepTerms, PutPolicy},
    event::PolicySet,
    id::{Channel, Sku, TenantId},
    item::{Policy, WhenOut},
    limits::SUPPLY_UNITS_MAX,
    record::{Json as Text, Record},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use utoipa::ToSchema;

use super::{Histories, defect, shown};
use crate::{
    api::{
        auth::{Allowed, Caller, CatalogWrite, DecisionsRead},
        check::Checks,
        clock::Now,
        input::{Input, Json, words},
        params::Params,
        problem::Problem,
        state::{Api, json, unexpected},
    },
    automatic::{held, next_round, settings},
};

/// Policies read at once.
const PAGE: usize = 500;

/// A way of selling that may be chosen.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = AutomaticWhenOut)]
pub(crate) enum ChoiceIn {
    Refuse,
    Waitlist,
    Backorder,
    Preorder,
}

words!(ChoiceIn { "refuse" => Refuse, "waitlist" => Waitlist, "backorder" => Backorder, "preorder" => Preorder });

/// What a policy that follows the advice by itself may come to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AutomaticInput)]
pub(crate) struct AutoIn {
    /// Ways of selling it may choose among; all unless given.
    #[schema(max_items = 4)]
    when_out: Option<Vec<ChoiceIn>>,
    /// Most units backordered at once.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    cap_max: Option<i64>,
    /// Most days ahead that a promise may lie.
    #[schema(minimum = 0, maximum = 1825)]
    horizon_days_max: Option<i64>,
    /// Leave it as it is for now.
    paused: Option<bool>,
}

/// How a policy follows the advice by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Automatic)]
pub(crate) struct AutoOut {
    /// Ways of selling it may choose among; empty for all.
    #[schema(value_type = Vec<ChoiceIn>)]
    when_out: Vec<WhenOut>,
    /// Most units backordered at once.
    cap_max: Option<Units>,
    /// Most days ahead that a promise may lie.
    horizon_days_max: Option<u16>,
    /// It is left as it is for now.
    paused: bool,
    /// Since when it follows.
    #[schema(format = DateTime, value_type = String)]
    since: Timestamp,
}

impl From<&Automatic> for AutoOut {
    fn from(automatic: &Automatic) -> Self {
        Self {
            when_out: automatic.limits.when_out.clone(),
            cap_max: automatic.limits.cap_max,
            horizon_days_max: automatic.limits.horizon_days_max,
            paused: automatic.paused,
            since: automatic.since,
        }
    }
}

/// Checks what a policy may come to; answers that and whether it is paused.
pub(crate) fn check(checks: &mut Checks, input: Option<&AutoIn>) -> (Limits, bool) {
    let Some(input) = input else { return (Limits::default(), false) };
    let ways = input.when_out.as_deref().unwrap_or_default();
    if input.when_out.as_ref().is_some_and(Vec::is_empty) {
        checks.wrong(
            format_args!("/auto/when_out"),
            "empty",
            "name a way of selling, or leave it out for all",
        );
    }
    let mut when_out: Vec<WhenOut> = ways
        .iter()
        .map(|way| match way {
            ChoiceIn::Refuse => WhenOut::Refuse,
            ChoiceIn::Waitlist => WhenOut::Waitlist,
            ChoiceIn::Backorder => WhenOut::Backorder,
            ChoiceIn::Preorder => WhenOut::Preorder,
        })
        .collect();
    when_out.dedup();
    let cap = input.cap_max;
    let cap_max = cap.map(|cap| checks.number(format_args!("/auto/cap_max"), cap, 0, SUPPLY_UNITS_MAX));
    let days = input.horizon_days_max;
    let horizon_days_max = days.map(|days| checks.days(format_args!("/auto/horizon_days_max"), days));
    (Limits { when_out, cap_max, horizon_days_max }, input.paused.unwrap_or(false))
}

/// The records of policies that follow the advice, for some policies of one SKU.
pub(crate) fn of_policies(
    store: &mut dyn Read,
    tenant: &TenantId,
    sku: &Sku,
    channels: &[Channel],
) -> Result<Vec<Automatic>, StoreError> {
    let ids: Vec<Arc<str>> = channels.iter().map(|channel| followed_id(sku, channel)).collect();
    let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
    let records = store.records(tenant, Shelf::Ledger, AUTOMATIC, &ids)?;
    Ok(records.iter().filter_map(|record| record.read().ok().flatten()).collect())
}

/// What is set about a policy that is to follow the advice.
pub(crate) struct Wanted {
    pub(crate) sku: Sku,
    pub(crate) channel: Channel,
    /// Everything but the way of selling.
    pub(crate) base: Policy,
    pub(crate) limits: Limits,
    pub(crate) paused: bool,
    pub(crate) if_match: Option<Arc<str>>,
}

/// Sets a policy that follows the advice from now on; answers it, whether it is new, and how it follows.
pub(crate) async fn put(
    api: &Arc<Api>,
    caller: &Caller,
    now: Timestamp,
    wanted: Wanted,
) -> Result<(PolicySet, bool, AutoOut), Problem> {
    let (tenant, house) = (caller.tenant.clone(), Arc::clone(api));
    let not_found = Problem::not_found("sku", &wanted.sku);
    let found = api.read(move |store| decide(&house.histories, store, &tenant, now, wanted)).await?;
    let Some((follow, is_new, automatic)) = found else { return Err(not_found) };
    let done = api.run(caller, now, Command::FollowAdvice(Box::new(follow)), None).await?;
    let Answer::Advised(told) = done.answer else { return Err(unexpected(&done.answer)) };
    Ok((told.0, is_new, AutoOut::from(&automatic)))
}

fn decide(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    now: Timestamp,
    wanted: Wanted,
) -> Result<Option<(FollowAdvice, bool, Automatic)>, StoreError> {
    let Wanted { sku, channel, base, limits, paused, if_match } = wanted;
    let Some(mut pool) = store.pools(tenant, std::slice::from_ref(&sku))?.pop() else { return Ok(None) };
    let settings = settings(store, tenant)?;
    let set = pool.policy_set(&channel).cloned();
    let is_new = set.is_none();
    // Until there is an advice, it is sold as it was.
    let when_out = set.map_or(WhenOut::Refuse, |set| set.when_out);
    let base = Policy { when_out, ..base };
    pool.policies.retain(|(known, _)| *known != channel);
    pool.policies.push((channel.clone(), Arc::new(base.clone())));
    let (asked, ordered, cancelled) = histories.look(store, tenant, |history| {
        let whole = history.whole(now);
        let goods = history.goods(&sku).cloned().unwrap_or_default();
        (evidence::subject(&pool, &channel, history, &whole, now), goods.ordered, goods.later_cancelled)
    })?;
    let advice = asked.map_err(|why| why.to_string());
    let advice = advice.and_then(|subject| advise(&subject).map_err(|error| error.to_string()));
    let money = pool.item.price.as_ref().or(pool.item.unit_cost.as_ref());
    let stays = paused || settings.paused || settings.holds_out(&sku);
    let (policy, advice) = match (advice, money) {
        (Ok(advice), Some(money)) => {
            let policy = if stays { None } else { held(&advice, &limits, &base) };
            (policy, Text::of(&shown::advice(&advice, money.currency)))
        }
        (Ok(_), None) => (None, Text::of(&value!({ "refused": "it has neither a price nor a cost" }))),
        (Err(why), _) => (None, Text::of(&value!({ "refused": why }))),
    };
    let driver = |error: serde_json::Error| StoreError::driver("wrote an advice", error);
    let advice = advice.map_err(driver)?;
    let policy = policy.unwrap_or_else(|| limits.hold(base));
    let automatic = Automatic {
        sku: sku.clone(),
        channel: channel.clone(),
        limits,
        paused,
        since: now,
        ordered,
        cancelled,
    };
    let id = followed_id(&sku, &channel);
    let record = Record::new(AUTOMATIC, &id, &automatic).map_err(driver)?;
    let mut records = vec![Record { owner: sku.as_str().into(), ..record }];
    if store.records(tenant, Shelf::Ledger, AUTOMATIC_RUN, &[AUTOMATIC_RUN])?.is_empty() {
        let run = next_round(now).map_err(|error| StoreError::driver("wrote a record", error.to_string()))?;
        records.push(run);
    }
    let policy = PutPolicy { sku, channel, policy, if_match };
    Ok(Some((FollowAdvice { policy, by: FollowedBy::Automatic, advice, records }, is_new, automatic)))
}

/// A shop's settings for policies that follow the advice by themselves, as a whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AdviceSettingsInput)]
pub(crate) struct SettingsIn {
    /// Leave all of them as they are for now; false unless given.
    paused: Option<bool>,
    /// Of a hundred SKUs so many are left as they are, to see whether it helps; 0 unless given.
    #[schema(minimum = 0, maximum = 90)]
    hold_out_percent: Option<i64>,
}

impl Input for SettingsIn {}

/// SKUs with automatic policies, and what they sold since.
#[derive(Serialize, ToSchema)]
#[schema(as = AutomaticGroup)]
pub(crate) struct GroupOut {
    /// How many, for a day at least.
    skus: usize,
    /// Units ordered and not cancelled, a day and SKU.
    units_a_day: f64,
}

/// A shop's settings, and whether following the advice helps.
#[derive(Serialize, ToSchema)]
#[schema(as = AdviceSettings)]
pub(crate) struct SettingsOut {
    paused: bool,
    hold_out_percent: u8,
    /// Policies that follow the advice.
    automatic_policies: usize,
    /// SKUs that follow it.
    following: GroupOut,
    /// SKUs that are held out.
    held_out: GroupOut,
    /// Units a day and SKU more where it is followed; null with fewer than two SKUs in either group.
    difference: Option<f64>,
    /// Half width of its 95 % interval.
    difference_half_width: Option<f64>,
}

/// What each SKU sold a day since it follows the advice: those that do, and those held out.
fn measured(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<(AutomaticSettings, usize, [Vec<f64>; 2]), StoreError> {
    let settings = settings(store, tenant)?;
    let (mut all, mut after): (Vec<Automatic>, Option<String>) = (Vec::new(), None);
    loop {
        let from = (after.as_deref(), PAGE);
        let page = store.record_page(tenant, Shelf::Ledger, AUTOMATIC, &RecordFilter::default(), from)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|record| record.id.to_string());
        all.extend(page.iter().filter_map(|record| record.read::<Automatic>().ok().flatten()));
        if after.is_none() {
            break;
        }
    }
    let mut groups = [Vec::new(), Vec::new()];
    histories.look(store, tenant, |history| {
        for one in all.iter().filter(|one| !one.paused) {
            let days = (now.as_second() - one.since.as_second()) as f64 / 86_400.0;
            let Some(goods) = history.goods(&one.sku).filter(|_| days >= 1.0) else { continue };
            let units = (goods.ordered - one.ordered) - (goods.later_cancelled - one.cancelled);
            groups[usize::from(settings.holds_out(&one.sku))].push(units as f64 / days);
        }
    })?;
    Ok((settings, all.len(), groups))
}

fn mean_and_spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let spread = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, spread / n.max(1.0))
}

fn settings_out(settings: AutomaticSettings, count: usize, groups: &[Vec<f64>; 2]) -> SettingsOut {
    let [(following, a), (held_out, b)] = [mean_and_spread(&groups[0]), mean_and_spread(&groups[1])];
    let enough = groups.iter().all(|group| group.len() >= 2);
    // Welch's interval, with Satterthwaite's degrees of freedom.
    let df = (a + b).powi(2)
        / (a * a / (groups[0].len() as f64 - 1.0).max(1.0) + b * b / (groups[1].len() as f64 - 1.0).max(1.0));
    let half = if a + b > 0.0 { student_half_width(df.max(1.0), 0.95) * (a + b).sqrt() } else { 0.0 };
    SettingsOut {
        paused: settings.paused,
        hold_out_percent: settings.hold_out_percent,
        automatic_policies: count,
        following: GroupOut { skus: groups[0].len(), units_a_day: following },
        held_out: GroupOut { skus: groups[1].len(), units_a_day: held_out },
        difference: enough.then_some(following - held_out),
        difference_half_width: enough.then_some(half),
    }
}

/// Set how policies follow the advice
///
/// Policies with `when_out: auto` are looked at once a day. SKUs that are held out stay as they are: always the same ones.
#[utoipa::path(
    put, path = "/v1/settings/advice", tag = "Decisions", operation_id = "put_advice_settings",
    request_body = SettingsIn,
    responses((status = 200, description = "The settings", body = SettingsOut)),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put_settings(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Json { value, .. }: Json<SettingsIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let percent = value.hold_out_percent.unwrap_or(0);
    let percent = checks.number(format_args!("/hold_out_percent"), percent, 0, 90);
    let settings = AutomaticSettings {
        paused: value.paused.unwrap_or(false),
        hold_out_percent: u8::try_from(percent).unwrap_or(0),
    };
    let settings = checks.finish(settings)?;
    let record = Record::new(AUTOMATIC_SETTINGS, AUTOMATIC_SETTINGS, &settings).map_err(defect)?;
    let data = Text::of(&value!({ "advice_settings": settings })).map_err(defect)?;
    let wish = KeepTerms { sku: None, data, records: vec![record], private: Vec::new() };
    api.run(&allowed.caller, now, Command::KeepTerms(wish), None).await?;
    read_settings(&api, &allowed.caller, now).await
}

/// Read how policies follow the advice, and whether that helps
#[utoipa::path(
    get, path = "/v1/settings/advice", tag = "Decisions", operation_id = "get_advice_settings",
    responses((status = 200, description = "The settings, and what both groups sold", body = SettingsOut)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn get_settings(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    read_settings(&api, &allowed.caller, now).await
}

async fn read_settings(api: &Arc<Api>, caller: &Caller, now: Timestamp) -> Result<Response, Problem> {
    let (tenant, house) = (caller.tenant.clone(), Arc::clone(api));
    let (settings, count, groups) =
        api.read(move |store| measured(&house.histories, store, &tenant, now)).await?;
    json(StatusCode::OK, &settings_out(settings, count, &groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_needs_two_in_each_group() {
        let settings = AutomaticSettings { paused: false, hold_out_percent: 50 };
        let few = settings_out(settings, 3, &[vec![1.0, 2.0], vec![3.0]]);
        assert_eq!((few.difference, few.difference_half_width), (None, None));
        let enough = settings_out(settings, 6, &[vec![2.0, 2.2, 1.8], vec![1.0, 1.1, 0.9]]);
        assert!((enough.difference.unwrap() - 1.0).abs() < 1e-12);
        // Spreads of 0.04 and 0.01 over three each: df = 0.0166…² ÷ (0.0133…² + 0.0033…²) · 2 = 2.94.
        let half = student_half_width(50.0 / 17.0, 0.95) * (0.05_f64 / 3.0).sqrt();
        assert!((enough.difference_half_width.unwrap() - half).abs() < 1e-9);
        let none = settings_out(settings, 0, &[Vec::new(), Vec::new()]);
        assert_eq!((none.following.units_a_day, none.difference), (0.0, None));
    }

    #[test]
    fn the_same_skus_are_held_out_and_about_as_many_as_asked() {
        let skus: Vec<Sku> = (0..1_000).map(|n| Sku::stored(&format!("SKU-{n}"))).collect();
        let held = |percent: u8| {
            let settings = AutomaticSettings { paused: false, hold_out_percent: percent };
            skus.iter().filter(|sku| settings.holds_out(sku)).count()
        };
        assert_eq!(held(0), 0);
        assert!((150..250).contains(&held(20)), "{}", held(20));
        assert!(held(20) < held(50));
    }
}
