use serde::Serialize;

use crate::KeyCapabilities;

/// The body of a request that creates an auth key. The API rejects members that it
/// does not know (tailscale/tailscale #7145), so there are no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyBody {
    /// What it lets devices do, and their tags.
    pub capabilities: KeyCapabilities<Vec<String>>,
    /// How long it can join machines, in seconds.
    pub expiry_seconds: u32,
    /// What the admin console shows beside it.
    pub description: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    capabilities: Capabilities<'a>,
    expiry_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Capabilities<'a> {
    devices: Devices<'a>,
}

#[derive(Serialize)]
struct Devices<'a> {
    create: &'a KeyCapabilities<Vec<String>>,
}

impl Serialize for NewKeyBody {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Body {
            capabilities: Capabilities {
                devices: Devices {
                    create: &self.capabilities,
                },
            },
            expiry_seconds: self.expiry_seconds,
            description: self.description.as_deref(),
        }
        .serialize(serializer)
    }
}

/// Says how [`NewKeyBody`] and the contract's record of the properties of a key become each
/// other. Each side generates a type of its own from that record, and names it here.
#[macro_export]
macro_rules! key_properties_record {
    ($record:ty) => {
        impl From<$crate::NewKeyBody> for $record {
            fn from(body: $crate::NewKeyBody) -> Self {
                let $crate::NewKeyBody {
                    capabilities:
                        $crate::KeyCapabilities {
                            reusable,
                            ephemeral,
                            preauthorized,
                            tags,
                        },
                    expiry_seconds,
                    description,
                } = body;
                Self {
                    reusable,
                    ephemeral,
                    preauthorized,
                    tags,
                    expiry_seconds,
                    description,
                }
            }
        }

        impl From<$record> for $crate::NewKeyBody {
            fn from(record: $record) -> Self {
                type Record = $record;
                let Record {
                    reusable,
                    ephemeral,
                    preauthorized,
                    tags,
                    expiry_seconds,
                    description,
                } = record;
                Self {
                    capabilities: $crate::KeyCapabilities {
                        reusable,
                        ephemeral,
                        preauthorized,
                        tags,
                    },
                    expiry_seconds,
                    description,
                }
            }
        }
    };
}
