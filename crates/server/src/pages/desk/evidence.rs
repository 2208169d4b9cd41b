//! Everything about one order on one page, to be printed or kept as a file and sent to a bank.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::{id::OrderId, talk::By, time::Timestamp};

use super::{
    super::{Frame, page, status, words},
    Ask, Fail, Local, order,
};
use crate::{
    api::{
        orders::{evidence::gather, payments::PaymentsOut},
        state::shop_of,
    },
    staff::May,
};

#[derive(Template)]
#[template(path = "desk/evidence.html")]
struct Page {
    frame: Frame,
    number: String,
    order: String,
    order_href: String,
    made: String,
    who: String,
    placed: String,
    lines: Vec<String>,
    moments: Vec<Moment>,
    money: Vec<String>,
    mails: Vec<Mail>,
    further: Option<String>,
}

struct Moment {
    at: Timestamp,
    when: String,
    what: String,
    detail: String,
}

struct Mail {
    when: String,
    /// When it came back.
    returned: Option<String>,
    subject: String,
    text: String,
}

/// `GET /orders/{id}/evidence`.
pub(super) fn answer(ask: &Ask, id: &str, cut: &order::Cut) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let id: OrderId = id.parse().map_err(|_| Fail::NotFound)?;
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = gather(&mut *reader, tenant, id, cut.after, ask.now)?.ok_or(Fail::NotFound)?;
    let shop = shop_of(&mut *reader, tenant, std::slice::from_ref(&found.order))?;
    drop(reader);
    let when = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let mut moments =
        order::timeline(&shop, &found.order, &found.notices, (&found.events, &|_| None), &local)
            .into_iter()
            .map(|moment| Moment {
                at: moment.at,
                when: when(moment.at),
                what: moment.title,
                detail: moment.detail,
            })
            .collect::<Vec<_>>();
    for message in &found.messages {
        let who = if message.by == By::Customer { "The customer wrote" } else { "The shop wrote" };
        moments.push(Moment {
            at: message.at,
            when: when(message.at),
            what: who.to_owned(),
            detail: message.text.to_string(),
        });
    }
    moments.sort_by_key(|moment| moment.at);
    let lines = found.order.lines.iter().zip(&found.view.lines).map(|(line, view)| {
        let price = view.unit_price.map_or_else(String::new, |price| format!(" at {}", words::money(price)));
        format!("{} × {}{price}", line.quantity, words::title(&shop, &line.sku))
    });
    let contact = [found.contact.name.as_deref(), found.contact.email.as_deref()];
    let place = [found.contact.postcode.as_deref(), found.order.country.as_deref()];
    let who: Vec<&str> = contact.into_iter().chain(place).flatten().collect();
    let page_ = Page {
        number: status::number(&found.order),
        order: id.to_string(),
        order_href: format!("/orders/{id}"),
        made: when(ask.now),
        who: if who.is_empty() { "nobody who can be named any more".to_owned() } else { who.join(", ") },
        placed: when(found.order.placed_at),
        lines: lines.collect(),
        moments,
        money: found.payments.as_ref().map_or_else(Vec::new, money_lines),
        mails: found
            .mails
            .iter()
            .map(|mail| Mail {
                when: when(mail.sent_at),
                returned: mail.returned_at.map(when),
                subject: mail.subject.to_string(),
                text: mail.text.to_string(),
            })
            .collect(),
        further: found.further.map(|after| format!("/orders/{id}/evidence?after={after}")),
        frame: Frame::of(ask, &visitor, "orders"),
    };
    page(StatusCode::OK, &page_)
}

/// What was asked, paid and given back, in sums.
fn money_lines(payments: &PaymentsOut) -> Vec<String> {
    let sums = [
        ("Ordered", payments.total),
        ("Paid", payments.captured),
        ("Given back", payments.refunded),
        ("Still to be given back", payments.refund_due),
    ];
    let shown = sums.into_iter().filter(|(name, sum)| *name == "Ordered" || sum.amount != 0);
    shown.map(|(name, sum)| format!("{name}: {}", words::money(sum))).collect()
}
