//! One delivery: what it is, who waits for it, and the three things that can happen to it.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use ledger::Read;
use model::{
    Units,
    allocation::Basis,
    command::{Command, FencedAt, RingFenceStock},
    id::{Channel, Sku, SupplyId, TenantId},
    refusal::Rejection,
    supply::{Supply, SupplyState},
    view::SupplyView,
};
use serde::Deserialize;

use super::{
    super::{Frame, form::once_key, page, see_other, words},
    Ask, Day, Fail, Local,
    backlog::{self, Waiter},
    change::{Wanted, basis_word},
    packing::counted,
    sorry,
    supplies::{standing, units},
    why,
};
use crate::{
    api::{backorders::Query, state::shop_with},
    staff::{May, Visitor},
};

/// Lines of the queue shown on the delivery's own page.
const WAITERS: usize = 15;

#[derive(Template)]
#[template(path = "desk/supply.html")]
struct Page {
    frame: Frame,
    facts: Facts,
    can_change: bool,
    /// Lines are ticked on the backlog alone.
    picks: bool,
    once: String,
    waiters: Vec<Waiter>,
    /// What was counted where it came: when, where and by whom; the counts; the note; its photos.
    counted: Vec<(String, String, String, Vec<String>)>,
    queue_href: Option<String>,
    wanted: Wanted,
    rules: Vec<(&'static str, &'static str)>,
    problem: Option<String>,
}

/// What a delivery is.
pub(super) struct Facts {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) sku: String,
    pub(super) kind: &'static str,
    pub(super) from: String,
    pub(super) place: String,
    pub(super) units: Units,
    pub(super) promised: Units,
    pub(super) held: Units,
    pub(super) free: Units,
    /// What is ring-fenced, a sentence a channel, and what says whether it is still as somebody saw it.
    pub(super) fenced: Vec<String>,
    pub(super) fence_seen: String,
    pub(super) expected: Option<Day>,
    pub(super) ships: Option<Day>,
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
    /// Why it ships when it ships.
    pub(super) why: String,
    pub(super) is_due: bool,
    /// What a form that changes it was made from.
    pub(super) seen: String,
}

/// What says whether a delivery is still as somebody saw it. Who waits for it is no part: orders come in all the time.
pub(super) fn tag(supply: &Supply) -> String {
    bare(&promise::etag(&(supply.state, supply.quantity, supply.expected_on)))
}

/// A tag without the quotes that a header has around it.
pub(super) fn bare(tag: &str) -> String {
    tag.trim_matches('"').to_owned()
}

/// The delivery with an id, as the API shows it, and what a page says about it.
pub(super) fn find(
    ask: &Ask,
    reader: &mut dyn Read,
    tenant: &TenantId,
    id: &str,
) -> Result<(SupplyId, Facts), Fail> {
    let id: SupplyId = id.parse().map_err(|_| Fail::NotFound)?;
    let supply = reader.supply(tenant, id)?.ok_or(Fail::NotFound)?;
    let shop = shop_with(reader, tenant, std::slice::from_ref(&supply.sku))?;
    let local = Local::of(ask, tenant)?;
    let view = promise::supply_view(&shop, &supply, ask.now);
    let (fenced, fence_seen) = (fenced(&view), bare(&promise::fence_tag(&supply)));
    let SupplyView { supply, pegged, held, free, ship_by, .. } = view;
    let (word, tone) = standing(&supply, local.today);
    let from = [supply.supplier.as_deref(), supply.reference.as_deref()];
    let place = shop.locations.get(&supply.location);
    let name = place.map(|place| place.name.to_string()).filter(|name| !name.is_empty());
    let facts = Facts {
        href: format!("/supply/{id}"),
        title: words::title(&shop, &supply.sku),
        kind: words::kind(supply.kind),
        from: from.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        place: name.unwrap_or_else(|| supply.location.to_string()),
        units: supply.quantity,
        promised: pegged,
        held,
        free,
        fenced,
        fence_seen,
        expected: supply.expected_on.map(|date| local.day(date)),
        ships: Day::promised(ship_by, Some(local.today)),
        word,
        tone,
        why: why::supply(&supply, place.map(|place| &**place), &local),
        is_due: supply.state == SupplyState::Due && !supply.kind.is_elastic(),
        seen: tag(&supply),
        sku: supply.sku.to_string(),
    };
    Ok((id, facts))
}

