use std::process::ExitCode;

use tailmint::{Account, KeyId, Minter};

use crate::cli::{
    arguments::{Global, Keys, KeysCommand},
    failure::Failure,
    print,
    session::Session,
};

pub(in crate::cli) async fn keys(global: &Global, keys: &Keys) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, keys.profile.as_deref())?;
    let account = session.account()?;
    let minter = session.minter()?;
    let done = match &keys.command {
        KeysCommand::Get { id } => get(global, &minter, &account, id).await,
        KeysCommand::Revoke { ids } => revoke(global, &minter, &account, ids).await,
    };
    done.map_err(|failure| failure.about(&account).by(&session.signals))?;
    Ok(ExitCode::SUCCESS)
}

async fn get(
    global: &Global,
    minter: &Minter,
    account: &Account,
    id: &KeyId,
) -> Result<(), Failure> {
    let key = minter
        .get(&account.credential, &account.tailnet, id)
        .await?;
    if global.json {
        print::written(&print::described(&key).to_string())
    } else {
        print::written(&print::described_in_words(&key))
    }
}

async fn revoke(
    global: &Global,
    minter: &Minter,
    account: &Account,
    ids: &[KeyId],
) -> Result<(), Failure> {
    for id in ids {
        minter
            .revoke(&account.credential, &account.tailnet, id)
            .await?;
        if global.json {
            print::written(&serde_json::json!({ "id": id.as_str(), "revoked": true }).to_string())?;
        } else {
            print::written(&format!("{id} is revoked"))?;
        }
    }
    Ok(())
}
