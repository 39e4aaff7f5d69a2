//! Stories of conversations: what was missed, how far own messages came, what was changed, and what
//! was said before.

use super::*;

#[test]
fn what_was_missed_is_shown_with_a_summary() {
    check_in(
        &mut ana(),
        r#"
        < {"type":"added_to_group","group_name":"T","added_by":"bob","timestamp":"14:30:00","backlog":true}
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"um","timestamp":"14:30:25","backlog":true}
        < {"type":"group_message_received","msg_id":6,"sender":"bob","group_name":"T","content":"dois","timestamp":"14:31:00","backlog":true}
        < {"type":"group_message_received","msg_id":7,"sender":"ana","group_name":"T","content":"eu","timestamp":"14:31:01","backlog":true}
        < {"type":"group_message_received","msg_id":8,"sender":"cae","group_name":"T","content":"três","timestamp":"14:31:02","backlog":true}
        !tick
        < {"type":"synced","cursor":8}
        🎉 Você foi adicionado ao grupo T por bob
        💬 [PRIVADA] bob (14:30:25): um
        👥 [GRUPO: T] bob (14:31:00): dois
        👥 [GRUPO: T] ana (você) (14:31:01): eu
        👥 [GRUPO: T] cae (14:31:02): três
        📬 3 mensagens enquanto você esteve fora: T 2, bob 1
        → {"type":"received","msg_id":8}
        → {"type":"read","with":"bob","msg_id":5}
        → {"type":"read","group_name":"T","msg_id":8}
        < {"type":"synced","cursor":8}
        "#,
    );
}

#[test]
fn a_file_that_was_missed_is_told_where_it_belongs() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        < {"type":"file_received","msg_id":5,"sender":"bob","recipient":"ana","filename":"x.txt","timestamp":"14:30:25","file_data":"b2k=","backlog":true}
        save missed "x.txt"
        "#,
    );
    assert_eq!(app.saved(Line::new(Style::Plain, "   Salvo como: x.txt")), []);
    check_in(
        &mut app,
        r#"
        < {"type":"file_received","msg_id":6,"sender":"bob","recipient":"ana","filename":"y.txt","timestamp":"14:30:26","file_data":"!","backlog":true}
        !lost
        📎 [ARQUIVO PRIVADO] bob (14:30:25) enviou: x.txt
        Salvo como: x.txt
        📎 [ARQUIVO PRIVADO] bob (14:30:26) enviou: y.txt
        ❌ O arquivo chegou ilegível e não foi salvo. Peça que o enviem de novo.
        📬 2 mensagens enquanto você esteve fora: bob 2
        ⚠️ Conexão perdida. Tentando reconectar...
        "#,
    );
}

#[test]
fn notes_gather_until_a_moment_has_passed() {
    let mut app = ana();
    assert!(!app.wants_tick());
    check_in(
        &mut app,
        r#"
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"um","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): um
        < {"type":"private_message_received","msg_id":6,"sender":"bob","recipient":"ana","content":"dois","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): dois
        "#,
    );
    assert!(app.wants_tick());
    check_in(
        &mut app,
        r#"
        !tick
        → {"type":"received","msg_id":6}
        → {"type":"read","with":"bob","msg_id":6}
        !tick
        < {"type":"private_message_received","msg_id":7,"sender":"bob","recipient":"ana","content":"três","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): três
        "#,
    );
    assert!(app.wants_tick());
    // Whoever leaves now has read it.
    let left: String = app.log_out().into_iter().map(describe).collect();
    assert_eq!(
        left,
        "→ {\"type\":\"received\",\"msg_id\":7}\n\
         → {\"type\":\"read\",\"with\":\"bob\",\"msg_id\":7}\n\
         → {\"type\":\"logout\",\"id\":\"t-2\"}\n"
    );
}

#[test]
fn a_script_reads_nothing() {
    let mut app = App::new(Lang::Pt, false, "t".to_owned(), Some("ana".to_owned()), None);
    play(
        &mut app,
        r#"!connected
        < {"type":"login_response","status":"success","message":"Oi","id":"t-1","username":"ana"}
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"um","timestamp":"14:30:25"}"#,
    );
    check_in(
        &mut app,
        r#"
        !tick
        → {"type":"received","msg_id":5}
        "#,
    );
}

#[test]
fn own_messages_have_ticks() {
    let mut app = ana();
    play(&mut app, "> 1\n> bia\n> oi\n> 3\n> Trabalho\n> reunião");
    check_in(
        &mut app,
        r#"
        < {"type":"message_response","status":"success","message":"Mensagem enviada com sucesso","id":"t-2","msg_id":7}
        ✅ Mensagem enviada com sucesso
        < {"type":"message_response","status":"success","message":"Mensagem enviada para 3 membros do grupo","id":"t-3","msg_id":8}
        ✅ Mensagem enviada para 3 membros do grupo
        < {"type":"receipt","kind":"delivered","by":"bia","with":"bia","msg_id":7}
        < {"type":"receipt","kind":"read","by":"bia","group_name":"trabalho","msg_id":8}
        < {"type":"receipt","kind":"read","by":"cae","group_name":"trabalho","msg_id":8}
        < {"type":"receipt","kind":"read","by":"ana","group_name":"trabalho","msg_id":8}
        !tick
        !tick
        !tick
        !tick
        !tick
        !tick
        ✓✓ bia recebeu: oi
        👀 [trabalho] lida por bia e cae: reunião
        < {"type":"receipt","kind":"read","by":"bia","with":"bia","msg_id":7}
        !tick
        !tick
        !tick
        !tick
        !tick
        !tick
        👀 bia leu: oi
        "#,
    );
    assert!(!app.wants_tick());
}

#[test]
fn what_another_session_sent_is_ones_own() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        < {"type":"private_message_received","msg_id":9,"sender":"ana","recipient":"bia","content":"do celular","timestamp":"14:30:25"}
        💬 [PRIVADA] ana (você) → bia (14:30:25): do celular
        < {"type":"receipt","kind":"read","by":"bia","with":"bia","msg_id":9}
        "#,
    );
    assert!(play(&mut app, &"!tick\n".repeat(6)).ends_with("👀 bia leu: do celular\n"));
}

