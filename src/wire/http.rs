//! The heads of HTTP requests (RFC 9110, RFC 9112), as far as a page and a WebSocket need them.

use std::ops::Range;

use super::buffer::Buffer;
use crate::limits::{HTTP_HEAD_BYTES_MAX, HTTP_HEADERS_MAX};

/// Why a head cannot be answered as what it asks for. Nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHead {
    /// It breaks the rules.
    Malformed,
    /// It is larger than the limit, or has too many fields.
    TooLarge,
    /// It brings a body, and nothing here takes one.
    Body,
    /// Another version than 1.0 and 1.1.
    Version,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: the same without the body.
    Head,
    /// Anything else, which is done nowhere.
    Other,
}

/// The head of one request.
#[derive(Debug)]
pub struct Head<'a> {
    /// What is to be done.
    pub method: Method,
    /// With what; without the query.
    pub path: &'a str,
    /// The host that the peer believes to speak to, with the port if it gave one.
    pub host: Option<&'a str>,
    /// Another request may follow on this connection.
    pub keep_alive: bool,
    headers: [httparse::Header<'a>; HTTP_HEADERS_MAX],
}

/// Where the next head is, if it has arrived whole. Looks at each byte once.
pub(super) fn find_head(buffer: &mut Buffer) -> Result<Option<Range<usize>>, BadHead> {
    // Empty lines before a request mean nothing (RFC 9112, section 2.2).
    let blank = buffer.pending().iter().take_while(|byte| b"\r\n".contains(byte)).count();
    if blank > 0 {
        buffer.take(buffer.consumed + blank);
    }
    let start = buffer.consumed;
    loop {
        let Some(at) = memchr::memchr(b'\n', &buffer.bytes[buffer.scanned..buffer.received]) else {
            buffer.scanned = buffer.received;
            break;
        };
        let line_end = buffer.scanned + at + 1;
        let rest = &buffer.bytes[line_end..buffer.received];
        let end = match rest {
            [b'\n', ..] => line_end + 1,
            [b'\r', b'\n', ..] => line_end + 2,
            // What decides has not arrived: this newline is looked at again.
            [] | [b'\r'] => break,
            _ => {
                buffer.scanned = line_end;
                continue;
            }
        };
        if end - start > HTTP_HEAD_BYTES_MAX {
            return Err(BadHead::TooLarge);
        }
        buffer.take(end);
        return Ok(Some(start..end));
    }
    if buffer.pending().len() > HTTP_HEAD_BYTES_MAX {
        return Err(BadHead::TooLarge);
    }
    Ok(None)
}

impl<'a> Head<'a> {
    /// Reads a whole head.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadHead> {
        let mut headers = [httparse::EMPTY_HEADER; HTTP_HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(BadHead::TooLarge),
            Err(httparse::Error::Version) => return Err(BadHead::Version),
            Ok(httparse::Status::Partial) | Err(_) => return Err(BadHead::Malformed),
        }
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(BadHead::Malformed);
        };
        let method = match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        };
        let mut head = Self { method, path: "*", host: None, keep_alive: minor == 1, headers };
        head.host = head.only("host")?;
        if head.host.is_none() && minor == 1 {
            return Err(BadHead::Malformed);
        }
        if head.host.is_some_and(|host| !is_authority(host)) {
            return Err(BadHead::Malformed);
        }
        head.read_target(target)?;
        head.keep_alive &= !head.lists("connection", "close");
        let body = head.has_body()?;
        if body && method != Method::Other {
            return Err(BadHead::Body);
        }
        // A body of something that is refused anyway is not waited for.
        head.keep_alive &= !body;
        Ok(head)
    }

    /// The values of a header field, in order. Those that are no text are left out.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let of_name =
            self.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        of_name.filter_map(|field| std::str::from_utf8(field.value).ok()).map(str::trim_ascii)
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// A field that may stand there once at most.
    pub fn only(&self, name: &str) -> Result<Option<&'a str>, BadHead> {
        let mut fields = self.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        let first = fields.next();
        if fields.next().is_some() {
            return Err(BadHead::Malformed);
        }
        let Some(field) = first else { return Ok(None) };
        let value = std::str::from_utf8(field.value).map_err(|_| BadHead::Malformed)?;
        Ok(Some(value.trim_ascii()))
    }

    /// The members of a list, which may be spread over several fields.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.values(name).flat_map(|value| value.split(',')).map(str::trim_ascii)
    }

    /// Whether a list has this member, in whatever case.
    pub fn lists(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|listed| listed.eq_ignore_ascii_case(member))
    }

    /// Whether a body compressed with gzip is understood (RFC 9110, section 12.5.3).
    pub fn accepts_gzip(&self) -> bool {
        let weight = |coding: &str| {
            self.list("accept-encoding").find_map(|listed| {
                let (name, weight) = listed.split_once(';').unwrap_or((listed, "q=1"));
                let weight = weight.trim_ascii().strip_prefix(['q', 'Q'])?.trim_ascii_start();
                let weight = weight.strip_prefix('=')?.trim_ascii();
                // A zero is written with up to three more after the point.
                let positive = weight.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
                name.trim_ascii().eq_ignore_ascii_case(coding).then_some(positive)
            })
        };
        weight("gzip").or_else(|| weight("*")).unwrap_or(false)
    }

    /// Whether the peer has this version already (RFC 9110, section 13.1.2).
    pub fn has_version(&self, etag: &str) -> bool {
        self.list("if-none-match")
            .any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == etag)
    }

    /// The path, from any form of a target (RFC 9112, section 3.2).
    fn read_target(&mut self, target: &'a str) -> Result<(), BadHead> {
        // Everything else is escaped in a target (RFC 3986, section 2), or could be a control.
        if !target.is_ascii() {
            return Err(BadHead::Malformed);
        }
        let path = if target.starts_with('/') {
            target
        } else if let Some(("http" | "https", rest)) = target.split_once("://") {
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, path) = rest.split_at(at);
            if !is_authority(host) {
                return Err(BadHead::Malformed);
            }
            // It says the same as the field, and counts more (section 3.2.2).
            self.host = Some(host);
            if path.starts_with('/') { path } else { "/" }
        } else if self.method == Method::Other {
            // `OPTIONS *` and `CONNECT host:port`.
            "*"
        } else {
            return Err(BadHead::Malformed);
        };
        self.path = path.split(['?', '#']).next().unwrap_or(path);
        Ok(())
    }

    /// Whether bytes follow that belong to this request. What two readers could understand in two
    /// ways is refused.
    fn has_body(&self) -> Result<bool, BadHead> {
        if self.has("transfer-encoding") {
            return if self.method == Method::Other { Ok(true) } else { Err(BadHead::Malformed) };
        }
        let Some(length) = self.only("content-length")? else { return Ok(false) };
        if length.is_empty() || !length.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(BadHead::Malformed);
        }
        Ok(length.bytes().any(|digit| digit != b'0'))
    }
}

/// A host and perhaps a port, and nothing that could be read as more (RFC 3986, section 3.2).
pub fn is_authority(host: &str) -> bool {
    let (name, port) = split_port(host);
    let (inner, extra) = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => (address, ":."),
        None => (name, "-._~"),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
    let is_port =
        port.is_none_or(|port| port.len() <= 5 && port.bytes().all(|c| c.is_ascii_digit()));
    !inner.is_empty() && inner.chars().all(is_name) && is_port
}

/// The host of an authority and its port.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests;
