use std::collections::BTreeMap;

use tailmint_api::OutsideText;

/// How a unit is, as `systemctl show` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStatus {
    properties: BTreeMap<String, OutsideText>,
}

impl UnitStatus {
    /// What is asked for (systemctl(1), `org.freedesktop.systemd1(5)`).
    pub(super) const PROPERTIES: &str = "Id,LoadState,FragmentPath,UnitFileState,ActiveState,SubState,Result,ExecMainStatus,ExecMainExitTimestamp,NextElapseUSecMonotonic";

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

    /// The exit status of the last run that has ended, if there was one.
    pub fn last_exit(&self) -> Option<u8> {
        if matches!(self.get("ExecMainExitTimestamp"), "" | "n/a") {
            return None;
        }
        self.get("ExecMainStatus").parse().ok()
    }

    /// All properties.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.properties.iter();
        all.map(|(name, value)| (name.as_str(), &**value))
    }
}
