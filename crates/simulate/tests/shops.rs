//! Waitlists, slips, caps and money in simulated shops, and input that makes no sense.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;

use model::{
    item::{Cap, PaymentKind, PaymentTerms, Policy, WhenOut},
    time::Timestamp,
};
use simulate::{
    Compared, Costs, Customers, Due, Goods, Measure, Reorder, SimulateError, Variant, World, compare,
};

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Sold out, forty on their way in twenty days, one asked for a day.
fn world() -> World {
    let customers = Customers {
        rate: 1.0,
        sizes: vec![1, 1, 1, 2],
        accept: 0.6,
        patience_rate: 0.01,
        cancel_rate: 0.005,
        waitlist: 0.5,
        convert: 0.4,
    };
    let goods = Goods {
        sku: "MUG".into(),
        price: 40.0,
        unit_cost: 15.0,
        on_hand: 0,
        due: vec![Due { given_in_days: 20.0, units: 40 }],
        late_days: vec![0, 0, 2, 4, 9],
        promise_days: 4,
        customers,
    };
    let costs = Costs { goodwill: 2.5, late: 5.0, cancel: 1.2, ..Costs::default() };
    World { goods, policy: sold(WhenOut::Backorder), costs, days: 30.0, warm_up_days: 0.0 }
}

fn sold(when_out: WhenOut) -> Policy {
    Policy { when_out, ..Policy::default() }
}

fn variant(name: &str, policy: Policy) -> Variant {
    Variant {
        name: name.into(),
        policy: Some(policy),
        reorder: Reorder::Nothing,
        slip_days: 0.0,
        demand_factor: 1.0,
    }
}

fn run(world: &World, variants: &[Variant]) -> Vec<Compared> {
    compare(std::slice::from_ref(world), variants, (1, 60, NonZeroUsize::new(2).unwrap()), start(), &|_| {})
        .unwrap()
}

fn mean(compared: &Compared, measure: Measure) -> f64 {
    compared.figures.iter().find(|figure| figure.measure == measure).unwrap().mean
}

#[test]
fn each_way_of_selling_does_what_it_says() {
    let waitlist = Variant { ..variant("waitlist", sold(WhenOut::Waitlist)) };
    let capped = Policy { backorder_cap: Cap::Limited(3), ..sold(WhenOut::Backorder) };
    let all = run(
        &world(),
        &[
            variant("backorder", sold(WhenOut::Backorder)),
            variant("refuse", sold(WhenOut::Refuse)),
            waitlist,
            variant("capped", capped),
        ],
    );
    let [backorder, refuse, waitlist, capped] = &all[..] else { panic!("{all:?}") };
    assert!(mean(backorder, Measure::UnitsCancelled) > 0.0);
    assert!(mean(backorder, Measure::MeanWaitDays) > 5.0);
    assert_eq!(mean(refuse, Measure::MeanWaitDays), 0.0, "nobody waits who cannot order");
    assert!(mean(refuse, Measure::UnitsRefused) > mean(backorder, Measure::UnitsRefused));
    assert_eq!(mean(refuse, Measure::UnitsFromWaitlist), 0.0);
    assert!(mean(waitlist, Measure::UnitsFromWaitlist) > 1.0, "{waitlist:?}");
    assert!(mean(capped, Measure::UnitsShipped) < mean(backorder, Measure::UnitsShipped));
    assert!(mean(capped, Measure::OwedMean) < 3.0);
}

#[test]
fn a_slip_makes_late_and_more_demand_sells_more() {
    let base = variant("as it is", sold(WhenOut::Backorder));
    let slip = Variant { name: "slip".into(), slip_days: 6.0, ..base.clone() };
    let more = Variant { name: "double".into(), demand_factor: 2.0, ..base.clone() };
    let all = run(&world(), &[base, slip, more]);
    assert!(mean(&all[1], Measure::UnitsLate) > mean(&all[0], Measure::UnitsLate) + 1.0);
    assert!(mean(&all[1], Measure::Profit) < mean(&all[0], Measure::Profit));
    assert!(mean(&all[2], Measure::UnitsAsked) > 1.7 * mean(&all[0], Measure::UnitsAsked));
}

#[test]
fn money_taken_at_once_keeps_cash_above_water() {
    let pay = |kind, percent| Policy {
        payment: Some(PaymentTerms {
            kind,
            deposit_percent: percent,
            deposit_amount: None,
            balance: None,
            provider: None,
        }),
        ..sold(WhenOut::Backorder)
    };
    let all = run(
        &World { days: 28.0, ..world() },
        &[
            variant("on ship", pay(PaymentKind::ChargeOnShip, None)),
            variant("deposit", pay(PaymentKind::Deposit, Some(25))),
            variant("full", pay(PaymentKind::Full, None)),
        ],
    );
    let lowest: Vec<f64> = all.iter().map(|compared| mean(compared, Measure::CashLowest)).collect();
    assert!(lowest[0] < lowest[1] && lowest[1] < lowest[2], "{lowest:?}");
    assert!(all[0].cash_negative_share > all[2].cash_negative_share, "goods are paid before anybody pays");
    let shipped: Vec<f64> = all.iter().map(|compared| mean(compared, Measure::UnitsShipped)).collect();
    assert!(shipped.windows(2).all(|pair| pair[0] == pair[1]), "the same customers: {shipped:?}");
}

#[test]
fn nobody_comes_and_nothing_happens() {
    let mut quiet = world();
    quiet.goods.customers.rate = 0.0;
    let all = run(&quiet, &[variant("quiet", sold(WhenOut::Backorder))]);
    for measure in [Measure::UnitsAsked, Measure::UnitsShipped, Measure::Profit] {
        assert_eq!(mean(&all[0], measure), 0.0);
    }
    assert_eq!(mean(&all[0], Measure::FillRate), 1.0);
}

#[test]
fn what_makes_no_sense_is_named() {
    let base = || (world(), variant("only", sold(WhenOut::Backorder)));
    let check = |change: &dyn Fn(&mut World, &mut Variant), field: &str| {
        let (mut world, mut only) = base();
        change(&mut world, &mut only);
        let found = compare(&[world], &[only], (1, 4, NonZeroUsize::MIN), start(), &|_| {});
        match found.unwrap_err() {
            SimulateError::Input(error) => assert_eq!(error.field, field),
            other => panic!("{other:?}"),
        }
    };
    check(&|world, _| world.days = f64::NAN, "days");
    check(&|world, _| world.goods.customers.rate = -1.0, "rate");
    check(&|world, _| world.goods.customers.rate = 1e9, "rate");
    check(&|world, _| world.goods.unit_cost = -1.0, "unit_cost");
    check(&|world, _| world.goods.customers.accept = 1.5, "accept");
    check(&|world, _| world.goods.customers.sizes = vec![0], "sizes");
    check(&|_, only| only.demand_factor = f64::INFINITY, "demand_factor");
    check(&|_, only| only.reorder = Reorder::Production { until: 1, rate: 0.0 }, "rate");
    let (world, only) = base();
    let found = compare(&[world], &[only], (1, 1, NonZeroUsize::MIN), start(), &|_| {});
    assert!(matches!(found, Err(SimulateError::Input(error)) if error.field == "replications"));
}
