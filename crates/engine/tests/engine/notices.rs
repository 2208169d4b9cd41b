//! Notices: what a slip makes us say, what is answered, and what silence leads to.

use std::sync::Arc;

use engine::{Answer, notices::MAIL};
use ledger::{RecordFilter, Shelf};
use model::{
    command::{Adjust, AskLine, CancelOrder, ChangeSupply, Command, Contact, PlaceOrder},
    event::AdjustReason,
    id::{LineId, LocationId, OrderId, SupplyId},
    item::Policy,
    message::{AnswerNotice, Drafts, MailOutcome, Mailed, MessageWish},
    money::{Currency, Money},
    record::Record,
    refusal::{RefusalCode, Rejection},
    time::Date,
};
use obligation::{
    legal::OnSilence,
    notice::{
        NoticeKind,
        kept::{Kept, NOTICE},
    },
};
use testkit::{
    ask::{instant, sku},
    core::supply,
};

use crate::world::World;

/// A shop that waits for mugs, on 2 November 2026.
struct Shop {
    world: World,
    supply: SupplyId,
}

impl Shop {
    /// So many mugs are to come on 2 December.
    fn waiting_for(units: i64) -> Self {
        let mut world = World::open();
        world.now = instant("2026-11-02T15:00:00Z");
        world.sells_as("MUG", Policy { when_out: model::item::WhenOut::Backorder, ..Policy::default() });
        let wish = supply("MUG", units, "2026-12-02");
        let Answer::SupplyAdded(view) = world.must(Command::AddSupply(wish)) else { panic!() };
        Self { world, supply: view.view.supply.id }
    }

    /// Orders one for a country; answers its line.
    fn order(&self, country: &str) -> LineId {
        self.order_as(country, Some("ada@example.com"))
    }

    fn order_as(&self, country: &str, email: Option<&str>) -> LineId {
        let price = Money::new(1_500, Currency::new("USD").unwrap());
        let wish = PlaceOrder {
            country: Some(country.into()),
            contact: Contact { email: email.map(Into::into), ..Contact::default() },
            lines: vec![AskLine { sku: sku("MUG"), quantity: 1, unit_price: Some(price) }],
            ..PlaceOrder::default()
        };
        let Answer::Placed(view) = self.world.must(Command::PlaceOrder(Box::new(wish))) else { panic!() };
        LineId { order: view.id, no: 1 }
    }

    fn slips_to(&self, date: Option<&str>) {
        let expected_on = Some(date.map(|date| date.parse().unwrap()));
        let wish = ChangeSupply { supply: self.supply, expected_on, quantity: None };
        self.world.must(Command::ChangeSupply(wish));
        self.drain();
    }

    fn drain(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.world.engine().drain()).unwrap();
    }

    fn at(&mut self, moment: &str) {
        self.world.now = instant(moment);
        self.world.run_due();
        self.drain();
    }

    fn records(&self, shelf: Shelf, kind: &str, state: Option<&str>) -> Vec<Record> {
        let mut reader = self.world.store.reader().unwrap();
        let filter = RecordFilter { owner: None, state };
        reader.record_page(&self.world.tenant, shelf, kind, &filter, (None, 1_000)).unwrap()
    }

    fn notices(&self, state: &str) -> Vec<(Arc<str>, Kept)> {
        let records = self.records(Shelf::Ledger, NOTICE, Some(state));
        records.into_iter().map(|record| (record.id.clone(), record.read().unwrap().unwrap())).collect()
    }

    fn the_notice(&self, state: &str) -> (Arc<str>, Kept) {
        let mut found = self.notices(state);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Sends every draft, and lets the mail take it, or not.
    fn send(&self, outcome: &MailOutcome) {
        self.world.must(Command::Message(MessageWish::Send(Drafts::All)));
        self.drain();
        self.mail(outcome);
    }

    fn mail(&self, outcome: &MailOutcome) {
        let queued = self.records(Shelf::Private, MAIL, Some("queued"));
        let mailed = queued.into_iter().map(|mail| Mailed { mail: mail.id, outcome: outcome.clone() });
        self.world.must(Command::Message(MessageWish::Mailed(mailed.collect())));
    }

    fn answer(&self, notice: &str, keep: bool) -> Result<Answer, Rejection> {
        let wish = AnswerNotice { notice: notice.into(), keep, version: None, by_customer: true };
        self.world.run(Command::Message(MessageWish::Answer(wish)))
    }

    fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let mut reader = self.world.store.reader().unwrap();
        let events = reader.events(&self.world.tenant, 0, 10_000).unwrap();
        let of_kind = events.into_iter().filter(|event| &*event.kind == kind);
        of_kind.map(|event| serde_json::from_str(&event.data).unwrap()).collect()
    }

    fn is_open(&self, line: LineId) -> bool {
        let mut reader = self.world.store.reader().unwrap();
        reader.orders(&self.world.tenant, &[line.order]).unwrap()[0].is_open()
    }

    fn told(&self, order: OrderId) -> Option<Date> {
        let mut reader = self.world.store.reader().unwrap();
        let order = reader.orders(&self.world.tenant, &[order]).unwrap().remove(0);
        order.lines[0].told().and_then(|promise| promise.ship_by.promised)
    }
}

