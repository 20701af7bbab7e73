use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tailmint::{KeyId, federated_identity::Audience};
use tailmint_operator::{Platform, ProfileCredential, ProfileIdentity, TokenSource};

// A federated identity instead of what the profile has.
#[derive(Args)]
#[group(id = "identity")]
pub(super) struct IdentityFlags {
    /// Use the federated identity with this client id, instead of the profile's
    /// credential; the policy has to allow it
    #[arg(long, value_name = "ID", requires = "id-token")]
    client_id: Option<KeyId>,
    /// For whom the identity token is issued [default: api.tailscale.com/ID]
    #[arg(long, value_name = "TEXT", requires = "client_id")]
    audience: Option<Audience>,
    /// Read the identity token from this file
    #[arg(long, value_name = "FILE", group = "id-token", requires = "client_id")]
    id_token_file: Option<PathBuf>,
    /// Read the identity token from this variable
    #[arg(long, value_name = "NAME", group = "id-token", requires = "client_id")]
    id_token_env: Option<String>,
    /// Ask this platform for the identity token
    #[arg(
        long,
        value_enum,
        value_name = "PLATFORM",
        group = "id-token",
        requires = "client_id"
    )]
    id_token_source: Option<PlatformFlag>,
}

/// A platform that vouches for what runs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlatformFlag {
    /// A job of GitHub Actions.
    Github,
    /// A machine of Google Cloud.
    Gcp,
    /// A machine of Azure; the audience is the resource.
    Azure,
    /// A machine of Fly.io.
    Fly,
}

impl IdentityFlags {
    /// The credential that they say, if they say one.
    pub(super) fn credential(&self) -> Option<ProfileCredential> {
        let client_id = self.client_id.clone()?;
        let usual = || Audience::of_identity(&client_id);
        let audience = self.audience.clone().unwrap_or_else(usual);
        let file = self.id_token_file.clone().map(|path| {
            // The policy names files by their absolute paths.
            TokenSource::File(std::path::absolute(&path).unwrap_or(path))
        });
        let variable = self.id_token_env.clone().map(TokenSource::Variable);
        let platform = self.id_token_source.map(|it| {
            TokenSource::Platform(match it {
                PlatformFlag::Github => Platform::Github,
                PlatformFlag::Gcp => Platform::Gcp,
                PlatformFlag::Azure => Platform::Azure {
                    resource: audience.to_string(),
                    client_id: None,
                },
                PlatformFlag::Fly => Platform::Fly,
            })
        });
        let source = file.or(variable).or(platform)?;
        let identity = ProfileIdentity::new(client_id, Some(audience), source);
        Some(ProfileCredential::FederatedIdentity(identity))
    }
}
