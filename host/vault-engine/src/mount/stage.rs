//! A mount over a storage that stands in for Vault's, and the simulated API.

use std::{fs, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailmint::Interrupt;
use tailmint_api::from_json;
use tailmint_core::Environment;
use tailmint_simulator::{OauthClient, Setup, Simulator};
use tempfile::TempDir;

use super::{
    Api, Failure, Mount, OfLease, Reply, Request,
    pending::{PREFIX, Pending},
};
use crate::{arguments::Arguments, stand_in::StandIn};

const POLICY: &str = r#"version = 1
[rule.create-auth-key.key]
tags = ["tag:server"]
max-expiry = "2h"
[rule.create-client.client]
scopes = ["auth_keys", "oauth_keys"]
tags = ["tag:server"]
"#;

/// A mount with a credential and the role `web`.
pub(super) struct Stage {
    pub(super) simulator: Simulator,
    pub(super) storage: StandIn,
    pub(super) mount: Arc<Mount>,
    directory: TempDir,
}

/// A key that was read: its id and what Vault keeps with its lease.
pub(super) struct Read {
    pub(super) id: String,
    pub(super) lease: String,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let scopes = ["auth_keys", "oauth_keys"];
        let client = |name: &str| OauthClient::new(name, &scopes, &["tag:server"]);
        let simulator = Simulator::start(&Setup {
            clients: vec![client("used"), client("other")],
            ..Setup::default()
        })
        .unwrap();
        let directory = tempfile::tempdir().unwrap();
        simulator
            .write_ca(&directory.path().join("ca.pem"))
            .unwrap();
        fs::write(directory.path().join("policy.toml"), POLICY).unwrap();
        let storage = StandIn::default();
        let mount = mount(&simulator, &storage, &directory).await;
        let stage = Self {
            simulator,
            storage,
            mount,
            directory,
        };
        stage.configure("used").await;
        let role = fields(&json!({ "tags": "tag:server" }));
        stage.mount.write_role("web", role).await.unwrap();
        stage
    }

    /// The process is another one from now on.
    pub(super) async fn restart(&mut self) {
        self.mount = mount(&self.simulator, &self.storage, &self.directory).await;
    }

    /// Likewise, with this at the beginning of the policy of the machine.
    pub(super) async fn restart_under(&mut self, policy: &str) {
        let text = format!("{policy}\n{POLICY}");
        fs::write(self.directory.path().join("policy.toml"), text).unwrap();
        self.restart().await;
    }

    pub(super) async fn configure(&self, client: &str) {
        let client = self.simulator.client(client).unwrap();
        let data = json!({ "client_id": client.id, "client_secret": client.secret });
        self.mount.write_config(fields(&data)).await.unwrap();
    }

    /// What Vault asks, under this number.
    pub(super) async fn ask(
        &self,
        operation: &str,
        path: &str,
        id: &str,
    ) -> Result<Reply, Failure> {
        self.mount.handle(&request(operation, path, id, None)).await
    }

    /// Reads a key, and waits until it is no longer pending.
    pub(super) async fn read(&self, id: &str) -> Read {
        let Reply::Key(key) = self.ask("read", "creds/web", id).await.unwrap() else {
            panic!("no key");
        };
        let before = self.storage.names(PREFIX).len();
        key.fresh.take().await.unwrap();
        while self.storage.names(PREFIX).len() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let data: Value = from_json(key.data.as_bytes()).unwrap();
        Read {
            id: data["key_id"].as_str().unwrap().to_owned(),
            lease: key.internal_data,
        }
    }

    /// Vault ends the lease.
    pub(super) async fn revoke(&self, read: &Read) -> Result<Reply, Failure> {
        let lease = OfLease {
            internal_data: read.lease.clone(),
            issued: 0,
            increment: 0,
        };
        let asked = request("revoke", "creds/web", "", Some(lease));
        self.mount.handle(&asked).await
    }

    /// What is written down was written down a while ago.
    pub(super) fn pass_time(&self) {
        let ago = Timestamp::now() - SignedDuration::from_mins(2);
        self.change_pending(|pending| pending.since = ago);
    }

    /// Changes what is written down.
    pub(super) fn change_pending(&self, change: impl Fn(&mut Pending)) {
        self.storage.change(PREFIX, |text| {
            let mut pending: Pending = from_json(text.as_bytes()).unwrap();
            change(&mut pending);
            serde_json::to_string(&pending).unwrap()
        });
    }

    /// The ids of the keys that are alive at the API.
    pub(super) fn alive(&self) -> Vec<String> {
        let alive = self.simulator.live_keys().into_iter();
        alive.map(|key| key.id).collect()
    }

    /// The id of the client that the mount has.
    pub(super) async fn client(&self) -> String {
        let config = self.mount.configured().await.unwrap();
        config.client_id().to_string()
    }

    /// The ids of the clients that are alive at the API, in order.
    pub(super) fn clients(&self) -> Vec<String> {
        let clients = self.simulator.clients().into_iter();
        let mut ids: Vec<_> = clients.map(|client| client.id).collect();
        ids.sort();
        ids
    }
}

fn fields(data: &Value) -> super::Fields {
    super::Fields::parse(&data.to_string()).unwrap()
}

fn request(operation: &str, path: &str, id: &str, lease: Option<OfLease>) -> Request {
    Request {
        id: id.to_owned(),
        operation: operation.to_owned(),
        path: path.to_owned(),
        data: "null".to_owned(),
        lease,
    }
}

async fn mount(simulator: &Simulator, storage: &StandIn, directory: &TempDir) -> Arc<Mount> {
    let at = |name: &str| directory.path().join(name);
    let arguments = Arguments {
        policy: Some(at("policy.toml")),
        audit_file: Some(at("audit.jsonl")),
        connect_to: Some(simulator.address().to_string().parse().unwrap()),
        ca_file: Some(at("ca.pem")),
        system_certs: false,
    };
    let home = directory.path().display().to_string();
    let environment = Environment::from([("HOME", home.as_str())]);
    let api = Api::new(arguments, environment, Interrupt::default());
    Arc::new(Mount::new(storage.vault().await, Arc::new(api)))
}
