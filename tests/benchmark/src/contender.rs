use std::{
    error::Error,
    io::Read,
    process::{Command, Stdio},
    time::Instant,
};

use tailmint_simulator::Simulator;
use wait4::Wait4;

use crate::{spread::Spread, way::Way};

/// A way to mint a key, and what it took.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) way: &'static str,
    command: Command,
    runs: Vec<Run>,
}

#[derive(Clone, Copy)]
struct Run {
    wall_ms: f64,
    cpu_ms: f64,
    peak_kib: f64,
    connections: f64,
    handshakes: f64,
    round_trips: f64,
}

impl Contender {
    pub(crate) fn new(name: &'static str, way: &Way, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Self {
            name,
            way: way.name,
            command,
            runs: Vec::new(),
        }
    }

    /// Mints once; what it printed has to be the key that the API gave out.
    pub(crate) fn mint(&mut self, simulator: &Simulator, way: &Way) -> Result<(), Box<dyn Error>> {
        let before = (simulator.connections(), simulator.handshakes());
        let trips = way.round_trips();
        let begun = Instant::now();
        let mut child = self.command.spawn()?;
        let mut printed = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_string(&mut printed)?;
        }
        let used = child.wait4()?;
        let wall = begun.elapsed();
        let newest = simulator.keys().pop().map(|key| key.key);
        if !used.status.success() || newest.as_deref() != Some(printed.trim_end()) {
            return Err(format!("{} did not mint", self.name).into());
        }
        let cpu = used.rusage.utime + used.rusage.stime;
        self.runs.push(Run {
            wall_ms: wall.as_secs_f64() * 1e3,
            cpu_ms: cpu.as_secs_f64() * 1e3,
            peak_kib: used.rusage.maxrss as f64 / 1024.0,
            connections: (simulator.connections() - before.0) as f64,
            handshakes: (simulator.handshakes() - before.1) as f64,
            round_trips: (way.round_trips() - trips) as f64,
        });
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        self.runs.clear();
    }

    pub(crate) fn wall(&self) -> Spread {
        self.spread(|run| run.wall_ms)
    }

    pub(crate) fn cpu(&self) -> Spread {
        self.spread(|run| run.cpu_ms)
    }

    pub(crate) fn peak(&self) -> Spread {
        self.spread(|run| run.peak_kib)
    }

    pub(crate) fn connections(&self) -> Spread {
        self.spread(|run| run.connections)
    }

    pub(crate) fn handshakes(&self) -> Spread {
        self.spread(|run| run.handshakes)
    }

    pub(crate) fn round_trips(&self) -> Spread {
        self.spread(|run| run.round_trips)
    }

    fn spread(&self, of: impl Fn(&Run) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(of).collect())
    }
}
