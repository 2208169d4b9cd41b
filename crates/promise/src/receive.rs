//! Goods arrive: one row turns from due to on hand, and every line behind it with it.

use model::{
    command::Receive,
    event::{Event, SupplyReceived},
    id::Sku,
    refusal::{Refusal, RefusalCode, Rejection},
};

use crate::{Decision, Setting, supply::due_supply};

/// Books a supply in, as a whole. Its pool is loaded.
///
/// Refusals: `supply_closed`, `already_received`. Another number of units than expected is not taken.
pub fn receive(set: Setting<'_>, sku: &Sku, wish: &Receive) -> Decision {
    let (_, supply) = due_supply(set, sku, wish.supply)?;
    let accepted = wish.accepted.unwrap_or(supply.quantity);
    if accepted != supply.quantity {
        let detail = format!(
            "{} units were expected: change the supply's quantity to {accepted} first, then receive it",
            supply.quantity
        );
        return Err(Rejection::field("/accepted", "not_as_expected", detail));
    }
    if accepted == 0 {
        return Err(Refusal::new(RefusalCode::SupplyClosed, format!("{} has no units", supply.id)).into());
    }
    Ok(vec![Event::SupplyReceived(SupplyReceived {
        supply: supply.id,
        sku: supply.sku.clone(),
        accepted,
        expected: supply.quantity,
        received_at: set.now,
    })])
}
