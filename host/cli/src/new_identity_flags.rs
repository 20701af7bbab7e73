use std::str::FromStr;

use clap::Args;
use tailmint::{
    Class, Description, Tag,
    federated_identity::{Audience, ClaimName, IdentityProperties, Issuer, Pattern},
    oauth_client::Scope,
};
use tailmint_api::AUTH_KEYS_SCOPE;
use tailmint_operator::{
    Profile,
    identities::{Admitted, AdmittedError, Part, strangers},
};

use super::{failure::Failure, trace::Trace};

// What a federated identity is to be: whom it lets in, and what it may do.
#[derive(Args)]
#[command(
    next_help_heading = "Whom it lets in",
    group = clap::ArgGroup::new("whom").required(true)
)]
pub(super) struct NewIdentityFlags {
    /// Jobs of this repository of GitHub Actions; with the ids of both for one that was
    /// created, renamed or transferred since 2026-07-15
    #[arg(long, value_name = "OWNER[@ID]/REPOSITORY[@ID]", group = "whom")]
    github: Option<String>,
    /// Jobs of this project of GitLab
    #[arg(long, value_name = "GROUP/PROJECT", group = "whom")]
    gitlab: Option<String>,
    /// Pods with this service account of the cluster with this issuer
    #[arg(
        long,
        value_names = ["ISSUER", "NAMESPACE/ACCOUNT"],
        num_args = 2,
        group = "whom",
        conflicts_with = "issuer"
    )]
    kubernetes: Option<Vec<String>>,
    /// Machines with this service account of Google Cloud, by its unique id
    #[arg(long, value_name = "NUMBER", group = "whom", conflicts_with = "issuer")]
    gcp: Option<String>,
    /// Machines of this app of Fly.io
    #[arg(
        long,
        value_name = "ORGANIZATION/APP",
        group = "whom",
        conflicts_with = "issuer"
    )]
    fly: Option<String>,
    /// Holders of tokens with this subject, in which * stands for any characters
    #[arg(long, value_name = "PATTERN", group = "whom", requires = "issuer")]
    subject: Option<Pattern>,
    /// Who issues the tokens, for --subject and for a GitLab of your own
    #[arg(long, value_name = "URL", conflicts_with = "github")]
    issuer: Option<Issuer>,
    /// Only jobs on this branch, or on this ref: main, refs/tags/v1
    #[arg(long = "ref", value_name = "REF", conflicts_with = "environment")]
    reference: Option<String>,
    /// Only jobs in this deployment environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only tokens whose claim is like this; may be repeated
    #[arg(long = "rule", value_name = "CLAIM=PATTERN")]
    rules: Vec<Rule>,
    /// For whom the tokens are issued [default: api.tailscale.com/ID]
    #[arg(long, value_name = "TEXT")]
    audience: Option<Audience>,
    #[command(flatten)]
    may: May,
}

#[derive(Args)]
#[command(next_help_heading = "What it may do")]
struct May {
    /// The profile whose tags and description it has [default: bootstrap]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Its scope, instead of `auth_keys`; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// Its tag, instead of the profile's; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// What the admin console shows beside it
    #[arg(long, value_name = "TEXT")]
    description: Option<Description>,
}

/// A rule about a claim.
#[derive(Clone, Debug)]
struct Rule {
    claim: ClaimName,
    pattern: Pattern,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A name in double quotes may have a `=` in it.
        let mut is_quoted = false;
        let at = text.find(|it: char| {
            is_quoted ^= it == '"';
            it == '=' && !is_quoted
        });
        let (claim, pattern) = at
            .map(|at| (&text[..at], &text[at + 1..]))
            .ok_or("give CLAIM=PATTERN, such as ref=refs/heads/main")?;
        Ok(Self {
            claim: claim.parse().map_err(|error| format!("{error}"))?,
            pattern: pattern.parse().map_err(|error| format!("{error}"))?,
        })
    }
}

impl NewIdentityFlags {
    /// The profile that is named.
    pub(super) fn profile(&self) -> Option<&str> {
        self.may.profile.as_deref()
    }

    /// What the identity is to be. Notes about whom it lets in are told.
    pub(super) fn properties(&self, profile: &Profile) -> Result<IdentityProperties, Failure> {
        let mut admitted = self.admitted()?;
        for rule in &self.rules {
            admitted = admitted.with_rule(rule.claim.clone(), rule.pattern.clone());
        }
        if let Some(strangers) = strangers(&admitted) {
            return Err(Failure::new(
                Class::Usage,
                strangers.to_string(),
                Some("nothing was created; name one owner in the subject, or in a rule".to_owned()),
            ));
        }
        for note in &admitted.notes {
            Trace::note(&format!("note: {note}"));
        }
        if admitted.subject.is_open_in_front() {
            Trace::note(
                "warning: the subject begins with *: all to whom the issuer gives a subject that ends like it come in",
            );
        }
        let may = &self.may;
        Ok(IdentityProperties {
            description: may
                .description
                .clone()
                .unwrap_or_else(|| profile.description.clone()),
            scopes: if may.scopes.is_empty() {
                vec![AUTH_KEYS_SCOPE.parse().expect("a scope")]
            } else {
                may.scopes.clone()
            },
            tags: if may.tags.is_empty() {
                profile.tags.clone()
            } else {
                may.tags.clone()
            },
            issuer: admitted.issuer,
            subject: admitted.subject,
            audience: self.audience.clone(),
            claim_rules: admitted.claim_rules,
        })
    }

    fn admitted(&self) -> Result<Admitted, AdmittedError> {
        let part = match (&self.reference, &self.environment) {
            (Some(reference), _) => Part::Ref(reference),
            (None, Some(environment)) => Part::Environment(environment),
            (None, None) => Part::All,
        };
        if let Some(repository) = &self.github {
            return Admitted::github(repository, part);
        }
        if let Some(project) = &self.gitlab {
            return Admitted::gitlab(project, self.issuer.clone(), part);
        }
        if let Some([issuer, account]) = self.kubernetes.as_deref() {
            return Admitted::kubernetes(issuer.parse()?, account);
        }
        if let Some(id) = &self.gcp {
            return Admitted::gcp(id);
        }
        if let Some(app) = &self.fly {
            return Admitted::fly(app);
        }
        match (&self.issuer, &self.subject) {
            (Some(issuer), Some(subject)) => Ok(Admitted::new(issuer.clone(), subject.clone())),
            // What was given is judged when the command line is read.
            _ => Err(AdmittedError::Github),
        }
    }
}
