//! What the server says: in answers, and in its own window.

pub mod limits;
pub mod tls;

use std::borrow::Cow;
use std::fmt::Display;
use std::path::Path;

use super::{Lang, Sentence, say};
use crate::wire::Code;

/// `message_response` of a private message.
const MESSAGE_SENT: Sentence = say("Mensagem enviada com sucesso", "Message sent");

/// `file_response` of a private file.
const FILE_SENT: Sentence = say("Arquivo enviado com sucesso", "File sent");

/// `account_response` to `logout`.
pub const GOODBYE: Sentence = say("Até logo!", "Goodbye!");

/// `account_response` to `set_password`.
pub const PASSWORD_SET: Sentence = say("Senha definida", "Password set");

/// `file_response` to `file_cancel`.
pub const UPLOAD_CANCELLED: Sentence = say("Envio cancelado", "Upload cancelled");

/// `message_response` to a change of a message.
pub const MESSAGE_CHANGED: Sentence = say("Mensagem alterada", "Message changed");

/// Answers that only carry what was asked for.
pub const DONE: Sentence = say("OK", "OK");

/// To every client of a server that stops.
pub const SHUTTING_DOWN: Sentence = say(
    "O servidor está sendo encerrado. Conecte-se de novo daqui a pouco.",
    "The server is stopping. Connect again in a while.",
);

/// What `papo server` prints first. The lines are the first server's own.
pub const BANNER: &[Sentence] = &[
    say("=== SERVIDOR DE CHAT DISTRIBUÍDO ===", "=== DISTRIBUTED CHAT SERVER ==="),
    say("Trabalho de Sistemas Distribuídos", "Distributed systems coursework"),
    say("Pressione Ctrl+C para parar o servidor", "Press Ctrl+C to stop the server"),
];

