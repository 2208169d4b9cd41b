//! Writing what one commit holds: a statement a table, its rows as lists, all sent one behind the other.

use std::collections::BTreeMap;

use model::{
    id::{OrderId, Sku, TenantId},
    order::{Line, Order},
};
use serde::Serialize;
use tokio_postgres::types::ToSql;

use super::{
    cells::each,
    conn::Conn,
    driver::{Call, Param},
    head::{Head, Heads, VERSIONS_KEPT},
    records,
};
use crate::{
    ApiKey, Changes, Kept, Shelf, StoreError, Tenant, body,
    cells::{ReadCells, at_most, days, micros, wanted_on},
    key,
    stored::{given_with, timer_key},
};

const DOING: &str = "wrote a batch";
/// How often changes that are too old are dropped, in versions.
const SWEEP: i64 = 256;

/// A list of one column's values.
type Column<'c> = Box<dyn ToSql + Sync + 'c>;

/// A statement with its columns, and how many rows it must change (`None`: any number).
struct Step<'c> {
    sql: String,
    columns: Vec<Column<'c>>,
    must: Option<u64>,
}

impl<'c> Step<'c> {
    fn new(sql: impl Into<String>, columns: Vec<Column<'c>>) -> Self {
        Self { sql: sql.into(), columns, must: None }
    }

    fn must(self, rows: usize) -> Self {
        Self { must: u64::try_from(rows).ok(), ..self }
    }
}

