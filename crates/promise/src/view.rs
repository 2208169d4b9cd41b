//! Orders and holds as they are now: states and dates follow from pegs, nothing of it is stored.
//!
//! docs/theory/promising.md, "Derived state".

use model::{
    Units,
    event::{LinePromise, OrderPlaced, PromiseGiven},
    id::{Channel, LineId, Sku, SupplyId},
    order::{Dates, Hold, Line, Order, Peg, ShipChoice},
    pool::Pool,
    state::Shop,
    supply::{RingFence, Supply, SupplyState},
    time::{Date, Timestamp},
    view::{
        ComponentView, HoldLineView, HoldView, LineState, LineView, OrderView, PartView, RefusedUnits,
        SupplyView, Told,
    },
};

use crate::{
    dates::{deliver_by, supply_ship_by},
    source::Terms,
};

/// Shows an order as it is now. Its pools must be loaded.
pub fn order_view(shop: &Shop, order: &Order, now: Timestamp) -> OrderView {
    let to = Destination::of_order(order);
    view(order, Vec::new(), &|line, peg| part_view(shop, line, peg, to, now))
}

/// How an open line stands: of its view what a comparison needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStands {
    /// The line's number.
    pub no: u16,
    /// When its last unit ships.
    pub ship_by: Dates,
    /// When its last unit is delivered.
    pub deliver_by: Dates,
    /// Where its last units come from.
    pub supply: Option<SupplyId>,
    /// Allocated, backordered, or some of both.
    pub state: LineState,
}

/// Says how each open line of an order stands, as [`order_view`] shows it. Its pools must be loaded.
pub fn open_lines(shop: &Shop, order: &Order, now: Timestamp) -> Vec<LineStands> {
    let to = Destination::of_order(order);
    let open = order.lines.iter().filter(|line| line.open() > 0);
    let mut lines: Vec<LineStands> = open
        .map(|line| {
            let (parts, _) = line_parts(line, &|line, peg| part_view(shop, line, peg, to, now));
            let (ship_by, deliver_by) = latest(parts.iter().map(|part| (part.ship_by, part.deliver_by)));
            let supply = parts.last().map(|part| part.supply);
            LineStands { no: line.no, ship_by, deliver_by, supply, state: open_state(&parts) }
        })
        .collect();
    if order.ship == ShipChoice::Complete {
        let all = latest(lines.iter().map(|line| (line.ship_by, line.deliver_by)));
        lines.iter_mut().for_each(|line| (line.ship_by, line.deliver_by) = all);
    }
    lines
}

/// Shows an order as it was when it was placed, from what the ledger says about that.
///
/// `refused`: what was left out of it. Needs [`OrderPlaced::seen`], which every placement has since the second version.
pub fn placed_view(placed: &OrderPlaced, given: &PromiseGiven, refused: Vec<RefusedUnits>) -> OrderView {
    let mut order = Order::clone(&placed.order);
    for LinePromise { line, promise } in &given.promises {
        if let Some(line) = order.line_mut(*line) {
            line.promises.push(promise.clone());
        }
    }
    view(&order, refused, &|line, peg| {
        let nth = order.lines.iter().position(|other| other.no == line.no)?;
        let at = line.pegs.iter().position(|other| other.supply == peg.supply)?;
        let seen = placed.seen.get(nth)?.get(at)?;
        let promise = line.promises.first()?;
        let (ship_by, deliver_by) = seen.dates.unwrap_or((promise.ship_by, promise.deliver_by));
        Some(PartView {
            quantity: peg.quantity,
            state: if seen.here { LineState::Allocated } else { LineState::Backordered },
            supply: peg.supply,
            location: seen.at.clone(),
            ship_by,
            deliver_by,
        })
    })
}

/// Says how units of a peg stand; `None` where that is not known.
type PartOf<'a> = dyn Fn(&Line, &Peg) -> Option<PartView> + 'a;

