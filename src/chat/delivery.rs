//! How events reach users: as they come, or read back from the journal for a session that was away
//! or reads too slowly. What is stored need not wait in memory for anybody.

use std::sync::Arc;

use super::entry::{ConversationId, Entry, What};
use super::held::Held;
use super::history::Told;
use super::pending::Pending;
use super::query::{Item, Query, Scope};
use super::session::Behind;
use super::users::{Seat, UserId};
use super::{Chat, Class, Effect, Effects, Frame, Now, SessionId};
use crate::limits::{SEEN_INTERVAL_MS, SEEN_RETRY_MS};
use crate::sabotage::{self, Sabotage};
use crate::wire::event::{Event, MsgId};

/// A page of what a session missed, as the journal was asked for it.
#[derive(Debug)]
pub(super) struct Page {
    upto: MsgId,
    /// That was all there was when it was asked for.
    whole: bool,
    /// Who added the user to which group, by the number of that entry.
    added: Vec<(MsgId, UserId, ConversationId, u64)>,
}

/// A stored event on its way to its recipients.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// The same for all.
    Same {
        /// The frame.
        frame: Frame,
        /// The same, once somebody is to have it later.
        held: Option<Arc<Held>>,
    },
    /// A file.
    File {
        /// For who gets it in pieces.
        offer: Frame,
        /// For the others, with its bytes; if these are on the disk alone, they are read from there.
        whole: Option<Frame>,
    },
}

impl From<Frame> for Outgoing {
    fn from(frame: Frame) -> Self {
        Self::Same { frame, held: None }
    }
}

/// How far an event reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reached {
    /// Sessions of others that it goes out to now.
    pub sessions: usize,
    /// Of a group: other members.
    pub members: usize,
}

impl Chat {
    /// Asks the journal for the next page of what a session that is behind has not got yet. The
    /// shell calls it when the session's output is low, after [`Effect::Feed`].
    pub fn feed(&mut self, session: SessionId, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        self.feed_download(session, fx);
        let Some(seated) = self.sessions.get(session) else { return };
        let Some(behind) = &seated.behind else { return };
        if behind.asked_upto.is_some() {
            return;
        }
        let (user, after) = (seated.user, behind.position);
        // What the user wrote in other sessions is told from some number on, so no page has it in the
        // middle.
        let own = after >= behind.own_from;
        let upto = if own { self.last } else { behind.own_from };
        let scopes = self.missed_scopes(user, after, upto);
        let added = self.additions(user, after, upto);
        let query = Query::Missed {
            user,
            scopes,
            own,
            changes_upto: seated.features.is_some().then_some(after),
            inline_files: !seated.knows(|features| features.chunks),
        };
        if let Some(seated) = self.sessions.get_mut(session)
            && let Some(behind) = &mut seated.behind
        {
            behind.asked_upto = Some(upto);
        }
        let ticket =
            self.pend(Pending::Missed(session, Page { upto, whole: upto == self.last, added }));
        fx.ask(ticket, query);
    }

    /// A page of what a session missed has come: it is sent on, and then what came meanwhile.
    pub(super) fn missed(
        &mut self,
        session: SessionId,
        page: &Page,
        items: &[Item],
        more: bool,
        now: Now,
        fx: &mut Effects,
    ) {
        let Some(seated) = self.sessions.get_mut(session) else { return };
        let (user, wants_synced) = (seated.user, seated.wants_synced);
        let chunks = seated.knows(|features| features.chunks);
        let Some(behind) = &mut seated.behind else { return };
        let missed = behind.missed;
        let queue = behind.take_queue();
        let end =
            if more { items.last().map_or(page.upto, |item| item.position) } else { page.upto };
        behind.position = end;
        let wrote = std::mem::take(&mut behind.wrote);
        behind.wrote = wrote.iter().copied().filter(|msg_id| *msg_id > end).collect();
        let shown = |item: &&Item| {
            let msg_id = item.row.msg_id;
            !self.refused.contains(&msg_id)
                && (item.change || wrote.binary_search(&msg_id).is_err())
        };
        let items: Vec<&Item> = items.iter().filter(shown).collect();
        behind.told |= !items.is_empty() || page.added.iter().any(|(since, ..)| *since <= end);
        let wants_synced = missed && (wants_synced || behind.told);
        let mut added = page.added.iter().filter(|(since, ..)| *since <= end).peekable();
        for item in items {
            while let Some(addition) = added.next_if(|(since, ..)| *since < item.position) {
                self.send_addition(session, addition, missed, now, fx);
            }
            let told = match item.change {
                true => Told::Change,
                false if chunks => Told::Again,
                false => Told::Message,
            };
            let frame = self.with_event(user, &item.row, told, now, |event| {
                if missed { fx.encode_missed(event) } else { fx.encode(event) }
            });
            fx.send(session, frame, Class::Fed(item.position));
            self.owe_receipt(user, &item.row);
        }
        for addition in added {
            self.send_addition(session, addition, missed, now, fx);
        }
        match queue {
            Some(queue) if !more && page.whole => {
                if wants_synced {
                    let synced = fx.encode(&Event::Synced { cursor: end });
                    fx.send(session, synced, Class::Fed(end));
                }
                let dropped = sabotage::is(Sabotage::TailDropped);
                for (position, held) in queue.into_iter().filter(|_| !dropped) {
                    let frame = fx.put(held);
                    fx.send(session, frame, Class::Fed(position));
                }
                if let Some(seated) = self.sessions.get_mut(session) {
                    seated.behind = None;
                }
                self.users.get_mut(user).set_live(session, true);
                fx.push(Effect::CaughtUp(session));
            }
            _ => fx.push(Effect::Feed(session)),
        }
    }

