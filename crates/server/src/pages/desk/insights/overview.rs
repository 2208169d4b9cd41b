//! `/insights`: demand nobody served, what to expand, whom to trust, how promises were kept, what delay costs, the days ahead in money,
//! and what may go wrong.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::money::{Currency, Money};
use serde::Deserialize;

use super::{
    super::{
        super::{Frame, page, see_other, shop::encoded, words},
        sorry,
    },
    Ask, Fail,
    chart::Chart,
    kept::Overviews,
    part::{Cell, Part, Table, number, percent, share, text},
};
use crate::{
    api::{
        decide::{
            Histories, cash, cash_settings,
            insights::{self, InsightsOut},
            risk,
        },
        params::Offset,
    },
    staff::May,
};

/// Lines of a chart.
const DRAWN: usize = 10;
/// Lines of the tables of risk.
const RISKS: usize = 10;
/// Days ahead in money.
const DAYS: i64 = 91;

#[derive(Template)]
#[template(path = "desk/insights/overview.html")]
struct Overview {
    frame: Frame,
    figures: Vec<(&'static str, String, String)>,
    parts: Vec<Part>,
    /// A newer one is on its way.
    is_recounting: bool,
    /// Cash today as it is set, in its currency, where it may be set.
    opening: Option<(String, String)>,
    problem: Option<String>,
}

/// `GET /insights`.
pub(super) fn answer(
    ask: &Ask,
    histories: &Arc<Histories>,
    overviews: &Arc<Overviews>,
) -> Result<Response, Fail> {
    show(ask, histories, overviews, None)
}

fn show(
    ask: &Ask,
    histories: &Arc<Histories>,
    overviews: &Arc<Overviews>,
    problem: Option<String>,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let (found, is_recounting) = overviews.get(ask, histories, &visitor.tenant)?;
    let opening = found.cash.as_ref().filter(|_| visitor.role.may(May::Goods)).map(|cash| cash.opening);
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let overview = Overview {
        is_recounting,
        figures: found.figures(),
        parts: found.parts(),
        opening: opening.map(|money| (typed(money), money.currency.code().to_owned())),
        problem,
        frame: Frame::of(ask, &visitor, "insights"),
    };
    page(status, &overview)
}

/// An amount as a person types it.
fn typed(money: Money) -> String {
    format!("{:.*}", usize::from(money.currency.decimals()), crate::api::decide::shown::whole(money))
}

/// Cash today, as it was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opening {
    amount: String,
    currency: String,
}

/// `POST /insights/cash/opening`: says what cash begins with; everything else that is set of it stays.
pub(super) fn set_cash(
    ask: &Ask,
    histories: &Arc<Histories>,
    overviews: &Arc<Overviews>,
    wish: &Opening,
) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let currency: Currency = wish.currency.parse().map_err(|_| Fail::Form)?;
    let amount = wish.amount.trim().replace(',', ".").parse::<f64>().ok();
    let Some(amount) = amount.filter(|amount| amount.abs() <= 1e9) else {
        let said = "Cash today must be a number of at most 1000000000.".to_owned();
        return show(ask, histories, overviews, Some(said));
    };
    let mut reader = ask.app.engine.store().reader()?;
    let set = cash_settings::read(&mut *reader, &visitor.tenant, currency)?;
    drop(reader);
    let opening = crate::api::decide::shown::money(amount, currency).amount;
    let set = model::cash::CashSettings { opening, set_at: Some(ask.now), ..set };
    let command = cash_settings::keeping(&set, currency);
    let command = command.map_err(|problem| Fail::Defect(problem.detail().to_owned()))?;
    match ask.command(&visitor.tenant, command, None)? {
        Ok(_) => see_other("/insights#cash"),
        Err(rejection) => show(ask, histories, overviews, Some(sorry(&rejection))),
    }
}

