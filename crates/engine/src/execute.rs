//! One command: load what it names, decide, apply, follow up, answer.

use std::sync::Arc;

use ledger::{Kept, QueuePart, Replay, Timer};
use model::{
    Units,
    command::{
        Adjust, CancelOrder, ChangeOrder, ChangeSupply, Command, Count, Inspect, KeepPrivate, PlaceOrder,
        TakeBack,
    },
    event::{Event, HoldGone, LocationSet, Noted, OrderChanged, PolicySet},
    id::{HoldId, LineId, OrderId, RunId, Sku, SupplyId},
    order::Cause,
    record::{Json, Record},
    refusal::{Refusal, RefusalCode, Rejection},
    shortfall::{CARE, Care},
    time::{Timestamp, days_since_epoch, local_date},
    view::{RefusedUnits, SupplyChange, SupplyView},
    waitlist::WaitState,
};
use promise::{Bought, Queues};

use crate::{
    Request, advice,
    after::{Course, follow},
    allocation::{self, settings},
    answer::{Answer, Answered, Failure, is_kept},
    fulfil, lateness, money, notices, own, packing, privacy, purchase, question, receipts, sale, stock,
    substitute, talk, undo, waitlist, words,
    working::Working,
};

/// A key that begins so is never forgotten: a file imported again years later must still do nothing.
const LASTING: &str = "import:";

pub(crate) type Outcome = Result<Result<Answer, Rejection>, Failure>;

/// Executes a request, or finds the answer it had before.
pub(crate) fn execute(working: &mut Working<'_>, request: &Request) -> Result<Answered, Failure> {
    let Some(key) = &request.key else {
        return Ok(Answered { outcome: decide(working, request)?, replayed: false });
    };
    let today = days_since_epoch(local_date(request.now, &model::time::Zone::utc()));
    // Tomorrow's too: another node's clock may be ahead, over a midnight.
    if let Some(earlier) = earlier(working, &key.key, &[today + 1, today, today - 1])? {
        if earlier.request != key.request {
            return Ok(Answered { outcome: Err(Rejection::IdempotencyMismatch), replayed: false });
        }
        return Ok(Answered { outcome: kept_answer(working, &earlier.kept)?, replayed: true });
    }
    let outcome = decide(working, request)?;
    if is_kept(&outcome) {
        let kept = keep_answer(working, &outcome)?;
        let (key, request) = (Arc::clone(&key.key), key.request);
        let lasting = key.starts_with(LASTING);
        working.note_replay(Replay { key, request, day: today, lasting, kept });
    }
    Ok(Answered { outcome, replayed: false })
}

/// What was answered to a key on one of these days.
fn earlier(working: &mut Working<'_>, key: &str, days: &[i32]) -> Result<Option<Replay>, Failure> {
    if !working.may_be_known(key) {
        return Ok(None);
    }
    let tenant = working.tenant;
    Ok(working.store()?.replay(tenant, days, key)?)
}

/// Writes an answer down; where the ledger says all of it, only which entry does.
fn keep_answer(working: &Working<'_>, outcome: &Result<Answer, Rejection>) -> Result<Kept, Failure> {
    if let Ok(Answer::Placed(view)) = outcome
        && view.refused.is_empty()
    {
        let events = &working.state.changes.events;
        let is_it = |event: &Event| matches!(event, Event::OrderPlaced(placed) if placed.order.id == view.id);
        // The last of all, unless it took over a hold of more than it needed.
        let found = events.iter().enumerate().rev().take(8).find(|(_, (_, event))| is_it(event));
        if let Some(place) = found.and_then(|(place, _)| i64::try_from(place).ok()) {
            return Ok(Kept::Placed(place));
        }
    }
    let text = serde_json::to_string(outcome).map_err(|error| Failure::Defect(error.to_string().into()))?;
    Ok(Kept::Text(text.into()))
}

