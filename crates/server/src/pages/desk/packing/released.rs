//! Lines that were released at a location: what is to be picked, packed and sent.

use std::collections::BTreeMap;

use ledger::Read;
use model::{
    Units,
    id::{LineId, LocationId, OrderId, ReleaseId, Sku, TenantId},
    order::{Line, Order, whole},
    state::Shop,
};

use super::{
    super::{super::owe::short_id, Ask, Day, Fail},
    Packer, words,
};
use crate::api::state::shop_of;

/// Most lines that one page, or one table, holds.
const LINES_MAX: usize = 1_000;

/// What was released at one location.
pub(super) struct Found {
    pub(super) orders: Vec<Order>,
    pub(super) shop: Shop,
    /// The lines, the oldest ship date told first; those of one order together.
    pub(super) lines: Vec<Released>,
    /// Lines beyond those.
    pub(super) more: usize,
}

/// One line with units that are with fulfilment at the location.
pub(super) struct Released {
    pub(super) line: LineId,
    pub(super) sku: Sku,
    /// Units of it: of a kit, every one of which any part is here.
    pub(super) units: Units,
    /// What is taken from the shelf for it.
    pub(super) picks: Vec<(Sku, Units)>,
    pub(super) release: Option<ReleaseId>,
    /// Whether some of it is packed at another location.
    pub(super) is_elsewhere: bool,
}

impl Found {
    pub(super) fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// Units to be picked, by what lies on the shelf.
    pub(super) fn picked(&self) -> BTreeMap<Sku, Units> {
        let mut sums = BTreeMap::new();
        for (sku, units) in self.lines.iter().flat_map(|line| &line.picks) {
            *sums.entry(sku.clone()).or_default() += units;
        }
        sums
    }

    /// The lines of each order, in the order of the list.
    pub(super) fn by_order(&self) -> Vec<(OrderId, Vec<&Released>)> {
        let mut orders: Vec<(OrderId, Vec<&Released>)> = Vec::new();
        for line in &self.lines {
            match orders.last_mut().filter(|(order, _)| *order == line.line.order) {
                Some((_, lines)) => lines.push(line),
                None => orders.push((line.line.order, vec![line])),
            }
        }
        orders
    }
}

/// Finds what is with fulfilment at a location; of one order, or of all.
pub(super) fn find(
    reader: &mut dyn Read,
    tenant: &TenantId,
    at: &LocationId,
    only: Option<OrderId>,
) -> Result<Found, Fail> {
    let mut found = reader.handed_over(tenant, at)?;
    found.retain(|row| only.is_none_or(|only| row.line.order == only));
    found.sort_unstable_by_key(|row| (row.told_ship_by.is_none(), row.told_ship_by, row.line));
    let mut ids: Vec<LineId> = Vec::with_capacity(found.len());
    for row in &found {
        // A kit has a row for each of its parts.
        if ids.last() != Some(&row.line) {
            ids.push(row.line);
        }
    }
    // The lines of one order stand where the first of them does.
    let mut turn: BTreeMap<OrderId, usize> = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        turn.entry(id.order).or_insert(at);
    }
    ids.sort_by_key(|id| (turn.get(&id.order).copied(), id.no));
    ids.dedup();
    let more = ids.len().saturating_sub(LINES_MAX);
    ids.truncate(LINES_MAX);
    let mut orders: Vec<OrderId> = ids.iter().map(|line| line.order).collect();
    orders.sort_unstable();
    orders.dedup();
    let orders = reader.orders(tenant, &orders)?;
    let shop = shop_of(reader, tenant, &orders)?;
    let lines = ids
        .iter()
        .filter_map(|id| {
            let order = orders.iter().find(|order| order.id == id.order)?;
            released(&shop, order, order.line(id.no)?, at)
        })
        .collect();
    Ok(Found { orders, shop, lines, more })
}

