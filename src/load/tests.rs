//! The tool against servers that it has to judge: one that does all right, and some that do not.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dialect::{Dialect, Ear, To, Wording};
use super::enter;
use super::options::{Options, Scenario};
use super::relay::Relay;
use super::report::Report;
use super::round::{Pace, Plan, Round, Route};
use super::session;
use super::swarm::Swarm;
use crate::cli::Exit;
use crate::text::Lang;
use crate::wire::code::Code;
use crate::wire::event::{Answer, Body, Content, Encode, Event, MessageReceived};
use crate::wire::frame::Framing;
use crate::wire::request::{GroupRequest, Request, Target, decode};

/// What is wrong with a fake server, from its hundredth message on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    LosesOne,
    DoublesOne,
    SwapsTwo,
    AltersOne,
    RefusesOne,
    ForgetsAnAnswer,
    DeliversToTheWrongOne,
    HangsUp,
    RefusesLogins,
    SpeaksNoJson,
}

/// A papo server of the simplest kind: a thread per client, one lock.
struct Fake {
    fault: Fault,
    messages: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    users: HashMap<String, TcpStream>,
    groups: HashMap<String, Vec<String>>,
    /// A delivery that is being swapped with the next.
    held: Option<(String, Vec<u8>)>,
}

impl Fake {
    fn start(fault: Fault) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Arc::new(Self { fault, messages: AtomicU64::new(0), state: Mutex::default() });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let fake = Arc::clone(&fake);
                std::thread::spawn(move || fake.serve(&stream));
            }
        });
        address
    }

    fn serve(&self, stream: &TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut user = String::new();
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if self.fault == Fault::SpeaksNoJson {
                let _ = (&*stream).write_all(b"220 welcome\r\n");
                continue;
            }
            if self.answer(stream, &mut user, line.as_bytes()).is_none() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }

    fn answer(&self, stream: &TcpStream, user: &mut String, line: &[u8]) -> Option<()> {
        let envelope = decode(line, &crate::limits::Limits::default());
        let mut state = self.state.lock().unwrap();
        let nth = match &envelope.request {
            Ok(Request::Message { .. }) => self.messages.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        let fault = if nth == 100 { self.fault } else { Fault::Nothing };
        let mut refusal = None;
        match envelope.request.unwrap() {
            Request::Login(login) => {
                *user = login.username.to_string();
                let clone = stream.try_clone().unwrap();
                state.users.insert(user.clone(), clone);
                refusal = (self.fault == Fault::RefusesLogins).then_some(Code::ServerFull);
            }
            Request::Group { name, what } => {
                let group = state.groups.entry(name.to_string()).or_default();
                match what {
                    GroupRequest::Create { .. } => assert!(group.is_empty()),
                    GroupRequest::Join => assert!(!group.is_empty()),
                    GroupRequest::Delete => group.clear(),
                    other => panic!("{other:?}"),
                }
                group.push(user.clone());
            }
            Request::Message { to, content, .. } => {
                if fault == Fault::HangsUp {
                    return None;
                }
                if fault == Fault::RefusesOne {
                    refusal = Some(Code::RateLimited);
                } else {
                    let content = match fault {
                        Fault::AltersOne => content.replace("Olá", "Ola"),
                        _ => content.to_string(),
                    };
                    state.deliver(fault, user, &to, &content);
                }
            }
            other => panic!("{other:?}"),
        }
        if fault == Fault::ForgetsAnAnswer {
            return Some(());
        }
        let mut answer = Vec::new();
        let body = match envelope.answer {
            "login_response" => Body::Login {
                username: user,
                server: "fake/1",
                protocol: 1,
                token: None,
                cursor: 0,
                time: 0,
            },
            _ => Body::None,
        };
        Answer {
            kind: envelope.answer,
            code: refusal,
            message: "resposta",
            id: envelope.id.as_ref(),
            body,
        }
        .encode(&mut answer);
        answer.push(b'\n');
        (&*stream).write_all(&answer).ok()
    }
}

