//! One file from the server, into a part that gets its name when its SHA-256 is right. A part that is
//! there already, from a lost connection or from another run, is gone on with.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::{Failed, Line, News, Next, answered};
use crate::client::downloads::Downloads;
use crate::client::offers::Offer;
use crate::client::show::code;
use crate::folder;
use crate::wire::Code;
use crate::wire::event::Incoming;
use crate::wire::request::{Fields, sha256_to_hex};

/// How long the next piece may take.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// Asked for at once: so much comes in vain when the disk is full.
const RUN_BYTES: u64 = 32 * 1024 * 1024;

/// How often a server that is busy is asked again, and after how long.
const BUSY: (u32, Duration) = (60, Duration::from_secs(2));

/// How often a server that does not keep to the protocol is asked again.
const ODD_MAX: u32 = 3;

/// Bytes hashed at once.
const BLOCK_BYTES: usize = 256 * 1024;

enum End {
    Lost,
    /// Not now.
    Busy(Vec<u8>),
    /// What came is not what was asked for.
    Odd,
    Failed(Failed),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        End::Failed(Failed::Disk(error.to_string()))
    }
}

/// Fetches a file, however many connections that takes, and says where it is.
pub(crate) fn download(
    line: &Line,
    downloads: &Downloads,
    offer: &Offer,
    tell: &mut dyn FnMut(News),
) -> Result<PathBuf, Failed> {
    tell(News::Opened { name: offer.filename.clone(), size: offer.size });
    let disk = |error: io::Error| Failed::Disk(error.to_string());
    let path = downloads.part(offer);
    let mut part = Part::open(downloads.folder(), &path, offer.size)?;
    if !part.hash(line).map_err(disk)? {
        return Err(Failed::Stopped);
    }
    let resumed = part.bytes > 0;
    match fetch(line, &mut part, offer, tell) {
        Err(failed @ Failed::Refused(_)) => {
            downloads.forget(offer);
            return Err(failed);
        }
        fetched => fetched?,
    }
    if !part.is_right(offer) {
        part.empty().map_err(disk)?;
        // What another run has left may be to blame: once more, from the start.
        if resumed {
            fetch(line, &mut part, offer, tell)?;
        }
        if !resumed || !part.is_right(offer) {
            downloads.drop_part(offer);
            return Err(Failed::WrongBytes);
        }
    }
    part.file.sync_all().map_err(disk)?;
    let kept = downloads.keep_part(offer).map_err(disk)?;
    downloads.forget(offer);
    Ok(kept)
}

fn fetch(
    line: &Line,
    part: &mut Part,
    offer: &Offer,
    tell: &mut dyn FnMut(News),
) -> Result<(), Failed> {
    let (mut busy, mut odd) = (0, 0);
    while part.bytes < offer.size {
        let connection = line.wait_online().ok_or(Failed::Stopped)?;
        tell(News::Began(part.bytes));
        loop {
            match run(line, connection, part, offer, tell) {
                Ok(()) if part.bytes < offer.size => continue,
                Ok(()) => {}
                Err(End::Lost) => tell(News::Waiting),
                Err(End::Busy(_)) if busy < BUSY.0 => {
                    busy += 1;
                    line.pause(BUSY.1);
                }
                Err(End::Busy(answer)) => return Err(Failed::Refused(answer)),
                Err(End::Odd) if odd < ODD_MAX => odd += 1,
                Err(End::Odd) => return Err(Failed::NoAnswer),
                Err(End::Failed(failed)) => return Err(failed),
            }
            break;
        }
    }
    Ok(())
}

/// Asks for one run of the file, and takes it.
fn run(
    line: &Line,
    connection: u64,
    part: &mut Part,
    offer: &Offer,
    tell: &mut dyn FnMut(News),
) -> Result<(), End> {
    let until = offer.size.min(part.bytes + RUN_BYTES);
    let (number, id) = line.id();
    line.listen_for(offer.file_id);
    let fields = Fields {
        file_id: Some(offer.file_id),
        offset: Some(part.bytes),
        length: Some(until - part.bytes),
        ..Fields::new("file_get")
    };
    line.send(connection, &id, fields);
    // What cannot be written is read to its end all the same: the next run has this line for itself.
    let mut failed = None;
    loop {
        let frame = match line.next(connection, ANSWER_MAX) {
            Next::Frame(frame) => frame,
            Next::Lost => return Err(End::Lost),
            Next::Silence => return Err(End::Failed(Failed::NoAnswer)),
        };
        let Some(event) = Incoming::decode(&frame) else { continue };
        if event.kind() == "file_data" && !event.is_error() {
            if failed.is_none() {
                failed = piece(part, &event, until).err();
                tell(News::Moved(part.bytes));
            }
        } else if answered(&event) == Some(number) {
            return match (failed, code(&event)) {
                (Some(failed), _) => Err(failed),
                (None, Some(Code::RateLimited | Code::StorageUnavailable | Code::ShuttingDown)) => {
                    Err(End::Busy(frame))
                }
                (None, _) if event.is_error() => Err(End::Failed(Failed::Refused(frame))),
                (None, _) if part.bytes == until => Ok(()),
                (None, _) => Err(End::Odd),
            };
        }
    }
}

/// Writes what one frame brings, where it belongs.
fn piece(part: &mut Part, event: &Incoming<'_>, until: u64) -> Result<(), End> {
    let data = event.data.as_deref().and_then(|data| STANDARD.decode(data).ok());
    let data = data.ok_or(End::Odd)?;
    if event.offset != Some(part.bytes) || data.len() as u64 > until - part.bytes {
        return Err(End::Odd);
    }
    part.write(&data)?;
    Ok(())
}

/// A file that is not whole yet.
struct Part {
    file: File,
    bytes: u64,
    hasher: Sha256,
}

impl Part {
    /// Opens what is there, or makes it. Nobody else has it at the same time.
    fn open(folder: &Path, path: &Path, size: u64) -> Result<Self, Failed> {
        let disk = |error: io::Error| Failed::Disk(error.to_string());
        fs::create_dir_all(folder).map_err(disk)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                folder::open_plain_with(&options, path).map_err(disk)?
            }
            file => file.map_err(disk)?,
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Failed::UnderWay),
            // There are file systems without locks.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        if file.metadata().map_err(disk)?.len() > size {
            file.set_len(0).map_err(disk)?;
        }
        Ok(Self { file, bytes: 0, hasher: Sha256::new() })
    }

    /// Hashes what is there. `false`: the user leaves.
    fn hash(&mut self, line: &Line) -> io::Result<bool> {
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            if line.is_stopped() {
                return Ok(false);
            }
            match self.file.read(&mut block) {
                Ok(0) => return Ok(true),
                Ok(count) => {
                    line.moves();
                    self.hasher.update(&block[..count]);
                    self.bytes += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(data);
        if written.is_err() {
            // Perhaps half of it was written: it is not counted, and goes.
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::Start(self.bytes))?;
        } else {
            self.hasher.update(data);
            self.bytes += data.len() as u64;
        }
        written
    }

    fn empty(&mut self) -> io::Result<()> {
        self.hasher = Sha256::new();
        self.bytes = 0;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0)).map(drop)
    }

    fn is_right(&self, offer: &Offer) -> bool {
        let hash = sha256_to_hex(&self.hasher.clone().finalize().into());
        self.bytes == offer.size && offer.sha256.as_ref().is_none_or(|wanted| *wanted == hash)
    }
}
