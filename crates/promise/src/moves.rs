//! Moving up: when units come free, the head of the next supply's queue takes them, then the next supply's head,
//! boundary by boundary. And promises made anew for lines whose dates changed.
//!
//! docs/theory/promising.md, "Moving up". The cost grows with the number of supplies and of lines that move, never with
//! the length of the queue.

use model::{
    Units,
    event::{Event, LinePromise, Move, PromiseGiven, RunApplied},
    id::{LineId, RunId, Sku, SupplyId},
    order::{Cause, Line, Order, Promise},
    pool::Pool,
    supply::{Supply, SupplyKind},
    time::Date,
};

use crate::{
    Queues, Setting,
    source::{Asker, Taken, Terms, lead_time_source, rooms_for_queue, shortfall_source},
    view::{Destination, dates_from, line_dates},
};

/// A part of a queue that [`settle`] needs to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNeed {
    /// Whose queue.
    pub supply: SupplyId,
    /// Enough lines to cover so many units.
    pub units: Units,
    /// Besides lines that want their units as soon as possible, those with a requested date before this: they
    /// may get them too late.
    pub wanted_before: Option<Date>,
}

/// Returns which heads of queues decide who moves up in a pool; empty where nobody can.
///
/// All free units that stand before a supply bound what can move up from it.
pub fn queues_needed(set: Setting<'_>, sku: &Sku) -> Vec<QueueNeed> {
    let Some(pool) = set.shop.pool(sku) else { return Vec::new() };
    let lead_time = pool.policies.iter().any(|(_, policy)| policy.lead_time_days.is_some());
    let mut free_before: Units = 0;
    let mut needed = Vec::new();
    for supply in &pool.supplies {
        let pegged = supply.pegged();
        let rescue = supply.kind == SupplyKind::Shortfall && lead_time;
        let units = if rescue { pegged } else { pegged.min(free_before) };
        if units > 0 && !supply.is_on_hand() {
            needed.push(QueueNeed {
                supply: supply.id,
                units,
                wanted_before: latest_delivery(set, pool, supply),
            });
        }
        if !supply.kind.is_elastic() {
            free_before += supply.free();
        }
    }
    needed
}

/// The last day on which anything from this supply is delivered, wherever it goes: every date where that is unknown, or
/// where lines move up whatever date they want.
fn latest_delivery(set: Setting<'_>, pool: &Pool, supply: &Supply) -> Option<Date> {
    if supply.kind.is_elastic() {
        return Some(Date::MAX);
    }
    let location = set.shop.locations.get(&supply.location)?;
    let release = pool.policies.iter().filter_map(|(_, policy)| policy.release_date).max();
    let ships = crate::dates::supply_ship_by(supply, location, release, set.now).promised;
    let transit = location.transit.iter().map(|row| row.days_max).max().unwrap_or(0);
    Some(
        ships
            .and_then(|date| location.calendar.add_working(date, u32::from(transit)).ok())
            .unwrap_or(Date::MAX),
    )
}

/// What a round of moving up did.
#[derive(Debug)]
pub struct Settled {
    /// `run_applied`, if anybody moved.
    pub events: Vec<Event>,
    /// Lines that moved, sorted, each once.
    pub lines: Vec<LineId>,
    /// False: more lines may move; go on with another round.
    pub done: bool,
}

/// Moves lines up into free units that stand before theirs: oldest first, and only lines that get a better date by it.
///
/// `queues` holds the lines of [`queues_needed`], or as many as one round may touch; their orders are loaded.
/// Never gives a line a later date; leaves buffers and lines whose requested date is met alone.
pub fn settle(set: Setting<'_>, sku: &Sku, mut queues: Queues, cause: &Cause) -> Settled {
    let nobody = Settled { events: Vec::new(), lines: Vec::new(), done: true };
    let Some(pool) = set.shop.pool(sku) else { return nobody };
    let needed = queues_needed(set, sku);
    let cut_short = needed.iter().filter(|need| is_cut_short(need, &queues)).map(|need| need.supply);
    let mut run = Run {
        set,
        pool,
        cut_short: cut_short.collect(),
        last_seen: last_seen(pool, &needed, &queues),
        taken: Taken::default(),
        moves: Vec::new(),
        opened: Vec::new(),
    };
    for to in pool.supplies.iter().filter(|supply| !supply.kind.is_elastic()) {
        run.fill(to, &mut queues);
    }
    run.rescue(&mut queues);
    if run.moves.is_empty() {
        // The heads gain nothing: those behind them are no better off, so there is no use in looking further.
        return nobody;
    }
    let mut lines: Vec<LineId> = run.moves.iter().map(|step| step.line).collect();
    lines.sort_unstable();
    lines.dedup();
    let applied = RunApplied {
        run: RunId::of(set.command),
        sku: sku.clone(),
        cause: cause.clone(),
        opened: run.opened,
        moves: run.moves,
    };
    Settled { events: vec![Event::RunApplied(applied)], lines, done: run.cut_short.is_empty() }
}