fn sent() -> MailOutcome {
    MailOutcome::Sent { subject: "s".into(), text: "t".into() }
}

fn date(text: &str) -> Option<Date> {
    Some(text.parse().unwrap())
}

#[test]
fn a_slip_makes_one_draft_and_sending_it_counts_as_told() {
    let shop = Shop::waiting_for(10);
    let line = shop.order("US");
    assert_eq!(shop.told(line.order), date("2026-12-02"));
    shop.slips_to(Some("2026-12-20"));
    shop.slips_to(Some("2026-12-30"));
    let (_, draft) = shop.the_notice("draft");
    assert_eq!((draft.news.kind, draft.news.version), (NoticeKind::DelayFirst, 3));
    assert_eq!(draft.news.old.unwrap().ship_by, date("2026-12-02"));
    assert_eq!(draft.news.new.ship_by, date("2026-12-30"));
    assert_eq!(draft.news.on_silence, Some(OnSilence::Keeps));
    assert_eq!(shop.told(line.order), date("2026-12-02"), "a draft tells nobody anything");
    shop.send(&sent());
    assert_eq!(shop.told(line.order), date("2026-12-30"));
    assert_eq!(shop.events("notice_sent").len(), 1);
    assert_eq!(shop.notices("draft"), []);
    shop.world.verify();
}

#[test]
fn a_date_that_comes_back_leaves_nothing_to_say() {
    let shop = Shop::waiting_for(10);
    shop.order("US");
    shop.slips_to(Some("2026-12-20"));
    shop.slips_to(Some("2026-12-02"));
    assert_eq!(shop.notices("draft"), []);
    shop.world.verify();
}

#[test]
fn a_send_that_fails_tells_nobody_and_a_later_one_does() {
    let shop = Shop::waiting_for(10);
    let line = shop.order("US");
    shop.slips_to(Some("2026-12-30"));
    shop.send(&MailOutcome::Failed { code: "rejected".into() });
    let (_, draft) = shop.the_notice("draft");
    assert_eq!(draft.failure.unwrap().code, "rejected");
    assert_eq!(shop.told(line.order), date("2026-12-02"));
    assert_eq!(shop.events("notice_sent").len(), 0);
    shop.send(&sent());
    assert_eq!(shop.told(line.order), date("2026-12-30"));
    shop.world.verify();
}

#[test]
fn without_an_address_a_notice_stays_a_draft() {
    let shop = Shop::waiting_for(10);
    shop.order_as("US", None);
    shop.slips_to(Some("2026-12-30"));
    let Answer::Told(told) = shop.world.must(Command::Message(MessageWish::Send(Drafts::All))) else {
        panic!()
    };
    assert_eq!(told.kept.iter().map(|(_, code)| &**code).collect::<Vec<_>>(), ["no_address"]);
    assert_eq!(shop.the_notice("draft").1.failure.unwrap().code, "no_address");
}

