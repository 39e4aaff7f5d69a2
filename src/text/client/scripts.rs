//! The help of `papo`, `papo send` and `papo listen`, and what these two say to wrong usage.

use crate::text::{Sentence, say};

/// `--user` is missing where nobody can be asked.
pub const USER_NEEDED: Sentence =
    say("falta --user NOME: quem está falando", "--user NAME is missing: who is speaking");

/// `papo send` without recipient.
pub const RECIPIENT_NEEDED: Sentence = say(
    "falta o destinatário: papo send --user ana bia \"oi\", ou --group GRUPO",
    "the recipient is missing: papo send --user ana bia \"hi\", or --group GROUP",
);

/// `papo send` without text.
pub const TEXT_NEEDED: Sentence = say(
    "falta o texto: entre aspas, ou - para ler da entrada padrão, ou --file ARQUIVO",
    "the text is missing: in quotes, or - to read standard input, or --file FILE",
);

/// `papo send` with text in several words, or with too many arguments.
pub const TOO_MANY_ARGUMENTS: Sentence = say(
    "argumentos demais: ponha o texto entre aspas",
    "too many arguments: put the text in quotes",
);

/// `papo send` with an empty text.
pub const TEXT_EMPTY: Sentence = say("o texto está vazio", "the text is empty");

/// `papo send` with more text than a message holds.
pub const TEXT_OVER_LIMIT: Sentence = say(
    "o texto passa de 65536 bytes; envie como arquivo com --file",
    "the text is over 65536 bytes; send it as a file with --file",
);

/// `papo send -` with bytes that are no text.
pub const TEXT_NOT_UTF8: Sentence = say(
    "a entrada padrão não é texto UTF-8; envie como arquivo com --file",
    "standard input is no UTF-8 text; send it as a file with --file",
);

/// `papo`, `papo client`.
pub const HELP_CLIENT: Sentence = say(
    "\
papo: cliente de terminal do chat

Uso: papo [client] [opções]
     papo help [COMANDO]

Opções:
  --server HOST:PORTA   onde está o servidor (localhost:12345)
  --tls                 cifra a conexão; o certificado do servidor é guardado na
                        primeira vez, e uma troca é recusada
  --fingerprint SHA256  o certificado que o servidor deve mostrar; fica guardado
  --user NOME           entra com este nome, sem perguntar
  --downloads PASTA     onde salvar os arquivos recebidos (client_downloads)
  --auto-download N     baixa sozinho até este tamanho (20MiB; 0: nunca);
                        os maiores, pela opção 24 do menu
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  --color QUANDO        auto, always ou never (auto; respeita NO_COLOR)
  -V, --version         a versão
  -h, --help            esta ajuda

Da primeira vez, o nome passa a ser seu: a chave de acesso fica neste
computador, em ~/.local/share/papo (macOS: ~/Library/Application Support/papo;
Windows: %APPDATA%\\papo), e só você pode lê-la. De outro computador se entra com
a senha, que a opção 16 do menu define.

Variáveis:
  PAPO_PASSWORD         a senha, dada quando o servidor a pede
  PAPO_HOME             outra pasta para as chaves de acesso

Outros comandos, cada um com --help:
  papo server           o servidor
  papo send             envia uma mensagem ou um arquivo, e termina
  papo listen           mostra o que chega, uma linha por evento
  papo demo             o \"Teste Avançado\" do primeiro manual, de verdade
  papo load             põe carga em um servidor e mede o que ele aguenta
  papo admin            cópias, exportação e contas, para quem cuida do servidor

Exemplos:
  papo --user ana
  papo --server chat.exemplo.com:12345 --downloads ~/recebidos
  printf '1\\nbia\\noi\\n8\\n' | papo --user ana

Sai com 0 ao encerrar, 1 em erro, 2 em uso incorreto, 3 sem conexão, 4 se o
login for recusado.
",
    "\
papo: terminal client of the chat

Usage: papo [client] [options]
       papo help [COMMAND]

Options:
  --server HOST:PORT    where the server is (localhost:12345)
  --tls                 encrypt; the server's certificate is kept the first
                        time, and another one is refused
  --fingerprint SHA256  the certificate that the server has to show; it is kept
  --user NAME           come in under this name, without being asked
  --downloads DIR       where files that arrive are saved (client_downloads)
  --auto-download N     download up to this size unasked (20MiB; 0: never);
                        larger ones by option 24 of the menu
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  --color WHEN          auto, always or never (auto; NO_COLOR is honoured)
  -V, --version         the version
  -h, --help            this help

The first time, the name becomes yours: its key is kept on this computer, in
~/.local/share/papo (macOS: ~/Library/Application Support/papo; Windows:
%APPDATA%\\papo), and only you may read it. From another computer one comes in
with the password, which option 16 of the menu sets.

Variables:
  PAPO_PASSWORD         the password, given when the server wants it
  PAPO_HOME             another folder for the keys

Other commands, each with --help:
  papo server           the server
  papo send             sends one message or file, and ends
  papo listen           shows what arrives, one line per event
  papo demo             the first manual's \"Teste Avançado\", for real
  papo load             puts load on a server and measures what it can take
  papo admin            backups, exports and accounts, for who runs the server

Examples:
  papo --lang en --user ana
  papo --server chat.example.com:12345 --downloads ~/received
  printf '1\\nbia\\nhi\\n8\\n' | papo --user ana

Exits with 0 when it is closed, 1 on an error, 2 on wrong usage, 3 without a
connection, 4 if the login is refused.
",
);

