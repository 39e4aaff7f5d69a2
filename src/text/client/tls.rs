//! What the client says about the certificate of its server.

use std::fmt::Display;

use crate::text::{Lang, Sentence, say};

/// `--fingerprint` where nothing is encrypted.
pub const FINGERPRINT_WITHOUT_TLS: Sentence =
    say("--fingerprint só faz sentido com --tls", "--fingerprint makes sense with --tls only");

/// A certificate that is seen for the first time.
pub fn server_kept(lang: Lang, server: &str, shown: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!(
            "primeira vez com {server} por TLS. O SHA-256 do certificado fica guardado; confira se é \
             o que o servidor mostra: {shown}"
        ),
        Lang::En => format!(
            "first time with {server} over TLS. The certificate's SHA-256 is kept; see whether it is \
             the one that the server shows: {shown}"
        ),
    }
}

/// The same where nothing can be kept.
pub fn server_not_kept(lang: Lang, server: &str, shown: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!(
            "o certificado de {server} não pôde ser guardado, e uma troca não seria notada. SHA-256: \
             {shown}"
        ),
        Lang::En => format!(
            "the certificate of {server} could not be kept, and a change would go unnoticed. \
             SHA-256: {shown}"
        ),
    }
}

/// A server with another certificate than before.
pub fn server_changed(
    lang: Lang,
    server: &str,
    known: &dyn Display,
    shown: &dyn Display,
) -> String {
    match lang {
        Lang::Pt => format!(
            "ATENÇÃO: o certificado de {server} MUDOU. Alguém pode estar no meio do caminho; nada \
             foi enviado.\n  conhecido: {known}\n  mostrado:  {shown}\nSe quem cuida do servidor \
             confirma a troca, aceite-a com --fingerprint {shown}"
        ),
        Lang::En => format!(
            "WARNING: the certificate of {server} HAS CHANGED. Somebody may be in between; nothing \
             was sent.\n  known: {known}\n  shown: {shown}\nIf whoever runs the server confirms \
             the change, accept it with --fingerprint {shown}"
        ),
    }
}

/// A server that closes when TLS begins.
pub fn server_without_tls(lang: Lang, server: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "{server} não fala TLS. Inicie o servidor com --tls auto, ou conecte-se sem --tls"
        ),
        Lang::En => {
            format!(
                "{server} speaks no TLS. Start the server with --tls auto, or connect without --tls"
            )
        }
    }
}
