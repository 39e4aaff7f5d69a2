//! A TLS client over a blocking socket, which trusts whoever is there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use super::Server;

/// A connection that speaks lines.
pub(crate) struct Secure {
    reader: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

impl Secure {
    /// Connects to a server that keeps its own certificate, which it has to show.
    #[track_caller]
    pub(crate) fn connect(server: &Server) -> Self {
        let cert = CertificateDer::from_pem_file(server.data().join("tls-cert.pem"));
        let mut roots = RootCertStore::empty();
        roots.add(cert.expect("it keeps its certificate")).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        Self { reader: BufReader::new(StreamOwned::new(client, server.dial())) }
    }

    /// Logs in.
    #[track_caller]
    pub(crate) fn join(server: &Server, name: &str) -> Self {
        let mut secure = Self::connect(server);
        secure.send(&serde_json::json!({ "type": "login", "username": name }));
        assert_eq!(secure.next()["status"], "success");
        secure
    }

    pub(crate) fn send(&mut self, object: &Value) {
        self.send_bytes(format!("{object}\n").as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("the server reads");
    }

    /// The next frame.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Asks until the answer names somebody.
    #[track_caller]
    pub(crate) fn waits_for(&mut self, request: &Value, name: &str) {
        super::eventually(name, || {
            self.send(request);
            self.next().to_string().contains(name)
        });
    }

    /// Says that it sends no more, and reads to the end, which has to be a farewell.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let stream = self.reader.get_mut();
        stream.conn.send_close_notify();
        let _ = stream.conn.write_tls(&mut stream.sock);
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).expect("an end with a farewell");
        rest
    }
}

impl Secure {
    /// What is below.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.reader.get_mut().sock
    }

    /// Reads plaintext as it comes.
    pub(crate) fn read_plain(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(into)
    }
}
