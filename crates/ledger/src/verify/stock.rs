//! What must be here by the ledger alone: received and adjusted, less written off and shipped. Reads plain JSON and not the model.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Report, replay::supply_of};
use crate::audit::{Cell, Row};

/// Units here by supply, in quarantine too; those at zero are left out, so that used-up supplies take no memory.
#[derive(Default)]
pub(super) struct Stock {
    pub(super) here: FxHashMap<[u8; 16], i64>,
}

impl Stock {
    /// Counts what an event says about goods that are here.
    pub(super) fn note(&mut self, kind: &str, row: &Row, report: &mut Report) {
        let count = match kind {
            "supply_received" => Self::receive,
            "supply_inspected" => Self::inspect,
            "stock_adjusted" => Self::adjust,
            "shipped" => Self::ship,
            "run_undone" => Self::undo,
            _ => return,
        };
        let Some(Cell::Text(data)) = row.get(5) else { return };
        let counted = serde_json::from_str(data).ok().and_then(|data: Value| count(self, &data));
        if counted.is_none() {
            report.found("stock", format_args!("event {} ({kind}): its units do not add up", row[0]));
        }
    }

    /// Good units are in the supply itself, or in a lot beside what is still due; damaged ones in quarantine. What was
    /// expected is accounted for: come, or still due, unless no more will come.
    fn receive(&mut self, data: &Value) -> Option<()> {
        let units = |value: &Value| value.as_i64().or(value.is_null().then_some(0));
        let (accepted, damaged) = (units(&data["accepted"])?, units(&data["damaged"])?);
        let rest = &data["rest"];
        if rest.is_null() {
            self.count(&data["supply"], accepted)?;
        } else {
            let due = rest["quantity"].as_i64().filter(|due| *due > 0)?;
            let all = accepted.checked_add(damaged)?.checked_add(due)?;
            if all != data["expected"].as_i64()? {
                return None;
            }
            if rest["into"].is_null() {
                self.open(&rest["lot"], accepted)?;
            } else {
                // More of a receipt whose first units opened the lot.
                self.count(
                    &rest["into"],
                    Some(accepted).filter(|units| *units > 0 && rest["lot"].is_null())?,
                )?;
            }
        }
        self.open(&data["quarantine"], damaged)
    }

    /// What was kept back leaves quarantine; the good of it are in a lot.
    fn inspect(&mut self, data: &Value) -> Option<()> {
        let (good, written_off) = (data["good"].as_i64()?, data["written_off"].as_i64()?);
        self.count(&data["supply"], good.checked_add(written_off)?.checked_neg()?)?;
        self.open(&data["lot"], good)
    }

    /// A supply that is opened with so many units, and is there unless they are none.
    fn open(&mut self, supply: &Value, units: i64) -> Option<()> {
        match (supply.is_null(), units) {
            (true, 0) => Some(()),
            (false, 1..) if supply["quantity"].as_i64() == Some(units) => self.count(&supply["id"], units),
            _ => None,
        }
    }

    fn count(&mut self, supply: &Value, units: i64) -> Option<()> {
        let supply = supply_of(supply.as_str()?)?;
        let sum = self.here.get(&supply).copied().unwrap_or(0).checked_add(units)?;
        if sum == 0 {
            self.here.remove(&supply);
        } else {
            self.here.insert(supply, sum);
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

    /// What came by the run is here no more.
    fn undo(&mut self, data: &Value) -> Option<()> {
        for taken in data["unreceived"].as_array().into_iter().flatten() {
            self.count(&taken[0], taken[1].as_i64().filter(|units| *units > 0)?.checked_neg()?)?;
        }
        Some(())
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
