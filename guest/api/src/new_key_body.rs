use serde::Serialize;

use crate::KeyCapabilities;

/// The body of a request that creates an auth key. The API rejects members that it
/// does not know (tailscale/tailscale #7145), so there are no others.
#[derive(Clone, Debug)]
pub struct NewKeyBody<'a> {
    /// What it lets devices do, and their tags.
    pub capabilities: KeyCapabilities<Vec<&'a str>>,
    /// How long it can join machines, in seconds.
    pub expiry_seconds: u32,
    /// What the admin console shows beside it.
    pub description: Option<&'a str>,
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
    create: &'a KeyCapabilities<Vec<&'a str>>,
}

impl Serialize for NewKeyBody<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Body {
            capabilities: Capabilities {
                devices: Devices {
                    create: &self.capabilities,
                },
            },
            expiry_seconds: self.expiry_seconds,
            description: self.description,
        }
        .serialize(serializer)
    }
}
