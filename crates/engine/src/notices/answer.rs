//! Answers: to keep agrees to one version of a promise, to cancel cancels.

use std::sync::Arc;

use model::{
    command::CancelOrder,
    event::Event,
    id::LineId,
    message::AnswerNotice,
    record::{Noted, Record},
    refusal::{Refusal, RefusalCode, Rejection},
};
use obligation::notice::{
    self, Answer as Said, Outcome as Follows,
    kept::{Answered, line_of, state},
};

use super::{
    draft::line_in,
    ground::Ground,
    json,
    lapse::{cancel_decision, refund_due},
    notice,
};
use crate::{
    after::{Course, follow},
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// Answers a notice for its customer.
pub(super) fn answer(working: &mut Working<'_>, course: &mut Course, wish: &AnswerNotice) -> Outcome {
    let missing = || Ok(Err(Rejection::not_found("notice", &wish.notice)));
    let (Some(id), Some((record, kept))) = (line_of(&wish.notice), notice(working, &wish.notice)?) else {
        return missing();
    };
    if !kept.news.asks || [state::DRAFT, state::SENDING].contains(&&*record.state) {
        return Ok(Err(refused(RefusalCode::NotAsked, format!("{} asks nothing", wish.notice))));
    }
    let said = if wish.keep { Said::Keep } else { Said::Cancel };
    if kept.answer.as_ref().is_some_and(|before| before.answer == said) {
        // Said already: saying it again changes nothing.
        return Ok(Ok(Answer::Records(vec![(*record).clone()])));
    }
    if wish.keep && &*record.state == state::OUTDATED {
        return Ok(Err(outdated(&wish.notice)));
    }
    let Some(ground) = Ground::load(working, id.order)? else { return missing() };
    let Some(line) = line_in(&ground, id) else { return missing() };
    if line.open() == 0 {
        let code = if line.shipped > 0 { RefusalCode::AlreadyShipped } else { RefusalCode::AlreadyCancelled };
        return Ok(Err(refused(code, format!("nothing of {id} is open any more"))));
    }
    let version = wish.version.unwrap_or(kept.news.version);
    let asked = match kept.news.kind.is_delay() {
        true => ground.case_of(id.no).asked,
        false => Some(kept.news.version),
    };
    let (follows, step) = ground.ask(line, |case| notice::answered(case, asked, version, said, course.now));
    match follows {
        Follows::Kept { .. } | Follows::Cancelled { .. } => {}
        Follows::Outdated { .. } => return Ok(Err(outdated(&wish.notice))),
        Follows::AlreadyShipped => {
            return Ok(Err(refused(RefusalCode::AlreadyShipped, format!("{id} has left"))));
        }
        Follows::NothingAsked | Follows::Waits { .. } => {
            return Ok(Err(refused(RefusalCode::NotAsked, format!("{} asks nothing", wish.notice))));
        }
    }
    let answered = Answered {
        answer: said,
        at: course.now,
        version,
        by: if wish.by_customer { "customer" } else { "staff" }.to_owned(),
    };
    // A reconfirmation is no step of the law: there was no delay to agree to.
    let step = step.filter(|_| kept.news.kind.is_delay() || !wish.keep);
    let kept = notice::kept::Kept { answer: Some(answered), ..kept };
    if let Follows::Cancelled { rule, .. } = follows {
        let units = line.open();
        let decision = match cancel_decision(working, course, id, "the customer cancelled", true) {
            Ok(events) => events,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let mut ground = ground;
        let case = ground.case_mut(id.no);
        case.steps.extend(step);
        case.fate_told = true;
        case.last_word_at = Some(course.now);
        let record = note_answer(working, course, &ground, (&record, &kept), id)?;
        course.customer_knows = true;
        follow(working, course, &decision)?;
        refund_due(working, course, &ground, (id, units), "customer", rule)?;
        return Ok(Ok(Answer::Records(vec![record])));
    }
    let mut ground = ground;
    let case = ground.case_mut(id.no);
    case.steps.extend(step);
    case.last_word_at = Some(course.now);
    let record = note_answer(working, course, &ground, (&record, &kept), id)?;
    Ok(Ok(Answer::Records(vec![record])))
}

fn note_answer(
    working: &mut Working<'_>,
    course: &Course,
    ground: &Ground,
    (record, kept): (&Arc<Record>, &notice::kept::Kept),
    id: LineId,
) -> Result<Record, Failure> {
    let answered = kept.answer.as_ref();
    let is_kept = answered.is_some_and(|answered| answered.answer == Said::Keep);
    let line = line_in(ground, id).filter(|_| is_kept && kept.news.kind.is_delay());
    let due = line.and_then(|line| ground.next_change(line, course.now));
    let record = Record { state: state::ANSWERED.into(), due, body: Some(json(kept)?), ..(**record).clone() };
    let data = json(&serde_json::json!({
        "notice": record.id, "line": id, "answer": answered.map(|answered| answered.answer),
        "version": answered.map(|answered| answered.version), "by": answered.map(|answered| &answered.by),
    }))?;
    let records = vec![record.clone(), ground.case_record()?];
    let noted = Noted { sku: Some(kept.sku.clone()), order: Some(id.order), data, records };
    working.apply(course.now, vec![Event::NoticeAnswered(noted)])?;
    Ok(record)
}

fn refused(code: RefusalCode, detail: String) -> Rejection {
    Refusal::new(code, detail).into()
}

fn outdated(id: &str) -> Rejection {
    refused(RefusalCode::Outdated, format!("a newer notice has taken the place of {id}"))
}

/// What to call off: all of one line that is open.
pub(super) fn whole_line(id: LineId, reason: &str, by_customer: bool) -> CancelOrder {
    CancelOrder {
        order: id.order,
        lines: vec![(id, None)],
        reason: Some(reason.into()),
        placed_by: None,
        by_customer,
    }
}
