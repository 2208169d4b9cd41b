//! Orders and what came of them, read from the tables that shops have.

use std::collections::BTreeMap;

use super::moment::{day_of_week, days};
use crate::{
    error::{Checked, bad},
    table::Table,
};

/// What days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// From purchase to delivery.
    SincePurchase,
    /// From the scheduled day to delivery; early is negative.
    PastSchedule,
}

/// One order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    /// When it was placed, in days.
    pub(super) placed: f64,
    /// When it was delivered; none where the file does not say.
    pub(super) delivered: Option<f64>,
    /// What is foretold, where it is known.
    pub(super) days: Option<f64>,
    /// The same as the seller said it at the purchase.
    pub(super) quoted: Option<f64>,
    /// What it has in common with others, the narrowest first; empty text is unknown.
    pub(super) groups: Vec<String>,
    /// What else was known at the purchase.
    pub(super) numbers: Vec<f64>,
}

/// Orders of one kind, in the order of their files.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Orders {
    pub(super) kind: Kind,
    pub(super) orders: Vec<Order>,
}

/// The tables that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Marketplace orders, with the lines of another table where that is given.
    Orders,
    /// Approved orders with the promised and the actual day.
    PromiseDates,
    /// Lines of purchase orders with their scheduled and their actual day.
    Schedules,
}

impl Kind {
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Orders | Self::PromiseDates => Measure::SincePurchase,
            Self::Schedules => Measure::PastSchedule,
        }
    }

    fn of(table: &Table) -> Option<Self> {
        let has = |column: &str| table.find(column).is_some();
        if has("order_purchase_timestamp") {
            Some(Self::Orders)
        } else if has("scheduled_delivery_date") {
            Some(Self::Schedules)
        } else if has("order_approved_at") {
            Some(Self::PromiseDates)
        } else {
            None
        }
    }
}

/// Reads the delivered orders of some tables: all of one kind, and for marketplace orders tables of their lines.
///
/// Where a file has no day of delivery at all, as when it is still to be foretold, every order that is called delivered counts.
/// Errors: no table, or none with rows; a table of no known kind, or of another kind than the first; a column that is missing; a
/// date or number that is none, by row and column.
pub(super) fn read(field: &str, tables: &[Table]) -> Checked<Orders> {
    let mut lines = BTreeMap::new();
    let mut kinds = Vec::new();
    for table in tables {
        table.not_empty()?;
        if table.find("order_item_id").is_some() {
            read_lines(table, &mut lines)?;
            continue;
        }
        let Some(kind) = Kind::of(table) else {
            return bad(
                table.name(),
                "is none of the known tables: it has none of the columns order_purchase_timestamp, order_approved_at, \
                 scheduled_delivery_date, order_item_id",
            );
        };
        kinds.push((kind, table));
    }
    let Some(&(kind, _)) = kinds.first() else {
        return bad(field, "names no table of orders");
    };
    let mut orders = Vec::new();
    for (other, table) in kinds {
        if other != kind {
            return bad(table.name(), "is another kind of table than the first");
        }
        match kind {
            Kind::Orders => read_orders(table, &lines, &mut orders)?,
            Kind::PromiseDates => read_promise_dates(table, &mut orders)?,
            Kind::Schedules => read_schedules(table, &mut orders)?,
        }
    }
    Ok(Orders { kind, orders })
}

/// The lines of one order, summed up.
#[derive(Default)]
struct Lines {
    count: f64,
    price: f64,
    freight: f64,
    grams: f64,
    seller: String,
    state: String,
    category: String,
}

fn read_lines(table: &Table, lines: &mut BTreeMap<String, Lines>) -> Checked<()> {
    let order = table.column("order_id")?;
    let [price, freight] = [table.column("price")?, table.column("freight_value")?];
    let [seller, state] = [table.column("seller_id")?, table.column("seller_state")?];
    let (grams, category) = (table.find("product_weight_g"), table.find("product_category_name"));
    for row in 0..table.rows() {
        let line: &mut Lines = lines.entry(table.text(row, order).to_owned()).or_default();
        if line.count == 0.0 {
            line.seller = table.text(row, seller).to_owned();
            line.state = table.text(row, state).to_owned();
            line.category = category.map_or("", |column| table.text(row, column)).to_owned();
        }
        let sum = |column: usize| Ok(table.number(row, column)?.unwrap_or(f64::NAN));
        line.count += 1.0;
        line.price += sum(price)?;
        line.freight += sum(freight)?;
        line.grams += grams.map_or(Ok(f64::NAN), sum)?;
    }
    Ok(())
}

