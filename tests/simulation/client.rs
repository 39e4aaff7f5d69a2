//! An honest client: it says what it has to say until it is answered, and remembers what it was shown.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use serde_json::{Value, json};

use super::clock::Clock;
use super::codec::{Codec, Dialect, Heard, address};
use super::dice::Dice;
use super::files::{Download, Step, Upload};
use super::ledger::{Acked, Ledger, number, text};
use super::link::Link;
use crate::wire::event::MsgId;

/// Silence after which a client that waits for something gives its connection up.
const PATIENCE_MS: u64 = 40_000;

/// Silence after which a client asks whether the server is still there.
const PING_AFTER_MS: u64 = 15_000;

/// The most requests on their way.
const ON_THE_WAY_MAX: usize = 6;

/// Who a client is, and what it is like.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    pub(super) user: String,
    /// Which of the user's clients it is.
    pub(super) device: u32,
    pub(super) dialect: Dialect,
    /// It knows of the features, says what has arrived, and asks for what came after that.
    pub(super) modern: bool,
    /// The name is claimed with this.
    pub(super) password: Option<String>,
    /// It does not ask for what came since, but leaves that to the server.
    pub(super) trusts_cursor: bool,
}

/// Something to say, until it is answered.
#[derive(Clone, Debug)]
struct Message {
    id: String,
    /// `u:NAME` or `g:NAME`.
    place: String,
    content: String,
    not_before_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Away {
        until_ms: u64,
    },
    Entering,
    Online,
    /// It has said all that it will on this connection, and still reads.
    Leaving,
}

/// What everybody can do and look at.
pub(super) struct World<'w> {
    pub(super) clock: &'w Clock,
    pub(super) ledger: &'w mut Ledger,
    pub(super) users: &'w [String],
    pub(super) groups: &'w [String],
    /// Nothing new is said.
    pub(super) calm: bool,
}

/// One page after the other of a conversation, to compare it with the others'.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    places: VecDeque<String>,
    asked: bool,
    pub(super) read: BTreeMap<String, Vec<(MsgId, String, String)>>,
}

pub(super) struct Client {
    pub(super) nature: Nature,
    dice: Dice,
    pub(super) link: Option<Rc<RefCell<Link>>>,
    codec: Codec,
    unsent: Vec<u8>,
    state: State,
    with_password: bool,
    claimed: bool,
    token: Option<String>,
    to_say: VecDeque<Message>,
    said: BTreeMap<String, Message>,
    count: u64,
    /// Everything up to this was shown.
    position: MsgId,
    /// The newest that came by this connection.
    newest_here: MsgId,
    acknowledged: MsgId,
    /// What it was shown, and what it said itself.
    known: BTreeSet<MsgId>,
    heard_ms: u64,
    asked_ms: u64,
    stalled_until_ms: u64,
    next_ms: u64,
    pub(super) reading: Option<Reading>,
    synced: bool,
    upload: Option<Upload>,
    download: Option<Download>,
}

impl Client {
    pub(super) fn new(nature: Nature, mut dice: Dice) -> Self {
        let codec = Codec::new(nature.dialect);
        let until_ms = dice.below(3_000);
        Self {
            nature,
            dice,
            link: None,
            codec,
            unsent: Vec::new(),
            state: State::Away { until_ms },
            with_password: false,
            claimed: false,
            token: None,
            to_say: VecDeque::new(),
            said: BTreeMap::new(),
            count: 0,
            position: 0,
            newest_here: 0,
            acknowledged: 0,
            known: BTreeSet::new(),
            heard_ms: 0,
            asked_ms: 0,
            stalled_until_ms: 0,
            next_ms: until_ms,
            reading: None,
            synced: false,
            upload: None,
            download: None,
        }
    }

    /// When it does something by itself.
    pub(super) fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// Whether it wants to come in now.
    pub(super) fn wants_in(&self, now_ms: u64) -> bool {
        matches!(self.state, State::Away { until_ms } if until_ms <= now_ms) && self.link.is_none()
    }

    /// Whether its user's name is known to be claimed: until then one client alone may use it, as what
    /// an unclaimed name says is not told to who has it next.
    pub(super) fn has_claimed(&self) -> bool {
        self.with_password
    }

