use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;
use tailmint::{Account, Class, Credential, Diagnose, KeyId, MintErrorKind, Minter};
use tailmint_audit::{Minted, NewKeys};

use crate::{
    arguments::{Global, Keys, KeysCommand},
    failure::Failure,
    print,
    session::{Session, audit_path},
    trace::Trace,
};

pub(crate) async fn keys(global: &Global, keys: &Keys) -> Result<ExitCode, Failure> {
    let session =
        Session::begin(global, keys.profile.as_deref())?.asking_with(keys.command.identity());
    let (account, minter) = session.ready().await?;
    let done = match &keys.command {
        KeysCommand::Get { id, .. } => get(global, &minter, &account, id).await,
        KeysCommand::List { invalid, .. } => list(global, &minter, &account, *invalid).await,
        KeysCommand::Revoke { minted: true, .. } => {
            let path = audit_path(global, &session.environment)?;
            let NewKeys {
                minted, unanswered, ..
            } = NewKeys::read(&path, Timestamp::now())?;
            if unanswered > 0 {
                Trace::note(&format!(
                    "warning: requests for a key whose response is not on record: {unanswered}; see which keys they created: tailmint keys list"
                ));
            }
            revoke_minted(global, &minter, &account, minted).await
        }
        KeysCommand::Revoke { ids, .. } => Revocations::new(global, ids.len())
            .revoke(&minter, &account, ids)
            .await
            .result(),
    };
    done.map_err(|failure| failure.about(&account).by(session.signals.exit_code()))?;
    Ok(ExitCode::SUCCESS)
}

async fn get(
    global: &Global,
    minter: &Minter,
    account: &Account,
    id: &KeyId,
) -> Result<(), Failure> {
    let key = minter.get(account, id).await?;
    if global.json {
        print::written(&print::described(&key).to_string())
    } else {
        print::written(&print::described_in_words(&key))
    }
}

async fn list(
    global: &Global,
    minter: &Minter,
    account: &Account,
    invalid: bool,
) -> Result<(), Failure> {
    let keys = minter.list(account).await?;
    for key in keys.iter().filter(|key| invalid || !key.invalid) {
        print::written(&if global.json {
            print::described(key).to_string()
        } else {
            print::described_in_words(key)
        })?;
    }
    Ok(())
}

/// Revokes those of the keys that may still be valid.
async fn revoke_minted(
    global: &Global,
    minter: &Minter,
    account: &Account,
    minted: Vec<Minted>,
) -> Result<(), Failure> {
    let (mut valid, mut elsewhere) = (Vec::new(), Vec::new());
    for minted in minted {
        let described = minter.get(account, &minted.id).await;
        match described {
            Ok(key) if key.invalid => {}
            Err(error) if error.kind == MintErrorKind::NotFound => {
                // A key of its own that it does not know is used up, and forgotten.
                if !may_be_of(&minted, account) {
                    elsewhere.push(minted);
                }
            }
            Err(error) if error.class() == Class::Interrupted => return Err(error.into()),
            // Whatever keeps it from being looked up may not keep it from being revoked.
            Ok(_) | Err(_) => valid.push(minted.id),
        }
    }
    if valid.is_empty() && elsewhere.is_empty() && !global.json {
        return print::written("there is nothing to revoke: no key on record is still valid");
    }
    let all = valid.len() + elsewhere.len();
    let revocations = Revocations::new(global, all);
    let mut revocations = revocations.revoke(minter, account, &valid).await;
    for minted in elsewhere {
        let (by, with) = match &minted.client {
            Some(client) => (
                format!("the credential {client}"),
                "the profile of that credential".to_owned(),
            ),
            None => (
                "an API key".to_owned(),
                format!(
                    "a credential of the tailnet {}",
                    minted.tailnet.as_deref().unwrap_or("-")
                ),
            ),
        };
        // With one key the error says it all.
        let it = if all > 1 { "it" } else { minted.id.as_str() };
        let failure = Failure::new(
            Class::Rejected,
            format!("{it} was minted with {by}, and this credential does not know it"),
            Some(format!("run this with {with}, if there still is one")),
        );
        revocations.failed(&minted.id, failure);
    }
    revocations.result()
}

/// Whether the key may be one of this account's, as far as it was written down.
fn may_be_of(minted: &Minted, account: &Account) -> bool {
    match (&minted.client, &account.credential) {
        (Some(client), Credential::OauthClient { id, .. }) => {
            client == id || minted.is_client_deleted
        }
        (Some(client), Credential::FederatedIdentity { client_id, .. }) => {
            client == client_id.as_str() || minted.is_client_deleted
        }
        (None, Credential::ApiKey { .. }) => {
            let tailnet = minted.tailnet.as_deref();
            tailnet.is_none_or(|tailnet| tailnet == account.tailnet.as_str())
        }
        // An entry of a version that wrote neither down.
        _ => minted.tailnet.is_none(),
    }
}

/// Revokes what can be revoked, and tells of each key what became of it.
struct Revocations<'a> {
    global: &'a Global,
    all: usize,
    /// The first key that is not revoked decides the exit status.
    first: Option<(KeyId, Failure)>,
    failed: usize,
    /// Why nobody could be told of one. The others are revoked all the more.
    untold: Option<Failure>,
}

impl<'a> Revocations<'a> {
    fn new(global: &'a Global, all: usize) -> Self {
        Self {
            global,
            all,
            first: None,
            failed: 0,
            untold: None,
        }
    }

    async fn revoke(mut self, minter: &Minter, account: &Account, ids: &[KeyId]) -> Self {
        for id in ids {
            match minter.revoke(account, id).await {
                Ok(()) => self.done(id),
                Err(error) => self.failed(id, error.into()),
            }
        }
        self
    }

    fn done(&mut self, id: &KeyId) {
        self.tell(&if self.global.json {
            json!({ "id": id.as_str(), "revoked": true }).to_string()
        } else {
            format!("{id} is revoked")
        });
    }

    fn failed(&mut self, id: &KeyId, failure: Failure) {
        self.failed += 1;
        if self.global.json {
            let error = failure.message();
            self.tell(&json!({ "id": id.as_str(), "revoked": false, "error": error }).to_string());
        }
        // With one key the error says it all.
        if self.all > 1 {
            Trace::note(&format!("{id} is not revoked: {}", failure.message()));
        }
        self.first.get_or_insert((id.clone(), failure));
    }

    fn tell(&mut self, line: &str) {
        if let Err(failure) = print::written(line) {
            self.untold.get_or_insert(failure);
        }
    }

    fn result(self) -> Result<(), Failure> {
        match self.first {
            None => self.untold.map_or(Ok(()), Err),
            Some((id, failure)) if self.all > 1 => {
                let (failed, all) = (self.failed, self.all);
                Err(failure.on(&format!("not revoked: {failed} of {all} keys; {id}")))
            }
            Some((_, failure)) => Err(failure),
        }
    }
}
