//! Waves: orders chosen by where they go, by whom they are for or by what is in them are handed over to be packed; shown before.

use std::collections::BTreeSet;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{super::within::Call, Ask, Fail},
    Frame, Packer, page, words,
};
use crate::staff::May;

/// Lines shown.
const SHOWN: usize = 200;

/// Which orders, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    at: String,
    country: String,
    group: String,
    tags: String,
    skus: String,
    references: String,
    limit: String,
    once: String,
    /// `show`: look at what is ready.
    act: String,
}

#[derive(Template)]
#[template(path = "desk/wave.html")]
struct Page {
    frame: Frame,
    back: String,
    at: String,
    place: String,
    places: Vec<(String, String, bool)>,
    wanted: Wanted,
    once: String,
    found: Option<Found>,
    problem: Option<String>,
}

/// What is ready, or was handed over.
struct Found {
    rows: Vec<Row>,
    units: i64,
    orders: i64,
    /// Lines that are not shown.
    hidden: usize,
    /// More fits than one wave takes.
    is_more: bool,
    is_done: bool,
}

struct Row {
    href: String,
    order: String,
    title: String,
    sku: String,
    units: i64,
}

impl Wanted {
    /// What the API is asked.
    fn body(&self, at: &str, dry_run: bool) -> Value {
        let mut body = Map::new();
        body.insert("location".to_owned(), at.into());
        body.insert("dry_run".to_owned(), dry_run.into());
        for (name, text) in [("country", &self.country), ("customer_group", &self.group)] {
            let text = text.trim();
            if !text.is_empty() {
                let text = if name == "country" { text.to_uppercase() } else { text.to_owned() };
                body.insert(name.to_owned(), text.into());
            }
        }
        for (name, text) in [("tags", &self.tags), ("skus", &self.skus), ("references", &self.references)] {
            let named: Vec<&str> = text.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
            if !named.is_empty() {
                body.insert(name.to_owned(), json!(named));
            }
        }
        if let Ok(limit) = self.limit.trim().parse::<i64>() {
            body.insert("limit".to_owned(), limit.into());
        }
        Value::Object(body)
    }
}

/// `GET /packing/wave`: the form, and what is ready.
pub(super) fn show(ask: &Ask, wanted: Wanted) -> Result<Response, Fail> {
    let packer = Packer::of(ask, ask.staff(May::Goods)?, &wanted.at)?.ok_or(Fail::NotFound)?;
    if wanted.act != "show" {
        return answer(ask, &packer, wanted, None, None, StatusCode::OK);
    }
    asked(ask, &packer, wanted, true)
}

/// `POST /packing/wave`: hands it over.
pub(super) fn hand_over(ask: &Ask, wanted: Wanted) -> Result<Response, Fail> {
    let packer = Packer::of(ask, ask.staff_form(May::Goods)?, &wanted.at)?.ok_or(Fail::NotFound)?;
    asked(ask, &packer, wanted, false)
}

fn asked(ask: &Ask, packer: &Packer, wanted: Wanted, dry_run: bool) -> Result<Response, Fail> {
    let limit = wanted.limit.trim();
    if !limit.is_empty() && limit.parse::<i64>().is_err() {
        let problem = "Please give how many lines at most as a whole number, or leave it empty.".to_owned();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return answer(ask, packer, wanted, None, Some(problem), status);
    }
    let body = wanted.body(packer.at.as_str(), dry_run);
    let once = Some(&*wanted.once).filter(|once| !dry_run && !once.is_empty());
    let call = Call { method: "POST", path: "/v1/releases", body: Some(&body), once, ..Call::default() };
    match ask.api(packer.tenant(), call)? {
        Ok(told) => {
            let found = found(ask, packer, &told.body, !dry_run)?;
            answer(ask, packer, wanted, Some(found), None, StatusCode::OK)
        }
        Err(refused) => answer(ask, packer, wanted, None, Some(refused.text()), refused.status),
    }
}

fn found(ask: &Ask, packer: &Packer, told: &Value, is_done: bool) -> Result<Found, Fail> {
    let lines = told["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let skus: BTreeSet<String> = lines.iter().map(|line| text(line, "sku")).collect();
    let skus: Vec<_> = skus.iter().filter_map(|sku| model::id::Sku::new(sku).ok()).collect();
    let shop = ask.app.engine.snapshots().shop(packer.tenant(), &skus)?;
    let row = |line: &Value| {
        let (order, sku) = (text(line, "order"), text(line, "sku"));
        let number = line["reference"].as_str().map_or_else(|| order.clone(), str::to_owned);
        Row {
            href: format!("/orders/{order}"),
            order: number,
            title: skus
                .iter()
                .find(|own| own.as_str() == sku)
                .map_or_else(String::new, |sku| words::title(&shop, sku)),
            sku,
            units: line["quantity"].as_i64().unwrap_or(0),
        }
    };
    let orders: BTreeSet<String> = lines.iter().map(|line| text(line, "order")).collect();
    Ok(Found {
        rows: lines.iter().take(SHOWN).map(row).collect(),
        units: lines.iter().filter_map(|line| line["quantity"].as_i64()).sum(),
        orders: i64::try_from(orders.len()).unwrap_or(i64::MAX),
        hidden: lines.len().saturating_sub(SHOWN),
        is_more: told["more"] == true,
        is_done,
    })
}

fn answer(
    ask: &Ask,
    packer: &Packer,
    wanted: Wanted,
    found: Option<Found>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let page_ = Page {
        frame: packer.frame(ask),
        back: packer.href(),
        at: packer.at.to_string(),
        place: packer.name(),
        places: packer.choices(),
        wanted,
        once: ask.once(),
        found,
        problem,
    };
    page(status, &page_)
}
