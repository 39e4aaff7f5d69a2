//! What came while the user was away: held until it is complete, then shown with a summary. Pure.
//!
//! Few messages are shown as they came. Of many, the newest of each conversation are, and the rest
//! is counted: nobody reads hundreds of lines that rush by, and the history has them.

use crate::text::Lang;
use crate::text::client as text;
use crate::wire::event::MsgId;

use crate::client::place::Place;
use crate::client::sanitize::one_line;
use crate::client::show::{Calendar, Day, Line, Style};

/// Items shown at most.
const SHOWN_MAX: usize = 50;

/// Messages of one conversation that are shown however many others there are.
const LAST_OF_EACH: usize = 5;

/// Conversations counted by name; a user has hundreds at most.
const PLACES_MAX: usize = 1_000;

/// Conversations that the summary names.
const NAMED_MAX: usize = 8;

/// Something that was missed.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// Its conversation, if it has one.
    pub(crate) place: Option<Place>,
    /// Its number, if it is a message.
    pub(crate) msg_id: MsgId,
    /// When it happened, as far as that is known.
    pub(crate) day: Option<Day>,
    /// It is a message of somebody else's.
    pub(crate) counts: bool,
    /// What to show of it.
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug)]
struct Held {
    /// Index of its conversation, if it has one that is counted.
    place: Option<usize>,
    msg_id: MsgId,
    day: Option<Day>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Counted {
    place: Place,
    count: usize,
    /// Not all of it is shown.
    is_cut: bool,
}

/// What has arrived of a backlog so far.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// All that was missed before this login has come.
    pub(crate) is_whole: bool,
    held: Vec<Held>,
    places: Vec<Counted>,
    total: usize,
    /// Some of it is not shown.
    is_cut: bool,
}

/// A backlog, complete.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What to show.
    pub(crate) lines: Vec<Line>,
    /// The conversations that are shown whole, each with its newest message.
    pub(crate) read: Vec<(Place, MsgId)>,
}

impl Missed {
    /// Nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes something that was missed.
    pub(crate) fn hold(&mut self, item: Item) {
        let Item { place, msg_id, day, counts, lines } = item;
        let place = place.and_then(|place| self.index_of(place));
        if counts {
            self.total += 1;
            if let Some(index) = place {
                self.places[index].count += 1;
            }
        }
        self.held.push(Held { place, msg_id, day, lines });
        if self.held.len() > SHOWN_MAX {
            self.drop_one();
        }
    }

    /// Adds a line to what was taken last.
    pub(crate) fn add(&mut self, line: Line) {
        if let Some(held) = self.held.last_mut() {
            held.lines.push(line);
        }
    }

    /// Gives out everything, with the summary.
    pub(crate) fn release(&mut self, lang: Lang) -> Shown {
        let missed = std::mem::take(self);
        let mut shown = Shown::default();
        if missed.is_cut {
            shown.lines.push(Line::new(Style::Dim, text::MISSED_HEAD.get(lang)));
        }
        let mut newest = vec![0; missed.places.len()];
        // Of today alone, most likely, and then the date says nothing.
        let mut days = missed.held.iter().filter_map(|held| held.day);
        let first = days.next();
        let is_long = days.any(|day| Some(day) != first);
        let mut calendar = Calendar::default();
        for held in missed.held {
            if is_long {
                shown.lines.extend(calendar.turn_to(held.day, lang));
            }
            if let Some(index) = held.place {
                newest[index] = newest[index].max(held.msg_id);
            }
            shown.lines.extend(held.lines);
        }
        if missed.total > 0 {
            shown.lines.push(summary(lang, missed.total, &missed.places, missed.is_cut));
        }
        let whole = missed.places.into_iter().zip(newest);
        let whole = whole.filter(|(counted, newest)| !counted.is_cut && *newest > 0);
        shown.read = whole.map(|(counted, newest)| (counted.place, newest)).collect();
        shown
    }