impl State {
    fn deliver(&mut self, fault: Fault, sender: &str, to: &Target<'_>, content: &str) {
        let recipients = match to {
            Target::User(name) => vec![name.to_string()],
            Target::Group(name) => self.groups[&**name].clone(),
        };
        for recipient in recipients.iter().filter(|name| **name != sender) {
            let mut message = MessageReceived {
                msg_id: 1,
                prev: 0,
                sender,
                recipient: None,
                group_name: None,
                content: Content { text: content, plain: false },
                timestamp: "14:30:25",
                ts: 1,
                reply_to: None,
                id: None,
                state: crate::wire::event::State::default(),
            };
            let event = match to {
                Target::User(_) => {
                    message.recipient = Some(recipient);
                    Event::PrivateMessageReceived(message)
                }
                Target::Group(name) => {
                    message.group_name = Some(name);
                    Event::GroupMessageReceived(message)
                }
            };
            let mut line = Vec::new();
            event.encode(&mut line);
            line.push(b'\n');
            let copies = match fault {
                Fault::LosesOne => 0,
                Fault::DoublesOne => 2,
                Fault::SwapsTwo => {
                    self.held = Some((recipient.clone(), line));
                    continue;
                }
                _ => 1,
            };
            let to = match fault {
                Fault::DeliversToTheWrongOne => sender,
                _ => recipient,
            };
            for _ in 0..copies {
                let _ = (&self.users[to]).write_all(&line);
            }
            if self.held.as_ref().is_some_and(|(held, _)| held == recipient)
                && let Some((_, held)) = self.held.take()
            {
                let _ = (&self.users[recipient]).write_all(&held);
            }
        }
    }
}

fn options(server: SocketAddr, scenarios: &[Scenario]) -> Options {
    Options {
        lang: Lang::En,
        server: server.to_string(),
        clients: 7,
        in_flight: 8,
        group_size: 6,
        rate: 2_000,
        time: Duration::from_secs(20),
        messages: Some(300),
        text_bytes: 100,
        scenarios: scenarios.to_vec(),
        pid: None,
        baseline: false,
        json: false,
        websocket: false,
    }
}

fn judge(fault: Fault, scenario: Scenario) -> Report {
    session::play(&options(Fake::start(fault), &[scenario])).unwrap()
}

#[test]
fn a_server_that_does_all_right_is_found_to_do_so() {
    use Scenario::{Group, Latency, Paced, Pairs};
    let scenarios = [Pairs, Latency, Group, Paced];
    let report = session::play(&options(Fake::start(Fault::Nothing), &scenarios)).unwrap();
    assert_eq!(report.complaint(Lang::En), None);
    assert!(report.ok);
    assert_eq!(report.software.as_deref(), Some("fake/1"));
    let counts: Vec<(u64, u64, u64)> = report
        .scenarios
        .iter()
        .map(|row| &row.papo.tally)
        .map(|tally| (tally.sent, tally.delivered, tally.answered))
        .collect();
    let plain = (300, 300, 300);
    assert_eq!(counts, [(7, 7, 7), plain, plain, (300, 1_500, 300), plain]);
    for row in &report.scenarios {
        let measure = &row.papo;
        assert!(measure.p50_us > 0.0 && measure.p50_us <= measure.max_us);
    }
    // Three rounds of 100 messages, 0.5 ms apart.
    assert!(report.scenarios[4].papo.seconds >= 0.148);
}

