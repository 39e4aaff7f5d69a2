//! What `papo admin` says. Names in these sentences come from a store and were made harmless.

mod files;
mod helps;

use std::fmt::Display;
use std::path::Path;

use super::{Lang, Sentence, say};

pub use files::*;
pub use helps::{HELP, HELP_BACKUP, HELP_EXPORT, HELP_RESET, HELP_RESTORE, HELP_USERS};

/// `papo admin` alone.
pub const COMMAND_MISSING: Sentence = say("falta o comando", "the command is missing");

/// `papo admin backup` or `restore` without a file.
pub const FILE_MISSING: Sentence = say("falta o ARQUIVO", "FILE is missing");

/// `papo admin reset-password` without a user.
pub const USER_MISSING: Sentence = say("falta o NOME", "NAME is missing");

/// `papo admin export` without a conversation, or with two.
pub const WHICH_CONVERSATION: Sentence = say(
    "diga qual conversa: --user NOME --with NOME, ou --group GRUPO",
    "say which conversation: --user NAME --with NAME, or --group GROUP",
);

/// The header of the table of users; the name stands last, because it has any width.
pub const USERS_HEADER: [Sentence; 5] = [
    say("VISTO POR ÚLTIMO", "LAST SEEN"),
    say("ACESSO", "ACCESS"),
    say("GRUPOS", "GROUPS"),
    say("MENSAGENS", "MESSAGES"),
    say("NOME", "NAME"),
];

/// A server where nobody has ever been.
pub const NO_USERS: Sentence = say("Ainda não há ninguém.", "There is nobody yet.");

/// Beside a message that says something else than at first.
pub const EDITED: Sentence = say("editada", "edited");

/// Beside a message that says nothing any more.
pub const DELETED: Sentence = say("apagada", "deleted");

/// Beside a file.
pub const FILE: Sentence = say("arquivo", "file");

/// The system has no random numbers or no memory for a password.
pub const NO_PASSWORD: Sentence = say(
    "não foi possível criar uma senha: o sistema não tem memória ou números aleatórios. Nada mudou; tente de novo",
    "cannot make a password: the system has no memory or no random numbers. Nothing has changed; try again",
);

/// A command that does not exist.
pub fn unknown_command(lang: Lang, name: &str, commands: &str) -> String {
    match lang {
        Lang::Pt => {
            format!("comando desconhecido: admin {name}. Os comandos de admin são {commands}")
        }
        Lang::En => format!("unknown command: admin {name}. The commands of admin are {commands}"),
    }
}

/// A data folder without a store.
pub fn no_store(lang: Lang, data: &Path) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => format!(
            "não há dados do papo em {data}: falta o arquivo papo.db. Diga com --data qual é a pasta do servidor"
        ),
        Lang::En => format!(
            "there is no papo data in {data}: the file papo.db is missing. Say with --data which folder is the server's"
        ),
    }
}

/// A backup that is not there.
pub fn no_file(lang: Lang, file: &Path) -> String {
    let file = file.display();
    match lang {
        Lang::Pt => format!("{file} não existe. Confira o caminho da cópia"),
        Lang::En => format!("{file} does not exist. Check the path of the backup"),
    }
}

/// A server runs where none may.
pub fn stop_first(lang: Lang, data: &Path) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => format!(
            "um servidor papo está usando {data}, e isto só se faz com ele desligado. Pare-o primeiro (Ctrl+C) e tente de novo"
        ),
        Lang::En => format!(
            "a papo server is using {data}, and this is only done while it is stopped. Stop it first (Ctrl+C) and try again"
        ),
    }
}

/// Another program reads or writes a store that has to be moved.
pub fn busy(lang: Lang, store: &Path) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "outro programa está usando {store}, talvez um papo admin export. Espere que ele termine e tente de novo"
        ),
        Lang::En => format!(
            "another program is using {store}, maybe a papo admin export. Wait until it has ended and try again"
        ),
    }
}

