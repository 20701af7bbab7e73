use std::{io::Read, path::Path, process::ExitCode, time::Duration};

use serde_json::json;
use tailmint::oauth_client::ClientDetails;
use tailmint::{Class, KeyId, Minter};
use tailmint_operator::Profile;
use tailmint_operator::clients::{Clients, Created, Deleted, Grace, OldClient, Owner, Rotated};
use tailmint_operator::credentials::client_from_files;
use zeroize::Zeroizing;

use crate::{
    arguments::{self, ClientsCommand, Global, OwnerFlag, Profiles},
    failure::Failure,
    print,
    session::Session,
    trace::Trace,
};

pub(crate) async fn clients(
    global: &Global,
    clients: &arguments::Clients,
) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, None)?;
    let done = match &clients.command {
        ClientsCommand::Create {
            profiles,
            owner,
            replace,
        } => create(global, &session, profiles, owner, *replace).await,
        ClientsCommand::Rotate {
            profiles,
            owner,
            grace,
            keep_old,
        } => {
            let grace = (!keep_old).then(|| grace.unwrap_or_default());
            rotate(global, &session, profiles, owner, grace).await
        }
        ClientsCommand::Delete {
            profiles,
            owner,
            ids,
        } => delete(global, &session, profiles, owner, ids).await,
        ClientsCommand::List { owner } => list(global, &session, owner).await,
        ClientsCommand::Terraform { profiles } => {
            let chosen = chosen(&session, profiles)?;
            print::written(tailmint_operator::clients::terraform(&chosen).trim_end())
        }
        ClientsCommand::Import {
            profiles,
            file,
            replace,
        } => import(global, &session, profiles, file, *replace),
    };
    done.map_err(|failure| failure.by(session.signals.exit_code()))?;
    Ok(ExitCode::SUCCESS)
}

fn chosen<'a>(session: &'a Session<'_>, profiles: &Profiles) -> Result<Vec<&'a Profile>, Failure> {
    if profiles.all {
        return Ok(session.config.profiles().iter().collect());
    }
    if profiles.names.is_empty() {
        return Ok(vec![session.config.profile(None)?]);
    }
    let named = profiles.names.iter();
    named
        .map(|name| Ok(session.config.profile(Some(name))?))
        .collect()
}

async fn owner(session: &Session<'_>, flag: &OwnerFlag) -> Result<Owner, Failure> {
    Ok(match &flag.profile {
        None => Owner::from_env(&session.environment)?,
        Some(name) => {
            let profile = session.config.profile(Some(name))?;
            let policy = session.policy_for_commands(profile)?;
            Owner::for_profile(profile, &session.credentials(policy.as_ref())).await?
        }
    })
}

fn of<'a>(
    session: &'a Session<'_>,
    minter: &'a Minter,
    owner: &'a Owner,
    profile: &'a Profile,
) -> Clients<'a> {
    Clients {
        minter,
        owner,
        profile,
        secrets_dir: &session.secrets_dir,
    }
}

async fn create(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    replace: bool,
) -> Result<(), Failure> {
    let (owner, minter) = (owner(session, flag).await?, session.minter()?);
    for profile in chosen(session, profiles)? {
        let Created {
            client,
            others,
            discarded,
            ..
        } = of(session, &minter, &owner, profile)
            .create(replace)
            .await
            .map_err(|error| Failure::from(error).about(owner.account()))?;
        let line = if global.json {
            json!({ "profile": profile.name, "id": client.id.as_str(), "others": names(&others) })
                .to_string()
        } else {
            format!("{}: created OAuth client {}", profile.name, client.id)
        };
        print::written(&line)?;
        warn(&others, discarded.as_ref());
    }
    Ok(())
}

async fn rotate(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    grace: Option<Duration>,
) -> Result<(), Failure> {
    let (owner, minter) = (owner(session, flag).await?, session.minter()?);
    for profile in chosen(session, profiles)? {
        let grace = match grace {
            None => Grace::Keep,
            Some(after) => Grace::Delete {
                after,
                interrupt: session.interrupt.clone(),
            },
        };
        let Rotated {
            client,
            old,
            others,
            discarded,
            ..
        } = of(session, &minter, &owner, profile)
            .rotate(grace)
            .await
            .map_err(|error| Failure::from(error).about(owner.account()))?;
        let (old_id, fate) = match &old {
            OldClient::Deleted(id) => (id, "deleted"),
            OldClient::Kept(id) => (id, "kept"),
            OldClient::Left(id, _) => (id, "could not delete"),
        };
        let line = if global.json {
            json!({
                "profile": profile.name,
                "id": client.id.as_str(),
                "old-id": old_id.as_str(),
                "old": fate,
                "others": names(&others),
            })
            .to_string()
        } else {
            format!(
                "{}: created OAuth client {}, {fate} {old_id}",
                profile.name, client.id
            )
        };
        print::written(&line)?;
        warn(&others, discarded.as_ref());
        if let OldClient::Left(id, error) = old {
            let failure = Failure::from(error);
            return Err(failure.saying(
                &format!("{}: the old OAuth client {id} still exists", profile.name),
                format!("delete it: tailmint clients delete --id {id}"),
            ));
        }
    }
    Ok(())
}

