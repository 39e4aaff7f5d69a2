//! Requests, read from what clients send.

use super::*;
use crate::limits::CONTENT_BYTES_MAX;

fn decode(frame: &[u8]) -> Envelope<'_> {
    super::decode(frame, &Limits::default())
}

fn refused(frame: &str) -> (Code, Option<&'static str>) {
    let refusal = decode(frame.as_bytes()).request.expect_err(frame);
    (refusal.code, refusal.field)
}

#[test]
fn a_message_is_read_without_a_copy() {
    let frame =
        br#"{"type":"private_message","id":7,"sender":"ana","recipient":"bia","content":"oi"}"#;
    let envelope = decode(frame);
    assert_eq!(envelope.id, Some(RequestId::Number(7)));
    assert_eq!(envelope.answer, "message_response");
    assert_eq!(envelope.speakers[0].as_deref(), Some("ana"));
    let Ok(Request::Message { to, content, reply_to: None }) = envelope.request else {
        panic!("not a message")
    };
    assert_eq!(to, Target::User(Text::from("bia")));
    assert!(matches!(content.0, std::borrow::Cow::Borrowed("oi")));
}

#[test]
fn escapes_are_understood() {
    let envelope = decode(
        br#"{"type":"group_message","group_name":"caf\u00e9","content":"\n\"\ud83d\ude00"}"#,
    );
    let Ok(Request::Message { to, content, .. }) = envelope.request else { panic!() };
    assert_eq!(to, Target::Group(Text::from("café")));
    assert_eq!(&*content, "\n\"😀");
}

#[test]
fn what_is_no_object_is_no_json_to_us() {
    for frame in [
        "",
        "[]",
        "[1,2]",
        "1",
        "\"x\"",
        "null",
        "{",
        "{]",
        "{\"type\":}",
        "{\"type\":\"ping\"}x",
        "{\"type\":\"ping\"}{}",
        "{'type':'ping'}",
        "{\"a\":\"\\ud800\"}x",
        "{\"content\":\"\u{1}\"}",
    ] {
        assert_eq!(refused(frame), (Code::InvalidJson, None), "{frame}");
    }
    assert_eq!(decode(b"{\"type\":\"\xff\"}").request, Err(Code::InvalidJson.into()));
}

#[test]
fn what_is_nested_too_deep_is_no_json() {
    let nested = |depth: usize| {
        let inner = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
        format!(r#"{{"type":"ping","more":{inner}}}"#)
    };
    let limits = Limits { json_depth_max: 16, ..Limits::default() };
    let read = |depth| super::decode(nested(depth).as_bytes(), &limits).request.is_ok();
    assert!(read(16) && !read(17));
    assert_eq!(refused(&nested(100_000)), (Code::InvalidJson, None));
}

#[test]
fn the_longest_text_is_the_operators_choice() {
    let limits = Limits { content_bytes_max: 4, ..Limits::default() };
    for (content, fits) in [("1234", true), ("12345", false), ("éé", true), ("ééé", false)] {
        for request in
            ["private_message\",\"recipient\":\"bia", "edit_message\",\"msg_id\":7,\"x\":\""]
        {
            let frame = format!(r#"{{"type":"{request}","content":"{content}"}}"#);
            let refusal = Refusal { code: Code::TooLarge, field: Some("content") };
            let read = super::decode(frame.as_bytes(), &limits).request;
            assert!(if fits { read.is_ok() } else { read == Err(refusal) }, "{frame}");
        }
    }
}

#[test]
fn wrong_types_are_refused_with_the_id_repeated() {
    for frame in [
        r#"{"id":"a","type":5}"#,
        r#"{"type":"ping","id":"a","content":{}}"#,
        r#"{"type":"login","id":"a","username":"x","since":-1}"#,
        r#"{"type":"ping","type":"ping","id":"a"}"#,
    ] {
        let envelope = decode(frame.as_bytes());
        assert_eq!(envelope.request, Err(Code::InvalidField.into()), "{frame}");
        assert_eq!(envelope.id, Some(RequestId::Text(Text::from("a"))), "{frame}");
    }
    for frame in [
        r#"{"type":"ping","id":1.5}"#,
        r#"{"type":"ping","id":[]}"#,
        r#"{"type":"ping","id":9007199254740992}"#,
    ] {
        assert_eq!(refused(frame), (Code::InvalidField, None), "{frame}");
    }
    let long = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65));
    assert_eq!(refused(&long), (Code::InvalidField, None));
}

#[test]
fn what_is_missing_is_named() {
    for (frame, field) in [
        (r"{}", "type"),
        (r#"{"type":"login"}"#, "username"),
        (r#"{"type":"private_message","content":"x"}"#, "recipient"),
        (r#"{"type":"private_message","recipient":"x","content":""}"#, "content"),
        (r#"{"type":"private_message","recipient":"x","content":null}"#, "content"),
        (r#"{"type":"group_message","content":"x"}"#, "group_name"),
        (r#"{"type":"add_member","group_name":"x"}"#, "new_member"),
        (r#"{"type":"rename_group","group_name":"x"}"#, "new_name"),
        (r#"{"type":"send_file","recipient":"x","filename":"y"}"#, "file_data"),
        (r#"{"type":"typing"}"#, "group_name"),
    ] {
        assert_eq!(refused(frame), (Code::MissingField, Some(field)), "{frame}");
    }
    assert_eq!(refused(r#"{"type":"dance"}"#), (Code::UnknownType, None));
    let long = "x".repeat(CONTENT_BYTES_MAX + 1);
    let long = format!(r#"{{"type":"private_message","recipient":"x","content":"{long}"}}"#);
    assert_eq!(refused(&long), (Code::TooLarge, Some("content")));
}

#[test]
fn unknown_fields_are_passed_over() {
    let frame = br#"{"type":"ping","extra":{"deep":[1,{"a":null}]},"id":"x"}"#;
    assert_eq!(decode(frame).request, Ok(Request::Ping));
}
