//! The staff app: what a shop's people work with all day.
//!
//! A page reads what the API reads, with the API's own functions, and a button sends the command that the API sends: no
//! number stands here that a script could not ask for. A form carries a token of its own, so that sending it twice is the
//! same as once.

mod backlog;
mod bulk;
mod change;
mod customer;
mod done;
pub(super) mod duties;
mod evidence;
mod export;
mod import;
mod insights;
mod live;
mod messages;
mod month;
mod order;
mod orders;
mod packing;
mod policy;
mod products;
mod projection;
mod repaid;
mod settings;
mod supplies;
mod supply;
mod views;
mod why;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    response::Response,
    routing::{get, post},
};
use engine::{Answer, Detail, Key};
use model::{
    command::Command,
    id::TenantId,
    refusal::{RefusalCode, Rejection},
    time::{Date, Timestamp, Zone, local_date},
};

use super::{
    Ask,
    asked::{Asked, Sent},
    blocking,
    error::Fail,
    words::{self, Day},
};
pub(super) use live::Stopping;

use crate::App;

/// The routes of the staff app.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/backlog", get(show_backlog))
        .route("/backlog.csv", get(export_backlog))
        .route("/backlog/preview", post(preview_bulk))
        .route("/backlog/start", post(start_bulk))
        .route("/backlog/runs/{id}", get(show_bulk).post(go_on_bulk))
        .route("/backlog/views", post(change_views))
        .route("/supply.csv", get(export_supplies))
        .route("/orders.csv", get(export_orders))
        .route("/products.csv", get(export_products))
        .route("/supply", get(list_supplies).post(add_supply))
        .route("/supply/undo", post(undo_run))
        .route("/supply/month", get(show_month))
        .route("/supply/{id}", get(show_supply))
        .route("/supply/{id}/fence", post(fence_supply))
        .route("/supply/{id}/preview", get(preview_change))
        .route("/supply/{id}/confirm", post(confirm_change))
        .route("/orders", get(list_orders))
        .route("/orders/{id}", get(show_order))
        .route("/orders/{id}/evidence", get(show_evidence))
        .route("/orders/{id}/repaid", post(note_repaid))
        .route("/customers", get(show_customer).post(answer_customer))
        .route("/products", get(list_products))
        .route("/products/{sku}", get(show_policy).post(save_policy))
        .route("/products/{sku}/preview", post(preview_policy))
        .route("/messages", get(list_messages))
        .route("/messages/send", post(send_messages))
        .route("/import", get(show_import).post(take_in).layer(DefaultBodyLimit::max(import::BYTES_MAX)))
        .route("/import/runs/{id}", get(show_import_run).post(take_import_back))
        .route("/live", get(live::follow))
        .merge(packing::routes())
        .merge(insights::routes())
        .merge(settings::routes())
}

impl Ask {
    /// Has a command of the shop's people decided. `once`: the form's own token and its fields.
    fn command(
        &self,
        tenant: &TenantId,
        command: Command,
        key: Option<Key>,
    ) -> Result<Result<Answer, Rejection>, Fail> {
        let command = match self.who(tenant)? {
            Some(who) => Command::By(who, Box::new(command)),
            None => command,
        };
        let request = self.request(tenant, command, key);
        Ok(self.app.engine.run_blocking(request)?.outcome)
    }

    fn request(&self, tenant: &TenantId, command: Command, key: Option<Key>) -> engine::Request {
        engine::Request {
            tenant: tenant.clone(),
            now: self.now,
            id: self.app.stamps.next(self.now),
            command,
            key,
            detail: Detail::Full,
        }
    }

    /// A token that makes sending a form twice the same as once.
    fn once(&self) -> String {
        self.app.stamps.next(self.now).simple().to_string()
    }
}

/// The shop's clock: its zone and its day.
struct Local {
    zone: Zone,
    today: Date,
}

impl Local {
    /// That of the first location, as on every page.
    fn of(ask: &Ask, tenant: &TenantId) -> Result<Self, Fail> {
        let locations = ask.app.engine.snapshots().locations(tenant)?;
        let zone = locations.values().next().map_or_else(Zone::utc, |location| location.time_zone.clone());
        let today = local_date(ask.now, &zone);
        Ok(Self { zone, today })
    }

    fn day(&self, date: Date) -> Day {
        Day::of(date, Some(self.today))
    }

    /// `14 Nov, 09:31`.
    fn moment(&self, at: Timestamp) -> String {
        let (date, time) = self.zone.local(at);
        let day = promise::availability::day(date, Some(self.today));
        format!("{day}, {:02}:{:02}", time.hour(), time.minute())
    }
}

/// Why something was not done, in sentences for the shop's people.
fn sorry(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Refused(refusal) => match refusal.code {
            RefusalCode::AlreadyReceived => {
                "Somebody has received it already. Nothing was done a second time.".to_owned()
            }
            RefusalCode::SupplyClosed => {
                "It is closed: used up, or called off by somebody. Nothing was changed.".to_owned()
            }
            _ => format!("{}.", words::sentence(refusal.detail.trim_end_matches('.'))),
        },
        Rejection::Invalid(errors) => {
            let details: Vec<String> = errors
                .iter()
                .map(|error| format!("{}.", words::sentence(error.detail.trim_end_matches('.'))))
                .collect();
            details.join(" ")
        }
        Rejection::NotFound { what, id } => format!("There is no {what} {id} any more."),
        Rejection::Stale => {
            "Somebody changed it while you were looking. Here is how it stands now; nothing of yours was saved."
                .to_owned()
        }
        Rejection::IdempotencyMismatch => {
            "This form was sent before with other entries, and that was done. To do this as well, send it again."
                .to_owned()
        }
    }
}

