//! What a newcomer may take, and when it may be sent away.

use std::collections::BTreeMap;

use model::{
    Units,
    command::{Command, PlaceOrder},
    event::OrderPlaced,
    id::{Channel, HoldId, Sku, SupplyId},
    item::{Cap, Policy},
    order::{Hold, Line},
    refusal::{RefusalCode, Rejection},
    supply::{Supply, SupplyKind},
    time::{Date, days_after},
};

use super::{
    Judge, Verdict,
    books::{Books, Claimed, Lot, Owner},
    dates::For,
    ensure,
};

/// Who comes, and what for.
struct Newcomer<'a> {
    to: For<'a>,
    group: Option<&'a str>,
    already_owed: bool,
    hold: Option<HoldId>,
    lines: &'a [Line],
    opened: &'a [Supply],
}

impl Books {
    /// The policy that holds on a channel.
    pub(super) fn policy(&self, sku: &Sku, channel: &Channel) -> Option<&Policy> {
        let of = |channel: &Channel| self.policies.get(&(sku.clone(), channel.clone()));
        of(channel).or_else(|| of(&Channel::default()))
    }

    /// Whether sales on one channel count against the cap that holds on another.
    fn share_a_cap(&self, sku: &Sku, one: &Channel, other: &Channel) -> bool {
        let own = |channel: &Channel| {
            let is_set = self.policies.contains_key(&(sku.clone(), channel.clone()));
            if is_set { channel.clone() } else { Channel::default() }
        };
        own(one) == own(other)
    }

    fn discontinued(&self, sku: &Sku) -> bool {
        self.items.get(sku).is_some_and(|item| item.discontinued)
    }

    /// Units of a SKU that are owned and not here, as one kind of claim counts them.
    fn ahead(&self, sku: &Sku, counts: impl Fn(&Claimed) -> bool) -> Units {
        let due = self.pool(sku).into_iter().filter(|lot| !lot.here);
        due.map(|lot| lot.count(|unit| unit.as_ref().is_some_and(&counts))).sum()
    }
}

