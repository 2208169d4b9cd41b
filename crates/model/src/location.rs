//! Locations: when goods that are there, or arrive there, leave it and reach the customer.
//!
//! Every count of days is a count of working days on the location's own calendar, and every "today" is the
//! date that a clock at the location shows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, CalendarError, CalendarExhausted, WorkingDays};
use crate::time::{
    Date, Time, Timestamp, Zone, deserialize_date, deserialize_time, local_date, serialize_time,
};
use crate::transit::{Transit, deserialize_days};

/// What a location's owner sets: its place in time, its calendar, and the days each step takes.
///
/// Written flat, with the calendar as `working_days` and `holidays`. Every field may be left out; see
/// [`LocationSettings::default`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct LocationSettings {
    /// The name shown to staff; possibly empty.
    pub name: String,
    /// The zone whose clock says what today is and when the cut-off passes.
    pub time_zone: Zone,
    /// The days on which work is done.
    pub calendar: Calendar,
    /// The local time from which work starts on the next working day.
    pub cutoff: Time,
    /// Working days from the start of work to shipping.
    pub handling_days: u16,
    /// Working days from arrival until the goods are ready for handling.
    pub dock_to_stock_days: u16,
    /// The transit rows: at most one for each country and service, in the owner's order.
    pub transit: Vec<Transit>,
}

/// Says why a location's settings cannot be used. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The calendar cannot be used. Shown as the calendar's own message: settings are refused as one text.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// Two transit rows are for the same country and service.
    #[error("transit for country `{country}` and service `{service}` is given twice")]
    DuplicateTransit {
        /// The country of both rows.
        country: String,
        /// The service of both rows.
        service: String,
    },
}

/// The first and last date on which a parcel may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverDates {
    /// Ship date and the least transit.
    pub min: Date,
    /// Ship date and the most transit; never before `min`.
    pub max: Date,
}

impl LocationSettings {
    /// Returns the date at the location.
    pub fn today(&self, now: Timestamp) -> Date {
        local_date(now, &self.time_zone)
    }

    /// Returns the date on which goods that are on hand would ship.
    ///
    /// Work starts today on a working day before the cut-off, else on the next working day; `handling_days`
    /// working days later the goods ship. Never decreases as `now` advances, not even when clocks go back.
    ///
    /// Errors: `CalendarExhausted` beyond the last date.
    /// Source: `add_working(today, or tomorrow once the cut-off has passed; handling_days)`.
    pub fn ship_date_on_hand(&self, now: Timestamp) -> Result<Date, CalendarExhausted> {
        let (today, clock) = self.time_zone.local(now);
        self.ship_date_at(now, today, clock)
    }

    fn ship_date_at(&self, now: Timestamp, today: Date, clock: Time) -> Result<Date, CalendarExhausted> {
        let start = if self.is_before_cutoff(now, today, clock) {
            today
        } else {
            today.tomorrow().map_err(|_| CalendarExhausted { from: today })?
        };
        self.calendar.add_working(start, u32::from(self.handling_days))
    }

    /// Says whether the clock has yet to show the cut-off or later for the first time today.
    ///
    /// Comparing clock times alone would reopen the day when the clock goes back over the cut-off. In a
    /// skipped hour the cut-off passes with the jump.
    fn is_before_cutoff(&self, now: Timestamp, today: Date, clock: Time) -> bool {
        clock < self.cutoff
            && self.time_zone.first_instant(today, self.cutoff).is_none_or(|cutoff| now < cutoff)
    }

    /// Returns the date on which goods that arrive on a date would ship.
    ///
    /// Goods overdue arrive today. An arrival has no time of day, so no cut-off applies to it; but goods still
    /// to come never ship before goods on hand would.
    ///
    /// Errors: `CalendarExhausted` beyond the last date.
    /// Source: `max(add_working(max(arrives, today); dock_to_stock_days + handling_days), ship_date_on_hand)`.
    pub fn ship_date_arriving(&self, arrives: Date, now: Timestamp) -> Result<Date, CalendarExhausted> {
        let days = u32::from(self.dock_to_stock_days) + u32::from(self.handling_days);
        let (today, clock) = self.time_zone.local(now);
        let by_arrival = self.calendar.add_working(arrives.max(today), days)?;
        Ok(by_arrival.max(self.ship_date_at(now, today, clock)?))
    }

