//! The API of a shop's systems: JSON over HTTP, described by its own OpenAPI document.

mod adjustments;
mod allocation;
mod around;
pub(crate) mod arrivals;
pub(crate) mod auth;
mod availability;
pub(crate) mod backorders;
mod bounces;
mod canonical;
mod check;
mod clock;
pub(crate) mod decide;
mod describe;
mod docs;
mod events;
mod health;
mod holds;
mod hooks;
pub(crate) mod idempotency;
mod input;
mod inspections;
mod locations;
mod messages;
mod metrics;
pub(crate) mod notices;
pub(crate) mod orders;
mod packing;
pub(crate) mod params;
pub(crate) mod payment_risks;
mod policies;
mod prepayments;
mod previews;
mod privacy;
mod problem;
mod questions;
mod receipts;
mod recent;
mod releases;
mod ring_fences;
mod run_due;
mod runs;
mod schema;
mod shipments;
mod shortfalls;
mod skus;
pub(crate) mod state;
mod stock_moves;
mod stock_notes;
mod strict;
mod supplies;
mod tag;
mod terms;
mod waitlist;
mod webhooks;
pub(crate) mod written;

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, pages};
pub(crate) use check::ADDRESS_CHARS_MAX;
pub(crate) use events::EventOut;
pub(crate) use state::Api;

/// Answers smaller than this are sent as they are: they fit one packet.
const COMPRESS_FROM_BYTES: u64 = 1_024;

fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(describe::frame())
        .routes(routes!(locations::list))
        .routes(routes!(locations::put, locations::get))
        .routes(routes!(skus::list))
        .routes(routes!(skus::put, skus::get))
        .routes(routes!(policies::list))
        .routes(routes!(policies::put, policies::get))
        .routes(routes!(supplies::add, supplies::list))
        .routes(routes!(supplies::get, supplies::change))
        .routes(routes!(arrivals::list))
        .routes(routes!(supplies::cancel))
        .routes(routes!(stock_moves::split))
        .routes(routes!(stock_moves::transfer))
        .routes(routes!(stock_moves::count))
        .routes(routes!(ring_fences::stock, ring_fences::list))
        .routes(routes!(ring_fences::supply))
        .routes(routes!(previews::look))
        .routes(routes!(receipts::receive))
        .routes(routes!(runs::undo))
        .routes(routes!(allocation::run))
        .routes(routes!(packing::pack))
        .routes(routes!(allocation::set, allocation::list))
        .routes(routes!(allocation::set_line, allocation::get_line))
        .routes(routes!(inspections::inspect))
        .routes(routes!(adjustments::adjust))
        .routes(routes!(availability::ask))
        .routes(routes!(terms::get))
        .routes(routes!(holds::place))
        .routes(routes!(holds::get, holds::release))
        .routes(routes!(waitlist::join, waitlist::list, waitlist::leave))
        .routes(routes!(waitlist::leave_by_link))
        .routes(routes!(orders::place::place, orders::read::list))
        .routes(routes!(orders::batch::place))
        .routes(routes!(messages::thread, messages::write))
        .routes(routes!(messages::mark_read))
        .routes(routes!(messages::list))
        .routes(routes!(messages::put_canned, messages::drop_canned))
        .routes(routes!(messages::list_canned))
        .routes(routes!(questions::ask, questions::list))
        .routes(routes!(questions::get))
        .routes(routes!(privacy::export))
        .routes(routes!(privacy::erase))
        .routes(routes!(hooks::add, hooks::list))
        .routes(routes!(hooks::get, hooks::change, hooks::remove))
        .routes(routes!(hooks::turn_secret))
        .routes(routes!(hooks::deliveries))
        .routes(routes!(hooks::replay))
        .routes(routes!(orders::read::get, orders::change::change))
        .routes(routes!(orders::change::substitute))
        .routes(routes!(orders::cancel::cancel))
        .routes(routes!(orders::promises::list))
        .routes(routes!(orders::evidence::get))
        .routes(routes!(orders::payments::get, orders::payments::pay))
        .routes(routes!(orders::payments::charge_shipping))
        .routes(routes!(orders::refunds::list, orders::refunds::note))
        .routes(routes!(bounces::report))
        .routes(routes!(stock_notes::list))
        .routes(routes!(stock_notes::erase))
        .routes(routes!(prepayments::get))
        .routes(routes!(payment_risks::get))
        .routes(routes!(webhooks::stripe))
        .routes(routes!(backorders::list))
        .routes(routes!(shortfalls::list))
        .routes(routes!(shortfalls::take_care))
        .routes(routes!(releases::release))
        .routes(routes!(releases::take_back))
        .routes(routes!(shipments::ship))
        .routes(routes!(events::list))
        .routes(routes!(decide::advice::list))
        .routes(routes!(decide::advice::accept))
        .routes(routes!(decide::suppliers::list))
        .routes(routes!(decide::supplier_terms::put_supplier, decide::supplier_terms::get_supplier))
        .routes(routes!(decide::purchase_orders::draft, decide::purchase_orders::list))
        .routes(routes!(decide::purchase_orders::get))
        .routes(routes!(decide::purchase_orders::send))
        .routes(routes!(decide::purchase_orders::cancel))
        .routes(routes!(decide::purchasing::list))
        .routes(routes!(decide::purchasing::terms::put_terms, decide::purchasing::terms::get_terms))
        .routes(routes!(decide::automatic::put_settings, decide::automatic::get_settings))
        .routes(routes!(decide::cash::get))
        .routes(routes!(decide::cash_settings::put, decide::cash_settings::get))
        .routes(routes!(decide::insights::get))
        .routes(routes!(decide::risk::list_skus))
        .routes(routes!(decide::risk::list_lines))
        .routes(routes!(decide::demand::list))
        .routes(routes!(notices::list))
        .routes(routes!(notices::send))
        .routes(routes!(notices::get, notices::edit))
        .routes(routes!(notices::answer))
        .routes(routes!(notices::bounce))
        .routes(routes!(notices::put_settings, notices::get_settings))
        .routes(routes!(notices::put_law, notices::get_law))
        .routes(routes!(notices::list_obligations))
        .routes(routes!(run_due::run))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(docs::openapi))
}

/// The API's description as a JSON document (OpenAPI 3.1).
pub fn openapi() -> String {
    describe::document(routes().into_openapi())
}

/// Everything the server answers, and what its handlers share.
pub(crate) fn build(app: Arc<App>) -> (Router, Arc<Api>) {
    let (router, description) = routes().split_for_parts();
    let api = Arc::new(Api::new(Arc::clone(&app), describe::document(description).into()));
    let compress = SizeAbove::new(COMPRESS_FROM_BYTES).and(NotForContentType::const_new("text/event-stream"));
    let router = router.with_state(Arc::clone(&api));
    let within = pages::Within::new(router.clone());
    let router = router
        .merge(docs::routes().with_state(Arc::clone(&api)))
        .merge(
            pages::routes(api.stopping.subscribe(), within)
                .layer(axum::Extension(Arc::clone(&api.histories)))
                .with_state(app),
        )
        .fallback(around::no_such_path)
        .method_not_allowed_fallback(around::wrong_method)
        // As one layer, the outermost first: the router wraps and boxes each layer it is given, for every request.
        .layer((
            CompressionLayer::new().compress_when(compress),
            middleware::from_fn_with_state(Arc::clone(&api), around::around),
            CatchPanicLayer::custom(around::panicked),
        ));
    (router, api)
}
