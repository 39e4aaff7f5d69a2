//! The certificate that the server shows: an operator's own, or one that it makes and keeps.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};

use super::listener::split;
use crate::cli::{Exit, Failure, Invocation, usage};
use crate::folder::Part;
use crate::text::Lang;
use crate::text::server::tls::{self as text, Trouble};
use crate::wire::fingerprint::Fingerprint;

/// What is kept in the data folder.
const CERT_FILE: &str = "tls-cert.pem";
const KEY_FILE: &str = "tls-key.pem";

/// How long a certificate of our own is good. Clients know it by its fingerprint, and nobody is
/// there to renew it.
const DAYS_GOOD: i64 = 3_650;

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// It is made, and kept in the data folder.
    Auto,
    /// The operator has it: PEM files of the chain and the key.
    Files { cert: PathBuf, key: PathBuf },
}

/// How the server speaks TLS.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    /// Of the certificate that is shown.
    pub(super) fingerprint: Fingerprint,
    /// What the operator should look at.
    pub(super) doubts: Vec<String>,
}

impl Source {
    /// `--tls auto`, or `--tls-cert FILE --tls-key FILE`, or none.
    pub(super) fn of(invocation: &mut Invocation) -> Result<Option<Self>, Failure> {
        let lang = invocation.lang;
        let mode: Option<String> = invocation.optional("--tls")?;
        let cert: Option<PathBuf> = invocation.optional("--tls-cert")?;
        let key: Option<PathBuf> = invocation.optional("--tls-key")?;
        match (mode.as_deref(), cert, key) {
            (None, None, None) => Ok(None),
            (Some("auto"), None, None) => Ok(Some(Source::Auto)),
            (None, Some(cert), Some(key)) => Ok(Some(Source::Files { cert, key })),
            (Some("auto"), ..) => Err(usage(text::AUTO_OR_FILES.get(lang))),
            (Some(other), ..) => {
                Err(usage(text::unknown_mode(lang, &other.escape_debug().to_string())))
            }
            (None, ..) => Err(usage(text::CERT_AND_KEY.get(lang))),
        }
    }

    /// Reads the certificate and its key, or makes them for these names.
    pub(super) fn identity(
        &self,
        data: &Path,
        names: impl FnOnce() -> Vec<String>,
        lang: Lang,
    ) -> Result<Identity, Failure> {
        let failed = |path: &Path, trouble: Trouble<'_>| {
            Failure::new(Exit::Error, text::trouble(lang, path, trouble))
        };
        match self {
            Source::Files { cert, key } => {
                let identity = read(cert, key, lang);
                identity.map_err(|(path, why)| failed(&path, why.told()))
            }
            Source::Auto => {
                let (cert, key) = (data.join(CERT_FILE), data.join(KEY_FILE));
                // The certificate comes second: without it, nobody has been shown the key's.
                if !cert.exists() {
                    keep_new(&cert, &key, names())
                        .map_err(|error| failed(data, Trouble::NotKept(&error)))?;
                }
                read(&cert, &key, lang).map_err(|(path, why)| failed(&path, why.told_of_ours()))
            }
        }
    }
}

/// Why a certificate or key cannot be used.
#[derive(Debug)]
enum Unusable {
    Pem(pem::Error),
    NoCertificate,
    Rustls(Error),
}

impl Unusable {
    fn told(&self) -> Trouble<'_> {
        match self {
            Unusable::Pem(pem::Error::Io(error)) => Trouble::Unreadable(error),
            Unusable::Pem(pem::Error::NoItemsFound) => Trouble::NoKey,
            Unusable::Pem(error) => Trouble::Broken(error),
            Unusable::NoCertificate => Trouble::NoCertificate,
            Unusable::Rustls(Error::InconsistentKeys(_)) => Trouble::KeyOfAnother,
            Unusable::Rustls(error) => Trouble::Broken(error),
        }
    }

    /// The same, where the files are ours, and can be made again.
    fn told_of_ours(&self) -> Trouble<'_> {
        match self {
            Unusable::Pem(pem::Error::Io(error)) => Trouble::OursUnreadable(error),
            _ => Trouble::OursBroken,
        }
    }
}

