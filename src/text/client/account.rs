//! Passwords, and the tokens by which a computer is known.

use crate::text::{Lang, Sentence, say};

/// The password of a claimed name, at a login.
pub const ASK_PASSWORD: Sentence = say("Senha:", "Password:");

/// The password until now, before it is changed. The one question that may be left empty.
pub const ASK_OLD_PASSWORD: Sentence = say(
    "Digite a senha atual (Enter, se ainda não há):",
    "Enter the current password (just Enter if there is none):",
);

/// The password from now on.
pub const ASK_NEW_PASSWORD: Sentence = say("Digite a nova senha:", "Enter the new password:");

/// The same again, as nobody sees what is typed.
pub const ASK_PASSWORD_AGAIN: Sentence =
    say("Digite a nova senha de novo:", "Enter the new password again:");

/// The two are not the same.
pub const PASSWORDS_DIFFER: Sentence = say(
    "↩️ As duas senhas são diferentes; nada mudou.",
    "↩️ The two passwords differ; nothing was changed.",
);

/// Somebody claimed this name, and this computer has no token for it.
pub fn password_needed(lang: Lang, user: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "🔑 O nome {user} já tem dono. Se é você, digite a senha; Enter escolhe outro nome."
        ),
        Lang::En => format!(
            "🔑 The name {user} is taken. If it is yours, enter its password; Enter chooses another name."
        ),
    }
}

/// After a reconnect the token is not good any more.
pub fn password_needed_again(lang: Lang, user: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "O servidor agora pede a senha de {user}. Termine ou cancele o que está digitando (Enter) para informá-la."
        ),
        Lang::En => format!(
            "The server wants the password of {user} now. Finish or cancel what you are typing (Enter) to give it."
        ),
    }
}

/// The name is this user's from now on.
pub fn claimed(lang: Lang, user: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "🔑 O nome {user} agora é seu, neste computador. Para entrar de outro lugar, defina uma senha (opção 16)."
        ),
        Lang::En => format!(
            "🔑 The name {user} is yours now, on this computer. To come in from elsewhere, set a password (option 16)."
        ),
    }
}

/// The token could not be kept.
pub fn not_remembered(lang: Lang, error: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "Este computador não pôde guardar o seu acesso: {error}. Defina uma senha (opção 16), ou não poderá voltar."
        ),
        Lang::En => format!(
            "This computer could not keep your access: {error}. Set a password (option 16), or you cannot come back."
        ),
    }
}

/// There is no folder for this user's data, so the name was not claimed.
pub fn not_claimed(lang: Lang, user: &str) -> String {
    match lang {
        Lang::Pt => format!(
            "Este computador não tem pasta de dados (indique uma com PAPO_HOME): o nome {user} fica livre para qualquer pessoa."
        ),
        Lang::En => format!(
            "This computer has no folder for data (name one with PAPO_HOME): the name {user} is free for anybody."
        ),
    }
}
