use crate::Moment;

/// The time that a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Where it begins; with the log where it is `None`.
    pub since: Option<Moment>,
    /// Where it ends. Keys join, or do not, as of then.
    pub until: Moment,
}

impl Period {
    pub(super) fn has_begun(&self, moment: Moment) -> bool {
        self.since.is_none_or(|since| since <= moment)
    }

    pub(super) fn has_ended(&self, moment: Moment) -> bool {
        self.until <= moment
    }
}
