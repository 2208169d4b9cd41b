//! What we owe: orders, units and money, what comes next and for whom.
//!
//! A line's date follows from the supply behind it, so the page asks for one date a supply and not for one a line.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::{BacklogSku, BacklogSupply, QueueRow};
use model::{
    Units,
    id::{Sku, SupplyId},
    item::Policy,
    money::Money,
    order::Dates,
    pool::Pool,
    state::Shop,
    supply::{Claim, Supply, SupplyKind},
    time::{Date, Timestamp, Zone, local_date},
};

use super::{
    Ask, Frame,
    chart::{ABOVE, Bar, TALL, bars, share},
    count::{Count, Counts},
    desk::duties::{Lacking, Task, tasks},
    error::Fail,
    page, see_other,
    words::{self, Day},
};
use crate::staff::May;

/// SKUs in the table; the rest is one row.
const SKUS_SHOWN: usize = 50;
/// SKUs that are not folded.
const FIRST_SHOWN: usize = 12;
/// Bars in the chart; beyond them, days become weeks and the last bar is everything later.
const BARS_MAX: usize = 14;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "owe.html")]
pub(super) struct Owe {
    frame: Frame,
    /// When it was counted: `14:03:22`, on the shop's clock.
    at: String,
    /// A newer count is on its way.
    is_recounting: bool,
    /// What needs somebody, the most urgent first.
    tasks: Vec<Task>,
    figures: Vec<Figure>,
    dates: Vec<DateRow>,
    /// What the chart's steps are: days or weeks.
    step: &'static str,
    skus: Vec<SkuRow>,
    /// So many of them are not folded.
    first_shown: usize,
    rest: Option<SkuRow>,
    arrivals: Vec<Arrival>,
    short: Vec<Short>,
    has_kits: bool,
    chart_height: i64,
    chart_base: i64,
}

/// A headline number.
struct Figure {
    label: &'static str,
    value: String,
    note: String,
    is_alarm: bool,
}

/// What ships at one time.
struct DateRow {
    label: String,
    /// What stands under its bar, line by line.
    upper: String,
    lower: String,
    /// A third line, where the year is another than today's.
    year: String,
    units: Units,
    lines: i64,
    bar: Bar,
    tone: &'static str,
}

struct SkuRow {
    sku: String,
    href: String,
    title: String,
    units: Units,
    lines: i64,
    orders: i64,
    money: String,
    /// When the next of it ships.
    next: String,
    next_iso: String,
    late: i64,
}

struct Arrival {
    href: String,
    day: Day,
    is_overdue: bool,
    title: String,
    kind: &'static str,
    from: String,
    units: Units,
    promised: Units,
    held: Units,
    free: Units,
    share: String,
    ships: String,
    heads: Vec<Head>,
    more: i64,
}

struct Head {
    who: String,
    units: Units,
}

/// Units promised with no goods behind them.
struct Short {
    title: String,
    sku: String,
    units: Units,
    lines: i64,
}

/// `GET /`.
pub(super) fn answer(ask: &Ask, counts: &Arc<Counts>) -> Result<Response, Fail> {
    let Some(visitor) = ask.visitor()? else {
        return page(StatusCode::OK, &Home { frame: Frame::new(None, "", false, false) });
    };
    if !visitor.role.may(May::Look) {
        return see_other("/packing");
    }
    let tenant = &visitor.tenant;
    let snapshots = ask.app.engine.snapshots();
    let locations = snapshots.locations(tenant)?;
    let zone = locations.values().next().map_or_else(Zone::utc, |location| location.time_zone.clone());
    let today = local_date(ask.now, &zone);
    let (count, is_recounting) = counts.get(&ask.app, tenant, today, ask.now)?;
    let shop = snapshots.shop(tenant, &skus(&count))?;
    let frame = Frame::of(ask, &visitor, "today");
    page(StatusCode::OK, &view(frame, &shop, &count, is_recounting, &zone, ask.now))
}

/// Every SKU the page speaks of: what was ordered, and whose pools the goods come from.
fn skus(count: &Count) -> Vec<Sku> {
    let ordered = count.backlog.skus.iter().map(|row| &row.sku);
    let pools = count.backlog.supplies.iter().map(|row| &row.sku);
    let arrivals = count.arrivals.iter().map(|supply| &supply.sku).chain(count.duties.skus());
    let mut skus: Vec<Sku> = ordered.chain(pools).chain(arrivals).cloned().collect();
    skus.sort_unstable();
    skus.dedup();
    skus
}

