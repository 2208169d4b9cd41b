//! Adds the tables up: each order's rows against each other, then each supply against everything that claims it.
//!
//! Reads stored cells and plain JSON and not the model's values, so that a defect there cannot hide here.

use std::collections::{BTreeMap, BTreeSet};

use model::{id::TenantId, time::Timestamp};
use rustc_hash::FxHashMap;
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
        Cell::{self, Bytes, Int, Null, Text},
        HOLDS, LINES, ORDERS, PEGS, POLICIES, POOLS, PROMISES, Row, SUPPLIES, TIMERS, Table,
    },
};

/// Checks the sums; `stock`: what the ledger alone says is on hand, where it could be read to its end.
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
        on_hand(&supplies, stock, report);
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
    on_hand: bool,
    quantity: i64,
    claims: BTreeMap<Holder, (i64, i64)>,
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
            if row[14] != Text("[]".to_owned()) {
                report.found("claims", format_args!("{}: closed, and still claimed", Key(&SUPPLIES, &row)));
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
            on_hand: state == "on_hand",
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
    fn claim(&mut self, holder: &Holder, pegged: i64, held: i64) {
        let sums = self.claims.entry(holder.clone()).or_default();
        sums.0 = sums.0.saturating_add(pegged);
        sums.1 = sums.1.saturating_add(held);
    }

    /// Invariant 1: 0 ≤ pegs + holds ≤ quantity, and the claims it keeps are these sums.
    fn check(&self, report: &mut Report) {
        let key = Key(&SUPPLIES, &self.row);
        let taken =
            self.claims.values().fold(0, |sum: i64, (p, h)| sum.saturating_add(*p).saturating_add(*h));
        if taken < 0 || taken > self.quantity || (self.elastic && taken != self.quantity) {
            report.found("supply", format_args!("{key}: {taken} units claimed of {}", self.quantity));
        }
        let said = self.said();
        if said.as_ref() != Some(&self.claims) {
            report.found(
                "claims",
                format_args!("{key}: claims say {}, pegs and holds {:?}", self.row[14], self.claims),
            );
        }
    }

    fn said(&self) -> Option<BTreeMap<Holder, (i64, i64)>> {
        let said = json(&self.row[14])?;
        said.as_array()?
            .iter()
            .map(|claim| {
                let holder =
                    (claim["channel"].as_str()?.to_owned(), claim["kit"].as_str().map(str::to_owned));
                Some((holder, (claim["pegged"].as_i64()?, claim["held"].as_i64()?)))
            })
            .collect()
    }
}

/// Goes through orders, lines, pegs and promises abreast: all are sorted by order.
fn orders(
    audit: &mut dyn Audit,
    tenant: &TenantId,
    supplies: &mut Supplies,
    report: &mut Report,
) -> Result<(), StoreError> {
    let tables = [&LINES, &PEGS, &PROMISES];
    let mut orders = Cursor::new(&ORDERS, tenant);
    let mut parts = tables.map(|table| Cursor::new(table, tenant));
    while let Some(order) = orders.next(audit)? {
        let mut rows = [Vec::new(), Vec::new(), Vec::new()];
        for ((cursor, table), rows) in parts.iter_mut().zip(tables).zip(&mut rows) {
            *rows = cursor.group(audit, &order[0], |row| orphan(table, row, report))?;
        }
        check_order(&order, &rows, supplies, report);
    }
    for (cursor, table) in parts.iter_mut().zip(tables) {
        while let Some(row) = cursor.next(audit)? {
            orphan(table, &row, report);
        }
    }
    Ok(())
}

fn orphan(table: &Table, row: &Row, report: &mut Report) {
    report.found("orphan", format_args!("{}: no such order", Key(table, row)));
}

fn check_order(
    order: &Row,
    [lines, pegs, promises]: &[Vec<Row>; 3],
    supplies: &mut Supplies,
    report: &mut Report,
) {
    let wanted_on = match order[8] {
        Int(day) => Int(day.max(1)),
        _ => Int(0),
    };
    for (table, rows) in [(&PEGS, pegs), (&PROMISES, promises)] {
        for row in rows.iter().filter(|row| lines.iter().all(|line| line[1] != row[1])) {
            report.found("orphan", format_args!("{}: no such line", Key(table, row)));
        }
    }
    for peg in pegs.iter().filter(|peg| peg[5] != wanted_on) {
        report.found(
            "peg",
            format_args!("{}: wanted_on is {}, its order says {wanted_on}", Key(&PEGS, peg), peg[5]),
        );
    }
    let Text(channel) = &order[2] else { return };
    for line in lines {
        let of_line = |rows: &'_ &Row| rows[1] == line[1];
        let pegs: Vec<&Row> = pegs.iter().filter(of_line).collect();
        let promises: Vec<&Row> = promises.iter().filter(of_line).collect();
        check_line(channel, line, &pegs, supplies, report);
        check_promises(line, &promises, report);
    }
}