/// `GET /insights/{part}.csv`.
pub(super) fn csv(ask: &Ask, histories: &Histories, file: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let found = Found::read(ask, histories, &visitor.tenant)?;
    let wanted = file.strip_suffix(".csv");
    let part = found.parts().into_iter().find(|part| Some(part.id) == wanted);
    part.ok_or(Fail::NotFound)?.csv()
}

/// Everything that stands on the page.
pub(super) struct Found {
    insights: InsightsOut,
    skus: (Vec<risk::SkuRiskOut>, risk::ModelOut),
    lines: (Vec<risk::LineRiskOut>, risk::ModelOut),
    cash: Option<cash::CashOut>,
}

impl Found {
    pub(super) fn read(ask: &Ask, histories: &Histories, tenant: &model::id::TenantId) -> Result<Self, Fail> {
        let mut reader = ask.app.engine.store().reader()?;
        let store = &mut *reader;
        let insights = insights::look(histories, store, tenant, ask.now)?;
        let (skus, of_skus, _) =
            risk::skus(histories, store, tenant, (ask.now, None), (Offset::default(), RISKS))?;
        let (lines, of_lines, _) =
            risk::lines(histories, store, tenant, (ask.now, &(None, None)), (Offset::default(), RISKS))?;
        let cash = match currency(store, tenant)? {
            Some(currency) => {
                Some(cash::look(histories, store, tenant, cash::Wish::plain(currency, DAYS), ask.now)?)
            }
            None => None,
        };
        Ok(Self { insights, skus: (skus, of_skus), lines: (lines, of_lines), cash })
    }

    fn figures(&self) -> Vec<(&'static str, String, String)> {
        let found = &self.insights;
        let unserved: i64 = found.demand.iter().map(|signal| signal.refused + signal.waiting).sum();
        let value = sum(found.demand.iter().filter_map(|signal| signal.value));
        let kept = found.promises.kept.map_or("–".to_owned(), percent);
        let late = found.promises.days_late;
        let risky = self.skus.0.iter().filter(|risk| risk.probability >= 0.5).count();
        vec![
            (
                "Asked for, not served",
                words::count(unserved),
                value.map_or("units refused or waiting".to_owned(), |value| format!("units, worth {value}")),
            ),
            (
                "Promises kept",
                kept,
                late.map_or("by the date first told".to_owned(), |days| {
                    format!("the others {days:.0} days late in the mean")
                }),
            ),
            (
                "Lost by delay",
                found.delay.units_lost.map_or("–".to_owned(), |units| format!("{units:.0}")),
                match found.delay.units_lost {
                    Some(_) => "units called off beyond what would have been anyway".to_owned(),
                    None => "too little is known yet".to_owned(),
                },
            ),
            (
                "Likely to run out",
                words::count(i64::try_from(risky).unwrap_or(0)),
                "SKUs, at least as likely as not within four weeks".to_owned(),
            ),
        ]
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = vec![
            demand(&self.insights),
            expand(&self.insights),
            suppliers(&self.insights),
            promises(&self.insights),
            delay(&self.insights),
        ];
        parts.extend(self.cash.as_ref().map(cash_part));
        parts.push(sku_risks(&self.skus));
        parts.push(line_risks(&self.lines));
        parts.push(reliability(&self.skus.1, &self.lines.1));
        parts
    }
}

/// The currency of the first SKU that has a price.
fn currency(
    store: &mut dyn ledger::Read,
    tenant: &model::id::TenantId,
) -> Result<Option<Currency>, ledger::StoreError> {
    let pools = store.pool_page(tenant, None, 50)?;
    Ok(pools.iter().find_map(|pool| pool.item.price.as_ref().map(|price| price.currency)))
}

/// Amounts of one currency added up; nothing where there are none, or more than one currency.
fn sum(amounts: impl Iterator<Item = Money>) -> Option<String> {
    let amounts: Vec<Money> = amounts.collect();
    let first = amounts.first()?;
    amounts.iter().all(|money| money.currency == first.currency).then(|| {
        let amount = amounts.iter().fold(0_i64, |sum, money| sum.saturating_add(money.amount));
        words::money(Money { amount, currency: first.currency })
    })
}

