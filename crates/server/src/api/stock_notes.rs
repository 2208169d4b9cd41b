//! `/v1/stock-notes`: what people at the shop wrote when they changed, counted or inspected goods.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use engine::{Answer, STOCK_NOTE, StockNote};
use ledger::{RecordFilter, Shelf};
use model::command::Command;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, SuppliesRead, SuppliesWrite},
    clock::Now,
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    state::{Api, json, unexpected},
};

/// A note about goods.
#[derive(Serialize, ToSchema)]
#[schema(as = StockNote)]
pub(crate) struct NoteOut {
    /// Its id.
    pub(crate) id: String,
    /// Of what.
    pub(crate) sku: String,
    /// When it was written.
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// On what occasion: `adjustment`, `count` or `inspection`.
    pub(crate) about: String,
    /// The words.
    pub(crate) text: String,
}

/// List notes about goods
///
/// What was written with adjustments, counts and inspections. The ledger says what was done and none of the words, since they may
/// speak of people: here they can be erased. What was written with a return or a pick that came back is a note on its order.
#[utoipa::path(
    get, path = "/v1/stock-notes", tag = "Supplies", operation_id = "list_stock_notes",
    params(
        ("sku" = Option<String>, Query, description = "Only of this SKU"),
        ("limit" = Option<i64>, Query, description = "Notes on one page; 50 unless given", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "Where the page begins: an earlier page's `next_cursor`"),
    ),
    responses((status = 200, description = "Notes, by the time they were written", body = schema::StockNotePage)),
    security(("key" = ["supplies:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesRead>,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, after) = (params.limit(), params.cursor::<String>());
    let sku = params.sku("sku");
    params.finish()?;
    let tenant = allowed.caller.tenant.clone();
    let found = api
        .read(move |store| {
            let filter = RecordFilter { owner: sku.as_ref().map(model::id::Sku::as_str), state: None };
            store.record_page(&tenant, Shelf::Private, STOCK_NOTE, &filter, (after.as_deref(), limit + 1))
        })
        .await?;
    let notes = found.iter().filter_map(|record| {
        let StockNote { sku, at, about, text } = record.read().ok().flatten()?;
        Some(NoteOut {
            id: record.id.to_string(),
            sku: sku.to_string(),
            at: at.to_string(),
            about: about.to_string(),
            text: text.to_string(),
        })
    });
    json(StatusCode::OK, &Page::cut(notes.collect(), limit, |note: &NoteOut| note.id.clone()))
}

/// Erase a note about goods
#[utoipa::path(
    delete, path = "/v1/stock-notes/{id}", tag = "Supplies", operation_id = "erase_stock_note",
    params(("id" = String, Path, description = "The note's id")),
    responses((status = 204, description = "It is gone")),
    security(("key" = ["supplies:write"])),
)]
pub(crate) async fn erase(
    State(api): State<Arc<Api>>,
    allowed: Allowed<SuppliesWrite>,
    Now(now): Now,
    Segments(id): Segments<String>,
) -> Result<StatusCode, Problem> {
    let done = api.run(&allowed.caller, now, Command::EraseNote(id.as_str().into()), None).await?;
    let Answer::Done = &done.answer else { return Err(unexpected(&done.answer)) };
    Ok(StatusCode::NO_CONTENT)
}
