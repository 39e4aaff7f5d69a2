//! Files: each goes its way on a thread of its own, and is told of in a few lines.

use std::sync::{PoisonError, Weak};

use super::{Session, State};
use crate::client::offers::Offer;
use crate::client::requests::Outgoing;
use crate::client::show::{Line, Style};
use crate::client::transfers::download::download;
use crate::client::transfers::progress::{Quiet, failure};
use crate::client::transfers::upload::{Sent, upload};
use crate::client::transfers::{Failed, Way};
use crate::text::client as text;

impl Session {
    /// Sends a file.
    pub(super) fn send_file(&self, file: Outgoing) {
        let (lang, screen, session) = (self.lang, self.screen.clone(), Weak::clone(&self.me));
        self.transfers.start(Way::Up, move |line| {
            let mut quiet = Quiet::new(lang, Way::Up);
            let sent = upload(line, &file, &mut |news| {
                if let Some(line) = quiet.line(&news) {
                    screen.show(&line);
                }
            });
            match sent {
                Ok(sent) => {
                    if let Some(session) = session.upgrade() {
                        session.file_sent(&file, &sent);
                    }
                }
                Err(failed) => {
                    if let Some(told) = failure(lang, &file.path, &failed, true) {
                        let mut line = Line::bad(&told);
                        if matches!(failed, Failed::Refused(_)) {
                            line.rest = file.told();
                        }
                        screen.show(&line);
                    }
                }
            }
        });
    }

    fn file_sent(&self, file: &Outgoing, sent: &Sent) {
        let mut state = self.lock();
        let effects = state.app.file_sent(file, &sent.filename, &sent.answer);
        self.carry_out(state, effects);
    }

    /// A file was offered: fetches it, or says how to.
    pub(super) fn offered(&self, offer: Offer, is_wanted: bool) -> Option<Line> {
        self.downloads.note(&offer);
        if is_wanted && self.downloads.is_automatic(&offer) {
            self.fetch(offer);
            return None;
        }
        Some(Line::new(Style::Dim, text::offered(self.lang, offer.size)))
    }

    /// Fetches a file, unless that is under way or done.
    pub(super) fn fetch(&self, offer: Offer) {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if !fetched.insert(offer.file_id) {
            return;
        }
        drop(fetched);
        let (lang, screen, session) = (self.lang, self.screen.clone(), Weak::clone(&self.me));
        let downloads = self.downloads.clone();
        self.transfers.start(Way::Down, move |line| {
            let mut quiet = Quiet::new(lang, Way::Down);
            let kept = download(line, &downloads, &offer, &mut |news| {
                if let Some(line) = quiet.line(&news) {
                    screen.show(&line);
                }
            });
            match kept {
                Ok(path) => screen.show(&downloads.told(&path, lang)),
                Err(failed) => {
                    if let Some(told) = failure(lang, &offer.filename, &failed, true) {
                        screen.show(&Line::bad(&told));
                    }
                    if let Some(session) = session.upgrade() {
                        let fetched = session.fetched.lock();
                        fetched.unwrap_or_else(PoisonError::into_inner).remove(&offer.file_id);
                    }
                }
            }
        });
    }

    /// Files that may be fetched and are not being fetched.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut offers = self.downloads.noted();
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        offers.retain(|offer| !fetched.contains(&offer.file_id));
        offers
    }

    /// Logged in: what waited for a connection goes on, the first time also what another run has left.
    pub(super) fn files_online(&self, state: &State, me: &str) {
        if let Some(writer) = &state.writer {
            self.transfers.online(writer.outlet());
        }
        if !self.downloads.user().is_empty() {
            return;
        }
        self.downloads.of_user(me);
        for offer in self.downloads.noted() {
            if self.downloads.has_part(&offer) {
                self.fetch(offer);
            }
        }
    }
}
