use std::path::{Path, PathBuf};

use serde_json::Value;
use tailmint_api::{Operation, OutsideText, Rule};
use tailmint_core::{Decision, Denial, Position, VaultAddress, digest::sha256};

use crate::{
    ComponentFacts, IdentityFacts, IdentitySource, PolicyError, Request, TrustFacts,
    document::{Document, DocumentGiven},
    member::{At, Member, Misfit, VERSION},
    seen::{RequestFacts, Seen},
};

/// What may be said to the API: the user's policy, within that of the machine's owner.
#[derive(Clone, Debug)]
pub struct Policy {
    effective: Document,
    ceiling: Option<Layer>,
    /// The user's own file, where there is one.
    own: Option<PathBuf>,
    /// Where the user's own file would be.
    own_path: PathBuf,
    digest: String,
}

#[derive(Clone, Debug)]
struct Layer {
    path: PathBuf,
    document: Document,
}

/// A policy file: its name, for messages, and what is in it.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// What it is called.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl PolicyFile {
    /// The policy that the file says, over `base`.
    fn over(&self, base: &Document) -> Result<Document, PolicyError> {
        let problem = |misfit: Misfit| {
            let span = misfit.span.unwrap_or_default();
            PolicyError::Syntax {
                path: self.path.clone(),
                position: Position::of(&self.text, Some(span.clone())),
                span,
                text: self.text.clone(),
                message: OutsideText::new(&misfit.message),
            }
        };
        #[expect(clippy::disallowed_methods, reason = "its words become `OutsideText`")]
        let given: DocumentGiven = toml::from_str(&self.text).map_err(|error| {
            problem(Misfit {
                message: error.message().to_owned(),
                span: error.span(),
            })
        })?;
        if given.version.is_none() {
            let message = format!("it has no version: write version = {}", VERSION.0);
            return Err(problem(Misfit::new(message)));
        }
        Document::over(given, base, "").map_err(problem)
    }
}

impl Policy {
    /// What the two built-in profiles need.
    pub fn built_in() -> Self {
        let own_path = PathBuf::from("policy.toml");
        Self::new(Document::built_in(), None, None, own_path)
    }

