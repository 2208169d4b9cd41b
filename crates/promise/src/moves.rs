//! Moving up: when units come free, the head of the next supply's queue takes them, then the next supply's head,
//! boundary by boundary. And promises made anew for lines whose dates changed.
//!
//! docs/theory/promising.md, "Moving up". The cost grows with the number of supplies and of lines that move; with the
//! length of a queue only where lines at its head gain nothing and some behind them may.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Units,
    event::{Event, LinePromise, Move, PromiseGiven, RunApplied},
    id::{LineId, RunId, Sku, SupplyId},
    order::{Cause, Line, Order, Promise, Waiting},
    pool::Pool,
    supply::{Supply, SupplyKind},
};

use crate::{
    Queues, Setting,
    gains::{Gains, behind, queues_needed},
    source::{Asker, Taken, Terms, lead_time_source, shortfall_source},
    view::line_dates,
};

/// Lines of a queue that a round of moving up looks at. Their orders are loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stretch {
    /// First come first.
    pub lines: Vec<Waiting>,
    /// Before these stand others that gained nothing when they were looked at.
    pub passed: bool,
    /// Behind these stand others.
    pub more: bool,
}

/// What a round looks at in each queue of [`queues_needed`].
pub type Stretches = BTreeMap<SupplyId, Stretch>;

/// What a round of moving up did.
#[derive(Debug)]
pub struct Settled {
    /// `run_applied`, if anybody moved.
    pub events: Vec<Event>,
    /// Lines that moved, sorted, each once. If nobody did, go on behind the lines of this round.
    pub lines: Vec<LineId>,
    /// Queues to look at from their heads again: those who were passed may gain by units that came free in this round.
    pub again: Vec<SupplyId>,
    /// Queues whose lines were not asked about all that is free, since somebody who stands before them is not seen yet: do
    /// not go on behind these.
    pub unasked: Vec<SupplyId>,
    /// Nothing more was to be seen.
    whole: bool,
}

impl Settled {
    /// Whether nobody moves up any more, as far as is known: else it goes on with another round. The setting is the one
    /// after the events.
    pub fn is_over(&self, set: Setting<'_>, sku: &Sku) -> bool {
        self.whole || queues_needed(set, sku).is_empty()
    }
}

