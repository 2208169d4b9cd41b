//! The packing pages: what a partner's house sees of the shop. Lines that were released at its locations, deliveries that come
//! to them, stock that is there, and how goods are prepared; no price, no address to write to, no other order.
//!
//! Whoever runs the shop sees the same pages for every location.

pub(super) mod fence;
mod lists;
mod photos;
mod prep;
mod receive;
mod released;
mod ship;
mod wave;

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Query, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use model::{
    Units,
    id::{LocationId, Sku, TenantId},
    location::LocationSettings,
    pool::Pool,
    supply::SupplyState,
};
use serde::Deserialize;

pub(super) use self::receive::counted;
use super::{
    super::{Frame, page, shop::encoded},
    App, Ask, Asked, Fail, Local, Sent, blocking, words,
};
use crate::staff::{May, Role, Visitor};

/// Pools looked at for the stock of a location.
const POOLS_MAX: usize = 2_000;
/// Pools read at once.
const POOLS_A_PAGE: usize = 40;
/// Rows of stock shown at once, and where all are asked for.
const STOCK_SHOWN: usize = 15;
const STOCK_MAX: usize = 500;
/// Deliveries shown at once.
const DUE_SHOWN: usize = 15;
/// Largest table of shipments taken, in bytes.
const TABLE_BYTES_MAX: usize = 4 << 20;

/// The routes of the packing pages.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/packing", get(overview))
        .route("/packing/picks", get(picks))
        .route("/packing/slips", get(slips))
        .route("/packing/lines.csv", get(lines_csv))
        .route("/packing/send", post(send))
        .route(
            "/packing/shipments",
            get(show_shipments).post(take_shipments).layer(DefaultBodyLimit::max(TABLE_BYTES_MAX)),
        )
        .route("/packing/receive", post(receive))
        .route("/packing/receipts/{run}", get(show_receipt))
        .route("/packing/photos", post(add_photos).layer(DefaultBodyLimit::max(photos::FORM_BYTES_MAX)))
        .route("/packing/photos/{id}", get(show_photo))
        .route("/packing/undo", post(undo))
        .route("/packing/prep", get(show_prep).post(change_prep))
        .route("/packing/fence", get(show_fence).post(set_fence))
        .route("/packing/wave", get(show_wave).post(hand_over))
}

/// Which location, and what of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Cut {
    at: String,
    order: String,
    sku: String,
    /// What was done just now.
    done: String,
    /// Who carried the parcel before.
    carrier: String,
    /// `1`: all deliveries and all stock, not only the first of each.
    all: String,
}

/// Whoever packs, and where.
struct Packer {
    visitor: Visitor,
    /// Where they may pack.
    places: BTreeMap<LocationId, Arc<LocationSettings>>,
    /// Which of those is looked at.
    at: LocationId,
    place: Arc<LocationSettings>,
}

impl Packer {
    /// Whoever looks, at the location that is named or at their first. A location that is not theirs is not there.
    fn of(ask: &Ask, visitor: Visitor, at: &str) -> Result<Option<Self>, Fail> {
        let places = ask.app.engine.snapshots().locations(&visitor.tenant)?;
        let own = visitor.user.as_ref().map(|user| &user.locations);
        let is_own =
            |id: &LocationId| visitor.role != Role::Partner || own.is_some_and(|own| own.contains(id));
        let places: BTreeMap<_, _> = places
            .iter()
            .filter(|(id, _)| is_own(id))
            .map(|(id, settings)| (id.clone(), Arc::clone(settings)))
            .collect();
        let at = match at.trim() {
            "" => places.keys().next().cloned(),
            text => Some(LocationId::new(text).map_err(|_| Fail::NotFound)?),
        };
        let Some(at) = at else { return Ok(None) };
        let place = places.get(&at).cloned().ok_or(Fail::NotFound)?;
        Ok(Some(Self { visitor, places, at, place }))
    }

    fn looking(ask: &Ask, at: &str) -> Result<Self, Fail> {
        Self::of(ask, ask.staff(May::Pack)?, at)?.ok_or(Fail::NotFound)
    }

    fn acting(ask: &Ask, at: &str) -> Result<Self, Fail> {
        Self::of(ask, ask.staff_form(May::Pack)?, at)?.ok_or(Fail::NotFound)
    }

    fn tenant(&self) -> &TenantId {
        &self.visitor.tenant
    }

    fn name(&self) -> String {
        name(&self.at, &self.place)
    }

    /// The clock of the location.
    fn local(&self, ask: &Ask) -> Local {
        Local { zone: self.place.time_zone.clone(), today: self.place.today(ask.now) }
    }

    /// Who it is, in the log.
    fn who(&self) -> String {
        self.visitor.user.as_ref().map_or_else(|| "The sample shop".to_owned(), |user| user.name.clone())
    }

