//! What a change to a delivery did, and the button that takes it back.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Answer;
use model::{command::Command, id::RunId, refusal::RefusalCode, refusal::Rejection, view::SupplyChange};
use serde::Deserialize;

use super::{
    super::{Frame, form::once_key, owe::short_id, page, words},
    Ask, Fail, Local, sorry,
    supply::title_of,
};
use crate::staff::{May, Visitor};

/// Order lines named that got goods.
const SHOWN: usize = 20;

/// The form to undo.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Undo {
    once: String,
    run: String,
    supply: String,
}

#[derive(Template)]
#[template(path = "desk/done.html")]
struct Page {
    frame: Frame,
    heading: &'static str,
    title: String,
    href: String,
    said: Vec<String>,
    served: Vec<Served>,
    more: usize,
    /// The run that can be undone.
    run: Option<String>,
    supply: String,
    once: String,
    problem: Option<String>,
    is_orders: bool,
}

/// An order line that got goods.
struct Served {
    href: String,
    order: String,
    units: i64,
    why: String,
}

/// Shows what was done.
pub(super) fn show(
    ask: &Ask,
    visitor: &Visitor,
    change: &SupplyChange,
    words_of: &str,
    act: &str,
) -> Result<Response, Fail> {
    let local = Local::of(ask, &visitor.tenant)?;
    let supply = &change.supply.supply;
    let mut said = vec![format!("{words_of}: done.")];
    if let Some(arrived) = &change.arrived {
        if arrived.damaged > 0 {
            said.push(format!(
                "{} set apart as damaged; nobody is promised them.",
                words::counted(arrived.damaged, "unit is", "units are")
            ));
        }
        if arrived.displaced > 0 {
            said.push(format!(
                "{} promised from it and will not come: the last in line wait for other goods.",
                words::counted(arrived.displaced, "unit was", "units were")
            ));
        }
    }
    if let Some(due) = change.still_due.filter(|due| *due > 0) {
        let on = change.arrived.as_ref().and_then(|arrived| arrived.still_due_on);
        let on = on.map_or_else(String::new, |date| format!(", expected on {}", local.day(date).text));
        said.push(format!("{} due{on}.", words::counted(due, "unit stays", "units stay")));
    }
    if let Some(units) = change.allocated.filter(|_| act == "receive") {
        said.push(match units {
            0 => "Nobody was waiting, so the goods are free to sell.".to_owned(),
            _ => format!(
                "{} to customers who waited, in this order:",
                words::counted(units, "unit went", "units went")
            ),
        });
    }
    let lines = change.lines.as_deref().unwrap_or_default();
    let mut reader = ask.app.engine.store().reader()?;
    let mut ids: Vec<_> = lines.iter().take(SHOWN).map(|line| line.order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = reader.orders(&visitor.tenant, &ids)?;
    drop(reader);
    let served = lines.iter().take(SHOWN).map(|line| {
        let order = orders.iter().find(|order| order.id == line.order);
        let reference = order.and_then(|order| order.reference.as_deref());
        Served {
            href: format!("/orders/{}", line.order),
            order: reference.map_or_else(|| short_id(&line.order), str::to_owned),
            units: line.quantity,
            why: words::sentence(&line.why),
        }
    });
    let page_ = Page {
        heading: "Done",
        title: title_of(ask, &visitor.tenant, &supply.sku)?,
        href: format!("/supply/{}", supply.id),
        said,
        served: served.collect(),
        more: lines.len().saturating_sub(SHOWN),
        run: Some(change.run.to_string()),
        supply: supply.id.to_string(),
        once: ask.once(),
        problem: None,
        is_orders: act != "receive",
        frame: Frame::of(ask, visitor, "supply"),
    };
    page(StatusCode::OK, &page_)
}

/// `POST /supply/undo`.
pub(super) fn undo(ask: &Ask, sent: &Undo) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let run: RunId = sent.run.parse().map_err(|_| Fail::Form)?;
    let supply: model::id::SupplyId = sent.supply.parse().map_err(|_| Fail::Form)?;
    let key = once_key(&sent.once, &["undo", &sent.run]);
    let outcome = ask.command(&visitor.tenant, Command::UndoRun(run), key)?;
    let (heading, said, problem, status) = match outcome {
        Ok(Answer::RunUndone(_, moved)) => {
            let back = match moved {
                0 => "Everything is as it was before.".to_owned(),
                _ => format!(
                    "Everything is as it was before: {} back.",
                    words::counted(moved, "unit went", "units went")
                ),
            };
            ("Undone", vec![back], None, StatusCode::OK)
        }
        Ok(other) => return Err(Fail::Defect(format!("an undo was answered with {other:?}"))),
        Err(Rejection::NotFound { .. }) => return Err(Fail::NotFound),
        Err(rejection) => {
            let problem = match &rejection {
                Rejection::Refused(refusal) if refusal.code == RefusalCode::AlreadyUndone => {
                    "Somebody has undone it already.".to_owned()
                }
                _ => sorry(&rejection),
            };
            ("Not undone", Vec::new(), Some(problem), StatusCode::CONFLICT)
        }
    };
    let found = ask.app.engine.store().reader()?.supply(&visitor.tenant, supply)?.ok_or(Fail::NotFound)?;
    let page_ = Page {
        heading,
        title: title_of(ask, &visitor.tenant, &found.sku)?,
        href: format!("/supply/{supply}"),
        said,
        served: Vec::new(),
        more: 0,
        run: None,
        supply: supply.to_string(),
        once: String::new(),
        problem,
        is_orders: false,
        frame: Frame::of(ask, &visitor, "supply"),
    };
    page(status, &page_)
}
