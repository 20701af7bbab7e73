use std::path::PathBuf;

/// Whose source of identity tokens one is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Azure App Service, Functions and Container Apps.
    AzureAppService,
    /// The Instance Metadata Service of Azure's virtual machines.
    AzureImds,
    /// A machine of Fly.io.
    Fly {
        /// Where the socket is to be, which on a machine is `/.fly/api`.
        socket: PathBuf,
    },
    /// The metadata server of Google Cloud.
    GcpMetadata,
    /// A job of GitHub Actions that may ask for identity tokens.
    GitHub,
}
