//! What can be asked of a shop's notices and mail.

use std::sync::Arc;

use crate::{
    id::{CustomerKey, OrderId},
    money::Money,
    record::Json,
    time::Timestamp,
};

/// A wish about notices or mail.
#[derive(Debug, Clone)]
pub enum MessageWish {
    /// Set when notices go out; the text of the settings, which was checked.
    Settings(Json),
    /// Set the figures of laws that a shop has of its own; the list, which was checked.
    Law(Json),
    /// Give drafts to the mail: these, or every one there is.
    Send(Drafts),
    /// Put a draft in other words.
    Edit(EditNotice),
    /// Answer a notice.
    Answer(AnswerNotice),
    /// Money went back of which no account knows.
    Repaid(Repaid),
    /// A notice that was sent came back.
    Bounced {
        /// Which notice.
        notice: Arc<str>,
    },
    /// Mails that came back, or of which whoever got them complained.
    Returned(Vec<Returned>),
    /// Queue mails of one kind about orders, each once, and remember how far the ledger was read for them.
    Queue {
        /// What kind of mail.
        kind: &'static str,
        /// About which orders.
        orders: Vec<OrderId>,
        /// The last entry of the ledger that was read.
        read_to: i64,
    },
    /// Take mails to send them: nobody else takes them before that moment.
    Claim {
        /// Which mails.
        mails: Vec<Arc<str>>,
        /// How long nobody else may.
        until: Timestamp,
    },
    /// What became of mails that were taken.
    Mailed(Vec<Mailed>),
}

/// Which drafts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drafts {
    /// These.
    These(Vec<Arc<str>>),
    /// All there are: some now, the rest as work.
    All,
}

/// Put a draft in other words; what is `None` stays.
#[derive(Debug, Clone)]
pub struct EditNotice {
    /// Which draft.
    pub notice: Arc<str>,
    /// Why it changed, in words for the customer.
    pub reason: Option<Arc<str>>,
    /// A few words of the shop's own, above the rest; `Some(None)`: none any more.
    pub words: Option<Option<Arc<str>>>,
}

/// An answer to a notice.
#[derive(Debug, Clone)]
pub struct AnswerNotice {
    /// Which notice.
    pub notice: Arc<str>,
    /// Waits, or cancels.
    pub keep: bool,
    /// To which version of the promise; the notice's own unless given.
    pub version: Option<u32>,
    /// Whether the customer does it, not staff for the customer.
    pub by_customer: bool,
}

/// Money that went back of which no account knows: it is moved elsewhere.
#[derive(Debug, Clone)]
pub struct Repaid {
    /// Of which order.
    pub order: OrderId,
    /// For which line; for all that wait for it unless given.
    pub line: Option<u16>,
    /// How much, 0 where nothing had been taken; what is due unless given.
    pub amount: Option<Money>,
}

/// What was heard of a mail after the mail server had taken it.
#[derive(Debug, Clone)]
pub struct Returned {
    /// What.
    pub fate: Fate,
    /// Which mail; `None`: it is not known, and whatever was sent to the address lately is meant.
    pub mail: Option<Arc<str>>,
    /// To whom; `None`: to whom the mail went.
    pub customer: Option<CustomerKey>,
    /// A stable word or a status code for why.
    pub code: Arc<str>,
}

/// What became of a mail after the mail server had taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It did not arrive.
    Failed {
        /// Nothing else will, at that address.
        dead: bool,
    },
    /// Whoever got it wants no more of what is not owed.
    Complaint,
    /// Mail arrives there again: what was noted before is forgotten.
    Arrives,
}

/// What became of one mail.
#[derive(Debug, Clone)]
pub struct Mailed {
    /// Which.
    pub mail: Arc<str>,
    /// What became of it.
    pub outcome: MailOutcome,
}

/// What became of a mail that was taken.
#[derive(Debug, Clone)]
pub enum MailOutcome {
    /// The mail server, or the outbox, has it.
    Sent {
        /// As it was sent.
        subject: Arc<str>,
        /// As it was sent, in plain text.
        text: Arc<str>,
    },
    /// Not now: again at that moment.
    Later {
        /// When.
        at: Timestamp,
        /// A stable word for why.
        code: Arc<str>,
    },
    /// It cannot be sent.
    Failed {
        /// A stable word for why.
        code: Arc<str>,
    },
}
