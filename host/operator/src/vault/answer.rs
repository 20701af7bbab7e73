use std::collections::BTreeMap;

use http::{StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::{VaultError, VaultTarget, field::Field};
use tailmint::Secret;
use tailmint::connection::ApiResponse;
use tailmint_api::{OutsideText, from_json};
use tailmint_core::redacted;

/// What is at the place.
pub(crate) enum Held {
    /// Nothing, nor was there before.
    Nothing,
    /// A version that somebody deleted.
    Deleted { version: u64, destroyed: bool },
    /// A version.
    Version {
        number: u64,
        fields: BTreeMap<String, Field>,
    },
}

/// The result of a write.
pub(crate) enum Wrote {
    /// A version.
    Version(u64),
    /// Nothing: another version came first.
    Overtaken,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct ReadData {
    data: Option<BTreeMap<String, Field>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    destroyed: bool,
}

#[derive(Deserialize)]
struct Health {
    enterprise: Option<bool>,
}

#[derive(Deserialize)]
struct MountData {
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// What Vault says where a version other than the expected one is there: a text,
/// since it has no code of its own.
const OVERTAKEN: &str = "check-and-set parameter did not match";

/// What it says where no engine is mounted at the beginning of the path.
const NO_MOUNT: &str = "no handler for route";

/// What it says if the token is invalid, besides that permission is denied.
const INVALID_TOKEN: &str = "invalid token";

/// Reads responses: returns what was asked for, or an error that says what came
/// instead.
pub(crate) struct Reader<'a> {
    pub(crate) target: &'a VaultTarget,
    /// What no message may repeat, although the server does.
    pub(crate) secrets: Vec<&'a Secret>,
}

impl Reader<'_> {
    /// The current version.
    pub(crate) fn held(&self, inbound: &ApiResponse) -> Result<Held, VaultError> {
        if inbound.status == StatusCode::NOT_FOUND {
            // One body for what is not there, another for what was deleted.
            if let Ok(deleted) = from_json::<Envelope<ReadData>>(&inbound.body) {
                return Ok(Held::Deleted {
                    version: deleted.data.metadata.version,
                    destroyed: deleted.data.metadata.destroyed,
                });
            }
            return match errors(inbound) {
                Some(errors) if errors.is_empty() => Ok(Held::Nothing),
                _ => Err(self.unexpected(inbound)),
            };
        }
        let read: Envelope<ReadData> = self.success(inbound)?;
        let metadata = read.data.metadata;
        match read.data.data {
            Some(fields) if metadata.version > 0 => Ok(Held::Version {
                number: metadata.version,
                fields,
            }),
            _ => Err(VaultError::Malformed),
        }
    }

    /// The version that was written. From here on what is not understood is not
    /// known either.
    pub(crate) fn wrote(&self, inbound: &ApiResponse) -> Result<Wrote, VaultError> {
        if inbound.status == StatusCode::BAD_REQUEST
            && errors(inbound).is_some_and(|all| all.iter().any(|it| it.contains(OVERTAKEN)))
        {
            return Ok(Wrote::Overtaken);
        }
        match self.success::<Envelope<Metadata>>(inbound) {
            Ok(written) if written.data.version > 0 => Ok(Wrote::Version(written.data.version)),
            Ok(_) => Err(unknown(&VaultError::Malformed)),
            Err(error @ (VaultError::Malformed | VaultError::Unavailable { .. })) => {
                Err(unknown(&error))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the mount is of the kind whose versions can be checked: on version 1
    /// a write would go through, to another place and over what is there.
    pub(crate) fn is_versioned(&self, inbound: &ApiResponse) -> Result<bool, VaultError> {
        let mount: Envelope<MountData> = self.success(inbound)?;
        let version = mount.data.options.as_ref();
        let version = version.and_then(|options| options.get("version"));
        Ok(mount.data.kind == "kv" && version.is_some_and(|version| version == "2"))
    }

    /// Whether the server says that it has no namespaces. The status of this response
    /// varies, its body does not.
    pub(crate) fn lacks_namespaces(&self, inbound: &ApiResponse) -> Result<bool, VaultError> {
        match from_json::<Health>(&inbound.body) {
            Ok(health) => Ok(health.enterprise == Some(false)),
            Err(_) if inbound.status == StatusCode::OK => Err(VaultError::Malformed),
            Err(_) => Err(self.unexpected(inbound)),
        }
    }

    fn success<T: DeserializeOwned>(&self, inbound: &ApiResponse) -> Result<T, VaultError> {
        if inbound.status != StatusCode::OK {
            return Err(self.unexpected(inbound));
        }
        from_json(&inbound.body).map_err(|_| VaultError::Malformed)
    }

    /// The error that an unexpected response means.
    fn unexpected(&self, inbound: &ApiResponse) -> VaultError {
        let status = inbound.status.as_u16();
        let errors = errors(inbound);
        let says = |text: &str| errors.iter().flatten().any(|it| it.contains(text));
        let message = || self.words(&errors.clone().unwrap_or_default().join("; "));
        match status {
            300..400 => VaultError::Redirected {
                status,
                to: inbound
                    .headers
                    .get(header::LOCATION)
                    .map(|to| self.words(&String::from_utf8_lossy(to.as_bytes()))),
            },
            403 => VaultError::Forbidden {
                target: self.target.to_string(),
                invalid_token: says(INVALID_TOKEN),
            },
            404 if says(NO_MOUNT) => VaultError::NoMount {
                mount: self.target.mount.to_string(),
            },
            503 if says("sealed") => VaultError::Sealed,
            500.. => VaultError::Unavailable {
                status,
                message: message(),
            },
            400..500 if errors.is_some() => VaultError::Refused {
                status,
                message: message(),
            },
            _ => VaultError::Malformed,
        }
    }

    /// The server's words, or names that it gives, without secrets of ours.
    pub(super) fn words(&self, text: &str) -> OutsideText {
        redacted(text, &self.secrets)
    }
}

fn errors(inbound: &ApiResponse) -> Option<Vec<String>> {
    let errors: Errors = from_json(&inbound.body).ok()?;
    Some(errors.errors)
}

fn unknown(error: &VaultError) -> VaultError {
    VaultError::OutcomeUnknown {
        detail: OutsideText::of(error),
    }
}
