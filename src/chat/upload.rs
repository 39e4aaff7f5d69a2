//! Files that come in pieces. A piece goes to the disk as it comes, in order; what is on its way
//! there is bounded by holding up its sender. The file becomes a message when it is whole and its
//! hash is right.

use super::entry::{Entry, KeptFile, Place, Upload, What};
use super::pending::Pending;
use super::query::{Query, Row, StoredUpload};
use super::{
    Chat, Done, Effect, Effects, FileDone, FileJob, Handled, Member, Now, SessionId, UserId,
    answer_with, refuse,
};
use crate::limits::{
    CHUNK_BYTES, CHUNKS_BYTES_IN_FLIGHT_MAX, CHUNKS_IN_FLIGHT_MAX, FILE_BYTES_MAX, UPLOAD_MS_MAX,
    UPLOADS_PER_USER_MAX, USER_QUOTA_BYTES,
};
use crate::text::server as text;
use crate::wire::event::{Body, MsgId};
use crate::wire::name::FileName;
use crate::wire::request::{FileRequest, Refusal, RequestId, Sha256, Target};
use crate::wire::{Code, Text};

type Label = Option<RequestId<'static>>;

/// What the operator allows.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// The largest file, in bytes.
    pub file_bytes_max: u64,
    /// What one user may have sent and not taken back, in bytes.
    pub user_quota_bytes: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { file_bytes_max: FILE_BYTES_MAX, user_quota_bytes: USER_QUOTA_BYTES }
    }
}

/// An upload that is not finished.
#[derive(Debug)]
pub(super) struct Arriving {
    user: UserId,
    to: Place,
    name: FileName,
    size: u64,
    sha256: Sha256,
    /// Who sends it now.
    session: SessionId,
    stage: Stage,
    /// Bytes sent to the disk.
    sent: u64,
    /// Pieces on their way there.
    in_flight: u32,
    began_ms: u64,
}

/// Where an upload stands.
#[derive(Debug)]
enum Stage {
    /// Nobody sends it.
    Idle,
    /// The disk is asked how much is there.
    Opening(Member, Label),
    /// Pieces come.
    Open,
    /// The disk compares the hash, and gives the file its name.
    Ending(Member, Label),
}

impl Chat {
    pub(super) fn file_request(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        request: FileRequest<'_>,
        fx: &mut Effects,
    ) -> Handled {
        match request {
            FileRequest::Begin { to, filename, size, sha256 } => {
                let name = FileName::sanitize(&filename);
                self.begin_upload(member, id, &to, (name, size, sha256), fx)
            }
            FileRequest::Chunk { file_id, offset, data } => {
                self.chunk(member, id, file_id, offset, data, fx)
            }
            FileRequest::End { file_id } => self.end_upload(member, id, file_id, fx),
            FileRequest::Cancel { file_id } => {
                self.upload_of(member, file_id)?;
                self.end_of_upload(member.session, id, file_id, fx);
                Ok(Done::Later)
            }
            FileRequest::Get { file_id, offset, length } => {
                Ok(self.get_file(member, id, file_id, (offset, length), fx))
            }
        }
    }

    fn begin_upload(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        to: &Target<'_>,
        (name, size, sha256): (FileName, u64, Sha256),
        fx: &mut Effects,
    ) -> Handled {
        let to = self.place(member.user, to)?;
        if size > self.file_limits.file_bytes_max {
            return Err(Refusal { code: Code::TooLarge, field: Some("size") });
        }
        let own = self.uploads.iter().filter(|(_, upload)| upload.user == member.user);
        let (mut count, mut bytes, mut known) = (0, 0, None);
        for (file_id, upload) in own {
            (count, bytes) = (count + 1, bytes + upload.size);
            let same = upload.to == to && upload.name == name && upload.sha256 == sha256;
            if same && upload.size == size {
                // The one that was begun first has got furthest.
                known = known.or(Some(*file_id));
            }
        }
        if let Some(file_id) = known {
            return self.open_upload(member, id, file_id, fx);
        }
        let kept = self.users.get(member.user).file_bytes;
        if count >= UPLOADS_PER_USER_MAX || kept + bytes + size > self.file_limits.user_quota_bytes
        {
            return Err(Code::QuotaExceeded.into());
        }
        let upload = Upload { to, name, size, sha256 };
        let what = What::Upload(Box::new(upload));
        fx.batch.push((member.session, member.user), id, what);
        Ok(Done::LaterInOrder)
    }