fn money(amount: Option<Money>) -> Cell {
    match amount {
        Some(amount) => number(words::money(amount), format!("{} {}", amount.amount, amount.currency.code())),
        None => number("–", ""),
    }
}

fn sku(title: &str, sku: &model::id::Sku) -> Cell {
    let name = if title.is_empty() { sku.as_str() } else { title };
    Cell {
        text: name.to_owned(),
        sub: sku.to_string(),
        href: format!("/insights/advice/{}", encoded(sku.as_str())),
        raw: sku.to_string(),
        number: false,
    }
}

fn units(units: i64) -> Cell {
    number(words::count(units), units)
}

fn name<'a>(title: &'a str, sku: &'a model::id::Sku) -> &'a str {
    if title.is_empty() { sku.as_str() } else { title }
}

/// Looks at a badge while its goods were out, and what they come to.
fn looked(signal: &insights::SignalOut) -> Cell {
    let sub = signal.by_views.map_or(String::new(), |units| format!("about {units:.0} units"));
    Cell { sub, ..number(words::count(signal.views_out as i64), signal.views_out) }
}

fn demand(found: &InsightsOut) -> Part {
    let point = |signal: &insights::SignalOut| {
        let units = signal.refused + signal.waiting;
        (name(&signal.title, &signal.sku).to_owned(), units as f64, words::count(units), "later")
    };
    let points: Vec<_> = found.demand.iter().take(DRAWN).map(point).collect();
    let row = |signal: &insights::SignalOut| {
        vec![
            sku(&signal.title, &signal.sku),
            units(signal.refused),
            units(signal.waiting),
            looked(signal),
            share(signal.converted),
            money(signal.value),
        ]
    };
    let looks = "Looks are counted where the badge is shown, without knowing whose; units beside them are what as many looks at goods in \
                 stock come to in this shop.";
    let said = if points.is_empty() {
        "Nobody was refused and nobody waits on a list.".to_owned()
    } else {
        "Units that people asked for and did not get, or wait for, the most money first.".to_owned()
    };
    Part {
        id: "demand",
        title: "Demand nobody served",
        said: [said]
            .into_iter()
            .chain(found.demand.iter().any(|signal| signal.views_out > 0.0).then(|| looks.to_owned()))
            .collect(),
        chart: (!points.is_empty()).then(|| Chart::lying("Units refused or waiting by product", &points)),
        table: Table {
            caption: "Demand nobody served, by product".to_owned(),
            heads: vec![
                ("Product", false),
                ("Refused", true),
                ("On the waitlist", true),
                ("Looked while it was out", true),
                ("Waitlist that bought", true),
                ("Would sell for", true),
            ],
            rows: found.demand.iter().map(row).collect(),
        },
    }
}

fn expand(found: &InsightsOut) -> Part {
    let minor = |money: &Money| money.amount as f64;
    let point = |more: &insights::ExpandOut| {
        let profit = words::money(more.expected_profit);
        (name(&more.title, &more.sku).to_owned(), minor(&more.expected_profit), profit, "here")
    };
    let points: Vec<_> = found.expand.iter().take(DRAWN).map(point).collect();
    let row = |more: &insights::ExpandOut| {
        vec![
            sku(&more.title, &more.sku),
            units(more.quantity),
            money(Some(more.expected_profit)),
            money(Some(more.next_lot_profit)),
        ]
    };
    let said = if points.is_empty() {
        "No order earns anything now, or nothing is known of what goods cost and sell for."
    } else {
        "What ordering now is expected to earn over ordering nothing, and what one more lot would: above zero where a limit holds the \
         run back."
    };
    Part {
        id: "expand",
        title: "What to expand",
        said: vec![said.to_owned()],
        chart: (!points.is_empty()).then(|| Chart::lying("Expected profit of an order by product", &points)),
        table: Table {
            caption: "What to expand, by product".to_owned(),
            heads: vec![
                ("Product", false),
                ("Units to order", true),
                ("Expected to earn", true),
                ("One more lot", true),
            ],
            rows: found.expand.iter().map(row).collect(),
        },
    }
}

