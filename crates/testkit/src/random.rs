//! Shops at random: what may happen to a shop, as values that shrink to the few steps that matter.

mod year;

use std::ops::Range;

use model::{
    Units,
    calendar::{Calendar, WorkingDays},
    command::{
        Accept, AddSupply, AskLine, CancelOrder, CancelSupply, ChangeSupply, Command, Count, FencedAt,
        Inspect, PlaceHold, PlaceOrder, PutItem, PutLocation, PutPolicy, Receive, Release, RingFenceStock,
        Ship, SplitSupply, TakeBack, TakeBackLine, Transfer, WrongArrival,
    },
    event::AdjustReason,
    id::{Channel, HoldId, LineId, LocationId, OrderId, Sku, SupplyId},
    item::{Cap, Policy, WhenOut},
    location::LocationSettings,
    order::{Line, ShipChoice},
    supply::{SupplyKind, SupplyState},
    time::{Date, Zone, date_from_days, days_since_epoch, seconds_after},
    transit::Transit,
};
use proptest::prelude::*;

use crate::{
    ask::{customer, date, instant, sku},
    core::{CoreShop, item},
};

pub use year::Year;

const SKUS: [&str; 4] = ["A", "B", "SET", "BOX"];
const CHANNELS: [&str; 2] = ["default", "web"];
const PLACES: [&str; 2] = ["east", "west"];
const COUNTRIES: [&str; 3] = ["US", "JP", "FR"];
const CUSTOMERS: [&str; 3] = ["ann", "bob", "cid"];

/// Something that happens. Indices are taken round whatever there is to choose from.
#[derive(Debug, Clone)]
pub enum Step {
    /// Somebody orders.
    Order(RandomOrder),
    /// Somebody fills a cart: lines, channel, country, seconds.
    Hold(Vec<(usize, Units)>, usize, usize, i64),
    /// A cart is given up.
    ReleaseHold(usize),
    /// Units are called off: of which order, which line and how many; of all lines where none is given.
    Cancel(usize, Option<(usize, Units)>),
    /// A supply is entered: SKU, place, units, days from now, days it may be late.
    Supply(usize, usize, Units, Option<u16>, u16),
    /// A supply gets another date, in days from now, or none.
    Slip(usize, Option<u16>),
    /// A supply gets another quantity.
    Resize(usize, Units),
    /// A supply is called off.
    CancelSupply(usize),
    /// A supply arrives as a whole.
    Receive(usize),
    /// Units of a supply arrive: good ones, damaged ones, whether no more will come, days until the rest comes.
    ReceivePart(usize, (Units, Units), bool, Option<u16>),
    /// Units in quarantine are looked at: good ones, others.
    Inspect(usize, Units, Units),
    /// Stock is counted: SKU, place, units more or less.
    Adjust(usize, usize, Units),
    /// Stock is counted: SKU, place, units that are there.
    Count(usize, usize, Units),
    /// Goods go from one place to the other: SKU, from where, units, days until they arrive, for which channel.
    Transfer(usize, usize, Units, Option<u16>, Option<usize>),
    /// Units are ring-fenced for a channel: of which SKU, of what is on hand at which place or else of which supply, how many.
    RingFence(usize, Result<usize, usize>, usize, Units),
    /// Part of a supply comes at another time: which, units, days from now.
    Split(usize, Units, Option<u16>),
    /// Something else came with a supply: which, of which SKU, units.
    WrongArrival(usize, usize, Units),
    /// A change of a supply is undone: which of those so far, counted from the last.
    Undo(usize),
    /// An order is sent: all that is here, or units of one line.
    Ship(usize, Option<(usize, Units)>),
    /// What is allocated at a place goes to fulfilment: so many lines behind so many, with a carrier in so many hours.
    Release(usize, usize, usize, Option<u16>),
    /// Units come back from fulfilment: of which line that has some, how many, how many of them missing.
    TakeBack(usize, Option<Units>, Units),
    /// A customer sends units back: of which line that was sent some, which of its SKUs, how many.
    SendBack(usize, usize, Units),
    /// A policy is set: SKU, channel.
    Policy(usize, usize, RandomPolicy),
    /// A location is described anew: which, and how.
    Place(usize, RandomPlace),
    /// Hours pass.
    Wait(u16),
    /// From now on so many rounds of moving up a command.
    Rounds(usize),
    /// Work left behind goes on.
    GoOn,
}

