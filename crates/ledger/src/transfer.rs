//! Copying a whole store into another one, of whatever engine, row by row as they are stored.
//!
//! Both engines have the same tables, so what is copied are rows: nothing has to be understood for it. Source and copy are
//! read side by side in the order of their keys; what is missing or otherwise is put, what is not in the source goes. So a
//! copy that was interrupted goes on where it stopped, however it was, and one that is done changes nothing.

use std::collections::BTreeSet;

use model::id::TenantId;

use crate::{
    Audit, Elsewhere, Store, StoreError, Write,
    audit::{Cell, EVENTS, HOLDS, LOCATIONS, POLICIES, QUEUE, RECORDS, Row, SUPPLIES, TIMERS, Table},
    verify::cursor::{Cursor, Key},
};

/// Every table that is copied, with every column; `tenants` comes before them. What engines keep beside is made anew.
pub const TABLES: [Table; 14] = [
    EVENTS,
    LOCATIONS,
    Table { name: "pools", key: &["sku"], columns: &["version", "settling", "item"] },
    POLICIES,
    SUPPLIES,
    Table {
        name: "orders",
        key: &["order_id"],
        columns: &["reference", "customer", "placed_by", "contact", "body"],
    },
    QUEUE,
    HOLDS,
    TIMERS,
    Table { name: "work", key: &["id"], columns: &["kind", "state"] },
    Table {
        name: "replays",
        key: &["seq"],
        columns: &["day", "lasting", "key", "request", "answer", "placed"],
    },
    RECORDS,
    Table { name: "private_records", ..RECORDS },
    // Last, so that nobody is let in before everything else is there.
    Table {
        name: "api_keys",
        key: &["hash"],
        columns: &["name", "publishable", "scopes", "created_at", "revoked_at"],
    },
];

/// The table that says which tenants there are; its key is the tenant alone.
pub const TENANTS: Table = Table { name: "tenants", key: &[], columns: &["created_at", "salt"] };

/// Where a store keeps whose copy it is while it is not whole yet; until then nobody else may open it.
pub(crate) const MARK: &str = "moving";

/// Says why a store is not opened that is half a copy.
pub(crate) fn half_moved() -> StoreError {
    StoreError::Schema(
        "a move into it was interrupted: run the same `shipwhen move` again, which ends it".to_owned(),
    )
}

/// Rows put or removed in one transaction.
const BATCH: usize = 2_000;

/// Writes rows as they are stored. Nothing is kept before [`Fill::commit`].
pub trait Fill: Send {
    /// The secret of the store whose copy this is and that is not whole yet; `None`: it is whole, or no copy.
    fn begun(&mut self) -> Result<Option<Vec<u8>>, StoreError>;
    /// Notes, to be kept at once, that a copy of the store with this secret begins: nobody else may open this one.
    fn begin(&mut self, secret: &[u8; 32]) -> Result<(), StoreError>;
    /// Puts rows (the key, then the other columns, as the table names them); those that are there are replaced.
    fn put(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError>;
    /// Removes rows; of each only the key is looked at.
    fn remove(&mut self, tenant: &TenantId, table: &Table, rows: &[Row]) -> Result<(), StoreError>;
    /// Keeps everything since the last commit.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Ends the copy: makes what the engine keeps beside the tables, takes over the secret, and lets others in.
    fn end(&mut self, tenants: &[TenantId], secret: &[u8; 32]) -> Result<(), StoreError>;
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Merchants.
    pub tenants: u64,
    /// Rows of the source, over all tenants and tables.
    pub rows: u64,
    /// Of those, rows that were not in the copy as they are.
    pub put: u64,
    /// Rows of the copy that the source does not have.
    pub removed: u64,
}

/// Why a store could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the stores failed; the same call goes on where it stopped.
    #[error("the copy was interrupted")]
    Store(#[from] StoreError),
    /// The copy would have to write over something else.
    #[error(
        "there is another shop where the copy was to go; a copy goes into a new store or goes on with its own"
    )]
    Taken,
    /// Somebody wrote to the source meanwhile.
    #[error("the source was written to while it was copied: stop every server on it, then run this again")]
    Changed,
    /// A row of the copy is not as in the source.
    #[error("the copy differs from its source: {0}")]
    Differs(String),
}

