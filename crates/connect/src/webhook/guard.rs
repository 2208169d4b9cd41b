//! Which addresses a message may go to.
//!
//! A name is looked up once and the very addresses that were looked at are connected to, so a name that points elsewhere a moment
//! later gains nothing. Sources: the special-purpose address registries of IANA (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Looks names up, and leaves out what nobody outside has any business with.
#[derive(Debug)]
pub(super) struct Guarded {
    inner: DefaultResolver,
    private: bool,
}

impl Guarded {
    pub(super) fn new(private: bool) -> Self {
        Self { inner: DefaultResolver::default(), private }
    }
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut public = self.empty();
        for address in found.iter().filter(|address| self.private || is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            return Err(Error::Io(std::io::ErrorKind::PermissionDenied.into()));
        }
        Ok(public)
    }
}

/// Whether an address is on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared address space, protocol assignments, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let translated = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    // What is not given out for the public internet is not on it.
    (a & 0xe000 == 0x2000)
        // Documentation, Teredo, 6to4: the last two hide an address of the other kind.
        && !(a == 0x2001 && (b == 0xdb8 || b == 0))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
        && !translated
}

/// Whether the host of an address is written as an address that is not public: to say so at once where it is entered.
pub fn names_private_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local =
        host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    is_local || host.parse().is_ok_and(|address: IpAddr| !is_public(address))
}

/// Whether an address can be sent to at all: absolute, over HTTPS or HTTP, without a name and password in it.
pub fn is_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let is_web = matches!(uri.scheme_str(), Some("https" | "http"));
    let authority = uri.authority().map_or("", ureq::http::uri::Authority::as_str);
    is_web && !uri.host().unwrap_or_default().is_empty() && !authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let public = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2001:4860:4860::8888"];
        let own = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::",
            "2001:0:1::",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in own {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_are_absolute_and_name_no_password() {
        for url in ["https://example.com/hook", "http://example.com:8080/", "https://[2606:4700::1]/x"] {
            assert!(is_address(url) && !names_private_address(url), "{url}");
        }
        for url in
            ["", "example.com", "/hook", "ftp://example.com/", "https://user:pass@example.com/", "https:///x"]
        {
            assert!(!is_address(url), "{url}");
        }
        for url in ["http://localhost:1/", "http://a.localhost/", "http://127.0.0.1/", "https://[::1]/"] {
            assert!(names_private_address(url), "{url}");
        }
    }
}
