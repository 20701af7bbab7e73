use std::{
    error::Error,
    path::Path,
    process::{Command, Output},
    time::Instant,
};

use serde::Deserialize;

use crate::{programs::Programs, spread::Spread};

/// What the parts of the sandbox take, and what is around it, in microseconds, each in
/// processes of its own.
pub(crate) struct Parts(Vec<Once>);

/// What one process says.
#[derive(Clone, Copy, Deserialize)]
struct Once {
    engine: f64,
    load: f64,
    link: f64,
    instance: f64,
    first: f64,
    later: f64,
    pooled: f64,
    host: f64,
    native: f64,
    disk: f64,
    /// A process of tailmint that does nothing else than to start and end.
    #[serde(skip)]
    start: f64,
}

/// One of the figures, or what follows from them.
type Of = fn(&Once) -> f64;

impl Once {
    /// From the engine to the first result, without what a mint takes anyway with the
    /// same policy and seals.
    fn one_shot(&self) -> f64 {
        self.engine + self.load + self.link + self.instance + (self.first - self.host)
    }

    fn each_later(&self) -> f64 {
        self.pooled - self.host
    }
}

impl Parts {
    pub(crate) fn measure(programs: &Programs, processes: usize) -> Result<Self, Box<dyn Error>> {
        let mut all = Vec::new();
        for _ in 0..processes {
            let said = output(&programs.parts, &[])?;
            let begun = Instant::now();
            output(&programs.tailmint, &["--version"])?;
            all.push(Once {
                start: begun.elapsed().as_secs_f64() * 1e6,
                ..serde_json::from_slice(&said.stdout)?
            });
        }
        Ok(Self(all))
    }

    /// The sandbox's share of a process that mints once, in milliseconds.
    pub(crate) fn one_shot_ms(&self) -> f64 {
        self.median(Once::one_shot) / 1e3
    }

    /// Its share of each mint in a process that mints many, in microseconds.
    pub(crate) fn each_later_us(&self) -> f64 {
        self.median(Once::each_later)
    }

    pub(crate) fn table(&self) -> String {
        let mut table = "| part | us |\n|---|---|".to_owned();
        let rows: [(&str, Of); 13] = [
            ("engine", |it| it.engine),
            ("load", |it| it.load),
            ("link", |it| it.link),
            ("first instance", |it| it.instance),
            ("first mint, API in memory", |it| it.first),
            ("later mint, API in memory", |it| it.later),
            ("later mint in a pool", |it| it.pooled),
            ("the same without a sandbox", |it| it.host),
            ("and without a policy and seals", |it| it.native),
            ("sandbox of a process that mints once", Once::one_shot),
            ("sandbox of each later mint in a pool", Once::each_later),
            ("a process that prints its version", |it| it.start),
            ("a line of the audit, until it is on disk", |it| it.disk),
        ];
        for (name, of) in rows {
            let spread = self.spread(of);
            table += &format!(
                "\n| {name} | {:.0} ({:.0}-{:.0}) |",
                spread.median, spread.quarter, spread.three_quarters
            );
        }
        table
    }

    fn median(&self, of: impl Fn(&Once) -> f64) -> f64 {
        self.spread(of).median
    }

    fn spread(&self, of: impl Fn(&Once) -> f64) -> Spread {
        Spread::of(self.0.iter().map(of).collect())
    }
}

fn output(program: &Path, arguments: &[&str]) -> Result<Output, Box<dyn Error>> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(output)
}
