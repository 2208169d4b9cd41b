//! Working days of a country: every weekday that is no public holiday.
//!
//! Laws count these; a warehouse has a calendar of its own (`model::calendar`).

mod table;

use model::time::{Date, LAST_DATE, Weekday, date_from_days, days_since_epoch};

use table::{COUNTRIES, Church, Country, Rule, Weekend};

/// The working days of one country.
#[derive(Debug, Clone, Copy)]
pub struct Workdays {
    country: Option<&'static Country>,
}

impl Workdays {
    /// Those of a country by its ISO 3166-1 alpha-2 code, in upper case.
    ///
    /// Of a country without a table every day from Monday to Friday is one.
    pub fn of(code: &str) -> Self {
        let place = COUNTRIES.binary_search_by(|country| country.code.cmp(code));
        Self { country: place.ok().and_then(|at| COUNTRIES.get(at)) }
    }

    /// Whether its holidays are known here.
    pub fn is_known(self) -> bool {
        self.country.is_some()
    }

    /// Whether the day is a working day.
    pub fn is_working(self, date: Date) -> bool {
        !is_weekend(date) && !self.is_holiday(date)
    }

    /// Whether the day is a public holiday, or the day on which one that fell on a weekend is kept.
    pub fn is_holiday(self, date: Date) -> bool {
        let Some(country) = self.country else { return false };
        // New Year's Day may be kept on the last day of the year before.
        let years = [date.year(), date.year() + 1];
        years.into_iter().any(|year| country.holidays(year).contains(&date))
    }

    /// The n-th working day after a day, the day itself not counted; [`LAST_DATE`] at the most.
    pub fn nth_after(self, date: Date, n: u16) -> Date {
        let mut at = date;
        let mut left = n;
        while left > 0 && at < LAST_DATE {
            at = next(at);
            left -= u16::from(self.is_working(at));
        }
        at
    }

    /// The first working day on or after a day; [`LAST_DATE`] at the most.
    pub fn on_or_after(self, date: Date) -> Date {
        let mut at = date;
        while at < LAST_DATE && !self.is_working(at) {
            at = next(at);
        }
        at
    }
}

impl Country {
    /// The holidays of a year, unsorted. One kept early in January's place may lie in the year before.
    fn holidays(&self, year: i16) -> Vec<Date> {
        let named: Vec<(Rule, Date)> =
            self.rules.iter().filter_map(|rule| Some((*rule, self.date(*rule, year)?))).collect();
        let mut days: Vec<Date> = named.iter().map(|(_, date)| *date).collect();
        for (rule, date) in named {
            if matches!(rule, Rule::On(..) | Rule::Since(..)) && is_weekend(date) {
                match self.weekend {
                    Weekend::Lost => {}
                    Weekend::Nearest if date.weekday() == Weekday::Saturday => days.push(shifted(date, -1)),
                    Weekend::Nearest => days.push(next(date)),
                    Weekend::Next => {
                        let mut kept = next(date);
                        while is_weekend(kept) || days.contains(&kept) {
                            kept = next(kept);
                        }
                        days.push(kept);
                    }
                }
            }
        }
        days
    }

    fn date(&self, rule: Rule, year: i16) -> Option<Date> {
        let on = |month, day| Date::new(year, month, day).ok();
        match rule {
            Rule::On(month, day) => on(month, day),
            Rule::Since(since, month, day) => on(month, day).filter(|_| year >= since),
            Rule::Easter(after) => Some(shifted(easter(self.church, year)?, i32::from(after))),
            Rule::Nth(n, weekday, month) => Some(from(weekday, on(month, 1 + 7 * (n - 1))?)),
            Rule::Last(weekday, month) => Some(from(weekday, shifted(last_of(year, month)?, -6))),
            Rule::From(weekday, month, day) => Some(from(weekday, on(month, day)?)),
            Rule::BeforeSunday(month, day) => {
                let date = on(month, day)?;
                Some(if date.weekday() == Weekday::Sunday { shifted(date, -1) } else { date })
            }
            Rule::OrMonday(month, day) => {
                let date = on(month, day)?;
                Some(if is_weekend(date) { from(Weekday::Monday, date) } else { date })
            }
            Rule::SaintBrigid => {
                let first = on(2, 1)?;
                Some(if first.weekday() == Weekday::Friday { first } else { from(Weekday::Monday, first) })
            }
        }
    }
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The day so many days later, or earlier below zero.
pub(crate) fn shifted(date: Date, days: i32) -> Date {
    // Absent only beyond the years a date can have, which are far outside those accepted from input.
    date_from_days(days_since_epoch(date) + days).unwrap_or(LAST_DATE)
}

fn next(date: Date) -> Date {
    shifted(date, 1)
}

fn from(weekday: Weekday, date: Date) -> Date {
    let mut at = date;
    while at.weekday() != weekday {
        at = next(at);
    }
    at
}

fn last_of(year: i16, month: i8) -> Option<Date> {
    let first_of_next = if month == 12 { Date::new(year + 1, 1, 1) } else { Date::new(year, month + 1, 1) };
    Some(shifted(first_of_next.ok()?, -1))
}

/// Easter Sunday, as a date of the Gregorian calendar.
///
/// Source: J. Meeus, "Astronomical Algorithms", 2nd edition, chapter 8: the Gregorian and the Julian method.
fn easter(church: Church, year: i16) -> Option<Date> {
    let year_number = i32::from(year);
    let (month, day, from_julian) = match church {
        Church::Western => {
            let golden = year_number % 19;
            let (century, of_century) = (year_number / 100, year_number % 100);
            let correction = (century - (century + 8) / 25 + 1) / 3;
            let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
            let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
            let late = (golden + 11 * epact + 22 * weekday) / 451;
            let sum = epact + weekday - 7 * late + 114;
            (sum / 31, sum % 31 + 1, 0)
        }
        Church::Orthodox => {
            let full_moon = (19 * (year_number % 19) + 15) % 30;
            let weekday = (2 * (year_number % 4) + 4 * (year_number % 7) - full_moon + 34) % 7;
            let sum = full_moon + weekday + 114;
            // The Julian calendar is so many days behind.
            (sum / 31, sum % 31 + 1, year_number / 100 - year_number / 400 - 2)
        }
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(shifted(date, from_julian))
}

#[cfg(test)]
mod tests;
