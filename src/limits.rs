//! Every maximum, with its unit last in its name and the reason for its number.
//!
//! Nothing that comes from the network may grow without a line in this file. What an operator may
//! set is in [`Limits`]; what stands here is then its default.

/// The largest frame after login. A file of 12 MiB in base64 fits, as in the first chat.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest frame before login: a login is far smaller, and a stranger gets no more memory.
pub const FRAME_BEFORE_LOGIN_BYTES_MAX: usize = 4 * 1024;

/// Arrays and objects within one another in a frame, the outermost counted. Requests have two.
pub const JSON_DEPTH_MAX: usize = 16;

/// Quotes, commas, brackets and escapes in one frame: these, not its bytes, are what takes time to
/// read, up to 130 ms for a frame of nothing else. A file of [`FRAME_BYTES_MAX`] has half as many when
/// its sender escapes the slashes of base64, each 64th character; requests have about fifty.
pub const JSON_MARKS_MAX: usize = 512 * 1024;

/// Framing errors on one connection before it is closed: a program that speaks another protocol.
pub const FRAMING_ERRORS_MAX: u32 = 16;

/// The head of an HTTP request, in bytes: browsers send one of about 1 KiB.
pub const HTTP_HEAD_BYTES_MAX: usize = 8 * 1024;

/// Header fields of an HTTP request.
pub const HTTP_HEADERS_MAX: usize = 64;

/// Time from a connection's first byte, or from the last response, to the end of the next HTTP head.
pub const HTTP_HEAD_MS_MAX: u64 = 10_000;

/// Fragments without a byte in one WebSocket message: no limit of bytes ends those.
pub const EMPTY_FRAGMENTS_MAX: u32 = 16;

/// The text of one message, in UTF-8 bytes.
pub const CONTENT_BYTES_MAX: usize = 65_536;

/// A reaction, in UTF-8 bytes: the longest emoji sequences in use take about 35.
pub const EMOJI_BYTES_MAX: usize = 64;

/// Words to search for, in UTF-8 bytes.
pub const QUERY_BYTES_MAX: usize = 1_024;

/// A password or token, in UTF-8 bytes: hashing costs time for each of them.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Messages in one page of history or search results, unless asked otherwise.
pub const PAGE_MESSAGES: u64 = 50;

/// The most messages in one page.
pub const PAGE_MESSAGES_MAX: usize = 200;

/// A user's or group's name, in Unicode scalar values after trimming.
pub const NAME_CHARS_MAX: usize = 32;

/// A name as it may come in, before trimming and normalising; longer is refused unread.
pub const NAME_BYTES_MAX: usize = 512;

/// A file name, in UTF-8 bytes; leaves room for `{group}_{sender}_` below the usual 255.
pub const FILE_NAME_BYTES_MAX: usize = 200;

/// What file systems take for one name, in bytes (ext4, APFS and NTFS agree closely enough).
pub const STORED_NAME_BYTES_MAX: usize = 255;

/// Names tried for one file, ` (2)` and on; more are refused rather than searched through.
pub const FILE_COPIES_MAX: u32 = 10_000;

/// Features of a login that are looked at. There are six.
pub const FEATURES_LISTED_MAX: usize = 64;

/// A request's `id`, in UTF-8 bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Ids and times stay below 2^53, where JavaScript's numbers stop being exact.
pub const WIRE_NUMBER_MAX: u64 = (1 << 53) - 1;

/// Names the server remembers. Without passwords a stranger could make one for every connection.
pub const USERS_MAX: usize = 100_000;

/// Groups on one server.
pub const GROUPS_MAX: usize = 50_000;

/// Groups one user may be in.
pub const GROUPS_PER_USER_MAX: usize = 100;

/// Members of one group: the fan-out of one message, and so the longest single step of a turn.
pub const MEMBERS_PER_GROUP_MAX: usize = 1_024;

/// Pairs of people who have talked; each costs about 50 bytes.
pub const CONVERSATIONS_MAX: usize = 1_000_000;

/// Members of a group whose coming and going is told to one another.
pub const PRESENCE_GROUP_MEMBERS_MAX: usize = 100;

/// Private partners to whom one user's coming and going is told.
pub const PRESENCE_CONTACTS_MAX: usize = 1_000;

/// Bytes of one piece of a file: 64 KiB in base64.
pub const CHUNK_BYTES: usize = 49_152;

/// Pieces of one upload on their way; more wait in the socket.
pub const CHUNKS_IN_FLIGHT_MAX: u32 = 16;

