//! The live check against the simulator: it finds what differs, and leaves nothing.

mod command;
mod comparison;
mod removal;

use std::collections::BTreeSet;

use tailmint_live::{Circumstances, CredentialKind, Simulated};

/// All that a run can be given.
fn with_api_key() -> Circumstances {
    Circumstances {
        credential: CredentialKind::ApiKey,
        scopes: Vec::new(),
        tags: Vec::new(),
        second_tag: true,
        id_token: true,
        expired_id_token: true,
    }
}

/// As little as it needs.
fn with_oauth_client() -> Circumstances {
    let scopes = ["auth_keys", "federated_keys", "oauth_keys"];
    Circumstances {
        credential: CredentialKind::OauthClient,
        scopes: scopes.map(str::to_owned).to_vec(),
        tags: vec!["<tag>".to_owned()],
        second_tag: false,
        id_token: false,
        expired_id_token: false,
    }
}

/// Nothing is left of a run in the simulator; how much there was.
fn assert_clean(simulated: &Simulated, when: &str) -> usize {
    let simulator = &simulated.simulator;
    let keys: BTreeSet<_> = simulator.live_keys().into_iter().map(|it| it.id).collect();
    assert!(keys.is_empty(), "{when}: {keys:?}");
    let clients = simulator.clients();
    let clients: Vec<_> = clients.iter().map(|it| it.description.as_str()).collect();
    assert_eq!(clients, ["live"], "{when}");
    assert_eq!(simulator.identities(), [], "{when}");
    simulator.keys().len() + simulator.all_clients().len() + simulator.all_identities().len() - 1
}