    /// Whether there is nothing left that it waits for.
    pub(super) fn is_content(&self) -> bool {
        let read = self.reading.as_ref().is_none_or(|reading| reading.places.is_empty());
        self.state == State::Online
            && self.to_say.is_empty()
            && self.said.is_empty()
            && self.upload.is_none()
            && self.synced
            && read
    }

    /// Whether it was shown a message or said it.
    pub(super) fn knows(&self, msg_id: MsgId) -> bool {
        self.known.contains(&msg_id)
    }

    /// Something has arrived for it.
    pub(super) fn is_woken(&mut self, now_ms: u64) {
        self.next_ms = self.next_ms.min(now_ms);
    }

    /// What it still waits for.
    pub(super) fn waits_for(&self) -> String {
        let Self { nature, state, to_say, said, synced, unsent, reading, upload, .. } = self;
        let places = reading.as_ref().map(|reading| (reading.asked, &reading.places));
        let (first, bytes) = (to_say.front(), unsent.len());
        let link = self.link.as_ref().map(|link| link.borrow().to_string());
        let said: Vec<&String> = said.keys().collect();
        format!(
            "{nature:?} {state:?}, synced {synced}, {} to say from {first:?}, said {said:?}, \
            {bytes} unsent, reads {places:?}, heard {} asked {}, {link:?}, {:?}",
            to_say.len(),
            self.heard_ms,
            self.asked_ms,
            upload.as_ref().map(|upload| &upload.id)
        )
    }

    /// It waits a while before it comes, because nobody is there.
    pub(super) fn comes_later(&mut self, now_ms: u64) {
        let wait_ms = 100 + self.dice.below(2_000);
        self.state = State::Away { until_ms: now_ms + wait_ms };
        self.next_ms = now_ms + wait_ms;
    }

    /// It has a connection.
    pub(super) fn connected(&mut self, link: Rc<RefCell<Link>>, now_ms: u64) {
        self.link = Some(link);
        self.codec = Codec::new(self.nature.dialect);
        self.unsent = self.codec.greeting();
        self.state = State::Entering;
        self.newest_here = 0;
        self.synced = false;
        // Whether the last try to claim the name was answered or not.
        self.claimed = self.with_password;
        (self.heard_ms, self.asked_ms) = (now_ms, now_ms);
        self.next_ms = now_ms;
        if let Some(upload) = &mut self.upload {
            upload.is_interrupted();
        }
        self.download = None;
        // What was said and not answered is said again.
        let again = std::mem::take(&mut self.said);
        for message in again.into_values().rev() {
            self.to_say.push_front(message);
        }
        if self.codec.is_open() {
            self.log_in();
        }
    }

    /// It goes without a word.
    pub(super) fn disappears(&mut self, now_ms: u64) {
        if let Some(link) = self.link.take() {
            let mut link = link.borrow_mut();
            if self.dice.one_in(2) {
                link.break_off();
            } else {
                link.end_input();
            }
            if let Some(reading) = &mut self.reading {
                reading.asked = false;
            }
        }
        self.comes_later(now_ms);
    }

    /// It ends its half of the connection, unless in the midst of a frame, and reads on.
    pub(super) fn says_no_more(&mut self) {
        if let (State::Online, Some(link), []) = (self.state, &self.link, &self.unsent[..]) {
            link.borrow_mut().end_input();
            self.state = State::Leaving;
        }
    }

    /// It does not read for a while.
    pub(super) fn stalls(&mut self, until_ms: u64) {
        self.stalled_until_ms = until_ms;
    }

    /// It reads everything again that it may read, and then is content.
    pub(super) fn reads_all(&mut self, world: &World<'_>) {
        let users = world.users.iter().filter(|user| **user != self.nature.user);
        let users = users.map(|user| format!("u:{user}"));
        let groups = world.groups.iter().map(|group| format!("g:{group}"));
        self.reading =
            Some(Reading { places: users.chain(groups).collect(), ..Reading::default() });
    }