/// Makes columns of rows: one list for each value of a row.
macro_rules! columns {
    ($rows:expr, |$row:pat_param| [$($value:expr),+ $(,)?]) => {
        vec![$( Box::new($rows.iter().map(|$row| $value).collect::<Vec<_>>()) as Column<'_> ),+]
    };
}

/// Writes everything; answers the version that made of the tenant, `None` where there was nothing to write. Errors:
/// `Conflict` where the tenant, or a pool, is not as this writer knows it.
pub(super) fn changes(
    conn: &mut Conn,
    heads: &mut Heads,
    tenant: &TenantId,
    changes: &Changes,
    batch: &[u8; 16],
) -> Result<Option<i64>, StoreError> {
    if is_nothing(changes) {
        heads.hold_against(conn, tenant)?;
        return Ok(None);
    }
    let before = heads.for_writing(conn, tenant)?;
    let entries = Entries::of(changes, before.last_event)?;
    let replays = i64::try_from(changes.replays.len()).unwrap_or(i64::MAX);
    let head = Head {
        version: before.version + 1,
        last_event: entries.last,
        last_replay: before.last_replay.saturating_add(replays),
    };
    let texts = Texts::of(changes)?;
    let mut steps = head_steps(changes, before, head, batch)?;
    pools(&mut steps, changes)?;
    entries.write(&mut steps);
    settings(&mut steps, changes)?;
    supplies(&mut steps, changes)?;
    orders(&mut steps, changes, &texts)?;
    places(&mut steps, changes);
    shelves(&mut steps, changes)?;
    answers(&mut steps, changes, before.last_replay, &entries)?;
    let name = tenant.as_str();
    let calls: Vec<Call<'_>> = steps
        .iter()
        .map(|step| {
            let mut params: Vec<Param<'_>> = vec![&name];
            params.extend(step.columns.iter().map(|column| &**column as Param<'_>));
            Call::new(&step.sql, params)
        })
        .collect();
    let counts = conn.tell(DOING, &calls)?;
    let fits = |(step, count): (&Step<'_>, &u64)| step.must.is_none_or(|must| must == *count);
    if !steps.iter().zip(&counts).all(fits) {
        conn.break_off();
        return Err(StoreError::Conflict);
    }
    heads.wrote(tenant, head);
    Ok(Some(head.version))
}

fn is_nothing(changes: &Changes) -> bool {
    let Changes { events, locations, pools, policies, supplies, orders, changed, contacts, .. } = changes;
    let Changes { holds, holds_gone, timers, timers_gone, work, work_gone, records, private, .. } = changes;
    events.is_empty()
        && locations.is_empty()
        && pools.is_empty()
        && policies.is_empty()
        && supplies.is_empty()
        && orders.is_empty()
        && changed.is_empty()
        && contacts.is_empty()
        && holds.is_empty()
        && holds_gone.is_empty()
        && timers.is_empty()
        && timers_gone.is_empty()
        && work.is_empty()
        && work_gone.is_empty()
        && records.is_empty()
        && private.is_empty()
        && changes.replays.is_empty()
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::driver("wrote rows down", error))
}

/// The rows of which one key stands once, as the last says: one statement may not change a row twice.
fn last<K: Ord, V>(rows: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    rows.into_iter().collect()
}

/// First who wants to write at all: everything else waits behind it, or fails with it.
fn head_steps<'c>(
    changes: &'c Changes,
    before: Head,
    head: Head,
    batch: &'c [u8; 16],
) -> Result<Vec<Step<'c>>, StoreError> {
    const MOVE: &str = "UPDATE heads SET version = $2, last_event = $3, last_replay = $4 \
         WHERE tenant = $1 AND version = $5";
    const SAY: &str =
        "INSERT INTO changes (tenant, version, batch, pools, others) VALUES ($1, $2, $3, $4, $5)";
    const SWEPT: &str = "DELETE FROM changes WHERE tenant = $1 AND version <= $2";
    let pools: Vec<(&Sku, u64)> =
        last(changes.pools.iter().map(|(item, version, _)| (&item.sku, version + 1))).into_iter().collect();
    let others = !(changes.locations.is_empty()
        && changes.holds.is_empty()
        && changes.holds_gone.is_empty()
        && changes.records.is_empty()
        && changes.private.is_empty()
        && changes.work.is_empty()
        && changes.work_gone.is_empty());
    let mut steps = vec![
        Step::new(
            MOVE,
            vec![
                Box::new(head.version),
                Box::new(head.last_event),
                Box::new(head.last_replay),
                Box::new(before.version),
            ],
        )
        .must(1),
        Step::new(
            SAY,
            vec![
                Box::new(head.version),
                Box::new(batch.as_slice()),
                Box::new(json(&pools)?),
                Box::new(i64::from(others)),
            ],
        ),
    ];
    if head.version % SWEEP == 0 {
        steps.push(Step::new(SWEPT, vec![Box::new(head.version - VERSIONS_KEPT)]));
    }
    Ok(steps)
}

fn pools(steps: &mut Vec<Step<'_>>, changes: &Changes) -> Result<(), StoreError> {
    const ADD: &str = "INSERT INTO pools (tenant, sku, settling, item, version) \
         SELECT $1, rows.sku, rows.settling, rows.item, 1 \
         FROM unnest($2::text[], $3::bigint[], $4::text[]) AS rows (sku, settling, item) ON CONFLICT DO NOTHING";
    const SET: &str = "UPDATE pools SET settling = rows.settling, item = rows.item, version = pools.version + 1 \
         FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS rows (sku, settling, item, version) \
         WHERE pools.tenant = $1 AND pools.sku = rows.sku AND pools.version = rows.version";
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

/// Rows of the ledger: an order and the promise given with it stand in one row with two numbers.
struct Entries<'c> {
    rows: Vec<Entry<'c>>,
    /// The number of each event, in order.
    seqs: Vec<i64>,
    /// The last of the ledger.
    last: i64,
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
type Text<'c> = std::borrow::Cow<'c, str>;

fn text<'c, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
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
    fn of(changes: &'c Changes, last: i64) -> Result<Self, StoreError> {
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

    fn write<'s>(&'s self, steps: &mut Vec<Step<'s>>) {
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

fn settings(steps: &mut Vec<Step<'_>>, changes: &Changes) -> Result<(), StoreError> {
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
        let of = |(sku, channel, policy)| ((Sku::as_str(sku), model::id::Channel::as_str(channel)), policy);
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

fn supplies<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) -> Result<(), StoreError> {
    // A supply's SKU never changes.
    const SQL: &str = "INSERT INTO supplies (tenant, supply_id, sku, location, kind, state, quantity, expected_on, \
         late_expected_days, late_promised_days, late_learned_from, supplier, reference, created_at, received_at, \
         claims) SELECT $1, rows.* FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], \
         $14::bigint[], $15::bigint[], $16::text[]) AS rows \
         ON CONFLICT (tenant, supply_id) DO UPDATE SET location = excluded.location, kind = excluded.kind, \
         state = excluded.state, created_at = excluded.created_at, quantity = excluded.quantity, \
         expected_on = excluded.expected_on, late_expected_days = excluded.late_expected_days, \
         late_promised_days = excluded.late_promised_days, late_learned_from = excluded.late_learned_from, \
         supplier = excluded.supplier, reference = excluded.reference, received_at = excluded.received_at, \
         claims = excluded.claims";
    if changes.supplies.is_empty() {
        return Ok(());
    }
    let rows = last(changes.supplies.iter().map(|supply| (supply.id, supply)));
    let mut written = Vec::with_capacity(rows.len());
    for supply in rows.into_values() {
        written.push((supply, json(&supply.claims)?));
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
    ]);
    steps.push(Step::new(SQL, columns));
    Ok(())
}

/// What of orders is written as text.
struct Texts<'c> {
    placed: Vec<Text<'c>>,
    contacts: BTreeMap<OrderId, String>,
    changed: BTreeMap<OrderId, Text<'c>>,
}

impl<'c> Texts<'c> {
    fn of(changes: &'c Changes) -> Result<Self, StoreError> {
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

fn orders<'c>(
    steps: &mut Vec<Step<'c>>,
    changes: &'c Changes,
    texts: &'c Texts<'_>,
) -> Result<(), StoreError> {
    const ADD: &str = "INSERT INTO orders (tenant, order_id, reference, customer, placed_by, contact, body) \
         SELECT $1, rows.* FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[]) \
         AS rows";
    const CONTACT: &str = "UPDATE orders SET contact = rows.contact \
         FROM unnest($2::bytea[], $3::text[]) AS rows (order_id, contact) \
         WHERE orders.tenant = $1 AND orders.order_id = rows.order_id";
    const SET: &str = "UPDATE orders SET body = rows.body \
         FROM unnest($2::bytea[], $3::text[]) AS rows (order_id, body) \
         WHERE orders.tenant = $1 AND orders.order_id = rows.order_id";
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
    let placed: std::collections::BTreeSet<OrderId> = changes.orders.iter().map(|order| order.id).collect();
    let contacts: Vec<_> = texts.contacts.iter().filter(|(order, _)| !placed.contains(order)).collect();
    if !contacts.is_empty() {
        let columns = columns!(contacts, |row| [row.0.bytes().as_slice(), row.1.as_str()]);
        steps.push(Step::new(CONTACT, columns));
    }
    if !texts.changed.is_empty() {
        let rows: Vec<_> = texts.changed.iter().collect();
        let columns = columns!(rows, |row| [row.0.bytes().as_slice(), &**row.1]);
        steps.push(Step::new(SET, columns).must(rows.len()));
    }
    Ok(())
}

/// A peg's place in its supply's queue.
struct Place<'c> {
    supply: &'c [u8; 16],
    wanted_on: i64,
    order: &'c [u8; 16],
    line: &'c Line,
    quantity: i64,
    told: Option<i64>,
    released: i64,
}

fn places_of<'c>(order: &'c Order, line: &'c Line) -> impl Iterator<Item = Place<'c>> {
    let told = days(line.told().and_then(|told| told.ship_by.promised));
    line.pegs.iter().map(move |peg| Place {
        supply: peg.supply.bytes(),
        wanted_on: wanted_on(order.requested_date),
        order: order.id.bytes(),
        line,
        quantity: peg.quantity,
        told,
        released: line.released_on(peg.supply),
    })
}

/// Gives every peg its place in its supply's queue.
fn places<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) {
    const ADD: &str = "INSERT INTO queue (tenant, supply_id, wanted_on, order_id, line, quantity, sku, open, \
         unit_price, currency, told, released) \
         SELECT $1, rows.* FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], \
         $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[]) AS rows";
    const PUT: &str = " ON CONFLICT (tenant, supply_id, wanted_on, order_id, line) DO UPDATE SET \
         quantity = excluded.quantity, open = excluded.open, told = excluded.told, released = excluded.released";
    const DROP: &str = "DELETE FROM queue USING unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[]) \
         AS rows (supply_id, wanted_on, order_id, line) \
         WHERE queue.tenant = $1 AND queue.supply_id = rows.supply_id AND queue.wanted_on = rows.wanted_on \
         AND queue.order_id = rows.order_id AND queue.line = rows.line";
    let lines = changes.orders.iter().flat_map(|order| order.lines.iter().map(move |line| (&**order, line)));
    let placed: Vec<Place<'_>> = lines.flat_map(|(order, line)| places_of(order, line)).collect();
    if !placed.is_empty() {
        steps.push(Step::new(ADD, place_columns(&placed)));
    }
    let changed = changes.changed.iter().flat_map(|changed| {
        let lines = changed.lines.iter().filter_map(|no| changed.order.line(*no));
        lines.flat_map(|line| places_of(&changed.order, line))
    });
    let key = |place: &Place<'c>| (place.supply, place.wanted_on, place.order, place.line.no);
    let changed: Vec<Place<'_>> = last(changed.map(|place| (key(&place), place))).into_values().collect();
    if !changed.is_empty() {
        steps.push(Step::new([ADD, PUT].concat(), place_columns(&changed)));
    }
    let gone: Vec<_> = changes
        .changed
        .iter()
        .flat_map(|changed| {
            let order = &changed.order;
            let has = move |no, supply| {
                order.line(no).is_some_and(|line| line.pegs.iter().any(|peg| peg.supply == supply))
            };
            let gone = changed.pegs.iter().filter(move |(no, supply)| !has(*no, *supply));
            gone.map(move |(no, supply)| {
                (supply.bytes(), wanted_on(order.requested_date), order.id.bytes(), i64::from(*no))
            })
        })
        .collect();
    if !gone.is_empty() {
        let columns = columns!(gone, |row| [row.0.as_slice(), row.1, row.2.as_slice(), row.3]);
        steps.push(Step::new(DROP, columns));
    }
}

fn place_columns<'c>(places: &[Place<'c>]) -> Vec<Column<'c>> {
    columns!(places, |place| [
        place.supply.as_slice(),
        place.wanted_on,
        place.order.as_slice(),
        i64::from(place.line.no),
        place.quantity,
        place.line.sku.as_str(),
        place.line.open(),
        place.line.unit_price.map(|price| price.amount),
        place.line.unit_price.map(|price| price.currency.code().to_owned()),
        place.told,
        place.released,
    ])
}

