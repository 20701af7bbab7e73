use std::fmt::Write;

use tailmint_api::{IdentityProperties, Scope, Tag};

/// The resource of Terraform's provider `tailscale/tailscale` that creates the same federated
/// identity, with its client id and its audience as outputs. There is no secret in it.
pub fn terraform(name: &str, properties: &IdentityProperties) -> String {
    let name = identifier(name);
    let scopes = list(properties.scopes.iter().map(Scope::as_str));
    let tags = list(properties.tags.iter().map(Tag::as_str));
    let mut text = format!(
        "resource \"tailscale_federated_identity\" \"{name}\" {{\n  description = {}\n  scopes      = [{scopes}]\n  tags        = [{tags}]\n  issuer      = {}\n  subject     = {}\n",
        quoted(properties.description.as_str()),
        quoted(properties.issuer.as_str()),
        quoted(properties.subject.as_str()),
    );
    if let Some(audience) = &properties.audience {
        text += &format!("  audience    = {}\n", quoted(audience.as_str()));
    }
    if !properties.claim_rules.is_empty() {
        text += "  custom_claim_rules = {\n";
        let rules = properties.claim_rules.iter();
        let rules: Vec<_> = rules
            .map(|(claim, pattern)| (quoted(claim.as_str()), quoted(pattern.as_str())))
            .collect();
        // Below each other, as terraform fmt has them.
        let width = rules.iter().map(|(claim, _)| claim.len()).max();
        let width = width.unwrap_or_default();
        for (claim, pattern) in rules {
            writeln!(text, "    {claim:width$} = {pattern}")
                .expect("a string takes all that is written");
        }
        text += "  }\n";
    }
    text += &format!(
        "}}\n\noutput \"{name}_client_id\" {{\n  value = tailscale_federated_identity.{name}.id\n}}\n\noutput \"{name}_audience\" {{\n  value = tailscale_federated_identity.{name}.audience\n}}\n"
    );
    text
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = items.map(quoted).collect();
    quoted.join(", ")
}

/// A string of HCL: printable ASCII, of which quotes, backslashes and the two beginnings of
/// templates are escaped.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let text = text.replace("${", "$${").replace("%{", "%%{");
    format!("\"{text}\"")
}

fn identifier(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        name
    } else {
        format!("identity_{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_else_in_terraform_is_escaped() {
        assert_eq!(quoted(r#"a"b\c${d}%{e}"#), r#""a\"b\\c$${d}%%{e}""#);
        assert_eq!(identifier("web-1"), "web_1");
        assert_eq!(identifier("1"), "identity_1");
    }
}
