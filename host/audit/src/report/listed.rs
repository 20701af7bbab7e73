use serde::Serialize;

/// A list that is cut where it would be too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed<T> {
    /// Those that are listed.
    pub items: Vec<T>,
    /// How many entries of the log are about others.
    pub more: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            more: 0,
        }
    }
}

impl<T> Listed<T> {
    /// Adds one, or counts it where there are so many already.
    pub(super) fn push(&mut self, item: T, most: usize) {
        if self.items.len() < most {
            self.items.push(item);
        } else {
            self.more += 1;
        }
    }
}
