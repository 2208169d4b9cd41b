//! Orders, each with its lines, pegs and promises in one text.

use std::collections::{BTreeMap, BTreeSet};

use model::{id::OrderId, order::Order};

use super::{
    Column, Step,
    entries::{Text, text},
    json,
};
use crate::{Changes, StoreError, body};

/// What of orders is written as text.
pub(super) struct Texts<'c> {
    placed: Vec<Text<'c>>,
    contacts: BTreeMap<OrderId, String>,
    changed: BTreeMap<OrderId, Text<'c>>,
}

impl<'c> Texts<'c> {
    pub(super) fn of(changes: &'c Changes) -> Result<Self, StoreError> {
        let placed = changes.orders.iter().enumerate();
        let placed =
            placed.map(|(nth, order)| text(changes.texts.order(nth), |text| body::write(order, text)));
        let contacts = changes.contacts.iter().map(|(order, contact)| Ok((*order, json(contact)?)));
        let changed = changes.changed.iter();
        let changed = changed
            .map(|changed| Ok((changed.order.id, text(None, |text| body::write(&changed.order, text))?)));
        Ok(Self {
            placed: placed.collect::<Result<_, StoreError>>()?,
            contacts: contacts.collect::<Result<_, StoreError>>()?,
            changed: changed.collect::<Result<_, StoreError>>()?,
        })
    }
}

pub(super) fn orders<'c>(
    steps: &mut Vec<Step<'c>>,
    changes: &'c Changes,
    texts: &'c Texts<'_>,
) -> Result<(), StoreError> {
    const ADD: &str = "INSERT INTO orders (tenant, order_id, reference, customer, placed_by, contact, body) \
         SELECT $1, rows.* FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[]) \
         AS rows";
    const CONTACT: &str = "UPDATE orders SET contact = $3 WHERE tenant = $1 AND order_id = $2";
    // Not an UPDATE with a join: each row is found by its key, whatever the planner knows of the table.
    const SET: &str = "INSERT INTO orders (tenant, order_id, body) SELECT $1, rows.order_id, rows.body \
         FROM unnest($2::bytea[], $3::text[]) AS rows (order_id, body) \
         ON CONFLICT (tenant, order_id) DO UPDATE SET body = excluded.body";
    if !changes.orders.is_empty() {
        let rows: Vec<(&Order, &Text<'_>)> =
            changes.orders.iter().map(|order| &**order).zip(&texts.placed).collect();
        let columns = columns!(rows, |row| [
            row.0.id.bytes().as_slice(),
            row.0.reference.as_deref(),
            row.0.customer.as_ref().map(|customer| customer.0.as_slice()),
            row.0.placed_by.as_deref(),
            texts.contacts.get(&row.0.id).map(String::as_str),
            &**row.1,
        ]);
        steps.push(Step::new(ADD, columns));
    }
    let placed: BTreeSet<OrderId> = changes.orders.iter().map(|order| order.id).collect();
    let contacts = texts.contacts.iter().filter(|(order, _)| !placed.contains(order));
    steps.extend(
        contacts.map(|(order, contact)| Step::new(CONTACT, one![order.bytes().as_slice(), contact.as_str()])),
    );
    if !texts.changed.is_empty() {
        let rows: Vec<_> = texts.changed.iter().collect();
        let columns = columns!(rows, |row| [row.0.bytes().as_slice(), &**row.1]);
        steps.push(Step::new(SET, columns).must(rows.len()));
    }
    Ok(())
}
