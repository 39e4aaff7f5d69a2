//! One run: a server on a simulated ground, clients of both kinds, and what goes wrong, all by one seed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use super::client::{self, Client, Nature};
use super::clock::Clock;
use super::codec::Dialect;
use super::dice::Dice;
use super::ground::SimGround;
use super::hostile::Hostile;
use super::ledger::Ledger;
use super::link::Link;
use super::storage::Storage;
use crate::chat::SessionId;
use crate::limits::{FED_PAGE_BYTES_MAX, Limits, READ_BYTES_PER_TURN_MAX, STORED_PAGE_BYTES_MAX};
use crate::server::shell::Shell;
use crate::text::Lang;
use crate::wire::event::MsgId;

/// Virtual time within which everything must be said and shown, once nothing goes wrong any more.
const DRAIN_MS: u64 = 10 * 60 * 1_000;

/// Virtual time that everything on its way gets to arrive.
const SETTLE_MS: u64 = 30_000;

/// Turns of the loop at one and the same time from which on it spins.
const TURNS_AT_ONCE_MAX: u32 = 20_000;

/// Time after which the system notices that a connection was lost.
const KEEPALIVE_MS: u64 = 105_000;

pub(super) const USERS: [&str; 6] = ["ana", "bia", "caio", "duda", "eva", "fábio"];
const GROUPS: [&str; 3] = ["turma", "sala 1", "família"];

/// A connection, as the network knows it.
struct Wire {
    link: Rc<RefCell<Link>>,
    /// Which of the server's connections it is.
    id: SessionId,
    /// Whose it is; nobody's if it is a hostile one's.
    client: Option<usize>,
    lost_at_ms: Option<u64>,
}

/// What a run amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) trace: u64,
    pub(super) events: u64,
    pub(super) frames: u64,
    pub(super) virtual_ms: u64,
    pub(super) crashes: u64,
}

impl Outcome {
    /// One more run.
    pub(super) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.frames += other.frames;
        self.virtual_ms += other.virtual_ms;
        self.crashes += other.crashes;
    }
}

/// One run.
pub(super) struct Simulation {
    clock: Clock,
    dice: Dice,
    ledger: Ledger,
    storage: Storage,
    shell: Option<Shell<SimGround>>,
    /// When the server comes back.
    up_at_ms: u64,
    wires: Vec<Wire>,
    clients: Vec<Client>,
    hostile: Vec<Hostile>,
    users: Vec<String>,
    groups: Vec<String>,
    /// How far each user was, in this life of the server.
    cursors: BTreeMap<String, MsgId>,
    /// Something goes wrong once in so many steps.
    peace: u64,
    limits: Limits,
    calm: bool,
    /// It was told to stop.
    stopping: bool,
    turns_at_once: u32,
    outcome: Outcome,
}

