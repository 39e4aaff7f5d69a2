//! `papo admin users` and `papo admin reset-password`.

use std::fmt::Write;

use super::find::find;
use super::{Task, data_failure, failure, local_time, open, print, remark};
use crate::cli::Failure;
use crate::journal::admin::{Closed, UserSummary};
use crate::secret;
use crate::text::Lang;
use crate::text::admin as text;
use crate::text::sanitize::one_line;
use crate::wire::event::Encode;
use crate::wire::export::ExportedUser;
use crate::wire::name;

/// Everybody, in the order of the alphabet.
pub(super) fn list(task: Task) -> Result<(), Failure> {
    let Task { mut invocation, data, lang } = task;
    let json = invocation.args.contains("--json");
    invocation.finish()?;
    let users = open(&data, lang)?.users();
    let mut users = users.map_err(|error| data_failure(lang, &data, error))?;
    users.sort_by_cached_key(|user| (name::key(&user.name), user.name.clone()));
    if json {
        return print(lang, &lines(&users));
    }
    if users.is_empty() {
        remark(text::NO_USERS.get(lang));
        return Ok(());
    }
    print(lang, &table(lang, &users))
}

fn lines(users: &[UserSummary]) -> String {
    let mut lines = Vec::new();
    for user in users {
        let UserSummary { name, claimed, password, tokens, last_seen_ms, groups, messages } = user;
        ExportedUser {
            name,
            claimed: *claimed,
            password: *password,
            tokens: *tokens,
            last_seen: *last_seen_ms,
            groups: *groups,
            messages: *messages,
        }
        .encode(&mut lines);
        lines.push(b'\n');
    }
    String::from_utf8(lines).unwrap_or_default()
}

/// A table whose columns are as wide as they must be. The name comes last: how wide a terminal shows
/// it is the terminal's secret.
fn table(lang: Lang, users: &[UserSummary]) -> String {
    let mut rows = vec![text::USERS_HEADER.map(|title| title.get(lang).to_owned())];
    rows.extend(users.iter().map(|user| {
        // Of the time of day the seconds are too much.
        let seen: String = local_time(user.last_seen_ms).chars().take(16).collect();
        let access = text::access(lang, user.claimed, user.password, user.tokens);
        let (groups, messages) = (user.groups.to_string(), user.messages.to_string());
        [seen, access, groups, messages, one_line(&user.name).into_owned()]
    }));
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let mut table = String::new();
    for [seen, access, groups, messages, name] in &rows {
        let [w0, w1, w2, w3] = widths;
        // Writing into a string does not fail.
        let _ = writeln!(table, "{seen:w0$}  {access:w1$}  {groups:>w2$}  {messages:>w3$}  {name}");
    }
    table
}

/// The server has what people prove themselves with in memory, so it must be stopped.
pub(super) fn reset_password(task: Task) -> Result<(), Failure> {
    let (typed, data, lang) = task.only_argument(text::USER_MISSING)?;
    let failed = |error| data_failure(lang, &data, error);
    // Opened before the lock is taken, which would make a file where there is no store.
    let store = open(&data, lang)?;
    let closed = Closed::take(&data).map_err(failed)?;
    let (user, name) = find(store.user_names().map_err(failed)?, &typed).map_err(|near| {
        failure(text::unknown_user(lang, &typed.escape_debug().to_string(), &near))
    })?;
    let made = secret::new_password().and_then(|new| secret::hash(&new).map(|phc| (new, phc)));
    let Some((password, phc)) = made else {
        return Err(failure(text::NO_PASSWORD.get(lang)));
    };
    closed.reset_password(user, phc).map_err(failed)?;
    remark(&text::new_password(lang, &one_line(&name)));
    // Alone on standard output, so that a script can take it from there.
    print(lang, &format!("{password}\n"))?;
    remark(text::TOKENS_REVOKED.get(lang));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, password: bool, tokens: u64) -> UserSummary {
        UserSummary {
            name: name.to_owned(),
            claimed: password || tokens > 0,
            password,
            tokens,
            last_seen_ms: 1_763_900_999_999,
            groups: 12,
            messages: 3_456,
        }
    }

    #[test]
    fn a_table_has_columns_and_no_name_spoils_it() {
        let users = [user("ana", true, 2), user("b\u{1b}[2Ja\n", false, 0)];
        for lang in [Lang::Pt, Lang::En] {
            let table = table(lang, &users);
            let lines: Vec<&str> = table.lines().collect();
            assert_eq!(lines.len(), 3, "{table}");
            assert!(!table.contains('\u{1b}'), "{table}");
            let column = |line: &str| line.char_indices().position(|(at, _)| at == line.len() - 3);
            assert_eq!(column(lines[1]).map(|at| &lines[1][at..]), Some("ana"), "{table}");
            assert!(lines.iter().all(|line| line.chars().count() <= 80), "{table}");
        }
    }

    #[test]
    fn how_somebody_gets_in_is_one_cell() {
        let access = |claimed, password, tokens| text::access(Lang::Pt, claimed, password, tokens);
        assert_eq!(access(false, false, 0), "livre");
        assert_eq!(access(true, false, 0), "fechado");
        assert_eq!(access(true, false, 1), "1 token");
        assert_eq!(access(true, true, 2), "senha, 2");
        assert_eq!(access(true, true, 0), "senha");
    }
}
