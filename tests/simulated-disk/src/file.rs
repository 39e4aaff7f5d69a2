//! A file: what is read from it, what is on the medium, and what lies between.

use std::collections::BTreeMap;
use std::mem;

use crate::dice::Dice;

/// What the medium writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// A file.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// What a reader sees: the system's cache.
    now: Vec<u8>,
    /// What is on the medium for certain.
    kept: Vec<u8>,
    /// What leads from there to the cache, oldest first, and may be on the medium or not.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    /// Whole sectors as the cache has them after a write, up to the file's end at most: sectors, not
    /// the bytes written, are what reaches the medium.
    Write { at: usize, bytes: Vec<u8>, size: usize },
    /// The file ends here. A journal of the filesystem's own keeps this in its order: what was written
    /// afterwards is not in the file without it.
    Cut { size: usize },
}

/// What becomes of changes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// None of them is there.
    Nothing,
    /// All are: the process died and not the machine.
    Everything,
    /// Those up to some moment, and some sectors of the next one.
    Beginning,
    /// Any sector is there as it was at some moment, and any size.
    Anything,
}

impl Fate {
    pub(crate) fn by(dice: &mut Dice) -> Self {
        [Self::Nothing, Self::Everything, Self::Beginning, Self::Anything][dice.below(4)]
    }
}

impl File {
    /// What a reader sees.
    pub(crate) fn now(&self) -> &[u8] {
        &self.now
    }

    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[at..end].copy_from_slice(bytes);
        let (start, size) = (at / SECTOR * SECTOR, self.now.len());
        let stop = end.next_multiple_of(SECTOR).min(size);
        let bytes = self.now[start..stop].to_vec();
        self.pending.push(Change::Write { at: start, bytes, size });
    }

    pub(crate) fn cut(&mut self, size: usize) {
        if size < self.now.len() {
            self.now.truncate(size);
            self.pending.push(Change::Cut { size });
        } else {
            self.now.resize(size, 0);
            self.pending.push(Change::Write { at: size, bytes: Vec::new(), size });
        }
    }

    /// All of it is on the medium from now on, but for what an earlier sync has lost.
    pub(crate) fn sync(&mut self) {
        for change in mem::take(&mut self.pending) {
            apply(&mut self.kept, &change);
        }
        self.kept.resize(self.now.len(), 0);
    }

    /// A sync that failed: the cache has what it had, counts it as written, and will not try again.
    pub(crate) fn fail_to_sync(&mut self, fate: Fate, dice: &mut Dice) {
        self.lose(fate, dice);
    }

    /// The power was off: the cache has what is on the medium.
    pub(crate) fn power_cut(&mut self, fate: Fate, dice: &mut Dice) {
        self.lose(fate, dice);
        self.now.clone_from(&self.kept);
    }

    fn lose(&mut self, fate: Fate, dice: &mut Dice) {
        let pending = mem::take(&mut self.pending);
        match fate {
            Fate::Nothing => {}
            Fate::Everything => pending.iter().for_each(|change| apply(&mut self.kept, change)),
            Fate::Beginning => {
                let whole = dice.below(pending.len() + 1);
                let (before, after) = pending.split_at(whole);
                for change in before {
                    apply(&mut self.kept, change);
                }
                self.scatter(&after[..after.len().min(1)], dice);
            }
            Fate::Anything => {
                let cuts = pending.iter().filter(|change| matches!(change, Change::Cut { .. }));
                let mut cuts_left = dice.below(cuts.count() + 1);
                for stretch in pending.split_inclusive(|c| matches!(c, Change::Cut { .. })) {
                    self.scatter(stretch, dice);
                    if cuts_left == 0 {
                        break;
                    }
                    cuts_left -= 1;
                    if let Some(cut) = stretch.last() {
                        apply(&mut self.kept, cut);
                    }
                }
            }
        }
    }

    /// Some sectors of these writes are on the medium, each as it was at some moment.
    fn scatter(&mut self, changes: &[Change], dice: &mut Dice) {
        let mut versions: BTreeMap<usize, Vec<&[u8]>> = BTreeMap::new();
        let mut sizes = vec![self.kept.len()];
        for change in changes {
            let Change::Write { at, bytes, size } = change else { continue };
            sizes.push(self.kept.len().max(*size));
            for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                versions.entry(at + number * SECTOR).or_default().push(sector);
            }
        }
        let size = sizes[dice.below(sizes.len())];
        self.kept.resize(size, 0);
        for (at, versions) in versions {
            let which = dice.below(versions.len() + 1);
            if which > 0 && at < size {
                let sector = versions[which - 1];
                let len = sector.len().min(size - at);
                self.kept[at..at + len].copy_from_slice(&sector[..len]);
            }
        }
    }
}

