//! Units of a product that are kept for one channel, at the location: seen, and set.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::Answer;
use model::{
    Units,
    command::{Command, FencedAt, RingFenceStock},
    id::{Channel, Sku},
    refusal::Rejection,
    view::FencedStock,
};
use serde::Deserialize;

use super::{
    super::{
        super::{form::once_key, page, see_other, shop::encoded},
        Ask, Fail, sorry,
        supplies::units,
        supply::bare,
    },
    Cut, Frame, Packer,
    prep::is_theirs,
    sku, words,
};

#[derive(Template)]
#[template(path = "desk/fence.html")]
struct Page {
    frame: Frame,
    back: String,
    at: String,
    place: String,
    sku: String,
    title: String,
    here: Units,
    free: Units,
    fences: Vec<Row>,
    /// What was typed.
    channel: String,
    units: String,
    seen: String,
    once: String,
    done: Option<&'static str>,
    problem: Option<String>,
}

/// What is ring-fenced for one channel.
struct Row {
    channel: String,
    units: Units,
    claimed: Units,
    left: Units,
}

/// The address of the page of a product.
pub(in crate::pages::desk) fn href(at: &str, sku: &Sku) -> String {
    format!("/packing/fence?at={}&sku={}", encoded(at), encoded(sku.as_str()))
}

/// `GET /packing/fence`.
pub(super) fn show(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, &cut.at)?;
    let done = (cut.done == "kept").then_some("Kept. Nobody else gets these units from now on.");
    let done = done.or((cut.done == "freed").then_some("Anybody may have these units from now on."));
    answer(ask, &packer, &sku(&cut.sku)?, &Sent::default(), done, None, StatusCode::OK)
}

fn answer(
    ask: &Ask,
    packer: &Packer,
    sku: &Sku,
    typed: &Sent,
    done: Option<&'static str>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let mut reader = ask.app.engine.store().reader()?;
    let pool = reader.pools(packer.tenant(), std::slice::from_ref(sku))?.pop().ok_or(Fail::NotFound)?;
    if pool.item.is_kit() || !is_theirs(&mut *reader, packer, sku)? {
        return Err(Fail::NotFound);
    }
    drop(reader);
    let FencedStock { on_hand, free, ring_fenced, tag, .. } = promise::fenced_stock(&pool, &packer.at, None);
    let row = |fence: model::view::FenceView| Row {
        channel: fence.channel.to_string(),
        units: fence.units,
        claimed: fence.claimed,
        left: fence.left,
    };
    let title = match &*pool.item.title {
        "" => sku.to_string(),
        title => title.to_owned(),
    };
    let page_ = Page {
        frame: packer.frame(ask),
        back: packer.href(),
        at: packer.at.to_string(),
        place: packer.name(),
        sku: sku.to_string(),
        title,
        here: on_hand,
        free,
        fences: ring_fenced.into_iter().map(row).collect(),
        channel: typed.channel.clone(),
        units: typed.units.clone(),
        seen: bare(&tag),
        once: ask.once(),
        done,
        problem,
    };
    page(status, &page_)
}

/// How many units are for whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    at: String,
    sku: String,
    channel: String,
    units: String,
    seen: String,
    once: String,
}

/// `POST /packing/fence`: at the location of whoever packs, as long as nobody else changed it.
pub(super) fn take(ask: &Ask, sent: &Sent) -> Result<Response, Fail> {
    let packer = Packer::acting(ask, &sent.at)?;
    let sku = sku(&sent.sku)?;
    if !is_theirs(&mut *ask.app.engine.store().reader()?, &packer, &sku)? {
        return Err(Fail::NotFound);
    }
    let again =
        |problem: &str, status| answer(ask, &packer, &sku, sent, None, Some(problem.to_owned()), status);
    let unclear = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(channel) = Channel::new(sent.channel.trim()) else {
        return again("Please name the channel as your orders do, such as fba.", unclear);
    };
    let Some(wanted) = units(&sent.units) else {
        return again("Please enter how many units, as a whole number; 0 ends it.", unclear);
    };
    let fields = ["ring-fenced", packer.at.as_str(), sku.as_str(), channel.as_str(), &sent.units];
    let wish = RingFenceStock {
        at: FencedAt::Location(sku.clone(), packer.at.clone()),
        channel: channel.clone(),
        units: wanted,
        if_match: Some(format!("\"{}\"", sent.seen).into()),
    };
    match ask.command(packer.tenant(), Command::RingFence(wish), once_key(&sent.once, &fields))? {
        Ok(Answer::RingFenced(_)) => {
            let done = if wanted > 0 { "kept" } else { "freed" };
            see_other(&format!("{}&done={done}", href(packer.at.as_str(), &sku)))
        }
        Ok(other) => Err(Fail::Defect(format!("a ring-fence was answered with {other:?}"))),
        Err(Rejection::Stale) => {
            let problem = "Somebody changed what is ring-fenced, or units of it left, while you were typing, so nothing was \
                done. Please look at it again.";
            again(problem, StatusCode::CONFLICT)
        }
        Err(rejection) => again(&sorry(&rejection), StatusCode::CONFLICT),
    }
}

/// What is ring-fenced of a product at a location, a sentence a channel.
pub(in crate::pages::desk) fn said(stock: &FencedStock) -> Vec<String> {
    let fences = stock.ring_fenced.iter().filter(|fence| fence.units > 0);
    fences.map(|fence| words::fenced(fence.channel.as_str(), fence.units, fence.left)).collect()
}
