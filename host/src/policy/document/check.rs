use serde_json::Value;

use super::{Document, KeyRule, RequestRule};
use crate::{
    Expiry, VaultAddress,
    policy::{Body, Operation, Outbound, Refusal, Rule, quoted},
};

/// The headers that the requests of this program have. No policy makes others
/// leave: what leaves is written by the host.
const REQUEST_HEADERS: [&str; 4] = ["accept", "authorization", "content-type", "user-agent"];

impl Document {
    /// Whether the policy allows the request under the rule, after so many of
    /// its kind. Total, and without any effect.
    pub(crate) fn check(
        &self,
        rule: Rule,
        operation: Operation,
        outbound: &Outbound,
        before: u32,
    ) -> Result<(), Refusal> {
        let name = rule.name();
        let own = self.rule(rule);
        own.check_frame(name, operation, outbound, before)?;
        match (&own.key, &own.scopes, &outbound.body) {
            (Some(key), _, Body::Json(body)) => key.check(name, body),
            (_, Some(scopes), Body::Form(members)) => check_scopes(scopes, members),
            _ => Ok(()),
        }
    }

    /// Whether the policy lets an OAuth client be pushed to this Vault.
    pub(crate) fn check_vault(&self, address: &VaultAddress) -> Result<(), Refusal> {
        if self.vault.addresses.contains(address) {
            return Ok(());
        }
        let reason = format!("{address} is not among those that are allowed");
        Err(Refusal::new("address", reason).unless(format!("add \"{address}\" to vault.addresses")))
    }

    /// Whether the policy allows a new key with this body, before anything is
    /// sent for it.
    pub(crate) fn check_key(&self, body: &Value) -> Result<(), Refusal> {
        let rule = Rule::CreateAuthKey;
        match &self.rule(rule).key {
            Some(key) => key.check(rule.name(), body),
            None => Ok(()),
        }
    }
}

impl RequestRule {
    fn check_frame(
        &self,
        name: &str,
        operation: Operation,
        outbound: &Outbound,
        before: u32,
    ) -> Result<(), Refusal> {
        if !self.operations.contains(&operation) {
            let reason = format!("it is not for {operation}");
            return Err(Refusal::new("operation", reason).unless(format!(
                "add {:?} to rule.{name}.operations",
                operation.name()
            )));
        }
        if before >= self.count {
            let reason = format!("{before} such requests have left already");
            let refusal = Refusal::new("count", reason);
            return Err(match before {
                0 => refusal.unless(format!("set rule.{name}.count to 1")),
                // No call needs the same request twice.
                _ => refusal,
            });
        }
        for (key, _) in form_urlencoded::parse(outbound.query.as_deref().unwrap_or("").as_bytes()) {
            if !self.query.iter().any(|it| *it == key) {
                let key = quoted(key.as_bytes());
                return Err(Refusal::new("query", format!("{key} is not expected")));
            }
        }
        for header in outbound.headers.keys() {
            if !self.headers.contains(header) {
                let refusal = Refusal::new(
                    format!("header {}", quoted(header.as_bytes())),
                    "it is not one that this request has",
                );
                return Err(if REQUEST_HEADERS.contains(&header.as_str()) {
                    refusal.unless(format!("add {header:?} to rule.{name}.headers"))
                } else {
                    refusal
                });
            }
        }
        if outbound.body_bytes > self.max_body_bytes {
            let bytes = outbound.body_bytes;
            let reason = format!("{bytes} bytes are more than {}", self.max_body_bytes);
            return Err(Refusal::new("body", reason)
                .unless(format!("set rule.{name}.max-body-bytes to {bytes}")));
        }
        let content_type = outbound.headers.get("content-type");
        if outbound.body_bytes > 0 && content_type != self.content_type.as_ref() {
            let found = quoted(content_type.map_or("", String::as_str).as_bytes());
            let member = "header \"content-type\"";
            return Err(Refusal::new(member, format!("{found} is not expected")));
        }
        Ok(())
    }
}

fn check_scopes(allowed: &[String], members: &[(String, String)]) -> Result<(), Refusal> {
    let asked = members.iter().filter(|(member, _)| member == "scope");
    for scope in asked.flat_map(|(_, scopes)| scopes.split(' ')) {
        if !allowed.iter().any(|it| it == scope) {
            let scope = quoted(scope.as_bytes());
            return Err(Refusal::new(
                "body.scope",
                format!("{scope} is not allowed"),
            ));
        }
    }
    Ok(())
}

const CREATE: &str = "body.capabilities.devices.create";

impl KeyRule {
    fn check(&self, name: &str, body: &Value) -> Result<(), Refusal> {
        let kind = match body.get("keyType") {
            None => "auth",
            Some(kind) => kind.as_str().unwrap_or("?"),
        };
        if !self.types.iter().any(|it| it == kind) {
            let kind = quoted(kind.as_bytes());
            return Err(Refusal::new(
                "body.keyType",
                format!("{kind} is not allowed"),
            ));
        }
        let create = &body["capabilities"]["devices"]["create"];
        self.check_tags(name, &create["tags"])?;
        for (member, rule) in [
            ("reusable", self.reusable),
            ("ephemeral", self.ephemeral),
            ("preauthorized", self.preauthorized),
        ] {
            let value = create[member].as_bool().unwrap_or(false);
            if !rule.allows(value) {
                let reason = format!("{value} is not allowed");
                return Err(Refusal::new(format!("{CREATE}.{member}"), reason)
                    .unless(format!("set rule.{name}.key.{member} to \"allow\"")));
            }
        }
        self.check_expiry(name, &body["expirySeconds"])?;
        let description = body["description"].as_str().unwrap_or("");
        let characters = description.chars().count();
        if characters > self.max_description_characters {
            let reason = format!(
                "{characters} characters are more than {}",
                self.max_description_characters
            );
            return Err(Refusal::new("body.description", reason).unless(format!(
                "set rule.{name}.key.max-description-characters to {characters}"
            )));
        }
        Ok(())
    }

    fn check_tags(&self, name: &str, tags: &Value) -> Result<(), Refusal> {
        let member = format!("{CREATE}.tags");
        let Some(tags) = tags.as_array().filter(|tags| !tags.is_empty()) else {
            return Err(Refusal::new(member, "there are none"));
        };
        for tag in tags {
            let tag = tag.as_str().unwrap_or("?");
            if !self.tags.iter().any(|it| it.as_str() == tag) {
                let tag = quoted(tag.as_bytes());
                return Err(Refusal::new(member, format!("{tag} is not allowed"))
                    .unless(format!("add {tag} to rule.{name}.key.tags")));
            }
        }
        Ok(())
    }

    /// Without an expiry the API takes the longest, so it has to be there.
    fn check_expiry(&self, name: &str, seconds: &Value) -> Result<(), Refusal> {
        let most = u64::from(self.max_expiry.as_secs());
        match seconds.as_u64() {
            Some(seconds) if (1..=most).contains(&seconds) => Ok(()),
            seconds => {
                let shown = match seconds {
                    Some(seconds) => format!("{seconds} seconds"),
                    None => "no number".to_owned(),
                };
                let reason = format!("{shown} is not within {}", self.max_expiry);
                let refusal = Refusal::new("body.expirySeconds", reason);
                let longer = seconds.and_then(|it| it.to_string().parse::<Expiry>().ok());
                Err(match longer {
                    Some(longer) => {
                        refusal.unless(format!("set rule.{name}.key.max-expiry to \"{longer}\""))
                    }
                    None => refusal,
                })
            }
        }
    }
}