fn released(shop: &Shop, order: &Order, line: &Line, at: &LocationId) -> Option<Released> {
    let mut picks: Vec<(Sku, Units)> = Vec::new();
    let (mut release, mut is_elsewhere) = (None, false);
    for peg in &line.pegs {
        let units = line.released_on(peg.supply);
        if units == 0 {
            continue;
        }
        let supply = shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
        if supply.is_none_or(|supply| supply.location != *at) {
            is_elsewhere = true;
            continue;
        }
        let of_peg = line.released.iter().find(|released| released.supply == peg.supply);
        release = release.or(of_peg.map(|released| released.release));
        match picks.iter_mut().find(|(sku, _)| *sku == peg.sku) {
            Some((_, sum)) => *sum += units,
            None => picks.push((peg.sku.clone(), units)),
        }
    }
    let of = |sku: &Sku| picks.iter().filter(|(of, _)| of == sku).map(|(_, units)| *units).sum();
    let units = line.needs().map(|(sku, each)| whole(of(sku), each)).max().unwrap_or(0);
    let id = LineId { order: order.id, no: line.no };
    (units > 0).then(|| Released { line: id, sku: line.sku.clone(), units, picks, release, is_elsewhere })
}

/// What goes to one customer.
pub(super) struct Parcel {
    /// The order's id.
    pub(super) order: String,
    /// What the shop calls it.
    pub(super) number: String,
    pub(super) to: Vec<String>,
    pub(super) ships: Option<Day>,
    pub(super) is_late: bool,
    pub(super) lines: Vec<ParcelLine>,
    /// Whether some of the order comes in another parcel.
    pub(super) is_part: bool,
    pub(super) slip: String,
}

/// One thing in a parcel.
pub(super) struct ParcelLine {
    pub(super) sku: String,
    pub(super) title: String,
    pub(super) units: Units,
    /// What a kit is made of.
    pub(super) parts: String,
}

/// Whom something goes to, line by line: the name, the postcode and the country, and nothing to write to.
pub(super) fn address(reader: &mut dyn Read, tenant: &TenantId, order: &Order) -> Result<Vec<String>, Fail> {
    let contact = reader.contact(tenant, order.id)?.unwrap_or_default();
    let parts = [contact.name, contact.postcode, order.country.clone()];
    Ok(parts.into_iter().flatten().map(|part| part.to_string()).collect())
}

pub(super) fn number(order: &Order) -> String {
    order.reference.as_deref().map_or_else(|| short_id(&order.id), str::to_owned)
}

/// Parcels, the most urgent first.
pub(super) fn parcels(
    reader: &mut dyn Read,
    packer: &Packer,
    found: &Found,
    ask: &Ask,
) -> Result<Vec<Parcel>, Fail> {
    let local = packer.local(ask);
    let mut parcels = Vec::new();
    for (id, lines) in found.by_order() {
        let Some(order) = found.order(id) else { continue };
        let told = |line: &&Released| order.line(line.line.no)?.told()?.ship_by.promised;
        let ships = lines.iter().filter_map(told).min();
        let here: Units = lines.iter().map(|line| line.units).sum();
        parcels.push(Parcel {
            order: id.to_string(),
            number: number(order),
            to: address(reader, packer.tenant(), order)?,
            is_late: ships.is_some_and(|date| date < local.today),
            ships: ships.map(|date| local.day(date)),
            is_part: order.lines.iter().map(Line::open).sum::<Units>() > here,
            slip: format!("/packing/slips?at={}&order={id}", super::encoded(packer.at.as_str())),
            lines: lines.iter().map(|line| parcel_line(&found.shop, line)).collect(),
        });
    }
    Ok(parcels)
}

fn parcel_line(shop: &Shop, line: &Released) -> ParcelLine {
    let is_kit = line.picks.iter().any(|(sku, _)| *sku != line.sku);
    let parts = line.picks.iter().map(|(sku, units)| format!("{units} × {}", words::title(shop, sku)));
    ParcelLine {
        sku: line.sku.to_string(),
        title: words::title(shop, &line.sku),
        units: line.units,
        parts: if is_kit { parts.collect::<Vec<_>>().join(", ") } else { String::new() },
    }
}
