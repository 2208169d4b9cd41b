//! `POST /v1/mail/bounces`: mail that came back, told by a provider of mail or read from a bounce mailbox.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connect::bounce::{self, is_dead};
use engine::Answer;
use model::{
    command::Command,
    message::{Fate, MessageWish, Returned},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Allowed, Caller, NoticesWrite},
    check::Checks,
    clock::Now,
    idempotency::Idempotency,
    input::{Input, SINGLE_BYTES_MAX, collect, parse, words},
    problem::Problem,
    state::{Api, json_replayed, unexpected},
};

/// Most reports in one call.
const REPORTS_MAX: usize = 100;
/// What a whole message is sent as.
const RAW: &str = "message/rfc822";
/// Longest Message-ID that is looked for: a mail's name here and a domain.
const ID_CHARS_MAX: usize = 400;

/// What was heard of a mail.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = BounceKind, rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It did not arrive.
    Bounce,
    /// Whoever got it called it spam.
    Complaint,
    /// Mail arrives at the address again.
    Arrives,
}

words!(Kind { "bounce" => Bounce, "complaint" => Complaint, "arrives" => Arrives });

/// One report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BounceInput)]
pub(crate) struct ReportIn {
    /// What was heard.
    kind: Kind,
    /// The address.
    email: Option<String>,
    /// The Message-ID of the mail. Left out, whatever was sent to the address within the last seven days is meant.
    message_id: Option<String>,
    /// The status code (RFC 3463) of a bounce: with one such as `5.1.1` the address takes nothing any more. Left out, the same.
    #[schema(max_length = 20)]
    status: Option<String>,
}

/// Reports.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BouncesInput)]
pub(crate) struct ReportsIn {
    /// From 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    reports: Vec<ReportIn>,
}

impl Input for ReportsIn {}

/// What followed.
#[derive(Serialize, ToSchema)]
#[schema(as = Bounces)]
pub(crate) struct BouncesOut {
    /// Mails that are known not to have arrived.
    mails: usize,
    /// Notices that therefore told nobody and are drafted anew.
    notices: usize,
    /// Addresses that were marked, or are good again.
    addresses: usize,
    /// Reports about nothing that is known here.
    unknown: usize,
}

