//! What a mint costs: whole processes, alternating, against the simulator over
//! TLS on loopback.

mod contender;
mod measure;
mod table;

use std::{error::Error, path::PathBuf, process::Command};

use clap::Parser;
use contender::Contender;
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
}

/// Of the script's wall time and CPU time, what tailmint may take.
const WALL_SHARE: f64 = 0.20;
const CPU_SHARE: f64 = 0.12;
/// What it may have in memory, and on disk.
const MAX_PEAK_KIB: f64 = 20.0 * 1024.0;
const MAX_BINARY_BYTES: u64 = 12 * 1000 * 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let tailmint = build()?;
    let simulator = Simulator::start(&Setup::default())?;
    let directory = tempfile::tempdir()?;
    let ca = directory.path().join("ca.pem");
    simulator.write_ca(&ca)?;
    simulator.write_secrets(directory.path())?;
    let to = simulator.address().to_string();
    let mut contenders = [
        Contender::new("tailmint", {
            let mut command = Command::new(&tailmint);
            command
                .args(["mint", "--connect-to", &to])
                .arg("--secrets-dir")
                .arg(directory.path())
                .arg("--ca-file")
                .arg(&ca);
            command
        }),
        Contender::new("curl + jq script", {
            let mut command =
                Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("script.sh"));
            command.arg(directory.path()).arg(&to).arg(&ca);
            command
        }),
    ];
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
    if arguments.check {
        let [ours, script] = &contenders;
        let wall = ours.wall().median / script.wall().median;
        let cpu = ours.cpu().median / script.cpu().median;
        let within = wall <= WALL_SHARE
            && cpu <= CPU_SHARE
            && ours.peak().median <= MAX_PEAK_KIB
            && size <= MAX_BINARY_BYTES;
        println!(
            "wall {wall:.3} of the script's (at most {WALL_SHARE}), CPU {cpu:.3} (at most {CPU_SHARE})"
        );
        if !within {
            return Err("tailmint takes more than it may".into());
        }
    }
    Ok(())
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
