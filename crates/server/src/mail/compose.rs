//! From a queued mail to the words that are sent, in the language of whoever gets them.

use std::sync::Arc;

use askama::Template;
use connect::smtp::Letter;
use engine::notices::{MailRow, WITHDRAWAL, WORDS, Withdrawal, Words};
use ledger::{Read, Shelf, StoreError};
use model::{
    command::Contact,
    id::{OrderId, TenantId, WaitId},
    money::Money,
    order::{Dates, Order},
    parcel::Parcel,
    question::{QUESTION, Question},
    state::Shop,
    talk::{MESSAGE, Message},
    time::{Zone, local_date},
    waitlist::{WAITING, Wait, WaitState, Waiter},
};
use obligation::{
    notice::{
        Clause, NoticeKind,
        kept::{Kept, NOTICE},
    },
    payment::{Account, ChargeKind, ChargeState},
};

use super::{
    terms::{self, Rights},
    words::{Language, Phrase, language},
};
use crate::{App, api::state::shop_of, link, pages::shop_name, parcels};

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
pub(super) struct Text<'a> {
    pub(super) hello: &'a str,
    pub(super) parts: &'a [Part],
    pub(super) link: Option<&'a str>,
    pub(super) link_label: &'a str,
    pub(super) note: Option<&'a str>,
    pub(super) shop: &'a str,
    pub(super) off: Option<&'a (String, String)>,
}

#[derive(Template)]
#[template(path = "mail.html")]
pub(super) struct Html<'a> {
    pub(super) lang: &'static str,
    pub(super) subject: &'a str,
    pub(super) hello: &'a str,
    pub(super) parts: &'a [Part],
    pub(super) link: Option<&'a str>,
    pub(super) link_label: &'a str,
    pub(super) note: Option<&'a str>,
    pub(super) shop: &'a str,
    pub(super) off: Option<&'a (String, String)>,
}

/// Lines that belong together.
pub(super) struct Part {
    pub(super) head: Option<String>,
    pub(super) lines: Vec<String>,
}

/// What a mail says, before it is put into its two forms.
struct Content {
    subject: String,
    parts: Vec<Part>,
    link: Option<String>,
    link_label: String,
    note: Option<String>,
    /// Where mail of this kind is ended, and the words above that.
    off: Option<(String, String)>,
}

/// Why there is nothing to send.
#[derive(Debug)]
pub(crate) enum Unsendable {
    /// Nobody's address is known, or not any more.
    NoAddress,
    /// What it is about is gone.
    Gone,
}

/// Writes a mail. Errors: the store cannot be read.
pub(crate) fn compose(
    app: &App,
    store: &mut dyn Read,
    tenant: &TenantId,
    id: &str,
    row: &MailRow,
) -> Result<Result<Letter, Unsendable>, StoreError> {
    if let Some(wait) = row.wait {
        return invitation(app, store, tenant, (id, wait));
    }
    if let ("purchase_order", Some(order)) = (&*row.kind, &row.message) {
        return super::purchase::compose(store, tenant, id, order);
    }
    let orders: Vec<OrderId> = row.order.into_iter().collect();
    let Some(order) = store.orders(tenant, &orders)?.pop() else { return Ok(Err(Unsendable::Gone)) };
    let contact = store.contact(tenant, order.id)?.unwrap_or_default();
    if contact.email.is_none() {
        return Ok(Err(Unsendable::NoAddress));
    }
    let shop = shop_of(store, tenant, std::slice::from_ref(&order))?;
    let language = language(contact.locale.as_deref());
    let about = About { app, tenant, order: &order, shop: &shop, language };
    let content = match &*row.kind {
        "confirmation" => Some(about.confirmation(store)?),
        "notice" => about.notices(store, row)?,
        "reply" => about.reply(store, row)?,
        "question" => about.question(store, row)?,
        "payment" => about.payment(store, row)?,
        "balance" => about.balance(store, row)?,
        "withdrawal" => about.withdrawal(store)?,
        _ => None,
    };
    Ok(match content {
        Some(content) => Ok(about.letter(id, &contact, &content)),
        None => Err(Unsendable::Gone),
    })
}

