//! What `papo load` says: its help, its table, and how it fails.

use std::fmt::Display;

use super::{Lang, Sentence, say};

/// `papo load --help`
pub const HELP: Sentence = say(
    "\
papo load: põe carga em um servidor papo e mede o que ele aguenta

Uso: papo load [opções]

Conecta clientes, faz com que conversem, confere que cada mensagem chegou uma
vez só, em ordem e intacta, e mostra uma tabela. Ao lado mede um relé cru, que
só passa bytes adiante: a coluna \"x cru\" diz quantas vezes o servidor custa o
que custa mover os bytes. Termina sozinho.

Opções:
  --server HOST:PORTA   onde está o servidor (localhost:12345)
  --clients N           quantos clientes (50)
  --in-flight N         mensagens a caminho em cada conversa (64)
  --group-size N        membros do grupo (todos os clientes, no máximo 1024)
  --rate N              mensagens por segundo no cenário de ritmo fixo (2000)
  --seconds N           duração de cada cenário (3)
  --messages N          em vez disso, quantas mensagens em cada cenário (no
                        máximo 60 s)
  --size BYTES          tamanho de cada texto (100)
  --only LISTA          só estes cenários: pairs,latency,group,paced
  --pid PID             o processo do servidor, para medir CPU e memória (Linux;
                        se o servidor está nesta máquina, costuma ser encontrado
                        sem isto)
  --ws                  clientes por WebSocket; o relé cru fica como é
  --no-baseline         sem o relé cru
  --json                um objeto JSON em vez da tabela
  --lang pt|en          idioma (pt; também a variável PAPO_LANG)
  -h, --help            esta ajuda

Cenários: a entrada de todos; pairs: conversas privadas, os dois lados falam;
latency: o mesmo com uma mensagem a caminho; group: um fala, todos os outros
recebem; paced: conversas privadas em ritmo fixo, com o atraso contado desde a
hora em que a mensagem devia sair.

Exemplos:
  papo server &
  papo load --clients 50 --seconds 3
  papo load --clients 500 --only group --json

Sai com 0 se tudo chegou, 1 se algo se perdeu, repetiu ou falhou, 2 em uso
incorreto, 3 sem conexão, 4 se um login for recusado.
",
    "\
papo load: puts load on a papo server and measures what it can take

Usage: papo load [options]

Connects clients, makes them talk, checks that each message arrived exactly
once, in order and intact, and shows a table. Beside it, it measures a raw
relay, which only passes bytes on: the column \"x raw\" says how many times the
mere moving of bytes the server costs. Ends by itself.

Options:
  --server HOST:PORT    where the server is (localhost:12345)
  --clients N           how many clients (50)
  --in-flight N         messages on their way in each conversation (64)
  --group-size N        members of the group (all clients, at most 1024)
  --rate N              messages per second in the paced scenario (2000)
  --seconds N           how long each scenario lasts (3)
  --messages N          instead, how many messages in each scenario (at most
                        60 s)
  --size BYTES          size of each text (100)
  --only LIST           these scenarios alone: pairs,latency,group,paced
  --pid PID             the server's process, to measure CPU and memory (Linux;
                        when the server is on this machine it is usually found
                        without)
  --ws                  clients over WebSocket; the raw relay stays as it is
  --no-baseline         without the raw relay
  --json                one JSON object instead of the table
  --lang pt|en          language (pt; also the variable PAPO_LANG)
  -h, --help            this help

Scenarios: everybody's login; pairs: private conversations, both sides talk;
latency: the same with one message on its way; group: one talks, all others
receive; paced: private conversations at a fixed rate, with latency counted from
when the message was to be sent.

Examples:
  papo server &
  papo load --clients 50 --seconds 3
  papo load --clients 500 --only group --json

Exits with 0 if all arrived, 1 if something was lost, doubled or failed, 2 on
wrong usage, 3 without a connection, 4 if a login is refused.
",
);

/// Heads of the table's columns.
pub const COLUMNS: [Sentence; 9] = [
    say("cenário", "scenario"),
    say("entregas/s", "deliveries/s"),
    say("x cru", "x raw"),
    say("p50 µs", "p50 µs"),
    say("p99 µs", "p99 µs"),
    say("p99,9 µs", "p99.9 µs"),
    say("máx µs", "max µs"),
    say("CPU µs/entrega", "CPU µs/delivery"),
    say("x cru", "x raw"),
];

/// The last column's head.
pub const MEMORY_COLUMN: Sentence = say("memória MiB", "memory MiB");

/// The raw relay's lines in the table.
pub const RAW: Sentence = say("  relé cru", "  raw relay");

/// The row of the logins.
pub fn logins(lang: Lang, clients: usize) -> String {
    match lang {
        Lang::Pt => format!("entrada de {clients} clientes"),
        Lang::En => format!("login of {clients} clients"),
    }
}

/// The rows of the pairs.
pub fn pairs(lang: Lang, in_flight: usize) -> String {
    match lang {
        Lang::Pt => format!("pares, {in_flight} a caminho"),
        Lang::En => format!("pairs, {in_flight} in flight"),
    }
}

