//! Conversations: what was missed, who has read what, what was changed, and what was said before.

use crate::text::{Lang, Sentence, say};

/// Whose history is to be seen.
pub const ASK_PLACE_KIND: Sentence =
    say("A conversa é com 1) um usuário ou 2) um grupo?", "Is it with 1) a user or 2) a group?");

/// With which user a conversation is.
pub const ASK_WITH: Sentence = say("Digite o nome do usuário:", "Enter the user's name:");

/// What to search for.
pub const ASK_QUERY: Sentence = say("O que você procura?", "What are you looking for?");

/// Asks for the older messages of a history.
pub const OLDER: &str = "+";

/// Below a page of history before which there is more.
pub const HAS_OLDER: Sentence =
    say("📜 Há mensagens anteriores: + as mostra.", "📜 There are older messages: + shows them.");

/// There is no older page to show.
pub const NOTHING_OLDER: Sentence = say(
    "Não há mensagens anteriores a mostrar. A opção 13 abre o histórico de uma conversa.",
    "There are no older messages to show. Option 13 opens a conversation's history.",
);

/// A history without messages.
pub const NO_HISTORY: Sentence =
    say("📜 Nada foi dito aqui ainda.", "📜 Nothing has been said here yet.");

/// A search without results.
pub const NOTHING_FOUND: Sentence = say("🔎 Nenhuma mensagem tem isso.", "🔎 No message has that.");

/// Nobody has written to this user, nor the other way round.
pub const NO_CONVERSATIONS: Sentence = say(
    "📬 Você ainda não tem conversas. A opção 1 começa uma.",
    "📬 You have no conversations yet. Option 1 begins one.",
);

/// More was missed than is shown.
pub const MISSED_HEAD: Sentence = say(
    "📬 Chegou muita coisa; aqui está o mais recente de cada conversa:",
    "📬 Much has come; here is the newest of each conversation:",
);

/// After what was missed, when not all of it was shown.
pub const MISSED_REST: Sentence =
    say("O resto está no histórico (opção 13).", "The rest is in the history (option 13).");

/// The mark of a group in the list of conversations.
pub const GROUP: Sentence = say("grupo", "group");

/// The mark of a message that its author changed.
pub const EDITED: Sentence = say("editada", "edited");

/// The mark of a message that is gone.
pub const DELETED: Sentence = say("apagada", "deleted");

/// The mark of an own message that has arrived at all others.
pub const DELIVERED: Sentence = say("entregue", "delivered");

/// The mark of an own message that all others have read.
pub const READ: Sentence = say("lida", "read");

/// What came while the user was away: each conversation and its messages, largest first, and how
/// many more conversations there are.
pub fn missed(lang: Lang, total: usize, places: &[(String, usize)], more: usize) -> String {
    let head = match (lang, total) {
        (Lang::Pt, 1) => "📬 1 mensagem enquanto você esteve fora".to_owned(),
        (Lang::Pt, _) => format!("📬 {total} mensagens enquanto você esteve fora"),
        (Lang::En, 1) => "📬 1 message while you were away".to_owned(),
        (Lang::En, _) => format!("📬 {total} messages while you were away"),
    };
    let mut parts: Vec<String> =
        places.iter().map(|(name, count)| format!("{name} {count}")).collect();
    match (lang, more) {
        (_, 0) => {}
        (Lang::Pt, 1) => parts.push("mais 1 conversa".to_owned()),
        (Lang::Pt, _) => parts.push(format!("mais {more} conversas")),
        (Lang::En, 1) => parts.push("1 more conversation".to_owned()),
        (Lang::En, _) => parts.push(format!("{more} more conversations")),
    }
    format!("{head}: {}", parts.join(", "))
}

/// Somebody has, or has read, so many messages of this user. One message is named after it.
pub fn receipt(lang: Lang, by: &str, read: bool, count: usize) -> String {
    let sign = if read { "👀" } else { "✓✓" };
    let did = match (lang, read) {
        (Lang::Pt, false) => "recebeu",
        (Lang::Pt, true) => "leu",
        (Lang::En, false) => "received",
        (Lang::En, true) => "read",
    };
    match (lang, count) {
        (_, 1) => format!("{sign} {by} {did}:"),
        (Lang::Pt, _) => format!("{sign} {by} {did} {count} mensagens"),
        (Lang::En, _) => format!("{sign} {by} {did} {count} messages"),
    }
}

/// A message in a group was read by these, or by so many if there are too many to name.
pub fn group_receipt(lang: Lang, group: &str, readers: &[String], count: usize) -> String {
    let by = match (lang, readers) {
        (_, [one]) => one.clone(),
        (Lang::Pt, [most @ .., last]) => format!("{} e {last}", most.join(", ")),
        (Lang::En, [most @ .., last]) => format!("{} and {last}", most.join(", ")),
        (Lang::Pt, []) => format!("{count} pessoas"),
        (Lang::En, []) => format!("{count} people"),
    };
    match lang {
        Lang::Pt => format!("👀 [{group}] lida por {by}:"),
        Lang::En => format!("👀 [{group}] read by {by}:"),
    }
}

/// The author of a message wrote it anew. What it says now follows.
pub fn edited(lang: Lang, place: &str, sender: Option<&str>) -> String {
    match (lang, sender) {
        (Lang::Pt, Some(sender)) => format!("✏️ {place}{sender} corrigiu:"),
        (Lang::Pt, None) => format!("✏️ {place}mensagem corrigida:"),
        (Lang::En, Some(sender)) => format!("✏️ {place}{sender} corrected:"),
        (Lang::En, None) => format!("✏️ {place}message corrected:"),
    }
}

