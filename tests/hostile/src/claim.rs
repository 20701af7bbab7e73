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
    /// How many requests the operation takes: one for a token and its own, or its own alone.
    fn takes(operation: Operation) -> usize {
        match operation {
            Operation::CheckIdentity => 1,
            _ => 2,
        }
    }

    /// Every claim about every operation, after none, some and all of its requests.
    pub fn all() -> impl Iterator<Item = Self> {
        Operation::ALL.iter().flat_map(|&operation| {
            Says::ALL.iter().flat_map(move |&says| {
                (0..=Self::takes(operation)).map(move |after| Self {
                    operation,
                    says,
                    after,
                })
            })
        })
    }
}

impl Claim {
    /// An id of a federated identity that stands for the claim: no id has dots.
    pub fn client_id(self) -> String {
        let at = Self::all().position(|it| it == self);
        format!("claim-{}", at.unwrap_or_default())
    }

    /// The claim that an id of a federated identity stands for.
    pub fn of_client_id(id: &str) -> Option<Self> {
        let at = id.strip_prefix("claim-")?.parse().ok()?;
        Self::all().nth(at)
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
