//! Messages to customers: what is due to be said, what was said, what they answered.

use std::sync::Arc;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use engine::Answer;
use ledger::{RecordFilter, Shelf};
use model::{
    command::Command,
    id::{OrderId, Sku},
    message::{Drafts, MessageWish},
    state::Shop,
};
use obligation::notice::kept::{Kept, NOTICE};
use serde::Deserialize;

use super::{
    super::{Frame, form::once_key, owe::short_id, page, shop::encoded, words},
    App, Ask, Day, Fail, Local, sorry,
};
use crate::{
    api::notices::{NoticeOut, with_reasons},
    mail::{self, Post},
    pages::blocking,
    staff::May,
};

/// Messages on one page.
const SHOWN: usize = 20;
/// The lists there are.
const STATES: [(&str, &str); 4] =
    [("draft", "To send"), ("sent", "Sent"), ("answered", "Answered"), ("silent", "No answer")];

/// Which part of which list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cut {
    state: String,
    after: String,
    /// How many were sent just now.
    sent: Option<u32>,
    kept: Option<u32>,
    more: Option<String>,
}

/// The form that sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Send {
    once: String,
    /// The draft; `all` for every one there is.
    which: String,
}

#[derive(Template)]
#[template(path = "desk/messages.html")]
struct List {
    frame: Frame,
    tabs: Vec<(&'static str, String, bool)>,
    is_draft: bool,
    messages: Vec<Message>,
    more: Option<String>,
    can_send: bool,
    once: String,
    note: Option<String>,
    problem: Option<String>,
    empty: (&'static str, &'static str),
}

/// One message in a list.
pub(super) struct Message {
    pub(super) id: String,
    /// Makes sending its form twice the same as once.
    pub(super) once: String,
    pub(super) kind: &'static str,
    pub(super) order_href: String,
    pub(super) order: String,
    pub(super) title: String,
    /// Whether it is about a date at all.
    pub(super) has_dates: bool,
    pub(super) old: Option<Day>,
    pub(super) new: Option<Day>,
    pub(super) reason: String,
    /// What follows without an answer.
    pub(super) silence: Option<String>,
    pub(super) due: Option<Day>,
    /// What became of it.
    pub(super) outcome: Option<String>,
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
    /// The mail as it would go out.
    pub(super) mail: Option<(String, String, String)>,
}

/// What a kind of news is, in words.
pub(super) fn kind(kind: &str) -> &'static str {
    match kind {
        "delay_first" => "A later date",
        "delay_repeated" => "A later date once more",
        "delay_indefinite" => "No date any more",
        "earlier" => "An earlier date",
        "cancelled" => "Cancelled",
        "shipped" => "On its way",
        "update" => "How it stands",
        "reconfirm" => "Is it still wanted?",
        _ => "News",
    }
}

/// A notice as a list shows it.
pub(super) fn message(shop: &Shop, notice: &NoticeOut, local: &Local) -> Message {
    let (word, tone) = match &*notice.state {
        "draft" => ("To send", "few"),
        "sending" => ("On its way", "later"),
        "sent" if notice.asks => ("Waits for an answer", "later"),
        "sent" => ("Sent", "here"),
        "answered" => ("Answered", "here"),
        "silent" => ("No answer", "out"),
        _ => ("Replaced", "out"),
    };
    let sku = Sku::new(&notice.sku).ok();
    let is_other = |date: &model::time::Date| notice.new.ship_by.as_ref() != Some(date);
    let silence = notice.answer_by.filter(|_| notice.asks).map(|date| {
        let what = if notice.on_silence == Some("cancel") {
            "it is cancelled and money goes back"
        } else {
            "it stays"
        };
        format!("Without an answer by {}, {what}.", local.day(date).text)
    });
    let outcome = match (&notice.answer, &notice.failure, &notice.silence) {
        (Some(answer), ..) => Some(format!(
            "Answered {}: {}.",
            local.moment(answer.at),
            if answer.answer == "keep" { "keep" } else { "cancel" }
        )),
        (_, Some(failure), _) => Some(format!("It reached nobody ({}).", failure.code.replace('_', " "))),
        (.., Some(silence)) => Some(format!("Nobody answered, so it was {silence}.")),
        _ => notice.sent_at.map(|at| format!("Sent {}.", local.moment(at))),
    };
    Message {
        id: notice.id.clone(),
        once: String::new(),
        kind: kind(notice.kind),
        order_href: format!("/orders/{}", notice.order),
        order: notice.order.parse().map_or_else(|_| notice.order.clone(), |id| short_id(&id)),
        title: sku.map_or_else(|| notice.sku.clone(), |sku| words::title(shop, &sku)),
        old: notice.old.as_ref().and_then(|old| old.ship_by).filter(is_other).map(|date| local.day(date)),
        new: notice.new.ship_by.map(|date| local.day(date)),
        has_dates: !matches!(notice.kind, "cancelled" | "shipped"),
        reason: words::sentence(&notice.reason),
        silence,
        due: notice.send_by.map(|date| local.day(date)),
        outcome,
        word,
        tone,
        mail: None,
    }
}