/// Bytes of pieces of all uploads on their way to the disk; above it each sender has one at a time.
pub const CHUNKS_BYTES_IN_FLIGHT_MAX: usize = 8 * 1024 * 1024;

/// The largest file, unless the operator says otherwise.
pub const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// Files that one user may keep on the server, in bytes, unless the operator says otherwise.
pub const USER_QUOTA_BYTES: u64 = 1024 * 1024 * 1024;

/// Space that files leave free on the disk, in bytes, unless the operator says otherwise: messages
/// and the system need some.
pub const DISK_FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// Unfinished uploads of one user.
pub const UPLOADS_PER_USER_MAX: usize = 4;

/// Downloads of one session at a time.
pub const DOWNLOADS_PER_SESSION_MAX: usize = 4;

/// Files of uploads that the server has open at a time, of the [`DESCRIPTORS_RESERVED`].
pub const PARTS_OPEN_MAX: usize = 16;

/// Time after which an unfinished upload is dropped.
pub const UPLOAD_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Sessions of one user: a phone, a laptop, a browser or two, and some scripts.
pub const SESSIONS_PER_USER_MAX: usize = 8;

/// Tokens of one user that are good at a time; the oldest goes.
pub const TOKENS_PER_USER_MAX: u32 = 32;

/// Text in one answer, beside what frames it; what is over is left out or comes with the next page.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Wrong passwords or tokens on one connection, at the last of which it is closed.
pub const LOGIN_TRIES_MAX: u32 = 5;

/// Wrong passwords for one name in one [`ACCOUNT_TRIES_WINDOW_MS`]. Each one more waits for its share
/// of the window before it is looked at: who guesses needs years, and who owns the name is held up for
/// 20 seconds at most, whatever others do. A token is never held up: nobody guesses one.
pub const ACCOUNT_TRIES_MAX: u32 = 3;

/// The time in which wrong passwords for one name are counted.
pub const ACCOUNT_TRIES_WINDOW_MS: u64 = 60_000;

/// Wrong passwords from one address in one [`ADDRESS_TRIES_WINDOW_MS`], whichever names they are for;
/// the same becomes of more.
pub const ADDRESS_TRIES_MAX: u32 = 30;

/// The time in which wrong passwords from one address are counted.
pub const ADDRESS_TRIES_WINDOW_MS: u64 = 10 * 60 * 1000;

/// New names from one address in one [`REGISTRATIONS_WINDOW_MS`]: a name is kept for ever.
pub const REGISTRATIONS_MAX: u32 = 30;

/// The time in which new names from one address are counted.
pub const REGISTRATIONS_WINDOW_MS: u64 = 10 * 60 * 1000;

/// Passwords waiting to be hashed; each takes some 30 ms and 19 MiB, one at a time.
pub const PASSWORDS_WAITING_MAX: usize = 64;

/// The part of [`Limits::hash_queue_max`] that one address may fill with passwords that are held up: a
/// guesser leaves room for those who own what is guessed at.
pub const HELD_TRIES_PER_ADDRESS_DIVISOR: usize = 16;

/// Counters of tries and new names, each shared by the names or addresses that fall on it: so they take
/// the same memory whatever happens, and say nothing about who exists.
pub const COUNTERS: usize = 4_096;

/// Messages, changes and reactions that a session may send in a second, for long.
pub const MESSAGES_PER_S_MAX: u32 = 10;

/// The same at once, after a pause.
pub const MESSAGES_BURST_MAX: u32 = 30;

/// Bytes of requests that a connection may send in a second, for long. Files are excepted: they are
/// held up by the disk.
pub const BYTES_PER_S_MAX: u64 = 1024 * 1024;

/// The same at once, after a pause.
pub const BYTES_BURST_MAX: u64 = 8 * 1024 * 1024;

/// Senders of whom one user remembers that they wait to hear of an arrival.
pub const OWED_RECEIPTS_MAX: usize = 1_024;

/// Times in groups that are over, of one user, of which it is remembered that they were: a client that
/// was away meanwhile still gets what was said then.
pub const PAST_STAYS_MAX: usize = 64;

/// Time after which the journal is told up to where users have everything: so much may be sent
/// again to clients without `received` when the server is killed.
pub const SEEN_INTERVAL_MS: u64 = 100;

/// The same after the store refused it.
pub const SEEN_RETRY_MS: u64 = 2_000;

/// Events queued for a session while the journal reads what comes before them.
pub const QUEUED_EVENTS_MAX: usize = 256;

