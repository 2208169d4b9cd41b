//! `GET /v1/backorders`: who waits for what, in the order in which they will be served.
//!
//! SKU by SKU; within one, its supplies as they will come, and behind each supply its lines by the time they were
//! ordered. A call reads a bounded stretch of the queue: where a filter drops most of it, a page may be short and still
//! name a next one.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use ledger::{QueueRow, Read, StoreError};
use model::{
    Units,
    id::{LineId, LocationId, OrderId, Sku, SupplyId, TenantId},
    money::Money,
    order::{Dates, Order},
    pool::Pool,
    state::Shop,
    supply::{Supply, SupplyKind},
    time::{Date, Timestamp, date_from_days, days_since_epoch},
    view::{LineView, PartView},
};
use serde::Serialize;

use super::{
    auth::{AllOrdersRead, Allowed},
    clock::Now,
    params::{Cursor, Page, Params},
    problem::Problem,
    schema,
    state::{Api, json, shop_of},
};

/// Most lines of the queue that one call reads.
const LINES_READ_MAX: usize = 5_000;
/// Most pools that one call looks at.
const POOLS_READ_MAX: usize = 2_000;
/// Pools read at once.
const POOLS_CHUNK: usize = 100;

/// What is asked for.
pub(crate) struct Query {
    /// Lines that wait for this, or that ordered it.
    pub(crate) sku: Option<Sku>,
    pub(crate) supply: Option<SupplyId>,
    /// Lines whose goods are here, instead of those that wait.
    pub(crate) here: bool,
    pub(crate) overdue: bool,
    /// Lines whose goods come later than was told, or not at all, as far as is known.
    pub(crate) broken: bool,
    pub(crate) limit: usize,
    pub(crate) now: Timestamp,
}

/// How far an earlier page came.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Place {
    pool: Sku,
    /// Within the pool; `None`: it is done.
    within: Option<Within>,
}

#[derive(Clone, PartialEq, Debug)]
struct Within {
    /// The supply's date: the supply itself may be gone by the time of the next page.
    date: Option<Date>,
    supply: SupplyId,
    line: LineId,
    position: i64,
}

impl Within {
    fn rank(&self) -> (Date, SupplyId) {
        (self.date.unwrap_or(Date::MAX), self.supply)
    }
}

impl Cursor for Place {
    fn write(&self) -> String {
        let Some(Within { date, supply, line, position }) = &self.within else {
            return self.pool.to_string();
        };
        let date = date.map_or_else(String::new, |date| days_since_epoch(date).to_string());
        // No SKU holds a line break.
        format!("{}\n{date}\n{supply}\n{line}\n{position}", self.pool)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('\n');
        let pool = Sku::new(parts.next()?).ok()?;
        let Some(date) = parts.next() else { return Some(Self { pool, within: None }) };
        let date = if date.is_empty() { None } else { Some(date_from_days(date.parse().ok()?)?) };
        let supply = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let position = parts.next()?.parse().ok().filter(|position| *position >= 0)?;
        Some(Self { pool, within: Some(Within { date, supply, line, position }) })
    }
}

/// A line found, and its place in its pool's queue.
struct Found {
    position: i64,
    row: QueueRow,
    location: LocationId,
    overdue: bool,
}

/// One walk along the queue.
struct Walk<'a> {
    store: &'a mut dyn Read,
    tenant: &'a TenantId,
    query: &'a Query,
    shop: Shop,
    found: Vec<Found>,
    lines_read: usize,
    /// Where the last line that was found stands.
    last: Option<Place>,
}

/// Whether a walk goes on, or where the next page begins.
enum Step {
    On,
    Full(Place),
}

