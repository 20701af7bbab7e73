use std::collections::BTreeSet;

use serde_json::json;
use tailmint_live::{Circumstances, Difference, FACTS, Report, Simulated};
use tailmint_simulator::{Endpoint, Fault, Setup};

use crate::{assert_clean, with_api_key, with_oauth_client};

fn observed(circumstances: &Circumstances) -> Report {
    let simulated = Simulated::start(circumstances).unwrap();
    let report = simulated.observe().unwrap();
    let created = assert_clean(&simulated, "a whole run");
    assert!(created >= 10, "{created} things were created");
    report
}

#[test]
fn all_facts_are_observed_with_all_that_can_be_given() {
    let report = observed(&with_api_key());
    let names: BTreeSet<_> = FACTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), FACTS.len());
    assert_eq!(
        report.observations.keys().cloned().collect::<BTreeSet<_>>(),
        names
    );
    assert_eq!(missing(&report), [""; 0]);
}

fn missing(report: &Report) -> Vec<&str> {
    let missing = report.observations.iter();
    let missing = missing.filter(|(_, it)| it.not_observed.is_some());
    missing.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn an_oauth_client_alone_observes_what_needs_nothing_else() {
    let report = observed(&with_oauth_client());
    let expected = [
        "create-client-with-two-tags",
        "create-identity-for-token",
        "create-key-with-identity",
        "create-key-with-narrowed-token",
        "create-key-with-one-of-two-tags",
        "create-key-without-tags-with-api-key",
        "exchange",
        "exchange-again",
        "exchange-with-expired-token",
        "exchange-with-scope",
        "exchange-with-wrong-audience",
        "get-own-api-key",
        "get-own-identity",
        "list-keys-with-identity",
        "token-of-deleted-identity-later",
        "token-with-one-of-two-tags",
    ];
    assert_eq!(missing(&report), expected);
}

#[test]
fn two_runs_give_the_same_report_and_no_difference() {
    for circumstances in [with_api_key(), with_oauth_client()] {
        let report = observed(&circumstances);
        assert_eq!(report.circumstances, circumstances);
        let again = observed(&circumstances);
        assert_eq!(Difference::between(&report, &again), []);
        let text = report.to_json().unwrap();
        assert_eq!(text, again.to_json().unwrap());
        assert_eq!(Report::from_json(&text).unwrap(), report);
    }
}

#[test]
fn three_deviations_are_found_and_no_more() {
    let circumstances = with_api_key();
    let simulated = Simulated::start(&circumstances).unwrap();
    let deviating = Setup {
        exchange_has_tags: true,
        ..Setup::default()
    };
    let deviating = Simulated::start_as(&circumstances, deviating).unwrap();
    // The first to each is the one about requests that have nothing.
    for (endpoint, status, body) in [
        (Endpoint::Keys, 401, r#"{"message":"who is this?"}"#),
        (
            Endpoint::Exchange,
            418,
            r#"{"message":"invalid request: client_id is required"}"#,
        ),
    ] {
        let fault = Fault::answer(status, &[], body);
        deviating.simulator.misbehave(endpoint, fault, 1);
    }
    let report = deviating.observe().unwrap();
    let simulated = simulated.observe().unwrap();
    let found = Difference::between(&report, &simulated);
    let difference = |member: &str, reported, simulated, facts: &[&str]| Difference {
        member: member.to_owned(),
        reported: Some(reported),
        simulated,
        facts: facts.iter().map(|&fact| fact.to_owned()).collect(),
    };
    let message = difference(
        "body.message",
        json!("who is this?"),
        Some(json!("API token invalid")),
        &["request-without-authorization"],
    );
    let tags = difference(
        "body.tags",
        json!("<tag>"),
        None,
        &["exchange", "exchange-again", "exchange-with-scope"],
    );
    let status = difference(
        "status",
        json!(418),
        Some(json!(400)),
        &["exchange-without-members"],
    );
    assert_eq!(found, [message, tags, status]);
}

#[test]
fn a_request_that_is_told_to_come_later_is_sent_once_more() {
    let circumstances = with_oauth_client();
    let limited = Simulated::start(&circumstances).unwrap();
    let fault = Fault::answer(429, &[("retry-after", "0")], r#"{"message":"too many"}"#);
    limited.simulator.misbehave(Endpoint::Any, fault, 2);
    let found = Difference::between(&limited.observe().unwrap(), &observed(&circumstances));
    let limits = Difference {
        member: "limits".to_owned(),
        reported: Some(json!("retry-after with 429, status 429")),
        simulated: Some(json!("")),
        facts: vec!["rate-limits".to_owned()],
    };
    assert_eq!(found, [limits]);
}

#[test]
fn what_was_not_observed_is_no_difference() {
    let mut circumstances = with_api_key();
    let whole = observed(&circumstances);
    circumstances.id_token = false;
    circumstances.expired_id_token = false;
    let less = observed(&circumstances);
    assert_eq!(Difference::between(&less, &whole), []);
    // The other way around the simulator lacks something.
    assert_ne!(Difference::between(&whole, &less), []);
}
