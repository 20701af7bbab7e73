use http::header;
use serde_json::{Value, json};
use tailmint_api::{AUTH_KEYS_SCOPE, Route, USER_AGENT};

use super::{
    Body, Intent, MAX_BODY_BYTES, Outbound,
    decision::{Refusal, quoted},
};
use crate::KeyId;

/// The requests that there are rules for, one for each route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    CreateAuthKey,
    DeleteKey,
    GetKey,
    Token,
}

/// What left before, in this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    tokens: u32,
    others: u32,
}

impl Sent {
    pub(super) fn before(self, rule: Rule) -> u32 {
        match rule {
            Rule::Token => self.tokens,
            Rule::CreateAuthKey | Rule::DeleteKey | Rule::GetKey => self.others,
        }
    }

    pub(super) fn count(&mut self, rule: Rule) {
        match rule {
            Rule::Token => self.tokens += 1,
            Rule::CreateAuthKey | Rule::DeleteKey | Rule::GetKey => self.others += 1,
        }
    }
}

impl Rule {
    pub(crate) const ALL: [Self; 4] = [
        Self::Token,
        Self::CreateAuthKey,
        Self::GetKey,
        Self::DeleteKey,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CreateAuthKey => "create-auth-key",
            Self::DeleteKey => "delete-key",
            Self::GetKey => "get-key",
            Self::Token => "token",
        }
    }

    pub(crate) const fn route(self) -> Route {
        match self {
            Self::CreateAuthKey => Route::CreateKey,
            Self::DeleteKey => Route::DeleteKey,
            Self::GetKey => Route::GetKey,
            Self::Token => Route::Token,
        }
    }

    /// Whether the request makes or ends a key.
    pub(crate) const fn changes_keys(self) -> bool {
        matches!(self, Self::CreateAuthKey | Self::DeleteKey)
    }

    /// The rule whose route is the request's, among those that the caller's
    /// errand needs.
    pub(super) fn of(outbound: &Outbound, intent: &Intent) -> Result<Self, Refusal> {
        let errand = match intent {
            Intent::Get { .. } => Self::GetKey,
            Intent::Mint { .. } => Self::CreateAuthKey,
            Intent::Revoke { .. } => Self::DeleteKey,
        };
        let id = intent.id().map_or("", KeyId::as_str);
        for rule in [Self::Token, errand] {
            let route = rule.route();
            if outbound.method == route.method().as_str()
                && outbound.path == route.path(intent.tailnet().as_str(), id)
            {
                return Ok(rule);
            }
        }
        Err(Refusal::new(
            "route",
            format!(
                "{} {} is none of those that {} needs",
                quoted(outbound.method.as_str().as_bytes()),
                quoted(outbound.path.as_bytes()),
                intent.operation()
            ),
        ))
    }

    /// Checks everything about the request but its route.
    pub(super) fn check(
        self,
        outbound: &Outbound,
        intent: &Intent,
        client_id: Option<&str>,
        sent: Sent,
    ) -> Result<(), Refusal> {
        if sent.before(self) > 0 {
            return Err(Refusal::new("count", "one such request has left already"));
        }
        if let Some(query) = &outbound.query {
            let query = quoted(query.as_bytes());
            return Err(Refusal::new("query", format!("{query} is not expected")));
        }
        if outbound.body_bytes > MAX_BODY_BYTES {
            let reason = format!("it is longer than {MAX_BODY_BYTES} bytes");
            return Err(Refusal::new("body", reason));
        }
        self.check_headers(outbound)?;
        match (self, intent) {
            (Self::CreateAuthKey, Intent::Mint { properties, .. }) => {
                let expected = json!(properties.body());
                check_json(&outbound.body, &expected)
            }
            (Self::Token, _) => check_token_form(&outbound.body, client_id),
            _ => match outbound.body {
                Body::Empty => Ok(()),
                _ => Err(Refusal::new("body", "none is expected")),
            },
        }
    }

    fn check_headers(self, outbound: &Outbound) -> Result<(), Refusal> {
        for (name, value) in &outbound.headers {
            let expected = match name.as_str() {
                "accept" => value == "application/json",
                "user-agent" => value == USER_AGENT,
                "authorization" => self != Self::Token,
                "content-type" => match self {
                    Self::Token => value == "application/x-www-form-urlencoded",
                    Self::CreateAuthKey => value == "application/json",
                    Self::DeleteKey | Self::GetKey => false,
                },
                _ => false,
            };
            if !expected {
                let member = format!("header {}", quoted(name.as_bytes()));
                return Err(Refusal::new(member, "it is not one that this request has"));
            }
        }
        if self != Self::Token
            && !outbound
                .headers
                .contains_key(header::AUTHORIZATION.as_str())
        {
            return Err(Refusal::new("header \"authorization\"", "there is none"));
        }
        Ok(())
    }
}

/// The body must say what the caller asked for, member by member.
fn check_json(body: &Body, expected: &Value) -> Result<(), Refusal> {
    let Body::Json(body) = body else {
        return Err(Refusal::new("body", "it is not JSON"));
    };
    difference(body, expected, "body").map_or(Ok(()), Err)
}

/// The first member in which the two differ.
fn difference(found: &Value, expected: &Value, at: &str) -> Option<Refusal> {
    let (Value::Object(found), Value::Object(expected)) = (found, expected) else {
        if found == expected {
            return None;
        }
        let found = quoted(found.to_string().as_bytes());
        return Some(Refusal::new(
            at,
            format!("{found} is not what was asked for, {expected}"),
        ));
    };
    for (name, value) in found {
        // The name is the component's own word.
        let at = format!("{at}.{}", quoted(name.as_bytes()).trim_matches('"'));
        match expected.get(name) {
            Some(expected) => {
                if let Some(refusal) = difference(value, expected, &at) {
                    return Some(refusal);
                }
            }
            None => return Some(Refusal::new(at, "nobody asked for this member")),
        }
    }
    expected
        .keys()
        .find(|name| !found.contains_key(*name))
        .map(|name| Refusal::new(format!("{at}.{name}"), "it is missing"))
}

/// The members of the token request. The secret's value is for the seals to judge.
fn check_token_form(body: &Body, client_id: Option<&str>) -> Result<(), Refusal> {
    let Body::Form(members) = body else {
        return Err(Refusal::new("body", "it is not a form"));
    };
    for (name, value) in members {
        let expected = match name.as_str() {
            "client_id" => Some(value.as_str()) == client_id,
            "client_secret" => true,
            "grant_type" => value == "client_credentials",
            "scope" => value == AUTH_KEYS_SCOPE,
            _ => false,
        };
        let member = || format!("body.{}", quoted(name.as_bytes()).trim_matches('"'));
        if !expected {
            return Err(Refusal::new(
                member(),
                "it is not one that this request has",
            ));
        }
        if members.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(Refusal::new(member(), "it comes twice"));
        }
    }
    for name in ["client_id", "client_secret", "grant_type", "scope"] {
        if !members.iter().any(|(other, _)| other == name) {
            return Err(Refusal::new(format!("body.{name}"), "it is missing"));
        }
    }
    Ok(())
}