    /// An upload has its number, or could not be stored.
    pub(super) fn upload_stored(
        &mut self,
        entry: &Entry,
        upload: &Upload,
        id: Option<&RequestId<'_>>,
        known: Result<(MsgId, bool), Code>,
        now: Now,
        fx: &mut Effects,
    ) {
        let (session, user) = (entry.origin.session, entry.origin.user);
        let member = Member { session, user, lang: self.lang_of(session) };
        let opened = known.and_then(|(file_id, _)| {
            self.uploads.insert(file_id, Arriving::new(user, upload.clone(), now.wall_ms));
            self.open_upload(member, id, file_id, fx).map_err(|refusal| refusal.code)
        });
        if let Err(code) = opened {
            self.refuse_later(member, "file_response", id, code, fx);
        }
    }

    /// Asks the disk how much of an upload is there.
    fn open_upload(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        fx: &mut Effects,
    ) -> Handled {
        let upload = self.uploads.get_mut(&file_id).ok_or(Code::UnknownFile)?;
        if matches!(upload.stage, Stage::Opening(..) | Stage::Ending(..)) {
            return Err(Code::RateLimited.into());
        }
        upload.session = member.session;
        upload.stage = Stage::Opening(member, id.cloned().map(RequestId::into_owned));
        fx.file_job(FileJob::Open { file_id, size: upload.size });
        Ok(Done::LaterInOrder)
    }

    fn chunk(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        offset: u64,
        data: Text<'_>,
        fx: &mut Effects,
    ) -> Handled {
        let in_flight_bytes = self.chunk_bytes;
        let upload = self.upload_of(member, file_id)?;
        let bytes = decoded_len(&data).filter(|bytes| (1..=CHUNK_BYTES).contains(bytes));
        let bytes = bytes.ok_or(Code::InvalidChunk)?;
        let fits = upload.sent + bytes as u64 <= upload.size;
        let open = matches!(upload.stage, Stage::Open) && upload.session == member.session;
        if !open || offset != upload.sent || !fits {
            return Err(Code::InvalidChunk.into());
        }
        upload.sent += bytes as u64;
        upload.in_flight += 1;
        let many = upload.in_flight >= CHUNKS_IN_FLIGHT_MAX;
        let hold = many || in_flight_bytes + data.len() > CHUNKS_BYTES_IN_FLIGHT_MAX;
        self.chunk_bytes += data.len();
        let label = id.cloned().map(RequestId::into_owned);
        let held_bytes = data.len();
        let ticket = self.pend(Pending::Chunk { member, label, file_id, held_bytes, hold });
        fx.file_job(FileJob::Write { ticket, file_id, data: data.into_owned() });
        // Who sends faster than the disk writes is not read meanwhile.
        Ok(if hold { Done::LaterInOrder } else { Done::Later })
    }

    fn end_upload(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        fx: &mut Effects,
    ) -> Handled {
        let label = id.cloned().map(RequestId::into_owned);
        if !self.uploads.contains_key(&file_id) {
            // The answer to an earlier end may have been lost.
            let ticket = self.pend(Pending::Ended(member, label));
            fx.ask(ticket, Query::File(file_id));
            return Ok(Done::LaterInOrder);
        }
        let sender = self.users.get(member.user).name.clone();
        let upload = self.upload_of(member, file_id)?;
        if !matches!(upload.stage, Stage::Open) {
            return Err(Code::InvalidChunk.into());
        }
        if upload.sent != upload.size {
            self.drop_upload(file_id, fx);
            return Err(Code::HashMismatch.into());
        }
        upload.stage = Stage::Ending(member, label);
        let (filename, sha256) = (upload.name.clone(), upload.sha256);
        fx.file_job(FileJob::Finish { file_id, sender, filename, sha256 });
        Ok(Done::Later)
    }

