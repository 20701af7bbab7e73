use std::{
    ffi::OsString,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::unistd::{Uid, User};
use rustix::process::geteuid;
use tokio::process::Command;

use super::{
    JoinError, JoinErrorKind,
    child::{self, End, Finished},
    join_error::complaint_of,
    key_input::key_input,
    status::{State, Status},
    sudo::Sudo,
    words::words,
};
use tailmint::Secret;
use tailmint_core::{Environment, fail_point};

/// The `tailscale` command of this machine.
#[derive(Clone, Debug)]
pub struct Tailscale {
    program: PathBuf,
    socket: Option<PathBuf>,
    environment: Environment,
    /// What changes the machine is run by it.
    sudo: Option<Sudo>,
}

/// The variables that the command sees: what finds programs and a home, and what
/// chooses the words; and what `tailscale` guards a session over the tailnet by. Nothing
/// that could hold a secret or move its trust.
const PASSED_ON: [&str; 8] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "SSH_CLIENT",
    "TERM",
    "USER",
];

/// The variables with the user's name. `tailscale` compares the machine's operator with
/// the second, and takes an operator that it does not know for one to be removed.
const USER_NAMES: [&str; 2] = ["LOGNAME", "USER"];

/// The key file of a rehearsal, which cannot exist.
const NO_KEY: &str = "--auth-key=file:/dev/null/no-key";

/// A rehearsal ends at the file of the key. `tailscale` waits five seconds where it asks
/// for consent.
const REHEARSAL_LIMIT: Duration = Duration::from_secs(15);

/// `status` asks the daemon on this machine. Where there is none, the command
/// itself gives up after 2 seconds.
const STATUS_LIMIT: Duration = Duration::from_secs(10);

/// What `tailscale up` has beyond its own `--timeout`, to say that it is over.
const GRACE: Duration = Duration::from_secs(3);

impl Tailscale {
    /// The command at the path that was given, or the first one in `$PATH`.
    /// Relative parts of `$PATH` are passed over: what they name depends on
    /// where one stands.
    ///
    /// # Errors
    /// There is none, or it may not be run.
    pub fn find(
        given: Option<&Path>,
        socket: Option<PathBuf>,
        environment: Environment,
    ) -> Result<Self, JoinError> {
        let name = given.unwrap_or(Path::new("tailscale"));
        let path = environment.get("PATH").unwrap_or_default();
        let absolute = std::env::split_paths(path).filter(|part| part.is_absolute());
        let absolute = std::env::join_paths(absolute).unwrap_or_default();
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        match which::which_in(name, Some(absolute), here) {
            Ok(program) => Ok(Self {
                program,
                socket,
                environment,
                sudo: None,
            }),
            Err(_) => Err(JoinError::new(
                JoinErrorKind::Missing,
                format!("there is no tailscale command {}", shown(given)),
                "install it, see https://tailscale.com/download, or give --tailscale PATH",
            )),
        }
    }

    /// The same, with `sudo` for what changes the machine. Root needs none.
    ///
    /// # Errors
    /// There is no `sudo` command.
    pub fn with_sudo(mut self) -> Result<Self, JoinError> {
        if !geteuid().is_root() {
            self.sudo = Some(Sudo::find(&self.environment)?);
        }
        Ok(self)
    }

    /// Where the command is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Why the command may be someone else's, if it may: the directory that it
    /// is in can be written by anybody.
    pub fn warning(&self) -> Option<String> {
        let directory = self.program.parent()?;
        let mode = directory.metadata().ok()?.mode();
        (mode & 0o002 != 0).then(|| {
            format!(
                "{} is in a directory that anybody may write to",
                self.program.display()
            )
        })
    }

    /// The version of the machine's daemon, and its state.
    ///
    /// # Errors
    /// The command cannot be run, or there is no daemon.
    pub async fn version_and_state(&self) -> Result<(String, State), JoinError> {
        let status = self.status().await?;
        Ok((tailmint_api::one_line(&status.version), status.state))
    }

