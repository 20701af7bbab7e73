use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

/// The programs that are measured, built as they are released.
pub(crate) struct Programs {
    pub(crate) tailmint: PathBuf,
    pub(crate) floor: PathBuf,
    pub(crate) parts: PathBuf,
    pub(crate) scale: PathBuf,
    /// Tailscale's own, where there is Go to build it.
    pub(crate) get_authkey: Option<PathBuf>,
    /// Whether there is Python, which the owner's flow needs.
    pub(crate) python3: bool,
}

impl Programs {
    pub(crate) fn build() -> Result<Self, Box<dyn Error>> {
        // Beside this program, in the same folder of the target directory.
        let here = env::current_exe()?;
        if let Some(target) = STATIC {
            // Where there is no rustup, the compiler says what it lacks.
            let rustup = ["--quiet", "target", "add", target];
            Command::new("rustup").args(rustup).status().ok();
        }
        // The file that is released, where it is there already.
        let released = env::var_os("TAILMINT_BIN").map(PathBuf::from);
        if released.is_none() {
            cargo(&["--package", "tailmint-cli"], STATIC)?;
        }
        let programs = [
            "--package=tailmint-benchmark",
            "--features=programs",
            "--bin=tailmint-floor",
            "--bin=tailmint-parts",
            "--bin=tailmint-scale",
        ];
        cargo(&programs, STATIC)?;
        let built = match (STATIC, here.ancestors().nth(2)) {
            (Some(target), Some(targets)) => targets.join(target).join("release/tailmint"),
            _ => here.clone(),
        };
        Ok(Self {
            tailmint: released.unwrap_or_else(|| built.with_file_name("tailmint")),
            floor: built.with_file_name("tailmint-floor"),
            parts: built.with_file_name("tailmint-parts"),
            scale: built.with_file_name("tailmint-scale"),
            get_authkey: get_authkey(&here.with_file_name("get-authkey"))?,
            python3: python3(),
        })
    }
}

/// What tailmint is released for, where that is this machine: one static file.
const STATIC: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("x86_64-unknown-linux-musl")
} else {
    None
};

fn cargo(arguments: &[&str], target: Option<&str>) -> Result<(), Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--quiet"])
        .args(arguments);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    // What cargo tells this program of itself: build scripts that look at it would be
    // run again, and all that needs them be built again, each time.
    for (name, _) in env::vars_os() {
        let of_this = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if of_this
            .iter()
            .any(|it| name.to_string_lossy().starts_with(it))
        {
            command.env_remove(name);
        }
    }
    let built = command.status()?;
    if !built.success() {
        return Err(format!("it does not build: {}", arguments.join(" ")).into());
    }
    Ok(())
}

/// Builds it from the Go module of the tests, which pins its version.
fn get_authkey(to: &Path) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tailnet");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(to)
        .arg("tailscale.com/cmd/get-authkey")
        .current_dir(module)
        // The one that is installed, and what go.sum says.
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .env("CGO_ENABLED", "0")
        .status();
    match built {
        Ok(status) if status.success() => Ok(Some(to.to_owned())),
        Ok(_) => Err("get-authkey does not build".into()),
        Err(_) => {
            println!("without get-authkey: Go is not installed");
            Ok(None)
        }
    }
}

fn python3() -> bool {
    let ran = Command::new("python3").arg("--version").output();
    let runs = ran.is_ok_and(|it| it.status.success());
    if !runs {
        println!("without the owner's flow: python3 is not installed, or does not run");
    }
    runs
}
