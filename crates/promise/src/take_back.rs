//! Taking units back from fulfilment: a pick that was refused, goods that were not found.

use std::collections::BTreeMap;

use model::{
    Units,
    command::{TakeBack, TakeBackLine},
    event::{AdjustReason, Event, Move, ReleaseReturned, ReleasedLine, RunApplied, StockAdjusted},
    id::{LineId, ReleaseId, RunId, Sku, SupplyId},
    order::{Cause, Line, Peg},
    refusal::{FieldError, Refusal, RefusalCode, Rejection},
};

use crate::{Decision, Setting, fence::trimmed, release::units_of, source::shortfall_source};

/// Takes units back from fulfilment. The orders named and their pools are loaded.
///
/// They are allocated again. What of them is not there leaves the stock, and the line waits on the shortfall for it, until
/// other goods are found. Checked in this order: the lines are known and named once; so many units of each are with
/// fulfilment by this release (refuses `not_released`); no more is missing than comes back.
pub fn take_back(set: Setting<'_>, wish: &TakeBack) -> Decision {
    check_lines(set, &wish.lines)?;
    let mut returned: Vec<ReleaseReturned> = Vec::new();
    let mut lost: BTreeMap<Sku, Vec<(LineId, Peg)>> = BTreeMap::new();
    let mut errors = Vec::new();
    for (at, back) in wish.lines.iter().enumerate() {
        let Some(line) = line_of(set, back.line) else { continue };
        let picks = coming_back(line, wish.release, back)?;
        for (n, (sku, units)) in back.missing.iter().enumerate() {
            let there: Units = picks.iter().filter(|peg| peg.sku == *sku).map(|peg| peg.quantity).sum();
            if *units > there {
                let detail = format!("{there} units of {sku} come back, {units} of them cannot be missing");
                errors.push(FieldError::new(
                    format!("/lines/{at}/missing/{n}/quantity"),
                    "out_of_range",
                    detail,
                ));
                continue;
            }
            let of_sku = picks.iter().filter(|peg| peg.sku == *sku);
            let pegs = first_of(of_sku, *units).into_iter().map(|peg| (back.line, peg));
            lost.entry(sku.clone()).or_default().extend(pegs);
        }
        let step = ReleasedLine { line: line.no, quantity: units_of(line, &picks), picks };
        match returned.iter_mut().find(|known| known.order == back.line.order) {
            Some(known) => known.lines.push(step),
            None => returned.push(ReleaseReturned {
                release: wish.release,
                order: back.line.order,
                lines: vec![step],
                reason: wish.reason.clone(),
            }),
        }
    }
    if !errors.is_empty() {
        return Err(Rejection::Invalid(errors));
    }
    let mut events: Vec<Event> = returned.into_iter().map(Event::ReleaseReturned).collect();
    for (n, (sku, pegs)) in lost.into_iter().enumerate() {
        events.extend(missing(set, wish, n, sku, &pegs)?);
    }
    Ok(events)
}

fn line_of(set: Setting<'_>, id: LineId) -> Option<&Line> {
    set.shop.orders.get(&id.order)?.line(id.no)
}

