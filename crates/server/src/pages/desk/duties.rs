//! What needs somebody today: read as the API reads it (`/v1/obligations`, `/v1/backorders`, `/v1/shortfalls`,
//! `/v1/supplies`), counted with what is owed, and put into a sentence and a button each.

use engine::notices::{MAIL, MailRow, mail_state};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    id::TenantId,
    money::Money,
    record::Record,
    state::Shop,
    supply::{Supply, SupplyState},
    talk::{MESSAGE, UNREAD},
    time::{Date, Timestamp, seconds_after},
    webhook::{DELIVERY, Disabled, ENDPOINT, Endpoint},
};

use crate::{
    api::{
        backorders::{self, Query},
        notices::{ObligationOut, obligations_due},
    },
    hooks::FAILED,
    pages::{
        shop::encoded,
        words::{self, Day, count, counted},
    },
};

/// Broken promises that are counted one by one.
const BROKEN_MAX: usize = 500;
/// Due supplies that are looked at for late ones.
const DUE_MAX: usize = 200;
/// Failed mails that are looked at, and for how long one is worth a word, in seconds.
const MAILS_MAX: usize = 200;
const MAIL_S: i64 = 7 * 86_400;
/// Webhooks that are looked at.
const ENDPOINTS_MAX: usize = 50;
/// Deliveries to webhooks that are looked at for those that failed for good.
const DELIVERIES_MAX: usize = 200;
/// Late supplies, and refunds, shown one by one.
const SHOWN: usize = 6;

/// Obligations of one kind.
#[derive(Debug, Default)]
struct Heap {
    count: usize,
    /// Whether there may be more.
    is_more: bool,
    soonest: Option<Date>,
    otherwise: Option<&'static str>,
    sums: Vec<Money>,
    /// The order of the only one, or of each of the first few.
    orders: Vec<String>,
}

impl Heap {
    fn of((items, complete): (Vec<ObligationOut>, bool)) -> Self {
        let mut sums: Vec<Money> = Vec::new();
        for amount in items.iter().filter_map(|item| item.amount) {
            match sums.iter_mut().find(|sum| sum.currency == amount.currency) {
                Some(sum) => *sum = sum.checked_add(amount).unwrap_or(*sum),
                None => sums.push(amount),
            }
        }
        Self {
            count: items.len(),
            is_more: !complete,
            soonest: items.iter().find_map(|item| item.due_by),
            otherwise: items.iter().find(|item| item.due_by.is_some()).and_then(|item| item.otherwise),
            sums,
            orders: items.iter().take(SHOWN).map(|item| item.order.clone()).collect(),
        }
    }

    fn number(&self) -> String {
        number(self.count, self.is_more)
    }
}

/// What has to be done, of one moment.
#[derive(Debug, Default)]
pub(in crate::pages) struct Duties {
    notices: Heap,
    consents: Heap,
    refunds: Heap,
    /// Money that is set aside and must be taken before the bank lets it go.
    captures: Heap,
    /// Payments that failed for good.
    failed: Heap,
    /// Banks that want an answer.
    disputes: Heap,
    shipments: Heap,
    broken: (usize, bool),
    late: Vec<Supply>,
    /// What customers wrote and nobody has read: how much, and the addresses of the first few.
    letters: (usize, bool, Vec<String>),
    /// Mails that could not be sent for good.
    mails: (usize, bool),
    /// Systems that did not hear of everything, since they did not answer.
    hooks: usize,
}

impl Duties {
    /// Reads it, all from one state of the store.
    pub(in crate::pages) fn read(
        store: &mut dyn Read,
        tenant: &TenantId,
        today: Date,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut heap = |kind, before| obligations_due(store, tenant, Some(kind), before).map(Heap::of);
        let (notices, consents, refunds) =
            (heap("notice", None)?, heap("consent", None)?, heap("refund", None)?);
        let (captures, failed, disputes) =
            (heap("capture", None)?, heap("payment", None)?, heap("dispute", None)?);
        let shipments = heap("shipment", today.tomorrow().ok())?;
        let query = Query {
            sku: None,
            supply: None,
            here: false,
            overdue: false,
            broken: true,
            limit: BROKEN_MAX,
            now,
        };
        let (lines, next) = backorders::find(store, tenant, &query, None)?;
        let late = store.arrivals(tenant, DUE_MAX)?.into_iter().filter(|supply| is_late(supply, today));
        Ok(Self {
            notices,
            consents,
            refunds,
            captures,
            failed,
            disputes,
            shipments,
            broken: (lines.len(), next.is_some()),
            late: late.collect(),
            letters: letters(store, tenant)?,
            mails: unsent(store, tenant, now)?,
            hooks: unheard(store, tenant)?,
        })
    }

