use std::process::ExitCode;

use jiff::Timestamp;
use tailmint::{Account, KeyId, MintErrorKind, Minter};
use tailmint_audit::NewKeys;

use crate::{
    arguments::{Global, Keys, KeysCommand},
    failure::Failure,
    print,
    session::{Session, audit_path},
    trace::Trace,
};

pub(crate) async fn keys(global: &Global, keys: &Keys) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, keys.profile.as_deref())?;
    let account = session.account().await?;
    let minter = session.minter()?;
    let done = match &keys.command {
        KeysCommand::Get { id } => get(global, &minter, &account, id).await,
        KeysCommand::List { invalid } => list(global, &minter, &account, *invalid).await,
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
            let valid = still_valid(&minter, &account, minted).await;
            match valid {
                Ok(ids) => revoke(global, &minter, &account, &ids).await,
                Err(failure) => Err(failure),
            }
        }
        KeysCommand::Revoke { ids, .. } => revoke(global, &minter, &account, ids).await,
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

/// Those of the keys that the API still describes as valid.
async fn still_valid(
    minter: &Minter,
    account: &Account,
    ids: Vec<KeyId>,
) -> Result<Vec<KeyId>, Failure> {
    let mut valid = Vec::new();
    for id in ids {
        let described = minter.get(account, &id).await;
        match described {
            Ok(key) if key.invalid => {}
            Ok(_) => valid.push(id),
            // Used up, and forgotten.
            Err(error) if error.kind == MintErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(valid)
}

async fn revoke(
    global: &Global,
    minter: &Minter,
    account: &Account,
    ids: &[KeyId],
) -> Result<(), Failure> {
    for id in ids {
        minter.revoke(account, id).await?;
        if global.json {
            print::written(&serde_json::json!({ "id": id.as_str(), "revoked": true }).to_string())?;
        } else {
            print::written(&format!("{id} is revoked"))?;
        }
    }
    Ok(())
}
