use std::collections::BTreeMap;

use super::LastEnd;
use tailmint_api::OutsideText;

/// How a unit is, as `systemctl show` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStatus {
    properties: BTreeMap<String, OutsideText>,
}

impl UnitStatus {
    /// What is asked for (systemctl(1), `org.freedesktop.systemd1(5)`).
    pub(super) const PROPERTIES: &str = "Id,LoadState,FragmentPath,UnitFileState,ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,ExecMainExitTimestamp,NextElapseUSecMonotonic";

    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Self {
            properties: lines
                .map(|(name, value)| (name.to_owned(), OutsideText::new(value)))
                .collect(),
        }
    }

    /// The value of a property; nothing where systemd says nothing.
    pub fn get(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", |value| &**value)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.get("Id")
    }

    /// Whether systemd finds it.
    pub fn is_there(&self) -> bool {
        !matches!(self.get("LoadState"), "" | "not-found")
    }

    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.get("ActiveState") == "active"
    }

    /// How the last run ended, if one has. What ended well is systemd's to say: the unit may
    /// name statuses and signals that are no failure.
    pub fn last_end(&self) -> Option<LastEnd> {
        let result = self.get("Result");
        let has_ended = !matches!(self.get("ExecMainExitTimestamp"), "" | "n/a");
        let status = self.get("ExecMainStatus").parse().ok();
        match result {
            // It has not run, or was not even started.
            "" | "success" if !has_ended => None,
            "success" => Some(LastEnd::Succeeded),
            "timeout" => Some(LastEnd::TimedOut),
            "signal" | "core-dump" | "exit-code" | "" => match (self.get("ExecMainCode"), status) {
                // CLD_KILLED and CLD_DUMPED: the status is the signal's number.
                ("2" | "3", Some(signal)) => Some(LastEnd::Signal(signal)),
                (_, Some(0)) if result.is_empty() => Some(LastEnd::Succeeded),
                // CLD_EXITED.
                (_, Some(status)) if result != "signal" && result != "core-dump" => {
                    Some(LastEnd::Exited(status))
                }
                _ => Some(LastEnd::Other(result.to_owned())),
            },
            other => Some(LastEnd::Other(other.to_owned())),
        }
    }

    /// All properties.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.properties.iter();
        all.map(|(name, value)| (name.as_str(), &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(properties: &str) -> Option<LastEnd> {
        let text = format!(
            "ExecMainExitTimestamp=Thu\n{}",
            properties.replace(' ', "\n")
        );
        UnitStatus::parse(&text).last_end()
    }

    #[test]
    fn a_signal_is_no_exit_status() {
        for (properties, expected) in [
            (
                "Result=exit-code ExecMainCode=1 ExecMainStatus=15",
                LastEnd::Exited(15),
            ),
            (
                "Result=signal ExecMainCode=2 ExecMainStatus=15",
                LastEnd::Signal(15),
            ),
            (
                "Result=core-dump ExecMainCode=3 ExecMainStatus=11",
                LastEnd::Signal(11),
            ),
            (
                "Result=timeout ExecMainCode=2 ExecMainStatus=15",
                LastEnd::TimedOut,
            ),
            // SuccessExitStatus=143.
            (
                "Result=success ExecMainCode=1 ExecMainStatus=143",
                LastEnd::Succeeded,
            ),
            (
                "Result=oom-kill ExecMainCode=2 ExecMainStatus=9",
                LastEnd::Other("oom-kill".to_owned()),
            ),
        ] {
            assert_eq!(end(properties), Some(expected), "{properties}");
        }
        assert_eq!(UnitStatus::parse("Result=success\n").last_end(), None);
        let unstarted = UnitStatus::parse("Result=resources\nExecMainExitTimestamp=\n");
        let other = LastEnd::Other("resources".to_owned());
        assert_eq!(unstarted.last_end(), Some(other));
    }
}