/// Copies everything of one store into another, which is new, is an interrupted copy of it, or a whole one of the same state.
///
/// `into` is that store opened for it alone, and `fill` writes to it. Errors: see [`CopyError`]; whatever they are, the
/// source is as it was.
pub fn copy(
    from: &dyn Store,
    into: &dyn Store,
    fill: &mut dyn Fill,
    progress: &mut dyn FnMut(u64),
) -> Result<Copied, CopyError> {
    let secret = from.reader()?.secret()?;
    let mut source = from.writer()?;
    let tenants = source.tenants()?;
    let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id.clone()).collect();
    look(&mut *source, &ids)?;
    let mut there = into.reader()?;
    let is_whole_copy = match fill.begun()? {
        Some(of) if of == secret => false,
        Some(_) => return Err(CopyError::Taken),
        None if there.tenants()?.is_empty() => {
            fill.begin(&secret)?;
            false
        }
        None if there.secret()? == secret => true,
        None => return Err(CopyError::Taken),
    };
    let known: BTreeSet<&TenantId> = ids.iter().collect();
    if there.tenants()?.iter().any(|tenant| !known.contains(&tenant.id)) {
        return Err(CopyError::Taken);
    }
    drop(there);
    let mut copied = Copied { tenants: ids.len() as u64, ..Copied::default() };
    let mut real = from.auditor()?;
    if !is_whole_copy {
        for tenant in &tenants {
            let row = vec![Cell::Int(tenant.created_at.as_microsecond()), Cell::Bytes(tenant.salt.to_vec())];
            fill.put(&tenant.id, &TENANTS, &[row])?;
        }
        fill.commit()?;
        for tenant in &ids {
            for table in &TABLES {
                merge(&mut *real, &mut *into.auditor()?, fill, (tenant, table), &mut copied, progress)?;
            }
        }
    }
    compare(&mut *real, &mut *into.auditor()?, &ids, is_whole_copy.then_some(&mut copied))?;
    drop(real);
    if look(&mut *source, &ids)? {
        return Err(CopyError::Changed);
    }
    if !is_whole_copy {
        fill.end(&ids, &secret)?;
    }
    Ok(copied)
}

/// Whether anybody wrote since the last look.
fn look(source: &mut dyn Write, tenants: &[TenantId]) -> Result<bool, StoreError> {
    let mut has_changed = source.changed_elsewhere()?;
    for tenant in tenants {
        has_changed |= source.elsewhere(tenant)? != Elsewhere::Nothing;
    }
    source.rollback()?;
    Ok(has_changed)
}

/// Makes one table of a tenant as it is in the source.
fn merge(
    real: &mut dyn Audit,
    there: &mut dyn Audit,
    fill: &mut dyn Fill,
    (tenant, table): (&TenantId, &Table),
    copied: &mut Copied,
    progress: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let (mut should, mut is) = (Cursor::new(table, tenant), Cursor::new(table, tenant));
    let width = table.key.len();
    let (mut put, mut gone) = (Vec::new(), Vec::new());
    loop {
        let order = match (should.peek(real)?, is.peek(there)?) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(should), Some(is)) => should[..width].cmp(&is[..width]),
        };
        let row = if order.is_le() { should.next(real)? } else { None };
        let old = if order.is_ge() { is.next(there)? } else { None };
        copied.rows += u64::from(row.is_some());
        match (row, old) {
            (None, Some(old)) => gone.push(old),
            (Some(row), old) if old.as_ref() != Some(&row) => put.push(row),
            _ => {}
        }
        if put.len() + gone.len() >= BATCH {
            write(fill, (tenant, table), (&mut put, &mut gone), copied)?;
            progress(copied.rows);
        }
    }
    write(fill, (tenant, table), (&mut put, &mut gone), copied)?;
    progress(copied.rows);
    Ok(())
}

fn write(
    fill: &mut dyn Fill,
    (tenant, table): (&TenantId, &Table),
    (put, gone): (&mut Vec<Row>, &mut Vec<Row>),
    copied: &mut Copied,
) -> Result<(), StoreError> {
    if put.is_empty() && gone.is_empty() {
        return Ok(());
    }
    // First what goes: another row may have what must be the only one of its kind.
    fill.remove(tenant, table, gone)?;
    fill.put(tenant, table, put)?;
    fill.commit()?;
    copied.put += put.len() as u64;
    copied.removed += gone.len() as u64;
    put.clear();
    gone.clear();
    Ok(())
}

/// Holds every row of the copy against the source.
fn compare(
    real: &mut dyn Audit,
    there: &mut dyn Audit,
    tenants: &[TenantId],
    mut count: Option<&mut Copied>,
) -> Result<(), CopyError> {
    for tenant in tenants {
        for table in &TABLES {
            let (mut should, mut is) = (Cursor::new(table, tenant), Cursor::new(table, tenant));
            loop {
                let (should, is) = (should.next(real)?, is.next(there)?);
                if should == is {
                    if should.is_none() {
                        break;
                    }
                    if let Some(copied) = &mut count {
                        copied.rows += 1;
                    }
                    continue;
                }
                let row = should.or(is).unwrap_or_default();
                return Err(CopyError::Differs(format!("{} of {tenant}", Key(table, &row))));
            }
        }
    }
    Ok(())
}
