use std::{
    io::{BufReader, Write},
    ops::ControlFlow,
    path::Path,
};

use tailmint::internals::append;
use tailmint_audit::{
    Actor, AuditFile, Break, Verification, follow_lines,
    line::{Link, write},
    verify,
};

use tailmint_core::Environment;

use super::shown::shown;

thread_local! {
    static DIRECTORY: tempfile::TempDir = tempfile::tempdir().expect("a directory");
}

/// Lines of an audit log: those that begin with `+` are what an entry says, and become the
/// next line of the chain; all others are lines as they are, the last one without its end.
///
/// However they are read they are the same. A chain is whole where all lines are its own.
/// And where the log is written on, the entry is found, and nothing that was there is
/// called changed that was not before.
pub fn audit_log(input: &[u8]) {
    let (log, entries) = log(input);
    let read = |capacity| {
        let reader = BufReader::with_capacity(capacity, &*log);
        let mut handed_out = 0;
        let found = follow_lines(reader, |_| {
            handed_out += 1;
            ControlFlow::Continue(())
        });
        let found = found.expect("memory can be read");
        assert_eq!(found.entries, handed_out);
        found
    };
    let found = read(8192);
    assert_eq!(format!("{found:?}"), format!("{:?}", read(3)));
    assert!(found.entries >= entries.all);
    if entries.are_all_lines {
        assert!(found.is_whole() && found.torn == 0 && !found.torn_tail);
        assert_eq!(found.entries, entries.all);
    }
    let lines = log.split(|&byte| byte == b'\n').count();
    for broken in &found.breaks {
        shown(&broken.what);
        assert!((1..=lines).contains(&broken.line), "{broken:?}");
    }
    let path = DIRECTORY.with(|it| it.path().join("audit.jsonl"));
    std::fs::write(&path, &log).expect("a file");
    append_to(&path, &found);
}

fn append_to(path: &Path, before: &Verification) {
    let Ok(file) = AuditFile::open(path.to_owned()) else {
        return;
    };
    let actor = Actor::from_process(&Environment::default());
    let mut numbers = before.head.iter().filter_map(|it| it.number);
    append(&file, &actor, false).expect("it is written on");
    let after = verify(path).expect("it can be read");
    let mut kept = after.breaks.iter().zip(&before.breaks);
    // Only a log that was read from a file has its name.
    let is_kept = |(now, then): (&Break, &Break)| (now.line, &now.what) == (then.line, &then.what);
    assert!(kept.all(is_kept), "{after:?}");
    assert!(after.entries > before.entries && !after.torn_tail);
    let head = after.head.as_ref().and_then(|it| it.number);
    assert!(head > numbers.next(), "{head:?}");
    if before.is_whole() {
        assert!(after.is_whole(), "{before:?}, {:?}", after.breaks);
    }
}

struct Entries {
    all: u64,
    are_all_lines: bool,
}

fn log(input: &[u8]) -> (Vec<u8>, Entries) {
    let mut link = Link::default();
    let mut log = Vec::new();
    let mut entries = Entries {
        all: 0,
        are_all_lines: true,
    };
    let mut lines = input.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if let Some(said) = line.strip_prefix(b"+") {
            let said = serde_json::json!({ "said": String::from_utf8_lossy(said) });
            let time = jiff::Timestamp::UNIX_EPOCH;
            let (text, next) = write(&link, time, &said).expect("text");
            link = next;
            entries.all += 1;
            writeln!(log, "{text}").expect("memory");
        } else if lines.peek().is_some() || !line.is_empty() {
            entries.are_all_lines = false;
            log.extend_from_slice(line);
            if lines.peek().is_some() {
                log.push(b'\n');
            }
        }
    }
    (log, entries)
}
