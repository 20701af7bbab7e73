//! The control listener: plain HTTP on loopback, for programs that test.
//!
//! | request | answer |
//! |---|---|
//! | `POST /register` `{"key"}` | a machine joins: 200 `{"id","tags","ephemeral","preauthorized","reusable"}`, and a single-use key is used; 403 `{"error"}` in the words of the real control server |
//! | `GET /requests` | what arrived at the API, with its answers |
//! | `GET /keys` | the auth keys that still join machines |
//! | `GET /console/{id}` | the page of a federated identity: `{"cause"}`, why the last exchange was rejected, or null since the last that was not |
//! | `POST /clients` `{"description","scopes","tags"}` | a new OAuth client `{"id","secret"}` |
//! | `GET /identities` | the federated identities that were not deleted |
//! | `POST /identities` `{"description","scopes","tags","issuer","subject"}`, and `"audience"` and `"customClaimRules"` if need be | a new federated identity `{"id","audience"}` |
//! | `POST /advance` `{"seconds"}` | the service's clock jumps ahead |
//! | `POST /fault` `{"endpoint","fault","times"}` | the next requests meet the fault |

use std::{collections::BTreeMap, convert::Infallible, io, net::TcpListener, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Endpoint, Fault, FederatedIdentity, OauthClient, clock::rfc3339, fault::Planned,
    simulator::Shared, state::State,
};

pub(crate) async fn serve(listener: TcpListener, state: Shared) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, state.clone()));
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Shared,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let (status, value) = {
        let mut state = state.lock();
        match (parts.method.as_str(), parts.uri.path()) {
            ("POST", "/register") => register(&mut state, &body),
            ("GET", "/requests") => (StatusCode::OK, json!(state.recorded)),
            ("GET", "/keys") => {
                let now = state.clock.now();
                let live = state.keys.iter().filter(|key| key.is_live(now));
                let keys: Vec<_> = live.map(|key| key.describe(now, false)).collect();
                (StatusCode::OK, keys.into())
            }
            ("GET", path) if path.starts_with("/console/") => {
                let id = path.trim_start_matches("/console/");
                (StatusCode::OK, json!({ "cause": state.causes.get(id) }))
            }
            ("POST", "/clients") => told(&body, |new: NewClient| {
                let mut client =
                    OauthClient::of(state.dialect, &new.description, new.scopes, new.tags);
                client.created = rfc3339(state.clock.now());
                let answer = json!({ "id": client.id, "secret": client.secret });
                state.tags.extend(client.tags.clone());
                state.clients.push(client);
                answer
            }),
            ("GET", "/identities") => {
                let live = state.identities.iter().filter(|it| it.is_live());
                let identities: Vec<_> = live.map(FederatedIdentity::describe).collect();
                (StatusCode::OK, identities.into())
            }
            ("POST", "/identities") => told(&body, |new: NewIdentity| {
                let mut identity =
                    FederatedIdentity::new(&new.description, &[], &[], &new.issuer, &new.subject);
                identity.scopes = new.scopes;
                identity.tags = new.tags;
                identity.custom_claim_rules = new.custom_claim_rules;
                if let Some(audience) = new.audience {
                    identity.audience = audience;
                }
                let response = json!({ "id": identity.id, "audience": identity.audience });
                state.add(identity);
                response
            }),
            ("POST", "/advance") => told(&body, |advance: Advance| {
                state.clock.advance(Duration::from_secs(advance.seconds));
                json!({})
            }),
            ("POST", "/fault") => told(&body, |new: NewFault| {
                state.faults.push(Planned {
                    endpoint: new.endpoint,
                    fault: new.fault,
                    times: new.times,
                });
                json!({})
            }),
            _ => (StatusCode::NOT_FOUND, json!({ "error": "no such thing" })),
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    Ok(response)
}

#[derive(Deserialize)]
struct NewClient {
    description: String,
    scopes: Vec<String>,
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewIdentity {
    description: String,
    scopes: Vec<String>,
    tags: Vec<String>,
    issuer: String,
    subject: String,
    audience: Option<String>,
    #[serde(default)]
    custom_claim_rules: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

#[derive(Deserialize)]
struct NewFault {
    endpoint: Endpoint,
    fault: Fault,
    times: usize,
}

fn told<T: serde::de::DeserializeOwned>(
    body: &[u8],
    act: impl FnOnce(T) -> Value,
) -> (StatusCode, Value) {
    match serde_json::from_slice(body) {
        Ok(told) => (StatusCode::OK, act(told)),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            json!({ "error": error.to_string() }),
        ),
    }
}

/// A machine joins with a key. The words of the refusals are those seen of the
/// real control server; which of them belongs to an expired key is a guess.
fn register(state: &mut State, body: &[u8]) -> (StatusCode, Value) {
    #[derive(Deserialize)]
    struct Register {
        key: String,
    }
    let refused = |error: String| (StatusCode::FORBIDDEN, json!({ "error": error }));
    let Ok(Register { key }) = serde_json::from_slice(body) else {
        return refused("invalid key: unable to validate API key".to_owned());
    };
    let now = state.clock.now();
    let shape = format!("{}-auth-", state.dialect.prefix());
    if !key.starts_with(&shape) || key.split('-').count() < 4 {
        return refused("invalid key: unable to validate API key".to_owned());
    }
    let Some(key) = state.keys.iter_mut().find(|it| it.key == key) else {
        return refused("invalid key: API key does not exist".to_owned());
    };
    if key.revoked || now >= key.expires {
        return refused("invalid key: API key does not exist".to_owned());
    }
    if !key.is_live(now) {
        return refused(format!("invalid key: API key {} not valid", key.id));
    }
    key.uses += 1;
    let answer = json!({
        "id": key.id,
        "tags": key.tags,
        "ephemeral": key.ephemeral,
        "preauthorized": key.preauthorized,
        "reusable": key.reusable,
    });
    (StatusCode::OK, answer)
}
