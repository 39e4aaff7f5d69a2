//! What the server sends, as lines for people. Pure: everything foreign goes through
//! [`crate::text::sanitize`] here, and nothing foreign reaches a screen otherwise.

use crate::text::client::{self as text, Choice};
use crate::text::server::reason;
use crate::text::{Lang, Sentence};
use crate::wire::Code;
use crate::wire::event::{Detail, Incoming};

use super::offers::Offer;
use super::sanitize::{message, one_line};

mod pages;

pub(crate) use pages::{Calendar, Day, Fingerprint, Quote, day, fingerprint};

/// How much of a message is repeated where it is spoken of.
const BEGINNING_CHARS_MAX: usize = 40;

/// How a line is meant; the terminal gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing special.
    Plain,
    /// The menu's title and rules, and the heads of lists.
    Title,
    /// A private message or file.
    Private,
    /// A group's message or file.
    Group,
    /// Something was done.
    Good,
    /// Something was not.
    Bad,
    /// Worth a glance: who comes and goes.
    Dim,
}

/// One line to show, or a message of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How it is meant.
    pub(crate) style: Style,
    /// What is coloured.
    pub(crate) lead: String,
    /// What follows in no colour: the words of others, so that they cannot look like ours.
    pub(crate) rest: String,
}

impl Line {
    /// A line of one style.
    pub(crate) fn new(style: Style, lead: impl Into<String>) -> Self {
        Self { style, lead: lead.into(), rest: String::new() }
    }

    /// A line that says what went wrong.
    pub(crate) fn bad(what: &str) -> Self {
        Self::new(Style::Bad, format!("❌ {what}"))
    }

    /// The line as it is printed.
    pub(crate) fn painted(&self, colour: bool) -> String {
        let code = match self.style {
            _ if !colour => "",
            Style::Plain => "",
            Style::Title => "1",
            Style::Private => "1;36",
            Style::Group => "1;35",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Dim => "2",
        };
        if code.is_empty() {
            return format!("{}{}\n", self.lead, self.rest);
        }
        format!("\u{1b}[{code}m{}\u{1b}[0m{}\n", self.lead, self.rest)
    }
}

/// Who reads, and in what language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// The language.
    pub(crate) lang: Lang,
    /// The user's own name, once there is one.
    pub(crate) me: Option<&'a str>,
}