/// What somebody on a waitlist is told of the units that are held; nothing any more once they are not.
fn invitation(
    app: &App,
    store: &mut dyn Read,
    tenant: &TenantId,
    (id, place): (&str, WaitId),
) -> Result<Result<Letter, Unsendable>, StoreError> {
    let place = place.to_string();
    let wait = store.records(tenant, Shelf::Ledger, WAITING, &[&place])?.pop();
    let wait: Option<Wait> = wait.and_then(|record| record.read().ok().flatten());
    let Some((wait, until)) = wait
        .filter(|wait| wait.state == WaitState::Invited)
        .and_then(|wait| wait.until.map(|until| (wait, until)))
    else {
        return Ok(Err(Unsendable::Gone));
    };
    let who = store.records(tenant, Shelf::Private, WAITING, &[&place])?.pop();
    let Some(who) = who.and_then(|record| record.read::<Waiter>().ok().flatten()) else {
        return Ok(Err(Unsendable::NoAddress));
    };
    let pool = store.pools(tenant, std::slice::from_ref(&wait.sku))?.pop();
    let pools = pool.into_iter().map(|pool| (pool.sku().clone(), pool.into())).collect();
    let title = crate::pages::item_title(&Shop { pools, ..Shop::default() }, &wait.sku);
    let zone = store.locations(tenant)?.into_iter().next();
    let zone = zone.map_or_else(Zone::utc, |(_, location)| location.time_zone);
    let language = language(who.locale.as_deref());
    let (date, clock) = zone.local(until);
    let until =
        format!("{}, {:02}:{:02} ({})", language.date(date), clock.hour(), clock.minute(), zone.name());
    let token = link::make_wait(&app.secret, tenant, wait.id, wait.joined_at);
    let link = format!("{}/w/{token}", app.url());
    let content = Content {
        subject: language.phrase(Phrase::HereAgain(&title)),
        parts: vec![Part {
            head: None,
            lines: vec![language.phrase(Phrase::HeldUntil {
                units: wait.quantity,
                title: &title,
                until: &until,
            })],
        }],
        link: Some(link.clone()),
        link_label: language.phrase(Phrase::OrderHere),
        note: None,
        off: Some((language.phrase(Phrase::LeaveList), format!("{link}/leave"))),
    };
    let contact = Contact { email: Some(who.email), locale: who.locale, ..Contact::default() };
    Ok(Ok(letter((tenant, language), id, &contact, &content)))
}

/// What a preview of one draft would send; `None`: its order or its customer is gone.
pub(crate) fn preview(
    app: &App,
    store: &mut dyn Read,
    tenant: &TenantId,
    notice: &str,
    kept: &Kept,
) -> Result<Option<Letter>, StoreError> {
    let Some(order) = store.orders(tenant, &[kept.order])?.pop() else { return Ok(None) };
    let contact = store.contact(tenant, order.id)?.unwrap_or_default();
    let shop = shop_of(store, tenant, std::slice::from_ref(&order))?;
    let language = language(contact.locale.as_deref());
    let about = About { app, tenant, order: &order, shop: &shop, language };
    let words = words_of(store, tenant, notice)?;
    let sent = parcels::of_order(store, tenant, &order)?;
    let content = about.told(&[(kept.clone(), words)], &sent);
    Ok(content.map(|content| about.letter("preview", &contact, &content)))
}

fn words_of(store: &mut dyn Read, tenant: &TenantId, notice: &str) -> Result<Words, StoreError> {
    let found = store.records(tenant, Shelf::Private, WORDS, &[notice])?;
    Ok(found.first().and_then(|record| record.read().ok().flatten()).unwrap_or_default())
}

struct About<'a> {
    app: &'a App,
    tenant: &'a TenantId,
    order: &'a Order,
    shop: &'a Shop,
    language: &'static dyn Language,
}

