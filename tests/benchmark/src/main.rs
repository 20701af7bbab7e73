//! What a mint costs: whole processes, alternating, against the simulator over
//! TLS on loopback.

mod contender;
mod measure;
mod table;

use std::{
    error::Error,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use clap::Parser;
use contender::Contender;
use http::Request;
use tailmint::{Operation, Policy};
use tailmint_simulator::{Setup, Simulator};

/// Mints with tailmint and with the script that it replaces, by turns, and
/// prints what each took.
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
    let tailmint = build()?;
    let simulator = Simulator::start(&Setup::default())?;
    let directory = tempfile::tempdir()?;
    let ca = directory.path().join("ca.pem");
    simulator.write_ca(&ca)?;
    simulator.write_secrets(directory.path())?;
    let to = simulator.address().to_string();
    let minting = |program: &Path| {
        let mut command = Command::new(program);
        command
            .args(["mint", "--connect-to", &to])
            .arg("--secrets-dir")
            .arg(directory.path())
            .arg("--ca-file")
            .arg(&ca)
            // The audit goes here.
            .env("XDG_STATE_HOME", directory.path());
        command
    };
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("script.sh"));
    script.arg(directory.path()).arg(&to).arg(&ca);
    let mut contenders = vec![
        Contender::new("tailmint", minting(&tailmint)),
        Contender::new("curl + jq script", script),
    ];
    if let Some(program) = &arguments.beside {
        contenders.push(Contender::new("another tailmint", minting(program)));
    }
    for contender in &mut contenders {
        // Once without counting: files are read from disk the first time.
        contender.mint(&simulator)?;
    }
    for contender in &mut contenders {
        contender.forget();
    }
    for _ in 0..arguments.runs {
        for contender in &mut contenders {
            contender.mint(&simulator)?;
        }
    }
    let size = tailmint.metadata()?.len();
    println!("{}", table::of(&contenders));
    println!(
        "{} runs each, by turns; stripped binary {:.1} MB",
        arguments.runs,
        size as f64 / 1e6
    );
    let decision = decision();
    println!("a policy decision takes {:.2} us", decision * 1e6);
    if arguments.check {
        let (ours, script) = (&contenders[0], &contenders[1]);
        let wall = ours.wall().median / script.wall().median;
        let cpu = ours.cpu().median / script.cpu().median;
        let within = wall <= WALL_SHARE
            && cpu <= CPU_SHARE
            && ours.peak().median <= MAX_PEAK_KIB
            && size <= MAX_BINARY_BYTES
            && decision <= MAX_DECISION_SECONDS;
        println!(
            "wall {wall:.3} of the script's (at most {WALL_SHARE}), CPU {cpu:.3} (at most {CPU_SHARE})"
        );
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

/// Builds tailmint as it is released.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "tailmint"])
        .status()?;
    if !built.success() {
        return Err("tailmint does not build".into());
    }
    // Beside this program, in the same folder of the target directory.
    Ok(std::env::current_exe()?.with_file_name("tailmint"))
}
