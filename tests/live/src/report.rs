use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CredentialKind;

/// What a run saw. As JSON it is sorted, has neither secrets nor ids, and is the same for the
/// same behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Report {
    /// What the behaviour depends on.
    pub circumstances: Circumstances,
    /// What was seen, by the names of the facts.
    pub observations: BTreeMap<String, Observation>,
    /// The names of all headers that came. They are not compared: the product looks at none
    /// of those that are not in the observations.
    pub headers: BTreeSet<String>,
}

/// What the behaviour depends on. A simulator is set up likewise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Circumstances {
    /// Who asked.
    pub credential: CredentialKind,
    /// The scopes of the OAuth client.
    pub scopes: Vec<String>,
    /// The tags of the OAuth client, by what stands for them.
    pub tags: Vec<String>,
    /// Whether there was a second tag.
    pub second_tag: bool,
    /// Whether there was an identity token.
    pub id_token: bool,
    /// Whether there was one that has expired.
    pub expired_id_token: bool,
}

/// One fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Observation {
    /// What it settles.
    pub fact: String,
    /// The status, the headers, and the members of the body by their paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, Value>,
    /// Why nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_observed: Option<String>,
}

impl Report {
    /// The report as JSON, one member a line.
    ///
    /// # Errors
    /// It has something that looks like a key in it: that is a bug of this program, and the
    /// text is to be shown to nobody.
    pub fn to_json(&self) -> Result<String, String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        // Keys, and what identity tokens begin with: the members of their headers, encoded.
        if ["tskey-", "hskey-", "eyJ"]
            .iter()
            .any(|it| text.contains(it))
        {
            return Err("the report has a key in it, and was not written".to_owned());
        }
        Ok(text)
    }

    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("not a report: {error}"))
    }

    /// How many facts were seen, and how many there are.
    pub fn seen(&self) -> (usize, usize) {
        let seen = self.observations.values();
        let seen = seen.filter(|it| it.not_observed.is_none()).count();
        (seen, self.observations.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_a_key_in_it_is_not_written() {
        let report = |header: &str| Report {
            circumstances: Circumstances {
                credential: CredentialKind::ApiKey,
                scopes: Vec::new(),
                tags: Vec::new(),
                second_tag: false,
                id_token: false,
                expired_id_token: false,
            },
            observations: BTreeMap::new(),
            headers: BTreeSet::from([header.to_owned()]),
        };
        assert!(report("date").to_json().is_ok());
        for secret in ["tskey-auth-k1-2", "hskey-auth-1-2", "eyJhbGciOiJSUzI1NiJ9"] {
            let error = report(secret).to_json().unwrap_err();
            assert!(!error.contains(secret), "{error}");
        }
    }
}
