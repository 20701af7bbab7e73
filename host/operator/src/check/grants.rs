//! What the API grants to a credential, held against its profile.

use std::time::Duration;

use jiff::Timestamp;
use tailmint_api::AUTH_KEYS_SCOPE;

use super::Finding;
use crate::Profile;
use tailmint::federated_identity::IdentityGrant;
use tailmint::oauth_client::{Scope, ScopeCheck};
use tailmint::{Account, Class, Credential, Diagnose, MintError, Minter, Tag};

/// The old broad scope, which new OAuth clients cannot have.
const OLD_DEVICES: &str = "devices";

/// What new ones have instead.
const NEW_DEVICES: &str = "devices:core";

/// An API key that expires sooner than this should be replaced now.
const SOON: Duration = Duration::from_hours(7 * 24);

pub(super) async fn look(
    minter: &Minter,
    profile: &Profile,
    account: &Account,
    tell: &mut dyn FnMut(&Finding),
) {
    match &account.credential {
        Credential::ApiKey { key } => {
            tell(&api_key(minter, profile, account, key.expose_secret()).await);
        }
        Credential::OauthClient { .. } => {
            let scopes = asked(profile);
            match minter.check_scopes(account, &scopes).await {
                Ok(checks) => {
                    let message = "the API accepts it".to_owned();
                    tell(&Finding::passed(about(profile, "token"), message));
                    for finding in judged(profile, &checks) {
                        tell(&finding);
                    }
                }
                Err(error) => tell(&failed(profile, "token", &error)),
            }
        }
        Credential::FederatedIdentity { .. } => match minter.check_identity(account).await {
            Ok(grant) => {
                let message = "the federated identity takes it".to_owned();
                tell(&Finding::passed(about(profile, "identity token"), message));
                for finding in of_identity(profile, &grant) {
                    tell(&finding);
                }
            }
            Err(error) => tell(&failed(profile, "identity token", &error)),
        },
    }
}

/// What the identity grants, all at once: none of its scopes can be left out at the exchange.
fn of_identity(profile: &Profile, grant: &IdentityGrant) -> Vec<Finding> {
    let subject = about(profile, "scopes");
    let has = |scope: &str| grant.scopes.iter().any(|it| it == scope);
    let mut findings = vec![if grant.scopes.is_empty() {
        Finding::warned(
            subject,
            "the API does not say which scopes the identity grants",
            "see in the admin console that it grants auth_keys",
        )
    } else if has("all") {
        Finding::warned(
            subject,
            "it grants all scopes: its tokens can change the whole tailnet",
            "take out all but auth_keys: a scope cannot be left out at the exchange",
        )
    } else if !has(AUTH_KEYS_SCOPE) {
        Finding::failed(
            subject,
            &format!(
                "auth_keys is missing, so that no key can be minted; it grants {}",
                grant.scopes.join(" ")
            ),
            Some(
                "give the federated identity the scope auth_keys (write) in the admin console"
                    .to_owned(),
            ),
            Class::Rejected,
        )
    } else if grant.scopes.len() > 1 {
        Finding::warned(
            subject,
            format!(
                "it grants more than minting takes: {}",
                grant.scopes.join(" ")
            ),
            "create one federated identity for each use: a scope cannot be left out at the exchange",
        )
    } else {
        Finding::passed(subject, "it grants auth_keys and nothing else")
    }];
    findings.push(judged_tags(profile, &grant.tags, "identity"));
    findings
}

fn about(profile: &Profile, what: &str) -> String {
    format!("{} {what}", profile.name)
}

fn failed(profile: &Profile, what: &str, error: &MintError) -> Finding {
    Finding::failed(about(profile, what), error, error.hint(), error.class())
}

/// The scopes to ask for: those of the profile, the one that minting takes, and
/// what may stand in for the old `devices`.
fn asked(profile: &Profile) -> Vec<Scope> {
    let mut scopes = profile.scopes.clone();
    let mut also = vec![AUTH_KEYS_SCOPE];
    if has(&scopes, OLD_DEVICES) {
        also.push(NEW_DEVICES);
    }
    for scope in also {
        if !has(&scopes, scope)
            && let Ok(scope) = scope.parse()
        {
            scopes.push(scope);
        }
    }
    scopes
}

fn has(scopes: &[Scope], name: &str) -> bool {
    scopes.iter().any(|scope| scope.as_str() == name)
}

