//! What `papo demo` says: its announcements, and every line of the five windows.

use super::server::welcome;
use super::{Lang, Sentence, say};

/// `papo demo --help`.
pub const HELP: Sentence = say(
    "\
papo demo: o \"Teste Avançado\" do primeiro manual, de verdade

Uso: papo demo [opções]

Inicia um servidor em uma porta livre e cinco pessoas que falam com ele por TCP
nos três formatos (JSON sem separador, prefixo de 4 bytes, uma linha por
objeto), joga os seis passos do teste, mostra a tela de cada pessoa e confere se
cada uma recebeu exatamente o que devia.

Opções:
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo demo
  papo demo --lang en

Sai com 0 se tudo chegou como devia, 1 se não, 2 em uso incorreto.
",
    "\
papo demo: the first manual's \"Teste Avançado\", for real

Usage: papo demo [options]

Starts a server on a free port and five people who speak with it over TCP in the
three framings (bare JSON, 4-byte length prefix, one object per line), plays the
six steps of the test, shows each person's screen, and checks that everyone got
exactly what they should.

Options:
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo demo
  papo demo --lang en

Exits with 0 if everything arrived as it should, 1 if not, 2 on wrong usage.
",
);

/// The name before the server's lines.
pub const SERVER: Sentence = say("Servidor", "Server");

/// The titles of the six steps.
pub const STEPS: [Sentence; 6] = [
    say("Cinco pessoas fazem login", "Five people log in"),
    say("Mensagens privadas", "Private messages"),
    say("Alice cria um grupo e adiciona os outros", "Alice creates a group and adds the others"),
    say("Todos escrevem no grupo", "Everybody writes in the group"),
    say("Arquivos: um privado, um para o grupo", "Files: one private, one to the group"),
    say(
        "Listas; Diana sai do grupo; todos se despedem",
        "Lists; Diana leaves the group; everybody leaves",
    ),
];

/// The group that Alice creates.
pub const GROUP: Sentence = say("Trabalho de SD", "Homework");

/// A file for one person.
pub const PHOTO: &str = "foto.jpg";

/// A file for the group. Its name is not ASCII, as names often are.
pub const REPORT: &str = "relatório.pdf";

/// What the five say in private: sender, recipient, text.
pub const PRIVATE: [(&str, &str, Sentence); 6] = [
    ("Alice", "Bob", say("Oi, Bob! Tudo bem?", "Hi Bob! How are you?")),
    ("Bob", "Alice", say("Tudo ótimo, Alice! ☕", "Great, Alice! ☕")),
    (
        "Carlos",
        "Diana",
        // Braces and quotes in a text must not end anybody's frame.
        say(r#"a chave abre assim: "{" \o/"#, r#"a brace opens like this: "{" \o/"#),
    ),
    ("Diana", "Eduardo", say("Você já começou o trabalho?", "Have you started the homework?")),
    ("Eduardo", "Diana", say("Já! Ficou bom 😀", "I have! It looks good 😀")),
    ("Diana", "Alice", say("Cria um grupo para nós?", "Will you make us a group?")),
];

/// What each of the five says to the group.
pub const TO_GROUP: [Sentence; 5] = [
    say("Bem-vindos ao grupo!", "Welcome to the group!"),
    say("Bob na área", "Bob is here"),
    say("Olá a todos, é o Carlos", "Hello everybody, Carlos here"),
    say("Diana chegou 🎉", "Diana has arrived 🎉"),
    say("E o Eduardo também", "And so has Eduardo"),
];

/// What Alice says when Diana has left.
pub const AFTER_LEAVING: Sentence = say("A Diana já saiu?", "Has Diana left?");

/// One line of somebody's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A request was done, and the server said so.
    Done(String),
    /// A request was refused.
    Refused(String),
    /// A private message.
    Private {
        /// Who wrote it.
        from: String,
        /// What it says.
        content: String,
    },
    /// A message in a group.
    Group {
        /// Which group.
        group: String,
        /// Who wrote it.
        from: String,
        /// What it says.
        content: String,
    },
    /// A file arrived.
    File {
        /// In which group, if not in private.
        group: Option<String>,
        /// Who sent it.
        from: String,
        /// Its name.
        name: String,
        /// How many bytes.
        bytes: usize,
        /// A hash of its bytes.
        hash: u64,
    },
    /// This person is in a group now.
    AddedTo {
        /// Which group.
        group: String,
        /// By whom.
        by: String,
    },
    /// Something happened in a group of this person's.
    Change {
        /// Which group.
        group: String,
        /// Whom it is about.
        user: String,
        /// What happened, as the protocol names it.
        event: String,
    },
    /// Who is online.
    Users(Vec<String>),
    /// This person's groups.
    Groups(Vec<String>),
    /// Who is in a group.
    Members(String, Vec<String>),
    /// The connection ended.
    Disconnected,
    /// Something that nobody should get.
    Unexpected(String),
}