    /// The SKUs that it speaks of.
    pub(in crate::pages) fn skus(&self) -> impl Iterator<Item = &model::id::Sku> {
        self.late.iter().take(SHOWN).map(|supply| &supply.sku)
    }
}

/// What customers wrote and nobody has read.
fn letters(store: &mut dyn Read, tenant: &TenantId) -> Result<(usize, bool, Vec<String>), StoreError> {
    let filter = RecordFilter { owner: None, state: Some(UNREAD) };
    let records = store.record_page(tenant, Shelf::Private, MESSAGE, &filter, (None, MAILS_MAX))?;
    let mut from: Vec<String> = Vec::new();
    for record in &records {
        if from.len() == SHOWN {
            break;
        }
        let Ok(order) = record.owner.parse() else { continue };
        let contact = store.contact(tenant, order)?;
        let email = contact.and_then(|contact| contact.email).map(|email| email.to_string());
        if let Some(email) = email.filter(|email| !from.contains(email)) {
            from.push(email);
        }
    }
    Ok((records.len(), records.len() == MAILS_MAX, from))
}

/// Mails that failed for good in the last days, and whether there may be more.
fn unsent(store: &mut dyn Read, tenant: &TenantId, now: Timestamp) -> Result<(usize, bool), StoreError> {
    let filter = RecordFilter { owner: None, state: Some(mail_state::FAILED) };
    let records = store.record_page(tenant, Shelf::Private, MAIL, &filter, (None, MAILS_MAX))?;
    let since = seconds_after(now, -MAIL_S);
    let is_new = |record: &Record| {
        let row: Option<MailRow> = record.read().ok().flatten();
        row.is_some_and(|row| since.is_none_or(|since| row.queued_at >= since))
    };
    Ok((records.iter().filter(|record| is_new(record)).count(), records.len() == MAILS_MAX))
}

/// Systems that are gone, or to which something could not be delivered for good.
fn unheard(store: &mut dyn Read, tenant: &TenantId) -> Result<usize, StoreError> {
    let all = RecordFilter { owner: None, state: None };
    let endpoints = store.record_page(tenant, Shelf::Private, ENDPOINT, &all, (None, ENDPOINTS_MAX))?;
    let failed = RecordFilter { owner: None, state: Some(FAILED) };
    let deliveries = store.record_page(tenant, Shelf::Private, DELIVERY, &failed, (None, DELIVERIES_MAX))?;
    let is_troubled = |record: &&Record| {
        let endpoint: Option<Endpoint> = record.read().ok().flatten();
        endpoint.is_some_and(|endpoint| endpoint.disabled == Some(Disabled::Gone))
            || deliveries.iter().any(|delivery| delivery.owner == record.id)
    };
    Ok(endpoints.iter().filter(is_troubled).count())
}

/// Whether a delivery should have come.
pub(super) fn is_late(supply: &Supply, today: Date) -> bool {
    supply.state == SupplyState::Due
        && !supply.kind.is_elastic()
        && supply.expected_on.is_some_and(|date| date < today)
}

/// Something to do, with its buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Task {
    /// How urgent it looks: `late`, `few` or `later`.
    pub(in crate::pages) tone: &'static str,
    /// The tone in a word, so that colour is never alone.
    pub(in crate::pages) word: &'static str,
    pub(in crate::pages) title: String,
    pub(in crate::pages) detail: String,
    /// What can be done about it: words and address.
    pub(in crate::pages) buttons: Vec<(String, String)>,
}

/// Units promised without goods, and the lines and products they are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::pages) struct Lacking {
    pub(in crate::pages) units: i64,
    pub(in crate::pages) lines: i64,
}

