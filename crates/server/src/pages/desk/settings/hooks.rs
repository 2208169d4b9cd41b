//! Webhooks: who is told of what happens, what could not be delivered, and telling it again.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    super::super::{Frame, page, see_other, shop::encoded, within::Call},
    Ask, Fail, Fields, Local, field, moment, number, read, text,
};
use crate::staff::{May, Visitor};

#[derive(Template)]
#[template(path = "desk/webhooks.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    /// What signs, shown when it was just made.
    secret: Option<String>,
    typed: Typed,
    problem: Option<String>,
}

/// The form to add one, as it was typed.
#[derive(Default)]
struct Typed {
    url: String,
    events: String,
    note: String,
}

struct Row {
    id: String,
    href: String,
    url: String,
    note: String,
    events: String,
    since: String,
    is_on: bool,
    is_gone: bool,
}

fn row(item: &Value, local: &Local) -> Row {
    let events = item["events"].as_array().cloned().unwrap_or_default();
    let events: Vec<&str> = events.iter().filter_map(Value::as_str).collect();
    let id = text(item, "id").to_owned();
    Row {
        href: format!("/settings/webhooks/{}", encoded(&id)),
        url: text(item, "url").to_owned(),
        note: text(item, "note").to_owned(),
        events: if events.is_empty() { "Everything".to_owned() } else { events.join(", ") },
        since: moment(&item["created_at"], local),
        is_on: item["enabled"].as_bool().unwrap_or(false),
        is_gone: text(item, "disabled") == "gone",
        id,
    }
}

/// `GET /settings/webhooks`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    list(ask, &visitor, None, Typed::default(), None, StatusCode::OK)
}

fn list(
    ask: &Ask,
    visitor: &Visitor,
    secret: Option<String>,
    typed: Typed,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let local = Local::of(ask, &visitor.tenant)?;
    let told = read(ask, &visitor.tenant, "/v1/webhooks?limit=500")?;
    let items = told.body["items"].as_array().cloned().unwrap_or_default();
    let page_ = List {
        frame: Frame::of(ask, visitor, "settings"),
        rows: items.iter().map(|item| row(item, &local)).collect(),
        secret,
        typed,
        problem,
    };
    page(status, &page_)
}

#[derive(Template)]
#[template(path = "desk/webhook.html")]
struct One {
    frame: Frame,
    row: Row,
    told: i64,
    deliveries: Vec<(i64, String, String, String, &'static str)>,
    is_more: bool,
    done: Option<String>,
    problem: Option<String>,
}

/// `GET /settings/webhooks/{id}`.
pub(super) fn one(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    shown(ask, &visitor, id, None, None, StatusCode::OK)
}

fn shown(
    ask: &Ask,
    visitor: &Visitor,
    id: &str,
    done: Option<String>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let local = Local::of(ask, &visitor.tenant)?;
    let path = format!("/v1/webhooks/{}", encoded(id));
    let item = read(ask, &visitor.tenant, &path)?.body;
    let found = read(ask, &visitor.tenant, &format!("{path}/deliveries?limit=50"))?.body;
    let deliveries = found["items"].as_array().cloned().unwrap_or_default();
    let deliveries = deliveries.iter().map(|delivery| {
        let next = moment(&delivery["next_at"], &local);
        let (state, tone) = match text(delivery, "state") {
            "failed" => ("Given up".to_owned(), "late"),
            _ => (format!("Again {next}"), "later"),
        };
        let seq = delivery["seq"].as_i64().unwrap_or(0);
        let tries = delivery["tries"].as_i64().unwrap_or(0);
        let failure =
            format!("{} after {}", text(delivery, "failure"), super::words::counted(tries, "try", "tries"));
        (seq, text(delivery, "kind").to_owned(), failure, state, tone)
    });
    let page_ = One {
        frame: Frame::of(ask, visitor, "settings"),
        row: row(&item, &local),
        told: item["told"].as_i64().unwrap_or(0),
        deliveries: deliveries.collect(),
        is_more: !found["next_cursor"].is_null(),
        done,
        problem,
    };
    page(status, &page_)
}

/// `POST /settings/webhooks`.
pub(super) fn change(ask: &Ask, sent: &Fields) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let tenant = &visitor.tenant;
    let id = field(sent, "id");
    let path = format!("/v1/webhooks/{}", encoded(id));
    let call = |method, path: &str, body: Option<&Value>| {
        ask.api(tenant, Call { method, path, body, ..Call::default() })
    };
    match field(sent, "act") {
        "add" => {
            let events: Vec<&str> = field(sent, "events")
                .split(|c: char| c.is_whitespace() || c == ',')
                .filter(|kind| !kind.is_empty())
                .collect();
            let mut body = json!({"url": field(sent, "url"), "events": events});
            if !field(sent, "note").is_empty() {
                body["note"] = field(sent, "note").into();
            }
            match call("POST", "/v1/webhooks", Some(&body))? {
                Ok(told) => {
                    let secret = Some(text(&told.body, "secret").to_owned());
                    list(ask, &visitor, secret, Typed::default(), None, StatusCode::OK)
                }
                Err(refused) => {
                    let typed = |name: &str| field(sent, name).to_owned();
                    let typed = Typed { url: typed("url"), events: typed("events"), note: typed("note") };
                    list(ask, &visitor, None, typed, Some(refused.text()), StatusCode::UNPROCESSABLE_ENTITY)
                }
            }
        }
        "remove" => match call("DELETE", &path, None)? {
            Ok(_) => see_other("/settings/webhooks"),
            Err(_) => Err(Fail::NotFound),
        },
        act @ ("on" | "off") => match call("PATCH", &path, Some(&json!({"enabled": act == "on"})))? {
            Ok(_) => see_other(&format!("/settings/webhooks/{}", encoded(id))),
            Err(_) => Err(Fail::NotFound),
        },
        "secret" => match call("POST", &format!("{path}/secret"), None)? {
            Ok(told) => {
                let secret = Some(text(&told.body, "secret").to_owned());
                list(ask, &visitor, secret, Typed::default(), None, StatusCode::OK)
            }
            Err(_) => Err(Fail::NotFound),
        },
        "replay" => {
            let numbers = number(sent, "after").and_then(|after| Ok((after, number(sent, "to")?)));
            let (after, to) = match numbers {
                Ok((after, to)) => (after.unwrap_or(0), to),
                Err(problem) => {
                    return shown(ask, &visitor, id, None, Some(problem), StatusCode::UNPROCESSABLE_ENTITY);
                }
            };
            let mut body = json!({"after": after});
            if let Some(to) = to {
                body["to"] = to.into();
            }
            match call("POST", &format!("{path}/replay"), Some(&body))? {
                Ok(told) => {
                    let queued = told.body["queued"].as_i64().unwrap_or(0);
                    let entries = super::words::counted(queued, "entry is", "entries are");
                    let to = told.body["to"].as_i64().unwrap_or(0);
                    let done = format!("{entries} told again, up to number {to}.");
                    shown(ask, &visitor, id, Some(done), None, StatusCode::OK)
                }
                Err(refused) if refused.status == StatusCode::NOT_FOUND => Err(Fail::NotFound),
                Err(refused) => {
                    let status = StatusCode::UNPROCESSABLE_ENTITY;
                    shown(ask, &visitor, id, None, Some(refused.text()), status)
                }
            }
        }
        _ => Err(Fail::Form),
    }
}
