//! Operations on OAuth clients.

use tailmint_api::{ClientProperties, KeyId, Scope, one_line};
use tailmint_policy::Task;

use super::{
    ClientDetails, MintError, Minter, NewClient, ScopeCheck, Told,
    call::{Called, deleted, id_of},
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
        let accept = |_: &Run, clients: Vec<types::ClientDetails>| {
            clients.iter().map(from_component).collect()
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
        let accept = |_: &Run, checks: Vec<types::ScopeCheck>| {
            if !checks.iter().map(|it| &it.scope).eq(names.iter()) {
                return Err(invalid_result(
                    "it checked other scopes than those asked for",
                ));
            }
            let checks = scopes.iter().zip(checks).map(|(scope, check)| ScopeCheck {
                scope: scope.clone(),
                granted: check.granted,
                tags: lines(&check.tags),
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
    Ok(NewClient {
        secret: issued.key,
        details: from_component(&details)?,
    })
}

fn from_component(client: &types::ClientDetails) -> Result<ClientDetails, MintError> {
    Ok(ClientDetails {
        id: id_of(&client.id)?,
        created: one_line(&client.created),
        invalid: client.invalid,
        description: one_line(&client.properties.description),
        scopes: lines(&client.properties.scopes),
        tags: lines(&client.properties.tags),
    })
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| one_line(text)).collect()
}

fn to_component(properties: &ClientProperties) -> types::ClientProperties {
    types::ClientProperties {
        description: properties.description.to_string(),
        scopes: properties.scopes.iter().map(ToString::to_string).collect(),
        tags: properties.tags.iter().map(ToString::to_string).collect(),
    }
}
