//! Everything that a question about an order's notices needs.

use std::sync::{Arc, LazyLock};

use model::{
    id::{LineId, OrderId},
    order::{Line, Order},
    record::Record,
    state::Shop,
    time::{Date, Time, Timestamp, Zone},
};
use obligation::{
    legal::{Case, DeliveryFigures, Jurisdiction, LawBook, LegalOrder, MerchantPolicy, OwnFigure, zone_of},
    notice::{
        Fate, Notice, Situation, due,
        kept::{CASE, CaseBook, LAW, LineCase, SETTINGS, SETTINGS_ID, ShopSettings, notice_id},
    },
};

use super::{made, read};
use crate::{answer::Failure, working::Working};

static BOOK: LazyLock<Arc<LawBook>> = LazyLock::new(Arc::default);

/// The shop's settings, and the figures of the laws as it has them.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(super) shop: ShopSettings,
    pub(super) law: Arc<LawBook>,
}

/// An order with what happened to it, the law of the place it goes to and the shop's settings.
pub(crate) struct Ground {
    pub(crate) order: Arc<Order>,
    pub(super) book: CaseBook,
    pub(super) rules: Arc<Rules>,
    pub(crate) zone: Zone,
    jurisdiction: Jurisdiction,
}

/// The shop's settings.
pub(super) fn rules(working: &mut Working<'_>) -> Result<Arc<Rules>, Failure> {
    let record = working.record(SETTINGS, SETTINGS_ID)?;
    let shop: Option<ShopSettings> = record.map(|record| read(&record)).transpose()?.flatten();
    let own = working.record(LAW, SETTINGS_ID)?;
    let own: Option<Vec<OwnFigure>> = own.map(|record| read(&record)).transpose()?.flatten();
    let law = match own.filter(|own| !own.is_empty()) {
        None => Arc::clone(&BOOK),
        // They were held against the laws when they were set; one that a newer version does not know any more sets nothing.
        Some(own) => {
            let known: Vec<OwnFigure> = own
                .into_iter()
                .filter(|figure| LawBook::with(std::slice::from_ref(figure)).is_ok())
                .collect();
            Arc::new(LawBook::with(&known).unwrap_or_default())
        }
    };
    Ok(Arc::new(Rules { shop: shop.unwrap_or_default(), law }))
}

impl Ground {
    /// Of an order that is loaded; `None`: there is none.
    pub(super) fn of(
        working: &mut Working<'_>,
        id: OrderId,
        rules: &Arc<Rules>,
    ) -> Result<Option<Self>, Failure> {
        let Some(order) = working.shop().orders.get(&id).cloned() else { return Ok(None) };
        let book = match working.record(CASE, &id.to_string())? {
            Some(record) => read(&record)?.unwrap_or_default(),
            None => CaseBook::default(),
        };
        let country = order.country.as_deref();
        let zone = country.and_then(zone_of).unwrap_or_else(|| own_zone(working.shop()));
        let jurisdiction = country.map_or_else(Jurisdiction::unknown, Jurisdiction::of);
        Ok(Some(Self { order, book, rules: Arc::clone(rules), zone, jurisdiction }))
    }

    /// The same, with the order loaded first.
    pub(crate) fn load(working: &mut Working<'_>, id: OrderId) -> Result<Option<Self>, Failure> {
        working.load_orders(&[id])?;
        let rules = rules(working)?;
        Self::of(working, id, &rules)
    }

    /// The figures of the law that lets a consumer withdraw without a reason: of several, those that give the money back soonest;
    /// every law holds where none is known. `None`: no law that holds does.
    pub(super) fn withdrawal(&self) -> Option<&DeliveryFigures> {
        let laws = self.jurisdiction.laws().iter();
        laws.filter_map(|law| self.rules.law.of_delivery(*law))
            .min_by_key(|figures| figures.refund_days.value)
    }

