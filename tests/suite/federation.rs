use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use serde_json::Value;
use tailmint_simulator::{FederatedIdentity, Issuer, Recorded, Setup};

use crate::{
    case::Case,
    world::{World, holds},
};

/// Whom the identity lets in, and who asks.
pub(crate) const SUBJECTS: &str = "repo:acme/web:*";
pub(crate) const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";

/// A world without a standing secret: an issuer of identity tokens, and a federated identity
/// that takes them. The directory for secrets is there, and empty.
pub(crate) struct Federation {
    pub(crate) world: World,
    pub(crate) issuer: Issuer,
    pub(crate) identity: FederatedIdentity,
}

impl Federation {
    pub(crate) fn new() -> Self {
        Self::granting(&["auth_keys"], &["tag:tazpod"])
    }

    /// One whose identity has these scopes and tags.
    pub(crate) fn granting(scopes: &[&str], tags: &[&str]) -> Self {
        let setup = Setup {
            clients: Vec::new(),
            tags: vec!["tag:tazpod".to_owned(), "tag:k8s-operator".to_owned()],
            ..Setup::default()
        };
        Self::of(World::with(&setup), scopes, tags)
    }

    /// One in this world.
    pub(crate) fn of(world: World, scopes: &[&str], tags: &[&str]) -> Self {
        let issuer = Issuer::start(&world.simulator).unwrap();
        let identity = FederatedIdentity::new("ci", scopes, tags, issuer.url(), SUBJECTS);
        world.simulator.add_identity(identity.clone());
        Self {
            world,
            issuer,
            identity,
        }
    }

    /// A good token.
    pub(crate) fn token(&self) -> String {
        self.issuer.token(self.identity.audience.as_str(), SUBJECT)
    }

    /// A token with the claims of a good one, but for this change.
    pub(crate) fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let audience = self.identity.audience.as_str();
        let mut claims = self.issuer.claims(audience, SUBJECT);
        change(&mut claims);
        self.issuer.sign(&claims)
    }

    /// Where the token is, for profiles with `token-file`.
    pub(crate) fn file(&self) -> PathBuf {
        self.world.path().join("token")
    }

    /// Puts the text there, as a platform does.
    pub(crate) fn put(&self, text: &str) {
        fs::write(self.file(), format!("{text}\n")).unwrap();
        fs::set_permissions(self.file(), Permissions::from_mode(0o600)).unwrap();
    }

    /// A program of this name in the `$PATH` of [`Self::tailmint`], which is this script of
    /// the shell.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let bin = self.world.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The profile `bootstrap` has the identity, and these members.
    pub(crate) fn configure(&self, members: &str) {
        let id = &self.identity.id;
        let text = format!("[profiles.bootstrap]\nclient-id = {id:?}\n{members}\n");
        self.world.config(&text);
    }

    /// The policy allows the identity, and what these members of `identity` say.
    pub(crate) fn allow(&self, members: &str) {
        let id = &self.identity.id;
        let text = format!("version = 1\n[identity]\nclient-ids = [{id:?}]\n{members}\n");
        self.world.policy(&text);
    }

    /// A profile that reads the token from the file, and a policy that allows it.
    pub(crate) fn by_file(self) -> Self {
        let file = self.file();
        self.configure(&format!("token-file = \"{}\"", file.display()));
        self.allow(&format!("files = [\"{}\"]", file.display()));
        self
    }

    /// `tailmint` with these arguments and the programs of [`Self::program`].
    pub(crate) fn tailmint(&self, arguments: &[&str]) -> Case<'_> {
        let bin = self.world.path().join("bin");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        self.world.tailmint(arguments).env("PATH", path)
    }

    /// The exchanges of tokens that were asked for, by the members of their forms.
    pub(crate) fn exchanges(&self) -> Vec<Vec<(String, String)>> {
        let mut requests = self.world.simulator.requests();
        requests.retain(|it| it.line() == "POST /api/v2/oauth/token-exchange");
        requests.iter().map(Recorded::form).collect()
    }

    /// No token, and none of the three parts of one, is in the text.
    pub(crate) fn assert_no_token(&self, text: &[u8], place: &str) {
        for token in self.world.simulator.identity_tokens() {
            // `{}` is in many texts.
            for part in token.split('.').filter(|part| part.len() >= 12) {
                assert!(!holds(text, part), "a part of a token in {place}");
            }
        }
    }

    /// What was written down, in which there is no secret.
    pub(crate) fn audit(&self) -> String {
        let path = self.world.path().join(".local/state/tailmint/audit.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        self.assert_no_token(text.as_bytes(), "the audit file");
        self.world
            .assert_no_secret(text.as_bytes(), "the audit file");
        text
    }
}
