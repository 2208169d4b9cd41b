//! Adds the tables up: each order by itself, then each supply and its queue against all orders and holds.
//!
//! Reads stored cells and plain JSON and not the model's values, so that a defect there cannot hide here.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{Hash, Hasher},
};

use model::{id::TenantId, time::Timestamp};
use rustc_hash::{FxHashMap, FxHasher};
use serde_json::Value;

use super::{
    Report,
    cursor::{Cursor, Key},
    replay::supply_of,
    stock::Stock,
};
use crate::{
    Audit, StoreError,
    audit::{
        CUSTOMER_ORDERS,
        Cell::{self, Bytes, Int, Null, Text},
        HOLDS, ORDERS, POLICIES, POOLS, QUEUE, Row, SUPPLIES, TIMERS, Table,
    },
};

/// Checks the sums; `stock`: what the ledger alone says is here, where it could be read to its end.
pub(super) fn run(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    stock: Option<&Stock>,
    report: &mut Report,
) -> Result<(), StoreError> {
    let skus = skus(audit, tenant, report)?;
    let mut supplies = supplies(audit, tenant, &skus, report)?;
    orders(audit, tenant, &mut supplies, report)?;
    holds(audit, tenant, &mut supplies, report)?;
    for supply in supplies.values() {
        supply.check(report);
    }
    if let Some(stock) = stock {
        here(&supplies, stock, report);
    }
    Ok(())
}

fn each_row(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    table: &Table,
    mut take: impl FnMut(Row),
) -> Result<(), StoreError> {
    let mut cursor = Cursor::new(table, tenant);
    while let Some(row) = cursor.next(audit)? {
        take(row);
    }
    Ok(())
}

fn skus(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    report: &mut Report,
) -> Result<BTreeSet<String>, StoreError> {
    let mut skus = BTreeSet::new();
    each_row(audit, tenant, &POOLS, |row| {
        if let Text(sku) = &row[0] {
            skus.insert(sku.clone());
        }
        if item_sku(&row[2]).as_ref() != Some(&row[0]) {
            report.found("orphan", format_args!("{}: its item is of another sku", Key(&POOLS, &row)));
        }
    })?;
    each_row(audit, tenant, &POLICIES, |row| {
        if !matches!(&row[0], Text(sku) if skus.contains(sku)) {
            report.found("orphan", format_args!("{}: no such sku", Key(&POLICIES, &row)));
        }
    })?;
    report.skus = skus.len() as u64;
    Ok(skus)
}

fn item_sku(item: &Cell) -> Option<Cell> {
    Some(Text(json(item)?["sku"].as_str()?.to_owned()))
}

