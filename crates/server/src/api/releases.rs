//! `/v1/releases`: what is allocated goes to fulfilment, and comes back from there.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{
    Answer,
    wave::{Ready, Search, ready},
};
use model::{
    command::{Command, TakeBack, TakeBackLine, Wave},
    id::{LocationId, ReleaseId},
    limits::{COMPONENTS_MAX, LINES_MAX, NAME_CHARS_MAX, SUPPLY_UNITS_MAX},
    location::LocationSettings,
    time::{Time, Timestamp, parse_time},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Caller, Fulfilment},
    check::{Checks, LABEL_CHARS_MAX},
    clock::{self, Now},
    holds::check_count,
    idempotency::Idempotency,
    input::{Input, Json},
    params::Segments,
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
    supplies::path_id,
};

/// Most lines of one release.
const LIMIT_MAX: i64 = 500;
/// Most SKUs, tags or numbers of orders that a wave names.
const NAMED_MAX: usize = 500;

/// What to hand over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseInput)]
pub(crate) struct ReleaseIn {
    /// Where it is packed.
    location: String,
    /// Most lines; 500 unless given. An order that ships complete goes as a whole: the last one may go beyond.
    #[schema(minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// When the carrier comes: an instant, or a time of day at the location such as `16:30`, the next one there is. Lines
    /// that may not leave by that day are left.
    #[schema(example = "16:30")]
    carrier_cutoff: Option<String>,
    /// Only orders that go there: ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Only orders of this customer group.
    customer_group: Option<String>,
    /// Only lines of SKUs with one of these tags.
    #[schema(min_items = 1, max_items = 500)]
    tags: Option<Vec<String>>,
    /// Only lines of these SKUs, as they were ordered.
    #[schema(min_items = 1, max_items = 500)]
    skus: Option<Vec<String>>,
    /// Only orders with one of these numbers of yours.
    #[schema(min_items = 1, max_items = 500)]
    references: Option<Vec<String>>,
    /// Show what would be handed over, and hand nothing over.
    dry_run: Option<bool>,
}

impl Input for ReleaseIn {}

/// When the carrier comes, as it was said.
#[derive(Debug, Clone, Copy)]
enum Cutoff {
    At(Timestamp),
    Clock(Time),
}

impl Cutoff {
    /// The next instant at which a clock at the location shows the time.
    fn at(self, place: Option<&LocationSettings>, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Clock(time) => {
                let place = place?;
                let today = place.today(now);
                let on = |date| place.time_zone.first_instant(date, time);
                on(today).filter(|at| *at >= now).or_else(|| on(today.tomorrow().ok()?))
            }
        }
    }
}

struct Checked {
    location: LocationId,
    cutoff: Option<Cutoff>,
    wave: Wave,
    limit: usize,
}

fn check(input: &ReleaseIn) -> Result<Checked, Problem> {
    let mut checks = Checks::default();
    let cutoff = input.carrier_cutoff.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let cutoff = cutoff.and_then(|text| {
        let read = parse_time(text).ok().map(Cutoff::Clock).or_else(|| clock::read(text).map(Cutoff::At));
        if read.is_none() {
            let detail = "neither an instant such as 2026-12-01T16:30:00Z nor a time of day such as 16:30";
            checks.wrong(format_args!("/carrier_cutoff"), "instant", detail);
        }
        read
    });
    let tags = named(&mut checks, "/tags", input.tags.as_deref());
    let skus = named(&mut checks, "/skus", input.skus.as_deref());
    let references = named(&mut checks, "/references", input.references.as_deref());
    let skus = skus.iter().enumerate().map(|(n, sku)| checks.sku(format_args!("/skus/{n}"), sku));
    let skus = skus.collect();
    let wave = Wave {
        country: checks.country(format_args!("/country"), input.country.as_deref()),
        group: checks.label(format_args!("/customer_group"), input.customer_group.as_deref()),
        tags: texts(&mut checks, "/tags", tags, LABEL_CHARS_MAX),
        skus,
        references: texts(&mut checks, "/references", references, NAME_CHARS_MAX),
    };
    let limit = checks.number(format_args!("/limit"), input.limit.unwrap_or(LIMIT_MAX), 1, LIMIT_MAX);
    let location = checks.location(format_args!("/location"), &input.location);
    checks.finish(Checked { location, cutoff, wave, limit: usize::try_from(limit).unwrap_or(1) })
}

/// What a filter names; none where it is left out.
fn named<'i>(checks: &mut Checks, at: &str, texts: Option<&'i [String]>) -> &'i [String] {
    match texts {
        None => &[],
        // It may come of a search that found nothing: it must not choose everything.
        Some([]) => {
            checks.wrong(format_args!("{at}"), "empty", "names nothing; leave it out to choose all");
            &[]
        }
        Some(texts) if texts.len() > NAMED_MAX => {
            checks.wrong(format_args!("{at}"), "too_many", format!("at most {NAMED_MAX}"));
            &[]
        }
        Some(texts) => texts,
    }
}

/// Texts, none of them blank.
fn texts(checks: &mut Checks, at: &str, texts: &[String], max: usize) -> Vec<Arc<str>> {
    let mut read = Vec::with_capacity(texts.len());
    for (n, text) in texts.iter().enumerate() {
        match checks.text(format_args!("{at}/{n}"), Some(text), max) {
            Some(text) => read.push(text),
            None if text.trim().is_empty() => checks.wrong(format_args!("{at}/{n}"), "empty", "is empty"),
            None => {}
        }
    }
    read
}