    /// The policy that a text in the format of the files says, over the built-in one.
    ///
    /// # Errors
    /// The text is not a policy.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let path = PathBuf::from("policy");
        let file = PolicyFile {
            path: path.clone(),
            text: text.to_owned(),
        };
        let document = file.over(&Document::built_in())?;
        Ok(Self::new(document, None, Some(path.clone()), path))
    }

    /// The user's policy, within that of the machine's owner, over the built-in one.
    /// `own_path` is where the user's own would be, for messages.
    ///
    /// # Errors
    /// A file is not a policy, or the user's allows more than the ceiling.
    pub fn layered(
        ceiling: Option<PolicyFile>,
        own: Option<&PolicyFile>,
        own_path: PathBuf,
    ) -> Result<Self, PolicyError> {
        let ceiling = match ceiling {
            None => None,
            Some(file) => Some(Layer {
                document: file.over(&Document::built_in())?,
                path: file.path,
            }),
        };
        let base = match &ceiling {
            Some(layer) => layer.document.clone(),
            None => Document::built_in(),
        };
        let Some(own) = own else {
            return Ok(Self::new(base, ceiling, None, own_path));
        };
        let effective = own.over(&base)?;
        if let Some(layer) = &ceiling
            && let Some(member) = effective.wider_than(&layer.document, "")
        {
            return Err(PolicyError::WiderThanCeiling {
                path: own.path.clone(),
                member,
                ceiling: layer.path.clone(),
            });
        }
        Ok(Self::new(
            effective,
            ceiling,
            Some(own.path.clone()),
            own_path,
        ))
    }

    fn new(
        effective: Document,
        ceiling: Option<Layer>,
        own: Option<PathBuf>,
        own_path: PathBuf,
    ) -> Self {
        let json = serde_json::to_vec(&effective).expect("a policy can be written");
        Self {
            digest: sha256(&json),
            effective,
            ceiling,
            own,
            own_path,
        }
    }

    /// The SHA-256 of all that the policy says, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The whole policy as a file, with the file that each line comes from where it is
    /// not the built-in policy.
    pub fn to_toml(&self) -> String {
        let base = match &self.ceiling {
            Some(layer) => toml_of(&layer.document),
            None => toml_of(&Document::built_in()),
        };
        let built_in = toml_of(&Document::built_in());
        let mut text = format!("#:schema {SCHEMA_URL}\n");
        // The same members in the same order: only values differ.
        for ((line, base), built_in) in toml_of(&self.effective)
            .lines()
            .zip(base.lines())
            .zip(built_in.lines())
        {
            text.push_str(line);
            let origin = if line != base {
                self.own.as_deref()
            } else if line != built_in {
                self.ceiling.as_ref().map(|layer| layer.path.as_path())
            } else {
                None
            };
            if let Some(path) = origin {
                text += &format!(" # {}", path.display());
            }
            text.push('\n');
        }
        text
    }

    /// All that the policy says, member by member, for programs: the values of
    /// [`Policy::to_toml`].
    #[expect(clippy::missing_panics_doc, reason = "every policy can be written")]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(&self.effective).expect("a policy can be written")
    }

    /// Whether requests that the policy would deny are logged and still sent.
    pub fn is_report_only(&self) -> bool {
        self.effective.mode.is_report()
    }

    /// Whether a process that speaks to the network has to be confined by the kernel, and it
    /// is an error where it is not.
    pub fn requires_confinement(&self) -> bool {
        self.effective.confinement.is_required()
    }

    /// Whether the API may be reached like this.
    ///
    /// # Errors
    /// The first of these that the policy denies.
    pub fn check_trust(&self, facts: &TrustFacts) -> Result<(), Denial> {
        let at = At::section(None, "trust");
        self.judge(|document| document.trust.judge(&at, Seen::Trust(facts)))
    }

    /// Whether the component may run: its digest is pinned, or it is the one that is
    /// built in; and it imports nothing that the policy does not name.
    ///
    /// # Errors
    /// Why it may not run.
    pub fn check_component(&self, facts: &ComponentFacts<'_>) -> Result<(), Denial> {
        let at = At::section(None, "component");
        self.judge(|document| document.component.judge(&at, Seen::Component(facts)))
    }

    /// Whether an OAuth client may be delivered to this Vault. That is not a request to
    /// the API, so that a report-only policy denies it as any other does.
    ///
    /// # Errors
    /// The policy does not name the address.
    pub fn check_vault(&self, address: &VaultAddress) -> Result<(), Denial> {
        let at = At::section(None, "vault");
        self.judge(|document| document.vault.judge(&at, Seen::Vault(address)))
    }

    /// Whether the program at this path may be run to print a credential, which was named
    /// like this: by its name in `$PATH`, or by its path. That is not a request to the
    /// API, so that a report-only policy denies it as any other does.
    ///
    /// # Errors
    /// The policy has neither its name nor its path.
    pub fn check_command(&self, name: &str, path: &Path) -> Result<(), Denial> {
        let at = At::section(None, "credentials");
        let check = |program: &str| {
            self.judge(|document| document.credentials.judge(&at, Seen::Command(program)))
        };
        check(name).or_else(|denial| match path.to_str() {
            Some(path) if path != name => check(path).map_err(|_| denial),
            _ => Err(denial),
        })
    }

    /// Whether a key may be handed to this machine by ssh: `[USER@]HOST`. That is not a
    /// request to the API, so that a report-only policy denies it as any other does.
    ///
    /// # Errors
    /// The policy names neither it, nor its host, nor `*`.
    pub fn check_ssh_host(&self, host: &str) -> Result<(), Denial> {
        let at = At::section(None, "ssh");
        let check =
            |host: &str| self.judge(|document| document.ssh.judge(&at, Seen::SshHost(host)));
        let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
        check(host).or_else(|denial| {
            let others = [name, "*"].into_iter();
            let mut others = others.filter(|other| *other != host);
            if others.any(|other| check(other).is_ok()) {
                Ok(())
            } else {
                Err(denial)
            }
        })
    }

    /// Whether an identity token may come from there, for this identity and audience. That
    /// is not a request to the API, so that a report-only policy denies it as any other
    /// does.
    ///
    /// # Errors
    /// The first of these that the policy does not name.
    pub fn check_identity(&self, facts: &IdentityFacts<'_>) -> Result<(), Denial> {
        let at = At::section(None, "identity");
        let check = |facts: &IdentityFacts<'_>| {
            self.judge(|document| document.identity.judge(&at, Seen::Identity(facts)))
        };
        check(facts).or_else(|denial| match facts.source {
            IdentitySource::Command { name, path } if path != name => {
                let source = IdentitySource::Command { name: path, path };
                let facts = IdentityFacts { source, ..*facts };
                check(&facts).map_err(|_| denial)
            }
            _ => Err(denial),
        })
    }

    /// Decides about a request of this rule, after `before` others of its kind. What the
    /// caller asked for is not known here.
    pub(crate) fn decide(
        &self,
        rule: Rule,
        operation: Operation,
        request: &Request,
        before: usize,
    ) -> Decision {
        let facts = RequestFacts {
            rule,
            operation,
            request,
            before,
        };
        let denial = self.judge(|document| document.check(&facts)).err();
        let (denial, reported) = if self.is_report_only() {
            (None, denial)
        } else {
            (denial, None)
        };
        Decision {
            rule: rule.name(),
            denial,
            reported,
        }
    }

    /// Why what a request with this body would create is denied, where it is.
    pub(crate) fn denies_body(&self, rule: Rule, body: &Value) -> Option<Denial> {
        let denial = self
            .judge(|document| document.check_body(rule, body))
            .err()?;
        (!self.is_report_only()).then_some(denial)
    }

    /// What the policy says, with the file that would have to change.
    fn judge(&self, check: impl Fn(&Document) -> Result<(), Denial>) -> Result<(), Denial> {
        let Err(denial) = check(&self.effective) else {
            return Ok(());
        };
        let remedy = denial.remedy.as_deref();
        let remedy = match &self.ceiling {
            Some(layer) if check(&layer.document).is_err() => remedy.map(|remedy| {
                let path = layer.path.display();
                format!("only the machine's owner can allow it: {remedy} in {path}")
            }),
            _ => remedy.map(|remedy| {
                let path = self.own_path.display();
                format!("to allow it, {remedy} in {path}")
            }),
        };
        Err(Denial { remedy, ..denial })
    }

    /// Where the machine's owner puts what nobody may go beyond.
    pub const CEILING: &str = "/etc/tailmint/policy.toml";

    /// The same as a path.
    pub fn ceiling_path() -> &'static Path {
        Path::new(Self::CEILING)
    }
}

