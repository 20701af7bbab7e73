//! The error that a response without success means, from the step, the status and the
//! message of the server.

use tailmint_api::{AUTH_KEYS_SCOPE, ApiError, OutsideText, from_json};

use crate::{Error, Problem, RateLimit, Response, TagsRefusal, retry_after, step::Step};

/// What a request needs of its credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs<'a> {
    /// The scope.
    pub(crate) scope: &'a str,
    /// The tailnet that it is about, by its name or as `-`.
    pub(crate) tailnet: &'a str,
    /// The tags, of a request that gives any.
    pub(crate) tags: &'a [String],
    /// The tags that the credential carries, as far as known.
    pub(crate) carried: &'a [String],
}

impl<'a> Needs<'a> {
    /// The scope in the tailnet, and no tags.
    pub(crate) const fn scope(scope: &'a str, tailnet: &'a str) -> Self {
        Self {
            scope,
            tailnet,
            tags: &[],
            carried: &[],
        }
    }
}

/// The error that the response means.
pub(crate) fn rejection(step: Step, response: &Response, needs: Needs<'_>) -> Error {
    let body: ApiError = from_json(&response.body).unwrap_or_default();
    let said = if body.is_from_api() {
        body.line()
    } else {
        OutsideText::of(format_args!(
            "status {} and no message from the API",
            response.status
        ))
    };
    let problem = |message: String, hint: &str| Problem {
        message,
        hint: hint.to_owned(),
        status: Some(response.status),
    };
    let says = |part: &str| body.says(part);
    match response.status {
        // The key may exist: a gateway gave up waiting, or failed after the API had acted.
        status if step.changes().is_some() && !body.proves_rejection(status) => {
            let what = if status >= 500 {
                "the API, or a gateway, failed"
            } else {
                "the response is not the API's"
            };
            outcome_unknown(step, &format!("{what}: {said}"), Some(status))
        }
        429 => Error::RateLimited(RateLimit {
            problem: problem(
                format!("the API wants fewer requests: {said}"),
                "wait, then try again",
            ),
            retry_after_seconds: retry_after::seconds(response),
        }),
        500.. => Error::Unavailable(problem(
            format!("the API failed: {said}"),
            "try again later; the status of the service is at https://status.tailscale.com",
        )),
        // A body that is not the API's comes from something in between: its
        // status says nothing about the credential, nor about what there is.
        status if !body.proves_rejection(status) => malformed(step, status, &said),
        401 => Error::InvalidCredential(problem(
            format!("the API rejected the credential: {said}"),
            "check that it was not revoked and belongs to this tailnet; create a new one if in doubt",
        )),
        _ if says("invalid_client") => Error::InvalidCredential(problem(
            format!("the API rejected the OAuth client: {said}"),
            "check that it was not revoked and belongs to this tailnet; create a new one if in doubt",
        )),
        400 | 403 | 422 if is_about_tags(&says) => Error::TagsNotPermitted(TagsRefusal {
            problem: problem(
                format!("the API rejected the tags: {said}"),
                &tags_hint(needs),
            ),
            asked: needs.tags.to_vec(),
            carried: needs.carried.to_vec(),
        }),
        403 => Error::MissingScope(problem(
            format!("the credential is not allowed to do this: {said}"),
            &scope_hint(step, needs),
        )),
        400 if says("invalid_scope") => Error::MissingScope(problem(
            format!("the OAuth client is not allowed to do this: {said}"),
            &scope_hint(step, needs),
        )),
        404 if matches!(step, Step::Token | Step::Exchange) => malformed(step, 404, &said),
        404 => Error::NotFound(problem(
            match step {
                Step::Token | Step::Exchange | Step::Create(_) | Step::List(_) => {
                    format!("there is no such tailnet: {said}")
                }
                Step::Get(kind) | Step::Update(kind) | Step::Delete(kind) => {
                    format!("there is no such {}: {said}", kind.name())
                }
            },
            "check the names; - stands for the tailnet that the credential belongs to",
        )),
        _ => Error::InvalidRequest(problem(
            format!("the API rejected the request: {said}"),
            "change the request as the API says",
        )),
    }
}

/// A response that is not one of the API's. After a request that creates a key it
/// leaves open whether there is one.
pub(crate) fn malformed(step: Step, status: u16, what: &str) -> Error {
    let success = (200..300).contains(&status);
    if step.changes().is_some() && success {
        return outcome_unknown(
            step,
            &format!("the API's response cannot be used: {what}"),
            Some(status),
        );
    }
    Error::MalformedResponse(Problem {
        message: format!("unexpected response: it does not look like the Tailscale API ({what})"),
        hint: "see whether a proxy or a login page stands between here and the API".to_owned(),
        status: Some(status),
    })
}

/// The key may exist, or may have been changed.
pub(crate) fn outcome_unknown(step: Step, message: &str, status: Option<u16>) -> Error {
    Error::OutcomeUnknown(Problem {
        message: message.to_owned(),
        hint: step.look_for_it().unwrap_or_default().to_owned(),
        status,
    })
}