impl Walk<'_> {
    /// Walks along pool by pool, from a place on; answers where the next page begins.
    fn along(&mut self, from: Option<Place>) -> Result<Option<Place>, StoreError> {
        match self.pools_named()? {
            Some(skus) => self.along_named(skus, from.as_ref()),
            None => self.along_all(from),
        }
    }

    /// The pools that the filters speak of; `None` for all.
    fn pools_named(&mut self) -> Result<Option<Vec<Sku>>, StoreError> {
        if let Some(supply) = self.query.supply {
            let supply = self.store.supply(self.tenant, supply)?;
            return Ok(Some(supply.into_iter().map(|supply| supply.sku).collect()));
        }
        let Some(sku) = &self.query.sku else { return Ok(None) };
        // A kit has no goods of its own: its lines wait for its components.
        let pool = self.store.pools(self.tenant, std::slice::from_ref(sku))?.pop();
        let mut skus: Vec<Sku> = match pool {
            Some(pool) if pool.item.is_kit() => {
                pool.item.components.iter().map(|part| part.sku.clone()).collect()
            }
            Some(_) => vec![sku.clone()],
            None => Vec::new(),
        };
        skus.sort_unstable();
        Ok(Some(skus))
    }

    fn along_named(&mut self, skus: Vec<Sku>, from: Option<&Place>) -> Result<Option<Place>, StoreError> {
        for sku in skus {
            let within = match from {
                Some(from) if sku < from.pool || (sku == from.pool && from.within.is_none()) => continue,
                Some(from) if sku == from.pool => from.within.as_ref(),
                _ => None,
            };
            for pool in self.store.pools(self.tenant, &[sku])? {
                if let Step::Full(place) = self.pool(&pool, within)? {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    fn along_all(&mut self, from: Option<Place>) -> Result<Option<Place>, StoreError> {
        let mut after = None;
        if let Some(Place { pool, within }) = from {
            if within.is_some() {
                for pool in self.store.pools(self.tenant, std::slice::from_ref(&pool))? {
                    if let Step::Full(place) = self.pool(&pool, within.as_ref())? {
                        return Ok(Some(place));
                    }
                }
            }
            after = Some(pool);
        }
        let mut pools_read = 0;
        loop {
            let pools = self.store.pool_page(self.tenant, after.as_ref(), POOLS_CHUNK)?;
            for pool in &pools {
                if let Step::Full(place) = self.pool(pool, None)? {
                    return Ok(Some(place));
                }
            }
            let last = pools.last().map(|pool| pool.sku().clone());
            pools_read += pools.len();
            match last {
                Some(pool) if pools.len() == POOLS_CHUNK && pools_read >= POOLS_READ_MAX => {
                    return Ok(Some(Place { pool, within: None }));
                }
                Some(pool) if pools.len() == POOLS_CHUNK => after = Some(pool),
                _ => return Ok(None),
            }
        }
    }

    /// Walks along one pool's queue, from a place within it on.
    fn pool(&mut self, pool: &Pool, from: Option<&Within>) -> Result<Step, StoreError> {
        let mut position = from.map_or(0, |from| from.position);
        let here = self.query.here;
        let queues = pool.supplies.iter().filter(|supply| supply.is_on_hand() == here && supply.pegged() > 0);
        for supply in queues {
            let rank = (supply.expected_on.unwrap_or(Date::MAX), supply.id);
            if from.is_some_and(|from| rank < from.rank()) {
                continue;
            }
            if self.query.supply.is_some_and(|wanted| wanted != supply.id) {
                position += self.length(supply)?;
                continue;
            }
            let after = from.filter(|from| from.rank() == rank).map(|from| from.line);
            if let Step::Full(place) = self.queue(pool, supply, after, &mut position)? {
                return Ok(Step::Full(place));
            }
            if self.query.supply.is_some() {
                break;
            }
        }
        Ok(Step::On)
    }

    /// How many lines stand behind a supply.
    fn length(&mut self, supply: &Supply) -> Result<i64, StoreError> {
        let beyond_all = LineId { order: OrderId::from_bytes([u8::MAX; 16]), no: u16::MAX };
        let lines = self.store.ahead(self.tenant, supply.id, beyond_all, usize::MAX)?;
        Ok(i64::try_from(lines).unwrap_or(i64::MAX))
    }

    fn queue(
        &mut self,
        pool: &Pool,
        supply: &Supply,
        mut after: Option<LineId>,
        position: &mut i64,
    ) -> Result<Step, StoreError> {
        let today = self.shop.locations.get(&supply.location).map(|location| location.today(self.query.now));
        let chunk = self.query.limit + 1;
        let release = None;
        let place = self.shop.locations.get(&supply.location);
        let comes = place
            .map_or(Dates::UNKNOWN, |place| promise::supply_ship_by(supply, place, release, self.query.now));
        loop {
            let rows = self.store.queue_page(self.tenant, supply.id, after, chunk)?;
            let read = rows.len();
            for row in rows {
                *position += 1;
                self.lines_read += 1;
                let within = Within {
                    date: supply.expected_on,
                    supply: supply.id,
                    line: row.line,
                    position: *position,
                };
                after = Some(row.line);
                let place = Place { pool: pool.sku().clone(), within: Some(within) };
                if let Step::Full(place) = self.line(row, supply, (today, comes), place) {
                    return Ok(Step::Full(place));
                }
            }
            if read < chunk {
                return Ok(Step::On);
            }
        }
    }

    fn line(
        &mut self,
        row: QueueRow,
        supply: &Supply,
        (today, comes): (Option<Date>, Dates),
        place: Place,
    ) -> Step {
        let overdue = row.told_ship_by.promised.is_some_and(|told| today.is_some_and(|today| told < today));
        let wanted = self.query.sku.as_ref().is_none_or(|sku| row.sku == *sku || row.pool == *sku);
        let broken = || match row.told_ship_by.promised {
            Some(told) => comes.promised.is_none_or(|comes| comes > told),
            None => supply.kind == SupplyKind::Shortfall,
        };
        if wanted && (overdue || !self.query.overdue) && (!self.query.broken || broken()) {
            if self.found.len() == self.query.limit {
                return Step::Full(self.last.take().unwrap_or(place));
            }
            let position = place.within.as_ref().map_or(0, |within| within.position);
            self.found.push(Found { position, row, location: supply.location.clone(), overdue });
            self.last = Some(place.clone());
        }
        if self.lines_read >= LINES_READ_MAX { Step::Full(place) } else { Step::On }
    }
}

#[derive(Serialize)]
pub(crate) struct BackorderOut {
    pub(crate) order: OrderId,
    pub(crate) line: LineId,
    pub(crate) reference: Option<Arc<str>>,
    pub(crate) sku: Sku,
    pub(crate) quantity: Units,
    pub(crate) position: i64,
    pub(crate) supply: SupplyId,
    pub(crate) location: LocationId,
    pub(crate) ship_by: Dates,
    pub(crate) deliver_by: Dates,
    pub(crate) told: Dates,
    pub(crate) overdue: bool,
    pub(crate) customer: CustomerOut,
    pub(crate) value: Option<Money>,
    pub(crate) placed_at: Timestamp,
    pub(crate) blocked_by: Blocker,
}

#[derive(Serialize)]
pub(crate) struct CustomerOut {
    pub(crate) email: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) country: Option<Arc<str>>,
}

#[derive(Serialize)]
pub(crate) struct Blocker {
    pub(crate) sku: Sku,
    pub(crate) supply: SupplyId,
    pub(crate) quantity: Units,
}

pub(crate) fn find(
    store: &mut dyn Read,
    tenant: &TenantId,
    query: &Query,
    from: Option<Place>,
) -> Result<(Vec<BackorderOut>, Option<Place>), StoreError> {
    let shop = shop_of(store, tenant, &[])?;
    let mut walk = Walk { store, tenant, query, shop, found: Vec::new(), lines_read: 0, last: None };
    let next = walk.along(from)?;
    let found = walk.found;
    let mut ids: Vec<OrderId> = found.iter().map(|found| found.row.line.order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = store.orders(tenant, &ids)?;
    let shop = shop_of(store, tenant, &orders)?;
    let views: Vec<_> = orders.iter().map(|order| promise::order_view(&shop, order, query.now)).collect();
    let items = found
        .into_iter()
        .map(|found| {
            let at = orders.binary_search_by_key(&found.row.line.order, |order| order.id).ok();
            let order = at.map(|at| &orders[at]);
            let line = at.and_then(|at| {
                let no = orders[at].lines.iter().position(|line| line.no == found.row.line.no)?;
                views[at].lines.get(no)
            });
            shown(found, order, line)
        })
        .collect();
    Ok((items, next))
}

fn shown(found: Found, order: Option<&Order>, line: Option<&LineView>) -> BackorderOut {
    let Found { position, row, location, overdue } = found;
    // A kit line waits with so many units of a component; it is counted, and paid for, in kits.
    let recipe =
        order.and_then(|order| order.line(row.line.no)).map(|line| &line.recipe[..]).unwrap_or_default();
    let each = recipe.iter().find(|part| part.sku == row.pool).map_or(1, |part| part.quantity.max(1));
    let quantity = row.quantity / each + i64::from(row.quantity % each != 0);
    let of_supply = |part: &&PartView| part.supply == row.supply;
    let part = line.and_then(|line| {
        let components = line.components.iter().flat_map(|component| &component.parts);
        components.chain(&line.parts).find(of_supply)
    });
    BackorderOut {
        order: row.line.order,
        line: row.line,
        reference: row.reference,
        quantity,
        position,
        supply: row.supply,
        location,
        ship_by: part.map_or(Dates::UNKNOWN, |part| part.ship_by),
        deliver_by: part.map_or(Dates::UNKNOWN, |part| part.deliver_by),
        told: row.told_ship_by,
        overdue,
        customer: CustomerOut { email: row.contact.email, name: row.contact.name, country: row.country },
        value: row.unit_price.and_then(|price| price.checked_mul(quantity).ok()),
        placed_at: row.placed_at,
        blocked_by: Blocker { sku: row.pool, supply: row.supply, quantity: row.quantity },
        sku: row.sku,
    }
}

/// List the queue
///
/// Lines whose goods are not here, in the order in which they will be served. `position` counts from 1 for each SKU that
/// lines wait for. A kit's line stands in the queue of each component that it waits for.
#[utoipa::path(
    get, path = "/v1/backorders", tag = "Orders", operation_id = "list_backorders",
    params(
        ("sku" = Option<String>, Query, description = "Only lines of this SKU, or of a kit with it"),
        ("supply" = Option<String>, Query, description = "Only lines behind this supply"),
        ("state" = Option<String>, Query, description = "`backordered`, unless `allocated`: those whose goods are here"),
        ("overdue" = Option<bool>, Query, description = "Only lines whose promised ship date is over"),
    ),
    responses((status = 200, description = "The queue", body = schema::BackorderPage)),
    security(("key" = ["orders:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<AllOrdersRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let (limit, from) = (params.limit(), params.cursor::<Place>());
    let sku = params.sku("sku");
    let supply = params.text("supply");
    let supply = supply.and_then(|text| params.checks.parsed(format_args!("supply"), &text));
    let here = params.word("state", &["backordered", "allocated"]) == Some("allocated");
    let overdue = params.flag("overdue");
    params.finish()?;
    let query = Query { sku, supply, here, overdue, broken: false, limit, now };
    let tenant = allowed.caller.tenant.clone();
    let (items, next) = api.read(move |store| find(store, &tenant, &query, from)).await?;
    json(StatusCode::OK, &Page::new(items, next.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_what_it_writes() {
        let order: OrderId = "ord_01920000000070008000000000000002".parse().unwrap();
        let within = Within {
            date: Some(model::time::parse_date("2026-12-01").unwrap()),
            supply: "sup_01920000000070008000000000000003".parse().unwrap(),
            line: LineId { order, no: 7 },
            position: 41,
        };
        let pool = Sku::new("A, B").unwrap();
        for within in [None, Some(Within { date: None, ..within.clone() }), Some(within)] {
            let place = Place { pool: pool.clone(), within };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for text in ["", "A\n", "A\nx\nsup_01920000000070008000000000000003\nord_1-1\n1", "A\n\n\n\n"] {
            assert_eq!(Place::read(text), None, "{text:?}");
        }
    }
}
