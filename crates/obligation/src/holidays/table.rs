//! Which days are holidays, by country: the rules as they stand in 2026.
//!
//! National holidays only. Regional ones, half days and days given once (a coronation, a mourning) are not here.
//! Sources: 5 U.S.C. 6103 for the US; the national holiday acts of each other country.

use model::time::Weekday::{self, Monday, Saturday, Sunday, Thursday};

/// One holiday.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Month and day.
    On(i8, i8),
    /// Month and day, from a year on.
    Since(i16, i8, i8),
    /// So many days after Easter Sunday.
    Easter(i16),
    /// The n-th such weekday of a month.
    Nth(i8, Weekday, i8),
    /// The last such weekday of a month.
    Last(Weekday, i8),
    /// The first such weekday on or after a month and day.
    From(Weekday, i8, i8),
    /// Month and day; the day before when it falls on a Sunday.
    BeforeSunday(i8, i8),
    /// Month and day; the Monday after when it falls on a weekend.
    OrMonday(i8, i8),
    /// The first Monday of February, but 1 February itself when that is a Friday.
    SaintBrigid,
}

/// Which Easter a country keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Church {
    Western,
    Orthodox,
}

/// What happens to a holiday with a fixed date that falls on a weekend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weekend {
    /// Nothing.
    Lost,
    /// Kept on Friday for a Saturday and on Monday for a Sunday.
    Nearest,
    /// Kept on the next day that is neither a weekend nor a holiday.
    Next,
}

/// One country's holidays.
#[derive(Debug)]
pub(super) struct Country {
    /// ISO 3166-1 alpha-2.
    pub(super) code: &'static str,
    pub(super) church: Church,
    pub(super) weekend: Weekend,
    pub(super) rules: &'static [Rule],
}

const fn west(code: &'static str, rules: &'static [Rule]) -> Country {
    Country { code, church: Church::Western, weekend: Weekend::Lost, rules }
}

const fn east(code: &'static str, rules: &'static [Rule]) -> Country {
    Country { code, church: Church::Orthodox, weekend: Weekend::Lost, rules }
}

use Rule::{BeforeSunday, Easter, From, Last, Nth, On, OrMonday, SaintBrigid, Since};

