//! `/insights/advice`: how to sell what is out, and for one product every number behind it, to be tried with others and accepted.

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use insight::{
    advice::{Advice, Source, Terms, advise},
    advisor::Mode,
};
use model::{
    id::{Channel, Sku},
    money::{Currency, Money},
    pool::Pool,
};

use super::{
    super::{
        super::{Frame, page, see_other, shop::encoded, words},
        sorry,
    },
    Ask, Fail,
    chart::{Chart, Point},
    part::{Cell, Table, number, percent, text},
};
use crate::{
    api::decide::{Histories, advice::advise_many, advice::take_up, shown},
    staff::May,
};

/// Products on one page.
const SHOWN: usize = 25;
/// Most numbers typed in.
const SET_MAX: usize = 50;

#[derive(Template)]
#[template(path = "desk/insights/advices.html")]
struct List {
    frame: Frame,
    table: Table,
    more: Option<String>,
}

/// `GET /insights/advice`.
pub(super) fn list(ask: &Ask, histories: &Histories, after: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let tenant = &visitor.tenant;
    let after = Some(after).filter(|after| !after.is_empty());
    let after = after.map(Sku::new).transpose().map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let mut pools = reader.pool_page(tenant, after.as_ref(), SHOWN + 1)?;
    let more = pools.len() > SHOWN;
    pools.truncate(SHOWN);
    let found = advise_many(histories, &mut *reader, tenant, &pools, &Channel::default(), ask.now)?;
    let more = pools.last().filter(|_| more);
    let list = List {
        more: more.map(|pool| format!("/insights/advice?after={}", encoded(pool.sku().as_str()))),
        table: Table {
            caption: "Advice by product".to_owned(),
            heads: vec![
                ("Product", false),
                ("When it is out", false),
                ("Best in", true),
                ("More than the next", true),
            ],
            rows: pools.iter().zip(found).map(|(pool, found)| row(pool, found)).collect(),
        },
        frame: Frame::of(ask, &visitor, "insights"),
    };
    page(StatusCode::OK, &list)
}

fn row(pool: &Pool, found: Result<Advice, String>) -> Vec<Cell> {
    let first = Cell {
        text: title(pool),
        sub: pool.sku().to_string(),
        href: format!("/insights/advice/{}", encoded(pool.sku().as_str())),
        ..Cell::default()
    };
    match (found, currency(pool)) {
        (Ok(advice), Some(currency)) => vec![
            first,
            text(mode_word(advice.recommended.mode)),
            number(percent(advice.probability_best), ""),
            number(words::money(shown::money(advice.winning_margin, currency)), ""),
        ],
        (Ok(_), None) => {
            vec![first, text("No advice: it has neither a price nor a cost"), text("–"), text("–")]
        }
        (Err(why), _) => vec![first, text(format!("No advice: {why}")), number("–", ""), number("–", "")],
    }
}

fn title(pool: &Pool) -> String {
    let title = &pool.item.title;
    if title.is_empty() { pool.sku().to_string() } else { title.to_string() }
}

fn currency(pool: &Pool) -> Option<Currency> {
    pool.item.price.as_ref().or(pool.item.unit_cost.as_ref()).map(|money: &Money| money.currency)
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Backorder => "Backorder",
        Mode::Preorder => "Preorder with a deposit",
        Mode::Waitlist => "Waitlist",
        Mode::OutOfStock => "Out of stock",
    }
}

/// The word of a way in forms and in the API.
fn mode_key(mode: Mode) -> &'static str {
    match mode {
        Mode::Backorder => "backorder",
        Mode::Preorder => "preorder",
        Mode::Waitlist => "waitlist",
        Mode::OutOfStock => "out_of_stock",
    }
}

/// A number behind an advice, as a field of a form.
struct Input {
    name: String,
    label: String,
    value: String,
    range: String,
    source: &'static str,
    tone: &'static str,
    note: String,
    typed: String,
}

#[derive(Template)]
#[template(path = "desk/insights/advice.html")]
struct Page {
    frame: Frame,
    title: String,
    sku: String,
    href: String,
    problem: Option<String>,
    accepted: bool,
    refused: Option<String>,
    chosen: Option<Chosen>,
    inputs: Vec<Input>,
    can_accept: bool,
}

/// An advice as it is shown.
struct Chosen {
    mode: &'static str,
    key: &'static str,
    terms: Vec<String>,
    reasons: Vec<String>,
    cautions: Vec<String>,
    chart: Chart,
    choices: Table,
    flips: Table,
    tried: bool,
    set: Vec<(String, String)>,
}

