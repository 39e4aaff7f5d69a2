//! The bytes of one message, to the papo server and to the raw relay, and what can be told from
//! the lines that come back.
//!
//! The load tool must cost far less than what it measures. So a message is a template in which a
//! number is counted up in place, and what arrives is compared with what must arrive at known
//! places. A line that does not look as expected is decoded as JSON in full before it is judged,
//! and so is one line in [`DECODED_IN_FULL_EVERY`].

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem::{self, Finder};

use super::relay::{KEY_BYTES, PASS_ON};
use super::websocket;
use crate::wire::Text;
use crate::wire::event::Incoming;
use crate::wire::frame::Framing;
use crate::wire::request::{Fields, RequestId};

/// Decimal digits of a message's number, which is also the request's `id`.
const NUMBER_DIGITS: usize = 10;

/// The first number there is. JSON knows no leading zeros.
pub(super) const FIRST_NUMBER: u64 = 1_000_000_000;

/// Numbers that belong to one round: none repeats in a run, which has less than 90 rounds.
pub(super) const NUMBERS_PER_ROUND: u64 = 100_000_000;

/// Digits of the flow's index in a text.
const FLOW_DIGITS: usize = 6;

/// Bytes at the start of each text that tell run, flow and number: `1a2b3c4d 000012 1000000345 `.
const MARK_BYTES: usize = RUN_BYTES + 1 + FLOW_DIGITS + 1 + NUMBER_DIGITS + 1;

/// Hexadecimal digits that tell one run of the tool from another.
pub(super) const RUN_BYTES: usize = 8;

/// The shortest text that holds its mark and something to compare.
pub(super) const TEXT_BYTES_MIN: usize = 32;

/// One line in so many is decoded as JSON even when it looks right.
const DECODED_IN_FULL_EVERY: u64 = 256;

/// What fills a text behind its mark. Accents, because people write them and UTF-8 has to survive.
const FILLER: &str = "Olá, tudo bem? Não há pressa: é só um teste de carga. ";

/// To whom a flow speaks.
#[derive(Clone, Copy, Debug)]
pub(super) enum To<'a> {
    /// One person.
    User(&'a str),
    /// A group.
    Group(&'a str),
}

/// Who is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A papo server: JSON lines, and an answer to each message.
    Papo,
    /// The same over a WebSocket.
    Web,
    /// The raw relay: lines with the recipient at a fixed place, no answers.
    Raw,
}

impl Dialect {
    /// How frames are told apart.
    pub(super) fn framing(self) -> Framing {
        match self {
            Dialect::Papo | Dialect::Raw => Framing::Line,
            Dialect::Web => Framing::WebSocket,
        }
    }

    /// One request to a papo server.
    pub(super) fn request(self, fields: &Fields<'_>) -> Vec<u8> {
        let json = fields.encode();
        if self == Dialect::Web {
            return websocket::frame(&json);
        }
        let mut line = Vec::new();
        Framing::Line.encode(&json, &mut line);
        line
    }
}

/// Where in which flow a text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) flow: usize,
    pub(super) number: u64,
}

/// The texts of one run.
#[derive(Clone, Debug)]
pub(super) struct Wording {
    run: String,
    filler: String,
}

impl Wording {
    /// Texts of `bytes` bytes that carry `run`, which has [`RUN_BYTES`] bytes.
    pub(super) fn new(run: &str, bytes: usize) -> Self {
        let room = bytes.saturating_sub(MARK_BYTES);
        let mut filler = String::with_capacity(room);
        for letter in FILLER.chars().cycle() {
            if filler.len() + letter.len_utf8() > room {
                break;
            }
            filler.push(letter);
        }
        while filler.len() < room {
            filler.push('.');
        }
        Self { run: run.to_owned(), filler }
    }

    /// The length of each text in bytes.
    fn bytes(&self) -> usize {
        MARK_BYTES + self.filler.len()
    }

