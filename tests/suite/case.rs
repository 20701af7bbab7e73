use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{ran::Ran, stand_in::copy_program, world::World};

/// A run of `tailmint`, put together step by step: arguments, variables, then `run`.
pub(crate) struct Case<'a> {
    world: &'a World,
    command: Command,
}

impl<'a> Case<'a> {
    /// With these arguments, in an environment with nothing but a `PATH`.
    pub(crate) fn new<A: AsRef<OsStr>>(world: &'a World, arguments: &[A]) -> Self {
        let mut command = bare();
        command.args(arguments);
        Self { world, command }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: &[A]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    pub(crate) fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// Has another program start it, with these arguments before the command.
    pub(crate) fn started_by(self, program: &str, arguments: &[&str]) -> Self {
        let inner = self.command.get_program().to_owned();
        let mut outer = Command::new(program);
        outer.args(arguments).arg(inner);
        self.through(outer)
    }

    /// By this user, for whom a copy of the program is put there.
    pub(crate) fn of_user(self, user: u32, program: &Path) -> Self {
        copy_program(self.command.get_program().as_ref(), program);
        let mut outer = Command::new(program);
        outer.uid(user).gid(user);
        self.through(outer)
    }

    /// By this user, whatever starts it.
    pub(crate) fn for_user(mut self, user: u32) -> Self {
        self.command.uid(user).gid(user);
        self
    }

    /// The same run by another command.
    fn through(mut self, mut outer: Command) -> Self {
        outer.args(self.command.get_args()).env_clear();
        for (name, value) in self.command.get_envs() {
            outer.envs(value.map(|value| (name, value)));
        }
        if let Some(directory) = self.command.get_current_dir() {
            outer.current_dir(directory);
        }
        with_pipes(&mut outer);
        self.command = outer;
        self
    }

    /// Runs it to its end, with what `World::finish` checks.
    pub(crate) fn run(self) -> Ran {
        let world = self.world;
        world.finish(self.spawn())
    }

    /// Starts it, for a test that does something meanwhile.
    pub(crate) fn spawn(mut self) -> Child {
        self.command.spawn().unwrap()
    }
}

/// The program that is tested: the one that cargo built with these tests, or the one of
/// this path, which may have been built elsewhere and for another processor.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("TAILMINT_BIN")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_tailmint").into())
        .into()
}

/// `tailmint` in an environment with nothing but a `PATH`, with pipes.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(program());
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    with_pipes(&mut command);
    command
}

fn with_pipes(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}
