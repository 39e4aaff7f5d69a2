//! Conversations on the screen: pages of history, what a search has found, the list of
//! conversations, and what was changed. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Datelike};

use crate::text::client as text;
use crate::text::{Lang, Sentence};
use crate::wire::event::{Incoming, MsgId};

use super::{Line, Reader, Style, beginning, one_line};
use crate::client::menu::PAGE_MESSAGES;
use crate::client::place::Place;
use crate::client::sanitize::message;

const DAY_S: i64 = 24 * 60 * 60;
const HOUR_S: i64 = 60 * 60;

/// A day of the calendar: year, month, day.
pub(crate) type Day = (i32, u32, u32);

/// Puts a line between the messages of two days.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calendar {
    day: Option<Day>,
}

impl Calendar {
    /// The line before something of this day, if what came before it is of another.
    pub(crate) fn turn_to(&mut self, day: Option<Day>, lang: Lang) -> Option<Line> {
        let today = day?;
        if self.day.replace(today) == Some(today) {
            return None;
        }
        let (year, month, day) = today;
        Some(Line::new(Style::Dim, text::day(lang, year, month, day)))
    }
}

/// The day of an event at the server, whose clock its timestamp shows. The distance of that clock
/// from UTC is what `timestamp` and `ts` differ by.
pub(crate) fn day(event: &Incoming<'_>) -> Option<Day> {
    let utc = i64::try_from(event.ts? / 1_000).ok()?;
    let mut clock = event.timestamp.as_deref()?.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let shown = i64::from(hours % 24) * HOUR_S + i64::from(minutes % 60 * 60 + seconds % 60);
    // Two offsets are a day apart now and then, as -11 and +13; more people live at the latter.
    let offset = match shown - utc.rem_euclid(DAY_S) {
        offset if offset > 13 * HOUR_S => offset - DAY_S,
        offset if offset <= -11 * HOUR_S => offset + DAY_S,
        offset => offset,
    };
    let date = DateTime::from_timestamp(utc.checked_add(offset)?, 0)?.date_naive();
    Some((date.year(), date.month(), date.day()))
}

/// What is known of a message that is spoken of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quote<'a> {
    /// Who wrote it.
    pub(crate) sender: &'a str,
    /// How it begins.
    pub(crate) beginning: &'a str,
    /// What it says, where that is known.
    pub(crate) text: Option<Fingerprint>,
}

/// A message's text, as far as it takes to tell it from another of the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// A text's fingerprint.
pub(crate) fn fingerprint(text: &str) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Fingerprint(hasher.finish())
}

