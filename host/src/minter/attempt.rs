//! What is done with auth keys, once.

use tailmint_api::one_line;

use super::{
    AuthKey, MintError, MintedKey, Minter,
    told::{denied, rejected},
};
use crate::{
    Credential, KeyId, Operation,
    egress::Run,
    policy::{Errand, Intent, Rule},
    sandbox::{Sandbox, types},
};

impl Minter {
    /// Mints once. Beside the result come the keys that the API gave out, which
    /// are the caller's to revoke where there is no result.
    pub(super) async fn attempt_mint(
        &self,
        credential: &Credential,
        intent: &Intent,
    ) -> (Result<MintedKey, MintError>, Vec<KeyId>) {
        let tailnet = &intent.tailnet;
        let Errand::Mint { properties } = &intent.errand else {
            return (Err(MintError::internal("not a mint")), Vec::new());
        };
        let (run, credential) = match self.run(credential, intent) {
            Ok(prepared) => prepared,
            Err(error) => return (Err(error), Vec::new()),
        };
        if let Some(decision) = run.foresee() {
            return (Err(denied(&decision)), Vec::new());
        }
        let properties = types::KeyProperties {
            reusable: properties.reusable,
            ephemeral: properties.ephemeral,
            preauthorized: properties.preauthorized,
            tags: properties.tags.iter().map(ToString::to_string).collect(),
            expiry_seconds: properties.expiry.as_secs(),
            description: properties.description.as_ref().map(ToString::to_string),
        };
        let result = self
            .call(&run, async |mut guest| {
                let (keys, store) = guest.auth_keys()?;
                keys.call_mint(store, &credential, tailnet.as_str(), &properties)
                    .await
            })
            .await;
        let result = result.and_then(|minted| accept(&run, minted));
        (result, run.issued_ids())
    }

    pub(super) async fn attempt_get(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<AuthKey, MintError> {
        let (run, credential) = self.run(credential, intent)?;
        let tailnet = intent.tailnet.as_str();
        let key = self
            .call(&run, async |mut guest| {
                let (keys, store) = guest.auth_keys()?;
                keys.call_get(store, &credential, tailnet, id.as_str())
                    .await
            })
            .await?;
        if key.id != id.as_str() {
            return Err(rejected("it describes another key than the one asked for"));
        }
        Ok(details(id.clone(), key))
    }

    pub(super) async fn attempt_list(
        &self,
        credential: &Credential,
        intent: &Intent,
    ) -> Result<Vec<AuthKey>, MintError> {
        let (run, credential) = self.run(credential, intent)?;
        let tailnet = intent.tailnet.as_str();
        let keys = self
            .call(&run, async |mut guest| {
                let (keys, store) = guest.auth_keys()?;
                keys.call_list(store, &credential, tailnet).await
            })
            .await?;
        keys.into_iter()
            .map(|key| Ok(details(id_of(&key.id)?, key)))
            .collect()
    }

    /// Revokes a key, or deletes a client, as the intent says.
    pub(super) async fn attempt_end(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let digest = &self.context.component;
        self.end_by(&self.sandbox, digest, credential, intent, id)
            .await
    }

    /// Ends what a call left behind, by the built-in component where it may.
    pub(super) async fn attempt_undo(
        &self,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let (sandbox, digest) = match &self.undoing {
            Some((sandbox, digest)) => (sandbox, digest),
            None => (&self.sandbox, &self.context.component),
        };
        self.end_by(sandbox, digest, credential, intent, id).await
    }

    async fn end_by(
        &self,
        sandbox: &Sandbox,
        digest: &str,
        credential: &Credential,
        intent: &Intent,
        id: &KeyId,
    ) -> Result<(), MintError> {
        let (run, credential) = self.run_of(digest, credential, intent)?;
        let tailnet = intent.tailnet.as_str();
        let id = id.as_str();
        let client = intent.operation() == Operation::DeleteClient;
        self.call_in(sandbox, &run, async |mut guest| {
            if client {
                let (clients, store) = guest.oauth_clients()?;
                clients.call_remove(store, &credential, tailnet, id).await
            } else {
                let (keys, store) = guest.auth_keys()?;
                keys.call_revoke(store, &credential, tailnet, id).await
            }
        })
        .await?;
        // What the component says it did, the host must have seen.
        match run.outcome().last_answer {
            Some((Rule::DeleteKey, 200)) => Ok(()),
            _ => Err(rejected("it says that it is done, but did not do it")),
        }
    }
}

/// Takes the component's result only where it is the key that the API gave out
/// in this run, under the id that the API gave it.
fn accept(run: &Run, minted: types::MintedKey) -> Result<MintedKey, MintError> {
    let issued = run
        .open_result(&minted.key)
        .ok_or_else(|| rejected("its key is not one that the API gave out in this run"))?;
    if minted.details.id != issued.id.as_str() {
        return Err(rejected("its key has another id than the API gave it"));
    }
    Ok(MintedKey {
        key: issued.key,
        details: details(issued.id, minted.details),
    })
}

/// The id of something that the component says is there.
pub(super) fn id_of(id: &str) -> Result<KeyId, MintError> {
    id.parse()
        .map_err(|_| rejected("it names something by an id that is none"))
}

fn details(id: KeyId, key: types::AuthKey) -> AuthKey {
    AuthKey {
        id,
        created: one_line(&key.created),
        expires: one_line(&key.expires),
        invalid: key.invalid,
        reusable: key.properties.reusable,
        ephemeral: key.properties.ephemeral,
        preauthorized: key.properties.preauthorized,
        tags: key
            .properties
            .tags
            .iter()
            .map(|tag| one_line(tag))
            .collect(),
        description: key.properties.description.map(|text| one_line(&text)),
    }
}
