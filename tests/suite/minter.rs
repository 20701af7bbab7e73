//! The component under the host, against the simulator, over TLS.

use tailmint::{
    ConnectTo, Credential, KeyProperties, MintErrorKind, Minter, Secret, Tailnet, Trust,
};
use tailmint_simulator::{Endpoint, Fault, Setup, Simulator};

struct World {
    simulator: Simulator,
    minter: Minter,
    _directory: tempfile::TempDir,
}

fn world(setup: &Setup) -> World {
    let simulator = Simulator::start(setup).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    simulator.write_ca(&ca).unwrap();
    let to: ConnectTo = simulator.address().to_string().parse().unwrap();
    let minter = Minter::builder()
        .trust(Trust::pem_file(ca).unwrap())
        .connect_to(to)
        .build()
        .unwrap();
    World {
        simulator,
        minter,
        _directory: directory,
    }
}

impl World {
    fn client(&self, name: &str) -> Credential {
        let client = self.simulator.client(name).unwrap();
        Credential::OauthClient {
            id: client.id,
            secret: Secret::new(client.secret),
        }
    }
}

fn tazpod() -> KeyProperties {
    KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()])
}

#[tokio::test]
async fn mints_over_one_connection_with_two_requests() {
    let world = world(&Setup::default());
    let minted = world
        .minter
        .mint(
            &world.client("bootstrap"),
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
    let world = world(&Setup::default());
    world
        .simulator
        .misbehave(Endpoint::Keys, Fault::LoseAnswer, 1);
    let error = world
        .minter
        .mint(
            &world.client("bootstrap"),
            &Tailnet::of_credential(),
            &tazpod(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, MintErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(world.simulator.keys().len(), 1);
}