fn suppliers(found: &InsightsOut) -> Part {
    let tone = |kept: f64| {
        if kept >= 0.85 {
            "here"
        } else if kept >= 0.6 {
            "later"
        } else {
            "none"
        }
    };
    let point = |trust: &insights::TrustOut| {
        (trust.supplier.clone(), trust.coverage, percent(trust.coverage), tone(trust.coverage))
    };
    let points: Vec<_> = found.suppliers.iter().take(DRAWN).map(point).collect();
    let row = |trust: &insights::TrustOut| {
        vec![
            text(trust.supplier.clone()),
            units(i64::try_from(trust.receipts).unwrap_or(0)),
            number(format!("{} days", trust.late_days_median), trust.late_days_median),
            share(Some(trust.coverage)),
            share(Some(trust.coverage_recent)),
        ]
    };
    let said = if points.is_empty() {
        "Nothing has come from a supplier yet."
    } else {
        "Share of deliveries that came by the date promised on them: it aims at nine of ten. Days late count from the first date given."
    };
    Part {
        id: "suppliers",
        title: "Suppliers",
        said: vec![said.to_owned()],
        chart: (!points.is_empty()).then(|| Chart::lying("Share of promises kept by supplier", &points)),
        table: Table {
            caption: "Scorecards by supplier".to_owned(),
            heads: vec![
                ("Supplier", false),
                ("Deliveries", true),
                ("Late, in the middle", true),
                ("Promises kept", true),
                ("Of the newest ten", true),
            ],
            rows: found.suppliers.iter().map(row).collect(),
        },
    }
}

/// Whether dates are kept better than half a year before.
fn trend(months: &[insights::KeptOut]) -> Option<String> {
    let share = |months: &[insights::KeptOut]| {
        let units: i64 = months.iter().map(|month| month.units).sum();
        let kept: f64 = months.iter().map(|month| month.kept * month.units as f64).sum();
        (units >= 20).then(|| kept / units as f64)
    };
    let at = months.len().checked_sub(3)?;
    let (before, last) = (share(&months[at.saturating_sub(6)..at])?, share(&months[at..])?);
    let word = match last - before {
        change if change > 0.03 => "better than",
        change if change < -0.03 => "worse than",
        _ => "about as in",
    };
    Some(format!(
        "{} of the last three months were kept, {word} the half year before ({}).",
        percent(last),
        percent(before)
    ))
}

fn promises(found: &InsightsOut) -> Part {
    let months = &found.promises.months;
    let from = months.len().saturating_sub(12);
    let point = |month: &insights::KeptOut| {
        (
            month.month.clone(),
            month.kept,
            percent(month.kept),
            if month.kept >= 0.9 { "here" } else { "later" },
        )
    };
    let points: Vec<_> = months[from..].iter().map(point).collect();
    let row = |month: &insights::KeptOut| {
        let late = if month.kept < 1.0 { format!("{:.1}", month.days_late) } else { "–".to_owned() };
        vec![
            text(month.month.clone()),
            units(month.units),
            share(Some(month.kept)),
            number(late, format!("{:.2}", month.days_late)),
        ]
    };
    let mut said = match found.promises.kept {
        Some(kept) => vec![format!(
            "{} of {} units were sent by the date the customer was first told.",
            percent(kept),
            words::count(found.promises.units)
        )],
        None => vec!["Nothing that had a date was sent yet.".to_owned()],
    };
    said.extend(trend(months));
    Part {
        id: "promises",
        title: "Promises kept",
        said,
        chart: (!points.is_empty())
            .then(|| Chart::standing("Share of units sent by the date first told, by month", &points)),
        table: Table {
            caption: "Promises kept, by month".to_owned(),
            heads: vec![
                ("Month", false),
                ("Units sent", true),
                ("On the date first told", true),
                ("Days late, of the others", true),
            ],
            rows: months.iter().rev().map(row).collect(),
        },
    }
}

