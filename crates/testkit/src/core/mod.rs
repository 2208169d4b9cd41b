//! A whole shop in memory, driven through the pure core: decides, applies, and then does what the engine does after.

mod after;
mod runs;
mod set_up;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use model::{
    Units,
    command::{Command, FencedAt, PlaceHold, PlaceOrder},
    event::{Event, HoldGone},
    id::{HoldId, LineId, LocationId, OrderId, RunId, Sku, SupplyId, step_of},
    order::{Line, Order, Peg, Waiting},
    refusal::Rejection,
    state::{Shop, Touched},
    time::Timestamp,
    view::{Availability, OrderView, RefusedUnits},
};
use promise::{Bought, Queues, Setting, availability::Question};
use uuid::Uuid;

pub use set_up::{item, policy, supply};

/// A shop with everything loaded, a clock that stands still until it is moved, and all events so far.
pub struct CoreShop {
    /// The shop as it is.
    pub shop: Shop,
    /// All events, oldest first.
    pub events: Vec<Event>,
    /// The time of the next command.
    pub now: Timestamp,
    /// Most lines of one queue that one round of moving up sees.
    pub rows_max: usize,
    /// Most rounds of moving up a command makes in one pool; what is left waits for [`Command::GoOn`].
    pub rounds_max: usize,
    /// What the last command touched.
    pub touched: Touched,
    commands: u32,
    /// Pools in which lines may still move up.
    unsettled: BTreeMap<Sku, after::Owed>,
    /// Changes of supplies that can be asked to be undone.
    runs: BTreeMap<RunId, runs::Kept>,
}

/// A command that had its effect.
#[derive(Debug)]
pub struct Done {
    /// The command's id: that of the order, hold or supply it made.
    pub id: Uuid,
    /// The events that it led to, as places in [`CoreShop::events`].
    pub events: Range<usize>,
    /// What was left out of an order that would take part.
    pub refused: Vec<RefusedUnits>,
}

impl CoreShop {
    /// An empty shop.
    pub fn new(now: Timestamp) -> Self {
        Self {
            shop: Shop::default(),
            events: Vec::new(),
            now,
            rows_max: 3,
            rounds_max: usize::MAX,
            touched: Touched::default(),
            commands: 0,
            unsettled: BTreeMap::new(),
            runs: BTreeMap::new(),
        }
    }

    /// Runs a command with all that follows from it: units that came free go to the queues behind them, and lines with
    /// other dates get new promises. A refused order leaves its `order_refused`.
    pub fn run(&mut self, command: &Command) -> Result<Done, Rejection> {
        let id = self.next_id();
        let from = self.events.len();
        self.touched = Touched::default();
        let (events, refused) = match self.decide(id, command) {
            Ok(decided) => decided,
            Err(rejection) => {
                if let (Rejection::Refused(refusal), Command::PlaceOrder(wish)) = (&rejection, command) {
                    self.commit([promise::refused_event(wish, refusal)]);
                }
                return Err(rejection);
            }
        };
        let begun = self.begin(command);
        self.follow(id, events, matches!(command, Command::GoOn));
        self.keep(RunId::of(id), begun, from);
        Ok(Done { id, events: from..self.events.len(), refused })
    }

