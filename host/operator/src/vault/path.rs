use std::{fmt, str::FromStr};

use tailmint::{Class, Diagnose};

use serde::{Deserialize, Deserializer, de::Error};

/// A path in a Vault: of a mount, of a secret, or of a directory, which ends in `/`.
///
/// Vault itself resolves `..`, also where it is escaped, and responds to `//` with a
/// redirect: a path that can be read in two ways is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultPath {
    /// Segments with `/` between them.
    segments: String,
    is_directory: bool,
}

/// Those that were seen have under 100 bytes.
const MAX_BYTES: usize = 512;

impl VaultPath {
    /// The secret's path: a directory's with this name in it, any other as it is.
    ///
    /// # Errors
    /// The name cannot be a part of a path.
    pub(super) fn leaf(&self, name: &str) -> Result<Self, VaultPathError> {
        if !self.is_directory {
            return Ok(self.clone());
        }
        if name.contains('/') {
            return Err(VaultPathError::Characters);
        }
        format!("{}/{name}", self.segments).parse()
    }

    /// Without the slash at the end.
    pub fn as_str(&self) -> &str {
        &self.segments
    }
}

impl fmt::Display for VaultPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments)
    }
}

/// Why a text is not a path in a Vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultPathError {
    /// It has other characters than letters, digits and a few more.
    #[error("a path has letters, digits, -, ., _, @ and / only")]
    Characters,
    /// It has an empty segment, `.` or `..`.
    #[error("a path has no empty segment, no . and no ..")]
    Relative,
    /// It is too long.
    #[error("a path has at most {MAX_BYTES} bytes")]
    TooLong,
}

impl FromStr for VaultPath {
    type Err = VaultPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (segments, is_directory) = match text.strip_suffix('/') {
            Some(segments) => (segments, true),
            None => (text, false),
        };
        if text.len() > MAX_BYTES {
            return Err(VaultPathError::TooLong);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@/".contains(&byte);
        if !segments.bytes().all(plain) {
            return Err(VaultPathError::Characters);
        }
        if segments.split('/').any(|it| matches!(it, "" | "." | "..")) {
            return Err(VaultPathError::Relative);
        }
        Ok(Self {
            segments: segments.to_owned(),
            is_directory,
        })
    }
}

impl<'de> Deserialize<'de> for VaultPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Diagnose for VaultPathError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("name another path, without / at its end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_takes_the_name_and_a_path_does_not() {
        let leaf = |path: &str| path.parse::<VaultPath>().unwrap().leaf("lab");
        assert_eq!(leaf("a/b/").unwrap().as_str(), "a/b/lab");
        assert_eq!(leaf("a/b").unwrap().as_str(), "a/b");
        let directory: VaultPath = "a/".parse().unwrap();
        assert_eq!(directory.leaf(".."), Err(VaultPathError::Relative));
        assert_eq!(directory.leaf("b/c"), Err(VaultPathError::Characters));
        assert_eq!(directory.leaf("b c"), Err(VaultPathError::Characters));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use VaultPathError::{Characters, Relative, TooLong};
        let long = "a".repeat(MAX_BYTES + 1);
        for (text, error) in [
            ("", Relative),
            ("/", Relative),
            ("/a", Relative),
            ("a//b", Relative),
            ("a//", Relative),
            (".", Relative),
            ("a/../b", Relative),
            ("a/./b", Relative),
            ("a/..", Relative),
            ("../a/", Relative),
            ("a/%2e%2e/b", Characters),
            ("a b", Characters),
            ("a?version=1", Characters),
            ("a#b", Characters),
            ("a\nb", Characters),
            ("a\\b", Characters),
            ("a/é", Characters),
            (&long, TooLong),
        ] {
            assert_eq!(text.parse::<VaultPath>(), Err(error), "{text:?}");
        }
        for text in ["a", "a/...", &long[..MAX_BYTES], "team.a/b_c-d@e"] {
            assert!(text.parse::<VaultPath>().is_ok(), "{text:?}");
        }
    }
}
