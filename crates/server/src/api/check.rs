//! Checks of single values: every field of an input is held against these, and all that is wrong is named at once.

use std::{fmt, str::FromStr, sync::Arc};

use model::{
    Units,
    id::{Channel, IdError, LocationId, Sku},
    limits::{DAYS_MAX, LINE_UNITS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX},
    money::{Currency, MAX_AMOUNT, Money},
    refusal::FieldError,
    time::{Date, DateError, parse_date},
};

use super::{input::MoneyIn, problem::Problem};

/// Longest postcode, in characters.
const POSTCODE_CHARS_MAX: usize = 32;
/// Longest language tag, in characters.
const LOCALE_CHARS_MAX: usize = 35;
/// Longest customer group, tag or provider, in characters.
pub(crate) const LABEL_CHARS_MAX: usize = 64;

/// Where a value stands: a JSON pointer or a parameter's name, written out only when it is wrong.
pub(crate) type At<'a> = fmt::Arguments<'a>;

/// Collects what is wrong. A value that is wrong is answered with a stand-in, which [`Checks::finish`] keeps from
/// going anywhere.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    errors: Vec<FieldError>,
}

/// Longest address, in characters.
pub(crate) const ADDRESS_CHARS_MAX: usize = 500;

impl Checks {
    /// Passes a value on if everything was right.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        if self.errors.is_empty() { Ok(value) } else { Err(Problem::invalid(self.errors)) }
    }

    /// Notes something wrong.
    pub(crate) fn wrong(&mut self, at: At<'_>, code: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(at.to_string(), code, detail));
    }

    fn id<T>(&mut self, at: At<'_>, read: Result<T, IdError>, stand_in: impl FnOnce() -> T) -> T {
        read.unwrap_or_else(|error| {
            let code = match error {
                IdError::Empty(_) => "empty",
                IdError::TooLong { .. } => "too_long",
                IdError::Character { .. } => "character",
                IdError::Form { .. } => "form",
            };
            self.wrong(at, code, error.to_string());
            stand_in()
        })
    }

    /// A SKU.
    pub(crate) fn sku(&mut self, at: At<'_>, text: &str) -> Sku {
        self.id(at, Sku::new(text), || Sku::stored(""))
    }

    /// A location's name.
    pub(crate) fn location(&mut self, at: At<'_>, text: &str) -> LocationId {
        self.id(at, LocationId::new(text), || LocationId::stored(""))
    }

    /// A channel; the default one where none is named.
    pub(crate) fn channel(&mut self, at: At<'_>, text: Option<&str>) -> Channel {
        match text {
            Some(text) => self.id(at, Channel::new(text), Channel::default),
            None => Channel::default(),
        }
    }

    /// An id with a prefix, such as a hold's.
    pub(crate) fn parsed<T: FromStr<Err = IdError>>(&mut self, at: At<'_>, text: &str) -> Option<T> {
        self.id(at, text.parse().map(Some), || None)
    }

    /// A text of at most so many characters, none of them a control character; blank is none.
    pub(crate) fn text(&mut self, at: At<'_>, text: Option<&str>, max: usize) -> Option<Arc<str>> {
        let text = text?.trim();
        if text.is_empty() {
            return None;
        }
        // A byte is at least a character, so the cheap test comes first.
        if text.len() > max && text.chars().count() > max {
            self.wrong(at, "too_long", format!("longer than {max} characters"));
            return None;
        }
        if let Some(character) = text.chars().find(|c| c.is_control()) {
            self.wrong(at, "character", format!("must not contain the control character {character:?}"));
            return None;
        }
        Some(Arc::from(text))
    }

    /// An address: a few lines; each without blanks around it.
    pub(crate) fn lines(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        let lines: Vec<&str> = text?.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // Checked with a space where a line ends, as a text has no control characters.
        self.text(at, Some(&lines.join(" ")), ADDRESS_CHARS_MAX)?;
        Some(lines.join("\n").into())
    }

    /// A name: a reference, a supplier, a person.
    pub(crate) fn name(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        self.text(at, text, NAME_CHARS_MAX)
    }

    /// A free text: a note, a reason.
    pub(crate) fn note(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        self.text(at, text, TEXT_CHARS_MAX)
    }

    /// A label: a group, a tag.
    pub(crate) fn label(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        self.text(at, text, LABEL_CHARS_MAX)
    }

    /// Labels, none of them blank or twice.
    pub(crate) fn labels(&mut self, at: &str, texts: &[String], max: usize) -> Vec<Arc<str>> {
        if texts.len() > max {
            self.wrong(format_args!("{at}"), "too_many", format!("at most {max}"));
            return Vec::new();
        }
        let mut labels: Vec<Arc<str>> = Vec::with_capacity(texts.len());
        for (n, text) in texts.iter().enumerate() {
            match self.label(format_args!("{at}/{n}"), Some(text)) {
                Some(label) if labels.contains(&label) => {
                    self.wrong(format_args!("{at}/{n}"), "duplicate", "stands twice");
                }
                Some(label) => labels.push(label),
                None if text.trim().is_empty() => self.wrong(format_args!("{at}/{n}"), "empty", "is empty"),
                None => {}
            }
        }
        labels
    }

    /// A whole number within bounds, both included.
    pub(crate) fn number(&mut self, at: At<'_>, number: i64, min: i64, max: i64) -> i64 {
        if number < min || number > max {
            self.wrong(at, "out_of_range", format!("{number} is not from {min} to {max}"));
            return min;
        }
        number
    }

    /// The quantity of an order line.
    pub(crate) fn line_units(&mut self, at: At<'_>, units: i64) -> Units {
        self.number(at, units, 1, LINE_UNITS_MAX)
    }

    /// A count of days.
    pub(crate) fn days(&mut self, at: At<'_>, days: i64) -> u16 {
        u16::try_from(self.number(at, days, 0, i64::from(DAYS_MAX))).unwrap_or(0)
    }

    /// A date of the form `2026-12-01`.
    pub(crate) fn date(&mut self, at: At<'_>, text: &str) -> Option<Date> {
        match parse_date(text) {
            Ok(date) => Some(date),
            Err(error) => {
                let code = if matches!(error, DateError::OutOfRange(_)) { "out_of_range" } else { "date" };
                self.wrong(at, code, error.to_string());
                None
            }
        }
    }

    /// A date now given: null says that nobody knows any more, nothing leaves it as it is.
    pub(crate) fn new_date(&mut self, at: At<'_>, given: Option<&Option<String>>) -> Option<Option<Date>> {
        given.map(|given| given.as_deref().and_then(|text| self.date(at, text)))
    }

    /// A price: not below zero.
    pub(crate) fn money(&mut self, at: &str, money: &MoneyIn) -> Option<Money> {
        let amount = self.number(format_args!("{at}/amount"), money.amount, 0, MAX_AMOUNT);
        match Currency::new(&money.currency) {
            Ok(currency) => Some(Money::new(amount, currency)),
            Err(error) => {
                self.wrong(format_args!("{at}/currency"), "currency", error.to_string());
                None
            }
        }
    }

    /// A country: two letters in any case; blank is none.
    pub(crate) fn country(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Some(text.to_ascii_uppercase().into());
        }
        self.wrong(at, "country", "not a country code of two letters, such as US");
        None
    }

    /// An e-mail address: something on both sides of one `@`; blank is none. Whether it takes mail, only mail tells.
    pub(crate) fn email(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let halves = text.split_once('@');
        let sound = halves.is_some_and(|(user, host)| {
            !user.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        });
        if !sound || text.chars().count() > NAME_CHARS_MAX {
            self.wrong(at, "email", "not an e-mail address such as ada@example.com");
            return None;
        }
        Some(Arc::from(text))
    }

    /// A postcode.
    pub(crate) fn postcode(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        self.text(at, text, POSTCODE_CHARS_MAX)
    }

    /// A language tag such as `de-AT`.
    pub(crate) fn locale(&mut self, at: At<'_>, text: Option<&str>) -> Option<Arc<str>> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let sound = text.len() <= LOCALE_CHARS_MAX
            && text
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !sound {
            self.wrong(at, "locale", "not a language tag such as de-AT");
            return None;
        }
        Some(Arc::from(text))
    }
}