/// What is ready, read beside the writer.
async fn find(api: &Arc<Api>, caller: &Caller, checked: Checked, now: Timestamp) -> Result<Ready, Problem> {
    let tenant = caller.tenant.clone();
    let found = api
        .read(move |store| {
            let Checked { location, cutoff, wave, limit } = checked;
            let places = store.locations(&tenant)?;
            let place = places.iter().find(|(id, _)| *id == location).map(|(_, settings)| settings);
            let carrier_cutoff = cutoff.and_then(|cutoff| cutoff.at(place, now));
            ready(store, &tenant, &Search { location, carrier_cutoff, wave, limit, now })
        })
        .await?;
    Ok(found?)
}

/// Hand units over to fulfilment
///
/// What is allocated at one location, each unit once, the oldest ship date told first; of an order that ships complete all or
/// nothing. What is handed over stays with its line until it is shipped or comes back, and cannot be cancelled meanwhile.
/// Filters choose a wave; with `dry_run` nothing is handed over. Answers 201, or 200 where nothing was.
#[utoipa::path(
    post, path = "/v1/releases", tag = "Fulfilment", operation_id = "release",
    request_body = ReleaseIn,
    responses(
        (status = 201, description = "What was handed over", body = schema::Release),
        (status = 200, description = "Nothing was: there is nothing ready, or it is a dry run", body = schema::Release),
    ),
    security(("key" = ["fulfilment:write"])),
)]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Fulfilment>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<ReleaseIn>,
) -> Result<Response, Problem> {
    let checked = check(&value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let found = find(&api, &allowed.caller, checked, now).await?;
    if value.dry_run == Some(true) {
        return json(StatusCode::OK, &found.preview()?);
    }
    let done = api.run(&allowed.caller, now, Command::Release(found.wish), key).await?;
    let Answer::Released(view) = &done.answer else { return Err(unexpected(&done.answer)) };
    let status = if view.lines.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    json_replayed(status, view, done.replayed)
}

/// What comes back from fulfilment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseReturnInput)]
pub(crate) struct ReturnIn {
    /// Which lines.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<ReturnLineIn>,
    /// Why.
    reason: Option<String>,
}

impl Input for ReturnIn {}

/// One line that comes back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseReturnLineInput)]
pub(crate) struct ReturnLineIn {
    /// The line's id.
    id: String,
    /// How many units; all of the release that have not been shipped unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
    /// What of them is not there: it leaves the stock, and the line waits for other goods.
    #[schema(max_items = 50)]
    missing: Option<Vec<MissingIn>>,
}

/// Goods that are not there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MissingInput)]
pub(crate) struct MissingIn {
    /// What: the line's SKU, or a component of it.
    sku: String,
    /// How many units.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
}

fn check_return(release: ReleaseId, input: &ReturnIn) -> Result<TakeBack, Problem> {
    let mut checks = Checks::default();
    check_count(&mut checks, input.lines.len());
    let lines = input.lines.iter().take(LINES_MAX).enumerate().filter_map(|(n, line)| {
        let id = checks.parsed(format_args!("/lines/{n}/id"), &line.id);
        let units = line.quantity.map(|units| checks.line_units(format_args!("/lines/{n}/quantity"), units));
        let missing = line.missing.as_deref().unwrap_or_default();
        if missing.len() > COMPONENTS_MAX {
            checks.wrong(format_args!("/lines/{n}/missing"), "too_many", format!("at most {COMPONENTS_MAX}"));
        }
        let missing = missing.iter().take(COMPONENTS_MAX).enumerate().map(|(m, missing)| {
            let at = format!("/lines/{n}/missing/{m}");
            let sku = checks.sku(format_args!("{at}/sku"), &missing.sku);
            (sku, checks.number(format_args!("{at}/quantity"), missing.quantity, 1, SUPPLY_UNITS_MAX))
        });
        let missing = missing.collect();
        Some(TakeBackLine { line: id?, quantity: units, missing })
    });
    let lines = lines.collect();
    let reason = checks.note(format_args!("/reason"), input.reason.as_deref());
    checks.finish(TakeBack { release, lines, reason })
}

/// Take units back from fulfilment
///
/// A pick that was refused is allocated again. A pick that fell short names what is `missing`: that leaves the stock, and the
/// line waits for other goods, which it gets at once where there are any.
#[utoipa::path(
    post, path = "/v1/releases/{id}/returns", tag = "Fulfilment", operation_id = "return_release",
    params(("id" = String, Path, description = "The release's id")),
    request_body = ReturnIn,
    responses((status = 201, description = "The lines as they are now", body = schema::ReleaseReturn)),
    security(("key" = ["fulfilment:write"])),
)]
pub(crate) async fn take_back(
    State(api): State<Arc<Api>>,
    allowed: Allowed<Fulfilment>,
    Now(now): Now,
    idempotency: Idempotency,
    Segments(id): Segments<String>,
    Json { value, bytes }: Json<ReturnIn>,
) -> Result<Response, Problem> {
    let wish = check_return(path_id("release", &id)?, &value)?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::TakeBack(wish), key).await?;
    let Answer::TakenBack(view) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::CREATED, view, done.replayed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_at_the_location() {
        let place = LocationSettings {
            time_zone: model::time::Zone::new("America/New_York").unwrap(),
            ..LocationSettings::default()
        };
        let now: Timestamp = "2026-11-23T14:00:00Z".parse().unwrap();
        for (clock, at) in [
            ("09:00", "2026-11-23T14:00:00Z"),
            ("16:30", "2026-11-23T21:30:00Z"),
            ("08:59", "2026-11-24T13:59:00Z"),
        ] {
            let cutoff = Cutoff::Clock(parse_time(clock).unwrap());
            assert_eq!(cutoff.at(Some(&place), now), Some(at.parse().unwrap()), "{clock}");
            assert_eq!(cutoff.at(None, now), None);
        }
    }
}