impl Reader<'_> {
    fn is_me(&self, name: &str) -> bool {
        self.me == Some(name)
    }

    /// A name, marked when it is the reader's own.
    fn name(&self, name: &str) -> String {
        let shown = one_line(name);
        if self.is_me(name) {
            format!("{shown} {}", text::YOU.get(self.lang))
        } else {
            shown.into_owned()
        }
    }

    /// An event as a line; `None` for what is not shown, and for what is no event.
    pub(crate) fn event(&self, event: &Incoming<'_>) -> Option<Line> {
        self.marked(event, None)
    }

    /// The same, with a mark of how far a message has come.
    fn marked(&self, event: &Incoming<'_>, mark: Option<Sentence>) -> Option<Line> {
        let lang = self.lang;
        let group = event.group_name.as_deref().map(one_line);
        let group = group.as_deref();
        let user = event.user.as_deref().unwrap_or("");
        Some(match event.kind() {
            "private_message_received" => {
                let label = text::PRIVATE.get(lang);
                self.said(Style::Private, label, event, mark)
            }
            "group_message_received" => {
                let label = text::in_group(lang, group.unwrap_or("?"));
                self.said(Style::Group, &label, event, mark)
            }
            "file_received" | "group_file_received" => {
                let style = match group {
                    None => Style::Private,
                    Some(_) => Style::Group,
                };
                let name = one_line(event.filename.as_deref().unwrap_or("?"));
                let (who, when) = (self.speaker(event), self.stamp(event, mark));
                let lead = text::file_arrived(lang, group, &who, &when, &name);
                Line { style, lead, rest: self.below(event) }
            }
            "added_to_group" => {
                let by = event.added_by.as_deref().map(one_line);
                let told = text::added_to_group(lang, group.unwrap_or("?"), by.as_deref());
                Line::new(Style::Good, told)
            }
            "group_event" => return self.group_event(event, group.unwrap_or("?")),
            "presence" if self.is_me(user) => return None,
            "presence" => {
                let online = event.status.as_deref() == Some("online");
                Line::new(Style::Dim, text::presence(lang, &one_line(user), online))
            }
            _ => return None,
        })
    }

    fn said(
        &self,
        style: Style,
        label: &str,
        event: &Incoming<'_>,
        mark: Option<Sentence>,
    ) -> Line {
        let (who, when) = (self.speaker(event), self.stamp(event, mark));
        let content = match event.deleted {
            Some(true) => String::new(),
            _ => format!(" {}", message(event.content.as_deref().unwrap_or(""))),
        };
        Line { style, lead: format!("{label} {who} ({when}):"), rest: content + &self.below(event) }
    }

    /// When a message was sent, and what is to be known of it beside.
    fn stamp(&self, event: &Incoming<'_>, mark: Option<Sentence>) -> String {
        let mut stamp = when(event).into_owned();
        let edited = (event.edited == Some(true)).then_some(text::EDITED);
        let deleted = (event.deleted == Some(true)).then_some(text::DELETED);
        for note in [mark, edited, deleted].into_iter().flatten() {
            stamp.push_str(", ");
            stamp.push_str(note.get(self.lang));
        }
        stamp
    }

    /// The reactions below a message, on a line that no message can forge.
    fn below(&self, event: &Incoming<'_>) -> String {
        match self.reactions(event) {
            Some(reactions) if !reactions.is_empty() => {
                format!("\n    ↳ {}", text::reactions_list(&reactions))
            }
            _ => String::new(),
        }
    }

    /// Who wrote; what another of the reader's own sessions wrote also says to whom.
    fn speaker(&self, event: &Incoming<'_>) -> String {
        let sender = event.sender.as_deref().unwrap_or("?");
        match event.recipient.as_deref() {
            Some(recipient) if self.is_me(sender) && !self.is_me(recipient) => {
                format!("{} → {}", self.name(sender), one_line(recipient))
            }
            _ => self.name(sender),
        }
    }

    fn group_event(&self, event: &Incoming<'_>, group: &str) -> Option<Line> {
        let (user, by) = (event.user.as_deref()?, event.by.as_deref().unwrap_or("?"));
        let what = event.event.as_deref()?;
        // What this user did was answered, and being added has an event of its own.
        if self.is_me(by) || self.is_me(user) && what == "added" {
            return None;
        }
        let (user, by) = (self.name(user), self.name(by));
        let new_name = one_line(event.new_name.as_deref().unwrap_or("?"));
        let what = one_line(what);
        let told = text::group_event(self.lang, &what, group, (&user, &by), &new_name);
        Some(Line::new(Style::Dim, told))
    }

    /// The answer to `list_users`.
    pub(crate) fn users(&self, answer: &Incoming<'_>) -> Vec<Line> {
        let users = answer.users.as_deref().unwrap_or_default();
        if users.is_empty() {
            return vec![Line::new(Style::Plain, text::NO_USERS.get(self.lang))];
        }
        let head = text::users_online(self.lang, users.len());
        let names = users.iter().map(|user| item(&self.name(user), &[]));
        std::iter::once(Line::new(Style::Title, head)).chain(names).collect()
    }

    /// The answer to `list_groups`.
    pub(crate) fn groups(&self, answer: &Incoming<'_>) -> Vec<Line> {
        let groups = answer.groups.as_deref().unwrap_or_default();
        if groups.is_empty() {
            return vec![Line::new(Style::Plain, text::NO_GROUPS.get(self.lang))];
        }
        let lang = self.lang;
        let mut shown = vec![Line::new(Style::Title, text::your_groups(lang, groups.len()))];
        for name in groups {
            let mut notes = Vec::new();
            if let Some(detail) = detail(answer, name) {
                notes.extend(detail.members.map(|count| text::members(lang, count)));
                notes.extend(admin(lang, detail));
                if detail.private == Some(true) {
                    notes.push(text::PRIVATE_GROUP.get(lang).to_owned());
                }
            }
            shown.push(item(&one_line(name), &notes));
        }
        shown
    }

    /// Files that may be fetched, by numbers.
    pub(crate) fn offers(&self, offers: &[Offer]) -> Vec<Line> {
        let head = Line::new(Style::Title, text::OFFERS_HEAD.get(self.lang));
        let lines = offers.iter().enumerate().map(|(index, offer)| {
            let mut rest = format!(" - {}", text::size(self.lang, offer.size));
            for name in std::iter::once(&offer.sender).chain(&offer.group) {
                rest.push_str(", ");
                rest.push_str(&one_line(name));
            }
            let lead = format!("  {}. {}", index + 1, offer.shown());
            Line { style: Style::Plain, lead, rest }
        });
        std::iter::once(head).chain(lines).collect()
    }

    /// The answer to `list_group_members`.
    pub(crate) fn members(&self, answer: &Incoming<'_>) -> Vec<Line> {
        let members = answer.members.as_deref().unwrap_or_default();
        let lang = self.lang;
        let group = one_line(answer.group_name.as_deref().unwrap_or("?"));
        let head = text::members_of(lang, &group, members.len());
        let mut shown = vec![Line::new(Style::Title, head)];
        for name in members {
            let mut notes = Vec::new();
            if let Some(detail) = detail(answer, name) {
                notes.extend(admin(lang, detail));
                notes.extend(detail.online.map(|online| {
                    let mark = if online { text::ONLINE } else { text::AWAY };
                    mark.get(lang).to_owned()
                }));
            }
            shown.push(item(&self.name(name), &notes));
        }
        shown
    }

    /// What an answer says in one sentence.
    pub(crate) fn sentence(&self, answer: &Incoming<'_>) -> String {
        if let Some(message) = answer.message.as_deref().filter(|said| !said.is_empty()) {
            return one_line(message).into_owned();
        }
        match code(answer) {
            Some(code) => reason(code).get(self.lang).to_owned(),
            None => one_line(answer.code.as_deref().unwrap_or("?")).into_owned(),
        }
    }

    /// What went wrong, and what to do where that is known. Nothing was `asked` by a login.
    pub(crate) fn refusal(&self, answer: &Incoming<'_>, asked: Option<Choice>) -> Line {
        Line::bad(&self.refused(answer, asked))
    }

    /// The same in words alone.
    pub(crate) fn refused(&self, answer: &Incoming<'_>, asked: Option<Choice>) -> String {
        self.advised(answer, code(answer).and_then(|code| text::advice(code, asked)))
    }

    /// The same for `papo send` and `papo listen`.
    pub(crate) fn script_refusal(&self, answer: &Incoming<'_>) -> String {
        self.advised(answer, code(answer).and_then(text::script_advice))
    }

    fn advised(&self, answer: &Incoming<'_>, advice: Option<Sentence>) -> String {
        let sentence = self.sentence(answer);
        match advice {
            None => sentence,
            Some(advice) => {
                let sentence = sentence.trim_end_matches('.');
                format!("{sentence}. {}", advice.get(self.lang))
            }
        }
    }
}

