use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Operation, Outbound, Permission, Refusal, Rule,
    document::{Document, Draft, Mode, Problem},
};
use crate::{Class, Environment, VaultAddress, config, digest::sha256};

/// What may be said to the API: the user's policy, within the machine owner's.
#[derive(Clone, Debug)]
pub struct Policy {
    effective: Document,
    ceiling: Option<Layer>,
    own: Option<PathBuf>,
    /// Where the user's own would be.
    own_place: PathBuf,
    digest: String,
}

#[derive(Clone, Debug)]
struct Layer {
    path: PathBuf,
    document: Document,
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {message}", path.display(), place.as_deref().unwrap_or_default())]
pub struct PolicyError {
    path: PathBuf,
    /// `:line:column`, where there is one.
    place: Option<String>,
    message: String,
    hint: String,
}

impl PolicyError {
    fn new(path: &Path, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            place: None,
            message: message.into(),
            hint: hint.into(),
        }
    }

    fn at(path: &Path, problem: Problem) -> Self {
        Self {
            place: Some(format!(":{}:{}", problem.place.line, problem.place.column)),
            ..Self::new(
                path,
                problem.message,
                "mend the file; tailmint policy show prints a whole one",
            )
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        Class::Policy
    }
}

impl Policy {
    /// Where the machine's owner puts what nobody may go beyond.
    pub const CEILING: &str = "/etc/tailmint/policy.toml";

    /// What the two built-in profiles need.
    pub fn built_in() -> Self {
        Self::of(
            Document::built_in(),
            None,
            None,
            PathBuf::from("policy.toml"),
        )
    }

    /// The policy that a text in the format of the files says, over the built-in
    /// one.
    ///
    /// # Errors
    /// It is not a policy.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let path = PathBuf::from("policy");
        match Draft::parse(text) {
            Ok(draft) => {
                let document = draft.over(&Document::built_in());
                Ok(Self::of(document, None, Some(path.clone()), path))
            }
            Err(problem) => Err(PolicyError::at(&path, problem)),
        }
    }

    /// The policy of this user on this machine: the file that was given, or
    /// `tailmint/policy.toml` under `$XDG_CONFIG_HOME` (or `~/.config`), within
    /// [`Policy::CEILING`]. Neither needs to exist.
    ///
    /// # Errors
    /// A file cannot be read, is not a policy, may be written by others, or
    /// allows more than the ceiling.
    pub fn load(given: Option<&Path>, environment: &Environment) -> Result<Self, PolicyError> {
        let ceiling_path = Path::new(Self::CEILING);
        let ceiling = read(ceiling_path, &[0])?.map(|draft| Layer {
            path: ceiling_path.to_owned(),
            document: draft.over(&Document::built_in()),
        });
        let base = match &ceiling {
            Some(layer) => layer.document.clone(),
            None => Document::built_in(),
        };
        let usual = config::Config::default_path(environment)
            .map(|path| path.with_file_name("policy.toml"))
            .unwrap_or_default();
        let place = given.map_or(usual, Path::to_owned);
        let me = rustix::process::geteuid().as_raw();
        let own = if place.as_os_str().is_empty() {
            None
        } else {
            read(&place, &[0, me])?
        };
        if own.is_none() && given.is_some() {
            return Err(PolicyError::new(
                &place,
                "it is not there",
                "give a file that is there, or leave --policy out",
            ));
        }
        let Some(own) = own else {
            return Ok(Self::of(base, ceiling, None, place));
        };
        let effective = own.over(&base);
        if let Some(layer) = &ceiling
            && let Some(member) = effective.wider_than(&layer.document)
        {
            return Err(PolicyError::new(
                &place,
                format!("{member} allows more than {}", layer.path.display()),
                format!("narrow {member}, or have the machine's owner widen theirs"),
            ));
        }
        Ok(Self::of(effective, ceiling, Some(place.clone()), place))
    }

    /// Whether the file is a policy, by itself.
    ///
    /// # Errors
    /// It is none, or may be written by others.
    pub fn check_file(path: &Path) -> Result<(), PolicyError> {
        let me = rustix::process::geteuid().as_raw();
        match read(path, &[0, me])? {
            Some(_) => Ok(()),
            None => Err(PolicyError::new(
                path,
                "it is not there",
                "give a file that is there",
            )),
        }
    }

    fn of(
        effective: Document,
        ceiling: Option<Layer>,
        own: Option<PathBuf>,
        own_place: PathBuf,
    ) -> Self {
        let digest = sha256(&effective.to_json());
        Self {
            effective,
            ceiling,
            own,
            own_place,
            digest,
        }
    }

