//! Importing: tables people bring become commands, on the page and by `shipwhen import`.
//!
//! One file a kind of table says what its rows mean; this one reads, sends, counts and reports. A row is imported when the
//! engine has made its commands durable; it is skipped when there was nothing to do, as in a file taken in twice.

mod deeds;
mod items;
mod online_retail;
mod orders;
mod session;
mod stock;
mod supplies;

use std::{io::Read, ops::Deref};

use connect::tables::{self, Currency, Kind, OpenError};
use engine::{Engine, Failure};
use ledger::{StoreError, Tenant};
use model::{id::LocationId, time::Timestamp};
use serde::Serialize;
use uuid::Uuid;

pub use deeds::{DEEDS_MAX, Deed};
use session::Session;
pub use session::owed_reference;

/// Most row errors kept; all are counted.
const ERRORS_KEPT_MAX: usize = 10_000;

/// One bad row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its number as a spreadsheet shows it: the header is row 1.
    pub row: u64,
    /// What kind of mistake, stable.
    pub code: String,
    /// The column, where one is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong, for a person.
    pub detail: String,
}

/// What an import came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows that went in.
    pub imported: u64,
    /// Rows with nothing to do: there already, or no goods.
    pub skipped: u64,
    /// Rows that did not go in: the first ten thousand of them.
    pub errors: Vec<BadRow>,
    /// All rows that did not go in.
    pub errors_total: u64,
    /// What a person should know about the file as a whole.
    pub notes: Vec<String>,
    /// True where nothing was changed.
    pub dry_run: bool,
    /// What it did, where that was to be noted: the first [`DEEDS_MAX`] things, in their order.
    #[serde(skip)]
    pub deeds: Vec<Deed>,
    /// Whether it did more than is noted.
    #[serde(skip)]
    pub did_more: bool,
}

impl Report {
    /// Counts a bad row.
    fn bad(&mut self, row: u64, code: &str, column: Option<&str>, detail: impl Into<String>) {
        self.errors_total += 1;
        if self.errors.len() < ERRORS_KEPT_MAX {
            let column = column.map(str::to_owned);
            self.errors.push(BadRow { row, code: code.to_owned(), column, detail: detail.into() });
        }
    }

    fn unread(&mut self, error: &tables::RowError) {
        self.bad(error.row, error.code, error.column, error.detail.clone());
    }
}

/// Why an import could not go on. What was taken in before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read as a table at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The engine gave no answer.
    #[error("the engine gave no answer")]
    Engine(#[from] Failure),
    /// Something that cannot be: what, in a few words.
    #[error("{0}")]
    Odd(String),
}

pub(crate) type Outcome<T> = Result<T, ImportError>;

/// Says what was missing, or what went wrong, in a few words.
trait OrSay<T> {
    fn or_say(self, what: &str) -> Outcome<T>;
}

impl<T> OrSay<T> for Option<T> {
    fn or_say(self, what: &str) -> Outcome<T> {
        self.ok_or_else(|| ImportError::Odd(what.to_owned()))
    }
}

impl<T, E: std::fmt::Display> OrSay<T> for Result<T, E> {
    fn or_say(self, what: &str) -> Outcome<T> {
        self.map_err(|error| ImportError::Odd(format!("{what}: {error}")))
    }
}

/// What an import works with.
pub struct Setup {
    /// Decides and keeps.
    pub engine: Box<dyn Deref<Target = Engine>>,
    /// Whose shop.
    pub tenant: Tenant,
    /// The currency of amounts that name none.
    pub currency: Currency,
    /// The moment.
    pub now: Timestamp,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Whether the report says what was done, thing by thing.
    pub notes_deeds: bool,
    /// Where stock without a location goes; the first there is unless given.
    pub location: Option<LocationId>,
    /// Makes ids of commands that nobody can guess.
    pub stamp: Box<dyn Fn(Timestamp) -> Uuid>,
    /// Told of each row that was read.
    pub on_row: Box<dyn FnMut()>,
}

/// Takes a table in. Blocks.
///
/// Errors: the file is no such table, or the store or the engine failed. Bad rows are no error: the report names them.
pub fn take_in(setup: Setup, kind: Kind, source: impl Read + Send) -> Result<Report, ImportError> {
    let mut session = Session::start(setup)?;
    match kind {
        Kind::Skus => items::skus(&mut session, source)?,
        Kind::ShopifyProducts => items::shopify(&mut session, source)?,
        Kind::WoocommerceProducts => items::woocommerce(&mut session, source)?,
        Kind::Stock => stock::stock(&mut session, source)?,
        Kind::ShopifyInventory => stock::shopify(&mut session, source)?,
        Kind::Supplies => supplies::supplies(&mut session, source)?,
        Kind::Orders => orders::orders(&mut session, source)?,
        Kind::OnlineRetail => online_retail::replay(&mut session, source)?,
    }
    session.finish()
}