impl Reader<'_> {
    /// A page of a conversation's history.
    pub(crate) fn history(&self, answer: &Incoming<'_>, place: &Place) -> Vec<Line> {
        let messages = answer.messages.as_deref().unwrap_or_default();
        if messages.is_empty() {
            return vec![Line::new(Style::Plain, text::NO_HISTORY.get(self.lang))];
        }
        let (delivered, read) = (answer.delivered.unwrap_or(0), answer.read.unwrap_or(0));
        let head = text::history_of(self.lang, &one_line(&place.name), place.is_group);
        let mut lines = vec![Line::new(Style::Title, head)];
        let mut calendar = Calendar::default();
        for event in messages {
            lines.extend(calendar.turn_to(day(event), self.lang));
            lines.extend(self.marked(event, self.mark(event, delivered, read)));
        }
        if answer.more == Some(true) {
            lines.push(Line::new(Style::Dim, text::HAS_OLDER.get(self.lang)));
        }
        lines
    }

    /// How far an own message has come.
    fn mark(&self, event: &Incoming<'_>, delivered: MsgId, read: MsgId) -> Option<Sentence> {
        let msg_id = event.msg_id?;
        if !event.sender.as_deref().is_some_and(|sender| self.is_me(sender)) {
            return None;
        }
        if msg_id <= read {
            return Some(text::READ);
        }
        (msg_id <= delivered).then_some(text::DELIVERED)
    }

    /// What a search has found: the newest comes last, where the eye is.
    pub(crate) fn found(&self, answer: &Incoming<'_>) -> Vec<Line> {
        let messages = answer.messages.as_deref().unwrap_or_default();
        if messages.is_empty() {
            return vec![Line::new(Style::Plain, text::NOTHING_FOUND.get(self.lang))];
        }
        let shown = &messages[..messages.len().min(PAGE_MESSAGES)];
        let is_all = shown.len() == messages.len();
        let head = text::found(self.lang, shown.len(), is_all);
        let mut lines = vec![Line::new(Style::Title, head)];
        let mut calendar = Calendar::default();
        for event in shown.iter().rev() {
            lines.extend(calendar.turn_to(day(event), self.lang));
            lines.extend(self.event(event));
        }
        lines
    }

    /// The answer to `list_conversations`.
    pub(crate) fn conversations(&self, answer: &Incoming<'_>) -> Vec<Line> {
        let lang = self.lang;
        let entries = answer.conversations.as_deref().unwrap_or_default();
        if entries.is_empty() {
            return vec![Line::new(Style::Plain, text::NO_CONVERSATIONS.get(lang))];
        }
        let head = text::your_conversations(lang, entries.len());
        let mut lines = vec![Line::new(Style::Title, head)];
        for entry in entries {
            let name = entry.group_name.as_deref().or(entry.with.as_deref()).unwrap_or("?");
            let mut notes = Vec::new();
            if entry.group_name.is_some() {
                notes.push(text::GROUP.get(lang).to_owned());
            }
            if entry.unread > 0 {
                notes.push(text::unread(lang, entry.unread));
            }
            let mut line = super::item(&one_line(name), &notes);
            if let Some(last) = entry.last.as_deref() {
                line.rest.push_str(" - ");
                line.rest.push_str(&self.last(last));
            }
            lines.push(line);
        }
        lines
    }

    /// A conversation's newest message, short.
    fn last(&self, last: &Incoming<'_>) -> String {
        let who = self.name(last.sender.as_deref().unwrap_or("?"));
        let date = day(last).map_or_else(String::new, |(year, month, day)| {
            format!("{} ", text::date(self.lang, year, month, day))
        });
        let said = match (last.deleted, last.content.as_deref(), last.filename.as_deref()) {
            (Some(true), ..) => text::DELETED.get(self.lang).to_owned(),
            (_, Some(content), _) => beginning(content),
            (_, None, Some(name)) => format!("📎 {}", beginning(name)),
            (_, None, None) => String::new(),
        };
        format!("{who} ({date}{}): {said}", super::when(last))
    }

    /// What became of a message: `quote` is it, as far as it is known.
    pub(crate) fn changed(&self, event: &Incoming<'_>, quote: Option<Quote<'_>>) -> Option<Line> {
        let lang = self.lang;
        let place = match (event.group_name.as_deref(), event.with.as_deref()) {
            (Some(group), _) => format!("[{}] ", one_line(group)),
            // Who writes says where it is.
            (None, Some(with)) if quote.is_none_or(|quote| self.is_me(quote.sender)) => {
                format!("[{}] ", one_line(with))
            }
            _ => String::new(),
        };
        let sender = quote.map(|quote| self.name(quote.sender));
        let sender = sender.as_deref();
        let about = quote.map(|quote| one_line(quote.beginning).into_owned());
        let about = about.filter(|said| !said.is_empty());
        let about = about.map_or_else(String::new, |said| format!(": {said}"));
        let (lead, rest) = if event.deleted == Some(true) {
            (text::deleted(lang, &place, sender), about)
        } else if event.edited == Some(true) && !quote.is_some_and(|quote| is_known(event, quote)) {
            let content = message(event.content.as_deref().unwrap_or(""));
            (text::edited(lang, &place, sender), format!(" {content}"))
        } else {
            (text::reacted(lang, &place, &self.reactions(event)?), about)
        };
        Some(Line { style: Style::Dim, lead, rest })
    }

    /// Each emoji under a message, with who gave it.
    pub(super) fn reactions(&self, event: &Incoming<'_>) -> Option<Vec<(String, Vec<String>)>> {
        let shown = event.reactions.as_deref()?.iter().map(|reaction| {
            let users = reaction.users.iter().map(|user| self.name(user)).collect();
            (one_line(&reaction.emoji).into_owned(), users)
        });
        Some(shown.collect())
    }
}

