use std::time::Duration;

use serde::Deserialize;

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Endpoint {
    /// All of them.
    Any,
    /// That which exchanges an identity token for an access token.
    Exchange,
    /// That for one key.
    Key,
    /// Those for keys, one or all.
    Keys,
    /// Those for tokens.
    Token,
}

/// How to misbehave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// Answers with this instead, and does nothing.
    Answer {
        /// The status.
        status: u16,
        /// Headers, beside those that HTTP needs.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body.
        #[serde(default)]
        body: String,
    },
    /// Does as always, and closes the connection after its answer.
    Close,
    /// Closes the connection instead of answering, and does nothing.
    Cut,
    /// Waits, then does as always.
    Delay(Duration),
    /// Does as always, but the answer's body comes a byte at a time, this far
    /// apart.
    Drip(Duration),
    /// Waits until the simulator is told to go on, then does as always.
    Hold,
    /// Does as always, then closes the connection instead of answering.
    LoseAnswer,
    /// Answers 200 with a body of so many bytes.
    Oversized(usize),
    /// Never answers.
    Silence,
    /// Does as always, but announces a body that is longer than it is, and
    /// closes the connection.
    Truncate,
    /// Creates another auth key than was asked for: reusable where it was not to be and the
    /// other way around, and not ephemeral. Other requests it does as always.
    Widen,
    /// Writes these bytes instead of an answer.
    Wire {
        /// The bytes.
        bytes: Vec<u8>,
        /// What follows.
        ending: Ending,
        /// Whether it does as always before.
        acts: bool,
    },
}

/// What follows bytes that were written instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ending {
    /// The connection is closed.
    Close,
    /// The same bytes, again and again.
    Repeat,
    /// The connection is reset: TCP's RST.
    Reset,
    /// Nothing more.
    Stall,
}

/// A fault for so many of the next requests.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) endpoint: Endpoint,
    pub(crate) fault: Fault,
    pub(crate) times: usize,
}

impl Fault {
    /// Answers with this instead, and does nothing.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self::Answer {
            status,
            headers: headers.iter().map(owned).collect(),
            body: body.to_owned(),
        }
    }
}

/// The fault for a request, which is then one less to come.
pub(crate) fn take(planned: &mut Vec<Planned>, endpoint: Endpoint) -> Option<Fault> {
    let index = planned.iter().position(|it| {
        it.endpoint == Endpoint::Any
            || it.endpoint == endpoint
            || (it.endpoint == Endpoint::Keys && endpoint == Endpoint::Key)
    })?;
    let fault = planned[index].fault.clone();
    planned[index].times = planned[index].times.saturating_sub(1);
    if planned[index].times == 0 {
        planned.remove(index);
    }
    Some(fault)
}
