//! One replication: the calendar's events, each decided by the shop.

use std::collections::BTreeMap;

use engine::Failure;
use model::{
    Units,
    id::{HoldId, OrderId, SupplyId},
    item::{PaymentKind, Policy, WhenOut},
    time::{Date, Timestamp},
    waitlist::WaitState,
};

use crate::{
    cash::CashBook,
    events::{Calendar, DAY_MS, Draws, Moment, Next, Purpose, moment, size},
    input::{Goods, InputError, Reorder, Variant, World},
    outcome::Outcome,
    shop::{Placed, Shop},
};

const MINUTE_MS: Moment = 60_000;

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The input makes no sense.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The engine failed.
    #[error("the shop could not go on")]
    Engine(#[from] Failure),
    /// The shop did something that it cannot do: a defect.
    #[error("a defect: {0}")]
    Defect(String),
}

/// An order that waits.
struct Owed {
    units: Units,
    since: Moment,
    promised: Option<Date>,
    /// What was paid for each of its units.
    paid: f64,
}

/// Somebody who was invited.
struct Invitation {
    customer: u64,
    units: Units,
}

struct Replication<'a> {
    world: &'a World,
    variant: &'a Variant,
    policy: &'a Policy,
    shop: Shop,
    calendar: Calendar,
    draws: Draws,
    now: Moment,
    warm_up: Moment,
    on_hand: Units,
    on_order: Units,
    owed: Units,
    waiting: BTreeMap<OrderId, Owed>,
    supplies: BTreeMap<SupplyId, Units>,
    invitations: BTreeMap<HoldId, Invitation>,
    has_waitlist: bool,
    lapse_at: Option<Moment>,
    bought: u64,
    made: u64,
    is_making: bool,
    sums: Outcome,
    cash: CashBook,
}

/// Simulates one replication of one SKU under one variant. The same seed and replication give the same outcome, and other variants
/// meet the same customers and suppliers in them.
///
/// Errors: the input makes no sense, or the engine failed.
pub fn simulate(
    world: &World,
    variant: &Variant,
    (seed, replication): (u64, u64),
    start: Timestamp,
) -> Result<Outcome, SimulateError> {
    world.check()?;
    variant.check(world)?;
    let seed = insight::random::draw(seed, sku_stream(&world.goods.sku), replication);
    let policy = variant.policy.as_ref().unwrap_or(&world.policy);
    let shop = Shop::open(start, seed, (&world.goods.sku, policy))?;
    let mut replication = Replication {
        world,
        variant,
        policy,
        shop,
        calendar: Calendar::default(),
        draws: Draws { seed },
        now: 0,
        warm_up: moment(world.warm_up_days),
        on_hand: 0,
        on_order: 0,
        owed: 0,
        waiting: BTreeMap::new(),
        supplies: BTreeMap::new(),
        invitations: BTreeMap::new(),
        has_waitlist: false,
        lapse_at: None,
        bought: 0,
        made: 0,
        is_making: false,
        sums: Outcome::default(),
        cash: CashBook::new(world.days, world.costs.opening_cash),
    };
    replication.begin()?;
    replication.run()
}

