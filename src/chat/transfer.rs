//! Files, whole, as the first chat sent them: kept by the worker first, then relayed.

use super::conversation::{Heading, Posted};
use super::delivery::Outgoing;
use super::entry::{Entry, KeptFile, Place, What};
use super::{
    Chat, Done, Effects, Frame, Handled, Held, Member, Now, Save, Saved, SessionId, UserId,
    answer_with, refuse,
};
use crate::limits::{
    FILE_OVERHEAD_BYTES, FILES_PER_SESSION_MAX, FRAME_BYTES_MAX, HELD_BYTES_FOR_FILES_MAX,
};
use crate::text::server as text;
use crate::wire::event::{Body, Encode, Event, FileData, FileReceived, MsgId, State};
use crate::wire::name::FileName;
use crate::wire::request::{Refusal, RequestId, Target, sha256_to_hex};
use crate::wire::{Code, Text};

/// The largest file that fits a frame.
const INLINE_BYTES_MAX: u64 = (FRAME_BYTES_MAX as u64 - 64 * 1024) / 4 * 3;

/// A file that the worker has.
#[derive(Debug)]
pub(super) struct Transfer {
    session: SessionId,
    sender: UserId,
    id: Option<RequestId<'static>>,
    to: Place,
    filename: FileName,
    bytes: usize,
}

impl Chat {
    pub(super) fn send_file(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        to: &Target<'_>,
        filename: &str,
        data: Text<'_>,
        fx: &mut Effects,
    ) -> Handled {
        let bytes = data.len() + FILE_OVERHEAD_BYTES;
        let to = self.place(member.user, to)?;
        let size = data.len() as u64 / 4 * 3;
        if size > self.file_limits.file_bytes_max {
            return Err(Refusal { code: Code::TooLarge, field: Some("file_data") });
        }
        if self.users.get(member.user).file_bytes + size > self.file_limits.user_quota_bytes {
            return Err(Code::QuotaExceeded.into());
        }
        let held = self.arriving_bytes + fx.gauge().bytes();
        let session = self.sessions.get_mut(member.session).ok_or(Code::Internal)?;
        let crowded = session.files >= FILES_PER_SESSION_MAX;
        if crowded || held + bytes > HELD_BYTES_FOR_FILES_MAX {
            return Err(Code::RateLimited.into());
        }
        session.files += 1;
        self.arriving_bytes += bytes;
        fx.deliveries += self.recipients(to);
        let filename = FileName::sanitize(filename);
        let transfer = self.transfers.insert(Transfer {
            session: member.session,
            sender: member.user,
            id: id.cloned().map(RequestId::into_owned),
            to,
            filename: filename.clone(),
            bytes,
        });
        let sender = self.users.get(member.user).name.clone();
        fx.save(Save { transfer, sender, filename, data: data.into_owned() });
        Ok(Done::Later)
    }

    /// The worker is done with a file: it becomes an entry, or is refused.
    pub fn saved(&mut self, saved: Saved, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let Some(transfer) = self.transfers.try_remove(saved.transfer) else { return };
        let Transfer { session, sender, id, to, filename, bytes } = transfer;
        // From here on its event is counted where it is held.
        self.arriving_bytes -= bytes;
        if let Some(session) = self.sessions.get_mut(session) {
            session.files = session.files.saturating_sub(1);
        }
        // While it was kept, its sender may have been removed: sending it is no way back in.
        let result = saved.result.and_then(|kept| match self.may_write(sender, to) {
            Ok(()) => Ok(kept),
            Err(code) => {
                fx.discard(kept.0);
                Err(code)
            }
        });
        match result {
            Ok((saved_as, size, sha256)) => {
                let conversation = self.conversation(sender, to, fx);
                let name = filename.as_str().to_owned();
                let file = Box::new(KeptFile {
                    name,
                    saved_as,
                    size,
                    sha256,
                    upload: None,
                    data: saved.data,
                });
                fx.batch.push(
                    (session, sender),
                    id.as_ref(),
                    What::File { to, conversation, file },
                );
            }
            Err(code) => {
                self.no_longer_awaits(session, fx);
                let field = (code == Code::InvalidField).then_some("file_data");
                let lang = self.lang_of(session);
                refuse(fx, session, "file_response", id.as_ref(), lang, Refusal { code, field });
            }
        }
    }

    /// A file's entry is stored: it is relayed and answered, or refused if it cannot stand.
    pub(super) fn file_stored(
        &mut self,
        entry: &Entry,
        id: Option<&RequestId<'_>>,
        data: &str,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let What::File { to, file: kept, .. } = &entry.what else { return };
        let (to, session) = (*to, entry.origin.session);
        let sha256 = sha256_to_hex(&kept.sha256);
        let posted = self.post(&entry.origin, to, known, fx, |heading, fx| {
            let Heading { msg_id, prev, sender, recipient, group_name } = heading;
            let clock = now.clock();
            let event = |file_data| {
                let file = FileReceived {
                    msg_id,
                    prev,
                    sender,
                    recipient,
                    group_name,
                    filename: &kept.name,
                    size: kept.size,
                    sha256: Some(&sha256),
                    file_id: kept.upload.unwrap_or(msg_id),
                    timestamp: clock.as_str(),
                    ts: now.wall_ms,
                    id,
                    state: State::default(),
                    file_data,
                };
                match to {
                    Place::User(_) => Event::FileReceived(file),
                    Place::Group(_) => Event::GroupFileReceived(file),
                }
            };
            let offer = fx.encode(&event(FileData::LeftOut));
            let whole = match kept.upload {
                Some(_) if kept.size > INLINE_BYTES_MAX => Some(fx.encode(&event(FileData::Gone))),
                Some(_) => None,
                None => {
                    let json = with_data(&event(FileData::Inline("")), data);
                    Some(Frame::Shared(Held::new(json, fx.gauge())))
                }
            };
            Outgoing::File { offer, whole }
        });
        if posted.as_ref().is_ok_and(|posted| posted.new) {
            self.users.get_mut(entry.origin.user).file_bytes += kept.size;
        }
        let lang = self.lang_of(session);
        // A copy that was refused, or came before it was known to be the same, is not kept.
        if !posted.as_ref().is_ok_and(|posted| posted.new) {
            fx.discard(kept.saved_as.clone());
        }
        match posted {
            Ok(Posted { msg_id, new, sessions, members }) => {
                let (ts, saved_as) = (now.wall_ms, new.then_some(kept.saved_as.as_str()));
                let body = Body::Message { msg_id, ts, delivered: sessions, saved_as };
                let said = text::file_sent(lang, members);
                answer_with(fx, session, "file_response", id, &said, body);
            }
            Err(code) => refuse(fx, session, "file_response", id, lang, code.into()),
        }
    }
}

/// The event's JSON with the data put between the quotes of its last field: base64 needs no
/// escaping, and looking for what does costs more than all the rest of a large file.
fn with_data(event: &Event<'_>, data: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(data.len() + 1024);
    event.encode(&mut json);
    debug_assert!(json.ends_with(b"\"file_data\":\"\"}"), "the data comes last");
    json.truncate(json.len() - 2);
    json.extend_from_slice(data.as_bytes());
    json.extend_from_slice(b"\"}");
    json
}
