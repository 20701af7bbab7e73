use std::{io::Write, process::ExitCode, sync::Arc};

use anstyle::{AnsiColor, Style};
use serde_json::json;
use tailmint::{Class, Environment, Finding, Grade, Interrupt, Trust};

use crate::cli::{
    arguments::{Check, Global},
    failure::Failure,
    print,
    signals::Signals,
    trace::Trace,
};

pub(in crate::cli) async fn check(global: &Global, check: &Check) -> Result<ExitCode, Failure> {
    let interrupt = Interrupt::default();
    let signals = Signals::raise(&interrupt)?;
    let trust = global.ca_file.clone().map(Trust::pem_file).transpose()?;
    let looked = tailmint::Check {
        config: global.config.clone(),
        policy: global.policy.clone(),
        audit_file: global.audit_file.clone(),
        secrets_dir: global.secrets_dir.clone(),
        profiles: check.profiles.names.clone(),
        all: check.profiles.all,
        connect_to: global.connect_to.clone(),
        trust,
        observer: global.verbose.then(|| Arc::new(Trace) as Arc<_>),
        interrupt: interrupt.clone(),
        tailscale: check.tailscale.clone(),
        socket: check.socket.clone(),
        environment: Environment::of_process(),
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
    printed?;
    if let Some(code) = signals.exit_code() {
        return Ok(ExitCode::from(code));
    }
    Ok(first.map_or(ExitCode::SUCCESS, |class| ExitCode::from(class.exit_code())))
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
    let mut out = anstream::stdout().lock();
    let grade = finding.grade;
    let written = writeln!(
        out,
        "{color}{grade}{color:#} {}: {}",
        finding.subject, finding.message
    )
    .and_then(|()| match &finding.hint {
        Some(hint) => writeln!(out, "       {hint}"),
        None => Ok(()),
    });
    written.map_err(|error| {
        Failure::internal(&format!("standard output cannot be written to: {error}"))
    })
}
