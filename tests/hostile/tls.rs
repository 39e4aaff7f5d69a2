//! TLS where there is none, TLS that is none, and TLS that breaks off.

use std::io::{Read, Write};
use std::net::Shutdown;

use serde_json::json;

use crate::common::secure::Secure;
use crate::stage::{attack, attack_with, login_line, read_to_end, reset};

const TLS: &[&str] = &["--tls", "auto"];

/// The beginning of a hello of 165 bytes.
const HELLO: &[u8] =
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x00\x01\x02\x03\x04\x05\x06\x07";

/// An alert, and none of it text.
#[track_caller]
fn is_alert(said: &[u8]) {
    assert_eq!(said.first(), Some(&0x15), "{said:?}");
    assert!(said.len() < 64, "{said:?}");
}

#[test]
fn a_hello_to_a_server_without_a_certificate_is_closed_without_a_word() {
    attack(|stage| {
        stage.closes_silently(HELLO);
        stage.closes_silently(b"\x16");
        stage.closes_silently(&vec![0x16; 100_000]);
    });
}

#[test]
fn nonsense_after_the_first_byte_gets_an_alert() {
    attack_with(TLS, |stage| {
        for nonsense in [
            &b"\x16 is not what a hello looks like"[..],
            // A record of more than it may have.
            b"\x16\x03\x01\xff\xff",
            // A hello that is no hello.
            b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
            // Versions from before and after.
            b"\x16\x09\x09\x00\x05hello",
        ] {
            let mut stream = stage.strike(nonsense);
            let _ = stream.shutdown(Shutdown::Write);
            is_alert(&read_to_end(&mut stream));
        }
    });
}

#[test]
fn a_hello_of_tls_1_0_alone_gets_an_alert() {
    attack_with(TLS, |stage| {
        // Version 3.1, no extensions: nothing newer is offered.
        let mut body = b"\x03\x01".to_vec();
        body.extend([7; 32]);
        body.extend(b"\x00\x00\x04\xc0\x13\x00\x2f\x01\x00");
        let length = u8::try_from(body.len()).expect("short");
        let mut hello = vec![0x16, 3, 1, 0, length + 4, 1, 0, 0, length];
        hello.extend(body);
        is_alert(&read_to_end(&mut stage.strike(&hello)));
    });
}

#[test]
fn a_hello_without_end_is_cut_off() {
    attack_with(TLS, |stage| {
        let mut hello = b"\x16\x03\x01\x40\x00\x01\x00\xff\xff".to_vec();
        hello.resize(5 + 16_384, 0);
        let mut stream = stage.server.dial();
        for _ in 0..5 {
            let _ = stream.write_all(&hello);
            hello[5..9].fill(0);
        }
        read_to_end(&mut stream);
    });
}

#[test]
fn a_hello_of_empty_records_is_cut_off() {
    attack_with(TLS, |stage| {
        let mut stream = stage.strike(&b"\x16\x03\x01\x00\x00".repeat(100_000));
        read_to_end(&mut stream);
    });
}

#[test]
fn half_a_hello_and_the_end_leaves_nothing() {
    attack_with(TLS, |stage| {
        for length in 1..HELLO.len() {
            let mut stream = stage.strike(&HELLO[..length]);
            stream.shutdown(Shutdown::Write).expect("a half-close");
            read_to_end(&mut stream);
            reset(stage.strike(&HELLO[..length]));
        }
    });
}

#[test]
fn five_hundred_half_hellos_hold_up_nobody() {
    attack_with(TLS, |stage| {
        let half: Vec<_> = (0..500).map(|_| stage.strike(HELLO)).collect();
        Secure::join(&stage.server, "ana");
        stage.server.still_serves();
        half.into_iter().for_each(reset);
    });
}

#[test]
fn a_connection_that_ends_without_its_farewell_is_over() {
    attack_with(TLS, |stage| {
        let mut ana = Secure::join(&stage.server, "ana");
        ana.send(&json!({ "type": "private_message", "recipient": "vera", "content": "oi" }));
        let answer = ana.next();
        stage.acknowledged("ana", &answer);
        // The stream is cut, as somebody between the two could.
        ana.socket().shutdown(Shutdown::Write).expect("a half-close");
        let mut rest = [0; 64];
        assert_eq!(ana.read_plain(&mut rest).expect("an orderly end"), 0);
        let mut curious = stage.server.join("curiosa");
        curious.waits_until_gone("ana");
    });
}

