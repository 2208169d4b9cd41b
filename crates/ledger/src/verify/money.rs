//! Invariant 6: captured - refunded = earned + owed, for each line of each stored account, by plain JSON; what the ledger says was
//! charged is what accounts say came; and the sums of days are those of the accounts.

use std::{collections::BTreeMap, hash::Hasher};

use model::id::TenantId;
use rustc_hash::FxHasher;
use serde_json::Value;

use super::{
    Report,
    cursor::{Cursor, Key},
};
use crate::{
    Audit, StoreError,
    audit::{
        Cell::{self, Text},
        RECORDS, Row,
    },
};

/// Money by currency, and a print of whose it is: equal only where each order has the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    amount: i128,
    print: u64,
}

impl Sum {
    fn add(&mut self, order: &[u8], amount: i64) {
        let mut hasher = FxHasher::default();
        hasher.write(order);
        self.amount += i128::from(amount);
        self.print =
            self.print.wrapping_add(hasher.finish().wrapping_mul(u64::from_ne_bytes(amount.to_ne_bytes())));
    }
}

/// What the ledger says was charged, by currency.
#[derive(Default)]
pub(super) struct Charged(BTreeMap<String, Sum>);

impl Charged {
    /// Counts what an entry says came.
    pub(super) fn note(&mut self, kind: &str, row: &Row, report: &mut Report) {
        if kind != "charged" {
            return;
        }
        let (Some(Cell::Bytes(order)), Some(Text(data))) = (row.get(4), row.get(5)) else { return };
        let counted = serde_json::from_str(data).ok().and_then(|data: Value| {
            // An entry's own words stand beside the records it sets.
            let money = &data["data"]["amount"];
            let currency = money["currency"].as_str()?.to_owned();
            self.0.entry(currency).or_default().add(order, money["amount"].as_i64()?);
            Some(())
        });
        if counted.is_none() {
            report.found("money", format_args!("event {} ({kind}) does not say how much", row[0]));
        }
    }
}

/// Captured, refunded and earned.
type Flow = [i128; 3];

/// Checks every account, and all of them against what the ledger says and what the days' sums say.
pub(super) fn run(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    charged: Option<&Charged>,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut captured: BTreeMap<String, Sum> = BTreeMap::new();
    let mut accounts: BTreeMap<String, Flow> = BTreeMap::new();
    let mut days: BTreeMap<String, Flow> = BTreeMap::new();
    let mut cursor = Cursor::new(&RECORDS, tenant);
    while let Some(row) = cursor.next(audit)? {
        let kind = &row[0];
        let body = match &row[5] {
            Text(body) => serde_json::from_str::<Value>(body).unwrap_or(Value::Null),
            _ => continue,
        };
        if *kind == Text("account".to_owned()) {
            if account(&row, &body, &mut captured, &mut accounts, report).is_none() {
                report.found("money", format_args!("{}: not in the form of an account", Key(&RECORDS, &row)));
            }
        } else if *kind == Text("prepayments".to_owned()) {
            let read = day(&body);
            let Some((currency, flow)) = read else {
                report.found("money", format_args!("{}: not in the form of sums", Key(&RECORDS, &row)));
                continue;
            };
            add(days.entry(currency).or_default(), flow);
        }
    }
    let nothing = |flow: &Flow| flow.iter().all(|amount| *amount == 0);
    accounts.retain(|_, flow| !nothing(flow));
    days.retain(|_, flow| !nothing(flow));
    if accounts != days {
        report.found("money", format_args!("the sums of days say {days:?}, the accounts {accounts:?}"));
    }
    if let Some(Charged(charged)) = charged {
        captured.retain(|_, sum| *sum != Sum::default());
        if captured != *charged {
            report.found(
                "money",
                format_args!(
                    "the ledger's entries say {charged:?} was charged, the accounts {captured:?} (or others)"
                ),
            );
        }
    }
    Ok(())
}

fn add(sum: &mut Flow, flow: Flow) {
    sum.iter_mut().zip(flow).for_each(|(sum, more)| *sum += more);
}

fn day(body: &Value) -> Option<(String, Flow)> {
    let amount = |name: &str| body["flow"][name].as_i64().map(i128::from);
    let flow = [amount("captured")?, amount("refunded")?, amount("earned")?];
    Some((body["currency"].as_str()?.to_owned(), flow))
}

/// Adds one account up, line by line; `None`: it is none.
fn account(
    row: &Row,
    body: &Value,
    captured: &mut BTreeMap<String, Sum>,
    accounts: &mut BTreeMap<String, Flow>,
    report: &mut Report,
) -> Option<()> {
    let account = &body["account"];
    let currency = account["currency"].as_str()?;
    let key = Key(&RECORDS, row);
    let Text(id) = &row[1] else { return None };
    let order: model::id::OrderId = id.parse().ok()?;
    let mut flow: Flow = [0; 3];
    for (number, line) in account["lines"].as_object()? {
        let number: i64 = number.parse().ok()?;
        let of = |name: &str| line[name].as_i64();
        let (mut came, mut gone) = (0_i64, 0_i64);
        for charge in account["charges"].as_object()?.values() {
            for part in charge["parts"].as_array()?.iter().filter(|part| part["line"] == number) {
                came = came.checked_add(part["captured"].as_i64()?)?;
                gone = gone.checked_add(part["refunded"].as_i64()?)?;
            }
        }
        let (mut held, mut in_shipments) = (0_i64, 0_i64);
        for shipment in account["shipments"].as_object()?.values() {
            if shipment["state"] == "left" || shipment["state"] == "dropped" {
                continue;
            }
            for part in shipment["parts"].as_array()?.iter().filter(|part| part["line"] == number) {
                held = held.checked_add(part["held"].as_i64()?)?;
                in_shipments = in_shipments.checked_add(part["units"].as_i64()?)?;
            }
        }
        let sold = of("price")?.checked_mul(of("shipped")?)?;
        let earned = sold.checked_sub(of("receivable")?)?.checked_sub(of("conceded")?)?;
        let owed = of("prepaid")?
            .checked_add(of("refund_due")?)?
            .checked_add(of("refunding")?)?
            .checked_add(held)?;
        let refunded = gone.checked_sub(of("refunding")?)?;
        if came.checked_sub(refunded)? != earned.checked_add(owed)? || owed < 0 || earned < 0 {
            report.found(
                "money",
                format_args!(
                    "{key} line {number}: {came} came and {refunded} went back, {earned} is earned and {owed} owed"
                ),
            );
        }
        let units = of("open")?.checked_add(in_shipments)?.checked_add(of("shipped")?)?;
        if units.checked_add(of("cancelled")?)? != of("ordered")? {
            report.found("money", format_args!("{key} line {number}: its units do not add up"));
        }
        captured.entry(currency.to_owned()).or_default().add(&order.bytes()[..], came);
        add(&mut flow, [i128::from(came), i128::from(refunded), i128::from(earned)]);
    }
    // One from before days were summed is counted when it next changes.
    if body["counted"] == true {
        add(accounts.entry(currency.to_owned()).or_default(), flow);
    }
    Some(())
}
