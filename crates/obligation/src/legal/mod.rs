//! Legal clocks: by when goods must ship, by when the buyer must be asked, what silence means, when an order is
//! cancelled and by when money goes back.
//!
//! [`standing`] reads what happened to one line of an order, oldest first, and says where it stands. Nothing is stored
//! but what happened; a deadline that passes changes the answer by itself.
//!
//! Days are those of the buyer's calendar, at the buyer's place ([`LegalOrder::zone`]). The day that starts a period
//! is not counted, its last day belongs to it.
//!
//! It is a tool, not legal advice. Sources and readings: docs/theory/legal-clocks.md.

mod book;
pub mod clock;
mod delivery;
mod jurisdiction;
mod policy;
mod standing;
mod us;
mod zone;

use model::time::{Date, LAST_DATE, Timestamp, Zone, days_after, local_date};
use serde::{Deserialize, Serialize};

pub use book::{DeliveryFigures, Figure, FigureError, FigureValue, LawBook, Listed, OwnFigure, UsFigures};
pub use jurisdiction::Jurisdiction;
pub use policy::{MerchantPolicy, Terms, terms};
pub use standing::{
    Cancelled, Deadline, Duty, DutyKind, EndedBy, OnSilence, RefundForm, Remark, RemarkCode, Standing, State,
};
pub use zone::zone_of;

/// A body of rules that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Law {
    /// The United States: 16 CFR part 435. It counts until the carrier has the goods.
    Us,
    /// The European Economic Area: Directive 2011/83/EU. It counts until the consumer has the goods.
    Eu,
    /// The United Kingdom: Consumer Rights Act 2015 and Consumer Contracts Regulations 2013.
    Uk,
}

impl Law {
    /// Every law known here, in order.
    pub const ALL: [Self; 3] = [Self::Us, Self::Eu, Self::Uk];
}

/// How the buyer has paid, as far as refunds differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tender {
    /// Cash, a card, anything else that is not our own credit.
    #[default]
    Money,
    /// Credit that the seller itself gives.
    SellerCredit,
    /// A method was saved or money only authorised: nothing was taken yet.
    Uncharged,
}

/// Sales to which the US rule does not apply.
///
/// Source: 16 CFR 435.3(a); services: FTC guidance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exemption {
    /// Cash on delivery.
    CashOnDelivery,
    /// Seeds and growing plants.
    SeedsOrPlants,
    /// Issues of a serial after the first.
    LaterIssue,
    /// A negative-option plan.
    NegativeOption,
    /// A service.
    Service,
}

/// What the clocks need to know about one line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalOrder {
    /// When both a complete order and a payment, or an authorisation to charge, had been received. `None`: not yet, as
    /// for a waitlist; then no clock runs.
    pub ordered_at: Option<Timestamp>,
    /// The buyer's time zone.
    pub zone: Zone,
    /// By when it was said to ship: the latest date of a range, as said when it was ordered.
    pub stated_by: Option<Date>,
    /// By when it was said to be delivered; where delivery counts and this is `None`, `stated_by` stands for it.
    pub deliver_stated_by: Option<Date>,
    /// Delivery by that date was essential to the buyer, who said so.
    pub essential: bool,
    /// The buyer applied to the seller for credit with the order.
    pub credit_application: bool,
    /// How it was paid.
    pub tender: Tender,
    /// Why the US rule does not apply.
    pub exempt: Option<Exemption>,
}

impl LegalOrder {
    /// An order without any stated date, paid with money.
    pub fn new(ordered_at: Timestamp, zone: Zone) -> Self {
        Self {
            ordered_at: Some(ordered_at),
            zone,
            stated_by: None,
            deliver_stated_by: None,
            essential: false,
            credit_application: false,
            tender: Tender::Money,
            exempt: None,
        }
    }

    /// The last day of a stated time such as "ships in 10 to 14 days": its upper bound counts.
    pub fn stated_within(&self, most_days: u16) -> Option<Date> {
        self.ordered_at.map(|at| plus(local_date(at, &self.zone), most_days))
    }
}

/// A new date, or that nobody can say one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revised {
    /// It ships by this date.
    To(Date),
    /// Nobody can say.
    Indefinite,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: StepKind,
}

/// What can happen to a line, as far as the law minds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The buyer was told of a delay and offered to wait or to cancel. One that could not be sent is none.
    Notice {
        /// By when it ships now.
        revised: Revised,
        /// By when it is delivered now; `revised` stands for it where this is `None`.
        deliver_by: Option<Date>,
        /// Which version of the promise it tells.
        version: Option<u32>,
    },
    /// The buyer agreed, in so many words, to wait.
    Consent {
        /// Until when, if it is another date than the notice's: beyond it for a delay not yet foreseen.
        until: Option<Revised>,
        /// Which version of the promise the buyer answered. One to an older version does not count for a newer one.
        version: Option<u32>,
    },
    /// The buyer cancelled, or withdrew.
    Cancel,
    /// The seller told the buyer that it will not ship.
    SellerCancel,
    /// The carrier has the goods.
    Scan,
    /// A label was made. That ships nothing.
    Label,
    /// The last notice came back.
    Bounce,
    /// The buyer called for delivery within an additional period.
    ExtraPeriod {
        /// Its last day.
        until: Date,
    },
    /// The buyer has the goods.
    Delivered,
}

