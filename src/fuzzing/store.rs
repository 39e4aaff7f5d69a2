//! A store that somebody or something has changed behind the server's back.

pub(super) mod edits;
pub(super) mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

use super::input::Input;
use crate::chat::entry::ConversationId;
use crate::chat::{UserId, query::Query, query::Scope};
use crate::journal::admin::{self, Store, Which};
use crate::wire::request::PageAt;
use server::{FIRST_NUMBER, Server};

/// The store opens or says why not; an opened one answers or says that it cannot, a server can be
/// run on it, and whoever looks after it can read it.
pub fn store(input: &[u8]) {
    let folder = Folder::make();
    edits::lay(&folder.0, &mut Input(input));
    look_after(&folder.0);
    match Server::open(&folder.0) {
        Ok(mut server) => {
            ask(&mut server);
            server.talk();
            server.close();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What is asked of a journal, of conversations that are there and of others.
fn ask(server: &mut Server) {
    let whole = |conversation| Scope {
        conversation: ConversationId(conversation),
        joined: 0,
        after: 0,
        upto: u64::MAX >> 1,
    };
    let scopes: Vec<Scope> = (0..6).map(whole).collect();
    for scope in &scopes {
        for at in
            [PageAt::Newest, PageAt::Before(FIRST_NUMBER + 9), PageAt::After(FIRST_NUMBER + 5)]
        {
            server.ask(Query::History { scope: *scope, at, limit: 50 });
        }
    }
    for user in 0..3 {
        let (user, own) = (UserId(user), user == 0);
        for changes_upto in [None, Some(u64::MAX >> 1)] {
            server.ask(Query::Missed {
                user,
                scopes: scopes.clone(),
                own,
                changes_upto,
                inline_files: true,
            });
        }
        server.ask(Query::Conversations { user, scopes: scopes.clone() });
    }
    for number in FIRST_NUMBER..FIRST_NUMBER + 24 {
        server.ask(Query::Message(number));
        server.ask(Query::File(number));
    }
    server.ask(Query::Search { words: "o oi".to_owned(), scopes, limit: 50 });
}

/// What `papo admin` does with a store.
fn look_after(data: &Path) {
    let _ = admin::check(&Store::path(data));
    let Ok(store) = Store::open(data) else { return };
    let _ = (store.users(), store.user_names(), store.file_names(), store.uploads());
    for group in store.groups().unwrap_or_default() {
        let _ = (
            store.page(group.conversation, 0),
            store.files(Which::In(group.conversation), u64::MAX),
        );
    }
    if let Ok(Some(pair)) = store.pair(UserId(0), UserId(1)) {
        let _ = store.page(pair, 0);
    }
    let _ = (store.files(Which::All, u64::MAX), store.files(Which::From(UserId(0)), u64::MAX));
    for number in FIRST_NUMBER + 4..FIRST_NUMBER + 12 {
        let _ = (store.written(number), store.is_pruned(number));
    }
}

/// A data folder that is gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("papo-fuzzing-{}-{number}", process::id()));
        fs::create_dir_all(&folder).expect("a folder for a store can be made");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