/// What happens in the server, one line each.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "each is one line of `log_line`")]
pub enum Happened<'a> {
    Started(&'a dyn Display),
    PagesAt(&'a str),
    Waiting,
    TlsReady(&'a dyn Display),
    Doubt(&'a str),
    Connected(&'a dyn Display),
    Crowded(&'a dyn Display),
    LoggedIn(&'a str),
    LoggedOut(&'a str),
    Slow(&'a dyn Display),
    TlsRefused(&'a dyn Display, &'a str),
    Full(usize),
    AcceptFailed(&'a dyn Display),
    WorkerGone,
    FileNotKept(&'a Path, &'a dyn Display),
    Stopping,
}

/// A line for the server's own window. Names in it were parsed, so nothing in them can forge a line.
pub fn log_line(lang: Lang, happened: Happened<'_>) -> String {
    let said = match lang {
        Lang::Pt => match happened {
            Happened::Started(address) => format!("Iniciado em {address}"),
            Happened::PagesAt(pages) => format!("Página: {pages}"),
            Happened::Waiting => "Aguardando conexões...".to_owned(),
            Happened::TlsReady(fingerprint) => {
                format!("TLS na mesma porta; SHA-256 do certificado: {fingerprint}")
            }
            Happened::Doubt(said) => said.to_owned(),
            Happened::Connected(peer) => format!("Nova conexão de {peer}"),
            Happened::Crowded(peer) => {
                format!("Conexão de {peer} recusada: demais desse endereço")
            }
            Happened::LoggedIn(name) => format!("Usuário {name} conectado"),
            Happened::LoggedOut(name) => format!("Usuário {name} desconectado"),
            Happened::Slow(peer) => format!("Conexão {peer} encerrada: não lê o que recebe"),
            Happened::TlsRefused(peer, why) => format!("Conexão {peer} encerrada: TLS: {why}"),
            Happened::Full(most) => format!("Cheio: {most} conexões; novas são recusadas"),
            Happened::AcceptFailed(error) => {
                format!("Não foi possível aceitar uma conexão: {error}. Veja ulimit -n")
            }
            Happened::WorkerGone => {
                "Falha interna: a gravação de arquivos parou. Reinicie o servidor".to_owned()
            }
            Happened::FileNotKept(folder, error) => {
                format!("Não foi possível guardar um arquivo em {}: {error}", folder.display())
            }
            Happened::Stopping => "Encerrando servidor...".to_owned(),
        },
        Lang::En => match happened {
            Happened::Started(address) => format!("Started on {address}"),
            Happened::PagesAt(pages) => format!("Page: {pages}"),
            Happened::Waiting => "Waiting for connections...".to_owned(),
            Happened::TlsReady(fingerprint) => {
                format!("TLS on the same port; SHA-256 of the certificate: {fingerprint}")
            }
            Happened::Doubt(said) => said.to_owned(),
            Happened::Connected(peer) => format!("New connection from {peer}"),
            Happened::Crowded(peer) => {
                format!("Connection from {peer} refused: too many from that address")
            }
            Happened::LoggedIn(name) => format!("User {name} connected"),
            Happened::LoggedOut(name) => format!("User {name} disconnected"),
            Happened::Slow(peer) => format!("Connection {peer} closed: it does not read"),
            Happened::TlsRefused(peer, why) => format!("Connection {peer} closed: TLS: {why}"),
            Happened::Full(most) => format!("Full: {most} connections; new ones are refused"),
            Happened::AcceptFailed(error) => {
                format!("Cannot accept a connection: {error}. See ulimit -n")
            }
            Happened::WorkerGone => {
                "Internal failure: files are no longer kept. Restart the server".to_owned()
            }
            Happened::FileNotKept(folder, error) => {
                format!("Cannot keep a file in {}: {error}", folder.display())
            }
            Happened::Stopping => "Stopping the server...".to_owned(),
        },
    };
    let tag = say("SERVIDOR", "SERVER").get(lang);
    format!("[{tag}] {said}")
}

/// After lines that nobody took.
pub fn lines_dropped(lang: Lang, count: u64) -> String {
    match lang {
        Lang::Pt => format!("[SERVIDOR] {count} linhas omitidas: ninguém as lia\n"),
        Lang::En => format!("[SERVER] {count} lines left out: nobody read them\n"),
    }
}

/// Another server has the data.
pub fn data_in_use(lang: Lang, data: &Path) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => format!(
            "os dados em {data} já estão em uso: outro servidor papo está rodando com eles. \
             Encerre-o, ou escolha outra pasta com --data PASTA"
        ),
        Lang::En => format!(
            "the data in {data} is in use: another papo server runs on it. Stop it, or choose \
             another folder with --data DIR"
        ),
    }
}

/// A newer server has written the data.
pub fn data_too_new(lang: Lang, data: &Path, found: i64, known: i64) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => format!(
            "os dados em {data} são de uma versão mais nova do papo (formato {found}; esta versão \
             conhece até o {known}). Atualize o papo"
        ),
        Lang::En => format!(
            "the data in {data} is from a newer papo (format {found}; this version knows up to \
             {known}). Update papo"
        ),
    }
}

/// The store has failed in a way that nothing after it could be trusted.
pub fn store_failed(lang: Lang, data: &Path, failure: &str) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => format!(
            "não é mais possível gravar em {data}: {failure}. O servidor parou para não prometer o \
             que não pode guardar. Verifique o disco e inicie-o de novo; o que foi confirmado está lá"
        ),
        Lang::En => format!(
            "{data} can no longer be written: {failure}. The server stopped rather than promise \
             what it cannot keep. Check the disk and start it again; what was confirmed is there"
        ),
    }
}

/// The port is taken.
pub fn port_in_use(lang: Lang, listen: &str) -> String {
    let port = listen.rsplit(':').next().unwrap_or(listen);
    match lang {
        Lang::Pt => format!(
            "a porta {port} já está em uso ({listen}): outro servidor está rodando? Encerre-o ou \
             escolha outra porta com --listen localhost:PORTA"
        ),
        Lang::En => format!(
            "port {port} is in use ({listen}): is another server running? Stop it, or choose \
             another port with --listen localhost:PORT"
        ),
    }
}

/// What was given is no address.
pub fn unusable_listen(lang: Lang, listen: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "--listen {listen}: informe HOST:PORTA, por exemplo --listen localhost:12345 ou \
             --listen 0.0.0.0:12345"
        ),
        Lang::En => format!(
            "--listen {listen}: give HOST:PORT, for example --listen localhost:12345 or \
             --listen 0.0.0.0:12345"
        ),
    }
}

/// The address cannot be listened on.
pub fn cannot_listen(lang: Lang, listen: &str, error: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!(
            "não é possível escutar em {listen}: {error}. Use --listen HOST:PORTA, por exemplo \
             --listen 0.0.0.0:12345"
        ),
        Lang::En => format!(
            "cannot listen on {listen}: {error}. Use --listen HOST:PORT, for example \
             --listen 0.0.0.0:12345"
        ),
    }
}

