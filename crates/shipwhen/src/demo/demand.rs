//! What the sample shop's customers want, before anybody asks whether it is there.

use model::time::{Date, Timestamp, Zone, local_date};

use super::{
    catalogue::Good,
    goods::{Season, Sold},
    moments::{DAY, HOUR, after, day_from},
    people::{Person, people, shops},
    random::Random,
};

/// For how many days there are orders.
pub(super) const DAYS: i64 = 70;
/// People who buy for themselves.
const PEOPLE: usize = 1_300;
/// The first so many of them come back.
const REGULARS: usize = 180;
/// Orders on an average day.
const ORDERS_A_DAY: i64 = 28;
/// Days of the tenth anniversary, when enamel is on everybody's mind: from and to, before now.
const ANNIVERSARY: (i64, i64) = (33, 28);
/// Since so many days ago what is not released yet can be ordered.
const ANNOUNCED: i64 = 24;

/// So many units of one good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) good: usize,
    pub(super) units: i64,
}

/// An order as its customer would like it.
#[derive(Debug, Clone)]
pub(super) struct Basket {
    pub(super) at: Timestamp,
    pub(super) person: Person,
    pub(super) wholesale: bool,
    pub(super) complete: bool,
    /// Whether part of it will do.
    pub(super) partial: bool,
    pub(super) requested: Option<Date>,
    pub(super) not_later_than: Option<Date>,
    pub(super) wants: Vec<Want>,
}

/// Everything that is wanted in the last ten weeks. Shape: in time order, all of it before now.
pub(super) fn baskets(seed: u64, now: Timestamp, goods: &[Good]) -> Vec<Basket> {
    let mut random = Random::new(seed, "baskets");
    let (people, shops) = (people(seed, PEOPLE), shops());
    let mut newcomers = people.iter().skip(REGULARS).cycle();
    let mut baskets = Vec::new();
    for day in 0..DAYS {
        let start = after(now, (day - DAYS) * DAY);
        let retail = weights(goods, start, DAYS - day, false);
        let trade = weights(goods, start, DAYS - day, true);
        for _ in 0..orders_on(start, day, &mut random) {
            let person = if random.chance(38) {
                // Of the regulars some are more regular than others.
                let reach = random.index(REGULARS) + 1;
                &people[random.index(reach)]
            } else {
                newcomers.next().unwrap_or(&people[0])
            };
            let at = waking_moment(start, &mut random);
            baskets.push(basket(at, person, &retail, goods, &mut random));
        }
        if random.chance(85) {
            let at = waking_moment(start, &mut random);
            let shop = random.pick(&shops);
            baskets.push(trade_basket(at, shop, &trade, goods, &mut random));
        }
    }
    baskets.sort_by_key(|basket| basket.at);
    baskets
}

/// How many people order on a day: more towards now, most on Sundays.
fn orders_on(start: Timestamp, day: i64, random: &mut Random) -> i64 {
    let growth = 85 + 30 * day / DAYS;
    let weekday = [104, 98, 96, 94, 92, 104, 112];
    let today = local_date(start, &Zone::utc()).weekday().to_monday_zero_offset();
    let of_day = weekday[usize::try_from(today).unwrap_or(0) % 7];
    let orders = ORDERS_A_DAY * growth * of_day / 10_000;
    orders + random.between(-4, 4)
}

/// A moment of a day at which most customers are awake.
fn waking_moment(start: Timestamp, random: &mut Random) -> Timestamp {
    let mut moment = start;
    for _ in 0..4 {
        moment = after(start, random.between(0, DAY - 1));
        let new_york = (moment.as_second() / HOUR - 5).rem_euclid(24);
        if (8..=22).contains(&new_york) {
            break;
        }
    }
    moment
}

/// The running totals of how much each good is wanted on a day.
fn weights(goods: &[Good], day: Timestamp, days_ago: i64, trade: bool) -> Vec<u64> {
    let month = usize::try_from(local_date(day, &Zone::utc()).month() - 1).unwrap_or(0) % 12;
    let warm: [u64; 12] = [60, 60, 80, 100, 125, 145, 150, 140, 105, 80, 65, 60];
    let enamel_days = (ANNIVERSARY.1..ANNIVERSARY.0).contains(&days_ago);
    goods
        .iter()
        .scan(0, |total, good| {
            let season = match good.season {
                Season::Always => 100,
                Season::Warm => warm[month],
                Season::Cold => 210 - warm[month],
            };
            let enamel = good.item.tags.iter().any(|tag| &**tag == "enamel");
            let on_show = match good.sold {
                Sold::Preorder(_) => days_ago <= ANNOUNCED,
                _ => !trade || good.trade,
            } && !(trade && good.is_kit());
            let weight = good.weight * season * if enamel && enamel_days { 3 } else { 1 };
            *total += if on_show { weight } else { 0 };
            Some(*total)
        })
        .collect()
}

