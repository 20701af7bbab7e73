//! The component: the contract's types on one side, `wasi:http` on the other.

mod outgoing;

use outgoing::Outgoing;

use crate::{
    AuthKey, ClientDetails, ClientProperties, Credential, Error, KeyProperties, MintedKey,
    NewOauthClient, OauthClient, Problem, ScopeCheck, TransportCause, auth_keys, oauth_clients,
};

#[expect(clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "minter",
        generate_all,
    });
}

use bindings::exports::tailmint::api::{
    auth_keys::Guest as AuthKeys, oauth_clients::Guest as OauthClients, types,
};

struct Component;

#[expect(unsafe_code, reason = "generated: the component's exported symbols")]
mod export {
    use super::{Component, bindings};

    bindings::export!(Component with_types_in bindings);
}

impl AuthKeys for Component {
    fn mint(
        credential: types::Credential,
        tailnet: String,
        properties: types::KeyProperties,
    ) -> Result<types::MintedKey, types::Error> {
        let minted = auth_keys::mint(
            &mut Outgoing,
            &credential.into(),
            &tailnet,
            &properties.into(),
        )?;
        Ok(minted.into())
    }

    fn list(
        credential: types::Credential,
        tailnet: String,
    ) -> Result<Vec<types::AuthKey>, types::Error> {
        let keys = auth_keys::list(&mut Outgoing, &credential.into(), &tailnet)?;
        Ok(keys.into_iter().map(Into::into).collect())
    }

    fn get(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<types::AuthKey, types::Error> {
        let key = auth_keys::get(&mut Outgoing, &credential.into(), &tailnet, &id)?;
        Ok(key.into())
    }

    fn revoke(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<(), types::Error> {
        auth_keys::revoke(&mut Outgoing, &credential.into(), &tailnet, &id)?;
        Ok(())
    }
}

impl OauthClients for Component {
    fn create(
        credential: types::Credential,
        tailnet: String,
        properties: types::ClientProperties,
    ) -> Result<types::NewClient, types::Error> {
        let client = oauth_clients::create(
            &mut Outgoing,
            &credential.into(),
            &tailnet,
            &properties.into(),
        )?;
        Ok(client.into())
    }

    fn list(
        credential: types::Credential,
        tailnet: String,
    ) -> Result<Vec<types::ClientDetails>, types::Error> {
        let clients = oauth_clients::list(&mut Outgoing, &credential.into(), &tailnet)?;
        Ok(clients.into_iter().map(Into::into).collect())
    }

    fn remove(
        credential: types::Credential,
        tailnet: String,
        id: String,
    ) -> Result<(), types::Error> {
        oauth_clients::delete(&mut Outgoing, &credential.into(), &tailnet, &id)?;
        Ok(())
    }

    fn check(
        client: types::OauthClient,
        scopes: Vec<String>,
    ) -> Result<Vec<types::ScopeCheck>, types::Error> {
        let checks = oauth_clients::check(&mut Outgoing, &client.into(), &scopes)?;
        Ok(checks.into_iter().map(Into::into).collect())
    }
}

impl From<types::OauthClient> for OauthClient {
    fn from(client: types::OauthClient) -> Self {
        Self {
            id: client.id,
            secret: client.secret,
        }
    }
}

impl From<types::ClientProperties> for ClientProperties {
    fn from(properties: types::ClientProperties) -> Self {
        Self {
            description: properties.description,
            scopes: properties.scopes,
            tags: properties.tags,
        }
    }
}

impl From<ClientDetails> for types::ClientDetails {
    fn from(client: ClientDetails) -> Self {
        Self {
            id: client.id,
            created: client.created,
            invalid: client.invalid,
            properties: types::ClientProperties {
                description: client.properties.description,
                scopes: client.properties.scopes,
                tags: client.properties.tags,
            },
        }
    }
}

impl From<NewOauthClient> for types::NewClient {
    fn from(client: NewOauthClient) -> Self {
        Self {
            secret: client.secret,
            details: client.details.into(),
        }
    }
}

impl From<ScopeCheck> for types::ScopeCheck {
    fn from(check: ScopeCheck) -> Self {
        Self {
            scope: check.scope,
            granted: check.granted,
            tags: check.tags,
        }
    }
}

impl From<types::Credential> for Credential {
    fn from(credential: types::Credential) -> Self {
        match credential {
            types::Credential::ApiKey(key) => Self::ApiKey(key),
            types::Credential::OauthClient(client) => Self::OauthClient(client.into()),
        }
    }
}

impl From<types::KeyProperties> for KeyProperties {
    fn from(properties: types::KeyProperties) -> Self {
        Self {
            reusable: properties.reusable,
            ephemeral: properties.ephemeral,
            preauthorized: properties.preauthorized,
            tags: properties.tags,
            expiry_seconds: properties.expiry_seconds,
            description: properties.description,
        }
    }
}

impl From<KeyProperties> for types::KeyProperties {
    fn from(properties: KeyProperties) -> Self {
        Self {
            reusable: properties.reusable,
            ephemeral: properties.ephemeral,
            preauthorized: properties.preauthorized,
            tags: properties.tags,
            expiry_seconds: properties.expiry_seconds,
            description: properties.description,
        }
    }
}

impl From<AuthKey> for types::AuthKey {
    fn from(key: AuthKey) -> Self {
        Self {
            id: key.id,
            created: key.created,
            expires: key.expires,
            invalid: key.invalid,
            properties: key.properties.into(),
        }
    }
}

impl From<MintedKey> for types::MintedKey {
    fn from(minted: MintedKey) -> Self {
        Self {
            key: minted.key,
            details: minted.details.into(),
        }
    }
}

impl From<Problem> for types::Problem {
    fn from(problem: Problem) -> Self {
        Self {
            message: problem.message,
            hint: problem.hint,
            status: problem.status,
        }
    }
}

impl From<TransportCause> for types::TransportCause {
    fn from(cause: TransportCause) -> Self {
        match cause {
            TransportCause::Connection => Self::Connection,
            TransportCause::NameResolution => Self::NameResolution,
            TransportCause::Protocol => Self::Protocol,
            TransportCause::Timeout => Self::Timeout,
            TransportCause::Tls => Self::Tls,
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(problem) => Self::Denied(problem.into()),
            Error::InvalidCredential(problem) => Self::InvalidCredential(problem.into()),
            Error::InvalidRequest(problem) => Self::InvalidRequest(problem.into()),
            Error::MalformedResponse(problem) => Self::MalformedResponse(problem.into()),
            Error::MissingScope(problem) => Self::MissingScope(problem.into()),
            Error::NotFound(problem) => Self::NotFound(problem.into()),
            Error::OutcomeUnknown(problem) => Self::OutcomeUnknown(problem.into()),
            Error::RateLimited(limit) => Self::RateLimited(types::RateLimit {
                problem: limit.problem.into(),
                retry_after_seconds: limit.retry_after_seconds,
            }),
            Error::TagsNotPermitted(refusal) => Self::TagsNotPermitted(types::TagsRefusal {
                problem: refusal.problem.into(),
                asked: refusal.asked,
                carried: refusal.carried,
            }),
            Error::Transport(failure) => Self::Transport(types::TransportFailure {
                problem: failure.problem.into(),
                cause: failure.cause.into(),
            }),
            Error::Unavailable(problem) => Self::Unavailable(problem.into()),
        }
    }
}
