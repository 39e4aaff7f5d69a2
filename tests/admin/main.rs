//! `papo admin`: what whoever runs a server does with its data, beside the server and without it.

#[path = "../common/mod.rs"]
mod common;
mod files;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use common::server::papo;
use common::{Server, number, text};

/// What one run said and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

/// Runs `papo admin` on a data folder.
#[track_caller]
fn admin(data: &Path, args: &[&str]) -> Said {
    let output = papo()
        .arg("admin")
        .args(args)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .expect("papo starts");
    let Output { status, stdout, stderr } = output;
    let utf8 = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { out: utf8(stdout), err: utf8(stderr), code: status.code() }
}

impl Said {
    /// It worked; what it said.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// It ended with this code, one sentence that has these words, and nothing on stdout.
    #[track_caller]
    fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{} {}", self.out, self.err);
        assert_eq!((self.out.as_str(), self.err.lines().count()), ("", 1), "{}", self.err);
        assert!(self.err.starts_with("papo: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word} in {}", self.err);
        }
    }
}

/// The lines of an export or a list as JSON.
#[track_caller]
fn lines(said: &str) -> Vec<Value> {
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[track_caller]
fn words(path: &str) -> Vec<&str> {
    path.split(' ').collect()
}

/// Ana, Bia and Caio talk about everything that an export has to show.
fn talk(server: &Server) {
    let mut ana = server.join_with("ana", common::Framing::Line, &json!({ "want_token": true }));
    let mut bia = server.join("bia");
    let mut caio = server.join("Caio 😀");
    let first = number(&ana.tell("bia", "oi\n2026-11-25 14:30:25 bia: forjada\u{1b}[2J"), "msg_id");
    bia.ok(&json!({
        "type": "private_message", "recipient": "ana", "content": "tudo bem?", "reply_to": first,
    }));
    bia.ok(&json!({ "type": "react", "msg_id": first, "emoji": "👍" }));
    let wrong = number(&ana.tell("bia", "errado"), "msg_id");
    ana.ok(&json!({ "type": "edit_message", "msg_id": wrong, "content": "certo" }));
    let gone = number(&ana.tell("bia", "segredíssimo"), "msg_id");
    ana.ok(&json!({ "type": "delete_message", "msg_id": gone }));
    ana.ok(&json!({
        "type": "send_file", "recipient": "bia", "filename": "f.txt", "file_data": "aGk=",
        "file_type": "private",
    }));
    ana.group("create_group", "Trabalho SD", &json!({}));
    ana.group("add_member", "Trabalho SD", &json!({ "new_member": "Caio 😀" }));
    caio.tell_group("Trabalho SD", "ao grupo");
}

#[test]
fn a_private_conversation_is_exported_as_text_and_as_json() {
    let server = Server::start();
    talk(&server);
    let data = server.data();
    let said = admin(&data, &words("export --user ANA --with bia")).ok();
    // The date and the time have 19 characters, whatever they are.
    let rest: Vec<&str> = said.lines().map(|line| line.get(19..).unwrap_or(line)).collect();
    let [first, second, third, fourth, edited, deleted, file] = rest.as_slice() else {
        panic!("{said}")
    };
    let all: Vec<&str> = said.lines().collect();
    assert_eq!(*first, " ana: oi");
    assert_eq!(all[1], "    │ 2026-11-25 14:30:25 bia: forjada\u{fffd}[2J");
    assert!(!second.is_empty() && !third.is_empty());
    assert_eq!(all[2], "    👍 bia");
    assert!(fourth.starts_with(" bia (em resposta a ana, 20"), "{fourth}");
    assert!(fourth.ends_with("): tudo bem?"), "{fourth}");
    assert_eq!(*edited, " ana (editada): certo");
    assert_eq!(*deleted, " ana (apagada):");
    assert_eq!(*file, " ana (arquivo): f.txt, 2 bytes, server_files/ana_f.txt");

    let said = admin(&data, &words("export --with ana --user bia --format jsonl")).ok();
    let said = lines(&said);
    assert_eq!(said.len(), 5, "{said:#?}");
    let sent: Vec<&str> = said.iter().map(|line| text(line, "sender")).collect();
    assert_eq!(sent, ["ana", "bia", "ana", "ana", "ana"]);
    assert!(said.iter().all(|line| line["recipient"] != line["sender"]), "{said:#?}");
    assert!(said.windows(2).all(|two| number(&two[0], "msg_id") < number(&two[1], "msg_id")));
    assert_eq!(said[0]["type"], "private_message_received");
    assert_eq!(said[0]["reactions"], json!([{ "emoji": "👍", "users": ["bia"] }]));
    assert_eq!(said[1]["reply_to"], said[0]["msg_id"]);
    assert_eq!((&said[2]["content"], &said[2]["edited"]), (&json!("certo"), &json!(true)));
    assert_eq!((&said[3]["content"], &said[3]["deleted"]), (&json!(""), &json!(true)));
    let file = (&said[4]["filename"], &said[4]["size"], &said[4]["saved_as"]);
    assert_eq!(file, (&json!("f.txt"), &json!(2), &json!("ana_f.txt")));
}

#[test]
fn a_group_is_exported_also_into_a_file_that_is_new() {
    let server = Server::start();
    talk(&server);
    let data = server.data();
    let group = ["export", "--group", "trabalho sd", "--lang", "en", "--format", "jsonl"];
    let said = admin(&data, &group).ok();
    let said = lines(&said);
    assert_eq!((said.len(), text(&said[0], "group_name")), (1, "Trabalho SD"));
    assert_eq!(text(&said[0], "content"), "ao grupo");

    let file = server.home().join("sd.txt");
    let file = file.to_str().expect("UTF-8");
    let group = ["export", "--group", "Trabalho SD", "--lang", "en", "--output", file];
    let said = admin(&data, &group);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!((said.out.as_str(), said.err), ("", format!("1 message in {file}\n")));
    let written = fs::read_to_string(file).expect("the export");
    assert!(written.ends_with(" Caio 😀: ao grupo\n"), "{written}");
    admin(&data, &group).fails(1, &["sd.txt exists", "another name"]);
    // Whoever has closed the pipe has seen enough.
    let mut child = papo()
        .args(["admin", "export", "--group", "Trabalho SD", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("papo starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    // A conversation that has not begun is one without messages.
    let said = admin(&data, &["export", "--user", "bia", "--with", "caio 😀"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    assert_eq!(said.err, "Nenhuma mensagem\n");
}

#[test]
fn a_deleted_group_still_has_its_messages_until_another_has_its_name() {
    let server = Server::start();
    talk(&server);
    let mut ana = server.join("dani");
    ana.group("create_group", "Curto", &json!({}));
    ana.tell_group("Curto", "do primeiro");
    ana.group("delete_group", "Curto", &json!({}));
    let data = server.data();
    let said = admin(&data, &words("export --group curto"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.ends_with(" dani: do primeiro\n"), "{}", said.out);
    assert!(said.err.contains("Curto foi apagado"), "{}", said.err);
    ana.group("create_group", "Curto", &json!({}));
    ana.tell_group("Curto", "do segundo");
    let said = admin(&data, &words("export --group curto")).ok();
    assert!(said.ends_with(" dani: do segundo\n") && !said.contains("primeiro"), "{said}");
}

/// More than one page, with a reader that stops half-way: the server goes on.
#[test]
fn a_long_conversation_streams() {
    let mut server = Server::start();
    let mut ana = server.join("ana");
    let _bia = server.join("bia");
    for n in 0..1_200 {
        ana.send(&json!({
            "type": "private_message", "recipient": "bia", "id": n,
            "content": format!("{n} {}", "x".repeat(400)),
        }));
    }
    ana.answer_to(&json!(1_199));
    let mut child = papo()
        .args(["admin", "export", "--user", "ana", "--with", "bia", "--format", "jsonl", "--data"])
        .arg(server.data())
        .stdout(Stdio::piped())
        .spawn()
        .expect("papo starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    out.read_line(&mut first).expect("a line");
    ana.tell("bia", "enquanto isso");
    // While somebody reads the store, nothing is put in its place.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("b.db");
    let path = path.to_str().expect("UTF-8");
    admin(&server.data(), &["backup", path]).ok();
    server.stop();
    admin(&server.data(), &["restore", path]).fails(1, &["outro programa", "papo admin export"]);
    let rest: Vec<String> = out.lines().map(|line| line.expect("a line")).collect();
    assert_eq!(child.wait().expect("its end").code(), Some(0));
    assert!(rest.len() >= 1_199, "{}", rest.len());
    for (n, line) in std::iter::once(&first).chain(&rest).take(1_200).enumerate() {
        assert!(line.contains(&format!("\"content\":\"{n} x")), "{n}: {line}");
    }
    admin(&server.data(), &["restore", path]).ok();
}

#[test]
fn users_are_a_table_and_lines_of_json() {
    let server = Server::start();
    talk(&server);
    let data = server.data();
    let said = admin(&data, &["users"]).ok();
    let table: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(table[0][0], "VISTO POR ÚLTIMO", "{said}");
    let cell = |cell: &str| cell.trim().to_owned();
    let row = |at: usize| -> Vec<String> { table[at][1..].iter().map(|at| cell(at)).collect() };
    assert_eq!(row(1), ["1 token", "1", "4", "ana"], "{said}");
    assert_eq!(row(2), ["livre", "0", "1", "bia"], "{said}");
    assert_eq!(row(3), ["livre", "1", "1", "Caio 😀"], "{said}");
    let said = admin(&data, &words("users --lang en")).ok();
    assert!(said.starts_with("LAST SEEN") && said.contains("free"), "{said}");

    let said = lines(&admin(&data, &words("users --json")).ok());
    assert_eq!(said.len(), 3);
    let ana = &said[0];
    assert!(number(ana, "last_seen") > 1_700_000_000_000, "{ana}");
    let known = (&ana["claimed"], &ana["password"], &ana["tokens"], &ana["groups"]);
    assert_eq!(known, (&json!(true), &json!(false), &json!(1), &json!(1)), "{ana}");
    assert_eq!(said[1]["claimed"], false);
}

/// Nothing else is left beside a backup than the backup; it is whole, and nobody else reads it.
#[test]
fn a_backup_is_made_while_people_talk_and_overwrites_nothing() {
    let server = Server::start();
    talk(&server);
    let data = server.data();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cópia.db");
    let path = file.to_str().expect("UTF-8");
    let said = admin(&data, &["backup", path]).ok();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains(path) && said.contains("server_files"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&file).expect("the backup").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = fs::read(&file).expect("the backup");
    assert!(!before.windows(7).any(|bytes| bytes == b"segred\xc3"), "a deleted text is in it");
    admin(&data, &["backup", path]).fails(1, &["já existe", "outro nome"]);
    admin(&data, &["backup", path, "--lang", "en"]).fails(1, &["exists", "another name"]);
    assert_eq!(fs::read(&file).expect("the backup"), before);
    admin(&data, &["backup", "/no/such/folder/x.db"]).fails(1, &["/no/such/folder/x.db"]);
    server.still_serves();
}

#[cfg(unix)]
#[test]
fn a_backup_restored_elsewhere_is_a_server_with_the_same_messages() {
    let mut server = Server::start();
    talk(&server);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("b.db");
    let path = file.to_str().expect("UTF-8");
    admin(&server.data(), &["backup", path]).ok();
    let whole = admin(&server.data(), &words("export --user ana --with bia --format jsonl")).ok();
    server.stop();

    let mut other = Server::start();
    other.join("zé").leave();
    let data = other.data();
    admin(&data, &["restore", path]).fails(1, &["Pare-o primeiro"]);
    admin(&data, &["restore", path, "--lang", "en"]).fails(1, &["Stop it first"]);
    other.stop();
    let said = admin(&data, &["restore", path, "--lang", "en"]).ok();
    let (_, old) = said.trim_end().split_once("kept as ").expect("where the old data is");
    assert!(Path::new(old).starts_with(&data) && Path::new(old).is_file(), "{said}");
    assert_eq!(admin(&data, &words("export --user ana --with bia --format jsonl")).ok(), whole);
    // What was there before is whole where it is now: it can be restored, too.
    let new = folder.path().join("new/data");
    assert_eq!(admin(&new, &["restore", old]).ok().lines().count(), 1);
    assert!(admin(&new, &["users"]).ok().contains("zé"));

    other.again();
    let mut bia = other.join("bia");
    let page = bia.ok(&json!({ "type": "history", "with": "ana" }));
    let said: Vec<&Value> = page["messages"].as_array().expect("a list").iter().collect();
    assert_eq!(said.len(), 5, "{page}");
    assert_eq!(said[1]["content"], "tudo bem?");
    bia.tell("ana", "de volta");
}

/// Neither store nor log is one, and both are there afterwards, under other names or none.
#[cfg(unix)]
#[test]
fn a_broken_store_makes_way_for_a_backup_and_is_kept() {
    let mut server = Server::start();
    talk(&server);
    let data = server.data();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("b.db");
    let path = file.to_str().expect("UTF-8");
    admin(&data, &["backup", path]).ok();
    server.kill();
    fs::write(data.join("papo.db"), b"broken").expect("the store is broken");
    fs::write(data.join("papo.db-wal"), b"broken, too").expect("its log is broken");
    admin(&data, &["users"]).fails(1, &["papo.db"]);
    let said = admin(&data, &["restore", path]).ok();
    let (_, old) = said.trim_end().split_once("guardados em ").expect("where the old data is");
    assert!(fs::read(old).expect("the old data") == b"broken");
    assert!(admin(&data, &["users"]).ok().contains("ana"));
    server.again();
    server.still_serves();
}

#[cfg(unix)]
#[test]
fn a_reset_password_is_the_only_way_in() {
    let mut server = Server::start();
    let mut ana = server.connect(common::Framing::Line);
    let token = ana.login("ana", &json!({ "want_token": true }))["token"].clone();
    server.join("bia").leave();
    ana.leave();
    let data = server.data();
    admin(&data, &words("reset-password ana")).fails(1, &["Pare-o primeiro"]);
    server.stop();
    admin(&data, &words("reset-password anna --lang en")).fails(1, &["unknown user: anna", "ana"]);
    let said = admin(&data, &words("reset-password ANA"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("Senha nova de ana"), "{}", said.err);
    let password = said.out.trim_end();
    assert!(password.len() >= 20 && !password.contains('\n'), "{password:?}");
    assert_eq!(admin(&data, &words("reset-password bia --lang en")).code, Some(0));

    server.again();
    let mut ana = server.connect(common::Framing::Line);
    let login = |fields: Value| {
        let mut request = json!({ "type": "login", "username": "ana" });
        for (field, value) in fields.as_object().into_iter().flatten() {
            request[field] = value.clone();
        }
        request
    };
    ana.refused(&login(json!({})), "auth_required");
    ana.refused(&login(json!({ "token": token })), "wrong_password");
    ana.refused(&login(json!({ "password": "palpite" })), "wrong_password");
    ana.ok(&login(json!({ "password": password })));
    let bia = json!({ "type": "login", "username": "bia" });
    server.connect(common::Framing::Line).refused(&bia, "auth_required");
}

#[test]
fn a_folder_without_data_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("nada");
    for data in [folder.path(), &missing] {
        for command in [
            "backup b.db",
            "export --group x",
            "users",
            "reset-password ana",
            "files list",
            "files verify",
        ] {
            admin(data, &words(command)).fails(1, &["não há dados", "papo.db", "--data"]);
        }
        let english = ["users", "--lang", "en"];
        admin(data, &english).fails(1, &["no papo data", "papo.db", "--data"]);
    }
    let file = folder.path().join("x");
    fs::File::create(&file).and_then(|mut file| file.write_all(b"text")).expect("a file");
    for (path, told) in [("x", "não é um arquivo"), ("y", "não existe"), (".", "não é um arquivo")]
    {
        let path = folder.path().join(path);
        admin(&missing, &["restore", path.to_str().expect("UTF-8")]).fails(1, &[told]);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

#[test]
fn what_is_unknown_is_told_with_what_is_like_it() {
    let server = Server::start();
    talk(&server);
    let data = server.data();
    let like = ["usuário desconhecido: anna", "Parecidos: ana"];
    admin(&data, &words("export --user anna --with bia")).fails(1, &like);
    let unlike = ["unknown user: zulmira", "papo admin users"];
    admin(&data, &words("export --user zulmira --with bia --lang en")).fails(1, &unlike);
    let like = ["grupo desconhecido: Trabalho", "Parecidos: Trabalho SD"];
    admin(&data, &words("export --group Trabalho")).fails(1, &like);
    let typed = ["export", "--group", "x\u{1b}[2J"];
    admin(&data, &typed).fails(1, &["x\\u{1b}[2J"]);
}

#[test]
fn wrong_usage_is_exit_code_2_and_every_command_has_its_help() {
    let folder = tempfile::tempdir().expect("a folder");
    for args in [
        "",
        "dance",
        "--bogus",
        "backup",
        "backup --bogus",
        "backup a b",
        "restore",
        "export",
        "export --user ana",
        "export --user ana --with bia --group x",
        "export --group x --format xml",
        "export --group x extra",
        "users extra",
        "users --jsno",
        "reset-password",
        "files",
        "files dance",
        "files list extra",
        "files list --user ana --group x",
        "files list --orphans --user ana",
        "files verify --yes",
        "files prune",
        "files prune --yes",
        "files prune --older-than 90",
        "files prune --older-than 90d --orphans",
        "files prune --larger-than much",
    ] {
        let args: Vec<&str> = args.split_whitespace().collect();
        let said = admin(folder.path(), &args);
        said.fails(2, &["papo admin --help"]);
    }
    for command in ["", "backup", "restore", "export", "files", "users", "reset-password"] {
        for (lang, word, example) in [("pt", "Uso:", "Exemplos:"), ("en", "Usage:", "Examples:")] {
            let args: Vec<&str> = [command, "--help", "--lang", lang]
                .into_iter()
                .filter(|arg| !arg.is_empty())
                .collect();
            let said = admin(folder.path(), &args).ok();
            assert!(said.contains(&format!("papo admin {command}")), "{said}");
            assert!(said.contains(word) && said.contains(example), "{said}");
        }
    }
}