#[test]
fn a_record_that_was_changed_on_the_way_is_the_end() {
    attack_with(TLS, |stage| {
        let mut ana = Secure::join(&stage.server, "ana");
        // What looks like a record of data, with a wrong tag.
        let mut forged = b"\x17\x03\x03\x00\x40".to_vec();
        forged.extend([0x41; 64]);
        ana.socket().write_all(&forged).expect("the server reads");
        let mut byte = [0];
        assert!(!matches!(ana.read_plain(&mut byte), Ok(1..)));
        let mut curious = stage.server.join("curiosa");
        curious.waits_until_gone("ana");
    });
}

#[test]
fn plain_text_in_a_tls_connection_is_the_end() {
    attack_with(TLS, |stage| {
        let mut ana = Secure::join(&stage.server, "ana");
        ana.socket().write_all(b"{\"type\":\"ping\"}\n").expect("the server reads");
        let mut byte = [0];
        assert!(!matches!(ana.read_plain(&mut byte), Ok(1..)));
    });
}

#[test]
fn a_heartbeat_of_tls_bleeds_nothing() {
    attack_with(TLS, |stage| {
        // Before the handshake, and with more announced than there is.
        let mut stream = stage.strike(b"\x18\x03\x02\x00\x03\x01\x40\x00");
        let said = read_to_end(&mut stream);
        assert!(said.starts_with(b"{\"type\":\"error\""), "{said:?}");
        let mut ana = Secure::join(&stage.server, "ana");
        ana.socket().write_all(b"\x18\x03\x03\x00\x03\x01\x40\x00").expect("the server reads");
        let mut all = Vec::new();
        let _ = ana.socket().read_to_end(&mut all);
        is_alert_or_record(&all);
    });
}

/// At most an alert, which is encrypted by then.
#[track_caller]
fn is_alert_or_record(said: &[u8]) {
    assert!(matches!(said.first(), None | Some(0x15 | 0x17)), "{said:?}");
    assert!(said.len() < 64, "{} bytes", said.len());
}

#[test]
fn tls_inside_of_tls_is_spoken_by_nobody() {
    attack_with(TLS, |stage| {
        let mut ana = Secure::connect(&stage.server);
        ana.send_bytes(HELLO);
        let mut byte = [0];
        assert!(!matches!(ana.read_plain(&mut byte), Ok(1..)));
    });
}

#[test]
fn alerts_instead_of_a_hello_are_sent_away() {
    attack_with(TLS, |stage| {
        // Everything but a handshake begins otherwise, and is no framing.
        stage.sends_away(b"\x15\x03\x01\x00\x02\x01\x00", "invalid_frame");
        stage.sends_away(b"\x14\x03\x03\x00\x01\x01", "invalid_frame");
        stage.sends_away(b"\x80\x2e\x01\x00\x02", "invalid_frame");
        // And one after the handshake's first byte.
        let mut stream = stage.strike(&[HELLO, b"\x15\x03\x01\x00\x02\x02\x28"].concat());
        let _ = stream.shutdown(Shutdown::Write);
        read_to_end(&mut stream);
    });
}

#[test]
fn a_reset_in_the_middle_of_a_handshake_and_of_a_frame() {
    attack_with(TLS, |stage| {
        for _ in 0..30 {
            let mut ana = Secure::connect(&stage.server);
            ana.send_bytes(&login_line("ana")[..10]);
            reset(ana.socket().try_clone().expect("a handle"));
        }
        let mut curious = stage.server.join("curiosa");
        curious.nothing_more();
    });
}

#[test]
fn a_crowd_of_hellos_is_served_beside_those_who_talk() {
    attack_with(TLS, |stage| {
        let server = &stage.server;
        std::thread::scope(|scope| {
            for number in 0..40 {
                scope.spawn(move || Secure::join(server, &format!("n{number}")));
            }
        });
    });
}
