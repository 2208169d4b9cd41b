//! Decisions on goods: what can be promised, which units fill which line, and what follows when supply changes.
//!
//! Pure: a decision reads a [`Shop`] (the part of it that is loaded), a wish and the time, and answers with the events
//! that make it so, or says why not. It never changes the shop: [`Shop::apply`] does, with the events.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod availability;
mod cancel;
mod changed;
mod dates;
mod fence;
mod gains;
pub mod lateness;
mod moves;
mod place;
mod receive;
mod release;
mod settings;
mod ship;
mod source;
mod stock;
mod supply;
mod take_back;
mod undo;
mod view;

use std::collections::BTreeMap;

use model::{
    Units,
    event::Event,
    id::{Sku, SupplyId},
    order::Waiting,
    refusal::Rejection,
    state::Shop,
    time::Timestamp,
};
use uuid::Uuid;

pub use cancel::cancel_order;
pub use changed::{Changed, changed};
pub use dates::{deliver_with, supply_ship_by};
pub use fence::{fence_tag, fenced_stock, give_back, ring_fence};
pub use gains::{QueueNeed, gaining, queues_needed};
pub use moves::{Settled, Stretch, Stretches, rearrange, reissue, settle};
pub use place::{Placing, place_hold, place_order, refused_event, release_hold};
pub use receive::{Shares, inspect, receive, receive_more, shares};
pub use release::{Handover, ready, release, released_lines, turn};
pub use settings::{check_match, etag, put_item, put_location, put_policy};
pub use ship::ship;
pub use stock::{adjust, counted, lots_short, transfer, wrong_arrival};
pub use supply::{add_supply, cancel_supply, change_supply, excess, split_supply};
pub use take_back::take_back;
pub use undo::{Undo, undo_run};
pub use view::{LineStands, hold_view, open_lines, order_view, placed_view, release_day, supply_view};

/// What every decision is given beside the wish itself.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The shop, with everything loaded that the wish names.
    pub shop: &'a Shop,
    /// The moment of the decision.
    pub now: Timestamp,
    /// The command's own id: what it opens is named after it. Its last four bytes are zero.
    pub command: Uuid,
}

/// The events that make a wish so, in order.
pub type Decision = Result<Vec<Event>, Rejection>;

/// The ends of queues: lines with a peg on a supply from which units are taken away, last come first.
pub type Queues = BTreeMap<SupplyId, Vec<Waiting>>;

/// Units of a SKU that the customer has in open and shipped orders.
pub type Bought = BTreeMap<Sku, Units>;