/// What has changed is not the text: the event of an edited message always has it.
fn is_known(event: &Incoming<'_>, quote: Quote<'_>) -> bool {
    quote.text.is_some() && quote.text == event.content.as_deref().map(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[Line]) -> String {
        lines.iter().map(|line| line.painted(false)).collect()
    }

    const READER: Reader<'static> = Reader { lang: Lang::Pt, me: Some("ana") };

    fn at(ts_s: u64, clock: &str) -> Option<Day> {
        let json = format!(r#"{{"ts":{ts_s}000,"timestamp":"{clock}"}}"#);
        day(&Incoming::decode(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_day_is_the_servers() {
        // 2025-03-12T02:30:00Z
        let ts = 1_741_746_600;
        assert_eq!(at(ts, "02:30:00"), Some((2025, 3, 12)));
        assert_eq!(at(ts, "23:30:00"), Some((2025, 3, 11)));
        assert_eq!(at(ts, "03:30:00"), Some((2025, 3, 12)));
        // 2025-03-12T22:30:00Z in Auckland
        assert_eq!(at(ts + 20 * 3_600, "11:30:00"), Some((2025, 3, 13)));
        for nonsense in ["", "x", "1:2", "14:30"] {
            assert_eq!(at(ts, nonsense), None);
        }
        assert_eq!(at(9_007_199_254_740, "99:99:99"), None);
    }

    #[test]
    fn a_history_shows_days_and_how_far_own_messages_came() {
        let answer = Incoming::decode(
            br#"{"type":"history_response","status":"success","with":"bob","more":true,"delivered":3,"read":2,"messages":[
            {"type":"private_message_received","msg_id":1,"sender":"bob","recipient":"ana","content":"um","timestamp":"23:30:25","ts":1741746625000},
            {"type":"private_message_received","msg_id":2,"sender":"ana","recipient":"bob","content":"dois","timestamp":"00:00:10","ts":1741748410000,"edited":true},
            {"type":"private_message_received","msg_id":3,"sender":"ana","recipient":"bob","content":"tr\u00eas","timestamp":"00:01:10","ts":1741748470000,"reactions":[{"emoji":"\ud83d\udc4d","users":["bob"]}]},
            {"type":"private_message_received","msg_id":4,"sender":"ana","recipient":"bob","timestamp":"00:02:10","ts":1741748530000,"deleted":true},
            {"type":"file_received","msg_id":5,"sender":"bob","recipient":"ana","filename":"x.txt","timestamp":"00:03:10","ts":1741748590000}]}"#,
        )
        .unwrap();
        let lines = READER.history(&answer, &Place::new(false, "bob"));
        assert_eq!(
            shown(&lines),
            "\
📜 Conversa com bob:
── 11/03/2025 ──
💬 [PRIVADA] bob (23:30:25): um
── 12/03/2025 ──
💬 [PRIVADA] ana (você) → bob (00:00:10, lida, editada): dois
💬 [PRIVADA] ana (você) → bob (00:01:10, entregue): três
    ↳ 👍 bob
💬 [PRIVADA] ana (você) → bob (00:02:10, apagada):
📎 [ARQUIVO PRIVADO] bob (00:03:10) enviou: x.txt
📜 Há mensagens anteriores: + as mostra.
"
        );
    }

    #[test]
    fn a_search_says_when_there_is_more() {
        let messages = |count: usize| {
            let one = r#"{"type":"private_message_received","sender":"bob","content":"oi"}"#;
            let json = format!(r#"{{"messages":[{}]}}"#, vec![one; count].join(","));
            READER.found(&Incoming::decode(json.as_bytes()).unwrap())
        };
        let all = messages(PAGE_MESSAGES);
        assert_eq!(all[0].lead, "🔎 20 mensagens encontradas:");
        let some = messages(PAGE_MESSAGES + 1);
        assert_eq!(some[0].lead, "🔎 As 20 mais recentes; mais palavras encontram menos:");
        assert_eq!(some.len(), all.len());
    }

    #[test]
    fn conversations_are_one_line_each() {
        let answer = Incoming::decode(
            br#"{"type":"conversations","status":"success","conversations":[
            {"group_name":"Trabalho","unread":3,"read":0,"last":{"type":"group_message_received","sender":"bob","group_name":"Trabalho","content":"oi\nvoc\u00eas","timestamp":"23:30:25","ts":1741746625000}},
            {"with":"bob","unread":1,"read":0,"last":{"type":"file_received","sender":"ana","filename":"x.txt","timestamp":"14:30:25"}},
            {"with":"cae"}]}"#,
        )
        .unwrap();
        assert_eq!(
            shown(&READER.conversations(&answer)),
            "\
📬 Suas conversas (3):
  • Trabalho - grupo, 3 novas - bob (11/03/2025 23:30:25): oi�vocês
  • bob - 1 nova - ana (você) (14:30:25): 📎 x.txt
  • cae
"
        );
    }

    #[test]
    fn a_change_is_one_line() {
        let text = Some(fingerprint("oi"));
        let quote = |sender| Some(Quote { sender, beginning: "oi", text });
        for (json, quote, line) in [
            (
                r#"{"with":"bob","edited":true,"content":"ol\u00e1"}"#,
                quote("bob"),
                "✏️ bob corrigiu: olá",
            ),
            (
                r#"{"with":"bob","edited":true,"content":"oi","reactions":[{"emoji":"+1","users":["ana"]}]}"#,
                quote("bob"),
                "💭 ana (você) reagiu +1: oi",
            ),
            (
                r#"{"with":"bob","edited":true,"content":"x"}"#,
                None,
                "✏️ [bob] mensagem corrigida: x",
            ),
            (
                r#"{"with":"bob","edited":true,"content":"x"}"#,
                quote("ana"),
                "✏️ [bob] ana (você) corrigiu: x",
            ),
            (
                r#"{"group_name":"T","deleted":true}"#,
                quote("bob"),
                "🗑️ [T] mensagem de bob apagada: oi",
            ),
            (r#"{"group_name":"T","deleted":true}"#, None, "🗑️ [T] mensagem apagada"),
            (
                r#"{"with":"bob","reactions":[{"emoji":"+1","users":["bob"]}]}"#,
                quote("ana"),
                "💭 [bob] bob reagiu +1: oi",
            ),
            (
                r#"{"group_name":"T","reactions":[{"emoji":"+1","users":["bob","ana"]},{"emoji":"!","users":["cae"]}]}"#,
                quote("bob"),
                "💭 [T] reações: +1 bob, ana (você) · ! cae: oi",
            ),
            (r#"{"with":"bob","reactions":[]}"#, None, "💭 [bob] sem reações agora"),
        ] {
            let event = Incoming::decode(json.as_bytes()).unwrap();
            let changed = READER.changed(&event, quote).unwrap();
            assert_eq!(changed.painted(false).trim_end(), line, "{json}");
        }
        assert_eq!(READER.changed(&Incoming::default(), None), None);
    }

    #[test]
    fn no_field_can_break_its_line() {
        let nasty = r"\u001b[2J\n\u202e\u2028x\u0007";
        let json = r#"{"with":"N","reactions":[{"emoji":"N","users":["N"]}],
            "messages":[{"type":"private_message_received","sender":"N","content":"x","timestamp":"N","reactions":[{"emoji":"N","users":["N"]}]}],
            "conversations":[{"with":"N","last":{"sender":"N","content":"N","timestamp":"N","filename":"N"}}]}"#
            .replace('N', nasty);
        let answer = Incoming::decode(json.as_bytes()).unwrap();
        let place = Place::new(false, "a\u{1b}\nb");
        let quote = Quote { sender: "a\u{1b}\nb", beginning: "a\u{1b}\nb", text: None };
        let lines = [
            READER.history(&answer, &place),
            READER.found(&answer),
            READER.conversations(&answer),
            READER.changed(&answer, Some(quote)).into_iter().collect(),
        ];
        for line in lines.iter().flatten() {
            for (number, part) in line.painted(false).trim_end().split('\n').enumerate() {
                assert!(number == 0 || part.starts_with("    ↳ "), "{line:?}");
                assert!(!part.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
        }
    }
}
