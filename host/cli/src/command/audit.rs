use std::{collections::VecDeque, ops::ControlFlow, path::Path, process::ExitCode};

use serde_json::{Value, json};
use tailmint::Class;
use tailmint_api::OutsideText;
use tailmint_audit::{Head, Record, Verification, follow, verify};
use tailmint_operator::environment_of_process;

use super::{audit_explain, audit_report};
use crate::{
    arguments::{Audit, AuditCommand, Decided, Global},
    failure::Failure,
    print,
    session::audit_path,
    trace::Trace,
};

pub(crate) fn audit(global: &Global, audit: &Audit) -> Result<ExitCode, Failure> {
    let path = audit_path(global, &environment_of_process())?;
    let found = match &audit.command {
        AuditCommand::Verify { head } => return check(global, &path, head.as_ref()),
        AuditCommand::Report(asked) => {
            if global.json && asked.html.as_deref() == Some(Path::new("-")) {
                return Err(Failure::new(
                    Class::Usage,
                    "--html - and --json both print on standard output",
                    Some("give --html the name of a file".to_owned()),
                ));
            }
            let report = audit_report::report(&path, asked, global.json)?;
            let first = report.chain.breaks.first().map(|it| it.line);
            let missing = asked.head.as_ref();
            let missing =
                missing.filter(|_| report.chain.kept.as_ref().is_some_and(|it| !it.holds));
            return verdict(&path, first, missing).map(|()| ExitCode::SUCCESS);
        }
        AuditCommand::Explain { what } => audit_explain::explain(global, &path, what)?,
        AuditCommand::Head => {
            let found = verify(&path)?;
            let head = found.head.as_ref().ok_or_else(|| empty(&path))?;
            print::written(&if global.json {
                json!({ "number": head.number, "hash": head.hash }).to_string()
            } else {
                head.to_string()
            })?;
            found
        }
        AuditCommand::Show {
            run,
            decision,
            since,
            until,
        } => each(&path, |entry| {
            let of_run = run.as_deref().is_none_or(|run| entry.text("run") == run);
            let decided = decision.is_none_or(|it| entry.text("decision") == name_of(it));
            let time: Option<jiff::Timestamp> = entry.text("time").parse().ok();
            let after = since.is_none_or(|since| time.is_some_and(|time| time >= since));
            let before = until.is_none_or(|until| time.is_some_and(|time| time < until));
            if of_run && decided && after && before {
                show(global, entry)?;
            }
            Ok(())
        })?,
        AuditCommand::Tail { lines } => {
            let mut last = VecDeque::new();
            let found = each(&path, |entry| {
                last.push_back(entry.clone());
                if last.len() > *lines {
                    last.pop_front();
                }
                Ok(())
            })?;
            for entry in &last {
                show(global, entry)?;
            }
            found
        }
    };
    // Readers should know whether the file was changed.
    if !found.is_whole() {
        Trace::note("warning: this file was changed; see: tailmint audit verify");
    }
    Ok(ExitCode::SUCCESS)
}

/// Follows the chain, and stops where an entry cannot be printed.
fn each(
    path: &Path,
    mut work: impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<Verification, Failure> {
    let mut failure = None;
    let found = follow(path, |entry| match work(entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(it) => {
            failure = Some(it);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(found), Err)
}

fn check(global: &Global, path: &Path, head: Option<&Head>) -> Result<ExitCode, Failure> {
    let mut has_head = false;
    let found = follow(path, |entry| {
        has_head |= head.is_some_and(|head| head.is(entry));
        ControlFlow::Continue(())
    })?;
    let missing = head.filter(|_| !has_head);
    if global.json {
        let breaks: Vec<_> = found
            .breaks
            .iter()
            .map(|it| json!({ "line": it.line, "what": it.what }))
            .collect();
        print::written(
            &json!({
                "entries": found.entries,
                "breaks": breaks,
                "more-breaks": found.more_breaks,
                "torn": found.torn,
                "torn-tail": found.torn_tail,
                "head": found.head.as_ref().map(|head| &head.hash),
                "has-head": head.map(|_| missing.is_none()),
            })
            .to_string(),
        )?;
    }
    if found.is_something_else {
        return Err(Failure::new(
            Class::Policy,
            format!(
                "{} is not an audit log: no line of it is one",
                path.display()
            ),
            Some("name the file of an audit log".to_owned()),
        ));
    }
    if let Some(first) = found.breaks.first() {
        for it in &found.breaks {
            Trace::note(&format!("line {}: {}", it.line, it.what));
        }
        if found.more_breaks > 0 {
            Trace::note(&format!("and {} more", found.more_breaks));
        }
        verdict(path, Some(first.line), None)?;
    }
    verdict(path, None, missing)?;
    if !global.json {
        let mut line = format!(
            "{}: {} entries, none changed",
            path.display(),
            found.entries
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

/// The error of a log whose chain breaks at this line, or that lacks a line that was kept.
fn verdict(path: &Path, breaks_at: Option<usize>, missing: Option<&Head>) -> Result<(), Failure> {
    if let Some(line) = breaks_at {
        return Err(Failure::new(
            Class::Policy,
            format!(
                "{} was changed: its chain breaks at line {line}",
                path.display()
            ),
            Some("the lines before that one are unchanged".to_owned()),
        ));
    }
    if let Some(head) = missing {
        return Err(Failure::new(
            Class::Policy,
            format!("{} has no line {head}", path.display()),
            Some("lines were removed at its end, or the file is another one".to_owned()),
        ));
    }
    Ok(())
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
        return print::written(&entry.to_json());
    }
    print::written(&in_words(entry))
}

/// One entry as a line of a log.
fn in_words(entry: &Record) -> String {
    let time = entry.text("time").get(..19).unwrap_or_default();
    let run = entry.text("run");
    let request = format!("{} {}", entry.text("method"), entry.text("path"));
    let what = match entry.text("event") {
        "decision" => {
            let verdict = match entry.text("decision") {
                "allow" => "allowed",
                "report" => "would be denied",
                _ => "DENIED",
            };
            let rule = entry.text("rule");
            match entry.get("reason").and_then(Value::as_str) {
                Some(reason) => format!("{verdict} by {rule}: {request}: {reason}"),
                None => format!("{verdict} by {rule}: {request}"),
            }
        }
        "response" => format!(
            "response {} after {} ms: {request}",
            entry.number("status"),
            entry.number("milliseconds")
        ),
        "failure" => format!(
            "no response after {} ms: {request}: {}",
            entry.number("milliseconds"),
            entry.text("failure")
        ),
        "torn" => {
            return format!(
                "{time}                  a line of {} bytes was cut off",
                entry.number("torn_bytes")
            );
        }
        other => format!("{other}: {request}"),
    };
    let mut line = format!("{time} {run} {}: {what}", entry.text("operation"));
    let tags = entry.texts("tags");
    if !tags.is_empty() {
        line += &format!(", tags {}", tags.join(" "));
    }
    if let Some(key) = entry.get("key").and_then(Value::as_str) {
        line += &format!(", key {key}");
    }
    // Files are edited by strangers.
    OutsideText::new(&line).into_string()
}

fn name_of(decided: Decided) -> &'static str {
    match decided {
        Decided::Allow => "allow",
        Decided::Report => "report",
        Decided::Deny => "deny",
    }
}
