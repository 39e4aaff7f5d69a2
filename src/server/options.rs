//! The limits as they stand on the command line: one option each. What could not work is refused
//! before anything is opened.

use std::ops::RangeInclusive;

use crate::cli::{Failure, Invocation, Size, Span, usage};
use crate::limits::{
    CONTENT_BYTES_MAX, DELIVERIES_PER_TURN_MAX, FED_PAGE_BYTES_MAX, FRAME_BYTES_MAX, Limits,
};
use crate::text::Lang;
use crate::text::server::limits as text;

/// The smallest frame that takes a login with its token.
const FRAME_BYTES_MIN: usize = 256;

/// A list in an object: what a login with features needs.
const DEPTH_MIN: usize = 2;

/// Sizes and counts of what is somewhere in memory; more than any machine has.
const BYTES_MOST: usize = 1 << 40;
const COUNT_MOST: u32 = 1_000_000_000;

/// Times below a tenth of a second end what has hardly begun; above a day they end nothing.
const TIMES_MS: RangeInclusive<u64> = 100..=24 * 60 * 60 * 1000;

/// Takes the limits out of a command line.
pub(super) fn limits(invocation: &mut Invocation) -> Result<Limits, Failure> {
    let default = Limits::default();
    let mut take = Taking(invocation);
    let limits = Limits {
        login_frame_bytes_max: take.size(
            "--max-login-frame",
            default.login_frame_bytes_max,
            FRAME_BYTES_MIN..=FRAME_BYTES_MAX,
        )?,
        frame_bytes_max: take.size(
            "--max-frame",
            default.frame_bytes_max,
            FRAME_BYTES_MIN..=FRAME_BYTES_MAX,
        )?,
        json_depth_max: take.count("--max-depth", default.json_depth_max, DEPTH_MIN..=100)?,
        content_bytes_max: take.size(
            "--max-message",
            default.content_bytes_max,
            1..=CONTENT_BYTES_MAX,
        )?,
        messages_per_s_max: take.some("--message-rate", default.messages_per_s_max)?,
        messages_burst_max: take.some("--message-burst", default.messages_burst_max)?,
        bytes_per_s_max: take.bytes("--byte-rate", default.bytes_per_s_max)?,
        bytes_burst_max: take.bytes("--byte-burst", default.bytes_burst_max)?,
        connections_per_address_max: take
            .many("--connections-per-address", default.connections_per_address_max)?,
        new_connections_max: take.some("--new-connections", default.new_connections_max)?,
        unauthenticated_max: take.many("--max-unauthenticated", default.unauthenticated_max)?,
        login_ms_max: take.time("--login-time", default.login_ms_max)?,
        silent_ms_max: take.time("--silent-time", default.silent_ms_max)?,
        frame_ms_max: take.time("--frame-time", default.frame_ms_max)?,
        login_tries_max: take.some("--login-tries", default.login_tries_max)?,
        account_tries_max: take.some("--account-tries", default.account_tries_max)?,
        address_tries_max: take.some("--address-tries", default.address_tries_max)?,
        registrations_max: take.some("--registrations", default.registrations_max)?,
        hash_queue_max: take.many("--hash-queue", default.hash_queue_max)?,
        heartbeat_interval_ms: take.time("--ping", default.heartbeat_interval_ms)?,
        heartbeats_unanswered_max: take
            .some("--max-unanswered-pings", default.heartbeats_unanswered_max)?,
        inputs_bytes_max: take.size("--max-inputs", default.inputs_bytes_max, 1..=BYTES_MOST)?,
        outbox_soft_bytes_max: take.size(
            "--outbox-soft",
            default.outbox_soft_bytes_max,
            1..=BYTES_MOST,
        )?,
        outbox_hard_bytes_max: take.size(
            "--outbox-hard",
            default.outbox_hard_bytes_max,
            1..=BYTES_MOST,
        )?,
        outboxes_bytes_max: take.size(
            "--max-outboxes",
            default.outboxes_bytes_max,
            1..=BYTES_MOST,
        )?,
        write_stall_ms_max: take.time("--write-time", default.write_stall_ms_max)?,
        groups_per_user_max: take.many("--groups-per-user", default.groups_per_user_max)?,
        // A message to all of them is one step of a turn.
        members_per_group_max: take.count(
            "--group-members",
            default.members_per_group_max,
            1..=DELIVERIES_PER_TURN_MAX / 2,
        )?,
        sessions_per_user_max: take.many("--sessions-per-user", default.sessions_per_user_max)?,
        limit_loopback: take.0.args.contains("--limit-loopback"),
    };
    fit(&limits, invocation.lang)?;
    Ok(limits)
}

