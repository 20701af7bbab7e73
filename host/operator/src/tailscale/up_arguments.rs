use std::ffi::{OsStr, OsString};

use serde::{Deserialize, Deserializer, de::Error};

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

    /// These, then the others. Where both give a flag, the later one counts: `tailscale`
    /// rejects a flag that it gets twice.
    #[must_use]
    pub fn then(self, others: Self) -> Self {
        let is_replaced = |argument: &OsString| {
            let name = flag_name(argument);
            name.is_some() && others.0.iter().any(|other| flag_name(other) == name)
        };
        let mut all = Vec::new();
        let mut is_dropped = false;
        for argument in self.0 {
            // What is no flag is the value of the flag before it.
            if flag_name(&argument).is_some() {
                is_dropped = is_replaced(&argument);
            }
            if !is_dropped {
                all.push(argument);
            }
        }
        all.extend(others.0);
        Self(all)
    }

    /// These with the name that the machine is to have in the tailnet.
    #[must_use]
    pub fn with_hostname(self, name: &str) -> Self {
        self.then(Self(vec![format!("--hostname={name}").into()]))
    }

    /// Whether the user accepts to lose a session that comes over the tailnet.
    pub(super) fn accept_losing_ssh(&self) -> bool {
        let mut after_flag = false;
        self.0.iter().any(|argument| {
            let argument = argument.to_string_lossy();
            let is_flag = is_flag(argument.as_ref().as_ref(), "accept-risk");
            let risks = match argument.split_once('=') {
                Some((_, risks)) if is_flag => risks,
                None if after_flag => &argument,
                _ => "",
            };
            let accepts = risks.split(',').any(|it| it == "lose-ssh" || it == "all");
            after_flag = is_flag;
            accepts
        })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[OsString] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for UpArguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arguments = Vec::<String>::deserialize(deserializer)?;
        let arguments = arguments.into_iter().map(OsString::from).collect();
        Self::new(arguments)
            .map_err(|error| D::Error::custom(format!("{error}: {}", error.instead)))
    }
}

fn is_flag(argument: &OsStr, flag: &str) -> bool {
    flag_name(argument) == Some(flag.as_bytes())
}

/// Go's flags have one hyphen or two, and a value behind `=` or none.
fn flag_name(argument: &OsStr) -> Option<&[u8]> {
    let argument = argument.as_encoded_bytes();
    let name = argument
        .strip_prefix(b"--")
        .or_else(|| argument.strip_prefix(b"-"))?;
    let end = name.iter().position(|&byte| byte == b'=');
    Some(&name[..end.unwrap_or(name.len())])
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
    fn a_flag_that_is_given_again_counts_once() {
        let first = parse(&["--ssh", "--hostname", "a", "--accept-dns=false", "--reset"]);
        let then = parse(&["-hostname=b", "--ssh=false", "--accept-routes"]);
        let all = first.unwrap().then(then.unwrap());
        assert_eq!(
            all.as_slice(),
            [
                "--accept-dns=false",
                "--reset",
                "-hostname=b",
                "--ssh=false",
                "--accept-routes"
            ]
        );
        let named = parse(&["--hostname=a", "--ssh"])
            .unwrap()
            .with_hostname("b");
        assert_eq!(named.as_slice(), ["--ssh", "--hostname=b"]);
    }

    #[test]
    fn a_session_over_the_tailnet_is_given_up_by_name_only() {
        for (arguments, accepted) in [
            (&["--accept-risk=lose-ssh"][..], true),
            (&["--ssh", "-accept-risk", "lose-ssh"], true),
            (&["--accept-risk=mac-app-connector,lose-ssh"], true),
            (&["--accept-risk=all"], true),
            (&["--accept-risk=mac-app-connector"], false),
            (&["--accept-routes", "lose-ssh"], false),
            (&[], false),
        ] {
            let parsed = parse(arguments).unwrap();
            assert_eq!(parsed.accept_losing_ssh(), accepted, "{arguments:?}");
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
