//! Fake sources of identity tokens: what a platform gives the programs that run on it.
//!
//! ```no_run
//! use tailmint_simulator::{Issuer, Setup, Simulator, sources::{Platform, Source, SourceFault}};
//!
//! let simulator = Simulator::start(&Setup::default())?;
//! let issuer = Issuer::start_as(&simulator, "https://token.actions.githubusercontent.com")?;
//! let mint = issuer.mint("repo:acme/web:ref:refs/heads/main");
//! let source = Source::start(&simulator, &Platform::GitHub, mint)?;
//! for (name, value) in source.variables() {
//!     // Set it for the program that is tested.
//! }
//! source.misbehave(SourceFault::Denied);
//! // ... it gets no token ...
//! source.forgive();
//! assert_eq!(source.requests().len(), 1);
//! # std::io::Result::Ok(())
//! ```
//!
//! Each is as strict as the real one is known to be:
//!
//! | platform | where | a request that it takes | its response |
//! |---|---|---|---|
//! | [`Platform::GitHub`] | TLS on loopback, for `run-actions-1-azure-eastus.actions.githubusercontent.com`, `localhost` and `127.0.0.1`, by the simulator's authority | `GET` of the path of `ACTIONS_ID_TOKEN_REQUEST_URL` with its query and `audience=A`, `Authorization: Bearer` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`; without an audience the token is for `https://github.com/acme` | `{"count","value"}` |
//! | [`Platform::GcpMetadata`] | plain HTTP on loopback, in `GCE_METADATA_HOST` | `GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=A`, `format` is `standard` or `full`, `Metadata-Flavor: Google`, no `X-Forwarded-For` | the token, with `Metadata-Flavor: Google` |
//! | [`Platform::AzureImds`] | plain HTTP on loopback | `GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=A`, `Metadata: true`, no `X-Forwarded-For` | JSON with `access_token`, and its times as text |
//! | [`Platform::AzureAppService`] | plain HTTP on loopback, in `IDENTITY_ENDPOINT` | `GET` of that with `?resource=A&api-version=2019-08-01`, `X-IDENTITY-HEADER` as in `IDENTITY_HEADER` | the same |
//! | [`Platform::Fly`] | a Unix socket | `POST /v1/tokens/oidc` `{"aud":A}` | the token |
//!
//! A request that is not such a one gets the error of the platform. What those say beyond
//! their status is a guess, but for the codes of Azure and the two errors of GKE.

mod azure;
mod fault;
mod fly;
mod gcp;
mod github;
mod platform;
mod source;

pub use fault::SourceFault;
pub use platform::Platform;
pub use source::Source;