impl Simulation {
    /// A world that follows from a seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let users = some_of(&USERS, 2, &mut dice);
        let groups = some_of(&GROUPS, 1, &mut dice);
        let mut clients = Vec::new();
        for user in &users {
            let claimed = dice.one_in(2);
            let devices = if claimed { 1 + dice.below(2) } else { 1 };
            for device in 0..u32::try_from(devices).unwrap_or(1) {
                let all = [Dialect::Bare, Dialect::Line, Dialect::Length, Dialect::Web];
                let dialect = *dice.pick(&all);
                let modern = dialect != Dialect::Bare && !dice.one_in(4);
                let nature = Nature {
                    user: user.clone(),
                    device,
                    dialect,
                    modern,
                    password: claimed.then(|| format!("{user}'s password")),
                    trusts_cursor: devices == 1 && dice.one_in(3),
                };
                clients.push(Client::new(nature, dice.another()));
            }
        }
        let hostile = (0..dice.below(4)).map(|_| Hostile::new(dice.another())).collect();
        let clock = Clock::new();
        let storage = Storage::new(&clock, &mut dice);
        let ledger = Ledger::new(storage.survives());
        Self {
            clock,
            ledger,
            storage,
            shell: None,
            up_at_ms: 0,
            wires: Vec::new(),
            clients,
            hostile,
            users,
            groups,
            cursors: BTreeMap::new(),
            peace: *dice.pick(&[40, 200, 1_000]),
            limits: limits(&mut dice),
            calm: false,
            stopping: false,
            turns_at_once: 0,
            outcome: Outcome::default(),
            dice,
        }
    }

    /// Plays it to its end.
    ///
    /// # Panics
    /// When something happens that must not.
    pub(super) fn play(mut self) -> Outcome {
        let trouble_ms = 5_000 + self.dice.below(60_000);
        while self.now_ms() < trouble_ms {
            self.goes_wrong();
            self.step();
        }
        self.calm_down();
        self.drain("what was said is not all answered");
        // What the hostile ones said is in the pipes, and takes its time.
        let settled_ms = self.now_ms() + SETTLE_MS;
        while self.now_ms() < settled_ms {
            self.step();
        }
        let Self { clients, clock, ledger, users, groups, .. } = &mut self;
        for client in clients {
            client.reads_all(&client::World { clock, ledger, users, groups, calm: true });
        }
        self.drain("what was said cannot all be read again");
        self.compare();
        self.outcome.trace = self.ledger.trace();
        self.outcome.frames = self.ledger.frames;
        self.outcome.virtual_ms = self.now_ms();
        self.outcome
    }

    fn now_ms(&self) -> u64 {
        self.clock.mono_ms()
    }

    /// Perhaps something goes wrong.
    fn goes_wrong(&mut self) {
        let now_ms = self.now_ms();
        if !self.dice.one_in(self.peace) {
            return;
        }
        match self.dice.below(12) {
            0..3 => {
                let at = self.dice.place(self.clients.len());
                if self.dice.one_in(4) {
                    self.clients[at].says_no_more();
                } else {
                    self.clients[at].disappears(now_ms);
                }
            }
            3..5 => {
                let at = self.dice.place(self.clients.len());
                let until_ms = now_ms + self.dice.below(20_000);
                self.clients[at].stalls(until_ms);
            }
            5 if !self.wires.is_empty() => {
                let at = self.dice.place(self.wires.len());
                let wire = &mut self.wires[at];
                if wire.lost_at_ms.is_none() {
                    wire.lost_at_ms = Some(now_ms);
                    wire.link.borrow_mut().lose();
                }
            }
            6 => {
                let hours = *self.dice.pick(&[-24 * 365, -1, 1, 24 * 365]);
                self.clock.leap(hours * 3_600_000);
            }
            7..9 => self.storage.goes_wrong(&mut self.ledger),
            9 if self.shell.is_some() && self.storage.survives_power_cut() => {
                self.crash(true);
            }
            10 if self.shell.is_some() && self.storage.survives() => {
                self.crash(false);
            }
            11 if !self.stopping && self.storage.survives() => {
                if let Some(shell) = &mut self.shell {
                    self.stopping = true;
                    shell.stop();
                }
            }
            _ => {}
        }
    }

    /// Nothing goes wrong any more.
    fn calm_down(&mut self) {
        self.calm = true;
        self.storage.calms_down();
        let now_ms = self.now_ms();
        for wire in &self.wires {
            if wire.lost_at_ms.is_some() {
                wire.link.borrow_mut().break_off();
            }
        }
        for hostile in &mut self.hostile {
            hostile.goes();
        }
        for client in &mut self.clients {
            client.stalls(now_ms);
        }
    }

    /// Steps until every client is content.
    #[track_caller]
    fn drain(&mut self, otherwise: &str) {
        let until_ms = self.now_ms() + DRAIN_MS;
        while !self.clients.iter().all(Client::is_content) || self.is_busy() {
            if self.now_ms() >= until_ms {
                let waiting = self.clients.iter().filter(|client| !client.is_content());
                let waiting: Vec<String> = waiting.map(Client::waits_for).collect();
                panic!("{otherwise} within {DRAIN_MS} ms: {}", waiting.join("\n"));
            }
            self.step();
        }
    }

    /// Everything that is due now happens, and then time passes.
    fn step(&mut self) {
        self.outcome.events += 1;
        self.comes_up();
        self.clients_act();
        self.network_moves();
        let stored = self.journal_works();
        self.server_turns(stored);
        self.time_passes();
    }

    fn comes_up(&mut self) {
        let now_ms = self.now_ms();
        if self.shell.is_some() || now_ms < self.up_at_ms {
            return;
        }
        let Ok(known) = self.storage.open(&mut self.ledger) else {
            // The disk failed once more.
            self.ledger.note(format!("{now_ms}: not opened").as_bytes());
            self.storage.comes_back();
            self.up_at_ms = now_ms + 500;
            return;
        };
        let ground = SimGround::new(
            &self.clock,
            self.dice.another(),
            self.storage.files(),
            self.limits.hash_queue_max,
        );
        let mut shell = Shell::new(ground, known, self.clock.now(), Lang::Pt);
        shell.set_limits(self.limits);
        self.cursors.clear();
        self.stopping = false;
        self.shell = Some(shell);
    }

    fn clients_act(&mut self) {
        let now_ms = self.now_ms();
        for at in 0..self.clients.len() {
            if self.clients[at].wants_in(now_ms) && self.may_come(at) {
                match self.connect(Some(at)) {
                    Some(link) => self.clients[at].connected(link, now_ms),
                    None => self.clients[at].comes_later(now_ms),
                }
            }
            let Self { clients, clock, ledger, users, groups, .. } = self;
            if clients[at].next_ms() <= now_ms {
                let calm = self.calm;
                clients[at].acts(&mut client::World { clock, ledger, users, groups, calm });
            }
        }
        for at in 0..self.hostile.len() {
            if self.hostile[at].next_ms > now_ms {
                continue;
            }
            if self.hostile[at].link.is_none()
                && !self.calm
                && let Some(link) = self.connect(None)
            {
                self.hostile[at].connected(link, now_ms);
            }
            self.hostile[at].acts(&self.clock);
        }
    }

    /// The first of a user's clients claims the name before the others come.
    fn may_come(&self, at: usize) -> bool {
        let Nature { user, device, .. } = &self.clients[at].nature;
        let mut of_user = self.clients.iter().filter(|client| client.nature.user == *user);
        *device == 0 || of_user.any(Client::has_claimed)
    }

    fn connect(&mut self, client: Option<usize>) -> Option<Rc<RefCell<Link>>> {
        if self.stopping {
            return None;
        }
        let shell = self.shell.as_mut()?;
        shell.now = self.clock.now();
        let (link, socket) = Link::new(&self.clock, self.dice.another(), client.is_none());
        let host = 1 + u8::try_from(self.dice.below(4)).unwrap_or(0);
        let peer = SocketAddr::from((Ipv4Addr::new(10, 0, 0, host), 40_000));
        if shell.crowded_until_ms().is_some() || shell.admit(&peer).is_err() {
            return None;
        }
        let id = shell.welcome(socket, peer);
        self.wires.push(Wire { link: Rc::clone(&link), id, client, lost_at_ms: None });
        Some(link)
    }

    fn network_moves(&mut self) {
        let now_ms = self.now_ms();
        for wire in &mut self.wires {
            let mut link = wire.link.borrow_mut();
            if wire.lost_at_ms.is_some_and(|at_ms| at_ms + KEEPALIVE_MS <= now_ms) {
                wire.lost_at_ms = None;
                link.break_off();
            }
            if link.pass_time()
                && let Some(client) = wire.client
                && let Some(client) = self.clients.get_mut(client)
                && client.link.as_ref().is_some_and(|its| Rc::ptr_eq(its, &wire.link))
            {
                client.is_woken(now_ms);
            }
        }
        self.wires.retain(|wire| !wire.link.borrow().is_done());
    }

    /// The journal's threads do what is due. Returns whether the loop is woken.
    fn journal_works(&mut self) -> bool {
        let Some(shell) = &mut self.shell else { return false };
        let woken = self.storage.works(&mut shell.journal, &mut self.ledger);
        if self.storage.is_off() {
            self.crash(true);
            return false;
        }
        woken
    }

    fn server_turns(&mut self, woken: bool) {
        let Some(shell) = &mut self.shell else { return };
        let now_ms = self.clock.mono_ms();
        let mut reason = woken || shell.has_work();
        reason |= shell.ground.next_ms().is_some_and(|at_ms| at_ms <= now_ms);
        reason |= shell.next_deadline_ms().is_some_and(|at_ms| at_ms < now_ms);
        for wire in &self.wires {
            if let Some(ready) = wire.link.borrow_mut().take_ready() {
                let (slot, generation) = (wire.id.index as usize, wire.id.generation as usize);
                shell.note_ready((slot, generation), ready);
                reason = true;
            }
        }
        if !reason {
            return;
        }
        self.turns_at_once += 1;
        assert!(self.turns_at_once < TURNS_AT_ONCE_MAX, "the loop spins");
        shell.now = self.clock.now();
        shell.turn();
        if let Some(why) = shell.journal.failure() {
            self.ledger.note(format!("{now_ms}: the store fails: {why}").as_bytes());
            // The process ends.
            return self.crash(false);
        }
        self.check();
        let Some(shell) = &mut self.shell else { return };
        if shell.has_ended() {
            self.closes();
        }
    }

    /// The server has told everybody that it ends, and ends.
    fn closes(&mut self) {
        let Some(shell) = self.shell.take() else { return };
        shell.close();
        self.storage.comes_back();
        self.stopping = false;
        self.up_at_ms = self.now_ms() + 100 + self.dice.below(2_000);
        self.audit();
    }

    /// Whether something is on its way to the disk.
    fn is_busy(&mut self) -> bool {
        let Self { shell, storage, .. } = self;
        shell.as_mut().is_none_or(|shell| storage.is_busy(&mut shell.journal))
    }

    /// The process dies, with the machine or alone.
    fn crash(&mut self, power: bool) {
        let note = format!("{}: crash, of the machine {power}", self.now_ms());
        self.ledger.note(note.as_bytes());
        self.outcome.crashes += 1;
        if let Some(mut shell) = self.shell.take() {
            self.storage.crash(std::mem::take(&mut shell.journal), power);
            drop(shell);
        }
        let now_ms = self.now_ms();
        for wire in &mut self.wires {
            let mut link = wire.link.borrow_mut();
            // Who is told, and who has to find out.
            if self.dice.one_in(2) || self.calm {
                link.break_off();
            } else {
                link.lose();
            }
            if link.is_lost() {
                wire.lost_at_ms.get_or_insert(now_ms);
            }
        }
        self.stopping = false;
        self.up_at_ms = now_ms + 100 + self.dice.below(3_000);
    }

    /// What must be true after each turn.
    fn check(&mut self) {
        let Some(shell) = &mut self.shell else { return };
        let (mut outputs, mut inputs) = (0, 0);
        for connection in shell.connections.iter_mut() {
            let owned = connection.outbox.owned_bytes();
            // One answer may be over: a page of the largest kind.
            let most = self.limits.outbox_hard_bytes_max + 2 * STORED_PAGE_BYTES_MAX;
            assert!(owned <= most, "an outbox holds {owned} bytes");
            let input = connection.input_bytes;
            let most = self.limits.frame_bytes_max + READ_BYTES_PER_TURN_MAX;
            assert!(input <= most, "a half-read frame holds {input} bytes");
            (outputs, inputs) = (outputs + owned, inputs + input);
        }
        assert_eq!(shell.outboxes_bytes, outputs, "bytes to be written are counted");
        assert_eq!(shell.inputs_bytes, inputs, "bytes half read are counted");
        // One connection goes in a turn, and leaves room for what came in it.
        let most = 2 * self.limits.outboxes_bytes_max;
        assert!(outputs <= most, "all outboxes hold {outputs} bytes");
        let most = self.limits.inputs_bytes_max;
        assert!(inputs <= most, "all half-read frames hold {inputs} bytes");
        let head = shell.chat.last_number();
        for (user, cursor) in shell.chat.cursors() {
            assert!(cursor <= head, "{user} has got as far as {cursor}, after {head}, the newest");
            let before = self.cursors.entry(user.to_owned()).or_default();
            assert!(*before <= cursor, "{user}'s cursor went back from {before} to {cursor}");
            *before = cursor;
        }
    }

    /// Compares what everybody was told with what is stored.
    fn audit(&mut self) {
        if let Some(Ok(stored)) = self.storage.stored() {
            self.ledger.audit(&stored);
        }
    }

    /// Everybody has seen everything that was theirs, and finds it again.
    fn compare(&mut self) {
        let shell = self.shell.as_mut().expect("the server is up");
        let honest: BTreeSet<SessionId> =
            self.wires.iter().filter(|wire| wire.client.is_some()).map(|wire| wire.id).collect();
        for connection in shell.connections.iter_mut().filter(|its| honest.contains(&its.id)) {
            // But for a ping and its answer.
            assert!(connection.input_bytes < 128, "all that was said is read");
            assert!(connection.outbox.len_bytes() < 128, "all is written");
        }
        let Some(stored) = self.storage.stored() else { return };
        let stored = stored.expect("a disk that has calmed down is read");
        self.ledger.audit(&stored);
        let counted = shell.chat.file_bytes().filter(|(_, bytes)| *bytes > 0);
        let counted: BTreeMap<String, u64> =
            counted.map(|(user, bytes)| (user.to_owned(), bytes)).collect();
        assert_eq!(counted, stored.file_bytes, "everybody's files are counted");
        for client in &self.clients {
            let user = client.nature.user.as_str();
            let reading = client.reading.as_ref().expect("it has read everything");
            for (place, read) in &reading.read {
                assert_eq!(*read, stored.history(user, place), "{user} reads all of {place}");
            }
            if !client.nature.modern {
                continue;
            }
            // What it wrote itself it knows by the answer. If that was lost, and it may not write there
            // any more, it is told that.
            let own = format!("{user}-{}-", client.nature.device);
            for row in stored.visible(user).filter(|row| !row.content.starts_with(&own)) {
                let known = client.knows(row.msg_id);
                assert!(known, "{user} {} never got {row:?}", client.nature.device);
            }
        }
    }

    /// The time of the next event.
    fn time_passes(&mut self) {
        let now_ms = self.now_ms();
        let mut next_ms = u64::MAX;
        let clients = self.clients.iter().map(Client::next_ms);
        let hostile = self.hostile.iter().map(|hostile| hostile.next_ms);
        let links = self.wires.iter().filter_map(|wire| wire.link.borrow().next_ms());
        let others = clients.chain(hostile).chain(links).chain(self.storage.next_ms());
        next_ms = others.min().unwrap_or(next_ms).min(next_ms);
        match &self.shell {
            None => next_ms = next_ms.min(self.up_at_ms),
            Some(shell) if shell.has_work() => next_ms = now_ms,
            Some(shell) => {
                let ground = shell.ground.next_ms().into_iter();
                let deadline = shell.next_deadline_ms().map(|at_ms| at_ms + 1);
                next_ms = ground.chain(deadline).fold(next_ms, u64::min);
            }
        }
        // A turn takes its time, now and then.
        let passes = next_ms.saturating_sub(now_ms).max(u64::from(self.dice.one_in(4)));
        if passes > 0 {
            self.turns_at_once = 0;
            self.clock.pass(passes);
        }
    }
}

