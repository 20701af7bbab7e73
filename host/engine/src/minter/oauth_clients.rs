//! Operations on OAuth clients.

use tailmint_api::{ClientProperties, DescribedClient, KeyId, Scope};
use tailmint_policy::Task;

use super::{
    ClientDetails, MintError, Minter, NewClient, ScopeCheck, Told,
    call::{Called, deleted, id_of},
    evidence::{self, same},
    failure::invalid_result,
};
use crate::{Account, Credential, egress::Run, sandbox::types};

impl Minter {
    /// Creates a new OAuth client. The credential needs the scope `oauth_keys`.
    ///
    /// The request that creates the client is sent at most once unless the API says that
    /// it did not act on it.
    ///
    /// # Errors
    /// One of the kind [`MintErrorKind::OutcomeUnknown`](crate::MintErrorKind::OutcomeUnknown)
    /// means that a client may exist. After every other error none does, unless
    /// [`MintError::left_behind`] names it.
    pub async fn create_client(
        &self,
        account: &Account,
        properties: &ClientProperties,
    ) -> Result<NewClient, MintError> {
        let task = Task::CreateClient {
            properties: properties.clone(),
        };
        let wanted = &to_component(properties);
        let call = |mut called: Called| async move {
            let (clients, store) = called.guest.oauth_clients()?;
            clients
                .call_create(store, &called.credential, &called.tailnet, wanted)
                .await
        };
        self.perform(account, task, call, accept_created).await
    }

    /// Describes all OAuth clients that the credential may see.
    ///
    /// # Errors
    /// The API could not be asked.
    pub async fn list_clients(&self, account: &Account) -> Result<Vec<ClientDetails>, MintError> {
        let call = |mut called: Called| async move {
            let (clients, store) = called.guest.oauth_clients()?;
            clients
                .call_list(store, &called.credential, &called.tailnet)
                .await
        };
        let accept = |run: &Run, clients: Vec<types::ClientDetails>| {
            let seen = evidence::clients(run)?;
            let said: Vec<_> = clients.into_iter().map(described).collect();
            same(&said, &seen, "the OAuth clients")?;
            seen.into_iter().map(from_api).collect()
        };
        self.perform(account, Task::ListClients, call, accept).await
    }

    /// Deletes an OAuth client, and with it the access tokens that it was exchanged for.
    /// Keys that were minted with it, and devices, stay.
    ///
    /// # Errors
    /// There is no such client, or the API could not be asked.
    pub async fn delete_client(&self, account: &Account, id: &KeyId) -> Result<(), MintError> {
        let task = Task::DeleteClient { id: id.clone() };
        let call = |called: Called| delete(called, id);
        self.perform(account, task, call, deleted).await
    }

    /// Asks which of the scopes an OAuth client can grant, one by one. Nothing is created
    /// by it.
    ///
    /// # Errors
    /// The credential is not an OAuth client, or the API rejects it as a whole.
    pub async fn check_scopes(
        &self,
        account: &Account,
        scopes: &[Scope],
    ) -> Result<Vec<ScopeCheck>, MintError> {
        if !matches!(account.credential, Credential::OauthClient { .. }) {
            return Err(MintError::misuse(
                "only an OAuth client has scopes to check",
            ));
        }
        let task = Task::Check {
            scopes: scopes.to_vec(),
        };
        let names: &Vec<_> = &scopes.iter().map(ToString::to_string).collect();
        let call = |mut called: Called| async move {
            let types::Credential::OauthClient(client) = &called.credential else {
                // What it was is judged above.
                return Err(wasmtime::Error::msg(
                    "the credential is not an OAuth client",
                ));
            };
            let (clients, store) = called.guest.oauth_clients()?;
            clients.call_check(store, client, names).await
        };
        let accept = |run: &Run, checks: Vec<types::ScopeCheck>| {
            if !checks.iter().map(|it| &it.scope).eq(names.iter()) {
                return Err(invalid_result(
                    "it checked other scopes than those asked for",
                ));
            }
            let seen = evidence::granted(run, names);
            let said: Vec<_> = checks.into_iter().map(|it| (it.granted, it.tags)).collect();
            same(&said, &seen, "the scopes")?;
            let checks = scopes
                .iter()
                .zip(seen)
                .map(|(scope, (granted, tags))| ScopeCheck {
                    scope: scope.clone(),
                    granted,
                    tags,
                });
            Ok(checks.collect())
        };
        self.perform(account, task, call, accept).await
    }
}

/// Calls the component to delete a client.
pub(super) async fn delete(mut called: Called, id: &KeyId) -> Told<()> {
    let (clients, store) = called.guest.oauth_clients()?;
    clients
        .call_remove(store, &called.credential, &called.tailnet, id.as_str())
        .await
}

/// Accepts the secret only where it is the one that the API gave out in this run, under
/// the id that the API gave it.
fn accept_created(run: &Run, created: types::NewClient) -> Result<NewClient, MintError> {
    let types::NewClient { secret, details } = created;
    let issued = run
        .open_result(&secret)
        .ok_or_else(|| invalid_result("its secret is not one that the API gave out in this run"))?;
    if details.id != issued.id.as_str() {
        return Err(invalid_result(
            "it describes another client than the API created",
        ));
    }
    let seen = evidence::client(run)?;
    same(&described(details), &seen, "the OAuth client")?;
    Ok(NewClient {
        secret: issued.key,
        details: from_api(seen)?,
    })
}

/// What the component says of a client.
fn described(client: types::ClientDetails) -> DescribedClient {
    DescribedClient {
        id: client.id,
        created: client.created,
        invalid: client.invalid,
        description: client.properties.description,
        scopes: client.properties.scopes,
        tags: client.properties.tags,
    }
}

/// The client that the API described.
fn from_api(client: DescribedClient) -> Result<ClientDetails, MintError> {
    let DescribedClient {
        id,
        created,
        invalid,
        description,
        scopes,
        tags,
    } = client;
    Ok(ClientDetails {
        id: id_of(&id)?,
        created,
        invalid,
        description,
        scopes,
        tags,
    })
}

fn to_component(properties: &ClientProperties) -> types::ClientProperties {
    types::ClientProperties {
        description: properties.description.to_string(),
        scopes: properties.scopes.iter().map(ToString::to_string).collect(),
        tags: properties.tags.iter().map(ToString::to_string).collect(),
    }
}