/// The wordings that were seen: `requested tags [...] are invalid or not
/// permitted`, `token may not assign tag ...`, and RFC 8707's `invalid_target`.
fn is_about_tags(says: &impl Fn(&str) -> bool) -> bool {
    says("requested tags") || says("assign tag") || says("invalid_target")
}

fn tags_hint(needs: Needs<'_>) -> String {
    let tags = needs.tags.join(" ");
    if needs.carried.is_empty() {
        return format!(
            "ask for exactly the tags of the credential, or for tags that those own; asked for: {tags}"
        );
    }
    format!(
        "the credential carries {}; ask for exactly these, or for tags that they own in the tailnet policy's tagOwners; asked for: {tags}",
        needs.carried.join(" ")
    )
}

fn scope_hint(step: Step, needs: Needs<'_>) -> String {
    let scope = needs.scope;
    match (step, needs.tailnet) {
        (Step::Token, _) => missing_scope_hint(scope),
        (_, tailnet) if tailnet != OWN => format!(
            "leave the tailnet out, with {OWN} in its place, unless the credential is surely of {tailnet}; then it needs the scope {scope} (write)"
        ),
        _ => format!(
            "the credential needs the scope {scope} (write); an OAuth client's secret is not an API key"
        ),
    }
}

/// Stands for the tailnet that the credential belongs to.
pub(crate) const OWN: &str = "-";

