//! The story of the sample shop: ten weeks of it, told from its beginning to now.

use model::{
    command::{
        Accept, AddSupply, Adjust, AskLine, CancelOrder, CancelSupply, ChangeSupply, Command, PlaceHold,
        PlaceOrder, PutItem, PutLocation, Receive, Ship,
    },
    event::AdjustReason,
    id::{Channel, LineId, LocationId},
    money::Money,
    order::ShipChoice,
    supply::SupplyKind,
    time::{Date, Time, Timestamp, Weekday, Zone, local_date},
};

use super::{
    catalogue::{Good, catalogue},
    demand::{Basket, DAYS, Want, baskets},
    fates::{Fate, fates, takes},
    goods::Sold,
    moments::{DAY, HOUR, MINUTE, after, day_from, moved},
    names::{order_at, place_of, rename, supply_at},
    people::{Person, people},
    places::{NEWARK, ROSTOCK, places},
    random::Random,
    stock::{Heard, Inbound, stock},
    terms::{WHOLESALE, policies},
};

/// One thing that happens.
///
/// An order or supply that an earlier step opens is named by that step's place in the story: see [`super::play`].
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// When.
    pub at: Timestamp,
    /// What.
    pub command: Command,
}

/// Tells the story of the sample shop up to a moment. The same seed and moment tell the same story.
///
/// Shape: in time order, none later than `now`. A `Ship` step is the packers' first look at an order: they send what is
/// here by then, and look again on each later day on which they pack.
pub(super) fn story(seed: u64, now: Timestamp) -> Vec<Step> {
    let goods = catalogue(seed);
    let baskets = baskets(seed, now, &goods);
    let takes = takes(&goods, &baskets);
    let fates = fates(&goods, &takes);
    let stock = stock(seed, now, &goods, &takes, &fates);
    let mut teller = Teller { now, goods, random: Random::new(seed, "story"), steps: Vec::new() };
    teller.open_shop();
    for (good, place, units) in stock.opening {
        let wish = teller.adjust(good, place, units, AdjustReason::OpeningStock, None);
        teller.tell(teller.ago(DAYS + 1), Command::Adjust(wish));
    }
    for inbound in stock.inbound {
        teller.supply(inbound);
    }
    for (nth, basket) in baskets.iter().enumerate() {
        teller.order(nth, basket, &fates);
    }
    teller.warehouse(&fates);
    teller.this_morning(seed, &fates);
    teller.end()
}

struct Teller {
    now: Timestamp,
    goods: Vec<Good>,
    random: Random,
    /// In the order in which they were thought of; names are places in here until the end.
    steps: Vec<Step>,
}

impl Teller {
    /// Adds a step and returns its place.
    fn tell(&mut self, at: Timestamp, command: Command) -> usize {
        self.steps.push(Step { at, command });
        self.steps.len() - 1
    }

    fn ago(&self, days: i64) -> Timestamp {
        after(self.now, -days * DAY)
    }