/// A message was deleted. How it began follows, where that is known.
pub fn deleted(lang: Lang, place: &str, sender: Option<&str>) -> String {
    match (lang, sender) {
        (Lang::Pt, Some(sender)) => format!("🗑️ {place}mensagem de {sender} apagada"),
        (Lang::Pt, None) => format!("🗑️ {place}mensagem apagada"),
        (Lang::En, Some(sender)) => format!("🗑️ {place}message of {sender} deleted"),
        (Lang::En, None) => format!("🗑️ {place}message deleted"),
    }
}

/// Reactions to a message changed: now they are these. How the message began follows.
pub fn reacted(lang: Lang, place: &str, reactions: &[(String, Vec<String>)]) -> String {
    let and = match lang {
        Lang::Pt => " e ",
        Lang::En => " and ",
    };
    match (lang, reactions) {
        (Lang::Pt, []) => format!("💭 {place}sem reações agora"),
        (Lang::En, []) => format!("💭 {place}no reactions now"),
        (Lang::Pt, [(emoji, users)]) if users.len() == 1 => {
            format!("💭 {place}{} reagiu {emoji}", users.join(and))
        }
        (Lang::En, [(emoji, users)]) if users.len() == 1 => {
            format!("💭 {place}{} reacted {emoji}", users.join(and))
        }
        (Lang::Pt, all) => format!("💭 {place}reações: {}", reactions_list(all)),
        (Lang::En, all) => format!("💭 {place}reactions: {}", reactions_list(all)),
    }
}

/// Reactions, each with who gave it.
pub fn reactions_list(reactions: &[(String, Vec<String>)]) -> String {
    let parts = reactions.iter().map(|(emoji, users)| format!("{emoji} {}", users.join(", ")));
    parts.collect::<Vec<_>>().join(" · ")
}

/// Above a page of history.
pub fn history_of(lang: Lang, place: &str, is_group: bool) -> String {
    match (lang, is_group) {
        (Lang::Pt, false) => format!("📜 Conversa com {place}:"),
        (Lang::Pt, true) => format!("📜 Conversa do grupo {place}:"),
        (Lang::En, false) => format!("📜 Conversation with {place}:"),
        (Lang::En, true) => format!("📜 Conversation of the group {place}:"),
    }
}

/// Above what a search has found: all of it, or the newest if there is more.
pub fn found(lang: Lang, count: usize, is_all: bool) -> String {
    match (lang, count) {
        (Lang::Pt, _) if !is_all => {
            format!("🔎 As {count} mais recentes; mais palavras encontram menos:")
        }
        (Lang::En, _) if !is_all => format!("🔎 The {count} newest; more words find fewer:"),
        (Lang::Pt, 1) => "🔎 1 mensagem encontrada:".to_owned(),
        (Lang::Pt, _) => format!("🔎 {count} mensagens encontradas:"),
        (Lang::En, 1) => "🔎 1 message found:".to_owned(),
        (Lang::En, _) => format!("🔎 {count} messages found:"),
    }
}

/// Above the list of conversations.
pub fn your_conversations(lang: Lang, count: usize) -> String {
    match lang {
        Lang::Pt => format!("📬 Suas conversas ({count}):"),
        Lang::En => format!("📬 Your conversations ({count}):"),
    }
}

/// Messages of a conversation that have not been read.
pub fn unread(lang: Lang, count: u64) -> String {
    match (lang, count) {
        (Lang::Pt, 1) => "1 nova".to_owned(),
        (Lang::Pt, _) => format!("{count} novas"),
        (Lang::En, _) => format!("{count} new"),
    }
}

/// A day, between the messages of two days.
pub fn day(lang: Lang, year: i32, month: u32, day: u32) -> String {
    format!("── {} ──", date(lang, year, month, day))
}

/// A date, as people write it.
pub fn date(lang: Lang, year: i32, month: u32, day: u32) -> String {
    match lang {
        Lang::Pt => format!("{day:02}/{month:02}/{year}"),
        Lang::En => format!("{year}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_nouns() {
        let two = [("Trabalho".to_owned(), 9), ("Bob".to_owned(), 3)];
        for (said, expected) in [
            (
                missed(Lang::Pt, 12, &two, 0),
                "📬 12 mensagens enquanto você esteve fora: Trabalho 9, Bob 3",
            ),
            (
                missed(Lang::Pt, 1, &[("Bob".to_owned(), 1)], 0),
                "📬 1 mensagem enquanto você esteve fora: Bob 1",
            ),
            (
                missed(Lang::En, 13, &two, 1),
                "📬 13 messages while you were away: Trabalho 9, Bob 3, 1 more conversation",
            ),
            (receipt(Lang::Pt, "bia", false, 1), "✓✓ bia recebeu:"),
            (receipt(Lang::Pt, "bia", true, 3), "👀 bia leu 3 mensagens"),
            (group_receipt(Lang::Pt, "T", &["a".into()], 1), "👀 [T] lida por a:"),
            (
                group_receipt(Lang::Pt, "T", &["a".into(), "b".into(), "c".into()], 3),
                "👀 [T] lida por a, b e c:",
            ),
            (group_receipt(Lang::En, "T", &[], 7), "👀 [T] read by 7 people:"),
            (unread(Lang::Pt, 1), "1 nova"),
        ] {
            assert_eq!(said, expected);
        }
    }
}
