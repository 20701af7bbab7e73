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
}

impl Programs {
    pub(crate) fn build() -> Result<Self, Box<dyn Error>> {
        cargo(&["--package", "tailmint"])?;
        cargo(&["--package", "tailmint-benchmark", "--bins"])?;
        // Beside this program, in the same folder of the target directory.
        let here = env::current_exe()?;
        Ok(Self {
            tailmint: here.with_file_name("tailmint"),
            floor: here.with_file_name("tailmint-floor"),
            parts: here.with_file_name("tailmint-parts"),
            scale: here.with_file_name("tailmint-scale"),
            get_authkey: get_authkey(&here.with_file_name("get-authkey"))?,
        })
    }
}

fn cargo(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--quiet"])
        .args(arguments);
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