#[test]
fn whatever_a_server_does_wrong_is_noticed() {
    for scenario in [Scenario::Pairs, Scenario::Group] {
        // Of a message to the group, each of its five receivers.
        let each = if scenario == Scenario::Group { 5 } else { 1 };
        for (fault, wrongs) in [
            (Fault::LosesOne, [0, each, 0, 0, 0, 0, 0, 0]),
            (Fault::DoublesOne, [0, 0, 0, each, 0, 0, 0, 0]),
            (Fault::AltersOne, [0, each, 0, 0, 0, each, 0, 0]),
            (Fault::RefusesOne, [1, 0, 0, 0, 0, 0, 0, 0]),
            (Fault::ForgetsAnAnswer, [0, 0, 1, 0, 0, 0, 0, 0]),
            (Fault::DeliversToTheWrongOne, [0, each, 0, 0, 0, 0, each, 0]),
        ] {
            let report = judge(fault, scenario);
            let tally = &report.scenarios[1].papo.tally;
            assert_eq!(tally.wrongs(), wrongs, "{fault:?} in {scenario:?}");
            assert!(!report.ok && report.complaint(Lang::En).is_some());
        }
    }
}

#[test]
fn two_messages_that_change_places_are_noticed() {
    let report = judge(Fault::SwapsTwo, Scenario::Pairs);
    let tally = &report.scenarios[1].papo.tally;
    assert_eq!(tally.wrongs(), [0, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn a_connection_that_ends_ends_the_run_at_once() {
    let scenarios = [Scenario::Pairs, Scenario::Latency];
    let report = session::play(&options(Fake::start(Fault::HangsUp), &scenarios)).unwrap();
    assert_eq!(report.scenarios.len(), 2, "the logins, and what broke");
    assert_eq!(report.scenarios[1].papo.tally.disconnected, 1);
    let complaint = report.complaint(Lang::En).unwrap();
    assert!(complaint.contains("carga-0"), "{complaint}");
}

#[test]
fn who_cannot_come_in_is_told_why() {
    for (fault, exit) in
        [(Fault::RefusesLogins, Exit::LoginRefused), (Fault::SpeaksNoJson, Exit::NoConnection)]
    {
        let failure = session::play(&options(Fake::start(fault), &[Scenario::Pairs])).unwrap_err();
        assert_eq!(failure.exit, exit, "{}", failure.message);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = session::play(&options(nobody, &[Scenario::Pairs])).unwrap_err();
    assert_eq!(failure.exit, Exit::NoConnection, "{}", failure.message);
}

#[test]
fn the_relay_passes_everything_on() {
    let relay = Relay::new().unwrap();
    let address = relay.address().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&stop);
    let running = std::thread::spawn(move || relay.run(&until));

    let names: Vec<String> = (0..6).map(|client| format!("carga-{client}")).collect();
    let mut swarm = Swarm::new(address, Framing::Line, names.len()).unwrap();
    enter::log_in(Dialect::Raw, &mut swarm, &names, Lang::Pt, &mut |_| {}).unwrap();
    enter::gather(Dialect::Raw, &mut swarm, "grupo", names.len()).unwrap();
    // Texts larger than one read of the relay, too.
    for (ordinal, text_bytes) in [(1, 100), (2, 65_536)] {
        let mut ear = Ear::new(Dialect::Raw, Wording::new("1a2b3c4d", text_bytes));
        for (ordinal, route) in [
            (ordinal, Route { sender: 2, to: To::User("carga-3"), receivers: 3..4 }),
            (ordinal + 2, Route { sender: 0, to: To::Group("grupo"), receivers: 1..6 }),
        ] {
            let plan = Plan {
                pace: Pace::InFlight(16),
                time: Duration::from_secs(20),
                messages: Some(500),
            };
            let receivers = route.receivers.len() as u64;
            let round = Round::new(&mut ear, &names, ordinal, &[route], plan);
            let played = round.play(&mut swarm, &mut |_, _| {}).unwrap();
            assert!(played.tally.is_clean(), "{:?}", played.tally);
            assert_eq!(played.tally.delivered, 500 * receivers);
            assert_eq!(played.latency.len(), 500 * receivers);
        }
    }
    stop.store(true, Ordering::Relaxed);
    running.join().unwrap().unwrap();
}
