//! A mount with a federated identity: no secret of Tailscale's is in the Vault.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use insta::assert_snapshot;
use tailmint_simulator::{FederatedIdentity, Issuer};

use crate::lab::{Lab, holds_any};

const SUBJECT: &str = "system:serviceaccount:vault:vault";

#[test]
fn keys_are_minted_and_revoked_with_a_token_that_is_read_anew() {
    let Some(lab) = Lab::mounted() else { return };
    let issuer = Issuer::start(&lab.simulator).unwrap();
    let (scopes, tags) = (["auth_keys"], ["tag:server"]);
    let identity = FederatedIdentity::new("vault", &scopes, &tags, issuer.url(), SUBJECT);
    lab.simulator.add_identity(identity.clone());
    let token = lab.at("token");
    let put = |text: &str| {
        fs::write(&token, text).unwrap();
        fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    };
    let good = || issuer.token(identity.audience.as_str(), SUBJECT);
    let policy = format!(
        "version = 1\n\
         [rule.create-auth-key.key]\n\
         tags = [\"tag:server\"]\n\
         [identity]\n\
         client-ids = [{:?}]\n\
         files = [{:?}]\n",
        identity.id,
        token.display().to_string(),
    );
    fs::write(lab.at("policy.toml"), policy).unwrap();
    put(&good());
    lab.done(&[
        "write",
        "ts/config",
        &format!("client_id={}", identity.id),
        &format!("token_file={}", token.display()),
    ]);
    lab.done(&["write", "ts/roles/web", "tags=tag:server"]);
    let (lease, id) = lab.key();
    assert_eq!(lab.alive(), [id]);
    let shown = lab.transcript(&["read ts/config", "read ts/config/check"]);
    assert_snapshot!(shown.replace(&identity.id, "[identity]"));
    // The platform has not written a new one in time.
    put(&issuer.expired(identity.audience.as_str(), SUBJECT));
    assert_eq!(lab.vault(&["read", "ts/creds/web"]).code, 2);
    assert_eq!(lab.vault(&["lease", "revoke", "-sync", &lease]).code, 2);
    assert_eq!(lab.alive().len(), 1);
    put(&good());
    lab.done(&["lease", "revoke", "-sync", &lease]);
    assert!(lab.alive().is_empty());
    let tokens = lab.simulator.identity_tokens();
    assert!(!tokens.is_empty());
    for name in ["vault.log", "vault-audit.log", "tailmint/audit.jsonl"] {
        let text = fs::read(lab.at(name)).unwrap();
        assert!(!holds_any(&text, &tokens), "an identity token in {name}");
    }
}