/// The row of the group.
pub fn group(lang: Lang, members: usize, in_flight: usize) -> String {
    match lang {
        Lang::Pt => format!("grupo de {members}, {in_flight} a caminho"),
        Lang::En => format!("group of {members}, {in_flight} in flight"),
    }
}

/// The row of the fixed rate.
pub fn paced(lang: Lang, rate: u32) -> String {
    let rate = number(lang, u64::from(rate));
    match lang {
        Lang::Pt => format!("pares, {rate} por segundo"),
        Lang::En => format!("pairs, {rate} per second"),
    }
}

/// The line above the table.
pub fn title(
    lang: Lang,
    software: &str,
    server: &str,
    clients: usize,
    text_bytes: usize,
) -> String {
    match lang {
        Lang::Pt => {
            format!("{software} em {server}: {clients} clientes, textos de {text_bytes} bytes")
        }
        Lang::En => {
            format!("{software} at {server}: {clients} clients, texts of {text_bytes} bytes")
        }
    }
}

/// Below the table, when all is well.
pub fn all_arrived(lang: Lang, deliveries: u64) -> String {
    let deliveries = number(lang, deliveries);
    match lang {
        Lang::Pt => format!(
            "Tudo chegou: {deliveries} entregas; nenhuma perdida, repetida, fora de ordem ou alterada."
        ),
        Lang::En => format!(
            "All arrived: {deliveries} deliveries; none lost, doubled, out of order or altered."
        ),
    }
}

/// What went wrong, by kind; only kinds with a count above zero are told.
pub const WRONGS: [Sentence; 8] = [
    say("recusadas", "refused"),
    say("perdidas", "lost"),
    say("sem resposta", "unanswered"),
    say("repetidas", "doubled"),
    say("fora de ordem", "out of order"),
    say("alteradas", "altered"),
    say("entregues a quem não deviam", "delivered to the wrong client"),
    say("conexões perdidas", "connections lost"),
];

/// The failure of a scenario.
pub fn not_all_arrived(lang: Lang, scenario: &str, wrongs: &str, refusal: Option<&str>) -> String {
    let (what, said, next) = match lang {
        Lang::Pt => (
            "nem tudo chegou como devia em",
            "O servidor disse",
            "Veja a saída do servidor e repita só este cenário com --only",
        ),
        Lang::En => (
            "not everything arrived as it should in",
            "The server said",
            "See the server's output, and repeat this scenario alone with --only",
        ),
    };
    let said = refusal.map_or_else(String::new, |refusal| format!(" {said}: {refusal:?}."));
    format!("{what} \"{scenario}\": {wrongs}.{said} {next}")
}

/// Notes below the table: why a column is empty, what to know about the figures.
pub const NOTE_NO_PROCESS: Sentence = say(
    "CPU e memória: não medidas, porque o processo do servidor não foi encontrado nesta máquina (--pid; só no Linux).",
    "CPU and memory: not measured, because the server's process was not found on this machine (--pid; Linux only).",
);

/// The server is elsewhere.
pub const NOTE_REMOTE: Sentence = say(
    "Sem relé cru: o servidor está em outra máquina, e o relé mediria esta.",
    "No raw relay: the server is on another machine, and the relay would measure this one.",
);

/// The relay did not start.
pub fn note_no_relay(lang: Lang, error: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!("Sem relé cru: não foi possível iniciá-lo ({error})."),
        Lang::En => format!("No raw relay: it could not be started ({error})."),
    }
}

/// The relay lost something in one scenario.
pub const NOTE_RELAY_FAILED: Sentence = say(
    "Relé cru: falhou em um cenário, que fica sem comparação.",
    "Raw relay: failed in one scenario, which is left without comparison.",
);

/// Where the processes ran.
pub fn note_process(lang: Lang, pid: u32, pinned: bool) -> String {
    match (lang, pinned) {
        (Lang::Pt, true) => {
            format!("CPU do processo {pid}; o relé cru roda nos mesmos núcleos que ele (taskset).")
        }
        (Lang::Pt, false) => format!(
            "CPU do processo {pid}; processos não fixados a núcleos, números menos estáveis (taskset; veja scripts/load-50)."
        ),
        (Lang::En, true) => {
            format!("CPU of process {pid}; the raw relay runs on the same cores as it (taskset).")
        }
        (Lang::En, false) => format!(
            "CPU of process {pid}; processes not pinned to cores, figures less stable (taskset; see scripts/load-50)."
        ),
    }
}

/// With `--ws`.
pub const NOTE_WEBSOCKET: Sentence = say(
    "os clientes do servidor falam por WebSocket; os do relé, não",
    "the server's clients speak over WebSocket; the relay's do not",
);

/// A note on what the ratio compares.
pub const NOTE_RAW: Sentence = say(
    "x cru: comparado ao relé, que não entende, não confere e não responde a quem envia.",
    "x raw: compared to the relay, which understands nothing, checks nothing and answers nobody.",
);

