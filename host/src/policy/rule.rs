use http::header;
use serde_json::Value;
use tailmint_api::{Route, USER_AGENT};

use super::{
    Body, Intent, MAX_BODY_BYTES, Operation, Outbound,
    decision::{Refusal, quoted},
};
use crate::KeyId;

/// The requests that there are rules for: a route of the API, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    CheckScope,
    CreateAuthKey,
    CreateClient,
    DeleteKey,
    GetKey,
    ListKeys,
    Token,
}

/// What left before, in this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    tokens: usize,
    others: usize,
}

impl Sent {
    pub(super) fn before(self, rule: Rule) -> usize {
        if rule.is_for_token() {
            self.tokens
        } else {
            self.others
        }
    }

    pub(super) fn count(&mut self, rule: Rule) {
        if rule.is_for_token() {
            self.tokens += 1;
        } else {
            self.others += 1;
        }
    }
}

impl Rule {
    pub(crate) const ALL: [Self; 7] = [
        Self::Token,
        Self::CheckScope,
        Self::CreateAuthKey,
        Self::CreateClient,
        Self::GetKey,
        Self::ListKeys,
        Self::DeleteKey,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CheckScope => "check-scope",
            Self::CreateAuthKey => "create-auth-key",
            Self::CreateClient => "create-client",
            Self::DeleteKey => "delete-key",
            Self::GetKey => "get-key",
            Self::ListKeys => "list-keys",
            Self::Token => "token",
        }
    }

    pub(crate) const fn route(self) -> Route {
        match self {
            Self::CheckScope | Self::Token => Route::Token,
            Self::CreateAuthKey | Self::CreateClient => Route::CreateKey,
            Self::DeleteKey => Route::DeleteKey,
            Self::GetKey => Route::GetKey,
            Self::ListKeys => Route::ListKeys,
        }
    }

    /// The rule of the request that an operation is about.
    pub(super) const fn of_operation(operation: Operation) -> Self {
        match operation {
            Operation::Check => Self::CheckScope,
            Operation::CreateClient => Self::CreateClient,
            Operation::DeleteClient | Operation::Revoke => Self::DeleteKey,
            Operation::Get => Self::GetKey,
            Operation::List | Operation::ListClients => Self::ListKeys,
            Operation::Mint => Self::CreateAuthKey,
        }
    }

    pub(crate) const fn is_for_token(self) -> bool {
        matches!(self, Self::CheckScope | Self::Token)
    }

    /// Whether the request makes a key or a client.
    pub(crate) const fn makes(self) -> bool {
        matches!(self, Self::CreateAuthKey | Self::CreateClient)
    }

    /// Whether the request makes, changes or ends a key or a client.
    pub(crate) const fn changes(self) -> bool {
        self.makes() || matches!(self, Self::DeleteKey)
    }

    const fn has_json(self) -> bool {
        self.makes()
    }

    /// The rule whose route is the request's, among those that the caller's
    /// errand needs.
    pub(super) fn of(outbound: &Outbound, intent: &Intent) -> Result<Self, Refusal> {
        let id = intent.id().map_or("", KeyId::as_str);
        let errand = intent.rule();
        let token = (!errand.is_for_token()).then_some(Self::Token);
        for rule in token.into_iter().chain([errand]) {
            let route = rule.route();
            if outbound.method == route.method().as_str()
                && outbound.path == route.path(intent.tailnet.as_str(), id)
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
        let before = sent.before(self);
        if before >= intent.needs(self) {
            let reason = match before {
                1 => "one such request has left already".to_owned(),
                _ => format!("{before} such requests have left already"),
            };
            return Err(Refusal::new("count", reason));
        }
        if outbound.query.as_deref() != self.route().query() {
            let query = quoted(outbound.query.as_deref().unwrap_or("").as_bytes());
            return Err(Refusal::new("query", format!("{query} is not expected")));
        }
        if outbound.body_bytes > MAX_BODY_BYTES {
            let reason = format!("it is longer than {MAX_BODY_BYTES} bytes");
            return Err(Refusal::new("body", reason));
        }
        self.check_headers(outbound)?;
        if self.is_for_token() {
            return check_token_form(&outbound.body, client_id, intent.scope(before));
        }
        match (intent.body(), &outbound.body) {
            (Some(expected), body) => check_json(body, &expected),
            (None, Body::Empty) => Ok(()),
            (None, _) => Err(Refusal::new("body", "none is expected")),
        }
    }

    fn check_headers(self, outbound: &Outbound) -> Result<(), Refusal> {
        for (name, value) in &outbound.headers {
            let expected = match name.as_str() {
                "accept" => value == "application/json",
                "user-agent" => value == USER_AGENT,
                "authorization" => !self.is_for_token(),
                "content-type" if self.is_for_token() => {
                    value == "application/x-www-form-urlencoded"
                }
                "content-type" if self.has_json() => value == "application/json",
                _ => false,
            };
            if !expected {
                let member = format!("header {}", quoted(name.as_bytes()));
                return Err(Refusal::new(member, "it is not one that this request has"));
            }
        }
        if !self.is_for_token()
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
fn check_token_form(
    body: &Body,
    client_id: Option<&str>,
    scope: Option<&str>,
) -> Result<(), Refusal> {
    let Body::Form(members) = body else {
        return Err(Refusal::new("body", "it is not a form"));
    };
    for (name, value) in members {
        let expected = match name.as_str() {
            "client_id" => Some(value.as_str()) == client_id,
            "client_secret" => true,
            "grant_type" => value == "client_credentials",
            "scope" => Some(value.as_str()) == scope,
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
