//! Stories: what is typed and what arrives, and the screen that comes of it.
//!
//! In a story, `> ` is a line typed, `< ` a frame from the server, `!connected` and `!lost` are the
//! connection's doing, `!tick` lets a moment pass, and `!tokens` are what the computer keeps for the
//! name that is asked for next. What follows each is what it must bring: the lines of the screen, and after
//! `→ ` the frames sent.

use super::*;
use crate::client::requests::CLIENT;
use crate::limits::CONTENT_BYTES_MAX;

mod talk;
mod tokens;

/// Plays a story's inputs and gives it back with what they really brought.
fn play(app: &mut App, story: &str) -> String {
    let mut told = String::new();
    let mut tokens = Vec::new();
    for line in story.lines().map(str::trim_start) {
        let effects = if let Some(typed) = line.strip_prefix("> ") {
            app.typed(&typed.replace("\\n", "\n"))
        } else if line == ">" {
            app.typed("")
        } else if let Some(frame) = line.strip_prefix("< ") {
            app.received(frame.as_bytes())
        } else if line == "!connected" {
            app.connected()
        } else if line == "!lost" {
            app.lost()
        } else if line == "!tick" {
            app.tick()
        } else if let Some(kept) = line.strip_prefix("!tokens ") {
            tokens = kept.split(' ').map(str::to_owned).collect();
            Vec::new()
        } else {
            continue;
        };
        told.push_str(line);
        told.push('\n');
        for effect in effects {
            match effect {
                Effect::Recall(_) => {
                    let effects = app.recalled(std::mem::take(&mut tokens));
                    told.extend(effects.into_iter().map(describe));
                }
                effect => told.push_str(&describe(effect)),
            }
        }
    }
    told
}

fn describe(effect: Effect) -> String {
    match effect {
        Effect::Show(line) => line.painted(false),
        Effect::Send(frame) => {
            let frame = String::from_utf8_lossy(&frame);
            format!("→ {}\n", frame.replace(CLIENT, "papo"))
        }
        Effect::SendLater(wait, frame) => {
            format!("{wait:?} → {}\n", String::from_utf8_lossy(&frame))
        }
        Effect::Save(file) => format!("save {} bytes of {:?}\n", file.data.len(), file.filename),
        Effect::SaveMissed(file) => format!("save missed {:?}\n", file.filename),
        Effect::Recall(user) => format!("recall {user}\n"),
        Effect::Remember { user, token } => format!("remember {token} of {user}\n"),
        Effect::SendFile(file) => format!("send {:?} to {:?}\n", file.path, file.recipient),
        Effect::Offered { offer, is_wanted, .. } => {
            format!("offered {:?}, wanted: {is_wanted}\n", offer.filename)
        }
        Effect::ListOffers => "list offers\n".to_owned(),
        Effect::Fetch(offer) => format!("fetch {}\n", offer.file_id),
        // Of every login, and nothing to be seen.
        Effect::Online(_) => String::new(),
        Effect::Reconnect => "reconnect\n".to_owned(),
        Effect::Quit => "quit\n".to_owned(),
    }
}

#[track_caller]
fn check_in(app: &mut App, story: &str) {
    // How a story is indented says nothing.
    let lines = |text: &str| {
        let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    };
    let expected = lines(story);
    let told = lines(&play(app, story));
    assert!(told == expected, "\n--- expected\n{expected}\n--- got\n{told}");
}

fn app(user: Option<&str>) -> App {
    App::new(Lang::Pt, true, "t".to_owned(), user.map(str::to_owned), None)
}

/// Ana, logged in, with nothing on her screen that matters.
fn ana() -> App {
    let mut app = app(Some("ana"));
    app.connected();
    app.recalled(Vec::new());
    app.received(
        br#"{"type":"login_response","status":"success","message":"Bem-vindo, ana!","id":"t-1","username":"ana"}"#,
    );
    assert!(app.is_online());
    app
}