fn basket(at: Timestamp, person: &Person, totals: &[u64], goods: &[Good], random: &mut Random) -> Basket {
    let lines = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4];
    let wants = wants(*random.pick(&lines), totals, random, |good, random| units(&goods[good], random));
    let sold = || wants.iter().map(|want| goods[want.good].sold);
    let from_stock_or_inbound = sold().all(|sold| matches!(sold, Sold::Restocked | Sold::Capped(_)))
        && wants.iter().all(|want| !goods[want.good].is_kit());
    let made = sold().any(|sold| matches!(sold, Sold::MadeToOrder(_) | Sold::Reordered(_)));
    Basket {
        at,
        person: person.clone(),
        wholesale: false,
        complete: wants.len() > 1 && random.chance(14),
        // What is made for somebody is made: the rest of the order does not hold it up.
        partial: made || (wants.len() > 1 && random.chance(75)),
        requested: (from_stock_or_inbound && random.chance(3)).then(|| day_from(at, random.between(14, 35))),
        not_later_than: (from_stock_or_inbound && random.chance(2))
            .then(|| day_from(at, random.between(12, 40))),
        wants,
    }
}

fn trade_basket(at: Timestamp, shop: &Person, totals: &[u64], goods: &[Good], random: &mut Random) -> Basket {
    let lines = random.index(3) + 2;
    let wants = wants(lines, totals, random, |good, random| {
        if price(&goods[good]) > 6_000 {
            *random.pick(&[2, 3, 4, 6])
        } else {
            *random.pick(&[6, 8, 8, 10, 12, 12, 18])
        }
    });
    Basket {
        at,
        person: shop.clone(),
        wholesale: true,
        complete: random.chance(12),
        partial: true,
        requested: None,
        not_later_than: None,
        wants,
    }
}

/// Draws goods, each once, and units of each. Shape: from one to `lines` of them.
fn wants(
    lines: usize,
    totals: &[u64],
    random: &mut Random,
    mut units: impl FnMut(usize, &mut Random) -> i64,
) -> Vec<Want> {
    let mut wants: Vec<Want> = Vec::with_capacity(lines);
    for _ in 0..lines {
        let good = random.by_weight(totals);
        if wants.iter().all(|want| want.good != good) {
            wants.push(Want { good, units: units(good, random) });
        }
    }
    wants
}

/// How many units somebody buys for themselves.
fn units(good: &Good, random: &mut Random) -> i64 {
    match good.sold {
        Sold::MadeToOrder(_) | Sold::Members => 1,
        Sold::Preorder(_) => *random.pick(&[1, 1, 1, 1, 2]),
        _ if price(good) < 3_000 => *random.pick(&[1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 6]),
        _ => *random.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 2, 2]),
    }
}

fn price(good: &Good) -> i64 {
    good.item.price.map_or(0, |price| price.amount)
}

#[cfg(test)]
mod tests {
    use super::{super::catalogue::catalogue, *};

    #[test]
    fn baskets_are_in_order_before_now_and_follow_fame() {
        let now = "2026-06-10T16:00:00Z".parse().unwrap();
        let goods = catalogue(1);
        let baskets = baskets(1, now, &goods);
        assert!((1_700..=2_400).contains(&baskets.len()), "{}", baskets.len());
        assert!(baskets.is_sorted_by_key(|basket| basket.at));
        assert!(baskets.first().unwrap().at >= after(now, -DAYS * DAY) && baskets.last().unwrap().at <= now);
        let mut lines = vec![0; goods.len()];
        baskets.iter().flat_map(|basket| &basket.wants).for_each(|want| lines[want.good] += 1);
        lines.sort_unstable();
        let (top, all) = (lines[lines.len() - 30..].iter().sum::<usize>(), lines.iter().sum::<usize>());
        assert!(top * 100 / all > 25, "the thirty most wanted have {top} of {all} lines");
    }
}
