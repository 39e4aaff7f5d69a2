//! Which pages may open a WebSocket. A browser lets any page try, and says in `Origin` which one it
//! is; the server has to look, or every page that a user visits could speak in that user's name.

use std::net::IpAddr;
use std::str::FromStr;

use crate::wire::http::{is_authority, split_port};

/// Why a WebSocket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// The page comes from elsewhere.
    Origin,
    /// The page was fetched under a name that somebody may have pointed at this machine.
    Host,
}

/// A scheme, a host and a port, in the one form in which they can be compared; or `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(String);

impl Origin {
    fn of(scheme: &str, authority: &str) -> Self {
        let (host, port) = split_port(authority);
        let usual = match scheme {
            "http" => Some("80"),
            "https" => Some("443"),
            _ => None,
        };
        let host = host.to_ascii_lowercase();
        match port.filter(|port| !port.is_empty() && Some(*port) != usual) {
            Some(port) => Self(format!("{scheme}://{host}:{port}")),
            None => Self(format!("{scheme}://{host}")),
        }
    }

    /// Its host, without scheme and port.
    fn host(&self) -> Option<&str> {
        self.0.split_once("://").map(|(_, authority)| split_port(authority).0)
    }
}

/// As it stands in a header, or after `--allow-origin`.
impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(said: &str) -> Result<Self, Self::Err> {
        if said == "null" {
            return Ok(Self(said.to_owned()));
        }
        match said.split_once("://") {
            Some((scheme @ ("http" | "https"), authority)) if is_authority(authority) => {
                Ok(Self::of(scheme, authority))
            }
            _ => Err("https://chat.example.org"),
        }
    }
}

/// The rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    allowed: Vec<Origin>,
}

impl Gate {
    /// With pages from elsewhere that may come in too.
    pub(super) fn new(allowed: Vec<Origin>) -> Self {
        Self { allowed }
    }

    /// Whether a handshake may go on. Programs that are no browsers say no origin, and can lie
    /// about everything anyway.
    pub(super) fn judge(
        &self,
        peer: IpAddr,
        scheme: &str,
        host: &str,
        origin: Option<&str>,
    ) -> Result<(), Forbidden> {
        if let Some(origin) = origin {
            let origin: Origin = origin.parse().map_err(|_| Forbidden::Origin)?;
            if origin != Origin::of(scheme, host) && !self.allowed.contains(&origin) {
                return Err(Forbidden::Origin);
            }
        }
        // A page of `evil.example`, whose name now leads to 127.0.0.1, has an origin equal to its
        // host. Over the loopback only names are taken that nobody outside can give away.
        if peer.to_canonical().is_loopback() && !self.is_ours(host) {
            return Err(Forbidden::Host);
        }
        Ok(())
    }

    fn is_ours(&self, authority: &str) -> bool {
        let host = split_port(authority).0.to_ascii_lowercase();
        let name = host.trim_end_matches('.');
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        name == "localhost"
            || name.ends_with(".localhost")
            || address.unwrap_or(name).parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || self.allowed.iter().any(|origin| origin.host() == Some(host.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(allowed: &[&str], peer: &str, host: &str, origin: Option<&str>) -> &'static str {
        let gate = Gate::new(allowed.iter().map(|origin| origin.parse().unwrap()).collect());
        match gate.judge(peer.parse().unwrap(), "http", host, origin) {
            Ok(()) => "in",
            Err(Forbidden::Origin) => "origin",
            Err(Forbidden::Host) => "host",
        }
    }

    #[test]
    fn a_page_speaks_with_the_server_that_it_came_from() {
        for (host, origin, expected) in [
            ("localhost:12345", Some("http://localhost:12345"), "in"),
            ("localhost:12345", Some("http://LOCALHOST:12345"), "in"),
            ("localhost", Some("http://localhost:80"), "in"),
            ("[::1]:12345", Some("http://[::1]:12345"), "in"),
            ("192.168.0.7:12345", Some("http://192.168.0.7:12345"), "in"),
            ("laptop:12345", Some("http://laptop:12345"), "in"),
            ("localhost:12345", None, "in"),
            ("localhost:12345", Some("https://localhost:12345"), "origin"),
            ("localhost:12345", Some("http://localhost"), "origin"),
            ("localhost:12345", Some("http://evil.example"), "origin"),
            ("localhost:12345", Some("http://localhost:12345.evil.example"), "origin"),
            ("localhost:12345", Some("null"), "origin"),
            ("localhost:12345", Some("file://"), "origin"),
            ("localhost:12345", Some(""), "origin"),
        ] {
            assert_eq!(judge(&[], "127.0.0.1", host, origin), expected, "{host} {origin:?}");
        }
    }

    #[test]
    fn a_name_that_was_pointed_at_this_machine_is_no_way_in() {
        let evil = ("evil.example:12345", Some("http://evil.example:12345"));
        for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(judge(&[], peer, evil.0, evil.1), "host");
            assert_eq!(judge(&[], peer, evil.0, None), "host");
            assert_eq!(judge(&[], peer, "papo.localhost:1", None), "in");
            assert_eq!(judge(&[], peer, "localhost.:1", None), "in");
        }
        // From elsewhere, it is the server's own name.
        assert_eq!(judge(&[], "192.168.0.9", "chat.example", Some("http://chat.example")), "in");
    }

    #[test]
    fn what_the_operator_allows_comes_in() {
        let allowed = ["https://chat.example", "null"];
        let chat = Some("https://chat.example");
        assert_eq!(judge(&allowed, "127.0.0.1", "chat.example", chat), "in");
        assert_eq!(judge(&allowed, "127.0.0.1", "localhost:12345", chat), "in");
        assert_eq!(judge(&allowed, "127.0.0.1", "localhost:12345", Some("null")), "in");
        assert_eq!(judge(&allowed, "127.0.0.1", "other.example", chat), "host");
        let plain = Some("http://chat.example");
        assert_eq!(judge(&["https://chat.example"], "10.0.0.1", "x.example", plain), "origin");
    }

    #[test]
    fn what_is_no_origin_cannot_be_allowed() {
        for wrong in ["chat.example", "ftp://x", "https://", "https://a/b", "*", "https://a@b"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