/// The data folder cannot be used.
pub fn cannot_use_data(lang: Lang, data: &Path, error: &dyn Display) -> String {
    let data = data.display();
    match lang {
        Lang::Pt => {
            format!("não é possível usar a pasta {data}: {error}. Escolha outra com --data")
        }
        Lang::En => format!("cannot use the folder {data}: {error}. Choose another with --data"),
    }
}

/// `papo server --help`.
pub const HELP: Sentence = say(
    "\
papo server: o servidor de chat.

Uso: papo server [OPÇÕES]

Opções:
  --listen HOST:PORTA  onde escutar (localhost:12345; a porta 0 escolhe uma livre)
  --data PASTA         onde fica tudo: contas e mensagens em papo.db, arquivos em server_files (.)
  --durability NÍVEL   o que \"enviada\" promete: sync, está no disco; os, sobrevive ao fim do
                       processo; memory, nada fica (sync)
  --max-file TAMANHO   o maior arquivo (100MiB)
  --user-quota TAMANHO o que os arquivos de uma pessoa podem ocupar (1GiB)
  --min-free-disk TAMANHO
                       o que os arquivos deixam livre no disco (256MiB)
  --tls auto           TLS na mesma porta, com um certificado que o servidor faz e guarda na pasta
                       de dados (tls-cert.pem, tls-key.pem; papo admin backup não os copia)
  --tls-cert ARQUIVO --tls-key ARQUIVO
                       TLS com um certificado seu e a chave dele, em PEM
  --allow-origin ORIGEM
                       página de outro lugar que pode entrar, como https://chat.exemplo.org;
                       pode ser repetida
  --metrics-public     /metrics para todos, não só para esta máquina
  --log NÍVEL          off, error, warn, info, debug (info); a porta é dita em info
  --lang pt|en         idioma (pt, ou o de PAPO_LANG)
  -h, --help           esta ajuda

Limites, com o que vale sem a opção:
  --max-message 64KiB  um texto; mais não pode ser
  --max-frame 16MiB    um pedido; antes do login, --max-login-frame 4KiB
  --max-depth 16       listas e objetos JSON, uns dentro dos outros
  --message-rate 10    mensagens por segundo de uma sessão; de uma vez, --message-burst 30
  --byte-rate 1MiB     bytes de pedidos por segundo, sem arquivos; de uma vez, --byte-burst 8MiB
  --connections-per-address 64
                       conexões de um endereço; novas em 10 minutos, --new-connections 128
  --max-unauthenticated 1024
                       conexões sem login; acima disso sai a mais antiga
  --login-time 10s     do primeiro byte ao login; sem nenhum byte, --silent-time 5min
  --frame-time 30s     do primeiro byte de um pedido ao último
  --login-tries 5      senhas erradas numa conexão, que então é encerrada; para um nome em um
                       minuto, --account-tries 3, e de um endereço em 10 minutos,
                       --address-tries 30: outras esperam antes de serem conferidas
  --registrations 30   nomes novos de um endereço em 10 minutos
  --hash-queue 64      senhas à espera de serem conferidas
  --ping 15s           de um ping ao outro; sem resposta até --max-unanswered-pings 2
  --max-inputs 256MiB  pedidos pela metade, de todas as conexões juntas
  --outbox-soft 256KiB o que espera para sair por uma conexão: com mais, ela não é lida; com mais
                       que --outbox-hard 1MiB, é encerrada; todas juntas, --max-outboxes 256MiB
  --write-time 10s     até que saia algum byte do que espera
  --groups-per-user 100  --group-members 1024  --sessions-per-user 8
  --limit-loopback     o que se conta por tempo ou endereço vale também para esta máquina

Saída: 0 encerrado com Ctrl+C ou SIGTERM; 1 erro, como porta em uso; 2 uso.

Exemplos:
  papo server --listen 0.0.0.0:12345 --data /var/lib/papo
  papo server --listen 0.0.0.0:12345 --connections-per-address 500 --new-connections 2000
",
    "\
papo server: the chat server.

Usage: papo server [OPTIONS]

Options:
  --listen HOST:PORT  where to listen (localhost:12345; port 0 takes a free one)
  --data DIR          where everything is: accounts and messages in papo.db, files in server_files (.)
  --durability LEVEL  what \"sent\" promises: sync, it is on the disk; os, it survives the end of
                      the process; memory, nothing is kept (sync)
  --max-file SIZE     the largest file (100MiB)
  --user-quota SIZE   what one user's files may take (1GiB)
  --min-free-disk SIZE
                      what files leave free on the disk (256MiB)
  --tls auto          TLS on the same port, with a certificate that the server makes and keeps in
                      the data folder (tls-cert.pem, tls-key.pem; papo admin backup leaves them out)
  --tls-cert FILE --tls-key FILE
                      TLS with a certificate of your own and its key, in PEM
  --allow-origin ORIGIN
                      page from elsewhere that may come in, like https://chat.example.org; may
                      be given several times
  --metrics-public    /metrics for everybody, not for this machine alone
  --log LEVEL         off, error, warn, info, debug (info); info tells the port
  --lang pt|en        language (pt, or that of PAPO_LANG)
  -h, --help          this help

Limits, with what holds without the option:
  --max-message 64KiB a text; it cannot be more
  --max-frame 16MiB   a request; before the login, --max-login-frame 4KiB
  --max-depth 16      JSON lists and objects within one another
  --message-rate 10   messages a second of one session; at once, --message-burst 30
  --byte-rate 1MiB    bytes of requests a second, without files; at once, --byte-burst 8MiB
  --connections-per-address 64
                      connections from one address; new ones in 10 minutes, --new-connections 128
  --max-unauthenticated 1024
                      connections without a login; above that the oldest goes
  --login-time 10s    from the first byte to the login; without any byte, --silent-time 5min
  --frame-time 30s    from the first byte of a request to its last
  --login-tries 5     wrong passwords on one connection, which is then closed; for one name in a
                      minute, --account-tries 3, and from one address in 10 minutes,
                      --address-tries 30: others wait before they are looked at
  --registrations 30  new names from one address in 10 minutes
  --hash-queue 64     passwords waiting to be looked at
  --ping 15s          from one ping to the next; unanswered, up to --max-unanswered-pings 2
  --max-inputs 256MiB requests half-read, of all connections together
  --outbox-soft 256KiB
                      what waits to leave by one connection: with more it is not read, with more
                      than --outbox-hard 1MiB it is closed; all together, --max-outboxes 256MiB
  --write-time 10s    until some byte leaves of what waits
  --groups-per-user 100  --group-members 1024  --sessions-per-user 8
  --limit-loopback    what is counted by time or address holds for this machine, too

Exit: 0 stopped by Ctrl+C or SIGTERM; 1 error, like a port in use; 2 usage.

Examples:
  papo server --listen 0.0.0.0:12345 --data /var/lib/papo
  papo server --listen 0.0.0.0:12345 --connections-per-address 500 --new-connections 2000
",
);

