//! Builds the component, compiles it ahead of time, and hands both to the
//! library as `component.wasm` and `component.cwasm` in `OUT_DIR`, with the
//! digest and the imports of the first and the contract, `api.wit.wasm`; and the
//! built-in policy, `built-in.json`.

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

/// The built-in policy.
const BUILT_IN: &str = "src/policy/built-in.toml";

/// The policy in another notation.
fn policy(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    let policy: serde_json::Value = toml::from_str(&text).map_err(|error| failed(&error))?;
    serde_json::to_vec(&policy).map_err(|error| failed(&error))
}

fn run() -> Result<(), String> {
    let host = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("there is no folder")?);
    let workspace = host.parent().ok_or("the workspace has no folder")?;
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed={BUILT_IN}");
    for path in ["guest", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = env::var("TARGET").map_err(|error| format!("TARGET: {error}"))?;
    let artifact = Artifact::build(workspace, &out.join("guest"))?;
    let code = compile::ahead_of_time(&artifact.component, &target)?;
    let digest = digest(&artifact.component).into_bytes();
    let imports = artifact.imports()?.join("\n").into_bytes();
    for (name, bytes) in [
        ("component.wasm", artifact.component),
        ("component.cwasm", code),
        ("component.sha256", digest),
        ("component.imports", imports),
        ("api.wit.wasm", artifact.wit),
        ("built-in.json", policy(&host.join(BUILT_IN))?),
    ] {
        let path = out.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
