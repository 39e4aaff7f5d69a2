//! Looking back: pages of a conversation, words found again, conversations with what is unread.
//! And how a stored message is told as the event that it was, or would have been.

use super::pending::Pending;
use super::query::{Query, Row, Scope};
use super::{Chat, Done, Effects, GroupId, Handled, Member, Now, UserId, answer_with};
use crate::limits::{ANSWER_BYTES_MAX, CONVERSATIONS_LISTED_MAX};
use crate::text::server as text;
use crate::wire::Code;
use crate::wire::event::{
    Body, Content, ConversationDetail, Event, FileData, FileReceived, MessageReceived, MsgId,
    Reaction, State,
};
use crate::wire::request::{PageAt, RequestId, Target, sha256_to_hex};

/// As what a stored message is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The event that somebody missed; a file with its bytes.
    Message,
    /// The same to look at again; a file without its bytes.
    Again,
    /// How it stands now, whatever of it was changed.
    Change,
    /// What it says now.
    Edit,
    /// What people think of it now.
    Reaction,
}

impl Told {
    /// Whether the message itself is known.
    fn is_change(self) -> bool {
        matches!(self, Told::Change | Told::Edit | Told::Reaction)
    }
}

/// The parts of an event that must lie somewhere while it is told.
struct Parts<'a> {
    reactions: Vec<Reaction<'a>>,
    timestamp: String,
    sha256: Option<String>,
}

impl Chat {
    /// The stretch of a conversation that a user may see; `after` is what the user has read.
    pub(super) fn scope(&self, user: UserId, place: &Target<'_>) -> Result<Scope, Code> {
        let upto = self.last;
        match place {
            Target::User(name) => {
                let other = self.users.find_known(name).ok_or(Code::UnknownUser)?;
                let id = self.pairs.find(user, other).ok_or(Code::UnknownMessage)?;
                // Its first message may not have been stored, and then the number of the conversation
                // is another one's after the next start.
                let said = self.pairs.get(id).filter(|pair| pair.newest > 0);
                let after = said.ok_or(Code::UnknownMessage)?.read_by(user);
                Ok(Scope { conversation: id, joined: 0, after, upto })
            }
            Target::Group(name) => {
                let (id, group) = self.groups.find(name).ok_or(Code::UnknownGroup)?;
                let membership = group.membership(user).ok_or(Code::NotMember)?;
                let (joined, after) = (membership.since, membership.read);
                Ok(Scope { conversation: id.conversation(), joined, after, upto })
            }
        }
    }

    pub(super) fn history(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        place: &Target<'_>,
        (at, limit): (PageAt, usize),
        now: Now,
        fx: &mut Effects,
    ) -> Handled {
        let scope = match self.scope(member.user, place) {
            // Two people who know of each other and have not talked.
            Err(Code::UnknownMessage) => {
                self.tell_history(member, id, place, (&[], false), now, fx);
                return Ok(Done::Answered);
            }
            scope => scope?,
        };
        let label = id.cloned().map(RequestId::into_owned);
        let place = Box::new(place.clone().into_owned());
        let ticket = self.pend(Pending::History(member, label, place));
        fx.ask(ticket, Query::History { scope, at, limit });
        Ok(Done::LaterInOrder)
    }

    pub(super) fn tell_history(
        &self,
        member: Member,
        id: Option<&RequestId<'_>>,
        place: &Target<'_>,
        (rows, more): (&[Row], bool),
        now: Now,
        fx: &mut Effects,
    ) {
        let (delivered, read) = self.seen_by_others(member.user, place);
        let (with, group_name) = match place {
            Target::User(name) => (self.users.find_known(name), None),
            Target::Group(name) => (None, self.groups.find(name)),
        };
        let parts: Vec<_> = rows.iter().map(|row| self.parts(row, now)).collect();
        let told = rows.iter().zip(&parts);
        let messages = told.map(|(row, parts)| self.event(member.user, row, parts, Told::Again));
        let body = Body::History {
            with: with.map(|user| self.users.get(user).name.as_str()),
            group_name: group_name.map(|(_, group)| group.name.as_str()),
            messages: messages.collect(),
            more,
            delivered,
            read,
        };
        let said = text::DONE.get(member.lang);
        answer_with(fx, member.session, "history_response", id, said, body);
    }

