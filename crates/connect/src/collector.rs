//! What carries traces to a collector: one request after the other, each for a limited time. What it carries is others' to
//! write.

use std::time::Duration;

use ureq::{
    Agent,
    http::{Request, Response},
};

use crate::tls;

/// The longest answer that is read.
const ANSWER_MAX: u64 = 64 << 10;

/// Speaks HTTP with a collector.
#[derive(Debug, Clone)]
pub struct Collector {
    agent: Agent,
}

impl Collector {
    /// Speaks with a collector, which has so long to answer. Errors: the address begins with `https:` and the system trusts
    /// nobody.
    pub fn new(endpoint: &str, wait: Duration) -> Result<Self, NoRoots> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(wait))
            .user_agent("shipwhen")
            // What this machine's settings say of proxies is for others.
            .proxy(None);
        if endpoint.starts_with("https:") {
            config = config.tls_config(tls::trusted().ok_or(NoRoots)?);
        }
        Ok(Self { agent: config.build().new_agent() })
    }

    /// Sends a request; blocks until it is answered. Errors: there is no answer.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        Ok(Response::from_parts(parts, body.with_config().limit(ANSWER_MAX).read_to_vec()?))
    }
}

/// Why nothing can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system trusts no certificate authority: install ca-certificates")]
pub struct NoRoots;
