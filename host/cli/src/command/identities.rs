use std::process::ExitCode;

use serde_json::{Value, json};
use tailmint::{Account, MintErrorKind, Minter, federated_identity::IdentityDetails};
use tailmint_api::Kind;
use tailmint_operator::{
    clients::{Clients, Deleted},
    credentials::Stray,
    identities::{self, Moved},
};

use crate::{
    arguments::{self, Global, IdentitiesCommand, IdentityOwnerFlag},
    failure::Failure,
    new_identity_flags::NewIdentityFlags,
    print,
    session::Session,
    stray_warnings::StrayWarnings,
};

pub(crate) async fn identities(
    global: &Global,
    arguments: &arguments::Identities,
) -> Result<ExitCode, Failure> {
    let session = Session::begin(global, profile(&arguments.command))?;
    let done = match &arguments.command {
        IdentitiesCommand::Create { new, owner } => create(global, &session, new, owner).await,
        IdentitiesCommand::List { owner } => list(global, &session, owner).await,
        IdentitiesCommand::Update { id, new, owner } => {
            let properties = new.properties(&session.profile)?;
            let (owner, minter) = asking(&session, owner).await?;
            let updated = minter.update_identity(&owner, id, &properties).await;
            let updated = updated.map_err(|error| Failure::from(error).about(&owner))?;
            tell(global, "changed", &updated)
        }
        IdentitiesCommand::Delete { ids, owner } => {
            let (owner, minter) = asking(&session, owner).await?;
            delete(global, &minter, &owner, ids).await
        }
        IdentitiesCommand::Terraform { new } => {
            let properties = new.properties(&session.profile)?;
            let name = properties.description.as_str();
            print::written(identities::terraform(name, &properties).trim_end())
        }
        IdentitiesCommand::MoveFrom { owner, .. } => {
            move_from(global, &session, owner.as_deref()).await
        }
    };
    done.map_err(|failure| failure.by(session.signals.exit_code()))?;
    Ok(ExitCode::SUCCESS)
}

/// The profile that the command is about.
fn profile(command: &IdentitiesCommand) -> Option<&str> {
    match command {
        IdentitiesCommand::Create { new, .. }
        | IdentitiesCommand::Update { new, .. }
        | IdentitiesCommand::Terraform { new } => new.profile(),
        IdentitiesCommand::MoveFrom { profile, .. } => Some(profile),
        IdentitiesCommand::List { .. } | IdentitiesCommand::Delete { .. } => None,
    }
}

/// Who asks, and what with.
async fn asking(
    session: &Session<'_>,
    flag: &IdentityOwnerFlag,
) -> Result<(Account, Minter), Failure> {
    let (owner, list) = (flag.owner.as_deref(), session.confinement()?);
    let asked = session.ready_to_own(owner, Kind::FederatedIdentity, list);
    let (owner, minter) = asked.await?;
    Ok((owner.account().clone(), minter))
}

async fn create(
    global: &Global,
    session: &Session<'_>,
    new: &NewIdentityFlags,
    flag: &IdentityOwnerFlag,
) -> Result<(), Failure> {
    let properties = new.properties(&session.profile)?;
    let (owner, minter) = asking(session, flag).await?;
    let created = minter.create_identity(&owner, &properties).await;
    let created = created.map_err(|error| Failure::from(error).about(&owner))?;
    tell(global, "created", &created).map_err(|failure| {
        let id = &created.id;
        failure.saying(
            &format!("federated identity {id} was created"),
            format!("delete it if nobody uses it: tailmint identities delete {id}"),
        )
    })
}

/// Says what was done with the identity, and whom it lets in.
fn tell(global: &Global, done: &str, identity: &IdentityDetails) -> Result<(), Failure> {
    print::written(&if global.json {
        in_json(identity).to_string()
    } else {
        format!("{done} federated identity {}", in_words(identity))
    })
}

