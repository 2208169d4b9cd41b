//! `/v1/waitlist`: interest without an order, served in turn when goods are here.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::{Answer, Detail, Request};
use ledger::{RecordFilter, Shelf};
use model::{
    command::{Command, JoinWaitlist},
    id::{CustomerKey, TenantId, WaitId},
    record::Record,
    time::Timestamp,
    waitlist::{WAITING, Wait, Waiter},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, WaitlistRead, WaitlistWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
};
use crate::link;

/// Somebody who wants to know.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WaitlistInput)]
pub(crate) struct WaitIn {
    /// What for.
    sku: String,
    /// Where to write to.
    email: String,
    /// How many units; 1 unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
    /// Where it is sold; `default` unless given.
    channel: Option<String>,
    /// Where it would go: ISO 3166-1 alpha-2.
    country: Option<String>,
    /// The language to write in: BCP 47.
    locale: Option<String>,
}

impl Input for WaitIn {}

fn check(input: &WaitIn) -> Result<JoinWaitlist, Problem> {
    let mut checks = Checks::default();
    let wish = JoinWaitlist {
        sku: checks.sku(format_args!("/sku"), &input.sku),
        quantity: checks.line_units(format_args!("/quantity"), input.quantity.unwrap_or(1)),
        channel: checks.channel(format_args!("/channel"), input.channel.as_deref()),
        country: checks.country(format_args!("/country"), input.country.as_deref()),
        customer: CustomerKey([0; 16]),
        email: checks.email(format_args!("/email"), Some(&input.email)).unwrap_or_default(),
        locale: checks.locale(format_args!("/locale"), input.locale.as_deref()),
    };
    checks.finish(wish)
}

/// A place as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    id: WaitId,
    sku: &'a str,
    quantity: i64,
    state: &'static str,
    joined_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<model::id::HoldId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

fn shown<'a>(wait: &'a Wait, email: Option<&'a str>, token: Option<String>) -> Shown<'a> {
    Shown {
        id: wait.id,
        sku: wait.sku.as_str(),
        quantity: wait.quantity,
        state: wait.state.as_str(),
        joined_at: wait.joined_at,
        hold: wait.hold,
        held_until: wait.until,
        email,
        token,
    }
}

/// Sign up to a waitlist
///
/// Whoever is on the list of the SKU already keeps the place; the quantity is the new one. When units are here that no
/// backorder waits for, the first in the list are invited, each with the units held for a day.
#[utoipa::path(
    post, path = "/v1/waitlist", tag = "Waitlist", operation_id = "join_waitlist",
    request_body = WaitIn,
    responses(
        (status = 201, description = "A new place, with the token to leave it", body = schema::Waiting),
        (status = 200, description = "The place they had", body = schema::Waiting),
    ),
    security(("key" = ["waitlist:write"])),
)]
pub(crate) async fn join(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WaitlistWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<WaitIn>,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let mut wish = check(&value)?;
    wish.customer = api.customer(&caller.tenant, Some(&wish.email)).await?.unwrap_or(wish.customer);
    let key = idempotency.optional(caller, &bytes)?;
    let done = api.run(caller, now, Command::JoinWaitlist(wish), key).await?;
    let Answer::Waiting(wait, is_new) = &done.answer else { return Err(unexpected(&done.answer)) };
    let status = if *is_new { StatusCode::CREATED } else { StatusCode::OK };
    // Whoever signs up an address that is on the list learns no token for it: it stands in that person's mail.
    let token = is_new.then(|| link::make_wait(&api.app.secret, &caller.tenant, wait.id, wait.joined_at));
    json_replayed(status, &shown(wait, None, token), done.replayed)
}

/// Read waitlists
#[utoipa::path(
    get, path = "/v1/waitlist", tag = "Waitlist", operation_id = "list_waitlist",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("state" = Option<String>, Query, description = "Only `waiting`, `invited`, `bought`, `lapsed` or `left`"),
    ),
    responses((status = 200, description = "Places in their order", body = schema::WaitingPage)),
    security(("key" = ["waitlist:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<WaitlistRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    const STATES: [&str; 5] = ["waiting", "invited", "bought", "lapsed", "left"];
    let (limit, after) = (params.limit(), params.cursor::<WaitId>());
    let (sku, state) = (params.sku("sku"), params.word("state", &STATES));
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let filter = RecordFilter { owner: sku.as_ref().map(model::id::Sku::as_str), state };
            let after = after.map(|id| id.to_string());
            let page = (after.as_deref(), limit + 1);
            let places = store.record_page(&tenant, Shelf::Ledger, WAITING, &filter, page)?;
            let ids: Vec<&str> = places.iter().map(|place| &*place.id).collect();
            let people = store.records(&tenant, Shelf::Private, WAITING, &ids)?;
            Ok(places
                .into_iter()
                .map(|place| {
                    let who = people.iter().find(|who| who.id == place.id).cloned();
                    (place, who)
                })
                .collect::<Vec<_>>())
        })
        .await?;
    let read: Vec<(Wait, Option<Waiter>)> =
        found.iter().filter_map(|(place, who)| read(place, who.as_ref())).collect();
    let items =
        read.iter().map(|(wait, who)| shown(wait, who.as_ref().map(|who| &*who.email), None)).collect();
    json(StatusCode::OK, &Page::cut(items, limit, |item: &Shown<'_>| item.id))
}

fn read(place: &Record, who: Option<&Record>) -> Option<(Wait, Option<Waiter>)> {
    let wait = place.read::<Wait>().ok().flatten()?;
    Some((wait, who.and_then(|who| who.read::<Waiter>().ok().flatten())))
}

/// Leave a waitlist
///
/// The token of the place, from its link, is all it takes; units held for it go to whoever is next.
#[utoipa::path(
    delete, path = "/v1/waitlist", tag = "Waitlist", operation_id = "leave_waitlist",
    params(("token" = String, Query, description = "The token that signing up answered, or that stands in the link")),
    responses((status = 204, description = "They are on the list no more")),
)]
pub(crate) async fn leave(
    State(api): State<Arc<Api>>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let token = params.text("token");
    params.finish()?;
    let token = token.ok_or_else(|| Problem::field("token", "required", "is missing"))?;
    leave_with(&api, now, &token).await
}

/// Leave a waitlist, by its link
#[utoipa::path(
    delete, path = "/v1/waitlist/{token}", tag = "Waitlist", operation_id = "leave_waitlist_by_link",
    params(("token" = String, Path, description = "The token that signing up answered, or that stands in the link")),
    responses((status = 204, description = "They are on the list no more")),
)]
pub(crate) async fn leave_by_link(
    State(api): State<Arc<Api>>,
    Now(now): Now,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    leave_with(&api, now, &token).await
}

async fn leave_with(api: &Arc<Api>, now: Timestamp, token: &str) -> Result<Response, Problem> {
    let found: Option<(TenantId, WaitId)> = link::read_wait(&api.app.secret, token, now);
    let (tenant, place) = found.ok_or_else(|| Problem::not_found("waitlist place", token))?;
    let id = api.app.stamps.next(now);
    let command = Command::LeaveWaitlist(place);
    let request = Request { tenant, now, id, command, key: None, detail: Detail::Full };
    let answered = api.app.engine.run(request).await?;
    answered.outcome.map_err(Problem::from)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