/// `papo send`.
pub const HELP_SEND: Sentence = say(
    "\
papo send: envia uma mensagem ou um arquivo, e termina

Uso: papo send --user NOME [opções] DESTINATÁRIO TEXTO
     papo send --user NOME [opções] --group GRUPO TEXTO
     papo send --user NOME [opções] --file ARQUIVO DESTINATÁRIO

TEXTO é um argumento só (use aspas); - lê a entrada padrão inteira.

Opções:
  --server HOST:PORTA   onde está o servidor (localhost:12345)
  --tls                 cifra a conexão; o certificado do servidor é guardado na
                        primeira vez, e uma troca é recusada
  --fingerprint SHA256  o certificado que o servidor deve mostrar; fica guardado
  --user NOME           quem envia (obrigatório)
  --group GRUPO         envia para um grupo em vez de uma pessoa
  --file ARQUIVO        envia este arquivo em vez de um texto
  --json                mostra a resposta do servidor em JSON
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Um arquivo interrompido continua de onde parou quando é enviado de novo; uma
conexão perdida é refeita.

A saída padrão traz o número da mensagem. O que espera por este usuário continua
esperando: quem o mostra é papo, ou papo listen.

Um nome que tem dono precisa da chave que papo --user NOME guardou neste
computador, ou da senha na variável PAPO_PASSWORD.

Exemplos:
  papo send --user ana bia \"oi, bia\"
  uptime | papo send --user robo --group Trabalho -
  papo send --user ana --file foto.jpg bia

Sai com 0 se foi enviado, 1 se o servidor recusou, 2 em uso incorreto, 3 sem
conexão, 4 se o login for recusado.
",
    "\
papo send: sends one message or file, and ends

Usage: papo send --user NAME [options] RECIPIENT TEXT
       papo send --user NAME [options] --group GROUP TEXT
       papo send --user NAME [options] --file FILE RECIPIENT

TEXT is one argument (use quotes); - reads the whole of standard input.

Options:
  --server HOST:PORT    where the server is (localhost:12345)
  --tls                 encrypt; the server's certificate is kept the first
                        time, and another one is refused
  --fingerprint SHA256  the certificate that the server has to show; it is kept
  --user NAME           who sends (required)
  --group GROUP         send to a group instead of a person
  --file FILE           send this file instead of a text
  --json                print the server's answer as JSON
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

A file that was interrupted goes on where it stopped when it is sent again; a
lost connection is made again.

Standard output gets the message's number. What waits for this user goes on
waiting: papo shows it, or papo listen.

A name that is taken needs the key that papo --user NAME kept on this computer,
or the password in the variable PAPO_PASSWORD.

Examples:
  papo send --user ana bia \"hi, bia\"
  uptime | papo send --user robot --group Work -
  papo send --user ana --file photo.jpg bia

Exits with 0 if it was sent, 1 if the server refused, 2 on wrong usage, 3
without a connection, 4 if the login is refused.
",
);

