use crate::Profile;
use tailmint::Tag;
use tailmint::oauth_client::Scope;

/// The resources of Terraform's provider `tailscale/tailscale` that make the same
/// OAuth clients, with the outputs that [`import`](super::import)
/// reads.
///
/// Terraform keeps the secrets in its state in clear; `terraform output` needs them
/// there.
pub fn terraform(profiles: &[&Profile]) -> String {
    let resources: Vec<_> = profiles.iter().map(|profile| resource(profile)).collect();
    format!(
        "terraform {{\n  required_providers {{\n    tailscale = {{\n      source  = \"tailscale/tailscale\"\n      version = \">= 0.20.0\"\n    }}\n  }}\n}}\n\n{}",
        resources.join("\n")
    )
}

fn resource(profile: &Profile) -> String {
    let name = resource_name(&profile.name);
    // Names, scopes and tags have no character that HCL would have escaped.
    let scopes = list(profile.scopes.iter().map(Scope::as_str));
    let tags = list(profile.tags.iter().map(Tag::as_str));
    let description = &profile.description;
    format!(
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
    )
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
    quoted.join(", ")
}

/// The profile's name as an identifier of HCL.
pub(super) fn resource_name(profile: &str) -> String {
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
