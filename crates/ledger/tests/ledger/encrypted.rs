//! Connections to PostgreSQL that are encrypted, under a certificate made here.

use std::path::Path;

use ledger::{Store, postgres::PostgresStore};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use testkit::postgres::Cluster;

/// A server that takes encrypted connections alone by TCP, as `localhost`, and the file of who signed its certificate.
fn server(dir: &Path) -> (Cluster, u16, String) {
    let (ca, root) = authority(dir, "ca.pem");
    let key = KeyPair::generate().unwrap();
    let cert = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let (cluster, port) = Cluster::start_encrypted(&cert.pem(), &key.serialize_pem());
    cluster.sql("postgres", "CREATE DATABASE shop");
    (cluster, port, root)
}

fn authority(dir: &Path, name: &str) -> (CertifiedIssuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let file = dir.join(name);
    std::fs::write(&file, ca.pem()).unwrap();
    (ca, file.to_str().unwrap().to_owned())
}

#[test]
fn an_address_says_whether_a_connection_is_encrypted_and_who_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let (cluster, port, root) = server(dir.path());
    let (_, stranger) = authority(dir.path(), "stranger.pem");
    let at = |host: &str, rest: &str| {
        PostgresStore::open(&format!("postgres://shipwhen@{host}:{port}/shop{rest}"))
    };
    let full = format!("?sslmode=verify-full&sslrootcert={root}");
    let signed = format!("?sslmode=verify-ca&sslrootcert={root}");
    let taken = [
        ("127.0.0.1", "?sslmode=require"),
        ("127.0.0.1", ""),
        ("localhost", full.as_str()),
        ("127.0.0.1", signed.as_str()),
    ];
    for (host, rest) in taken {
        let store = at(host, rest).unwrap_or_else(|error| panic!("{host}{rest}: {error:?}"));
        store.reader().unwrap().secret().unwrap();
        let asked = "SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE application_name = 'shipwhen'";
        assert_eq!(cluster.sql("postgres", asked).trim(), "t", "{host}{rest}");
    }
    let refused = [
        ("localhost", "?sslmode=disable".to_owned(), "no encryption"),
        ("127.0.0.1", full, "NotValidForName"),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={stranger}"), "InvalidCertificate"),
        ("localhost", "?sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(), "/nowhere.pem"),
        ("localhost", format!("?sslmode=verify-ca&sslrootcert={stranger}"), "InvalidCertificate"),
        ("localhost", "?sslmode=verify-ca".to_owned(), "wants a file"),
        ("localhost", "?sslmode=verify-ca&sslrootcert=system".to_owned(), "wants a file"),
        ("localhost", "?sslmode=verify-some".to_owned(), "verify-ca or verify-full"),
        ("localhost", format!("?sslmode=require&sslrootcert={root}"), "goes with sslmode=verify-ca"),
    ];
    for (host, rest, why) in refused {
        let Err(error) = at(host, &rest) else { panic!("{host}{rest} was let in") };
        let said = format!("{error} {error:?}");
        assert!(said.contains(why), "{host}{rest}: {said}");
    }
}
