//! Stories of too much: of messages, of bytes, of guesses, of names, of people.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

use super::world::{check, check_with};
use crate::limits::Limits;

#[test]
fn who_writes_too_fast_is_refused_and_goes_on_later() {
    let limits = Limits { messages_per_s_max: 2, messages_burst_max: 3, ..Limits::default() };
    check_with(
        limits,
        r##"
        from 7
        ana in
        bia in
        ana {"type":"private_message","recipient":"bia","content":"um","id":"1"}
        ana {"type":"private_message","recipient":"bia","content":"dois","id":"2"}
        ana {"type":"react","msg_id":#1,"emoji":"👍"}
        -- that was all at once
        ana {"type":"private_message","recipient":"bia","content":"três","id":"3"}
        ana {"type":"react","msg_id":#1,"emoji":""}
        ana {"type":"delete_message","msg_id":#1}
        ana {"type":"edit_message","msg_id":#1,"content":"x"}
        -- what is no message goes on, and so do others
        ana {"type":"list_users"}
        bia {"type":"private_message","recipient":"ana","content":"calma"}
        wait 499
        ana {"type":"private_message","recipient":"bia","content":"três","id":"3"}
        wait 1
        -- nothing was done before under this id
        ana {"type":"private_message","recipient":"bia","content":"três!","id":"3"}
        "##,
        r##"
        ana < login
        bia < login
        bia < private_message #1 first ana um
        ana < message #1 (reached)
        bia < private_message #2 after #1 ana dois
        ana < message #2 (reached)
        ana < message #1
        -- that was all at once
        ana < message rate_limited
        ana < message rate_limited
        ana < message rate_limited
        ana < message rate_limited
        -- what is no message goes on, and so do others
        ana < users_list ["ana", "bia"]
        ana < private_message #3 after #2 bia calma
        bia < message #3 (reached)
        ana < message rate_limited
        -- nothing was done before under this id
        bia < private_message #4 after #3 ana três!
        ana < message #4 (reached)
        "##,
    );
}

#[test]
fn bytes_are_counted_but_those_of_files_are_not() {
    let limits = Limits { bytes_per_s_max: 100, bytes_burst_max: 200, ..Limits::default() };
    check_with(
        limits,
        r##"
        from 7
        ana in
        wait 2000
        ana {"type":"ping","more":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"}
        ana {"type":"list_groups"}
        ana {"type":"send_file","recipient":"ana","filename":"f","file_data":"YQ==","file_type":"private"}
        ana {"type":"file_get","file_id":5}
        ana {]
        wait 2000
        ana {"type":"list_groups"}
        "##,
        r##"
        ana < login
        ana < pong
        ana < groups_list rate_limited
        ana < file #1 first ana f YQ==
        ana < file #1 (reached)
        ana < file unknown_file
        ana < error invalid_json
        ana < groups_list []
        "##,
    );
}

#[test]
fn on_this_machine_nobody_is_too_fast() {
    let limits = Limits {
        messages_burst_max: 1,
        bytes_burst_max: 1,
        account_tries_max: 1,
        registrations_max: 1,
        ..Limits::default()
    };
    check_with(
        limits,
        r##"
        ana in
        bia in
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        ana~2 in "password":"x"
        ana~2 {"type":"login","username":"ana","password":"y"}
        "##,
        r##"
        ana < login
        bia < login
        bia < private_message #1 first ana um
        ana < message #1 (reached)
        bia < private_message #2 after #1 ana dois
        ana < message #2 (reached)
        ana~2 < login wrong_password
        ana~2 < login wrong_password
        "##,
    );
}

#[test]
fn the_fifth_wrong_password_is_the_connections_last() {
    check(
        r##"
        ana in "want_token":true
        ana {"type":"set_password","password":"certa"}
        bia in "password":"1"
        bia {"type":"login","username":"ana","token":"2"}
        bia {"type":"login","username":"nobody","password":"3"}
        bia {"type":"login","username":"ana","password":"4"}
        bia {"type":"login","username":"ana","token":"5"}
        -- another connection begins anew
        ana~2 in "password":"1"
        ana~2 {"type":"login","username":"ana","password":"certa"}
        -- and who is in may be wrong as often, with the old password
        ana~2 {"type":"set_password","password":"nova","old_password":"2"}
        ana~2 {"type":"set_password","password":"nova","old_password":"3"}
        ana~2 {"type":"set_password","password":"nova","old_password":"4"}
        ana~2 {"type":"set_password","password":"nova","old_password":"5"}
        "##,
        r##"
        ana < login token1
        ana < account
        bia < login wrong_password
        bia < login wrong_password
        bia < login wrong_password
        bia < login wrong_password
        bia < login too_many_attempts
        bia is closed
        -- another connection begins anew
        ana~2 < login wrong_password
        ana~2 < login
        -- and who is in may be wrong as often, with the old password
        ana~2 < account wrong_password
        ana~2 < account wrong_password
        ana~2 < account wrong_password
        ana~2 < account too_many_attempts
        ana~2 is closed
        "##,
    );
}

#[test]
fn guesses_hold_the_owner_up_and_lock_nobody_out() {
    check(
        r##"
        ana in "want_token":true
        ana {"type":"set_password","password":"certa"}
        from 7
        ana~9 in "password":"1"
        eva in "password":"1"
        eva {"type":"login","username":"ANA","password":"2"}
        eva {"type":"login","username":"ana","password":"3"}
        -- from now on it takes 20 seconds
        from 8
        ana~2 + in "password":"certa"
        eva + {"type":"login","username":"ana","password":"4"}
        ana~3 in "token":"token1"
        wait 19999
        -- but no longer
        wait 1
        -- of the minute a third has passed: one may be wrong at once
        from 9
        ana~4 in "password":"5"
        ana~5 + in "password":"6"
        "##,
        r##"
        ana < login token1
        ana < account
        ana~9 < login wrong_password
        eva < login wrong_password
        eva < login wrong_password
        eva < login wrong_password
        -- from now on it takes 20 seconds
        ana~3 < login token1
        -- but no longer
        ana~2 < login
        eva < login wrong_password
        -- of the minute a third has passed: one may be wrong at once
        ana~4 < login wrong_password
        "##,
    );
}

#[test]
fn a_right_password_is_no_try() {
    let story = format!(
        r#"
        ana in "want_token":true
        ana {{"type":"set_password","password":"certa"}}
        from 7
        {}"#,
        "ana~2 in \"password\":\"certa\"\nana~2 out\n".repeat(10)
    );
    let shown = format!("ana < login token1\nana < account\n{}", "ana~2 < login\n".repeat(10));
    check(&story, &shown);
}

#[test]
fn one_address_guesses_at_many_names_as_slowly() {
    let limits = Limits { address_tries_max: 2, ..Limits::default() };
    check_with(
        limits,
        r##"
        from 7
        a in "password":"x"
        b in "password":"x"
        c + in "password":"x"
        from 8
        -- others are not held up
        d in "password":"x"
        wait 299999
        -- ten minutes by two
        wait 1
        "##,
        r##"
        a < login wrong_password
        b < login wrong_password
        -- others are not held up
        d < login wrong_password
        -- ten minutes by two
        c < login wrong_password
        "##,
    );
}

#[test]
fn many_guesses_at_once_are_no_way_around() {
    check(
        r##"
        from 7
        hasher waits
        a~1 + in "password":"1"
        a~2 + in "password":"2"
        a~3 + in "password":"3"
        a~4 + in "password":"4"
        hasher works
        -- the fourth waits, though none was known to be wrong when it came
        wait 20000
        "##,
        r##"
        a~1 < login wrong_password
        a~2 < login wrong_password
        a~3 < login wrong_password
        -- the fourth waits, though none was known to be wrong when it came
        a~4 < login wrong_password
        "##,
    );
}

#[test]
fn one_address_makes_so_many_names() {
    let limits = Limits { registrations_max: 2, ..Limits::default() };
    check_with(
        limits,
        r##"
        from 7
        ana in
        bia in
        caio in
        caio in "want_token":true
        -- names that are there are no new ones
        ana out
        ana in
        -- a name that cannot be made does not count
        a/b in
        from 8
        davi in
        wait 300000
        from 7
        caio in
        eva in
        "##,
        r##"
        ana < login
        bia < login
        caio < login rate_limited
        caio < login rate_limited
        -- names that are there are no new ones
        ana < login
        -- a name that cannot be made does not count
        a/b < login invalid_name
        davi < login
        caio < login
        eva < login rate_limited
        "##,
    );
}

#[test]
fn groups_and_sessions_are_as_many_as_the_operator_says() {
    let limits = Limits {
        groups_per_user_max: 1,
        members_per_group_max: 2,
        sessions_per_user_max: 2,
        ..Limits::default()
    };
    check_with(
        limits,
        r##"
        ana in "want_token":true
        bia in
        caio in
        ana {"type":"create_group","group_name":"G"}
        ana {"type":"create_group","group_name":"H"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        caio {"type":"create_group","group_name":"H"}
        bia {"type":"join_group","group_name":"H"}
        ana~2 in "token":"token1"
        ana~3 in "token":"token1"
        "##,
        r##"
        ana < login token1
        bia < login
        caio < login
        ana < group
        ana < group too_large
        bia < group
        caio < group too_large
        caio < group
        bia < group too_large
        ana~2 < login token1
        ana~3 < login too_many_sessions
        "##,
    );
}
