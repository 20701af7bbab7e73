use std::sync::Arc;

use super::{MintError, Minter, patience::Patience};
use crate::{
    ConnectTo, EmbeddedComponent, Environment, Interrupt, Observer, Policy, Trust,
    audit::{Actor, Audit, Context},
    egress::{Connection, Connector},
    event::Blind,
    sandbox::Sandbox,
};

/// What can be chosen about a [`Minter`].
#[derive(Default)]
#[must_use]
pub struct MinterBuilder {
    trust: Option<Trust>,
    connect_to: Option<ConnectTo>,
    observer: Option<Arc<dyn Observer>>,
    interrupt: Interrupt,
    audit: Option<Arc<dyn Audit>>,
    actor: Option<Actor>,
    policy: Option<Policy>,
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

    /// Tells this observer what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Writes every decision down there before the request leaves.
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Enforces this policy instead of the built-in one.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Whom entries of the audit name; without it, the user of this process.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Stops minting when it is raised. A key that was made by then is revoked;
    /// revoking is not stopped.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Loads the component. Nothing is connected to yet.
    pub fn build(self) -> Result<Minter, MintError> {
        let trust = self.trust.unwrap_or_else(Trust::bundled);
        let policy = self.policy.unwrap_or_else(Policy::built_in);
        if self.connect_to.is_some() && !policy.allows_connect_to() {
            return Err(MintError::forbidden(
                "to connect elsewhere",
                "trust.connect-to",
            ));
        }
        if trust.origin().is_some() && !policy.allows_ca_file() {
            return Err(MintError::forbidden("other authorities", "trust.ca-file"));
        }
        let context = Context {
            actor: self
                .actor
                .unwrap_or_else(|| Actor::of_process(&Environment::default())),
            component: EmbeddedComponent::digest(),
            policy: policy.digest().to_owned(),
            connect_to: self.connect_to.as_ref().map(ToString::to_string),
            ca_file: trust.origin().map(ToOwned::to_owned),
        };
        let connector = Connector::new(trust, self.connect_to);
        let sandbox = Sandbox::new().map_err(|error| MintError::internal(&format!("{error:#}")))?;
        policy
            .allows_component(EmbeddedComponent::digest(), true, sandbox.imports())
            .map_err(|refusal| MintError::component(&refusal))?;
        Ok(Minter {
            sandbox,
            policy: Arc::new(policy),
            connection: Arc::new(Connection::new(connector)),
            observer: self.observer.unwrap_or_else(|| Arc::new(Blind)),
            audit: self.audit,
            context,
            interrupt: self.interrupt,
            patience: Patience::default(),
        })
    }
}
