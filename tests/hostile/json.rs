//! Objects that are built to be expensive, to be understood in two ways, or to be taken for others.

use serde_json::{Value, json};

use crate::common::raw::{Came, TEXT, Web, frame};
use crate::common::{Framing, Peer};
use crate::stage::{attack, reset_peer};

/// Sends one line, and gives the code of what comes back, or its type where it is no error.
#[track_caller]
fn says(peer: &mut Peer, line: impl AsRef<[u8]>) -> String {
    peer.send_bytes(&Framing::Line.frame_bytes(line.as_ref()));
    let answer = peer.next();
    answer["code"].as_str().or(answer["type"].as_str()).expect("a code or a type").to_owned()
}

#[test]
fn nesting_without_bottom_is_refused() {
    attack(|stage| {
        for framing in Framing::ALL {
            let mut peer = stage.server.join_as(&format!("mallory {framing:?}"), framing);
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let mut ping = |depth: usize| {
                    let deep = open.repeat(depth) + "1" + &close.repeat(depth);
                    let ping = format!("{{\"type\":\"ping\",\"deep\":{deep}}}");
                    peer.send_bytes(&framing.frame_bytes(ping.as_bytes()));
                    peer.next()
                };
                // The object itself is one of sixteen.
                assert_eq!(ping(15)["type"], "pong");
                for depth in [16, 200, 500_000] {
                    assert_eq!(ping(depth)["code"], "invalid_json", "{depth}");
                }
            }
            peer.nothing_more();
        }
        // One of which the end never comes is kept as far as it has come, and no further.
        let mut peer = stage.server.join("mallory");
        peer.send_bytes(format!("{{\"deep\":{}", "[".repeat(500_000)).as_bytes());
        stage.server.still_serves();
        reset_peer(peer);
    });
}

#[test]
fn a_largest_frame_of_nothing_but_elements_is_too_much() {
    attack(|stage| {
        stage.sees_largest_frames();
        let mut peer = stage.server.join("mallory");
        for element in ["0", "[]", "{}", "\"\"", "null", "1e1", "\"receipts\""] {
            let wide = vec![element; (16 * 1024 * 1024 - 64) / (element.len() + 1)].join(",");
            for field in ["wide", "id", "features"] {
                let line = format!("{{\"type\":\"ping\",\"{field}\":[{wide}]}}");
                assert_eq!(says(&mut peer, line), "too_large");
            }
        }
        let fields = ",\"\":0".repeat(3_000_000);
        assert_eq!(says(&mut peer, format!("{{\"type\":\"ping\"{fields}}}")), "too_large");
    });
}

#[test]
fn the_largest_frame_that_is_read_holds_up_nobody() {
    attack(|stage| {
        stage.sees_largest_frames();
        let mut peer = stage.server.join("mallory");
        // As many elements as there may be, and white space to the last byte.
        let wide = vec!["[]"; 170_000].join(",");
        let mut ping = |field: &str, wide: &str| {
            let space = " ".repeat(16 * 1024 * 1024 - 64 - wide.len());
            says(&mut peer, format!("{{{space}\"type\":\"ping\",\"{field}\":{wide}}}"))
        };
        assert_eq!(ping("wide", &format!("[{wide}]")), "pong");
        // In the place of something that is read it is of the wrong kind.
        assert_eq!(ping("id", &format!("[{wide}]")), "invalid_field");
        let escapes = "\\n".repeat(500_000);
        assert_eq!(ping("content", &format!("\"{escapes}\"")), "pong");
    });
}

#[test]
fn a_list_of_a_hundred_thousand_features_is_survived() {
    attack(|stage| {
        // Before login there is no room for it; a second login is refused whatever it lists.
        let mut peer = stage.server.join("mallory");
        let listed = vec!["\"receipts\""; 100_000].join(",");
        let line = format!("{{\"type\":\"login\",\"username\":\"x\",\"features\":[{listed}]}}");
        assert_eq!(says(&mut peer, line), "already_logged_in");
    });
}