fn apply(kept: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes, size } => {
            if kept.len() < *size {
                kept.resize(*size, 0);
            }
            kept[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Change::Cut { size } => kept.truncate(*size),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn filled(sectors: usize, byte: u8) -> Vec<u8> {
        vec![byte; sectors * SECTOR]
    }

    #[test]
    fn what_was_synced_survives_every_fate() {
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut file = File::default();
            file.write(0, &filled(4, 1));
            file.sync();
            file.write(2 * SECTOR, &filled(4, 2));
            let fate = Fate::by(&mut dice);
            file.power_cut(fate, &mut dice);
            assert_eq!(file.now()[..2 * SECTOR], filled(2, 1));
            assert!(file.now().len() >= 4 * SECTOR);
        }
    }

    #[test]
    fn a_sector_is_as_it_was_at_some_moment() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut file = File::default();
            file.write(0, &filled(2, 1));
            file.sync();
            file.write(0, &filled(2, 2));
            file.write(100, &[3; 10]);
            file.power_cut(Fate::Anything, &mut dice);
            let sectors: Vec<&[u8]> = file.now().chunks(SECTOR).collect();
            // The ten bytes never come without what was written before to their sector.
            let with_ten = sectors[0][0] == 2 && sectors[0][100..110] == [3; 10];
            let alike = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
            assert!(with_ten || alike(sectors[0]));
            assert!(alike(sectors[1]));
            seen.insert((sectors[0][0], sectors[0][100], sectors[1][0]));
        }
        // Each sector has its own fate.
        assert_eq!(seen.len(), 6, "{seen:?}");
    }

    #[test]
    fn nothing_everything_and_each_beginning() {
        let mut seen = BTreeSet::new();
        for (seed, fate) in
            (0..300).zip([Fate::Nothing, Fate::Everything, Fate::Beginning].into_iter().cycle())
        {
            let mut dice = Dice::new(seed);
            let mut file = File::default();
            for byte in 1..=3 {
                file.write((usize::from(byte) - 1) * SECTOR, &filled(1, byte));
            }
            file.power_cut(fate, &mut dice);
            match fate {
                Fate::Nothing => assert!(file.now().is_empty()),
                Fate::Everything => assert_eq!(file.now().len(), 3 * SECTOR),
                _ => drop(seen.insert(file.now().len() / SECTOR)),
            }
        }
        assert_eq!(seen, BTreeSet::from([0, 1, 2, 3]));
    }

    #[test]
    fn what_follows_a_cut_is_not_there_without_it() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut file = File::default();
            file.write(0, &filled(3, 1));
            file.sync();
            file.cut(0);
            file.write(0, &filled(1, 2));
            file.power_cut(Fate::Anything, &mut dice);
            let found = file.now().to_vec();
            let whole = found == filled(3, 1);
            assert!(whole || found.is_empty() || found == filled(1, 2) || found == filled(1, 0));
            seen.insert(found);
        }
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn what_a_failed_sync_has_lost_is_read_until_the_power_is_cut() {
        let mut dice = Dice::new(1);
        let mut file = File::default();
        file.write(0, &filled(2, 1));
        file.fail_to_sync(Fate::Nothing, &mut dice);
        file.write(2 * SECTOR, &filled(1, 2));
        file.sync();
        assert_eq!(file.now()[..SECTOR], filled(1, 1));
        file.power_cut(Fate::Everything, &mut dice);
        assert_eq!(file.now()[..2 * SECTOR], filled(2, 0));
        assert_eq!(file.now()[2 * SECTOR..], filled(1, 2));
    }
}
