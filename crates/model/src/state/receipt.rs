//! What goods that arrive do to a shop.

use super::{Inconsistent, Shop, Touched};
use crate::{
    id::{Sku, SupplyId},
    receipt::{StillDue, SupplyInspected, SupplyReceived},
    supply::{SupplyKind, SupplyState},
};

impl Shop {
    pub(super) fn receive(
        &mut self,
        receipt: &SupplyReceived,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        if let Some(quarantine) = &receipt.quarantine {
            self.open_supply(quarantine, touched)?;
        }
        match &receipt.rest {
            Some(rest) => self.receive_part(receipt, rest, touched),
            None if receipt.accepted == 0 => self.lose(&receipt.sku, receipt.supply, touched),
            None => self.change_supply(&receipt.sku, receipt.supply, touched, |supply| {
                supply.state = SupplyState::OnHand;
                supply.quantity = receipt.accepted;
                supply.received_at = Some(receipt.received_at);
            }),
        }
    }

    fn receive_part(
        &mut self,
        receipt: &SupplyReceived,
        rest: &StillDue,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        if let Some(lot) = &rest.lot {
            self.open_supply(lot, touched)?;
        }
        if let Some(lot) = rest.into {
            self.change_supply(&receipt.sku, lot, touched, |lot| lot.quantity += receipt.accepted)?;
        }
        self.move_units(&receipt.sku, &rest.moves, touched)?;
        self.change_supply(&receipt.sku, receipt.supply, touched, |supply| {
            supply.quantity = rest.quantity;
            supply.expected_on = rest.expected_on;
        })
    }

    /// What was promised from it is still promised: the supply becomes the list of that, in one row.
    pub(super) fn lose(
        &mut self,
        sku: &Sku,
        id: SupplyId,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        self.change_supply(sku, id, touched, |supply| {
            supply.kind = SupplyKind::Shortfall;
            supply.state = SupplyState::Due;
            supply.expected_on = None;
            supply.ring_fenced = Vec::new();
            supply.quantity -= supply.free();
        })?;
        self.close_if_unclaimed(sku, id, touched)
    }

    pub(super) fn inspect(
        &mut self,
        inspected: &SupplyInspected,
        touched: &mut Touched,
    ) -> Result<(), Inconsistent> {
        let SupplyInspected { supply, sku, .. } = inspected;
        self.change_supply(sku, *supply, touched, |supply| {
            supply.quantity -= inspected.good + inspected.written_off;
        })?;
        if self.pool(sku).and_then(|pool| pool.supply(*supply)).is_some_and(|supply| supply.quantity == 0) {
            self.close_supply(sku, *supply, touched)?;
        }
        inspected.lot.iter().try_for_each(|lot| self.open_supply(lot, touched))
    }
}
