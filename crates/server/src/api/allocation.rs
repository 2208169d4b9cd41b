//! `/v1/settings/allocation`, `/v1/lines/{line}/allocation`, `/v1/runs`: who gets which goods, by which rule.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use engine::{Answer, preview::try_run};
use ledger::Shelf;
use model::{
    allocation::{Basis, LINE_TERMS, LineTerms, Reallocate, Rule, RunReport, Scope, Strategy, TERMS, Terms},
    command::{Command, SetLine},
    id::{LineId, Sku},
    limits::DAYS_MAX,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{AllOrdersRead, AllOrdersWrite, Allowed, SuppliesRead, SuppliesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json, words},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, json_tagged, unexpected},
    supplies::path_id,
    tag::if_match,
};

/// Most customer groups in a rule.
const GROUPS_MAX: usize = 100;
const CLASS_MAX: i64 = 1_000_000;

/// What decides who is served first.
#[derive(Clone, Copy, ToSchema)]
#[schema(as = BasisInput, rename_all = "snake_case")]
pub(crate) enum BasisIn {
    PromiseGiven,
    OrderTime,
    Class,
    CustomerGroup,
    PaidAmount,
    Margin,
    Proportional,
    MaxMin,
}

words!(BasisIn { "promise_given" => PromiseGiven, "order_time" => OrderTime, "class" => Class, "customer_group" => CustomerGroup, "paid_amount" => PaidAmount, "margin" => Margin, "proportional" => Proportional, "max_min" => MaxMin });

impl BasisIn {
    fn basis(self) -> Basis {
        match self {
            Self::PromiseGiven => Basis::PromiseGiven,
            Self::OrderTime => Basis::OrderTime,
            Self::Class => Basis::Class,
            Self::CustomerGroup => Basis::CustomerGroup,
            Self::PaidAmount => Basis::PaidAmount,
            Self::Margin => Basis::Margin,
            Self::Proportional => Basis::Proportional,
            Self::MaxMin => Basis::MaxMin,
        }
    }
}

/// What a run may do to a line.
#[derive(Clone, Copy, ToSchema)]
#[schema(as = StrategyInput, rename_all = "snake_case")]
pub(crate) enum StrategyIn {
    Win,
    Gain,
    Redistribute,
    Fill,
    Lose,
}

words!(StrategyIn { "win" => Win, "gain" => Gain, "redistribute" => Redistribute, "fill" => Fill, "lose" => Lose });

impl StrategyIn {
    fn strategy(self) -> Strategy {
        match self {
            Self::Win => Strategy::Win,
            Self::Gain => Strategy::Gain,
            Self::Redistribute => Strategy::Redistribute,
            Self::Fill => Strategy::Fill,
            Self::Lose => Strategy::Lose,
        }
    }
}

/// By which rule goods are given out. Ties are broken by class, order time and id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleInput)]
pub(crate) struct RuleIn {
    /// What decides who is served first; `proportional` and `max_min` share goods instead.
    basis: BasisIn,
    /// With `customer_group`: the groups, the first served first; others last.
    #[serde(default)]
    groups: Vec<String>,
    /// A line that has waited longer goes before all that have not, the oldest first; never unless given.
    #[schema(minimum = 0, maximum = 1825)]
    ageing_days: Option<i64>,
}

fn check_rule(checks: &mut Checks, rule: &RuleIn) -> Rule {
    let days = rule.ageing_days;
    Rule {
        basis: rule.basis.basis(),
        groups: checks.labels("/rule/groups", &rule.groups, GROUPS_MAX),
        ageing_days: days
            .map(|days| checks.number(format_args!("/rule/ageing_days"), days, 0, DAYS_MAX.into()))
            .and_then(|days| u16::try_from(days).ok()),
    }
}

/// What is set for everything, for a tag, or for a SKU.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AllocationInput)]
pub(crate) struct TermsIn {
    /// For SKUs with this tag.
    tag: Option<String>,
    /// For this SKU.
    sku: Option<String>,
    /// By which rule goods are given out when a supply changes; left out: as wider settings say, else oldest first.
    rule: Option<RuleIn>,
    /// What lines that have no strategy of their own may gain or lose; left out: as wider settings say, else `gain`.
    strategy: Option<StrategyIn>,
}

impl Input for TermsIn {}

#[derive(Serialize)]
struct TermsOut {
    tag: Option<Arc<str>>,
    sku: Option<Sku>,
    rule: Option<Rule>,
    strategy: Option<Strategy>,
}

