//! How a story speaks of orders, supplies and holds before they exist: by the place in the story of the step that opens them.
//!
//! What a command opens is named after the command, so the teller only has to know where it stands, and whoever plays the
//! story puts the real ids in their place.

use model::{
    command::Command,
    id::{LineId, OrderId, SupplyId},
};

/// The order that the step at this place opens.
pub(super) fn order_at(place: usize) -> OrderId {
    OrderId::from_bytes(bytes(place))
}

/// The supply that the step at this place opens.
pub(super) fn supply_at(place: usize) -> SupplyId {
    SupplyId::from_bytes(bytes(place))
}

/// The place that a name stands for.
pub(super) fn place_of(name: &[u8; 16]) -> usize {
    usize::try_from(u128::from_be_bytes(*name)).unwrap_or(usize::MAX)
}

fn bytes(place: usize) -> [u8; 16] {
    u128::try_from(place).unwrap_or(u128::MAX).to_be_bytes()
}

/// Puts other names in the place of those that a command refers to.
pub(super) fn rename(command: &mut Command, name: impl Fn(&[u8; 16]) -> [u8; 16]) {
    let order = |id: &mut OrderId| *id = OrderId::from_bytes(name(id.bytes()));
    let supply = |id: &mut SupplyId| *id = SupplyId::from_bytes(name(id.bytes()));
    match command {
        Command::ChangeSupply(wish) => supply(&mut wish.supply),
        Command::CancelSupply(wish) => supply(&mut wish.supply),
        Command::Receive(wish) => supply(&mut wish.supply),
        Command::Inspect(wish) => supply(&mut wish.supply),
        Command::CancelOrder(wish) => {
            order(&mut wish.order);
            wish.lines.iter_mut().for_each(|(LineId { order: id, .. }, _)| order(id));
        }
        Command::Ship(wish) => {
            order(&mut wish.order);
            wish.lines.iter_mut().for_each(|(LineId { order: id, .. }, _)| order(id));
        }
        // The others refer to nothing that the story opens, or are not in it: its holds live, or run out by themselves, and it
        // packs nothing by name.
        _ => {}
    }
}