impl Judge {
    /// The policy a component is sold under: the kit's where it has its own.
    fn terms<'a>(&'a self, line: &'a Line, sku: &'a Sku, channel: &Channel) -> Option<(&'a Sku, &'a Policy)> {
        let of = |sku: &'a Sku| self.books.policy(sku, channel).map(|policy| (sku, policy));
        line.kit().and_then(of).or_else(|| of(sku))
    }

    fn sells_ahead(&self, line: &Line, sku: &Sku, who: &Newcomer<'_>) -> bool {
        let Some((_, policy)) = self.terms(line, sku, who.to.channel) else { return who.already_owed };
        let welcome = policy.customer_groups.is_empty()
            || policy.customer_groups.iter().any(|group| who.group == Some(&**group));
        let gone = self.books.discontinued(sku) || self.books.discontinued(&line.sku);
        who.already_owed || (policy.when_out.sells_ahead() && welcome && !gone)
    }

    /// Units of each lot that are to be had: what the hold has, what is ring-fenced for the channel, and what is free to anybody
    /// beyond the buffer. Nothing that stands
    /// before the queue of a pool that settles.
    fn rooms(&self, sku: &Sku, who: &Newcomer<'_>) -> BTreeMap<SupplyId, Units> {
        let pool = self.books.pool(sku);
        let queued = |lot: &&Lot| !lot.here && !lot.lines().is_empty();
        let last = pool.iter().rposition(queued).filter(|_| self.books.settling.contains(sku));
        let mut buffer = self.books.policy(sku, who.to.channel).map_or(0, |policy| policy.buffer);
        let mut rooms = BTreeMap::new();
        for (at, lot) in pool.iter().enumerate() {
            let own = who.hold.map_or(0, |hold| lot.owned_by(Owner::Hold(hold)));
            let channel = who.to.channel;
            let is_blocked = last.is_some_and(|last| at < last);
            let fenced = if is_blocked { 0 } else { lot.left(channel).min(lot.free()) };
            let open = if is_blocked { 0 } else { lot.open() };
            let kept = buffer.min(open);
            buffer -= kept;
            let own = if lot.kind == SupplyKind::Shortfall { 0 } else { own };
            let mut without = Lot::clone(lot);
            // What the hold gives back may be for its own channel alone.
            if let Some(hold) = who.hold.filter(|_| !lot.is_elastic()) {
                without.give_back(Owner::Hold(hold), own).ok();
            }
            let most = if lot.is_elastic() { own } else { without.free_for(channel) };
            rooms.insert(lot.id, (own + fenced + open - kept).min(most));
        }
        rooms
    }

    fn within_horizon(&self, lot: &Lot, policy: Option<&Policy>, to: For<'_>) -> bool {
        let ships = self.books.dates(lot, to).0.promised;
        let Some(days) = policy.and_then(|policy| policy.horizon_days) else { return ships.is_some() };
        let today = self.books.locations[&lot.location].today(self.books.now);
        let last = days_after(today, days).unwrap_or(Date::MAX);
        ships.is_some_and(|ships| ships <= last)
    }

    /// Before an order is entered: it takes only what is to be had, on the terms that hold.
    pub(super) fn check_order(&self, wish: &PlaceOrder, placed: &OrderPlaced) -> Verdict {
        let order = &placed.order;
        if let Some(id) = placed.hold {
            let hold = self.books.holds.get(&id).ok_or("a hold that is gone was used")?;
            ensure!(hold.expires_at > self.books.now, "{id} was used after its time");
        }
        let to = For { channel: &order.channel, country: order.country.as_deref(), kit: None };
        let who = Newcomer {
            to,
            group: order.group.as_deref(),
            already_owed: wish.already_owed,
            hold: placed.hold,
            lines: &order.lines,
            opened: &placed.opened,
        };
        self.check_taken(&who)?;
        if !wish.already_owed {
            self.check_limits(wish, placed)?;
            if let Some(last) = wish.not_later_than {
                for (line, lot, _) in self.pegs(&who)? {
                    let delivered = self.books.delivered(&lot, For { kit: line.kit(), ..to });
                    ensure!(delivered <= last, "{} is delivered on {delivered}, after {last}", lot.id);
                }
            }
        }
        if let ([line], None, None) = (&order.lines[..], line_kit(&order.lines), placed.hold) {
            self.check_best(&who, line, wish)?;
        }
        Ok(())
    }

    /// Before a hold is entered: the same.
    pub(super) fn check_hold(&self, hold: &Hold) -> Verdict {
        let to = For { channel: &hold.channel, country: hold.country.as_deref(), kit: None };
        let group = hold.group.as_deref();
        let who = Newcomer { to, group, already_owed: false, hold: None, lines: &hold.lines, opened: &[] };
        self.check_taken(&who)
    }

    /// Every peg with its lot; those that are only opened with this order too.
    fn pegs<'a>(&self, who: &Newcomer<'a>) -> Result<Vec<(&'a Line, Lot, Units)>, String> {
        let mut pegs = Vec::new();
        for line in who.lines {
            for peg in &line.pegs {
                let opened = who.opened.iter().find(|supply| supply.id == peg.supply).map(Lot::of);
                let lot = opened.map_or_else(|| self.books.lot(peg.supply).cloned(), Ok)?;
                pegs.push((line, lot, peg.quantity));
            }
        }
        Ok(pegs)
    }

    fn check_taken(&self, who: &Newcomer<'_>) -> Verdict {
        let mut taken: BTreeMap<SupplyId, Units> = BTreeMap::new();
        for (line, lot, units) in self.pegs(who)? {
            *taken.entry(lot.id).or_default() += units;
            let to = For { kit: line.kit(), ..who.to };
            if lot.here {
                continue;
            }
            ensure!(self.sells_ahead(line, &lot.sku, who), "{} is not sold ahead", lot.sku);
            let terms = self.terms(line, &lot.sku, to.channel).map(|(_, policy)| policy);
            match lot.kind {
                SupplyKind::Shortfall => ensure!(who.already_owed, "{} sells goods that are lost", lot.id),
                _ => ensure!(
                    (who.already_owed && self.books.dates(&lot, to).0.promised.is_some())
                        || self.within_horizon(&lot, terms, to),
                    "{} lies beyond the horizon",
                    lot.id
                ),
            }
        }
        for (id, units) in taken {
            let Ok(lot) = self.books.lot(id) else { continue };
            let room = self.rooms(&lot.sku, who)[&id];
            ensure!(
                lot.is_elastic() || units <= room,
                "{units} units of {id} were taken, {room} were to be had"
            );
        }
        Ok(())
    }

    fn check_limits(&self, wish: &PlaceOrder, placed: &OrderPlaced) -> Verdict {
        for line in &placed.order.lines {
            let policy = self.books.policy(&line.sku, &wish.channel);
            let Some(limit) = policy.and_then(|policy| policy.customer_limit) else { continue };
            let here = placed.order.lines.iter().filter(|other| other.sku == line.sku);
            let mut units: Units = here.map(|line| line.quantity).sum();
            for other in self.books.orders.values() {
                if wish.customer.is_some() && other.order.customer == wish.customer {
                    let lines = other.order.lines.iter().filter(|other| other.sku == line.sku);
                    units += lines.map(|line| line.quantity - other.lines[&line.no].cancelled).sum::<Units>();
                }
            }
            ensure!(units <= limit, "one customer has {units} of {}", line.sku);
        }
        Ok(())
    }

    /// An order of one line for a plain SKU gets the best there is: the latest that meets the date asked for, else the
    /// earliest; goods before lead times.
    fn check_best(&self, who: &Newcomer<'_>, line: &Line, wish: &PlaceOrder) -> Verdict {
        let terms = self.books.policy(&line.sku, who.to.channel);
        let capped = terms.is_some_and(|policy| matches!(policy.backorder_cap, Cap::Limited(_)));
        let rooms = self.rooms(&line.sku, who);
        let worth = |lot: &Lot| {
            let date = self.books.delivered(lot, who.to);
            let meets = wish.requested_date.is_some_and(|wanted| date <= wanted);
            let days = i64::from(model::time::days_since_epoch(date));
            (lot.is_elastic(), !meets, if meets { -days } else { days })
        };
        for (_, lot, _) in self.pegs(who)? {
            for other in self.books.pool(&line.sku) {
                let taken: Units =
                    line.pegs.iter().filter(|p| p.supply == other.id).map(|p| p.quantity).sum();
                let sold = other.here
                    || (self.sells_ahead(line, &line.sku, who)
                        && (who.already_owed || self.within_horizon(other, terms, who.to)));
                let left = rooms[&other.id] - taken;
                let too_late =
                    wish.not_later_than.is_some_and(|last| self.books.delivered(other, who.to) > last);
                if left <= 0 || !sold || too_late || (capped && lot.here && !other.here) {
                    continue;
                }
                if self.books.dates(other, who.to).0.promised.is_some() {
                    ensure!(
                        worth(&lot) <= worth(other),
                        "{} was taken though {} is better",
                        lot.id,
                        other.id
                    );
                }
            }
        }
        Ok(())
    }

    /// After an order is entered: caps hold wherever it took units that are not here.
    pub(super) fn check_caps(&self, placed: &OrderPlaced) -> Verdict {
        let order = &placed.order;
        self.check_caps_of(&order.channel, &order.lines)
    }

    /// The same for a hold.
    pub(super) fn check_hold_caps(&self, hold: &Hold) -> Verdict {
        self.check_caps_of(&hold.channel, &hold.lines)
    }

    fn check_caps_of(&self, channel: &Channel, lines: &[Line]) -> Verdict {
        for line in lines {
            for (sku, each) in line.needs() {
                let mut pegs = line.pegs.iter().filter(|peg| peg.sku == *sku);
                let took_ahead = pegs.any(|peg| self.books.lot(peg.supply).is_ok_and(|lot| !lot.here));
                let Some((scope, policy)) = self.terms(line, sku, channel).filter(|_| took_ahead) else {
                    continue;
                };
                let Cap::Limited(cap) = policy.backorder_cap else { continue };
                let of_kit = scope != sku;
                let ahead = self.books.ahead(sku, |claimed| {
                    let counted = !of_kit || claimed.kit.as_ref() == Some(scope);
                    counted && self.books.share_a_cap(scope, channel, &claimed.channel)
                });
                // A kit with terms of its own is not bound by its components' caps, in the same cart either.
                let with_kit = lines.iter().any(|other| {
                    other.sku != *scope
                        && other.kit().is_some_and(|kit| self.books.policy(kit, channel).is_some())
                });
                let most = if of_kit { cap * each } else { cap };
                ensure!(
                    ahead <= most || with_kit,
                    "{ahead} units of {sku} are ahead, the cap of {scope} is {cap}"
                );
            }
        }
        Ok(())
    }

    /// An order for one line of a plain SKU, with no last date and no hold, is sent away only where there is too little.
    pub(super) fn check_refusal(&self, command: &Command, rejection: &Rejection) -> Verdict {
        let (Command::PlaceOrder(wish), Rejection::Refused(refusal)) = (command, rejection) else {
            return Ok(());
        };
        let [ask] = &wish.lines[..] else { return Ok(()) };
        let is_kit = self.books.items.get(&ask.sku).is_some_and(|item| !item.components.is_empty());
        let bound = wish.not_later_than.is_some() && !wish.already_owed;
        if is_kit || bound || wish.hold.is_some() || refusal.code == RefusalCode::CustomerLimit {
            return Ok(());
        }
        let line = Line {
            no: 1,
            sku: ask.sku.clone(),
            quantity: ask.quantity,
            unit_price: None,
            recipe: Vec::new(),
            cancelled: 0,
            shipped: 0,
            pegs: Vec::new(),
            released: Vec::new(),
            returned: Vec::new(),
            promises: Vec::new(),
        };
        let to = For { channel: &wish.channel, country: wish.country.as_deref(), kit: None };
        let (group, already_owed) = (wish.group.as_deref(), wish.already_owed);
        let who = Newcomer { to, group, already_owed, hold: None, lines: &[], opened: &[] };
        let terms = self.books.policy(&ask.sku, to.channel);
        let rooms = self.rooms(&ask.sku, &who);
        let (mut here, mut ahead) = (0, 0);
        for lot in self.books.pool(&ask.sku).into_iter().filter(|lot| !lot.is_elastic()) {
            if lot.here {
                here += rooms[&lot.id];
            } else if self.sells_ahead(&line, &ask.sku, &who) && self.within_horizon(lot, terms, to) {
                ahead += rooms[&lot.id];
            }
        }
        if let Some(Cap::Limited(cap)) = terms.map(|policy| policy.backorder_cap) {
            let shares =
                |claimed: &Claimed| self.books.share_a_cap(&ask.sku, &wish.channel, &claimed.channel);
            ahead = ahead.min((cap - self.books.ahead(&ask.sku, shares)).max(0));
        }
        let least = if wish.accept == model::command::Accept::All { ask.quantity } else { 1 };
        ensure!(
            here + ahead < least && !already_owed,
            "{} of {} was refused ({:?}) though {here} are here and {ahead} come",
            ask.quantity,
            ask.sku,
            refusal.code
        );
        Ok(())
    }
}

/// The kit that the first line sells.
fn line_kit(lines: &[Line]) -> Option<&Sku> {
    lines.first().and_then(Line::kit)
}
