use std::{fmt, sync::Arc, time::Duration};

use tailmint_audit::{Actor, Audit, Context};
use tailmint_core::{Environment, Interrupt, Observer, Unobserved, digest::sha256};
use tailmint_policy::{ComponentFacts, Policy, TrustFacts};

use super::{MintError, Minter, Runner, call::RUN_LIMIT, exchanged::Exchanged, retry::Backoff};
use crate::{
    component::EmbeddedComponent,
    connection::{ConnectTo, Limits, Proxy, Trust},
    egress::{Connections, Connector},
    sandbox::Sandbox,
};

/// What can be chosen about a [`Minter`].
#[derive(Default)]
#[must_use]
pub struct MinterBuilder {
    trust: Option<Trust>,
    connect_to: Option<ConnectTo>,
    proxy: Option<Proxy>,
    observer: Option<Arc<dyn Observer>>,
    interrupt: Interrupt,
    audit: Option<Arc<dyn Audit>>,
    actor: Option<Actor>,
    policy: Option<Policy>,
    deadline: Option<Duration>,
    limits: Limits,
    component: Option<Vec<u8>>,
    pooled: bool,
}

impl fmt::Debug for MinterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinterBuilder")
            .field("connect_to", &self.connect_to)
            .field("proxy", &self.proxy)
            .field("deadline", &self.deadline)
            .field("limits", &self.limits)
            .field("pooled", &self.pooled)
            .finish_non_exhaustive()
    }
}

impl MinterBuilder {
    /// Trusts these certificate authorities instead of the bundled ones.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Connects there instead of to the API's own address. Requests and the
    /// certificate stay those of the API.
    pub fn connect_to(mut self, to: ConnectTo) -> Self {
        self.connect_to = Some(to);
        self
    }

    /// Lets this proxy make the connection to the API, and resolve its name, unless
    /// [`MinterBuilder::connect_to`] says where to connect. Without it there is
    /// none, whatever the environment says.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Tells this observer what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Writes every decision down there before the request is sent.
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Gives each call at most this long, with all waits and retries; never more
    /// than 60 seconds. Where it fails, deleting what it left behind takes at most as
    /// long again, for each.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Gives each step of a request at most this long, within the deadline of the
    /// whole call.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Runs this component instead of the built-in one. The policy has to pin its
    /// digest. Where it also pins the built-in one's, that one revokes the keys
    /// which this one leaves behind.
    #[cfg(feature = "compiler")]
    pub fn component(mut self, component: Vec<u8>) -> Self {
        self.component = Some(component);
        self
    }

    /// Keeps the memory of calls, wiped, for later ones: for processes that mint many
    /// keys. The built-in component then runs in at most sixteen calls of the process
    /// at a time, and others wait; each takes a fifth less time. Beginning takes some
    /// tenths of a millisecond more, and the process 1.1 GiB of addresses.
    pub fn pooled(mut self) -> Self {
        self.pooled = true;
        self
    }

    /// Enforces this policy instead of the built-in one.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Whom entries of the audit log name; without it, the user of this process.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Stops minting when it is raised. A key that was created by then is revoked;
    /// revoking is not stopped.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Puts the minter together. Nothing is connected to yet.
    ///
    /// # Errors
    /// The policy denies the connection to the API, or the component; or a component
    /// that is not built in cannot be used.
    pub fn build(self) -> Result<Minter, MintError> {
        let trust = self.trust.unwrap_or_else(Trust::bundled);
        let policy = self.policy.unwrap_or_else(Policy::built_in);
        let proxy = self.proxy.filter(|_| self.connect_to.is_none());
        let facts = TrustFacts {
            connect_to: self.connect_to.is_some(),
            proxy: proxy.is_some(),
            ..trust.facts()
        };
        policy
            .check_trust(&facts)
            .map_err(|denial| MintError::forbidden(&denial))?;
        let runner = load(self.component.as_deref(), self.pooled, &policy)?;
        // The component that leaves a key behind does not do the clean-up.
        let cleaner = match &self.component {
            Some(_) => load(None, self.pooled, &policy).ok(),
            None => None,
        };
        let context = Context {
            actor: self
                .actor
                .unwrap_or_else(|| Actor::from_process(&Environment::default())),
            component: runner.digest.clone(),
            policy: policy.digest().to_owned(),
            // Each call says whose it is.
            client: None,
            tailnet: None,
            connect_to: self.connect_to.as_ref().map(ToString::to_string),
            proxy: proxy.as_ref().map(ToString::to_string),
            ca_file: trust.origin().map(ToOwned::to_owned),
            request: None,
        };
        // What the name leads to is not known before it is connected to.
        let fake_addresses = policy.check_trust(&TrustFacts {
            fake_addresses: true,
            ..TrustFacts::default()
        });
        let connector = Connector::new(trust, self.connect_to, proxy, self.limits)
            .with_fake_addresses(fake_addresses.is_ok());
        Ok(Minter {
            runner,
            cleaner,
            policy: Arc::new(policy),
            connections: Arc::new(Connections::new(connector)),
            observer: self.observer.unwrap_or_else(|| Arc::new(Unobserved)),
            audit: self.audit,
            context,
            interrupt: self.interrupt,
            deadline: self.deadline.map_or(RUN_LIMIT, |it| it.min(RUN_LIMIT)),
            backoff: Backoff::default(),
            exchanged: Exchanged::default(),
        })
    }
}

/// The built-in component has under 400 KiB.
const MAX_COMPONENT_BYTES: usize = 16 * 1024 * 1024;

/// The component, if the policy lets it run.
fn load(component: Option<&[u8]>, pooled: bool, policy: &Policy) -> Result<Runner, MintError> {
    let is_built_in = component.is_none();
    if component.is_some_and(|component| component.len() > MAX_COMPONENT_BYTES) {
        return Err(MintError::unusable(&format!(
            "it has more than {MAX_COMPONENT_BYTES} bytes"
        )));
    }
    let digest = component.map_or_else(|| EmbeddedComponent::digest().to_owned(), sha256);
    let check = |imports| {
        let facts = ComponentFacts::new(&digest, is_built_in, imports);
        let checked = policy.check_component(&facts);
        checked.map_err(|denial| MintError::component(&denial))
    };
    // The digest, before a byte of it is looked at.
    check(Vec::new())?;
    let sandbox = match component {
        None if pooled => Sandbox::Pooled,
        None => Sandbox::BuiltIn,
        Some(component) => compiled(component)?,
    };
    // And what it imports, before it runs.
    check(sandbox.imports())?;
    Ok(Runner { sandbox, digest })
}

#[cfg(not(feature = "compiler"))]
fn compiled(_component: &[u8]) -> Result<Sandbox, MintError> {
    Err(MintError::unusable("this program has no compiler"))
}

#[cfg(feature = "compiler")]
fn compiled(component: &[u8]) -> Result<Sandbox, MintError> {
    Sandbox::of(component).map_err(|error| MintError::unusable(&format!("{error:#}")))
}
