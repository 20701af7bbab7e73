use std::collections::BTreeMap;

use tailmint::federated_identity::{
    ClaimName, ClaimNameError, Issuer, IssuerError, Pattern, PatternError,
};
use tailmint::{Class, Diagnose};

/// Whom a federated identity lets in: the holders of tokens of this issuer, about this
/// subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// Who issues the tokens.
    pub issuer: Issuer,
    /// Whom they are about.
    pub subject: Pattern,
    /// What other claims have to be.
    pub claim_rules: BTreeMap<ClaimName, Pattern>,
    /// What people should know of it: a sentence each.
    pub notes: Vec<&'static str>,
}

/// Why a platform's name for something is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmittedError {
    /// It is not a repository of GitHub.
    #[error("a repository of GitHub is OWNER/REPOSITORY, or OWNER@ID/REPOSITORY@ID")]
    Github,
    /// Only one of the ids is there.
    #[error("give the ids of both, OWNER@ID/REPOSITORY@ID, or of none")]
    GithubIds,
    /// It is not a project of GitLab.
    #[error("a project of GitLab is GROUP/PROJECT")]
    Gitlab,
    /// It is not a service account of Kubernetes.
    #[error("a service account of Kubernetes is NAMESPACE/NAME")]
    Kubernetes,
    /// It is not a service account of Google.
    #[error("a service account of Google is given by its unique id, of digits alone")]
    Gcp,
    /// It is not an app of Fly.
    #[error("an app of Fly.io is ORGANIZATION/APP")]
    Fly,
    /// A name has characters that mean something else in a subject.
    #[error("{what} cannot have *, : or blanks in it")]
    Name {
        /// What is named.
        what: &'static str,
    },
    /// The issuer cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The subject cannot be used.
    #[error(transparent)]
    Subject(#[from] PatternError),
    /// A rule is about no claim.
    #[error(transparent)]
    Claim(#[from] ClaimNameError),
}

impl Diagnose for AdmittedError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Github | Self::GithubIds => {
                "gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id' prints the ids".to_owned()
            }
            Self::Gcp => {
                "gcloud iam service-accounts describe ACCOUNT --format='value(uniqueId)' prints it"
                    .to_owned()
            }
            _ => "give it like this, or give --issuer and --subject".to_owned(),
        })
    }
}

/// GitHub's issuer (GitHub's reference of `OpenID` Connect).
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// Google's, which signs for all that it knows.
const GOOGLE: &str = "https://accounts.google.com";