/// A line with everything that a legal question about it needs.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The line.
    pub order: &'a LegalOrder,
    /// What happened, in any order.
    pub steps: &'a [Step],
    /// The law of the place that goods go to.
    pub jurisdiction: &'a Jurisdiction,
    /// The merchant's own policy.
    pub policy: &'a MerchantPolicy,
    /// The figures of the law.
    pub book: &'a LawBook,
}

impl Case<'_> {
    /// Where it stands: see [`standing`].
    pub fn standing(&self, asked_at: Timestamp) -> Standing {
        standing(self.order, self.steps, self.jurisdiction, self.policy, self.book, asked_at)
    }

    /// Where it would stand if this had happened too.
    pub fn standing_with(&self, step: Step, asked_at: Timestamp) -> Standing {
        let steps: Vec<Step> = self.steps.iter().cloned().chain([step]).collect();
        standing(self.order, &steps, self.jurisdiction, self.policy, self.book, asked_at)
    }
}

/// Says where a line stands at a moment: by the law of the place it goes to and the merchant's own policy, whichever
/// protects the buyer more. An unknown place has every law known here.
///
/// Shape: steps may come in any order; those after `asked_at` are left out. A step before the order counts as on its day.
pub fn standing(
    order: &LegalOrder,
    steps: &[Step],
    jurisdiction: &Jurisdiction,
    policy: &MerchantPolicy,
    book: &LawBook,
    asked_at: Timestamp,
) -> Standing {
    let Some(ordered_at) = order.ordered_at else { return Standing::none() };
    let mut known: Vec<(usize, &Step)> =
        steps.iter().enumerate().filter(|(_, step)| step.at <= asked_at).collect();
    known.sort_by_key(|(_, step)| step.at);
    let (valid, returned) = without_returned(&known);
    let ordered_on = local_date(ordered_at, &order.zone);
    let history = History {
        order,
        steps: &valid,
        ordered_on,
        today: local_date(asked_at, &order.zone).max(ordered_on),
    };
    let mut laws: Vec<Law> = jurisdiction.laws().iter().chain(&policy.also).copied().collect();
    laws.sort_unstable();
    laws.dedup();
    let workdays = jurisdiction.workdays();
    let mut standing = laws
        .iter()
        .map(|law| match law {
            Law::Us => us::stand(&history, &book.us),
            Law::Eu => delivery::stand(
                &history,
                delivery::Rules { figures: &book.eu, cites: &delivery::EU, workdays },
            ),
            Law::Uk => delivery::stand(
                &history,
                delivery::Rules { figures: &book.uk, cites: &delivery::UK, workdays },
            ),
        })
        .reduce(Standing::strictest)
        .unwrap_or_else(Standing::none);
    for step in returned {
        standing.remark(RemarkCode::NoticeReturned, step);
    }
    standing.laws = laws;
    policy.bind(standing, ordered_on)
}

/// What happened, ready to be read: sorted, without notices that came back, by the buyer's days.
struct History<'a> {
    order: &'a LegalOrder,
    /// Each with its place in the list that was given.
    steps: &'a [(usize, &'a Step)],
    ordered_on: Date,
    today: Date,
}

impl History<'_> {
    /// The buyer's day of a step.
    fn day(&self, step: &Step) -> Date {
        local_date(step.at, &self.order.zone).max(self.ordered_on)
    }
}

/// Leaves out each notice that came back unanswered, and answers which: it told nobody anything.
fn without_returned<'a>(steps: &[(usize, &'a Step)]) -> (Vec<(usize, &'a Step)>, Vec<usize>) {
    let mut kept: Vec<(usize, &Step)> = Vec::with_capacity(steps.len());
    let mut returned = Vec::new();
    for &(place, step) in steps {
        if step.kind == StepKind::Bounce {
            // An answer proves that the notice before it arrived.
            let unanswered = kept
                .iter()
                .rposition(|(_, step)| {
                    matches!(step.kind, StepKind::Notice { .. } | StepKind::Consent { .. })
                })
                .filter(|&at| matches!(kept[at].1.kind, StepKind::Notice { .. }));
            if let Some(at) = unanswered {
                returned.push(kept.remove(at).0);
            }
        } else {
            kept.push((place, step));
        }
    }
    (kept, returned)
}

/// The day so many days later; [`LAST_DATE`] at the most.
fn plus(date: Date, days: u16) -> Date {
    days_after(date, days).unwrap_or(LAST_DATE)
}
