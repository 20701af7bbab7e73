//! Builds a guest crate for wasm.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the guest crate with cargo, in a target folder of its own since the
/// workspace's is locked by the cargo that runs this, and reads the module.
pub(crate) fn build(package: &str, target_dir: &Path) -> Result<Vec<u8>, String> {
    let workspace = workspace()?;
    for path in ["guest", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    have_target()?;
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--profile", "component", "--target", TARGET])
        .args(["--package", package, "--target-dir"])
        .arg(target_dir)
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        // Paths in panic messages would make the bytes depend on the folder.
        .env("CARGO_ENCODED_RUSTFLAGS", remapped(&workspace).join("\x1f"))
        // clippy and coverage wrap the compiler; the module is to stay the same.
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if !status.success() {
        return Err(format!("{package} did not build for {TARGET}"));
    }
    let module = target_dir
        .join(TARGET)
        .join("component")
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    fs::read(&module).map_err(|error| format!("{}: {error}", module.display()))
}

fn workspace() -> Result<PathBuf, String> {
    let host = env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?;
    let workspace = Path::new(&host).parent();
    Ok(workspace.ok_or("the workspace has no folder")?.to_owned())
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
