//! Playing the story: every command through the engine, as a busy shop would send them.

use std::{collections::VecDeque, sync::Arc};

use anyhow::{Context, bail};
use engine::{Answered, Engine, Failure, Request, Stamps};
use model::{
    command::{Command, Ship},
    id::{OrderId, TenantId},
    order::{Line, Order, ShipChoice},
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
/// Most orders looked at in one read.
const PACKED_AT_ONCE: usize = 400;

/// What came of the story.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Commands executed.
    pub commands: usize,
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
/// Errors: the store failed, or a step that should have been taken was not; what was played until then stays.
pub fn play(
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
        opened: Vec::with_capacity(total),
        in_flight: VecDeque::new(),
        table: Vec::new(),
        summary: Summary::default(),
    };
    for (place, Step { at, mut command }) in steps.into_iter().enumerate() {
        rename(&mut command, |name| player.opened.get(place_of(name)).copied().unwrap_or(*name));
        match command {
            Command::Ship(ship) => {
                if player.table.last().is_some_and(|(_, packed)| *packed != at) && !player.is_packed(at) {
                    player.pack()?;
                }
                player.opened.push([0; 16]);
                player.table.push((ship, at));
            }
            mut command => {
                player.pack()?;
                if let Command::PlaceOrder(wish) = &mut command {
                    wish.customer = wish.contact.email.as_deref().map(|email| customer_key(salt, email));
                }
                player.send(at, command)?;
            }
        }
        if place % 100 == 0 {
            progress(place, total);
        }
    }
    player.pack()?;
    player.settle(0)?;
    progress(total, total);
    Ok(player.summary)
}
