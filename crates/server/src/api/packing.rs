//! `/v1/packing`: which orders that ship whole get what is on hand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{
    Answer,
    packing::{Effort, Plan, Wish, plan},
};
use model::{
    allocation::{PackReport, Worth},
    command::Command,
    refusal::Rejection,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Caller, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
};

/// Most SKUs to look at.
const SKUS_MAX: usize = 100;
const MILLISECONDS_MAX: i64 = 5_000;
/// How often a choice is made anew because what it rests on changed meanwhile.
const TRIES: usize = 3;

/// What makes one order worth more than another.
#[derive(Clone, Copy, Default, ToSchema)]
#[schema(as = WorthInput, rename_all = "snake_case")]
pub(crate) enum WorthIn {
    #[default]
    Value,
    Margin,
    Orders,
}

words!(WorthIn { "value" => Value, "margin" => Margin, "orders" => Orders });

impl WorthIn {
    fn worth(self) -> Worth {
        match self {
            Self::Value => Worth::Value,
            Self::Margin => Worth::Margin,
            Self::Orders => Worth::Orders,
        }
    }
}

/// Which orders to choose from, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PackingInput)]
pub(crate) struct PackingIn {
    /// The location whose goods are given; needed where there are several.
    location: Option<String>,
    /// Only orders with units of one of these SKUs; all, if none is given.
    #[serde(default)]
    #[schema(max_items = 100)]
    skus: Vec<String>,
    /// What makes an order worth more: `value` of what it waits for, `margin`, or as many `orders` as can be.
    #[serde(default)]
    by: WorthIn,
    /// How long to search for the best choice.
    #[serde(default = "a_second")]
    #[schema(minimum = 1, maximum = 5_000, default = 1_000)]
    time_limit_ms: i64,
    /// Plan only, change nothing.
    #[serde(default)]
    dry_run: bool,
}

fn a_second() -> i64 {
    1_000
}

impl Input for PackingIn {}

#[derive(Serialize)]
struct PackingOut<'a> {
    dry_run: bool,
    #[serde(flatten)]
    report: &'a PackReport,
}

/// Make orders whole that ship whole
///
/// Orders that ship complete block each other: each has some of what another waits for. This gives what is on hand at one
/// location to those of them that are worth most together; whoever gives units gets others that come no later than what it waits
/// for, so nobody gets later (lines with the strategy `redistribute` or `lose` may). The answer says how the choice was made
/// (`heuristic`, `search`, `highs`), what it is worth, and what at most the best one could be. One run: `/v1/runs/{id}/undo` takes
/// it back as long as nothing of it was released. At most 5,000 orders are chosen from (`too_many_lines`: name SKUs).
#[utoipa::path(
    post, path = "/v1/packing", tag = "Supplies", operation_id = "pack_orders",
    request_body = PackingIn,
    responses((status = 200, description = "What it did, or would do", body = schema::Packing)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn pack(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<PackingIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let location = value.location.as_ref();
    let location = location.map(|location| checks.location(format_args!("/location"), location));
    if value.skus.len() > SKUS_MAX {
        checks.wrong(format_args!("/skus"), "too_many", format!("{SKUS_MAX} at most"));
    }
    let skus = value.skus.iter().take(SKUS_MAX).enumerate();
    let skus = skus.map(|(at, sku)| checks.sku(format_args!("/skus/{at}"), sku)).collect();
    let limit = checks.number(format_args!("/time_limit_ms"), value.time_limit_ms, 1, MILLISECONDS_MAX);
    let limit = Duration::from_millis(u64::try_from(limit).unwrap_or(1));
    let wish = checks.finish(Wish { location, skus, by: value.by.worth() })?;
    if value.dry_run {
        let planned = planned(&api, &allowed.caller, &wish, now, limit).await??;
        return json(StatusCode::OK, &PackingOut { dry_run: true, report: &planned.report });
    }
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let mut tries = 0;
    let done = loop {
        let planned = planned(&api, &allowed.caller, &wish, now, limit).await??;
        tries += 1;
        match api.run(&allowed.caller, now, Command::Pack(planned.command), key.clone()).await {
            Err(problem) if tries < TRIES && problem.is_stale() => {}
            done => break done?,
        }
    };
    let Answer::Packed(report) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &PackingOut { dry_run: false, report }, done.replayed)
}

async fn planned(
    api: &Arc<Api>,
    caller: &Caller,
    wish: &Wish,
    now: Timestamp,
    limit: Duration,
) -> Result<Result<Plan, Rejection>, Problem> {
    let (tenant, wish) = (caller.tenant.clone(), wish.clone());
    api.read_with(move |store| {
        let begun = Instant::now();
        let mut go_on = || begun.elapsed() < limit;
        plan(store, &tenant, &wish, now, &mut Effort { go_on: &mut go_on, highs: limit })
    })
    .await
}