#[test]
fn a_hundred_thousand_unknown_fields_are_ignored() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        let fields: Vec<String> = (0..100_000).map(|n| format!(",\"f{n}\":{n}")).collect();
        let fields = fields.concat();
        assert_eq!(says(&mut peer, format!("{{\"type\":\"ping\"{fields}}}")), "pong");
        let same = ",\"__proto__\":{},\"constructor\":1,\"\":2".repeat(10_000);
        assert_eq!(says(&mut peer, format!("{{\"type\":\"ping\"{same}}}")), "pong");
    });
}

#[test]
fn a_string_of_fifteen_megabytes_is_too_large_wherever_it_stands() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        stage.sees_largest_frames();
        let long = "x".repeat(15 * 1024 * 1024);
        for (kind, field, more, code) in [
            ("private_message", "content", r#","recipient":"vera""#, "too_large"),
            ("private_message", "recipient", r#","content":"oi""#, "unknown_user"),
            ("create_group", "group_name", "", "invalid_name"),
            ("search", "query", "", "too_large"),
            ("set_password", "password", "", "too_large"),
            ("history", "with", "", "unknown_user"),
            ("ping", "id", "", "invalid_field"),
            ("ping", "unknown", "", "pong"),
        ] {
            let line = format!("{{\"type\":\"{kind}\",\"{field}\":\"{long}\"{more}}}");
            assert_eq!(says(&mut peer, line), code, "{kind} {field}");
        }
        let line = format!("{{\"type\":\"{long}\"}}");
        assert_eq!(says(&mut peer, line), "unknown_type");
        let line = format!("{{\"{long}\":1}}");
        assert_eq!(says(&mut peer, line), "missing_field");
    });
}

#[test]
fn a_text_that_grows_sixfold_when_it_is_written_arrives_whole() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        for character in ["\u{1}", "\"", "\\", "\u{7f}", "é", "😀", "\u{2028}"] {
            let content = character.repeat(65_536 / character.len());
            let answer = ana.tell("vera", &content);
            stage.acknowledged("ana", &answer);
            let past = ana.ok(&json!({ "type": "history", "with": "vera", "limit": 1 }));
            assert_eq!(past["messages"][0]["content"], content.as_str(), "{character:?}");
        }
        let over = "x".repeat(65_537);
        let request = json!({ "type": "private_message", "recipient": "vera", "content": over });
        ana.refused(&request, "too_large");
    });
}

#[test]
fn a_field_that_stands_there_twice_is_refused() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        for line in [
            r#"{"type":"ping","type":"logout"}"#,
            r#"{"type":"ping","type":"ping"}"#,
            r#"{"type":"ping","id":1,"id":2}"#,
            r#"{"type":"private_message","recipient":"vera","recipient":"wilma","content":"oi"}"#,
            r#"{"type":"private_message","recipient":"vera","content":"oi","content":"tchau"}"#,
            r#"{"type":"private_message","recipient":"vera","content":"oi","sender":"mallory","sender":"vera"}"#,
        ] {
            assert_eq!(says(&mut peer, line), "invalid_field", "{line}");
        }
        // What nobody reads may stand there as often as it likes.
        assert_eq!(says(&mut peer, r#"{"type":"ping","x":1,"x":2}"#), "pong");
    });
}

