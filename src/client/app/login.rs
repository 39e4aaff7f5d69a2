//! Logging in: the name, the token that this computer keeps, and the password if that is not enough.

use crate::text::client as text;
use crate::wire::Code;
use crate::wire::event::Incoming;
use crate::wire::name::Name;

use super::{App, Effect, Link, Step, bad, dim, good, send};
use crate::client::requests::{Login, Proof, login};
use crate::client::sanitize::one_line;
use crate::client::show;
use crate::text::server::reason;

/// Refusals of the name after a reconnect before the user is told: the server needs up to three
/// heartbeats to notice that the old connection is gone.
const QUIET_REFUSALS_MAX: u32 = 5;

/// What can show that the name is this user's.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The name for which tokens were looked up.
    of: Option<String>,
    /// Tokens that have not been refused, best first.
    tokens: Vec<String>,
    /// Tokens that were refused since the last login.
    refused: Vec<String>,
    /// Tokens were looked up once more since the last login.
    looked_again: bool,
    /// There is nowhere to keep a token.
    cannot_keep: bool,
    /// A password that is there before it is asked for.
    spare: Option<String>,
    /// The password that was typed.
    password: Option<String>,
    tried: Tried,
    /// The server wants a password since a reconnect: to be asked for when nothing else is.
    pub(super) wants_password: bool,
    /// The token that was given to be kept.
    kept: Option<String>,
}

impl Keys {
    /// With a password from the environment, if there is one.
    pub(super) fn new(spare: Option<String>) -> Self {
        Self { spare, ..Self::default() }
    }

    /// What a token is kept in is missing.
    pub(super) fn cannot_keep(&mut self) {
        self.cannot_keep = true;
    }

    /// This computer comes back with a token.
    pub(super) fn has_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// What the next login shows.
    fn next(&self) -> (Tried, Proof<'_>) {
        match (&self.password, self.tokens.first()) {
            (Some(password), _) => (Tried::Password, Proof::Password(password)),
            (None, Some(token)) => (Tried::Token, Proof::Token(token)),
            (None, None) => (Tried::Nothing, Proof::Nothing),
        }
    }
}

/// What the last login showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tried {
    #[default]
    Nothing,
    Token,
    Password,
}

impl App {
    /// Looks for the name's tokens, and logs in.
    pub(super) fn log_in(&mut self) -> Vec<Effect> {
        if self.keys.of == self.wanted {
            return self.try_login();
        }
        self.keys.of.clone_from(&self.wanted);
        self.keys.password = None;
        vec![Effect::Recall(self.wanted.clone().unwrap_or_default())]
    }

    /// The tokens of an [`Effect::Recall`].
    pub(crate) fn recalled(&mut self, tokens: Vec<String>) -> Vec<Effect> {
        self.keys.tokens = tokens;
        self.keys.tokens.retain(|token| !self.keys.refused.contains(token));
        match self.link {
            Link::Connected => self.try_login(),
            _ => Vec::new(),
        }
    }

    fn try_login(&mut self) -> Vec<Effect> {
        let id = self.next_id();
        let (tried, proof) = self.keys.next();
        let fields = login(
            Login {
                user: self.wanted.as_deref().unwrap_or_default(),
                lang: self.lang,
                proof,
                // Without a token to come back with, the name would be lost to everybody.
                claims: !self.keys.cannot_keep,
                newest: self.newest,
            },
            &id,
        );
        let effect = send(&fields);
        self.keys.tried = tried;
        self.link = Link::LoggingIn { id };
        vec![effect]
    }

    /// A name was typed.
    pub(super) fn name_typed(&mut self, line: &str) -> Vec<Effect> {
        let name = line.trim();
        if name.is_empty() {
            return vec![bad(text::NAME_NEEDED.get(self.lang))];
        }
        if Name::parse(name).is_err() {
            return vec![bad(reason(Code::InvalidName).get(self.lang))];
        }
        self.wanted = Some(name.to_owned());
        match self.link {
            Link::Connected => self.log_in(),
            _ => Vec::new(),
        }
    }

    /// A password was typed, or nothing.
    pub(super) fn password_typed(&mut self, line: &str) -> Vec<Effect> {
        if line.is_empty() {
            if self.me.is_none() {
                self.ask_for_another_name();
            } else {
                // Nothing else leads back: it is asked for again after the next thing that is typed.
                self.keys.wants_password = true;
            }
            return vec![dim(text::CANCELLED.get(self.lang))];
        }
        self.keys.password = Some(line.to_owned());
        match self.link {
            Link::Connected => self.try_login(),
            _ => Vec::new(),
        }
    }

    fn ask_for_another_name(&mut self) {
        self.wanted = None;
        self.keys.of = None;
        self.step = Step::Name;
    }

