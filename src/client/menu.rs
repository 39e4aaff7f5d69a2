//! The menu: which options there are, what each asks step by step, and the request that comes of
//! the answers. Pure.

use crate::text::Lang;
use crate::text::Sentence;
use crate::text::client::{self as text, Choice};
use crate::wire::Text;
use crate::wire::event::MsgId;
use crate::wire::request::Fields;

use super::place::Place;
use super::show::{Line, Style};

/// Messages shown at once of a history or of what a search has found: a screen's worth.
pub(crate) const PAGE_MESSAGES: usize = 20;

/// Every option, at its number less one. The first eight are the first chat's.
const OPTIONS: [Choice; 24] = [
    Choice::PrivateMessage,
    Choice::CreateGroup,
    Choice::GroupMessage,
    Choice::SendFile,
    Choice::ListUsers,
    Choice::ListGroups,
    Choice::Menu,
    Choice::Quit,
    // The old manual tells people to press 9 for the menu.
    Choice::WholeMenu,
    Choice::AddMember,
    Choice::Members,
    Choice::LeaveGroup,
    Choice::History,
    Choice::Search,
    Choice::Conversations,
    Choice::Password,
    Choice::JoinGroup,
    Choice::CreatePrivateGroup,
    Choice::RemoveMember,
    Choice::Promote,
    Choice::Demote,
    Choice::RenameGroup,
    Choice::DeleteGroup,
    Choice::Download,
];

/// Options that the menu shows without being asked for all: what people need daily.
const DAILY: usize = 17;

/// Something that an option asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// To whom.
    Recipient,
    /// What.
    Text,
    /// Which group.
    Group,
    /// A group that is made.
    NewGroup,
    /// To a user or to a group.
    FileKind,
    /// Which file.
    Path,
    /// Who is added.
    NewMember,
    /// Which member.
    Member,
    /// What a group is called from now on.
    NewName,
    /// The name of the group that is deleted, again.
    Confirm,
    /// With a user or in a group.
    PlaceKind,
    /// With which user.
    With,
    /// For what.
    Query,
    /// The password until now.
    OldPassword,
    /// The password from now on.
    NewPassword,
    /// The same again.
    PasswordAgain,
    /// Which of the files that may be fetched.
    Offer,
}

impl Question {
    /// The sentence that asks it.
    pub(crate) const fn sentence(self) -> Sentence {
        match self {
            Question::Recipient => text::ASK_RECIPIENT,
            Question::Text => text::ASK_TEXT,
            Question::Group => text::ASK_GROUP,
            Question::NewGroup => text::ASK_NEW_GROUP,
            Question::FileKind => text::ASK_FILE_KIND,
            Question::Path => text::ASK_PATH,
            Question::NewMember => text::ASK_NEW_MEMBER,
            Question::Member => text::ASK_MEMBER,
            Question::NewName => text::ASK_NEW_NAME,
            Question::Confirm => text::ASK_CONFIRM,
            Question::PlaceKind => text::ASK_PLACE_KIND,
            Question::With => text::ASK_WITH,
            Question::Query => text::ASK_QUERY,
            Question::OldPassword => text::ASK_OLD_PASSWORD,
            Question::NewPassword => text::ASK_NEW_PASSWORD,
            Question::PasswordAgain => text::ASK_PASSWORD_AGAIN,
            Question::Offer => text::ASK_OFFER,
        }
    }

    /// The answer is nobody's business who looks over the shoulder.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(self, Question::OldPassword | Question::NewPassword | Question::PasswordAgain)
    }

    /// The answer is 1 or 2: a user or a group.
    pub(crate) const fn is_kind(self) -> bool {
        matches!(self, Question::FileKind | Question::PlaceKind)
    }
}

/// The option that a line typed at the menu stands for.
pub(crate) fn parse(line: &str) -> Option<Choice> {
    let number: usize = line.trim().trim_end_matches(['.', ')']).parse().ok()?;
    OPTIONS.get(number.checked_sub(1)?).copied()
}

/// The menu, with all options or with the daily ones.
pub(crate) fn lines(lang: Lang, whole: bool) -> Vec<Line> {
    let rule = || Line::new(Style::Title, text::RULE);
    let title = Line::new(Style::Title, text::MENU_TITLE.get(lang));
    let shown = if whole { OPTIONS.len() } else { DAILY };
    let options = OPTIONS.iter().take(shown).enumerate().map(|(index, option)| {
        let sentence = text::choice(*option).get(lang);
        Line::new(Style::Plain, format!("{}. {sentence}", index + 1))
    });
    let mut lines = vec![rule(), title, rule()];
    lines.extend(options);
    lines.push(rule());
    lines
}