#[test]
fn a_field_written_with_escapes_is_the_same_field() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        assert_eq!(says(&mut peer, r#"{"ty\u0070e":"p\u0069ng"}"#), "pong");
        assert_eq!(says(&mut peer, r#"{"type":"ping","ty\u0070e":"logout"}"#), "invalid_field");
        let line =
            r#"{"type":"private_message","recipient":"vera","content":"oi","s\u0065nder":"wilma"}"#;
        assert_eq!(says(&mut peer, line), "sender_mismatch");
        peer.nothing_more();
    });
}

#[test]
fn a_field_in_another_case_is_another_field() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        for line in [
            r#"{"Type":"ping"}"#,
            r#"{"TYPE":"ping"}"#,
            r#"{" type":"ping"}"#,
            r#"{"type\u0000":"ping"}"#,
        ] {
            assert_eq!(says(&mut peer, line), "missing_field", "{line}");
        }
        for kind in ["PING", "Ping", "ping ", "ping\\u0000", "", "../ping"] {
            let line = format!("{{\"type\":\"{kind}\"}}");
            assert_eq!(says(&mut peer, line), "unknown_type", "{kind:?}");
        }
    });
}

#[test]
fn half_a_pair_of_surrogates_is_no_character() {
    attack(|stage| {
        for framing in Framing::ALL {
            let mut peer = stage.server.join_as(&format!("mallory {framing:?}"), framing);
            for half in
                [r"\ud800", r"\udc00", r"\ud83d", r"\ude00\ud83d", r"\ud83d\u0041", r"\ud83dx"]
            {
                let line = format!(
                    "{{\"type\":\"private_message\",\"recipient\":\"vera\",\"content\":\"{half}\"}}"
                );
                peer.send_bytes(&framing.frame_bytes(line.as_bytes()));
                peer.error("invalid_json");
                // What nobody reads is passed over.
                let line = format!("{{\"type\":\"ping\",\"x\":\"{half}\"}}");
                peer.send_bytes(&framing.frame_bytes(line.as_bytes()));
                peer.event("pong");
            }
            let line = r#"{"type":"ping","id":"\ud83d\ude00"}"#;
            peer.send_bytes(&framing.frame_bytes(line.as_bytes()));
            assert_eq!(peer.event("pong")["id"], "😀");
        }
        let mut peer = stage.server.join("mallory");
        assert_eq!(says(&mut peer, r#"{"type":"ping","\ud800":1}"#), "invalid_json");
    });
}

#[test]
fn numbers_without_measure_are_refused_or_passed_over() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        let digits = "9".repeat(1_000_000);
        let numbers = [
            ("-1", "invalid_field"),
            ("0.5", "invalid_field"),
            ("1e3", "invalid_field"),
            ("1e400", "invalid_json"),
            ("-1e400", "invalid_json"),
            ("1e-400", "invalid_field"),
            ("1e999999999999", "invalid_json"),
            ("9007199254740992", "invalid_field"),
            ("18446744073709551615", "invalid_field"),
            ("18446744073709551616", "invalid_field"),
            ("99999999999999999999999999", "invalid_field"),
            ("9007199254740991", "unknown_message"),
            ("0", "unknown_message"),
            ("-0", "invalid_field"),
            ("01", "invalid_json"),
            ("+1", "invalid_json"),
            ("0x10", "invalid_json"),
            ("1_000", "invalid_json"),
            (".5", "invalid_json"),
            ("5.", "invalid_json"),
            ("\u{661}", "invalid_json"),
        ];
        let mut wrong = Vec::new();
        for (number, code) in numbers {
            let line = format!("{{\"type\":\"delete_message\",\"msg_id\":{number}}}");
            let said = says(&mut peer, line);
            if said != code {
                wrong.push((number, said));
            }
            // Fifteen errors of framing are what one connection has.
            peer.leave();
            peer = stage.server.join("mallory");
        }
        assert!(wrong.is_empty(), "{wrong:?}");
        let line = format!("{{\"type\":\"delete_message\",\"msg_id\":{digits}}}");
        let said = says(&mut peer, line);
        assert!(said == "invalid_json" || said == "invalid_field", "{said}");
        assert_eq!(says(&mut peer, format!("{{\"type\":\"ping\",\"x\":0.{digits}}}")), "pong");
    });
}

