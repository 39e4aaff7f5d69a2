//! Passwords: how they are kept, and how a new one is made up.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// What made-up passwords consist of: 32 characters, none of which looks like another when it is
/// read from a screen or said over the phone.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 20 characters of 5 bits each, in groups that an eye can keep while fingers type.
const GROUPS: usize = 4;
const GROUP_CHARACTERS: usize = 5;

/// Argon2id with the parameters that RFC 9106 and OWASP agree on (19 MiB, two passes), as a PHC
/// string. `None` without memory or random bits.
pub fn hash(password: &str) -> Option<String> {
    let hashed = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hashed.to_string())
}

/// Whether this is the password of which [`hash`] made that string.
pub fn verify(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc)
        .is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok())
}

/// A new password of 100 random bits. `None` when the system has none.
pub fn new_password() -> Option<String> {
    let mut bits = [0; GROUPS * GROUP_CHARACTERS];
    getrandom::fill(&mut bits).ok()?;
    let mut password = String::new();
    for (at, bits) in bits.iter().enumerate() {
        if at > 0 && at % GROUP_CHARACTERS == 0 {
            password.push('-');
        }
        // 256 is a multiple of 32, so every character is as likely as any other.
        password.push(char::from(CHARACTERS[usize::from(bits % 32)]));
    }
    Some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_two_hashes_are_alike() {
        let (one, other) = (hash("segredo").unwrap(), hash("segredo").unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with("$argon2id$"), "{one}");
        assert!(verify("segredo", &one) && verify("segredo", &other));
        assert!(!verify("Segredo", &one) && !verify("segredo", "no hash"));
    }

    #[test]
    fn a_made_up_password_can_be_typed_and_is_new_each_time() {
        let (one, other) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 23);
        assert!(one.bytes().all(|c| c == b'-' || CHARACTERS.contains(&c)), "{one}");
    }
}
