//! Playing the story: every command through the engine, as a busy shop would send them.

use std::collections::VecDeque;

use anyhow::{Context, bail};
use engine::{Answered, Detail, Engine, Failure, Request, Stamps};
use model::{
    command::{Command, Ship},
    id::{OrderId, Sku, TenantId},
    order::{Line, Order, Peg, ShipChoice},
    refusal::{RefusalCode, Rejection},
    state::Shop,
    time::Timestamp,
};
use server::app::customer_key;
use tokio::sync::oneshot;

use super::{
    names::{place_of, rename},
    story::{Step, story},
};

/// Most commands in flight: what the engine puts in one transaction.
const IN_FLIGHT_MAX: usize = 2_048;

/// What came of the story.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Orders accepted.
    pub orders: usize,
    /// Orders refused, as some are in every shop: demand that was lost.
    pub refused: usize,
    /// Parcels sent.
    pub parcels: usize,
}

/// Plays the story of the sample shop on an engine, up to a moment. The tenant exists and has nothing yet.
///
/// `salt` is the tenant's; `progress` is told how many of how many steps are done. Blocks: call it from a thread that may.
/// Errors: the store failed, or a step was refused that no shop would see refused; what was played until then stays.
pub(crate) fn play(
    engine: &Engine,
    stamps: &Stamps,
    tenant: &TenantId,
    salt: &[u8; 32],
    seed: u64,
    now: Timestamp,
    mut progress: impl FnMut(usize, usize),
) -> anyhow::Result<Summary> {
    let steps = story(seed, now);
    let total = steps.len();
    let mut player = Player {
        engine,
        stamps,
        tenant,
        in_flight: VecDeque::new(),
        table: Vec::new(),
        packing: None,
        summary: Summary::default(),
    };
    let mut opened: Vec<[u8; 16]> = Vec::with_capacity(total);
    for (place, Step { at, mut command }) in steps.into_iter().enumerate() {
        rename(&mut command, |name| opened.get(place_of(name)).copied().unwrap_or(*name));
        if player.packing.is_some_and(|packing| packing != at) {
            player.pack()?;
        }
        match command {
            Command::Ship(ship) => {
                player.packing = Some(at);
                player.table.push(Waiting { ship, parcels: 0 });
                opened.push([0; 16]);
            }
            mut command => {
                if let Command::PlaceOrder(wish) = &mut command {
                    wish.customer = wish.contact.email.as_deref().map(|email| customer_key(salt, email));
                }
                opened.push(player.send(at, command)?);
            }
        }
        if place % 64 == 0 {
            progress(place, total);
        }
    }
    player.pack()?;
    player.settle(0)?;
    progress(total, total);
    let Summary { orders, refused, parcels } = player.summary;
    tracing::info!(orders, refused, parcels, "the sample shop is open");
    Ok(player.summary)
}

struct Player<'a> {
    engine: &'a Engine,
    stamps: &'a Stamps,
    tenant: &'a TenantId,
    in_flight: VecDeque<Sent>,
    /// Orders on the packers' table: not all of each was sent when they last looked.
    table: Vec<Waiting>,
    /// When the packers are to look at their table.
    packing: Option<Timestamp>,
    summary: Summary,
}

struct Sent {
    kind: Kind,
    at: Timestamp,
    answer: oneshot::Receiver<Result<Answered, Failure>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    Cancel,
    Parcel,
    /// Units taken from a shelf.
    Taken,
    Other,
}

struct Waiting {
    ship: Ship,
    /// Parcels sent of it so far.
    parcels: u32,
}

