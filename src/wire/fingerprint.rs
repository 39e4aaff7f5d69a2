//! How a certificate is named where nobody vouches for it: by the SHA-256 of its bytes.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate (DER), shown as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of these bytes.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    /// Reads 64 hexadecimal digits, with colons between the bytes or without.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "64 x 0-9 A-F";
        let digits: Vec<u8> = typed.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(WANTED);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or(WANTED);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).map_err(|_| WANTED)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown_and_without_colons() {
        let shown = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        let print = Fingerprint::of(b"abc");
        assert_eq!(print.to_string(), shown);
        assert_eq!(shown.parse(), Ok(print));
        assert_eq!(shown.replace(':', "").to_lowercase().parse(), Ok(print));
        for wrong in ["", "BA", &shown[1..], &shown.replace('B', "G"), &shown.replace(':', "é")] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
        assert_ne!(Fingerprint::of(b"abd"), print);
    }
}
