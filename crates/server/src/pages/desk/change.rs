//! Changing a delivery: it arrives, slips or is called off. The effect is shown before anything is done, under the rule that
//! is set and under another beside it, and whoever confirms what somebody else changed meanwhile is told.

use std::collections::BTreeMap;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use engine::{
    Answer,
    preview::{Effect, LINES_MAX, Preview, compare_rules},
};
use model::{
    Units,
    allocation::{Basis, Rule},
    command::{CancelSupply, ChangeSupply, Command, Receive},
    id::{LineId, SupplyId},
    refusal::Rejection,
    time::{Date, parse_date},
};
use serde::Deserialize;

use super::{
    super::{Frame, form::once_key, owe::short_id, page, see_other, words},
    Ask, Day, Fail, Local, done, sorry,
    supplies::units,
    supply::{self, Facts, rules},
};
use crate::staff::{May, Visitor};

/// Lines shown of a preview.
const SHOWN: usize = 100;

/// What somebody wants to do, every field as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    pub(super) once: String,
    /// `receive`, `slip` or `cancel`.
    pub(super) act: String,
    pub(super) accepted: String,
    pub(super) damaged: String,
    /// `true`: nothing more will come.
    pub(super) close: String,
    pub(super) expected_on: String,
    pub(super) quantity: String,
    /// The rule to compare with.
    pub(super) rule: String,
    /// The delivery as it was when the form was made.
    pub(super) seen: String,
    /// What was typed to be kept for a channel, which is asked for by another form.
    #[serde(skip)]
    pub(super) fence_channel: String,
    #[serde(skip)]
    pub(super) fence_units: String,
}

impl Wanted {
    /// The fields that say what is to be done, by name.
    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("act", &self.act),
            ("accepted", &self.accepted),
            ("damaged", &self.damaged),
            ("close", &self.close),
            ("expected_on", &self.expected_on),
            ("quantity", &self.quantity),
            ("rule", &self.rule),
        ]
    }
}

/// A command and what it is, in words.
struct Plan {
    command: Command,
    words: String,
    button: String,
}

/// Reads what is wanted; an error says what is wrong with it.
fn plan(id: SupplyId, wanted: &Wanted, facts: &Facts, local: &Local) -> Result<Plan, String> {
    match &*wanted.act {
        "receive" => receive(id, wanted, facts, local),
        "slip" => slip(id, wanted, facts, local),
        "cancel" => Ok(Plan {
            command: Command::CancelSupply(CancelSupply { supply: id }),
            words: format!("Call it off: {} will not come", words::counted(facts.units, "unit", "units")),
            button: "Yes, call it off".to_owned(),
        }),
        _ => Err("Please choose what is to happen.".to_owned()),
    }
}

fn date(text: &str) -> Result<Option<Date>, String> {
    match text.trim() {
        "" => Ok(None),
        text => parse_date(text).map(Some).map_err(|_| "Please give the date as 2026-12-31.".to_owned()),
    }
}

fn receive(id: SupplyId, wanted: &Wanted, facts: &Facts, local: &Local) -> Result<Plan, String> {
    let number = |text: &str| match text.trim() {
        "" => Ok(0),
        text => units(text).ok_or("Please enter how many came, as whole numbers.".to_owned()),
    };
    let (accepted, damaged) = (number(&wanted.accepted)?, number(&wanted.damaged)?);
    if accepted + damaged == 0 {
        return Err("Please enter how many came, good or damaged.".to_owned());
    }
    let close = wanted.close == "true";
    let left = (facts.units - accepted - damaged).max(0);
    let later = date(&wanted.expected_on)?.filter(|_| left > 0 && !close);
    let mut words = format!("Receive {} good", words::count(accepted));
    if damaged > 0 {
        words.push_str(&format!(" and {} damaged", words::count(damaged)));
    }
    match (left, close, later) {
        (0, ..) => {}
        (left, true, _) => words.push_str(&format!("; the other {} will not come", words::count(left))),
        (left, false, Some(date)) => {
            words.push_str(&format!("; the other {} by {}", words::count(left), local.day(date).text));
        }
        (left, false, None) => {
            words.push_str(&format!("; the other {} stay due as they are", words::count(left)));
        }
    }
    let whole = accepted == facts.units && damaged == 0;
    let command = Command::Receive(Receive {
        accepted: Some(accepted),
        damaged,
        close: close && left > 0,
        expected_on: later.map(Some),
        ..Receive::whole(id)
    });
    let button = if whole { "Receive all of it" } else { "Receive it so" };
    Ok(Plan { command, words, button: button.to_owned() })
}

