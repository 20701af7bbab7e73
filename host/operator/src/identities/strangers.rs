use std::fmt;

use super::Admitted;

/// Why strangers would come in by a federated identity: its issuer signs for everybody, and
/// nothing says whose tokens are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers {
    issuer: &'static str,
    shape: &'static str,
}

impl fmt::Display for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, shape } = self;
        write!(
            f,
            "{issuer} signs for all its users, and the subject lets in more than one of them: begin it like {shape}"
        )
    }
}

/// An issuer that many share, and how its subjects begin.
struct Shared {
    issuer: &'static str,
    /// What stands before the owner, and how it is shown.
    before: &'static str,
    /// What the owner ends at. None: the whole subject is the owner.
    ends: &'static [char],
    shape: &'static str,
    /// Claims that name the owner as well.
    claims: &'static [&'static str],
}

/// Those whose subjects begin with who it is (the pages of these platforms on `OpenID`
/// Connect).
const SHARED: [Shared; 6] = [
    Shared {
        issuer: "https://token.actions.githubusercontent.com",
        before: "repo:",
        ends: &['/', '@'],
        shape: "repo:OWNER/",
        claims: &[
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
        ],
    },
    Shared {
        issuer: "https://gitlab.com",
        before: "project_path:",
        ends: &['/'],
        shape: "project_path:GROUP/",
        claims: &[
            "namespace_id",
            "namespace_path",
            "project_id",
            "project_path",
        ],
    },
    Shared {
        issuer: "https://accounts.google.com",
        before: "",
        ends: &[],
        shape: "the unique id of a service account",
        claims: &["email"],
    },
    Shared {
        issuer: "https://agent.buildkite.com",
        before: "organization:",
        ends: &[':'],
        shape: "organization:NAME:",
        claims: &["organization_id", "organization_slug"],
    },
    Shared {
        issuer: "https://app.terraform.io",
        before: "organization:",
        ends: &[':'],
        shape: "organization:NAME:",
        claims: &["terraform_organization_id", "terraform_organization_name"],
    },
    Shared {
        issuer: "https://oidc.vercel.com",
        before: "owner:",
        ends: &[':'],
        shape: "owner:NAME:",
        claims: &["owner", "owner_id"],
    },
];

/// Whether others than one owner would come in, as far as the issuer is one of those that
/// many share.
pub fn strangers(admitted: &Admitted) -> Option<Strangers> {
    let issuer = admitted.issuer.as_str().trim_end_matches('/');
    let shared = SHARED.iter().find(|it| it.issuer == issuer)?;
    let mut rules = admitted.claim_rules.iter();
    let is_exact = rules.any(|(name, pattern)| {
        shared.claims.contains(&name.as_str()) && !pattern.as_str().contains('*')
    });
    if is_exact {
        return None;
    }
    let owner = admitted.subject.as_str().strip_prefix(shared.before);
    let names_one = owner.is_some_and(|rest| {
        let end = match shared.ends {
            [] => Some(rest.len()),
            ends => rest.find(ends),
        };
        end.is_some_and(|end| end > 0 && !rest[..end].contains('*'))
    });
    (!names_one).then_some(Strangers {
        issuer: shared.issuer,
        shape: shared.shape,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &str = "https://token.actions.githubusercontent.com";

    fn lets_in(issuer: &str, subject: &str, rules: &[(&str, &str)]) -> bool {
        let mut admitted = Admitted::new(issuer.parse().unwrap(), subject.parse().unwrap());
        for (claim, pattern) in rules {
            admitted = admitted.with_rule(claim.parse().unwrap(), pattern.parse().unwrap());
        }
        strangers(&admitted).is_some()
    }

    #[test]
    fn a_shared_issuer_needs_a_subject_or_a_rule_that_names_one_owner() {
        for (issuer, subject) in [
            (GITHUB, "repo:*"),
            (GITHUB, "repo:a*/web:ref:refs/heads/main"),
            (GITHUB, "*/web:ref:refs/heads/main"),
            (GITHUB, "repo:/web:*"),
            (GITHUB, "repo:acme*"),
            ("https://gitlab.com", "project_path:*"),
            ("https://accounts.google.com", "1*"),
            ("https://agent.buildkite.com", "organization:*:pipeline:x"),
            ("https://app.terraform.io", "organization:*"),
            ("https://oidc.vercel.com/", "owner:*:project:web"),
        ] {
            assert!(lets_in(issuer, subject, &[]), "{issuer} {subject}");
        }
        for (issuer, subject) in [
            (GITHUB, "repo:acme/*"),
            (GITHUB, "repo:acme@1234/web@5678:*"),
            ("https://gitlab.com", "project_path:acme/*"),
            ("https://accounts.google.com", "112233"),
            ("https://agent.buildkite.com", "organization:acme:*"),
            ("https://oidc.vercel.com/acme", "owner:*"),
            ("https://issuer.example.com", "a*"),
        ] {
            assert!(!lets_in(issuer, subject, &[]), "{issuer} {subject}");
        }
        assert!(!lets_in(GITHUB, "repo:*", &[("repository_id", "5678")]));
        assert!(lets_in(GITHUB, "repo:*", &[("repository_id", "5*")]));
        assert!(lets_in(GITHUB, "repo:*", &[("ref", "refs/heads/main")]));
    }
}
