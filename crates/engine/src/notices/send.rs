//! Sending: a draft is looked at once more, then given to the mail; only what the mail has taken counts as told.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    event::Event,
    id::OrderId,
    record::{Noted, Record},
    time::Timestamp,
};
use obligation::notice::kept::{self, Kept, NOTICE, line_of, state};
use serde::{Deserialize, Serialize};

use super::{
    draft::{Look, draft, draft_record, line_in},
    ground::Ground,
    in_state, json, made,
    mail::{MAIL, MailRow, mail_state},
    note, notice,
};
use crate::{
    after::{Course, Rest, go_on_or_end},
    answer::Failure,
    working::Working,
};

/// Most drafts sent in one step.
const DRAFTS_A_STEP: usize = 200;

/// What became of drafts that were to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Those that the mail has.
    pub sent: Vec<Arc<str>>,
    /// Those that were not given to it, each with a stable word for why.
    pub kept: Vec<(Arc<str>, Arc<str>)>,
    /// Whether more are sent as work.
    pub more: bool,
}

/// Sends drafts: those of one order in one mail.
pub(super) fn send(working: &mut Working<'_>, course: &Course, ids: &[Arc<str>]) -> Result<Told, Failure> {
    let mut told = Told::default();
    let mut orders: BTreeMap<OrderId, Vec<Arc<str>>> = BTreeMap::new();
    for id in ids {
        match line_of(id) {
            Some(line) => orders.entry(line.order).or_default().push(Arc::clone(id)),
            None => told.kept.push((Arc::clone(id), "not_found".into())),
        }
    }
    let of: Vec<OrderId> = orders.keys().copied().collect();
    working.load_orders(&of)?;
    for (order, ids) in orders {
        send_order(working, course.now, order, &ids, &mut told)?;
    }
    Ok(told)
}

/// Sends every draft there is: one step now, the rest as work.
pub(crate) fn send_all(
    working: &mut Working<'_>,
    course: &Course,
    after: Option<&str>,
    work: Option<i64>,
) -> Result<Told, Failure> {
    let most = DRAFTS_A_STEP.min(course.lines);
    let page = in_state(working, NOTICE, state::DRAFT, (after, most))?;
    let ids: Vec<Arc<str>> = page.iter().map(|record| Arc::clone(&record.id)).collect();
    let mut told = send(working, course, &ids)?;
    let last = ids.last().filter(|_| ids.len() == most).cloned();
    told.more = last.is_some();
    go_on_or_end(working, work, last.map(|after| Rest::SendDrafts { after, course: course.clone() }))?;
    Ok(told)
}

/// Gives drafts of one order to the mail.
pub(super) fn send_order(
    working: &mut Working<'_>,
    now: Timestamp,
    order: OrderId,
    ids: &[Arc<str>],
    told: &mut Told,
) -> Result<(), Failure> {
    let Some(ground) = Ground::load(working, order)? else {
        told.kept.extend(ids.iter().map(|id| (Arc::clone(id), "not_found".into())));
        return Ok(());
    };
    let tenant = working.tenant;
    let contact = working.store()?.contact(tenant, order)?.unwrap_or_default();
    let mut sending: Vec<(Record, Box<Kept>)> = Vec::new();
    let mut renewed: Vec<Record> = Vec::new();
    for id in ids {
        let code = match look_again(working, &ground, id, now)? {
            Again::Send(_, mut kept) if contact.email.is_none() => {
                if kept.failure.is_none() {
                    kept.failure = Some(kept::Failure { code: "no_address".into(), at: now });
                    renewed.push(draft_record(&ground, id, &kept, now)?);
                }
                "no_address"
            }
            Again::Send(record, kept) => {
                sending.push((record, kept));
                told.sent.push(Arc::clone(id));
                continue;
            }
            Again::Renewed(record) => {
                renewed.push(record);
                "changed"
            }
            Again::No(code) => code,
        };
        told.kept.push((Arc::clone(id), code.into()));
    }
    if !renewed.is_empty() {
        let data = json(
            &serde_json::json!({ "notices": renewed.iter().map(|record| &*record.id).collect::<Vec<_>>() }),
        )?;
        let event = Event::NoticeDrafted(Noted { sku: None, order: Some(order), data, records: renewed });
        working.apply(now, vec![event])?;
    }
    let Some((first, kept)) = sending.first() else { return Ok(()) };
    let mail_id = format!("mal_{}-{}", first.id.trim_start_matches("ntc_"), kept.tries);
    let notices: Vec<Arc<str>> = sending.iter().map(|(record, _)| Arc::clone(&record.id)).collect();
    let row = MailRow { notices: notices.clone(), ..MailRow::of_order("notice", order, now) };
    let private = Record {
        owner: order.to_string().into(),
        state: mail_state::QUEUED.into(),
        due: Some(now),
        ..made(MAIL, &mail_id, &row)?
    };
    working.put_private([private]);
    let records = sending.into_iter().map(|(record, _)| record).collect();
    note(working, now, Some(order), &serde_json::json!({ "sending": notices }), records)
}

