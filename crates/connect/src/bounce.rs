//! What mail servers send back: delivery reports (RFC 3464) and complaints (RFC 5965), read from a whole message.
//!
//! Anybody can write such a message, so what it says counts only for a mail that it names by its Message-ID, which nobody but its
//! receiver and the servers on its way have seen.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Largest message that is read, in bytes: reports hold the mail that came back, whole or its head.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Most recipients of one report; our mails have one.
const RECIPIENTS_MAX: usize = 20;

/// What became of a mail, as a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It did not arrive and will not.
    Failed,
    /// It is still tried.
    Delayed,
    /// It arrived.
    Arrived,
    /// Whoever got it called it spam.
    Complaint,
}

/// What one report says of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What became of it.
    pub fate: Fate,
    /// To which address it went, as the report says.
    pub address: Option<String>,
    /// The status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// The Message-ID of the mail that it is about, without angle brackets.
    pub message_id: Option<String>,
}

/// Why a message says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReport {
    /// It is no mail at all.
    #[error("not a mail message (RFC 5322)")]
    NoMessage,
    /// It is a mail without a delivery report or a complaint in it: written by a person, or an automatic answer.
    #[error("no delivery report (RFC 3464) and no complaint (RFC 5965) is in it")]
    NoReport,
}

/// Whether a status says that the address itself is no good, so that nothing sent to it arrives: bad mailbox, bad host, moved,
/// disabled. A full mailbox, a message too large or refused for its content says nothing of the next one.
///
/// Source: RFC 3463, 3.2 and 3.3; RFC 7505 (5.1.10).
pub fn is_dead(status: &str) -> bool {
    let mut numbers = status.trim().split('.');
    let [class, subject, detail] = [numbers.next(), numbers.next(), numbers.next()];
    class == Some("5")
        && match (subject, detail) {
            (Some("1"), Some(detail)) => ["0", "1", "2", "3", "6", "10"].contains(&detail),
            (Some("2"), Some(detail)) => detail == "1",
            _ => false,
        }
}

/// Reads a message.
///
/// Shape: one report for each recipient that it names, at most 20; never empty. Errors: it holds none.
pub fn read(bytes: &[u8]) -> Result<Vec<Report>, NoReport> {
    let message = MessageParser::default().parse(bytes).ok_or(NoReport::NoMessage)?;
    let message_id = original(&message);
    let mut reports = Vec::new();
    for part in &message.parts {
        if is(part, "message", "delivery-status") {
            reports.extend(delivery(&text(part), message_id.as_deref()));
        } else if is(part, "message", "feedback-report") {
            reports.extend(complaint(&text(part), message_id.as_deref()));
        }
    }
    reports.truncate(RECIPIENTS_MAX);
    if reports.is_empty() { Err(NoReport::NoReport) } else { Ok(reports) }
}

fn is(part: &MessagePart<'_>, kind: &str, sub: &str) -> bool {
    part.content_type().is_some_and(|found| {
        found.c_type.eq_ignore_ascii_case(kind)
            && found.c_subtype.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(sub))
    })
}

fn text(part: &MessagePart<'_>) -> String {
    String::from_utf8_lossy(part.contents()).into_owned()
}

/// The Message-ID of the mail that came back, from what of it is returned: all, or its headers.
fn original(message: &Message<'_>) -> Option<String> {
    message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(inner) => inner.message_id().map(str::to_owned),
        _ if is(part, "text", "rfc822-headers") => {
            let blocks = fields(&text(part));
            let id = blocks.first().and_then(|block| field(block, "message-id"))?;
            Some(id.trim_matches(|c: char| c == '<' || c == '>' || c.is_whitespace()).to_owned())
        }
        _ => None,
    })
}

