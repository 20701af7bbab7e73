//! A component that says something else than what happened, about every operation: the host
//! believes no result, success or error, that it did not see come about.

use std::collections::{BTreeMap, BTreeSet};

use tailmint::{
    Account, Class, Credential, Diagnose, KeyId, KeyProperties, MintError, Minter, Secret,
    policy::Policy,
};
use tailmint_api::{ClientProperties, Effect, IdentityProperties, Kind, Operation, Scope};
use tailmint_hostile::{Claim, Says};
use tailmint_simulator::{FederatedIdentity, Issuer, OauthClient};

use crate::{
    hostile,
    world::{World, sha256},
};

/// A minter that runs the hostile component, and an honest one.
struct Stage {
    world: World,
    hostile: Minter,
    honest: Minter,
    owner: OauthClient,
    issuer: Issuer,
    runtime: tokio::runtime::Runtime,
}

/// How many of each there are at the API.
#[derive(Debug, PartialEq, Eq)]
struct There {
    keys: BTreeSet<String>,
    clients: BTreeSet<String>,
    identities: BTreeSet<String>,
}

/// Keys, clients and identities that live.
struct Subjects {
    key: KeyId,
    client: KeyId,
    identity: KeyId,
}

const SUBJECT: &str = "repo:acme/web:ref:refs/heads/main";

impl Stage {
    /// Where the policy lets these components run, besides the hostile one.
    fn new(others: &[&str]) -> Self {
        let world = World::new();
        let owner = OauthClient::new("owner", &["all"], &["tag:tazpod"]);
        world.simulator.add_client(owner.clone());
        let issuer = Issuer::start(&world.simulator).unwrap();
        let component = hostile::component();
        let digest = sha256(component);
        let mut pinned = vec![digest.as_str()];
        pinned.extend(others);
        let identity = format!(
            "identity = {{ issuers = [{:?}], subjects = [{SUBJECT:?}] }}\n",
            issuer.url()
        );
        let policy = Policy::parse(&format!(
            "version = 1\n[component]\nsha256 = {pinned:?}\n\
             [rule.create-identity]\n{identity}[rule.update-identity]\n{identity}"
        ))
        .unwrap();
        let hostile = world
            .minter()
            .policy(policy)
            .component(component.to_vec())
            .build()
            .unwrap();
        let policy = Policy::parse(&format!(
            "version = 1\n[rule.create-identity]\n{identity}[rule.update-identity]\n{identity}"
        ));
        let honest = world.minter().policy(policy.unwrap()).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            world,
            hostile,
            honest,
            owner,
            issuer,
            runtime,
        }
    }

    fn account(&self, id: &str) -> Account {
        Account::new(Credential::OauthClient {
            id: id.to_owned(),
            secret: Secret::new(self.owner.secret.clone()),
        })
    }

    fn there(&self) -> There {
        let account = self.account(&self.owner.id);
        let keys = self.runtime.block_on(self.honest.list(&account)).unwrap();
        let clients = self
            .runtime
            .block_on(self.honest.list_clients(&account))
            .unwrap();
        let identities = self
            .runtime
            .block_on(self.honest.list_identities(&account))
            .unwrap();
        There {
            keys: keys
                .iter()
                .filter(|it| !it.invalid)
                .map(|it| it.id.to_string())
                .collect(),
            clients: clients
                .iter()
                .filter(|it| !it.invalid)
                .map(|it| it.id.to_string())
                .collect(),
            identities: identities
                .iter()
                .filter(|it| !it.invalid)
                .map(|it| it.id.to_string())
                .collect(),
        }
    }

    fn subjects(&self) -> Subjects {
        let account = self.account(&self.owner.id);
        let (minting, creating, identity) = (key(), client(), self.identity());
        self.runtime.block_on(async {
            let minted = self.honest.mint(&account, &minting).await.unwrap();
            let created = self.honest.create_client(&account, &creating).await;
            let identity = self.honest.create_identity(&account, &identity).await;
            Subjects {
                key: minted.details.id,
                client: created.unwrap().details.id,
                identity: identity.unwrap().id,
            }
        })
    }

    fn identity(&self) -> IdentityProperties {
        IdentityProperties {
            description: "more".parse().unwrap(),
            scopes: vec!["auth_keys".parse().unwrap()],
            tags: vec!["tag:tazpod".parse().unwrap()],
            issuer: self.issuer.url().parse().unwrap(),
            subject: SUBJECT.parse().unwrap(),
            audience: None,
            claim_rules: BTreeMap::new(),
        }
    }

    /// A federated identity whose id stands for the claim, and which takes its token.
    fn of_identity(&self, claim: Claim) -> Account {
        let mut identity = FederatedIdentity::new(
            "claim",
            &["auth_keys"],
            &["tag:tazpod"],
            self.issuer.url(),
            SUBJECT,
        );
        identity.id = claim.client_id();
        let token = self.issuer.token(identity.audience.as_str(), SUBJECT);
        let account = Account::new(Credential::FederatedIdentity {
            client_id: identity.id.parse().unwrap(),
            id_token: Secret::new(token),
        });
        self.world.simulator.add_identity(identity);
        account
    }

    /// What the host makes of the claim.
    fn call(&self, claim: Claim, subjects: &Subjects) -> Result<(), MintError> {
        let account = match claim.operation {
            Operation::CheckIdentity => self.of_identity(claim),
            _ => self.account(&claim.to_string()),
        };
        let (minter, key, client, identity) = (&self.hostile, key(), client(), self.identity());
        let scopes: Vec<Scope> = ["auth_keys", "oauth_keys"]
            .map(|it| it.parse().unwrap())
            .to_vec();
        let told = self.runtime.block_on(async {
            match claim.operation {
                Operation::Check => minter.check_scopes(&account, &scopes).await.map(drop),
                Operation::CreateClient => minter.create_client(&account, &client).await.map(drop),
                Operation::CheckIdentity => minter.check_identity(&account).await.map(drop),
                Operation::CreateIdentity => {
                    minter.create_identity(&account, &identity).await.map(drop)
                }
                Operation::DeleteIdentity => {
                    minter.delete_identity(&account, &subjects.identity).await
                }
                Operation::ListIdentities => minter.list_identities(&account).await.map(drop),
                Operation::UpdateIdentity => minter
                    .update_identity(&account, &subjects.identity, &identity)
                    .await
                    .map(drop),
                Operation::DeleteClient => minter.delete_client(&account, &subjects.client).await,
                Operation::Get => minter.get(&account, &subjects.key).await.map(drop),
                Operation::List => minter.list(&account).await.map(drop),
                Operation::ListClients => minter.list_clients(&account).await.map(drop),
                Operation::Mint => minter.mint(&account, &key).await.map(drop),
                Operation::Revoke => minter.revoke(&account, &subjects.key).await,
                other => panic!("{other} is not called"),
            }
        });
        if claim.operation == Operation::CheckIdentity {
            self.world.simulator.revoke_identity(&claim.client_id());
        }
        told
    }
}