impl TermsOut {
    fn of(terms: Terms) -> Self {
        let (tag, sku) = match terms.scope {
            Scope::Tenant => (None, None),
            Scope::Tag(tag) => (Some(tag), None),
            Scope::Sku(sku) => (None, Some(sku)),
        };
        Self { tag, sku, rule: terms.rule, strategy: terms.strategy }
    }
}

/// Set by which rule goods are given out
///
/// For everything, or for the SKUs with a tag, or for one SKU; a SKU's settings go before those of its first tag that has some,
/// and these before those for everything. From then on a receipt, a slip or a cancel gives the goods of such a pool out by
/// the rule. With neither rule nor strategy, what was set there is gone.
#[utoipa::path(
    put, path = "/v1/settings/allocation", tag = "Supplies", operation_id = "set_allocation",
    request_body = TermsIn,
    responses((status = 200, description = "What is set there now", body = schema::AllocationTerms)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    Json { value, .. }: Json<TermsIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let scope = match (&value.tag, &value.sku) {
        (None, None) => Scope::Tenant,
        (Some(tag), None) => match checks.label(format_args!("/tag"), Some(tag)) {
            Some(tag) => Scope::Tag(tag),
            None => {
                if tag.trim().is_empty() {
                    checks.wrong(format_args!("/tag"), "empty", "is empty");
                }
                Scope::Tenant
            }
        },
        (None, Some(sku)) => Scope::Sku(checks.sku(format_args!("/sku"), sku)),
        (Some(_), Some(_)) => {
            checks.wrong(format_args!("/sku"), "ambiguous", "give `tag` or `sku`, not both");
            Scope::Tenant
        }
    };
    let terms = Terms {
        scope,
        rule: value.rule.as_ref().map(|rule| check_rule(&mut checks, rule)),
        strategy: value.strategy.map(StrategyIn::strategy),
    };
    let terms = checks.finish(terms)?;
    let done = api.run(&allowed.caller, now, Command::SetAllocation(terms), None).await?;
    let Answer::Allocation(terms) = done.answer else { return Err(unexpected(&done.answer)) };
    json(StatusCode::OK, &TermsOut::of(terms))
}

/// List what is set about giving goods out
///
/// For SKUs, for tags, for everything.
#[utoipa::path(
    get, path = "/v1/settings/allocation", tag = "Supplies", operation_id = "list_allocation",
    responses((status = 200, description = "What is set", body = schema::AllocationPage)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    params.finish()?;
    let kind = (Shelf::Ledger, TERMS);
    let (found, next) = api.record_page(&allowed.caller.tenant, kind, (None, None), (after, limit)).await?;
    let read = found.iter().filter_map(|record| record.read::<Terms>().ok().flatten());
    json(StatusCode::OK, &Page::new(read.map(TermsOut::of).collect(), next.as_ref()))
}

/// What a run may do to a line.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineAllocationInput)]
pub(crate) struct LineTermsIn {
    /// Whether it keeps exactly what it has.
    #[serde(default)]
    locked: bool,
    /// What it may gain or lose; left out: as the settings of its SKU say.
    strategy: Option<StrategyIn>,
    /// Its priority: the smaller goes first; 0 unless given.
    #[serde(default)]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    class: i64,
}

impl Input for LineTermsIn {}

/// Lock a line, or set its strategy and class
///
/// A locked line is not moved. `win`: keeps its date or gets a better one, and a run that would break that is refused or names
/// it; `gain`: never worse while its goods are there; `redistribute`: the rule alone decides; `fill`: never better; `lose`:
/// gives its goods up. With `If-Match` it is set only while the line's terms are those whose `ETag` was read.
#[utoipa::path(
    put, path = "/v1/lines/{line}/allocation", tag = "Orders", operation_id = "set_line_allocation",
    params(("line" = String, Path, description = "The line's id")),
    request_body = LineTermsIn,
    responses((status = 200, description = "What is set now", body = schema::LineAllocation)),
    security(("key" = ["orders:write"])),
)]
pub(crate) async fn set_line(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersWrite>,
    Now(now): Now,
    Segments(line): Segments<String>,
    headers: HeaderMap,
    Json { value, .. }: Json<LineTermsIn>,
) -> Result<Response, Problem> {
    let line: LineId = path_id("line", &line)?;
    let mut checks = Checks::default();
    let class = checks.number(format_args!("/class"), value.class, -CLASS_MAX, CLASS_MAX);
    let terms = LineTerms {
        line,
        locked: value.locked,
        strategy: value.strategy.map(StrategyIn::strategy),
        class: i32::try_from(class).unwrap_or(0),
    };
    let terms = checks.finish(terms)?;
    let wish = SetLine { terms, if_match: if_match(&headers)? };
    let done = api.run(&allowed.caller, now, Command::SetLineAllocation(wish), None).await?;
    let Answer::LineAllocation(terms) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_tagged(StatusCode::OK, terms, &promise::etag(terms))
}

