use std::{process::ExitCode, sync::Arc};

use serde_json::{Map, json};
use tailmint::{Class, Credential};
use tailmint_audit::{Actor, AuditFile};
use tailmint_operator::confinement::Way;
use tailmint_operator::credentials::CredentialError;
use tailmint_operator::policy_file;
use tailmint_operator::vault::{Change, Outcome, Pushed, VaultSettings, VaultTarget};
use tailmint_operator::{ProfileCredential, Source};

use crate::{
    arguments::{Global, Vault, VaultCommand, VaultPush},
    failure::Failure,
    print,
    session::{Session, audit_path},
    trace::Trace,
};

pub(crate) async fn vault(global: &Global, vault: &Vault) -> Result<ExitCode, Failure> {
    let VaultCommand::Push(push) = &vault.command;
    let session = Session::begin(global, Some(&push.profile))?;
    let (mount, path) = session.config.vault();
    let target = VaultTarget::for_profile(
        &session.profile.name,
        push.mount.as_ref().or(mount),
        push.path.as_ref().or(path),
    )?;
    only_for_the_api(global)?;
    let settings = VaultSettings::from_env(&session.environment)?;
    let shown = Shown {
        address: settings.address().to_string(),
        namespace: settings.namespace().map(ToString::to_string),
        target: &target,
        profile: &session.profile.name,
    };
    let pushed = deliver(global, &session, settings, &target, push)
        .await
        .map_err(|failure| failure.by(session.signals.exit_code()))?;
    print::written(&if global.json {
        shown.json(&pushed)
    } else {
        shown.in_words(&pushed)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Passed over they would mislead: who gives them expects another connection.
fn only_for_the_api(global: &Global) -> Result<(), Failure> {
    let given = if global.connect_to.is_some() {
        "--connect-to"
    } else if global.ca_file.is_some() {
        "--ca-file"
    } else if global.system_certs {
        "--system-certs"
    } else {
        return Ok(());
    };
    Err(Failure::new(
        Class::Usage,
        format!("{given} is for Tailscale's API, which has no part in this"),
        Some("set VAULT_ADDR and VAULT_CACERT".to_owned()),
    ))
}

async fn deliver(
    global: &Global,
    session: &Session<'_>,
    settings: VaultSettings,
    target: &VaultTarget,
    push: &VaultPush,
) -> Result<Pushed, Failure> {
    let (id, secret) = client(session).await?;
    let policy = policy_file::load(global.policy.as_deref(), &session.environment)?;
    let audit = AuditFile::open(audit_path(global, &session.environment)?)?;
    let way = Way::Port(settings.address().port());
    session.confine(&policy, &session.confinement_to(way)?)?;
    let actor = Actor::from_process(&session.environment);
    let mut vault = tailmint_operator::vault::Vault::new(settings, policy, Arc::new(audit), actor)
        .interrupt(session.interrupt.clone());
    if global.verbose {
        vault = vault.observer(Arc::new(Trace));
    }
    let pushed = if push.dry_run {
        vault.foresee(target, &id, &secret, push.if_version).await?
    } else {
        vault.push(target, &id, &secret, push.if_version).await?
    };
    Ok(pushed)
}

/// The OAuth client of the files: an API key of the environment is none.
async fn client(session: &Session<'_>) -> Result<(String, tailmint::Secret), Failure> {
    let means = session.means(&session.profile)?;
    let credentials = session.credentials(&means);
    let account = credentials.client(&session.profile).await?;
    let account = account.ok_or_else(|| missing(session))?;
    match account.credential {
        Credential::OauthClient { id, secret } => Ok((id, secret)),
        Credential::ApiKey { .. } | Credential::FederatedIdentity { .. } => {
            Err(Failure::internal("the files have no OAuth client"))
        }
    }
}

/// Neither of its files is there.
fn missing(session: &Session<'_>) -> CredentialError {
    let path = |source: &Source| match source {
        Source::File(name) => session.secrets_dir.path().join(name),
        Source::Command(command) => command.program.as_str().into(),
    };
    match &session.profile.credential {
        ProfileCredential::OauthClient { id, secret } => CredentialError::NoClient {
            id: path(id),
            secret: path(secret),
        },
        ProfileCredential::FederatedIdentity(identity) => CredentialError::NotOauthClient {
            profile: session.profile.name.clone(),
            client_id: identity.client_id.clone(),
        },
    }
}

struct Shown<'a> {
    address: String,
    namespace: Option<String>,
    target: &'a VaultTarget,
    profile: &'a str,
}

impl Shown<'_> {
    fn json(&self, pushed: &Pushed) -> String {
        let fields: Map<_, _> = pushed
            .fields
            .iter()
            .map(|(name, change)| ((*name).to_owned(), change.name().into()))
            .collect();
        json!({
            "profile": self.profile,
            "address": self.address,
            "namespace": self.namespace,
            "mount": self.target.mount.as_str(),
            "path": self.target.path.as_str(),
            "outcome": pushed.outcome.name(),
            "version-before": pushed.before,
            "version": pushed.version,
            "fields": fields,
        })
        .to_string()
    }

    fn in_words(&self, pushed: &Pushed) -> String {
        let target = self.target;
        let version = pushed.version;
        let done = match pushed.outcome {
            Outcome::Unchanged => return format!("{target} is unchanged: version {version}"),
            Outcome::WouldWrite => "would get",
            _ => "has",
        };
        let changes: Vec<_> = pushed
            .fields
            .iter()
            .filter(|(_, change)| *change != Change::Unchanged)
            .map(|(name, change)| format!("{name} {}", change.name()))
            .collect();
        format!(
            "{target} {done} version {version} with the OAuth client of {}: {}",
            self.profile,
            changes.join(", ")
        )
    }
}