    /// A session's output had no room for the event of this number: from there on it is behind, and
    /// is fed as it reads.
    pub fn fell_behind(&mut self, session: SessionId, position: MsgId) {
        let Some(seated) = self.sessions.get_mut(session) else { return };
        // Who said goodbye in the same turn is not live any more, and wants nothing.
        let seats = &self.users.get(seated.user).seats;
        let live = seats.iter().any(|seat| seat.session == session && seat.live);
        if seated.behind.is_some() || !live {
            return;
        }
        let position = position.saturating_sub(1);
        let mut behind = Behind::at(position, false, position);
        // What it wrote was stored together with what it could not take.
        let written = self.written.iter().filter(|(by, _)| *by == session);
        written.for_each(|(_, msg_id)| behind.note_wrote(*msg_id));
        seated.behind = Some(Box::new(behind));
        self.users.get_mut(seated.user).set_live(session, false);
    }

    /// The system has taken everything up to an event of this number from a session's output.
    pub fn taken(&mut self, session: SessionId, position: MsgId, now: Now) {
        if let Some(seated) = self.sessions.get(session)
            && !seated.acknowledges
        {
            self.has_received(seated.user, position, now);
        }
    }

    /// Everything up to a number has arrived at a user. The journal is told soon.
    pub(super) fn has_received(&mut self, user: UserId, position: MsgId, now: Now) {
        let position = position.min(self.last);
        let receiver = self.users.get_mut(user);
        if position > receiver.cursor {
            receiver.cursor = position;
            self.note_seen(user, now);
        }
    }

    /// The journal is to be told how far a user is.
    pub(super) fn note_seen(&mut self, user: UserId, now: Now) {
        let seen = self.users.get_mut(user);
        if !seen.unstored {
            seen.unstored = true;
            self.unstored.push(user);
            self.seen_due_ms.get_or_insert(now.mono_ms + SEEN_INTERVAL_MS);
        }
    }

    /// When [`Chat::tell_seen`] is to be called, in milliseconds of the shell's clock.
    pub fn seen_due_ms(&self) -> Option<u64> {
        self.seen_due_ms
    }

    /// Tells the journal how far users are, as far as that is new, and what else it could not take
    /// before.
    pub fn tell_seen(&mut self, fx: &mut Effects) {
        self.seen_due_ms = None;
        for (user, msg_id) in std::mem::take(&mut self.unforgotten) {
            fx.batch.push((SessionId::NOBODY, user), None, What::Forget(msg_id));
        }
        for user in std::mem::take(&mut self.unstored) {
            let seen = self.users.get_mut(user);
            seen.unstored = false;
            if seen.standing == super::users::Standing::Known {
                let what = What::Seen { cursor: seen.cursor, last_seen_ms: seen.last_seen_ms };
                fx.batch.push((SessionId::NOBODY, user), None, what);
            }
        }
    }

    /// It is stored how far a user is: senders hear that what they wrote has arrived.
    pub(super) fn seen_stored(
        &mut self,
        entry: &Entry,
        cursor: MsgId,
        stored: bool,
        now: Now,
        fx: &mut Effects,
    ) {
        let user = entry.origin.user;
        if stored {
            self.tell_delivered(user, cursor, fx);
        } else {
            self.note_seen(user, now);
            self.seen_due_ms = Some(now.mono_ms + SEEN_RETRY_MS);
        }
    }

    /// Sends a stored event to one user's sessions but one, now or later. Returns how many it goes out
    /// to now.
    pub(super) fn deliver(
        &mut self,
        to: UserId,
        but: SessionId,
        position: MsgId,
        outgoing: &mut Outgoing,
        fx: &mut Effects,
    ) -> usize {
        let (mut live, mut sessions) = (std::mem::take(&mut self.targets), 0);
        for at in 0..self.users.get(to).seats.len() {
            let seat = self.users.get(to).seats[at];
            if seat.session != but {
                sessions += usize::from(self.hand(seat, position, outgoing, &mut live, fx));
            }
        }
        self.send_live(live, position, outgoing, fx);
        sessions
    }

