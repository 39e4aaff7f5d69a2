//! One scenario played against one server: who sends what to whom, how much is on its way at once,
//! and the book of what arrived.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::dialect::{Dialect, Ear, FIRST_NUMBER, Heard, Mark, NUMBERS_PER_ROUND, Template, To};
use super::sequence::{Arrival, Sequence};
use super::swarm::Swarm;
use super::tally::Tally;

/// Nothing arrives for so long, though something is on its way: it will not come any more.
const STALL: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// After the last expected arrival, time for what nobody expects: a second copy.
const GRACE: Duration = Duration::from_millis(50);

/// How often the progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Latencies above this are counted as this: 60 s, in nanoseconds.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// How much is sent, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    /// Nothing more is sent after this time.
    pub(super) time: Duration,
    /// Nothing more is sent after so many messages.
    pub(super) messages: Option<u64>,
}

/// What a message waits for before it is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// For one of so many in its flow to be through: delivered to all and, where there are
    /// answers, answered.
    InFlight(usize),
    /// For its time, so many a second over all flows, whether or not others are through.
    PerSecond(u32),
}

/// Who speaks to whom in one flow.
#[derive(Clone, Debug)]
pub(super) struct Route<'a> {
    pub(super) sender: usize,
    pub(super) to: To<'a>,
    /// The clients that get each message.
    pub(super) receivers: Range<usize>,
}

/// What a round found.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) tally: Tally,
    /// From the first message sent to the last delivered.
    pub(super) time: Duration,
    /// From sending to delivery, in nanoseconds.
    pub(super) latency: Histogram<u64>,
}

/// A scenario being played.
#[derive(Debug)]
pub(super) struct Round<'a> {
    ear: &'a mut Ear,
    plan: Plan,
    names: &'a [String],
    first_number: u64,
    flows: Vec<Flow>,
    /// Each client's own flow, if it has one.
    flow_of: Vec<Option<usize>>,
    /// Flows whose window has opened.
    open: Vec<usize>,
    /// Messages that are not through yet, in all flows.
    on_their_way: u64,
    tally: Tally,
    latency: Histogram<u64>,
    last_arrival: Instant,
    last_delivery: Instant,
}

#[derive(Debug)]
struct Flow {
    sender: usize,
    receivers: Range<usize>,
    template: Template,
    sent: u64,
    refused: u64,
    answers: Sequence,
    seen: Vec<Sequence>,
    /// The oldest message that is not through, and all after it.
    window: VecDeque<Slot>,
    in_open: bool,
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// When it was sent; in a paced round, when it was to be sent.
    since: Instant,
    /// Deliveries, and the answer, that are still to come.
    awaited: usize,
}