/// The same in bytes; above either they are read back from the journal.
pub const QUEUED_BYTES_MAX: usize = 64 * 1024;

/// Messages of a session that is behind of which it is remembered that it wrote them itself.
pub const WRITTEN_BEHIND_MAX: usize = 16_384;

/// Time within which a message may be edited.
pub const EDIT_MS_MAX: u64 = 15 * 60 * 1000;

/// Conversations listed for one user, newest first.
pub const CONVERSATIONS_LISTED_MAX: usize = 1_000;

/// Bytes of large frames on their way, each counted once however many it is for, beside what
/// outboxes hold themselves.
pub const HELD_BYTES_MAX: usize = 192 * 1024 * 1024;

/// A sender's requests whose ids are remembered, so that one sent again is answered once.
pub const REMEMBERED_REQUESTS_MAX: usize = 1_024;

/// The same for all senders together; above it those silent longest are forgotten.
pub const REMEMBERED_REQUESTS_ALL_MAX: usize = 1_000_000;

/// Milliseconds between two `typing` events of one session in one conversation.
pub const TYPING_INTERVAL_MS: u64 = 3_000;

/// Milliseconds between two `heartbeat_ping`s.
pub const HEARTBEAT_INTERVAL_MS: u64 = 15_000;

/// Unanswered `heartbeat_ping`s after which a session is closed.
pub const HEARTBEATS_UNANSWERED_MAX: u32 = 2;

/// Bytes read from one connection in one turn. Measured: 64 KiB keeps a quiet peer's wait below
/// half a millisecond beside one that never stops, and costs the busy one nothing.
pub const READ_BYTES_PER_TURN_MAX: usize = 64 * 1024;

/// Frames handled for one connection in one turn.
pub const FRAMES_PER_TURN_MAX: usize = 1_024;

/// Deliveries in one turn: about 8 MiB of output and a few milliseconds. Who has not been served
/// by then comes first in the next turn.
pub const DELIVERIES_PER_TURN_MAX: usize = 32_768;

/// Bytes written to one connection in one turn.
pub const WRITE_BYTES_PER_TURN_MAX: usize = 1024 * 1024;

/// Output waiting for one connection above which nothing more is read from it: who does not read
/// answers may not ask questions.
pub const OUTBOX_SOFT_BYTES_MAX: usize = 256 * 1024;

/// Output waiting for one connection above which the next answer closes it as a slow consumer. A page
/// of what was missed fits beside [`OUTBOX_SOFT_BYTES_MAX`]. A frame that is larger by itself, a whole
/// file, comes when no more than that waits, and is not counted: all its recipients share it.
pub const OUTBOX_HARD_BYTES_MAX: usize = 1024 * 1024;

/// Output waiting for all connections together; above it the largest is closed first.
pub const OUTBOXES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Frames from this size on are shared between their recipients instead of copied to each.
pub const SHARED_FRAME_BYTES_MIN: usize = 16 * 1024;

/// Kernel send buffer asked for, per connection: without it the kernel takes up to 4 MiB for a
/// peer that never reads before the program sees any backlog.
pub const SOCKET_SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Connections waiting in the kernel to be accepted. 128, the usual, loses seconds in a storm.
pub const LISTEN_BACKLOG: i32 = 4_096;

/// Connections accepted in one turn.
pub const ACCEPTS_PER_TURN_MAX: usize = 256;

/// File descriptors kept for files, listeners and the rest.
pub const DESCRIPTORS_RESERVED: usize = 64;

/// Connections, whatever the descriptor limit says.
pub const CONNECTIONS_MAX: usize = 100_000;

/// Connections from one address; of IPv6, from one /64, which is what one customer gets.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 64;

/// New ones from one address in one [`NEW_CONNECTIONS_WINDOW_MS`].
pub const NEW_CONNECTIONS_MAX: u32 = 128;

/// The time in which new connections from one address are counted.
pub const NEW_CONNECTIONS_WINDOW_MS: u64 = 10 * 60 * 1000;

/// Connections without a login, above which the oldest of them goes.
pub const UNAUTHENTICATED_MAX: usize = 1_024;

/// Time that each of those has before it goes for another: in a storm, who is greeted first is not
/// thrown out by who comes after.
pub const UNAUTHENTICATED_MS_MIN: u64 = 250;

/// Time from a connection's first byte to its login.
pub const LOGIN_MS_MAX: u64 = 10_000;

