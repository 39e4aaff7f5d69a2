//! HTTP requests: the page and its files, whether the server is well, and the door to a WebSocket.

use std::fmt::{Display, Write};
use std::ops::ControlFlow;

use chrono::DateTime;

use super::assets::{Asset, asset};
use super::connection::{Goodbye, Speech};
use super::deadlines::Due;
use super::gate::Forbidden;
use super::reading::Stop;
use super::shell::{Ground, Shell};
use crate::chat::SessionId;
use crate::limits::HTTP_HEAD_MS_MAX;
use crate::text::http as text;
use crate::text::{Lang, Sentence};
use crate::wire::frame::{FrameDecoder, Framing};
use crate::wire::http::{BadHead, Head, Method};
use crate::wire::websocket::{self, CloseCode};

/// Sent with every response: nothing is loaded from elsewhere, nothing in a text can become code.
const ALWAYS: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cross-Origin-Opener-Policy: same-origin\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n";

/// How the page is fetched, with TLS or without.
pub(super) const fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// How a request ends (RFC 9110, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    NotModified,
    BadRequest,
    ForeignOrigin,
    ForeignHost,
    NotPublic,
    NotFound,
    Method,
    Timeout,
    Body,
    Upgrade,
    HeadTooLarge,
    Unavailable,
    Version,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::NotModified => "304 Not Modified",
            Status::BadRequest => "400 Bad Request",
            Status::ForeignOrigin | Status::ForeignHost | Status::NotPublic => "403 Forbidden",
            Status::NotFound => "404 Not Found",
            Status::Method => "405 Method Not Allowed",
            Status::Timeout => "408 Request Timeout",
            Status::Body => "413 Content Too Large",
            Status::Upgrade => "426 Upgrade Required",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Unavailable => "503 Service Unavailable",
            Status::Version => "505 HTTP Version Not Supported",
        }
    }

    /// What a person is told who sees it.
    fn sentence(self) -> Option<Sentence> {
        Some(match self {
            Status::Ok | Status::NotModified => return None,
            Status::BadRequest => text::BAD_REQUEST,
            Status::ForeignOrigin => text::FOREIGN_ORIGIN,
            Status::ForeignHost => text::FOREIGN_HOST,
            Status::NotPublic => text::NOT_PUBLIC,
            Status::NotFound => text::NOT_FOUND,
            Status::Method => text::METHOD,
            Status::Timeout => text::TIMEOUT,
            Status::Body => text::BODY,
            Status::Upgrade => text::UPGRADE,
            Status::HeadTooLarge => text::HEAD_TOO_LARGE,
            Status::Unavailable => text::UNAVAILABLE,
            Status::Version => text::VERSION,
        })
    }
}

impl From<BadHead> for Status {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::Malformed => Status::BadRequest,
            BadHead::TooLarge => Status::HeadTooLarge,
            BadHead::Body => Status::Body,
            BadHead::Version => Status::Version,
        }
    }
}

/// What is sent back.
#[derive(Debug)]
struct Response {
    status: Status,
    /// Fields of this response alone, each with its line's end.
    fields: String,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    Text(String),
    Static(&'static [u8]),
}

impl Response {
    fn new(status: Status, body: Body) -> Self {
        Self { status, fields: String::new(), body }
    }

    /// What is said about a refusal.
    fn refusal(status: Status, lang: Lang) -> Self {
        let body = match status.sentence() {
            Some(sentence) => Body::Text(format!("{}\n", sentence.get(lang))),
            None => Body::None,
        };
        let response = Self::new(status, body).text("plain");
        match status {
            Status::Method => response.field("Allow", "GET, HEAD"),
            Status::Upgrade => {
                response.field("Upgrade", "websocket").field("Sec-WebSocket-Version", "13")
            }
            _ => response,
        }
    }

    fn field(mut self, name: &str, value: impl Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.fields, "{name}: {value}\r\n");
        self
    }

    fn text(self, kind: &str) -> Self {
        self.field("Content-Type", format_args!("text/{kind}; charset=utf-8"))
            .field("Cache-Control", "no-store")
    }
}

/// What becomes of a request.
enum Outcome {
    Response(Response),
    /// It is a WebSocket from here on, and this shows that the key was understood.
    WebSocket(String),
}

impl<G: Ground> Shell<G> {
    /// Answers the next request, if its head is here.
    pub(super) fn handle_request(
        &mut self,
        id: SessionId,
        decoder: &mut FrameDecoder,
    ) -> ControlFlow<Stop> {
        let head = match decoder.next_head() {
            Ok(Some(head)) => head,
            Ok(None) => return ControlFlow::Break(Stop::Empty),
            Err(bad) => {
                self.refuse_request(id, bad.into());
                return ControlFlow::Break(Stop::Parked);
            }
        };
        let (keep_alive, only_head) = (head.keep_alive, head.method == Method::Head);
        match self.route(id, &head) {
            Outcome::Response(response) => self.respond(id, response, keep_alive, only_head),
            Outcome::WebSocket(accept) => {
                decoder.set_framing(Framing::WebSocket);
                self.open_websocket(id, &accept);
            }
        }
        ControlFlow::Continue(())
    }

    /// Says why nothing more is answered, and closes.
    pub(super) fn refuse_request(&mut self, id: SessionId, status: Status) {
        self.respond(id, Response::refusal(status, self.lang), false, false);
    }