/// Reads what [`keep_answer`] wrote.
fn kept_answer(working: &mut Working<'_>, kept: &Kept) -> Outcome {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::Defect(format!("a stored answer cannot be read: {error}").into())
    };
    match kept {
        Kept::Text(text) => serde_json::from_str(text).map_err(|error| unreadable(&error)),
        Kept::Placed(entry) => {
            let tenant = working.tenant;
            let entries = working.store()?.events(tenant, entry - 1, 2)?;
            let read = |entry: &ledger::EventRow| Event::read(&entry.kind, &entry.data);
            let events: Vec<Option<Event>> =
                entries.iter().map(read).collect::<Result<_, _>>().map_err(|error| unreadable(&error))?;
            let [Some(Event::OrderPlaced(placed)), Some(Event::PromiseGiven(given))] = events.as_slice()
            else {
                return Err(unreadable(&format_args!("entry {entry} of the ledger is no order")));
            };
            Ok(Ok(Answer::Placed(Box::new(promise::placed_view(placed, given, Vec::new())))))
        }
    }
}

/// Works a timer that is due.
pub(crate) fn fire(
    working: &mut Working<'_>,
    now: Timestamp,
    command: uuid::Uuid,
    (at, timer): (Timestamp, Timer),
) -> Result<(), Failure> {
    let Timer::HoldExpires(hold) = timer;
    working.load_hold(hold)?;
    if !working.shop().holds.contains_key(&hold) {
        working.drop_timer(at, timer);
        return Ok(());
    }
    let mut course = Course::new(now, command);
    free_hold(working, &mut course, Event::HoldExpired(HoldGone { hold }), hold)
}

fn decide(working: &mut Working<'_>, request: &Request) -> Outcome {
    let mut course = Course::new(request.now, request.id).with(request.detail);
    let Command::By(who, wish) = &request.command else {
        return decide_wish(working, request, &mut course, &request.command);
    };
    let before = working.state.changes.events.len();
    let outcome = decide_wish(working, request, &mut course, wish.wish())?;
    if outcome.is_ok() {
        say_who(working, &course, who, before)?;
    }
    Ok(outcome)
}

/// Says in the ledger who did what stands in the entries before: so many of them, right before this one.
fn say_who(working: &mut Working<'_>, course: &Course, who: &str, before: usize) -> Result<(), Failure> {
    let Some(done) = working.state.changes.events.get(before..).filter(|done| !done.is_empty()) else {
        return Ok(());
    };
    fn same<T: PartialEq>(mut all: impl Iterator<Item = Option<T>>) -> Option<T> {
        let first = all.next()??;
        all.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }
    let sku = same(done.iter().map(|(_, event)| event.sku().cloned()));
    let order = same(done.iter().map(|(_, event)| event.order()));
    let data = Json::of(&serde_json::json!({ "by": who, "entries": done.len() }))?;
    let noted = Noted { sku, order, data, records: Vec::new() };
    working.apply(course.now, vec![Event::RecordsSet(noted)])
}

