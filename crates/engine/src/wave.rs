//! Finding what to hand over to fulfilment: which lines are ready, the oldest ship date told first.
//!
//! Read beside the writer, since it looks at every line that has goods at a place. The writer decides on what was found,
//! line by line, as things are then: what another took meanwhile is left out, and nothing is handed over twice.

use std::{collections::BTreeSet, sync::Arc};

use ledger::{Allocated, OrderFilter, Read, StoreError};
use model::{
    command::{Release, Wave},
    id::{LineId, LocationId, OrderId, Sku, TenantId},
    order::{Order, ShipChoice},
    refusal::Rejection,
    state::Shop,
    time::Timestamp,
    view::ReleaseView,
};
use promise::{Handover, Setting};
use rustc_hash::FxHashMap;
use uuid::Uuid;

/// Orders looked at at once.
const ORDERS_A_PAGE: usize = 128;
/// Most orders that one of the shop's numbers names.
const SAME_REFERENCE_MAX: usize = 500;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// Where it is packed.
    pub location: LocationId,
    /// When the carrier comes.
    pub carrier_cutoff: Option<Timestamp>,
    /// Which lines first.
    pub wave: Wave,
    /// Most lines, from 1; an order that ships complete goes as a whole, and so the last may go beyond.
    pub limit: usize,
    /// The moment.
    pub now: Timestamp,
}

/// What is ready.
pub struct Ready {
    /// The wish that hands it over.
    pub wish: Release,
    shop: Shop,
    now: Timestamp,
}

impl Ready {
    /// Shows what would be handed over.
    pub fn preview(&self) -> Result<ReleaseView, Rejection> {
        let set = Setting { shop: &self.shop, now: self.now, command: Uuid::nil() };
        let events = promise::release(set, &self.wish)?;
        Ok(ReleaseView {
            id: None,
            location: self.wish.location.clone(),
            released_at: self.now,
            carrier_cutoff: self.wish.carrier_cutoff,
            lines: promise::released_lines(set, &events),
            more: self.wish.more,
        })
    }
}

/// Finds what is ready. `Ok(Err(_))`: the search makes no sense, as [`Handover::new`] says.
pub fn ready(
    read: &mut dyn Read,
    tenant: &TenantId,
    search: &Search,
) -> Result<Result<Ready, Rejection>, StoreError> {
    let locations = read.locations(tenant)?.into_iter().map(|(id, settings)| (id, Arc::new(settings)));
    let mut shop = Shop { locations: Arc::new(locations.collect()), ..Shop::default() };
    let set = Setting { shop: &shop, now: search.now, command: Uuid::nil() };
    let at = match Handover::new(set, &search.location, search.carrier_cutoff) {
        Ok(at) => at,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let turns = in_turn(read, tenant, search)?;
    let mut lines: Vec<LineId> = Vec::new();
    let mut more = false;
    'pages: for page in turns.chunks(ORDERS_A_PAGE) {
        load(read, tenant, &mut shop, page.iter().map(|(order, _)| *order))?;
        for (id, named) in page {
            if lines.len() >= search.limit {
                more = true;
                break 'pages;
            }
            let order = shop.orders.get(id).filter(|order| takes(&search.wave, order));
            let is_named = |no: u16| named.contains(&no);
            let ready = order.map(|order| promise::ready(&shop, order, &at, is_named)).unwrap_or_default();
            let is_whole = order.is_some_and(|order| order.ship == ShipChoice::Complete);
            let most = if is_whole { ready.len() } else { search.limit - lines.len() };
            more |= ready.len() > most;
            lines.extend(ready.iter().take(most).map(|step| LineId { order: *id, no: step.line }));
            if ready.is_empty() {
                shop.orders.remove(id);
            }
        }
    }
    let (location, carrier_cutoff) = (search.location.clone(), search.carrier_cutoff);
    let wish = Release { location, carrier_cutoff, lines, more };
    Ok(Ok(Ready { wish, shop, now: search.now }))
}

/// Orders with lines that may be ready, in their turn, each with those lines.
fn in_turn(
    read: &mut dyn Read,
    tenant: &TenantId,
    search: &Search,
) -> Result<Vec<(OrderId, Vec<u16>)>, StoreError> {
    let skus = skus(read, tenant, &search.wave)?;
    let mut found = read.allocated(tenant, &search.location, skus.as_ref())?;
    if !search.wave.references.is_empty() {
        let orders = referenced(read, tenant, &search.wave.references)?;
        found.retain(|allocated| orders.contains(&allocated.line.order));
    }
    found.sort_unstable_by_key(|Allocated { line, told_ship_by }| promise::turn(*line, *told_ship_by));
    let mut places: FxHashMap<OrderId, usize> = FxHashMap::default();
    let mut turns: Vec<(OrderId, Vec<u16>)> = Vec::new();
    for Allocated { line, .. } in found {
        let place = *places.entry(line.order).or_insert_with(|| {
            turns.push((line.order, Vec::new()));
            turns.len() - 1
        });
        turns[place].1.push(line.no);
    }
    Ok(turns)
}

/// The SKUs a wave chooses; `None`: any.
fn skus(read: &mut dyn Read, tenant: &TenantId, wave: &Wave) -> Result<Option<BTreeSet<Sku>>, StoreError> {
    let named = (!wave.skus.is_empty()).then(|| wave.skus.iter().cloned().collect::<BTreeSet<Sku>>());
    if wave.tags.is_empty() {
        return Ok(named);
    }
    let tagged = read.tagged(tenant, &wave.tags)?;
    Ok(Some(named.map_or(tagged.clone(), |named| named.intersection(&tagged).cloned().collect())))
}

fn referenced(
    read: &mut dyn Read,
    tenant: &TenantId,
    references: &[Arc<str>],
) -> Result<BTreeSet<OrderId>, StoreError> {
    let mut orders = BTreeSet::new();
    for reference in references {
        let filter = OrderFilter { reference: Some(Arc::clone(reference)), ..OrderFilter::default() };
        orders.extend(read.order_page(tenant, &filter, None, SAME_REFERENCE_MAX)?);
    }
    Ok(orders)
}

/// Whether a wave chooses an order.
fn takes(wave: &Wave, order: &Order) -> bool {
    let is = |wanted: &Option<Arc<str>>, has: &Option<Arc<str>>| wanted.is_none() || wanted == has;
    is(&wave.country, &order.country) && is(&wave.group, &order.group)
}

/// Loads orders with the pools of their lines.
fn load(
    read: &mut dyn Read,
    tenant: &TenantId,
    shop: &mut Shop,
    ids: impl Iterator<Item = OrderId>,
) -> Result<(), StoreError> {
    let ids: Vec<OrderId> = ids.collect();
    let orders = read.orders(tenant, &ids)?;
    let lines = || orders.iter().flat_map(|order| &order.lines);
    let pegged = lines().flat_map(|line| &line.pegs).map(|peg| &peg.sku);
    let missing: BTreeSet<&Sku> = lines().map(|line| &line.sku).chain(pegged).collect();
    let missing = missing.into_iter().filter(|sku| !shop.pools.contains_key(*sku));
    let missing: Vec<Sku> = missing.cloned().collect();
    let pools = read.pools(tenant, &missing)?;
    shop.pools.extend(pools.into_iter().map(|pool| (pool.sku().clone(), Arc::new(pool))));
    shop.orders.extend(orders.into_iter().map(|order| (order.id, Arc::new(order))));
    Ok(())
}
