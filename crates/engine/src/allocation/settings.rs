//! What a merchant set about re-allocation: kept as records, and at hand while the tenant is loaded.

use std::collections::BTreeMap;

use ledger::{Read, RecordFilter, Shelf};
use model::{
    allocation::{LINE_TERMS, LineTerms, Rule, Scope, Strategy, TERMS, Terms},
    command::SetLine,
    event::{Event, Noted},
    id::{LineId, TenantId},
    item::Item,
    record::{Json, Record},
    refusal::Rejection,
};
use serde::de::DeserializeOwned;

use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// Records read at once when a tenant is loaded.
const PAGE: usize = 2_000;

/// All that is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    terms: BTreeMap<Scope, Terms>,
    lines: BTreeMap<LineId, LineTerms>,
    /// The rule that goes before all others, where one is tried.
    pub(crate) forced: Option<Rule>,
}

impl Settings {
    pub(crate) fn load(read: &mut (impl Read + ?Sized), tenant: &TenantId) -> Result<Self, Failure> {
        let terms: Vec<Terms> = all(read, tenant, TERMS)?;
        let lines: Vec<LineTerms> = all(read, tenant, LINE_TERMS)?;
        Ok(Self {
            terms: terms.into_iter().map(|terms| (terms.scope.clone(), terms)).collect(),
            lines: lines.into_iter().map(|terms| (terms.line, terms)).collect(),
            forced: None,
        })
    }

    /// The rule and the strategy of an item's lines: its own, else those of the first of its tags that has some, else the
    /// tenant's.
    pub(crate) fn of(&self, item: &Item) -> (Option<Rule>, Option<Strategy>) {
        let tags = item.tags.iter().map(|tag| Scope::Tag(tag.clone()));
        let scopes = [Scope::Sku(item.sku.clone())].into_iter().chain(tags).chain([Scope::Tenant]);
        let found: Vec<&Terms> = scopes.filter_map(|scope| self.terms.get(&scope)).collect();
        let rule = found.iter().find_map(|terms| terms.rule.clone());
        (self.forced.clone().or(rule), found.iter().find_map(|terms| terms.strategy))
    }

    pub(crate) fn line(&self, line: LineId) -> Option<&LineTerms> {
        self.lines.get(&line)
    }

    /// Whether nothing is set for any line.
    pub(crate) fn has_no_lines(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether a line stays where it is though others move up.
    pub(crate) fn stays(&self, line: LineId) -> bool {
        self.line(line).is_some_and(|terms| terms.locked || terms.strategy == Some(Strategy::Fill))
    }
}

fn all<T: DeserializeOwned>(
    read: &mut (impl Read + ?Sized),
    tenant: &TenantId,
    kind: &str,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let from = (after.as_deref(), PAGE);
        let page = read.record_page(tenant, Shelf::Ledger, kind, &RecordFilter::default(), from)?;
        for record in &page {
            found.extend(record.read::<T>()?);
        }
        match page.last().filter(|_| page.len() == PAGE) {
            Some(last) => after = Some(last.id.to_string()),
            None => return Ok(found),
        }
    }
}

/// Sets a rule and a strategy for all, a tag or a SKU; with neither, what was set is gone.
pub(crate) fn set(working: &mut Working<'_>, course: &Course, wish: &Terms) -> Outcome {
    if let Scope::Sku(sku) = &wish.scope {
        working.load_pools([sku].into_iter())?;
        if working.pool(sku).is_none() {
            let detail = format!("there is no sku {:?}", sku.as_str());
            return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
        }
    }
    let id = wish.scope.record_id();
    let gone = wish.rule.is_none() && wish.strategy.is_none();
    let record = if gone { Record::gone(TERMS, &id) } else { Record::new(TERMS, &id, wish)? };
    let sku = if let Scope::Sku(sku) = &wish.scope { Some(sku.clone()) } else { None };
    let noted = Noted { sku, order: None, data: Json::of(wish)?, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    let terms = &mut working.state.allocation.terms;
    match gone {
        true => drop(terms.remove(&wish.scope)),
        false => drop(terms.insert(wish.scope.clone(), wish.clone())),
    }
    Ok(Ok(Answer::Allocation(wish.clone())))
}

/// Sets what a run may do to a line.
pub(crate) fn set_line(working: &mut Working<'_>, course: &Course, wish: &SetLine) -> Outcome {
    let SetLine { terms: wish, if_match } = wish;
    let order = wish.line.order;
    working.load_orders(&[order])?;
    if working.shop().orders.get(&order).and_then(|order| order.line(wish.line.no)).is_none() {
        return Ok(Err(Rejection::not_found("line", wish.line)));
    }
    let none = LineTerms::none(wish.line);
    let now = working.state.allocation.line(wish.line).unwrap_or(&none);
    if let Err(stale) = promise::check_match(if_match.as_deref(), Some(now)) {
        return Ok(Err(stale));
    }
    let id = wish.line.to_string();
    let record = match wish.is_empty() {
        true => Record::gone(LINE_TERMS, &id),
        false => Record { owner: order.to_string().into(), ..Record::new(LINE_TERMS, &id, wish)? },
    };
    let noted = Noted { sku: None, order: Some(order), data: Json::of(wish)?, records: vec![record] };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    let lines = &mut working.state.allocation.lines;
    match wish.is_empty() {
        true => drop(lines.remove(&wish.line)),
        false => drop(lines.insert(wish.line, wish.clone())),
    }
    Ok(Ok(Answer::LineAllocation(wish.clone())))
}
