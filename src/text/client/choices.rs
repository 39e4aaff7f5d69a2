//! The menu: what its options say.

use crate::text::{Sentence, say};

/// Between the parts of the menu.
pub const RULE: &str = "==================================================";

/// The menu's title.
pub const MENU_TITLE: Sentence =
    say("📱 CHAT DISTRIBUÍDO - MENU DE OPÇÕES", "📱 DISTRIBUTED CHAT - MENU");

/// An option of the menu, as its line shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentences below say it")]
pub enum Choice {
    PrivateMessage,
    CreateGroup,
    GroupMessage,
    SendFile,
    ListUsers,
    ListGroups,
    Menu,
    Quit,
    WholeMenu,
    AddMember,
    Members,
    LeaveGroup,
    History,
    Search,
    Conversations,
    Password,
    JoinGroup,
    CreatePrivateGroup,
    RemoveMember,
    Promote,
    Demote,
    RenameGroup,
    DeleteGroup,
    Download,
}

/// What an option says in the menu.
pub const fn choice(choice: Choice) -> Sentence {
    match choice {
        Choice::PrivateMessage => say("💬 Enviar mensagem privada", "💬 Send a private message"),
        Choice::CreateGroup => say("👥 Criar grupo", "👥 Create a group"),
        Choice::GroupMessage => {
            say("👥 Enviar mensagem para grupo", "👥 Send a message to a group")
        }
        Choice::SendFile => say("📎 Enviar arquivo", "📎 Send a file"),
        Choice::ListUsers => say("📋 Listar usuários online", "📋 List who is online"),
        Choice::ListGroups => say("📋 Listar grupos", "📋 List your groups"),
        Choice::Menu => say("❓ Mostrar menu", "❓ Show the menu"),
        Choice::Quit => say("🚪 Sair", "🚪 Leave"),
        Choice::WholeMenu => say(
            "❓ Mostrar menu com todas as opções de grupo",
            "❓ Show the menu with every option for groups",
        ),
        Choice::AddMember => say("➕ Adicionar membro ao grupo", "➕ Add a member to a group"),
        Choice::Members => say("👥 Ver membros do grupo", "👥 See a group's members"),
        Choice::LeaveGroup => say("🚶 Sair de um grupo", "🚶 Leave a group"),
        Choice::History => {
            say("📜 Ver o histórico de uma conversa", "📜 See a conversation's history")
        }
        Choice::Search => say("🔎 Buscar nas mensagens", "🔎 Search the messages"),
        Choice::Conversations => say("📬 Ver suas conversas", "📬 See your conversations"),
        Choice::Password => say("🔑 Definir ou mudar a senha", "🔑 Set or change the password"),
        Choice::JoinGroup => say("🙋 Entrar em um grupo", "🙋 Join a group"),
        Choice::CreatePrivateGroup => say("🔒 Criar grupo privado", "🔒 Create a private group"),
        Choice::RemoveMember => {
            say("➖ Remover membro do grupo", "➖ Remove a member from a group")
        }
        Choice::Promote => say("⭐ Tornar membro administrador", "⭐ Make a member an admin"),
        Choice::Demote => say("⬇️ Tirar administrador do cargo", "⬇️ Make an admin a plain member"),
        Choice::RenameGroup => say("✏️ Renomear grupo", "✏️ Rename a group"),
        Choice::DeleteGroup => say("🗑️ Apagar grupo", "🗑️ Delete a group"),
        Choice::Download => say("📥 Baixar arquivo", "📥 Download a file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_says_what_the_first_chat_said() {
        for (option, line) in [
            (Choice::PrivateMessage, "💬 Enviar mensagem privada"),
            (Choice::CreateGroup, "👥 Criar grupo"),
            (Choice::GroupMessage, "👥 Enviar mensagem para grupo"),
            (Choice::SendFile, "📎 Enviar arquivo"),
            (Choice::ListUsers, "📋 Listar usuários online"),
            (Choice::ListGroups, "📋 Listar grupos"),
            (Choice::Menu, "❓ Mostrar menu"),
            (Choice::Quit, "🚪 Sair"),
        ] {
            assert_eq!(choice(option).pt, line);
        }
        assert_eq!(RULE.len(), 50);
    }
}
