//! Stripe, by its HTTP API: methods that are saved, charges while the customer is away, money set aside, refunds, disputes.
//!
//! A charge of ours is one PaymentIntent from its first try to its end, so it can succeed once only, whoever pays it: the saved
//! method or the customer by a link. What has no such name yet, a new intent or refund, is asked for with a key; once it was sent
//! and nobody knows the answer, it is looked for by that key before it is asked for again, since Stripe forgets keys after a day.

mod carry;
mod http;
mod read;
mod webhook;

use std::{fmt, time::Duration};

use model::errand::Heard;

use crate::payments::{Commission, PaymentProvider};

pub use webhook::{BadSignature, TOLERANCE_S, Unreadable, about, verify};

/// Where Stripe is.
pub const URL: &str = "https://api.stripe.com";
/// The provider's name in policies.
pub const NAME: &str = "stripe";
/// How long one request may take: Stripe itself gives up after 80 seconds.
pub const WAIT: Duration = Duration::from_secs(80);

/// Why Stripe cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The key is none.
    #[error("the key is not one of Stripe's secret or restricted keys (sk_… or rk_…)")]
    Key,
    /// The address is none, or would send the key in the clear.
    #[error("{0:?} is not an address of the form https://HOST (http:// for this machine alone)")]
    Url(String),
    /// The system trusts nobody, so nobody can be told from an impostor.
    #[error("this system has no certificates of authorities to trust (Debian: ca-certificates)")]
    NoRoots,
}

/// A connection to Stripe. Requests share a pool of connections.
pub struct Stripe {
    http: http::Http,
}

impl Stripe {
    /// Prepares to speak with Stripe; nothing is sent and nobody asked yet.
    ///
    /// `url`: [`URL`], or where something stands that speaks like it. Errors: the key or the address is none.
    pub fn new(key: &str, url: &str, wait: Duration) -> Result<Self, SetupError> {
        Ok(Self { http: http::Http::new(key, url, wait)? })
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("url", &self.http.url()).finish_non_exhaustive()
    }
}

impl PaymentProvider for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn carry(&self, commission: &Commission<'_>) -> Heard {
        carry::carry(&self.http, commission)
    }
}
