//! What was taken for goods and is not earned yet, by SKU and day: each change of an account is added to the day's sums, in the
//! entry that makes it.

use std::{collections::BTreeMap, sync::Arc};

use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    id::{OrderId, Sku, TenantId},
    money::Currency,
    record::Record,
    time::{Date, Timestamp, Zone, local_date},
};
use obligation::payment::{Account, Flow};
use serde::{Deserialize, Serialize};

use crate::{answer::Failure, working::Working};

/// The kind of the records that are sums of a day; the id is `day|currency|sku`, the owner the SKU.
pub const PREPAYMENTS: &str = "prepayments";

/// What happened to the money of one SKU on one day, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepayments {
    /// The day at the shop's first location.
    pub day: Date,
    /// What was sold.
    pub sku: Sku,
    /// The currency of the sums.
    pub currency: Currency,
    /// Came, went back, was earned by goods that left.
    pub flow: Flow,
}

/// What stands for a SKU where shipping was paid.
const SHIPPING: &str = "~shipping";
/// Records read at once.
const PAGE: usize = 500;

/// Shows every sum there is, of one SKU or of all, by day; at most so many. Answers whether that was all.
pub fn each_prepayment(
    store: &mut dyn Read,
    tenant: &TenantId,
    sku: Option<&Sku>,
    most: usize,
    take: &mut dyn FnMut(&Prepayments),
) -> Result<bool, StoreError> {
    let filter = RecordFilter { owner: sku.map(Sku::as_str), state: None };
    let (mut after, mut looked_at): (Option<Arc<str>>, usize) = (None, 0);
    loop {
        let page =
            store.record_page(tenant, Shelf::Ledger, PREPAYMENTS, &filter, (after.as_deref(), PAGE))?;
        for record in &page {
            let sums = record.read::<Prepayments>().map_err(|error| {
                StoreError::inconsistent(format_args!("the prepayments of {}: {error}", record.id))
            })?;
            sums.iter().for_each(&mut *take);
        }
        looked_at += page.len();
        if page.len() < PAGE {
            return Ok(true);
        }
        if looked_at >= most {
            return Ok(false);
        }
        after = page.last().map(|record| Arc::clone(&record.id));
    }
}

/// The day's sums with what changed in an account; none where no money moved and nothing was earned.
pub(super) fn records(
    working: &mut Working<'_>,
    order: OrderId,
    (before, after): (&Account, &Account),
    (now, zone): (Timestamp, &Zone),
) -> Result<Vec<Record>, Failure> {
    let changed = |line: &u16| (*line, after.flow(*line) - before.flow(*line));
    let changed: Vec<(u16, Flow)> =
        after.lines.keys().map(changed).filter(|(_, flow)| *flow != Flow::default()).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    working.load_orders(&[order])?;
    let mut by_sku: BTreeMap<Sku, Flow> = BTreeMap::new();
    if let Some(order) = working.shop().orders.get(&order) {
        for (line, flow) in changed {
            let sku = order.line(line).map_or_else(|| Sku::stored(SHIPPING), |line| line.sku.clone());
            let sum = by_sku.entry(sku).or_default();
            *sum = *sum + flow;
        }
    }
    let (day, currency) = (local_date(now, zone), after.currency);
    let mut records = Vec::with_capacity(by_sku.len());
    for (sku, flow) in by_sku {
        let id = format!("{day}|{}|{sku}", currency.code());
        let known = working.record(PREPAYMENTS, &id)?;
        let known = known.map(|record| record.read::<Prepayments>()).transpose()?.flatten();
        let flow = known.map_or(flow, |known| known.flow + flow);
        let sums = Prepayments { day, sku: sku.clone(), currency, flow };
        records.push(Record { owner: sku.to_string().into(), ..Record::new(PREPAYMENTS, &id, &sums)? });
    }
    Ok(records)
}
