use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tailmint::{Description, Expiry, KeyCapabilities, KeyProperties, Tag};
use tailmint_api::MAX_DESCRIPTION_BYTES;

use super::{Failure, fields::Fields};

/// What keys of a role are.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Role {
    pub(super) tags: Vec<Tag>,
    pub(super) expiry: Expiry,
    pub(super) ttl: Option<Expiry>,
    pub(super) max_ttl: Option<Expiry>,
    pub(super) reusable: bool,
    pub(super) ephemeral: bool,
    pub(super) preauthorized: bool,
    pub(super) description: Option<Description>,
    /// 0 for any number.
    pub(super) max_per_hour: u32,
    /// Whether the end of the lease revokes the key.
    pub(super) revoke: bool,
}

/// More would be read and written with every mint.
const MOST_PER_HOUR: u32 = 10_000;

impl Role {
    /// Where roles are stored.
    pub(super) const PREFIX: &str = "role/";

    /// What a request says, over what was there.
    pub(super) fn write(mut fields: Fields, before: Option<Self>) -> Result<Self, Failure> {
        let mut role = before.unwrap_or(Self {
            tags: Vec::new(),
            expiry: Expiry::DEFAULT,
            ttl: None,
            max_ttl: None,
            reusable: false,
            ephemeral: true,
            preauthorized: true,
            description: None,
            max_per_hour: 0,
            revoke: true,
        });
        let set = |to: &mut bool, given: Option<bool>| *to = given.unwrap_or(*to);
        if let Some(tags) = fields.list("tags")? {
            role.tags = tags;
        }
        if let Some(expiry) = fields.parsed("expiry")? {
            role.expiry = expiry;
        }
        fields.set("ttl", &mut role.ttl)?;
        fields.set("max_ttl", &mut role.max_ttl)?;
        fields.set("description", &mut role.description)?;
        if let Some(most) = fields.number("max_per_hour")? {
            role.max_per_hour = most;
        }
        set(&mut role.reusable, fields.flag("reusable")?);
        set(&mut role.ephemeral, fields.flag("ephemeral")?);
        set(&mut role.preauthorized, fields.flag("preauthorized")?);
        set(&mut role.revoke, fields.flag("revoke")?);
        fields.end()?;
        role.check()?;
        Ok(role)
    }

    fn check(&self) -> Result<(), Failure> {
        let caller = |text: String| Err(Failure::Caller(text));
        if self.tags.is_empty() {
            return Err(Failure::caller(
                "tags is missing",
                "give the tags of the machines that join, such as tags=tag:server",
            ));
        }
        let (ttl, max_ttl) = (self.ttl(), self.max_ttl());
        if max_ttl > self.expiry {
            return caller(format!(
                "max_ttl: a lease of {max_ttl} would outlive its key, which lives for {}",
                self.expiry
            ));
        }
        if ttl > max_ttl {
            return caller(format!("ttl: {ttl} is longer than {max_ttl}"));
        }
        if self.max_per_hour > MOST_PER_HOUR {
            return caller(format!("max_per_hour: at most {MOST_PER_HOUR}"));
        }
        // The mark of each key stands behind it.
        if let Err(error) = self.marked(&"0".repeat(MARK_BYTES)) {
            let most = MAX_DESCRIPTION_BYTES - MARK_BYTES - " ".len();
            return caller(format!(
                "description: it has at most {most} characters here ({error})"
            ));
        }
        Ok(())
    }

    /// How long a lease is at first.
    pub(super) fn ttl(&self) -> Expiry {
        self.ttl.unwrap_or_else(|| self.max_ttl())
    }

    /// How long renewals can make it.
    pub(super) fn max_ttl(&self) -> Expiry {
        self.max_ttl.unwrap_or(self.expiry)
    }

    /// A key of the role, whose description ends with the mark.
    pub(super) fn key(&self, mark: &str) -> Result<KeyProperties, Failure> {
        let description = self.marked(mark);
        let description = description.map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(KeyProperties {
            capabilities: KeyCapabilities {
                reusable: self.reusable,
                ephemeral: self.ephemeral,
                preauthorized: self.preauthorized,
                tags: self.tags.clone(),
            },
            expiry: self.expiry,
            description: Some(description),
        })
    }

    fn marked(&self, mark: &str) -> Result<Description, tailmint::DescriptionError> {
        match &self.description {
            Some(description) => format!("{description} {mark}").parse(),
            None => mark.parse(),
        }
    }

    /// What can be read of it: all that it says.
    pub(super) fn shown(&self) -> Value {
        let tags: Vec<_> = self.tags.iter().map(Tag::as_str).collect();
        json!({
            "tags": tags,
            "expiry": self.expiry.as_secs(),
            "ttl": self.ttl().as_secs(),
            "max_ttl": self.max_ttl().as_secs(),
            "reusable": self.reusable,
            "ephemeral": self.ephemeral,
            "preauthorized": self.preauthorized,
            "description": self.description.as_ref().map_or("", |it| it.as_str()),
            "max_per_hour": self.max_per_hour,
            "revoke": self.revoke,
        })
    }
}

/// The name of the mark of a key, by which it is found at the API: `vault-` and 16 digits.
pub(super) const MARK_BYTES: usize = 22;
