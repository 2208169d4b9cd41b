//! Query and path parameters, pages and cursors.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{Uri, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::id::{Channel, Sku};
use serde::{Serialize, de::DeserializeOwned};

use super::{check::Checks, problem::Problem};

/// Things on a page unless asked otherwise.
pub(crate) const LIMIT_DEFAULT: i64 = 50;
/// Most things on a page.
pub(crate) const LIMIT_MAX: i64 = 500;

/// The query parameters of a request. Each is taken by name; [`Params::finish`] refuses what nobody took.
///
/// One without a value counts as not given: forms and scripts send them so.
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    /// Where a handler notes what else is wrong with them.
    pub(crate) checks: Checks,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

impl Params {
    /// The parameters of an address.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::field("query", "malformed", error.body_text()))?;
        Ok(Self { pairs, known: Vec::new(), checks: Checks::default() })
    }

    /// Every value of a parameter.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.pairs
            .iter_mut()
            .filter(|(given, value)| given == name && !value.is_empty())
            .map(|(_, value)| std::mem::take(value))
            .collect()
    }

    /// The value of a parameter that may stand once.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.checks.wrong(format_args!("{name}"), "duplicate", "may stand only once");
        }
        values.pop()
    }

    /// A whole number within bounds.
    pub(crate) fn number(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(number) => Some(self.checks.number(format_args!("{name}"), number, min, max)),
            Err(_) => {
                let detail = format!("not a whole number from {min} to {max}");
                self.checks.wrong(format_args!("{name}"), "out_of_range", detail);
                None
            }
        }
    }

    /// `true` or `false`; false where it is not given.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.checks.wrong(format_args!("{name}"), "unknown_value", "neither true nor false");
                false
            }
        }
    }

    /// One of some words.
    pub(crate) fn word(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            self.checks.wrong(
                format_args!("{name}"),
                "unknown_value",
                format!("not one of {}", words.join(", ")),
            );
        }
        found
    }

    /// A SKU.
    pub(crate) fn sku(&mut self, name: &'static str) -> Option<Sku> {
        let text = self.text(name)?;
        Some(self.checks.sku(format_args!("{name}"), &text))
    }

    /// A channel; the default one where none is named.
    pub(crate) fn channel(&mut self) -> Channel {
        let text = self.text("channel");
        self.checks.channel(format_args!("channel"), text.as_deref())
    }

    /// How many things to a page. A script that sends none by mistake would take one page for all there is: blank is wrong.
    pub(crate) fn limit(&mut self) -> usize {
        if self.pairs.iter().any(|(name, value)| name == "limit" && value.is_empty()) {
            self.checks.wrong(format_args!("limit"), "out_of_range", "blank: a number, or nothing at all");
        }
        usize::try_from(self.number("limit", 1, LIMIT_MAX).unwrap_or(LIMIT_DEFAULT)).unwrap_or(1)
    }

    /// Where the page begins, as an earlier page's `next_cursor` said.
    pub(crate) fn cursor<T: Cursor>(&mut self) -> Option<T> {
        let text = self.text("cursor")?;
        let read = URL_SAFE_NO_PAD
            .decode(&text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| T::read(&text));
        if read.is_none() {
            self.checks.wrong(format_args!("cursor"), "cursor", "not a next_cursor of this list");
        }
        read
    }

    /// Refuses what is wrong, and what nobody asked for, by name.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in &self.pairs {
            if !self.known.contains(&name.as_str()) {
                let detail = format!("there is no such parameter here; there are: {}", self.known.join(", "));
                self.checks.wrong(format_args!("{name}"), "unknown_parameter", detail);
            }
        }
        self.checks.finish(())
    }
}

/// Where a page begins. What it says is nobody's business but the list's.
pub(crate) trait Cursor: Sized {
    /// Writes it.
    fn write(&self) -> String;
    /// Reads what was written; `None` for anything else.
    fn read(text: &str) -> Option<Self>;
}

impl Cursor for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

macro_rules! text_cursor {
    ($($id:ty),*) => {
        $(impl Cursor for $id {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })*
    };
}

text_cursor!(
    Sku,
    Channel,
    model::id::LocationId,
    model::id::OrderId,
    model::id::SupplyId,
    model::id::WaitId,
    i64
);

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page, and where the next one begins.
    pub(crate) fn new(items: Vec<T>, next: Option<&impl Cursor>) -> Self {
        Self { items, next_cursor: next.map(cursor) }
    }

    /// A page of what was read with one more than the limit, which says that there is a next page.
    pub(crate) fn cut<C: Cursor>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self::new(items, next.as_ref())
    }
}

/// How many things stand on earlier pages of a list that is sorted anew for each page.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offset(pub(crate) usize);

impl Offset {
    /// Where the page after this one begins; `None`: this is the last.
    pub(crate) fn next(self, limit: usize, all: usize) -> Option<Self> {
        let next = self.0.saturating_add(limit);
        (all > next).then_some(Self(next))
    }
}

impl Cursor for Offset {
    fn write(&self) -> String {
        self.0.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Where the next page begins, as a client sends it back.
pub(crate) fn cursor(next: &impl Cursor) -> String {
    URL_SAFE_NO_PAD.encode(next.write())
}

/// The variable parts of a path, as text.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = <Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        path.map(|Path(segments)| Self(segments))
            .map_err(|error| Problem::field("path", "malformed", error.body_text()))
    }
}
