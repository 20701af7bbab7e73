use std::fs;

use crate::{secrets::hex, world::workspace};
use sha2::{Digest, Sha256};

/// The same files, in the same order, as `host/vault-engine/generate` reads them.
const SOURCES: [&str; 6] = [
    "backend",
    "health",
    "logical",
    "multiplexing",
    "plugin",
    "host",
];

/// What is generated from these is compared by `host/vault-engine/generate -- --check`, which
/// takes a compiler of its own.
#[test]
fn the_code_was_generated_from_the_messages_that_are_there() {
    let engine = workspace().join("host/vault-engine");
    let mut digest = Sha256::new();
    for name in SOURCES {
        digest.update(fs::read(engine.join(format!("proto/{name}.proto"))).unwrap());
    }
    assert_eq!(
        fs::read_dir(engine.join("proto")).unwrap().count(),
        SOURCES.len()
    );
    let recorded = fs::read_to_string(engine.join("generated/sources.sha256")).unwrap();
    assert_eq!(hex(&digest.finalize(), ""), recorded.trim());
}
