//! A server without sockets: the core and a journal, and somebody who talks to them.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::chat::query::{Query, Ticket};
use crate::chat::{
    Arrival, Caller, Chat, Check, Checked, Effect, Effects, FileDone, FileJob, Now, Saved,
    SessionId,
};
use crate::journal::{Durability, Journal, OpenError};
use crate::limits::Limits;
use crate::text::Lang;
use crate::wire::{Code, request};

/// Long after every answer: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How the numbers of the seed begin: in a request, `#04` is the fourth.
const NUMBERS: &str = "1291718656000";

/// The first of them.
pub(in crate::fuzzing) const FIRST_NUMBER: u64 = 129_171_865_600_000;

/// What people ask of it, each on a connection of their own: something of every kind that looks at
/// what is stored.
const TALK: &[(u32, &str)] = &[
    (
        0,
        r#"{"type":"login","username":"ana","password":"x","features":["receipts","groups","chunks","presence"]}"#,
    ),
    (1, r#"{"type":"login","username":"bia","features":["receipts","groups"],"since":#04}"#),
    (2, r#"{"type":"login","username":"caio"}"#),
    (0, r#"{"type":"list_users","all":true}"#),
    (0, r#"{"type":"list_groups"}"#),
    (1, r#"{"type":"list_conversations"}"#),
    (0, r#"{"type":"history","with":"bia"}"#),
    (1, r#"{"type":"history","group_name":"Trabalho","before":#17,"limit":5}"#),
    (2, r#"{"type":"search","query":"oi"}"#),
    (0, r#"{"type":"search","query":"oi de","with":"bia"}"#),
    (0, r#"{"type":"list_group_members","group_name":"Trabalho"}"#),
    (0, r#"{"type":"private_message","recipient":"bia","content":"oi","id":"a"}"#),
    (1, r#"{"type":"private_message","recipient":"caio","content":"oi"}"#),
    (0, r#"{"type":"group_message","group_name":"Trabalho","content":"oi","reply_to":#09}"#),
    (1, r#"{"type":"received","msg_id":#17}"#),
    (0, r#"{"type":"read","with":"bia","msg_id":#10}"#),
    (0, r#"{"type":"edit_message","msg_id":#04,"content":"oi de novo"}"#),
    (1, r#"{"type":"react","msg_id":#10,"emoji":"+"}"#),
    (0, r#"{"type":"delete_message","msg_id":#10}"#),
    (0, r#"{"type":"file_get","file_id":#11}"#),
    (
        0,
        r#"{"type":"file_begin","recipient":"bia","filename":"g.bin","size":9,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
    ),
    (0, r#"{"type":"file_cancel","file_id":#18}"#),
    (
        0,
        r#"{"type":"send_file","recipient":"Trabalho","file_type":"group","filename":"f","file_data":""}"#,
    ),
    (1, r#"{"type":"create_group","group_name":"Novo"}"#),
    (2, r#"{"type":"add_member","group_name":"Trabalho","new_member":"dora"}"#),
    (2, r#"{"type":"promote_member","group_name":"Trabalho","member":"ana"}"#),
    (2, r#"{"type":"rename_group","group_name":"Trabalho","new_name":"Lazer"}"#),
    (1, r#"{"type":"leave_group","group_name":"Lazer"}"#),
    (2, r#"{"type":"delete_group","group_name":"Lazer"}"#),
    (0, r#"{"type":"logout"}"#),
    (3, r#"{"type":"login","username":"Dora","want_token":true}"#),
];

pub(in crate::fuzzing) struct Server {
    chat: Chat,
    journal: Journal,
    wakes: Receiver<()>,
    fx: Effects,
    now: Now,
    hungry: Vec<SessionId>,
}

impl Server {
    pub(in crate::fuzzing) fn open(data: &Path) -> Result<Self, OpenError> {
        let (wake, wakes) = mpsc::channel();
        let wake = Arc::new(move || {
            let _ = wake.send(());
        });
        // Nobody cuts the power here, and every sync would cost.
        let (journal, recovered) = Journal::open(data, Durability::Os, wake)?;
        let mut chat = Chat::new(Lang::Pt);
        chat.recover(recovered).map_err(|why| OpenError::Damaged(why.to_owned()))?;
        let now = Now { mono_ms: 1_000, wall_ms: 1_767_225_700_000, utc_offset_s: 0 };
        Ok(Self { chat, journal, wakes, fx: Effects::default(), now, hungry: Vec::new() })
    }

    /// Asks the journal, past the core.
    pub(in crate::fuzzing) fn ask(&mut self, query: Query) {
        self.journal.fetch(Ticket(usize::MAX), query);
        while self.journal.fetched().is_none() {
            self.wait();
        }
    }

    /// One request of one of the first connections. `false` if the journal has failed.
    pub(in crate::fuzzing) fn handle(&mut self, index: u32, json: &str) -> bool {
        let json = json.replace('#', NUMBERS);
        let envelope = request::decode(json.as_bytes(), &Limits::default());
        let session = SessionId { index, generation: 0 };
        // One of this machine, to whom no rate applies.
        let mut caller = Caller::new(None);
        let arrival = Arrival { caller: &mut caller, bytes: json.len() };
        self.chat.handle(session, arrival, envelope, self.now, &mut self.fx);
        self.settle()
    }

    /// People come, ask, and go.
    pub(in crate::fuzzing) fn talk(&mut self) {
        for (who, json) in TALK {
            if !self.handle(*who, json) {
                return;
            }
            self.now.mono_ms += 1_000;
            if self.chat.seen_due_ms().is_some_and(|due_ms| due_ms <= self.now.mono_ms) {
                self.chat.tell_seen(&mut self.fx);
                self.carry_out();
            }
        }
        for index in 0..4 {
            let session = SessionId { index, generation: 0 };
            self.chat.disconnected(session, self.now, &mut self.fx);
            self.carry_out();
        }
    }

    /// Closes the store, which moves everything into its one file.
    pub(in crate::fuzzing) fn close(self) {
        self.journal.close();
    }

    /// Lets everything happen that is on its way. `false` if the journal has failed.
    fn settle(&mut self) -> bool {
        let mut asked = self.carry_out();
        loop {
            if !self.fx.batch.is_empty() {
                self.journal.append(&mut self.fx.batch, self.now.wall_ms);
            }
            if let Some(mut committed) = self.journal.committed() {
                self.chat.committed(&mut committed, self.now, &mut self.fx);
                asked += self.carry_out();
                self.journal.recycle(committed);
            } else if let Some((ticket, fetched)) = self.journal.fetched() {
                asked -= 1;
                self.chat.fetched(ticket, fetched, self.now, &mut self.fx);
                asked += self.carry_out();
            } else if let Some(session) = self.hungry.pop() {
                self.chat.feed(session, &mut self.fx);
                asked += self.carry_out();
            } else if self.journal.failure().is_some() {
                return false;
            } else if asked > 0 || self.journal.in_flight().0 > 0 {
                self.wait();
            } else {
                return true;
            }
        }
    }

    fn wait(&self) {
        self.wakes.recv_timeout(PATIENCE).expect("the journal answers");
    }

    /// Carries effects out until there are none. Returns how many questions were asked.
    fn carry_out(&mut self) -> usize {
        let mut asked = 0;
        while !self.fx.is_drained() {
            let mut fx = std::mem::take(&mut self.fx);
            for effect in fx.list() {
                match effect {
                    Effect::Send { frame, .. } | Effect::Broadcast { frame, .. } => {
                        let json = fx.bytes(frame);
                        assert!(json.starts_with(b"{") && json.ends_with(b"}"));
                        assert!(std::str::from_utf8(json).is_ok());
                    }
                    Effect::Feed(session) => self.hungry.push(*session),
                    _ => {}
                }
            }
            let (mut checks, mut saves, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
            fx.take_queries(|ticket, query| {
                asked += 1;
                self.journal.fetch(ticket, query);
            });
            fx.take_checks(|check| checks.push(check));
            fx.take_file_jobs(|job| jobs.push(job));
            fx.take_saves(|save| saves.push(save));
            fx.take_discards(drop);
            fx.drained();
            self.fx = fx;
            // One after the other: what each leads to is drained before the next.
            for check in checks {
                let (ticket, checked) = match check {
                    Check::Token(ticket) => (ticket, Checked::Token("t".to_owned(), [7; 32])),
                    Check::Password { ticket, .. } => (ticket, Checked::Password(true)),
                    Check::NewPassword { ticket, .. } => (ticket, Checked::NewPassword(None)),
                };
                self.chat.checked(ticket, checked, self.now, &mut self.fx);
                asked += self.carry_out();
            }
            for save in saves {
                let name = save.filename.stored_as(&[&save.sender], 1);
                let result = Ok((name, save.data.len() as u64, [7; 32]));
                let done = Saved { transfer: save.transfer, data: save.data, result };
                self.chat.saved(done, &mut self.fx);
                asked += self.carry_out();
            }
            for job in jobs {
                let done = match job {
                    FileJob::Read { session, upto, .. } => {
                        FileDone::Read { session, frames: Err(Code::UnknownFile), upto }
                    }
                    FileJob::Open { file_id, .. } => FileDone::Opened { file_id, received: Ok(0) },
                    FileJob::Write { .. } | FileJob::Finish { .. } | FileJob::Drop { .. } => {
                        continue;
                    }
                };
                self.chat.file_done(done, &mut self.fx);
                asked += self.carry_out();
            }
        }
        asked
    }
}
