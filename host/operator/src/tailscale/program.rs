use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::unistd::{Uid, User};
use rustix::process::geteuid;
use tokio::process::Command;

use super::{
    JoinError, JoinErrorKind, SshHost,
    child::{self, End, Finished},
    join_error::complaint_of,
    key_input::key_input,
    mac_app::{self, MacApp},
    ssh::Ssh,
    status::{State, Status},
    sudo::Sudo,
    words::words,
};
use tailmint::{Secret, policy::Policy};
use tailmint_api::OutsideText;
use tailmint_core::{Environment, fail_point};

/// The `tailscale` command of this machine.
#[derive(Clone, Debug)]
pub struct Tailscale {
    program: PathBuf,
    socket: Option<PathBuf>,
    environment: Environment,
    place: Place,
}

/// The machine whose command it is.
#[derive(Clone, Debug)]
enum Place {
    /// This one. What changes it is run by `sudo`, where that was chosen.
    Here { sudo: Option<Sudo> },
    /// Another one.
    Over(Ssh),
}

/// The variables that the command sees: what finds programs and a home, and what
/// chooses the words; and what `tailscale` guards a session over the tailnet by. Nothing
/// that could hold a secret or move its trust.
const PASSED_ON: [&str; 9] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    // Where `ssh` finds the user's agent.
    "SSH_AUTH_SOCK",
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

/// The same on another machine, with the login there.
const REMOTE_STATUS_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks at a machine that is on its way.
const PAUSE: Duration = Duration::from_millis(50);

