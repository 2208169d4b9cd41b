//! What of an order is stored as one text: everything but its id, its columns and its contact.
//!
//! A JSON list, because names would be most of it: `[1, channel, group, country, placed_at, ship, requested_date,
//! not_later_than, lines]` with a line `[no, sku, quantity, price, recipe, cancelled, shipped, pegs, promises]`, a price
//! `[amount, currency]`, a part `[sku, quantity]`, a peg `[supply, quantity]` (with its SKU behind, where that is not the
//! line's) and a promise `[version, ship, deliver, given_at, told_at, cause]` with dates `[expected, promised]`. Pegs are sorted by supply. Instants are
//! microseconds and dates days since 1970, a supply's id 32 hexadecimal digits. The first number is the version of this form.
//!
//! Version 2: a line with units that are with fulfilment or were sent back has a tenth value, `[released, returned]`, with
//! released units `[release, supply, quantity]` in the order of their releases and returned ones `[sku, quantity]`. An order
//! without such a line is written as version 1.

use std::{borrow::Cow, sync::Arc};

use model::{
    Units,
    id::{Channel, OrderId, ReleaseId, Sku, SupplyId},
    item::Component,
    money::{Currency, Money},
    order::{Cause, Dates, Line, Order, Peg, Promise, ReleasedUnits, ShipChoice},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;

const VERSION: u8 = 1;
/// The version of an order of which some units are with fulfilment or were sent back.
const VERSION_SENT: u8 = 2;

/// The text as it is read.
#[derive(Deserialize)]
struct Body<'a>(
    u8,
    #[serde(borrow)] Cow<'a, str>,
    Option<Arc<str>>,
    Option<Arc<str>>,
    i64,
    &'a str,
    Option<i32>,
    Option<i32>,
    #[serde(borrow)] Vec<BodyLine<'a>>,
);

type Days = (Option<i32>, Option<i32>);

#[derive(Deserialize)]
struct BodyLine<'a>(
    u16,
    Sku,
    Units,
    #[serde(borrow)] Option<(i64, &'a str)>,
    Vec<(Sku, Units)>,
    Units,
    Units,
    Vec<BodyPeg>,
    Vec<BodyPromise>,
    #[serde(default)] Option<BodySent>,
);

/// What is with fulfilment, and what came back from the customer.
type BodySent = (Vec<(Hex, Hex, Units)>, Vec<(Sku, Units)>);

/// A SKU that is the line's is left out, so a peg is a list of two or three.
#[derive(Deserialize)]
struct BodyPeg(Hex, Units, #[serde(default)] Option<Sku>);

#[derive(Deserialize)]
struct BodyPromise(u32, Days, Days, i64, Option<i64>, Cause);

/// A supply's or a release's id as its bare digits.
struct Hex(Uuid);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 32];
        serializer.serialize_str(self.0.simple().encode_lower(&mut digits))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("not the digits of an id"))
    }
}

/// Pegs by their supply: however they came about, the same pegs are the same text.
fn sorted(pegs: &[Peg]) -> Vec<&Peg> {
    let mut sorted: Vec<&Peg> = pegs.iter().collect();
    sorted.sort_unstable_by_key(|peg| peg.supply);
    sorted
}

/// Whether units of a line are with fulfilment or were sent back.
fn is_sent(line: &Line) -> bool {
    !line.released.is_empty() || !line.returned.is_empty()
}

/// Writes an order's text to the end of a buffer. Errors: never in practice; a serialiser may fail.
///
/// Value by value and not as a [`Body`]: an order of many lines is written each time that one of them changes.
pub(crate) fn write(order: &Order, into: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut list = List::begin(into);
    list.add(if order.lines.iter().any(is_sent) { &VERSION_SENT } else { &VERSION })?;
    list.add(order.channel.as_str())?;
    list.add(&order.group)?;
    list.add(&order.country)?;
    list.add(&order.placed_at.as_microsecond())?;
    list.add(order.ship.as_str())?;
    list.add(&order.requested_date.map(days_since_epoch))?;
    list.add(&order.not_later_than.map(days_since_epoch))?;
    list.list(|lines| order.lines.iter().try_for_each(|line| lines.list(|list| write_line(line, list))))?;
    list.end();
    Ok(())
}

fn write_line(line: &Line, list: &mut List<'_>) -> Result<(), serde_json::Error> {
    list.add(&line.no)?;
    list.add(&line.sku)?;
    list.add(&line.quantity)?;
    list.add(&line.unit_price.as_ref().map(|price| (price.amount, price.currency.code())))?;
    list.list(|parts| line.recipe.iter().try_for_each(|part| parts.add(&(&part.sku, part.quantity))))?;
    list.add(&line.cancelled)?;
    list.add(&line.shipped)?;
    list.list(|pegs| {
        sorted(&line.pegs).into_iter().try_for_each(|peg| {
            pegs.list(|list| {
                list.add(&Hex(peg.supply.0))?;
                list.add(&peg.quantity)?;
                if peg.sku == line.sku { Ok(()) } else { list.add(&peg.sku) }
            })
        })
    })?;
    list.list(|promises| {
        line.promises.iter().try_for_each(|promise| promises.list(|list| write_promise(promise, list)))
    })?;
    if is_sent(line) { list.list(|sent| write_sent(line, sent)) } else { Ok(()) }
}

