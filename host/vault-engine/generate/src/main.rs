//! Writes `host/vault-engine/generated` from `host/vault-engine/proto`, in Rust alone: no
//! machine needs `protoc`. With `--check` it writes nothing, and fails where what is there is
//! not what it would write.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use sha2::{Digest, Sha256};
use tonic_prost_build::Config;

/// The messages and services of each side.
const SIDES: [(&str, &[&str], Side); 2] = [
    (
        "served",
        &[
            "backend.proto",
            "health.proto",
            "logical.proto",
            "multiplexing.proto",
            "plugin.proto",
        ],
        Side::Server,
    ),
    ("called", &["host.proto"], Side::Client),
];

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

/// Beside what is generated: the digest of what it is generated from.
const SOURCES: &str = "sources.sha256";

fn main() -> ExitCode {
    let is_check = std::env::args().nth(1).as_deref() == Some("--check");
    let engine = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a parent");
    match run(engine, is_check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(engine: &Path, is_check: bool) -> Result<(), Box<dyn Error>> {
    let there = engine.join("generated");
    let made = generated(&engine.join("proto"))?;
    if is_check {
        if read(&there, &there)? != made {
            return Err("host/vault-engine/generated is not current: cargo run \
                        --manifest-path host/vault-engine/generate/Cargo.toml"
                .into());
        }
        return Ok(());
    }
    if there.exists() {
        fs::remove_dir_all(&there)?;
    }
    for (path, text) in made {
        let path = there.join(path);
        fs::create_dir_all(path.parent().expect("a parent"))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// All files, by their paths.
type Files = BTreeMap<PathBuf, String>;

fn generated(proto: &Path) -> Result<Files, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let mut digest = Sha256::new();
    for (name, files, side) in SIDES {
        for file in files {
            digest.update(fs::read(proto.join(file))?);
        }
        let mut config = Config::new();
        // Messages have secrets in them: they cannot be printed.
        config.skip_debug(["."]);
        let out = directory.path().join(name);
        fs::create_dir(&out)?;
        tonic_prost_build::configure()
            .build_transport(false)
            .build_server(side == Side::Server)
            .build_client(side == Side::Client)
            .out_dir(out)
            .compile_fds_with_config(protox::compile(files, [proto])?, config)?;
    }
    let digest: String = digest
        .finalize()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    fs::write(directory.path().join(SOURCES), format!("{digest}\n"))?;
    read(directory.path(), directory.path())
}

fn read(root: &Path, directory: &Path) -> Result<Files, Box<dyn Error>> {
    let mut files = Files::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.append(&mut read(root, &path)?);
        } else {
            let name = path.strip_prefix(root)?.to_owned();
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}