/// An order at random.
#[derive(Debug, Clone)]
pub struct RandomOrder {
    lines: Vec<(usize, Units)>,
    channel: usize,
    country: Option<usize>,
    customer: Option<usize>,
    in_club: bool,
    wanted_in: Option<u16>,
    last_in: Option<u16>,
    complete: bool,
    partial: bool,
    already_owed: bool,
    hold: Option<usize>,
}

/// A policy at random.
#[derive(Debug, Clone)]
pub struct RandomPolicy {
    when_out: WhenOut,
    cap: Cap,
    limit: Option<Units>,
    club_only: bool,
    horizon_days: Option<u16>,
    buffer: Units,
    lead_time_days: Option<u16>,
    release_in: Option<u16>,
}

/// How a location works, at random.
#[derive(Debug, Clone)]
pub struct RandomPlace {
    name: String,
    handling_days: u16,
    dock_to_stock_days: u16,
    cutoff_hour: i8,
    holiday_in: Option<u16>,
    us_days: u16,
}

fn lines() -> impl Strategy<Value = Vec<(usize, Units)>> {
    prop::collection::vec((0..SKUS.len(), 1..6_i64), 1..4)
}

fn seldom<T: Strategy>(strategy: T) -> impl Strategy<Value = Option<T::Value>>
where
    T::Value: Clone,
{
    prop::option::weighted(0.2, strategy)
}

