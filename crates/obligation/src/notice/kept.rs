//! How notices are kept: as records, with what the law needs to know about each line beside them.

use std::collections::BTreeMap;

use model::{
    id::{LineId, OrderId, Sku},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Answer, Notice, Settings};
use crate::legal::{MerchantPolicy, Step};

/// The kind of the records that are notices.
pub const NOTICE: &str = "notice";
/// The kind of the record that holds what happened to an order's lines, as far as the law minds; its id is the order's.
pub const CASE: &str = "case";
/// The kind of the record that holds a shop's settings; its id is [`SETTINGS_ID`].
pub const SETTINGS: &str = "notice_settings";
/// The one id of a shop's settings.
pub const SETTINGS_ID: &str = "shop";

/// Where a notice stands, as the state of its record.
pub mod state {
    /// To be looked at and sent.
    pub const DRAFT: &str = "draft";
    /// On its way to the mail server.
    pub const SENDING: &str = "sending";
    /// The customer was told.
    pub const SENT: &str = "sent";
    /// The customer answered.
    pub const ANSWERED: &str = "answered";
    /// Nobody answered, and the last day is over.
    pub const SILENT: &str = "silent";
    /// A newer notice about the same line has taken its place.
    pub const OUTDATED: &str = "outdated";
}

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub order: OrderId,
    /// Which line of it.
    pub line: u16,
    /// What was ordered.
    pub sku: Sku,
    /// What it says.
    pub news: Notice,
    /// When it was drafted.
    pub drafted_at: Timestamp,
    /// Why the shop says that it changed, where somebody has put it in better words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// How often it was given to the mail.
    #[serde(default)]
    pub tries: u32,
    /// When the mail took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// What came back of the last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What the customer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
    /// What silence led to, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed: Option<Lapsed>,
}

/// Why a notice did not reach anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word: `no_address`, `rejected`, `bounced`, `expired`.
    pub code: String,
    /// When.
    pub at: Timestamp,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
    /// To which version of the promise.
    pub version: u32,
    /// By whom: `customer` on the status page, `staff` for the customer.
    pub by: String,
}

/// What silence led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    /// When it was acted on.
    pub at: Timestamp,
    /// `cancelled` or `kept`.
    pub outcome: String,
    /// By which rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// What happened to an order's lines, as far as notices and the law mind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseBook {
    /// By the line's number; lines of which nothing is to be said are left out.
    pub lines: BTreeMap<u16, LineCase>,
}

/// The same of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCase {
    /// Notices sent, or being sent, so far: the next draft has the next number.
    #[serde(default)]
    pub sent: u32,
    /// The version of the promise that the last notice of a delay told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<u32>,
    /// When the customer last heard anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_word_at: Option<Timestamp>,
    /// The customer knows what became of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fate_told: bool,
    /// The customer was asked whether it is still wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconfirmed: bool,
    /// What happened, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// When drafts go out without anybody sending them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// Never: somebody sends each.
    Never,
    /// On the last day on which the law takes them, if nobody has sent them: else the order would end by law.
    #[default]
    LastDay,
    /// As soon as they are drafted.
    AtOnce,
}

/// A shop's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopSettings {
    /// When drafts go out by themselves.
    pub automatic: Automatic,
    /// When the shop writes without being asked.
    pub write: Settings,
    /// The merchant's own terms, on top of the law.
    pub policy: MerchantPolicy,
}

/// The kind of the record that says which figures of the laws a shop sets itself: a list of [`crate::legal::OwnFigure`]; its id is
/// [`SETTINGS_ID`].
pub const LAW: &str = "law_figures";

/// The id of a notice: the same whenever the same line is drafted for anew, until that draft is sent.
pub fn notice_id(line: LineId, nth: u32) -> String {
    let order = line.order.to_string();
    format!("ntc_{}-{}-{nth}", order.trim_start_matches("ord_"), line.no)
}

/// Which line a notice's id is about; `None`: it is no such id.
pub fn line_of(id: &str) -> Option<LineId> {
    let (line, nth) = id.strip_prefix("ntc_")?.rsplit_once('-')?;
    nth.parse::<u32>().ok()?;
    format!("ord_{line}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notices_id_names_its_line() {
        let line: LineId = "ord_01920000000070008000000000000002-3".parse().unwrap();
        let id = notice_id(line, 2);
        assert_eq!(id, "ntc_01920000000070008000000000000002-3-2");
        assert_eq!(line_of(&id), Some(line));
        for wrong in [
            "",
            "ntc_",
            "ntc_1-2-3",
            "ord_01920000000070008000000000000002-3-2",
            "ntc_01920000000070008000000000000002-3",
        ] {
            assert_eq!(line_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_case_reads_back_as_it_was_written() {
        use crate::legal::{Revised, StepKind};
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let date = "2026-12-30".parse().unwrap();
        let kinds = [
            StepKind::Notice { revised: Revised::To(date), deliver_by: Some(date), version: Some(2) },
            StepKind::Notice { revised: Revised::Indefinite, deliver_by: None, version: None },
            StepKind::Consent { until: Some(Revised::Indefinite), version: Some(2) },
            StepKind::Cancel,
            StepKind::Bounce,
            StepKind::ExtraPeriod { until: date },
        ];
        let steps = kinds.map(|kind| Step { at, kind }).to_vec();
        let line = LineCase { sent: 2, asked: Some(3), steps, ..LineCase::default() };
        let book = CaseBook { lines: [(7, line)].into() };
        let text = serde_json::to_string(&book).unwrap();
        assert_eq!(serde_json::from_str::<CaseBook>(&text).unwrap(), book, "{text}");
    }
}