/// Moves lines up into free units that stand before theirs: oldest first, and only lines that get a better date by it.
///
/// `queues` holds lines of [`queues_needed`] that cover the need, or as many as one round may touch; queues that are
/// served as one (all that lost their goods) end at the same line where one of them has more. Never gives a line a later
/// date; leaves buffers and lines whose requested date is met alone.
pub fn settle(set: Setting<'_>, sku: &Sku, mut queues: Stretches, cause: &Cause) -> Settled {
    let (events, lines, again, unasked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut settled = Settled { events, lines, again, unasked, whole: true };
    let Some(pool) = set.shop.pool(sku) else { return settled };
    let mut run = Run {
        set,
        pool,
        gains: Gains::new(set, pool),
        taken: Taken::default(),
        moves: Vec::new(),
        opened: Vec::new(),
        unasked: BTreeSet::new(),
    };
    for (to, supply) in pool.supplies.iter().enumerate() {
        if !supply.kind.is_elastic() {
            run.fill(to, &mut queues);
        }
    }
    run.rescue(&mut queues);
    settled.again = behind(pool, &run.moves);
    settled.unasked = run.unasked.into_iter().collect();
    settled.whole =
        !queues.iter().any(|(id, stretch)| stretch.more || (stretch.passed && settled.again.contains(id)));
    if run.moves.is_empty() {
        return settled;
    }
    settled.lines = run.moves.iter().map(|step| step.line).collect();
    settled.lines.sort_unstable();
    settled.lines.dedup();
    let applied = RunApplied {
        run: RunId::of(set.command),
        sku: sku.clone(),
        cause: cause.clone(),
        opened: run.opened,
        moves: run.moves,
    };
    settled.events.push(Event::RunApplied(applied));
    settled
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

/// Moves units of lines from the supplies they have to those they are to have; what is not named among these waits on the
/// shortfall. Units with fulfilment stay.
///
/// `targets`: lines with all their units of the pool that are not with fulfilment; their orders are loaded. `None`: all is as it
/// should be, or there is no such pool.
pub fn rearrange(
    set: Setting<'_>,
    sku: &Sku,
    targets: Vec<(LineId, Vec<(SupplyId, Units)>)>,
    cause: &Cause,
) -> Option<RunApplied> {
    let pool = set.shop.pool(sku)?;
    let mut shortfall = None;
    let mut moves = Vec::new();
    for (id, mut wanted) in targets {
        let Some(line) = set.shop.orders.get(&id.order).and_then(|order| order.line(id.no)) else { continue };
        let of_pool = line.pegs.iter().filter(|peg| peg.sku == *sku);
        let mut had: Vec<(SupplyId, Units)> =
            of_pool.map(|peg| (peg.supply, peg.quantity - line.released_on(peg.supply))).collect();
        for (supply, units) in &mut had {
            if let Some((_, wanted)) = wanted.iter_mut().find(|(to, _)| to == supply) {
                let stays = (*units).min(*wanted);
                (*units, *wanted) = (*units - stays, *wanted - stays);
            }
        }
        for (from, units) in had {
            let mut left = units;
            for (to, wanted) in &mut wanted {
                let quantity = left.min(*wanted);
                if quantity > 0 {
                    moves.push(Move { line: id, from, to: *to, quantity });
                    (left, *wanted) = (left - quantity, *wanted - quantity);
                }
            }
            let is_lost = pool.supply(from).is_some_and(|supply| supply.kind == SupplyKind::Shortfall);
            if left > 0 && !is_lost {
                if shortfall.is_none() {
                    let opened = SupplyId::opened_by(set.command, 1);
                    shortfall = shortfall_source(set.shop, pool, set.now, opened).ok();
                }
                let to = shortfall.as_ref()?.supply;
                moves.push(Move { line: id, from, to, quantity: left });
            }
        }
    }
    let opened = shortfall.and_then(|source| source.opens).map(|supply| *supply).into_iter().collect();
    let run = RunId::of(set.command);
    (!moves.is_empty()).then(|| RunApplied { run, sku: sku.clone(), cause: cause.clone(), opened, moves })
}

struct Run<'a> {
    set: Setting<'a>,
    pool: &'a Pool,
    gains: Gains<'a>,
    taken: Taken,
    moves: Vec<Move>,
    opened: Vec<Supply>,
    unasked: BTreeSet<SupplyId>,
}

impl Run<'_> {
    /// Fills one supply's free units from the queues behind it. All that lost their goods are one queue, the last.
    ///
    /// Where units are left and not all of a queue is seen, those behind wait for the next round: somebody of that queue
    /// who comes first may gain by them. So do, before the rest, those of a queue who were passed, where units came free
    /// just now: nobody has asked yet whether they gain by these.
    fn fill(&mut self, to: usize, queues: &mut Stretches) {
        let pool = self.pool;
        let came_free = self.moves.iter().any(|step| step.from == pool.supplies[to].id);
        let (lost, due): (Vec<usize>, Vec<usize>) = (to + 1..pool.supplies.len())
            .filter(|at| !pool.supplies[*at].is_on_hand())
            .partition(|at| pool.supplies[*at].kind == SupplyKind::Shortfall);
        let mut queued = due.iter().map(std::slice::from_ref).chain([&lost[..]]);
        while let Some(froms) = queued.next() {
            let ids = || froms.iter().map(|from| pool.supplies[*from].id);
            if came_free && ids().any(|id| queues.get(&id).is_some_and(|stretch| stretch.passed)) {
                return;
            }
            self.fill_from(to, froms, queues);
            let is_left = self.is_left(to, froms);
            if is_left && ids().any(|id| queues.get(&id).is_some_and(|stretch| stretch.more)) {
                let behind = queued.flatten().map(|from| pool.supplies[*from].id);
                self.unasked.extend(behind.filter(|id| queues.contains_key(id)));
                return;
            }
        }
    }

    /// Whether units of a supply are left that somebody of these queues may have.
    fn is_left(&self, to: usize, froms: &[usize]) -> bool {
        let to = &self.pool.supplies[to];
        if to.ring_fenced.is_empty() {
            return to.free() > self.taken.of(to.id);
        }
        let mut claims = froms.iter().flat_map(|from| &self.pool.supplies[*from].claims);
        claims.any(|claim| {
            let (own, open) = self.taken.free_for(to, &claim.channel);
            claim.pegged > 0 && own + open > 0
        })
    }

    /// Fills one supply's free units from queues that are served as one.
    fn fill_from(&mut self, to: usize, froms: &[usize], queues: &mut Stretches) {
        let pool = self.pool;
        let id = pool.supplies[to].id;
        let mut places: Vec<(LineId, usize, usize)> = Vec::new();
        for from in froms {
            let stretch = queues.get(&pool.supplies[*from].id);
            let lines = stretch.into_iter().flat_map(|stretch| &stretch.lines).enumerate();
            places.extend(lines.map(|(at, waiting)| (waiting.line, *from, at)));
        }
        if froms.len() > 1 {
            places.sort_unstable();
        }
        for (line, from, at) in places {
            if pool.supplies[to].free() - self.taken.of(id) <= 0 {
                return;
            }
            let from_id = pool.supplies[from].id;
            let Some(waiting) = queues.get_mut(&from_id).and_then(|stretch| stretch.lines.get_mut(at)) else {
                continue;
            };
            let Some(order) = self.set.shop.orders.get(&line.order) else { continue };
            if waiting.quantity == 0 || !self.gains.gains(order, line.no, from, to) {
                continue;
            }
            let quantity = self.gains.room(to, &order.channel, &self.taken).min(waiting.quantity);
            if quantity > 0 {
                if self.gains.is_fenced() {
                    self.taken.take_for(id, &order.channel, quantity);
                    self.taken.take_for(from_id, &order.channel, -quantity);
                } else {
                    self.taken.take(id, quantity);
                    self.taken.take(from_id, -quantity);
                }
                self.moves.push(Move { line, from: from_id, to: id, quantity });
                waiting.quantity -= quantity;
            }
        }
    }

    /// Gives lines that have lost their goods a lead time, where their policy has one.
    fn rescue(&mut self, queues: &mut Stretches) {
        let lost = self.pool.supplies.iter().filter(|supply| supply.kind == SupplyKind::Shortfall);
        for from in lost {
            let lines = queues.get_mut(&from.id).into_iter().flat_map(|stretch| &mut stretch.lines);
            for waiting in lines.filter(|waiting| waiting.quantity > 0) {
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