    /// The disk has done something for an upload or a download.
    pub fn file_done(&mut self, done: FileDone, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        match done {
            FileDone::Opened { file_id, received } => self.opened(file_id, received, fx),
            FileDone::Written { ticket, received } => {
                if let Some(Pending::Chunk { member, label, file_id, held_bytes, hold }) =
                    self.pending.try_remove(ticket.0)
                {
                    self.chunk_bytes -= held_bytes;
                    let id = label.as_ref();
                    self.written(member, id, file_id, received, fx);
                    if hold {
                        fx.push(Effect::Resume(member.session));
                    }
                }
            }
            FileDone::Finished { file_id, saved_as } => self.finished(file_id, saved_as, fx),
            FileDone::Read { session, frames, upto } => {
                self.piece_read(session, frames, upto, fx);
            }
        }
    }

    fn opened(&mut self, file_id: u64, received: Result<u64, Code>, fx: &mut Effects) {
        let Some(upload) = self.uploads.get_mut(&file_id) else { return };
        let stage = std::mem::replace(&mut upload.stage, Stage::Open);
        let Stage::Opening(member, id) = stage else {
            upload.stage = stage;
            return;
        };
        match received {
            Ok(offset) => {
                upload.sent = offset;
                let chunk_size = CHUNK_BYTES as u64;
                let body = Body::Upload { file_id, offset, chunk_size };
                let said = text::DONE.get(member.lang);
                answer_with(fx, member.session, "file_response", id.as_ref(), said, body);
                self.answered(member.session, fx);
            }
            Err(code) => {
                self.drop_upload(file_id, fx);
                self.refuse_later(member, "file_response", id.as_ref(), code, fx);
            }
        }
    }

    fn written(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        received: Result<u64, Code>,
        fx: &mut Effects,
    ) {
        self.no_longer_awaits(member.session, fx);
        let received = match self.uploads.get_mut(&file_id) {
            Some(upload) => {
                upload.in_flight -= 1;
                received
            }
            // It came to nothing while this piece was on its way.
            None => Err(Code::UnknownFile),
        };
        match received {
            Ok(offset) => {
                let body = Body::Piece { file_id, offset };
                let said = text::DONE.get(member.lang);
                answer_with(fx, member.session, "file_ack", id, said, body);
            }
            Err(code) => {
                self.drop_upload(file_id, fx);
                refuse(fx, member.session, "file_ack", id, member.lang, code.into());
            }
        }
    }

    fn finished(&mut self, file_id: u64, saved_as: Result<String, Code>, fx: &mut Effects) {
        let Some(upload) = self.uploads.get_mut(&file_id) else {
            // It was taken back meanwhile.
            if let Ok(saved_as) = saved_as {
                fx.discard(saved_as);
            }
            return;
        };
        let stage = std::mem::replace(&mut upload.stage, Stage::Idle);
        let Stage::Ending(member, id) = stage else {
            upload.stage = stage;
            return;
        };
        // While it came, its sender may have been removed: sending it is no way back in.
        let (user, to) = (upload.user, upload.to);
        let saved_as = saved_as.and_then(|saved_as| match self.may_write(user, to) {
            Ok(()) => Ok(saved_as),
            Err(code) => {
                fx.discard(saved_as);
                Err(code)
            }
        });
        let saved_as = match saved_as {
            Ok(saved_as) => saved_as,
            Err(code) => {
                self.drop_upload(file_id, fx);
                self.no_longer_awaits(member.session, fx);
                let id = id.as_ref();
                return refuse(fx, member.session, "file_response", id, member.lang, code.into());
            }
        };
        let Some(Arriving { name, size, sha256, .. }) = self.uploads.remove(&file_id) else {
            return;
        };
        let conversation = self.conversation(user, to, fx);
        let file = Box::new(KeptFile {
            name: name.as_str().to_owned(),
            saved_as,
            size,
            sha256,
            upload: Some(file_id),
            data: String::new(),
        });
        let what = What::File { to, conversation, file };
        fx.batch.push((member.session, user), id.as_ref(), what);
    }

