//! What the client says: its menu and questions, its notices, and the help of `papo`, `papo send`
//! and `papo listen`.

mod account;
mod advice;
mod choices;
mod files;
mod scripts;
mod talk;
mod tls;

pub use account::*;
pub use advice::{LEAVE_INSTEAD, advice, script_advice};
pub use choices::{Choice, MENU_TITLE, RULE, choice};
pub use files::*;
pub use scripts::{
    HELP_CLIENT, HELP_LISTEN, HELP_SEND, RECIPIENT_NEEDED, TEXT_EMPTY, TEXT_NEEDED, TEXT_NOT_UTF8,
    TEXT_OVER_LIMIT, TOO_MANY_ARGUMENTS, USER_NEEDED,
};
pub use talk::*;
pub use tls::*;

use super::{Lang, Sentence, say};

/// The question that the menu asks.
pub const CHOOSE: Sentence = say("Escolha uma opção:", "Choose an option:");

/// The first question.
pub const ASK_NAME: Sentence = say("Digite seu nome de usuário:", "Enter your user name:");

/// To whom a private message or file goes.
pub const ASK_RECIPIENT: Sentence = say("Digite o nome do destinatário:", "Enter the recipient:");

/// The message itself.
pub const ASK_TEXT: Sentence = say("Digite sua mensagem:", "Enter your message:");

/// Which group.
pub const ASK_GROUP: Sentence = say("Digite o nome do grupo:", "Enter the group's name:");

/// What a new group is to be called.
pub const ASK_NEW_GROUP: Sentence =
    say("Digite o nome do novo grupo:", "Enter the new group's name:");

/// Whether a file is for one person or for a group.
pub const ASK_FILE_KIND: Sentence =
    say("Enviar para 1) um usuário ou 2) um grupo?", "Send to 1) a user or 2) a group?");

/// Which file.
pub const ASK_PATH: Sentence = say("Digite o caminho do arquivo:", "Enter the file's path:");

/// Who is added to a group.
pub const ASK_NEW_MEMBER: Sentence =
    say("Digite o nome do novo membro:", "Enter the new member's name:");

/// Which member of a group.
pub const ASK_MEMBER: Sentence = say("Digite o nome do membro:", "Enter the member's name:");

/// A group's other name.
pub const ASK_NEW_NAME: Sentence =
    say("Digite o novo nome do grupo:", "Enter the group's new name:");

/// Before a group is deleted for everybody.
pub const ASK_CONFIRM: Sentence = say(
    "O grupo será apagado para todos. Digite o nome dele de novo para confirmar:",
    "The group will be deleted for everybody. Enter its name again to confirm:",
);

/// An empty answer to the first question.
pub const NAME_NEEDED: Sentence = say(
    "É preciso um nome para entrar. Ctrl+C sai.",
    "A name is needed to come in. Ctrl+C leaves.",
);

/// An empty answer to any other question.
pub const CANCELLED: Sentence =
    say("↩️ Cancelado: a resposta ficou vazia.", "↩️ Cancelled: the answer was empty.");

/// The name typed to confirm is another.
pub const NOT_CONFIRMED: Sentence =
    say("↩️ Cancelado: o nome digitado é outro.", "↩️ Cancelled: the names differ.");

/// A choice that the menu does not have.
pub const NO_SUCH_OPTION: Sentence = say(
    "Opção inválida. Digite o número de uma opção; a opção 7 mostra o menu.",
    "No such option. Enter an option's number; option 7 shows the menu.",
);

/// An answer that is neither 1 nor 2.
pub const ONE_OR_TWO: Sentence = say("Responda 1 ou 2.", "Answer 1 or 2.");

/// The first line of leaving.
pub const LEAVING: Sentence = say("👋 Encerrando cliente...", "👋 Closing the client...");

/// The last line of leaving.
pub const LEFT: Sentence = say("✅ Cliente encerrado.", "✅ Client closed.");

/// A request made without a connection that cannot wait.
pub const OFFLINE: Sentence = say(
    "Sem conexão com o servidor. Repita quando ela voltar.",
    "Not connected to the server. Try again when the connection is back.",
);

/// A message written without a connection.
pub const QUEUED: Sentence = say(
    "⏳ Sem conexão: será enviado quando ela voltar.",
    "⏳ Not connected: it will be sent when the connection is back.",
);

/// Too many messages wait for a connection or an answer.
pub const QUEUE_FULL: Sentence = say(
    "Já há mensagens demais esperando resposta do servidor; esta não foi aceita.",
    "Too many messages are waiting for the server already; this one was not taken.",
);

