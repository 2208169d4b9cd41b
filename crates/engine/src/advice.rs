//! Policies that are set because of an advice: the ledger says on what it rested.

use model::{
    advice::{FOLLOWED, FollowAdvice, Followed, followed_id},
    event::{Event, Noted, PolicySet},
    record::{Json, Record},
};

use crate::{
    after::{Course, follow},
    answer::Answer,
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
    let noted =
        Noted { sku: Some(put.sku.clone()), order: None, data: Json::of(&followed)?, records: vec![record] };
    working.apply(course.now, vec![Event::AdviceFollowed(noted)])?;
    let (sku, channel, policy) = (put.sku.clone(), put.channel.clone(), put.policy.clone());
    Ok(Ok(Answer::Advised(Box::new((PolicySet { sku, channel, policy }, wish.advice.clone())))))
}
