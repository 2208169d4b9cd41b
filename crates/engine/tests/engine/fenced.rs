//! Runs by a rule and packings in shops in which units are ring-fenced: nobody gets what is kept for others, and whoever has units
//! that are ring-fenced for their channel keeps them.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use engine::packing::{self, Effort, Wish};
use model::{
    Units,
    allocation::{Basis, Reallocate, Rule, Strategy, Worth},
    command::Command,
    id::{Channel, LocationId, Sku, SupplyId},
};
use proptest::{prelude::*, test_runner::TestRunner};
use testkit::random;
use uuid::Uuid;

use crate::tried::Tried;

/// Of each channel, how many units of a supply are spoken for: claimed, and ring-fenced for it; whether they are on hand, and so
/// gain nothing by moving up.
type Spoken = BTreeMap<(SupplyId, Channel), (Units, Units, bool)>;

impl Tried {
    fn spoken(&mut self) -> Spoken {
        let tenant = self.tenant.clone();
        let pools = self.read().pool_page(&tenant, None, usize::MAX).unwrap();
        let mut spoken = Spoken::new();
        for supply in pools.iter().flat_map(|pool| &pool.supplies) {
            let mut all = 0;
            let claims = supply.claims.iter().map(|claim| claim.channel.clone());
            let fences = supply.ring_fenced.iter().map(|fence| fence.channel.clone());
            let mut channels: Vec<Channel> = claims.chain(fences).collect();
            channels.sort_unstable();
            channels.dedup();
            for channel in channels {
                let stands = (supply.claimed_by(&channel), supply.ring_fenced_for(&channel), supply.is_on_hand());
                all += stands.0.max(stands.1);
                spoken.insert((supply.id, channel), stands);
            }
            let is_full = supply.kind.is_elastic() || all <= supply.quantity;
            assert!(is_full, "{} has {} units for {all}", supply.id, supply.quantity);
        }
        spoken
    }
}

fn later_id(n: u128) -> Uuid {
    Uuid::from_u128((u128::from(u64::MAX) << 64 | 0x7 << 76 | 0x2 << 62) + (n << 32))
}

#[test]
fn in_any_shop_a_run_leaves_what_is_ring_fenced_to_its_channel() {
    let bases = prop::sample::select(vec![
        Basis::OrderTime,
        Basis::PromiseGiven,
        Basis::Margin,
        Basis::Proportional,
        Basis::MaxMin,
    ]);
    let strategies = prop::sample::select(vec![Strategy::Gain, Strategy::Redistribute, Strategy::Win, Strategy::Lose]);
    let (fenced, packed) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(random::steps(1..50), bases, strategies), |(steps, basis, strategy)| {
            let mut tried = Tried::new();
            steps.iter().for_each(|step| tried.step(step));
            for (n, code) in [(1, "A"), (2, "B")] {
                let before = tried.spoken();
                let wish = Reallocate {
                    sku: Sku::stored(code),
                    rule: Some(Rule::of(basis)),
                    strategy: Some(strategy),
                };
                let _ = tried.run_as(later_id(n), Command::Reallocate(wish));
                let after = tried.spoken();
                for (key, (claimed, own, _)) in before.iter().filter(|(_, (_, own, here))| *own > 0 && *here) {
                    let now = after.get(key).map_or(0, |(claimed, ..)| *claimed);
                    prop_assert!(now >= *claimed.min(own), "{:?} had {} of its {}, has {}", key, claimed, own, now);
                    fenced.set(fenced.get() + 1);
                }
            }
            for (n, place) in [(3, "east"), (4, "west")] {
                let (tenant, now) = (tried.tenant.clone(), tried.core.now);
                let wish = Wish { location: Some(LocationId::stored(place)), skus: Vec::new(), by: Worth::Orders };
                let mut effort = Effort { go_on: &mut || true, highs: Duration::ZERO };
                let Ok(plan) = packing::plan(tried.read(), &tenant, &wish, now, &mut effort).unwrap() else {
                    continue;
                };
                packed.set(packed.get() + plan.command.whole.len());
                let _ = tried.run_as(later_id(n), Command::Pack(plan.command));
                tried.spoken();
            }
            Ok(())
        })
        .unwrap();
    assert!(fenced.get() > 200 && packed.get() > 10, "{} fences, {} packed", fenced.get(), packed.get());
}