#[test]
fn the_name_is_asked_until_one_will_do() {
    let mut app = app(None);
    assert_eq!(app.prompt().text, "Digite seu nome de usuário:");
    check_in(
        &mut app,
        r#"
        !connected
        >
        ❌ É preciso um nome para entrar. Ctrl+C sai.
        > a/b
        ❌ Nome inválido: use de 1 a 32 letras, números, emojis, espaços e . _ -
        > bia
        → {"type":"login","id":"t-1","username":"bia","want_token":true,"lang":"pt","client":"papo","features":["presence","heartbeat","groups","receipts","chunks"]}
        < {"type":"login_response","status":"error","code":"name_in_use","message":"Nome de usuário já em uso","id":"t-1"}
        ❌ Nome de usuário já em uso. Escolha outro nome de usuário.
        "#,
    );
    assert_eq!(app.readiness(), Readiness::Ready);
    assert_eq!(app.refusal(), Some("Nome de usuário já em uso"));
    assert_eq!(app.prompt().text, "Digite seu nome de usuário:");
    play(&mut app, "> Ana");
    assert_eq!(app.readiness(), Readiness::LoggingIn);
    let told = play(
        &mut app,
        r#"< {"type":"login_response","status":"success","message":"Bem-vindo, Ana!","id":"t-2","username":"Ana"}"#,
    );
    assert!(told.contains("✅ Bem-vindo, Ana!\n=="), "{told}");
    assert!(told.contains("1. 💬 Enviar mensagem privada"), "{told}");
    assert_eq!(app.refusal(), None);
    assert_eq!(app.prompt().text, "Escolha uma opção:");
}

#[test]
fn a_private_message_is_asked_for_step_by_step() {
    let mut app = ana();
    check_in(&mut app, "> 1");
    assert_eq!(app.prompt().text, "Digite o nome do destinatário:");
    check_in(
        &mut app,
        r#"
        >  bia
        → {"type":"typing","with":"bia"}
        "#,
    );
    assert_eq!(app.prompt().text, "Digite sua mensagem:");
    assert!(app.prompt().is_message);
    check_in(
        &mut app,
        r#"
        > oi, "bia" 😀
        → {"type":"private_message","id":"t-2","recipient":"bia","content":"oi, \"bia\" 😀"}
        < {"type":"message_response","status":"success","message":"Mensagem enviada com sucesso","id":"t-2","msg_id":7}
        ✅ Mensagem enviada com sucesso
        > 1
        > cae
        → {"type":"typing","with":"cae"}
        > oi
        → {"type":"private_message","id":"t-3","recipient":"cae","content":"oi"}
        < {"type":"message_response","status":"error","code":"unknown_user","message":"Usuário destinatário não encontrado","id":"t-3"}
        ❌ Usuário destinatário não encontrado. Confira o nome: a opção 5 mostra quem está online.
        "#,
    );
    assert_eq!(app.unanswered(), 0);
}

#[test]
fn an_empty_answer_cancels() {
    check_in(
        &mut ana(),
        r#"
        >
        > 1
        >
        ↩️ Cancelado: a resposta ficou vazia.
        > 3
        > Trabalho
        → {"type":"typing","group_name":"Trabalho"}
        >
        ↩️ Cancelado: a resposta ficou vazia.
        > 25
        ❌ Opção inválida. Digite o número de uma opção; a opção 7 mostra o menu.
        > 8
        quit
        "#,
    );
}

#[test]
fn groups_are_made_listed_and_run() {
    check_in(
        &mut ana(),
        r#"
        > 2
        > Trabalho
        → {"type":"create_group","id":"t-2","group_name":"Trabalho"}
        < {"type":"group_response","status":"success","message":"Grupo \"Trabalho\" criado com sucesso","id":"t-2"}
        ✅ Grupo "Trabalho" criado com sucesso
        > 18
        > Cofre
        → {"type":"create_group","id":"t-3","group_name":"Cofre","private":true}
        > 10
        > Trabalho
        > bia
        → {"type":"add_member","id":"t-4","group_name":"Trabalho","new_member":"bia"}
        > 22
        > Trabalho
        > Lazer
        → {"type":"rename_group","id":"t-5","group_name":"Trabalho","new_name":"Lazer"}
        > 6
        → {"type":"list_groups","id":"t-6"}
        < {"type":"groups_list","status":"success","message":"OK","id":"t-6","groups":["Lazer","Cofre"],"details":[{"name":"Lazer","members":2,"role":"admin","private":false},{"name":"Cofre","members":1,"role":"member","private":true}]}
        📋 Seus grupos (2):
        • Lazer - 2 membros, admin
        • Cofre - 1 membro, privado
        > 11
        > Lazer
        → {"type":"list_group_members","id":"t-7","group_name":"Lazer"}
        < {"type":"members_list_response","status":"success","message":"OK","id":"t-7","group_name":"Lazer","members":["ana","bia"],"details":[{"name":"ana","role":"admin","online":true},{"name":"bia","role":"member","online":false}]}
        👥 Membros de Lazer (2):
        • ana (você) - admin, online
        • bia - fora
        > 23
        > Lazer
        > Laser
        ↩️ Cancelado: o nome digitado é outro.
        > 23
        > Lazer
        > Lazer
        → {"type":"delete_group","id":"t-8","group_name":"Lazer"}
        > 5
        → {"type":"list_users","id":"t-9"}
        < {"type":"users_list","status":"success","message":"OK","id":"t-9","users":["ana","bia"]}
        📋 Usuários online (2):
        • ana (você)
        • bia
        "#,
    );
}