enum Again {
    /// It is as it was drafted.
    Send(Record, Box<Kept>),
    /// Something else is to be said by now, or nothing: somebody should look first.
    Renewed(Record),
    /// There is nothing to send.
    No(&'static str),
}

fn look_again(
    working: &mut Working<'_>,
    ground: &Ground,
    id: &Arc<str>,
    now: Timestamp,
) -> Result<Again, Failure> {
    let Some((record, mut kept)) = notice(working, id)? else { return Ok(Again::No("not_found")) };
    if &*record.state != state::DRAFT {
        return Ok(Again::No("not_a_draft"));
    }
    let line = line_in(ground, ground.line_id(kept.line));
    let news = line.and_then(|line| ground.due(working.shop(), line, now));
    let Some(news) = news else { return Ok(Again::Renewed(Record::gone(NOTICE, id))) };
    let is_same = news.kind == kept.news.kind && news.version == kept.news.version;
    kept.news = news;
    if !is_same {
        kept.drafted_at = now;
        kept.failure = None;
        return Ok(Again::Renewed(draft_record(ground, id, &kept, now)?));
    }
    kept.tries += 1;
    let sending =
        Record { state: state::SENDING.into(), due: None, body: Some(json(&kept)?), ..(*record).clone() };
    Ok(Again::Send(sending, Box::new(kept)))
}

/// The mail has taken notices of one order: from now on they are told.
pub(super) fn arrived(
    working: &mut Working<'_>,
    course: &mut Course,
    order: OrderId,
    ids: &[Arc<str>],
    mail: &str,
) -> Result<(), Failure> {
    let now = course.now;
    let Some(mut ground) = Ground::load(working, order)? else { return Ok(()) };
    let today = model::time::local_date(now, &ground.zone);
    let (mut records, mut told, mut said, mut ended) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        let Some((record, mut kept)) = notice(working, id)? else { continue };
        if &*record.state != state::SENDING {
            continue;
        }
        let no = kept.line;
        records.extend(outdate(working, &ground, &kept)?);
        let case = ground.case_mut(no);
        case.sent += 1;
        case.last_word_at = Some(now);
        if kept.news.kind.is_delay() {
            case.asked = Some(kept.news.version);
        }
        use obligation::notice::NoticeKind;
        match kept.news.kind {
            NoticeKind::Cancelled | NoticeKind::Shipped => case.fate_told = true,
            NoticeKind::Reconfirm => case.reconfirmed = true,
            _ => {}
        }
        case.steps.extend(kept.news.step(now, today));
        kept.sent_at = Some(now);
        kept.failure = None;
        let line = line_in(&ground, ground.line_id(no));
        let due = line.filter(|_| kept.news.asks).and_then(|line| ground.next_change(line, now));
        if kept.news.kind == NoticeKind::Cancelled && line.is_some_and(|line| line.open() > 0) {
            ended.push(no);
        }
        told.push((no, kept.news.version));
        said.push(serde_json::json!({ "id": id, "line": ground.line_id(no), "kind": kept.news.kind,
            "version": kept.news.version, "answer_by": kept.news.answer_by, "on_silence": kept.news.on_silence }));
        records.push(Record {
            state: state::SENT.into(),
            due,
            body: Some(json(&kept)?),
            ..(*record).clone()
        });
    }
    if told.is_empty() {
        return Ok(());
    }
    records.push(ground.case_record()?);
    let data = json(&serde_json::json!({ "notices": said, "mail": mail }))?;
    let event = Event::NoticeSent(model::event::NoticeSent { order, at: now, told, data, records });
    working.apply(now, vec![event])?;
    for no in ended {
        super::lapse::end_by_law(working, course, ground.line_id(no))?;
    }
    draft(working, now, &[order], Look::Untold)
}

/// The notice before, if its question is still open: this one asks anew.
fn outdate(working: &mut Working<'_>, ground: &Ground, kept: &Kept) -> Result<Option<Record>, Failure> {
    let sent = ground.case_of(kept.line).sent;
    if sent == 0 || !kept.news.kind.is_delay() {
        return Ok(None);
    }
    let id = kept::notice_id(ground.line_id(kept.line), sent);
    let before = working.record(NOTICE, &id)?;
    let open = before.filter(|before| [state::SENT, state::ANSWERED].contains(&&*before.state));
    Ok(open.map(|before| {
        let answered = &*before.state == state::ANSWERED;
        let word = if answered { state::ANSWERED } else { state::OUTDATED };
        Record { state: word.into(), due: None, ..(*before).clone() }
    }))
}
