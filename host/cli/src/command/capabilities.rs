use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};
use tailmint::{
    Class, Interrupt,
    component::{EmbeddedComponent, Inspected},
    policy::Policy,
};
use tailmint_api::{API_HOST, OutsideText, Rule};
use tailmint_core::{Environment, digest::sha256};
use tailmint_operator::{
    config::Config, confinement::Limit, credentials::SecretsDir, environment_of_process,
    policy_file,
};

use crate::{
    arguments::Global,
    failure::Failure,
    print,
    session::{audit_path, confinement_to, minter_settings},
};

/// What one part of tailmint can do.
struct Section {
    /// Its name for programs.
    name: &'static str,
    title: String,
    /// The SHA-256 of what says so.
    digest: Option<String>,
    lines: Vec<Line>,
}

/// One thing that it can do, or cannot.
struct Line {
    name: String,
    what: String,
    /// The SHA-256 of what it is about, where that is a file.
    digest: Option<String>,
    /// The test of the suite that holds it.
    test: &'static str,
}

impl Line {
    fn new(name: impl Into<String>, what: impl Into<String>, test: &'static str) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
            digest: None,
            test,
        }
    }
}

/// Says all that tailmint can do here, with this policy and this configuration.
pub(crate) fn capabilities(global: &Global) -> Result<ExitCode, Failure> {
    let environment = environment_of_process();
    let policy = policy_file::load(global.policy.as_deref(), &environment)?;
    let says = policy.to_json();
    let sections = [
        component(&policy)?,
        requests(&policy, &says),
        connections(&says),
        programs(&says),
        files(global, &environment, &says)?,
        confinement(global, &environment, &policy)?,
    ];
    print::written(&if global.json {
        in_json(&sections)
    } else {
        in_words(&sections)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the component can name of all that a runtime could give it.
fn component(policy: &Policy) -> Result<Section, Failure> {
    let found = Inspected::parse(EmbeddedComponent::bytes());
    let found = found.map_err(|error| Failure::new(Class::Internal, error, None))?;
    let imports = "artifact::the_component_imports_five_interfaces_and_no_more";
    let mut lines: Vec<_> = found
        .imports
        .iter()
        .map(|import| Line::new(import, Inspected::describe_import(import), imports))
        .collect();
    let may_run = match found.check(policy) {
        Ok(()) => "the policy lets it run".to_owned(),
        Err(denial) => format!("the policy does not let it run: {denial}"),
    };
    let pinned = "hostile::the_command_runs_no_component_that_is_not_pinned";
    lines.push(Line::new("run", may_run, pinned));
    Ok(Section {
        name: "component",
        title: "What the built-in component can name".to_owned(),
        digest: Some(found.digest),
        lines,
    })
}

/// What a rule has that says how a request is written, not what it is about.
const SHAPE: [&str; 7] = [
    "route",
    "operations",
    "count",
    "query",
    "headers",
    "max-body-bytes",
    "content-type",
];

/// What the policy lets leave.
fn requests(policy: &Policy, says: &Value) -> Section {
    let all = "conformance::the_host_lets_out_what_the_vectors_pass_and_nothing_else";
    let mut lines = vec![Line::new(
        "mode",
        if policy.is_report_only() {
            "report: what the policy would deny is written down, and sent"
        } else {
            "enforce: what the policy does not name is denied"
        },
        "policy::a_report_only_policy_lets_pass_and_writes_down",
    )];
    for rule in Rule::ALL {
        let member = &says["rule"][rule.name()];
        let route = rule.route();
        let request = format!("{} {}", route.method().as_str(), route.template());
        let operations = named(&member["operations"]);
        if operations.is_empty() {
            lines.push(Line::new(rule.name(), "never sent", all));
            continue;
        }
        let mut what = format!("{request}, for {}", operations.join(", "));
        let limits = member.as_object().into_iter().flatten();
        for (name, value) in limits.filter(|(name, _)| !SHAPE.contains(&name.as_str())) {
            what += &format!("; {}", limit(name, value));
        }
        lines.push(Line::new(rule.name(), what, all));
    }
    Section {
        name: "requests",
        title: format!("What the policy lets leave, to {API_HOST} on port 443 and nowhere else"),
        digest: Some(policy.digest().to_owned()),
        lines,
    }
}

/// A member of a rule in words, with those below it.
fn limit(name: &str, value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| limit(name, value));
            members.collect::<Vec<_>>().join("; ")
        }
        Value::Array(_) => {
            let names = named(value);
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(" ")
            };
            format!("{name} {names}")
        }
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    }
}

