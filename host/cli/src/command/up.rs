use std::process::ExitCode;

use serde_json::{Value, json};
use tailmint::Tag;
use tailmint_operator::tailscale::{Join, Joined, Keep, Node, Tailscale, TimeLimit, UpArguments};

use super::up_over_ssh::up_over_ssh;
use crate::{
    arguments::{Global, Up},
    failure::Failure,
    print,
    session::Session,
    spinner::Spinner,
    trace::Trace,
};

/// What does the same where this process has to be confined.
const INSTEAD: &str =
    "mint a key and hand it over: tailmint mint | tailscale up --auth-key=file:/dev/stdin";

pub(crate) async fn up(global: &Global, up: &Up) -> Result<ExitCode, Failure> {
    if !up.ssh.is_empty() || up.ssh_file.is_some() {
        return up_over_ssh(global, up).await;
    }
    let limit = up.timeout.map_or_else(TimeLimit::usual, TimeLimit::begin);
    let given = UpArguments::new(up.arguments.clone())?;
    let session = Session::begin(global, up.key.profile.as_deref())?.asking_with(&up.key.identity);
    let tailscale = Tailscale::find(
        up.tailscale.as_deref(),
        up.socket.clone(),
        session.environment.clone(),
    )?;
    let tailscale = if up.sudo {
        tailscale.with_sudo()?
    } else {
        tailscale
    };
    if let Some(warning) = tailscale.warning() {
        Trace::note(&format!("warning: {warning}"));
    }
    let properties = up.key.properties(&session.profile);
    let joined = {
        let spinner = Spinner::new(global.verbose);
        let join = Join {
            tailscale: &tailscale,
            arguments: settings(up, &session, given),
            limit,
            start_daemon: up.start_daemon,
            force: up.force,
            keep: up.keep.clone().map(Keep::in_file),
            revoke: up.revoke,
            interrupt: session.interrupt.clone(),
            watch: &|step| spinner.show(step),
        };
        let failed = |error| Failure::from(error).by(session.signals.exit_code());
        if let Some(joined) = join.without_key().await.map_err(failed)? {
            joined
        } else {
            session.stay_unconfined("tailscale", INSTEAD)?;
            let account = session.account().await?;
            let minter = session.minter()?;
            join.with_key(&minter, &account, &properties)
                .await
                .map_err(|error| failed(error).about(&account))?
        }
    };
    for warning in warnings(&joined, &properties.capabilities.tags) {
        Trace::note(&warning);
    }
    let line = if global.json {
        in_json(&joined).to_string()
    } else {
        in_words(&joined)
    };
    print::line(&line).map_err(|error| {
        Failure::output(&error)
            .by(session.signals.exit_code())
            .saying(
                "the machine joined, but the result could not be printed",
                "see: tailscale status".to_owned(),
            )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The settings that the machine is to have: the profile's, and what was given.
pub(super) fn settings(up: &Up, session: &Session<'_>, given: UpArguments) -> UpArguments {
    let profile = session.profile.up.clone();
    match &up.hostname {
        Some(name) => profile.with_hostname(name).then(given),
        None => profile.then(given),
    }
}

/// What is not as the user may expect it, though the machine is connected.
pub(super) fn warnings(joined: &Joined, tags: &[Tag]) -> Vec<String> {
    let mut warnings = Vec::new();
    let node = match joined {
        Joined::LeftDown(_) | Joined::LeftLoggedOut(_) => return warnings,
        connected => connected.node(),
    };
    if !node.online {
        warnings.push(format!(
            "warning: {} does not hear from its control server",
            node.name
        ));
    }
    if node.is_renamed() {
        warnings.push(format!(
            "warning: the name {} was taken: the machine is {}",
            node.host_name, node.name
        ));
    }
    warnings.extend(other_tags(node, tags));
    warnings
}

pub(super) fn in_words(joined: &Joined) -> String {
    let node = joined.node();
    let what = match joined {
        Joined::LeftDown(_) => {
            return format!("{} was taken down, and is left so: tailscale up", node.name);
        }
        Joined::LeftLoggedOut(_) => {
            return format!("{} was logged out, and is left so: tailmint up", node.name);
        }
        Joined::Before(_) => "was already connected",
        Joined::Set(_) => "was already connected, and has the settings",
        Joined::BroughtUp(_) => "is up again",
        _ => "joined the tailnet",
    };
    let mut facts: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    facts.extend(node.tags.iter().map(ToString::to_string));
    if let Joined::WithKey { key, revoked, .. } = joined {
        facts.push(if *revoked {
            format!("key {key}, revoked")
        } else {
            format!("key {key}")
        });
    }
    format!("{} {what}: {}", node.name, facts.join(", "))
}

pub(super) fn in_json(joined: &Joined) -> Value {
    let node = joined.node();
    let (how, key, revoked) = match joined {
        Joined::Before(_) => ("before", None, None),
        Joined::Set(_) => ("set", None, None),
        Joined::BroughtUp(_) => ("brought-up", None, None),
        Joined::LeftDown(_) => ("left-down", None, None),
        Joined::LeftLoggedOut(_) => ("left-logged-out", None, None),
        Joined::WithKey { key, revoked, .. } => ("joined", Some(key.as_str()), Some(*revoked)),
        _ => ("in", None, None),
    };
    json!({
        "how": how,
        "name": node.name,
        "host-name": node.host_name,
        "addresses": node.addresses,
        "tags": node.tags,
        "online": node.online,
        "key": key,
        "key-revoked": revoked,
    })
}

/// What to say where a machine that was left alone has other tags than a new
/// key would give it.
fn other_tags(node: &Node, wanted: &[Tag]) -> Option<String> {
    let missing: Vec<_> = wanted
        .iter()
        .map(Tag::as_str)
        .filter(|tag| !node.tags.iter().any(|other| **other == **tag))
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "warning: {} does not have {}; give --force to log it in anew",
            node.name,
            missing.join(" ")
        )
    })
}
