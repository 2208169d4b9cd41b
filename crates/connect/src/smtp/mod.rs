//! Mail over SMTP: one pool of connections, and whether a failure is for now or for good.

mod throttle;

use std::time::Duration;

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, header, header::ContentType},
    transport::smtp::{Error, PoolConfig},
};

pub use throttle::Throttle;

/// How long the server may take for one step of the talk.
const STEP_WAIT: Duration = Duration::from_secs(30);
/// Most connections at once unless set otherwise. A mail keeps one for some 45 ms even where the server is near: what a mail ends
/// with is sent when the server has acknowledged the rest, which takes its time over that (RFC 1122, 4.2.3.2).
pub const CONNECTIONS: u32 = 12;

/// A mail to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its name here: the same mail sent again has the same, so that its receiver can tell.
    pub id: String,
    /// To which address.
    pub to: String,
    /// To whom, if their name is known.
    pub name: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Where one request ends mails of this kind (RFC 8058); `None` for mail about an order, which is owed.
    pub unsubscribe: Option<String>,
    /// A file that goes with it.
    pub attachment: Option<Attachment>,
}

/// A file that goes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// What it is: `application/pdf`.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why the mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The server's address is none.
    #[error("the address of the mail server is not of the form smtp://USER:PASSWORD@HOST:PORT")]
    Url(#[source] Error),
    /// The sender's address is none.
    #[error("{0:?} is not an address to send from, such as Shop <orders@example.com>")]
    From(String),
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Coming back helps: the server is not there, too slow, or says so (4xx).
    #[error("not now ({code})")]
    Later {
        /// A stable word: `busy`, `timeout`, `unreachable`, `not_allowed`.
        code: &'static str,
        /// What was met.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It does not: the server refuses it for good (5xx), or the address is none.
    #[error("not ever ({code})")]
    Never {
        /// A stable word: `rejected`, `bad_address`.
        code: &'static str,
        /// What was met.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SendError {
    /// The stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Later { code, .. } | Self::Never { code, .. } => code,
        }
    }
}

/// Sends mail through one server. Cheap to share; connections are kept and used again.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Prepares a mailer; nothing is sent and nobody asked yet.
    ///
    /// `url`: `smtp://` (with `?tls=required` for STARTTLS) or `smtps://`, with name and password where the server wants
    /// them. `connections`: most at once. Errors: one of the addresses is none.
    pub fn new(url: &str, from: &str, connections: u32) -> Result<Self, SetupError> {
        let from = from.parse().map_err(|_| SetupError::From(from.to_owned()))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(SetupError::Url)?
            .timeout(Some(STEP_WAIT))
            .pool_config(PoolConfig::new().max_size(connections.max(1)))
            .build();
        Ok(Self { transport, from })
    }

    /// Sends a mail; once this answers `Ok`, the server has taken it upon itself.
    ///
    /// Errors: [`SendError::Later`] where nobody knows or coming back helps, [`SendError::Never`] where it does not.
    pub async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let message = self.message(letter)?;
        self.transport.send(message).await.map(drop).map_err(sorted)
    }

    /// The mail as it is sent.
    fn message(&self, letter: &Letter) -> Result<Message, SendError> {
        let bad = |source: Box<dyn std::error::Error + Send + Sync>| SendError::Never {
            code: "bad_address",
            source,
        };
        let address: Address = letter.to.parse().map_err(|error| bad(Box::new(error)))?;
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(letter.name.clone(), address))
            .subject(&letter.subject)
            .message_id(Some(id));
        if let Some(link) = &letter.unsubscribe {
            message =
                message
                    .header(Raw::<Unsubscribe>::new(format!("<{link}>")))
                    .header(Raw::<UnsubscribePost>::new("List-Unsubscribe=One-Click".to_owned()));
        }
        let words = MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone());
        let whole = match &letter.attachment {
            None => words,
            Some(file) => {
                let kind = ContentType::parse(file.kind).map_err(|error| bad(Box::new(error)))?;
                let part = lettre::message::Attachment::new(file.name.clone()).body(file.bytes.clone(), kind);
                MultiPart::mixed().multipart(words).singlepart(part)
            }
        };
        message.multipart(whole).map_err(|error| bad(Box::new(error)))
    }
}

