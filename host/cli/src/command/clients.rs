use std::{io::Read, path::Path, process::ExitCode, time::Duration};

use serde_json::{Value, json};
use tailmint::oauth_client::ClientDetails;
use tailmint::{Class, KeyId, Minter};
use tailmint_api::Kind;
use tailmint_operator::clients::{
    self, Clients, CredentialStore, Deleted, Grace, OldClient, Owner, Rotated,
};
use tailmint_operator::credentials::{Stray, client_from_files};
use tailmint_operator::{Profile, ProfileCredential};
use zeroize::Zeroizing;

use crate::{
    arguments::{self, ClientsCommand, Global, OwnerFlag, Profiles, Store},
    failure::Failure,
    print,
    session::Session,
    stray_warnings::StrayWarnings,
    trace::Trace,
};

pub(crate) async fn clients(
    global: &Global,
    arguments: &arguments::Clients,
) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, None)?;
    let done = match &arguments.command {
        ClientsCommand::Create {
            profiles,
            owner,
            replace,
            systemd,
            store,
        } => {
            let store = match (systemd, &store.credstore) {
                (true, _) => Some(self::store(&session, store)?),
                (false, None) => None,
                (false, Some(_)) => {
                    return Err(Failure::new(
                        Class::Usage,
                        "--credstore is where --systemd writes to",
                        Some("give --systemd too".to_owned()),
                    ));
                }
            };
            create(global, &session, profiles, owner, *replace, store.as_ref()).await
        }
        ClientsCommand::Encrypt {
            profiles,
            replace,
            store,
        } => {
            let store = self::store(&session, store)?;
            encrypt(global, &session, profiles, *replace, &store).await
        }
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
            print::written(clients::terraform(&chosen, session.config.profiles())?.trim_end())
        }
        ClientsCommand::Import {
            profiles,
            file,
            replace,
        } => import(global, &session, profiles, file, *replace).await,
    };
    done.map_err(|failure| failure.by(session.signals.exit_code()))?;
    Ok(ExitCode::SUCCESS)
}

fn chosen<'a>(session: &'a Session<'_>, profiles: &Profiles) -> Result<Vec<&'a Profile>, Failure> {
    if profiles.all {
        let all = session.config.profiles().iter();
        let chosen = all.filter(|profile| match &profile.credential {
            ProfileCredential::OauthClient { .. } => true,
            ProfileCredential::FederatedIdentity(identity) => {
                Trace::note(&format!(
                    "note: {} is passed over: it has the federated identity {}, and no OAuth client",
                    profile.name, identity.client_id
                ));
                false
            }
        });
        return Ok(chosen.collect());
    }
    if profiles.names.is_empty() {
        return Ok(vec![session.config.profile(None)?]);
    }
    let named = profiles.names.iter();
    named
        .map(|name| Ok(session.config.profile(Some(name))?))
        .collect()
}

fn of<'a>(
    session: &'a Session<'_>,
    minter: &'a Minter,
    owner: &'a Owner,
    profile: &'a Profile,
    tell: &'a dyn Fn(&Stray),
) -> Clients<'a> {
    Clients {
        minter,
        owner,
        profile,
        secrets_dir: &session.secrets_dir,
        interrupt: &session.interrupt,
        tell,
    }
}

async fn create(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    replace: bool,
    store: Option<&CredentialStore>,
) -> Result<(), Failure> {
    let (owner, minter) = if store.is_some() {
        // It starts a program that encrypts, once there is a client.
        let instead = "leave --systemd out, and then run: tailmint clients encrypt";
        session.stay_unconfined("systemd-creds", instead)?;
        let owner = flag.profile.as_deref();
        let owner = session.owner(owner, Kind::OauthClient).await?;
        (owner, session.minter()?)
    } else {
        // What is wrong with it is told once it is written to.
        session.secrets_dir.create().ok();
        ready(session, flag).await?
    };
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    for profile in chosen(session, profiles)? {
        let clients = of(session, &minter, &owner, profile, &tell);
        let created = match store {
            None => clients.create(replace).await,
            Some(store) => clients.create_encrypted(store, replace).await,
        };
        let client = created.map_err(|error| Failure::from(error).about(owner.account()))?;
        let done = Done {
            json: json!({ "profile": profile.name, "id": client.id.as_str() }),
            words: format!("{}: created OAuth client {}", profile.name, client.id),
        };
        done.tell(global, &clients, &[client.id], &warnings).await?;
    }
    Ok(())
}

/// Who asks, in a process that can write to the files of the profiles, and to the audit log.
async fn ready(session: &Session<'_>, flag: &OwnerFlag) -> Result<(Owner, Minter), Failure> {
    let mut list = session.confinement()?;
    for directory in session.secrets_dir.with_links(session.config.profiles()) {
        list = list.writing_in(directory);
    }
    let owner = flag.profile.as_deref();
    session.ready_to_own(owner, Kind::OauthClient, list).await
}

/// Where systemd looks for encrypted credentials, or the directory that was given.
fn store(session: &Session<'_>, given: &Store) -> Result<CredentialStore, Failure> {
    let usual = Path::new(CredentialStore::USUAL);
    let directory = given.credstore.as_deref().unwrap_or(usual);
    Ok(CredentialStore::find(directory, &session.environment)?)
}

