use std::{
    collections::VecDeque,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};
use tailmint::Class;
use tailmint_api::OutsideText;
use tailmint_audit::{
    Actor, AuditFile, Break, Checkpoint, Checkpoints, Compared, Continued, Head, MAX_NOTE_BYTES,
    PublicKey, Record, Verification, follow, follow_to, verify,
};
use tailmint_core::digest::hex;
use tailmint_operator::{config::Config, environment_of_process, regular_file};

use super::{audit_explain, audit_report};
use crate::{
    arguments::{Audit, AuditCommand, Decided, Global},
    failure::Failure,
    print,
    session::{as_configured, audit_path},
    trace::Trace,
};

pub(crate) fn audit(global: &Global, audit: &Audit) -> Result<ExitCode, Failure> {
    let path = audit_path(global, &environment_of_process())?;
    let found = match &audit.command {
        AuditCommand::Verify {
            head,
            checkpoint,
            public_key,
        } => {
            let kept = Kept {
                head: head.as_ref(),
                checkpoint: checkpoint.as_deref(),
                public_key: public_key.as_ref(),
            };
            return check(global, &path, &kept);
        }
        AuditCommand::Checkpoint {
            public_key,
            rotate_key,
        } => return checkpoint(global, path, *public_key, *rotate_key),
        AuditCommand::Rotate => return rotate(global, path),
        AuditCommand::Ship { since } => return ship(global, path, *since),
        AuditCommand::Report(asked) => {
            if global.json && asked.html.as_deref() == Some(Path::new("-")) {
                return Err(Failure::new(
                    Class::Usage,
                    "--html - and --json both print on standard output",
                    Some("give --html the name of a file".to_owned()),
                ));
            }
            let note = asked.checkpoint.as_deref().map(note).transpose()?;
            let report = audit_report::report(&path, asked, note.as_deref(), global.json)?;
            if let Some(first) = report.chain.breaks.first() {
                let file = first.file.as_ref().map(|file| path.with_file_name(file));
                return Err(changed(file.as_deref().unwrap_or(&path), first.line));
            }
            let is_lost = report.chain.kept.as_ref().is_some_and(|it| !it.holds);
            return match asked.head.as_ref().filter(|_| is_lost) {
                Some(head) => Err(lacks(&path, head)),
                None => fits(&path, report.chain.checkpoint.as_ref()).map(|()| ExitCode::SUCCESS),
            };
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

/// What was kept elsewhere of the log.
struct Kept<'a> {
    head: Option<&'a Head>,
    checkpoint: Option<&'a Path>,
    public_key: Option<&'a PublicKey>,
}

fn check(global: &Global, path: &Path, kept: &Kept<'_>) -> Result<ExitCode, Failure> {
    let note = kept.checkpoint.map(note).transpose()?;
    let size = note.as_deref().and_then(Checkpoint::size_of);
    let mut has_head = false;
    let (found, root) = follow_to(path, size, |entry| {
        has_head |= kept.head.is_some_and(|head| head.is(entry));
        ControlFlow::Continue(())
    })?;
    let missing = kept.head.filter(|_| !has_head);
    let compared = note.map(|note| Compared::of(&note, kept.public_key, path, &found, root));
    if global.json {
        let head = kept.head.map(|_| missing.is_none());
        let checkpoint = compared.as_ref().and_then(|it| it.holds);
        print::written(&in_json(&found, head, checkpoint))?;
    }
    whole(path, &found)?;
    if let Some(head) = missing {
        return Err(lacks(path, head));
    }
    fits(path, compared.as_ref())?;
    if !global.json {
        print::written(&summary(path, &found, compared.as_ref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the log has the lines that the checkpoint was signed for.
fn fits(path: &Path, compared: Option<&Compared>) -> Result<(), Failure> {
    let Some(compared) = compared.filter(|it| it.holds != Some(true)) else {
        return Ok(());
    };
    let message = format!("{}: {}", path.display(), compared.what);
    let hint = compared.hint.map(str::to_owned);
    Err(Failure::new(Class::Policy, message, hint))
}

/// Whether the chain is.
fn whole(path: &Path, found: &Verification) -> Result<(), Failure> {
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
    let Some(first) = found.breaks.first() else {
        return Ok(());
    };
    for it in &found.breaks {
        let Break { line, what, .. } = it;
        Trace::note(&match &it.file {
            Some(file) if found.files > 1 => format!("{file}, line {line}: {what}"),
            _ => format!("line {line}: {what}"),
        });
    }
    if found.more_breaks > 0 {
        Trace::note(&format!("and {} more", found.more_breaks));
    }
    Err(changed(&first.path_beside(path), first.line))
}

/// The note in the file of a checkpoint.
fn note(path: &Path) -> Result<String, Failure> {
    let failed = |detail: &dyn std::fmt::Display| {
        let hint = "give the file of what audit checkpoint printed".to_owned();
        let message = format!("the checkpoint {}: {detail}", path.display());
        Failure::new(Class::Usage, message, Some(hint))
    };
    let bytes = regular_file::read(path, MAX_NOTE_BYTES as u64).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|_| failed(&"it is not UTF-8"))
}

fn in_json(found: &Verification, has_head: Option<bool>, has_checkpoint: Option<bool>) -> String {
    let breaks = found.breaks.iter();
    let breaks: Vec<_> = breaks
        .map(|it| json!({ "file": it.file, "line": it.line, "what": it.what }))
        .collect();
    let continues = found.continues.as_ref();
    json!({
        "entries": found.entries,
        "files": found.files,
        "first-line": continues.map_or(1, |it| it.line),
        "removed-files": continues.map_or(0, |it| it.number),
        "removal-recorded": found.is_removal_recorded(),
        "breaks": breaks,
        "more-breaks": found.more_breaks,
        "torn": found.torn,
        "torn-tail": found.torn_tail,
        "unsigned-keys": found.unsigned_keys,
        "head": found.head.as_ref().map(|head| &head.hash),
        "root": found.is_whole().then(|| hex(&found.tree.root())),
        "has-head": has_head,
        "has-checkpoint": has_checkpoint,
    })
    .to_string()
}

fn summary(path: &Path, found: &Verification, compared: Option<&Compared>) -> String {
    let shown = path.display();
    let mut line = if found.files > 1 {
        let Verification { entries, files, .. } = found;
        format!("{shown}: {entries} entries in {files} files, none changed")
    } else {
        format!("{shown}: {} entries, none changed", found.entries)
    };
    if let Some(compared) = compared {
        line += &format!(", {}", compared.what);
    }
    if let Some(continued) = &found.continues {
        let Continued {
            number,
            line: first,
            ..
        } = continued;
        let told = if found.is_removal_recorded() == Some(true) {
            "the log says that they were to be removed, which proves nothing"
        } else {
            "the log does not say that they were to be removed"
        };
        line += &format!(
            "; it begins with line {first}: the files up to number {number} are not here; {told}"
        );
    }
    if found.torn > 0 {
        line += &format!(", {} lines cut off and recorded", found.torn);
    }
    if found.torn_tail {
        line += ", the last line is cut off";
    }
    if found.unsigned_keys > 0 {
        line += &format!(
            ", {} keys of checkpoints not signed by the one before",
            found.unsigned_keys
        );
    }
    line
}

fn checkpoint(
    global: &Global,
    path: PathBuf,
    public_key: bool,
    rotate_key: bool,
) -> Result<ExitCode, Failure> {
    let environment = environment_of_process();
    let config = Config::load(global.config.as_deref(), &environment)?;
    let actor = Actor::from_process(&environment);
    let log = as_configured(AuditFile::open_existing(path)?, &config)?;
    let checkpoints = Checkpoints::of(&log, &actor);
    let is_key = public_key || rotate_key;
    let text = if rotate_key {
        checkpoints.rotate_key()?.to_string()
    } else if public_key {
        checkpoints.public_key()?.to_string()
    } else {
        checkpoints.sign()?
    };
    print::written(&if global.json {
        let member = if is_key { "public-key" } else { "checkpoint" };
        json!({ member: text }).to_string()
    } else {
        // Its last line end is part of a note.
        text.trim_end().to_owned()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn ship(
    global: &Global,
    path: PathBuf,
    since: Option<jiff::Timestamp>,
) -> Result<ExitCode, Failure> {
    let config = Config::load(global.config.as_deref(), &environment_of_process())?;
    if config.shipping().is_none() {
        return Err(Failure::new(
            Class::Usage,
            "the configuration does not say where the audit log is shipped to",
            Some("write ship = \"journal\" or ship = \"syslog\" in its section [audit]".to_owned()),
        ));
    }
    let shown = path.display().to_string();
    let log = as_configured(AuditFile::open_existing(path)?, &config)?;
    let entries = log.ship(since)?;
    print::written(&if global.json {
        json!({ "entries": entries }).to_string()
    } else {
        format!("{shown}: {entries} entries shipped")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn rotate(global: &Global, path: PathBuf) -> Result<ExitCode, Failure> {
    let environment = environment_of_process();
    let config = Config::load(global.config.as_deref(), &environment)?;
    let actor = Actor::from_process(&environment);
    let shown = path.display().to_string();
    let log = as_configured(AuditFile::open_existing(path)?, &config)?;
    let archived = log.rotate(&actor)?;
    print::written(&match archived {
        archived if global.json => {
            json!({ "archived": archived.map(|it| it.display().to_string()) }).to_string()
        }
        Some(archived) => format!("{shown}: the lines before are in {}", archived.display()),
        None => format!("{shown}: there is no line to rotate"),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The error of a file whose chain breaks at this line.
fn changed(file: &Path, line: usize) -> Failure {
    let file = file.display();
    Failure::new(
        Class::Policy,
        format!("{file} was changed: its chain breaks at line {line}"),
        Some("the lines before that one are unchanged".to_owned()),
    )
}

/// The error of a log that does not have what was kept of it.
fn lacks(path: &Path, head: &Head) -> Failure {
    Failure::new(
        Class::Policy,
        format!("{} has no line {head}", path.display()),
        Some("lines were removed at its end, or the file is another one".to_owned()),
    )
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
        "rotated" => {
            let text = format!("{time} the log goes on after {}", entry.text("file"));
            return OutsideText::new(&text).into_string();
        }
        "checkpoint-key" => {
            let text = format!("{time} checkpoints are signed with {}", entry.text("key"));
            return OutsideText::new(&text).into_string();
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
