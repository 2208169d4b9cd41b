//! Saved views of the backlog: filters under a name, for whoever kept them.

use axum::response::Response;
use ledger::{Read, RecordFilter, Shelf};
use model::{
    command::{Command, KeepPrivate},
    record::Record,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{see_other, shop::encoded},
    Ask, Fail,
};
use crate::staff::{May, Visitor};

/// The kind of a saved view: a private record, whose owner is its keeper's address.
const VIEW: &str = "saved_view";
/// Most views of one person.
const VIEWS_MAX: usize = 30;
/// Longest name, in characters.
const NAME_CHARS: usize = 60;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    /// What stands behind `/backlog?`.
    query: String,
}

/// A view as a page shows it: id, name, address.
pub(super) struct View {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) is_here: bool,
}

fn owner(visitor: &Visitor) -> String {
    visitor.user.as_ref().map_or_else(|| "sample".to_owned(), |user| user.email.clone())
}

/// The views of whoever looks, by name. `here`: the filters that are shown.
pub(super) fn list(reader: &mut dyn Read, visitor: &Visitor, here: &str) -> Result<Vec<View>, Fail> {
    let owner = owner(visitor);
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let records = reader.record_page(&visitor.tenant, Shelf::Private, VIEW, &filter, (None, VIEWS_MAX))?;
    let read = records.iter().filter_map(|record| {
        let Kept { name, query } = record.read().ok().flatten()?;
        let is_here = query == here;
        Some(View { id: record.id.to_string(), name, href: format!("/backlog?{query}"), is_here })
    });
    let mut views: Vec<View> = read.collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(views)
}

/// The form that keeps a view or drops one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    act: String,
    id: String,
    name: String,
    sku: String,
    supply: String,
    state: String,
    overdue: String,
    broken: String,
}

/// The filters as they stand in an address.
pub(super) fn query(sku: &str, supply: &str, state: &str, overdue: &str, broken: &str) -> String {
    let parts =
        [("sku", sku), ("supply", supply), ("state", state), ("overdue", overdue), ("broken", broken)];
    let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
    parts.map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// `POST /backlog/views`.
pub(super) fn change(ask: &Ask, sent: &Change) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Look)?;
    let owner = owner(&visitor);
    let mut reader = ask.app.engine.store().reader()?;
    let views = list(&mut *reader, &visitor, "")?;
    drop(reader);
    let (record, to) = if sent.act == "drop" {
        // Only one's own.
        let view = views.iter().find(|view| view.id == sent.id).ok_or(Fail::NotFound)?;
        (Record::gone(VIEW, &view.id), "/backlog".to_owned())
    } else {
        let name = sent.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
            return Err(Fail::Form);
        }
        let query = query(sent.sku.trim(), sent.supply.trim(), &sent.state, &sent.overdue, &sent.broken);
        // The same name again is the same view with other filters.
        let known = views.iter().find(|view| view.name == name).map(|view| view.id.clone());
        if known.is_none() && views.len() >= VIEWS_MAX {
            return Err(Fail::Form);
        }
        let id = known.unwrap_or_else(|| ask.once());
        let kept = Kept { name: name.to_owned(), query: query.clone() };
        let record = Record::new(VIEW, &id, &kept).map_err(|error| Fail::Defect(error.to_string()))?;
        (Record { owner: owner.as_str().into(), ..record }, format!("/backlog?{query}"))
    };
    let wish = KeepPrivate { records: vec![record], ..KeepPrivate::default() };
    match ask.command(&visitor.tenant, Command::KeepPrivate(wish), None)? {
        Ok(_) => see_other(&to),
        Err(rejection) => Err(Fail::Defect(format!("a view was refused: {rejection:?}"))),
    }
}
