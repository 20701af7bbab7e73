//! Signals while a key is minted.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tailmint_simulator::{Endpoint, Fault};

use crate::world::World;

pub(crate) fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !met() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_key_whose_request_had_left_is_revoked() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let world = World::new();
        let delay = Fault::Delay(Duration::from_millis(500));
        world.simulator.misbehave(Endpoint::Keys, delay, 1);
        let child = world.tailmint(&["mint"]).spawn();
        wait_until("the request for a key", || {
            world.simulator.requests().len() == 2
        });
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran = world.finish(child);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert_eq!(
            world.steady(&ran.stderr),
            "error: interrupted; key [key 1] was created, and has been revoked\n"
        );
        assert_eq!(ran.stdout, "");
        assert_eq!(world.simulator.keys().len(), 1);
        assert_eq!(world.simulator.live_keys().len(), 0);
    }
}

#[test]
fn before_the_request_for_a_key_it_ends_at_once() {
    let world = World::new();
    world
        .simulator
        .misbehave(Endpoint::Token, Fault::Silence, 1);
    let child = world.tailmint(&["mint"]).spawn();
    wait_until("the token request", || {
        world.simulator.requests().len() == 1
    });
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let begun = Instant::now();
    let ran = world.finish(child);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (130, "error: interrupted\n")
    );
    assert_eq!(world.simulator.keys().len(), 0);
}

#[test]
fn a_second_signal_ends_it_as_it_is() {
    let world = World::new();
    world.simulator.misbehave(Endpoint::Keys, Fault::Silence, 1);
    let child = world.tailmint(&["mint"]).spawn();
    wait_until("the request for a key", || {
        world.simulator.requests().len() == 2
    });
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    sleep(Duration::from_millis(200));
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(world.finish(child).code, 130);
}