#[test]
fn silence_to_a_long_first_delay_cancels_and_money_goes_back() {
    let mut shop = Shop::waiting_for(10);
    let line = shop.order("US");
    shop.slips_to(Some("2027-01-15"));
    shop.send(&sent());
    let (_, notice) = shop.the_notice("sent");
    assert_eq!(notice.news.on_silence, Some(OnSilence::Cancels));
    assert_eq!(notice.news.answer_by, date("2027-01-01"));
    shop.at("2027-01-01T20:00:00Z");
    assert!(shop.is_open(line), "the last day is not over");
    shop.at("2027-01-02T06:00:00Z");
    assert!(!shop.is_open(line));
    let refunds = shop.events("refund_due");
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["data"]["by"], "2027-01-12", "worked example 9");
    assert_eq!(refunds[0]["data"]["amount"]["amount"], 1_500);
    assert_eq!(shop.the_notice("silent").1.lapsed.unwrap().outcome, "cancelled");
    shop.world.run_due();
    assert_eq!(shop.the_notice("sending").1.news.kind, NoticeKind::Cancelled, "and is told so");
    shop.mail(&sent());
    shop.at("2027-02-20T06:00:00Z");
    assert_eq!(shop.events("refund_due").len(), 1, "once");
    shop.world.verify();
}

#[test]
fn silence_to_a_short_first_delay_keeps_the_order_and_to_a_second_one_cancels() {
    let mut shop = Shop::waiting_for(10);
    let line = shop.order("US");
    shop.at("2026-11-25T15:00:00Z");
    shop.slips_to(Some("2026-12-30"));
    shop.send(&sent());
    shop.at("2026-12-28T15:00:00Z");
    assert!(shop.is_open(line));
    shop.slips_to(Some("2027-01-20"));
    let (_, draft) = shop.the_notice("draft");
    assert_eq!(
        (draft.news.kind, draft.news.on_silence),
        (NoticeKind::DelayRepeated, Some(OnSilence::Cancels))
    );
    shop.send(&sent());
    assert_eq!(shop.notices("outdated").len(), 1, "the first question is closed");
    shop.at("2026-12-30T20:00:00Z");
    assert!(shop.is_open(line));
    shop.at("2026-12-31T15:00:00Z");
    assert!(!shop.is_open(line));
    assert_eq!(shop.events("refund_due")[0]["data"]["by"], "2027-01-12", "worked example 6");
    shop.world.verify();
}

#[test]
fn who_agrees_to_wait_is_not_cancelled() {
    let mut shop = Shop::waiting_for(10);
    let line = shop.order("US");
    shop.slips_to(Some("2027-01-15"));
    shop.send(&sent());
    let (id, _) = shop.the_notice("sent");
    shop.at("2026-12-20T15:00:00Z");
    shop.answer(&id, true).unwrap();
    shop.answer(&id, true).unwrap();
    assert_eq!(shop.events("notice_answered").len(), 1, "said twice is said once");
    shop.at("2027-01-10T15:00:00Z");
    assert!(shop.is_open(line));
    shop.world.verify();
}

#[test]
fn who_cancels_gets_the_money_back_and_the_next_in_line_the_goods() {
    let shop = Shop::waiting_for(1);
    let line = shop.order("DE");
    shop.slips_to(Some("2027-01-15"));
    shop.send(&sent());
    let (id, _) = shop.the_notice("sent");
    shop.answer(&id, false).unwrap();
    assert!(!shop.is_open(line));
    assert_eq!(shop.events("refund_due").len(), 1);
    assert_eq!(shop.notices("draft"), [], "who cancelled knows that it is cancelled");
    let next = shop.order("DE");
    assert!(shop.is_open(next));
    shop.world.verify();
}

