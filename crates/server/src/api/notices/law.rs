//! `/v1/settings/law`: the figures of each law, with the text that says so, and those that a shop has of its own counsel.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use model::{command::Command, message::MessageWish};
use obligation::legal::{FigureValue, Law, LawBook, OwnFigure};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::{LawIn, as_text};
use crate::{
    api::{
        auth::{Allowed, NoticesRead, NoticesWrite},
        check::Checks,
        clock::Now,
        input::{Input, Json},
        params::Params,
        problem::Problem,
        state::{Api, json},
    },
    mail::terms::law_of,
};

/// Most days that a figure may be.
const DAYS_MAX: i64 = 365;
/// Most figures: each law has fewer.
const FIGURES_MAX: usize = 50;

/// A figure that a shop sets itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnFigureInput)]
pub(crate) struct FigureIn {
    /// Of which law.
    law: LawIn,
    /// Which, as it is listed: `refund_working_days`.
    #[schema(max_length = 40)]
    name: String,
    /// Days, where the figure is days.
    #[schema(minimum = 0, maximum = 365)]
    days: Option<i64>,
    /// Whether it holds, where the figure is that.
    holds: Option<bool>,
    /// Who says so, and when: `our counsel, 2026-11-20`.
    #[schema(min_length = 1, max_length = 2000)]
    source: String,
}

/// The figures that a shop sets itself; all others are as they come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnFiguresInput)]
pub(crate) struct FiguresIn {
    /// None: all are as they come.
    #[schema(max_items = 50)]
    figures: Vec<FigureIn>,
}

impl Input for FiguresIn {}

/// A figure of a law.
#[derive(Serialize, ToSchema)]
#[schema(as = LawFigure)]
pub(crate) struct FigureOut {
    law: LawIn,
    /// Which.
    name: &'static str,
    /// Days, where the figure is days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    days: Option<u16>,
    /// Whether it holds, where the figure is that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    holds: Option<bool>,
    /// Which text says so, or who.
    source: String,
    /// It is an assumption or was read at second hand: have it checked before you rely on it.
    reread: bool,
}

/// The figures of every law.
#[derive(Serialize, ToSchema)]
#[schema(as = LawFigureList)]
pub(crate) struct FiguresOut {
    items: Vec<FigureOut>,
}

fn shown(book: &LawBook) -> FiguresOut {
    let items = book.listed().into_iter().map(|figure| {
        let (days, holds) = match figure.value {
            FigureValue::Days(days) => (Some(days), None),
            FigureValue::Holds(holds) => (None, Some(holds)),
        };
        let law = match figure.law {
            Law::Us => LawIn::Us,
            Law::Eu => LawIn::Eu,
            Law::Uk => LawIn::Uk,
        };
        FigureOut { law, name: figure.name, days, holds, source: figure.source, reread: figure.reread }
    });
    FiguresOut { items: items.collect() }
}

fn check(input: &FiguresIn) -> Result<(Vec<OwnFigure>, LawBook), Problem> {
    let mut checks = Checks::default();
    if input.figures.len() > FIGURES_MAX {
        checks.wrong(format_args!("/figures"), "too_many", format!("at most {FIGURES_MAX} figures"));
    }
    let mut own = Vec::with_capacity(input.figures.len());
    for (n, figure) in input.figures.iter().take(FIGURES_MAX).enumerate() {
        let at = format!("/figures/{n}");
        let source = checks.note(format_args!("{at}/source"), Some(&figure.source));
        if source.is_none() {
            checks.wrong(format_args!("{at}/source"), "required", "say who read the law, and when");
        }
        let value = match (figure.days, figure.holds) {
            (Some(days), None) => {
                let days = checks.number(format_args!("{at}/days"), days, 0, DAYS_MAX);
                FigureValue::Days(u16::try_from(days).unwrap_or(0))
            }
            (None, Some(holds)) => FigureValue::Holds(holds),
            _ => {
                checks.wrong(
                    format_args!("{at}/days"),
                    "contradiction",
                    "say `days` or `holds`, and not both",
                );
                continue;
            }
        };
        let source = source.as_deref().unwrap_or_default().to_owned();
        own.push(OwnFigure {
            law: super::settings::law_of(figure.law),
            name: figure.name.clone(),
            value,
            source,
        });
    }
    let (own, mut checks) = (checks.finish(own)?, Checks::default());
    match LawBook::with(&own) {
        Ok(book) => Ok((own, book)),
        Err((n, error)) => {
            checks.wrong(format_args!("/figures/{n}/name"), "unknown_value", error.to_string());
            checks.finish((own, LawBook::default()))
        }
    }
}

/// Set figures of the laws
///
/// Laws change, and some figures were read at second hand (`reread`): have them checked, and set those that differ here with who says
/// so. Deadlines, notices and terms follow them from then on. What is left out is as it comes. This is a tool, not legal advice.
#[utoipa::path(
    put, path = "/v1/settings/law", tag = "Notices", operation_id = "put_law_figures",
    request_body = FiguresIn,
    responses((status = 200, description = "Every figure", body = FiguresOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn put_law(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    Json { value, .. }: Json<FiguresIn>,
) -> Result<Response, Problem> {
    let (own, book) = check(&value)?;
    let text = as_text(&own)?;
    api.run(&allowed.caller, now, Command::Message(MessageWish::Law(text)), None).await?;
    json(StatusCode::OK, &shown(&book))
}

/// Read the figures of the laws
///
/// Each with the text that says so; `reread` where it is to be checked before you rely on it.
#[utoipa::path(
    get, path = "/v1/settings/law", tag = "Notices", operation_id = "get_law_figures",
    responses((status = 200, description = "Every figure", body = FiguresOut)),
    security(("key" = ["notices:read"])),
)]
pub(crate) async fn get_law(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesRead>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let book = api.read(move |store| law_of(store, &tenant)).await?;
    json(StatusCode::OK, &shown(&book))
}