    fn index_of(&mut self, place: Place) -> Option<usize> {
        if let Some(index) = self.places.iter().position(|known| known.place == place) {
            return Some(index);
        }
        if self.places.len() == PLACES_MAX {
            return None;
        }
        self.places.push(Counted { place, count: 0, is_cut: false });
        Some(self.places.len() - 1)
    }

    /// Drops the oldest item of a conversation that has more than its share, or the oldest of all.
    fn drop_one(&mut self) {
        let of = |place: Option<usize>| self.held.iter().filter(|held| held.place == place).count();
        let ample = self.held.iter().position(|held| of(held.place) > LAST_OF_EACH);
        let dropped = self.held.remove(ample.unwrap_or(0));
        self.is_cut = true;
        if let Some(index) = dropped.place {
            self.places[index].is_cut = true;
        }
    }
}

fn summary(lang: Lang, total: usize, places: &[Counted], is_cut: bool) -> Line {
    let mut largest: Vec<(String, usize)> = places
        .iter()
        .filter(|counted| counted.count > 0)
        .map(|counted| (one_line(&counted.place.name).into_owned(), counted.count))
        .collect();
    // Stable: of two with as many, the one that began earlier comes first.
    largest.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = largest.len().saturating_sub(NAMED_MAX);
    largest.truncate(NAMED_MAX);
    let told = text::missed(lang, total, &largest, more);
    let told = if is_cut { format!("{told}. {}", text::MISSED_REST.get(lang)) } else { told };
    Line::new(Style::Title, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<Line> {
        vec![Line::new(Style::Plain, text)]
    }

    fn place(name: &str) -> Place {
        Place::new(false, name)
    }

    fn message(name: &str, msg_id: MsgId, day: Day) -> Item {
        Item {
            place: Some(place(name)),
            msg_id,
            day: Some(day),
            counts: true,
            lines: line(&format!("{name} {msg_id}")),
        }
    }

    #[test]
    fn nothing_missed_is_nothing_said() {
        assert_eq!(Missed::default().release(Lang::Pt), Shown::default());
        let mut missed = Missed::default();
        missed.hold(Item { lines: line("🎉"), ..Item::default() });
        assert_eq!(missed.release(Lang::Pt).lines, line("🎉"));
        assert!(missed.is_empty());
    }

    #[test]
    fn of_many_the_newest_of_each_are_shown_and_all_are_counted() {
        let mut missed = Missed::default();
        missed.hold(message("bob", 1, (2025, 3, 11)));
        for number in 2..=2_000 {
            missed.hold(message("cae", number, (2025, 3, 12)));
            assert!(missed.held.len() <= SHOWN_MAX);
        }
        let shown = missed.release(Lang::Pt);
        assert_eq!(shown.lines.len(), SHOWN_MAX + 4);
        assert_eq!(shown.lines[1].lead, "── 11/03/2025 ──");
        assert_eq!(shown.lines[2].lead, "bob 1");
        assert_eq!(shown.lines[3].lead, "── 12/03/2025 ──");
        assert_eq!(shown.lines[4].lead, "cae 1952");
        assert_eq!(
            shown.lines[SHOWN_MAX + 3].lead,
            "📬 2000 mensagens enquanto você esteve fora: cae 1999, bob 1. O resto está no histórico (opção 13)."
        );
        assert_eq!(shown.read, [(place("bob"), 1)]);
    }

    #[test]
    fn many_conversations_have_an_end() {
        let mut missed = Missed::default();
        for number in 1..=2 * PLACES_MAX as u64 {
            missed.hold(message(&format!("p{number}"), number, (2025, 3, 12)));
        }
        let shown = missed.release(Lang::Pt);
        assert_eq!(shown.lines.len(), SHOWN_MAX + 2);
        let last = &shown.lines[SHOWN_MAX + 1].lead;
        assert!(last.starts_with("📬 2000 mensagens"), "{last}");
        assert!(last.contains("p8 1, mais 992 conversas"), "{last}");
    }
}
