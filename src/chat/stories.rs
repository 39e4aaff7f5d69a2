//! Stories: what people do, one line each, and what everybody's screen shows for it. The core
//! alone, with no server running.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

mod accounts;
mod limits;
mod races;
mod store;
mod world;

use super::{Arrival, Caller, Chat, Effect, Effects, Now, SessionId};
use crate::limits::Limits;
use crate::text::Lang;
use crate::wire::event::Incoming;
use crate::wire::request::{self, Request};
use world::check;

#[test]
fn two_people_talk() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"private_message","recipient":"bia","content":"oi"}
        bia {"type":"private_message","recipient":"ANA","content":"olá","reply_to":1}
        ana {"type":"list_users"}
        ana {"type":"private_message","recipient":"ninguém","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        bia < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < private_message #2 after #1 bia olá
        bia < message #2 (reached)
        ana < users_list ["ana", "bia"]
        ana < message unknown_user
        "#,
    );
}

#[test]
fn a_group_hears_everybody_and_strangers_do_not() {
    check(
        r#"
        ana in "features":["groups"]
        bia in
        caio in
        ana {"type":"create_group","group_name":"Trabalho"}
        bia {"type":"join_group","group_name":"trabalho"}
        ana {"type":"group_message","group_name":"Trabalho","content":"oi"}
        bia {"type":"list_group_members","group_name":"Trabalho"}
        caio {"type":"list_group_members","group_name":"Trabalho"}
        -- to write is to join
        caio {"type":"group_message","group_name":"Trabalho","content":"posso?"}
        bia {"type":"join_group","group_name":"Trabalho"}
        bia {"type":"create_group","group_name":"TRABALHO"}
        "#,
        r#"
        ana < login
        ana < synced
        bia < login
        caio < login
        ana < group_event Trabalho created ana ana
        ana < group
        ana < group_event Trabalho joined bia bia
        bia < group
        bia < group_message #1 first Trabalho ana oi
        ana < message #1 (reached)
        bia < members_list Trabalho ["ana", "bia"] ana=admin bia=member
        caio < members_list not_member
        -- to write is to join
        ana < group_event Trabalho joined caio caio
        ana < group_message #2 after #1 Trabalho caio posso?
        bia < group_message #2 after #1 Trabalho caio posso?
        caio < message #2 (reached)
        bia < group already_member
        bia < group group_exists
        "#,
    );
}