async fn show_backlog(Asked(ask): Asked, Query(cut): Query<backlog::Cut>) -> Response {
    blocking(move || backlog::answer(&ask, &cut)).await
}

async fn export_backlog(Asked(ask): Asked, Query(cut): Query<backlog::Cut>) -> Response {
    blocking(move || backlog::csv(&ask, &cut)).await
}

async fn preview_bulk(Asked(ask): Asked, Sent(sent): Sent<bulk::Wanted>) -> Response {
    blocking(move || bulk::preview(&ask, &sent)).await
}

async fn start_bulk(Asked(ask): Asked, Sent(sent): Sent<bulk::Wanted>) -> Response {
    blocking(move || bulk::start(&ask, &sent)).await
}

async fn show_bulk(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || bulk::show(&ask, &id)).await
}

async fn go_on_bulk(Asked(ask): Asked, Path(id): Path<String>, Sent(sent): Sent<bulk::Go>) -> Response {
    blocking(move || bulk::go(&ask, &id, &sent)).await
}

async fn change_views(Asked(ask): Asked, Sent(sent): Sent<views::Change>) -> Response {
    blocking(move || views::change(&ask, &sent)).await
}

async fn export_supplies(Asked(ask): Asked) -> Response {
    blocking(move || export::supplies(&ask)).await
}

async fn export_orders(Asked(ask): Asked) -> Response {
    blocking(move || export::orders(&ask)).await
}

async fn export_products(Asked(ask): Asked) -> Response {
    blocking(move || export::products(&ask)).await
}

async fn list_supplies(Asked(ask): Asked, Query(cut): Query<supplies::Cut>) -> Response {
    blocking(move || supplies::answer(&ask, &cut)).await
}

async fn add_supply(Asked(ask): Asked, Sent(sent): Sent<supplies::New>) -> Response {
    blocking(move || supplies::add(&ask, sent)).await
}

async fn show_month(Asked(ask): Asked, Query(cut): Query<month::Cut>) -> Response {
    blocking(move || month::answer(&ask, &cut)).await
}

async fn show_supply(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || supply::show(&ask, &id)).await
}

async fn fence_supply(
    Asked(ask): Asked,
    Path(id): Path<String>,
    Sent(sent): Sent<supply::Fence>,
) -> Response {
    blocking(move || supply::fence(&ask, &id, &sent)).await
}

async fn preview_change(
    Asked(ask): Asked,
    Path(id): Path<String>,
    Query(wanted): Query<change::Wanted>,
) -> Response {
    blocking(move || change::preview(&ask, &id, &wanted)).await
}

async fn confirm_change(
    Asked(ask): Asked,
    Path(id): Path<String>,
    Sent(sent): Sent<change::Wanted>,
) -> Response {
    blocking(move || change::confirm(&ask, &id, &sent)).await
}

async fn undo_run(Asked(ask): Asked, Sent(sent): Sent<done::Undo>) -> Response {
    blocking(move || done::undo(&ask, &sent)).await
}

async fn list_orders(Asked(ask): Asked, Query(cut): Query<orders::Cut>) -> Response {
    blocking(move || orders::answer(&ask, &cut)).await
}

async fn show_order(Asked(ask): Asked, Path(id): Path<String>, Query(cut): Query<order::Cut>) -> Response {
    blocking(move || order::answer(&ask, &id, &cut)).await
}

async fn show_evidence(Asked(ask): Asked, Path(id): Path<String>, Query(cut): Query<order::Cut>) -> Response {
    blocking(move || evidence::answer(&ask, &id, &cut)).await
}

async fn note_repaid(Asked(ask): Asked, Path(id): Path<String>, Sent(sent): Sent<repaid::Sent>) -> Response {
    blocking(move || repaid::note(&ask, &id, &sent)).await
}

async fn show_customer(Asked(ask): Asked, Query(cut): Query<customer::Cut>) -> Response {
    blocking(move || customer::answer(&ask, &cut)).await
}

async fn answer_customer(Asked(ask): Asked, Sent(sent): Sent<customer::Sent>) -> Response {
    blocking(move || customer::reply(&ask, &sent)).await
}

async fn list_products(Asked(ask): Asked, Query(cut): Query<products::Cut>) -> Response {
    blocking(move || products::answer(&ask, &cut)).await
}

async fn show_policy(Asked(ask): Asked, Path(sku): Path<String>, Query(cut): Query<policy::Cut>) -> Response {
    blocking(move || policy::show(&ask, &sku, &cut)).await
}

async fn preview_policy(
    Asked(ask): Asked,
    Path(sku): Path<String>,
    Sent(sent): Sent<policy::Filled>,
) -> Response {
    blocking(move || policy::preview(&ask, &sku, sent)).await
}

async fn save_policy(
    Asked(ask): Asked,
    Path(sku): Path<String>,
    Sent(sent): Sent<policy::Filled>,
) -> Response {
    blocking(move || policy::save(&ask, &sku, sent)).await
}

async fn show_import(Asked(ask): Asked) -> Response {
    blocking(move || import::show(&ask)).await
}

async fn take_in(Asked(ask): Asked, Sent(sent): Sent<import::Sent>) -> Response {
    blocking(move || import::take(&ask, sent)).await
}

async fn show_import_run(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || import::show_run(&ask, &id)).await
}

async fn take_import_back(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || import::take_back(&ask, &id)).await
}

async fn list_messages(Asked(ask): Asked, Query(cut): Query<messages::Cut>) -> Response {
    blocking(move || messages::answer(&ask, &cut)).await
}

async fn send_messages(
    State(app): State<Arc<App>>,
    Asked(ask): Asked,
    Sent(sent): Sent<messages::Send>,
) -> Response {
    messages::send(app, ask, sent).await
}