/// What the native host connects to besides, out of reach of the component.
fn connections(says: &Value) -> Section {
    let trust = |member: &str| words(&says["trust"][member]);
    let identity = &says["identity"];
    let sources = named(&identity["sources"]);
    let mut asked = listed(&identity["sources"]);
    if sources.iter().any(|source| source == "github") {
        asked += &format!(", at {}", listed(&identity["github-hosts"]));
    }
    Section {
        name: "connections",
        title: "What the native host may connect to besides".to_owned(),
        digest: None,
        lines: vec![
            Line::new(
                "vault push",
                listed(&says["vault"]["addresses"]),
                "vault::settings::a_vault_that_the_policy_does_not_name",
            ),
            Line::new(
                "platforms, for identity tokens",
                asked,
                "identity_sources::what_the_policy_does_not_name_is_not_asked",
            ),
            Line::new(
                "issuers of identity tokens, by check --probe-issuer",
                listed(&says["identity"]["issuer-hosts"]),
                "identity_tokens::check_asks_the_issuer_where_it_is_told_to_and_the_policy_names_it",
            ),
            Line::new(
                "machines, by ssh",
                listed(&says["ssh"]["hosts"]),
                "machines::a_machine_that_the_policy_does_not_name_gets_no_key",
            ),
            Line::new(
                "$HTTPS_PROXY, to the API, to GitHub and to issuers",
                trust("proxy"),
                "proxy::the_policy_can_forbid_a_proxy",
            ),
            Line::new(
                "--connect-to, to the API",
                trust("connect-to"),
                "policy::nobody_goes_beyond_the_ceiling",
            ),
        ],
    }
}

/// What the native host starts.
fn programs(says: &Value) -> Section {
    let is_used = |list: &Value| !named(list).is_empty();
    let ssh = if is_used(&says["ssh"]["hosts"]) {
        "for the machines above"
    } else {
        "never: the policy names no machine"
    };
    Section {
        name: "programs",
        title: "What the native host may run".to_owned(),
        digest: None,
        lines: vec![
            Line::new(
                "commands that print a credential",
                listed(&says["credentials"]["commands"]),
                "credential_commands::no_command_is_run_that_the_policy_does_not_name",
            ),
            Line::new(
                "commands that print an identity token",
                listed(&says["identity"]["commands"]),
                "identity_tokens::the_policy_denies_what_it_does_not_name",
            ),
            Line::new(
                "ssh",
                ssh,
                "machines::a_machine_that_the_policy_does_not_name_gets_no_key",
            ),
            Line::new(
                "tailscale",
                "for up and check; with sudo where --sudo says so",
                "machines::a_user_who_may_not_is_known_before_a_key_is_minted",
            ),
            Line::new(
                "systemctl",
                "for service",
                "service::this_machine_is_told_of_its_units",
            ),
            Line::new(
                "systemd-creds",
                "for clients encrypt and clients create --systemd",
                "encrypted::a_client_is_created_and_is_in_no_other_file",
            ),
            Line::new(
                "the command behind exec --",
                "as it is given",
                "exec::runs_the_command_with_the_key_and_passes_its_status_on",
            ),
        ],
    }
}