fn slip(id: SupplyId, wanted: &Wanted, facts: &Facts, local: &Local) -> Result<Plan, String> {
    let given = date(&wanted.expected_on)?;
    let quantity = match wanted.quantity.trim() {
        "" => None,
        text => {
            let units = units(text).filter(|units| *units > 0);
            Some(units.ok_or("Please enter how many units will come, as a whole number from 1.")?)
        }
    };
    let quantity = quantity.filter(|units| *units != facts.units);
    let was = facts.expected.as_ref().map(|day| day.iso.clone()).unwrap_or_default();
    let is_new = given.map(|date| date.to_string()).unwrap_or_default() != was;
    if !is_new && quantity.is_none() {
        return Err("Nothing would change: enter another date or quantity.".to_owned());
    }
    let mut parts = Vec::new();
    if is_new {
        parts.push(given.map_or_else(
            || "No date any more".to_owned(),
            |date| format!("New date {}", local.day(date).text),
        ));
    }
    if let Some(units) = quantity {
        parts.push(format!(
            "{} instead of {}",
            words::count(units),
            words::counted(facts.units, "unit", "units")
        ));
    }
    let change = ChangeSupply { supply: id, expected_on: is_new.then_some(given), quantity };
    let words = words::sentence(&parts.join(", "));
    Ok(Plan { command: Command::ChangeSupply(change), words, button: "Yes, change it".to_owned() })
}

/// What a basis means, in words.
pub(super) fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::PromiseGiven => "earliest promise first",
        Basis::OrderTime => "first come, first served",
        Basis::Class => "by class",
        Basis::CustomerGroup => "by customer group",
        Basis::PaidAmount => "who has paid most first",
        Basis::Margin => "what earns most first",
        Basis::Proportional => "a share for everybody",
        Basis::MaxMin => "who has fewest first",
    }
}

#[derive(Template)]
#[template(path = "desk/preview.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    /// What is to be done, in words.
    plan: String,
    button: String,
    fields: Vec<(&'static str, String)>,
    once: String,
    rule: String,
    rules: Vec<(&'static str, &'static str)>,
    figures: Vec<FigureRow>,
    rows: Vec<EffectRow>,
    /// Lines that are not shown.
    left: usize,
    /// Whether the queue was too long to be looked at as a whole.
    is_part: bool,
    looked_at: String,
    /// What somebody else did meanwhile.
    stale: Option<String>,
}

/// A number under both rules.
struct FigureRow {
    label: &'static str,
    now: String,
    other: String,
    is_bad: bool,
}

/// One line under both rules.
struct EffectRow {
    href: String,
    order: String,
    title: String,
    units: Units,
    before: Option<Day>,
    after: Option<Day>,
    other: Option<Day>,
    word: &'static str,
    tone: &'static str,
    why: String,
}

/// `GET /supply/{id}/preview`.
pub(super) fn preview(ask: &Ask, id: &str, wanted: &Wanted) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Goods)?;
    look(ask, &visitor, id, wanted, None)
}

/// Shows what would happen.
fn look(
    ask: &Ask,
    visitor: &Visitor,
    id: &str,
    wanted: &Wanted,
    stale: Option<String>,
) -> Result<Response, Fail> {
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (supply, facts) = supply::find(ask, &mut *reader, tenant, id)?;
    let again =
        |problem: String, status| supply::answer(ask, visitor, id, wanted.clone(), Some(problem), status);
    let plan = match plan(supply, wanted, &facts, &local) {
        Ok(plan) => plan,
        Err(problem) => return again(problem, StatusCode::UNPROCESSABLE_ENTITY),
    };
    let basis = Basis::parse(&wanted.rule).unwrap_or(Basis::PromiseGiven);
    let request = ask.request(tenant, plan.command, None);
    let seen = match compare_rules(&mut *reader, supply, &request, Rule::of(basis), LINES_MAX)? {
        Ok(seen) => seen,
        Err(rejection) => return again(sorry(&rejection), StatusCode::CONFLICT),
    };
    drop(reader);
    let mut skus: Vec<_> = seen.now.effects.iter().map(|effect| effect.sku.clone()).collect();
    skus.sort_unstable();
    skus.dedup();
    let shop = ask.app.engine.snapshots().shop(tenant, &skus)?;
    let (now, other) = (&seen.now, &seen.under.preview);
    let mut rows = rows(now, other);
    let left = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    let rows = rows.into_iter().map(|(effect, other)| effect_row(&shop, effect, other, &local)).collect();
    let mut fields: Vec<_> = wanted.fields().map(|(name, value)| (name, value.to_owned())).to_vec();
    fields.retain(|(name, _)| *name != "rule");
    let status = if stale.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page_ = Page {
        plan: plan.words,
        button: plan.button,
        fields,
        once: ask.once(),
        rule: basis.as_str().to_owned(),
        rules: rules(),
        figures: figures(now, other),
        rows,
        left,
        is_part: !now.summary.complete,
        looked_at: words::count(i64::try_from(now.summary.lines).unwrap_or(0)),
        stale,
        facts,
        frame: Frame::of(ask, visitor, "supply"),
    };
    page(status, &page_)
}

