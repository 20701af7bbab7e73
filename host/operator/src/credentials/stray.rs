use tailmint::KeyId;

/// An OAuth client that goes out of the files, and may live on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stray {
    /// The client of a run that was killed before the files named it. Its id, where that
    /// was written; without it, it is not even known whether there is one.
    CutOff(Option<KeyId>),
    /// The files named it, and name another now.
    Replaced(KeyId),
}