    /// It hears, and says something.
    pub(super) fn acts(&mut self, world: &mut World<'_>) {
        let now_ms = world.clock.mono_ms();
        self.next_ms = now_ms + 20 + self.dice.below(400);
        if now_ms < self.stalled_until_ms {
            self.next_ms = self.stalled_until_ms;
            return;
        }
        let Some(link) = self.link.clone() else {
            if let State::Away { until_ms } = self.state {
                self.next_ms = until_ms.max(now_ms + 1);
            }
            return;
        };
        let most = if self.dice.one_in(4) { 1 + self.dice.place(600) } else { usize::MAX };
        let heard = link.borrow_mut().read(most);
        if !heard.is_empty() {
            world.ledger.note(&heard);
            self.heard_ms = now_ms;
            self.codec.hear(&heard);
        }
        while let Some(heard) = self.codec.next() {
            match heard {
                Heard::Frame(frame) => self.hears(&frame, world),
                Heard::Ping(payload) => self.unsent.extend(Codec::pong(&payload)),
                Heard::Open => self.log_in(),
                Heard::Farewell => return self.disappears(now_ms),
            }
            if self.link.is_none() {
                return;
            }
        }
        if link.borrow().over().is_some() {
            return self.disappears(now_ms);
        }
        if self.state == State::Online {
            self.speaks(world);
        }
        let sent = link.borrow_mut().send(&self.unsent);
        self.unsent.drain(..sent);
        let waits = matches!(self.state, State::Entering | State::Leaving)
            || !self.said.is_empty()
            || self.upload.is_some()
            || self.asked_ms > self.heard_ms;
        if waits && now_ms > self.heard_ms.max(self.asked_ms) + PATIENCE_MS {
            self.disappears(now_ms);
        }
    }

    fn says(&mut self, request: &Value) {
        let frame = self.codec.frame(request.to_string().as_bytes());
        self.unsent.extend(frame);
    }

    /// It waits for an answer, if it does not already.
    fn asks(&mut self, now_ms: u64) {
        if self.asked_ms <= self.heard_ms {
            self.asked_ms = now_ms;
        }
    }

    fn log_in(&mut self) {
        let mut login = json!({"type": "login", "id": "login", "username": self.nature.user});
        if self.nature.modern {
            login["features"] =
                json!(["receipts", "presence", "typing", "chunks", "groups", "heartbeat"]);
            if !self.nature.trusts_cursor {
                login["since"] = json!(self.position);
            }
        }
        if self.with_password {
            if let Some(token) = &self.token {
                login["token"] = json!(token);
            } else {
                login["password"] = json!(self.nature.password);
                login["want_token"] = json!(self.dice.one_in(2));
            }
        }
        self.says(&login);
    }

    fn speaks(&mut self, world: &mut World<'_>) {
        let now_ms = world.clock.mono_ms();
        if now_ms > self.heard_ms.max(self.asked_ms) + PING_AFTER_MS {
            self.asks(now_ms);
            self.says(&json!({"type": "ping"}));
        }
        if let Some(password) = self.nature.password.clone()
            && !self.claimed
        {
            self.claimed = true;
            self.says(&json!({"type": "set_password", "id": "claim", "password": password}));
        }
        if self.nature.modern && self.position > self.acknowledged && self.dice.one_in(3) {
            self.acknowledged = self.position;
            self.says(&json!({"type": "received", "msg_id": self.position}));
        }
        if !world.calm {
            if self.dice.one_in(3) {
                let message = self.thinks_of(world);
                self.to_say.push_back(message);
            }
            if self.nature.modern && self.upload.is_none() && self.dice.one_in(60) {
                self.count += 1;
                let Nature { user, device, .. } = &self.nature;
                let id = format!("{user}-{device}-{}", self.count);
                let place = self.addresses(world);
                self.upload = Some(Upload::new(id, place, &mut self.dice));
            }
            if self.dice.one_in(5) {
                for request in self.wishes(world) {
                    self.says(&request);
                }
            }
        }
        if let Some(reading) = &mut self.reading
            && !reading.asked
            && let Some(place) = reading.places.front().cloned()
        {
            reading.asked = true;
            let after =
                reading.read.entry(place.clone()).or_default().last().map_or(0, |last| last.0);
            let mut request = json!({"type": "history", "id": "all", "after": after, "limit": 200});
            address(&mut request, "with", &place);
            self.asks(now_ms);
            self.says(&request);
        }
        while let Some(upload) = &mut self.upload
            && let Some(request) = upload.next(now_ms)
        {
            self.asks(now_ms);
            self.says(&request);
        }
        let burst = if self.dice.one_in(5) { 40 } else { ON_THE_WAY_MAX };
        while self.said.len() < burst
            && let Some(message) = self.to_say.pop_front_if(|next| next.not_before_ms <= now_ms)
        {
            let kind =
                if message.place.starts_with("u:") { "private_message" } else { "group_message" };
            let mut request = json!({"type": kind, "id": message.id, "content": message.content});
            address(&mut request, "recipient", &message.place);
            self.asks(now_ms);
            self.says(&request);
            self.said.insert(message.id.clone(), message);
        }
    }

