//! Stories of names with an owner: tokens, passwords, several sessions.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

use super::world::check;

#[test]
fn a_claimed_name_is_entered_with_its_token_or_its_password() {
    check(
        r##"
        ana in "want_token":true
        ana out
        ana in
        ana in "token":"token1"
        ana out
        ana in "token":"token2"
        ana in "token":"token1","want_token":true
        ana {"type":"set_password","password":"um"}
        ana {"type":"set_password","password":"dois"}
        ana {"type":"set_password","password":"dois","old_password":"x"}
        ana {"type":"set_password","password":"dois","old_password":"um"}
        ana~2 in "password":"um"
        ana~2 in "password":"dois","want_token":true
        -- nobody has no password
        zeca in "password":"dois"
        "##,
        r##"
        ana < login token1
        ana < login auth_required
        ana < login token1
        ana < login wrong_password
        ana < login token1
        ana < account
        ana < account wrong_password
        ana < account wrong_password
        ana < account
        ana~2 < login wrong_password
        ana~2 < login token2
        -- nobody has no password
        zeca < login wrong_password
        "##,
    );
}

#[test]
fn two_sessions_of_one_user_hear_the_same() {
    check(
        r##"
        ana in "want_token":true
        ana~2 in "token":"token1"
        bia in
        bia~2 in
        bia {"type":"private_message","recipient":"ana","content":"oi"}
        ana~2 {"type":"private_message","recipient":"bia","content":"olá"}
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"group_message","group_name":"G","content":"e aqui?"}
        ana {"type":"group_message","group_name":"G","content":"também"}
        ana {"type":"private_message","recipient":"ana","content":"nota"}
        ana~2 out
        bia {"type":"private_message","recipient":"ana","content":"só uma"}
        ana {"type":"logout","everywhere":true}
        "##,
        r##"
        ana < login token1
        ana~2 < login token1
        bia < login
        bia~2 < login name_in_use
        ana < private_message #1 first bia oi
        ana~2 < private_message #1 first bia oi
        bia < message #1 (reached)
        bia < private_message #2 after #1 ana olá
        ana < private_message #2 after #1 ana olá
        ana~2 < message #2 (reached)
        ana < group
        ana < group_message #3 first G bia e aqui?
        ana~2 < group_message #3 first G bia e aqui?
        bia < message #3 (reached)
        ana~2 < group_message #4 after #3 G ana também
        bia < group_message #4 after #3 G ana também
        ana < message #4 (reached)
        ana < private_message #5 first ana nota
        ana~2 < private_message #5 first ana nota
        ana < message #5 (reached)
        ana < private_message #6 after #2 bia só uma
        bia < message #6 (reached)
        ana < account
        ana is closed
        "##,
    );
}

#[test]
fn who_logs_out_everywhere_is_out_everywhere() {
    check(
        r##"
        ana in "want_token":true
        ana~2 in "token":"token1"
        ana {"type":"logout","everywhere":true}
        ana out
        ana~2 out
        ana in "token":"token1"
        ana in
        "##,
        r##"
        ana < login token1
        ana~2 < login token1
        ana~2 < error auth_required
        ana~2 is closed
        ana < account
        ana is closed
        ana < login wrong_password
        ana < login auth_required
        "##,
    );
}

#[test]
fn what_one_session_wrote_is_news_for_another() {
    check(
        r##"
        ana in "want_token":true,"features":[]
        bia in
        ana {"type":"private_message","recipient":"bia","content":"um"}
        bia {"type":"private_message","recipient":"ana","content":"dois"}
        ana~2 in "token":"token1","since":0
        ana~3 in "token":"token1"
        "##,
        r##"
        ana < login token1
        ana < synced
        bia < login
        bia < private_message #1 first ana um
        ana < message #1 (reached)
        ana < private_message #2 after #1 bia dois
        bia < message #2 (reached)
        ana~2 < login token1
        ana~2 < private_message #1 first ana um (missed)
        ana~2 < private_message #2 after #1 bia dois (missed)
        ana~2 < synced
        ana~3 < login token1
        "##,
    );
}