fn key() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

fn client() -> ClientProperties {
    ClientProperties {
        description: "more".parse().unwrap(),
        scopes: vec!["auth_keys".parse().unwrap()],
        tags: vec!["tag:tazpod".parse().unwrap()],
    }
}

/// What may be told of a claim: what the requests that it came after can lead to. The
/// server granted, created and deleted whatever it was asked for.
fn expected(claim: Claim) -> Option<Class> {
    let effect = claim.operation.rule().effect();
    Some(match (claim.says, claim.after) {
        // It is deleted, and it says so.
        (Says::Success, 2) if effect == Effect::Deletes => return None,
        // It was changed, and nobody knows into what.
        (_, 2) if effect == Effect::Changes => Class::OutcomeUnknown,
        // The gate inside the component denies what the host does not see.
        (Says::Denied, _) => Class::Denied,
        // What the component itself rejects, before anything is sent.
        (Says::InvalidCredential, 0) => Class::Credential,
        // There was a response, and only the component can say that it makes no sense of it.
        (Says::MalformedResponse, 1 | 2) => Class::Unreachable,
        // The same; and a token may be for less than was asked for.
        (Says::InvalidRequest, 0) | (Says::MissingScope, 1) => Class::Rejected,
        (Says::MissingScope, 2) if claim.operation == Operation::Check => Class::Rejected,
        // It was created, and nobody has the secret.
        (Says::OutcomeUnknown, 2) if effect.creates().is_some() => Class::Unreachable,
        (Says::Trap, _) => Class::Guest,
        _ => Class::InvalidResult,
    })
}

#[test]
fn no_result_is_believed_that_the_host_did_not_see() {
    let built_in = tailmint::component::EmbeddedComponent::digest();
    let stage = Stage::new(&[built_in]);
    let mut count = 0;
    let mut subjects = stage.subjects();
    for claim in Claim::all() {
        let before = stage.there();
        let sent = stage.world.simulator.requests().len();
        let told = stage.call(claim, &subjects);
        let sent = stage.world.simulator.requests().len() - sent;
        let after = stage.there();
        let effect = claim.operation.rule().effect();
        let class = told.as_ref().err().map(MintError::class);
        assert_eq!(class, expected(claim), "{claim}: {told:?}");
        // Nothing is tried again: beside what it sends there is only the token and the
        // request that delete what it left behind.
        let left = told.as_ref().err().map_or(&[][..], |it| &it.left_behind);
        let creates = effect.creates().is_some() && claim.after == 2;
        assert_eq!(sent, claim.after + if creates { 2 } else { 0 }, "{claim}");
        assert_eq!(left.len(), usize::from(creates), "{claim}: {told:?}");
        assert!(left.iter().all(|it| it.is_deleted), "{claim}: {told:?}");
        if effect == Effect::Deletes && claim.after == 2 {
            // It was deleted, whatever is said of it.
            assert_ne!(before, after, "{claim}");
            subjects = stage.subjects();
        } else {
            assert_eq!(before, after, "{claim}");
        }
        count += 1;
    }
    assert_eq!(count, Claim::all().count());
    println!("{count} claims");
}

#[test]
fn what_a_component_leaves_behind_is_not_deleted_by_its_word() {
    // No other component may run, so the same one is asked to delete what it left.
    let stage = Stage::new(&[]);
    let subjects = stage.subjects();
    for (operation, kind) in [
        (Operation::Mint, Kind::AuthKey),
        (Operation::CreateClient, Kind::OauthClient),
        (Operation::CreateIdentity, Kind::FederatedIdentity),
    ] {
        for &says in Says::ALL {
            let claim = Claim {
                operation,
                says,
                after: 2,
            };
            let before = stage.there();
            let error = stage.call(claim, &subjects).unwrap_err();
            let after = stage.there();
            let [left] = &error.left_behind[..] else {
                panic!("{claim}: {error:?}")
            };
            assert_eq!(left.kind, kind, "{claim}");
            let new: Vec<_> = match kind {
                Kind::AuthKey => after.keys.difference(&before.keys).collect(),
                Kind::OauthClient => after.clients.difference(&before.clients).collect(),
                Kind::FederatedIdentity => {
                    after.identities.difference(&before.identities).collect()
                }
            };
            if left.is_deleted {
                assert!(new.is_empty(), "{claim}: {error}");
            } else {
                // One at most, and it is named.
                assert_eq!(new, [left.id.as_str()], "{claim}: {error}");
            }
        }
    }
}
