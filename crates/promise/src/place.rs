//! Orders and holds: which units a newcomer gets, and what is promised for them.
//!
//! docs/theory/promising.md, "A new order". A newcomer takes uncommitted units only, so no promise made is ever
//! taken from.

use std::{cmp::Reverse, sync::Arc};

use model::{
    Units,
    command::{Accept, AskLine, PlaceHold, PlaceOrder},
    event::{Event, HoldGone, LinePromise, OrderPlaced, OrderRefused, PromiseGiven, Seen},
    id::{HoldId, LocationId, OrderId, Sku, SupplyId},
    order::{Cause, Dates, Hold, Line, Order, Peg, Promise, ShipChoice},
    pool::Pool,
    refusal::{Refusal, RefusalCode, Rejection},
    state::Shop,
    supply::{Lateness, Supply, SupplyKind},
    time::{Date, Timestamp, seconds_after},
    view::RefusedUnits,
};

use crate::{
    Bought, Decision, Setting,
    source::{
        Ahead, Asker, Source, Sources, Taken, Terms, cap_room, lead_time_source, shortfall_source, sources,
    },
    view::{Destination, dates_from},
};

/// An accepted order.
#[derive(Debug)]
pub struct Placing {
    /// `order_placed`, `promise_given`, and `order_refused` for what was left out.
    pub events: Vec<Event>,
    /// What was left out of an order that would take part.
    pub refused: Vec<RefusedUnits>,
}

/// Places an order: pegs every unit and gives the first promise, or refuses and takes nothing.
///
/// The lines' SKUs are known (else `Invalid`), their components and the hold loaded. Checked in this order, the first that
/// fails answers: unknown SKUs, the hold, then line by line the customer's limit and the supply.
/// Refusals: `hold_expired`, `customer_limit`, `cap_reached`, `too_late`, `beyond_horizon`, `not_available`; on a refusal
/// the events to record are in [`refused_event`].
pub fn place_order(set: Setting<'_>, wish: &PlaceOrder, bought: &Bought) -> Result<Placing, Rejection> {
    check_skus(set, &wish.lines)?;
    let asker = Asker {
        channel: &wish.channel,
        group: wish.group.as_deref(),
        country: wish.country.as_deref(),
        already_owed: wish.already_owed,
    };
    let mut plan = Plan::new(set, asker);
    plan.wanted_on = wish.requested_date;
    // What is owed is owed, however late it comes.
    plan.not_after = wish.not_later_than.filter(|_| !wish.already_owed);
    if let Some(id) = wish.hold {
        plan.take_over(live_hold(set, id)?);
    }
    let mut refused = Vec::new();
    for (at, ask) in wish.lines.iter().enumerate() {
        let no = u16::try_from(at + 1).unwrap_or(u16::MAX);
        let before = bought.get(&ask.sku).copied().unwrap_or(0);
        let limit = if wish.already_owed { None } else { customer_left(set, &plan, &ask.sku, before) };
        match plan.line(no, ask, wish.accept, limit) {
            Ok(None) => {}
            Ok(Some(short)) => refused.push(short_units(no, ask, short)),
            Err(short) if wish.accept == Accept::Partial => refused.push(short_units(no, ask, short)),
            Err(short) => return Err(short.refusal(no).into()),
        }
    }
    if plan.lines.is_empty() {
        let first = refused.into_iter().next().map(|units| Refusal {
            line: Some(units.line),
            sku: Some(units.sku),
            available: Some(0),
            ..Refusal::new(units.code, units.detail)
        });
        return Err(first
            .unwrap_or_else(|| Refusal::new(RefusalCode::NotAvailable, "nothing was ordered"))
            .into());
    }
    Ok(Placing { events: placed(set, wish, plan, &refused), refused })
}

