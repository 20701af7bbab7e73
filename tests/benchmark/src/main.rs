//! What a mint costs: whole processes, alternating, against the simulator over
//! TLS, on loopback and from further away.

mod contender;
mod measure;
mod place;
mod programs;
mod relay;
mod table;
mod way;

use std::{error::Error, hint::black_box, path::PathBuf, time::Instant};

use clap::Parser;
use http::Request;
use place::{FLOOR, GET_AUTHKEY, Place, SCRIPT, TAILMINT};
use programs::Programs;
use tailmint::{Operation, Policy};
use tailmint_simulator::{Setup, Simulator};
use way::Way;

/// Mints with tailmint and with what else can do it, by turns, and prints what each
/// took.
#[derive(Parser)]
struct Arguments {
    /// How often each one mints
    #[arg(long, default_value_t = 40)]
    runs: usize,
    /// Fails where tailmint takes more than it may
    #[arg(long)]
    check: bool,
    /// Another build of tailmint, to be measured in the same run
    #[arg(long, value_name = "PROGRAM")]
    beside: Option<PathBuf>,
}

/// Of the script's wall time and CPU time, what tailmint may take.
const WALL_SHARE: f64 = 0.20;
const CPU_SHARE: f64 = 0.12;
/// What it may have in memory, and on disk.
const MAX_PEAK_KIB: f64 = 20.0 * 1024.0;
const MAX_BINARY_BYTES: u64 = 12 * 1000 * 1000;
/// What the policy may take to read a request and decide about it.
const MAX_DECISION_SECONDS: f64 = 5e-6;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let programs = Programs::build()?;
    let simulator = Simulator::start(&Setup::default())?;
    let place = Place::new(&simulator)?;
    let ways = Way::all(simulator.address())?;
    let mut contenders = Vec::new();
    for way in &ways {
        contenders.extend(place.contenders(way, &programs, arguments.beside.as_deref()));
    }
    let each = contenders.len() / ways.len();
    let way = |index: usize| &ways[index / each];
    for (index, contender) in contenders.iter_mut().enumerate() {
        // Once without counting: files are read from disk the first time.
        contender.mint(&simulator, way(index))?;
        contender.forget();
    }
    for run in 0..arguments.runs {
        for (index, contender) in contenders.iter_mut().enumerate() {
            // What waits for a relay most of the time varies little.
            if index < each || run % 2 == 0 {
                contender.mint(&simulator, way(index))?;
            }
        }
    }
    let size = programs.tailmint.metadata()?.len();
    println!("{}", table::of(&contenders));
    println!(
        "{} runs each, by turns; half as many through the relays, which delay every byte but \
         cannot delay the TCP handshake; stripped binary {:.1} MB",
        arguments.runs,
        size as f64 / 1e6
    );
    let decision = decision();
    println!("a policy decision takes {:.2} us", decision * 1e6);
    let of = |way: &Way, name: &str| {
        contenders
            .iter()
            .find(|it| it.way == way.name && it.name == name)
    };
    let ours = of(&ways[0], TAILMINT).ok_or("tailmint was not measured")?;
    for other in [SCRIPT, GET_AUTHKEY, FLOOR] {
        if let Some(other) = of(&ways[0], other) {
            println!(
                "of {}: wall {:.3}, CPU {:.3}",
                other.name,
                ours.wall().median / other.wall().median,
                ours.cpu().median / other.cpu().median
            );
        }
    }
    if arguments.check {
        let script = of(&ways[0], SCRIPT).ok_or("the script was not measured")?;
        let wall = ours.wall().median / script.wall().median;
        let cpu = ours.cpu().median / script.cpu().median;
        let within = wall <= WALL_SHARE
            && cpu <= CPU_SHARE
            && ours.peak().median <= MAX_PEAK_KIB
            && size <= MAX_BINARY_BYTES
            && decision <= MAX_DECISION_SECONDS;
        println!("of the script at most: wall {WALL_SHARE}, CPU {CPU_SHARE}");
        if !within {
            return Err("tailmint takes more than it may".into());
        }
    }
    Ok(())
}

/// How long the policy takes for the largest request of a mint, in seconds.
fn decision() -> f64 {
    const TIMES: u32 = 20_000;
    const BODY: &[u8] = br#"{"capabilities":{"devices":{"create":{"reusable":true,"ephemeral":true,"preauthorized":true,"tags":["tag:tazpod"]}}},"expirySeconds":3600}"#;
    let policy = Policy::built_in();
    let request = || {
        Request::post("https://api.tailscale.com/api/v2/tailnet/-/keys")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .body(BODY.to_vec())
            .expect("a request")
    };
    let requests: Vec<_> = (0..TIMES).map(|_| request()).collect();
    let begun = Instant::now();
    for request in requests {
        let explained = policy.explain(Operation::Mint, request);
        assert!(black_box(explained).decision.allows(), "it is allowed");
    }
    begun.elapsed().as_secs_f64() / f64::from(TIMES)
}
