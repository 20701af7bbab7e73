//! The component under the host, against the simulator, over TLS.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tailmint::connection::{ConnectTo, Trust};
use tailmint::{
    Account, Credential, KeyProperties, MintErrorKind, MintedKey, Minter, MinterBuilder, Secret,
};
use tailmint_simulator::{Endpoint, Fault};
use tokio::{task::JoinSet, time::timeout};

use crate::world::World;

fn builder(world: &World) -> MinterBuilder {
    let to: ConnectTo = world.simulator.address().to_string().parse().unwrap();
    Minter::builder()
        .trust(Trust::pem_file(world.path().join("ca.pem")).unwrap())
        .connect_to(to)
}

fn minter(world: &World) -> Minter {
    builder(world).build().unwrap()
}

fn client(world: &World, name: &str) -> Account {
    let client = world.simulator.client(name).unwrap();
    Account::new(Credential::OauthClient {
        id: client.id,
        secret: Secret::new(client.secret),
    })
}

fn tazpod() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

/// A mint that can be spawned.
async fn minted(minter: Arc<Minter>, credential: Account, properties: KeyProperties) -> MintedKey {
    let minted = minter.mint(&credential, &properties).await;
    minted.unwrap()
}

#[tokio::test]
async fn mints_over_one_connection_with_two_requests() {
    let world = World::new();
    let minted = minter(&world)
        .mint(&client(&world, "bootstrap"), &tazpod())
        .await
        .unwrap();
    let keys = world.simulator.live_keys();
    assert_eq!(keys.len(), 1);
    assert_eq!(minted.key.expose_secret(), keys[0].key);
    assert_eq!(minted.details.id.as_str(), keys[0].id);
    assert_eq!(world.simulator.connections(), 1);
    let requests = world.simulator.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(tailmint_simulator::Recorded::line)
        .collect();
    assert_eq!(
        lines,
        ["POST /api/v2/oauth/token", "POST /api/v2/tailnet/-/keys"]
    );
    assert_eq!(
        requests[1].body,
        r#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#
    );
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown() {
    let world = World::new();
    world
        .simulator
        .misbehave(Endpoint::Keys, Fault::LoseAnswer, 1);
    let error = minter(&world)
        .mint(&client(&world, "bootstrap"), &tazpod())
        .await
        .unwrap_err();
    assert_eq!(error.kind, MintErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(world.simulator.keys().len(), 1);
}

#[tokio::test]
async fn a_pool_serves_more_calls_than_it_has_room_for() {
    const CALLS: usize = 48;
    let world = World::new();
    let minters = [0; 2].map(|_| Arc::new(builder(&world).pooled().build().unwrap()));
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        let minter = Arc::clone(&minters[call % minters.len()]);
        let credential = client(&world, "bootstrap");
        calls.spawn(async move {
            let mut properties = tazpod();
            properties.description = Some(format!("call {call}").parse().unwrap());
            let minted = minted(minter, credential, properties).await;
            assert_eq!(minted.details.description, Some(format!("call {call}")));
            minted.key.expose_secret().to_owned()
        });
    }
    let keys: HashSet<_> = calls.join_all().await.into_iter().collect();
    let live = world.simulator.live_keys().into_iter().map(|key| key.key);
    assert_eq!(keys, live.collect());
    assert_eq!(keys.len(), CALLS);
}

#[tokio::test]
async fn a_pool_serves_on_after_a_refusal() {
    let world = World::new();
    let minter = builder(&world).pooled().build().unwrap();
    let mut properties = tazpod();
    properties.capabilities.tags = vec!["tag:k8s-operator".parse().unwrap()];
    let credential = client(&world, "bootstrap");
    for _ in 0..3 {
        let refused = minter.mint(&credential, &properties).await;
        let carried = vec![tailmint::OutsideText::new("tag:tazpod")];
        let refused = refused.unwrap_err().kind;
        assert_eq!(refused, MintErrorKind::TagsNotPermitted { carried });
        let minted = minter.mint(&credential, &tazpod()).await.unwrap();
        let keys = world.simulator.live_keys();
        assert_eq!(keys[keys.len() - 1].key, minted.key.expose_secret());
    }
}

#[tokio::test]
async fn calls_that_are_given_up_on_leave_a_pool_as_it_was() {
    /// More than a pool has places.
    const CALLS: u32 = 64;
    let world = World::new();
    let minter = Arc::new(builder(&world).pooled().build().unwrap());
    for call in 0..CALLS {
        let (credential, properties) = (client(&world, "bootstrap"), tazpod());
        let mint = minter.mint(&credential, &properties);
        // From before the instance is made to after the first answer.
        let _ = timeout(Duration::from_micros(200) * call, mint).await;
    }
    let credential = client(&world, "bootstrap");
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(minted(Arc::clone(&minter), credential.clone(), tazpod()));
    }
    calls.join_all().await;
}
