//! What undoing a run does to a shop.

use super::{Inconsistent, Shop, Touched};
use crate::{
    run::RunUndone,
    supply::{Supply, SupplyKind},
};

impl Shop {
    pub(super) fn undo(&mut self, undone: &RunUndone, touched: &mut Touched) -> Result<(), Inconsistent> {
        for supply in &undone.reopened {
            self.open_supply(supply, touched)?;
        }
        let restored = &undone.restored;
        // Lines that come back need room before they come, those that leave have left only after: so the supply is as
        // large as either way needs until all have moved.
        self.change_supply(&undone.sku, restored.id, touched, |supply| {
            let quantity = supply.quantity.max(restored.quantity);
            let Supply { kind, state, expected_on, lateness, received_at, .. } = restored.clone();
            *supply = Supply {
                kind,
                state,
                expected_on,
                lateness,
                received_at,
                quantity: if kind == SupplyKind::Shortfall { supply.quantity } else { quantity },
                // Who comes back must find room; what is ring-fenced is so again when all have moved.
                ring_fenced: Vec::new(),
                ..supply.clone()
            };
        })?;
        self.move_units(&undone.sku, &undone.moves, touched)?;
        self.change_supply(&undone.sku, restored.id, touched, |supply| {
            supply.quantity = restored.quantity;
            supply.ring_fenced.clone_from(&restored.ring_fenced);
        })?;
        for id in &undone.closed {
            let lot = self.pool(&undone.sku).and_then(|pool| pool.supply(*id));
            if lot.is_some_and(|lot| !lot.claims.is_empty()) {
                return Err(Inconsistent::Overclaimed(*id));
            }
            self.close_supply(&undone.sku, *id, touched)?;
        }
        self.keep_record(&undone.record, touched);
        Ok(())
    }
}
