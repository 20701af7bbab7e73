//! The component in other programs: Rust by the library, Node.js by jco, Python by
//! wasmtime-py. All of them mint over TLS, send the same bytes, and see every error
//! of the contract.

mod checks;
mod kit;
mod library;
mod program;

use std::process::Command;

use checks::{
    errors_are_typed, gate_is_enough, long_bodies_arrive, requests_are_the_same,
    tokens_are_exchanged,
};
use insta::assert_snapshot;
use kit::Kit;
use program::Program;
use tailmint::component::EmbeddedComponent;
use tailmint_simulator::Setup;

use crate::{hostile::gated, tailnet::beside_the_api, world::World};

/// Where programs look for the API that can be led nowhere else.
fn at_the_api() -> World {
    World::with(&Setup {
        listen: ([127, 0, 0, 1], 443).into(),
        ..Setup::default()
    })
}

#[test]
fn rust_sends_the_same_bytes_and_sees_every_error() {
    let world = World::new();
    let start = || {
        let mut command = Command::new(kit::example());
        command
            .arg(world.simulator.address().to_string())
            .arg(world.path().join("ca.pem"));
        Program::start(command)
    };
    let mut program = start();
    let added = requests_are_the_same(&world, &mut program);
    assert_snapshot!(added, @"host: api.tailscale.com");
    tokens_are_exchanged(&world, &mut program);
    // The policy of the example allows an hour.
    errors_are_typed(&world, &mut program, |call| call.expiry_seconds = 7200);
}

#[test]
fn node_sends_the_same_bytes_and_sees_every_error() {
    beside_the_api(Kit::node, |folder| {
        let world = at_the_api();
        let kit = Kit::at(folder);
        kit.transpile(EmbeddedComponent::bytes(), "component");
        kit.transpile(&gated(), "hostile");
        let types = kit
            .command("npm")
            .args(["run", "--silent", "types"])
            .output();
        let types = types.unwrap();
        assert!(
            types.status.success(),
            "{}",
            String::from_utf8_lossy(&types.stdout)
        );
        let start = |module: &str, prefix: &str| {
            let mut command = kit.command("node");
            command
                .args(["mint.js", module, prefix])
                .env("NODE_EXTRA_CA_CERTS", world.path().join("ca.pem"));
            Program::start(command)
        };
        let mut program = start("component", "/");
        let added = requests_are_the_same(&world, &mut program);
        assert_snapshot!(added, @"
        connection: keep-alive
        host: api.tailscale.com
        ");
        tokens_are_exchanged(&world, &mut program);
        errors_are_typed(&world, &mut program, |_| {});
        long_bodies_arrive(&world, &mut program);
        start("component", "/nowhere").refuses_all(&world);
        gate_is_enough(&world, &mut start("hostile", ""));
    });
}

#[test]
fn python_sends_the_same_bytes_and_sees_every_error() {
    beside_the_api(Kit::python, |folder| {
        let world = at_the_api();
        let kit = Kit::at(folder);
        let [component, hostile] = [
            ("component.wasm", EmbeddedComponent::bytes().to_vec()),
            ("hostile.wasm", gated()),
        ]
        .map(|(name, bytes)| {
            let path = world.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        });
        let start = |component: &std::path::Path, prefix: &str| {
            let mut command = kit.command("venv/bin/python");
            command
                .arg("mint.py")
                .arg(component)
                .arg(prefix)
                .env("SSL_CERT_FILE", world.path().join("ca.pem"));
            Program::start(command)
        };
        let mut program = start(&component, "/");
        let added = requests_are_the_same(&world, &mut program);
        assert_snapshot!(added, @"host: api.tailscale.com");
        tokens_are_exchanged(&world, &mut program);
        errors_are_typed(&world, &mut program, |_| {});
        long_bodies_arrive(&world, &mut program);
        start(&component, "/nowhere").refuses_all(&world);
        gate_is_enough(&world, &mut start(&hostile, ""));
    });
}
