//! Handing units over to fulfilment.
//!
//! docs/theory/fulfilment.md. Only goods that are here are handed over, each unit once: a unit that is with fulfilment stays
//! with its line until it is shipped or comes back.

use model::{
    Units,
    command::Release,
    event::{Event, Released, ReleasedLine},
    id::{LineId, LocationId, OrderId, ReleaseId, Sku},
    order::{Dates, Line, Order, Peg, ShipChoice, whole},
    refusal::Rejection,
    state::Shop,
    time::{Date, Timestamp, days_since_epoch},
    view::{ReleaseLineView, Told},
};

use crate::{
    Decision, Setting,
    ship::{allocated, here},
    source::Terms,
    supply::unknown_location,
    view::{Destination, dates_from},
};

/// Hands units over to fulfilment at one location. The orders named and their pools are loaded.
///
/// Of each line named what [`ready`] says, in the order in which orders are named; a line that has nothing to hand over any
/// more is passed over. An unknown location and a carrier that has come already are `Invalid`. No events: there is nothing
/// to hand over.
pub fn release(set: Setting<'_>, wish: &Release) -> Decision {
    let at = Handover::new(set, &wish.location, wish.carrier_cutoff)?;
    let mut orders: Vec<(OrderId, Vec<u16>)> = Vec::new();
    for line in &wish.lines {
        match orders.iter_mut().find(|(order, _)| *order == line.order) {
            Some((_, lines)) => lines.push(line.no),
            None => orders.push((line.order, vec![line.no])),
        }
    }
    let mut events = Vec::new();
    for (id, named) in orders {
        let Some(order) = set.shop.orders.get(&id) else { continue };
        let lines = ready(set.shop, order, &at, |line| named.contains(&line));
        if !lines.is_empty() {
            events.push(Event::Released(Released {
                release: ReleaseId(set.command),
                order: id,
                location: wish.location.clone(),
                carrier_cutoff: wish.carrier_cutoff,
                lines,
            }));
        }
    }
    Ok(events)
}

/// Where units are handed over, and on which day they leave.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    location: &'a LocationId,
    leaves_on: Option<Date>,
}

impl<'a> Handover<'a> {
    /// A handover now. `carrier_cutoff`: when the carrier comes; else the parcels leave when goods on hand ship.
    ///
    /// `Invalid`: there is no such location, or the carrier has come already.
    pub fn new(
        set: Setting<'_>,
        location: &'a LocationId,
        carrier_cutoff: Option<Timestamp>,
    ) -> Result<Self, Rejection> {
        let Some(place) = set.shop.locations.get(location) else {
            return Err(Rejection::Invalid(vec![unknown_location(location)]));
        };
        let leaves_on = match carrier_cutoff {
            Some(cutoff) if cutoff < set.now => {
                let detail = format!("{cutoff} is over: the carrier has come already");
                return Err(Rejection::field("/carrier_cutoff", "over", detail));
            }
            Some(cutoff) => Some(place.today(cutoff)),
            None => place.ship_date_on_hand(set.now).ok(),
        };
        Ok(Self { location, leaves_on })
    }
}

/// Returns what of an order may be handed over now: of the lines named, every unit that is allocated at the location and
/// not handed over yet. Of an order that ships complete all of it that is there, once every open unit of the order is
/// here and may leave, whichever of its lines are named.
///
/// Shape: lines in their order, none without units; possibly empty. The order's pools are loaded.
pub fn ready(
    shop: &Shop,
    order: &Order,
    at: &Handover<'_>,
    is_named: impl Fn(u16) -> bool,
) -> Vec<ReleasedLine> {
    let open = || order.lines.iter().filter(|line| line.open() > 0);
    let is_complete = order.ship == ShipChoice::Complete;
    let is_whole =
        || open().all(|line| allocated(shop, line) == line.open() && may_leave(shop, order, line, at));
    if is_complete && !(open().any(|line| is_named(line.no)) && is_whole()) {
        return Vec::new();
    }
    let may_go = |line: &&Line| is_complete || (is_named(line.no) && may_leave(shop, order, line, at));
    open()
        .filter(may_go)
        .filter_map(|line| {
            let picks = picks(shop, line, at.location);
            (!picks.is_empty()).then(|| ReleasedLine {
                line: line.no,
                quantity: units_of(line, &picks),
                picks,
            })
        })
        .collect()
}