fn view(order: &Order, refused: Vec<RefusedUnits>, part_of: &PartOf<'_>) -> OrderView {
    let mut lines: Vec<LineView> = order.lines.iter().map(|line| line_view(order, line, part_of)).collect();
    let open = || order.lines.iter().zip(&lines).filter(|(line, _)| line.open() > 0).map(|(_, view)| view);
    let (ship_by, deliver_by) = latest(open().map(|view| (view.ship_by, view.deliver_by)));
    let state = whole_state(order.lines.iter().zip(&lines).map(|(line, view)| (line.open(), view.state)));
    if order.ship == ShipChoice::Complete {
        for view in lines.iter_mut().filter(|view| view.open > 0) {
            (view.ship_by, view.deliver_by) = (ship_by, deliver_by);
            let parts = view.parts.iter_mut().chain(view.components.iter_mut().flat_map(|c| &mut c.parts));
            for part in parts {
                (part.ship_by, part.deliver_by) = (ship_by, deliver_by);
            }
        }
    }
    OrderView {
        id: order.id,
        reference: order.reference.clone(),
        channel: order.channel.clone(),
        state,
        placed_at: order.placed_at,
        ship: order.ship,
        requested_date: order.requested_date,
        not_later_than: order.not_later_than,
        ship_by,
        deliver_by,
        lines,
        refused,
    }
}

/// Shows a hold as it is now.
pub fn hold_view(shop: &Shop, hold: &Hold, now: Timestamp) -> HoldView {
    let to = Destination { channel: &hold.channel, country: hold.country.as_deref() };
    let lines = hold
        .lines
        .iter()
        .map(|line| {
            let (parts, _) = line_parts(line, &|line, peg| part_view(shop, line, peg, to, now));
            let (ship_by, deliver_by) = latest(parts.iter().map(|part| (part.ship_by, part.deliver_by)));
            HoldLineView {
                sku: line.sku.clone(),
                quantity: line.quantity,
                state: open_state(&parts),
                ship_by,
                deliver_by,
                parts,
            }
        })
        .collect();
    HoldView { id: hold.id, expires_at: hold.expires_at, lines }
}

/// Shows a supply as it is now.
pub fn supply_view(shop: &Shop, supply: &Supply, now: Timestamp) -> SupplyView {
    let location = shop.locations.get(&supply.location);
    let ship_by = location.map_or(Dates::UNKNOWN, |location| supply_ship_by(supply, location, None, now));
    SupplyView {
        pegged: supply.pegged(),
        held: supply.held(),
        free: supply.open(),
        ring_fenced_left: left(supply),
        ship_by,
        supply: supply.clone(),
    }
}

fn left(supply: &Supply) -> Vec<RingFence> {
    let left = supply.ring_fenced.iter().map(|fence| RingFence {
        units: if supply.state == SupplyState::Quarantine { 0 } else { supply.left_for(&fence.channel) },
        ..fence.clone()
    });
    left.filter(|fence| fence.units > 0).collect()
}

/// The dates of one line as an order view would show them, without the view.
///
/// Only open lines that are concerned; all open lines where the order ships complete, as each waits for the last.
pub(crate) fn line_dates(
    shop: &Shop,
    order: &Order,
    now: Timestamp,
    concerned: impl Fn(&Line) -> bool,
) -> Vec<(u16, Dates, Dates)> {
    let to = Destination::of_order(order);
    let complete = order.ship == ShipChoice::Complete;
    let mut dates: Vec<(u16, Dates, Dates)> = order
        .lines
        .iter()
        .filter(|line| line.open() > 0 && (complete || concerned(line)))
        .map(|line| {
            let of_pegs = line.pegs.iter().map(|peg| peg_dates(shop, line, peg, to, now).unwrap_or_default());
            let (ship_by, deliver_by) = latest(of_pegs);
            (line.no, ship_by, deliver_by)
        })
        .collect();
    if complete {
        let all = latest(dates.iter().map(|(_, ship_by, deliver_by)| (*ship_by, *deliver_by)));
        dates.iter_mut().for_each(|(_, ship_by, deliver_by)| (*ship_by, *deliver_by) = all);
    }
    dates
}