/// What the native host opens on this machine.
fn files(global: &Global, environment: &Environment, says: &Value) -> Result<Section, Failure> {
    let config = Config::load(global.config.as_deref(), environment)?;
    let secrets = SecretsDir::find(
        global.secrets_dir.as_deref(),
        config.secrets_dir(),
        environment,
    )?;
    let audit = audit_path(global, environment)?;
    let config_path = || Config::default_path(environment);
    let policy_path = || policy_file::default_path(environment);
    let mut lines = vec![
        readable(
            "configuration",
            global.config.clone().or_else(config_path),
            "sudo::root_does_not_believe_a_configuration_that_others_may_write",
        ),
        readable(
            "policy",
            global.policy.clone().or_else(policy_path),
            "policy::a_policy_that_others_may_write_is_none",
        ),
        readable(
            "ceiling of the policy",
            Some(Policy::ceiling_path().to_owned()),
            "policy::nobody_goes_beyond_the_ceiling",
        ),
    ];
    lines.extend(files_of_audit(&config, &audit));
    lines.push(Line::new(
        "secrets",
        format!(
            "{}: read; written by clients create, rotate, import and delete",
            secrets.path().display()
        ),
        "credential_files::mode_644_in_a_directory_that_others_can_pass_through",
    ));
    let trust = |member: &str| words(&says["trust"][member]);
    lines.extend([
        Line::new(
            "files of identity tokens",
            listed(&says["identity"]["files"]),
            "identity_tokens::the_policy_denies_what_it_does_not_name",
        ),
        Line::new(
            "token of a Vault",
            "~/.vault-token: read by vault push",
            "vault::settings::the_token_file_is_judged_as_any_other",
        ),
        Line::new(
            "certificate authorities",
            format!(
                "those of the program; by --ca-file {}, by --system-certs {}, by the configuration {}",
                trust("ca-file"),
                trust("system-certs"),
                trust("configured")
            ),
            "authorities::the_policy_can_forbid_the_authorities_of_the_system",
        ),
        Line::new(
            "units of systemd",
            "/usr/local/lib/systemd/system and /usr/local/lib/tmpfiles.d: written by service install",
            "service::the_units_of_the_packages_are_written_and_removed",
        ),
    ]);
    Ok(Section {
        name: "files",
        title: "What the native host opens on this machine".to_owned(),
        digest: None,
        lines,
    })
}

/// The audit log, and what is beside it.
fn files_of_audit(config: &Config, audit: &Path) -> Vec<Line> {
    vec![
        Line::new(
            "audit log",
            format!(
                "{}: read, and appended to; linked and renamed where it is rotated",
                audit.display()
            ),
            "audit_file::a_secret_file_is_left_as_it_is",
        ),
        Line::new(
            "files of the audit log",
            format!(
                "{0}.000001 and so on: read, and removed as the configuration says; {0}.new: created, and renamed",
                audit.display()
            ),
            "audit_rotation::a_log_is_rotated_by_itself_and_as_many_files_are_kept_as_the_configuration_says",
        ),
        Line::new(
            "key of the audit log",
            format!(
                "{}: read, and created",
                audit.with_extension("key").display()
            ),
            "audit_file::a_key_of_another_user",
        ),
        Line::new(
            "key of checkpoints",
            format!(
                "{} and {}: read, created and renamed by audit checkpoint",
                audit.with_extension("signing-key").display(),
                audit.with_extension("signing-key-new").display()
            ),
            "audit_checkpoint::a_key_is_exchanged_for_one_that_it_signs",
        ),
        Line::new(
            "how far the audit log was shipped",
            match config.shipping() {
                Some(_) => format!(
                    "{}: read, and written",
                    audit.with_extension("shipped").display()
                ),
                None => "nothing: the configuration ships it nowhere".to_owned(),
            },
            "audit_shipped::lines_are_shipped_from_when_it_is_configured_and_once_each_across_files",
        ),
        Line::new(
            "socket of the logs of the system",
            match config.shipping() {
                Some(shipping) => format!("{}: written to", shipping.socket().display()),
                None => "nothing: the configuration ships the audit log nowhere".to_owned(),
            },
            "audit_shipped::lines_are_shipped_from_when_it_is_configured_and_once_each_across_files",
        ),
    ]
}