fn order() -> impl Strategy<Value = RandomOrder> {
    let who =
        (0..CHANNELS.len(), prop::option::of(0..COUNTRIES.len()), seldom(0..CUSTOMERS.len()), any::<bool>());
    let how = (seldom(0..60_u16), seldom(0..60_u16), prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    let rest = (prop::bool::weighted(0.1), seldom(0..4_usize));
    (lines(), who, how, rest).prop_map(
        |(lines, (channel, country, customer, in_club), (wanted_in, last_in, complete, partial), rest)| {
            RandomOrder {
                lines,
                channel,
                country,
                customer,
                in_club,
                wanted_in,
                last_in,
                complete,
                partial,
                already_owed: rest.0,
                hold: rest.1,
            }
        },
    )
}

fn policy() -> impl Strategy<Value = RandomPolicy> {
    let when_out = prop_oneof![
        1 => Just(WhenOut::Refuse),
        1 => Just(WhenOut::Waitlist),
        4 => Just(WhenOut::Backorder),
        1 => Just(WhenOut::Preorder),
        1 => Just(WhenOut::MadeToOrder),
    ];
    let cap = prop_oneof![2 => Just(Cap::Supply), 1 => Just(Cap::Unlimited), 2 => (0..12_i64).prop_map(Cap::Limited)];
    let limits = (seldom(1..8_i64), prop::bool::weighted(0.1), seldom(5..50_u16));
    let rest = (prop_oneof![3 => Just(0), 1 => 1..4_i64], seldom(0..30_u16), seldom(0..40_u16));
    (when_out, cap, limits, rest).prop_map(|(when_out, cap, (limit, club_only, horizon_days), rest)| {
        RandomPolicy {
            when_out,
            cap,
            limit,
            club_only,
            horizon_days,
            buffer: rest.0,
            lead_time_days: rest.1,
            release_in: rest.2,
        }
    })
}

fn place() -> impl Strategy<Value = RandomPlace> {
    let days =
        (0..4_u16, 0..4_u16, prop_oneof![4 => Just(14_i8), 1 => 0..24_i8], seldom(0..20_u16), 0..12_u16);
    ("[ab]", days).prop_map(
        |(name, (handling_days, dock_to_stock_days, cutoff_hour, holiday_in, us_days))| RandomPlace {
            name,
            handling_days,
            dock_to_stock_days,
            cutoff_hour,
            holiday_in,
            us_days,
        },
    )
}

/// One thing that happens.
pub fn step() -> impl Strategy<Value = Step> {
    let any_of = 0..1_000_usize;
    let part = || prop::option::of((0..4_usize, 1..4_i64));
    let at = 0..PLACES.len();
    let plain = 0..2_usize;
    prop_oneof![
        12 => order().prop_map(Step::Order),
        4 => (lines(), 0..CHANNELS.len(), 0..COUNTRIES.len(), 1..100_000_i64)
            .prop_map(|(lines, channel, country, ttl)| Step::Hold(lines, channel, country, ttl)),
        1 => any_of.clone().prop_map(Step::ReleaseHold),
        6 => (any_of.clone(), part()).prop_map(|(order, part)| Step::Cancel(order, part)),
        6 => (plain.clone(), at.clone(), 1..15_i64, prop::option::weighted(0.9, 0..50_u16), 0..5_u16)
            .prop_map(|(sku, place, units, days, late)| Step::Supply(sku, place, units, days, late)),
        4 => (any_of.clone(), prop::option::weighted(0.9, 0..60_u16)).prop_map(|(s, days)| Step::Slip(s, days)),
        3 => (any_of.clone(), 0..15_i64).prop_map(|(supply, units)| Step::Resize(supply, units)),
        1 => any_of.clone().prop_map(Step::CancelSupply),
        3 => any_of.clone().prop_map(Step::Receive),
        6 => (any_of.clone(), (0..12_i64, prop_oneof![2 => Just(0), 1 => 0..4_i64]), prop::bool::weighted(0.3), seldom(0..40_u16))
            .prop_map(|(supply, came, close, days)| Step::ReceivePart(supply, came, close, days)),
        3 => (any_of.clone(), 0..4_i64, 0..3_i64).prop_map(|(supply, good, off)| Step::Inspect(supply, good, off)),
        5 => (plain.clone(), at.clone(), -5..10_i64).prop_map(|(sku, place, delta)| Step::Adjust(sku, place, delta)),
        1 => (plain.clone(), at.clone(), 0..12_i64).prop_map(|(sku, place, units)| Step::Count(sku, place, units)),
        2 => (plain.clone(), at.clone(), 1..6_i64, prop::option::weighted(0.9, 0..20_u16), seldom(0..CHANNELS.len()))
            .prop_map(|(sku, place, units, days, to)| Step::Transfer(sku, place, units, days, to)),
        6 => (plain.clone(), prop::result::maybe_ok(0..PLACES.len(), any_of.clone()), 0..CHANNELS.len(), prop_oneof![1 => Just(0), 4 => 1..9_i64])
            .prop_map(|(sku, of, channel, units)| Step::RingFence(sku, of, channel, units)),
        3 => (any_of.clone(), 1..9_i64, prop::option::weighted(0.9, 0..60_u16))
            .prop_map(|(supply, units, days)| Step::Split(supply, units, days)),
        1 => (any_of.clone(), plain.clone(), 1..4_i64)
            .prop_map(|(supply, sku, units)| Step::WrongArrival(supply, sku, units)),
        3 => (0..3_usize).prop_map(Step::Undo),
        3 => (any_of.clone(), part()).prop_map(|(order, part)| Step::Ship(order, part)),
        4 => (0..2_usize, 0..3_usize, 1..9_usize, seldom(0..99_u16))
            .prop_map(|(place, skip, lines, hours)| Step::Release(place, skip, lines, hours)),
        2 => (any_of.clone(), prop::option::of(1..4_i64), prop_oneof![2 => Just(0), 1 => 1..3_i64])
            .prop_map(|(line, units, missing)| Step::TakeBack(line, units, missing)),
        1 => (any_of.clone(), 0..2_usize, 1..4_i64).prop_map(|(line, sku, units)| Step::SendBack(line, sku, units)),
        3 => (0..SKUS.len(), 0..CHANNELS.len(), policy()).prop_map(|(sku, on, terms)| Step::Policy(sku, on, terms)),
        2 => (at, place()).prop_map(|(at, place)| Step::Place(at, place)),
        3 => (1..72_u16).prop_map(Step::Wait),
        1 => prop_oneof![Just(usize::MAX), 0..2_usize].prop_map(Step::Rounds),
        1 => Just(Step::GoOn),
    ]
}

/// A change of a supply that can be undone.
pub fn change() -> impl Strategy<Value = Step> {
    let any_of = 0..1_000_usize;
    prop_oneof![
        (any_of.clone(), prop::option::weighted(0.9, 0..60_u16)).prop_map(|(s, days)| Step::Slip(s, days)),
        (any_of.clone(), 0..15_i64).prop_map(|(supply, units)| Step::Resize(supply, units)),
        any_of.clone().prop_map(Step::CancelSupply),
        any_of.clone().prop_map(Step::Receive),
        (any_of, (0..12_i64, 0..4_i64), any::<bool>(), prop::option::of(0..40_u16))
            .prop_map(|(supply, came, close, days)| Step::ReceivePart(supply, came, close, days)),
    ]
}

/// So many things that happen one after the other.
pub fn steps(count: Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), count)
}

