//! Operations on federated identities.

use tailmint_api::{DescribedIdentity, IdentityProperties, KeyId, NewIdentityBody};
use tailmint_policy::Task;

use super::{
    IdentityDetails, IdentityGrant, MintError, MintErrorKind, Minter, Told,
    call::{Called, deleted, id_of},
    evidence::{self, same},
};
use crate::{Account, Credential, egress::Run, sandbox::types};

impl Minter {
    /// Creates a new federated identity. The credential needs the scope `federated_keys`.
    ///
    /// The request that creates the identity is sent at most once unless the API says that
    /// it did not act on it.
    ///
    /// # Errors
    /// One of the kind [`MintErrorKind::OutcomeUnknown`] means that an identity may exist.
    /// After every other error none does, unless [`MintError::left_behind`] names it.
    pub async fn create_identity(
        &self,
        account: &Account,
        properties: &IdentityProperties,
    ) -> Result<IdentityDetails, MintError> {
        let task = Task::CreateIdentity {
            properties: Box::new(properties.clone()),
        };
        let wanted = &to_component(&properties.body());
        let call = |mut called: Called| async move {
            let (identities, store) = called.guest.federated_identities()?;
            identities
                .call_create(store, &called.credential, &called.tailnet, wanted)
                .await
        };
        let accept = |run: &Run, details| accept_as_asked(run, details, properties);
        self.perform(account, task, call, accept).await
    }

    /// Describes all federated identities that the credential may see.
    ///
    /// # Errors
    /// The API could not be asked.
    pub async fn list_identities(
        &self,
        account: &Account,
    ) -> Result<Vec<IdentityDetails>, MintError> {
        let call = |mut called: Called| async move {
            let (identities, store) = called.guest.federated_identities()?;
            identities
                .call_list(store, &called.credential, &called.tailnet)
                .await
        };
        let accept = |run: &Run, identities: Vec<types::IdentityDetails>| {
            let seen = evidence::identities(run)?;
            let said: Vec<_> = identities.into_iter().map(described).collect();
            same(&said, &seen, "the federated identities")?;
            seen.into_iter().map(from_api).collect()
        };
        self.perform(account, Task::ListIdentities, call, accept)
            .await
    }

    /// Replaces all that a federated identity says with these properties. Its id stays.
    /// The request that changes it is sent at most once unless the API says that it did not
    /// act on it.
    ///
    /// # Errors
    /// One of the kind [`MintErrorKind::OutcomeUnknown`] means that it may have been changed,
    /// one of the kind [`MintErrorKind::NotAsAsked`] that it was, into something else. After
    /// every other error it was not.
    pub async fn update_identity(
        &self,
        account: &Account,
        id: &KeyId,
        properties: &IdentityProperties,
    ) -> Result<IdentityDetails, MintError> {
        let task = Task::UpdateIdentity {
            id: id.clone(),
            properties: Box::new(properties.clone()),
        };
        let wanted = &to_component(&properties.body());
        let call = |mut called: Called| async move {
            let (identities, store) = called.guest.federated_identities()?;
            let (credential, tailnet) = (&called.credential, &called.tailnet);
            identities
                .call_update(store, credential, tailnet, id.as_str(), wanted)
                .await
        };
        let accept = |run: &Run, details| accept_as_asked(run, details, properties);
        self.perform(account, task, call, accept).await
    }

    /// Deletes a federated identity, and with it the access tokens that it gave out. Keys
    /// that were minted with it, and devices, stay.
    ///
    /// # Errors
    /// There is no such identity, or the API could not be asked.
    pub async fn delete_identity(&self, account: &Account, id: &KeyId) -> Result<(), MintError> {
        let task = Task::DeleteIdentity { id: id.clone() };
        let call = |called: Called| delete(called, id);
        self.perform(account, task, call, deleted).await
    }

