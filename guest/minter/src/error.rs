/// What went wrong: the cases of `tailmint:api/types.error`, where each is
/// documented.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in wit/types.wit, case by case")]
pub enum Error {
    Denied(Problem),
    InvalidCredential(Problem),
    InvalidRequest(Problem),
    MalformedResponse(Problem),
    MissingScope(Problem),
    NotFound(Problem),
    OutcomeUnknown(Problem),
    RateLimited(RateLimit),
    TagsNotPermitted(TagsRefusal),
    Transport(TransportFailure),
    Unavailable(Problem),
}

/// What went wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In lower case, one line.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The response's status, if there was one.
    pub status: Option<u16>,
}

/// Tags that the credential may not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsRefusal {
    /// What went wrong.
    pub problem: Problem,
    /// The tags asked for.
    pub asked: Vec<String>,
    /// The tags that the credential carries, if known.
    pub carried: Vec<String>,
}

/// A refusal to answer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// What went wrong.
    pub problem: Problem,
    /// How long to wait, if the server said so.
    pub retry_after_seconds: Option<u32>,
}

/// A request that did not come through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFailure {
    /// What went wrong.
    pub problem: Problem,
    /// At which step.
    pub cause: TransportCause,
}

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportCause {
    /// Making or keeping the connection.
    Connection,
    /// Finding the address.
    NameResolution,
    /// Reading what came.
    Protocol,
    /// Waiting.
    Timeout,
    /// Agreeing on keys, or judging the certificate.
    Tls,
}
