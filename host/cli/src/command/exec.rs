use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use tailmint::Class;

use super::mint::{interrupted, undo};
use crate::{
    arguments::{Exec, Global},
    failure::Failure,
    session::Session,
    signals,
};

/// What shells answer for a command that is not there.
const NOT_FOUND: u8 = 127;

/// What shells answer for a command that is there and cannot be run.
const NOT_RUN: u8 = 126;

/// What does the same where this process has to be confined.
const INSTEAD: &str = "mint a key and hand it over: TS_AUTHKEY=$(tailmint mint) COMMAND";

/// Becomes the command: its exit status, its signals and its terminal are then
/// its own.
pub(crate) async fn exec(global: &Global, exec: &Exec) -> Result<ExitCode, Failure> {
    let (name, arguments) = exec
        .command
        .split_first()
        .ok_or_else(|| Failure::internal("there is no command"))?;
    let program = find(name)?;
    let session =
        Session::begin(global, exec.key.profile.as_deref())?.asking_with(&exec.key.identity);
    session.stay_unconfined("the command", INSTEAD)?;
    let account = session.account().await?;
    let minter = session.minter()?;
    let minted = session.mint(&minter, &account, &exec.key).await?;
    let mut command = Command::new(program);
    command
        .arg0(name)
        .args(arguments)
        .env("TS_AUTHKEY", minted.key.expose_secret());
    let left = session.signals.leave();
    if session.signals.exit_code().is_some() {
        left.listen();
        return Err(interrupted(&session, &minter, &account, &minted).await);
    }
    let error = signals::pass_on(&mut command).exec();
    left.listen();
    let what = format!("{} cannot be run: {error}", name.display());
    let failure = undo(&minter, &account, &minted, Class::Usage, &what).await;
    Err(failure.with_code(NOT_RUN))
}

/// Looks for the command before a key is minted for it.
fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    which::which(name).map_err(|_| {
        Failure::new(
            Class::Usage,
            format!("there is no command {}", name.display()),
            Some("give a command that is in $PATH, or its path".to_owned()),
        )
        .with_code(NOT_FOUND)
    })
}
