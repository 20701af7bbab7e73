use std::{io, path::Path, process::ExitCode};

use tailmint::{Account, Class, MintedKey, Minter};
use tailmint_core::Environment;

use crate::{
    arguments::{Env, Format, Global, Mint},
    environment_file::EnvironmentFile,
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
    print::is_possible()?;
    let session = Session::begin(global, flags.profile.as_deref())?.asking_with(&flags.identity);
    let file = match format {
        Format::Github => Some(github_file(&session.environment)?),
        _ => None,
    };
    let (account, minter) = session.ready().await?;
    let minted = session.mint(&minter, &account, flags).await?;
    if session.signals.exit_code().is_some() {
        return Err(interrupted(&session, &minter, &account, &minted).await);
    }
    let what = match print::line(&print::minted(&minted, format)) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            return Err(interrupted(&session, &minter, &account, &minted).await);
        }
        Err(error) => format!("the key could not be written to standard output: {error}"),
        // The runner masks the key in what it shows of the file, if it saw it before.
        Ok(()) => match file.map(|file| file.append(&print::minted(&minted, Format::Dotenv))) {
            Some(Err(error)) => format!("the key could not be written to $GITHUB_ENV: {error}"),
            _ => return Ok(ExitCode::SUCCESS),
        },
    };
    Err(undo(&minter, &account, &minted, Class::Internal, &what).await)
}

/// Revokes a key that nobody waits for any more.
pub(super) async fn interrupted(
    session: &Session<'_>,
    minter: &Minter,
    account: &Account,
    minted: &MintedKey,
) -> Failure {
    let failure = undo(minter, account, minted, Class::Interrupted, "interrupted").await;
    failure.by(session.signals.exit_code())
}

/// The file that GitHub's runner has for the variables of the steps that follow.
fn github_file(environment: &Environment) -> Result<EnvironmentFile, Failure> {
    let Some(path) = environment.get("GITHUB_ENV").map(Path::new) else {
        return Err(Failure::new(
            Class::Usage,
            "--format github needs $GITHUB_ENV, which is not set",
            Some(
                "run it in a step of a GitHub Actions job; elsewhere give --format dotenv"
                    .to_owned(),
            ),
        ));
    };
    EnvironmentFile::open(path).map_err(|error| {
        let shown = path.display();
        Failure::new(
            Class::Usage,
            format!("{shown}, which $GITHUB_ENV names, cannot be appended to: {error}"),
            Some(
                "GitHub's runner creates a file for each step; in a container, mount that file \
                 at the same path"
                    .to_owned(),
            ),
        )
    })
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