/// More than one message may hold.
pub const TEXT_TOO_LONG: Sentence = say(
    "A mensagem passa de 65536 bytes e não foi enviada. Envie como arquivo (opção 4).",
    "The message is over 65536 bytes and was not sent. Send it as a file (option 4).",
);

/// Whoever answers is no papo server.
pub const NOT_PAPO: Sentence = say(
    "Quem responde neste endereço não é um servidor papo. Confira --server.",
    "What answers at this address is no papo server. Check --server.",
);

/// The server says nothing to a login.
pub const NO_ANSWER: Sentence = say(
    "O servidor não respondeu a tempo. Tente de novo, ou confira --server.",
    "The server did not answer in time. Try again, or check --server.",
);

/// A file arrived whose bytes cannot be read.
pub const FILE_BROKEN: Sentence = say(
    "O arquivo chegou ilegível e não foi salvo. Peça que o enviem de novo.",
    "The file arrived unreadable and was not saved. Ask for it again.",
);

/// A file arrived without its bytes, and without a way to get them.
pub const FILE_NOT_HERE: Sentence = say(
    "O arquivo não veio, e este servidor não diz como baixá-lo.",
    "The file did not come, and this server does not say how to download it.",
);

/// No user is online, not even this one.
pub const NO_USERS: Sentence = say("Ninguém está online.", "Nobody is online.");

/// The user is in no group.
pub const NO_GROUPS: Sentence = say(
    "📋 Você ainda não está em nenhum grupo. A opção 2 cria um.",
    "📋 You are in no group yet. Option 2 makes one.",
);

/// After the user's own name in a list.
pub const YOU: Sentence = say("(você)", "(you)");

/// The label of a private message, before who wrote it.
pub const PRIVATE: Sentence = say("💬 [PRIVADA]", "💬 [PRIVATE]");

/// The label of a group message.
pub fn in_group(lang: Lang, group: &str) -> String {
    match lang {
        Lang::Pt => format!("👥 [GRUPO: {group}]"),
        Lang::En => format!("👥 [GROUP: {group}]"),
    }
}

/// A file that arrived.
pub fn file_arrived(lang: Lang, group: Option<&str>, who: &str, when: &str, name: &str) -> String {
    match (lang, group) {
        (Lang::Pt, None) => format!("📎 [ARQUIVO PRIVADO] {who} ({when}) enviou: {name}"),
        (Lang::Pt, Some(group)) => {
            format!("📎 [ARQUIVO GRUPO: {group}] {who} ({when}) enviou: {name}")
        }
        (Lang::En, None) => format!("📎 [PRIVATE FILE] {who} ({when}) sent: {name}"),
        (Lang::En, Some(group)) => format!("📎 [GROUP FILE: {group}] {who} ({when}) sent: {name}"),
    }
}

/// Where a file that arrived is now.
pub fn saved_as(lang: Lang, path: &str) -> String {
    match lang {
        Lang::Pt => format!("   Salvo como: {path}"),
        Lang::En => format!("   Saved as: {path}"),
    }
}

/// A file that arrived could not be kept.
pub fn not_saved(lang: Lang, folder: &str, error: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "O arquivo não pôde ser salvo em {folder}: {error}. Escolha outra pasta com --downloads."
        ),
        Lang::En => format!(
            "The file could not be saved in {folder}: {error}. Choose another folder with --downloads."
        ),
    }
}

/// A file cannot be written while it is fetched.
pub fn not_kept(lang: Lang, name: &str, error: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "{name} não pôde ser salvo: {error}. Libere espaço, ou escolha outra pasta com --downloads."
        ),
        Lang::En => format!(
            "{name} could not be saved: {error}. Make room, or choose another folder with --downloads."
        ),
    }
}

/// A file leaves.
pub fn sending_file(lang: Lang, name: &str, bytes: u64) -> String {
    let size = size(lang, bytes);
    match lang {
        Lang::Pt => format!("📤 Enviando {name} ({size})..."),
        Lang::En => format!("📤 Sending {name} ({size})..."),
    }
}

/// A number of bytes, for people.
pub fn size(lang: Lang, bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_024 => return format!("{bytes} bytes"),
        1_024..1_048_576 => (1_024, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576, "MiB"),
        _ => (1_073_741_824, "GiB"),
    };
    let point = match lang {
        Lang::Pt => ',',
        Lang::En => '.',
    };
    // Tenths, cut and not rounded: one byte less than a MiB is 1023.9 KiB and not 1024.
    let tenths = u128::from(bytes) * 10 / unit;
    format!("{}{point}{} {name}", tenths / 10, tenths % 10)
}

/// Why a file cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// There is nothing at this path.
    NotFound,
    /// It is a directory, a device or a pipe.
    NotAFile,
    /// It is not what it was when it was announced.
    Changed,
    /// It cannot be read, because of this.
    Unreadable(String),
}