fn figures(now: &Preview, other: &Preview) -> Vec<FigureRow> {
    let (a, b) = (&now.summary, &other.summary);
    let number = |number: usize| words::count(i64::try_from(number).unwrap_or(i64::MAX));
    let money = |preview: &Preview| {
        let summary = &preview.summary;
        let sums: Vec<_> =
            summary.value_at_risk.iter().chain(&summary.further_value_at_risk).copied().collect();
        if sums.is_empty() { "—".to_owned() } else { words::sums(&sums) }
    };
    let row =
        |label, a: usize, b: usize, is_bad| FigureRow { label, now: number(a), other: number(b), is_bad };
    vec![
        row("Lines that ship sooner", a.earlier, b.earlier, false),
        row("Lines that ship later", a.later, b.later, a.later > 0),
        row("Promises that would be broken", a.broken, b.broken, a.broken > 0),
        row("Customers to write to", a.notices, b.notices, false),
        FigureRow {
            label: "Units left without goods",
            now: words::count(a.units_short),
            other: words::count(b.units_short),
            is_bad: a.units_short > 0,
        },
        FigureRow { label: "Money that waits longer", now: money(now), other: money(other), is_bad: false },
    ]
}

type Beside<'a> = (&'a Effect, Option<&'a Effect>);

/// Lines that change under either rule; the broken first, then those that are later, then by order.
fn rows<'a>(now: &'a Preview, other: &'a Preview) -> Vec<Beside<'a>> {
    let others: BTreeMap<LineId, &Effect> =
        other.effects.iter().map(|effect| (effect.line, effect)).collect();
    let mut rows: Vec<Beside<'a>> =
        now.effects.iter().map(|effect| (effect, others.get(&effect.line).copied())).collect();
    let is_later = |effect: &Effect| {
        effect.after.ship_by.promised.unwrap_or(Date::MAX)
            > effect.before.ship_by.promised.unwrap_or(Date::MAX)
    };
    rows.sort_by_key(|(effect, _)| (!effect.broken, !is_later(effect), effect.line));
    rows
}

fn effect_row(
    shop: &model::state::Shop,
    effect: &Effect,
    other: Option<&Effect>,
    local: &Local,
) -> EffectRow {
    let day = |dates| Day::promised(dates, Some(local.today));
    let (before, after) = (effect.before.ship_by.promised, effect.after.ship_by.promised);
    let (word, tone) = match (before, after) {
        _ if effect.broken => ("Broken", "late"),
        (_, None) => ("No date", "late"),
        (Some(before), Some(after)) if after > before => ("Later", "few"),
        (Some(before), Some(after)) if after == before => ("Same day", "later"),
        _ => ("Sooner", "here"),
    };
    EffectRow {
        href: format!("/orders/{}", effect.order),
        order: effect.reference.as_deref().map_or_else(|| short_id(&effect.order), str::to_owned),
        title: words::title(shop, &effect.sku),
        units: effect.quantity,
        before: day(effect.before.ship_by),
        after: day(effect.after.ship_by),
        // What does not change under the other rule stays where it is.
        other: other.map_or_else(|| day(effect.before.ship_by), |other| day(other.after.ship_by)),
        word,
        tone,
        why: words::sentence(&without_ids(&effect.why)),
    }
}

/// A sentence without the ids that scripts want: the supply beside them is named already.
fn without_ids(text: &str) -> String {
    let mut left = text.to_owned();
    while let Some(at) = left.find(" (sup_") {
        let Some(end) = left[at..].find(')') else { break };
        left.replace_range(at..=at + end, "");
    }
    left
}

