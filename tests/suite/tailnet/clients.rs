//! Programs that others wrote for Tailscale's API, against the simulator.

use std::process::Command;

use tailmint_simulator::Issuer;

use super::namespace::in_namespace;
use crate::{go, world::World};

#[test]
fn get_authkey_mints() {
    in_namespace(|programs| {
        let world = World::new();
        let client = world.simulator.client("bootstrap").unwrap();
        let output = Command::new(programs.get_authkey())
            .args(["-reusable", "-ephemeral", "-tags", "tag:tazpod"])
            .env_clear()
            .env("TS_API_CLIENT_ID", client.id)
            .env("TS_API_CLIENT_SECRET", client.secret)
            .env(
                "TS_BASE_URL",
                format!("https://{}", world.simulator.address()),
            )
            .env("SSL_CERT_FILE", world.path().join("ca.pem"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let keys = world.simulator.live_keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim_end(),
            keys[0].key
        );
        assert!(keys[0].reusable && keys[0].ephemeral);
        assert_eq!(keys[0].tags, ["tag:tazpod"]);
    });
}

#[test]
fn the_official_go_client_agrees() {
    in_namespace(|programs| {
        let world = World::new();
        let client = world.simulator.client("bootstrap").unwrap();
        let issuer = Issuer::start(&world.simulator).unwrap();
        let output = Command::new(programs.client_test())
            .args(["-test.v"])
            .current_dir(go::module("tailnet"))
            .env_clear()
            .env(
                "TAILMINT_SIMULATOR",
                format!("https://{}", world.simulator.address()),
            )
            .env("TAILMINT_API_KEY", world.simulator.api_key())
            .env("TAILMINT_CLIENT_ID", client.id)
            .env("TAILMINT_CLIENT_SECRET", client.secret)
            .env("TAILMINT_ISSUER", issuer.url())
            .env(
                "TAILMINT_ID_TOKEN",
                issuer.token("tailmint", "repo:acme/web:x"),
            )
            .env("SSL_CERT_FILE", world.path().join("ca.pem"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        // Not one that ran no test.
        assert_eq!(said.matches("--- PASS").count(), 6, "{said}");
    });
}