/// What part of a repository comes in.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum Part<'a> {
    /// All of its jobs.
    #[default]
    All,
    /// Jobs on this branch or tag: `refs/heads/main`, or `main` for the branch.
    Ref(&'a str),
    /// Jobs in this deployment environment.
    Environment(&'a str),
}

impl Admitted {
    /// The holders of tokens of this issuer about this subject.
    pub fn new(issuer: Issuer, subject: Pattern) -> Self {
        Self {
            issuer,
            subject,
            claim_rules: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// The same with a rule about a claim more.
    #[must_use]
    pub fn with_rule(mut self, claim: ClaimName, pattern: Pattern) -> Self {
        self.claim_rules.insert(claim, pattern);
        self
    }

    /// Jobs of a repository of GitHub Actions: `OWNER/REPOSITORY`, or
    /// `OWNER@ID/REPOSITORY@ID` for one that was created, renamed or transferred since
    /// 2026-07-15, whose subjects have the ids (GitHub's reference of `OpenID` Connect). With
    /// ids there are rules about them too: what is renamed, and another of the old name,
    /// stay out.
    ///
    /// # Errors
    /// It is no such name.
    pub fn github(repository: &str, part: Part<'_>) -> Result<Self, AdmittedError> {
        let (owner, name) = repository.split_once('/').ok_or(AdmittedError::Github)?;
        let (owner_name, owner_id) = with_id(owner);
        let (own_name, own_id) = with_id(name);
        if !is_github_name(owner_name) || !is_github_name(own_name) {
            return Err(AdmittedError::Github);
        }
        let ids = match (owner_id, own_id) {
            (None, None) => None,
            (Some(owner), Some(own)) if is_number(owner) && is_number(own) => Some((owner, own)),
            _ => return Err(AdmittedError::GithubIds),
        };
        let rest = match part {
            Part::All => "*".to_owned(),
            Part::Ref(text) => format!("ref:{}", full_ref(plain("a ref", text)?)),
            // A colon in it would end the value (the same reference).
            Part::Environment(text) => {
                let escaped = text.replace(':', "%3A");
                format!("environment:{}", plain("an environment", &escaped)?)
            }
        };
        let subject = format!("repo:{repository}:{rest}");
        let mut admitted = Self::new(GITHUB.parse()?, subject.parse()?);
        match ids {
            Some((owner, own)) => {
                for (claim, id) in [("repository_owner_id", owner), ("repository_id", own)] {
                    admitted.claim_rules.insert(claim.parse()?, id.parse()?);
                }
            }
            None => admitted.notes.push(
                "a repository that was created, renamed or transferred since 2026-07-15 has other subjects: give OWNER@ID/REPOSITORY@ID for it",
            ),
        }
        if matches!(part, Part::All) {
            admitted.notes.push(
                "every workflow of the repository comes in, on any branch: --ref or --environment lets in fewer",
            );
        }
        Ok(admitted)
    }

    /// Jobs of a project of GitLab, at gitlab.com where no other issuer is given.
    ///
    /// # Errors
    /// It is no such name.
    pub fn gitlab(
        project: &str,
        issuer: Option<Issuer>,
        part: Part<'_>,
    ) -> Result<Self, AdmittedError> {
        let is_path = project.split('/').count() > 1 && project.split('/').all(|it| !it.is_empty());
        if !is_path {
            return Err(AdmittedError::Gitlab);
        }
        plain("a project", project)?;
        let issuer = match issuer {
            Some(issuer) => issuer,
            None => "https://gitlab.com".parse()?,
        };
        let rest = match part {
            Part::All | Part::Environment(_) => "*".to_owned(),
            Part::Ref(text) => match plain("a ref", text)?.strip_prefix("refs/tags/") {
                Some(tag) => format!("ref_type:tag:ref:{tag}"),
                None => format!(
                    "ref_type:branch:ref:{}",
                    text.trim_start_matches("refs/heads/")
                ),
            },
        };
        let subject = format!("project_path:{project}:{rest}");
        let mut admitted = Self::new(issuer, subject.parse()?);
        if let Part::Environment(text) = part {
            admitted.claim_rules.insert(
                "environment".parse()?,
                plain("an environment", text)?.parse()?,
            );
        }
        Ok(admitted)
    }

    /// A service account of a Kubernetes cluster: `NAMESPACE/NAME`. The issuer is what the
    /// cluster's API server calls itself, and its two documents have to be public.
    ///
    /// # Errors
    /// It is no such name.
    pub fn kubernetes(issuer: Issuer, account: &str) -> Result<Self, AdmittedError> {
        let (namespace, name) = account.split_once('/').ok_or(AdmittedError::Kubernetes)?;
        let is_name = |text: &str| {
            let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| is_of_name(byte) || b"-.".contains(&byte))
        };
        if !is_name(namespace) || !is_name(name) {
            return Err(AdmittedError::Kubernetes);
        }
        let subject = format!("system:serviceaccount:{namespace}:{name}");
        Ok(Self::new(issuer, subject.parse()?))
    }

    /// A service account of Google Cloud, by its unique id. Google signs for everybody: the
    /// number alone keeps others out.
    ///
    /// # Errors
    /// It is no such id.
    pub fn gcp(unique_id: &str) -> Result<Self, AdmittedError> {
        if !is_number(unique_id) {
            return Err(AdmittedError::Gcp);
        }
        Ok(Self::new(GOOGLE.parse()?, unique_id.parse()?))
    }

    /// The machines of an app of Fly.io: `ORGANIZATION/APP`.
    ///
    /// # Errors
    /// It is no such name.
    pub fn fly(app: &str) -> Result<Self, AdmittedError> {
        let (organization, name) = app.split_once('/').ok_or(AdmittedError::Fly)?;
        let is_name = |text: &str| {
            let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !text.is_empty() && text.bytes().all(is_of_name)
        };
        if !is_name(organization) || !is_name(name) {
            return Err(AdmittedError::Fly);
        }
        let issuer = format!("https://oidc.fly.io/{organization}");
        let subject = format!("{organization}:{name}:*");
        Ok(Self::new(issuer.parse()?, subject.parse()?))
    }
}

/// A name, and the id behind it.
fn with_id(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((name, id)) => (name, Some(id)),
        None => (text, None),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_github_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_name)
}

/// A text that stands for itself in a subject.
fn plain<'a>(what: &'static str, text: &'a str) -> Result<&'a str, AdmittedError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"*:".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        Ok(text)
    } else {
        Err(AdmittedError::Name { what })
    }
}

