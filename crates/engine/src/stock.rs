//! Stock that is counted, sent to another location, or came in the place of something else; supplies that come in two parts.

use model::{
    Units,
    command::{Adjust, Count, SplitSupply, Transfer, WrongArrival},
    id::{LocationId, Sku, SupplyId},
    refusal::Rejection,
    view::AdjustmentView,
};

use crate::{
    after::Course,
    answer::Answer,
    execute::{Outcome, finish, last_come, lost, pool_of, supply_change, supply_view},
    working::Working,
};

/// Changes stock by hand.
pub(crate) fn adjust(working: &mut Working<'_>, course: &mut Course, wish: &Adjust) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    if let Some(line) = wish.line {
        working.load_orders(&[line.order])?;
    }
    let short = working
        .pool(&wish.sku)
        .filter(|_| wish.delta < 0)
        .map(|pool| promise::lots_short(pool, &wish.location, -wish.delta))
        .unwrap_or_default();
    let queues = last_come(working, &short)?;
    let decision = promise::adjust(course.setting(working), wish, &queues);
    finish(working, course, decision, |working, _| {
        Ok(Answer::Adjusted(standing(working, &wish.sku, &wish.location, wish.delta)))
    })
}

/// What is at a location after it changed by so many units.
fn standing(working: &Working<'_>, sku: &Sku, location: &LocationId, delta: Units) -> AdjustmentView {
    let supplies = working.pool(sku).map(|pool| &pool.supplies[..]).unwrap_or_default();
    let here = supplies.iter().filter(|supply| supply.is_on_hand() && supply.location == *location);
    let (on_hand, free) =
        here.fold((0, 0), |(all, free), supply| (all + supply.quantity, free + supply.free()));
    AdjustmentView { sku: sku.clone(), location: location.clone(), delta, on_hand, free }
}

/// Books a count: as a change by hand, where it is not what should be there.
pub(crate) fn count(working: &mut Working<'_>, course: &mut Course, wish: &Count) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    if !working.shop().locations.contains_key(&wish.location) {
        let detail = format!("there is no location {:?}", wish.location.as_str());
        return Ok(Err(Rejection::field("/location", "unknown_location", detail)));
    }
    let Some(pool) = working.pool(&wish.sku).filter(|pool| !pool.item.is_kit()) else {
        let detail = format!("there is no sku {:?} with stock of its own", wish.sku.as_str());
        return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
    };
    match promise::counted(pool, wish) {
        Some(change) => adjust(working, course, &change),
        None => Ok(Ok(Answer::Adjusted(standing(working, &wish.sku, &wish.location, 0)))),
    }
}

/// Puts what came in the place of something else on the shelf where it came.
pub(crate) fn wrong_arrival(working: &mut Working<'_>, course: &mut Course, wish: &WrongArrival) -> Outcome {
    let Some(sku) = pool_of(working, wish.supply)? else {
        return Ok(Err(Rejection::not_found("supply", wish.supply)));
    };
    let named = |rejection: Rejection| match rejection {
        Rejection::Invalid(mut errors) => {
            errors.iter_mut().for_each(|error| error.pointer = format!("/wrong{}", error.pointer));
            Rejection::Invalid(errors)
        }
        other => other,
    };
    let supply = working.pool(&sku).and_then(|pool| pool.supply(wish.supply));
    match promise::wrong_arrival(supply.map(|supply| &**supply), wish) {
        Err(rejection) => Ok(Err(named(rejection))),
        Ok(change) => Ok(adjust(working, course, &change)?.map_err(named)),
    }
}

/// Sends goods to another location.
pub(crate) fn transfer(working: &mut Working<'_>, course: &mut Course, wish: &Transfer) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    let decision = promise::transfer(course.setting(working), wish);
    let id = SupplyId(course.setting(working).command);
    finish(working, course, decision, |working, course| {
        supply_view(working, course, &wish.sku, id).map(Answer::SupplyAdded)
    })
}

/// Splits a supply in two.
pub(crate) fn split(working: &mut Working<'_>, course: &mut Course, wish: &SplitSupply) -> Outcome {
    let Some(sku) = pool_of(working, wish.supply)? else {
        return Ok(Err(Rejection::not_found("supply", wish.supply)));
    };
    let supply = working.pool(&sku).and_then(|pool| pool.supply(wish.supply)).cloned();
    let excess =
        supply.map_or(0, |supply| promise::excess(&supply, (supply.quantity - wish.quantity).max(0)));
    let queues = last_come(working, &[(wish.supply, excess)])?;
    let decision = promise::split_supply(course.setting(working), &sku, wish, &queues);
    let part = SupplyId(course.setting(working).command);
    finish(working, course, decision, |working, course| {
        let part = supply_view(working, course, &sku, part)?;
        match supply_change(working, course, &sku, wish.supply)? {
            Answer::SupplyChanged(change) => Ok(Answer::SupplySplit(Box::new((change, part)))),
            _ => Err(lost(wish.supply)),
        }
    })
}
