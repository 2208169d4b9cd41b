//! `/v1/settings/notices`: when notices go out, and the shop's own terms.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::Shelf;
use model::{command::Command, limits::DAYS_MAX, message::MessageWish};
use obligation::{
    legal::{Law, MerchantPolicy},
    notice::{
        Settings,
        kept::{Automatic, SETTINGS, SETTINGS_ID, ShopSettings},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    auth::{Allowed, NoticesRead, NoticesWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json, present, words},
    params::Params,
    problem::Problem,
    state::{Api, json},
};

/// When drafts go out without anybody sending them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AutomaticNotices)]
pub(crate) enum AutomaticIn {
    /// Never.
    Never,
    /// On the last day on which the law takes them, at eight in the morning.
    LastDay,
    /// As soon as they are drafted.
    AtOnce,
}

words!(AutomaticIn { "never" => Never, "last_day" => LastDay, "at_once" => AtOnce });

/// A law that is known.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LawName)]
pub(crate) enum LawIn {
    /// The United States: 16 CFR part 435.
    Us,
    /// The European Economic Area: Directive 2011/83/EU.
    Eu,
    /// The United Kingdom: Consumer Rights Act 2015.
    Uk,
}

words!(LawIn { "us" => Us, "eu" => Eu, "uk" => Uk });

/// A shop's settings as a whole: what is left out gets its default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeSettingsInput)]
pub(crate) struct SettingsIn {
    /// When drafts go out by themselves; `last_day` unless given.
    automatic: Option<AutomaticIn>,
    /// After so many days without a word a waiting customer gets an update; null: never. 30 unless given.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1825)]
    silent_days: Option<Option<i64>>,
    /// A date that came nearer by fewer days is not worth a mail; 1 unless given.
    #[schema(minimum = 0, maximum = 1825)]
    earlier_by_days: Option<i64>,
    /// Who waited so many days is asked again before the goods are sent; never unless given.
    #[schema(minimum = 0, maximum = 1825)]
    reconfirm_after_days: Option<i64>,
    /// Laws kept for every buyer, wherever the goods go; none unless given.
    also: Option<Vec<LawIn>>,
    /// Ships within so many days of the order unless the buyer agrees to more.
    #[schema(minimum = 0, maximum = 1825)]
    ship_within_days: Option<i64>,
    /// Tells of a delay so many days before the law's last day; 0 unless given.
    #[schema(minimum = 0, maximum = 1825)]
    notice_lead_days: Option<i64>,
    /// Sends money back within so many days of a cancellation.
    #[schema(minimum = 0, maximum = 1825)]
    refund_within_days: Option<i64>,
}

impl Input for SettingsIn {}

/// A shop's settings.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeSettings)]
pub(crate) struct SettingsOut {
    automatic: AutomaticIn,
    silent_days: Option<u16>,
    earlier_by_days: u16,
    reconfirm_after_days: Option<u16>,
    also: Vec<LawIn>,
    ship_within_days: Option<u16>,
    notice_lead_days: u16,
    refund_within_days: Option<u16>,
}

fn check(input: &SettingsIn) -> Result<ShopSettings, Problem> {
    let mut checks = Checks::default();
    let mut days =
        |name: &str, days: Option<i64>| days.map(|days| checks.days(format_args!("/{name}"), days));
    let write = Settings {
        silent_days: match input.silent_days {
            None => Settings::default().silent_days,
            Some(given) => days("silent_days", given),
        },
        earlier_by_days: days("earlier_by_days", input.earlier_by_days).unwrap_or(1),
        reconfirm_after_days: days("reconfirm_after_days", input.reconfirm_after_days),
    };
    let mut also: Vec<Law> = input.also.iter().flatten().map(|law| law_of(*law)).collect();
    also.sort_unstable();
    also.dedup();
    let policy = MerchantPolicy {
        also,
        ship_within_days: days("ship_within_days", input.ship_within_days),
        notice_lead_days: days("notice_lead_days", input.notice_lead_days).unwrap_or(0),
        refund_within_days: days("refund_within_days", input.refund_within_days),
        ..MerchantPolicy::default()
    };
    if write.silent_days == Some(0) {
        let detail = format!("not from 1 to {DAYS_MAX}; null for never");
        checks.wrong(format_args!("/silent_days"), "out_of_range", detail);
    }
    let automatic = match input.automatic {
        Some(AutomaticIn::Never) => Automatic::Never,
        Some(AutomaticIn::AtOnce) => Automatic::AtOnce,
        None | Some(AutomaticIn::LastDay) => Automatic::LastDay,
    };
    checks.finish(ShopSettings { automatic, write, policy })
}

/// Settings as they are kept.
pub(super) fn as_text(settings: &impl Serialize) -> Result<model::record::Json, Problem> {
    model::record::Json::of(settings).map_err(|error| {
        tracing::error!(%error, "settings cannot be written");
        Problem::defect()
    })
}

pub(super) fn law_of(law: LawIn) -> Law {
    match law {
        LawIn::Us => Law::Us,
        LawIn::Eu => Law::Eu,
        LawIn::Uk => Law::Uk,
    }
}

fn shown(settings: &ShopSettings) -> SettingsOut {
    let ShopSettings { automatic, write, policy } = settings;
    let law = |law: &Law| match law {
        Law::Us => LawIn::Us,
        Law::Eu => LawIn::Eu,
        Law::Uk => LawIn::Uk,
    };
    SettingsOut {
        automatic: match automatic {
            Automatic::Never => AutomaticIn::Never,
            Automatic::LastDay => AutomaticIn::LastDay,
            Automatic::AtOnce => AutomaticIn::AtOnce,
        },
        silent_days: write.silent_days,
        earlier_by_days: write.earlier_by_days,
        reconfirm_after_days: write.reconfirm_after_days,
        also: policy.also.iter().map(law).collect(),
        ship_within_days: policy.ship_within_days,
        notice_lead_days: policy.notice_lead_days,
        refund_within_days: policy.refund_within_days,
    }
}

/// Set when notices go out
///
/// Terms of your own may give buyers more than the law, never less. This is a tool, not legal advice.
#[utoipa::path(
    put, path = "/v1/settings/notices", tag = "Notices", operation_id = "put_notice_settings",
    request_body = SettingsIn,
    responses((status = 200, description = "The settings", body = SettingsOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn put_settings(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Json { value, .. }: Json<SettingsIn>,
) -> Result<Response, Problem> {
    let settings = check(&value)?;
    let text = as_text(&settings)?;
    api.run(&allowed.caller, now, Command::Message(MessageWish::Settings(text)), None).await?;
    json(StatusCode::OK, &shown(&settings))
}

/// Read when notices go out
#[utoipa::path(
    get, path = "/v1/settings/notices", tag = "Notices", operation_id = "get_notice_settings",
    responses((status = 200, description = "The settings", body = SettingsOut)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn get_settings(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found =
        api.read(move |store| store.records(&tenant, Shelf::Ledger, SETTINGS, &[SETTINGS_ID])).await?;
    let settings: Option<ShopSettings> = found.first().and_then(|record| record.read().ok().flatten());
    json(StatusCode::OK, &shown(&settings.unwrap_or_default()))
}