/// What is ring-fenced of a supply: whose it is, how many units, and how many of them are left.
fn fenced(view: &SupplyView) -> Vec<String> {
    let left = |channel| view.ring_fenced_left.iter().find(|left| left.channel == channel);
    let said = view.supply.ring_fenced.iter().map(|fence| {
        let left = left(fence.channel.clone()).map_or(0, |left| left.units);
        words::fenced(fence.channel.as_str(), fence.units, left)
    });
    said.collect()
}

/// How many units of a delivery are kept for whom.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fence {
    channel: String,
    units: String,
    seen: String,
    once: String,
}

/// `POST /supply/{id}/fence`: as long as nobody else changed it.
pub(super) fn fence(ask: &Ask, id: &str, sent: &Fence) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Goods)?;
    let supply: SupplyId = id.parse().map_err(|_| Fail::NotFound)?;
    let again = |problem: &str, status| {
        let (channel, units) = (sent.channel.clone(), sent.units.clone());
        let wanted = Wanted { fence_channel: channel, fence_units: units, ..Wanted::default() };
        answer(ask, &visitor, id, wanted, Some(problem.to_owned()), status)
    };
    let unclear = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(channel) = Channel::new(sent.channel.trim()) else {
        return again("Please name the channel as your orders do, such as fba.", unclear);
    };
    let Some(wanted) = units(&sent.units) else {
        return again("Please enter how many units, as a whole number; 0 ends it.", unclear);
    };
    let key = once_key(&sent.once, &["ring-fenced", id, channel.as_str(), &sent.units]);
    let if_match = Some(format!("\"{}\"", sent.seen).into());
    let wish = RingFenceStock { at: FencedAt::Supply(supply), channel, units: wanted, if_match };
    match ask.command(&visitor.tenant, Command::RingFence(wish), key)? {
        Ok(_) => see_other(&format!("/supply/{supply}")),
        Err(Rejection::Stale) => {
            let problem = "Somebody changed what is ring-fenced while you were typing, so nothing was done. Please look at it \
                again.";
            again(problem, StatusCode::CONFLICT)
        }
        Err(rejection) => again(&sorry(&rejection), StatusCode::CONFLICT),
    }
}

/// `GET /supply/{id}`.
pub(super) fn show(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = ask.staff(May::Look)?;
    answer(ask, &visitor, id, Wanted::default(), None, StatusCode::OK)
}

/// Shows the page; with what was typed and why that will not do.
pub(super) fn answer(
    ask: &Ask,
    visitor: &Visitor,
    id: &str,
    wanted: Wanted,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let tenant = &visitor.tenant;
    let mut reader = ask.app.engine.store().reader()?;
    let (supply, facts) = find(ask, &mut *reader, tenant, id)?;
    let query = Query {
        sku: None,
        supply: Some(supply),
        here: facts.word == "Here",
        overdue: false,
        broken: false,
        limit: WAITERS,
        now: ask.now,
    };
    let (waiters, more) = backlog::find(ask, &mut *reader, tenant, &query, None)?;
    let local = Local::of(ask, tenant)?;
    let counted = counted(&mut *reader, tenant, supply)?.into_iter().map(|counted| {
        let damaged = match counted.damaged {
            0 => String::new(),
            units => format!(" and {} damaged", words::count(units)),
        };
        (
            format!("{}, {}, {}", local.moment(counted.at), counted.location, counted.by),
            format!("{} good{damaged}", words::count(counted.accepted)),
            counted.note,
            counted.photos,
        )
    });
    let counted = counted.collect();
    let state = if query.here { "&state=allocated" } else { "" };
    let page_ = Page {
        picks: false,
        once: ask.once(),
        can_change: visitor.role.may(May::Goods) && facts.is_due,
        queue_href: more.map(|_| format!("/backlog?supply={supply}{state}")),
        waiters,
        counted,
        wanted,
        rules: rules(),
        problem,
        facts,
        frame: Frame::of(ask, visitor, "supply"),
    };
    page(status, &page_)
}

/// The rules that one can compare with.
pub(super) fn rules() -> Vec<(&'static str, &'static str)> {
    Basis::ALL.map(|basis| (basis.as_str(), basis_word(basis))).to_vec()
}

/// A SKU's title, where nothing else of its pool is needed.
pub(super) fn title_of(ask: &Ask, tenant: &TenantId, sku: &Sku) -> Result<String, Fail> {
    let shop = ask.app.engine.snapshots().shop(tenant, std::slice::from_ref(sku))?;
    Ok(words::title(&shop, sku))
}