    /// Whether they run the shop, and so set how goods are prepared.
    fn runs_shop(&self) -> bool {
        self.visitor.role.may(May::Goods)
    }

    /// The locations to choose from: id, name, whether it is looked at.
    fn choices(&self) -> Vec<(String, String, bool)> {
        let choice = |(id, place): (&LocationId, &Arc<LocationSettings>)| {
            (id.to_string(), name(id, place), *id == self.at)
        };
        self.places.iter().map(choice).collect()
    }

    fn frame(&self, ask: &Ask) -> Frame {
        Frame::of(ask, &self.visitor, "packing")
    }

    /// The address of the overview of this location.
    fn href(&self) -> String {
        format!("/packing?at={}", encoded(self.at.as_str()))
    }
}

fn name(id: &LocationId, place: &LocationSettings) -> String {
    if place.name.is_empty() { id.to_string() } else { place.name.clone() }
}

#[derive(Template)]
#[template(path = "desk/packing.html")]
struct Page {
    frame: Frame,
    /// The location's id and name; none where there is no location at all.
    at: String,
    place: String,
    places: Vec<(String, String, bool)>,
    parcels: Vec<released::Parcel>,
    /// Lines that are not shown.
    more: usize,
    due: Vec<receive::Due>,
    stock: Vec<Stock>,
    /// Deliveries and products that are not shown, and where all are.
    more_due: usize,
    more_stock: bool,
    all: String,
    /// Whether orders can be handed over by whoever looks.
    can_release: bool,
    preps: Vec<(String, String)>,
    once: String,
    /// Who carried the parcel before, and who else may.
    carrier: String,
    carriers: [&'static str; 13],
    /// What was done just now.
    done: Option<&'static str>,
    problem: Option<String>,
}

/// What is at the location of one product.
struct Stock {
    sku: String,
    title: String,
    here: Units,
    packing: Units,
    promised: Units,
    free: Units,
    damaged: Units,
    /// What is ring-fenced, a sentence a channel, and where that is changed.
    fenced: Vec<String>,
    href: String,
}

fn show(ask: &Ask, cut: &Cut, problem: Option<String>, status: StatusCode) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Pack)?;
    let frame = Frame::of(ask, &visitor, "packing");
    let Some(packer) = Packer::of(ask, visitor, &cut.at)? else {
        return page(
            StatusCode::OK,
            &Page {
                frame,
                at: String::new(),
                place: String::new(),
                places: Vec::new(),
                parcels: Vec::new(),
                more: 0,
                due: Vec::new(),
                stock: Vec::new(),
                more_due: 0,
                more_stock: false,
                all: String::new(),
                can_release: false,
                preps: Vec::new(),
                once: String::new(),
                carrier: String::new(),
                carriers: crate::parcels::NAMES,
                done: None,
                problem,
            },
        );
    };
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, None)?;
    let mut due = receive::due(&mut *reader, &packer, ask)?;
    let is_all = cut.all == "1";
    let (stock, more_stock) =
        stock(&mut *reader, &packer, &found, if is_all { STOCK_MAX } else { STOCK_SHOWN })?;
    let preps = prep::named(&mut *reader, packer.tenant(), &found, &due)?;
    let parcels = released::parcels(&mut *reader, &packer, &found, ask)?;
    drop(reader);
    let more_due = if is_all { 0 } else { due.len().saturating_sub(DUE_SHOWN) };
    due.truncate(due.len() - more_due);
    let page_ = Page {
        frame,
        more_due,
        more_stock,
        all: format!("{}&all=1", packer.href()),
        at: packer.at.to_string(),
        place: packer.name(),
        places: packer.choices(),
        can_release: packer.runs_shop(),
        parcels,
        more: found.more,
        due,
        stock,
        preps,
        once: ask.once(),
        carrier: cut.carrier.chars().take(100).collect(),
        carriers: crate::parcels::NAMES,
        done: match &*cut.done {
            "sent" => Some("Sent. The customer’s page shows it, with the carrier’s number."),
            "undone" => Some("Undone: the delivery is due again, as it was before."),
            _ => None,
        },
        problem,
    };
    page(status, &page_)
}