fn is_cut_short(need: &QueueNeed, queues: &Queues) -> bool {
    let queue = queues.get(&need.supply).into_iter().flatten();
    queue.map(|waiting| waiting.quantity).sum::<Units>() < need.units
}

/// Up to which line all that lost their goods are seen, where not all are: behind it, one who is not seen may come first.
fn last_seen(pool: &Pool, needed: &[QueueNeed], queues: &Queues) -> Option<LineId> {
    let is_lost = |need: &&QueueNeed| {
        pool.supply(need.supply).is_some_and(|supply| supply.kind == SupplyKind::Shortfall)
    };
    let cut = needed.iter().filter(is_lost).filter(|need| is_cut_short(need, queues));
    cut.filter_map(|need| queues.get(&need.supply)?.last()).map(|waiting| waiting.line).min()
}

/// Moves the last come of a supply's queue to the pool's shortfall, so many units in all.
///
/// `queue`: lines of the supply, last come first. Returns fewer moves where the queue has fewer units.
pub(crate) fn displace(
    set: Setting<'_>,
    pool: &Pool,
    from: &[(SupplyId, Units)],
    queues: &Queues,
    cause: Cause,
) -> Option<RunApplied> {
    let id = SupplyId::opened_by(set.command, 1);
    let shortfall = shortfall_source(set.shop, pool, set.now, id).ok()?;
    let mut moves = Vec::new();
    for (supply, units) in from {
        let mut left = *units;
        for waiting in queues.get(supply).into_iter().flatten() {
            let quantity = waiting.quantity.min(left);
            if quantity > 0 {
                moves.push(Move { line: waiting.line, from: *supply, to: shortfall.supply, quantity });
                left -= quantity;
            }
        }
        if left > 0 {
            return None;
        }
    }
    Some(RunApplied {
        run: RunId::of(set.command),
        sku: pool.sku().clone(),
        cause,
        opened: shortfall.opens.map(|supply| *supply).into_iter().collect(),
        moves,
    })
}

struct Run<'a> {
    set: Setting<'a>,
    pool: &'a Pool,
    /// Queues of which not all that is needed is seen.
    cut_short: Vec<SupplyId>,
    /// Up to which line those who lost their goods are served.
    last_seen: Option<LineId>,
    taken: Taken,
    moves: Vec<Move>,
    opened: Vec<Supply>,
}

