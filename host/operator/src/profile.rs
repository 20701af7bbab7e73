use crate::tailscale::UpArguments;
use crate::{Platform, ProfileCredential, Source, TokenSource};
use tailmint::oauth_client::{ClientProperties, Scope};
use tailmint::{Description, KeyProperties, Tag};

/// An OAuth client or a federated identity with what it is for: where it comes from, its
/// scopes, and the keys that are minted with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What it is called on the command line.
    pub name: String,
    /// What the admin console shows beside the client.
    pub description: Description,
    /// The scopes of the client or the identity.
    pub scopes: Vec<Scope>,
    /// The tags of it and of the machines that it joins.
    pub tags: Vec<Tag>,
    /// What its keys are minted with.
    pub credential: ProfileCredential,
    /// The settings that its machines join with.
    pub up: UpArguments,
    /// The keys that are minted where the command line says nothing else.
    pub key: KeyProperties,
}

impl Profile {
    /// The platform that is asked over the network for the profile's identity token, if one
    /// is.
    pub fn platform(&self) -> Option<&Platform> {
        match &self.credential {
            ProfileCredential::FederatedIdentity(identity) => match &identity.source {
                TokenSource::Platform(platform) => Some(platform),
                TokenSource::File(_) | TokenSource::Variable(_) | TokenSource::Command(_) => None,
            },
            ProfileCredential::OauthClient { .. } => None,
        }
    }

    /// The two profiles that need no configuration.
    pub fn built_in() -> [Self; 2] {
        [
            Self::new(
                "bootstrap",
                "tazlab-bootstrap",
                &["auth_keys", "devices"],
                "tag:tazpod",
                "tailscale-oauth-client",
            ),
            Self::new(
                "k8s-operator",
                "tazlab-k8s-operator",
                &["devices", "auth_keys", "services"],
                "tag:k8s-operator",
                "tailscale-operator-client",
            ),
        ]
    }

    /// What the profile's OAuth client is to be.
    pub fn client(&self) -> ClientProperties {
        ClientProperties {
            description: self.description.clone(),
            scopes: self.scopes.clone(),
            tags: self.tags.clone(),
        }
    }

    fn new(name: &str, description: &str, scopes: &[&str], tag: &str, file: &str) -> Self {
        let tags: Vec<Tag> = vec![tag.parse().expect("a tag")];
        Self {
            name: name.to_owned(),
            description: description.parse().expect("a description"),
            scopes: scopes
                .iter()
                .map(|scope| scope.parse().expect("a scope"))
                .collect(),
            credential: ProfileCredential::OauthClient {
                id: Source::File(format!("{file}-id")),
                secret: Source::File(format!("{file}-secret")),
            },
            up: UpArguments::default(),
            key: KeyProperties::for_tags(tags.clone()),
            tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_those_of_the_script() {
        let [bootstrap, operator] = Profile::built_in();
        assert_eq!(
            bootstrap.credential.files(),
            ["tailscale-oauth-client-id", "tailscale-oauth-client-secret"]
        );
        assert_eq!(bootstrap.key.capabilities.tags[0].as_str(), "tag:tazpod");
        assert_eq!(
            operator.credential.files(),
            [
                "tailscale-operator-client-id",
                "tailscale-operator-client-secret"
            ]
        );
        let scopes: Vec<_> = operator.scopes.iter().map(Scope::as_str).collect();
        assert_eq!(scopes, ["devices", "auth_keys", "services"]);
        let key = &bootstrap.key;
        let can = &key.capabilities;
        assert!(can.reusable && can.ephemeral && can.preauthorized);
        assert_eq!(key.expiry.as_secs(), 3600);
    }
}
