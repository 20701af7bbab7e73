//! A component that has turned hostile, in every way of the table: nothing leaves
//! that the policy does not name, nothing is learned, nothing of the host is
//! used up.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use crate::world::workspace;

use serde_json::Value;
use tailmint::Diagnose;
use tailmint::policy::Policy;
use tailmint::{
    Account, Class, Credential, KeyProperties, MintError, MintErrorKind, Minter, Secret,
};
use tailmint_audit::{Audit, AuditError, Entry};
use tailmint_hostile::{Action, Lie, Scenario, Waste, all, exchanges};
use tailmint_simulator::{FederatedIdentity, Issuer};

use crate::{
    artifact::build::{compose, guest},
    world::{World, sha256},
};

/// The hostile component, and the gate.
struct Components {
    hostile: Vec<u8>,
    gate: Vec<u8>,
}

/// They are built once, in a folder of their own.
fn components() -> &'static Components {
    static COMPONENTS: OnceLock<Components> = OnceLock::new();
    COMPONENTS.get_or_init(|| {
        let workspace = workspace();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        let packages = ["tailmint-hostile", "tailmint-gate"];
        let modules = guest::build(packages, workspace, &target).unwrap();
        let [hostile, gate] = modules.map(|module| compose::component(&module).unwrap());
        Components { hostile, gate }
    })
}

pub(crate) fn component() -> &'static [u8] {
    &components().hostile
}

/// The hostile component with the gate in front of it.
pub(crate) fn gated() -> Vec<u8> {
    let components = components();
    compose::in_front(&components.gate, &components.hostile).unwrap()
}

/// An audit in memory.
#[derive(Default)]
struct Lines(Mutex<Vec<Value>>);

impl Audit for Lines {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        self.0
            .lock()
            .unwrap()
            .push(serde_json::to_value(entry).unwrap());
        Ok(())
    }
}

/// What is seen of one scenario.
pub(crate) struct Seen {
    pub(crate) result: Result<tailmint::MintedKey, MintError>,
    lines: Vec<Value>,
    pub(crate) requests: Vec<String>,
    elapsed: Duration,
}

impl Seen {
    pub(crate) fn error(&self) -> &MintError {
        self.result.as_ref().unwrap_err()
    }

    fn decisions(&self, verdict: &str) -> usize {
        let is = |line: &&Value| line["event"] == "decision" && line["decision"] == verdict;
        self.lines.iter().filter(is).count()
    }
}

/// The deadline of each call.
const DEADLINE: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const GRACE: Duration = Duration::from_millis(250);

pub(crate) struct Cell {
    pub(crate) world: World,
    minter: Minter,
    lines: Arc<Lines>,
    runtime: tokio::runtime::Runtime,
}

impl Cell {
    pub(crate) fn new(component: &[u8]) -> Self {
        let world = World::new();
        let lines = Arc::new(Lines::default());
        let minter = builder(&world, component)
            .audit(lines.clone())
            .build()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            world,
            minter,
            lines,
            runtime,
        }
    }

    pub(crate) fn run(&self, name: &str) -> Seen {
        let client = self.world.simulator.client("bootstrap").unwrap();
        self.run_with(Credential::OauthClient {
            id: name.to_owned(),
            secret: Secret::new(client.secret),
        })
    }

    fn run_with(&self, credential: Credential) -> Seen {
        let credential = Account::new(credential);
        let before = self.world.simulator.requests().len();
        self.lines.0.lock().unwrap().clear();
        let begun = Instant::now();
        let key = KeyProperties::for_tags(vec!["tag:tazpod".parse().unwrap()]);
        let result = self.runtime.block_on(self.minter.mint(&credential, &key));
        let elapsed = begun.elapsed();
        let requests = self.world.simulator.requests();
        Seen {
            result,
            lines: self.lines.0.lock().unwrap().clone(),
            requests: requests[before..]
                .iter()
                .map(tailmint_simulator::Recorded::line)
                .collect(),
            elapsed,
        }
    }
}

fn builder(world: &World, component: &[u8]) -> tailmint::MinterBuilder {
    // The built-in one is pinned too, to revoke what the other leaves behind.
    let pin = format!(
        "version = 1\n[component]\nsha256 = [\"{}\", \"{}\"]\n",
        sha256(component),
        tailmint::component::EmbeddedComponent::digest()
    );
    world
        .minter()
        .policy(Policy::parse(&pin).unwrap())
        .deadline(DEADLINE)
        .component(component.to_vec())
}