/// The code of an answer, if it is one that this client knows.
pub(crate) fn code(answer: &Incoming<'_>) -> Option<Code> {
    let code = answer.code.as_deref()?;
    Code::ALL.iter().copied().find(|known| known.as_str() == code)
}

/// How a text begins, on one line.
pub(crate) fn beginning(text: &str) -> String {
    let mut shown: String = text.chars().take(BEGINNING_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    one_line(&shown).into_owned()
}

fn when<'a>(event: &'a Incoming<'_>) -> std::borrow::Cow<'a, str> {
    one_line(event.timestamp.as_deref().unwrap_or("--:--:--"))
}

fn item(name: &str, notes: &[String]) -> Line {
    Line {
        style: Style::Plain,
        lead: format!("  • {name}"),
        rest: match notes {
            [] => String::new(),
            notes => format!(" - {}", notes.join(", ")),
        },
    }
}

fn admin(lang: Lang, detail: &Detail<'_>) -> Option<String> {
    let is_admin = detail.role.as_deref() == Some("admin");
    is_admin.then(|| text::ADMIN.get(lang).to_owned())
}

fn detail<'a, 'b>(answer: &'a Incoming<'b>, name: &str) -> Option<&'a Detail<'b>> {
    let details = answer.details.as_deref()?;
    details.iter().find(|detail| detail.name.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let reader = Reader { lang: Lang::Pt, me: Some("ana") };
        let event = Incoming::decode(json.as_bytes()).unwrap_or_else(|| panic!("{json}"));
        reader
            .event(&event)
            .map_or_else(|| "-".to_owned(), |line| line.painted(false))
            .trim_end()
            .to_owned()
    }

    #[test]
    fn events_read_as_in_the_first_chat() {
        for (json, line) in [
            (
                r#"{"type":"private_message_received","sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25"}"#,
                "💬 [PRIVADA] bob (14:30:25): oi",
            ),
            (
                r#"{"type":"group_message_received","sender":"bob","group_name":"Trabalho","content":"oi","timestamp":"14:30:25"}"#,
                "👥 [GRUPO: Trabalho] bob (14:30:25): oi",
            ),
            (
                r#"{"type":"private_message_received","sender":"ana","recipient":"bob","content":"oi","timestamp":"14:30:25"}"#,
                "💬 [PRIVADA] ana (você) → bob (14:30:25): oi",
            ),
            (
                r#"{"type":"file_received","sender":"bob","filename":"foto.jpg","timestamp":"14:30:25"}"#,
                "📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: foto.jpg",
            ),
            (
                r#"{"type":"group_file_received","sender":"bob","group_name":"Trabalho","filename":"foto.jpg","timestamp":"14:30:25"}"#,
                "📎 [ARQUIVO GRUPO: Trabalho] bob (14:30:25) enviou: foto.jpg",
            ),
            (
                r#"{"type":"added_to_group","group_name":"Trabalho","added_by":"bob"}"#,
                "🎉 Você foi adicionado ao grupo Trabalho por bob",
            ),
            (
                r#"{"type":"presence","user":"bob","status":"online","last_seen":1}"#,
                "🟢 bob entrou",
            ),
            (
                r#"{"type":"group_event","group_name":"T","event":"removed","user":"ana","by":"bob"}"#,
                "👥 [T] bob removeu ana (você)",
            ),
            (
                r#"{"type":"group_event","group_name":"T","event":"renamed","user":"bob","by":"bob","new_name":"U"}"#,
                "👥 [T] bob mudou o nome do grupo para U",
            ),
            (
                r#"{"type":"group_event","group_name":"T","event":"added","user":"ana","by":"bob"}"#,
                "-",
            ),
            (r#"{"type":"presence","user":"ana","status":"online"}"#, "-"),
            (r#"{"type":"typing","user":"bob"}"#, "-"),
            (r#"{"type":"message_changed","msg_id":1}"#, "-"),
            (r#"{"type":"private_message_received"}"#, "💬 [PRIVADA] ? (--:--:--):"),
        ] {
            assert_eq!(shown(json), line, "{json}");
        }
    }

    #[test]
    fn no_field_of_an_event_can_break_its_line() {
        let nasty = r"\u001b[2J\n\u202e\u2028x\u0007";
        for json in [
            r#"{"type":"private_message_received","sender":"N","content":"N","timestamp":"N"}"#,
            r#"{"type":"group_message_received","sender":"N","group_name":"N","content":"N","timestamp":"N"}"#,
            r#"{"type":"group_file_received","sender":"N","group_name":"N","filename":"N","timestamp":"N"}"#,
            r#"{"type":"added_to_group","group_name":"N","added_by":"N"}"#,
            r#"{"type":"group_event","group_name":"N","event":"N","user":"N","by":"N","new_name":"N"}"#,
            r#"{"type":"presence","user":"N","status":"N"}"#,
        ] {
            let line = shown(&json.replace('N', nasty));
            for (number, part) in line.split('\n').enumerate() {
                assert!(number == 0 || part.starts_with("    │ "), "{line:?}");
                assert!(!part.chars().any(char::is_control), "{line:?}");
                assert!(!part.contains(['\u{202e}', '\u{2028}']), "{line:?}");
            }
        }
    }

    #[test]
    fn colour_goes_to_what_is_ours_alone() {
        let line = Line { style: Style::Private, lead: "a".into(), rest: " b".into() };
        assert_eq!(line.painted(true), "\u{1b}[1;36ma\u{1b}[0m b\n");
        assert_eq!(line.painted(false), "a b\n");
    }
}
