//! What was counted, and what of it should not have been.

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) answered: u64,
    /// Answers that said no.
    pub(super) refused: u64,
    /// Deliveries that never came.
    pub(super) lost: u64,
    /// Answers that never came.
    pub(super) unanswered: u64,
    /// Deliveries and answers that came once more.
    pub(super) duplicated: u64,
    /// Deliveries that came after one that should have followed them.
    pub(super) reordered: u64,
    /// Lines that are not as they were sent, or make no sense.
    pub(super) damaged: u64,
    /// Deliveries to somebody for whom they were not, or under another's name.
    pub(super) misdelivered: u64,
    /// Connections that ended.
    pub(super) disconnected: u64,
    /// The first refusal, in the server's words.
    pub(super) refusal: Option<String>,
    /// The first connection that ended: whose, and why if that is known.
    pub(super) disconnection: Option<String>,
}

impl Tally {
    /// What went wrong, in the order of [`crate::text::load::WRONGS`].
    pub(super) fn wrongs(&self) -> [u64; 8] {
        [
            self.refused,
            self.lost,
            self.unanswered,
            self.duplicated,
            self.reordered,
            self.damaged,
            self.misdelivered,
            self.disconnected,
        ]
    }

    /// Adds what another slice of the same scenario counted.
    pub(super) fn add(&mut self, other: Tally) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.answered += other.answered;
        self.refused += other.refused;
        self.lost += other.lost;
        self.unanswered += other.unanswered;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.damaged += other.damaged;
        self.misdelivered += other.misdelivered;
        self.disconnected += other.disconnected;
        self.refusal = self.refusal.take().or(other.refusal);
        self.disconnection = self.disconnection.take().or(other.disconnection);
    }

    /// Whether everything was delivered exactly once, in order, intact, and answered.
    pub(super) fn is_clean(&self) -> bool {
        self.wrongs() == [0; 8]
    }
}
