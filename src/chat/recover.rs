//! A server that starts knows again what it knew: users, groups, who is where and how far.

use std::collections::HashMap;

use super::entry::ConversationId;
use super::groups::{Group, Membership};
use super::pairs::Pair;
use super::query::{Recovered, StoredGroup, StoredMember};
use super::users::{Past, Standing};
use super::{Chat, GroupId};

impl Chat {
    /// Takes in what was stored in an earlier life. To be called before anything else.
    pub fn recover(&mut self, stored: Recovered) {
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