#[test]
fn a_refusal_comes_with_advice_that_fits_what_was_asked() {
    let mut app = ana();
    for (typed, code, sentence) in [
        ("17|Trabalho", "unknown_group", "Não. Peça o nome exato a um membro do grupo."),
        ("12|Trabalho", "unknown_group", "Não. Confira o nome: a opção 6 mostra seus grupos."),
        (
            "2|Trabalho",
            "group_exists",
            "Não. Escolha outro nome; se o grupo já é seu, a opção 6 o mostra.",
        ),
        ("3|T|oi", "not_member", "Não. Peça a um membro que adicione você com a opção 10."),
        ("12|T", "not_member", "Não. Confira o nome: a opção 6 mostra seus grupos."),
        ("19|T|bia", "not_member", "Não"),
        ("20|T|bia", "not_member", "Não"),
        ("21|T|bia", "not_member", "Não"),
        ("21|T|bia", "unknown_user", "Não. Confira o nome: a opção 11 mostra os membros do grupo."),
    ] {
        for line in typed.split('|') {
            play(&mut app, &format!("> {line}"));
        }
        let id = app.requests_made;
        let answer = format!(
            r#"< {{"type":"group_response","status":"error","code":"{code}","message":"Não","id":"t-{id}"}}"#
        );
        let told = play(&mut app, &answer);
        assert_eq!(told, format!("{answer}\n❌ {sentence}\n"), "{typed}");
    }
}

#[test]
fn who_removes_oneself_is_told_how_to_leave() {
    check_in(
        &mut ana(),
        "
        > 19
        > Trabalho
        > ANA
        ❌ Para sair do grupo, use a opção 12.
        ",
    );
}

#[test]
fn what_arrives_is_shown_once_and_cannot_forge_a_line() {
    check_in(
        &mut ana(),
        r#"
        < {"type":"presence","user":"bob","status":"online","last_seen":1}
        🟢 bob entrou
        < {"type":"typing","user":"bob"}
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"oi\n💬 [PRIVADA] chefe (14:30:25): fora\u001b[2J","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): oi
        │ 💬 [PRIVADA] chefe (14:30:25): fora�[2J
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25","backlog":true}
        < {"type":"heartbeat_ping"}
        → {"type":"heartbeat_ack"}
        < {"type":"something_new","of":["a","newer","server"]}
        < {"type":"private_message_received","content":{"not":"a string"}}
        < not json
        < {"type":"error","status":"error","code":"invalid_json","message":"Formato de mensagem inválido"}
        ❌ Formato de mensagem inválido
        "#,
    );
}

#[test]
fn files_go_both_ways() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        < {"type":"file_received","msg_id":5,"sender":"bob","recipient":"ana","filename":"foto.jpg","size":2,"timestamp":"14:30:25","file_data":"b2k="}
        📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: foto.jpg
        save 2 bytes of "foto.jpg"
        < {"type":"group_file_received","msg_id":6,"sender":"bob","group_name":"T","filename":"x","timestamp":"14:30:25","file_data":"!"}
        📎 [ARQUIVO GRUPO: T] bob (14:30:25) enviou: x
        ❌ O arquivo chegou ilegível e não foi salvo. Peça que o enviem de novo.
        < {"type":"file_received","msg_id":7,"sender":"bob","filename":"x","timestamp":"14:30:25","file_data":null}
        📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: x
        ❌ O arquivo não veio, e este servidor não diz como baixá-lo.
        < {"type":"file_received","msg_id":8,"sender":"bob","recipient":"ana","filename":"z","size":9,"file_id":3,"timestamp":"14:30:25"}
        📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: z
        offered "z", wanted: true
        < {"type":"file_received","msg_id":9,"sender":"ana","recipient":"bob","filename":"y","size":9,"file_id":4,"timestamp":"14:30:25"}
        📎 [ARQUIVO PRIVADO] ana (você) → bob (14:30:25) enviou: y
        offered "y", wanted: false
        > 4
        > 3
        ❌ Responda 1 ou 2.
        > 2
        > Trabalho
        > ~/foto.jpg
        send "~/foto.jpg" to "Trabalho"
        "#,
    );
    let file = Outgoing { to_group: true, recipient: "Trabalho".into(), path: "~/foto.jpg".into() };
    let answer = br#"{"type":"file_response","status":"success","message":"Enviado","msg_id":7}"#;
    let effects = app.file_sent(&file, "foto.jpg", answer);
    let told: String = effects.into_iter().map(describe).collect();
    assert_eq!(told, "✅ Enviado (Trabalho: foto.jpg)\n");
    assert!(app.seen.find(7).is_some());
}

