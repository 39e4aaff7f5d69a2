//! JSON by hand where it is hot: frames as they are written, and the plain requests that nearly all
//! traffic consists of. Everything else goes through serde; a property test holds the two together.

use super::event::{Content, Encode};
use super::request::{Fields, RequestId};
use super::{Code, Text};
use crate::limits::{JSON_MARKS_MAX, REQUEST_ID_BYTES_MAX, WIRE_NUMBER_MAX};

/// A field's name, ready to be written: `,"name":`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(pub(super) &'static str);

/// Makes a [`Key`] of a name, at compile time.
macro_rules! key {
    ($name:literal) => {
        $crate::wire::json::Key(concat!(",\"", $name, "\":"))
    };
}
pub(super) use key;

/// Writes one JSON object into a buffer, field by field.
#[derive(Debug)]
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    /// Nothing was written yet.
    empty: bool,
}

impl<'o> Object<'o> {
    /// An object with nothing in it yet.
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        Self { out, empty: true }
    }

    /// A string.
    pub(super) fn text(&mut self, key: Key, value: &str) -> &mut Self {
        self.key(key);
        string(self.out, value);
        self
    }

    /// A string that is known to stand within quotes as it is: one of our own words, a name, a text
    /// that came so.
    pub(super) fn plain(&mut self, key: Key, value: &str) -> &mut Self {
        debug_assert!(is_plain(value.as_bytes()), "{value:?} would need escapes");
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
        self
    }

    /// A string, if there is one.
    pub(super) fn maybe_text(&mut self, key: Key, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    /// A plain string, if there is one.
    pub(super) fn maybe_plain(&mut self, key: Key, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.plain(key, value);
        }
        self
    }

    /// What a message says.
    pub(super) fn content(&mut self, content: Content<'_>) -> &mut Self {
        if content.plain {
            self.plain(key!("content"), content.text)
        } else {
            self.text(key!("content"), content.text)
        }
    }

    /// A number.
    pub(super) fn number(&mut self, key: Key, value: u64) -> &mut Self {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self
    }

    /// A number, if there is one.
    pub(super) fn maybe_number(&mut self, key: Key, value: Option<u64>) -> &mut Self {
        if let Some(value) = value {
            self.number(key, value);
        }
        self
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: Key, value: bool) -> &mut Self {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// `null`.
    pub(super) fn null(&mut self, key: Key) -> &mut Self {
        self.key(key);
        self.out.extend_from_slice(b"null");
        self
    }

    /// An object in the object.
    pub(super) fn event(&mut self, key: Key, event: &impl Encode) -> &mut Self {
        self.key(key);
        event.encode(self.out);
        self
    }

    /// A request's own label, if it had one.
    pub(super) fn id(&mut self, id: Option<&RequestId<'_>>) -> &mut Self {
        match id {
            None => {}
            Some(RequestId::Text(text)) => {
                self.text(key!("id"), text);
            }
            Some(RequestId::Number(number)) => {
                self.key(key!("id"));
                self.out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            }
        }
        self
    }

    /// An array of strings.
    pub(super) fn texts(&mut self, key: Key, values: &[&str]) -> &mut Self {
        self.array(key, values, |out, value| string(out, value))
    }

    /// An array, each element written by `write`.
    pub(super) fn array<T>(
        &mut self,
        key: Key,
        values: &[T],
        write: impl Fn(&mut Vec<u8>, &T),
    ) -> &mut Self {
        self.key(key);
        self.out.push(b'[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            write(self.out, value);
        }
        self.out.push(b']');
        self
    }

    /// The end of the object.
    pub(super) fn end(&mut self) {
        if self.empty {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    fn key(&mut self, Key(key): Key) {
        if self.empty {
            self.empty = false;
            self.out.push(b'{');
            self.out.extend_from_slice(&key.as_bytes()[1..]);
        } else {
            self.out.extend_from_slice(key.as_bytes());
        }
    }
}

fn string(out: &mut Vec<u8>, value: &str) {
    if is_plain(value.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    } else {
        let start = out.len();
        // Writing a string into memory has no way to fail.
        if serde_json::to_writer(&mut *out, value).is_err() {
            out.truncate(start);
        }
    }
}

/// Whether a string's bytes are themselves within JSON's quotes (RFC 8259, section 7): no quote, no
/// backslash, no control character. Eight at a time; the tests of single bytes are those of
/// "Bit Twiddling Hacks" ("determine if a word has a zero byte", "a byte less than n").
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let special = words.iter().fold(special(last), |found, word| found | special(*word));
    special == 0
}

/// How many plain bytes stand before the first that is not.
fn plain_prefix(bytes: &[u8]) -> usize {
    // Long strings are mostly plain: many words at a time, which the compiler makes wide ones of.
    let (blocks, _) = bytes.as_chunks::<128>();
    let plain = |block: &&[u8; 128]| {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(0, |found, word| found | special(*word)) == 0
    };
    let skipped = blocks.iter().take_while(plain).count() * 128;
    let (words, rest) = bytes[skipped..].as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = special(*word);
        if found != 0 {
            // The lowest mark is exact; those above it may be echoes of its borrow.
            return skipped + at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    // The filling is not plain, so there is a mark.
    bytes.len() - rest.len() + special(last).trailing_zeros() as usize / 8
}

/// Not zero if a byte of the word is special; the lowest mark is that of the first such byte.
fn special(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(word);
    let below = |limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |byte: u8| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        zero_where_equal.wrapping_sub(ONES) & !zero_where_equal
    };
    (below(0x20) | equal(b'"') | equal(b'\\')) & HIGH
}

/// Reads a plain request: one flat object of strings without escapes, small whole numbers and truth
/// values, with no more fields than there are. Returns `false`, leaving anything in `fields`, for all
/// else, be it wrong or only unusual: then serde decides.
pub(super) fn read_plain<'a>(text: &'a str, fields: &mut Fields<'a>) -> bool {
    Scanner { text, at: 0 }.object(fields).is_some()
}