impl<'a> Round<'a> {
    /// The round that is the `ordinal`th of the run, from 0.
    pub(super) fn new(
        ear: &'a mut Ear,
        names: &'a [String],
        ordinal: u64,
        routes: &[Route<'_>],
        plan: Plan,
    ) -> Self {
        let first_number = FIRST_NUMBER + ordinal * NUMBERS_PER_ROUND;
        let mut flow_of = vec![None; names.len()];
        let flows: Vec<Flow> = routes
            .iter()
            .enumerate()
            .map(|(index, route)| {
                flow_of[route.sender] = Some(index);
                let first = Mark { flow: index, number: first_number };
                Flow {
                    sender: route.sender,
                    receivers: route.receivers.clone(),
                    template: Template::new(ear.dialect(), ear.wording(), first, route.to),
                    sent: 0,
                    refused: 0,
                    answers: Sequence::default(),
                    seen: vec![Sequence::default(); route.receivers.len()],
                    window: VecDeque::new(),
                    in_open: true,
                }
            })
            .collect();
        let now = Instant::now();
        Self {
            ear,
            plan,
            names,
            first_number,
            open: (0..flows.len()).collect(),
            flows,
            flow_of,
            on_their_way: 0,
            tally: Tally::default(),
            latency: new_histogram(),
            last_arrival: now,
            last_delivery: now,
        }
    }

    /// Plays it to its end, which comes by itself. `tell` hears from time to time how far it is,
    /// from 0 to 1, and how much was delivered.
    pub(super) fn play(
        mut self,
        swarm: &mut Swarm,
        tell: &mut dyn FnMut(f64, u64),
    ) -> io::Result<Played> {
        let start = Instant::now();
        let mut told = start;
        self.last_arrival = start;
        self.last_delivery = start;
        while swarm.broken().is_none() {
            let now = Instant::now();
            let sending = self.may_send(now - start);
            if sending {
                self.send(swarm, start, now);
            } else if self.on_their_way == 0 {
                break;
            }
            if self.on_their_way > 0 && now - self.last_arrival > STALL {
                break;
            }
            if now - told >= TICK {
                told = now;
                tell(self.progress(now - start), self.tally.delivered);
            }
            let wait = self.wait(sending, now - start);
            swarm.turn(wait, &mut |client, line, at| self.hear(client, line, at))?;
        }
        let grace = Instant::now() + GRACE;
        while swarm.broken().is_none() && Instant::now() < grace {
            swarm.turn(GRACE, &mut |client, line, at| self.hear(client, line, at))?;
        }
        self.close_the_book(swarm);
        Ok(Played { tally: self.tally, time: self.last_delivery - start, latency: self.latency })
    }

    fn may_send(&self, elapsed: Duration) -> bool {
        elapsed < self.plan.time && self.messages_left() > 0
    }

    fn messages_left(&self) -> u64 {
        // Numbers have a fixed number of digits; nobody sends so many in one round.
        let most = self.plan.messages.unwrap_or(NUMBERS_PER_ROUND);
        most.min(NUMBERS_PER_ROUND - 1) - self.tally.sent
    }

    #[expect(clippy::cast_precision_loss, reason = "a progress bar is not exact")]
    fn progress(&self, elapsed: Duration) -> f64 {
        let by_time = elapsed.as_secs_f64() / self.plan.time.as_secs_f64();
        let by_count =
            self.plan.messages.map_or(0.0, |messages| self.tally.sent as f64 / messages as f64);
        by_time.max(by_count).min(1.0)
    }

    fn wait(&self, sending: bool, elapsed: Duration) -> Duration {
        match self.plan.pace {
            // Timers of the system count milliseconds; to meet the time of each message, and not
            // to add the tool's own sleep to the latency, it does not sleep.
            Pace::PerSecond(_) if sending => {
                std::thread::yield_now();
                Duration::ZERO
            }
            _ if sending => TICK.min(self.plan.time.saturating_sub(elapsed)),
            _ => TICK,
        }
    }

    fn send(&mut self, swarm: &mut Swarm, start: Instant, now: Instant) {
        match self.plan.pace {
            Pace::InFlight(most) => {
                while let Some(index) = self.open.pop() {
                    self.flows[index].in_open = false;
                    let room = most.saturating_sub(self.flows[index].window.len());
                    let count = self.messages_left().min(room as u64);
                    if count == 0 {
                        continue;
                    }
                    let since = Instant::now();
                    for _ in 0..count {
                        self.send_one(swarm, index, since);
                    }
                    // Now and not after the others: the clock of these messages is running.
                    swarm.flush();
                }
            }
            Pace::PerSecond(rate) => {
                let interval = Duration::from_secs(1) / rate;
                loop {
                    let nth = self.tally.sent;
                    let due = start + mul(interval, nth);
                    if due > now || self.messages_left() == 0 {
                        break;
                    }
                    let flows = self.flows.len() as u64;
                    let index = usize::try_from(nth % flows).unwrap_or(0);
                    self.send_one(swarm, index, due);
                }
                swarm.flush();
            }
        }
    }

    fn send_one(&mut self, swarm: &mut Swarm, index: usize, since: Instant) {
        let flow = &mut self.flows[index];
        flow.template.write_next(swarm.out(flow.sender));
        flow.sent += 1;
        let answers = usize::from(self.ear.dialect() != Dialect::Raw);
        flow.window.push_back(Slot { since, awaited: flow.receivers.len() + answers });
        self.tally.sent += 1;
        self.on_their_way += 1;
    }

    fn hear(&mut self, client: usize, line: &[u8], now: Instant) {
        self.last_arrival = now;
        match self.ear.hear(line) {
            Heard::Delivery { mark: Some(mark), sender } => {
                self.take_delivery(client, mark, sender.as_deref(), now);
            }
            Heard::Delivery { mark: None, .. } | Heard::Garbage => self.tally.damaged += 1,
            Heard::Answer { number } => self.take_answer(client, number, None),
            Heard::Refusal { number, why } => self.take_answer(client, number, Some(why)),
            Heard::Other => {}
        }
    }

    fn take_delivery(&mut self, client: usize, mark: Mark, sender: Option<&str>, now: Instant) {
        let Some(number) = mark.number.checked_sub(self.first_number) else {
            // Every earlier round ended with all of its messages accounted for.
            self.tally.duplicated += 1;
            return;
        };
        let Some(flow) = self.flows.get_mut(mark.flow) else {
            self.tally.damaged += 1;
            return;
        };
        if number >= flow.sent {
            self.tally.damaged += 1;
            return;
        }
        let claimed = sender.is_none_or(|sender| sender == self.names[flow.sender]);
        if !flow.receivers.contains(&client) || !claimed {
            self.tally.misdelivered += 1;
            return;
        }
        match flow.seen[client - flow.receivers.start].see(number) {
            Arrival::First => {}
            Arrival::Late => self.tally.reordered += 1,
            Arrival::Again => {
                self.tally.duplicated += 1;
                return;
            }
        }
        self.tally.delivered += 1;
        self.last_delivery = now;
        if let Some(since) = flow.since(number) {
            record(&mut self.latency, now.saturating_duration_since(since));
        }
        self.settle(mark.flow, number, 1);
    }

    fn take_answer(&mut self, client: usize, number: Option<u64>, refusal: Option<String>) {
        let refused = refusal.is_some();
        if let Some(why) = refusal {
            self.tally.refused += 1;
            self.tally.refusal.get_or_insert(why);
        }
        let flow = self.flow_of.get(client).copied().flatten();
        let number = number.and_then(|number| number.checked_sub(self.first_number));
        let (Some(index), Some(number)) = (flow, number) else {
            // An answer to nothing that was asked; a refusal without a number is counted above.
            self.tally.damaged += u64::from(!refused);
            return;
        };
        let flow = &mut self.flows[index];
        if number >= flow.sent {
            self.tally.damaged += 1;
            return;
        }
        // Answers may overtake one another where they wait for the disk: they carry the number.
        if flow.answers.see(number) == Arrival::Again {
            self.tally.duplicated += 1;
            return;
        }
        if refused {
            // It is through: nobody will get it.
            flow.refused += 1;
            self.settle(index, number, usize::MAX);
        } else {
            self.tally.answered += 1;
            self.settle(index, number, 1);
        }
    }

    /// So much less is to come for one message.
    fn settle(&mut self, index: usize, number: u64, arrived: usize) {
        let flow = &mut self.flows[index];
        let Some(at) = flow.place(number) else {
            return;
        };
        flow.window[at].awaited = flow.window[at].awaited.saturating_sub(arrived);
        while flow.window.front().is_some_and(|slot| slot.awaited == 0) {
            flow.window.pop_front();
            self.on_their_way -= 1;
            if !flow.in_open {
                flow.in_open = true;
                self.open.push(index);
            }
        }
    }

    fn close_the_book(&mut self, swarm: &Swarm) {
        if let Some(broken) = swarm.broken() {
            let name = &self.names[broken.client];
            self.tally.disconnected = 1;
            self.tally.disconnection = Some(match &broken.error {
                Some(error) => format!("{name}: {error}"),
                None => name.clone(),
            });
        }
        for flow in &self.flows {
            for seen in &flow.seen {
                self.tally.lost += seen.lost(flow.sent).saturating_sub(flow.refused);
            }
            if self.ear.dialect() != Dialect::Raw {
                self.tally.unanswered += flow.answers.lost(flow.sent);
            }
        }
    }
}

impl Flow {
    /// Where a message is in the window, unless it is through.
    fn place(&self, number: u64) -> Option<usize> {
        let oldest = self.sent - self.window.len() as u64;
        let at = usize::try_from(number.checked_sub(oldest)?).ok()?;
        (at < self.window.len()).then_some(at)
    }

    fn since(&self, number: u64) -> Option<Instant> {
        self.place(number).map(|at| self.window[at].since)
    }
}

/// An empty histogram of nanoseconds, exact to three digits.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("bounds that do not depend on anything")
}

/// Counts one duration.
pub(super) fn record(histogram: &mut Histogram<u64>, duration: Duration) {
    histogram.saturating_record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1));
}

fn mul(interval: Duration, times: u64) -> Duration {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(nanos.saturating_mul(times))
}