fn check_lines(set: Setting<'_>, lines: &[TakeBackLine]) -> Result<(), Rejection> {
    let mut errors = Vec::new();
    for (at, back) in lines.iter().enumerate() {
        let id = back.line;
        let pointer = format!("/lines/{at}/id");
        let Some(line) = line_of(set, id) else {
            errors.push(FieldError::new(pointer, "unknown_line", format!("there is no line {id}")));
            continue;
        };
        if lines[..at].iter().any(|other| other.line == id) {
            errors.push(FieldError::new(pointer, "duplicate", format!("{id} stands twice")));
        }
        for (n, (sku, _)) in back.missing.iter().enumerate() {
            let pointer = format!("/lines/{at}/missing/{n}/sku");
            if back.missing[..n].iter().any(|(other, _)| other == sku) {
                errors.push(FieldError::new(pointer, "duplicate", format!("{sku} stands twice")));
            } else if line.needs().all(|(needed, _)| needed != sku) {
                errors.push(FieldError::new(pointer, "not_of_line", format!("{id} takes no {sku}")));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
}

/// The units of a line that come back from a release.
fn coming_back(line: &Line, release: ReleaseId, back: &TakeBackLine) -> Result<Vec<Peg>, Refusal> {
    let out = |peg: &Peg| -> Units {
        let of_peg = line.released.iter().filter(|r| r.release == release && r.supply == peg.supply);
        of_peg.map(|released| released.quantity).sum()
    };
    let out: Vec<Peg> = line.pegs.iter().map(|peg| Peg { quantity: out(peg), ..peg.clone() }).collect();
    let all = units_of(line, &out);
    let units = back.quantity.unwrap_or(all);
    if all == 0 || units > all {
        let detail = format!("{all} units of {} are with fulfilment by {release}, not {units}", back.line);
        return Err(Refusal {
            line: Some(line.no),
            sku: Some(line.sku.clone()),
            available: Some(all),
            ..Refusal::new(RefusalCode::NotReleased, detail)
        });
    }
    let of = |sku: &Sku, each| first_of(out.iter().filter(|peg| peg.sku == *sku), each * units);
    Ok(line.needs().flat_map(|(sku, each)| of(sku, each)).collect())
}

/// So many units of some pegs, or all that there are; of each peg in turn.
fn first_of<'p>(pegs: impl Iterator<Item = &'p Peg>, units: Units) -> Vec<Peg> {
    let mut left = units;
    pegs.filter_map(|peg| {
        let quantity = peg.quantity.min(left);
        left -= quantity;
        (quantity > 0).then(|| Peg { quantity, ..peg.clone() })
    })
    .collect()
}

/// What follows from units of a pool that were not found: their lines wait on the shortfall, the stock has so many less.
fn missing(
    set: Setting<'_>,
    wish: &TakeBack,
    nth: usize,
    sku: Sku,
    lost: &[(LineId, Peg)],
) -> Result<Vec<Event>, Rejection> {
    let pool = set.shop.pool(&sku).ok_or_else(|| Rejection::not_found("sku", &sku))?;
    let id = SupplyId::opened_by(set.command, u32::try_from(nth + 1).unwrap_or(u32::MAX));
    let shortfall = shortfall_source(set.shop, pool, set.now, id)
        .map_err(|code| Refusal::new(code, "there is no location yet"))?;
    let mut lots: BTreeMap<SupplyId, Units> = BTreeMap::new();
    let mut moves = Vec::with_capacity(lost.len());
    for (line, Peg { supply, quantity, .. }) in lost {
        *lots.entry(*supply).or_default() -= quantity;
        moves.push(Move { line: *line, from: *supply, to: shortfall.supply, quantity: *quantity });
    }
    let place = lots.keys().find_map(|lot| pool.supply(*lot)).map(|lot| lot.location.clone());
    let Some(location) = place else { return Ok(Vec::new()) };
    let run = RunApplied {
        run: RunId::of(set.command),
        sku: sku.clone(),
        cause: Cause::of("release_returned"),
        opened: shortfall.opens.map(|supply| *supply).into_iter().collect(),
        moves,
    };
    let smaller = lots.iter().filter_map(|(lot, by)| {
        let lot = pool.supply(*lot)?;
        trimmed(set, lot, &run.moves, lot.quantity + by)
    });
    let ring_fenced = smaller.collect();
    let adjusted = StockAdjusted {
        ring_fenced,
        sku,
        location,
        delta: lots.values().sum(),
        lots: lots.into_iter().collect(),
        opened: None,
        reason: AdjustReason::Loss,
        line: None,
        note: Some(format!("not found for {}", wish.release).into()),
    };
    Ok(vec![Event::RunApplied(run), Event::StockAdjusted(adjusted)])
}