impl Shown {
    /// The answer to a login.
    pub fn welcome(lang: Lang, name: &str) -> Self {
        Self::Done(welcome(lang, name))
    }

    /// The line as the first chat's client showed it; `time` is `HH:MM:SS`, where there is one.
    pub fn line(&self, lang: Lang, time: Option<&str>) -> String {
        let time = time.map(|time| format!(" ({time})")).unwrap_or_default();
        match self {
            Self::Done(sentence) => format!("✅ {sentence}"),
            Self::Refused(sentence) => format!("❌ {sentence}"),
            Self::Private { from, content } => {
                let tag = say("PRIVADA", "PRIVATE").get(lang);
                format!("💬 [{tag}] {from}{time}: {content}")
            }
            Self::Group { group, from, content } => {
                let tag = say("GRUPO", "GROUP").get(lang);
                format!("👥 [{tag}: {group}] {from}{time}: {content}")
            }
            Self::File { group, from, name, bytes, hash } => {
                let tag = match (group, lang) {
                    (None, Lang::Pt) => "ARQUIVO PRIVADO".to_owned(),
                    (None, Lang::En) => "PRIVATE FILE".to_owned(),
                    (Some(group), Lang::Pt) => format!("ARQUIVO GRUPO: {group}"),
                    (Some(group), Lang::En) => format!("GROUP FILE: {group}"),
                };
                let sent = say("enviou", "sent").get(lang);
                format!("📎 [{tag}] {from}{time} {sent}: {name} ({bytes} bytes, hash {hash:016x})")
            }
            Self::AddedTo { group, by } => match lang {
                Lang::Pt => format!("🎉 Você foi adicionado ao grupo \"{group}\" por {by}"),
                Lang::En => format!("🎉 {by} added you to the group \"{group}\""),
            },
            Self::Change { group, user, event } => {
                format!("👥 [{group}] {user} {}", change(lang, event))
            }
            Self::Users(names) => list(say("Usuários online", "Users online").get(lang), names),
            Self::Groups(names) => list(say("Grupos", "Groups").get(lang), names),
            Self::Members(group, names) => {
                list(&format!("{} \"{group}\"", say("Membros de", "Members of").get(lang)), names)
            }
            Self::Disconnected => say("🚪 Desconectado", "🚪 Disconnected").get(lang).to_owned(),
            Self::Unexpected(what) => format!("❓ {what}"),
        }
    }
}

fn list(title: &str, names: &[String]) -> String {
    format!("📋 {title}: {}", names.join(", "))
}

/// What happened to a member, for the windows of the others.
fn change(lang: Lang, event: &str) -> &str {
    let sentence = match event {
        "joined" => say("entrou no grupo", "joined the group"),
        "left" => say("saiu do grupo", "left the group"),
        "added" => say("agora está no grupo", "is in the group now"),
        other => return other,
    };
    sentence.get(lang)
}

/// How somebody speaks with the server, said when they come in.
pub const BARE: Sentence = say("JSON sem separador", "bare JSON");
/// See [`BARE`].
pub const LENGTH: Sentence = say("prefixo de 4 bytes", "4-byte length prefix");
/// See [`BARE`].
pub const LINE: Sentence = say("uma linha por objeto", "one object per line");

/// What somebody does, shown in their own window: writes.
pub fn writes(to: &str, content: &str) -> String {
    format!("→ {to}: {content}")
}

/// Sends a file.
pub fn sends_file(to: &str, name: &str) -> String {
    format!("→ {to}: 📎 {name}")
}

