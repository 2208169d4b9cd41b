//! Lists on paper and in files: what to take from the shelf, what lies in each parcel, and the lines as a table.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use connect::tables::csv_of;
use model::{Units, id::OrderId, order::Line};

use super::{
    super::{super::page, Ask, Day, Fail},
    Cut, Frame, Packer,
    released::{self, Parcel},
    words,
};

#[derive(Template)]
#[template(path = "desk/picks.html")]
struct Picks {
    frame: Frame,
    back: String,
    place: String,
    at: String,
    rows: Vec<Pick>,
    parcels: Vec<Parcel>,
    more: usize,
}

/// What is taken from the shelf at once.
struct Pick {
    sku: String,
    title: String,
    barcode: String,
    units: Units,
    orders: usize,
}

/// `GET /packing/picks`.
pub(super) fn picks(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, &cut.at)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, None)?;
    let parcels = released::parcels(&mut *reader, &packer, &found, ask)?;
    drop(reader);
    let rows = found.picked().into_iter().map(|(sku, units)| {
        let barcode = found.shop.pool(&sku).and_then(|pool| pool.item.barcode.clone());
        let takes = |lines: &[&released::Released]| {
            lines.iter().any(|line| line.picks.iter().any(|(of, _)| *of == sku))
        };
        Pick {
            title: words::title(&found.shop, &sku),
            barcode: barcode.map_or_else(String::new, |code| code.to_string()),
            orders: found.by_order().iter().filter(|(_, lines)| takes(lines)).count(),
            units,
            sku: sku.to_string(),
        }
    });
    let picks = Picks {
        rows: rows.collect(),
        frame: packer.frame(ask),
        back: packer.href(),
        place: packer.name(),
        at: packer.local(ask).moment(ask.now),
        parcels,
        more: found.more,
    };
    page(StatusCode::OK, &picks)
}

#[derive(Template)]
#[template(path = "desk/slips.html")]
struct Slips {
    frame: Frame,
    back: String,
    place: String,
    slips: Vec<Slip>,
    more: usize,
}

/// The paper in one parcel.
struct Slip {
    parcel: Parcel,
    ordered: Day,
    today: Day,
}

/// `GET /packing/slips`: of one order, or of all that is to be packed, each on a sheet of its own.
pub(super) fn slips(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, &cut.at)?;
    let only: Option<OrderId> = match cut.order.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| Fail::NotFound)?),
    };
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, only)?;
    if only.is_some() && found.lines.is_empty() {
        return Err(Fail::NotFound);
    }
    let parcels = released::parcels(&mut *reader, &packer, &found, ask)?;
    drop(reader);
    let local = packer.local(ask);
    let slips = parcels.into_iter().filter_map(|parcel| {
        let order = parcel.order.parse().ok().and_then(|id| found.order(id))?;
        let (date, _) = local.zone.local(order.placed_at);
        Some(Slip { parcel, ordered: local.day(date), today: local.day(local.today) })
    });
    let slips = Slips {
        slips: slips.collect(),
        frame: packer.frame(ask),
        back: packer.href(),
        place: packer.name(),
        more: found.more,
    };
    page(StatusCode::OK, &slips)
}

/// The columns of the table of released lines.
pub(super) const COLUMNS: [&str; 11] = [
    "release",
    "order",
    "reference",
    "line",
    "sku",
    "title",
    "quantity",
    "name",
    "postcode",
    "country",
    "ship_by",
];

/// `GET /packing/lines.csv`.
pub(super) fn csv(ask: &Ask, cut: &Cut) -> Result<Response, Fail> {
    let packer = Packer::looking(ask, &cut.at)?;
    let mut reader = ask.app.engine.store().reader()?;
    let found = released::find(&mut *reader, packer.tenant(), &packer.at, None)?;
    let mut rows = Vec::with_capacity(found.lines.len());
    for line in &found.lines {
        let Some(order) = found.order(line.line.order) else { continue };
        let contact = reader.contact(packer.tenant(), order.id)?.unwrap_or_default();
        let told = order.line(line.line.no).and_then(Line::told).and_then(|told| told.ship_by.promised);
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
        rows.push(vec![
            line.release.map_or_else(String::new, |release| release.to_string()),
            order.id.to_string(),
            text(&order.reference),
            line.line.to_string(),
            line.sku.to_string(),
            words::title(&found.shop, &line.sku),
            line.units.to_string(),
            text(&contact.name),
            text(&contact.postcode),
            text(&order.country),
            told.map_or_else(String::new, |date| date.to_string()),
        ]);
    }
    drop(reader);
    let table = csv_of(&COLUMNS, rows).map_err(|error| Fail::Defect(error.to_string()))?;
    super::csv(&format!("to-pack-{}.csv", packer.at), table)
}
