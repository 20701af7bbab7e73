/// Why a run ends before its end. What it created is removed all the same.
#[derive(Debug)]
pub enum Stop {
    /// A signal came.
    Interrupted,
    /// The API cannot be reached, or a response was lost.
    Transport(String),
    /// The credential gives no access token.
    Credential(String),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Transport(why) => write!(f, "no response: {why}"),
            Self::Credential(why) => write!(f, "the credential gives no access token: {why}"),
        }
    }
}

impl std::error::Error for Stop {}
