use serde::Serialize;
use tailmint_api::{Described, Kind, Route, says_deleted};

use crate::{
    Credential, Error, Problem, Request, Response, Transport, described, path,
    rejection::{Needs, malformed, rejection},
    step::Step,
    token::token,
    transport::Body,
};

/// Keys of one kind, and the calls of the API about them. Each call gets a token of
/// its own first.
pub(crate) struct Resource<T> {
    pub(crate) kind: Kind,
    /// The scope that every call needs.
    pub(crate) scope: &'static str,
    /// How one is described to the caller.
    pub(crate) describe: fn(Described) -> T,
}

impl<T> Resource<T> {
    /// Creates one, with a request that is sent at most once. Returns its secret
    /// and its description.
    pub(crate) fn create(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        body: &impl Serialize,
        tags: &[String],
    ) -> Result<(String, T), Error> {
        let mut new = self.create_one(transport, credential, tailnet, body, tags)?;
        match described::take_secret(&mut new) {
            Some(secret) => Ok((secret, (self.describe)(new))),
            None => Err(malformed(
                Step::Create(self.kind),
                200,
                &format!("{} {} came without its secret", self.kind.name(), new.id()),
            )),
        }
    }

    /// Creates one of a kind that has no secret, with a request that is sent at most once.
    pub(crate) fn create_without_secret(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        body: &impl Serialize,
        tags: &[String],
    ) -> Result<T, Error> {
        let new = self.create_one(transport, credential, tailnet, body, tags)?;
        Ok((self.describe)(new))
    }

    fn create_one(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        body: &impl Serialize,
        tags: &[String],
    ) -> Result<Described, Error> {
        let change = Change {
            step: Step::Create(self.kind),
            route: Route::CreateKey,
            path: path::of_tailnet(Route::CreateKey, tailnet)?,
            body: json(body)?,
            tags,
        };
        self.change(transport, credential, tailnet, change)
    }

    /// Replaces what one says, with a request that is sent at most once.
    pub(crate) fn replace(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        (tailnet, id): (&str, &str),
        body: &impl Serialize,
        tags: &[String],
    ) -> Result<T, Error> {
        let change = Change {
            step: Step::Update(self.kind),
            route: Route::ReplaceKey,
            path: path::of_key(Route::ReplaceKey, tailnet, id)?,
            body: json(body)?,
            tags,
        };
        let changed = self.change(transport, credential, tailnet, change)?;
        Ok((self.describe)(changed))
    }

    /// Sends a request that creates or changes one, at most once.
    fn change(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        change: Change<'_>,
    ) -> Result<Described, Error> {
        let step = change.step;
        let token = token(transport, credential, self.scope)?;
        let response = transport
            .send(&Request {
                route: change.route,
                path: change.path,
                bearer: Some(token.bearer),
                body: Some(change.body),
            })
            .map_err(|error| error.while_changing(step))?;
        let needs = Needs {
            scope: self.scope,
            tailnet,
            tags: change.tags,
            carried: &token.tags,
        };
        match response.status {
            200 => described::one(step, &response),
            status @ 201..300 => Err(malformed(
                step,
                status,
                &format!("status {status} instead of 200"),
            )),
            _ => Err(rejection(step, &response, needs)),
        }
    }

    /// Describes all that the credential may see.
    pub(crate) fn list(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
    ) -> Result<Vec<T>, Error> {
        let step = Step::List(self.kind);
        let path = path::of_tailnet(Route::ListKeys, tailnet)?;
        let response = self.call(transport, credential, tailnet, step, Route::ListKeys, path)?;
        let keys = described::all(step, &response, self.kind)?;
        Ok(keys.into_iter().map(self.describe).collect())
    }

    /// Describes one.
    pub(crate) fn get(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        id: &str,
    ) -> Result<T, Error> {
        let step = Step::Get(self.kind);
        let path = path::of_key(Route::GetKey, tailnet, id)?;
        let response = self.call(transport, credential, tailnet, step, Route::GetKey, path)?;
        Ok((self.describe)(described::one(step, &response)?))
    }

    /// Deletes one.
    pub(crate) fn delete(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        id: &str,
    ) -> Result<(), Error> {
        let step = Step::Delete(self.kind);
        let path = path::of_key(Route::DeleteKey, tailnet, id)?;
        let response = self.call(transport, credential, tailnet, step, Route::DeleteKey, path)?;
        if says_deleted(&response.body) {
            Ok(())
        } else {
            Err(malformed(step, 200, "a page, where there should be none"))
        }
    }

    /// Sends a request that has no body and creates nothing.
    fn call(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        step: Step,
        route: Route,
        path: String,
    ) -> Result<Response, Error> {
        let token = token(transport, credential, self.scope)?;
        let response = transport
            .send(&Request {
                route,
                path,
                bearer: Some(token.bearer),
                body: None,
            })
            .map_err(|error| error.without_effect(step))?;
        match response.status {
            200 => Ok(response),
            _ => Err(rejection(
                step,
                &response,
                Needs::scope(self.scope, tailnet),
            )),
        }
    }
}

/// A request that creates or changes something.
struct Change<'a> {
    step: Step,
    route: Route,
    path: String,
    body: Body,
    /// The tags that it gives.
    tags: &'a [String],
}