    /// Returns the first date that is a working day and neither before the ship date nor before the release.
    ///
    /// Errors: `CalendarExhausted` beyond the last date.
    /// Source: `roll_forward(max(ship, release))`.
    pub fn not_before(&self, ship: Date, release: Date) -> Result<Date, CalendarExhausted> {
        self.calendar.roll_forward(ship.max(release))
    }

    /// Returns when a parcel shipped on a date arrives.
    ///
    /// Where no transit is known for the destination and service, both dates are the ship date.
    ///
    /// Errors: `CalendarExhausted` beyond the last date.
    /// Source: `add_working(ship; days_min)` and `add_working(ship; days_max)` of [`Self::transit_for`].
    pub fn deliver_dates(
        &self,
        ship: Date,
        country: Option<&str>,
        service: &str,
    ) -> Result<DeliverDates, CalendarExhausted> {
        let Some(transit) = self.transit_for(country, service) else {
            return Ok(DeliverDates { min: ship, max: ship });
        };
        let min = self.calendar.add_working(ship, u32::from(transit.days_min))?;
        let more = u32::from(transit.days_max.saturating_sub(transit.days_min));
        Ok(DeliverDates { min, max: self.calendar.add_working(min, more)? })
    }

    /// Returns the transit row for a destination: the country's own, else the one for any country.
    ///
    /// Countries match in any case; an unknown country matches only the row for any.
    pub fn transit_for(&self, country: Option<&str>, service: &str) -> Option<&Transit> {
        let of_service = || self.transit.iter().filter(|row| row.service == service);
        country
            .and_then(|country| of_service().find(|row| row.country.eq_ignore_ascii_case(country)))
            .or_else(|| of_service().find(|row| row.is_for_any_country()))
    }

    /// Returns the row of each service to a destination, in the owner's order; possibly none.
    pub fn services_for<'a>(&'a self, country: Option<&'a str>) -> impl Iterator<Item = &'a Transit> {
        self.transit.iter().filter(move |row| {
            self.transit_for(country, &row.service).is_some_and(|chosen| std::ptr::eq(chosen, *row))
        })
    }
}

impl Default for LocationSettings {
    /// Returns a location without a name in UTC that works Monday to Friday without holidays, with a cut-off
    /// at 14:00, no handling or dock time, and no known transit.
    fn default() -> Self {
        Self {
            name: String::new(),
            time_zone: Zone::utc(),
            calendar: Calendar::default(),
            cutoff: DEFAULT_CUTOFF,
            handling_days: 0,
            dock_to_stock_days: 0,
            transit: Vec::new(),
        }
    }
}

const DEFAULT_CUTOFF: Time = Time::constant(14, 0, 0, 0);