fn delay(found: &InsightsOut) -> Part {
    let delay = &found.delay;
    let rows = [
        ("Date never moved", delay.units_on_date, delay.cancelled_on_date),
        ("Date moved to a later one", delay.units_delayed, delay.cancelled_delayed),
    ];
    let point = |(name, _, cancelled): &(&str, i64, Option<f64>)| {
        ((*name).to_owned(), cancelled.unwrap_or(0.0), cancelled.map_or("–".to_owned(), percent), "later")
    };
    let points: Vec<_> = rows.iter().map(point).collect();
    let said = match delay.units_lost {
        Some(lost) => format!(
            "Of orders for later, those whose date was moved were called off more often: about {lost:.0} units that would have been kept."
        ),
        None => {
            "At least ten units of either kind must have been sent or called off before this says something."
                .to_owned()
        }
    };
    Part {
        id: "delay",
        title: "Cost of delay",
        said: vec![said],
        chart: delay.units_lost.map(|_| Chart::lying("Share of units called off", &points)),
        table: Table {
            caption: "Orders for later that ended".to_owned(),
            heads: vec![("Orders for later", false), ("Units ended", true), ("Called off", true)],
            rows: rows.iter().map(|row| vec![text(row.0), units(row.1), share(row.2)]).collect(),
        },
    }
}

fn cash_part(found: &cash::CashOut) -> Part {
    let weeks: Vec<&cash::DayOut> = found.days.iter().step_by(7).collect();
    let point = |day: &&cash::DayOut| {
        let label = day.date.strftime("%-d %b").to_string();
        let balance = day.balance.amount as f64;
        (label, balance, String::new(), if balance < 0.0 { "none" } else { "here" })
    };
    let points: Vec<_> = weeks.iter().map(point).collect();
    let row = |day: &&cash::DayOut| {
        vec![
            text(day.date.to_string()),
            money(Some(day.balance)),
            money(Some(day.p10)),
            money(Some(day.p90)),
            money(Some(day.unearned)),
        ]
    };
    let mut said = vec![
        format!(
            "From what is ordered, owed and on its way, beginning at {}: the balance is lowest on {}, at {} in the mean; in nine of ten \
             cases it stays above {}.",
            words::money(found.opening),
            found.lowest_on,
            words::money(found.lowest),
            words::money(found.lowest_p10)
        ),
        format!(
            "{} paid by customers is not earned yet: it would have to go back.",
            words::money(found.unearned)
        ),
    ];
    if let Some(without) = &found.without_prepayment {
        said.push(format!(
            "Prepayment changes this: without it there would be {} less today, the balance would stay above {} instead of {} in nine of ten \
             cases, and it would fall below zero in {} of the cases instead of {}.",
            words::money(without.less_today),
            words::money(without.lowest_p10),
            words::money(found.lowest_p10),
            percent(without.negative_probability),
            percent(found.negative_probability),
        ));
    }
    said.extend(found.notes.iter().cloned());
    Part {
        id: "cash",
        title: "Cash ahead",
        said,
        chart: Some(Chart::standing("Balance by week from today", &points)),
        table: Table {
            caption: "Balance by week".to_owned(),
            heads: vec![
                ("Day", false),
                ("Balance", true),
                ("One in ten below", true),
                ("One in ten above", true),
                ("Not earned yet", true),
            ],
            rows: weeks.iter().map(row).collect(),
        },
    }
}

