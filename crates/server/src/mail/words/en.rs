//! English.

use model::time::Date;
use obligation::notice::{Clause, NoticeKind};

use super::{Language, Phrase, month, parcel};

pub(super) struct English;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Language for English {
    fn code(&self) -> &'static str {
        "en"
    }

    fn date(&self, date: Date) -> String {
        format!("{} {} {}", date.day(), month(&MONTHS, date), date.year())
    }

    fn hello(&self, name: Option<&str>) -> String {
        name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"))
    }

    fn clause(&self, clause: &Clause) -> String {
        clause.sentence()
    }

    fn subject(&self, kind: NoticeKind, number: &str) -> String {
        match kind {
            NoticeKind::DelayFirst => format!("A new date for your order {number}"),
            NoticeKind::DelayRepeated => format!("Another new date for your order {number}: please answer"),
            NoticeKind::DelayIndefinite => format!("No date yet for your order {number}: please answer"),
            NoticeKind::Earlier => format!("Your order {number} ships sooner"),
            NoticeKind::Cancelled => format!("Your order {number}: cancelled"),
            NoticeKind::Shipped => format!("Your order {number} is on its way"),
            NoticeKind::Update => format!("Your order {number}: where it stands"),
            NoticeKind::Reconfirm => format!("Your order {number} is here: do you still want it?"),
        }
    }

    fn reason(&self, _reason: &str) -> Option<&'static str> {
        None
    }

    fn phrase(&self, phrase: Phrase<'_>) -> String {
        match phrase {
            Phrase::AnswerHere => "Keep or cancel, with two clicks:".to_owned(),
            Phrase::SeeHere => "Where it stands, at any time, and a way to cancel it:".to_owned(),
            Phrase::AlwaysNow => "That page always shows the date as it is now.".to_owned(),
            Phrase::Confirmed(number, date) => {
                format!("Your order {number} ships by {}", self.date(date))
            }
            Phrase::ConfirmedUndated(number) => format!("Your order {number}"),
            Phrase::Thanks(number) => format!("thank you for your order {number}."),
            Phrase::ShipsBy(date) => format!("ships by {}", self.date(date)),
            Phrase::NoDate => "no date yet".to_owned(),
            Phrase::AboutOrder(number) => format!("About your order {number}"),
            Phrase::AQuestion => "A question to you".to_owned(),
            Phrase::AnswerByClick => "Answer with one click:".to_owned(),
            Phrase::WriteBack => "Write back, and see where your order stands:".to_owned(),
            Phrase::HereAgain(title) => format!("{title} is here again: we hold it for you"),
            Phrase::HeldUntil { units, title, until } => {
                format!(
                    "We hold {units} × {title} for you until {until}. After that the next in line gets a turn."
                )
            }
            Phrase::OrderHere => "Order here:".to_owned(),
            Phrase::LeaveList => "Not interested any more? Leave the list here:".to_owned(),
            Phrase::PleasePay(number, amount) => format!("Your order {number}: please pay {amount}"),
            Phrase::CouldNotTake(amount, until) => {
                format!(
                    "We could not take {amount} for your order. Please pay it by {}: until then we keep your place.",
                    self.date(until)
                )
            }
            Phrase::PleaseSaveCard(number) => format!("Your order {number}: one step is missing"),
            Phrase::NoCard(until) => {
                format!(
                    "No card is saved for your order yet. Nothing is taken before it ships. Please save one by {}: until then we \
                     keep your place.",
                    self.date(until)
                )
            }
            Phrase::PayHere => "Here, with any card:".to_owned(),
            Phrase::BalanceSoon(number, date) => {
                format!("Your order {number}: the rest is taken on {}", self.date(date))
            }
            Phrase::BalanceOn(amount, date) => {
                format!(
                    "On {} we take {amount} with the card you saved. Until then you can cancel, and nothing is taken.",
                    self.date(date)
                )
            }
            Phrase::Withdrawn(number) => format!("Receipt: you withdrew from your order {number}"),
            Phrase::WithdrawnAt(at) => format!("Your withdrawal from the contract reached us on {at}."),
            Phrase::AfterWithdrawal => {
                "What had not been sent is called off. Please send back what you have received within 14 days. What you paid goes \
                 back by the way it came, within 14 days."
                    .to_owned()
            }
            Phrase::PaidNow(amount) => format!("{amount} when you order"),
            Phrase::PaidOn(amount, date) => format!("{amount} on {}", self.date(date)),
            Phrase::PaidOnShip(amount) => format!("{amount} when it ships"),
            Phrase::PaidByInvoice(amount) => format!("{amount} by invoice"),
            Phrase::Parcel { date, carrier, number } => parcel(
                &format!("Sent on {}", self.date(date)),
                carrier.map(|carrier| format!("with {carrier}")),
                number.map(|number| format!("number {number}")),
            ),
            Phrase::FinalSale(what) => {
                format!("Final sale: {what}. It cannot be cancelled, unless it ships later than promised; then everything you paid for it goes back.")
            }
            Phrase::MadeForYou(what) => {
                format!("Made for you: {what}. It cannot be cancelled or sent back, unless it ships later than promised; then everything you paid for it goes back. If it is faulty, you have all your rights.")
            }
            Phrase::RestFree => {
                "Everything else you can cancel free of charge until it ships; what you paid goes back by the way it came.".to_owned()
            }
            Phrase::CancelFree => {
                "You can cancel free of charge until it ships; what you paid goes back by the way it came.".to_owned()
            }
            Phrase::MayWithdraw(days) => {
                format!("You can withdraw within {days} days after you have it, without a reason.")
            }
        }
    }
}
