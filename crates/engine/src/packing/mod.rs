//! Orders that ship whole, made whole: what is on hand at one location goes to those of them that are worth most together.
//!
//! docs/theory/promising.md, "Whole orders". The choice is a packing problem ([`allocate::pack`]). It takes time, so it is made
//! beside the writer from what a reader sees ([`plan`]); the command names the orders chosen, and is refused as stale where
//! they cannot be made whole any more.

mod plan;
mod swaps;

use model::{
    allocation::{Pack, PackReport},
    id::{RunId, Sku, SupplyId},
    order::Cause,
    refusal::Rejection,
    run::PACKED,
};

pub use self::plan::{Effort, ORDERS_MAX, Plan, Wish, plan};
use self::swaps::Swaps;
use crate::{
    after::{Behind, Course, reissue, settle},
    allocation::rearrange,
    answer::Answer,
    execute::Outcome,
    undo,
    working::Working,
};

/// Makes orders whole as they were chosen.
pub(crate) fn pack(working: &mut Working<'_>, course: &mut Course, wish: &Pack) -> Outcome {
    let orders: Vec<_> = wish.whole.iter().chain(&wish.givers).copied().collect();
    working.load_orders(&orders)?;
    let Some(location) = working.shop().locations.get(&wish.location) else {
        return Ok(Err(Rejection::not_found("location", &wish.location)));
    };
    let today = location.today(course.now);
    let (shop, settings) = (working.shop(), &working.state.allocation);
    let takes_part =
        |id| shop.orders.get(id).is_some_and(|order| swaps::takes_part(shop, settings, order, today));
    if !orders.iter().all(takes_part) {
        return Ok(Err(Rejection::Stale));
    }
    let mut swaps = Swaps::new(shop, settings, &wish.location, orders.iter().copied(), course.now);
    let mut whole = Vec::new();
    for order in &wish.whole {
        let Some(units_moved) = swaps.serve(*order, &wish.givers) else { return Ok(Err(Rejection::Stale)) };
        whole.push(swaps.packed(*order, units_moved));
    }
    let (targets, gave) = (swaps.targets(), swaps.changed(&wish.givers));
    let id = RunId::of(course.setting(working).command);
    let cause = Cause { detail: Some("whole orders".into()), ..Cause::of("run_applied") };
    let since = working.last_entry()?;
    let mut changed: Vec<(Sku, Vec<SupplyId>)> = Vec::new();
    for (sku, targets) in targets {
        let (_, to) = rearrange(working, course, &sku, targets, &cause)?;
        changed.push((sku, to));
    }
    for (sku, to) in &changed {
        settle(working, course, sku, &cause)?;
        for supply in to {
            reissue(working, course, Behind::all(sku.clone(), *supply), &cause, None)?;
        }
    }
    undo::keep_moves(working, course, since, PACKED, &changed)?;
    let run = (!changed.is_empty()).then_some(id);
    let (location, choice) = (wish.location.clone(), wish.choice.clone());
    Ok(Ok(Answer::Packed(Box::new(PackReport { run, location, choice, orders: whole, gave }))))
}