    /// The law of the place, the shop's own terms on top of it, and the law's figures.
    pub(crate) fn law(&self) -> (&Jurisdiction, &MerchantPolicy, &LawBook) {
        (&self.jurisdiction, &self.rules.shop.policy, &self.rules.law)
    }

    pub(super) fn line_id(&self, no: u16) -> LineId {
        LineId { order: self.order.id, no }
    }

    /// The id of the notice that is said next of a line.
    pub(super) fn draft_id(&self, no: u16) -> String {
        notice_id(self.line_id(no), self.case_of(no).sent + 1)
    }

    pub(super) fn case_of(&self, no: u16) -> LineCase {
        self.book.lines.get(&no).cloned().unwrap_or_default()
    }

    pub(super) fn case_mut(&mut self, no: u16) -> &mut LineCase {
        self.book.lines.entry(no).or_default()
    }

    /// The record that holds what happened.
    pub(super) fn case_record(&self) -> Result<Record, Failure> {
        let id = self.order.id.to_string();
        Ok(Record { owner: id.as_str().into(), ..made(CASE, &id, &self.book)? })
    }

    /// Asks a legal question about a line.
    pub(super) fn ask<T>(&self, line: &Line, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let first = line.promises.first();
        let order = LegalOrder {
            stated_by: first.and_then(|promise| promise.ship_by.promised),
            deliver_stated_by: first.and_then(|promise| promise.deliver_by.promised),
            ..LegalOrder::new(self.order.placed_at, self.zone.clone())
        };
        let steps = self.book.lines.get(&line.no).map(|case| &case.steps[..]).unwrap_or_default();
        ask(&Case {
            order: &order,
            steps,
            jurisdiction: &self.jurisdiction,
            policy: &self.rules.shop.policy,
            book: &self.rules.law,
        })
    }

    /// What the customer must be told about a line now.
    pub(super) fn due(&self, shop: &Shop, line: &Line, now: Timestamp) -> Option<Notice> {
        let known = self.book.lines.get(&line.no);
        let fate = fate(shop, line);
        let told = line.told().and_then(|promise| promise.told_at);
        // A customer of whom nothing was asked is told by the shop's own system that goods have left.
        let fate_told =
            known.is_some_and(|case| case.fate_told) || (fate == Fate::Shipped && known.is_none());
        self.ask(line, |case| {
            let situation = Situation {
                promises: &line.promises,
                fate,
                fate_told,
                called_off_because: None,
                asked: known.and_then(|case| case.asked),
                reconfirmed: known.is_some_and(|case| case.reconfirmed),
                last_word_at: known
                    .and_then(|case| case.last_word_at)
                    .or(told)
                    .unwrap_or(self.order.placed_at),
                case: *case,
            };
            due(&situation, &self.rules.shop.write, now)
        })
    }

    /// The moment a day begins for the buyer.
    pub(super) fn begin_of(&self, day: Date) -> Option<Timestamp> {
        self.zone.first_instant(day, Time::midnight())
    }

    /// When time alone next changes what the law says of a line, for a timer.
    pub(super) fn next_change(&self, line: &Line, now: Timestamp) -> Option<Timestamp> {
        let today = model::time::local_date(now, &self.zone);
        let day = self.ask(line, |case| case.standing(now).changes_on(today))?;
        self.begin_of(day)
    }
}

/// What became of a line.
pub(super) fn fate(shop: &Shop, line: &Line) -> Fate {
    if line.open() == 0 {
        return if line.shipped > 0 { Fate::Shipped } else { Fate::Cancelled };
    }
    let is_here = |peg: &model::order::Peg| {
        let supply = shop.pool(&peg.sku).and_then(|pool| pool.supply(peg.supply));
        supply.is_some_and(|supply| supply.is_on_hand())
    };
    if line.pegs.iter().all(is_here) { Fate::Here } else { Fate::Waiting }
}

/// The zone of the shop's first location.
fn own_zone(shop: &Shop) -> Zone {
    shop.locations.values().next().map_or_else(Zone::utc, |location| location.time_zone.clone())
}
