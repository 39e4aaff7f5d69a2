//! What the documents say about the code, checked against the code.

use std::fs;
use std::path::Path;

use papo::limits;
use papo::wire::Code;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A number as people write it: 16,777,216.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[test]
fn every_error_code_is_explained() {
    let protocol = document("PROTOCOL.md");
    for code in Code::ALL {
        let name = format!("`{}`", code.as_str());
        assert!(protocol.contains(&name), "PROTOCOL.md does not explain {name}");
    }
}

#[test]
fn every_limit_has_the_number_that_the_code_has() {
    let protocol = document("PROTOCOL.md");
    let limits: &[(&str, usize)] = &[
        ("FRAME_BYTES_MAX", limits::FRAME_BYTES_MAX),
        ("FRAME_BEFORE_LOGIN_BYTES_MAX", limits::FRAME_BEFORE_LOGIN_BYTES_MAX),
        ("FRAMING_ERRORS_MAX", limits::FRAMING_ERRORS_MAX as usize),
        ("HTTP_HEAD_BYTES_MAX", limits::HTTP_HEAD_BYTES_MAX),
        ("HTTP_HEADERS_MAX", limits::HTTP_HEADERS_MAX),
        ("EMPTY_FRAGMENTS_MAX", limits::EMPTY_FRAGMENTS_MAX as usize),
        ("CONTENT_BYTES_MAX", limits::CONTENT_BYTES_MAX),
        ("NAME_CHARS_MAX", limits::NAME_CHARS_MAX),
        ("FILE_NAME_BYTES_MAX", limits::FILE_NAME_BYTES_MAX),
        ("REQUEST_ID_BYTES_MAX", limits::REQUEST_ID_BYTES_MAX),
        ("REMEMBERED_REQUESTS_MAX", limits::REMEMBERED_REQUESTS_MAX),
        ("MEMBERS_PER_GROUP_MAX", limits::MEMBERS_PER_GROUP_MAX),
        ("GROUPS_PER_USER_MAX", limits::GROUPS_PER_USER_MAX),
        ("GROUPS_MAX", limits::GROUPS_MAX),
        ("USERS_MAX", limits::USERS_MAX),
        ("PASSWORD_BYTES_MAX", limits::PASSWORD_BYTES_MAX),
        ("JSON_DEPTH_MAX", limits::JSON_DEPTH_MAX),
        ("JSON_MARKS_MAX", limits::JSON_MARKS_MAX),
        ("LOGIN_TRIES_MAX", limits::LOGIN_TRIES_MAX as usize),
        ("ACCOUNT_TRIES_MAX", limits::ACCOUNT_TRIES_MAX as usize),
        ("ADDRESS_TRIES_MAX", limits::ADDRESS_TRIES_MAX as usize),
        ("REGISTRATIONS_MAX", limits::REGISTRATIONS_MAX as usize),
        ("PASSWORDS_WAITING_MAX", limits::PASSWORDS_WAITING_MAX),
        ("MESSAGES_PER_S_MAX", limits::MESSAGES_PER_S_MAX as usize),
        ("MESSAGES_BURST_MAX", limits::MESSAGES_BURST_MAX as usize),
        ("CONNECTIONS_PER_ADDRESS_MAX", limits::CONNECTIONS_PER_ADDRESS_MAX),
        ("NEW_CONNECTIONS_MAX", limits::NEW_CONNECTIONS_MAX as usize),
        ("UNAUTHENTICATED_MAX", limits::UNAUTHENTICATED_MAX),
        ("OUTBOXES_BYTES_MAX", limits::OUTBOXES_BYTES_MAX),
        ("SESSIONS_PER_USER_MAX", limits::SESSIONS_PER_USER_MAX),
        ("TOKENS_PER_USER_MAX", limits::TOKENS_PER_USER_MAX as usize),
        ("PAGE_MESSAGES_MAX", limits::PAGE_MESSAGES_MAX),
        ("QUERY_BYTES_MAX", limits::QUERY_BYTES_MAX),
        ("EMOJI_BYTES_MAX", limits::EMOJI_BYTES_MAX),
        ("CONVERSATIONS_LISTED_MAX", limits::CONVERSATIONS_LISTED_MAX),
        ("TLS_HANDSHAKE_BYTES_MAX", limits::TLS_HANDSHAKE_BYTES_MAX),
        ("HELD_BYTES_MAX", limits::HELD_BYTES_MAX),
        ("HELD_BYTES_FOR_FILES_MAX", limits::HELD_BYTES_FOR_FILES_MAX),
        ("CHUNK_BYTES", limits::CHUNK_BYTES),
        ("CHUNKS_IN_FLIGHT_MAX", limits::CHUNKS_IN_FLIGHT_MAX as usize),
        ("UPLOADS_PER_USER_MAX", limits::UPLOADS_PER_USER_MAX),
        ("DOWNLOADS_PER_SESSION_MAX", limits::DOWNLOADS_PER_SESSION_MAX),
        ("ANSWERS_AWAITED_MAX", limits::ANSWERS_AWAITED_MAX as usize),
        ("FILES_PER_SESSION_MAX", limits::FILES_PER_SESSION_MAX as usize),
        ("INPUTS_BYTES_MAX", limits::INPUTS_BYTES_MAX),
        ("OUTBOX_SOFT_BYTES_MAX", limits::OUTBOX_SOFT_BYTES_MAX),
        ("OUTBOX_HARD_BYTES_MAX", limits::OUTBOX_HARD_BYTES_MAX),
        ("PRESENCE_GROUP_MEMBERS_MAX", limits::PRESENCE_GROUP_MEMBERS_MAX),
        ("HEARTBEATS_UNANSWERED_MAX", limits::HEARTBEATS_UNANSWERED_MAX as usize),
    ];
    let times = [
        ("HTTP_HEAD_MS_MAX", limits::HTTP_HEAD_MS_MAX),
        ("LOGIN_MS_MAX", limits::LOGIN_MS_MAX),
        ("SHUTDOWN_MS_MAX", limits::SHUTDOWN_MS_MAX),
        ("SHUTDOWN_STALL_MS_MAX", limits::SHUTDOWN_STALL_MS_MAX),
        ("RETRY_MS_MIN", limits::RETRY_MS_MIN),
        ("RETRY_MS_PER_CONNECTION", limits::RETRY_MS_PER_CONNECTION),
        ("RETRY_SPREAD_MS_MIN", limits::RETRY_SPREAD_MS_MIN),
        ("RETRY_SPREAD_MS_MAX", limits::RETRY_SPREAD_MS_MAX),
        ("TLS_HANDSHAKE_MS_MAX", limits::TLS_HANDSHAKE_MS_MAX),
        ("SILENT_MS_MAX", limits::SILENT_MS_MAX),
        ("FRAME_MS_MAX", limits::FRAME_MS_MAX),
        ("ACCOUNT_TRIES_WINDOW_MS", limits::ACCOUNT_TRIES_WINDOW_MS),
        ("ADDRESS_TRIES_WINDOW_MS", limits::ADDRESS_TRIES_WINDOW_MS),
        ("REGISTRATIONS_WINDOW_MS", limits::REGISTRATIONS_WINDOW_MS),
        ("NEW_CONNECTIONS_WINDOW_MS", limits::NEW_CONNECTIONS_WINDOW_MS),
        ("BYTES_PER_S_MAX", limits::BYTES_PER_S_MAX),
        ("BYTES_BURST_MAX", limits::BYTES_BURST_MAX),
        ("PAGE_MESSAGES", limits::PAGE_MESSAGES),
        ("EDIT_MS_MAX", limits::EDIT_MS_MAX),
        ("UPLOAD_MS_MAX", limits::UPLOAD_MS_MAX),
        ("FILE_BYTES_MAX", limits::FILE_BYTES_MAX),
        ("USER_QUOTA_BYTES", limits::USER_QUOTA_BYTES),
        ("TYPING_INTERVAL_MS", limits::TYPING_INTERVAL_MS),
        ("HEARTBEAT_INTERVAL_MS", limits::HEARTBEAT_INTERVAL_MS),
        ("BARE_PACE_MS", limits::BARE_PACE_MS),
        ("WRITE_STALL_MS_MAX", limits::WRITE_STALL_MS_MAX),
    ];
    let all = limits.iter().map(|(name, limit)| (*name, *limit as u64)).chain(times);
    for (name, limit) in all {
        let quoted = format!("`{name}`");
        let row = protocol.lines().find(|line| line.contains(&quoted));
        let row = row.unwrap_or_else(|| panic!("PROTOCOL.md has no row for {name}"));
        let number = format!("| {}", grouped(limit));
        let stands = row.split_once(&number).is_some_and(|(_, after)| after.starts_with(' '));
        assert!(stands, "PROTOCOL.md says {row}, and {name} is {}", grouped(limit));
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "README.pt-BR.md", "PROTOCOL.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        for part in document(name).split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://");
            assert!(elsewhere || root.join(target).exists(), "{name} links to {target}");
        }
    }
}

#[test]
fn numbers_are_grouped_by_thousands() {
    for (number, expected) in [(7, "7"), (100, "100"), (1_024, "1,024"), (16_777_216, "16,777,216")]
    {
        assert_eq!(grouped(number), expected);
    }
}
