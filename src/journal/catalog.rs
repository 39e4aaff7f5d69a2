//! Entries about users: that they exist, how they prove who they are, how far they have come.

use rusqlite::{Connection, Result, Statement, params};

use super::schema::int;
use crate::chat::UserId;
use crate::chat::entry::{Account, ConversationId, Credential, TokenHash};
use crate::limits::TOKENS_PER_USER_MAX;
use crate::wire::event::MsgId;

/// Statements about users.
pub(super) struct Catalog<'c> {
    account: Statement<'c>,
    password: Statement<'c>,
    token: Statement<'c>,
    claim: Statement<'c>,
    old_tokens: Statement<'c>,
    revoke: Statement<'c>,
    revoke_all: Statement<'c>,
    seen: Statement<'c>,
    read: Statement<'c>,
}

impl<'c> Catalog<'c> {
    pub(super) fn new(db: &'c Connection) -> Result<Self> {
        Ok(Self {
            account: db.prepare(
                "INSERT INTO user(id, name, cursor, last_seen, created) VALUES (?1, ?2, 0, ?3, ?3)
                 ON CONFLICT DO NOTHING",
            )?,
            password: db.prepare("UPDATE user SET password = ?2, claimed = 1 WHERE id = ?1")?,
            token: db.prepare(
                "INSERT INTO token(hash, user, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?,
            claim: db.prepare("UPDATE user SET claimed = 1 WHERE id = ?")?,
            old_tokens: db.prepare(
                "DELETE FROM token WHERE rowid IN (
                     SELECT rowid FROM token WHERE user = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
            )?,
            revoke: db.prepare("DELETE FROM token WHERE user = ? AND hash = ?")?,
            revoke_all: db.prepare("DELETE FROM token WHERE user = ?")?,
            seen: db.prepare(
                "UPDATE user SET cursor = max(cursor, ?2), last_seen = max(last_seen, ?3)
                 WHERE id = ?1",
            )?,
            read: db.prepare(
                "INSERT INTO reading(user, conversation, msg_id) VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET msg_id = max(msg_id, excluded.msg_id)",
            )?,
        })
    }

    pub(super) fn account(&mut self, user: UserId, account: &Account, ts: u64) -> Result<()> {
        self.account.execute(params![user.0, account.name.as_str(), int(ts)])?;
        match &account.token {
            Some(token) => self.add_token(user, token, ts),
            None => Ok(()),
        }
    }

    pub(super) fn credential(
        &mut self,
        user: UserId,
        credential: &Credential,
        ts: u64,
    ) -> Result<()> {
        match credential {
            Credential::Password(password) => self.password.execute(params![user.0, password]),
            Credential::Token(token) => return self.add_token(user, token, ts),
            Credential::Revoked(token) => self.revoke.execute(params![user.0, token.as_slice()]),
            Credential::AllRevoked => self.revoke_all.execute([user.0]),
        }
        .map(drop)
    }

    fn add_token(&mut self, user: UserId, token: &TokenHash, ts: u64) -> Result<()> {
        self.token.execute(params![token.as_slice(), user.0, int(ts)])?;
        self.claim.execute([user.0])?;
        self.old_tokens.execute(params![user.0, TOKENS_PER_USER_MAX]).map(drop)
    }

    pub(super) fn seen(&mut self, user: UserId, cursor: MsgId, last_seen_ms: u64) -> Result<()> {
        self.seen.execute(params![user.0, int(cursor), int(last_seen_ms)]).map(drop)
    }

    pub(super) fn read(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        msg_id: MsgId,
    ) -> Result<()> {
        self.read.execute(params![user.0, conversation.0, int(msg_id)]).map(drop)
    }
}
