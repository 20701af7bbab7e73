use std::collections::BTreeMap;

use super::Listed;

/// So many names are told apart. Beyond them, entries are only counted: whatever a log
/// says, a report of it stays small.
pub(super) const MOST_NAMES: usize = 200;

/// What is counted under names, while a log is read.
pub(super) struct Tallies<K, T> {
    names: BTreeMap<K, T>,
    more: u64,
}

impl<K, T> Default for Tallies<K, T> {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            more: 0,
        }
    }
}

impl<K: Ord, T: Default> Tallies<K, T> {
    /// What is counted under the name; `None` where there are too many names.
    pub(super) fn of(&mut self, name: K) -> Option<&mut T> {
        if self.names.len() >= MOST_NAMES && !self.names.contains_key(&name) {
            self.more += 1;
            return None;
        }
        Some(self.names.entry(name).or_default())
    }

    /// All of them as a report shows them, those before others that `order` puts there.
    pub(super) fn listed<L, O: Ord>(
        self,
        shown: impl Fn(K, T) -> L,
        order: impl Fn(&L) -> O,
    ) -> Listed<L> {
        // They are few: the code of a sort for each kind would be larger than all of this.
        let mut items: Vec<L> = Vec::new();
        for (name, tally) in self.names {
            let item = shown(name, tally);
            let at = items.partition_point(|other| order(other) <= order(&item));
            items.insert(at, item);
        }
        Listed {
            items,
            more: self.more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_and_known_ones_go_on() {
        let mut tallies: Tallies<String, u64> = Tallies::default();
        for name in 0..MOST_NAMES + 3 {
            if let Some(count) = tallies.of(format!("{name:04}")) {
                *count += 1;
            }
        }
        *tallies.of("0007".to_owned()).unwrap() += 1;
        let listed = tallies.listed(|name, count| (name, count), |it| std::cmp::Reverse(it.1));
        assert_eq!((listed.items.len(), listed.more), (MOST_NAMES, 3));
        assert_eq!(listed.items[0], ("0007".to_owned(), 2));
        let mut listed = Listed::default();
        (0..5).for_each(|it| listed.push(it, 3));
        assert_eq!((listed.items, listed.more), (vec![0, 1, 2], 2));
    }
}