/// Invariant 2: a line's pegs add up to its open quantity, for each SKU it takes.
fn check_line(channel: &str, line: &Row, pegs: &[&Row], supplies: &mut Supplies, report: &mut Report) {
    let key = Key(&LINES, line);
    let [_, _, Text(sku), Int(quantity), _, _, recipe, Int(cancelled), Int(shipped)] = line.as_slice() else {
        return report.found("line", format_args!("{key}: not in the form of a line"));
    };
    let open = quantity.checked_sub(*cancelled).and_then(|rest| rest.checked_sub(*shipped));
    let Some(open) = open.filter(|open| *open >= 0 && *cancelled >= 0 && *shipped >= 0) else {
        return report
            .found("line", format_args!("{key}: {quantity} - {cancelled} - {shipped} units are open"));
    };
    report.open_lines += u64::from(open > 0);
    let Some(mut needs) = needs(sku, recipe, open) else {
        return report.found("line", format_args!("{key}: its recipe cannot be read"));
    };
    let kit = (*recipe != Null).then(|| sku.clone());
    let holder = (channel.to_owned(), kit);
    for peg in pegs {
        let (Text(of), Int(units)) = (&peg[3], &peg[4]) else { continue };
        if let Some(need) = needs.get_mut(of) {
            *need = need.saturating_sub(*units);
        } else {
            report.found("peg", format_args!("{}: the line takes no {of:?}", Key(&PEGS, peg)));
        }
        if *units <= 0 {
            report.found("peg", format_args!("{}: {units} units", Key(&PEGS, peg)));
        }
        match id16(&peg[2]).and_then(|id| supplies.get_mut(&id)).filter(|supply| supply.sku == *of) {
            Some(supply) => supply.claim(&holder, *units, 0),
            None => report.found("peg", format_args!("{}: no such open supply of {of:?}", Key(&PEGS, peg))),
        }
    }
    for (of, missing) in needs.into_iter().filter(|(_, missing)| *missing != 0) {
        report
            .found("line", format_args!("{key}: {open} units are open, {missing} of {of:?} are not pegged"));
    }
}

/// Units of each SKU that so many units of a line take.
fn needs(sku: &str, recipe: &Cell, open: i64) -> Option<BTreeMap<String, i64>> {
    if *recipe == Null {
        return Some(BTreeMap::from([(sku.to_owned(), open)]));
    }
    let part = |part: &Value| {
        Some((part["sku"].as_str()?.to_owned(), part["quantity"].as_i64()?.checked_mul(open)?))
    };
    json(recipe)?.as_array()?.iter().map(part).collect()
}

/// Invariant 4: versions count from 1 without gaps, and each has its cause.
fn check_promises(line: &Row, promises: &[&Row], report: &mut Report) {
    for (at, promise) in promises.iter().enumerate() {
        let key = Key(&PROMISES, promise);
        if promise[2] != Int(at as i64 + 1) {
            report.found("promise", format_args!("{key}: it is promise {} of {}", at + 1, Key(&LINES, line)));
        }
        let cause = json(&promise[9]);
        if cause.as_ref().and_then(|cause| cause["kind"].as_str()).is_none_or(str::is_empty) {
            report.found("promise", format_args!("{key}: it has no cause"));
        }
    }
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
                Some(supply) => supply.claim(&holder, 0, units),
                None => problems.push(format!("no open supply {id}")),
            }
        }
    }
    Some(((Int(expires.as_microsecond()), row[0].clone()), problems))
}

/// Invariant 5: received + adjusted - shipped = on hand, per SKU and location, from the ledger alone.
fn on_hand(supplies: &Supplies, stock: &Stock, report: &mut Report) {
    let mut places: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for (id, supply) in supplies {
        let counted = stock.on_hand.get(id).copied().unwrap_or(0);
        let here = if supply.on_hand { supply.quantity } else { 0 };
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
    let mut lost: Vec<_> = stock.on_hand.iter().filter(|(id, _)| !supplies.contains_key(*id)).collect();
    lost.sort();
    for (id, units) in lost {
        let id = Bytes(id.to_vec());
        report.found("stock", format_args!("sup_{id} is closed or gone, the ledger says {units} on hand"));
    }
}