async fn delete(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    ids: &[KeyId],
) -> Result<(), Failure> {
    let (owner, minter) = (owner(session, flag).await?, session.minter()?);
    let told = |what: &str, id: Option<&KeyId>, fate: &str| {
        let id = id.map(KeyId::as_str);
        print::written(&if global.json {
            json!({ "profile": what, "id": id, "fate": fate }).to_string()
        } else {
            match id {
                Some(id) => format!("{what}: OAuth client {id} {fate}"),
                None => format!("{what}: {fate}"),
            }
        })
    };
    let failed = |error| Failure::from(error).about(owner.account());
    for id in ids {
        let clients = of(session, &minter, &owner, &session.profile);
        let there = clients.delete_id(id).await.map_err(failed)?;
        told(
            "client",
            Some(id),
            if there { "is deleted" } else { "was not there" },
        )?;
    }
    if !ids.is_empty() {
        return Ok(());
    }
    for profile in chosen(session, profiles)? {
        let deleted = of(session, &minter, &owner, profile).delete().await;
        match deleted.map_err(failed)? {
            Deleted::Client(id) => told(&profile.name, Some(&id), "is deleted, with its files")?,
            Deleted::FilesOnly(id) => {
                told(
                    &profile.name,
                    Some(&id),
                    "was not there any more; its files are removed",
                )?;
            }
            Deleted::Nothing => told(&profile.name, None, "there is nothing to delete")?,
        }
    }
    Ok(())
}

async fn list(global: &Global, session: &Session<'_>, flag: &OwnerFlag) -> Result<(), Failure> {
    let (owner, minter) = (owner(session, flag).await?, session.minter()?);
    let account = owner.account();
    let clients = minter
        .list_clients(account)
        .await
        .map_err(|error| Failure::from(error).about(account))?;
    let own = own_clients(session);
    for client in clients.iter().filter(|client| !client.invalid) {
        let profile = own
            .iter()
            .find(|(id, _)| id == client.id.as_str())
            .map(|(_, profile)| profile.as_str());
        print::written(&if global.json {
            json!({
                "id": client.id.as_str(),
                "profile": profile,
                "description": client.description,
                "scopes": client.scopes,
                "tags": client.tags,
                "created": client.created,
            })
            .to_string()
        } else {
            in_words(client, profile)
        })?;
    }
    Ok(())
}

fn in_words(client: &ClientDetails, profile: Option<&str>) -> String {
    format!(
        "{} {}, {:?}, scopes {}, tags {}, created {}",
        client.id,
        match profile {
            Some(profile) => format!("profile {profile}"),
            None => "in no file here".to_owned(),
        },
        client.description,
        client.scopes.join(" "),
        client.tags.join(" "),
        client.created,
    )
}

/// The ids of the clients in the profiles' files, as far as they can be read.
fn own_clients(session: &Session<'_>) -> Vec<(String, String)> {
    let profiles = session.config.profiles().iter();
    profiles
        .filter_map(|profile| {
            let account = client_from_files(profile, &session.secrets_dir).ok()??;
            match account.credential {
                tailmint::Credential::OauthClient { id, .. } => Some((id, profile.name.clone())),
                tailmint::Credential::ApiKey { .. } => None,
            }
        })
        .collect()
}

/// A state with a dozen clients is under 64 KiB.
const MAX_IMPORT_BYTES: u64 = 1024 * 1024;

fn import(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    path: &Path,
    replace: bool,
) -> Result<(), Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        let stdin = std::io::stdin().lock();
        stdin.take(MAX_IMPORT_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_IMPORT_BYTES).read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::new(
            Class::Usage,
            format!("{}: {error}", path.display()),
            Some("give what terraform output -json printed, or - for standard input".to_owned()),
        )
    })?;
    for profile in chosen(session, profiles)? {
        let imported =
            tailmint_operator::clients::import(&text, profile, &session.secrets_dir, replace)?;
        let id = imported.as_ref().map(KeyId::as_str);
        print::written(&if global.json {
            json!({ "profile": profile.name, "id": id }).to_string()
        } else {
            match id {
                Some(id) => format!("{}: OAuth client {id} is in its files", profile.name),
                None => format!("{}: not among the outputs", profile.name),
            }
        })?;
    }
    Ok(())
}

fn names(ids: &[KeyId]) -> Vec<&str> {
    ids.iter().map(KeyId::as_str).collect()
}

/// Names every client that lives on and is in no file.
fn warn(others: &[KeyId], discarded: Option<&KeyId>) {
    for id in others {
        let from = if discarded == Some(id) {
            "was left behind by a run that was cut off"
        } else {
            "has the same description, and still exists"
        };
        Trace::note(&format!(
            "warning: OAuth client {id} {from}; if nobody uses it, delete it: tailmint clients delete --id {id}"
        ));
    }
}