/// A store of a later version.
pub fn too_new(lang: Lang, store: &Path, found: i64, known: i64) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "{store} foi escrito por um papo mais novo (versão {found}; este conhece até a {known}). Use o papo mais novo"
        ),
        Lang::En => format!(
            "{store} was written by a newer papo (version {found}; this one knows up to {known}). Use the newer papo"
        ),
    }
}

/// A store of an earlier version.
pub fn too_old(lang: Lang, store: &Path) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "{store} ainda é de um papo mais antigo. Inicie uma vez o papo server desta versão, que o atualiza, e tente de novo"
        ),
        Lang::En => format!(
            "{store} is still of an older papo. Start papo server of this version once, which brings it up to date, and try again"
        ),
    }
}

/// A file that is no store.
pub fn foreign(lang: Lang, store: &Path) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "{store} não é um arquivo de dados do papo. Use um papo.db ou uma cópia feita por papo admin backup"
        ),
        Lang::En => format!(
            "{store} is no data file of papo's. Use a papo.db or a copy made by papo admin backup"
        ),
    }
}

/// A store that is broken.
pub fn damaged(lang: Lang, store: &Path, why: &dyn Display) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "{store} está danificado ({why}). Use uma cópia que não esteja: papo admin restore ARQUIVO"
        ),
        Lang::En => {
            format!("{store} is damaged ({why}). Use a backup that is not: papo admin restore FILE")
        }
    }
}

/// A store that cannot be read or written.
pub fn unusable(lang: Lang, store: &Path, why: &dyn Display) -> String {
    let store = store.display();
    match lang {
        Lang::Pt => format!(
            "não foi possível usar {store}: {why}. Confira as permissões e o espaço em disco"
        ),
        Lang::En => {
            format!(
                "{store} cannot be used: {why}. Check the permissions and the space on the disk"
            )
        }
    }
}

/// A file that exists and is not overwritten.
pub fn file_exists(lang: Lang, file: &Path) -> String {
    let file = file.display();
    match lang {
        Lang::Pt => format!("{file} já existe e fica como está. Escolha outro nome"),
        Lang::En => format!("{file} exists and stays as it is. Choose another name"),
    }
}

/// A file that cannot be written.
pub fn cannot_write(lang: Lang, file: &Path, why: &dyn Display) -> String {
    let file = file.display();
    match lang {
        Lang::Pt => format!(
            "não foi possível escrever {file}: {why}. Confira a pasta, as permissões e o espaço em disco"
        ),
        Lang::En => format!(
            "{file} cannot be written: {why}. Check the folder, the permissions and the space on the disk"
        ),
    }
}

/// Standard output that takes nothing.
pub fn cannot_print(lang: Lang, why: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!("não foi possível escrever na saída padrão: {why}"),
        Lang::En => format!("standard output cannot be written: {why}"),
    }
}

/// A backup is there.
pub fn backed_up(lang: Lang, file: &Path, bytes: u64) -> String {
    let file = file.display();
    match lang {
        Lang::Pt => format!("Cópia feita e conferida: {file} ({bytes} bytes)"),
        Lang::En => format!("Backup made and checked: {file} ({bytes} bytes)"),
    }
}

/// What a backup does not have in it.
pub fn files_are_apart(lang: Lang, folder: &Path) -> String {
    let folder = folder.display();
    match lang {
        Lang::Pt => format!("Os arquivos recebidos não estão nela: copie também a pasta {folder}"),
        Lang::En => format!("Files that people sent are not in it: copy the folder {folder}, too"),
    }
}

/// A backup is in its place.
pub fn restored(lang: Lang, file: &Path, data: &Path) -> String {
    let (file, data) = (file.display(), data.display());
    match lang {
        Lang::Pt => format!("Os dados em {data} são agora os da cópia {file}"),
        Lang::En => format!("The data in {data} is now that of the backup {file}"),
    }
}

/// Where the data is that was there before.
pub fn moved_aside(lang: Lang, old: &Path) -> String {
    let old = old.display();
    match lang {
        Lang::Pt => format!("Os dados de antes estão guardados em {old}"),
        Lang::En => format!("The data that was there is kept as {old}"),
    }
}