    /// The SHA-256 of all that the policy says.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The whole policy as a file, with the file that each line is from.
    pub fn to_toml(&self) -> String {
        let base = match &self.ceiling {
            Some(layer) => layer.document.to_toml(),
            None => Document::built_in().to_toml(),
        };
        let built_in = Document::built_in().to_toml();
        let mut text = String::new();
        // The same members in the same order: only values differ.
        for ((line, base), built_in) in self
            .effective
            .to_toml()
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

    pub(crate) fn reports(&self) -> bool {
        self.effective.mode == Mode::Report
    }

    pub(crate) fn allows_connect_to(&self) -> bool {
        self.effective.trust.connect_to == Permission::Allow
    }

    pub(crate) fn allows_ca_file(&self) -> bool {
        self.effective.trust.ca_file == Permission::Allow
    }

    pub(crate) fn allows_proxy(&self) -> bool {
        self.effective.trust.proxy == Permission::Allow
    }

    /// Whether the component may run: its digest is pinned, or it is the one
    /// that is built in, and it imports nothing more.
    pub(crate) fn allows_component<'a>(
        &self,
        digest: &str,
        built_in: bool,
        imports: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Refusal> {
        let rules = &self.effective.component;
        let pinned = rules.sha256.iter().any(|pin| pin == digest);
        let trusted = pinned || (built_in && rules.sha256.is_empty());
        if !trusted {
            return Err(self.place(
                Refusal::new("component.sha256", format!("{digest} is not pinned"))
                    .unless(format!("add \"{digest}\" to component.sha256")),
            ));
        }
        for import in imports {
            if !rules.imports.iter().any(|it| it == import) {
                return Err(Refusal::new(
                    "component.imports",
                    format!("{import} is not allowed"),
                ));
            }
        }
        Ok(())
    }

    /// Why the policy does not let this component run; `None` where it does.
    pub fn refuses_component(&self, component: &crate::Inspected) -> Option<Refusal> {
        let imports = component.imports.iter().map(String::as_str);
        self.allows_component(&component.digest, component.is_built_in(), imports)
            .err()
    }

    pub(crate) fn check(
        &self,
        rule: Rule,
        operation: Operation,
        outbound: &Outbound,
        before: usize,
    ) -> Result<(), Refusal> {
        self.judge(|document| document.check(rule, operation, outbound, before))
    }

    pub(crate) fn check_body(&self, rule: Rule, body: &Value) -> Result<(), Refusal> {
        self.judge(|document| document.check_body(rule, body))
    }

    /// Whether an OAuth client may be pushed to this Vault. It is not for the API,
    /// so that a policy that only reports refuses it as any other does.
    pub(crate) fn check_vault(&self, address: &VaultAddress) -> Result<(), Refusal> {
        self.judge(|document| document.check_vault(address))
    }

    /// The verdict of the policy, with the file that would have to change.
    fn judge(&self, check: impl Fn(&Document) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let Err(refusal) = check(&self.effective) else {
            return Ok(());
        };
        match &self.ceiling {
            Some(layer) if check(&layer.document).is_err() => {
                let remedy = refusal.remedy.as_ref().map(|remedy| {
                    format!(
                        "only the machine's owner can allow it: {remedy} in {}",
                        layer.path.display()
                    )
                });
                Err(Refusal { remedy, ..refusal })
            }
            _ => Err(self.place(refusal)),
        }
    }

    fn place(&self, refusal: Refusal) -> Refusal {
        let place = self.own_place.display();
        let remedy = refusal
            .remedy
            .as_ref()
            .map(|remedy| format!("to allow it, {remedy} in {place}"));
        Refusal { remedy, ..refusal }
    }
}

/// Reads a policy file, if there is one, that only these users may write.
fn read(path: &Path, owners: &[u32]) -> Result<Option<Draft>, PolicyError> {
    let unreadable = |detail: String| PolicyError::new(path, detail, "see who may read it");
    let text = config::read(path).map_err(|error| match error {
        config::ConfigError::Unreadable { detail, .. } => unreadable(detail),
        other => unreadable(other.to_string()),
    })?;
    let Some(text) = text else {
        return Ok(None);
    };
    let metadata = path
        .metadata()
        .map_err(|error| unreadable(error.to_string()))?;
    if !owners.contains(&metadata.uid()) {
        return Err(PolicyError::new(
            path,
            format!("it belongs to user {}", metadata.uid()),
            "a policy is worth no more than who may write it; give it to root or to yourself",
        ));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(PolicyError::new(
            path,
            format!(
                "its mode is {:04o}: others may write it",
                metadata.mode() & 0o7777
            ),
            format!("run: chmod go-w {}", path.display()),
        ));
    }
    match Draft::parse(&text) {
        Ok(draft) => Ok(Some(draft)),
        Err(problem) => Err(PolicyError::at(path, problem)),
    }
}