    fn thinks_of(&mut self, world: &World<'_>) -> Message {
        self.count += 1;
        let place = self.addresses(world);
        let longest = *self.dice.pick(&[4, 40, 40, 400, 8_000]);
        let padding = self.dice.place(longest);
        let Nature { user, device, .. } = &self.nature;
        let id = format!("{user}-{device}-{}", self.count);
        let content = format!("{id} {}", "é".repeat(padding));
        Message { id, place, content, not_before_ms: 0 }
    }

    /// A group, or somebody else.
    fn addresses(&mut self, world: &World<'_>) -> String {
        if self.dice.one_in(2) {
            return format!("g:{}", self.dice.pick(world.groups));
        }
        loop {
            let user = self.dice.pick(world.users);
            if *user != self.nature.user {
                return format!("u:{user}");
            }
        }
    }

    /// Something whose answer it does not wait for.
    fn wishes(&mut self, world: &World<'_>) -> Vec<Value> {
        let group = self.dice.pick(world.groups).clone();
        if self.dice.one_in(8) {
            // Everybody out, also who is saying something.
            let remove =
                |user| json!({"type": "remove_member", "group_name": group, "member": user});
            return world.users.iter().map(remove).collect();
        }
        let user = self.dice.pick(world.users).clone();
        let wish = match self.dice.below(24) {
            0 => {
                json!({"type": "create_group", "group_name": group, "private": self.dice.one_in(2)})
            }
            1 | 2 => json!({"type": "join_group", "group_name": group}),
            3 => json!({"type": "leave_group", "group_name": group}),
            4..7 => json!({"type": "add_member", "group_name": group, "new_member": user}),
            7..11 => json!({"type": "remove_member", "group_name": group, "member": user}),
            11 | 12 => json!({"type": "promote_member", "group_name": group, "member": user}),
            13 => json!({"type": "demote_member", "group_name": group, "member": user}),
            14 if self.dice.one_in(4) => json!({"type": "delete_group", "group_name": group}),
            15 => json!({"type": "list_conversations"}),
            16 => json!({"type": "list_users", "all": true}),
            17 => json!({"type": "history", "with": user, "limit": 20}),
            18 => json!({"type": "history", "group_name": group, "limit": 20}),
            19 => json!({"type": "typing", "with": user}),
            20 => json!({"type": "search", "query": user}),
            21 => json!({"type": "read", "with": user, "msg_id": self.position}),
            _ => json!({"type": "react", "msg_id": self.position, "emoji": "👍"}),
        };
        vec![wish]
    }

    fn hears(&mut self, frame: &Value, world: &mut World<'_>) {
        world.ledger.frames += 1;
        let now_ms = world.clock.mono_ms();
        let code = frame["code"].as_str().unwrap_or_default();
        assert_ne!(code, "internal", "{frame}");
        assert_ne!(code, "invalid_json", "an honest client speaks JSON: {frame}");
        match text(frame, "type") {
            "login_response" => self.hears_of_login(frame, code, now_ms),
            "message_response" => self.hears_of_message(frame, code, world),
            "account_response" if frame["id"] == "claim" => {
                self.claimed = code.is_empty() || code == "wrong_password";
                self.with_password |= self.claimed;
            }
            "private_message_received" | "group_message_received" => {
                self.is_shown(frame, text(frame, "content"), world);
            }
            "file_received" | "group_file_received" => {
                self.is_shown(frame, text(frame, "filename"), world);
                if self.nature.modern && self.download.is_none() && self.dice.one_in(2) {
                    let download = Download::of(frame);
                    self.says(&download.request());
                    self.download = Some(download);
                }
            }
            "file_data" => self.download = self.download.take().and_then(|file| file.hears(frame)),
            "file_response" | "file_ack" => self.hears_of_file(frame, world),
            "synced" => {
                self.position = self.position.max(number(frame, "cursor"));
                self.synced = true;
            }
            "heartbeat_ping" => self.says(&json!({"type": "heartbeat_ack"})),
            "history_response" if frame["id"] == "all" => self.has_read(frame, code, world),
            _ => {}
        }
    }