/// Refuses what would take long to read: arrays and objects deeper within one another than so many, or
/// more than [`JSON_MARKS_MAX`] quotes, commas, brackets and escapes. Of what is no JSON it says
/// anything.
pub(super) fn weigh(text: &str, depth_max: usize) -> Result<(), Code> {
    let mark = |byte: &u8| matches!(byte, b'"' | b',' | b'{' | b'}' | b'[' | b']');
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut marks, mut quoted) = (0, 0usize, 0usize, false);
    loop {
        let rest = &bytes[at..];
        at += if quoted {
            plain_prefix(rest)
        } else {
            rest.iter().position(mark).unwrap_or(rest.len())
        };
        let Some(byte) = bytes.get(at) else { return Ok(()) };
        at += 1;
        marks += 1;
        match byte {
            b'"' => quoted = !quoted,
            // What is escaped is passed over with its backslash.
            b'\\' => at = (at + 1).min(bytes.len()),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return Err(Code::InvalidJson);
        }
        if marks > JSON_MARKS_MAX {
            return Err(Code::TooLarge);
        }
    }
}

/// Fields in a request that is read by hand. [`Fields`] has 40.
const FIELDS_MAX: usize = 64;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Truth(bool),
}

impl<'a> Scanner<'a> {
    fn object(&mut self, fields: &mut Fields<'a>) -> Option<()> {
        self.expect(b'{')?;
        for _ in 0..FIELDS_MAX {
            self.expect(b'"')?;
            let key = self.string()?;
            self.expect(b':')?;
            let value = self.value()?;
            set(fields, key, &value)?;
            match self.next()? {
                b',' => {}
                b'}' => {
                    self.space();
                    return (self.at == self.text.len()).then_some(());
                }
                _ => return None,
            }
        }
        None
    }

    fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<u8> {
        self.space();
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// The rest of a string whose opening quote was read, if it has no escapes.
    fn string(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let end = plain_prefix(rest.as_bytes());
        self.at += end + 1;
        (rest.as_bytes().get(end) == Some(&b'"')).then(|| &rest[..end])
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.next()? {
            b'"' => self.string().map(Value::Text),
            b't' => self.literal("rue", true),
            b'f' => self.literal("alse", false),
            first @ (b'-' | b'0'..=b'9') => self.number(first),
            _ => None,
        }
    }

    fn literal(&mut self, rest: &str, truth: bool) -> Option<Value<'a>> {
        self.text[self.at..].starts_with(rest).then(|| {
            self.at += rest.len();
            Value::Truth(truth)
        })
    }

    /// A whole number of at most 16 digits, without a leading zero, a point or an exponent.
    fn number(&mut self, first: u8) -> Option<Value<'a>> {
        let start = self.at - 1;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        let digits = if first == b'-' { start + 1 } else { start };
        let leading_zero = bytes.get(digits) == Some(&b'0') && self.at > digits + 1;
        let unusual = matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        if leading_zero
            || unusual
            || self.at - digits > 16
            || self.text.get(start..self.at)? == "-0"
        {
            return None;
        }
        self.text[start..self.at].parse().ok().map(Value::Number)
    }
}

