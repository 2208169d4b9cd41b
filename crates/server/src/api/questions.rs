//! `/v1/questions`: what those who wait are asked, and what they answered.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use engine::Answer;
use ledger::{RecordFilter, Shelf};
use model::{
    command::Command,
    question::{ANSWERED, Ask, QUESTION, Question},
    record::Record,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, NoticesRead, NoticesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, Json},
    messages::checked_text,
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, json_replayed, unexpected},
};

/// Most choices.
const CHOICES_MAX: usize = 10;
/// Answers read at once to count them.
const PAGE: usize = 2_000;

/// What is asked, and whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuestionInput)]
pub(crate) struct QuestionIn {
    /// The question.
    #[schema(max_length = 5_000)]
    text: String,
    /// What can be answered.
    #[schema(min_items = 2, max_items = 10)]
    choices: Vec<String>,
    /// Whom: customers who wait for this SKU.
    sku: String,
}

impl Input for QuestionIn {}

#[derive(Serialize)]
struct QuestionOut {
    id: Arc<str>,
    #[serde(flatten)]
    question: Question,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<Vec<Count>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<usize>,
}

#[derive(Serialize)]
struct Count {
    choice: Arc<str>,
    count: usize,
}

impl QuestionOut {
    fn of(record: &Record) -> Option<Self> {
        let question = record.read().ok().flatten()?;
        Some(Self { id: Arc::clone(&record.id), question, answers: None, answered: None })
    }
}

/// Ask everybody who waits for a SKU
///
/// Each customer with an address gets one mail, in their language around your words, with a link to answer; the last answer of each
/// counts.
#[utoipa::path(
    post, path = "/v1/questions", tag = "Notices", operation_id = "ask_question",
    request_body = QuestionIn,
    responses((status = 201, description = "The question, and how many were asked", body = schema::Question)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn ask(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    Json { value, bytes }: Json<QuestionIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let text = checked_text(&mut checks, "/text", &value.text);
    let choices = checks.labels("/choices", &value.choices, CHOICES_MAX);
    if value.choices.len() < 2 {
        checks.wrong(format_args!("/choices"), "too_few", "two at least");
    }
    let sku = checks.sku(format_args!("/sku"), &value.sku);
    let wish = checks.finish(Ask { text, choices, sku })?;
    let key = idempotency.optional(&allowed.caller, &bytes)?;
    let done = api.run(&allowed.caller, now, Command::Ask(wish), key).await?;
    let Answer::Records(records) = &done.answer else { return Err(unexpected(&done.answer)) };
    let out = records.first().and_then(QuestionOut::of).ok_or_else(Problem::defect)?;
    json_replayed(StatusCode::CREATED, &out, done.replayed)
}

/// List questions
#[utoipa::path(
    get, path = "/v1/questions", tag = "Notices", operation_id = "list_questions",
    responses((status = 200, description = "What was asked, the oldest first", body = schema::QuestionPage)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    params.finish()?;
    let kind = (Shelf::Ledger, QUESTION);
    let (found, next) = api.record_page(&allowed.caller.tenant, kind, (None, None), (after, limit)).await?;
    let items = found.iter().filter_map(QuestionOut::of).collect();
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

/// Read a question with its answers, counted
#[utoipa::path(
    get, path = "/v1/questions/{id}", tag = "Notices", operation_id = "get_question",
    params(("id" = String, Path, description = "The question's id")),
    responses((status = 200, description = "The question and its answers", body = schema::Question)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    Segments(id): Segments<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let (tenant, of) = (allowed.caller.tenant.clone(), id.clone());
    let (found, counts) = api
        .read(move |store| {
            let found = store.records(&tenant, Shelf::Ledger, QUESTION, &[&of])?.pop();
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            let filter = RecordFilter { owner: Some(&of), state: None };
            let mut after: Option<Arc<str>> = None;
            loop {
                let page = (after.as_deref(), PAGE);
                let page = store.record_page(&tenant, Shelf::Ledger, ANSWERED, &filter, page)?;
                for record in &page {
                    *counts.entry(record.state.to_string()).or_default() += 1;
                }
                match page.last().filter(|_| page.len() == PAGE) {
                    Some(last) => after = Some(Arc::clone(&last.id)),
                    None => return Ok((found, counts)),
                }
            }
        })
        .await?;
    let out = found.as_ref().and_then(QuestionOut::of).ok_or_else(|| Problem::not_found("question", &id))?;
    let count = |(at, choice): (usize, &Arc<str>)| Count {
        choice: Arc::clone(choice),
        count: counts.get(&at.to_string()).copied().unwrap_or(0),
    };
    let answers = out.question.choices.iter().enumerate().map(count).collect();
    let answered = Some(counts.values().sum());
    json(StatusCode::OK, &QuestionOut { answers: Some(answers), answered, ..out })
}