    fn decide(&self, id: Uuid, command: &Command) -> Result<(Vec<Event>, Vec<RefusedUnits>), Rejection> {
        let set = self.setting(id);
        let pool_of = |supply: SupplyId| {
            let mut pools = self.shop.pools.values();
            let pool = pools.find(|pool| pool.supply(supply).is_some());
            pool.map(|pool| pool.sku().clone()).ok_or_else(|| Rejection::not_found("supply", supply))
        };
        let events = match command {
            Command::PutLocation(wish) => promise::put_location(set, wish)?,
            Command::PutItem(wish) => promise::put_item(set, wish)?,
            Command::PutPolicy(wish) => promise::put_policy(set, wish)?,
            Command::FollowAdvice(wish) => promise::put_policy(set, &wish.policy)?,
            Command::AddSupply(wish) => promise::add_supply(set, wish)?,
            Command::ChangeSupply(wish) => {
                let sku = pool_of(wish.supply)?;
                let supply = self.shop.pool(&sku).and_then(|pool| pool.supply(wish.supply));
                let excess =
                    supply.zip(wish.quantity).map_or(0, |(supply, units)| promise::excess(supply, units));
                promise::change_supply(set, &sku, wish, &self.last_come(&[(wish.supply, excess)]))?
            }
            Command::CancelSupply(wish) => promise::cancel_supply(set, &pool_of(wish.supply)?, wish)?,
            Command::Receive(wish) => {
                let sku = pool_of(wish.supply)?;
                let supply = self.shop.pool(&sku).and_then(|pool| pool.supply(wish.supply));
                let shares = supply.and_then(|supply| promise::shares(supply, wish).ok());
                let (head, tail) = shares.map_or((0, 0), |shares| (shares.head(), shares.tail()));
                let head = covering(self.queue(wish.supply).into_iter(), head);
                promise::receive(set, &sku, wish, &head, &self.last_come(&[(wish.supply, tail)]))?
            }
            Command::By(_, wish) => return self.decide(id, wish),
            // Beside the goods.
            Command::Pay(_)
            | Command::ChargeShipping(_)
            | Command::Errand(_)
            | Command::SetAllocation(_)
            | Command::SetLineAllocation(_)
            | Command::Reallocate(_)
            | Command::Pack(_)
            | Command::Erase(_)
            | Command::EraseNote(_)
            | Command::Write(_)
            | Command::MarkRead(_)
            | Command::Ask(_)
            | Command::Reply(_)
            | Command::TakeCare(_)
            | Command::ChangeOrder(_)
            | Command::ChangeAddress(_)
            | Command::ChangeMethod(_)
            | Command::Withdraw(_)
            | Command::Substitute(_)
            | Command::KeepPrivate(_)
            | Command::KeepTerms(_)
            | Command::SendPurchase(_)
            | Command::CancelPurchase(_)
            | Command::JoinWaitlist(_)
            | Command::LeaveWaitlist(_) => {
                return Err(Rejection::not_found("waitlist", "in here"));
            }
            Command::UndoRun(run) => self.undo(set, *run)?,
            Command::Inspect(wish) => promise::inspect(set, &pool_of(wish.supply)?, wish)?,
            Command::Adjust(wish) => {
                let pool = self.shop.pool(&wish.sku).filter(|_| wish.delta < 0);
                let short = pool.map(|pool| promise::lots_short(pool, &wish.location, -wish.delta));
                promise::adjust(set, wish, &self.last_come(&short.unwrap_or_default()))?
            }
            Command::SplitSupply(wish) => {
                let sku = pool_of(wish.supply)?;
                let supply = self.shop.pool(&sku).and_then(|pool| pool.supply(wish.supply));
                let excess = supply
                    .map_or(0, |supply| promise::excess(supply, (supply.quantity - wish.quantity).max(0)));
                promise::split_supply(set, &sku, wish, &self.last_come(&[(wish.supply, excess)]))?
            }
            Command::Transfer(wish) => promise::transfer(set, wish)?,
            Command::RingFence(wish) => {
                let sku = match &wish.at {
                    FencedAt::Supply(supply) => pool_of(*supply)?,
                    FencedAt::Location(sku, _) => sku.clone(),
                };
                promise::ring_fence(set, &sku, wish)?
            }
            Command::Count(wish) => {
                let change = self.shop.pool(&wish.sku).and_then(|pool| promise::counted(pool, wish));
                let Some(change) = change else { return Ok((Vec::new(), Vec::new())) };
                return self.decide(id, &Command::Adjust(change));
            }
            Command::WrongArrival(wish) => {
                let pool = pool_of(wish.supply)?;
                let supply = self.shop.pool(&pool).and_then(|pool| pool.supply(wish.supply));
                let change = promise::wrong_arrival(supply.map(|supply| &**supply), wish)?;
                return self.decide(id, &Command::Adjust(change));
            }
            Command::PlaceHold(wish) => promise::place_hold(set, wish)?,
            Command::ReleaseHold(hold) => promise::release_hold(set, *hold)?,
            Command::PlaceOrder(wish) => {
                let placing = promise::place_order(set, wish, &self.bought(wish))?;
                return Ok((placing.events, placing.refused));
            }
            Command::CancelOrder(wish) => promise::cancel_order(set, wish)?,
            Command::Release(wish) => promise::release(set, wish)?,
            Command::TakeBack(wish) => promise::take_back(set, wish)?,
            Command::Ship(wish) => promise::ship(set, wish)?,
            Command::RunDue => {
                let over = self.shop.holds.values().filter(|hold| hold.expires_at <= self.now);
                let mut over: Vec<HoldId> = over.map(|hold| hold.id).collect();
                over.sort_unstable();
                over.into_iter().map(|hold| Event::HoldExpired(HoldGone { hold })).collect()
            }
            // Beside the goods: the engine keeps those itself.
            Command::Message(_) | Command::GoOn => Vec::new(),
        };
        Ok((events, Vec::new()))
    }

    /// Lets whoever would move up as the clock stands now do so, as the engine's daily look does.
    pub fn look_again(&mut self) {
        let owed = || after::Owed::of(model::order::Cause::of("day_passed"), self.now);
        self.unsettled = self.shop.pools.keys().map(|sku| (sku.clone(), owed())).collect();
        let id = self.next_id();
        self.touched = Touched::default();
        self.follow(id, Vec::new(), true);
    }

    /// Pools in which lines may still move up: what the last command led to is not over there.
    pub fn unsettled(&self) -> BTreeSet<Sku> {
        self.unsettled.keys().cloned().collect()
    }

