//! Policies that are set because of an advice: the ledger says on what it rested.

use model::{
    advice::{AUTOMATIC, FOLLOWED, FollowAdvice, Followed, followed_id},
    command::{KeepTerms, PutPolicy},
    event::{Event, Noted, PolicySet},
    record::{Json, Record},
};

use crate::{
    after::{Course, follow},
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// Sets the policy an advice comes to, and writes down the advice with it. Refused as the policy alone would be.
pub(crate) fn follow_advice(working: &mut Working<'_>, course: &mut Course, wish: &FollowAdvice) -> Outcome {
    let put = &wish.policy;
    working.load_pools([&put.sku].into_iter())?;
    let before = working.pool(&put.sku).and_then(|pool| pool.policy_set(&put.channel)).cloned();
    let events = match promise::put_policy(course.setting(working), put) {
        Ok(events) => events,
        Err(rejection) => return Ok(Err(rejection)),
    };
    follow(working, course, &events)?;
    let followed = Followed {
        sku: put.sku.clone(),
        channel: put.channel.clone(),
        at: course.now,
        by: wish.by,
        before: before.map(|policy| (*policy).clone()),
        policy: put.policy.clone(),
        advice: wish.advice.clone(),
    };
    let record = Record {
        owner: put.sku.as_str().into(),
        state: Json::of(&wish.by)?.read::<String>()?.into(),
        ..Record::new(FOLLOWED, &followed_id(&put.sku, &put.channel), &followed)?
    };
    let records = wish.records.iter().cloned().chain([record]).collect();
    let noted = Noted { sku: Some(put.sku.clone()), order: None, data: Json::of(&followed)?, records };
    working.apply(course.now, vec![Event::AdviceFollowed(noted)])?;
    let (sku, channel, policy) = (put.sku.clone(), put.channel.clone(), put.policy.clone());
    Ok(Ok(Answer::Advised(Box::new((PolicySet { sku, channel, policy }, wish.advice.clone())))))
}

/// A policy that somebody sets follows the advice by itself no more.
pub(crate) fn set_by_hand(
    working: &mut Working<'_>,
    course: &Course,
    put: &PutPolicy,
) -> Result<(), Failure> {
    let id = followed_id(&put.sku, &put.channel);
    if working.record(AUTOMATIC, &id)?.is_none() {
        return Ok(());
    }
    let data = Json::of(&serde_json::json!({ "channel": put.channel, "automatic": false }))?;
    let records = vec![Record::gone(AUTOMATIC, &id)];
    let noted = Noted { sku: Some(put.sku.clone()), order: None, data, records };
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}

/// Sets terms and settings that no decision on goods reads.
pub(crate) fn keep_terms(working: &mut Working<'_>, course: &Course, wish: &KeepTerms) -> Outcome {
    let noted =
        Noted { sku: wish.sku.clone(), order: None, data: wish.data.clone(), records: wish.records.clone() };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    working.put_private(wish.private.clone());
    Ok(Ok(Answer::Done))
}
