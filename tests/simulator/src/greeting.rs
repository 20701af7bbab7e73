/// What a new connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Greeting {
    /// It is closed as soon as it is made.
    Close,
    /// It is closed in the middle of the TLS handshake, when the client has said
    /// what it can.
    CloseInHandshake,
    /// TLS as usual.
    Handshake,
    /// A server that speaks TLS 1.1 and nothing newer.
    OldTls,
    /// Nothing is said, not even in TLS.
    Silence,
}
