//! TLS to a server whom nobody vouches for: its certificate is known by its fingerprint, which is
//! kept on first use.
//!
//! Two threads share a connection. rustls' state is locked while bytes are encrypted or decrypted,
//! never while a socket is waited for: who reads waits for ciphertext without the lock, and who
//! writes takes the ciphertext out before it writes. Only one thread writes, so ciphertext leaves in
//! its order; who reads never does, so it never waits for a peer that does not read.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
};

use crate::wire::fingerprint::Fingerprint;

/// The plaintext of one record, and so what is encrypted and read at once.
const RECORD_BYTES: usize = 16 * 1024;

/// Time for the handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Why there is no TLS with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// It showed another certificate than the one that is known.
    Changed {
        /// The known one.
        known: Fingerprint,
        /// The other.
        shown: Fingerprint,
    },
    /// It closed the connection instead of an answer: it speaks no TLS.
    NoTls,
}

impl Display for Distrust {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Distrust::Changed { known, shown } => write!(f, "TLS: {shown} != {known}"),
            Distrust::NoTls => write!(f, "no TLS"),
        }
    }
}

impl Error for Distrust {}

/// One side of a connection that has shaken hands; the other is its clone.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<Mutex<ClientConnection>>);

impl Tls {
    /// Shakes hands, and gives the fingerprint of the certificate that was shown. With a known one
    /// it has to be that.
    pub(crate) fn shake_hands(
        socket: &TcpStream,
        host: &str,
        known: Option<Fingerprint>,
    ) -> io::Result<(Self, Fingerprint)> {
        let judge = Arc::new(Judge::new(known));
        let config = ClientConfig::builder_with_provider(Arc::clone(&judge.provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>);
        let mut config = config.with_no_client_auth();
        // The certificate is looked at each time.
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        let mut rustls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let done = shake(&mut rustls, socket);
        match (judge.shown(), known) {
            (Some(shown), Some(known)) if shown != known => {
                Err(io::Error::other(Distrust::Changed { known, shown }))
            }
            (Some(shown), _) => done.map(|()| (Self(Arc::new(Mutex::new(rustls))), shown)),
            (None, _) => {
                done?;
                Err(io::Error::other(Distrust::NoTls))
            }
        }
    }

    /// Reads as from a socket; 0 is the end.
    pub(crate) fn read(&self, mut socket: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.lock().reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => return other,
            }
            // Not more than there is room for, so that what rustls still has then is one record.
            let mut piece = [0; RECORD_BYTES];
            let room = piece.len().min(into.len());
            let count = socket.read(&mut piece[..room])?;
            if count == 0 {
                return Ok(0);
            }
            let mut piece = &piece[..count];
            let mut bytes = 0;
            let mut rustls = self.lock();
            while !piece.is_empty() && rustls.read_tls(&mut piece)? > 0 {
                rustls.process_new_packets().map_err(io::Error::other)?;
                match rustls.reader().read(&mut into[bytes..]) {
                    Ok(count) => bytes += count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            if bytes > 0 {
                return Ok(bytes);
            }
        }
    }

    /// Writes all of it. By one thread only.
    pub(crate) fn write_all(&self, mut socket: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        let mut ciphertext = Vec::new();
        for record in bytes.chunks(RECORD_BYTES) {
            ciphertext.clear();
            {
                let mut rustls = self.lock();
                rustls.writer().write_all(record)?;
                while rustls.wants_write() {
                    rustls.write_tls(&mut ciphertext)?;
                }
            }
            socket.write_all(&ciphertext)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, ClientConnection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shake(rustls: &mut ClientConnection, mut socket: &TcpStream) -> io::Result<()> {
    let deadline = Instant::now() + HANDSHAKE_MAX;
    loop {
        while rustls.wants_write() {
            rustls.write_tls(&mut socket)?;
        }
        if !rustls.is_handshaking() {
            return socket.set_read_timeout(None);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        match rustls.read_tls(&mut socket) {
            Ok(0) => return Err(io::Error::other(Distrust::NoTls)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Err(io::Error::other(Distrust::NoTls));
            }
            Err(error) => return Err(error),
        }
        if let Err(error) = rustls.process_new_packets() {
            // The alert leaves if it can.
            let _ = rustls.write_tls(&mut socket);
            return Err(io::Error::other(error));
        }
    }
}

/// Decides about a certificate by its fingerprint, and has its key's signature checked as always.
#[derive(Debug)]
struct Judge {
    provider: Arc<CryptoProvider>,
    known: Option<Fingerprint>,
    shown: Mutex<Option<Fingerprint>>,
}

impl Judge {
    fn new(known: Option<Fingerprint>) -> Self {
        Self { provider: Arc::new(ring::default_provider()), known, shown: Mutex::default() }
    }

    fn shown(&self) -> Option<Fingerprint> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        match self.known {
            Some(known) if known != shown => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
