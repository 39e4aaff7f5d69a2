//! From a frame to the line that it shows, and from the lines of a window to what is wrong with them.

use std::hash::{DefaultHasher, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::text::demo::Shown;
use crate::wire::Text;
use crate::wire::event::Incoming;

/// What an event shows; `None` when the frame is no event.
pub(super) fn event(frame: &Incoming<'_>) -> Option<Shown> {
    let own = |text: &Option<Text<'_>>| text.as_deref().unwrap_or("?").to_owned();
    let shown = match frame.kind() {
        "private_message_received" => {
            Shown::Private { from: own(&frame.sender), content: own(&frame.content) }
        }
        "group_message_received" => Shown::Group {
            group: own(&frame.group_name),
            from: own(&frame.sender),
            content: own(&frame.content),
        },
        "file_received" | "group_file_received" => {
            let data = frame.file_data.as_deref().unwrap_or("");
            let Ok(data) = STANDARD.decode(data) else {
                return Some(Shown::Unexpected("base64".to_owned()));
            };
            Shown::File {
                group: frame.group_name.as_deref().map(str::to_owned),
                from: own(&frame.sender),
                name: own(&frame.filename),
                bytes: data.len(),
                hash: hash(&data),
            }
        }
        "added_to_group" => {
            Shown::AddedTo { group: own(&frame.group_name), by: own(&frame.added_by) }
        }
        "group_event" => Shown::Change {
            group: own(&frame.group_name),
            user: own(&frame.user),
            event: own(&frame.event),
        },
        _ if frame.status.is_some() => return None,
        other => Shown::Unexpected(other.to_owned()),
    };
    Some(shown)
}

/// What an answer shows; `None` for a pong.
pub(super) fn answer(frame: &Incoming<'_>) -> Option<Shown> {
    let sentence = frame.message.as_deref().unwrap_or("").to_owned();
    if frame.is_error() {
        return Some(Shown::Refused(sentence));
    }
    let names = |list: &Option<Vec<Text<'_>>>| -> Vec<String> {
        list.iter().flatten().map(ToString::to_string).collect()
    };
    match frame.kind() {
        "pong" => None,
        "users_list" => {
            let mut users = names(&frame.users);
            users.sort();
            Some(Shown::Users(users))
        }
        "groups_list" => Some(Shown::Groups(names(&frame.groups))),
        "members_list_response" => {
            let group = frame.group_name.as_deref().unwrap_or("?").to_owned();
            Some(Shown::Members(group, names(&frame.members)))
        }
        _ => Some(Shown::Done(sentence)),
    }
}

/// Which conversation a message belongs to, for the person that gets it.
pub(super) fn conversation(frame: &Incoming<'_>) -> String {
    match (&frame.group_name, &frame.sender) {
        (Some(group), _) => format!("# {group}"),
        (None, Some(sender)) => sender.to_string(),
        (None, None) => String::new(),
    }
}

/// A hash to see at a glance that two files are the same. It guards against accidents alone.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// What should have been shown and was not, and what was and should not have been.
pub(super) fn differences(mut expected: Vec<Shown>, shown: Vec<Shown>) -> (Vec<Shown>, Vec<Shown>) {
    let mut surplus = Vec::new();
    for line in shown {
        match expected.iter().position(|other| *other == line) {
            Some(at) => {
                expected.swap_remove(at);
            }
            None => surplus.push(line),
        }
    }
    (expected, surplus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(sentence: &str) -> Shown {
        Shown::Done(sentence.to_owned())
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_told() {
        let expected = vec![done("a"), done("b"), done("b")];
        let shown = vec![done("b"), done("c"), done("a")];
        assert_eq!(differences(expected, shown), (vec![done("b")], vec![done("c")]));
        assert_eq!(
            differences(vec![done("a"), done("b")], vec![done("b"), done("a")]),
            (vec![], vec![])
        );
    }

    #[test]
    fn a_file_is_known_by_its_bytes() {
        let read = |data: &str| {
            let json = format!(
                r#"{{"type":"file_received","msg_id":1,"sender":"Ana","filename":"x","file_data":"{data}"}}"#
            );
            event(&Incoming::decode(json.as_bytes()).unwrap()).unwrap()
        };
        let expected = Shown::File {
            group: None,
            from: "Ana".to_owned(),
            name: "x".to_owned(),
            bytes: 3,
            hash: hash(b"abc"),
        };
        assert_eq!(read("YWJj"), expected);
        assert_ne!(read("YWJk"), expected);
        assert_eq!(read("YWJ"), Shown::Unexpected("base64".to_owned()));
    }

    #[test]
    fn an_answer_is_no_event_and_a_stranger_is_unexpected() {
        let frame =
            br#"{"type":"message_response","status":"error","code":"unknown_user","message":"no"}"#;
        let frame = Incoming::decode(frame).unwrap();
        assert_eq!(event(&frame), None);
        assert_eq!(answer(&frame), Some(Shown::Refused("no".to_owned())));
        let frame = Incoming::decode(br#"{"type":"surprise"}"#).unwrap();
        assert_eq!(event(&frame), Some(Shown::Unexpected("surprise".to_owned())));
    }
}
