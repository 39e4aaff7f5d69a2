//! Stories of what happens while something else is on its way.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

use super::world::check;

#[test]
fn a_file_is_no_way_back_into_a_private_group() {
    check(
        r##"
        ana in
        bia in
        ana {"type":"create_group","group_name":"P","private":true}
        ana {"type":"add_member","group_name":"P","new_member":"bia"}
        worker waits
        bia {"type":"send_file","recipient":"P","file_type":"group","filename":"f","file_data":"YQ=="}
        ana {"type":"remove_member","group_name":"P","member":"bia"}
        worker works
        ana {"type":"list_group_members","group_name":"P"}
        ana {"type":"group_message","group_name":"P","content":"entre nós"}
        "##,
        r##"
        ana < login
        bia < login
        ana < group
        bia < added_to_group P ana
        ana < member
        ana < member
        bia < file not_member
        discarded bia_f
        ana < members_list P ["ana"] ana=admin
        ana < message #1
        "##,
    );
}

#[test]
fn who_vanishes_before_the_token_is_made_leaves_the_name_free() {
    check(
        r##"
        ana + in "want_token":true
        ana vanishes
        wait 1
        ana in
        "##,
        r##"
        ana < login
        "##,
    );
}

#[test]
fn a_session_that_is_behind_hears_of_its_users_others_and_not_of_itself() {
    check(
        r##"
        ana in "want_token":true
        bia in
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        ana stalls
        bia {"type":"private_message","recipient":"ana","content":"um"}
        ana~2 in "token":"token1"
        ana~2 {"type":"private_message","recipient":"bia","content":"da outra"}
        ana~2 out
        ana {"type":"private_message","recipient":"bia","content":"desta"}
        ana {"type":"group_message","group_name":"G","content":"desta também"}
        ana + {"type":"private_message","recipient":"ana","content":"nota"}
        ana reads
        "##,
        r##"
        ana < login token1
        bia < login
        ana < group
        bia < group
        bia < message #1 (reached)
        ana~2 < login token1
        ana~2 < private_message #1 first bia um (missed)
        ana~2 < synced
        bia < private_message #2 after #1 ana da outra
        ana~2 < message #2 (reached)
        bia < private_message #3 after #2 ana desta
        ana < message #3 (reached)
        bia < group_message #4 first G ana desta também
        ana < message #4 (reached)
        ana < message #5
        ana < private_message #1 first bia um
        ana < private_message #2 after #1 ana da outra
        ana < private_message #5 first ana nota
        "##,
    );
}

#[test]
fn what_comes_while_the_journal_is_read_has_its_tick_too() {
    check(
        r##"
        ana in "features":["receipts"]
        bia in
        bia stalls
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        reader waits
        bia reads
        ana {"type":"private_message","recipient":"bia","content":"três"}
        reader works
        wait 100
        "##,
        r##"
        ana < login
        ana < synced
        bia < login
        ana < message #1 (reached)
        ana < message #2
        ana < message #3
        bia < private_message #1 first ana um
        bia < private_message #2 after #1 ana dois
        bia < private_message #3 after #2 ana três
        ana < receipt #3 delivered bia bia
        "##,
    );
}

#[test]
fn what_was_refused_is_not_there_for_who_sends_it_again() {
    check(
        r##"
        ana in
        bia in "want_token":true
        bia~2 in "token":"token1"
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        ana + {"type":"remove_member","group_name":"G","member":"bia"}
        bia + {"type":"group_message","group_name":"G","content":"oi","id":"m"}
        bia~2 {"type":"group_message","group_name":"G","content":"oi","id":"m"}
        bia~2 {"type":"group_message","group_name":"G","content":"oi","id":"m"}
        ana {"type":"history","group_name":"G"}
        "##,
        r##"
        ana < login
        bia < login token1
        bia~2 < login token1
        ana < group
        bia < group
        ana < member
        bia < message not_member
        bia~2 < message not_member
        ana < group_message #1 first G bia oi
        bia < group_message #1 first G bia oi
        bia~2 < message #1 (reached)
        ana < history G | bia: oi (reached)
        "##,
    );
}

#[test]
fn the_right_password_of_somebody_who_is_gone_lets_nobody_else_in() {
    check(
        r##"
        bia in "want_token":true
        bia out
        eva in
        eva {"type":"set_password","password":"seu"}
        eva out
        hasher waits
        eva + in "password":"seu"
        eva vanishes
        bia + in "password":"adivinhado"
        hasher works
        "##,
        r##"
        bia < login token1
        eva < login
        eva < account
        bia < login wrong_password
        "##,
    );
}

#[test]
fn what_somebody_wrote_who_is_gone_is_news_for_the_sessions_of_the_same_user() {
    check(
        r##"
        ana in "want_token":true
        bia in
        ana~2 in "token":"token1"
        ana + {"type":"private_message","recipient":"bia","content":"até já"}
        ana vanishes
        wait 1
        "##,
        r##"
        ana < login token1
        bia < login
        ana~2 < login token1
        bia < private_message #1 first ana até já
        ana~2 < private_message #1 first ana até já
        ? < message #1 (reached)
        "##,
    );
}