fn write_sent(line: &Line, sent: &mut List<'_>) -> Result<(), serde_json::Error> {
    let released = |units: &ReleasedUnits| (Hex(units.release.0), Hex(units.supply.0), units.quantity);
    sent.list(|list| line.released.iter().try_for_each(|units| list.add(&released(units))))?;
    sent.list(|list| line.returned.iter().try_for_each(|back| list.add(back)))
}

fn write_promise(promise: &Promise, list: &mut List<'_>) -> Result<(), serde_json::Error> {
    let days = |dates: Dates| (dates.expected.map(days_since_epoch), dates.promised.map(days_since_epoch));
    list.add(&promise.version)?;
    list.add(&days(promise.ship_by))?;
    list.add(&days(promise.deliver_by))?;
    list.add(&promise.given_at.as_microsecond())?;
    list.add(&promise.told_at.map(Timestamp::as_microsecond))?;
    list.add(&promise.cause)
}

/// A JSON list in the making.
struct List<'t> {
    text: &'t mut Vec<u8>,
    is_empty: bool,
}

impl<'t> List<'t> {
    fn begin(text: &'t mut Vec<u8>) -> Self {
        text.push(b'[');
        Self { text, is_empty: true }
    }

    fn next(&mut self) {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.text.push(b',');
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        self.next();
        serde_json::to_writer(&mut *self.text, value)
    }

    fn list(
        &mut self,
        fill: impl FnOnce(&mut List<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<(), serde_json::Error> {
        self.next();
        let mut list = List::begin(self.text);
        fill(&mut list)?;
        list.end();
        Ok(())
    }

    fn end(self) {
        self.text.push(b']');
    }
}

/// Reads an order's text; reference, customer and key are the caller's to add. Errors: the text is not in this form.
pub(crate) fn read(id: OrderId, text: &str) -> Result<Order, StoreError> {
    let wrong =
        |what: &dyn std::fmt::Display| StoreError::inconsistent(format_args!("{id}: its body {what}"));
    let body: Body<'_> =
        serde_json::from_str(text).map_err(|error| wrong(&format_args!("cannot be read: {error}")))?;
    let Body(version, channel, group, country, placed_at, ship, requested, latest, lines) = body;
    if ![VERSION, VERSION_SENT].contains(&version) {
        return Err(wrong(&format_args!("has the form {version}, which this version does not know")));
    }
    let instant =
        |at: i64| Timestamp::from_microsecond(at).map_err(|_| wrong(&"has an instant beyond all years"));
    let date = |at: Option<i32>| -> Result<Option<Date>, StoreError> {
        at.map(|at| date_from_days(at).ok_or_else(|| wrong(&"has a date beyond all years"))).transpose()
    };
    let dates = |(expected, promised): Days| -> Result<Dates, StoreError> {
        Ok(Dates { expected: date(expected)?, promised: date(promised)? })
    };
    let line = |line: BodyLine<'_>| -> Result<Line, StoreError> {
        let BodyLine(no, sku, quantity, price, recipe, cancelled, shipped, pegs, promises, sent) = line;
        let (released, returned) = sent.unwrap_or_default();
        let released = released.into_iter().map(|(release, supply, quantity)| ReleasedUnits {
            release: ReleaseId(release.0),
            supply: SupplyId(supply.0),
            quantity,
        });
        let unit_price = match price {
            None => None,
            Some((amount, code)) => Some(Money::new(
                amount,
                Currency::new(code).map_err(|_| wrong(&"has a price in no currency"))?,
            )),
        };
        let peg = |BodyPeg(Hex(id), quantity, of): BodyPeg| Peg {
            sku: of.unwrap_or_else(|| sku.clone()),
            supply: SupplyId(id),
            quantity,
        };
        let promise = |BodyPromise(version, ship, deliver, given, told, cause): BodyPromise| {
            Ok(Promise {
                version,
                ship_by: dates(ship)?,
                deliver_by: dates(deliver)?,
                given_at: instant(given)?,
                told_at: told.map(instant).transpose()?,
                cause,
            })
        };
        Ok(Line {
            no,
            quantity,
            unit_price,
            recipe: recipe.into_iter().map(|(sku, quantity)| Component { sku, quantity }).collect(),
            cancelled,
            shipped,
            pegs: pegs.into_iter().map(peg).collect(),
            released: released.collect(),
            returned,
            promises: promises.into_iter().map(promise).collect::<Result<_, StoreError>>()?,
            sku,
        })
    };
    Ok(Order {
        id,
        reference: None,
        channel: Channel::stored(&channel),
        customer: None,
        group,
        country,
        placed_at: instant(placed_at)?,
        ship: ShipChoice::parse(ship).ok_or_else(|| wrong(&"ships in no known way"))?,
        requested_date: date(requested)?,
        not_later_than: date(latest)?,
        placed_by: None,
        lines: lines.into_iter().map(line).collect::<Result<_, _>>()?,
    })
}