/// Holds, timers, work and records: what comes and goes.
fn shelves<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) -> Result<(), StoreError> {
    const HOLD: &str = "INSERT INTO holds (tenant, hold_id, hold) SELECT $1, rows.hold_id, rows.hold \
         FROM unnest($2::bytea[], $3::text[]) AS rows (hold_id, hold) \
         ON CONFLICT (tenant, hold_id) DO UPDATE SET hold = excluded.hold";
    const HOLD_GONE: &str = "DELETE FROM holds WHERE tenant = $1 AND hold_id = ANY($2)";
    const TIMER: &str = "INSERT INTO timers (tenant, due_at, kind, id) \
         SELECT $1, rows.due_at, rows.kind, rows.id \
         FROM unnest($2::bigint[], $3::text[], $4::bytea[]) AS rows (due_at, kind, id) ON CONFLICT DO NOTHING";
    const TIMER_GONE: &str = "DELETE FROM timers USING unnest($2::bigint[], $3::text[], $4::bytea[]) \
         AS rows (due_at, kind, id) WHERE timers.tenant = $1 AND timers.due_at = rows.due_at \
         AND timers.kind = rows.kind AND timers.id = rows.id";
    const WORK: &str = "INSERT INTO work (tenant, id, kind, state) SELECT $1, rows.id, rows.kind, rows.state \
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS rows (id, kind, state) \
         ON CONFLICT (tenant, id) DO UPDATE SET kind = excluded.kind, state = excluded.state";
    const WORK_GONE: &str = "DELETE FROM work WHERE tenant = $1 AND id = ANY($2)";
    if !changes.holds.is_empty() {
        let mut rows = Vec::new();
        for hold in last(changes.holds.iter().map(|hold| (hold.id, hold))).into_values() {
            rows.push((hold, json(hold)?));
        }
        steps.push(Step::new(HOLD, columns!(rows, |row| [row.0.id.bytes().as_slice(), row.1.clone()])));
    }
    if !changes.holds_gone.is_empty() {
        steps.push(Step::new(HOLD_GONE, columns!(changes.holds_gone, |hold| [hold.bytes().as_slice()])));
    }
    for (timers, sql) in [(&changes.timers, TIMER), (&changes.timers_gone, TIMER_GONE)] {
        if !timers.is_empty() {
            let columns =
                columns!(timers, |row| [micros(row.0), timer_key(&row.1).0, timer_key(&row.1).1.as_slice()]);
            steps.push(Step::new(sql, columns));
        }
    }
    if !changes.work.is_empty() {
        let rows: Vec<_> = last(changes.work.iter().map(|work| (work.id, work))).into_values().collect();
        steps.push(Step::new(WORK, columns!(rows, |work| [work.id, &*work.kind, &*work.state])));
    }
    if !changes.work_gone.is_empty() {
        steps.push(Step::new(WORK_GONE, columns!(changes.work_gone, |id| [*id])));
    }
    shelf(steps, Shelf::Ledger, changes.records.iter().map(|record| &**record));
    shelf(steps, Shelf::Private, changes.private.iter());
    Ok(())
}