fn decide_wish(
    working: &mut Working<'_>,
    request: &Request,
    course: &mut Course,
    command: &Command,
) -> Outcome {
    match command {
        Command::PutLocation(wish) => {
            let new = !working.shop().locations.contains_key(&wish.location);
            let decision = promise::put_location(course.setting(working), wish);
            finish(working, course, decision, |_, _| {
                let set = LocationSet { location: wish.location.clone(), settings: wish.settings.clone() };
                Ok(Answer::Location(set, new))
            })
        }
        Command::PutItem(wish) => {
            let skus = wish.item.components.iter().map(|part| &part.sku);
            working.load_pools(skus.chain([&wish.item.sku]))?;
            let new = working.pool(&wish.item.sku).is_none();
            let decision = promise::put_item(course.setting(working), wish);
            finish(working, course, decision, |_, _| Ok(Answer::Item(wish.item.clone(), new)))
        }
        Command::PutPolicy(wish) => {
            working.load_pools([&wish.sku].into_iter())?;
            let new = working.pool(&wish.sku).is_some_and(|pool| pool.policy_set(&wish.channel).is_none());
            let decision = promise::put_policy(course.setting(working), wish);
            if decision.is_ok() {
                advice::set_by_hand(working, course, wish)?;
            }
            finish(working, course, decision, |_, _| {
                let (sku, channel, policy) = (wish.sku.clone(), wish.channel.clone(), wish.policy.clone());
                Ok(Answer::Policy(PolicySet { sku, channel, policy }, new))
            })
        }
        Command::KeepTerms(wish) => advice::keep_terms(working, course, wish),
        Command::SendPurchase(wish) => purchase::send(working, course, wish),
        Command::CancelPurchase(wish) => purchase::cancel(working, course, wish),
        Command::FollowAdvice(wish) => advice::follow_advice(working, course, wish),
        Command::AddSupply(wish) => {
            working.load_pools([&wish.sku].into_iter())?;
            let mut decision = promise::add_supply(course.setting(working), wish);
            if let Ok(events) = &mut decision {
                lateness::entered(working, wish, events)?;
            }
            let id = SupplyId(request.id);
            working.take_moves();
            finish(working, course, decision, |working, course| {
                stock::entered(working, course, &wish.sku, id)
            })
        }
        Command::ChangeSupply(wish) => change_supply(working, course, wish),
        Command::CancelSupply(wish) => {
            let Some(sku) = pool_of(working, wish.supply)? else {
                return Ok(Err(Rejection::not_found("supply", wish.supply)));
            };
            if let Err(busy) = undo::check_is_at_rest(working, wish.supply)? {
                return Ok(Err(busy));
            }
            let begun = undo::begin(working, &sku, wish.supply)?;
            let decision = promise::cancel_supply(course.setting(working), &sku, wish);
            let back = stock::sent_from(working, &sku, wish.supply)?;
            finish(working, course, decision, |working, course| {
                match back {
                    Some(back) => stock::give_back(working, course, &back)?,
                    None => undo::keep(working, course, begun, "supply_cancelled", (&[], false))?,
                }
                supply_change(working, course, &sku, wish.supply)
            })
        }
        Command::UndoRun(id) => undo::undo(working, course, *id),
        Command::Receive(wish) => receipts::receive(working, course, wish),
        Command::Inspect(wish) => {
            let sku = pool_of(working, wish.supply)?;
            let done = receipts::inspect(working, course, &Inspect { reason: None, ..wish.clone() });
            words::keep(working, course, ("inspection", wish.reason.as_ref()), (sku.as_ref(), &[]), &done)?;
            done
        }
        Command::Adjust(wish) => {
            let done = stock::adjust(working, course, &Adjust { note: None, ..wish.clone() });
            let of: Vec<OrderId> = wish.line.iter().map(|line| line.order).collect();
            let about = ("adjustment", wish.note.as_ref());
            words::keep(working, course, about, (Some(&wish.sku), &of), &done)?;
            done
        }
        Command::EraseNote(id) => words::erase(working, course, id),
        Command::SplitSupply(wish) => stock::split(working, course, wish),
        Command::RingFence(wish) => stock::ring_fence(working, course, wish),
        Command::Transfer(wish) => stock::transfer(working, course, wish),
        Command::Count(wish) => {
            let done = stock::count(working, course, &Count { note: None, ..wish.clone() });
            words::keep(working, course, ("count", wish.note.as_ref()), (Some(&wish.sku), &[]), &done)?;
            done
        }
        Command::WrongArrival(wish) => stock::wrong_arrival(working, course, wish),
        Command::PlaceHold(wish) => {
            working.load_pools(wish.lines.iter().map(|line| &line.sku))?;
            let decision = promise::place_hold(course.setting(working), wish);
            let id = HoldId(request.id);
            finish(working, course, decision, |working, course| {
                let hold = working.shop().holds.get(&id).ok_or_else(|| lost(id))?;
                Ok(Answer::Held(promise::hold_view(working.shop(), hold, course.now)))
            })
        }
        Command::ReleaseHold(id) => {
            working.load_hold(*id)?;
            match promise::release_hold(course.setting(working), *id) {
                Err(rejection) => Ok(Err(rejection)),
                Ok(events) => {
                    for event in events {
                        free_hold(working, course, event, *id)?;
                    }
                    Ok(Ok(Answer::HoldReleased))
                }
            }
        }
        Command::Pay(wish) => money::pay(working, course, wish),
        Command::ChargeShipping(wish) => money::charge_shipping(working, course, wish),
        Command::ChangeMethod(order) => money::method::change(working, course, *order),
        Command::Errand(wish) => money::errands::decide(working, course, wish),
        Command::SetAllocation(wish) => settings::set(working, course, wish),
        Command::SetLineAllocation(wish) => settings::set_line(working, course, wish),
        Command::Reallocate(wish) => allocation::run(working, course, wish),
        Command::Pack(wish) => packing::pack(working, course, wish),
        Command::TakeCare(wish) => take_care(working, course, wish),
        Command::JoinWaitlist(wish) => waitlist::join(working, course, wish),
        Command::LeaveWaitlist(id) => waitlist::leave(working, course, *id),
        Command::Write(wish) => talk::write(working, course, wish),
        Command::MarkRead(order) => talk::mark_read(working, course, *order),
        Command::Ask(wish) => question::ask(working, course, wish),
        Command::Reply(wish) => question::reply(working, course, wish),
        Command::Erase(customer) => privacy::erase(working, course, *customer),
        Command::KeepPrivate(wish) => keep_private(working, wish),
        Command::PlaceOrder(wish) => place_order(working, course, wish, OrderId(request.id)),
        Command::CancelOrder(wish) => cancel_order(working, course, wish),
        Command::ChangeOrder(wish) => change_order(working, course, wish),
        Command::ChangeAddress(wish) => own::change_address(working, course, wish),
        Command::Withdraw(order) => notices::withdraw(working, course, *order),
        Command::Substitute(wish) => substitute::substitute(working, course, wish, OrderId(request.id)),
        Command::Release(wish) => fulfil::release(working, course, wish),
        Command::TakeBack(wish) => {
            let done = fulfil::take_back(working, course, &TakeBack { reason: None, ..wish.clone() });
            let mut of: Vec<OrderId> = wish.lines.iter().map(|back| back.line.order).collect();
            of.sort_unstable();
            of.dedup();
            words::keep(working, course, ("return", wish.reason.as_ref()), (None, &of), &done)?;
            done
        }
        Command::Ship(wish) => fulfil::ship(working, course, wish),
        Command::Message(wish) => notices::decide(working, course, wish),
        Command::By(..) | Command::RunDue | Command::GoOn => {
            Err(Failure::Defect("a command for the engine alone".into()))
        }
    }
}

