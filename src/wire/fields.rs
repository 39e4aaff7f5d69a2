//! A request as it stands on the wire: every field that one of any type may carry. Clients write it,
//! the server reads it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::Text;
use crate::limits::{FEATURES_LISTED_MAX, REQUEST_ID_BYTES_MAX, WIRE_NUMBER_MAX};

/// A request's `id`: chosen by the client, repeated in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum RequestId<'a> {
    /// An integer.
    Number(i64),
    /// A string of at most [`REQUEST_ID_BYTES_MAX`] bytes.
    Text(Text<'a>),
}

impl RequestId<'_> {
    /// The same id, owning its bytes.
    pub fn into_owned(self) -> RequestId<'static> {
        match self {
            RequestId::Number(number) => RequestId::Number(number),
            RequestId::Text(text) => RequestId::Text(Text::from(text.into_owned())),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RequestId<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RequestId<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a short string or an integer")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                if number.unsigned_abs() > WIRE_NUMBER_MAX {
                    return Err(E::custom("an id below 2^53"));
                }
                Ok(RequestId::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                if text.len() > REQUEST_ID_BYTES_MAX {
                    return Err(E::custom("an id that is too long"));
                }
                Ok(RequestId::Text(Text::from(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.len() > REQUEST_ID_BYTES_MAX {
                    return Err(E::custom("an id that is too long"));
                }
                Ok(RequestId::Text(Text::from(text.to_owned())))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// Every field that a request of any type may carry, as it stands on the wire. Clients fill in what
/// their request needs and [`Fields::encode`] it; one flat struct is also what parses fastest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields<'a> {
    /// What is asked for.
    #[serde(rename = "type", borrow, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    /// The client's label for this request.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId<'a>>,
    /// Who logs in; elsewhere accepted for the old clients' sake.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub username: Option<Text<'a>>,
    /// Accepted for the old clients' sake.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Text<'a>>,
    /// Accepted for the old clients' sake.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub creator: Option<Text<'a>>,
    /// Accepted for the old clients' sake.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Text<'a>>,
    /// The password of a claimed name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub password: Option<Text<'a>>,
    /// `set_password`: the password until now.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub old_password: Option<Text<'a>>,
    /// The token of a claimed name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub token: Option<Text<'a>>,
    /// Whether the login wants a token, and so to claim the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub want_token: Option<bool>,
    /// `logout`: from every session, and with all tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everywhere: Option<bool>,
    /// The newest message that this client has, as its `msg_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// `pt` or `en`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Text<'a>>,
    /// The client's own name and version.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub client: Option<Text<'a>>,
    /// What the client knows beyond the first chat's events.
    #[serde(borrow, default, deserialize_with = "listed", skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<Text<'a>>>,
    /// `list_users`: also who is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// To whom, by user name; of a file to a group, the group's name.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Text<'a>>,
    /// With whom the conversation is.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub with: Option<Text<'a>>,
    /// Which group.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<Text<'a>>,
    /// The message itself.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub content: Option<Text<'a>>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// A message's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<u64>,
    /// `react`: with what; empty takes it back.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<Text<'a>>,
    /// `history`: what came before this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// `history`: what came after this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// `history`, `search`: at most so many messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `search`: for which words.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub query: Option<Text<'a>>,
    /// `create_group`: joined only by being added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// `add_member`: who.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub new_member: Option<Text<'a>>,
    /// `remove_member`, `promote_member`, `demote_member`: who.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub member: Option<Text<'a>>,
    /// `rename_group`: to what.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<Text<'a>>,
    /// What the sender calls the file.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub filename: Option<Text<'a>>,
    /// A file's size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The SHA-256 of a file (FIPS 180-4), in hexadecimal.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Text<'a>>,
    /// Which file, or which upload of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<u64>,
    /// Where in a file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How much of a file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// A piece of a file, in base64.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub data: Option<Text<'a>>,
    /// The file's bytes in base64 (RFC 4648, section 4, with padding).
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<Text<'a>>,
    /// `private` or `group`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<Text<'a>>,
}

impl<'a> Fields<'a> {
    /// A request of this type, with nothing in it yet.
    pub fn new(kind: &'a str) -> Self {
        Self { kind: Some(Text::from(kind)), ..Self::default() }
    }

    /// The request as the JSON of one frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(256);
        // Writing strings and numbers into memory has no way to fail.
        if serde_json::to_writer(&mut json, self).is_err() {
            json.clear();
        }
        json
    }
}

/// The first features of a list: there are six, and nobody has to keep a million.
fn listed<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Text<'a>>>, D::Error> {
    struct List;

    impl<'de> de::Visitor<'de> for List {
        type Value = Option<Vec<Text<'de>>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of names")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while kept.len() < FEATURES_LISTED_MAX {
                match list.next_element()? {
                    Some(feature) => kept.push(feature),
                    None => return Ok(Some(kept)),
                }
            }
            while list.next_element::<de::IgnoredAny>()?.is_some() {}
            Ok(Some(kept))
        }
    }

    deserializer.deserialize_any(List)
}

/// What a frame says, if it is one that is read by hand: `crate::fuzzing` holds that to serde.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_by_hand(text: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    super::json::read_plain(text, &mut fields).then_some(fields)
}
