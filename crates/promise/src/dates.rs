//! When goods of a supply ship and arrive: docs/theory/dates.md.

use model::{
    location::LocationSettings,
    order::Dates,
    supply::{Lateness, Supply},
    time::{Date, Timestamp, days_after},
    transit::{STANDARD_SERVICE, Transit},
};

/// Returns when units of a supply ship from its location, not before a release date.
///
/// On hand: cut-off and handling from now. Due: the date given plus the days that such supplies are late (P50 and
/// P90), never before today, then dock to stock and handling. Unknown where no date is given or the calendar ends.
pub fn supply_ship_by(
    supply: &Supply,
    location: &LocationSettings,
    release: Option<Date>,
    now: Timestamp,
) -> Dates {
    if supply.is_on_hand() {
        let ship = release_from(location, location.ship_date_on_hand(now).ok(), release);
        return Dates { expected: ship, promised: ship };
    }
    match supply.expected_on {
        Some(given) => arriving(location, given, supply.lateness, release, now),
        None => Dates::UNKNOWN,
    }
}

/// The same for units that arrive on a date given, so many days late.
pub(crate) fn arriving(
    location: &LocationSettings,
    given: Date,
    lateness: Lateness,
    release: Option<Date>,
    now: Timestamp,
) -> Dates {
    let on = |days: u16| {
        let arrives = days_after(given, days)?;
        release_from(location, location.ship_date_arriving(arrives, now).ok(), release)
    };
    let expected = on(lateness.expected_days);
    let promised =
        if lateness.promised_days == lateness.expected_days { expected } else { on(lateness.promised_days) };
    Dates { expected, promised }
}

/// Returns when a parcel that ships then is delivered: half of the transit's span for the expected date, all of it for
/// the promised one. Where no transit is known, when it ships.
pub(crate) fn deliver_by(location: &LocationSettings, country: Option<&str>, ship: Dates) -> Dates {
    match location.transit_for(country, STANDARD_SERVICE) {
        Some(transit) => deliver_with(location, transit, ship),
        None => ship,
    }
}

/// The same by a service of the shop's choice.
pub fn deliver_with(location: &LocationSettings, transit: &Transit, ship: Dates) -> Dates {
    let middle = (u32::from(transit.days_min) + u32::from(transit.days_max)).div_ceil(2);
    let after = |ship: Option<Date>, days| location.calendar.add_working(ship?, days).ok();
    Dates {
        expected: after(ship.expected, middle),
        promised: after(ship.promised, u32::from(transit.days_max)),
    }
}

fn release_from(location: &LocationSettings, ship: Option<Date>, release: Option<Date>) -> Option<Date> {
    match release {
        Some(release) => location.not_before(ship?, release).ok(),
        None => ship,
    }
}