/// Tells failures for now from those for good.
fn sorted(error: Error) -> SendError {
    // 530 to 538 speak of who we are, not of the mail: that is mended in the settings, and the mail goes out then.
    let of_us = error.status().is_some_and(|code| (530..=538).contains(&u16::from(code)));
    let code = match () {
        () if of_us => "not_allowed",
        () if error.is_permanent() => return SendError::Never { code: "rejected", source: Box::new(error) },
        () if error.is_transient() => "busy",
        () if error.is_timeout() => "timeout",
        () => "unreachable",
    };
    SendError::Later { code, source: Box::new(error) }
}

/// A header of a fixed name and any text.
#[derive(Debug, Clone)]
struct Raw<N> {
    text: String,
    name: std::marker::PhantomData<N>,
}

impl<N> Raw<N> {
    fn new(text: String) -> Self {
        Self { text, name: std::marker::PhantomData }
    }
}

trait Named: Clone {
    fn name() -> header::HeaderName;
}

#[derive(Debug, Clone)]
struct Unsubscribe;
#[derive(Debug, Clone)]
struct UnsubscribePost;

impl Named for Unsubscribe {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("List-Unsubscribe")
    }
}

impl Named for UnsubscribePost {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }
}

impl<N: Named> header::Header for Raw<N> {
    fn name() -> header::HeaderName {
        N::name()
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self::new(text.to_owned()))
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(N::name(), self.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            id: "mal_1".into(),
            to: "ada@example.com".into(),
            name: Some("Ada Löw".into()),
            subject: "Ihre Bestellung – neu".into(),
            text: "Guten Tag".into(),
            html: "<p>Guten Tag</p>".into(),
            unsubscribe: None,
            attachment: None,
        }
    }

    fn written(letter: &Letter) -> String {
        let mailer = Mailer::new("smtp://127.0.0.1:1", "Shop <orders@shop.example>", 1).unwrap();
        String::from_utf8(mailer.message(letter).unwrap().formatted()).unwrap()
    }

    #[tokio::test]
    async fn a_mail_has_both_forms_and_a_name_of_its_own() {
        let text = written(&letter());
        assert!(text.contains("Message-ID: <mal_1@shop.example>"), "{text}");
        assert!(
            text.contains("multipart/alternative")
                && text.contains("text/plain")
                && text.contains("text/html")
        );
        assert!(!text.contains("List-Unsubscribe"), "what is owed cannot be unsubscribed from");
    }

    #[tokio::test]
    async fn a_file_goes_with_a_mail_as_it_is() {
        let file =
            Attachment { name: "order.pdf".into(), kind: "application/pdf", bytes: b"%PDF-1.7".to_vec() };
        let text = written(&Letter { attachment: Some(file), ..letter() });
        assert!(text.contains("multipart/mixed") && text.contains("multipart/alternative"), "{text}");
        assert!(text.contains("Content-Type: application/pdf") && text.contains("order.pdf"), "{text}");
    }

    #[tokio::test]
    async fn what_is_not_owed_can_be_unsubscribed_from_in_one_click() {
        let text = written(&Letter { unsubscribe: Some("https://shop.example/u/1".into()), ..letter() });
        assert!(text.contains("List-Unsubscribe: <https://shop.example/u/1>"), "{text}");
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{text}");
    }

    #[tokio::test]
    async fn headers_cannot_be_smuggled_in() {
        let text = written(&Letter { subject: "Hello\r\nBcc: eve@example.com".into(), ..letter() });
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        let mailer = Mailer::new("smtp://127.0.0.1:1", "orders@shop.example", 1).unwrap();
        for to in ["", "ada", "ada@example.com\r\nBcc: eve@example.com", "a b@example.com"] {
            let refused = mailer.message(&Letter { to: to.into(), ..letter() }).unwrap_err();
            assert_eq!(refused.code(), "bad_address", "{to:?}");
        }
    }

    #[test]
    fn addresses_that_are_none_are_refused_at_once() {
        assert!(matches!(Mailer::new("mail.example", "a@b.example", 1), Err(SetupError::Url(_))));
        assert!(matches!(Mailer::new("smtp://h", "nobody", 1), Err(SetupError::From(_))));
    }
}