/// A number as a person types it.
fn plain(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// Above this, supply is as good as without end.
const WITHOUT_END: f64 = 1e8;

fn input(figure: &insight::advice::Figure, typed: Option<&String>) -> Input {
    let (source, tone) = match figure.source {
        Source::OwnData => ("Own data", "here"),
        Source::Borrowed => ("Borrowed figure", "later"),
        Source::Guess => ("Guess", "few"),
        Source::Set => ("Typed in", "pre"),
    };
    let value = if figure.value >= WITHOUT_END { "no limit".to_owned() } else { plain(figure.value) };
    let range = if figure.low < figure.high {
        format!("{} to {} in nine of ten cases", plain(figure.low), plain(figure.high))
    } else {
        String::new()
    };
    Input {
        label: words::sentence(&figure.name.replace('_', " ")),
        name: figure.name.clone(),
        value,
        range,
        source,
        tone,
        note: words::sentence(&figure.note),
        typed: typed.cloned().unwrap_or_default(),
    }
}

fn terms(terms: &Terms) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(cap) = terms.cap {
        all.push(format!("At most {} wait at once.", words::count(cap)));
    }
    if let Some(days) = terms.horizon_days {
        all.push(format!("Promise at most {days} days ahead."));
    }
    if terms.buffer > 0 {
        all.push(format!("Keep back {}.", words::count(terms.buffer)));
    }
    if let Some(percent) = terms.deposit_percent {
        all.push(format!("Take {percent} % of the price at once."));
    }
    if matches!(terms.mode, Mode::Backorder | Mode::Preorder) {
        all.push(format!("Promise the date that {:.0} of 100 keep.", 100.0 * terms.promise_quantile));
    }
    all
}

fn choices(advice: &Advice, currency: Currency) -> (Chart, Table) {
    let money = |value: f64| shown::money(value, currency);
    let point = |choice: &insight::advice::Choice| -> Point {
        let tone = if choice.mode == advice.recommended.mode { "here" } else { "later" };
        let tone = if choice.not.is_some() || choice.value < 0.0 { "none" } else { tone };
        (mode_word(choice.mode).to_owned(), choice.value, words::money(money(choice.value)), tone)
    };
    let points: Vec<Point> = advice.choices.iter().map(point).collect();
    let row = |choice: &insight::advice::Choice| {
        let sub = choice.not.clone().map_or(String::new(), |why| format!("Not possible: {why}"));
        vec![
            Cell { sub, ..text(mode_word(choice.mode)) },
            number(words::money(money(choice.value)), ""),
            number(words::money(money(choice.low)), ""),
            number(words::money(money(choice.high)), ""),
            number(percent(choice.best_in), ""),
        ]
    };
    let table = Table {
        caption: "What each way of selling brings".to_owned(),
        heads: vec![
            ("While it is out", false),
            ("Brings", true),
            ("One in twenty below", true),
            ("One in twenty above", true),
            ("Best in", true),
        ],
        rows: advice.choices.iter().map(row).collect(),
    };
    (Chart::standing("What each way of selling brings while it is out", &points), table)
}

fn flips(advice: &Advice) -> Table {
    let row = |flip: &insight::advice::Flip| {
        vec![
            text(words::sentence(&flip.figure.replace('_', " "))),
            number(if flip.from >= WITHOUT_END { "no limit".to_owned() } else { plain(flip.from) }, ""),
            number(plain(flip.at), ""),
            text(mode_word(flip.best)),
        ]
    };
    Table {
        caption: "Where the answer would change".to_owned(),
        heads: vec![("Figure", false), ("Now", true), ("From", true), ("Then best", false)],
        rows: advice.flips.iter().map(row).collect(),
    }
}

/// Reads the numbers that were typed in; says which cannot be read.
fn typed(fields: &BTreeMap<String, String>) -> Result<BTreeMap<String, f64>, String> {
    let mut set = BTreeMap::new();
    for (name, text) in fields {
        let Some(name) = name.strip_prefix("set_") else { continue };
        if text.trim().is_empty() || set.len() >= SET_MAX {
            continue;
        }
        if !insight::advice::names().any(|known| known == name) {
            return Err(format!("There is no figure {name:?}."));
        }
        let value = text.trim().replace(',', ".").parse::<f64>().ok();
        let value = value.filter(|value| value.is_finite() && *value >= 0.0);
        let label = words::sentence(&name.replace('_', " "));
        set.insert(name.to_owned(), value.ok_or(format!("{label} must be a number from 0, not {text:?}."))?);
    }
    Ok(set)
}