/// Header fields, block by block, in lower case and unfolded.
fn fields(text: &str) -> Vec<Vec<(String, String)>> {
    let mut blocks = vec![Vec::<(String, String)>::new()];
    for line in text.lines() {
        let is_folded = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        if line.trim().is_empty() {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            match (is_folded, block.last_mut(), line.split_once(':')) {
                (true, Some((_, value)), _) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                (_, _, Some((name, value))) => {
                    block.push((name.trim().to_lowercase(), value.trim().to_owned()));
                }
                _ => {}
            }
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn field<'a>(block: &'a [(String, String)], name: &str) -> Option<&'a str> {
    block.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
}

/// An address as reports write it: `rfc822; ada@example.com`, with or without angle brackets.
fn address(text: &str) -> String {
    let text = text.split_once(';').map_or(text, |(_, address)| address);
    text.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// A delivery report: a block about the message, then one for each recipient (RFC 3464, 2.1).
fn delivery(text: &str, message_id: Option<&str>) -> Vec<Report> {
    let blocks = fields(text);
    let of = blocks.iter().filter_map(|block| {
        let fate = match &*field(block, "action")?.to_lowercase() {
            "failed" => Fate::Failed,
            "delayed" => Fate::Delayed,
            "delivered" | "relayed" | "expanded" => Fate::Arrived,
            _ => return None,
        };
        // Where the mail was sent on, the one that we know is the original.
        let to = field(block, "original-recipient").or_else(|| field(block, "final-recipient"));
        Some(Report {
            fate,
            address: to.map(address),
            status: field(block, "status")
                .and_then(|status| status.split_whitespace().next())
                .map(str::to_owned),
            message_id: message_id.map(str::to_owned),
        })
    });
    of.collect()
}

/// A complaint: one block, `abuse` or another kind of the same; `not-spam` takes none back (RFC 5965, 3).
fn complaint(text: &str, message_id: Option<&str>) -> Option<Report> {
    let blocks = fields(text);
    let block = blocks.first()?;
    let kind = field(block, "feedback-type")?;
    (!kind.eq_ignore_ascii_case("not-spam")).then(|| Report {
        fate: Fate::Complaint,
        address: field(block, "original-rcpt-to").map(address),
        status: None,
        message_id: message_id.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report as Postfix writes it.
    fn postfix(action: &str, status: &str, returned: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example (Mail Delivery System)\r\n\
             Subject: Undelivered Mail Returned to Sender\r\n\
             To: orders@shop.example\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"B\"\r\n\r\n\
             --B\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you...\r\n\r\n\
             --B\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.example\r\nX-Postfix-Queue-ID: 4F\r\n\r\n\
             Final-Recipient: rfc822; ada@example.com\r\n\
             Action: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 <ada@example.com>:\r\n    Recipient address rejected\r\n\r\n\
             --B\r\n{returned}\r\n--B--\r\n"
        )
    }

    const HEADERS: &str = "Content-Type: text/rfc822-headers\r\n\r\nFrom: Shop <orders@shop.example>\r\n\
        To: ada@example.com\r\nMessage-ID:\r\n <mal_1@shop.example>\r\nSubject: A new date\r\n";
    const WHOLE: &str = "Content-Type: message/rfc822\r\n\r\nFrom: Shop <orders@shop.example>\r\n\
        Message-ID: <mal_1@shop.example>\r\nContent-Type: text/plain\r\n\r\nHello Ada\r\n";

    #[test]
    fn a_delivery_report_names_the_mail_its_receiver_and_why() {
        for returned in [HEADERS, WHOLE] {
            let read = read(postfix("failed", "5.1.1", returned).as_bytes()).unwrap();
            let expect = Report {
                fate: Fate::Failed,
                address: Some("ada@example.com".into()),
                status: Some("5.1.1".into()),
                message_id: Some("mal_1@shop.example".into()),
            };
            assert_eq!(read, [expect], "{returned}");
        }
        let later = read(postfix("delayed", "4.4.1", HEADERS).as_bytes()).unwrap();
        assert_eq!(later[0].fate, Fate::Delayed);
        let bare = read(postfix("Failed", "5.0.0 (unknown)", "Content-Type: text/plain\r\n\r\n").as_bytes())
            .unwrap();
        assert_eq!((&bare[0].message_id, bare[0].status.as_deref()), (&None, Some("5.0.0")));
    }

    #[test]
    fn a_complaint_is_read_too() {
        let text = "From: fbl@mx.example\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/report; report-type=feedback-report; boundary=B\r\n\r\n\
            --B\r\nContent-Type: text/plain\r\n\r\nThis is spam\r\n\r\n\
            --B\r\nContent-Type: message/feedback-report\r\n\r\n\
            Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <ada@example.com>\r\n\r\n";
        let text = format!("{text}--B\r\n{WHOLE}\r\n--B--\r\n");
        let found = read(text.as_bytes()).unwrap();
        assert_eq!((found[0].fate, found[0].address.as_deref()), (Fate::Complaint, Some("ada@example.com")));
        assert_eq!(found[0].message_id.as_deref(), Some("mal_1@shop.example"));
        assert_eq!(read(text.replace("abuse", "not-spam").as_bytes()), Err(NoReport::NoReport));
    }

    #[test]
    fn what_says_nothing_is_no_report() {
        assert_eq!(read(b""), Err(NoReport::NoMessage));
        let away = b"From: ada@example.com\r\nSubject: Away\r\n\r\nI am away until Monday.\r\n";
        assert_eq!(read(away), Err(NoReport::NoReport));
        // However it is nested or cut off, it is read to its end or not at all.
        let whole = postfix("failed", "5.1.1", WHOLE);
        for cut in 0..whole.len() {
            let _ = read(&whole.as_bytes()[..cut]);
        }
        let mut deep = whole.clone();
        for n in 0..200 {
            deep = format!(
                "Content-Type: multipart/mixed; boundary=N{n}\r\n\r\n--N{n}\r\nContent-Type: message/rfc822\r\n\r\n{deep}\r\n--N{n}--\r\n"
            );
        }
        let _ = read(deep.as_bytes());
        let many =
            "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(500);
        let many = whole.replace(
            "Final-Recipient: rfc822; ada@example.com\r\n",
            &format!("{many}Final-Recipient: rfc822; c\r\n"),
        );
        assert_eq!(read(many.as_bytes()).unwrap().len(), RECIPIENTS_MAX);
    }

    #[test]
    fn only_some_failures_are_the_addresss_own() {
        for dead in ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"] {
            assert!(is_dead(dead), "{dead}");
        }
        for alive in ["5.2.2", "5.3.4", "5.7.1", "4.1.1", "4.4.7", "5.1", "", "x"] {
            assert!(!is_dead(alive), "{alive}");
        }
    }
}