/// The shop in which everything happens: two locations with calendars of their own, two plain SKUs and two kits.
pub fn shop(rows_max: usize) -> (CoreShop, Vec<Command>) {
    let mut setup = Vec::new();
    for (name, settings) in [(PLACES[0], east()), (PLACES[1], west())] {
        let location = LocationId::stored(name);
        setup.push(Command::PutLocation(PutLocation { location, settings, if_match: None }));
    }
    for (code, parts) in [("A", &[][..]), ("B", &[]), ("SET", &[("A", 1), ("B", 2)]), ("BOX", &[("B", 1)])] {
        let mut item = item(code);
        for (code, quantity) in parts {
            item.components.push(model::item::Component { sku: sku(code), quantity: *quantity });
        }
        setup.push(Command::PutItem(PutItem { item, if_match: None }));
    }
    for code in ["A", "B"] {
        let (sku, channel, policy) = (sku(code), Channel::default(), crate::core::policy());
        setup.push(Command::PutPolicy(PutPolicy { sku, channel, policy, if_match: None }));
    }
    let mut shop = CoreShop::new(instant("2026-08-03T09:00:00Z"));
    shop.rows_max = rows_max;
    (shop, setup)
}

fn transit(country: &str, days_min: u16, days_max: u16) -> Transit {
    Transit { country: country.to_owned(), service: "standard".to_owned(), days_min, days_max, price: None }
}

fn east() -> LocationSettings {
    let holidays = ["2026-09-07", "2026-10-12"].into_iter().map(date).collect();
    LocationSettings {
        time_zone: Zone::new("America/New_York").unwrap_or_default(),
        calendar: Calendar::new(WorkingDays::MONDAY_TO_FRIDAY, holidays).unwrap_or_default(),
        transit: vec![transit("US", 1, 3), transit("*", 6, 10)],
        ..LocationSettings::default()
    }
}

fn west() -> LocationSettings {
    LocationSettings {
        time_zone: Zone::new("Asia/Tokyo").unwrap_or_default(),
        calendar: Calendar::every_day(),
        handling_days: 1,
        dock_to_stock_days: 1,
        transit: vec![transit("JP", 1, 1), transit("US", 4, 8)],
        ..LocationSettings::default()
    }
}

