//! A conversation: with somebody, or in a group. Pure.

use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::name::key;
use crate::wire::request::Fields;

/// A conversation. Two spellings of one name are one place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// It is a group.
    pub(crate) is_group: bool,
    /// The group's name, or the other person's.
    pub(crate) name: String,
    key: String,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.is_group == other.is_group && self.key == other.key
    }
}

impl Eq for Place {}

impl Place {
    /// The conversation with this user, or in this group.
    pub(crate) fn new(is_group: bool, name: &str) -> Self {
        Self { is_group, name: name.to_owned(), key: key(name) }
    }

    /// Where an event belongs, seen by `me`.
    pub(crate) fn of(event: &Incoming<'_>, me: Option<&str>) -> Option<Self> {
        if let Some(group) = event.group_name.as_deref() {
            return Some(Self::new(true, group));
        }
        if let Some(with) = event.with.as_deref() {
            return Some(Self::new(false, with));
        }
        let sender = event.sender.as_deref()?;
        match event.recipient.as_deref() {
            Some(recipient) if me == Some(sender) => Some(Self::new(false, recipient)),
            _ => Some(Self::new(false, sender)),
        }
    }

    /// Where a message goes that is being sent.
    pub(crate) fn of_request(fields: &Fields<'_>) -> Option<Self> {
        if let Some(group) = fields.group_name.as_deref() {
            return Some(Self::new(true, group));
        }
        fields.recipient.as_deref().map(|name| Self::new(false, name))
    }

    /// Says in a request that it is about this conversation.
    pub(crate) fn name_in<'a>(&'a self, fields: &mut Fields<'a>) {
        let name = Some(Text::from(self.name.as_str()));
        if self.is_group {
            fields.group_name = name;
        } else {
            fields.with = name;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_belongs_to_the_other_end() {
        for (json, place) in [
            (r#"{"sender":"bob","recipient":"ana"}"#, Place::new(false, "BOB")),
            (r#"{"sender":"ana","recipient":"bob"}"#, Place::new(false, "bob")),
            (r#"{"sender":"ana","recipient":"ana"}"#, Place::new(false, "ana")),
            (r#"{"sender":"bob","group_name":"T"}"#, Place::new(true, "t")),
            (r#"{"by":"bob","with":"bob"}"#, Place::new(false, "bob")),
        ] {
            let event = Incoming::decode(json.as_bytes()).unwrap();
            assert_eq!(Place::of(&event, Some("ana")), Some(place), "{json}");
        }
        assert_ne!(Place::new(true, "bob"), Place::new(false, "bob"));
    }
}
