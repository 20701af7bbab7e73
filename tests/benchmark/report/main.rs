//! How long a report of a log takes, and how much memory: `cargo report-benchmark`. The log
//! is one of mints as tailmint writes them, four lines each.
//!
//! usage: `report-benchmark [LINES]`; without `LINES`, 100,000 lines, which have to be
//! reported in a second.

#![allow(
    clippy::disallowed_macros,
    reason = "what a benchmark prints is its own"
)]

use std::{
    error::Error,
    fs,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailmint_audit::{
    Moment, Report,
    line::{self, Link},
    report::{KeptElsewhere, Period},
};

const LINES: usize = 100_000;

/// What a report of so many lines may take.
const LIMIT: Duration = Duration::from_secs(1);

/// What it may take of memory, however long the log is.
const MEMORY_KIB: u64 = 32 * 1024;

/// So often, by turns; the quickest counts, since others use the machine too.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let lines = match std::env::args().nth(1) {
        Some(lines) => lines.parse()?,
        None => LINES,
    };
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("audit.jsonl");
    write(&path, lines)?;
    let bytes = fs::metadata(&path)?.len();
    let period = Period {
        since: None,
        until: Moment(Timestamp::now()),
    };
    let mut quickest = Duration::MAX;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let report = Report::read(&path, &period, &KeptElsewhere::default())?;
        quickest = quickest.min(begun.elapsed());
        assert!(report.chain.is_whole());
        assert_eq!(report.entries, lines as u64);
    }
    let peak = peak_kib().unwrap_or_default();
    println!(
        "{lines} lines, {} MB: reported in {:.2} s, with {:.1} MiB at the most",
        bytes / 1_000_000,
        quickest.as_secs_f64(),
        peak as f64 / 1024.0
    );
    let is_slow = lines <= LINES && quickest > LIMIT;
    if is_slow || peak > MEMORY_KIB {
        let limit = LIMIT.as_secs();
        return Err(format!("the limits are {limit} s and {MEMORY_KIB} KiB").into());
    }
    Ok(())
}

/// The most memory that this process had, where the system says so.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A log of mints, one a minute, up to now.
fn write(path: &Path, lines: usize) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    let mut link = Link::default();
    let begin = Timestamp::now() - SignedDuration::from_mins(i64::try_from(lines / 4 + 2)?);
    for number in 0..lines {
        let run = number / 4;
        let time = begin + SignedDuration::from_mins(i64::try_from(run)?);
        let (line, next) = line::write(&link, time, &entry(run, number % 4))?;
        writeln!(file, "{line}")?;
        link = next;
    }
    file.flush()?;
    Ok(())
}

/// One of the four entries of a mint.
fn entry(run: usize, step: usize) -> Value {
    let is_token = step < 2;
    let mut entry = json!({
        "event": if step.is_multiple_of(2) { "decision" } else { "response" },
        "run": format!("{run:016x}"),
        "actor": { "uid": 1000 + run % 3, "user": "me", "pid": 1000 + run % 30_000 },
        "version": "0.1.0",
        "component": "8d1f0c52".repeat(8),
        "policy": "3c9a77e0".repeat(8),
        "client": format!("kBOOT{}CNTRL", run % 4),
        "tailnet": "-",
        "operation": "mint",
        "rule": if is_token { "token" } else { "create-auth-key" },
        "decision": "allow",
        "method": "POST",
        "host": "api.tailscale.com",
        "path": if is_token { "/api/v2/oauth/token" } else { "/api/v2/tailnet/{tailnet}/keys" },
        "request_bytes": 171,
    });
    if !is_token {
        entry["tags"] = json!([format!("tag:t{}", run % 5)]);
        entry["expiry_seconds"] = 3600.into();
    }
    if step.is_multiple_of(2) {
        let name = if is_token {
            "client-secret"
        } else {
            "access-token"
        };
        entry["secrets"] = json!([{ "name": name, "fingerprint": "0123456789abcdef" }]);
    } else {
        entry["status"] = 200.into();
        entry["response_bytes"] = 310.into();
        entry["milliseconds"] = 120.into();
    }
    if step == 3 {
        entry["key"] = format!("k{run}CNTRL").into();
    }
    entry
}
