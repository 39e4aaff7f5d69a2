//! What clients say about themselves among events: no server sends it.

use serde::Serialize;

/// A file of an event is here, whole.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileSaved<'a> {
    /// `file_saved`
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Which file.
    pub file_id: u64,
    /// Who sent it.
    pub sender: &'a str,
    /// In which group, if in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<&'a str>,
    /// What its sender calls it.
    pub filename: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is.
    pub saved_as: &'a str,
}

impl FileSaved<'_> {
    /// The line, without its end.
    pub fn encode(&self) -> Vec<u8> {
        // Strings and numbers in memory have no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
