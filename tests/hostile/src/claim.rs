use std::{fmt, str::FromStr};

use tailmint_api::Operation;

/// What a component says of an operation after some of the requests that it takes, whatever
/// the responses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it was called for.
    pub operation: Operation,
    /// What it says.
    pub says: Says,
    /// How many requests it sends before: none, the first, or both.
    pub after: usize,
}

macro_rules! says {
    ($($(#[doc = $docs:literal])+ $name:ident $text:literal;)+) => {
        /// A result of the contract, or none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Says {$(
            $(#[doc = $docs])+
            $name,
        )+}

        impl Says {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

says! {
    /// That it is done; what it describes is not what the API described.
    Success "success";
    /// The error of this name.
    Denied "denied";
    /// The error of this name.
    InvalidCredential "invalid-credential";
    /// The error of this name.
    InvalidRequest "invalid-request";
    /// The error of this name.
    MalformedResponse "malformed-response";
    /// The error of this name.
    MissingScope "missing-scope";
    /// The error of this name.
    NotFound "not-found";
    /// The error of this name.
    OutcomeUnknown "outcome-unknown";
    /// The error of this name, to be tried again at once.
    RateLimited "rate-limited";
    /// The error of this name.
    TagsNotPermitted "tags-not-permitted";
    /// The error of this name, with a cause that may go away.
    Transport "transport";
    /// Nothing: it stops.
    Trap "trap";
    /// The error of this name.
    Unavailable "unavailable";
}

impl Claim {
    /// Every claim about every operation, after no, one and two requests.
    pub fn all() -> impl Iterator<Item = Self> {
        Operation::ALL.iter().flat_map(|&operation| {
            Says::ALL.iter().flat_map(move |&says| {
                (0..=2).map(move |after| Self {
                    operation,
                    says,
                    after,
                })
            })
        })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operation, says) = (self.operation, self.says.text());
        write!(f, "claim.{operation}.{says}.{}", self.after)
    }
}

impl FromStr for Claim {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|it| it.to_string() == text).ok_or(())
    }
}
