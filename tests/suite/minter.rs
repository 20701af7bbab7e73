//! The component under the host, against the simulator, over TLS.

use tailmint::{
    ConnectTo, Credential, KeyProperties, MintErrorKind, Minter, Secret, Tailnet, Trust,
};
use tailmint_simulator::{Endpoint, Fault};

use crate::world::World;

fn minter(world: &World) -> Minter {
    let to: ConnectTo = world.simulator.address().to_string().parse().unwrap();
    Minter::builder()
        .trust(Trust::pem_file(world.path().join("ca.pem")).unwrap())
        .connect_to(to)
        .build()
        .unwrap()
}

fn client(world: &World, name: &str) -> Credential {
    let client = world.simulator.client(name).unwrap();
    Credential::OauthClient {
        id: client.id,
        secret: Secret::new(client.secret),
    }
}

fn tazpod() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

#[tokio::test]
async fn mints_over_one_connection_with_two_requests() {
    let world = World::new();
    let minted = minter(&world)
        .mint(
            &client(&world, "bootstrap"),
            &Tailnet::of_credential(),
            &tazpod(),
        )
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
        .mint(
            &client(&world, "bootstrap"),
            &Tailnet::of_credential(),
            &tazpod(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, MintErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(world.simulator.keys().len(), 1);
}
