//! What clients say about files: whole ones, and those in pieces.

use super::{Reader, Refusal, Request, Target, required};
use crate::limits::WIRE_NUMBER_MAX;
use crate::wire::{Code, Text};

/// What is to be done with a file in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRequest<'a> {
    /// `file_begin`
    Begin {
        /// To whom.
        to: Target<'a>,
        /// What the sender calls it.
        filename: Text<'a>,
        /// Its size in bytes.
        size: u64,
        /// Its SHA-256.
        sha256: Sha256,
    },
    /// `file_chunk`
    Chunk {
        /// Of which upload.
        file_id: u64,
        /// Where it belongs, in bytes.
        offset: u64,
        /// Its bytes in base64.
        data: Text<'a>,
    },
    /// `file_end`
    End {
        /// Which upload.
        file_id: u64,
    },
    /// `file_cancel`
    Cancel {
        /// Which upload.
        file_id: u64,
    },
    /// `file_get`
    Get {
        /// Which file.
        file_id: u64,
        /// From where on, in bytes.
        offset: u64,
        /// How much, in bytes; all that is left, if not said.
        length: Option<u64>,
    },
}

/// A SHA-256 (FIPS 180-4).
pub type Sha256 = [u8; 32];

impl<'a> Reader<'_, 'a> {
    pub(super) fn send_file(&mut self) -> Result<Request<'a>, Refusal> {
        let to_group = match self.0.file_type.as_deref() {
            None | Some("private") => false,
            Some("group") => true,
            Some(_) => {
                return Err(Refusal { code: Code::InvalidField, field: Some("file_type") });
            }
        };
        let recipient = required("recipient", self.0.recipient.take())?;
        let to = if to_group { Target::Group(recipient) } else { Target::User(recipient) };
        let filename = required("filename", self.0.filename.take())?;
        // An empty file is a file: its data is there, and empty.
        let data = self.0.file_data.take();
        let data = data.ok_or(Refusal { code: Code::MissingField, field: Some("file_data") })?;
        Ok(Request::SendFile { to, filename, data })
    }

    pub(super) fn file(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<FileRequest<'a>, Refusal>,
    ) -> Result<Request<'a>, Refusal> {
        what(self).map(Request::File)
    }

    pub(super) fn file_id(&mut self) -> Result<u64, Refusal> {
        self.0.file_id.ok_or(Refusal { code: Code::MissingField, field: Some("file_id") })
    }

    pub(super) fn file_begin(&mut self) -> Result<Request<'a>, Refusal> {
        let to = match (self.0.recipient.take(), self.0.group_name.take()) {
            (Some(user), None) => Target::User(required("recipient", Some(user))?),
            (None, Some(group)) => Target::Group(required("group_name", Some(group))?),
            (None, None) => {
                return Err(Refusal { code: Code::MissingField, field: Some("recipient") });
            }
            (Some(_), Some(_)) => {
                return Err(Refusal { code: Code::InvalidField, field: Some("recipient") });
            }
        };
        let filename = required("filename", self.0.filename.take())?;
        let missing = Refusal { code: Code::MissingField, field: Some("size") };
        let size = self.0.size.ok_or(missing)?;
        if size > WIRE_NUMBER_MAX {
            return Err(Refusal { code: Code::TooLarge, field: Some("size") });
        }
        let sha256 = required("sha256", self.0.sha256.take())?;
        let wrong = Refusal { code: Code::InvalidField, field: Some("sha256") };
        let sha256 = sha256_from_hex(&sha256).ok_or(wrong)?;
        Ok(Request::File(FileRequest::Begin { to, filename, size, sha256 }))
    }

    pub(super) fn file_chunk(&mut self) -> Result<Request<'a>, Refusal> {
        let file_id = self.file_id()?;
        let missing = |field| Refusal { code: Code::MissingField, field: Some(field) };
        let offset = self.0.offset.ok_or(missing("offset"))?;
        let data = self.0.data.take().ok_or(missing("data"))?;
        Ok(Request::File(FileRequest::Chunk { file_id, offset, data }))
    }
}

/// The hash that 64 hexadecimal digits spell.
pub fn sha256_from_hex(digits: &str) -> Option<Sha256> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let mut hash = Sha256::default();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(hash)
}

/// A hash as 64 hexadecimal digits.
pub fn sha256_to_hex(hash: &Sha256) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing into memory has no way to fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
