//! `shipwhen plan`: what to order, when, from whom, and what that earns.

use std::process::ExitCode;

use connect::tables::{
    money,
    purchases::{PurchaseRow, writer},
};
use evidence::{History, LeadSource, PurchaseTerms, purchase_question, within_budget};
use insight::purchase::{Purchase, purchase};
use ledger::{Read, Shelf};
use model::{
    id::{Sku, TenantId},
    pool::Pool,
    purchasing::{PURCHASE_TERMS, SUPPLIER_TERMS, SupplierTerms},
    time::{Date, Timestamp, Zone, date_from_days, days_since_epoch, local_date},
};
use serde::Serialize;

use crate::{cli::PlanArgs, config::Settings, house, output};

/// Pools read at once.
const PAGE: usize = 500;

/// One SKU's answer.
#[derive(Serialize)]
struct Line {
    sku: String,
    title: String,
    supplier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
}

#[derive(Serialize)]
struct Order {
    order_on: Date,
    expected_on: Date,
    lead_time_days: f64,
    lead_time_from: LeadSource,
    on_hand: i64,
    inbound: i64,
    owed: i64,
    waiting: i64,
    currency: String,
    cost: f64,
    within_budget: bool,
    #[serde(flatten)]
    purchase: Purchase,
}

/// Plans, and prints a table, a draft order or JSON.
pub(crate) fn run(settings: &Settings, args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let house = house::House::open_existing(settings)?;
    let tenant = house.tenant(settings)?.id;
    let mut lines = of_store(&mut *house.store.reader()?, &tenant, house::now())?;
    if let Some(supplier) = &args.supplier {
        lines.retain(|line| line.supplier.as_deref() == Some(supplier));
    }
    if let Some(cash) = args.cash_max {
        budget(&mut lines, cash);
    }
    if !args.all {
        lines.retain(|line| line.order.as_ref().is_some_and(|order| order.purchase.quantity > 0));
    }
    let worth = |line: &Line| line.order.as_ref().map_or(0.0, |order| order.purchase.expected_profit);
    lines.sort_by(|a, b| {
        a.supplier.cmp(&b.supplier).then(worth(b).total_cmp(&worth(a))).then(a.sku.cmp(&b.sku))
    });
    if settings.json {
        output::json(&lines);
    } else if args.draft {
        draft(&lines)?;
    } else {
        table(&lines);
    }
    Ok(ExitCode::SUCCESS)
}