fn json(cell: &Cell) -> Option<Value> {
    match cell {
        Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Who has units of a supply: the channel, and the kit if they are sold in one.
type Holder = (String, Option<String>);

/// An open supply and what adds up to it.
struct Open {
    row: Row,
    sku: String,
    location: String,
    elastic: bool,
    /// On hand, or in quarantine.
    here: bool,
    /// In quarantine: nobody may have any of it.
    kept_back: bool,
    quantity: i64,
    claims: BTreeMap<Holder, Sum>,
}

/// Units of a supply, as one holder has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    pegged: i64,
    held: i64,
    /// Of the pegged, those with fulfilment.
    released: i64,
}

type Supplies = FxHashMap<[u8; 16], Open>;

fn supplies(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    skus: &BTreeSet<String>,
    report: &mut Report,
) -> Result<Supplies, StoreError> {
    let mut open = Supplies::default();
    each_row(audit, tenant, &SUPPLIES, |row| {
        let [id, Text(sku), Text(location), Text(kind), Text(state), Int(quantity), ..] = row.as_slice()
        else {
            return report
                .found("supply", format_args!("{}: not in the form of a supply", Key(&SUPPLIES, &row)));
        };
        if !skus.contains(sku) {
            report.found("orphan", format_args!("{}: no sku {sku:?}", Key(&SUPPLIES, &row)));
        }
        if state == "closed" {
            if row[14] != Text("[]".to_owned()) || row[15] != Text("[]".to_owned()) {
                let key = Key(&SUPPLIES, &row);
                report.found("claims", format_args!("{key}: closed, and still claimed or ring-fenced"));
            }
            return;
        }
        let Some(id) = id16(id) else {
            return report.found("supply", format_args!("{}: not an id", Key(&SUPPLIES, &row)));
        };
        let supply = Open {
            sku: sku.clone(),
            location: location.clone(),
            elastic: kind == "lead_time" || kind == "shortfall",
            here: state == "on_hand" || state == "quarantine",
            kept_back: state == "quarantine",
            quantity: *quantity,
            claims: BTreeMap::new(),
            row,
        };
        open.insert(id, supply);
    })?;
    Ok(open)
}

fn id16(cell: &Cell) -> Option<[u8; 16]> {
    match cell {
        Bytes(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

impl Open {
    fn claim(&mut self, holder: &Holder, more: Sum) {
        let sum = self.claims.entry(holder.clone()).or_default();
        sum.pegged = sum.pegged.saturating_add(more.pegged);
        sum.held = sum.held.saturating_add(more.held);
        sum.released = sum.released.saturating_add(more.released);
    }

    /// Invariant 1: 0 ≤ pegs + holds ≤ quantity, and the claims it keeps are these sums. Only goods on hand are with
    /// fulfilment.
    fn check(&self, report: &mut Report) {
        let key = Key(&SUPPLIES, &self.row);
        let claims = self.claims.values();
        let taken = claims.fold(0, |all: i64, of| all.saturating_add(of.pegged).saturating_add(of.held));
        if (!self.here || self.kept_back) && self.claims.values().any(|of| of.released != 0) {
            report.found("supply", format_args!("{key}: with fulfilment, and not on hand"));
        }
        let most = if self.kept_back { 0 } else { self.quantity };
        if taken < 0 || self.quantity < 0 || taken > most || (self.elastic && taken != self.quantity) {
            report.found("supply", format_args!("{key}: {taken} units claimed of {}", self.quantity));
        }
        self.check_fences(&key, report);
        let said = self.said();
        if said.as_ref() != Some(&self.claims) {
            report.found(
                "claims",
                format_args!("{key}: claims say {}, pegs and holds {:?}", self.row[14], self.claims),
            );
        }
    }

    /// Of every channel the larger of what it has claimed and what is ring-fenced for it: no more in all than there is. Each
    /// stands once, in order, with some units; nothing of what orders make and unmake is ring-fenced.
    fn check_fences(&self, key: &Key<'_>, report: &mut Report) {
        let Some(fences) = self.fences() else {
            report.found("supply", format_args!("{key}: what is ring-fenced cannot be read"));
            return;
        };
        let in_order = fences.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !in_order || fences.iter().any(|(_, units)| *units < 1) || (self.elastic && !fences.is_empty()) {
            report.found("supply", format_args!("{key}: {} is ring-fenced", self.row[15]));
        }
        let mut had: BTreeMap<&str, i64> = BTreeMap::new();
        for ((channel, _), sum) in &self.claims {
            let had = had.entry(channel).or_default();
            *had = had.saturating_add(sum.pegged).saturating_add(sum.held);
        }
        for (channel, units) in &fences {
            let had = had.entry(channel).or_default();
            *had = (*had).max(*units);
        }
        let spoken_for = had.values().fold(0_i64, |all, units| all.saturating_add(*units));
        if !fences.is_empty() && spoken_for > self.quantity {
            let quantity = self.quantity;
            report.found(
                "supply",
                format_args!("{key}: {spoken_for} units claimed or ring-fenced of {quantity}"),
            );
        }
    }

    fn fences(&self) -> Option<Vec<(String, i64)>> {
        let said = json(&self.row[15])?;
        let fence = |fence: &Value| Some((fence["channel"].as_str()?.to_owned(), fence["units"].as_i64()?));
        said.as_array()?.iter().map(fence).collect()
    }

    fn said(&self) -> Option<BTreeMap<Holder, Sum>> {
        let said = json(&self.row[14])?;
        said.as_array()?
            .iter()
            .map(|claim| {
                let holder =
                    (claim["channel"].as_str()?.to_owned(), claim["kit"].as_str().map(str::to_owned));
                let (pegged, held) = (claim["pegged"].as_i64()?, claim["held"].as_i64()?);
                let released = claim.get("released").map_or(Some(0), Value::as_i64)?;
                Some((holder, Sum { pegged, held, released }))
            })
            .collect()
    }
}

/// Goes through every order, then holds the queues and the index of customers against what the orders say.
fn orders(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    supplies: &mut Supplies,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut queues = Queues::default();
    let mut customers = Fingerprint::default();
    each_row(audit, tenant, &ORDERS, |row| {
        if let Bytes(_) = &row[2] {
            customers.add(&[row[2].clone(), row[0].clone()]);
        }
        match json(&row[4]).as_ref().and_then(Value::as_array) {
            Some(body) if body.len() == 9 => check_order(&row, body, supplies, &mut queues, report),
            _ => report.found("line", format_args!("{}: its body cannot be read", Key(&ORDERS, &row))),
        }
    })?;
    each_row(audit, tenant, &QUEUE, |row| queues.of(&row[0]).1.add(&row))?;
    for (supply, (said, queued)) in queues.0 {
        if said != queued {
            let lines = (said.rows, queued.rows);
            report.found(
                "peg",
                format_args!(
                    "sup_{supply}: {} pegs in its queue, orders have {}, or they differ",
                    lines.1, lines.0
                ),
            );
        }
    }
    check_customers(audit, tenant, &customers, report)
}

/// The index of customers may lag behind; what it has must be an order's.
fn check_customers(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    orders: &Fingerprint,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut indexed = Fingerprint::default();
    each_row(audit, tenant, &CUSTOMER_ORDERS, |row| indexed.add(&row[1..]))?;
    if indexed.rows > orders.rows || (indexed.rows == orders.rows && indexed != *orders) {
        let (has, are) = (indexed.rows, orders.rows);
        report.found(
            "orphan",
            format_args!("the index of customers has {has} orders, there are {are}, or others"),
        );
    }
    Ok(())
}

/// A sum over rows that comes out the same in whatever order they are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fingerprint {
    rows: u64,
    sum: u64,
}

impl Fingerprint {
    fn add(&mut self, row: &[Cell]) {
        let mut hasher = FxHasher::default();
        for cell in row {
            match cell {
                Null => 0_u8.hash(&mut hasher),
                Int(number) => number.hash(&mut hasher),
                Text(text) => text.hash(&mut hasher),
                Bytes(bytes) => bytes.hash(&mut hasher),
            }
        }
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// By supply, the places that orders' pegs must have in its queue, and those that they have.
#[derive(Default)]
struct Queues(BTreeMap<Cell, (Fingerprint, Fingerprint)>);

impl Queues {
    fn of(&mut self, supply: &Cell) -> &mut (Fingerprint, Fingerprint) {
        self.0.entry(supply.clone()).or_default()
    }
}

fn check_order(
    order: &Row,
    body: &[Value],
    supplies: &mut Supplies,
    queues: &mut Queues,
    report: &mut Report,
) {
    let wanted_on = Int(body[6].as_i64().map_or(0, |day| day.max(1)));
    let (Some(channel), Some(lines)) = (body[1].as_str(), body[8].as_array()) else {
        return report.found("line", format_args!("{}: not in the form of an order", Key(&ORDERS, order)));
    };
    for line in lines {
        let key = LineKey(order, line);
        let seen = parts(line).and_then(|(line, sent)| {
            check_line(&key, (channel, &wanted_on), line, sent, supplies, queues, report)
        });
        if seen.is_none() {
            report.found("line", format_args!("{key}: not in the form of a line"));
        }
    }
}

/// A line's nine values, and what it says was sent, where it says so.
fn parts(line: &Value) -> Option<(&[Value; 9], Option<&Value>)> {
    let (line, rest) = line.as_array()?.split_first_chunk::<9>()?;
    match rest {
        [] => Some((line, None)),
        [sent] => Some((line, Some(sent))),
        _ => None,
    }
}

/// Prints a line's key.
struct LineKey<'r>(&'r Row, &'r Value);

impl std::fmt::Display for LineKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} line {}", Key(&ORDERS, self.0), self.1[0])
    }
}

/// Invariant 2: a line's pegs add up to its open quantity, for each SKU it takes. `None`: a value is of another type.
fn check_line(
    key: &LineKey<'_>,
    (channel, wanted_on): (&str, &Cell),
    line: &[Value; 9],
    sent: Option<&Value>,
    supplies: &mut Supplies,
    queues: &mut Queues,
    report: &mut Report,
) -> Option<()> {
    let [no, sku, quantity, price, recipe, cancelled, shipped, pegs, promises] = line;
    let (no, sku) = (no.as_i64()?, sku.as_str()?);
    let (quantity, cancelled, shipped) = (quantity.as_i64()?, cancelled.as_i64()?, shipped.as_i64()?);
    let open = quantity.checked_sub(cancelled).and_then(|rest| rest.checked_sub(shipped));
    let Some(open) = open.filter(|open| *open >= 0 && cancelled >= 0 && shipped >= 0) else {
        report.found("line", format_args!("{key}: {quantity} - {cancelled} - {shipped} units are open"));
        return Some(());
    };
    report.open_lines += u64::from(open > 0);
    let recipe = recipe.as_array()?;
    let mut needs = shares(sku, recipe, open)?;
    let kit = (!recipe.is_empty()).then(|| sku.to_owned());
    let holder = (channel.to_owned(), kit);
    let told = check_promises(key, promises.as_array()?, report);
    let price = match price.as_array() {
        Some(price) => [Int(price.first()?.as_i64()?), Text(price.get(1)?.as_str()?.to_owned())],
        None => [Null, Null],
    };
    let mut released = released(key, sent, report)?;
    check_returned(key, sent, &shares(sku, recipe, shipped)?, report)?;
    for peg in pegs.as_array()? {
        let (digits, units) = (peg[0].as_str()?, peg[1].as_i64()?);
        let of = peg.get(2).map_or(Some(sku), Value::as_str)?;
        match needs.get_mut(of) {
            Some(need) => *need = need.saturating_sub(units),
            None => report.found("peg", format_args!("{key}: it takes no {of:?}")),
        }
        if units <= 0 {
            report.found("peg", format_args!("{key}: {units} units of {digits}"));
        }
        let id = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?.to_be_bytes();
        let out = released.remove(digits).unwrap_or(0);
        match supplies.get_mut(&id).filter(|supply| supply.sku == *of) {
            Some(supply) => {
                supply.claim(&holder, Sum { pegged: units, released: out, ..Sum::default() });
            }
            None => report.found("peg", format_args!("{key}: no open supply {digits} of {of:?}")),
        }
        if out > units {
            report.found("peg", format_args!("{key}: {out} units of {digits} with fulfilment, of {units}"));
        }
        let supply = Bytes(id.to_vec());
        let [amount, currency] = price.clone();
        queues.of(&supply).0.add(&[
            supply,
            wanted_on.clone(),
            key.0[0].clone(),
            Int(no),
            Int(units),
            Text(sku.to_owned()),
            Int(open),
            amount,
            currency,
            told.clone(),
            Int(out),
        ]);
    }
    for digits in released.into_keys() {
        report.found("peg", format_args!("{key}: units of {digits} with fulfilment that it does not have"));
    }
    for (of, missing) in needs.into_iter().filter(|(_, missing)| *missing != 0) {
        report
            .found("line", format_args!("{key}: {open} units are open, {missing} of {of:?} are not pegged"));
    }
    Some(())
}

/// Units of each SKU that so many units of a line take.
fn shares(sku: &str, recipe: &[Value], open: i64) -> Option<BTreeMap<String, i64>> {
    if recipe.is_empty() {
        return Some(BTreeMap::from([(sku.to_owned(), open)]));
    }
    let part = |part: &Value| Some((part[0].as_str()?.to_owned(), part[1].as_i64()?.checked_mul(open)?));
    recipe.iter().map(part).collect()
}

/// Units of each supply that are with fulfilment, over all releases.
fn released(key: &LineKey<'_>, sent: Option<&Value>, report: &mut Report) -> Option<BTreeMap<String, i64>> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    let Some(sent) = sent else { return Some(sums) };
    for one in sent[0].as_array()? {
        let (release, supply, units) = (one[0].as_str()?, one[1].as_str()?, one[2].as_i64()?);
        if units <= 0 || release.len() != 32 {
            report.found("peg", format_args!("{key}: {units} units with fulfilment by {release:?}"));
        }
        let sum = sums.entry(supply.to_owned()).or_default();
        *sum = sum.saturating_add(units);
    }
    Some(sums)
}

/// No more came back than was sent.
fn check_returned(
    key: &LineKey<'_>,
    sent: Option<&Value>,
    shipped: &BTreeMap<String, i64>,
    report: &mut Report,
) -> Option<()> {
    let Some(sent) = sent else { return Some(()) };
    for one in sent[1].as_array()? {
        let (sku, units) = (one[0].as_str()?, one[1].as_i64()?);
        let most = shipped.get(sku).copied().unwrap_or(0);
        if units < 0 || units > most {
            report.found("line", format_args!("{key}: {units} of {sku:?} came back, {most} were sent"));
        }
    }
    Some(())
}

/// Invariant 4: versions count from 1 without gaps, and each has its cause. Answers the ship date last told.
fn check_promises(key: &LineKey<'_>, promises: &[Value], report: &mut Report) -> Cell {
    let mut told = Null;
    for (at, promise) in promises.iter().enumerate() {
        if promise[0].as_i64() != i64::try_from(at + 1).ok() {
            report.found("promise", format_args!("{key}: promise {} says it is {}", at + 1, promise[0]));
        }
        if promise[5]["kind"].as_str().is_none_or(str::is_empty) {
            report.found("promise", format_args!("{key}: promise {} has no cause", at + 1));
        }
        if !promise[4].is_null() {
            told = promise[1][1].as_i64().map_or(Null, Int);
        }
    }
    told
}

fn holds(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    supplies: &mut Supplies,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut due = BTreeSet::new();
    each_row(audit, tenant, &HOLDS, |row| {
        match json(&row[1]).and_then(|hold| check_hold(&row, &hold, supplies)) {
            Some((timer, problems)) => {
                due.insert(timer);
                for problem in problems {
                    report.found("peg", format_args!("{}: {problem}", Key(&HOLDS, &row)));
                }
            }
            None => report.found("claims", format_args!("{}: cannot be read", Key(&HOLDS, &row))),
        }
    })?;
    each_row(audit, tenant, &TIMERS, |row| {
        let known = matches!(&row[1], Text(kind) if kind == "hold_expires");
        if !known || !due.remove(&(row[0].clone(), row[2].clone())) {
            report.found("timer", format_args!("{}: no such hold", Key(&TIMERS, &row)));
        }
    })?;
    for (at, hold) in due {
        report.found("timer", format_args!("hold hld_{hold} has no timer at {at}"));
    }
    Ok(())
}

/// Adds a hold's units to its supplies; answers its timer and what is wrong with it.
fn check_hold(row: &Row, hold: &Value, supplies: &mut Supplies) -> Option<((Cell, Cell), Vec<String>)> {
    let mut problems = Vec::new();
    let expires: Timestamp = hold["expires_at"].as_str()?.parse().ok()?;
    let id: model::id::HoldId = hold["id"].as_str()?.parse().ok()?;
    if row[0] != Bytes(id.bytes().to_vec()) {
        problems.push(format!("it says it is {id}"));
    }
    let channel = hold["channel"].as_str()?;
    for line in hold["lines"].as_array()? {
        let kit = line["recipe"].is_array().then(|| line["sku"].as_str().map(str::to_owned)).flatten();
        let holder = (channel.to_owned(), kit);
        for peg in line["pegs"].as_array()? {
            let (id, units) = (peg["supply"].as_str()?, peg["quantity"].as_i64()?);
            match supply_of(id).and_then(|id| supplies.get_mut(&id)) {
                Some(supply) => supply.claim(&holder, Sum { held: units, ..Sum::default() }),
                None => problems.push(format!("no open supply {id}")),
            }
        }
    }
    Some(((Int(expires.as_microsecond()), row[0].clone()), problems))
}

/// Invariant 5: received + adjusted - shipped = here, per SKU and location, from the ledger alone.
fn here(supplies: &Supplies, stock: &Stock, report: &mut Report) {
    let mut places: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for (id, supply) in supplies {
        let counted = stock.here.get(id).copied().unwrap_or(0);
        let here = if supply.here { supply.quantity } else { 0 };
        let sums = places.entry((&supply.sku, &supply.location)).or_default();
        sums.0 = sums.0.saturating_add(here);
        sums.1 = sums.1.saturating_add(counted);
    }
    for ((sku, location), (here, counted)) in
        places.into_iter().filter(|(_, (here, counted))| here != counted)
    {
        report.found(
            "stock",
            format_args!("{sku:?} at {location:?}: {here} on hand, the ledger says {counted}"),
        );
    }
    let mut lost: Vec<_> = stock.here.iter().filter(|(id, _)| !supplies.contains_key(*id)).collect();
    lost.sort();
    for (id, units) in lost {
        let id = Bytes(id.to_vec());
        report.found("stock", format_args!("sup_{id} is closed or gone, the ledger says {units} on hand"));
    }
}
