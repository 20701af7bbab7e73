use std::fmt;

use super::{ConfinementError, Limit};

/// How far a process is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Confined {
    limits: [bool; Limit::ALL.len()],
}

impl Confined {
    /// With this limit as well, where it holds.
    #[cfg_attr(
        not(target_os = "linux"),
        allow(dead_code, reason = "no other system limits anything")
    )]
    pub(super) fn with(mut self, limit: Limit, holds: bool) -> Self {
        self.limits[limit as usize] = holds;
        self
    }

    /// Whether the kernel enforces this limit.
    pub fn has(&self, limit: Limit) -> bool {
        self.limits[limit as usize]
    }

    /// Whether the kernel enforces all limits.
    pub fn is_whole(&self) -> bool {
        self.limits.iter().all(|it| *it)
    }

    /// Whether it is as a policy requires it.
    pub(super) fn suffices(self) -> Result<(), ConfinementError> {
        let mut required = Limit::ALL.into_iter().filter(|limit| limit.is_required());
        match required.find(|limit| !self.has(*limit)) {
            None => Ok(()),
            Some(missing) => Err(ConfinementError::new(missing)),
        }
    }
}

impl fmt::Display for Confined {
    /// What is limited, and what is not, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (has, lacks): (Vec<_>, Vec<_>) =
            Limit::ALL.into_iter().partition(|limit| self.has(*limit));
        let names = |limits: &[Limit]| {
            let words: Vec<_> = limits.iter().map(|limit| limit.words()).collect();
            match &words[..] {
                [] => "nothing".to_owned(),
                [one] => (*one).to_owned(),
                [others @ .., last] => format!("{} and {last}", others.join(", ")),
            }
        };
        if cfg!(not(target_os = "linux")) {
            return f.write_str("not available here: no limits on files, ports and system calls");
        }
        write!(f, "the kernel limits {}", names(&has))?;
        if lacks.is_empty() {
            return Ok(());
        }
        // The newest has what the older ones have.
        let newest = lacks.iter().rev().find_map(|limit| limit.landlock_as_of());
        let mut needs: Vec<_> = newest
            .map(|it| format!("Landlock as of Linux {it}"))
            .into_iter()
            .collect();
        if lacks.contains(&Limit::Calls) {
            needs.push("seccomp".to_owned());
        }
        write!(
            f,
            ", and not {} (that takes {})",
            names(&lacks),
            needs.join(" and ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(limits: &[Limit]) -> Confined {
        let start = Confined::default();
        limits.iter().fold(start, |it, limit| it.with(*limit, true))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_limited_is_said_and_what_that_takes() {
        use Limit::{Calls, Files, Ports};
        for (confined, words) in [
            (
                with(&Limit::ALL),
                "the kernel limits files, TCP ports, signals and system calls",
            ),
            (
                with(&[Files, Calls]),
                "the kernel limits files and system calls, and not TCP ports and signals (that takes Landlock as of Linux 6.12)",
            ),
            (
                with(&[]),
                "the kernel limits nothing, and not files, TCP ports, signals and system calls (that takes Landlock as of Linux 6.12 and seccomp)",
            ),
            (
                with(&[Files, Ports, Calls]),
                "the kernel limits files, TCP ports and system calls, and not signals (that takes Landlock as of Linux 6.12)",
            ),
        ] {
            assert_eq!(confined.to_string(), words);
        }
    }

    #[test]
    fn a_policy_requires_all_but_signals() {
        for limit in Limit::ALL {
            let others: Vec<_> = Limit::ALL.into_iter().filter(|it| *it != limit).collect();
            let suffices = with(&others).suffices();
            let expected = match limit {
                Limit::Signals => Ok(()),
                missing => Err(ConfinementError::new(missing)),
            };
            assert_eq!(suffices, expected, "{limit:?}");
        }
    }
}