/// Puts a value where its key says; a second one of the same key is serde's to refuse.
fn set<'a>(fields: &mut Fields<'a>, key: &str, value: &Value<'a>) -> Option<()> {
    fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
        place.replace(value).is_none().then_some(())
    }
    let text = match key {
        "type" => &mut fields.kind,
        "recipient" => &mut fields.recipient,
        "content" => &mut fields.content,
        "group_name" => &mut fields.group_name,
        "sender" => &mut fields.sender,
        "username" => &mut fields.username,
        "creator" => &mut fields.creator,
        "requester" => &mut fields.requester,
        "password" => &mut fields.password,
        "old_password" => &mut fields.old_password,
        "token" => &mut fields.token,
        "lang" => &mut fields.lang,
        "client" => &mut fields.client,
        "with" => &mut fields.with,
        "emoji" => &mut fields.emoji,
        "query" => &mut fields.query,
        "new_member" => &mut fields.new_member,
        "member" => &mut fields.member,
        "new_name" => &mut fields.new_name,
        "filename" => &mut fields.filename,
        "file_data" => &mut fields.file_data,
        "data" => &mut fields.data,
        "sha256" => &mut fields.sha256,
        "file_type" => &mut fields.file_type,
        "id" => {
            return match *value {
                Value::Text(text) if text.len() <= REQUEST_ID_BYTES_MAX => {
                    put(&mut fields.id, RequestId::Text(Text::from(text)))
                }
                Value::Number(number) if number.unsigned_abs() <= WIRE_NUMBER_MAX => {
                    put(&mut fields.id, RequestId::Number(number))
                }
                _ => None,
            };
        }
        "since" | "reply_to" | "msg_id" | "before" | "after" | "limit" | "size" | "file_id"
        | "offset" | "length" => {
            let place = match key {
                "size" => &mut fields.size,
                "file_id" => &mut fields.file_id,
                "offset" => &mut fields.offset,
                "length" => &mut fields.length,
                "since" => &mut fields.since,
                "reply_to" => &mut fields.reply_to,
                "before" => &mut fields.before,
                "after" => &mut fields.after,
                "limit" => &mut fields.limit,
                _ => &mut fields.msg_id,
            };
            let Value::Number(number) = *value else { return None };
            return put(place, u64::try_from(number).ok()?);
        }
        "want_token" | "everywhere" | "all" | "private" => {
            let place = match key {
                "want_token" => &mut fields.want_token,
                "everywhere" => &mut fields.everywhere,
                "all" => &mut fields.all,
                _ => &mut fields.private,
            };
            let Value::Truth(truth) = *value else { return None };
            return put(place, truth);
        }
        "features" => return None,
        // Passed over, as serde does.
        _ => return Some(()),
    };
    let Value::Text(value) = *value else { return None };
    put(text, Text::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_is_written_as_serde_would() {
        let mut out = Vec::new();
        Object::begin(&mut out)
            .text(key!("a"), "\"\\\n\u{1}é😀")
            .number(key!("b"), u64::MAX)
            .truth(key!("c"), true)
            .id(Some(&RequestId::Number(-1)))
            .texts(key!("d"), &["x", "\t"])
            .maybe_text(key!("e"), None)
            .maybe_number(key!("f"), Some(0))
            .end();
        let expected = r#"{"a":"\"\\\n\u0001é😀","b":18446744073709551615,"c":true,"id":-1,"d":["x","\t"],"f":0}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        Object::begin(&mut out).end();
        assert_eq!(out, b"{}");
    }

    proptest! {
        #[test]
        fn plain_bytes_are_those_that_serde_leaves_alone(
            plain in "[a-z]{0,400}", text in "[ -~é\\x00-\\x1f]{0,100}",
        ) {
            let text = plain + &text;
            let same = serde_json::to_string(&text).unwrap() == format!("\"{text}\"");
            prop_assert_eq!(is_plain(text.as_bytes()), same);
            let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let first = text.bytes().position(|byte| special(&byte)).unwrap_or(text.len());
            prop_assert_eq!(plain_prefix(text.as_bytes()), first);
        }
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        for (json, depth) in [
            ("{}", 1),
            (r#"{"a":[1],"b":{"c":[2]},"d":[]}"#, 3),
            (r#"{"a":"[[[[","b":"\"[[[","c\\":[]}"#, 2),
            (r#"{"a":"\\","b":[[]]}"#, 3),
            (r#"{"\u005b":"]]}}"}"#, 1),
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
            assert!(weigh(json, depth).is_ok(), "{json}");
            assert_eq!(weigh(json, depth - 1), Err(Code::InvalidJson), "{json}");
        }
        assert_eq!(weigh(&"[".repeat(1_000_000), 16), Err(Code::InvalidJson));
    }

    #[test]
    fn quotes_commas_brackets_and_escapes_are_counted() {
        for (open, mark, close, each) in [
            ("[0", ",0", "]", 1),
            ("[", "\"\"", "]", 2),
            ("[", "{}", "]", 2),
            ("\"", "\\n", "\"", 1),
            ("\"", "\\\"", "\"", 1),
        ] {
            let with = |marks: usize| format!("{open}{}{close}", mark.repeat(marks / each));
            assert_eq!(weigh(&with(JSON_MARKS_MAX - 2), 16), Ok(()), "{mark}");
            assert_eq!(weigh(&with(JSON_MARKS_MAX), 16), Err(Code::TooLarge), "{mark}");
        }
        let plain = format!("[\"{}\"{}]", ",[{\u{e9}".repeat(1_000_000), " ".repeat(1_000_000));
        assert_eq!(weigh(&plain, 16), Ok(()));
    }

    #[test]
    fn ordinary_requests_are_plain() {
        for json in [
            r#"{"type":"private_message","recipient":"bia","content":"olá, tudo bem?"}"#,
            r#"{"type": "group_message", "id": 7, "group_name": "SD", "content": "oi", "reply_to": 12}"#,
            r#"{ "type" : "create_group" , "group_name":"x","private":true }"#,
        ] {
            assert!(read_plain(json, &mut Fields::default()), "{json}");
        }
    }
}
