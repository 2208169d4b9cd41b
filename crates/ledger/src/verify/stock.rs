//! What must be on hand by the ledger alone: received and adjusted, less shipped. Reads plain JSON and not the model.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Report, replay::supply_of};
use crate::audit::{Cell, Row};

/// Units on hand by supply; those at zero are left out, so that used-up supplies take no memory.
#[derive(Default)]
pub(super) struct Stock {
    pub(super) on_hand: FxHashMap<[u8; 16], i64>,
}

impl Stock {
    /// Counts what an event says about goods that are here.
    pub(super) fn note(&mut self, kind: &str, row: &Row, report: &mut Report) {
        if !matches!(kind, "supply_received" | "stock_adjusted" | "shipped") {
            return;
        }
        let Some(Cell::Text(data)) = row.get(5) else { return };
        let counted = serde_json::from_str(data).ok().and_then(|data: Value| match kind {
            "supply_received" => self.add(&data["supply"], &data["accepted"]),
            "stock_adjusted" => self.adjust(&data),
            _ => self.ship(&data),
        });
        if counted.is_none() {
            report.found("stock", format_args!("event {} ({kind}): its units do not add up", row[0]));
        }
    }

    fn add(&mut self, supply: &Value, units: &Value) -> Option<()> {
        self.count(supply, units.as_i64()?)
    }

    fn count(&mut self, supply: &Value, units: i64) -> Option<()> {
        let supply = supply_of(supply.as_str()?)?;
        let sum = self.on_hand.get(&supply).copied().unwrap_or(0).checked_add(units)?;
        if sum == 0 {
            self.on_hand.remove(&supply);
        } else {
            self.on_hand.insert(supply, sum);
        }
        Some(())
    }

    /// Each lot changes by so many units, and all of them by what was said.
    fn adjust(&mut self, data: &Value) -> Option<()> {
        let mut sum: i64 = 0;
        let opened = &data["opened"];
        if !opened.is_null() {
            let units = opened["quantity"].as_i64()?;
            self.count(&opened["id"], units)?;
            sum = units;
        }
        for lot in data["lots"].as_array()? {
            let units = lot[1].as_i64()?;
            self.count(&lot[0], units)?;
            sum = sum.checked_add(units)?;
        }
        (sum == data["delta"].as_i64()?).then_some(())
    }

    fn ship(&mut self, data: &Value) -> Option<()> {
        for line in data["lines"].as_array()? {
            for peg in line["from"].as_array()? {
                self.count(&peg["supply"], peg["quantity"].as_i64()?.checked_neg()?)?;
            }
        }
        Some(())
    }
}
