//! The ledger.

use model::id::{OrderId, Sku};

use super::{Column, Step};
use crate::{Changes, StoreError, cells::micros, stored::given_with};

/// Rows of the ledger: an order and the promise given with it stand in one row with two numbers.
pub(super) struct Entries<'c> {
    rows: Vec<Entry<'c>>,
    /// The number of each event, in order.
    pub(super) seqs: Vec<i64>,
    /// The last of the ledger.
    pub(super) last: i64,
}

struct Entry<'c> {
    seq: i64,
    at: i64,
    kind: &'static str,
    sku: Option<&'c str>,
    order: Option<OrderId>,
    data: Text<'c>,
    promise: Option<Text<'c>>,
}

/// A text that is written down already, or now.
pub(super) type Text<'c> = std::borrow::Cow<'c, str>;

pub(super) fn text<'c, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    written: Option<&'c [u8]>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Text<'c>, StoreError> {
    const DOING: &str = "wrote rows down";
    match written {
        Some(text) => {
            std::str::from_utf8(text).map(Text::Borrowed).map_err(|error| StoreError::driver(DOING, error))
        }
        None => {
            let mut text = Vec::new();
            write(&mut text).map_err(|error| StoreError::driver(DOING, error))?;
            String::from_utf8(text).map(Text::Owned).map_err(|error| StoreError::driver(DOING, error))
        }
    }
}

impl<'c> Entries<'c> {
    pub(super) fn of(changes: &'c Changes, last: i64) -> Result<Self, StoreError> {
        let mut entries = Self { rows: Vec::with_capacity(changes.events.len()), seqs: Vec::new(), last };
        let mut rest = changes.events.as_slice();
        while let [(at, event), then @ ..] = rest {
            let nth = changes.events.len() - rest.len();
            let promise =
                then.first().and_then(|(then_at, then)| given_with(event, then).filter(|_| then_at == at));
            let seq = entries.last + 1;
            let promise = promise.map(|promise| {
                text(changes.texts.event(nth + 1), |text| serde_json::to_writer(text, promise))
            });
            entries.last = seq + i64::from(promise.is_some());
            entries.seqs.extend(seq..=entries.last);
            rest = &then[usize::from(promise.is_some())..];
            entries.rows.push(Entry {
                seq,
                at: micros(*at),
                kind: event.kind(),
                sku: event.sku().map(Sku::as_str),
                order: event.order(),
                data: text(changes.texts.event(nth), |text| event.write(text))?,
                promise: promise.transpose()?,
            });
        }
        Ok(entries)
    }

    pub(super) fn write<'s>(&'s self, steps: &mut Vec<Step<'s>>) {
        const SQL: &str = "INSERT INTO events (tenant, seq, at, kind, sku, order_id, data, promise) \
             SELECT $1, rows.seq, rows.at, rows.kind, rows.sku, rows.order_id, rows.data, rows.promise \
             FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[]) \
             AS rows (seq, at, kind, sku, order_id, data, promise)";
        if self.rows.is_empty() {
            return;
        }
        let columns = columns!(self.rows, |row| [
            row.seq,
            row.at,
            row.kind,
            row.sku,
            row.order.as_ref().map(|order| order.bytes().as_slice()),
            &*row.data,
            row.promise.as_deref(),
        ]);
        steps.push(Step::new(SQL, columns));
    }
}
