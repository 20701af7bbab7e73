use std::error::Error;

use crate::Class;

/// An error that says what kind of failure it is, and what the reader can do about it.
///
/// Hints of libraries name no command and no flag: those are the command's to add.
pub trait Diagnose: Error {
    /// What kind of failure it is.
    fn class(&self) -> Class;

    /// What to do about it, in one line; `None` where there is nothing to say.
    fn hint(&self) -> Option<String>;
}
