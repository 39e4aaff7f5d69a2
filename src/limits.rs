//! Every maximum, with its unit last in its name and the reason for its number.
//!
//! Nothing that comes from the network may grow without a line in this file.

/// The largest frame after login. A file of 12 MiB in base64 fits, as in the first chat.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest frame before login: a login is far smaller, and a stranger gets no more memory.
pub const FRAME_BEFORE_LOGIN_BYTES_MAX: usize = 4 * 1024;

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

/// Wrong passwords or tokens for one name in one [`LOGIN_FAILURES_WINDOW_MS`], after which none is
/// tried: who guesses needs years, who mistypes waits a minute.
pub const LOGIN_FAILURES_MAX: u32 = 10;

/// The time in which wrong passwords are counted.
pub const LOGIN_FAILURES_WINDOW_MS: u64 = 60_000;

/// Passwords waiting to be hashed; each takes some 30 ms and 19 MiB, one at a time.
pub const PASSWORDS_WAITING_MAX: usize = 64;

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

/// Output waiting for one connection above which it is closed as a slow consumer. One frame that
/// is larger by itself is let in when nothing of its kind waits.
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

/// Time to log in. Generous, because the first client connects before it asks for the name.
pub const LOGIN_MS_MAX: u64 = 300_000;

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

/// Text in one page of stored messages. Six times as much, with every byte escaped, still fits an
/// outbox. A message that is larger by itself is a page.
pub const STORED_PAGE_BYTES_MAX: usize = 128 * 1024;

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

const _: () = assert!(FRAME_BEFORE_LOGIN_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(SHUTDOWN_ANSWERS_MS_MAX < SHUTDOWN_MS_MAX);
const _: () = assert!(OUTBOX_SOFT_BYTES_MAX < OUTBOX_HARD_BYTES_MAX);
const _: () = assert!(CONTENT_BYTES_MAX * 6 < OUTBOX_HARD_BYTES_MAX);
const _: () = assert!(FRAME_BYTES_MAX < HELD_BYTES_MAX);
const _: () = assert!(DELIVERIES_PER_TURN_MAX > MEMBERS_PER_GROUP_MAX);
const _: () = assert!(HELD_BYTES_FOR_FILES_MAX >= 2 * FRAME_BYTES_MAX);
const _: () = assert!(HELD_BYTES_FOR_FILES_MAX < HELD_BYTES_MAX);
const _: () = assert!(STORED_PAGE_BYTES_MAX * 6 < OUTBOX_HARD_BYTES_MAX);
const _: () = assert!(JOURNAL_BYTES_IN_FLIGHT_MAX > FRAME_BYTES_MAX);
const _: () = assert!(CONTENT_BYTES_MAX < RING_BYTES_MAX);