/// `GET /insights/advice/{sku}`, with numbers that are tried.
pub(super) fn show(
    ask: &Ask,
    histories: &Histories,
    sku: &str,
    fields: &BTreeMap<String, String>,
    problem: Option<String>,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    let sku = Sku::new(sku).map_err(|_| Fail::NotFound)?;
    let mut reader = ask.app.engine.store().reader()?;
    let pool = reader.pools(&visitor.tenant, std::slice::from_ref(&sku))?.pop().ok_or(Fail::NotFound)?;
    let (set, wrong) = match typed(fields) {
        Ok(set) => (set, None),
        Err(wrong) => (BTreeMap::new(), Some(wrong)),
    };
    let asked = histories.look(&mut *reader, &visitor.tenant, |history| {
        let whole = history.whole(ask.now);
        evidence::subject(&pool, &Channel::default(), history, &whole, ask.now)
    })?;
    let answer = |set: &BTreeMap<String, f64>| {
        let mut subject = asked.clone().map_err(|why| why.to_string())?;
        subject.set.extend(set.iter().map(|(name, value)| (name.clone(), *value)));
        advise(&subject).map_err(|error| error.to_string())
    };
    let found = answer(&set);
    // Numbers that cannot be are said and not tried; the page stays as it is without them.
    let (found, wrong) = match (found, set.is_empty()) {
        (Err(why), false) => {
            (answer(&BTreeMap::new()), wrong.or(Some(format!("{}.", words::sentence(&why)))))
        }
        (found, _) => (found, wrong),
    };
    let inputs = found.as_ref().map(|advice| {
        let typed = |name: &str| fields.get(&format!("set_{name}"));
        advice.figures.iter().map(|figure| input(figure, typed(&figure.name))).collect::<Vec<_>>()
    });
    let (chosen, refused) = match (&found, currency(&pool)) {
        (Ok(advice), Some(currency)) => {
            let (chart, choices) = choices(advice, currency);
            let set = set.iter().map(|(name, value)| (format!("set_{name}"), value.to_string()));
            let chosen = Chosen {
                mode: mode_word(advice.recommended.mode),
                key: mode_key(advice.recommended.mode),
                terms: terms(&advice.recommended),
                reasons: advice.reasons.clone(),
                cautions: advice.cautions.clone(),
                chart,
                choices,
                flips: flips(advice),
                tried: set.len() > 0,
                set: set.collect(),
            };
            (Some(chosen), None)
        }
        (Ok(_), None) => (None, Some("It has neither a price nor a cost.".to_owned())),
        (Err(why), _) => (None, Some(format!("{}.", words::sentence(why)))),
    };
    let page_ = Page {
        title: title(&pool),
        href: format!("/insights/advice/{}", encoded(sku.as_str())),
        sku: sku.to_string(),
        problem: problem.or(wrong),
        accepted: fields.contains_key("accepted"),
        refused,
        chosen,
        inputs: inputs.unwrap_or_default(),
        can_accept: visitor.role.may(May::Goods),
        frame: Frame::of(ask, &visitor, "insights"),
    };
    page(StatusCode::OK, &page_)
}

/// `POST /insights/advice/{sku}`: says yes to what was shown. If something else is best by now, it is shown anew and nothing is done.
pub(super) fn accept(
    ask: &Ask,
    histories: &Histories,
    sku: &str,
    fields: &BTreeMap<String, String>,
) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let name = Sku::new(sku).map_err(|_| Fail::NotFound)?;
    let set = match typed(fields) {
        Ok(set) => set,
        Err(wrong) => return show(ask, histories, sku, fields, Some(wrong)),
    };
    let mode = fields.get("mode").map(String::as_str).unwrap_or_default();
    let mut reader = ask.app.engine.store().reader()?;
    let wish = take_up(histories, &mut *reader, &visitor.tenant, (&name, &set), ask.now)?;
    drop(reader);
    let Some((wish, advised)) = wish else { return Err(Fail::NotFound) };
    let wish = match wish {
        Ok(wish) if mode_key(advised) == mode => wish,
        Ok(_) => {
            let said = "Another way is best by now. Nothing was changed; look again.".to_owned();
            return show(ask, histories, sku, fields, Some(said));
        }
        Err(why) => return show(ask, histories, sku, fields, Some(why)),
    };
    let command = model::command::Command::FollowAdvice(Box::new(wish));
    match ask.command(&visitor.tenant, command, None)? {
        Ok(_) => see_other(&format!("/insights/advice/{}?accepted=1", encoded(sku))),
        Err(rejection) => show(ask, histories, sku, fields, Some(sorry(&rejection))),
    }
}