impl About<'_> {
    fn link(&self) -> String {
        let token = link::make(&self.app.secret, self.tenant, self.order.id, self.order.placed_at);
        format!("{}/o/{token}", self.app.url())
    }

    fn number(&self) -> String {
        crate::pages::order_number(self.order)
    }

    fn head(&self, no: u16) -> Option<String> {
        let line = self.order.line(no)?;
        Some(format!("{} × {}", line.quantity, crate::pages::item_title(self.shop, &line.sku)))
    }

    /// Confirms an order with the dates that were promised when it was placed.
    fn confirmation(&self, store: &mut dyn Read) -> Result<Content, StoreError> {
        let sale = terms::sale_of(store, self.tenant, self.order)?.unwrap_or_default();
        let title = |line: &model::order::Line| crate::pages::item_title(self.shop, &line.sku);
        let sold: Vec<_> = self.order.lines.iter().map(|line| (title(line), sale.of(line.no))).collect();
        let rights = Rights::of(store, self.tenant, self.order.country.as_deref(), &sold)?;
        let (language, number) = (self.language, self.number());
        let first = |line: &model::order::Line| {
            line.promises.first().map_or(Dates::UNKNOWN, |promise| promise.ship_by)
        };
        let last = self.order.lines.iter().map(first).reduce(Dates::max).unwrap_or_default();
        let lines = self.order.lines.iter().map(|line| {
            let by = match first(line).promised {
                Some(date) => language.phrase(Phrase::ShipsBy(date)),
                None => language.phrase(Phrase::NoDate),
            };
            format!("  {}: {by}", self.head(line.no).unwrap_or_default())
        });
        let terms = terms::words(&terms::of_order(self.order, self.shop), &rights, language);
        Ok(Content {
            subject: match last.promised {
                Some(date) => language.phrase(Phrase::Confirmed(&number, date)),
                None => language.phrase(Phrase::ConfirmedUndated(&number)),
            },
            parts: vec![
                Part { head: None, lines: vec![language.phrase(Phrase::Thanks(&number))] },
                Part { head: None, lines: lines.collect() },
                Part { head: None, lines: terms },
            ],
            link: Some(self.link()),
            link_label: language.phrase(Phrase::SeeHere),
            note: Some(language.phrase(Phrase::AlwaysNow)),
            off: None,
        })
    }

    /// The account of the order, and what a mail about it is about: the words after its kind.
    fn account<'r>(
        &self,
        store: &mut dyn Read,
        row: &'r MailRow,
    ) -> Result<Option<(Account, &'r str)>, StoreError> {
        let found = crate::api::orders::payments::account(store, self.tenant, self.order.id)?;
        let what = row.message.as_deref().and_then(|message| message.split_once('-'));
        Ok(found.map(|kept| kept.account).zip(what.map(|(_, what)| what)))
    }

    fn money(account: &Account, amount: i64) -> String {
        crate::pages::money(Money::new(amount, account.currency))
    }

    /// A link to pay by; nothing any more once it is paid, or called off.
    fn payment(&self, store: &mut dyn Read, row: &MailRow) -> Result<Option<Content>, StoreError> {
        let Some((account, charge)) = self.account(store, row)? else { return Ok(None) };
        let charge = charge.parse().ok().and_then(|number: u32| account.charges.get(&number));
        let Some((charge, until)) = charge.and_then(|charge| match charge.state {
            ChargeState::NeedsCustomer { grace_until, .. } => Some((charge, grace_until)),
            _ => None,
        }) else {
            return Ok(None);
        };
        let until = local_date(until, &self.zone());
        let (number, amount) = (self.number(), Self::money(&account, charge.outstanding()));
        let (subject, words) = match charge.kind {
            ChargeKind::Setup => (Phrase::PleaseSaveCard(&number), Phrase::NoCard(until)),
            _ => (Phrase::PleasePay(&number, &amount), Phrase::CouldNotTake(&amount, until)),
        };
        Ok(Some(Content {
            subject: self.language.phrase(subject),
            parts: vec![Part { head: None, lines: vec![self.language.phrase(words)] }],
            link: Some(format!("{}/pay", self.link())),
            link_label: self.language.phrase(Phrase::PayHere),
            note: None,
            off: None,
        }))
    }

    /// That a balance will be taken; nothing where it will not, or not on that day.
    fn balance(&self, store: &mut dyn Read, row: &MailRow) -> Result<Option<Content>, StoreError> {
        let Some((account, what)) = self.account(store, row)? else { return Ok(None) };
        let line = what.split_once('-').and_then(|(line, due)| {
            let money = account.lines.get(&line.parse().ok()?)?;
            money.announced.filter(|(announced, _)| announced.to_string() == due).map(|(due, _)| (money, due))
        });
        let Some((money, due)) = line else { return Ok(None) };
        let amount = money.price * money.open - money.prepaid;
        if amount <= 0 {
            return Ok(None);
        }
        let amount = Self::money(&account, amount);
        Ok(Some(Content {
            subject: self.language.phrase(Phrase::BalanceSoon(&self.number(), due)),
            parts: vec![Part {
                head: None,
                lines: vec![self.language.phrase(Phrase::BalanceOn(&amount, due))],
            }],
            link: Some(self.link()),
            link_label: self.language.phrase(Phrase::SeeHere),
            note: None,
            off: None,
        }))
    }

    /// The receipt of a withdrawal, with its time (Directive 2011/83/EU art. 11a).
    fn withdrawal(&self, store: &mut dyn Read) -> Result<Option<Content>, StoreError> {
        let id = self.order.id.to_string();
        let found = store.records(self.tenant, Shelf::Ledger, WITHDRAWAL, &[&id])?.pop();
        let Some(done) = found.and_then(|record| record.read::<Withdrawal>().ok().flatten()) else {
            return Ok(None);
        };
        let at = done.at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let heads = done.called_off.iter().chain(&done.come_back).filter_map(|(no, units)| {
            let line = self.order.line(*no)?;
            Some(format!("  {units} × {}", crate::pages::item_title(self.shop, &line.sku)))
        });
        Ok(Some(Content {
            subject: self.language.phrase(Phrase::Withdrawn(&self.number())),
            parts: vec![
                Part { head: None, lines: vec![self.language.phrase(Phrase::WithdrawnAt(&at))] },
                Part { head: None, lines: heads.collect() },
                Part { head: None, lines: vec![self.language.phrase(Phrase::AfterWithdrawal)] },
            ],
            link: Some(self.link()),
            link_label: self.language.phrase(Phrase::SeeHere),
            note: None,
            off: None,
        }))
    }

    /// The zone of the shop's first location.
    fn zone(&self) -> Zone {
        self.shop.locations.values().next().map_or_else(Zone::utc, |place| place.time_zone.clone())
    }

    fn reply(&self, store: &mut dyn Read, row: &MailRow) -> Result<Option<Content>, StoreError> {
        let Some(id) = &row.message else { return Ok(None) };
        let found = store.records(self.tenant, Shelf::Private, MESSAGE, &[id])?.pop();
        let message: Option<Message> = found.and_then(|record| record.read().ok().flatten());
        Ok(message.map(|message| Content {
            subject: self.language.phrase(Phrase::AboutOrder(&self.number())),
            parts: vec![Part { head: None, lines: message.text.lines().map(str::to_owned).collect() }],
            link: Some(self.link()),
            link_label: self.language.phrase(Phrase::WriteBack),
            note: None,
            off: None,
        }))
    }

    fn question(&self, store: &mut dyn Read, row: &MailRow) -> Result<Option<Content>, StoreError> {
        let Some(id) = &row.message else { return Ok(None) };
        let found = store.records(self.tenant, Shelf::Ledger, QUESTION, &[id])?.pop();
        let question: Option<Question> = found.and_then(|record| record.read().ok().flatten());
        Ok(question.map(|question| Content {
            subject: self.language.phrase(Phrase::AQuestion),
            parts: vec![
                Part { head: None, lines: question.text.lines().map(str::to_owned).collect() },
                Part {
                    head: None,
                    lines: question.choices.iter().map(|choice| format!("  {choice}")).collect(),
                },
            ],
            link: Some(format!("{}/q/{id}", self.link())),
            link_label: self.language.phrase(Phrase::AnswerByClick),
            note: None,
            off: None,
        }))
    }

    fn notices(&self, store: &mut dyn Read, row: &MailRow) -> Result<Option<Content>, StoreError> {
        let ids: Vec<&str> = row.notices.iter().map(|id| &**id).collect();
        let mut told = Vec::with_capacity(ids.len());
        for record in store.records(self.tenant, Shelf::Ledger, NOTICE, &ids)? {
            if let Ok(Some(kept)) = record.read::<Kept>() {
                told.push((kept, words_of(store, self.tenant, &record.id)?));
            }
        }
        let sent = match told.iter().any(|(kept, _)| kept.news.kind == NoticeKind::Shipped) {
            true => parcels::of_order(store, self.tenant, self.order)?,
            false => Vec::new(),
        };
        Ok(self.told(&told, &sent))
    }

    /// When a line left, with whom and under which number: a sentence for each parcel, and where the carrier shows it.
    fn sent(&self, line: u16, sent: &[(Arc<str>, Parcel)]) -> Vec<String> {
        let of_line = |parcel: &&Parcel| parcel.lines.iter().any(|(no, _)| *no == line);
        let mut said = Vec::new();
        for parcel in sent.iter().map(|(_, parcel)| parcel).filter(of_line) {
            said.push(self.language.phrase(Phrase::Parcel {
                date: local_date(parcel.shipped_at, &self.zone()),
                carrier: parcel.carrier.as_deref(),
                number: parcel.tracking.as_deref(),
            }));
            said.extend(parcels::link(parcel));
        }
        said
    }

    /// Says all that some notices of the order must say: the first decides the subject.
    fn told(&self, told: &[(Kept, Words)], sent: &[(Arc<str>, Parcel)]) -> Option<Content> {
        let language = self.language;
        let (first, _) = told.first()?;
        let asks = told.iter().any(|(kept, _)| kept.news.asks);
        let mut parts = Vec::new();
        for (kept, words) in told {
            let mut lines: Vec<String> = words.words.iter().map(ToString::to_string).collect();
            for clause in &kept.news.clauses {
                lines.push(match (clause, &words.reason) {
                    (Clause::Reason { .. }, Some(reason)) => {
                        language.clause(&Clause::Reason { reason: reason.trim_end_matches('.').to_owned() })
                    }
                    _ => language.clause(clause),
                });
            }
            if kept.news.kind == NoticeKind::Shipped {
                lines.extend(self.sent(kept.line, sent));
            }
            parts.push(Part { head: self.head(kept.line), lines });
        }
        Some(Content {
            subject: language.subject(first.news.kind, &self.number()),
            parts,
            link: Some(self.link()),
            link_label: language.phrase(if asks { Phrase::AnswerHere } else { Phrase::SeeHere }),
            note: Some(language.phrase(Phrase::AlwaysNow)),
            off: None,
        })
    }

    fn letter(&self, id: &str, contact: &Contact, content: &Content) -> Letter {
        letter((self.tenant, self.language), id, contact, content)
    }
}

/// Puts what a mail says into its two forms.
fn letter(
    (tenant, language): (&TenantId, &'static dyn Language),
    id: &str,
    contact: &Contact,
    content: &Content,
) -> Letter {
    let name = contact.name.as_deref();
    let hello = language.hello(name.and_then(crate::pages::first_name));
    let shop = shop_name(tenant);
    let text = Text {
        hello: &hello,
        parts: &content.parts,
        link: content.link.as_deref(),
        link_label: &content.link_label,
        note: content.note.as_deref(),
        shop: &shop,
        off: content.off.as_ref(),
    };
    let html = Html {
        lang: language.code(),
        subject: &content.subject,
        hello: text.hello,
        parts: text.parts,
        link: text.link,
        link_label: text.link_label,
        note: text.note,
        shop: text.shop,
        off: text.off,
    };
    Letter {
        id: id.to_owned(),
        to: contact.email.as_deref().unwrap_or_default().to_owned(),
        name: name.map(str::to_owned),
        subject: content.subject.clone(),
        // Values are texts in memory: rendering them cannot fail.
        text: text.render().unwrap_or_default(),
        html: html.render().unwrap_or_default(),
        unsubscribe: content.off.as_ref().map(|(_, link)| link.clone()),
        attachment: None,
    }
}