/// Returns where a line stands among those to be handed over: the oldest ship date told first. A line whose customer was
/// told none counts by the day (UTC) on which it was ordered.
pub fn turn(line: LineId, told_ship_by: Option<Date>) -> (i32, LineId) {
    // An order's id begins with the milliseconds since 1970 at which it was placed.
    let [a, b, c, d, e, f, ..] = *line.order.bytes();
    let placed = i64::from_be_bytes([0, 0, a, b, c, d, e, f]) / MILLISECONDS_A_DAY;
    let day = told_ship_by.map_or_else(|| i32::try_from(placed).unwrap_or(i32::MAX), days_since_epoch);
    (day, line)
}

const MILLISECONDS_A_DAY: i64 = 86_400_000;

/// Whether everything is true that must be of a line before its units leave, beside the goods being here.
///
/// The one place for such conditions. Nothing ships before the release date of what is sold or of what it is made of.
/// What a policy's payment terms ask for belongs here too, as soon as what was paid is kept.
fn may_leave(shop: &Shop, order: &Order, line: &Line, at: &Handover<'_>) -> bool {
    let skus = line.needs().map(|(sku, _)| sku).chain([&line.sku]);
    let release = skus.filter_map(|sku| Terms::of(shop.pool(sku)?, &order.channel).policy.release_date).max();
    release.is_none_or(|release| at.leaves_on.is_some_and(|day| release <= day))
}

/// What to take for a line at a location: units of its pegs there that are not with fulfilment yet, so that of a kit no
/// more is taken than there are kits of which every component is here, wherever that is.
fn picks(shop: &Shop, line: &Line, location: &LocationId) -> Vec<Peg> {
    let units = allocated(shop, line);
    let mut picks = Vec::new();
    for (sku, each) in line.needs() {
        let mut left = each * units - line.released_of(sku);
        let mut pegs: Vec<&Peg> = line.pegs.iter().filter(|peg| peg.sku == *sku).collect();
        pegs.sort_unstable_by_key(|peg| peg.supply);
        for peg in pegs {
            let is_there = here(shop, peg).is_some_and(|supply| supply.location == *location);
            let quantity = (peg.quantity - line.released_on(peg.supply)).min(left);
            if is_there && quantity > 0 {
                picks.push(Peg { quantity, ..peg.clone() });
                left -= quantity;
            }
        }
    }
    picks
}

/// Units of a line that so many units of its pegs belong to: of a kit, those of which any component is among them.
pub(crate) fn units_of(line: &Line, picks: &[Peg]) -> Units {
    let of = |sku: &Sku| picks.iter().filter(|peg| peg.sku == *sku).map(|peg| peg.quantity).sum();
    line.needs().map(|(sku, each)| whole(of(sku), each)).max().unwrap_or(0)
}

/// Shows what a release hands over, line by line, with the dates as they are now.
///
/// The orders are loaded, before or after the events are applied.
pub fn released_lines(set: Setting<'_>, events: &[Event]) -> Vec<ReleaseLineView> {
    let mut views = Vec::new();
    for event in events {
        let Event::Released(released) = event else { continue };
        let Some(order) = set.shop.orders.get(&released.order) else { continue };
        for step in &released.lines {
            let Some(line) = order.line(step.line) else { continue };
            views.push(ReleaseLineView {
                order: order.id,
                reference: order.reference.clone(),
                line: LineId { order: order.id, no: line.no },
                sku: line.sku.clone(),
                quantity: step.quantity,
                country: order.country.clone(),
                ship_by: ship_by(set, order, line, &step.picks),
                told: line.told().map(|told| Told { ship_by: told.ship_by, deliver_by: told.deliver_by }),
                picks: step.picks.clone(),
            });
        }
    }
    views
}

/// When goods on hand ship, the latest of them.
fn ship_by(set: Setting<'_>, order: &Order, line: &Line, picks: &[Peg]) -> Dates {
    let dates = picks.iter().filter_map(|peg| {
        let pool = set.shop.pool(&peg.sku)?;
        let supply = pool.supply(peg.supply)?;
        Some(dates_from(set.shop, line, pool, supply, Destination::of_order(order), set.now).0)
    });
    dates.reduce(Dates::max).unwrap_or_default()
}