/// What to do, the most urgent first.
pub(in crate::pages) fn tasks(duties: &Duties, shop: &Shop, lacking: Lacking, today: Date) -> Vec<Task> {
    let mut tasks = Vec::new();
    let by = |date: Option<Date>| date.map(|date| Day::of(date, Some(today)).text);
    let button = |words: &str, href: &str| (words.to_owned(), href.to_owned());
    if lacking.units > 0 {
        tasks.push(Task {
            tone: "late",
            word: "No goods",
            title: format!("{} promised without goods", counted(lacking.units, "unit", "units")),
            detail: format!(
                "In {}. Enter a delivery that brings them, or write to the customers.",
                counted(lacking.lines, "line", "lines")
            ),
            buttons: vec![
                button("See who waits", "/backlog?broken=true"),
                button("Enter a delivery", "/supply#new"),
            ],
        });
    }
    if duties.notices.count > 0 {
        let heap = &duties.notices;
        let is_urgent = heap.soonest.is_some();
        let detail = match (by(heap.soonest), heap.otherwise) {
            (Some(day), Some(otherwise)) => format!("The first by {day}, or {otherwise}."),
            (Some(day), None) => format!("The first by {day}."),
            _ => "Each is written, in the customer’s language, for you to read and send.".to_owned(),
        };
        let title = if heap.count == 1 && !heap.is_more {
            "1 message to a customer is due".to_owned()
        } else {
            format!("{} messages to customers are due", heap.number())
        };
        let (tone, word) = if is_urgent { ("few", "By law") } else { ("later", "To send") };
        tasks.push(Task { tone, word, title, detail, buttons: vec![button("Read and send", "/messages")] });
    }
    let (broken, is_more) = duties.broken;
    if broken > 0 {
        tasks.push(Task {
            tone: "few",
            word: "Will break",
            title: format!(
                "{} will ship later than we said",
                if broken == 1 && !is_more {
                    "1 line".to_owned()
                } else {
                    format!("{} lines", number(broken, is_more))
                }
            ),
            detail: "Their goods come after the date that the customer was told, as far as is known today."
                .to_owned(),
            buttons: vec![button("See which", "/backlog?broken=true")],
        });
    }
    tasks.extend(duties.late.iter().take(SHOWN).map(|supply| late(supply, shop, today)));
    if duties.late.len() > SHOWN {
        tasks.push(Task {
            tone: "late",
            word: "Late",
            title: format!("{} more deliveries are late", count_of(duties.late.len() - SHOWN)),
            detail: "The longest overdue stand first in the list of deliveries.".to_owned(),
            buttons: vec![button("See all", "/supply")],
        });
    }
    tasks.extend(money(
        &duties.disputes,
        ("late", "Dispute"),
        ("bank wants an answer", "banks want an answer"),
        today,
    ));
    tasks.extend(money(
        &duties.failed,
        ("late", "Payment"),
        ("payment failed for good", "payments failed for good"),
        today,
    ));
    tasks.extend(money(
        &duties.captures,
        ("few", "Expires"),
        ("payment that is set aside must be taken", "payments that are set aside must be taken"),
        today,
    ));
    tasks.extend(money(&duties.refunds, ("few", "Money"), ("refund is due", "refunds are due"), today));
    if duties.shipments.count > 0 {
        let heap = &duties.shipments;
        tasks.push(Task {
            tone: "later",
            word: "Ship",
            title: format!(
                "{} must leave by today",
                if heap.count == 1 { "1 line".to_owned() } else { format!("{} lines", heap.number()) }
            ),
            detail: "That is the date their customers were told.".to_owned(),
            buttons: vec![
                button("Goods that are here", "/backlog?state=allocated"),
                button("Overdue and waiting", "/backlog?overdue=true"),
            ],
        });
    }
    let (letters, is_more, from) = &duties.letters;
    if *letters > 0 {
        let read = |email: &String| {
            let words = if from.len() == 1 { "Read and answer".to_owned() } else { email.clone() };
            (words, format!("/customers?q={}", encoded(email)))
        };
        tasks.push(Task {
            tone: "few",
            word: "New",
            title: if *letters == 1 {
                "A customer wrote".to_owned()
            } else {
                format!("{} messages from customers are unread", number(*letters, *is_more))
            },
            detail: "They wait for an answer, or for a word that there is nothing to say.".to_owned(),
            buttons: from.iter().map(read).collect(),
        });
    }
    let (mails, is_more) = duties.mails;
    if mails > 0 {
        tasks.push(Task {
            tone: "few",
            word: "Mail",
            title: format!(
                "{} could not be sent",
                if mails == 1 && !is_more {
                    "1 mail".to_owned()
                } else {
                    format!("{} mails", number(mails, is_more))
                }
            ),
            detail:
                "Their addresses were refused, or the mail server never took them. Their orders say which."
                    .to_owned(),
            buttons: vec![
                button("See the messages", "/messages?state=sent"),
                button("Look at the mail server", "/settings/mail"),
            ],
        });
    }
    if duties.hooks > 0 {
        tasks.push(Task {
            tone: "few",
            word: "Webhook",
            title: format!(
                "{} not hear of everything",
                if duties.hooks == 1 {
                    "1 system did".to_owned()
                } else {
                    format!("{} systems did", count_of(duties.hooks))
                }
            ),
            detail: "They did not answer for days, or are gone. What they missed can be told again."
                .to_owned(),
            buttons: vec![button("See the webhooks", "/settings/webhooks")],
        });
    }
    if duties.consents.count > 0 {
        let heap = &duties.consents;
        let detail = match (by(heap.soonest), heap.otherwise) {
            (Some(day), Some(otherwise)) => {
                format!("The first has until {day}; without an answer {otherwise}.")
            }
            _ => String::new(),
        };
        tasks.push(Task {
            tone: "later",
            word: "Waiting",
            title: format!(
                "{} asked to keep or cancel",
                if heap.count == 1 {
                    "1 customer is".to_owned()
                } else {
                    format!("{} customers are", heap.number())
                }
            ),
            detail,
            buttons: vec![button("See whom", "/messages?state=sent")],
        });
    }
    tasks
}

