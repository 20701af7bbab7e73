//! The minting logic as functions of a response, for fuzzing. They never fail, and
//! assert what must hold of their results.

use tailmint_api::{KeyCapabilities, NewKeyBody};

use crate::{
    Credential, Error, MintedKey, OauthClient, Request, Response, Transport, TransportError,
    auth_keys, retry_after, token,
};

/// Responds to each request with the next of these.
struct Scripted(Vec<Response>);

impl Transport for Scripted {
    fn send(&mut self, _request: &Request) -> Result<Response, TransportError> {
        assert!(
            !self.0.is_empty(),
            "one request more than there are responses"
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

/// The token in the response to the request for one.
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

/// The key in the response to the request that creates one.
pub fn keys_response(response: Response) -> Result<MintedKey, Error> {
    let token = Response {
        status: 200,
        body: br#"{"access_token":"placeholder"}"#.to_vec(),
        ..Response::default()
    };
    let succeeded = response.status == 200;
    let mut transport = Scripted(vec![token, response]);
    let properties = NewKeyBody {
        capabilities: KeyCapabilities::for_tags(vec!["tag:tazpod".to_owned()]),
        expiry_seconds: 60,
        description: None,
    }
    .into();
    let minted = auth_keys::mint(&mut transport, &client(), "-", &properties);
    match &minted {
        Ok(minted) => {
            assert!(succeeded, "a key from a rejection");
            assert!(tailmint_api::is_key_id(&minted.details.id));
            assert!(is_line(&minted.details.created) && is_line(&minted.details.expires));
        }
        Err(error) => {
            judge(error);
            // The error says that a key may have been created.
            assert!(!succeeded || matches!(error, Error::OutcomeUnknown(_)));
        }
    }
    minted
}

/// How many seconds the response asks to wait.
pub fn retry_after(response: &Response) -> Option<u32> {
    retry_after::seconds(response)
}

/// The message is one line without control characters, and there is a hint.
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