/// Whose line it is and where it goes: with the supply, all that its dates depend on.
#[derive(Clone, Copy)]
pub(crate) struct Destination<'a> {
    channel: &'a Channel,
    country: Option<&'a str>,
}

impl<'a> Destination<'a> {
    pub(crate) fn of_order(order: &'a Order) -> Self {
        Self { channel: &order.channel, country: order.country.as_deref() }
    }
}

/// The day before which units of a pool do not ship on a channel, sold as themselves or in a kit.
pub fn release_day(shop: &Shop, pool: &Pool, channel: &Channel, kit: Option<&Sku>) -> Option<Date> {
    let own = Terms::of(pool, channel).policy.release_date;
    let kits = kit.and_then(|kit| shop.pool(kit));
    own.max(kits.and_then(|kit| Terms::of(kit, channel).policy.release_date))
}

/// When units of a supply would ship and arrive if this line had them.
pub(crate) fn dates_from(
    shop: &Shop,
    line: &Line,
    pool: &Pool,
    supply: &Supply,
    to: Destination<'_>,
    now: Timestamp,
) -> (Dates, Dates) {
    let release = release_day(shop, pool, to.channel, line.kit());
    dates_released(shop, supply, release, to.country, now)
}

/// The same for anybody's units, not before a release date.
pub(crate) fn dates_released(
    shop: &Shop,
    supply: &Supply,
    release: Option<Date>,
    country: Option<&str>,
    now: Timestamp,
) -> (Dates, Dates) {
    let Some(location) = shop.locations.get(&supply.location) else { return Default::default() };
    let ship_by = supply_ship_by(supply, location, release, now);
    (ship_by, deliver_by(location, country, ship_by))
}

fn peg_dates(
    shop: &Shop,
    line: &Line,
    peg: &Peg,
    to: Destination<'_>,
    now: Timestamp,
) -> Option<(Dates, Dates)> {
    let pool = shop.pool(&peg.sku)?;
    Some(dates_from(shop, line, pool, pool.supply(peg.supply)?, to, now))
}

/// The latest of some dates; unknown where there are none or one is unknown.
fn latest(dates: impl Iterator<Item = (Dates, Dates)>) -> (Dates, Dates) {
    dates.reduce(|(ship, deliver), (s, d)| (ship.max(s), deliver.max(d))).unwrap_or_default()
}

fn line_view(order: &Order, line: &Line, part_of: &PartOf<'_>) -> LineView {
    let (parts, components) = line_parts(line, part_of);
    let (ship_by, deliver_by) = latest(parts.iter().map(|part| (part.ship_by, part.deliver_by)));
    let state = match line.open() {
        0 if line.shipped > 0 => LineState::Shipped,
        0 => LineState::Cancelled,
        _ => open_state(&parts),
    };
    LineView {
        id: LineId { order: order.id, no: line.no }.to_string(),
        sku: line.sku.clone(),
        quantity: line.quantity,
        open: line.open(),
        cancelled: line.cancelled,
        shipped: line.shipped,
        released: line.with_fulfilment(),
        state,
        unit_price: line.unit_price,
        ship_by,
        deliver_by,
        told: line.told().map(|told| Told { ship_by: told.ship_by, deliver_by: told.deliver_by }),
        parts,
        components,
    }
}

fn open_state(parts: &[PartView]) -> LineState {
    whole_state(parts.iter().map(|part| (part.quantity, part.state)))
}

/// The state of a whole from its members' open units and states.
fn whole_state(members: impl Iterator<Item = (Units, LineState)>) -> LineState {
    let (mut here, mut waiting, mut shipped) = (false, false, false);
    for (open, state) in members {
        match state {
            LineState::Allocated => here |= open > 0,
            LineState::Backordered => waiting |= open > 0,
            LineState::PartlyAllocated => (here, waiting) = (true, true),
            LineState::Shipped => shipped = true,
            LineState::Cancelled => {}
        }
    }
    match (here, waiting, shipped) {
        (true, false, _) => LineState::Allocated,
        (false, true, _) => LineState::Backordered,
        (true, true, _) => LineState::PartlyAllocated,
        (false, false, true) => LineState::Shipped,
        (false, false, false) => LineState::Cancelled,
    }
}