#[test]
fn a_private_group_is_entered_by_being_added() {
    check(
        r#"
        ana in
        bia in
        caio in
        ana {"type":"create_group","group_name":"Nós","private":true}
        bia {"type":"join_group","group_name":"Nós"}
        bia {"type":"group_message","group_name":"Nós","content":"oi"}
        bia {"type":"add_member","group_name":"Nós","new_member":"bia"}
        ana {"type":"add_member","group_name":"Nós","new_member":"bia"}
        bia {"type":"add_member","group_name":"Nós","new_member":"caio"}
        bia {"type":"remove_member","group_name":"Nós","member":"caio"}
        ana {"type":"remove_member","group_name":"Nós","member":"caio"}
        caio {"type":"group_message","group_name":"Nós","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        caio < login
        ana < group
        bia < group not_member
        bia < message not_member
        bia < member not_member
        bia < added_to_group Nós ana
        ana < member
        caio < added_to_group Nós bia
        bia < member
        bia < member not_admin
        ana < member
        caio < message not_member
        "#,
    );
}

#[test]
fn a_group_is_never_without_an_admin_and_never_empty() {
    check(
        r#"
        ana in
        bia in "features":["groups"]
        caio in
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        ana {"type":"leave_group","group_name":"G"}
        bia {"type":"demote_member","group_name":"G","member":"bia"}
        caio {"type":"rename_group","group_name":"G","new_name":"H"}
        caio {"type":"list_groups"}
        caio {"type":"leave_group","group_name":"G"}
        caio {"type":"leave_group","group_name":"H"}
        bia {"type":"leave_group","group_name":"H"}
        bia {"type":"leave_group","group_name":"H"}
        "#,
        r#"
        ana < login
        bia < login
        bia < synced
        caio < login
        ana < group
        bia < group_event G joined bia bia
        bia < group
        bia < group_event G joined caio caio
        caio < group
        bia < group_event G left ana ana
        bia < group_event G promoted bia bia
        ana < group
        bia < group_event G demoted bia bia
        bia < group_event G promoted caio caio
        bia < member
        bia < group_event G renamed caio caio H
        caio < group
        caio < groups_list ["H"] H=admin
        caio < group unknown_group
        bia < group_event H left caio caio
        bia < group_event H promoted bia bia
        caio < group
        bia < group_event H left bia bia
        bia < group
        bia < group unknown_group
        "#,
    );
}

#[test]
fn of_two_changes_stored_together_the_second_is_judged_after_the_first() {
    check(
        r#"
        ana in
        bia in
        caio in
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        ana {"type":"promote_member","group_name":"G","member":"bia"}
        -- bia is an admin when she asks, and none when it is her turn
        ana + {"type":"demote_member","group_name":"G","member":"bia"}
        bia {"type":"remove_member","group_name":"G","member":"caio"}
        -- once is enough
        ana + {"type":"remove_member","group_name":"G","member":"caio"}
        ana {"type":"remove_member","group_name":"G","member":"caio"}
        ana + {"type":"add_member","group_name":"G","new_member":"caio"}
        bia {"type":"add_member","group_name":"G","new_member":"caio"}
        -- one name for one group
        ana + {"type":"create_group","group_name":"H"}
        bia {"type":"create_group","group_name":"h"}
        ana + {"type":"delete_group","group_name":"G"}
        ana {"type":"rename_group","group_name":"G","new_name":"I"}
        bia {"type":"create_group","group_name":"I"}
        -- the group is gone before the message
        bia + {"type":"delete_group","group_name":"I"}
        bia {"type":"group_message","group_name":"I","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        caio < login
        ana < group
        bia < group
        caio < group
        ana < member
        -- bia is an admin when she asks, and none when it is her turn
        ana < member
        bia < member not_admin
        -- once is enough
        ana < member
        ana < member not_member
        caio < added_to_group G ana
        ana < member
        bia < member already_member
        -- one name for one group
        bia < group group_exists
        ana < group
        ana < group
        ana < group unknown_group
        bia < group
        -- the group is gone before the message
        bia < group
        bia < message unknown_group
        "#,
    );
}

#[test]
fn who_was_away_is_told_in_order_and_then_lives_on() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"create_group","group_name":"G"}
        bia out
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"group_message","group_name":"G","content":"dois"}
        bia in
        ana {"type":"private_message","recipient":"bia","content":"três"}
        bia out
        bia in
        bia out
        bia in "since":0
        "#,
        r#"
        ana < login
        bia < login
        ana < group
        ana < message #1
        ana < member
        ana < message #2
        bia < login
        bia < private_message #1 first ana um (missed)
        bia < added_to_group G ana (missed)
        bia < group_message #2 first G ana dois (missed)
        bia < synced
        bia < private_message #3 after #1 ana três
        ana < message #3 (reached)
        bia < login
        bia < login
        bia < private_message #1 first ana um (missed)
        bia < added_to_group G ana (missed)
        bia < group_message #2 first G ana dois (missed)
        bia < private_message #3 after #1 ana três (missed)
        bia < synced
        "#,
    );
}

#[test]
fn who_reads_slowly_loses_nothing() {
    check(
        r#"
        ana in
        bia in
        bia stalls
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        bia reads
        ana {"type":"private_message","recipient":"bia","content":"três"}
        "#,
        r#"
        ana < login
        bia < login
        ana < message #1 (reached)
        ana < message #2
        bia < private_message #1 first ana um
        bia < private_message #2 after #1 ana dois
        bia < private_message #3 after #2 ana três
        ana < message #3 (reached)
        "#,
    );
}

#[test]
fn a_request_sent_again_is_answered_and_not_delivered_again() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"private_message","id":"a","recipient":"bia","content":"oi"}
        ana {"type":"private_message","id":"a","recipient":"bia","content":"oi"}
        ana {"type":"private_message","id":"a","recipient":"bia","content":"outra"}
        ana {"type":"private_message","id":"a","recipient":"ana","content":"oi"}
        bia {"type":"private_message","id":"a","recipient":"ana","content":"oi"}
        "#,
        r#"
        ana < login
        bia < login
        bia < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < message #1
        ana < message id_conflict
        ana < message id_conflict
        ana < private_message #2 after #1 bia oi
        bia < message #2 (reached)
        "#,
    );
}

