//! Goes through a table row by row, a page at a time.

use std::{collections::VecDeque, fmt};

use model::id::TenantId;

use crate::{
    Audit, StoreError,
    audit::{Cell, Row, Table},
};

const PAGE: usize = 2_000;

/// Where in a table a reader is. The reader is handed in with each call, so that several tables are read abreast.
pub(crate) struct Cursor<'t> {
    table: &'t Table,
    tenant: &'t TenantId,
    page: VecDeque<Row>,
    last: Row,
    ended: bool,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(table: &'t Table, tenant: &'t TenantId) -> Self {
        Self { table, tenant, page: VecDeque::new(), last: Vec::new(), ended: false }
    }

    /// The row it stands at, `None` behind the last.
    pub(crate) fn peek(&mut self, audit: &mut dyn Audit) -> Result<Option<&Row>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let rows = audit.rows(self.tenant, self.table, &self.last, PAGE)?;
            self.ended = rows.len() < PAGE;
            if let Some(last) = rows.last() {
                self.last = last[..self.table.key.len()].to_vec();
            }
            self.page = rows.into();
        }
        Ok(self.page.front())
    }

    /// Takes the row it stands at.
    pub(crate) fn next(&mut self, audit: &mut dyn Audit) -> Result<Option<Row>, StoreError> {
        self.peek(audit)?;
        Ok(self.page.pop_front())
    }
}

/// Prints a row's key: `queue supply_id sup_0192… line 2`.
pub(crate) struct Key<'r>(pub(crate) &'r Table, pub(crate) &'r [Cell]);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)?;
        self.0.key.iter().zip(self.1).try_for_each(|(name, cell)| match (*name, cell) {
            ("order_id", Cell::Bytes(_)) => write!(f, " ord_{cell}"),
            ("supply_id", Cell::Bytes(_)) => write!(f, " sup_{cell}"),
            ("hold_id", Cell::Bytes(_)) => write!(f, " hld_{cell}"),
            _ => write!(f, " {name} {cell}"),
        })
    }
}