#[test]
fn a_draft_or_an_older_notice_takes_no_answer() {
    let shop = Shop::waiting_for(10);
    shop.order("US");
    shop.slips_to(Some("2026-12-30"));
    let (id, _) = shop.the_notice("draft");
    let code = |answer: Result<Answer, Rejection>| match answer {
        Err(Rejection::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(shop.answer(&id, true)), RefusalCode::NotAsked);
    shop.send(&sent());
    shop.slips_to(Some("2027-03-01"));
    shop.send(&sent());
    assert_eq!(code(shop.answer(&id, true)), RefusalCode::Outdated);
    assert!(matches!(shop.answer("ntc_1", true), Err(Rejection::NotFound { .. })));
}

#[test]
fn a_draft_that_nobody_sends_goes_out_on_its_last_day() {
    let mut shop = Shop::waiting_for(10);
    let line = shop.order("US");
    shop.slips_to(Some("2026-12-30"));
    assert_eq!(shop.the_notice("draft").1.news.send_by, date("2026-12-02"));
    shop.at("2026-12-02T12:59:00Z");
    assert_eq!(shop.notices("draft").len(), 1);
    shop.at("2026-12-02T13:00:00Z");
    shop.mail(&sent());
    assert_eq!(shop.told(line.order), date("2026-12-30"));
    shop.world.verify();
}

#[test]
fn what_comes_back_told_nobody_and_is_drafted_anew() {
    let mut shop = Shop::waiting_for(10);
    shop.order("US");
    shop.slips_to(Some("2026-12-30"));
    shop.send(&sent());
    let (id, _) = shop.the_notice("sent");
    shop.at("2026-11-26T15:00:00Z");
    shop.world.must(Command::Message(MessageWish::Bounced { notice: Arc::clone(&id) }));
    let (again, draft) = shop.the_notice("draft");
    assert_ne!(again, id);
    assert_eq!(draft.news.kind, NoticeKind::DelayFirst);
    shop.at("2026-12-01T15:00:00Z");
    shop.send(&sent());
    assert_eq!(shop.the_notice("sent").1.sent_at, Some(instant("2026-12-01T15:00:00Z")));
    shop.world.verify();
}

#[test]
fn time_alone_drafts_what_a_date_that_passes_makes_necessary() {
    let mut shop = Shop::waiting_for(10);
    let (theirs, ours) = (shop.order("US"), shop.order("DE"));
    // Nobody says a word about the supply, and on its day it is not there.
    shop.at("2026-11-20T15:00:00Z");
    assert_eq!(shop.notices("draft"), []);
    shop.at("2026-12-03T06:00:00Z");
    let drafts = shop.notices("draft");
    let of =
        |order: OrderId| drafts.iter().find(|(_, kept)| kept.order == order).map(|(_, kept)| kept.news.kind);
    assert_eq!(
        of(theirs.order),
        Some(NoticeKind::Cancelled),
        "nobody wrote in time: the law has cancelled it"
    );
    assert_eq!(of(ours.order), Some(NoticeKind::DelayFirst));
    assert!(shop.is_open(theirs), "but a person decides");
    shop.send(&sent());
    assert!(!shop.is_open(theirs) && shop.is_open(ours));
    assert_eq!(shop.events("refund_due").len(), 1);
    shop.world.verify();
}

#[test]
fn what_the_shop_calls_off_is_told_and_what_the_customer_calls_off_is_not() {
    let shop = Shop::waiting_for(10);
    let (ours, theirs) = (shop.order("US"), shop.order("US"));
    for (line, by_customer) in [(ours, false), (theirs, true)] {
        let wish = CancelOrder::whole(line.order, by_customer);
        shop.world.must(Command::CancelOrder(wish));
    }
    let (_, draft) = shop.the_notice("draft");
    assert_eq!((draft.order, draft.news.kind), (ours.order, NoticeKind::Cancelled));
    shop.world.verify();
}

#[test]
fn who_waits_for_goods_that_the_days_made_too_late_gets_those_that_are_there() {
    let mut shop = Shop::waiting_for(10);
    let wish = PlaceOrder { requested_date: date("2026-12-10"), ..testkit::ask::ask("MUG", 1).order() };
    let Answer::Placed(view) = shop.world.must(Command::PlaceOrder(Box::new(wish))) else { panic!() };
    let stock = Adjust {
        sku: sku("MUG"),
        location: LocationId::stored("main"),
        delta: 1,
        reason: AdjustReason::Count,
        line: None,
        quarantine: false,
        note: None,
    };
    shop.world.must(Command::Adjust(stock));
    let waits_for = |shop: &Shop| {
        let mut reader = shop.world.store.reader().unwrap();
        reader.orders(&shop.world.tenant, &[view.id]).unwrap()[0].lines[0].pegs[0].supply
    };
    shop.at("2026-12-01T15:00:00Z");
    assert_eq!(waits_for(&shop), shop.supply, "what comes is in time, and what is there is for others");
    shop.at("2026-12-12T15:00:00Z");
    assert_ne!(waits_for(&shop), shop.supply);
    assert_eq!(shop.events("run_applied").last().unwrap()["cause"]["kind"], "day_passed");
    shop.world.verify();
}