/// Why a file cannot be sent, and what to do.
pub fn file_trouble(lang: Lang, path: &str, trouble: &FileTrouble) -> String {
    match (lang, trouble) {
        (Lang::Pt, FileTrouble::NotFound) => format!(
            "Arquivo não encontrado: {path}. Confira o caminho, ou informe o caminho completo."
        ),
        (Lang::En, FileTrouble::NotFound) => {
            format!("File not found: {path}. Check the path, or give the whole of it.")
        }
        (Lang::Pt, FileTrouble::NotAFile) => format!(
            "{path} não é um arquivo comum. Informe um arquivo; uma pasta, compacte antes (zip)."
        ),
        (Lang::En, FileTrouble::NotAFile) => {
            format!("{path} is no regular file. Give a file; pack a folder first (zip).")
        }
        (Lang::Pt, FileTrouble::Changed) => format!(
            "{path} mudou enquanto era enviado, e o envio parou. Envie de novo quando nada mais escrever nele."
        ),
        (Lang::En, FileTrouble::Changed) => format!(
            "{path} changed while it was sent, and sending stopped. Send it again when nothing writes to it any more."
        ),
        (Lang::Pt, FileTrouble::Unreadable(error)) => {
            format!("{path} não pôde ser lido: {error}. Confira as permissões.")
        }
        (Lang::En, FileTrouble::Unreadable(error)) => {
            format!("{path} could not be read: {error}. Check its permissions.")
        }
    }
}

/// Nobody listens at the server's address.
pub fn refused(lang: Lang, server: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "Conexão recusada em {server}. Inicie o servidor com \"papo server\", ou confira --server"
        ),
        Lang::En => format!(
            "Connection refused at {server}. Start the server with \"papo server\", or check --server"
        ),
    }
}

/// The server cannot be reached, for another reason.
pub fn unreachable(lang: Lang, server: &str, error: &str) -> String {
    match lang {
        Lang::Pt => format!("Sem conexão com {server}: {error}. Confira --server e a rede"),
        Lang::En => format!("No connection to {server}: {error}. Check --server and the network"),
    }
}

/// The connection is gone, with the server's word for it if there is one.
pub fn lost(lang: Lang, reason: Option<&str>) -> String {
    match (lang, reason) {
        (Lang::Pt, None) => "⚠️ Conexão perdida. Tentando reconectar...".to_owned(),
        (Lang::Pt, Some(reason)) => {
            format!("⚠️ Conexão perdida ({reason}) Tentando reconectar...")
        }
        (Lang::En, None) => "⚠️ Connection lost. Trying to reconnect...".to_owned(),
        (Lang::En, Some(reason)) => {
            format!("⚠️ Connection lost ({reason}) Trying to reconnect...")
        }
    }
}

/// The connection is back, and so many messages and files that waited for it are sent.
pub fn back(lang: Lang, name: Option<&str>, waiting: usize) -> String {
    let told = match (lang, name) {
        (Lang::Pt, Some(name)) => format!("✅ Conexão restabelecida como {name}."),
        (Lang::Pt, None) => "✅ Conexão restabelecida.".to_owned(),
        (Lang::En, Some(name)) => format!("✅ Connected again as {name}."),
        (Lang::En, None) => "✅ Connected again.".to_owned(),
    };
    let sent = match (lang, waiting) {
        (_, 0) => String::new(),
        (Lang::Pt, 1) => " Enviando 1 que esperava.".to_owned(),
        (Lang::Pt, _) => format!(" Enviando {waiting} que esperavam."),
        (Lang::En, 1) => " Sending 1 that was waiting.".to_owned(),
        (Lang::En, _) => format!(" Sending {waiting} that were waiting."),
    };
    told + &sent
}

/// After a reconnect the server refuses the login, and the client goes on trying.
pub fn still_refused(lang: Lang, reason: &str) -> String {
    match lang {
        Lang::Pt => format!("Conectado, mas o login é recusado ({reason}); continuo tentando"),
        Lang::En => format!("Connected, but the login is refused ({reason}); still trying"),
    }
}

/// Requests that nobody will answer any more.
pub fn unanswered(lang: Lang, count: usize) -> String {
    match (lang, count) {
        (Lang::Pt, 1) => "1 pedido ficou sem resposta do servidor.".to_owned(),
        (Lang::Pt, _) => format!("{count} pedidos ficaram sem resposta do servidor."),
        (Lang::En, 1) => "1 request was left without an answer.".to_owned(),
        (Lang::En, _) => format!("{count} requests were left without an answer."),
    }
}