/// The settings as they are written, before they are checked.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    name: String,
    time_zone: Zone,
    working_days: WorkingDays,
    holidays: BTreeSet<Day>,
    #[serde(serialize_with = "serialize_time", deserialize_with = "deserialize_time")]
    cutoff: Time,
    #[serde(deserialize_with = "deserialize_days")]
    handling_days: u16,
    #[serde(deserialize_with = "deserialize_days")]
    dock_to_stock_days: u16,
    transit: Vec<Transit>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Day(#[serde(deserialize_with = "deserialize_date")] Date);

impl Default for Written {
    fn default() -> Self {
        LocationSettings::default().into()
    }
}

impl From<LocationSettings> for Written {
    fn from(settings: LocationSettings) -> Self {
        let LocationSettings {
            name,
            time_zone,
            calendar,
            cutoff,
            handling_days,
            dock_to_stock_days,
            transit,
        } = settings;
        Self {
            name,
            time_zone,
            working_days: calendar.working_days(),
            holidays: calendar.holidays().iter().copied().map(Day).collect(),
            cutoff,
            handling_days,
            dock_to_stock_days,
            transit,
        }
    }
}

impl TryFrom<Written> for LocationSettings {
    type Error = LocationError;

    /// Checks the calendar, then that no transit row is given twice.
    fn try_from(written: Written) -> Result<Self, LocationError> {
        let holidays = written.holidays.into_iter().map(|day| day.0).collect();
        let calendar = Calendar::new(written.working_days, holidays)?;
        let mut seen = BTreeSet::new();
        for row in &written.transit {
            if !seen.insert((&row.country, &row.service)) {
                let (country, service) = (row.country.clone(), row.service.clone());
                return Err(LocationError::DuplicateTransit { country, service });
            }
        }
        Ok(Self {
            name: written.name,
            time_zone: written.time_zone,
            calendar,
            cutoff: written.cutoff,
            handling_days: written.handling_days,
            dock_to_stock_days: written.dock_to_stock_days,
            transit: written.transit,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is the failure of the test")]
mod tests {
    use super::*;
    use crate::time::parse_date;
    use proptest::prelude::*;

    fn location(json: &str) -> LocationSettings {
        serde_json::from_str(json).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        parse_date(text).unwrap()
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(location("{}"), LocationSettings::default());
        assert_eq!(
            serde_json::to_string(&location("{}")).unwrap(),
            r#"{"name":"","time_zone":"UTC","working_days":["mon","tue","wed","thu","fri"],"holidays":[],"cutoff":"14:00","handling_days":0,"dock_to_stock_days":0,"transit":[]}"#
        );
    }

    #[test]
    fn settings_round_trip() {
        let text = r#"{"name":"Berlin","time_zone":"Europe/Berlin","working_days":["mon","sat"],"holidays":["2026-12-25","2026-12-26"],"cutoff":"09:30","handling_days":2,"dock_to_stock_days":1,"transit":[{"country":"DE","service":"standard","days_min":1,"days_max":2,"price":null}]}"#;
        assert_eq!(serde_json::to_string(&location(text)).unwrap(), text);
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let closed: Vec<String> = (2027..2033)
            .flat_map(|year| (1..=12).flat_map(move |month| (1..=31).map(move |day| (year, month, day))))
            .filter_map(|(year, month, day)| Date::new(year, month, day).ok())
            .map(|date| date.to_string())
            .collect();
        let closed = serde_json::json!({ "holidays": closed }).to_string();
        for (text, message) in [
            (r#"{"colour": "red"}"#, "unknown field `colour`"),
            (r#"{"time_zone": "Mars/Olympus"}"#, "unknown time zone `Mars/Olympus`"),
            (r#"{"working_days": []}"#, "at least one working day is needed"),
            (r#"{"holidays": ["2026-02-30"]}"#, "`2026-02-30` is not a date"),
            (r#"{"holidays": ["1926-02-03"]}"#, "date 1926-02-03 is outside"),
            (&closed, "holidays leave no working day from 2027-01-01 to 2032-12-31"),
            (r#"{"cutoff": "2pm"}"#, "`2pm` is not a time of day"),
            (r#"{"handling_days": 4000}"#, "4000 days is more than 3650"),
            (r#"{"handling_days": -1}"#, "invalid value: integer `-1`"),
            (
                r#"{"transit": [{"country": "US", "days_min": 1, "days_max": 2},
                    {"country": "US", "service": "standard", "days_min": 3, "days_max": 4}]}"#,
                "transit for country `US` and service `standard` is given twice",
            ),
        ] {
            let error = serde_json::from_str::<LocationSettings>(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn goods_on_hand_ship_after_cutoff_and_handling() {
        // 2026-12-03 is a Thursday.
        for (settings, now, expect) in [
            (r#"{}"#, "2026-12-03T13:59:59Z", "2026-12-03"),
            (r#"{}"#, "2026-12-03T14:00:00Z", "2026-12-04"),
            (r#"{}"#, "2026-12-04T14:00:00Z", "2026-12-07"),
            (r#"{}"#, "2026-12-05T09:00:00Z", "2026-12-07"),
            (r#"{}"#, "2026-12-05T19:00:00Z", "2026-12-07"),
            (r#"{"cutoff": "00:00"}"#, "2026-12-03T00:00:00Z", "2026-12-04"),
            (r#"{"handling_days": 1}"#, "2026-12-04T09:00:00Z", "2026-12-07"),
            (r#"{"handling_days": 1}"#, "2026-12-04T15:00:00Z", "2026-12-08"),
            (r#"{"handling_days": 2, "holidays": ["2026-12-07"]}"#, "2026-12-04T09:00:00Z", "2026-12-09"),
            // 00:30 on Friday in Berlin, 18:30 on Thursday in New York.
            (r#"{"time_zone": "Europe/Berlin"}"#, "2026-12-03T23:30:00Z", "2026-12-04"),
            (r#"{"time_zone": "America/New_York"}"#, "2026-12-03T23:30:00Z", "2026-12-04"),
            (r#"{"time_zone": "America/New_York"}"#, "2026-12-03T18:30:00Z", "2026-12-03"),
            (r#"{"time_zone": "Asia/Kolkata"}"#, "2026-12-03T08:29:59Z", "2026-12-03"),
            (r#"{"time_zone": "Asia/Kolkata"}"#, "2026-12-03T08:30:00Z", "2026-12-04"),
            // Either side of the date line: 01:00 on Friday and 00:00 on Thursday.
            (r#"{"time_zone": "Pacific/Kiritimati"}"#, "2026-12-03T11:00:00Z", "2026-12-04"),
            (r#"{"time_zone": "Pacific/Pago_Pago"}"#, "2026-12-03T11:00:00Z", "2026-12-03"),
        ] {
            let got = location(settings).ship_date_on_hand(at(now)).unwrap();
            assert_eq!(got.to_string(), expect, "{settings} at {now}");
        }
    }

    #[test]
    fn the_cutoff_passes_once_when_clocks_change() {
        let every_day = |zone: &str, cutoff: &str| LocationSettings {
            time_zone: Zone::new(zone).unwrap(),
            calendar: Calendar::every_day(),
            cutoff: crate::time::parse_time(cutoff).unwrap(),
            ..LocationSettings::default()
        };
        for (zone, cutoff, now, expect) in [
            // Berlin repeats 02:00 to 03:00 on 2026-10-25; the first pass starts at 00:00Z, the second at 01:00Z.
            ("Europe/Berlin", "02:30", "2026-10-25T00:29:59Z", "2026-10-25"),
            ("Europe/Berlin", "02:30", "2026-10-25T00:30:00Z", "2026-10-26"),
            ("Europe/Berlin", "02:30", "2026-10-25T01:10:00Z", "2026-10-26"),
            ("Europe/Berlin", "02:30", "2026-10-25T01:30:00Z", "2026-10-26"),
            ("Europe/Berlin", "03:00", "2026-10-25T00:59:59Z", "2026-10-25"),
            ("Europe/Berlin", "03:00", "2026-10-25T01:59:59Z", "2026-10-25"),
            ("Europe/Berlin", "03:00", "2026-10-25T02:00:00Z", "2026-10-26"),
            // It skips 02:00 to 03:00 on 2026-03-29, at 01:00Z.
            ("Europe/Berlin", "02:30", "2026-03-29T00:59:59Z", "2026-03-29"),
            ("Europe/Berlin", "02:30", "2026-03-29T01:00:00Z", "2026-03-30"),
            // New York repeats 01:00 to 02:00 on 2026-11-01, and skips 02:00 to 03:00 on 2026-03-08.
            ("America/New_York", "01:30", "2026-11-01T05:29:59Z", "2026-11-01"),
            ("America/New_York", "01:30", "2026-11-01T05:30:00Z", "2026-11-02"),
            ("America/New_York", "01:30", "2026-11-01T06:15:00Z", "2026-11-02"),
            ("America/New_York", "02:30", "2026-03-08T06:59:59Z", "2026-03-08"),
            ("America/New_York", "02:30", "2026-03-08T07:00:00Z", "2026-03-09"),
            // Lord Howe changes by 30 minutes: it repeats 01:30 to 02:00 on 2026-04-05, and skips 02:00 to
            // 02:30 on 2026-10-04.
            ("Australia/Lord_Howe", "01:45", "2026-04-04T14:44:59Z", "2026-04-05"),
            ("Australia/Lord_Howe", "01:45", "2026-04-04T14:45:00Z", "2026-04-06"),
            ("Australia/Lord_Howe", "01:45", "2026-04-04T15:10:00Z", "2026-04-06"),
            ("Australia/Lord_Howe", "02:15", "2026-10-03T15:29:59Z", "2026-10-04"),
            ("Australia/Lord_Howe", "02:15", "2026-10-03T15:30:00Z", "2026-10-05"),
            // Apia had no 2011-12-30: the 29th ended at 10:00Z and the 31st began.
            ("Pacific/Apia", "14:00", "2011-12-30T09:59:59Z", "2011-12-30"),
            ("Pacific/Apia", "14:00", "2011-12-30T10:00:00Z", "2011-12-31"),
        ] {
            let got = every_day(zone, cutoff).ship_date_on_hand(at(now)).unwrap();
            assert_eq!(got.to_string(), expect, "{zone}, cut-off {cutoff}, at {now}");
        }
    }

    #[test]
    fn goods_arriving_ship_after_dock_and_handling() {
        let steps = r#"{"dock_to_stock_days": 1, "handling_days": 1}"#;
        for (settings, arrives, now, expect) in [
            // Arrives on a Saturday, in stock on Tuesday, shipped on Wednesday.
            (steps, "2026-12-12", "2026-12-03T09:00:00Z", "2026-12-16"),
            (steps, "2026-12-10", "2026-12-03T09:00:00Z", "2026-12-14"),
            // Overdue, so as if it came today; the cut-off does not apply to an arrival.
            (steps, "2026-11-01", "2026-12-03T20:00:00Z", "2026-12-07"),
            // Without dock time, not before goods on hand.
            (r#"{}"#, "2026-12-03", "2026-12-03T13:00:00Z", "2026-12-03"),
            (r#"{}"#, "2026-12-03", "2026-12-03T15:00:00Z", "2026-12-04"),
            (r#"{}"#, "2026-12-08", "2026-12-03T15:00:00Z", "2026-12-08"),
        ] {
            let got = location(settings).ship_date_arriving(day(arrives), at(now)).unwrap();
            assert_eq!(got.to_string(), expect, "{settings}: {arrives} at {now}");
        }
    }

    #[test]
    fn nothing_ships_before_its_release() {
        let shop = location(r#"{"holidays": ["2026-12-07"]}"#);
        assert_eq!(shop.not_before(day("2026-12-03"), day("2026-12-05")).unwrap(), day("2026-12-08"));
        assert_eq!(shop.not_before(day("2026-12-09"), day("2026-12-05")).unwrap(), day("2026-12-09"));
    }

    #[test]
    fn transit_is_the_countrys_own_or_any() {
        let shop = location(
            r#"{"transit": [
                {"country": "*", "service": "standard", "days_min": 5, "days_max": 10},
                {"country": "US", "service": "standard", "days_min": 1, "days_max": 3},
                {"country": "US", "service": "air", "days_min": 0, "days_max": 1}]}"#,
        );
        // Ships on a Thursday.
        for (country, service, min, max) in [
            (Some("US"), "standard", "2026-12-04", "2026-12-08"),
            (Some("us"), "standard", "2026-12-04", "2026-12-08"),
            (Some("US"), "air", "2026-12-03", "2026-12-04"),
            (Some("DE"), "standard", "2026-12-10", "2026-12-17"),
            (None, "standard", "2026-12-10", "2026-12-17"),
            (Some("DE"), "air", "2026-12-03", "2026-12-03"),
            (Some("US"), "sea", "2026-12-03", "2026-12-03"),
        ] {
            let got = shop.deliver_dates(day("2026-12-03"), country, service).unwrap();
            assert_eq!(got, DeliverDates { min: day(min), max: day(max) }, "{country:?} by {service}");
        }
        let services = |country| {
            shop.services_for(country)
                .map(|row| format!("{} {}", row.country, row.service))
                .collect::<Vec<_>>()
        };
        assert_eq!(services(Some("US")), ["US standard", "US air"]);
        assert_eq!(services(Some("DE")), ["* standard"]);
        assert_eq!(services(None), ["* standard"]);
    }

    #[test]
    fn without_transit_delivery_is_shipping() {
        let ship = day("2026-12-03");
        let got = LocationSettings::default().deliver_dates(ship, Some("US"), "standard").unwrap();
        assert_eq!(got, DeliverDates { min: ship, max: ship });
    }

    proptest! {
        #[test]
        fn ship_dates_never_go_back_in_time(
            zone in "Europe/Berlin|America/New_York|Australia/Lord_Howe|America/St_Johns|Pacific/Apia|Asia/Kolkata",
            hour in 0..24_i8,
            minute in 0..60_i8,
            start in 1_000_000_000..2_000_000_000_i64,
            arrives in 11_574..23_148_i32,
        ) {
            let shop = LocationSettings {
                time_zone: Zone::new(&zone).unwrap(),
                cutoff: Time::new(hour, minute, 0, 0).unwrap(),
                dock_to_stock_days: 1,
                ..LocationSettings::default()
            };
            let arrives = crate::time::date_from_days(arrives).unwrap();
            let mut last = (Date::MIN, Date::MIN);
            for step in 0..400 {
                let now = Timestamp::from_second(start + step * 1_777).unwrap();
                let on_hand = shop.ship_date_on_hand(now).unwrap();
                let arriving = shop.ship_date_arriving(arrives, now).unwrap();
                prop_assert!(on_hand >= shop.today(now) && arriving >= on_hand && arriving >= arrives);
                prop_assert!(on_hand >= last.0 && arriving >= last.1, "at {now}");
                last = (on_hand, arriving);
            }
        }
    }
}
