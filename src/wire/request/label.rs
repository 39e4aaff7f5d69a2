//! What labels the answer to a frame whose other fields cannot be used.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::RequestId;
use crate::limits::{REQUEST_ID_BYTES_MAX, WIRE_NUMBER_MAX};

/// As much of the label as is sound.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) id: Option<RequestId<'static>>,
    pub(super) kind: Option<String>,
}

impl Label {
    /// Reads it. Nothing is built of the other fields, nor of what stands in the place of these two:
    /// a list of millions would hold up the loop.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Label;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Label, A::Error> {
                let mut label = Label::default();
                while let Some(Short(name)) = map.next_key()? {
                    match name.as_deref() {
                        Some("id") => label.id = map.next_value::<Id>()?.0,
                        Some("type") => label.kind = map.next_value::<Short>()?.0,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(label)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A string that is no longer than an id: no type and no field's name is.
struct Short(Option<String>);

/// An id, if it is one.
struct Id(Option<RequestId<'static>>);

/// Passes over whatever is neither a string nor a whole number.
struct Scalar;

enum Read {
    Text(String),
    Number(i64),
    Other,
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        let short = text.len() <= REQUEST_ID_BYTES_MAX;
        Ok(if short { Read::Text(text.to_owned()) } else { Read::Other })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Read, E> {
        let sound = number.unsigned_abs() <= WIRE_NUMBER_MAX;
        Ok(if sound { Read::Number(number) } else { Read::Other })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Read, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok(Read::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Read::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Read::Other)
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(Scalar)? {
            Read::Text(text) => Some(text),
            Read::Number(_) | Read::Other => None,
        }))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(Scalar)? {
            Read::Text(text) => Some(RequestId::Text(text.into())),
            Read::Number(number) => Some(RequestId::Number(number)),
            Read::Other => None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sound_is_read_whatever_stands_beside_it() {
        let text = |id: &str| Some(RequestId::Text(id.to_owned().into()));
        for (frame, id, kind) in [
            (r#"{"type":"ping","id":7,"x":[{}]}"#, Some(RequestId::Number(7)), Some("ping")),
            (r#"{"id":"a","type":"ping"}"#, text("a"), Some("ping")),
            (r#"{"id":-3,"type":["ping"]}"#, Some(RequestId::Number(-3)), None),
            (r#"{"id":[1,[2]],"type":"ping"}"#, None, Some("ping")),
            (r#"{"id":{"a":{}},"type":{}}"#, None, None),
            (r#"{"id":1.5,"type":null}"#, None, None),
            (r#"{"id":9007199254740992,"type":true}"#, None, None),
            ("{}", None, None),
        ] {
            let kind = kind.map(str::to_owned);
            assert_eq!(Label::read(frame), Some(Label { id, kind }), "{frame}");
        }
        let long = format!(r#"{{"id":"{}","type":"ping"}}"#, "x".repeat(REQUEST_ID_BYTES_MAX + 1));
        assert_eq!(Label::read(&long).and_then(|label| label.id), None);
        assert_eq!(Label::read(r#"{"id":1,"type":"ping""#), None);
    }
}