/// The ledger entry for an order that was refused: demand that was lost is worth knowing.
pub fn refused_event(wish: &PlaceOrder, refusal: &Refusal) -> Event {
    let ask = refusal.line.and_then(|no| wish.lines.get(usize::from(no) - 1)).or(wish.lines.first());
    Event::OrderRefused(OrderRefused {
        sku: ask.map(|ask| ask.sku.clone()),
        quantity: ask.map_or(0, |ask| ask.quantity),
        channel: wish.channel.clone(),
        code: refusal.code.as_str().into(),
    })
}

/// Holds units for a cart, all of them or none.
///
/// Refusals: as for an order. Nobody knows yet whose cart it is: a customer limit holds for this cart alone.
pub fn place_hold(set: Setting<'_>, wish: &PlaceHold) -> Decision {
    check_skus(set, &wish.lines)?;
    let asker = Asker {
        channel: &wish.channel,
        group: wish.group.as_deref(),
        country: wish.country.as_deref(),
        already_owed: false,
    };
    let mut plan = Plan::new(set, asker);
    for (at, ask) in wish.lines.iter().enumerate() {
        let no = u16::try_from(at + 1).unwrap_or(u16::MAX);
        let limit = customer_left(set, &plan, &ask.sku, 0);
        plan.line(no, ask, Accept::All, limit).map_err(|short| short.refusal(no))?;
    }
    let hold = Hold {
        id: HoldId(set.command),
        channel: wish.channel.clone(),
        group: wish.group.clone(),
        country: wish.country.clone(),
        placed_at: set.now,
        expires_at: seconds_after(set.now, wish.ttl_seconds).unwrap_or(set.now),
        placed_by: wish.placed_by.clone(),
        lines: plan.lines.into_iter().map(|planned| planned.line).collect(),
    };
    let opened = plan.opened.into_iter().map(Event::SupplyAdded);
    Ok(opened.chain([Event::HoldPlaced(hold)]).collect())
}

/// Gives a hold up. Refuses one that is gone (`hold_expired`).
pub fn release_hold(set: Setting<'_>, id: HoldId) -> Decision {
    match set.shop.holds.get(&id) {
        Some(hold) if hold.expires_at <= set.now => Ok(vec![Event::HoldExpired(HoldGone { hold: id })]),
        Some(_) => Ok(vec![Event::HoldReleased(HoldGone { hold: id })]),
        None => Err(hold_gone(id).into()),
    }
}

fn hold_gone(id: HoldId) -> Refusal {
    Refusal::new(
        RefusalCode::HoldExpired,
        format!("{id} holds nothing any more: its time is over or it was used"),
    )
}

fn live_hold(set: Setting<'_>, id: HoldId) -> Result<&Arc<Hold>, Refusal> {
    set.shop.holds.get(&id).filter(|hold| hold.expires_at > set.now).ok_or_else(|| hold_gone(id))
}

