/// What a push came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// What was done.
    pub outcome: Outcome,
    /// The version that was there before; 0 where there was none.
    pub before: u64,
    /// The version that has the client now, or would have it.
    pub version: u64,
    /// The members of the secret, and what became of each.
    pub fields: [(&'static str, Change); 2],
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing: the client was there already.
    Unchanged,
    /// Nothing, since nothing was to be; a new version would be written.
    WouldWrite,
    /// A new version was written, read again, and is the client.
    Written,
}

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was not there.
    Added,
    /// It had another value.
    Changed,
    /// It had this value.
    Unchanged,
}

impl Pushed {
    pub(super) fn is_unchanged(&self) -> bool {
        self.outcome == Outcome::Unchanged
    }
}

impl Outcome {
    /// Its name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::WouldWrite => "would-write",
            Self::Written => "written",
        }
    }
}

impl Change {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}
