//! `/v1/notices`: what customers are to be told, what they were told, and what they answered.

mod answer;
mod law;
mod list;
mod obligations;
mod owed_money;
mod send;
mod settings;

use engine::Answer;
use ledger::{Read, Shelf, StoreError};
use model::{
    id::{LineId, TenantId},
    record::Record,
};
use obligation::{
    legal::OnSilence,
    notice::{
        self, Said,
        kept::{Kept, NOTICE},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{problem::Problem, state::unexpected};

pub(crate) use self::{answer::*, law::*, list::*, obligations::*, send::*, settings::*};

/// Dates as a customer is told them; null where nobody can say.
#[derive(Serialize, ToSchema)]
#[schema(as = ToldDates)]
pub(crate) struct SaidOut {
    /// When the last unit ships.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) ship_by: Option<model::time::Date>,
    /// When it is delivered.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) deliver_by: Option<model::time::Date>,
}

impl From<Said> for SaidOut {
    fn from(said: Said) -> Self {
        Self { ship_by: said.ship_by, deliver_by: said.deliver_by }
    }
}

/// What was answered.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeAnswer)]
pub(crate) struct AnswerOut {
    /// `keep` or `cancel`.
    pub(crate) answer: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: model::time::Timestamp,
    /// To which version of the promise.
    pub(crate) version: u32,
    /// By whom: `customer`, or `staff` for the customer.
    pub(crate) by: String,
}

/// Why it reached nobody.
#[derive(Serialize, ToSchema)]
#[schema(as = NoticeFailure)]
pub(crate) struct FailureOut {
    /// A stable word: `no_address`, `rejected`, `bounced`, `expired`.
    pub(crate) code: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: model::time::Timestamp,
}

/// What a customer is to be told, or was told.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub(crate) struct NoticeOut {
    /// Its id.
    pub(crate) id: String,
    /// The order.
    pub(crate) order: String,
    /// The line.
    pub(crate) line: String,
    /// What was ordered.
    pub(crate) sku: String,
    /// What kind of news: `delay_first`, `delay_repeated`, `delay_indefinite`, `earlier`, `cancelled`, `shipped`,
    /// `update`, `reconfirm`.
    pub(crate) kind: &'static str,
    /// `draft`, `sending`, `sent`, `answered`, `silent` or `outdated`.
    pub(crate) state: String,
    /// The version of the promise it tells: an answer is to this one.
    pub(crate) version: u32,
    /// What was told before.
    pub(crate) old: Option<SaidOut>,
    /// What is told now.
    pub(crate) new: SaidOut,
    /// Why.
    pub(crate) reason: String,
    /// Whether the customer can answer it.
    pub(crate) asks: bool,
    /// What follows without an answer: `keep` or `cancel`; null where nothing is asked.
    pub(crate) on_silence: Option<&'static str>,
    /// The last day to answer.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) answer_by: Option<model::time::Date>,
    /// The last day to send it, by law or policy.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) send_by: Option<model::time::Date>,
    /// When it goes out by itself, unless somebody sends it first.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) sends_at: Option<model::time::Timestamp>,
    /// When it was drafted.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) drafted_at: model::time::Timestamp,
    /// When it was sent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) sent_at: Option<model::time::Timestamp>,
    /// What was answered.
    pub(crate) answer: Option<AnswerOut>,
    /// Why the last try reached nobody.
    pub(crate) failure: Option<FailureOut>,
    /// What silence led to: `cancelled` or `kept`.
    pub(crate) silence: Option<String>,
}

fn keep_or_cancel(on_silence: OnSilence) -> &'static str {
    match on_silence {
        OnSilence::Keeps => "keep",
        OnSilence::Cancels => "cancel",
    }
}

impl NoticeOut {
    /// A notice as it is kept; `None` for a record that is none.
    fn of(record: &Record, reason: Option<&str>) -> Option<Self> {
        let kept: Kept = record.read().ok().flatten()?;
        let line = LineId { order: kept.order, no: kept.line };
        let is_draft = &*record.state == notice::kept::state::DRAFT;
        let news = kept.news;
        Some(Self {
            id: record.id.to_string(),
            order: kept.order.to_string(),
            line: line.to_string(),
            sku: kept.sku.to_string(),
            kind: news.kind.as_str(),
            state: record.state.to_string(),
            version: news.version,
            old: news.old.map(SaidOut::from),
            new: news.new.into(),
            reason: reason.map_or(news.reason, str::to_owned),
            asks: news.asks,
            on_silence: news.on_silence.map(keep_or_cancel),
            answer_by: news.answer_by,
            send_by: news.send_by,
            sends_at: record.due.filter(|_| is_draft),
            drafted_at: kept.drafted_at,
            sent_at: kept.sent_at,
            answer: kept.answer.map(|answered| AnswerOut {
                answer: match answered.answer {
                    notice::Answer::Keep => "keep",
                    notice::Answer::Cancel => "cancel",
                },
                at: answered.at,
                version: answered.version,
                by: answered.by,
            }),
            failure: kept.failure.map(|failure| FailureOut { code: failure.code, at: failure.at }),
            silence: kept.lapsed.map(|lapsed| lapsed.outcome),
        })
    }
}

/// Notices with the reasons that the shop has put in its own words.
pub(crate) fn with_reasons(
    store: &mut dyn Read,
    tenant: &TenantId,
    records: &[Record],
) -> Result<Vec<NoticeOut>, StoreError> {
    let ids: Vec<&str> = records.iter().map(|record| &*record.id).collect();
    let words = store.records(tenant, Shelf::Private, engine::notices::WORDS, &ids)?;
    let own = |id: &str| {
        let found = words.iter().find(|words| &*words.id == id)?;
        found.read::<engine::notices::Words>().ok().flatten()?.reason
    };
    Ok(records.iter().filter_map(|record| NoticeOut::of(record, own(&record.id).as_deref())).collect())
}

/// One notice.
fn the_record(store: &mut dyn Read, tenant: &TenantId, id: &str) -> Result<Option<Record>, StoreError> {
    Ok(store.records(tenant, Shelf::Ledger, NOTICE, &[id])?.pop())
}

/// The record that a command about one notice answers.
fn answered(answer: Answer) -> Result<Record, Problem> {
    match answer {
        Answer::Records(mut records) if !records.is_empty() => Ok(records.swap_remove(0)),
        other => Err(unexpected(&other)),
    }
}
