macro_rules! classes {
    ($($(#[doc = $docs:literal])+ $class:ident $name:literal $status:literal;)+) => {
        /// What kind of failure an error is: one class for each thing that a caller does
        /// differently. The command's exit status is its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Class {$(
            $(#[doc = $docs])+
            $class,
        )+}

        impl Class {
            /// All classes, in the order of their exit statuses.
            pub const ALL: &[Self] = &[$(Self::$class),+];

            /// Its name, for programs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$class => $name,)+
                }
            }

            /// The exit status of the command for this class.
            pub const fn exit_status(self) -> u8 {
                match self {
                    $(Self::$class => $status,)+
                }
            }

            /// What it means, as one or two sentences.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$class => concat!($($docs),+).trim(),)+
                }
            }
        }
    };
}

classes! {
    /// A fault of this program.
    Internal "internal" 1;
    /// The command line or the configuration makes no sense.
    Usage "usage" 2;
    /// A credential is missing, malformed or readable by others.
    Credential "credential" 10;
    /// The policy or the audit log cannot be used.
    Policy "policy" 11;
    /// The policy denied a request.
    Denied "denied" 12;
    /// The component trapped or went over a limit.
    Guest "guest" 13;
    /// The API rejected the request.
    Rejected "rejected" 14;
    /// The API could not be reached, failed on its side, or wants fewer requests. Try again later.
    Unreachable "unreachable" 15;
    /// A request was sent and no response came: a key may exist.
    OutcomeUnknown "outcome-unknown" 16;
    /// The component, or a Vault, returned an invalid result.
    InvalidResult "invalid-result" 17;
    /// The API created a key with other properties than those that were asked for.
    NotAsAsked "not-as-asked" 18;
    /// The `tailscale` command is missing.
    TailscaleMissing "tailscale-missing" 20;
    /// The `tailscale` command failed, or the machine did not join.
    TailscaleFailed "tailscale-failed" 21;
    /// Somebody stopped it. The exit status is 128 and the number of the signal: this is
    /// that of SIGINT.
    Interrupted "interrupted" 130;
}
