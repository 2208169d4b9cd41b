//! A year of a shop with a faulty supplier, day by day from one seed.

use model::{
    Units,
    supply::{Supply, SupplyState},
    time::{Zone, days_since_epoch, local_date},
};

use super::{CHANNELS, COUNTRIES, RandomOrder, SKUS, Step, orders, quarantined, sku, supplies};
use crate::core::CoreShop;

/// What happens day by day; the same from the same seed.
pub struct Year {
    dice: Dice,
    day: u16,
}

impl Year {
    /// The first of January, so to speak.
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), day: 0 }
    }

    /// What happens on the next day, as the shop stands in the morning.
    pub fn day(&mut self, shop: &CoreShop) -> Vec<Step> {
        self.day += 1;
        let mut steps = Vec::new();
        if self.day % 7 == 1 {
            self.buy(&mut steps);
        }
        self.supplier(shop, &mut steps);
        self.customers(&mut steps);
        self.warehouse(shop, &mut steps);
        steps
    }

    /// The week's purchase orders.
    fn buy(&mut self, steps: &mut Vec<Step>) {
        for (at, most) in [(0, 20), (1, 32)] {
            let units = 8 + self.dice.up_to(most);
            let days = 8 + self.dice.days(25);
            steps.push(Step::Supply(at, self.dice.at(2), units, Some(days), self.dice.days(5)));
        }
    }

    /// What becomes of goods that should be here, and what the supplier writes about the others.
    fn supplier(&mut self, shop: &CoreShop, steps: &mut Vec<Step>) {
        let today = days_since_epoch(local_date(shop.now, &Zone::utc()));
        let find = |id| shop.shop.pools.values().find_map(|pool| pool.supply(id));
        for (at, id) in supplies(shop).into_iter().enumerate() {
            let Some(supply) = find(id) else { continue };
            if supply.kind.is_elastic() || supply.state != SupplyState::Due {
                continue;
            }
            match supply.expected_on.map(days_since_epoch) {
                Some(day) if day <= today => self.arrival(at, supply, steps),
                None if self.dice.once_in(10) => {
                    steps.push(Step::Slip(at, Some(5 + self.dice.days(20))));
                }
                Some(_) if self.dice.once_in(60) => {
                    let days = (!self.dice.once_in(8)).then(|| self.dice.days(45));
                    steps.push(Step::Slip(at, days));
                }
                Some(_) if self.dice.once_in(90) => {
                    let units = self.dice.up_to(supply.quantity + 4);
                    steps.push(Step::Resize(at, units));
                }
                Some(_) if self.dice.once_in(90) => {
                    let units = 1 + self.dice.up_to(supply.quantity);
                    steps.push(Step::Split(at, units, Some(5 + self.dice.days(30))));
                }
                _ => continue,
            }
            if self.dice.once_in(8) {
                // A slip of the pen.
                steps.push(Step::Undo(0));
            }
            // Places in the list are other ones after a change.
            break;
        }
    }

    fn arrival(&mut self, at: usize, supply: &Supply, steps: &mut Vec<Step>) {
        let all = supply.quantity;
        let damaged = if self.dice.once_in(3) { self.dice.up_to(4) } else { 0 };
        match self.dice.at(20) {
            0..8 => steps.push(Step::Receive(at)),
            8..11 => steps.push(Step::Slip(at, Some(2 + self.dice.days(20)))),
            11..15 => {
                let good = self.dice.up_to(all);
                let days = self.dice.once_in(2).then(|| self.dice.days(15));
                steps.push(Step::ReceivePart(at, (good, damaged), false, days));
            }
            15..17 => steps.push(Step::ReceivePart(at, ((all - 3).max(0), damaged), true, None)),
            17 => steps.push(Step::ReceivePart(at, (all + 2, damaged), true, None)),
            18 => {
                steps.push(Step::WrongArrival(at, self.dice.at(2), 1 + self.dice.up_to(3)));
                steps.push(Step::ReceivePart(at, ((all - 2).max(1), 0), true, None));
            }
            _ => steps.push(Step::CancelSupply(at)),
        }
    }

    fn customers(&mut self, steps: &mut Vec<Step>) {
        for _ in 0..self.dice.at(5) {
            let dice = &mut self.dice;
            let lines = (0..=dice.at(2)).map(|_| {
                let at = [0, 0, 1, 1, 1, 2, 3][dice.at(7)];
                (at % SKUS.len(), 1 + dice.up_to(3))
            });
            let lines = lines.collect();
            steps.push(Step::Order(RandomOrder {
                lines,
                channel: dice.at(CHANNELS.len()),
                country: Some(dice.at(COUNTRIES.len())),
                customer: dice.once_in(3).then(|| dice.at(3)),
                in_club: false,
                wanted_in: dice.once_in(12).then(|| dice.days(40)),
                last_in: dice.once_in(15).then(|| 20 + dice.days(40)),
                complete: dice.once_in(6),
                partial: dice.once_in(3),
                already_owed: false,
                hold: dice.once_in(5).then_some(0),
            }));
        }
        if self.dice.once_in(4) {
            let lines = vec![(self.dice.at(2), 1 + self.dice.up_to(2))];
            steps.push(Step::Hold(lines, 0, self.dice.at(COUNTRIES.len()), 600));
        }
        if self.dice.once_in(5) {
            let part = self.dice.once_in(2).then(|| (self.dice.at(2), 1));
            steps.push(Step::Cancel(self.dice.at(1_000), part));
        }
        if self.dice.once_in(8) {
            steps.push(Step::SendBack(self.dice.at(1_000), 0, 1));
        }
    }

    fn warehouse(&mut self, shop: &CoreShop, steps: &mut Vec<Step>) {
        for at in 0..quarantined(shop).len() {
            if self.dice.once_in(4) {
                steps.push(Step::Inspect(at, self.dice.up_to(3), self.dice.up_to(2)));
            }
        }
        for place in 0..2 {
            steps.push(Step::Release(place, 0, 6, None));
        }
        if self.dice.once_in(6) {
            let missing = if self.dice.once_in(3) { 1 } else { 0 };
            steps.push(Step::TakeBack(self.dice.at(1_000), None, missing));
        }
        // What was handed over yesterday leaves.
        let is_out = |order: &&model::id::OrderId| {
            let order = shop.order_of(**order);
            order.lines.iter().any(|line| !line.released.is_empty())
        };
        let open = orders(shop);
        let at = open.iter().enumerate().filter(|(_, order)| is_out(order)).map(|(at, _)| at);
        // From the last on: an order that is done leaves the list.
        let mut out: Vec<usize> = at.collect();
        out.reverse();
        let shipped: Vec<Step> = out.into_iter().map(|at| Step::Ship(at, None)).collect();
        steps.splice(0..0, shipped);
        if self.dice.once_in(7) {
            let (at, place) = (self.dice.at(2), self.dice.at(2));
            let here: Units = shop.shop.pool(&sku(SKUS[at])).map_or(0, |pool| {
                let lots = pool.supplies.iter().filter(|lot| lot.is_on_hand());
                lots.filter(|lot| lot.location.as_str() == super::PLACES[place]).map(|lot| lot.quantity).sum()
            });
            steps.push(Step::Count(at, place, (here + self.dice.up_to(4) - 1).max(0)));
        }
        if self.dice.once_in(9) {
            let (at, from) = (self.dice.at(2), self.dice.at(2));
            steps.push(Step::Transfer(at, from, 1 + self.dice.up_to(4), Some(2 + self.dice.days(6)), None));
        }
        if self.dice.once_in(5) {
            let of = if self.dice.once_in(3) { Err(self.dice.at(1_000)) } else { Ok(self.dice.at(2)) };
            steps.push(Step::RingFence(self.dice.at(2), of, self.dice.at(2), self.dice.up_to(8)));
        }
        if self.dice.once_in(20) {
            steps.push(Step::Adjust(self.dice.at(2), self.dice.at(2), -1));
        }
    }
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below one from 1 up.
    fn at(&mut self, below: usize) -> usize {
        let below = u64::try_from(below.max(1)).unwrap_or(1);
        usize::try_from(self.next() % below).unwrap_or(0)
    }

    fn up_to(&mut self, below: Units) -> Units {
        Units::try_from(self.at(usize::try_from(below).unwrap_or(0))).unwrap_or(0)
    }

    fn days(&mut self, below: usize) -> u16 {
        u16::try_from(self.at(below)).unwrap_or(0)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.at(times) == 0
    }
}