/// Whether the limits can hold beside one another.
fn fit(limits: &Limits, lang: Lang) -> Result<(), Failure> {
    let login_frame = limits.login_frame_bytes_max > limits.frame_bytes_max;
    let frame = limits.frame_bytes_max > limits.inputs_bytes_max;
    let fed = limits.outbox_soft_bytes_max.saturating_add(FED_PAGE_BYTES_MAX);
    let page = fed > limits.outbox_hard_bytes_max;
    let hard = limits.outbox_hard_bytes_max > limits.outboxes_bytes_max;
    for (wrong, said) in [
        (login_frame, text::LOGIN_FRAME_ABOVE_FRAME),
        (frame, text::FRAME_ABOVE_INPUTS),
        (page, text::NO_ROOM_FOR_A_PAGE),
        (hard, text::HARD_ABOVE_ALL),
    ] {
        if wrong {
            return Err(usage(said.get(lang)));
        }
    }
    Ok(())
}

/// Takes options, each within what can work.
struct Taking<'i>(&'i mut Invocation);

impl Taking<'_> {
    fn size(
        &mut self,
        option: &'static str,
        default: usize,
        works: RangeInclusive<usize>,
    ) -> Result<usize, Failure> {
        let Size(bytes) = self.0.value(option, Size(default as u64))?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.within(option, bytes, works, |bytes| shown_size(bytes as u64))
    }

    fn bytes(&mut self, option: &'static str, default: u64) -> Result<u64, Failure> {
        let Size(bytes) = self.0.value(option, Size(default))?;
        self.within(option, bytes, 1..=BYTES_MOST as u64, shown_size)
    }

    fn time(&mut self, option: &'static str, default: u64) -> Result<u64, Failure> {
        let Span(ms) = self.0.value(option, Span(default))?;
        self.within(option, ms, TIMES_MS, shown_time)
    }

    fn some(&mut self, option: &'static str, default: u32) -> Result<u32, Failure> {
        let count = self.0.value(option, default)?;
        self.within(option, count, 1..=COUNT_MOST, |count| count.to_string())
    }

    fn many(&mut self, option: &'static str, default: usize) -> Result<usize, Failure> {
        self.count(option, default, 1..=COUNT_MOST as usize)
    }

    fn count(
        &mut self,
        option: &'static str,
        default: usize,
        works: RangeInclusive<usize>,
    ) -> Result<usize, Failure> {
        let count = self.0.value(option, default)?;
        self.within(option, count, works, |count| count.to_string())
    }

    fn within<T: PartialOrd + Copy>(
        &self,
        option: &str,
        value: T,
        works: RangeInclusive<T>,
        shown: impl Fn(T) -> String,
    ) -> Result<T, Failure> {
        if works.contains(&value) {
            return Ok(value);
        }
        let (value, least, most) = (shown(value), shown(*works.start()), shown(*works.end()));
        Err(usage(text::out_of_range(self.0.lang, option, &value, (&least, &most))))
    }
}

/// A size in the largest unit that says it exactly.
fn shown_size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let exact = units.iter().find(|(_, bits)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    exact.map_or(bytes.to_string(), |(unit, bits)| format!("{}{unit}", bytes >> bits))
}

