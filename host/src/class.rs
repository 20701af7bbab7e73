/// What kind of failure an error is: one class for each thing that whoever
/// called does differently. The command's exit status is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A fault of this program.
    Internal,
    /// The command line or the configuration makes no sense.
    Usage,
    /// A credential is missing, malformed or readable by others.
    Credential,
    /// The policy or the audit is not usable.
    Policy,
    /// The policy refused a request.
    Denied,
    /// The component trapped or went over a limit.
    Guest,
    /// The API refused.
    Refused,
    /// The API could not be reached, or failed on its side.
    Unreachable,
    /// A request left and no answer came: a key may exist.
    OutcomeUnknown,
    /// The component's result was not accepted.
    Rejected,
    /// Whoever called wanted to stop. The command ends as the signal has it:
    /// with 128 and its number; this is SIGINT's.
    Interrupted,
    /// The `tailscale` command is not there.
    TailscaleMissing,
    /// The `tailscale` command failed, or the node did not join.
    TailscaleFailed,
}

impl Class {
    /// Its name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Credential => "credential",
            Self::Policy => "policy",
            Self::Denied => "denied",
            Self::Guest => "guest",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Rejected => "rejected",
            Self::Interrupted => "interrupted",
            Self::TailscaleMissing => "tailscale-missing",
            Self::TailscaleFailed => "tailscale-failed",
        }
    }

    /// The exit status of the command for this class.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Credential => 10,
            Self::Policy => 11,
            Self::Denied => 12,
            Self::Guest => 13,
            Self::Refused => 14,
            Self::Unreachable => 15,
            Self::OutcomeUnknown => 16,
            Self::Rejected => 17,
            Self::Interrupted => 130,
            Self::TailscaleMissing => 20,
            Self::TailscaleFailed => 21,
        }
    }
}