/// The open units of a line, earliest first, and for a kit the same for each component.
fn line_parts(line: &Line, part_of: &PartOf<'_>) -> (Vec<PartView>, Vec<ComponentView>) {
    let of_sku = |sku: &Sku| {
        let pegs = line.pegs.iter().filter(|peg| peg.sku == *sku);
        let mut parts: Vec<PartView> = pegs.filter_map(|peg| part_of(line, peg)).collect();
        parts.sort_by_key(|part| {
            let promised = part.deliver_by.promised;
            (
                promised.is_none(),
                promised,
                part.ship_by.promised,
                part.state != LineState::Allocated,
                part.supply,
            )
        });
        parts
    };
    if line.recipe.is_empty() {
        return (of_sku(&line.sku), Vec::new());
    }
    let components: Vec<ComponentView> = line
        .recipe
        .iter()
        .map(|part| ComponentView { sku: part.sku.clone(), parts: of_sku(&part.sku) })
        .collect();
    let each: Vec<Units> = line.recipe.iter().map(|part| part.quantity).collect();
    (kit_parts(line.open(), &each, &components), components)
}

fn part_view(shop: &Shop, line: &Line, peg: &Peg, to: Destination<'_>, now: Timestamp) -> Option<PartView> {
    let pool = shop.pool(&peg.sku)?;
    let supply = pool.supply(peg.supply)?;
    let (ship_by, deliver_by) = dates_from(shop, line, pool, supply, to, now);
    Some(PartView {
        quantity: peg.quantity,
        state: if supply.is_on_hand() { LineState::Allocated } else { LineState::Backordered },
        supply: supply.id,
        location: supply.location.clone(),
        ship_by,
        deliver_by,
    })
}

/// Puts kits together: the n-th kit is ready when the n-th set of each component is.
fn kit_parts(open: Units, each: &[Units], components: &[ComponentView]) -> Vec<PartView> {
    let mut parts: Vec<PartView> = Vec::new();
    let mut built: Units = 0;
    while built < open {
        // What the next kit is made of, and up to which kit the same goods reach.
        let mut reach = open;
        let mut next: Option<PartView> = None;
        for (component, &each) in components.iter().zip(each) {
            let (from, to) = (built * each, (built + 1) * each);
            let mut units = 0;
            for part in &component.parts {
                let before = units;
                units += part.quantity;
                if units <= from || before >= to {
                    continue;
                }
                // A set from two parts is one kit by itself.
                reach = reach.min(if before > from { built + 1 } else { (units / each).max(built + 1) });
                next = Some(next.map_or_else(|| part.clone(), |kit| completed(&kit, part)));
            }
            if units < to {
                return parts;
            }
        }
        let Some(next) = next else { return parts };
        let next = PartView { quantity: reach - built, ..next };
        match parts.last_mut() {
            Some(part) if PartView { quantity: next.quantity, ..part.clone() } == next => {
                part.quantity += next.quantity;
            }
            _ => parts.push(next),
        }
        built = reach;
    }
    parts
}

/// A kit with one more part in it: here when all are, and as late as the last, whose supply and place it shows.
fn completed(kit: &PartView, with: &PartView) -> PartView {
    let key = |part: &PartView| {
        let promised = part.deliver_by.promised;
        (promised.is_none(), promised, part.state == LineState::Backordered)
    };
    let last = if key(with) > key(kit) { with } else { kit };
    let waits = [kit, with].into_iter().any(|part| part.state == LineState::Backordered);
    PartView {
        state: if waits { LineState::Backordered } else { LineState::Allocated },
        ship_by: kit.ship_by.max(with.ship_by),
        deliver_by: kit.deliver_by.max(with.deliver_by),
        ..last.clone()
    }
}