    /// Asks whether the federated identity of the account takes its token, and what it
    /// grants. Nothing is created by it but an access token that nobody keeps.
    ///
    /// # Errors
    /// The credential is not a federated identity, or the API does not take the token.
    pub async fn check_identity(&self, account: &Account) -> Result<IdentityGrant, MintError> {
        if !matches!(account.credential, Credential::FederatedIdentity { .. }) {
            return Err(MintError::misuse(
                "only a federated identity has a token to check",
            ));
        }
        let call = |mut called: Called| async move {
            let types::Credential::FederatedIdentity(identity) = &called.credential else {
                // What it was is judged above.
                return Err(wasmtime::Error::msg(
                    "the credential is not a federated identity",
                ));
            };
            let (identities, store) = called.guest.federated_identities()?;
            identities.call_check(store, identity).await
        };
        let accept = |run: &Run, said: types::IdentityGrant| {
            let seen = evidence::exchanged(run)?;
            let seen = (seen.scopes(), seen.tags());
            same(&(said.scopes, said.tags), &seen, "what was granted")?;
            let (scopes, tags) = seen;
            Ok(IdentityGrant { scopes, tags })
        };
        self.perform(account, Task::CheckIdentity, call, accept)
            .await
    }
}

/// Calls the component to delete an identity.
pub(super) async fn delete(mut called: Called, id: &KeyId) -> Told<()> {
    let (identities, store) = called.guest.federated_identities()?;
    identities
        .call_remove(store, &called.credential, &called.tailnet, id.as_str())
        .await
}

/// Accepts what the API says of the identity where it is what was asked for.
fn accept_as_asked(
    run: &Run,
    details: types::IdentityDetails,
    asked: &IdentityProperties,
) -> Result<IdentityDetails, MintError> {
    let seen = evidence::identity(run)?;
    same(&described(details), &seen, "the federated identity")?;
    as_asked(&seen, &asked.body())?;
    from_api(seen)
}

/// Rejects an identity that lets in somebody else, or may do something else, than what was
/// asked for.
fn as_asked(is: &DescribedIdentity, was: &NewIdentityBody<'_>) -> Result<(), MintError> {
    fn sorted<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }
    fn words(texts: &[&str]) -> String {
        match texts {
            [] => "none".to_owned(),
            texts => texts.join(" "),
        }
    }
    let text = |what: &str, is: &str, was: &str| {
        (is != was).then(|| format!("its {what} is {is:?}, not {was:?}"))
    };
    let list = |what: &str, is: Vec<&str>, was: Vec<&str>| {
        (is != was).then(|| format!("its {what} are {}, not {}", words(&is), words(&was)))
    };
    let scopes = sorted(is.scopes.iter().map(String::as_str));
    let tags = sorted(is.tags.iter().map(String::as_str));
    let rules = is.claim_rules.iter();
    let has_rules = rules
        .map(|(name, pattern)| (name.as_str(), pattern.as_str()))
        .eq(was.custom_claim_rules.iter().map(|(name, it)| (*name, *it)));
    let other = [
        list("scopes", scopes, sorted(was.scopes.iter().copied())),
        list("tags", tags, sorted(was.tags.iter().copied())),
        text("issuer", &is.issuer, was.issuer),
        text("subject", &is.subject, was.subject),
        was.audience
            .and_then(|audience| text("audience", &is.audience, audience)),
        (!has_rules).then(|| "its rules about claims are others".to_owned()),
        is.invalid.then(|| "it is not valid".to_owned()),
    ];
    let other: Vec<_> = other.into_iter().flatten().collect();
    if other.is_empty() {
        return Ok(());
    }
    Err(MintError::new(
        MintErrorKind::NotAsAsked,
        format!(
            "the API made another federated identity than was asked for: {}",
            other.join("; ")
        ),
        "ask for what the tailnet grants, or see in the admin console what changes it",
    ))
}

