//! Mints short-lived Tailscale auth keys in a sandbox.
//!
//! ```no_run
//! use tailmint::{Account, Credential, KeyProperties, Minter, Secret};
//!
//! # async fn example(secret: String) -> Result<(), Box<dyn std::error::Error>> {
//! let account = Account::new(Credential::OauthClient {
//!     id: "kBOOTCNTRL".to_owned(),
//!     secret: Secret::new(secret),
//! });
//! let minter = Minter::builder().build()?;
//! let properties = KeyProperties::for_tags(vec!["tag:tazpod".parse()?]);
//! let minted = minter.mint(&account, &properties).await?;
//! println!("key {} until {}", minted.details.id, minted.details.expires);
//! # Ok(())
//! # }
//! ```
//!
//! For most uses that is all. [`MinterBuilder`] takes a [`policy`] of your own, an
//! [`audit`] log that every decision is written to before its request is sent, an
//! [`Observer`](event::Observer), a deadline and an [`Interrupt`].
//!
//! It needs a tokio runtime with I/O and time, but need not be polled by it: where one
//! is entered, any executor can drive a call. A [`Minter`] is `Send` and `Sync`. A call
//! that is dropped leaves it as usable as before, though a key whose request was sent may
//! then exist until its expiry. The library prints nothing, reads no environment variable
//! and no file that it is not given, and never ends the process.
//!
//! [`component`] has the component itself, for other runtimes.
//!
//! # Stability
//!
//! The command and the component's contract have version numbers that say what they
//! promise. This library has none yet: until 1.0 any minor version may change it. What
//! is `non_exhaustive` may grow in any version.

mod account;
mod credential;
mod egress;
#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod internals;
mod minter;
mod sandbox;
mod seal;

pub use account::Account;
pub use credential::Credential;
pub use minter::{AuthKey, LeftBehind, MintError, MintErrorKind, MintedKey, Minter, MinterBuilder};
pub use tailmint_api::{
    Description, DescriptionError, Expiry, ExpiryError, KeyCapabilities, KeyId, KeyIdError,
    KeyProperties, OutsideText, Tag, TagError, Tailnet, TailnetError,
};
pub use tailmint_audit as audit;
pub use tailmint_core::{Class, Diagnose, Interrupt, Secret};
pub use tailmint_policy as policy;

/// OAuth clients: the credentials that keys are minted with.
pub mod oauth_client {
    pub use tailmint_api::{ClientProperties, Scope, ScopeError};

    pub use crate::minter::{ClientDetails, NewClient, ScopeCheck};
}

/// Federated identities: credentials without a standing secret.
pub mod federated_identity {
    pub use tailmint_api::{
        Audience, AudienceError, ClaimName, ClaimNameError, IdentityProperties, Issuer,
        IssuerError, Pattern, PatternError,
    };

    pub use crate::minter::{IdentityDetails, IdentityGrant};
}

/// How the API is reached.
pub mod connection {
    pub use tailmint_core::Failure;

    pub use crate::egress::{
        ApiResponse, ConnectTo, ConnectToError, Connections, Limits, Proxy, ProxyError, Trust,
        TrustError,
    };
}

/// The component, for other runtimes, and what can be read off one.
pub mod component {
    pub use crate::sandbox::{EmbeddedComponent, InspectError, Inspected};
}

/// What happens on the way out, while it happens.
pub mod event {
    pub use tailmint_core::{Decision, Denial, Event, Observer, Unobserved};
}

/// The Rust of the page is compiled as that of this crate's documentation is.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Page;
