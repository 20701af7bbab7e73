use http::header;
use serde_json::Value;
use tailmint_api::{KeyId, Rule, TokenForm, USER_AGENT};
use tailmint_core::{Denial, quoted};

use crate::{Asking, Body, Intent, MAX_BODY_BYTES, Request, run_policy::Sent};

impl Intent {
    /// The rule whose route is the request's, among those that the operation needs.
    pub(crate) fn rule_of(&self, request: &Request, asking: &Asking) -> Result<Rule, Denial> {
        let id = self.id().map_or("", KeyId::as_str);
        let own = self.rule();
        let token = asking.token_rule().filter(|_| !own.is_for_token());
        let mut rules = token.into_iter().chain([own]);
        let found = rules.find(|rule| {
            let route = rule.route();
            request.method == route.method().as_str()
                && request.path == route.path(self.tailnet.as_str(), id)
        });
        found.ok_or_else(|| {
            let method = quoted(request.method.as_str().as_bytes());
            let path = quoted(request.path.as_bytes());
            let operation = self.operation();
            let reason = format!("{operation} does not make the request {method} {path}");
            Denial::new("route", reason)
        })
    }

    /// Whether the request is what the caller asked for: everything about it but its
    /// route.
    pub(crate) fn check(
        &self,
        rule: Rule,
        request: &Request,
        asking: &Asking,
        sent: Sent,
    ) -> Result<(), Denial> {
        let before = sent.before(rule);
        if before >= self.needs(rule) {
            let reason = match before {
                1 => "one such request was sent already".to_owned(),
                _ => format!("{before} such requests were sent already"),
            };
            return Err(Denial::new("count", reason));
        }
        if request.query.as_deref() != rule.route().query() {
            let query = quoted(request.query.as_deref().unwrap_or("").as_bytes());
            return Err(Denial::new("query", format!("{query} is not expected")));
        }
        if request.body_bytes > MAX_BODY_BYTES {
            let reason = format!("it is longer than {MAX_BODY_BYTES} bytes");
            return Err(Denial::new("body", reason));
        }
        check_headers(rule, request)?;
        if let Some(form) = rule.route().token_form() {
            return check_token_form(form, &request.body, asking, self.scope(before));
        }
        match (self.body(), &request.body) {
            (Some(expected), body) => check_json(body, &expected),
            (None, Body::Empty) => Ok(()),
            (None, _) => Err(Denial::new("body", "none is expected")),
        }
    }
}

fn check_headers(rule: Rule, request: &Request) -> Result<(), Denial> {
    for (name, value) in &request.headers {
        let expected = match name.as_str() {
            "accept" => value == "application/json",
            "user-agent" => value == USER_AGENT,
            "authorization" => !rule.is_for_token(),
            "content-type" if rule.is_for_token() => value == "application/x-www-form-urlencoded",
            "content-type" if rule.has_json() => value == "application/json",
            _ => false,
        };
        if !expected {
            let member = format!("header {}", quoted(name.as_bytes()));
            return Err(Denial::new(member, "this request does not have it"));
        }
    }
    let bearer = request.headers.get(header::AUTHORIZATION.as_str());
    if !rule.is_for_token() && bearer.is_none() {
        return Err(Denial::new("header \"authorization\"", "it is missing"));
    }
    Ok(())
}

/// The body must say what the caller asked for, member by member.
fn check_json(body: &Body, expected: &Value) -> Result<(), Denial> {
    let Body::Json(body) = body else {
        return Err(Denial::new("body", "it is not JSON"));
    };
    difference(body, expected, "body").map_or(Ok(()), Err)
}

/// The first member in which the two differ.
fn difference(found: &Value, expected: &Value, at: &str) -> Option<Denial> {
    let (Value::Object(found), Value::Object(expected)) = (found, expected) else {
        if found == expected {
            return None;
        }
        let found = quoted(found.to_string().as_bytes());
        return Some(Denial::new(
            at,
            format!("{found} is not what was asked for, {expected}"),
        ));
    };
    for (name, value) in found {
        // The name is the component's own word.
        let at = format!("{at}.{}", quoted(name.as_bytes()).trim_matches('"'));
        match expected.get(name) {
            Some(expected) => {
                if let Some(denial) = difference(value, expected, &at) {
                    return Some(denial);
                }
            }
            None => return Some(Denial::new(at, "nobody asked for this member")),
        }
    }
    expected
        .keys()
        .find(|name| !found.contains_key(*name))
        .map(|name| Denial::new(format!("{at}.{name}"), "it is missing"))
}

/// The members of the request for an access token. The seals judge the value of the secret.
fn check_token_form(
    form: TokenForm,
    body: &Body,
    asking: &Asking,
    scope: Option<&str>,
) -> Result<(), Denial> {
    let Body::Form(members) = body else {
        return Err(Denial::new("body", "it is not a form"));
    };
    for (name, value) in members {
        let expected = form.members.contains(&name.as_str())
            && match name.as_str() {
                "client_id" => Some(value.as_str()) == asking.client_id(),
                "grant_type" => value == "client_credentials",
                "scope" => Some(value.as_str()) == scope,
                name => name == form.secret,
            };
        let member = || format!("body.{}", quoted(name.as_bytes()).trim_matches('"'));
        if !expected {
            return Err(Denial::new(member(), "this request does not have it"));
        }
        if members.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(Denial::new(member(), "it comes twice"));
        }
    }
    for name in form.members {
        if !members.iter().any(|(other, _)| other == name) {
            return Err(Denial::new(format!("body.{name}"), "it is missing"));
        }
    }
    Ok(())
}
