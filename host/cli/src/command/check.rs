use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::json;
use tailmint::{Class, Interrupt};
use tailmint_operator::check::{Finding, Grade};
use tailmint_operator::confinement::Confinement;
use tailmint_operator::{MinterSettings, environment_of_process};

use crate::{
    arguments::{Check, Global},
    failure::Failure,
    print,
    session::{audit_path, minter_settings},
    signals::Signals,
};

pub(crate) async fn check(global: &Global, check: &Check) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::default();
    let signals = Signals::raise(&interrupt)?;
    let minter = minter_settings(global, &environment_of_process(), &interrupt);
    let looked = tailmint_operator::check::Check {
        confinement: Some(confinement(global, &minter)),
        config: global.config.clone(),
        policy: global.policy.clone(),
        audit_file: global.audit_file.clone(),
        secrets_dir: global.secrets_dir.clone(),
        profiles: check.profiles.names.clone(),
        all: check.profiles.all,
        credential: check.identity.credential(),
        minter,
        probe_issuer: check.probe_issuer,
        tailscale: check.tailscale.clone(),
        socket: check.socket.clone(),
    };
    let mut first: Option<Class> = None;
    let mut printed = Ok(());
    looked
        .run(&mut |finding| {
            first = first.or(finding.class);
            if printed.is_ok() {
                printed = if global.json {
                    print::written(&in_json(finding))
                } else {
                    in_words(finding)
                };
            }
        })
        .await;
    match printed {
        Err(failure) if !failure.is_end_of_reader() => return Err(failure),
        // The findings count, however many of them were read.
        _ => {}
    }
    if let Some(code) = signals.exit_code() {
        return Ok(ExitCode::from(code));
    }
    Ok(first.map_or(ExitCode::SUCCESS, |class| {
        ExitCode::from(class.exit_status())
    }))
}

/// What this process keeps. Where the audit log or the proxy is not known, which is told,
/// nothing goes to the API.
fn confinement(global: &Global, minter: &MinterSettings) -> Confinement {
    let mut list = Confinement::to_resolve_names();
    if let Ok(way) = minter.way() {
        list = list.reaching(way);
    }
    if let Ok(audit) = audit_path(global, &minter.environment) {
        list = list.writing_beside(&audit);
    }
    list
}

fn in_json(finding: &Finding) -> String {
    json!({
        "subject": finding.subject,
        "grade": finding.grade.name(),
        "message": finding.message,
        "hint": finding.hint,
        "class": finding.class.map(Class::name),
    })
    .to_string()
}

fn in_words(finding: &Finding) -> Result<(), Failure> {
    let color: Style = match finding.grade {
        Grade::Passed => AnsiColor::Green.on_default(),
        Grade::Warned => AnsiColor::Yellow.on_default(),
        Grade::Failed => AnsiColor::Red.on_default(),
    };
    let (grade, subject, message) = (finding.grade, &finding.subject, &finding.message);
    let mut line = format!("{color}{grade}{color:#} {subject}: {message}");
    if let Some(hint) = &finding.hint {
        line += &format!("\n       {hint}");
    }
    print::styled(&line)
}
