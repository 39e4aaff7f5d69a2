//! What is typed, and what comes of it.

use crate::limits::CONTENT_BYTES_MAX;
use crate::text::client::{self as text, Choice};
use crate::wire::Text;
use crate::wire::event::MsgId;
use crate::wire::name::key;
use crate::wire::request::Fields;

use super::{App, Effect, Link, Step, bad, dim, send};
use crate::client::menu::{self, Question};
use crate::client::outstanding::is_message;
use crate::client::place::Place;
use crate::client::requests::Outgoing;

impl App {
    /// A line was typed.
    pub(crate) fn typed(&mut self, line: &str) -> Vec<Effect> {
        let was_asked = self.asks_password();
        let effects = self.line_typed(line);
        // Not before: what is typed in answer to another question is no password.
        if self.keys.wants_password
            && !was_asked
            && self.interactive
            && matches!(self.step, Step::Menu)
        {
            self.keys.wants_password = false;
            self.step = Step::Password;
        }
        effects
    }

    fn line_typed(&mut self, line: &str) -> Vec<Effect> {
        match std::mem::replace(&mut self.step, Step::Menu) {
            Step::Name => {
                self.step = Step::Name;
                self.name_typed(line)
            }
            Step::Password => {
                if self.me.is_none() {
                    self.step = Step::Name;
                }
                self.password_typed(line)
            }
            Step::Menu => self.chosen(line),
            Step::Ask { choice, question, answers } => {
                self.answered(choice, question, answers, line)
            }
        }
    }

    fn chosen(&mut self, line: &str) -> Vec<Effect> {
        if line.trim().is_empty() {
            return Vec::new();
        }
        if line.trim() == text::OLDER {
            return self.older_page();
        }
        match menu::parse(line) {
            None => vec![bad(text::NO_SUCH_OPTION.get(self.lang))],
            Some(Choice::Quit) => vec![Effect::Quit],
            Some(Choice::Menu) => self.menu(false),
            Some(Choice::WholeMenu) => self.menu(true),
            Some(Choice::Download) => vec![Effect::ListOffers],
            Some(choice) => self.ask_or_do(choice, Vec::new()),
        }
    }

    fn answered(
        &mut self,
        choice: Choice,
        question: Question,
        mut answers: Vec<String>,
        line: &str,
    ) -> Vec<Effect> {
        let trimmed = line.trim();
        if trimmed.is_empty() && question != Question::OldPassword {
            return vec![dim(text::CANCELLED.get(self.lang))];
        }
        let refusal = match question {
            _ if question.is_kind() && !menu::is_kind(trimmed) => Some(text::ONE_OR_TWO),
            Question::Text if line.len() > CONTENT_BYTES_MAX => Some(text::TEXT_TOO_LONG),
            _ => None,
        };
        if let Some(refusal) = refusal {
            self.step = Step::Ask { choice, question, answers };
            return vec![bad(refusal.get(self.lang))];
        }
        if question == Question::Confirm && answers.first().is_none_or(|name| name != trimmed) {
            return vec![dim(text::NOT_CONFIRMED.get(self.lang))];
        }
        if question == Question::PasswordAgain && answers.last().is_none_or(|first| first != line) {
            return vec![dim(text::PASSWORDS_DIFFER.get(self.lang))];
        }
        answers.push(match question {
            // Passed on as it was typed: blanks may be meant.
            Question::Text => line.to_owned(),
            _ if question.is_secret() => line.to_owned(),
            _ => trimmed.to_owned(),
        });
        self.ask_or_do(choice, answers)
    }

    fn ask_or_do(&mut self, choice: Choice, answers: Vec<String>) -> Vec<Effect> {
        let Some(question) = menu::next_question(choice, &answers) else {
            return self.act(choice, &answers);
        };
        // Not after four answers: what cannot be done without a connection is said at once.
        if self.link != Link::Online && !is_message(choice) {
            return vec![bad(text::OFFLINE.get(self.lang))];
        }
        let typing = self.tell_typing(choice, question, &answers);
        self.step = Step::Ask { choice, question, answers };
        typing
    }

    fn act(&mut self, choice: Choice, answers: &[String]) -> Vec<Effect> {
        if let (Choice::SendFile, [kind, recipient, path]) = (choice, answers) {
            let file = Effect::SendFile(Outgoing {
                to_group: menu::is_group(kind),
                recipient: recipient.clone(),
                path: path.clone(),
            });
            if self.link == Link::Online {
                return vec![file];
            }
            return vec![dim(text::QUEUED.get(self.lang)), file];
        }
        if let (Choice::Download, [number]) = (choice, answers) {
            let offers = std::mem::take(&mut self.offers);
            let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            return match index.and_then(|index| offers.into_iter().nth(index)) {
                Some(offer) => vec![Effect::Fetch(offer)],
                None => vec![bad(text::NO_SUCH_OFFER.get(self.lang))],
            };
        }
        if let (Choice::History, [kind, name]) = (choice, answers) {
            return self.page(Place::new(menu::is_group(kind), name), None);
        }
        if let (Choice::RemoveMember, [_, member]) = (choice, answers)
            && self.me.as_deref().is_some_and(|me| key(me) == key(member))
        {
            return vec![bad(text::LEAVE_INSTEAD.get(self.lang))];
        }
        match menu::request(choice, answers) {
            Some(fields) => self.request(choice, fields),
            None => Vec::new(),
        }
    }

    /// Asks for a page of a history: the newest, or what came before a message.
    fn page(&mut self, place: Place, before: Option<MsgId>) -> Vec<Effect> {
        let effects = self.request(Choice::History, menu::history(&place, before));
        if self.link == Link::Online {
            self.older = None;
            self.pages.push_back((self.last_id(), place));
        }
        effects
    }

    fn older_page(&mut self) -> Vec<Effect> {
        match self.older.take() {
            Some((place, before)) => self.page(place, Some(before)),
            None => vec![dim(text::NOTHING_OLDER.get(self.lang))],
        }
    }

    /// Lets the other side know that a message is being written.
    fn tell_typing(&self, choice: Choice, question: Question, answers: &[String]) -> Vec<Effect> {
        let (Question::Text, [to], true) = (question, answers, self.interactive) else {
            return Vec::new();
        };
        if self.link != Link::Online {
            return Vec::new();
        }
        let mut fields = Fields::new("typing");
        let to = Some(Text::from(to.as_str()));
        match choice {
            Choice::GroupMessage => fields.group_name = to,
            _ => fields.with = to,
        }
        vec![send(&fields)]
    }
}