#[test]
fn a_change_says_what_changed() {
    let mut app = ana();
    play(&mut app, "> 1\n> bob\n> oi");
    check_in(
        &mut app,
        r#"
        < {"type":"private_message_received","msg_id":5,"sender":"bob","recipient":"ana","content":"as 3","timestamp":"14:30:25"}
        💬 [PRIVADA] bob (14:30:25): as 3
        < {"type":"message_response","status":"success","message":"Ok","id":"t-2","msg_id":6}
        ✅ Ok
        < {"type":"message_changed","msg_id":5,"with":"bob","content":"às 4","edited":true}
        ✏️ bob corrigiu: às 4
        < {"type":"message_changed","msg_id":6,"with":"bob","reactions":[{"emoji":"👍","users":["bob"]}]}
        💭 [bob] bob reagiu 👍: oi
        < {"type":"message_changed","msg_id":5,"with":"bob","deleted":true}
        🗑️ mensagem de bob apagada: às 4
        < {"type":"message_changed","msg_id":1,"with":"bob","deleted":true}
        🗑️ [bob] mensagem apagada
        "#,
    );
    // An older number does not move what is asked for after a reconnect.
    let told = play(&mut app, "!lost\n!connected");
    assert!(told.contains(r#""since":5"#), "{told}");
}

#[test]
fn a_history_goes_back_page_by_page() {
    let mut app = ana();
    check_in(
        &mut app,
        r#"
        > +
        Não há mensagens anteriores a mostrar. A opção 13 abre o histórico de uma conversa.
        > 13
        > x
        ❌ Responda 1 ou 2.
        > 2
        > Trabalho
        → {"type":"history","id":"t-2","group_name":"Trabalho","limit":20}
        < {"type":"history_response","status":"success","message":"Ok","id":"t-2","group_name":"Trabalho","more":true,"delivered":0,"read":0,"messages":[{"type":"group_message_received","msg_id":41,"sender":"bob","group_name":"Trabalho","content":"oi","timestamp":"14:30:25","ts":1741789825000},{"type":"group_message_received","msg_id":42,"sender":"ana","group_name":"Trabalho","content":"olá","timestamp":"14:30:26","ts":1741789826000}]}
        📜 Conversa do grupo Trabalho:
        ── 12/03/2025 ──
        👥 [GRUPO: Trabalho] bob (14:30:25): oi
        👥 [GRUPO: Trabalho] ana (você) (14:30:26): olá
        📜 Há mensagens anteriores: + as mostra.
        !tick
        → {"type":"read","group_name":"Trabalho","msg_id":42}
        > +
        → {"type":"history","id":"t-3","group_name":"Trabalho","before":41,"limit":20}
        < {"type":"history_response","status":"success","message":"Ok","id":"t-3","group_name":"Trabalho","more":false,"delivered":0,"read":0,"messages":[]}
        📜 Nada foi dito aqui ainda.
        > 13
        > 1
        > bia
        → {"type":"history","id":"t-4","with":"bia","limit":20}
        < {"type":"history_response","status":"error","code":"unknown_user","message":"Não existe","id":"t-4"}
        ❌ Não existe. Confira o nome: a opção 5 mostra quem está online.
        "#,
    );
}

#[test]
fn messages_are_searched_and_conversations_listed() {
    check_in(
        &mut ana(),
        r#"
        > 14
        > reunião
        → {"type":"search","id":"t-2","limit":21,"query":"reunião"}
        < {"type":"search_response","status":"success","message":"Ok","id":"t-2","messages":[{"type":"group_message_received","msg_id":42,"sender":"bob","group_name":"T","content":"reunião 2","timestamp":"14:30:26"},{"type":"private_message_received","msg_id":41,"sender":"bob","recipient":"ana","content":"reunião 1","timestamp":"14:30:25"}]}
        🔎 2 mensagens encontradas:
        💬 [PRIVADA] bob (14:30:25): reunião 1
        👥 [GRUPO: T] bob (14:30:26): reunião 2
        > 14
        > nada
        → {"type":"search","id":"t-3","limit":21,"query":"nada"}
        < {"type":"search_response","status":"success","message":"Ok","id":"t-3","messages":[]}
        🔎 Nenhuma mensagem tem isso.
        > 15
        → {"type":"list_conversations","id":"t-4"}
        < {"type":"conversations","status":"success","message":"Ok","id":"t-4","conversations":[{"with":"bob","unread":2,"read":0}]}
        📬 Suas conversas (1):
        • bob - 2 novas
        "#,
    );
}
