//! The law profile: which laws are kept for every buyer, what the shop grants beyond them, and when messages go out.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    super::super::{Frame, page, see_other, within::Call},
    Ask, Fail, Fields, field, number, read, text,
};
use crate::staff::{May, Visitor};

const PATH: &str = "/v1/settings/notices";

const LAWS: [(&str, &str); 3] = [
    ("us", "United States: 16 CFR part 435, the mail-order rule"),
    ("eu", "European Economic Area: Directive 2011/83/EU"),
    ("uk", "United Kingdom: Consumer Rights Act 2015"),
];

const WHEN: [(&str, &str); 3] = [
    ("never", "Only when somebody sends them"),
    ("last_day", "On the last day that the law takes them, if nobody has"),
    ("at_once", "As soon as they are written"),
];

/// Numbers of days, with what they are called.
const DAYS: [(&str, &str, &str); 6] = [
    ("silent_days", "Write to whoever waits after so many days without a word", "Empty: never."),
    ("earlier_by_days", "A date is worth a message when it comes sooner by so many days", ""),
    ("reconfirm_after_days", "Ask again before sending, after so many days of waiting", "Empty: never."),
    (
        "ship_within_days",
        "Promise to ship within so many days unless the buyer agrees to more",
        "Empty: as the law says.",
    ),
    ("notice_lead_days", "Tell of a delay so many days before the law’s last day", ""),
    ("refund_within_days", "Send money back within so many days", "Empty: as the law says."),
];

#[derive(Template)]
#[template(path = "desk/notice_settings.html")]
struct Page {
    frame: Frame,
    when: Vec<(&'static str, &'static str, bool)>,
    laws: Vec<(&'static str, &'static str, bool)>,
    days: Vec<(&'static str, &'static str, &'static str, String)>,
    seen: String,
    saved: bool,
    problems: Vec<String>,
}

/// What says whether the settings are still as somebody saw them.
fn tag(settings: &Value) -> String {
    promise::etag(&settings.to_string()).trim_matches('"').to_owned()
}

fn of(ask: &Ask, visitor: &Visitor, settings: &Value) -> Page {
    let also = settings["also"].as_array().cloned().unwrap_or_default();
    let days = |name: &str| settings[name].as_i64().map_or_else(String::new, |days| days.to_string());
    Page {
        frame: Frame::of(ask, visitor, "settings"),
        when: WHEN.map(|(word, says)| (word, says, text(settings, "automatic") == word)).to_vec(),
        laws: LAWS
            .map(|(word, says)| (word, says, also.iter().any(|law| law.as_str() == Some(word))))
            .to_vec(),
        days: DAYS.map(|(name, says, hint)| (name, says, hint, days(name))).to_vec(),
        seen: tag(settings),
        saved: ask.sender.path.ends_with("?saved=1"),
        problems: Vec::new(),
    }
}

/// `GET /settings/notices`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    let settings = read(ask, &visitor.tenant, PATH)?.body;
    page(StatusCode::OK, &of(ask, &visitor, &settings))
}

/// `POST /settings/notices`.
pub(super) fn save(ask: &Ask, sent: &Fields) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let now = read(ask, &visitor.tenant, PATH)?.body;
    let mut body = json!({"automatic": field(sent, "automatic")});
    body["also"] = LAWS.iter().map(|(law, _)| *law).filter(|law| sent.contains_key(*law)).collect();
    let mut problems = Vec::new();
    for (name, ..) in DAYS {
        match number(sent, name) {
            Ok(Some(days)) => body[name] = days.into(),
            // Left out it would get its default; here, empty means never.
            Ok(None) if name == "silent_days" => body[name] = Value::Null,
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    let again = |problems: Vec<String>, status| {
        let typed = |name: &str| field(sent, name).to_owned();
        let page_ = Page {
            when: WHEN.map(|(word, says)| (word, says, field(sent, "automatic") == word)).to_vec(),
            laws: LAWS.map(|(word, says)| (word, says, sent.contains_key(word))).to_vec(),
            days: DAYS.map(|(name, says, hint)| (name, says, hint, typed(name))).to_vec(),
            problems,
            ..of(ask, &visitor, &now)
        };
        page(status, &page_)
    };
    if !problems.is_empty() {
        return again(problems, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if field(sent, "seen") != tag(&now) {
        let problem = "Somebody changed it while you were looking. Here is how it stands now; nothing of yours was saved.";
        let page_ = Page { problems: vec![problem.to_owned()], ..of(ask, &visitor, &now) };
        return page(StatusCode::CONFLICT, &page_);
    }
    match ask
        .api(&visitor.tenant, Call { method: "PUT", path: PATH, body: Some(&body), ..Call::default() })?
    {
        Ok(_) => see_other("/settings/notices?saved=1"),
        Err(refused) => again(refused.said, StatusCode::UNPROCESSABLE_ENTITY),
    }
}
