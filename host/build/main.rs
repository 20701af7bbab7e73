//! Builds the component, compiles it ahead of time, and hands both to the
//! library as `component.wasm` and `component.cwasm` in `OUT_DIR`, with the
//! digest of the first.

mod compile;
mod guest;

use std::{env, fs, path::PathBuf};

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
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let target = env::var("TARGET").map_err(|error| format!("TARGET: {error}"))?;
    let module = guest::build("tailmint-minter", &out.join("guest"))?;
    let component = compile::component(&module)?;
    let code = compile::ahead_of_time(&component, &target)?;
    let digest = digest(&component).into_bytes();
    for (name, bytes) in [
        ("component.wasm", component),
        ("component.cwasm", code),
        ("component.sha256", digest),
    ] {
        let path = out.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
