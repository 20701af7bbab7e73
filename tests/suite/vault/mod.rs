//! `vault push`: to a real Vault, and to servers that misbehave.

mod certificate;
mod place;
mod program;
mod push;
mod refused;
mod server;
mod settings;
mod stand_in;
mod strange;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Child,
};

use serde_json::Value;

use crate::{
    case::Case,
    ran::Ran,
    world::{World, holds},
};
use server::Server;
use stand_in::StandIn;

/// Where the client of `k8s-operator` gets.
const PLACE: &str = "secret/tazlab-k8s/static/infra/tailscale/k8s-operator";

/// A user with an OAuth client, a Vault, and a policy that names it.
struct Vaulted {
    world: World,
    url: String,
    token: String,
}

impl Vaulted {
    fn to(server: &Server) -> Self {
        let ca_pem = std::fs::read_to_string(server.ca_file()).unwrap();
        Self::at(&server.url(), &ca_pem, &server.token)
    }

    fn to_stand_in(stand_in: &StandIn) -> Self {
        let url = format!("https://{}", stand_in.address);
        Self::at(&url, &stand_in.ca_pem, "hvs.0123456789abcdefghijklmn")
    }

    fn at(url: &str, ca_pem: &str, token: &str) -> Self {
        let world = World::new();
        world.write("vault-ca.pem", ca_pem);
        let new = Self {
            world,
            url: url.to_owned(),
            token: token.to_owned(),
        };
        new.policy(&format!("version = 1\n[vault]\naddresses = [{url:?}]\n"));
        new
    }

    fn policy(&self, text: &str) {
        self.config("policy.toml", text);
    }

    fn config(&self, name: &str, text: &str) {
        let folder = self.world.path().join(".config/tailmint");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    fn ca_file(&self) -> PathBuf {
        self.world.path().join("vault-ca.pem")
    }

    /// `tailmint vault push` with these arguments, as the user's shell has it.
    fn case(&self, arguments: &[&str]) -> Case<'_> {
        self.world
            .bare(&["vault", "push"])
            .args(arguments)
            .env("HOME", self.world.path())
            .env("VAULT_ADDR", &self.url)
            .env("VAULT_CACERT", self.ca_file())
            .env("VAULT_TOKEN", &self.token)
    }

    fn push(&self, arguments: &[&str]) -> Ran {
        self.run(self.case(arguments))
    }

    fn run(&self, case: Case<'_>) -> Ran {
        self.finish(case.spawn())
    }

    /// Waits for it to end. No secret is in what it prints, on either side, nor in
    /// what it writes down.
    fn finish(&self, child: Child) -> Ran {
        let ran = self.world.finish(child);
        let audit = std::fs::read(self.audit()).unwrap_or_default();
        for (place, text) in [
            ("standard output", ran.stdout.as_bytes()),
            ("standard error", ran.stderr.as_bytes()),
            ("the audit", &audit),
        ] {
            self.world.assert_no_secret(text, place);
            if self.token.len() > 12 {
                assert!(!holds(text, &self.token), "the token in {place}");
            }
        }
        ran.replacing(&self.url, "[vault]")
            .replacing(self.url.trim_start_matches("https://"), "[vault]")
    }

    fn audit(&self) -> PathBuf {
        self.world.path().join(".local/state/tailmint/audit.jsonl")
    }

    fn audited(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.audit()).unwrap_or_default();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The id and the secret of the client.
    fn client(&self) -> (String, String) {
        let client = self.world.simulator.client("k8s-operator").unwrap();
        (client.id, client.secret)
    }

    /// Another secret for the client, as after a rotation.
    fn rotate(&self, secret: &str) {
        write_private(
            &self
                .world
                .secrets()
                .join("tailscale-operator-client-secret"),
            secret,
        );
    }
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What is at the place now, as Vault's own command has it.
fn held(server: &Server, place: &str) -> Value {
    let text = server.vault(&["kv", "get", "-format=json", place]);
    let value: Value = serde_json::from_str(&text).unwrap();
    value["data"].clone()
}
