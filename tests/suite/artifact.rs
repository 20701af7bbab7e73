//! What the component can name at all: read from the bytes that are shipped.

use crate::world::sha256;
use tailmint::EmbeddedComponent;
use wit_component::{DecodedWasm, decode};

#[test]
fn the_component_imports_five_interfaces_and_no_more() {
    let DecodedWasm::Component(resolve, world) = decode(EmbeddedComponent::bytes()).unwrap() else {
        panic!("not a component");
    };
    let world = &resolve.worlds[world];
    let names = |keys: Vec<_>| -> Vec<String> {
        let mut names: Vec<_> = keys
            .into_iter()
            .map(|key| resolve.name_world_key(key))
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(world.imports.keys().collect()),
        [
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:io/error@0.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:io/streams@0.2.0",
        ]
    );
    assert_eq!(
        names(world.exports.keys().collect()),
        ["tailmint:api/auth-keys@0.1.0", "tailmint:api/types@0.1.0"]
    );
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    assert_eq!(
        EmbeddedComponent::digest(),
        sha256(EmbeddedComponent::bytes())
    );
}

#[test]
fn no_path_of_the_machine_that_built_it_is_in_it() {
    let bytes = EmbeddedComponent::bytes();
    for part in [
        env!("CARGO_MANIFEST_DIR"),
        "/.cargo/",
        "/rustc/../",
        "/home/",
        "/root/",
    ] {
        let found = bytes.windows(part.len()).any(|it| it == part.as_bytes());
        assert!(!found, "{part}");
    }
}