/// Exit 3.
pub fn no_server(lang: Lang, server: &str, error: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!(
            "não há servidor em {server} ({error}). Inicie um com: papo server, ou indique outro com --server HOST:PORTA"
        ),
        Lang::En => format!(
            "there is no server at {server} ({error}). Start one with: papo server, or name another with --server HOST:PORT"
        ),
    }
}

/// Exit 3: the connection ended during the logins.
pub fn hung_up(lang: Lang, server: &str, error: Option<&dyn Display>) -> String {
    let why = error.map_or_else(String::new, |error| format!(" ({error})"));
    match lang {
        Lang::Pt => format!(
            "o servidor em {server} fechou uma conexão durante a entrada dos clientes{why}. Veja a saída dele, ou tente com menos --clients"
        ),
        Lang::En => format!(
            "the server at {server} closed a connection while the clients logged in{why}. See its output, or try with fewer --clients"
        ),
    }
}

/// Exit 3: nobody answers.
pub fn silent(lang: Lang, server: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "quem escuta em {server} não responde há 10 s. Confira se é um servidor papo, e se não está parado"
        ),
        Lang::En => format!(
            "who listens at {server} has not answered for 10 s. Check that it is a papo server, and that it is not stopped"
        ),
    }
}

/// Exit 3: somebody else answers.
pub fn strange(lang: Lang, server: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "quem responde em {server} não é um servidor papo. Confira o endereço em --server"
        ),
        Lang::En => {
            format!("what answers at {server} is no papo server. Check the address in --server")
        }
    }
}

/// Exit 4.
pub fn login_refused(lang: Lang, name: &str, why: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "o servidor recusou a entrada de {name}: {why:?}. Se ele está cheio, tente com menos --clients"
        ),
        Lang::En => format!(
            "the server refused the login of {name}: {why:?}. If it is full, try with fewer --clients"
        ),
    }
}

/// Exit 1: the group could not be made.
pub fn group_refused(lang: Lang, group: &str, why: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "o servidor recusou o grupo {group}: {why:?}. Tente com --group-size menor, ou sem o grupo: --only pairs,latency,paced"
        ),
        Lang::En => format!(
            "the server refused the group {group}: {why:?}. Try with a smaller --group-size, or without it: --only pairs,latency,paced"
        ),
    }
}

/// Exit 1: too few descriptors.
pub fn too_few_descriptors(lang: Lang, needed: u64, allowed: u64) -> String {
    match lang {
        Lang::Pt => format!(
            "o sistema permite {allowed} arquivos abertos a este processo, e são necessários {needed}. Aumente com: ulimit -n {needed}, ou use menos --clients"
        ),
        Lang::En => format!(
            "the system allows this process {allowed} open files, and {needed} are needed. Raise it with: ulimit -n {needed}, or use fewer --clients"
        ),
    }
}

/// Exit 1: the operating system failed us.
pub fn system(lang: Lang, error: &dyn Display) -> String {
    match lang {
        Lang::Pt => format!("o sistema operacional falhou: {error}"),
        Lang::En => format!("the operating system failed: {error}"),
    }
}

/// Exit 2: a number out of range.
pub fn out_of_range(lang: Lang, option: &str, least: u64, most: u64) -> String {
    match lang {
        Lang::Pt => format!("{option}: use um número de {least} a {most}"),
        Lang::En => format!("{option}: use a number from {least} to {most}"),
    }
}

/// Exit 2: a scenario that does not exist.
pub fn unknown_scenario(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Pt => format!("--only {name:?}: os cenários são pairs, latency, group, paced"),
        Lang::En => format!("--only {name:?}: the scenarios are pairs, latency, group, paced"),
    }
}

/// While it runs: what was delivered so far.
pub fn delivered(lang: Lang, count: u64) -> String {
    let count = number(lang, count);
    match lang {
        Lang::Pt => format!("{count} entregas"),
        Lang::En => format!("{count} deliveries"),
    }
}

/// A number with its thousands apart: `1.234.567`, `1,234,567`.
pub fn number(lang: Lang, number: u64) -> String {
    let digits = number.to_string();
    let separator = match lang {
        Lang::Pt => '.',
        Lang::En => ',',
    };
    let mut spaced = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(separator);
        }
        spaced.push(digit);
    }
    spaced
}

/// A number with so many decimals: `0,27`, `0.27`.
pub fn decimal(lang: Lang, number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    match lang {
        Lang::Pt => text.replace('.', ","),
        Lang::En => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(number(Lang::Pt, 7), "7");
        assert_eq!(number(Lang::Pt, 1_234_567), "1.234.567");
        assert_eq!(number(Lang::En, 123_456), "123,456");
        assert_eq!(decimal(Lang::Pt, 0.274, 2), "0,27");
        assert_eq!(decimal(Lang::En, 12.0, 1), "12.0");
    }

    #[test]
    fn the_help_has_the_same_options_in_both_languages() {
        let options = |text: &str| {
            text.lines()
                .filter_map(|line| line.trim_start().strip_prefix("--"))
                .filter_map(|line| line.split(' ').next().map(str::to_owned))
                .collect::<Vec<String>>()
        };
        assert_eq!(options(HELP.pt), options(HELP.en));
        assert!(options(HELP.pt).len() > 10);
    }
}