fn of_store(store: &mut dyn Read, tenant: &TenantId, now: Timestamp) -> anyhow::Result<Vec<Line>> {
    let mut history = History::default();
    history.go_on(store, tenant)?;
    let whole = history.whole(now);
    let today = local_date(now, &Zone::utc());
    let (mut lines, mut after) = (Vec::new(), None::<Sku>);
    loop {
        let page = store.pool_page(tenant, after.as_ref(), PAGE)?;
        let ids: Vec<&str> = page.iter().map(|pool| pool.sku().as_str()).collect();
        let terms = store.records(tenant, Shelf::Ledger, PURCHASE_TERMS, &ids)?;
        let mut names: Vec<&str> = page.iter().filter_map(|pool| pool.item.supplier.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        let calendars = store.records(tenant, Shelf::Ledger, SUPPLIER_TERMS, &names)?;
        for pool in &page {
            let set = terms.iter().find(|record| *record.id == *pool.sku().as_str());
            let set: PurchaseTerms = set.and_then(|record| record.read().ok().flatten()).unwrap_or_default();
            let asked = purchase_question(pool, &set, (&history, &whole), now);
            let calendar = pool.item.supplier.as_ref();
            let calendar = calendar.and_then(|name| calendars.iter().find(|record| record.id == *name));
            let calendar: SupplierTerms =
                calendar.and_then(|record| record.read().ok().flatten()).unwrap_or_default();
            let order = asked.and_then(|mut question| {
                question.keep_to(&calendar, today);
                let found = purchase(&question.input).map_err(|error| error.to_string())?;
                Ok(order(pool, &question, found, today))
            });
            let (order, refused) = match order {
                Ok(order) => (Some(order), None),
                Err(why) => (None, Some(why)),
            };
            lines.push(Line {
                sku: pool.sku().to_string(),
                title: pool.item.title.to_string(),
                supplier: pool.item.supplier.as_ref().map(ToString::to_string),
                refused,
                order,
            });
        }
        match page.last().filter(|_| page.len() == PAGE) {
            Some(last) => after = Some(last.sku().clone()),
            None => return Ok(lines),
        }
    }
}

fn order(pool: &Pool, question: &evidence::PurchaseQuestion, found: Purchase, today: Date) -> Order {
    let on = |days: f64| {
        date_from_days(days_since_epoch(today).saturating_add(days.clamp(0.0, 36_500.0) as i32))
            .unwrap_or(today)
    };
    let currency = pool.item.unit_cost.as_ref().map_or("", |cost| cost.currency.code()).to_owned();
    Order {
        order_on: on(found.order_in_days),
        expected_on: on(found.order_in_days + question.input.lead_days.ceil()),
        lead_time_days: question.input.lead_days,
        lead_time_from: question.lead_source,
        on_hand: question.on_hand,
        inbound: question.inbound,
        owed: question.owed,
        waiting: question.waiting,
        currency,
        cost: found.quantity as f64 * found.unit_cost,
        within_budget: true,
        purchase: found,
    }
}

/// Marks what the money does not reach for; orders that are not due yet need none now.
fn budget(lines: &mut [Line], cash: f64) {
    let due = |order: &&mut Order| order.purchase.quantity > 0 && order.purchase.order_in_days < 1.0;
    let mut orders: Vec<&mut Order> =
        lines.iter_mut().filter_map(|line| line.order.as_mut()).filter(due).collect();
    let worth: Vec<(f64, f64)> =
        orders.iter().map(|order| (order.cost, order.purchase.expected_profit)).collect();
    let within = within_budget(&worth, cash);
    for (place, order) in orders.iter_mut().enumerate() {
        order.within_budget = within.contains(&place);
    }
}

fn table(lines: &[Line]) {
    output::line(&format!(
        "{:20} {:16} {:>8} {:10} {:10} {:>10} {:>10} {:>7} {:>9}",
        "sku", "supplier", "order", "on", "here", "cost", "earns", "covers", "next lot"
    ));
    for line in lines {
        let supplier = line.supplier.as_deref().unwrap_or("-");
        match (&line.order, &line.refused) {
            (Some(order), _) => {
                let found = &order.purchase;
                let budget = if order.within_budget { "" } else { "  beyond the budget" };
                output::line(&format!(
                    "{:20} {supplier:16} {:>8} {:10} {:10} {:>10.2} {:>10.2} {:>6.0}% {:>9.2}{budget}",
                    line.sku,
                    found.quantity,
                    order.order_on,
                    order.expected_on,
                    order.cost,
                    found.expected_profit,
                    found.covered * 100.0,
                    found.next_lot_profit
                ));
            }
            (None, why) => {
                output::line(&format!("{:20} {supplier:16} {}", line.sku, why.as_deref().unwrap_or("")));
            }
        }
    }
}

/// A draft order as CSV, safe to open in a spreadsheet.
fn draft(lines: &[Line]) -> anyhow::Result<()> {
    let mut table = writer(std::io::stdout().lock())?;
    for line in lines {
        let Some(order) = line.order.as_ref().filter(|order| order.within_budget) else { continue };
        let Some(currency) = money::currency(&order.currency) else { continue };
        let minor = |value: f64| (value * 10_f64.powi(i32::from(currency.decimals()))).round() as i64;
        table.write(&PurchaseRow {
            supplier: line.supplier.clone().unwrap_or_default(),
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: order.purchase.quantity,
            unit_cost: minor(order.purchase.unit_cost),
            cost: minor(order.cost),
            currency,
            order_on: order.order_on.to_string(),
            expected_on: order.expected_on.to_string(),
        })?;
    }
    drop(table.finish()?);
    Ok(())
}