/// Time of a connection that has sent nothing, or nothing since its login was refused. Generous: the
/// first client connects before it asks for the name, and somebody may be typing. Such a connection
/// costs 1 KiB, and [`UNAUTHENTICATED_MAX`] bounds how many there are.
pub const SILENT_MS_MAX: u64 = 300_000;

/// Time from the first byte of a frame to its last: 16 MiB at 4.5 Mbit/s.
pub const FRAME_MS_MAX: u64 = 30_000;

/// Time to finish a TLS handshake: three round trips of the slowest network, and a person's firewall.
pub const TLS_HANDSHAKE_MS_MAX: u64 = 10_000;

/// Bytes from a peer before its TLS handshake is finished. The largest hellos, with post-quantum
/// keys, take about 2 KiB.
pub const TLS_HANDSHAKE_BYTES_MAX: usize = 64 * 1024;

/// Reads in one turn that may have to do with a TLS handshake; one costs about 0.1 ms.
pub const HANDSHAKE_READS_PER_TURN_MAX: usize = 64;

/// Time without any byte leaving, while some wait, after which a peer counts as gone.
pub const WRITE_STALL_MS_MAX: u64 = 10_000;

/// Time for the last frames of a connection that is being closed.
pub const FAREWELL_MS_MAX: u64 = 2_000;

/// Time between two frames to a bare peer, which takes whatever one `recv` returns for one object.
pub const BARE_PACE_MS: u64 = 20;

/// Wait before accepting again when the system has no descriptors or memory left.
pub const ACCEPT_RETRY_MS: u64 = 100;

/// Time that a server told to stop gives its clients to take their last frames.
pub const SHUTDOWN_MS_MAX: u64 = 10_000;

/// Of that, time for what was taken in to be stored and answered, before everybody is told to go.
pub const SHUTDOWN_ANSWERS_MS_MAX: u64 = 5_000;

/// Time without any byte leaving, while the server stops, after which a peer is not waited for.
pub const SHUTDOWN_STALL_MS_MAX: u64 = 5_000;

/// The first of those who were told to go should not come back before this: a restart takes a moment.
pub const RETRY_MS_MIN: u64 = 500;

/// From then on they come back one after the other: for each connection so much time, which is that of
/// a TLS handshake, a login and a page of what was missed, several times over.
pub const RETRY_MS_PER_CONNECTION: u64 = 3;

/// The shortest time over which they are spread, so that few are not all in one moment.
pub const RETRY_SPREAD_MS_MIN: u64 = 2_000;

/// The longest, because people wait.
pub const RETRY_SPREAD_MS_MAX: u64 = 30_000;

/// Bytes held or arriving above which no more files are taken, with `rate_limited`, so that there is
/// still room for messages.
pub const HELD_BYTES_FOR_FILES_MAX: usize = 128 * 1024 * 1024;

/// What a file costs on its way beside its bytes: also empty ones have an end.
pub const FILE_OVERHEAD_BYTES: usize = 4 * 1024;

/// Answers that one session may have to come at a time, above which nothing more is read from it.
/// They come together when they are stored, and together they fit an outbox.
pub const ANSWERS_AWAITED_MAX: u32 = 1_024;

/// Files of one session that are being kept; more are refused with `rate_limited`.
pub const FILES_PER_SESSION_MAX: u32 = 16;

/// Bytes of half-read frames, all connections together; above it the largest is closed first.
pub const INPUTS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Conversations in which one session's `typing` is remembered.
pub const TYPING_PLACES_MAX: usize = 16;

/// Log lines waiting for a terminal or pipe that does not take them; more are counted, not kept.
pub const LOG_LINES_WAITING_MAX: usize = 4_096;

/// Entries handed to the journal and not stored yet, above which nothing more is read from anybody:
/// a tenth of a second's work for a store on a disk.
pub const JOURNAL_ENTRIES_IN_FLIGHT_MAX: usize = 16_384;

/// Bytes of those entries, files among them: a few of the largest kind.
pub const JOURNAL_BYTES_IN_FLIGHT_MAX: usize = 64 * 1024 * 1024;

/// Questions to the journal that have no answer yet, above which nothing more is read from anybody.
pub const JOURNAL_QUESTIONS_IN_FLIGHT_MAX: usize = 1_024;

/// Of those about what somebody missed; who is asked for beyond that waits, and holds nobody up.
pub const JOURNAL_MISSED_IN_FLIGHT_MAX: usize = 64;

