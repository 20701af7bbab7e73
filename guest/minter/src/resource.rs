use serde::Serialize;
use tailmint_api::Route;

use crate::{
    Credential, Error, Problem, Request, Response, Transport,
    described::Described,
    key_kind::KeyKind,
    path,
    rejection::{Needs, malformed, rejection},
    step::Step,
    token::token,
    transport::Body,
};

/// Keys of one kind, and the calls of the API about them. Each call gets a token of
/// its own first.
pub(crate) struct Resource<T> {
    pub(crate) kind: KeyKind,
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
        let step = Step::Create(self.kind);
        let path = path::of_tailnet(Route::CreateKey, tailnet)?;
        let body = json(body)?;
        let token = token(transport, credential, self.scope)?;
        let response = transport
            .send(&Request {
                route: Route::CreateKey,
                path,
                bearer: Some(token.bearer),
                body: Some(body),
            })
            .map_err(|error| error.while_making(self.kind))?;
        if response.status != 200 {
            let needs = Needs {
                scope: self.scope,
                tags,
                carried: &token.tags,
            };
            return Err(match response.status {
                201..300 => malformed(step, response.status, "success, but not the API's"),
                _ => rejection(step, &response, needs),
            });
        }
        let mut described = Described::one(step, &response)?;
        match described.take_secret() {
            Some(secret) => Ok((secret, (self.describe)(described))),
            None => Err(malformed(
                step,
                200,
                &format!(
                    "{} {} came without its secret",
                    self.kind.name(),
                    described.id()
                ),
            )),
        }
    }

    /// Describes all that the credential may see.
    pub(crate) fn list(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
    ) -> Result<Vec<T>, Error> {
        let step = Step::Read(self.kind);
        let path = path::of_tailnet(Route::ListKeys, tailnet)?;
        let response = self.call(transport, credential, step, Route::ListKeys, path)?;
        let keys = Described::all(step, &response)?.into_iter();
        Ok(keys
            .filter(|key| key.is(self.kind))
            .map(self.describe)
            .collect())
    }

    /// Describes one.
    pub(crate) fn get(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
        tailnet: &str,
        id: &str,
    ) -> Result<T, Error> {
        let step = Step::Read(self.kind);
        let path = path::of_key(Route::GetKey, tailnet, id)?;
        let response = self.call(transport, credential, step, Route::GetKey, path)?;
        Ok((self.describe)(Described::one(step, &response)?))
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
        self.call(transport, credential, step, Route::DeleteKey, path)?;
        Ok(())
    }

    /// Sends a request that has no body and creates nothing.
    fn call(
        &self,
        transport: &mut impl Transport,
        credential: &Credential,
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
            .map_err(|error| error.without_effect(&step.what()))?;
        match response.status {
            200 => Ok(response),
            _ => Err(rejection(step, &response, Needs::scope(self.scope))),
        }
    }
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