    /// An end was asked for again: the file may be there already.
    pub(super) fn ended_read(
        &mut self,
        member: Member,
        id: Option<&RequestId<'_>>,
        row: Option<&Row>,
        fx: &mut Effects,
    ) {
        let own = row.filter(|row| row.sender == member.user);
        let Some((row, file)) = own.and_then(|row| Some((row, row.file.as_ref()?))) else {
            return self.refuse_later(member, "file_response", id, Code::UnknownFile, fx);
        };
        let body = Body::Message {
            msg_id: row.msg_id,
            ts: row.ts,
            delivered: 0,
            saved_as: Some(&file.saved_as),
        };
        let said = text::file_sent(member.lang, None);
        answer_with(fx, member.session, "file_response", id, &said, body);
        self.answered(member.session, fx);
    }

    /// An upload comes to nothing, and takes no room any more.
    fn drop_upload(&mut self, file_id: u64, fx: &mut Effects) {
        self.end_of_upload(SessionId::NOBODY, None, file_id, fx);
    }

    /// The same for a session that wants to know. Who waits for the upload is told, too.
    fn end_of_upload(
        &mut self,
        session: SessionId,
        id: Option<&RequestId<'_>>,
        file_id: u64,
        fx: &mut Effects,
    ) {
        let Some(upload) = self.uploads.remove(&file_id) else { return };
        if let Stage::Opening(member, id) | Stage::Ending(member, id) = &upload.stage {
            self.refuse_later(*member, "file_response", id.as_ref(), Code::UnknownFile, fx);
        }
        fx.file_job(FileJob::Drop { file_id });
        let what = What::UploadGone(file_id);
        fx.batch.push((session, upload.user), id, what);
    }

    /// It is stored that an upload came to nothing. If it could not be, it is there again after a
    /// restart.
    pub(super) fn upload_gone(
        &mut self,
        session: SessionId,
        id: Option<&RequestId<'_>>,
        known: Result<(MsgId, bool), Code>,
        fx: &mut Effects,
    ) {
        let lang = self.lang_of(session);
        match known {
            Ok(_) => {
                let said = text::UPLOAD_CANCELLED.get(lang);
                answer_with(fx, session, "file_response", id, said, Body::None);
            }
            Err(code) => refuse(fx, session, "file_response", id, lang, code.into()),
        }
    }

    /// Drops the uploads that lie unfinished for too long.
    pub fn expire_uploads(&mut self, now: Now, fx: &mut Effects) {
        debug_assert!(fx.is_drained(), "effects are drained after every call");
        let old = |upload: &Arriving| now.wall_ms.saturating_sub(upload.began_ms) > UPLOAD_MS_MAX;
        let busy = |upload: &Arriving| upload.in_flight > 0 || upload.is_asked();
        let uploads = self.uploads.iter();
        let gone = uploads.filter(|(_, upload)| old(upload) && !busy(upload));
        let gone: Vec<u64> = gone.map(|(file_id, _)| *file_id).collect();
        for file_id in gone {
            self.drop_upload(file_id, fx);
        }
    }

    /// Puts an upload back that was not finished in an earlier life.
    pub(super) fn recover_upload(&mut self, stored: StoredUpload) {
        let StoredUpload { id, user, to, name, size, sha256, ts } = stored;
        let upload = Upload { to, name: FileName::sanitize(&name), size, sha256 };
        self.uploads.insert(id, Arriving::new(user, upload, ts));
    }

    fn upload_of(&mut self, member: Member, file_id: u64) -> Result<&mut Arriving, Code> {
        let upload = self.uploads.get_mut(&file_id);
        upload.filter(|upload| upload.user == member.user).ok_or(Code::UnknownFile)
    }
}

impl Arriving {
    fn new(user: UserId, upload: Upload, began_ms: u64) -> Self {
        let Upload { to, name, size, sha256 } = upload;
        Self {
            user,
            to,
            name,
            size,
            sha256,
            session: SessionId::NOBODY,
            stage: Stage::Idle,
            sent: 0,
            in_flight: 0,
            began_ms,
        }
    }

    fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Opening(..) | Stage::Ending(..))
    }
}

/// How many bytes a text in base64 with padding is (RFC 4648, section 4), if it can be one.
fn decoded_len(data: &str) -> Option<usize> {
    let padding = data.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
    data.len().is_multiple_of(4).then(|| data.len() / 4 * 3 - padding.min(data.len() / 4 * 3))
}
