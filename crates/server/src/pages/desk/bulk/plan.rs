//! What a run would do: the lines that are meant, and what comes of each.

use std::collections::BTreeSet;

use model::{
    Units,
    id::{LineId, LocationId, OrderId},
    limits::TEXT_CHARS_MAX,
    order::ShipChoice,
    view::{LineState, LineView, OrderView, PartView},
};

use super::{
    super::{super::owe::short_id, Ask, Fail, backlog, orders::find, words},
    Act, LINES_MAX, STRATEGIES, Wanted,
    run::{Item, Run, State, changed, in_words, terms},
};
use crate::staff::Visitor;

const CLASS_MAX: i64 = 1_000_000;

/// The lines that are meant.
pub(super) fn choose(ask: &Ask, visitor: &Visitor, wanted: &Wanted) -> Result<BTreeSet<LineId>, Fail> {
    let mut lines = wanted.lines()?;
    if wanted.all == "1" {
        let cut =
            backlog::Cut::of(&wanted.sku, &wanted.supply, &wanted.state, &wanted.overdue, &wanted.broken);
        let mut reader = ask.app.engine.store().reader()?;
        if let Ok(query) = cut.query(ask.now, LINES_MAX) {
            let mut from = None;
            loop {
                let (found, next) =
                    crate::api::backorders::find(&mut *reader, &visitor.tenant, &query, from)?;
                lines.extend(found.iter().map(|line| line.line));
                from = next;
                if from.is_none() || lines.len() >= LINES_MAX {
                    break;
                }
            }
        }
    }
    Ok(lines.into_iter().take(LINES_MAX).collect())
}

pub(super) enum Refusal {
    Problem(String),
    Fail(Fail),
}

impl<E: Into<Fail>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}

/// Looks at each line: what would be done with it, or why not.
pub(super) fn plan(
    ask: &Ask,
    visitor: &Visitor,
    wanted: &Wanted,
    chosen: &BTreeSet<LineId>,
) -> Result<Run, Refusal> {
    let problem = |text: &str| Err(Refusal::Problem(text.to_owned()));
    let Some(act) = Act::parse(&wanted.act) else {
        return problem("Please choose what to do with the lines.");
    };
    if !visitor.role.may(act.may()) {
        return Err(Refusal::Fail(Fail::Forbidden));
    }
    if chosen.is_empty() {
        return problem("Please tick the lines that are meant, or choose all that fit.");
    }
    let class = match (act, wanted.class.trim().parse::<i64>()) {
        (Act::Class, Ok(class)) if (-CLASS_MAX..=CLASS_MAX).contains(&class) => class,
        (Act::Class, _) => {
            return problem("Please enter the class as a whole number; the smaller goes first.");
        }
        _ => 0,
    };
    let strategy = match (act, &*wanted.strategy) {
        (Act::Strategy, word) if STRATEGIES.iter().any(|(own, _)| *own == word) => {
            Some(word.to_owned()).filter(|word| !word.is_empty())
        }
        (Act::Strategy, _) => return problem("Please choose what the lines may gain or lose."),
        _ => None,
    };
    let reason = wanted.reason.trim();
    if reason.chars().count() > TEXT_CHARS_MAX || reason.chars().any(char::is_control) {
        return problem("The reason is too long.");
    }
    if act == Act::Cancel && reason.is_empty() {
        return problem("Please say why they are cancelled: the customers are told.");
    }
    let mut reader = ask.app.engine.store().reader()?;
    let orders: BTreeSet<OrderId> = chosen.iter().map(|line| line.order).collect();
    let orders: Vec<OrderId> = orders.into_iter().collect();
    let (found, shop) = find(ask, &mut *reader, &visitor.tenant, &orders)?;
    drop(reader);
    let mut items = Vec::new();
    for (order, _, view) in &found {
        let number = order.reference.as_deref().map_or_else(|| short_id(&order.id), str::to_owned);
        if act == Act::Release {
            items.extend(releases(view, &number));
            continue;
        }
        for line in &view.lines {
            let Some(id) = line.id.parse().ok().filter(|id| chosen.contains(id)) else { continue };
            let label = format!("{number} · {}", words::title(&shop, &line.sku));
            items.push(item(act, id, line, label));
        }
    }
    let (by, at) = (who(visitor), ask.now);
    let mut run = Run {
        act,
        class,
        strategy,
        reason: reason.to_owned(),
        by,
        at,
        is_undone: false,
        turn: 0,
        busy: None,
        items,
    };
    if matches!(act, Act::Class | Act::Strategy | Act::Lock | Act::Unlock) {
        for at in 0..run.items.len() {
            let (before, _) = terms(ask, &visitor.tenant, run.items[at].line)?;
            let wish = changed(&run, &before);
            let item = &mut run.items[at];
            if item.state == State::Todo && wish == before {
                (item.state, item.said) = (State::Failed, "It is so already".to_owned());
            } else if item.state == State::Todo {
                item.said = format!("{} → {}", in_words(&before), in_words(&wish));
                item.before = Some(before);
            }
        }
    }
    Ok(run)
}

fn who(visitor: &Visitor) -> String {
    visitor.user.as_ref().map_or_else(|| "The sample shop".to_owned(), |user| user.name.clone())
}

fn item(act: Act, id: LineId, line: &LineView, label: String) -> Item {
    let mut item = Item {
        line: id,
        at: None,
        label,
        units: line.open,
        state: State::Todo,
        said: String::new(),
        before: None,
        release: None,
    };
    if line.open == 0 {
        (item.state, item.said) = (State::Failed, "Nothing of it is open any more".to_owned());
    } else if act == Act::Cancel && line.released > 0 {
        let said = "Some of it is being packed: take that back first".to_owned();
        (item.state, item.said) = (State::Failed, said);
    } else if act == Act::Cancel {
        item.said = format!("{} cancelled", words::counted(line.open, "unit is", "units are"));
    }
    item
}

/// What an order could hand over: at each place where something of it is.
fn releases(view: &OrderView, number: &str) -> Vec<Item> {
    let Some(first) = view.lines.first().and_then(|line| line.id.parse().ok()) else { return Vec::new() };
    let parts = |line: &'_ LineView| -> Vec<PartView> {
        let components = line.components.iter().flat_map(|component| &component.parts);
        components.chain(&line.parts).cloned().collect()
    };
    let mut places: Vec<(LocationId, Units)> = Vec::new();
    for line in view.lines.iter().filter(|line| line.open > 0) {
        for part in parts(line).into_iter().filter(|part| part.state == LineState::Allocated) {
            match places.iter_mut().find(|(place, _)| *place == part.location) {
                Some((_, units)) => *units += part.quantity,
                None => places.push((part.location, part.quantity)),
            }
        }
    }
    let waits = view.lines.iter().any(|line| line.open > 0 && line.state != LineState::Allocated);
    let no = |said: &str| {
        vec![Item {
            line: first,
            at: None,
            label: number.to_owned(),
            units: 0,
            state: State::Failed,
            said: said.to_owned(),
            before: None,
            release: None,
        }]
    };
    if places.is_empty() {
        return no("Nothing of it is here");
    }
    if view.ship == ShipChoice::Complete && waits {
        return no("It ships as a whole, and not all of it is here");
    }
    let item = |(place, units): (LocationId, Units)| Item {
        line: first,
        label: format!("{number} at {place}"),
        said: format!("{} here", words::counted(units, "unit is", "units are")),
        at: Some(place),
        units,
        state: State::Todo,
        before: None,
        release: None,
    };
    places.into_iter().map(item).collect()
}
