//! Calling units of an order off from its page: as easy as it was to buy, and only ever by a POST.

use axum::response::Response;
use engine::Request;
use model::{
    Units,
    command::{CancelOrder, Command},
    id::LineId,
    limits::TEXT_CHARS_MAX,
    refusal::{RefusalCode, Rejection},
};
use serde::Deserialize;

use super::{
    Ask,
    error::Fail,
    form::once_key,
    see_other,
    status::{self, Said},
};

/// The form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    once: String,
    /// The line, or `all`.
    line: String,
    quantity: String,
    reason: String,
}

/// `POST /o/{token}/cancel`.
pub(super) fn answer(ask: &Ask, token: &str, sent: &Sent) -> Result<Response, Fail> {
    let (tenant, order) = status::read(ask, token)?;
    let again = |problem: &str| status::answer(ask, token, &Said::default(), Some(problem.to_owned()));
    let Some(lines) = lines(sent) else {
        return again("Please say how many to cancel, as a whole number from 1.");
    };
    if lines.iter().any(|(line, _)| line.order != order) {
        return Err(Fail::Form);
    }
    let fields = ["cancel", token, &sent.line, &sent.quantity, &sent.reason];
    let wish = CancelOrder { order, lines, reason: reason(&sent.reason), placed_by: None, by_customer: true };
    let request = Request {
        tenant,
        now: ask.now,
        detail: engine::Detail::Full,
        id: ask.app.stamps.next(ask.now),
        key: once_key(&sent.once, &fields),
        command: Command::CancelOrder(wish),
    };
    match ask.app.engine.run_blocking(request)?.outcome {
        Ok(_) => see_other(&format!("/o/{token}?cancelled=1")),
        Err(Rejection::Refused(refusal)) => again(match refusal.code {
            RefusalCode::AlreadyShipped => {
                "That has left our warehouse already, so it cannot be called off any more."
            }
            RefusalCode::Released => {
                "That is being packed right now. Please write to us if it should not be sent."
            }
            RefusalCode::AlreadyCancelled => "That is cancelled already.",
            RefusalCode::FinalSale => {
                "That was a final sale: it cannot be cancelled while it ships as promised. Please write to us."
            }
            _ => "That could not be cancelled. Below is how your order stands now.",
        }),
        Err(Rejection::NotFound { .. }) => Err(Fail::Link),
        Err(_) => again("That could not be cancelled as it was sent. Below is how your order stands now."),
    }
}

/// The lines and how many units of each; empty for all. `None`: a number that is none.
fn lines(sent: &Sent) -> Option<Vec<(LineId, Option<Units>)>> {
    if sent.line == "all" {
        return Some(Vec::new());
    }
    let line = sent.line.parse().ok()?;
    let quantity = match sent.quantity.trim() {
        "" => None,
        text => Some(text.parse().ok().filter(|units: &Units| *units > 0)?),
    };
    Some(vec![(line, quantity)])
}

/// The customer's words, as one line and not too long.
fn reason(text: &str) -> Option<std::sync::Arc<str>> {
    let text: String =
        text.trim().chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_or_all_and_a_number_or_everything_open() {
        let sent = |line: &str, quantity: &str| Sent {
            line: line.into(),
            quantity: quantity.into(),
            ..Sent::default()
        };
        let id = "ord_01920000000070008000000000000002-1";
        assert_eq!(lines(&sent("all", "")), Some(vec![]));
        assert_eq!(lines(&sent(id, "2")), Some(vec![(id.parse().unwrap(), Some(2))]));
        assert_eq!(lines(&sent(id, "")), Some(vec![(id.parse().unwrap(), None)]));
        assert_eq!(lines(&sent(id, "0")), None);
        assert_eq!(lines(&sent("", "1")), None);
        assert_eq!(reason(" too\nlate ").as_deref(), Some("too late"));
        assert_eq!(reason("  "), None);
    }
}