/// The same on another machine, where each look is a login.
const REMOTE_PAUSE: Duration = Duration::from_secs(1);

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
        let found = which::which_in(name, Some(absolute), here).ok();
        let found = match (found, given) {
            (None, None) if cfg!(target_os = "macos") => {
                Some(PathBuf::from(mac_app::USUAL)).filter(|app| app.is_file())
            }
            (found, _) => found,
        };
        match found {
            Some(program) => Ok(Self {
                program: match mac_app(&program) {
                    Some((_, app)) => app,
                    None => program,
                },
                socket,
                environment,
                place: Place::Here { sudo: None },
            }),
            None => Err(JoinError::new(
                JoinErrorKind::Missing,
                format!("there is no tailscale command {}", shown(given)),
                "install it, see https://tailscale.com/download, or give --tailscale PATH",
            )),
        }
    }

    /// The same, with `sudo` for what changes the machine. Root needs none, and nor does an
    /// app for macOS, which takes changes from its user.
    ///
    /// # Errors
    /// There is no `sudo` command.
    pub fn with_sudo(mut self) -> Result<Self, JoinError> {
        let is_app = mac_app(&self.program).is_some();
        if needs_sudo(geteuid().is_root(), is_app) {
            let sudo = Some(Sudo::find(&self.environment)?);
            self.place = Place::Here { sudo };
        }
        Ok(self)
    }

    /// The command of another machine, by the user's `ssh`, where the policy lets keys be
    /// handed to it. The path is one over there: without one, its `$PATH` is searched.
    ///
    /// # Errors
    /// The policy does not name the machine, or there is no `ssh` command.
    pub fn over_ssh(
        host: SshHost,
        policy: &Policy,
        given: Option<&Path>,
        socket: Option<PathBuf>,
        sudo: bool,
        environment: Environment,
    ) -> Result<Self, JoinError> {
        policy
            .check_ssh_host(host.as_str())
            .map_err(JoinError::from)?;
        Ok(Self {
            program: given.unwrap_or(Path::new("tailscale")).to_owned(),
            socket,
            place: Place::Over(Ssh::find(host, sudo, &environment)?),
            environment,
        })
    }

    /// Where the command is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Why the command may be someone else's, if it may: the directory that it
    /// is in can be written by anybody. Or why it may not be able to join the machine.
    pub fn warning(&self) -> Option<String> {
        if let Some((MacApp::AppStore, _)) = mac_app(&self.program) {
            return Some(format!(
                "{} is the app of the App Store, whose sandbox may keep it from reading the key; if the machine does not join, install Tailscale's standalone app, or tailscaled",
                self.program.display()
            ));
        }
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
    pub async fn version_and_state(&self) -> Result<(OutsideText, State), JoinError> {
        let status = self.status().await?;
        Ok((status.version, status.state))
    }

    /// Asks for the state of the machine.
    pub(super) async fn status(&self) -> Result<Status, JoinError> {
        self.status_within(Duration::MAX).await
    }

    /// The same where there is so much time at most.
    pub(super) async fn status_within(&self, most: Duration) -> Result<Status, JoinError> {
        let arguments = ["--json".into()];
        let mut command = self.command("status", &arguments, Input::Nothing);
        let limit = match self.place {
            Place::Here { .. } => STATUS_LIMIT,
            Place::Over(_) => REMOTE_STATUS_LIMIT,
        }
        .min(most);
        let finished = self
            .run(&mut command, limit, std::future::pending())
            .await?;
        match finished.end {
            End::Exited(_) if finished.succeeded() => {}
            End::Exited(_) => return Err(complaint_of(&finished, words(&finished.stderr, None))),
            End::Overdue | End::Stopped => {
                return Err(JoinError::new(
                    JoinErrorKind::Hangs,
                    format!(
                        "tailscale status did not respond within {} s",
                        limit.as_secs()
                    ),
                    "see whether the machine is well: tailscale status",
                ));
            }
        }
        Status::parse(&finished.stdout).map_err(|error| JoinError {
            words: words(&finished.stderr, None),
            ..JoinError::new(
                JoinErrorKind::Unreadable,
                format!(
                    "the output of {} status --json cannot be read: {error}",
                    OutsideText::of(self.program.display())
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
        most: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        let arguments = [&[NO_KEY.into()], arguments].concat();
        let mut command = self.command("up", &arguments, Input::Nothing);
        self.run(&mut command, REHEARSAL_LIMIT.min(most), stop)
            .await
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
        let ours = [
            "--auth-key=file:/dev/stdin".into(),
            format!("--timeout={}ms", timeout.as_millis()).into(),
        ];
        let arguments = [&ours, arguments].concat();
        let mut command = self.command("up", &arguments, Input::Key(input));
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
        let mut command = self.command("up", arguments, Input::Nothing);
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

    /// A script for `sh`, to be run as root of the machine: by `sudo` where that was chosen.
    pub(super) fn script_as_root(&self, script: &str, arguments: &[OsString]) -> Command {
        let line = [&["-c".into(), script.into(), "sh".into()], arguments].concat();
        let mut command = match &self.place {
            Place::Here { sudo: Some(sudo) } => sudo.command(Path::new("/bin/sh")),
            Place::Here { sudo: None } => Command::new("/bin/sh"),
            Place::Over(ssh) => {
                let line = [&["sh".into()], &line[..]].concat();
                return self.with_environment(ssh.command(&line, true, false));
            }
        };
        command.args(line).stdin(Stdio::null());
        self.with_environment(command)
    }

    /// Whether what changes the machine is run as root.
    pub(super) fn is_root(&self) -> bool {
        match &self.place {
            Place::Here { sudo } => sudo.is_some() || geteuid().is_root(),
            Place::Over(ssh) => ssh.has_sudo(),
        }
    }

    /// Between two looks at a machine on its way.
    pub(super) fn pause(&self) -> Duration {
        match self.place {
            Place::Here { .. } => PAUSE,
            Place::Over(_) => REMOTE_PAUSE,
        }
    }

    /// Whether it is the command of this machine.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.place, Place::Here { .. })
    }

    fn with_environment(&self, mut command: Command) -> Command {
        command.env_clear();
        if cfg!(target_os = "macos") && self.is_here() {
            // Else an app shows its windows, and succeeds. Nothing but the apps reads it.
            command.env("TAILSCALE_BE_CLI", "1");
        }
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

    /// `tailscale` with a subcommand. Everybody may look at a machine; `sudo` is for what
    /// changes it.
    fn command(&self, subcommand: &str, arguments: &[OsString], input: Input) -> Command {
        let mut line = Vec::new();
        if let Some(socket) = &self.socket {
            let mut argument = OsString::from("--socket=");
            argument.push(socket);
            line.push(argument);
        }
        line.push(subcommand.into());
        line.extend_from_slice(arguments);
        let changes = subcommand != "status";
        let mut command = match &self.place {
            Place::Here { sudo: Some(sudo) } if changes => sudo.command(&self.program),
            Place::Here { .. } => Command::new(&self.program),
            Place::Over(ssh) => {
                let with_key = matches!(input, Input::Key(_));
                let line = [&[self.program.clone().into()], &line[..]].concat();
                ssh.command(&line, changes, with_key)
            }
        };
        if self.is_here() {
            command.args(line);
        }
        command.stdin(match input {
            Input::Nothing => Stdio::null(),
            Input::Key(memory) => memory.into(),
        });
        self.with_environment(command)
    }

    pub(super) async fn run(
        &self,
        command: &mut Command,
        limit: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, JoinError> {
        let finished = child::run(command, limit, stop).await.map_err(|error| {
            JoinError::new(
                JoinErrorKind::Missing,
                format!("{} cannot be run: {error}", self.program.display()),
                "see that it is a program for this machine, or give --tailscale PATH",
            )
        })?;
        match &self.place {
            Place::Over(ssh) => ssh.judge(finished, &self.program),
            Place::Here { .. } => Ok(finished),
        }
    }
}

/// The app for macOS whose program this is, on macOS.
fn mac_app(program: &Path) -> Option<(MacApp, PathBuf)> {
    cfg!(target_os = "macos")
        .then(|| MacApp::of(program))
        .flatten()
}

/// Whether `sudo` has a part in what changes the machine. It would take from an app the
/// variable that makes a command of it: the app would show its windows, and succeed.
fn needs_sudo(is_root: bool, is_app: bool) -> bool {
    !is_root && !is_app
}

/// The name of the user who runs this, by the system's list of users.
fn user_name() -> Option<String> {
    let user = User::from_uid(Uid::effective()).ok().flatten();
    user.map(|user| user.name)
}

/// What a command reads.
enum Input {
    Nothing,
    /// The key, in memory.
    Key(OwnedFd),
}

fn shown(given: Option<&Path>) -> String {
    match given {
        Some(path) => format!("at {}", path.display()),
        None => "in $PATH".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_apps_need_no_sudo() {
        assert!(needs_sudo(false, false));
        for (is_root, is_app) in [(false, true), (true, false), (true, true)] {
            assert!(!needs_sudo(is_root, is_app), "{is_root} {is_app}");
        }
    }
}