/// Read what is set for a line
#[utoipa::path(
    get, path = "/v1/lines/{line}/allocation", tag = "Orders", operation_id = "get_line_allocation",
    params(("line" = String, Path, description = "The line's id")),
    responses((status = 200, description = "What is set", body = schema::LineAllocation)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn get_line(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Segments(line): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let id: LineId = path_id("line", &line)?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let is_line = |order: &model::order::Order| order.line(id.no).is_some();
            let known = store.orders(&tenant, &[id.order])?.iter().any(is_line);
            let records = store.records(&tenant, Shelf::Ledger, LINE_TERMS, &[&id.to_string()])?;
            Ok(known.then_some(records))
        })
        .await?;
    let Some(records) = found else { return Err(Problem::not_found("line", &line)) };
    let terms = records.first().and_then(|record| record.read().ok().flatten());
    let terms = terms.unwrap_or(LineTerms::none(id));
    json_tagged(StatusCode::OK, &terms, &promise::etag(&terms))
}

/// Which pool to give out anew, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunInput)]
pub(crate) struct RunIn {
    /// The SKU.
    sku: Option<String>,
    /// In its place: a supply of it.
    supply: Option<String>,
    /// By which rule; left out: as the settings say, else by order time.
    rule: Option<RuleIn>,
    /// The strategy of lines that have none of their own; left out: as the settings say, else `gain`.
    strategy: Option<StrategyIn>,
    /// Plan only, change nothing.
    #[serde(default)]
    dry_run: bool,
}

impl Input for RunIn {}

#[derive(Serialize)]
struct RunOut<'a> {
    dry_run: bool,
    #[serde(flatten)]
    report: &'a RunReport,
}

/// Re-allocate a SKU
///
/// Gives the goods of one SKU out anew by a rule, and answers for each line it changes what it had, what it gets, why, and what
/// decided it. All that moves is one `run_applied`, and each promise that changes is a new version with its cause. Lines that
/// `win` or `gain` get no later by it. Refused where more than 20,000 lines have units of the SKU (`too_many_lines`). Units with fulfilment stay where they are.
#[utoipa::path(
    post, path = "/v1/runs", tag = "Supplies", operation_id = "reallocate",
    request_body = RunIn,
    responses((status = 200, description = "What it did, or would do", body = schema::RunReport)),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn run(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<RunIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let (sku, supply) = match (&value.sku, &value.supply) {
        (Some(sku), None) => (Some(checks.sku(format_args!("/sku"), sku)), None),
        (None, Some(supply)) => (None, checks.parsed(format_args!("/supply"), supply)),
        _ => {
            checks.wrong(format_args!("/sku"), "required", "give `sku` or `supply`, one of both");
            (None, None)
        }
    };
    let rule = value.rule.as_ref().map(|rule| check_rule(&mut checks, rule));
    checks.finish(())?;
    let sku = match (sku, supply) {
        (Some(sku), _) => sku,
        (None, Some(id)) => {
            let tenant = allowed.caller.tenant.clone();
            let found = api.read(move |store| store.supply(&tenant, id)).await?;
            found.ok_or_else(|| Problem::not_found("supply", id.to_string()))?.sku
        }
        (None, None) => return Err(Problem::field("/sku", "required", "give `sku` or `supply`")),
    };
    let strategy = value.strategy.map(StrategyIn::strategy);
    let command = Command::Reallocate(Reallocate { sku: sku.clone(), rule, strategy });
    if value.dry_run {
        let request = api.request(&allowed.caller, now, command, None);
        let seen = api.read_with(move |store| try_run(store, &sku, &request)).await??;
        let Answer::Ran(report) = &seen else { return Err(unexpected(&seen)) };
        let report = RunReport { run: None, ..RunReport::clone(report) };
        return json(StatusCode::OK, &RunOut { dry_run: true, report: &report });
    }
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, command, key).await?;
    let Answer::Ran(report) = &done.answer else { return Err(unexpected(&done.answer)) };
    json_replayed(StatusCode::OK, &RunOut { dry_run: false, report }, done.replayed)
}
