//! Drafts: what must be said, kept until somebody sends it. They follow from events, in the transaction of those events.

use model::{
    event::Event,
    id::{LineId, OrderId},
    order::Line,
    record::{Noted, Record},
    time::{Time, Timestamp, days_since_epoch, local_date},
};
use obligation::notice::{
    Notice, NoticeKind,
    kept::{Automatic, CASE, Kept, NOTICE, state},
};

use super::{
    ground::{Ground, rules},
    json, made, read,
};
use crate::{after::Course, answer::Failure, working::Working};

/// The hour of the buyer's day at which drafts go out on the last day for them.
const LAST_DAY_HOUR: i8 = 8;
/// An order of which nothing was said for longer than this came from elsewhere: nobody waits for an update on it.
const SILENT_SECONDS_MAX: i64 = 365 * 86_400;
/// What time alone has cancelled longer ago than this was cancelled before anybody looked: that is for a person to see.
const ENDED_DAYS_MAX: i32 = 7;

/// Which lines of an order are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Those with a promise that was not told.
    Untold,
    /// All of them.
    All,
}

/// Applies promises that were made anew, and drafts what they make necessary to say.
pub(crate) fn promised(
    working: &mut Working<'_>,
    course: &Course,
    promises: Vec<Event>,
) -> Result<(), Failure> {
    let mut orders: Vec<OrderId> = promises.iter().filter_map(Event::order).collect();
    orders.dedup();
    working.apply(course.now, promises)?;
    draft(working, course.now, &orders, Look::Untold)
}

/// Drafts what must be said of lines that were called off by the shop, and of those that left though something was asked
/// of their customer.
pub(crate) fn called_off(
    working: &mut Working<'_>,
    course: &Course,
    events: &[Event],
) -> Result<(), Failure> {
    let mut orders: Vec<OrderId> = events
        .iter()
        .filter_map(|event| match event {
            Event::LineCancelled(cancelled) if !course.customer_knows => Some(cancelled.line.order),
            Event::Shipped(shipped) => Some(shipped.order),
            _ => None,
        })
        .collect();
    orders.dedup();
    for id in &orders {
        working.load_orders(&[*id])?;
    }
    draft(working, course.now, &orders, Look::All)
}

/// Makes, renews and drops the drafts of some orders that are loaded.
pub(super) fn draft(
    working: &mut Working<'_>,
    now: Timestamp,
    orders: &[OrderId],
    look: Look,
) -> Result<(), Failure> {
    if orders.is_empty() || working.state.silent {
        return Ok(());
    }
    let rules = rules(working)?;
    working.load_records(CASE, orders.iter().map(ToString::to_string))?;
    let mut grounds = Vec::with_capacity(orders.len());
    for id in orders {
        grounds.extend(Ground::of(working, *id, &rules)?);
    }
    let is_asked = |line: &&Line| look == Look::All || is_untold(line);
    let drafts = grounds
        .iter()
        .flat_map(|ground| ground.order.lines.iter().filter(is_asked).map(|line| ground.draft_id(line.no)));
    working.load_records(NOTICE, drafts)?;
    for ground in &grounds {
        let mut records = Vec::new();
        for line in ground.order.lines.iter().filter(is_asked) {
            records.extend(line_draft(working, ground, line, now)?);
        }
        if records.is_empty() {
            continue;
        }
        let ids: Vec<&str> = records.iter().map(|record| &*record.id).collect();
        let data = json(&serde_json::json!({ "notices": ids }))?;
        let order = Some(ground.order.id);
        let event = Event::NoticeDrafted(Noted { sku: None, order, data, records });
        working.apply(now, vec![event])?;
    }
    Ok(())
}

fn is_untold(line: &Line) -> bool {
    line.promises.last().is_some_and(|promise| promise.told_at.is_none())
}