/// Makes the page from what was counted and the pools behind it.
pub(super) fn view(
    frame: Frame,
    shop: &Shop,
    count: &Count,
    is_recounting: bool,
    zone: &Zone,
    now: Timestamp,
) -> Owe {
    let today = local_date(now, zone);
    let supplies: BTreeMap<SupplyId, Behind<'_>> = count
        .backlog
        .supplies
        .iter()
        .filter_map(|row| Some((row.supply, Behind::of(shop, row, now)?)))
        .collect();
    let (dates, step) = date_rows(supplies.values(), today);
    let mut rows: Vec<&BacklogSku> = count.backlog.skus.iter().collect();
    rows.sort_by_key(|row| (-row.late_lines, -row.units, row.sku.clone()));
    let skus = rows.iter().take(SKUS_SHOWN).map(|row| sku_row(shop, row, &supplies, today)).collect();
    let left = rows.get(SKUS_SHOWN..).unwrap_or_default();
    let short = supplies.values().filter(|behind| behind.supply.kind == SupplyKind::Shortfall);
    let clock = model::time::local_time(count.at, zone);
    Owe {
        frame,
        at: format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second()),
        is_recounting,
        tasks: tasks(&count.duties, shop, lacking(&supplies), today),
        figures: figures(count, &supplies),
        dates,
        step,
        skus,
        first_shown: FIRST_SHOWN,
        rest: (!left.is_empty()).then(|| rest_row(left)),
        arrivals: count.arrivals.iter().map(|supply| arrival(shop, count, supply, today, now)).collect(),
        short: short.map(|behind| behind.short(shop)).collect(),
        has_kits: has_kits(&supplies),
        chart_height: ABOVE + TALL + 54,
        chart_base: ABOVE + TALL,
    }
}

/// A supply with what is owed from it.
struct Behind<'a> {
    row: &'a BacklogSupply,
    supply: &'a Supply,
    ships: Dates,
}

impl<'a> Behind<'a> {
    /// `None` where the supply was closed since it was counted.
    fn of(shop: &'a Shop, row: &'a BacklogSupply, now: Timestamp) -> Option<Self> {
        let pool = shop.pool(&row.sku)?;
        let supply = pool.supply(row.supply)?;
        Some(Self { row, supply, ships: ships(shop, pool, supply, now) })
    }

    fn short(&self, shop: &Shop) -> Short {
        Short {
            title: words::title(shop, &self.row.sku),
            sku: self.row.sku.to_string(),
            units: self.row.units,
            lines: self.row.lines,
        }
    }
}

/// When a supply ships to those who wait for it: not before the latest release date that any of them was sold under.
fn ships(shop: &Shop, pool: &Pool, supply: &Supply, now: Timestamp) -> Dates {
    let release = |claim: &Claim| {
        let kit = claim.kit.as_ref().and_then(|kit| shop.pool(kit));
        let of = |pool: &Pool| policy(pool, claim).and_then(|policy| policy.release_date);
        of(pool).max(kit.and_then(of))
    };
    let release = supply.claims.iter().map(release).max().flatten();
    let location = shop.locations.get(&supply.location);
    location.map_or(Dates::UNKNOWN, |location| promise::supply_ship_by(supply, location, release, now))
}

fn policy<'p>(pool: &'p Pool, claim: &Claim) -> Option<&'p Policy> {
    pool.policy_for(&claim.channel).map(|policy| &**policy)
}

/// What is promised without goods behind it.
fn lacking(supplies: &BTreeMap<SupplyId, Behind<'_>>) -> Lacking {
    let short = supplies.values().filter(|behind| behind.supply.kind == SupplyKind::Shortfall);
    short.fold(Lacking::default(), |sum, behind| Lacking {
        units: sum.units + behind.row.units,
        lines: sum.lines + behind.row.lines,
    })
}

fn has_kits(supplies: &BTreeMap<SupplyId, Behind<'_>>) -> bool {
    supplies.values().flat_map(|behind| &behind.supply.claims).any(|claim| claim.kit.is_some())
}

