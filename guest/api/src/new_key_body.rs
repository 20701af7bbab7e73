use serde::Serialize;

/// The body of a request that creates an auth key. The API rejects members that it
/// does not know (tailscale/tailscale #7145), so there are no others.
#[derive(Clone, Debug)]
pub struct NewKeyBody<'a> {
    /// It can join more than one machine.
    pub reusable: bool,
    /// Its machines are removed when they go offline.
    pub ephemeral: bool,
    /// Its machines need no approval by an administrator.
    pub preauthorized: bool,
    /// What its machines are tagged with.
    pub tags: Vec<&'a str>,
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
    create: Create<'a>,
}

#[derive(Serialize)]
struct Create<'a> {
    reusable: bool,
    ephemeral: bool,
    preauthorized: bool,
    tags: &'a [&'a str],
}

impl Serialize for NewKeyBody<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Body {
            capabilities: Capabilities {
                devices: Devices {
                    create: Create {
                        reusable: self.reusable,
                        ephemeral: self.ephemeral,
                        preauthorized: self.preauthorized,
                        tags: &self.tags,
                    },
                },
            },
            expiry_seconds: self.expiry_seconds,
            description: self.description,
        }
        .serialize(serializer)
    }
}