/// Comes in.
pub fn connects(lang: Lang, framing: Sentence) -> String {
    let what = say("conecta", "connects").get(lang);
    format!("🔌 {what} ({})", framing.get(lang))
}

/// `Step 1 of 6: …`
pub fn step(lang: Lang, number: usize) -> String {
    let title = STEPS[number - 1].get(lang);
    let (step, of) = match lang {
        Lang::Pt => ("Passo", "de"),
        Lang::En => ("Step", "of"),
    };
    format!("── {step} {number} {of} {}: {title}", STEPS.len())
}

/// All is well.
pub fn all_well(lang: Lang, shown: usize, millis: u128) -> String {
    match lang {
        Lang::Pt => format!(
            "✅ Os 6 passos funcionaram: as 5 pessoas receberam exatamente o que deviam ({shown} linhas conferidas em {millis} ms)."
        ),
        Lang::En => format!(
            "✅ All 6 steps worked: the 5 people got exactly what they should ({shown} lines checked in {millis} ms)."
        ),
    }
}

/// What was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Somebody should have been shown this line, and was not.
    Missing(&'static str, String),
    /// Somebody was shown this line, and should not have been.
    Surplus(&'static str, String),
    /// An answer to this request did not come in time.
    Unanswered(&'static str, &'static str),
    /// A message came after one with a higher number in its conversation.
    OutOfOrder(&'static str, String),
    /// The server's copy of this file is not the file.
    NotKept(String),
    /// The server ended by itself.
    ServerEnded,
}

impl Problem {
    /// The problem as a sentence.
    pub fn sentence(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Missing(who, line), Lang::Pt) => format!("{who} não recebeu: {line}"),
            (Self::Missing(who, line), Lang::En) => format!("{who} did not get: {line}"),
            (Self::Surplus(who, line), Lang::Pt) => {
                format!("{who} recebeu e não devia: {line}")
            }
            (Self::Surplus(who, line), Lang::En) => {
                format!("{who} got and should not have: {line}")
            }
            (Self::Unanswered(who, request), Lang::Pt) => {
                format!("{who} ficou sem resposta a {request}")
            }
            (Self::Unanswered(who, request), Lang::En) => {
                format!("{who} got no answer to {request}")
            }
            (Self::OutOfOrder(who, line), Lang::Pt) => {
                format!("{who} recebeu fora de ordem: {line}")
            }
            (Self::OutOfOrder(who, line), Lang::En) => format!("{who} got out of order: {line}"),
            (Self::NotKept(name), Lang::Pt) => {
                format!("a cópia do servidor não é igual ao arquivo: server_files/{name}")
            }
            (Self::NotKept(name), Lang::En) => {
                format!("the server's copy differs from the file: server_files/{name}")
            }
            (Self::ServerEnded, Lang::Pt) => "o servidor terminou sozinho".to_owned(),
            (Self::ServerEnded, Lang::En) => "the server ended by itself".to_owned(),
        }
    }
}

/// The list of problems, after the step in which they came up.
pub fn failed(lang: Lang, step: usize, problems: &[Problem]) -> String {
    let mut text = match lang {
        Lang::Pt => format!("o passo {step} não foi como devia:"),
        Lang::En => format!("step {step} did not go as it should:"),
    };
    for problem in problems {
        text.push_str("\n  ❌ ");
        text.push_str(&problem.sentence(lang));
    }
    text
}

/// The server did not say its port.
pub const NO_SERVER: Sentence = say(
    "o servidor não disse em que porta escuta; rode `papo server` para ver por quê",
    "the server did not say which port it listens on; run `papo server` to see why",
);

/// Ctrl+C.
pub const INTERRUPTED: Sentence = say("interrompido", "interrupted");

/// The program cannot be started again as a server.
pub const CANNOT_START: Sentence =
    say("não foi possível iniciar o servidor", "the server could not be started");

/// A folder for the server's files cannot be made.
pub const NO_FOLDER: Sentence =
    say("não foi possível criar uma pasta temporária", "no temporary folder could be made");

/// The server said a port and does not take connections there.
pub const NO_CONNECTION: Sentence =
    say("o servidor não aceita conexões", "the server takes no connections");
