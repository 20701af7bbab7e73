//! What the scale benchmark hands to the process that it measures, and gets back.

use serde::{Deserialize, Serialize};

/// What is to be done, on standard input: it has secrets in it.
#[derive(Deserialize, Serialize)]
pub struct Work {
    /// Where the API is.
    pub to: String,
    /// The file of its authority.
    pub ca: String,
    /// One OAuth client for each task.
    pub clients: Vec<Client>,
    /// Mints one after the other.
    pub sequential: usize,
    /// How long all tasks mint at once, in seconds.
    pub seconds: u64,
}

/// An OAuth client, and the one tag that its keys may have.
#[derive(Clone, Deserialize, Serialize)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The tag.
    pub tag: String,
}

/// What was seen.
#[derive(Debug, Deserialize, Serialize)]
pub struct Seen {
    /// What half, and 99 of 100, of the mints one after the other stay within.
    pub p50_ms: f64,
    /// See [`Seen::p50_ms`].
    pub p99_ms: f64,
    /// How much more memory there was after the last than after the hundredth.
    pub growth_kib: i64,
    /// Descriptors after the hundredth and after the last.
    pub descriptors: [usize; 2],
    /// Mints of all tasks at once.
    pub mints: usize,
    /// How many of them failed, or came back as another's.
    pub errors: Vec<String>,
    /// How long that took.
    pub elapsed_s: f64,
    /// What this process took of the processors for it.
    pub cpu_s: f64,
    /// The most memory that there ever was.
    pub peak_kib: i64,
}

impl Client {
    /// What a key of this client is described with.
    pub fn description(&self, mint: usize) -> String {
        format!("{} {mint}", self.tag.trim_start_matches("tag:"))
    }
}