/// What to do where an OAuth client lacks a scope. New clients cannot have the old
/// scope `devices`; it has `auth_keys` in it, `devices:core` has not.
pub(crate) fn missing_scope_hint(scope: &str) -> String {
    match scope {
        "devices" => "new OAuth clients cannot have the old scope devices: give it devices:core (write) and auth_keys (write)".to_owned(),
        AUTH_KEYS_SCOPE => "give the OAuth client the scope auth_keys (write) in the admin console, or create one that has it; devices:core, which the old scope devices became, does not include it".to_owned(),
        _ => format!(
            "give the OAuth client the scope {scope} (write) in the admin console, or create one that has it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use tailmint_api::Kind;

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response {
            status,
            body: body.as_bytes().to_vec(),
            ..Response::default()
        }
    }

    fn rejected(step: Step, status: u16, body: &str) -> Error {
        rejection(
            step,
            &response(status, body),
            Needs::scope("auth_keys", OWN),
        )
    }

    #[test]
    fn a_bad_secret_is_a_bad_credential_in_both_shapes() {
        let tailscale = rejected(Step::Token, 401, r#"{"message":"API token invalid"}"#);
        let rfc6749 = rejected(
            Step::Token,
            401,
            r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#,
        );
        let Error::InvalidCredential(problem) = tailscale else {
            panic!("{tailscale:?}")
        };
        assert!(problem.message.ends_with(": API token invalid"));
        let Error::InvalidCredential(problem) = rfc6749 else {
            panic!("{rfc6749:?}")
        };
        assert!(problem.message.contains("invalid client credentials"));
    }

    #[test]
    fn an_ungranted_scope_is_a_missing_scope_in_both_shapes() {
        for (status, body) in [
            (
                403,
                r#"{"message":"OAuth client cannot grant scopes \"auth_keys\""}"#,
            ),
            (
                400,
                r#"{"error":"invalid_scope","error_description":"scope auth_keys is not granted to this client"}"#,
            ),
        ] {
            let error = rejected(Step::Token, status, body);
            assert!(matches!(error, Error::MissingScope(_)), "{error:?}");
        }
    }

    #[test]
    fn rejected_tags_name_those_that_the_credential_carries() {
        let tags = ["tag:x".to_owned()];
        let carried = ["tag:ci".to_owned(), "tag:staging".to_owned()];
        for (status, body) in [
            (
                400,
                r#"{"message":"requested tags [tag:x] are invalid or not permitted"}"#,
            ),
            (
                403,
                r#"{"message":"token may not assign tag tag:x","status":403}"#,
            ),
        ] {
            let error = rejection(
                Step::Create(Kind::AuthKey),
                &response(status, body),
                Needs {
                    scope: "auth_keys",
                    tailnet: OWN,
                    tags: &tags,
                    carried: &carried,
                },
            );
            let Error::TagsNotPermitted(refusal) = error else {
                panic!("{error:?}")
            };
            assert_eq!(refusal.carried, carried);
            assert!(refusal.problem.hint.contains("carries tag:ci tag:staging"));
        }
    }

    #[test]
    fn a_tailnet_that_may_not_be_the_credentials_is_to_be_left_out() {
        let step = Step::Create(Kind::AuthKey);
        let response = response(
            403,
            r#"{"message":"calling actor does not have enough permissions"}"#,
        );
        let hint = |tailnet| match rejection(step, &response, Needs::scope("auth_keys", tailnet)) {
            Error::MissingScope(problem) => problem.hint,
            other => panic!("{other:?}"),
        };
        assert!(hint("example.com").starts_with("leave the tailnet out"));
        assert!(hint("example.com").contains("surely of example.com"));
        assert!(hint(OWN).starts_with("the credential needs the scope auth_keys (write)"));
    }

    #[test]
    fn the_hint_about_a_scope_names_what_it_was_called_before() {
        for scope in ["auth_keys", "devices"] {
            let hint = missing_scope_hint(scope);
            for name in ["auth_keys (write)", "devices:core", "old scope devices"] {
                assert!(hint.contains(name), "{scope}: {hint}");
            }
        }
    }

    #[test]
    fn details_that_are_null_are_none() {
        for body in [
            r#"{"message":"no","data":null}"#,
            r#"{"message":"no","data":[{"errors":null}]}"#,
        ] {
            let error = rejected(Step::Create(Kind::AuthKey), 422, body);
            let Error::InvalidRequest(problem) = error else {
                panic!("{error:?}")
            };
            assert!(problem.message.ends_with(": no"), "{}", problem.message);
        }
    }

    #[test]
    fn details_of_a_validation_are_told() {
        let error = rejected(
            Step::Create(Kind::AuthKey),
            422,
            r#"{"message":"validation failed","data":[{"errors":["reusable is required"]}],"status":422}"#,
        );
        let Error::InvalidRequest(problem) = error else {
            panic!("{error:?}")
        };
        assert!(
            problem
                .message
                .ends_with("validation failed; reusable is required")
        );
    }

    #[test]
    fn a_gateway_that_gave_up_leaves_open_whether_a_key_was_created() {
        for status in [502, 504] {
            assert!(matches!(
                rejected(Step::Create(Kind::AuthKey), status, "{}"),
                Error::OutcomeUnknown(_)
            ));
            assert!(matches!(
                rejected(Step::Token, status, "{}"),
                Error::Unavailable(_)
            ));
            assert!(matches!(
                rejected(Step::Delete(Kind::AuthKey), status, "{}"),
                Error::Unavailable(_)
            ));
        }
    }

    #[test]
    fn only_the_apis_own_rejection_proves_that_nothing_was_created() {
        let create = |status, body| rejected(Step::Create(Kind::AuthKey), status, body);
        for status in [200, 302, 400, 401, 403, 404, 408, 429, 500, 503, 599] {
            let error = create(status, "<title>Log in</title>");
            assert!(
                matches!(error, Error::OutcomeUnknown(_)),
                "{status}: {error:?}"
            );
        }
        for status in [500, 502, 503, 504] {
            let error = create(status, r#"{"message":"no"}"#);
            assert!(
                matches!(error, Error::OutcomeUnknown(_)),
                "{status}: {error:?}"
            );
        }
        for status in [400, 401, 403, 404, 422, 429] {
            let error = create(status, r#"{"message":"no"}"#);
            assert!(
                !matches!(error, Error::OutcomeUnknown(_)),
                "{status}: {error:?}"
            );
        }
    }

    #[test]
    fn a_page_does_not_say_what_there_is() {
        for step in [
            Step::Token,
            Step::Get(Kind::AuthKey),
            Step::Delete(Kind::OauthClient),
        ] {
            for status in [401, 403, 404] {
                let error = rejected(step, status, "<title>Log in</title>");
                assert!(
                    matches!(error, Error::MalformedResponse(_)),
                    "{status}: {error:?}"
                );
            }
        }
        let no_endpoint = rejected(Step::Token, 404, r#"{"message":"not found"}"#);
        assert!(
            matches!(no_endpoint, Error::MalformedResponse(_)),
            "{no_endpoint:?}"
        );
    }

    #[test]
    fn a_page_of_a_proxy_is_not_a_response_of_the_api() {
        let page = "<html>sign in</html>";
        for status in [200, 302, 400, 407] {
            let error = rejected(Step::Token, status, page);
            assert!(matches!(error, Error::MalformedResponse(_)), "{error:?}");
        }
        assert!(matches!(
            malformed(Step::Create(Kind::AuthKey), 200, "no JSON"),
            Error::OutcomeUnknown(_)
        ));
    }

    #[test]
    fn a_rate_limit_carries_the_wait() {
        let response = Response {
            retry_after: Some("7".to_owned()),
            ..response(429, r#"{"message":"too many requests"}"#)
        };
        let Error::RateLimited(limit) = rejection(
            Step::Create(Kind::AuthKey),
            &response,
            Needs::scope("auth_keys", OWN),
        ) else {
            panic!()
        };
        assert_eq!(limit.retry_after_seconds, Some(7));
    }

    #[test]
    fn escapes_in_the_servers_words_do_not_come_through() {
        let Error::InvalidRequest(problem) = rejected(
            Step::Create(Kind::AuthKey),
            400,
            r#"{"message":"bad\u001b[31m\nthing"}"#,
        ) else {
            panic!()
        };
        assert!(problem.message.ends_with("bad [31m thing"));
    }
}
