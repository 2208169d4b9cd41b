//! TLS as everything here that speaks HTTPS has it: by rustls, with what the system trusts.

use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// What the system trusts; `None`: nothing.
pub(crate) fn trusted() -> Option<TlsConfig> {
    let roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    if roots.is_empty() {
        return None;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
    Some(tls.unversioned_rustls_crypto_provider(provider).build())
}
