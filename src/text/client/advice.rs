//! What to do about a refusal, where that is not plain.

use super::Choice;
use crate::text::{Sentence, say};
use crate::wire::Code;

/// Who asks to be removed from a group may leave it without being an admin.
pub const LEAVE_INSTEAD: Sentence =
    say("Para sair do grupo, use a opção 12.", "To leave the group, use option 12.");

const OTHER_USER_NAME: Sentence =
    say("Escolha outro nome de usuário.", "Choose another user name.");

const SEE_USERS: Sentence = say(
    "Confira o nome: a opção 5 mostra quem está online.",
    "Check the name: option 5 shows who is online.",
);

const SEE_MEMBERS: Sentence = say(
    "Confira o nome: a opção 11 mostra os membros do grupo.",
    "Check the name: option 11 shows the group's members.",
);

const SEE_GROUPS: Sentence = say(
    "Confira o nome: a opção 6 mostra seus grupos.",
    "Check the name: option 6 shows your groups.",
);

const ASK_EXACT_NAME: Sentence =
    say("Peça o nome exato a um membro do grupo.", "Ask a member of the group for its exact name.");

const GROUP_TAKEN: Sentence = say(
    "Escolha outro nome; se o grupo já é seu, a opção 6 o mostra.",
    "Choose another name; if the group is yours already, option 6 shows it.",
);

const ASK_TO_BE_ADDED: Sentence = say(
    "Peça a um membro que adicione você com a opção 10.",
    "Ask a member to add you with option 10.",
);

const WAIT: Sentence =
    say("Depois de um minuto pode tentar de novo.", "After a minute you may try again.");

const CLOSE_ANOTHER: Sentence = say(
    "Encerre uma das outras sessões deste usuário.",
    "Close one of this user's other sessions.",
);

const OLD_PASSWORD: Sentence = say(
    "Este nome já tem senha: a atual faltou, ou é outra.",
    "This name has a password: the current one was missing, or is another.",
);

/// What to do about a refusal of what an option of the menu asked for. `None` stands for the login.
pub const fn advice(code: Code, asked: Option<Choice>) -> Option<Sentence> {
    use Choice as C;
    Some(match (code, asked) {
        (Code::NameInUse, None) => OTHER_USER_NAME,
        (Code::TooManyAttempts, _) => WAIT,
        (Code::TooManySessions, None) => CLOSE_ANOTHER,
        (Code::AuthRequired | Code::WrongPassword, Some(C::Password)) => OLD_PASSWORD,
        (Code::UnknownUser, Some(C::RemoveMember | C::Promote | C::Demote)) => SEE_MEMBERS,
        (Code::UnknownUser, _) => SEE_USERS,
        (Code::UnknownGroup, Some(C::JoinGroup)) => ASK_EXACT_NAME,
        (Code::UnknownGroup, _) | (Code::NotMember, Some(C::LeaveGroup)) => SEE_GROUPS,
        (Code::GroupExists, _) => GROUP_TAKEN,
        // Where a member is named, it may be that one who is none.
        (Code::NotMember, Some(C::GroupMessage | C::SendFile | C::Members | C::AddMember)) => {
            ASK_TO_BE_ADDED
        }
        _ => return None,
    })
}

/// What to do about a refusal of `papo send` or `papo listen`, whose users see no menu.
pub const fn script_advice(code: Code) -> Option<Sentence> {
    Some(match code {
        Code::NameInUse => {
            say("Escolha outro nome com --user.", "Choose another name with --user.")
        }
        Code::AuthRequired => say(
            "Entre uma vez com papo --user neste computador, ou ponha a senha na variável PAPO_PASSWORD.",
            "Come in once with papo --user on this computer, or put the password into the variable PAPO_PASSWORD.",
        ),
        Code::WrongPassword => say(
            "Confira a senha, ou a variável PAPO_PASSWORD.",
            "Check the password, or the variable PAPO_PASSWORD.",
        ),
        Code::TooManyAttempts => WAIT,
        Code::TooManySessions => CLOSE_ANOTHER,
        Code::UnknownUser => say(
            "Confira o nome: só recebe mensagens quem já entrou neste servidor.",
            "Check the name: only those who have been on this server get messages.",
        ),
        Code::UnknownGroup => ASK_EXACT_NAME,
        Code::NotMember => say(
            "Peça a um membro que adicione este usuário ao grupo.",
            "Ask a member to add this user to the group.",
        ),
        _ => return None,
    })
}