fn judged(profile: &Profile, checks: &[ScopeCheck]) -> Vec<Finding> {
    let granted = |name: &str| {
        checks
            .iter()
            .any(|check| check.scope.as_str() == name && check.granted)
    };
    let mut findings = Vec::new();
    for check in checks {
        let name = check.scope.as_str();
        let subject = about(profile, &format!("scope {name}"));
        let wanted = has(&profile.scopes, name) || name == AUTH_KEYS_SCOPE;
        findings.push(match name {
            _ if check.granted && wanted => Finding::passed(subject, "granted"),
            _ if !wanted => continue,
            AUTH_KEYS_SCOPE => Finding::failed(
                subject,
                "missing: no key can be minted",
                Some("give the OAuth client the scope auth_keys (write) in the admin console, or create another: tailmint clients rotate".to_owned()),
                Class::Rejected,
            ),
            OLD_DEVICES if granted(NEW_DEVICES) => Finding::passed(
                subject,
                "missing, as in all new OAuth clients; devices:core is granted in its place",
            ),
            OLD_DEVICES => Finding::warned(
                subject,
                "missing: devices cannot be read or removed",
                "new OAuth clients cannot have the old scope devices: give it devices:core (write), and set scopes of the profile likewise",
            ),
            "services" => Finding::warned(
                subject,
                "missing: the Kubernetes operator reports this as an invalid OAuth client (InvalidOAuth, tailscale/tailscale #19471), though the client is good",
                "give the OAuth client the scope services (write) in the admin console, or create another: tailmint clients rotate",
            ),
            _ => Finding::warned(
                subject,
                "missing",
                format!("give the OAuth client the scope {name} (write), or take it out of the profile"),
            ),
        });
    }
    findings.extend(tags(profile, checks));
    findings
}

fn tags(profile: &Profile, checks: &[ScopeCheck]) -> Option<Finding> {
    let keys = checks
        .iter()
        .find(|check| check.scope.as_str() == AUTH_KEYS_SCOPE && check.granted)?;
    Some(judged_tags(profile, &keys.tags, "client"))
}

/// The tags that the credential carries, beside those that keys of the profile have.
fn judged_tags(profile: &Profile, carried: &[String], credential: &str) -> Finding {
    let subject = about(profile, "tags");
    let mut carried = carried.to_vec();
    carried.sort();
    let mut wanted: Vec<_> = profile
        .key
        .capabilities
        .tags
        .iter()
        .map(Tag::as_str)
        .collect();
    wanted.sort_unstable();
    let (shown, asked) = (carried.join(" "), wanted.join(" "));
    if carried.is_empty() {
        // The token endpoint's answer need not have them.
        Finding::warned(
            subject,
            format!("the API does not say which tags the {credential} carries"),
            format!("see in the admin console that it carries {asked}"),
        )
    } else if carried == wanted {
        Finding::passed(subject, format!("it carries {shown}"))
    } else {
        Finding::warned(
            subject,
            format!("it carries {shown}, but keys need {asked}"),
            format!(
                "the API rejects keys unless {shown} owns {asked} in the tailnet policy's tagOwners"
            ),
        )
    }
}

/// An API key says its own id; the API says when it ends.
async fn api_key(minter: &Minter, profile: &Profile, account: &Account, key: &str) -> Finding {
    let subject = about(profile, "API key");
    let Some(id) = key.split('-').nth(2).and_then(|id| id.parse().ok()) else {
        return Finding::warned(
            subject,
            "it does not look like an API key of Tailscale's, so its expiry is not known",
            "see in the admin console when it expires",
        );
    };
    let described = minter.get(account, &id).await;
    let described = match described {
        Ok(described) => described,
        Err(error) if error.kind == tailmint::MintErrorKind::NotFound => {
            return Finding::warned(
                subject,
                format!("the API accepts it, but does not describe it ({error})"),
                "see in the admin console when it expires",
            );
        }
        Err(error) => return failed(profile, "API key", &error),
    };
    let left = described
        .expires
        .parse::<Timestamp>()
        .ok()
        .map(|ends| ends.duration_since(Timestamp::now()));
    match left {
        Some(left) if left.is_negative() || described.invalid => Finding::failed(
            subject,
            &format!("it expired at {}", described.expires),
            Some("create another in the admin console".to_owned()),
            Class::Rejected,
        ),
        Some(left) if left.unsigned_abs() < SOON => Finding::warned(
            subject,
            format!("it expires at {}", described.expires),
            "create another in the admin console, or an OAuth client, which does not expire: tailmint clients create",
        ),
        Some(_) => Finding::passed(subject, format!("it expires at {}", described.expires)),
        None => Finding::passed(subject, "it does not expire"),
    }
}