/// `GET /messages`.
pub(super) fn answer(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let said = cut.sent.map(|sent| {
        let sent = words::counted(i64::from(sent), "message was sent", "messages were sent");
        let rest = if cut.more.is_some() { " The rest follows by itself." } else { "" };
        format!("{sent}.{rest}")
    });
    let kept = cut.kept.filter(|kept| *kept > 0).map(|kept| {
        let kept = words::counted(i64::from(kept), "message was", "messages were");
        format!("{kept} not sent: something else is to be said by now, or no address is known. Please look at it again.")
    });
    list(ask, cut, (said, kept), StatusCode::OK)
}

fn list(
    ask: &Ask,
    cut: &Cut,
    (note, problem): (Option<String>, Option<String>),
    status: StatusCode,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let state = STATES.iter().map(|(state, _)| *state).find(|state| *state == cut.state).unwrap_or("draft");
    let after = Some(&*cut.after).filter(|after| !after.is_empty());
    let mut reader = ask.app.engine.store().reader()?;
    let filter = RecordFilter { owner: None, state: Some(state) };
    let mut records = reader.record_page(tenant, Shelf::Ledger, NOTICE, &filter, (after, SHOWN + 1))?;
    let is_more = records.len() > SHOWN;
    records.truncate(SHOWN);
    let notices = with_reasons(&mut *reader, tenant, &records)?;
    let mut skus: Vec<Sku> = notices.iter().filter_map(|notice| Sku::new(&notice.sku).ok()).collect();
    skus.sort_unstable();
    skus.dedup();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let mut messages: Vec<Message> = notices.iter().map(|notice| message(&shop, notice, &local)).collect();
    let mut orders: Vec<OrderId> = notices.iter().filter_map(|notice| notice.order.parse().ok()).collect();
    orders.sort_unstable();
    orders.dedup();
    let orders = reader.orders(tenant, &orders)?;
    for (message, notice) in messages.iter_mut().zip(&notices) {
        message.once = ask.once();
        let order = orders.iter().find(|order| order.id.to_string() == notice.order);
        if let Some(reference) = order.and_then(|order| order.reference.as_deref()) {
            reference.clone_into(&mut message.order);
        }
    }
    if state == "draft" {
        for (message, record) in messages.iter_mut().zip(&records) {
            let Ok(Some(kept)) = record.read::<Kept>() else { continue };
            let letter = mail::preview(&ask.app, &mut *reader, tenant, &record.id, &kept)?;
            message.mail = letter.map(|letter| (letter.to, letter.subject, letter.text));
        }
    }
    drop(reader);
    let empty = match state {
        "draft" => (
            "Nothing is to be said",
            "When a date changes that a customer was told, a message is written here by itself.",
        ),
        "sent" => (
            "Nobody is waited for",
            "Customers who are asked to keep or cancel stand here until they answer.",
        ),
        "answered" => ("No answers yet", "What customers answered stands here."),
        _ => ("Everybody answered", "Those who did not answer in time stand here, with what followed."),
    };
    let page_ = List {
        tabs: STATES.map(|(key, label)| (label, format!("/messages?state={key}"), key == state)).to_vec(),
        is_draft: state == "draft",
        more: records
            .last()
            .filter(|_| is_more)
            .map(|last| format!("/messages?state={state}&after={}", encoded(&last.id))),
        messages,
        can_send: visitor.role.may(May::Orders),
        once: ask.once(),
        note,
        problem,
        empty,
        frame: Frame::of(ask, &visitor, "messages"),
    };
    page(status, &page_)
}

/// `POST /messages/send`.
pub(super) async fn send(app: Arc<App>, ask: Ask, sent: Send) -> Response {
    let now = ask.now;
    let outcome = {
        let ask = ask.clone();
        tokio::task::spawn_blocking(move || start(&ask, &sent)).await
    };
    let told = match outcome {
        Ok(Ok(Ok(told))) => told,
        Ok(Ok(Err(problem))) => {
            return blocking(move || {
                list(&ask, &Cut::default(), (None, Some(problem)), StatusCode::CONFLICT)
            })
            .await;
        }
        Ok(Err(fail)) => return fail.into_response(),
        Err(error) => return Fail::Defect(error.to_string()).into_response(),
    };
    if matches!(app.post, Post::Outbox)
        && let Err(failure) = mail::deliver(&app, now).await
    {
        return Fail::Engine(failure).into_response();
    }
    let (sent, kept, more) = told;
    let more = if more { "&more=1" } else { "" };
    let to = super::super::see_other(&format!("/messages?sent={sent}&kept={kept}{more}"));
    to.unwrap_or_else(IntoResponse::into_response)
}

type Told = (usize, usize, bool);

fn start(ask: &Ask, sent: &Send) -> Result<Result<Told, String>, Fail> {
    let visitor = ask.staff_form(May::Orders)?;
    let drafts = match &*sent.which {
        "" => return Err(Fail::Form),
        "all" => Drafts::All,
        one if one.len() <= 64 => Drafts::These(vec![one.into()]),
        _ => return Err(Fail::Form),
    };
    let key = once_key(&sent.once, &["messages", &sent.which]);
    match ask.command(&visitor.tenant, Command::Message(MessageWish::Send(drafts)), key)? {
        Ok(Answer::Told(told)) => Ok(Ok((told.sent.len(), told.kept.len(), told.more))),
        Ok(other) => Err(Fail::Defect(format!("messages were answered with {other:?}"))),
        Err(rejection) => Ok(Err(sorry(&rejection))),
    }
}