#[test]
fn nobody_speaks_in_another_name() {
    check(
        r#"
        ana in
        ana {"type":"private_message","sender":"bia","recipient":"ana","content":"oi"}
        ana {"type":"private_message","sender":"ANA","recipient":"ana","content":"oi"}
        ana {"type":"list_groups","username":"bia"}
        ana {"type":"create_group","creator":"bia","group_name":"G"}
        ana {"type":"list_groups","username":"ana"}
        "#,
        r#"
        ana < login
        ana < message sender_mismatch
        ana < private_message #1 first ana oi
        ana < message #1 (reached)
        ana < groups_list sender_mismatch
        ana < group sender_mismatch
        ana < groups_list []
        "#,
    );
}

#[test]
fn logging_in_has_its_rules() {
    check(
        r#"
        ana in
        Ana in
        аna in
        bia in "password":"x"
        a/b in
        caio in "lang":"en"
        caio {"type":"login","username":"dora"}
        caio {"type":"dance"}
        -- the name is taken by who is there
        caio in
        "#,
        r"
        ana < login
        Ana < login name_in_use
        аna < login name_confusable
        bia < login wrong_password
        a/b < login invalid_name
        caio < login
        caio < login already_logged_in
        caio < error unknown_type
        -- the name is taken by who is there
        caio < login name_in_use
        ",
    );
}

#[test]
fn presence_and_typing_reach_those_who_share_something() {
    check(
        r#"
        ana in "features":["presence","typing"]
        bia in "features":["typing"]
        ana {"type":"typing","with":"bia"}
        bia {"type":"private_message","recipient":"ana","content":"oi"}
        ana {"type":"typing","with":"bia"}
        ana {"type":"typing","with":"bia"}
        wait 3000
        ana {"type":"typing","with":"bia"}
        bia out
        caio in
        bia in "features":["typing"]
        "#,
        r#"
        ana < login
        ana < synced
        bia < login
        bia < synced
        ana < private_message #1 first bia oi
        bia < message #1 (reached)
        bia < typing ana
        bia < typing ana
        ana < presence bia offline
        caio < login
        bia < login
        ana < presence bia online
        bia < synced
        "#,
    );
}

#[test]
fn a_file_is_kept_first_and_then_relayed() {
    check(
        r#"
        ana in
        bia in
        ana {"type":"send_file","recipient":"bia","filename":"../x.txt","file_data":"b2k="}
        ana {"type":"send_file","recipient":"bia","filename":"x","file_data":"disk full"}
        ana {"type":"send_file","recipient":"G","filename":"x","file_data":"","file_type":"group"}
        ana {"type":"create_group","group_name":"G"}
        bia out
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"send_file","recipient":"G","filename":"x","file_data":"","file_type":"group"}
        bia in
        "#,
        r#"
        ana < login
        bia < login
        bia < file #1 first ana x.txt b2k=
        ana < file #1 (reached)
        ana < file storage_unavailable
        ana < file unknown_group
        ana < group
        ana < member
        ana < file #2
        bia < login
        bia < added_to_group G ana (missed)
        bia < group_file #2 first G ana x (missed)
        bia < synced
        "#,
    );
}

#[test]
fn requests_before_login_change_nothing() {
    let mut chat = Chat::new(Lang::Pt);
    let mut fx = Effects::default();
    let session = SessionId { index: 0, generation: 0 };
    for (frame, code) in [
        (r#"{"type":"private_message","recipient":"x","content":"y"}"#, "not_logged_in"),
        (r#"{"type":"private_message"}"#, "not_logged_in"),
        (r#"{"type":"nothing"}"#, "not_logged_in"),
        (r#"{"type":"login"}"#, "missing_field"),
        ("{}", "missing_field"),
        ("[]", "invalid_json"),
    ] {
        let envelope = request::decode(frame.as_bytes(), &Limits::default());
        assert!(!matches!(envelope.request, Ok(Request::Ping)));
        let caller = &mut Caller::new(None);
        let arrival = Arrival { caller, bytes: frame.len() };
        chat.handle(session, arrival, envelope, Now::default(), &mut fx);
        let Some(Effect::Send { frame: answer, .. }) = fx.list().first() else { panic!("{frame}") };
        let answer = Incoming::decode(fx.bytes(answer)).unwrap();
        assert_eq!(answer.code.as_deref(), Some(code), "{frame}");
        assert!(fx.batch.is_empty());
        fx.drained();
    }
}