/// The scenarios of a group, each with what is expected of it.
fn group(letter: char, expect: impl Fn(&Cell, &Scenario, &Seen)) {
    // Whatever is connected to beside the API would have to be on this machine.
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let cell = Cell::new(component());
    let table = all();
    let scenarios: Vec<_> = table
        .iter()
        .filter(|it| it.name.starts_with(letter))
        .collect();
    let count = scenarios.len();
    assert_ne!(count, 0, "group {letter}");
    let mut slowest = (Duration::ZERO, "");
    for scenario in scenarios {
        let seen = cell.run(&scenario.name);
        let shown = scenario.name.get(..40).unwrap_or(&scenario.name);
        assert!(
            seen.elapsed < DEADLINE + GRACE,
            "{shown} took {:?}",
            seen.elapsed
        );
        expect(&cell, scenario, &seen);
        // Nothing it was told is a secret, in any encoding.
        if let Err(error) = &seen.result {
            cell.world
                .assert_no_secret(format!("{error:?}").as_bytes(), shown);
        }
        let lines = serde_json::to_string(&seen.lines).unwrap();
        cell.world.assert_no_secret(lines.as_bytes(), shown);
        slowest = slowest.max((seen.elapsed, shown));
    }
    assert!(canary.accept().is_err(), "someone connected");
    println!(
        "group {letter}: {count} scenarios, the slowest {:?} ({})",
        slowest.0, slowest.1
    );
}

/// Nothing left, and the record says why; or the host's types did not even take
/// it, which the component tells as an invalid request, and there is nothing to record.
fn nothing_leaves(_: &Cell, scenario: &Scenario, seen: &Seen) {
    let name = &scenario.name;
    assert_eq!(seen.requests, [""; 0], "{name}");
    let error = seen.error();
    assert_eq!(seen.decisions("allow"), 0, "{name}");
    match seen.decisions("deny") {
        0 => {
            assert_eq!(seen.lines.len(), 0, "{name}");
            let expected = match name.as_str() {
                // Too much to copy: the component is stopped.
                "F-long-value" | "F-many" => MintErrorKind::GuestTrapped,
                _ => MintErrorKind::InvalidRequest,
            };
            assert_eq!(error.kind, expected, "{name}: {error:?}");
        }
        1 => {
            assert_eq!(seen.lines.len(), 1, "{name}: {:?}", seen.lines);
            assert_eq!(error.class(), Class::Denied, "{name}: {error:?}");
            assert!(
                seen.lines[0]["reason"]
                    .as_str()
                    .is_some_and(|it| !it.is_empty()),
                "{name}"
            );
        }
        more => panic!("{name}: {more} refusals"),
    }
}

#[test]
fn no_request_to_another_host_leaves() {
    group('A', nothing_leaves);
}

#[test]
fn no_request_by_another_scheme_leaves() {
    group('B', nothing_leaves);
}

#[test]
fn no_request_to_another_port_leaves() {
    group('C', nothing_leaves);
}

#[test]
fn no_request_for_another_path_leaves() {
    group('D', |cell, scenario, seen| {
        if scenario.name == "D-fragment" {
            // No request has one, and none leaves: the types of the host drop it.
            assert_eq!(seen.requests, ["POST /api/v2/oauth/token"]);
            return;
        }
        nothing_leaves(cell, scenario, seen);
    });
}

#[test]
fn no_request_of_another_method_leaves() {
    group('E', nothing_leaves);
}

#[test]
fn no_request_with_other_headers_leaves() {
    group('F', nothing_leaves);
}

#[test]
fn no_secret_is_carried_out() {
    group('G', |cell, scenario, seen| {
        if !matches!(scenario.action, Action::Confess) {
            return nothing_leaves(cell, scenario, seen);
        }
        // It minted, and tells all that it ever saw: its arguments, every header
        // and body. Not a secret is in it.
        assert_eq!(
            seen.requests.len(),
            4,
            "a token and a key, a token and its end"
        );
        let told = &seen.error().to_string();
        assert!(
            told.contains("access_token") && told.contains("CNTRL"),
            "{told}"
        );
        for secret in cell.world.all_secrets() {
            assert!(
                !crate::world::holds(told.as_bytes(), &secret),
                "a secret in what it saw"
            );
        }
        // The key is revoked, since nobody got it.
        assert_eq!(cell.world.simulator.live_keys().len(), 0);
    });
}