/// Every country we know, by its code.
///
/// The US: federal holidays. GB: bank holidays of England and Wales. The others: the European Economic Area.
#[rustfmt::skip]
pub(super) static COUNTRIES: &[Country] = &[
    west("AT", &[On(1,1), On(1,6), Easter(1), On(5,1), Easter(39), Easter(50), Easter(60), On(8,15), On(10,26), On(11,1), On(12,8), On(12,25), On(12,26)]),
    west("BE", &[On(1,1), Easter(1), On(5,1), Easter(39), Easter(50), On(7,21), On(8,15), On(11,1), On(11,11), On(12,25)]),
    Country { weekend: Weekend::Next, ..east("BG", &[On(1,1), On(3,3), Easter(-2), Easter(-1), Easter(0), Easter(1), On(5,1), On(5,6), On(5,24), On(9,6), On(9,22), On(12,24), On(12,25), On(12,26)]) },
    east("CY", &[On(1,1), On(1,6), Easter(-48), On(3,25), On(4,1), Easter(-2), Easter(0), Easter(1), On(5,1), Easter(50), On(8,15), On(10,1), On(10,28), On(12,25), On(12,26)]),
    west("CZ", &[On(1,1), Easter(-2), Easter(1), On(5,1), On(5,8), On(7,5), On(7,6), On(9,28), On(10,28), On(11,17), On(12,24), On(12,25), On(12,26)]),
    west("DE", &[On(1,1), Easter(-2), Easter(1), On(5,1), Easter(39), Easter(50), On(10,3), On(12,25), On(12,26)]),
    west("DK", &[On(1,1), Easter(-3), Easter(-2), Easter(0), Easter(1), Easter(39), Easter(49), Easter(50), On(12,25), On(12,26)]),
    west("EE", &[On(1,1), On(2,24), Easter(-2), Easter(0), On(5,1), Easter(49), On(6,23), On(6,24), On(8,20), On(12,24), On(12,25), On(12,26)]),
    west("ES", &[On(1,1), On(1,6), Easter(-2), On(5,1), On(8,15), On(10,12), On(11,1), On(12,6), On(12,8), On(12,25)]),
    west("FI", &[On(1,1), On(1,6), Easter(-2), Easter(0), Easter(1), On(5,1), Easter(39), Easter(49), From(Saturday,6,20), From(Saturday,10,31), On(12,6), On(12,25), On(12,26)]),
    west("FR", &[On(1,1), Easter(1), On(5,1), On(5,8), Easter(39), Easter(50), On(7,14), On(8,15), On(11,1), On(11,11), On(12,25)]),
    Country { weekend: Weekend::Next, ..west("GB", &[On(1,1), Easter(-2), Easter(1), Nth(1,Monday,5), Last(Monday,5), Last(Monday,8), On(12,25), On(12,26)]) },
    east("GR", &[On(1,1), On(1,6), Easter(-48), On(3,25), Easter(-2), Easter(1), On(5,1), Easter(50), On(8,15), On(10,28), On(12,25), On(12,26)]),
    west("HR", &[On(1,1), On(1,6), Easter(0), Easter(1), On(5,1), On(5,30), Easter(60), On(6,22), On(8,5), On(8,15), On(11,1), On(11,18), On(12,25), On(12,26)]),
    west("HU", &[On(1,1), On(3,15), Easter(-2), Easter(0), Easter(1), On(5,1), Easter(49), Easter(50), On(8,20), On(10,23), On(11,1), Since(2025,12,24), On(12,25), On(12,26)]),
    west("IE", &[On(1,1), SaintBrigid, On(3,17), Easter(1), Nth(1,Monday,5), Nth(1,Monday,6), Nth(1,Monday,8), Last(Monday,10), On(12,25), On(12,26)]),
    west("IS", &[On(1,1), Easter(-3), Easter(-2), Easter(0), Easter(1), From(Thursday,4,19), On(5,1), Easter(39), Easter(49), Easter(50), On(6,17), Nth(1,Monday,8), On(12,25), On(12,26)]),
    west("IT", &[On(1,1), On(1,6), Easter(0), Easter(1), On(4,25), On(5,1), On(6,2), On(8,15), Since(2026,10,4), On(11,1), On(12,8), On(12,25), On(12,26)]),
    west("LI", &[On(1,1), On(1,6), Easter(1), On(5,1), Easter(39), Easter(50), Easter(60), On(8,15), On(9,8), On(11,1), On(12,8), On(12,25), On(12,26)]),
    west("LT", &[On(1,1), On(2,16), On(3,11), Easter(0), Easter(1), On(5,1), Nth(1,Sunday,5), Nth(1,Sunday,6), On(6,24), On(7,6), On(8,15), On(11,1), On(11,2), On(12,24), On(12,25), On(12,26)]),
    west("LU", &[On(1,1), Easter(1), On(5,1), On(5,9), Easter(39), Easter(50), On(6,23), On(8,15), On(11,1), On(12,25), On(12,26)]),
    west("LV", &[On(1,1), Easter(-2), Easter(0), Easter(1), On(5,1), OrMonday(5,4), Nth(2,Sunday,5), On(6,23), On(6,24), OrMonday(11,18), On(12,24), On(12,25), On(12,26), On(12,31)]),
    west("MT", &[On(1,1), On(2,10), On(3,19), Easter(-2), On(3,31), On(5,1), On(6,7), On(6,29), On(8,15), On(9,8), On(9,21), On(12,8), On(12,13), On(12,25)]),
    west("NL", &[On(1,1), Easter(0), Easter(1), BeforeSunday(4,27), Easter(39), Easter(49), Easter(50), On(12,25), On(12,26)]),
    west("NO", &[On(1,1), Easter(-3), Easter(-2), Easter(0), Easter(1), On(5,1), On(5,17), Easter(39), Easter(49), Easter(50), On(12,25), On(12,26)]),
    west("PL", &[On(1,1), On(1,6), Easter(0), Easter(1), On(5,1), On(5,3), Easter(49), Easter(60), On(8,15), On(11,1), On(11,11), Since(2025,12,24), On(12,25), On(12,26)]),
    west("PT", &[On(1,1), Easter(-2), Easter(0), On(4,25), On(5,1), Easter(60), On(6,10), On(8,15), On(10,5), On(11,1), On(12,1), On(12,8), On(12,25)]),
    east("RO", &[On(1,1), On(1,2), Since(2024,1,6), Since(2024,1,7), On(1,24), Easter(-2), Easter(0), Easter(1), On(5,1), On(6,1), Easter(49), Easter(50), On(8,15), On(11,30), On(12,1), On(12,25), On(12,26)]),
    west("SE", &[On(1,1), On(1,6), Easter(-2), Easter(0), Easter(1), On(5,1), Easter(39), Easter(49), On(6,6), From(Saturday,6,20), From(Saturday,10,31), On(12,25), On(12,26)]),
    west("SI", &[On(1,1), On(1,2), On(2,8), Easter(0), Easter(1), On(4,27), On(5,1), On(5,2), Easter(49), On(6,25), On(8,15), On(10,31), On(11,1), On(12,25), On(12,26)]),
    west("SK", &[On(1,1), On(1,6), Easter(-2), Easter(1), On(5,1), Since(2027,5,8), On(7,5), On(8,29), Since(2027,9,15), On(11,1), On(12,24), On(12,25), On(12,26)]),
    Country { weekend: Weekend::Nearest, ..west("US", &[On(1,1), Nth(3,Monday,1), Nth(3,Monday,2), Last(Monday,5), Since(2021,6,19), On(7,4), Nth(1,Monday,9), Nth(2,Monday,10), On(11,11), Nth(4,Thursday,11), On(12,25)]) },
];