/// Above the list of who is online.
pub fn users_online(lang: Lang, count: usize) -> String {
    match lang {
        Lang::Pt => format!("📋 Usuários online ({count}):"),
        Lang::En => format!("📋 Users online ({count}):"),
    }
}

/// Above the list of the user's groups.
pub fn your_groups(lang: Lang, count: usize) -> String {
    match lang {
        Lang::Pt => format!("📋 Seus grupos ({count}):"),
        Lang::En => format!("📋 Your groups ({count}):"),
    }
}

/// Above the list of a group's members.
pub fn members_of(lang: Lang, group: &str, count: usize) -> String {
    match lang {
        Lang::Pt => format!("👥 Membros de {group} ({count}):"),
        Lang::En => format!("👥 Members of {group} ({count}):"),
    }
}

/// How many members a group has.
pub fn members(lang: Lang, count: u64) -> String {
    match (lang, count) {
        (Lang::Pt, 1) => "1 membro".to_owned(),
        (Lang::Pt, _) => format!("{count} membros"),
        (Lang::En, 1) => "1 member".to_owned(),
        (Lang::En, _) => format!("{count} members"),
    }
}

/// The role `admin` in a list.
pub const ADMIN: Sentence = say("admin", "admin");

/// The mark of a private group in a list.
pub const PRIVATE_GROUP: Sentence = say("privado", "private");

/// The mark of who is online.
pub const ONLINE: Sentence = say("online", "online");

/// The mark of who is not.
pub const AWAY: Sentence = say("fora", "away");

/// Somebody added this user to a group.
pub fn added_to_group(lang: Lang, group: &str, by: Option<&str>) -> String {
    match (lang, by) {
        (Lang::Pt, Some(by)) => format!("🎉 Você foi adicionado ao grupo {group} por {by}"),
        (Lang::Pt, None) => format!("🎉 Você foi adicionado ao grupo {group}"),
        (Lang::En, Some(by)) => format!("🎉 You were added to the group {group} by {by}"),
        (Lang::En, None) => format!("🎉 You were added to the group {group}"),
    }
}

/// Somebody came or went.
pub fn presence(lang: Lang, user: &str, online: bool) -> String {
    match (lang, online) {
        (Lang::Pt, true) => format!("🟢 {user} entrou"),
        (Lang::Pt, false) => format!("⚪ {user} saiu"),
        (Lang::En, true) => format!("🟢 {user} is online"),
        (Lang::En, false) => format!("⚪ {user} left"),
    }
}

/// Something happened to a group: `event` is its name on the wire.
pub fn group_event(
    lang: Lang,
    event: &str,
    group: &str,
    (user, by): (&str, &str),
    new_name: &str,
) -> String {
    let what = match lang {
        Lang::Pt => match event {
            "created" => format!("{by} criou o grupo"),
            "joined" => format!("{user} entrou no grupo"),
            "left" => format!("{user} saiu do grupo"),
            "added" => format!("{by} adicionou {user}"),
            "removed" => format!("{by} removeu {user}"),
            "promoted" => format!("{user} agora administra o grupo"),
            "demoted" => format!("{user} não administra mais o grupo"),
            "renamed" => format!("{by} mudou o nome do grupo para {new_name}"),
            "deleted" => format!("{by} apagou o grupo"),
            other => format!("{other}: {user}"),
        },
        Lang::En => match event {
            "created" => format!("{by} made the group"),
            "joined" => format!("{user} joined the group"),
            "left" => format!("{user} left the group"),
            "added" => format!("{by} added {user}"),
            "removed" => format!("{by} removed {user}"),
            "promoted" => format!("{user} is an admin of the group now"),
            "demoted" => format!("{user} is no longer an admin of the group"),
            "renamed" => format!("{by} renamed the group to {new_name}"),
            "deleted" => format!("{by} deleted the group"),
            other => format!("{other}: {user}"),
        },
    };
    format!("👥 [{group}] {what}")
}

/// A value that an option does not take.
pub fn bad_value(option: &str, value: &str, choices: &str) -> String {
    format!("{option} {value}: {choices}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        for (bytes, pt, en) in [
            (0, "0 bytes", "0 bytes"),
            (1_023, "1023 bytes", "1023 bytes"),
            (1_024, "1,0 KiB", "1.0 KiB"),
            (1_048_575, "1023,9 KiB", "1023.9 KiB"),
            (12 << 20, "12,0 MiB", "12.0 MiB"),
            (5 << 29, "2,5 GiB", "2.5 GiB"),
            (u64::MAX, "17179869183,9 GiB", "17179869183.9 GiB"),
        ] {
            assert_eq!(size(Lang::Pt, bytes), pt);
            assert_eq!(size(Lang::En, bytes), en);
        }
    }
}