#[test]
fn an_identity_token_goes_to_its_exchange_and_nowhere_else() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let cell = Cell::new(component());
    let simulator = &cell.world.simulator;
    let issuer = Issuer::start(simulator).unwrap();
    let table = exchanges();
    assert!(table.len() >= 58, "{} scenarios", table.len());
    let subject = "repo:acme/web:ref:refs/heads/main";
    for scenario in &table {
        let name = &scenario.name;
        // The component is told the scenario by the identity's id.
        let mut identity = FederatedIdentity::new(
            "hostile",
            &["auth_keys"],
            &["tag:tazpod"],
            issuer.url(),
            subject,
        );
        identity.id = scenario.id();
        let token = issuer.token(identity.audience.as_str(), subject);
        simulator.add_identity(identity);
        let seen = cell.run_with(Credential::FederatedIdentity {
            client_id: scenario.id().parse().unwrap(),
            id_token: Secret::new(token.clone()),
        });
        let told = seen.error().to_string();
        let lines = serde_json::to_string(&seen.lines).unwrap();
        for part in token.split('.') {
            for (what, text) in [("what it was told", &told), ("the audit log", &lines)] {
                let shown = part.get(..16).unwrap_or(part);
                assert!(
                    !text.contains(shown),
                    "{name}: a part of the token in {what}"
                );
            }
        }
        match scenario.action {
            Action::Confess => {
                // An exchange and a key, and the key's end with the same access token.
                assert_eq!(seen.requests.len(), 3, "{told}");
                assert!(
                    told.contains("access_token") && told.contains("CNTRL"),
                    "{told}"
                );
                for secret in cell.world.all_secrets() {
                    assert!(!crate::world::holds(told.as_bytes(), &secret), "a secret");
                }
            }
            Action::Lie(Lie::ExtraTag) => {
                assert_eq!(seen.error().class(), Class::Denied, "{name}: {told}");
                assert_eq!(seen.requests.len(), 1, "{name}");
            }
            Action::Lie(_) => {
                assert_eq!(seen.error().class(), Class::InvalidResult, "{name}: {told}");
            }
            // It is written with its members in their order.
            Action::Send(_) | Action::Waste(_) => nothing_leaves(&cell, scenario, &seen),
        }
        assert_eq!(simulator.live_keys().len(), 0, "{name}");
    }
    assert!(canary.accept().is_err(), "someone connected");
    // What did leave had the token in the one member.
    for request in simulator.requests() {
        let is_exchange = request.path == "/api/v2/oauth/token-exchange";
        let rest = format!("{} {:?} {:?}", request.path, request.query, request.headers);
        assert!(!rest.contains("eyJ"), "{rest}");
        assert_eq!(
            request.body.contains("eyJ"),
            is_exchange,
            "{}",
            request.line()
        );
        if is_exchange {
            let (client_id, jwt) = request.body.split_once('&').unwrap();
            assert!(client_id.starts_with("client_id=J-"), "{client_id}");
            assert!(jwt.starts_with("jwt=eyJ"), "another member");
        }
    }
}