/// Searches waiting for the one before; more are refused with `rate_limited`.
pub const JOURNAL_SEARCHES_WAITING_MAX: usize = 64;

/// Answers of the journal that wait for the reactor to take them; its readers wait meanwhile.
pub const JOURNAL_ANSWERS_WAITING_MAX: usize = 8;

/// Entries written in one transaction: while it is written the next ones gather.
pub const JOURNAL_ENTRIES_PER_COMMIT_MAX: usize = 8_192;

/// Empty batches kept by the journal for their memory.
pub const JOURNAL_SPARE_BATCHES_MAX: usize = 8;

/// Messages in one page of what somebody missed.
pub const MISSED_PAGE_ITEMS_MAX: usize = 256;

/// Text in one page of stored messages. A message that is larger by itself is a page.
pub const STORED_PAGE_BYTES_MAX: usize = 128 * 1024;

/// The same in an outbox, with every byte escaped.
pub const FED_PAGE_BYTES_MAX: usize = 6 * STORED_PAGE_BYTES_MAX;

/// Unread messages of one conversation are counted up to here.
pub const UNREAD_COUNTED_MAX: u64 = 1_000;

/// Stored messages looked at to count the unread ones of all of one user's conversations.
pub const UNREAD_ROWS_READ_MAX: u64 = 32_768;

/// Stored messages with the right words that are looked at for one search, whether they may be
/// shown or not.
pub const SEARCH_ROWS_READ_MAX: usize = 65_536;

/// Words of one search; those after them are not looked at.
pub const SEARCH_WORDS_MAX: usize = 16;

/// Milliseconds that a search waits for the newest messages to be indexed.
pub const SEARCH_CATCH_UP_MS_MAX: u64 = 2_000;

/// Messages that a server without a disk remembers, newest first.
pub const RING_MESSAGES_MAX: usize = 65_536;

/// Bytes of their texts, changes and reactions.
pub const RING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Messages in which a server without a disk looks for words: all that its one thread may spend.
pub const RING_SEARCH_MESSAGES_MAX: usize = 8_192;

