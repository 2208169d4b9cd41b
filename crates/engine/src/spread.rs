//! What a changed setting leads to: pool by pool in the order of their SKUs, lines move up, and lines that it concerns have
//! their promises made anew.

use model::{
    id::{Sku, SupplyId},
    order::Cause,
};
use promise::Changed;
use serde::{Deserialize, Serialize};

use crate::{
    after::{Behind, Course, Rest, go_on_or_end, reissue, settle},
    answer::Failure,
    working::Working,
};

/// Pools read at once to see whether a setting concerns them.
const POOLS_A_PAGE: usize = 50;

/// How far a changed setting has come: through all pools up to one; in that one, where a supply is named, through its
/// supplies up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supply: Option<SupplyId>,
}

/// A changed setting on its way, and how much this step may still cost: the lines and pools it looks at.
struct Spread<'a> {
    changed: &'a Changed,
    cause: &'a Cause,
    at: Place,
    budget: usize,
}

/// Goes through the pools from a place on: one step now, the rest as work.
pub(crate) fn spread(
    working: &mut Working<'_>,
    course: &mut Course,
    changed: &Changed,
    at: Place,
    cause: &Cause,
    work: Option<i64>,
) -> Result<(), Failure> {
    working.load_pools(changed.sku().into_iter())?;
    let mut spread = Spread { changed, cause, at, budget: course.lines };
    let over = spread.step(working, course)?;
    let at = spread.at;
    let rest = || Rest::Spread { changed: changed.clone(), at, cause: cause.clone(), course: course.clone() };
    go_on_or_end(working, work, (!over).then(rest)).map(drop)
}

impl Spread<'_> {
    /// True: no pool is left.
    fn step(&mut self, working: &mut Working<'_>, course: &mut Course) -> Result<bool, Failure> {
        if let Place { sku: Some(sku), supply: Some(_) } = self.at.clone() {
            self.pool(working, course, &sku)?;
        }
        if let Some(sku) = self.changed.only_pool(working.shop()).cloned() {
            if self.at.sku.is_none() {
                self.pool(working, course, &sku)?;
            }
            return Ok(self.at.supply.is_none());
        }
        while self.budget > 0 {
            let tenant = working.tenant;
            let page = working.store()?.pool_page(tenant, self.at.sku.as_ref(), POOLS_A_PAGE)?;
            for pool in &page {
                if self.budget == 0 {
                    return Ok(false);
                }
                self.budget -= 1;
                if self.changed.concerns_pool(pool) {
                    self.pool(working, course, pool.sku())?;
                } else {
                    self.at.sku = Some(pool.sku().clone());
                }
            }
            if page.len() < POOLS_A_PAGE {
                return Ok(self.at.supply.is_none());
            }
        }
        Ok(false)
    }

    /// Goes through one pool, or on in it, as far as the budget reaches, but by one supply at least.
    fn pool(&mut self, working: &mut Working<'_>, course: &mut Course, sku: &Sku) -> Result<(), Failure> {
        working.load_pools([sku].into_iter())?;
        let done = self.at.supply;
        if done.is_none() {
            let looked_at = settle(working, course, sku, self.cause)?;
            self.budget = self.budget.saturating_sub(looked_at);
        }
        // By id: their order in the pool may be another when this goes on.
        let supplies = working.pool(sku).map(|pool| &pool.supplies[..]).unwrap_or_default();
        let concerned = supplies.iter().filter(|supply| self.changed.concerns_supply(supply));
        let left = concerned.map(|supply| supply.id).filter(|id| done.is_none_or(|done| *id > done));
        let mut left: Vec<SupplyId> = left.collect();
        left.sort_unstable();
        self.at = Place { sku: Some(sku.clone()), supply: None };
        let last = left.last().copied();
        for supply in left {
            let behind = Behind { only: Some(self.changed.clone()), ..Behind::all(sku.clone(), supply) };
            let looked_at = reissue(working, course, behind, self.cause, None)?;
            self.budget = self.budget.saturating_sub(looked_at);
            if self.budget == 0 && Some(supply) != last {
                self.at.supply = Some(supply);
                return Ok(());
            }
        }
        Ok(())
    }
}