fn figures(count: &Count, supplies: &BTreeMap<SupplyId, Behind<'_>>) -> Vec<Figure> {
    let backlog = &count.backlog;
    let units: Units = backlog.skus.iter().map(|row| row.units).sum();
    let here: Units =
        supplies.values().filter(|behind| behind.supply.is_on_hand()).map(|behind| behind.row.units).sum();
    // A kit is one unit of what is owed and several of what is here.
    let here = match has_kits(supplies) {
        true => format!("{} here, kits by their components", words::count(here)),
        false => format!("{} here, ready to ship", words::count(here)),
    };
    let value = total(&backlog.skus.iter().collect::<Vec<_>>());
    let money = value.first().map_or_else(|| "—".to_owned(), |first| words::money(*first));
    let more = value.get(1..).unwrap_or_default();
    vec![
        Figure {
            label: "Orders owed",
            value: words::count(backlog.orders),
            note: words::counted(backlog.lines, "open line", "open lines"),
            is_alarm: false,
        },
        Figure { label: "Units owed", value: words::count(units), note: here, is_alarm: false },
        Figure {
            label: "Money owed",
            value: money,
            note: if more.is_empty() {
                "in goods still to be sent".to_owned()
            } else {
                format!("and {}", words::sums(more))
            },
            is_alarm: false,
        },
        Figure {
            label: "Late promises",
            value: words::count(backlog.late_lines),
            note: match backlog.late_lines {
                0 => "no date we gave has passed".to_owned(),
                _ => format!("in {}", words::counted(backlog.late_orders, "order", "orders")),
            },
            is_alarm: backlog.late_lines > 0,
        },
    ]
}

/// Sums of money by currency; a sum beyond all bounds stays at what it was.
fn total(rows: &[&BacklogSku]) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for money in rows.iter().flat_map(|row| &row.value) {
        match sums.iter_mut().find(|sum| sum.currency == money.currency) {
            Some(sum) => *sum = sum.checked_add(*money).unwrap_or(*sum),
            None => sums.push(*money),
        }
    }
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.amount));
    sums
}

/// Where units stand on the time line, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Here,
    On(Date),
    Later,
    Unknown,
}

fn date_rows<'a>(
    supplies: impl Iterator<Item = &'a Behind<'a>>,
    today: Date,
) -> (Vec<DateRow>, &'static str) {
    let mut sums: BTreeMap<When, (Units, i64)> = BTreeMap::new();
    for behind in supplies {
        let when = match behind.ships.promised {
            _ if behind.supply.is_on_hand() => When::Here,
            Some(date) => When::On(date),
            None => When::Unknown,
        };
        let sum = sums.entry(when).or_default();
        *sum = (sum.0 + behind.row.units, sum.1 + behind.row.lines);
    }
    let is_weekly = sums.len() > BARS_MAX;
    if is_weekly {
        sums = by_week(sums);
    }
    let bars = bars(&sums.values().map(|(units, _)| *units).collect::<Vec<_>>());
    let rows = sums
        .into_iter()
        .zip(bars)
        .map(|((when, (units, lines)), bar)| {
            let (label, [upper, lower, year], tone) = labels(when, is_weekly, today);
            DateRow { label, upper, lower, year, units, lines, bar, tone }
        })
        .collect();
    (rows, if is_weekly { "week" } else { "day" })
}

/// Puts days together by the Monday before them, and what does not fit at the end.
fn by_week(days: BTreeMap<When, (Units, i64)>) -> BTreeMap<When, (Units, i64)> {
    let add = |sums: &mut BTreeMap<When, (Units, i64)>, when, (units, lines): (Units, i64)| {
        let sum: &mut (Units, i64) = sums.entry(when).or_default();
        *sum = (sum.0 + units, sum.1 + lines);
    };
    let mut weeks = BTreeMap::new();
    for (when, sum) in days {
        let when = match when {
            When::On(date) => When::On(monday(date)),
            other => other,
        };
        add(&mut weeks, when, sum);
    }
    let mut fitting = BTreeMap::new();
    for (at, (when, sum)) in weeks.into_iter().enumerate() {
        let when = match when {
            When::On(_) if at >= BARS_MAX - 2 => When::Later,
            other => other,
        };
        add(&mut fitting, when, sum);
    }
    fitting
}

fn monday(date: Date) -> Date {
    let mut monday = date;
    while monday.weekday() != model::time::Weekday::Monday {
        let Ok(before) = monday.yesterday() else { break };
        monday = before;
    }
    monday
}