    fn setting(&self, command: Uuid) -> Setting<'_> {
        Setting { shop: &self.shop, now: self.now, command }
    }

    /// An id that sorts by time, then by the count of commands; its last four bytes are zero.
    fn next_id(&mut self) -> Uuid {
        self.commands += 1;
        let millis = u128::try_from(self.now.as_millisecond()).unwrap_or(0);
        let low = u128::from(self.commands);
        Uuid::from_u128(millis << 80 | 0x7 << 76 | 0x2 << 62 | low << 32)
    }

    /// Applies events. Panics where one does not fit: then the core is wrong.
    fn commit(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if let Err(error) = self.shop.apply(&event, &mut self.touched) {
                panic!("{} cannot be applied: {error}\n{event:#?}", event.kind());
            }
            self.events.push(event);
        }
    }

    /// Units that the customer has in open and shipped orders.
    pub fn bought(&self, wish: &PlaceOrder) -> Bought {
        let mut bought = Bought::new();
        let orders = self.shop.orders.values().filter(|order| order.customer == wish.customer);
        for line in orders.filter(|order| order.customer.is_some()).flat_map(|order| &order.lines) {
            *bought.entry(line.sku.clone()).or_default() += line.quantity - line.cancelled;
        }
        bought
    }

    /// The lines with units of a supply, first come first.
    pub fn queue(&self, supply: SupplyId) -> Vec<Waiting> {
        let lines = self.shop.orders.values().flat_map(|order| {
            order.lines.iter().flat_map(move |line| {
                let pegs = line.pegs.iter().filter(move |peg| peg.supply == supply);
                let id = model::id::LineId { order: order.id, no: line.no };
                pegs.map(move |peg| Waiting { line: id, quantity: peg.quantity })
            })
        });
        let mut lines: Vec<Waiting> = lines.collect();
        lines.sort_unstable_by_key(|waiting| waiting.line);
        lines
    }

    fn last_come(&self, needed: &[(SupplyId, Units)]) -> Queues {
        let movable = |supply: SupplyId| {
            let lines = self.queue(supply).into_iter().rev().filter_map(move |waiting| {
                let line = self.order_of(waiting.line.order).line(waiting.line.no)?;
                let quantity = waiting.quantity - line.released_on(supply);
                (quantity > 0).then_some(Waiting { quantity, ..waiting })
            });
            lines.collect::<Vec<_>>()
        };
        let of =
            |(supply, units): &(SupplyId, Units)| (*supply, covering(movable(*supply).into_iter(), *units));
        needed.iter().map(of).collect()
    }

    /// Lines with units at a location that are not with fulfilment, in their turn to be handed over.
    pub fn allocated(&self, location: &LocationId) -> Vec<LineId> {
        let is_there = |peg: &Peg| {
            let supply = self.shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
            supply.is_some_and(|supply| supply.is_on_hand() && supply.location == *location)
        };
        let lines = self.shop.orders.values().flat_map(|order| {
            let is_left = move |line: &&Line| {
                line.pegs.iter().any(|peg| is_there(peg) && line.released_on(peg.supply) < peg.quantity)
            };
            order.lines.iter().filter(is_left).map(|line| {
                let told = line.told().and_then(|told| told.ship_by.promised);
                promise::turn(LineId { order: order.id, no: line.no }, told)
            })
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_unstable();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Places an order.
    pub fn order(&mut self, ask: crate::ask::Ask) -> Result<OrderId, Rejection> {
        self.run(&Command::PlaceOrder(Box::new(ask.order()))).map(|done| OrderId(done.id))
    }

    /// Holds units for a cart.
    pub fn hold(&mut self, wish: PlaceHold) -> Result<HoldId, Rejection> {
        self.run(&Command::PlaceHold(wish)).map(|done| HoldId(done.id))
    }

    /// An order as it is. Panics where there is none.
    pub fn order_of(&self, id: OrderId) -> &Order {
        self.shop.orders.get(&id).expect("an order that was placed")
    }

    /// An order as it is shown.
    pub fn view(&self, id: OrderId) -> OrderView {
        promise::order_view(&self.shop, self.order_of(id), self.now)
    }

    /// The answer a shopper gets.
    pub fn available(&self, wish: &PlaceOrder) -> Option<Availability> {
        let line = wish.lines.first()?;
        let question = Question {
            quantity: line.quantity,
            channel: &wish.channel,
            group: wish.group.as_deref(),
            country: wish.country.as_deref(),
        };
        promise::availability::availability(&self.shop, &line.sku, question, self.now)
    }
}

/// As many lines as cover so many units.
fn covering(lines: impl Iterator<Item = Waiting>, units: Units) -> Vec<Waiting> {
    let mut left = units;
    lines
        .take_while(|waiting| {
            let wanted = left > 0;
            left -= waiting.quantity;
            wanted
        })
        .collect()
}

/// The id of a step that follows a command.
fn step(command: Uuid, step: u16) -> Uuid {
    step_of(command, step)
}
