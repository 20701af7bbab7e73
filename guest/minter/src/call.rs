//! One call of the API with a token of its own.

use serde::Serialize;
use tailmint_api::Route;

use crate::{
    Credential, Error, Request, Response, Transport,
    described::Described,
    key_kind::KeyKind,
    path,
    rejection::{Needs, malformed, rejection},
    step::Step,
    token::token,
    transport::Body,
};

/// Who asks, of which tailnet, and the scope that it takes.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) credential: &'a Credential,
    pub(crate) tailnet: &'a str,
    pub(crate) scope: &'a str,
}

impl Caller<'_> {
    /// Makes something new, with a request that is sent at most once; its secret,
    /// and how it is described.
    pub(crate) fn create(
        self,
        transport: &mut impl Transport,
        kind: KeyKind,
        body: &impl Serialize,
        tags: &[String],
    ) -> Result<(String, Described), Error> {
        let step = Step::Create(kind);
        let path = path::of_tailnet(Route::CreateKey, self.tailnet)?;
        let body = json(body)?;
        let token = token(transport, self.credential, self.scope)?;
        let response = transport
            .send(&Request {
                route: Route::CreateKey,
                path,
                bearer: Some(token.bearer),
                body: Some(body),
            })
            .map_err(|error| error.while_making(kind))?;
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
            Some(secret) => Ok((secret, described)),
            None => Err(malformed(
                step,
                200,
                &format!("{} {} came without its secret", kind.name(), described.id()),
            )),
        }
    }

    /// Asks for, changes or ends what is there; the answer, if it is a success.
    pub(crate) fn ask(
        self,
        transport: &mut impl Transport,
        step: Step,
        route: Route,
        path: String,
        body: Option<Body>,
    ) -> Result<Response, Error> {
        let token = token(transport, self.credential, self.scope)?;
        let response = transport
            .send(&Request {
                route,
                path,
                bearer: Some(token.bearer),
                body,
            })
            .map_err(|error| error.without_effect(&step.what()))?;
        match response.status {
            200 => Ok(response),
            _ => Err(rejection(step, &response, Needs::scope(self.scope))),
        }
    }
}

pub(crate) fn json(body: &impl Serialize) -> Result<Body, Error> {
    let content =
        serde_json::to_vec(body).map_err(|error| malformed(Step::Token, 0, &error.to_string()))?;
    Ok(Body {
        content_type: "application/json",
        content,
    })
}
