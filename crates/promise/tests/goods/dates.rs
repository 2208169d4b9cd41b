//! When goods ship: cut-off, working days, clocks that change, supplies that are late.

use model::{
    calendar::{Calendar, WorkingDays},
    location::LocationSettings,
    time::Zone,
    transit::Transit,
};
use testkit::{
    ask::{ask, date, instant},
    core::CoreShop,
};

use crate::parts;

/// A location in Berlin: Monday to Friday, cut-off at 14:00, one day of handling, one from dock to stock, two to four
/// working days to Germany.
fn berlin() -> CoreShop {
    let mut shop = CoreShop::new(instant("2026-08-03T09:00:00Z"));
    let holidays = [date("2026-12-25")].into_iter().collect();
    let row = |country: &str, days_min, days_max| Transit {
        country: country.to_owned(),
        service: "standard".to_owned(),
        days_min,
        days_max,
        price: None,
    };
    let settings = LocationSettings {
        time_zone: Zone::new("Europe/Berlin").unwrap(),
        calendar: Calendar::new(WorkingDays::MONDAY_TO_FRIDAY, holidays).unwrap(),
        handling_days: 1,
        dock_to_stock_days: 1,
        transit: vec![row("DE", 2, 4), row("*", 5, 9)],
        ..LocationSettings::default()
    };
    shop.location(CoreShop::MAIN, settings);
    shop.sells("MUG");
    shop
}

fn ships(shop: &mut CoreShop, at: &str) -> String {
    shop.at(at);
    shop.available(&ask("MUG", 1).order()).unwrap().ship_by.promised.unwrap().to_string()
}

#[test]
fn the_cut_off_is_the_locations_own_and_holidays_do_not_count() {
    let mut shop = berlin();
    shop.stock("MUG", 1);
    for (at, expect) in [
        ("2026-08-03T11:59:59Z", "2026-08-04"),
        ("2026-08-03T12:00:00Z", "2026-08-05"),
        ("2026-08-07T11:00:00Z", "2026-08-10"),
        ("2026-08-08T11:00:00Z", "2026-08-11"),
        ("2026-12-23T12:59:59Z", "2026-12-24"),
        ("2026-12-23T13:00:00Z", "2026-12-28"),
        ("2026-12-24T08:00:00Z", "2026-12-28"),
    ] {
        assert_eq!(ships(&mut shop, at), expect, "{at}");
    }
}

#[test]
fn days_are_the_locations_when_clocks_change() {
    let mut shop = berlin();
    shop.stock("MUG", 1);
    for (at, expect) in [
        // Clocks go back on Sunday, 25 October 2026: the cut-off is at 12:00 UTC before and at 13:00 after.
        ("2026-10-23T12:30:00Z", "2026-10-27"),
        ("2026-10-26T12:30:00Z", "2026-10-27"),
        // And forward on Sunday, 28 March 2027.
        ("2027-03-26T12:30:00Z", "2027-03-29"),
        ("2027-03-29T12:30:00Z", "2027-03-31"),
        // Midnight in Berlin.
        ("2027-07-01T21:59:00Z", "2027-07-05"),
        ("2027-07-01T22:01:00Z", "2027-07-05"),
    ] {
        assert_eq!(ships(&mut shop, at), expect, "{at}");
    }
}

#[test]
fn goods_due_pass_the_dock_and_are_handled_then_travel() {
    let mut shop = berlin();
    // Comes on a Thursday: ready on Friday, ships on Monday.
    shop.due("MUG", 5, "2026-08-13");
    let order = shop.order(ask("MUG", 1).to("DE")).unwrap();
    let line = shop.view(order).lines[0].clone();
    let text = |date: Option<model::time::Date>| date.unwrap().to_string();
    assert_eq!(text(line.ship_by.promised), "2026-08-17");
    assert_eq!(text(line.deliver_by.expected), "2026-08-20");
    assert_eq!(text(line.deliver_by.promised), "2026-08-21");
    let abroad = shop.order(ask("MUG", 1).to("FR")).unwrap();
    assert_eq!(text(shop.view(abroad).deliver_by.promised), "2026-08-28");
}

#[test]
fn a_supply_without_history_is_promised_with_a_buffer() {
    let mut shop = berlin();
    let wish = model::command::AddSupply {
        promise_buffer_days: None,
        ..testkit::core::supply("MUG", 5, "2026-08-10")
    };
    shop.must(&model::command::Command::AddSupply(wish));
    let answer = shop.available(&ask("MUG", 1).order()).unwrap();
    assert_eq!(answer.ship_by.expected.unwrap().to_string(), "2026-08-12");
    assert_eq!(answer.ship_by.promised.unwrap().to_string(), "2026-08-17");
    assert!(answer.reason.contains("buffer of 3 days"), "{}", answer.reason);
}

#[test]
fn an_overdue_supply_comes_today_at_best() {
    let mut shop = berlin();
    shop.due("MUG", 5, "2026-08-05");
    let order = shop.order(ask("MUG", 1)).unwrap();
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-07")]));
    shop.at("2026-08-12T09:00:00Z");
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-14")]));
    assert_eq!(shop.order_of(order).lines[0].promises.len(), 1, "time passing changes no promise");
    shop.at("2026-08-12T12:00:00Z");
    assert_eq!(shop.parts(order), parts(&[(1, "2026-08-14")]), "goods that arrive know no cut-off");
}

#[test]
fn a_supply_dated_beyond_the_calendar_is_not_sold() {
    let mut shop = berlin();
    shop.due("MUG", 5, "2199-12-31");
    assert_eq!(crate::refused(shop.order(ask("MUG", 1))).0, model::refusal::RefusalCode::NotAvailable);
}