fn read(cert: &Path, key: &Path, lang: Lang) -> Result<Identity, (PathBuf, Unusable)> {
    let of_cert = |why| (cert.to_owned(), why);
    let of_key = |why| (key.to_owned(), why);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| of_cert(Unusable::Pem(error)))?;
    let Some(shown) = chain.first().cloned() else {
        return Err(of_cert(Unusable::NoCertificate));
    };
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| of_key(Unusable::Pem(error)))?;
    let config = config(chain, secret).map_err(|error| of_key(Unusable::Rustls(error)))?;
    let mut doubts = Vec::new();
    if may_be_read_by_others(key) {
        doubts.push(text::key_is_open(lang, key));
    }
    match out_of_date(&shown, UnixTime::now()) {
        Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            doubts.push(text::not_valid_yet(lang, cert));
        }
        Some(_) => doubts.push(text::expired(lang, cert)),
        None => {}
    }
    let fingerprint = Fingerprint::of(&shown);
    Ok(Identity { config: Arc::new(config), fingerprint, doubts })
}

/// No protocol is negotiated by ALPN: a client that offers some goes on without an answer, with
/// HTTP/1.1 if that is what it speaks, and none is refused. Nothing is kept for resumption: it would
/// save a signature, a quarter of a handshake, and be state that has to be bounded.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Whether a certificate is out of its dates, asked of the one who checks them for clients. What
/// else it finds wrong is between the operator and the clients.
fn out_of_date(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<CertificateError> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).ok()?;
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    match verifier.verify_server_cert(certificate, &[], &name, &[], now) {
        Err(Error::InvalidCertificate(
            error @ (CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }),
        )) => Some(error),
        _ => None,
    }
}

#[cfg(unix)]
fn may_be_read_by_others(key: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(key).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn may_be_read_by_others(_key: &Path) -> bool {
    false
}

/// Makes a key and a certificate for these names, and keeps both.
fn keep_new(cert: &Path, key: &Path, names: Vec<String>) -> io::Result<()> {
    let (cert_pem, key_pem) = new_pair(names, Utc::now()).map_err(io::Error::other)?;
    keep(key, &key_pem)?;
    keep(cert, &cert_pem)
}

fn keep(path: &Path, text: &str) -> io::Result<()> {
    let mut part = Part::beside(path)?;
    part.file().write_all(text.as_bytes())?;
    part.replace(path)
}

/// A self-signed certificate of a P-256 key, and the key, in PEM.
fn new_pair(names: Vec<String>, now: DateTime<Utc>) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "papo");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let day = |moment: DateTime<Utc>| {
        // A month and a day are small numbers.
        let small = |number: u32| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(moment.year(), small(moment.month()), small(moment.day()))
    };
    // A client's clock may be a little behind.
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + TimeDelta::days(DAYS_GOOD));
    let cert = params.self_signed(&key)?;
    Ok((cert.pem(), key.serialize_pem()))
}

