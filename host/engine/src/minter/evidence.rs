//! What the component says is held against what the host saw leave and come back, and is
//! believed no further than that.

use serde::de::DeserializeOwned;
use tailmint_api::{
    ApiError, Described, DescribedClient, DescribedIdentity, DescribedKey, DescribedList, Effect,
    Granted, Kind, Rule, from_json,
};

use super::{MintError, failure::invalid_result};
use crate::{
    egress::{Outcome, Run},
    sandbox::types,
};

/// Whether the last request ended in a way that the component's error can come from.
pub(super) fn bears_out(error: &types::Error, outcome: &Outcome, own: Rule) -> bool {
    let last = outcome.last_response();
    // A page of something in between says nothing about what there is.
    let is_rejected = last.is_some_and(|seen| {
        from_json(&seen.body).is_ok_and(|error: ApiError| error.proves_rejection(seen.status))
    });
    let is_untried = outcome.last_sent.is_none();
    match error {
        // What the gate inside the component denies, the host never sees.
        types::Error::Denied(_) => true,
        types::Error::InvalidCredential(_) | types::Error::InvalidRequest(_) => {
            is_rejected || is_untried
        }
        types::Error::MalformedResponse(_) => last.is_some(),
        // A token may come without the scope.
        types::Error::MissingScope(_) => {
            is_rejected || last.is_some_and(|seen| seen.rule.is_for_token() && seen.status == 200)
        }
        types::Error::NotFound(_) => {
            is_rejected && last.is_some_and(|seen| seen.rule == own && seen.status == 404)
        }
        types::Error::OutcomeUnknown(_) => {
            outcome.last_sent.is_some_and(|rule| match rule.effect() {
                Effect::Creates(_) => true,
                Effect::Changes => outcome.open > 0,
                Effect::Reads | Effect::Deletes => false,
            })
        }
        types::Error::RateLimited(_) => last.is_some_and(|seen| seen.status == 429),
        types::Error::TagsNotPermitted(_) => is_rejected,
        types::Error::Transport(_) => outcome.failure.is_some(),
        types::Error::Unavailable(_) => last.is_some_and(|seen| seen.status >= 500),
    }
}

/// The name of the error in the contract.
pub(super) fn name(error: &types::Error) -> &'static str {
    match error {
        types::Error::Denied(_) => "denied",
        types::Error::InvalidCredential(_) => "invalid-credential",
        types::Error::InvalidRequest(_) => "invalid-request",
        types::Error::MalformedResponse(_) => "malformed-response",
        types::Error::MissingScope(_) => "missing-scope",
        types::Error::NotFound(_) => "not-found",
        types::Error::OutcomeUnknown(_) => "outcome-unknown",
        types::Error::RateLimited(_) => "rate-limited",
        types::Error::TagsNotPermitted(_) => "tags-not-permitted",
        types::Error::Transport(_) => "transport",
        types::Error::Unavailable(_) => "unavailable",
    }
}

/// The body of the response to the request that the call was about, if it was a success.
fn own<T: DeserializeOwned>(run: &Run) -> Result<T, MintError> {
    let outcome = run.outcome();
    let own = run.rule();
    outcome
        .last_response()
        .filter(|seen| seen.rule == own && seen.status == 200)
        .and_then(|seen| from_json(&seen.body).ok())
        .ok_or_else(|| invalid_result("it reports a success that did not happen"))
}

/// The key that the API described.
pub(super) fn key(run: &Run) -> Result<DescribedKey, MintError> {
    own(run).map(Described::into_key)
}

/// The keys that the API listed.
pub(super) fn keys(run: &Run) -> Result<Vec<DescribedKey>, MintError> {
    let listed = of_kind(own(run)?, Kind::AuthKey);
    Ok(listed.map(Described::into_key).collect())
}

/// The OAuth client that the API described.
pub(super) fn client(run: &Run) -> Result<DescribedClient, MintError> {
    own(run).map(Described::into_client)
}

/// The OAuth clients that the API listed.
pub(super) fn clients(run: &Run) -> Result<Vec<DescribedClient>, MintError> {
    let listed = of_kind(own(run)?, Kind::OauthClient);
    Ok(listed.map(Described::into_client).collect())
}

/// The federated identity that the API described.
pub(super) fn identity(run: &Run) -> Result<DescribedIdentity, MintError> {
    own(run).map(Described::into_identity)
}

/// The federated identities that the API listed.
pub(super) fn identities(run: &Run) -> Result<Vec<DescribedIdentity>, MintError> {
    let listed = of_kind(own(run)?, Kind::FederatedIdentity);
    Ok(listed.map(Described::into_identity).collect())
}

/// What was granted for an identity token.
pub(super) fn exchanged(run: &Run) -> Result<Granted, MintError> {
    own(run)
}

fn of_kind(list: DescribedList, kind: Kind) -> impl Iterator<Item = Described> {
    list.keys.into_iter().filter(move |key| key.is(kind))
}

/// Which of the scopes were granted, in the order in which they were asked for, and with
/// which tags. As many as there were responses.
pub(super) fn granted(run: &Run, scopes: &[String]) -> Vec<(bool, Vec<String>)> {
    let outcome = run.outcome();
    let granted = scopes.iter().zip(&outcome.responses).map(|(scope, seen)| {
        let token: Option<Granted> = (seen.status == 200)
            .then(|| from_json(&seen.body).ok())
            .flatten();
        match token {
            Some(token) if token.grants(scope) => (true, token.tags()),
            _ => (false, Vec::new()),
        }
    });
    granted.collect()
}

/// Accepts what the component says where it is what the host saw.
pub(super) fn same<T: PartialEq>(said: &T, seen: &T, what: &str) -> Result<(), MintError> {
    if said == seen {
        Ok(())
    } else {
        Err(invalid_result(&format!(
            "it describes {what} otherwise than the API did"
        )))
    }
}
