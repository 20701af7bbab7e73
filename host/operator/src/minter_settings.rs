use std::{path::PathBuf, sync::Arc};

use tailmint::{
    Class, Diagnose, Interrupt, MinterBuilder,
    connection::{ConnectTo, Proxy, ProxyError, Trust},
    event::Observer,
    policy::Policy,
};
use tailmint_audit::{Actor, Audit};
use tailmint_core::Environment;

use crate::{Authorities, AuthoritiesError, confinement::Way};

/// The port of the API, which speaks HTTPS.
const API_PORT: u16 = 443;

/// How a command reaches the API, and with which component: the one place that puts a
/// minter together from flags and the environment.
#[derive(Clone, Default)]
pub struct MinterSettings {
    /// Where to connect to instead of to the API's own address.
    pub connect_to: Option<ConnectTo>,
    /// The authorities to trust instead of the bundled ones, by a flag.
    pub authorities: Option<Authorities>,
    /// Those of the configuration, where no flag says otherwise.
    pub configured_authorities: Option<Authorities>,
    /// The component to run instead of the built-in one.
    pub component: Option<PathBuf>,
    /// Who is told what happens.
    pub observer: Option<Arc<dyn Observer>>,
    /// What stops it.
    pub interrupt: Interrupt,
    /// The environment: it may name a proxy, and says who runs this.
    pub environment: Environment,
}

/// Why a minter cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinterSettingsError {
    /// The authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    /// The file of the component cannot be read, or this program runs no others.
    #[error("{}: {detail}", path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The proxy of the environment cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl Diagnose for MinterSettingsError {
    fn class(&self) -> Class {
        match self {
            Self::Authorities(error) => error.class(),
            Self::Component { .. } => Class::Usage,
            Self::Proxy(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Authorities(error) => error.hint(),
            Self::Component { .. } => Some("name the file of a component".to_owned()),
            Self::Proxy(error) => error.hint(),
        }
    }
}

impl MinterSettings {
    /// The authorities to trust, where they are not the bundled ones.
    ///
    /// # Errors
    /// Their file cannot be used.
    pub fn trust(&self) -> Result<Option<Trust>, MinterSettingsError> {
        Ok(match (&self.authorities, &self.configured_authorities) {
            (Some(authorities), _) => Some(authorities.trust(&self.environment)?),
            (None, Some(authorities)) => Some(authorities.trust(&self.environment)?.configured()),
            (None, None) => None,
        })
    }

    /// The way to the API: the port of where it is connected to, of the proxy, or its own.
    ///
    /// # Errors
    /// The environment names a proxy that cannot be used.
    pub fn way(&self) -> Result<Way, MinterSettingsError> {
        Ok(Way::Port(match &self.connect_to {
            Some(to) => to.port(),
            None => Proxy::from_env(&self.environment)?.map_or(API_PORT, |proxy| proxy.port()),
        }))
    }

    /// A minter under the policy, which writes every decision down in the audit log.
    ///
    /// # Errors
    /// A file cannot be used, or the environment names a proxy that cannot be used.
    pub fn builder(
        &self,
        policy: Policy,
        audit: Arc<dyn Audit>,
    ) -> Result<MinterBuilder, MinterSettingsError> {
        let mut builder = MinterBuilder::default()
            .interrupt(self.interrupt.clone())
            .actor(Actor::from_process(&self.environment))
            .policy(policy)
            .audit(audit);
        if let Some(trust) = self.trust()? {
            builder = builder.trust(trust);
        }
        if let Some(to) = &self.connect_to {
            builder = builder.connect_to(to.clone());
        } else if let Some(proxy) = Proxy::from_env(&self.environment)? {
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &self.component {
            builder = with_component(builder, path.clone())?;
        }
        if let Some(observer) = &self.observer {
            builder = builder.observer(Arc::clone(observer));
        }
        Ok(builder)
    }
}

#[cfg(feature = "compiler")]
fn with_component(
    builder: MinterBuilder,
    path: PathBuf,
) -> Result<MinterBuilder, MinterSettingsError> {
    match crate::component_file::read(&path) {
        Ok(component) => Ok(builder.component(component)),
        Err(error) => Err(MinterSettingsError::Component {
            path,
            detail: error.to_string(),
        }),
    }
}

#[cfg(not(feature = "compiler"))]
fn with_component(_: MinterBuilder, path: PathBuf) -> Result<MinterBuilder, MinterSettingsError> {
    let detail = "this program runs the built-in component only".to_owned();
    Err(MinterSettingsError::Component { path, detail })
}