/// A time, in the same way.
fn shown_time(ms: u64) -> String {
    let units = [("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let exact = units.iter().find(|(_, each_ms)| ms > 0 && ms.is_multiple_of(*each_ms));
    exact.map_or(format!("{ms}ms"), |(unit, each_ms)| format!("{}{unit}", ms / each_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command, Exit};

    fn read(line: &str) -> Result<Limits, Failure> {
        let args = line.split_whitespace().map(Into::into).collect();
        let args = pico_args::Arguments::from_vec(args);
        let mut invocation = Invocation { args, lang: Lang::En, command: Command::Server };
        let limits = limits(&mut invocation)?;
        invocation.finish()?;
        Ok(limits)
    }

    /// Every option, a value of its own, and what becomes of it.
    #[test]
    fn every_limit_is_an_option() {
        let line = "--max-login-frame 1KiB --max-frame 2MiB --max-depth 7 --max-message 3KiB \
            --message-rate 11 --message-burst 12 --byte-rate 4KiB --byte-burst 5KiB \
            --connections-per-address 13 --new-connections 14 --max-unauthenticated 15 \
            --login-time 1s --silent-time 2s --frame-time 3s --login-tries 16 --account-tries 17 \
            --address-tries 18 --registrations 19 --hash-queue 20 --ping 500ms \
            --max-unanswered-pings 21 --max-inputs 6MiB --outbox-soft 7KiB --outbox-hard 2MiB \
            --max-outboxes 3MiB --write-time 4min --groups-per-user 22 --group-members 23 \
            --sessions-per-user 24 --limit-loopback";
        let expected = Limits {
            login_frame_bytes_max: 1 << 10,
            frame_bytes_max: 2 << 20,
            json_depth_max: 7,
            content_bytes_max: 3 << 10,
            messages_per_s_max: 11,
            messages_burst_max: 12,
            bytes_per_s_max: 4 << 10,
            bytes_burst_max: 5 << 10,
            connections_per_address_max: 13,
            new_connections_max: 14,
            unauthenticated_max: 15,
            login_ms_max: 1_000,
            silent_ms_max: 2_000,
            frame_ms_max: 3_000,
            login_tries_max: 16,
            account_tries_max: 17,
            address_tries_max: 18,
            registrations_max: 19,
            hash_queue_max: 20,
            heartbeat_interval_ms: 500,
            heartbeats_unanswered_max: 21,
            inputs_bytes_max: 6 << 20,
            outbox_soft_bytes_max: 7 << 10,
            outbox_hard_bytes_max: 2 << 20,
            outboxes_bytes_max: 3 << 20,
            write_stall_ms_max: 240_000,
            groups_per_user_max: 22,
            members_per_group_max: 23,
            sessions_per_user_max: 24,
            limit_loopback: true,
        };
        assert_eq!(read(line).unwrap(), expected);
        assert_eq!(read("").unwrap(), Limits::default());
        // The help names each of them.
        for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
            let help = crate::text::server::HELP;
            assert!(help.pt.contains(option) && help.en.contains(option), "{option}");
        }
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_reason() {
        for (line, said) in [
            ("--max-message 65KiB", "--max-message 65KiB: use 1 to 64KiB"),
            ("--max-message 0", "--max-message 0: use 1 to 64KiB"),
            ("--max-frame 17MiB", "--max-frame 17MiB: use 256 to 16MiB"),
            ("--max-depth 1", "--max-depth 1: use 2 to 100"),
            ("--message-rate 0", "--message-rate 0: use 1 to"),
            ("--byte-burst 0", "--byte-burst 0: use 1 to 1TiB"),
            ("--login-time 0s", "--login-time 0ms: use 100ms to 24h"),
            ("--ping 50ms", "--ping 50ms: use 100ms to 24h"),
            ("--account-tries 0", "--account-tries 0: use 1 to"),
            ("--max-unauthenticated 0", "--max-unauthenticated 0: use 1 to"),
            ("--group-members 100000", "--group-members 100000: use 1 to 16384"),
            ("--max-login-frame 1MiB --max-frame 1KiB", "--max-login-frame"),
            ("--max-inputs 1MiB", "--max-inputs"),
            ("--outbox-soft 257KiB", "--outbox-hard"),
            ("--outbox-hard 1023KiB", "--outbox-hard"),
            ("--outbox-hard 1MiB --max-outboxes 512KiB", "--max-outboxes"),
        ] {
            let failure = read(line).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{line}");
            assert!(failure.message.starts_with(said), "{line}: {}", failure.message);
        }
        for line in ["--ping 10", "--max-frame x", "--message-rate -1", "--login-tries"] {
            assert_eq!(read(line).unwrap_err().exit, Exit::Usage, "{line}");
        }
    }
}