/// A stream for each SKU: what is drawn for one shifts nothing of another.
fn sku_stream(sku: &str) -> u64 {
    // FNV-1a, as it is the same everywhere.
    sku.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Replication<'_> {
    fn goods(&self) -> &Goods {
        &self.world.goods
    }

    fn begin(&mut self) -> Result<(), SimulateError> {
        if self.goods().on_hand > 0 {
            self.on_hand = self.goods().on_hand;
            self.shop.stock(self.on_hand)?;
        }
        for due in self.goods().due.clone() {
            let given = due.given_in_days.max(0.0);
            self.order_goods(due.units, given, self.variant.slip_days)?;
        }
        self.next_customer(0);
        self.reorder()
    }

    fn run(mut self) -> Result<Outcome, SimulateError> {
        let end = moment(self.world.days);
        while let Some((at, next)) = self.calendar.take(end) {
            self.go_to(at);
            match next {
                Next::Arrival(supply) => self.arrival(supply)?,
                Next::Made => self.unit_made()?,
                Next::Customer(n) => self.customer(n)?,
                Next::Cancel(order) => self.cancel(order)?,
                Next::Invited(hold) => self.invited(hold)?,
                Next::Lapse => self.lapse()?,
            }
            self.reorder()?;
        }
        self.go_to(end);
        let counted = (self.world.days - self.world.warm_up_days).max(1e-9);
        let stands = self.shop.stands()?;
        if stands != (self.on_hand, self.owed) {
            let told = (self.on_hand, self.owed);
            return Err(SimulateError::Defect(format!("the shop has {stands:?}, not {told:?}")));
        }
        let mut sums = self.sums;
        sums.profit -= self.world.costs.holding * sums.on_hand_mean;
        sums.owed_mean /= counted;
        sums.on_hand_mean /= counted;
        (sums.cash_lowest, sums.cash_last) = self.cash.lowest_and_last();
        Ok(sums)
    }

    /// Lets time go by.
    fn go_to(&mut self, at: Moment) {
        let days = (at - self.now.max(self.warm_up)).max(0) as f64 / DAY_MS;
        self.sums.owed_mean += self.owed as f64 * days;
        self.sums.on_hand_mean += self.on_hand as f64 * days;
        self.now = at;
    }

    fn counts(&self) -> bool {
        self.now >= self.warm_up
    }

    fn day(&self) -> f64 {
        self.now as f64 / DAY_MS
    }

    /// Orders goods that the supplier says come in so many days.
    fn order_goods(&mut self, units: Units, days: f64, slip: f64) -> Result<(), SimulateError> {
        let goods = &self.world.goods;
        let late = self.draws.one_of(Purpose::Lateness, self.bought, &goods.late_days, 0);
        self.bought += 1;
        let on = self.shop.date(self.now + moment(days));
        let supply = self.shop.buy(self.now, (units, on, goods.promise_days))?;
        let comes = self.now + moment((days + slip + f64::from(late)).max(0.0));
        self.calendar.add(comes, Next::Arrival(supply));
        self.supplies.insert(supply, units);
        self.on_order += units;
        let deposit = self.world.costs.supplier_deposit * goods.unit_cost * units as f64;
        self.cash.add(self.day(), -deposit);
        Ok(())
    }

    fn reorder(&mut self) -> Result<(), SimulateError> {
        match self.variant.reorder {
            Reorder::Nothing => Ok(()),
            Reorder::Point { at, units, lead_days } => {
                while self.on_hand + self.on_order - self.owed <= at {
                    self.order_goods(units, lead_days, 0.0)?;
                }
                Ok(())
            }
            Reorder::Production { until, rate } => {
                if !self.is_making && self.on_hand - self.owed < until {
                    self.is_making = true;
                    let days = self.draws.exponential(Purpose::Making, self.made, rate);
                    self.made += 1;
                    self.calendar.add(self.now.saturating_add(moment(days)), Next::Made);
                }
                Ok(())
            }
        }
    }

    fn unit_made(&mut self) -> Result<(), SimulateError> {
        self.is_making = false;
        let on = self.shop.date(self.now);
        let supply = self.shop.buy(self.now, (1, on, 0))?;
        self.supplies.insert(supply, 1);
        self.on_order += 1;
        self.arrival(supply)
    }

    fn arrival(&mut self, supply: SupplyId) -> Result<(), SimulateError> {
        let Some(units) = self.supplies.remove(&supply) else { return Ok(()) };
        self.on_order -= units;
        self.on_hand += units;
        let costs = &self.world.costs;
        let rest = (1.0 - costs.supplier_deposit) * self.goods().unit_cost * units as f64;
        self.cash.add(self.day(), -rest);
        for (order, units) in self.shop.receive(self.now, supply)? {
            self.serve(order, units)?;
        }
        self.invite()
    }

    /// Sends units of an order that waited.
    fn serve(&mut self, order: OrderId, units: Units) -> Result<(), SimulateError> {
        self.shop.ship(self.now, order)?;
        self.on_hand -= units;
        self.owed -= units;
        let today = self.shop.date(self.now);
        let Some(owed) = self.waiting.get_mut(&order) else {
            return Err(SimulateError::Defect(format!("{order} waits for nothing")));
        };
        owed.units -= units;
        let (since, promised, paid) = (owed.since, owed.promised, owed.paid);
        if owed.units == 0 {
            self.waiting.remove(&order);
        }
        let is_late = promised.is_some_and(|promised| today > promised);
        self.sold(units, paid, is_late);
        if self.counts() {
            self.sums.waited += units as f64;
            self.sums.wait_days += units as f64 * (self.now - since) as f64 / DAY_MS;
        }
        Ok(())
    }

    /// Units that leave: what is left to pay is paid.
    fn sold(&mut self, units: Units, paid: f64, is_late: bool) {
        let (goods, costs) = (&self.world.goods, &self.world.costs);
        let units = units as f64;
        let left = (goods.price - paid) * units;
        if left > 1e-9 {
            self.cash.add(
                self.day() + f64::from(costs.payout_days),
                left * (1.0 - costs.payment_share) - costs.payment_fixed,
            );
        }
        if self.counts() {
            self.sums.shipped += units;
            let fee = costs.payment_share * goods.price + costs.payment_fixed;
            self.sums.profit += units * (goods.price - goods.unit_cost - fee);
            if is_late {
                self.sums.late += units;
                self.sums.profit -= units * costs.late;
            }
        }
    }

    /// What is paid for a unit when it is ordered.
    fn paid_at_once(&self) -> f64 {
        let price = self.goods().price;
        match &self.policy.payment {
            None => price,
            Some(terms) => match terms.kind {
                PaymentKind::Full => price,
                PaymentKind::Deposit => {
                    let percent = terms.deposit_percent.map(|percent| price * f64::from(percent) / 100.0);
                    let amount = terms.deposit_amount.as_ref();
                    let amount = amount.map(|amount| {
                        amount.amount as f64 / 10_f64.powi(i32::from(amount.currency.decimals()))
                    });
                    percent.or(amount).unwrap_or(price).min(price)
                }
                PaymentKind::Authorise | PaymentKind::ChargeOnShip | PaymentKind::None => 0.0,
            },
        }
    }

    fn next_customer(&mut self, n: u64) {
        let rate = self.goods().customers.rate * self.variant.demand_factor;
        let days = self.draws.exponential(Purpose::Coming, n, rate);
        self.calendar.add(self.now.saturating_add(moment(days)), Next::Customer(n));
    }

    fn customer(&mut self, n: u64) -> Result<(), SimulateError> {
        self.next_customer(n + 1);
        let customers = &self.world.goods.customers;
        let units = size(self.draws, n, &customers.sizes);
        if self.counts() {
            self.sums.asked += units as f64;
        }
        // In the last minute of a day, which is after the cut-off, goods that are here leave the day after.
        let today = self.shop.date(self.now + MINUTE_MS);
        let drawn = self.draws.uniform(Purpose::Patience, n);
        let by = if drawn >= customers.accept {
            Some(today)
        } else if customers.patience_rate <= 0.0 {
            None
        } else {
            Some(Shop::later(today, (customers.accept / drawn.max(1e-300)).ln() / customers.patience_rate))
        };
        match self.shop.order(self.now, (units, by), None)? {
            Placed::Taken { order, here, later, promised } => self.taken(n, order, (here, later), promised),
            Placed::Refused => self.refused(n, units),
        }
    }

    fn taken(
        &mut self,
        n: u64,
        order: OrderId,
        (here, later): (Units, Units),
        promised: Option<Date>,
    ) -> Result<(), SimulateError> {
        let costs = &self.world.costs;
        let paid = self.paid_at_once();
        let at_once = paid * (here + later) as f64;
        if at_once > 0.0 {
            let day = self.day() + f64::from(costs.payout_days);
            self.cash.add(day, at_once * (1.0 - costs.payment_share) - costs.payment_fixed);
        }
        if here > 0 {
            self.shop.ship(self.now, order)?;
            self.on_hand -= here;
            self.sold(here, paid, false);
        }
        if self.counts() {
            self.sums.at_once += here as f64;
            self.sums.backordered += later as f64;
            self.sums.profit -= costs.service * later as f64;
        }
        if later > 0 {
            self.owed += later;
            self.waiting.insert(order, Owed { units: later, since: self.now, promised, paid });
            let rate = self.goods().customers.cancel_rate;
            let days = self.draws.exponential(Purpose::Cancel, n, rate);
            if days.is_finite() {
                self.calendar.add(self.now.saturating_add(moment(days)), Next::Cancel(order));
            }
        }
        Ok(())
    }

    fn refused(&mut self, n: u64, units: Units) -> Result<(), SimulateError> {
        let joins = self.policy.when_out == WhenOut::Waitlist
            && self.draws.uniform(Purpose::Waitlist, n) < self.goods().customers.waitlist;
        if self.counts() {
            self.sums.refused += units as f64;
            if !joins {
                self.sums.profit -= self.world.costs.goodwill * units as f64;
            }
        }
        if joins {
            self.has_waitlist = true;
            self.shop.join(self.now, n, units)?;
            self.invite()?;
        }
        Ok(())
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), SimulateError> {
        let Some(owed) = self.waiting.remove(&order) else { return Ok(()) };
        self.shop.cancel(self.now, order)?;
        self.owed -= owed.units;
        let units = owed.units as f64;
        // Fees that were taken stay with the processor.
        self.cash.add(self.day(), -owed.paid * units);
        if self.counts() {
            let costs = &self.world.costs;
            self.sums.cancelled += units;
            self.sums.profit -= units * (costs.cancel + costs.payment_share * owed.paid);
        }
        Ok(())
    }

    /// Notes whom the shop has invited.
    fn invite(&mut self) -> Result<(), SimulateError> {
        if !self.has_waitlist {
            return Ok(());
        }
        for (customer, wait) in self.shop.waitlist(WaitState::Invited)? {
            let (Some(hold), Some(until)) = (wait.hold, wait.until) else { continue };
            if self.invitations.contains_key(&hold) {
                continue;
            }
            self.invitations.insert(hold, Invitation { customer, units: wait.quantity });
            let ends = self.shop.moment_of(until);
            self.calendar.add(self.now + (ends - self.now) / 2, Next::Invited(hold));
            if self.lapse_at.is_none_or(|at| at <= self.now) {
                self.lapse_at = Some(ends + 1);
                self.calendar.add(ends + 1, Next::Lapse);
            }
        }
        Ok(())
    }

    fn invited(&mut self, hold: HoldId) -> Result<(), SimulateError> {
        let Some(Invitation { customer, units }) = self.invitations.remove(&hold) else { return Ok(()) };
        if self.draws.uniform(Purpose::Convert, customer) >= self.goods().customers.convert {
            return Ok(());
        }
        if let Placed::Taken { order, here, later, promised } =
            self.shop.order(self.now, (units, None), Some(hold))?
        {
            if self.counts() {
                self.sums.from_waitlist += units as f64;
                // They were counted as refused when they came, not as served.
                self.sums.at_once -= here as f64;
                self.sums.backordered -= later as f64;
            }
            self.taken(customer, order, (here, later), promised)?;
        }
        Ok(())
    }

    fn lapse(&mut self) -> Result<(), SimulateError> {
        self.lapse_at = None;
        self.shop.run_due(self.now)?;
        self.invitations.retain(|_, _| true);
        self.invite()?;
        if self.lapse_at.is_none() {
            let open = self.shop.waitlist(WaitState::Invited)?;
            let next = open.iter().filter_map(|(_, wait)| wait.until).min();
            if let Some(until) = next {
                let at = self.shop.moment_of(until) + 1;
                self.lapse_at = Some(at);
                self.calendar.add(at, Next::Lapse);
            }
        }
        Ok(())
    }
}
