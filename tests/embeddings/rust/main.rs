//! `embedding ADDRESS CA-FILE`: carries out calls, one line of JSON each, from
//! standard input, with tailmint's library under a policy of its own.

#![allow(
    clippy::disallowed_methods,
    reason = "its caller writes what it reads, and reads what it prints"
)]

use std::{
    error::Error,
    io::{BufRead, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tailmint::connection::{ConnectTo, Trust};
use tailmint::policy::Policy;
use tailmint::{Account, Credential, KeyProperties, MintError, MintErrorKind, Minter, Secret};
use tailmint_audit::{Audit, AuditError, Entry};

/// What this program lets itself do, within the built-in policy.
const POLICY: &str = r#"
version = 1

[rule.create-auth-key.key]
tags = ["tag:tazpod", "tag:x"]
max-expiry = "1h"
"#;

/// Waits and second tries are up to the caller, which has its own.
const DEADLINE: Duration = Duration::from_millis(400);

/// Every decision, before its request leaves. Another program would write it down
/// where it stays.
#[derive(Default)]
struct InMemory(Mutex<Vec<String>>);

impl Audit for InMemory {
    fn append(&self, entry: &Entry<'_>) -> Result<(), AuditError> {
        let line = json!(entry).to_string();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        Ok(())
    }
}

/// Who asks: an OAuth client, or a federated identity with a token of its platform.
#[derive(Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case")]
enum Who {
    Client { id: String, secret: String },
    Identity { client_id: String, id_token: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Call {
    #[serde(flatten)]
    who: Who,
    tailnet: String,
    tags: Vec<String>,
    expiry_seconds: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: ConnectTo = arguments.next().ok_or("no address")?.parse()?;
    let trust = Trust::pem_file(arguments.next().ok_or("no file of authorities")?.into())?;
    let audit = Arc::new(InMemory::default());
    let minter = Minter::builder()
        .connect_to(address)
        .trust(trust)
        .policy(Policy::parse(POLICY)?)
        .audit(audit.clone())
        .deadline(DEADLINE)
        .build()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut decided = 0;
    for line in std::io::stdin().lock().lines() {
        let result = runtime.block_on(mint(&minter, serde_json::from_str(&line?)?))?;
        let entries = audit.0.lock().map(|lines| lines.len()).unwrap_or_default();
        assert!(entries > decided, "something was decided without a record");
        decided = entries;
        writeln!(std::io::stdout(), "{result}")?;
    }
    Ok(())
}

async fn mint(minter: &Minter, call: Call) -> Result<Value, Box<dyn Error>> {
    let credential = match call.who {
        Who::Client { id, secret } => Credential::OauthClient {
            id,
            secret: Secret::new(secret),
        },
        Who::Identity {
            client_id,
            id_token,
        } => Credential::FederatedIdentity {
            client_id: client_id.parse()?,
            id_token: Secret::new(id_token),
        },
    };
    let account = Account::new(credential).with_tailnet(call.tailnet.parse()?);
    let tags: Result<Vec<_>, _> = call.tags.iter().map(|tag| tag.parse()).collect();
    let mut properties = KeyProperties::for_tags(tags?);
    properties.expiry = humantime::format_duration(Duration::from_secs(call.expiry_seconds.into()))
        .to_string()
        .parse()?;
    Ok(match minter.mint(&account, &properties).await {
        Ok(minted) => json!({
            "key": minted.key.expose_secret(),
            "id": minted.details.id.as_str(),
        }),
        Err(error) => json!({
            "error": case(&error),
            "message": error.to_string(),
            "hint": error.hint,
        }),
    })
}

/// The error's name in the component's contract.
fn case(error: &MintError) -> String {
    match &error.kind {
        MintErrorKind::Denied { .. } | MintErrorKind::NotPublic => "denied".to_owned(),
        MintErrorKind::InvalidCredential => "invalid-credential".to_owned(),
        MintErrorKind::InvalidRequest => "invalid-request".to_owned(),
        MintErrorKind::MalformedResponse => "malformed-response".to_owned(),
        MintErrorKind::MissingScope => "missing-scope".to_owned(),
        MintErrorKind::NotFound => "not-found".to_owned(),
        MintErrorKind::OutcomeUnknown => "outcome-unknown".to_owned(),
        MintErrorKind::RateLimited { .. } => "rate-limited".to_owned(),
        MintErrorKind::TagsNotPermitted { .. } => "tags-not-permitted".to_owned(),
        MintErrorKind::Transport { .. } => "transport".to_owned(),
        MintErrorKind::Unavailable => "unavailable".to_owned(),
        // What only this library knows of: its audit, its limits.
        other => format!("{other:?}"),
    }
}
