use std::process::ExitCode;

use tailmint::{Account, Class, MintedKey, Minter};

use crate::{
    arguments::{Env, Format, Global, Mint},
    failure::Failure,
    key_flags::KeyFlags,
    print,
    session::Session,
};

pub(crate) async fn mint(global: &Global, mint: &Mint) -> Result<ExitCode, Failure> {
    let format = match mint.format {
        Format::Key if global.json => Format::Json,
        format => format,
    };
    mint_and_print(global, &mint.key, format).await
}

pub(crate) async fn env(global: &Global, env: &Env) -> Result<ExitCode, Failure> {
    mint_and_print(global, &env.key, Format::Env).await
}

async fn mint_and_print(
    global: &Global,
    flags: &KeyFlags,
    format: Format,
) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, flags.profile.as_deref())?;
    let account = session.account().await?;
    let minter = session.minter()?;
    let minted = minter
        .mint(&account, &flags.properties(&session.profile))
        .await
        .map_err(|error| {
            Failure::from(error)
                .about(&account)
                .by(session.signals.exit_code())
        })?;
    match print::line(&print::minted(&minted, format)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let what = format!("the key could not be written to standard output: {error}");
            Err(undo(&minter, &account, &minted, Class::Internal, &what).await)
        }
    }
}

/// Revokes a key that nobody got; the failure that says so.
pub(super) async fn undo(
    minter: &Minter,
    account: &Account,
    minted: &MintedKey,
    class: Class,
    what: &str,
) -> Failure {
    let id = &minted.details.id;
    let revoked = minter.revoke(account, id).await;
    match revoked {
        Ok(()) => Failure::new(class, format!("{what}; key {id} has been revoked"), None),
        Err(error) => Failure::new(
            class,
            format!("{what}; key {id} could not be revoked: {error}"),
            Some(format!("revoke it: tailmint keys revoke {id}")),
        ),
    }
}
