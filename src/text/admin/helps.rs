//! The helps of `papo admin` and its commands.

use crate::text::{Sentence, say};

/// `papo admin --help`
pub const HELP: Sentence = say(
    "\
papo admin: cópias, arquivos e contas, para quem cuida de um servidor papo

Uso: papo admin COMANDO [opções]

Comandos, cada um com --help:
  backup ARQUIVO        copia contas e mensagens, também com o servidor ligado
  restore ARQUIVO       põe uma cópia no lugar dos dados; o servidor desligado
  export                escreve uma conversa inteira, como texto ou JSON
  files                 mostra, confere e remove arquivos recebidos
  users                 mostra quem existe
  reset-password NOME   dá uma senha nova a um nome; o servidor desligado

Opções:
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Use a mesma conta do sistema que usa o servidor: os arquivos são dela.

Exemplos:
  papo admin users --data /var/lib/papo
  papo admin backup papo-hoje.db --data /var/lib/papo

Sai com 0 se deu certo, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin: backups, files and accounts, for whoever runs a papo server

Usage: papo admin COMMAND [options]

Commands, each with --help:
  backup FILE           copies accounts and messages, also while the server runs
  restore FILE          puts a backup in the place of the data; server stopped
  export                writes a whole conversation, as text or JSON
  files                 lists, checks and removes files that people sent
  users                 shows who exists
  reset-password NAME   gives a name a new password; server stopped

Options:
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Run it from the account that runs the server: the files are that one's.

Examples:
  papo admin users --data /var/lib/papo
  papo admin backup papo-today.db --data /var/lib/papo

Exits with 0 when it worked, 1 on an error, 2 on wrong usage.
",
);

/// `papo admin backup --help`
pub const HELP_BACKUP: Sentence = say(
    "\
papo admin backup: copia contas, grupos e mensagens para um arquivo

Uso: papo admin backup ARQUIVO [opções]

O servidor pode continuar ligado. A cópia é de um só momento, é conferida e só
então recebe o nome; um ARQUIVO que já existe fica como está. Os arquivos que as
pessoas enviaram ficam na pasta server_files dos dados e não entram na cópia:
copie a pasta também, depois da cópia. A cópia contém todas as conversas;
guarde-a bem.

Opções:
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin backup papo-2026-11-25.db --data /var/lib/papo
  cp -a /var/lib/papo/server_files arquivos-2026-11-25

Sai com 0 se a cópia está no disco, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin backup: copies accounts, groups and messages into a file

Usage: papo admin backup FILE [options]

The server may go on running. The copy is of one moment, is checked, and only
then gets its name; a FILE that exists stays as it is. The files that people
sent are in the data's folder server_files and not in the copy: copy that folder
too, after the backup. The copy has all conversations in it; keep it safe.

Options:
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin backup papo-2026-11-25.db --data /var/lib/papo
  cp -a /var/lib/papo/server_files files-2026-11-25

Exits with 0 when the copy is on the disk, 1 on an error, 2 on wrong usage.
",
);

/// `papo admin restore --help`
pub const HELP_RESTORE: Sentence = say(
    "\
papo admin restore: põe uma cópia no lugar dos dados

Uso: papo admin restore ARQUIVO [opções]

O servidor tem de estar desligado. A cópia é conferida antes; os dados que estão
na pasta não são apagados, ganham um nome com a data e a hora. Senhas e tokens
voltam a ser os do momento da cópia. A pasta server_files não muda: se a copiou,
ponha-a de volta também.

Opções:
  --data PASTA          a pasta dos dados do servidor (.); criada se não existe
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin restore papo-2026-11-25.db --data /var/lib/papo

Sai com 0 se os dados são os da cópia, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin restore: puts a backup in the place of the data

Usage: papo admin restore FILE [options]

The server must be stopped. The backup is checked first; the data that is in the
folder is not deleted but gets a name with the date and time. Passwords and
tokens are those of the backup's moment again. The folder server_files does not
change: if you copied it, put it back, too.

Options:
  --data DIR            the folder of the server's data (.); made if missing
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin restore papo-2026-11-25.db --data /var/lib/papo

Exits with 0 when the data is the backup's, 1 on an error, 2 on wrong usage.
",
);

