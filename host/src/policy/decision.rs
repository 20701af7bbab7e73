use std::fmt;

/// What the policy says about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The rule that decided: the one whose method and path are the request's,
    /// or `no-rule`.
    pub rule: &'static str,
    /// Why the request is refused; `None` where it may leave.
    pub refusal: Option<Refusal>,
    /// Why it would be refused, where the policy only reports.
    pub reported: Option<Refusal>,
}

impl Decision {
    /// Whether the request may leave.
    pub fn allows(&self) -> bool {
        self.refusal.is_none()
    }
}

/// The first thing about a request that the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which part of the request: `host`, `path`, `header`, `body.expirySeconds`.
    pub member: String,
    /// What is wrong with it. The request's own words are quoted with their
    /// control characters escaped and cut short.
    pub reason: String,
    /// The smallest change of the policy that would allow it; `None` where none
    /// can.
    pub remedy: Option<String>,
}

impl Refusal {
    pub(crate) fn new(member: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            member: member.into(),
            reason: reason.into(),
            remedy: None,
        }
    }

    /// The same with the change that would allow it.
    pub(crate) fn unless(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.reason)
    }
}

/// The most of a request's own words that a refusal repeats.
const QUOTED_CHARACTERS: usize = 80;

/// The text in quotes, escaped and cut to [`QUOTED_CHARACTERS`].
pub(crate) fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut cut: String = text.chars().take(QUOTED_CHARACTERS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("\"{}\"", cut.escape_debug())
}