/// The names under which this machine is reached: what it listens on, and its own.
pub(super) fn own_names(listen: &str) -> Vec<String> {
    let host = split(listen).map_or(listen, |(host, _)| host).to_owned();
    let machine = gethostname::gethostname().to_string_lossy().into_owned();
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses = addresses.iter().map(|interface| interface.ip().to_string());
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut names: Vec<String> = Vec::new();
    for name in fixed.into_iter().chain([host, machine]).chain(addresses) {
        if is_name(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a name may stand in a certificate: an address, or a host's name.
fn is_name(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(address) => !address.is_unspecified(),
        Err(_) => ServerName::try_from(name).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> UnixTime {
        let now = Utc::now() + TimeDelta::days(days);
        let seconds = u64::try_from(now.timestamp()).unwrap();
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    }

    fn none() -> Vec<String> {
        panic!("a certificate is there already")
    }

    #[test]
    fn a_certificate_of_our_own_is_made_once_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let names = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = Source::Auto.identity(data.path(), names, Lang::En).unwrap();
        let kept = Source::Auto.identity(data.path(), none, Lang::En).unwrap();
        assert_eq!(made.fingerprint, kept.fingerprint);
        assert_eq!((made.doubts, kept.doubts), (vec![], vec![]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let key = fs::metadata(data.path().join(KEY_FILE)).unwrap();
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
        }
        // As if the machine had stopped between the two.
        fs::remove_file(data.path().join(CERT_FILE)).unwrap();
        let again = Source::Auto.identity(data.path(), names, Lang::En).unwrap();
        assert_ne!(again.fingerprint, made.fingerprint);
        fs::remove_file(data.path().join(KEY_FILE)).unwrap();
        let failure = Source::Auto.identity(data.path(), none, Lang::En).unwrap_err();
        assert!(failure.message.contains("tls-key.pem"), "{}", failure.message);
    }

    #[test]
    fn a_certificate_is_good_from_yesterday_on_for_ten_years() {
        let (cert, _) = new_pair(vec!["localhost".to_owned()], Utc::now()).unwrap();
        let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
        assert_eq!(out_of_date(&cert, at(0)), None);
        assert_eq!(out_of_date(&cert, at(DAYS_GOOD - 1)), None);
        assert!(matches!(
            out_of_date(&cert, at(DAYS_GOOD + 1)),
            Some(CertificateError::Expired | CertificateError::ExpiredContext { .. })
        ));
        assert!(matches!(
            out_of_date(&cert, at(-3)),
            Some(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })
        ));
    }

    #[test]
    fn what_is_wrong_with_the_files_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let names = || vec!["localhost".to_owned()];
        keep_new(&path("a.pem"), &path("a.key"), names()).unwrap();
        keep_new(&path("b.pem"), &path("b.key"), names()).unwrap();
        fs::write(path("empty"), "").unwrap();
        fs::write(path("broken"), "-----BEGIN CERTIFICATE-----\nx\n").unwrap();
        for (cert, key, blamed, said) in [
            ("none", "a.key", "none", ""),
            ("a.pem", "none", "none", ""),
            ("empty", "a.key", "empty", "no certificate"),
            ("a.key", "a.key", "a.key", "no certificate"),
            ("a.pem", "empty", "empty", "no private key"),
            ("a.pem", "a.pem", "a.pem", "no private key"),
            ("broken", "a.key", "broken", ""),
            ("a.pem", "b.key", "b.key", "another certificate"),
        ] {
            let source = Source::Files { cert: path(cert), key: path(key) };
            let failure = source.identity(folder.path(), none, Lang::En).unwrap_err();
            let blamed = path(blamed).display().to_string();
            let message = failure.message;
            assert!(message.contains(&blamed) && message.contains(said), "{cert} {key}: {message}");
        }
        let source = Source::Files { cert: path("a.pem"), key: path("a.key") };
        assert!(source.identity(folder.path(), none, Lang::En).unwrap().doubts.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_everybody_may_read_is_a_doubt() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("c"), folder.path().join("k"));
        keep_new(&cert, &key, vec!["localhost".to_owned()]).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let source = Source::Files { cert, key };
        assert_eq!(source.identity(folder.path(), none, Lang::En).unwrap().doubts.len(), 1);
    }

    #[test]
    fn a_machine_has_names_that_a_certificate_can_hold() {
        let names = own_names("[::]:12345");
        assert!(names.starts_with(&["localhost".to_owned(), "127.0.0.1".to_owned()]), "{names:?}");
        assert!(!names.contains(&"::".to_owned()), "{names:?}");
        assert!(own_names("chat.example.org:1").contains(&"chat.example.org".to_owned()));
        assert!(new_pair(own_names("a b:1"), Utc::now()).is_ok());
    }
}