/// What the kernel leaves to a process that mints a key, from the list that it is confined by.
fn confinement(
    global: &Global,
    environment: &Environment,
    policy: &Policy,
) -> Result<Section, Failure> {
    let config = Config::load(global.config.as_deref(), environment)?;
    let audit = audit_path(global, environment)?;
    let way = minter_settings(global, environment, &Interrupt::default()).way()?;
    let list = confinement_to(&config, &audit, way);
    let test = "confined::what_is_forbidden_is_denied_by_the_kernel_and_a_key_is_minted";
    let paths = |paths: &mut dyn Iterator<Item = &Path>| {
        let all: Vec<_> = paths.map(|it| it.display().to_string()).collect();
        all.join(" ")
    };
    let ports: Vec<_> = list.ports().map(|it| it.to_string()).collect();
    let limits: Vec<_> = Limit::ALL.iter().map(|it| it.words()).collect();
    let needed = if policy.requires_confinement() {
        "the policy requires them, but signals"
    } else {
        "as far as the kernel has them; the policy requires none"
    };
    Ok(Section {
        name: "confinement",
        title: "What the kernel leaves to a process that mints a key".to_owned(),
        digest: None,
        lines: vec![
            Line::new("limits", format!("{}: {needed}", limits.join(", ")), test),
            Line::new("files that are read", paths(&mut list.read()), test),
            Line::new(
                "directories with files that are read, written, created and removed",
                paths(&mut list.written()),
                test,
            ),
            Line::new("TCP ports", ports.join(" "), test),
            Line::new(
                "sockets of this machine",
                if list.has_local_sockets() {
                    "yes"
                } else {
                    "none"
                },
                test,
            ),
        ],
    })
}

/// So much of a file is read for its digest: what a policy may have, and more.
const MOST_BYTES: u64 = 1024 * 1024;

/// A file that is read, with its digest where it is there.
fn readable(name: &str, path: Option<PathBuf>, test: &'static str) -> Line {
    let Some(path) = path else {
        return Line::new(name, "there is no directory for it", test);
    };
    // Nothing else is waited for, or read to its end.
    let content = fs::metadata(&path).and_then(|it| {
        if !it.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if it.len() > MOST_BYTES {
            return Err(io::Error::other(format!("it has {} bytes", it.len())));
        }
        fs::read(&path)
    });
    let state = match &content {
        Ok(_) => "read".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "not there".to_owned(),
        Err(error) => format!("there, and not read: {error}"),
    };
    Line {
        digest: content.ok().map(|content| sha256(&content)),
        ..Line::new(name, format!("{}: {state}", path.display()), test)
    }
}

/// The names of a list of the policy.
fn named(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten();
    names.map(words).collect()
}

/// The same as a text.
fn listed(list: &Value) -> String {
    let names = named(list);
    if names.is_empty() {
        return "nothing: the policy names none".to_owned();
    }
    names.join(" ")
}

fn words(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn in_json(sections: &[Section]) -> String {
    let sections = sections.iter().map(|section| {
        let lines = section.lines.iter().map(|line| {
            json!({ "name": line.name, "what": line.what, "sha256": line.digest, "test": line.test })
        });
        let members = json!({
            "title": section.title,
            "sha256": section.digest,
            "lines": lines.collect::<Vec<_>>(),
        });
        (section.name.to_owned(), members)
    });
    Value::Object(sections.collect()).to_string()
}

fn in_words(sections: &[Section]) -> String {
    let mut text = Vec::new();
    for section in sections {
        if !text.is_empty() {
            text.push(String::new());
        }
        text.push(section.title.clone());
        if let Some(digest) = &section.digest {
            text.push(format!("  sha256 {digest}"));
        }
        for (index, line) in section.lines.iter().enumerate() {
            // Paths and policies are written by people.
            let (name, what) = (OutsideText::new(&line.name), OutsideText::new(&line.what));
            text.push(format!("  {name}: {what}"));
            if let Some(digest) = &line.digest {
                text.push(format!("    sha256 {digest}"));
            }
            // Said once where one test holds several.
            let next = section.lines.get(index + 1);
            if next.is_none_or(|next| next.test != line.test) {
                text.push(format!("    held by {}", line.test));
            }
        }
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_and_is_not_read_is_told_from_one_that_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "text").unwrap();
        fs::File::create(path("long"))
            .unwrap()
            .set_len(MOST_BYTES + 1)
            .unwrap();
        fs::create_dir(path("directory")).unwrap();
        for (name, what) in [
            ("file", ": read"),
            ("none", ": not there"),
            ("long", ": there, and not read: it has 1048577 bytes"),
            (
                "directory",
                ": there, and not read: it is not a regular file",
            ),
            (
                "file/below",
                ": there, and not read: Not a directory (os error 20)",
            ),
        ] {
            let line = readable("policy", Some(path(name)), "");
            assert!(line.what.ends_with(what), "{}", line.what);
            assert_eq!(line.digest.is_some(), name == "file");
        }
    }
}