    /// Asks for the state of the machine.
    pub(super) async fn status(&self) -> Result<Status, JoinError> {
        let mut command = self.command("status");
        command.arg("--json").stdin(Stdio::null());
        let finished = self
            .run(&mut command, STATUS_LIMIT, std::future::pending())
            .await?;
        match finished.end {
            End::Exited(_) if finished.succeeded() => {}
            End::Exited(_) => return Err(complaint_of(&finished, words(&finished.stderr, None))),
            End::Overdue | End::Stopped => {
                return Err(JoinError::new(
                    JoinErrorKind::Hangs,
                    format!(
                        "tailscale status did not respond within {} s",
                        STATUS_LIMIT.as_secs()
                    ),
                    "see whether tailscaled is well: tailscale status",
                ));
            }
        }
        Status::parse(&finished.stdout).map_err(|error| JoinError {
            words: words(&finished.stderr, None),
            ..JoinError::new(
                JoinErrorKind::Unreadable,
                format!(
                    "the output of {} status --json cannot be read: {error}",
                    self.program.display()
                ),
                "see whether this is Tailscale's own command: tailscale version",
            )
        })
    }

    /// Runs `tailscale up` up to the point where it reads its key, of which there is none:
    /// what it rejects before, it rejects with a key too. Nothing changes.
    pub(super) async fn rehearse(
        &self,
        arguments: &[OsString],
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        let mut command = self.command("up");
        command.arg(NO_KEY).args(arguments).stdin(Stdio::null());
        self.run(&mut command, REHEARSAL_LIMIT, stop).await
    }

    /// Runs `tailscale up` with the key on its standard input.
    pub(super) async fn up_with_key(
        &self,
        key: &Secret,
        timeout: Duration,
        arguments: &[OsString],
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        let input = key_input(key).map_err(|error| {
            JoinError::new(
                JoinErrorKind::Internal,
                format!("the key cannot be handed over: {error}"),
                "see whether memory is short, and whether memfd_create is allowed here",
            )
        })?;
        let mut command = self.command("up");
        command
            .arg("--auth-key=file:/dev/stdin")
            .arg(format!("--timeout={}ms", timeout.as_millis()))
            .args(arguments)
            .stdin(input);
        fail_point("up-before-spawning");
        self.run(&mut command, timeout + GRACE, stop).await
    }

    /// Runs `tailscale up` for a machine that is logged in. It gets no `--timeout`: with
    /// any flag at all it wants all settings repeated that were ever made.
    pub(super) async fn up(
        &self,
        limit: Duration,
        arguments: &[OsString],
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        let mut command = self.command("up");
        command.args(arguments).stdin(Stdio::null());
        self.run(&mut command, limit, stop).await
    }

    /// Where its daemon listens, if that is not the usual place.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// What it was started with.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The program, to be run as root: by `sudo` where that was chosen.
    pub(super) fn as_root(&self, program: &Path) -> Command {
        let command = match &self.sudo {
            Some(sudo) => sudo.command(program),
            None => Command::new(program),
        };
        self.with_environment(command)
    }

    fn with_environment(&self, mut command: Command) -> Command {
        command.env_clear();
        for name in PASSED_ON {
            if let Some(value) = self.environment.get(name) {
                command.env(name, value);
            }
        }
        for name in USER_NAMES {
            if self.environment.get(name).is_none()
                && let Some(user) = user_name()
            {
                command.env(name, user);
            }
        }
        command
    }

    /// `tailscale` with a subcommand. Everybody may look at the machine; `sudo` is for
    /// what changes it.
    fn command(&self, subcommand: &str) -> Command {
        let command = match &self.sudo {
            Some(sudo) if subcommand != "status" => sudo.command(&self.program),
            _ => Command::new(&self.program),
        };
        let mut command = self.with_environment(command);
        if let Some(socket) = &self.socket {
            let mut argument = OsString::from("--socket=");
            argument.push(socket);
            command.arg(argument);
        }
        command.arg(subcommand);
        command
    }

    pub(super) async fn run(
        &self,
        command: &mut Command,
        limit: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        child::run(command, limit, stop).await.map_err(|error| {
            JoinError::new(
                JoinErrorKind::Missing,
                format!("{} cannot be run: {error}", self.program.display()),
                "see that it is a program for this machine, or give --tailscale PATH",
            )
        })
    }
}

/// The name of the user who runs this, by the system's list of users.
fn user_name() -> Option<String> {
    let user = User::from_uid(Uid::effective()).ok().flatten();
    user.map(|user| user.name)
}

fn shown(given: Option<&Path>) -> String {
    match given {
        Some(path) => format!("at {}", path.display()),
        None => "in $PATH".to_owned(),
    }
}
