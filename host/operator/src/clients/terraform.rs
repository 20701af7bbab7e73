use super::ClientsError;
use crate::Profile;
use tailmint::Tag;
use tailmint::oauth_client::Scope;

/// The resources of Terraform's provider `tailscale/tailscale` that make the same
/// OAuth clients, with the outputs that [`import`](super::import)
/// reads.
///
/// Terraform keeps the secrets in its state in clear; `terraform output` needs them
/// there.
///
/// # Errors
/// One of the profiles has the same name there as another of all that are configured.
pub fn terraform(profiles: &[&Profile], all: &[Profile]) -> Result<String, ClientsError> {
    let resources = profiles.iter().map(|profile| resource(profile, all));
    let resources: Vec<_> = resources.collect::<Result<_, _>>()?;
    Ok(format!(
        "terraform {{\n  required_providers {{\n    tailscale = {{\n      source  = \"tailscale/tailscale\"\n      version = \">= 0.20.0\"\n    }}\n  }}\n}}\n\n{}",
        resources.join("\n")
    ))
}

fn resource(profile: &Profile, all: &[Profile]) -> Result<String, ClientsError> {
    let name = resource_name(&profile.name, all)?;
    // Names, scopes and tags have no character that HCL would have escaped.
    let scopes = list(profile.scopes.iter().map(Scope::as_str));
    let tags = list(profile.tags.iter().map(Tag::as_str));
    let description = &profile.description;
    Ok(format!(
        r#"resource "tailscale_oauth_client" "{name}" {{
  description = "{description}"
  scopes      = [{scopes}]
  tags        = [{tags}]
}}

output "{name}_id" {{
  value = tailscale_oauth_client.{name}.id
}}

output "{name}_secret" {{
  value     = tailscale_oauth_client.{name}.key
  sensitive = true
}}
"#
    ))
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
    quoted.join(", ")
}

/// The profile's name as an identifier of HCL. Others that become the same there would share
/// its resource, and its outputs.
pub(super) fn resource_name(profile: &str, all: &[Profile]) -> Result<String, ClientsError> {
    let name = identifier(profile);
    let is_rival = |other: &&Profile| other.name != profile && identifier(&other.name) == name;
    match all.iter().find(is_rival) {
        None => Ok(name),
        Some(rival) => Err(ClientsError::SameName {
            profiles: [profile.to_owned(), rival.name.clone()],
            name,
        }),
    }
}

fn identifier(profile: &str) -> String {
    let name: String = profile
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name
    } else {
        format!("client_{name}")
    }
}