/// What is at a location, SKU by SKU, as `GET /v1/supplies` has it, and whether there is more: what is to be packed first, since
/// that is what somebody looks for, then so many others.
fn stock(
    reader: &mut dyn ledger::Read,
    packer: &Packer,
    found: &released::Found,
    most: usize,
) -> Result<(Vec<Stock>, bool), Fail> {
    let packing = found.picked();
    let picked: Vec<Sku> = packing.keys().cloned().collect();
    let pools = reader.pools(packer.tenant(), &picked)?;
    let units = |sku: &Sku| packing.get(sku).copied().unwrap_or(0);
    let mut rows: Vec<Stock> =
        pools.iter().filter_map(|pool| stock_row(pool, &packer.at, units(pool.sku()))).collect();
    let mut after: Option<Sku> = None;
    let mut looked_at = 0;
    while rows.len() <= most && looked_at < POOLS_MAX {
        let pools = reader.pool_page(packer.tenant(), after.as_ref(), POOLS_A_PAGE)?;
        after = pools.last().map(|pool| pool.sku().clone());
        looked_at += pools.len();
        let others = pools.iter().filter(|pool| !packing.contains_key(pool.sku()));
        rows.extend(others.filter_map(|pool| stock_row(pool, &packer.at, 0)));
        if pools.len() < POOLS_A_PAGE {
            break;
        }
    }
    let is_more = rows.len() > most;
    rows.truncate(most);
    Ok((rows, is_more))
}

/// What of a pool is at a location; none where nothing is.
fn stock_row(pool: &Pool, at: &LocationId, packing: Units) -> Option<Stock> {
    let mut row = Stock {
        sku: pool.sku().to_string(),
        title: pool.item.title.to_string(),
        here: 0,
        packing,
        promised: 0,
        free: 0,
        damaged: 0,
        fenced: fence::said(&promise::fenced_stock(pool, at, None)),
        href: fence::href(at.as_str(), pool.sku()),
    };
    for supply in pool.supplies.iter().filter(|supply| supply.location == *at) {
        match supply.state {
            SupplyState::OnHand => {
                row.here += supply.quantity;
                row.promised += supply.pegged();
                row.free += supply.open();
            }
            SupplyState::Quarantine => row.damaged += supply.quantity,
            SupplyState::Due | SupplyState::Closed => {}
        }
    }
    (row.here > 0 || row.damaged > 0).then_some(row)
}

/// A table to be kept as a file.
pub(in crate::pages::desk) fn csv(name: &str, text: Vec<u8>) -> Result<Response, Fail> {
    let mut response = text.into_response();
    let named = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_DISPOSITION, named.map_err(|error| Fail::Defect(error.to_string()))?);
    Ok(response)
}

/// A SKU that a form or an address names.
fn sku(text: &str) -> Result<Sku, Fail> {
    Sku::new(text.trim()).map_err(|_| Fail::NotFound)
}

async fn overview(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || show(&ask, &cut, None, StatusCode::OK)).await
}

async fn picks(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || lists::picks(&ask, &cut)).await
}

async fn slips(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || lists::slips(&ask, &cut)).await
}

async fn lines_csv(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || lists::csv(&ask, &cut)).await
}

async fn send(Asked(ask): Asked, Sent(sent): Sent<ship::One>) -> Response {
    blocking(move || ship::one(&ask, &sent)).await
}

async fn show_shipments(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || ship::show(&ask, &cut.at)).await
}

async fn take_shipments(Asked(ask): Asked, Sent(sent): Sent<ship::Many>) -> Response {
    blocking(move || ship::many(&ask, sent)).await
}

async fn receive(Asked(ask): Asked, Sent(sent): Sent<receive::Came>) -> Response {
    blocking(move || receive::take(&ask, &sent)).await
}

async fn show_receipt(Asked(ask): Asked, Path(run): Path<String>, Query(cut): Query<Cut>) -> Response {
    blocking(move || receive::show(&ask, &run, &cut)).await
}

async fn add_photos(Asked(ask): Asked, request: Request) -> Response {
    let sent = photos::read(request).await;
    blocking(move || photos::add(&ask, sent)).await
}

async fn show_photo(Asked(ask): Asked, Path(id): Path<String>) -> Response {
    blocking(move || photos::show(&ask, &id)).await
}

async fn undo(Asked(ask): Asked, Sent(sent): Sent<receive::Undo>) -> Response {
    blocking(move || receive::undo(&ask, &sent)).await
}

async fn show_fence(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || fence::show(&ask, &cut)).await
}

async fn set_fence(Asked(ask): Asked, Sent(sent): Sent<fence::Sent>) -> Response {
    blocking(move || fence::take(&ask, &sent)).await
}

async fn show_wave(Asked(ask): Asked, Query(wanted): Query<wave::Wanted>) -> Response {
    blocking(move || wave::show(&ask, wanted)).await
}

async fn hand_over(Asked(ask): Asked, Sent(sent): Sent<wave::Wanted>) -> Response {
    blocking(move || wave::hand_over(&ask, sent)).await
}

async fn show_prep(Asked(ask): Asked, Query(cut): Query<Cut>) -> Response {
    blocking(move || prep::show(&ask, &cut)).await
}

async fn change_prep(Asked(ask): Asked, Sent(sent): Sent<prep::Change>) -> Response {
    blocking(move || prep::change(&ask, &sent)).await
}
