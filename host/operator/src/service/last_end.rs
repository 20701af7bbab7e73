/// How a run of a unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastEnd {
    /// As it should.
    Succeeded,
    /// With this exit status: the program's, or from 200 on one of systemd's own
    /// (systemd.exec(5), "Process Exit Codes").
    Exited(u8),
    /// By the signal of this number.
    Signal(u8),
    /// systemd ended it: it took too long.
    TimedOut,
    /// In another way, in systemd's word for it (systemd.service(5), `$SERVICE_RESULT`).
    Other(String),
}
