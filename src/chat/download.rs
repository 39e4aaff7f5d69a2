//! Files that are got in pieces: as fast as their reader reads, and no faster. Other frames come in
//! between.

use std::collections::VecDeque;

use super::pending::Pending;
use super::query::{Query, Row};
use super::{Chat, Class, Done, Effect, Effects, FileJob, Member, SessionId, answer_with, refuse};
use crate::limits::{CHUNK_BYTES, DOWNLOADS_PER_SESSION_MAX};
use crate::text::server as text;
use crate::wire::Code;
use crate::wire::event::Body;
use crate::wire::request::RequestId;

/// Pieces read from the disk in one go: enough that its reader does not wait for the next.
const PIECES: u64 = 3;

/// A file on its way to a session.
#[derive(Debug)]
pub(super) struct Download {
    file_id: u64,
    saved_as: String,
    id: Option<RequestId<'static>>,
    offset: u64,
    end: u64,
}

/// The files on their way to one session, taking turns.
#[derive(Debug, Default)]
pub(super) struct Downloads {
    waiting: VecDeque<Download>,
    /// The disk was asked for the first one's next pieces.
    reading: bool,
}

impl Downloads {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Chat {
    pub(super) fn get_file(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        stretch: (u64, Option<u64>),
        fx: &mut Effects,
    ) -> Done {
        let id = id.cloned().map(RequestId::into_owned);
        let ticket = self.pend(Pending::Get(member, id, stretch));
        fx.ask(ticket, Query::File(file_id));
        Done::LaterInOrder
    }

    /// The message of a file that somebody wants was read, or there is none.
    pub(super) fn get_read(
        &mut self,
        member: Member,
        id: Option<RequestId<'static>>,
        (offset, length): (u64, Option<u64>),
        row: Option<&Row>,
        fx: &mut Effects,
    ) {
        let file = row.filter(|row| !row.deleted && self.sees(member.user, row).is_ok());
        let Some(file) = file.and_then(|row| row.file.as_ref()) else {
            return self.refuse_later(member, "file_response", id.as_ref(), Code::UnknownFile, fx);
        };
        let Some(seated) = self.sessions.get_mut(member.session) else { return };
        let code = if offset > file.size {
            Some(Code::InvalidField)
        } else if seated.downloads.waiting.len() >= DOWNLOADS_PER_SESSION_MAX {
            Some(Code::RateLimited)
        } else {
            None
        };
        if let Some(code) = code {
            return self.refuse_later(member, "file_response", id.as_ref(), code, fx);
        }
        let end = length.map_or(file.size, |length| file.size.min(offset.saturating_add(length)));
        let (file_id, saved_as) = (file.file_id, file.saved_as.clone());
        seated.downloads.waiting.push_back(Download { file_id, saved_as, id, offset, end });
        fx.push(Effect::Feed(member.session));
        // The next request need not wait for the file: it is answered when it is through.
        self.answered(member.session, fx);
    }

    /// Asks the disk for the next pieces. The session's output is low.
    pub(super) fn feed_download(&mut self, session: SessionId, fx: &mut Effects) {
        let Some(seated) = self.sessions.get_mut(session) else { return };
        let Some(next) = seated.downloads.waiting.front() else { return };
        if seated.downloads.reading {
            return;
        }
        let upto = next.end.min(next.offset + PIECES * CHUNK_BYTES as u64);
        fx.file_job(FileJob::Read {
            session,
            file_id: next.file_id,
            saved_as: next.saved_as.clone(),
            from: next.offset,
            upto,
            end: next.end,
        });
        seated.downloads.reading = true;
    }

    /// Pieces were read: frames, ready to be sent.
    pub(super) fn piece_read(
        &mut self,
        session: SessionId,
        frames: Result<Vec<Vec<u8>>, Code>,
        upto: u64,
        fx: &mut Effects,
    ) {
        let lang = self.lang_of(session);
        let Some(seated) = self.sessions.get_mut(session) else { return };
        seated.downloads.reading = false;
        let Some(mut download) = seated.downloads.waiting.pop_front() else { return };
        match frames {
            Ok(frames) => {
                for json in frames {
                    let frame = fx.own(json);
                    fx.send(session, frame, Class::Answer);
                }
                download.offset = upto;
                if download.offset < download.end {
                    seated.downloads.waiting.push_back(download);
                } else {
                    let body = Body::Piece { file_id: download.file_id, offset: download.end };
                    let said = text::DONE.get(lang);
                    let id = download.id.as_ref();
                    answer_with(fx, session, "file_response", id, said, body);
                }
            }
            Err(code) => {
                refuse(fx, session, "file_response", download.id.as_ref(), lang, code.into());
            }
        }
        let more = self.sessions.get(session).is_some_and(|seated| !seated.downloads.is_empty());
        if more {
            fx.push(Effect::Feed(session));
        }
    }
}
