//! `/v1/locations`: the places that ship.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use engine::Answer;
use model::{
    calendar::{Calendar, CalendarError, WorkingDays},
    command::{Command, PutLocation},
    id::LocationId,
    location::LocationSettings,
    time::{Weekday, Zone, parse_time},
    transit::{ANY_COUNTRY, STANDARD_SERVICE, Transit},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, CatalogRead, CatalogWrite},
    check::Checks,
    clock::Now,
    input::{Input, Json, MoneyIn, words},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_tagged, unexpected},
    tag::if_match,
};

const HOLIDAYS_MAX: usize = 4_000;
const TRANSIT_MAX: usize = 1_000;

/// A place that ships, as a whole: what is left out gets its default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LocationInput)]
pub(crate) struct LocationIn {
    /// The location's id; if given, the one in the address.
    location: Option<String>,
    /// The name shown to staff.
    name: Option<String>,
    /// IANA name of its time zone; UTC unless given.
    #[schema(example = "America/New_York")]
    time_zone: Option<String>,
    /// The days on which work is done; Monday to Friday unless given.
    working_days: Option<Vec<DayIn>>,
    /// Days without work.
    #[schema(example = json!(["2026-12-25"]))]
    holidays: Option<Vec<String>>,
    /// Local time from which work starts on the next working day; 14:00 unless given.
    #[schema(example = "14:00", pattern = "^[0-2][0-9]:[0-5][0-9]$")]
    cutoff: Option<String>,
    /// Working days from the start of work to shipping.
    #[schema(minimum = 0, maximum = 1825)]
    handling_days: Option<i64>,
    /// Working days from arrival until goods are ready.
    #[schema(minimum = 0, maximum = 1825)]
    dock_to_stock_days: Option<i64>,
    /// How long parcels take, by country and service.
    transit: Option<Vec<TransitIn>>,
}

impl Input for LocationIn {}

/// A weekday.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = Weekday)]
pub(crate) enum DayIn {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

words!(DayIn { "mon" => Mon, "tue" => Tue, "wed" => Wed, "thu" => Thu, "fri" => Fri, "sat" => Sat, "sun" => Sun });

impl From<DayIn> for Weekday {
    fn from(day: DayIn) -> Self {
        match day {
            DayIn::Mon => Self::Monday,
            DayIn::Tue => Self::Tuesday,
            DayIn::Wed => Self::Wednesday,
            DayIn::Thu => Self::Thursday,
            DayIn::Fri => Self::Friday,
            DayIn::Sat => Self::Saturday,
            DayIn::Sun => Self::Sunday,
        }
    }
}

/// How long one carrier service takes to one country.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TransitInput)]
pub(crate) struct TransitIn {
    /// ISO 3166-1 alpha-2, or `*` for every country without a row of its own.
    #[schema(example = "US")]
    country: String,
    /// The shop's name for the service; `standard` unless given.
    service: Option<String>,
    /// The least working days.
    #[schema(minimum = 0, maximum = 1825)]
    days_min: i64,
    /// The most working days.
    #[schema(minimum = 0, maximum = 1825)]
    days_max: i64,
    /// What the customer pays for it.
    price: Option<MoneyIn>,
}

fn check(location: &LocationId, input: &LocationIn) -> Result<LocationSettings, Problem> {
    let mut checks = Checks::default();
    let defaults = LocationSettings::default();
    if input.location.as_deref().is_some_and(|given| given.trim() != location.as_str()) {
        checks.wrong(format_args!("/location"), "mismatch", "not the location in the address");
    }
    let name = checks.name(format_args!("/name"), input.name.as_deref());
    let time_zone = match input.time_zone.as_deref().map(Zone::new) {
        None => defaults.time_zone,
        Some(Ok(zone)) => zone,
        Some(Err(error)) => {
            checks.wrong(format_args!("/time_zone"), "time_zone", error.to_string());
            defaults.time_zone
        }
    };
    let cutoff = match input.cutoff.as_deref().map(parse_time) {
        None => defaults.cutoff,
        Some(Ok(time)) => time,
        Some(Err(error)) => {
            checks.wrong(format_args!("/cutoff"), "time", error.to_string());
            defaults.cutoff
        }
    };
    let calendar = check_calendar(&mut checks, input);
    let handling_days = checks.days(format_args!("/handling_days"), input.handling_days.unwrap_or(0));
    let dock_to_stock_days =
        checks.days(format_args!("/dock_to_stock_days"), input.dock_to_stock_days.unwrap_or(0));
    let transit = check_transit(&mut checks, input.transit.as_deref().unwrap_or_default());
    checks.finish(LocationSettings {
        name: name.as_deref().unwrap_or_default().to_owned(),
        time_zone,
        calendar,
        cutoff,
        handling_days,
        dock_to_stock_days,
        transit,
    })
}

fn check_calendar(checks: &mut Checks, input: &LocationIn) -> Calendar {
    let days =
        input.working_days.as_ref().map(|days| WorkingDays::new(days.iter().copied().map(Weekday::from)));
    let days = days.unwrap_or(Ok(WorkingDays::default()));
    let given = input.holidays.as_deref().unwrap_or_default();
    if given.len() > HOLIDAYS_MAX {
        checks.wrong(format_args!("/holidays"), "too_many", format!("at most {HOLIDAYS_MAX}"));
        return Calendar::default();
    }
    let mut holidays = BTreeSet::new();
    for (n, text) in given.iter().enumerate() {
        holidays.extend(checks.date(format_args!("/holidays/{n}"), text));
    }
    let calendar = days.and_then(|days| Calendar::new(days, holidays));
    calendar.unwrap_or_else(|error| {
        let (pointer, code) = match error {
            CalendarError::Closed { .. } | CalendarError::Holiday(_) => ("/holidays", "never_open"),
            CalendarError::NoWorkingDay => ("/working_days", "empty"),
            _ => ("/working_days", "duplicate"),
        };
        checks.wrong(format_args!("{pointer}"), code, error.to_string());
        Calendar::default()
    })
}

fn check_transit(checks: &mut Checks, rows: &[TransitIn]) -> Vec<Transit> {
    if rows.len() > TRANSIT_MAX {
        checks.wrong(format_args!("/transit"), "too_many", format!("at most {TRANSIT_MAX}"));
        return Vec::new();
    }
    let mut transit: Vec<Transit> = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        let country = match row.country.trim() {
            ANY_COUNTRY => ANY_COUNTRY.into(),
            "" => {
                checks.wrong(format_args!("/transit/{n}/country"), "empty", "a country, or * for any");
                ANY_COUNTRY.into()
            }
            text => checks.country(format_args!("/transit/{n}/country"), Some(text)).unwrap_or_default(),
        };
        let service = checks.label(format_args!("/transit/{n}/service"), row.service.as_deref());
        let days_min = checks.days(format_args!("/transit/{n}/days_min"), row.days_min);
        let days_max = checks.days(format_args!("/transit/{n}/days_max"), row.days_max);
        if row.days_min > row.days_max {
            checks.wrong(format_args!("/transit/{n}/days_max"), "out_of_range", "less than days_min");
        }
        let price = row.price.as_ref().and_then(|price| checks.money(&format!("/transit/{n}/price"), price));
        let service = service.as_deref().unwrap_or(STANDARD_SERVICE).to_owned();
        let country = country.to_string();
        if transit.iter().any(|other| other.country == country && other.service == service) {
            checks.wrong(format_args!("/transit/{n}"), "duplicate", "this country and service stand twice");
        }
        transit.push(Transit { country, service, days_min, days_max, price });
    }
    transit
}