#[test]
fn a_file_is_fetched_by_its_number() {
    let mut app = ana();
    check_in(&mut app, "> 24\nlist offers");
    assert_eq!(app.offers_listed(Vec::new()), [dim(text::NO_OFFERS.get(Lang::Pt))]);
    let offer = |file_id, group: Option<&str>| Offer {
        file_id,
        size: 3 << 30,
        sha256: None,
        group: group.map(str::to_owned),
        sender: "bob".to_owned(),
        filename: "z\n1. x".to_owned(),
    };
    for (typed, brings) in [("2", "fetch 5"), ("3", ""), ("0", ""), ("x", "")] {
        let effects = app.offers_listed(vec![offer(3, None), offer(5, Some("T"))]);
        let told: String = effects.into_iter().map(describe).collect();
        let line = "  2. z\u{fffd}1. x - 3,0 GiB, bob, T\n";
        assert!(
            told.starts_with("📥 Arquivos por baixar:\n  1. ") && told.ends_with(line),
            "{told}"
        );
        assert_eq!(app.prompt().text, "Digite o número do arquivo a baixar:");
        let told = play(&mut app, &format!("> {typed}"));
        let refused = "❌ Não há arquivo com esse número. A opção 24 mostra a lista.";
        let expected = if brings.is_empty() { refused } else { brings };
        assert_eq!(told, format!("> {typed}\n{expected}\n"));
    }
}

#[test]
fn a_lost_connection_is_told_once_and_messages_are_sent_again() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        < {"type":"private_message_received","msg_id":9,"sender":"bob","recipient":"ana","content":"oi","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): oi
        > 1
        > bia
        → {"type":"typing","with":"bia"}
        > um
        → {"type":"private_message","id":"t-2","recipient":"bia","content":"um"}
        > 5
        → {"type":"list_users","id":"t-3"}
        !lost
        ⚠️ Conexão perdida. Tentando reconectar...
        ❌ 1 pedido ficou sem resposta do servidor.
        !lost
        > 1
        > bia
        > dois
        ⏳ Sem conexão: será enviado quando ela voltar.
        > 6
        ❌ Sem conexão com o servidor. Repita quando ela voltar.
        > 2
        ❌ Sem conexão com o servidor. Repita quando ela voltar.
        !connected
        → {"type":"login","id":"t-5","username":"ana","want_token":true,"since":9,"lang":"pt","client":"papo","features":["presence","heartbeat","groups","receipts","chunks"]}
        < {"type":"login_response","status":"error","code":"name_in_use","message":"Nome de usuário já em uso","id":"t-5"}
        reconnect
        !lost
        !connected
        → {"type":"login","id":"t-6","username":"ana","want_token":true,"since":9,"lang":"pt","client":"papo","features":["presence","heartbeat","groups","receipts","chunks"]}
        < {"type":"login_response","status":"success","message":"Bem-vindo, ana!","id":"t-6","username":"ana"}
        ✅ Conexão restabelecida como ana. Enviando 2 que esperavam.
        → {"type":"private_message","id":"t-2","recipient":"bia","content":"um"}
        → {"type":"private_message","id":"t-4","recipient":"bia","content":"dois"}
        < {"type":"message_response","status":"success","message":"Mensagem enviada com sucesso","id":"t-2"}
        ✅ Mensagem enviada com sucesso (bia: um)
        < {"type":"message_response","status":"success","message":"Mensagem enviada com sucesso","id":"t-2"}
        < {"type":"message_response","status":"error","code":"too_large","message":"Não","id":"t-4"}
        ❌ Não (bia: dois)
        "#,
    );
    assert_eq!(app.unanswered(), 0);
}