fn json(body: &impl Serialize) -> Result<Body, Error> {
    let content = serde_json::to_vec(body).map_err(|error| {
        Error::InvalidRequest(Problem {
            message: format!("the request cannot be written as JSON: {error}"),
            hint: "this is a fault of the component; please report it".to_owned(),
            status: None,
        })
    })?;
    Ok(Body {
        content_type: "application/json",
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransportError;

    /// Responds to each request with the next of these.
    struct Scripted(Vec<(u16, &'static str)>);

    impl Transport for Scripted {
        fn send(&mut self, _request: &Request) -> Result<Response, TransportError> {
            let (status, body) = self.0.remove(0);
            Ok(Response {
                status,
                body: body.as_bytes().to_vec(),
                ..Response::default()
            })
        }
    }

    const CLIENTS: Resource<String> = Resource {
        kind: Kind::OauthClient,
        scope: "oauth_keys",
        describe: |described| described.id(),
    };

    const KEYS: Resource<String> = Resource {
        kind: Kind::AuthKey,
        ..CLIENTS
    };

    fn api_key() -> Credential {
        Credential::ApiKey("placeholder".to_owned())
    }

    fn create(status: u16, body: &'static str) -> Result<(String, String), Error> {
        KEYS.create(
            &mut Scripted(vec![(status, body)]),
            &api_key(),
            "-",
            &(),
            &[],
        )
    }

    #[test]
    fn a_list_has_the_keys_of_its_kind_alone() {
        let list = r#"{"keys":[{"id":"k1"},{"id":"k2","keyType":"auth"},{"id":"c1","keyType":"client"},{"id":"a1","keyType":"api"}]}"#;
        let keys = KEYS.list(&mut Scripted(vec![(200, list)]), &api_key(), "-");
        assert_eq!(keys.unwrap(), ["k1", "k2"]);
        let clients = CLIENTS.list(&mut Scripted(vec![(200, list)]), &api_key(), "-");
        assert_eq!(clients.unwrap(), ["c1"]);
    }

    #[test]
    fn a_list_that_is_null_is_empty_and_one_that_is_absent_is_no_list() {
        let mut null = Scripted(vec![(200, r#"{"keys":null}"#)]);
        assert!(KEYS.list(&mut null, &api_key(), "-").unwrap().is_empty());
        let inside = r#"{"keys":[{"id":"k1","scopes":null,"tags":null}]}"#;
        let mut inside = Scripted(vec![(200, inside)]);
        assert_eq!(KEYS.list(&mut inside, &api_key(), "-").unwrap(), ["k1"]);
        let mut absent = Scripted(vec![(200, "{}")]);
        let error = KEYS.list(&mut absent, &api_key(), "-").unwrap_err();
        assert!(matches!(error, Error::MalformedResponse(_)), "{error:?}");
    }

    #[test]
    fn what_is_not_found_is_the_tailnet_of_a_list_and_the_key_of_a_get() {
        let missing = || Scripted(vec![(404, r#"{"message":"not found"}"#)]);
        for (error, message) in [
            (
                KEYS.list(&mut missing(), &api_key(), "-").unwrap_err(),
                "there is no such tailnet: not found",
            ),
            (
                KEYS.get(&mut missing(), &api_key(), "-", "k1").unwrap_err(),
                "there is no such key: not found",
            ),
            (
                CLIENTS
                    .delete(&mut missing(), &api_key(), "-", "k1")
                    .unwrap_err(),
                "there is no such OAuth client: not found",
            ),
        ] {
            let Error::NotFound(problem) = error else {
                panic!("{error:?}")
            };
            assert_eq!(problem.message, message);
        }
    }

    #[test]
    fn a_page_does_not_say_that_something_was_deleted() {
        let delete = |body| {
            let mut scripted = Scripted(vec![(200, body)]);
            KEYS.delete(&mut scripted, &api_key(), "-", "k1")
        };
        for body in ["", "null", "{}", r#"{"id":"k1"}"#] {
            assert!(delete(body).is_ok(), "{body}");
        }
        for body in ["<title>Log in</title>", "[]", "?", "\"ok\""] {
            let error = delete(body).unwrap_err();
            assert!(matches!(error, Error::MalformedResponse(_)), "{error:?}");
        }
    }

    #[test]
    fn a_new_key_comes_with_its_secret() {
        let (secret, id) = create(200, r#"{"id":"k1","key":"placeholder"}"#).unwrap();
        assert_eq!((secret.as_str(), id.as_str()), ("placeholder", "k1"));
    }

    #[test]
    fn a_success_without_a_usable_key_leaves_open_whether_there_is_one() {
        for (status, body, what) in [
            (200, r#"{"id":"k1"}"#, "key k1 came without its secret"),
            (200, r#"{"id":"../k1","key":"a"}"#, "invalid key id"),
            (201, r#"{"id":"k1","key":"a"}"#, "status 201 instead of 200"),
            (204, "", "status 204 instead of 200"),
        ] {
            let Err(Error::OutcomeUnknown(problem)) = create(status, body) else {
                panic!("{status} {body}")
            };
            assert_eq!(
                problem.message,
                format!("the API's response cannot be used: {what}")
            );
        }
    }

    #[test]
    fn nothing_is_sent_for_a_name_or_an_id_that_is_invalid() {
        let mut nobody = Scripted(Vec::new());
        let tailnet = KEYS.list(&mut nobody, &api_key(), "a/b").unwrap_err();
        let id = KEYS.get(&mut nobody, &api_key(), "-", "..").unwrap_err();
        for (error, message) in [(tailnet, "invalid tailnet name"), (id, "invalid key id")] {
            let Error::InvalidRequest(problem) = error else {
                panic!("{error:?}")
            };
            assert_eq!(problem.message, message);
        }
    }
}