/// Say that mail came back
///
/// By the law a notice that did not arrive told nobody: it is drafted anew. An address that takes nothing is marked, so that the next
/// mail to it fails at once and its draft says so, until a report says `arrives`. Who complained gets no more of what is not owed
/// (invitations, questions); what the law wants told is still told.
///
/// As JSON, for the webhook of a provider of mail, whose word is believed. Or a whole delivery report or complaint, as it stands in a
/// bounce mailbox (`Content-Type: message/rfc822`, RFC 3464 and 5965, at most 1 MiB): anybody can write one, so it counts only
/// where it names a mail of this shop by its Message-ID, and its receiver.
#[utoipa::path(
    post, path = "/v1/mail/bounces", tag = "Notices", operation_id = "report_bounces",
    request_body(content(
        (ReportsIn = "application/json"),
        (String = "message/rfc822"),
    ), description = "Reports, or one whole message"),
    responses((status = 200, description = "What followed", body = BouncesOut)),
    security(("key" = ["notices:write"])),
)]
pub(crate) async fn report(
    State(api): State<Arc<Api>>,
    allowed: Allowed<NoticesWrite>,
    Now(now): Now,
    idempotency: Idempotency,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = &allowed.caller;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let (returned, bytes) = match &*kind {
        RAW => {
            let bytes = collect(body, &headers, bounce::BYTES_MAX).await?;
            (raw(&api, caller, &bytes).await?, bytes)
        }
        "application/json" => {
            let bytes = collect(body, &headers, SINGLE_BYTES_MAX).await?;
            (told(&api, caller, &bytes).await?, bytes)
        }
        _ => {
            let detail = format!("send JSON (application/json), or a whole report ({RAW})");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
    };
    let key = idempotency.optional(caller, &bytes)?;
    let done = api.run(caller, now, Command::Message(MessageWish::Returned(returned)), key).await?;
    let Answer::CameBack(came) = &done.answer else { return Err(unexpected(&done.answer)) };
    let out = BouncesOut {
        mails: came.mails,
        notices: came.notices,
        addresses: came.addresses,
        unknown: came.unknown,
    };
    json_replayed(StatusCode::OK, &out, done.replayed)
}

/// A mail's name here, from its Message-ID.
fn mail_of(message_id: &str) -> Arc<str> {
    let id = message_id.trim().trim_start_matches('<').trim_end_matches('>');
    id.split_once('@').map_or(id, |(id, _)| id).into()
}

/// What a provider of mail says.
async fn told(api: &Arc<Api>, caller: &Caller, bytes: &Bytes) -> Result<Vec<Returned>, Problem> {
    let input: ReportsIn = parse(bytes)?;
    let mut checks = Checks::default();
    if input.reports.is_empty() || input.reports.len() > REPORTS_MAX {
        checks.wrong(format_args!("/reports"), "out_of_range", format!("from 1 to {REPORTS_MAX} reports"));
    }
    let mut read = Vec::with_capacity(input.reports.len());
    for (n, report) in input.reports.iter().take(REPORTS_MAX).enumerate() {
        let email = checks.email(format_args!("/reports/{n}/email"), report.email.as_deref());
        if report.email.is_none() && report.message_id.is_none() {
            checks.wrong(format_args!("/reports/{n}/email"), "required", "say the address or the message_id");
        }
        if report.message_id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > ID_CHARS_MAX) {
            checks.wrong(format_args!("/reports/{n}/message_id"), "length", "is the Message-ID of one mail");
        }
        let status = report.status.as_deref().map(str::trim);
        let is_status = |text: &str| {
            text.len() <= 20 && text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.contains('.')
        };
        if status.is_some_and(|status| !is_status(status)) {
            checks.wrong(format_args!("/reports/{n}/status"), "form", "is a status code such as 5.1.1");
        }
        let fate = match report.kind {
            Kind::Bounce => Fate::Failed { dead: status.is_none_or(is_dead) },
            Kind::Complaint => Fate::Complaint,
            Kind::Arrives => Fate::Arrives,
        };
        read.push((fate, email, report.message_id.as_deref().map(mail_of), status));
    }
    checks.finish(())?;
    let mut returned = Vec::with_capacity(read.len());
    for (fate, email, mail, status) in read {
        let customer = api.customer(&caller.tenant, email.as_deref()).await?;
        returned.push(Returned { fate, mail, customer, code: status.unwrap_or("bounced").into() });
    }
    Ok(returned)
}

/// What a message out of a bounce mailbox says.
async fn raw(api: &Arc<Api>, caller: &Caller, bytes: &Bytes) -> Result<Vec<Returned>, Problem> {
    let reports = bounce::read(bytes)
        .map_err(|none| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_report", none.to_string()))?;
    let mut returned = Vec::with_capacity(reports.len());
    for report in reports {
        let status = report.status.as_deref().filter(|status| status.len() <= 20);
        let fate = match report.fate {
            bounce::Fate::Failed => Fate::Failed { dead: status.is_some_and(is_dead) },
            bounce::Fate::Complaint => Fate::Complaint,
            // That it arrived is what was taken for granted; that it is still tried is no news yet.
            bounce::Fate::Arrived | bounce::Fate::Delayed => continue,
        };
        let Some(id) = report.message_id.filter(|id| id.chars().count() <= ID_CHARS_MAX) else {
            returned.push(nothing(fate));
            continue;
        };
        // Complaints often leave the receiver out, for the receiver's sake.
        let address = report.address.filter(|address| address.contains('@') && address.len() <= 254);
        if address.is_none() && fate != Fate::Complaint {
            returned.push(nothing(fate));
            continue;
        }
        let customer = api.customer(&caller.tenant, address.as_deref()).await?;
        let code = status.unwrap_or("bounced").into();
        returned.push(Returned { fate, mail: Some(mail_of(&id)), customer, code });
    }
    Ok(returned)
}

/// A report that names no mail of anybody's: it is counted as unknown.
fn nothing(fate: Fate) -> Returned {
    Returned { fate, mail: None, customer: None, code: "bounced".into() }
}