#[test]
fn nothing_of_the_host_is_used_up() {
    group('H', |cell, scenario, seen| {
        let name = scenario.name.get(..20).unwrap_or(&scenario.name);
        let error = seen.error();
        // What loops after it has given its result back has still not minted.
        assert!(
            matches!(
                error.class(),
                Class::Guest | Class::Denied | Class::Unreachable
            ),
            "{name}: {error:?}"
        );
        let Action::Waste(waste) = scenario.action else {
            panic!("{name}")
        };
        let sent: &[&str] = match waste {
            Waste::Unread => &["POST /api/v2/oauth/token"],
            _ => &[],
        };
        assert_eq!(seen.requests, sent, "{name}");
        // The host is as usable as before: the next call gets as far as ever.
        let next = cell.run("G-confess");
        assert_eq!(next.requests.len(), 4, "{name}");
    });
    println!("peak memory of all tests so far: {} KiB", peak_kib());
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_result_that_is_a_lie_is_rejected() {
    group('I', |cell, scenario, seen| {
        let name = &scenario.name;
        let Action::Lie(lie) = scenario.action else {
            panic!("{name}")
        };
        let class = seen.error().class();
        match lie {
            // The request itself does not leave.
            Lie::ExtraTag | Lie::LongerExpiry => {
                assert_eq!(class, Class::Denied, "{name}");
                assert_eq!(seen.requests, ["POST /api/v2/oauth/token"], "{name}");
            }
            Lie::Nothing => {
                assert_eq!(class, Class::InvalidResult, "{name}");
                assert_eq!(seen.requests, [""; 0], "{name}");
            }
            Lie::Token => {
                assert_eq!(class, Class::InvalidResult, "{name}");
                assert_eq!(seen.requests.len(), 1, "{name}");
            }
            // A result that is too long to copy is over a limit.
            Lie::LongKey(_) => assert!(
                matches!(class, Class::InvalidResult | Class::Guest),
                "{name}"
            ),
            _ => assert_eq!(class, Class::InvalidResult, "{name}: {:?}", seen.error()),
        }
        // What was minted on the way is revoked.
        assert_eq!(cell.world.simulator.live_keys().len(), 0, "{name}");
    });
}

#[test]
fn what_is_no_component_of_the_contract_does_not_load() {
    let world = World::new();
    let own = component();
    let core_module = wat::parse_str("(module)").unwrap();
    let asks_for = |import: &str| {
        wat::parse_str(format!("(component (import \"{import}\" (instance)))")).unwrap()
    };
    let zeros = vec![0; 200 * 1024 * 1024];
    let cases: BTreeMap<&str, Vec<u8>> = BTreeMap::from([
        ("sockets", asks_for("wasi:sockets/tcp@0.2.0")),
        ("files", asks_for("wasi:filesystem/types@0.2.0")),
        ("environment", asks_for("wasi:cli/environment@0.2.0")),
        ("random", asks_for("wasi:random/random@0.2.0")),
        ("clock", asks_for("wasi:clocks/monotonic-clock@0.2.0")),
        ("exports nothing", wat::parse_str("(component)").unwrap()),
        ("core module", core_module),
        ("cut short", own[..own.len() / 2].to_vec()),
        ("zeros", zeros),
        ("nothing", Vec::new()),
        (
            "loops when it starts",
            wat::parse_str(
                "(component (core module $m (func $f (loop (br 0))) (start $f)) (core instance (instantiate $m)))",
            )
            .unwrap(),
        ),
    ]);
    for (name, component) in cases {
        let builder = builder(&world, &component);
        let begun = Instant::now();
        let error = builder.build().expect_err(name);
        assert_eq!(error.class(), Class::Policy, "{name}: {error:?}");
        assert!(begun.elapsed() < DEADLINE + GRACE, "{name}");
    }
    // Without its pin not even a good one runs.
    let error = Minter::builder()
        .component(own.to_vec())
        .build()
        .err()
        .unwrap();
    assert_eq!(error.class(), Class::Policy);
    assert!(error.message.contains("is not pinned"), "{error}");
    assert_eq!(world.simulator.connections(), 0);
}

#[test]
fn the_command_runs_no_component_that_is_not_pinned() {
    let world = World::new();
    let file = world.path().join("same.wasm");
    std::fs::write(&file, tailmint::component::EmbeddedComponent::bytes()).unwrap();
    let file = file.to_str().unwrap();
    let ran = world.run(&["mint", "--component", file]);
    assert_eq!(ran.code, 11, "{}", ran.stderr);
    assert!(ran.stderr.contains("is not pinned"), "{}", ran.stderr);
    // The same bytes, compiled here, and pinned.
    let pin = format!(
        "version = 1\n[component]\nsha256 = [\"{}\"]\n",
        tailmint::component::EmbeddedComponent::digest()
    );
    let policy = world.write("policy.toml", &pin);
    let ran = world.run(&[
        "mint",
        "--component",
        file,
        "--policy",
        policy.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(world.simulator.live_keys().len(), 1);
}

#[test]
fn no_scenario_is_without_a_test() {
    let table = all();
    // As many as there were when they were last counted: none gets lost.
    assert!(table.len() >= 167, "{} scenarios", table.len());
    let names: BTreeSet<_> = table.iter().map(|it| &it.name).collect();
    assert_eq!(names.len(), table.len(), "the component finds them by name");
    for name in names {
        assert!(
            name.starts_with(|group| ('A'..='I').contains(&group)),
            "{name}"
        );
    }
}