#[test]
fn a_server_that_forgot_everybody_is_asked_again_until_the_recipient_is_back() {
    const REFUSED: &str = r#"< {"type":"message_response","status":"error","code":"unknown_user","message":"Usuário destinatário não encontrado","id":"t-2"}"#;
    let mut app = ana();
    let lost_and_found = |login: usize| {
        format!(
            r#"!lost
            !connected
            < {{"type":"login_response","status":"success","message":"Bem-vindo, ana!","id":"t-{login}","username":"ana"}}"#
        )
    };
    play(&mut app, "> 1\n> bia\n> um");
    let told = play(&mut app, &lost_and_found(3));
    assert!(told.contains("Enviando 1 que esperava.\n→ {\"type\":\"private_message\""), "{told}");
    let again = r#"→ {"type":"private_message","id":"t-2","recipient":"bia","content":"um"}"#;
    assert_eq!(play(&mut app, REFUSED), format!("{REFUSED}\n1s {again}\n"));
    assert_eq!(app.unanswered(), 1);
    // Back by now.
    let told = play(
        &mut app,
        r#"< {"type":"message_response","status":"success","message":"Mensagem enviada com sucesso","id":"t-2"}"#,
    );
    assert!(told.ends_with("\n✅ Mensagem enviada com sucesso (bia: um)\n"), "{told}");

    // Who does not come back is told after all, and a name of nobody's at once.
    play(&mut app, "> 1\n> bia\n> dois");
    let told = play(&mut app, &REFUSED.replace("t-2", "t-4"));
    assert!(told.contains("❌ Usuário destinatário não encontrado"), "{told}");
    play(&mut app, "> 1\n> bia\n> três");
    play(&mut app, &lost_and_found(6));
    let refused = REFUSED.replace("t-2", "t-5");
    let mut told = String::new();
    while app.unanswered() > 0 {
        told = play(&mut app, &refused);
    }
    assert!(told.contains("❌ Usuário destinatário não encontrado"), "{told}");
    assert!(told.ends_with(" (bia: três)\n"), "{told}");
}

#[test]
fn a_name_that_stays_taken_is_told_once() {
    let mut app = ana();
    app.lost();
    let mut told = String::new();
    for _ in 0..20 {
        play(&mut app, "!connected");
        let refused = format!(
            r#"< {{"type":"login_response","status":"error","code":"name_in_use","message":"Nome de usuário já em uso","id":"t-{}"}}"#,
            app.requests_made
        );
        told += &play(&mut app, &refused);
        told += &play(&mut app, "!lost");
    }
    let line =
        "❌ Conectado, mas o login é recusado (Nome de usuário já em uso); continuo tentando";
    assert_eq!(told.matches(line).count(), 1, "{told}");
    assert_eq!(told.matches("reconnect").count(), 20);
}

#[test]
fn a_server_that_stops_says_so_in_the_same_line() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        < {"type":"error","status":"error","code":"shutting_down","message":"O servidor está sendo encerrado.","retry_ms":1234}
        !lost
        ⚠️ Conexão perdida (O servidor está sendo encerrado.) Tentando reconectar...
        "#,
    );
    assert_eq!(app.told_to_wait(), Some(Duration::from_millis(1_234)));
    // For the next attempt, and not for those after it.
    assert_eq!(app.told_to_wait(), None);
}

#[test]
fn who_says_goodbye_loses_nothing() {
    let mut app = ana();
    let effects = app.log_out();
    assert_eq!(effects.len(), 1);
    assert_eq!(app.unanswered(), 1);
    check_in(&mut app, "!lost");
    assert_eq!(app.unanswered(), 0);
}

#[test]
fn another_program_at_the_address_is_recognised() {
    let mut app = app(Some("ana"));
    play(&mut app, "!connected");
    let told = play(&mut app, "< HTTP/1.1 400 Bad Request");
    assert!(told.contains("não é um servidor papo"), "{told}");
    assert!(told.ends_with("reconnect\n"), "{told}");
}

#[test]
fn a_message_too_long_is_not_sent() {
    let mut app = ana();
    play(&mut app, "> 1\n> bia");
    let long = "é".repeat(CONTENT_BYTES_MAX / 2 + 1);
    let told = play(&mut app, &format!("> {long}"));
    assert!(told.contains("❌ A mensagem passa de 65536 bytes"));
    let told = play(&mut app, &format!("> {}", "é".repeat(CONTENT_BYTES_MAX / 2)));
    assert!(told.contains("→ {\"type\":\"private_message\""));
}

#[test]
fn a_line_break_pasted_into_a_message_goes_with_it() {
    let mut app = ana();
    play(&mut app, "> 1\n> bia");
    let told = play(&mut app, r"> um\ndois");
    assert!(told.contains(r#""content":"um\ndois""#), "{told}");
}
