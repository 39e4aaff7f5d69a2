//! Stories of tokens and passwords.

use super::*;

fn refused(app: &App, code: &str) -> String {
    let id = app.requests_made;
    format!(
        r#"< {{"type":"login_response","status":"error","code":"{code}","message":"Não","id":"t-{id}"}}"#
    )
}

fn taken(app: &App, rest: &str) -> String {
    let id = app.requests_made;
    format!(
        r#"< {{"type":"login_response","status":"success","message":"Bem-vindo!","id":"t-{id}","username":"Ana"{rest}}}"#
    )
}

/// What an input brought, without the menu.
fn told(app: &mut App, story: &str) -> String {
    let told = play(app, story);
    let told = told.strip_prefix(story).unwrap_or(&told);
    let menu = told.find(text::RULE).unwrap_or(told.len());
    told[..menu].trim().to_owned()
}

const FEATURES: &str = r#""lang":"pt","client":"papo","features":["presence","heartbeat","groups","receipts","chunks"]}"#;

#[test]
fn a_new_name_is_claimed_and_its_token_kept() {
    let mut app = app(Some("ana"));
    play(&mut app, "!connected");
    let answer = taken(&app, r#","token":"tok""#);
    assert_eq!(
        told(&mut app, &answer),
        "✅ Bem-vindo!\n🔑 O nome Ana agora é seu, neste computador. Para entrar de outro lugar, defina uma senha (opção 16).\nremember tok of Ana"
    );
    // After a reconnect it is shown to the server, and kept already.
    let again = told(&mut app, "!lost\n!connected");
    let login = r#"→ {"type":"login","id":"t-2","username":"Ana","token":"tok","want_token":true,"#;
    assert!(again.ends_with(&format!("{login}{FEATURES}")), "{again}");
    let answer = taken(&app, r#","token":"tok""#);
    assert_eq!(told(&mut app, &answer), "✅ Conexão restabelecida como Ana.");
}

#[test]
fn a_token_that_is_refused_gives_way_to_the_next_and_to_the_password() {
    let mut app = app(Some("ana"));
    let first = told(&mut app, "!tokens one two\n!connected");
    assert!(first.contains(r#""token":"one","want_token":true"#), "{first}");
    let answer = refused(&app, "wrong_password");
    assert!(told(&mut app, &answer).contains(r#""token":"two""#));
    let answer = refused(&app, "wrong_password");
    let bare = told(&mut app, &answer);
    assert!(bare.contains(r#""username":"ana","want_token":true"#), "{bare}");
    let answer = refused(&app, "auth_required");
    assert_eq!(
        told(&mut app, &answer),
        "🔑 O nome ana já tem dono. Se é você, digite a senha; Enter escolhe outro nome."
    );
    let prompt = app.prompt();
    assert_eq!((prompt.text.as_str(), prompt.is_secret), ("Senha:", true));
    assert_eq!(app.readiness(), Readiness::Ready);
    let typed = told(&mut app, "> segredo ");
    assert!(typed.contains(r#""password":"segredo ","want_token":true"#), "{typed}");
    assert_eq!(app.readiness(), Readiness::LoggingIn);
    let answer = refused(&app, "wrong_password");
    assert_eq!(told(&mut app, &answer), "❌ Não");
    assert!(app.asks_password());
    play(&mut app, "> segredo");
    let answer = taken(&app, r#","token":"three""#);
    assert_eq!(told(&mut app, &answer), "✅ Bem-vindo!\nremember three of Ana");
    assert_eq!(app.prompt().text, "Escolha uma opção:");
}

#[test]
fn who_knows_no_password_chooses_another_name() {
    let mut app = app(None);
    play(&mut app, "!connected\n> ana");
    let answer = refused(&app, "auth_required");
    play(&mut app, &answer);
    assert_eq!(told(&mut app, ">"), "↩️ Cancelado: a resposta ficou vazia.");
    assert_eq!(app.prompt().text, "Digite seu nome de usuário:");
    let login = told(&mut app, "> bia");
    assert!(login.contains(r#""username":"bia","want_token":true"#), "{login}");
}

#[test]
fn a_script_has_one_guess() {
    let mut app = App::new(Lang::Pt, false, "t".to_owned(), Some("ana".to_owned()), None);
    play(&mut app, "!connected");
    let answer = refused(&app, "auth_required");
    play(&mut app, &answer);
    assert!(app.asks_password());
    assert!(app.refusal().is_some());
    play(&mut app, "> 1");
    let answer = refused(&app, "wrong_password");
    play(&mut app, &answer);
    assert!(!app.asks_password());
    assert!(app.refusal().is_some());
}

#[test]
fn a_script_under_way_is_asked_for_nothing() {
    let mut app = App::new(Lang::Pt, false, "t".to_owned(), Some("ana".to_owned()), None);
    play(&mut app, "!connected");
    let answer = taken(&app, "");
    play(&mut app, &answer);
    play(&mut app, "!lost\n!connected");
    let answer = refused(&app, "auth_required");
    play(&mut app, &answer);
    let answer = refused(&app, "auth_required");
    let refused = told(&mut app, &answer);
    assert!(refused.starts_with("❌ Conectado, mas o login é recusado (Não)"), "{refused}");
    assert!(refused.ends_with("\nreconnect"), "{refused}");
    assert!(!app.asks_password());
}

#[test]
fn a_password_from_the_environment_is_used_when_one_is_asked_for() {
    let spare = Some("segredo".to_owned());
    let mut app = App::new(Lang::Pt, true, "t".to_owned(), Some("ana".to_owned()), spare);
    let login = told(&mut app, "!connected");
    assert!(!login.contains("segredo"), "{login}");
    let answer = refused(&app, "auth_required");
    let login = told(&mut app, &answer);
    assert!(login.contains(r#""password":"segredo""#), "{login}");
    // Refused, it is not tried again.
    let answer = refused(&app, "wrong_password");
    assert_eq!(told(&mut app, &answer), "❌ Não");
    assert!(app.asks_password());
}

#[test]
fn what_another_window_has_kept_meanwhile_is_looked_up() {
    let mut app = app(Some("ana"));
    play(&mut app, "!tokens one\n!connected");
    let answer = taken(&app, r#","token":"one""#);
    play(&mut app, &answer);
    // The server knows nobody any more; the other window was the first to come back.
    play(&mut app, "!lost\n!connected");
    let answer = refused(&app, "wrong_password");
    play(&mut app, &answer);
    let answer = refused(&app, "auth_required");
    let login = told(&mut app, &format!("!tokens two one\n{answer}"));
    assert!(login.contains(r#""token":"two""#), "{login}");
    let answer = taken(&app, r#","token":"two""#);
    let back = told(&mut app, &answer);
    assert!(back.starts_with("✅ Conexão restabelecida como Ana."), "{back}");
}

#[test]
fn a_computer_that_keeps_nothing_claims_nothing() {
    let mut app = app(Some("ana")).without_vault();
    let login = told(&mut app, "!connected");
    assert!(!login.contains("want_token"), "{login}");
    let answer = taken(&app, "");
    assert!(told(&mut app, &answer).contains("o nome Ana fica livre para qualquer pessoa"));
}

#[test]
fn a_password_is_asked_for_after_a_reconnect_without_mistaking_other_lines_for_it() {
    let mut app = ana();
    play(&mut app, "> 1\n> bia\n!lost\n!connected");
    let answer = refused(&app, "auth_required");
    assert!(told(&mut app, &answer).starts_with("→ "));
    let answer = refused(&app, "auth_required");
    assert_eq!(
        told(&mut app, &answer),
        "❌ O servidor agora pede a senha de ana. Termine ou cancele o que está digitando (Enter) para informá-la."
    );
    // What was being typed is still a message.
    assert_eq!(app.prompt().text, "Digite sua mensagem:");
    assert_eq!(told(&mut app, "> oi"), "⏳ Sem conexão: será enviado quando ela voltar.");
    assert!(app.prompt().is_secret);
    // Who does not know it at once is asked again.
    play(&mut app, ">");
    assert_eq!(app.prompt().text, "Escolha uma opção:");
    play(&mut app, "> 5");
    assert!(app.prompt().is_secret);
    let login = told(&mut app, "> segredo");
    assert!(login.contains(r#""password":"segredo""#), "{login}");
    let answer = taken(&app, r#","token":"tok""#);
    let back = told(&mut app, &answer);
    assert!(back.starts_with("✅ Conexão restabelecida como Ana. Enviando 1"), "{back}");
    assert!(back.contains("remember tok of Ana\n→ {\"type\":\"private_message\""), "{back}");
}

#[test]
fn a_password_is_set_step_by_step() {
    let mut app = ana();
    play(&mut app, "> 16");
    assert!(app.prompt().is_secret);
    check_in(
        &mut app,
        r#"
        >
        > nova
        > outra
        ↩️ As duas senhas são diferentes; nada mudou.
        > 16
        >
        > nova
        > nova
        → {"type":"set_password","id":"t-2","password":"nova"}
        < {"type":"account_response","status":"success","message":"Senha definida","id":"t-2"}
        ✅ Senha definida
        > 16
        > nova
        > mais nova
        > mais nova
        → {"type":"set_password","id":"t-3","password":"mais nova","old_password":"nova"}
        < {"type":"account_response","status":"error","code":"wrong_password","message":"Senha errada","id":"t-3"}
        ❌ Senha errada. Este nome já tem senha: a atual faltou, ou é outra.
        > 16
        > nova
        >
        ↩️ Cancelado: a resposta ficou vazia.
        "#,
    );
}
