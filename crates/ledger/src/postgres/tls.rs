//! Encrypted connections, by rustls: what an address asks for, in the words of PostgreSQL's own tools.
//!
//! `sslmode=require` encrypts and believes whoever answers, `verify-full` also checks that the certificate is of the host
//! that was named and signed by somebody who is trusted: the system's authorities, or those in the file `sslrootcert`.
//! `verify-ca` believes whoever those in the file signed, whatever it is named.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Config,
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::{Connect, TlsConnector};

use crate::StoreError;

/// Reads an address and what it says of encryption. Errors: it makes no sense, or its authorities cannot be read.
pub(super) fn read(url: &str) -> Result<(Config, Tls), StoreError> {
    let (rest, [mode, roots]) = taken(url, ["sslmode", "sslrootcert"]);
    let senseless = |what: String| StoreError::Schema(format!("its address is not one: {what}"));
    let mut config: Config = rest.parse().map_err(|error| senseless(format!("{error}")))?;
    let (mode, checks) = match mode.as_deref() {
        None | Some("prefer") => (SslMode::Prefer, Checks::Nothing),
        Some("disable") => (SslMode::Disable, Checks::Nothing),
        Some("require") => (SslMode::Require, Checks::Nothing),
        Some("verify-ca") => (SslMode::Require, Checks::Signer),
        Some("verify-full") => (SslMode::Require, Checks::SignerAndHost),
        Some(other) => {
            let known = "disable, prefer, require, verify-ca or verify-full";
            return Err(senseless(format!("sslmode is {other:?}: expected {known}")));
        }
    };
    let is_own = roots.as_deref().is_some_and(|roots| roots != "system");
    match checks {
        Checks::Nothing if roots.is_some() => {
            return Err(senseless("sslrootcert goes with sslmode=verify-ca or verify-full".to_owned()));
        }
        // Anybody has a certificate of some name that the system trusts.
        Checks::Signer if !is_own => {
            return Err(senseless("sslmode=verify-ca wants a file in sslrootcert".to_owned()));
        }
        _ => {}
    }
    config.ssl_mode(mode);
    let tls = Tls::new(checks, roots.as_deref());
    Ok((config, tls.map_err(|error| senseless(format!("no encryption: {error}")))?))
}

/// What of a certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checks {
    Nothing,
    Signer,
    SignerAndHost,
}

/// Takes settings out of an address in either form; answers the rest of it, and their values.
fn taken<const N: usize>(url: &str, names: [&str; N]) -> (String, [Option<String>; N]) {
    let mut values = [const { None }; N];
    let mut take = |name: &str, value: String| {
        let at = names.iter().position(|known| *known == name);
        at.map(|at| values[at] = Some(value)).is_some()
    };
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let rest = match url.split_once('?') {
        Some((front, query)) if is_url => {
            let kept = query.split('&').filter(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                !take(name, decoded(value))
            });
            let kept: Vec<&str> = kept.collect();
            if kept.is_empty() { front.to_owned() } else { format!("{front}?{}", kept.join("&")) }
        }
        _ if is_url => url.to_owned(),
        _ => {
            let kept: Vec<&str> = words(url)
                .into_iter()
                .filter(|word| {
                    let (name, value) = word.split_once('=').unwrap_or((word, ""));
                    !take(name.trim(), unquoted(value.trim()))
                })
                .collect();
            kept.join(" ")
        }
    };
    (rest, values)
}

/// Bytes written as `%` and two digits, as they are in a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, then @ ..] = rest {
        let pair = then.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%');
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &then[2..] } else { then };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Settings one behind the other, each `name=value` or `name='a value'`.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut from, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\'' => is_quoted = !is_quoted,
            ' ' | '\t' | '\n' if !is_quoted => {
                words.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[from..]);
    words.retain(|word| !word.is_empty());
    words
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
    inner.replace("\\'", "'").replace("\\\\", "\\")
}

/// How connections are encrypted, where they are.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    fn new(checks: Checks, roots: Option<&str>) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let signer = match checks {
            Checks::SignerAndHost => {
                let config = builder.with_root_certificates(trusted(roots)?).with_no_client_auth();
                return Ok(Self(TlsConnector::from(Arc::new(config))));
            }
            Checks::Signer => {
                let roots = Arc::new(trusted(roots)?);
                let known = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
                Some(known.build().map_err(|error| error.to_string())?)
            }
            Checks::Nothing => None,
        };
        let own = Arc::new(AnyHost { signer, provider });
        let config = builder.dangerous().with_custom_certificate_verifier(own).with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// Whose signature under a certificate counts.
fn trusted(file: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match file {
        Some("system") | None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("this system trusts nobody; name a file with sslrootcert".to_owned());
            }
        }
        Some(file) => {
            let failed = |error: &dyn std::fmt::Display| format!("{file}: {error}");
            for root in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
                let root = root.map_err(|error| failed(&error))?;
                roots.add(root).map_err(|error| failed(&error))?;
            }
            if roots.is_empty() {
                return Err(failed(&"it has no certificate"));
            }
        }
    }
    Ok(roots)
}

/// Believes that whoever answers is whom we want, but not that somebody else listens in: what is signed must fit.
#[derive(Debug)]
struct AnyHost {
    /// Who must have signed the certificate, if that is checked.
    signer: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked = self.signer.as_ref().map(|of| of.verify_server_cert(cert, between, name, ocsp, now));
        match checked {
            Some(Err(error)) if !is_of_name(&error) => Err(error),
            // The name is looked at last: who signed has been found good by then.
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_of_name(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(error) = error else { return false };
    matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

impl<S: AsyncRead + AsyncWrite + Unpin> MakeTlsConnect<S> for Tls {
    type Stream = Encrypted<S>;
    type TlsConnect = ToHost;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<ToHost, InvalidDnsNameError> {
        // A socket in the file system has no name, and is never encrypted.
        let name = if host.is_empty() { "localhost" } else { host };
        Ok(ToHost { connector: self.0.clone(), name: ServerName::try_from(name.to_owned())? })
    }
}

/// Encrypts one connection to a host.
pub(super) struct ToHost {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for ToHost {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Encrypting<S>;

    fn connect(self, stream: S) -> Encrypting<S> {
        Encrypting(self.connector.connect(self.name, stream))
    }
}

/// A connection on its way to be encrypted.
pub(super) struct Encrypting<S>(Connect<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Encrypting<S> {
    type Output = io::Result<Encrypted<S>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(Encrypted)
    }
}

/// An encrypted connection.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::taken;

    #[test]
    fn what_is_said_of_encryption_is_taken_out_of_both_forms_of_an_address() {
        let check = |url: &str, rest: &str, mode: Option<&str>, file: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            assert_eq!(
                taken(url, ["sslmode", "sslrootcert"]),
                (rest.to_owned(), [owned(mode), owned(file)]),
                "{url}"
            );
        };
        check("postgres://a:b@c/d", "postgres://a:b@c/d", None, None);
        check("postgres://a@c/d?sslmode=require", "postgres://a@c/d", Some("require"), None);
        check(
            "postgresql://a@/d?host=/x&sslmode=verify-full&sslrootcert=/my%20ca.pem&port=5",
            "postgresql://a@/d?host=/x&port=5",
            Some("verify-full"),
            Some("/my ca.pem"),
        );
        check("host=c  sslmode=disable user=a", "host=c user=a", Some("disable"), None);
        check(
            r"password='it''s a=b' sslrootcert='/my ca\'s.pem'",
            "password='it''s a=b'",
            None,
            Some("/my ca's.pem"),
        );
    }
}
