//! What the component can name at all: read from the bytes that are shipped.

#[path = "../../host/engine/build/artifact/mod.rs"]
pub(crate) mod build;

use std::{path::Path, process::Command};

use crate::world::{World, sha256, workspace};
use build::Artifact;
use insta::assert_snapshot;
use tailmint::component::EmbeddedComponent;
use wasm_metadata::Payload;
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
    let mut told: Vec<_> = EmbeddedComponent::imports().collect();
    told.sort_unstable();
    assert_eq!(told, names(world.imports.keys().collect()));
    assert_eq!(
        names(world.exports.keys().collect()),
        [
            "tailmint:api/auth-keys@0.2.0",
            "tailmint:api/federated-identities@0.2.0",
            "tailmint:api/oauth-clients@0.2.0",
            "tailmint:api/types@0.2.0"
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
fn another_folder_gives_the_same_bytes() {
    let workspace = workspace();
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .args(
            [
                "Cargo.lock",
                "Cargo.toml",
                "guest",
                "host",
                "rust-toolchain.toml",
                "tests",
                "wit",
            ]
            .map(|it| workspace.join(it)),
        )
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let again = Artifact::build(folder.path(), &folder.path().join("elsewhere")).unwrap();
    assert_eq!(sha256(&again.component), EmbeddedComponent::digest());
    assert_eq!(sha256(&again.wit), sha256(EmbeddedComponent::wit()));
    let imports: Vec<_> = EmbeddedComponent::imports().collect();
    assert_eq!(again.imports().unwrap(), imports);
}

#[test]
fn registries_can_show_what_it_is() {
    for (bytes, name) in [
        (EmbeddedComponent::bytes(), "tailmint"),
        (EmbeddedComponent::wit(), "tailmint:api"),
    ] {
        let payload = Payload::from_binary(bytes).unwrap();
        let shown = payload.metadata();
        let text = |value: Option<String>| value.unwrap_or_default();
        assert_eq!(text(shown.name.clone()), name);
        let version = shown.version.as_ref().map(ToString::to_string);
        assert_eq!(text(version), env!("CARGO_PKG_VERSION"));
        let licenses = shown.licenses.as_ref().map(ToString::to_string);
        assert_eq!(text(licenses), "MIT OR Apache-2.0");
        let source = shown.source.as_ref().map(ToString::to_string);
        assert_eq!(text(source), env!("CARGO_PKG_REPOSITORY"));
        let description = shown.description.as_ref().map(ToString::to_string);
        assert!(text(description).contains("tailmint") || name == "tailmint");
    }
}

#[test]
fn the_contract_is_a_package_with_its_documentation() {
    let DecodedWasm::WitPackage(resolve, package) = decode(EmbeddedComponent::wit()).unwrap()
    else {
        panic!("not a package");
    };
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), "tailmint:api@0.2.0");
    let interface = &resolve.interfaces[package.interfaces["auth-keys"]];
    let mint = &interface.functions["mint"];
    let said = mint.docs.contents.as_deref().unwrap_or_default();
    assert!(said.starts_with("Creates an auth key."), "{said}");
}

#[test]
fn no_path_of_the_machine_that_built_it_is_in_it() {
    let bytes = EmbeddedComponent::bytes();
    for part in [
        &*workspace().display().to_string(),
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
    assert_snapshot!(said, @"
    sha256 [digest]
    [size] bytes
    imports wasi:http/outgoing-handler@0.2.0: send HTTP requests, each as far as the policy lets it
    imports wasi:http/types@0.2.0: put requests together and read responses
    imports wasi:io/error@0.2.0: say why a stream broke
    imports wasi:io/poll@0.2.0: wait for responses
    imports wasi:io/streams@0.2.0: write and read bodies
    exports tailmint:api/auth-keys@0.2.0
    exports tailmint:api/federated-identities@0.2.0
    exports tailmint:api/oauth-clients@0.2.0
    exports tailmint:api/types@0.2.0
    the policy lets it run
    ");
    let file = world.path().join("tailmint.wasm");
    let file = file.to_str().unwrap();
    let exported = world.run(&["component", "export", file]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(std::fs::read(file).unwrap(), EmbeddedComponent::bytes());
    assert_eq!(
        world.run(&["component", "inspect", file]).stdout,
        inspected.stdout
    );
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

/// What is in the folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn it_is_handed_out_with_its_contract_and_a_checksum() {
    let world = World::new();
    let folder = world.path().join("taken");
    std::fs::create_dir(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let (component, wit) = (file("tailmint.wasm"), file("api.wit.wasm"));
    let sums = file("SHA256SUMS");
    let export = [
        "component",
        "export",
        &component,
        "--wit",
        &wit,
        "--checksum",
        &sums,
    ];
    let (digest, wit_digest) = (
        EmbeddedComponent::digest(),
        sha256(EmbeddedComponent::wit()),
    );
    let ran = world.run(&export).replacing(digest, "[digest]");
    assert_snapshot!(ran, @"
    exit status: 0
    --- stdout
    [dir]/taken/tailmint.wasm: sha256 [digest]
    ");
    assert_eq!(std::fs::read(&wit).unwrap(), EmbeddedComponent::wit());
    assert_eq!(
        std::fs::read_to_string(&sums).unwrap(),
        format!("{digest}  tailmint.wasm\n{wit_digest}  api.wit.wasm\n")
    );
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&checked.stdout),
        "tailmint.wasm: OK\napi.wit.wasm: OK\n"
    );

    // What is there is left alone, and nothing is written beside it.
    std::fs::write(&sums, "mine").unwrap();
    std::fs::remove_file(&component).unwrap();
    std::fs::remove_file(&wit).unwrap();
    let ran = world.run(&export);
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: [dir]/taken/SHA256SUMS: it exists already
    hint: give another file
    ");
    assert_eq!(names(&folder), ["SHA256SUMS"]);
    assert_eq!(std::fs::read_to_string(&sums).unwrap(), "mine");
}

#[test]
fn nothing_half_written_is_left() {
    let world = World::new();
    let folder = world.path().join("taken");
    std::fs::create_dir(&folder).unwrap();
    // A file may grow to 64 KiB, which the contract fits in and the component
    // does not.
    let limited = ["-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"];
    let ran = world
        .bare(&["component", "export", "tailmint.wasm"])
        .args(&["--wit", "api.wit.wasm"])
        .started_by("sh", &limited)
        .current_dir(&folder)
        .env("HOME", world.path())
        .run();
    assert_snapshot!(ran, @"
    exit status: 2
    --- stderr
    error: tailmint.wasm: File too large (os error 27)
    hint: give another file
    ");
    assert_eq!(names(&folder), [""; 0]);
}
