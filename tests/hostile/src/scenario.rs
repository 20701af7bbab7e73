/// Something that a hostile component tries.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, by which the component is told: a letter for the group, and what
    /// it tries.
    pub name: String,
    /// What it does.
    pub action: Action,
}

impl Scenario {
    /// The id of the OAuth client, or of the federated identity, that the component is told
    /// it by. That of an identity has letters, digits and one hyphen.
    pub fn id(&self) -> String {
        match self.name.strip_prefix("J-") {
            Some(name) => format!("J-{}", name.replace('-', "")),
            None => self.name.clone(),
        }
    }

    /// Whether the component is told it by this id.
    pub fn is_of(&self, id: &str) -> bool {
        if self.name.starts_with("J-") {
            self.id() == id
        } else {
            self.name == id
        }
    }
}

/// What a scenario does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends one request, and returns what it is told about it.
    Send(Request),
    /// Mints as it should, then returns something else.
    Lie(Lie),
    /// Mints as it should, then returns all that it ever saw as its error.
    Confess,
    /// Uses up something of the host.
    Waste(Waste),
}

/// A request, as far as it differs from the token request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The scheme, without `://`; `None` for none.
    pub scheme: Option<String>,
    /// The authority; `None` for none.
    pub authority: Option<String>,
    /// The path with its query.
    pub path: Option<String>,
    /// The method.
    pub method: String,
    /// Headers, beside those of the token request.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Body,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// That of the token request.
    Token,
    /// This one.
    Bytes(Vec<u8>),
    /// The token request's form with this member added, or put in place of the
    /// one of its name. `SECRET` in it, or elsewhere in the request, is the placeholder of
    /// the secret.
    Form(String, String),
    /// Of so many bytes.
    Long(usize),
    /// The token request's, with this content length announced.
    Announced(String),
    /// The token request's, with trailers.
    Trailers,
}

/// What is returned instead of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// This text as the key.
    Key(&'static str),
    /// A text of so many bytes as the key.
    LongKey(usize),
    /// The placeholder of the access token as the key.
    Token,
    /// The placeholder of the client's secret as the key.
    Secret,
    /// The key with another id.
    Id,
    /// A key, without having asked for one.
    Nothing,
    /// The key of a request with a tag more.
    ExtraTag,
    /// The key of a request with a longer expiry.
    LongerExpiry,
}

/// What of the host is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waste {
    /// Time, in a loop.
    Loop,
    /// Time, when the host asks for memory for the arguments.
    LoopInRealloc,
    /// Time, when the host gives the result back.
    LoopInPostReturn,
    /// Stack.
    Recursion,
    /// Memory, page by page.
    Memory,
    /// Memory, 4 GiB at once.
    MemoryAtOnce,
    /// Handles of headers.
    Fields,
    /// Entries of one set of headers.
    Entries,
    /// One header of a mebibyte.
    Value,
    /// Handles of requests.
    Requests,
    /// Handles of polls.
    Polls,
    /// A string of 256 MiB for the host.
    Text,
    /// A list of a million tags for the host.
    List,
    /// Requests at the same time.
    Concurrency,
    /// A request body without end.
    EndlessBody,
    /// A request body that is never finished.
    UnfinishedBody,
    /// An answer that is never read.
    Unread,
    /// Calls of the host, without end.
    Hostcalls,
}