/// `login_response`.
pub fn welcome(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Pt => format!("Bem-vindo, {name}!"),
        Lang::En => format!("Welcome, {name}!"),
    }
}

/// `message_response`; of a group, with how many members it went to.
pub fn message_sent(lang: Lang, members: Option<usize>) -> Cow<'static, str> {
    let Some(members) = members else { return MESSAGE_SENT.get(lang).into() };
    let to = to_members(lang, members);
    match lang {
        Lang::Pt => format!("Mensagem enviada {to}").into(),
        Lang::En => format!("Message sent {to}").into(),
    }
}

/// `file_response`; of a group, with how many members it went to.
pub fn file_sent(lang: Lang, members: Option<usize>) -> Cow<'static, str> {
    match members {
        None => FILE_SENT.get(lang).into(),
        Some(members) => format!("{} {}", FILE_SENT.get(lang), to_members(lang, members)).into(),
    }
}

fn to_members(lang: Lang, members: usize) -> String {
    match (lang, members) {
        (Lang::Pt, 1) => "para 1 membro do grupo".to_owned(),
        (Lang::Pt, _) => format!("para {members} membros do grupo"),
        (Lang::En, 1) => "to 1 member of the group".to_owned(),
        (Lang::En, _) => format!("to {members} members of the group"),
    }
}

