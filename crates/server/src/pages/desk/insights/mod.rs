//! What the shop's own ledger shows, and what would be if: pages that show what `/v1/insights`, `/v1/advice` and `shipwhen simulate` say.

mod advice;
mod chart;
mod kept;
mod overview;
mod part;
mod purchasing;
mod what_if;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::{Path, Query},
    response::Response,
    routing::{get, post},
};

use super::{Ask, Asked, Fail, Sent, blocking};
use crate::{App, api::decide::Histories};

/// The routes of these pages.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/insights", get(show))
        .route("/insights/{file}", get(file))
        .route("/insights/cash/opening", post(set_cash))
        .route("/insights/what-if", get(what_if_then))
        .route("/insights/purchasing", get(purchases).post(draft_purchase))
        .route("/insights/purchasing/{id}", get(show_purchase))
        .route("/insights/purchasing/{id}/{file}", get(purchase_file))
        .route("/insights/purchasing/{id}/send", post(send_purchase))
        .route("/insights/purchasing/{id}/cancel", post(cancel_purchase))
        .route("/insights/advice", get(advices))
        .route("/insights/advice/{sku}", get(show_advice).post(accept))
        .layer(Extension(Arc::new(kept::Overviews::default())))
}

type Kept = Extension<Arc<Histories>>;
type Fields = BTreeMap<String, String>;

async fn show(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Extension(overviews): Extension<Arc<kept::Overviews>>,
) -> Response {
    blocking(move || overview::answer(&ask, &histories, &overviews)).await
}

async fn file(Asked(ask): Asked, Extension(histories): Kept, Path(file): Path<String>) -> Response {
    blocking(move || overview::csv(&ask, &histories, &file)).await
}

async fn set_cash(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Extension(overviews): Extension<Arc<kept::Overviews>>,
    Sent(wish): Sent<overview::Opening>,
) -> Response {
    blocking(move || overview::set_cash(&ask, &histories, &overviews, &wish)).await
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

async fn purchases(Asked(ask): Asked, Extension(histories): Kept) -> Response {
    blocking(move || purchasing::list(&ask, &histories, None)).await
}

async fn draft_purchase(
    Asked(ask): Asked,
    Extension(histories): Kept,
    Sent(wish): Sent<purchasing::Draft>,
) -> Response {
    blocking(move || purchasing::draft(&ask, &histories, &wish)).await
}

async fn show_purchase(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || purchasing::show(&ask, &id, None)).await
}

async fn purchase_file(Asked(ask): Asked, Path((id, file)): Path<(String, String)>) -> Response {
    blocking(move || purchasing::file(&ask, &id, &file)).await
}

async fn send_purchase(
    Asked(ask): Asked,
    Path(id): Path<String>,
    Sent(wish): Sent<purchasing::Send>,
) -> Response {
    blocking(move || purchasing::send(&ask, &id, &wish)).await
}

async fn cancel_purchase(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || purchasing::cancel(&ask, &id)).await
}
