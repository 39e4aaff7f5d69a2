//! Passwords: how they are kept, and how a new one is made up.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Room asked for to hash in, of which a part is used. Above 32 MiB glibc maps what it hands out, and
/// gives it back when it is freed. A smaller block it keeps, and finds no use for it the next time,
/// because it has to be aligned: a server would hold 200 MiB after a dozen logins.
const MEMORY_BYTES_MIN: usize = 33 * 1024 * 1024;

/// Random bytes in what is hashed along.
const SALT_BYTES: usize = 16;

/// What made-up passwords consist of: 32 characters, none of which looks like another when it is
/// read from a screen or said over the phone.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 20 characters of 5 bits each, in groups that an eye can keep while fingers type.
const GROUPS: usize = 4;
const GROUP_CHARACTERS: usize = 5;

/// Argon2id with the parameters that RFC 9106 and OWASP agree on (19 MiB, two passes), as a PHC
/// string. `None` without memory or random bits.
pub fn hash(password: &str) -> Option<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).ok()?;
    let (algorithm, version, params) = (Algorithm::Argon2id, Version::V0x13, Params::default());
    let hashed = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).ok()?,
        salt: Some(Salt::new(&salt).ok()?),
        hash: Some(fill(&Argon2::new(algorithm, version, params), password, &salt)?),
    };
    Some(hashed.to_string())
}

/// Whether this is the password of which [`hash`] made that string.
pub fn verify(password: &str, phc: &str) -> bool {
    let again = |kept: &PasswordHash| {
        let algorithm = Algorithm::try_from(kept.algorithm.as_str()).ok()?;
        let version = Version::try_from(kept.version?).ok()?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(kept).ok()?);
        fill(&argon2, password, kept.salt.as_ref()?)
    };
    // Outputs are compared in a time that says nothing about them.
    PasswordHash::new(phc).is_ok_and(|kept| kept.hash.is_some() && again(&kept) == kept.hash)
}

/// Hashes, in memory of which nothing is left afterwards.
fn fill(argon2: &Argon2<'_>, password: &str, salt: &[u8]) -> Option<Output> {
    let blocks = argon2.params().block_count();
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(MEMORY_BYTES_MIN / Block::SIZE)).ok()?;
    memory.resize(blocks, Block::new());
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..length)?;
    let memory = memory.as_mut_slice();
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory).ok()?;
    Output::new(output).ok()
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
    fn what_was_kept_by_the_first_versions_is_still_right() {
        let kept = "$argon2id$v=19$m=19456,t=2,p=1$iL+YczZPBnlPW8bjMSQCUA$\
            5Gq5/Xnfo/nqsghcNFGumVGGOkxACZXYFACSb5AP7D8";
        assert!(verify("segredo", kept));
        assert!(!verify("segredo ", kept));
        assert!(!verify("segredo", kept.trim_end_matches(|c| c != '$')));
    }

    #[test]
    fn a_made_up_password_can_be_typed_and_is_new_each_time() {
        let (one, other) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 23);
        assert!(one.bytes().all(|c| c == b'-' || CHARACTERS.contains(&c)), "{one}");
    }
}
