//! German.

use model::time::Date;
use obligation::{
    legal::RefundForm,
    notice::{Clause, NoticeKind},
};

use super::{Language, Phrase, month, parcel, translated};

pub(super) struct German;

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

const REASONS: [&str; 11] = [
    "unser Lieferant hat uns ein anderes Datum genannt",
    "eine Lieferung an uns wurde abgesagt",
    "eine Lieferung an uns verspätet sich",
    "eine Lieferung an uns war nicht wie erwartet",
    "unser Bestand wurde neu gezählt",
    "in unserem Bestand ist Ware frei geworden",
    "die Ware, mit der wir gerechnet haben, kommt zu einer anderen Zeit",
    "Sie haben storniert",
    "wir hatten gefragt, ob Sie warten möchten, und dürfen es ohne Ihre Antwort nicht",
    "wir konnten nicht rechtzeitig versenden",
    "wir können nicht liefern",
];

impl Language for German {
    fn code(&self) -> &'static str {
        "de"
    }

    fn date(&self, date: Date) -> String {
        format!("{}. {} {}", date.day(), month(&MONTHS, date), date.year())
    }

    fn hello(&self, name: Option<&str>) -> String {
        name.map_or_else(|| "Guten Tag,".to_owned(), |name| format!("Guten Tag {name},"))
    }

    fn clause(&self, clause: &Clause) -> String {
        match clause {
            Clause::OldDate { ship_by: Some(date) } => {
                format!("Wir hatten den Versand bis {} zugesagt.", self.date(*date))
            }
            Clause::OldDate { ship_by: None } => "Bisher konnten wir kein Versanddatum nennen.".to_owned(),
            Clause::NewDate { new } => match (new.ship_by, new.deliver_by) {
                (Some(ship), Some(deliver)) if deliver != ship => format!(
                    "Der Versand erfolgt bis {}, die Ankunft bis {}.",
                    self.date(ship),
                    self.date(deliver)
                ),
                (Some(ship), _) => format!("Der Versand erfolgt bis {}.", self.date(ship)),
                (None, _) => self.clause(&Clause::NoDate),
            },
            Clause::NoDate => "Wir können derzeit nicht sagen, wann wir versenden.".to_owned(),
            Clause::Reason { reason } => {
                format!("Der Grund: {}.", self.reason(reason).unwrap_or(reason))
            }
            Clause::RightToCancel => {
                "Sie können jetzt stornieren und erhalten umgehend alles zurück, was Sie bezahlt haben."
                    .to_owned()
            }
            Clause::SilenceKeeps { until: Some(date) } => format!(
                "Wenn wir vor dem Versand und bis {} nichts von Ihnen hören, gehen wir davon aus, dass Sie warten möchten.",
                self.date(*date)
            ),
            Clause::SilenceKeeps { until: None } => {
                "Wenn wir nichts von Ihnen hören, bleibt Ihre Bestellung bestehen.".to_owned()
            }
            Clause::SilenceCancels { after } => format!(
                "Wenn die Ware bis {} weder versandt ist noch Sie zugestimmt haben zu warten, stornieren wir und erstatten Ihr Geld.",
                self.date(*after)
            ),
            Clause::ContinuingRight => {
                "Auch wenn Sie warten möchten, können Sie bis zum Versand jederzeit stornieren.".to_owned()
            }
            Clause::FreeMeans => "Die Antwort kostet Sie nichts: nutzen Sie den Link unten.".to_owned(),
            Clause::Cancelled => "Die Bestellung wurde storniert.".to_owned(),
            Clause::Refund { form: RefundForm::Money, by: Some(date) } => format!(
                "Ihr Geld geht auf dem Weg zurück, auf dem Sie bezahlt haben; wir senden es spätestens bis {}.",
                self.date(*date)
            ),
            Clause::Refund { form: RefundForm::Money, by: None } => {
                "Ihr Geld geht auf dem Weg zurück, auf dem Sie bezahlt haben.".to_owned()
            }
            Clause::Refund { form: RefundForm::NoChargeStatement, .. } => {
                "Ihnen wurde dafür nichts berechnet, und das wird auch nicht geschehen.".to_owned()
            }
            Clause::Shipped { deliver_by: Some(date) } => {
                format!("Die Ware ist unterwegs und sollte bis {} bei Ihnen sein.", self.date(*date))
            }
            Clause::Shipped { deliver_by: None } => "Die Ware ist unterwegs.".to_owned(),
            Clause::NoNews => "Es gibt noch nichts Neues; Ihre Bestellung ist bei uns sicher.".to_owned(),
            Clause::StillWanted => {
                "Die Ware ist da, zum Preis Ihrer Bestellung. Möchten Sie sie noch haben?".to_owned()
            }
            Clause::SilenceShips => "Wenn wir nichts von Ihnen hören, versenden wir sie.".to_owned(),
        }
    }

    fn subject(&self, kind: NoticeKind, number: &str) -> String {
        match kind {
            NoticeKind::DelayFirst => format!("Ein neues Datum für Ihre Bestellung {number}"),
            NoticeKind::DelayRepeated => {
                format!("Wieder ein neues Datum für Ihre Bestellung {number}: bitte antworten Sie")
            }
            NoticeKind::DelayIndefinite => {
                format!("Noch kein Datum für Ihre Bestellung {number}: bitte antworten Sie")
            }
            NoticeKind::Earlier => format!("Ihre Bestellung {number} kommt früher"),
            NoticeKind::Cancelled => format!("Ihre Bestellung {number}: storniert"),
            NoticeKind::Shipped => format!("Ihre Bestellung {number} ist unterwegs"),
            NoticeKind::Update => format!("Ihre Bestellung {number}: der Stand"),
            NoticeKind::Reconfirm => format!("Ihre Bestellung {number} ist da: möchten Sie sie noch?"),
        }
    }

    fn reason(&self, reason: &str) -> Option<&'static str> {
        translated(&REASONS, reason)
    }

    fn phrase(&self, phrase: Phrase<'_>) -> String {
        match phrase {
            Phrase::AnswerHere => "Behalten oder stornieren, mit zwei Klicks:".to_owned(),
            Phrase::SeeHere => "Der Stand, jederzeit, und eine Möglichkeit zu stornieren:".to_owned(),
            Phrase::AlwaysNow => "Diese Seite zeigt immer das aktuelle Datum.".to_owned(),
            Phrase::Confirmed(number, date) => {
                format!("Ihre Bestellung {number}: Versand bis {}", self.date(date))
            }
            Phrase::ConfirmedUndated(number) => format!("Ihre Bestellung {number}"),
            Phrase::Thanks(number) => format!("vielen Dank für Ihre Bestellung {number}."),
            Phrase::ShipsBy(date) => format!("Versand bis {}", self.date(date)),
            Phrase::NoDate => "noch kein Datum".to_owned(),
            Phrase::AboutOrder(number) => format!("Zu Ihrer Bestellung {number}"),
            Phrase::AQuestion => "Eine Frage an Sie".to_owned(),
            Phrase::AnswerByClick => "Mit einem Klick antworten:".to_owned(),
            Phrase::WriteBack => "Antworten und den Stand der Bestellung sehen:".to_owned(),
            Phrase::HereAgain(title) => format!("{title} ist wieder da: für Sie zurückgelegt"),
            Phrase::HeldUntil { units, title, until } => {
                format!(
                    "{units} × {title} liegt bis {until} für Sie bereit. Danach ist die nächste Person an der Reihe."
                )
            }
            Phrase::OrderHere => "Hier bestellen:".to_owned(),
            Phrase::LeaveList => "Kein Interesse mehr? Hier verlassen Sie die Liste:".to_owned(),
            Phrase::PleasePay(number, amount) => format!("Ihre Bestellung {number}: bitte zahlen Sie {amount}"),
            Phrase::CouldNotTake(amount, until) => {
                format!(
                    "Wir konnten {amount} für Ihre Bestellung nicht einziehen. Bitte zahlen Sie bis {}: so lange halten wir \
                     Ihren Platz.",
                    self.date(until)
                )
            }
            Phrase::PleaseSaveCard(number) => format!("Ihre Bestellung {number}: ein Schritt fehlt noch"),
            Phrase::NoCard(until) => {
                format!(
                    "Für Ihre Bestellung ist noch keine Karte hinterlegt. Vor dem Versand wird nichts abgebucht. Bitte hinterlegen \
                     Sie eine bis {}: so lange halten wir Ihren Platz.",
                    self.date(until)
                )
            }
            Phrase::PayHere => "Hier, mit jeder Karte:".to_owned(),
            Phrase::BalanceSoon(number, date) => {
                format!("Ihre Bestellung {number}: der Rest wird am {} abgebucht", self.date(date))
            }
            Phrase::BalanceOn(amount, date) => {
                format!(
                    "Am {} buchen wir {amount} von der hinterlegten Karte ab. Bis dahin können Sie stornieren, dann wird nichts \
                     abgebucht.",
                    self.date(date)
                )
            }
            Phrase::Withdrawn(number) => format!("Bestätigung: Widerruf Ihrer Bestellung {number}"),
            Phrase::WithdrawnAt(at) => format!("Ihr Widerruf ist am {at} bei uns eingegangen."),
            Phrase::AfterWithdrawal => {
                "Was noch nicht versandt war, ist storniert. Bitte senden Sie zurück, was Sie erhalten haben, binnen 14 Tagen. Was \
                 Sie bezahlt haben, geht auf demselben Weg binnen 14 Tagen zurück."
                    .to_owned()
            }
            Phrase::PaidNow(amount) => format!("{amount} bei der Bestellung"),
            Phrase::PaidOn(amount, date) => format!("{amount} am {}", self.date(date)),
            Phrase::PaidOnShip(amount) => format!("{amount} beim Versand"),
            Phrase::PaidByInvoice(amount) => format!("{amount} auf Rechnung"),
            Phrase::Parcel { date, carrier, number } => parcel(
                &format!("Versandt am {}", self.date(date)),
                carrier.map(|carrier| format!("mit {carrier}")),
                number.map(|number| format!("Sendungsnummer {number}")),
            ),
            Phrase::FinalSale(what) => {
                format!("Vom Umtausch ausgeschlossen: {what}. Eine Stornierung ist nicht möglich, außer der Versand verspätet sich; dann erhalten Sie alles zurück, was Sie dafür bezahlt haben.")
            }
            Phrase::MadeForYou(what) => {
                format!("Für Sie angefertigt: {what}. Stornierung und Widerruf sind nicht möglich, außer der Versand verspätet sich; dann erhalten Sie alles zurück, was Sie dafür bezahlt haben. Bei Mängeln haben Sie alle Ihre Rechte.")
            }
            Phrase::RestFree => {
                "Alles andere können Sie bis zum Versand kostenlos stornieren; was Sie bezahlt haben, kommt auf demselben Weg zurück.".to_owned()
            }
            Phrase::CancelFree => {
                "Bis zum Versand können Sie kostenlos stornieren; was Sie bezahlt haben, geht auf demselben Weg zurück.".to_owned()
            }
            Phrase::MayWithdraw(days) => {
                format!("Nach Erhalt können Sie {days} Tage lang ohne Angabe von Gründen widerrufen.")
            }
        }
    }
}
