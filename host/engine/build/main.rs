//! Builds the component, or takes the one that this crate carries; compiles it ahead of time,
//! and hands both to the library as `component.wasm` and `component.cwasm` in `OUT_DIR`, with
//! the digest and the imports of the first and the contract, `api.wit.wasm`.

#![allow(
    clippy::disallowed_macros,
    reason = "Cargo reads what a build script prints"
)]

mod artifact;
mod compile;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use artifact::Artifact;
use sha2::{Digest, Sha256};

fn main() {
    if let Err(message) = run() {
        // Shown by cargo as it is; a panic would bury it under a backtrace.
        println!("cargo::error={message}");
        std::process::exit(1);
    }
}

fn digest(bytes: &[u8]) -> String {
    let digits: Vec<_> = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.concat()
}

fn run() -> Result<(), String> {
    let engine = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("there is no directory")?);
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = env::var("TARGET").map_err(|error| format!("TARGET: {error}"))?;
    let artifact = artifact(&engine, &out)?;
    let code = compile::ahead_of_time(&artifact.component, &target)?;
    let digest = digest(&artifact.component).into_bytes();
    let imports = artifact.imports()?.join("\n").into_bytes();
    for (name, bytes) in [
        ("component.wasm", artifact.component),
        ("component.cwasm", code),
        ("component.sha256", digest),
        ("component.imports", imports),
        ("api.wit.wasm", artifact.wit),
    ] {
        let path = out.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// What the crate carries where it was downloaded as one; what is built from the sources
/// where they are beside it.
fn artifact(engine: &Path, out: &Path) -> Result<Artifact, String> {
    let workspace = engine.ancestors().nth(2);
    let workspace = workspace.filter(|it| it.join("guest/minter").is_dir());
    let Some(workspace) = workspace else {
        return Artifact::carried(&engine.join("built"));
    };
    for path in ["guest", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    Artifact::build(workspace, &out.join("guest"))
}
