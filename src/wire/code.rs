//! The error codes of PROTOCOL.md, section 8.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident = $name:literal : $meaning:literal,)+) => {
        /// Why a request was refused. The sentence for people is in `text`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $meaning] $variant,)+
        }

        impl Code {
            /// All of them, in the order of PROTOCOL.md.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The code as it stands in a frame.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    IdConflict = "id_conflict": "The same `id` was used before, with other content or recipient.",
    SlowConsumer = "slow_consumer": "The client does not read what is sent to it.",
    InvalidJson = "invalid_json": "The frame is not one JSON object.",
    InvalidFrame = "invalid_frame": "The bytes are no framing that the server knows.",
    FrameTooLarge = "frame_too_large": "The frame is larger than the limit.",
    UnknownType = "unknown_type": "The request's `type` is not known here.",
    MissingField = "missing_field": "A field that the request needs is missing or empty.",
    InvalidField = "invalid_field": "A field has the wrong type or an impossible value.",
    NotLoggedIn = "not_logged_in": "Only `login` and `ping` are answered before a login.",
    AlreadyLoggedIn = "already_logged_in": "This connection has a user already.",
    InvalidName = "invalid_name": "The name breaks the rules for names.",
    NameConfusable = "name_confusable": "The name looks like one that exists.",
    NameInUse = "name_in_use": "Somebody is logged in under this name.",
    AuthRequired = "auth_required": "The name is claimed and needs its password or token.",
    WrongPassword = "wrong_password": "The password or token is wrong.",
    TooManyAttempts = "too_many_attempts": "Too many login attempts.",
    TooManySessions = "too_many_sessions": "The user has as many sessions as allowed.",
    SenderMismatch = "sender_mismatch": "The request names another sender than who is logged in.",
    UnknownUser = "unknown_user": "The server has never seen this user.",
    UnknownGroup = "unknown_group": "There is no such group.",
    GroupExists = "group_exists": "A group of this name exists.",
    NotMember = "not_member": "Only members may do this.",
    AlreadyMember = "already_member": "The user is a member already.",
    NotAdmin = "not_admin": "Only an admin of the group may do this.",
    UnknownMessage = "unknown_message": "There is no such message.",
    TooOld = "too_old": "The message may no longer be changed.",
    UnknownFile = "unknown_file": "There is no such file.",
    InvalidChunk = "invalid_chunk": "The chunk does not fit the upload.",
    HashMismatch = "hash_mismatch": "The file that arrived is not the one announced.",
    TooLarge = "too_large": "More than a limit allows.",
    QuotaExceeded = "quota_exceeded": "The space allowed is used up.",
    RateLimited = "rate_limited": "Too fast.",
    StorageUnavailable = "storage_unavailable": "The server cannot store anything now.",
    ServerFull = "server_full": "The server has as many as it can hold.",
    ShuttingDown = "shutting_down": "The server is stopping.",
    Internal = "internal": "Something failed in the server.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_the_same_through_serde_and_by_name() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{}\"", code.as_str()));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
        assert_eq!(Code::ALL.len(), 36);
    }
}
