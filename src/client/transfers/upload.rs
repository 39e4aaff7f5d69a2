//! One file to the server: begun, sent in pieces of which several are on their way, ended; and begun
//! again where it stopped when a connection is lost.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Failed, Line, News, Next, answered};
use crate::client::requests::Outgoing;
use crate::client::show::code;
use crate::client::uploads::Source;
use crate::limits::{CHUNK_BYTES, CHUNKS_IN_FLIGHT_MAX};
use crate::text::client::FileTrouble;
use crate::wire::event::Incoming;
use crate::wire::request::Fields;
use crate::wire::{Code, Text};

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// A piece that takes longer is one of too many on their way: what is written meanwhile waits
/// behind them.
const PIECE_SLOW: Duration = Duration::from_millis(400);

/// Pieces on their way at first, until it is known how fast the line is.
const WINDOW_FIRST: usize = 4;

const WINDOW_MAX: usize = CHUNKS_IN_FLIGHT_MAX as usize;

/// How often an upload that the server has lost or refused to go on with is begun again.
const AGAIN_MAX: u32 = 5;

/// How often a recipient that a server does not know after a reconnect is waited for, and how long:
/// a server that forgets knows its users again when they are back.
const UNKNOWN_USER: (u32, Duration) = (7, Duration::from_secs(2));

/// A file that is with the server.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Its name.
    pub(crate) filename: String,
    /// The server's answer.
    pub(crate) answer: Vec<u8>,
}

/// Why one attempt ended.
enum End {
    /// The connection is gone.
    Lost,
    /// The server knows nothing of this upload any more, or has dropped it.
    Again(Vec<u8>),
    /// For good.
    Failed(Failed),
}

impl From<FileTrouble> for End {
    fn from(trouble: FileTrouble) -> Self {
        End::Failed(Failed::Source(trouble))
    }
}

/// Sends a file, however many connections that takes.
pub(crate) fn upload(
    line: &Line,
    to: &Outgoing,
    tell: &mut dyn FnMut(News),
) -> Result<Sent, Failed> {
    let mut source = Source::open(&to.path).map_err(Failed::Source)?;
    tell(News::Opened { name: source.filename.clone(), size: source.size });
    let hashed = source.hash(|read| {
        line.moves();
        tell(News::Hashed(read));
        !line.is_stopped()
    });
    if !hashed.map_err(Failed::Source)? {
        return Err(Failed::Stopped);
    }
    let mut upload = Upload { line, to, source, ending: None };
    let (mut again, mut unknown, mut lost) = (0, 0, false);
    loop {
        let connection = line.wait_online().ok_or(Failed::Stopped)?;
        match upload.attempt(connection, tell) {
            Ok(sent) => return Ok(sent),
            Err(End::Lost) => {
                lost = true;
                tell(News::Waiting);
                // A server that is stopping has said so before it closes.
                line.pause(Duration::from_millis(100));
            }
            Err(End::Again(_)) if again < AGAIN_MAX => again += 1,
            Err(End::Failed(Failed::Refused(answer)))
                if lost && unknown < UNKNOWN_USER.0 && is(&answer, Code::UnknownUser) =>
            {
                unknown += 1;
                line.pause(UNKNOWN_USER.1);
            }
            Err(End::Again(answer)) => return Err(Failed::Refused(answer)),
            Err(End::Failed(failed)) => return Err(failed),
        }
    }
}

struct Upload<'a> {
    line: &'a Line,
    to: &'a Outgoing,
    source: Source,
    /// The end has been sent and not answered: for this upload, under this label.
    ending: Option<(u64, u64, String)>,
}

