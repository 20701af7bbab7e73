//! Secrets that the component holds only as placeholders.

mod placeholder;
mod redact;
mod seals;

pub(crate) use placeholder::Placeholder;
pub(crate) use seals::{Issued, Seals};