/// Something to see to with the money of orders, with a way to each of the first few.
fn money(
    heap: &Heap,
    (tone, word): (&'static str, &'static str),
    (one, many): (&str, &str),
    today: Date,
) -> Option<Task> {
    if heap.count == 0 {
        return None;
    }
    let sums = if heap.sums.is_empty() { String::new() } else { format!(": {}", words::sums(&heap.sums)) };
    let is_one = heap.count == 1 && !heap.is_more;
    let soonest = heap.soonest.map(|date| Day::of(date, Some(today)).text);
    let detail = match (soonest, heap.otherwise) {
        (Some(day), Some(otherwise)) => format!("The first by {day}; else {otherwise}."),
        (Some(day), None) => format!("The first by {day}."),
        (None, Some(otherwise)) => format!("{}.", words::sentence(otherwise)),
        (None, None) => "The order says what happened.".to_owned(),
    };
    let buttons = heap.orders.iter().enumerate().map(|(nth, order)| {
        let words = if is_one { "Look at the order".to_owned() } else { format!("Order {}", nth + 1) };
        (words, format!("/orders/{order}"))
    });
    Some(Task {
        tone,
        word,
        title: format!("{} {}{sums}", heap.number(), if is_one { one } else { many }),
        detail,
        buttons: buttons.collect(),
    })
}

fn late(supply: &Supply, shop: &Shop, today: Date) -> Task {
    let given = supply.expected_on.map_or_else(String::new, |date| Day::of(date, Some(today)).text);
    let from = [supply.supplier.as_deref(), supply.reference.as_deref()];
    let from = from.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let title = words::title(shop, &supply.sku);
    let of = if from.is_empty() { words::kind(supply.kind).to_owned() } else { from };
    let id = supply.id;
    Task {
        tone: "late",
        word: "Late",
        title: format!("{} × {title} should have come on {given}", count(supply.quantity)),
        detail: match supply.pegged() {
            0 => format!("{of}. Nobody waits for it yet."),
            pegged => format!("{of}. {} promised from it.", counted(pegged, "unit is", "units are")),
        },
        buttons: vec![
            ("Receive it".to_owned(), format!("/supply/{id}#receive")),
            ("Give a new date".to_owned(), format!("/supply/{id}#slip")),
        ],
    }
}

fn count_of(number: usize) -> String {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// `12`, or `500 or more` where nobody counted on.
fn number(number: usize, is_more: bool) -> String {
    format!("{}{}", count_of(number), if is_more { " or more" } else { "" })
}
