use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tailmint::{
    Interrupt,
    connection::{Proxy, Trust},
    event::{Observer, Unobserved},
    policy::{IdentityFacts, IdentitySource, Policy, TrustFacts},
};
use tailmint_audit::{Actor, Audit, Context, Journal};
use tailmint_core::{Decision, Denial, Environment};
use tokio::time::sleep;

use super::{
    Fetched, IdToken, IdentityError, Platform, TokenSource, TokenSourceKind,
    asking::Asking,
    azure,
    call::{Call, Peer},
    endpoints::Endpoints,
    fly, gcp, github,
    subject::{FETCH, IdentityRequest, RULE},
};
use crate::{
    CredentialCommand,
    confinement::Way,
    credentials::{
        Wrong,
        command::Runner,
        reach::{Content, Reader},
        secret_file,
        shape::Kind,
    },
};

/// What identity tokens are fetched with. Each is fetched anew.
pub struct IdentitySources<'a> {
    policy: Option<&'a Policy>,
    environment: &'a Environment,
    pub(super) interrupt: &'a Interrupt,
    audit: Option<Arc<dyn Audit>>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) trust: Trust,
    on_behalf_of: Option<u32>,
    request: Option<String>,
    /// Only tests have others.
    pub(super) endpoints: Endpoints,
}

