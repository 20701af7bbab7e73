//! The ways that bytes of strangers take through the minting logic, as plain
//! functions: total, and what must hold of their results is asserted in them.

use crate::{
    Credential, Error, KeyProperties, MintedKey, OauthClient, Request, Response, Transport,
    TransportError, auth_keys, retry_after, token,
};

/// Answers each request with the next of these.
struct Scripted(Vec<Response>);

impl Transport for Scripted {
    fn send(&mut self, _request: &Request) -> Result<Response, TransportError> {
        assert!(
            !self.0.is_empty(),
            "one request more than there are answers"
        );
        Ok(self.0.remove(0))
    }
}

fn client() -> Credential {
    Credential::OauthClient(OauthClient {
        id: "id".to_owned(),
        secret: "placeholder".to_owned(),
    })
}

/// The token that the answer to the request for one has.
pub fn token_response(response: Response) -> Result<String, Error> {
    let mut transport = Scripted(vec![response]);
    match token::token(&mut transport, &client(), "auth_keys") {
        Ok(token) => {
            assert!(token.tags.iter().all(|tag| is_line(tag)));
            Ok(token.bearer)
        }
        Err(error) => {
            judge(&error);
            Err(error)
        }
    }
}

/// The key that the answer to the request for a new one has.
pub fn keys_response(response: Response) -> Result<MintedKey, Error> {
    let token = Response {
        status: 200,
        body: br#"{"access_token":"placeholder"}"#.to_vec(),
        ..Response::default()
    };
    let succeeded = response.status == 200;
    let mut transport = Scripted(vec![token, response]);
    let properties = KeyProperties {
        reusable: false,
        ephemeral: true,
        preauthorized: true,
        tags: vec!["tag:tazpod".to_owned()],
        expiry_seconds: 60,
        description: None,
    };
    let minted = auth_keys::mint(&mut transport, &client(), "-", &properties);
    match &minted {
        Ok(minted) => {
            assert!(succeeded, "a key out of a refusal");
            assert!(tailmint_api::is_key_id(&minted.details.id));
            assert!(is_line(&minted.details.created) && is_line(&minted.details.expires));
        }
        Err(error) => {
            judge(error);
            // What may have made a key says so.
            assert!(!succeeded || matches!(error, Error::OutcomeUnknown(_)));
        }
    }
    minted
}

/// How many seconds the response asks to wait.
pub fn retry_after(response: &Response) -> Option<u32> {
    retry_after::seconds(response)
}

/// What is said is one line without control characters, and says what to do.
fn judge(error: &Error) {
    let problem = match error {
        Error::Denied(problem)
        | Error::InvalidCredential(problem)
        | Error::InvalidRequest(problem)
        | Error::MalformedResponse(problem)
        | Error::MissingScope(problem)
        | Error::NotFound(problem)
        | Error::OutcomeUnknown(problem)
        | Error::Unavailable(problem) => problem,
        Error::RateLimited(limit) => &limit.problem,
        Error::TagsNotPermitted(refusal) => &refusal.problem,
        Error::Transport(failure) => &failure.problem,
    };
    assert!(is_line(&problem.message), "{problem:?}");
    assert!(
        is_line(&problem.hint) && !problem.hint.is_empty(),
        "{problem:?}"
    );
}

fn is_line(text: &str) -> bool {
    !text.contains(char::is_control)
}