fn shelf<'c>(steps: &mut Vec<Step<'c>>, shelf: Shelf, rows: impl Iterator<Item = &'c model::record::Record>) {
    let table = records::table(shelf);
    let rows = last(rows.map(|record| ((&*record.kind, &*record.id), record)));
    let (put, gone): (Vec<_>, Vec<_>) = rows.into_values().partition(|record| record.body.is_some());
    if !put.is_empty() {
        let sql = format!(
            "INSERT INTO {table} (tenant, kind, id, owner, state, due, body) SELECT $1, rows.* \
             FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) AS rows \
             ON CONFLICT (tenant, kind, id) DO UPDATE SET owner = excluded.owner, state = excluded.state, \
             due = excluded.due, body = excluded.body"
        );
        let columns = columns!(put, |record| [
            &*record.kind,
            &*record.id,
            &*record.owner,
            &*record.state,
            record.due.map(micros),
            record.body.as_ref().map(model::record::Json::as_str),
        ]);
        steps.push(Step::new(sql, columns));
    }
    if !gone.is_empty() {
        let sql = format!(
            "DELETE FROM {table} USING unnest($2::text[], $3::text[]) AS rows (kind, id) \
             WHERE {table}.tenant = $1 AND {table}.kind = rows.kind AND {table}.id = rows.id"
        );
        steps.push(Step::new(sql, columns!(gone, |record| [&*record.kind, &*record.id])));
    }
}