impl<'a> IdentitySources<'a> {
    /// Sources under this policy, of which `None` stands for the built-in one: that allows
    /// none. The variables are those of the environment, and the interrupt ends a command
    /// or a request.
    pub fn new(
        policy: Option<&'a Policy>,
        environment: &'a Environment,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            policy,
            environment,
            interrupt,
            audit: None,
            observer: Arc::new(Unobserved),
            trust: Trust::bundled(),
            on_behalf_of: None,
            request: None,
            endpoints: Endpoints::default(),
        }
    }

    /// Writes down what a platform is asked, before it is asked. What cannot be written
    /// down is not asked.
    #[must_use]
    pub fn audit(self, audit: Arc<dyn Audit>) -> Self {
        Self {
            audit: Some(audit),
            ..self
        }
    }

    /// Tells the observer what a platform is asked.
    #[must_use]
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// Reads files as this user would, whose configuration root follows.
    #[must_use]
    pub fn on_behalf_of(self, user: Option<u32>) -> Self {
        Self {
            on_behalf_of: user,
            ..self
        }
    }

    /// Writes this number of another program's request down with what is asked for it.
    #[must_use]
    pub fn for_request(self, request: impl Into<String>) -> Self {
        Self {
            request: Some(request.into()),
            ..self
        }
    }

    /// Trusts these authorities where a platform is asked over TLS.
    #[must_use]
    pub fn trust(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The token of the federated identity with this client id, for this audience.
    /// [`judge`](super::judge) says whether it is fit to be sent.
    ///
    /// # Errors
    /// The policy does not allow the source, it has no token, or what it has is none.
    pub async fn fetch(
        &self,
        source: &TokenSource,
        client_id: &str,
        audience: &str,
    ) -> Result<Fetched, IdentityError> {
        let audience = match source {
            // What the token is for there, whatever audience is meant.
            TokenSource::Platform(Platform::Azure { resource, .. }) => resource,
            _ => audience,
        };
        let identity = Identity {
            client_id,
            audience,
        };
        match source {
            TokenSource::File(path) => self.file(path, identity, source).await,
            TokenSource::Variable(name) => self.variable(name, identity, source).await,
            TokenSource::Command(command) => self.command(command, identity, source).await,
            TokenSource::Platform(platform) => self.platform(platform, identity).await,
        }
    }

    async fn file(
        &self,
        path: &Path,
        identity: Identity<'_>,
        source: &TokenSource,
    ) -> Result<Fetched, IdentityError> {
        if !path.is_absolute() {
            return Err(IdentityError::RelativePath {
                origin: source.to_string(),
            });
        }
        let shown = path.to_string_lossy();
        self.check(identity, source.kind(), IdentitySource::File(&shown))?;
        match self.token_in(path) {
            // It is being written, or replaced: it is whole a moment later.
            Err(error) if is_torn(&error) => {
                tokio::select! {
                    () = sleep(WRITTEN) => self.token_in(path),
                    () = self.interrupt.raised() => Err(IdentityError::Interrupted),
                }
            }
            read => read,
        }
    }

    fn token_in(&self, path: &Path) -> Result<Fetched, IdentityError> {
        let reader = Reader::of_process(self.environment).on_behalf_of(self.on_behalf_of);
        let read = secret_file::read(path, Kind::IdToken, Content::Secret, &reader);
        let value = read.map_err(|wrong| IdentityError::File {
            path: path.to_owned(),
            wrong,
        })?;
        let value = value.ok_or_else(|| IdentityError::MissingFile {
            path: path.to_owned(),
        })?;
        let source = TokenSource::File(path.to_owned());
        let mut fetched = taken(value.text.as_bytes(), &source)?;
        if let Some(mode) = secret_file::open_mode(path) {
            fetched.notes.push(format!(
                "{}: its mode is {mode:04o}: only the mount, or its directory, keeps others from reading it",
                path.display()
            ));
        }
        Ok(fetched)
    }

    async fn variable(
        &self,
        name: &str,
        identity: Identity<'_>,
        source: &TokenSource,
    ) -> Result<Fetched, IdentityError> {
        self.check(identity, source.kind(), IdentitySource::Variable(name))?;
        let missing = || IdentityError::MissingVariable {
            name: name.to_owned(),
        };
        let value = self.environment.get(name).ok_or_else(missing)?;
        let value = value.as_encoded_bytes();
        let Some(path) = value.strip_prefix(b"file:") else {
            return taken(value, source);
        };
        let path = PathBuf::from(OsStr::from_bytes(path.trim_ascii()));
        // What is in the environment does not say which files may be read.
        self.file(&path, identity, source).await
    }

    async fn command(
        &self,
        command: &CredentialCommand,
        identity: Identity<'_>,
        source: &TokenSource,
    ) -> Result<Fetched, IdentityError> {
        let runner = Runner {
            policy: self.policy,
            environment: self.environment,
            interrupt: self.interrupt,
        };
        let program = runner.find(command)?;
        let path = program.to_string_lossy().into_owned();
        let seen = IdentitySource::Command {
            name: &command.program,
            path: &path,
        };
        self.check(identity, source.kind(), seen)?;
        let for_audience = |argument: &String| argument.replace(AUDIENCE, identity.audience);
        let command = CredentialCommand {
            arguments: command.arguments.iter().map(for_audience).collect(),
            ..command.clone()
        };
        let value = runner.run_allowed(&command, program, Kind::IdToken).await?;
        taken(value.text.as_bytes(), source)
    }

    async fn platform(
        &self,
        platform: &Platform,
        identity: Identity<'_>,
    ) -> Result<Fetched, IdentityError> {
        let kind = platform.kind();
        self.check(identity, kind, IdentitySource::Platform(kind.name()))?;
        let call = self.call(platform, identity.audience)?;
        let proxy = self.proxy(&call)?;
        if let Peer::Tls { host, .. } = &call.peer {
            let host = IdentitySource::Github { host };
            let judged = self.judge(identity, host);
            let judged = judged.and_then(|()| self.judge_trust(proxy.as_ref()));
            if let Err(denial) = judged {
                return Err(self.denied(identity, kind, denial, Some(&call))?);
            }
        }
        let asking = Asking {
            platform,
            audience: identity.audience,
            journal: self.journal(identity.client_id, proxy.as_ref())?,
            observer: &self.observer,
            interrupt: self.interrupt,
            trust: &self.trust,
            proxy: proxy.as_ref(),
            endpoints: &self.endpoints,
        };
        Ok(Fetched {
            token: asking.ask(&call).await?,
            origin: platform.to_string(),
            notes: Vec::new(),
        })
    }

    /// The way to the service of the platform, for a process that is to be confined; `None`
    /// where the environment does not say where it is, which is an error when it is asked.
    pub fn way(&self, platform: &Platform) -> Option<Way> {
        self.way_of(&self.call(platform, "").ok()?)
    }

    /// The same to where the call goes.
    pub(super) fn way_of(&self, call: &Call) -> Option<Way> {
        Some(match (&call.peer, self.proxy(call).ok()?) {
            (Peer::Tls { .. }, Some(proxy)) => Way::Port(proxy.port()),
            (Peer::Tls { port, .. }, None) => Way::Port(*port),
            (Peer::Local(address), _) => Way::Port(address.port()),
            (Peer::Socket(_), _) => Way::LocalSocket,
        })
    }

    fn call(&self, platform: &Platform, audience: &str) -> Result<Call, IdentityError> {
        let Endpoints {
            metadata,
            fly,
            github_port,
            ..
        } = &self.endpoints;
        match platform {
            Platform::Github => github::call(self.environment, audience, *github_port),
            Platform::Gcp => gcp::call(self.environment, audience, *metadata),
            Platform::Azure {
                resource,
                client_id,
            } => azure::call(self.environment, resource, client_id.as_deref(), *metadata),
            Platform::Fly => Ok(fly::call(audience, fly)),
        }
    }

    /// The proxy through which the service is asked. Those on this machine or beside it are
    /// asked without one.
    pub(super) fn proxy(&self, call: &Call) -> Result<Option<Proxy>, IdentityError> {
        match &call.peer {
            Peer::Tls { host, .. } => Ok(Proxy::for_host(self.environment, host)?),
            Peer::Local(_) | Peer::Socket(_) => Ok(None),
        }
    }

    pub(super) fn journal(
        &self,
        client_id: &str,
        proxy: Option<&Proxy>,
    ) -> Result<Journal, IdentityError> {
        let policy = match self.policy {
            Some(policy) => policy.digest().to_owned(),
            None => Policy::built_in().digest().to_owned(),
        };
        let context = Context {
            actor: Actor::from_process(self.environment),
            // No component is called.
            component: String::new(),
            policy,
            client: Some(client_id.to_owned()),
            tailnet: None,
            connect_to: None,
            proxy: proxy.map(ToString::to_string),
            ca_file: self.trust.origin().map(str::to_owned),
            request: self.request.clone(),
        };
        Journal::new(self.audit.clone(), context)
            .map_err(|_| IdentityError::Internal("there are no random numbers"))
    }

    /// Whether the policy allows it. A denial is written down.
    fn check(
        &self,
        identity: Identity<'_>,
        kind: TokenSourceKind,
        source: IdentitySource<'_>,
    ) -> Result<(), IdentityError> {
        match self.judge(identity, source) {
            Ok(()) => Ok(()),
            Err(denial) => Err(self.denied(identity, kind, denial, None)?),
        }
    }

    /// The error of a denial, once that is written down.
    fn denied(
        &self,
        identity: Identity<'_>,
        kind: TokenSourceKind,
        denial: Denial,
        call: Option<&Call>,
    ) -> Result<IdentityError, IdentityError> {
        let decision = Decision::denied(RULE, denial.clone());
        let subject = IdentityRequest {
            operation: FETCH,
            decision: &decision,
            source: Some(kind),
            audience: Some(identity.audience),
            call,
            token: None,
        };
        self.journal(identity.client_id, None)?
            .decision(&subject, &[])?;
        self.observer.observe(&subject.event());
        Ok(IdentityError::Denied(denial))
    }

    /// Whether these authorities may be trusted, which see what GitHub is asked with, and
    /// whether a proxy may be between.
    pub(super) fn judge_trust(&self, proxy: Option<&Proxy>) -> Result<(), Denial> {
        let facts = TrustFacts {
            proxy: proxy.is_some(),
            ..self.trust.facts()
        };
        match self.policy {
            Some(policy) => policy.check_trust(&facts),
            None => Policy::built_in().check_trust(&facts),
        }
    }

    fn judge(&self, identity: Identity<'_>, source: IdentitySource<'_>) -> Result<(), Denial> {
        self.judge_facts(&IdentityFacts::new(
            identity.client_id,
            identity.audience,
            source,
        ))
    }

    pub(super) fn judge_facts(&self, facts: &IdentityFacts<'_>) -> Result<(), Denial> {
        match self.policy {
            Some(policy) => policy.check_identity(facts),
            None => Policy::built_in().check_identity(facts),
        }
    }
}

/// Whose token, and whom it is for.
#[derive(Clone, Copy)]
struct Identity<'a> {
    client_id: &'a str,
    audience: &'a str,
}

/// How long a file takes to be written: the helper of SPIFFE writes it in its place, and the
/// kubelet replaces the link to its directory.
const WRITTEN: Duration = Duration::from_millis(100);

/// Whether this may be a file that is being written or replaced.
fn is_torn(error: &IdentityError) -> bool {
    match error {
        IdentityError::MissingFile { .. } | IdentityError::NotToken { .. } => true,
        IdentityError::File { wrong, .. } => matches!(wrong, Wrong::Empty | Wrong::Removed),
        _ => false,
    }
}

/// What stands for the audience in the arguments of commands.
const AUDIENCE: &str = "{audience}";

fn taken(text: &[u8], source: &TokenSource) -> Result<Fetched, IdentityError> {
    let token = IdToken::read(text).map_err(|error| IdentityError::not_token(source, error))?;
    Ok(Fetched {
        token,
        origin: source.to_string(),
        notes: Vec::new(),
    })
}
