//! What is done with OAuth clients.

use tailmint_api::one_line;

use super::{
    ClientDetails, MintError, Minter, NewClient, ScopeCheck,
    attempt::id_of,
    told::{denied, rejected},
};
use crate::{
    ClientProperties, Credential, KeyId, Scope, Tailnet,
    policy::{Errand, Intent},
    sandbox::types,
};

impl Minter {
    /// Makes a new OAuth client. It takes a credential of the scope `oauth_keys`.
    ///
    /// The request that makes the client is sent at most once unless the API says
    /// that it did not act on it. An error of the kind
    /// [`MintErrorKind::OutcomeUnknown`](crate::MintErrorKind::OutcomeUnknown) means
    /// that a client may exist.
    pub async fn create_client(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
        properties: &ClientProperties,
    ) -> Result<NewClient, MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::CreateClient {
                properties: properties.clone(),
            },
        };
        self.patiently(true, || async {
            let (result, issued) = self.attempt_create(credential, &intent, properties).await;
            match result {
                Err(error) => Err(self.abandon(credential, &intent, error, &issued).await),
                created => created,
            }
        })
        .await
    }

    /// Describes all OAuth clients that the credential may see.
    pub async fn list_clients(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
    ) -> Result<Vec<ClientDetails>, MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::ListClients,
        };
        self.patiently(true, || async {
            let (run, credential) = self.run(credential, &intent)?;
            let clients = self
                .call(&run, async |mut guest| {
                    let (clients, store) = guest.oauth_clients()?;
                    clients
                        .call_list(store, &credential, tailnet.as_str())
                        .await
                })
                .await?;
            clients.iter().map(details).collect()
        })
        .await
    }

    /// Deletes an OAuth client, and with it the access tokens that it was exchanged
    /// for. Keys that were made with it, and machines, stay.
    pub async fn delete_client(
        &self,
        credential: &Credential,
        tailnet: &Tailnet,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let intent = Intent {
            tailnet: tailnet.clone(),
            errand: Errand::DeleteClient { id: id.clone() },
        };
        self.patiently(false, || async {
            self.attempt_end(credential, &intent, id).await
        })
        .await
    }

    /// Asks which of the scopes an OAuth client can grant, one by one. Nothing is
    /// made by it.
    ///
    /// # Errors
    /// The credential is not an OAuth client, or is no good at all.
    pub async fn check_scopes(
        &self,
        credential: &Credential,
        scopes: &[Scope],
    ) -> Result<Vec<ScopeCheck>, MintError> {
        let intent = Intent {
            tailnet: Tailnet::of_credential(),
            errand: Errand::Check {
                scopes: scopes.to_vec(),
            },
        };
        let names: Vec<_> = scopes.iter().map(ToString::to_string).collect();
        self.patiently(true, || async {
            let (run, credential) = self.run(credential, &intent)?;
            let types::Credential::OauthClient(client) = credential else {
                return Err(MintError::internal("an API key has no scopes to ask for"));
            };
            let checks = self
                .call(&run, async |mut guest| {
                    let (clients, store) = guest.oauth_clients()?;
                    clients.call_check(store, &client, &names).await
                })
                .await?;
            if !checks.iter().map(|it| &it.scope).eq(names.iter()) {
                return Err(rejected("it checked other scopes than those asked for"));
            }
            let checks = scopes.iter().zip(checks).map(|(scope, check)| ScopeCheck {
                scope: scope.clone(),
                granted: check.granted,
                tags: lines(&check.tags),
            });
            Ok(checks.collect())
        })
        .await
    }

    /// Makes a client once. Beside the result come the clients that the API gave
    /// out, which are the caller's to delete where there is no result.
    async fn attempt_create(
        &self,
        credential: &Credential,
        intent: &Intent,
        properties: &ClientProperties,
    ) -> (Result<NewClient, MintError>, Vec<KeyId>) {
        let (run, credential) = match self.run(credential, intent) {
            Ok(prepared) => prepared,
            Err(error) => return (Err(error), Vec::new()),
        };
        if let Some(decision) = run.foresee() {
            return (Err(denied(&decision)), Vec::new());
        }
        let properties = sandboxed(properties);
        let tailnet = intent.tailnet.as_str();
        let result = self
            .call(&run, async |mut guest| {
                let (clients, store) = guest.oauth_clients()?;
                clients
                    .call_create(store, &credential, tailnet, &properties)
                    .await
            })
            .await;
        let accepted = result.and_then(|created| {
            let issued = run.open_result(&created.secret).ok_or_else(|| {
                rejected("its secret is not one that the API gave out in this run")
            })?;
            Ok(NewClient {
                secret: issued.key,
                details: the_one(&issued.id, &created.details)?,
            })
        });
        (accepted, run.issued_ids())
    }
}

/// The details, where they are of the client that was asked for.
fn the_one(id: &KeyId, client: &types::ClientDetails) -> Result<ClientDetails, MintError> {
    if client.id == id.as_str() {
        details(client)
    } else {
        Err(rejected(
            "it describes another client than the one asked for",
        ))
    }
}

fn details(client: &types::ClientDetails) -> Result<ClientDetails, MintError> {
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

fn sandboxed(properties: &ClientProperties) -> types::ClientProperties {
    types::ClientProperties {
        description: properties.description.to_string(),
        scopes: properties.scopes.iter().map(ToString::to_string).collect(),
        tags: properties.tags.iter().map(ToString::to_string).collect(),
    }
}