/// The command that a step means to this shop; `None` where there is nothing it could be about. Moves the clock and
/// sets the number of rounds itself.
pub fn command(shop: &mut CoreShop, step: &Step) -> Option<Command> {
    let today = |shop: &CoreShop| days_since_epoch(model::time::local_date(shop.now, &Zone::utc()));
    let in_days = |shop: &CoreShop, days: u16| date_from_days(today(shop) + i32::from(days));
    Some(match step {
        Step::Order(order) => Command::PlaceOrder(Box::new(order.command(shop, |days| in_days(shop, days)))),
        Step::Hold(lines, channel, country, ttl_seconds) => Command::PlaceHold(PlaceHold {
            channel: Channel::stored(CHANNELS[*channel]),
            group: None,
            country: Some(COUNTRIES[*country].into()),
            ttl_seconds: *ttl_seconds,
            placed_by: None,
            lines: ask_lines(lines),
        }),
        Step::ReleaseHold(at) => Command::ReleaseHold(nth(holds(shop), *at)?),
        Step::Cancel(at, part) => {
            let order = nth(orders(shop), *at)?;
            Command::CancelOrder(CancelOrder {
                order,
                lines: lines_of(shop, order, *part),
                reason: None,
                placed_by: None,
                by_customer: true,
            })
        }
        Step::Supply(at, place, quantity, days, late) => Command::AddSupply(AddSupply {
            sku: sku(SKUS[*at]),
            location: LocationId::stored(PLACES[*place]),
            kind: SupplyKind::PurchaseOrder,
            quantity: *quantity,
            expected_on: days.and_then(|days| in_days(shop, days)),
            supplier: None,
            reference: None,
            promise_buffer_days: Some(*late),
        }),
        Step::Slip(at, days) => {
            let expected_on = Some(days.and_then(|days| in_days(shop, days)));
            Command::ChangeSupply(ChangeSupply {
                supply: nth(supplies(shop), *at)?,
                expected_on,
                quantity: None,
            })
        }
        Step::Resize(at, quantity) => Command::ChangeSupply(ChangeSupply {
            supply: nth(supplies(shop), *at)?,
            expected_on: None,
            quantity: Some(*quantity),
        }),
        Step::CancelSupply(at) => Command::CancelSupply(CancelSupply { supply: nth(supplies(shop), *at)? }),
        Step::Receive(at) => Command::Receive(Receive::whole(nth(supplies(shop), *at)?)),
        Step::ReceivePart(at, (good, damaged), close, days) => Command::Receive(Receive {
            supply: nth(supplies(shop), *at)?,
            accepted: Some(*good),
            damaged: *damaged,
            close: *close,
            expected_on: days.map(|days| in_days(shop, days)),
        }),
        Step::Inspect(at, good, written_off) => Command::Inspect(Inspect {
            supply: nth(quarantined(shop), *at)?,
            good: *good,
            written_off: *written_off,
            reason: None,
        }),
        Step::Adjust(_, _, 0) => return None,
        Step::Adjust(at, place, delta) => Command::Adjust(model::command::Adjust {
            sku: sku(SKUS[*at]),
            location: LocationId::stored(PLACES[*place]),
            delta: *delta,
            reason: AdjustReason::Count,
            line: None,
            quarantine: false,
            note: None,
        }),
        Step::Count(at, place, counted) => Command::Count(Count {
            sku: sku(SKUS[*at]),
            location: LocationId::stored(PLACES[*place]),
            counted: *counted,
            note: None,
        }),
        Step::RingFence(at, of, channel, units) => Command::RingFence(RingFenceStock {
            at: match of {
                Ok(place) => FencedAt::Location(sku(SKUS[*at]), LocationId::stored(PLACES[*place])),
                Err(supply) => FencedAt::Supply(nth(all_supplies(shop), *supply)?),
            },
            channel: Channel::stored(CHANNELS[*channel]),
            units: *units,
            if_match: None,
        }),
        Step::Transfer(at, from, quantity, days, to) => Command::Transfer(Transfer {
            sku: sku(SKUS[*at]),
            from: LocationId::stored(PLACES[*from]),
            to: LocationId::stored(PLACES[1 - *from]),
            quantity: *quantity,
            expected_on: days.and_then(|days| in_days(shop, days)),
            reference: None,
            channel: to.map(|to| Channel::stored(CHANNELS[to])),
        }),
        Step::Split(at, quantity, days) => Command::SplitSupply(SplitSupply {
            supply: nth(supplies(shop), *at)?,
            quantity: *quantity,
            expected_on: days.and_then(|days| in_days(shop, days)),
        }),
        Step::WrongArrival(at, came, quantity) => Command::WrongArrival(WrongArrival {
            supply: nth(supplies(shop), *at)?,
            sku: sku(SKUS[*came]),
            quantity: *quantity,
            quarantine: quantity % 2 == 0,
        }),
        Step::Undo(at) => Command::UndoRun(shop.runs().rev().nth(*at)?),
        Step::Ship(at, part) => {
            let order = nth(orders(shop), *at)?;
            let lines = lines_of(shop, order, *part);
            Command::Ship(Ship {
                order,
                lines,
                tracking: None,
                carrier: None,
                tracking_url: None,
                shipped_at: shop.now,
            })
        }
        Step::Release(place, skip, lines, hours) => {
            let location = LocationId::stored(PLACES[*place]);
            let lines = shop.allocated(&location).into_iter().skip(*skip).take(*lines).collect();
            let carrier_cutoff = hours.and_then(|hours| seconds_after(shop.now, i64::from(hours) * 3_600));
            Command::Release(Release { location, carrier_cutoff, lines, more: false })
        }
        Step::TakeBack(at, units, missing) => {
            let (id, line) = nth(lines_with(shop, |line| !line.released.is_empty()), *at)?;
            let out = line.released.first()?;
            let sku = line.pegs.iter().find(|peg| peg.supply == out.supply)?.sku.clone();
            let missing = if *missing > 0 { vec![(sku, *missing)] } else { Vec::new() };
            let lines = vec![TakeBackLine { line: id, quantity: *units, missing }];
            Command::TakeBack(TakeBack { release: out.release, lines, reason: None })
        }
        Step::SendBack(at, sku, delta) => {
            let (id, line) = nth(lines_with(shop, |line| line.shipped > 0), *at)?;
            let sku = nth(line.needs().map(|(sku, _)| sku.clone()).collect(), *sku)?;
            Command::Adjust(model::command::Adjust {
                sku,
                location: LocationId::stored(PLACES[0]),
                delta: *delta,
                reason: AdjustReason::ReturnToStock,
                line: Some(id),
                quarantine: delta % 2 == 0,
                note: None,
            })
        }
        Step::Policy(at, channel, terms) => {
            let policy = terms.policy(terms.release_in.and_then(|days| in_days(shop, days)));
            let channel = Channel::stored(CHANNELS[*channel]);
            Command::PutPolicy(PutPolicy { sku: sku(SKUS[*at]), channel, policy, if_match: None })
        }
        Step::Place(at, place) => {
            let location = LocationId::stored(PLACES[*at]);
            let settings = place.settings(*at, place.holiday_in.and_then(|days| in_days(shop, days)));
            Command::PutLocation(PutLocation { location, settings, if_match: None })
        }
        Step::Wait(hours) => {
            shop.now = seconds_after(shop.now, i64::from(*hours) * 3_600)?;
            Command::RunDue
        }
        Step::Rounds(most) => {
            shop.rounds_max = *most;
            return None;
        }
        Step::GoOn => Command::GoOn,
    })
}

