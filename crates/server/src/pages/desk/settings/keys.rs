//! Keys: who may ask the API for what. A key is shown once, when it is made.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{
    super::super::{Frame, page, see_other},
    Ask, Fail, Fields, Local, field,
};
use crate::{api::auth::SCOPES, keys, staff::May};

/// Most keys in use.
const KEYS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "desk/keys.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    scopes: Vec<(&'static str, bool)>,
    /// The key that was just made.
    made: Option<String>,
    problem: Option<String>,
}

struct Row {
    name: String,
    kind: &'static str,
    scopes: String,
    made: String,
    revoked: Option<String>,
}

/// Each scope once, in the order of the alphabet, and whether a publishable key may have it.
fn scopes() -> Vec<(&'static str, bool)> {
    let mut scopes: Vec<(&str, bool)> = SCOPES.to_vec();
    // Where a scope stands twice, the place that is open to shoppers comes first.
    scopes.sort_by_key(|(scope, publishable)| (*scope, !publishable));
    scopes.dedup_by_key(|(scope, _)| *scope);
    scopes
}

/// `GET /settings/keys`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    answer(ask, None, None, StatusCode::OK)
}

fn answer(
    ask: &Ask,
    made: Option<String>,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::People)?;
    let local = Local::of(ask, &visitor.tenant)?;
    let mut rows: Vec<Row> = keys::list(&ask.app, &visitor.tenant)?
        .into_iter()
        .map(|key| Row {
            name: key.name.to_string(),
            kind: if key.publishable { "Publishable" } else { "Secret" },
            scopes: match key.scopes.iter().any(|scope| **scope == *"*") || key.scopes.is_empty() {
                true if key.publishable => "All that a shop’s page may do".to_owned(),
                true => "Everything".to_owned(),
                false => key.scopes.join(", "),
            },
            made: local.moment(key.created_at),
            revoked: key.revoked_at.map(|at| local.moment(at)),
        })
        .collect();
    rows.sort_by_key(|row| row.revoked.is_some());
    let page_ = Page {
        frame: Frame::of(ask, &visitor, "settings"),
        rows,
        scopes: scopes(),
        made,
        problem: problem.map(str::to_owned),
    };
    page(status, &page_)
}

/// `POST /settings/keys`.
pub(super) fn change(ask: &Ask, sent: &Fields) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::People)?;
    let tenant = &visitor.tenant;
    match field(sent, "act") {
        "revoke" => match keys::revoke(&ask.app, tenant, field(sent, "name"), ask.now)? {
            true => see_other("/settings/keys"),
            false => {
                let problem = "That key is not in use any more: somebody has taken it back already.";
                answer(ask, None, Some(problem), StatusCode::CONFLICT)
            }
        },
        "create" => {
            let publishable = field(sent, "kind") == "publishable";
            let chosen: Vec<&str> = scopes()
                .into_iter()
                .filter(|(scope, open)| sent.contains_key(*scope) && (*open || !publishable))
                .map(|(scope, _)| scope)
                .collect();
            let is_all = field(sent, "all") == "1";
            if !is_all && chosen.is_empty() {
                let problem = "Please choose what the key may do.";
                return answer(ask, None, Some(problem), StatusCode::UNPROCESSABLE_ENTITY);
            }
            if keys::list(&ask.app, tenant)?.iter().filter(|key| key.revoked_at.is_none()).count() >= KEYS_MAX
            {
                let problem = "There are a hundred keys in use: take some back first.";
                return answer(ask, None, Some(problem), StatusCode::CONFLICT);
            }
            let scopes = if is_all { vec!["*"] } else { chosen };
            let key = keys::create(&ask.app, tenant, &scopes, publishable, ask.now)?;
            answer(ask, Some(key), None, StatusCode::OK)
        }
        _ => Err(Fail::Form),
    }
}
