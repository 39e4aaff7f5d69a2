//! What `papo admin files` says.

use std::fmt::Display;
use std::path::Path;

use crate::text::client::size;
use crate::text::{Lang, Sentence, say};

/// `papo admin files` alone.
pub const FILES_COMMAND_MISSING: Sentence =
    say("falta o comando: list, verify ou prune", "the command is missing: list, verify or prune");

/// `papo admin files list` with more than one of its filters.
pub const WHICH_LIST: Sentence = say(
    "diga só um de --user, --group e --orphans",
    "say only one of --user, --group and --orphans",
);

/// `papo admin files prune` without what to prune, or with two.
pub const WHICH_PRUNE: Sentence = say(
    "diga o que remover: --older-than 90d, --larger-than 100MiB ou --orphans",
    "say what to remove: --older-than 90d, --larger-than 100MiB or --orphans",
);

/// After a prune.
pub const QUOTA_LATER: Sentence = say(
    "O espaço volta à cota de quem enviou na próxima vez em que o servidor iniciar.",
    "The space is given back to its senders' quota when the server starts next.",
);

/// A command that does not exist.
pub fn unknown_files_command(lang: Lang, name: &str, commands: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "comando desconhecido: admin files {name}. Os comandos de admin files são {commands}"
        ),
        Lang::En => format!(
            "unknown command: admin files {name}. The commands of admin files are {commands}"
        ),
    }
}

/// A folder that is a link or something else.
pub fn not_a_folder(lang: Lang, folder: &Path) -> String {
    let folder = folder.display();
    match lang {
        Lang::Pt => format!(
            "{folder} não é uma pasta, e links não são seguidos. Ponha ali uma pasta (mount --bind, se os arquivos estão em outro disco)"
        ),
        Lang::En => format!(
            "{folder} is no folder, and links are not followed. Put a folder there (mount --bind, if the files are on another disk)"
        ),
    }
}

/// A folder that cannot be read.
pub fn cannot_read(lang: Lang, folder: &Path, why: &dyn Display) -> String {
    let folder = folder.display();
    match lang {
        Lang::Pt => format!("não foi possível ler {folder}: {why}. Confira as permissões"),
        Lang::En => format!("{folder} cannot be read: {why}. Check the permissions"),
    }
}

/// A file that cannot be removed. Those before it are.
pub fn cannot_prune(lang: Lang, folder: &Path, why: &dyn Display) -> String {
    let folder = folder.display();
    match lang {
        Lang::Pt => format!(
            "não foi possível remover mais nada em {folder}: {why}. Confira as permissões e tente de novo"
        ),
        Lang::En => format!(
            "nothing more can be removed in {folder}: {why}. Check the permissions and try again"
        ),
    }
}

/// From whom a file came and where it went.
pub fn way(lang: Lang, sender: &str, to: &str, is_group: bool) -> String {
    match (lang, is_group) {
        (_, false) => format!("{sender} → {to}"),
        (Lang::Pt, true) => format!("{sender} → grupo {to}"),
        (Lang::En, true) => format!("{sender} → group {to}"),
    }
}

/// What else there is to say of a file.
pub fn marks(lang: Lang, deleted: bool, pruned: bool) -> String {
    let marks = [
        (deleted, say("mensagem apagada", "message deleted")),
        (pruned, say("bytes removidos", "bytes removed")),
    ];
    let marks = marks.iter().filter(|(is, _)| *is).map(|(_, said)| said.get(lang));
    let marks = marks.collect::<Vec<_>>().join(", ");
    if marks.is_empty() { marks } else { format!("({marks})") }
}

/// A file as one line. The names come last: how wide a terminal shows them is the terminal's secret.
pub fn file_line(
    lang: Lang,
    time: &str,
    bytes: u64,
    saved_as: &str,
    way: &str,
    marks: &str,
) -> String {
    let mut line = format!("{time}  {:>10}  {saved_as}", size(lang, bytes));
    for more in [way, marks] {
        if !more.is_empty() {
            line.push_str("  ");
            line.push_str(more);
        }
    }
    line
}