/// `POST /supply/{id}/confirm`.
pub(super) fn confirm(ask: &Ask, id: &str, wanted: &Wanted) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let tenant = &visitor.tenant;
    let local = Local::of(ask, tenant)?;
    let mut reader = ask.app.engine.store().reader()?;
    let (supply, facts) = supply::find(ask, &mut *reader, tenant, id)?;
    drop(reader);
    let again =
        |problem: String, status| supply::answer(ask, &visitor, id, wanted.clone(), Some(problem), status);
    let fields = wanted.fields();
    let mut parts = vec!["supply", id];
    parts.extend(fields.iter().filter(|(name, _)| *name != "rule").map(|(_, value)| *value));
    let key = once_key(&wanted.once, &parts);
    let is_repeated = match &key {
        Some(key) => was_done(ask, tenant, &key.key)?,
        None => false,
    };
    let plan = match plan(supply, wanted, &facts, &local) {
        Ok(plan) => plan,
        // It reads otherwise now that it is done.
        Err(_) if is_repeated => return see_other(&facts.href),
        Err(problem) => return again(problem, StatusCode::UNPROCESSABLE_ENTITY),
    };
    if facts.seen != wanted.seen && !is_repeated {
        let words = "Somebody changed this delivery while you were looking, so nothing was done. Here is what would happen now.";
        return look(ask, &visitor, id, wanted, Some(words.to_owned()));
    }
    let words = if is_repeated { "What you sent before" } else { &plan.words };
    match ask.command(tenant, plan.command, key)? {
        Ok(Answer::SupplyChanged(change)) => done::show(ask, &visitor, &change, words, &wanted.act),
        Ok(other) => Err(Fail::Defect(format!("a change was answered with {other:?}"))),
        Err(Rejection::NotFound { .. }) => Err(Fail::NotFound),
        Err(rejection) => again(sorry(&rejection), StatusCode::CONFLICT),
    }
}

/// Whether this very form was sent before: then its answer is given again, whatever has changed since.
pub(super) fn was_done(ask: &Ask, tenant: &model::id::TenantId, key: &str) -> Result<bool, Fail> {
    let today = i32::try_from(ask.now.as_second().div_euclid(86_400)).unwrap_or(0);
    Ok(ask.app.engine.store().reader()?.replay(tenant, &[today, today - 1], key)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(units: Units) -> Facts {
        Facts {
            href: String::new(),
            title: String::new(),
            sku: String::new(),
            kind: "",
            from: String::new(),
            place: String::new(),
            units,
            promised: 0,
            held: 0,
            free: units,
            fenced: Vec::new(),
            fence_seen: String::new(),
            expected: Some(Day { iso: "2026-12-17".into(), text: "17 Dec".into() }),
            ships: None,
            word: "",
            tone: "",
            why: String::new(),
            is_due: true,
            seen: String::new(),
        }
    }

    fn planned(wanted: &Wanted) -> Result<String, String> {
        let local = Local { zone: model::time::Zone::utc(), today: parse_date("2026-11-23").unwrap() };
        let id = "sup_01920000000070008000000000000001".parse().unwrap();
        plan(id, wanted, &facts(100), &local).map(|plan| plan.words)
    }

    #[test]
    fn what_is_wanted_is_said_in_words_or_refused() {
        let receive = |accepted: &str, damaged: &str, close: &str, on: &str| {
            planned(&Wanted {
                act: "receive".into(),
                accepted: accepted.into(),
                damaged: damaged.into(),
                close: close.into(),
                expected_on: on.into(),
                ..Wanted::default()
            })
        };
        assert_eq!(receive("100", "", "", "").unwrap(), "Receive 100 good");
        assert_eq!(
            receive("90", "6", "", "2026-12-26").unwrap(),
            "Receive 90 good and 6 damaged; the other 4 by 26 Dec"
        );
        assert_eq!(
            receive("90", "6", "true", "").unwrap(),
            "Receive 90 good and 6 damaged; the other 4 will not come"
        );
        assert!(receive("", "0", "", "").is_err());
        assert!(receive("-1", "", "", "").is_err());
        let slip = |on: &str, units: &str| {
            planned(&Wanted {
                act: "slip".into(),
                expected_on: on.into(),
                quantity: units.into(),
                ..Wanted::default()
            })
        };
        assert_eq!(slip("2026-12-31", "").unwrap(), "New date 31 Dec");
        assert_eq!(slip("", "80").unwrap(), "No date any more, 80 instead of 100 units");
        assert!(slip("2026-12-17", "100").unwrap_err().contains("Nothing would change"));
        assert!(slip("soon", "").is_err());
        assert!(planned(&Wanted::default()).is_err());
    }
}