/// Limits of which some are so low that they are met. Those by address are not: all the world comes from
/// a handful of them here.
fn limits(dice: &mut Dice) -> Limits {
    let high = Limits::default();
    let mut or = |low: usize, high: usize| if dice.one_in(2) { low } else { high };
    let soft = or(4 * 1024, high.outbox_soft_bytes_max);
    Limits {
        outbox_soft_bytes_max: soft,
        outbox_hard_bytes_max: or(soft + FED_PAGE_BYTES_MAX, high.outbox_hard_bytes_max),
        outboxes_bytes_max: or(1024 * 1024, high.outboxes_bytes_max),
        inputs_bytes_max: or(256 * 1024, high.inputs_bytes_max),
        frame_bytes_max: or(128 * 1024, high.frame_bytes_max),
        content_bytes_max: or(20_000, high.content_bytes_max),
        messages_burst_max: u32::try_from(or(5, 1_000)).unwrap_or(5),
        bytes_burst_max: or(64 * 1024, 8 * 1024 * 1024) as u64,
        unauthenticated_max: or(8, high.unauthenticated_max),
        silent_ms_max: or(4_000, 300_000) as u64,
        heartbeat_interval_ms: or(3_000, 15_000) as u64,
        write_stall_ms_max: or(3_000, 10_000) as u64,
        hash_queue_max: or(4, high.hash_queue_max),
        groups_per_user_max: or(2, high.groups_per_user_max),
        members_per_group_max: or(3, high.members_per_group_max),
        sessions_per_user_max: or(4, high.sessions_per_user_max),
        connections_per_address_max: 1_000,
        new_connections_max: 100_000,
        registrations_max: 1_000,
        ..high
    }
}

/// The first of these, at least so many.
fn some_of(all: &[&str], least: usize, dice: &mut Dice) -> Vec<String> {
    let count = least + dice.place(all.len() + 1 - least);
    all[..count].iter().map(|&name| name.to_owned()).collect()
}