/// Sets private records, if what they rest on is as it was.
fn keep_private(working: &mut Working<'_>, wish: &KeepPrivate) -> Outcome {
    for (kind, id) in &wish.only_if {
        if working.private(kind, id)?.is_none() {
            return Ok(Err(Rejection::not_found("record", format_args!("{kind} {id}"))));
        }
    }
    for (kind, id) in &wish.unless {
        if working.private(kind, id)?.is_some() {
            return Ok(Err(Rejection::Stale));
        }
    }
    working.put_private(wish.records.iter().cloned());
    Ok(Ok(Answer::Done))
}

/// Applies a decision with all that follows from it, and answers.
pub(crate) fn finish(
    working: &mut Working<'_>,
    course: &mut Course,
    decision: promise::Decision,
    answer: impl FnOnce(&mut Working<'_>, &mut Course) -> Result<Answer, Failure>,
) -> Outcome {
    match decision {
        Err(rejection) => Ok(Err(rejection)),
        Ok(events) => {
            follow(working, course, &events)?;
            if course.is_brief() {
                return Ok(Ok(Answer::Done));
            }
            answer(working, course).map(Ok)
        }
    }
}

/// Frees a hold; what it had goes to the queue.
pub(crate) fn free_hold(
    working: &mut Working<'_>,
    course: &mut Course,
    event: Event,
    hold: HoldId,
) -> Result<(), Failure> {
    let cause = model::order::Cause::of(event.kind());
    let skus = pegged_skus(working, hold);
    working.apply(course.now, vec![event])?;
    waitlist::hold_gone(working, course, hold, WaitState::Lapsed)?;
    for sku in skus {
        crate::after::settle(working, course, &sku, &cause)?;
    }
    Ok(())
}

fn pegged_skus(working: &Working<'_>, hold: HoldId) -> Vec<Sku> {
    let hold = working.shop().holds.get(&hold);
    let mut skus: Vec<Sku> = hold
        .into_iter()
        .flat_map(|hold| &hold.lines)
        .flat_map(|line| &line.pegs)
        .map(|peg| peg.sku.clone())
        .collect();
    skus.sort_unstable();
    skus.dedup();
    skus
}

pub(crate) fn place_order(
    working: &mut Working<'_>,
    course: &mut Course,
    wish: &PlaceOrder,
    id: OrderId,
) -> Outcome {
    working.load_pools(wish.lines.iter().map(|line| &line.sku))?;
    let mut held = Vec::new();
    if let Some(hold) = wish.hold {
        working.load_hold(hold)?;
        held = pegged_skus(working, hold);
    }
    let skus: Vec<&Sku> = wish.lines.iter().map(|line| &line.sku).collect();
    let asked = money::is_asked_for(working, &wish.channel, &skus);
    if asked && let Err(rejection) = prices(working, wish) {
        return Ok(Err(rejection));
    }
    let bought = bought(working, wish)?;
    let placing = match promise::place_order(course.setting(working), wish, &bought) {
        Ok(placing) => placing,
        Err(Rejection::Refused(refusal)) => {
            working.apply(course.now, vec![promise::refused_event(wish, &refusal)])?;
            return Ok(Err(Rejection::Refused(refusal)));
        }
        Err(rejection) => return Ok(Err(rejection)),
    };
    let answer =
        if course.is_brief() { Answer::Done } else { placed_answer(&placing.events, placing.refused)? };
    working.apply(course.now, placing.events)?;
    working.note_contact(id, &wish.contact);
    sale::keep(working, course, &wish.channel, (&skus, id))?;
    if asked {
        money::open(working, course, id)?;
    }
    if let Some(hold) = wish.hold {
        waitlist::hold_gone(working, course, hold, WaitState::Bought)?;
    }
    #[cfg(debug_assertions)]
    if let (Answer::Placed(view), Some(order)) = (&answer, working.shop().orders.get(&id)) {
        let now = promise::order_view(working.shop(), order, course.now);
        assert_eq!(
            model::view::OrderView { refused: Vec::new(), ..(**view).clone() },
            now,
            "what was seen is what is"
        );
    }
    // Units that the hold had and the order did not take go to the queue.
    for sku in held {
        crate::after::settle(working, course, &sku, &model::order::Cause::of("hold_released"))?;
    }
    Ok(Ok(answer))
}

/// Checks that every line has a price, all in one currency: who is to pay must know how much.
fn prices(working: &Working<'_>, wish: &PlaceOrder) -> Result<(), Rejection> {
    let mut currency = None;
    for (at, line) in wish.lines.iter().enumerate() {
        let Some(pool) = working.pool(&line.sku) else { continue };
        let Some(price) = line.unit_price.as_ref().or(pool.item.price.as_ref()) else {
            let detail = format!("{} is paid for and has no price", line.sku);
            return Err(Rejection::field(format!("/lines/{at}/unit_price"), "required", detail));
        };
        if *currency.get_or_insert(price.currency) != price.currency {
            let detail = "all lines of an order that is paid for are in one currency";
            return Err(Rejection::field(
                format!("/lines/{at}/unit_price/currency"),
                "other_currency",
                detail,
            ));
        }
    }
    Ok(())
}

/// The answer to an order, from its events: so the same can be answered again from the ledger.
fn placed_answer(events: &[Event], refused: Vec<RefusedUnits>) -> Result<Answer, Failure> {
    match events {
        [Event::OrderPlaced(placed), Event::PromiseGiven(given), ..] => {
            Ok(Answer::Placed(Box::new(promise::placed_view(placed, given, refused))))
        }
        _ => Err(Failure::Defect("an order was placed without a promise".into())),
    }
}

/// What the customer has of those SKUs whose policy asks for it.
fn bought(working: &mut Working<'_>, wish: &PlaceOrder) -> Result<Bought, Failure> {
    let Some(customer) = wish.customer else { return Ok(Bought::new()) };
    let limited = |sku: &&Sku| {
        let pool = working.pool(sku);
        pool.is_some_and(|pool| pool.policies.iter().any(|(_, policy)| policy.customer_limit.is_some()))
    };
    let skus: Vec<Sku> = wish.lines.iter().map(|line| &line.sku).filter(limited).cloned().collect();
    if skus.is_empty() {
        return Ok(Bought::new());
    }
    let tenant = working.tenant;
    Ok(working.store()?.bought(tenant, customer, &skus)?.into_iter().collect())
}

fn cancel_order(working: &mut Working<'_>, course: &mut Course, wish: &CancelOrder) -> Outcome {
    if wish.by_customer {
        working.load_orders(&[wish.order])?;
        // Whose order it is not is told by what follows that there is none.
        let is_theirs = !hidden(working, wish.order, wish.placed_by.as_deref());
        if let Some(refusal) = if is_theirs { sale::holds(working, course, wish)? } else { None } {
            return Ok(Err(refusal.into()));
        }
    }
    let said = talk::Why::new(wish.reason.as_ref(), wish.by_customer);
    let done = call_off(working, course, &CancelOrder { reason: said.code(), ..wish.clone() })?;
    if done.is_ok() {
        said.keep(working, course, wish.order)?;
    }
    Ok(done)
}

/// Calls units off for a reason that is a fixed phrase.
pub(crate) fn call_off(working: &mut Working<'_>, course: &mut Course, wish: &CancelOrder) -> Outcome {
    working.load_orders(&[wish.order])?;
    if hidden(working, wish.order, wish.placed_by.as_deref()) {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    }
    course.customer_knows = wish.by_customer;
    let decision = promise::cancel_order(course.setting(working), wish);
    finish(working, course, decision, |working, course| order_now(working, course, wish.order))
}

/// Ships an order in another way. Its dates may be others: each line waits for all, or only for its own goods.
fn change_order(working: &mut Working<'_>, course: &mut Course, wish: &ChangeOrder) -> Outcome {
    working.load_orders(&[wish.order])?;
    let Some(order) = working.shop().orders.get(&wish.order).cloned() else {
        return Ok(Err(Rejection::not_found("order", wish.order)));
    };
    if order.ship != wish.ship {
        if !order.is_open() {
            let detail = format!("nothing of {} is still to be sent", wish.order);
            return Ok(Err(Refusal::new(RefusalCode::AlreadyShipped, detail).into()));
        }
        let change = Event::OrderChanged(OrderChanged { order: wish.order, ship: wish.ship });
        let cause = Cause { order: Some(wish.order), ..Cause::of(change.kind()) };
        working.apply(course.now, vec![change])?;
        let open = order.lines.iter().filter(|line| line.open() > 0);
        let lines: Vec<LineId> = open.map(|line| LineId { order: order.id, no: line.no }).collect();
        let promises = promise::reissue(course.next(working), &lines, &cause);
        notices::promised(working, course, promises.clone())?;
        money::promises_moved(working, course, &promises)?;
    }
    order_now(working, course, wish.order).map(Ok)
}

/// Notes who takes care of a line.
fn take_care(working: &mut Working<'_>, course: &Course, wish: &Care) -> Outcome {
    let order = wish.line.order;
    working.load_orders(&[order])?;
    if working.shop().orders.get(&order).and_then(|order| order.line(wish.line.no)).is_none() {
        return Ok(Err(Rejection::not_found("line", wish.line)));
    }
    let id = wish.line.to_string();
    // Names and notes are people's own words: they are kept where they can be erased.
    working.put_private([Record { owner: order.to_string().into(), ..Record::new(CARE, &id, wish)? }]);
    let data = Json::of(&serde_json::json!({ "care": wish.line, "deadline": wish.deadline }))?;
    let noted = Noted { sku: None, order: Some(order), data, records: Vec::new() };
    working.apply(course.now, vec![Event::RecordsSet(noted)])?;
    Ok(Ok(Answer::Cared(wish.clone())))
}

/// Whether a publishable key asks for an order that it did not place.
fn hidden(working: &Working<'_>, order: OrderId, placed_by: Option<&str>) -> bool {
    let order = working.shop().orders.get(&order);
    placed_by.is_some_and(|key| order.is_some_and(|order| order.placed_by.as_deref() != Some(key)))
}

pub(crate) fn order_now(working: &mut Working<'_>, course: &Course, id: OrderId) -> Result<Answer, Failure> {
    // Lines may have moved to pools that were not loaded with the order.
    working.load_orders(&[id])?;
    let order = working.shop().orders.get(&id).ok_or_else(|| lost(id))?;
    Ok(Answer::Order(Box::new(promise::order_view(working.shop(), order, course.now))))
}

/// The pool of a supply, loaded; `None`: there is no such supply.
pub(crate) fn pool_of(working: &mut Working<'_>, supply: SupplyId) -> Result<Option<Sku>, Failure> {
    let tenant = working.tenant;
    // A supply's SKU never changes: only one that was opened just now has to be written first.
    let known = match working.desk.store()?.supply(tenant, supply)? {
        Some(known) => Some(known),
        None => working.store()?.supply(tenant, supply)?,
    };
    let Some(supply) = known else { return Ok(None) };
    working.load_pools([&supply.sku].into_iter())?;
    Ok(Some(supply.sku))
}

fn change_supply(working: &mut Working<'_>, course: &mut Course, wish: &ChangeSupply) -> Outcome {
    let Some(sku) = pool_of(working, wish.supply)? else {
        return Ok(Err(Rejection::not_found("supply", wish.supply)));
    };
    if let Err(busy) = undo::check_is_at_rest(working, wish.supply)? {
        return Ok(Err(busy));
    }
    let supply = working.pool(&sku).and_then(|pool| pool.supply(wish.supply)).cloned();
    let excess = supply.as_ref().zip(wish.quantity);
    let excess = excess.map_or(0, |(supply, quantity)| promise::excess(supply, quantity));
    let queues = last_come(working, &[(wish.supply, excess)])?;
    let begun = undo::begin(working, &sku, wish.supply)?;
    let mut decision = promise::change_supply(course.setting(working), &sku, wish, &queues);
    if let (Ok(events), Some(supply)) = (&mut decision, &supply) {
        lateness::date_changed(working, wish, supply, events)?;
    }
    finish(working, course, decision, |working, course| {
        undo::keep(working, course, begun, "supply_changed", (&[], false))?;
        supply_change(working, course, &sku, wish.supply)
    })
}

/// The last lines of some queues, enough for so many units each, their orders loaded.
pub(crate) fn last_come(working: &mut Working<'_>, needed: &[(SupplyId, Units)]) -> Result<Queues, Failure> {
    let mut queues = Queues::new();
    for (supply, units) in needed.iter().filter(|(_, units)| *units > 0) {
        let lines = working.queue(*supply, QueuePart::Newest, *units, usize::MAX)?;
        let orders: Vec<OrderId> = lines.iter().map(|waiting| waiting.line.order).collect();
        working.load_orders(&orders)?;
        queues.insert(*supply, lines);
    }
    Ok(queues)
}

pub(crate) fn supply_change(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    id: SupplyId,
) -> Result<Answer, Failure> {
    let supply = supply_view(working, course, sku, id)?;
    let run = RunId::of(course.setting(working).command);
    Ok(Answer::SupplyChanged(SupplyChange {
        supply,
        run,
        allocated: None,
        lines: None,
        still_due: None,
        arrived: None,
        wins_lost: std::mem::take(&mut working.state.wins_lost),
    }))
}

pub(crate) fn supply_view(
    working: &mut Working<'_>,
    course: &Course,
    sku: &Sku,
    id: SupplyId,
) -> Result<SupplyView, Failure> {
    let open = working.pool(sku).and_then(|pool| pool.supply(id)).cloned();
    let supply = match open {
        Some(supply) => supply,
        None => {
            let tenant = working.tenant;
            Arc::new(working.store()?.supply(tenant, id)?.ok_or_else(|| lost(id))?)
        }
    };
    Ok(promise::supply_view(working.shop(), &supply, course.now))
}

pub(crate) fn lost(id: impl std::fmt::Display) -> Failure {
    Failure::Defect(format!("{id} was written and is not there").into())
}
