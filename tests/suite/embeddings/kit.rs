use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{installed::is_installed, world::workspace};

/// A folder with an example and all that it needs, installed as its lock file says.
pub(super) struct Kit(PathBuf);

impl Kit {
    /// `None` where there is no Node.js, which in CI is an error.
    pub(super) fn node() -> Option<PathBuf> {
        let found = is_there("node") && is_there("npm");
        if !is_installed(found, "Node.js", "the component in it") {
            return None;
        }
        let kit = Self::copied("node");
        kit.once("package-lock.json", || {
            run(kit.command("npm").args(["ci", "--no-audit", "--no-fund"]));
        });
        Some(kit.0)
    }

    /// Likewise for Python.
    pub(super) fn python() -> Option<PathBuf> {
        if !is_installed(is_there("python3"), "Python", "the component in it") {
            return None;
        }
        let kit = Self::copied("python");
        kit.once("requirements.txt", || {
            run(kit
                .command("python3")
                .args(["-m", "venv", "--clear", "venv"]));
            run(kit.command("venv/bin/python").args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
                "requirements.txt",
            ]));
        });
        Some(kit.0)
    }

    /// One that was prepared before.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn copied(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("embedding-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let from = embeddings().join(name);
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
            }
        }
        Self(folder)
    }

    /// Installs where what is installed is not what the lock file says.
    fn once(&self, lock: &str, install: impl FnOnce()) {
        let wanted = std::fs::read(self.0.join(lock)).unwrap();
        let stamp = self.0.join("installed");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return;
        }
        install();
        std::fs::write(stamp, wanted).unwrap();
    }

    /// A program, of the folder or of the system.
    pub(super) fn command(&self, program: &str) -> Command {
        let own = self.0.join(program);
        let mut command = if own.exists() {
            Command::new(own)
        } else {
            Command::new(program)
        };
        command.current_dir(&self.0);
        command
    }

    /// Makes a module of the component, in the folder of this name.
    pub(super) fn transpile(&self, component: &[u8], module: &str) {
        let file = format!("{module}.wasm");
        std::fs::write(self.0.join(&file), component).unwrap();
        run(self.command("node").args(["transpile.js", &file, module]));
    }
}

/// The example of the library, built as this suite is.
pub(super) fn example() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build
        // Of the whole workspace, so that its libraries are those of this suite.
        .args(["build", "--quiet", "--workspace", "--all-features"])
        .args(["--example", "embedding"]);
    if cfg!(target_env = "musl") {
        let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        build.args(["--target", &target]);
    }
    run(build.current_dir(embeddings()));
    let beside = Path::new(env!("CARGO_BIN_EXE_tailmint")).parent().unwrap();
    beside.join("examples/embedding")
}

fn embeddings() -> PathBuf {
    workspace().join("tests/embeddings")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