#[derive(Serialize)]
struct LocationOut<'a> {
    location: &'a LocationId,
    #[serde(flatten)]
    settings: &'a LocationSettings,
}

fn path_id(text: &str) -> Result<LocationId, Problem> {
    let mut checks = Checks::default();
    let id = checks.location(format_args!("location"), text);
    checks.finish(id)
}

/// Describe a location
///
/// As a whole: what is left out gets its default.
#[utoipa::path(
    put, path = "/v1/locations/{location}", tag = "Catalog", operation_id = "put_location",
    params(("location" = String, Path, description = "The location's id, chosen by you", max_length = 64)),
    request_body = LocationIn,
    responses(
        (status = 200, description = "It is described so now", body = schema::Location),
        (status = 201, description = "It is new", body = schema::Location),
    ),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(location): Segments<String>,
    headers: HeaderMap,
    Json { value, .. }: Json<LocationIn>,
) -> Result<Response, Problem> {
    let location = path_id(&location)?;
    let settings = check(&location, &value)?;
    let wish = PutLocation { location, settings, if_match: if_match(&headers)? };
    let done = api.run(&allowed.caller, now, Command::PutLocation(wish), None).await?;
    let Answer::Location(set, new) = &done.answer else { return Err(unexpected(&done.answer)) };
    let status = if *new { StatusCode::CREATED } else { StatusCode::OK };
    let body = LocationOut { location: &set.location, settings: &set.settings };
    json_tagged(status, &body, &promise::etag(&set.settings))
}

/// Read a location
#[utoipa::path(
    get, path = "/v1/locations/{location}", tag = "Catalog", operation_id = "get_location",
    params(("location" = String, Path, description = "The location's id")),
    responses((status = 200, description = "The location", body = schema::Location)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(location): Segments<String>,
) -> Result<Response, Problem> {
    let location = path_id(&location)?;
    let tenant = allowed.caller.tenant.clone();
    let locations = api.read(move |store| store.locations(&tenant)).await?;
    let settings = locations.iter().find(|(id, _)| *id == location).map(|(_, settings)| settings);
    let settings = settings.ok_or_else(|| Problem::not_found("location", &location))?;
    json_tagged(StatusCode::OK, &LocationOut { location: &location, settings }, &promise::etag(settings))
}

/// List locations
#[utoipa::path(
    get, path = "/v1/locations", tag = "Catalog", operation_id = "list_locations",
    responses((status = 200, description = "Locations by id", body = schema::LocationPage)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<LocationId>());
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let locations = api.read(move |store| store.locations(&tenant)).await?;
    let wanted = locations.iter().filter(|(id, _)| after.as_ref().is_none_or(|after| id > after));
    let items: Vec<LocationOut<'_>> =
        wanted.take(limit + 1).map(|(location, settings)| LocationOut { location, settings }).collect();
    json(StatusCode::OK, &Page::cut(items, limit, |item| item.location.clone()))
}