fn check_skus(set: Setting<'_>, lines: &[AskLine]) -> Result<(), Rejection> {
    let unknown = lines.iter().enumerate().filter(|(_, ask)| set.shop.pool(&ask.sku).is_none());
    let errors: Vec<_> = unknown
        .map(|(at, ask)| {
            let detail = format!("there is no sku {:?}", ask.sku.as_str());
            model::refusal::FieldError::new(format!("/lines/{at}/sku"), "unknown_sku", detail)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
}

/// How many more units of a SKU this customer may have; `None`: any number.
fn customer_left(set: Setting<'_>, plan: &Plan<'_>, sku: &Sku, bought: Units) -> Option<Units> {
    let limit = Terms::of(set.shop.pool(sku)?, plan.asker.channel).policy.customer_limit?;
    let here: Units = plan
        .lines
        .iter()
        .filter(|planned| planned.line.sku == *sku)
        .map(|planned| planned.line.quantity)
        .sum();
    Some((limit - bought - here).max(0))
}

fn placed(set: Setting<'_>, wish: &PlaceOrder, plan: Plan<'_>, refused: &[RefusedUnits]) -> Vec<Event> {
    let Plan { lines: planned, opened, .. } = plan;
    let all = planned
        .iter()
        .map(|line| (line.ship_by, line.deliver_by))
        .reduce(|(ship, deliver), (s, d)| (ship.max(s), deliver.max(d)))
        .unwrap_or((Dates::UNKNOWN, Dates::UNKNOWN));
    let mut lines = Vec::with_capacity(planned.len());
    let mut promises = Vec::with_capacity(planned.len());
    for PlannedLine { line, ship_by, deliver_by } in planned {
        let (ship_by, deliver_by) =
            if wish.ship == ShipChoice::Complete { all } else { (ship_by, deliver_by) };
        let cause = Cause::of("order_placed");
        let told_at = (!wish.already_owed).then_some(set.now);
        let promise = Promise { version: 1, ship_by, deliver_by, given_at: set.now, told_at, cause };
        promises.push(LinePromise { line: line.no, promise });
        lines.push(line);
    }
    let order = Order {
        id: OrderId(set.command),
        reference: wish.reference.clone(),
        channel: wish.channel.clone(),
        customer: wish.customer,
        group: wish.group.clone(),
        country: wish.country.clone(),
        placed_at: set.now,
        ship: wish.ship,
        requested_date: wish.requested_date,
        not_later_than: wish.not_later_than,
        placed_by: wish.placed_by.clone(),
        lines,
    };
    let seen = order.lines.iter().zip(&promises).map(|(line, given)| seen(set, &order, line, given, &opened));
    let seen = seen.collect();
    let given = PromiseGiven { order: order.id, promises };
    let placed = OrderPlaced { order: Arc::new(order), hold: wish.hold, opened, seen };
    let mut events = vec![Event::OrderPlaced(placed), Event::PromiseGiven(given)];
    events.extend(refused.iter().map(|units| {
        Event::OrderRefused(OrderRefused {
            sku: Some(units.sku.clone()),
            quantity: units.quantity,
            channel: wish.channel.clone(),
            code: units.code.as_str().into(),
        })
    }));
    events
}

/// How the units of a line are seen when they are promised: what an answer about them says.
fn seen(
    set: Setting<'_>,
    order: &Order,
    line: &Line,
    LinePromise { promise, .. }: &LinePromise,
    opened: &[Supply],
) -> Vec<Seen> {
    let to = Destination::of_order(order);
    let promised = (promise.ship_by, promise.deliver_by);
    let see = |peg: &Peg| {
        let pool = set.shop.pool(&peg.sku)?;
        let own = pool.supply(peg.supply).map(|supply| &**supply);
        let supply = own.or_else(|| opened.iter().find(|supply| supply.id == peg.supply))?;
        // A single part has the dates of its line. Several have their own, even where the order ships complete and all show
        // one date: they say which of them comes last.
        let dates = (line.pegs.len() > 1).then(|| dates_from(set.shop, line, pool, supply, to, set.now));
        let dates = dates.filter(|dates| *dates != promised);
        Some(Seen { at: supply.location.clone(), here: supply.is_on_hand(), dates })
    };
    line.pegs.iter().filter_map(see).collect()
}

fn short_units(no: u16, ask: &AskLine, short: Short) -> RefusedUnits {
    RefusedUnits {
        line: no,
        sku: ask.sku.clone(),
        quantity: ask.quantity - short.available,
        code: short.code,
        detail: short.detail,
    }
}

/// What an order of one line would get.
pub(crate) struct Probe {
    /// Units that are here.
    pub(crate) now: Units,
    /// Units that could be sold beyond those; `None` where there is no limit.
    pub(crate) later: Option<Units>,
    /// Of the quantity asked for, units that are not here.
    pub(crate) ahead: Units,
    pub(crate) ship_by: Dates,
    pub(crate) deliver_by: Dates,
    /// What the dates of units that are not here rest on.
    pub(crate) basis: Option<Lateness>,
    /// Whether any unit comes from a lead time.
    pub(crate) lead_time: bool,
    /// Why not all can be had.
    pub(crate) short: Option<Short>,
}

/// Finds out what an order of one line would get, without placing it.
pub(crate) fn probe(shop: &Shop, pool: &Pool, asker: Asker<'_>, quantity: Units, now: Timestamp) -> Probe {
    let plan = Plan::new(Setting { shop, now, command: uuid::Uuid::nil() }, asker);
    let found = plan.find(pool, quantity);
    let had = found.iter().map(|(each, part)| part.units / each).min().unwrap_or(0);
    let mut probe = Probe {
        now: found.iter().map(|(each, part)| part.here / each).min().unwrap_or(0),
        later: None,
        ahead: found.iter().map(|(each, part)| (part.ahead + each - 1) / each).max().unwrap_or(0),
        ship_by: Dates::UNKNOWN,
        deliver_by: Dates::UNKNOWN,
        basis: None,
        lead_time: false,
        short: (had < quantity).then(|| plan.explain(pool, quantity, had, &found)),
    };
    let all = found.iter().map(|(each, part)| part.ahead_room.map(|room| (part.here + room) / each));
    // A component without limit limits nothing; the kit is limited by those that are.
    probe.later = all.flatten().min().map(|all| (all - probe.now).max(0));
    // Of a kit, more of one component may be found than there will be kits.
    let found = if had > 0 && had < quantity { plan.find(pool, had) } else { found };
    let dates = found.iter().filter_map(|(_, part)| Some((part.ship_by?, part.deliver_by?)));
    if let Some((ship_by, deliver_by)) = dates.reduce(|(ship, deliver), (s, d)| (ship.max(s), deliver.max(d)))
    {
        (probe.ship_by, probe.deliver_by) = (ship_by, deliver_by);
    }
    for (_, part) in &found {
        probe.lead_time |= part.lead_time;
        probe.basis = less_certain(probe.basis, part.basis);
    }
    probe
}

fn less_certain(a: Option<Lateness>, b: Option<Lateness>) -> Option<Lateness> {
    [a, b].into_iter().flatten().max_by_key(|lateness| lateness.promised_days)
}

/// Why a line does not get all it asks for.
pub(crate) struct Short {
    pub(crate) code: RefusalCode,
    pub(crate) detail: String,
    sku: Sku,
    available: Units,
    earliest: Option<Date>,
}

impl Short {
    fn refusal(self, no: u16) -> Refusal {
        Refusal {
            code: self.code,
            detail: self.detail,
            line: Some(no),
            sku: Some(self.sku),
            available: Some(self.available),
            earliest: self.earliest,
        }
    }
}

/// A line with its units and their dates.
pub(crate) struct PlannedLine {
    pub(crate) line: Line,
    pub(crate) ship_by: Dates,
    pub(crate) deliver_by: Dates,
}

/// A decision in the making: what was taken so far, so that two lines of one order never take the same unit.
struct Plan<'a> {
    set: Setting<'a>,
    asker: Asker<'a>,
    wanted_on: Option<Date>,
    not_after: Option<Date>,
    taken: Taken,
    /// Units that are not here; below zero: given back by the hold.
    ahead: Vec<Ahead>,
    opened: Vec<Supply>,
    used: Vec<LocationId>,
    lines: Vec<PlannedLine>,
}

/// Units of one component (or of the line's own SKU) found.
#[derive(Default)]
struct Found {
    pegs: Vec<(Peg, LocationId)>,
    /// Supplies to open, each for the peg at this place: they get their ids when the line is kept.
    opens: Vec<(usize, Supply)>,
    units: Units,
    ahead: Units,
    ship_by: Option<Dates>,
    deliver_by: Option<Dates>,
    /// Units that are here, asked for or not.
    here: Units,
    /// Units that could be had beyond those; `None` where there is no limit.
    ahead_room: Option<Units>,
    /// What the dates of units that are not here rest on: the least certain of it.
    basis: Option<Lateness>,
    lead_time: bool,
    capped: bool,
    too_late: Option<Date>,
    beyond_horizon: bool,
}

impl<'a> Plan<'a> {
    fn new(set: Setting<'a>, asker: Asker<'a>) -> Self {
        Self {
            set,
            asker,
            wanted_on: None,
            not_after: None,
            taken: Taken::default(),
            ahead: Vec::new(),
            opened: Vec::new(),
            used: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Gives back what a hold has, to this plan alone.
    fn take_over(&mut self, hold: &Hold) {
        for line in &hold.lines {
            for peg in &line.pegs {
                let supply = self.set.shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
                // What was called off is no goods: the hold has its claim, and nothing to give.
                if supply.is_some_and(|supply| supply.kind != SupplyKind::Shortfall) {
                    self.taken.take_for(peg.supply, &hold.channel, -peg.quantity);
                }
                if supply.is_some_and(|supply| !supply.is_on_hand()) {
                    self.ahead.push(Ahead {
                        sku: peg.sku.clone(),
                        kit: line.kit().cloned(),
                        channel: hold.channel.clone(),
                        units: -peg.quantity,
                    });
                }
            }
        }
    }

    /// Plans one line. `Ok(Some(_))`: part of it; `Err`: none of it.
    fn line(
        &mut self,
        no: u16,
        ask: &AskLine,
        accept: Accept,
        limit: Option<Units>,
    ) -> Result<Option<Short>, Short> {
        let Some(pool) = self.set.shop.pool(&ask.sku) else { unreachable!("skus were checked before") };
        let mut short = None;
        let mut wanted = ask.quantity;
        if let Some(left) = limit.filter(|left| *left < wanted) {
            let detail = format!("one customer may have {left} more of {}, not {wanted}", ask.sku);
            let limited = Short {
                code: RefusalCode::CustomerLimit,
                detail,
                sku: ask.sku.clone(),
                available: left,
                earliest: None,
            };
            if accept == Accept::All || left == 0 {
                return Err(Short { available: left, ..limited });
            }
            wanted = left;
            short = Some(limited);
        }
        loop {
            let found = self.find(pool, wanted);
            let kits = found.iter().map(|(each, found)| found.units / each).min().unwrap_or(0);
            if kits == wanted {
                self.keep(no, ask, pool, wanted, found);
                return Ok(short);
            }
            let missing = self.explain(pool, wanted, kits, &found);
            if accept == Accept::All || kits == 0 {
                return Err(missing);
            }
            // Fewer kits need fewer units of each component, so this ends with the next round.
            wanted = kits;
            short = Some(missing);
        }
    }

    /// Finds units for so many of a SKU, for each component as many as there are, and takes nothing yet.
    fn find(&self, pool: &Pool, wanted: Units) -> Vec<(Units, Found)> {
        if !pool.item.is_kit() {
            let terms = Terms::of(pool, self.asker.channel);
            let cap = self.cap_left(&terms);
            return vec![(1, self.find_units(pool, &terms, wanted, cap))];
        }
        let mut parts = Vec::with_capacity(pool.item.components.len());
        for part in &pool.item.components {
            // A component that is not loaded does not exist: then there is none of it.
            let found = self.set.shop.pool(&part.sku).map(|component| {
                let terms = Terms::of_component(pool, component, self.asker.channel);
                let each = if terms.of.item.is_kit() { part.quantity } else { 1 };
                let cap = self.cap_left(&terms).map(|left| left.saturating_mul(each));
                self.find_units(component, &terms, wanted * part.quantity, cap)
            });
            parts.push((part.quantity, found.unwrap_or_default()));
        }
        parts
    }

    fn cap_left(&self, terms: &Terms<'_>) -> Option<Units> {
        if self.asker.already_owed {
            return None;
        }
        cap_room(self.set.shop, terms, &self.ahead)
    }

    fn find_units(&self, pool: &Pool, terms: &Terms<'_>, wanted: Units, cap: Option<Units>) -> Found {
        let Setting { shop, now, .. } = self.set;
        let Sources { mut list, beyond_horizon, .. } =
            sources(shop, pool, terms, self.asker, &self.taken, now);
        self.sort(&mut list);
        let (here, due) = list.iter().fold((0, 0), |(here, due), source| {
            if source.on_hand { (here + source.room, due) } else { (here, due + source.room) }
        });
        let lead_time = lead_time_source(shop, pool, terms, self.asker, now, self.unnamed());
        let ahead_room = match (cap, &lead_time) {
            (cap, Ok(_)) => cap,
            (cap, Err(_)) => Some(cap.map_or(due, |cap| cap.min(due))),
        };
        let mut found = Found { beyond_horizon: beyond_horizon > 0, here, ahead_room, ..Found::default() };
        for source in &list {
            self.take_from(source, wanted, cap, pool, &mut found);
        }
        if found.units < wanted {
            match lead_time {
                Ok(source) => self.take_from(&source, wanted, cap, pool, &mut found),
                Err(code) => found.beyond_horizon |= code == RefusalCode::BeyondHorizon,
            }
        }
        if found.units < wanted
            && self.asker.already_owed
            && let Ok(source) = shortfall_source(shop, pool, now, self.unnamed())
        {
            self.take_from(&source, wanted, cap, pool, &mut found);
        }
        found
    }

    fn take_from(&self, source: &Source, wanted: Units, cap: Option<Units>, pool: &Pool, found: &mut Found) {
        let mut units = source.room.min(wanted - found.units);
        if units == 0 {
            return;
        }
        if let Some(last) = self.not_after
            && source.deliver_by.promised.is_none_or(|date| date > last)
        {
            let earliest = [found.too_late, source.deliver_by.promised].into_iter().flatten().min();
            found.too_late = earliest.or(Some(last));
            return;
        }
        if !source.on_hand
            && let Some(cap) = cap
        {
            let left = (cap - found.ahead).max(0);
            found.capped |= left < units;
            units = units.min(left);
        }
        if units == 0 {
            return;
        }
        // A hold's lead time of today may be gone on with: then both are one supply.
        if let Some((peg, _)) = found.pegs.iter_mut().find(|(peg, _)| peg.supply == source.supply) {
            peg.quantity += units;
        } else {
            if let Some(supply) = &source.opens {
                found.opens.push((found.pegs.len(), (**supply).clone()));
            }
            let peg = Peg { sku: pool.sku().clone(), supply: source.supply, quantity: units };
            found.pegs.push((peg, source.location.clone()));
        }
        found.units += units;
        if !source.on_hand {
            found.ahead += units;
            found.lead_time |= source.kind == SupplyKind::LeadTime;
            found.basis = less_certain(found.basis, Some(source.lateness));
        }
        found.ship_by = Some(found.ship_by.map_or(source.ship_by, |ship| ship.max(source.ship_by)));
        found.deliver_by =
            Some(found.deliver_by.map_or(source.deliver_by, |date| date.max(source.deliver_by)));
    }

    /// Puts sources in the order in which they are taken: the latest that meets the requested date first, else the
    /// earliest; at the same dates goods on hand, then what is ring-fenced for the channel, then a location the order ships from
    /// anyway, then rank.
    fn sort(&self, list: &mut [Source]) {
        list.sort_by_key(|source| {
            let meets =
                self.wanted_on.is_some_and(|wanted| source.deliver_by.promised.is_some_and(|d| d <= wanted));
            let delivered = source.deliver_by.promised.unwrap_or(Date::MAX);
            let latest = meets.then_some(Reverse(delivered));
            let other_place = !self.used.contains(&source.location);
            (!meets, latest, delivered, source.ship_by.promised, !source.on_hand, !source.is_own, other_place)
        });
    }

    /// The id of a supply that is only thought of.
    fn unnamed(&self) -> SupplyId {
        SupplyId(self.set.command)
    }

    /// Opens a supply, or finds the one an earlier line of this order opened for the same.
    fn open(&mut self, mut supply: Supply) -> SupplyId {
        let same = |other: &&Supply| {
            (&other.sku, other.kind, &other.location, other.expected_on, other.lateness)
                == (&supply.sku, supply.kind, &supply.location, supply.expected_on, supply.lateness)
        };
        if let Some(opened) = self.opened.iter().find(same) {
            return opened.id;
        }
        let n = u32::try_from(self.opened.len()).unwrap_or(u32::MAX);
        supply.id = SupplyId::opened_by(self.set.command, n + 1);
        self.opened.push(supply);
        self.opened[self.opened.len() - 1].id
    }

    fn keep(&mut self, no: u16, ask: &AskLine, pool: &Pool, quantity: Units, found: Vec<(Units, Found)>) {
        let mut pegs = Vec::new();
        let (mut ship_by, mut deliver_by) = (None::<Dates>, None::<Dates>);
        for (_, part) in found {
            ship_by = part.ship_by.map(|dates| ship_by.map_or(dates, |ship| ship.max(dates))).or(ship_by);
            deliver_by =
                part.deliver_by.map(|dates| deliver_by.map_or(dates, |d| d.max(dates))).or(deliver_by);
            let mut part_pegs = part.pegs;
            for (at, supply) in part.opens {
                part_pegs[at].0.supply = self.open(supply);
            }
            if let Some((peg, _)) = part_pegs.first() {
                self.ahead.push(Ahead {
                    sku: peg.sku.clone(),
                    kit: pool.item.is_kit().then(|| pool.sku().clone()),
                    channel: self.asker.channel.clone(),
                    units: part.ahead,
                });
            }
            for (peg, location) in part_pegs {
                self.taken.take(peg.supply, peg.quantity);
                if !self.used.contains(&location) {
                    self.used.push(location);
                }
                pegs.push(peg);
            }
        }
        let line = Line {
            no,
            sku: ask.sku.clone(),
            quantity,
            unit_price: ask.unit_price.or(pool.item.price),
            recipe: pool.item.components.clone(),
            cancelled: 0,
            shipped: 0,
            pegs,
            released: Vec::new(),
            returned: Vec::new(),
            promises: Vec::new(),
        };
        self.lines.push(PlannedLine {
            line,
            ship_by: ship_by.unwrap_or_default(),
            deliver_by: deliver_by.unwrap_or_default(),
        });
    }

    fn explain(&self, pool: &Pool, wanted: Units, kits: Units, found: &[(Units, Found)]) -> Short {
        let at = found.iter().position(|(each, part)| part.units / each == kits).unwrap_or(0);
        let (_, part) = &found[at];
        let sku = pool.item.components.get(at).map_or(pool.sku(), |component| &component.sku).clone();
        let (code, why) = if part.capped {
            (RefusalCode::CapReached, "as many are backordered as the cap allows")
        } else if part.too_late.is_some() {
            (RefusalCode::TooLate, "more can only be had after the date that was set")
        } else if part.beyond_horizon {
            (RefusalCode::BeyondHorizon, "more can only be had beyond the horizon")
        } else {
            let component = pool.item.components.get(at).and_then(|part| self.set.shop.pool(&part.sku));
            let terms = component.map_or_else(
                || Terms::of(pool, self.asker.channel),
                |component| Terms::of_component(pool, component, self.asker.channel),
            );
            let why = terms.not_ahead(self.asker);
            (RefusalCode::NotAvailable, why.unwrap_or("there is no more, on hand or on its way"))
        };
        let detail = format!("{kits} of {wanted} {} can be had: {why}", pool.sku());
        Short { code, detail, sku, available: kits, earliest: part.too_late }
    }
}