/// A name that nobody has, with names that are like it.
pub fn unknown_user(lang: Lang, typed: &str, near: &[String]) -> String {
    let near = near.join(", ");
    match (lang, near.is_empty()) {
        (Lang::Pt, true) => {
            format!("usuário desconhecido: {typed}. Veja os nomes com papo admin users")
        }
        (Lang::Pt, false) => {
            format!("usuário desconhecido: {typed}. Parecidos: {near}. Todos: papo admin users")
        }
        (Lang::En, true) => format!("unknown user: {typed}. See the names with papo admin users"),
        (Lang::En, false) => {
            format!("unknown user: {typed}. Alike: {near}. All of them: papo admin users")
        }
    }
}

/// A group that does not exist, with names that are like it.
pub fn unknown_group(lang: Lang, typed: &str, near: &[String]) -> String {
    let near = near.join(", ");
    match (lang, near.is_empty()) {
        (Lang::Pt, true) => format!("grupo desconhecido: {typed}. Confira o nome"),
        (Lang::Pt, false) => format!("grupo desconhecido: {typed}. Parecidos: {near}"),
        (Lang::En, true) => format!("unknown group: {typed}. Check the name"),
        (Lang::En, false) => format!("unknown group: {typed}. Alike: {near}"),
    }
}

/// The group whose messages follow is gone.
pub fn group_is_deleted(lang: Lang, group: &str) -> String {
    match lang {
        Lang::Pt => format!("O grupo {group} foi apagado; estas são as mensagens que teve"),
        Lang::En => format!("The group {group} was deleted; these are the messages that it had"),
    }
}

/// How much was exported, and where to.
pub fn exported(lang: Lang, count: u64, file: Option<&Path>) -> String {
    let said = match (lang, count) {
        (Lang::Pt, 0) => "Nenhuma mensagem".to_owned(),
        (Lang::Pt, 1) => "1 mensagem".to_owned(),
        (Lang::Pt, _) => format!("{count} mensagens"),
        (Lang::En, 1) => "1 message".to_owned(),
        (Lang::En, 0) => "No messages".to_owned(),
        (Lang::En, _) => format!("{count} messages"),
    };
    match (lang, file) {
        (_, None) => said,
        (Lang::Pt, Some(file)) => format!("{said} em {}", file.display()),
        (Lang::En, Some(file)) => format!("{said} in {}", file.display()),
    }
}

/// Beside a message that answers another.
pub fn answers(lang: Lang, sender: &str, time: &str) -> String {
    match lang {
        Lang::Pt => format!("em resposta a {sender}, {time}"),
        Lang::En => format!("in reply to {sender}, {time}"),
    }
}

/// What stands in the place of a file's text.
pub fn file(name: &str, size: u64, place: &str) -> String {
    format!("{name}, {size} bytes, {place}")
}

/// How somebody gets in: the cell of a table.
pub fn access(lang: Lang, claimed: bool, password: bool, tokens: u64) -> String {
    let one_of = |pt: &str, en: &str| match lang {
        Lang::Pt => pt.to_owned(),
        Lang::En => en.to_owned(),
    };
    match (password, tokens) {
        (false, 0) if claimed => one_of("fechado", "closed"),
        (false, 0) => one_of("livre", "free"),
        (true, 0) => one_of("senha", "password"),
        (false, 1) => "1 token".to_owned(),
        (false, _) => format!("{tokens} tokens"),
        (true, _) => format!("{}, {tokens}", one_of("senha", "password")),
    }
}

/// Before a new password, which stands on a line of its own.
pub fn new_password(lang: Lang, user: &str) -> String {
    match lang {
        Lang::Pt => format!("Senha nova de {user}, mostrada só desta vez:"),
        Lang::En => format!("New password of {user}, shown this once:"),
    }
}

/// After a new password.
pub const TOKENS_REVOKED: Sentence = say(
    "A senha e os tokens de antes não valem mais.",
    "The password and tokens of before are good no more.",
);