    fn text(&self, mark: Mark) -> String {
        let Mark { flow, number } = mark;
        format!("{} {flow:0FLOW_DIGITS$} {number:0NUMBER_DIGITS$} {}", self.run, self.filler)
    }

    /// The mark of a text of ours that arrived whole; of any other, `None`.
    fn read(&self, text: &[u8]) -> Option<Mark> {
        let rest = text.strip_prefix(self.run.as_bytes())?.strip_prefix(b" ")?;
        let (flow, rest) = rest.split_at_checked(FLOW_DIGITS)?;
        let (number, rest) = rest.strip_prefix(b" ")?.split_at_checked(NUMBER_DIGITS)?;
        if rest.strip_prefix(b" ")? != self.filler.as_bytes() {
            return None;
        }
        Some(Mark { flow: usize::try_from(decimal(flow)?).ok()?, number: decimal(number)? })
    }
}

/// The next line of one flow.
#[derive(Clone, Debug)]
pub(super) struct Template {
    line: Vec<u8>,
    id: Option<Range<usize>>,
    number: Range<usize>,
}

impl Template {
    /// The lines of a flow whose first message is `first`.
    pub(super) fn new(dialect: Dialect, wording: &Wording, first: Mark, to: To<'_>) -> Self {
        let text = wording.text(first);
        let request = request(dialect, first.number, &text, to);
        let (line, id) = match dialect {
            Dialect::Papo | Dialect::Web => {
                let digits = position(&request, br#""id":"#) + br#""id":"#.len();
                (request, Some(digits..digits + NUMBER_DIGITS))
            }
            Dialect::Raw => {
                let mut line = vec![PASS_ON];
                line.extend_from_slice(&key(to));
                line.extend_from_slice(text.as_bytes());
                // As long as the request, so that both servers move the same number of bytes in.
                line.resize(request.len().max(line.len() + 1) - 1, b' ');
                line.push(b'\n');
                (line, None)
            }
        };
        let number = position(&line, text.as_bytes()) + MARK_BYTES - 1 - NUMBER_DIGITS;
        Self { line, id, number: number..number + NUMBER_DIGITS }
    }

    /// Appends the line, and makes it the next one.
    pub(super) fn write_next(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.line);
        count_up(&mut self.line[self.number.clone()]);
        if let Some(id) = self.id.clone() {
            count_up(&mut self.line[id]);
        }
    }
}

fn request(dialect: Dialect, number: u64, text: &str, to: To<'_>) -> Vec<u8> {
    let id = i64::try_from(number).ok().map(RequestId::Number);
    let fields = match to {
        To::User(name) => {
            Fields { recipient: Some(Text::from(name)), ..Fields::new("private_message") }
        }
        To::Group(name) => {
            Fields { group_name: Some(Text::from(name)), ..Fields::new("group_message") }
        }
    };
    dialect.request(&Fields { id, content: Some(Text::from(text)), ..fields })
}

/// The relay's fixed-length key of a name.
pub(super) fn key(to: To<'_>) -> [u8; KEY_BYTES] {
    let (To::User(name) | To::Group(name)) = to;
    let mut key = [b' '; KEY_BYTES];
    let length = name.len().min(KEY_BYTES);
    key[..length].copy_from_slice(&name.as_bytes()[..length]);
    key
}

/// What a line from the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// A message. Without a mark it is not as it was sent.
    Delivery {
        mark: Option<Mark>,
        /// Whom the server names as its sender, where it does.
        sender: Option<Cow<'a, str>>,
    },
    /// The server took the message of this number.
    Answer { number: Option<u64> },
    /// The server refused something.
    Refusal { number: Option<u64>, why: String },
    /// Something else that a server may say.
    Other,
    /// No JSON, or none that a server would send.
    Garbage,
}

/// Understands what one server says.
#[derive(Debug)]
pub(super) struct Ear {
    dialect: Dialect,
    wording: Wording,
    lines: u64,
    sender: Finder<'static>,
    content: Finder<'static>,
    id: Finder<'static>,
}

