//! The languages mail is written in.

mod de;
mod en;
mod es;
mod fr;

use model::{Units, time::Date};
use obligation::notice::{Clause, NoticeKind};

/// One language.
pub(crate) trait Language: Sync {
    /// Its code: BCP 47.
    fn code(&self) -> &'static str;
    /// `30 December 2026`.
    fn date(&self, date: Date) -> String;
    /// A greeting, with a name where one is known.
    fn hello(&self, name: Option<&str>) -> String;
    /// One thing that a notice must say.
    fn clause(&self, clause: &Clause) -> String;
    /// The subject of a notice about an order with this number.
    fn subject(&self, kind: NoticeKind, number: &str) -> String;
    /// A reason that this program gives itself; others stay as they were written.
    fn reason(&self, reason: &str) -> Option<&'static str>;
    /// A fixed phrase.
    fn phrase(&self, phrase: Phrase<'_>) -> String;
}

/// Fixed phrases.
#[derive(Clone, Copy)]
pub(crate) enum Phrase<'a> {
    /// Above the link where the customer answers.
    AnswerHere,
    /// Above the link where the customer sees the order.
    SeeHere,
    /// Under everything: that the page always has the date as it is now.
    AlwaysNow,
    /// The subject of a confirmation whose order has a date.
    Confirmed(&'a str, Date),
    /// The same without a date.
    ConfirmedUndated(&'a str),
    /// Thanks for the order.
    Thanks(&'a str),
    /// A line ships by then.
    ShipsBy(Date),
    /// Nobody can say when a line ships.
    NoDate,
    /// The subject of what the shop writes about an order.
    AboutOrder(&'a str),
    /// The subject of a question to those who wait.
    AQuestion,
    /// Above the link where it is answered.
    AnswerByClick,
    /// Above the link where the customer writes back.
    WriteBack,
    /// The subject to somebody on a waitlist: it is here again.
    HereAgain(&'a str),
    /// So many units are held for whoever waited.
    HeldUntil {
        /// How many.
        units: Units,
        /// Of what.
        title: &'a str,
        /// Until when, with the clock and its zone.
        until: &'a str,
    },
    /// Above the link where held units are ordered.
    OrderHere,
    /// Above the link that leaves a waitlist.
    LeaveList,
    /// The subject to somebody whose payment did not go through.
    PleasePay(&'a str, &'a str),
    /// So much could not be taken, and until when the place is kept.
    CouldNotTake(&'a str, Date),
    /// The subject to somebody who has saved no card.
    PleaseSaveCard(&'a str),
    /// No card is saved, and until when the place is kept.
    NoCard(Date),
    /// Above the link where it is paid.
    PayHere,
    /// The subject before a balance is taken.
    BalanceSoon(&'a str, Date),
    /// So much is taken on that day.
    BalanceOn(&'a str, Date),
    /// The subject of the receipt of a withdrawal.
    Withdrawn(&'a str),
    /// The withdrawal came at that moment.
    WithdrawnAt(&'a str),
    /// What follows from a withdrawal.
    AfterWithdrawal,
    /// So much is paid at once.
    PaidNow(&'a str),
    /// So much is taken on a day.
    PaidOn(&'a str, Date),
    /// So much is charged when the goods ship.
    PaidOnShip(&'a str),
    /// So much comes by invoice.
    PaidByInvoice(&'a str),
    /// When a parcel left, with whom and under which number.
    Parcel {
        /// When.
        date: Date,
        /// Who carries it.
        carrier: Option<&'a str>,
        /// Its number there.
        number: Option<&'a str>,
    },
    /// That nothing stands in the way of a cancel, and what becomes of the money.
    CancelFree,
    /// That these are a final sale, unless they ship late.
    FinalSale(&'a str),
    /// That these are made for the buyer, so that they can neither be called off, unless they ship late, nor given back.
    MadeForYou(&'a str),
    /// That everything else can be called off, and what becomes of the money.
    RestFree,
    /// That a consumer may withdraw within so many days after the delivery.
    MayWithdraw(u16),
}

/// The language of a tag such as `de-AT`; English where it is none of those known.
pub(crate) fn language(tag: Option<&str>) -> &'static dyn Language {
    let code = tag.unwrap_or_default().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match &*code {
        "de" => &de::German,
        "es" => &es::Spanish,
        "fr" => &fr::French,
        _ => &en::English,
    }
}

/// The name of a date's month.
fn month(months: &[&'static str; 12], date: Date) -> &'static str {
    usize::try_from(date.month() - 1).ok().and_then(|at| months.get(at)).copied().unwrap_or("")
}

/// Reasons that this program gives, in the order in which each language lists its own.
const REASONS: [&str; 11] = [
    "our supplier has given us another date",
    "a delivery to us was called off",
    "a delivery to us is late",
    "a delivery to us was not as expected",
    "our stock was counted anew",
    "units became free in our stock",
    "the goods we counted on come at another time",
    "you cancelled it",
    "we had asked you whether to wait, and may not without your answer",
    "we could not ship in time",
    "we cannot ship it",
];

/// A sentence of a parcel: what is said of its day, of its carrier and of its number, each where it is known.
fn parcel(day: &str, carrier: Option<String>, number: Option<String>) -> String {
    let carrier = carrier.map(|carrier| format!(" {carrier}")).unwrap_or_default();
    let number = number.map(|number| format!(", {number}")).unwrap_or_default();
    format!("{day}{carrier}{number}.")
}

fn translated(own: &[&'static str; 11], reason: &str) -> Option<&'static str> {
    REASONS.iter().position(|known| *known == reason).and_then(|at| own.get(at)).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use obligation::{legal::RefundForm, notice::Said};

    #[test]
    fn every_language_says_everything() {
        let date = "2026-12-30".parse().unwrap();
        let said = Said { ship_by: Some(date), deliver_by: None };
        let clauses = [
            Clause::OldDate { ship_by: Some(date) },
            Clause::OldDate { ship_by: None },
            Clause::NewDate { new: said },
            Clause::NewDate { new: Said { deliver_by: "2027-01-03".parse().ok(), ..said } },
            Clause::NoDate,
            Clause::Reason { reason: REASONS[0].into() },
            Clause::RightToCancel,
            Clause::SilenceKeeps { until: Some(date) },
            Clause::SilenceKeeps { until: None },
            Clause::SilenceCancels { after: date },
            Clause::ContinuingRight,
            Clause::FreeMeans,
            Clause::Cancelled,
            Clause::Refund { form: RefundForm::Money, by: Some(date) },
            Clause::Refund { form: RefundForm::NoChargeStatement, by: None },
            Clause::Shipped { deliver_by: Some(date) },
            Clause::Shipped { deliver_by: None },
            Clause::NoNews,
            Clause::StillWanted,
            Clause::SilenceShips,
        ];
        let english: Vec<String> = clauses.iter().map(|clause| language(None).clause(clause)).collect();
        for tag in ["de", "es", "fr"] {
            let language = language(Some(tag));
            assert_eq!(language.code(), tag);
            assert!(REASONS.iter().all(|reason| language.reason(reason).is_some()));
            for (clause, english) in clauses.iter().zip(&english) {
                let said = language.clause(clause);
                assert!(said.ends_with(['.', '?']) && said != *english, "{tag}: {said}");
            }
        }
        let invited = [
            Phrase::AboutOrder("1001"),
            Phrase::WriteBack,
            Phrase::AQuestion,
            Phrase::AnswerByClick,
            Phrase::HereAgain("Mug"),
            Phrase::HeldUntil { units: 2, title: "Mug", until: "noon" },
            Phrase::OrderHere,
            Phrase::LeaveList,
            Phrase::PleasePay("1001", "$5"),
            Phrase::CouldNotTake("$5", date),
            Phrase::PleaseSaveCard("1001"),
            Phrase::NoCard(date),
            Phrase::PayHere,
            Phrase::BalanceSoon("1001", date),
            Phrase::BalanceOn("$5", date),
            Phrase::Withdrawn("1001"),
            Phrase::WithdrawnAt("noon"),
            Phrase::AfterWithdrawal,
            Phrase::PaidNow("$5"),
            Phrase::PaidOn("$5", date),
            Phrase::PaidOnShip("$5"),
            Phrase::PaidByInvoice("$5"),
            Phrase::Parcel { date, carrier: Some("UPS"), number: Some("1Z9") },
            Phrase::Parcel { date, carrier: None, number: Some("1Z9") },
            Phrase::Parcel { date, carrier: Some("UPS"), number: None },
            Phrase::CancelFree,
            Phrase::FinalSale("Mug"),
            Phrase::MadeForYou("Mug"),
            Phrase::RestFree,
            Phrase::MayWithdraw(14),
        ];
        for phrase in invited {
            let said: BTreeSet<String> = [None, Some("de"), Some("es"), Some("fr")]
                .iter()
                .map(|tag| language(*tag).phrase(phrase))
                .collect();
            assert_eq!(said.len(), 4, "{said:?}");
        }
        assert_eq!(language(Some("de-AT")).date(date), "30. Dezember 2026");
        assert_eq!(language(Some("fr-CA")).date(date), "30 décembre 2026");
        assert_eq!(language(Some("es")).date(date), "30 de diciembre de 2026");
        assert_eq!(language(Some("pt")).date(date), "30 December 2026");
    }
}
