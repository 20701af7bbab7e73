use std::process::ExitCode;

use serde_json::json;
use tailmint::Tag;
use tailmint_operator::tailscale::{Join, Joined, Node, Tailscale, UpArguments};

use crate::{
    arguments::{Global, Up},
    failure::Failure,
    print,
    session::Session,
    spinner::Spinner,
    trace::Trace,
};

pub(crate) async fn up(global: &Global, up: &Up) -> Result<ExitCode, Failure> {
    let arguments = UpArguments::new(up.arguments.clone())?;
    let session = Session::begin(global, up.key.profile.as_deref())?;
    let tailscale = Tailscale::find(
        up.tailscale.as_deref(),
        up.socket.clone(),
        session.environment.clone(),
    )?;
    if let Some(warning) = tailscale.warning() {
        Trace::note(&format!("warning: {warning}"));
    }
    let properties = up.key.properties(&session.profile);
    let joined = {
        let spinner = Spinner::new(global.verbose);
        let join = Join {
            tailscale: &tailscale,
            arguments,
            timeout: up.timeout,
            force: up.force,
            revoke: up.revoke,
            interrupt: session.interrupt.clone(),
            watch: &|step| spinner.show(step),
        };
        let failed = |error| Failure::from(error).by(session.signals.exit_code());
        if let Some(joined) = join.without_key().await.map_err(failed)? {
            joined
        } else {
            let account = session.account().await?;
            let minter = session.minter()?;
            join.with_key(&minter, &account, &properties)
                .await
                .map_err(|error| failed(error).about(&account))?
        }
    };
    if !joined.node().online {
        Trace::note(&format!(
            "warning: {} does not hear from its control server",
            joined.node().name
        ));
    }
    if let Some(warning) = other_tags(joined.node(), &properties.capabilities.tags) {
        Trace::note(&warning);
    }
    let line = if global.json {
        in_json(&joined)
    } else {
        in_words(&joined)
    };
    print::line(&line).map_err(|error| {
        Failure::internal(&format!(
            "the machine joined, but the result could not be printed: {error}"
        ))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn in_words(joined: &Joined) -> String {
    let node = joined.node();
    let what = match joined {
        Joined::Before(_) => "was already connected",
        Joined::BroughtUp(_) => "is up again",
        _ => "joined the tailnet",
    };
    let mut facts: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    facts.extend(node.tags.iter().cloned());
    if let Joined::WithKey { key, revoked, .. } = joined {
        facts.push(if *revoked {
            format!("key {key}, revoked")
        } else {
            format!("key {key}")
        });
    }
    format!("{} {what}: {}", node.name, facts.join(", "))
}

fn in_json(joined: &Joined) -> String {
    let node = joined.node();
    let (how, key, revoked) = match joined {
        Joined::Before(_) => ("before", None, None),
        Joined::BroughtUp(_) => ("brought-up", None, None),
        Joined::WithKey { key, revoked, .. } => ("joined", Some(key.as_str()), Some(*revoked)),
        _ => ("in", None, None),
    };
    json!({
        "how": how,
        "name": node.name,
        "addresses": node.addresses,
        "tags": node.tags,
        "online": node.online,
        "key": key,
        "key-revoked": revoked,
    })
    .to_string()
}

/// What to say where a machine that was left alone has other tags than a new
/// key would give it.
fn other_tags(node: &Node, wanted: &[Tag]) -> Option<String> {
    let missing: Vec<_> = wanted
        .iter()
        .map(Tag::as_str)
        .filter(|tag| !node.tags.iter().any(|other| other == tag))
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "warning: {} does not have {}; give --force to log it in anew",
            node.name,
            missing.join(" ")
        )
    })
}
