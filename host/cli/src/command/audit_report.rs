use std::{
    fs::{self, Metadata, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use tailmint::Class;
use tailmint_api::OutsideText;
use tailmint_audit::{
    Moment, Report,
    report::{KeptElsewhere, Period},
};

use crate::{
    arguments::{AuditReport, When},
    audit_report::{is_page, page, text},
    failure::Failure,
    print,
};

/// Reads the log, writes the page where one is asked for, and prints the numbers. The report
/// is handed back, for what is wrong with the log.
pub(super) fn report(
    path: &Path,
    asked: &AuditReport,
    note: Option<&str>,
    json: bool,
) -> Result<Report, Failure> {
    let now = jiff::Timestamp::now();
    let period = Period {
        since: asked.since.map(|since| Moment(since.before(now))),
        until: Moment(asked.until.map_or(now, |until| until.before(now))),
    };
    if period.since.is_some_and(|since| since >= period.until) {
        return Err(Failure::new(
            Class::Usage,
            "the time of the report ends before it begins",
            Some("give --since a time before that of --until".to_owned()),
        ));
    }
    let kept = KeptElsewhere {
        head: asked.head.as_ref(),
        checkpoint: note,
        public_key: asked.public_key.as_ref(),
    };
    let report = Report::read(path, &period, &kept)?;
    let Some(file) = &asked.html else {
        print::written(&if json {
            in_json(&report)?
        } else {
            text(&report)
        })?;
        return Ok(report);
    };
    let shown = OutsideText::of(path.display());
    let page = page(&report, &shown);
    if file == Path::new("-") {
        print::bytes(page.as_bytes())?;
        return Ok(report);
    }
    write(file, page.as_bytes(), asked.force)?;
    print::written(&if json {
        in_json(&report)?
    } else {
        format!("{}: written", file.display())
    })?;
    Ok(report)
}

fn in_json(report: &Report) -> Result<String, Failure> {
    serde_json::to_string(report)
        .map_err(|_| Failure::internal("the report cannot be written as JSON"))
}

/// Writes the file whole, or leaves what is there. A report takes the position of an older
/// one; nothing else is overwritten unless that is asked for.
fn write(path: &Path, content: &[u8], force: bool) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        Failure::new(
            Class::Usage,
            format!("{}: {error}", path.display()),
            Some("name a file in a directory that you may write to".to_owned()),
        )
    };
    let (path, kept) = target(path, force)?;
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(directory)
        .map_err(|error| failed(&error))?;
    let written = file.write_all(content).and_then(|()| {
        // Past the umask: a web server that could read the older one can read this one.
        if let Some(kept) = &kept {
            fchown(file.as_file(), None, Some(kept.gid())).ok();
            let mode = kept.permissions().mode() & 0o777;
            file.as_file()
                .set_permissions(Permissions::from_mode(mode))?;
        }
        file.as_file().sync_all()
    });
    written.map_err(|error| failed(&error))?;
    file.persist(&path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// The file that a link leads to, or the file itself; and the older report there, whose mode
/// and group the new one gets. What another user put there decides about neither.
fn target(path: &Path, force: bool) -> Result<(PathBuf, Option<Metadata>), Failure> {
    let said = |what: &str, hint: &str| {
        let message = format!("{}: {what}", path.display());
        Failure::new(Class::Usage, message, Some(hint.to_owned()))
    };
    let another = "name another file";
    let is_own = |it: &Metadata| it.uid() == rustix::process::geteuid().as_raw();
    let Ok(link) = fs::symlink_metadata(path) else {
        return Ok((path.to_owned(), None));
    };
    if link.is_symlink() && !is_own(&link) {
        return Err(said("it is a link of another user", another));
    }
    let real = fs::canonicalize(path);
    let real = real.map_err(|_| said("it is a link that leads nowhere", another))?;
    let metadata = fs::metadata(&real).map_err(|error| said(&error.to_string(), another))?;
    if !metadata.is_file() {
        return Err(said("it is not a regular file", another));
    }
    let mut beginning = Vec::new();
    let read = fs::File::open(&real).and_then(|file| file.take(1024).read_to_end(&mut beginning));
    let is_report = read.is_ok() && is_page(&beginning);
    let is_free = is_own(&metadata) && (is_report || beginning.is_empty() && read.is_ok());
    if !is_free && !force {
        let hint = "name another file, or give --force to overwrite it";
        let what = if is_own(&metadata) {
            "it exists and is not an audit report"
        } else {
            "it is a file of another user"
        };
        return Err(said(what, hint));
    }
    let is_kept = is_report && is_own(&metadata);
    Ok((real, is_kept.then_some(metadata)))
}

impl When {
    /// The moment, as seen from now.
    fn before(self, now: jiff::Timestamp) -> jiff::Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.checked_sub(duration).unwrap_or(jiff::Timestamp::MIN),
        }
    }
}