/// What an operator may set, each by an option of `papo server`, and what a simulation makes small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `--max-login-frame`: see [`FRAME_BEFORE_LOGIN_BYTES_MAX`].
    pub login_frame_bytes_max: usize,
    /// `--max-frame`: see [`FRAME_BYTES_MAX`], which is also the most.
    pub frame_bytes_max: usize,
    /// `--max-depth`: see [`JSON_DEPTH_MAX`].
    pub json_depth_max: usize,
    /// `--max-message`: see [`CONTENT_BYTES_MAX`], which is also the most.
    pub content_bytes_max: usize,
    /// `--message-rate`: see [`MESSAGES_PER_S_MAX`].
    pub messages_per_s_max: u32,
    /// `--message-burst`: see [`MESSAGES_BURST_MAX`].
    pub messages_burst_max: u32,
    /// `--byte-rate`: see [`BYTES_PER_S_MAX`].
    pub bytes_per_s_max: u64,
    /// `--byte-burst`: see [`BYTES_BURST_MAX`].
    pub bytes_burst_max: u64,
    /// `--connections-per-address`: see [`CONNECTIONS_PER_ADDRESS_MAX`].
    pub connections_per_address_max: usize,
    /// `--new-connections`: see [`NEW_CONNECTIONS_MAX`].
    pub new_connections_max: u32,
    /// `--max-unauthenticated`: see [`UNAUTHENTICATED_MAX`].
    pub unauthenticated_max: usize,
    /// `--login-time`: see [`LOGIN_MS_MAX`].
    pub login_ms_max: u64,
    /// `--silent-time`: see [`SILENT_MS_MAX`].
    pub silent_ms_max: u64,
    /// `--frame-time`: see [`FRAME_MS_MAX`].
    pub frame_ms_max: u64,
    /// `--login-tries`: see [`LOGIN_TRIES_MAX`].
    pub login_tries_max: u32,
    /// `--account-tries`: see [`ACCOUNT_TRIES_MAX`].
    pub account_tries_max: u32,
    /// `--address-tries`: see [`ADDRESS_TRIES_MAX`].
    pub address_tries_max: u32,
    /// `--registrations`: see [`REGISTRATIONS_MAX`].
    pub registrations_max: u32,
    /// `--hash-queue`: see [`PASSWORDS_WAITING_MAX`]. So many more may be held up.
    pub hash_queue_max: usize,
    /// `--ping`: see [`HEARTBEAT_INTERVAL_MS`].
    pub heartbeat_interval_ms: u64,
    /// `--max-unanswered-pings`: see [`HEARTBEATS_UNANSWERED_MAX`].
    pub heartbeats_unanswered_max: u32,
    /// `--max-inputs`: see [`INPUTS_BYTES_MAX`].
    pub inputs_bytes_max: usize,
    /// `--outbox-soft`: see [`OUTBOX_SOFT_BYTES_MAX`].
    pub outbox_soft_bytes_max: usize,
    /// `--outbox-hard`: see [`OUTBOX_HARD_BYTES_MAX`].
    pub outbox_hard_bytes_max: usize,
    /// `--max-outboxes`: see [`OUTBOXES_BYTES_MAX`].
    pub outboxes_bytes_max: usize,
    /// `--write-time`: see [`WRITE_STALL_MS_MAX`].
    pub write_stall_ms_max: u64,
    /// `--groups-per-user`: see [`GROUPS_PER_USER_MAX`].
    pub groups_per_user_max: usize,
    /// `--group-members`: see [`MEMBERS_PER_GROUP_MAX`].
    pub members_per_group_max: usize,
    /// `--sessions-per-user`: see [`SESSIONS_PER_USER_MAX`].
    pub sessions_per_user_max: usize,
    /// `--limit-loopback`: what counts by time or address holds for peers on this machine, too.
    pub limit_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_frame_bytes_max: FRAME_BEFORE_LOGIN_BYTES_MAX,
            frame_bytes_max: FRAME_BYTES_MAX,
            json_depth_max: JSON_DEPTH_MAX,
            content_bytes_max: CONTENT_BYTES_MAX,
            messages_per_s_max: MESSAGES_PER_S_MAX,
            messages_burst_max: MESSAGES_BURST_MAX,
            bytes_per_s_max: BYTES_PER_S_MAX,
            bytes_burst_max: BYTES_BURST_MAX,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            new_connections_max: NEW_CONNECTIONS_MAX,
            unauthenticated_max: UNAUTHENTICATED_MAX,
            login_ms_max: LOGIN_MS_MAX,
            silent_ms_max: SILENT_MS_MAX,
            frame_ms_max: FRAME_MS_MAX,
            login_tries_max: LOGIN_TRIES_MAX,
            account_tries_max: ACCOUNT_TRIES_MAX,
            address_tries_max: ADDRESS_TRIES_MAX,
            registrations_max: REGISTRATIONS_MAX,
            hash_queue_max: PASSWORDS_WAITING_MAX,
            heartbeat_interval_ms: HEARTBEAT_INTERVAL_MS,
            heartbeats_unanswered_max: HEARTBEATS_UNANSWERED_MAX,
            inputs_bytes_max: INPUTS_BYTES_MAX,
            outbox_soft_bytes_max: OUTBOX_SOFT_BYTES_MAX,
            outbox_hard_bytes_max: OUTBOX_HARD_BYTES_MAX,
            outboxes_bytes_max: OUTBOXES_BYTES_MAX,
            write_stall_ms_max: WRITE_STALL_MS_MAX,
            groups_per_user_max: GROUPS_PER_USER_MAX,
            members_per_group_max: MEMBERS_PER_GROUP_MAX,
            sessions_per_user_max: SESSIONS_PER_USER_MAX,
            limit_loopback: false,
        }
    }
}

const _: () = assert!(FRAME_BEFORE_LOGIN_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(SHUTDOWN_ANSWERS_MS_MAX < SHUTDOWN_MS_MAX);
const _: () = assert!(CONTENT_BYTES_MAX * 6 < OUTBOX_HARD_BYTES_MAX);
const _: () = assert!(FRAME_BYTES_MAX < HELD_BYTES_MAX);
const _: () = assert!(DELIVERIES_PER_TURN_MAX > MEMBERS_PER_GROUP_MAX);
const _: () = assert!(HELD_BYTES_FOR_FILES_MAX >= 2 * FRAME_BYTES_MAX);
const _: () = assert!(HELD_BYTES_FOR_FILES_MAX < HELD_BYTES_MAX);
const _: () = assert!(OUTBOX_SOFT_BYTES_MAX + FED_PAGE_BYTES_MAX <= OUTBOX_HARD_BYTES_MAX);
const _: () = assert!(JOURNAL_BYTES_IN_FLIGHT_MAX > FRAME_BYTES_MAX);
const _: () = assert!(CONTENT_BYTES_MAX < RING_BYTES_MAX);