#[test]
fn numbers_that_say_where_and_how_much_are_kept_in_bounds() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        for number in ["0", "1", "201", "9007199254740991", "18446744073709551615"] {
            for field in ["limit", "before", "after"] {
                let line =
                    format!("{{\"type\":\"history\",\"with\":\"vera\",\"{field}\":{number}}}");
                let said = says(&mut peer, &line);
                assert!(said == "history_response" || said == "invalid_field", "{line}: {said}");
            }
            let line = format!("{{\"type\":\"received\",\"msg_id\":{number}}}");
            peer.send_bytes(&Framing::Line.frame_bytes(line.as_bytes()));
            peer.send(&json!({ "type": "ping", "id": 1 }));
            let mut answer = peer.next();
            if answer["type"] == "error" {
                assert_eq!(answer["code"], "invalid_field", "{line}");
                answer = peer.next();
            }
            assert_eq!(answer["id"], 1, "{line}");
        }
        // A cursor from the future is none: what comes now comes.
        peer.leave();
        for since in [9_007_199_254_740_991_u64, 0] {
            let mut peer = stage.server.connect(Framing::Line);
            peer.login("mallory", &json!({ "since": since, "features": [] }));
            peer.backlog();
            let mut ana = stage.server.join("ana");
            ana.tell("mallory", "agora");
            peer.hears("ana", "agora");
            ana.leave();
            peer.leave();
        }
    });
}

#[test]
fn what_is_no_object_at_the_top_is_no_request() {
    attack(|stage| {
        let mut web = Web::join(&stage.server, "mallory");
        for top in
            ["[]", "[{\"type\":\"ping\"}]", "1", "-0.5e3", "\"ping\"", "null", "true", "", " "]
        {
            web.send_bytes(&frame(TEXT, top.as_bytes()));
            assert_eq!(web.object()["code"], "invalid_json", "{top:?}");
        }
        web.send(&json!({ "type": "ping" }));
        assert_eq!(web.object()["type"], "pong");
    });
}

#[test]
fn what_only_some_readers_take_for_json_is_none() {
    attack(|stage| {
        for (n, lines) in [
            &[
                "{\"type\":\"ping\",}",
                "{\"type\":\"ping\"/**/}",
                "{\"type\":\"ping\"}//",
                "{type:\"ping\"}",
            ][..],
            &[
                "{'type':'ping'}",
                "{\"type\":`ping`}",
                "{\"type\":ping}",
                "{\"x\":NaN}",
                "{\"x\":Infinity}",
            ],
            &[
                "{\"x\":-Infinity}",
                "{\"x\":undefined}",
                "{\"x\":True}",
                "{\"x\":\"\t\"}",
                "{\"x\":\"\\'\"}",
            ],
            &[
                "{\"x\":\"\\u12\"}",
                "{\"x\":\"\\U0001f600\"}",
                "{\"x\" \"y\"}",
                "{\"x\"=1}",
                "{\"type\":\"ping\"\u{a0}}",
            ],
        ]
        .into_iter()
        .enumerate()
        {
            let mut peer = stage.server.join(&format!("mallory {n}"));
            for line in lines {
                assert_eq!(says(&mut peer, line), "invalid_json", "{line}");
            }
            peer.nothing_more();
        }
    });
}

#[test]
fn a_value_of_another_kind_is_refused_with_the_id() {
    attack(|stage| {
        let mut peer = stage.server.join("mallory");
        for (kind, field) in [
            ("private_message", "recipient"),
            ("private_message", "content"),
            ("group_message", "group_name"),
            ("login", "username"),
            ("login", "features"),
            ("login", "want_token"),
            ("history", "limit"),
            ("react", "emoji"),
            ("file_begin", "size"),
            ("file_chunk", "data"),
        ] {
            let long = json!([[]]);
            for value in [json!({}), long, json!({ "toString": 1 }), json!(-1.5)] {
                let request = json!({ "type": kind, "id": "meu", field: value });
                peer.send(&request);
                let answer = peer.next();
                assert_eq!(answer["code"], "invalid_field", "{request} -> {answer}");
                assert_eq!(answer["id"], "meu", "{request} -> {answer}");
            }
        }
        for id in [json!({}), json!([]), json!(true), json!(1.5), json!("x".repeat(65))] {
            peer.send(&json!({ "type": "ping", "id": id }));
            let answer = peer.next();
            assert_eq!(
                (&answer["code"], answer.get("id")),
                (&json!("invalid_field"), None),
                "{id}"
            );
        }
    });
}

