//! What is thrown away once a day, little by little: answers kept for requests that nobody sends again.

use ledger::{StoreError, Write};
use model::{
    id::TenantId,
    time::{Timestamp, Zone, days_since_epoch, local_date},
};

use crate::lane::Share;

/// An answer is looked up on its day and on the next (`execute`), so a day more is kept than is ever asked for.
const DAYS_KEPT: i32 = 2;
/// Most answers looked at, and forgotten, at once: some ten milliseconds of the writer's time.
const ANSWERS_A_STEP: usize = 500;
/// What a tenant costs that has nothing to forget, in answers.
const TENANT_COSTS: usize = 10;

/// How far today's round has come. Kept in memory alone: a process that starts anew goes round again, which finds nothing
/// twice.
#[derive(Debug, Default)]
pub(crate) struct Housekeeping {
    day: Option<i32>,
    /// Tenants to look at, the next one last, and after which answer.
    left: Vec<(TenantId, i64)>,
}

impl Housekeeping {
    /// Does one small step of the day's round; nothing once that is done. Called whenever timers are looked at.
    ///
    /// Answers the tenants, of those that are a lane's, whose day has just begun.
    pub(crate) fn step(
        &mut self,
        store: &mut dyn Write,
        share: Share,
        now: Timestamp,
    ) -> Result<Vec<TenantId>, StoreError> {
        let today = days_since_epoch(local_date(now, &Zone::utc()));
        let mut begun = Vec::new();
        if self.day.is_none_or(|day| day < today) {
            let tenants = store.tenants()?.into_iter().map(|tenant| tenant.id);
            begun = tenants.filter(|tenant| share.has(tenant)).collect();
            self.left = begun.iter().cloned().map(|tenant| (tenant, 0)).rev().collect();
            self.day = Some(today);
        }
        let mut budget = ANSWERS_A_STEP;
        while let Some((tenant, after)) = self.left.last_mut()
            && budget > 0
        {
            let (looked_at, next) = store.forget_replays(tenant, today - DAYS_KEPT, *after, budget)?;
            match next {
                Some(next) => *after = next,
                None => drop(self.left.pop()),
            }
            budget = budget.saturating_sub(looked_at.max(TENANT_COSTS));
        }
        Ok(begun)
    }
}