/// Some files and their bytes.
fn files(lang: Lang, (count, bytes): (u64, u64)) -> String {
    let size = size(lang, bytes);
    match (lang, count) {
        (Lang::Pt, 1) => format!("1 arquivo, {size}"),
        (Lang::Pt, _) => format!("{count} arquivos, {size}"),
        (Lang::En, 1) => format!("1 file, {size}"),
        (Lang::En, _) => format!("{count} files, {size}"),
    }
}

/// At the end of a list.
pub fn files_sum(lang: Lang, kept: (u64, u64), pruned: (u64, u64)) -> String {
    let mut said = match lang {
        Lang::Pt => format!("Guardados: {}", files(lang, kept)),
        Lang::En => format!("Kept: {}", files(lang, kept)),
    };
    if pruned.0 > 0 {
        said.push_str(match lang {
            Lang::Pt => "; bytes removidos de ",
            Lang::En => "; bytes removed of ",
        });
        said.push_str(&files(lang, pruned));
    }
    said
}

/// Uploads that have not ended: as announced, and as they lie on the disk.
pub fn uploads_sum(lang: Lang, announced: (u64, u64), parts: (u64, u64)) -> String {
    let (whole, here) = (size(lang, announced.1), size(lang, parts.1));
    match lang {
        Lang::Pt => format!(
            "Envios por terminar: {}, {whole} anunciados; no disco: {} .part, {here}",
            announced.0, parts.0
        ),
        Lang::En => format!(
            "Unfinished uploads: {}, {whole} announced; on the disk: {} .part, {here}",
            announced.0, parts.0
        ),
    }
}

/// Files that no message names.
pub fn orphans_sum(lang: Lang, orphans: (u64, u64)) -> String {
    match lang {
        Lang::Pt => format!("Órfãos, sem mensagem: {}", files(lang, orphans)),
        Lang::En => format!("Orphans, without a message: {}", files(lang, orphans)),
    }
}

/// How a file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it came.
    Right,
    /// As long as it was; its hash is not known.
    NoHash,
    /// It is not there.
    Missing,
    /// So many bytes long.
    OtherSize(u64),
    /// Of other bytes.
    OtherHash,
    /// A link, a folder, or outside the folder.
    NotAFile,
    /// It cannot be read.
    Unreadable(String),
}

impl Verdict {
    /// Something is wrong.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::Right | Self::NoHash)
    }
}

/// How a file was found, and which.
pub fn verdict(lang: Lang, verdict: &Verdict, line: &str) -> String {
    let one_of = |pt: &str, en: &str| match lang {
        Lang::Pt => pt.to_owned(),
        Lang::En => en.to_owned(),
    };
    let said = match verdict {
        Verdict::Right => one_of("certo", "right"),
        Verdict::NoHash => one_of("sem hash", "no hash"),
        Verdict::Missing => one_of("faltando", "missing"),
        Verdict::OtherSize(bytes) => {
            format!("{} ({})", one_of("outro tamanho", "another size"), size(lang, *bytes))
        }
        Verdict::OtherHash => one_of("outro hash", "another hash"),
        Verdict::NotAFile => one_of("não é um arquivo", "not a file"),
        Verdict::Unreadable(why) => format!("{} ({why})", one_of("ilegível", "unreadable")),
    };
    format!("{said}: {line}")
}

/// At the end of a check.
pub fn verified(lang: Lang, checked: (u64, u64), wrong: u64, unhashed: u64) -> String {
    let checked = files(lang, checked);
    match lang {
        Lang::Pt => format!("Conferidos: {checked}; errados: {wrong}; sem hash: {unhashed}"),
        Lang::En => format!("Checked: {checked}; wrong: {wrong}; no hash: {unhashed}"),
    }
}

/// What was removed, or would be.
pub fn pruned(lang: Lang, yes: bool, sum: (u64, u64)) -> String {
    let sum = files(lang, sum);
    match (lang, yes) {
        (Lang::Pt, true) => format!("Removidos: {sum}"),
        (Lang::Pt, false) => format!("Seriam removidos: {sum}. Nada mudou; remova com --yes"),
        (Lang::En, true) => format!("Removed: {sum}"),
        (Lang::En, false) => format!("Would be removed: {sum}. Nothing changed; remove with --yes"),
    }
}