    /// The server took the login.
    pub(super) fn logged_in(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        self.link = Link::Online;
        self.missed.is_whole = false;
        self.refusals = 0;
        self.refusal = None;
        self.keys.wants_password = false;
        self.keys.refused.clear();
        self.keys.looked_again = false;
        let is_first = self.me.is_none();
        let name = answer.username.as_deref().map(str::to_owned);
        self.me = name.or_else(|| self.wanted.clone());
        self.wanted.clone_from(&self.me);
        self.keys.of.clone_from(&self.me);
        let mut effects = Vec::new();
        if is_first {
            self.told_lost = false;
            let said = self.reader().sentence(answer);
            effects.push(good(format!("✅ {said}")));
            effects.extend(self.keep_token(answer));
            if self.keys.cannot_keep && self.keys.tried == Tried::Nothing {
                let user = self.me.as_deref().map(one_line).unwrap_or_default();
                effects.push(dim(&text::not_claimed(self.lang, &user)));
            }
            effects.extend(self.menu(false));
            self.step = Step::Menu;
        } else {
            if std::mem::take(&mut self.told_lost) {
                let me = self.me.as_deref().map(one_line);
                let told = text::back(self.lang, me.as_deref(), self.outstanding.len());
                effects.push(good(told));
            }
            effects.extend(self.keep_token(answer));
            if matches!(self.step, Step::Password) {
                self.step = Step::Menu;
            }
        }
        effects.extend(self.outstanding.send_again().into_iter().map(Effect::Send));
        effects.extend(self.me.clone().map(Effect::Online));
        effects
    }

    /// Keeps the token of an answer, if it has one that is not kept yet.
    pub(super) fn keep_token(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        let Some(token) = answer.token.as_deref() else { return Vec::new() };
        let claimed = self.keys.tried == Tried::Nothing && self.keys.kept.is_none();
        // From here on the token is enough.
        self.keys.password = None;
        self.keys.tokens = vec![token.to_owned()];
        if self.keys.kept.as_deref() == Some(token) {
            return Vec::new();
        }
        self.keys.kept = Some(token.to_owned());
        let user = self.me.clone().unwrap_or_default();
        let mut effects = Vec::new();
        if claimed {
            effects.push(dim(&text::claimed(self.lang, &one_line(&user))));
        }
        effects.push(Effect::Remember { user, token: token.to_owned() });
        effects
    }

    /// The server refused the login.
    pub(super) fn login_refused(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        self.link = Link::Connected;
        match (show::code(answer), self.keys.tried) {
            // Of another server at this address, or withdrawn: there may be a better one, and
            // without any the name may be free.
            (Some(Code::WrongPassword | Code::AuthRequired), Tried::Token) => {
                let refused = self.keys.tokens.drain(..self.keys.tokens.len().min(1));
                self.keys.refused.extend(refused);
                return self.try_login();
            }
            // Another window may have come in meanwhile, and keep what is needed.
            (Some(Code::AuthRequired), Tried::Nothing)
                if self.me.is_some() && !self.keys.looked_again =>
            {
                self.keys.looked_again = true;
                return vec![Effect::Recall(self.wanted.clone().unwrap_or_default())];
            }
            (Some(Code::AuthRequired), Tried::Nothing) if self.keys.spare.is_some() => {
                self.keys.password = self.keys.spare.take();
                return self.try_login();
            }
            // No line of a script that is under way is meant for a password.
            _ if self.me.is_some() && !self.interactive => self.keys.password = None,
            (Some(Code::AuthRequired), Tried::Nothing) => return self.ask_for_password(answer),
            (Some(Code::WrongPassword), Tried::Password) => return self.password_refused(answer),
            _ => {}
        }
        if self.me.is_none() {
            self.ask_for_another_name();
            self.refusal = Some(self.reader().sentence(answer));
            return vec![Effect::Show(self.reader().refusal(answer, None))];
        }
        // The server may not have noticed yet that the old connection is gone: the name is ours,
        // and it is worth asking again. Whatever else it says is told, once.
        self.refusals += 1;
        let mut effects = Vec::new();
        let patience = match show::code(answer) {
            Some(Code::NameInUse) => QUIET_REFUSALS_MAX,
            _ => 1,
        };
        if self.refusals == patience {
            let said = self.reader().sentence(answer);
            effects.push(bad(&text::still_refused(self.lang, &said)));
        }
        effects.push(Effect::Reconnect);
        effects
    }

    fn ask_for_password(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        let user = self.wanted.as_deref().map(one_line).unwrap_or_default();
        if self.me.is_some() {
            let is_asked = matches!(self.step, Step::Password);
            if std::mem::replace(&mut self.keys.wants_password, !is_asked) || is_asked {
                return Vec::new();
            }
            return vec![bad(&text::password_needed_again(self.lang, &user))];
        }
        self.refusal = Some(self.reader().script_refusal(answer));
        let is_asked = matches!(std::mem::replace(&mut self.step, Step::Password), Step::Password);
        if is_asked { Vec::new() } else { vec![dim(&text::password_needed(self.lang, &user))] }
    }

    fn password_refused(&mut self, answer: &Incoming<'_>) -> Vec<Effect> {
        self.keys.password = None;
        let told = Effect::Show(self.reader().refusal(answer, None));
        if self.me.is_some() {
            self.keys.wants_password = true;
            let user = self.wanted.as_deref().map(one_line).unwrap_or_default();
            return vec![told, bad(&text::password_needed_again(self.lang, &user))];
        }
        self.refusal = Some(self.reader().script_refusal(answer));
        if self.interactive {
            self.step = Step::Password;
        } else {
            // The lines that follow in a script are no second guess.
            self.ask_for_another_name();
        }
        vec![told]
    }
}