impl Ear {
    pub(super) fn new(dialect: Dialect, wording: Wording) -> Self {
        Self {
            dialect,
            wording,
            lines: 0,
            sender: Finder::new(br#""sender":""#),
            content: Finder::new(br#""content":""#),
            id: Finder::new(br#""id":"#),
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn wording(&self) -> &Wording {
        &self.wording
    }

    /// Understands one line.
    pub(super) fn hear<'a>(&mut self, line: &'a [u8]) -> Heard<'a> {
        if self.dialect == Dialect::Raw {
            return self.hear_raw(line);
        }
        self.lines += 1;
        if self.lines.is_multiple_of(DECODED_IN_FULL_EVERY) {
            return self.hear_thoroughly(line);
        }
        self.hear_quickly(line).unwrap_or_else(|| self.hear_thoroughly(line))
    }

    fn hear_raw<'a>(&self, line: &[u8]) -> Heard<'a> {
        let Some(rest) = line.strip_prefix(&[PASS_ON]) else {
            return Heard::Other;
        };
        let text = rest.get(KEY_BYTES..KEY_BYTES + self.wording.bytes());
        Heard::Delivery { mark: text.and_then(|text| self.wording.read(text)), sender: None }
    }

    /// The two kinds of line that make up nearly all, as the papo server writes them. Inside a JSON
    /// string a quote is escaped, so `"content":"` can only be the name of a field.
    fn hear_quickly<'a>(&self, line: &'a [u8]) -> Option<Heard<'a>> {
        let object = line.strip_suffix(b"}")?;
        if let Some(fields) =
            object.strip_prefix(br#"{"type":"message_response","status":"success","#)
        {
            let at = self.id.find(fields)? + self.id.needle().len();
            let digits = fields.get(at..at + NUMBER_DIGITS)?;
            return match fields.get(at + NUMBER_DIGITS) {
                None | Some(b',') => Some(Heard::Answer { number: Some(decimal(digits)?) }),
                Some(_) => None,
            };
        }
        let fields = object
            .strip_prefix(br#"{"type":"private_message_received","#)
            .or_else(|| object.strip_prefix(br#"{"type":"group_message_received","#))?;
        let fields = &fields[self.sender.find(fields)? + self.sender.needle().len()..];
        let (sender, fields) = fields.split_at(memchr::memchr2(b'"', b'\\', fields)?);
        let fields = fields.strip_prefix(b"\"")?;
        let text = &fields[self.content.find(fields)? + self.content.needle().len()..];
        let (text, after) = text.split_at_checked(self.wording.bytes())?;
        if after.first() != Some(&b'"') {
            return None;
        }
        Some(Heard::Delivery {
            mark: Some(self.wording.read(text)?),
            sender: Some(Cow::Borrowed(std::str::from_utf8(sender).ok()?)),
        })
    }

    fn hear_thoroughly<'a>(&self, line: &'a [u8]) -> Heard<'a> {
        let Some(frame) = Incoming::decode(line) else {
            return Heard::Garbage;
        };
        let number = match &frame.id {
            Some(RequestId::Number(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        if frame.is_error() {
            let why = frame.message.or(frame.code);
            return Heard::Refusal { number, why: why.unwrap_or_default().into_owned() };
        }
        match frame.kind() {
            "message_response" => Heard::Answer { number },
            "private_message_received" | "group_message_received" => Heard::Delivery {
                mark: frame.content.and_then(|content| self.wording.read(content.as_bytes())),
                sender: frame.sender.map(|sender| sender.0),
            },
            "" => Heard::Garbage,
            _ => Heard::Other,
        }
    }
}

/// Adds one to a number in ASCII digits, in place.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Where a line of ours has a part that was put into it.
fn position(line: &[u8], part: &[u8]) -> usize {
    memmem::find(line, part).expect("the line was made with this part in it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::{Request, Target, decode};

    const FIRST: Mark = Mark { flow: 7, number: 1_999_999_999 };

    fn ear() -> Ear {
        Ear::new(Dialect::Papo, Wording::new("1a2b3c4d", 100))
    }

    #[test]
    fn a_template_counts_its_number_up_in_text_and_id() {
        let wording = Wording::new("1a2b3c4d", 100);
        let mut template = Template::new(Dialect::Papo, &wording, FIRST, To::User("carga-0002"));
        let mut out = Vec::new();
        template.write_next(&mut out);
        template.write_next(&mut out);
        let lines: Vec<&[u8]> = out.trim_ascii_end().split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 2);
        for (line, number) in lines.iter().zip([1_999_999_999_u64, 2_000_000_000]) {
            let envelope = decode(line, &crate::limits::Limits::default());
            assert_eq!(envelope.id, i64::try_from(number).ok().map(RequestId::Number));
            let Ok(Request::Message { to, content, .. }) = envelope.request else {
                panic!("not a message")
            };
            assert_eq!(to, Target::User(Text::from("carga-0002")));
            assert_eq!(content.len(), 100);
            assert_eq!(wording.read(content.as_bytes()), Some(Mark { flow: 7, number }));
        }
    }

    #[test]
    fn a_raw_line_is_as_long_as_the_request() {
        let wording = Wording::new("1a2b3c4d", 64);
        for to in [To::User("carga-0002"), To::Group("carga")] {
            let mut lines = [Dialect::Papo, Dialect::Raw].map(|dialect| {
                let mut line = Vec::new();
                Template::new(dialect, &wording, FIRST, to).write_next(&mut line);
                line
            });
            assert_eq!(lines[0].len(), lines[1].len());
            assert_eq!(lines[1].pop(), Some(b'\n'));
            let mut ear = Ear::new(Dialect::Raw, wording.clone());
            assert_eq!(ear.hear(&lines[1]), Heard::Delivery { mark: Some(FIRST), sender: None });
        }
    }

    #[test]
    fn quick_and_thorough_reading_agree() {
        let ear = ear();
        let text = ear.wording.text(FIRST);
        let delivery = format!(
            r#"{{"type":"private_message_received","msg_id":5,"prev":4,"sender":"ana","recipient":"bia","content":"{text}","timestamp":"14:30:25","ts":1,"id":1999999999}}"#
        );
        let answer = r#"{"type":"message_response","status":"success","message":"Mensagem \"id\":1 enviada","id":1999999999,"msg_id":5,"ts":2,"delivered":1}"#;
        for line in [delivery.as_str(), answer] {
            let quick = ear.hear_quickly(line.as_bytes());
            assert!(quick.is_some(), "{line}");
            assert_eq!(quick, Some(ear.hear_thoroughly(line.as_bytes())));
        }
    }

    #[test]
    fn what_is_spelled_otherwise_is_understood_and_what_is_damaged_is_noticed() {
        let mut ear = ear();
        let text = ear.wording.text(FIRST);
        let escaped = text.replace('é', "\\u00e9");
        let line =
            format!(r#"{{"content":"{escaped}","sender":"ana","type":"group_message_received"}}"#);
        assert_eq!(
            ear.hear(line.as_bytes()),
            Heard::Delivery { mark: Some(FIRST), sender: Some(Cow::Borrowed("ana")) }
        );
        let damaged = line.replace("pressa", "presta");
        assert!(matches!(ear.hear(damaged.as_bytes()), Heard::Delivery { mark: None, .. }));
        assert_eq!(ear.hear(b"{\"type\":"), Heard::Garbage);
        assert_eq!(ear.hear(b"{\"type\":\"synced\"}"), Heard::Other);
        assert_eq!(
            ear.hear(br#"{"type":"message_response","status":"error","message":"n","id":3}"#),
            Heard::Refusal { number: Some(3), why: "n".to_owned() }
        );
    }

    #[test]
    fn any_size_is_met_to_the_byte() {
        for bytes in TEXT_BYTES_MIN..200 {
            assert_eq!(Wording::new("1a2b3c4d", bytes).text(FIRST).len(), bytes);
        }
    }
}