fn labels(when: When, is_weekly: bool, today: Date) -> (String, [String; 3], &'static str) {
    let fixed = |label: &str, upper: &str, lower: &str, tone| {
        (label.to_owned(), [upper, lower, ""].map(str::to_owned), tone)
    };
    match when {
        When::Here => fixed("Here, ready to ship", "Here", "now", "here"),
        When::Later => fixed("Later", "Later", "", "later"),
        When::Unknown => fixed("No date yet", "No", "date", "none"),
        When::On(date) => {
            let text = Day::of(date, Some(today)).text;
            let mut words = text.split(' ').map(str::to_owned);
            let under = std::array::from_fn(|_| words.next().unwrap_or_default());
            (if is_weekly { format!("Week of {text}") } else { text.clone() }, under, "later")
        }
    }
}

fn sku_row(shop: &Shop, row: &BacklogSku, supplies: &BTreeMap<SupplyId, Behind<'_>>, today: Date) -> SkuRow {
    let next = row.supplies.iter().filter_map(|id| supplies.get(id)?.ships.promised).min();
    let next = next.map(|date| Day::of(date, Some(today)));
    SkuRow {
        sku: row.sku.to_string(),
        href: format!("/products/{}", super::shop::encoded(row.sku.as_str())),
        title: words::title(shop, &row.sku),
        units: row.units,
        lines: row.lines,
        orders: row.orders,
        money: if row.value.is_empty() { "—".to_owned() } else { words::sums(&row.value) },
        next_iso: next.as_ref().map_or_else(String::new, |day| day.iso.clone()),
        next: next.map_or_else(|| "No date yet".to_owned(), |day| day.text),
        late: row.late_lines,
    }
}

fn rest_row(left: &[&BacklogSku]) -> SkuRow {
    let value = total(left);
    SkuRow {
        sku: String::new(),
        href: String::new(),
        title: format!("{} more products", words::count(i64::try_from(left.len()).unwrap_or(0))),
        units: left.iter().map(|row| row.units).sum(),
        lines: left.iter().map(|row| row.lines).sum(),
        orders: 0,
        money: if value.is_empty() { "—".to_owned() } else { words::sums(&value) },
        next: String::new(),
        next_iso: String::new(),
        late: left.iter().map(|row| row.late_lines).sum(),
    }
}

fn arrival(shop: &Shop, count: &Count, supply: &Supply, today: Date, now: Timestamp) -> Arrival {
    let date = supply.expected_on.unwrap_or(today);
    let lines = count.backlog.supplies.binary_search_by_key(&supply.id, |row| row.supply);
    let lines = lines.ok().and_then(|at| count.backlog.supplies.get(at)).map_or(0, |row| row.lines);
    let heads: Vec<Head> = count.heads.get(&supply.id).into_iter().flatten().map(head).collect();
    let ships = shop.pool(&supply.sku).map(|pool| ships(shop, pool, supply, now)).unwrap_or_default();
    let from = [supply.supplier.as_deref(), supply.reference.as_deref()];
    Arrival {
        href: format!("/supply/{}", supply.id),
        day: Day::of(date, Some(today)),
        is_overdue: date < today,
        title: words::title(shop, &supply.sku),
        kind: words::kind(supply.kind),
        from: from.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        units: supply.quantity,
        promised: supply.pegged(),
        held: supply.held(),
        free: supply.open(),
        share: share(supply.pegged() + supply.held(), supply.quantity),
        ships: Day::promised(ships, Some(today)).map_or_else(String::new, |day| day.text),
        more: lines - i64::try_from(heads.len()).unwrap_or(0),
        heads,
    }
}

fn head(row: &QueueRow) -> Head {
    let number = row.reference.as_ref().map_or_else(|| short_id(&row.line.order), ToString::to_string);
    let name = row.contact.name.as_deref().and_then(first_name);
    let who = name.map_or_else(|| number.clone(), |name| format!("{number} {name}"));
    Head { who, units: row.quantity }
}

/// What a name begins with: enough to recognise, little enough to show.
pub(crate) fn first_name(name: &str) -> Option<&str> {
    name.split_whitespace().next()
}

/// An order's id as people may say it, where the shop has no number of its own for it: its last eight digits before
/// those that are always zero.
pub(super) fn short_id(order: &model::id::OrderId) -> String {
    let text = order.to_string();
    text.get(20..28).unwrap_or(&text).to_uppercase()
}