impl Player<'_> {
    /// Sends a command and returns the bytes of what it opens: ids are named after commands.
    fn send(&mut self, at: Timestamp, command: Command) -> anyhow::Result<[u8; 16]> {
        self.settle(IN_FLIGHT_MAX - 1)?;
        let kind = match &command {
            Command::PlaceOrder(_) => Kind::Order,
            Command::CancelOrder(_) => Kind::Cancel,
            Command::Ship(_) => Kind::Parcel,
            Command::Adjust(wish) if wish.delta < 0 => Kind::Taken,
            _ => Kind::Other,
        };
        let id = self.stamps.next(at);
        let request =
            Request { tenant: self.tenant.clone(), now: at, id, command, key: None, detail: Detail::Done };
        let answer = self.engine.send(request).context("the sample shop could not be made")?;
        self.in_flight.push_back(Sent { kind, at, answer });
        Ok(*id.as_bytes())
    }

    /// Waits for answers until so many commands are left in flight.
    fn settle(&mut self, left: usize) -> anyhow::Result<()> {
        while self.in_flight.len() > left
            && let Some(Sent { kind, at, answer }) = self.in_flight.pop_front()
        {
            let answered = answer.blocking_recv().map_err(|_| Failure::Stopped).and_then(|answer| answer);
            let answered = answered.context("the sample shop could not be made")?;
            match (kind, answered.outcome) {
                (Kind::Order, Ok(_)) => self.summary.orders += 1,
                (Kind::Parcel, Ok(_)) => self.summary.parcels += 1,
                (_, Ok(_)) => {}
                (Kind::Order, Err(Rejection::Refused(_))) => self.summary.refused += 1,
                (Kind::Cancel, Err(rejection)) if comes_too_late(&rejection) => {}
                (Kind::Taken, Err(rejection)) if is_empty_shelf(&rejection) => {}
                (kind, Err(rejection)) => {
                    bail!("the sample shop could not be made: {kind:?} of {at}: {rejection:?}")
                }
            }
        }
        Ok(())
    }

    /// Sends what is here of the orders on the table; what is not stays there for the next time.
    fn pack(&mut self) -> anyhow::Result<()> {
        let Some(at) = self.packing.take() else { return Ok(()) };
        self.settle(0)?;
        let ids: Vec<OrderId> = self.table.iter().map(|waiting| waiting.ship.order).collect();
        let orders = self.engine.store().reader()?.orders(self.tenant, &ids)?;
        let pegs = orders.iter().flat_map(|order| &order.lines).flat_map(|line| &line.pegs);
        let mut skus: Vec<Sku> = pegs.map(|peg| peg.sku.clone()).collect();
        skus.sort_unstable();
        skus.dedup();
        let shop = self.engine.snapshots().shop(self.tenant, &skus)?;
        for mut waiting in std::mem::take(&mut self.table) {
            // An order that was refused is not there, one that was sent or called off is done with.
            let order = orders.iter().find(|order| order.id == waiting.ship.order && order.is_open());
            let Some(order) = order else { continue };
            if is_ready(&shop, order) {
                let mut ship = Ship { shipped_at: at, ..waiting.ship.clone() };
                if waiting.parcels > 0 {
                    ship.tracking =
                        ship.tracking.map(|number| format!("{number}-{}", waiting.parcels + 1).into());
                }
                waiting.parcels += 1;
                self.send(at, Command::Ship(ship))?;
            }
            self.table.push(waiting);
        }
        Ok(())
    }
}

/// Whether a cancel was refused as some are in every shop: the order was refused or is on its way.
fn comes_too_late(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::NotFound { .. } => true,
        Rejection::Refused(refusal) => {
            matches!(refusal.code, RefusalCode::AlreadyShipped | RefusalCode::AlreadyCancelled)
        }
        _ => false,
    }
}

/// Whether units could not be taken since all were sold or are in carts: how many are left hangs on the time of day of it all.
fn is_empty_shelf(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Invalid(errors) => errors.iter().all(|error| error.code == "not_there"),
        Rejection::Refused(refusal) => refusal.code == RefusalCode::UnitsPromised,
        _ => false,
    }
}

/// Whether there is something to send: all that is open where the order ships complete, else any part.
fn is_ready(shop: &Shop, order: &Order) -> bool {
    let mut open = order.lines.iter().filter(|line| line.open() > 0);
    match order.ship {
        ShipChoice::Complete => open.all(|line| line.pegs.iter().all(|peg| is_here(shop, peg))),
        ShipChoice::AsAvailable => open.any(|line| has_units_here(shop, line)),
    }
}

/// Whether a line has units here; of a kit, every component of all that is open.
fn has_units_here(shop: &Shop, line: &Line) -> bool {
    let mut pegs = line.pegs.iter();
    if line.recipe.is_empty() {
        pegs.any(|peg| is_here(shop, peg))
    } else {
        pegs.all(|peg| is_here(shop, peg))
    }
}

fn is_here(shop: &Shop, peg: &Peg) -> bool {
    let supply = shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
    supply.is_some_and(|supply| supply.is_on_hand())
}
