//! Locations, pools with their policies, and supplies.

use model::id::{Channel, Sku};

use super::{Column, Step, json, last};
use crate::{
    Changes, StoreError,
    cells::{days, micros},
};

pub(super) fn pools(steps: &mut Vec<Step<'_>>, changes: &Changes) -> Result<(), StoreError> {
    const ADD: &str = "INSERT INTO pools (tenant, sku, settling, item, version) \
         SELECT $1, rows.sku, rows.settling, rows.item, 1 \
         FROM unnest($2::text[], $3::bigint[], $4::text[]) AS rows (sku, settling, item) ON CONFLICT DO NOTHING";
    // Not an UPDATE with a join: each row is found by its key, whatever the planner knows of the table.
    const SET: &str = "INSERT INTO pools (tenant, sku, settling, item, version) \
         SELECT $1, rows.sku, rows.settling, rows.item, rows.version + 1 \
         FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS rows (sku, settling, item, version) \
         ON CONFLICT (tenant, sku) DO UPDATE SET settling = excluded.settling, item = excluded.item, \
         version = excluded.version WHERE pools.version = excluded.version - 1";
    let all = last(changes.pools.iter().map(|(item, version, settling)| {
        (item.sku.as_str(), (item, i64::try_from(*version).unwrap_or(i64::MAX), i64::from(*settling)))
    }));
    let mut rows = Vec::with_capacity(all.len());
    for (sku, (item, version, settling)) in all {
        rows.push((sku.to_owned(), settling, json(item)?, version));
    }
    let (add, set): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(.., version)| *version == 0);
    if !add.is_empty() {
        let columns = columns!(add, |row| [row.0.clone(), row.1, row.2.clone()]);
        steps.push(Step::new(ADD, columns).must(add.len()));
    }
    if !set.is_empty() {
        let columns = columns!(set, |row| [row.0.clone(), row.1, row.2.clone(), row.3]);
        steps.push(Step::new(SET, columns).must(set.len()));
    }
    Ok(())
}

pub(super) fn settings(steps: &mut Vec<Step<'_>>, changes: &Changes) -> Result<(), StoreError> {
    const LOCATION: &str = "INSERT INTO locations (tenant, location, settings) \
         SELECT $1, rows.location, rows.settings FROM unnest($2::text[], $3::text[]) AS rows (location, settings) \
         ON CONFLICT (tenant, location) DO UPDATE SET settings = excluded.settings";
    const POLICY: &str = "INSERT INTO policies (tenant, sku, channel, policy) \
         SELECT $1, rows.sku, rows.channel, rows.policy \
         FROM unnest($2::text[], $3::text[], $4::text[]) AS rows (sku, channel, policy) \
         ON CONFLICT (tenant, sku, channel) DO UPDATE SET policy = excluded.policy";
    if !changes.locations.is_empty() {
        let rows = last(changes.locations.iter().map(|(id, settings)| (id.as_str(), settings)));
        let mut written = Vec::with_capacity(rows.len());
        for (id, settings) in rows {
            written.push((id.to_owned(), json(settings)?));
        }
        steps.push(Step::new(LOCATION, columns!(written, |row| [row.0.clone(), row.1.clone()])));
    }
    if !changes.policies.is_empty() {
        let of = |(sku, channel, policy)| ((Sku::as_str(sku), Channel::as_str(channel)), policy);
        let rows = last(changes.policies.iter().map(|(sku, channel, policy)| of((sku, channel, policy))));
        let mut written = Vec::with_capacity(rows.len());
        for ((sku, channel), policy) in rows {
            written.push((sku.to_owned(), channel.to_owned(), json(policy)?));
        }
        let columns = columns!(written, |row| [row.0.clone(), row.1.clone(), row.2.clone()]);
        steps.push(Step::new(POLICY, columns));
    }
    Ok(())
}

pub(super) fn supplies<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) -> Result<(), StoreError> {
    // A supply's SKU never changes.
    const SQL: &str = "INSERT INTO supplies (tenant, supply_id, sku, location, kind, state, quantity, expected_on, \
         late_expected_days, late_promised_days, late_learned_from, supplier, reference, created_at, received_at, \
         claims, ring_fenced) SELECT $1, rows.* FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], \
         $14::bigint[], $15::bigint[], $16::text[], $17::text[]) AS rows \
         ON CONFLICT (tenant, supply_id) DO UPDATE SET location = excluded.location, kind = excluded.kind, \
         state = excluded.state, created_at = excluded.created_at, quantity = excluded.quantity, \
         expected_on = excluded.expected_on, late_expected_days = excluded.late_expected_days, \
         late_promised_days = excluded.late_promised_days, late_learned_from = excluded.late_learned_from, \
         supplier = excluded.supplier, reference = excluded.reference, received_at = excluded.received_at, \
         claims = excluded.claims, ring_fenced = excluded.ring_fenced";
    if changes.supplies.is_empty() {
        return Ok(());
    }
    let rows = last(changes.supplies.iter().map(|supply| (supply.id, supply)));
    let mut written = Vec::with_capacity(rows.len());
    for supply in rows.into_values() {
        written.push((supply, json(&supply.claims)?, json(&supply.ring_fenced)?));
    }
    let columns = columns!(written, |row| [
        row.0.id.bytes().as_slice(),
        row.0.sku.as_str(),
        row.0.location.as_str(),
        row.0.kind.as_str(),
        row.0.state.as_str(),
        row.0.quantity,
        days(row.0.expected_on),
        i64::from(row.0.lateness.expected_days),
        i64::from(row.0.lateness.promised_days),
        i64::from(row.0.lateness.learned_from),
        row.0.supplier.as_deref(),
        row.0.reference.as_deref(),
        micros(row.0.created_at),
        row.0.received_at.map(micros),
        row.1.clone(),
        row.2.clone(),
    ]);
    steps.push(Step::new(SQL, columns));
    Ok(())
}