fn answers<'c>(
    steps: &mut Vec<Step<'c>>,
    changes: &'c Changes,
    last: i64,
    entries: &Entries<'_>,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO replays (tenant, seq, day, lasting, key, request, answer, placed) \
         SELECT $1, rows.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], \
         $7::text[], $8::bigint[]) AS rows";
    if changes.replays.is_empty() {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(changes.replays.len());
    for (seq, replay) in (last + 1..).zip(&changes.replays) {
        let (text, placed) = match &replay.kept {
            Kept::Text(text) => (Some(&**text), None),
            Kept::Placed(event) => {
                let entry = usize::try_from(*event).ok().and_then(|event| entries.seqs.get(event));
                (None, Some(*entry.ok_or_else(|| StoreError::inconsistent("an answer names no event"))?))
            }
        };
        rows.push((seq, replay, key::digest(&replay.key).to_vec(), text, placed));
    }
    let columns = columns!(rows, |row| [
        row.0,
        i64::from(row.1.day),
        i64::from(row.1.lasting),
        row.2.clone(),
        row.1.request.as_slice(),
        row.3,
        row.4,
    ]);
    steps.push(Step::new(SQL, columns));
    Ok(())
}

pub(super) fn create_tenant(conn: &mut Conn, tenant: &Tenant) -> Result<(), StoreError> {
    const TENANT: &str =
        "INSERT INTO tenants (tenant, created_at, salt) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    const HEAD: &str = "INSERT INTO heads (tenant, version, last_event, last_replay) VALUES ($1, 0, 0, 0) \
         ON CONFLICT DO NOTHING";
    let (name, at) = (tenant.id.as_str(), micros(tenant.created_at));
    let salt = tenant.salt.as_slice();
    let counts = conn.tell(
        "made a tenant",
        &[Call::new(TENANT, [&name as _, &at as _, &salt as _]), Call::new(HEAD, [&name as _])],
    )?;
    if counts.first() == Some(&1) {
        return Ok(());
    }
    conn.break_off();
    Err(StoreError::Conflict)
}