async fn encrypt(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    replace: bool,
    store: &CredentialStore,
) -> Result<(), Failure> {
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    for profile in chosen(session, profiles)? {
        let id = clients::encrypt(
            profile,
            &session.secrets_dir,
            store,
            replace,
            &session.interrupt,
            &tell,
        )
        .await?;
        print::written(&if global.json {
            json!({ "profile": profile.name, "id": id.as_str() }).to_string()
        } else {
            format!(
                "{}: OAuth client {id} is encrypted; its files are unchanged",
                profile.name
            )
        })?;
        Trace::note(&format!(
            "note: {0}: to rotate or delete the client of the files ends the encrypted one too; after that, run tailmint clients encrypt --replace --profile {0}, or remove the files now",
            profile.name
        ));
    }
    Ok(())
}

/// Says that the client of the files, which is gone, may have been encrypted for units too.
fn warn_of_encrypted(profile: &Profile, gone: &KeyId, then: &str) {
    if let Some(path) = CredentialStore::usual_of(profile) {
        Trace::note(&format!(
            "warning: {}: {} is unchanged; if OAuth client {gone} was in it, units have none now: {then}",
            profile.name,
            path.display()
        ));
    }
}

async fn rotate(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    grace: Option<Duration>,
) -> Result<(), Failure> {
    let (owner, minter) = ready(session, flag).await?;
    let grace = grace.map_or(Grace::Keep, Grace::Delete);
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    for profile in chosen(session, profiles)? {
        let clients = of(session, &minter, &owner, profile, &tell);
        let Rotated { client, old, .. } = clients
            .rotate(grace)
            .await
            .map_err(|error| Failure::from(error).about(owner.account()))?;
        let (old_id, fate) = match &old {
            OldClient::Deleted(id) => (id, "deleted"),
            OldClient::Kept(id) => (id, "kept"),
            OldClient::InUse(id) => (id, "did not delete"),
            OldClient::Left(id, _) => (id, "could not delete"),
        };
        let done = Done {
            json: json!({
                "profile": profile.name,
                "id": client.id.as_str(),
                "old-id": old_id.as_str(),
                "old": fate,
            }),
            words: format!(
                "{}: created OAuth client {}, {fate} {old_id}",
                profile.name, client.id
            ),
        };
        let known = [client.id, old_id.clone()];
        // Whether or not anybody reads it: a client that lives on is named.
        let told = done.tell(global, &clients, &known, &warnings).await;
        if let OldClient::InUse(id) = &old {
            Trace::note(&format!(
                "warning: {}: OAuth client {id} is in the files again, or they could not be read; if nobody uses it, delete it: tailmint clients delete --id {id}",
                profile.name
            ));
        }
        if let OldClient::Deleted(id) = &old {
            let then = format!(
                "tailmint clients encrypt --replace --profile {}",
                profile.name
            );
            warn_of_encrypted(profile, id, &then);
        }
        if let OldClient::Left(id, error) = old {
            let failure = Failure::from(error);
            return Err(failure.saying(
                &format!("{}: the old OAuth client {id} still exists", profile.name),
                format!("delete it: tailmint clients delete --id {id}"),
            ));
        }
        told?;
    }
    Ok(())
}

/// What was done for a profile, in the two ways of saying it.
struct Done {
    json: Value,
    words: String,
}

impl Done {
    /// Says it, and then which other clients there are. Whether these can be found out
    /// changes nothing about what was done.
    async fn tell(
        mut self,
        global: &Global,
        clients: &Clients<'_>,
        known: &[KeyId],
        warnings: &StrayWarnings,
    ) -> Result<(), Failure> {
        if !global.json {
            print::written(&self.words)?;
        }
        let others = clients.others(known).await;
        if global.json {
            let ids = others.as_deref().ok();
            self.json["others"] = json!(ids.map(names));
            print::written(&self.json.to_string())?;
        }
        warnings.about(&clients.profile.name, others);
        Ok(())
    }
}

async fn delete(
    global: &Global,
    session: &Session<'_>,
    profiles: &Profiles,
    flag: &OwnerFlag,
    ids: &[KeyId],
) -> Result<(), Failure> {
    let (owner, minter) = ready(session, flag).await?;
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
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    for id in ids {
        let clients = of(session, &minter, &owner, &session.profile, &tell);
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
        let clients = of(session, &minter, &owner, profile, &tell);
        let name = &profile.name;
        let deleted = match clients.delete().await.map_err(failed)? {
            Deleted::Client(id) => {
                told(name, Some(&id), "is deleted, with its files")?;
                Some(id)
            }
            Deleted::FilesOnly(id) => {
                let fate = "was not there any more; its files are removed";
                told(name, Some(&id), fate)?;
                Some(id)
            }
            Deleted::Nothing => {
                told(name, None, "there is nothing to delete")?;
                None
            }
        };
        if let Some(id) = &deleted {
            let then = "remove the encrypted id and secret, or run tailmint clients create --systemd --replace";
            warn_of_encrypted(profile, id, then);
        }
        let others = clients.others(deleted.as_slice()).await;
        warnings.about(name, others);
    }
    Ok(())
}

async fn list(global: &Global, session: &Session<'_>, flag: &OwnerFlag) -> Result<(), Failure> {
    let (owner, minter) = ready(session, flag).await?;
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
                tailmint::Credential::ApiKey { .. }
                | tailmint::Credential::FederatedIdentity { .. } => None,
            }
        })
        .collect()
}

/// A state with a dozen clients is under 64 KiB.
const MAX_IMPORT_BYTES: u64 = 1024 * 1024;

async fn import(
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
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    for profile in chosen(session, profiles)? {
        let imported = clients::import(
            &text,
            profile,
            session.config.profiles(),
            &session.secrets_dir,
            replace,
            &session.interrupt,
            &tell,
        );
        let imported = imported.await?;
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