/// What is to be written about one line's draft, if anything.
fn line_draft(
    working: &mut Working<'_>,
    ground: &Ground,
    line: &Line,
    now: Timestamp,
) -> Result<Option<Record>, Failure> {
    let id = ground.draft_id(line.no);
    let known = working.record(NOTICE, &id)?;
    if known.as_ref().is_some_and(|known| &*known.state != state::DRAFT) {
        // It is on its way; when it has arrived, this is asked again.
        return Ok(None);
    }
    let news = ground.due(working.shop(), line, now).filter(|news| is_worth_saying(ground, line, news, now));
    let Some(news) = news else {
        return Ok(known.map(|_| Record::gone(NOTICE, &id)));
    };
    let before: Option<Kept> = known.as_deref().map(read).transpose()?.flatten();
    let same = |kept: &Kept| kept.news.kind == news.kind && kept.news.version == news.version;
    if let (Some(kept), Some(known)) = (before.as_ref().filter(|kept| same(kept)), &known) {
        // It says the same, but it may be time for it now.
        let due = goes_out(ground, kept, now).filter(|_| kept.failure.is_none());
        let earlier = due.is_some_and(|due| known.due.is_none_or(|known| due < known));
        return Ok(earlier.then(|| Record { due, ..(**known).clone() }));
    }
    let kept = Kept {
        order: ground.order.id,
        line: line.no,
        sku: line.sku.clone(),
        drafted_at: now,
        edited_at: None,
        tries: before.map_or(0, |kept| kept.tries),
        sent_at: None,
        failure: None,
        answer: None,
        lapsed: None,
        news,
    };
    draft_record(ground, &id, &kept, now).map(Some)
}

/// A draft as a record.
pub(super) fn draft_record(
    ground: &Ground,
    id: &str,
    kept: &Kept,
    now: Timestamp,
) -> Result<Record, Failure> {
    Ok(Record {
        owner: ground.order.id.to_string().into(),
        state: state::DRAFT.into(),
        due: goes_out(ground, kept, now).filter(|_| kept.failure.is_none()),
        ..made(NOTICE, id, kept)?
    })
}

/// When a draft goes out by itself.
fn goes_out(ground: &Ground, kept: &Kept, now: Timestamp) -> Option<Timestamp> {
    let news = &kept.news;
    let is_closed = ground.order.line(kept.line).is_some_and(|line| line.open() == 0);
    match ground.rules.shop.automatic {
        Automatic::Never => None,
        Automatic::AtOnce if news.kind == NoticeKind::Cancelled && !is_closed => None,
        Automatic::AtOnce => Some(now),
        // What is cancelled is told at once. What only the law has cancelled, since nobody wrote in time, is a person's to
        // look at: sending that notice cancels it.
        Automatic::LastDay if news.kind == NoticeKind::Cancelled => is_closed.then_some(now),
        // Goods wait for it.
        Automatic::LastDay if news.kind == NoticeKind::Reconfirm => Some(now),
        Automatic::LastDay => {
            let day = news.send_by.filter(|day| *day >= local_date(now, &ground.zone))?;
            let at = ground.zone.first_instant(day, Time::new(LAST_DAY_HOUR, 0, 0, 0).ok()?)?;
            Some(at.max(now))
        }
    }
}

/// Whether it is worth a draft: not what is about orders that came from elsewhere and were over or forgotten there.
fn is_worth_saying(ground: &Ground, line: &Line, news: &Notice, now: Timestamp) -> bool {
    match news.kind {
        NoticeKind::Update => now.as_second() - ground.order.placed_at.as_second() <= SILENT_SECONDS_MAX,
        NoticeKind::Cancelled if line.open() > 0 => {
            let ended = ground.ask(line, |case| case.standing(now).cancelled);
            let today = days_since_epoch(local_date(now, &ground.zone));
            ended.is_some_and(|ended| today - days_since_epoch(ended.on) <= ENDED_DAYS_MAX)
        }
        _ => true,
    }
}

/// The line of an order that a notice is about.
pub(super) fn line_in(ground: &Ground, id: LineId) -> Option<&Line> {
    ground.order.line(id.no)
}