    /// Up to where all others in a conversation have everything, and have read it.
    fn seen_by_others(&self, user: UserId, place: &Target<'_>) -> (MsgId, MsgId) {
        match place {
            Target::User(name) => {
                let Some(other) = self.users.find_known(name) else { return (0, 0) };
                let pair = self.pairs.find(user, other).and_then(|id| self.pairs.get(id));
                let read = pair.map_or(0, |pair| pair.read_by(other));
                (self.users.get(other).cursor.max(read), read)
            }
            Target::Group(name) => {
                let Some((_, group)) = self.groups.find(name) else { return (0, 0) };
                let others = group.members.iter().filter(|member| member.user != user);
                let seen = others.map(|m| (self.users.get(m.user).cursor.max(m.read), m.read));
                let least = seen.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)));
                least.unwrap_or((0, 0))
            }
        }
    }

    pub(super) fn search(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        (words, place, limit): (&str, Option<&Target<'_>>, usize),
        fx: &mut Effects,
    ) -> Handled {
        let scopes = match place {
            Some(place) => match self.scope(member.user, place) {
                Err(Code::UnknownMessage) => Vec::new(),
                scope => vec![scope?],
            },
            None => self.all_scopes(member.user).into_iter().map(|(_, scope)| scope).collect(),
        };
        let ticket = self.pend(Pending::Search(member, id.cloned().map(RequestId::into_owned)));
        fx.ask(ticket, Query::Search { words: words.to_owned(), scopes, limit });
        Ok(Done::LaterInOrder)
    }

    pub(super) fn search_read(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        rows: &[Row],
        now: Now,
        fx: &mut Effects,
    ) {
        let parts: Vec<_> = rows.iter().map(|row| self.parts(row, now)).collect();
        let told = rows.iter().zip(&parts);
        let messages = told.map(|(row, parts)| self.event(member.user, row, parts, Told::Again));
        let body = Body::Search { messages: messages.collect() };
        let said = text::DONE.get(member.lang);
        answer_with(fx, member.session, "search_response", id, said, body);
        self.answered(member.session, fx);
    }

    pub(super) fn list_conversations(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        fx: &mut Effects,
    ) -> Done {
        let mut all = self.all_scopes(member.user);
        all.sort_unstable_by_key(|(newest, scope)| {
            (std::cmp::Reverse(*newest), scope.conversation)
        });
        all.truncate(CONVERSATIONS_LISTED_MAX);
        let scopes: Vec<Scope> = all.into_iter().map(|(_, scope)| scope).collect();
        let id = id.cloned().map(RequestId::into_owned);
        let ticket = self.pend(Pending::Conversations(member, id, scopes.clone()));
        fx.ask(ticket, Query::Conversations { user: member.user, scopes });
        Done::LaterInOrder
    }

    pub(super) fn conversations_read(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        scopes: &[Scope],
        found: &[(Option<Row>, u64)],
        now: Now,
        fx: &mut Effects,
    ) {
        let parts: Vec<_> =
            found.iter().map(|(row, _)| row.as_ref().map(|row| self.parts(row, now))).collect();
        let mut bytes = 0;
        let mut details = Vec::new();
        for ((scope, (row, unread)), parts) in scopes.iter().zip(found).zip(&parts) {
            bytes += row.as_ref().map_or(0, |row| row.content.len());
            if bytes > ANSWER_BYTES_MAX {
                break;
            }
            let pair = self.pairs.get(scope.conversation);
            let group = self.groups.get(GroupId(scope.conversation.0));
            let last = row.as_ref().zip(parts.as_ref());
            details.push(ConversationDetail {
                with: pair.map(|pair| self.users.get(pair.other(member.user)).name.as_str()),
                group_name: group.map(|group| group.name.as_str()),
                last: last.map(|(row, parts)| self.event(member.user, row, parts, Told::Again)),
                unread: *unread,
                read: scope.after,
            });
        }
        let said = text::DONE.get(member.lang);
        let body = Body::Conversations(details);
        answer_with(fx, member.session, "conversations", id, said, body);
        self.answered(member.session, fx);
    }

    /// All that a user may see, each with the number of its newest message.
    fn all_scopes(&self, user: UserId) -> Vec<(MsgId, Scope)> {
        let (of, upto) = (self.users.get(user), self.last);
        let pairs = of.pairs.iter().filter_map(|id| {
            let pair = self.pairs.get(*id)?;
            let after = pair.read_by(user);
            Some((pair.newest, Scope { conversation: *id, joined: 0, after, upto }))
        });
        let groups = of.groups.iter().filter_map(|id| {
            let group = self.groups.get(*id)?;
            let membership = group.membership(user)?;
            let (joined, after) = (membership.since, membership.read);
            let scope = Scope { conversation: id.conversation(), joined, after, upto };
            Some((group.newest.max(joined), scope))
        });
        pairs.chain(groups).collect()
    }

    /// Tells a stored message as an event.
    pub(super) fn with_event<T>(
        &self,
        user: UserId,
        row: &Row,
        told: Told,
        now: Now,
        tell: impl FnOnce(&Event<'_>) -> T,
    ) -> T {
        let parts = self.parts(row, now);
        tell(&self.event(user, row, &parts, told))
    }

    fn parts<'a>(&'a self, row: &'a Row, now: Now) -> Parts<'a> {
        let mut reactions: Vec<Reaction<'a>> = Vec::new();
        for (user, emoji) in &row.reactions {
            let name = self.users.get(*user).name.as_str();
            match reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
                Some(reaction) => reaction.users.push(name),
                None => reactions.push(Reaction { emoji, users: vec![name] }),
            }
        }
        let timestamp = Now { wall_ms: row.ts, ..now }.clock().as_str().to_owned();
        let sha256 = row.file.as_ref().and_then(|file| file.sha256);
        Parts { reactions, timestamp, sha256: sha256.as_ref().map(sha256_to_hex) }
    }

    fn event<'a>(
        &'a self,
        user: UserId,
        row: &'a Row,
        parts: &'a Parts<'a>,
        told: Told,
    ) -> Event<'a> {
        let pair = self.pairs.get(row.conversation);
        let group_name = pair.is_none().then(|| self.groups.name(GroupId(row.conversation.0)));
        let name = |user: UserId| self.users.get(user).name.as_str();
        let reactions = parts.reactions.as_slice();
        let state = State {
            edited: (row.edited && !row.deleted && told != Told::Reaction)
                .then_some(row.content.as_str()),
            deleted: row.deleted,
            reactions: match told {
                Told::Edit => None,
                Told::Change | Told::Reaction if !row.deleted => Some(reactions),
                _ => (!reactions.is_empty()).then_some(reactions),
            },
        };
        if told.is_change() {
            let with = pair.map(|pair| name(pair.other(user)));
            return Event::MessageChanged { msg_id: row.msg_id, with, group_name, state };
        }
        let (msg_id, prev, sender) = (row.msg_id, row.prev, name(row.sender));
        let recipient = pair.map(|pair| name(pair.other(row.sender)));
        let (timestamp, ts, id) = (parts.timestamp.as_str(), row.ts, row.request.as_ref());
        let private = pair.is_some();
        if let Some(file) = &row.file {
            let event = FileReceived {
                msg_id,
                prev,
                sender,
                recipient,
                group_name,
                filename: &file.name,
                size: file.size,
                sha256: parts.sha256.as_deref(),
                file_id: file.file_id,
                timestamp,
                ts,
                id,
                state,
                file_data: match &file.data {
                    Some(data) if !row.deleted => FileData::Inline(data),
                    _ if told == Told::Message => FileData::Gone,
                    _ => FileData::LeftOut,
                },
            };
            return if private {
                Event::FileReceived(event)
            } else {
                Event::GroupFileReceived(event)
            };
        }
        let event = MessageReceived {
            msg_id,
            prev,
            sender,
            recipient,
            group_name,
            content: Content { text: &row.content, plain: false },
            timestamp,
            ts,
            reply_to: row.reply_to,
            id,
            state,
        };
        if private {
            Event::PrivateMessageReceived(event)
        } else {
            Event::GroupMessageReceived(event)
        }
    }
}
