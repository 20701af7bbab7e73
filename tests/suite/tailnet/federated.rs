//! The real `tailscale up` exchanges an identity token for its key: it holds the simulator to
//! what the client that the service was made for sends and expects.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path, process::Output};

use tailmint_simulator::{FederatedIdentity, Issuer, Recorded};

use super::{Node, Tailnet, namespace::in_namespace};
use crate::world::holds;

/// An issuer, and an identity for its tokens.
fn identity(tailnet: &Tailnet) -> (Issuer, FederatedIdentity) {
    let simulator = &tailnet.world.simulator;
    let issuer = Issuer::start(simulator).unwrap();
    let identity = FederatedIdentity::new(
        "ci",
        &["auth_keys"],
        &["tag:tazpod"],
        issuer.url(),
        "repo:acme/web:*",
    );
    simulator.add_identity(identity.clone());
    (issuer, identity)
}

/// `tailscale up` by hand, with the identity token in a file.
fn up(tailnet: &Tailnet, node: &Node, identity: &FederatedIdentity, token: &str) -> Output {
    let file = tailnet.world.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let output = node.tailscale(&[
        "up",
        &format!("--login-server={}", tailnet.control.url),
        &format!("--hostname={}", node.name),
        &format!(
            "--client-id={}?ephemeral=true&preauthorized=true",
            identity.id
        ),
        &format!("--id-token=file:{}", file.display()),
        "--advertise-tags=tag:tazpod",
        "--timeout=30s",
    ]);
    std::fs::remove_file(file).unwrap();
    output
}

fn exchanges(tailnet: &Tailnet) -> Vec<Recorded> {
    let mut requests = tailnet.world.simulator.requests();
    requests.retain(|it| it.line() == "POST /api/v2/oauth/token-exchange");
    requests
}

/// Whether a file below the directory has the text in it, but for this one.
fn is_on_disk(text: &str, directory: &Path, but: &Path) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            return is_on_disk(text, &path, but);
        }
        kind.is_file() && path != but && holds(&std::fs::read(path).unwrap(), text)
    })
}

#[test]
fn a_profile_without_a_secret_joins() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (issuer, identity) = identity(&tailnet);
        let world = &tailnet.world;
        for entry in std::fs::read_dir(world.secrets()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let (id, file) = (&identity.id, world.path().join("token"));
        world.config(&format!(
            "[profiles.bootstrap]\nclient-id = {id:?}\ntoken-file = {file:?}\n"
        ));
        world.policy(&format!(
            "version = 1\n[identity]\nclient-ids = [{id:?}]\nfiles = [{file:?}]\n"
        ));
        let token = issuer.token(identity.audience.as_str(), "repo:acme/web:x");
        std::fs::write(&file, format!("{token}\n")).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let node = tailnet.node("a");
        let ran = tailnet.up(&node, &["--verbose"], &[]);
        tailnet.assert_joined(&node, &ran);
        let keys = world.simulator.keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(tailnet.control.nodes()[0]["key"], keys[0].id.as_str());
        // The two members of the documentation, and no more.
        let form = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let exchanges = exchanges(&tailnet);
        assert_eq!(exchanges.len(), 1);
        assert_eq!(
            exchanges[0].form(),
            [form("client_id", id), form("jwt", &token)]
        );
        assert_eq!(exchanges[0].header("authorization"), None);
        for part in token.split('.') {
            assert!(!holds(ran.stdout.as_bytes(), part));
            assert!(!holds(ran.stderr.as_bytes(), part));
            assert!(!is_on_disk(part, world.path(), &file));
        }
    });
}

#[test]
fn an_identity_token_joins_with_the_real_client() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (issuer, identity) = identity(&tailnet);
        let node = tailnet.node("a");
        let token = issuer.token(identity.audience.as_str(), "repo:acme/web:x");
        let output = up(&tailnet, &node, &identity, &token);
        assert!(output.status.success(), "{output:?}\n{}", node.log());
        let status = node.status();
        assert_eq!(status["BackendState"], "Running");
        assert_eq!(status["Self"]["Tags"], serde_json::json!(["tag:tazpod"]));
        let keys = tailnet.world.simulator.keys();
        assert_eq!(keys.len(), 1);
        assert!(keys[0].ephemeral && keys[0].preauthorized && !keys[0].reusable);
        assert_eq!(tailnet.control.nodes()[0]["key"], keys[0].id.as_str());
        tailnet.assert_no_key_on_disk();
        // What it sends beside what the service looks at.
        let exchanges = exchanges(&tailnet);
        assert_eq!(exchanges.len(), 1);
        let form = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            exchanges[0].form(),
            [
                form("client_id", &identity.id),
                form("code", ""),
                form("grant_type", "authorization_code"),
                form("jwt", &token),
            ]
        );
        assert_eq!(exchanges[0].header("authorization"), Some("Basic Og=="));
    });
}

#[test]
fn a_wrong_audience_is_rejected_twice() {
    in_namespace(|programs| {
        let tailnet = Tailnet::new(programs);
        let (issuer, identity) = identity(&tailnet);
        let node = tailnet.node("a");
        let token = issuer.token("https://github.com/acme", "repo:acme/web:x");
        let output = up(&tailnet, &node, &identity, &token);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let page = format!(
            "https://login.tailscale.com/admin/settings/trust-credentials/view/{}",
            identity.id
        );
        let words = format!(
            "failed to exchange JWT for access token: token exchange failed with status 403: \
             {{\"message\":\"Unauthorized. Visit {page} for details\"}}"
        );
        assert!(said.contains(&words), "{said}");
        assert_ne!(node.state(), "Running");
        assert!(tailnet.world.simulator.keys().is_empty());
        let cause = tailnet.world.simulator.last_cause(&identity.id);
        assert_eq!(
            cause.as_deref(),
            Some("token has invalid claims: token has invalid audience")
        );
        // After any failure it sends the same form once more, without the authorization.
        let exchanges = exchanges(&tailnet);
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges[0].header("authorization"), Some("Basic Og=="));
        assert_eq!(exchanges[1].header("authorization"), None);
        assert_eq!(exchanges[0].body, exchanges[1].body);
    });
}