    /// The same, because the server stops, and when to come back.
    pub(super) fn refuse_stopping(&mut self, id: SessionId, retry_ms: u64) {
        let response = Response::refusal(Status::Unavailable, self.lang);
        let response = response.field("Retry-After", retry_ms.div_ceil(1_000));
        self.respond(id, response, false, false);
    }

    fn route(&mut self, id: SessionId, head: &Head<'_>) -> Outcome {
        let lang = self.lang;
        let refused = |status| Outcome::Response(Response::refusal(status, lang));
        if head.method == Method::Other {
            return refused(Status::Method);
        }
        match head.path {
            "/ws" => match self.handshake(id, head) {
                Ok(accept) => Outcome::WebSocket(accept),
                Err(status) => refused(status),
            },
            "/metrics" if self.may_see_metrics(id, head) => {
                let page = Body::Text(self.metrics_page());
                let kind = "plain; version=0.0.4";
                Outcome::Response(Response::new(Status::Ok, page).text(kind))
            }
            "/metrics" => refused(Status::NotPublic),
            "/healthz" => {
                let body = Body::Text("ok\n".to_owned());
                Outcome::Response(Response::new(Status::Ok, body).text("plain"))
            }
            path => match asset(path) {
                Some(asset) => Outcome::Response(page(asset, head)),
                None => refused(Status::NotFound),
            },
        }
    }

    /// Numbers about everybody are for whoever runs the server.
    fn may_see_metrics(&mut self, id: SessionId, head: &Head<'_>) -> bool {
        let peer = self.connections.get_mut(id).map(|connection| connection.peer.ip());
        let is_here = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        // A proxy on this machine asks for somebody else.
        let for_another = ["forwarded", "x-forwarded-for"].iter().any(|name| head.has(name));
        self.metrics_public || is_here && !for_another
    }

    /// Whether a request opens a WebSocket (RFC 6455, section 4.2.1).
    fn handshake(&mut self, id: SessionId, head: &Head<'_>) -> Result<String, Status> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Err(Status::BadRequest);
        };
        let asks = head.lists("upgrade", "websocket") && head.lists("connection", "upgrade");
        let version = head.only("sec-websocket-version")?;
        if head.method != Method::Get || !head.keep_alive || !asks || version != Some("13") {
            return Err(Status::Upgrade);
        }
        let key = head.only("sec-websocket-key")?.ok_or(Status::BadRequest)?;
        let accept = websocket::accept(key).ok_or(Status::BadRequest)?;
        let (host, origin) = (head.host.unwrap_or_default(), head.only("origin")?);
        let scheme = scheme(connection.transport.is_tls());
        self.gate.judge(connection.peer.ip(), scheme, host, origin).map_err(|forbidden| {
            match forbidden {
                Forbidden::Origin => Status::ForeignOrigin,
                Forbidden::Host => Status::ForeignHost,
            }
        })?;
        Ok(accept)
    }

    fn open_websocket(&mut self, id: SessionId, accept: &str) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.speech = Speech::Frames(Framing::WebSocket);
        connection.goodbye = Goodbye::Due(Some(CloseCode::NORMAL));
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.put(id, |outbox, _, pool| outbox.push_raw(head.as_bytes(), pool));
        self.set_due(id, Due::Login, self.limits.login_ms_max);
    }

    fn respond(&mut self, id: SessionId, response: Response, keep_alive: bool, only_head: bool) {
        self.metrics.requests += 1;
        let Response { status, fields, body } = response;
        let length = match &body {
            Body::None => 0,
            Body::Text(text) => text.len(),
            Body::Static(bytes) => bytes.len(),
        };
        let mut head = format!("HTTP/1.1 {}\r\n{fields}{ALWAYS}", status.line());
        let wall_ms = i64::try_from(self.now.wall_ms).unwrap_or(i64::MAX);
        if let Some(date) = DateTime::from_timestamp_millis(wall_ms) {
            let _ = write!(head, "Date: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT"));
        }
        // A 304 has no body, whatever length it states (RFC 9110, section 15.4.5).
        if status != Status::NotModified {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        let connection = match (keep_alive, status) {
            (false, _) => "Connection: close\r\n",
            (true, Status::Upgrade) => "Connection: Upgrade\r\n",
            (true, _) => "",
        };
        let _ = write!(head, "{connection}\r\n");
        self.put(id, |outbox, _, pool| {
            outbox.push_raw(head.as_bytes(), pool);
            match &body {
                _ if only_head => {}
                Body::None => {}
                Body::Text(text) => outbox.push_raw(text.as_bytes(), pool),
                Body::Static(bytes) => outbox.push_static(bytes),
            }
        });
        if keep_alive {
            self.set_due(id, Due::Login, HTTP_HEAD_MS_MAX);
        } else {
            self.begin_closing(id);
        }
    }
}

/// One of the page's files, in the form that the peer understands, unless it has it already.
fn page(asset: &'static Asset, head: &Head<'_>) -> Response {
    let gzip = head.accepts_gzip();
    let form = if gzip { &asset.gzip } else { &asset.plain };
    let response = if head.has_version(form.etag) {
        Response::new(Status::NotModified, Body::None)
    } else {
        let response = Response::new(Status::Ok, Body::Static(form.bytes));
        let response = response.field("Content-Type", asset.mime);
        if gzip { response.field("Content-Encoding", "gzip") } else { response }
    };
    // Kept, and asked for again each time: a new server has its new page at once.
    response
        .field("ETag", form.etag)
        .field("Cache-Control", "no-cache")
        .field("Vary", "Accept-Encoding")
}
