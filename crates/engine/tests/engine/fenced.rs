//! Runs by a rule and packings in shops in which units are ring-fenced: nobody gets what is kept for others, and whoever has units
//! that are ring-fenced for their channel keeps them.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use engine::packing::{self, Effort, Wish};
use model::{
    Units,
    allocation::{Basis, Pack, Reallocate, Rule, Strategy, Worth},
    command::{AddSupply, Adjust, Command, FencedAt, RingFenceStock},
    event::AdjustReason,
    id::{Channel, LocationId, SupplyId},
};
use proptest::{prelude::*, test_runner::TestRunner};
use testkit::{
    ask::{ask, sku},
    core::supply,
    random,
};
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
                let stands =
                    (supply.claimed_by(&channel), supply.ring_fenced_for(&channel), supply.is_on_hand());
                all += stands.0.max(stands.1);
                spoken.insert((supply.id, channel), stands);
            }
            let is_full = supply.kind.is_elastic() || all <= supply.quantity;
            assert!(is_full, "{} has {} units for {all}", supply.id, supply.quantity);
        }
        spoken
    }
}

impl Tried {
    /// Which orders a packing would make whole.
    fn plan(&mut self, place: &str) -> Pack {
        let (tenant, now) = (self.tenant.clone(), self.core.now);
        let wish = Wish { location: Some(LocationId::stored(place)), skus: Vec::new(), by: Worth::Orders };
        let mut effort = Effort { go_on: &mut || true, highs: Duration::ZERO };
        packing::plan(self.read(), &tenant, &wish, now, &mut effort).unwrap().unwrap().command
    }

    fn fence(&mut self, code: &str, units: Units) {
        let at = FencedAt::Location(sku(code), LocationId::stored("east"));
        let wish = RingFenceStock { at, channel: Channel::stored("web"), units, if_match: None };
        self.run(Command::RingFence(wish));
    }

    fn stock(&mut self, code: &str, delta: Units) {
        self.run(Command::Adjust(Adjust {
            sku: sku(code),
            location: LocationId::stored("east"),
            delta,
            reason: AdjustReason::Count,
            line: None,
            quarantine: false,
            note: None,
        }));
    }
}

#[test]
fn an_order_is_not_made_whole_with_what_is_ring_fenced_for_another_channel() {
    let mut tried = Tried::new();
    for code in ["A", "B"] {
        tried.stock(code, 1);
        let location = LocationId::stored("east");
        tried.run(Command::AddSupply(AddSupply { location, ..supply(code, 1, "2026-09-01") }));
    }
    tried.fence("A", 1);
    // The first waits for A, which is the web's; the second has it, and waits for B.
    for channel in ["default", "web"] {
        let wish = ask("A", 1).and("B", 1).complete().on(channel).order();
        tried.run(Command::PlaceOrder(Box::new(wish)));
    }
    let channel = |tried: &mut Tried, wish: &Pack| -> Vec<Channel> {
        let tenant = tried.tenant.clone();
        let orders = tried.read().orders(&tenant, &wish.whole).unwrap();
        orders.into_iter().map(|order| order.channel).collect()
    };
    let own = tried.plan("east");
    assert_eq!(channel(&mut tried, &own), [Channel::stored("web")]);
    tried.fence("A", 0);
    let any = tried.plan("east");
    assert_eq!(channel(&mut tried, &any), [Channel::default()], "who came first");
    tried.fence("A", 1);
    tried.run_as(later_id(1), Command::Pack(own)).unwrap();
    let web =
        (tried.spoken().into_iter()).filter(|((_, of), stands)| *of == Channel::stored("web") && stands.2);
    assert_eq!(web.map(|(_, (claimed, ..))| claimed).sum::<Units>(), 2, "both of it are here");
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
    let strategies =
        prop::sample::select(vec![Strategy::Gain, Strategy::Redistribute, Strategy::Win, Strategy::Lose]);
    let (fenced, packed) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(random::steps(1..50), bases, strategies), |(steps, basis, strategy)| {
            let mut tried = Tried::new();
            steps.iter().for_each(|step| tried.step(step));
            for (n, code) in [(1, "A"), (2, "B")] {
                let before = tried.spoken();
                let wish =
                    Reallocate { sku: sku(code), rule: Some(Rule::of(basis)), strategy: Some(strategy) };
                let _ = tried.run_as(later_id(n), Command::Reallocate(wish));
                let after = tried.spoken();
                for (key, (claimed, own, _)) in before.iter().filter(|(_, (_, own, here))| *own > 0 && *here)
                {
                    let now = after.get(key).map_or(0, |(claimed, ..)| *claimed);
                    prop_assert!(
                        now >= *claimed.min(own),
                        "{:?} had {} of its {}, has {}",
                        key,
                        claimed,
                        own,
                        now
                    );
                    fenced.set(fenced.get() + 1);
                }
            }
            // Two that want both, and a unit that makes one of them whole where others wait for less.
            for (n, channel) in [(3, "default"), (4, "web")] {
                let wish = ask("A", 1).and("B", 1).complete().on(channel).order();
                let _ = tried.run_as(later_id(n), Command::PlaceOrder(Box::new(wish)));
            }
            for (n, place) in [(5, "east"), (6, "west")] {
                let wish = tried.plan(place);
                packed.set(packed.get() + wish.whole.len());
                let _ = tried.run_as(later_id(n), Command::Pack(wish));
                tried.spoken();
            }
            Ok(())
        })
        .unwrap();
    assert!(fenced.get() > 200 && packed.get() > 0, "{} fences, {} packed", fenced.get(), packed.get());
}
