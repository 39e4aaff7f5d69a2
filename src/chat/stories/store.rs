//! Stories of what a store makes possible: receipts, changes, looking back, coming back. Told with the journal in memory, which keeps the same promises while it lives.

#![expect(clippy::needless_raw_string_hashes, reason = "all pages of a story look alike")]

use super::world::check;

#[test]
fn ticks_tell_what_arrived_and_what_was_read() {
    check(
        r##"
        ana in "features":["receipts"]
        bia in "features":["receipts"]
        caio in
        ana {"type":"private_message","recipient":"bia","content":"um"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        wait 100
        bia {"type":"received","msg_id":9007199254740991}
        wait 100
        bia {"type":"read","with":"ana","msg_id":9007199254740991}
        bia {"type":"read","with":"ana","msg_id":1}
        -- what the system took has arrived, for those who know of no receipts
        ana {"type":"private_message","recipient":"caio","content":"três"}
        wait 100
        ana {"type":"history","with":"bia"}
        -- in a group everybody counts
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        ana {"type":"group_message","group_name":"G","content":"todos?"}
        wait 100
        bia {"type":"received","msg_id":9007199254740991}
        bia {"type":"read","group_name":"G","msg_id":9007199254740991}
        wait 100
        "##,
        r##"
        ana < login
        ana < synced
        bia < login
        bia < synced
        caio < login
        bia < private_message #1 first ana um
        ana < message #1 (reached)
        bia < private_message #2 after #1 ana dois
        ana < message #2 (reached)
        ana < receipt #2 delivered bia bia
        ana < receipt #2 read bia bia
        -- what the system took has arrived, for those who know of no receipts
        caio < private_message #3 first ana três
        ana < message #3 (reached)
        ana < receipt #3 delivered caio caio
        ana < history bia | ana: um | ana: dois (reached)
        -- in a group everybody counts
        ana < group
        bia < group
        caio < group
        bia < group_message #4 first G ana todos?
        caio < group_message #4 first G ana todos?
        ana < message #4 (reached)
        ana < receipt #4 delivered G caio
        ana < receipt #4 read G bia
        ana < receipt #4 delivered G bia
        "##,
    );
}

#[test]
fn a_message_is_changed_by_who_may() {
    check(
        r##"
        ana in "features":[]
        bia in "features":[]
        caio in
        dora in "features":[]
        ana {"type":"create_group","group_name":"G"}
        bia {"type":"join_group","group_name":"G"}
        caio {"type":"join_group","group_name":"G"}
        bia {"type":"group_message","group_name":"G","content":"oi"}
        bia {"type":"edit_message","msg_id":#1,"content":"olá"}
        caio {"type":"edit_message","msg_id":#1,"content":"?"}
        caio {"type":"react","msg_id":#1,"emoji":"👍"}
        ana {"type":"react","msg_id":#1,"emoji":"👍"}
        caio {"type":"react","msg_id":#1,"emoji":""}
        dora {"type":"react","msg_id":#1,"emoji":"👍"}
        dora {"type":"join_group","group_name":"G"}
        dora {"type":"react","msg_id":#1,"emoji":"👍"}
        dora {"type":"history","group_name":"G"}
        caio {"type":"delete_message","msg_id":#1}
        ana {"type":"delete_message","msg_id":#1}
        bia {"type":"edit_message","msg_id":#1,"content":"de novo"}
        bia {"type":"history","group_name":"G"}
        bia {"type":"private_message","recipient":"ana","content":"só nós"}
        ana {"type":"delete_message","msg_id":#2}
        wait 900001
        bia {"type":"edit_message","msg_id":#2,"content":"tarde"}
        bia {"type":"delete_message","msg_id":#2}
        ana {"type":"delete_message","msg_id":77}
        "##,
        r##"
        ana < login
        ana < synced
        bia < login
        bia < synced
        caio < login
        dora < login
        dora < synced
        ana < group
        bia < group
        caio < group
        ana < group_message #1 first G bia oi
        caio < group_message #1 first G bia oi
        bia < message #1 (reached)
        ana < message_changed #1 G olá edited
        bia < message #1 (reached)
        caio < message sender_mismatch
        ana < message_changed #1 G 👍["caio"]
        bia < message_changed #1 G 👍["caio"]
        caio < message #1 (reached)
        bia < message_changed #1 G 👍["caio", "ana"]
        ana < message #1 (reached)
        ana < message_changed #1 G 👍["ana"]
        bia < message_changed #1 G 👍["ana"]
        caio < message #1 (reached)
        dora < message unknown_message
        dora < group
        dora < message unknown_message
        dora < history G (reached)
        caio < message not_admin
        bia < message_changed #1 G deleted
        ana < message #1 (reached)
        bia < message unknown_message
        bia < history G | bia:  (reached)
        ana < private_message #2 first bia só nós
        bia < message #2 (reached)
        ana < message sender_mismatch
        bia < message too_old
        ana < message_changed #2 bia deleted
        bia < message #2 (reached)
        ana < message unknown_message
        "##,
    );
}

#[test]
fn who_was_away_hears_how_things_stand_now() {
    check(
        r##"
        ana in
        bia in "features":[]
        ana {"type":"private_message","recipient":"bia","content":"um"}
        bia out
        ana {"type":"edit_message","msg_id":#1,"content":"um!"}
        ana {"type":"private_message","recipient":"bia","content":"dois"}
        ana {"type":"private_message","recipient":"bia","content":"três"}
        ana {"type":"edit_message","msg_id":#2,"content":"dois!"}
        ana {"type":"delete_message","msg_id":#3}
        bia in "features":[]
        -- who knows of no features is spared what was deleted
        bia out
        ana {"type":"private_message","recipient":"bia","content":"quatro"}
        ana {"type":"delete_message","msg_id":#4}
        ana {"type":"private_message","recipient":"bia","content":"cinco"}
        bia in
        "##,
        r##"
        ana < login
        bia < login
        bia < synced
        bia < private_message #1 first ana um
        ana < message #1 (reached)
        ana < message #1
        ana < message #2
        ana < message #3
        ana < message #2
        ana < message #3
        bia < login
        bia < message_changed #1 ana um! edited (missed)
        bia < private_message #2 after #1 ana dois! edited (missed)
        bia < private_message #3 after #2 ana  deleted (missed)
        bia < synced
        -- who knows of no features is spared what was deleted
        ana < message #4
        ana < message #4
        ana < message #5
        bia < login
        bia < private_message #5 after #4 ana cinco (missed)
        bia < synced
        "##,
    );
}

#[test]
fn a_member_sees_what_was_said_while_in_it() {
    check(
        r##"
        ana in
        bia in
        ana {"type":"create_group","group_name":"G"}
        ana {"type":"group_message","group_name":"G","content":"antes"}
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"group_message","group_name":"G","content":"durante"}
        bia {"type":"history","group_name":"G"}
        bia {"type":"search","query":"antes"}
        bia {"type":"search","query":"DURÃNTE"}
        bia out
        ana {"type":"group_message","group_name":"G","content":"ainda dentro"}
        ana {"type":"remove_member","group_name":"G","member":"bia"}
        ana {"type":"group_message","group_name":"G","content":"já fora"}
        bia in
        bia {"type":"history","group_name":"G"}
        bia {"type":"search","query":"durante"}
        ana {"type":"add_member","group_name":"G","new_member":"bia"}
        ana {"type":"group_message","group_name":"G","content":"de volta"}
        bia {"type":"history","group_name":"G"}
        "##,
        r##"
        ana < login
        bia < login
        ana < group
        ana < message #1
        bia < added_to_group G ana
        ana < member
        bia < group_message #2 after #1 G ana durante
        ana < message #2 (reached)
        bia < history G | ana: durante (reached)
        bia < search
        bia < search | ana: durante
        ana < message #3
        ana < member
        ana < message #4
        bia < login
        bia < group_message #3 after #2 G ana ainda dentro (missed)
        bia < synced
        bia < history not_member
        bia < search
        bia < added_to_group G ana
        ana < member
        bia < group_message #5 after #4 G ana de volta
        ana < message #5 (reached)
        bia < history G | ana: de volta (reached)
        "##,
    );
}

#[test]
fn conversations_are_listed_newest_first_with_what_is_unread() {
    check(
        r##"
        ana in
        bia in
        caio in
        bia {"type":"private_message","recipient":"ana","content":"um"}
        bia {"type":"private_message","recipient":"ana","content":"dois"}
        caio {"type":"private_message","recipient":"ana","content":"três"}
        ana {"type":"create_group","group_name":"G"}
        ana {"type":"list_conversations"}
        ana {"type":"read","with":"bia","msg_id":#1}
        ana {"type":"private_message","recipient":"bia","content":"quatro"}
        ana {"type":"list_conversations"}
        ana {"type":"history","with":"bia","limit":2}
        ana {"type":"history","with":"bia","before":#2}
        ana {"type":"history","with":"bia","after":#1,"limit":1}
        ana {"type":"history","with":"ninguém"}
        bia {"type":"history","with":"caio"}
        "##,
        r##"
        ana < login
        bia < login
        caio < login
        ana < private_message #1 first bia um
        bia < message #1 (reached)
        ana < private_message #2 after #1 bia dois
        bia < message #2 (reached)
        ana < private_message #3 first caio três
        caio < message #3 (reached)
        ana < group
        ana < conversations | G 0: - | caio 1: três | bia 2: dois
        bia < private_message #4 after #2 ana quatro
        ana < message #4 (reached)
        ana < conversations | bia 1: quatro | G 0: - | caio 1: três
        ana < history bia | bia: dois | ana: quatro (reached)
        ana < history bia | bia: um (reached)
        ana < history bia | bia: dois (reached)
        ana < history unknown_user
        bia < history caio (reached)
        "##,
    );
}
