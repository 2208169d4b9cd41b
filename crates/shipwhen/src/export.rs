//! `shipwhen export`: the same tables back, safe to open in a spreadsheet.

use std::{io::Write, process::ExitCode};

use connect::tables::{
    Component, Count, Currency, Kind,
    moment::PlacedAt,
    orders::{self, OrderRow},
    prepayments::{self, PrepaymentRow},
    skus::{self, Cap, SkuRow, WhenOut},
    stock::{self, StockRow},
    supplies::{self, SupplyKind, SupplyRow},
};
use ledger::Read;
use model::{
    id::{Channel, LocationId, TenantId},
    item,
    money::Money,
    pool::Pool,
    supply,
};

use server::import::owed_reference;

use crate::{
    cli::ExportArgs,
    config::{Settings, Usage},
    house::House,
    output,
};

const PAGE: usize = 500;

pub(crate) fn run(settings: &Settings, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let kind = args.kind.parse::<Kind>().ok();
    let house = House::open_existing(settings)?;
    let tenant = house.tenant(settings)?.id;
    let mut reader = house.store.reader()?;
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    match kind {
        Some(Kind::Skus) => export_skus(&mut *reader, &tenant, out)?,
        Some(Kind::Stock) => export_stock(&mut *reader, &tenant, out)?,
        Some(Kind::Supplies) => export_supplies(&mut *reader, &tenant, out)?,
        Some(Kind::Orders) => export_orders(&mut *reader, &tenant, out)?,
        _ if args.kind == "prepayments" => export_prepayments(&mut *reader, &tenant, out)?,
        _ => {
            let detail = format!(
                "{:?} cannot be exported: expected skus, stock, supplies, orders or prepayments",
                args.kind
            );
            return Err(Usage(detail).into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls with every pool, in the order of SKUs.
fn each_pool(
    reader: &mut dyn Read,
    tenant: &TenantId,
    mut with: impl FnMut(Pool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = reader.pool_page(tenant, after.as_ref(), PAGE)?;
        let full = page.len() == PAGE;
        after = page.last().map(|pool| pool.sku().clone());
        page.into_iter().try_for_each(&mut with)?;
        if !full {
            return Ok(());
        }
    }
}

fn currency(money: Option<Money>) -> Currency {
    money.map_or(Currency::USD, |money| money.currency)
}

fn export_skus(reader: &mut dyn Read, tenant: &TenantId, out: impl Write) -> anyhow::Result<()> {
    let mut table = skus::writer(out)?;
    let mut row = 1;
    each_pool(reader, tenant, |pool| {
        let item = &pool.item;
        let policy = pool.policy_set(&Channel::default());
        row += 1;
        table.write(&SkuRow {
            row,
            sku: item.sku.to_string(),
            title: Some(item.title.to_string()).filter(|title| !title.is_empty()),
            currency: currency(item.price.or(item.unit_cost)),
            price: item.price.map(|price| price.amount),
            unit_cost: item.unit_cost.map(|cost| cost.amount),
            supplier: item.supplier.as_deref().map(str::to_owned),
            barcode: item.barcode.as_deref().map(str::to_owned),
            tags: item.tags.iter().map(ToString::to_string).collect(),
            when_out: policy.map(|policy| match policy.when_out {
                item::WhenOut::Refuse => WhenOut::Refuse,
                item::WhenOut::Waitlist => WhenOut::Waitlist,
                item::WhenOut::Backorder => WhenOut::Backorder,
                item::WhenOut::Preorder => WhenOut::Preorder,
                item::WhenOut::MadeToOrder => WhenOut::MadeToOrder,
            }),
            backorder_cap: policy.and_then(|policy| match policy.backorder_cap {
                item::Cap::Supply => None,
                item::Cap::Limited(units) => Some(Cap::Units(units)),
                item::Cap::Unlimited => Some(Cap::Unlimited),
            }),
            lead_time_days: policy.and_then(|policy| policy.lead_time_days).map(u32::from),
            components: item
                .components
                .iter()
                .map(|part| Component { sku: part.sku.to_string(), units: part.quantity })
                .collect(),
        })?;
        Ok(())
    })?;
    table.finish()?.flush()?;
    Ok(())
}

/// One row for each day and SKU on which money moved or was earned.
fn export_prepayments(reader: &mut dyn Read, tenant: &TenantId, out: impl Write) -> anyhow::Result<()> {
    let mut table = prepayments::writer(out)?;
    let mut tags = std::collections::BTreeMap::new();
    each_pool(reader, tenant, |pool| {
        let of: Vec<String> = pool.item.tags.iter().map(ToString::to_string).collect();
        tags.insert(pool.item.sku.clone(), of);
        Ok(())
    })?;
    let mut written = Ok(());
    engine::each_prepayment(reader, tenant, None, usize::MAX, &mut |sums| {
        if written.is_ok() {
            written = table.write(&PrepaymentRow {
                day: sums.day.to_string(),
                sku: sums.sku.to_string(),
                currency: sums.currency,
                received: sums.flow.captured,
                refunded: sums.flow.refunded,
                earned: sums.flow.earned,
                tags: tags.get(&sums.sku).cloned().unwrap_or_default(),
            });
        }
    })?;
    written?;
    table.finish()?.flush()?;
    Ok(())
}

/// One row for each SKU and location that has units, or had none and owed some when it was counted.
///
/// What orders wait for is in the orders; only what a count below zero made owed goes back into the count, for it came from
/// there. Were more than that counted below zero, both tables taken in would owe it twice.
fn export_stock(reader: &mut dyn Read, tenant: &TenantId, out: impl Write) -> anyhow::Result<()> {
    let mut table = stock::writer(out)?;
    let locations = reader.locations(tenant)?;
    let mut row = 1;
    let mut after = None;
    loop {
        let page = reader.pool_page(tenant, after.as_ref(), PAGE)?;
        let full = page.len() == PAGE;
        after = page.last().map(|pool| pool.sku().clone());
        for pool in page {
            for (location, _) in &locations {
                let here = pool.supplies.iter().filter(|supply| supply.location == *location);
                let here: Vec<i64> =
                    here.filter(|supply| supply.is_on_hand()).map(|supply| supply.quantity).collect();
                let units: i64 = here.iter().sum();
                let owed = if units == 0 { owed(reader, tenant, location, &pool)? } else { 0 };
                if here.is_empty() && owed == 0 {
                    continue;
                }
                row += 1;
                let (sku, location) = (pool.sku().to_string(), location.to_string());
                table.write(&StockRow { row, sku, location, count: Count::Units(units - owed) })?;
            }
        }
        if !full {
            break;
        }
    }
    table.finish()?.flush()?;
    Ok(())
}

/// Units still open of the order that a count below zero became.
fn owed(reader: &mut dyn Read, tenant: &TenantId, location: &LocationId, pool: &Pool) -> anyhow::Result<i64> {
    let reference = Some(owed_reference(location, pool.sku()).into());
    let filter = ledger::OrderFilter { reference, ..ledger::OrderFilter::default() };
    let found = reader.order_page(tenant, &filter, None, 1)?;
    let orders = reader.orders(tenant, &found)?;
    Ok(orders.iter().flat_map(|order| &order.lines).map(model::order::Line::open).sum())
}

fn export_supplies(reader: &mut dyn Read, tenant: &TenantId, out: impl Write) -> anyhow::Result<()> {
    let mut table = supplies::writer(out)?;
    let (mut row, mut undated, mut after) = (1, 0_u64, None);
    loop {
        let page = reader.supply_page(tenant, None, false, after, PAGE)?;
        let full = page.len() == PAGE;
        after = page.last().map(|supply| supply.id);
        for supply in page.into_iter().filter(|supply| supply.state == supply::SupplyState::Due) {
            let kind = match supply.kind {
                supply::SupplyKind::PurchaseOrder => SupplyKind::PurchaseOrder,
                supply::SupplyKind::ProductionRun => SupplyKind::ProductionRun,
                supply::SupplyKind::Transfer => SupplyKind::Transfer,
                _ => continue,
            };
            let Some(expected_on) = supply.expected_on else {
                undated += 1;
                continue;
            };
            row += 1;
            table.write(&SupplyRow {
                row,
                // The table needs a reference to know a supply again; its id is one.
                reference: supply.reference.map_or_else(|| supply.id.to_string(), |text| text.to_string()),
                sku: supply.sku.to_string(),
                location: supply.location.to_string(),
                kind,
                quantity: supply.quantity,
                expected_on,
                supplier: supply.supplier.map(|text| text.to_string()),
            })?;
        }
        if !full {
            break;
        }
    }
    table.finish()?.flush()?;
    if undated > 0 {
        output::note(&format!("{undated} supplies have no date and are left out: the table needs one"));
    }
    Ok(())
}

/// Open lines with their open units: what is still owed.
fn export_orders(reader: &mut dyn Read, tenant: &TenantId, out: impl Write) -> anyhow::Result<()> {
    let filter = ledger::OrderFilter::default();
    let (mut row, mut before) = (1, None);
    let mut first: Option<Currency> = None;
    let mut rows = Vec::new();
    loop {
        let page = reader.order_page(tenant, &filter, before, PAGE)?;
        let full = page.len() == PAGE;
        before = page.last().copied();
        for order in reader.orders(tenant, &page)? {
            let contact = reader.contact(tenant, order.id)?.unwrap_or_default();
            let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
            for line in order.lines.iter().rev().filter(|line| line.open() > 0) {
                row += 1;
                first = first.or(line.unit_price.map(|price| currency(Some(price))));
                rows.push(OrderRow {
                    row,
                    reference: order.reference.as_deref().map_or_else(|| order.id.to_string(), str::to_owned),
                    placed_at: Some(PlacedAt::Instant(order.placed_at)),
                    email: text(&contact.email),
                    name: text(&contact.name),
                    country: text(&order.country),
                    postcode: text(&contact.postcode),
                    sku: line.sku.to_string(),
                    quantity: line.open(),
                    unit_price: line.unit_price.map(|price| price.amount),
                });
            }
        }
        if !full {
            break;
        }
    }
    let mut table = orders::writer(out, first.unwrap_or(Currency::USD))?;
    // Pages came newest first, and each order's last line first; the oldest order stands first in the file, as in every
    // queue.
    rows.iter().rev().try_for_each(|row| table.write(row))?;
    table.finish()?.flush()?;
    Ok(())
}
