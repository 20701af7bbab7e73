//! What the component can name at all: read from the bytes that are shipped.

use crate::world::{World, sha256};
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
        [
            "tailmint:api/auth-keys@0.1.0",
            "tailmint:api/oauth-clients@0.1.0",
            "tailmint:api/types@0.1.0"
        ]
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

#[test]
fn it_can_be_looked_at_and_handed_out() {
    let world = World::new();
    let inspected = world.run(&["component", "inspect"]);
    let digest = EmbeddedComponent::digest();
    assert_eq!(inspected.code, 0, "{}", inspected.stderr);
    let said = inspected
        .stdout
        .replace(digest, "[digest]")
        .replace(&EmbeddedComponent::bytes().len().to_string(), "[size]");
    insta::assert_snapshot!(said);
    let file = world.path().join("minter.wasm");
    let file = file.to_str().unwrap();
    let exported = world.run(&["component", "export", file]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(std::fs::read(file).unwrap(), EmbeddedComponent::bytes());
    assert_eq!(
        world.run(&["component", "inspect", file]).stdout,
        inspected.stdout
    );
    // What is there is left alone.
    assert_eq!(world.run(&["component", "export", file]).code, 2);
    // Another one does not run, and is said not to.
    let other = wat::parse_str(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#);
    let path = world.path().join("other.wasm");
    std::fs::write(&path, other.unwrap()).unwrap();
    let ran = world.run(&["component", "inspect", path.to_str().unwrap()]);
    assert_eq!(ran.code, 11);
    assert!(
        ran.stdout
            .contains("wasi:sockets/tcp@0.2.0: open connections of its own"),
        "{}",
        ran.stdout
    );
    let text = world.write("text.wasm", "not a component");
    assert_eq!(
        world
            .run(&["component", "inspect", text.to_str().unwrap()])
            .code,
        2
    );
}
