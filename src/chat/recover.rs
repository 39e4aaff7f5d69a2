//! A server that starts knows again what it knew: users, groups, who is where and how far.

use std::collections::HashMap;

use super::entry::{ConversationId, Place};
use super::groups::{Group, Membership};
use super::pairs::Pair;
use super::query::{Recovered, StoredGroup, StoredMember};
use super::users::{Past, Standing};
use super::{Chat, GroupId};
use crate::limits::{USERS_MAX, WIRE_NUMBER_MAX};

impl Chat {
    /// Takes in what was stored in an earlier life. To be called before anything else. What cannot
    /// have been stored by a server is refused, and said.
    pub fn recover(&mut self, stored: Recovered) -> Result<(), &'static str> {
        if let Some(flaw) = flaw(&stored) {
            return Err(flaw);
        }
        self.last = stored.last;
        self.pairs.skip_numbers(stored.conversations);
        for user in stored.users {
            let Some(restored) = self.users.restore(user.id, user.name) else { continue };
            restored.standing = Standing::Known;
            restored.cursor = user.cursor;
            restored.last_seen_ms = user.last_seen_ms;
            restored.claimed = user.claimed;
            restored.password = user.password;
            restored.tokens = user.tokens;
        }
        for stored in stored.pairs {
            let (one, other) = stored.users;
            let pair =
                Pair { newest: stored.newest, changed: stored.changed, ..Pair::new(one, other) };
            self.pairs.insert(stored.id, pair);
            if stored.newest > 0 {
                self.users.get_mut(one).pairs.push(stored.id);
                if other != one {
                    self.users.get_mut(other).pairs.push(stored.id);
                }
            }
        }
        self.recover_groups(stored.groups, stored.members);
        for (user, bytes) in stored.file_bytes {
            self.users.get_mut(user).file_bytes = bytes;
        }
        for upload in stored.uploads {
            self.recover_upload(upload);
        }
        for (user, conversation, msg_id) in stored.reads {
            match self.pairs.get_mut(conversation) {
                Some(pair) => drop(pair.set_read(user, msg_id)),
                None => drop(self.groups.set_read(GroupId(conversation.0), user, msg_id)),
            }
        }
        Ok(())
    }

    fn recover_groups(&mut self, groups: Vec<StoredGroup>, members: Vec<StoredMember>) {
        let mut by_group: HashMap<ConversationId, Vec<StoredMember>> = HashMap::new();
        for member in members {
            by_group.entry(member.group).or_default().push(member);
        }
        for stored in groups {
            let id = GroupId(stored.id.0);
            let mut group =
                Group::restored(stored.name, stored.private, stored.newest, stored.changed);
            for member in by_group.remove(&stored.id).unwrap_or_default() {
                let StoredMember { user, role, since, added_by, ts, .. } = member;
                let of = self.users.get_mut(user);
                match member.until {
                    None if !stored.deleted => {
                        let read = 0;
                        group.members.push(Membership { user, role, since, added_by, ts, read });
                        of.groups.push(id);
                    }
                    Some(until) => of.remember(Past { group: id, since, until }),
                    None => {}
                }
            }
            self.groups.restore(id, group);
        }
    }
}

