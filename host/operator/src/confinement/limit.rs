/// One of the things that the kernel can take from a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// All files but those of the list.
    Files,
    /// All TCP ports but those of the list, and every port to listen on.
    Ports,
    /// Signals to processes that are not confined with it, and abstract sockets.
    Signals,
    /// System calls that it never makes: other programs, other kinds of sockets,
    /// namespaces, other processes' memory.
    Calls,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Files, Self::Ports, Self::Signals, Self::Calls];

    /// What is limited, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Ports => "TCP ports",
            Self::Signals => "signals",
            Self::Calls => "system calls",
        }
    }

    /// The version of Linux whose Landlock has it; `None` for what is seccomp's.
    pub(super) const fn landlock_as_of(self) -> Option<&'static str> {
        match self {
            Self::Files => Some("5.13"),
            Self::Ports => Some("6.7"),
            Self::Signals => Some("6.12"),
            Self::Calls => None,
        }
    }

    /// Whether a policy that requires confinement requires this. Signals to other processes
    /// of the same user can end them and tell them nothing.
    pub(super) const fn is_required(self) -> bool {
        match self {
            Self::Files | Self::Ports | Self::Calls => true,
            Self::Signals => false,
        }
    }
}