    fn hears_of_login(&mut self, frame: &Value, code: &str, now_ms: u64) {
        match code {
            "" => {
                self.state = State::Online;
                // Only who asks for it, or was away, is told that it has everything.
                self.synced |= !self.nature.modern;
                if let Some(token) = frame["token"].as_str() {
                    self.token = Some(token.to_owned());
                }
                return;
            }
            "auth_required" => self.with_password = true,
            "wrong_password" if self.token.take().is_none() => self.with_password = false,
            _ => {}
        }
        self.disappears(now_ms);
    }

    fn hears_of_message(&mut self, frame: &Value, code: &str, world: &mut World<'_>) {
        let Some(id) = frame["id"].as_str() else { return };
        let Some(mut message) = self.said.remove(id) else { return };
        match code {
            "" => {
                let msg_id = number(frame, "msg_id");
                let Message { place, content, .. } = message;
                self.known.insert(msg_id);
                world.ledger.acks(&self.nature.user, id, &Acked { msg_id, place, content });
            }
            // It makes no sense any more, or never did.
            "unknown_group" | "not_member" => {}
            // The group is full, the sender is in too many, or the group of that name is another by now.
            "too_large" | "server_full" | "id_conflict" if message.place.starts_with("g:") => {}
            "rate_limited"
            | "storage_unavailable"
            | "shutting_down"
            | "unknown_user"
            | "server_full" => {
                message.not_before_ms = world.clock.mono_ms() + 200 + self.dice.below(2_000);
                self.to_say.push_back(message);
            }
            other => panic!("an honest message is refused with {other}: {frame}"),
        }
    }

    fn hears_of_file(&mut self, frame: &Value, world: &mut World<'_>) {
        let Some(upload) = &mut self.upload else { return };
        if frame["id"] != upload.id.as_str() {
            return;
        }
        match upload.hears(frame, world.clock.mono_ms()) {
            Step::GoesOn => return,
            Step::GivenUp => {}
            Step::Stored(msg_id) => {
                let Upload { id, place, name, .. } = upload;
                let acked = Acked { msg_id, place: place.clone(), content: name.clone() };
                world.ledger.acks(&self.nature.user, id, &acked);
                self.known.insert(msg_id);
            }
        }
        self.upload = None;
    }

    fn is_shown(&mut self, frame: &Value, content: &str, world: &mut World<'_>) {
        let (msg_id, prev) = (number(frame, "msg_id"), number(frame, "prev"));
        let sender = text(frame, "sender");
        let me = self.nature.user.as_str();
        assert!(prev < msg_id, "{frame}");
        assert!(msg_id > self.newest_here, "{me} is shown {msg_id} after {}", self.newest_here);
        self.newest_here = msg_id;
        world.ledger.shows(me, msg_id, (sender, content));
        world.ledger.comes_after(msg_id, prev);
        self.known.insert(msg_id);
        self.position = self.position.max(msg_id);
    }

    fn has_read(&mut self, frame: &Value, code: &str, world: &mut World<'_>) {
        let Some(reading) = &mut self.reading else { return };
        reading.asked = false;
        let Some(place) = reading.places.front().cloned() else { return };
        let pages = reading.read.entry(place).or_default();
        if code.is_empty() {
            for message in frame["messages"].as_array().into_iter().flatten() {
                let msg_id = number(message, "msg_id");
                assert!(
                    pages.last().is_none_or(|last| last.0 < msg_id),
                    "history is in order: {frame}"
                );
                let file = message["filename"].is_string();
                let content = text(message, if file { "filename" } else { "content" });
                let sender = text(message, "sender");
                world.ledger.shows(&self.nature.user, msg_id, (sender, content));
                pages.push((msg_id, sender.to_owned(), content.to_owned()));
            }
        }
        let busy = matches!(code, "rate_limited" | "storage_unavailable");
        if frame["more"] != true && !busy {
            reading.places.pop_front();
        }
    }
}