/// Files that a prune found missing, or that are none.
pub fn left_alone(lang: Lang, count: u64) -> String {
    match lang {
        Lang::Pt => format!("Não são arquivos ou não estão na pasta: {count}. Veja quais: verify"),
        Lang::En => format!("No files, or not in the folder: {count}. To see which: verify"),
    }
}

/// Files that may get their message yet.
pub fn left_young(lang: Lang, count: u64) -> String {
    match lang {
        Lang::Pt => format!("Com menos de uma hora, ficam: {count}"),
        Lang::En => format!("Younger than an hour, they stay: {count}"),
    }
}

/// `papo admin files --help`
pub const HELP_FILES: Sentence = say(
    "\
papo admin files: mostra, confere e remove os arquivos que as pessoas enviaram

Uso: papo admin files list [--user NOME | --group GRUPO | --orphans] [--json]
     papo admin files verify
     papo admin files prune (--older-than 90d | --larger-than 100MiB |
                             --orphans) [--yes]

O servidor pode continuar ligado. Links não são seguidos.

list mostra os arquivos, do mais novo ao mais antigo: data, tamanho, nome na
pasta server_files, de quem e para quem; e quanto é tudo, com os envios por
terminar e os órfãos, que nenhuma mensagem tem.
verify lê todos e compara tamanho e SHA-256 com os do envio. Os de um papo muito
antigo não têm hash: só o tamanho é comparado.
prune sem --yes só diz o que removeria. As mensagens ficam; os bytes vão e não
voltam. Quem pedir o arquivo depois, ou o estiver recebendo, ouve que ele não
existe mais (unknown_file); um cliente antigo recebe null. No lugar fica um
arquivo vazio, para que o nome não seja dado a outro: não o apague. O espaço
volta à cota de quem enviou quando o servidor iniciar de novo. Órfãos são
removidos se têm mais de uma hora (no Windows, só com o servidor desligado).

Opções:
  --user NOME           só o que este nome enviou
  --group GRUPO         só o que foi enviado a este grupo
  --orphans             só os órfãos
  --json                uma linha de JSON por arquivo
  --older-than TEMPO    enviados há mais tempo: 90d, 12h, 30min
  --larger-than TAMANHO maiores: 500KiB, 100MiB, 2GiB
  --yes                 remove de fato
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin files list --user ana --data /var/lib/papo
  papo admin files prune --older-than 90d --data /var/lib/papo

Sai com 0 se deu certo, 1 em erro ou se verify achou algo errado, 2 em uso
incorreto.
",
    "\
papo admin files: lists, checks and removes the files that people sent

Usage: papo admin files list [--user NAME | --group GROUP | --orphans] [--json]
       papo admin files verify
       papo admin files prune (--older-than 90d | --larger-than 100MiB |
                              --orphans) [--yes]

The server may go on running. Links are not followed.

list shows the files, newest first: date, size, name in the folder server_files,
from whom and to whom; and how much it all is, with the uploads that have not
ended and the orphans, which no message has.
verify reads all of them and compares size and SHA-256 with those they came
with. Those of a very old papo have no hash: only the size is compared.
prune without --yes only says what it would remove. Messages stay; the bytes go
and do not come back. Whoever asks for the file afterwards, or is receiving it,
hears that it is gone (unknown_file); an old client gets null. In its place an
empty file is left, so that no other gets the name: do not delete it. The space
is given back to the sender's quota when the server starts next. Orphans are
removed if older than an hour (on Windows only while the server is stopped).

Options:
  --user NAME           only what this name sent
  --group GROUP         only what was sent to this group
  --orphans             only orphans
  --json                one line of JSON per file
  --older-than TIME     sent longer ago: 90d, 12h, 30min
  --larger-than SIZE    larger: 500KiB, 100MiB, 2GiB
  --yes                 does remove
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin files list --user ana --data /var/lib/papo
  papo admin files prune --older-than 90d --data /var/lib/papo

Exits with 0 when it worked, 1 on an error or when verify found something wrong,
2 on wrong usage.
",
);
