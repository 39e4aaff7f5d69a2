//! The first byte of a connection tells what kind of peer speaks (PROTOCOL.md, section 1).

/// What a connection's first byte says about the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// JSON text: one object per line, or bare objects from the first Python client.
    Text,
    /// JSON behind 4-byte big-endian lengths: the later Python client.
    Length,
    /// The first letter of an HTTP method.
    Http,
    /// A TLS record of type handshake (RFC 8446, section 5.1).
    Tls,
    /// Nothing that this server speaks.
    Unknown,
}

/// Tells the kind of peer from the first byte that it sent.
pub fn sniff(first: u8) -> Peer {
    match first {
        b'{' | b' ' | b'\t' | b'\r' | b'\n' => Peer::Text,
        0x00 => Peer::Length,
        // GET, HEAD, POST, PUT, PATCH, OPTIONS, DELETE, CONNECT, TRACE.
        b'G' | b'H' | b'P' | b'O' | b'D' | b'C' | b'T' => Peer::Http,
        0x16 => Peer::Tls,
        _ => Peer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_one_meaning() {
        for byte in 0..=255u8 {
            let expected = match byte {
                b'{' | b' ' | b'\t' | b'\n' | b'\r' => Peer::Text,
                0 => Peer::Length,
                0x16 => Peer::Tls,
                _ if b"GHPODCT".contains(&byte) => Peer::Http,
                _ => Peer::Unknown,
            };
            assert_eq!(sniff(byte), expected, "byte {byte:#04x}");
        }
    }
}
