//! Messages to endpoints of others, as Standard Webhooks: signed, with an id that stays the same over tries.
//!
//! Source: the Standard Webhooks specification. A body is signed with HMAC-SHA256 over `id.timestamp.body`, base64. Where an endpoint
//! may be, [`guard`] decides: nothing inside our own network is reached by an address that somebody typed in.

pub mod guard;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::{Agent, unversioned::transport::DefaultConnector};

use self::guard::Guarded;
use crate::tls;

/// How long an endpoint has to answer.
pub const WAIT: Duration = Duration::from_secs(15);
/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";
/// The bytes of a secret that we make.
pub const SECRET_BYTES: usize = 32;
/// The bytes that a secret may have.
const SECRET_BYTES_MIN: usize = 24;
const SECRET_BYTES_MAX: usize = 64;

/// A secret that signs.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected whsec_ and 24 to 64 bytes in base64")]
pub struct NotASecret;

impl Secret {
    /// Reads `whsec_…`.
    pub fn read(text: &str) -> Result<Self, NotASecret> {
        let bytes = text.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
        bytes
            .filter(|bytes| (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()))
            .map(Self)
            .ok_or(NotASecret)
    }

    /// Writes it as people enter it.
    pub fn text(bytes: &[u8; SECRET_BYTES]) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))
    }

    /// `v1,` and the signature of a message.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        // Takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        for part in [id, ".", &seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A message to an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The same over all tries.
    pub id: &'a str,
    /// When this try is made, in seconds since 1970.
    pub seconds: i64,
    /// JSON.
    pub body: &'a str,
    /// The trace that it belongs to, as the W3C's `traceparent` names it.
    pub trace: Option<&'a str>,
}

/// What an endpoint made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has it.
    Taken,
    /// It wants nothing any more.
    Gone,
    /// It did not take it. What it said, and after how many seconds it wants to be asked again, if it said so.
    Failed(String, Option<u32>),
}

/// Sends messages.
#[derive(Debug, Clone)]
pub struct Sender {
    agent: Agent,
}

/// Why nothing can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system trusts no certificate authority: install ca-certificates")]
pub struct NoRoots;

impl Sender {
    /// Sends over HTTPS and HTTP. `private`: to addresses inside our own network as well.
    pub fn new(private: bool) -> Result<Self, NoRoots> {
        let tls = tls::trusted().ok_or(NoRoots)?;
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(WAIT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy would look the address up where nobody guards it.
            .proxy(None)
            .user_agent("Shipwhen")
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Guarded::new(private));
        Ok(Self { agent })
    }

    /// Sends a message, signed with each of these secrets. Blocks for up to [`WAIT`].
    pub fn send(&self, url: &str, secrets: &[Secret], message: &Message<'_>) -> Outcome {
        let Message { id, seconds, body, trace } = *message;
        let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect();
        let request = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures.join(" "));
        let request = match trace {
            Some(trace) => request.header("traceparent", trace),
            None => request,
        };
        match request.send(body) {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let later = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                match status {
                    200..=299 => Outcome::Taken,
                    410 => Outcome::Gone,
                    _ => Outcome::Failed(status.to_string(), later.and_then(|text| text.trim().parse().ok())),
                }
            }
            Err(error) => Outcome::Failed(word(&error).to_owned(), None),
        }
    }
}

fn word(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "timeout",
        ureq::Error::HostNotFound => "host_not_found",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "tls",
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => "private_address",
        _ => "unreachable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specifications_example() {
        // From the reference implementations' tests.
        let secret = Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_base64() {
        assert!(Secret::read(&Secret::text(&[7; SECRET_BYTES])).is_ok());
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "sk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert_eq!(Secret::read(text).err(), Some(NotASecret), "{text}");
        }
    }
}
