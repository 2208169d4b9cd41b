//! What the shop's own ledger shows, and what would be if: pages that show what `/v1/insights`, `/v1/advice` and `shipwhen simulate` say.

mod advice;
mod chart;
mod overview;
mod part;
mod what_if;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};

use super::{Ask, Asked, Fail, Sent, blocking};
use crate::{App, api::decide::Histories};

/// The routes of these pages.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/insights", get(show))
        .route("/insights/{file}", get(file))
        .route("/insights/what-if", get(what_if_then))
        .route("/insights/advice", get(advices))
        .route("/insights/advice/{sku}", get(show_advice).post(accept))
}

type Kept = Extension<Arc<Histories>>;
type Fields = BTreeMap<String, String>;

async fn show(Asked(ask): Asked, Extension(histories): Kept) -> Response {
    blocking(move || overview::answer(&ask, &histories)).await
}

async fn file(Asked(ask): Asked, Extension(histories): Kept, Path(file): Path<String>) -> Response {
    blocking(move || overview::csv(&ask, &histories, &file)).await
}

async fn what_if_then(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Query(wish): Query<what_if::Wish>,
) -> Response {
    blocking(move || what_if::answer(&ask, &histories, &wish)).await
}

async fn advices(Asked(ask): Asked, Extension(histories): Kept, Query(fields): Query<Fields>) -> Response {
    let after = fields.get("after").cloned().unwrap_or_default();
    blocking(move || advice::list(&ask, &histories, &after)).await
}

async fn show_advice(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Path(sku): Path<String>,
    Query(fields): Query<Fields>,
) -> Response {
    blocking(move || advice::show(&ask, &histories, &sku, &fields, None)).await
}

async fn accept(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Path(sku): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    blocking(move || advice::accept(&ask, &histories, &sku, &fields)).await
}
