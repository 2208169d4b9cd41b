//! Asking again before goods are charged and handed over to somebody who waited long (a setting of the shop).

use std::collections::{BTreeMap, btree_map::Entry};

use model::{
    command::Release,
    id::{LineId, OrderId},
    order::ShipChoice,
    time::{Timestamp, seconds_after},
};
use obligation::notice::{
    Answer, Fate, NoticeKind, RECONFIRM_DAYS,
    kept::{NOTICE, notice_id, state},
};

use super::{
    draft::{Look, draft},
    ground::{Ground, fate, rules},
    read,
};
use crate::{after::Course, answer::Failure, working::Working};

const DAY_S: i64 = 86_400;

/// Of lines that are to be handed over, those whose customers need not be asked any more whether they still want them. Whoever
/// must be asked and was not is asked by this. The orders are loaded.
pub(crate) fn confirmed(
    working: &mut Working<'_>,
    course: &Course,
    wish: &Release,
) -> Result<Vec<LineId>, Failure> {
    let rules = rules(working)?;
    let Some(days) = rules.shop.write.reconfirm_after_days else { return Ok(wish.lines.clone()) };
    let long = i64::from(days) * DAY_S;
    let mut waits: BTreeMap<OrderId, Vec<u16>> = BTreeMap::new();
    for line in &wish.lines {
        if let Entry::Vacant(unknown) = waits.entry(line.order) {
            unknown.insert(unanswered(working, course.now, line.order, long)?);
        }
    }
    let asking: Vec<OrderId> =
        waits.iter().filter(|(_, lines)| !lines.is_empty()).map(|(order, _)| *order).collect();
    draft(working, course.now, &asking, Look::All)?;
    let waiting = |line: &LineId| {
        let Some(lines) = waits.get(&line.order) else { return false };
        let order = working.shop().orders.get(&line.order);
        // What is sent together waits together.
        let together = order.is_some_and(|order| order.ship == ShipChoice::Complete);
        lines.contains(&line.no) || (together && !lines.is_empty())
    };
    Ok(wish.lines.iter().copied().filter(|line| !waiting(line)).collect())
}

/// Lines of an order whose customer waited so many seconds and has not yet said, nor let the time go by to say, that they are
/// still wanted.
fn unanswered(
    working: &mut Working<'_>,
    now: Timestamp,
    order: OrderId,
    long: i64,
) -> Result<Vec<u16>, Failure> {
    let Some(ground) = Ground::load(working, order)? else { return Ok(Vec::new()) };
    if now.as_second() - ground.order.placed_at.as_second() < long {
        return Ok(Vec::new());
    }
    let mut waiting = Vec::new();
    for line in &ground.order.lines {
        let is_here = fate(working.shop(), line) == Fate::Here;
        // What is with fulfilment already was asked about, or handed over before the setting.
        if is_here && line.with_fulfilment() == 0 && !is_settled(working, &ground, line.no, now)? {
            waiting.push(line.no);
        }
    }
    Ok(waiting)
}

/// Whether a customer was asked about a line and has answered, let the time go by, or cannot be reached.
fn is_settled(working: &mut Working<'_>, ground: &Ground, no: u16, now: Timestamp) -> Result<bool, Failure> {
    for nth in (1..=ground.case_of(no).sent + 1).rev() {
        let Some(record) = working.record(NOTICE, &notice_id(ground.line_id(no), nth))? else { continue };
        let Some(kept) = read::<obligation::notice::kept::Kept>(&record)? else { continue };
        if kept.news.kind != NoticeKind::Reconfirm {
            continue;
        }
        let said = kept.answer.as_ref().is_some_and(|answer| answer.answer == Answer::Keep);
        let until = kept.sent_at.and_then(|at| seconds_after(at, i64::from(RECONFIRM_DAYS) * DAY_S));
        let unreachable = &*record.state == state::DRAFT && kept.failure.is_some();
        return Ok(said || unreachable || until.is_some_and(|until| until <= now));
    }
    Ok(false)
}
