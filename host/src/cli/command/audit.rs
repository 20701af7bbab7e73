use std::{path::Path, process::ExitCode};

use serde_json::{Map, Value, json};
use tailmint::{Class, Environment, Verification, verify};

use crate::cli::{
    arguments::{Audit, AuditCommand, Decided, Global},
    failure::Failure,
    print,
    session::audit_path,
    trace::Trace,
};

type Record = Map<String, Value>;

pub(in crate::cli) fn audit(global: &Global, audit: &Audit) -> Result<ExitCode, Failure> {
    let path = audit_path(global, &Environment::of_process())?;
    let found = verify(&path)?;
    match &audit.command {
        AuditCommand::Verify { head } => return check(global, &path, &found, head.as_deref()),
        AuditCommand::Head => {
            let (number, hash) = found.head.as_ref().ok_or_else(|| empty(&path))?;
            let line = if global.json {
                json!({ "number": number, "hash": hash }).to_string()
            } else {
                format!("{number} {hash}")
            };
            print::written(&line)?;
        }
        AuditCommand::Show {
            run,
            decision,
            since,
            until,
        } => {
            for entry in &found.entries {
                let of_run = run.as_deref().is_none_or(|run| text(entry, "run") == run);
                let decided = decision.is_none_or(|it| text(entry, "decision") == name_of(it));
                let time: Option<jiff::Timestamp> = text(entry, "time").parse().ok();
                let after = since.is_none_or(|since| time.is_some_and(|time| time >= since));
                let before = until.is_none_or(|until| time.is_some_and(|time| time < until));
                if of_run && decided && after && before {
                    show(global, entry)?;
                }
            }
        }
        AuditCommand::Tail { lines } => {
            let first = found.entries.len().saturating_sub(*lines);
            for entry in &found.entries[first..] {
                show(global, entry)?;
            }
        }
    }
    // Whoever reads it should know what it is worth.
    if !found.is_whole() {
        Trace::note("warning: this file was changed; see: tailmint audit verify");
    }
    Ok(ExitCode::SUCCESS)
}

fn check(
    global: &Global,
    path: &Path,
    found: &Verification,
    head: Option<&str>,
) -> Result<ExitCode, Failure> {
    let missing = head.filter(|head| !found.has(head));
    if global.json {
        let breaks: Vec<_> = found
            .breaks
            .iter()
            .map(|it| json!({ "line": it.line, "what": it.what }))
            .collect();
        print::written(
            &json!({
                "entries": found.entries.len(),
                "breaks": breaks,
                "torn": found.torn,
                "torn-tail": found.torn_tail,
                "head": found.head.as_ref().map(|(_, hash)| hash),
                "has-head": head.map(|_| missing.is_none()),
            })
            .to_string(),
        )?;
    }
    if let Some(first) = found.breaks.first() {
        for it in &found.breaks {
            Trace::note(&format!("line {}: {}", it.line, it.what));
        }
        return Err(Failure::new(
            Class::Policy,
            format!(
                "{} was changed: its chain breaks at line {}",
                path.display(),
                first.line
            ),
            Some("what is before that line is as it was written".to_owned()),
        ));
    }
    if let Some(head) = missing {
        return Err(Failure::new(
            Class::Policy,
            format!("{} has no line with the hash {head}", path.display()),
            Some("lines were removed at its end, or the file is another one".to_owned()),
        ));
    }
    if !global.json {
        let mut line = format!(
            "{}: {} entries, none changed",
            path.display(),
            found.entries.len()
        );
        if found.torn > 0 {
            line += &format!(", {} lines cut off and recorded", found.torn);
        }
        if found.torn_tail {
            line += ", the last line is cut off";
        }
        print::written(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn empty(path: &Path) -> Failure {
    Failure::new(
        Class::Policy,
        format!("{} has no entry yet", path.display()),
        None,
    )
}

fn show(global: &Global, entry: &Record) -> Result<(), Failure> {
    if global.json {
        return print::written(&Value::Object(entry.clone()).to_string());
    }
    print::written(&in_words(entry))
}

/// One entry as a line of a log.
fn in_words(entry: &Record) -> String {
    let time = text(entry, "time").get(..19).unwrap_or_default();
    let run = text(entry, "run");
    let request = format!("{} {}", text(entry, "method"), text(entry, "path"));
    let what = match text(entry, "event") {
        "decision" => {
            let verdict = match text(entry, "decision") {
                "allow" => "allowed",
                "report" => "reported",
                _ => "REFUSED",
            };
            let rule = text(entry, "rule");
            match entry.get("reason").and_then(Value::as_str) {
                Some(reason) => format!("{verdict} by {rule}: {request}: {reason}"),
                None => format!("{verdict} by {rule}: {request}"),
            }
        }
        "response" => format!(
            "answered {} after {} ms: {request}",
            number(entry, "status"),
            number(entry, "milliseconds")
        ),
        "failure" => format!(
            "no answer after {} ms: {request}: {}",
            number(entry, "milliseconds"),
            text(entry, "failure")
        ),
        "torn" => {
            return format!(
                "{time}                  a line of {} bytes was cut off",
                number(entry, "torn_bytes")
            );
        }
        other => format!("{other}: {request}"),
    };
    let mut line = format!("{time} {run} {}: {what}", text(entry, "operation"));
    let tags: Vec<_> = entry
        .get("tags")
        .and_then(Value::as_array)
        .map(|tags| tags.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !tags.is_empty() {
        line += &format!(", tags {}", tags.join(" "));
    }
    if let Some(key) = entry.get("key").and_then(Value::as_str) {
        line += &format!(", key {key}");
    }
    // Files are edited by strangers.
    tailmint_api::one_line(&line)
}

fn text<'a>(entry: &'a Record, name: &str) -> &'a str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(entry: &Record, name: &str) -> u64 {
    entry.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn name_of(decided: Decided) -> &'static str {
    match decided {
        Decided::Allow => "allow",
        Decided::Report => "report",
        Decided::Refuse => "refuse",
    }
}
