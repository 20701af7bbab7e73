use std::{sync::atomic::AtomicBool, time::Duration};

use tailmint_live::{Simulated, Stop, new_prefix, observe};
use tailmint_simulator::{Endpoint, Fault};

use crate::{assert_clean, with_api_key, with_oauth_client};

/// A run in which the response to one request is lost. All that came before is as always.
fn lost(number: usize, fault: Fault) -> Option<(Stop, usize)> {
    let simulated = Simulated::start(&with_api_key()).unwrap();
    let nothing = Fault::Delay(Duration::ZERO);
    if number > 0 {
        simulated
            .simulator
            .misbehave(Endpoint::Any, nothing, number);
    }
    simulated.simulator.misbehave(Endpoint::Any, fault, 1);
    let interrupted = AtomicBool::new(false);
    let outcome = observe(simulated.plan(), &new_prefix(), &interrupted).unwrap();
    assert_eq!(outcome.left, [], "request {number}");
    let created = assert_clean(&simulated, &format!("request {number}"));
    outcome.report.err().map(|stop| (stop, created))
}

#[test]
fn nothing_is_left_whichever_response_is_lost() {
    // Not each of them: that takes minutes.
    let mut most = 0;
    for number in (0..140).step_by(7) {
        let Some((stop, created)) = lost(number, Fault::LoseAnswer) else {
            assert!(number > 100, "there are only {number} requests");
            break;
        };
        assert!(matches!(stop, Stop::Transport(_)), "{stop}");
        most = most.max(created);
    }
    assert!(most > 12, "{most} things were created");
}

#[test]
fn what_was_created_by_a_request_without_a_response_is_found() {
    // The first creation: of the client.
    let simulated = Simulated::start(&with_oauth_client()).unwrap();
    let requests = {
        simulated.observe().unwrap();
        simulated.simulator.requests()
    };
    let mut requests = requests.iter();
    let first = requests.position(|it| it.line() == "POST /api/v2/tailnet/-/keys");
    let (stop, created) = lost(first.unwrap() + 1, Fault::LoseAnswer).unwrap();
    assert!(matches!(stop, Stop::Transport(_)), "{stop}");
    assert_eq!(created, 1);
}

#[test]
fn what_cannot_be_removed_is_named() {
    let whole = Simulated::start(&with_api_key()).unwrap();
    whole.observe().unwrap();
    let requests = whole.simulator.requests();
    let mut requests = requests.iter();
    // The first of a key that was created: the client, and others, are there by then.
    let first = requests.position(|it| it.line().starts_with("GET /api/v2/tailnet/-/keys/k"));
    let first = first.unwrap();

    let simulated = Simulated::start(&with_api_key()).unwrap();
    let simulator = &simulated.simulator;
    let nothing = Fault::Delay(Duration::ZERO);
    simulator.misbehave(Endpoint::Any, nothing, first + 20);
    simulator.misbehave(Endpoint::Any, Fault::Cut, 1000);
    let prefix = new_prefix();
    let interrupted = AtomicBool::new(false);
    let outcome = observe(simulated.plan(), &prefix, &interrupted).unwrap();
    assert!(outcome.report.is_err());
    let said: Vec<_> = outcome.left.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    let clients = simulator.clients();
    let own: Vec<_> = clients
        .iter()
        .filter(|it| it.description != "live")
        .collect();
    assert!(!own.is_empty());
    for client in own {
        assert!(
            said.contains(&format!("{} of create-client", client.id)),
            "{said}"
        );
    }
    assert!(said.contains(&format!("begin with {prefix:?}")), "{said}");
    assert!(!said.contains("tskey-"), "{said}");
}