    /// Puts the steps in time order and renames what they refer to.
    fn end(self) -> Vec<Step> {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|place| (self.steps[*place].at, *place));
        let mut place_in_story = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, thought_of)| place_in_story[*thought_of] = place);
        let told = |step: &Step| {
            let mut step = step.clone();
            rename(&mut step.command, |name| *order_at(place_in_story[place_of(name)]).bytes());
            step
        };
        order.iter().map(|place| told(&self.steps[*place])).collect()
    }

    /// Locations, goods, terms.
    fn open_shop(&mut self) {
        let at = self.ago(DAYS + 2);
        for (location, settings) in places(self.now) {
            self.tell(at, Command::PutLocation(PutLocation { location, settings, if_match: None }));
        }
        for good in self.goods.clone() {
            let policies = policies(&good, self.now);
            self.tell(at, Command::PutItem(PutItem { item: good.item, if_match: None }));
            for policy in policies {
                self.tell(at, Command::PutPolicy(policy));
            }
        }
    }

    fn adjust(
        &self,
        good: usize,
        place: &str,
        delta: i64,
        reason: AdjustReason,
        note: Option<&str>,
    ) -> Adjust {
        let location = LocationId::stored(place);
        Adjust {
            sku: self.goods[good].sku().clone(),
            location,
            delta,
            reason,
            line: None,
            quarantine: false,
            note: note.map(Into::into),
        }
    }

    fn supply(&mut self, inbound: Inbound) {
        let wish = AddSupply {
            sku: self.goods[inbound.good].sku().clone(),
            location: LocationId::stored(inbound.place),
            kind: inbound.kind,
            quantity: inbound.quantity,
            expected_on: Some(inbound.expected),
            supplier: Some(inbound.supplier.name().into()),
            reference: Some(inbound.reference.into()),
            promise_buffer_days: inbound.buffer_days,
        };
        let supply = supply_at(self.tell(inbound.entered, Command::AddSupply(wish)));
        for (at, heard) in inbound.news {
            let command = match heard {
                Heard::Due(due) => {
                    Command::ChangeSupply(ChangeSupply { supply, expected_on: Some(due), quantity: None })
                }
                Heard::Quantity(units) => {
                    Command::ChangeSupply(ChangeSupply { supply, expected_on: None, quantity: Some(units) })
                }
                Heard::CalledOff => Command::CancelSupply(CancelSupply { supply }),
                Heard::Came => Command::Receive(Receive::whole(supply)),
            };
            self.tell(at, command);
        }
    }

    /// An order, its way through the warehouse, and second thoughts.
    fn order(&mut self, nth: usize, basket: &Basket, fates: &[Option<Fate>]) {
        let wish =
            self.wish(basket, format!("{}-{}", if basket.wholesale { "W" } else { "A" }, 10_001 + nth));
        let place = self.tell(basket.at, Command::PlaceOrder(Box::new(wish)));
        self.pack(place, basket.at, basket.requested);
        let made = basket.wants.iter().any(|want| matches!(fates[want.good], Some(Fate::Batches(_))));
        if basket.partial || made {
            return;
        }
        if self.random.chance(3) {
            let minutes = self.random.between(6, 170);
            self.call_off(place, basket, after(basket.at, minutes * MINUTE), "ordered by mistake");
        } else if self.is_waiting_long(basket, fates) && self.random.chance(9) {
            let days = self.random.between(2, 5);
            self.call_off(place, basket, after(self.ago(days), 3 * HOUR), "found it elsewhere");
        }
    }

    /// Whether a basket's one line has most likely waited for some days.
    fn is_waiting_long(&self, basket: &Basket, fates: &[Option<Fate>]) -> bool {
        let [want] = basket.wants[..] else { return false };
        matches!(fates[want.good], Some(Fate::Short(_)))
            && (self.ago(14)..self.ago(8)).contains(&basket.at)
            && basket.requested.is_none()
    }

    fn wish(&self, basket: &Basket, reference: String) -> PlaceOrder {
        let Basket { person, .. } = basket;
        PlaceOrder {
            reference: Some(reference.into()),
            channel: if basket.wholesale { Channel::stored(WHOLESALE) } else { Channel::default() },
            contact: person.contact.clone(),
            group: person.group.map(Into::into),
            country: Some(person.country.into()),
            ship: if basket.complete { ShipChoice::Complete } else { ShipChoice::AsAvailable },
            not_later_than: basket.not_later_than,
            requested_date: basket.requested,
            accept: if basket.partial { Accept::Partial } else { Accept::All },
            lines: basket.wants.iter().map(|want| self.ask(*want, basket.wholesale)).collect(),
            ..PlaceOrder::default()
        }
    }

    fn ask(&self, want: Want, wholesale: bool) -> AskLine {
        let item = &self.goods[want.good].item;
        // Shops pay 58 % of the price, to the next ten cents.
        let less = |price: Money| Money { amount: price.amount * 58 / 1_000 * 10, ..price };
        AskLine {
            sku: item.sku.clone(),
            quantity: want.units,
            unit_price: item.price.filter(|_| wholesale).map(less),
        }
    }

    /// The packers look at an order a day or two after it came, or in time for the day it is wanted on.
    fn pack(&mut self, place: usize, at: Timestamp, requested: Option<Date>) {
        let wait = if self.random.chance(70) { 18 * HOUR } else { 42 * HOUR };
        let tracking = format!("SW{:09}US", self.random.below(1_000_000_000));
        let ready = after(at, wait);
        let wanted = requested.and_then(|date| Zone::utc().first_instant(moved(date, -9), Time::midnight()));
        let packed = packing_after(wanted.map_or(ready, |wanted| wanted.max(ready)));
        if packed < self.now {
            let ship = Ship {
                order: order_at(place),
                lines: Vec::new(),
                tracking: Some(tracking.into()),
                carrier: Some("USPS".into()),
                tracking_url: None,
                shipped_at: packed,
            };
            self.tell(packed, Command::Ship(ship));
        }
    }

    /// Calls off all of an order or one of its lines.
    fn call_off(&mut self, place: usize, basket: &Basket, at: Timestamp, why: &str) {
        if at >= self.now {
            return;
        }
        let order = order_at(place);
        let lines = basket.wants.len();
        let some = if self.random.chance(45) && (lines > 1 || basket.wants[0].units > 1) {
            let line = self.random.index(lines);
            let units = (basket.wants[line].units > 1).then_some(1);
            vec![(LineId { order, no: u16::try_from(line + 1).unwrap_or(1) }, units)]
        } else {
            Vec::new()
        };
        let wish =
            CancelOrder { order, lines: some, reason: Some(why.into()), placed_by: None, by_customer: true };
        self.tell(at, Command::CancelOrder(wish));
    }

    /// What happens between the shelves: losses, returns, counts, and two transfers.
    fn warehouse(&mut self, fates: &[Option<Fate>]) {
        let plenty: Vec<usize> = (0..self.goods.len())
            .filter(|at| fates[*at] == Some(Fate::Refilled) && self.goods[*at].sold == Sold::Restocked)
            .collect();
        let happenings = [
            (61, -1, AdjustReason::Loss, "dropped from the top shelf"),
            (47, 1, AdjustReason::ReturnToStock, "came back unopened"),
            (39, -1, AdjustReason::Loss, "damaged in the rack"),
            (31, 2, AdjustReason::Count, "found behind the pallet"),
            (26, 1, AdjustReason::ReturnToStock, "came back unopened"),
            (19, -1, AdjustReason::Other, "for the photographer"),
            (11, 1, AdjustReason::ReturnToStock, "refused at the door"),
            (5, 3, AdjustReason::Count, "counted: three more than on the books"),
        ];
        for (days, delta, reason, note) in happenings {
            if let Some(good) = self.one_of(&plenty) {
                let wish = self.adjust(good, NEWARK, delta, reason, Some(note));
                self.tell(self.ago(days), Command::Adjust(wish));
            }
        }
        for (sent, comes, reference) in [(21, -9, "TR-0041"), (4, 6, "TR-0044")] {
            if let Some(good) = self.one_of(&plenty) {
                self.transfer(good, sent, comes, reference);
            }
        }
    }

    fn one_of(&mut self, list: &[usize]) -> Option<usize> {
        list.get(self.random.index(list.len())).copied()
    }

    /// Goods go from Newark to Rostock: stock that was bought for it leaves one and is due at the other.
    fn transfer(&mut self, good: usize, sent_days_ago: i64, comes: i64, reference: &str) {
        const UNITS: i64 = 18;
        let sent = self.ago(sent_days_ago);
        let bought = self.adjust(good, NEWARK, UNITS, AdjustReason::Other, Some("bought for Rostock"));
        self.tell(after(sent, -10 * MINUTE), Command::Adjust(bought));
        let gone =
            self.adjust(good, NEWARK, -UNITS, AdjustReason::Other, Some(&format!("{reference} to Rostock")));
        self.tell(sent, Command::Adjust(gone));
        let wish = AddSupply {
            sku: self.goods[good].sku().clone(),
            location: LocationId::stored(ROSTOCK),
            kind: SupplyKind::Transfer,
            quantity: UNITS,
            expected_on: Some(day_from(self.now, comes)),
            supplier: Some("Newark, main warehouse".into()),
            reference: Some(reference.into()),
            promise_buffer_days: Some(2),
        };
        let supply = supply_at(self.tell(sent, Command::AddSupply(wish)));
        if comes < 0 {
            self.tell(self.ago(-comes), Command::Receive(Receive::whole(supply)));
        }
    }

    /// The last hours: orders that get some now and some later, and carts not paid for yet.
    fn this_morning(&mut self, seed: u64, fates: &[Option<Fate>]) {
        let people = people(seed, 40);
        let with = |wanted: fn(&Fate) -> bool| -> Vec<usize> {
            (0..fates.len()).filter(|at| fates[*at].as_ref().is_some_and(wanted)).collect()
        };
        let nearly = with(|fate| *fate == Fate::Nearly);
        let refilled = with(|fate| *fate == Fate::Refilled);
        let short = with(|fate| matches!(fate, Fate::Short(_)));
        for (nth, good) in nearly.iter().enumerate() {
            let units = self.random.between(6, 8);
            let basket = self.late_basket(nth, &people[nth], vec![Want { good: *good, units }], false);
            let wish = self.wish(&basket, format!("A-{}", 19_001 + nth));
            self.tell(basket.at, Command::PlaceOrder(Box::new(wish)));
        }
        for nth in 0..4 {
            let (Some(here), Some(ahead)) = (self.one_of(&refilled), self.one_of(&short)) else { continue };
            let wants = vec![Want { good: here, units: 1 }, Want { good: ahead, units: 1 }];
            let basket = self.late_basket(nth + 6, &people[nth + 10], wants, true);
            let wish = self.wish(&basket, format!("A-{}", 19_011 + nth));
            self.tell(basket.at, Command::PlaceOrder(Box::new(wish)));
        }
        // After those orders the last pieces are gone, so a cart with such a good holds units on their way.
        for (nth, ttl_seconds) in [30 * MINUTE, DAY, HOUR, DAY, 3 * HOUR].into_iter().enumerate() {
            let Some(good) = self.one_of(if nth % 2 == 0 { &refilled } else { &nearly }) else { continue };
            let hold = PlaceHold {
                channel: Channel::default(),
                group: None,
                country: Some(people[nth + 20].country.into()),
                ttl_seconds,
                placed_by: None,
                lines: vec![self.ask(Want { good, units: 1 }, false)],
            };
            let minutes = i64::try_from(nth).unwrap_or(0) + 1;
            self.tell(after(self.now, -minutes * MINUTE), Command::PlaceHold(hold));
        }
    }

    fn late_basket(&self, nth: usize, person: &Person, wants: Vec<Want>, complete: bool) -> Basket {
        let minutes = 7 + 3 * i64::try_from(nth).unwrap_or(0);
        Basket {
            at: after(self.now, -minutes * MINUTE),
            person: person.clone(),
            wholesale: false,
            complete,
            partial: true,
            requested: None,
            not_later_than: None,
            wants,
        }
    }
}

/// The next time the packers hand over to the carriers: at 20:00 UTC from Monday to Friday.
fn packing_after(moment: Timestamp) -> Timestamp {
    let utc = Zone::utc();
    let today = local_date(moment, &utc);
    (0..7)
        .map(|days| moved(today, days))
        .filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
        .filter_map(|date| utc.first_instant(date, Time::constant(20, 0, 0, 0)))
        .find(|at| *at >= moment)
        .unwrap_or(moment)
}
