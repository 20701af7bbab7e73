use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Report;

/// Where the simulator is not like the service. It is a bug of the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The status, a header, or a member of the body.
    pub member: String,
    /// What the report has.
    pub reported: Option<Value>,
    /// What the simulator has.
    pub simulated: Option<Value>,
    /// The facts in which it is so.
    pub facts: Vec<String>,
}

impl Difference {
    /// All differences between two reports. What the first did not observe is none. The same
    /// difference in several facts is one.
    pub fn between(reported: &Report, simulated: &Report) -> Vec<Self> {
        let mut found: BTreeMap<(String, String, String), Self> = BTreeMap::new();
        for (fact, report) in &reported.observations {
            if report.not_observed.is_some() {
                continue;
            }
            let nothing = BTreeMap::new();
            let other = simulated.observations.get(fact);
            let other = other.map_or(&nothing, |it| &it.seen);
            let members: BTreeSet<_> = report.seen.keys().chain(other.keys()).collect();
            for member in members {
                let (reported, simulated) = (report.seen.get(member), other.get(member));
                if reported == simulated {
                    continue;
                }
                let key = (member.clone(), shown(reported), shown(simulated));
                let difference = found.entry(key).or_insert_with(|| Self {
                    member: member.clone(),
                    reported: reported.cloned(),
                    simulated: simulated.cloned(),
                    facts: Vec::new(),
                });
                difference.facts.push(fact.clone());
            }
        }
        found.into_values().collect()
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("nothing".to_owned(), Value::to_string)
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (reported, simulated) = (self.reported.as_ref(), self.simulated.as_ref());
        write!(
            f,
            "{}: reported {}, simulated {}\n  in {}",
            self.member,
            shown(reported),
            shown(simulated),
            self.facts.join(", ")
        )
    }
}