/// What the core could not live with: everybody who is named is somebody, and there are numbers left.
fn flaw(stored: &Recovered) -> Option<&'static str> {
    let users = stored.users.last().map_or(0, |user| user.id.0 as usize + 1);
    if users > USERS_MAX {
        return Some("a user has a number that no user gets");
    }
    if stored.last >= WIRE_NUMBER_MAX || stored.conversations == u32::MAX {
        return Some("the numbers of messages or conversations have run out");
    }
    let in_pairs = stored.pairs.iter().flat_map(|pair| [pair.users.0, pair.users.1]);
    let in_groups =
        stored.members.iter().flat_map(|member| [Some(member.user), member.added_by]).flatten();
    let with_uploads = stored.uploads.iter().flat_map(|upload| match upload.to {
        Place::User(to) => [Some(upload.user), Some(to)],
        Place::Group(_) => [Some(upload.user), None],
    });
    let with_files = stored.file_bytes.iter().map(|(user, _)| *user);
    let mut named = in_pairs.chain(in_groups).chain(with_uploads.flatten()).chain(with_files);
    named.any(|user| user.0 as usize >= users).then_some("it names a user that it does not have")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::query::{Fetched, Row, StoredPair, StoredUpload, StoredUser, Ticket};
    use crate::chat::{Arrival, Caller, Effect, Effects, Now, SessionId, UserId};
    use crate::limits::Limits;
    use crate::text::Lang;
    use crate::wire::event::Role;
    use crate::wire::name::Name;
    use crate::wire::request;

    fn user(id: u32, name: &str) -> StoredUser {
        StoredUser {
            id: UserId(id),
            name: Name::parse(name).unwrap(),
            cursor: 0,
            last_seen_ms: 0,
            claimed: false,
            password: None,
            tokens: Vec::new(),
        }
    }

    fn pair(one: u32, other: u32) -> StoredPair {
        let users = (UserId(one), UserId(other));
        StoredPair { id: ConversationId(u32::MAX - 1), users, newest: 5, changed: 0 }
    }

    /// Ana and bia, who have talked.
    fn sound() -> Recovered {
        Recovered {
            last: 9,
            users: vec![user(0, "ana"), user(1, "bia")],
            pairs: vec![pair(0, 1)],
            conversations: u32::MAX - 1,
            ..Recovered::default()
        }
    }

    fn recovered(change: impl FnOnce(&mut Recovered)) -> Result<(), &'static str> {
        let mut stored = sound();
        change(&mut stored);
        Chat::new(Lang::Pt).recover(stored)
    }

    #[test]
    fn a_store_that_names_nobody_or_has_no_numbers_left_is_refused() {
        // A number that is high costs no memory.
        assert_eq!(recovered(|_| ()), Ok(()));
        let member = |user, added_by| StoredMember {
            group: ConversationId(3),
            user: UserId(user),
            role: Role::Member,
            since: 1,
            until: None,
            added_by: Some(UserId(added_by)),
            ts: 0,
        };
        let upload = |from, to| StoredUpload {
            id: 4,
            user: UserId(from),
            to: Place::User(UserId(to)),
            name: "f".to_owned(),
            size: 1,
            sha256: [0; 32],
            ts: 0,
        };
        let strangers: [&dyn Fn(&mut Recovered); 7] = [
            &|stored| stored.pairs.push(pair(0, 2)),
            &|stored| stored.pairs.push(pair(2, 0)),
            &|stored| stored.members.push(member(2, 0)),
            &|stored| stored.members.push(member(0, 2)),
            &|stored| stored.uploads.push(upload(2, 0)),
            &|stored| stored.uploads.push(upload(0, u32::MAX)),
            &|stored| stored.file_bytes.push((UserId(2), 1)),
        ];
        for (at, change) in strangers.iter().enumerate() {
            let flaw = Err("it names a user that it does not have");
            assert_eq!(recovered(change), flaw, "{at}");
        }
        assert!(recovered(|stored| stored.users.push(user(u32::MAX, "caio"))).is_err());
        assert!(recovered(|stored| stored.last = WIRE_NUMBER_MAX).is_err());
        assert!(recovered(|stored| stored.conversations = u32::MAX).is_err());
    }

    #[test]
    fn a_stored_message_of_nobody_is_not_read() {
        let mut chat = Chat::new(Lang::Pt);
        chat.recover(sound()).unwrap();
        let (mut fx, now) = (Effects::default(), Now::default());
        let session = SessionId { index: 0, generation: 0 };
        let limits = Limits::default();
        let login = br#"{"type":"login","username":"ana","features":[],"since":9}"#;
        let mut caller = Caller::new(None);
        let arrival = Arrival { caller: &mut caller, bytes: login.len() };
        chat.handle(session, arrival, request::decode(login, &limits), now, &mut fx);
        fx.drained();
        for (sender, reacting, readable) in [(0, 1, true), (7, 1, false), (0, 7, false)] {
            let history = br#"{"type":"history","with":"bia"}"#;
            let arrival = Arrival { caller: &mut caller, bytes: history.len() };
            chat.handle(session, arrival, request::decode(history, &limits), now, &mut fx);
            let mut asked = Vec::new();
            fx.take_queries(|ticket, _| asked.push(ticket));
            fx.drained();
            let [ticket]: [Ticket; 1] = asked.try_into().unwrap();
            let row = Row {
                msg_id: 5,
                conversation: ConversationId(u32::MAX - 1),
                sender: UserId(sender),
                content: "oi".to_owned(),
                reactions: vec![(UserId(reacting), "+".to_owned())],
                ..Row::default()
            };
            chat.fetched(ticket, Fetched::Rows { rows: vec![row], more: false }, now, &mut fx);
            let said = fx.list().iter().find_map(|effect| match effect {
                Effect::Send { frame, .. } => Some(fx.bytes(frame).to_vec()),
                _ => None,
            });
            let said = String::from_utf8(said.unwrap()).unwrap();
            assert_eq!(said.contains("storage_unavailable"), !readable, "{said}");
            fx.drained();
        }
    }
}