/// `papo admin export --help`
pub const HELP_EXPORT: Sentence = say(
    "\
papo admin export: escreve uma conversa inteira, da mais antiga à mais nova

Uso: papo admin export --user NOME --with NOME [opções]
     papo admin export --group GRUPO [opções]

O servidor pode continuar ligado.

Opções:
  --user NOME           um lado de uma conversa privada
  --with NOME           o outro lado
  --group GRUPO         um grupo; de um que foi apagado, o último com este nome
  --format text|jsonl   texto para ler, ou uma linha de JSON por mensagem, com
                        os campos de papo listen --json (text)
  --output ARQUIVO      para um arquivo novo, em vez da saída padrão
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin export --user ana --with bia | less
  papo admin export --group \"Trabalho SD\" --format jsonl --output sd.jsonl

Sai com 0 se tudo foi escrito, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin export: writes a whole conversation, oldest message first

Usage: papo admin export --user NAME --with NAME [options]
       papo admin export --group GROUP [options]

The server may go on running.

Options:
  --user NAME           one side of a private conversation
  --with NAME           the other side
  --group GROUP         a group; of deleted ones the last that had this name
  --format text|jsonl   text to read, or one line of JSON per message, with the
                        fields of papo listen --json (text)
  --output FILE         into a new file instead of standard output
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin export --user ana --with bia | less
  papo admin export --group \"Trabalho SD\" --format jsonl --output sd.jsonl

Exits with 0 when all was written, 1 on an error, 2 on wrong usage.
",
);

/// `papo admin users --help`
pub const HELP_USERS: Sentence = say(
    "\
papo admin users: mostra quem existe no servidor

Uso: papo admin users [opções]

O servidor pode continuar ligado. Visto por último é a hora local; de quem está
conectado, a da última vez em que foi anotada. Acesso: livre, qualquer pessoa
pode entrar com o nome; senha; tokens, quantos; fechado, o nome tem dono, mas
não há senha nem token (veja papo admin reset-password).

Opções:
  --json                uma linha de JSON por pessoa; last_seen em milissegundos
                        desde 1970
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin users --data /var/lib/papo
  papo admin users --json | jq -r 'select(.claimed | not) | .name'

Sai com 0 se deu certo, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin users: shows who exists on the server

Usage: papo admin users [options]

The server may go on running. Last seen is local time; of somebody who is
connected, the last time that was noted down. Access: free, anybody may come in
under the name; password; tokens, how many; closed, the name is claimed and has
neither password nor token (see papo admin reset-password).

Options:
  --json                one line of JSON per user; last_seen in milliseconds
                        since 1970
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin users --data /var/lib/papo
  papo admin users --json | jq -r 'select(.claimed | not) | .name'

Exits with 0 when it worked, 1 on an error, 2 on wrong usage.
",
);

/// `papo admin reset-password --help`
pub const HELP_RESET: Sentence = say(
    "\
papo admin reset-password: dá uma senha nova a um nome

Uso: papo admin reset-password NOME [opções]

O servidor tem de estar desligado. A senha é inventada e mostrada uma vez só, na
saída padrão. Nenhum token vale mais: quem estava conectado com este nome entra
com a senha nova. Depois pode trocá-la por uma sua.

Opções:
  --data PASTA          a pasta dos dados do servidor (.)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Exemplos:
  papo admin reset-password ana --data /var/lib/papo

Sai com 0 se a senha é a nova, 1 em erro, 2 em uso incorreto.
",
    "\
papo admin reset-password: gives a name a new password

Usage: papo admin reset-password NAME [options]

The server must be stopped. The password is made up and shown only once, on
standard output. No token is good any more: whoever was connected under this
name comes in with the new password, and may then choose another.

Options:
  --data DIR            the folder of the server's data (.)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Examples:
  papo admin reset-password ana --data /var/lib/papo

Exits with 0 when the password is the new one, 1 on an error, 2 on wrong usage.
",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_help_shows_usage_options_and_an_example() {
        for help in [
            HELP,
            HELP_BACKUP,
            HELP_RESTORE,
            HELP_EXPORT,
            HELP_USERS,
            HELP_RESET,
            super::super::HELP_FILES,
        ] {
            for part in ["Uso:", "Opções:", "Exemplos:", "PAPO_LANG", "--data", "Sai com 0"] {
                assert!(help.pt.contains(part), "{part}: {}", help.pt);
            }
            for part in ["Usage:", "Options:", "Examples:", "PAPO_LANG", "--data", "Exits with 0"] {
                assert!(help.en.contains(part), "{part}: {}", help.en);
            }
            let widest = help.pt.lines().chain(help.en.lines());
            assert!(widest.map(|line| line.chars().count()).max() <= Some(80));
        }
    }
}