fn why(reasons: &[String]) -> String {
    reasons.first().cloned().unwrap_or_default()
}

fn rests_on(model: &risk::ModelOut) -> Vec<String> {
    let mut said = vec![format!("{}.", words::sentence(&model.reason))];
    said.push(match &model.tested {
        Some(tested) => format!(
            "Tried on {} newer cases: Brier {:.4}, against {:.4} of always saying the usual share and {:.4} of the rule as it is \
             stated (lower is better).",
            tested.cases, tested.brier, tested.brier_of_share, tested.brier_of_rule
        ),
        None => "There is too little past to tell how near that comes.".to_owned(),
    });
    said
}

fn sku_risks((found, model): &(Vec<risk::SkuRiskOut>, risk::ModelOut)) -> Part {
    let tone = |p: f64| if p >= 0.5 { "none" } else { "later" };
    let point = |risk: &risk::SkuRiskOut| {
        (
            name(&risk.title, &risk.sku).to_owned(),
            risk.probability,
            percent(risk.probability),
            tone(risk.probability),
        )
    };
    let points: Vec<_> = found.iter().map(point).collect();
    let row = |risk: &risk::SkuRiskOut| {
        let weeks = risk
            .weeks_left
            .map_or(number("–", ""), |weeks| number(format!("{weeks:.0}"), format!("{weeks:.1}")));
        let first = Cell { sub: why(&risk.reasons), ..sku(&risk.title, &risk.sku) };
        vec![first, share(Some(risk.probability)), units(risk.free), units(risk.coming), weeks]
    };
    Part {
        id: "backorders",
        title: "Likely to run out",
        said: rests_on(model),
        chart: (!points.is_empty())
            .then(|| Chart::lying("Probability of running out within four weeks, by product", &points)),
        table: Table {
            caption: "Products by the risk of running out within four weeks".to_owned(),
            heads: vec![
                ("Product", false),
                ("Runs out within 28 days", true),
                ("Free", true),
                ("On its way", true),
                ("Weeks it lasts", true),
            ],
            rows: found.iter().map(row).collect(),
        },
    }
}

fn line_risks((found, model): &(Vec<risk::LineRiskOut>, risk::ModelOut)) -> Part {
    let row = |risk: &risk::LineRiskOut| {
        let order = risk.order.to_string();
        vec![
            Cell {
                text: risk.sku.to_string(),
                sub: why(&risk.reasons),
                href: format!("/orders/{order}"),
                raw: risk.line.to_string(),
                number: false,
            },
            units(risk.quantity),
            share(Some(risk.probability)),
        ]
    };
    Part {
        id: "cancels",
        title: "Likely to be called off",
        said: rests_on(model),
        chart: None,
        table: Table {
            caption: "Open order lines by the risk of being called off".to_owned(),
            heads: vec![("Line", false), ("Units", true), ("Called off before it ships", true)],
            rows: found.iter().map(row).collect(),
        },
    }
}

fn reliability(skus: &risk::ModelOut, lines: &risk::ModelOut) -> Part {
    let mut rows = Vec::new();
    for (what, model) in [("Running out", skus), ("Called off", lines)] {
        for group in model.tested.iter().flat_map(|tested| &tested.reliability) {
            rows.push(vec![
                text(what),
                units(i64::try_from(group.cases).unwrap_or(0)),
                share(Some(group.said)),
                share(Some(group.came)),
            ]);
        }
    }
    let said = if rows.is_empty() {
        "With some weeks of history, this shows how often what was said came true."
    } else {
        "Of cases that the models were not shown: what they said of each group, and how much of it came true. The two should be alike."
    };
    Part {
        id: "reliability",
        title: "How far to trust these probabilities",
        said: vec![said.to_owned()],
        chart: None,
        table: Table {
            caption: "What was said and what came".to_owned(),
            heads: vec![("What", false), ("Cases", true), ("Said", true), ("Came true", true)],
            rows,
        },
    }
}