    /// Sends a stored event to the members of a group, but not to the session that caused it.
    pub(super) fn deliver_to_group(
        &mut self,
        sender: UserId,
        but: SessionId,
        group: super::GroupId,
        position: MsgId,
        outgoing: &mut Outgoing,
        fx: &mut Effects,
    ) -> Reached {
        let mut reached = Reached::default();
        let mut live = std::mem::take(&mut self.targets);
        let count = self.groups.get(group).map_or(0, |group| group.members.len());
        for at in 0..count {
            let Some(user) = self.groups.get(group).map(|group| group.members[at].user) else {
                break;
            };
            let mut sessions = 0;
            for at in 0..self.users.get(user).seats.len() {
                let seat = self.users.get(user).seats[at];
                if seat.session != but {
                    sessions += usize::from(self.hand(seat, position, outgoing, &mut live, fx));
                }
            }
            if user != sender {
                reached.members += 1;
                reached.sessions += sessions;
            }
        }
        self.send_live(live, position, outgoing, fx);
        reached
    }

    /// Hands an event to one session: to be sent, if it is live; else to what it is to have later.
    /// Returns whether it is sent now.
    fn hand(
        &mut self,
        seat: Seat,
        position: MsgId,
        outgoing: &mut Outgoing,
        live: &mut Vec<SessionId>,
        fx: &mut Effects,
    ) -> bool {
        match outgoing {
            Outgoing::Same { .. } if seat.live => {
                live.push(seat.session);
                return true;
            }
            Outgoing::Same { frame, held } => {
                if let Some(seated) = self.sessions.get_mut(seat.session)
                    && let Some(behind) = &mut seated.behind
                {
                    behind.offer(position, || held.get_or_insert_with(|| fx.hold(frame)).clone());
                }
            }
            Outgoing::File { offer, whole } => {
                let Some(seated) = self.sessions.get_mut(seat.session) else { return false };
                let chunks = seated.knows(|features| features.chunks);
                let frame = if chunks { Some(&*offer) } else { whole.as_ref() };
                match (frame, &mut seated.behind) {
                    (Some(frame), None) if seat.live => {
                        fx.send(seat.session, frame.clone(), Class::Kept(position));
                        return true;
                    }
                    (Some(frame), Some(behind)) => behind.offer(position, || fx.hold(frame)),
                    // Its bytes are read from the disk, with all that comes after.
                    (None, Some(behind)) => behind.leave_out(),
                    (None, None) if seat.live => {
                        self.fell_behind(seat.session, position);
                        fx.push(Effect::Feed(seat.session));
                        return true;
                    }
                    (_, None) => {}
                }
            }
        }
        false
    }

    fn send_live(
        &mut self,
        mut live: Vec<SessionId>,
        position: MsgId,
        outgoing: &Outgoing,
        fx: &mut Effects,
    ) {
        if let Outgoing::Same { frame, .. } = outgoing {
            fx.broadcast(live.drain(..), frame.clone(), Class::Kept(position));
        }
        live.clear();
        self.targets = live;
    }

    /// Whether there is anything for a user after a number.
    pub(super) fn has_missed(&self, user: UserId, after: MsgId) -> bool {
        after < self.last
            && (!self.missed_scopes(user, after, self.last).is_empty()
                || !self.additions(user, after, self.last).is_empty())
    }

    /// Where there may be something for a user between two numbers.
    fn missed_scopes(&self, user: UserId, after: MsgId, upto: MsgId) -> Vec<Scope> {
        let of = self.users.get(user);
        let pairs = of.pairs.iter().filter_map(|id| {
            let pair = self.pairs.get(*id)?;
            let news = pair.newest > after || pair.changed > after;
            news.then_some(Scope { conversation: *id, joined: 0, after, upto })
        });
        let groups = of.groups.iter().filter_map(|id| {
            let group = self.groups.get(*id)?;
            let news = group.newest > after || group.changed > after;
            let joined = group.membership(user)?.since;
            news.then_some(Scope { conversation: id.conversation(), joined, after, upto })
        });
        let past = of.past.iter().filter(|past| past.until > after).map(|past| Scope {
            conversation: past.group.conversation(),
            joined: past.since,
            after,
            upto: upto.min(past.until - 1),
        });
        pairs.chain(groups).chain(past).collect()
    }

    /// Who added a user to which group between two numbers, first first.
    fn additions(
        &self,
        user: UserId,
        after: MsgId,
        upto: MsgId,
    ) -> Vec<(MsgId, UserId, ConversationId, u64)> {
        let groups = self.users.get(user).groups.iter();
        let mut added: Vec<_> = groups
            .filter_map(|id| {
                let membership = self.groups.get(*id)?.membership(user)?;
                let by = membership.added_by?;
                let within = membership.since > after && membership.since <= upto;
                within.then_some((membership.since, by, id.conversation(), membership.ts))
            })
            .collect();
        added.sort_unstable();
        added
    }

    fn send_addition(
        &self,
        session: SessionId,
        (since, by, group, ts): &(MsgId, UserId, ConversationId, u64),
        missed: bool,
        now: Now,
        fx: &mut Effects,
    ) {
        let clock = Now { wall_ms: *ts, ..now }.clock();
        let event = Event::AddedToGroup {
            group_name: self.groups.name(super::GroupId(group.0)),
            added_by: self.users.get(*by).name.as_str(),
            timestamp: clock.as_str(),
        };
        let frame = if missed { fx.encode_missed(&event) } else { fx.encode(&event) };
        fx.send(session, frame, Class::Fed(*since));
    }
}
