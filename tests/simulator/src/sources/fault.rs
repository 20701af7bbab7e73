use std::time::Duration;

use super::{Platform, azure, fly, gcp, github};
use crate::side_server::Reply;

/// How a source misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceFault {
    /// It closes the connection as soon as it is made.
    Closed,
    /// The program may not have a token: the platform's own error. GitHub: 403; Google: 403,
    /// as where a service account is bound and may not be used; Azure: 401 `unknown_source`,
    /// App Service 403; Fly: 403.
    Denied,
    /// The token is empty, in a response that is good otherwise.
    Empty,
    /// It responds when it is forgiven, as always.
    Hold,
    /// It is a web page of something else, with status 200: not JSON, without the headers of
    /// the platform.
    Html,
    /// It does as always, but later.
    Late(Duration),
    /// Google's response has no `Metadata-Flavor`. Others do as always.
    NoFlavor,
    /// There is no identity to give a token of: the platform's own error. Google: 404, as
    /// where no service account is bound; Azure: 400 `Identity not found`; others: 404.
    NoIdentity,
    /// Its response has a body of so many bytes.
    Oversized(usize),
    /// It redirects to this URL.
    Redirect(String),
    /// It does not respond.
    Silence,
    /// It responds with this status and an empty body.
    Status(u16),
    /// It gives this instead of a token, in a response that is good otherwise.
    Text(String),
    /// Azure knows no application with this App ID URI: 400 `invalid_resource`. Others do as
    /// always.
    UnknownResource,
    /// The certificate of GitHub's server is for another host. Others do as always.
    WrongHost,
}

impl SourceFault {
    /// What is responded instead; `None` where it does as always.
    pub(super) fn reply(&self, platform: &Platform) -> Option<Reply> {
        Some(match self {
            Self::Closed => Reply::Hangup,
            Self::Denied => match platform {
                Platform::AzureAppService => azure::error(403, "forbidden", "access is denied"),
                Platform::AzureImds => azure::error(
                    401,
                    "unknown_source",
                    "Unknown Source http://169.254.169.254/metadata/identity/oauth2/token",
                ),
                Platform::Fly { .. } => fly::error(403, "forbidden"),
                Platform::GcpMetadata => gcp::error(
                    403,
                    "Unable to generate access token; IAM returned 403 Forbidden",
                ),
                Platform::GitHub => github::error(403, "the job may not ask for identity tokens"),
            },
            Self::Html => Reply::new(200, "text/html", "<html><title>Sign in</title></html>"),
            Self::NoIdentity => match platform {
                Platform::AzureAppService | Platform::AzureImds => {
                    azure::error(400, "invalid_request", "Identity not found")
                }
                Platform::Fly { .. } => fly::error(404, "not found"),
                Platform::GcpMetadata => gcp::error(
                    404,
                    "GCE Metadata service: Service account \"default\" not defined",
                ),
                Platform::GitHub => github::error(404, "not found"),
            },
            Self::Oversized(bytes) => Reply::new(200, "application/json", vec![b'x'; *bytes]),
            Self::Redirect(url) => Reply::new(302, "text/plain", "").with("location", url),
            Self::Silence => Reply::Silence,
            Self::Status(status) => Reply::new(*status, "text/plain", ""),
            Self::UnknownResource
                if matches!(platform, Platform::AzureAppService | Platform::AzureImds) =>
            {
                azure::error(
                    400,
                    "invalid_resource",
                    "AADSTS50001: The resource principal was not found in the tenant",
                )
            }
            Self::Empty
            | Self::Hold
            | Self::Late(_)
            | Self::NoFlavor
            | Self::Text(_)
            | Self::UnknownResource
            | Self::WrongHost => return None,
        })
    }
}
