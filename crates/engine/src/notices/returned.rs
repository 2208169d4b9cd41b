//! Mail that came back after the mail server had taken it: its notices told nobody, and an address that takes nothing is marked, so
//! that the next mail to it fails at once and somebody sees to it, instead of counting as sent.

use ledger::{OrderFilter, RecordFilter, Shelf};
use model::{
    id::CustomerKey,
    message::{Fate, Returned},
    record::Record,
    time::{Timestamp, seconds_after},
    waitlist::{WAITING, Wait},
};
use serde::{Deserialize, Serialize};

use super::{
    json, made,
    mail::{MAIL, MailRow, bounced, mail_state},
    read,
};
use crate::{
    after::Course,
    answer::{Answer, Failure},
    execute::Outcome,
    working::Working,
};

/// The kind of the private records that mark addresses; the id is the customer's key, which is a hash of the address.
pub const ADDRESS: &str = "mail_address";

/// What is known of an address, as the state of its record.
pub mod address_state {
    /// Nothing arrives there.
    pub const DEAD: &str = "dead";
    /// Whoever reads it wants nothing that is not owed.
    pub const COMPLAINED: &str = "complained";
}

/// For how long after a mail was sent a report that names none may mean it, in seconds: servers try for five days (RFC 5321, 4.5.4.1).
const LATELY_S: i64 = 7 * 86_400;
/// Most of a customer's newest orders whose mails are looked at.
const ORDERS_MAX: usize = 100;
/// Most mails of one order.
const MAILS_MAX: usize = 500;

/// What is kept of a mark.
#[derive(Serialize)]
struct Mark<'a> {
    code: &'a str,
    at: Timestamp,
}

/// What followed from reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameBack {
    /// Mails that are known not to have arrived.
    pub mails: usize,
    /// Notices that therefore told nobody.
    pub notices: usize,
    /// Addresses that were marked, or are good again.
    pub addresses: usize,
    /// Reports about nothing that is known here.
    pub unknown: usize,
}

/// Notes what was heard of mails.
pub(super) fn returned(working: &mut Working<'_>, course: &mut Course, reports: &[Returned]) -> Outcome {
    let mut came = CameBack::default();
    for report in reports {
        let found = match &report.mail {
            Some(mail) => named(working, report, mail)?,
            None => Named { mails: lately(working, report.customer, course.now)?, customer: report.customer },
        };
        if found.mails.is_empty() && (report.mail.is_some() || found.customer.is_none()) {
            came.unknown += 1;
            continue;
        }
        match report.fate {
            Fate::Failed { dead } => {
                for mail in found.mails {
                    came.mails += 1;
                    came.notices += undone(working, course, mail, &report.code)?;
                }
                if dead {
                    came.addresses += mark(working, found.customer, address_state::DEAD, report, course.now)?;
                }
            }
            Fate::Complaint => {
                came.addresses +=
                    mark(working, found.customer, address_state::COMPLAINED, report, course.now)?;
            }
            Fate::Arrives => {
                if let Some(customer) = found.customer {
                    came.addresses += 1;
                    working.put_private([Record::gone(ADDRESS, &customer.to_string())]);
                }
            }
        }
    }
    Ok(Ok(Answer::CameBack(came)))
}

/// What a report is about.
#[derive(Default)]
struct Named {
    mails: Vec<(Record, MailRow)>,
    customer: Option<CustomerKey>,
}

/// The mail that a report names; nothing where it went to somebody else.
fn named(working: &mut Working<'_>, report: &Returned, mail: &str) -> Result<Named, Failure> {
    let Some(record) = working.private(MAIL, mail)? else { return Ok(Named::default()) };
    let Some(row) = read::<MailRow>(&record)? else { return Ok(Named::default()) };
    let went_to = went_to(working, &row)?;
    if report.customer.is_some() && went_to.is_some() && report.customer != went_to {
        return Ok(Named::default());
    }
    Ok(Named { mails: vec![(record, row)], customer: went_to.or(report.customer) })
}

/// To whom a mail went; `None`: to no customer.
fn went_to(working: &mut Working<'_>, row: &MailRow) -> Result<Option<CustomerKey>, Failure> {
    if let Some(order) = row.order {
        working.load_orders(&[order])?;
        return Ok(working.shop().orders.get(&order).and_then(|order| order.customer));
    }
    let Some(wait) = row.wait else { return Ok(None) };
    let record = working.record(WAITING, &wait.to_string())?;
    let wait: Option<Wait> = record.map(|record| record.read()).transpose()?.flatten();
    Ok(wait.map(|wait| wait.customer))
}

/// What was sent to a customer lately, about the newest orders.
fn lately(
    working: &mut Working<'_>,
    customer: Option<CustomerKey>,
    now: Timestamp,
) -> Result<Vec<(Record, MailRow)>, Failure> {
    let Some(customer) = customer else { return Ok(Vec::new()) };
    let filter = OrderFilter { customer: Some(customer), ..OrderFilter::default() };
    let tenant = working.tenant;
    let orders = working.store()?.order_page(tenant, &filter, None, ORDERS_MAX)?;
    let from = seconds_after(now, -LATELY_S).unwrap_or(now);
    let mut mails = Vec::new();
    for order in orders {
        let owner = order.to_string();
        let filter = RecordFilter { owner: Some(&owner), state: Some(mail_state::SENT) };
        for record in working.record_page(Shelf::Private, MAIL, &filter, (None, MAILS_MAX))? {
            let Some(row) = read::<MailRow>(&record)? else { continue };
            if row.sent_at.is_some_and(|at| at >= from) {
                mails.push((record, row));
            }
        }
    }
    Ok(mails)
}

/// A mail did not arrive after all: its notices told nobody. Answers how many did not.
fn undone(
    working: &mut Working<'_>,
    course: &mut Course,
    (record, mut row): (Record, MailRow),
    code: &str,
) -> Result<usize, Failure> {
    if row.returned_at.is_some() {
        return Ok(0);
    }
    row.returned_at = Some(course.now);
    row.failure = Some(code.into());
    let notices = row.notices.clone();
    working.put_private([Record { body: Some(json(&row)?), ..record }]);
    let mut untold = 0;
    for notice in notices {
        // What was answered has arrived, and what another took the place of does not matter any more.
        untold += usize::from(bounced(working, course, &notice)?.is_ok());
    }
    Ok(untold)
}

fn mark(
    working: &mut Working<'_>,
    customer: Option<CustomerKey>,
    state: &str,
    report: &Returned,
    now: Timestamp,
) -> Result<usize, Failure> {
    let Some(customer) = customer else { return Ok(0) };
    let id = customer.to_string();
    let known = working.private(ADDRESS, &id)?;
    if known.is_some_and(|known| &*known.state == address_state::DEAD || &*known.state == state) {
        return Ok(0);
    }
    let mark = made(ADDRESS, &id, &Mark { code: &report.code, at: now })?;
    working.put_private([Record { owner: id.as_str().into(), state: state.into(), ..mark }]);
    Ok(1)
}
