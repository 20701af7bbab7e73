//! Builds guest crates for wasm.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the guest crates with cargo and reads the modules. They have a target
/// directory of their own, since the cargo that runs this locks the workspace's.
pub(crate) fn build<const N: usize>(
    packages: [&str; N],
    workspace: &Path,
    target_dir: &Path,
) -> Result<[Vec<u8>; N], String> {
    have_target()?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--quiet", "--locked", "--profile", "component"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target_dir)
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        // Paths in panic messages would make the bytes depend on the directory.
        .env("CARGO_ENCODED_RUSTFLAGS", remapped(workspace).join("\x1f"))
        // clippy and coverage wrap the compiler; the modules are to stay the same.
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC")
        .env_remove("CARGO_BUILD_TARGET");
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command
        .status()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if !status.success() {
        return Err(format!(
            "{} did not build for {TARGET}",
            packages.join(", ")
        ));
    }
    let mut modules = packages.map(|_| Vec::new());
    for (package, module) in packages.iter().zip(&mut modules) {
        let path = target_dir
            .join(TARGET)
            .join("component")
            .join(package.replace('-', "_"))
            .with_extension("wasm");
        *module = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(modules)
}

fn remapped(workspace: &Path) -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    vec![
        format!("--remap-path-prefix={}=/cargo", home.display()),
        format!("--remap-path-prefix={}=/tailmint", workspace.display()),
    ]
}

/// Adds the wasm target where rustup can, and otherwise says what to do.
fn have_target() -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("rustc did not start: {error}"))?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if libdir.is_dir() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    if added.is_ok_and(|status| status.success()) && libdir.is_dir() {
        return Ok(());
    }
    Err(format!(
        "the Rust target {TARGET} is not installed and could not be added; run: rustup target add {TARGET}"
    ))
}