async fn list(
    global: &Global,
    session: &Session<'_>,
    flag: &IdentityOwnerFlag,
) -> Result<(), Failure> {
    let (owner, minter) = asking(session, flag).await?;
    let listed = minter.list_identities(&owner).await;
    let listed = listed.map_err(|error| Failure::from(error).about(&owner))?;
    for identity in listed.iter().filter(|identity| !identity.invalid) {
        print::written(&if global.json {
            in_json(identity).to_string()
        } else {
            in_words(identity)
        })?;
    }
    Ok(())
}

async fn delete(
    global: &Global,
    minter: &Minter,
    owner: &Account,
    ids: &[tailmint::KeyId],
) -> Result<(), Failure> {
    for id in ids {
        let fate = match minter.delete_identity(owner, id).await {
            Ok(()) => "is deleted",
            Err(error) if error.kind == MintErrorKind::NotFound => "was not there",
            Err(error) => return Err(Failure::from(error).about(owner)),
        };
        print::written(&if global.json {
            json!({ "id": id.as_str(), "fate": fate }).to_string()
        } else {
            format!("federated identity {id} {fate}")
        })?;
    }
    Ok(())
}

/// Tries the identity of the profile, and deletes the OAuth client that it replaces.
async fn move_from(
    global: &Global,
    session: &Session<'_>,
    owner: Option<&str>,
) -> Result<(), Failure> {
    let (before, identity) = identities::before(&session.profile)?;
    let means = session.means(&session.profile)?;
    let credentials = session.credentials(&means);
    let read = match session.profile.platform() {
        Some(_) => None,
        None => Some(credentials.identity(identity).await?),
    };
    let mut list = session.asking_of(session.confinement()?, &session.profile);
    for directory in session.secrets_dir.with_links([&before]) {
        list = list.writing_in(directory);
    }
    let asked = session.ready_to_own(owner, Kind::OauthClient, list);
    let (owner, minter) = asked.await?;
    let account = match read {
        Some(account) => account,
        None => credentials.identity(identity).await?,
    };
    let warnings = StrayWarnings::default();
    let tell = |stray: &Stray| warnings.tell(stray);
    let clients = Clients {
        minter: &minter,
        owner: &owner,
        profile: &before,
        secrets_dir: &session.secrets_dir,
        interrupt: &session.interrupt,
        tell: &tell,
    };
    let moved = identities::move_from(&minter, &account, &identity.client_id, &clients);
    let Moved { deleted, .. } = moved.await?;
    let (client, fate) = match &deleted {
        Deleted::Client(id) => (Some(id), "is deleted, with its files"),
        Deleted::FilesOnly(id) => (Some(id), "was not there any more; its files are removed"),
        Deleted::Nothing => (None, "there was none any more"),
    };
    let name = &before.name;
    print::written(&if global.json {
        json!({
            "profile": name,
            "identity": identity.client_id.as_str(),
            "client": client.map(tailmint::KeyId::as_str),
            "fate": fate,
        })
        .to_string()
    } else {
        let client = client.map_or_else(
            || "OAuth client:".to_owned(),
            |id| format!("OAuth client {id}"),
        );
        format!(
            "{name}: mints with the federated identity {}; {client} {fate}",
            identity.client_id
        )
    })
}

fn in_words(identity: &IdentityDetails) -> String {
    let rules = identity.claim_rules.iter();
    let rules: Vec<_> = rules.map(|(claim, it)| format!("{claim}={it}")).collect();
    let mut facts = vec![
        format!("issuer {}", identity.issuer),
        format!("subject {}", identity.subject),
    ];
    if !rules.is_empty() {
        facts.push(format!("rules {}", rules.join(" ")));
    }
    facts.push(format!("audience {}", identity.audience));
    facts.push(format!("scopes {}", identity.scopes.join(" ")));
    facts.push(format!("tags {}", identity.tags.join(" ")));
    format!(
        "{}, {:?}, {}",
        identity.id,
        identity.description,
        facts.join(", ")
    )
}

fn in_json(identity: &IdentityDetails) -> Value {
    json!({
        "id": identity.id.as_str(),
        "description": identity.description,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "claim-rules": identity.claim_rules,
        "audience": identity.audience,
        "scopes": identity.scopes,
        "tags": identity.tags,
        "created": identity.created,
    })
}
