use std::ffi::{OsStr, OsString};

use tailmint::{Class, Diagnose};

/// Further arguments for `tailscale up`, such as `--hostname=db`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpArguments(Vec<OsString>);

/// An argument that is not the user's to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{flag} is not passed on to tailscale up")]
pub struct UpArgumentsError {
    flag: &'static str,
    instead: &'static str,
}

/// The flags of `tailscale up` that this program gives itself, and what to do
/// instead of giving them.
const OURS: [(&str, &str); 6] = [
    (
        "auth-key",
        "leave it out: the key is minted and handed over for you",
    ),
    (
        "authkey",
        "leave it out: the key is minted and handed over for you",
    ),
    (
        "client-secret",
        "leave it out: the key is minted and handed over for you",
    ),
    (
        "id-token",
        "leave it out: the key is minted and handed over for you",
    ),
    ("force-reauth", "give --force before the --"),
    ("timeout", "give --timeout before the --"),
];

impl UpArguments {
    /// Takes the arguments unless one of them is among those that are given
    /// already.
    ///
    /// # Errors
    /// One of them is.
    pub fn new(arguments: Vec<OsString>) -> Result<Self, UpArgumentsError> {
        for argument in &arguments {
            if let Some((flag, instead)) = OURS.iter().find(|(flag, _)| is_flag(argument, flag)) {
                return Err(UpArgumentsError { flag, instead });
            }
        }
        Ok(Self(arguments))
    }

    pub(super) fn as_slice(&self) -> &[OsString] {
        &self.0
    }
}

/// Go's flags have one hyphen or two, and a value behind `=` or none.
fn is_flag(argument: &OsStr, flag: &str) -> bool {
    let argument = argument.as_encoded_bytes();
    let Some(name) = argument
        .strip_prefix(b"--")
        .or_else(|| argument.strip_prefix(b"-"))
    else {
        return false;
    };
    let end = name.iter().position(|&byte| byte == b'=');
    &name[..end.unwrap_or(name.len())] == flag.as_bytes()
}

impl Diagnose for UpArgumentsError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(self.instead.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<UpArguments, UpArgumentsError> {
        UpArguments::new(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn passes_on_what_is_not_ours() {
        for arguments in [
            &[][..],
            &["--hostname=db", "--ssh"],
            &["--hostname", "timeout"],
            &["--accept-routes", "--timeouts=1"],
        ] {
            assert!(parse(arguments).is_ok(), "{arguments:?}");
        }
    }

    #[test]
    fn refuses_what_is_ours_however_it_is_written() {
        for argument in [
            "--auth-key=x",
            "--auth-key",
            "-auth-key=x",
            "--authkey=x",
            "-timeout=1s",
            "--timeout",
            "--force-reauth",
        ] {
            assert!(parse(&["--ssh", argument]).is_err(), "{argument}");
        }
    }
}