#[test]
fn words_that_a_database_could_obey_are_words() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let words = [
            "'; DROP TABLE messages; --",
            "\" OR 1=1 --",
            "%",
            "_",
            "*",
            "\"",
            "\"\"\"",
            "NEAR(a b)",
            "a AND",
            "OR OR",
            "NOT",
            "-x",
            "^x",
            "content:x",
            "{a b}:c",
            "(((",
            "a*b*",
            "\u{0}",
            "x\u{0}y",
            "+",
            "\\",
        ];
        for word in words {
            let answer = ana.tell("vera", word);
            stage.acknowledged("ana", &answer);
        }
        for word in words {
            let found = ana.ok(&json!({ "type": "search", "query": word }));
            let found = found["messages"].as_array().expect("a list");
            let has_letter = word.chars().any(char::is_alphanumeric);
            let is_there = found.iter().any(|message| message["content"] == word);
            assert!(is_there || !has_letter, "{word:?} is not in {found:?}");
        }
        let longest = "\"".repeat(1_024);
        ana.ok(&json!({ "type": "search", "query": longest }));
        ana.refused(&json!({ "type": "search", "query": longest + "\"" }), "too_large");
        // A name is as little obeyed.
        for name in ["x' OR '1'='1", "x\"; --", "%", "*"] {
            ana.refused(&json!({ "type": "history", "with": name }), "unknown_user");
        }
    });
}

#[test]
fn a_bomb_in_fragments_is_counted_as_one() {
    attack(|stage| {
        // 16 MiB in messages of which none ends.
        let mut web = Web::join(&stage.server, "mallory");
        web.send_bytes(&frame(0x01, b"{\"type\":\"ping\",\"x\":\""));
        let part = frame(0x00, &vec![b'x'; 1024 * 1024]);
        let mut writer = web.writer();
        for _ in 0..17 {
            // The server may have had enough before the last of them.
            if std::io::Write::write_all(&mut writer, &part).is_err() {
                break;
            }
        }
        assert_eq!(web.object()["code"], "frame_too_large");
        assert_eq!(web.next(), Came::Close(Some(1009)));
    });
}

/// Ids are labels and nothing else: no two of these are one.
#[test]
fn ids_that_look_alike_are_not_taken_for_one_another() {
    attack(|stage| {
        let mut ana = stage.server.join("ana");
        let ids: Vec<Value> = vec![
            json!(1),
            json!("1"),
            json!("01"),
            json!(" 1"),
            json!("é"),
            json!("e\u{301}"),
            json!("A"),
            json!("a"),
            json!("x\u{0}"),
            json!("x"),
        ];
        for (n, id) in ids.iter().enumerate() {
            let content = format!("de número {n}");
            let request = json!({
                "type": "private_message", "recipient": "vera", "content": content, "id": id,
            });
            let answer = ana.ok(&request);
            stage.acknowledged("ana", &answer);
            // Sent again it is the same, with other words a conflict.
            assert_eq!(ana.ok(&request)["msg_id"], answer["msg_id"], "{id}");
            let other = json!({
                "type": "private_message", "recipient": "vera", "content": "outra", "id": id,
            });
            ana.refused(&other, "id_conflict");
        }
        let past = ana.ok(&json!({ "type": "history", "with": "vera", "limit": 200 }));
        assert_eq!(past["messages"].as_array().expect("a list").len(), ids.len());
    });
}
