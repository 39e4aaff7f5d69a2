//! What `papo admin` writes as JSON, one object a line. A message has the fields of the event that
//! told of it, so that what reads one reads the other.

use super::event::{Encode, MsgId, Reaction};
use super::json::{Object, key};

/// A stored message or file.
#[derive(Clone, Copy, Debug)]
pub struct Exported<'a> {
    /// Its number.
    pub msg_id: MsgId,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// Who wrote it.
    pub sender: &'a str,
    /// To whom, or where.
    pub to: To<'a>,
    /// What it says, or carries.
    pub content: ExportedContent<'a>,
    /// The message that it answers.
    pub reply_to: Option<MsgId>,
    /// What it says was changed.
    pub edited: bool,
    /// It says nothing any more.
    pub deleted: bool,
    /// What people think of it.
    pub reactions: &'a [Reaction<'a>],
}

/// Where a message went.
#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    /// To this user.
    User(&'a str),
    /// To this group.
    Group(&'a str),
}

/// What a message is.
#[derive(Clone, Copy, Debug)]
pub enum ExportedContent<'a> {
    /// A text.
    Text(&'a str),
    /// A file.
    File {
        /// Its safe name.
        filename: &'a str,
        /// Its size in bytes.
        size: u64,
        /// Its name in the server's folder.
        saved_as: &'a str,
    },
}

impl Encode for Exported<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let kind = match (self.to, self.content) {
            (To::User(_), ExportedContent::Text(_)) => "private_message_received",
            (To::User(_), ExportedContent::File { .. }) => "file_received",
            (To::Group(_), ExportedContent::Text(_)) => "group_message_received",
            (To::Group(_), ExportedContent::File { .. }) => "group_file_received",
        };
        let mut object = Object::begin(out);
        object
            .plain(key!("type"), kind)
            .number(key!("msg_id"), self.msg_id)
            .number(key!("ts"), self.ts)
            .text(key!("sender"), self.sender);
        match self.to {
            To::User(name) => object.text(key!("recipient"), name),
            To::Group(name) => object.text(key!("group_name"), name),
        };
        match self.content {
            ExportedContent::Text(text) => object.text(key!("content"), text),
            ExportedContent::File { filename, size, saved_as } => object
                .text(key!("filename"), filename)
                .number(key!("size"), size)
                .text(key!("saved_as"), saved_as),
        };
        object.maybe_number(key!("reply_to"), self.reply_to);
        if self.edited {
            object.truth(key!("edited"), true);
        }
        if self.deleted {
            object.truth(key!("deleted"), true);
        }
        if !self.reactions.is_empty() {
            object.array(key!("reactions"), self.reactions, |out, reaction| {
                Object::begin(out)
                    .text(key!("emoji"), reaction.emoji)
                    .texts(key!("users"), &reaction.users)
                    .end();
            });
        }
        object.end();
    }
}

/// A user, as whoever runs the server sees it.
#[derive(Clone, Copy, Debug)]
pub struct ExportedUser<'a> {
    /// The name.
    pub name: &'a str,
    /// Nobody may take the name without password or token.
    pub claimed: bool,
    /// There is a password.
    pub password: bool,
    /// How many tokens are good.
    pub tokens: u64,
    /// Milliseconds since 1970.
    pub last_seen: u64,
    /// In how many groups.
    pub groups: u64,
    /// How many messages and files were sent.
    pub messages: u64,
}

impl Encode for ExportedUser<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        Object::begin(out)
            .text(key!("name"), self.name)
            .truth(key!("claimed"), self.claimed)
            .truth(key!("password"), self.password)
            .number(key!("tokens"), self.tokens)
            .number(key!("last_seen"), self.last_seen)
            .number(key!("groups"), self.groups)
            .number(key!("messages"), self.messages)
            .end();
    }
}

/// A file that the server keeps, or kept.
#[derive(Clone, Copy, Debug)]
pub struct ExportedFile<'a> {
    /// The number of its message.
    pub msg_id: MsgId,
    /// Milliseconds since 1970.
    pub ts: u64,
    /// Who sent it.
    pub sender: &'a str,
    /// To whom, or where.
    pub to: To<'a>,
    /// Its safe name.
    pub filename: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its name in the server's folder.
    pub saved_as: &'a str,
    /// Its hash in hexadecimal digits, if there is one.
    pub sha256: Option<&'a str>,
    /// Its message was deleted.
    pub deleted: bool,
    /// Its bytes were removed at this moment.
    pub pruned: Option<u64>,
}

impl Encode for ExportedFile<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        let kind = match self.to {
            To::User(_) => "file_received",
            To::Group(_) => "group_file_received",
        };
        object
            .plain(key!("type"), kind)
            .number(key!("msg_id"), self.msg_id)
            .number(key!("ts"), self.ts)
            .text(key!("sender"), self.sender);
        match self.to {
            To::User(name) => object.text(key!("recipient"), name),
            To::Group(name) => object.text(key!("group_name"), name),
        };
        object
            .text(key!("filename"), self.filename)
            .number(key!("size"), self.size)
            .text(key!("saved_as"), self.saved_as)
            .maybe_plain(key!("sha256"), self.sha256);
        if self.deleted {
            object.truth(key!("deleted"), true);
        }
        object.maybe_number(key!("pruned"), self.pruned).end();
    }
}

/// A file in the server's folder that no message names.
#[derive(Clone, Copy, Debug)]
pub struct ExportedOrphan<'a> {
    /// Its name in the server's folder.
    pub saved_as: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// When it came there, in milliseconds since 1970.
    pub ts: u64,
}

impl Encode for ExportedOrphan<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        Object::begin(out)
            .plain(key!("type"), "orphan")
            .number(key!("ts"), self.ts)
            .number(key!("size"), self.size)
            .text(key!("saved_as"), self.saved_as)
            .end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::event::Incoming;

    fn json(object: &impl Encode) -> String {
        let mut out = Vec::new();
        object.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_exported_message_reads_as_its_event() {
        let reactions = [Reaction { emoji: "👍", users: vec!["bia", "caio"] }];
        let message = Exported {
            msg_id: 7,
            ts: 5,
            sender: "ana",
            to: To::Group("SD"),
            content: ExportedContent::Text("oi\n\"bia\""),
            reply_to: Some(3),
            edited: true,
            deleted: false,
            reactions: &reactions,
        };
        let written = json(&message);
        assert_eq!(
            written,
            r#"{"type":"group_message_received","msg_id":7,"ts":5,"sender":"ana","group_name":"SD","content":"oi\n\"bia\"","reply_to":3,"edited":true,"reactions":[{"emoji":"👍","users":["bia","caio"]}]}"#
        );
        let read = Incoming::decode(written.as_bytes()).unwrap();
        assert_eq!(read.content.as_deref(), Some("oi\n\"bia\""));
        let content = ExportedContent::File { filename: "f.txt", size: 2, saved_as: "ana_f.txt" };
        let file = Exported {
            to: To::User("bia"),
            content,
            reply_to: None,
            edited: false,
            reactions: &[],
            ..message
        };
        assert_eq!(
            json(&file),
            r#"{"type":"file_received","msg_id":7,"ts":5,"sender":"ana","recipient":"bia","filename":"f.txt","size":2,"saved_as":"ana_f.txt"}"#
        );
    }
}