/// What an option asks next, after these answers. `None`: nothing more.
pub(crate) fn next_question(choice: Choice, answers: &[String]) -> Option<Question> {
    use Question as Q;
    let questions: &[Question] = match choice {
        Choice::PrivateMessage => &[Q::Recipient, Q::Text],
        Choice::GroupMessage => &[Q::Group, Q::Text],
        Choice::SendFile if answers.first().is_some_and(|kind| is_group(kind)) => {
            &[Q::FileKind, Q::Group, Q::Path]
        }
        Choice::SendFile => &[Q::FileKind, Q::Recipient, Q::Path],
        Choice::CreateGroup | Choice::CreatePrivateGroup => &[Q::NewGroup],
        Choice::Members | Choice::LeaveGroup | Choice::JoinGroup => &[Q::Group],
        Choice::AddMember => &[Q::Group, Q::NewMember],
        Choice::RemoveMember | Choice::Promote | Choice::Demote => &[Q::Group, Q::Member],
        Choice::RenameGroup => &[Q::Group, Q::NewName],
        Choice::DeleteGroup => &[Q::Group, Q::Confirm],
        Choice::History if answers.first().is_some_and(|kind| is_group(kind)) => {
            &[Q::PlaceKind, Q::Group]
        }
        Choice::History => &[Q::PlaceKind, Q::With],
        Choice::Search => &[Q::Query],
        Choice::Download => &[Q::Offer],
        Choice::Password => &[Q::OldPassword, Q::NewPassword, Q::PasswordAgain],
        Choice::ListUsers
        | Choice::ListGroups
        | Choice::Conversations
        | Choice::Menu
        | Choice::WholeMenu
        | Choice::Quit => &[],
    };
    questions.get(answers.len()).copied()
}

/// Whether an answer to a question of two kinds can be used.
pub(crate) fn is_kind(answer: &str) -> bool {
    is_group(answer)
        || matches!(
            kind_of(answer).as_str(),
            "1" | "p" | "u" | "privado" | "private" | "user" | "usuario" | "usuário"
        )
}

/// Whether an answer to such a question means a group.
pub(crate) fn is_group(answer: &str) -> bool {
    matches!(kind_of(answer).as_str(), "2" | "g" | "grupo" | "group")
}

fn kind_of(answer: &str) -> String {
    answer.trim().trim_end_matches(')').to_lowercase()
}

/// A page of a conversation: the newest messages, or those before one.
pub(crate) fn history(place: &Place, before: Option<MsgId>) -> Fields<'_> {
    let limit = Some(PAGE_MESSAGES as u64);
    let mut fields = Fields { before, limit, ..Fields::new("history") };
    place.name_in(&mut fields);
    fields
}