/// What the component says of an identity.
fn described(identity: types::IdentityDetails) -> DescribedIdentity {
    let properties = identity.properties;
    let rules = properties.claim_rules.into_iter();
    DescribedIdentity {
        id: identity.id,
        created: identity.created,
        invalid: identity.invalid,
        description: properties.description,
        scopes: properties.scopes,
        tags: properties.tags,
        issuer: properties.issuer,
        subject: properties.subject,
        audience: properties.audience.unwrap_or_default(),
        claim_rules: rules.map(|rule| (rule.claim, rule.pattern)).collect(),
    }
}

/// The identity that the API described.
fn from_api(identity: DescribedIdentity) -> Result<IdentityDetails, MintError> {
    Ok(IdentityDetails {
        id: id_of(&identity.id)?,
        created: identity.created,
        invalid: identity.invalid,
        description: identity.description,
        scopes: identity.scopes,
        tags: identity.tags,
        issuer: identity.issuer,
        subject: identity.subject,
        audience: identity.audience,
        claim_rules: identity.claim_rules,
    })
}

fn to_component(properties: &NewIdentityBody<'_>) -> types::IdentityProperties {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let rules = properties.custom_claim_rules.iter();
    types::IdentityProperties {
        description: properties.description.to_owned(),
        scopes: owned(&properties.scopes),
        tags: owned(&properties.tags),
        issuer: properties.issuer.to_owned(),
        subject: properties.subject.to_owned(),
        audience: properties.audience.map(ToOwned::to_owned),
        claim_rules: rules
            .map(|(claim, pattern)| types::ClaimRule {
                claim: (*claim).to_owned(),
                pattern: (*pattern).to_owned(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn asked() -> NewIdentityBody<'static> {
        NewIdentityBody {
            description: "ci",
            scopes: vec!["auth_keys", "devices:core"],
            tags: vec!["tag:ci"],
            issuer: "https://issuer.example.com",
            subject: "repo:acme/web:*",
            audience: None,
            custom_claim_rules: BTreeMap::from([("ref", "refs/heads/main")]),
        }
    }

    fn made(change: impl FnOnce(&mut DescribedIdentity)) -> Result<(), String> {
        let asked = asked();
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let mut identity = DescribedIdentity {
            id: "T1CNTRL-k1CNTRL".to_owned(),
            created: String::new(),
            invalid: false,
            description: asked.description.to_owned(),
            scopes: owned(&asked.scopes),
            tags: owned(&asked.tags),
            issuer: asked.issuer.to_owned(),
            subject: asked.subject.to_owned(),
            audience: "api.tailscale.com/T1CNTRL-k1CNTRL".to_owned(),
            claim_rules: BTreeMap::from([("ref".to_owned(), "refs/heads/main".to_owned())]),
        };
        change(&mut identity);
        as_asked(&identity, &asked).map_err(|error| error.to_string())
    }

    type Change = fn(&mut DescribedIdentity);

    #[test]
    fn an_identity_that_lets_in_somebody_else_is_rejected_with_whom() {
        assert_eq!(made(|_| ()), Ok(()));
        assert_eq!(made(|it| it.scopes.reverse()), Ok(()));
        let cases: [(&str, Change); 7] = [
            (r#"its subject is "*", not "repo:acme/web:*""#, |it| {
                it.subject = "*".to_owned();
            }),
            (
                r#"its issuer is "", not "https://issuer.example.com""#,
                |it| it.issuer.clear(),
            ),
            ("its rules about claims are others", |it| {
                it.claim_rules.clear();
            }),
            ("its tags are none, not tag:ci", |it| it.tags.clear()),
            ("its scopes are all, not auth_keys devices:core", |it| {
                it.scopes = vec!["all".to_owned()];
            }),
            ("it is not valid", |it| it.invalid = true),
            ("its tags are tag:ci tag:more, not tag:ci", |it| {
                it.tags.push("tag:more".to_owned());
            }),
        ];
        for (what, change) in cases {
            let begin = "the API made another federated identity than was asked for: ";
            assert_eq!(made(change), Err(format!("{begin}{what}")));
        }
    }
}
