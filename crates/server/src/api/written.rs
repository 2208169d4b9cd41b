//! How dates and lists of the model are written where many are written a second.
//!
//! The same text as the model's own, without the general formatting: that takes longer than all the rest of an answer.

use std::marker::PhantomData;

use model::{order::Dates, time::Date};
use serde::{Serialize, Serializer};

/// [`Dates`], written quickly.
#[derive(Serialize)]
pub(crate) struct DatesOut {
    expected: Option<Day>,
    promised: Option<Day>,
}

impl From<Dates> for DatesOut {
    fn from(dates: Dates) -> Self {
        Self { expected: dates.expected.map(Day), promised: dates.promised.map(Day) }
    }
}

/// A date, written digit by digit.
pub(crate) struct Day(pub(crate) Date);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let year = self.0.year().unsigned_abs();
        let (month, day) = (self.0.month().unsigned_abs(), self.0.day().unsigned_abs());
        // Years beyond four digits do not pass any check of a date.
        let digit = |number: u16| b'0' + u8::try_from(number % 10).unwrap_or(0);
        let two = |number: u8| [digit(u16::from(number / 10)), digit(u16::from(number))];
        let ([m1, m2], [d1, d2]) = (two(month), two(day));
        let text = [
            digit(year / 1_000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            m1,
            m2,
            b'-',
            d1,
            d2,
        ];
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A list, each item of which is written as another type that borrows from it.
pub(crate) struct Each<'a, T, Out>(&'a [T], PhantomData<Out>);

impl<'a, T, Out> Each<'a, T, Out> {
    pub(crate) fn of(items: &'a [T]) -> Self {
        Self(items, PhantomData)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a, T, Out: Serialize + From<&'a T>> Serialize for Each<'a, T, Out> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Out::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_ever() {
        for text in ["1970-01-01", "2026-12-09", "2026-11-30", "2199-12-31"] {
            let date: Date = text.parse().unwrap();
            assert_eq!(serde_json::to_string(&Day(date)).unwrap(), serde_json::to_string(&date).unwrap());
        }
    }
}
