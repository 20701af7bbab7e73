//! Many clients at once, while the engine's process is killed under them. It takes some
//! minutes: `cargo test -p tailmint-vault-engine --all-features --test vault-engine storm --
//! --ignored --nocapture`.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::lab::{Lab, wait_for};

const CLIENTS: usize = 8;
const LASTS: Duration = Duration::from_secs(20);
const BETWEEN_KILLS: Duration = Duration::from_secs(2);

/// Twice as long as the engine waits for what is nobody's, and then Vault's minute.
const CLEARED: Duration = Duration::from_mins(4);

/// One request for a key: its status, and what came back.
fn read(lab: &Lab) -> (u16, Value) {
    let address = lab.address();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /v1/ts/creds/web HTTP/1.1\r\nHost: {address}\r\nX-Vault-Token: {}\r\nConnection: close\r\n\r\n",
        lab.token()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let status = response.split(' ').nth(1).unwrap().parse().unwrap();
    let body = response.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap())
}

#[test]
#[ignore = "it takes two minutes: cargo test --workspace --all-features --test vault-engine storm -- --ignored --nocapture"]
fn a_client_gets_a_key_that_works_or_an_error_and_every_key_has_a_lease() {
    let Some(lab) = Lab::ready() else { return };
    let is_over = AtomicBool::new(false);
    let mut kills = 0;
    let results: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut results = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        results.push(read(&lab));
                    }
                    results
                })
            })
            .collect();
        let begun = Instant::now();
        while begun.elapsed() < LASTS {
            std::thread::sleep(BETWEEN_KILLS);
            if let Some(process) = lab.engine_process() {
                lab.kill(process);
                kills += 1;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let all = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap());
        all.collect()
    });
    let (keys, errors): (Vec<_>, Vec<_>) = results.iter().partition(|(status, _)| *status == 200);
    for (status, body) in &errors {
        assert!(
            *status >= 400 && body["errors"].is_array(),
            "{status} {body}"
        );
    }
    let given: BTreeSet<_> = keys
        .iter()
        .map(|(_, body)| body["data"]["key_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(given.len(), keys.len());
    wait_for(|| (lab.vault(&["list", "ts/roles"]).code == 0).then_some(()));
    let at_once = lab.alive().len();
    let leases = || {
        let listed = lab.json("list", "sys/leases/lookup/ts/creds/web");
        listed.as_array().map_or(0, Vec::len)
    };
    let begun = Instant::now();
    while lab.alive().len() > leases() && begun.elapsed() < CLEARED {
        std::thread::sleep(Duration::from_secs(1));
    }
    let alive: BTreeSet<_> = lab.alive().into_iter().collect();
    println!(
        "{kills} kills: {} requests, {} keys, {} errors; alive {at_once}, after {} s {}; {} leases",
        results.len(),
        keys.len(),
        errors.len(),
        begun.elapsed().as_secs(),
        alive.len(),
        leases()
    );
    assert!(
        given.is_subset(&alive),
        "a client has a key that was revoked"
    );
    assert_eq!(alive.len(), leases());
}
