//! What a browser or a monitor gets until there is a page: one honest answer.

use crate::text::{Lang, server as text};

/// A whole HTTP/1.1 response (RFC 9110, section 15.6.2), after which the connection is closed.
pub(super) fn not_implemented(lang: Lang) -> Vec<u8> {
    let body = format!("{}\n", text::NO_PAGE.get(lang));
    format!(
        "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