/// The request that an option's answers make. `None` for options that ask the server nothing, for
/// files, which go in pieces, and for histories, which go on page by page.
pub(crate) fn request(choice: Choice, answers: &[String]) -> Option<Fields<'_>> {
    let answer = |index: usize| answers.get(index).map(|answer| Text::from(answer.as_str()));
    let kind = match choice {
        Choice::PrivateMessage => "private_message",
        Choice::GroupMessage => "group_message",
        Choice::CreateGroup | Choice::CreatePrivateGroup => "create_group",
        Choice::ListUsers => "list_users",
        Choice::ListGroups => "list_groups",
        Choice::AddMember => "add_member",
        Choice::Members => "list_group_members",
        Choice::LeaveGroup => "leave_group",
        Choice::JoinGroup => "join_group",
        Choice::RemoveMember => "remove_member",
        Choice::Promote => "promote_member",
        Choice::Demote => "demote_member",
        Choice::RenameGroup => "rename_group",
        Choice::DeleteGroup => "delete_group",
        Choice::Search => "search",
        Choice::Conversations => "list_conversations",
        Choice::Password => "set_password",
        Choice::SendFile
        | Choice::Download
        | Choice::History
        | Choice::Menu
        | Choice::WholeMenu
        | Choice::Quit => return None,
    };
    let mut fields = Fields::new(kind);
    match choice {
        Choice::PrivateMessage => {
            fields.recipient = answer(0);
            fields.content = answer(1);
            return Some(fields);
        }
        Choice::Search => {
            fields.query = answer(0);
            // One more than is shown tells that there are more.
            fields.limit = Some(PAGE_MESSAGES as u64 + 1);
            return Some(fields);
        }
        Choice::Password => {
            fields.old_password = answer(0).filter(|password| !password.is_empty());
            fields.password = answer(1);
            return Some(fields);
        }
        Choice::GroupMessage => fields.content = answer(1),
        Choice::CreatePrivateGroup => fields.private = Some(true),
        Choice::AddMember => fields.new_member = answer(1),
        Choice::RemoveMember | Choice::Promote | Choice::Demote => fields.member = answer(1),
        Choice::RenameGroup => fields.new_name = answer(1),
        _ => {}
    }
    fields.group_name = answer(0);
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_is_the_first_chats_and_more() {
        let shown: Vec<String> =
            lines(Lang::Pt, false).iter().map(|line| line.painted(false)).collect();
        assert_eq!(
            shown.concat(),
            "\
==================================================
📱 CHAT DISTRIBUÍDO - MENU DE OPÇÕES
==================================================
1. 💬 Enviar mensagem privada
2. 👥 Criar grupo
3. 👥 Enviar mensagem para grupo
4. 📎 Enviar arquivo
5. 📋 Listar usuários online
6. 📋 Listar grupos
7. ❓ Mostrar menu
8. 🚪 Sair
9. ❓ Mostrar menu com todas as opções de grupo
10. ➕ Adicionar membro ao grupo
11. 👥 Ver membros do grupo
12. 🚶 Sair de um grupo
13. 📜 Ver o histórico de uma conversa
14. 🔎 Buscar nas mensagens
15. 📬 Ver suas conversas
16. 🔑 Definir ou mudar a senha
17. 🙋 Entrar em um grupo
==================================================
"
        );
        let whole = lines(Lang::Pt, true);
        assert_eq!(whole[3..].len(), OPTIONS.len() + 1);
        assert_eq!(whole[25].painted(false), "23. 🗑️ Apagar grupo\n");
        assert_eq!(whole[26].painted(false), "24. 📥 Baixar arquivo\n");
    }

    #[test]
    fn an_option_is_known_by_its_number() {
        assert_eq!(parse("1"), Some(Choice::PrivateMessage));
        assert_eq!(parse(" 9. "), Some(Choice::WholeMenu));
        assert_eq!(parse("23"), Some(Choice::DeleteGroup));
        assert_eq!(parse("24"), Some(Choice::Download));
        for nothing in ["0", "25", "-1", "x", "1 2", "99999999999999999999"] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_numbers_that_sentences_name_are_the_options() {
        use crate::wire::Code;
        let advice = |code, asked| text::advice(code, asked).unwrap();
        let named = [
            (text::NO_SUCH_OFFER, Choice::Download),
            (text::TEXT_TOO_LONG, Choice::SendFile),
            (text::NO_SUCH_OPTION, Choice::Menu),
            (text::NO_GROUPS, Choice::CreateGroup),
            (text::LEAVE_INSTEAD, Choice::LeaveGroup),
            (text::NOTHING_OLDER, Choice::History),
            (text::MISSED_REST, Choice::History),
            (text::NO_CONVERSATIONS, Choice::PrivateMessage),
            (advice(Code::UnknownUser, Some(Choice::PrivateMessage)), Choice::ListUsers),
            (advice(Code::UnknownUser, Some(Choice::Promote)), Choice::Members),
            (advice(Code::UnknownGroup, Some(Choice::GroupMessage)), Choice::ListGroups),
            (advice(Code::GroupExists, Some(Choice::CreateGroup)), Choice::ListGroups),
            (advice(Code::NotMember, Some(Choice::GroupMessage)), Choice::AddMember),
        ];
        // The number after each of these words.
        let numbers = |said: &str, word: &str| -> Vec<usize> {
            let said = said.to_lowercase();
            let after = said.split(word).skip(1);
            after
                .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
                .collect()
        };
        for (sentence, option) in named {
            let number = OPTIONS.iter().position(|known| *known == option).unwrap() + 1;
            assert_eq!(numbers(sentence.pt, "opção "), [number], "{sentence:?}");
            assert_eq!(numbers(sentence.en, "option "), [number], "{sentence:?}");
        }
        // None is missing above.
        let sources = concat!(
            include_str!("../text/client.rs"),
            include_str!("../text/client/advice.rs"),
            include_str!("../text/client/talk.rs")
        );
        // That of the downloads stands elsewhere.
        assert_eq!(numbers(sources, "opção ").len(), named.len() - 1);
        assert_eq!(numbers(sources, "option ").len(), named.len() - 1);
        let files = include_str!("../text/client/files.rs");
        assert_eq!(numbers(files, "opção "), [24; 2]);
        assert_eq!(numbers(files, "ption "), [24; 2]);
        let password = OPTIONS.iter().position(|known| *known == Choice::Password).unwrap() + 1;
        let source = concat!(
            include_str!("../text/client/account.rs"),
            include_str!("../text/client/scripts.rs")
        );
        assert_eq!(numbers(source, "opção ").len(), 4);
        assert!(numbers(source, "opção ").iter().all(|number| [password, 24].contains(number)));
        assert!(numbers(source, "option ").iter().all(|number| [password, 24].contains(number)));
    }

    #[test]
    fn every_option_asks_all_that_its_request_needs() {
        for option in OPTIONS {
            let mut answers = Vec::new();
            while let Some(question) = next_question(option, &answers) {
                answers.push(match question {
                    question if question.is_kind() => "2".to_owned(),
                    _ => "x".to_owned(),
                });
            }
            if let Some(mut fields) = request(option, &answers) {
                fields.id = None;
                let frame = fields.encode();
                let read =
                    crate::wire::request::decode(&frame, &crate::limits::Limits::default()).request;
                assert!(read.is_ok(), "{option:?}: {read:?}");
            }
        }
    }

    #[test]
    fn a_file_goes_to_a_user_or_to_a_group() {
        for (kind, then) in [
            ("1", Question::Recipient),
            ("Privado", Question::Recipient),
            ("2)", Question::Group),
            ("GRUPO", Question::Group),
        ] {
            assert!(is_kind(kind));
            let asked = next_question(Choice::SendFile, &[kind.to_owned()]);
            assert_eq!(asked, Some(then), "{kind}");
        }
        assert!(!is_kind("3"));
    }
}