fn nth<T>(all: Vec<T>, at: usize) -> Option<T> {
    let count = all.len();
    all.into_iter().nth(at.checked_rem(count)?)
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all
}

/// Orders with something left to send.
fn orders(shop: &CoreShop) -> Vec<OrderId> {
    sorted(shop.shop.orders.values().filter(|order| order.is_open()).map(|order| order.id))
}

/// Lines of which something is true.
fn lines_with(shop: &CoreShop, is_so: impl Fn(&Line) -> bool) -> Vec<(LineId, Line)> {
    let lines = shop.shop.orders.values().flat_map(|order| {
        order.lines.iter().map(|line| (LineId { order: order.id, no: line.no }, line.clone()))
    });
    let mut lines: Vec<(LineId, Line)> = lines.filter(|(_, line)| is_so(line)).collect();
    lines.sort_unstable_by_key(|(id, _)| *id);
    lines
}

fn holds(shop: &CoreShop) -> Vec<HoldId> {
    sorted(shop.shop.holds.keys().copied())
}

fn supplies(shop: &CoreShop) -> Vec<SupplyId> {
    let open = shop.shop.pools.values().flat_map(|pool| &pool.supplies);
    sorted(open.filter(|supply| !supply.is_on_hand()).map(|supply| supply.id))
}

