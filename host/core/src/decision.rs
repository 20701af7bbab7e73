use std::fmt;

/// What the policy says about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The rule that decided: the one whose method and path are the request's,
    /// or `no-rule`.
    pub rule: &'static str,
    /// Why the request is denied; `None` where it may be sent.
    pub denial: Option<Denial>,
    /// Why it would be denied, where the policy is report-only.
    pub reported: Option<Denial>,
}

impl Decision {
    /// The name that stands for the rule of a request that no rule is for.
    pub const NO_RULE: &str = "no-rule";

    /// The request is allowed by this rule.
    pub fn allowed(rule: &'static str) -> Self {
        Self {
            rule,
            denial: None,
            reported: None,
        }
    }

    /// The request is denied by this rule.
    pub fn denied(rule: &'static str, denial: Denial) -> Self {
        Self {
            rule,
            denial: Some(denial),
            reported: None,
        }
    }

    /// Whether the request may be sent.
    pub fn allows(&self) -> bool {
        self.denial.is_none()
    }
}

/// The first thing about a request that the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Which part of the request: `host`, `path`, `header`, `body.expirySeconds`.
    pub member: String,
    /// What is wrong with it. The request's own words are quoted with their
    /// control characters escaped and cut short.
    pub reason: String,
    /// The smallest change of the policy that would allow it; `None` where none
    /// can.
    pub remedy: Option<String>,
}

impl Denial {
    /// A denial because of this part of the request, with no change that would allow it.
    pub fn new(member: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            member: member.into(),
            reason: reason.into(),
            remedy: None,
        }
    }

    /// The same with the change of the policy that would allow it.
    #[must_use]
    pub fn unless(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.reason)
    }
}

/// The most of a request's own words that a denial repeats.
const QUOTED_CHARACTERS: usize = 80;

/// The text in quotes, escaped and cut to [`QUOTED_CHARACTERS`].
pub fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut cut: String = text.chars().take(QUOTED_CHARACTERS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("\"{}\"", cut.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_be_sent_unless_it_is_denied() {
        let denial = || Denial::new("body", "it is long");
        assert!(Decision::allowed("token").allows());
        assert!(!Decision::denied("token", denial()).allows());
        let reported = Decision {
            reported: Some(denial()),
            ..Decision::allowed("token")
        };
        assert!(reported.allows());
        assert_eq!(denial().to_string(), "body: it is long");
        assert_eq!(denial().remedy, None);
        let remedy = denial().unless("set it").remedy;
        assert_eq!(remedy.as_deref(), Some("set it"));
    }

    #[test]
    fn words_are_quoted_escaped_and_cut() {
        for (text, shown) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a\"b\u{1b}\n", "\"a\\\"b\\u{1b}\\n\""),
        ] {
            assert_eq!(quoted(text.as_bytes()), shown);
        }
        assert_eq!(quoted(b"\xff"), "\"\u{fffd}\"");
        let most = "\u{e9}".repeat(80);
        assert_eq!(quoted(most.as_bytes()), format!("\"{most}\""));
        let more = "\u{e9}".repeat(81);
        assert_eq!(quoted(more.as_bytes()), format!("\"{most}…\""));
    }
}
