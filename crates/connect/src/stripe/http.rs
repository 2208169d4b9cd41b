//! Requests to Stripe and its answers.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::SetupError;
use crate::tls;

/// The version of the API whose forms are read here.
const VERSION: &str = "2024-06-20";
/// The longest answer that is read.
const ANSWER_MAX: u64 = 1 << 20;

/// Speaks HTTP with Stripe.
pub(super) struct Http {
    agent: Agent,
    url: String,
    authorization: String,
}

/// An answer: its status, and its JSON.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Why there is none that says anything: a stable word. Whether the request had an effect, nobody knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoWord(pub(super) &'static str);

impl Http {
    pub(super) fn new(key: &str, url: &str, wait: Duration) -> Result<Self, SetupError> {
        let is_secret = key.starts_with("sk_") || key.starts_with("rk_");
        if !is_secret || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SetupError::Key);
        }
        let url = url.trim_end_matches('/');
        let is_here = |host: &str| {
            ["127.0.0.1", "localhost", "[::1]"].iter().any(|here| {
                host == *here || host.strip_prefix(here).is_some_and(|rest| rest.starts_with(':'))
            })
        };
        let is_safe = url.strip_prefix("https://").is_some_and(|host| !host.is_empty());
        if !is_safe && !url.strip_prefix("http://").is_some_and(is_here) {
            return Err(SetupError::Url(url.to_owned()));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(wait))
            .user_agent("shipwhen")
            // What this machine's settings say of proxies is for others.
            .proxy(None);
        if is_safe {
            config = config.tls_config(tls::trusted().ok_or(SetupError::NoRoots)?);
        }
        let agent = config.build().new_agent();
        Ok(Self { agent, url: url.to_owned(), authorization: format!("Bearer {key}") })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, NoWord> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        let sent = request.header("authorization", &self.authorization).header("stripe-version", VERSION);
        answer(sent.call())
    }

    /// Posts a form under a key. `Err`: nobody knows whether it had an effect.
    pub(super) fn post(&self, path: &str, key: &str, form: &[(&str, String)]) -> Result<Reply, NoWord> {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("authorization", &self.authorization)
            .header("stripe-version", VERSION)
            .header("idempotency-key", key);
        answer(request.send_form(form.iter().map(|(name, value)| (*name, value.as_str()))))
    }
}

fn answer(answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, NoWord> {
    let mut answered = answered.map_err(|error| match error {
        ureq::Error::Timeout(_) => NoWord("timeout"),
        _ => NoWord("unreachable"),
    })?;
    let status = answered.status().as_u16();
    match status {
        401 | 403 => return Err(NoWord("not_allowed")),
        409 | 429 => return Err(NoWord("busy")),
        500.. | 300..=399 => return Err(NoWord("provider_failed")),
        _ => {}
    }
    let text = answered.body_mut().with_config().limit(ANSWER_MAX).read_to_vec();
    let text = text.map_err(|_| NoWord("unreachable"))?;
    let body = serde_json::from_slice(&text).map_err(|_| NoWord("unreadable"))?;
    Ok(Reply { status, body })
}

impl Reply {
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Its code for why it will not do something.
    pub(super) fn code(&self) -> &str {
        let error = &self.body["error"];
        error["code"].as_str().or(error["type"].as_str()).unwrap_or("refused")
    }
}