impl Upload<'_> {
    fn attempt(&mut self, connection: u64, tell: &mut dyn FnMut(News)) -> Result<Sent, End> {
        if let Some((file_id, number, id)) = self.ending.clone() {
            match self.end(connection, file_id, number, &id) {
                // Not even begun, as far as this server knows.
                Err(End::Again(_)) => self.ending = None,
                ended => return ended,
            }
        }
        self.source.unchanged()?;
        let (file_id, offset, piece) = self.begin(connection)?;
        tell(News::Began(offset));
        if let Err(end) = self.pieces(connection, file_id, offset, piece, tell) {
            if matches!(end, End::Failed(_)) {
                self.cancel(connection, file_id);
            }
            return Err(end);
        }
        let (number, id) = self.line.id();
        self.ending = Some((file_id, number, id.clone()));
        let ended = self.end(connection, file_id, number, &id);
        if !matches!(ended, Err(End::Lost)) {
            self.ending = None;
        }
        ended
    }

    fn begin(&self, connection: u64) -> Result<(u64, u64, usize), End> {
        let recipient = Some(Text::from(self.to.recipient.as_str()));
        let mut fields = Fields {
            filename: Some(Text::from(self.source.filename.as_str())),
            size: Some(self.source.size),
            sha256: Some(Text::from(self.source.sha256.as_str())),
            ..Fields::new("file_begin")
        };
        if self.to.to_group {
            fields.group_name = recipient;
        } else {
            fields.recipient = recipient;
        }
        let (number, id) = self.line.id();
        self.line.send(connection, &id, fields);
        let frame = self.answer(connection, number)?;
        let answer = Incoming::decode(&frame).unwrap_or_default();
        let (Some(file_id), Some(offset)) = (answer.file_id, answer.offset) else {
            return Err(End::Failed(Failed::NoAnswer));
        };
        if offset > self.source.size {
            return Err(End::Failed(Failed::NoAnswer));
        }
        let piece = answer.chunk_size.and_then(|bytes| usize::try_from(bytes).ok());
        Ok((file_id, offset, piece.unwrap_or(CHUNK_BYTES).clamp(1, CHUNK_BYTES)))
    }

    /// Sends what the server does not have, and waits until it has it.
    fn pieces(
        &mut self,
        connection: u64,
        file_id: u64,
        offset: u64,
        piece: usize,
        tell: &mut dyn FnMut(News),
    ) -> Result<(), End> {
        let size = self.source.size;
        let mut buffer = vec![0; piece];
        let (mut sent, mut acknowledged) = (offset, offset);
        // Where each piece ends that is on its way, and since when it is.
        let mut on_the_way: VecDeque<(u64, Instant)> = VecDeque::new();
        let mut window = WINDOW_FIRST;
        let mut first = None;
        while acknowledged < size {
            while sent < size && on_the_way.len() < window {
                let bytes = usize::try_from(size - sent).unwrap_or(piece).min(piece);
                self.source.read(sent, &mut buffer[..bytes])?;
                let fields = Fields {
                    file_id: Some(file_id),
                    offset: Some(sent),
                    data: Some(Text::from(STANDARD.encode(&buffer[..bytes]))),
                    ..Fields::new("file_chunk")
                };
                let (number, id) = self.line.id();
                first.get_or_insert(number);
                self.line.send(connection, &id, fields);
                sent += bytes as u64;
                on_the_way.push_back((sent, Instant::now()));
            }
            let frame = self.next(connection, first.unwrap_or(0))?;
            let answer = Incoming::decode(&frame).unwrap_or_default();
            let Some(received) = answer.offset else { continue };
            if received > sent {
                return Err(End::Failed(Failed::NoAnswer));
            }
            while let Some((end, since)) = on_the_way.front().copied()
                && end <= received
            {
                on_the_way.pop_front();
                let fast = since.elapsed() < PIECE_SLOW;
                window = if fast { window + 1 } else { window / 2 }.clamp(1, WINDOW_MAX);
            }
            if received > acknowledged {
                acknowledged = received;
                tell(News::Moved(acknowledged));
            }
        }
        self.source.unchanged()?;
        Ok(())
    }

    fn end(&mut self, connection: u64, file_id: u64, number: u64, id: &str) -> Result<Sent, End> {
        let fields = Fields { file_id: Some(file_id), ..Fields::new("file_end") };
        self.line.send(connection, id, fields);
        match self.answer(connection, number) {
            Ok(answer) => Ok(Sent { filename: self.source.filename.clone(), answer }),
            // Nobody touched it, or its time says so: what it says must still be what was announced.
            Err(End::Again(answer)) if is(&answer, Code::HashMismatch) => {
                let announced = std::mem::take(&mut self.source.sha256);
                let line = self.line;
                let hashed = self.source.hash(|_| {
                    line.moves();
                    !line.is_stopped()
                })?;
                match hashed {
                    false => Err(End::Failed(Failed::Stopped)),
                    true if announced == self.source.sha256 => Err(End::Again(answer)),
                    true => Err(FileTrouble::Changed.into()),
                }
            }
            Err(end) => Err(end),
        }
    }

    /// The server need not keep what will never be whole. Nobody waits for the answer.
    fn cancel(&self, connection: u64, file_id: u64) {
        let (_, id) = self.line.id();
        let fields = Fields { file_id: Some(file_id), ..Fields::new("file_cancel") };
        self.line.send(connection, &id, fields);
    }

    /// The answer to this request; those to earlier ones say nothing any more.
    fn answer(&self, connection: u64, number: u64) -> Result<Vec<u8>, End> {
        loop {
            let frame = self.next(connection, number)?;
            if Incoming::decode(&frame).is_some_and(|answer| answered(&answer) == Some(number)) {
                return Ok(frame);
            }
        }
    }

    /// The next answer to this request or a later one, if it is a yes.
    fn next(&self, connection: u64, first: u64) -> Result<Vec<u8>, End> {
        loop {
            let frame = match self.line.next(connection, ANSWER_MAX) {
                Next::Frame(frame) => frame,
                Next::Lost => return Err(End::Lost),
                Next::Silence => return Err(End::Failed(Failed::NoAnswer)),
            };
            let Some(answer) = Incoming::decode(&frame) else { continue };
            if answered(&answer).is_none_or(|number| number < first) {
                continue;
            }
            if !answer.is_error() {
                return Ok(frame);
            }
            return Err(match code(&answer) {
                Some(Code::UnknownFile | Code::InvalidChunk | Code::HashMismatch) => {
                    End::Again(frame)
                }
                // The connection is about to close.
                Some(Code::ShuttingDown) => End::Lost,
                _ => End::Failed(Failed::Refused(frame)),
            });
        }
    }
}

fn is(frame: &[u8], wanted: Code) -> bool {
    Incoming::decode(frame).is_some_and(|answer| code(&answer) == Some(wanted))
}