impl Run<'_> {
    /// Fills one supply's free units from the queues behind it. All that lost their goods are one queue, the last.
    ///
    /// Where some of a queue moved and not all of it is seen, those behind wait for the next round: the next of that
    /// queue come first.
    fn fill(&mut self, to: &Supply, queues: &mut Queues) {
        let behind = self.pool.supplies.iter().skip_while(|supply| supply.id != to.id).skip(1);
        let (lost, due): (Vec<&Supply>, Vec<&Supply>) = behind
            .map(|supply| &**supply)
            .filter(|supply| !supply.is_on_hand())
            .partition(|supply| supply.kind == SupplyKind::Shortfall);
        for from in due {
            self.fill_from(to, &[from], None, queues);
            if self.cut_short.contains(&from.id) && self.moves.iter().any(|step| step.from == from.id) {
                return;
            }
        }
        let last_seen = self.last_seen.filter(|_| lost.len() > 1);
        self.fill_from(to, &lost, last_seen, queues);
    }

    /// Fills one supply's free units from queues that are served as one, up to a line.
    fn fill_from(&mut self, to: &Supply, froms: &[&Supply], last: Option<LineId>, queues: &mut Queues) {
        let mut places: Vec<(LineId, &Supply, usize)> = Vec::new();
        for from in froms {
            let queue = queues.get(&from.id).into_iter().flatten().enumerate();
            places.extend(queue.map(|(at, waiting)| (waiting.line, *from, at)));
        }
        if froms.len() > 1 {
            places.sort_unstable_by_key(|(line, from, _)| (*line, from.id));
        }
        for (line, from, at) in places {
            if to.free() - self.taken.of(to.id) <= 0 || last.is_some_and(|last| line > last) {
                return;
            }
            let Some(waiting) = queues.get_mut(&from.id).and_then(|queue| queue.get_mut(at)) else {
                continue;
            };
            let Some((room, order)) = self.room_for(line, to) else { continue };
            let quantity = room.min(waiting.quantity);
            if quantity > 0 && self.gains(order, line, from, to) {
                self.taken.take(to.id, quantity);
                self.taken.take(from.id, -quantity);
                self.moves.push(Move { line, from: from.id, to: to.id, quantity });
                waiting.quantity -= quantity;
            }
        }
    }

    /// Gives lines that have lost their goods a lead time, where their policy has one.
    fn rescue(&mut self, queues: &mut Queues) {
        let lost = self.pool.supplies.iter().filter(|supply| supply.kind == SupplyKind::Shortfall);
        for from in lost {
            for waiting in
                queues.get_mut(&from.id).into_iter().flatten().filter(|waiting| waiting.quantity > 0)
            {
                let Some(order) = self.set.shop.orders.get(&waiting.line.order) else { continue };
                if let Some(to) = self.lead_time(order) {
                    let quantity = std::mem::take(&mut waiting.quantity);
                    self.moves.push(Move { line: waiting.line, from: from.id, to, quantity });
                }
            }
        }
    }

    fn lead_time(&mut self, order: &Order) -> Option<SupplyId> {
        let asker = Asker {
            channel: &order.channel,
            group: order.group.as_deref(),
            country: order.country.as_deref(),
            already_owed: true,
        };
        let terms = Terms::of(self.pool, asker.channel);
        let n = u32::try_from(self.opened.len()).unwrap_or(u32::MAX);
        let id = SupplyId::opened_by(self.set.command, n + 1);
        let source = lead_time_source(self.set.shop, self.pool, &terms, asker, self.set.now, id).ok()?;
        let Some(supply) = source.opens else { return Some(source.supply) };
        let same = |other: &&Supply| {
            (&other.location, other.expected_on, other.lateness)
                == (&supply.location, supply.expected_on, supply.lateness)
        };
        if let Some(opened) = self.opened.iter().find(same) {
            return Some(opened.id);
        }
        self.opened.push(*supply);
        Some(id)
    }

    /// Units of a supply that a waiting line may take, its channel's buffer left alone.
    fn room_for(&self, line: LineId, to: &Supply) -> Option<(Units, &'_ Order)> {
        let order = self.set.shop.orders.get(&line.order)?;
        let buffer = Terms::of(self.pool, &order.channel).policy.buffer;
        let rooms = rooms_for_queue(self.pool, buffer, &self.taken);
        let at = self.pool.supplies.iter().position(|supply| supply.id == to.id)?;
        Some((rooms[at], order))
    }

    /// Whether a line is delivered earlier from `to`, or on the same day from surer goods, and wants to be.
    ///
    /// Without the second, a line behind an overdue supply, or behind a lead time that goods were entered for, would
    /// wait on while the goods are there. Who waits on no goods yet takes them whatever date is wanted.
    fn gains(&self, order: &Order, line: LineId, from: &Supply, to: &Supply) -> bool {
        let Some(line) = order.line(line.no) else { return false };
        let destination = Destination::of_order(order);
        let delivered = |supply| {
            let (_, deliver_by) =
                dates_from(self.set.shop, line, self.pool, supply, destination, self.set.now);
            deliver_by.promised.unwrap_or(Date::MAX)
        };
        let (now, then) = (delivered(from), delivered(to));
        let better = (then, !to.is_on_hand()) < (now, !from.is_on_hand())
            || (then == now && then < Date::MAX && from.kind.is_elastic());
        better && (from.kind.is_elastic() || order.requested_date.is_none_or(|wanted| now > wanted))
    }
}

/// Makes promises anew for these lines, where their dates are no longer what was last promised; of an order that ships
/// complete, for all its lines.
///
/// `lines` stand in the order of their ids; their orders and pools are loaded. What was said before stays as it was; the
/// new version names its cause and waits for its notice.
pub fn reissue(set: Setting<'_>, lines: &[LineId], cause: &Cause) -> Vec<Event> {
    let mut events = Vec::new();
    for of_order in lines.chunk_by(|a, b| a.order == b.order) {
        let id = of_order[0].order;
        let Some(order) = set.shop.orders.get(&id) else { continue };
        let concerned = |line: &Line| of_order.iter().any(|id| id.no == line.no);
        let promises: Vec<LinePromise> = line_dates(set.shop, order, set.now, concerned)
            .into_iter()
            .filter_map(|(no, ship_by, deliver_by)| {
                let last = order.line(no)?.promises.last();
                if last.is_some_and(|last| last.ship_by == ship_by && last.deliver_by == deliver_by) {
                    return None;
                }
                let promise = Promise {
                    version: last.map_or(1, |last| last.version + 1),
                    ship_by,
                    deliver_by,
                    given_at: set.now,
                    told_at: None,
                    cause: cause.clone(),
                };
                Some(LinePromise { line: no, promise })
            })
            .collect();
        if !promises.is_empty() {
            events.push(Event::PromiseGiven(PromiseGiven { order: id, promises }));
        }
    }
    events
}