fn all_supplies(shop: &CoreShop) -> Vec<SupplyId> {
    sorted(shop.shop.pools.values().flat_map(|pool| &pool.supplies).map(|supply| supply.id))
}

fn quarantined(shop: &CoreShop) -> Vec<SupplyId> {
    let open = shop.shop.pools.values().flat_map(|pool| &pool.supplies);
    sorted(open.filter(|supply| supply.state == SupplyState::Quarantine).map(|supply| supply.id))
}

fn lines_of(shop: &CoreShop, order: OrderId, part: Option<(usize, Units)>) -> Vec<(LineId, Option<Units>)> {
    let count = shop.order_of(order).lines.len();
    let line = |at: usize| LineId { order, no: u16::try_from(at % count + 1).unwrap_or(1) };
    part.into_iter().map(|(at, units)| (line(at), Some(units))).collect()
}

fn ask_lines(lines: &[(usize, Units)]) -> Vec<AskLine> {
    let line = |(at, quantity): &(usize, Units)| {
        let sku: Sku = sku(SKUS[*at]);
        AskLine { sku, quantity: *quantity, unit_price: None }
    };
    lines.iter().map(line).collect()
}

impl RandomOrder {
    fn command(&self, shop: &CoreShop, in_days: impl Fn(u16) -> Option<Date>) -> PlaceOrder {
        PlaceOrder {
            channel: Channel::stored(CHANNELS[self.channel]),
            hold: self.hold.and_then(|at| nth(holds(shop), at)),
            customer: self.customer.map(|at| customer(CUSTOMERS[at])),
            group: self.in_club.then(|| "club".into()),
            country: self.country.map(|at| COUNTRIES[at].into()),
            ship: if self.complete { ShipChoice::Complete } else { ShipChoice::AsAvailable },
            requested_date: self.wanted_in.and_then(&in_days),
            not_later_than: self.last_in.and_then(&in_days),
            accept: if self.partial { Accept::Partial } else { Accept::All },
            already_owed: self.already_owed,
            lines: ask_lines(&self.lines),
            ..PlaceOrder::default()
        }
    }
}

impl RandomPolicy {
    fn policy(&self, release_date: Option<Date>) -> Policy {
        Policy {
            when_out: self.when_out,
            backorder_cap: self.cap,
            customer_limit: self.limit,
            customer_groups: self.club_only.then(|| "club".into()).into_iter().collect(),
            horizon_days: self.horizon_days,
            buffer: self.buffer,
            lead_time_days: self.lead_time_days,
            release_date,
            promise_buffer_days: Some(1),
            ..Policy::default()
        }
    }
}

impl RandomPlace {
    fn settings(&self, at: usize, holiday: Option<Date>) -> LocationSettings {
        let mut settings = if at == 0 { east() } else { west() };
        settings.name.clone_from(&self.name);
        (settings.handling_days, settings.dock_to_stock_days) = (self.handling_days, self.dock_to_stock_days);
        settings.cutoff = model::time::Time::constant(self.cutoff_hour, 0, 0, 0);
        if let Some(holiday) = holiday {
            let days = if at == 0 { WorkingDays::MONDAY_TO_FRIDAY } else { WorkingDays::EVERY_DAY };
            settings.calendar = Calendar::new(days, [holiday].into_iter().collect()).unwrap_or_default();
        }
        for row in settings.transit.iter_mut().filter(|row| row.country == "US") {
            (row.days_min, row.days_max) = (self.us_days / 2, self.us_days);
        }
        settings
    }
}