pub(super) fn create_key(conn: &mut Conn, key: &ApiKey) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO api_keys (tenant, hash, name, publishable, scopes, created_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, hash) DO UPDATE SET name = excluded.name, \
         publishable = excluded.publishable, scopes = excluded.scopes, created_at = excluded.created_at, \
         revoked_at = excluded.revoked_at";
    conn.change(
        "stored a key",
        SQL,
        [
            &key.tenant.as_str() as _,
            &key.hash.as_slice() as _,
            &&*key.name as _,
            &i64::from(key.publishable) as _,
            &json(&key.scopes)? as _,
            &micros(key.created_at) as _,
            &key.revoked_at.map(micros) as _,
        ],
    )
    .map(drop)
}

/// Forgets old answers, the oldest first: no further than to the first that is not old, for days go on with the numbers.
pub(super) fn forget_replays(
    conn: &mut Conn,
    tenant: &TenantId,
    before_day: i32,
    (after, limit): (i64, usize),
) -> Result<(usize, Option<i64>), StoreError> {
    const DOING: &str = "forgot answers";
    const DAYS: &str =
        "SELECT seq, day, lasting FROM replays WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    const DROP: &str = "DELETE FROM replays WHERE tenant = $1 AND seq = ANY($2)";
    let name = tenant.as_str();
    let rows = conn.rows(DOING, DAYS, [&name as _, &after as _, &at_most(limit) as _])?;
    let found: Vec<(i64, i32, bool)> =
        each(&rows, |cells| Ok((cells.int(0)?, cells.int(1)?, cells.flag(2)?)))?;
    let old = found.iter().take_while(|(_, day, lasting)| *lasting || *day < before_day);
    let old: Vec<_> = old.collect();
    let gone: Vec<i64> = old.iter().filter(|(.., lasting)| !lasting).map(|(seq, ..)| *seq).collect();
    if !gone.is_empty() {
        conn.change(DOING, DROP, [&name as _, &gone as _])?;
    }
    let next = old.last().filter(|_| old.len() == limit);
    Ok((old.len(), next.map(|(seq, ..)| *seq)))
}
