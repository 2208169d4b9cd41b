//! A question to a customer who waits, on the page of an order: seen with a GET, answered with a POST.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{Detail, Request};
use ledger::Shelf;
use model::{
    command::Command,
    question::{QUESTION, Question, Reply},
};
use serde::Deserialize;

use super::{Ask, Frame, error::Fail, page, see_other, status};

#[derive(Template)]
#[template(path = "question.html")]
struct Page {
    frame: Frame,
    text: String,
    choices: Vec<String>,
    thanks: bool,
    href: String,
    back: String,
}

/// What has just happened.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    thanks: Option<String>,
}

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    choice: String,
}

/// `GET /o/{token}/q/{question}`.
pub(super) fn show(ask: &Ask, (token, id): (&str, &str), said: &Said) -> Result<Response, Fail> {
    let (tenant, _) = status::read(ask, token)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = reader.records(&tenant, Shelf::Ledger, QUESTION, &[id])?.pop();
    let question: Question = found.and_then(|record| record.read().ok().flatten()).ok_or(Fail::Link)?;
    let shown = Page {
        frame: Frame::new(Some(&tenant), "", false, ask.is_demo(&tenant)),
        text: question.text.to_string(),
        choices: question.choices.iter().map(ToString::to_string).collect(),
        thanks: said.thanks.is_some(),
        href: format!("/o/{token}/q/{id}"),
        back: format!("/o/{token}"),
    };
    page(StatusCode::OK, &shown)
}

/// `POST /o/{token}/q/{question}`.
pub(super) fn answer(ask: &Ask, (token, id): (&str, &str), sent: &Sent) -> Result<Response, Fail> {
    let (tenant, order) = status::read(ask, token)?;
    let choice = sent.choice.parse().map_err(|_| Fail::Form)?;
    let command = Command::Reply(Reply { question: id.into(), order, choice });
    let stamp = ask.app.stamps.next(ask.now);
    let request = Request { tenant, now: ask.now, id: stamp, command, key: None, detail: Detail::Full };
    match ask.app.engine.run_blocking(request)?.outcome {
        Ok(_) => see_other(&format!("/o/{token}/q/{id}?thanks=1")),
        Err(model::refusal::Rejection::Invalid(_)) => Err(Fail::Form),
        Err(_) => Err(Fail::Link),
    }
}
