//! How often shoppers look at badges, and what those said: counted in memory and written down now and then, never who looked.
//!
//! What a stranger can send is bounded: only products that exist are counted, so many of them, and so many looks at each until they are
//! written down. A process that is killed forgets what it has not written yet: at most [`EVERY`].

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use engine::Failure;
use insight::advice::patience::{WAITS, wait_of};
use model::{
    command::{Command, KeepTerms},
    id::{Sku, TenantId},
    record::Json,
    time::{Timestamp, Zone, days_since_epoch, local_date},
    view::{Availability, AvailabilityState},
    views::{Viewed, Views as Noted},
};
use rustc_hash::FxHashMap;

use crate::{
    App,
    worker::{self, over_and_over},
};

/// How often looks are written down.
pub const EVERY: Duration = Duration::from_secs(900);
/// Most products of all shops counted at once; looks at more are not counted until these are written down.
const PRODUCTS_MAX: usize = 50_000;
/// Most looks at one product with one answer that count until they are written down.
const LOOKS_MAX: u32 = 5_000;
/// Most products in one entry of the ledger.
const ENTRY_MAX: usize = 500;

/// What a badge said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// In stock.
    Here,
    /// Sold for later, at one of the waits that are told apart.
    Later(usize),
    /// Not to be bought.
    Out,
}

impl Look {
    /// Which it was; `None`: it is no longer made, so nothing is lost.
    pub(crate) fn of(answer: &Availability, now: Timestamp) -> Option<Self> {
        match answer.state {
            AvailabilityState::InStock | AvailabilityState::Limited => Some(Self::Here),
            AvailabilityState::Backorder | AvailabilityState::Preorder | AvailabilityState::MadeToOrder => {
                let today = days_since_epoch(local_date(now, &Zone::utc()));
                let promised = days_since_epoch(answer.ship_by.promised?);
                Some(Self::Later(wait_of(i64::from(promised - today))))
            }
            AvailabilityState::Waitlist | AvailabilityState::OutOfStock => Some(Self::Out),
            AvailabilityState::Discontinued => None,
        }
    }
}

/// Looks at one product.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    here: AtomicU32,
    later: [AtomicU32; WAITS],
    out: AtomicU32,
}

impl Looks {
    pub(crate) fn add(&self, look: Look) {
        let count = match look {
            Look::Here => &self.here,
            Look::Later(wait) => &self.later[wait.min(WAITS - 1)],
            Look::Out => &self.out,
        };
        // Two at once may pass the limit together, which hurts nobody.
        if count.load(Ordering::Relaxed) < LOOKS_MAX {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take(&self, sku: &Sku) -> Option<Noted> {
        let take = |count: &AtomicU32| count.swap(0, Ordering::Relaxed);
        let mut later: Vec<u32> = self.later.iter().map(take).collect();
        if later.iter().all(|looks| *looks == 0) {
            later.clear();
        }
        let noted = Noted { sku: sku.clone(), here: take(&self.here), later, out: take(&self.out) };
        (noted.here > 0 || noted.out > 0 || !noted.later.is_empty()).then_some(noted)
    }
}

/// Looks since they were last written down.
#[derive(Debug, Default)]
pub struct Views(Mutex<FxHashMap<(TenantId, Sku), Arc<Looks>>>);

impl Views {
    /// Where looks at a product are counted; `None`: very many others are counted.
    pub(crate) fn of(&self, tenant: &TenantId, sku: &Sku) -> Option<Arc<Looks>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), sku.clone());
        if let Some(known) = all.get(&key) {
            return Some(Arc::clone(known));
        }
        (all.len() < PRODUCTS_MAX).then(|| Arc::clone(all.entry(key).or_default()))
    }

    /// Takes what was counted, by shop; products that nobody looked at since the last time are forgotten.
    fn take(&self) -> Vec<(TenantId, Vec<Noted>)> {
        let mut shops: FxHashMap<TenantId, Vec<Noted>> = FxHashMap::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(tenant, sku), looks| {
            let noted = looks.take(sku);
            let kept = noted.is_some() || Arc::strong_count(looks) > 1;
            if let Some(noted) = noted {
                shops.entry(tenant.clone()).or_default().push(noted);
            }
            kept
        });
        let mut shops: Vec<_> = shops.into_iter().collect();
        shops.sort_by(|a, b| a.0.cmp(&b.0));
        shops.iter_mut().for_each(|(_, noted)| noted.sort_by(|a, b| a.sku.cmp(&b.sku)));
        shops
    }
}

/// Writes down what was counted; answers of how many products.
///
/// Errors: the engine failed; what was counted until then is lost.
pub async fn write_down(app: &Arc<App>, now: Timestamp) -> Result<usize, Failure> {
    let mut products = 0;
    for (tenant, noted) in app.views.take() {
        products += noted.len();
        for part in noted.chunks(ENTRY_MAX) {
            let data = Json::of(&Viewed { badge_views: part.to_vec() })?;
            let wish = KeepTerms { sku: None, data, records: Vec::new(), private: Vec::new() };
            // A shop that is gone has nothing to write down.
            let _ = worker::run(app, &tenant, now, Command::KeepTerms(wish)).await?;
        }
    }
    Ok(products)
}

/// Writes down over and over, by the server's own clock, until it is dropped.
pub async fn work(app: Arc<App>, pause: Duration) {
    over_and_over(app, pause, "looks at badges", |app, now| async move { write_down(&app, now).await }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_counted_by_what_was_said_and_bounded() {
        let views = Views::default();
        let (tenant, sku) = (TenantId::new("acme").unwrap(), Sku::new("MUG").unwrap());
        let looks = views.of(&tenant, &sku).unwrap();
        looks.add(Look::Here);
        (0..2).for_each(|_| looks.add(Look::Later(3)));
        (0..LOOKS_MAX + 10).for_each(|_| looks.add(Look::Out));
        drop(looks);
        let taken = views.take();
        let noted = Noted { sku: sku.clone(), here: 1, later: vec![0, 0, 0, 2, 0, 0], out: LOOKS_MAX };
        assert_eq!(taken, [(tenant.clone(), vec![noted])]);
        // Nobody looked since: nothing is written, and the product is forgotten.
        assert!(views.take().is_empty() && views.0.lock().unwrap().is_empty());
        for n in 0..PRODUCTS_MAX {
            views.of(&tenant, &Sku::new(&format!("S{n}")).unwrap()).unwrap();
        }
        assert!(views.of(&tenant, &sku).is_none(), "there is a limit");
    }
}
