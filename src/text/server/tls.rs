//! What the server says about its certificate.

use std::fmt::Display;
use std::path::Path;

use crate::text::{Lang, Sentence, say};

/// `--tls auto` beside a certificate of one's own.
pub const AUTO_OR_FILES: Sentence = say(
    "--tls auto faz um certificado; com --tls-cert e --tls-key, não use --tls",
    "--tls auto makes a certificate; with --tls-cert and --tls-key, leave --tls out",
);

/// Half of a certificate and its key.
pub const CERT_AND_KEY: Sentence = say(
    "--tls-cert e --tls-key vão juntos: o certificado e a chave dele",
    "--tls-cert and --tls-key go together: the certificate and its key",
);

/// `--tls` with anything else.
pub fn unknown_mode(lang: Lang, mode: &str) -> String {
    match lang {
        Lang::Pt => format!("--tls {mode}: use --tls auto, ou --tls-cert e --tls-key"),
        Lang::En => format!("--tls {mode}: use --tls auto, or --tls-cert and --tls-key"),
    }
}

/// Why there is no certificate to show.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "each is one sentence of `trouble`")]
pub enum Trouble<'a> {
    Unreadable(&'a dyn Display),
    NoCertificate,
    NoKey,
    KeyOfAnother,
    Broken(&'a dyn Display),
    OursUnreadable(&'a dyn Display),
    OursBroken,
    NotKept(&'a dyn Display),
}

/// What is wrong with a file of the certificate, and what to do.
pub fn trouble(lang: Lang, path: &Path, trouble: Trouble<'_>) -> String {
    let path = path.display();
    match lang {
        Lang::Pt => match trouble {
            Trouble::Unreadable(error) => format!("não é possível ler {path}: {error}"),
            Trouble::NoCertificate => {
                format!("não há certificado em {path}: é preciso PEM (BEGIN CERTIFICATE)")
            }
            Trouble::NoKey => format!(
                "não há chave privada em {path}: é preciso PEM sem senha (BEGIN PRIVATE KEY)"
            ),
            Trouble::KeyOfAnother => {
                format!("a chave em {path} é de outro certificado que o de --tls-cert")
            }
            Trouble::Broken(error) => format!("não é possível usar {path}: {error}"),
            Trouble::OursUnreadable(error) => format!(
                "não é possível ler {path}: {error}. Traga o arquivo de volta, ou apague \
                 tls-cert.pem: um certificado novo será feito, e os clientes avisarão da troca"
            ),
            Trouble::OursBroken => format!(
                "não é possível usar {path}. Traga de volta tls-cert.pem e tls-key.pem, ou apague \
                 os dois: um certificado novo será feito, e os clientes avisarão da troca"
            ),
            Trouble::NotKept(error) => {
                format!("não é possível guardar um certificado em {path}: {error}")
            }
        },
        Lang::En => match trouble {
            Trouble::Unreadable(error) => format!("cannot read {path}: {error}"),
            Trouble::NoCertificate => {
                format!("there is no certificate in {path}: PEM is needed (BEGIN CERTIFICATE)")
            }
            Trouble::NoKey => format!(
                "there is no private key in {path}: PEM without a password is needed (BEGIN \
                 PRIVATE KEY)"
            ),
            Trouble::KeyOfAnother => {
                format!("the key in {path} is of another certificate than that of --tls-cert")
            }
            Trouble::Broken(error) => format!("cannot use {path}: {error}"),
            Trouble::OursUnreadable(error) => format!(
                "cannot read {path}: {error}. Bring the file back, or delete tls-cert.pem: a new \
                 certificate will be made, and clients will warn that it changed"
            ),
            Trouble::OursBroken => format!(
                "cannot use {path}. Bring tls-cert.pem and tls-key.pem back, or delete both: a new \
                 certificate will be made, and clients will warn that it changed"
            ),
            Trouble::NotKept(error) => format!("cannot keep a certificate in {path}: {error}"),
        },
    }
}

/// A private key that is no secret on its machine.
pub fn key_is_open(lang: Lang, key: &Path) -> String {
    let key = key.display();
    match lang {
        Lang::Pt => format!("TLS: todos neste computador podem ler a chave {key}. Use chmod 600"),
        Lang::En => {
            format!("TLS: everybody on this computer may read the key {key}. Use chmod 600")
        }
    }
}

/// A certificate whose time has passed.
pub fn expired(lang: Lang, cert: &Path) -> String {
    let cert = cert.display();
    match lang {
        Lang::Pt => format!("TLS: o certificado {cert} venceu; os navegadores o recusarão"),
        Lang::En => format!("TLS: the certificate {cert} has expired; browsers will refuse it"),
    }
}

/// A certificate whose time has not come.
pub fn not_valid_yet(lang: Lang, cert: &Path) -> String {
    let cert = cert.display();
    match lang {
        Lang::Pt => format!("TLS: o certificado {cert} ainda não vale; confira o relógio"),
        Lang::En => format!("TLS: the certificate {cert} is not valid yet; check the clock"),
    }
}
