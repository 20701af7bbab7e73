use serde_json::Value;

use super::{ClientRule, Document, KeyRule, RequestRule};
use crate::{
    Expiry, Scope, Tag, VaultAddress,
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
        before: usize,
    ) -> Result<(), Refusal> {
        let name = rule.name();
        let own = self.rule(rule);
        own.check_frame(name, operation, outbound, before)?;
        match (&own.scopes, &outbound.body) {
            (_, Body::Json(body)) => self.check_body(rule, body),
            (Some(scopes), Body::Form(members)) => check_token_scopes(name, scopes, members),
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

    /// Whether the policy allows a new key or client with this body, before
    /// anything is sent for it.
    pub(crate) fn check_body(&self, rule: Rule, body: &Value) -> Result<(), Refusal> {
        let own = self.rule(rule);
        match (&own.key, &own.client) {
            (Some(key), _) => key.check(rule.name(), body),
            (_, Some(client)) => client.check(rule.name(), body),
            _ => Ok(()),
        }
    }
}

impl RequestRule {
    fn check_frame(
        &self,
        name: &str,
        operation: Operation,
        outbound: &Outbound,
        before: usize,
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
            // Only checks of scopes need a request more than once.
            return Err(if before == 0 || name == Rule::CheckScope.name() {
                refusal.unless(format!("set rule.{name}.count to {}", before + 1))
            } else {
                refusal
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

fn check_token_scopes(
    name: &str,
    allowed: &[Scope],
    members: &[(String, String)],
) -> Result<(), Refusal> {
    let asked = members.iter().filter(|(member, _)| member == "scope");
    let mut asked = asked.flat_map(|(_, scopes)| scopes.split(' '));
    match asked.find(|scope| !allowed.iter().any(|it| it.as_str() == *scope)) {
        None => Ok(()),
        Some(scope) => {
            let scope = quoted(scope.as_bytes());
            Err(
                Refusal::new("body.scope", format!("{scope} is not allowed"))
                    .unless(format!("add {scope} to rule.{name}.scopes")),
            )
        }
    }
}

/// Whether each item of the list is one of those allowed.
fn check_items(
    place: &str,
    member: &str,
    items: &Value,
    allowed: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    for item in items.as_array().into_iter().flatten() {
        let item = item.as_str().unwrap_or("?");
        if !allowed(item) {
            let item = quoted(item.as_bytes());
            return Err(Refusal::new(member, format!("{item} is not allowed"))
                .unless(format!("add {item} to {place}")));
        }
    }
    Ok(())
}

fn check_description(place: &str, body: &Value, most: usize) -> Result<(), Refusal> {
    let description = body["description"].as_str().unwrap_or("");
    let characters = description.chars().count();
    if characters <= most {
        return Ok(());
    }
    let reason = format!("{characters} characters are more than {most}");
    Err(Refusal::new("body.description", reason).unless(format!(
        "set {place}.max-description-characters to {characters}"
    )))
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
        let place = format!("rule.{name}.key");
        check_description(&place, body, self.max_description_characters)
    }

    fn check_tags(&self, name: &str, tags: &Value) -> Result<(), Refusal> {
        let member = format!("{CREATE}.tags");
        if tags.as_array().is_none_or(Vec::is_empty) {
            return Err(Refusal::new(member, "there are none"));
        }
        check_items(&format!("rule.{name}.key.tags"), &member, tags, |tag| {
            has_tag(&self.tags, tag)
        })
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

fn has_tag(tags: &[Tag], tag: &str) -> bool {
    tags.iter().any(|it| it.as_str() == tag)
}

impl ClientRule {
    fn check(&self, name: &str, body: &Value) -> Result<(), Refusal> {
        if body["keyType"] != "client" {
            let kind = quoted(body["keyType"].to_string().as_bytes());
            let reason = format!("{kind} is not client");
            return Err(Refusal::new("body.keyType", reason));
        }
        let place = format!("rule.{name}.client");
        if body["scopes"].as_array().is_none_or(Vec::is_empty) {
            return Err(Refusal::new("body.scopes", "there are none"));
        }
        check_items(
            &format!("{place}.scopes"),
            "body.scopes",
            &body["scopes"],
            |scope| self.scopes.iter().any(|it| it.as_str() == scope),
        )?;
        check_items(
            &format!("{place}.tags"),
            "body.tags",
            &body["tags"],
            |tag| has_tag(&self.tags, tag),
        )?;
        check_description(&place, body, self.max_description_characters)
    }
}