/// Where editors find the JSON schema of the format.
const SCHEMA_URL: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/raw/v",
    env!("CARGO_PKG_VERSION"),
    "/docs/policy.schema.json"
);

fn toml_of(document: &Document) -> String {
    toml::to_string(document).expect("a policy can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "T1CNTRL-k1CNTRL";

    fn identity(members: &str) -> Policy {
        let head = format!("version = 1\n[identity]\nclient-ids = [\"{CLIENT}\"]\n");
        Policy::parse(&format!("{head}{members}")).unwrap()
    }

    fn check(policy: &Policy, source: IdentitySource<'_>) -> Result<(), String> {
        let audience = IdentityFacts::usual_audience(CLIENT);
        let facts = IdentityFacts::new(CLIENT, &audience, source);
        let checked = policy.check_identity(&facts);
        checked.map_err(|denial| {
            let remedy = denial.remedy.as_deref().unwrap_or_default();
            format!("{denial}; {remedy}")
        })
    }

    #[test]
    fn a_token_comes_from_where_the_policy_names_and_from_nowhere_else() {
        let built_in = Policy::built_in();
        let sources = [
            ("files = [\"/a\"]", IdentitySource::File("/a")),
            ("environment = [\"A\"]", IdentitySource::Variable("A")),
            ("commands = [\"a\"]", command("a", "/bin/a")),
            ("commands = [\"/bin/a\"]", command("a", "/bin/a")),
            ("sources = [\"gcp\"]", IdentitySource::Platform("gcp")),
            (
                "sources = [\"github\"]",
                IdentitySource::Github {
                    host: "a.actions.githubusercontent.com",
                },
            ),
        ];
        for (members, source) in sources {
            assert_eq!(check(&identity(members), source), Ok(()), "{members}");
            assert!(check(&identity(""), source).is_err(), "{members}");
            assert!(check(&built_in, source).is_err(), "{members}");
            let others = sources
                .iter()
                .filter(|(other, _)| other.split(' ').next() != members.split(' ').next());
            for (other, _) in others {
                assert!(
                    check(&identity(other), source).is_err(),
                    "{members} {other}"
                );
            }
        }
        for (members, source) in [
            ("files = [\"/a\"]", IdentitySource::File("/a/../a")),
            ("environment = [\"A\"]", IdentitySource::Variable("a")),
            ("commands = [\"a\"]", command("b", "/bin/a")),
            ("sources = [\"gcp\"]", IdentitySource::Platform("azure")),
        ] {
            assert!(check(&identity(members), source).is_err(), "{members}");
        }
    }

    fn command<'a>(name: &'a str, path: &'a str) -> IdentitySource<'a> {
        IdentitySource::Command { name, path }
    }

    #[test]
    fn an_identity_and_an_audience_have_to_be_named() {
        let policy = identity("audiences = [\"a\"]\nsources = [\"fly\"]");
        let check = |client_id, audience: &str| {
            let source = IdentitySource::Platform("fly");
            let facts = IdentityFacts::new(client_id, audience, source);
            policy.check_identity(&facts).is_ok()
        };
        let usual = IdentityFacts::usual_audience(CLIENT);
        assert!(check(CLIENT, &usual) && check(CLIENT, "a"));
        assert!(!check(CLIENT, "b") && !check("kOTHER", &usual));
        assert!(!check(CLIENT, "api.tailscale.com/kOTHER"));
    }

    #[test]
    fn the_ceiling_says_who_can_allow_it() {
        let file = |path: &str, members: &str| PolicyFile {
            path: path.into(),
            text: format!("version = 1\n[identity]\nclient-ids = [\"{CLIENT}\"]\n{members}\n"),
        };
        let ceiling = file("/etc/policy.toml", "sources = [\"gcp\"]");
        let layered = |members: &str| {
            let own = file("own.toml", members);
            Policy::layered(Some(ceiling.clone()), Some(&own), "own.toml".into())
        };
        let wider = layered("sources = [\"gcp\", \"fly\"]").unwrap_err();
        assert_eq!(
            wider.to_string(),
            "own.toml: identity.sources allows more than /etc/policy.toml"
        );
        let policy = layered("sources = []").unwrap();
        for (source, remedy) in [
            (
                "gcp",
                "to allow it, add \"gcp\" to identity.sources in own.toml",
            ),
            (
                "fly",
                "only the machine's owner can allow it: add \"fly\" to identity.sources in /etc/policy.toml",
            ),
        ] {
            let denial = check(&policy, IdentitySource::Platform(source)).unwrap_err();
            let reason = format!("identity.source: \"{source}\" is not allowed; {remedy}");
            assert_eq!(denial, reason);
        }
    }

    #[test]
    fn hosts_are_compared_label_by_label() {
        let on = |hosts: &str, host: &str| {
            let policy = identity(&format!("sources = [\"github\"]\ngithub-hosts = [{hosts}]"));
            check(&policy, IdentitySource::Github { host }).is_ok()
        };
        for host in ["a.b.example", "x.a.b.example", "x.y.a.b.example"] {
            assert!(on("\"*.b.example\"", host), "{host}");
        }
        for host in [
            "",
            "b.example",
            ".b.example",
            "ab.example",
            "a.b.example.evil.example",
            "a.b.example.",
            "a.B.example",
        ] {
            assert!(!on("\"*.b.example\"", host), "{host}");
        }
        assert!(on("\"b.example\"", "b.example") && !on("\"b.example\"", "a.b.example"));
        let is_taken = |pattern: &str| {
            let text = format!("version = 1\n[identity]\ngithub-hosts = [\"{pattern}\"]\n");
            Policy::parse(&text).is_ok()
        };
        assert!(is_taken("*.b.example") && is_taken("ghe"));
        for pattern in [
            "",
            "*",
            "*.",
            "*.*.example",
            "a.*.example",
            "a*.example",
            ".example",
            "a..example",
            "A.example",
            "a.example:443",
            "https://a.example",
            "a.example.",
        ] {
            assert!(!is_taken(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_policy_may_require_confinement_and_none_may_take_that_back() {
        let file = |path: &str, word: &str| PolicyFile {
            path: path.into(),
            text: format!("version = 1\n{word}"),
        };
        let required = "confinement = \"required\"";
        for (ceiling, own, requires) in [
            (None, "", Some(false)),
            (None, required, Some(true)),
            (Some(""), required, Some(true)),
            (Some(required), "", Some(true)),
            (Some(required), required, Some(true)),
            (Some(required), "confinement = \"best-effort\"", None),
        ] {
            let ceiling = ceiling.map(|word| file("/etc/policy.toml", word));
            let policy = Policy::layered(ceiling, Some(&file("own", own)), "own".into());
            let found = policy.ok().map(|policy| policy.requires_confinement());
            assert_eq!(found, requires, "{own}");
        }
    }

    #[test]
    fn hosts_lie_within_those_that_cover_them() {
        let within = |own: &str, ceiling: &str| {
            let file = |path: &str, hosts: &str| PolicyFile {
                path: path.into(),
                text: format!("version = 1\n[identity]\ngithub-hosts = [{hosts}]\n"),
            };
            let ceiling = file("/etc/policy.toml", ceiling);
            Policy::layered(Some(ceiling), Some(&file("own", own)), "own".into()).is_ok()
        };
        for own in ["", "\"a.b.c\"", "\"*.b.c\"", "\"*.a.b.c\", \"x.b.c\""] {
            assert!(within(own, "\"*.b.c\""), "{own}");
        }
        for own in ["\"*.c\"", "\"b.c\"", "\"*.xb.c\"", "\"a.b.c\", \"d\""] {
            assert!(!within(own, "\"*.b.c\""), "{own}");
        }
        assert!(within("\"b.c\"", "\"b.c\"") && !within("\"*.b.c\"", "\"b.c\""));
    }
}