/// The ref as GitHub writes it: a name alone is a branch.
fn full_ref(text: &str) -> String {
    if text.starts_with("refs/") {
        text.to_owned()
    } else {
        format!("refs/heads/{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(admitted: Result<Admitted, AdmittedError>) -> String {
        admitted.unwrap().subject.to_string()
    }

    #[test]
    fn subjects_are_those_that_the_platforms_write() {
        let main = Part::Ref("main");
        for (admitted, expected) in [
            (Admitted::github("acme/web", Part::All), "repo:acme/web:*"),
            (
                Admitted::github("acme/web", main),
                "repo:acme/web:ref:refs/heads/main",
            ),
            (
                Admitted::github("acme/web", Part::Ref("refs/tags/v1")),
                "repo:acme/web:ref:refs/tags/v1",
            ),
            (
                Admitted::github("acme/web", Part::Environment("prod:eu")),
                "repo:acme/web:environment:prod%3Aeu",
            ),
            (
                Admitted::github("acme@1234/web@5678", main),
                "repo:acme@1234/web@5678:ref:refs/heads/main",
            ),
            (
                Admitted::gitlab("acme/sub/web", None, main),
                "project_path:acme/sub/web:ref_type:branch:ref:main",
            ),
            (
                Admitted::gitlab("acme/web", None, Part::Ref("refs/tags/v1")),
                "project_path:acme/web:ref_type:tag:ref:v1",
            ),
            (
                Admitted::gitlab("acme/web", None, Part::All),
                "project_path:acme/web:*",
            ),
            (
                Admitted::kubernetes("https://k8s.example.com".parse().unwrap(), "infra/joiner"),
                "system:serviceaccount:infra:joiner",
            ),
            (
                Admitted::gcp("112233445566778899001"),
                "112233445566778899001",
            ),
            (Admitted::fly("acme/web"), "acme:web:*"),
        ] {
            assert_eq!(subject(admitted), expected);
        }
    }

    #[test]
    fn ids_of_github_become_rules_that_hold_when_names_change() {
        let admitted = Admitted::github("acme@1234/web@5678", Part::All).unwrap();
        let rules: Vec<_> = admitted
            .claim_rules
            .iter()
            .map(|(claim, pattern)| format!("{claim}={pattern}"))
            .collect();
        assert_eq!(rules, ["repository_id=5678", "repository_owner_id=1234"]);
        let without = Admitted::github("acme/web", Part::All).unwrap();
        assert!(without.claim_rules.is_empty());
        assert!(without.notes[0].contains("2026-07-15"));
    }

    #[test]
    fn names_that_would_let_others_in_are_none() {
        use AdmittedError::{Fly, Gcp, Github, GithubIds, Gitlab, Kubernetes, Name};

        let issuer: Issuer = "https://k8s.example.com".parse().unwrap();
        for (admitted, expected) in [
            (Admitted::github("acme", Part::All), Github),
            (Admitted::github("acme/*", Part::All), Github),
            (Admitted::github("*/web", Part::All), Github),
            (Admitted::github("acme/web/x", Part::All), Github),
            (Admitted::github("acme/", Part::All), Github),
            (Admitted::github("acme@1/web", Part::All), GithubIds),
            (Admitted::github("acme@1/web@x", Part::All), GithubIds),
            (
                Admitted::github("acme/web", Part::Ref("*")),
                Name { what: "a ref" },
            ),
            (
                Admitted::github("acme/web", Part::Environment("a*")),
                Name {
                    what: "an environment",
                },
            ),
            (Admitted::gitlab("acme", None, Part::All), Gitlab),
            (
                Admitted::gitlab("acme/*", None, Part::All),
                Name { what: "a project" },
            ),
            (Admitted::kubernetes(issuer.clone(), "joiner"), Kubernetes),
            (Admitted::kubernetes(issuer, "infra/*"), Kubernetes),
            (Admitted::gcp("joiner@acme.iam.gserviceaccount.com"), Gcp),
            (Admitted::gcp("*"), Gcp),
            (Admitted::fly("acme"), Fly),
            (Admitted::fly("acme/*"), Fly),
        ] {
            assert_eq!(admitted.unwrap_err(), expected);
        }
    }
}