/// `papo listen`.
pub const HELP_LISTEN: Sentence = say(
    "\
papo listen: mostra o que chega para um usuário, uma linha por evento

Uso: papo listen --user NOME [opções]

Opções:
  --server HOST:PORTA   onde está o servidor (localhost:12345)
  --tls                 cifra a conexão; o certificado do servidor é guardado na
                        primeira vez, e uma troca é recusada
  --fingerprint SHA256  o certificado que o servidor deve mostrar; fica guardado
  --user NOME           quem escuta (obrigatório)
  --json                um objeto JSON por linha, como veio do servidor
  --count N             termina depois de N mensagens ou arquivos
  --seconds S           termina depois de S segundos
  --downloads PASTA     onde salvar os arquivos recebidos (client_downloads)
  --auto-download N     baixa arquivos até este tamanho (20MiB; 0: nenhum)
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Só os eventos vão para a saída padrão, e o que foi mostrado conta como entregue.
Uma conexão perdida é refeita.

Um nome que tem dono precisa da chave que papo --user NOME guardou neste
computador, ou da senha na variável PAPO_PASSWORD.

Exemplos:
  papo listen --user robo
  papo listen --user robo --json | jq -r 'select(.content) | .content'
  papo listen --user robo --count 1 --seconds 60
  papo listen --user robo --json --auto-download 2GiB

Sai com 0 ao terminar, 1 em erro, 2 em uso incorreto, 3 sem conexão, 4 se o
login for recusado.
",
    "\
papo listen: shows what arrives for a user, one line per event

Usage: papo listen --user NAME [options]

Options:
  --server HOST:PORT    where the server is (localhost:12345)
  --tls                 encrypt; the server's certificate is kept the first
                        time, and another one is refused
  --fingerprint SHA256  the certificate that the server has to show; it is kept
  --user NAME           who listens (required)
  --json                one JSON object per line, as the server sent it
  --count N             end after N messages or files
  --seconds S           end after S seconds
  --downloads DIR       where files that arrive are saved (client_downloads)
  --auto-download N     download files up to this size (20MiB; 0: none)
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Standard output gets the events alone, and what was shown counts as delivered. A
lost connection is made again.

A name that is taken needs the key that papo --user NAME kept on this computer,
or the password in the variable PAPO_PASSWORD.

Examples:
  papo listen --user robot
  papo listen --user robot --json | jq -r 'select(.content) | .content'
  papo listen --user robot --count 1 --seconds 60
  papo listen --user robot --json --auto-download 2GiB

Exits with 0 at the end, 1 on an error, 2 on wrong usage, 3 without a
connection, 4 if the login is refused.
",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{demo, load};

    #[test]
    fn every_help_shows_usage_options_and_an_example() {
        for help in [HELP_CLIENT, HELP_SEND, HELP_LISTEN, load::HELP, demo::HELP] {
            for part in ["Uso:", "Opções:", "Exemplos:", "PAPO_LANG", "--help", "Sai com 0"] {
                assert!(help.pt.contains(part), "{part}: {}", help.pt);
            }
            for part in ["Usage:", "Options:", "Examples:", "PAPO_LANG", "--help", "Exits with 0"] {
                assert!(help.en.contains(part), "{part}: {}", help.en);
            }
            let widest = help.pt.lines().chain(help.en.lines());
            assert!(widest.map(|line| line.chars().count()).max() <= Some(80));
        }
    }
}