/// What was done to a group, for `group_response` and `member_response`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it, and the sentences below")]
pub enum GroupDone<'a> {
    Created,
    Joined,
    Left,
    Deleted,
    Renamed(&'a str),
    Added(&'a str),
    Removed(&'a str),
    Promoted(&'a str),
    Demoted(&'a str),
}

/// `group_response` and `member_response`.
pub fn group_done(lang: Lang, group: &str, done: GroupDone<'_>) -> String {
    match lang {
        Lang::Pt => match done {
            GroupDone::Created => format!("Grupo \"{group}\" criado com sucesso"),
            GroupDone::Joined => format!("Você entrou no grupo \"{group}\""),
            GroupDone::Left => format!("Você saiu do grupo \"{group}\""),
            GroupDone::Deleted => format!("Grupo \"{group}\" apagado"),
            GroupDone::Renamed(name) => format!("Grupo \"{group}\" agora se chama \"{name}\""),
            GroupDone::Added(who) => format!("{who} agora faz parte do grupo \"{group}\""),
            GroupDone::Removed(who) => format!("{who} não faz mais parte do grupo \"{group}\""),
            GroupDone::Promoted(who) => format!("{who} agora administra o grupo \"{group}\""),
            GroupDone::Demoted(who) => format!("{who} não administra mais o grupo \"{group}\""),
        },
        Lang::En => match done {
            GroupDone::Created => format!("Group \"{group}\" created"),
            GroupDone::Joined => format!("You joined the group \"{group}\""),
            GroupDone::Left => format!("You left the group \"{group}\""),
            GroupDone::Deleted => format!("Group \"{group}\" deleted"),
            GroupDone::Renamed(name) => format!("Group \"{group}\" is now called \"{name}\""),
            GroupDone::Added(who) => format!("{who} added to the group \"{group}\""),
            GroupDone::Removed(who) => format!("{who} removed from the group \"{group}\""),
            GroupDone::Promoted(who) => format!("{who} is now an admin of the group \"{group}\""),
            GroupDone::Demoted(who) => {
                format!("{who} is no longer an admin of the group \"{group}\"")
            }
        },
    }
}

/// Why a request was refused, with the field that is to blame, if one is.
pub fn refusal(lang: Lang, code: Code, field: Option<&str>) -> String {
    let sentence = reason(code).get(lang);
    // About somebody who was named, not about who asks.
    let about_another = matches!(field, Some("member" | "new_member"));
    match field {
        Some(_) if about_another && code == Code::UnknownUser => {
            say("Usuário não encontrado", "User not found").get(lang).to_owned()
        }
        Some(_) if about_another && code == Code::NotMember => {
            say("Esse usuário não é membro do grupo", "That user is not a member of the group")
                .get(lang)
                .to_owned()
        }
        Some(field) => format!("{sentence}: {field}"),
        None => sentence.to_owned(),
    }
}

/// One sentence for each code.
pub const fn reason(code: Code) -> Sentence {
    match code {
        Code::IdConflict => say(
            "Este id já foi usado para outra mensagem",
            "This id was used for another message already",
        ),
        Code::SlowConsumer => say(
            "A conexão não acompanha o que recebe; conecte-se de novo",
            "The connection does not keep up with what it receives; connect again",
        ),
        Code::InvalidJson => say("Formato de mensagem inválido", "Invalid message format"),
        Code::InvalidFrame => say(
            "Formato de mensagem inválido: o servidor espera JSON, um objeto por linha",
            "Invalid message format: the server expects JSON, one object per line",
        ),
        Code::FrameTooLarge => say(
            "Mensagem grande demais para uma conexão neste estado",
            "The frame is too large for a connection in this state",
        ),
        Code::UnknownType => say("Tipo de mensagem desconhecido", "Unknown message type"),
        Code::MissingField => say("Campo obrigatório ausente", "A required field is missing"),
        Code::InvalidField => say("Campo com valor inválido", "A field has an invalid value"),
        Code::NotLoggedIn => say("Faça login primeiro", "Log in first"),
        Code::AlreadyLoggedIn => say("Esta conexão já fez login", "This connection is logged in"),
        Code::InvalidName => say(
            "Nome inválido: use de 1 a 32 letras, números, emojis, espaços e . _ -",
            "Invalid name: use 1 to 32 letters, digits, emoji, spaces and . _ -",
        ),
        Code::NameConfusable => say(
            "Nome parecido demais com um que já existe; escolha outro",
            "The name looks too much like one that exists; choose another",
        ),
        Code::NameInUse => say("Nome de usuário já em uso", "User name already in use"),
        Code::AuthRequired => say(
            "Este nome tem dono: entre com a senha ou o token",
            "This name is claimed: log in with its password or token",
        ),
        Code::WrongPassword => say("Senha ou token incorreto", "Wrong password or token"),
        Code::TooManyAttempts => {
            say("Tentativas demais; espere um pouco", "Too many attempts; wait a while")
        }
        Code::TooManySessions => {
            say("Sessões demais deste usuário", "Too many sessions of this user")
        }
        Code::SenderMismatch => say(
            "O remetente não é o usuário desta conexão",
            "The sender is not the user of this connection",
        ),
        Code::UnknownUser => say("Usuário destinatário não encontrado", "Recipient not found"),
        Code::UnknownGroup => say("Grupo não encontrado", "Group not found"),
        Code::GroupExists => say("Grupo já existe", "The group exists already"),
        Code::NotMember => {
            say("Só os membros do grupo podem fazer isso", "Only members of the group may do this")
        }
        Code::AlreadyMember => say("Já é membro do grupo", "Already a member of the group"),
        Code::NotAdmin => say(
            "Só quem administra o grupo pode fazer isso",
            "Only an admin of the group may do this",
        ),
        Code::UnknownMessage => say("Mensagem não encontrada", "Message not found"),
        Code::TooOld => say(
            "A mensagem é antiga demais para ser alterada",
            "The message is too old to be changed",
        ),
        Code::UnknownFile => say("Arquivo não encontrado", "File not found"),
        Code::InvalidChunk => say("Pedaço de arquivo inválido", "Invalid piece of a file"),
        Code::HashMismatch => say(
            "O arquivo chegou diferente do anunciado; envie de novo",
            "The file differs from the one announced; send it again",
        ),
        Code::TooLarge => say("Acima do limite permitido", "More than the limit allows"),
        Code::QuotaExceeded => say(
            "A caixa de mensagens de quem está fora está cheia; tente mais tarde",
            "The mailbox of somebody who is away is full; try again later",
        ),
        Code::RateLimited => say("Rápido demais; espere um pouco", "Too fast; wait a while"),
        Code::StorageUnavailable => {
            say("O servidor não consegue guardar isso agora", "The server cannot store this now")
        }
        Code::ServerFull => say("O servidor está cheio", "The server is full"),
        Code::ShuttingDown => SHUTTING_DOWN,
        Code::Internal => say("Erro interno do servidor", "Internal server error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_that_old_users_know_stay() {
        for (code, sentence) in [
            (Code::NameInUse, "Nome de usuário já em uso"),
            (Code::UnknownUser, "Usuário destinatário não encontrado"),
            (Code::UnknownGroup, "Grupo não encontrado"),
            (Code::GroupExists, "Grupo já existe"),
            (Code::InvalidJson, "Formato de mensagem inválido"),
        ] {
            assert_eq!(refusal(Lang::Pt, code, None), sentence);
        }
        assert_eq!(message_sent(Lang::Pt, None), "Mensagem enviada com sucesso");
        assert_eq!(file_sent(Lang::Pt, None), "Arquivo enviado com sucesso");
        assert_eq!(welcome(Lang::Pt, "Ana"), "Bem-vindo, Ana!");
        assert_eq!(
            group_done(Lang::Pt, "SD", GroupDone::Created),
            "Grupo \"SD\" criado com sucesso"
        );
        assert_eq!(message_sent(Lang::Pt, Some(3)), "Mensagem enviada para 3 membros do grupo");
    }

    #[test]
    fn every_code_has_its_sentence_in_both_languages() {
        for code in Code::ALL {
            assert!(!reason(*code).pt.is_empty() && !reason(*code).en.is_empty());
        }
    }
}