fn read_orders(table: &Table, lines: &BTreeMap<String, Lines>, orders: &mut Vec<Order>) -> Checked<()> {
    let [id, status] = [table.column("order_id")?, table.column("order_status")?];
    let [purchase, estimate] =
        [table.column("order_purchase_timestamp")?, table.column("order_estimated_delivery_date")?];
    let delivered = table.column("order_delivered_customer_date")?;
    let state = table.find("customer_state");
    let (known, nothing) = (any(table, delivered), Lines::default());
    for row in 0..table.rows() {
        let arrived = moment(table, row, delivered)?;
        if table.text(row, status) != "delivered" || known && arrived.is_none() {
            continue;
        }
        let placed = needed(table, row, purchase)?;
        let line = lines.get(table.text(row, id)).unwrap_or(&nothing);
        let to = state.map_or("", |column| table.text(row, column));
        let lane = if line.state.is_empty() { to.to_owned() } else { format!("{} > {to}", line.state) };
        orders.push(Order {
            placed,
            delivered: arrived,
            days: arrived.map(|arrived| arrived.floor() - placed.floor()),
            quoted: moment(table, row, estimate)?.map(|day| day.floor() - placed.floor()),
            groups: vec![lane, to.to_owned(), line.state.clone(), line.seller.clone(), line.category.clone()],
            numbers: vec![
                day_of_week(placed),
                line.price,
                line.freight,
                line.grams,
                line.count,
                f64::from(line.state == to),
            ],
        });
    }
    Ok(())
}

fn read_promise_dates(table: &Table, orders: &mut Vec<Order>) -> Checked<()> {
    let status = table.column("order_status")?;
    let [approved, estimate] =
        [table.column("order_approved_at")?, table.column("order_estimated_delivery_date")?];
    let delivered = table.column("order_delivered_customer_date")?;
    let known = any(table, delivered);
    for row in 0..table.rows() {
        let arrived = moment(table, row, delivered)?;
        if table.text(row, status) != "delivered" || known && arrived.is_none() {
            continue;
        }
        let placed = needed(table, row, approved)?;
        orders.push(Order {
            placed,
            delivered: arrived,
            days: arrived.map(|arrived| arrived.floor() - placed.floor()),
            quoted: moment(table, row, estimate)?.map(|day| day.floor() - placed.floor()),
            groups: Vec::new(),
            numbers: vec![day_of_week(placed)],
        });
    }
    Ok(())
}

fn read_schedules(table: &Table, orders: &mut Vec<Order>) -> Checked<()> {
    let [scheduled, delivered] =
        [table.column("scheduled_delivery_date")?, table.column("delivered_to_client_date")?];
    let [vendor, country] = [table.column("vendor")?, table.column("country")?];
    let placing: Vec<usize> = ["po_sent_to_vendor_date", "pq_first_sent_to_client_date"]
        .iter()
        .filter_map(|column| table.find(column))
        .collect();
    let groups: Vec<usize> = ["shipment_mode", "fulfill_via", "manufacturing_site", "sub_classification"]
        .iter()
        .filter_map(|column| table.find(column))
        .collect();
    let numbers: Vec<usize> = ["line_item_quantity", "line_item_value", "unit_price"]
        .iter()
        .filter_map(|column| table.find(column))
        .collect();
    let known = any(table, delivered);
    let from = orders.len();
    for row in 0..table.rows() {
        let arrived = moment(table, row, delivered)?;
        if known && arrived.is_none() {
            continue;
        }
        let due = needed(table, row, scheduled)?;
        // These columns also say in words why there is no date.
        let placed = placing.iter().find_map(|&column| days(table.text(row, column)));
        let text = |column: usize| table.text(row, column).to_owned();
        let mut names = vec![format!("{} > {}", text(vendor), text(country)), text(vendor), text(country)];
        names.extend(groups.iter().map(|&column| text(column)));
        let mut values =
            vec![placed.map_or(f64::NAN, |placed| due - placed), (due / 365.25).fract(), day_of_week(due)];
        for &column in &numbers {
            values.push(table.number(row, column)?.unwrap_or(f64::NAN));
        }
        orders.push(Order {
            // Where it is not known, the schedule's own day until the usual notice is.
            placed: placed.unwrap_or(due),
            delivered: arrived,
            days: arrived.map(|arrived| arrived.floor() - due.floor()),
            quoted: Some(0.0),
            groups: names,
            numbers: values,
        });
    }
    place_early(&mut orders[from..]);
    Ok(())
}

/// Places orders whose day of placing is not known as early as nine of ten others are, before their schedule: later would let
/// them learn from what had not been delivered when they were placed.
fn place_early(orders: &mut [Order]) {
    let mut notices: Vec<f64> =
        orders.iter().map(|order| order.numbers[0]).filter(|notice| !notice.is_nan()).collect();
    notices.sort_by(f64::total_cmp);
    let notice = if notices.is_empty() { 365.0 } else { notices[(notices.len() - 1) * 9 / 10] };
    for order in orders.iter_mut().filter(|order| order.numbers[0].is_nan()) {
        order.placed -= notice;
    }
}

fn any(table: &Table, column: usize) -> bool {
    (0..table.rows()).any(|row| !table.text(row, column).is_empty())
}

fn moment(table: &Table, row: usize, column: usize) -> Checked<Option<f64>> {
    let text = table.text(row, column);
    if text.is_empty() {
        return Ok(None);
    }
    match days(text) {
        Some(days) => Ok(Some(days)),
        None => table.refuse(row, column, "must be a date, as 2026-12-01 or 2026-12-01 09:00:00"),
    }
}

fn needed(table: &Table, row: usize, column: usize) -> Checked<f64> {
    match moment(table, row, column)? {
        Some(days) => Ok(days),
        None => table.refuse(row, column, "must not be empty"),
    }
}
